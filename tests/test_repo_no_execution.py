"""Git is asked about a hostile repository, and no program that the repository names is run."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from kb.errors import KbError
from kb.repo import Repo, git_command, open_repo
from kb.repo.safe_git_settings import neutral_settings

from conftest import EXAMPLE, GIT_ENVIRONMENT, git_in

#: Each key that names a program in git-config(1) and gitattributes(5), in a form that Git takes.
#: `%s` is a command that leaves a file behind.
PROGRAMS = (
    "alias.log=!%s",
    "alias.status=!%s",
    "browser.evil.cmd=%s",
    "core.alternateRefsCommand=%s",
    "core.askPass=%s",
    "core.editor=%s",
    "core.fsmonitor=%s",
    "core.gitProxy=%s",
    "core.pager=%s",
    "core.sshCommand=%s",
    "credential.helper=!%s",
    "credential.https://example.org.helper=!%s",
    "diff.evil.command=%s",
    "diff.evil.textconv=%s",
    "diff.external=%s",
    "difftool.evil.cmd=%s",
    "filter.evil.clean=%s",
    "filter.evil.process=%s",
    "filter.evil.smudge=%s",
    "filter.a=b c.clean=%s",
    "gpg.program=%s",
    "gpg.openpgp.program=%s",
    "gpg.ssh.defaultKeyCommand=%s",
    "gpg.x509.program=%s",
    "guitool.evil.cmd=%s",
    "hook.evil.command=%s",
    "imap.tunnel=%s",
    "instaweb.httpd=%s",
    "interactive.diffFilter=%s",
    "man.evil.cmd=%s",
    "merge.evil.driver=%s",
    "mergetool.evil.cmd=%s",
    "pager.cat-file=%s",
    "pager.diff=%s",
    "pager.log=%s",
    "pager.status=%s",
    "receive.procReceiveRefs=%s",
    "remote.origin.receivepack=%s",
    "remote.origin.uploadpack=%s",
    "sendemail.ccCmd=%s",
    "sendemail.toCmd=%s",
    "sequence.editor=%s",
    "submodule.evil.update=!%s",
    "trailer.evil.cmd=%s",
    "trailer.evil.command=%s",
    "uploadpack.packObjectsHook=%s",
    "web.browser=%s",
)
#: What makes Git want the programs above.
WISHES = {
    "diff.tool": "evil",
    "filter.evil.required": "true",
    "filter.a=b c.required": "true",
    "hook.evil.event": "post-index-change",
    "log.showSignature": "true",
    "merge.tool": "evil",
    "submodule.recurse": "true",
    "status.submoduleSummary": "true",
    "core.splitIndex": "true",
}
HOOKS = ("post-index-change", "post-checkout", "reference-transaction", "fsmonitor-watchman")


def marking(marks: Path, name: str) -> str:
    """A command that leaves a file behind, named by what ran it."""
    safe = "".join(c if c.isalnum() else "-" for c in name)
    return f"touch {marks}/{safe};"


def setting(key: str, value: str) -> str:
    """A setting as Git's files have it."""
    section, _, rest = key.partition(".")
    middle, _, name = rest.rpartition(".")
    head = f'[{section} "{middle}"]' if middle else f"[{section}]"
    return f'{head}\n\t{name} = "{value}"\n'


def plant(folder: Path, marks: Path) -> None:
    """Everything a repository can bring along."""
    marks.mkdir(exist_ok=True)
    settings = [line.rpartition("=")[::2] for line in PROGRAMS]
    programs = [(key, value.replace("%s", marking(marks, key))) for key, value in settings]
    hooks = ("core.hooksPath", str(folder / ".git/hooks"))
    with (folder / ".git/config").open("a") as config:
        config.writelines(setting(*pair) for pair in (*programs, *WISHES.items(), hooks))
    (folder / ".git/hooks").mkdir(exist_ok=True)
    for name in HOOKS:
        hook = folder / ".git/hooks" / name
        hook.write_text(f"#!/bin/sh\n{marking(marks, f'hook {name}')}\n")
        hook.chmod(0o755)
    drivers = "* filter=evil diff=evil merge=evil\n"
    (folder / ".gitattributes").write_text(drivers)
    (folder / ".git/info").mkdir(exist_ok=True)
    (folder / ".git/info/attributes").write_text(drivers)


