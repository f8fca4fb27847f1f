"""Ranking, class posterior and calibration against brute force and by their promises."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from itertools import pairwise

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from kb.search.bm25 import Bag, bag_of, build_postings
from kb.search.evaluation.leave_one_out import (
    calibrated_bound,
    calibration_error,
    measure,
    relevance,
)
from kb.search.indexed_records.collection import (
    Collection,
    draw_of,
    record_means,
    starts_of,
    unit_rows,
)
from kb.search.indexed_records.entry import IndexedRecord, PriorVerdict
from kb.search.ranking.class_posterior import (
    ClassPosterior,
    ClassSkill,
    class_skill,
    fit_posterior,
    largest,
)
from kb.search.ranking.cosine_likeness import Question, likeness, likenesses
from kb.search.ranking.joint_ridge import MOST_TEACHERS, joint_ridge_of, word_rows
from kb.search.ranking.probability_calibration import (
    SHIPPED,
    UNLABELLED,
    Calibration,
    fit_calibration,
    isotonic_decreasing,
    known,
)
from kb.search.ranking.rank import (
    Weights,
    _neighbour_verdicts,
    best_first,
    ordered,
    rank,
)

DIMENSION = 16


def entry(name: str, *classes: str, verdicts: tuple[PriorVerdict, ...] = ()) -> IndexedRecord:
    day = date(2025, 1, 1)
    at = datetime(2025, 1, 1, tzinfo=UTC)
    blank = ("", "", "", classes, (), "", "", (), (), (), verdicts, "", "")
    return IndexedRecord(name, "", name, day, at, True, *blank)


def collection_of(classes: Sequence[tuple[str, ...]], seed: int = 0) -> Collection:
    """Records of random passages around a centre for their first class."""
    rng = np.random.default_rng(seed)
    names = sorted({name for group in classes for name in group})
    centres = {name: rng.standard_normal(DIMENSION) * 2 for name in names}
    groups = []
    for place, group in enumerate(classes):
        centre = centres[group[0]] if group else np.zeros(DIMENSION)
        groups.append(centre + rng.standard_normal((1 + place % 3, DIMENSION)))
    vectors = unit_rows(np.concatenate(groups).astype(np.float32))
    starts = starts_of([len(group) for group in groups])
    entries = tuple(entry(f"r{place}", *group) for place, group in enumerate(classes))
    bags = [bag_of([f"word{place} {' '.join(group)}"]) for place, group in enumerate(classes)]
    means = record_means(vectors, starts)
    return Collection(entries, vectors, starts, means, build_postings(bags))


def posterior_of(collection: Collection) -> ClassPosterior:
    meanings = np.zeros((len(collection.classes), DIMENSION), np.float32)
    posterior = fit_posterior(collection.means, collection.labels, meanings)
    joint = joint_ridge_of(collection.means, collection.labels, bags_of(collection).__getitem__)
    return replace(posterior, joint=joint)


def silent(place: int) -> Bag:
    """No words."""
    return bag_of([])


def bags_of(collection: Collection) -> list[Bag]:
    """Words that all records share, and some that only a few do."""
    return [bag_of([f"it failed again word{n} rare{n % 5}"]) for n in range(len(collection))]


def asking(collection: Collection, place: int, words: str = "") -> Question:
    rows = slice(int(collection.starts[place]), int(collection.starts[place + 1]))
    return Question(collection.vectors[rows], bag_of([words or f"word{place}"]))


CLASSES = [("a",), ("a", "b"), ("b",), ("c",), ("a",), ("c",), ("b",), ("c", "a")] * 4


def test_likeness_is_that_of_a_loop_over_all_pairs() -> None:
    collection = collection_of(CLASSES)
    question = asking(collection, 3)
    found = likeness(collection, question)
    for place in range(len(collection)):
        rows = collection.vectors[collection.starts[place] : collection.starts[place + 1]]
        expected = np.mean([(rows @ vector).max() for vector in question.vectors])
        assert found.best[place] == pytest.approx(expected, abs=1e-5)


def test_some_records_are_as_near_as_when_all_are_compared() -> None:
    collection = collection_of(CLASSES)
    question, places = asking(collection, 3), np.array([1, 5, 6])
    some, everything = likeness(collection, question, places), likeness(collection, question)
    assert np.allclose(some.similarity, everything.similarity[places], atol=1e-6)


def test_many_questions_together_are_as_near_as_one_by_one() -> None:
    collection = collection_of(CLASSES)
    questions = [Question(collection.vectors[i : i + 1], bag_of([])) for i in range(7)]
    for question, together in zip(questions, likenesses(collection, questions), strict=True):
        alone = likeness(collection, question)
        assert np.allclose(alone.similarity, together.similarity, atol=1e-5)


def test_a_record_left_out_of_the_probe_might_never_have_been_there() -> None:
    collection = collection_of(CLASSES)
    posterior = replace(posterior_of(collection), joint=None)
    keep = np.delete(np.arange(len(collection)), 5)
    smaller = collection.only(keep)
    rebuilt = fit_posterior(smaller.means, smaller.labels, posterior.meanings)
    query = collection.means[9]
    near = likeness(collection, asking(collection, 9)).similarity
    found = posterior.of(query, near, without=5)
    expected = rebuilt.of(query, near[keep])
    assert np.allclose(found.weights, expected.weights, atol=1e-4)
    assert np.allclose(found.evidence, expected.evidence, atol=1e-4)


def test_the_words_of_texts_are_compared_as_rows_of_a_matrix_would_be() -> None:
    words = [f"common {'often' * (n % 2)} pair{n // 2} alone{n} alone{n}" for n in range(80)]
    rows = word_rows([bag_of([text]) for text in words])
    table = np.zeros((80, len(rows.words)), np.float32)
    for word, (start, end) in enumerate(pairwise(rows.starts.tolist())):
        table[rows.texts[start:end], word] = rows.values[start:end]
    assert np.allclose(np.linalg.norm(table, axis=1), 1, atol=1e-5)
    assert np.allclose(rows.products(80), table @ table.T, atol=1e-5)
    asked = rows.compared(bag_of([words[7], "unheard"]), 80)
    assert np.allclose(asked, table @ table[7], atol=1e-5)


def test_a_record_left_out_of_the_joint_ridge_might_never_have_taught() -> None:
    collection = collection_of(CLASSES)
    labels, bags = collection.labels.copy(), bags_of(collection)
    joint = joint_ridge_of(collection.means, labels, bags.__getitem__)
    labels[5] = 1 - labels[5]
    relabelled = joint_ridge_of(collection.means, labels, bags.__getitem__)
    assert joint
    assert relabelled
    asked = collection.means[9], bags[9], collection.means
    found = joint.predicted(*asked, without=5)
    assert np.allclose(found, relabelled.predicted(*asked, without=5), atol=1e-4)
    assert not np.allclose(joint.predicted(*asked), relabelled.predicted(*asked), atol=1e-4)
    assert np.array_equal(joint.predicted(*asked, without=99), joint.predicted(*asked))
    # Words keep their rarity; of vectors alone the record might never have been there at all.
    keep = np.delete(np.arange(len(labels)), 5)
    rebuilt = joint_ridge_of(collection.means[keep], labels[keep], silent)
    alone = joint_ridge_of(collection.means, labels, silent)
    assert rebuilt
    assert alone
    expected = rebuilt.predicted(collection.means[9], bag_of([]), collection.means[keep])
    left = alone.predicted(collection.means[9], bag_of([]), collection.means, without=5)
    assert np.allclose(left, expected, atol=1e-4)


def test_classes_that_words_alone_tell_apart_are_heard() -> None:
    classes = [("a",), ("b",)] * 12
    collection = collection_of([("same",)] * 24, seed=5)
    labels = np.array([[c == ("a",), c == ("b",)] for c in classes], np.float32)
    bags = [bag_of([f"refund invoice n{n}" if n % 2 == 0 else f"deploy n{n}"]) for n in range(24)]
    joint = joint_ridge_of(collection.means, labels, bags.__getitem__)
    assert joint
    said = joint.predicted(collection.means[3], bag_of(["the invoice"]), collection.means)
    assert said[0] > said[1] + 0.3


def test_an_even_draw_of_many_records_teaches() -> None:
    many = 2 * MOST_TEACHERS + 3
    means = unit_rows(np.random.default_rng(0).standard_normal((many, 4)).astype(np.float32))
    labels = np.zeros((many, 2), np.float32)
    labels[1:, 0] = 1
    joint = joint_ridge_of(means, labels, silent)
    assert joint
    assert len(joint.teachers) <= MOST_TEACHERS
    assert labels[joint.teachers].any(axis=1).all()
    assert np.ptp(np.diff(joint.teachers)) == 0


def test_those_of_the_smallest_draw_teach_wherever_they_stand() -> None:
    many = MOST_TEACHERS + 500
    means = unit_rows(np.random.default_rng(0).standard_normal((many, 4)).astype(np.float32))
    ids, labels = [f"2026-01-01-{place}" for place in range(many)], np.ones((many, 1), np.float32)

    def taught_by(order: list[int]) -> set[str]:
        names = [ids[place] for place in order]
        joint = joint_ridge_of(means, labels, silent, lambda place: draw_of(names[place]))
        assert joint
        return {names[place] for place in joint.teachers.tolist()}

    forwards = taught_by(list(range(many)))
    assert len(forwards) == MOST_TEACHERS
    assert taught_by(list(reversed(range(many)))) == forwards


def test_estimates_that_are_no_better_than_chance_have_no_skill() -> None:
    chance = np.random.default_rng(1)
    labels = (chance.random((100, 6)) < 0.2).astype(np.float32)
    said = chance.random((100, 6)).astype(np.float32)
    assert class_skill(said, labels) < 0.2
    assert class_skill(labels + said, labels) == 1
    assert class_skill(np.zeros_like(said), labels) == 0


def test_a_class_whose_estimates_proved_worthless_weighs_nothing() -> None:
    collection = collection_of(CLASSES)
    posterior = replace(posterior_of(collection), skill=ClassSkill(0.0, 0.0))
    ranking = rank(collection, posterior, asking(collection, 3))
    assert not ranking.class_part.any()
    assert np.array_equal(ranking.score, ranking.text)


def test_labels_dealt_out_at_random_show_no_skill_and_true_ones_do() -> None:
    classes = CLASSES * 3
    dealt = [classes[place] for place in np.random.default_rng(4).permutation(len(classes))]
    known = collection_of(classes)
    entries = tuple(entry(f"r{place}", *group) for place, group in enumerate(dealt))
    random = Collection(entries, known.vectors, known.starts, known.means, known.postings)
    true, chance = (_skill_of(collection) for collection in (known, random))
    assert true.learnt == 1
    assert chance.learnt < 0.5


def _skill_of(collection: Collection) -> ClassSkill:
    asked = [
        (place, Question(collection.means[place : place + 1], bag_of([f"word{place}"])))
        for place in range(len(collection))
    ]
    return fit_calibration(collection, posterior_of(collection), asked).skill


def test_where_texts_come_from_a_mould_being_alike_says_less() -> None:
    classes = [("a",), ("b",), ("c",)] * 10
    known = collection_of(classes)
    one = known.means[:1]
    near = unit_rows(one + 0.01 * known.means)
    starts = starts_of([1] * len(classes))
    mould = Collection(known.entries, near, starts, near, known.postings)
    asked = [(n, Question(near[n : n + 1], bag_of([f"word{n}"]))) for n in range(len(classes))]
    found = fit_calibration(mould, posterior_of(mould), asked)
    assert found.same_incident > 0.98


def test_what_is_nearly_the_query_is_first_whatever_its_class() -> None:
    collection = collection_of(CLASSES)
    posterior = posterior_of(collection)
    everything = np.ones(len(collection), bool)
    ranking = rank(collection, posterior, asking(collection, 3))
    order = best_first(ranking, posterior, everything)
    plain = replace(ranking, similarity=np.full(len(order), 0.4, np.float32))
    plain = replace(plain, text=np.zeros(len(order), np.float32))
    assert ordered(plain, posterior, everything).tolist() == (
        best_first(plain, posterior, everything).tolist()
    )
    last = int(order[-1])
    alike = plain.similarity.copy()
    alike[last] = 0.85
    assert ordered(replace(plain, similarity=alike), posterior, everything)[0] == last
    assert ordered(
        replace(plain, similarity=alike), posterior, everything, same_incident=0.9
    ).tolist() == (best_first(plain, posterior, everything).tolist())
    leading = plain.text.copy()
    leading[last] = 1.1
    assert ordered(replace(plain, text=leading, lead=1.0), posterior, everything)[0] == last
    assert ordered(replace(plain, text=leading, lead=1.2), posterior, everything)[0] != last


def test_who_asks_in_few_words_looks_for_one_incident() -> None:
    collection = collection_of(CLASSES)
    posterior = posterior_of(collection)
    vector = collection.means[:1]
    few, many = (
        rank(collection, posterior, Question(vector, bag_of([" ".join(words)])))
        for words in (["refund", "twice"], [f"word{number}" for number in range(60)])
    )
    assert few.lead < 0.3
    assert many.lead > 1


def test_what_is_nearest_is_not_lowered_for_being_told_apart_from_what_is_less_near() -> None:
    collection = collection_of(CLASSES)
    apart = PriorVerdict("r1", "different")
    told = tuple(
        msgspec.structs.replace(one, verdicts=(apart,)) if one.id == "r0" else one
        for one in collection.entries
    )
    judged = replace(collection, entries=told)
    nearness = np.full(len(told), -1, np.float32)
    nearness[[0, 1]] = 0.65, 0.6
    parted = _neighbour_verdicts(judged, nearness, None)
    assert parted[0] == 0
    assert parted[1] < 0


def test_a_first_answer_has_a_curve_of_its_own() -> None:
    collection = collection_of(CLASSES)
    posterior = posterior_of(collection)
    ranking = rank(collection, posterior, asking(collection, 3))
    everything = np.ones(len(collection), bool)
    order = best_first(ranking, posterior, everything)
    curves = Calibration(first_curve=(0.0, 0.0, 2.0))
    said = curves.probabilities(ranking, everything, incident=0.5)
    led = curves.with_first(said, ranking, order)
    about = known(ranking.similarity) * 0.5
    assert led[order[0]] == pytest.approx(about / (1 + np.exp(-2)), rel=1e-4)
    assert np.array_equal(np.delete(led, order[0]), np.delete(said, order[0]))


def test_the_label_of_the_record_that_asks_changes_nothing() -> None:
    before, after = list(CLASSES), list(CLASSES)
    after[5] = ("b",)
    one, other = collection_of(before), collection_of(before)
    relabelled = Collection(
        tuple(entry(f"r{i}", *group) for i, group in enumerate(after)),
        other.vectors,
        other.starts,
        other.means,
        other.postings,
    )
    question = asking(one, 5)
    first = rank(one, posterior_of(one), question, without=5)
    second = rank(relabelled, posterior_of(relabelled), question, without=5)
    assert np.allclose(np.delete(first.score, 5), np.delete(second.score, 5), atol=1e-4)


def test_a_library_without_labels_ranks_by_text_alone() -> None:
    collection = collection_of([() for _ in range(6)])
    posterior = posterior_of(collection)
    ranking = rank(collection, posterior, asking(collection, 2))
    assert np.array_equal(ranking.score, ranking.text)
    assert best_first(ranking, posterior, np.ones(6, bool))[0] == 2


@pytest.mark.parametrize("classes", [[("a",)], [("a",), ("b",)], [("a",), ("a",), ("once",)]])
def test_one_record_and_classes_seen_once_are_enough_to_answer(
    classes: list[tuple[str, ...]],
) -> None:
    collection = collection_of(classes)
    posterior = posterior_of(collection)
    ranking = rank(collection, posterior, asking(collection, 0))
    assert np.isfinite(ranking.score).all()
    assert len(best_first(ranking, posterior, np.ones(len(classes), bool))) == len(classes)


def test_the_first_places_do_not_all_bet_on_one_class() -> None:
    collection = collection_of([("a",)] * 12 + [("b",)] * 4, seed=3)
    posterior = posterior_of(collection)
    middle = unit_rows((collection.means[0] + collection.means[13])[None])
    ranking = rank(collection, posterior, Question(middle, bag_of([])))
    order = best_first(ranking, posterior, np.ones(16, bool), Weights(hedge=0.1))
    shown = {collection.entries[place].classes[0] for place in order[:5]}
    assert shown == {"a", "b"}


def test_the_order_holds_every_allowed_record_once() -> None:
    collection = collection_of(CLASSES)
    posterior = posterior_of(collection)
    allowed = np.arange(len(collection)) % 3 != 0
    order = best_first(rank(collection, posterior, asking(collection, 1)), posterior, allowed)
    assert sorted(order.tolist()) == np.flatnonzero(allowed).tolist()


def test_a_repeat_verdict_lifts_the_record_a_near_one_was_a_repeat_of() -> None:
    plain = collection_of(CLASSES)
    verdict = (PriorVerdict("r3", "repeat"),)
    judged = Collection(
        (*plain.entries[:2], entry("r2", "b", verdicts=verdict), *plain.entries[3:]),
        plain.vectors,
        plain.starts,
        plain.means,
        plain.postings,
    )
    question = asking(plain, 2)
    before = rank(plain, posterior_of(plain), question).score[3]
    assert rank(judged, posterior_of(judged), question).score[3] > before


def test_verdicts_of_the_record_that_asks_are_hidden_from_it() -> None:
    plain = collection_of(CLASSES)
    verdict = (PriorVerdict("r3", "repeat"),)
    judged = Collection(
        (*plain.entries[:2], entry("r2", "b", verdicts=verdict), *plain.entries[3:]),
        plain.vectors,
        plain.starts,
        plain.means,
        plain.postings,
    )
    ranking = rank(judged, posterior_of(judged), asking(plain, 2), without=2)
    assert not ranking.verdict_part.any()


@given(arrays(np.float32, st.integers(1, 12), elements=st.floats(0, 1, width=32)))
def test_shown_probabilities_never_rise_and_keep_their_mean(values: np.ndarray) -> None:
    found = isotonic_decreasing(values)
    assert (np.diff(found) <= 1e-6).all()
    assert found.mean() == pytest.approx(values.mean(), abs=1e-4)


def test_a_library_with_few_labels_uses_the_shipped_curve_and_says_so() -> None:
    collection = collection_of(CLASSES[:6])
    questions = [(i, Question(collection.means[i : i + 1], bag_of([]))) for i in range(6)]
    found = fit_calibration(collection, posterior_of(collection), questions)
    assert found.curve == SHIPPED
    assert "shipped" in found.source


def test_a_library_with_many_labels_fits_its_own_curve() -> None:
    collection = collection_of(CLASSES)
    questions = [
        (i, Question(collection.means[i : i + 1], bag_of([]))) for i in range(len(collection))
    ]
    found = fit_calibration(collection, posterior_of(collection), questions)
    assert found.curve != SHIPPED
    assert f"{len(CLASSES)} records" in found.source


def test_a_library_without_labels_has_a_curve_that_looks_at_the_text() -> None:
    collection = collection_of([(), (), ()])
    assert fit_calibration(collection, posterior_of(collection), []).curve == UNLABELLED


def test_a_query_unlike_everything_is_held_to_be_foreign() -> None:
    assert known(np.array([0.1, 0.2], np.float32)) < 0.01
    assert known(np.array([0.1, 0.6], np.float32)) > 0.99
    assert known(np.zeros(0, np.float32)) == 0


def test_measures_of_a_known_order() -> None:
    right = np.array([False, True, False, True])
    first, five, ndcg, mrr = measure(np.array([0, 1, 2, 3]), right)
    assert (first, five, mrr) == (0.0, 1.0, 0.5)
    assert ndcg == pytest.approx((1 / np.log2(3) + 1 / np.log2(5)) / (1 + 1 / np.log2(3)))


def test_relevance_by_any_label_or_by_overlap() -> None:
    labels = np.array([[1, 1, 0], [1, 0, 0], [0, 0, 1]], np.float32)
    assert relevance(labels).tolist()[0] == [False, True, False]
    assert not relevance(labels, 0.6).any()


def test_calibration_error_of_the_perfect_and_the_worst() -> None:
    outcomes = np.array([True, False, True, True])
    assert calibration_error(np.full(4, 0.75, np.float32), outcomes) == 0
    assert calibration_error(np.zeros(4, np.float32), np.ones(4, bool)) == 1


def test_what_is_said_truly_stays_below_the_bound_of_chance_and_what_is_not_does_not() -> None:
    chance = np.random.default_rng(2)
    said = chance.random(300).astype(np.float32)
    bound = calibrated_bound(said)
    errors = [calibration_error(said, chance.random(300) < said) for _ in range(200)]
    assert np.mean(np.array(errors) <= bound) == pytest.approx(0.95, abs=0.04)
    assert calibration_error(said, chance.random(300) < said**3) > bound


def test_the_largest_are_those_a_stable_sort_puts_first() -> None:
    values = np.random.default_rng(0).integers(0, 9, 200).astype(np.float32)
    for count in (0, 1, 7, 199, 200, 300):
        expected = np.argsort(-values, kind="stable")[:count]
        assert sorted(largest(values, count)) == sorted(expected)
