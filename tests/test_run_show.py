"""Does a run read well on a terminal? In 80 columns, with every effect, what ran, what broke."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from kb.terminal import cells, cut, plain, wrapped
from kb.traces.read_runs import read_runs
from kb.traces.render import View, timeline
from kb.traces.run import Effect

from conftest import EXAMPLE
from test_cli import kb
from traces_made import FORMATS, answered, asked, call, run_of, written

EFFECTS = {"look": Effect.READ, "charge": Effect.WRITE, "drop": Effect.DESTRUCTIVE}
FIXTURE = EXAMPLE.parent / EXAMPLE.stem / "fixture.json"


def text_of(run: Any, **view: Any) -> list[str]:
    return ["".join(piece.text for piece in line) for line in timeline(run, View(**view))]


def line_with(lines: list[str], words: str) -> str:
    return next(line for line in lines if words in line)


def night(tmp_path: Path) -> Any:
    """A renewal with one call of every effect, a failure and a repeated write."""
    rows = [
        {"role": "system", "content": "You renew plans."},
        {"role": "user", "content": "Renew invoice 7781"},
        asked(call(1, "look", {"invoice": 7781})),
        answered(1, "due"),
        asked(call(2, "charge", {"invoice": 7781}), text="I charge now."),
        answered(2, "timeout after 10000 ms"),
        asked(call(3, "charge", {"invoice": 7781})),
        answered(3, "ok"),
        asked(call(4, "drop", {"table": "t"})),
        asked(call(5, "mystery", {})),
        answered(5, "done"),
    ]
    return run_of(tmp_path, rows, effects=EFFECTS)


def test_the_worked_example_reads_as_it_happened() -> None:
    (run,) = read_runs(FIXTURE)
    lines = text_of(run)
    assert all(cells(line) <= 80 for line in lines)
    assert line_with(lines, "get_invoice").split()[2:4] == ["○", "read"]
    repeated = next(i for i, line in enumerate(lines) if "same call as step 5" in line)
    assert "charge(" in lines[repeated - 1]
    assert "ran" in lines[repeated]
    frozen = next(i for i, line in enumerate(lines) if "a replay begins" in line)
    assert "timeout after 10000 ms" in lines[frozen - 1]
    assert "10 s · ran?" in lines[frozen - 1]


def test_every_effect_has_its_mark_and_the_legend_explains_those_used(tmp_path: Path) -> None:
    lines = text_of(night(tmp_path))
    for tool, mark in (("look", "○ read"), ("charge", "▲ write"), ("drop", "✖ destroys"),
                       ("mystery", "? unknown")):  # fmt: skip
        assert mark in line_with(lines, f"{tool}(")
    legend = line_with(lines, "treated as a write")
    assert legend == "○ reads   ▲ writes   ✖ destroys   ? unknown, treated as a write"


def test_failures_missing_answers_and_repeats_are_said_where_they_happened(tmp_path: Path) -> None:
    lines = text_of(night(tmp_path))
    assert "✗ timeout after 10000 ms" in lines[lines.index(line_with(lines, "charge(")) + 1]
    assert line_with(lines, "… no answer in the trace").endswith("ran?")
    assert line_with(lines, "same call as step").strip().startswith("→ ok")
    assert line_with(lines, "1 failed")
    assert line_with(lines, "1 unanswered")


def test_turns_and_the_freeze_are_ruled_off(tmp_path: Path) -> None:
    lines = text_of(night(tmp_path))
    assert line_with(lines, "── before the first turn ─")
    assert line_with(lines, "── turn 1 ─")
    assert "turn of the first failed call" in line_with(lines, "┄┄ frozen here")


@pytest.mark.parametrize("width", [60, 80, 120])
def test_no_line_is_wider_than_the_terminal(width: int, tmp_path: Path, data: Path) -> None:
    paths = [p for p in (data / "runs/traces").rglob("*.json*") if p.parent.name != "traces"]
    for path in paths:
        for run in list(read_runs(path))[:2]:
            wide = [line for line in text_of(run, width=width) if cells(line) > width]
            assert wide == [], path.name


def test_wide_characters_count_twice(tmp_path: Path) -> None:
    run = run_of(tmp_path, [{"role": "user", "content": "請求書を更新してください " * 20}])
    assert all(cells(line) <= 80 for line in text_of(run))


def test_full_shows_whole_texts_and_thoughts(tmp_path: Path) -> None:
    words = " ".join(f"word{n}" for n in range(200))
    message = {"role": "assistant", "content": words, "reasoning_content": "why not"}
    run = run_of(tmp_path, [{"role": "user", "content": "go"}, message])
    short, full = "\n".join(text_of(run)), "\n".join(text_of(run, full=True))
    assert ("word199" in short, "word199" in full) == (False, True)
    assert ("why not" in short, "why not" in full) == (False, True)


def test_where_the_run_leaves_a_passing_one_is_marked(tmp_path: Path) -> None:
    passing = EXAMPLE.parent / "agent/passing.json"
    status, out, _ = kb(
        "run", "show", str(FIXTURE), "--against", str(passing), cwd=tmp_path
    )  # fmt: skip
    lines = out.splitlines()
    assert status == 0
    mark = lines.index(line_with(lines, "differs from the passing one"))
    assert "charge(" in lines[mark + 1]


def test_a_file_of_several_runs_is_listed_and_one_can_be_drawn(tmp_path: Path) -> None:
    rows = [FORMATS["messages"](word) | {"id": word} for word in ("one", "two")]
    written(tmp_path / "night.json", rows)
    status, out, _ = kb("run", "show", "night.json", cwd=tmp_path)
    assert (status, len(out.splitlines())) == (0, 5)
    assert "kb run show night.json --run NUMBER draws one." in out
    assert all(cells(line) <= 80 for line in out.splitlines())
    status, out, _ = kb("run", "show", "night.json", "--run", "two", cwd=tmp_path)
    assert out.startswith("run two")


def test_the_canonical_run_is_shown_for_machines(tmp_path: Path) -> None:
    written(tmp_path / "trace.json", FORMATS["otlp"]("x"))
    status, out, _ = kb("run", "show", "trace.json", "--json", cwd=tmp_path)
    assert (status, json.loads(out)["schema"]) == (0, "kb.run/1")


def test_a_pipe_gets_no_colours_and_a_terminal_that_asks_for_them_does(tmp_path: Path) -> None:
    written(tmp_path / "trace.json", FORMATS["otlp"]("x"))
    _, out, _ = kb("run", "show", "trace.json", cwd=tmp_path)
    assert "\x1b" not in out


def test_the_group_says_what_its_verbs_do(tmp_path: Path) -> None:
    status, out, err = kb("run", "--help", cwd=tmp_path)
    assert (status, err) == (0, "")
    assert all(len(line) <= 80 for line in out.splitlines())
    for verb in ("import", "show", "audit", "diff", "replay", "capture", "checkup"):
        status, helped, _ = kb("run", verb, "--help", cwd=tmp_path)
        assert (status, verb in out) == (0, True)
        assert all(len(line) <= 80 for line in helped.splitlines()), verb


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a\tb\nc", "a b c"),
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07x", "x"),
        ("a\u202eb\u2066c\u200b", "abc"),
        ("bell\x07", "bell\ufffd"),
        ("\x9b31m", "\ufffd31m"),
    ],
)
def test_plain_text_has_nothing_a_terminal_acts_on(text: str, expected: str) -> None:
    assert plain(text) == expected


def test_wrapping_keeps_words_whole_and_loses_nothing_that_fits() -> None:
    assert wrapped("one two three", 8, 3) == ["one two", "three"]
    assert wrapped("x" * 30, 10, 5) == ["x" * 10] * 3
    assert wrapped("one two three four", 8, 2) == ["one two", "three f…"]
    assert (cut("漢字漢字", 5), cut("abc", 3), wrapped("", 10, 2)) == ("漢字…", "abc", [""])
