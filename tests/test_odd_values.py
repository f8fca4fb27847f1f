"""Odd values in settings, records, traces and on the command line: each has a clear answer."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner
from kb.cli import cli
from kb.config import parse_config
from kb.errors import KbError
from kb.library import find_root
from kb.traces.decoding.timestamps import time_of
from kb.traces.spans.group_by_trace import Record
from kb.traces.spans.span import span_of
from kb.walls.local_paths import library_root

from conftest import EXAMPLE, git_in

DIGITS = "9" * 5000
LAST = "9999-12-31T23:59:59-14:00"


@pytest.mark.parametrize(
    ("toml", "said"),
    [
        (f"[check]\nword_budget = {DIGITS}", "cannot be read: Exceeds the limit"),
        (f"x = {'[' * 50_000}", "nested too deeply"),
        ('[library]\npath = "a\\u0000b"', "'library.path' holds the character NUL"),
        ('[check]\npeople = ["\\u0000"]', "'check.people' holds the character NUL"),
        ('[search]\nmodel = "~nouser/x"', "no such home folder is known"),
        ('[search]\nvectors = "~nouser/x"', "no such home folder is known"),
        (
            '[[library.beside]]\nname = "x"\npath = "~nouser/x"',
            "'library.beside' is '~nouser/x', and no such home folder is known",
        ),
    ],
)
def test_an_odd_setting_is_a_fault_of_the_file(toml: str, said: str) -> None:
    with pytest.raises(KbError, match=re.escape(said)) as raised:
        parse_config(toml.encode(), "kb.toml")
    assert "set_int_max" not in str(raised.value)


@pytest.fixture
def committed(example_library: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    git = git_in(example_library)
    git("init", "-q")
    git("add", "-A")
    git("commit", "-qm", "x", at="2026-05-01T00:00:00Z")
    monkeypatch.chdir(example_library)
    return example_library


@pytest.mark.parametrize("verb", [["metrics"], ["actions"], ["gate", "billing-agent"]])
def test_a_day_before_any_commit_has_no_page(committed: Path, verb: list[str]) -> None:
    done = CliRunner().invoke(cli, [*verb, "--as-of", "0001-01-01"])
    assert isinstance(done.exception, KbError)
    assert "no commit is as old as 0001-01-01" in str(done.exception)


def test_the_last_day_of_the_calendar_is_now(committed: Path) -> None:
    done = CliRunner().invoke(cli, ["metrics", "--as-of", "9999-12-31", "--json"])
    assert done.exit_code == 0
    assert json.loads(done.output)["as_of"]["date"] <= datetime.now(UTC).date().isoformat()


@pytest.mark.parametrize(
    ("first", "last"),
    [
        (LAST, LAST),
        ("0001-01-01T00:00:00+14:00", "unknown"),
        ("0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z"),
    ],
)
@pytest.mark.parametrize("verb", [["check"], ["metrics", "--json"], ["gate", "billing-agent"]])
def test_clocks_at_the_ends_of_the_calendar_are_read(
    committed: Path, verb: list[str], first: str, last: str
) -> None:
    record = committed / "postmortems" / "2026-01-02-odd.md"
    text = EXAMPLE.read_text(encoding="utf-8")
    for clock, value in (("first_impact", first), ("detected", last), ("resolved", last)):
        text = re.sub(rf"(?m)^(\s+){clock}:.*$", rf"\g<1>{clock}: {value}", text, count=1)
    record.write_text(text, encoding="utf-8")
    done = CliRunner().invoke(cli, verb)
    assert done.exception is None or isinstance(done.exception, SystemExit | KbError)


def test_a_time_without_utc_is_no_time_of_a_trace() -> None:
    assert time_of(LAST) is None
    assert time_of("0001-01-01T00:00:00+14:00") is None


@pytest.mark.parametrize("microseconds", [1e300, float("inf"), float("nan"), 10**40])
def test_a_span_longer_than_the_calendar_has_no_end(microseconds: float) -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    value = {"spanID": "a", "startTime": start.timestamp() * 1e6, "duration": microseconds}
    span = span_of(Record(value, "trace.json", {}, {}), "t")
    assert (span.start, span.end) == (start, None)


@pytest.mark.parametrize(
    ("path", "query"),
    [("a" * 5000, "charge"), ("postmortems", f"a b{'c' * 300}/x.md")],
)
def test_a_path_that_is_too_long_is_no_path(
    path: str, query: str, library_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (library_folder / "kb.toml").write_text(f'[library]\npath = "{path}"\n', encoding="utf-8")
    monkeypatch.chdir(library_folder)
    done = CliRunner().invoke(cli, ["similar", query])
    assert done.exception is None or isinstance(done.exception, KbError | SystemExit)


def test_a_folder_whose_name_is_too_long_holds_no_library() -> None:
    with pytest.raises(KbError, match="no knowledge base here"):
        find_root(Path("/") / ("a" * 5000) / "b")


def test_the_folders_above_a_very_long_path_are_not_gone_through() -> None:
    with pytest.raises(KbError, match="too long for any system") as told:
        find_root(Path("/a" * 100_000))
    assert len(str(told.value)) < 300


def test_a_hook_goes_through_no_folders_above_a_very_long_path(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looked: list[str] = []
    monkeypatch.setattr("os.path.dirname", lambda path: looked.append(path) or "/")
    assert library_root("/a" * 100_000) == ""
    assert not looked
