"""The measures of each team beside the others: a column each, and no number of two together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from kb.as_of import AsOf
from kb.config import Config
from kb.errors import KbError
from kb.library import Library, read_library
from kb.metrics.compute_page import page_of, page_of_some, read_all
from kb.metrics.page_values import Measure, MetricsPage
from kb.other_libraries.open_libraries import Beside, declared, open_one
from kb.records.document import read_document
from kb.records.facts_without_text import RecordFacts, facts_markdown
from kb.records.form import build_form
from kb.repo import NoRepo, open_repo
from kb.search.answer import ALL, FACTS
from kb.search.several_libraries import OtherLibrary
from kb.trust import open_config

#: What facts are enough for. Any other measure would count what is not told as not there.
OF_FACTS = (
    *("detection_chain", "detected_within_30_minutes", "detected_within_4_hours"),
    *("warning_to_containment", "near_miss_detection", "near_miss_share"),
    *("class_recurrence", "control_recurrence", "class_gap", "control_gap"),
)
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
