"""Records that break one rule each, told as differences from the worked example.

A case is `tests/rules/CODE-name.patch`. Above the first `@@` stand lines `key: value`: `expect`
(many; `CODE at: the faulty line`, `CODE line N` where that line stands more than once, or
`nothing`), `file` (the record's name where the date and the rule's name do not give it) and
`latin-1` (a character that is written as one byte, which is no UTF-8).
Below each `@@` stand lines of the base, marked ` ` (stays) or `-` (goes), and `+` (comes).
A case of a few lines that shares nothing with the base is a whole record, `.md`, with the same
keys in comments.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path

from conftest import EXAMPLE, ROOT

FOLDER = ROOT / "tests/rules"
_KEYS_IN_COMMENTS = re.compile(r"^(?:#|<!--) (expect|file): (.*?)(?: -->)?$", re.MULTILINE)
_EXPECTED = re.compile(r"(KB\d+) (?:at: (.*)|line (\d+))$")


@dataclass(frozen=True)
class RuleCase:
    """One record: its file name, its bytes, and the faults it must have as (code, line)."""

    name: str
    file_name: str
    content: bytes
    expected: tuple[tuple[str, int], ...]


def rule_cases() -> list[RuleCase]:
    """All cases, by name."""
    paths = sorted([*FOLDER.glob("*.patch"), *FOLDER.glob("*.md")])
    return [_from_patch(path) if path.suffix == ".patch" else _whole(path) for path in paths]


def base_record() -> str:
    """The worked example as a team's own record."""
    return EXAMPLE.read_text("utf-8").replace("origin: example\n", "origin: own\n")


def patched(base: str, hunks: list[str]) -> str:
    """The base with all hunks applied; a hunk has to fit in exactly one place of the base."""
    edits = []
    for hunk in hunks:
        lines = hunk.splitlines(keepends=True)
        before = "".join(line[1:] for line in lines if line[0] in " -")
        places = [m.start() for m in re.finditer(f"^{re.escape(before)}", base, re.MULTILINE)]
        assert len(places) == 1, f"{len(places)} places fit this hunk:\n{hunk}"
        kept = "".join(line[1:] for line in takewhile(lambda line: line[0] == " ", lines))
        gone = "".join(line[1:] for line in lines if line[0] == "-")
        come = "".join(line[1:] for line in lines if line[0] == "+")
        start = places[0] + len(kept)
        assert base[start:].startswith(gone), f"a line that stays among those that go:\n{hunk}"
        edits.append((start, start + len(gone), come))
    for start, end, come in sorted(edits, reverse=True):
        base = base[:start] + come + base[end:]
    return base


def _from_patch(path: Path) -> RuleCase:
    head, *hunks = path.read_text("utf-8").split("@@\n")
    keys = [line.split(": ", 1) for line in head.splitlines()]
    text = patched(base_record(), hunks)
    content = text.encode()
    for letter in (value for key, value in keys if key == "latin-1"):
        content = content.replace(letter.encode(), letter.encode("latin-1"))
    return _case(path, text, content, keys)


def _whole(path: Path) -> RuleCase:
    text = path.read_text("utf-8")
    keys = [list(pair) for pair in _KEYS_IN_COMMENTS.findall(text)]
    return _case(path, text, text.encode(), keys)


def _case(path: Path, text: str, content: bytes, keys: list[list[str]]) -> RuleCase:
    files = [value for key, value in keys if key == "file"]
    written = re.search(r"^date: (\d{4}-\d{2}-\d{2})$", text, re.MULTILINE)
    day = written[1] if written else "2026-04-12"
    file_name = files[0] if files else f"{day}-{path.stem.partition('-')[2]}.md"
    said = [value for key, value in keys if key == "expect"]
    assert said, f"{path.name} does not say what it expects"
    faults = [] if said == ["nothing"] else [_fault(path, text, value) for value in said]
    return RuleCase(path.stem, file_name, content, tuple(sorted(faults)))


def _fault(path: Path, text: str, said: str) -> tuple[str, int]:
    match = _EXPECTED.fullmatch(said)
    assert match, f"{path.name}: {said}"
    if match[3]:
        return match[1], int(match[3])
    lines = text.split("\n")
    assert lines.count(match[2]) == 1, f"{path.name}: {match[2]!r} is no one line"
    return match[1], lines.index(match[2]) + 1
