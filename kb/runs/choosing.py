"""Which run of a file is meant? The only one, or the one that was named."""

from __future__ import annotations

from pathlib import Path

from kb.errors import KbError
from kb.traces.reading import ReadingSettings, read_runs
from kb.traces.run import Run

_IDS_SHOWN = 8


def one_run(path: Path, settings: ReadingSettings, wanted: str = "") -> Run:
    """The run of a file. `wanted` is its id, the beginning of it, or its number, from 1.

    Raises `KbError` where the file holds no run, or several and none is named.
    """
    ids: list[str] = []
    for number, run in enumerate(read_runs(path, settings), 1):
        ids.append(run.id)
        if wanted and (wanted == str(number) or run.id.startswith(wanted)):
            return run
        if not wanted and number == 1:
            only = run
    if not wanted and len(ids) == 1:
        return only
    raise _not_chosen(path, ids, wanted)


def _not_chosen(path: Path, ids: list[str], wanted: str) -> KbError:
    if not ids:
        return KbError("holds no run", where=str(path), todo="Export the trace with its steps.")
    shown = ", ".join(ids[:_IDS_SHOWN]) + (", …" if len(ids) > _IDS_SHOWN else "")
    what = f"has no run '{wanted}'" if wanted else f"holds {len(ids)} runs"
    return KbError(what, where=str(path), todo=f"Name one with --run: its number, or of {shown}.")
