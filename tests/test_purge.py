"""`kb purge`: a name is gone from all that a library holds, and what Git keeps of it is listed."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from kb.cli import cli
from kb.commands.purge import purge_target
from kb.erasure.forms_of_a_name import PurgeTarget
from kb.erasure.plan import plan_purge
from kb.erasure.write_plan import carry_out
from kb.errors import KbError
from kb.library import open_library
from kb.safe_files import Root
from kb.traces.canonical_json import canonical, sha256
from kb.traces.fixture import read_fixture

from conftest import Git

RECORD = """---
title: Tollgren paid twice
date: 2026-04-12
status: published
origin: own
kind: incident
severity: SEV3
impact: customer-visible
classes: [duplicate-side-effect]
causes: [code-defect]
clocks: {first_impact: 2026-04-12T03:14:00Z, contained: 2026-04-12T09:05:00Z}
visibility: external
affected_customers: [Tollgren]
owners: [mira-sandvoss, payments-desk]
---

## Summary

A Tollgren account was charged twice. Mira Sandvoss stopped the run, and Mira told the desk.
The table tollgren_prod_7 and TOLLGRENS Buchhaltung were hit, as were Tollgr\u00e9n and
&#84;ollgren.

## Customer-visible truth

CUSTOMER_SAW: two charges

## Action items

