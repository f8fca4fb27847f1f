"""What a wall is proved by: the run it came from, the calls beside it, and all other runs.

A wall is proved when it stops a call of the failing run (or the example written as `stops`), and
none of a passing run (or the example written as `passes`). How often it would have spoken in the
runs of other records is counted, and decides nothing: some of those it should have stopped.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kb.errors import KbError
from kb.library import Library
from kb.records.postmortem import Postmortem
from kb.records.wall_definitions import Wall
from kb.safe_files import real_path
from kb.walls.compile_table import address, row_of
from kb.walls.wall_conditions import matching_walls
from kb.walls.wildcards import UnjudgeableError

if TYPE_CHECKING:
    from kb.traces.run import Run
    from kb.walls.stored_table import Row
    from kb.walls.unusable_walls import UnusableWall

FIXTURE = "fixture.json"
#: A run of the same task that went well, kept beside the fixture.
PASSING = "passing.json"
SCHEMA = "kb.wall-check/1"


@dataclass(frozen=True, slots=True)
class StoredRun:
    """A run and the record whose folder it lies in; empty for one from elsewhere."""

    record: str
    name: str
    run: Run


@dataclass(frozen=True)
class WallProof:
    """What was found of one wall.

    `stopped` and `passed` say by what it is proved, `failures` why it is not. `alarms` are the
    other runs in which it speaks, each with how many of its calls, of `others` that were read;
    of `calls` there `unjudged` could not be.
    """

    id: str
    wall: Wall
    status: str
    stopped: tuple[str, ...]
    passed: tuple[str, ...]
    failures: tuple[str, ...]
    alarms: tuple[tuple[str, int], ...]
    others: int
    calls: int
    unjudged: int = 0

    @cached_property
    def is_proved(self) -> bool:
        """Whether it is known to stop what it is for, and to let pass what it is not for."""
        return not self.failures and bool(self.stopped) and bool(self.passed)

    @property
    def missing(self) -> tuple[str, ...]:
        """Why it is not proved."""
        lacks = (
            "" if self.stopped or self.failures else "nothing shows that it stops: write 'stops'",
            "" if self.passed or self.failures else "nothing shows what passes: write 'passes'",
        )
        return (*self.failures, *filter(None, lacks))


def stored_runs(library: Library) -> tuple[tuple[StoredRun, ...], tuple[str, ...]]:
    """The fixtures and passing runs of all records, and what of them could not be read."""
    return _runs_beside(library, library.records)


def proofs_by_record(library: Library) -> dict[str, tuple[WallProof, ...]]:
    """What proves the walls of each record that has some: its own runs, and the calls beside them.

    The runs of other records are not read, so that nothing is said of false alarms; neither is a
    run of its own that cannot be read.
    """
    walled = [record for record in library.records if record.walls]
    runs, _ = _runs_beside(library, walled)
    found: dict[str, tuple[WallProof, ...]] = {}
    for record in walled:
        own = [run for run in runs if run.record == record.id]
        found[record.id] = tuple(_prove(record, wall, own) for wall in record.walls)
    return found


def _runs_beside(
    library: Library, records: Iterable[Postmortem]
) -> tuple[tuple[StoredRun, ...], tuple[str, ...]]:
    runs: list[StoredRun] = []
    unread = []
    for record in records:
        for name in (FIXTURE, PASSING):
            try:
                if (run := _stored(library, record, name)) is not None:
                    runs.append(StoredRun(record.id, name, run))
            except KbError as error:
                unread.append(f"{record.id}/{name}: {error.what}")
    return tuple(runs), tuple(unread)


def _stored(library: Library, record: Postmortem, name: str) -> Run | None:
    path = library.folder / record.id / name
    if not path.is_file() or not real_path(path).is_relative_to(real_path(library.root)):
        return None
    from kb.traces.fixture import read_fixture

    return read_fixture(path)


def runs_of(paths: Iterable[Path]) -> Iterator[StoredRun]:
    """The runs of traces that a person named. Raises `KbError` for what holds none."""
    from kb.traces.read_runs import read_runs

    for path in paths:
        files = sorted(p for p in path.rglob("*") if p.is_file()) if path.is_dir() else [path]
        for file in files:
            yield from (StoredRun("", f"{file.name}: {run.id}", run) for run in read_runs(file))


def prove(library: Library, runs: Sequence[StoredRun], only: str = "") -> Iterator[WallProof]:
    """The proof of each wall of the library, or of those whose address begins with `only`."""
    for record in library.records:
        for wall in record.walls:
            named = address(record.id, wall)
            if named == only if "#" in only else named.startswith(only):
                yield _prove(record, wall, runs)


def _prove(record: Postmortem, wall: Wall, runs: Sequence[StoredRun]) -> WallProof:
    row = row_of(record.id, wall)
    own = {run.name: run.run for run in runs if run.record == record.id}
    others = [run for run in runs if run.record != record.id]
    stopped, passed, failures = _examples(row, wall)
    if FIXTURE in own:
        steps = _steps(row, own[FIXTURE])
        stopped += [f"would have stopped step {steps[0]} of its own run"] if steps else []
        calls = len(own[FIXTURE].calls)
        failures += [] if steps else [f"would have stopped none of the {calls} calls of its run"]
    if PASSING in own:
        steps = _steps(row, own[PASSING])
        unread = _steps(row, own[PASSING], None)
        passed += [] if steps or unread else ["would have let pass the passing run"]
        failures += [f"would have stopped step {steps[0]} of the passing run"] if steps else []
        failures += [f"cannot judge step {unread[0]} of the passing run"] if unread else []
    parts = [(_name(run), _said_of(row, run.run)) for run in others]
    counted = [(name, sum(word is True for word in words)) for name, words in parts]
    return WallProof(
        id=row["id"],
        wall=wall,
        status=record.status,
        stopped=tuple(stopped),
        passed=tuple(passed),
        failures=tuple(failures),
        alarms=tuple((name, count) for name, count in counted if count),
        others=len(others),
        calls=sum(len(run.run.calls) for run in others),
        unjudged=sum(word is None for _, words in parts for word in words),
    )


def _examples(row: Row, wall: Wall) -> tuple[list[str], list[str], list[str]]:
    """What the calls written beside a wall show: that it stops, that it lets pass, or neither."""
    stopped, passed, failures = [], [], []
    for call, is_to_stop in (*((c, True) for c in wall.stops), *((c, False) for c in wall.passes)):
        try:
            is_met = any(matching_walls([row], call.tool, call.arguments))
        except UnjudgeableError as error:
            failures.append(f"cannot be judged, {error}: {call}")
            continue
        text = "stop" if is_to_stop else "let pass"
        if is_met is not is_to_stop:
            failures.append(f"does not {text}: {call}")
        elif is_to_stop:
            stopped.append(f"stops: {call}")
        else:
            passed.append(f"lets pass: {call}")
    return stopped, passed, failures


def _said_of(row: Row, run: Run) -> list[bool | None]:
    """Whether a wall speaks of each call of a run, None for one that cannot be read."""
    return [_speaks(row, call.tool, call.arguments) for call in run.calls]


def _steps(row: Row, run: Run, speaks: bool | None = True) -> list[int]:
    """The numbers of the steps that a wall speaks of, or of those that cannot be read (None)."""
    from kb.traces.run import ToolCall

    return [
        number
        for number, step in run.numbered()
        if isinstance(step, ToolCall) and _speaks(row, step.tool, step.arguments) is speaks
    ]


def _speaks(row: Row, tool: str, arguments: Any) -> bool | None:
    """Whether a wall speaks of a call, None for one that cannot be read."""
    try:
        return any(matching_walls([row], tool, arguments))
    except UnjudgeableError:
        return None


def _name(run: StoredRun) -> str:
    return f"{run.record}/{run.name}" if run.record else run.name


def proofs_json(
    proofs: Sequence[WallProof], unread: Sequence[str], unusable: Sequence[UnusableWall] = ()
) -> dict[str, Any]:
    """The proofs for machines (`kb.wall-check/1`)."""
    return {
        "schema": SCHEMA,
        "walls": [
            {
                "id": proof.id,
                "verdict": proof.wall.verdict,
                "subject": proof.wall.subject,
                "reason": proof.wall.reason,
                "status": proof.status,
                "proved": proof.is_proved,
                "stopped": list(proof.stopped),
                "passed": list(proof.passed),
                "missing": list(proof.missing),
                "other_runs": proof.others,
                "other_calls": proof.calls,
                "unjudged_calls": proof.unjudged,
                "alarms": [{"run": name, "calls": count} for name, count in proof.alarms],
            }
            for proof in proofs
        ],
        "unusable": [{"id": one.id, "why": one.why} for one in unusable],
        "unread": list(unread),
    }


def proofs_text(
    proofs: Sequence[WallProof], unread: Sequence[str], unusable: Sequence[UnusableWall] = ()
) -> str:
    """The proofs for people: each wall, what shows that it works, and how often it would speak."""
    from kb.humanize import plural
    from kb.terminal import visible

    lines = []
    for proof in proofs:
        mark = "PROVED    " if proof.is_proved else "NOT PROVED"
        draft = "" if proof.status == "published" else f" ({proof.status}: not in force)"
        lines += [
            visible(f"{mark}  {proof.id}{draft}"),
            visible(f"            {proof.wall.verdict} {proof.wall.subject}"),
            visible(f"            “{proof.wall.reason}”"),
        ]
        shown = (*proof.missing, *proof.stopped, *proof.passed, *_alarms(proof))
        lines += [visible(f"            · {text}") for text in shown]
    lines += [visible(str(one)) for one in unusable]
    lines += [visible(f"not read: {name}") for name in unread]
    count = sum(proof.is_proved for proof in proofs)
    others = f", {len(unusable)} unusable" if unusable else ""
    lines += ["", f"{plural(len(proofs) + len(unusable), 'wall')}: {count} proved{others}"]
    return "\n".join(lines) + "\n"


def _alarms(proof: WallProof) -> Iterator[str]:
    if not proof.others:
        yield "no other run is stored to look for false alarms in"
        return
    spoken = sum(count for _, count in proof.alarms)
    runs = ", ".join(name for name, _ in proof.alarms[:3])
    yield (
        f"false alarms: speaks of {spoken} of {proof.calls} calls in {proof.others} other runs"
        f"{f': {runs}' if runs else ''}"
    )
    if proof.unjudged:
        yield f"{proof.unjudged} of those calls could not be read, and may be alarms as well"
