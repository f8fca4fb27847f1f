"""What happened to each line of each file, commit by commit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import PurePosixPath

from kb.repo.git_types import Commit

Line = tuple[int, str]
LineTest = Callable[[str], bool]


@dataclass(frozen=True, slots=True)
class FileChange:
    """What one commit did to one file, against its first parent.

    Lines are pairs of line number (of the new file for `added`, of the old for `removed`) and
    text without its line end. `old_path` is there where the file was renamed.
    """

    commit: Commit
    path: PurePosixPath
    old_path: PurePosixPath | None = None
    added: tuple[Line, ...] = ()
    removed: tuple[Line, ...] = ()
    is_new: bool = False
    is_deleted: bool = False
    is_boundary: bool = False

    @property
    def at(self) -> datetime | None:
        """When this landed; None where it lies beyond the boundary of a shallow clone.

        At the boundary every line of a file counts as added: it was there by then.
        """
        return None if self.is_boundary else self.commit.at


@dataclass(frozen=True)
class History:
    """The changes of a folder's Markdown files, oldest first.

    `boundary` is the oldest commit of a shallow clone: what came before is unknown.
    `why_unknown` says why there is no history at all, and is empty when there is.
    """

    changes: tuple[FileChange, ...] = ()
    boundary: Commit | None = None
    why_unknown: str = ""

    def of(self, path: PurePosixPath | str) -> tuple[FileChange, ...]:
        """The changes of the file that has this path now, or had it last, through its renames."""
        return self._lineages.get(PurePosixPath(path), ())

    def introduced(self, path: PurePosixPath | str, matches: LineTest) -> FileChange | None:
        """The change since which the file has had a line that `matches`, without a break.

        None when it has none now.
        """
        count, since = 0, None
        for change in self.of(path):
            before = count
            count += sum(matches(text) for _, text in change.added)
            count -= sum(matches(text) for _, text in change.removed)
            if count <= 0:
                since = None
            elif before <= 0:
                since = change
        return since

    @cached_property
    def _lineages(self) -> dict[PurePosixPath, tuple[FileChange, ...]]:
        lineages: dict[PurePosixPath, list[FileChange]] = {}
        for change in self.changes:
            if change.old_path is not None:
                lineages[change.path] = lineages.pop(change.old_path, [])
            lineages.setdefault(change.path, []).append(change)
        return {path: tuple(changes) for path, changes in lineages.items()}
