"""The measures of each team beside the others, a column each: computed, and printed as a table."""

from __future__ import annotations

import csv
import io
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from kb.as_of import AsOf
from kb.config import Config
from kb.errors import KbError
from kb.humanize import format_value
from kb.library import Library, read_library
from kb.metrics.compute_page import page_of, page_of_some, read_all
from kb.metrics.json_output import TeamJson, number_json
from kb.metrics.result_types import Measure, MetricsPage
from kb.other_libraries.open_libraries import Beside, declared, open_one
from kb.records.document import read_document
from kb.records.facts_without_text import RecordFacts, facts_markdown
from kb.records.form import build_form
from kb.repo import NoRepo, open_repo
from kb.search.answer import ALL, FACTS
from kb.search.several_libraries import OtherLibrary
from kb.terminal import as_lines, cut, visible
from kb.trusted_settings import open_config

#: What facts are enough for. Any other measure would count what is not told as not there.
OF_FACTS = (
    *("detection_chain", "detected_within_30_minutes", "detected_within_4_hours"),
    *("warning_to_containment", "near_miss_detection", "near_miss_share"),
    *("class_recurrence", "control_recurrence", "class_gap", "control_gap"),
)
WIDTH = 80
_NAME, _CELL = 28, 17
_TOGETHER = (WIDTH - _NAME) // _CELL
_NOT_SHARED = "not shared"
_NO_HISTORY = NoRepo("what is fetched of another team comes without its history")


@dataclass(frozen=True)
class TeamColumn:
    """The measures of one team; `page` is None where it shares too little for any.

    `measured` are the names of those that what it shares is enough for.
    """

    name: str
    shares: str
    page: MetricsPage | None
    measured: frozenset[str] = frozenset()
    note: str = ""

    def measure(self, name: str) -> Measure | None:
        """One of them, None where it is not shared."""
        return self.page.measure(name) if self.page and name in self.measured else None


def team_columns(library: Library, own: MetricsPage, as_of: AsOf) -> tuple[TeamColumn, ...]:
    """The column of a library, `own`, and of each that `kb.toml` names beside it."""
    names = frozenset(measure.name for measure in own.measures)
    others = (_column(library, beside, names, as_of) for beside in declared(library))
    return (TeamColumn(own.library, "", own, names), *others)


def _column(library: Library, beside: Beside, names: frozenset[str], as_of: AsOf) -> TeamColumn:
    other = open_one(library, beside)
    if other.is_silent:
        return TeamColumn(beside.name, other.shares, None, note=other.note)
    if other.shares not in {ALL, FACTS}:
        note = "it shares external editions alone, and its measures would be of those"
        return TeamColumn(beside.name, other.shares, None, note=note)
    try:
        return _measured(beside, other, names, replace(as_of, commit=""))
    except KbError as error:
        return TeamColumn(beside.name, other.shares, None, note=f"not measured: {error.what}")


def _measured(
    beside: Beside, other: OtherLibrary, names: frozenset[str], as_of: AsOf
) -> TeamColumn:
    if other.shares == FACTS:
        known = names & set(OF_FACTS)
        reading = read_all(_library_of(other.facts), _NO_HISTORY, as_of)
        page = page_of_some(reading, sorted(known), "own")
        return TeamColumn(beside.name, FACTS, page, known)
    library = library_of(other)
    if library is None:
        return TeamColumn(beside.name, other.shares, None)
    if beside.is_fetched:
        note = "fetched without its history: dates are those that records state"
        page = page_of(read_all(library, _NO_HISTORY, as_of), "own")
        return TeamColumn(beside.name, ALL, page, names, note)
    repo = open_repo(library.root)
    head = repo.head
    then = replace(as_of, commit=head.sha if head else "")
    return TeamColumn(
        beside.name, ALL, page_of(read_all(library, repo, then, is_kept=False), "own"), names
    )


def library_of(other: OtherLibrary) -> Library | None:
    """The records of another library as far as it shares them, None where there are none to read.

    Of facts they are records that state them and nothing else.
    """
    if other.library is not None:
        root = other.library.root
        return read_library(root, open_config(root))
    return _library_of(other.facts) if other.shares == FACTS else None


def _library_of(facts: Iterable[RecordFacts]) -> Library:
    form = build_form(Config())
    documents = tuple(
        read_document(facts_markdown(one).encode(), Path("postmortems", f"{one.ref}.md"), form)
        for one in facts
    )
    return Library(Path("/"), Config(), form, documents)


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
