"""The list of the casebook's sources: one line a record, the same bytes for the same records."""

from __future__ import annotations

from pathlib import Path

from kb.library import open_library
from kb.site.machine.casebook_sources import source_list

from conftest import ROOT

RECORD = """---
title: A made-up incident
date: {date}
status: {status}
origin: {origin}
sources: {sources}
---
# A made-up incident
"""


def library_of(folder: Path, **records: dict[str, str]) -> str:
    """The list for records given by slug."""
    (folder / "postmortems").mkdir()
    for slug, values in records.items():
        text = RECORD.format(**{"status": "published", "origin": "public", **values})
        (folder / "postmortems" / f"{values['date']}-{slug}.md").write_text(text, encoding="utf-8")
    return source_list(open_library(folder))


def lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.startswith("- ")]


def test_every_public_record_has_one_line_oldest_first(tmp_path: Path) -> None:
    text = library_of(
        tmp_path,
        later={"date": "2026-02-01", "sources": "[https://b.example/1, https://b.example/2]"},
        earlier={"date": "2026-01-01", "sources": "[https://a.example]"},
    )
    assert lines(text) == [
        "- [2026-01-01-earlier](../postmortems/2026-01-01-earlier.md) — <https://a.example>",
        "- [2026-02-01-later](../postmortems/2026-02-01-later.md)"
        " — <https://b.example/1> · <https://b.example/2>",
    ]


def test_a_teams_own_records_and_drafts_are_left_out(tmp_path: Path) -> None:
    text = library_of(
        tmp_path,
        own={"date": "2026-01-01", "origin": "own", "sources": "[https://a.example]"},
        draft={"date": "2026-01-02", "status": "draft", "sources": "[https://a.example]"},
    )
    assert lines(text) == []
    assert "0 records." in text


def test_what_is_no_web_address_is_shown_as_it_was_written(tmp_path: Path) -> None:
    text = library_of(
        tmp_path, odd={"date": "2026-01-01", "sources": "['javascript:alert(1)', '<b>x</b>']"}
    )
    assert lines(text)[0].endswith(" — `javascript:alert(1)` · `<b>x</b>`")


def test_the_committed_list_is_the_one_of_the_casebook() -> None:
    committed = (ROOT / "docs" / "casebook-sources.md").read_text(encoding="utf-8")
    assert committed == source_list(open_library(ROOT))
