"""Short prompts against the casebook, as a tired engineer would type them.

`data/prompts.jsonl` was written before the ranking was changed with it in view, from the titles and
summaries of the records alone; `expected` are the records a person would want to see first.
"""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import numpy as np
import pytest
from kb.config import SearchConfig
from kb.library import unread_library
from kb.search.evaluation.leave_one_out import SYSTEMS, measure, orders
from kb.search.find_similar import find
from kb.search.index.index import Index, open_index
from kb.search.query import embed_query, query_from_text
from kb.search.ranking.rank import Weights, rank

from conftest import ROOT

pytestmark = pytest.mark.model


def listed(name: str) -> list[dict[str, Any]]:
    lines = (ROOT / f"tests/data/{name}.jsonl").read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


PROMPTS = listed("prompts")
#: Written later, by titles and summaries, before anything was ranked with them.
NIGHT = listed("night-prompts")
#: Written from the ids of the records alone, and not changed once anything was ranked with them.
BLIND = listed("blind-prompts")


@pytest.fixture(scope="module")
def index() -> Index:
    return open_index(unread_library(ROOT))


def measures(index: Index, prompts: list[dict[str, Any]]) -> dict[str, np.ndarray]:
    """success@1, success@5, nDCG@10 and MRR of each system over all prompts."""
    collection, posterior = index.generation.collection, index.generation.learned.posterior
    allowed = np.array([entry.is_candidate for entry in index.entries])
    found: dict[str, list[tuple[float, ...]]] = {name: [] for name in SYSTEMS}
    for prompt in prompts:
        query = query_from_text(prompt["text"], index.entries[-1].date)
        ranking = rank(collection, posterior, embed_query(index, query))
        right = np.array([entry.id in prompt["expected"] for entry in index.entries])
        for name, order in orders(ranking, posterior, allowed, Weights()).items():
            found[name].append(measure(order, right))
    return {name: np.mean(rows, axis=0) for name, rows in found.items()}


def test_the_prompts_are_short_and_their_records_exist(index: Index) -> None:
    known = {entry.id for entry in index.entries}
    assert len(PROMPTS) == 40
    for prompt in PROMPTS:
        assert 3 <= len(prompt["text"].split()) <= 8
        assert set(prompt["expected"]) <= known


def test_short_prompts_find_the_record_a_person_would_expect(index: Index) -> None:
    found = measures(index, PROMPTS)
    print({name: row.round(3).tolist() for name, row in found.items()})
    full, words = found["full"], found["bm25"]
    assert full[0] >= 0.75  # two prompts of margin: the casebook is a living text
    assert full[1] >= 0.9
    assert full[1] >= words[1]
    assert full[2] > words[2]


def test_prompts_that_nobody_had_ranked_by_find_their_record_first(index: Index) -> None:
    found = measures(index, NIGHT)
    print({name: row.round(3).tolist() for name, row in found.items()})
    assert found["full"][0] >= 0.875  # two prompts of margin
    assert found["full"][1] >= 0.97
    assert found["full"][0] > max(found["dense"][0], found["bm25"][0])


def test_prompts_written_from_ids_alone_find_their_record(index: Index) -> None:
    found = measures(index, BLIND)
    print({name: row.round(3).tolist() for name, row in found.items()})
    assert found["full"][0] >= 0.95  # two prompts of margin
    assert found["full"][1] >= 0.97
    assert found["full"][0] > max(found["dense"][0], found["bm25"][0])


def test_few_prompts_are_refused(index: Index) -> None:
    bar = SearchConfig().bar
    refused = [
        prompt["text"]
        for prompt in (*PROMPTS, *NIGHT, *BLIND, *listed("site-prompts"))
        if not find(index, query_from_text(prompt["text"], date(2030, 1, 1))).shown(5, bar)
    ]
    assert len(refused) <= 4, refused  # of 173
