"""The names of a library that no outsider is told: where records and settings declare them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from kb.records.postmortem import Postmortem
from kb.sensitive.names.find_names import CUSTOMER, PERSON, SYSTEM, NameIndex, PrivateName


def private_names(records: Iterable[Postmortem], people: Iterable[str]) -> NameIndex:
    """Customers and people of all records, systems of a team's own, and people of `kb.toml`."""
    declared: dict[tuple[str, str], set[str]] = {}
    for person in people:
        declared.setdefault((person.strip(), PERSON), set())
    for record in records:
        for written, kind in declared_names(record):
            declared.setdefault((written.strip(), kind), set()).add(record.id)
    names = (PrivateName(name, kind, frozenset(ids)) for (name, kind), ids in declared.items())
    telling = (name for name in names if name.tells)
    return NameIndex(sorted(telling, key=lambda name: (-len(name.words), name.written)))


def declared_names(record: Postmortem) -> Iterator[tuple[str, str]]:
    """The names a record declares, each with its kind: people, customers, systems."""
    for person in _people_of(record):
        yield person, PERSON
    for customer in (*record.affected_customers, *(copy.customer for copy in record.shared)):
        yield customer, CUSTOMER
    if record.origin != "public":
        for system in record.systems:
            yield system, SYSTEM


def _people_of(record: Postmortem) -> Iterator[str]:
    yield from record.owners
    if record.reviewed:
        yield record.reviewed.by
    if record.facts_agreed:
        yield record.facts_agreed.by
    yield record.lessons_by
    yield from (signoff.owner for signoff in record.signoffs)
    if record.origin != "public":  # the owners of others' actions are in the published facts
        yield from (action.attribute("owner") for action in record.actions)
        yield record.value("agent_path", "DESIGN_APPROVED_BY")
