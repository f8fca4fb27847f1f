"""A digest as one HTML page without a script, a font or a picture: for a browser or a mail."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from kb.digest.contents import Digest, DigestItem, DigestPart, page_address
from kb.humanize import said_day
from kb.terminal import visible

_STYLE = (
    "body{margin:0 auto;max-width:42rem;padding:1.5rem 1rem;font:16px/1.5 system-ui,sans-serif;"
    "color:#1c1b1a;background:#fff;overflow-wrap:anywhere}"
    "h1{font-size:1.5rem;line-height:1.25;margin:0}h2{font-size:1.1rem;margin:1.6rem 0 .3rem}"
    "p{margin:.3rem 0}ul{margin:.3rem 0;padding:0;list-style:none}"
    "li{margin:.5rem 0;padding:.1rem 0 .1rem .8rem;border-left:3px solid #d8d4cd}"
    "a{color:#0b57a4}b{font-weight:600}.f,.n{color:#5c5852;font-size:.88rem}"
    "blockquote{margin:.2rem 0;font-style:italic}footer{margin-top:2rem}"
    "@media(prefers-color-scheme:dark){body{color:#e9e6e1;background:#191817}"
    "li{border-color:#45423d}a{color:#8ab8f0}.f,.n{color:#aaa59d}}"
)
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def digest_html(digest: Digest) -> str:
    """The whole page, with a line end."""
    title = _escaped(digest.title)
    head = _escaped(f"{digest.name}, as of {said_day(digest.as_of)}")
    parts = "\n".join(line for part in digest.parts for line in _part(digest, part))
    notes = "\n".join(f'<p class="n">{_escaped(text)}</p>' for text in digest.uncounted)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{escape(_POLICY)}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{title}</title>\n<style>{_STYLE}</style></head>\n"
        f'<body><h1>{title}</h1>\n<p class="n">{head}</p>\n<main>\n{parts}\n</main>\n'
        f"<footer>\n{notes}\n</footer></body></html>\n"
    )


def _part(digest: Digest, part: DigestPart) -> Iterator[str]:
    yield f"<h2>{_escaped(part.title)}</h2>"
    if part.sentences:
        yield f"<p>{_escaped(' '.join(part.sentences))}</p>"
    if part.items:
        yield "<ul>"
        yield from (_item(digest, item) for item in part.items)
        yield "</ul>"
    if part.unlisted:
        yield f'<p class="n">and {part.unlisted} more</p>'


def _item(digest: Digest, item: DigestItem) -> str:
    address = page_address(digest, item)
    text = f"<b>{_escaped(item.text)}</b>"
    shown = f'<a href="{escape(address)}">{text}</a>' if address else text
    facts = " · ".join(_escaped(fact) for fact in item.facts)
    facts_line = f'<p class="f">{facts}</p>' if facts else ""
    quote = f"<blockquote>{_escaped(item.quote)}</blockquote>" if item.quote else ""
    return f"<li><p>{shown}</p>{facts_line}{quote}</li>"


def _escaped(text: str) -> str:
    return escape(visible(" ".join(text.split())))
