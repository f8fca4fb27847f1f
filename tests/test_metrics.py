"""The measures as pure functions: what each counts, and the naive formulas they must not be."""

from __future__ import annotations

import itertools
import math
import random
import statistics as plain
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import PurePath

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kb import statistics
from kb.as_of import AsOf
from kb.metrics.headline_answers import answer_all
from kb.metrics.inputs import MetricsInput
from kb.metrics.registry import MEASURES, measure_all
from kb.metrics.repeats import preventable_pairs
from kb.metrics.result_types import Measure
from kb.metrics.sharing_deadlines import deadlines
from kb.records.document import read_document
from kb.records.form import build_form
from kb.records.postmortem import Postmortem, interpret

from known_library import Promise, Story, noon, tell

FORM = build_form()
TODAY = date(2026, 6, 30)
IMPACT = datetime(2026, 4, 12, 14, 2, tzinfo=UTC)


def record(story: Story) -> Postmortem:
    document = read_document(story.markdown().encode(), PurePath(story.path), FORM)
    meant = interpret(document)
    assert meant is not None
    return meant


def facts(*stories: Story, today: date = TODAY, since: date | None = None) -> MetricsInput:
    known = tuple(record(story) for story in stories)
    return MetricsInput(known=known, as_of=AsOf(noon(today)), since=since)


def measured(name: str, *stories: Story, today: date = TODAY) -> Measure:
    row = next(row for row in MEASURES if row.name == name)
    return row.measure(facts(*stories, today=today))


def incident(number: int, **fields: object) -> Story:
    """An incident a week after the one before."""
    at = datetime(2026, 1, 1, 12, tzinfo=UTC) + timedelta(days=7 * number)
    story = Story(id=f"{at.date()}-incident-{number:02}", first_impact=at)
    for name, value in fields.items():
        setattr(story, name, value)
    return story


def chains(*minutes: float) -> list[Story]:
    return [incident(number, chain_minutes=value) for number, value in enumerate(minutes)]


def promise(opened: date, closed: date | None = None, state: str = "open", **fields: str) -> str:
    mark = {"open": " ", "closed": "x", "cancelled": "-"}[state]
    tail = "".join(f", {key}: {value}" for key, value in fields.items())
    closing = f", closed: {closed}" if closed else ""
    return f"- [{mark}] {{label}}: do it — owner: payments, opened: {opened}{closing}{tail}"


class Written(Promise):
    """An action whose line is given."""

    def line(self) -> str:
        return self.text.replace("{label}", self.label)


def with_actions(*lines: str, number: int = 0, **fields: object) -> Story:
    story = incident(number, **fields)
    story.promises = [Written(f"A{place}", line) for place, line in enumerate(lines, 1)]
    return story


# --- medians, not means -------------------------------------------------------------------------


def test_one_outage_over_a_weekend_does_not_move_the_detection_chain() -> None:
    usual = chains(10, 12, 14, 16, 18)
    found = measured("detection_chain", *usual, incident(9, chain_minutes=4000))
    assert found.value == 15
    assert plain.mean([10, 12, 14, 16, 18, 4000]) > 600  # what the naive formula would print


def test_an_unknown_clock_is_left_out_and_not_counted_as_zero() -> None:
    found = measured("detection_chain", *chains(30, 60), incident(5, chain_minutes=None))
    assert (found.value, found.n) == (45, 2)
    assert found.notes == ("1 record left out: first_impact or detected is unknown.",)


def test_a_detection_before_the_impact_is_a_clock_fault_and_not_a_fast_detection() -> None:
    found = measured("detection_chain", *chains(30, 60, -500))
    assert (found.value, found.n) == (45, 2)
    assert "run backwards" in found.notes[0]


def test_near_misses_have_a_chain_of_their_own() -> None:
    warned = IMPACT - timedelta(minutes=20)
    near = Story("2026-04-12-near", IMPACT, kind="near-miss", clocks={"first_warning": warned})
    found = measured("near_miss_detection", near, *chains(30))
    assert (found.value, found.n) == (80, 1)  # 20 to the impact, 60 on to the detection
    assert measured("detection_chain", near, *chains(30)).n == 1


def test_the_first_half_is_the_smaller_one_and_goes_by_when_incidents_happened() -> None:
    found = measured("detection_chain", *reversed(chains(1, 2, 3, 4, 5)))
    earlier, later = found.parts_by("half")
    assert (earlier.n, earlier.value, later.n, later.value) == (2, 1.5, 3, 4)


