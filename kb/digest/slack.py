"""A digest as a message of Slack: Block Kit, in which text of records mentions and formats nothing.

Limits: docs.slack.dev/reference/block-kit/blocks (50 blocks a message, 3,000 characters of a
section's text, 150 of a header). What does not fit is counted at the end.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from kb.digest.contents import Digest, DigestItem, DigestPart, page_address
from kb.humanize import plural, said_day
from kb.sentences import clipped
from kb.terminal import visible

MOST_BLOCKS, MOST_SECTION, MOST_HEADER = 50, 3_000, 150
#: The words for notifications, and of one text of a record: a line, not a page.
_MOST_FALLBACK, _MOST_TEXT = 1_000, 400
#: Slack escapes three signs (docs.slack.dev/messaging/formatting-message-text); its marks for bold,
#: italic, struck and code have no escape, and a sign that looks like each stands for it.
_ESCAPES = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", "*": "∗", "~": "∼", "`": "ˋ", "_": "ˍ", "|": "¦"}
)


def slack_message(digest: Digest) -> dict[str, Any]:
    """The message as an incoming webhook takes it: `text` for notifications, and `blocks`."""
    head = _escaped(f"{digest.name}, as of {said_day(digest.as_of)}")
    blocks = [_header(digest.title), _context(head)]
    for part in digest.parts:
        blocks += (_section(text) for text in _chunks(_lines(digest, part)))
    foot = [_context(text) for text in _chunks(_escaped(text) for text in digest.uncounted)]
    room = MOST_BLOCKS - len(foot) - 1
    if len(blocks) > room:
        left = plural(len(blocks) - room, "part")
        blocks = [*blocks[:room], _context(f"{left} more: kb digest --format html")]
    whole = " ".join(text for part in digest.parts for text in part.sentences)
    summary = _escaped(f"{digest.title}: {whole}", _MOST_FALLBACK)
    return {"text": summary, "blocks": [*blocks, *foot]}


def _lines(digest: Digest, part: DigestPart) -> Iterator[str]:
    sentences = _escaped(" ".join(part.sentences), MOST_SECTION // 2)
    yield f"*{_escaped(part.title)}*" + (f"\n{sentences}" if sentences else "")
    yield from (_item(digest, item) for item in part.items)
    if part.unlisted:
        yield f"and {part.unlisted} more"


def _item(digest: Digest, item: DigestItem) -> str:
    text, address = _escaped(item.text), page_address(digest, item)
    shown = f"<{_escaped_address(address)}|{text}>" if address else f"*{text}*"
    facts = " · ".join(_escaped(fact) for fact in item.facts[:6])
    quote = f"\n“{_escaped(item.quote)}”" if item.quote else ""
    return f"• {shown}" + (f"\n{facts}" if facts else "") + quote


def _chunks(texts: Iterable[str]) -> Iterator[str]:
    """The texts in as few parts as hold them; none is longer than a section may be."""
    held = ""
    for text in texts:
        cut = clipped(text, MOST_SECTION)
        if held and len(held) + len(cut) + 1 > MOST_SECTION:
            yield held
            held = ""
        held = f"{held}\n{cut}" if held else cut
    if held:
        yield held


def _header(text: str) -> dict[str, Any]:
    shown = visible(" ".join(text.split()))
    return {
        "type": "header",
        "text": {"type": "plain_text", "text": clipped(shown, MOST_HEADER), "emoji": False},
    }


def _section(text: str) -> dict[str, Any]:
    return {"type": "section", "text": _marked(text)}


def _context(text: str) -> dict[str, Any]:
    return {"type": "context", "elements": [_marked(text)]}


def _marked(text: str) -> dict[str, Any]:
    # Verbatim: no name, channel or address in it becomes a mention or a link.
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def _escaped(text: str, most: int = _MOST_TEXT) -> str:
    return clipped(visible(" ".join(text.split())), most).translate(_ESCAPES)


def _escaped_address(address: str) -> str:
    return address.replace("&", "&amp;").replace("|", "%7C").replace(">", "%3E")
