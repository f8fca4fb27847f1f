"""Measures of repetition: verdicts, classes seen before, actions that were open meanwhile."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from kb.metrics.aggregate import counted, durations, share, total
from kb.metrics.inputs import Case, MetricsInput, asked, moment, record_case
from kb.metrics.result_types import MetricValue, Pair
from kb.records.postmortem import Postmortem
from kb.records.taxonomy import TAXONOMIES

#: How far back a class counts as seen before, in days.
LOOK_BACK_DAYS = 365

#: The words with which an author answers for an earlier record.
VERDICTS = frozenset(word.name for word in TAXONOMIES["verdict"])

_BY = ("year", "owner")

Key = Callable[[Postmortem], str]


def repeat_rate(facts: MetricsInput) -> MetricValue:
    """The share of incidents with a verdict `repeat`, of those in which somebody looked.

    No change is claimed: the longer a library, the more there is for an incident to repeat.
    """
    looked = [record for record in facts.incidents if is_looked_at(facts, record)]
    unseen = len(asked(facts.incidents, lambda r: is_looked_at(facts, r))) - len(looked)
    apart = sum(1 for r in looked if _repeats_foreign(facts, r))
    notes = (
        counted(unseen, "incident", "incidents", "not looked at: no verdict, no FIRST_OF_CLASS."),
        counted(
            apart,
            "incident repeats",
            "incidents repeat",
            "a record of another origin; not counted.",
        ),
    )
    cases = (record_case(r, bool(repeated(facts, r)), *_BY) for r in looked)
    return share(cases, notes, unknown=unseen, claims_change=False)


def is_looked_at(facts: MetricsInput, record: Postmortem) -> bool:
    """Whether somebody compared a record with earlier ones.

    A verdict of any kind on an earlier record says so, and so does `FIRST_OF_CLASS: yes`; a verdict
    on a later record is a slip.
    """
    if record.value("counterfactual", "FIRST_OF_CLASS").strip().lower().startswith("yes"):
        return True
    return any(
        prior.verdict in VERDICTS and _is_earlier(facts.by_id.get(prior.id), record)
        for prior in record.priors
    )


def repeated(facts: MetricsInput, record: Postmortem) -> tuple[str, ...]:
    """The earlier records that a record repeats by its author's verdict.

    A verdict on a record that began later is a slip, and one on a record of another origin is
    counted apart; one on a record that is not in the library counts.
    """
    named = dict.fromkeys(prior.id for prior in record.priors if prior.verdict == "repeat")
    return tuple(
        prior_id
        for prior_id in named
        if prior_id not in facts.foreign and _is_earlier(facts.by_id.get(prior_id), record)
    )


def recurrence(key: Key) -> Callable[[MetricsInput], MetricValue]:
    """The share of incidents whose class or control had been seen in the 365 days before.

    Only incidents with so many days of records before them count: in a young library there is
    nothing to be seen again, and what design keeps low at first would look like a rise.
    """

    def compute(facts: MetricsInput) -> MetricValue:
        named = [record for record in facts.incidents if key(record)]
        known = [record for record in named if _has_a_past(facts, record, key)]
        gaps = _gaps(facts, key)
        cases = (
            record_case(r, gaps.get(r.id, LOOK_BACK_DAYS + 1) <= LOOK_BACK_DAYS, *_BY)
            for r in known
        )
        unnamed = len(asked(facts.incidents, key)) - len(named)
        young = len(named) - len(known)
        notes = (
            counted(unnamed, "incident", "incidents", "left out: none is named."),
            counted(
                young,
                "incident",
                "incidents",
                f"left out: fewer than {LOOK_BACK_DAYS} days of records lie before.",
            ),
        )
        return share(cases, notes)

    return compute


def gap(key: Key) -> Callable[[MetricsInput], MetricValue]:
    """Days from an incident back to the last record of the same class or control.

    No change is claimed: gaps cannot be longer than the library is old.
    """

    def compute(facts: MetricsInput) -> MetricValue:
        gaps = _gaps(facts, key)
        cases = (record_case(r, gaps[r.id], *_BY) for r in facts.incidents if r.id in gaps)
        return durations(cases, claims_change=False)

    return compute


def preventable_repeats(facts: MetricsInput) -> MetricValue:
    """The repeats of which the earlier record still had an open action at first impact."""
    pairs = {(pair.record, pair.earlier) for pair in preventable_pairs(facts)}
    tied = [(r, prior) for r in facts.incidents for prior in repeated(facts, r)]
    cases = [
        Case(r.id, f"{r.id} < {prior}", r.happened_at, 1.0)
        for r, prior in tied
        if (r.id, prior) in pairs
    ]
    unclear = sum(
        1 for r, prior in tied if (r.id, prior) not in pairs and _unclear(facts, r, prior)
    )
    note = counted(
        unclear,
        "repeat",
        "repeats",
        "left out: the earlier record is missing or a draft, or a day of its promises unknown.",
    )
    return total(cases, [note], n=len(tied) - unclear, unknown=unclear)


def preventable_pairs(facts: MetricsInput) -> tuple[Pair, ...]:
    """Each open action at each repeat, by name, in the order the repeats happened."""
    return tuple(
        Pair(
            record=record.id,
            earlier=prior,
            action=action.id,
            text=action.text,
            owner=action.owner,
            days_open=(record.happened_at.astimezone(UTC).date() - spell.since).days,
            closed=spell.until,
        )
        for record in facts.incidents
        for prior in repeated(facts, record)
        for action in facts.actions_of(prior)
        if action.record_status != "draft"
        and action.was_open_at(record.happened_at)
        and (spell := action.owed_since(record.happened_at))
    )


def primary_class(record: Postmortem) -> str:
    """What class recurrence goes by; empty where it is unknown."""
    return "" if record.primary_class == "unknown" else record.primary_class


def missing_control(record: Postmortem) -> str:
    """What control recurrence goes by."""
    return record.missing_control


def _unclear(facts: MetricsInput, record: Postmortem, prior: str) -> bool:
    earlier = facts.by_id.get(prior)
    if earlier is None or earlier.status == "draft":
        return True
    actions = facts.actions_of(prior)
    return any(action.was_open_at(record.happened_at) is None for action in actions)


def _has_a_past(facts: MetricsInput, record: Postmortem, key: Key) -> bool:
    """Whether the library reaches back far enough before a record.

    An adopted record that was never classified is no past: nothing can be seen again in it.
    """
    first = next(r for r in facts.published if not r.is_adopted or key(r)).happened_at.date()
    return (record.happened_at.date() - first).days >= LOOK_BACK_DAYS


def _is_earlier(prior: Postmortem | None, record: Postmortem) -> bool:
    return prior is None or moment(prior) < moment(record)


def _repeats_foreign(facts: MetricsInput, record: Postmortem) -> bool:
    return any(p.verdict == "repeat" and p.id in facts.foreign for p in record.priors)


def _gaps(facts: MetricsInput, key: Key) -> dict[str, int]:
    """Incident to the days since the same word was last seen, in an earlier record of any kind.

    A record is seen when it began, and at each of its occurrences.
    """
    seen: dict[str, list[tuple[datetime, str]]] = {}
    for record in facts.published:
        again = (one.at for one in facts.occurrences_of(record) if one.at)
        times = [(at, record.id) for at in (record.happened_at, *again)]
        seen.setdefault(key(record), []).extend(times)
    same = {word: sorted(times) for word, times in seen.items() if word}
    found = ((r, _last_seen(same.get(key(r), []), r)) for r in facts.incidents)
    return {r.id: (r.happened_at.date() - last.date()).days for r, last in found if last}


def _last_seen(times: Sequence[tuple[datetime, str]], record: Postmortem) -> datetime | None:
    """When the word of a record was last seen before it, other than in itself."""
    place = bisect_left(times, moment(record))
    return next((at for at, name in reversed(times[:place]) if name != record.id), None)
