"""When an action, a tick or a publication landed, from the commits of each record.

An added `[x]` line is often a reorder or a rewording: states are compared per action label.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import PurePath, PurePosixPath
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kb.repo.line_history import FileChange, History

_TASK = re.compile(
    r"[ \t]*[-*+][ \t]+\[(?P<mark>[ xX-])\][ \t]+"
    r"(?:(?:\*\*)?(?P<label>A\d{1,4})(?:\*\*)?[ \t]*:[ \t]*)?(?P<text>.*)$"
)
_STATUS = re.compile(r"status[ \t]*:[ \t]*[\"']?([\w-]+)")
_STATES = {" ": "open", "-": "cancelled"}
_UNPUBLISHED = frozenset({"draft", "in-review"})
_ATTRIBUTES = re.compile(r"(?<![ \t])[ \t]++(?:—|–|--)[ \t]++\w+[ \t]*:.*$")


@dataclass(frozen=True, slots=True)
class Landing:
    """When something reached the first-parent history.

    `at` is None beyond the boundary of a shallow clone: it had happened by then. `is_exact` is
    False where it happened at `at` or later, for Git keeps no trace of a fast-forward.
    """

    at: datetime | None
    commit: str
    is_exact: bool = True

    def is_by(self, moment: datetime) -> bool:
        """Whether it had happened by then."""
        return self.at is None or self.at <= moment


@dataclass(frozen=True, slots=True)
class StateChange:
    """A change of one action's state to open, closed or cancelled."""

    landing: Landing
    state: str


@dataclass(frozen=True, slots=True)
class PathSince:
    """The path a file had from then on, relative to the library's root."""

    landing: Landing
    path: str


@dataclass(frozen=True)
class Trail:
    """What the commits say about one record; `marks` go by action key, all oldest first.

    `published` is since when it has been published without a break.
    """

    first: Landing | None = None
    published: Landing | None = None
    names: tuple[PathSince, ...] = ()
    marks: Mapping[str, tuple[StateChange, ...]] = field(default_factory=dict)

    def opened(self, key: str) -> Landing | None:
        """When an action first stood there, in any state."""
        return self.marks[key][0].landing if key in self.marks else None

    def ended(self, key: str) -> Landing | None:
        """When an action last became closed or cancelled; None while it is open.

        A reopened action counts from its last closing.
        """
        last = self.marks[key][-1] if key in self.marks else None
        return last.landing if last and last.state != "open" else None

    def reopened(self, key: str) -> Landing | None:
        """When an action was last opened again; None where it never was."""
        again = [mark for mark in self.marks.get(key, ())[1:] if mark.state == "open"]
        return again[-1].landing if again else None

    def until(self, at: datetime) -> Trail:
        """What of it had landed by a moment."""
        marks = {
            key: kept
            for key, found in self.marks.items()
            if (kept := tuple(mark for mark in found if mark.landing.is_by(at)))
        }
        first = self.first if self.first and self.first.is_by(at) else None
        published = self.published if self.published and self.published.is_by(at) else None
        names = tuple(name for name in self.names if name.landing.is_by(at))
        return Trail(first, published, names, marks)


@dataclass(frozen=True)
class Trails:
    """The trails of a library's records, by path relative to the library's root.

    `why_unknown` says why there are none; `boundary` when the history begins in a shallow clone.
    """

    by_path: Mapping[PurePosixPath, Trail] = field(default_factory=dict)
    why_unknown: str = ""
    boundary: datetime | None = None

    def of(self, path: PurePath) -> Trail:
        """The trail of a record; an empty one where Git has none."""
        return self.by_path.get(PurePosixPath(path.as_posix()), Trail())

    def until(self, at: datetime) -> Trails:
        """What had landed by a moment, under the names of that moment."""
        then = (trail.until(at) for trail in self.by_path.values())
        by_path = {PurePosixPath(trail.names[-1].path): trail for trail in then if trail.names}
        return Trails(by_path, self.why_unknown, self.boundary)


def matters(line: str) -> bool:
    """Whether a line can say something about times: the only ones a history has to keep."""
    return bool(_TASK.match(line) or _STATUS.match(line))


def action_key(label: str, text: str) -> str:
    """What an action is recognised by through rewording and reordering: its label.

    Without one, its wording: a reworded action without a label is a new one.
    """
    return label or "~" + " ".join(_ATTRIBUTES.sub("", text).split()).lower()


def read_trails(history: History, root: PurePosixPath | None = None) -> Trails:
    """The trails of every file of one history, from its first change to its last.

    `root` is the library's root within the repository, where the two are not the same.
    """
    base = root or PurePosixPath()
    paths = {change.path for change in history.changes if change.path.is_relative_to(base)}
    # A name that a file no longer has leads to no changes.
    lineages = {path: changes for path in sorted(paths) if (changes := history.of(path))}
    return Trails(
        {path.relative_to(base): read_trail(changes, base) for path, changes in lineages.items()},
        history.why_unknown,
        history.boundary.at if history.boundary else None,
    )


def read_trail(changes: Iterable[FileChange], root: PurePosixPath) -> Trail:
    """The trail of one file, from its changes, oldest first."""
    names: list[PathSince] = []
    first: Landing | None = None
    published: Landing | None = None
    marks: dict[str, list[StateChange]] = {}
    for change in changes:
        landing = Landing(change.at, change.commit.sha, change.commit.dates_arrival)
        first = first or landing
        if change.path.is_relative_to(root):
            path = str(change.path.relative_to(root))
            names += [] if names and names[-1].path == path else [PathSince(landing, path)]
        published = _publication(published, change, landing)
        _inherit(marks, change)
        for task in _tasks(change.added):
            known = marks.setdefault(task.key, [])
            # A line that went and came back, in one commit or in two, is the same promise.
            if not known or known[-1].state != task.state:
                known.append(StateChange(landing, task.state))
    kept = {key: tuple(found) for key, found in marks.items()}
    return Trail(first, published, tuple(names), kept)


def _inherit(marks: dict[str, list[StateChange]], change: FileChange) -> None:
    """Hand the marks of an action without a label on to the label it was given."""
    gone = {task.key for task in _tasks(change.removed)}
    for task in _tasks(change.added):
        if task.label and task.key not in marks and task.wording in gone & marks.keys():
            marks[task.key] = marks.pop(task.wording)


@dataclass(frozen=True, slots=True)
class _Task:
    """One line of a task list."""

    label: str
    wording: str
    state: str

    @property
    def key(self) -> str:
        return self.label or self.wording


def _tasks(lines: Iterable[tuple[int, str]]) -> list[_Task]:
    matches = (_TASK.match(text) for _, text in lines)
    return [
        _Task(
            match["label"] or "",
            action_key("", match["text"]),
            _STATES.get(match["mark"], "closed"),
        )
        for match in matches
        if match
    ]


def _publication(known: Landing | None, change: FileChange, landing: Landing) -> Landing | None:
    """Since when a record is published after a change; None where the change withdrew it."""
    if change.is_deleted:
        return None
    status = _status(change.added)
    if status == "published":
        return known or landing
    is_withdrawn = status in _UNPUBLISHED and _status(change.removed) == "published"
    return None if is_withdrawn else known


def _status(lines: Iterable[tuple[int, str]]) -> str:
    """The status these lines set; front matter stands first, so the first one counts."""
    matches = (_STATUS.match(text) for _, text in lines)
    return next((match[1] for match in matches if match), "")
