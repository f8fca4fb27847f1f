"""Adds an occurrence to a record, another time its cause did harm; no run is counted twice."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from kb.actions.close_and_sign_lines import ActionEdit, add_occurrence
from kb.errors import KbError
from kb.library import Library
from kb.records.document import Document
from kb.records.postmortem import Occurrence, Postmortem, interpret

if TYPE_CHECKING:
    from kb.traces.read_runs import ReadingSettings
    from kb.traces.run import Run


def another_occurrence(
    document: Document, occurrence: Occurrence, now: datetime, own: str = ""
) -> ActionEdit:
    """The record with the occurrence, not written yet; `own` is the run stored beside the record.

    Raises `KbError` where it is the incident itself, stands there already, lies before it or in
    the future or has no time, and where the front matter cannot take it.
    """
    record = interpret(document)
    why = "the file is no record" if record is None else _why_not(record, occurrence, now)
    if not why and own and occurrence.trace == own:
        why = f"{own} is the run of the incident itself"
    if why:
        raise KbError(
            f"{why}; nothing was written",
            where=str(document.path),
            todo="Note another time that its cause did harm, or none.",
        )
    return add_occurrence(document, occurrence)


def occurrence_of_run(file: Path, wanted: str, settings: ReadingSettings) -> Occurrence:
    """A run of a trace file as an occurrence: when it began, its name there, and its digest.

    The digest is of the run as it is, so that it is the same on every machine; nothing that the run
    says can be read from it. Raises `KbError` where the file has no such run, or several.
    """
    from kb.traces.checkup.run_facts import content_digest
    from kb.traces.read_runs import one_run
    from kb.traces.redaction import safe_text

    run = one_run(file, replace(settings, look_only=True), wanted)
    began = run.clocks.started
    at = began.astimezone(UTC).replace(microsecond=0) if began else None
    return Occurrence(at, trace=safe_text(run.id), run=content_digest(run))


def why_another(library: Library, record_id: str, run: Run) -> tuple[str, str]:
    """Why a run is no recurrence of a record's failure, and what of that was not compared.

    It is held against the runs stored beside the record and those merged into it, as
    `kb run checkup --occur` does. Both are empty where it went the way of one of them.
    """
    from kb.traces.analyses.run_likeness import likeness
    from kb.traces.checkup.groups import ALIKE, fault_shared, known_run, stored_runs

    ids = {record_id, *(one.id for one in library.records if one.merged_into == record_id)}
    stored = {name: way for name, way in stored_runs(library.folder).items() if name in ids}
    if not stored:
        return "", "no run is stored beside the record"
    asked = known_run(run)
    best, way = max(
        ((likeness(asked.signature, way.signature), way) for way in stored.values()),
        key=lambda found: (fault_shared(asked, found[1]), found[0]),
    )
    shows_fault = way.proofs or way.signature.errors
    if best < ALIKE:
        return f"it went another way than the run stored beside the record ({best:.0%} alike)", ""
    if not shows_fault:
        return "", "the run stored beside the record shows no fault"
    if not fault_shared(asked, way):
        return "it does not show the fault of the run stored beside the record", ""
    return "", ""


def own_run(library: Library, record_id: str) -> str:
    """What the run that is stored beside a record is called, empty where there is none to read."""
    from kb.traces.fixture import FIXTURE, read_fixture

    try:
        return read_fixture(library.folder / record_id / FIXTURE).id
    except KbError:
        return ""


def _why_not(record: Postmortem, occurrence: Occurrence, now: datetime) -> str:
    """Why an occurrence is none of this record, or not a new one; empty where it is."""
    if occurrence.at is None:
        return "nobody says when it was"
    if occurrence.at > now:
        return f"{occurrence.at:%Y-%m-%d %H:%M} UTC has not come yet"
    if occurrence.at == record.happened_at:
        return f"{occurrence.at:%Y-%m-%d %H:%M} UTC is when the incident itself began"
    began = record.happened_at.astimezone(UTC).date()
    if occurrence.at.astimezone(UTC).date() < began:
        return f"{occurrence.at:%Y-%m-%d %H:%M} UTC is before {began}, when the incident itself was"
    same = (one for one in record.occurrences if is_same(one, occurrence))
    known = next(same, None)
    return f"it stands there already, as {said(known)}" if known else ""


def is_same(one: Occurrence, other: Occurrence) -> bool:
    """Whether two entries tell one event: by their run or trace, else by their time."""
    if one.run and other.run:
        return one.run == other.run
    if one.trace and other.trace:
        return one.trace == other.trace
    return one.at == other.at


def said(one: Occurrence) -> str:
    """An occurrence in a few words."""
    at = f"{one.at:%Y-%m-%d %H:%M} UTC" if one.at else "an unknown time"
    return f"the one of {at}{f' ({one.run or one.trace})' if one.run or one.trace else ''}"


def others_with_same_run(library: Library, record_id: str, one: Occurrence) -> tuple[str, ...]:
    """The ids of other records that the same run stands behind, which is allowed."""
    return tuple(
        record.id
        for record in library.records
        if record.id != record_id and any(_is_one_run(one, known) for known in record.occurrences)
    )


def _is_one_run(one: Occurrence, other: Occurrence) -> bool:
    return bool(one.run and one.run == other.run) or bool(one.trace and one.trace == other.trace)


def shared_sources(records: Iterable[Postmortem]) -> dict[str, tuple[str, ...]]:
    """The id of each record to those of others with which it shares a run, a trace or a source."""
    by_source: dict[tuple[str, str], list[str]] = {}
    for record in records:
        for source in dict.fromkeys(_sources(record)):
            by_source.setdefault(source, []).append(record.id)
    found: dict[str, dict[str, None]] = {}
    for ids in by_source.values():
        for record_id in ids if len(ids) > 1 else ():
            found.setdefault(record_id, {}).update(dict.fromkeys(ids))
    return {name: tuple(i for i in others if i != name) for name, others in found.items()}


def _sources(record: Postmortem) -> Iterable[tuple[str, str]]:
    yield from (("source", address) for address in record.sources)
    for name, targets in record.links:
        if name == "trace":
            yield from (("trace", target) for target in targets if target != "unknown")
    for one in record.occurrences:
        yield from ((key, value) for key in ("run", "trace") if (value := getattr(one, key)))
