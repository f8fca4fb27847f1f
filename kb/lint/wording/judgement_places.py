"""What every finder of judgements shares: where one stands, where a word does, what takes it back.

Texts are given in lower case. Every repetition is bounded, so the time is linear.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from kb.lazy_regex import regex

#: What stands before a judgement and takes it back; "not only" does not.
NEGATED = regex(
    r"(?:\b(?:no|not|nor|never|without|rather\s+than|instead\s+of)|\w{2,6}n['’]t)"
    r"\s+(?!only\b|just\b)(?:[\w'’-]+\s+){0,2}$"
)
#: The same before a whole sentence; "it did not fire and the engineer …" takes nothing back.
_NOT_SO = regex(r"\b(?:not|never)\s+(?:that|because|since|as\s+if)\s+(?:[\w'’-]+\s+){0,2}$")
#: A condition ("if we missed a page"), a contrast ("rather than 'the engineer forgot'") or
#: somebody's opinion; "to see if" and "believe that" make it one, too.
_SUPPOSED_CLAUSE = regex(
    r"(?:\b(?:if|whether|unless|in\s{1,6}case|should)\s{1,6}(?:[\w'’-]{1,30}\s{1,6}){0,3}"
    r"|\byour\s{1,6}"
    r"|\bif\b[^.;:]{0,60}\bor\s{1,6}|\b(?:told|tells)\s{1,6}(?:\w{1,30}\s{1,6})?(?:that\s{1,6})?"
    r"|(?:\bnot|n['’]t)\b[^.;:]{0,50}\bthat\s{1,6}"
    r"|\b(?:rather\s{1,6}than|instead\s{1,6}of|such\s{1,6}as|e\.g\.|presumption\s{1,6}that|feel"
    r"|(?:would|might|may)\s{1,6}(?:think|say|feel|believe)|anything|something|whatever)"
    r"[\s,:]{1,6}[\"“'‘*_]{0,4}"
    r"|\b(?:not|cannot|never)\b[^.;:]{0,70}\battributed\s{1,6}to\s{1,6}|\bno\s{1,6}way\s{1,6}of\s{1,6}knowing\s{1,6}that\s{1,6})$"
)


@dataclass(frozen=True, slots=True)
class Judgement:
    """Where a judgement stands in a text; `is_hypothetical` for "should have" and its like."""

    start: int
    end: int
    is_hypothetical: bool = False


def spaced(source: str) -> re.Pattern[str]:
    """A pattern in which a blank stands for up to six of any kind, so that it can be read."""
    return regex(source.replace(" ", r"\s{1,6}"))


def opens_word(text: str, start: int) -> bool:
    """Whether neither a letter, a digit nor `_` stands before."""
    return start == 0 or not (text[start - 1].isalnum() or text[start - 1] == "_")


def is_whole_word(text: str, start: int, end: int) -> bool:
    """Whether neither a letter, a digit nor `_` stands before or behind."""
    return opens_word(text, start) and not (
        text[end : end + 1].isalnum() or text[end : end + 1] == "_"
    )


def places(text: str, words: Iterable[str]) -> Iterator[tuple[str, int]]:
    """Where words stand in a text, also within other words, each in turn."""
    for word in words:
        at = text.find(word)
        while at >= 0:
            yield word, at
            at = text.find(word, at + len(word))


def known(words: frozenset[str] | None, asked: tuple[str, ...]) -> Iterable[str]:
    """Those of the words that a text has; all where its words are not known."""
    return asked if words is None else filter(words.__contains__, asked)


def is_supposed(before: str, start: int) -> bool:
    """Whether what stands before a subject makes of the sentence a condition or a contrast."""
    return bool(_NOT_SO.search(before, 0, start) or _SUPPOSED_CLAUSE.search(before, 0, start))
