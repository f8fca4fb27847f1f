"""Notion: pages of an export as "Markdown & CSV", whose names end in the page's id.

A page is a heading, its properties as `Name: value` lines, and its text:
https://www.notion.com/help/export-your-content (read 2026-11-30). Exports as HTML are read as web
pages; the table that lies beside a folder of pages lists them once more, and is left alone.
"""

from __future__ import annotations

import re

from kb.adopt.sources.source import ForeignText, PostmortemSource, SourceFile

_ID = re.compile(r"[ -][0-9a-f]{32}$")


def _is_theirs(file: SourceFile) -> bool:
    return file.suffix == ".md" and bool(_ID.search(file.path.stem))


def _read(file: SourceFile) -> tuple[ForeignText, ...]:
    return (ForeignText(file.raw, stem=without_id(file.path.stem)),)


def without_id(stem: str) -> str:
    """The name of a page or table without the id that Notion puts behind it."""
    return _ID.sub("", stem)


SOURCE = PostmortemSource("Notion", 'pages of an export as "Markdown & CSV"', _is_theirs, _read)
