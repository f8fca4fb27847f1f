"""Does a reading account for every row of its source? Used, repeated, or left out and why."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from kb.traces.decoding.row_account import UNREAD, Verdict
from kb.traces.read_runs import ReadingSettings, TraceReading, open_reading

from test_cli import kb
from test_runs_import import manifest
from traces_made import (
    FORMATS,
    answered,
    asked,
    call,
    claude_row,
    lines,
    otlp,
    span,
    written,
)


def read_whole(path: Path, **settings: Any) -> TraceReading:
    reading = open_reading(path, ReadingSettings(**settings))
    list(reading.runs())
    return reading


def ends(reading: TraceReading) -> list[tuple[str, str, str]]:
    return [(row.where, str(row.verdict), row.why) for row in reading.rows.verdicts()]


def units(value: Any, text: str) -> int:
    """How many rows a reader counts in a trace made by hand: lines, spans, messages."""
    if isinstance(value, str):
        return text.count("\ndata: ") or len(text.splitlines())
    if simulations := value.get("simulations"):
        return sum(len(simulation["messages"]) for simulation in simulations)
    lists = [value[key] for key in ("messages", "steps", "trajectory", "history") if key in value]
    if lists:
        return sum(map(len, lists))
    return text.count('"traceId"') or text.count('"span_id"')


@pytest.mark.parametrize("name", FORMATS)
def test_every_row_of_every_format_is_counted_once(name: str, tmp_path: Path) -> None:
    value = FORMATS[name]("x")
    path = written(tmp_path / "trace.json", value)
    found = ends(read_whole(path))
    assert len(found) == units(value, path.read_text("utf-8"))
    assert [end for end in found if end[1] == Verdict.LEFT_OUT] == []


def test_rows_of_lines_are_all_there_and_their_counts_add_up(data: Path) -> None:
    for row in manifest(data):
        path = data / "runs/traces" / row["file"]
        if path.suffix != ".jsonl":
            continue
        reading = read_whole(path)
        lines_told = {end[0].split(".")[0].split(",")[0] for end in ends(reading)}
        text = path.read_text("utf-8").splitlines()
        assert lines_told == {f"line {n}" for n, line in enumerate(text, 1) if line.strip()}
        assert sum(reading.rows.counts().values()) == len(ends(reading))


def test_spans_are_all_there_wherever_they_lie(data: Path) -> None:
    for row in manifest(data):
        if row["format"] == "otlp_genai":
            path = data / "runs/traces" / row["file"]
            spans = sum(path.read_text("utf-8").count(f'"{key}":') for key in ("spanId", "span_id"))
            assert spans > 0
            assert len(ends(read_whole(path))) <= spans


def test_a_row_that_no_importer_speaks_of_is_left_out_and_not_gone(tmp_path: Path) -> None:
    hi, empty = ({"role": "user", "content": text} for text in ("hi", ""))
    rows = [hi, {"metric": 3}, 7, empty, hi, hi]
    assert ends(read_whole(written(tmp_path / "t.jsonl", lines(*rows)))) == [
        ("line 1", "used", ""),
        ("line 2", "left out", "rows without messages"),
        ("line 3", "left out", "rows without messages"),
        ("line 4", "left out", "messages without words"),
        ("line 5", "used", ""),
        ("line 6", "used", ""),
    ]


def test_a_message_that_a_later_request_repeats_is_repeated(tmp_path: Path) -> None:
    hi, yes = {"role": "user", "content": "hi"}, {"role": "assistant", "content": "yes"}
    more = {"role": "user", "content": "more"}
    rows = [{"messages": [hi]}, {"messages": [hi, yes, more]}]
    assert ends(read_whole(written(tmp_path / "t.jsonl", lines(*rows)))) == [
        ("line 1.messages[0]", "used", ""),
        ("line 2.messages[0]", "repeated", ""),
        ("line 2.messages[1]", "used", ""),
        ("line 2.messages[2]", "used", ""),
    ]


def test_plumbing_is_left_out_with_its_reason_and_an_empty_group_is_said(tmp_path: Path) -> None:
    spans = [span(1, "HTTP GET", 0, 9), span(2, "tool.pay", 1, 2, input='{"n": 1}', output="paid")]
    trace = {"resourceSpans": [{"scopeSpans": [{"spans": spans}, {"spans": []}]}]}
    other: dict[str, list[object]] = {"resourceSpans": []}
    found = ends(read_whole(written(tmp_path / "t.jsonl", lines(trace, other))))
    assert found == [
        (
            "line 1, resourceSpans[0], scopeSpans[0], spans[0]",
            "left out",
            "spans of other kinds (HTTP, chains, tasks)",
        ),
        ("line 1, resourceSpans[0], scopeSpans[0], spans[1]", "used", ""),
        ("line 2", "left out", "rows that hold no records"),
    ]


def test_two_lists_of_spans_in_one_object_are_both_read(tmp_path: Path) -> None:
    value = otlp("x")
    late = span(9, "tool.pay", 8, 9, input='{"n": 1}', output="paid")
    reading = open_reading(written(tmp_path / "t.json", {**value, "spans": [late]}))
    (run,) = reading.runs()
    assert [one.tool for one in run.calls] == ["charge", "pay"]
    assert ("spans[0]", "used", "") in ends(reading)


def test_the_end_of_an_operation_fares_as_its_beginning(tmp_path: Path) -> None:
    ids = {"trace_id": "t1", "dotted_order": "1"}
    rows = [
        {"operation": "post", "id": "r1", "name": "chain", "run_type": "chain", **ids},
        {"operation": "post", "id": "r2", "name": "pay", "run_type": "tool", **ids},
        {"operation": "patch", "id": "r1", **ids, "outputs": {}},
        {"operation": "patch", "id": "r2", **ids, "outputs": {"output": "paid"}},
    ]
    found = ends(read_whole(written(tmp_path / "t.jsonl", lines(*rows))))
    assert [end[1] for end in found] == ["left out", "used", "left out", "used"]
    assert UNREAD not in {end[2] for end in found}


def test_the_command_says_it_of_every_row_and_adds_up(tmp_path: Path) -> None:
    snapshots = [{"type": "file-history-snapshot", "messageId": str(n)} for n in range(25)]
    session = lines(*snapshots, claude_row("user", 0, "go"), claude_row("user", 1, "on"))
    written(tmp_path / "s.jsonl", session)
    status, out, _ = kb("run", "show", "s.jsonl", "--rows", cwd=tmp_path)
    assert (status, out.splitlines()) == (
        0,
        [
            "27 rows, 1 run",
            "      2 used",
            "     25 left out: rows of other types: file-history-snapshot",
            "",
            "  line 1 to 25  left out: rows of other types: file-history-snapshot",
            "  line 26 to 27  used",
        ],
    )
    status, out, _ = kb("run", "show", "s.jsonl", "--rows", "--json", cwd=tmp_path)
    told = json.loads(out)
    assert told["schema"] == "kb.run-rows/1"
    assert sum(count["rows"] for count in told["counts"]) == len(told["rows"]) == 27
    status, out, _ = kb("run", "import", "s.jsonl", "-o", "f.json", cwd=tmp_path)
    assert out.splitlines()[-1] == "27 rows: 2 used, 25 left out (kb run show --rows names them)"


def test_a_fixture_has_no_rows_and_a_kind_of_row_is_no_place_for_a_secret(tmp_path: Path) -> None:
    kb_key = "sk-ant-api03-" + "Zq8wJ2mN5vKx7Rt1" * 4
    rows = [claude_row("user", 0, "go"), {"type": kb_key}]
    written(tmp_path / "s.jsonl", lines(*rows))
    status, out, _ = kb("run", "show", "s.jsonl", "--rows", cwd=tmp_path)
    assert (status, kb_key in out, "REDACTED" in out) == (0, False, True)
    kb("run", "import", "s.jsonl", "-o", "fixture.json", cwd=tmp_path)
    status, _, err = kb("run", "show", "fixture.json", "--rows", cwd=tmp_path)
    assert (status, "is a run already" in err) == (2, True)


def test_the_answer_of_a_request_is_a_row_of_its_own(tmp_path: Path) -> None:
    said = {"choices": [{"message": {"role": "assistant", "content": "hello"}}]}
    rows = [{"messages": [asked(call(1, "t", {})), answered(1, "x")], "response": said}]
    assert ends(read_whole(written(tmp_path / "t.jsonl", lines(*rows)))) == [
        ("messages[0]", "used", ""),
        ("messages[1]", "used", ""),
        ("answer", "used", ""),
    ]
