"""`kb metrics`: the page of the all-hands, in text, JSON, CSV and Markdown."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from kb.errors import KbError
from kb.metrics.compute_page import (
    Reading,
    measure_months,
    page_of,
    page_of_some,
    read_as_of,
    read_folder,
)
from kb.metrics.json_output import PageJson, encoded, page_json
from kb.metrics.registry import MEASURES
from kb.metrics.render import (
    measure_text,
    months_text,
    only,
    page_csv,
    page_markdown,
    page_text,
    series_csv,
    series_markdown,
)
from kb.metrics.result_types import MetricsPage
from kb.metrics.thresholds import Limit, check_names, failures, read_limits
from kb.records.taxonomy import ORIGINS
from kb.repo import open_repo
from kb.streams import echo, echo_json, warn
from kb.walls.firing_summary import WallsOnThisMachine, walls_on_this_machine, walls_text

if TYPE_CHECKING:
    from kb.other_libraries.measures_by_team import TeamColumn


def read_day(text: str | None) -> date | None:
    """The day a person names, None for none. Raises `KbError` for what is no date."""
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        raise KbError(f"'{text}' is no date", todo="Write it as YYYY-MM-DD.") from error


#: What a series shows when no measure is named: one number for each of the three questions.
_SERIES = ("repeat_rate", "detection_chain", "action_completion")


@dataclass(frozen=True)
class _Wanted:
    """What was asked for on the command line."""

    names: tuple[str, ...]
    as_of: str | None
    compare: str | None
    history: str | None
    since: str | None
    published_since: str | None
    origin: str | None
    form: str | None
    everywhere: bool
    is_list: bool
    under: tuple[str, ...]
    over: tuple[str, ...]

    @property
    def shows_page(self) -> bool:
        """Whether more is shown than the measures that are named: JSON always holds it all."""
        return not self.names or self.form == "json" or self.compare is not None


@dataclass(frozen=True)
class _Found:
    """What was measured for it."""

    page: MetricsPage
    compared: MetricsPage | None
    months: tuple[MetricsPage, ...]
    walls: WallsOnThisMachine | None = None
    columns: tuple[TeamColumn, ...] = ()


@click.command("metrics")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--as-of", metavar="DATE|REV", help="The page as it stood then, records included.")
@click.option("--compare", metavar="DATE|REV", help="Each number beside what it was then.")
@click.option("--history", type=click.Choice(["month"]), help="The series, month by month.")
@click.option("--since", metavar="DATE", help="Only what began on or after that day.")
@click.option(
    "--published-since",
    metavar="DATE|last",
    help="New is what was published on or after that day, or since the last all-hands.",
)
@click.option(
    "--origin",
    type=click.Choice([word.name for word in ORIGINS]),
    help="Whose incidents; own ones unless there are only public ones.",
)
@click.option("--everywhere", is_flag=True, help="A column for each team that shares (kb beside).")
@click.option("--json", "form", flag_value="json", help="For machines.")
@click.option("--csv", "form", flag_value="csv", help="For spreadsheets.")
@click.option("--markdown", "form", flag_value="markdown", help="For a wiki or a comment.")
@click.option("--names", "is_list", is_flag=True, help="List the measures.")
@click.option(
    "--fail-under",
    "under",
    multiple=True,
    metavar="NAME=VALUE",
    help="Exit 1 when a measure is below a value, or has none. Shares are 0 to 1.",
)
@click.option("--fail-over", "over", multiple=True, metavar="NAME=VALUE", help="The same, above.")
def command(**arguments: Any) -> int:
    """Measure whether the organisation is learning; explain the measures NAME."""
    wanted = _Wanted(**arguments)
    if wanted.history and wanted.compare:
        raise click.UsageError("--history shows every month already: leave out --compare.")
    if wanted.history and wanted.published_since:
        raise click.UsageError(
            "--history shows each month with the all-hands before it: leave out --published-since."
        )
    if wanted.everywhere and (wanted.history or wanted.compare or wanted.as_of or wanted.origin):
        raise click.UsageError(
            "--everywhere is of now: leave out --as-of, --compare, --history and --origin."
        )
    limits = read_limits(wanted.under, wanted.over)
    check_names(wanted.names)
    if wanted.is_list:
        echo("\n".join(f"{row.name:<28} {row.title}" for row in MEASURES))
        return 0
    found = _measure(wanted, limits)
    if wanted.form == "json":
        echo_json(encoded(_json(wanted, found)), end="")
    else:
        echo(_rendered(wanted, found), end="")
    broken = failures(found.page, limits)
    for line in broken:
        warn(f"kb metrics: {line}")
    return 1 if broken else 0


def _measure(wanted: _Wanted, limits: tuple[Limit, ...]) -> _Found:
    repo, now, since = open_repo(Path.cwd()), datetime.now(UTC), read_day(wanted.since)
    moment = read_as_of(repo, wanted.as_of, now)
    reading = read_folder(Path.cwd(), repo, moment, wanted.published_since)
    names = _computed(wanted, limits)
    if wanted.history:
        months = measure_months(reading, repo, origin=wanted.origin, since=since, names=names)
        lacks_answers = names and wanted.form == "json"
        page = _page(wanted, names, reading, wanted.origin) if lacks_answers else months[-1]
        return _Found(page, None, months)
    page = _page(wanted, names, reading, wanted.origin)
    compared = None
    if wanted.compare:
        then = read_as_of(repo, wanted.compare, now)
        compared = _page(wanted, names, read_folder(Path.cwd(), repo, then), page.origin)
    # A log of this machine says nothing of what was before.
    walls = None if moment.is_past else walls_on_this_machine(reading.library.root, reading.library)
    return _Found(page, compared, (), walls, _columns(wanted, reading, page))


def _columns(wanted: _Wanted, reading: Reading, page: MetricsPage) -> tuple[TeamColumn, ...]:
    if not wanted.everywhere:
        return ()
    from kb.other_libraries.measures_by_team import team_columns
    from kb.search.is_installed import prepare_search

    prepare_search()
    return team_columns(reading.library, page, reading.as_of)


def _computed(wanted: _Wanted, limits: tuple[Limit, ...]) -> tuple[str, ...]:
    """The measures to compute: those shown and those with a limit, none for all of them."""
    is_read = wanted.history and wanted.form in {None, "markdown"}
    shown = wanted.names or (_SERIES if is_read else ())
    return tuple(dict.fromkeys((*shown, *(limit.name for limit in limits)))) if shown else ()


def _page(
    wanted: _Wanted, names: tuple[str, ...], reading: Reading, origin: str | None
) -> MetricsPage:
    """The page of what was asked for; a JSON answer has the three answers whatever it names."""
    since = read_day(wanted.since)
    if not names:
        return page_of(reading, origin, since)
    return page_of_some(reading, names, origin, since, with_answers=wanted.form == "json")


def _rendered(wanted: _Wanted, found: _Found) -> str:
    if wanted.history:
        return _series(wanted, found.months)
    if found.columns:
        return _of_teams(wanted, found.columns)
    page = only(found.page, wanted.names)
    if wanted.form in _TABLES:
        return _TABLES[wanted.form](page, found.compared)
    if wanted.names and not found.compared:
        return "\n".join(measure_text(measure) for measure in page.measures)
    text = page_text(found.page, found.compared, wanted.names)
    if found.walls is None or wanted.names:
        return text
    return f"{text}\n{walls_text(found.walls)}"


_TABLES = {"csv": page_csv, "markdown": page_markdown}


def _of_teams(wanted: _Wanted, columns: tuple[TeamColumn, ...]) -> str:
    from kb.other_libraries.measures_by_team import (
        columns_csv,
        columns_markdown,
        columns_text,
        shown_names,
    )

    ways = {"csv": columns_csv, "markdown": columns_markdown}
    return ways.get(wanted.form or "", columns_text)(columns, shown_names(columns, wanted.names))


def _series(wanted: _Wanted, months: tuple[MetricsPage, ...]) -> str:
    """Every measure for a spreadsheet, and one for each question where people read it."""
    if wanted.form == "csv":
        return series_csv([only(page, wanted.names) for page in months])
    names = wanted.names or _SERIES
    if wanted.form == "markdown":
        return series_markdown([only(page, names) for page in months])
    return months_text(months, names)


def _json(wanted: _Wanted, found: _Found) -> PageJson:
    def named(page: MetricsPage) -> MetricsPage:
        return replace(page, measures=only(page, wanted.names).measures)

    compared = named(found.compared) if found.compared else None
    months = [named(page) for page in found.months]
    made = page_json(named(found.page), compared, months, found.walls)
    if found.columns:
        from kb.other_libraries.measures_by_team import columns_json

        made.everywhere = columns_json(found.columns)
    return made
