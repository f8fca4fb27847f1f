"""One file without a name or value: its text with another word there, or the reason why not.

A file stays what it was: a record that is read without faults, JSON, a fixture whose blobs are
named by their hash.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

from kb.erasure.forms_of_a_name import PurgeHit, PurgeTarget
from kb.records.document import Document, read_document
from kb.records.form import Form
from kb.traces.canonical_json import canonical
from kb.traces.fixture import is_fixture

ERASED = "erased"
_ARTICLE = re.compile(r"\b([Aa])(n?)([ \t]+)$")
_BREAKS = "to take it out would leave a file that cannot be read; write it otherwise"


@dataclass(frozen=True, slots=True)
class Doubt:
    """A place that is left to a person: the file, the line, what stands there, and why."""

    path: PurePath
    line: int
    why: str


@dataclass(frozen=True)
class CutText:
    """A text with what was sought replaced `count` times, and what is left of it in doubt."""

    text: str
    count: int = 0
    doubts: tuple[tuple[int, str], ...] = ()


def cut(text: str, sought: PurgeTarget, word: str, *, is_declared: bool = False) -> CutText:
    """The text with the word in each certain place; doubts are given by their lines."""
    found = sought.find(text, is_declared=is_declared)
    sure = [one for one in found if not one.doubt]
    doubts = tuple((text.count("\n", 0, one.start) + 1, one.doubt) for one in found if one.doubt)
    return CutText(_replaced(text, sure, word), len(sure), doubts)


def _replaced(text: str, found: Iterable[PurgeHit], word: str) -> str:
    parts, at = [], 0
    for one in found:
        before = text[at : one.start]
        if article := _ARTICLE.search(before):
            n = "n" if word[:1] in "aeiou" else ""
            before = f"{before[: article.start()]}{article[1]}{n}{article[3]}"
        is_capital = text[one.start : one.start + 1].isupper()
        parts += [before, word[:1].upper() + word[1:] if is_capital else word]
        at = one.end
    return "".join((*parts, text[at:]))


def cut_path(path: PurePath, sought: PurgeTarget, word: str) -> PurePath:
    """A path with the word in the names of its folders and of the file."""
    return PurePath(*(cut(part, sought, word, is_declared=True).text for part in path.parts))


def cut_record(document: Document, sought: PurgeTarget, word: str, *, is_declared: bool) -> CutText:
    """A record's text without it; as it was where it could not be read afterwards."""
    made = cut(document.text, sought, word, is_declared=is_declared)
    again = read_document(made.text.encode(errors="surrogateescape"), document.path, document.form)
    known = {fault.name for fault in document.faults}
    return (
        made
        if {fault.name for fault in again.faults} <= known
        else _left_as_it_is(document.text, sought)
    )


def cut_file(path: PurePath, text: str, sought: PurgeTarget, word: str, form: Form) -> CutText:
    """Any other text's content without it: Markdown, JSON and its lines stay what they are."""
    made = cut(text, sought, word)
    if not made.count:
        return made
    if path.suffix == ".json":
        is_whole = _is_json(made.text) or not _is_json(text)
    elif path.suffix in {".jsonl", ".ndjson"}:
        is_whole = all(map(_is_json, filter(str.strip, made.text.split("\n"))))
    else:
        again = read_document(made.text.encode(errors="surrogateescape"), path, form)
        before = read_document(text.encode(errors="surrogateescape"), path, form)
        is_whole = {f.name for f in again.faults} <= {f.name for f in before.faults}
    return made if is_whole else _left_as_it_is(text, sought)


def _left_as_it_is(text: str, sought: PurgeTarget) -> CutText:
    lines = {text.count("\n", 0, one.start) + 1 for one in sought.find(text)}
    return CutText(text, 0, tuple((line, _BREAKS) for line in sorted(lines)))


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def fixture_value(text: str) -> Any:
    """The value of a fixture's text; None where it is none."""
    if '"kb.run/' not in text:
        return None
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if is_fixture((value,)) else None


def cut_fixture(
    value: Any, sought: PurgeTarget, word: str, moved: dict[str, tuple[str, int]]
) -> tuple[bytes, int]:
    """A fixture in canonical JSON without it, and how often it stood there.

    `moved` are the blobs that changed: the old hash to the new one and the new size.
    """
    count = 0

    def changed(text: str) -> str:
        nonlocal count
        made = cut(text, sought, word, is_declared=True)
        count += made.count
        return made.text

    return canonical(_mapped(value, changed, moved)) + b"\n", count


def _mapped(value: Any, change: Callable[[str], str], moved: dict[str, tuple[str, int]]) -> Any:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list):
        return [_mapped(part, change, moved) for part in value]
    if not isinstance(value, dict):
        return value
    if (old := value.get("kb.blob")) in moved:
        name, size = moved[old]
        return {**value, "kb.blob": name, "kb.bytes": size}
    return {change(key): _mapped(part, change, moved) for key, part in value.items()}
