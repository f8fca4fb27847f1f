"""What kb believes because it made it, and a repository brings along, is not believed."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
from kb.actions.trackers.ticket_journal import Journal
from kb.errors import KbError
from kb.repo.tracked_files import tracked_below
from kb.traces.fixture import read_fixture

from test_cli import kb
from test_hostile_trees import clone  # noqa: F401 - a fixture

LINE = "comes from the repository"


def git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True)


def commit(folder: Path, *names: str) -> None:
    git(folder, "add", "-f", *names)
    git(folder, "commit", "-qm", "more")


def bytes_of(folder: Path) -> dict[str, bytes]:
    return {str(p): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A repository with a library in a folder of it."""
    library = tmp_path / "docs/library"
    (library / ".kb").mkdir(parents=True)
    (library / ".kb/redaction.key").write_bytes(b"k" * 32)
    (library / "other.kb").mkdir()
    (library / "other.kb/file").write_text("")
    git(tmp_path, "init", "-q")
    commit(tmp_path, "docs/library/other.kb")
    return library


def test_what_is_not_in_the_index_is_this_machines(tree: Path, tmp_path: Path) -> None:
    assert tracked_below(tree, ".kb") == ""
    assert tracked_below(tmp_path, "docs/library/.kb") == ""


@pytest.mark.parametrize(
    "settings",
    [
        (),
        ("update-index", "--index-version", "3"),
        ("update-index", "--index-version", "4"),
        ("update-index", "--split-index"),
        ("sparse-checkout", "set", "--sparse-index", "docs"),
    ],
    ids=" ".join,
)
def test_a_tracked_file_is_found_in_every_kind_of_index(
    tree: Path, settings: tuple[str, ...]
) -> None:
    git(tree.parents[1], *(settings or ("status",)))
    assert tracked_below(tree, ".kb") == ""
    commit(tree, ".kb/redaction.key")
    git(tree.parents[1], *(settings or ("status",)))
    assert tracked_below(tree, ".kb") == "docs/library/.kb/redaction.key"
    assert tracked_below(tree, ".KB") == "docs/library/.kb/redaction.key"


def test_an_index_that_git_cannot_read_may_hold_anything(tree: Path, tmp_path: Path) -> None:
    (tmp_path / ".git/index").write_bytes(b"DIRC\0\0\0\x02 .kb/ ")
    with pytest.raises(KbError, match="git ls-files"):
        tracked_below(tree, ".kb")


def test_a_committed_index_answers_no_question(clone: Path) -> None:  # noqa: F811
    assert kb("build", cwd=clone)[0] == 0
    before = bytes_of(clone / ".kb")
    commit(clone, ".kb")
    status, out, err = kb("similar", "the refund was paid twice", cwd=clone)
    assert status == 0
    assert LINE in " ".join((out + err).split())
    status, _, err = kb("build", cwd=clone)
    assert (status, LINE in err, "git rm -r --cached .kb" in err) == (2, True, True)
    assert bytes_of(clone / ".kb") == before
    git(clone, "rm", "-rq", "--cached", ".kb")
    assert kb("build", cwd=clone)[0] == 0


def test_committed_vectors_are_not_read(clone: Path) -> None:  # noqa: F811
    (clone / "kb.toml").write_text('[search]\nvectors = "cache"\n')
    assert kb("build", cwd=clone)[0] == 0
    assert list((clone / "cache").glob("vectors-*"))
    commit(clone, "cache")
    (clone / ".kb/index/manifest.json").unlink()
    assert kb("similar", "the refund was paid twice", cwd=clone)[0] == 0
    status, _, err = kb("build", cwd=clone)
    assert (status, LINE in err) == (2, True)


def fingerprints(fixture: Path) -> set[str]:
    return {each.fingerprint for each in read_fixture(fixture).redaction.placeholders}


def test_a_committed_key_makes_no_fingerprints(clone: Path) -> None:  # noqa: F811
    said = {"messages": [{"role": "user", "content": "Write to ana@acme-shop.de."}]}
    (clone / "trace.json").write_text(json.dumps(said))
    kb("run", "import", "trace.json", cwd=clone)
    assert fingerprints(clone / "fixture.json") != {""}
    commit(clone, ".kb/redaction.key")
    status, _, _ = kb("run", "import", "trace.json", "--force", cwd=clone)
    assert (status, fingerprints(clone / "fixture.json")) == (0, {""})


def test_a_committed_folder_of_trails_is_neither_read_nor_written(clone: Path) -> None:  # noqa: F811
    _, first, _ = kb("metrics", "--json", cwd=clone)
    [trails] = (clone / ".kb/trails").glob("*.json")
    forged = json.loads(trails.read_text())
    forged["trails"] = {}
    trails.write_text(json.dumps(forged))
    commit(clone, ".kb/trails")
    _, second, _ = kb("metrics", "--json", cwd=clone)
    assert json.loads(second)["schema"] == json.loads(first)["schema"]
    assert trails.read_text() == json.dumps(forged)
    assert [p.name for p in (clone / ".kb/trails").glob("*.json")] == [trails.name]


def test_a_committed_journal_is_refused(clone: Path) -> None:  # noqa: F811
    journal = clone / ".kb/sync/github.jsonl"
    journal.parent.mkdir(parents=True)
    journal.write_text("")
    commit(clone, ".kb/sync")
    with pytest.raises(KbError, match=LINE), Journal(journal):
        pass


@pytest.mark.parametrize("mark", ["build/.kb-made", "build/pages/assets/kb/kb.css"])
def test_a_committed_mark_makes_no_folder_ours(clone: Path, mark: str) -> None:  # noqa: F811
    for name in (mark, "build/pages/mine.md", "build/theme/mine.css"):
        (clone / name).parent.mkdir(parents=True, exist_ok=True)
        (clone / name).write_text("mine")
    commit(clone, "build")
    status, _, err = kb("site", "--pages-only", cwd=clone)
    assert (status, LINE in err) == (2, True)
    assert (clone / "build/pages/mine.md").read_text() == "mine"
    assert (clone / "build/theme/mine.css").read_text() == "mine"
