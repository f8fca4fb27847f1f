"""Matches among records of which only facts are known: classes, control, causes, tools, runs.

There is no text to compare: what counts is whether the question is of a record's class, by what
the asking library has learnt of its classes and by what the others are called and mean.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property

import msgspec
import numpy as np
from numpy.typing import NDArray

from kb.library import Library
from kb.records.facts_without_text import RecordFacts, title_of
from kb.safe_files import UnsafePathError
from kb.search.answer import FACTS, Match
from kb.search.eligible_records import allowed
from kb.search.encoder.encoder import Vectors
from kb.search.encoder.find_model_files import NoEncoderError
from kb.search.encoder.vector_store import vector_store
from kb.search.find_similar import BAR, RankedQuery, most_probable_by_classes, proof_of
from kb.search.index.build_index import embed_rows
from kb.search.indexed_records.collection import standing_of
from kb.search.indexed_records.entry import IndexedRecord, blank_entry, facets
from kb.search.indexed_records.passages import Passage
from kb.search.match_reasons import reasons_by_facts
from kb.search.matches import match_of
from kb.search.ranking.class_posterior import (
    ClassPosterior,
    Numbers,
    class_shares,
    fit_posterior,
)
from kb.search.ranking.incident_probe import Signs, incident_chance
from kb.search.ranking.learn import class_text
from kb.search.ranking.probability_calibration import FACET_LOG_ODDS, LIKENESS_BAR
from kb.search.ranking.rank import Weights, scores_of
from kb.search.words_only import WordIndex, words_only

#: Coefficients of the class evidence and of 1 for the odds that a record of the class is of the
#: question's: fitted to the casebook in three parts, one asked, one own, one of facts. First
#: answers say .62 and are right in .60 of 57; of a corpus that was not looked at .44 and .81. The
#: slope alone is 18.5 with 19 own records and 16.8 with 38.
FACTS_CURVE = (17.0, -2.75)
#: The most a record is given whose text nobody has compared.
_MOST = 0.9


def entries_of(facts: Iterable[RecordFacts]) -> tuple[IndexedRecord, ...]:
    """Facts as entries that say no more."""
    return tuple(_entry(one) for one in facts)


def _entry(facts: RecordFacts) -> IndexedRecord:
    blank = blank_entry(
        facts.ref, title_of(facts), facts.date, classes=facts.classes, tools=facts.tools
    )
    return msgspec.structs.replace(
        blank,
        happened_at=_began(facts) or blank.happened_at,
        kind=facts.kind,
        causes=facts.causes,
        missing_control=facts.missing_control,
    )


def _began(facts: RecordFacts) -> datetime | None:
    at = facts.clocks.get("first_impact") or facts.clocks.get("first_warning")
    return at.astimezone(UTC) if at else None


@dataclass(frozen=True)
class FactsAsked:
    """The facts of a library and the query that was put to another, `own`.

    `name` is whose the facts are; `alike_runs` says how like their runs are to the one that asks;
    `lenders` are libraries whose vectors may be taken.
    """

    own: RankedQuery
    library: Library
    name: str
    facts: Sequence[RecordFacts]
    alike_runs: Mapping[str, float]
    lenders: Sequence[Library] = ()

    @cached_property
    def entries(self) -> tuple[IndexedRecord, ...]:
        """The facts as entries, in their order."""
        return entries_of(self.facts)

    @cached_property
    def may_answer(self) -> NDArray[np.bool_]:
        """Which of them are earlier and pass the filters, (n,)."""
        standing = standing_of(self.entries)
        return allowed(self.entries, standing, self.own.query, self.own.filters)

    @cached_property
    def incident(self) -> float:
        """The chance that the question tells of an incident at all.

        Their texts are not there: it is judged as if the nearest were as alike as `LIKENESS_BAR`.
        """
        own = self.own
        if not self._is_judged:
            return own.kind.incident
        key = own.index.generation.learned.calibration.encoder_key
        at_bar = Signs(similarity=LIKENESS_BAR, usual=LIKENESS_BAR)
        chance = incident_chance(key, own.question.mean, at_bar)
        # Where no own record may answer, none was there to judge the question by.
        return max(own.kind.incident, chance) if own.allowed.any() else chance

    @property
    def is_refused(self) -> bool:
        """Whether a plain text gets no answer, by the bar of the library that asks."""
        return self._is_judged and self.incident < self.library.config.search.bar

    @property
    def _is_judged(self) -> bool:
        return self.own.query.is_plain and not self.own.question.says_little

    def matches(self) -> Iterator[Match]:
        """The records like the query, best first.

        Of those with one primary class the best is given, and how many more there are: without a
        sentence they could not be told apart.
        """
        if not self.entries or self.is_refused:
            return
        probabilities = np.where(self.may_answer, _probabilities(self), -1.0)
        newest = np.array([entry.happened_at.timestamp() for entry in self.entries])
        alike: dict[str, list[int]] = {}
        for place in np.lexsort((-newest, -probabilities)).tolist():
            if probabilities[place] >= BAR:
                alike.setdefault(self.entries[place].primary_class, []).append(place)
        for best, *others in alike.values():
            yield self._match(best, float(probabilities[best]), len(others))

    def _match(self, place: int, probability: float, others: int) -> Match:
        entry, query = self.entries[place], self.own.query
        phrases = reasons_by_facts(query.entry, entry, self.alike_runs.get(entry.id, 0.0))
        more = (f"{others} more there of this class",) if others else ()
        made = match_of(
            entry,
            self.name,
            query,
            reasons=(*phrases, *more),
            passages=(),
            probability=probability,
        )
        return replace(made, shares=FACTS, facts=self.facts[place])


def _probabilities(asked: FactsAsked) -> NDArray[np.float64]:
    """The probability of the same class for every record, (n,)."""
    own, entries, draft = asked.own, asked.entries, asked.own.query.entry
    shared = np.array([len(facets(draft) & facets(e)) if draft else 0 for e in entries])
    alike = np.array([asked.alike_runs.get(entry.id, 0.0) for entry in entries])
    weights = Weights()
    stated = weights.facet * np.minimum(shared, weights.most_facets) + weights.run * alike
    slope, constant = FACTS_CURVE
    odds = slope * _evidence(asked) + constant + FACET_LOG_ODDS * stated
    chances = asked.incident / (1 + np.exp(-np.clip(odds, -30, 30)))
    if own.query.is_run:
        chances = chances * proof_of(entries, own.query, asked.alike_runs)
    most = np.minimum(most_probable_by_classes(entries, own.query), _MOST)
    return np.asarray(np.minimum(chances, most), np.float64)


def _evidence(asked: FactsAsked) -> Numbers:
    """How far the question reads like the classes of each record, (n,).

    By what the asking library has learnt of its classes, and by what others are called and mean.
    """
    own, entries = asked.own, asked.entries
    known = own.index.generation.collection.classes
    theirs = {name for entry in entries for name in entry.classes}
    # All classes of the form compete: beside one class alone, any incident reads like it.
    new = sorted((theirs | asked.library.form.words("classes")) - set(known))
    classes = (*known, *new)
    similarities = np.full(len(own.index.entries), -1, np.float32)
    similarities[own.ranking.places] = own.ranking.similarity
    asker = own.index.generation.collection.positions.get(own.query.id)
    scores = scores_of(_extended(asked, new), classes, own.question, similarities, asker)
    places = {name: place for place, name in enumerate(classes)}
    labels = np.zeros((len(entries), len(classes)), np.float32)
    for row, entry in enumerate(entries):
        labels[row, [places[name] for name in entry.classes]] = 1.0
    return np.asarray(class_shares(labels) @ scores.evidence, np.float32)


def _extended(asked: FactsAsked, new: Sequence[str]) -> ClassPosterior:
    """The posterior of the asking library with classes that none of its records has."""
    posterior = asked.own.index.generation.learned.posterior
    if not new:
        return posterior
    meanings = np.concatenate([posterior.meanings, _meanings(asked, new)])
    empty = np.zeros((len(posterior.labels), len(new)), np.float32)
    labels = np.concatenate([posterior.labels, empty], axis=1)
    extended = fit_posterior(posterior.means, labels, meanings, posterior.weights)
    joint = posterior.joint.with_more_classes(len(new)) if posterior.joint else None
    return replace(extended, joint=joint, skill=posterior.skill)


def _meanings(asked: FactsAsked, names: Sequence[str]) -> Vectors:
    """The vectors of what classes mean: those that are stored, the others embedded once."""
    texts = [class_text(name, asked.library.form) for name in names]
    encoder = asked.own.index.encoder
    try:
        store = vector_store(asked.library, encoder, lent_by=asked.lenders)
        return embed_rows(texts, encoder, store)
    except (OSError, UnsafePathError):
        store = vector_store(asked.library, encoder, is_kept=False, lent_by=asked.lenders)
        return embed_rows(texts, encoder, store)


def fact_words(
    facts: Sequence[RecordFacts], library: Library, name: str, fault: NoEncoderError
) -> WordIndex:
    """Facts with the words of what their classes mean here, where no encoder is.

    `name` is whose they are.
    """
    named = msgspec.structs.replace(library.config.library, name=name)
    config = msgspec.structs.replace(library.config, library=named)
    records = tuple((entry, _class_passages(entry, library)) for entry in entries_of(facts))
    return WordIndex(replace(library, config=config), records, words_only(fault))


def _class_passages(entry: IndexedRecord, library: Library) -> tuple[Passage, ...]:
    texts = (class_text(name, library.form) for name in entry.classes)
    return tuple(Passage("", text) for text in texts)
