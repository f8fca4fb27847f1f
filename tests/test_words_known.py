"""Rules ask the words of a record before they read its text: does that ever hide a fault?"""

from __future__ import annotations

from pathlib import PurePath

import pytest
from kb.lint.rules.actions import _VAGUE
from kb.lint.rules.blameless import Find
from kb.lint.rules.judgements import blame_words, human_errors, judged_people
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
    *("known better", "rookie mistake", "operators are to blame", "whose fault", "finger-pointing"),
)
PERSONAL = (
    *JUDGING,
    *("we didn't bother", "she didn’t care", "we shouldn't have deployed", "he had forgotten"),
    *("an oversight by the reviewer", "the operator's mistake", "it was **our fault**"),
)
VAGUE = (
    *("improve the prompt", "we should consider a limit", "Think about limits", "explore limits"),
    *("could look at retries", "be careful", "be more mindful", "be vigilant", "be cautious"),
    *("pay attention", "remember to ask", "raise awareness", "remind people to ask"),
    *("look into it", "looking into it", "investigate retries", "dashboard widgets"),
    *("dashboard panel", "add a widget", "better tests", "more training"),
)
CASES = [
    *((blame_words, text) for text in (*BLAMING, *BLAME_WORDS)),
    *((judged_people, text) for text in PERSONAL),
    *((human_errors, text) for text in HUMAN_ERROR_AS_CAUSE),
]


def words_of(text: str) -> frozenset[str]:
    return read_document(text.encode(), PurePath("2026-04-12-x.md"), FORM).words


@pytest.mark.parametrize(("find", "text"), CASES)
def test_to_know_the_words_of_a_text_hides_no_judgement(find: Find, text: str) -> None:
    assert list(find(text))
    assert list(find(text, words_of(text))) == list(find(text))


@pytest.mark.parametrize("text", VAGUE)
def test_to_know_the_words_of_a_record_hides_no_vague_action(text: str) -> None:
    rows = [(words, pattern) for words, pattern, _ in _VAGUE if pattern.search(text)]
    assert rows
    assert all(words & words_of(text) for words, _ in rows)


def test_the_words_are_cut_where_no_ascii_letter_stands() -> None:
    text = "The on-call didn’t—2nd time—read OPERATOR_SAW."
    words = {"the", "on", "call", "didn", "t", "nd", "time", "read", "operator", "saw"}
    assert words_of(text) == words
