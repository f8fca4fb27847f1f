"""Is every format told from its content and read whole? Counts, order, and the same bytes again."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from kb.errors import KbError
from kb.traces.decoding.trace_source import Source, open_source
from kb.traces.fixture import (
    Blobs,
    fixture_chunks,
    fixture_schema,
    read_fixture,
    write_fixture,
)
from kb.traces.importers.detect import detect
from kb.traces.importers.importer import Importer
from kb.traces.importers.registry import importers
from kb.traces.read_runs import ReadingSettings, read_runs
from kb.traces.run import Run

from conftest import ROOT
from test_cli import kb
from traces_made import FORMATS, runs_in, written

#: LangGraph JS types its tool as SPAN, which the manifest, counting by type, does not see.
COUNTED_BY_HAND = {"langfuse/langfuse__langfuse__langgraph-js.trace.json": 1}


def bytes_of(run: Run) -> bytes:
    return b"".join(fixture_chunks(run, Blobs()))


def manifest(data: Path) -> list[dict[str, Any]]:
    text = (data / "runs/traces/MANIFEST.jsonl").read_text("utf-8")
    return [json.loads(line) for line in text.splitlines()]


def test_every_trace_is_imported_with_the_calls_it_holds(data: Path) -> None:
    counted = 0
    for row in manifest(data):
        calls = sum(len(run.calls) for run in read_runs(data / "runs/traces" / row["file"]))
        assert calls == COUNTED_BY_HAND.get(row["file"], row["n_tool_calls"]), row["file"]
        counted += 1
    assert counted > 20


def test_the_hundred_airline_runs_have_the_calls_a_reader_counts(data: Path) -> None:
    path = data / "runs/tau-airline-gpt-4o-even-tasks.json"
    written_calls = sum(
        len(message.get("tool_calls") or ())
        for run in json.loads(path.read_text("utf-8"))
        for message in run["traj"]
    )
    runs = runs_in(path)
    assert (len(runs), sum(len(run.calls) for run in runs)) == (100, written_calls)
    assert len({run.task for run in runs}) == 25


def test_importing_twice_gives_identical_bytes(data: Path) -> None:
    key = ReadingSettings(key=b"k" * 32)
    for row in manifest(data):
        path = data / "runs/traces" / row["file"]
        first, second = (list(map(bytes_of, read_runs(path, key))) for _ in range(2))
        assert first == second, row["file"]


def test_every_fixture_fits_its_schema_and_reads_back_equal(data: Path, tmp_path: Path) -> None:
    validator = jsonschema.Draft202012Validator(fixture_schema())
    for row in manifest(data):
        for number, run in enumerate(runs_in(data / "runs/traces" / row["file"])[:2]):
            path = tmp_path / row["file"] / str(number) / "fixture.json"
            write_fixture(run, path)
            assert read_fixture(path) == run, row["file"]
            validator.validate(json.loads(path.read_text("utf-8")))


def test_the_two_forms_of_one_langfuse_trace_are_one_run(data: Path) -> None:
    folder = data / "runs/traces/langfuse"
    texts, parsed = (
        runs_in(folder / f"langfuse__langfuse__openai-agents.{form}.json")[0]
        for form in ("trace", "seeder")
    )
    assert [(c.tool, c.arguments, c.result) for c in texts.calls] == [
        (c.tool, c.arguments, c.result) for c in parsed.calls
    ]
    assert [(m.role, m.text) for m in texts.messages] == [(m.role, m.text) for m in parsed.messages]


@pytest.mark.parametrize("name", FORMATS)
def test_a_format_is_told_from_its_content_alone(name: str, tmp_path: Path) -> None:
    (run,) = runs_in(written(tmp_path / "what.ever", FORMATS[name]("x")))
    assert run.provenance.format == name
    assert len(run.calls) == 1


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_can_be_named_and_is_listed_once(name: str, tmp_path: Path) -> None:
    path = written(tmp_path / "trace.json", FORMATS[name]("x"))
    assert runs_in(path, format=name) == runs_in(path)
    assert [row.name for row in importers()].count(name) == 1


def test_every_format_is_in_the_documentation_by_its_name_and_what_it_is() -> None:
    text = (ROOT / "docs/replay.md").read_text("utf-8")
    assert "".join(f"| `{row.name}` | {row.title} |\n" for row in importers()) in text


def test_a_format_nobody_knows_is_answered_with_the_list(tmp_path: Path) -> None:
    path = written(tmp_path / "trace.json", FORMATS["messages"]("x"))
    with pytest.raises(KbError, match="'tracy' is no format") as caught:
        runs_in(path, format="tracy")
    assert all(row.name in caught.value.todo for row in importers())


def test_spans_that_hold_messages_are_spans(tmp_path: Path) -> None:
    messages = FORMATS["messages"]("x")["messages"]
    row = {"trace_id": "t", "span_id": "s", "name": "n", "messages": messages}
    path = written(tmp_path / "trace.json", row)
    assert detect(open_source(path)).name == "otlp"
    assert detect(open_source(path), "messages").name == "messages"


def test_a_format_that_is_known_and_not_read_is_not_taken_for_messages(tmp_path: Path) -> None:
    told = {"session_start": "2026-04-12", "platform": "cli", "message_count": 5}
    row = {**told, "messages": FORMATS["messages"]("x")["messages"]}
    with pytest.raises(KbError, match="a session of Hermes") as caught:
        runs_in(written(tmp_path / "trace.json", row))
    assert "openai-agents" in caught.value.todo


@pytest.mark.parametrize("name", FORMATS)
def test_no_format_is_asked_after_the_first_that_is_sure(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def counted(row: Importer) -> Importer:
        def recognise(source: Source) -> str:
            asked.append(row.name)
            return row.recognise(source)

        return replace(row, recognise=recognise)

    rows = tuple(map(counted, importers()))
    monkeypatch.setattr("kb.traces.importers.detect.importers", lambda: rows)
    detect(open_source(written(tmp_path / "trace.json", FORMATS[name]("x"))))
    in_order = [*(r.name for r in rows if not r.occurs_in_others), "messages"]
    assert asked == in_order[: in_order.index(name) + 1]


def test_a_run_says_where_it_came_from_and_what_it_lacks(tmp_path: Path) -> None:
    (run,) = runs_in(written(tmp_path / "night.jsonl", FORMATS["codex"]("x")))
    origin = run.provenance
    assert (origin.file, origin.format) == ("night.jsonl", "codex")
    assert len(origin.sha256) == 64
    assert "the seed" in run.missing
    assert "the schemas of tools: exec" in run.missing
    assert any("repeat a message" in line for line in origin.lossy)


def test_unknown_fields_are_kept_and_not_dropped(tmp_path: Path) -> None:
    (run,) = runs_in(written(tmp_path / "trace.json", FORMATS["messages"]("kept")))
    assert run.source["extra"] == {"note": "kept"}
    assert run.messages[-1].source["debug"] == {"trail": "kept"}
    (run,) = runs_in(written(tmp_path / "otlp.json", FORMATS["otlp"]("kept")))
    assert run.calls[0].source["custom.note"] == "kept"


def test_the_command_writes_one_fixture_and_says_what_is_in_it(tmp_path: Path) -> None:
    written(tmp_path / "trace.json", FORMATS["otlp"]("x"))
    status, out, err = kb("run", "import", "trace.json", cwd=tmp_path)
    assert (status, err) == (0, "")
    assert "5 steps" not in err
    assert out.startswith("fixture.json: run ")
    assert "1 tool call (1 unknown)" in out
    assert read_fixture(tmp_path / "fixture.json").calls[0].tool == "charge"
    assert all(len(line) <= 80 for line in out.splitlines()[1:])


def test_the_command_never_overwrites_a_fixture_unless_told_to(tmp_path: Path) -> None:
    written(tmp_path / "trace.json", FORMATS["otlp"]("x"))
    kb("run", "import", "trace.json", cwd=tmp_path)
    before = (tmp_path / "fixture.json").read_bytes()
    status, _, err = kb("run", "import", "trace.json", cwd=tmp_path)
    assert (status, "already exists" in err) == (2, True)
    status, _, _ = kb("run", "import", "trace.json", "--force", cwd=tmp_path)
    assert (status, (tmp_path / "fixture.json").read_bytes()) == (0, before)


def test_several_runs_become_a_folder_of_fixtures(tmp_path: Path) -> None:
    rows = [FORMATS["messages"](word) | {"id": word} for word in ("one", "two", "three")]
    written(tmp_path / "night.json", rows)
    status, out, _ = kb("run", "import", "night.json", "--json", cwd=tmp_path)
    report = json.loads(out)
    assert (status, report["schema"]) == (0, "kb.run-import/1")
    assert [row["id"] for row in report["runs"]] == ["one", "two", "three"]
    assert all(read_fixture(tmp_path / row["path"]).id == row["id"] for row in report["runs"])
    status, out, _ = kb("run", "import", "night.json", "--run", "two", "-o", "-", cwd=tmp_path)
    assert json.loads(out)["kb.run.id"] == "two"


def test_what_cannot_be_imported_exits_with_2_and_what_was_seen(tmp_path: Path) -> None:
    written(tmp_path / "strange.json", {"weather": "fine", "wind": 3})
    status, out, err = kb("run", "import", "strange.json", cwd=tmp_path)
    assert (status, out) == (2, "")
    assert "one JSON object with the keys weather, wind" in err
    assert "claude-code" in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty"),
        (b"\x1f\x8b\x08", "cannot be unpacked: Compressed file ended"),
        (b"PK\x03\x04", "cannot be unpacked: File is not a zip file"),
        ("{}".encode("utf-16"), "UTF-16"),
        (b'{"resourceSpans": [{"scopeSpans": [', "no JSON that can be read"),
        (b"hello\n", "holds no JSON; it begins with 'hello'"),
    ],
)
def test_a_file_that_holds_no_json_says_what_it_is(
    content: bytes, reason: str, tmp_path: Path
) -> None:
    path = tmp_path / "trace.json"
    path.write_bytes(content)
    with pytest.raises(KbError, match=reason):
        runs_in(path)


def test_a_folder_and_a_missing_file_are_named(tmp_path: Path) -> None:
    with pytest.raises(KbError, match="is a folder"):
        runs_in(tmp_path)
    with pytest.raises(KbError, match="is no file"):
        runs_in(tmp_path / "nowhere.json")