- [ ] A1: send a key \u2014 owner: mira-sandvoss, due: 2026-05-12, lever: code
"""
NAME = "2026-04-12-tollgren-paid-twice"
OTHER = "2026-04-13-other"


@pytest.fixture
def library(library_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = library_folder / "postmortems"
    (folder / f"{NAME}.md").write_text(RECORD, "utf-8")
    other = RECORD.replace("Tollgren paid twice", "Another").replace("[Tollgren]", "[Vexmark]")
    other = other.partition("## Summary")[0] + (
        f"## Summary\n\nSee {NAME}. Then Mira Olsen called Vexmark.\n"
    )
    other = other.replace("mira-sandvoss", "jo-doe")
    (folder / f"{OTHER}.md").write_text(other, "utf-8")
    (folder / NAME).mkdir()
    (folder / NAME / "external-removed.md").write_text("- `Tollgren` \u2192 Customer A\n", "utf-8")
    (folder / NAME / "trace.jsonl").write_text('{"tenant": "tollgr\\u0065n"}\n', "utf-8")
    monkeypatch.chdir(library_folder)
    return library_folder


def purge(*arguments: str, given: str | None = None) -> Result:
    return CliRunner().invoke(cli, ["purge", *arguments], input=given, catch_exceptions=False)


def everything(root: Path) -> str:
    """All texts and paths of a library outside Git, in small letters."""
    paths = [p for p in root.rglob("*") if p.is_file() and ".git" not in p.parts]
    return "\n".join(f"{p}\n{p.read_text('utf-8', 'replace')}" for p in paths).lower()


def test_without_write_a_diff_is_shown_and_nothing_changes(library: Path) -> None:
    before = everything(library)
    result = purge("Tollgren")
    assert result.exit_code == 1
    assert "-title: Tollgren paid twice\n+title: Erased paid twice\n" in result.output
    assert "would rename" in result.output
    assert everything(library) == before


def test_every_form_of_a_name_is_taken_out_of_files_and_their_names(library: Path) -> None:
    result = purge("tollgren", "--write")
    assert "Left to you" not in result.output
    said = everything(library)
    assert "tollgr" not in said
    assert "u0065n" not in said
    text = (library / "postmortems/2026-04-12-erased-paid-twice.md").read_text("utf-8")
    assert "An Erased account was charged twice." in text
    assert "affected_customers: [Erased]" in text
    other = (library / f"postmortems/{OTHER}.md").read_text("utf-8")
    assert "See 2026-04-12-erased-paid-twice." in other
    assert not (library / "postmortems" / NAME).exists()
    assert "nothing in the library" in purge("tollgren").output


def test_a_part_of_a_name_that_may_be_somebody_elses_is_left_to_a_person(library: Path) -> None:
    result = purge("mira-sandvoss", "--write")
    text = (library / f"postmortems/{NAME}.md").read_text("utf-8")
    assert "Erased stopped the run, and Erased told the desk" in text
    assert "owners: [erased, payments-desk]" in text
    assert "owner: erased, due" in text
    assert "Then Mira Olsen called" in (library / f"postmortems/{OTHER}.md").read_text("utf-8")
    assert f"{OTHER}.md:19: 'Mira' alone: the whole name is not in this file" in result.output


def test_a_word_that_is_also_a_name_goes_where_it_is_a_value(library: Path) -> None:
    path = library / f"postmortems/{OTHER}.md"
    text = path.read_text("utf-8").replace("[Vexmark]", "[target]")
    path.write_text(text.replace("See ", "It missed the target. See "), "utf-8")
    result = purge("target", "--write")
    text = path.read_text("utf-8")
    assert "affected_customers: [erased]" in text
    assert "It missed the target." in text
    assert f"{OTHER}.md:19: may be the word" in result.output


VALUES = {
    "+49 151 29384756": ("Call +49 (151) 2938-4756 now.", "Call erased now."),
    "mira@tollgren.example.com": ("Mail mira\uff20tollgren.example.com.", "Mail erased."),
    "db7.corp.internal": ("On DB7.corp.internal it ran.", "On Erased it ran."),
    "10.11.12.13": ("From 10.11.12.13 and 110.11.12.13.", "From erased and 110.11.12.13."),
}


@pytest.mark.parametrize("value", VALUES)
def test_a_value_is_found_as_it_stands_and_in_no_longer_one(value: str, library: Path) -> None:
    written, wanted = VALUES[value]
    path = library / f"postmortems/{OTHER}.md"
    path.write_text(path.read_text("utf-8").replace("See ", f"{written} See "), "utf-8")
    purge(value, "--write")
    assert wanted in path.read_text("utf-8")


def test_a_run_and_its_blobs_stay_a_run_that_is_read(example_library: Path) -> None:
    path = next(example_library.glob("postmortems/*/fixture.json"))
    value = json.loads(path.read_text("utf-8"))
    big = canonical({"rows": ["paid by Tollgren"] * 2000})
    (path.parent / "blobs").mkdir(exist_ok=True)
    (path.parent / "blobs" / sha256(big)).write_bytes(big)
    step = value["kb.steps"][0]
    step["kb.source"] = {"kb.blob": sha256(big), "kb.bytes": len(big), "kb.type": "json"}
    step["kb.text"] = "asked by Tollgren"
    path.write_bytes(canonical(value) + b"\n")
    passing = path.with_name("passing.json")
    passing.write_bytes(path.read_bytes())
    run = read_fixture(path)
    library = open_library(example_library)
    carry_out(example_library, plan_purge(library, PurgeTarget("Tollgren"), "erased"))
    assert "tollgren" not in everything(example_library)
    assert len(read_fixture(path).steps) == len(read_fixture(passing).steps) == len(run.steps)
    assert not (path.parent / "blobs" / sha256(big)).exists()


def test_a_file_that_could_not_be_read_afterwards_is_left_and_named(library: Path) -> None:
    path = library / "postmortems" / NAME / "odd.json"
    path.write_text('{"a": "x &quot;Tollgren"}'.replace("&quot;", "\\"), "utf-8")
    (library / "postmortems" / NAME / "plot.png").write_bytes(b"\x89PNG\0\0Tollgren")
    result = purge("Tollgren", "--write")
    assert "plot.png:1: in bytes that are no text" in result.output


def test_index_vectors_pages_and_sites_are_removed_and_made_anew(library: Path) -> None:
    for name in (".kb/index/x", ".kb/vectors-abc", "site/assets/kb/a.js", "site/index.html"):
        (library / name).parent.mkdir(parents=True, exist_ok=True)
        (library / name).write_text("Tollgren", "utf-8")
    (library / ".kb/redaction.key").write_text("key", "utf-8")
    (library / "build/pages").mkdir(parents=True)
    (library / "build/.kb-made").write_text("", "utf-8")
    (library / "build/pages/a.md").write_text("Tollgren", "utf-8")
    (library / "build/mine.txt").write_text("mine", "utf-8")
    purge("Tollgren", "--write")
    assert not (library / ".kb/index").exists()
    assert not (library / ".kb/vectors-abc").exists()
    assert not (library / "site").exists()
    assert not (library / "build/pages").exists()
    assert (library / "build/mine.txt").exists()
    assert (library / ".kb/redaction.key").exists()


def test_a_check_says_afterwards_what_it_said_before(library: Path) -> None:
    def codes() -> Counter[str]:
        output = CliRunner().invoke(cli, ["check", "--format", "json"]).stdout
        return Counter(problem["rule"] for problem in json.loads(output)["problems"])

    before = codes()
    purge("Tollgren", "--write")
    purge("mira-sandvoss", "--write")
    assert codes().keys() <= before.keys()
    assert not codes() - before


def test_search_finds_nothing_of_it_afterwards(library: Path) -> None:
    CliRunner().invoke(cli, ["build"])
    purge("Tollgren", "--write")
    found = CliRunner().invoke(cli, ["similar", "Tollgren"])
    assert "tollgren" not in found.stdout.lower()


@pytest.mark.parametrize("step", range(6))
def test_a_run_that_is_ended_at_any_step_is_taken_up_by_the_next(
    step: int, library: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = 0

    def ending(of: str) -> None:
        real = getattr(Root, of)

        def once_more(self: Root, *arguments: object) -> object:
            nonlocal done
            done += 1
            if done > step:
                raise KeyboardInterrupt
            return real(self, *arguments)

        monkeypatch.setattr(Root, of, once_more)

    with monkeypatch.context():
        for name in ("create", "write_bytes", "remove_file"):
            ending(name)
        with pytest.raises(KeyboardInterrupt):
            carry_out(library, plan_purge(open_library(library), PurgeTarget("Tollgren"), "erased"))
    monkeypatch.undo()
    monkeypatch.chdir(library)
    assert CliRunner().invoke(cli, ["check"]).exit_code in {0, 1}
    purge("Tollgren", "--write")
    assert "tollgr" not in everything(library)
    assert len(open_library(library).records) == 2


def test_a_file_that_changed_meanwhile_is_as_it_was(library: Path) -> None:
    plan = plan_purge(open_library(library), PurgeTarget("Vexmark"), "erased")
    path = library / f"postmortems/{OTHER}.md"
    path.write_text(path.read_text("utf-8") + "\nVexmark wrote.\n", "utf-8")
    with pytest.raises(KbError, match="changed while kb looked at it"):
        carry_out(library, plan)
    assert "Vexmark wrote." in path.read_text("utf-8")


def test_a_renamed_file_that_changed_meanwhile_is_kept(library: Path) -> None:
    plan = plan_purge(open_library(library), PurgeTarget("Tollgren"), "erased")
    path = library / f"postmortems/{NAME}.md"
    path.write_text(path.read_text("utf-8") + "\nThe root cause is known.\n", "utf-8")
    with pytest.raises(KbError, match="changed while kb looked at it"):
        carry_out(library, plan)
    assert "The root cause is known." in path.read_text("utf-8")


@pytest.mark.parametrize("word", ["two words", "../x", "tollgren", "\u00e9"])
def test_a_word_that_fits_no_path_or_is_the_value_is_refused(word: str, library: Path) -> None:
    assert purge("Tollgren", "--as", word, "--write").exit_code == 2
    assert "Tollgren" in (library / f"postmortems/{NAME}.md").read_text("utf-8")


def test_the_value_may_come_from_standard_input(library: Path) -> None:
    assert "would rename" in purge("-", given="Tollgren\n").output
    assert purge("x").exit_code == 2
    assert purge("--", "--").exit_code == 2


def test_what_git_keeps_is_listed_wherever_it_lies(  # noqa: PLR0915 - a history has many steps
    library: Path, git: Git
) -> None:
    """In files that are gone or renamed, on branches, in tags, a stash, notes and nowhere."""
    keep = ("commit", "--quiet", "--allow-empty", "-m")
    git("add", "-A")
    git(*keep, "first")
    (library / "README.md").write_text("For Vexmark.\n", "utf-8")
    git("add", "-A")
    git(*keep, "readme")
    git("mv", "README.md", "READ.md")
    git(*keep, "renamed")
    git("rm", "--quiet", "READ.md")
    git(*keep, "gone")
    git("checkout", "--quiet", "-b", "side")
    (library / "side.txt").write_text("Vexmarks Konto\n", "utf-8")
    git("add", "-A")
    git("-c", "user.name=Vex Mark", "commit", "--quiet", "-m", "told Vexmark", "--author",
        "Vexmark <vexmark@example.org>")  # fmt: skip
    git("tag", "only-here")
    git("checkout", "--quiet", "main")
    git("branch", "-D", "side")
    git("branch", "fix-vexmark-copy")
    git("notes", "add", "-m", "Vexmark knows", "HEAD")
    (library / "kb.toml").write_text("# Vexmark\n", "utf-8")
    git("stash")
    (library / "staged.txt").write_text("VEXMARK\n", "utf-8")
    git("add", "staged.txt")
    git("rm", "--quiet", "--cached", "staged.txt")
    (library / "staged.txt").unlink()
    before = git("rev-parse", "HEAD"), git("stash", "list")

    result = purge("Vexmark", "--write")
    assert result.exit_code == 1
    for said in (
        f"postmortems/{OTHER}.md: ", "  README.md: ", "  READ.md: ", "  side.txt (a tag alone): ",
        "  kb.toml (a stash): ", "Vexmark <vexmark@example.org> as author", "messages of",
        "the reference refs/heads/fix-vexmark-copy", " (notes): ",
        "1 content that no commit of a branch reaches", "literal:Vexmarks==>erased",
        "git filter-repo --replace-text", "delete it with its stashes and clone anew",
    ):  # fmt: skip
        assert said in result.output, said
    assert (git("rev-parse", "HEAD"), git("stash", "list")) == before
    assert "postmortems" in git("status", "--porcelain")  # changed, and not committed


def test_a_history_that_never_held_it_is_said_to_hold_nothing(library: Path, git: Git) -> None:
    git("add", "-A")
    git("commit", "--quiet", "-m", "first")
    result = purge("Quornwind Labs")
    assert result.exit_code == 0
    assert "Nothing of it is in what Git keeps here." in result.output


def test_a_repository_without_a_commit_is_looked_through(library: Path, git: Git) -> None:
    assert "Nothing of it is in what Git keeps here." in purge("Vexmark", "--write").output


def test_the_kind_of_a_declared_name_is_that_of_its_records(library: Path) -> None:
    assert purge_target(open_library(library), "tollgren").kind == "customer"
    assert purge_target(open_library(library), "nobody-known").kind == "person"
