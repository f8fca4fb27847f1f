"""HTML to Markdown, by markdownify; what no text can hold is named."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

from kb.adopt.sources.source import UnreadableError
from kb.errors import KbError
from kb.humanize import plural
from kb.installation import install_line

if TYPE_CHECKING:
    from bs4 import BeautifulSoup, Tag
    from markdownify import MarkdownConverter

_NO_TEXT = ("script", "style", "noscript", "template", "iframe", "object", "svg", "nav")
#: Of a page, closing ones too: 800,000 in 4 MB took 26 s of a processor and 540 MB.
MOST_TAGS = 100_000
_SPACES = re.compile(r"[\t \r\n]+")
_BLANK_LINES = re.compile(r"\n{3,}")
_LOWER = {f"h{level}": f"h{min(level + 1, 6)}" for level in range(1, 7)}


def parse(raw: bytes) -> BeautifulSoup:
    """The page, without what is no text.

    Raises `KbError` where the converter is not installed, `UnreadableError` for too many tags.
    """
    try:
        from bs4 import BeautifulSoup
    except ImportError as error:
        raise missing() from error
    if (tags := raw.count(b"<")) > MOST_TAGS:
        raise UnreadableError(f"HTML of {tags:,} tags; at most {MOST_TAGS:,} are read")
    try:
        page = BeautifulSoup(raw, "html.parser")
    except (RecursionError, ValueError, AssertionError) as error:
        raise UnreadableError("HTML that cannot be read") from error
    for tag in page(_NO_TEXT):
        tag.decompose()
    return page


def missing() -> KbError:
    """What to say where the extra is not installed."""
    return KbError(
        "Word and HTML files are read by mammoth and markdownify, which are not installed",
        todo=install_line("adopt"),
    )


def markdown_of(body: Tag, title: str = "") -> tuple[str, tuple[str, ...]]:
    """The text of a page below its title, and what was not carried over.

    With a title the headings of the page go one level down, so that it has one of the first level.
    """
    left = _images(body)
    _boxes(body)
    for link in body("a", href=True):
        link["href"] = _target(str(link["href"]))
    _spaces(body)
    if title:
        for heading in body(list(_LOWER)):
            heading.name = _LOWER[heading.name]
    try:
        text = str(_converter().convert_soup(body))
    except RecursionError as error:
        raise UnreadableError("HTML that is nested too deeply") from error
    lines = "\n".join(line.rstrip() for line in text.replace("\u00a0", " ").splitlines())
    head = f"# {' '.join(title.split())}\n\n" if title else ""
    return head + _BLANK_LINES.sub("\n\n", lines).strip() + "\n", left


def _converter() -> MarkdownConverter:
    from markdownify import MarkdownConverter

    class Converter(MarkdownConverter):  # type: ignore[misc,unused-ignore]
        """Its own way to take blank lines off a block is quadratic in the spaces there."""

        def convert_pre(self, el: Tag, text: str, parent_tags: set[str]) -> str:
            text = text.rstrip(" \n")
            blank = text[: len(text) - len(text.lstrip(" \n"))]
            text = text[blank.rfind("\n") + 1 :]
            return str(super().convert_pre(el, text, parent_tags))  # type: ignore[misc]

    return Converter(heading_style="ATX", bullets="-", table_infer_header=True, strip_pre=None)


def _spaces(body: Tag) -> None:
    """Spaces outside of blocks become one, or one line end, as the converter would have them.

    Its own pattern tries each of a row of spaces anew.
    """
    from bs4.element import NavigableString, Tag

    waiting = [(body, body.name == "pre")]
    while waiting:
        tag, is_block = waiting.pop()
        for child in list(tag.children):
            if isinstance(child, Tag):
                waiting.append((child, is_block or child.name == "pre"))
            elif type(child) is NavigableString and not is_block:
                text = _SPACES.sub(lambda found: "\n" if _has_end(found[0]) else " ", child)
                if text != child:
                    child.replace_with(text)


def _has_end(spaces: str) -> bool:
    return "\n" in spaces or "\r" in spaces


def _images(body: Tag) -> tuple[str, ...]:
    """Each image becomes its description: the image itself lies elsewhere, or inside the page."""
    images = body("img")
    for image in images:
        words = " ".join(str(image.get("alt") or "").split())
        image.replace_with(f"(image: {words})" if words else "(image)")
    return (plural(len(images), "image"),) if images else ()


def _boxes(body: Tag) -> None:
    """Check boxes of Confluence and Notion become those of Markdown, a task without a word none.

    Whom a task of Confluence is given to is named, not linked: the link leads into the wiki.
    """
    for item in body.select("ul.inline-task-list > li"):
        if not item.get_text(strip=True):
            item.decompose()
            continue
        for person in item.select("a.user-mention"):
            person.unwrap()
        item.insert(0, "[x] " if "checked" in (item.get("class") or ()) else "[ ] ")
    for box in body.select("li > div.checkbox"):
        box.replace_with("[x] " if "checkbox-on" in (box.get("class") or ()) else "[ ] ")


def _target(address: str) -> str:
    """Where a link leads; Google Docs puts a page of its own before it."""
    parts = urlsplit(address) if address.startswith("https://www.google.com/url?") else None
    found = parse_qs(parts.query).get("q") if parts else None
    return found[0] if found else address
