"""The measures of several teams as a table: a column each, in text, Markdown, CSV and JSON."""

from __future__ import annotations

import csv
import io
import textwrap
from collections.abc import Iterator, Sequence

from kb.metrics.json_output import TeamJson, number_json
from kb.metrics.page_values import Measure
from kb.numbers_in_words import format_value
from kb.other_libraries.measures_by_team import TeamColumn
from kb.terminal import as_lines, cut, visible

WIDTH = 80
_NAME, _CELL = 28, 17
_TOGETHER = (WIDTH - _NAME) // _CELL
_NOT_SHARED = "not shared"


def shown_names(columns: Sequence[TeamColumn], wanted: Sequence[str]) -> tuple[str, ...]:
    """The measures that some column has a value for, or those that were asked for."""
    own = columns[0].page
    names = [measure.name for measure in own.measures] if own else []
    return tuple(n for n in names if n in wanted or (not wanted and _is_known(columns, n)))


def _is_known(columns: Sequence[TeamColumn], name: str) -> bool:
    found = (column.measure(name) for column in columns)
    return any(one and (one.n or one.unknown) for one in found)


def columns_text(columns: Sequence[TeamColumn], names: Sequence[str]) -> str:
    """Lines of at most 80 columns; what does not fit beside the others follows below them."""
    measured = [column for column in columns if column.page]
    blocks = (measured[at : at + _TOGETHER] for at in range(0, len(measured), _TOGETHER))
    tables = [as_lines(_table(block, names)) for block in blocks]
    return "\n".join([*tables, as_lines(_notes(columns))])


def _table(columns: Sequence[TeamColumn], names: Sequence[str]) -> Iterator[str]:
    heads = "".join(cut(visible(column.name), _CELL - 2).rjust(_CELL) for column in columns)
    yield f"{'':<{_NAME}}{heads}"
    for name in names:
        cells = "".join(_cell(column.measure(name)).rjust(_CELL) for column in columns)
        *above, last = textwrap.wrap(_title(columns, name), _NAME - 1)
        yield from above
        yield f"{last:<{_NAME}}{cells}"


def _title(columns: Sequence[TeamColumn], name: str) -> str:
    """What a measure is called; each column that has one has the same."""
    pages = (column.page for column in columns if column.page)
    found = (measure for page in pages for measure in page.measures if measure.name == name)
    return next((measure.title for measure in found), name)


def _cell(measure: Measure | None) -> str:
    if measure is None:
        return _NOT_SHARED
    return f"{format_value(measure.value, measure.unit)} (n {measure.n})"


def _notes(columns: Sequence[TeamColumn]) -> Iterator[str]:
    yield "Each column is of one team's own incidents; nothing is counted together."
    for column in columns:
        if column.shares == "facts":
            note = "shares facts, which are enough for these measures alone"
            yield from textwrap.wrap(f"{visible(column.name)}: {note}.", WIDTH)
        if column.note:
            yield from textwrap.wrap(f"{visible(column.name)}: {visible(column.note)}.", WIDTH)


def columns_markdown(columns: Sequence[TeamColumn], names: Sequence[str]) -> str:
    """One table, a row a measure."""
    measured = [column for column in columns if column.page]
    heads = [visible(column.name).replace("|", "\\|") for column in measured]
    rows = (
        " | ".join((_title(measured, name), *(_cell(one.measure(name)) for one in measured)))
        for name in names
    )
    head = f"| measure | {' | '.join(heads)} |"
    rule = f"|---|{'--:|' * len(measured)}"
    return as_lines([head, rule, *(f"| {row} |" for row in rows), "", " ".join(_notes(columns))])


def columns_csv(columns: Sequence[TeamColumn], names: Sequence[str]) -> str:
    """One row a measure and team; what a team does not share has no row."""
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(("metric", "team", "value", "unit", "n", "low", "high"))
    for name in names:
        for column in columns:
            if (m := column.measure(name)) is not None:
                writer.writerow((name, column.name, m.value, m.unit, m.n, m.low, m.high))
    return stream.getvalue()


def columns_json(columns: Sequence[TeamColumn]) -> list[TeamJson]:
    """Each team with its numbers by the name of the measure; one that is not shared is absent."""
    return [
        TeamJson(
            name=column.name,
            shares=column.shares or "own",
            note=column.note,
            metrics={
                measure.name: number_json(measure)
                for measure in (column.page.measures if column.page else ())
                if measure.name in column.measured
            },
        )
        for column in columns
    ]
