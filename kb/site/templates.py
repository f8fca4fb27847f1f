"""The templates of pages: one environment, and the one function that makes pages of values.

A page is Markdown: its headings are Markdown, everything else is HTML in blocks. Two lines of a
template end a block: a bare `<h2>`, which becomes a Markdown heading, and `<!-- block -->`. No
record can write either: its text is escaped, and its Markdown sanitised by `kb.site.safe_html`.
"""

from __future__ import annotations

import html
import re
from datetime import date
from functools import lru_cache

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from kb.humanize import duration, in_words, plural, said_day
from kb.site.safe_html import to_inline_html, without_controls

#: A line that ends a block: with the text of a heading, or with none.
_END = re.compile(r"\n<(?:h2>(.*)</h2>|!-- block -->)(?=\n)")
#: Blank lines, and the space before the first word of a line.
_BLANK = re.compile(r"\n[ \t\n]+")


def render(name: str, /, **values: object) -> Markup:
    """A template with its values, as part of a Markdown page.

    Every text among the values is escaped, `Markup` stands as it is, and control characters and
    lone surrogates of either are replaced. No line of a block is blank, for a blank line would end
    it. Raises `jinja2.UndefinedError` for a value that the template asks for and did not get.
    """
    text = environment().get_template(name).render(values)
    return Markup(_in_blocks(text))  # noqa: S704 - escaped by the environment


@lru_cache(maxsize=1)
def environment() -> Environment:
    """The environment that all templates share: autoescape for each, and no name undefined."""
    made = Environment(
        loader=PackageLoader("kb.site", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        auto_reload=False,
    )
    made.filters |= {
        "duration": duration,
        "in_words": in_words,
        "inline": to_inline_html,
        "iso_day": _iso_day,
        "one_line": _one_line,
        "plural": plural,
        "said_day": _said_day,
        "thousands": _thousands,
    }
    return made


def _in_blocks(text: str) -> str:
    """HTML without control characters, and without blank lines but where a block ends."""
    clean = without_controls(text).replace("\r", "\n")
    dense = _BLANK.sub("\n", f"\n{clean}\n")
    ended = _END.sub(_blank_line, dense)
    while "\n\n\n" in ended:
        ended = ended.replace("\n\n\n", "\n\n")
    return ended.strip("\n")


def _blank_line(end: re.Match[str]) -> str:
    """A blank line, and the heading that follows where the end of a block is one."""
    return "\n" if end[1] is None else f"\n\n{_heading(html.unescape(end[1]))}\n"


def _heading(text: str) -> str:
    """A Markdown heading of level 2 whose text is only text, whatever it holds."""
    plain = "".join(c if c.isalnum() or c in " ,." else f"&#{ord(c)};" for c in text.strip())
    return f"## {' '.join(plain.split()) or 'Untitled'}"


@lru_cache(maxsize=4096)
def _iso_day(at: date) -> str:
    return f"{at:%Y-%m-%d}"


@lru_cache(maxsize=4096)
def _said_day(at: date) -> str:
    return said_day(at)


def _one_line(text: str) -> Markup:
    """Text for inside `<pre>`, its line ends as references: a blank line would end the block."""
    return Markup("&#10;").join(text.strip().split("\n"))


def _thousands(count: int) -> str:
    return f"{count:,}"
