"""Whatever bytes, names, messages and settings there are, the same history is read from Git."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath

import pytest
from kb.repo import open_repo

from conftest import Git, git_in
from test_repo_history import LONG, OPEN, TICKED, history, is_ticked, save, save_all


@pytest.fixture
def folder(git: Git, library_folder: Path) -> Path:
    """A repository without commits."""
    return library_folder


# Odd bytes


@pytest.mark.parametrize("stem", ["with space", "über – ⚠", 'quo"te', "tab\tnew\nline", "[a]*?"])
def test_odd_file_names_are_told_exactly(folder: Path, stem: str) -> None:
    save(folder, 1, **{stem: OPEN})
    save(folder, 2, **{stem: None, f"{stem} 2": OPEN})
    born, renamed = history(folder).changes
    assert born.path == renamed.old_path == PurePosixPath(f"postmortems/{stem}.md")
    assert renamed.path == PurePosixPath(f"postmortems/{stem} 2.md")


def test_a_folder_with_pattern_characters_means_itself(folder: Path) -> None:
    for name in ("[p]*", "p1"):
        (folder / name).mkdir()
        (folder / name / "a.md").write_text("text\n")
    save_all(folder, 1)
    changes = open_repo(folder).history("[p]*").changes
    assert [str(change.path) for change in changes] == ["[p]*/a.md"]


def test_lines_that_look_like_a_patch_are_lines(folder: Path) -> None:
    lines = ("-- a/x", "++ b/x", "@@ -1 +1 @@", "diff --git a/x b/x", ":100644 100644 a b M\tx",
             "\0sha\x00" "1\0me", "\\ No newline at end of file", "")  # fmt: skip
    save(folder, 1, a="\n".join(lines) + "\n", b="after\n")
    save(folder, 2, a="none\n")
    born, after, emptied = history(folder).changes
    assert tuple(text for _, text in born.added) == lines
    assert tuple(text for _, text in emptied.removed) == lines
    assert after.added == ((1, "after"),)


def test_lines_end_as_windows_unix_or_not_at_all(folder: Path) -> None:
    save(folder, 1, a=b"one\r\ntwo\r\nlast")
    save(folder, 2, a=b"one\ntwo\nlast\n")
    _, converted = history(folder).changes
    assert converted.added == converted.removed == ((1, "one"), (2, "two"), (3, "last"))


def test_what_is_no_utf8_is_replaced_and_the_rest_is_told(folder: Path) -> None:
    save(folder, 1, a=b"\xff\xfe\x00binary\nstatus: published\n")
    (change,) = history(folder).changes
    assert change.added == ((1, "\ufffd\ufffd\0binary"), (2, "status: published"))


def test_empty_files_and_changes_of_mode_have_no_lines(folder: Path) -> None:
    save(folder, 1, a="", b="text\n")
    git_in(folder)("update-index", "--chmod=+x", "postmortems/b.md")
    git_in(folder)("commit", "--quiet", "-m", "mode", at="2026-05-02T12:00:00Z")
    empty, _, mode = history(folder).changes
    assert (empty.is_new, empty.added) == (True, ())
    assert (mode.path.name, mode.added, mode.is_new, mode.is_deleted) == ("b.md", (), False, False)


def test_a_record_replaced_by_a_symlink_is_deleted_and_one_replaced_back_is_new(
    folder: Path,
) -> None:
    path = folder / "postmortems/a.md"
    save(folder, 1, a="text\n", b="before\n")
    path.unlink()
    path.symlink_to("/etc/hosts")
    save(folder, 2, b="after\n")
    path.unlink()
    save(folder, 3, a="text\n")
    told = history(folder)
    states = [(c.is_new, c.is_deleted, c.added) for c in told.of("postmortems/a.md")]
    text = ((1, "text"),)
    assert states == [(True, False, text), (False, True, ()), (True, False, text)]
    assert [change.added for change in told.of("postmortems/b.md")] == [
        ((1, "before"),),
        ((1, "after"),),
    ]


def test_odd_messages_and_authors_do_not_disturb(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    git = git_in(folder)
    save(folder, 1, a="one\n")
    message = "\n\ndiff --git a/x b/x\n@@ -1 +1 @@\n+fake\n:100644 100644 a b M\tx\n\x1b[31m"
    author = "Zoë \x1b[31m «O'Neil» <z@example.org>"
    git("commit", "--quiet", "--allow-empty", "-m", message, "--author", author)
    (folder / "postmortems/a.md").write_text("two\n")
    git("commit", "--quiet", "--all", "--cleanup=verbatim", "-m", message, "--author", author)
    changes = history(folder).changes
    assert [change.added for change in changes] == [((1, "one"),), ((1, "two"),)]
    assert "«O'Neil»" in changes[1].commit.author


def test_a_date_that_no_calendar_holds_is_the_epoch(folder: Path) -> None:
    git = git_in(folder)
    save(folder, 1, a="one\n")
    tree = git("rev-parse", "HEAD^{tree}")
    text = f"tree {tree}\nauthor A <a@b> 99999999999999 +0000\ncommitter A <a@b> x +0000\n\nodd\n"
    (folder / "odd").write_text(text)
    sha = git("hash-object", "-t", "commit", "-w", "--literally", "odd")
    assert open_repo(folder).resolve(sha).at == datetime.fromtimestamp(0, UTC)


# Settings


def test_nobodys_settings_change_the_history(
    folder: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    odd = 'ä"b'
    git = git_in(folder)
    save(folder, 1, a=OPEN, b=LONG, c=LONG.replace("agent", "human"))
    save(folder, 2, a=TICKED.replace("status: draft", "status: published"))
    # Two renames with changes: more than a limit of one compares.
    save(folder, 3, a=None, c=None, d=LONG.replace("agent", "human") + "more\n", **{odd: TICKED})
    # Git can show a submodule without the header that begins the part about a file.
    git("update-index", "--add", "--cacheinfo", f"160000,{git('rev-parse', 'HEAD')},a/sub.md")
    (folder / "postmortems/b.md").write_text("last\n")
    git("add", "postmortems")
    git("commit", "--quiet", "--message", "fourth", "--author", "Zoë <z@example.org>")
    expected = open_repo(folder).history()
    home = tmp_path_factory.mktemp("home")
    (home / "attributes").write_text("*.md diff=odd -text\n*.md binary\n")
    (home / "config").write_text(HOSTILE_SETTINGS.format(home=home), encoding="utf-8")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(home / "config"))
    for name, value in HOSTILE_ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    assert open_repo(folder).history() == expected
    assert len(expected.of(f"postmortems/{odd}.md")) == 3
    assert len(expected.of("postmortems/d.md")) == 2
    assert expected.changes[-1].added == ((1, "last"),)
    assert expected.changes[-1].commit.author == "Zoë"


HOSTILE_ENVIRONMENT = {
    "GIT_DIFF_OPTS": "--unified=5",
    "GIT_EXTERNAL_DIFF": "false",
    "GIT_LITERAL_PATHSPECS": "1",
    "GIT_PAGER": "false",
    "GIT_TRACE": "1",
    "LC_ALL": "de_DE.UTF-8",
    "LANGUAGE": "de",
}
HOSTILE_SETTINGS = """
[color]
    ui = always
    diff = always
