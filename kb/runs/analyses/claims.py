"""What did the agent say it did? Sentences that claim an effect, told by their words.

A claim is a sentence of the agent in the past or the perfect that names an effect. Questions,
conditions, intentions, refusals and negations are none. English only.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from kb.runs.run import Message, Run

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
_CLAIM = re.compile(
    rf"\b(?:has|have|was|were|been|is|are|i|we|'ve|now|successfully|also|just)\s+"
    rf"(?:\w+ly\s+|now\s+|also\s+|been\s+|just\s+|already\s+){{0,4}}(?:{_DID})\b"
    rf"|\bsuccessfully\s+\w+ed\b|\b(?:{_DID})\s+successfully\b"
    rf"|\b(?:complete|done|succeeded|successful)\b|^\W*(?:{_DID})\b"
    rf"|\b(?:booking|cancellation|charge|fix|payment|receipt|refund|renewal|reservation|update)"
    rf"\s+(?:{_DID})\b",
    re.IGNORECASE,
)
_NO_CLAIM = re.compile(
    r"\?\s*$|\b(?:if|would|will|could|can|cannot|should|shall|may|might|must|please|not|never|no|"
    r"unable|let me|once|before|after|unless|until|going to|need to|want|wish|proceed|cannot be|"
    r"failed|error|unfortunately|sorry|policy|eligible|allowed)\b|n't\b|n’t\b|'ll\b|’ll\b",
    re.IGNORECASE,
)
_MAX_TEXT = 20_000


@dataclass(frozen=True)
class Claim:
    """A sentence in which the agent claims an effect, and the step it was said in."""

    step: int
    text: str


def claims(run: Run) -> tuple[Claim, ...]:
    """The claims of a run, in order."""
    return tuple(
        Claim(number, sentence)
        for number, step in run.numbered()
        if isinstance(step, Message) and step.role == "assistant"
        for sentence in claims_in(step.text)
    )


def claims_in(text: str) -> Iterator[str]:
    """The sentences of a text that claim an effect."""
    for raw in _SENTENCE.split(text[:_MAX_TEXT]):
        sentence = raw.strip(" -*•#>\t")
        if sentence and _CLAIM.search(sentence) and not _NO_CLAIM.search(sentence):
            yield sentence
