"""The page an all-hands looks at: three answers, what is new, what repeats, what was promised.

Each slide is a part of one page: a script shows them one at a time on a whole screen.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from kb.humanize import WHOSE, plural
from kb.metrics.all_hands_sentences import (
    by_kind,
    effect_sentences,
    news_sentences,
    promise_sentences,
    repeat_sentences,
    window_note,
    window_title,
)
from kb.metrics.result_types import AllHands, Measure, MetricsPage, NewRecord, OwedPromise, Pair
from kb.site import links
from kb.site.content import Site
from kb.site.pages.home import answer_cards, headline
from kb.site.pages.page import PageValues
from kb.site.pages.record_links import Link, record_link

#: Records on one slide, and of a kind of promise: what is read from the last row of a room.
_PER_SLIDE, _PROMISES = 5, 4
#: Records with their lesson, and repeats: with the answers one sheet of paper, and a minute each.
_NEW, _REPEATS = 10, 5
_OWNERS, _WALLS = 6, 5


@dataclass(frozen=True, slots=True)
class NewRow:
    """One new record with its lesson; `day` is None where nobody knows it."""

    link: Link
    severity: str
    day: date | None
    is_exact: bool
    lesson: str
    repeats: tuple[Link, ...]


@dataclass(frozen=True, slots=True)
class RepeatRow:
    """A new record that repeats earlier ones, and the promises that had been open meanwhile."""

    link: Link
    earlier: tuple[Link, ...]
    promises: tuple[Pair, ...]


@dataclass(frozen=True, slots=True)
class PromiseRow:
    """One promise and the incident it was made after."""

    promise: OwedPromise
    link: Link


@dataclass(frozen=True, slots=True)
class PromiseColumn:
    """Promises of one kind: how many, the first of them, and how many are not shown."""

    title: str
    count: int
    css: str
    rows: tuple[PromiseRow, ...]

    @property
    def unlisted(self) -> int:
        """How many more there are."""
        return self.count - len(self.rows)


def all_hands(site: Site) -> Iterator[PageValues]:
    """The page; none where nothing was measured."""
    page = site.measured
    if page is None or page.all_hands is None:
        return
    seen, path = page.all_hands, links.ALL_HANDS
    title = window_title(seen)
    values = {
        "name": site.name,
        "published": plural(page.counts.published, "published record"),
        "kinds": by_kind(dict(page.counts.kinds)) if len(page.counts.kinds) > 1 else "",
        "whose": WHOSE[page.origin],
        "as_of": page.as_of.day,
        "window": title,
        "window_note": window_note(seen),
        "answers": answer_cards(page.answers),
        "headline": headline(page.answers),
        "news": tuple(news_sentences(seen)),
        "new_slides": _new_slides(site, seen),
        "unlisted": max(0, len(_listed_records(seen)) - _NEW),
        "repeat_lines": tuple(repeat_sentences(seen)),
        "repeats": _repeats(site, page, seen),
        "unlisted_repeats": max(0, len(seen.repeats) - _REPEATS),
        "promise_lines": tuple(promise_sentences(seen)),
        "overdue_by_owner": _by_owner(page.measure("actions_overdue")),
        "columns": _columns(site, seen) if seen.promises else (),
        "walled": plural(len(seen.walls), "record has", "records have") if seen.walls else "",
        "walls": tuple(record_link(site, path, name) for name in seen.walls[:_WALLS]),
        "unlisted_walls": max(0, len(seen.walls) - _WALLS),
        "effects": tuple(effect_sentences(seen)),
        "failed": tuple(
            PromiseRow(one, record_link(site, path, one.record)) for one in seen.failed[:_PROMISES]
        ),
        "unlisted_failed": max(0, len(seen.failed) - _PROMISES),
        "notes": page.notes,
    }
    yield PageValues(path, "All-hands", values, f"{title}. {' '.join(news_sentences(seen))}")


def _listed_records(seen: AllHands) -> tuple[NewRecord, ...]:
    """The new records of which the meeting hears one by one; what was copied here is counted."""
    return tuple(new for new in seen.new if not new.is_import)


def _new_slides(site: Site, seen: AllHands) -> tuple[tuple[NewRow, ...], ...]:
    rows = [_new_row(site, new) for new in _listed_records(seen)[:_NEW]]
    return tuple(tuple(rows[at : at + _PER_SLIDE]) for at in range(0, len(rows), _PER_SLIDE))


def _new_row(site: Site, new: NewRecord) -> NewRow:
    earlier = tuple(record_link(site, links.ALL_HANDS, one) for one in new.repeats)
    link = record_link(site, links.ALL_HANDS, new.record)
    return NewRow(link, new.severity, new.published, new.is_exact, new.lesson, earlier)


def _repeats(site: Site, page: MetricsPage, seen: AllHands) -> tuple[RepeatRow, ...]:
    return tuple(
        RepeatRow(
            record_link(site, links.ALL_HANDS, new.record),
            tuple(record_link(site, links.ALL_HANDS, one) for one in new.repeats),
            tuple(pair for pair in page.pairs if pair.record == new.record),
        )
        for new in seen.repeats[:_REPEATS]
    )


def _by_owner(overdue: Measure) -> str:
    """Who owes most of what is overdue: `payments 3, sales 1`; empty for nobody."""
    parts = sorted(overdue.parts_by("owner"), key=lambda part: (-(part.value or 0), part.label))
    owing = [part for part in parts if part.value]
    # To name one more is as short as to say that there is one more.
    named = owing if len(owing) == _OWNERS + 1 else owing[:_OWNERS]
    pieces = [f"{part.label} {part.value:.0f}" for part in named]
    if more := owing[len(named) :]:
        pieces.append(f"{len(more)} others {sum(part.value or 0 for part in more):.0f}")
    return ", ".join(pieces)


def _columns(site: Site, seen: AllHands) -> tuple[PromiseColumn, ...]:
    latest = sorted(seen.kept, key=lambda promise: promise.closed or date.min, reverse=True)
    return (
        _column(site, "Kept", "kb-kept", latest),
        _column(site, "Overdue", "kb-overdue", seen.broken),
        _column(site, "Due within 30 days", "kb-due", seen.due),
    )


def _column(site: Site, title: str, css: str, found: Sequence[OwedPromise]) -> PromiseColumn:
    rows = (
        PromiseRow(promise, record_link(site, links.ALL_HANDS, promise.record))
        for promise in found[:_PROMISES]
    )
    return PromiseColumn(title, len(found), css, tuple(rows))
