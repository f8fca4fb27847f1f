"""What does a record say in plain words? For previews, feeds and lists: no markup."""

from __future__ import annotations

import re

from kb.records.model import Postmortem

_MARKS = re.compile(r"[*_`]{1,3}(?=\S)|(?<=\S)[*_`]{1,3}")
_LINK = re.compile(r"!?\[([^\]\n]*)\]\([^)\n]*\)")
_SENTENCE = re.compile(r"(?<=[.!?])\s+")


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
    return kept if len(kept) <= limit else kept[: limit - 1].rsplit(" ", 1)[0] + "…"
