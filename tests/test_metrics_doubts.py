"""What the measures must not claim: unknown cases, clusters, young libraries, and days that lie."""

from __future__ import annotations

import random
import subprocess
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from kb import statistics
from kb import statistics as resampling
from kb.actions.dates_from_git import Landing, StateChange, Trail, Trails
from kb.humanize import format_value
from kb.metrics.headline_answers import answer_all
from kb.metrics.inputs import MetricsInput
from kb.metrics.registry import MEASURES, measure_all
from kb.metrics.repeats import preventable_pairs
from kb.metrics.result_types import Measure, QuestionAnswer

from conftest import Git, git_in
from known_library import Promise, Story, noon
from test_metrics import (
    TODAY,
    facts,
    incident,
    measured,
    promise,
    record,
    with_actions,
)
from test_metrics_command import run  # noqa: F401 - a fixture

MADE = TODAY - timedelta(days=90)


def kept(*lines: str) -> Measure:
    return measured("action_completion", with_actions(*lines))


def answers(*stories: Story) -> tuple[QuestionAnswer, ...]:
    return answer_all({measure.name: measure for measure in measure_all(facts(*stories))})


# --- unknown cases ------------------------------------------------------------------------------


def test_unknown_cases_bound_a_share_from_both_sides() -> None:
    found = kept(
        promise(MADE, MADE, "closed"),
        promise(MADE),
        *[promise(MADE, None, "closed") for _ in range(2)],
    )
    assert (found.value, found.bounds) == (0.5, (0.25, 0.75))


def test_unknown_cases_bound_a_median_where_enough_are_known() -> None:
    stories = [incident(n, chain_minutes=value) for n, value in enumerate((10, 20, 30, None))]
    assert measured("detection_chain", *stories).bounds == (15, 25)
    assert measured("detection_chain", *stories[:1], stories[3]).bounds == (5, None)


def test_a_goal_is_neither_met_nor_missed_where_unknown_cases_decide() -> None:
    done = [promise(MADE, MADE, "closed") for _ in range(19)]
    assert kept(*done).meets_goal is True
    assert kept(*done, promise(MADE, None, "closed")).meets_goal is True  # 95 % at worst
    some = [promise(MADE, None, "closed") for _ in range(3)]
    assert kept(*done, *some).meets_goal is None
    assert kept(*[promise(MADE)] * 2, *some).meets_goal is False


