"""How is an answer said at a terminal? Plain lines of at most 80 columns, colour if wanted."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator
from datetime import date

from kb.search.answers.answer import CASEBOOK, Answer, Match, PassagePair, PromisedAction
from kb.search.answers.excerpt import excerpt
from kb.search.scoring.calibration import LIKENESS_BAR
from kb.search.similar import LIKELY

WIDTH = 80
_LABEL = 14
_MOST_ACTIONS = 3
#: Probability from which on a word is used, largest first.
_WORDS = (
    (0.9, "almost certainly the same class"),
    (0.7, "very likely the same class"),
    (0.5, "likely the same class"),
    (0.25, "perhaps the same class"),
    (0.0, "a distant relative"),
)
_CODES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}

Paint = Callable[[str, str], str]


def show(answer: Answer, *, today: date, colour: bool) -> str:
    """The answer as a terminal shows it, with a line end."""
    paint: Paint = _painted if colour else _plain
    own = [match for match in answer.matches if match.library != CASEBOOK]
    lines = [*(_found(answer, today, paint) if answer.matches else ())]
    if not own:
        lines = [*_nothing(answer, paint), *lines]
    return "\n".join([*lines, *_foot(answer, paint)]) + "\n"


def likely_words(probability: float) -> str:
    """A probability in words."""
    return next(words for least, words in _WORDS if probability >= least)


def _chance(probability: float, answer: Answer) -> str:
    """How sure, as a number and in words; of a run in words alone."""
    if answer.too_short:
        return "too short to say how likely"
    if answer.of_run:
        return "likely the same class" if probability >= LIKELY else "possibly the same class"
    return f"{probability:.0%}  {likely_words(probability)}"


def _found(answer: Answer, today: date, paint: Paint) -> Iterator[str]:
    library = None
    for number, match in enumerate(answer.matches, 1):
        if library != match.library == CASEBOOK:
            yield paint("Public incidents, from the casebook:", "bold")
            yield ""
        library = match.library
        yield from _match(number, match, answer, today, paint)
        yield ""


def _match(number: int, match: Match, answer: Answer, today: date, paint: Paint) -> Iterator[str]:
    chance = _chance(match.probability, answer)
    yield from _wrapped(f"{number}  ", match.title, lambda line: paint(line, "bold"))
    facts = (match.id, match.severity, ", ".join(match.classes))
    yield from _wrapped("   ", " · ".join(fact for fact in facts if fact), _dim(paint))
    tone = "green" if match.probability >= LIKELY and not answer.too_short else "yellow"
    said = f", you called it {match.verdict}" if match.verdict else ""
    yield f"   {paint(chance + said, tone)}"
    yield from _passages(match, answer, paint)
    yield from _row("because", "; ".join(match.reasons), paint)
    if match.counterfactual:
        yield from _row("missing", match.counterfactual, paint)
    yield from _actions(match.actions, answer, today, paint)


def _passages(match: Match, answer: Answer, paint: Paint) -> Iterator[str]:
    """The best meeting of the two texts; the query's side only where it has sections.

    What is said below anyhow, the control that was missing, is not quoted where there is a choice.
    """
    told = [pair for pair in match.passages if not _repeats(pair, match)]
    for pair in (told or list(match.passages))[:1]:
        yield ""
        theirs = excerpt(pair.text, pair.query_text)
        if answer.query_id:
            yield from _row(
                "yours", f"{_place(pair.query_section)}{excerpt(pair.query_text, pair.text)}", paint
            )
        yield from _row("theirs", f"{_place(pair.section)}{theirs}", paint)


def _repeats(pair: PassagePair, match: Match) -> bool:
    return bool(match.counterfactual) and match.counterfactual[:60] in pair.text


def _place(section: str) -> str:
    return f"{section}: " if section else ""


def _actions(
    actions: tuple[PromisedAction, ...], answer: Answer, today: date, paint: Paint
) -> Iterator[str]:
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
        yield from _row(label, f"{text} ({owner}{state})", paint, tone)
        label = ""
    if rest := ranked[_MOST_ACTIONS:]:
        still = sum(action.state == "open" for action in rest)
        yield from _row("", f"and {len(rest)} more, {still} of them open", paint)


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


def _nothing(answer: Answer, paint: Paint) -> Iterator[str]:
    for line in textwrap.wrap(_nothing_in(answer), WIDTH):
        yield paint(line, "bold")
    if answer.nearest_misses:
        yield ""
        yield f"The nearest misses, by likeness (siblings reach {LIKENESS_BAR}):"
        for miss in answer.nearest_misses:
            likeness = max(miss.similarity, 0.0)  # a cosine below 0 is no less alike than 0
            yield from _wrapped(f"  {likeness:4.2f}  ", miss.title, _as_is)
            yield from _wrapped("        ", miss.id, _dim(paint))
    if answer.casebook is None and not answer.index.records:
        yield "The public incidents that ship with kb answer too: --casebook."
    if answer.nearest_misses or answer.matches or not answer.index.records:
        yield ""


def _nothing_in(answer: Answer) -> str:
    """What held nothing; where no record could answer, that is not called "nothing similar"."""
    facts, book = answer.index, answer.casebook
    own = " of your own" if book else ""
    if facts.records and not facts.eligible:
        count = _count(facts.records, "published record")
        return f"0 of {count}{own} {_eligible_words(answer)}."
    records = _count(facts.records, "published record")
    if book is None or answer.matches:
        return f"Nothing similar in {records}{own}."
    if book.records and not book.eligible:
        return (
            f"Nothing similar in {records}{own}; 0 of {book.records} public ones "
            f"{_eligible_words(answer)}."
        )
    return f"Nothing similar in {records}{own}, nor in {book.records} public ones."


def _eligible_words(answer: Answer) -> str:
    earlier = f"are earlier than {answer.query_date}" if answer.query_id else "are of this day"
    if not answer.filtered:
        return earlier
    return f"{earlier} and pass the filters" if answer.query_id else "pass the filters"


def _foot(answer: Answer, paint: Paint) -> Iterator[str]:
    if (proposed := answer.proposed_class) is not None:
        chance = f"{proposed.probability:.0%}"
        yield f"Proposed class: {paint(proposed.name, 'bold')} ({chance})"
    facts = answer.index
    searched = f"{_count(facts.records, 'record')}, {_count(facts.passages, 'passage')}"
    fresh = f", {_count(facts.refreshed, 'file')} read anew" if facts.refreshed else ""
    if facts.stale:
        yield paint("Another build is running: this is from the index before it.", "yellow")
    if facts.unwritten:
        why = f"The index was made for this question alone and not written: {facts.unwritten}."
        yield from _wrapped("", why, lambda line: paint(line, "yellow"))
    sure = "" if answer.too_short else f" Probabilities: {facts.calibration}."
    yield from _wrapped("", f"Searched {searched}{fresh}.{sure}", _dim(paint))
    if (book := answer.casebook) is not None:
        where = f"Casebook: {_count(book.records, 'public incident')}, to be read in {book.folder}"
        yield from _wrapped("", where, _dim(paint))


def _row(label: str, text: str, paint: Paint, tone: str = "") -> Iterator[str]:
    if text:
        start = "   " + label.ljust(_LABEL - 3)
        style = (lambda line: paint(line, tone)) if tone else _as_is
        yield from _wrapped(start, text, style)


def _wrapped(start: str, text: str, style: Callable[[str], str]) -> Iterator[str]:
    """The text behind its start, further lines indented as far."""
    room = WIDTH - len(start)
    for line in textwrap.wrap(" ".join(text.split()), room, break_on_hyphens=False) or [""]:
        yield start + style(line)
        start = " " * len(start)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun if number == 1 else noun + 's'}"


def _dim(paint: Paint) -> Callable[[str], str]:
    return lambda line: paint(line, "dim")


def _as_is(line: str) -> str:
    return line


def _plain(text: str, _: str) -> str:
    return text


def _painted(text: str, tone: str) -> str:
    return f"\x1b[{_CODES[tone]}m{text}\x1b[0m"
