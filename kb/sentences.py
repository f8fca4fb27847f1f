"""Splits text into sentences; "v.", "e.g.", "No. 5" and initials do not end one."""

from __future__ import annotations

import re

#: A full stop, closing marks, white space, and what may begin a sentence; or the end of a line.
_END = re.compile(r"(?<=[.!?])[\"'”’)\]]*\s+(?=[\"'“‘(\[]*[A-Z0-9])|\n+")
#: Abbreviations that end no sentence although a capital follows, as in "Mata v. Avianca". Those
#: that often do end one ("etc.", "Inc.") are not among them.
_BEFORE_NAME = re.compile(
    r"(?:^|[\s(\[\"'“‘])"
    r"(?:vs?|e\.g|i\.e|cf|viz|Mrs?|Ms|Dr|Prof|Gen|Sen|Rep|Gov|St|(?:[A-Z]\.)*[A-Z])\.$"
)
#: The same where a number follows: "No. 5", "Fig. 2", "Sept. 3".
_BEFORE_NUMBER = re.compile(
    r"(?:^|[\s(\[\"'“‘])"
    r"(?:approx|ca|[Nn]os?|[Ff]igs?|[Ss]ecs?|[Aa]rts?|[Cc]h|[Vv]ol|[Pp]p?|[Ee]d|Eq|Ref|v|"
    r"Jan|Feb|Mar|Apr|Jun|Jul|Aug|Sept?|Oct|Nov|Dec)\.$"
)
#: How far back an abbreviation can begin.
_LONGEST = 12


def sentences(text: str) -> list[str]:
    """The sentences of a text in their order, lines apart, without the white space between them."""
    found, start = [], 0
    for end in _END.finditer(text):
        before = text[max(start, end.start() - _LONGEST) : end.start()]
        number = text[end.end() : end.end() + 1].isdigit()
        if "\n" not in end.group() and (
            _BEFORE_NAME.search(before) or (number and _BEFORE_NUMBER.search(before))
        ):
            continue
        marks = len(end.group()) - len(end.group().lstrip("\"'”’)]"))
        found.append(text[start : end.start() + marks])
        start = end.end()
    found.append(text[start:])
    return [sentence for sentence in found if sentence.strip()]
