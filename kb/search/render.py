"""Answers as plain lines of at most 80 columns, colour if wanted."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from datetime import date

from kb.humanize import duration, plural
from kb.records.facts_without_text import RecordFacts
from kb.records.taxonomy import ADOPTED
from kb.search.aligned_passages import excerpt
from kb.search.answer import (
    ALL,
    EXTERNAL,
    FACTS,
    NONE,
    PUBLIC,
    Answer,
    BesideFacts,
    Match,
    PassagePair,
    PromisedAction,
    StoreFacts,
    open_item,
)
from kb.search.find_similar import LIKELY
from kb.search.ranking.probability_calibration import LIKENESS_BAR
from kb.terminal import Text, joined, rendered, styled, visible

WIDTH = 80
_LABEL = 14
_MOST_ACTIONS = 3
#: Probability from which on a word is used, largest first.
_WORDS = (
    (0.95, "almost certainly the same class"),
    (0.7, "very likely the same class"),
    (0.5, "likely the same class"),
    (0.25, "perhaps the same class"),
    (0.0, "a distant relative"),
)


def show(answer: Answer, *, today: date, colour: bool) -> str:
    """The answer as a terminal shows it, with a line end."""
    return rendered(answer_text(answer, today=today), colour=colour)


def answer_text(answer: Answer, *, today: date) -> Text:
    """The answer in spans with their tones, a line end behind it."""
    own = [m for m in answer.matches if not (m.shares or _store_name(m, answer))]
    lines = [*(_matches(answer, today) if answer.matches else ())]
    if not own:
        lines = [*_nothing(answer), *lines]
    limits = [*_wrapped("", answer.words_only, ""), styled("", "")] if answer.words_only else []
    return joined("\n", [*limits, *lines, *_foot(answer), ""])


def likely_words(probability: float) -> str:
    """A probability in words: those of the number as it is printed."""
    return next(words for least, words in _WORDS if round(probability, 2) >= least)


def _chance(probability: float | None, answer: Answer) -> str:
    """How sure, as a number and in words; of a run in words alone."""
    if probability is None:
        return "by words, no probability"
    if answer.too_short:
        return "too short to say how likely"
    if answer.of_run:
        return "likely the same class" if probability >= LIKELY else "possibly the same class"
    return f"{probability:.0%}  {likely_words(probability)}"


def _matches(answer: Answer, today: date) -> Iterator[Text | str]:
    for number, match in enumerate(answer.matches, 1):
        yield from _match(number, match, answer, today)
        yield ""


def _match(number: int, match: Match, answer: Answer, today: date) -> Iterator[Text | str]:
    chance = _chance(match.probability, answer)
    yield from _wrapped(f"{number}  ", _headline(match), "bold")
    adopted = ADOPTED if match.form == "adopted" else ""
    origin = _ORIGINS.get(match.shares, "") or _store_name(match, answer)
    classes = "" if match.facts else ", ".join(match.classes)
    facts = (match.id, origin, match.severity, classes, adopted)
    yield from _wrapped("   ", " · ".join(fact for fact in facts if fact), "dim")
    likely = (match.probability or 0.0) >= LIKELY and not answer.too_short
    tone = "green" if likely else "yellow"
    text = f", you called it {match.verdict}" if match.verdict else ""
    yield "   " + styled(chance + text, tone)
    if match.may_be_same and not match.verdict:
        yield "   " + styled("This may be the same incident.", "bold")
    yield from _passages(match, answer)
    yield from _row("because", "; ".join(match.reasons))
    if match.counterfactual:
        yield from _row("missing", match.counterfactual)
    for found in match.ruled_out:
        yield from _row("ruled out", " — ".join(filter(None, found)))
    if match.facts:
        yield from _row("took", _took(match.facts))
        yield from _row("ask", f"{match.library}, about {match.id}: they share no text")
    yield from _actions(match.actions, answer, today)
    if match.address and answer.query_id and not match.verdict:
        yield "   " + "verdict".ljust(_LABEL - 3) + visible(open_item(match)) + " — why"


#: What is said of a match by what its library shares.
_ORIGINS = {PUBLIC: "public, from the casebook", EXTERNAL: "external edition", FACTS: "facts alone"}


def _headline(match: Match) -> str:
    """The title, and before it whose it is where it is another team's."""
    if match.facts:
        return f"{match.library} had this: {match.title}"
    return f"{match.library}: {match.title}" if match.shares not in ("", PUBLIC) else match.title


