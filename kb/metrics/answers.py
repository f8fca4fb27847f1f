"""The three questions of the all-hands: repeating? faster? kept? Each in a word, with its n."""

from __future__ import annotations

from collections.abc import Mapping

from kb.metrics.statistics import MINIMUM_PER_HALF
from kb.metrics.values import Answer, Measure
from kb.metrics.words import plural, said, said_interval

TOO_FEW = "too few to say"
Measures = Mapping[str, Measure]


def answer_all(measures: Measures) -> tuple[Answer, ...]:
    """The answers, in the order the questions are asked."""
    return repeating(measures), faster(measures), kept(measures)


def repeating(measures: Measures) -> Answer:
    """Whether incidents repeat."""
    rate, preventable = measures["repeat_rate"], measures["preventable_repeats"]
    hits = len(rate.hits)
    none = "no" if rate.n >= 2 * MINIMUM_PER_HALF else TOO_FEW
    verdict = "yes" if hits else none
    lines = [
        f"{hits} of {plural(rate.n, 'incident')} "
        f"{'repeats' if hits == 1 else 'repeat'} an earlier one{_with_interval(rate)}."
    ]
    if preventable.n:
        unclear = f"; for {preventable.unknown} that is unknown" if preventable.unknown else ""
        lines.append(
            f"In {said(preventable.value, 'count')} of {plural(preventable.n, 'repeat')} "
            f"a promise of the earlier record was still open{unclear}."
        )
    lines.append(_trend(rate, "more often", "less often"))
    return _answer("Are incidents repeating?", verdict, lines, "repeat_rate", "preventable_repeats")


def faster(measures: Measures) -> Answer:
    """Whether detection gets faster."""
    chain = measures["detection_chain"]
    verdict = {"fall": "yes", "rise": "no, slower", "none": "no clear change"}.get(
        chain.change, TOO_FEW
    )
    within, others = measures["detected_within_30_minutes"], measures["found_by_others"]
    lines = [_trend(chain, "slower", "faster")]
    if chain.n:
        lines.insert(
            0,
            f"From first impact to detection: median {said(chain.value, chain.unit)}, half of them "
            f"{said_interval(chain.lower_quartile, chain.upper_quartile, chain.unit)} "
            f"(n {chain.n}).",
        )
        lines.append(f"{len(within.hits)} of {within.n} were detected within 30 minutes.")
    if others.n:
        lines.append(f"{len(others.hits)} of {others.n} were found by others than us.")
    names = ("detection_chain", "detected_within_30_minutes", "found_by_others")
    return _answer("Are we detecting faster?", verdict, lines, *names)


def kept(measures: Measures) -> Answer:
    """Whether promises are kept; said only where closings on unknown days cannot change it."""
    completion, overdue = measures["action_completion"], measures["actions_overdue"]
    least, most = _bounds(completion)
    goal = completion.goal
    if goal is None or least is None or most is None:
        verdict = TOO_FEW
    elif goal.is_met(least) == goal.is_met(most):
        verdict = "yes" if goal.is_met(least) else "no"
    else:
        verdict = "cannot tell"
    lines = [_completed(completion)]
    if completion.unknown:
        lines.append(
            f"{plural(completion.unknown, 'more was', 'more were')} closed on an unknown day: the "
            f"share of all lies between {said(least, 'share')} and {said(most, 'share')}."
        )
    if overdue.n:
        lines.append(
            f"{said(overdue.value, 'count')} of {plural(overdue.n, 'open action')} "
            f"{'is' if overdue.value == 1 else 'are'} overdue."
        )
    names = ("action_completion", "actions_overdue")
    return _answer("Did we do what we promised?", verdict, lines, *names)


def _bounds(measure: Measure) -> tuple[float | None, float | None]:
    """The least and the most a share can be, were the unknown cases known."""
    n, hits = measure.n + measure.unknown, len(measure.hits)
    return (hits / n, (hits + measure.unknown) / n) if n else (None, None)


def _completed(completion: Measure) -> str:
    if not completion.n:
        return "No action is 30 days old with a known day of closing: there is nothing to judge."
    return (
        f"{len(completion.hits)} of {plural(completion.n, 'action')} closed within 30 days"
        f"{_with_interval(completion)}; the goal is over 90 %."
    )


def _answer(question: str, verdict: str, lines: list[str], *measures: str) -> Answer:
    return Answer(question, verdict, tuple(line for line in lines if line), measures)


def _with_interval(measure: Measure) -> str:
    if measure.value is None:
        return ""
    interval = said_interval(measure.low, measure.high, measure.unit)
    return f": {said(measure.value, measure.unit)} (95 % interval {interval})"


def _trend(measure: Measure, rise: str, fall: str) -> str:
    """Earlier half against later half, or why nothing is claimed."""
    if not measure.change:
        return f"Below {2 * MINIMUM_PER_HALF} incidents no trend is claimed." if measure.n else ""
    earlier, later = measure.parts_by("half")
    word = {"rise": f"clearly {rise}", "fall": f"clearly {fall}"}.get(
        measure.change, "no clear change"
    )
    unit = measure.unit
    return (
        f"Earlier half {said(earlier.value, unit)} (n {earlier.n}), "
        f"later half {said(later.value, unit)} (n {later.n}): {word}."
    )
