"""The list of the casebook's sources: one Markdown line per public record."""

from __future__ import annotations

import re

from kb.library import Library
from kb.records.postmortem import Postmortem

#: What may stand between angle brackets as a Markdown link: an address without spaces or brackets.
_ADDRESS = re.compile(r"https?://[^\s<>]+")
_SEPARATOR = " · "


def source_list(library: Library) -> str:
    """The page as Markdown, oldest record first: each published public record and its sources.

    It depends on the front matter alone, so the same records give the same bytes.
    """
    records = [record for record in library.published if record.origin == "public"]
    return "\n".join((*_head(len(records)), *map(_line, records), ""))


def _head(count: int) -> tuple[str, ...]:
    return (
        "# Sources of the casebook",
        "",
        "Generated from the code (`kb.site.machine.casebook_sources.source_list`): the "
        "`sources` in the front matter of every published public record, as they stand there.",
        "What a source supports is said in the record; a link here is no endorsement.",
        "",
        f"{count} records.",
        "",
    )


def _line(record: Postmortem) -> str:
    name = f"[{record.id}](../{record.path.as_posix()})"
    return f"- {name} — {_SEPARATOR.join(map(_source, record.sources)) or 'no source given'}"


def _source(text: str) -> str:
    """An address as a link, anything else as code, so that it stays what was written."""
    return f"<{text}>" if _ADDRESS.fullmatch(text) else f"`{text.replace('`', '')}`"
