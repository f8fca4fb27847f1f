"""What must a text for outsiders not say? Names, addresses, hosts, paths, channels: taken out."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from kb.records.taxonomy import TIMELINE_TAGS
from kb.site.external.names import Names, Span

#: What is left of a link that is none, for there is no such label or the target is written wrong.
_TARGET = r"\((?:[^()\n]|\([^()\n]*\))*\)"
_LABEL = rf"\[(?!(?:{'|'.join(word.name for word in TIMELINE_TAGS)})\])[^\]\n]*\]"
#: What names a person or a record, whatever the record is about.
_ALWAYS = (
    (re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+"), "[address]"),
    (re.compile(r"(?<![\w/])@[A-Za-z][\w/-]*"), "[name]"),
    (re.compile(r"(?<!\d)\d{4}-\d{2}-\d{2}-[A-Za-z][\w-]*(?:\.md)?"), "another record"),
    (re.compile(rf"(?<=\])(?!\(https?://){_TARGET}"), ""),
)
#: What names a place of the house. A record of what is public speaks of places of others.
_OF_THE_HOUSE = (
    (re.compile(r"<?\b[a-z][a-z0-9+.-]{1,20}://[^\s<>)\]]+>?", re.IGNORECASE), "[link]"),
    (re.compile(rf"(?<=\])(?:{_TARGET}|{_LABEL})"), ""),
    (re.compile(r"(?<![\w/#&])#[A-Za-z][\w-]+"), "[channel]"),
    (
        re.compile(
            r"(?<![\w.@-])(?:[\w-]{1,63}\.){1,8}(?:internal|local|localhost|localdomain|lan|corp"
            r"|home|intranet|private|arpa)(?::\d{1,5})?(?:/[^\s<>)\]]*)?(?![\w-])",
            re.IGNORECASE,
        ),
        "[host]",
    ),
    (re.compile(r"(?<![\w.:/])(?:~|\.{1,2})?/(?:[\w.@-]+/)+[\w.@-]*"), "[path]"),
    (re.compile(r"(?<!\w)(?:[A-Za-z]:\\|\\\\)[\w.$ -]+(?:\\[\w.$-]+)+"), "[path]"),
    (re.compile(r"(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?:/\d{1,2}|:\d{1,5})?(?![\d.])"), "[address]"),
)


@dataclass(frozen=True, slots=True)
class Cleaner:
    """Takes out of text what must not be told; `is_public` for records of what is public."""

    names: Names
    is_public: bool = False

    def spans(self, text: str) -> list[Span]:
        """The stretches that must not be told, in order and apart from each other."""
        patterns = _ALWAYS if self.is_public else (*_ALWAYS, *_OF_THE_HOUSE)
        found = [
            Span(match.start(), match.end(), instead)
            for pattern, instead in patterns
            for match in pattern.finditer(text)
        ]
        return _joined((*found, *self.names.spans(text, is_public=self.is_public)))

    def text(self, text: str) -> str:
        """A text without them."""
        parts, at = [], 0
        for span in self.spans(text):
            parts += [text[at : span.start], span.instead]
            at = span.end
        return "".join((*parts, text[at:]))


def _joined(spans: Iterable[Span]) -> list[Span]:
    """Spans that overlap as one, named by the longest of them."""
    joined: list[Span] = []
    for span in sorted(spans, key=lambda span: (span.start, -span.end)):
        if joined and span.start < joined[-1].end:
            before = joined[-1]
            joined[-1] = Span(before.start, max(before.end, span.end), before.instead)
        else:
            joined.append(span)
    return joined