def library_in(folder: Path) -> None:
    """A library with two commits of which the second changes the worked example."""
    git = git_in(folder)
    (folder / "kb.toml").write_text("")
    shutil.copytree(EXAMPLE.parent, folder / "postmortems", dirs_exist_ok=True)
    git("init", "--quiet", "--initial-branch=main")
    git("add", ".")
    git("commit", "--quiet", "--message=one", at="2026-04-20T00:00:00Z")
    record = folder / "postmortems" / EXAMPLE.name
    record.write_text(record.read_text().replace("The billing agent", "A billing agent"))
    git("commit", "--quiet", "--all", "--message=two", "--allow-empty", at="2026-05-20T00:00:00Z")


def stale_index(folder: Path) -> None:
    """Make Git look into each file again: their times are not those of the index.

    The sizes are: a file of another size is changed without a look into it.
    """
    for path in folder.rglob("*.md"):
        path.write_bytes(path.read_bytes()[:-1] + b" ")
        os.utime(path, (1, 1))


VERBS = (
    ("check",),
    ("metrics",),
    ("metrics", "--as-of", "2026-05-01"),
    ("actions",),
    ("gate", "billing"),
    ("review",),
    ("review", "--base", "HEAD~1"),
    ("similar", "refund twice"),
    ("site", "--pages-only"),
    ("new", "Again", "--no-edit", "--from-git", "HEAD~1..HEAD"),
    ("init",),
)


