"""The suite in the words of the tools that teams run already: an Inspect task, a promptfoo config.

Each case calls `kb run replay` on a fixture; the tool chooses, runs, counts and shows. Neither file
holds a text of a record but its name and title, both as data.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path

from kb.traces.replay.suite import SuiteCase

_INSPECT = '''"""Postmortems as a task of Inspect AI: each run is replayed and must pass.

Written by `kb run export inspect`. No model is asked: your agent is, by `kb run replay`.

    inspect eval postmortems.py --model mockllm/model -T library=. -T entry=package.module:function
"""

import asyncio
import json
import subprocess
import sys

from inspect_ai import Task, task
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import ModelOutput
from inspect_ai.scorer import CORRECT, INCORRECT, Score, accuracy, scorer, stderr
from inspect_ai.solver import solver

CASES = json.loads(
    r"""%s"""
)


def replay(library, fixture, entry, trials):
    """What `kb run replay` says of a fixture, as a dict; its complaint where it says nothing."""
    words = [sys.executable, "-m", "kb", "run", "replay", fixture, "-n", str(trials), "--json"]
    words += ["--entry", entry] if entry else []
    done = subprocess.run(words, cwd=library, capture_output=True, text=True)
    nothing = {"passed": 0, "n": trials, "why": done.stderr}
    return json.loads(done.stdout) if done.stdout else nothing


@solver
def agent_under_replay(library, entry, trials):
    async def solve(state, generate):
        fixture = state.metadata["fixture"]
        found = await asyncio.to_thread(replay, library, fixture, entry, trials)
        state.output = ModelOutput.from_content("kb", json.dumps(found))
        return state

    return solve


@scorer(metrics=[accuracy(), stderr()])
def every_trial_passes():
    async def score(state, target):
        found = json.loads(state.output.completion)
        whole = found["passed"] == found["n"]
        return Score(
            value=CORRECT if whole else INCORRECT,
            answer="%%d/%%d" %% (found["passed"], found["n"]),
            explanation=json.dumps(found, indent=2)[:20000],
        )

    return score


@task
def postmortems(library=".", entry="", trials=10):
    samples = [
        Sample(id=case["record"], input=case["title"], target="PASS", metadata=case)
        for case in CASES
    ]
    return Task(
        dataset=MemoryDataset(samples, name="postmortems"),
        solver=agent_under_replay(library, entry, int(trials)),
        scorer=every_trial_passes(),
    )
'''
#: promptfoo hands the prompt to a program as its first argument, and two more that kb knows not.
_PROVIDER = "exec: sh -c 'kb run replay \"$0\" --json || true'"
_PASSES = "JSON.parse(output).passed === JSON.parse(output).n"


def _rows(cases: Sequence[SuiteCase], root: Path) -> list[dict[str, object]]:
    return [
        {
            "record": case.record.id,
            "title": case.record.title,
            "route": case.record.route,
            "classes": list(case.record.classes),
            "fixture": case.path.relative_to(root).as_posix(),
        }
        for case in cases
    ]


def inspect_task(cases: Sequence[SuiteCase], root: Path) -> str:
    """A Python file with one task, `postmortems`, a sample for each record."""
    rows = json.dumps(_rows(cases, root), ensure_ascii=True, indent=2)
    # No text can end the string that holds it, nor escape in it: both signs are numbers in JSON.
    return _INSPECT % rows.replace("\\\\", "\\u005c").replace('\\"', "\\u0022")


def promptfoo_config(cases: Sequence[SuiteCase], root: Path) -> str:
    """A promptfooconfig.json with a test for each record."""
    config = {
        "description": "Postmortems: each run is replayed, and has to pass",
        "prompts": ["{{fixture}}"],
        "providers": [{"id": _PROVIDER, "label": "your agent, by kb run replay"}],
        "tests": [
            {
                "description": f"{row['record']}",
                "vars": {"fixture": row["fixture"]},
                "metadata": {"route": row["route"], "classes": row["classes"]},
                "assert": [{"type": "javascript", "value": _PASSES}],
            }
            for row in _rows(cases, root)
        ],
    }
    return json.dumps(config, ensure_ascii=True, indent=2) + "\n"


EXPORTERS: dict[str, Callable[[Sequence[SuiteCase], Path], str]] = {
    "inspect": inspect_task,
    "promptfoo": promptfoo_config,
}
