"""What of a record may be proposed to outsiders: allow-lists, and a record made of them alone.

A redacted record is built anew from allowed values: what is not listed here has no way in.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import PurePath
from typing import Any

from msgspec import structs

from kb.records.compound_values import AgentFacts
from kb.records.form import Form
from kb.records.form_sections import SECTIONS as FORM_SECTIONS
from kb.records.front_matter_keys import KEYS, Key, KeyType
from kb.records.markdown import FieldLine, Line, SectionText
from kb.records.postmortem import Clocks, Postmortem
from kb.records.timeline import read_timeline
from kb.site.external.name_replacement import TextCleaner
from kb.site.external.prose import OmittedPart, Prose

#: Sections the edition may carry, each with its evidence lines that may stand in it.
SECTIONS: dict[str, frozenset[str]] = {
    section.key: frozenset(row.key for row in section.fields if row.external)
    for section in FORM_SECTIONS
    if section.external
}
#: Keys of the front matter the edition may carry, and the clocks among them.
KEYS_SHOWN = tuple(row for row in KEYS if row.external)
_ATTRIBUTES = tuple(row for row in KEYS_SHOWN if row.name in Postmortem.__dataclass_fields__)
_CLOCKS = tuple(
    row.name for key in KEYS_SHOWN if key.name == "clocks" for row in key.keys if row.external
)

#: What an author calls a section that is for the team alone.
_INSIDE = re.compile(
    r"\b(?:internal(?:ly)?|confidential|confidentiel|private|privileged|intern[aeo]?"
    r"|confiden[cz]ial|vertraulich)\b",
    re.IGNORECASE,
)


@dataclass
class RecordRedaction:
    """One record on its way out; `left_out` grows with what it loses."""

    record: Postmortem
    cleaner: TextCleaner
    form: Form
    left_out: list[OmittedPart] = field(default_factory=list)

    def made(self) -> Postmortem:
        """A record with allowed values only; every other one is that of a blank record."""
        record, others = self.record, dict(self.record.others)
        sections = tuple(self._section(s) for s in self._allowed_sections())
        timeline = next((s for s in sections if s.key == "timeline"), None)
        return replace(
            _blank(record),
            **{row.name: self._value(row, getattr(record, row.name)) for row in _ATTRIBUTES},
            others=tuple(
                (row.name, self._value(row, others[row.name]))
                for row in KEYS_SHOWN
                if row.name in others
            ),
            sources=record.sources if record.origin == "public" else (),
            sections=sections,
            timeline=(
                read_timeline(timeline.lines, timeline.heading, record.date) if timeline else ()
            ),
        )

    def _allowed_sections(self) -> Iterator[SectionText]:
        """The sections of the allow-list, without those whose heading says who may read them."""
        for section in self.record.sections:
            if section.key in SECTIONS and _INSIDE.search(section.heading):
                what = f"the section '{section.heading[:60]}', for its heading calls it internal"
                self.left_out.append(OmittedPart(section.line, what))
            elif section.key in SECTIONS:
                yield section

    def _value(self, row: Key, value: Any) -> Any:
        """The value of an allowed key, cleaned as its type asks.

        Raises `ValueError` for a type that nobody has taught to clean.
        """
        match row.type:
            case KeyType.TEXT | KeyType.DATE:
                return self.cleaner.text(value)
            case KeyType.TEXTS:
                return tuple(map(self.cleaner.text, value))
            case KeyType.WORD:
                return self._word(row.taxonomy, value)
            case KeyType.WORDS:
                return tuple(filter(None, (self._word(row.taxonomy, word) for word in value)))
            case KeyType.COUNT | KeyType.NUMBER | KeyType.TIME:
                return value
        if isinstance(value, Clocks):
            return Clocks(**{name: getattr(value, name) for name in _CLOCKS})
        raise ValueError(f"{row.name}: nothing cleans {row.type}")

    def _word(self, key: str, word: str) -> str:
        """A word of the form; any other could say anything."""
        if not word or word == "unknown" or word in self.form.words(key):
            return word
        self.left_out.append(OmittedPart(1, f"'{word}', which is no word of '{key}'"))
        return ""

    def _section(self, section: SectionText) -> SectionText:
        allowed = SECTIONS[section.key or ""]
        fields = tuple(f for f in section.fields if f.key in allowed and f.known)
        values = tuple(self._field(field) for field in fields)
        lines = sorted(
            (*self._prose(section), *map(_as_line, values)), key=lambda line: line.number
        )
        return replace(
            section,
            heading=self.cleaner.text(section.heading),
            lines=tuple(sorted(lines, key=lambda line: line.number)),
            fields=values,
        )

    def _field(self, found: FieldLine) -> FieldLine:
        prose = Prose(self.cleaner, found.line, self.left_out)
        value = prose.value(found.value, found.line)
        return structs.replace(
            found, written=found.key, value=value, end_line=found.line, style="fenced"
        )

    def _prose(self, section: SectionText) -> Iterator[Line]:
        """What stands beside the evidence, block by block; each line has the number of its block.

        Evidence is blotted out before the text is parsed, so that lines keep their numbers.
        """
        taken = {n for f in section.fields for n in range(f.line, f.end_line + 1)}
        texts = [
            "" if line.number in taken or line.is_evidence else line.text
            for line in _without_comments(section.lines)
        ]
        prose = Prose(self.cleaner, section.line + 1, self.left_out)
        for number, block in prose.blocks("\n".join(texts)):
            yield from (Line(number, text) for text in (*block, ""))


def _as_line(found: FieldLine) -> Line:
    return Line(found.line, f"{found.key}: {found.value}", fence="evidence")


def _blank(record: Postmortem) -> Postmortem:
    """A record with nothing of its own but id, day and status."""
    return Postmortem(
        id=record.id, path=PurePath(f"{record.id}.md"), title="", date=record.date,
        status="published", origin=record.origin, form="", kind="", severity="", impact="",
        classes=(), causes=(), missing_control="", route="", agent=AgentFacts(), models=(),
        vendors=(), tools=(), systems=(), clocks=Clocks(), detected_by="", customers_affected=None,
        cost_usd=None, rescues=None, visibility="external", affected_customers=(), owners=(),
        opened=None,
        reviewed=None, lessons_by="", links=(), shared=(), signoffs=(), sources=(), aliases=(),
        profile="", sections=(), actions=(), timeline=(), priors=(),
    )  # fmt: skip


def _without_comments(lines: Iterable[Line]) -> Iterable[Line]:
    """The lines without HTML comments, also those that begin or end within a line."""
    inside = False
    for line in lines:
        if line.fence is not None:
            yield line
            continue
        rest, outside = line.text, ""
        while rest:
            if inside:
                _, closed, rest = rest.partition("-->")
                inside = not closed
            else:
                before, opened, rest = rest.partition("<!--")
                outside += before
                inside = bool(opened)
        yield structs.replace(line, text=outside)
