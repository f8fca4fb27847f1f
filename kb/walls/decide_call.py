"""The answer to one call: the table opened, the walls asked, the firing logged, a pass used up."""

from __future__ import annotations

import os

from kb.walls.local_paths import library_root, passes_path
from kb.walls.stored_table import WallTable, read_stored, stamp
from kb.walls.wall_conditions import WallDecision, judge
from kb.walls.wildcards import UnjudgeableError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from kb.walls.stored_table import Row


def answer(tool: str, arguments: Any, path: str, *, is_named: bool = False) -> WallDecision:
    """What the walls of the repository around a folder say of a call; never an exception.

    Without a knowledge base, and without walls that the user trusts, nothing is said; but one that
    was named outright (`is_named`) and is not there is a fault.
    """
    try:
        root = _named_root(path) if is_named else library_root(path)
        return _ask_walls(root, tool, arguments) if root else WallDecision()
    except UnjudgeableError as error:
        return answer_on_failure(str(error))
    except Exception as error:  # noqa: BLE001 - whatever it is, the user has said what it means
        return answer_on_failure(f"{type(error).__name__}: {error}")


def open_table(root: str) -> WallTable:
    """The walls of a repository that its user trusts, compiled anew where a record changed.

    Raises what reading and compiling raise.
    """
    stored = read_stored(root)
    if stored is None or stored["stamp"] != stamp(root, stored.get("folder", "")):
        from kb.walls.compile_table import bring_up_to_date

        return bring_up_to_date(root, stored)
    return WallTable(stored["rows"])


def _named_root(path: str) -> str:
    """The knowledge base that somebody named. Raises `UnjudgeableError` where there is none."""
    place = os.path.expanduser(path)
    # A folder that is gone lies in no library, whatever lies above it.
    root = library_root(place) if os.path.exists(place) else ""
    if not root:
        raise UnjudgeableError(f"the library that was named is no knowledge base: '{path}'")
    return root


def _ask_walls(root: str, tool: str, arguments: Any) -> WallDecision:
    table = open_table(root)
    met, unread = judge(table.rows, tool, arguments)
    failed = answer_on_failure(unread) if unread else WallDecision()
    if not met:
        return failed if unread else WallDecision(reason=table.notice)
    try:
        given = _passes_given(root)
    except OSError:  # a pass that cannot be read lets nothing through
        given = frozenset()
    speaking = next((row for row in met if row["id"] not in given), None)
    # The stricter of what the walls say and of what the user set for those that could not be asked.
    if not failed.allows and (speaking is None or speaking["verdict"] != failed.verdict):
        return failed
    try:
        speaking, passed = _after_passes(root, met, speaking, given)
    except OSError:  # neither does one that cannot be used up
        speaking, passed = met[0], []
    unlogged = _log(root, speaking, passed, tool)
    row, verdict = (met[0], "") if speaking is None else (speaking, speaking["verdict"])
    return WallDecision(
        verdict,
        row["id"],
        row["reason"],
        is_passed=speaking is None,
        unread=failed.fault,
        unlogged=unlogged,
    )


def _passes_given(root: str) -> frozenset[str]:
    """The walls for which a pass is there. Raises `OSError`."""
    if not os.path.exists(passes_path(root)):
        return frozenset()
    from kb.walls.firing_log import passes_given

    return passes_given(root)


def _after_passes(
    root: str, met: list[Row], speaking: Row | None, given: frozenset[str]
) -> tuple[Row | None, list[Row]]:
    """The wall that speaks, None where a pass was there for each; and those whose pass was used.

    A pass is for one wall: the strictest without one speaks, and no pass is used up for nothing.
    Raises `OSError`.
    """
    from kb.walls.firing_log import use_pass

    used: list[Row] = []
    if speaking is not None and speaking["verdict"] != "note":
        return speaking, used
    for row in met:
        if row["id"] in given:
            if not use_pass(root, row["id"]):  # a call at the same time took it
                return row, used
            used.append(row)
    return speaking, used


def _log(root: str, speaking: Row | None, passed: list[Row], tool: str) -> str:
    """Log what fired; why it could not be logged, which changes no verdict, else nothing."""
    from kb.walls.firing_log import PASSED, log

    try:
        for row in passed:
            log(root, row["id"], PASSED, tool)
        if speaking is not None:
            log(root, speaking["id"], speaking["verdict"], tool)
    except OSError as error:
        return str(error)
    return ""


def answer_on_failure(why: str) -> WallDecision:
    """What the user set for a call that cannot be judged: let pass, or denied; with the fault."""
    try:
        from kb.user_config import read_user_config

        is_closed = read_user_config().walls.on_failure == "closed"
    except Exception as error:  # noqa: BLE001 - who wrote a configuration wanted more than none
        is_closed = True
        why = f"{why}; and your configuration cannot be read: {error}"
    return WallDecision("deny" if is_closed else "", fault=" ".join(why.split()))
