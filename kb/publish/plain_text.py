"""What does a record say in plain words? For previews, feeds and lists: no markup."""

from __future__ import annotations

import re

from kb.records.model import Postmortem

_MARKS = re.compile(r"[*_`]{1,3}(?=\S)|(?<=\S)[*_`]{1,3}")
_LINK = re.compile(r"!?\[([^\[\]\n]*)\]\((?:[^()\n]|\([^()\n]*\))*\)")
#: Where a sentence ends: not behind an initial or an abbreviation (`Mata v. Avianca`, `e.g.`).
_SENTENCE = re.compile(
    r"(?<=[.!?])(?<!\b[A-Za-z]\.)(?<!\b(?:vs|Mr|Ms|Dr|No|St|cf)\.)(?<!\b(?:Mrs|etc)\.)\s+"
)


def summary_text(record: Postmortem, limit: int = 300) -> str:
    """The first sentences of the summary, up to about `limit` characters; empty where none is."""
    section = record.section("summary")
    if section is None:
        return ""
    prose = " ".join(line.text.strip() for line in section.prose_lines)
    return cut(plain(prose), limit)


def plain(markdown: str) -> str:
    """Markdown of one paragraph without its marks."""
    return " ".join(_MARKS.sub("", _LINK.sub(r"\1", markdown)).split())


def cut(text: str, limit: int) -> str:
    """Whole sentences up to `limit` characters, at least one, which is cut where it is longer."""
    kept = ""
    for sentence in _SENTENCE.split(text):
        if kept and len(kept) + len(sentence) + 1 > limit:
            break
        kept = f"{kept} {sentence}".strip()
    if len(kept) <= limit:
        return kept
    return kept[: limit - 1].rsplit(" ", 1)[0].rstrip(",;:(–— ") + "…"
