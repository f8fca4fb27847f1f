"""The texts of one question as a collection, before them the even sample that is kept."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise

import numpy as np

from kb.search.bm25 import Postings
from kb.search.indexed_records.collection import (
    Collection,
    Labels,
    PublicationStates,
    SomePassages,
    starts_of,
)


@dataclass(frozen=True)
class SampledCollection(Collection):
    """`kept` and behind it `found`; what all questions ask of `kept` is worked out once."""

    kept: Collection = field(kw_only=True)
    found: Collection = field(kw_only=True)

    @cached_property
    def labels(self) -> Labels:
        """Those of both."""
        return np.concatenate([self.kept.labels, self.found.labels])

    @cached_property
    def standing(self) -> PublicationStates:
        """That of both; an id may stand in both."""
        kept, found = self.kept.standing, self.found.standing
        places = dict(kept.places)
        for name, behind in found.places.items():
            moved = [len(self.kept) + place for place in behind]
            places[name] = [*places.get(name, ()), *moved]
        return PublicationStates(
            np.concatenate([kept.published, found.published]),
            np.concatenate([kept.happened_at, found.happened_at]),
            places,
        )

    @property
    def background(self) -> SomePassages:
        """The passages of the sample."""
        return self.kept.background

    def facets(self, place: int) -> frozenset[tuple[str, str]]:
        """The facets of one record."""
        behind = place - len(self.kept)
        return self.kept.facets(place) if behind < 0 else self.found.facets(behind)


def with_found(kept: Collection, found: Collection) -> Collection:
    """Both as one; words are those of `found` alone, weighed as there."""
    return SampledCollection(
        entries=kept.entries + found.entries,
        vectors=np.concatenate([kept.vectors, found.vectors]),
        starts=np.concatenate([kept.starts, found.starts[1:] + kept.starts[-1]]),
        means=np.concatenate([kept.means, found.means]),
        postings=_postings(kept.postings, found.postings, len(kept)),
        of_all=kept.of_all,
        kept=kept,
        found=found,
    )


def _postings(kept: Postings, found: Postings, before: int) -> Postings:
    """Both, of the words of `found` alone, whose records stand behind `before` others."""
    places = np.searchsorted(kept.words, found.words)
    spans = [_span(kept, place, word) for place, word in zip(places, found.words, strict=True)]
    behind = [slice(start, end) for start, end in pairwise(found.starts.tolist())]
    both = list(zip(spans, behind, strict=True))
    moved = found.records + np.int32(before)
    records = [part for one, other in both for part in (kept.records[one], moved[other])]
    counts = [part for one, other in both for part in (kept.counts[one], found.counts[other])]
    sizes = [sum(span.stop - span.start for span in pair) for pair in both]
    return Postings(
        found.words,
        starts_of(sizes),
        np.concatenate([np.zeros(0, np.int32), *records]),
        np.concatenate([np.zeros(0, np.uint16), *counts]),
        np.concatenate([kept.lengths, found.lengths]),
        found.of_all,
    )


def _span(known: Postings, place: int, word: np.uint64) -> slice:
    if place < len(known.words) and known.words[place] == word:
        return slice(int(known.starts[place]), int(known.starts[place + 1]))
    return slice(0, 0)
