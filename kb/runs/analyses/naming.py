"""Does a name in the settings name a tool of the run? The names that do not, with one like it."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches
from fnmatch import fnmatchcase

from kb.traces.run import Run

#: Letters two names share before one is taken for a slip of the other (0–1): refnd, refund.
_LIKENESS = 0.75
_MAX_NAMES = 5


def unmatched(names: Iterable[str], run: Run) -> list[str]:
    """The names or patterns that fit no tool the run called or was offered."""
    tools = _tools(run)
    return [n for n in dict.fromkeys(names) if not any(fnmatchcase(t, n) for t in tools)]


def listed(names: Iterable[str], run: Run) -> str:
    """Names for a sentence, with the tool each may have meant: `refnd (near: refund)`."""
    near = {name: get_close_matches(name, _tools(run), n=1, cutoff=_LIKENESS) for name in names}
    ranked = sorted(near.items(), key=lambda pair: not pair[1])
    told = [f"{name} (near: {tools[0]})" if tools else name for name, tools in ranked]
    more = [f"{len(told) - _MAX_NAMES} more"] if len(told) > _MAX_NAMES else []
    return ", ".join(told[:_MAX_NAMES] + more)


def _tools(run: Run) -> list[str]:
    called = (call.tool for call in run.calls)
    return list(dict.fromkeys([*called, *(tool.name for tool in run.state.tools)]))
