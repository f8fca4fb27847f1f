"""Can a hostile trace or fixture do harm? Each is refused with its reason, or contained."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from kb.errors import KbError
from kb.traces.canonical_json import sha256
from kb.traces.decoding.trace_source import refuse_oversized_values
from kb.traces.fixture import MOST_INLINE_BYTES, read_fixture, write_fixture
from kb.traces.normalize import run_builder
from kb.traces.read_runs import read_runs
from kb.traces.render import View, timeline

from test_cli import kb
from traces_made import answered, asked, call, lines, otlp_spans, run_of, runs_in, written

DEEP = 100_000
#: Colours, a title, a cleared screen, a hyperlink, a bell, C1 controls, and text turned around.
ESCAPES = "\x1b[31mred\x1b]0;title\x07\x1b[2J\x1b]8;;http://x\x1b\\\x07\x9b31m\u202egnp\u2066"


def shown(run: Any) -> str:
    return "\n".join("".join(p.text for p in line) for line in timeline(run, View(full=True)))


def fixture_with(tmp_path: Path, **changes: Any) -> Path:
    """A good fixture with some of its values replaced."""
    path = tmp_path / "fixture.json"
    write_fixture(run_of(tmp_path, [asked(call(1, "charge", {})), answered(1, "ok")]), path)
    value = json.loads(path.read_text("utf-8")) | changes
    return written(path, value)


# Values


@pytest.mark.parametrize("start", ["[", '{"a":', '[{"role":"user","content":'])
def test_nesting_without_end_is_refused(start: str, tmp_path: Path) -> None:
    path = written(tmp_path / "trace.json", start * DEEP)
    with pytest.raises(KbError):
        runs_in(path)


def test_a_row_that_is_nested_without_end_is_left_out_and_said(tmp_path: Path) -> None:
    good = {"role": "user", "content": "hi"}
    bad = '{"role": "user", "content": ' + "[" * DEEP + "]" * DEEP + "}\n"
    (run,) = runs_in(written(tmp_path / "trace.jsonl", lines(good) + bad + lines(good)))
    assert len(run.messages) == 2
    assert "rows that are no JSON were left out: line 2" in run.provenance.lossy


def test_nesting_within_a_text_is_contained(tmp_path: Path) -> None:
    deep = "[" * 400 + "]" * 400
    run = run_of(tmp_path, [asked(call(1, "t", '{"x": ' + deep + "}")), answered(1, deep)])
    write_fixture(run, tmp_path / "fixture.json")
    assert "nested too deeply" in (tmp_path / "fixture.json").read_text("utf-8")
    assert any("64 levels" in line for line in run.provenance.lossy)


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        ("1e400", "inf"),
        ("NaN", "nan"),
        ("-Infinity", "-inf"),
        ("12345678901234567890", "12345678901234567890"),
        ("9" * 5000, "9" * 5000),
        ("9" * 100_000, "9" * 100_000),
        ("1e300", 1e300),
        ("0.1", 0.1),
    ],
)
def test_numbers_that_json_cannot_carry_become_texts(
    number: str, expected: Any, tmp_path: Path
) -> None:
    text = '[{"role": "assistant", "tool_calls": [{"id": "c", "function": {"name": "t", '
    text += '"arguments": {"n": ' + number + "}}}]}]"
    run = run_of(tmp_path, text)
    assert run.calls[0].arguments == {"n": expected}
    write_fixture(run, tmp_path / "fixture.json")
    assert read_fixture(tmp_path / "fixture.json") == run


def test_invalid_utf_8_and_halves_of_pairs_are_replaced(tmp_path: Path) -> None:
    path = tmp_path / "trace.jsonl"
    path.write_bytes(
        b'{"role": "user", "content": "a\xff\xfeb"}\n'
        b'{"role": "user", "content": "c\\ud800d"}\n'
        b'\xef\xbb\xbf{"role": "user", "content": "bom"}\r\n'
    )
    (run,) = runs_in(path)
    assert [m.text for m in run.messages] == ["a\ufffd\ufffdb", "c\ufffdd", "bom"]
    write_fixture(run, tmp_path / "fixture.json")


def test_nul_is_data_in_a_text_and_never_reaches_a_terminal(tmp_path: Path) -> None:
    rows = [{"role": "user", "content": "a\0b"}, asked(call(1, "t\0x", {"k\0": "v\0"}))]
    run = run_of(tmp_path, rows)
    assert run.messages[0].text == "a\0b"
    write_fixture(run, tmp_path / "fixture.json")
    assert read_fixture(tmp_path / "fixture.json") == run
    for verb in ("show", "audit"):
        assert "\0" not in kb("run", verb, "trace.json", cwd=tmp_path)[1]


def test_bytes_of_nul_between_rows_are_left_out_and_said(tmp_path: Path) -> None:
    good = lines({"role": "user", "content": "hi"}).encode()
    (tmp_path / "trace.jsonl").write_bytes(good + b"\0" * 4096 + b"\n" + good)
    (run,) = runs_in(tmp_path / "trace.jsonl")
    assert len(run.messages) == 2
    assert any("line 2" in line for line in run.provenance.lossy)


def test_a_torn_last_row_loses_only_itself(tmp_path: Path) -> None:
    text = lines({"role": "user", "content": "hi"}) + '{"role": "assistant", "cont'
    (run,) = runs_in(written(tmp_path / "trace.jsonl", text))
    assert len(run.messages) == 1
    assert any("line 2" in line for line in run.provenance.lossy)


def test_a_torn_first_row_loses_only_itself(tmp_path: Path) -> None:
    row = {"role": "user", "content": "hi"}
    (run,) = runs_in(written(tmp_path / "trace.jsonl", '{"er", "content": "x"}\n' + lines(row)))
    assert len(run.messages) == 1


@pytest.mark.parametrize("parent", ["self", "ring"])
def test_spans_that_are_their_own_ancestors_end(parent: str, tmp_path: Path) -> None:
    spans = otlp_spans("x")
    for one, other in zip(spans, [*spans[1:], spans[0]], strict=True):
        one["parentSpanId"] = one["spanId"] if parent == "self" else other["spanId"]
    assert len(run_of(tmp_path, spans).calls) == 1


def test_values_of_every_kind_in_every_place_raise_nothing_but_errors(tmp_path: Path) -> None:
    strange = [None, True, -1, 1.5, "", "{", [], [[]], {}, {"type": 5}, {"kwargs": 3}, [None, 1]]
    for value in strange:
        for key in ("role", "content", "tool_calls", "tool_call_id", "usage", "parts", "type"):
            message = {"role": "assistant", "content": "x", key: value}
            path = written(tmp_path / "trace.json", {"messages": [message], "tools": value})
            try:
                runs_in(path, format="messages")
            except KbError as error:
                assert error.where  # noqa: PT017 - either is well


# YAML


def test_yaml_tags_run_nothing_and_aliases_do_not_grow(tmp_path: Path) -> None:
    tag = tmp_path / "tag.yaml"
    touched = tmp_path / "touched"
    tag.write_text(f"interactions:\n- !!python/object/apply:os.system ['touch {touched}']\n")
    with pytest.raises(KbError, match="no YAML that can be read"):
        runs_in(tag)
    assert not touched.exists()
    bomb = "a: &a [x]\n" + "".join(
        f"{chr(98 + n)}: &{chr(98 + n)} [{','.join(['*' + chr(97 + n)] * 9)}]\n" for n in range(20)
    )
    with pytest.raises(KbError):
        runs_in(written(tmp_path / "bomb.yaml", bomb))


# Terminals and names


def test_a_terminal_is_never_given_an_escape(tmp_path: Path) -> None:
    rows = [
        {"role": "user", "content": ESCAPES},
        {"role": ESCAPES, "content": ESCAPES, "name": ESCAPES},
        asked(call(1, ESCAPES, {ESCAPES: ESCAPES})),
        answered(1, f"Error: {ESCAPES}"),
    ]
    out = shown(run_of(tmp_path, rows))
    assert "red" in out
    assert all(c.isprintable() or c == "\n" for c in out)
    assert "\u202e" not in out
    written(tmp_path / "trace.json", rows)
    for arguments in (("show", "trace.json"), ("import", "trace.json")):
        status, printed, _ = kb("run", *arguments, cwd=tmp_path)
        assert status == 0
        assert all(c.isprintable() or c == "\n" for c in printed)


def test_a_run_whose_id_is_a_path_is_written_inside_the_folder(tmp_path: Path) -> None:
    rows = [
        {"messages": [{"role": "user", "content": "x"}], "id": name}
        for name in ("../../etc/passwd", "/etc/x", "a/b", "..", "\x1b[31m")
    ]
    written(tmp_path / "in" / "trace.json", rows)
    status, _, _ = kb("run", "import", "trace.json", "-o", "out", cwd=tmp_path / "in")
    files = list(tmp_path.rglob("fixture.json"))
    assert (status, len(files)) == (0, 5)
    assert all(p.is_relative_to(tmp_path / "in/out") for p in files)


# Fixtures and blobs


def large_fixture(tmp_path: Path) -> Path:
    path = tmp_path / "fixture.json"
    text = "long " * MOST_INLINE_BYTES
    write_fixture(run_of(tmp_path, [asked(call(1, "t", {})), answered(1, text)]), path)
    return path


def test_a_large_value_lies_in_a_blob_and_comes_back_whole(tmp_path: Path) -> None:
    path = large_fixture(tmp_path)
    (blob,) = (tmp_path / "blobs").iterdir()
    assert blob.name == sha256(blob.read_bytes())
    assert path.stat().st_size < MOST_INLINE_BYTES
    assert read_fixture(path).calls[0].result == "long " * MOST_INLINE_BYTES


def test_data_that_looks_like_a_blob_is_data(tmp_path: Path) -> None:
    value = {"kb.blob": "f" * 64, "kb.bytes": 1, "kb.type": "text"}
    run = run_of(tmp_path, [asked(call(1, "t", value)), answered(1, "ok")])
    write_fixture(run, tmp_path / "fixture.json")
    assert read_fixture(tmp_path / "fixture.json").calls[0].arguments == value


@pytest.mark.parametrize(
    "name", ["../../../etc/passwd", "/etc/passwd", "F" * 64, "f" * 63, "", "f" * 64 + "/../x", 7]
)
def test_a_blob_that_is_named_like_a_path_is_refused(name: Any, tmp_path: Path) -> None:
    path = large_fixture(tmp_path)
    (blob,) = (tmp_path / "blobs").iterdir()
    text = path.read_text("utf-8").replace(json.dumps(blob.name), json.dumps(name))
    with pytest.raises(KbError, match="names a blob that is no SHA-256"):
        read_fixture(written(path, text))


def test_a_blob_with_other_content_a_link_or_none_is_refused(tmp_path: Path) -> None:
    path = large_fixture(tmp_path)
    (blob,) = (tmp_path / "blobs").iterdir()
    blob.write_bytes(b"something else")
    with pytest.raises(KbError, match="does not hold what its name says"):
        read_fixture(path)
    blob.unlink()
    with pytest.raises(KbError, match="No such file"):
        read_fixture(path)
    blob.symlink_to("/dev/zero")
    with pytest.raises(KbError, match="is a link, and kb follows none here"):
        read_fixture(path)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"schema": "kb.run/9"}, "no fixture of this version"),
        ({"schema": None}, "no fixture of this version"),
        ({"kb.steps": 5}, "is no fixture"),
        ({"kb.steps": [{"kb.step": "explosion"}]}, "is no fixture"),
        ({"kb.steps": [{"kb.step": "tool_call"}]}, "is no fixture"),
        ({"kb.state": {"kb.freeze_step": -1}}, "is no fixture"),
        ({"unknown": 1}, "is no fixture"),
        ({"kb.clocks": {"kb.started": "soon"}}, "is no fixture"),
    ],
)
def test_a_fixture_that_breaks_its_schema_is_refused_with_the_place(
    changes: dict[str, Any], reason: str, tmp_path: Path
) -> None:
    with pytest.raises(KbError, match=reason):
        read_fixture(fixture_with(tmp_path, **changes))


def test_a_fixture_nested_without_end_is_refused(tmp_path: Path) -> None:
    path = fixture_with(tmp_path)
    text = path.read_text("utf-8").replace('"schema"', '"kb.source":' + "[" * DEEP + ', "schema"')
    with pytest.raises(KbError):
        read_fixture(written(path, text))


def test_numbers_in_a_fixture_are_bounded_too(tmp_path: Path) -> None:
    path = fixture_with(tmp_path, **{"kb.source": {"n": 10**25}})
    run = read_fixture(path)
    assert run.source == {"n": str(10**25)}
    write_fixture(run, tmp_path / "again.json")


def test_a_write_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    run = run_of(tmp_path, [asked(call(1, "charge", {})), answered(1, "ok")])
    (tmp_path / "out").write_text("a file where a folder should be")
    with pytest.raises(KbError, match="cannot be written"):
        write_fixture(run, tmp_path / "out" / "fixture.json")
    assert [p.name for p in tmp_path.iterdir() if ".part" in p.name] == []


def test_a_named_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.json")
    with pytest.raises(KbError, match="is no file"):
        runs_in(tmp_path / "pipe.json")


# Size

_MEASURE = """
import resource, sys
from pathlib import Path
from kb.traces.read_runs import read_runs
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
list(read_runs(Path(sys.argv[1])))
small = peak()
runs = sum(1 for _ in read_runs(Path(sys.argv[2])))
print(runs, round(peak() - small))
"""


@pytest.mark.parametrize("layout", ["one object", "one list", "lines"])
def test_a_large_file_is_read_in_less_than_twice_its_size(layout: str, tmp_path: Path) -> None:
    """200 MB within 500 MB, scaled down: the bench measures it at full size."""
    note = "all is well " * 4_000
    spans = [
        one | {"traceId": f"{number:032x}"} for number in range(120) for one in otlp_spans(note)
    ]
    small = written(tmp_path / "small.json", otlp_spans("x"))
    value: Any = spans
    if layout == "one object":
        value = {"resourceSpans": [{"resource": {}, "scopeSpans": [{"spans": spans}]}]}
    large = written(tmp_path / "large", lines(*spans) if layout == "lines" else value)
    done = subprocess.run(
        [sys.executable, "-c", _MEASURE, str(small), str(large)],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    runs, grown = map(int, done.stdout.split())
    assert runs == 120
    assert grown < 2 * large.stat().st_size / 1e6


def test_one_run_of_many_small_values_stays_within_an_absolute_limit(tmp_path: Path) -> None:
    """20 MB and 22,000 calls within 150 MB, the program itself included; it grows in proportion."""
    messages: list[Any] = [{"role": "user", "content": "go"}]
    for number in range(22_000):
        arguments = json.dumps({"n": number, "q": "lorem ipsum dolor " * 15})
        function = {"name": "t", "arguments": arguments}
        one = {"id": f"c{number}", "type": "function", "function": function}
        messages.append({"role": "assistant", "content": None, "tool_calls": [one]})
        messages.append(
            {"role": "tool", "tool_call_id": f"c{number}", "content": "result row value " * 20}
        )
    file = written(tmp_path / "small-values.json", {"model": "x", "messages": messages})
    assert file.stat().st_size > 18_000_000
    code = (
        "import re, sys\n"
        "from pathlib import Path\n"
        "from kb.cli import main\n"
        "try: main(['run', 'import', sys.argv[1], '-o', sys.argv[2]])\n"
        # Not ru_maxrss: a child process begins with its parent's.
        "finally: print(re.search(r'VmHWM:\\s*(\\d+)', Path('/proc/self/status').read_text())[1])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(file), str(tmp_path / "fixture.json")],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    peak_bytes = int(done.stdout.splitlines()[-1]) * 1024
    assert "22000 tool calls" in done.stdout.replace(",", "")
    assert peak_bytes < 150_000_000


def test_a_run_of_too_many_steps_is_refused_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_builder, "MOST_STEPS", 10)
    messages = [{"role": "user", "content": f"message {n}"} for n in range(11)]
    file = written(tmp_path / "many.json", {"messages": messages})
    with pytest.raises(KbError, match="more than 10 steps") as raised:
        list(read_runs(file))
    assert raised.value.where.startswith(str(file))
    file = written(tmp_path / "few.json", {"messages": messages[:10]})
    assert len(next(read_runs(file)).steps) == 10


@pytest.mark.parametrize("cell", [b"{},", b'"",', b"[],", b'{"role":"user","content":"a"},'])
def test_one_value_that_would_fill_the_memory_is_refused_unread(
    tmp_path: Path, cell: bytes
) -> None:
    count = 900_000_000 // {b"{},": 150, b'"",': 56, b"[],": 150}.get(cell, 374)
    with pytest.raises(KbError, match="GB of memory"):
        refuse_oversized_values(memoryview(b"[" + cell * count + b"1]"), tmp_path / "x.json")


def test_a_long_value_of_prose_is_read(tmp_path: Path) -> None:
    refuse_oversized_values(
        b'{"messages":[{"content":"' + b"so it went, " * 2_000_000 + b'"}]}', tmp_path
    )
