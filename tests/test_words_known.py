"""Rules ask the words of a record before they read its text: does that ever hide a fault?"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePath

import pytest
from kb.lint.rules.blameless import Find
from kb.lint.wording.blame_words import blame_words
from kb.lint.wording.faults import human_errors, owned_faults
from kb.lint.wording.judged_people import judged_people
from kb.lint.wording.judgement_phrases import blamed_people, judged_agents, slip_phrases
from kb.lint.wording.judgement_places import Judgement
from kb.records.document import read_document
from kb.records.form import build_form

from test_judgement_rules import BLAMING, HUMAN_ERROR_AS_CAUSE, JUDGING

FORM = build_form()
#: Every ending that the pattern of blame words knows.
BLAME_WORDS = (
    *("careless", "carelessly", "carelessness", "sloppy", "sloppily", "sloppiness", "incompetent"),
    *("incompetence", "incompetently", "stupid", "stupidly", "stupidity", "idiot", "idiotic"),
    *("idiots", "foolish", "foolishly", "foolishness", "reckless", "recklessly", "recklessness"),
    *("clueless", "irresponsible", "irresponsibly", "unprofessional", "unprofessionally"),
    *("inexcusable", "inexcusably", "inattentive", "inattention", "inattentiveness", "laziness"),
    *("negligent", "negligently", "due to negligence", "sheer negligence", "lack of common sense"),
    *("known better", "rookie mistake", "operators are to blame"),
)
PERSONAL = (
    *JUDGING,
    *("we didn't bother", "she didn’t care", "we shouldn't have deployed", "he had forgotten"),
    *("an oversight by the reviewer", "the operator's mistake", "it was **our fault**"),
)
BLAMED = (
    *("tom should have known better", "he was asleep at the wheel", "classic pebkac"),
    *("the on-call engineer was careless", "the operator negligently approved it"),
    *("the reviewer rubber-stamped it", "they dropped the ball", "whoever wrote this prompt"),
    *("an approver clicked through the dialog without reading", "dave forgot to turn it off"),
    *(
        "the operator misread the ticket",
        "nobody bothered to look",
        "a competent engineer would not have done this",
    ),
    *("had they done their job", "the operator picked the wrong tenant", "he had no excuse"),
)
SLIPS = (
    *(
        "someone pasted it by mistake",
        "the file was uploaded by accident",
        "a fat-fingered command",
    ),
    *("the engineer accidentally deleted it", "an honest mistake", "a copy-paste error"),
    *("a slip by the on-call", "lack of attention by the reviewer", "it was due to an oversight"),
    *("an operator mistake during the cutover", "pilot error: the wrong tenant"),
)
AGENTS = (
    *("the agent got confused", "the model was lazy", "the agent went off the rails"),
    *("a rogue agent", "the stupid bot", "the agent lied about it", "the model is dumb"),
)


def said_of_people(text: str, words: frozenset[str] | None = None) -> Iterator[Judgement]:
    """What is said against people by a verb and its subject, or by a noun and whose it is."""
    yield from judged_people(text, words)
    yield from owned_faults(text, words)


CASES = [
    *((blame_words, text) for text in (*BLAMING, "whose fault was it")),
    *((blame_words, f"the change was {word} merged.") for word in BLAME_WORDS),
    *((said_of_people, text) for text in PERSONAL),
    *((human_errors, text) for text in HUMAN_ERROR_AS_CAUSE),
    *((blamed_people, text) for text in BLAMED),
    *((slip_phrases, text) for text in SLIPS),
    *((judged_agents, text) for text in AGENTS),
]


def words_of(text: str) -> frozenset[str]:
    return read_document(text.encode(), PurePath("2026-04-12-x.md"), FORM).words


@pytest.mark.parametrize(("find", "text"), CASES)
def test_to_know_the_words_of_a_text_hides_no_judgement(find: Find, text: str) -> None:
    assert list(find(text))
    assert list(find(text, words_of(text))) == list(find(text))


def test_the_words_are_cut_where_no_ascii_letter_stands() -> None:
    text = "The on-call didn’t—2nd time—read OPERATOR_SAW."
    words = {"the", "on", "call", "didn", "t", "nd", "time", "read", "operator", "saw"}
    assert words_of(text) == words
