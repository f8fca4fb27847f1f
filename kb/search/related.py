"""Which records stand beside each other? Every record asked at once, from vectors already made."""

from __future__ import annotations

from kb.library import Library
from kb.search.answer import Match
from kb.search.encoder.model import Progress
from kb.search.index.index import Index, open_index
from kb.search.query import Query
from kb.search.ranking.likeness import Question
from kb.search.scoring.filters import Filters
from kb.search.similar import BAR, find_question, match_at


def related(
    library: Library, *, limit: int = 5, progress: Progress | None = None
) -> dict[str, tuple[Match, ...]]:
    """The matches of every published record by its id, best first; later records included.

    Raises `KbError` like `similar`.
    """
    index = open_index(library, progress)
    published = [place for place, entry in enumerate(index.entries) if entry.is_candidate]
    return {index.entries[p].id: _siblings(index, library, p, limit) for p in published}


def _siblings(index: Index, library: Library, place: int, limit: int) -> tuple[Match, ...]:
    entry, rows = index.entries[place], index.generation.rows(place)
    passages = tuple(index.generation.passage(row) for row in range(rows.start, rows.stop))
    latest = max(other.happened_at for other in index.entries)
    query = Query(entry.title, entry.title, passages, entry, latest)
    vectors = index.generation.collection.vectors[rows]
    question = Question(vectors, index.generation.bag(place), entry)
    found = find_question(index, query, question, Filters())
    best = [int(i) for i in found.order[:limit] if found.probabilities[i] >= BAR]
    return tuple(match_at(found, library, position) for position in best)
