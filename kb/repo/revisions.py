"""Which commit a person means: a revision's name, or the end of a day."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time

from kb.errors import KbError
from kb.repo.git_command import Git
from kb.repo.git_types import COMMIT_FORMAT, Commit, read_commit

_SHA = re.compile(r"[0-9a-f]{40,64}")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def find(git: Git, name: str) -> Commit | None:
    """The commit a revision's name stands for; None when Git knows no such commit."""
    found = git.ask("rev-parse", "--verify", "--quiet", "--end-of-options", f"{name}^{{commit}}")
    # `^main` passes as well, and is answered with what is excluded.
    return _described(git, found.text) if _SHA.fullmatch(found.text) else None


def resolve(git: Git, text: str) -> Commit:
    """The commit that a name or a UTC day such as `2026-05-01` stands for; KbError when none."""
    commit = find(git, text)
    if commit is not None:
        return commit
    head = find(git, "HEAD")
    if head is None:
        raise _fault(git, f"no commit {text!r}: there are no commits yet", "commit something first")
    if _DAY.fullmatch(text):
        return _at_end_of(git, text, head)
    raise _fault(
        git,
        f"no commit, branch or tag {text!r}",
        "give one that `git log` knows, or a UTC day such as 2026-05-01",
    )


def boundary(git: Git, until: Commit) -> Commit | None:
    """The commit at which a shallow clone cuts off the first-parent history of `until`."""
    if not is_shallow(git):
        return None
    oldest = git.demand("rev-list", "--first-parent", "--max-parents=0", until.sha).text
    # The commit itself still names the parents that the clone lacks.
    header, _, _ = git.demand("cat-file", "commit", oldest).output.partition(b"\n\n")
    return _described(git, oldest) if b"\nparent " in header else None


def is_shallow(git: Git) -> bool:
    """Whether older commits were left out when the repository was cloned."""
    return git.demand("rev-parse", "--is-shallow-repository").text == "true"


def merge_base(git: Git, one: Commit, other: Commit) -> Commit | None:
    """The best common ancestor; None when the two share none that is known."""
    found = git.ask("merge-base", one.sha, other.sha)
    return _described(git, found.text) if found.status == 0 else None


def missing_history_hint(git: Git) -> str:
    """What to do where a shallow clone may be the reason, else nothing."""
    hint = "this clone is shallow: run `git fetch --unshallow`, in CI ask for the whole history"
    return hint if is_shallow(git) else ""


def _at_end_of(git: Git, day: str, head: Commit) -> Commit:
    try:
        midnight = datetime.combine(date.fromisoformat(day), time(), UTC)
    except ValueError:
        raise _fault(git, f"{day} is no day of the calendar", "write it as 2026-05-01") from None
    # Git counts whole seconds and takes the bound itself in.
    last_second = int(midnight.timestamp()) + 24 * 60 * 60 - 1
    search = ("rev-list", "--first-parent", "--max-count=1", f"--min-age={last_second}", head.sha)
    # Git reads a moment before 1970 as no bound at all.
    sha = git.demand(*search).text if last_second >= 0 else ""
    if not sha:
        raise _fault(git, f"no commit is as old as {day}", "give a later day")
    return _described(git, sha)


def _described(git: Git, sha: str) -> Commit:
    options = ("--no-walk", "--no-patch", "--no-show-signature", "--no-notes", "--encoding=UTF-8")
    return read_commit(git.demand("log", *options, COMMIT_FORMAT, sha).output)


def _fault(git: Git, what: str, todo: str) -> KbError:
    hint = missing_history_hint(git)
    return KbError(what, where=str(git.folder), todo=f"{todo}; {hint}" if hint else todo)
