"""Walls: what postmortems name and a program stops before it runs again.

A record says which calls are denied, asked about or noted (`kb.records.wall_definitions`); the user
trusts them once for a repository, and they are compiled to a table that is read in a millisecond.

- `agent_hook`: what coding agents send before a tool is used; `decide_call`: one call answered
- `wall_conditions`: the walls that a call meets; `match_shell_command`: those on a command line;
  `wildcards`: patterns with `*` and `|`
- `local_paths`: where the user's table lies; `firing_log`, `firing_summary`: what fired
- `proof`, `agent_deny_lists`: walls proved on runs, and written as agents' own deny lists
- `unusable_walls`: what somebody wrote as a wall and is none

    decision = kb.walls.guard("Bash", {"command": "terraform destroy -auto-approve"})
    if decision.verdict == "deny": ...
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from kb.walls.wall_conditions import WallDecision

__all__ = ["guard"]


def guard(tool: str, arguments: Any, path: str | None = None) -> WallDecision:
    """What the walls of the repository around `path` say of a call, in this process.

    Without `path` that is the working directory, which may have none; a `path` without one is a
    fault. Table, trust, log and the user's setting for failures are those of `kb wall hook`.
    """
    from kb.walls.decide_call import answer

    return answer(tool, arguments, "." if path is None else path, is_named=path is not None)
