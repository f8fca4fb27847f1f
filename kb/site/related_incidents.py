"""The incidents that stand beside an incident: what search finds, and what is said about each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

from kb.actions.action import Action
from kb.errors import KbError
from kb.installation import install_line
from kb.library import Library
from kb.records.action_and_prior_items import PriorIncident
from kb.records.postmortem import Postmortem

if TYPE_CHECKING:
    from kb.search.answer import Match
    from kb.search.several_libraries import OtherLibrary

_LIMIT = 5
_MOST_ELSEWHERE = 3


@dataclass(frozen=True, slots=True)
class Related:
    """One earlier incident beside another.

    `probability` of the same class is calibrated, None where only the author names it. `reasons`
    are short phrases; `section` and `passage` are the text of it that matches, empty where none
    is. `verdict` and `why` are the author's. `open_then` are the promises of the earlier one that
    were open when the later one happened, `open_now` those that still are; neither holds a promise
    of which nobody outside can know.
    """

    id: str
    probability: float | None = None
    reasons: tuple[str, ...] = ()
    section: str = ""
    passage: str = ""
    verdict: str = ""
    why: str = ""
    fix_existed: str = ""
    open_then: tuple[str, ...] = ()
    open_now: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RelatedRecord:
    """What search says of a pair: the part of `Related` that no author wrote."""

    id: str
    probability: float
    reasons: tuple[str, ...] = ()
    section: str = ""
    passage: str = ""


@dataclass(frozen=True, slots=True)
class OtherTeamIncident:
    """An incident of another team that is likely of the class of one here, as far as they share it.

    `has_text`: they share more than facts, and `title` is theirs.
    """

    team: str
    id: str
    title: str
    date: date
    probability: float
    reasons: tuple[str, ...]
    has_text: bool


Finding = tuple[Mapping[str, tuple[RelatedRecord, ...]], str]
Others = tuple[Mapping[str, tuple[OtherTeamIncident, ...]], tuple[str, ...]]


def related_of(
    record: Postmortem, found: Iterable[RelatedRecord], promises: Mapping[str, Sequence[Action]]
) -> tuple[Related, ...]:
    """What stands beside a record: what its author named and what search finds, likeliest first.

    `promises` are the actions of every record, by its id.
    """
    by_id = {one.id: one for one in found}
    verdicts = {prior.id: prior for prior in record.priors}
    joined = [
        _related(key, by_id.get(key), verdicts.get(key), promises.get(key, ()), record.happened_at)
        for key in dict.fromkeys((*verdicts, *by_id))
    ]
    return tuple(sorted(joined, key=_rank))


#: Where one stands that only its author named, among those with a probability.
_BY_VERDICT = {"repeat": 1.0, "related": 0.5}


def _rank(related: Related) -> tuple[bool, float]:
    """The likeliest first; those that their author found to be different last."""
    by_author = _BY_VERDICT.get(related.verdict, 0.0)
    likeness = by_author if related.probability is None else related.probability
    return (related.verdict == "different", -likeness)


def _related(
    record_id: str,
    found: RelatedRecord | None,
    prior: PriorIncident | None,
    owed: Sequence[Action],
    at: datetime,
) -> Related:
    known = [action for action in owed if not action.completion_unknown]
    return Related(
        id=record_id,
        probability=found.probability if found else None,
        reasons=found.reasons if found else (),
        section=found.section if found else "",
        passage=found.passage if found else "",
        verdict=prior.verdict if prior else "",
        why=prior.why if prior else "",
        fix_existed=prior.fix_existed if prior else "",
        open_then=tuple(action.text for action in known if action.was_open_at(at)),
        open_now=tuple(action.text for action in known if action.is_open),
    )


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
