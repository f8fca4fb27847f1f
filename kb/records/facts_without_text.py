"""What a library tells others of a record without a sentence of it, and the file that holds it.

`kb.facts.json` is what a library of `share = "facts"` gives: words of the taxonomies, names of
tools, times, and the shape of the run. No title, no name of a file, no text.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import TYPE_CHECKING, Literal

import msgspec
from msgspec import Struct

from kb.errors import KbError
from kb.lazy_regex import regex
from kb.records.taxonomy import KINDS

if TYPE_CHECKING:
    from kb.records.postmortem import Postmortem

FACTS_FILE = "kb.facts.json"
#: 100,000 records with a run of 100 steps each take 200 MB; a team has hundreds.
MOST_BYTES = 50_000_000
#: A name: one word, as tools and taxonomies have them. What has a blank may be a sentence.
_NAME = regex(r"[\w][\w.:/@+-]{0,59}")
_REFERENCE = regex(r"\d{4}-\d{2}-\d{2}-[0-9a-f]{6}")
_SHAPE = regex(r"[0-9a-f]{16}")
_MOST_NAMES = 50
_TAIL = 6  # hexadecimal digits that tell two incidents of one day apart
_UNSAID = frozenset({"", "unknown", "none"})


class RunShape(Struct, frozen=True, kw_only=True):
    """The shape of a run: hashes of its tools, neighbouring calls, errors and effects.

    Two runs can be compared by it, and nothing can be read from it.
    """

    tools: tuple[str, ...] = ()
    order: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()
    effects: tuple[str, ...] = ()


class RecordFacts(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is told of one record. `ref` is its day and a tail, which its own library knows.

    `run` is None where the record has no fixture.
    """

    ref: str
    date: date
    kind: str = ""
    classes: tuple[str, ...] = ()
    missing_control: str = ""
    causes: tuple[str, ...] = ()
    tools: tuple[str, ...] = ()
    clocks: dict[str, datetime] = {}
    run: RunShape | None = None

    @property
    def primary_class(self) -> str:
        """The first failure class, empty where none is given."""
        return self.classes[0] if self.classes else ""


class LibraryFacts(Struct, frozen=True, kw_only=True):
    """`kb.facts/1`: the facts of every published record of a library's own, oldest first."""

    schema: Literal["kb.facts/1"] = "kb.facts/1"
    records: tuple[RecordFacts, ...]


def reference(record_id: str, day: date, key: str) -> str:
    """How a record is called outside: its day, and a tail that only its library can explain.

    `key` is `[site] key`: with one nobody can find a file's name by trying.
    """
    tail = hmac.new(key.encode(), os.fsencode(record_id), hashlib.sha256).hexdigest()[:_TAIL]
    return f"{day.isoformat()}-{tail}"


def facts_of(records: Iterable[Postmortem], key: str, runs: Mapping[str, RunShape]) -> LibraryFacts:
    """The facts of the published records that are a team's own; `runs` are by record id."""
    own = (record for record in records if record.is_published and record.origin == "own")
    parts = (facts_of_record(record, key, runs.get(record.id)) for record in own)
    return LibraryFacts(records=tuple(parts))


def facts_of_record(record: Postmortem, key: str, run: RunShape | None) -> RecordFacts:
    """The facts of one record; `run` is the shape of the run beside it."""
    return RecordFacts(
        ref=reference(record.id, record.date, key),
        date=record.date,
        kind=record.kind if record.kind in _KINDS else "",
        classes=_names(record.classes),
        missing_control=next(iter(_names((record.missing_control,))), ""),
        causes=_names(record.causes),
        tools=_names(record.tools),
        clocks=dict(record.clocks.known()),
        run=run,
    )


_KINDS = frozenset(word.name for word in KINDS)


def _names(words: Iterable[str]) -> tuple[str, ...]:
    kept = (word for word in words if word not in _UNSAID and _NAME.fullmatch(word))
    return tuple(dict.fromkeys(kept))[:_MOST_NAMES]


def written_facts(facts: LibraryFacts) -> bytes:
    """The facts as the bytes of their file."""
    return msgspec.json.format(msgspec.json.encode(facts), indent=1) + b"\n"


def read_facts(raw: bytes, where: str) -> LibraryFacts:
    """The facts in a file that somebody else wrote; words that are no names are left out.

    Raises `KbError` where it is no such file.
    """
    try:
        found = msgspec.json.decode(raw, type=LibraryFacts)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise KbError(f"cannot be read as facts: {error}", where=where) from error
    return LibraryFacts(records=clean_facts(found.records))


def clean_facts(records: Iterable[RecordFacts]) -> tuple[RecordFacts, ...]:
    """Facts that somebody else wrote, without words that are no names.

    A record whose reference is none is left out.
    """
    return tuple(_clean(one) for one in records if _REFERENCE.fullmatch(one.ref))


def _clean(facts: RecordFacts) -> RecordFacts:
    from kb.records.compound_values import CLOCK_NAMES

    return RecordFacts(
        ref=facts.ref,
        date=facts.date,
        kind=facts.kind if facts.kind in _KINDS else "",
        classes=_names(facts.classes),
        missing_control=next(iter(_names((facts.missing_control,))), ""),
        causes=_names(facts.causes),
        tools=_names(facts.tools),
        clocks={
            name: at
            for name, at in facts.clocks.items()
            if name in CLOCK_NAMES and at.tzinfo is not None
        },
        run=_clean_shape(facts.run) if facts.run else None,
    )


def _clean_shape(run: RunShape) -> RunShape:
    parts = {name: getattr(run, name) for name in RunShape.__struct_fields__}
    kept = {name: tuple(v for v in part if _SHAPE.fullmatch(v)) for name, part in parts.items()}
    return RunShape(**kept)


def facts_markdown(facts: RecordFacts) -> str:
    """The facts as the front matter of a record that says nothing else."""
    lists = {"classes": facts.classes, "causes": facts.causes, "tools": facts.tools}
    lines = [
        f"title: {title_of(facts)}",
        f"date: {facts.date.isoformat()}",
        "status: published",
        "origin: own",
        *([f"kind: {facts.kind}"] if facts.kind else ()),
        *(f"{key}: [{', '.join(map(_quoted, words))}]" for key, words in lists.items() if words),
        *([f"missing_control: {_quoted(facts.missing_control)}"] if facts.missing_control else ()),
        *(["clocks:"] if facts.clocks else ()),
        *(f"  {name}: {at.isoformat()}" for name, at in facts.clocks.items()),
    ]
    return "\n".join(("---", *lines, "---", ""))


def title_of(facts: RecordFacts) -> str:
    """What stands where a title would: the classes and the control that was missing."""
    classes = ", ".join(facts.classes) or "an incident of no stated class"
    return f"{classes} (missing {facts.missing_control})" if facts.missing_control else classes


def _quoted(word: str) -> str:
    return f'"{word}"'
