"""The command line as a stranger meets it: start-up, help, errors, exit codes."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from kb.errors import system_fault
from kb.records.blank_record import ONE_PAGE_NOTE
from kb.records.form import build_form

from conftest import EXAMPLE

FORM = build_form()

HEAVY = ("torch", "faiss", "git", "numpy", "scipy", "pydantic", "rich", "mkdocs", "onnxruntime")


def kb(
    *arguments: str, cwd: Path, stdin: str | None = None, **environment: str
) -> tuple[int, str, str]:
    """Exit code, output and errors of a real `kb` process."""
    done = subprocess.run(
        [sys.executable, "-m", "kb", *arguments],
        cwd=cwd,
        env=os.environ | {"NO_COLOR": "1", "COLUMNS": "80"} | environment,
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def test_importing_the_command_line_loads_nothing_heavy() -> None:
    code = f"import sys, kb.cli; print([name for name in {HEAVY!r} if name in sys.modules])"
    printed = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout
    assert printed.strip() == "[]"


def test_help_names_every_verb_in_one_screen(tmp_path: Path) -> None:
    status, out, _ = kb("--help", cwd=tmp_path)
    assert status == 0
    assert len(out.splitlines()) <= 56  # a window of a terminal
    assert all(len(line) <= 80 for line in out.splitlines())


def test_every_verb_has_help_that_fits_eighty_columns(tmp_path: Path) -> None:
    from kb.cli import SECTIONS

    for verb in (verb for verbs in SECTIONS.values() for verb in verbs):
        status, out, err = kb(verb, "--help", cwd=tmp_path)
        assert (status, err) == (0, "")
        assert all(len(line) <= 80 for line in out.splitlines()), verb


def test_a_misspelt_verb_is_answered_with_the_near_one(tmp_path: Path) -> None:
    status, _, err = kb("simlar", cwd=tmp_path)
    assert status == 2
    assert "Did you mean 'similar'?" in err


@pytest.mark.parametrize("verb", ["check", "fmt", "build", "metrics", "actions", "site"])
def test_outside_a_knowledge_base_the_error_says_what_to_do(tmp_path: Path, verb: str) -> None:
    status, out, err = kb(verb, cwd=tmp_path)
    assert (status, out) == (2, "")
    assert "no knowledge base here" in err
    assert "kb init" in err
    assert "Traceback" not in err


def test_debug_shows_the_traceback(tmp_path: Path) -> None:
    _, _, err = kb("--debug", "check", cwd=tmp_path)
    assert "Traceback" in err


def test_new_writes_a_draft_that_the_check_accepts(library_folder: Path) -> None:
    status, out, _ = kb(
        "new", "Agent mailed the wrong customer", "--date", "2026-05-01", cwd=library_folder
    )
    assert (status, out.strip()) == (0, "postmortems/2026-05-01-agent-mailed-the-wrong-customer.md")
    status, out, _ = kb("check", cwd=library_folder)
    assert status == 0, out


def test_a_draft_can_be_held_to_what_publishing_asks_for(library_folder: Path) -> None:
    kb("new", "Unfinished", "--date", "2026-05-01", cwd=library_folder)
    status, out, _ = kb("check", "--as", "published", cwd=library_folder)
    assert status == 1
    assert "KB202 empty-section" in out
    assert "status: draft" in next((library_folder / "postmortems").glob("2026-*.md")).read_text()


def test_new_never_overwrites(library_folder: Path) -> None:
    kb("new", "Twice", "--date", "2026-05-01", cwd=library_folder)
    path = library_folder / "postmortems/2026-05-01-twice.md"
    path.write_text("mine")
    status, _, err = kb("new", "Twice", "--date", "2026-05-01", cwd=library_folder)
    assert status == 2
    assert "already exists" in err
    assert path.read_text() == "mine"


def test_two_titles_without_latin_letters_are_two_records(library_folder: Path) -> None:
    for title in ("日本語だけ", "日本語"):
        status, _, err = kb("new", title, "--date", "2026-05-01", cwd=library_folder)
        assert status == 0, err
    assert len(list((library_folder / "postmortems").glob("2026-05-01-incident-*.md"))) == 2


@pytest.mark.parametrize("profile", ["--one-page", "--short", "--public"])
def test_new_full_adds_the_sections_a_draft_lacks_and_keeps_the_rest(
    library_folder: Path, profile: str
) -> None:
    kb("new", "Grows", profile, "--date", "2026-05-01", cwd=library_folder)
    path = library_folder / "postmortems/2026-05-01-grows.md"
    before = path.read_text()
    status, _, _ = kb("new", "--full", str(path), cwd=library_folder)
    after = path.read_text()
    assert status == 0
    gone = [line for line in before.splitlines() if line and line not in after.splitlines()]
    assert gone == ([ONE_PAGE_NOTE] if profile == "--one-page" else [])
    headings = re.findall(r"(?m)^## (.*)$", after)
    asked = FORM.profiles["public" if profile == "--public" else "short"]
    assert headings == [FORM.section(key).heading for key in FORM.grown_order if key in asked] or (
        headings == [section.heading for section in FORM.sections if section.key in asked]
    )
    assert kb("new", "--full", str(path), cwd=library_folder)[0] == 0
    assert path.read_text() == after


def test_new_takes_one_profile(library_folder: Path) -> None:
    status, _, err = kb("new", "Paid twice", "--one-page", "--short", cwd=library_folder)
    assert (status, "--one-page or --short" in err) == (2, True)


def test_new_without_a_title_asks_for_one(library_folder: Path) -> None:
    status, _, err = kb("new", cwd=library_folder)
    assert status == 2
    assert "needs a title" in err


def test_new_opens_no_editor_in_a_pipe(library_folder: Path) -> None:
    status, _, _ = kb("new", "Quiet", cwd=library_folder, EDITOR="false")
    assert status == 0


def test_init_writes_the_example_and_the_check_finds_no_fault(tmp_path: Path) -> None:
    status, out, _ = kb("init", "--example", cwd=tmp_path)
    assert status == 0
    assert EXAMPLE.name in out
    status, out, _ = kb("check", "--strict", cwd=tmp_path)
    assert status == 0, out


def test_init_run_again_keeps_everything(tmp_path: Path) -> None:
    kb("init", cwd=tmp_path)
    (tmp_path / "kb.toml").write_text('[library]\nname = "Ours"\n')
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    status, out, _ = kb("init", cwd=tmp_path)
    assert status == 0
    assert "wrote" not in out
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_init_dry_run_writes_nothing(tmp_path: Path) -> None:
    status, out, _ = kb("init", "--dry-run", "--example", cwd=tmp_path)
    assert status == 0
    assert "would write  postmortems/template.md" in out
    assert list(tmp_path.iterdir()) == []


def test_what_the_system_refuses_is_said_in_its_words() -> None:
    full = OSError(28, "No space left on device", "/library/.kb/x")
    assert str(system_fault(full)).startswith(
        "/library/.kb/x: the system refused it: No space left on device\n  → Free space"
    )
    assert str(system_fault(MemoryError())).startswith("there is not enough memory\n  → ")
