"""A section as runs of prose and runs of evidence lines, in order, each in its shape.

Each part of a section names its `shape`; the macro of that name in `sections.html` draws it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from textwrap import dedent
from typing import ClassVar, Protocol

from markupsafe import Markup

from kb.humanize import duration, said_day
from kb.records.action_and_prior_items import read_items
from kb.records.markdown import FieldLine, SectionText
from kb.records.tables import read_tables
from kb.site.safe_html import LinkTarget, to_html, to_inline_html

_MAX_DIGITS = 9
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_WRITTEN = (
    *(("llm", "LLM"), ("Llm", "LLM"), ("api", "API"), ("db ", "database ")),
    *(("Oncall", "On-call"), ("oncall", "on-call")),
)
Fields = tuple[FieldLine, ...]


class Part(Protocol):
    """A stretch of a section that is drawn in one shape."""

    shape: ClassVar[str]


@dataclass(frozen=True, slots=True)
class RenderedProse:
    """Markdown of a record, rendered."""

    shape: ClassVar[str] = "prose"
    html: Markup


@dataclass(frozen=True, slots=True)
class FieldValue:
    """The value of one evidence line: its text, where that leads, and a remark behind it."""

    text: str | Markup
    address: str = ""
    remark: str = ""


@dataclass(frozen=True, slots=True)
class Definitions:
    """Evidence lines by key; one that repeats stands once with all its values."""

    shape: ClassVar[str] = "definitions"
    rows: tuple[tuple[str, tuple[FieldValue, ...]], ...]


#: Gives the parts that a run of evidence lines is drawn as.
Draw = Callable[[Fields, LinkTarget], Iterable[Part]]


@dataclass(frozen=True, slots=True)
class ProseBlock:
    """Markdown between evidence lines."""

    markdown: str


@dataclass(frozen=True, slots=True)
class EvidenceBlock:
    """Evidence lines that stand together."""

    fields: Fields


Block = ProseBlock | EvidenceBlock


def blocks(section: SectionText, drawn: Collection[int] = ()) -> tuple[Block, ...]:
    """The section's blocks in order, without the lines that the caller has drawn itself."""
    at = {field.line: field for field in section.fields}
    inside = {n for field in section.fields for n in range(field.line, field.end_line + 1)}
    found: list[tuple[bool, list[str], list[FieldLine]]] = []
    for line in section.lines:
        if line.comment or (
            (line.fence or "").split()[:1] == ["evidence"] and line.number not in at
        ):
            continue
        is_field = line.number in inside
        if line.number in drawn:
            continue
        if not found or (found[-1][0] != is_field and (is_field or line.text.strip())):
            found.append((is_field, [], []))
        if line.number in at:
            found[-1][2].append(at[line.number])
        elif not is_field:
            found[-1][1].append(line.text)
    return tuple(
        EvidenceBlock(tuple(fields))
        if is_field
        else ProseBlock(_joined(texts, orphaned=bool(drawn)))
        for is_field, texts, fields in found
        if fields or "".join(texts).strip()
    )


def _joined(texts: list[str], *, orphaned: bool) -> str:
    """Lines as Markdown; those whose parents are drawn elsewhere begin at the margin."""
    text = "\n".join(texts).strip("\n")
    return dedent(text) if orphaned else text


def label(key: str) -> str:
    """A field's key as people read it: `WOULD_HAVE_DETECTED` → `Would have detected`."""
    words = key.removesuffix("_MINUTES").replace("_", " ").lower().capitalize()
    for word, written in _WRITTEN:
        words = words.replace(word, written)
    return words


def grouped(fields: Fields, opener: str) -> list[Fields]:
    """The lines in groups, each of which begins with a line of the key `opener`."""
    groups: list[list[FieldLine]] = []
    for field in fields:
        if field.key == opener or not groups:
            groups.append([])
        groups[-1].append(field)
    return [tuple(group) for group in groups]


def definitions(fields: Iterable[FieldLine], link: LinkTarget) -> Iterator[Definitions]:
    """Evidence lines as a definition list; nothing where none has a value."""
    rows: dict[str, list[FieldValue]] = {}
    for field in fields:
        if field.value.strip():
            rows.setdefault(field.key, []).append(_value(field, link))
    if rows:
        yield Definitions(tuple((label(key), tuple(values)) for key, values in rows.items()))


def _value(field: FieldLine, link: LinkTarget) -> FieldValue:
    """A field's value; minutes in larger units first, for nobody reads 128160 as 89 days."""
    text = field.value.strip()
    if field.key == "FIXTURE" and (address := link(text)):
        return FieldValue(text, address)
    if not field.key.endswith("_MINUTES") or not text.isdecimal() or len(text) > _MAX_DIGITS:
        return FieldValue(to_inline_html(with_said_day(field.value), link))
    said = duration(float(text))
    minutes = f"{int(text):,} min"
    return FieldValue(said) if said == minutes else FieldValue(said, remark=minutes)


def with_said_day(value: str) -> str:
    """The value; one that is a day and nothing else as the site writes days."""
    if _DAY.fullmatch(value.strip()):
        with suppress(ValueError):  # no day of a calendar: it stays as it is
            return said_day(date.fromisoformat(value.strip()))
    return value


def parts(section: SectionText, link: LinkTarget, draw: Draw = definitions) -> Iterator[Part]:
    """The parts of a whole section, its evidence drawn by `draw`."""
    return _parts(blocks(section), link, draw)


def parts_beside(section: SectionText, items: Collection[int], link: LinkTarget) -> Iterator[Part]:
    """What stands in a section beside what was drawn already: items, lines and rows of tables.

    They are known by their first lines; a table is left out once all of its rows are drawn.
    """
    drawn = {
        number
        for item in read_items(section.lines)
        if item.line in items
        for number in range(item.line, item.end_line + 1)
    }.union(items)
    for table in read_tables(section.lines):
        if all(row.line in drawn for row in table.rows):
            drawn.update(range(table.line, table.end_line + 1))
    return _parts(blocks(section, drawn), link, definitions)


def _parts(found: Iterable[Block], link: LinkTarget, draw: Draw) -> Iterator[Part]:
    for block in found:
        if isinstance(block, EvidenceBlock):
            yield from draw(block.fields, link)
        elif html := to_html(block.markdown, link):
            yield RenderedProse(html)
