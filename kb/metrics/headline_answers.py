"""The three questions of the all-hands (repeating, faster, kept), each in a word with its n."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from kb.humanize import format_value, plural, said_interval
from kb.metrics.action_measures import COMPLETION_DAYS
from kb.metrics.result_types import Measure, QuestionAnswer
from kb.statistics import MINIMUM_PER_HALF

TOO_FEW = "too few to say"
TOO_CLOSE = "too close to say"
NOT_LOOKED_AT = "not looked at"
NONE_FOUND = "none found"
_ENOUGH_FOR_QUARTILES = 4
Measures = Mapping[str, Measure]


_REPEATING = ("repeat_rate", "preventable_repeats")
_FASTER = ("detection_chain", "detected_within_30_minutes", "found_by_others")
_KEPT = ("action_completion", "actions_overdue")
#: The measures the answers rest on.
ANSWERED_BY = (*_REPEATING, *_FASTER, *_KEPT)


def answer_all(measures: Measures) -> tuple[QuestionAnswer, ...]:
    """The answers, in the order the questions are asked."""
    return repeating(measures), faster(measures), kept(measures)


def repeating(measures: Measures) -> QuestionAnswer:
    """Whether incidents repeat, among those in which somebody looked; a repeat is never excluded.

    No trend: the longer a library, the more there is to repeat.
    """
    rate, preventable = measures["repeat_rate"], measures["preventable_repeats"]
    lines = [*_repeated(rate)]
    if preventable.n or preventable.unknown:
        lines.append(_preventable(preventable))
    lines.append(_halves(rate))
    return _answer("Are incidents repeating?", _repeating_verdict(rate), lines, *_REPEATING)


def _repeating_verdict(rate: Measure) -> str:
    """Yes, or how much of nothing was found: that nobody found a repeat is no proof of none."""
    if rate.hits:
        return "yes"
    if rate.n >= 2 * MINIMUM_PER_HALF:
        return NONE_FOUND
    return NOT_LOOKED_AT if rate.unknown and not rate.n else TOO_FEW


def _repeated(rate: Measure) -> Iterator[str]:
    hits, more = len(rate.hits), "more " if rate.n else ""
    if rate.n == 1:
        yield f"The one incident looked at repeats {'an' if hits else 'no'} earlier one."
    elif rate.n:
        verb = "repeats" if hits == 1 else "repeat"
        yield f"{hits} of {rate.n} incidents looked at {verb} an earlier one{_with_interval(rate)}."
    if rate.unknown:
        was, it = ("was", "it") if rate.unknown == 1 else ("were", "them")
        unseen = plural(rate.unknown, f"{more}incident")
        yield f"{unseen} {was} not looked at: nobody compared {it} with earlier ones."
    elif not rate.n:
        yield "No incident was compared with earlier ones yet."


def _preventable(measure: Measure) -> str:
    """One incident may repeat several, so pairs are counted, and it is said."""
    pairs = plural(measure.n + measure.unknown, "pair")
    unclear = f"; of {measure.unknown:,} that is unknown" if measure.unknown else ""
    if not measure.n:
        return f"Whether a promise of the earlier record was still open is unknown ({pairs})."
    return (
        f"{pairs} of an incident and an earlier one it repeats: a promise of the earlier record "
        f"was still open in {format_value(measure.value, 'count')} of {measure.n:,}{unclear}."
    )


def faster(measures: Measures) -> QuestionAnswer:
    """Whether detection gets faster."""
    chain = measures["detection_chain"]
    verdict = {"fall": "yes", "rise": "no, slower", "none": "no clear change"}.get(
        chain.change, TOO_FEW
    )
    within, others = measures["detected_within_30_minutes"], measures["found_by_others"]
    lines = [_trend(chain, "slower", "faster")]
    if chain.unknown:
        more = " more" if chain.n else ""
        lines.append(
            f"Of {plural(chain.unknown, f'{more} incident'.strip())} the times are unknown."
        )
    elif not chain.n:
        lines.append("No incident says when it began and when it was detected.")
    if chain.n:
        lines.insert(0, _middle(chain))
        verb = "was" if len(within.hits) == 1 else "were"
        lines.append(f"{len(within.hits)} of {within.n} {verb} detected within 30 minutes.")
    if others.n:
        verb = "was" if len(others.hits) == 1 else "were"
        lines.append(f"{len(others.hits)} of {others.n} {verb} found by others than us.")
    return _answer("Are we detecting faster?", verdict, lines, *_FASTER)


def _middle(chain: Measure) -> str:
    """The median, and the quartiles where there are enough to have any."""
    middle = said_interval(chain.lower_quartile, chain.upper_quartile, chain.unit)
    spread = f", half of them {middle}" if chain.n >= _ENOUGH_FOR_QUARTILES else ""
    median = format_value(chain.value, chain.unit)
    return f"From first impact to detection: median {median}{spread} (n {chain.n})."


def kept(measures: Measures) -> QuestionAnswer:
    """Whether promises are kept."""
    completion, overdue = measures["action_completion"], measures["actions_overdue"]
    lines = [_completed(completion)]
    if completion.unknown:
        least, most = completion.bounds
        lines.append(
            f"Of {completion.unknown} more the days are unknown: the share of all lies "
            f"between {format_value(least, 'share')} and {format_value(most, 'share')}."
        )
    if overdue.n:
        lines.append(
            f"{format_value(overdue.value, 'count')} of {plural(overdue.n, 'open action')} "
            f"{'is' if overdue.value == 1 else 'are'} overdue."
        )
    if overdue.unknown:
        lines.append(f"Of {plural(overdue.unknown, 'action')} nobody outside knows the outcome.")
    return _answer("Did we do what we promised?", _kept_verdict(completion), lines, *_KEPT)


def _kept_verdict(completion: Measure) -> str:
    """Yes or no only where neither chance nor unknown days could turn it round."""
    goal, low, high = completion.goal, completion.low, completion.high
    n = completion.n + completion.unknown
    if goal is None or n < 2 * MINIMUM_PER_HALF:
        return TOO_FEW
    if completion.meets_goal is None or low is None or high is None:
        return "cannot tell"
    # At worst none of the unknown cases was kept, at best all of them.
    worst = low * completion.n / n
    best = (high * completion.n + completion.unknown) / n
    if goal.is_met(worst):
        return "yes"
    return TOO_CLOSE if goal.is_met(best) else "no"


def _completed(completion: Measure) -> str:
    if not completion.n:
        return (
            f"No action is older than {COMPLETION_DAYS} days with known days: there is nothing to "
            "judge."
        )
    goal = (
        f"; the goal is over {format_value(completion.goal.bound, 'share')}"
        if completion.goal
        else ""
    )
    return (
        f"{len(completion.hits)} of {plural(completion.n, 'action')} closed within "
        f"{COMPLETION_DAYS} days{_with_interval(completion)}{goal}."
    )


def _answer(question: str, verdict: str, lines: list[str], *measures: str) -> QuestionAnswer:
    return QuestionAnswer(question, verdict, tuple(line for line in lines if line), measures)


def _with_interval(measure: Measure) -> str:
    if measure.value is None:
        return ""
    interval = said_interval(measure.low, measure.high, measure.unit)
    return f": {format_value(measure.value, measure.unit)} (95 % interval {interval})"


def _trend(measure: Measure, rise: str, fall: str) -> str:
    """Earlier half against later half, or why nothing is claimed."""
    if not measure.change:
        return f"Below {2 * MINIMUM_PER_HALF} incidents no trend is claimed." if measure.n else ""
    word = {"rise": f"clearly {rise}", "fall": f"clearly {fall}"}.get(
        measure.change, "no clear change"
    )
    return f"{_compared(measure)}: {word}."


def _halves(measure: Measure) -> str:
    """Earlier half against later half, of a measure for which that proves nothing."""
    if measure.n < 2 * MINIMUM_PER_HALF:
        return ""
    return f"{_compared(measure)}; no trend is claimed, for a longer library has more to repeat."


def _compared(measure: Measure) -> str:
    earlier, later = measure.parts_by("half")
    unit = measure.unit
    return (
        f"Earlier half {format_value(earlier.value, unit)} (n {earlier.n}), "
        f"later half {format_value(later.value, unit)} (n {later.n})"
    )
