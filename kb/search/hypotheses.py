"""Which of a record's ruled-out hypotheses a query names."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from kb.records.ruled_out import RuledOut
from kb.search.bm25 import stem, written_words
from kb.search.query import Query

#: A hypothesis is named where the query has this share of its words, and at least so many: a guess
#: that errs towards silence, for a wrong "already ruled out" ends a search that should go on.
_SHARE = 0.6
_FEWEST = 2


def named_hypotheses(known: Iterable[RuledOut], query: Query) -> Iterator[RuledOut]:
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
