"""Do rows that are decoded straight into fields tell the same as by the way that reads any?

The same row goes both ways: with a key that says nothing, it is none of the plain ones.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from kb.traces.importers.claude_rows import plain_row
from kb.traces.importers.codex_rows import plain_item
from kb.traces.read_runs import read_runs
from kb.traces.run import Run

from traces_made import claude_row, codex_row, lines, written

TOOL = {"type": "tool_use", "id": "t1", "name": "Bash", "input": {"command": "ls"}}
DENIED = {"type": "tool_result", "tool_use_id": "t1", "content": "denied", "is_error": True}
BLOCKS = [{"type": "text", "text": "a"}, {"type": "text", "text": ""}]
#: The longest second copy of a result that is a fact of its own, each letter in twelve bytes.
ASTRAL = "\N{ELEPHANT}" * 200

CLAUDE: dict[str, list[dict[str, Any]]] = {
    "words": [claude_row("user", 0, "Renew"), claude_row("assistant", 1, BLOCKS)],
    "nothing": [claude_row("user", 0, ""), claude_row("assistant", 1, [])],
    "thoughts": [claude_row("assistant", 1, [{"type": "thinking", "thinking": "hm"}])],
    "an answer in two rows": [
        claude_row("assistant", n, [block], message={"id": "m", "model": "x", "usage": usage})
        for n, block, usage in (
            (1, BLOCKS[0], {"input_tokens": 5}),
            (2, TOOL, {"output_tokens": 7}),
        )
    ],
    "a result that is an error": [
        claude_row("assistant", 1, [TOOL]),
        claude_row("user", 2, [DENIED], toolUseResult="Error: denied"),
    ],
    "a result in blocks, with facts": [
        claude_row("assistant", 1, [TOOL]),
        claude_row(
            "user",
            2,
            [DENIED | {"content": [*BLOCKS, {"type": "image"}], "is_error": False}],
            toolUseResult={"exit": 3, "long": "x" * 5_000, "animals": ASTRAL, "agentId": "a1"},
        ),
    ],
    "no result": [
        claude_row("assistant", 1, [TOOL]),
        claude_row("user", 2, [DENIED | {"content": None, "is_error": None}], toolUseResult=None),
    ],
    "arguments as text": [claude_row("assistant", 1, [TOOL | {"input": '{"command": "ls"}'}])],
    "a side chain": [
        claude_row("assistant", 1, [TOOL | {"name": "Task", "input": {"prompt": "Look"}}]),
        claude_row("user", 2, "Look", isSidechain=True, agentId="a1"),
        claude_row("assistant", 3, BLOCKS, isSidechain=True),
    ],
    "words of the harness": [claude_row("user", 0, "Caveat", isMeta=True)],
    "another folder": [
        claude_row("user", 0, "a", cwd="/a", gitBranch="main"),
        claude_row("user", 1, "b", cwd="/b", version="3"),
    ],
}

SAID = [{"type": "output_text", "text": "a"}, {"type": "output_text", "text": ""}]
ASKED = {"type": "function_call", "call_id": "c1", "name": "exec", "arguments": '{"cmd": "ls"}'}
CODEX: dict[str, list[dict[str, Any]]] = {
    "words": [
        {"type": "message", "role": role, "content": SAID} for role in ("user", "assistant")
    ],
    "words of a program": [
        {"type": "message", "role": "user", "content": [
            {"type": "input_text", "text": "<environment_context>x</environment_context>"}]},
    ],
    "a call and its result": [
        ASKED, {"type": "function_call_output", "call_id": "c1", "output": "Exit code: 1"},
    ],
    "a tool that is given a text": [
        {"type": "custom_tool_call", "call_id": "c1", "name": "apply_patch", "input": "*** Begin"},
        {"type": "custom_tool_call_output", "call_id": "c1", "output": '{"output": "done"}'},
    ],
}  # fmt: skip


def run_of(path: Path, rows: list[dict[str, Any]]) -> Run:
    (run,) = read_runs(written(path, lines(*rows)))
    return run


@pytest.mark.parametrize("name", CLAUDE)
def test_plain_rows_of_claude_code_tell_the_same_both_ways(name: str, tmp_path: Path) -> None:
    start = claude_row("user", 0, "Begin", uuid="u")
    rows = [start, *CLAUDE[name]]
    longer = [row | {"message": row["message"] | {"stop_details": {}}} for row in rows]
    assert None not in [plain_row(json.dumps(row).encode()) for row in rows]
    assert {plain_row(json.dumps(row).encode()) for row in longer} == {None}
    by_fields, by_any = run_of(tmp_path / "a", rows), run_of(tmp_path / "b", longer)
    assert by_fields.steps == by_any.steps
    assert by_fields.source == by_any.source
    assert by_fields.provenance.lossy == by_any.provenance.lossy


@pytest.mark.parametrize("name", CODEX)
def test_plain_items_of_codex_tell_the_same_both_ways(name: str, tmp_path: Path) -> None:
    start = codex_row("session_meta", 0, id="s1", cli_version="1")
    rows = [codex_row("response_item", n, **item) for n, item in enumerate(CODEX[name], 1)]
    longer = [row | {"payload": row["payload"] | {"usage": {}}} for row in rows]
    assert None not in [plain_item(json.dumps(row).encode()) for row in rows]
    assert {plain_item(json.dumps(row).encode()) for row in longer} == {None}
    by_fields, by_any = (
        run_of(tmp_path / "a", [start, *rows]),
        run_of(tmp_path / "b", [start, *longer]),
    )
    assert by_fields.steps == by_any.steps
    assert by_fields.provenance.lossy == by_any.provenance.lossy


def test_an_image_and_a_value_in_a_wrapper_are_read_the_long_way() -> None:
    image = claude_row("user", 1, [{"type": "image", "source": {}}])
    wrapped = claude_row("user", 1, [DENIED | {"content": {"type": "json", "value": 1}}])
    stream = claude_row("user", 1, "a", sessionId=None, session_id="s")
    for row in (image, wrapped, stream):
        assert plain_row(json.dumps(row).encode()) is None
