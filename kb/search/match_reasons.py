"""Why a record matches: classes, facets, verdicts and rare words in common, as phrases."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator

from kb.search.bm25 import Postings, stem, word_hash, written_words
from kb.search.indexed_records.collection import Collection
from kb.search.indexed_records.entry import IndexedRecord, facets
from kb.search.query import Query
from kb.search.ranking.rank import Ranking
from kb.sentences import letter_pairs

_FACET_WORDS = {
    "missing_control": "missing control",
    "route": "route",
    "causes": "cause",
    "tools": "tool",
    "systems": "system",
}
#: Any phrase that is a reason; a name with white space in it is not known again.
_PHRASE = re.compile(
    r"(?:same (?:class|missing control|route|cause|tool|system)|reads like|both speak of)"
    r" [^\s,;]+(?:, [^\s,;]+)*"
    r"|people linked it with a record much like yours"
    r"|its run went the same way \(\d+% of tools, order, errors, effects\)"
)
#: Class weight from which on it is said that the query reads like that class.
_NOTABLE = 0.2
#: Verdict part from which on it is said that people linked a near record with this one.
_NOTABLE_VERDICT = 0.5
#: Likeness of two runs from which on it is said that they went the same way.
_NOTABLE_RUN = 0.5
_MOST_WORDS = 4
_SHORTEST_WORD = 4
#: Words that rank like any other, and would be no reason to anybody.
_SAY_NOTHING_TEXT = (
    "about after again already also another because before between both days during each every "
    "first hour hours just last minute minutes more most much never next nobody nothing once only "
    "other over same second seconds several some someone still than three through under until very "
    "where while whose within without"
)
_SAY_NOTHING = frozenset(_SAY_NOTHING_TEXT.split())


def reasons(
    collection: Collection, ranking: Ranking, query: Query, position: int
) -> tuple[str, ...]:
    """Phrases for one match, the strongest kind first; `position` is its place in the ranking."""
    record = int(ranking.places[position])
    entry = collection.entries[record]
    return (
        *_classes(collection, ranking, query.entry, entry),
        *_facets(query.entry, entry),
        *_verdicts(float(ranking.verdict_part[position])),
        *_run((query.alike_runs or {}).get(entry.id, 0.0)),
        *_words(collection.postings, query, record),
    )


def reasons_by_words(
    entry: IndexedRecord, postings: Postings, query: Query, record: int
) -> tuple[str, ...]:
    """Phrases for one match in an answer by words: what both records state, and rare words."""
    return (
        *_stated(query.entry, entry),
        *_facets(query.entry, entry),
        *_run((query.alike_runs or {}).get(entry.id, 0.0)),
        *_words(postings, query, record),
    )


def reasons_by_facts(
    asked: IndexedRecord | None, entry: IndexedRecord, alike: float
) -> tuple[str, ...]:
    """Phrases for a record of which only facts are known; where none is shared, its class."""
    found = (*_stated(asked, entry), *_facets(asked, entry), *_run(alike))
    read = f"reads like {', '.join(entry.classes)}"
    return found or ((read,) if entry.classes else ())


def are_reasons(text: str) -> bool:
    """Whether a text is reasons as they are written here, joined by semicolons, and no more."""
    return all(_PHRASE.fullmatch(phrase) for phrase in text.split("; "))


def _classes(
    collection: Collection, ranking: Ranking, asked: IndexedRecord | None, entry: IndexedRecord
) -> Iterator[str]:
    weights = dict(zip(collection.classes, ranking.class_weights.tolist(), strict=True))
    same = list(_stated(asked, entry))
    yield from same
    read = [name for name in entry.classes if weights.get(name, 0.0) >= _NOTABLE]
    if read and not same:
        yield f"reads like {', '.join(read)}"


def _stated(asked: IndexedRecord | None, entry: IndexedRecord) -> Iterator[str]:
    same = [name for name in entry.classes if asked and name in asked.classes]
    if same:
        yield f"same class {', '.join(same)}"


def _facets(asked: IndexedRecord | None, entry: IndexedRecord) -> Iterator[str]:
    shared = facets(asked) & facets(entry) if asked else frozenset()
    for key, name in _FACET_WORDS.items():
        if words := sorted(word for facet, word in shared if facet == key):
            yield f"same {name} {', '.join(words)}"


def _verdicts(part: float) -> Iterator[str]:
    if part >= _NOTABLE_VERDICT:
        yield "people linked it with a record much like yours"


def _run(alike: float) -> Iterator[str]:
    if alike >= _NOTABLE_RUN:
        yield f"its run went the same way ({alike:.0%} of tools, order, errors, effects)"


def _words(postings: Postings, query: Query, record: int) -> Iterator[str]:
    """The words that say most for the record, spelled as the query does."""
    text = " ".join([query.title, *(passage.text for passage in query.passages)])
    written = written_words(text)
    spelled = {stem(word.lower()): word.lower() for word in reversed(written)}
    asked = Counter(stem(word.lower()) for word in written)
    weighed = {
        spelled[key]: postings.weight(word_hash(key), record) * math.log1p(count)
        for key, count in asked.items()
        if _may_say_much(key) and spelled[key] not in _SAY_NOTHING
    }
    best = sorted((word for word, weight in weighed.items() if weight > 0), key=weighed.__getitem__)
    if best:
        yield f"both speak of {', '.join(reversed(best[-_MOST_WORDS:]))}"


def _may_say_much(key: str) -> bool:
    """Whether a word is long enough to say much; signs and letters that are read by pairs are."""
    is_pair = bool(letter_pairs(key)[1])
    return (is_pair or len(key) >= _SHORTEST_WORD) and not key.isdigit()
