"""One record as the index knows it: enough to rank it, to quote it and to say why."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from msgspec import Struct

from kb.records.ruled_out import RuledOut, ruled_out
from kb.search.indexed_records.passages import Passage, record_passages

if TYPE_CHECKING:
    from kb.records.action_and_prior_items import ActionItem
    from kb.records.document import Document
    from kb.records.postmortem import Postmortem

#: Words that are verdicts; any other is a slip of the pen, which `kb check` reports.
VERDICT_WORDS = frozenset({"repeat", "related", "different"})
_FACETS = ("tools", "systems", "causes", "missing_control", "route")


class Promise(Struct, frozen=True, array_like=True):
    """One action of a record: what was promised. Dates are None where they are not given."""

    label: str
    text: str
    state: str
    owner: str
    due: date | None
    closed: date | None


class PriorVerdict(Struct, frozen=True, array_like=True):
    """What the author of a record said about an earlier one; never empty."""

    id: str
    word: str


class IndexedRecord(Struct, frozen=True, array_like=True):
    """One record as search sees it. `is_candidate`: published, so that others may be shown it."""

    id: str
    path: str
    title: str
    date: date
    happened_at: datetime
    is_candidate: bool
    origin: str
    kind: str
    severity: str
    classes: tuple[str, ...]
    causes: tuple[str, ...]
    missing_control: str
    route: str
    tools: tuple[str, ...]
    systems: tuple[str, ...]
    promises: tuple[Promise, ...]
    verdicts: tuple[PriorVerdict, ...]
    control: str
    caught_at: str
    form: str = ""
    ruled_out: tuple[RuledOut, ...] = ()

    @property
    def primary_class(self) -> str:
        """The first failure class, empty where none is given."""
        return self.classes[0] if self.classes else ""


def read_entry(document: Document) -> tuple[IndexedRecord, tuple[Passage, ...]] | None:
    """A document as an entry with its passages; None when it is no record."""
    from kb.records.postmortem import interpret

    document = readable(document)
    record = interpret(document)
    if record is None:
        return None
    return _entry(record), record_passages(document)


def blank_entry(
    record_id: str,
    title: str,
    day: date,
    *,
    classes: tuple[str, ...] = (),
    tools: tuple[str, ...] = (),
) -> IndexedRecord:
    """What is no record as an entry: it states its classes and tools, and nothing else."""
    return IndexedRecord(
        id=record_id,
        path="",
        title=title,
        date=day,
        happened_at=datetime(day.year, day.month, day.day, tzinfo=UTC),
        is_candidate=True,
        origin="",
        kind="",
        severity="",
        classes=classes,
        causes=(),
        missing_control="",
        route="",
        tools=tools,
        systems=(),
        promises=(),
        verdicts=(),
        control="",
        caught_at="",
    )


def same_records(own: Iterable[IndexedRecord], others: Iterable[IndexedRecord]) -> frozenset[str]:
    """The ids under which other entries hold records that are among one's own.

    Two teams may give one id to different incidents, so the titles are alike too.
    """
    known = {(entry.id, entry.title) for entry in own}
    return frozenset(entry.id for entry in others if (entry.id, entry.title) in known)


def taxonomy_words(entry: IndexedRecord) -> str:
    """The words of the taxonomies that a record states, which word search reads beside its text."""
    words = (*entry.classes, *entry.causes, entry.missing_control, entry.route, *entry.tools)
    return " ".join(words)


def facets(entry: IndexedRecord) -> frozenset[tuple[str, str]]:
    """What a record states about itself besides its classes, as pairs of key and word."""
    pairs = ((key, _words(getattr(entry, key))) for key in _FACETS)
    return frozenset((key, word) for key, words in pairs for word in words)


def _words(value: str | tuple[str, ...]) -> Iterable[str]:
    words = (value,) if isinstance(value, str) else value
    return (word for word in words if word and word not in {"unknown", "none"})


def readable(document: Document) -> Document:
    """The document with a replacement mark for every byte that is no UTF-8.

    Lint needs such bytes as they are; encoders and JSON cannot hold them.
    """
    whole = document.encode().decode("utf-8", "replace")
    if whole == document.text:
        return document
    from kb.records.document import read_document

    return read_document(whole.encode(), document.path, document.form)


def _entry(record: Postmortem) -> IndexedRecord:
    return IndexedRecord(
        id=record.id,
        path=record.path.as_posix(),
        title=record.title,
        date=record.date,
        happened_at=record.happened_at.astimezone(UTC),
        is_candidate=record.is_published,
        origin=record.origin,
        kind=record.kind,
        severity=record.severity,
        classes=record.classes,
        causes=record.causes,
        missing_control=record.missing_control,
        route=record.route,
        tools=record.tools,
        systems=record.systems,
        promises=tuple(_promise(action) for action in record.actions),
        verdicts=tuple(
            PriorVerdict(prior.id, prior.verdict)
            for prior in record.priors
            if prior.verdict in VERDICT_WORDS
        ),
        control=record.value("counterfactual", "CONTROL_THAT_WOULD_HAVE_CAUGHT_IT"),
        caught_at=record.value("counterfactual", "WOULD_HAVE_BEEN_CAUGHT_AT"),
        form=record.form,
        ruled_out=_ruled_out(record),
    )


def _ruled_out(record: Postmortem) -> tuple[RuledOut, ...]:
    section = record.section("root_cause")
    return ruled_out(section.values("RULED_OUT")) if section else ()


def _promise(action: ActionItem) -> Promise:
    return Promise(
        label=action.label,
        text=action.text,
        state=action.state,
        owner=action.attribute("owner"),
        due=action.date("due"),
        closed=action.date("closed"),
    )
