"""The sections of a body: which heading opens which, and the evidence each holds.

A heading is read at any level, with number signs, underlined or as a line of bold; a line
`Heading — text` below the title opens a section where the file has no heading of that name.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date

from kb.lazy_regex import regex
from kb.records.action_and_prior_items import ANY_ITEM
from kb.records.evidence import label_of, mark_evidence, read_fields
from kb.records.form import Form
from kb.records.form_sections import Field, Section
from kb.records.heading_topics import is_brief
from kb.records.markdown import (
    FieldLine,
    Line,
    SectionText,
    bold_heading,
    even_spaces,
    heading_level,
    read_heading,
    underlined_level,
)
from kb.records.written_dates import read_written_time

#: `Replay fixture — yes: …`, `3. **Root cause:** the retry …`, `Timeline:`.
_INLINE = regex(
    r" {0,3}(?:(?:[-*+•][ \t]+)|\d{1,2}[.)][ \t]+)?(?P<mark>\*\*|__)?"
    r"(?P<name>[A-Z][\w '’&/()-]{2,60}?)"
    r"(?:(?P=mark)[ \t]*[:：]|[:：](?P=mark)|(?P=mark)[ \t]+(?:—|–|--?)(?=[ \t])"
    r"|(?<!\*)[:：]|(?<!\*)[ \t]+(?:—|–|--?)(?=[ \t]))[ \t]*(?P<text>.*)$"
)
#: `###Timeline`, which lacks its blank.
_TIGHT = regex(r" {0,3}(#{1,6})([A-Z][^#\n]{2,80})$")
#: `<h3>Timeline</h3>`, and what a line may end with.
_HTML = regex(r" {0,3}<h([1-6])>[ \t]*([^<>\n]{2,80})</h[1-6]>[ \t]*(?:<[a-z/ ]{1,5}>[ \t]*)?$")
_OTHER_MARKS = frozenset({"#", "<"})
_LONGEST_NAME = 64
_DASH = regex(r"[ \t](?:[—–]|--?)[ \t]")
#: What was done at once is told below how it was stopped, and is no promise there.
_AT_ONCE = regex(r"immediate\b", re.IGNORECASE)
#: Lines that are nothing but the name of a section make headings of all such lines in a file.
_MANY_NAMES = 3
_SMALL_WORDS = frozenset({"and", "of", "the", "to", "for", "in", "on", "a", "with", "its"})
#: What a heading without any mark consists of: words, and a remark in brackets.
_NAME = regex(r"[^\W\d_][\w '’&/-]{2,50}(?:[ \t]?\([^()\n]{1,40}\))?")
_ANY_DAY = date(2000, 1, 1)  # lends a year to `July 22`; only that it is a day is asked
_SHORT = 12  # what may stand behind a day: `(Monday)`
_UNDERLINES = frozenset({"===", "---"})
_MAX_LINE = 20_000
#: As many headings of level 1 are sections; fewer are titles.
_SEVERAL_TOPS = 3
#: Sections of lists: a deeper heading groups their items, though another section has its name.
_OF_ITEMS = frozenset({"timeline", "actions"})
_GROUPED = frozenset({"timeline", "actions", "went_well", "went_wrong", "lessons"})


@dataclass(frozen=True, slots=True)
class HeadingLine:
    """One heading: where it stands, how it is written, and what of the form it names.

    `form` is "atx", "setext", "bold" or "inline"; `taken` counts its lines; `text` is what goes on
    behind an inline one. `is_loose` says that it holds words of the section and is no name of it.
    """

    index: int
    heading: str
    level: int
    form: str
    taken: int = 1
    text: str = ""
    section: Section | None = None
    field: Field | None = None
    is_loose: bool = False


def read_sections(lines: Sequence[Line], form: Form) -> tuple[SectionText, ...]:
    """The sections of a body, in the order they stand.

    A heading that names a section of the form opens it at any level; any other heading of level 1
    or 2, or of the level of the open section, opens an unknown one. Deeper headings belong inside.
    """
    found = list(_headings(lines, form))
    starts = list(_section_starts(found))
    ends = [*(start.index for start in starts[1:]), len(lines)]
    at = [heading.index for heading in found]
    return tuple(
        _section(lines, start, end, found[bisect_left(at, start.index) : bisect_left(at, end)])
        for start, end in zip(starts, ends, strict=False)
    )


def _headings(lines: Sequence[Line], form: Form) -> Iterator[HeadingLine]:
    """Every heading, those of bold and within a line only where they name a part of the form."""
    full = _with_loose(list(_full_headings(lines, form)), form)
    keys = {h.field.key if h.field else h.section.key for h in full if h.section}
    at = {heading.index for heading in full}
    titles = {heading.index for heading in full if heading.level == 1 and not heading.section}
    below = {heading.index + 1 for heading in full if heading.form == "setext"}
    other = [] if keys else _names_alone(lines, form)
    alone = {heading.index for heading in other}
    at_head = True  # of the file, or below a title: there a line may be a heading and its text
    for index, line in enumerate(lines):
        if index in alone:
            continue
        if index in at:
            at_head = index in titles
        elif index not in below and (at_head or "**" in line.text or "__" in line.text):
            found = list(_other_heading(lines, index, form, keys))
            other += found or _head_of_list(lines, index, form, keys)
        elif index not in below and line.text.rstrip().endswith((":", "：")):
            other += _head_of_list(lines, index, form, keys)
    if full:
        other = _without_labels(other)
    return iter(sorted((*full, *other), key=lambda heading: heading.index))


def _names_alone(lines: Sequence[Line], form: Form) -> list[HeadingLine]:
    """The lines that are the name of a section and nothing else, where several are.

    `ROOT CAUSE` directly above its text: who writes three such lines means all of them so.
    """
    found: list[HeadingLine] = []
    for index, line in enumerate(lines):
        text = line.text.strip()
        if line.is_prose and _is_in_capitals(text) and _NAME.fullmatch(text):
            section, field = form.named_by(text)
            if section := section or form.loosely_named(text):
                found.append(HeadingLine(index, text, 0, "inline", 1, "", section, field))
    named = {h.section.key for h in found if h.section and form.named_by(h.heading)[0]}
    return found if len(named) >= _MANY_NAMES else []


def _is_in_capitals(text: str) -> bool:
    """Whether each word of a short line begins with a capital: `Root Cause and Resolution`."""
    if not text or len(text) > _LONGEST_NAME:
        return False
    words = (word.strip("()") for word in text.split())
    return all(word[:1].isupper() or word in _SMALL_WORDS for word in words)


def _without_labels(found: Sequence[HeadingLine]) -> list[HeadingLine]:
    """The headings without those of bold that come again: `**Fix:**` below each cause."""
    bold = [_keys_of_heading(heading) for heading in found if heading.form == "bold"]
    return [
        heading
        for heading in found
        if heading.form != "bold"
        or _keys_of_heading(heading)[0] in _OF_ITEMS
        or bold.count(_keys_of_heading(heading)) == 1
    ]


def _keys_of_heading(heading: HeadingLine) -> tuple[str, str]:
    """The keys of the section and of the field that a heading names, empty for none."""
    return (
        heading.section.key if heading.section else "",
        heading.field.key if heading.field else "",
    )


def _head_of_list(
    lines: Sequence[Line], index: int, form: Form, keys: set[str]
) -> Iterator[HeadingLine]:
    """`Operational follow-ups:` above a list, `**Timeline**` above a table."""
    text = lines[index].text.strip()
    if not lines[index].is_prose or ANY_ITEM.match(text) or len(text) > _LONGEST_NAME:
        return
    if not (bold_heading(text) or text.endswith((":", "："))):
        return
    name = (bold_heading(text) or text).strip(":： ")
    below = next((line for line in lines[index + 1 : index + 3] if line.text.strip()), None)
    is_name = form.is_named(name)
    if below is None or not name[:1].isupper() or not (is_name or is_brief(name)):
        return
    section = form.named_by(name)[0] or form.loosely_named(name)
    if section and section.key in _OF_ITEMS and section.key not in keys:
        is_list = ANY_ITEM.match(below.text) or "|" in below.text
        if is_list or is_name or (section.key == "timeline" and below.is_mark):
            yield HeadingLine(index, name, 0, "bold", 1, "", section)


def _with_loose(full: Sequence[HeadingLine], form: Form) -> list[HeadingLine]:
    """The headings, those without a name read by their words; a title is none of them."""
    tops = sum(heading.level == 1 for heading in full)
    return [
        replace(heading, section=section, is_loose=True)
        if not heading.section
        and (heading.level > 1 or tops >= _SEVERAL_TOPS)
        and (section := form.loosely_named(heading.heading))
        else heading
        for heading in full
    ]


def _full_headings(lines: Sequence[Line], form: Form) -> Iterator[HeadingLine]:
    for index, line in enumerate(lines):
        if line.fence is not None or line.comment or len(line.text) > _MAX_LINE:
            continue
        if "#" in line.text[:4] and (heading := read_heading(line.text)) is not None:
            level = heading_level(line.text)
            named = (None, None) if _is_title(heading, level, form) else form.named_by(heading)
            yield HeadingLine(index, heading, level, "atx", 1, "", *named)
        elif line.text.lstrip(" ")[:1] in _OTHER_MARKS:
            yield from _marked_otherwise(line.text, index, form)
        elif index + 1 < len(lines) and lines[index + 1].text.lstrip(" ")[:3] in _UNDERLINES:
            yield from _underlined(lines, index, form)


def _marked_otherwise(text: str, index: int, form: Form) -> Iterator[HeadingLine]:
    """A heading that lacks its blank, or is one of HTML, where it names a section."""
    match = _TIGHT.match(text) or _HTML.match(text)
    if match:
        marks, name = match.groups()
        section, field = form.named_by(name)
        level = int(marks) if marks.isdecimal() else len(marks)
        if section:
            yield HeadingLine(index, name, level, "atx", 1, "", section, field)


def _is_title(heading: str, level: int, form: Form) -> bool:
    """Whether a heading of level 1 is a title that begins with a name of a section.

    `# Incident: the cache was poisoned` is one, `# RCA — run 15` too; `# Summary` is a section.
    """
    section = form.named_by(heading)[0] if level == 1 else None
    is_cut = section is not None and (
        section.key == "summary"
        or ":" in heading
        or (section.key == "root_cause" and bool(_DASH.search(heading)))
    )
    return is_cut and not form.is_named(heading)


def _underlined(lines: Sequence[Line], index: int, form: Form) -> Iterator[HeadingLine]:
    line, below = lines[index], lines[index + 1]
    if below.fence is not None or below.comment:
        return
    level = underlined_level(line.text, below.text)
    if level and (index == 0 or not lines[index - 1].is_prose or lines[index - 1].text[:1] == "#"):
        heading = bold_heading(line.text) or line.text.strip()
        yield HeadingLine(index, heading, level, "setext", 2, "", *form.named_by(heading))


def _other_heading(
    lines: Sequence[Line], index: int, form: Form, keys: set[str]
) -> Iterator[HeadingLine]:
    text = lines[index].text
    if not lines[index].is_prose or len(text) > _MAX_LINE:
        return
    if index and _is_text_above(lines[index - 1]) and not _is_name_alone(text):
        return
    if heading := bold_heading(text):
        section, field = form.named_by(heading)
        asked = field.key if field else section.key if section else ""
        if asked and asked not in keys:
            yield HeadingLine(index, heading, 0, "bold", 1, "", section, field)
        return
    inline = _INLINE.match(even_spaces(text)) if text.lstrip()[:1] not in {">", "|", "#"} else None
    if not inline:
        named = _plain_heading(lines, index, form)
        if named and named.key not in keys:
            yield HeadingLine(index, text.strip(), 0, "inline", 1, "", named)
        return
    section, field = form.named_by(inline["name"])
    if section and not field and section.key not in keys:
        yield HeadingLine(index, inline["name"], 0, "inline", 1, inline["text"], section)


def _is_name_alone(text: str) -> bool:
    """Whether a line says no more than `Timeline:`; what stands above it is not gone on with."""
    return text.rstrip().endswith((":", "：")) and len(text) <= _LONGEST_NAME


def _plain_heading(lines: Sequence[Line], index: int, form: Form) -> Section | None:
    """The section that a line below a blank one names, where nothing else stands in it.

    `ROOT CAUSE`, `Timeline (all times in EAT)`: read in files that have no other heading. What goes
    on in the next line is no more than the name.
    """
    text = lines[index].text.strip()
    is_below_text = index > 0 and bool(lines[index - 1].text.strip())
    goes_on = index + 1 < len(lines) and bool(lines[index + 1].text.strip())
    if is_below_text or not _NAME.fullmatch(text) or (goes_on and not form.is_named(text)):
        return None
    section, field = form.named_by(text)
    return section if section and not field else None


def _is_text_above(line: Line) -> bool:
    """Whether a line is text that the next one goes on with; items and headings are none."""
    text = line.text
    if not line.is_prose or heading_level(text) or bold_heading(text):
        return False
    return not (ANY_ITEM.match(text) or _INLINE.match(text) or text.endswith(("  ", "\\")))


def _section_starts(found: Sequence[HeadingLine]) -> Iterator[HeadingLine]:
    level, opened, form = 0, "", ""
    is_inline = True  # nothing is open, or what was opened within a line
    for heading in found:
        key = heading.section.key if heading.section else ""
        is_sibling = heading.form == form == "bold" and key != opened
        if not is_sibling and not _opens(heading, key, level, opened, is_inline=is_inline):
            continue
        form = heading.form
        is_title = heading.form in {"atx", "setext"} and heading.level == 1 and not key
        if heading.form in {"atx", "setext"}:
            level = 0 if is_title else heading.level
        opened, is_inline = key, is_title or heading.form == "inline"
        yield heading


def _opens(heading: HeadingLine, key: str, level: int, opened: str, *, is_inline: bool) -> bool:
    if heading.form == "inline":
        return is_inline
    if _is_inside(heading, key, opened, is_deeper=heading.level > level > 0):
        return False
    if heading.form == "bold":
        return opened not in _GROUPED
    return bool(key) or heading.level <= max(level, 2)


def _is_inside(heading: HeadingLine, key: str, opened: str, *, is_deeper: bool) -> bool:
    """Whether a heading divides the section that is open."""
    if key and key == opened and (heading.field or heading.form == "bold" or is_deeper):
        return True
    if heading.is_loose and is_deeper and (opened or not is_brief(heading.heading)):
        return True
    if heading.form == "bold":
        return False
    if is_deeper and opened == "agent_path" and _AT_ONCE.match(heading.heading):
        return True
    if is_deeper and opened in _GROUPED and not _is_own_name(heading):
        return True
    return not key and opened == "timeline" and _is_dated(heading.heading)


def _is_dated(heading: str) -> bool:
    """Whether a heading is a day or a time: below a timeline it is part of that."""
    if not any(character.isdigit() for character in heading):
        return False
    found = read_written_time(heading, _ANY_DAY)
    return found is not None and len(heading) - found.end <= _SHORT


def _is_own_name(heading: HeadingLine) -> bool:
    """Whether a heading is the section's own and not one of the names it answers to besides."""
    section = heading.section
    return bool(section and section.heading.lower() in heading.heading.lower())


