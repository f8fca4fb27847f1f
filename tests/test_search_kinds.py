"""Ordinary incidents are told apart from those of agents, and said to be."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from kb.config import SearchConfig
from kb.library import unread_library
from kb.search.answer_json import answer_json
from kb.search.bm25 import bag_of
from kb.search.explain_score import explain
from kb.search.find_similar import RankedQuery, answer, find
from kb.search.index.index import Index, open_index
from kb.search.query import EVERYTHING, query_from_text
from kb.search.ranking.agent_acted import agent_odds, says_agent
from kb.search.ranking.cosine_likeness import Question
from kb.search.render import show

from conftest import ROOT
from search_library import write_record

TODAY = date(2030, 1, 1)
#: None of these is in `data/ordinary.jsonl`, which the probe was fitted to. A message of seven or
#: eight words might leave out who acted; these are longer.
ORDINARY = (
    "The office lost its uplink when the supply of a router failed, and no phone rang until a "
    "spare was fitted at noon.",
    "A renewed certificate lacked the intermediate, so mobile clients refused to connect.",
    "A wrong route announcement made the data centre unreachable for twenty minutes until the "
    "upstream provider filtered the prefix.",
    "A switch rebooted during maintenance, the standby did not take over and offices were cut off.",
)
#: As near as .54 to a record of the casebook.
NEAR = "The database failed over to a replica that was an hour behind and orders were lost."
OF_AGENTS = (
    "The coding agent dropped the production tables although a freeze was in force.",
    "Our chatbot promised a customer a refund that we do not grant.",
    "A hidden instruction in a web page made the assistant send the conversation to a stranger.",
)


def test_a_word_that_speaks_of_agents_is_enough_to_be_heard() -> None:
    assert says_agent(bag_of(["Two agents waited for each other."]))
    assert says_agent(bag_of(["The LLM made it up."]))
    assert not says_agent(bag_of(["The disk filled up."]))


def test_with_an_encoder_that_nothing_is_known_of_nothing_is_told_apart() -> None:
    question = Question(np.zeros((1, 4), np.float32), bag_of([ORDINARY[0]]))
    assert agent_odds("unknown", question, 0.0) == 0.0
    assert agent_odds("../etc", question, 0.0) == 0.0


@pytest.fixture(scope="module")
def casebook() -> Index:
    return open_index(unread_library(ROOT))


def asked(index: Index, text: str) -> RankedQuery:
    return find(index, query_from_text(text, TODAY))


@pytest.mark.model
@pytest.mark.parametrize("text", ORDINARY)
def test_an_ordinary_incident_is_not_matched_with_agents_and_that_is_said(
    casebook: Index, text: str
) -> None:
    library = unread_library(ROOT)
    found = answer(casebook, library, query_from_text(text, TODAY), limit=5, filters=EVERYTHING)
    assert found.nothing_similar
    if found.ordinary:
        assert "nothing says an agent acted" in " ".join(
            show(found, today=TODAY, colour=False).split()
        )
        assert json.loads(answer_json(found))["query"]["ordinary"] is True


@pytest.mark.model
def test_an_ordinary_incident_is_called_one(casebook: Index) -> None:
    assert sum(asked(casebook, text).is_ordinary for text in ORDINARY) >= 3


@pytest.mark.model
def test_what_is_near_a_record_is_not_refused_for_naming_no_agent(casebook: Index) -> None:
    found = asked(casebook, NEAR)
    assert found.ranking.similarity.max() >= 0.5
    assert found.kind.agent == 1.0
    assert found.shown(5, SearchConfig().bar)


@pytest.mark.model
def test_a_few_words_need_not_say_who_acted(casebook: Index) -> None:
    assert asked(casebook, "deleted the whole disk").kind.agent == 1.0


@pytest.mark.model
@pytest.mark.parametrize("text", OF_AGENTS)
def test_an_incident_of_an_agent_is_matched(casebook: Index, text: str) -> None:
    found = asked(casebook, text)
    assert found.kind.agent == 1.0
    assert found.probabilities.max() > 0.3


@pytest.mark.model
def test_the_arithmetic_names_the_chance_that_an_agent_acted(casebook: Index) -> None:
    found = asked(casebook, ORDINARY[0])
    first = casebook.entries[found.ranking.places[found.order[0]]].id
    assert "the chance that an agent acted: no word says so" in explain(found, first)


@pytest.mark.model
def test_where_ordinary_incidents_are_kept_an_ordinary_one_finds_them(library_folder: Path) -> None:
    record = "2025-03-01-broker-disk"
    write_record(
        library_folder,
        record,
        "Producers blocked by a full disk",
        summary="The volume of the broker was full and no service could publish.",
    )
    question = "The disk of the message broker filled up overnight and producers were blocked."
    command = [sys.executable, "-m", "kb", "similar", question, "--json", "--no-casebook"]
    done = subprocess.run(command, cwd=library_folder, capture_output=True, text=True, check=True)
    assert [match["id"] for match in json.loads(done.stdout)["matches"]] == [record]
