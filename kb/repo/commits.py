"""The commits of a range and the files each touches, in one pass of `git log`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from kb.errors import KbError
from kb.repo.git_command import Git
from kb.repo.git_types import COMMIT_FORMAT, Commit, read_commit

_MAX_PATCH_LINES = 2_000


@dataclass(frozen=True)
class CommitChanges:
    """A commit with its subject, the files it touches and the lines it adds or removes.

    A merge shows what its branch brought. `lines` are cut at 2,000.
    """

    commit: Commit
    subject: str
    is_merge: bool
    paths: tuple[PurePosixPath, ...]
    lines: tuple[str, ...]


def in_range(git: Git, span: str) -> Iterator[CommitChanges]:
    """The commits of a range as `git log` names one (`main~20..main`), newest first.

    First parents only: what a branch brought is told by the merge that landed it. Raises `KbError`
    for a range Git does not know.
    """
    if span.startswith("-"):
        raise KbError(f"'{span}' is no range", todo="Name one as git log takes it: v1.2..HEAD.")
    ends = git.ask("rev-parse", "--revs-only", "--end-of-options", span)
    if ends.status != 0 or not ends.text.strip():
        raise KbError(
            f"'{span}' is no range here", todo="Name one as git log takes it: v1.2..HEAD."
        )
    output = git.lines(
        "log",
        "--first-parent",
        "--diff-merges=first-parent",
        "-p",
        "-U0",
        "--no-color",
        "--no-ext-diff",
        "--no-textconv",
        f"{COMMIT_FORMAT}%x00%s",
        *ends.text.split(),
        "--",
    )
    yield from _read(output)


def _read(output: Iterator[bytes]) -> Iterator[CommitChanges]:
    head: bytes | None = None
    paths: dict[PurePosixPath, None] = {}
    lines: list[str] = []
    for raw in output:
        if raw.startswith(b"\0"):
            if head is not None:
                yield _touched(head, paths, lines)
            head, paths, lines = raw, {}, []
        elif raw.startswith((b"--- ", b"+++ ")):
            path = _path(raw)
            paths |= {path: None} if path else {}
        elif raw[:1] in {b"+", b"-"} and len(lines) < _MAX_PATCH_LINES:
            lines.append(raw[1:].decode("utf-8", "replace").rstrip("\n"))
    if head is not None:
        yield _touched(head, paths, lines)


def _touched(head: bytes, paths: dict[PurePosixPath, None], lines: list[str]) -> CommitChanges:
    *fields, subject = head.rstrip(b"\n").split(b"\0", 6)
    commit = read_commit(b"\0".join(fields))
    is_merge = b" " in fields[4]
    return CommitChanges(
        commit, subject.decode("utf-8", "replace"), is_merge, tuple(paths), tuple(lines)
    )


def _path(raw: bytes) -> PurePosixPath | None:
    """The file of a `--- a/…` or `+++ b/…` line; a line of text that looks like one is no file."""
    name = raw[4:].rstrip(b"\n\t")
    if name.startswith(b'"'):
        name = name.strip(b'"')
    if name[:2] not in {b"a/", b"b/"}:
        return None
    return PurePosixPath(name[2:].decode("utf-8", "replace"))
