"""What is new, what repeats and what was promised since the last all-hands, in sentences.

Terminal and site say the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from kb.actions.effectiveness import EFFECTIVE, FAILED, UNKNOWN
from kb.humanize import plural, said_day
from kb.metrics.publication import READING_DAYS
from kb.metrics.result_types import AllHands

_PLURALS = {"near-miss": "near-misses"}


def window_title(seen: AllHands) -> str:
    """Since when things are news, as a heading."""
    if seen.is_all_hands:
        return f"Since the last all-hands on {said_day(seen.since)}"
    if seen.name:
        return f"In the last {READING_DAYS} days"
    return f"Since {said_day(seen.since)}"


def window_note(seen: AllHands) -> str:
    """What is to be done where no all-hands is known; empty otherwise."""
    if seen.is_all_hands or not seen.name:
        return ""
    return "No all-hands is recorded here: a tag such as all-hands/2026-05 marks one."


def news_sentences(seen: AllHands) -> Iterator[str]:
    """How many records are new, how grave, and what is not known of their days."""
    news = [new for new in seen.new if not new.is_import]
    copied = len(seen.new) - len(news)
    if news:
        was = "was" if len(news) == 1 else "were"
        yield f"{plural(len(news), 'record')} {was} published{_graveness(seen)}."
    elif not (copied or seen.unknown):
        yield "No record was published."
    if copied:
        was = "was" if copied == 1 else "were"
        more = " more" if news else ""
        records = plural(copied, f"record{more}", f"records{more}")
        yield f"{records} {was} copied here in one commit."
    if seen.unknown:
        yield f"Of {plural(seen.unknown, 'record')} nobody knows when they were published."
    unsure = sum(not new.is_exact for new in news)
    if unsure:
        yield f"{unsure} landed without a merge: not before the day that stands there."


def repeat_sentences(seen: AllHands) -> Iterator[str]:
    """How many of the new incidents repeat an earlier one, of those looked at."""
    incidents = [new for new in seen.new if new.kind == "incident"]
    looked = [new for new in incidents if new.is_looked_at]
    unseen = len(incidents) - len(looked)
    hits = sum(1 for new in looked if new.repeats)
    if len(looked) == 1:
        yield f"The one new incident looked at repeats {'an' if hits else 'no'} earlier one."
    elif looked:
        verb = "repeats" if hits == 1 else "repeat"
        yield f"Of {len(looked)} new incidents looked at, {hits} {verb} an earlier one."
    if unseen:
        was = "was" if unseen == 1 else "were"
        yield f"{plural(unseen, 'new incident')} {was} not looked at."
    others = Counter(new.kind for new in seen.new if not new.is_import and new.kind != "incident")
    if others and incidents:
        are = "is" if sum(others.values()) == 1 else "are"
        yield f"{plural(sum(others.values()), 'new record')} {are} no incident: {by_kind(others)}."


def promise_sentences(seen: AllHands) -> Iterator[str]:
    """What became of promises: kept, broken, due."""
    if not seen.promises:
        yield "No record of ours in this form promises anything: nothing to judge."
        return
    late = sum(promise.is_late for promise in seen.kept)
    kept = plural(len(seen.kept), "promise")
    yield f"{kept} kept{f', {late} of them late' if late else ''}."
    if seen.undated:
        yield f"{seen.undated} more on a day nobody knows."
    newly = f", {seen.newly_broken} of them since {said_day(seen.since)}"
    since = newly if seen.newly_broken else ""
    yield f"{len(seen.broken)} overdue{since}."
    yield f"{len(seen.due)} due within 30 days."


def effect_sentences(seen: AllHands) -> Iterator[str]:
    """Whether what was done worked, of what somebody asked it of; nothing where nobody asked."""
    counts = dict(seen.effects)
    asked = sum(counts.values())
    if not asked:
        return
    worked, failed, unknown = (
        counts.get(EFFECTIVE, 0),
        counts.get(FAILED, 0),
        counts.get(UNKNOWN, 0),
    )
    was = "was" if asked == 1 else "were"
    yield (
        f"{plural(asked, 'kept promise')} {was} watched or verified: "
        f"{worked} worked, after {failed} it came again."
    )
    if unknown:
        yield f"Of {unknown} it is not known yet."


def by_kind(counts: Mapping[str, int]) -> str:
    """How many records there are of each kind: `54 incidents, 6 near-misses`."""
    parts = (
        plural(count, kind, _PLURALS.get(kind, f"{kind}s"))
        for kind, count in counts.items()
        if kind
    )
    return ", ".join(parts)


def _graveness(seen: AllHands) -> str:
    """The new records by severity, the gravest first; those without one are said so."""
    counts = Counter(new.severity for new in seen.new if not new.is_import)
    grave = [f"{counts[word]} {word}" for word in sorted(filter(None, counts))]
    if grave and counts[""]:
        grave.append(f"{counts['']} without severity")
    return f": {', '.join(grave)}" if grave else ""
