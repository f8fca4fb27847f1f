"""Whether a text tells of an incident like those recorded, by its vector and what it is near.

A ridge regression over vectors, fitted in closed form to texts written for the purpose
(`tests/data/probe.jsonl`: incidents, and other things in the same words) and shipped for the
vectors of the default encoder; with another encoder nothing is known and nothing is taken off.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

import kb.data
from kb.search.encoder.encoder import Vectors
from kb.search.ranking.class_posterior import Numbers

#: Coefficients of the signs below in their order and of 1, for the odds that a text tells of an
#: incident like those recorded here. Fitted to true queries of six public corpora (titles, titles
#: with 60 words, and titles of records that answer) beside 252 texts about other things and 114
#: ordinary postmortems, each corpus with equal weight. DECISIONS.md has what each gives when it was
#: left out; `tests/bench/gate.py` prints it.
GATE = (9.99, 2.65, 3.16, 0.85, 7.69, -6.35)
#: Similarity from which on the probe alone refuses nothing.
NEAR_ENOUGH = 0.5
#: Deviations of text beyond which a larger lead says no more.
MOST_LEAD = 3.0
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


@dataclass(frozen=True)
class Signs:
    """What a text has in common with the records that may answer.

    `similarity` is the largest, `words` the largest share of what BM25 could give, `lead` by how
    many deviations of text the best record leads the next, `usual` the cosine with the average of
    all records.
    """

    similarity: float
    words: float = 0.0
    lead: float = 0.0
    usual: float = 0.0


def incident_odds(encoder_key: str, text: Numbers, signs: Signs) -> float | None:
    """The log odds that a text, a unit vector (d,), tells of an incident like those recorded here.

    None where no probe is shipped for the encoder.
    """
    probe = shipped_probe(encoder_key)
    if probe is None:
        return None
    said = float(text @ probe[:-1] + probe[-1])
    terms = (signs.similarity, signs.words, said, min(signs.lead, MOST_LEAD), signs.usual, 1.0)
    return sum(weight * term for weight, term in zip(GATE, terms, strict=True))


def incident_chance(encoder_key: str, text: Numbers, signs: Signs) -> float:
    """The same as a probability, 0…1; 1 where nothing is known, and at least .5 near a record."""
    odds = incident_odds(encoder_key, text, signs)
    return 1.0 if odds is None else heard(odds, signs.similarity)


def heard(odds: float, similarity: float) -> float:
    """Log odds as a probability: of a text that is near a record at least .5."""
    chance = float(1 / (1 + np.exp(-np.clip(odds, -30, 30))))
    return max(chance, 0.5) if similarity >= NEAR_ENOUGH else chance
