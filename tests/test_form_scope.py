"""Old and new records side by side: adopted by file, scopes with rules of their own, editions."""

from __future__ import annotations

import dataclasses
from datetime import date
from pathlib import Path

import pytest
from kb.config import parse_config
from kb.errors import KbError
from kb.library import Library, open_library
from kb.lint.parallel_check import check_library
from kb.lint.registry import all_rules
from kb.lint.rule import LintContext, run_rules
from kb.lint.runner import build_context
from kb.search.index.storage import form_key

from conftest import EXAMPLE

TODAY = date(2026, 11, 30)
OLD = "---\ntitle: Queue stood still\ndate: 2019-03-04\nstatus: published\n{more}---\n\nText.\n"
NAME = "2019-03-04-queue.md"


def library(root: Path, settings: str, **records: str) -> Library:
    """A library with these settings; `records` are the further keys of old records by name."""
    (root / "postmortems").mkdir(exist_ok=True)
    (root / "kb.toml").write_text(settings)
    for name, more in (records or {"queue": ""}).items():
        path = root / "postmortems" / f"2019-03-04-{name}.md"
        path.write_text(OLD.format(more=more))
    return open_library(root)


def errors(root: Path) -> set[str]:
    return {p.name for p in check_library(root, today=TODAY).problems if p.severity == "error"}


def test_a_pattern_of_files_adopts_them_without_a_word_in_them(tmp_path: Path) -> None:
    library(tmp_path, "")
    assert errors(tmp_path)
    found = library(tmp_path, '[library]\nadopted = ["postmortems/2019-*"]\n')
    assert not errors(tmp_path)
    assert [(record.form, record.is_adopted) for record in found.records] == [("adopted", True)]


def test_what_a_record_says_of_its_form_holds_before_kb_toml(tmp_path: Path) -> None:
    settings = (
        '[library]\nadopted = ["postmortems/2019-*"]\n'
        '[[form.scope]]\nfiles = ["postmortems/*"]\nprofile = "full"\n'
    )
    found = library(tmp_path, settings, silent="", short="form: short\n", adopted="form: adopted\n")
    told = {record.title: record for record in found.records}
    assert len(told) == 1
    by_id = {record.id.removeprefix("2019-03-04-"): record for record in found.records}
    assert {name: record.is_adopted for name, record in by_id.items()} == {
        "adopted": True,
        "short": False,
        "silent": True,
    }
    assert (by_id["short"].profile, by_id["silent"].profile) == ("short", "full")


def test_a_scope_has_a_profile_and_rules_of_its_own_and_the_rest_has_not(tmp_path: Path) -> None:
    (tmp_path / "postmortems").mkdir()
    new = tmp_path / "postmortems" / EXAMPLE.name
    new.write_text(EXAMPLE.read_text().replace("## Summary", "## Sumary"))
    library(tmp_path, "", queue="owners: []\n")
    before = check_library(tmp_path, today=TODAY).problems
    mine = sorted({p.name for p in before if p.path.name == NAME and p.severity == "error"})
    disabled = ", ".join(f'"{name}"' for name in mine)
    library(
        tmp_path,
        f'[[form.scope]]\nfiles = ["postmortems/2019-*"]\ndisable = [{disabled}]\n',
        queue="owners: []\n",
    )
    after = check_library(tmp_path, today=TODAY).problems
    assert mine
    assert not [p for p in after if p.path.name == NAME and p.severity == "error"]
    others = [(p.line, p.name) for p in before if p.path.name == EXAMPLE.name]
    assert [(p.line, p.name) for p in after if p.path.name == EXAMPLE.name] == others


@pytest.mark.parametrize(
    ("settings", "where"),
    [
        ('[check]\ndisable = ["vague-acton"]\n', "kb.toml [check]"),
        ('[check]\nenable = ["KB9999"]\n', "kb.toml [check]"),
        ('[[form.scope]]\nfiles = ["a"]\ndisable = ["x"]\n', "kb.toml [[form.scope]]"),
    ],
)
def test_a_name_that_no_rule_has_is_an_error(tmp_path: Path, settings: str, where: str) -> None:
    library(tmp_path, settings)
    with pytest.raises(KbError) as fault:
        check_library(tmp_path, today=TODAY)
    assert fault.value.where == where
    if "acton" in settings:
        assert fault.value.todo == "Did you mean vague-action?"


@pytest.mark.parametrize("edition", ["2025", "2099"])
def test_an_edition_that_is_not_known_is_refused(edition: str) -> None:
    with pytest.raises(KbError):
        parse_config(f"[check]\nedition = {edition}\n".encode(), "kb.toml")


def test_a_rule_of_a_later_edition_only_advises(tmp_path: Path) -> None:
    found = library(tmp_path, "[check]\nedition = 2026\n")
    context: LintContext = build_context(found, found.documents, today=TODAY)
    rows = [row for row in all_rules() if row.severity == "error"]
    told = {p.name: p for p in run_rules(found.documents[0], context, rows)}
    later = [dataclasses.replace(row, edition=2027) for row in rows]
    advised = {p.name: p for p in run_rules(found.documents[0], context, later)}
    assert told.keys() == advised.keys()
    assert {p.severity for p in told.values()} == {"error"}
    assert {p.severity for p in advised.values()} == {"advice"}
    assert all(p.message.endswith("(an error from edition 2027 on)") for p in advised.values())


def test_the_index_is_made_anew_where_other_files_are_adopted(tmp_path: Path) -> None:
    before = form_key(library(tmp_path, ""))
    assert form_key(library(tmp_path, '[library]\nadopted = ["postmortems/2019-*"]\n')) != before
