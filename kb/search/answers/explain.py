"""Where does a record's place come from? The arithmetic of one match, line by line."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

import numpy as np

from kb.errors import KbError
from kb.search.scoring.calibration import known
from kb.search.scoring.ranking import Weights
from kb.search.similar import BAR, Found, proof


def explain(found: Found, record_id: str) -> str:
    """The parts of one record's score and probability, with a line end.

    Raises `KbError` when no record has the id.
    """
    collection = found.index.generation.collection
    if record_id not in collection.positions:
        near = difflib.get_close_matches(record_id, collection.positions, n=1, cutoff=0.3)
        todo = f"Did you mean {near[0]}?" if near else "Take an id from kb similar."
        raise KbError(f"there is no record {record_id}", todo=todo)
    place = collection.positions[record_id]
    position = int(np.searchsorted(found.ranking.places, place))
    if position >= len(found.ranking.places) or found.ranking.places[position] != place:
        return f"{record_id} is not among the records near enough to be ranked.\n"
    return "\n".join(_lines(found, record_id, position)) + "\n"


def _lines(found: Found, record_id: str, position: int) -> Iterator[str]:
    ranking, learned = found.ranking, found.index.generation.learned
    weights = Weights()
    yield record_id
    yield from _text_lines(found, position, weights)
    yield from _class_lines(found, position, weights)
    yield _sum_line("shared facets", float(ranking.facet_part[position]))
    yield _sum_line("verdicts on near records", float(ranking.verdict_part[position]))
    if found.query.alike_runs is not None:
        yield from _run_lines(found, record_id, position)
    yield _sum_line("score", float(ranking.score[position]))
    yield ""
    text, classes, constant = learned.calibration.curve
    second = "class evidence" if learned.calibration.labelled else "similarity"
    allowed = ranking.similarity[found.allowed]
    yield f"log odds = {text:.2f} × text + {classes:.2f} × {second} {constant:+.2f}"
    evidence = float(ranking.class_evidence[position])
    if learned.calibration.labelled:
        yield f"  class evidence {evidence:.2f}: as above, with the labels taken at face value"
    yield f"  curve {learned.calibration.source}"
    yield f"  times {known(allowed):.2f}, the chance that the library knows anything like it"
    if found.query.alike_runs is not None:
        share = float(proof(found.index.generation.collection, found.query, ranking)[position])
        yield f"  times {share:.2f}, for a run is an incident only where its trace proves something"
    probability = float(found.probabilities[position])
    yield f"probability {probability:.2f}, bar {BAR:.2f}, {_place(found, position)}"


def _text_lines(found: Found, position: int, weights: Weights) -> Iterator[str]:
    ranking = found.ranking
    similarity, lexical = float(ranking.similarity[position]), float(ranking.lexical[position])
    yield f"  similarity {similarity:.2f} (cosine, best passages and whole record)"
    yield f"  words in common {lexical:.2f} of the most BM25 could give"
    yield f"  both in deviations from the library's mean, words × {weights.lexical}"
    yield _sum_line("text", float(ranking.text[position]))


def _class_lines(found: Found, position: int, weights: Weights) -> Iterator[str]:
    collection, ranking = found.index.generation.collection, found.ranking
    entry = collection.entries[ranking.places[position]]
    names = {
        name: float(w) for name, w in zip(collection.classes, ranking.class_weights, strict=True)
    }
    yield "  beyond what is usual, the query reads like"
    yield "    " + (
        ", ".join(
            f"{name} {names[name]:.2f}" for name in sorted(names, key=lambda n: -names[n])[:3]
        )
        or "no class: the library has none"
    )
    mine = ", ".join(f"{name} {names.get(name, 0):.2f}" for name in entry.classes) or "no class"
    yield f"  the record is {mine}"
    followed = float(ranking.class_part[position]) / weights.classes
    yield f"  a class each its share {followed:.2f} × {weights.classes:g}"
    yield _sum_line("classes", float(ranking.class_part[position]))


def _run_lines(found: Found, record_id: str, position: int) -> Iterator[str]:
    """What the run adds: how like the fixture's tools, order, errors and effects are."""
    alike = found.question.alike_runs.get(record_id)
    said = "no fixture that shares a tool" if alike is None else f"{alike:.2f}"
    yield f"  run signature {said} (tools, order, errors, effects; 1 is the same)"
    yield _sum_line("run signature", float(found.ranking.run_part[position]))


def _sum_line(name: str, value: float) -> str:
    return f"{name:<28}{value:+8.2f}"


def _place(found: Found, position: int) -> str:
    if not found.allowed[position]:
        return "no candidate (a draft, later than the query, ruled out or filtered)"
    rank = int(np.flatnonzero(found.order == position)[0]) + 1
    return f"place {rank} of {len(found.order)}"
