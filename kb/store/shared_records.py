"""What of a library goes to the store: facts of every published record, texts as far as shared."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from kb.errors import KbError
from kb.library import Library, load_document, read_library
from kb.records.facts_without_text import RecordFacts, RunShape, facts_of_record
from kb.records.postmortem import interpret
from kb.safe_files import Tree, UnsafePathError
from kb.search.answer import ALL, EXTERNAL, FACTS
from kb.search.bm25 import Bag, bag_of
from kb.search.encoder.encoder import Vectors
from kb.search.encoder.vector_store import text_key, vector_store
from kb.search.index.build_index import embed_rows, lexical_texts
from kb.search.index.index import Index
from kb.search.index.storage import form_key
from kb.search.indexed_records.collection import unit_rows
from kb.search.indexed_records.entry import IndexedRecord, facets, read_entry
from kb.search.indexed_records.passages import Passage, embedded_text

if TYPE_CHECKING:
    from kb.other_libraries.signed_editions import SignedEdition

#: Changes when the same files would give other rows, so that every record is pushed again.
FORMAT = 4
_MOST_FIXTURE_BYTES = 5_000_000


@dataclass(frozen=True)
class SharedText:
    """A record's text as it is shared: passages with their hashes and vectors, and its words.

    `hashes` are of what the encoder read for each passage, which has its title too. `vectors` are
    (p, d) in half precision, as the store keeps them.
    """

    entry: IndexedRecord
    passages: tuple[Passage, ...]
    hashes: tuple[bytes, ...]
    vectors: Vectors
    bag: Bag

    @cached_property
    def mean(self) -> Vectors:
        """The direction of all passages, (d,), in half precision."""
        total = self.vectors.sum(axis=0, keepdims=True, dtype=np.float32)
        return np.asarray(unit_rows(total)[0].astype(np.float16), np.float32)


@dataclass(frozen=True)
class SharedRecord:
    """A record as it lies in the store; `text` is None where no sentence goes there.

    `name` is its id only where other teams may read the text. `is_open` says whether they may read
    the facts, `is_text_open` the text.
    """

    key: bytes
    name: str
    is_open: bool
    is_text_open: bool
    facts: RecordFacts
    happened_at: datetime
    severity: str
    text: SharedText | None

    @property
    def facets(self) -> list[tuple[str, str]]:
        """What it states in words, as pairs of key and word, sorted; no more than its facts."""
        facts = self.facts
        words = {"causes": facts.causes, "tools": facts.tools}
        pairs = {(key, word) for key, named in words.items() for word in named}
        control = {("missing_control", facts.missing_control)} if facts.missing_control else set()
        whole = facets(self.text.entry) if self.text and self.is_text_open else frozenset()
        return sorted(pairs | control | whole)


@dataclass(frozen=True)
class PushCandidate:
    """A published record of the library, and the hash of all that would be pushed for it.

    `edition` is what of it may leave, where its library shares external editions.
    """

    key: bytes
    content: bytes
    place: int
    edition: SignedEdition | None = None


class SharedLibrary:
    """A library as far as its settings share it; records are read when they are asked for."""

    def __init__(self, library: Library, index: Index, salt: bytes) -> None:
        self._library = library
        self._index = index
        self._salt = salt
        self._states = {state.name: state.sha256 for state in index.generation.manifest.files}
        self._tree = Tree(library.root)

    @property
    def share(self) -> str:
        """What other teams get."""
        return self._library.config.library.share

    @property
    def is_private(self) -> bool:
        """Whether the team keeps there what it does not share."""
        return self._library.config.store.private

    def candidates(self) -> Iterator[PushCandidate]:
        """Every published record of which anything is shared or kept."""
        settings = (FORMAT, self.share, self.is_private, form_key(self._library))
        made_with = repr((*settings, self._index.encoder.card.key))
        for place, entry in enumerate(self._index.entries):
            edition = self._editions.get(entry.id)
            if entry.is_candidate and self._goes_there(entry, edition):
                hashes = (edition.digest,) if edition else self._hashes(entry)
                content = text_key("\n".join((made_with, *hashes)))
                yield PushCandidate(self.key(entry.id), content, place, edition)

    def _hashes(self, entry: IndexedRecord) -> tuple[str, str]:
        """The hashes of a record's file and of the run beside it."""
        name = entry.path.rsplit("/", 1)[-1]
        return self._states.get(name, ""), self._fixture_hash(entry)

    def _goes_there(self, entry: IndexedRecord, edition: SignedEdition | None) -> bool:
        """Whether other teams or this one find anything of a record there."""
        if self.share == ALL or edition:
            return True
        # Facts are told of a team's own incidents; other texts stand in its library for search.
        return entry.origin == "own" and (self.share == FACTS or self.is_private)

    @cached_property
    def _editions(self) -> Mapping[str, SignedEdition]:
        """What leaves of a library that shares external editions, by the ids of its records."""
        if self.share != EXTERNAL:
            return {}
        from kb.other_libraries.signed_editions import signed_editions

        library = self._library
        return signed_editions(read_library(library.root, library.config), datetime.now(UTC))

    def key(self, record_id: str) -> bytes:
        """How the store names a record: its team alone has the salt."""
        return hmac.new(self._salt, record_id.encode("utf-8", "replace"), "sha256").digest()

    def read(self, candidate: PushCandidate) -> SharedRecord:
        """A record as it is pushed."""
        if candidate.edition:
            return self._edition(candidate.key, candidate.edition)
        entry = self._index.entries[candidate.place]
        is_shared = self.share == ALL
        facts = self._facts(entry)
        return SharedRecord(
            key=candidate.key,
            name=entry.id if is_shared else facts.ref,
            is_open=self.share in {ALL, FACTS},
            is_text_open=is_shared,
            facts=facts,
            happened_at=entry.happened_at,
            severity=entry.severity if is_shared else "",
            text=self._text(candidate.place) if is_shared or self.is_private else None,
        )

    def _edition(self, key: bytes, edition: SignedEdition) -> SharedRecord:
        """What of a record leaves, facts and text, and nothing else of it."""
        document = edition.document()
        record, read = interpret(document), read_entry(document)
        if record is None or read is None:
            todo = "Look at it with kb site --edition external, and report this as a fault of kb."
            raise KbError("an edition cannot be read", where=edition.public_id, todo=todo)
        entry, passages = read
        texts = [embedded_text(entry.title, one) for one in passages]
        encoder = self._index.encoder
        vectors = embed_rows(texts, encoder, vector_store(self._library, encoder))
        return SharedRecord(
            key=key,
            name=entry.id,
            is_open=True,
            is_text_open=True,
            facts=facts_of_record(record, self._salt.hex(), None),
            happened_at=entry.happened_at,
            severity=entry.severity,
            text=SharedText(
                entry=entry,
                passages=passages,
                hashes=tuple(map(text_key, texts)),
                vectors=np.asarray(vectors.astype(np.float16)),
                bag=bag_of(lexical_texts(entry, passages)),
            ),
        )

    def _facts(self, entry: IndexedRecord) -> RecordFacts:
        """What is told of a record without a sentence of it."""
        library = self._library
        file = library.root / entry.path
        record = interpret(load_document(file, library.form, library.root))
        if record is None:
            raise KbError("changed while it was pushed", where=entry.path, todo="Push again.")
        return facts_of_record(record, self._salt.hex(), self._run(entry))

    def _text(self, place: int) -> SharedText:
        generation = self._index.generation
        rows = generation.rows(place)
        passages = tuple(generation.passage(row) for row in range(rows.start, rows.stop))
        entry = self._index.entries[place]
        return SharedText(
            entry=entry,
            passages=passages,
            hashes=tuple(text_key(embedded_text(entry.title, one)) for one in passages),
            vectors=np.asarray(generation.collection.vectors[rows].astype(np.float16)),
            bag=generation.bag(place),
        )

    def _fixture(self, entry: IndexedRecord) -> Path:
        from kb.traces.fixture import FIXTURE

        return self._library.folder / entry.id / FIXTURE

    @cached_property
    def _names(self) -> frozenset[str]:
        """What stands in the folder of the records; few of them have a folder beside them."""
        return frozenset(path.name for path in self._library.folder.iterdir())

    def _fixture_hash(self, entry: IndexedRecord) -> str:
        """The hash of the run beside a record, empty where there is none of a usable size."""
        if entry.id not in self._names:
            return ""
        try:
            raw, size = self._tree.read(str(self._fixture(entry)), _MOST_FIXTURE_BYTES)
        except (OSError, UnsafePathError):
            return ""
        return "" if size > _MOST_FIXTURE_BYTES else hashlib.sha256(raw).hexdigest()

    def _run(self, entry: IndexedRecord) -> RunShape | None:
        """The shape of the run beside a record; a fixture nobody can read gives none."""
        if not self._fixture_hash(entry):
            return None
        from kb.traces.fixture import read_fixture
        from kb.traces.query_from_run import shape_of

        try:
            return shape_of(read_fixture(self._fixture(entry)))
        except (KbError, OSError):
            return None
