"""The earlier incidents of an open record, from an index that stays open in memory.

Nothing is written: an index that is there is used as it is, and one is made only where the user
asks for it. Importing this needs the extra `search`.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from kb.library import Library
from kb.lint.rule import PriorSuggestion
from kb.lsp.open_record import OpenRecord
from kb.search.answer import CASEBOOK, Answer, Match
from kb.search.casebook import existing_casebook, opened_casebook
from kb.search.casebook_default import is_asked
from kb.search.encoder.encoder import Encoder, Progress, Vectors
from kb.search.find_similar import LIKELY
from kb.search.index.index import Index, build_index, existing_index, index_home
from kb.search.query import EVERYTHING, query_from_document
from kb.search.several_libraries import answer_beside

#: Texts whose vectors are kept: some open records of sixty passages each. 4,000 take 6 MB.
_MOST_KEPT = 4_000
_NONE: frozenset[str] = frozenset()


class RememberingEncoder(Encoder):
    """An encoder that embeds a text once: between two answers one sentence has changed."""

    def __init__(self, encoder: Encoder) -> None:
        super().__init__(encoder.folder, encoder.card)
        self._kept: OrderedDict[str, NDArray[np.float32]] = OrderedDict()
        self.embedded = 0

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Like any encoder; `embedded` counts the texts that were new."""
        missing = [text for text in dict.fromkeys(texts) if text not in self._kept]
        made = dict(zip(missing, super().encode(missing), strict=True)) if missing else {}
        self.embedded += len(missing)
        rows = [made[text] if text in made else self._kept[text] for text in texts]
        for text in texts:
            self._kept[text] = made[text] if text in made else self._kept[text]
            self._kept.move_to_end(text)
        while len(self._kept) > _MOST_KEPT:
            self._kept.popitem(last=False)
        return np.stack(rows) if rows else super().encode([])


@dataclass(frozen=True)
class EarlierIncidents:
    """What search says of one version of a record.

    `answer` is None where no index is there; `behind` counts the other records that changed since
    the index was made.
    """

    version: int
    answer: Answer | None
    behind: int = 0

    @property
    def matches(self) -> tuple[Match, ...]:
        """The matches of the library itself, best first: those of the casebook have no file here.

        Without a probability, or a word of the draft that could bear one, there are none.
        """
        found = self.answer.matches if self.answer else ()
        return tuple(m for m in found if m.library != CASEBOOK and m.probability is not None)

    @property
    def public(self) -> tuple[Match, ...]:
        """The matches of the casebook."""
        found = self.answer.matches if self.answer else ()
        return tuple(m for m in found if m.library == CASEBOOK)

    @property
    def likely(self) -> tuple[PriorSuggestion, ...]:
        """Those a person should judge, as the checker wants them."""
        return tuple(
            PriorSuggestion(m.id, m.title, m.probability, "; ".join(m.reasons) or "similar text")
            for m in self.matches
            if m.probability is not None and m.probability >= LIKELY
        )


class WarmIndex:
    """The index of one library, opened when first asked and again when another was written."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._stamp = 0
        self._index: Index | None = None
        self._behind = _NONE
        self._casebook: Index | None = None

    def ask(self, record: OpenRecord) -> EarlierIncidents:
        """The earlier incidents of a record as it stands. Raises `KbError` where it may not ask."""
        self._open()
        if self._index is None:
            return EarlierIncidents(record.version, None)
        query = query_from_document(record.document, record.today)
        limit = self._library.config.search.limit
        books = (opened_casebook(self._library, book) for book in (self._casebook,) if book)
        found = answer_beside(
            self._index, self._library, tuple(books), query, limit=limit, filters=EVERYTHING
        )
        behind = len(self._behind - {record.document.path.name})
        return EarlierIncidents(record.version, found, behind)

    def build(self, progress: Progress | None = None) -> int:
        """Make the index, or bring it up to date, as `kb build` does; the number of records."""
        index = build_index(self._library, progress)
        self._stamp = 0
        return index.generation.manifest.n_records

    def _open(self) -> None:
        stamp = _modified_ns(index_home(self._library.root) / "manifest.json")
        if stamp == self._stamp and self._index is not None:
            return
        found = existing_index(self._library)
        self._stamp = stamp
        self._index, self._behind = (_remembering(found[0]), found[1]) if found else (None, _NONE)
        if found and is_asked(self._library):
            book = existing_casebook(self._library)
            self._casebook = _remembering(book) if book else None


def _remembering(index: Index) -> Index:
    return replace(index, encoder=RememberingEncoder(index.encoder))


def _modified_ns(file: Path) -> int:
    try:
        return file.stat().st_mtime_ns
    except OSError:
        return 0
