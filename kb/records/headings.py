"""The names that a heading may be looked up by, the plainest last.

## 1. Replay Fixture (not just a log)   ->  replay fixture not just a log, replay fixture
## Root cause and resolution            ->  …, root cause, resolution
## Step 2 — The timeline: all times UTC ->  …, timeline
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from kb.lazy_regex import regex
from kb.records.form_sections import normal_spelling

_BRACKET = regex(r"(?<!\s)\s*+[({（\[].*$")
_PART = regex(r"(?<!\s)\s*+(?:(?<=\s)(?:[—–|/]|-{1,2})\s++|[:：|,](?:\s++|$))")
_ORDINAL = regex(r"(?:part|section|step|phase|appendix|§)?\s*(?:\d{1,3}|[ivx]{1,5}|[a-z])?")
_LEADING = regex(
    r"\A(?:(?:the|our|an?|incident|postmortem|detailed|full|initial|final|consolidated|main|primary"
    r"|preliminary|brief|complete|overall|remaining|further|additional|suggested|issue"
    r"|outage)\s)+"
)
#: `Root cause and resolution` is a root cause where the form has no such heading.
_BOTH = regex(r" (?:and|und|et|y|e) ")
_EITHER = regex(r"[/・／]")
#: `Tasks to address the issue`, `Impact on the shop`: what stands behind says no more.
_PURPOSE = regex(r" (?:to|of|for|on|taken) .*$")
#: Names that hold whatever words stand before them: `Our response timeline`.
_ENDS = regex(r"\b(?:timeline|root causes?|(?<!non )action items|lessons learned|impact)$")
#: The same in scripts that put no blanks between words.
_ENDS_OF_CJK = regex(
    r"(?:行动项|改进措施|时间线|根本原因|再発防止策|アクションアイテム|タイムライン|時系列)$"
)
#: An emoji by its name, as forges and sites write it: `:warning:`.
_SHORTCODE = regex(r"(?<![\w:]):[a-z][a-z0-9_+-]{1,40}:(?![\w:])")
_MOST_WORDS = 4
_NUMERAL = regex(r"^\s*(?:[ivx]{1,5}[.)]\s+|(?:part|section|step|phase)\s+\w{1,4}\s*$)", re.I)
_FROM_DAY = regex(r" \d{1,4} \d{1,2} \d{1,4}.*$")


def normal_heading(heading: str) -> str:
    """A heading reduced to its words: lower case, without numbering, marks and punctuation."""
    text = _SHORTCODE.sub(" ", heading.lower())
    text = text.replace("-", " ").replace("&", " and ").replace("’", "'")
    text = re.sub(r"[^\w\s]|_", " ", text)
    text = re.sub(r"^\s*(?:\d+\s+)+", "", text)
    return normal_spelling(" ".join(text.split()))


def heading_names(heading: str) -> Iterator[str]:
    """The normal forms of a heading: whole, without brackets, its first part, without articles.

    The parts of `one and other` come last.
    """
    heading = _SHORTCODE.sub("", heading)
    written = _NUMERAL.sub("", heading)
    bare = _BRACKET.sub("", written)
    parts = [part for part in _PART.split(bare) if part and part.strip()]
    first = parts[0] if parts else ""
    if len(parts) > 1 and _ORDINAL.fullmatch(first.strip().lower()):
        first = parts[1]
    seen: set[str] = set()
    for text in (heading, written, bare, first):
        whole = normal_heading(text)
        for name in (whole, _LEADING.sub("", whole, count=1), _FROM_DAY.sub("", whole)):
            if name and name not in seen:
                seen.add(name)
                yield name
    yield from _by_part(normal_heading(_EITHER.sub(" and ", first)))


def _by_part(whole: str) -> Iterator[str]:
    """The names that parts of a heading may be: the looser, the later."""
    parts = [part for part in _BOTH.split(whole) if part]
    yield from parts
    yield from (_LEADING.sub("", part, count=1) for part in parts)
    yield from (_PURPOSE.sub("", part) for part in parts)
    if whole.count(" ") < _MOST_WORDS and (end := _ENDS.search(whole)):
        yield end[0]
    if end := _ENDS_OF_CJK.search(whole):
        yield end[0]
