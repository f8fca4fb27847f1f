"""One pass over `git log`, read while it arrives: from its text to `FileChange` values."""

from __future__ import annotations

import ast
import os
import re
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import PurePosixPath

from kb.repo.git_command import Git, decoded_path
from kb.repo.git_types import COMMIT_FORMAT, Commit, read_commit
from kb.repo.line_history import FileChange, History, Line, LineTest

# Everything a person can configure about a diff is said here, so that no setting is asked.
_SAME_FOR_EVERYBODY = (
    "--first-parent",
    "--diff-merges=first-parent",
    "--raw",
    "-M",
    "-l1000",
    f"-O{os.devnull}",
    "--text",
    "--no-color",
    "--no-ext-diff",
    "--no-textconv",
    "--no-show-signature",
    "--submodule=short",
    "--encoding=UTF-8",
    COMMIT_FORMAT,
)
_PATCHES = (
    "-p",
    "-U0",
    "--inter-hunk-context=0",
    "--diff-algorithm=myers",
    "--indent-heuristic",
)
_HUNK = re.compile(rb"@@ -(\d+)(?:,\d+)? \+(\d+)(?:,\d+)? @@")
# Links, submodules and absent files have modes that begin otherwise.
_REGULAR_FILE = b"100"
_NOTHING = b"000000"


@dataclass(frozen=True, slots=True)
class LogSpan:
    """Which history is meant: of which folder, up to which commit, cut off at which."""

    folder: PurePosixPath
    until: Commit
    boundary: Commit | None


def read_history(git: Git, span: LogSpan, keep: LineTest | None) -> History:
    """The history of the folder's Markdown files, also from before they moved into it.

    A second pass is made only where files came from another folder.
    """
    patterns = [f":(top){_literal(span.folder)}*.md"]  # `*` crosses `/` here
    while True:
        changes = _changes(git, span, patterns, keep)
        origins = _origins(git, changes, span.folder) - set(patterns)
        if not origins:
            return History(_leading_into(span.folder, changes), span.boundary)
        patterns += sorted(origins)


def read_changes(lines: Iterable[bytes], keep: LineTest | None = None) -> Iterator[FileChange]:
    """The changes in what `git log --raw -p -U0` writes, in its order.

    Only lines that `keep` accepts are held.
    The raw part names a commit's files exactly; each then has its section in the patch, in the
    same order.
    """
    commit: Commit | None = None
    announced: deque[_Section] = deque()
    section: _Section | None = None
    for line in lines:
        if section is not None and section.takes(line):
            continue
        if line.startswith(b"diff --git "):
            yield from _finished(section)
            section = announced.popleft() if announced else None
        elif line.startswith(b"\0"):
            yield from _finished(section)
            section, commit = None, read_commit(line)
            announced.clear()
        elif line.startswith(b":") and commit is not None:
            announced.extend(_sections(commit, line, keep))
    yield from _finished(section)


class _Section:
    """The part of a patch that is about one file, while it is being read."""

    def __init__(self, template: FileChange, keep: LineTest | None) -> None:
        self._template = template
        self._keep = keep
        self._added: list[Line] = []
        self._removed: list[Line] = []
        self._is_in_hunk = False
        self._next_added = 0
        self._next_removed = 0

    def takes(self, line: bytes) -> bool:
        """Whether the line was part of a hunk; it is then remembered."""
        lead = line[:1]
        if lead == b"@":
            self._start_hunk(line)
        elif not self._is_in_hunk:
            # `--- a/file` and `+++ b/file` stand before the first hunk.
            return lead in b"+-"
        elif lead == b"+":
            self._hold(self._added, self._next_added, line)
            self._next_added += 1
        elif lead == b"-":
            self._hold(self._removed, self._next_removed, line)
            self._next_removed += 1
        else:
            return False
        return True

    @property
    def is_about_no_file(self) -> bool:
        """Whether a link or a submodule stood here and stands here: none of them is followed."""
        return self._template.is_new and self._template.is_deleted

    def change(self) -> FileChange:
        """What has been read."""
        return replace(self._template, added=tuple(self._added), removed=tuple(self._removed))

    def _start_hunk(self, line: bytes) -> None:
        hunk = _HUNK.match(line)
        if hunk is not None:
            self._next_removed, self._next_added = int(hunk[1]), int(hunk[2])
            self._is_in_hunk = True

    def _hold(self, lines: list[Line], number: int, line: bytes) -> None:
        text = line[1:].rstrip(b"\r\n").decode("utf-8", "replace")
        if self._keep is None or self._keep(text):
            lines.append((number, text))


