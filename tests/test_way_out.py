"""Every verb on hostile text, and with streams that are closed, full, or read by nobody."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from conftest import EXAMPLE, GIT_ENVIRONMENT
from hostile_library import ATTACK, at_terminal, forged_lines, in_pipe, make_library, raw_characters

RECORD = EXAMPLE.stem


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with pytest.MonkeyPatch.context() as patch:
        for name, value in GIT_ENVIRONMENT.items():
            patch.setenv(name, value)
        yield make_library(tmp_path_factory.mktemp("hostile"))


#: Every verb in its formats; what writes does so in `sub`, or is refused.
VERBS = [
    ("check",),
    ("check", "--format", "github"),
    ("check", "--format", "gitlab"),
    ("check", "--format", "sarif"),
    ("check", "--changed-since", f"x{ATTACK}"),
    ("check", "--explain", f"x{ATTACK}"),
    ("check", f"no{ATTACK}.md"),
    ("--debug", "check", f"no{ATTACK}.md"),
    ("fmt", "--check"),
    ("metrics",),
    ("metrics", "--compare", "HEAD~1"),
    ("metrics", "--csv"),
    ("metrics", "--markdown"),
    ("metrics", "--history", "month"),
    ("metrics", "detection_chain"),
    ("actions",),
    ("actions", "--class", f"x{ATTACK}"),
    ("actions", "close", f"x{ATTACK}#A1"),
    ("gate", "x\x1b[31m\x9b"),
    ("gate", "billing-agent"),
    ("new", f"T {ATTACK}", "--no-edit", "--date", "2026-01-01"),
    ("new", "--from-run", "trace.json", "--no-edit"),
    ("run", "show", "trace.json"),
    ("run", "audit", "trace.json"),
    ("run", "diff", "trace.json", "trace.json"),
    ("run", "checkup", "trace.json"),
    ("run", "import", "trace.json", "--out", "imported.json"),
    ("run", "replay", "imported.json"),
    ("init", "--dry-run", f"sub{ATTACK}"),
    (f"verb{ATTACK}",),
    ("similar", f"--option{ATTACK}", "x"),
    pytest.param(("site", "--pages-only"), marks=pytest.mark.site),
    *(
        pytest.param(arguments, marks=pytest.mark.model)
        for arguments in (
            ("similar", "paid twice"),
            ("similar", RECORD),
            ("similar", "paid twice", "--explain", RECORD),
            ("similar", f"2026-01-01-{ATTACK}"),
            ("eval",),
            ("build",),
        )
    ),
]


@pytest.mark.parametrize("arguments", VERBS, ids=lambda given: " ".join(given[:2])[:24])
def test_no_verb_lets_text_steer_a_terminal_or_add_a_line(
    hostile: Path, arguments: tuple[str, ...]
) -> None:
    for run, with_progress in ((in_pipe, False), (at_terminal, True)):
        status, output = run(hostile, *arguments)
        assert status in (0, 1, 2)
        assert raw_characters(output, with_progress=with_progress) == []
        assert forged_lines(output) == []
        assert b"unexpected" not in output
        assert b"Traceback" not in output or "--debug" in arguments


@pytest.mark.parametrize(
    "arguments",
    [
        ("check", "--format", "json"),
        ("metrics", "--json"),
        ("actions", "--json"),
        ("gate", "billing-agent", "--json"),
        ("run", "audit", "trace.json", "--json"),
        ("run", "diff", "trace.json", "trace.json", "--json"),
        ("run", "checkup", "trace.json", "--json"),
        pytest.param(("similar", "paid twice", "--json"), marks=pytest.mark.model),
        pytest.param(("eval", "--json"), marks=pytest.mark.model),
    ],
    ids=lambda given: " ".join(given[:2]),
)
def test_json_is_valid_and_holds_no_raw_control(hostile: Path, arguments: tuple[str, ...]) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "kb", *arguments],
        cwd=hostile,
        env=os.environ | {"PYTHONIOENCODING": "ascii"},
        capture_output=True,
        check=False,
    )
    assert raw_characters(done.stdout) == []
    assert not any("\ud800" <= c <= "\udfff" for c in str(json.loads(done.stdout)))


@pytest.mark.parametrize(
    "arguments", [("fmt", "--diff"), ("run", "show", "trace.json", "--json")], ids=" ".join
)
def test_a_patch_and_a_fixture_are_escaped_where_a_person_reads_them(
    hostile: Path, arguments: tuple[str, ...]
) -> None:
    _, output = at_terminal(hostile, *arguments)
    assert raw_characters(output, with_progress=True) == []


@pytest.mark.model
def test_a_review_holds_nothing_invisible_but_what_keeps_names_apart(hostile: Path) -> None:
    for run in (in_pipe, at_terminal):
        _, output = run(hostile, "review", "--base", "main")
        assert raw_characters(output, with_progress=True, marks="\u200b") == []
        assert forged_lines(output) == []


def test_no_colour_means_no_escape_at_all(hostile: Path) -> None:
    _, output = at_terminal(hostile, "check", NO_COLOR="1")
    assert b"\x1b" not in output
    _, output = at_terminal(hostile, "check", NO_COLOR="")
    assert b"\x1b[1m" in output


PRINTING = [
    "--help",
    "--version",
    "check",
    "check --help",
    "check --format json",
    "check --format github",
    "fmt --diff",
    "metrics",
    "metrics --json",
    "metrics --names",
    "actions",
    "gate x",
    "run show trace.json",
    "run show trace.json --json",
    "run audit trace.json",
    "run checkup trace.json",
    "run import trace.json --out -",
    "init --dry-run sub",
    "mcp",
    "lsp",
]


def shell(folder: Path, line: str) -> tuple[int, str]:
    """The exit status of the `kb` in a line of bash, and what it wrote to standard error."""
    script = f"{line}; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(
        ["bash", "-c", script.replace("kb ", f"{sys.executable} -m kb ", 1)],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
        check=False,
    )
    return done.returncode, done.stderr


@pytest.mark.parametrize("verb", PRINTING)
def test_output_that_is_lost_is_never_a_success(hostile: Path, verb: str) -> None:
    status, said = shell(hostile, f"kb {verb} >&-")
    assert (status, said.count("\n"), "is closed" in said) == (2, 1 + said.count("→"), True)
    if verb not in {"mcp", "lsp"}:  # nobody has asked it anything
        status, said = shell(hostile, f"kb {verb} >/dev/full")
        assert status == 2
        assert said.endswith("standard output could not be written: No space left on device\n")


@pytest.mark.parametrize("verb", ["--help", "metrics --names", "check", "run show trace.json"])
def test_a_reader_that_went_away_gets_no_complaint(hostile: Path, verb: str) -> None:
    assert shell(hostile, f"kb {verb} | true") == (2, "")


def test_errors_that_nobody_can_read_change_no_status(hostile: Path) -> None:
    for redirection in ("2>&-", "2>/dev/full"):
        assert shell(hostile, f"kb check nowhere.md {redirection}")[0] == 2
        assert shell(hostile, f"kb metrics --names {redirection}")[0] == 0
        assert shell(hostile, f"kb fmt --check {redirection}")[0] == 2


def test_a_file_that_is_opened_never_takes_the_place_of_a_closed_stream(tmp_path: Path) -> None:
    (tmp_path / "kb.toml").write_text("")
    status, _ = shell(tmp_path, "kb new Title --no-edit --date 2026-01-01 >&- 2>&- <&-")
    assert status == 2
    (record,) = (tmp_path / "postmortems").glob("*.md")
    assert "standard output" not in record.read_text()
    assert record.read_text().startswith("---\n")


@pytest.mark.model
def test_a_question_from_a_stream_that_gives_none_is_refused(hostile: Path) -> None:
    assert "standard input: is closed" in shell(hostile, "kb similar - <&-")[1]
    assert "there is nothing to look for" in shell(hostile, "kb similar - </dev/null")[1]


@pytest.mark.model
def test_fifty_megabytes_are_no_question_and_take_no_memory(hostile: Path) -> None:
    status, said = shell(
        hostile, "ulimit -v 4000000; head -c 50000000 /dev/zero | tr '\\0' x | kb similar -"
    )
    assert "more than 64 KiB is too long" in said
    assert status in (0, 141)  # of `head`, whose reader stopped
    assert "the question: more than 64 KiB" in shell(hostile, f"kb similar '{'x y ' * 20_000}'")[1]


@pytest.mark.parametrize(
    "environment",
    [
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
        {"PYTHONIOENCODING": "ascii"},
        {"PYTHONIOENCODING": "latin-1"},
        {"COLUMNS": "0"},
        {"COLUMNS": "-7"},
        {"COLUMNS": "nonsense"},
        {"COLUMNS": "99999999999"},
        {"TERM": ""},
    ],
    ids=lambda given: ",".join(f"{k}={v}" for k, v in given.items())[:30],
)
def test_odd_terminals_and_encodings_are_no_reason_to_fail(
    hostile: Path, environment: dict[str, str]
) -> None:
    for arguments in (("check", "nowhere.md"), ("metrics",), ("run", "show", "trace.json")):
        status, output = in_pipe(hostile, *arguments, **environment)
        assert status == (2 if "nowhere.md" in arguments else 0)
        assert b"unexpected" not in output
        assert b"Error" not in output.replace(b"Error: timeout", b"")