def test_no_trend_is_claimed_below_ten_incidents_however_striking() -> None:
    assert measured("detection_chain", *chains(9000, 9000, 9000, 9000, 1, 1, 1, 1)).change == ""


def test_a_clear_fall_is_called_one_and_a_chance_one_is_not() -> None:
    slow_then_fast = [300, 400, 500, 600, 700, 10, 20, 30, 40, 50]
    mixed = [300, 20, 500, 40, 700, 10, 400, 30, 600, 15]
    assert measured("detection_chain", *chains(*slow_then_fast)).change == "fall"
    assert measured("detection_chain", *chains(*mixed)).change == "none"


def test_thirty_minutes_sharp_is_within_thirty_minutes() -> None:
    found = measured("detected_within_30_minutes", *chains(29, 30, 31, 500))
    assert found.value == 0.5


def test_who_found_it_counts_only_where_it_is_known() -> None:
    stories = [
        incident(n, found_by=word) for n, word in enumerate(["customer", "alert", "unknown"])
    ]
    found = measured("found_by_others", *stories)
    assert (found.value, found.n) == (0.5, 2)


# --- repeats ------------------------------------------------------------------------------------


def test_a_repeat_is_a_verdict_and_a_look_alike_is_none() -> None:
    first, second, third = incident(0), incident(1), incident(2)
    second.verdicts = [("repeat", first.id)]
    third.verdicts = [("related", first.id), ("", second.id)]
    found = measured("repeat_rate", first, second, third)
    assert (found.hits, found.misses, found.value) == ((second.id,), (third.id,), 1 / 2)


def test_an_incident_nobody_compared_with_earlier_ones_is_not_looked_at() -> None:
    first = incident(0, is_first=True)
    bare, proposed = incident(1), incident(2, verdicts=[("", first.id)])
    different = incident(3, verdicts=[("different", first.id)])
    found = measured("repeat_rate", first, bare, proposed, different)
    assert (found.value, found.misses) == (0, (first.id, different.id))
    assert (found.unknown, found.bounds) == (2, (0, 0.5))
    assert found.notes == ("2 incidents not looked at: no verdict, no FIRST_OF_CLASS.",)


def test_a_repeat_of_a_near_miss_counts_and_a_near_miss_that_repeats_does_not() -> None:
    near, later = incident(0, kind="near-miss"), incident(1)
    later.verdicts = [("repeat", near.id)]
    again = incident(2, kind="near-miss", verdicts=[("repeat", near.id)])
    assert measured("repeat_rate", near, later, again).value == 1


def test_a_draft_is_no_incident_yet() -> None:
    draft = incident(1, status="draft", verdicts=[("repeat", incident(0).id)])
    assert measured("repeat_rate", incident(0, is_first=True), draft).n == 1


def test_two_verdicts_in_one_record_are_one_repeat() -> None:
    a, b, c = incident(0), incident(1), incident(2)
    c.verdicts = [("repeat", a.id), ("repeat", b.id)]
    found = measured("repeat_rate", a, b, c)
    assert (found.value, found.n) == (1, 1)


def test_a_verdict_on_a_later_record_is_a_slip_and_no_repeat() -> None:
    first, second = incident(0), incident(1)
    first.verdicts = [("repeat", second.id)]
    found = measured("repeat_rate", first, second)
    assert (found.value, found.unknown) == (None, 2)


def test_a_repeat_of_a_public_incident_is_counted_apart() -> None:
    ours = incident(3, verdicts=[("repeat", "2024-01-01-theirs")])
    known = replace(facts(ours), foreign=frozenset({"2024-01-01-theirs"}))
    found = next(row for row in MEASURES if row.name == "repeat_rate").measure(known)
    assert found.value == 0
    assert found.notes == ("1 incident repeats a record of another origin; not counted.",)


def test_a_class_recurs_only_within_the_year_before() -> None:
    old = Story("2025-04-11-old", datetime(2025, 4, 11, tzinfo=UTC))
    edge = Story("2025-04-12-edge", datetime(2025, 4, 12, tzinfo=UTC), failure_class="edge")
    new = Story("2026-04-12-new", IMPACT)
    same = Story("2026-04-12-same", IMPACT, failure_class="edge")
    found = measured("class_recurrence", old, edge, new, same)
    assert found.hits == (same.id,)  # 366 days back is too far, 365 is not


