"""What is being asked? A draft, a record or a text, as passages with the facets it states."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time

from kb.records.document import Document
from kb.search.records.entry import Entry, blank_entry, read_entry, readable
from kb.search.records.passages import Passage, record_passages, text_passages


@dataclass(frozen=True)
class Query:
    """A question. `entry` carries the facets of a record, draft or run, None for a plain text.

    `at` is when its incident happened: candidates are not later, unless it is a plain text.
    `alike_runs` says of records how like their run is to the one that asks, 0…1; None where no run
    asks. `is_plain`: a text that need not be about an incident.
    """

    text: str
    title: str
    passages: tuple[Passage, ...]
    entry: Entry | None
    at: datetime
    alike_runs: Mapping[str, float] | None = None
    is_plain: bool = False

    @property
    def id(self) -> str:
        """The id of the record that asks, empty for a plain text."""
        return self.entry.id if self.entry else ""

    def verdict(self, record_id: str) -> str:
        """What its author said about a record, empty where nothing was said."""
        verdicts = self.entry.verdicts if self.entry else ()
        return next((verdict.word for verdict in verdicts if verdict.id == record_id), "")


def query_from_text(text: str, today: date) -> Query:
    """A plain text as a query; it may be answered by records of any date up to today."""
    clean = text.encode("utf-8", "replace").decode()  # arguments may hold bytes of any kind
    return Query(clean, "", text_passages(clean, "text"), None, _end_of(today), is_plain=True)


def query_from_document(document: Document, today: date) -> Query:
    """A draft or record as a query; a document without a date counts as of today."""
    document = readable(document)
    found = read_entry(document)
    if found is None:
        title = document.front.text("title") or document.title
        return Query(title, title, record_passages(document), None, _end_of(today))
    entry, passages = found
    return Query(entry.title, entry.title, passages, entry, entry.happened_at)


@dataclass(frozen=True)
class RunFacts:
    """What a run asks with. `parts` are names and texts, `tools` those that it called.

    `classes` are those that its trace proves.
    """

    id: str
    title: str
    parts: Sequence[tuple[str, str]]
    tools: tuple[str, ...]
    classes: tuple[str, ...]
    alike_runs: Mapping[str, float]


def query_from_run(facts: RunFacts, today: date) -> Query:
    """A run as a query; it may be answered by records of any date up to today."""
    passages = tuple(p for name, text in facts.parts for p in text_passages(text, name))
    entry = blank_entry(facts.id, facts.title, today, classes=facts.classes, tools=facts.tools)
    lines = [facts.title, *(f"{name}: {text}" for name, text in facts.parts)]
    text = "\n".join(line for line in lines if line)
    return Query(text, facts.title, passages, entry, _end_of(today), facts.alike_runs)


def _end_of(day: date) -> datetime:
    return datetime.combine(day, time.max, UTC)
