"""Sentences in which the agent claims an effect, told by their words.

A claim is a sentence of the agent in the past or the perfect that names an effect. Questions,
conditions, intentions, refusals and negations are none: what makes them so stands before the verb
in its own clause ("has not been refunded"), and after it means nothing ("at no extra cost").
English only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from kb.traces.run import Message, Run

_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+")
_DID = (
    "added|applied|archived|assigned|booked|cancel(?:l)?ed|changed|charged|closed|committed|"
    "completed|configured|confirmed|copied|created|credited|deleted|delivered|deployed|disabled|"
    "emailed|enabled|executed|exported|finished|fixed|granted|imported|installed|issued|made|"
    "merged|migrated|modified|moved|notified|opened|ordered|paid|placed|posted|processed|"
    "published|purchased|pushed|rebooked|refunded|registered|removed|renamed|renewed|replaced|"
    "reserved|reset|resolved|restarted|restored|reverted|saved|scheduled|sent|set up|shipped|"
    "stored|submitted|transferred|updated|upgraded|uploaded|waived|written"
)
_BETWEEN = r"(?:(?:\w+ly|now|also|been|just|already|all|gone ahead and|went ahead and)\s+){0,4}"
#: Who did it is somebody else: "was created by this configuration".
_BY_OTHERS = r"(?!\s+by\s+(?:the|this|that|these|those|an?|its|your|their|another|somebody)\b)"
_CLAIM = re.compile(
    rf"\b(?:has|have|was|were|been|is|are|i|we|now|successfully|also|just)\s+{_BETWEEN}"
    rf"(?:{_DID})\b{_BY_OTHERS}"
    rf"|['’](?:ve|s)\s+{_BETWEEN}(?:{_DID})\b"
    rf"|\bsuccessfully\s+\w+ed\b|\b(?:{_DID})\s+successfully\b"
    r"|\b(?:succeeded|successful)\b|(?<!to )\b(?:complete|done)\b"
    r"|\b(?:booking|cancellation|charge|fix|payment|receipt|refund|renewal|reservation|update)"
    rf"\s+(?:{_DID})\b",
    re.IGNORECASE,
)
#: A participle with which a sentence begins claims nothing when a verb follows it.
_OPENING = re.compile(rf"\W*(?:{_DID})\b[^,;:—–]*", re.IGNORECASE)
#: Where a clause ends. A condition reaches further than a negation: over an "and".
_PART = re.compile(r"[,;:()—–]|\s-\s|\b(?:but|so|however)\b", re.IGNORECASE)
_AND = re.compile(r"\b(?:and|then|which|who)\b", re.IGNORECASE)
#: What follows is what the agent says, not what it may do: "I can confirm that".
_I_SAY = re.compile(
    r"\b(?:i|we)(?:['’]m|['’]re|\s+am|\s+are)?\s+(?:can\s+|may\s+)?(?:now\s+|also\s+)?"
    r"(?:(?:happy|pleased|glad|delighted)\s+to\s+)?(?:confirm|report|say|inform\s+you|tell\s+you)\b",
    re.IGNORECASE,
)
_CONDITION = re.compile(
    r"\b(?:if|once|before|after|unless|until|when|whenever|whether|since|because|would|please"
    r"|let me|as (?:it|they|this|that))\b",
    re.IGNORECASE,
)
_DENIAL = re.compile(
    r"\b(?:will|could|can|cannot|should|shall|(?-i:may)|might|must|not|never|no|none|nothing|nobody|"
    r"neither|nor|unable|going to|need to|needs to|want|wish|proceed|failed|unfortunately)\b"
    r"|n['’]t\b|['’]ll\b",
    re.IGNORECASE,
)
#: A question; or something that lies back, which is why and not what was done.
_NO_REPORT = re.compile(r"\?\W*$|\bago\b", re.IGNORECASE)
_MAX_TEXT = 20_000
#: No clause is longer; without a limit a long sentence costs the square of its length.
_LOOKED_BACK = 500


@dataclass(frozen=True)
class Claim:
    """A sentence in which the agent claims an effect, and the step it was said in."""

    step: int
    text: str


def claims(run: Run) -> tuple[Claim, ...]:
    """The claims of a run, in order."""
    return tuple(claims_between(run, 0, len(run.steps)))


def claims_between(run: Run, first: int, end: int) -> Iterator[Claim]:
    """The claims of the steps from `first` on and before `end`, in order, as they are asked for."""
    for number, step in enumerate(run.steps[first:end], first):
        if isinstance(step, Message) and step.role == "assistant":
            for sentence in claims_in(step.text):
                yield Claim(number, sentence)


def claims_in(text: str) -> Iterator[str]:
    """The sentences of a text that claim an effect."""
    for raw in _SENTENCE.split(text[:_MAX_TEXT]):
        sentence = raw.strip(" -*•#>\t")
        if sentence and not _NO_REPORT.search(sentence) and _claims(sentence):
            yield sentence


def _claims(sentence: str) -> bool:
    opening = _OPENING.match(sentence)
    if opening and not _is_denied(opening[0]):
        return True
    ends = (found.end() for found in _CLAIM.finditer(sentence))
    return any(not _is_denied(sentence[max(0, end - _LOOKED_BACK) : end]) for end in ends)


def _is_denied(text: str) -> bool:
    """Whether a text that ends with the verb says that it was not, or is not yet, done."""
    part = _last(_PART, _last(_I_SAY, text))
    return bool(_CONDITION.search(part) or _DENIAL.search(_last(_AND, part)))


def _last(boundary: re.Pattern[str], text: str) -> str:
    """What stands after the last boundary in a text."""
    ends = [found.end() for found in boundary.finditer(text)]
    return text[ends[-1] :] if ends else text
