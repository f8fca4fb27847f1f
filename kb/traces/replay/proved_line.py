"""The line `PROVED: fails at …, passes at …`, put into the record whose fixture was proved."""

from __future__ import annotations

from kb.errors import KbError
from kb.records.document import Document, read_document
from kb.records.markdown import FieldLine

KEY = "PROVED"
_SECTION = "replay"
_STYLES = frozenset({"fenced", "bare", "item", "quote"})


def with_proved(document: Document, value: str) -> str:
    """The text of a record with the line in place of an earlier one, or below its neighbours.

    Raises `KbError` where the section has no evidence line of a form that can be continued.
    """
    section = document.section(_SECTION)
    known = [f for f in (section.fields if section else ()) if f.known and f.style in _STYLES]
    earlier = next((field for field in known if field.key == KEY), None)
    beside = earlier or (known[-1] if known else None)
    if beside is None:
        raise _refused(document, value)
    lines = document.text.splitlines(keepends=True)
    before, end = _around(lines[beside.line - 1], beside)
    line = f"{before}{KEY}: {value}{end or chr(10)}"
    if earlier:
        lines[earlier.line - 1 : earlier.end_line] = [line]
    else:
        lines.insert(beside.end_line, line)
    text = "".join(lines)
    _check(document, text, value)
    return text


def _around(line: str, field: FieldLine) -> tuple[str, str]:
    """What stands before the key of a line, and the line's end."""
    body = line.rstrip("\r\n")
    place = body.find(field.written)
    return (body[:place] if place > 0 else ""), line[len(body) :]


def _check(document: Document, text: str, value: str) -> None:
    """Nothing where reading it again shows the line and nothing else; else `KbError`."""
    raw = text.encode("utf-8", "surrogateescape")
    again = read_document(raw, document.path, document.form)
    others = [(f.key, f.value) for s in document.sections for f in s.fields if f.key != KEY]
    kept = [(f.key, f.value) for s in again.sections for f in s.fields if f.key != KEY]
    if kept != others or again.field(_SECTION, KEY) != value:
        raise _refused(document, value)


def _refused(document: Document, value: str) -> KbError:
    return KbError(
        "its replay section cannot be added to; nothing was written",
        where=str(document.path),
        todo=f"Write this line below FIXTURE yourself: {KEY}: {value}",
    )