def _took(facts: RecordFacts) -> str:
    """How long the clocks that are shared say it took: `detected after 41 min`."""
    clocks = facts.clocks
    began = clocks.get("first_impact") or clocks.get("first_warning")
    parts = (
        f"{word} after {duration((clocks[word] - began).total_seconds() / 60)}"
        for word in ("detected", "contained", "resolved")
        if began and word in clocks and clocks[word] >= began
    )
    return ", ".join(parts)


def _store_name(match: Match, answer: Answer) -> str:
    """The library of a match from the store, empty for any other."""
    is_own = match.shares or answer.store is None or match.library == answer.store.own
    return "" if is_own else match.library


def _passages(match: Match, answer: Answer) -> Iterator[Text | str]:
    """The best meeting of the two texts; the query's side only where it has sections.

    What is said below anyhow, the control that was missing, is not quoted where there is a choice.
    """
    parts = [pair for pair in match.passages if not _repeats(pair, match)]
    for pair in (parts or list(match.passages))[:1]:
        yield ""
        theirs = excerpt(pair.text, pair.query_text)
        if answer.query_id:
            yours = excerpt(pair.query_text, pair.text)
            yield from _row("yours", f"{_place(pair.query_section)}{yours}")
        yield from _row("theirs", f"{_place(pair.section)}{theirs}")


def _repeats(pair: PassagePair, match: Match) -> bool:
    return bool(match.counterfactual) and match.counterfactual[:60] in pair.text


def _place(section: str) -> str:
    return f"{section}: " if section else ""


def _actions(
    actions: tuple[PromisedAction, ...], answer: Answer, today: date
) -> Iterator[Text | str]:
    """What was promised, what is still to do first."""
    ranked = sorted(
        actions, key=lambda action: (action.state != "open", not action.open_at_query_date)
    )
    label = "promised"
    for action in ranked[:_MOST_ACTIONS]:
        state, tone = _state(action, answer, today)
        name = action.id.rpartition("#")[2]
        text = " ".join(part for part in (name, action.text) if part)
        owner = f"{action.owner}, " if action.owner else ""
        yield from _row(label, f"{text} ({owner}{state})", tone)
        label = ""
    if rest := ranked[_MOST_ACTIONS:]:
        still = sum(action.state == "open" for action in rest)
        yield from _row("", f"and {len(rest)} more, {still} of them open")


def _state(action: PromisedAction, answer: Answer, today: date) -> tuple[str, str]:
    """Where a promise stands now, and where it stood when the query's incident happened."""
    if action.state == "cancelled":
        return "cancelled", "dim"
    if action.state == "open" and action.open_at_query_date is None:
        return "completion not public", "dim"
    if action.state == "open":
        late = action.due is not None and action.due < today
        return (f"due {action.due}, still open" if late else "still open"), "red"
    if action.closed is None:
        return "done, date not written", "dim"
    if answer.query_id and action.open_at_query_date:
        return f"done {action.closed}, open when yours happened", "yellow"
    return f"done {action.closed}", "dim"


def _nothing(answer: Answer) -> Iterator[Text | str]:
    for line in textwrap.wrap(_nothing_in(answer), WIDTH):
        yield styled(line, "bold")
    if answer.ordinary:
        yield from _wrapped("", _ORDINARY, "")
    if answer.nearest_misses:
        yield ""
        yield f"The nearest misses, by likeness (siblings reach {LIKENESS_BAR}):"
        for miss in answer.nearest_misses:
            likeness = max(miss.similarity or 0.0, 0.0)  # a cosine below 0 is no less alike than 0
            yield from _wrapped(f"  {likeness:4.2f}  ", _headline(miss), "")
            yield from _wrapped("        ", miss.id, "dim")
    if not answer.beside and not answer.index.records:
        yield "The public incidents that ship with kb answer too: --casebook."
    if answer.nearest_misses or answer.matches or not answer.index.records:
        yield ""


_ORDINARY = (
    "This tells of an incident, but nothing says an agent acted. If one did, say so in the text."
)


