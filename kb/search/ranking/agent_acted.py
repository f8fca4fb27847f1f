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
from kb.search.ranking.incident_probe import SHIPPED_PROBES, load_probe
from kb.search.ranking.likeness import Question

_AGENT_WORDS_TEXT = (
    "agent agentic ai anthropic assistant autonomous bard bot chatbot chatgpt claude codex copilot "
    "cursor gemini gpt grok hallucinated hallucination jailbreak langchain langgraph llm mcp model "
    "openai prompt subagent"
)
#: Of 186 ordinary incidents of a public list 2 hold one of these words, of the records of five
#: public corpora of agents' incidents 78 to 100 %.
_AGENT_WORDS = np.array(sorted({word_hash(word) for word in tokens(_AGENT_WORDS_TEXT)}), np.uint64)
#: Coefficients of the probe's answer and of 1, for the odds that an agent acted. Fitted to queries
#: of the corpus that is hardest to tell from ordinary incidents, beside 126 of that list; the other
#: 60 were kept apart, see DECISIONS.md.
AGENCY = (8.2, -2.0)
#: Different words of content from which on a text might have said who acted.
_MIGHT_SAY = 8
#: Similarity from which on an ordinary text is told apart no more: it is like a record.
NEAR_ENOUGH = 0.5


def probe_path(encoder_key: str) -> Path:
    """Where the probe for the vectors of an encoder is shipped, if it is."""
    return SHIPPED_PROBES / f"agency-{encoder_key}.npy"


def says_agent(bag: Bag) -> bool:
    """Whether a text holds a word that speaks of agents or models."""
    return bool(np.isin(_AGENT_WORDS, bag.words).any())


def agent_chance(encoder_key: str, question: Question, nearest: float) -> float:
    """The probability that a text tells of an agent, 0…1; 1 where its words say so.

    `nearest` is the similarity of the nearest record.
    """
    probe = load_probe(probe_path(encoder_key), encoder_key)
    might_say = len(question.bag.words) >= _MIGHT_SAY and nearest < NEAR_ENOUGH
    if probe is None or not might_say or says_agent(question.bag):
        return 1.0
    said, constant = AGENCY
    odds = said * float(question.mean @ probe[:-1] + probe[-1]) + constant
    return float(1 / (1 + np.exp(-np.clip(odds, -30, 30))))


def agent_records(collection: Collection) -> NDArray[np.bool_]:
    """Which records hold a word that speaks of agents, (n,): of others no agent is asked."""
    return collection.postings.holders(_AGENT_WORDS)
