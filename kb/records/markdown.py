"""The sections, fences and `KEY: value` lines of a Markdown body, each with its line.

Reading is lenient: headings of any level, evidence in a fence, bare or as list items.
Line numbers count from 1 in the whole file. Every pattern is linear in the length of a line.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from msgspec import Struct
from msgspec.structs import replace

from kb.records.form import Form
from kb.records.sections import Section

_HEADING = re.compile(r" {0,3}(#{1,6})(?:[ \t]+(.*?))?[ \t]*(?:[ \t]#+)?[ \t]*$")
_FENCE = re.compile(r"([ \t]*)(`{3,}|~{3,})[ \t]*([^`\n]*)$")
_FENCED_FIELD = re.compile(r"([A-Za-z][A-Za-z0-9_]*)[ \t]*:(?:[ \t]+(.*))?$")
_BARE_FIELD = re.compile(
    r"(?P<lead>[ \t]*)(?P<bullet>[-*+][ \t]+)?(?P<mark>[*_`]{0,3})"
    r"(?P<key>[A-Za-z][A-Za-z0-9_ -]{0,60}?)(?:(?P=mark)[ \t]*:|[ \t]*:(?P=mark))"
    r"(?:[ \t]+(?P<value>.*))?$"
)
_WORD = re.compile(r"[\w/-]+")
_NESTED_ITEM = re.compile(r"[ \t]*[-*+][ \t]")
_CODE_SPAN = re.compile(r"`[^`\n]*`")
_MAX_LINE = 20_000  # longer lines are data, not prose: they are kept and not looked into


# Lines and fields are structs: there are hundreds in a file, and a frozen dataclass takes ten times
# as long to make.
class Line(Struct, frozen=True, gc=False):
    """One line of the body: its number, its text without line end, and where it stands.

    `fence` is the info string of the fence around it ("" for none given), None outside fences;
    `comment` says that it lies within an HTML comment; `is_mark` that it opens or closes a fence.
    """

    number: int
    text: str
    fence: str | None = None
    comment: bool = False
    is_mark: bool = False

    @property
    def is_prose(self) -> bool:
        """Whether it is ordinary text: not fenced, not a comment, not blank."""
        return self.fence is None and not self.comment and bool(self.text.strip())

    @property
    def is_evidence(self) -> bool:
        """Whether it stands in an evidence fence, or opens or closes one."""
        return self.fence == "evidence" or (self.fence or "").split()[:1] == ["evidence"]


class FieldLine(Struct, frozen=True, gc=False):
    """One evidence line. `key` is in capitals, `written` as typed; `value` has its continuations.

    `style` is "fenced", "bare" or "item"; `known` says whether the section's table has the key.
    """

    key: str
    written: str
    value: str
    line: int
    end_line: int
    style: str
    known: bool

    @property
    def word(self) -> str:
        """The first word of the value in lower case: what a closed list of answers looks at."""
        match = _WORD.match(self.value.strip())
        return match[0].lower() if match else ""


@dataclass(frozen=True)
class SectionText:
    """One section as written. `key` is None when no row of the form answers to the heading.

    `line` is the heading, `end_line` the last line of the section.
    """

    key: str | None
    heading: str
    level: int
    line: int
    end_line: int
    lines: tuple[Line, ...]
    fields: tuple[FieldLine, ...]

    @cached_property
    def text(self) -> str:
        """The body of the section without comments, as it was written."""
        return "\n".join(line.text for line in self.lines if not line.comment).strip()

    @cached_property
    def prose_lines(self) -> tuple[Line, ...]:
        """The lines of ordinary text: no fences, comments, headings or evidence."""
        bare = (field for field in self.fields if field.style != "fenced")
        taken = {n for field in bare for n in range(field.line, field.end_line + 1)}
        return tuple(
            line
            for line in self.lines
            if line.is_prose and line.number not in taken and not _heading(line.text)
        )

    @property
    def is_empty(self) -> bool:
        """Whether neither prose nor a field with a value stands in it."""
        return not self.prose_lines and not any(field.value.strip() for field in self.fields)

    def values(self, key: str) -> tuple[str, ...]:
        """The non-empty values of a field, in order."""
        return tuple(f.value.strip() for f in self.fields if f.key == key and f.value.strip())

    def value(self, key: str) -> str:
        """The first non-empty value of a field, empty where there is none."""
        return next(iter(self.values(key)), "")

    def groups(self, group_key: str) -> tuple[tuple[FieldLine, ...], ...]:
        """The fields in groups, each opened by `group_key`; a lead without it is a group too."""
        groups: list[list[FieldLine]] = []
        for found in self.fields:
            if found.key == group_key or not groups:
                groups.append([])
            groups[-1].append(found)
        return tuple(tuple(group) for group in groups)

    def subsections(self) -> tuple[tuple[str, int, str], ...]:
        """The deeper headings with their line and the text below each."""
        found: list[tuple[str, int, list[str]]] = []
        for line in self.lines:
            heading = _heading(line.text) if line.fence is None else None
            if heading and not line.comment:
                found.append(((heading[2] or "").strip(), line.number, []))
            elif found and not line.comment:
                found[-1][2].append(line.text)
        return tuple((name, number, "\n".join(text).strip()) for name, number, text in found)


def _heading(text: str) -> re.Match[str] | None:
    return _read_heading(text) if "#" in text[:4] else None  # three spaces may stand before it


@lru_cache(maxsize=256)  # a library has the same twenty headings in each record
def _read_heading(text: str) -> re.Match[str] | None:
    return _HEADING.match(text)


def scan_lines(texts: Sequence[str], first_line: int) -> tuple[tuple[Line, ...], int | None]:
    """The lines with their fences and comments marked, and the line of a fence left open."""
    lines: list[Line] = []
    fence: tuple[str, str, int] | None = None  # mark, info string, line
    in_comment = False
    for number, text in enumerate(texts, first_line):
        may_be_mark = ("```" in text or "~~~" in text) and len(text) <= _MAX_LINE
        match = _FENCE.match(text) if may_be_mark and not in_comment else None
        if fence is not None:
            closes = bool(match and match[2].startswith(fence[0]) and not match[3].strip())
            lines.append(Line(number, text, fence=fence[1], is_mark=closes))
            fence = None if closes else fence
        elif match:
            fence = (match[2], match[3].strip(), number)
            lines.append(Line(number, text, fence=fence[1], is_mark=True))
        elif in_comment or "<!--" in text:
            commented, in_comment = _comment_state(text, in_comment)
            lines.append(Line(number, text, comment=commented))
        else:
            lines.append(Line(number, text))
    return tuple(lines), fence[2] if fence else None


def _without_code(text: str) -> str:
    """A line without its code spans: a mark inside one opens no comment."""
    return _CODE_SPAN.sub("", text) if "`" in text else text


def _comment_state(text: str, inside: bool) -> tuple[bool, bool]:
    """Whether a line is nothing but comment, and whether a comment is open after it."""
    rest, outside = text, ""
    while rest:
        if inside:
            _, found, rest = rest.partition("-->")
            inside = not found
        else:
            before, found, rest = _without_code(rest).partition("<!--")
            outside += before
            inside = bool(found)
    started_inside = not outside.strip() and bool(text.strip())
    return started_inside, inside


def read_sections(lines: Sequence[Line], form: Form) -> tuple[SectionText, ...]:
    """The sections of a body, in the order they stand.

    A heading that names a section of the form opens it at any level; any other heading of level 1
    or 2, or of the level of the open section, opens an unknown one. Deeper headings belong inside.
    """
    starts = list(_section_starts(lines, form))
    ends = [start for start, *_ in starts[1:]] + [len(lines)]
    return tuple(
        _section(lines[start:end], heading, level, section)
        for (start, heading, level, section), end in zip(starts, ends, strict=False)
    )


def _section_starts(
    lines: Sequence[Line], form: Form
) -> Iterator[tuple[int, str, int, Section | None]]:
    open_level = 0
    for index, line in enumerate(lines):
        may_be_one = "#" in line.text[:4] and line.fence is None and not line.comment
        match = _heading(line.text) if may_be_one and len(line.text) <= _MAX_LINE else None
        if not match:
            continue
        level, heading = len(match[1]), (match[2] or "").strip()
        section = form.section_for_heading(heading)
        is_title = level == 1 and section is None
        if section or level <= max(open_level, 2):
            open_level = 0 if is_title else level
            yield index, heading, level, section


def _section(
    lines: Sequence[Line], heading: str, level: int, section: Section | None
) -> SectionText:
    body = tuple(lines[1:])
    return SectionText(
        key=section.key if section else None,
        heading=heading,
        level=level,
        line=lines[0].number,
        end_line=lines[-1].number,
        lines=body,
        fields=tuple(_fields(body, section)),
    )


def _fields(lines: Sequence[Line], section: Section | None) -> Iterator[FieldLine]:
    """The evidence lines: every `KEY: value` of an evidence fence, known keys elsewhere."""
    end = 0
    for index, line in enumerate(lines):
        found = _field_at(line, section) if index >= end and ":" in line.text else None
        if found is not None:
            end = _continuation_end(lines, index, found)
            yield _continued(found, lines[index + 1 : end])


def _continued(found: FieldLine, lines: Sequence[Line]) -> FieldLine:
    if not lines:
        return found
    parts = [found.value, *(line.text.strip() for line in lines)]
    value = "\n".join(part for part in parts if part)
    return replace(found, value=value, end_line=lines[-1].number)


def _field_at(line: Line, section: Section | None) -> FieldLine | None:
    if line.comment or line.is_mark or len(line.text) > _MAX_LINE:
        return None
    if line.fence is not None:
        match = _FENCED_FIELD.match(line.text) if line.is_evidence else None
        if not match:
            return None
        written, value, style = match[1], match[2] or "", "fenced"
    else:
        match = _BARE_FIELD.match(line.text) if section and section.fields else None
        if not match:
            return None
        written, value = match["key"], match["value"] or ""
        style = "item" if match["bullet"] else "bare"
    key = written.replace(" ", "_").replace("-", "_").upper()
    known = bool(section and section.field(key))
    if not known and style != "fenced":
        return None
    return FieldLine(key, written, value.strip(), line.number, line.number, style, known)


def _continuation_end(lines: Sequence[Line], index: int, found: FieldLine) -> int:
    """One past the last line of a value: indented lines that follow and are no field themselves."""
    end = index + 1
    while end < len(lines) and lines[end].text[:1] in {" ", "\t"}:
        line = lines[end]
        same_block = line.fence == lines[index].fence and not line.is_mark and not line.comment
        nested_item = found.style != "fenced" and _NESTED_ITEM.match(line.text)
        if not same_block or nested_item or not line.text.strip():
            break
        end += 1
    return end
