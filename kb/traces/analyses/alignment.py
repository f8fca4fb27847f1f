"""Two runs of a task side by side: calls row by row, and where they part."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

from kb.terminal import as_lines, cells, cut
from kb.traces.analyses.calls_made import arguments_text, calls, effect_words
from kb.traces.analyses.divergence import Difference, Divergence, divergence, masked_key
from kb.traces.analyses.finding import one_line
from kb.traces.run import Run, ToolCall


@dataclass(frozen=True)
class AlignedPair:
    """One row: the call of each run, None where one has no such call."""

    step: int | None
    call: ToolCall | None
    passing_step: int | None
    passing: ToolCall | None
    is_equal: bool


@dataclass(frozen=True)
class Alignment:
    """Two runs side by side."""

    run: Run
    passing: Run
    rows: tuple[AlignedPair, ...]
    divergence: Divergence


def align(run: Run, passing: Run) -> Alignment:
    """The calls of two runs in rows. Raises `KbError` for runs of different tasks."""
    parted = divergence(run, passing)
    mine, theirs = list(calls(run)), list(calls(passing))
    keys = [masked_key(call, run) for _, call in mine]
    other_keys = [masked_key(call, passing) for _, call in theirs]
    rows: list[AlignedPair] = []
    matcher = SequenceMatcher(None, keys, other_keys, autojunk=False)
    for tag, a, b, c, d in matcher.get_opcodes():
        for number in range(max(b - a, d - c)):
            left = mine[a + number] if a + number < b else (None, None)
            right = theirs[c + number] if c + number < d else (None, None)
            rows.append(AlignedPair(left[0], left[1], right[0], right[1], tag == "equal"))
    return Alignment(run, passing, tuple(rows), parted)


def diff_text(aligned: Alignment, width: int = 80) -> str:
    """The rows in so many cells, and the first places where the runs part.

    What both runs did (`=`) stands once, with the step of each.
    """
    room = (width - 3) // 2
    lines = [
        _side_by_side("  ", f"this run: {aligned.run.id}", f"passing: {aligned.passing.id}", room)
    ]
    for row in aligned.rows:
        if row.is_equal and row.call is not None:
            steps = dict.fromkeys((str(row.step), str(row.passing_step)))
            lines.append(f"= {_cell('/'.join(steps), row.call, width - 2)}")
            continue
        left, right = (
            _cell(str(step), call, room)
            for step, call in ((row.step, row.call), (row.passing_step, row.passing))
        )
        lines.append(_side_by_side("≠ ", left, right, room))
    lines += ["", *_parting(aligned.divergence)]
    return as_lines(lines)


def _side_by_side(mark: str, left: str, right: str, room: int) -> str:
    left, right = cut(left, room), cut(right, room)
    return f"{mark}{left}{' ' * (room - cells(left))} {right}".rstrip()


def diff_json(aligned: Alignment) -> dict[str, Any]:
    """The same for machines."""
    parted = aligned.divergence
    return {
        "schema": "kb.run-diff/1",
        "run": aligned.run.id,
        "passing": aligned.passing.id,
        "first": _place(parted.first),
        "first_tool": _place(parted.first_tool),
        "first_write": _place(parted.first_write),
        "first_write_is_guess": parted.is_guess,
        "baseline": _place(parted.baseline),
        "rows": [
            {
                "step": row.step,
                "tool": row.call.tool if row.call else None,
                "passing_step": row.passing_step,
                "passing_tool": row.passing.tool if row.passing else None,
                "equal": row.is_equal,
            }
            for row in aligned.rows
        ],
    }


def _cell(step: str, call: ToolCall | None, room: int) -> str:
    if call is None:
        return "—"
    failed = " ✗" if call.failure else ""
    text = one_line(f"{step} {call.tool} {arguments_text(call.arguments)}")
    return cut(text, room - cells(failed)) + failed


def _parting(parted: Divergence) -> list[str]:
    if parted.first is None:
        return ["The same calls with the same arguments."]
    lines = []
    names = ("first other call", "first other tool", "first other write")
    found = (parted.first, parted.first_tool, parted.first_write)
    for name, difference in zip(names, found, strict=True):
        if difference is not None:
            lines.append(f"{name}: call {difference.number}, {_step_words(difference)}")
    if parted.first_write is not None and parted.first_write.call is not None:
        lines[-1] += f", {_write(parted.first_write.call, is_guess=parted.is_guess)}"
    if parted.baseline is not None:
        lines.append(f"baseline, the first write of all: {_step_words(parted.baseline)}")
    return [*lines, "Where they part first is not always where it went wrong."]


def _step_words(difference: Difference) -> str:
    return f"step {difference.step}" if difference.step is not None else "after its end"


def _write(call: ToolCall, *, is_guess: bool) -> str:
    guess = "a guess by its name" if is_guess else effect_words(call)
    return f"{call.tool}: {guess}"


def _place(difference: Difference | None) -> dict[str, Any] | None:
    if difference is None:
        return None
    return {"call": difference.number, "step": difference.step, "other_tool": difference.is_tool}
