"""Related incidents from search for each record, or why there are none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from kb.errors import KbError
from kb.installation import install_line
from kb.library import Library
from kb.site.related_incidents import OtherTeamIncident, RelatedRecord

if TYPE_CHECKING:
    from kb.search.answer import Match
    from kb.search.several_libraries import OtherLibrary

_LIMIT = 5
Finding = tuple[Mapping[str, tuple[RelatedRecord, ...]], str]


def find_related(library: Library) -> Finding:
    """The incidents like each published one; nothing and a sentence where search cannot run."""
    try:
        from kb.search.encoder.find_model_files import NoEncoderError
        from kb.search.find_similar import related
    except ImportError:
        return no_search(library)
    if not library.published:
        return {}, ""
    try:
        matches = related(library, limit=_LIMIT)
    except NoEncoderError as fault:
        why = f"no encoder is here ({fault.reason})"
        return {}, f"Only what authors named is shown: {why}. {fault.way}"
    except KbError as error:
        return {}, f"Only what authors named is shown: {error.what}."
    found = {
        record_id: tuple(
            RelatedRecord(
                match.id,
                match.probability or 0.0,
                match.reasons,
                match.passages[0].section if match.passages else "",
                match.passages[0].text if match.passages else "",
            )
            for match in around
        )
        for record_id, around in matches.items()
    }
    return found, ""


Others = tuple[Mapping[str, tuple[OtherTeamIncident, ...]], tuple[str, ...]]
_MOST_ELSEWHERE = 3


def elsewhere_of(library: Library, others: Sequence[OtherLibrary]) -> Others:
    """What other teams know that is like each published incident, and who could not be asked."""
    from kb.search.several_libraries import related_beside

    notes = tuple(f"{one.name}: {one.note}" for one in others if one.is_silent)
    try:
        found = related_beside(library, others, limit=_MOST_ELSEWHERE)
    except KbError as error:
        return {}, (*notes, f"other teams were not asked: {error.what}")
    return {name: tuple(map(_elsewhere, matches)) for name, matches in found.items()}, notes


def _elsewhere(match: Match) -> OtherTeamIncident:
    return OtherTeamIncident(
        team=match.library,
        id=match.id,
        title=match.title,
        date=match.date,
        probability=match.probability or 0.0,
        reasons=match.reasons,
        has_text=match.facts is None,
    )


def no_search(library: Library) -> Finding:
    """Nothing: for sites made without the search extra."""
    return {}, (
        "Only what authors named is shown: search is not installed here "
        f"({install_line('search')})."
    )
