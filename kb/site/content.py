"""The content of a site: one frozen value with everything pages may show.

An edition is this value: what it does not hold cannot stand on any page, feed or index.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

from kb.actions.action import Action
from kb.actions.add_occurrence import shared_sources
from kb.as_of import AsOf
from kb.metrics.result_types import MetricsPage
from kb.records.form import Form
from kb.records.merged_records import merged_here
from kb.records.postmortem import Postmortem
from kb.records.route_run_counts import RunsSeen
from kb.site.links import KINDS, PageKind, PageNames
from kb.site.related_incidents import OtherTeamIncident, Related
from kb.walls.proof import WallProof


@dataclass(frozen=True, slots=True)
class Edition:
    """One edition; `customer` narrows the external one to the records that affect one customer.

    None is no customer in particular; an empty name is that of nobody.
    """

    name: str
    customer: str | None = None

    @property
    def is_internal(self) -> bool:
        """Whether everything may be shown."""
        return self.name == "internal"

    @property
    def banner(self) -> str:
        """What stands on top of every page; empty for the internal edition."""
        if self.is_internal:
            return ""
        return "Redacted edition: internal details have been left out."


INTERNAL = Edition("internal")
EXTERNAL = Edition("external")


@dataclass(frozen=True, slots=True)
class Place:
    """Where the repository's host shows a record; empty where that is not known."""

    source: str = ""
    history: str = ""
    edit: str = ""


@dataclass(frozen=True)
class Site:
    """All that is shown.

    `records` are oldest first. `related` maps a record's id to the incidents like it, and
    `why_not_related` says in one sentence why there are none at all. `files` maps a record's id to
    the names of the files that lie beside it and may be shown. `why_not_measured` stands for the
    metrics page where it could not be made. `published` maps a record's id to when it reached the
    default branch, where that is known. `elsewhere` maps it to incidents of other teams that are
    like it. `subtitle` is the team's own line on the home page, empty
    for the shipped one. `wall_proofs` maps a record's id to its walls and their proofs, for
    the internal edition alone. `notes` are for whoever makes the site, and stand on no page; so are
    `refused`, the records that an edition leaves out. `merged` are records that lead to another,
    which counts in their place; `runs_seen` says when routes ran. `public_ids` maps the id of a
    record in the library to the one that it has in an edition for outsiders, and stands on no page.
    """

    name: str
    url: str
    form: Form
    as_of: AsOf
    records: tuple[Postmortem, ...]
    edition: Edition = INTERNAL
    related: Mapping[str, tuple[Related, ...]] = field(default_factory=dict)
    why_not_related: str = ""
    measured: MetricsPage | None = None
    why_not_measured: str = ""
    actions: tuple[Action, ...] = ()
    gates: tuple[Action, ...] = ()
    places: Mapping[str, Place] = field(default_factory=dict)
    files: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    drafts: tuple[Postmortem, ...] = ()
    published: Mapping[str, datetime] = field(default_factory=dict)
    elsewhere: Mapping[str, tuple[OtherTeamIncident, ...]] = field(default_factory=dict)
    subtitle: str = ""
    wall_proofs: Mapping[str, tuple[WallProof, ...]] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    merged: tuple[Postmortem, ...] = ()
    runs_seen: RunsSeen = field(default_factory=RunsSeen)
    public_ids: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def merged_here(self) -> dict[str, tuple[Postmortem, ...]]:
        """The id of each record that stands for others to those others."""
        return merged_here(r for r in self.merged if r.merged_into in self.by_id)

    @cached_property
    def _into(self) -> dict[str, str]:
        return {one.id: record_id for record_id, some in self.merged_here.items() for one in some}

    def counted(self, record_id: str) -> str:
        """The id of the record that counts in the place of one: mostly its own."""
        return self._into.get(record_id, record_id)

    @cached_property
    def shared_sources(self) -> dict[str, tuple[str, ...]]:
        """Record id to the ids of others with which it shares a run, a trace or a source."""
        return shared_sources(self.by_id.values()) if self.edition.is_internal else {}

    @cached_property
    def by_id(self) -> dict[str, Postmortem]:
        """Every record that has a page, drafts included."""
        return {record.id: record for record in (*self.records, *self.drafts)}

    @cached_property
    def newest(self) -> tuple[Postmortem, ...]:
        """The records, the latest first."""
        return tuple(sorted(self.records, key=lambda r: (r.date, r.id), reverse=True))

    @cached_property
    def kinds(self) -> dict[str, PageKind]:
        """The kinds of words that have pages in this edition, by their folder."""
        return {k.folder: k for k in KINDS if self.edition.is_internal or k.for_outsiders}

    @cached_property
    def names(self) -> PageNames:
        """Which page each word has."""
        return PageNames.of(self.records)

    @cached_property
    def by_class(self) -> dict[str, tuple[Postmortem, ...]]:
        """Primary or further class to its records, oldest first."""
        found: dict[str, list[Postmortem]] = {}
        for record in self.records:
            for word in record.classes:
                found.setdefault(word, []).append(record)
        return {word: tuple(members) for word, members in found.items()}

    @cached_property
    def came_again(self) -> dict[str, tuple[Postmortem, ...]]:
        """Record id to the later records whose author called them a repeat of it."""
        found: dict[str, list[Postmortem]] = {}
        for record in self.records:
            for prior in record.priors:
                if prior.verdict == "repeat":
                    found.setdefault(self.counted(prior.id), []).append(record)
        return {record_id: tuple(later) for record_id, later in found.items()}

    @cached_property
    def actions_by_record(self) -> dict[str, tuple[Action, ...]]:
        """The promises of each record."""
        return actions_by_record(self.actions)

    @cached_property
    def neighbours(self) -> dict[str, dict[str, tuple[str, str]]]:
        """Line of records (a primary class, or empty for all) to the ids before and after each."""
        lines: dict[str, list[Postmortem]] = {"": []}
        for record in sorted(self.records, key=lambda r: (r.date, r.id)):
            lines[""].append(record)
            for word in record.classes:
                lines.setdefault(word, []).append(record)
        return {word: _around([record.id for record in line]) for word, line in lines.items()}


def actions_by_record(actions: Iterable[Action]) -> dict[str, tuple[Action, ...]]:
    """The actions of each record by its id."""
    found: dict[str, list[Action]] = {}
    for action in actions:
        found.setdefault(action.record, []).append(action)
    return {record_id: tuple(owed) for record_id, owed in found.items()}


def _around(ids: Sequence[str]) -> dict[str, tuple[str, str]]:
    padded = ["", *ids, ""]
    triples = zip(padded, ids, padded[2:], strict=False)
    return {record_id: (before, after) for before, record_id, after in triples}
