"""The home page: search, open gates, three answers, news."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from kb.humanize import in_words, plural
from kb.metrics.all_hands_sentences import (
    news_sentences,
    promise_sentences,
    repeat_sentences,
    window_note,
    window_title,
)
from kb.metrics.result_types import QuestionAnswer
from kb.site import links
from kb.site.content import Site
from kb.site.pages.actions_page import GateRow, gate_rows
from kb.site.pages.incident_lists import incident_rows
from kb.site.pages.page import PageValues

_NEWEST, _CLASSES, _GATES = 8, 8, 5
#: The question to which yes is bad news.
_BAD_WHEN_YES = "repeating"
_NO_BREAK, _JOINER = "\N{NO-BREAK SPACE}", "\N{WORD JOINER}"
_RANGE = re.compile(r"(?<=\d)–(?=\d)")


@dataclass(frozen=True, slots=True)
class AnswerCard:
    """One of the three questions with its verdict, the line that carries it, and what follows."""

    question: str
    verdict: str
    css: str
    first: str
    rest: tuple[str, ...]


def home(site: Site) -> Iterator[PageValues]:
    """The page at the root of the site."""
    said = _description(site)
    values = {
        "name": site.name,
        "said": said,
        **_gates(site),
        "answers": answer_cards(site.measured.answers) if site.measured else (),
        "since": _since_all_hands(site),
        "newest": incident_rows(site, site.newest[:_NEWEST], links.HOME),
        "classes": _latest_classes(site),
    }
    yield PageValues(links.HOME, site.name, values, said)


def _description(site: Site) -> str:
    count = len(site.records)
    what = "an incident" if count == 1 else "incidents"
    text = f"{plural(count, 'postmortem')} of {what} caused by AI agents."
    if site.subtitle:
        end = "" if site.subtitle.endswith((".", "!", "?")) else "."
        text = f"{site.subtitle}{end} {plural(count, 'postmortem')}."
    if site.measured is not None and site.measured.origin == "public":
        return f"{text} They are public incidents of others: a casebook, not a team's record."
    return text


def _gates(site: Site) -> dict[str, object]:
    """The first gates that hold a route, and how many routes all of them hold."""
    gates = site.gates if site.edition.is_internal else ()
    held = [action for action in gates if action.gate != "rollout"]
    rows: tuple[GateRow, ...] = gate_rows(site, held[:_GATES], links.HOME)
    return {"gates": rows, "routes_held": len({action.route for action in held})}


def _since_all_hands(site: Site) -> dict[str, object] | None:
    """What happened since the last all-hands, in a heading and a sentence of each kind."""
    seen = site.measured.all_hands if site.measured else None
    if seen is None:
        return None
    parts = (news_sentences(seen), repeat_sentences(seen), promise_sentences(seen))
    return {
        "title": window_title(seen),
        "lines": tuple(line for found in parts if (line := " ".join(found))),
        "note": window_note(seen),
    }


def answer_cards(answers: tuple[QuestionAnswer, ...]) -> tuple[AnswerCard, ...]:
    """The answers as cards, in their order."""
    return tuple(_card(answer) for answer in answers)


#: What each verdict says of its question in a clause; one that says nothing has none.
_CLAUSES = {
    ("Are incidents repeating?", "yes"): "incidents repeat",
    ("Are incidents repeating?", "none found"): "no repeat was found",
    ("Are we detecting faster?", "yes"): "detection gets faster",
    ("Are we detecting faster?", "no, slower"): "detection gets slower",
    ("Are we detecting faster?", "no clear change"): "detection has not clearly changed",
    ("Did we do what we promised?", "yes"): "promises are kept",
    ("Did we do what we promised?", "no"): "promises are not kept in time",
}


def headline(answers: tuple[QuestionAnswer, ...]) -> str:
    """The answers in one sentence, which can be read from the last row; empty where none is one."""
    found = [(answer.question, answer.verdict) for answer in answers]
    clauses = [_CLAUSES[one] for one in found if one in _CLAUSES]
    text = " and ".join(filter(None, (", ".join(clauses[:-1]), *clauses[-1:])))
    return f"{text[:1].upper()}{text[1:]}." if text else ""


def _card(answer: QuestionAnswer) -> AnswerCard:
    is_bad_yes = _BAD_WHEN_YES in answer.question
    word = answer.verdict.split(",")[0]
    # That incidents do not repeat is never known well enough to be green.
    good = {"yes": not is_bad_yes, "no": False}.get(word)
    css = {True: "kb-good", False: "kb-bad", None: "kb-unclear"}[good]
    first, *rest = [_tied(line) for line in answer.lines] or [""]
    return AnswerCard(answer.question, answer.verdict.capitalize(), css, first, tuple(rest))


def _tied(line: str) -> str:
    """The line with no break in an interval, between a number and its sign, or `n` and a number."""
    whole = _RANGE.sub(f"{_JOINER}–{_JOINER}", line)
    return whole.replace(" %", f"{_NO_BREAK}%").replace("(n ", f"(n{_NO_BREAK}")


def _latest_classes(site: Site) -> list[dict[str, object]]:
    """The classes seen last, with their latest day and how many records they have."""
    latest = sorted(
        (
            (max(record.date for record in members), len(members), word)
            for word, members in site.by_class.items()
            if site.names.path("classes", word)
        ),
        reverse=True,
    )
    return [
        {
            "name": in_words(word),
            "address": links.relative(links.HOME, site.names.path("classes", word)),
            "count": count,
            "latest": day,
        }
        for day, count, word in latest[:_CLASSES]
    ]
