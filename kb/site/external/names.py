"""The names of a library that no outsider is told: where records and settings declare them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from kb.records.model import Postmortem
from kb.sensitive.names import CUSTOMER, PERSON, SYSTEM, NameIndex, PrivateName

_SHORTEST_SYSTEM = 3


def private_names(records: Iterable[Postmortem], people: Iterable[str]) -> NameIndex:
    """Customers and people of all records, systems of a team's own, and people of `kb.toml`."""
    declared: dict[tuple[str, str], set[str]] = {}
    for person in people:
        declared.setdefault((person.strip(), PERSON), set())
    for record in records:
        for written, kind in _named_in(record):
            declared.setdefault((written.strip(), kind), set()).add(record.id)
    names = (PrivateName(name, kind, frozenset(ids)) for (name, kind), ids in declared.items())
    return NameIndex(sorted(filter(_may_tell, names), key=lambda n: (-len(n.words), n.written)))


def _named_in(record: Postmortem) -> Iterator[tuple[str, str]]:
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


def _may_tell(name: PrivateName) -> bool:
    if not name.words or name.words == ("unknown",):
        return False
    if name.kind == PERSON:
        return not name.is_of_desk
    return name.kind == CUSTOMER or len("".join(name.words)) >= _SHORTEST_SYSTEM
