"""A generated library whose numbers are known gives exactly these numbers."""

from __future__ import annotations

import statistics
from datetime import timedelta

import pytest
from kb.as_of import AsOf
from kb.library import open_library
from kb.metrics.compute_page import measure
from kb.metrics.result_types import MetricsPage
from kb.repo import open_repo

from known_library import Story, Truth, noon, tell, write_history

SEEDS = (1, 2, 3)


@pytest.fixture(scope="module", params=SEEDS)
def told(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Truth, MetricsPage]:
    """The truth of one seed, and the page of the library that was written from it."""
    truth = tell(request.param)
    folder = tmp_path_factory.mktemp(f"truth{request.param}")
    (folder / "kb.toml").write_text("", encoding="utf-8")
    write_history(folder, truth.steps)
    library, repo = open_library(folder), open_repo(folder)
    assert repo.head
    return truth, measure(library, repo, as_of=AsOf(noon(truth.today), repo.head.sha))


def incidents(truth: Truth) -> list[Story]:
    found = [story for story in truth.stories if story.kind == "incident"]
    return sorted(found, key=lambda story: (story.first_impact, story.id))


def test_the_truth_has_what_the_measures_must_cope_with(told: tuple[Truth, MetricsPage]) -> None:
    truth, _ = told
    assert any(story.id.endswith("-renamed") for story in truth.stories)
    assert any(step.branch for step in truth.steps)
    assert any(promise.written_closed for story in truth.stories for promise in story.promises)


def test_the_detection_chain_is_the_median_of_the_known_minutes(
    told: tuple[Truth, MetricsPage],
) -> None:
    truth, page = told
    known = [story for story in incidents(truth) if story.chain_minutes is not None]
    minutes = [float(story.chain_minutes or 0) for story in known]
    found = page.measure("detection_chain")
    earlier, later = found.parts_by("half")
    assert found.value == statistics.median(minutes)
    assert (found.n, found.records) == (len(known), tuple(story.id for story in known))
    assert earlier.n == len(known) // 2
    assert earlier.value == statistics.median(minutes[: len(known) // 2])
    assert later.value == statistics.median(minutes[len(known) // 2 :])
    assert page.measure("detected_within_30_minutes").value == pytest.approx(
        sum(value <= 30 for value in minutes) / len(minutes)
    )


def test_repeats_are_those_that_were_told(told: tuple[Truth, MetricsPage]) -> None:
    truth, page = told
    repeats = [s.id for s in incidents(truth) if any(v == "repeat" for v, _ in s.verdicts)]
    found = page.measure("repeat_rate")
    assert found.hits == tuple(repeats)
    looked = [story for story in incidents(truth) if any(word for word, _ in story.verdicts)]
    assert found.value == len(repeats) / len(looked)
    assert found.unknown == len(incidents(truth)) - len(looked) > 0


def test_preventable_repeats_are_named_with_their_open_actions(
    told: tuple[Truth, MetricsPage],
) -> None:
    truth, page = told
    by_id = {story.id: story for story in truth.stories}
    expected = set()
    for story in incidents(truth):
        day = story.first_impact.date()
        for verdict, prior in story.verdicts:
            if verdict == "repeat":
                for promise in by_id[prior].promises:
                    assert promise.opened
                    is_paused = any(start <= day <= end for start, end in promise.pauses)
                    is_over = promise.closed is not None and promise.closed <= day
                    if promise.opened < day and not is_over and not is_paused:
                        expected.add((story.id, f"{prior}#{promise.label}"))
    assert {(pair.record, pair.action) for pair in page.pairs} == expected
    assert page.measure("preventable_repeats").value == len(
        {(record, action.rpartition("#")[0]) for record, action in expected}
    )


def test_action_completion_counts_what_is_old_enough(told: tuple[Truth, MetricsPage]) -> None:
    truth, page = told
    promises = [
        (story, promise)
        for story in truth.stories
        for promise in story.promises
        if promise.state != "cancelled"
    ]
    old = [(s, p) for s, p in promises if p.opened and truth.today - p.opened > timedelta(days=30)]
    in_time = {
        f"{story.id}#{promise.label}"
        for story, promise in old
        if promise.closed and promise.opened and (promise.closed - promise.opened).days <= 30
    }
    found = page.measure("action_completion")
    assert set(found.hits) == in_time
    assert found.n == len(old) < len(promises)
    assert found.value == len(in_time) / len(old)


def test_overdue_actions_are_counted_by_owner(told: tuple[Truth, MetricsPage]) -> None:
    truth, page = told
    late = [
        promise.owner
        for story in truth.stories
        for promise in story.promises
        if promise.state == "open" and promise.due and promise.due < truth.today
    ]
    found = page.measure("actions_overdue")
    assert found.value == len(late)
    assert {part.label: part.value for part in found.parts_by("owner")} == {
        owner: late.count(owner) for owner in set(late)
    }


@pytest.mark.parametrize(("name", "word"), [("class", "failure_class"), ("control", "control")])
def test_recurrence_and_gaps_look_back_at_every_kind(
    told: tuple[Truth, MetricsPage], name: str, word: str
) -> None:
    truth, page = told
    ordered = sorted(truth.stories, key=lambda story: (story.first_impact, story.id))
    gaps = {}
    for place, story in enumerate(ordered):
        same = [s for s in ordered[:place] if getattr(s, word) == getattr(story, word)]
        if story.kind == "incident" and same:
            gaps[story.id] = (story.first_impact.date() - same[-1].first_impact.date()).days
    first = ordered[0].first_impact.date()
    with_a_past = {s.id for s in incidents(truth) if (s.first_impact.date() - first).days >= 365}
    found = page.measure(f"{name}_recurrence")
    assert set(found.hits) == {r for r, days in gaps.items() if days <= 365} & with_a_past
    assert set(found.records) == with_a_past
    assert 0 < len(with_a_past) < len(incidents(truth))
    assert page.measure(f"{name}_gap").value == statistics.median(gaps.values())


def test_publication_is_dated_by_the_commit_that_landed_it(told: tuple[Truth, MetricsPage]) -> None:
    truth, page = told
    since = truth.today - timedelta(days=30)
    news = {s.id for s in truth.stories if s.published and since <= s.published <= truth.today}
    assert set(page.measure("reading_list").hits) == news


def test_near_misses_and_rescues_are_counted(told: tuple[Truth, MetricsPage]) -> None:
    truth, page = told
    near = [story for story in truth.stories if story.kind == "near-miss"]
    known = [story.rescues for story in truth.stories if story.rescues is not None]
    assert page.measure("near_miss_share").value == len(near) / len(truth.stories)
    assert page.measure("rescue_load").value == sum(known)
    assert page.measure("rescue_load").n == len(known)
