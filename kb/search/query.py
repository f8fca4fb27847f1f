"""Queries: a draft, a record or a text, as passages with the facets it states, and filters."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from kb.did_you_mean import nearest_word
from kb.errors import KbError
from kb.records.form import Form
from kb.search.bm25 import bag_of
from kb.search.encoder.encoder import Vectors
from kb.search.index.searchable import Searchable
from kb.search.indexed_records.entry import IndexedRecord, blank_entry, read_entry, readable
from kb.search.indexed_records.passages import (
    Passage,
    embedded_text,
    record_passages,
    text_passages,
)
from kb.search.ranking.cosine_likeness import Question

if TYPE_CHECKING:
    from kb.records.document import Document


@dataclass(frozen=True)
class Query:
    """A question. `entry` carries the facets of a record, draft or run, None for a plain text.

    `at` is when its incident happened: candidates are not later, unless it is a plain text.
    `alike_runs` says of records how like their run is to the one that asks, 0…1; None where no run
    asks. `is_plain`: a text that need not be about an incident. `shows_fault` is False for a run in
    whose trace nothing went wrong: no incident is like it.
    """

    text: str
    title: str
    passages: tuple[Passage, ...]
    entry: IndexedRecord | None
    at: datetime
    alike_runs: Mapping[str, float] | None = None
    is_plain: bool = False
    shows_fault: bool = True

    @property
    def id(self) -> str:
        """The id of the record that asks, empty for a plain text."""
        return self.entry.id if self.entry else ""

    @property
    def is_run(self) -> bool:
        """Whether a run asks."""
        return self.alike_runs is not None

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
        title = document.title
        return Query(title, title, record_passages(document), None, _end_of(today))
    entry, passages = found
    return Query(entry.title, entry.title, passages, entry, entry.happened_at)


@dataclass(frozen=True)
class RunFacts:
    """What a run asks with. `parts` are names and texts, `tools` those that it called.

    `classes` are those that its trace proves. `shows_fault`: something in it went wrong.
    """

    id: str
    title: str
    parts: Sequence[tuple[str, str]]
    tools: tuple[str, ...]
    classes: tuple[str, ...]
    alike_runs: Mapping[str, float]
    shows_fault: bool = True


def query_from_run(facts: RunFacts, today: date) -> Query:
    """A run as a query; it may be answered by records of any date up to today."""
    passages = tuple(p for name, text in facts.parts for p in text_passages(text, name))
    entry = blank_entry(facts.id, facts.title, today, classes=facts.classes, tools=facts.tools)
    lines = [facts.title, *(f"{name}: {text}" for name, text in facts.parts)]
    text = "\n".join(line for line in lines if line)
    shows = facts.shows_fault
    return Query(
        text, facts.title, passages, entry, _end_of(today), facts.alike_runs, shows_fault=shows
    )


def _end_of(day: date) -> datetime:
    return datetime.combine(day, time.max, UTC)


def embed_query(index: Searchable, query: Query) -> Question:
    """A query as arrays; a record that stands in the index as it is asks without the encoder."""
    texts = [embedded_text(query.title, passage) for passage in query.passages] or [query.title]
    words = [query.title, *(passage.text for passage in query.passages)]
    return Question(
        _vectors(index, query.id, texts), bag_of(words), query.entry, query.alike_runs or {}
    )


def _vectors(index: Searchable, asker: str, texts: Sequence[str]) -> Vectors:
    """The vectors of texts, (len(texts), d)."""
    known = _stored(index, asker)
    missing = [text for text in dict.fromkeys(texts) if text not in known]
    made = dict(zip(missing, index.encoder.encode(missing), strict=True)) if missing else {}
    return np.stack([made[text] if text in made else known[text] for text in texts])


def _stored(index: Searchable, asker: str) -> Mapping[str, NDArray[np.float32]]:
    """The vectors of the record that asks, by the text that each was made of."""
    generation = index.generation
    place = generation.collection.positions.get(asker)
    if place is None:
        return {}
    rows, title = generation.rows(place), index.entries[place].title
    vectors = generation.collection.vectors
    return {
        embedded_text(title, generation.passage(row)): vectors[row]
        for row in range(rows.start, rows.stop)
    }


@dataclass(frozen=True)
class Filters:
    """Which records may answer; empty means any. Ids in `without` never do."""

    classes: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    routes: tuple[str, ...] = ()
    since: date | None = None
    without: frozenset[str] = frozenset()

    def allow(self, entry: IndexedRecord) -> bool:
        """Whether a record passes."""
        return (
            (not self.classes or bool(set(self.classes) & set(entry.classes)))
            and (not self.kinds or entry.kind in self.kinds)
            and (not self.routes or entry.route in self.routes)
            and (self.since is None or entry.date >= self.since)
            and entry.id not in self.without
        )


EVERYTHING = Filters()


def refuse_unknown(filters: Filters, form: Form, entries: Iterable[IndexedRecord]) -> None:
    """Raise `KbError` for a word that neither the form nor a record knows.

    "Nothing similar" would be taken for an answer. Routes are free words, and a new one has no
    record yet: of them only what looks mistyped is refused.
    """
    if not (filters.classes or filters.kinds or filters.routes):
        return
    entries = tuple(entries)
    classes = form.words("classes") | {name for entry in entries for name in entry.classes}
    kinds = form.words("kind") | {entry.kind for entry in entries}
    routes = {entry.route for entry in entries}
    _refuse("failure class", filters.classes, classes, "kb.toml [taxonomy] adds one")
    _refuse("kind of record", filters.kinds, kinds, "the list is closed")
    known = tuple(word for word in filters.routes if word in routes or nearest_word(word, routes))
    _refuse("route", known, routes, "")


def _refuse(noun: str, wanted: Iterable[str], known: Iterable[str], note: str) -> None:
    names = sorted(name for name in known if name)
    for word in wanted:
        if word not in names:
            near = nearest_word(word, names)
            todo = f"Did you mean {near}?" if near else f"One of: {', '.join(names)}; {note}."
            raise KbError(f"there is no {noun} {word!r}", todo=todo)
