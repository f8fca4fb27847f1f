"""Markdown: the text itself."""

from __future__ import annotations

from kb.adopt.sources.source import ForeignText, PostmortemSource, SourceFile


def _is_theirs(file: SourceFile) -> bool:
    return file.suffix in {".md", ".markdown"}


def _read(file: SourceFile) -> tuple[ForeignText, ...]:
    return (ForeignText(file.raw, stem=file.path.stem),)


SOURCE = PostmortemSource("Markdown", ".md, UTF-8", _is_theirs, _read)
