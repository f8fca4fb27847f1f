"""Whether a text tells of an incident at all, by a linear probe over its vector.

A ridge regression over vectors, fitted in closed form to texts written for the purpose
(`tests/data/probe.jsonl`: incidents, and other things in the same words) and shipped for the
vectors of the default encoder; with another encoder nothing is known and nothing is taken off.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import numpy as np

import kb.data
from kb.search.encoder.encoder import Vectors
from kb.search.ranking.class_posterior import Numbers

#: Coefficients of the probe's answer, of the similarity of the nearest record that may answer, and
#: of 1, for the odds that a text tells of an incident. Fitted to the true queries of four public
#: corpora and the casebook, beside 252 texts about other things, each corpus with equal weight;
#: DECISIONS.md has what each gives when it was left out of the fit.
GATE = (4.35, 24.9, -9.6)
#: Similarity from which on the probe alone refuses nothing.
_NEAR_ENOUGH = 0.5
_RIDGE = 1.0
#: Where probes of texts lie in the package.
SHIPPED_PROBES = Path(kb.data.__file__).parent / "search"


def probe_path(encoder_key: str) -> Path:
    """Where the probe for the vectors of an encoder is shipped, if it is."""
    return SHIPPED_PROBES / f"incidence-{encoder_key}.npy"


def shipped_probe(encoder_key: str) -> Numbers | None:
    """Weights of the components and a constant, (d + 1,); None for other encoders."""
    return load_probe(probe_path(encoder_key), encoder_key)


@lru_cache
def load_probe(path: Path, encoder_key: str) -> Numbers | None:
    """The probe in a file of the package, None where there is none for that encoder."""
    return np.load(path) if encoder_key.isalnum() and path.is_file() else None


def fit_probe(incidents: Vectors, others: Vectors) -> Numbers:
    """The probe of these unit rows; both kinds count equally, however many there are.

    Above 0 it says the first kind.
    """
    rows = np.concatenate([incidents, others]).astype(np.float64)
    inputs = np.column_stack([rows, np.ones(len(rows))])
    answers = np.concatenate([np.ones(len(incidents)), -np.ones(len(others))])
    size = np.where(answers > 0, len(incidents), len(others))
    weighted = inputs * (len(others) / size)[:, None]
    ridge = _RIDGE * np.eye(inputs.shape[1])
    ridge[-1, -1] = 1e-6  # the constant is free
    return np.asarray(np.linalg.solve(weighted.T @ inputs + ridge, weighted.T @ answers), "<f4")


def incident_chance(encoder_key: str, text: Numbers, similarity: float) -> float:
    """The probability that a text tells of an incident, 0…1.

    `text` is a unit vector (d,), `similarity` that of the nearest record. The nearer that is, the
    less the probe is heeded, for it knows few ways of writing; from .5 on the chance is at least
    .5.
    """
    probe = shipped_probe(encoder_key)
    if probe is None:
        return 1.0
    said, near, constant = GATE
    odds = said * float(text @ probe[:-1] + probe[-1]) + near * similarity + constant
    chance = float(1 / (1 + np.exp(-np.clip(odds, -30, 30))))
    return max(chance, 0.5) if similarity >= _NEAR_ENOUGH else chance
