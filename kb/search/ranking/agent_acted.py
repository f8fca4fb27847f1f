"""Whether a text says that an agent acted, by its words and, without one, by its vector.

An ordinary incident, a full disk or a cut cable, reads like many an agent's. Texts that name no
agent are told apart by a ridge regression over vectors, fitted in closed form to incidents of
agents and to ordinary ones written for it (`tests/data/probe.jsonl`, `tests/data/ordinary.jsonl`)
and shipped for the default encoder; with another encoder nothing is told apart.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kb.search.bm25 import Bag, tokens, word_hash
from kb.search.indexed_records.collection import Collection
from kb.search.ranking.cosine_likeness import Question
from kb.search.ranking.incident_probe import NEAR_ENOUGH, SHIPPED_PROBES, load_probe

_AGENT_WORDS_TEXT = (
    "agent agentic ai anthropic assistant autonomous bard bot chatbot chatgpt claude codex copilot "
    "cursor gemini gpt grok hallucinated hallucination jailbreak langchain langgraph llm mcp model "
    "openai prompt subagent"
)
#: Of 186 ordinary incidents of a public list 2 hold one of these words, of the records of five
#: public corpora of agents' incidents 78 to 100 %.
AGENT_WORDS = np.array(sorted({word_hash(word) for word in tokens(_AGENT_WORDS_TEXT)}), np.uint64)
#: Coefficients of the probe's answer and of 1, for what the odds of a text change by that names no
#: agent: fitted with those of `incident`, see there.
AGENCY = (3.98, -4.71)
#: Different words of content up to which a text need not have said who acted, and from which on it
#: would have.
_TOO_FEW, _ENOUGH = 4, 12
#: Share of the records that name an agent from which on a library is about agents.
_ABOUT_AGENTS = 0.5


def probe_path(encoder_key: str) -> Path:
    """Where the probe for the vectors of an encoder is shipped, if it is."""
    return SHIPPED_PROBES / f"agency-{encoder_key}.npy"


def says_agent(bag: Bag) -> bool:
    """Whether a text holds a word that speaks of agents or models."""
    return bool(np.isin(AGENT_WORDS, bag.words).any())


def agent_odds(encoder_key: str, question: Question, nearest: float) -> float:
    """What the log odds of a text change by where it names no agent, never above 0.

    `nearest` is the similarity of the nearest record: what is like one need not say who acted.
    """
    probe = load_probe(probe_path(encoder_key), encoder_key)
    if probe is None or nearest >= NEAR_ENOUGH:
        return 0.0
    said, constant = AGENCY
    odds = said * float(question.mean @ probe[:-1] + probe[-1]) + constant
    return might_say(question) * min(odds, 0.0)


def might_say(question: Question) -> float:
    """How far a text would have said who acted, 0…1: 0 for a few words, or where it does."""
    if says_agent(question.bag):
        return 0.0
    share = (len(question.bag.words) - _TOO_FEW) / (_ENOUGH - _TOO_FEW)
    return min(max(share, 0.0), 1.0)


def agent_records(
    encoder_key: str, collection: Collection, places: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Which of the records at `places` are of agents, (len(places),): of others none is asked.

    A record without a word that speaks of agents is one of an ordinary incident, unless the library
    is about agents, which most of its records name, and the probe hears one. Of the 332 records of
    six public corpora of agents' incidents 38 hold no such word, 5 of these sound ordinary.
    """
    held = collection.postings.holders(AGENT_WORDS)
    named = held[places]
    probe = load_probe(probe_path(encoder_key), encoder_key)
    if probe is None or not len(held) or held[collection.sample].mean() < _ABOUT_AGENTS:
        return named
    return np.asarray(named | (collection.means[places] @ probe[:-1] + probe[-1] > 0))
