"""Fetches the records worth ranking for a question, with all that ranking needs of them."""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from kb.search.bm25 import Bag
from kb.search.encoder.encoder import Vectors
from kb.search.index.build_index import text_bag
from kb.search.index.faiss_index import RANK_ALL
from kb.search.indexed_records.collection import SAMPLE, starts_of
from kb.search.indexed_records.entry import IndexedRecord, PriorVerdict
from kb.search.query import EVERYTHING, Filters
from kb.search.ranking.cosine_likeness import Question
from kb.search.ranking.joint_ridge import MOST_TEACHERS
from kb.store.connection import SentStatement, Store, half_vector
from kb.store.stored_records import read_stored

#: Nearest passages of all passages of a question together, and records by whole text and by words:
#: as many as in an index on a machine.
NEAREST = 200
POOLED = 300
#: How many passages of the graph are looked at for them. Of 200,000 passages of real sentences .978
#: of the ten nearest were found in 200, .997 in 600 and all in 1,000; in heaps of 140 like ones,
#: which no texts are, .964 in 1,000.
WALKED = 1_000
#: So many records within the filters are compared one by one by their whole text: a graph is walked
#: for so long that few of them would be met. As many as a local index ranks without one.
FEW = RANK_ALL
#: The fewest of them for one passage of a long question.
_FEWEST = 40
#: Postings that are read for the rare words of a question; common words tell records apart little,
#: and are counted for what was found.
_MOST_POSTINGS = 60_000
_HALF = np.dtype(">f2")
#: What stands before the numbers of a vector as the server sends it, its dimension and nothing; in
#: an array its length too; and before all of an array.
_HEADER_BYTES, _IN_ARRAY_BYTES, _ARRAY_BYTES = 4, 8, 20

_BODY = """
SELECT t.record, a.library, t.entry, halfvec_send(t.mean), t.words, t.counts, t.length,
    array_send(v.vectors)
FROM kb.texts t JOIN kb.audiences a ON a.number = t.audience LEFT JOIN kb.record_vectors v
    ON v.record = t.record
"""

#: What everybody may read, which alone is counted over all texts.
_COUNTED = "t.audience = ANY (kb.counted())"

_EVEN = """
WHERE t.record IN ((SELECT record FROM kb.texts t WHERE {among} ORDER BY draw LIMIT %s)
    UNION (SELECT record FROM kb.texts t JOIN kb.records ON number = record
        WHERE {among} AND classes <> '{{}}' ORDER BY draw LIMIT %s))
ORDER BY t.draw
"""

#: The audiences of the library that asks: it knows its own records better.
_HIDDEN = """(SELECT coalesce(array_agg(a.number), '{}') FROM kb.audiences a
    JOIN kb.libraries l ON l.number = a.library WHERE l.name = %(without)s)::smallint[]"""

# A word that no counted text holds may stand in one that this role alone may read.
# Arithmetic in `numeric` for each posting would be half the time of all. A role that writes the
# statistics could make a rarity that is none: no logarithm fails for it.
_BY_WORDS = """
WITH {allowed}asked AS (SELECT word, coalesce(records, 0) AS records,
        row_number() OVER rarest AS place, sum(coalesce(records, 0)) OVER rarest AS read
    FROM unnest(%(words)s::bigint[]) AS w (word) LEFT JOIN kb.words USING (word)
    WINDOW rarest AS (ORDER BY coalesce(records, 0), word)),
    rare AS MATERIALIZED (SELECT a.word, ln(1 + greatest(
            (s.records - a.records + 0.5::float8) / (a.records + 0.5::float8), 0)) AS rarity
        FROM asked a CROSS JOIN kb.statistics s WHERE read <= %(most)s OR place = 1),
    best AS (SELECT p.record FROM kb.postings p JOIN rare r USING (word)
        WHERE p.audience <> ALL ({hidden}) {among} GROUP BY p.record
        ORDER BY sum(r.rarity * p.count / (p.count + 1.5::float8)) DESC, p.record LIMIT %(pooled)s)
SELECT array_agg(word), array_agg(records), (SELECT array_agg(record) FROM best)
FROM kb.words WHERE word = ANY (%(counted)s)
"""

