"""What stands in a digest, from the page of measures and the log of this machine."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, timedelta
from urllib.parse import quote

from kb.actions.action import Action
from kb.humanize import plural, said_day
from kb.metrics.all_hands_sentences import (
    news_sentences,
    promise_sentences,
    repeat_sentences,
    window_note,
    window_title,
)
from kb.metrics.result_types import AllHands, MetricsPage, NewRecord, OwedPromise, Pair
from kb.records.postmortem import Occurrence
from kb.site.links import incident
from kb.walls.firing_log import PASS_GIVEN, PASSED, Firing

#: Items of one part; the rest is counted.
MOST_ITEMS = 20
_LINK = re.compile(r"!?\[([^\[\]]{1,300})\]\([^()\s]{1,500}\)")
_MARKS = str.maketrans("", "", "`*")
_SAFE_IN_ADDRESS = "/:?#@!$&'*+,;=%~-._"
NO_LESSON = "no lesson is written"


@dataclass(frozen=True, slots=True)
class DigestItem:
    """One line: `text` and `quote` (a lesson, in the record's words) come from a record.

    `record` is the id of the record that it is about, `facts` are words of ours and names.
    """

    text: str
    record: str
    facts: tuple[str, ...] = ()
    quote: str = ""


@dataclass(frozen=True, slots=True)
class DigestPart:
    """A heading, sentences of ours, and items; `unlisted` of them are only counted."""

    title: str
    sentences: tuple[str, ...] = ()
    items: tuple[DigestItem, ...] = ()
    unlisted: int = 0


@dataclass(frozen=True, slots=True)
class Digest:
    """A whole digest. `uncounted` says what stands in no number of it."""

    name: str
    title: str
    as_of: date
    parts: tuple[DigestPart, ...]
    uncounted: tuple[str, ...] = ()
    site: str = ""

    @property
    def has_items(self) -> bool:
        """Whether there is anything to tell of."""
        return any(part.items for part in self.parts)


@dataclass(frozen=True, slots=True)
class DigestFacts:
    """What a digest is made of: nothing is read or asked any more.

    `actions` are the promises of all published records. `occurrences` are those of the window, each
    with the id of its record. `fired` is what walls did on this machine,
    None where they are not told of. `left_out` is None for a digest that stays inside; of one for
    outsiders it says how many new records are not approved for them.
    """

    name: str
    site: str
    page: MetricsPage
    seen: AllHands
    titles: Mapping[str, str]
    actions: tuple[Action, ...]
    fired: tuple[Firing, ...] | None
    due_days: int
    occurrences: tuple[tuple[str, Occurrence], ...] = ()
    left_out: int | None = None


def digest_of(facts: DigestFacts) -> Digest:
    """The digest of everything since the beginning of its window."""
    seen = facts.seen
    inside = (*_promised(facts), *_fired(facts)) if facts.left_out is None else ()
    parts = (_news(facts), _again(facts), *inside)
    return Digest(
        name=facts.name,
        title=window_title(seen),
        as_of=facts.page.as_of.day,
        parts=tuple(part for part in parts if part.sentences or part.items),
        uncounted=tuple(_uncounted(facts)),
        site=facts.site,
    )


def reminders_of(facts: DigestFacts) -> Digest:
    """What falls due within the days asked for or is overdue, a part for each owner."""
    owed = [
        one for one in _own_actions(facts.actions) if _is_due(one, facts) or one.days_overdue > 0
    ]
    by_owner: dict[str, list[Action]] = {}
    for action in owed:
        by_owner.setdefault(action.owner or "nobody", []).append(action)
    parts = tuple(_of_owner(owner, by_owner[owner], facts) for owner in sorted(by_owner))
    until = said_day(facts.page.as_of.day + timedelta(days=facts.due_days))
    nothing = DigestPart("Nothing is due", (f"No promise is overdue or falls due by {until}.",))
    return Digest(
        name=facts.name,
        title=f"Due by {until}",
        as_of=facts.page.as_of.day,
        parts=parts or (nothing,),
        uncounted=("Not reminded of: promises without a due date, and those of public records.",),
        site=facts.site,
    )


def _of_owner(owner: str, owed: list[Action], facts: DigestFacts) -> DigestPart:
    late = sum(one.days_overdue > 0 for one in owed)
    counts = (plural(len(owed) - late, "promise due", "promises due"), f"{late} overdue")
    numbers = (len(owed) - late, late)
    sentence = ", ".join(text for text, number in zip(counts, numbers, strict=True) if number)
    owed.sort(key=lambda one: (one.due or date.max, one.id))
    items = (
        DigestItem(
            one.text,
            one.record,
            (one.id.rpartition("#")[2], *_when(one), _promised_after(one, facts)),
        )
        for one in owed
    )
    return _part(owner, (f"{sentence}.",), items)


def _when(action: Action) -> tuple[str, ...]:
    if action.days_overdue > 0:
        return (f"{plural(action.days_overdue, 'day')} overdue",)
    return (f"due {said_day(action.due)}",) if action.due else ()


def _promised_after(action: Action, facts: DigestFacts) -> str:
    return f"promised after “{facts.titles.get(action.record, action.record)}”"


def _part(title: str, sentences: Iterable[str], items: Iterable[DigestItem]) -> DigestPart:
    every = tuple(replace(one, text=_plain(one.text), quote=_plain(one.quote)) for one in items)
    return DigestPart(title, tuple(sentences), every[:MOST_ITEMS], max(0, len(every) - MOST_ITEMS))


def _plain(text: str) -> str:
    """A line of Markdown without its marks and the addresses of its links."""
    return " ".join(_LINK.sub(r"\1", text).translate(_MARKS).split())


def _news(facts: DigestFacts) -> DigestPart:
    seen = facts.seen
    parts = [new for new in seen.new if not new.is_import]
    sentences = news_sentences(seen)
    if not (seen.new or seen.unknown):
        what = "No new record" if facts.occurrences else "Nothing new"
        sentences = iter((f"{what} since {said_day(seen.since)}.",))
    return _part("New", sentences, (_new_item(new) for new in parts))


def _new_item(new: NewRecord) -> DigestItem:
    if new.published is None:
        day = "published on a day nobody knows"
    else:
        day = f"published {'' if new.is_exact else 'not before '}{said_day(new.published)}"
    facts = (new.severity, day, "" if new.lesson else NO_LESSON)
    return DigestItem(new.title, new.record, tuple(filter(None, facts)), new.lesson)


def _again(facts: DigestFacts) -> DigestPart:
    items = (
        DigestItem(
            new.title,
            new.record,
            (
                *(f"repeats “{facts.titles.get(one, one)}”" for one in new.repeats),
                *(_open_then(pair) for pair in facts.page.pairs if pair.record == new.record),
            ),
        )
        for new in facts.seen.repeats
    )
    # Outsiders are not told of every earlier record: what repeats none of theirs may repeat one.
    sentences = repeat_sentences(facts.seen) if facts.left_out is None else ()
    return _part("What came again", sentences, (*items, *_occurred(facts)))


def _occurred(facts: DigestFacts) -> Iterator[DigestItem]:
    """The records whose cause did harm again in the window, without a record of its own."""
    by_record: dict[str, list[Occurrence]] = {}
    for record, one in facts.occurrences:
        by_record.setdefault(record, []).append(one)
    for record, seen in by_record.items():
        last = max(one.at.astimezone(UTC).date() for one in seen if one.at)
        times = f"{len(seen)} times, last " if len(seen) > 1 else ""
        customers = sum(one.customers or 0 for one in seen)
        still_open = sum(one.is_open for one in facts.actions if one.record == record)
        parts = (
            f"did harm again {times}on {said_day(last)}",
            f"{plural(customers, 'customer')} affected" if customers else "",
            f"{plural(still_open, 'promise')} of it open" if still_open else "",
        )
        yield DigestItem(facts.titles.get(record, record), record, tuple(filter(None, parts)))


def _open_then(pair: Pair) -> str:
    days, owner = plural(pair.days_open, "day"), pair.owner or "nobody"
    return f"promised then, and open for {days} when it came again: “{_plain(pair.text)}” ({owner})"


def _promised(facts: DigestFacts) -> Iterator[DigestPart]:
    """What became of promises, in sentences, then one by one."""
    seen, by_id = facts.seen, {one.id: one for one in facts.actions}
    due = [one for one in _own_actions(facts.actions) if _is_due(one, facts)]
    due.sort(key=lambda one: (one.due or date.max, one.id))
    # Of all that failed, what became known in the window.
    known = {name: one.effect_since or date.min for name, one in by_id.items()}
    failed = [one for one in seen.failed if known.get(one.action, date.min) >= seen.since]
    late = "day overdue", "days overdue"
    yield DigestPart("What we promised", tuple(promise_sentences(seen)))
    undone = {one.action for one in seen.failed}  # these are told of below, or were before
    kept = (one for one in seen.kept if one.action not in undone)
    yield _part("Kept", (), (_owed(one, facts, _kept_on(one)) for one in kept))
    yield _part(
        "Kept, and did not work",
        (),
        (_owed(one, facts, by_id[one.action].effect_why) for one in failed),
    )
    yield _part(
        "Overdue", (), (_owed(one, facts, plural(one.days_overdue, *late)) for one in seen.broken)
    )
    title = f"Due within {plural(facts.due_days, 'day')}"
    yield _part(title, (), (_to_do(one, facts) for one in due))


def _to_do(action: Action, facts: DigestFacts) -> DigestItem:
    words = (action.owner or "nobody", *_when(action), _promised_after(action, facts))
    return DigestItem(action.text, action.record, words)


def _kept_on(promise: OwedPromise) -> str:
    day = f"kept {said_day(promise.closed)}" if promise.closed else "kept"
    return f"{day}, late" if promise.is_late else day


def _owed(promise: OwedPromise, facts: DigestFacts, text: str) -> DigestItem:
    title = facts.titles.get(promise.record, promise.record)
    words = filter(None, (promise.owner or "nobody", text, f"promised after “{title}”"))
    return DigestItem(promise.text, promise.record, tuple(words))


def _own_actions(actions: Iterable[Action]) -> list[Action]:
    """Whether others kept their promises nobody here knows."""
    return [one for one in actions if one.origin != "public" and one.record_status == "published"]


def _is_due(action: Action, facts: DigestFacts) -> bool:
    today = facts.page.as_of.day
    last = today + timedelta(days=facts.due_days)
    return action.is_open and action.due is not None and today <= action.due <= last


def _fired(facts: DigestFacts) -> Iterator[DigestPart]:
    spoken = [
        one
        for one in facts.fired or ()
        if one.at.date() >= facts.seen.since and one.answer != PASS_GIVEN
    ]
    counts = Counter(one.wall for one in spoken)
    passed = Counter(one.wall for one in spoken if one.answer == PASSED)
    items = (
        DigestItem(
            facts.titles.get(wall.partition("#")[0], wall),
            wall.partition("#")[0],
            (
                f"wall {wall.partition('#')[2]} spoke {plural(count, 'time')}",
                *((f"a person let {passed[wall]} of them pass",) if passed[wall] else ()),
            ),
        )
        for wall, count in counts.most_common()
    )
    if counts:
        yield _part("Walls that fired on this machine", (), items)


def _uncounted(facts: DigestFacts) -> Iterator[str]:
    seen = facts.seen
    if facts.left_out is not None:
        yield f"Left out: {plural(facts.left_out, 'new record')} that nobody approved for outside."
        return
    if note := window_note(seen):
        yield note
    yield "Drafts, and the promises of public records, are not counted."
    if facts.fired is not None:
        yield "Walls are counted on the machine that made this digest; other machines are not."
    yield from facts.page.notes


@dataclass(frozen=True, slots=True)
class ApprovedWords:
    """What outsiders are told of a record: the id of its page for them, and approved words."""

    record: str
    title: str
    lesson: str


def restricted(facts: DigestFacts, approved: Mapping[str, ApprovedWords]) -> DigestFacts:
    """The same for outsiders: the records of `told`, which are named by their ids in the library.

    Promises, walls and the notes of the library stay inside.
    """
    new = tuple(
        replace(
            one,
            record=approved[one.record].record,
            title=approved[one.record].title,
            lesson=approved[one.record].lesson,
            repeats=tuple(approved[each].record for each in one.repeats if each in approved),
        )
        for one in facts.seen.new
        if one.record in approved
    )
    seen = replace(facts.seen, new=new, unknown=0, kept=(), broken=(), due=(), walls=())
    page = replace(facts.page, pairs=(), notes=())
    left_out = len(facts.seen.new) - len(new)
    titles = {one.record: one.title for one in approved.values()}
    return replace(
        facts,
        seen=seen,
        page=page,
        titles=titles,
        actions=(),
        occurrences=(),
        fired=None,
        left_out=left_out,
    )


def page_address(digest: Digest, item: DigestItem) -> str:
    """The web address of the record's page; empty where the library names no site."""
    if not digest.site or not item.record:
        return ""
    address = quote(f"{digest.site.rstrip('/')}/{incident(item.record)}/", safe=_SAFE_IN_ADDRESS)
    return address if address.startswith(("https://", "http://")) else ""
