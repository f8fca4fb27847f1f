"""The sections, fences and `KEY: value` lines of a Markdown body, each with its line.

Reading is lenient: headings of any level, evidence in a fence, bare or as list items.
Line numbers count from 1 in the whole file. Every pattern is linear in the length of a line.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

from msgspec import Struct

from kb.lazy_regex import regex
from kb.records.form_sections import normal_spelling

_HEADING = regex(r" {0,3}(#{1,6})(?:[ \t]+(.*?))?[ \t]*(?:[ \t]#+)?[ \t]*$")
_FENCE = regex(r"([ \t]*)(`{3,}|~{3,})[ \t]*([^`\n]*)$")
_WORD = regex(r"[\w/-]+")
_CODE_SPAN = regex(r"`[^`\n]*`")
_BOLD = regex(
    r" {0,3}(?:\*\*(?!\*)([^*\n]{1,120})\*\*|__(?!_)([^_\n]{1,120})__)[ \t]*+[:：]?[ \t]*+$"
)
_UNDERLINE = regex(r" {0,3}(?:={3,}|-{3,})[ \t]*$")
_NO_PARAGRAPH = regex(r"[ \t]*+(?:[-*+•][ \t]|\d{1,4}[.)][ \t]|[>|#]|<|$)")
_LONGEST_HEADING = 100
#: Fences that say nothing of their language, or name one that evidence is pasted as.
_PLAIN_FENCES = frozenset(
    {"", "text", "txt", "plain", "plaintext", "yaml", "yml", "none", "md", "markdown"}
    | {"properties", "ini", "log", "console", "kb"}
)
_ODD = ("\u00a0", "\u3000", "\u202f", "\u2007")
_ODD_SPACES = str.maketrans(dict.fromkeys(_ODD, " "))
_TAGS = regex(
    r"</?(?:span|font|strong|small|center|code|mark|del|ins|sup|sub|div|em|br|li|ul|ol|[bipu])"
    r"(?:[ \t][^<>\n]{0,300})?/?>",
    re.IGNORECASE,
)
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

    `style` is "fenced", "bare", "item", "quote", "table" or "heading"; `known` says whether the
    section's table has the key; `answers` are words that mean one of its list.
    """

    key: str
    written: str
    value: str
    line: int
    end_line: int
    style: str
    known: bool
    answers: tuple[tuple[str, str], ...] = ()

    @property
    def word(self) -> str:
        """The first word of the value in lower case: what a closed list of answers looks at.

        Spelt as the lists spell it, and in their words: `Authorized` and `Yes` are `authorised`.
        """
        match = _WORD.match(self.value.strip().lstrip("*_`"))
        word = normal_spelling(match[0].lower()) if match else ""
        return dict(self.answers).get(word, word)


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

    @cached_property
    def prose(self) -> str:
        """Its ordinary text on one line, as Markdown."""
        return " ".join(line.text.strip() for line in self.prose_lines)

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


def read_heading(text: str) -> str | None:
    """The text of a heading that begins with number signs, None for any other line."""
    match = _heading(text)
    return (match[2] or "").strip() if match else None


def heading_level(text: str) -> int:
    """The level of a heading that begins with number signs, 0 for any other line."""
    match = _heading(text)
    return len(match[1]) if match else 0


def bold_heading(text: str) -> str | None:
    """The text of a line that is nothing but bold, None for any other line."""
    if "**" not in text[:5] and "__" not in text[:5]:
        return None
    match = _BOLD.match(text)
    return (match[1] or match[2]).strip().rstrip(":：").rstrip() if match else None


def underlined_level(text: str, below: str) -> int:
    """The level of a heading written as a line with `===` or `---` below it, 0 for none."""
    mark = below.lstrip(" ")[:1]
    if mark not in {"=", "-"} or not _UNDERLINE.match(below):
        return 0
    is_short = len(text) <= _LONGEST_HEADING and not text.rstrip().endswith((".", ",", ";"))
    if not is_short or _NO_PARAGRAPH.match(text) or _UNDERLINE.match(text):
        return 0
    return 1 if mark == "=" else 2


def is_plain_fence(info: str) -> bool:
    """Whether a fence names no language of code, so that text may have been pasted into it."""
    return info.strip().lower() in _PLAIN_FENCES


def even_spaces(text: str) -> str:
    """The text with a plain space for each no-break or wide one; offsets stay the same."""
    if text.isascii() or not any(space in text for space in _ODD):
        return text
    return text.translate(_ODD_SPACES)


def without_tags(text: str) -> str:
    """The text without tags of HTML that only say how it looks: `<span style=…>`, `<br>`."""
    return _TAGS.sub("", text) if "<" in text else text


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
