"""What did a run do to the world? Its writes, and those of them that nobody looked at."""

from __future__ import annotations

from dataclasses import dataclass

from kb.runs.checkup.guess import seems_to_write
from kb.traces.analyses.calls_made import calls, is_handover
from kb.traces.run import Run, ToolCall

Made = tuple[tuple[int, ToolCall], ...]


@dataclass(frozen=True)
class World:
    """The calls that write, or sound so; those of them after which nothing was read back.

    `handover` is the call that gave the case to a person, None where there is none.
    """

    writes: Made
    unread: Made
    handover: tuple[int, ToolCall] | None


def world(run: Run) -> World:
    """What a run did to the world. Effects nobody names are guessed from the names of tools."""
    made = tuple(calls(run))
    handover = next((pair for pair in made if is_handover(pair[1].tool)), None)
    writes = tuple(p for p in made if seems_to_write(p[1]) and not is_handover(p[1].tool))
    reads = [
        n for n, c in made if c.succeeded and not seems_to_write(c) and not is_handover(c.tool)
    ]
    last_read = max(reads, default=-1)
    unread = tuple((n, c) for n, c in writes if c.succeeded and n > last_read)
    return World(writes, unread, handover)