def _section(
    lines: Sequence[Line], start: HeadingLine, end: int, headings: Sequence[HeadingLine]
) -> SectionText:
    head = lines[start.index]
    body = tuple(lines[start.index + start.taken : end])
    if start.text:
        body = (Line(head.number, start.text), *body)
    body = mark_evidence(body, start.section)
    fields = (
        *read_fields(body, start.section),
        *_values_below(lines, headings, end, start.section),
    )
    return SectionText(
        key=start.section.key if start.section else None,
        heading=start.heading,
        level=start.level or 2,
        line=head.number,
        end_line=lines[end - 1].number,
        lines=body,
        fields=tuple(sorted(fields, key=lambda field: field.line)),
    )


def _values_below(
    lines: Sequence[Line], headings: Sequence[HeadingLine], end: int, section: Section | None
) -> Iterator[FieldLine]:
    """The values that stand below headings which ask for one field."""
    for number, heading in enumerate(headings):
        row = heading.field
        if row is None or section is None or not section.field(row.key):
            continue
        last = headings[number + 1].index if number + 1 < len(headings) else end
        below = lines[heading.index + heading.taken : last]
        if not any(label_of(even_spaces(line.text), section) for line in below if line.is_prose):
            yield from _lines_below(heading, row, lines[heading.index].number, below)


