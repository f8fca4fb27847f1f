"""Is a failed task of Who&When read as what its agents said?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from traces_made import run_of


def log(*history: dict[str, Any]) -> dict[str, Any]:
    labels = {"mistake_agent": "WebSurfer", "mistake_step": "1", "question_ID": "q1"}
    return {"history": list(history), "question": "Where?", "ground_truth": "Here", **labels}


def test_roles_are_agents_and_only_a_human_is_a_person(tmp_path: Path) -> None:
    run = run_of(tmp_path, log({"role": "human", "content": "Where?"},
                               {"role": "WebSurfer", "content": "I look."}))  # fmt: skip
    assert [(m.role, m.agent, m.text) for m in run.messages] == [
        ("user", "", "Where?"),
        ("assistant", "WebSurfer", "I look."),
    ]
    assert (run.task, run.source["mistake_step"]) == ("q1", "1")


def test_agents_with_names_speak_and_the_question_comes_first(tmp_path: Path) -> None:
    run = run_of(tmp_path, log({"role": "user", "name": "Excel_Expert", "content": "A task."}))
    assert [(m.role, m.agent, m.text) for m in run.messages] == [
        ("user", "", "Where?"),
        ("assistant", "Excel_Expert", "A task."),
    ]
