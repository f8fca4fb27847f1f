"""The arithmetic behind one match, line by line."""

from __future__ import annotations

import difflib
import textwrap
from collections.abc import Iterator

import numpy as np

from kb.errors import KbError
from kb.search.find_similar import BAR, RankedQuery, most_probable, proof
from kb.search.ranking.agent_acted import agent_records
from kb.search.ranking.probability_calibration import FACET_LOG_ODDS, Calibration, known
from kb.search.ranking.rank import Weights, word_weight
from kb.search.render import WIDTH
from kb.terminal import as_lines


def explain(found: RankedQuery, record_id: str) -> str:
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
    return as_lines(_lines(found, record_id, position))


def _lines(found: RankedQuery, record_id: str, position: int) -> Iterator[str]:
    ranking, learned = found.ranking, found.index.generation.learned
    weights = Weights()
    yield record_id
    yield from _text_lines(found, position, weights)
    yield from _class_lines(found, position, weights)
    yield _sum_line("shared facets", float(ranking.facet_part[position]))
    yield _sum_line("verdicts on near records", float(ranking.verdict_part[position]))
    if found.query.is_run:
        yield from _run_lines(found, record_id, position)
    yield _sum_line("score", float(ranking.score[position]))
    yield ""
    yield from _odds_lines(found, learned.calibration, position)
    yield from _chance_lines(found, position)
    yield from _pooled_lines(found, position)
    probability = float(found.probabilities[position])
    yield f"probability {probability:.4f}, bar {BAR:.2f}, {_place(found, position)}"


def _odds_lines(found: RankedQuery, calibration: Calibration, position: int) -> Iterator[str]:
    """What the curve makes of the parts, every term with its number."""
    ranking, first = found.ranking, found.order[:1].tolist() == [position]
    text, slope, constant = calibration.curve_of(is_first=first)
    second = ranking.class_evidence if calibration.labelled else ranking.similarity
    name = "class evidence" if calibration.labelled else "similarity"
    of_first = ", that of first answers" if first else ""
    yield f"curve {calibration.source}{of_first}"
    yield _term("text", text, float(ranking.text[position]))
    yield _term(name, slope, float(second[position]))
    if calibration.labelled:
        yield "    (as classes above, with the labels taken at face value)"
    stated = float(ranking.stated_part[position])
    yield _term("facets, verdicts and run", FACET_LOG_ODDS, stated)
    yield f"  {'constant':<26}{constant:+27.4f}"
    odds = text * float(ranking.text[position]) + slope * float(second[position])
    yield f"log odds {odds + FACET_LOG_ODDS * stated + constant:+46.4f}"


def _chance_lines(found: RankedQuery, position: int) -> Iterator[str]:
    """From log odds to a probability: what it is multiplied by."""
    ranking = found.ranking
    yield "probability of these odds, 1 / (1 + exp(-log odds))"
    if found.kind.is_judged:
        incident = found.kind.incident
        yield f"  times {incident:.4f}, the chance that the text tells of something recorded here"
        yield from _agent_lines(found, position)
    else:
        share = known(ranking.similarity[found.allowed])
        yield f"  times {share:.4f}, the chance that the library knows anything like it"
    if not found.query.shows_fault:
        yield f"  times {found.kind.incident:.4f}, for the trace of the run shows no fault"
    if found.query.is_run:
        collection = found.index.generation.collection
        share = float(proof(collection, found.query, ranking)[position])
        yield f"  times {share:.2f}, for a run is an incident only where its trace proves something"
    most = float(most_probable(found.index.generation.collection, found.query, ranking)[position])
    if most < 1:
        yield f"  at most {most:.2f}, for its classes are all other than those stated"
    yield f"  is {float(found.unpooled[position]):.4f}"


def _agent_lines(found: RankedQuery, position: int) -> Iterator[str]:
    place, collection = found.ranking.places[[position]], found.index.generation.collection
    if found.kind.agent < 1 and agent_records(found.kind.encoder_key, collection, place)[0]:
        yield f"  times {found.kind.agent:.4f}, the chance that an agent acted: no word says so"


def _pooled_lines(found: RankedQuery, position: int) -> Iterator[str]:
    """The places it shares a mean with, where an answer further down would have been surer."""
    if not found.allowed[position]:
        return
    listed = found.probabilities[found.order]
    shared = np.flatnonzero(listed == found.probabilities[position])
    if len(shared) == 1:
        return
    first, last = int(shared[0]) + 1, int(shared[-1]) + 1
    yield f"  no answer is surer than one above it: the mean of places {first} to {last},"
    values = " ".join(f"{value:.4f}" for value in found.unpooled[found.order[shared]])
    yield from textwrap.wrap(values, WIDTH, initial_indent="    ", subsequent_indent="    ")


def _term(name: str, weight: float, value: float) -> str:
    return f"  {name:<26}{weight:8.4f} × {value:+8.4f}{weight * value:+8.4f}"


def _text_lines(found: RankedQuery, position: int, weights: Weights) -> Iterator[str]:
    ranking = found.ranking
    similarity, lexical = float(ranking.similarity[position]), float(ranking.lexical[position])
    yield f"  similarity {similarity:.2f} (cosine, best passages and whole record)"
    yield f"  words in common {lexical:.2f} of the most BM25 could give"
    weight = word_weight(found.question, weights)
    yield f"  both in deviations from the library's mean, words × {weight:.2f}"
    yield _sum_line("text", float(ranking.text[position]))


def _class_lines(found: RankedQuery, position: int, weights: Weights) -> Iterator[str]:
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


def _run_lines(found: RankedQuery, record_id: str, position: int) -> Iterator[str]:
    """What the run adds: how like the fixture's tools, order, errors and effects are."""
    alike = found.question.alike_runs.get(record_id)
    text = "no fixture that shares a tool" if alike is None else f"{alike:.2f}"
    yield f"  run signature {text} (tools, order, errors, effects; 1 is the same)"
    yield _sum_line("run signature", float(found.ranking.run_part[position]))


def _sum_line(name: str, value: float) -> str:
    return f"{name:<28}{value:+8.2f}"


def _place(found: RankedQuery, position: int) -> str:
    if not found.allowed[position]:
        return "no candidate (a draft, later than the query, ruled out or filtered)"
    rank = int(np.flatnonzero(found.order == position)[0]) + 1
    return f"place {rank} of {len(found.order)}"