def test_a_shallow_clone_turns_no_pipeline_green(
    run: Any,  # noqa: F811
    git: Git,
    library_folder: Path,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """The ticks came late; beyond the boundary nobody sees when."""
    story = Story("2026-01-02-incident", datetime(2026, 1, 2, tzinfo=UTC))
    story.promises = [Promise(f"A{n}", f"do thing {n}") for n in range(1, 6)]
    story.promises[0].state, story.promises[0].written_closed = "closed", date(2026, 1, 9)

    def save(day: str) -> None:
        (library_folder / story.path).write_text(story.markdown(), encoding="utf-8")
        git("add", "--all")
        git("commit", "--quiet", "--message", "x", at=f"{day}T12:00:00Z")

    save("2026-01-03")
    for made in story.promises[1:]:
        made.state = "closed"
    save("2026-05-20")
    (library_folder / "other.txt").write_text("x", encoding="utf-8")
    save("2026-06-01")
    clone = tmp_path_factory.mktemp("shallow") / "clone"
    subprocess.run(
        ["git", "clone", "--quiet", "--depth=1", library_folder.as_uri(), str(clone)], check=True
    )
    asked = ("metrics", "--fail-under", "action_completion=0.9")
    whole, shallow = run(library_folder, *asked), run(clone, *asked)
    assert (whole[0], "action_completion is 0.2" in whole[2]) == (1, True)
    assert shallow[0] == 1
    assert "action_completion cannot be decided: 4 of 5 unknown" in shallow[2]
    assert run(clone, "metrics", "--fail-under", "action_completion=0.2")[0] == 0
    assert run(clone, "metrics", "--fail-over", "action_completion=0.9")[0] == 1
    git_in(clone)("fetch", "--quiet", "--unshallow")
    assert "action_completion is 0.2" in run(clone, *asked)[2]


# --- reopened actions ---------------------------------------------------------------------------


def reopened() -> tuple[Story, Trails]:
    """A promise made on 3 January, kept on the 9th, opened again on the 20th, kept on the 30th."""
    earlier = Story("2026-01-01-earlier", noon(date(2026, 1, 1)))
    earlier.promises = [Promise("A1", "do it", state="closed")]
    days = ((3, "open"), (9, "closed"), (20, "open"), (30, "closed"))
    marks = tuple(
        StateChange(Landing(noon(date(2026, 1, day)), f"{day}"), state) for day, state in days
    )
    trail = Trail(first=marks[0].landing, marks={"A1": marks})
    return earlier, Trails({record(earlier).path: trail})  # type: ignore[dict-item]


@pytest.mark.parametrize(
    ("day", "days_open", "closed"),
    [(5, 2, 9), (9, None, None), (15, None, None), (20, None, None), (25, 5, 30), (31, None, None)],
)
def test_a_repeat_while_a_promise_was_kept_for_a_time_was_not_preventable_by_it(
    day: int, days_open: int | None, closed: int | None
) -> None:
    earlier, trails = reopened()
    later = Story(f"2026-01-{day:02}-later", noon(date(2026, 1, day)))
    later.verdicts = [("repeat", earlier.id)]
    known = replace(facts(earlier, later), trails=trails)
    expected = [] if closed is None else [(days_open, date(2026, 1, closed))]
    assert [(pair.days_open, pair.closed) for pair in preventable_pairs(known)] == expected


def test_a_day_written_for_the_closing_before_it_was_reopened_is_not_the_last_closing() -> None:
    earlier, trails = reopened()
    earlier.promises[0].written_closed = date(2026, 1, 9)
    known = replace(facts(earlier), trails=trails)
    [action] = known.actions
    assert (action.closed, action.closed_source) == (date(2026, 1, 30), "committed")
    earlier.promises[0].written_closed = date(2026, 1, 28)
    [action] = replace(facts(earlier), trails=trails).actions
    assert (action.closed, action.closed_source) == (date(2026, 1, 28), "written")


@pytest.mark.parametrize("prior", ["missing", "draft"])
def test_a_repeat_of_a_record_that_is_missing_or_a_draft_accuses_nobody(prior: str) -> None:
    first = with_actions(promise(date(2026, 1, 5)), status="draft")
    second = incident(9, verdicts=[("repeat", first.id)])
    stories = [first, second] if prior == "draft" else [second]
    found = measured("preventable_repeats", *stories)
    assert (found.value, found.n, found.unknown) == (0, 0, 1)


def test_the_headline_counts_what_is_known_and_says_how_much_is_not() -> None:
    first = with_actions(promise(date(2026, 1, 5), date(2026, 1, 6), "closed"))
    stories = [first, incident(5, verdicts=[("repeat", first.id)])]
    stories += [incident(n, verdicts=[("repeat", "2025-01-01-gone")]) for n in (6, 7)]
    line = answers(*stories)[0].lines[2]
    assert line == (
        "3 pairs of an incident and an earlier one it repeats: a promise of the earlier record "
        "was still open in 0 of 1; of 2 that is unknown."
    )


# --- days that cannot be -------------------------------------------------------------------------


def test_a_closing_before_the_opening_is_neither_hit_nor_miss() -> None:
    found = kept(promise(MADE, MADE - timedelta(days=1), "closed"), promise(MADE, MADE, "closed"))
    assert (found.value, found.n, found.unknown) == (1, 1, 1)
    assert "1 action closed before the day of opening" in found.notes[0]


def test_an_action_of_exactly_thirty_days_may_still_be_kept_today() -> None:
    made = TODAY - timedelta(days=30)
    assert kept(promise(made), promise(MADE)).n == 1
    assert kept(promise(made - timedelta(days=1)), promise(MADE)).n == 2


def test_what_a_warning_had_told_us_took_no_minutes() -> None:
    impact = datetime(2026, 4, 12, 14, tzinfo=UTC)
    warned = {"first_warning": impact - timedelta(hours=1)}
    clocks = warned | {"detected": impact - timedelta(minutes=20)}
    known = Story("2026-04-12-known", impact, clocks=clocks)
    earlier = {"detected": impact - timedelta(hours=2)}
    backwards = Story("2026-04-12-backwards", impact, clocks=warned | earlier)
    found = measured("detection_chain", known, backwards)
    assert (found.value, found.n, found.unknown) == (0, 1, 1)


def test_a_review_before_it_was_asked_for_is_no_fast_review() -> None:
    backwards = reviewed(0, "2026-01-03T00:00:00Z", "2026-01-02T00:00:00Z")
    quick = reviewed(1, "2026-01-10T00:00:00Z", "2026-01-11T00:00:00Z")
    for name, value in (("review_time", 24), ("reviewed_in_time", 1)):
        found = measured(name, backwards, quick)
        assert (found.value, found.n, found.unknown) == (value, 1, 1)


def test_a_publication_before_the_containment_is_no_fast_publication() -> None:
    clocks = {"contained": datetime(2026, 1, 2, tzinfo=UTC)}
    before, after = incident(0, clocks=clocks), incident(1, clocks=clocks)
    trails = {
        record(story).path: landed(("in-review", date(2026, 1, 1)), ("published", day))
        for story, day in ((before, date(2026, 1, 1)), (after, date(2026, 1, 4)))
    }
    known = replace(facts(before, after), trails=Trails(trails))  # type: ignore[arg-type]
    found = of("time_to_publish", known)
    assert (found.value, found.n, found.unknown) == (2.5, 1, 1)


def reviewed(number: int, opened: str, at: str, **fields: object) -> Story:
    extra = (f"opened: {opened}", f"reviewed: {{by: sre, at: {at}}}")
    return incident(number, extra=extra, **fields)


# --- published, reviewed, outside ----------------------------------------------------------------


def landed(*days: tuple[str, date]) -> Trail:
    """A trail whose commits set these statuses."""
    landings = {status: Landing(noon(day), status) for status, day in days}
    return Trail(first=next(iter(landings.values())), published=landings.get("published"))


def dated(story: Story, trail: Trail) -> MetricsInput:
    return replace(facts(story), trails=Trails({record(story).path: trail}))  # type: ignore[dict-item]


def of(name: str, known: MetricsInput) -> Measure:
    return next(row for row in MEASURES if row.name == name).measure(known)


DRAFTED = landed(("in-review", date(2026, 1, 5)), ("published", date(2026, 6, 20)))
#: What a merge or a squash leaves: the default branch never had it in another state.
MERGED = landed(("published", date(2026, 6, 20)))
REVIEWED = ("reviewed: {by: sre, at: 2026-01-03T00:00:00Z}",)
CONTAINED = {"contained": datetime(2026, 1, 1, tzinfo=UTC)}


@pytest.mark.parametrize("trail", [DRAFTED, MERGED])
@pytest.mark.parametrize("extra", [(), REVIEWED])
def test_a_record_is_published_when_it_arrives_whatever_its_review_says(
    trail: Trail, extra: tuple[str, ...]
) -> None:
    story = incident(0, extra=extra, clocks=CONTAINED)
    assert of("time_to_publish", dated(story, trail)).value == 170.5
    assert of("reading_list", dated(story, trail)).hits == (story.id,)


@pytest.mark.parametrize("extra", [(), REVIEWED])
def test_a_review_never_stands_in_for_an_arrival_nobody_knows(extra: tuple[str, ...]) -> None:
    story = incident(0, extra=extra, clocks=CONTAINED)
    found, news = (measured(name, story) for name in ("time_to_publish", "reading_list"))
    assert (found.value, found.unknown) == (None, 1)
    assert (news.hits, news.n, news.unknown) == ((), 0, 1)


def test_what_others_published_has_no_time_of_ours() -> None:
    story = incident(0, origin="public", extra=REVIEWED, clocks=CONTAINED)
    found = of("time_to_publish", dated(story, DRAFTED))
    assert (found.value, found.unknown, found.notes) == (
        None,
        0,
        ("1 record of others, left out.",),
    )


def test_records_that_one_commit_copied_here_were_not_published_by_it() -> None:
    stories = [incident(n, clocks=CONTAINED) for n in range(5)]
    trails = {record(story).path: MERGED for story in stories}
    known = replace(facts(*stories), trails=Trails(trails))  # type: ignore[arg-type]
    found = of("time_to_publish", known)
    assert (found.value, found.n, found.unknown) == (None, 0, 5)
    assert "copied here in one commit" in found.notes[0]
    four = dict(list(trails.items())[:4])
    some = replace(facts(*stories[:4]), trails=Trails(four))  # type: ignore[arg-type]
    assert of("time_to_publish", some).n == 4
    assert len(of("reading_list", known).hits) == 5


def test_a_record_published_without_the_review_it_asked_for_broke_a_promise() -> None:
    quick = reviewed(0, "2026-01-02T00:00:00Z", "2026-01-03T00:00:00Z")
    asked, silent = incident(1, extra=("opened: 2026-01-02T00:00:00Z",)), incident(2)
    found = measured("reviewed_in_time", quick, asked, silent)
    assert (found.hits, found.misses, found.unknown) == ((quick.id,), (asked.id,), 1)
    assert found.notes == ("1 record left out: no review is noted, asked for or given.",)
    assert measured("reviewed_in_time", replace(asked, origin="public")).n == 0


def test_those_who_still_wait_are_said_beside_the_median() -> None:
    waiting = incident(1, status="in-review", extra=("opened: 2026-06-25T12:00:00Z",))
    found = measured("review_time", waiting)
    assert found.notes == ("1 record waits for review, the first for 5 days.",)


SEVERE = {"severity": "SEV1", "impact": "customer-visible"}


@pytest.mark.parametrize("severity", ["SEV1", "SEV2", "SEV3", "SEV4"])
def test_only_sev1_is_promised_to_those_outside(severity: str) -> None:
    story = incident(0, severity=severity, impact="customer-visible")
    assert measured("published_externally", story).n == (severity == "SEV1")
    assert measured("published_externally", replace(story, impact="internal")).n == 0


@pytest.mark.parametrize(
    ("published", "visibility", "expected"),
    [
        (date(2026, 1, 4), "external", (1, 1)),
        (date(2026, 1, 5), "external", (0, 1)),
        (date(2026, 1, 4), "internal", (0, 1)),
    ],
)
def test_an_external_edition_is_promised_within_72_hours(
    published: date, visibility: str, expected: tuple[float, int]
) -> None:
    story = incident(
        0,
        extra=(f"visibility: {visibility}",),
        clocks={"resolved": datetime(2026, 1, 2, tzinfo=UTC)},
        **SEVERE,
    )
    trail = landed(("in-review", date(2026, 1, 3)), ("published", published))
    found = of("external_in_time", dated(story, trail))
    assert (found.value, found.n) == expected


def test_an_external_edition_that_is_not_due_yet_counts_neither_way() -> None:
    clocks = {"resolved": noon(TODAY) - timedelta(hours=70)}
    found = measured("external_in_time", incident(0, clocks=clocks, **SEVERE))
    assert (found.n, found.unknown) == (0, 0)
    assert "still run" in found.notes[0]


# --- the verdicts --------------------------------------------------------------------------------


def each(n: int, *lines: str) -> list[Story]:
    return [with_actions(*lines, number=number) for number in range(n)]


YES, NO, UNDATED = promise(MADE, MADE, "closed"), promise(MADE), promise(MADE, None, "closed")


@pytest.mark.parametrize(
    ("stories", "verdict"),
    [
        (each(9, YES), "too few to say"),
        (each(9, NO), "too few to say"),
        (each(20, YES), "too close to say"),  # 20 of 20 may still be 84 %
        (each(60, YES), "yes"),
        (each(20, NO), "no"),
        ([*each(19, YES), with_actions(NO, number=40)], "too close to say"),
        (each(60, YES, YES, YES, UNDATED), "cannot tell"),
        (each(3, *[YES] * 40), "too close to say"),  # three records are three witnesses
    ],
)
def test_yes_and_no_are_said_only_where_the_interval_leaves_no_doubt(
    stories: list[Story], verdict: str
) -> None:
    assert answers(*stories)[2].verdict == verdict


@pytest.mark.parametrize(
    ("stories", "line"),
    [
        ([incident(0)], "1 incident was not looked at"),
        ([incident(0), incident(1)], "2 incidents were not looked at"),
        ([incident(0, is_first=True)], "The one incident looked at repeats no earlier one."),
        (
            [incident(0, is_first=True), incident(1, is_first=True)],
            "0 of 2 incidents looked at repeat an earlier one",
        ),
        (
            [incident(0, is_first=True), incident(1, verdicts=[("repeat", incident(0).id)])],
            "1 of 2 incidents looked at repeats an earlier one",
        ),
    ],
)
def test_small_numbers_are_said_in_good_english(stories: list[Story], line: str) -> None:
    assert answers(*stories)[0].lines[0].startswith(line)
    assert (format_value(1, "days"), format_value(1.04, "days"), format_value(2, "days")) == (
        "1 day",
        "1 day",
        "2 days",
    )


# --- no trend out of nothing ---------------------------------------------------------------------

Null = Callable[[random.Random], list[Story]]


def _steady(source: random.Random) -> list[Story]:
    """Three years of incidents at a constant rate, of classes by chance."""
    days = sorted(source.sample(range(365 * 3), 60))
    first = date(2023, 7, 1)
    stories = []
    for place, day in enumerate(days):
        at = noon(first + timedelta(days=day))
        word = f"class-{source.randrange(8)}"
        stories.append(Story(f"{at.date()}-{place}", at, failure_class=word, control=word))
        if place and source.random() < 1 - 0.98**place:
            stories[-1].verdicts = [("repeat", source.choice(stories[:-1]).id)]
    return stories


def _clustered(source: random.Random) -> list[Story]:
    """Twenty records whose promises were kept or forgotten together."""
    stories = []
    for number in range(20):
        chance = source.betavariate(0.6, 0.6)
        lines = [YES if source.random() < chance else NO for _ in range(6)]
        stories.append(with_actions(*lines, number=number))
    return stories


@pytest.mark.parametrize(
    ("null", "name"),
    [
        (_steady, "class_recurrence"),
        (_steady, "control_recurrence"),
        (_steady, "class_gap"),
        (_steady, "control_gap"),
        (_steady, "repeat_rate"),
        (_clustered, "action_completion"),
    ],
)
def test_where_nothing_changes_a_change_is_claimed_in_one_case_of_twenty(
    null: Null, name: str
) -> None:
    source, runs = random.Random(3), 120
    claimed = sum(measured(name, *null(source)).change in {"rise", "fall"} for _ in range(runs))
    # 5 % of 120 is 6; 12 or more of a fair test would be a chance of 1 in 50.
    assert claimed < 12


def test_the_interval_of_clustered_promises_holds_the_truth() -> None:
    source, runs = random.Random(5), 100
    held = 0
    for _ in range(runs):
        found = measured("action_completion", *_clustered(source))
        assert found.low is not None
        assert found.high is not None
        held += found.low <= 0.5 <= found.high
    # Wilson's interval of the actions holds it in 3 of 4 cases only.
    assert held >= 88


def test_a_clear_change_of_clustered_promises_is_still_seen() -> None:
    before, after = each(10, NO, NO, YES), [with_actions(YES, YES, number=n) for n in range(10, 20)]
    assert measured("action_completion", *before, *after).change == "rise"


def test_a_young_library_says_how_many_incidents_it_cannot_judge() -> None:
    stories = [incident(n) for n in range(60)]
    found = measured("class_recurrence", *stories, today=date(2027, 6, 1))
    assert found.n == 60 - 53  # a week apart: the first with 365 days before it is the 54th
    assert found.notes == ("53 incidents left out: fewer than 365 days of records lie before.",)


def test_the_interval_of_many_records_is_as_narrow_as_their_number_allows() -> None:
    pairs = [(n % 2, 1) for n in range(1200)]
    found = resampling.ratio_interval(pairs)
    wilson = statistics.share_interval(600, 1200)
    assert found
    assert wilson
    assert found == pytest.approx(wilson, abs=0.004)