def _finished(section: _Section | None) -> Iterator[FileChange]:
    if section is not None and not section.is_about_no_file:
        yield section.change()


def _sections(commit: Commit, line: bytes, keep: LineTest | None) -> Iterator[_Section]:
    """The sections that one raw line announces: two where a file became a link or back."""
    old_mode, new_mode, status, paths = _raw(line)
    if status == b"T":
        yield _section(FileChange(commit, paths[-1]), old_mode, _NOTHING, keep)
        yield _section(FileChange(commit, paths[-1]), _NOTHING, new_mode, keep)
    else:
        old_path = paths[0] if status == b"R" else None
        yield _section(FileChange(commit, paths[-1], old_path), old_mode, new_mode, keep)


def _section(
    template: FileChange, old_mode: bytes, new_mode: bytes, keep: LineTest | None
) -> _Section:
    is_new = not old_mode.startswith(_REGULAR_FILE)
    is_deleted = not new_mode.startswith(_REGULAR_FILE)
    return _Section(replace(template, is_new=is_new, is_deleted=is_deleted), keep)


def _raw(line: bytes) -> tuple[bytes, bytes, bytes, list[PurePosixPath]]:
    """Old mode, new mode, one-letter status, and the old and new path or the only one."""
    facts, *paths = line[1:].rstrip(b"\n").split(b"\t")
    old_mode, new_mode, _, _, status = facts.split()
    return old_mode, new_mode, status[:1], [unquoted_path(path) for path in paths]


def unquoted_path(path: bytes) -> PurePosixPath:
    """A path as Git writes it where no NUL ends it."""
    if path.startswith(b'"'):
        # Git's quoted names are C strings in ASCII, and all their escapes mean the same here.
        path = ast.literal_eval("b" + path.decode("ascii"))
    return PurePosixPath(decoded_path(path))


def _changes(
    git: Git, span: LogSpan, patterns: list[str], keep: LineTest | None
) -> tuple[FileChange, ...]:
    options = ("--reverse", *_SAME_FOR_EVERYBODY, *_PATCHES)
    lines = git.lines("log", *options, span.until.sha, "--", *patterns)
    return tuple(
        replace(change, is_new=False, is_boundary=True)
        if change.commit == span.boundary
        else change
        for change in read_changes(lines, keep)
    )


def _origins(git: Git, changes: tuple[FileChange, ...], folder: PurePosixPath) -> set[str]:
    """Patterns for the folders outside `folder` from which files were moved.

    Git does not see such a move while it looks into one folder only.
    """
    born = {change.path: change.commit.sha for change in changes if change.is_new}
    if folder == PurePosixPath():
        return set()
    # Most commits delete nothing elsewhere. This finds the others without reading the folder;
    # a pattern for Markdown here would make it ten times slower.
    elsewhere = f":(top,exclude,literal){folder}"
    deletions = _selected(git, set(born.values()), ("--no-renames", "--diff-filter=D"), elsewhere)
    suspects = {sha for sha, paths in deletions if paths[0].suffix == ".md"}
    renames = _selected(git, suspects, ("--diff-filter=R",), ":(top)*.md")
    return {
        f":(top,glob){_literal(old_path.parent)}*.md"
        for _, (old_path, path) in renames
        if path in born and not old_path.is_relative_to(folder)
    }


def _selected(
    git: Git, shas: set[str], kind: tuple[str, ...], pattern: str
) -> Iterator[tuple[str, list[PurePosixPath]]]:
    """The commit and the paths of each change of that kind."""
    if not shas:
        return
    options = ("log", "--stdin", "--no-walk", *_SAME_FOR_EVERYBODY, *kind, "--", pattern)
    sha = ""
    for line in git.demand(*options, stdin="\n".join(shas).encode()).output.splitlines():
        if line.startswith(b"\0"):
            sha = read_commit(line).sha
        elif line.startswith(b":"):
            yield sha, _raw(line)[3]


def _leading_into(folder: PurePosixPath, changes: tuple[FileChange, ...]) -> tuple[FileChange, ...]:
    """Without the changes of files that stayed in the other folders."""
    wanted: set[PurePosixPath] = set()
    kept = []
    for change in reversed(changes):
        if change.path in wanted or change.path.is_relative_to(folder):
            kept.append(change)
            wanted.update([change.old_path] if change.old_path else [])
    return tuple(reversed(kept))


def _literal(folder: PurePosixPath) -> str:
    """The folder as the beginning of a pattern, with its slash; the root is nothing."""
    return "" if folder == PurePosixPath() else re.sub(r"([\\*?\[])", r"\\\1", f"{folder}/")
