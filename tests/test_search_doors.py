"""The command, Python, the look-ups for agents, the editor and the site give one answer."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import kb as kb_package
import pytest
from kb.library import load_document, open_library, unread_library
from kb.lsp.earlier_incidents import WarmIndex
from kb.search.answer_json import answer_value
from kb.search.index.index import build_index

from search_library import write_record, write_stories
from test_mcp import ask as ask_mcp

pytestmark = pytest.mark.model

PAID = "a retry paid the customer a second time"


def command(root: Path, *arguments: str) -> list[tuple[str, str, float]]:
    done = subprocess.run(
        [sys.executable, "-m", "kb", "similar", "--json", *arguments],
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
    )
    return matches(json.loads(done.stdout))


def matches(answer: dict[str, Any]) -> list[tuple[str, str, float]]:
    """What is told of each match: whose it is, which, and how probable."""
    return [(m["library"], m["id"], m["probability"]) for m in answer["matches"]]


@pytest.fixture
def stories(library_folder: Path) -> Path:
    write_stories(library_folder)
    build_index(unread_library(library_folder))
    return library_folder


@pytest.mark.parametrize("casebook", [False, True])
def test_a_text_is_answered_alike_by_command_python_and_look_up(
    stories: Path, casebook: bool
) -> None:
    (stories / "kb.toml").write_text(f"[search]\ncasebook = {str(casebook).lower()}\n")
    told = command(stories, PAID)
    assert told
    assert matches(answer_value(kb_package.open(stories).similar(PAID))) == told
    assert matches(ask_mcp(stories, "similar_incidents", query=PAID)) == told


def test_a_young_library_is_answered_from_the_casebook_at_every_door(stories: Path) -> None:
    told = command(stories, PAID)
    assert len({library for library, _, _ in told}) == 2
    assert matches(ask_mcp(stories, "similar_incidents", query=PAID)) == told


def test_a_draft_is_answered_alike_by_command_and_editor(stories: Path) -> None:
    path = write_record(stories, "2026-03-01-draft", "Paid twice", summary=PAID, status="draft")
    told = command(stories, str(path))
    library = unread_library(stories)
    record = _Open(load_document(path, library.form, library.root))
    found = WarmIndex(library).ask(record).answer  # type: ignore[arg-type]
    assert found
    assert matches(answer_value(found)) == told


class _Open:
    """What the editor hands over of a record that is open in it."""

    def __init__(self, document: Any) -> None:
        self.document, self.version = document, 1
        self.today: date = datetime.now(UTC).date()


def test_the_newest_record_is_answered_on_the_site_as_by_the_command(stories: Path) -> None:
    newest = "2026-03-02-paid-again"
    write_record(stories, newest, "Paid twice again", summary=PAID)
    told = command(stories, newest, "--no-casebook")
    assert told
    from kb.site.related_incidents import find_related

    around, why_not = find_related(open_library(stories))
    assert not why_not
    assert [(m.id, round(m.probability, 3)) for m in around[newest]] == [
        (name, round(chance, 3)) for _, name, chance in told
    ]
    chances = [match.probability for match in around[newest]]
    assert chances == sorted(chances, reverse=True)
