"""A record that is all list: what it costs whoever reads it stays in proportion, and that is said.

Counted are pages, values and characters, never seconds.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path, PurePath
from typing import Any

import pytest
from kb.actions.render import MOST_SHOWN
from kb.library import open_library
from kb.lint.runner import check
from kb.records.document import (
    MAX_TITLE_CHARACTERS,
    Document,
    read_document,
)
from kb.records.form import build_form
from kb.records.front_matter import MAX_FRONT_CHARACTERS, MAX_FRONT_VALUES
from kb.records.postmortem import interpret
from kb.records.record_files import MAX_SEARCHED_CHARACTERS
from kb.search.indexed_records.passages import record_passages
from kb.site.links import MOST_WORDS, PageNames
from kb.site.write import all_pages

from test_metrics_command import run  # noqa: F401 - a fixture
from test_site_pages import site_of

FORM = build_form()
TODAY = date(2026, 6, 1)
FACTS = "title: x\ndate: 2026-01-03\nstatus: published\nroute: r\n"
NAME = "2026-01-03-x.md"


def read(front: str, body: str = "", facts: str = FACTS) -> Document:
    text = f"---\n{facts}{front}---\n\n## Summary\n\nIt paid twice.\n{body}"
    return read_document(text.encode(), PurePath(NAME), FORM)


def put(folder: Path, name: str, front: str, body: str = "", facts: str = FACTS) -> None:
    (folder / "postmortems" / name).write_text(
        f"---\n{facts}{front}---\n\n# x\n\n## Summary\n\nIt paid twice.\n{body}"
    )


def owners(count: int) -> str:
    return f"owners: [{', '.join(f'o{number}' for number in range(count))}]\n"


@pytest.mark.parametrize(
    "front",
    [
        owners(MAX_FRONT_VALUES),
        "a: \n" * MAX_FRONT_VALUES,
        "".join(f"k{number}: x\n" for number in range(MAX_FRONT_VALUES)),
        "signoffs:\n" + "- {owner: a}\n" * MAX_FRONT_VALUES,
        f"route: {'r' * MAX_FRONT_CHARACTERS}\n",
        "# a comment\n" * MAX_FRONT_CHARACTERS,
    ],
    ids=["list", "one key", "keys", "groups", "value", "comments"],
)
def test_front_matter_that_no_record_needs_is_a_fault_and_not_read(front: str) -> None:
    document = read(front)
    assert [fault.name for fault in document.faults] == ["too-large"]
    assert document.front.entries == ()
    assert [section.key for section in document.sections] == ["summary"]


def test_a_long_list_that_is_none_of_these_is_read_whole() -> None:
    document = read(owners(1_500))
    record = interpret(document)
    assert record
    assert (document.faults, len(record.owners)) == ((), 1_500)


@pytest.mark.parametrize("facts", [FACTS.replace("x", "x" * 2_000, 1), "date: 2026-01-03\n"])
def test_a_title_is_cut_wherever_it_is_shown(facts: str) -> None:
    text = f"---\n{facts}---\n\n# {'x' * 2_000}\n"
    record = interpret(read_document(text.encode(), PurePath(NAME), FORM))
    assert record
    assert (len(record.title), record.title[-2:]) == (MAX_TITLE_CHARACTERS, "x…")


def test_the_check_says_that_a_title_is_cut(library_folder: Path) -> None:
    put(library_folder, NAME, "", facts=FACTS.replace("x", "x" * 2_000, 1))
    said = [p.message for p in check(open_library(library_folder), today=TODAY).problems]
    assert f"'title' has 2,000 characters; of them {MAX_TITLE_CHARACTERS} are shown" in said


def test_the_check_names_a_front_matter_that_was_not_read_and_nothing_it_lacks(
    library_folder: Path,
) -> None:
    put(library_folder, NAME, owners(MAX_FRONT_VALUES))
    problems = check(open_library(library_folder), today=TODAY).problems
    assert "too-large" in {problem.name for problem in problems}
    assert not {"no-front-matter", "missing-key"} & {problem.name for problem in problems}


def test_the_words_of_a_kind_have_so_many_pages_and_the_rest_is_counted(
    library_folder: Path,
) -> None:
    for number in range(3):
        put(library_folder, f"2026-01-0{number + 1}-x.md", owners(MOST_WORDS + 200))
    put(library_folder, "2026-01-07-x.md", "owners: [last, o0]\n" + "tools: [a, b]\n")
    site = site_of(library_folder)
    pages = {page.path: page.body for page in all_pages(site)}
    assert sum(path.startswith("owners/") for path in pages) == MOST_WORDS
    assert "201 further words of fewer records, without a page" in pages["owners"]
    assert "further word" not in pages["tools"]
    assert list(site.names.left_out(site.kinds.values())) == [
        f"Owners: the {MOST_WORDS:,} words of the most records have a page, 201 others have none"
    ]
    assert "kb:../../owners/last/" not in pages["incidents/2026-01-07-x"]


def test_the_pages_go_to_the_words_of_the_most_records(library_folder: Path) -> None:
    put(library_folder, "2026-01-03-x.md", owners(MOST_WORDS))
    put(library_folder, "2026-01-04-x.md", "owners: [often]\n")
    put(library_folder, "2026-01-05-x.md", "owners: [often]\n")
    names = PageNames.of(open_library(library_folder).records)
    assert names.path("owners", "often") == "owners/often"
    assert names.path("owners", f"o{MOST_WORDS - 1}") == ""


@pytest.mark.parametrize(
    ("front", "body"),
    [
        ("", "\n## Action items\n\n" + "- [ ] do — gate: restart\n" * 2_000),
        ("", "\n## Action items\n\n" + "- A1: do — gate: restart\n" * 2_000),
        ("a: x\n" * 1_500, ""),
        ("signoffs:\n" + "- {owner: a, actions: [A1]}\n" * 600, ""),
        (f"signoffs:\n- {{owner: a, actions: [{'A1, ' * 3_000}]}}\n", ""),
    ],
    ids=["conditions", "no conditions", "keys", "sign-offs", "labels"],
)
def test_a_deploy_log_gets_the_first_of_many_and_how_many_there_are(
    run: Any,  # noqa: F811
    library_folder: Path,
    front: str,
    body: str,
) -> None:
    put(library_folder, NAME, front, body)
    _, said, _ = run(library_folder, "gate", "r")
    assert len(said) < 20_000
    assert " more" in said
    assert len(said.splitlines()) < 5 * MOST_SHOWN


def test_search_reads_so_much_of_a_record_and_the_check_says_so(library_folder: Path) -> None:
    lines = "- 2026-01-03 10:00 UTC — it paid again\n" * 40_000
    put(library_folder, NAME, "", f"\n## Timeline\n\n{lines}")
    library = open_library(library_folder)
    passages = record_passages(library.documents[0])
    assert sum(len(p.text) for p in passages) <= MAX_SEARCHED_CHARACTERS + len(passages)
    assert passages[0].text == "It paid twice."
    said = [p.message for p in check(library, today=TODAY).problems if p.name == "too-large"]
    assert said == ["1,560,051 characters: search reads the first 200,000"]