[core]
    pager = false
    quotePath = false
    attributesFile = {home}/attributes
    abbrev = 4
[diff]
    algorithm = patience
    colorMoved = zebra
    context = 7
    external = false
    interHunkContext = 50
    mnemonicPrefix = true
    noprefix = true
    orderFile = {home}/missing
    relative = true
    renameLimit = 1
    renames = false
    submodule = log
    suppressBlankEmpty = true
    wordRegex = .
[diff "odd"]
    algorithm = histogram
    binary = true
    command = false
    textconv = false
    xfuncname = "^line.*"
[format]
    pretty = oneline
[i18n]
    logOutputEncoding = latin1
[log]
    abbrevCommit = true
    date = relative
    decorate = full
    diffMerges = combined
    follow = true
    mailmap = false
    showRoot = false
    showSignature = true
[notes]
    displayRef = *
[pager]
    log = true
[status]
    relativePaths = true
    renames = copies
    showUntrackedFiles = no
"""


def test_signatures_are_neither_checked_nor_shown(folder: Path) -> None:
    git = git_in(folder)
    save(folder, 1, a="one\n")
    signature = "gpgsig -----BEGIN PGP SIGNATURE-----\n \n bad\n -----END PGP SIGNATURE-----"
    raw = git("cat-file", "commit", "HEAD").replace("\n\n", f"\n{signature}\n\n", 1)
    (folder / "signed").write_text(raw + "\n")
    git("update-ref", "HEAD", git("hash-object", "-t", "commit", "-w", "signed"))
    checker = folder / "checker.sh"
    checker.write_text(f"#!/bin/sh\ntouch {folder}/sprung\necho '+bad' >&2\n")
    checker.chmod(0o755)
    git("config", "gpg.program", str(checker))
    git("config", "log.showSignature", "true")
    assert [change.added for change in history(folder).changes] == [((1, "one"),)]
    assert not (folder / "sprung").exists()


# Size


def test_a_file_of_many_megabytes_passes_through_without_being_held(folder: Path) -> None:
    save(folder, 1, a=b"x" * 5_000_000 + b"\n" + b"y\n" * 500_000 + TICKED.encode())
    (change,) = open_repo(folder).history("postmortems", keep=is_ticked).changes
    assert change.added == ((500_015, "- [x] A1: add an assert"),)


def test_more_complaints_than_a_pipe_holds_do_not_block(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for day in range(1, 29):
        save(folder, day, a=f"{day}\n")
    monkeypatch.setenv("GIT_TRACE2_PERF", "2")
    monkeypatch.setenv("GIT_TRACE_PACK_ACCESS", "2")
    monkeypatch.setenv("GIT_TRACE_SETUP", "2")
    assert len(history(folder).changes) == 28
    assert os.environ["GIT_TRACE2_PERF"] == "2"
