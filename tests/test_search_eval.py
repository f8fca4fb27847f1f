"""`kb eval`: no leak, honest numbers, foreign texts told apart."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest
from kb.config import SearchConfig
from kb.errors import KbError
from kb.library import unread_library
from kb.records.form import build_form
from kb.search.evaluation.controls import shuffled, without_duplicates
from kb.search.evaluation.dataset import CorpusLine, read_lines, subject_from_lines
from kb.search.evaluation.evaluate import EvaluationRequest, run_evaluation
from kb.search.evaluation.leave_one_out import SYSTEMS, EvaluatedQuery, Heard, score_ranking
from kb.search.evaluation.report import (
    Controls,
    Measured,
    evaluation,
    evaluation_json,
    evaluation_text,
)
from kb.search.find_similar import find, similar
from kb.search.index.index import open_index, ready_encoder
from kb.search.query import query_from_text
from kb.search.ranking.incident_probe import (
    Signs,
    fit_probe,
    incident_chance,
    shipped_probe,
)

from conftest import ROOT
from search_library import STORIES, write_stories

pytestmark = pytest.mark.model

FOREIGN = ROOT / "tests/data/foreign.jsonl"
NEAR = ROOT / "tests/data/near.jsonl"
PROBE = ROOT / "tests/data/probe.jsonl"
FORM = build_form()


def lines() -> list[CorpusLine]:
    return [
        CorpusLine(id=record_id, title=title, text=f"## Summary\n\n{text}", labels=(label,))
        for record_id, title, label, text in STORIES
    ]


@pytest.fixture
def embed(library_folder: Path):  # type: ignore[no-untyped-def]
    return ready_encoder(unread_library(library_folder)).encode


def test_a_library_is_measured_on_its_own_records(library_folder: Path) -> None:
    write_stories(library_folder)
    found = run_evaluation(EvaluationRequest(), library_folder)
    assert (found.records, found.queries) == (6, 6)
    assert found.systems["full"]["success@5"].value == 1
    assert "full" in evaluation_text(found)


def test_the_report_keeps_its_contract(library_folder: Path) -> None:
    write_stories(library_folder)
    answer = json.loads(evaluation_json(run_evaluation(EvaluationRequest(), library_folder)))
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
    first, second = (score_ranking(subject, FORM, embed)[0] for subject in (one, other))
    assert np.allclose(first.probabilities, second.probabilities, atol=1e-5)


def replace_label(group: list[CorpusLine], place: int, label: str) -> list[CorpusLine]:
    changed = CorpusLine(
        id=group[place].id, title=group[place].title, text=group[place].text, labels=(label,)
    )
    return [*group[:place], changed, *group[place + 1 :]]


def test_the_own_text_of_a_query_is_not_in_the_index_that_answers(embed) -> None:  # type: ignore[no-untyped-def]
    subject = subject_from_lines(lines(), FORM, embed, full=True, masked=False)
    found = score_ranking(subject, FORM, embed)
    assert found
    for place, judged in enumerate(found):
        assert judged.best < 0.999, place
        assert len(judged.outcomes) == 5


def test_records_without_a_label_are_left_out_and_counted(tmp_path: Path) -> None:
    path = tmp_path / "some.jsonl"
    bare = '{"id": "bare", "title": "An outage", "text": "A disk was full and writes failed."}\n'
    path.write_text("".join(json.dumps(as_row(line)) + "\n" for line in lines()) + bare)
    found = run_evaluation(EvaluationRequest(path), tmp_path)
    assert (found.measured.records, found.measured.of_records) == (6, 7)
    assert "1 without a label were left out; --all-records ranks them too" in evaluation_text(found)
    everything = run_evaluation(EvaluationRequest(path, all_records=True), tmp_path)
    assert everything.measured.records == 7
    assert "left out;" not in evaluation_text(everything)


def as_row(line: CorpusLine) -> dict[str, object]:
    return {"id": line.id, "title": line.title, "text": line.text, "labels": line.labels}


def test_few_queries_get_no_ratio_and_are_told_so(tmp_path: Path) -> None:
    path = tmp_path / "few.jsonl"
    path.write_text("".join(json.dumps(as_row(line)) + "\n" for line in lines()))
    found = run_evaluation(EvaluationRequest(path), tmp_path)
    assert set(found.ratios.values()) == {None}
    assert found.shuffled_ratio is None
    assert "No ratio to a baseline is given for fewer than 20 queries." in evaluation_text(found)


def test_labels_dealt_out_at_random_keep_their_sets(embed) -> None:  # type: ignore[no-untyped-def]
    subject = subject_from_lines(lines(), FORM, embed, full=False, masked=False)
    dealt = shuffled(subject, seed=1)
    held = [sorted(entry.classes for entry in s.collection.entries) for s in (subject, dealt)]
    assert held[0] == held[1]
    assert dealt.collection.labels.tolist() != subject.collection.labels.tolist()
    assert dealt.collection.means is subject.collection.means


def test_an_incident_told_twice_is_a_twin_only_with_the_same_labels(embed) -> None:  # type: ignore[no-untyped-def]
    first, *others = lines()
    again = CorpusLine(id="again", title=first.title, text=first.text, labels=first.labels)
    group = [first, *others, again, replace_label([again], 0, "prompt-injection")[0]]
    alone = without_duplicates(subject_from_lines(group, FORM, embed, full=False, masked=False))
    assert [entry.id for entry in alone.collection.entries].count("again") == 1
    assert len(alone.collection) == len(group) - 1


def test_the_ratio_is_that_of_the_means_with_an_interval_around_it() -> None:
    table = np.zeros((20, 4, 4))
    table[:, 0], table[:, 1], table[:, 2], table[:, 3] = 0.4, 0.5, 0.25, 0.6
    judged = [judged_of(row, first=0.95, right=place < 19) for place, row in enumerate(table)]
    found = evaluation(
        Measured("made", 20, 20), judged, {}, Controls((table,) * 3, 2, table), bar=0.3
    )
    ratio = found.ratios["ndcg@10"]
    assert ratio
    assert (ratio.value, ratio.low, ratio.high) == pytest.approx((1.2, 1.2, 1.2))
    assert found.shuffled_ratio == pytest.approx(1.2)
    (row,) = found.reliability
    assert row.answers == 20
    assert row.true == pytest.approx(0.95)
    assert found.first_calibration_error == pytest.approx(0.0, abs=1e-6)
    assert "2 records are told twice" in evaluation_text(found)


def test_a_bar_is_shown_with_what_it_costs_the_library_that_set_it() -> None:
    table = np.full((20, 4, 4), 0.5)
    judged = [
        replace(judged_of(row, first=0.6, right=True), about=0.25 if place < 2 else 0.9)
        for place, row in enumerate(table)
    ]
    foreign = {"near": Heard(np.full(4, 0.6, np.float32), np.array([0.1, 0.2, 0.45, 0.9], "<f4"))}
    found = evaluation(Measured("made", 20, 20), judged, foreign, Controls((), 0, None), bar=0.35)
    price = {row.bar: (row.true, row.foreign["near"]) for row in found.bars}
    assert price[0.2] == (0.0, 0.25)
    assert price[0.35] == pytest.approx((0.1, 0.5))
    assert price[0.5] == pytest.approx((0.1, 0.75))
    assert found.true_rejected == pytest.approx(0.1)
    assert found.foreign["near"] == (0.5, 4)
    (marked,) = (line for line in evaluation_text(found).splitlines() if "is set" in line)
    assert marked.split() == ["0.35", "10.0%", "50.0%", "is", "set"]
    rows = json.loads(evaluation_json(found))["no_match"]["price"]
    assert [row["text_bar"] for row in rows] == [0.0, 0.1, 0.2, 0.3, 0.35, 0.4, 0.5]


def judged_of(row: np.ndarray, *, first: float, right: bool) -> EvaluatedQuery:
    measures = {name: tuple(row[place]) for place, name in enumerate(SYSTEMS)}
    return EvaluatedQuery(measures, np.array([first], np.float32), np.array([right]), first)


def test_one_record_alone_has_nothing_to_measure(tmp_path: Path) -> None:
    path = tmp_path / "one.jsonl"
    path.write_text('{"id": "a", "title": "t", "text": "x", "labels": ["l"]}\n')
    found = run_evaluation(EvaluationRequest(path), tmp_path)
    assert found.queries == 0
    assert "Nothing to measure" in evaluation_text(found)


@pytest.mark.parametrize("line", ["{", "[]", '{"id": 1, "text": "x"}', '{"title": "no id"}'])
def test_a_bad_line_is_named_with_its_number(tmp_path: Path, line: str) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_text(f'{{"id": "a", "text": "x"}}\n{line}\n')
    with pytest.raises(KbError) as raised:
        read_lines(path)
    assert raised.value.where.endswith(":2")


def test_there_are_two_hundred_foreign_texts() -> None:
    found = read_lines(FOREIGN)
    assert len({line.text for line in found}) == 200


def test_foreign_texts_are_told_apart_and_true_queries_are_not(data: Path) -> None:
    request = EvaluationRequest(data / "corpora/agentinfra.jsonl", (FOREIGN, NEAR))
    found = run_evaluation(request, ROOT)
    assert found.foreign_rejected is not None
    assert found.foreign_rejected >= 0.9
    assert found.true_rejected <= 0.1
    assert found.calibration_error <= 0.08
    best = max(found.systems[peer]["ndcg@10"].value for peer in ("bm25", "dense", "fusion"))
    assert found.systems["full"]["ndcg@10"].value >= 1.15 * best
    assert found.systems["full"]["success@1"].value >= 1.03 * max(
        found.systems[peer]["success@1"].value for peer in ("bm25", "dense", "fusion")
    )


def test_foreign_texts_are_reported_far_and_near(data: Path) -> None:
    found = run_evaluation(
        EvaluationRequest(data / "corpora/agentinfra.jsonl", (FOREIGN, NEAR)), ROOT
    )
    assert set(found.foreign) == {"far", "near"}
    assert found.foreign["near"][0] >= 0.85
    text = evaluation_text(found)
    assert "far texts" in text
    assert "near texts" in text
    strata = json.loads(evaluation_json(found))["no_match"]["strata"]
    assert strata["near"]["low"] < strata["near"]["rejected"] < strata["near"]["high"]


def test_texts_in_the_words_of_incidents_are_told_apart_in_the_casebook() -> None:
    found = run_evaluation(EvaluationRequest(foreign=(FOREIGN, NEAR)), ROOT)
    assert found.foreign["near"][0] >= 0.7  # without the probe .36
    assert found.foreign["far"][0] >= 0.9
    assert found.true_rejected is not None
    assert found.true_rejected <= 0.1


def test_the_probe_that_ships_is_the_one_fitted_to_the_committed_texts(
    library_folder: Path,
) -> None:
    encoder = ready_encoder(unread_library(library_folder))
    rows = read_lines(PROBE)
    vectors = encoder.encode([line.text for line in rows])
    incident = np.array(["incident" in line.labels for line in rows])
    shipped = shipped_probe(encoder.card.key)
    assert shipped is not None
    assert np.allclose(fit_probe(vectors[incident], vectors[~incident]), shipped, atol=1e-3)


def test_the_probe_has_seen_no_text_that_it_is_reported_on() -> None:
    fitted = {line.text for line in read_lines(PROBE)}
    assert not fitted & {line.text for line in (*read_lines(NEAR), *read_lines(FOREIGN))}


NIGHT = ROOT / "tests/data/night-foreign.jsonl"


def test_what_no_record_should_answer_is_refused_at_night_too() -> None:
    index = open_index(unread_library(ROOT))
    found = [
        find(index, query_from_text(line.text, date(2030, 1, 1))) for line in read_lines(NIGHT)
    ]
    refused = sum(not one.shown(5, SearchConfig().bar) for one in found)
    print(f"{refused} of {len(found)} refused")
    assert refused >= 34


def test_a_library_sets_its_own_bar(library_folder: Path) -> None:
    write_stories(library_folder)
    question = "the refund was paid twice after a timeout"
    library = unread_library(library_folder)
    assert similar(library, question).matches
    (library_folder / "kb.toml").write_text("[search]\nbar = 1.0\n")
    assert not similar(unread_library(library_folder), question).matches


def test_an_encoder_without_a_probe_takes_nothing_off() -> None:
    assert incident_chance("0123456789abcdef", np.zeros(8, np.float32), Signs(0.0)) == 1


def test_a_text_near_a_record_is_not_refused_by_the_probe_alone(library_folder: Path) -> None:
    encoder = ready_encoder(unread_library(library_folder))
    other = encoder.encode([line.text for line in read_lines(NEAR)])
    far = [incident_chance(encoder.card.key, row, Signs(0.36, usual=0.2)) for row in other]
    near = [incident_chance(encoder.card.key, row, Signs(0.5, usual=0.2)) for row in other]
    assert np.mean(np.array(far) < 0.3) > 0.8
    assert min(near) >= 0.5


def test_lines_without_a_word_are_not_measured(tmp_path: Path) -> None:
    path = tmp_path / "empty.jsonl"
    path.write_text("".join(f'{{"id": "{i}", "text": "", "labels": ["l"]}}\n' for i in "ab"))
    found = run_evaluation(EvaluationRequest(path), tmp_path)
    assert (found.records, found.queries) == (0, 0)
    answer = json.loads(evaluation_json(found))
    assert answer["calibration_error"] is None
    assert answer["no_match"]["true_rejected"] is None
    assert answer["systems"]["full"]["mrr"]["value"] is None


def test_a_byte_order_mark_is_no_part_of_the_first_line(tmp_path: Path) -> None:
    path = tmp_path / "bom.jsonl"
    path.write_bytes(b'\xef\xbb\xbf{"id": "a", "text": "x"}\n')
    assert [line.id for line in read_lines(path)] == ["a"]
