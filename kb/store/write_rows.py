"""Records as rows: three statements write any number of them, two take any number away."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np

from kb.search.bm25 import Bag
from kb.search.indexed_records.collection import draw_of
from kb.store.connection import Store, half_vector
from kb.store.corpus_statistics import Contribution
from kb.store.shared_records import SharedRecord, SharedText

_MOST_COUNT = 32_767

_RECORDS = """
INSERT INTO kb.records
    (library, audience, key, content, name, day, happened_at, kind, severity, classes,
    facts)
SELECT %s, i.audience, i.key, i.content, i.name, i.day, i.happened_at, i.kind, i.severity,
    string_to_array(i.classes, chr(10)), i.facts::jsonb
FROM unnest(%s::smallint[], %s::bytea[], %s::bytea[], %s::text[], %s::date[], %s::timestamptz[],
    %s::text[], %s::text[], %s::text[], %s::text[])
    AS i (audience, key, content, name, day, happened_at, kind, severity, classes, facts)
ON CONFLICT (library, key) DO UPDATE SET audience = excluded.audience, content = excluded.content,
    name = excluded.name, day = excluded.day, happened_at = excluded.happened_at,
    kind = excluded.kind, severity = excluded.severity, classes = excluded.classes,
    facts = excluded.facts
RETURNING number, key
"""

# What a record held before, but for the vectors of passages that it still has: `kept` pairs records
# with hashes of texts.
_CLEAR = """
WITH kept AS (SELECT * FROM unnest(%(kept)s::integer[], %(hashes)s::bytea[])
        AS k (record, text_hash)),
    a AS (DELETE FROM kb.facets WHERE record = ANY (%(records)s)),
    b AS (DELETE FROM kb.clocks WHERE record = ANY (%(records)s)),
    c AS (DELETE FROM kb.runs WHERE record = ANY (%(records)s)),
    d AS (DELETE FROM kb.texts WHERE record = ANY (%(records)s)),
    e AS (DELETE FROM kb.passages WHERE record = ANY (%(records)s)),
    f AS (DELETE FROM kb.verdicts WHERE record = ANY (%(records)s)),
    g AS (DELETE FROM kb.actions WHERE record = ANY (%(records)s)),
    h AS (DELETE FROM kb.postings WHERE record = ANY (%(records)s)),
    i AS (DELETE FROM kb.record_vectors WHERE record = ANY (%(records)s)),
    j AS (DELETE FROM kb.tombstones WHERE library = %(library)s AND key = ANY (%(keys)s))
DELETE FROM kb.vectors v WHERE v.record = ANY (%(records)s) AND NOT EXISTS
    (SELECT FROM kept k WHERE k.record = v.record AND k.text_hash = v.text_hash)
"""

_FILL = """
WITH a AS (INSERT INTO kb.facets SELECT * FROM unnest(%s::integer[], %s::smallint[], %s::text[],
        %s::text[])),
    b AS (INSERT INTO kb.clocks SELECT * FROM unnest(%s::integer[], %s::smallint[], %s::text[],
        %s::timestamptz[])),
    c AS (INSERT INTO kb.runs SELECT * FROM unnest(%s::integer[], %s::smallint[], %s::jsonb[])),
    d AS (INSERT INTO kb.texts SELECT * FROM unnest(%s::integer[], %s::smallint[], %s::text[],
        %s::bytea[], %s::bytea[], %s::bytea[], %s::integer[], %s::integer[], %s::bigint[],
        %s::halfvec[])),
    e AS (INSERT INTO kb.passages SELECT * FROM unnest(%s::integer[], %s::smallint[],
        %s::smallint[], %s::bytea[], %s::text[], %s::text[])),
    f AS (INSERT INTO kb.verdicts SELECT * FROM unnest(%s::integer[], %s::smallint[],
        %s::text[], %s::text[])),
    g AS (INSERT INTO kb.actions SELECT * FROM unnest(%s::integer[], %s::smallint[], %s::smallint[],
        %s::text[], %s::text[], %s::text[], %s::text[], %s::date[], %s::date[])),
    h AS (INSERT INTO kb.postings SELECT * FROM unnest(%s::bigint[], %s::integer[], %s::smallint[],
        %s::smallint[])),
    i AS (INSERT INTO kb.record_vectors SELECT record, audience, array_agg(vector ORDER BY place)
        FROM unnest(%s::integer[], %s::smallint[], %s::smallint[], %s::halfvec[])
        AS v (record, audience, place, vector) GROUP BY record, audience)
INSERT INTO kb.vectors SELECT * FROM unnest(%s::integer[], %s::smallint[], %s::bytea[],
    %s::halfvec[]) ON CONFLICT (record, text_hash) DO UPDATE SET audience = excluded.audience
    WHERE kb.vectors.audience <> excluded.audience
