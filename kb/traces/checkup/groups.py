"""Suspicious runs by the failure they share: one the library knows, or the same proof.

A run went the way of a stored one where their signatures are alike enough and both show the same
fault: the same proof of the same tool, or the same error. Runs that went well take the same way
too, and only the fault tells them apart. Without a match, runs are one group when the same signs
prove the same of the same tools.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from kb.errors import KbError
from kb.traces.analyses.run_likeness import Signature, likeness, signature
from kb.traces.checkup.run_facts import RunSummary
from kb.traces.checkup.signs import Sign, signs, write_summary
from kb.traces.fixture import FIXTURE, read_fixture
from kb.traces.run import Run

#: From this likeness on a run is said to have gone the way of a stored one; what it was measured
#: to say of labelled runs stands in docs/analyses/checkup.md.
ALIKE = 0.8
#: A fixture above this size is not read: `kb check` reports such files.
_MOST_BYTES = 5_000_000


@dataclass(frozen=True)
class KnownRun:
    """A stored run: its way, and what in it is proven, as sign and tool."""

    signature: Signature
    proofs: frozenset[tuple[str, str]]


@dataclass(frozen=True)
class FailureGroup:
    """Runs of one failure, the most suspicious first.

    `record` is the id of the record whose stored run they went the way of, empty where none is
    known; `likeness` is that of the first run, 0–1. `first` is the earliest time, empty without.
    """

    runs: tuple[RunSummary, ...]
    record: str = ""
    likeness: float = 0.0

    @property
    def first(self) -> str:
        """When the earliest of the runs began, ISO 8601; empty where no trace says."""
        return min((run.started for run in self.runs if run.started), default="")


def known_run(run: Run) -> KnownRun:
    """A run as one to compare others with."""
    return KnownRun(signature(run), _proofs(signs(run, write_summary(run))))


def stored_runs(folder: Path) -> dict[str, KnownRun]:
    """The runs that lie beside a library's records, by record id.

    What cannot be read, or is very large, is left out.
    """
    found = {}
    for path in sorted(folder.glob(f"20*/{FIXTURE}")):
        try:
            if path.stat().st_size <= _MOST_BYTES:
                found[path.parent.name] = known_run(read_fixture(path))
        except (KbError, OSError):
            continue
    return found


def grouped(
    candidates: Iterable[RunSummary], known: Mapping[str, KnownRun]
) -> tuple[FailureGroup, ...]:
    """The candidates by failure: known ones first, then in the order of their first run."""
    groups: dict[tuple[object, ...], list[RunSummary]] = {}
    matches: dict[tuple[object, ...], tuple[str, float]] = {}
    for facts in candidates:
        record, alike = _match(facts, known)
        key: tuple[object, ...] = ("record", record) if record else _kind(facts)
        groups.setdefault(key, []).append(facts)
        matches.setdefault(key, (record, alike))
    found = (FailureGroup(tuple(runs), *matches[key]) for key, runs in groups.items())
    return tuple(sorted(found, key=lambda group: not group.record))


def fault_shared(one: KnownRun, stored: KnownRun) -> bool:
    """Whether both show the same fault: the same proof of the same tool, or the same error."""
    return bool(one.proofs & stored.proofs or one.signature.errors & stored.signature.errors)


def _match(facts: RunSummary, known: Mapping[str, KnownRun]) -> tuple[str, float]:
    """The record whose stored run is most alike, and how alike; empty below the threshold."""
    if facts.signature is None:
        return "", 0.0
    asked = KnownRun(facts.signature, _proofs(facts.signs))
    alike = (
        (likeness(asked.signature, stored.signature), record)
        for record, stored in known.items()
        if fault_shared(asked, stored)
    )
    best, record = max(alike, default=(0.0, ""))
    return (record, best) if best >= ALIKE else ("", 0.0)


def _proofs(found: Iterable[Sign]) -> frozenset[tuple[str, str]]:
    return frozenset((sign.kind, sign.tool) for sign in found if sign.proves)


def _kind(facts: RunSummary) -> tuple[object, ...]:
    """What groups runs no record knows: their proofs with the tools; a run without is alone."""
    proofs = sorted(_proofs(facts.signs))
    return ("proof", *proofs) if proofs else ("run", facts.file, facts.number)
