"""Who is spoken of, and is it a judgement? Patterns for sentences about people, by subject.

Texts are given in lower case. A word is looked for first, then what follows it, then its subject:
each step is rarer than the one before, and looking for a word is what costs least.
Every repetition is bounded or cannot overlap with what follows, so the time is linear.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

#: Roles that are always people. `agent`, `user` and `client` are not among them: in these records
#: they are mostly software, or somebody outside whose failed attempt is a symptom.
_ROLE = (
    r"(?:engineers?|developers?|devs?|programmers?|coders?|operators?|admins?|administrators?"
    r"|sysadmins?|on-?calls?|responders?|reviewers?|approvers?|authors?|maintainers?|committers?"
    r"|employees?|staff|colleagues?|co-?workers?|teams?|managers?|leads?|contractors?|interns?"
    r"|technicians?|analysts?|person|people|somebody|someone|anyone|nobody|humans?|sres?|dbas?"
    r"|cto|ceo|founder|members?)"
)
_LEAD = r"(?:the|an?|our|one|another|some|his|her|their|this|that|any|no|two|both|many|most)"
#: A subject: a role with up to two words before it, or a pronoun that means people.
_SUBJECT_BEFORE = re.compile(
    rf"(?<![\w'’-])(?:(?:{_LEAD}\s+(?:[\w-]+\s+){{0,2}})?{_ROLE}(?:\s+on\s+(?:call|duty|shift))?"
    r"|we|he|she)\s+(?:(?:\w+ly|also|just|then|again|even|all|both|had|has|have)\s+){0,2}$"
)
_PARTICIPLE = (
    r"(?:\w{2,20}ed|been|known|seen|done|caught|read|set|kept|made|taken|thought|run|gone|told"
    r"|written|built|sent|found|given|put|left|understood|held|shut|met|paid|spent|drawn|chosen)"
)
_OUGHT = rf"(?:\s+not|n['’]t)?\s+(?:\w+ly\s+)?have\s+(?:\w+ly\s+)?{_PARTICIPLE}\b"
#: What is said of somebody who did wrong: the word it begins with, and the whole of it.
_VERDICTS = {
    word: re.compile(pattern)
    for word, pattern in {
        "failed": r"failed\s+to\b",
        "forgot": r"forgot(?:ten)?\b",
        "neglected": r"neglected\b",
        "overlooked": r"overlooked\b",
        "ignored": r"ignored\b",
        "disregarded": r"disregarded\b",
        "made": r"made\s+(?:an?|the|several|many)\s+(?:\w+\s+)?(?:mistakes?|errors?|blunders?)\b",
        "did": r"did(?:\s+not|n['’]t)\s+(?:bother|care|think\s+to|pay\s+attention|know\s+better)\b",
        "mistakenly": r"mistakenly\s+\w+",
        "wrongly": r"wrongly\s+\w+",
        "blindly": r"blindly\s+\w+",
        "naively": r"naively\s+\w+",
        "was": r"was\s+(?:\w+\s+)?(?:lazy|at\s+fault|too\s+(?:hasty|quick|eager|confident))\b",
        "were": r"were\s+(?:\w+\s+)?(?:lazy|at\s+fault|too\s+(?:hasty|quick|eager|confident))\b",
        "dropped": r"dropped\s+the\s+ball\b",
        "messed": r"messed\s+up\b",
        "screwed": r"screwed\s+up\b",
        "slipped": r"slipped\s+up\b",
        "should": rf"should{_OUGHT}",
        "ought": rf"ought\s+to{_OUGHT}",
        "could": rf"could\s+(?:easily|simply|just)\s+have\s+{_PARTICIPLE}\b",
    }.items()
}
_HYPOTHETICAL = frozenset({"should", "ought", "could"})
#: The same as a noun: "the operator's mistake", "an oversight by the reviewer", "our own fault".
_FAULTS = (
    *("mistake", "error", "fault", "negligence", "carelessness", "oversight", "failure"),
    *("inattention", "incompetence"),
)
_OWNER_BEFORE = re.compile(rf"(?<!\w)(?:(?:{_ROLE})['’]s?)\s+(?:own\s+)?$")
_PRONOUN_BEFORE = re.compile(r"(?<!\w)(?:my|our|his|her)\s+(?:own\s+)?$")
_OWNER_AFTER = re.compile(
    rf"\s+(?:made\s+)?(?:by|of)\s+{_LEAD}\s+(?:[\w-]+\s+){{0,2}}{_ROLE}(?![\w'’])"
)
#: Words that judge whoever they are said of.
_BLAME_WORD = re.compile(
    r"(?:careless(?:ly|ness)?|slopp(?:y|ily|iness)|incompeten(?:t|ce|tly)|stupid(?:ly|ity)?"
    r"|idiot(?:ic|s)?|foolish(?:ly|ness)?|reckless(?:ly|ness)?|clueless|irresponsibl[ey]"
    r"|unprofessional(?:ly)?|inexcusabl[ey]|inattenti(?:ve|on|veness)|laziness"
    r"|negligent(?:ly)?(?!\s+misrepresentation)|(?:through|due\s+to|sheer|by)\s+negligence"
    r"|lack of (?:care|diligence|attention|discipline|common sense|professionalism)"
    r"|known better|rookie mistake|(?:is|are|was|were) to blame|whose fault"
    r"|finger[- ]pointing)(?!\w)"
)
#: One of these stands in every match of the pattern above; looking for them is cheaper.
_BLAME_STEMS = (
    *("careless", "slopp", "incompet", "stupid", "idiot", "foolish", "reckless", "clueless"),
    *("irresponsib", "unprofession", "inexcus", "inattent", "laziness", "neglig", "lack of"),
    *("known better", "rookie", "to blame", "whose fault", "pointing"),
)
#: What stands before a blame word and takes it back.
_NEGATED = re.compile(r"\b(?:no|not|nor|never|without|isn['’]t|wasn['’]t)\s+(?:\w+\s+){0,2}$")
#: Human error: not its rate, its budget or its handling.
_ERROR_OF_ROLE = re.compile(
    r"(?<!\w)(?:human|operator|pilot|engineer|administrator|user|manual)\s+$"
)
_NOT_A_CAUSE = re.compile(
    r"s?(?:\w|['’]?s?\s+(?:rates?|budgets?|handling|probabilit|analysis|models?|prevention|messages?"
    r"|reports?|about|reduction|tolerance))"
)
#: What makes it the cause, before it and, where it opens a sentence or an item, after it.
_CAUSE_BEFORE = re.compile(
    r"(?:due\s+to|caused\s+by|because\s+of|cause[ds]?\b[^.]{0,40}|result\s+of|attributed\s+to"
    r"|down\s+to|blamed?\s+on|(?:was|were|is)(?:\s+(?:simply|just|pure|plain|mere|a|an))?)"
    r"\s*(?:a\s+|an\s+)?(?:\w+\s+)?$"
)
_CAUSE_AFTER = re.compile(
    r"\s*(?:[.!;,)]|$|(?:was|were)\s+(?:made|the\s+(?:root\s+)?cause)|led\s+to|caused|in\s+(?:not\s+)?\w+ing\b)"
)
_OPENS = re.compile(r"(?:^|[.:|]|\n[ \t]*[-*+])[\s\-*+_|>#]*$")
_WINDOW = 80  # characters on either side that can decide


@dataclass(frozen=True, slots=True)
class Judgement:
    """Where a judgement stands in a text; `is_hypothetical` for "should have" and its like."""

    start: int
    end: int
    is_hypothetical: bool = False


def _before(text: str, start: int) -> str:
    return text[max(0, start - _WINDOW) : start]


def _opens_word(text: str, start: int) -> bool:
    return start == 0 or not (text[start - 1].isalnum() or text[start - 1] == "_")


def _places(text: str, word: str) -> Iterator[int]:
    at = text.find(word)
    while at >= 0:
        yield at
        at = text.find(word, at + len(word))


def judged_people(text: str) -> Iterator[Judgement]:
    """Where a text in lower case says what a person did wrong."""
    for word, verdict in _VERDICTS.items():
        for at in _places(text, word):
            match = verdict.match(text, at)
            subject = _SUBJECT_BEFORE.search(_before(text, at)) if match else None
            if match and subject:
                yield Judgement(at - len(subject[0]), match.end(), word in _HYPOTHETICAL)
    for word in _FAULTS:
        for at in _places(text, word):
            yield from _fault_of_person(text, word, at)


def _fault_of_person(text: str, word: str, at: int) -> Iterator[Judgement]:
    before, end = _before(text, at), at + len(word)
    owner = _OWNER_BEFORE.search(before)
    if not owner and word not in {"mistake", "error", "failure"}:
        owner = _PRONOUN_BEFORE.search(before)
    after = None if owner else _OWNER_AFTER.match(text, end)
    if owner and not text[end : end + 1].isalnum():
        yield Judgement(at - len(owner[0]), end)
    elif after and _opens_word(text, at):
        yield Judgement(at, after.end())


def blame_words(text: str) -> Iterator[Judgement]:
    """Where a text in lower case uses a word that judges, and does not take it back."""
    if not any(stem in text for stem in _BLAME_STEMS):
        return
    for match in _BLAME_WORD.finditer(text):
        negated = _NEGATED.search(_before(text, match.start()))
        if _opens_word(text, match.start()) and not negated:
            yield Judgement(match.start(), match.end())


def human_errors(text: str) -> Iterator[Judgement]:
    """Where a text in lower case gives human error as the cause."""
    for word in ("error", "mistake"):
        for at in _places(text, word):
            role = _ERROR_OF_ROLE.search(_before(text, at))
            end = at + len(word)
            if role and not _NOT_A_CAUSE.match(text, end):
                start = at - len(role[0])
                end += text[end : end + 1] == "s"
                if _is_given_as_cause(text, start, end):
                    yield Judgement(start, end)


def _is_given_as_cause(text: str, start: int, end: int) -> bool:
    before = _before(text, start)
    opens = _OPENS.search(before) and _CAUSE_AFTER.match(text, end)
    return bool(_CAUSE_BEFORE.search(before) or opens)