"""


@dataclass(frozen=True)
class _Numbered:
    """A record with the number it has in the store, and those of the audiences of its parts."""

    number: int
    audience: int
    text_audience: int
    record: SharedRecord


def put(
    store: Store,
    library: int,
    audiences: dict[bool, int],
    records: Sequence[tuple[SharedRecord, bytes]],
) -> None:
    """Write records with the hash of what each is made of, in place of what they held before."""
    rows = store.rows(_RECORDS, _heads(library, audiences, records))
    made = {bytes(key): number for number, key in rows}
    numbered = [
        _Numbered(made[one.key], audiences[one.is_open], audiences[one.is_text_open], one)
        for one, _ in records
    ]
    pairs = [(one.number, key) for one in numbered for key in set(_hashes(one.record.text))]
    cleared = {
        "records": [one.number for one in numbered],
        "library": library,
        "keys": [one.key for one, _ in records],
        "kept": [number for number, _ in pairs],
        "hashes": [key for _, key in pairs],
    }
    store.rows(_CLEAR, cleared)
    store.rows(_FILL, _children(numbered))


def remove(store: Store, library: int, keys: Sequence[bytes]) -> None:
    """Take records away and leave of each the hash of its id."""
    store.rows(
        "WITH gone AS (DELETE FROM kb.records WHERE library = %s AND key = ANY (%s) "
        "RETURNING number, key), words AS (DELETE FROM kb.postings WHERE record IN "
        "(SELECT number FROM gone)) INSERT INTO kb.tombstones (library, key) "
        "SELECT %s, key FROM gone ON CONFLICT (library, key) DO UPDATE SET gone_at = now()",
        (library, list(keys), library),
    )


def contribution(text: SharedText) -> Contribution:
    """What a text that all may read gives to the statistics."""
    return Contribution(
        text.mean, text.entry.classes, int(text.bag.counts.sum()), len(text.passages)
    )


def _heads(
    library: int, audiences: dict[bool, int], records: Sequence[tuple[SharedRecord, bytes]]
) -> list[Any]:
    shared = [record for record, _ in records]
    return [
        library,
        [audiences[one.is_open] for one in shared],
        [one.key for one in shared],
        [content for _, content in records],
        [one.name for one in shared],
        [one.facts.date for one in shared],
        [one.happened_at for one in shared],
        [one.facts.kind for one in shared],
        [one.severity for one in shared],
        ["\n".join(one.facts.classes) for one in shared],
        [msgspec.json.encode(one.facts).decode() for one in shared],
    ]


def _hashes(text: SharedText | None) -> tuple[bytes, ...]:
    return text.hashes if text else ()


def _children(numbered: Sequence[_Numbered]) -> list[Any]:
    texts = [(one, one.record.text) for one in numbered if one.record.text]
    tables: tuple[tuple[int, Iterable[tuple[Any, ...]]], ...] = (
        (4, (_fact(one, *pair) for one in numbered for pair in one.record.facets)),
        (4, (_fact(one, *clock) for one in numbered for clock in one.record.facts.clocks.items())),
        (3, (_fact(one, shape) for one in numbered for shape in _shapes(one.record))),
        (10, (_text_row(one, *_text(text)) for one, text in texts)),
        (6, (_text_row(one, *row) for one, text in texts for row in _passages(text))),
        (
            4,
            (_text_row(one, v.id, v.word) for one, text in texts for v in set(text.entry.verdicts)),
        ),
        (9, (_text_row(one, *row) for one, text in texts for row in _actions(text))),
        (4, (row for one, text in texts for row in _postings(one, text.bag))),
        (4, (_text_row(one, *row) for one, text in texts for row in _in_order(text))),
        (4, (_text_row(one, *row) for one, text in texts for row in _vectors(text))),
    )
    return [column for width, rows in tables for column in _columns(width, rows)]


def _columns(width: int, rows: Iterable[tuple[Any, ...]]) -> list[list[Any]]:
    """Rows as columns; without a row as many empty ones."""
    columns = [list(column) for column in zip(*rows, strict=True)]
    return columns or [[] for _ in range(width)]


def _shapes(record: SharedRecord) -> list[str]:
    run = record.facts.run
    return [msgspec.json.encode(run).decode()] if run else []


def _fact(one: _Numbered, *values: Any) -> tuple[Any, ...]:
    return (one.number, one.audience, *values)


def _text_row(one: _Numbered, *values: Any) -> tuple[Any, ...]:
    return (one.number, one.text_audience, *values)


def _text(text: SharedText) -> tuple[Any, ...]:
    bag = text.bag
    return (
        text.entry.title,
        msgspec.msgpack.encode(text.entry),
        np.ascontiguousarray(bag.words, "<u8").tobytes(),
        np.minimum(bag.counts, _MOST_COUNT).astype("<i2").tobytes(),
        int(bag.counts.sum()),
        len(text.passages),
        draw_of(text.entry.id),
        half_vector(text.mean),
    )


def _passages(text: SharedText) -> Iterable[tuple[Any, ...]]:
    for place, (passage, key) in enumerate(zip(text.passages, text.hashes, strict=True)):
        yield place, key, passage.section, _storable(passage.text)


def _vectors(text: SharedText) -> Iterable[tuple[Any, ...]]:
    by_hash = dict(zip(text.hashes, text.vectors, strict=True))
    return ((key, half_vector(vector)) for key, vector in by_hash.items())


def _in_order(text: SharedText) -> Iterable[tuple[Any, ...]]:
    return enumerate(map(half_vector, text.vectors))


def _actions(text: SharedText) -> Iterable[tuple[Any, ...]]:
    for place, p in enumerate(text.entry.promises):
        yield place, p.label, _storable(p.text), p.state, p.owner, p.due, p.closed


def _postings(one: _Numbered, bag: Bag) -> Iterable[tuple[Any, ...]]:
    words = bag.words.view(np.int64).tolist()
    counts = np.minimum(bag.counts, _MOST_COUNT).tolist()
    return ((w, one.number, c, one.text_audience) for w, c in zip(words, counts, strict=True))


def _storable(text: str) -> str:
    """A text without the one character that PostgreSQL cannot hold."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}")
