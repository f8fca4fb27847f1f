"""`Document`: one file as written, lossless, with line numbers.

Reading never raises for content: what cannot be read becomes a fault with a line.
`Document.encode()` gives back the bytes that were read, whatever they were.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from itertools import islice
from pathlib import PurePath

from kb.lazy_regex import regex
from kb.records.action_and_prior_items import (
    ActionItem,
    Item,
    PriorIncident,
    read_actions,
    read_date,
    read_priors,
    read_unboxed,
)
from kb.records.form import Form
from kb.records.front_matter import Fault, FrontMatter, read_front_matter
from kb.records.front_matter_keys import RowedEntry, entries
from kb.records.markdown import Line, SectionText, scan_lines
from kb.records.record_files import MAX_RECORD_BYTES
from kb.records.section_reader import by_key, read_sections
from kb.records.taxonomy import PROFILE_FORMS
from kb.records.timeline import TimelineEntry, read_timeline
from kb.sentences import clipped

#: Of actions and other lists; no record of 216 public ones has more than 6. With 123,000 of them in
#: 2 MB `kb metrics` took 21 s and 264 MB, `kb actions` 23 s.
MAX_BOXES = 5_000
_BOX = regex(r"^[ \t]{0,20}[-*+][ \t]{1,4}\[.\]", re.MULTILINE)
#: Characters of a title that are read: it stands on every page that names the record. The longest
#: of 1,818 in collections of others has 210.
MAX_TITLE_CHARACTERS = 300
#: Every byte that is no small letter becomes a space.
_LETTERS_ONLY = bytes(code if code in b"abcdefghijklmnopqrstuvwxyz" else 32 for code in range(256))
_ALLOW = regex(r"kb:\s*allow\s+([\w-]+(?:\s*,\s*[\w-]+)*)\s*(?:(?:—|–|--?|:)\s*(.*))?$")


@dataclass(frozen=True, slots=True)
class Allowance:
    """A `# kb: allow <rule> — reason` comment of the front matter."""

    rules: tuple[str, ...]
    reason: str
    line: int


@dataclass(frozen=True, eq=False)
class Document:
    """One Markdown file as written; only itself is the same, so that what was read of it is kept.

    `text` is the decoded content, bytes that are no UTF-8 as lone surrogates; `sections` stand in
    the order of the file. Lint and `kb fmt` read this; everything else reads `Postmortem`.
    """

    path: PurePath
    text: str
    front: FrontMatter
    lines: tuple[Line, ...]
    sections: tuple[SectionText, ...]
    form: Form = field(repr=False)
    read_faults: tuple[Fault, ...] = ()

    @property
    def id(self) -> str:
        """The stem of the file name: the record's id."""
        return self.path.name.removesuffix(".md")

    @property
    def name_date(self) -> date | None:
        """The day in the file name, None where the name carries none."""
        return read_date(self.id)

    @property
    def faults(self) -> tuple[Fault, ...]:
        """What could not be read, front matter included."""
        return self.read_faults + self.front.faults

    @cached_property
    def title(self) -> str:
        """The title: front matter, else the first level-1 heading, else the file name.

        What is longer than `MAX_TITLE_CHARACTERS` is cut, with an ellipsis.
        """
        heading = next((h.heading for h in self.sections if h.level == 1), "")
        return clipped(self.front.text("title") or heading or self.id, MAX_TITLE_CHARACTERS)

    @cached_property
    def _by_key(self) -> dict[str | None, SectionText]:
        """The sections by key; those with one key joined."""
        return by_key(self.sections)

    def section(self, key: str) -> SectionText | None:
        """The section with that key; several of one key are one, in their order."""
        return self._by_key.get(key)

    def field(self, section_key: str, key: str) -> str:
        """The first non-empty value of an evidence field, empty where there is none."""
        section = self.section(section_key)
        return section.value(key) if section else ""

    @cached_property
    def actions(self) -> tuple[ActionItem, ...]:
        """The tasks of the action list."""
        section = self.section("actions")
        return read_actions(section.lines) if section else ()

    @cached_property
    def unboxed(self) -> tuple[Item, ...]:
        """The items of the action list that are meant as tasks and lack the box of one."""
        section = self.section("actions")
        return read_unboxed(section.lines, self.actions) if section else ()

    @cached_property
    def timeline(self) -> tuple[TimelineEntry, ...]:
        """The dated lines of the timeline."""
        section = self.section("timeline")
        return read_timeline(section.lines, section.heading, self.name_date) if section else ()

    @cached_property
    def priors(self) -> tuple[PriorIncident, ...]:
        """The earlier incidents named in the counterfactual."""
        section = self.section("counterfactual")
        return read_priors(section.lines) if section else ()

    @cached_property
    def allowances(self) -> tuple[Allowance, ...]:
        """The rules this file silences."""
        found = ((line, _ALLOW.match(text)) for line, text in self.front.comments)
        return tuple(
            Allowance(tuple(re.split(r"\s*,\s*", m[1])), (m[2] or "").strip(), line)
            for line, m in found
            if m
        )

    @cached_property
    def is_adopted(self) -> bool:
        """Whether it was taken over as it stood, and is not held to the form.

        What `form:` says in the record holds before what `kb.toml` says of the file.
        """
        text = self.front.text("form")
        return text == "adopted" or (not text and self.form.adopts(self.path))

    @cached_property
    def profile(self) -> str:
        """The profile that `published` holds it to: public, full or short.

        Its `form:` says which, else the scope of `kb.toml` that it is in, else its facts.
        """
        text = self.front.text("form")
        if text in PROFILE_FORMS:
            return text
        scope = self.form.scope(self.path)
        if scope and scope.profile:
            return scope.profile
        if self.front.text("origin") == "public":
            return "public"
        severe = self.front.text("severity") in {"SEV1", "SEV2"}
        felt = self.front.text("impact") in {"customer-visible", "control-breach"}
        light = self.front.text("kind") in {"near-miss", "rescue", "budget-alert"}
        return "full" if (severe or felt) and not light else "short"

    def source_line(self, number: int) -> str:
        """The text of one line, counted from 1, without its end; empty beyond the file."""
        texts = self._all_lines
        return texts[number - 1] if 0 < number <= len(texts) else ""

    @cached_property
    def _all_lines(self) -> list[str]:
        return lines_of(self.text)

    @cached_property
    def lower(self) -> str:
        """The text with its ASCII letters in lower case, every character in its place.

        By way of bytes, which takes a fifth of the time that the letters of all scripts take.
        """
        return self._lower_bytes.decode("utf-8", errors="surrogateescape")

    @cached_property
    def _lower_bytes(self) -> bytes:
        return self.encode().lower()

    @cached_property
    def words(self) -> frozenset[str]:
        """The words of `lower`, cut where anything but an ASCII letter stands: `didn`, `t`.

        One look tells that a word is not in the text; to search the text for it takes longer.
        """
        return frozenset(self._lower_bytes.translate(_LETTERS_ONLY).decode("ascii").split())

    @cached_property
    def entries(self) -> tuple[RowedEntry, ...]:
        """The entries of the front matter with the rows of their keys."""
        return tuple(entries(self.front))

    @cached_property
    def _line_starts(self) -> list[int]:
        return [0, *(match.end() for match in re.finditer("\n", self.text))]

    def offset(self, line: int, column: int = 1) -> int:
        """The character offset of a place counted from 1."""
        return self._line_starts[line - 1] + column - 1

    def place(self, offset: int) -> tuple[int, int]:
        """The line and column, counted from 1, of a character offset."""
        line = bisect_right(self._line_starts, offset)
        return line, offset - self._line_starts[line - 1] + 1

    def encode(self) -> bytes:
        """The bytes of the file."""
        return self.text.encode("utf-8", errors="surrogateescape")


