"""Why a record matches: classes, facets, verdicts and rare words in common, as phrases."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime

import numpy as np

from kb.search.answer import PassagePair, PromisedAction
from kb.search.bm25 import Postings, stem, tokens, word_hash, written_words
from kb.search.index.index import Index
from kb.search.query import Query
from kb.search.ranking.classes import Numbers
from kb.search.ranking.likeness import Question
from kb.search.ranking.rank import Ranking, facets
from kb.search.records.collection import Collection
from kb.search.records.entry import IndexedRecord, Promise
from kb.search.records.passages import Passage
from kb.sentences import sentences

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
    """The same where there are only words and what both records state."""
    return (
        *_stated(query.entry, entry),
        *_facets(query.entry, entry),
        *_run((query.alike_runs or {}).get(entry.id, 0.0)),
        *_words(postings, query, record),
    )


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
        if len(key) >= _SHORTEST_WORD and not key.isdigit() and spelled[key] not in _SAY_NOTHING
    }
    best = sorted((word for word, weight in weighed.items() if weight > 0), key=weighed.__getitem__)
    if best:
        yield f"both speak of {', '.join(reversed(best[-_MOST_WORDS:]))}"


#: What all the query's rare words in one passage count beside a cosine of 1.
_WORDS = 0.4
_PAIRS = 2
#: What makes a passage worth quoting, in units of a cosine.
_OPENING = 0.2
_SCRAP = 0.15
_SCRAP_WORDS = 20


def meeting_passages(
    index: Index, query: Query, question: Question, record: int
) -> tuple[PassagePair, ...]:
    """The passages that meet best, best first, each side shown once.

    What is like every record (a timeline, a table of yes and no) says little about this one, so
    pairs are chosen by how much more alike they are than each is to the library at large, and by
    the rare words they share.
    """
    collection = index.generation.collection
    rows = index.generation.rows(record)
    theirs = [index.generation.passage(row) for row in range(rows.start, rows.stop)]
    if not theirs or not query.passages:
        return ()
    mine, others = question.vectors, collection.vectors[rows]
    alike = mine @ others.T
    average = collection.means.mean(axis=0)
    usual = ((mine @ average)[:, None] + (others @ average)[None]) / 2
    shared = _shared_words(query.passages, theirs, collection.postings)
    worth = alike - usual + _WORDS * shared + _readable(theirs)
    return tuple(_pairs(query.passages, theirs, alike, worth))


def meeting_by_words(
    mine: Sequence[Passage], theirs: Sequence[Passage], postings: Postings
) -> tuple[PassagePair, ...]:
    """The same by the rare words they share."""
    if not theirs or not mine:
        return ()
    shared = _shared_words(mine, theirs, postings)
    pairs = _pairs(mine, theirs, shared, shared + _readable(theirs))
    return tuple(replace(pair, similarity=None) for pair in pairs)


def _readable(theirs: Sequence[Passage]) -> Numbers:
    """What a passage gains as a quotation: an opening tells a stranger most, a scrap least."""
    opening = next((passage.section for passage in theirs if passage.section), "")
    gains = [
        _OPENING * (passage.section == opening)
        - _SCRAP * (len(passage.text.split()) < _SCRAP_WORDS)
        for passage in theirs
    ]
    return np.array(gains, np.float32)


def _pairs(
    mine: Sequence[Passage], theirs: Sequence[Passage], alike: Numbers, worth: Numbers
) -> list[PassagePair]:
    found: list[PassagePair] = []
    worth = np.where(alike > 0, worth, -np.inf)
    while len(found) < _PAIRS and np.isfinite(worth.max()):
        asked, answered = (int(i) for i in np.unravel_index(int(worth.argmax()), worth.shape))
        ours, there = mine[asked], theirs[answered]
        similarity = float(alike[asked, answered])
        found.append(PassagePair(ours.section, ours.text, there.section, there.text, similarity))
        worth[:, answered] = -np.inf
        if len(mine) > 1:
            worth[asked] = -np.inf
    return found


def _shared_words(
    mine: Sequence[Passage], theirs: Sequence[Passage], postings: Postings
) -> Numbers:
    """The share of each query passage's words, weighed by rarity, that each passage holds, 0…1."""
    held = [set(tokens(passage.text)) for passage in theirs]
    shares = np.zeros((len(mine), len(theirs)), np.float32)
    for row, passage in enumerate(mine):
        rarity = {word: postings.rarity(word_hash(word)) for word in set(tokens(passage.text))}
        total = sum(rarity.values()) or 1.0
        for column, words in enumerate(held):
            shares[row, column] = sum(rarity[word] for word in words & rarity.keys()) / total
    return shares


_PART = re.compile(r"(?<=;)\s+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]+")


def excerpt(text: str, other: str, most: int = 210) -> str:
    """At most `most` characters of a text, from the sentence nearest to the other text on.

    Control characters are dropped: what a record holds must not steer a terminal.
    """
    clean = " ".join(_CONTROL.sub(" ", text).split())
    parts = [part for sentence in sentences(clean) for part in _PART.split(sentence)] or [""]
    wanted = set(tokens(other))
    shared = [len(wanted & set(tokens(part))) for part in parts]
    start = shared.index(max(shared))
    shown = " ".join(parts[start:])
    lead = "… " if start else ""
    if len(lead + shown) <= most:
        return lead + shown
    cut = shown[: most - len(lead) - 2].rsplit(" ", 1)[0]
    return f"{lead}{cut.rstrip(',;:')} …"


def promised(entry: IndexedRecord, promise: Promise, at: datetime) -> PromisedAction:
    """An action of a record with its state now and at a time."""
    return PromisedAction(
        id=f"{entry.id}#{promise.label}",
        text=promise.text,
        state=promise.state,
        owner=promise.owner,
        due=promise.due,
        closed=promise.closed,
        open_at_query_date=None if _is_untold(entry, promise) else _open_at(promise, at),
    )


def _is_untold(entry: IndexedRecord, promise: Promise) -> bool:
    """Whether nobody outside can know: an unticked promise of somebody else's incident."""
    return entry.origin == "public" and promise.state == "open"


def _open_at(promise: Promise, at: datetime) -> bool | None:
    """Whether it was still to do at that time; None where the closing day is not written."""
    if promise.state == "open":
        return True
    if promise.closed is None:
        return None
    return promise.closed > at.date()
