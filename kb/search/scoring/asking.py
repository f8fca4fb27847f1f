"""What does a query look like as arrays? Vectors the index holds, the others encoded now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from kb.search.bm25 import bag_of
from kb.search.encoder.model import Vectors
from kb.search.index.index import Index
from kb.search.query import Query
from kb.search.ranking.likeness import Question
from kb.search.records.passages import embedded_text


def question_of(index: Index, query: Query) -> Question:
    """A query as arrays; a record that stands in the index as it is asks without the encoder."""
    texts = [embedded_text(query.title, passage) for passage in query.passages] or [query.title]
    words = [query.title, *(passage.text for passage in query.passages)]
    return Question(
        _vectors(index, query.id, texts), bag_of(words), query.entry, query.alike_runs or {}
    )


def _vectors(index: Index, asker: str, texts: Sequence[str]) -> Vectors:
    """The vectors of texts, (len(texts), d)."""
    known = _stored(index, asker)
    missing = [text for text in dict.fromkeys(texts) if text not in known]
    made = dict(zip(missing, index.encoder.encode(missing), strict=True)) if missing else {}
    return np.stack([made[text] if text in made else known[text] for text in texts])


def _stored(index: Index, asker: str) -> Mapping[str, NDArray[np.float32]]:
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
