"""HTML: pages of Google Docs ("Web page"), of a Confluence space export, and any other.

Google Docs gives the title the class `title`:
https://support.google.com/docs/answer/49114 (File, Download, Web Page).
Confluence has it in `#title-text`, behind the space's name, and the text in `#main-content`; who
wrote it, in `.page-metadata`, is left out:
https://confluence.atlassian.com/doc/export-content-to-word-pdf-html-and-xml-139475.html
(both read 2026-11-30).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kb.adopt.sources.html_text import markdown_of, parse
from kb.adopt.sources.notion import without_id
from kb.adopt.sources.source import ForeignText, PostmortemSource, SourceFile, UnreadableError

if TYPE_CHECKING:
    from bs4 import BeautifulSoup, Tag

_AROUND = ("#breadcrumb-section", ".page-metadata", "#footer", "header.site-header")


def _is_theirs(file: SourceFile) -> bool:
    return file.suffix in {".html", ".htm"}


def _read(file: SourceFile) -> tuple[ForeignText, ...]:
    page = parse(file.raw)
    title, body = _parts(page)
    if not body.get_text(strip=True):
        raise UnreadableError("a page without text")
    text, left = markdown_of(body, title)
    return (ForeignText(text.encode(), stem=without_id(file.path.stem), left=left),)


def _parts(page: BeautifulSoup) -> tuple[str, Tag]:
    """The title, empty where a heading of the text is it, and the part that holds the text."""
    for place in _AROUND:
        for tag in page.select(place):
            tag.decompose()
    heading = page.select_one("#title-text")
    if heading is not None:
        title = heading.get_text(" ", strip=True)
        content = page.select_one("#main-content")
        return title.partition(" : ")[2] or title, content or page
    named = page.select_one("p.title, h1.page-title")
    if named is not None and named.get_text(strip=True):
        named.extract()
        return named.get_text(" ", strip=True), page.body or page
    body = page.body or page
    own = page.title.get_text(" ", strip=True) if page.title and not body.find("h1") else ""
    if page.title is not None:
        page.title.extract()
    return own, body


SOURCE = PostmortemSource(
    "HTML", "pages of Google Docs, Confluence, Notion and others", _is_theirs, _read
)