# A graph that is walked on gives near passages behind far ones, and calls that an order: `+ 0` has
# them sorted.
# A set is taken from the pool, for a list of a thousand would be gone through for each candidate:
# half the time of all.
_POOL = """
WITH {allowed}near AS (SELECT n.record
    FROM unnest(%(passages)s::halfvec[]) AS q (vector) CROSS JOIN LATERAL
        (SELECT record FROM (SELECT record, v.vector <#> q.vector AS far FROM kb.vectors v
            WHERE audience <> ALL ({hidden}) {walks}
            ORDER BY v.vector <#> q.vector LIMIT {walked}) w
         ORDER BY far + 0 LIMIT {nearest}) n),
    whole AS (SELECT record FROM kb.texts WHERE audience <> ALL ({hidden}) {walks}
        ORDER BY mean <#> %(mean)s LIMIT {pooled}) {compared},
    pool AS ((SELECT record FROM near UNION SELECT record FROM whole
            UNION SELECT unnest(%(rare)s::integer[]) {union})
        EXCEPT SELECT unnest(%(known)s::integer[]))
{body} WHERE t.record IN (SELECT record FROM pool)
"""


# The last union is of the common table: what is compared one by one is found instead of walked to.
_ALLOWED = "allowed AS MATERIALIZED (SELECT r.number FROM kb.records r WHERE {conditions}), "
_AMONG = "AND record IN (SELECT number FROM allowed)"
_ARE_FEW = "(SELECT count(*) <= {few} FROM allowed)"
_COMPARED = """, compared AS (SELECT record FROM kb.texts JOIN allowed ON number = record
        WHERE {are_few} AND audience <> ALL ({hidden})
        ORDER BY (mean <#> %(mean)s) + 0 LIMIT {compared})"""
#: What a record may state as another word than a filter is left to ranking: a text that one team
#: keeps for itself has no facet here.
_CONDITIONS = {
    "classes": "r.classes && %(classes)s::text[]",
    "kinds": "r.kind = ANY (%(kinds)s::text[])",
    "since": "r.day >= %(since)s",
    "until": "r.happened_at <= %(until)s",
    "routes": "(EXISTS (SELECT FROM kb.facets f WHERE f.record = r.number AND f.key = 'route' "
    "AND f.word = ANY (%(routes)s::text[])) OR NOT EXISTS "
    "(SELECT FROM kb.facets f WHERE f.record = r.number AND f.key = 'route'))",
}


@dataclass(frozen=True)
class Wanted:
    """Which records may be candidates, by what the server knows of them: none of them is lost.

    None of the library named `without`, and with `until` none that happened later.
    """

    filters: Filters = EVERYTHING
    without: str = ""
    until: datetime | None = None

    @property
    def values(self) -> dict[str, Any]:
        """What the statement is sent with; only what is asked for is among it."""
        filters = self.filters
        named = {
            # Facts hold no class with a blank in it, and a text may.
            "classes": [] if any(" " in name for name in filters.classes) else filters.classes,
            "kinds": filters.kinds,
            "routes": filters.routes,
        }
        words = {key: list(value) for key, value in named.items() if value}
        days = {"since": filters.since, "until": self.until}
        return words | {key: day for key, day in days.items() if day} | {"without": self.without}

    @property
    def parts(self) -> dict[str, str]:
        """The parts of a statement that keep to it, empty where anything may be a candidate."""
        conditions = [_CONDITIONS[key] for key in self.values if key in _CONDITIONS]
        if not conditions:
            return dict.fromkeys(("allowed", "among", "walks", "compared", "union"), "")
        are_few = _ARE_FEW.format(few=FEW)
        return {
            "allowed": _ALLOWED.format(conditions=" AND ".join(conditions)),
            "among": _AMONG,
            "walks": f"{_AMONG} AND NOT {are_few}",
            "compared": _COMPARED.format(
                are_few=are_few, hidden=_HIDDEN, compared=POOLED + NEAREST
            ),
            "union": "UNION SELECT record FROM compared",
        }


@dataclass(frozen=True)
class SentWords:
    """The words of a question, sent to the store."""

    sent: SentStatement

    def found(self) -> FoundByWords:
        """What they found. Raises `KbError`."""
        words, frequencies, records = self.sent.rows()[0]
        return FoundByWords(dict(zip(words or (), frequencies or (), strict=True)), records or [])


@dataclass(frozen=True)
class FoundByWords:
    """How many texts hold each of the counted words, and the records that share the rare ones."""

    frequencies: dict[int, int]
    records: list[int]


@dataclass(frozen=True)
class TextBatch:
    """Texts of the store as arrays in one order; ids say whose library they are of.

    `vectors` (p, d) at `starts[i]:starts[i + 1]`, `means` (n, d).
    """

    numbers: NDArray[np.int64]
    libraries: NDArray[np.int64]
    entries: tuple[IndexedRecord, ...]
    vectors: Vectors
    starts: NDArray[np.int64]
    means: Vectors
    bags: tuple[Bag, ...]
    lengths: NDArray[np.float32]

    def text_bag(self, place: int) -> Bag:
        """The words of one text alone, without those of its taxonomies."""
        return text_bag(self.entries[place], self.bags[place])


