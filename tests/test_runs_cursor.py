"""Is a transcript of Cursor's agent read, with what a person asked told from what is around it?"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from agent_traces_made import cursor
from traces_made import lines, run_of


def row(role: str, *content: Any) -> dict[str, Any]:
    return {"role": role, "message": {"content": list(content)}}


def test_the_request_and_the_calls_are_read(tmp_path: Path) -> None:
    run = run_of(tmp_path, cursor("7781"))
    assert [(m.role, m.text) for m in run.messages] == [
        ("user", "Renew invoice 7781"),
        ("assistant", "7781"),
        ("assistant", "Renewed."),
    ]
    assert [(c.tool, c.arguments, c.is_answered) for c in run.calls] == [
        ("charge", {"note": "7781"}, False)
    ]


def test_what_the_editor_adds_is_no_word_of_the_user(tmp_path: Path) -> None:
    text = "<open_files>a.py</open_files>\n<user_query>\nFix it\n</user_query>"
    run = run_of(
        tmp_path, lines(row("user", {"type": "text", "text": text}), row("assistant", "ok"))
    )
    assert [(m.role, m.text) for m in run.messages[:2]] == [
        ("developer", "<open_files>a.py</open_files>"),
        ("user", "Fix it"),
    ]


def test_a_turn_that_ended_in_an_error_says_so(tmp_path: Path) -> None:
    rows = [row("user", {"type": "text", "text": "hi"}), row("assistant", "on it"),
            {"type": "turn_ended", "status": "error", "error": "lost"}]  # fmt: skip
    assert run_of(tmp_path, lines(*rows)).steps[-1].text == "lost"  # type: ignore[union-attr]
