"""How does text of a record stand in a comment on a Git host? As itself, and without effect.

No markup, no HTML, no mention of a person or team, no reference to an issue, no link, no formula,
no command of the host, nothing invisible; on one line and not longer than a reader needs.
"""

from __future__ import annotations

import html
import re

from kb.terminal import visible

_MAX_LENGTH = 500
_MARKUP = re.compile(r"([\\`*_\[\]|~])")
#: What hosts take for a mention or a reference when a word follows. GitHub: @ # GH-; GitLab also
#: ! % ^ and &, which is an entity by then.
_REFERENCE = re.compile(r"(GH-|[@#!%^]|&amp;)(?=\w)", re.IGNORECASE)
#: Inside web and mail addresses: kept apart there, they are none.
_ADDRESS = re.compile(
    r"(?=://)|(?<=[\w.+-])(?=@)|(?<=\bwww)(?=\.)|(?<=\bmailto)(?=:)|(?<=\bxmpp)(?=:)", re.IGNORECASE
)
_APART = "\u200b"  # shows nothing
#: GitHub reads dollar signs as the ends of a formula unless they stand in an element.
_DOLLAR = "<span>$</span>"


def quoted(text: str, most: int = _MAX_LENGTH) -> str:
    """Text of a record as Markdown that shows it, cut at `most` characters."""
    return _REFERENCE.sub(rf"\1{_APART}", _shown(text, most))


def code(text: str) -> str:
    """The same in code type, where hosts look for no reference: it can be copied as it is."""
    return f"<code>{_shown(text, _MAX_LENGTH)}</code>"


def _shown(text: str, most: int) -> str:
    one_line = visible(" ".join(text[: 8 * most].split()))  # no more than can be needed
    cut = one_line if len(one_line) <= most else one_line[: most - 1].rstrip() + "…"
    plain = _ADDRESS.sub(_APART, html.escape(cut, quote=False))
    return _MARKUP.sub(r"\\\1", plain).replace("$", _DOLLAR)
