"""Rules on judgements about people; each finding asks, and gives the stronger wording."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache, partial
from typing import Protocol

from kb.lint.readings.document_facts import quoted
from kb.lint.readings.prose import ProsePassage, passages
from kb.lint.rule import ADVICE, Finding, LintContext, rule
from kb.lint.wording.blame_words import blame_words
from kb.lint.wording.faults import human_errors, owned_faults, unmeant_slips
from kb.lint.wording.judged_people import judged_people
from kb.lint.wording.judgement_phrases import blamed_people, judged_agents, slip_phrases
from kb.lint.wording.judgement_places import Judgement
from kb.records.document import Document


class Find(Protocol):
    """What looks for judgements in a text in lower case, whose words may be known."""

    def __call__(self, text: str, words: frozenset[str] | None = None) -> Iterator[Judgement]:
        """The judgements, in any order."""
        ...


#: Lines that carry somebody else's words, or the agent's.
_QUOTING_FIELDS = frozenset({"LLM_SAYS_IT_DID", "CUSTOMER_SAW", "DASHBOARD_SAID", "OPERATOR_SAW"})
#: Here the form itself asks what should, could or would have been.
_HYPOTHETICAL_SECTIONS = frozenset({"counterfactual", "detection"})


def _judgements(document: Document, find: Find) -> Iterator[tuple[ProsePassage, Judgement]]:
    """What `find` sees in the record's own words; the whole text is asked first: it is cheap."""
    if next(find(document.lower, document.words), None) is None:
        return
    for passage in passages(document):
        if passage.field not in _QUOTING_FIELDS:
            text = passage.own_words.lower()
            yield from ((passage, found) for found in find(text, document.words))


def _people(document: Document, names: tuple[str, ...]) -> tuple[str, ...]:
    """Who is known to be a person, in lower case: by the settings, and by who signed the record."""
    signed = (document.front.text("lessons_by"), document.front.text("reviewed.by"))
    known = (name.strip().lower().removeprefix("@") for name in (*names, *signed))
    return tuple(sorted({name for name in known if name and name != "unknown"}))


def _finding(passage: ProsePassage, found: Judgement, message: str) -> Finding:
    line, column = passage.place(found.start)
    words = passage.text[found.start : found.end]
    judged = quoted(" ".join(words.split()))
    return Finding(line, f"{judged} {message}", column, len(words.partition("\n")[0]))


@rule(
    "KB701",
    "blame-word",
    severity=ADVICE,
    default=False,  # right in 11 of 12 firings read by hand: too few to hold every record to it
    reason="A word that judges ends the inquiry, and the next person who sees something odd says "
    "nothing.",
    bad="The rollout was done carelessly on a Friday.",
    good="The rollout needed no second approval on a Friday, unlike on other days.",
)
def _blame_word(document: Document, context: LintContext) -> Iterator[Finding]:
    message = (
        "judges somebody: what did the step look like to them, and what let it pass? "
        "Write the condition, such as the missing check or approval"
    )
    for passage, found in _judgements(document, blame_words):
        yield _finding(passage, found, message)


def _judged(
    text: str, words: frozenset[str] | None = None, *, names: tuple[str, ...] = ()
) -> Iterator[Judgement]:
    """What is said against people: by a verb and its subject, by a noun and whose, by a phrase."""
    found = (judged_people(text, words, names), owned_faults(text, words))
    yield from _without_overlaps(*found, blamed_people(text, words))


def _slips(text: str, words: frozenset[str] | None = None) -> Iterator[Judgement]:
    """Where somebody's error is given as the cause, by name or in other words."""
    found = (human_errors(text, words), slip_phrases(text, words), unmeant_slips(text, words))
    yield from _without_overlaps(*found)


def _without_overlaps(*kinds: Iterator[Judgement]) -> Iterator[Judgement]:
    """Judgements of several kinds; of those that overlap the first alone."""
    end = -1
    every = (found for kind in kinds for found in kind)
    for found in sorted(every, key=lambda one: (one.start, -one.end)):
        if found.start >= end:
            yield found
            end = found.end


@rule(
    "KB702",
    "judged-person",
    severity=ADVICE,
    reason="Whoever failed to, forgot or should have is the last link. What made it easy to miss "
    "is what can be changed, and it waits for the next person.",
    bad="The engineer failed to notice the alert.",
    good="The alert went to a channel with 400 messages a day; nothing paged the on-call.",
)
def _judged_person(document: Document, context: LintContext) -> Iterator[Finding]:
    message = (
        "judges a person: what made this the likely thing to happen? "
        "Write what the screen, alert, procedure or tool showed, or did not offer"
    )
    find = partial(_judged, names=_people(document, context.settings.people))
    for passage, found in _judgements(document, find):
        if not (found.is_hypothetical and passage.section in _HYPOTHETICAL_SECTIONS):
            yield _finding(passage, found, message)


@rule(
    "KB703",
    "human-error-as-cause",
    severity=ADVICE,
    reason="Human error is where an inquiry begins. The same person, or another, will do the same "
    "in the same place.",
    bad="The deletion was caused by human error.",
    good="The console shows staging and production in the same colour, and deletion asks nothing.",
)
def _human_error_as_cause(document: Document, context: LintContext) -> Iterator[Finding]:
    message = (
        "as a cause: what made the action look right at that moment, and what would have stopped "
        "it? Write that as the cause"
    )
    for passage, found in _judgements(document, _slips):
        yield _finding(passage, found, message)


@rule(
    "KB705",
    "judged-agent",
    severity=ADVICE,
    reason="An agent has no will to scold. What it went by was in its instructions, its context, "
    "its objective or its authority, and each of those can be changed.",
    bad="The agent went off the rails and deleted the table.",
    good="The instruction to clean up named no table, and the agent's role could drop all of them.",
)
def _judged_agent(document: Document, context: LintContext) -> Iterator[Finding]:
    message = (
        "judges the agent as one judges a person: which instruction, context, objective or "
        "permission led to it? Write that"
    )
    for passage, found in _judgements(document, judged_agents):
        yield _finding(passage, found, message)


@lru_cache(maxsize=8)
def _any_of(names: tuple[str, ...]) -> re.Pattern[str]:
    longest_first = sorted(names, key=len, reverse=True)
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, longest_first))})(?!\w)")


@rule(
    "KB704",
    "named-person",
    severity=ADVICE,
    reason="A record is read for years, in other rooms. Roles teach as much as names, and spare "
    "the person.",
    bad="Alex Example restarted the queue.",
    good="The on-call restarted the queue.",
)
def _named_person(document: Document, context: LintContext) -> Iterator[Finding]:
    names = tuple(name for name in context.settings.people if name.strip())
    if not any(name in document.text for name in names):
        return
    pattern = _any_of(names)
    for number in range(document.front.end_line + 1, document.text.count("\n") + 2):
        for match in pattern.finditer(document.source_line(number)):
            message = f"{quoted(match[0])} is a person: which role acted? Write the role"
            yield Finding(number, message, match.start() + 1, len(match[0]))
