"""What became of the rows of a trace, in words and as JSON."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from kb.humanize import plural
from kb.terminal import as_lines, plain
from kb.traces.decoding.row_account import RowAccount, RowVerdict, Verdict
from kb.traces.redaction import safe_text

ROWS_SCHEMA = "kb.run-rows/1"


def rows_text(rows: RowAccount, runs: int) -> str:
    """The counts, then every row: neighbours that met the same end share a line."""
    verdicts = list(rows.verdicts())
    lines = [f"{plural(len(verdicts), 'row')}, {plural(runs, 'run')}", *_sums(rows), ""]
    lines += [_line(first, last) for first, last in _stretches(verdicts)]
    return as_lines(lines).rstrip()


def rows_line(rows: RowAccount) -> str:
    """The counts in one line, for a report of an import."""
    of_verdict = dict.fromkeys(Verdict, 0)
    for (verdict, _), number in rows.counts().items():
        of_verdict[verdict] += number
    parts = [f"{number:,} {verdict}" for verdict, number in of_verdict.items() if number]
    return f"{plural(sum(of_verdict.values()), 'row')}: {', '.join(parts)}"


def rows_json(rows: RowAccount, runs: int) -> dict[str, Any]:
    """Every row with what became of it, and the counts, which add up to their number."""
    parts = [
        {"where": row.where, "verdict": str(row.verdict), "why": _why(row.why)}
        for row in rows.verdicts()
    ]
    return {"schema": ROWS_SCHEMA, "runs": runs, "counts": rows_counts(rows), "rows": parts}


def rows_counts(rows: RowAccount) -> list[dict[str, Any]]:
    """How many rows met each end; they add up to the number of rows."""
    return [
        {"verdict": str(verdict), "why": _why(why), "rows": number}
        for (verdict, why), number in rows.counts().most_common()
    ]


def _sums(rows: RowAccount) -> Iterator[str]:
    counts = rows.counts()
    for verdict in Verdict:
        of_it = [(why, number) for (v, why), number in counts.most_common() if v is verdict]
        for why, number in of_it:
            yield f"{number:>7,} {verdict}{_because(why)}"


def _stretches(verdicts: list[RowVerdict]) -> Iterator[tuple[RowVerdict, RowVerdict]]:
    """The first and the last of neighbouring rows that met the same end in the same list."""
    first: RowVerdict | None = None
    last: RowVerdict | None = None
    for row in verdicts:
        if first is not None and last is not None:
            same = (row.verdict, row.why) == (first.verdict, first.why)
            if same and _parts(row.where)[::2] == _parts(first.where)[::2]:
                last = row
                continue
            yield first, last
        first = last = row
    if first is not None and last is not None:
        yield first, last


def _parts(where: str) -> tuple[str, str, str]:
    """A place before, in and behind its last number."""
    found = re.fullmatch(r"(.*?)(\d*)(\D*)", where, re.DOTALL)
    return (found[1], found[2], found[3]) if found else (where, "", "")


def _line(first: RowVerdict, last: RowVerdict) -> str:
    place = first.where or "the whole file"
    if last is not first:
        place += f" to {_parts(last.where)[1]}"
    return f"  {place}  {first.verdict}{_because(first.why)}"


def _because(why: str) -> str:
    return f": {plain(_why(why))}" if why else ""


@lru_cache(maxsize=256)
def _why(why: str) -> str:
    """A reason; kinds of rows that it names are words of the file."""
    return safe_text(why)
