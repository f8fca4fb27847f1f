"""Pairs the passages of a query and a record that are most alike, and quotes from them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np

from kb.search.answer import PassagePair
from kb.search.bm25 import Postings, tokens, word_hash
from kb.search.index.searchable import Searchable
from kb.search.indexed_records.passages import Passage
from kb.search.query import Query
from kb.search.ranking.class_posterior import Numbers
from kb.search.ranking.cosine_likeness import Question
from kb.sentences import sentences, word_count

_PART = re.compile(r"(?<=;)\s+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]+")
#: What all the query's rare words in one passage count beside a cosine of 1.
_WORDS = 0.4
_PAIRS = 2
#: What makes a passage worth quoting, in units of a cosine.
_OPENING = 0.2
_SCRAP = 0.15
_SCRAP_WORDS = 20


def aligned_passages(
    index: Searchable, query: Query, question: Question, record: int
) -> tuple[PassagePair, ...]:
    """The pairs of passages that are most alike, best first, each side shown once.

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
    average = collection.mean
    usual = ((mine @ average)[:, None] + (others @ average)[None]) / 2
    shared = _shared_words(query.passages, theirs, collection.postings)
    worth = alike - usual + _WORDS * shared + _readable(theirs)
    return tuple(_pairs(query.passages, theirs, alike, worth))


def aligned_by_words(
    mine: Sequence[Passage], theirs: Sequence[Passage], postings: Postings
) -> tuple[PassagePair, ...]:
    """The pairs of passages that share the rarest words, best first, without a cosine."""
    if not theirs or not mine:
        return ()
    shared = _shared_words(mine, theirs, postings)
    pairs = _pairs(mine, theirs, shared, shared + _readable(theirs))
    return tuple(replace(pair, similarity=None) for pair in pairs)


def _readable(theirs: Sequence[Passage]) -> Numbers:
    """What a passage gains as a quotation: an opening tells a stranger most, a scrap least."""
    opening = next((passage.section for passage in theirs if passage.section), "")
    gains = [
        _OPENING * (passage.section == opening) - _SCRAP * (word_count(passage.text) < _SCRAP_WORDS)
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
    held = [_words_of(passage.text) for passage in theirs]
    shares = np.zeros((len(mine), len(theirs)), np.float32)
    for row, passage in enumerate(mine):
        rarity = {word: postings.rarity(word_hash(word)) for word in _words_of(passage.text)}
        total = sum(rarity.values()) or 1.0
        for column, words in enumerate(held):
            shares[row, column] = sum(rarity[word] for word in words & rarity.keys()) / total
    return shares


@lru_cache(maxsize=2_048)
def _words_of(text: str) -> frozenset[str]:
    """The different words of a passage; a draft is asked about again with few of them changed."""
    return frozenset(tokens(text))


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
