"""Markdown, and plain text that a person named: the text itself."""

from __future__ import annotations

from kb.adopt.sources.source import ForeignText, PostmortemSource, SourceFile


def _is_theirs(file: SourceFile) -> bool:
    return file.suffix in {".md", ".markdown", ".txt"}


def _read(file: SourceFile) -> tuple[ForeignText, ...]:
    return (ForeignText(file.raw, stem=file.path.stem),)


SOURCE = PostmortemSource("Markdown", ".md, UTF-8, and .txt where it is named", _is_theirs, _read)
