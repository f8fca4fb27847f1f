"""Walls: what postmortems name and a program stops before it runs again.

A record says which calls are denied, asked about or noted (`kb.records.walls`); the user trusts
them once for a repository, and they are compiled to a table that is read in a millisecond.

- `patterns`, `decide`  whether a call meets a wall, and which one speaks: nothing heavy is imported
- `places`, `table`     where the user's table lies, and whether it is the one that was trusted
- `hook`                the protocol of coding agents before a tool is used
- `firings`             what fired, and the passes a person gave
- `compiled`, `proof`, `export`  from records to the table, to proofs, to agents' own deny lists
- `unusable`            what somebody wrote as a wall and is none

    decision = kb.walls.guard("Bash", {"command": "terraform destroy -auto-approve"})
    if decision.verdict == "deny": ...
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from kb.walls.decide import Decided

__all__ = ["guard"]


def guard(tool: str, arguments: Any, path: str | None = None) -> Decided:
    """What the walls of the repository around `path` say of a call, in this process.

    Without `path` that is the working directory, which may have none; a `path` without one is a
    fault. Table, trust, log and the user's setting for failures are those of `kb wall hook`.
    """
    from kb.walls.answer import answer

    return answer(tool, arguments, "." if path is None else path, is_named=path is not None)