def kb(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-P", "-m", "kb", *arguments],
        cwd=cwd,
        env=os.environ | GIT_ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


@pytest.mark.parametrize("verb", VERBS, ids=" ".join)
def test_no_program_that_a_repository_names_is_run(tmp_path: Path, verb: tuple[str, ...]) -> None:
    folder, marks = tmp_path / "clone", tmp_path / "marks"
    folder.mkdir()
    library_in(folder)
    plant(folder, marks)
    stale_index(folder)
    done = kb(*verb, cwd=folder)
    assert [path.name for path in marks.iterdir()] == []
    assert "unexpected" not in done.stderr


def test_the_planted_programs_do_run_when_git_is_asked_directly(tmp_path: Path) -> None:
    folder, marks = tmp_path / "clone", tmp_path / "marks"
    folder.mkdir()
    library_in(folder)
    plant(folder, marks)
    stale_index(folder)
    subprocess.run(["git", "status"], cwd=folder, capture_output=True, check=False)
    ran = {path.name for path in marks.iterdir()}
    assert {"core-fsmonitor", "filter-evil-process"} <= ran


def test_every_question_to_a_hostile_repository_is_answered(tmp_path: Path) -> None:
    folder, marks = tmp_path / "clone", tmp_path / "marks"
    folder.mkdir()
    library_in(folder)
    plain = open_repo(folder)
    expected = (plain.head, plain.history("postmortems"), plain.files("postmortems", "HEAD"))
    plant(folder, marks)
    stale_index(folder)
    repo = open_repo(folder)
    assert (repo.head, repo.history("postmortems"), repo.files("postmortems", "HEAD")) == expected
    changed = repo.dirty_paths("postmortems") or ()
    assert EXAMPLE.name in {path.name for path in changed}
    assert repo.changed_since("HEAD~1", "postmortems")
    assert repo.commits_in("HEAD~1..HEAD")
    assert repo.read(f"postmortems/{EXAMPLE.name}", "HEAD")
    assert list(marks.iterdir()) == []


def test_programs_named_in_an_included_file_or_a_worktrees_settings_are_not_run(
    tmp_path: Path,
) -> None:
    folder, marks = tmp_path / "clone", tmp_path / "marks"
    folder.mkdir()
    marks.mkdir()
    library_in(folder)
    git = git_in(folder)
    command = marking(marks, "included")
    (folder / ".git/more").write_text(f'[filter "evil"]\n clean = "{command}"\n')
    git("config", "include.path", "more")
    git("config", "extensions.worktreeConfig", "true")
    git("config", "--worktree", "filter.worse.clean", marking(marks, "worktree"))
    (folder / ".gitattributes").write_text("*.md filter=evil\n*.json filter=worse\n")
    stale_index(folder)
    for path in folder.rglob("*.json"):
        path.write_text(path.read_text() + "\n")
        os.utime(path, (1, 1))
    assert open_repo(folder).dirty_paths("postmortems")
    assert list(marks.iterdir()) == []


@pytest.mark.parametrize("name", ["common", "common ", " common"])
def test_programs_named_in_the_settings_of_a_common_folder_are_not_run(
    tmp_path: Path, name: str
) -> None:
    folder, marks = tmp_path / "clone", tmp_path / "marks"
    folder.mkdir()
    library_in(folder)
    shutil.copytree(folder / ".git", folder / name.strip())
    shutil.copytree(folder / ".git", folder / name, dirs_exist_ok=True)
    plant(folder, marks)
    (folder / ".git/config").rename(folder / name / "config")
    (folder / ".git/commondir").write_text(f"../{name}\n")
    stale_index(folder)
    assert open_repo(folder).changed_since("HEAD~1", "postmortems")
    assert list(marks.iterdir()) == []


@pytest.mark.parametrize("name", ["real", "real ", " real"])
def test_programs_named_in_the_settings_that_a_git_file_leads_to_are_not_run(
    tmp_path: Path, name: str
) -> None:
    folder, marks = tmp_path / "clone", tmp_path / "marks"
    folder.mkdir()
    library_in(folder)
    shutil.copytree(folder / ".git", folder / "innocent" / name.strip())
    plant(folder, marks)
    (folder / ".git").rename(folder / name)
    (folder / ".git").write_text(f"gitdir: {name}\n")
    stale_index(folder)
    assert open_repo(folder).changed_since("HEAD~1", "postmortems")
    assert list(marks.iterdir()) == []


def _ask_everything(repo: Repo) -> None:
    repo.files()
    repo.merge_base("main", "HEAD~1")
    repo.history()


@pytest.mark.parametrize("place", [".gitignore", ".git/packed-refs", ".git/info/exclude"])
def test_a_pipe_among_the_files_that_git_reads_stops_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    monkeypatch.setattr(git_command, "SILENT_SECONDS", 3600.0)  # found, and not waited for
    monkeypatch.setattr(git_command, "LOOK_SECONDS", 0.5)
    folder = tmp_path / "clone"
    folder.mkdir()
    library_in(folder)
    (folder / place).unlink(missing_ok=True)
    os.mkfifo(folder / place)
    with pytest.raises(KbError, match="Git said nothing"):
        _ask_everything(open_repo(folder))


@pytest.mark.parametrize("key", ["mailmap.file", "core.excludesFile", "diff.orderFile"])
def test_a_pipe_that_the_settings_name_as_a_file_is_not_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    monkeypatch.setattr(git_command, "SILENT_SECONDS", 2.0)
    folder = tmp_path / "clone"
    folder.mkdir()
    library_in(folder)
    os.mkfifo(tmp_path / "pipe")
    git_in(folder)("config", key, str(tmp_path / "pipe"))
    repo = open_repo(folder)
    _ask_everything(repo)
    assert repo.commits_in("HEAD~1..HEAD")


def test_a_git_file_that_holds_what_no_path_has_is_no_repository(tmp_path: Path) -> None:
    (tmp_path / ".git").write_bytes(b"gitdir: a\0b\n")
    assert open_repo(tmp_path).root is None


def test_a_filter_that_the_person_installed_for_all_repositories_is_kept(tmp_path: Path) -> None:
    listing = b"\0".join(
        (
            b"global\0filter.lfs.process\ngit-lfs filter-process",
            b"local\0filter.lfs.process\nsomething-else",
            b"local\0filter.lfs.clean\nsomething-else",
            b"local\0filter.lfs.required",
            b"worktree\0hook.evil.command\nx",
            b"",
        )
    )
    assert neutral_settings(listing) == {
        "filter.lfs.process": "git-lfs filter-process",
        "filter.lfs.clean": "",
        "filter.lfs.required": "false",
        "hook.evil.command": "",
    }


def test_a_bare_repository_among_the_files_of_a_clone_is_not_read(tmp_path: Path) -> None:
    folder, marks = tmp_path / "clone", tmp_path / "marks"
    inner = folder / "library"
    inner.mkdir(parents=True)
    marks.mkdir()
    library_in(inner)
    # As a clone brings it: HEAD, config, objects and refs are plain files of the outer one.
    for name in ("HEAD", "config", "objects", "refs", "index"):
        (inner / ".git" / name).rename(inner / name)
    shutil.rmtree(inner / ".git")
    config = f'[core]\n bare = false\n worktree = .\n[filter "evil"]\n clean = "{marks}/x"\n'
    (inner / "config").write_text(config.replace(f"{marks}/x", marking(marks, "bare")))
    (inner / ".gitattributes").write_text("*.md filter=evil\n")
    git_in(folder)("init", "--quiet", "--initial-branch=main")
    stale_index(inner)
    assert "bare repository" in open_repo(inner).why_unknown
    for verb in (("review",), ("metrics",), ("actions",), ("site", "--pages-only")):
        assert "unexpected" not in kb(*verb, cwd=inner).stderr
    assert list(marks.iterdir()) == []


@pytest.mark.parametrize("url", ["/nowhere", "ext::sh -c touch% {marks}/ext", "evil::x"])
def test_an_object_that_a_clone_lacks_is_not_fetched(tmp_path: Path, url: str) -> None:
    folder, marks = tmp_path / "clone", tmp_path / "marks"
    folder.mkdir()
    marks.mkdir()
    library_in(folder)
    git = git_in(folder)
    blob = git("rev-parse", f"HEAD:postmortems/{EXAMPLE.name}")
    (folder / ".git/objects" / blob[:2] / blob[2:]).unlink()
    for key, value in (
        ("core.repositoryFormatVersion", "1"),
        ("extensions.partialClone", "origin"),
        ("remote.origin.promisor", "true"),
        ("remote.origin.url", url.replace("{marks}", str(marks))),
        ("remote.origin.uploadpack", marking(marks, "uploadpack")),
        ("protocol.allow", "always"),
        ("protocol.ext.allow", "always"),
        ("protocol.file.allow", "always"),
    ):
        git("config", key, value)
    (tmp_path / "bin").mkdir()
    helper = tmp_path / "bin/git-remote-evil"
    helper.write_text(f"#!/bin/sh\n{marking(marks, 'helper')}\n")
    helper.chmod(0o755)
    os.environ["PATH"] = f"{tmp_path / 'bin'}:{os.environ['PATH']}"
    try:
        with pytest.raises(KbError, match="partial clone") as raised:
            open_repo(folder).history("postmortems")
        assert "git fetch" in raised.value.todo
        with pytest.raises(KbError, match=r"partial clone|missing from this clone"):
            open_repo(folder).read(f"postmortems/{EXAMPLE.name}", "HEAD")
        for verb in (("metrics",), ("review", "--base", "HEAD~1"), ("site", "--pages-only")):
            assert "unexpected" not in kb(*verb, cwd=folder).stderr
    finally:
        os.environ["PATH"] = os.environ["PATH"].partition(":")[2]
    assert list(marks.iterdir()) == []


def test_a_pipe_as_git_settings_is_refused_at_once(tmp_path: Path) -> None:
    folder = tmp_path / "clone"
    folder.mkdir()
    library_in(folder)
    (folder / ".git/config.worktree").unlink(missing_ok=True)
    os.mkfifo(folder / ".git/config.worktree")
    assert "no settings file of Git" in open_repo(folder).why_unknown


def test_git_is_never_taken_from_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, marks = tmp_path / "clone", tmp_path / "marks"
    folder.mkdir()
    marks.mkdir()
    library_in(folder)
    (folder / "git").write_text(f"#!/bin/sh\n{marking(marks, 'git')}\n")
    (folder / "git").chmod(0o755)
    monkeypatch.setenv("PATH", f".:{folder}::{os.environ['PATH']}")
    done = kb("metrics", cwd=folder)
    assert (done.returncode, list(marks.iterdir())) == (0, [])