def _lines_below(
    heading: HeadingLine, row: Field, number: int, below: Sequence[Line]
) -> Iterator[FieldLine]:
    texts = [line for line in below if line.is_prose]
    written = heading.heading
    items = [line for line in texts if ANY_ITEM.match(line.text)]
    if row.many and items and len(items) == len(texts):
        for line in items:
            match = ANY_ITEM.match(line.text)
            value = match[2].strip() if match else ""
            at = line.number
            yield FieldLine(row.key, written, value, at, at, "heading", True, row.answers)
        return
    if texts:
        value = "\n".join(line.text.strip() for line in texts)
        first, last = texts[0].number, texts[-1].number
        yield FieldLine(row.key, written, value, first, last, "heading", True, row.answers)


def joined(sections: Sequence[SectionText]) -> SectionText:
    """Sections of one key as one: the heading of the first, the lines and evidence of all.

    A heading between two of them stands among the lines.
    """
    first = sections[0]
    if len(sections) == 1:
        return first
    lines = list(first.lines)
    for section in sections[1:]:
        lines.append(Line(section.line, f"### {section.heading}"))
        lines += [line for line in section.lines if line.number > section.line]
    return SectionText(
        key=first.key,
        heading=first.heading,
        level=first.level,
        line=first.line,
        end_line=sections[-1].end_line,
        lines=tuple(lines),
        fields=tuple(field for section in sections for field in section.fields),
    )


def by_key(sections: Sequence[SectionText]) -> dict[str | None, SectionText]:
    """The sections by key, several of one key joined."""
    groups: dict[str | None, list[SectionText]] = {}
    for section in sections:
        groups.setdefault(section.key, []).append(section)
    return {key: joined(group) if key is not None else group[0] for key, group in groups.items()}
