"""Which records were merged into which: two that proved to be one incident count as one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from kb.records.postmortem import Occurrence, Postmortem


def merged(records: tuple[Postmortem, ...]) -> tuple[Postmortem, ...]:
    """The records, each `merged_into` the one that counts in its place, or into none.

    A chain ends at its last record. What leads nowhere, round in a ring, or from a published record
    to one that is not, merges nothing: the record counts, and `kb check` says what is wrong.
    """
    if not any(record.merged_into for record in records):
        return records
    by_id = {record.id: record for record in records}
    into = {record.id: record.merged_into for record in records if record.merged_into}
    return tuple(
        replace(record, merged_into=_counted(record, by_id, into)) if record.merged_into else record
        for record in records
    )


def _counted(record: Postmortem, by_id: Mapping[str, Postmortem], into: Mapping[str, str]) -> str:
    """The id of the record that counts in the place of one, empty for none."""
    last = by_id.get(end_of(record.id, into))
    if last is None or last.id == record.id:
        return ""
    return "" if record.status == "published" != last.status else last.id


def end_of(record_id: str, into: Mapping[str, str]) -> str:
    """Where a chain of merges ends, empty for a ring; `into` leads from record to record."""
    seen = {record_id}
    while (following := into.get(record_id, "")) and following not in seen:
        seen.add(following)
        record_id = following
    return "" if into.get(record_id, "") else record_id


def merged_here(records: Iterable[Postmortem]) -> dict[str, tuple[Postmortem, ...]]:
    """The id of each record that stands for others to those others, in their order."""
    found: dict[str, list[Postmortem]] = {}
    for record in records:
        if record.merged_into:
            found.setdefault(record.merged_into, []).append(record)
    return {record_id: tuple(others) for record_id, others in found.items()}


def occurrences_of(record: Postmortem, others: Iterable[Postmortem]) -> tuple[Occurrence, ...]:
    """The further times of a record, and those that `others` tell which were merged into it.

    One that tells the day of the record, or a time that is written down, tells nothing new. Those
    without a time stand last.
    """
    known = {record.happened_at.date(), *(one.at.date() for one in record.occurrences if one.at)}
    parts = (
        Occurrence(r.happened_at, r.route, customers=r.customers_affected, note=f"told in {r.id}")
        for r in others
        if r.happened_at.date() not in known
    )
    found = (*record.occurrences, *parts)
    return tuple(sorted(found, key=lambda one: (one.at is None, one.at or record.happened_at)))
