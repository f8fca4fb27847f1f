"""What may leave the house? The allow-lists, and a site made of nothing but what they name.

A redacted record is built anew from allowed values: what is not listed here has no way in. Every
page, feed, index and copy is made of the redacted values, so none of them can leak by itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from pathlib import PurePath

from msgspec import structs

from kb.publish.content import Site
from kb.publish.editions import Edition
from kb.publish.related import Related
from kb.records.body import Line, SectionText
from kb.records.draft import slug
from kb.records.items import read_timeline
from kb.records.model import Agent, Clocks, Postmortem

#: Sections the edition may carry, each with its evidence lines that may stand in it.
SECTIONS: dict[str, frozenset[str]] = {
    "summary": frozenset({"DAMAGED"}),
    "customer_truth": frozenset(
        {"WINDOW", "CUSTOMERS_AFFECTED", "CUSTOMER_SAW", "HARM", "TOLD_US_AT"}
    ),
    "timeline": frozenset(),
    "detection": frozenset({"DETECTION_CHAIN_MINUTES", "WOULD_HAVE_DETECTED"}),
    "policy_path": frozenset({"ALLOWED_POLICY", "ACTUAL_PATH", "ROOT_CAUSE", "POLICY_CAUSE"}),
    "outcome_asserts": frozenset({"LLM_SAYS_IT_DID", "OUTCOME_ASSERT", "HELD"}),
    "root_cause": frozenset(),
}
#: Headings inside a section behind which text may stand; others end what is shown of it.
SUBHEADINGS = frozenset({"code", "model"})
_CLOCKS = ("first_impact", "detected", "contained", "resolved")
_UNKNOWN_FIELD = re.compile(
    r"[ \t]*(?:[-*+][ \t]+)?[*_`]{0,3}[A-Z][A-Z0-9]*(?:_[A-Z0-9]+)+[*_`]{0,3}[ \t]*:"
)
_REFERENCE = re.compile(r"[ \t]*\[[^\]\n]+\]:")
_IMAGE = re.compile(r"!\[[^\]\n]*\](?:\([^)\n]*\)|\[[^\]\n]*\])")
_LINK = re.compile(r"\[([^\]\n]+)\](?:\([^)\n]*\)|\[[^\]\n]*\])")
_FILE_LINK = re.compile(r"\[([^\]\n]+)\](?:\((?!https?://)[^)\n]*\)|\[[^\]\n]*\])")
_ADDRESS = re.compile(r"<?\b[a-z][a-z0-9+.-]*://[^\s<>)\]]+>?", re.IGNORECASE)
_HEADING = re.compile(r" {0,3}#{1,6}[ \t]+(.*?)[ \t]*#*$")
_PRIVATE = (
    (re.compile(r"[\w.+-]+@[\w-]+(?:\.[\w-]+)+"), "[address]"),
    (re.compile(r"(?<![\w/])@[A-Za-z][\w-]+"), "[name]"),
    (re.compile(r"(?<![\w/])#[A-Za-z][\w-]*\d[\w-]*"), "[channel]"),
)


def redacted(
    site: Site, edition: Edition, every: Iterable[Postmortem], people: Iterable[str]
) -> Site:
    """The edition of a site: allowed records, each with allowed values only.

    `every` are all records of the library: their ids and customers are names not to be told.
    """
    shown = [record for record in site.records if _is_shown(record, edition)]
    clean = _Cleaner.of(tuple(every), people)
    ids = _public_ids(shown, clean)
    records = tuple(replace(clean.record(record), id=ids[record.id]) for record in shown)
    return Site(
        name=site.name,
        url=site.url,
        form=site.form,
        as_of=replace(site.as_of, commit=""),
        records=records,
        edition=edition,
        related={
            ids[record_id]: tuple(
                Related(ids[one.id], one.probability) for one in found if one.id in ids
            )
            for record_id, found in site.related.items()
            if record_id in ids
        },
    )


def _is_shown(record: Postmortem, edition: Edition) -> bool:
    is_fiction = record.origin == "example"
    if record.visibility != "external" or not record.is_published or is_fiction:
        return False
    return not edition.customer or edition.customer in record.affected_customers


def _public_ids(shown: Iterable[Postmortem], clean: _Cleaner) -> dict[str, str]:
    """Record id to the id of its page: day and title alone, for a file name may tell more."""
    ids: dict[str, str] = {}
    for record in shown:
        wanted = f"{record.date}-{slug(clean.text(record.title))}"
        number = sum(1 for other in ids.values() if other.startswith(wanted))
        ids[record.id] = f"{wanted}-{number + 1}" if number else wanted
    return ids


class _Cleaner:
    """Takes names that must not be told out of text that may be."""

    def __init__(self, names: dict[str, str]) -> None:
        self._names = names
        ordered = sorted(names, key=len, reverse=True)
        joined = "|".join(re.escape(name) for name in ordered)
        self._pattern = re.compile(rf"(?<!\w)(?:{joined})(?!\w)", re.IGNORECASE) if joined else None

    @classmethod
    def of(cls, every: tuple[Postmortem, ...], people: Iterable[str]) -> _Cleaner:
        """The names of people and customers, and the file names of records."""
        names = {name.lower(): "[name]" for name in people if name.strip()}
        for record in every:
            for customer in filter(str.strip, record.affected_customers):
                names |= dict.fromkeys(
                    (customer.lower(), customer.lower().replace("-", " ")), "a customer"
                )
            names[record.id.lower()] = "another record"
        return cls(names)

    def text(self, text: str) -> str:
        """The text without any of the names."""
        for pattern, instead in _PRIVATE:
            text = pattern.sub(instead, text)
        if self._pattern is None:
            return text
        return self._pattern.sub(lambda match: self._names[match[0].lower()], text)

    def record(self, record: Postmortem) -> Postmortem:
        """A record with allowed values only; every other one is that of a blank record."""
        is_public = record.origin == "public"
        sections = tuple(
            self._section(section, is_public)
            for section in record.sections
            if section.key in SECTIONS
        )
        timeline = next((s for s in sections if s.key == "timeline"), None)
        return replace(
            _blank(record),
            title=self.text(record.title),
            kind=record.kind,
            severity=record.severity,
            impact=record.impact,
            classes=record.classes,
            causes=record.causes,
            missing_control=record.missing_control,
            clocks=Clocks(**{name: getattr(record.clocks, name) for name in _CLOCKS}),
            customers_affected=record.customers_affected,
            sources=record.sources if is_public else (),
            sections=sections,
            timeline=read_timeline(timeline.lines) if timeline else (),
        )

    def _section(self, section: SectionText, is_public: bool) -> SectionText:
        allowed = SECTIONS[section.key or ""]
        fields = tuple(field for field in section.fields if field.key in allowed and field.known)
        kept = {n for field in fields for n in range(field.line, field.end_line + 1)}
        taken = {n for f in section.fields for n in range(f.line, f.end_line + 1)} - kept
        lines = tuple(
            structs.replace(line, text=self.text(_without_targets(line.text, keep_web=is_public)))
            for line in _before_unknown_heading(_without_comments(section.lines))
            if line.number not in taken and _is_allowed(line, kept)
        )
        numbers = {line.number for line in lines}
        return replace(
            section,
            heading=self.text(section.heading),
            lines=lines,
            fields=tuple(
                structs.replace(
                    field, value=self.text(_without_targets(field.value, keep_web=is_public))
                )
                for field in fields
                if field.line in numbers
            ),
        )


def _blank(record: Postmortem) -> Postmortem:
    """A record with nothing of its own but id, day and status."""
    return Postmortem(
        id=record.id, path=PurePath(f"{record.id}.md"), title="", date=record.date,
        status="published", origin=record.origin, kind="", severity="", impact="", classes=(),
        causes=(), missing_control="", route="", agent=Agent(), models=(), vendors=(), tools=(),
        systems=(), clocks=Clocks(), detected_by="", customers_affected=None, cost_usd=None,
        rescues=None, visibility="external", affected_customers=(), owners=(), opened=None,
        reviewed=None, lessons_by="", links=(), shared=(), signoffs=(), sources=(), aliases=(),
        profile="", sections=(), actions=(), timeline=(), priors=(),
    )  # fmt: skip


def _before_unknown_heading(lines: Iterable[Line]) -> Iterable[Line]:
    """The lines without those that stand behind a heading no list allows."""
    is_open = True
    for line in lines:
        match = _HEADING.match(line.text) if line.fence is None else None
        if match:
            is_open = match[1].strip().lower() in SUBHEADINGS
        if is_open:
            yield line


def _is_allowed(line: Line, kept: set[int]) -> bool:
    """Whether a line is prose, a mark of an evidence fence, or an evidence line that is kept."""
    if line.comment:
        return False
    if line.fence is not None:
        is_evidence = line.fence.split()[:1] == ["evidence"]
        return line.number in kept or (is_evidence and line.is_mark)
    return line.number in kept or not _UNKNOWN_FIELD.match(line.text)


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


def _without_targets(text: str, *, keep_web: bool) -> str:
    """Links and images as their text: their targets name files and hosts of the house.

    `keep_web` keeps links to the web, for records of what is public anyway.
    """
    if _REFERENCE.match(text):
        return ""
    text = _IMAGE.sub("", text)
    if keep_web:
        return _FILE_LINK.sub(r"\1", text)
    return _ADDRESS.sub("[link]", _LINK.sub(r"\1", text))