def test_an_action_that_was_still_open_makes_a_repeat_preventable() -> None:
    earlier = with_actions(
        promise(date(2026, 1, 5)),
        promise(date(2026, 1, 5), date(2026, 4, 11), "closed"),
        promise(date(2026, 1, 5), date(2026, 4, 13), "closed"),
        promise(date(2026, 1, 5), date(2026, 4, 12), "closed"),
        promise(date(2026, 4, 20)),
    )
    later = Story("2026-04-12-later", IMPACT, verdicts=[("repeat", earlier.id)])
    pairs = preventable_pairs(facts(earlier, later))
    # Not the one closed the day before or on the day, nor the one promised afterwards.
    assert [pair.action for pair in pairs] == [f"{earlier.id}#A1", f"{earlier.id}#A3"]
    assert pairs[0].days_open == (date(2026, 4, 12) - date(2026, 1, 5)).days
    assert pairs[1].closed == date(2026, 4, 13)


def test_a_repeat_counts_once_however_many_actions_were_open() -> None:
    earlier = with_actions(promise(date(2026, 1, 5)), promise(date(2026, 1, 5)))
    later = Story("2026-04-12-later", IMPACT, verdicts=[("repeat", earlier.id)])
    found = measured("preventable_repeats", earlier, later)
    assert (found.value, found.n) == (1, 1)


def test_a_tick_on_an_unknown_day_accuses_nobody() -> None:
    earlier = with_actions(promise(date(2026, 1, 5), None, "closed"))
    later = Story("2026-04-12-later", IMPACT, verdicts=[("repeat", earlier.id)])
    found = measured("preventable_repeats", earlier, later)
    assert (found.value, found.n, found.unknown) == (0, 0, 1)


# --- promises -----------------------------------------------------------------------------------


def test_young_actions_count_neither_for_nor_against() -> None:
    old = promise(TODAY - timedelta(days=40), TODAY - timedelta(days=35), "closed")
    old_and_open = promise(TODAY - timedelta(days=40))
    young = [promise(TODAY - timedelta(days=3), TODAY, "closed") for _ in range(8)]
    found = measured("action_completion", with_actions(old, old_and_open, *young))
    assert (found.value, found.n) == (0.5, 2)
    naive = 9 / 10  # closed ÷ all
    assert found.value != naive
    assert "8 actions not older than 30 days, counted apart." in found.notes


def test_an_action_closed_after_thirty_days_was_not_closed_in_thirty_days() -> None:
    made = TODAY - timedelta(days=90)
    lines = [promise(made, made + timedelta(days=days), "closed") for days in (29, 30, 31)]
    assert measured("action_completion", with_actions(*lines)).value == 2 / 3


def test_cancelled_actions_are_counted_apart() -> None:
    made = TODAY - timedelta(days=90)
    cancelled = promise(made, made, "cancelled")
    found = measured("action_completion", with_actions(cancelled, promise(made, made, "closed")))
    assert (found.value, found.n) == (1, 1)
    assert "1 action cancelled, counted apart." in found.notes


def test_an_action_closed_on_an_unknown_day_is_neither_hit_nor_miss() -> None:
    made = TODAY - timedelta(days=90)
    found = measured(
        "action_completion",
        with_actions(promise(made, None, "closed"), promise(made, made, "closed"), promise(made)),
    )
    assert (found.value, found.n, found.unknown) == (0.5, 2, 1)


def test_the_answer_says_cannot_tell_where_unknown_days_could_change_it() -> None:
    made = TODAY - timedelta(days=90)
    kept = [promise(made, made, "closed") for _ in range(9)]
    unknown = [promise(made, None, "closed") for _ in range(20)]
    measures = {m.name: m for m in measure_all(facts(with_actions(*kept, promise(made), *unknown)))}
    answer = answer_all(measures)[2]
    assert answer.verdict == "cannot tell"
    assert "between 30 % and 97 %" in answer.lines[1]


def test_nine_of_ten_does_not_reach_a_goal_of_over_nine_tenths() -> None:
    made = TODAY - timedelta(days=90)
    kept = [promise(made, made, "closed") for _ in range(9)]
    found = measured("action_completion", with_actions(*kept, promise(made)))
    assert found.value == 0.9
    assert found.meets_goal is False


def test_a_review_that_never_comes_counts_against_the_promise() -> None:
    quick = incident(0, extra=_review("2026-01-02T00:00:00Z", "2026-01-03T00:00:00Z"))
    waiting = incident(1, status="in-review", extra=("opened: 2026-01-20T00:00:00Z",))
    found = measured("reviewed_in_time", quick, waiting)
    assert (found.hits, found.misses) == ((quick.id,), (waiting.id,))
    assert measured("review_time", quick, waiting).value == 24


