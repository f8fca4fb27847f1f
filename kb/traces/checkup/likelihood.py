"""How likely a run went wrong, beside the runs the weights were fitted to: 0–100.

A logistic regression over a few counts of a run, fitted by `tests/bench/fit_checkup.py` on runs
whose sources say how they ended; the weights, and on what they were fitted, lie in
`kb/data/checkup/weights.json`. It knows how much happened in a run and nothing of what.
"""

from __future__ import annotations

import math
from functools import cache
from importlib.resources import files

import msgspec

from kb.traces.checkup.signs import WriteSummary
from kb.traces.run import Message, Run

#: Who speaks as the agent, in the words of the formats that are read.
_AGENT_ROLES = frozenset({"assistant", "model", "agent", "ai"})


class FittedSource(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One source the weights were fitted on."""

    name: str
    origin: str
    runs: int
    failed: int


class UnseenSource(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A source the weights were not fitted on: the AUC of the score there, and of plain length."""

    name: str
    origin: str
    runs: int
    failed: int
    auc: float
    low: float
    high: float
    length: float


class FittedWeights(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The fitted model: a weight for the logarithm of one plus each count, and where it is from.

    `threshold` is the score from which a run is called suspicious: of the runs it was fitted on
    that went well one in five has it. `unseen` says what the score is worth elsewhere.
    """

    features: tuple[str, ...]
    weights: tuple[float, ...]
    intercept: float
    threshold: float
    sources: tuple[FittedSource, ...]
    unseen: tuple[UnseenSource, ...]


def features(run: Run, seen: WriteSummary) -> tuple[float, ...]:
    """The counts: steps, distinct tools, the agent's characters, failures, unread writes."""
    messages = (s for s in run.steps if isinstance(s, Message) and s.role in _AGENT_ROLES)
    return (
        float(len(run.steps)),
        float(len({call.tool for call in run.calls})),
        float(sum(len(message.text) for message in messages)),
        float(sum(call.failure is not None for call in run.calls)),
        float(len(seen.unread)),
    )


def score(counts: tuple[float, ...]) -> float:
    """The likelihood of failure where half of all runs fail, in percent."""
    model = fitted()
    pairs = zip(model.weights, counts, strict=True)
    value = model.intercept + sum(weight * math.log1p(count) for weight, count in pairs)
    return round(100 / (1 + math.exp(-max(-50.0, min(50.0, value)))), 1)


@cache
def fitted() -> FittedWeights:
    """The weights as they are shipped."""
    raw = (files("kb.data") / "checkup/weights.json").read_bytes()
    return msgspec.json.decode(raw, type=FittedWeights)