def sample_texts(
    store: Store, dimension: int, most: int = SAMPLE, *, is_counted: bool = False
) -> TextBatch:
    """An even sample of the texts that this role may read, in the order of their draw.

    Behind it stand those that teach classes beside the ones that are in it. With `is_counted` only
    of those that everybody may read.
    """
    even = _EVEN.format(among=_COUNTED if is_counted else "true")
    return _bodies(store.rows(_BODY + even, (most, MOST_TEACHERS)), dimension)


def send_words(store: Store, bag: Bag, counted: NDArray[np.uint64], wanted: Wanted) -> SentWords:
    """Ask for what words find, while the vectors of a question may still be made.

    Of the words `counted` it is told how many texts hold them.
    """
    words, counts = (some.view(np.int64).tolist() for some in (bag.words, counted))
    limits = {"most": _MOST_POSTINGS, "pooled": POOLED}
    values = {"words": words, "counted": counts, **limits, **wanted.values}
    return SentWords(store.send(_BY_WORDS.format(hidden=_HIDDEN, **wanted.parts), values))


def candidate_texts(
    store: Store,
    question: Question,
    by_words: FoundByWords,
    *,
    wanted: Wanted,
    known: NDArray[np.int64],
) -> TextBatch:
    """The texts worth ranking for a question, but for those whose numbers are `known`.

    They are found by the graph of passages, the graph of whole texts, and rare words; where few are
    wanted, by each whole text instead of the graphs.
    """
    passages = max(len(question.vectors), 1)
    each = max(_FEWEST, NEAREST // passages)
    walked = max(each, WALKED // passages)
    limits = {"nearest": each, "walked": walked, "pooled": POOLED}
    values = {
        "passages": [half_vector(vector) for vector in question.vectors],
        "mean": half_vector(question.mean),
        "rare": by_words.records,
        "known": known.tolist(),
        **wanted.values,
    }
    statement = _POOL.format(body=_BODY, hidden=_HIDDEN, **limits, **wanted.parts)
    rows = store.rows(statement, values)
    return _bodies(rows, len(question.mean))


def _bodies(rows: list[tuple[Any, ...]], dimension: int) -> TextBatch:
    """Rows as texts; one that cannot be read is left out, so that no team ends all answers."""
    read = [(row, entry) for row in rows if (entry := _entry(*row[1:3])) and _has_words(*row[4:6])]
    rows, entries = [row for row, _ in read], tuple(entry for _, entry in read)
    blocks = [memoryview(block or b"")[_ARRAY_BYTES:] for *_, block in rows]
    sizes = [len(block) // (_IN_ARRAY_BYTES + 2 * dimension) for block in blocks]
    return TextBatch(
        numbers=np.array([row[0] for row in rows], np.int64),
        libraries=np.array([row[1] for row in rows], np.int64),
        entries=entries,
        vectors=_vectors(blocks, _IN_ARRAY_BYTES, dimension),
        starts=starts_of(sizes),
        means=_vectors([row[3] for row in rows], _HEADER_BYTES, dimension),
        bags=tuple(Bag(_words(row[4]), np.frombuffer(row[5], "<u2")) for row in rows),
        lengths=np.array([row[6] for row in rows], np.float32),
    )


def with_known_classes(bodies: TextBatch, names: Container[str]) -> TextBatch:
    """The texts without the classes that nobody counted."""
    entries = (
        one
        if all(name in names for name in one.classes)
        else msgspec.structs.replace(one, classes=tuple(n for n in one.classes if n in names))
        for one in bodies.entries
    )
    return replace(bodies, entries=tuple(entries))


def qualified(library: int, record_id: str) -> str:
    """An id that no two libraries share."""
    return f"{library}/{record_id}"


def _entry(library: int, raw: bytes) -> IndexedRecord | None:
    entry = read_stored(raw)
    if entry is None:
        return None
    verdicts = tuple(PriorVerdict(qualified(library, v.id), v.word) for v in entry.verdicts)
    return msgspec.structs.replace(entry, id=qualified(library, entry.id), verdicts=verdicts)


def _vectors(blocks: Sequence[bytes | memoryview], header: int, dimension: int) -> Vectors:
    """The vectors that the server sent, one behind the other, (p, dimension)."""
    rows = np.frombuffer(b"".join(blocks), np.uint8).reshape(-1, header + 2 * dimension)
    return np.asarray(rows[:, header:].view(_HALF), np.float32)


def _has_words(words: bytes, counts: bytes) -> bool:
    """Whether a bag of words is one: as many words, of 8 bytes, as counts, of 2."""
    return len(words) == 4 * len(counts) and len(counts) % 2 == 0


def _words(raw: bytes) -> NDArray[np.uint64]:
    return np.frombuffer(raw, "<u8")
