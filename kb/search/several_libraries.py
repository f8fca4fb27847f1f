"""A library and those beside it, asked as one: a list by probability that says whose each is.

Each keeps its own index and its own probabilities. Another library whose texts may be read
is ranked like any; one that shares facts is ranked by what the classes mean to the asking one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from kb.config import SearchConfig
from kb.errors import KbError
from kb.library import Library
from kb.records.casebook import public_page
from kb.records.facts_without_text import RecordFacts
from kb.search.answer import FACTS, NONE, PUBLIC, Answer, BesideFacts, Match, ProposedClass
from kb.search.by_facts import FactsAsked, entries_of, fact_words
from kb.search.encoder.encoder import Progress
from kb.search.encoder.find_model_files import NoEncoderError
from kb.search.find_similar import (
    LIKELY,
    RankedQuery,
    answer_of,
    as_query,
    find,
    find_question,
    find_siblings,
)
from kb.search.index.index import Index, open_index
from kb.search.indexed_records.entry import IndexedRecord, same_records
from kb.search.query import EVERYTHING, Filters, Query, embed_query, refuse_unknown
from kb.search.words_only import WordIndex, answer_by_words, read_words, without_known

if TYPE_CHECKING:
    from kb.records.document import Document


@dataclass(frozen=True)
class OtherLibrary:
    """A library beside another, as far as it shares itself.

    `library` are the texts that may be read, with the index at `home`; `facts` are all there is of
    one that shares facts. `lenders` are libraries whose vectors are taken where they fit.
    `alike_runs` says of its records how like their run is to the one that asks. `note` is one line
    on why it is not asked, or on what to know of it.
    """

    name: str
    shares: str
    library: Library | None = None
    home: Path | None = None
    lenders: tuple[Library, ...] = ()
    facts: tuple[RecordFacts, ...] = ()
    alike_runs: Mapping[str, float] = field(default_factory=dict)
    folder: str = ""
    commit: str = ""
    note: str = ""

    @property
    def is_silent(self) -> bool:
        """Whether there is nothing to ask."""
        return self.library is None and self.shares != FACTS

    def silent(self, why: str) -> OtherLibrary:
        """The same library where it cannot be asked."""
        return OtherLibrary(self.name, NONE, commit=self.commit, note=f"not searched: {why}")


@dataclass(frozen=True)
class OpenOtherLibrary:
    """Another library with its index, None where it has none."""

    other: OtherLibrary
    index: Index | None = None

    @property
    def entries(self) -> tuple[IndexedRecord, ...]:
        """What filters may name."""
        return self.index.entries if self.index else entries_of(self.other.facts)


def search_as_in(library: Library, vectors: Path) -> SearchConfig:
    """The settings with which another library is searched for one: its encoder, bar, own vectors.

    `vectors` is the folder in which those are kept.
    """
    search = library.config.search
    model = library.root / Path(search.model).expanduser()
    return SearchConfig(
        model=str(model) if model.is_dir() else search.model,
        precision=search.precision,
        bar=search.bar,
        vectors=str(vectors),
    )


def similar_beside(
    library: Library,
    others: Sequence[OtherLibrary],
    query: Query | Document | str,
    *,
    limit: int | None = None,
    filters: Filters = EVERYTHING,
    today: date | None = None,
    progress: Progress | None = None,
) -> Answer:
    """The answer of `similar` and what the other libraries know, as one list.

    The most probable stand first, own ones before others that are as probable; `library` of a
    match says whose it is, and a record that the library holds itself is not shown twice. A
    library that cannot be asked is said in `beside`. Raises `KbError` like `similar`.
    """
    asked = as_query(query, today or datetime.now(UTC).date())
    limit = limit or library.config.search.limit
    try:
        index = open_index(library, progress)
        opened = tuple(open_other_library(one, progress) for one in others)
    except NoEncoderError as fault:
        return similar_by_words(library, others, asked, limit, filters, fault)
    entries = (*index.entries, *(entry for one in opened for entry in one.entries))
    refuse_unknown(filters, library.form, entries)
    return answer_beside(index, library, opened, asked, limit=limit, filters=filters)


def open_other_library(other: OtherLibrary, progress: Progress | None = None) -> OpenOtherLibrary:
    """Another library with its index as it stands now; one whose index cannot be made is silent.

    Raises `NoEncoderError` where no encoder is here.
    """
    if other.library is None:
        return OpenOtherLibrary(other)
    try:
        index = open_index(other.library, progress, other.home, other.lenders)
    except NoEncoderError:
        raise
    except KbError as error:
        return OpenOtherLibrary(other.silent(error.what))
    return OpenOtherLibrary(other, index)


def answer_beside(
    index: Index,
    library: Library,
    opened: Iterable[OpenOtherLibrary],
    query: Query,
    *,
    limit: int,
    filters: Filters,
) -> Answer:
    """The same from indexes that are open."""
    return with_other_libraries(find(index, query, filters), library, opened, limit)


def with_other_libraries(
    own: RankedQuery, library: Library, opened: Iterable[OpenOtherLibrary], limit: int
) -> Answer:
    """The same for a query that is ranked in the library that asks."""
    others = [_told(own, library, one, limit) for one in opened]
    return _joined(answer_of(own, library, limit), others, limit)


def related_beside(
    library: Library, others: Sequence[OtherLibrary], *, limit: int
) -> dict[str, tuple[Match, ...]]:
    """What other libraries know that is likely of the class of each published record, by its id.

    The most probable first, later records included. Raises `KbError` like `similar`.
    """
    index = open_index(library)
    opened = [open_other_library(one) for one in others]
    entries = (*index.entries, *(entry for one in opened for entry in one.entries))
    latest = max((entry.happened_at for entry in entries), default=datetime.now(UTC))
    found: dict[str, tuple[Match, ...]] = {}
    for place, entry in enumerate(index.entries):
        if entry.is_candidate:
            own = find_siblings(index, place, latest)
            parts = (match for one in opened for match in _told(own, library, one, limit).matches)
            likely = [match for match in parts if (match.probability or 0.0) >= LIKELY]
            found[entry.id] = tuple(sorted(likely, key=by_probability)[:limit])
    return found


def _told(own: RankedQuery, library: Library, one: OpenOtherLibrary, limit: int) -> _Told:
    """What one other library answers."""
    other = one.other
    if one.index is not None and other.library is not None:
        found = find_beside(own, one.index, other.alike_runs)
        return _told_of(other, answer_of(found, other.library, limit))
    if other.is_silent:
        return _Told(other, ())
    asked = FactsAsked(own, library, other.name, other.facts, other.alike_runs, other.lenders)
    eligible = int(asked.may_answer.sum())
    return _Told(other, tuple(asked.matches()), len(other.facts), eligible=eligible)


def find_beside(
    own: RankedQuery, index: Index, alike_runs: Mapping[str, float] | None = None
) -> RankedQuery:
    """Another library ranked for a query that was put to one; what that holds too is left out."""
    known = same_records(own.index.entries, index.entries)
    filters = replace(own.filters, without=own.filters.without | known)
    query, question = own.query, own.question
    if query.entry and query.id not in known:  # what has that id there is another team's
        query = replace(query, entry=msgspec.structs.replace(query.entry, id=""))
        question = replace(question, entry=query.entry)
    if query.is_run:
        query = replace(query, alike_runs=alike_runs or {})
        question = replace(question, alike_runs=alike_runs or {})
    if index.encoder.card.key != own.index.encoder.card.key:
        question = embed_query(index, query)
    return find_question(index, query, question, filters)


@dataclass(frozen=True)
class _Told:
    """What another library answered, and how much of it was asked."""

    other: OtherLibrary
    matches: tuple[Match, ...]
    records: int = 0
    passages: int = 0
    eligible: int = 0
    answer: Answer | None = None

    @property
    def beside(self) -> BesideFacts:
        """What is said of it below an answer."""
        one = self.other
        return BesideFacts(
            name=one.name,
            shares=one.shares,
            folder=one.folder,
            records=self.records,
            passages=self.passages,
            eligible=self.eligible,
            commit=one.commit,
            note=one.note,
        )


def _told_of(other: OtherLibrary, answer: Answer) -> _Told:
    is_public = other.shares == PUBLIC
    matches = tuple(
        replace(
            match,
            library=other.name,
            shares=other.shares,
            address=public_page(match.id) if is_public else "",
        )
        for match in answer.matches
    )
    facts = answer.index
    counts = (facts.records, facts.passages, facts.eligible)
    return _Told(other, matches, *counts, answer=answer)


def similar_by_words(
    library: Library,
    others: Iterable[OtherLibrary],
    query: Query,
    limit: int,
    filters: Filters,
    fault: NoEncoderError,
) -> Answer:
    """The answer by words of the library and of others, where no encoder is."""
    index = read_words(library, fault)
    beside = [_words_of(one, library, fault) for one in others]
    entries = (entry for _, words in beside if words for entry in words.entries)
    refuse_unknown(filters, library.form, (*index.entries, *entries))
    own = answer_by_words(index, query, limit=limit, filters=filters)
    narrowed = partial(without_known, filters, index)
    parts = (
        _told_of(one, answer_by_words(words, query, limit=limit, filters=narrowed(words)))
        if words
        else _Told(one, ())
        for one, words in beside
    )
    return _joined(own, [_with_facts(one) for one in parts], limit)


def _words_of(
    one: OtherLibrary, library: Library, fault: NoEncoderError
) -> tuple[OtherLibrary, WordIndex | None]:
    """Another library with its words; one whose records cannot be read is silent."""
    if one.library is not None:
        try:
            return one, read_words(one.library, fault)
        except KbError as error:
            return one.silent(error.what), None
    return one, None if one.is_silent else fact_words(one.facts, library, one.name, fault)


def _with_facts(told: _Told) -> _Told:
    """What is meant by classes was searched, and is no text of theirs."""
    by_ref = {facts.ref: facts for facts in told.other.facts}
    if not by_ref:
        return told
    matches = (replace(m, facts=by_ref[m.id], passages=()) for m in told.matches)
    return replace(told, matches=tuple(matches))


def _joined(own: Answer, others: Sequence[_Told], limit: int) -> Answer:
    """All answers as one list; where there are no probabilities own matches stand first."""
    beside = (match for told in others for match in told.matches)
    matches = _best(own.matches, sorted((*own.matches, *beside), key=by_probability), limit)
    return replace(
        own,
        matches=tuple(matches),
        nearest_misses=own.nearest_misses or (() if matches else next(_misses(others), ())),
        proposed_class=own.proposed_class or next(_proposals(others), None),
        ordinary=not matches and any(a.ordinary for a in (own, *_answers(others))),
        beside=tuple(told.beside for told in others),
    )


def _best(own: Sequence[Match], matches: Sequence[Match], limit: int) -> Sequence[Match]:
    """The first matches; of own ones the best at least, for it is the team's to act on."""
    shown = matches[:limit]
    if not own or limit < 2 or any(match in own for match in shown):  # noqa: PLR2004 - one is best
        return shown
    return [*shown[:-1], own[0]]


def _answers(others: Iterable[_Told]) -> Iterator[Answer]:
    return (told.answer for told in others if told.answer)


def _misses(others: Iterable[_Told]) -> Iterator[tuple[Match, ...]]:
    return (answer.nearest_misses for answer in _answers(others) if answer.nearest_misses)


def _proposals(others: Iterable[_Told]) -> Iterator[ProposedClass]:
    return (answer.proposed_class for answer in _answers(others) if answer.proposed_class)


def by_probability(match: Match) -> tuple[bool, float]:
    """The key that sorts matches: what may be the same incident first, then the surest."""
    return not match.may_be_same, -(match.probability or 0.0)
