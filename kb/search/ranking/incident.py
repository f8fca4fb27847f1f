"""Whether a text tells of an incident at all, by a linear probe over its vector.

A ridge regression over vectors, fitted in closed form to texts written for the purpose
(`tests/data/probe.jsonl`: incidents, and other things in the same words) and shipped for the
vectors of the default encoder; with another encoder nothing is known and nothing is taken off.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import kb.data
from kb.search.encoder.encoder import Vectors

Numbers = NDArray[np.float32]

#: Answer of the probe (1 for incidents, −1 for other things) at which a text is as likely one as
#: the other: of −.1, −.2 and −.3 the highest that costs no public corpus of more than 20 queries
#: a tenth of its true ones. The probe was fitted to none of them, the bar was set on them.
INCIDENT_BAR = -0.3
_INCIDENT_WIDTH = 0.06
#: Share of a library's own records that the bar must let pass: it is lowered where the probe does
#: not understand how a team writes, as in another language.
_OWN_BELOW = 0.05
_RIDGE = 1.0
_SHIPPED = Path(kb.data.__file__).parent / "search"


def probe_path(encoder_key: str) -> Path:
    """Where the probe for the vectors of an encoder is shipped, if it is."""
    return _SHIPPED / f"incidence-{encoder_key}.npy"


@lru_cache
def shipped_probe(encoder_key: str) -> Numbers | None:
    """Weights of the components and a constant, (d + 1,); None for other encoders."""
    path = probe_path(encoder_key)
    return np.load(path) if encoder_key.isalnum() and path.is_file() else None


def fit_probe(incidents: Vectors, others: Vectors) -> Numbers:
    """The probe of these unit rows; both kinds count equally, however many there are."""
    rows = np.concatenate([incidents, others]).astype(np.float64)
    inputs = np.column_stack([rows, np.ones(len(rows))])
    answers = np.concatenate([np.ones(len(incidents)), -np.ones(len(others))])
    size = np.where(answers > 0, len(incidents), len(others))
    weighted = inputs * (len(others) / size)[:, None]
    ridge = _RIDGE * np.eye(inputs.shape[1])
    ridge[-1, -1] = 1e-6  # the constant is free
    return np.asarray(np.linalg.solve(weighted.T @ inputs + ridge, weighted.T @ answers), "<f4")


def own_bar(encoder_key: str, own: Vectors) -> float | None:
    """The bar for a library, given the first passage of each record; None without a probe."""
    probe = shipped_probe(encoder_key)
    if probe is None:
        return None
    if not len(own):
        return INCIDENT_BAR
    return min(INCIDENT_BAR, float(np.quantile(own @ probe[:-1] + probe[-1], _OWN_BELOW)))


def incident_chance(encoder_key: str, bar: float, text: Numbers) -> float:
    """The probability that a text, given as a unit vector (d,), tells of an incident, 0…1."""
    probe = shipped_probe(encoder_key)
    if probe is None:
        return 1.0
    distance = float(text @ probe[:-1] + probe[-1]) - bar
    return float(1 / (1 + np.exp(-np.clip(distance / _INCIDENT_WIDTH, -30, 30))))