def _nothing_in(answer: Answer) -> str:
    """What held nothing; where no record could answer, that is not called "nothing similar"."""
    facts, searched = answer.index, [one for one in answer.beside if one.shares != NONE]
    store = answer.store if answer.store and not answer.store.away else None
    own = " of your own" if searched or store else ""
    if facts.records and not facts.eligible:
        count = plural(facts.records, "published record")
        return f"0 of {count}{own} {_eligible_words(answer)}."
    found = "No telling word in common with" if answer.words_only else "Nothing similar in"
    records = plural(facts.records, "published record")
    if not answer.shows_fault:
        return _no_fault(records, own)
    text = f"{found} {records}{own}"
    if not (searched or store) or answer.matches:
        return f"{text}."
    known = [one for one in searched if one.eligible or not one.records or answer.words_only]
    nor = "".join(f", nor in {_records_of(one)}" for one in known)
    nor += f", nor in {store.records} of the store" if store else ""
    late = "".join(
        f"; 0 of {_records_of(one)} {_eligible_words(answer)}"
        for one in searched
        if one not in known
    )
    return f"{text}{nor}{late}."


def _records_of(one: BesideFacts) -> str:
    if one.shares == PUBLIC:
        return f"{one.records} public ones"
    return f"{one.records} of {one.name}"


def _no_fault(records: str, own: str) -> str:
    return (
        f"Nothing in {records}{own} went this way: the trace shows no fault (no write that ran "
        "twice, no loop, no order followed that came as data, no false claim, nothing destroyed). "
        'If it went wrong all the same, say in words how: kb similar "TEXT".'
    )


def _eligible_words(answer: Answer) -> str:
    earlier = f"are earlier than {answer.query_date}" if answer.query_id else "are of this day"
    if not answer.filtered:
        return earlier
    return f"{earlier} and pass the filters" if answer.query_id else "pass the filters"


def _foot(answer: Answer) -> Iterator[Text | str]:
    if (proposed := answer.proposed_class) is not None:
        chance = f"{proposed.probability:.0%}"
        yield "Proposed class: " + styled(proposed.name, "bold") + f" ({chance})"
    facts = answer.index
    searched = f"{plural(facts.records, 'record')}, {plural(facts.passages, 'passage')}"
    fresh = f", {plural(facts.refreshed, 'file')} read anew" if facts.refreshed else ""
    if facts.stale:
        yield styled("Another build is running: this is from the index before it.", "yellow")
    if facts.unwritten:
        why = f"The index was made for this question alone and not written: {facts.unwritten}."
        yield from _wrapped("", why, "yellow")
    sure = "" if answer.too_short or answer.words_only else f" Probabilities: {facts.calibration}."
    yield from _wrapped("", f"Searched {searched}{fresh}.{sure}", "dim")
    for one in answer.beside:
        yield from _wrapped("", _other_library_line(one), "yellow" if one.note else "dim")
    if (store := answer.store) is not None:
        yield from _store(store)


def _other_library_line(one: BesideFacts) -> str:
    """What was searched of a library beside, or why nothing was."""
    if one.shares == NONE:
        return f"{one.name}: {one.note}."
    if one.shares == PUBLIC:
        return f"Casebook: {plural(one.records, 'public incident')}, to be read in {one.folder}"
    commit = f", at {one.commit[:9]}" if one.commit else ""
    note = f"; {one.note}" if one.note else ""
    where = f", to be read in {one.folder}" if one.folder else ""
    return (
        f"{one.name}: {plural(one.records, 'record')}, {_SHARED[one.shares]}{commit}{where}{note}."
    )


#: What a library shares, in words.
_SHARED = {ALL: "all of it shared", EXTERNAL: "external editions", FACTS: "facts alone"}


def _store(store: StoreFacts) -> Iterator[Text]:
    if store.away:
        own = f"Only your own records were searched: {store.away} ({store.address})."
        yield from _wrapped("", own, "yellow")
        return
    whose = plural(store.libraries, "other library", "other libraries")
    yield from _wrapped("", f"Store: {plural(store.records, 'record')} of {whose}.", "dim")
    if store.left_out:
        out = plural(store.left_out, "record was", "records were")
        note = f"{out} left out of the answer, whose passages in the store are not those it ranks."
        yield from _wrapped("", note, "yellow")


def _row(label: str, text: str, tone: str = "") -> Iterator[Text]:
    if text:
        yield from _wrapped("   " + label.ljust(_LABEL - 3), text, tone)


def _wrapped(start: str, text: str, tone: str) -> Iterator[Text]:
    """The text behind its start, further lines indented as far."""
    room = WIDTH - len(start)
    one_line = visible(" ".join(text.split()))
    for line in textwrap.wrap(one_line, room, break_on_hyphens=False) or [""]:
        yield start + styled(line, tone)
        start = " " * len(start)
