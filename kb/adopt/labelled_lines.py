"""The lines of a text's head that name a value: `Severity: SEV2`, `| Detected | 2021-03-04 |`."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from html import unescape

from kb.records.document import Document

#: Labels are read in so many lines from the top: below, a `Date:` may be that of anything.
_HEAD_LINES = 60
#: A label and its value on one line: a key of front matter, a list item, a row of a table.
_LABEL = re.compile(
    r"[ \t>|*_+#-]*(?P<label>[^\W\d_](?:[^\W\d]|[ '’/()（）&-]){1,40}?)"
    r"(?P<aside>[ ]?[(（][^()（）]{1,60}[)）])?[ \t*_`]*[:：=|][ \t*_`|]*(?P<value>.*)$"
)
_BRACKET = re.compile(r"[(（](?P<inside>[^()（）]{1,20})[)）]")
EDGES = " \t*_|`\"'"


@dataclass(frozen=True, slots=True)
class LabelledLine:
    """A label in small letters, what stands behind it, and the number of the line.

    `note` is what the label has in brackets, as written: `UTC` of `Detected (UTC)`.
    """

    label: str
    value: str
    line: int
    note: str = ""


def labelled_lines(document: Document) -> Iterator[LabelledLine]:
    """The labelled values of the head, its own front matter included; no code, no comments."""
    skipped = {line.number for line in document.lines if line.fence is not None or line.comment}
    own = range(1, document.front.end_line + 1)
    # The date of a source or an author is indented there.
    skipped |= {n for n in own if document.source_line(n)[:1] in {" ", "-"}}
    for number in range(1, _HEAD_LINES + 1):
        found = _LABEL.match(document.source_line(number)) if number not in skipped else None
        value = unescape(found["value"].partition("|")[0]).strip(EDGES + "\xa0") if found else ""
        if found and value:
            note = _BRACKET.search(found["label"] + (found["aside"] or ""))
            plain = _BRACKET.sub("", found["label"]).strip(EDGES).lower().replace("_", " ")
            label = " ".join(plain.split())
            yield LabelledLine(label, value, number, note["inside"] if note else "")


def toml_title(document: Document, labels: Iterable[LabelledLine]) -> str:
    """The title that front matter in TOML gives, empty for none."""
    if document.source_line(1).rstrip() != "+++":
        return ""
    lines = range(2, _HEAD_LINES)
    end = next((n for n in lines if document.source_line(n).rstrip() == "+++"), 0)
    return next((row.value for row in labels if row.label == "title" and row.line < end), "")
