"""Pages as what a reader sees of their HTML: elements, attributes, and text without idle space."""

from __future__ import annotations

import re
from html.parser import HTMLParser

Token = tuple[object, ...]
#: Elements within a line: space beside them is seen, space beside any other is not.
_INLINE = frozenset(
    {
        *("a", "b", "button", "circle", "code", "del", "em", "i", "img", "kbd", "path", "q"),
        *("rect", "small", "span", "strong", "svg", "text", "time"),
    }
)


def blocks(page: str) -> list[list[Token]]:
    """The blocks of a Markdown page in order, each as the tokens of its HTML; settings first."""
    settings, _, body = page.removeprefix("---\n").partition("\n---\n")
    return [[("settings", settings)], *map(tokens, re.split(r"\n{2,}", body.strip()))]


def tokens(html: str) -> list[Token]:
    """Start tags with their attributes, end tags, comments and texts; space in `pre` is kept."""
    parser = _Tokens()
    parser.feed(html)
    parser.close()
    found = [("", ""), *parser.found, ("", "")]
    kept: list[Token] = []
    depth = 0
    for before, token, after in zip(found, found[1:], found[2:], strict=False):
        depth += {"<": 1, ">": -1}.get(str(token[0]), 0) if token[1] == "pre" else 0
        shown = token if token[0] != "text" or depth else _text(before, token, after)
        kept += [shown] if shown[1] else []
    return kept


def _text(before: Token, token: Token, after: Token) -> Token:
    text = re.sub(r"\s+", " ", str(token[1]))
    text = text if before[1] in _INLINE else text.lstrip(" ")
    return ("text", text if after[1] in _INLINE else text.rstrip(" "))


class _Tokens(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[Token] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = ((name, " ".join((value or "").split())) for name, value in attrs)
        self.found.append(("<", tag, tuple(sorted(p for p in known if p != ("class", "")))))

    def handle_endtag(self, tag: str) -> None:
        self.found.append((">", tag))

    def handle_comment(self, data: str) -> None:
        self.found.append(("comment", data))

    def handle_data(self, data: str) -> None:
        self.found.append(("text", data))