def test_a_review_that_is_about_to_be_missed_is_named() -> None:
    waiting = incident(1, status="in-review", extra=("opened: 2026-06-28T20:00:00Z",))
    found = deadlines(facts(waiting))
    assert [(d.record, d.promise, d.hours_left) for d in found] == [(waiting.id, "review", 8)]


def test_customers_are_owed_their_copy_within_72_hours_of_resolution() -> None:
    story = incident(
        0,
        severity="SEV1",
        impact="customer-visible",
        clocks={"resolved": datetime(2026, 1, 2, tzinfo=UTC)},
        extra=(
            "affected_customers: [acme, globex, initech]",
            "shared: [{with: Acme, at: 2026-01-05T00:00:00Z},"
            " {with: globex, at: 2026-01-05T00:01:00Z}]",
        ),
    )
    found = measured("shared_in_time", story)
    assert (found.value, found.n) == (1 / 3, 3)
    assert [(d.promise, d.customer) for d in deadlines(facts(story))] == [
        ("external", ""),
        ("copy", "initech"),
    ]


def test_customers_names_stay_out_of_every_measure() -> None:
    story = incident(
        0,
        clocks={"resolved": datetime(2026, 1, 2, tzinfo=UTC)},
        extra=("affected_customers: [acme]",),
    )
    assert "acme" not in repr(measure_all(facts(story)))


def test_72_hours_that_still_run_count_neither_way() -> None:
    story = incident(
        0,
        clocks={"resolved": noon(TODAY) - timedelta(hours=70)},
        extra=("affected_customers: [acme]",),
    )
    found = measured("shared_in_time", story)
    assert (found.value, found.n) == (None, 0)


# --- coverage -----------------------------------------------------------------------------------


def test_section_coverage_asks_for_evidence_and_not_for_headings() -> None:
    text = incident(0).markdown()
    empty = text + "\n## Outcome asserts\n\nNothing yet.\n"
    held = text + (
        "\n## Outcome asserts\n\n```evidence\nLLM_SAYS_IT_DID: refunded once\n"
        "ASSERTED_IN: trace (step 4)\nHELD: no\n```\n"
    )
    assert _part(empty, "outcome assert in the trace") == (0, 1)
    assert _part(held, "outcome assert in the trace") == (1, 1)


def test_a_section_that_does_not_apply_and_says_why_is_left_out() -> None:
    text = incident(0).markdown()
    excused = text + "\n## Idempotency-key audit\n\nn/a: the agent had no tool with side effects.\n"
    bare = text + "\n## Idempotency-key audit\n\nn/a\n"
    assert _part(excused, "idempotency audit") == (None, 0)
    assert _part(bare, "idempotency audit") == (0, 1)


def test_a_fixture_that_is_not_there_does_not_work() -> None:
    text = incident(0).markdown() + (
        "\n## Replay fixture\n\n```evidence\nFIXTURE: x/fixture.json\nREPLAYABLE: yes\n```\n"
    )
    assert _part(text, "working replay fixture") == (1, 1)
    assert _part(text, "working replay fixture", lost=True) == (0, 1)


def _part(text: str, label: str, *, lost: bool = False) -> tuple[float | None, int]:
    story = incident(0)
    document = read_document(text.encode(), PurePath(story.path), FORM)
    meant = interpret(document)
    assert meant
    known = MetricsInput(
        (meant,), AsOf(noon(TODAY)), lost_fixtures=frozenset({story.id} if lost else ())
    )
    row = next(row for row in MEASURES if row.name == "section_coverage")
    part = next(part for part in row.measure(known).parts if part.label == label)
    return part.value, part.n


def _review(opened: str, at: str) -> tuple[str, ...]:
    return (f"opened: {opened}", f"reviewed: {{by: sre, at: {at}}}")


# --- statistics ---------------------------------------------------------------------------------


def test_the_interval_of_a_median_is_the_exact_one_of_order_statistics() -> None:
    # Tables of the binomial: for n = 10 the ranks 2 and 9 cover 97.9 %, 3 and 8 only 89.1 %.
    assert statistics.median_interval(range(1, 11)) == (2, 9)
    assert statistics.median_interval(range(1, 101)) == (40, 61)
    assert statistics.median_interval([1, 2, 3, 4, 5]) is None


def test_the_interval_of_a_share_is_wilsons() -> None:
    # Newcombe 1998, table I, method 3: 81 of 263 and 0 of 20.
    assert statistics.share_interval(81, 263) == pytest.approx((0.2553, 0.3662), abs=1e-4)
    assert statistics.share_interval(0, 20) == pytest.approx((0, 0.1611), abs=1e-4)
    assert statistics.share_interval(1, 29) == pytest.approx((0.0061, 0.1718), abs=1e-4)


