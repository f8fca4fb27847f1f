"""What the all-hands looks at: what is new since the last one, and what became of promises."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import date, timedelta

from kb.actions.action import Action
from kb.actions.effectiveness import EFFECTS
from kb.metrics.inputs import MetricsInput
from kb.metrics.repeats import is_looked_at, repeated
from kb.metrics.result_types import AllHands, NewRecord, OwedPromise
from kb.records.postmortem import Postmortem
from kb.sentences import sentences

#: About a month: what falls due until the next all-hands.
_AHEAD_DAYS = 30


def all_hands(facts: MetricsInput) -> AllHands:
    """What the next all-hands has to know, beside the three answers."""
    window = facts.news_window
    # Whether others kept their promises nobody here knows.
    ours = [action for action in facts.actions if action.origin != "public"]
    found = [(record, facts.is_news(record)) for record in facts.written_here]
    news = (_new_record(facts, record) for record, is_news in found if is_news)
    return AllHands(
        since=window.since,
        name=window.name,
        is_all_hands=window.is_all_hands,
        new=tuple(sorted(news, key=_gravest_first)),
        unknown=sum(is_news is None for _, is_news in found),
        kept=_promises(_kept_promises(ours, window.since)),
        broken=_promises(action for action in ours if action.days_overdue > 0),
        due=_promises(_due(ours, facts.as_of.day)),
        undated=sum(action.state == "closed" and action.closed is None for action in ours),
        promises=sum(action.state != "cancelled" for action in ours),
        walls=tuple(r.id for r in facts.published if r.walls),
        effects=_effects(ours),
        failed=_latest_first(_promises(action for action in ours if action.has_failed)),
    )


def first_lesson(record: Postmortem) -> str:
    """The first sentence of the lessons, as it was written; empty where there is none."""
    section = record.section("lessons")
    lines = section.lines if section else ()
    texts = (line.text.strip().lstrip("-*+>").strip() for line in lines if not line.comment)
    written = next((text for text in texts if text), "")
    is_excused = written.lower().startswith("n/a")
    return "" if is_excused else next(iter(sentences(written)), "")


def _new_record(facts: MetricsInput, record: Postmortem) -> NewRecord:
    published = facts.publication(record)
    return NewRecord(
        record=record.id,
        title=record.title,
        published=published.day,
        is_exact=published.is_exact,
        is_import=published.is_import,
        kind=record.kind,
        severity=record.severity,
        lesson=first_lesson(record),
        is_looked_at=is_looked_at(facts, record),
        repeats=repeated(facts, record),
    )


def _gravest_first(new: NewRecord) -> tuple[bool, str, int, str]:
    age = -new.published.toordinal() if new.published else 0
    return new.is_import, new.severity or "~", age, new.record


def _kept_promises(found: Iterable[Action], since: date) -> Iterator[Action]:
    for action in found:
        if action.state == "closed" and action.closed and action.closed >= since:
            yield action


def _due(found: Iterable[Action], today: date) -> Iterator[Action]:
    last = today + timedelta(days=_AHEAD_DAYS)
    for action in found:
        if action.is_open and action.due and today <= action.due <= last:
            yield action


def _promises(found: Iterable[Action]) -> tuple[OwedPromise, ...]:
    """Actions as promises, the oldest due date first."""
    made = (
        OwedPromise(
            action=action.id,
            record=action.record,
            text=action.text,
            owner=action.owner,
            due=action.due,
            closed=action.closed,
            days_overdue=action.days_overdue,
            came_again=action.effect_since if action.has_failed else None,
        )
        for action in found
    )
    return tuple(sorted(made, key=lambda promise: (promise.due or date.max, promise.action)))


def _latest_first(failed: Iterable[OwedPromise]) -> tuple[OwedPromise, ...]:
    """Kept promises that failed, those of which it is known last first."""
    return tuple(sorted(failed, key=lambda one: one.came_again or date.min, reverse=True))


def _effects(ours: Iterable[Action]) -> tuple[tuple[str, int], ...]:
    """How many done promises worked, failed, or are not known to have; only those asked of."""
    asked = (action for action in ours if action.watch_days or action.verified)
    words = Counter(action.effect for action in asked if action.state == "closed")
    return tuple((word, words[word]) for word in EFFECTS if words[word])
