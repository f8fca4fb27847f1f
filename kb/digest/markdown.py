"""A digest as Markdown of at most 80 columns, links and headings of ours alone."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator

from kb.digest.contents import Digest, DigestItem, DigestPart, page_address
from kb.humanize import said_day
from kb.review.comment import quoted

_WIDTH = 80
#: What begins a block where a line begins with it.
_BLOCK = re.compile(r"([-+#=>]|\d{1,9}[.)])")


def digest_markdown(digest: Digest) -> str:
    """The whole digest, with a line end."""
    head = f"{digest.name}, as of {said_day(digest.as_of)}."
    lines = [f"# {quoted(digest.title)}", "", *_wrapped(quoted(head)), ""]
    for part in digest.parts:
        lines += [*_part(digest, part), ""]
    lines += [line for text in digest.uncounted for line in (*_wrapped(quoted(text)), "")]
    return "\n".join(lines).rstrip("\n") + "\n"


def _part(digest: Digest, part: DigestPart) -> Iterator[str]:
    yield f"## {quoted(part.title)}"
    yield ""
    if part.sentences:
        yield from _wrapped(quoted(" ".join(part.sentences)))
    if part.sentences and part.items:
        yield ""
    for item in part.items:
        yield from _item(digest, item)
    if part.unlisted:
        yield f"- and {part.unlisted} more"


def _item(digest: Digest, item: DigestItem) -> Iterator[str]:
    address = page_address(digest, item)
    text = quoted(item.text)
    lines = _wrapped(f"[{text}]({address})" if address else f"**{text}**", "- ")
    # Two spaces at its end: what follows stands in a line of its own.
    yield from (*lines[:-1], f"{lines[-1]}  " if item.facts else lines[-1])
    if item.facts:
        yield from _wrapped(" · ".join(quoted(fact) for fact in item.facts), "  ")
    if item.quote:
        yield from _wrapped(quoted(item.quote), "  > ")


def _wrapped(text: str, lead: str = "") -> list[str]:
    """Lines of at most 80 columns, none of which begins a block; an address stays whole."""
    below = lead if lead.endswith("> ") else " " * len(lead)
    width = _WIDTH - len(lead) - 2
    lines = textwrap.wrap(text, width, break_long_words=False, break_on_hyphens=False) or [""]
    guarded = [_BLOCK.sub(r"\\\1", line, count=1) if _BLOCK.match(line) else line for line in lines]
    return [f"{below if number else lead}{line}" for number, line in enumerate(guarded)]
