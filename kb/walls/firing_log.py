"""The log of this machine: walls that fired, without arguments, and passes that people gave.

Both lie in the user's state folder, a file for each repository.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from kb.safe_files import Root
from kb.walls.local_paths import firings_path, passes_path

#: A pass that was not used by then is none any more.
PASS_MINUTES = 30
_MOST_BYTES = 50_000_000


#: What came of a call, beside the verdicts: it ran as a person had said, or a person said so.
PASSED, PASS_GIVEN = "passed", "pass-given"


class Firing(NamedTuple):
    """One line of the log: when, which wall (`record#W1`), and what came of it."""

    at: datetime
    wall: str
    answer: str
    tool: str


def log(root: str, wall: str, answer: str, tool: str = "", reason: str = "") -> None:
    """Add one line to the log. Raises `OSError` where it cannot be written."""
    row = {"at": _now(), "wall": wall, "answer": answer, "tool": tool[:100]}
    row |= {"reason": reason} if reason else {}
    path = Path(firings_path(root))
    with _root(path).appending(path.name, 0o600) as stream:
        stream.write(json.dumps(row).encode() + b"\n")


def firings(root: str) -> tuple[Firing, ...]:
    """What fired, oldest first; a line that is no firing is left out. Raises `OSError`."""
    path = Path(firings_path(root))
    try:
        raw = Root(path.parent).read_bytes(path.name, _MOST_BYTES)
    except (FileNotFoundError, NotADirectoryError):
        return ()
    return tuple(_read(raw))


def _read(raw: bytes) -> Iterator[Firing]:
    for line in raw.splitlines():
        try:
            row = json.loads(line)
            at = datetime.fromisoformat(row["at"])
            yield Firing(at, str(row["wall"]), str(row["answer"]), str(row["tool"]))
        except (ValueError, KeyError, TypeError, RecursionError):
            continue


def give_pass(root: str, wall: str, reason: str) -> None:
    """Let the next call through that this wall would stop. Raises `OSError`."""
    until = datetime.now(UTC) + timedelta(minutes=PASS_MINUTES)
    _change(root, lambda passes: passes | {wall: {"until": until.isoformat(), "reason": reason}})


def passes_given(root: str) -> frozenset[str]:
    """The walls that a pass was given for and not used. Raises `OSError`."""
    path = Path(passes_path(root))
    try:
        passes = json.loads(_root(path).read_bytes(path.name, _MOST_BYTES))
    except (FileNotFoundError, ValueError, RecursionError):
        return frozenset()
    entries = passes.items() if isinstance(passes, dict) else ()
    return frozenset(wall for wall, given in entries if _is_valid(given))


def _is_valid(given: Any) -> bool:
    """Whether an entry is a pass whose time is not over; what has no time is none."""
    try:
        return datetime.fromisoformat(given["until"]) > datetime.now(UTC)
    except (KeyError, TypeError, ValueError):
        return False


def use_pass(root: str, wall: str) -> bool:
    """Whether there is a pass for this wall, which is used up now. Raises `OSError`."""
    found: list[Any] = []

    def without(passes: dict[str, Any]) -> dict[str, Any]:
        found.append(passes.get(wall))
        return {name: given for name, given in passes.items() if name != wall}

    _change(root, without)
    return _is_valid(found[0])


def _change(root: str, change: Any) -> None:
    """Put other passes in place of those there are; two at once wait for each other."""
    path = Path(passes_path(root))
    folder = _root(path)
    with folder.lock(f"{path.name}.lock"):
        try:
            passes = json.loads(folder.read_bytes(path.name, _MOST_BYTES))
        except (FileNotFoundError, ValueError, RecursionError):
            passes = {}
        changed = change(passes if isinstance(passes, dict) else {})
        folder.write_text(path.name, json.dumps(changed))
        if not changed:
            folder.remove_file(path.name)


def _root(path: Path) -> Root:
    root = Root(path.parent)
    root.make_folder(".")
    return root


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
