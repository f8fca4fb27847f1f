"""Everything that a repository's object store holds, reached by a branch or by nothing.

What is to be gone has to be looked for in all of it: deleted and renamed files, other branches,
tags, stashes, notes, what only a reflog remembers, and what nothing remembers any more.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from kb.repo.files import objects_in
from kb.repo.git_command import Git
from kb.repo.git_log import unquoted_path

#: Contents are read in batches of about so many bytes, and a larger one is not read at all.
_BATCH_BYTES = 16_000_000
MOST_OBJECT_BYTES = 20_000_000
_KINDS = frozenset({"blob", "commit", "tag"})


@dataclass(frozen=True, slots=True)
class StoredObject:
    """One object: its hash, its kind (`blob`, `commit` or `tag`), and its size."""

    sha: str
    kind: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class BroughtFile:
    """A content as a commit brought it: the commit, the file, and the hash of the content."""

    commit: str
    path: PurePosixPath
    content: str


class ObjectStore:
    """The object store of a repository. Questions raise `KbError` where Git itself fails."""

    def __init__(self, git: Git) -> None:
        self._git = git

    def objects(self) -> tuple[StoredObject, ...]:
        """The contents, commits and tags, those that nothing reaches included."""
        rows = self._git.lines("cat-file", "--batch-all-objects", "--batch-check", "--unordered")
        words = (row.decode("ascii", "replace").split() for row in rows)
        found = ((row[0], row[1], row[2]) for row in words if row[1] in _KINDS)
        return tuple(StoredObject(sha, kind, int(size)) for sha, kind, size in found)

    def brought(self) -> Iterator[BroughtFile]:
        """What each commit brought that a reference or a reflog reaches; merges in full."""
        rows = self._git.lines(
            *("log", "--all", "--reflog", "-m", "--root", "--raw", "--no-abbrev", "--no-renames"),
            *("--format=%H", "--no-color", "--no-ext-diff"),
        )
        commit = ""
        for row in rows:
            if row.startswith(b":"):
                facts, _, path = row.rstrip(b"\n").partition(b"\t")
                content = facts.split()[3].decode("ascii")
                if content.strip("0"):
                    yield BroughtFile(commit, unquoted_path(path), content)
            elif word := row.strip():
                commit = word.decode("ascii")

    def contents(self, objects: Iterable[StoredObject]) -> Iterator[tuple[StoredObject, bytes]]:
        """The bytes of objects, in their order; those of more than 20 MB are left out."""
        batch: list[StoredObject] = []
        size = 0
        for found in objects:
            if found.size_bytes > MOST_OBJECT_BYTES:
                continue
            batch.append(found)
            size += found.size_bytes
            if size >= _BATCH_BYTES:
                yield from self._read(batch)
                batch, size = [], 0
        yield from self._read(batch)

    def _read(self, batch: list[StoredObject]) -> Iterator[tuple[StoredObject, bytes]]:
        if not batch:
            return
        names = "".join(f"{found.sha}\n" for found in batch).encode()
        answer = self._git.demand("cat-file", "--batch", stdin=names)
        yield from zip(batch, objects_in(self._git, answer.output), strict=True)

    def reached(self) -> frozenset[str]:
        """The commits and tags that a reference or a reflog reaches."""
        commits = self._git.demand("rev-list", "--all", "--reflog", "--").text.split()
        tags = self._git.demand("for-each-ref", "--format=%(objectname)").text.split()
        return frozenset((*commits, *tags))

    def references(self) -> tuple[str, ...]:
        """The whole names of branches, tags and other references."""
        return tuple(self._git.demand("for-each-ref", "--format=%(refname)").text.splitlines())

    def of_references(self, kind: str) -> frozenset[str]:
        """The commits that references of a kind reach (`notes/*`, `tags/*`), and no branch."""
        chosen = (f"--glob=refs/{kind}", "--not", "--branches", "--remotes")
        return frozenset(self._git.demand("rev-list", *chosen, "--").text.split())

    def of_stashes(self) -> frozenset[str]:
        """The commits of stashed work, each with those of its index and its untracked files."""
        rows = self._git.ask("log", "--walk-reflogs", "--format=%H %P", "refs/stash", "--")
        words = (row.split() for row in rows.text.splitlines()) if rows.status == 0 else ()
        return frozenset(sha for own, _, *others in words for sha in (own, *others))
