"""Makes a match of a record: what it states, and what is said of it and the query."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime

from kb.records.ruled_out import RuledOut
from kb.search.answer import Match, PassagePair, PromisedAction
from kb.search.bm25 import stem, written_words
from kb.search.indexed_records.entry import IndexedRecord, Promise
from kb.search.query import Query

#: A hypothesis is named where the query has this share of its words, and at least so many: a guess
#: that errs towards silence, for a wrong "already ruled out" ends a search that should go on.
_SHARE = 0.6
_FEWEST = 2


def match_of(
    entry: IndexedRecord,
    library: str,
    query: Query,
    *,
    reasons: tuple[str, ...],
    passages: tuple[PassagePair, ...],
    probability: float | None = None,
    similarity: float | None = None,
    may_be_same: bool = False,
) -> Match:
    """A record of a library, named as `library`, as a match of a query."""
    return Match(
        id=entry.id,
        library=library,
        title=entry.title,
        date=entry.date,
        severity=entry.severity,
        probability=probability,
        similarity=similarity,
        classes=entry.classes,
        reasons=reasons,
        passages=passages,
        verdict=query.verdict(entry.id),
        actions=tuple(_promised(entry, promise, query.at) for promise in entry.promises),
        counterfactual=entry.control,
        form=entry.form,
        may_be_same=may_be_same,
        ruled_out=tuple(_named_hypotheses(entry.ruled_out, query)),
    )


def _promised(entry: IndexedRecord, promise: Promise, at: datetime) -> PromisedAction:
    """An action of a record with its state now and at a time."""
    return PromisedAction(
        id=f"{entry.id}#{promise.label}",
        text=promise.text,
        state=promise.state,
        owner=promise.owner,
        due=promise.due,
        closed=promise.closed,
        open_at_query_date=None if _completion_unknown(entry, promise) else _open_at(promise, at),
    )


def _completion_unknown(entry: IndexedRecord, promise: Promise) -> bool:
    """Whether nobody outside can know: an unticked promise of somebody else's incident."""
    return entry.origin == "public" and promise.state == "open"


def _open_at(promise: Promise, at: datetime) -> bool | None:
    """Whether it was still to do at that time; None where the closing day is not written."""
    if promise.state == "open":
        return True
    if promise.closed is None:
        return None
    return promise.closed > at.date()


def _named_hypotheses(known: Iterable[RuledOut], query: Query) -> Iterator[RuledOut]:
    """The hypotheses whose words stand in the query, in the order of the record.

    It compares words without their endings and knows no meaning: what is said in other words is
    not found.
    """
    asked: frozenset[str] | None = None
    for found in known:
        if asked is None:
            asked = _words(" ".join((query.title, *(each.text for each in query.passages))))
        words = _words(found.hypothesis)
        named = len(words & asked)
        if words and named >= max(min(_FEWEST, len(words)), _SHARE * len(words)):
            yield found


def _words(text: str) -> frozenset[str]:
    return frozenset(stem(word.lower()) for word in written_words(text))
