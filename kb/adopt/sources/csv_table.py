"""CSV: a row for each postmortem, its columns named by the team.

RFC 4180; `--columns title=Name,date="Started at"` says which column is which key. What has no key
stands in the text under its own name, so that nothing of a row is lost.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator, Mapping

from kb.adopt.days_in_text import read_written_day
from kb.adopt.derived_fact import DerivedFact
from kb.adopt.sources.source import ForeignText, PostmortemSource, SourceFile, UnreadableError
from kb.adopt.stated_facts import severity_fact
from kb.records.compound_values import CLOCK_NAMES
from kb.records.written_dates import read_written_time

#: What a column may be: keys of the form, `id` for the name of a row, `text` and `actions`.
KEYS = ("title", "date", "severity", *CLOCK_NAMES, "id", "text", "actions")
_MAX_ROWS = 5_000


def _is_theirs(file: SourceFile) -> bool:
    return file.suffix == ".csv"


def _read(file: SourceFile) -> tuple[ForeignText, ...]:
    head, rows = _table(file.raw)
    columns = _columns(file.columns, head)
    return tuple(_text(dict(zip(head, row, strict=False)), columns, n) for n, row in rows)


def _table(raw: bytes) -> tuple[list[str], list[tuple[int, list[str]]]]:
    """The head and the rows with something in them, each with its number below the head."""
    try:
        text = raw.decode("utf-8-sig")
        first = text.partition("\n")[0]
        separator = max(",;\t", key=first.count)
        rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True))
    except (UnicodeDecodeError, csv.Error) as error:
        raise UnreadableError(f"no CSV in UTF-8: {error}") from error
    if len(rows) < 2 or len(rows) > _MAX_ROWS:  # noqa: PLR2004 - a head and a row
        raise UnreadableError(f"{max(len(rows) - 1, 0)} rows; 1 to {_MAX_ROWS} are read")
    head = _told_apart([name.strip() for name in rows[0]])
    odd = next((n for n, row in enumerate(rows[1:], 1) if len(row) > len(head)), 0)
    if odd:
        raise UnreadableError(f"row {odd} has more cells than the head")
    return head, [(n, row) for n, row in enumerate(rows[1:], 1) if any(map(str.strip, row))]


def _told_apart(head: list[str]) -> list[str]:
    """The head with equal names numbered from the second on: no cell stands in another's place."""
    seen = Counter[str]()
    names = []
    for name in head:
        seen[name] += 1
        names.append(f"{name} ({seen[name]})" if seen[name] > 1 else name)
    return names


def _columns(named: Mapping[str, str], head: list[str]) -> dict[str, str]:
    """Which column is which key: as named, else those that are called like a key."""
    lower = {name.lower(): name for name in reversed(head)}
    found = {key: lower[key] for key in KEYS if key in lower}
    for key, column in named.items():
        if column not in head:
            raise UnreadableError(f"no column '{column}'; there are: {', '.join(head)}")
        found[key] = column
    if lacking := [key for key in ("title", "date") if key not in found]:
        asked = ",".join(f"{key}=COLUMN" for key in lacking)
        raise UnreadableError(f"say which column is which: --columns {asked} of {', '.join(head)}")
    return found


def _text(row: Mapping[str, str], columns: Mapping[str, str], number: int) -> ForeignText:
    facts = tuple(fact for key, column in columns.items() for fact in _facts(key, row, column))
    title = " ".join(row.get(columns["title"], "").split())
    lines = [f"# {title}", ""]
    own = set(columns.values()) - {columns.get("text"), columns.get("actions")}
    lines += [f"{name}: {cell}" for name, cell in row.items() if name in own and _is_line(cell)]
    for name, cell in row.items():
        if cell.strip() and (name not in own or not _is_line(cell)):
            heading = "Action items" if name == columns.get("actions") else name
            lines += ["", f"## {heading}", "", cell.strip()]
    part = row.get(columns.get("id", ""), "").strip() or f"row {number}"
    return ForeignText(("\n".join(lines) + "\n").encode(), part, title, facts)


def _is_line(cell: str) -> bool:
    return bool(cell.strip()) and "\n" not in cell.strip()


def _facts(key: str, row: Mapping[str, str], column: str) -> Iterator[DerivedFact]:
    cell = row.get(column, "").strip()
    source = f"column '{column}'"
    if key == "title":
        yield DerivedFact(key, " ".join(cell.split()), source)
    elif key == "date":
        day = read_written_day(cell)
        why = f"{source} is '{cell}'" if cell else f"{source} is empty"
        yield DerivedFact(key, day.isoformat() if day else "", source if day else why)
    elif key == "severity" and cell:
        yield severity_fact(cell, source)
    elif key in CLOCK_NAMES and cell:
        yield _clock(key, cell, source)


def _clock(key: str, cell: str, source: str) -> DerivedFact:
    moment = read_written_time(cell)
    at = moment.at() if moment and moment.day and moment.clock and moment.zone else None
    value = at.isoformat().replace("+00:00", "Z") if at else ""
    return DerivedFact(f"clocks.{key}", value, source if at else f"{source} has no zone or day")


SOURCE = PostmortemSource(
    "CSV", "a row each; --columns says which column is which", _is_theirs, _read
)