@pytest.mark.parametrize("size", [5, 6])
def test_the_comparison_of_halves_never_claims_more_than_the_exact_test(size: int) -> None:
    values = list(range(2 * size))
    ways = math.comb(2 * size, size)
    sums = sorted(sum(some) for some in itertools.combinations(values, size))
    middle = sum(values) / 2
    for some in random.Random(1).sample(list(itertools.combinations(values, size)), 100):
        other = [value for value in values if value not in some]
        distance = abs(sum(some) - middle)
        exact = sum(1 for total in sums if abs(total - middle) >= distance) / ways
        if statistics.durations_differ(some, other):
            assert exact < 0.05


def test_shares_are_compared_by_fishers_exact_test() -> None:
    # Fisher's tea: 3 of 4 against 1 of 4 is p = .486; 4 of 4 against 0 of 4 is .029.
    assert not statistics.shares_differ(3, 4, 1, 4)
    assert statistics.shares_differ(4, 4, 0, 4)


def test_quartiles_are_those_that_numpy_gives() -> None:
    numpy = pytest.importorskip("numpy")
    for size in range(1, 12):
        values = [random.Random(size).random() for _ in range(size)]
        expected = numpy.percentile(values, [25, 50, 75])
        assert statistics.quartiles(values) == pytest.approx(tuple(expected))


# --- properties ---------------------------------------------------------------------------------


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000), shuffle=st.randoms(use_true_random=False))
def test_every_measure_is_the_same_in_any_order_of_records(
    seed: int, shuffle: random.Random
) -> None:
    stories = tell(seed, records=25).stories
    before = facts(*stories, today=date(2026, 1, 1))
    shuffle.shuffle(stories)
    after = facts(*stories, today=date(2026, 1, 1))
    assert measure_all(before) == measure_all(after)
    assert preventable_pairs(before) == preventable_pairs(after)


Grow = Callable[[Sequence[Story], random.Random], Sequence[Story]]


def _closes_one(stories: Sequence[Story], chance: random.Random) -> Sequence[Story]:
    """One open promise is kept the day after it was made."""
    story = chance.choice(stories)
    made = story.first_impact.date() + timedelta(days=1)
    story.promises[0].state = "closed"
    story.promises[0].written_closed = made
    return stories


def _repeats_one(stories: Sequence[Story], chance: random.Random) -> Sequence[Story]:
    place = chance.randrange(1, len(stories))
    stories[place].verdicts.append(("repeat", stories[0].id))
    return stories


def _detects_one_earlier(stories: Sequence[Story], chance: random.Random) -> Sequence[Story]:
    story = chance.choice([story for story in stories if story.chain_minutes is not None])
    story.chain_minutes = 0
    return stories


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000))
@pytest.mark.parametrize(
    ("name", "grow", "sign"),
    [
        ("action_completion", _closes_one, 1),
        ("repeat_rate", _repeats_one, 1),
        ("detected_within_30_minutes", _detects_one_earlier, 1),
        ("detected_within_4_hours", _detects_one_earlier, 1),
        ("detection_chain", _detects_one_earlier, -1),
    ],
)
def test_measures_move_only_the_way_their_definition_says(
    name: str, grow: Grow, sign: int, seed: int
) -> None:
    stories = tell(seed, records=20).stories
    for story in stories:
        story.is_first = not any(word for word, _ in story.verdicts)
        for made in story.promises:
            made.state, made.written_closed = "open", None
    today = date(2027, 1, 1)
    before = measured(name, *stories, today=today)
    after = measured(name, *grow(stories, random.Random(seed)), today=today)
    assert before.value is not None
    assert after.value is not None
    assert sign * (after.value - before.value) >= 0
    assert after.n == before.n


def test_every_measure_says_what_it_is() -> None:
    names = [row.name for row in MEASURES]
    assert len(set(names)) == len(names)
    for row in MEASURES:
        assert row.definition.endswith(".")
        assert row.formula
        assert row.source
        assert row.unit in {"minutes", "hours", "days", "share", "count"}


def test_an_empty_library_has_every_measure_and_no_number() -> None:
    for found in measure_all(facts()):
        assert found.n == 0
        assert found.value in (None, 0)
    assert [answer.verdict for answer in answer_all({m.name: m for m in measure_all(facts())})] == [
        "too few to say"
    ] * 3
