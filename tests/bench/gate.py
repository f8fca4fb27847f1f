"""What does a bar for plain texts cost, and what would be fitted without the corpus it is asked of?

    python tests/bench/gate.py

One row a fold: coefficients of `incident_probe.GATE` and `agent_acted.AGENCY` fitted to the other
corpora, and the shares that get less than each bar of the corpus left out: its true queries,
as `kb eval` asks them and as titles alone, texts about other things, and ordinary postmortems.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import msgspec
import numpy as np
from kb.config import Config
from kb.library import Library
from kb.records.form import build_form
from kb.search.encoder.encoder import Encoder, cache_folder
from kb.search.encoder.vector_store import VectorStore
from kb.search.evaluation.controls import labelled_only
from kb.search.evaluation.dataset import (
    Embed,
    Subject,
    query_text,
    questions_from,
    read_lines,
    subject_from_lines,
)
from kb.search.index.build_index import embed_rows
from kb.search.index.index import ready_encoder
from kb.search.ranking import agent_acted, incident_probe
from kb.search.ranking.cosine_likeness import Question
from kb.search.ranking.learn import FittedModel, learn_to_rank
from kb.search.ranking.probability_calibration import signs_of
from kb.search.ranking.rank import rank
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("KB_DATA", ROOT.parent / "shared" / "data"))
CORPORA = ("agentinfra", "lakmus-half", "atlas", "swarmproof", "helio", "h5i")
TEAMS = ("2i2c", "chia", "dfds", "mybinder", "posthog")
TRUE = ("queries", "titles", "titles of records that answer")
BARS = (0.2, 0.25, 0.3, 0.35, 0.4)

#: Signs by what they are of, (n, 8) each: those of `GATE`, then those of `AGENCY`.
Rows = Mapping[str, NDArray[np.float64]]


def main() -> None:
    """Print a fold a row, and the fit to all."""
    form = build_form()
    encoder = ready_encoder(Library(ROOT, Config(), form, ()))
    path = cache_folder().parent / f"vectors-{encoder.card.key}"
    store = VectorStore(path, encoder.card.dimension)
    embed = partial(embed_rows, encoder=encoder, store=store)
    texts = foreign()
    rows = {name: rows_of(name, texts, encoder, embed) for name in CORPORA}
    for left in CORPORA:
        weights = fitted([rows[name] for name in CORPORA if name != left])
        for bar in BARS:
            odds = np.log(bar / (1 - bar))
            shares = {
                name: float((some @ weights < odds).mean()) for name, some in rows[left].items()
            }
            print(
                f"{left:<12} {bar:.2f}", *(f"{name} {share:.1%}" for name, share in shares.items())
            )
    print("fitted to all:", fitted(list(rows.values())).round(2).tolist())


def foreign() -> dict[str, list[str]]:
    """Texts that no record should answer."""
    listed = {
        name: [json.loads(row)["text"] for row in (ROOT / f"tests/data/{name}.jsonl").open("rb")]
        for name in ("foreign", "near")
    }
    files = (path for team in TEAMS for path in sorted((DATA / "wild-markdown" / team).rglob("*")))
    ordinary = [_first_words(path) for path in files if path.is_file()]
    return listed | {"ordinary": ordinary}


def _first_words(path: Path) -> str:
    text = re.sub(r"\A---\n.*?\n---\n", "", path.read_text("utf-8", "replace"), flags=re.DOTALL)
    title = re.search(r"^#\s+(.*)", text, re.MULTILINE)
    body = re.sub(r"^#.*$", "", text, flags=re.MULTILINE)
    return query_text(title[1] if title else path.stem, body, full=False)


def rows_of(name: str, texts: Mapping[str, Sequence[str]], encoder: Encoder, embed: Embed) -> Rows:
    """The signs of true queries of a corpus and of foreign texts asked of it."""
    form = build_form()
    lines = [line for line in read_lines(DATA / "corpora" / f"{name}.jsonl") if line.labels]
    bare = [msgspec.structs.replace(line, title="") for line in lines]
    whole, titleless = (
        labelled_only(subject_from_lines(some, form, embed, full=False, masked=False))
        for some in (lines, bare)
    )
    titles = questions_from([line.title for line in lines], embed)
    asked: dict[str, Iterator[NDArray[np.float64]]] = {
        TRUE[0]: _each(whole, whole.questions, encoder, form, alone=True),
        TRUE[1]: _each(whole, titles, encoder, form, alone=True),
        TRUE[2]: _each(titleless, titles, encoder, form, alone=False),
    }
    for kind, some in texts.items():
        asked[kind] = _each(whole, questions_from(some, embed), encoder, form, alone=False)
    return {kind: np.stack(list(found)) for kind, found in asked.items()}


def _each(
    subject: Subject, questions: Sequence[Question], encoder: Encoder, form: object, *, alone: bool
) -> Iterator[NDArray[np.float64]]:
    learned = learn_to_rank(subject.collection, subject.taught, form, encoder.encode)  # type: ignore[arg-type]
    for place, question in enumerate(questions):
        yield _signs(subject, learned, question, encoder.card.key, place if alone else None)


def _signs(
    subject: Subject, learned: FittedModel, question: Question, key: str, without: int | None
) -> NDArray[np.float64]:
    ranking = rank(subject.collection, learned.posterior, question, without=without)
    allowed = ranking.places != (-1 if without is None else without)
    signs = signs_of(question, ranking, allowed, subject.collection.mean)
    signs = replace(signs, lead=min(signs.lead, incident_probe.MOST_LEAD))
    heard, agents = incident_probe.shipped_probe(key), np.load(agent_acted.probe_path(key))
    assert heard is not None
    said = float(question.mean @ heard[:-1] + heard[-1])
    of_agent = float(question.mean @ agents[:-1] + agents[-1])
    share = agent_acted.might_say(question)
    return np.array(
        [signs.similarity, signs.words, said, signs.lead, signs.usual, 1.0, share * of_agent, share]
    )


def fitted(corpora: Sequence[Rows]) -> NDArray[np.float64]:
    """The coefficients of a logistic regression; corpora, and kinds in them, weigh the same."""
    parts, answers, weights = [], [], []
    for rows in corpora:
        for kind, some in rows.items():
            parts.append(some)
            answers.append(np.full(len(some), kind in TRUE))
            weights.append(np.full(len(some), 100 / 3 / len(some)))
    inputs, right, weight = (np.concatenate(some) for some in (parts, answers, weights))
    curve = np.zeros(inputs.shape[1])
    for _ in range(50):
        expected = 1 / (1 + np.exp(-np.clip(inputs @ curve, -30, 30)))
        slope = inputs.T @ (weight * (right - expected)) - 0.01 * curve
        bend = (inputs * (weight * expected * (1 - expected))[:, None]).T @ inputs
        curve = curve + np.linalg.solve(bend + 0.01 * np.eye(len(curve)), slope)
    return curve


if __name__ == "__main__":
    main()