def read_document(raw: bytes, path: PurePath, form: Form) -> Document:
    """The document in these bytes. Never raises; see `Document.faults`."""
    text = raw.decode("utf-8", errors="surrogateescape")
    faults = tuple(_encoding_faults(raw, text))
    if too_many := _too_many_boxes(text):
        faults += (too_many,)
    if len(raw) > MAX_RECORD_BYTES or too_many:
        return Document(path, text, FrontMatter(), (), (), form, faults)
    front = read_front_matter(text)
    texts = lines_of(text)
    lines, open_fence = scan_lines(texts[front.end_line :], front.end_line + 1)
    if open_fence:
        message = "this code fence is never closed"
        faults += (Fault(open_fence, 1, "unclosed-fence", message),)
    return Document(path, text, front, lines, read_sections(lines, form), form, faults)


def _too_many_boxes(text: str) -> Fault | None:
    """The first box above `MAX_BOXES`: each action costs every verb more than its few bytes."""
    if text.count("[") <= MAX_BOXES:
        return None
    boxes = islice(_BOX.finditer(text), MAX_BOXES, None)
    if (first := next(boxes, None)) is None:
        return None
    line = text.count("\n", 0, first.start()) + 1
    message = f"more than the {MAX_BOXES:,} boxes a record may have; it was not read"
    return Fault(line, 1, "too-large", message)


def lines_of(text: str) -> list[str]:
    """The lines without their ends."""
    lines = text.split("\n")
    return [line.rstrip("\r") for line in lines] if "\r" in text else lines


def _encoding_faults(raw: bytes, text: str) -> list[Fault]:
    if len(raw) > MAX_RECORD_BYTES:
        size = f"{len(raw) / 1e6:.1f} MB"
        limit = f"{MAX_RECORD_BYTES / 1e6:.0f} MB"
        message = f"{size} is more than the {limit} a record may have; it was not read"
        return [Fault(1, 1, "too-large", message)]
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        return [Fault(1, 1, "not-utf-8", "the file is UTF-16; save it as UTF-8")]
    if not _is_utf8(raw) and (match := re.search("[\ud800-\udfff]", text)):
        line = text.count("\n", 0, match.start()) + 1
        column = match.start() - (text.rfind("\n", 0, match.start()) + 1) + 1
        byte = ord(match[0]) - 0xDC00
        return [Fault(line, column, "not-utf-8", f"byte 0x{byte:02x} is not UTF-8")]
    return []


def _is_utf8(raw: bytes) -> bool:
    """Whether the bytes are UTF-8: to decode them strictly is the quickest way to know."""
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
