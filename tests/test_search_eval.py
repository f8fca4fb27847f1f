"""`kb eval`: no leak, honest numbers, foreign texts told apart."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from conftest import ROOT
from search_library import STORIES, write_stories

from kb.errors import KbError
from kb.records.form import build_form
from kb.search.evaluation.evaluate import judge
from kb.search.evaluation.questions import Line, read_lines, subject_from_lines
from kb.search.evaluation.report import evaluation_json, evaluation_text, wilson
from kb.search.evaluation.trial import Trial, run_trial
from kb.search.indexing.files import unread_library
from kb.search.indexing.index import ready_encoder

pytestmark = pytest.mark.model

FOREIGN = ROOT / "tests/data/foreign.jsonl"
FORM = build_form()


def lines() -> list[Line]:
    return [
        Line(id=record_id, title=title, text=f"## Summary\n\n{text}", labels=(label,))
        for record_id, title, label, text in STORIES
    ]


@pytest.fixture
def embed(library_folder: Path):  # type: ignore[no-untyped-def]
    return ready_encoder(unread_library(library_folder)).encode


def test_a_library_is_measured_on_its_own_records(library_folder: Path) -> None:
    write_stories(library_folder)
    found = run_trial(Trial(), library_folder)
    assert (found.records, found.queries) == (6, 6)
    assert found.systems["full"]["success@5"].value == 1
    assert "full" in evaluation_text(found)


def test_the_report_keeps_its_contract(library_folder: Path) -> None:
    write_stories(library_folder)
    answer = json.loads(evaluation_json(run_trial(Trial(), library_folder)))
    assert answer["schema"] == "kb.eval/1"
    assert set(answer["systems"]) == {"bm25", "dense", "fusion", "full"}
    assert set(answer["systems"]["full"]) == {"success@1", "success@5", "ndcg@10", "mrr"}
    assert set(answer["systems"]["full"]["mrr"]) == {"value", "low", "high"}
    assert set(answer["no_match"]) >= {"foreign_rejected", "true_rejected"}
    assert 0 <= answer["calibration_error"] <= 1


def test_the_own_label_of_a_query_does_not_change_its_answer(embed) -> None:  # type: ignore[no-untyped-def]
    group = lines()
    twin = replace_label(group, 0, "prompt-injection")
    one, other = (
        subject_from_lines(g, FORM, embed, full=False, masked=False) for g in (group, twin)
    )
    first, second = (judge(subject, FORM, embed)[0] for subject in (one, other))
    assert np.allclose(first.probabilities, second.probabilities, atol=1e-5)


def replace_label(group: list[Line], place: int, label: str) -> list[Line]:
    changed = Line(
        id=group[place].id, title=group[place].title, text=group[place].text, labels=(label,)
    )
    return [*group[:place], changed, *group[place + 1 :]]


def test_the_own_text_of_a_query_is_not_in_the_index_that_answers(embed) -> None:  # type: ignore[no-untyped-def]
    subject = subject_from_lines(lines(), FORM, embed, full=True, masked=False)
    for place, judged in enumerate(judge(subject, FORM, embed)):
        assert judged.best < 0.999, place
        assert len(judged.outcomes) == 5


def test_one_record_alone_has_nothing_to_measure(tmp_path: Path) -> None:
    path = tmp_path / "one.jsonl"
    path.write_text('{"id": "a", "title": "t", "text": "x", "labels": ["l"]}\n')
    found = run_trial(Trial(path), tmp_path)
    assert found.queries == 0
    assert "Nothing to measure" in evaluation_text(found)


@pytest.mark.parametrize("line", ["{", "[]", '{"id": 1, "text": "x"}', '{"title": "no id"}'])
def test_a_bad_line_is_named_with_its_number(tmp_path: Path, line: str) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_text(f'{{"id": "a", "text": "x"}}\n{line}\n')
    with pytest.raises(KbError) as raised:
        read_lines(path)
    assert raised.value.where.endswith(":2")


def test_wilson_bounds_of_known_shares() -> None:
    low, high = wilson(190, 200)
    assert (round(low, 3), round(high, 3)) == (0.910, 0.973)
    assert wilson(0, 0) == (0.0, 1.0)


def test_there_are_two_hundred_foreign_texts() -> None:
    found = read_lines(FOREIGN)
    assert len({line.text for line in found}) == 200


def test_foreign_texts_are_told_apart_and_true_queries_are_not(data: Path) -> None:
    trial = Trial(data / "corpora/agentinfra.jsonl", FOREIGN)
    found = run_trial(trial, ROOT)
    assert found.foreign_rejected is not None
    assert found.foreign_rejected >= 0.9
    assert found.true_rejected <= 0.1
    assert found.calibration_error <= 0.08
    best = max(found.systems[peer]["ndcg@10"].value for peer in ("bm25", "dense", "fusion"))
    assert found.systems["full"]["ndcg@10"].value >= 1.15 * best
