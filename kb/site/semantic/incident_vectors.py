"""The vectors that stand for the incidents of a site: those of the text its pages show."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kb.library import Library
from kb.records.form import Form
from kb.records.postmortem import Postmortem
from kb.search.encoder.encoder import Encoder
from kb.search.encoder.vector_store import vector_store
from kb.search.index.build_index import embed_rows
from kb.search.indexed_records.passages import Passage, cut, embedded_text, own_words, plain_text
from kb.site.content import Site
from kb.site.semantic.array_file import packed, quantized_rows

#: Section headings a byte can number.
_MOST_HEADINGS = 256


@dataclass(frozen=True, slots=True)
class PagePassages:
    """The passages of one page: all that its vectors are made of."""

    id: str
    title: str
    passages: tuple[Passage, ...]

    @property
    def texts(self) -> list[str]:
        """What the encoder reads."""
        return [embedded_text(self.title, passage) for passage in self.passages]


def documents(library: Library, site: Site, encoder: Encoder) -> bytes:
    """The passages of a site's records as a file: vectors in 8 bits, headings, record ids.

    Made of the site's own values: what an edition leaves out has no vector. Vectors the library
    has computed before are taken from its store.
    """
    told = page_passages(site)
    texts = [text for one in told for text in one.texts]
    rows = embed_rows(texts, encoder, vector_store(library, encoder))
    small, factors = quantized_rows(rows) if len(rows) else (rows.astype(np.int8), rows[:, 0])
    headings, numbers = _numbered([p.section for one in told for p in one.passages])
    facts = {
        "dimension": encoder.card.dimension,
        "records": [(one.id, len(one.passages)) for one in told],
        "headings": headings,
    }
    arrays: dict[str, NDArray[Any]] = {
        "vectors": small,
        "factors": factors,
        "heading": np.array(numbers, np.uint8),
    }
    return packed(facts, arrays)


def page_passages(site: Site) -> tuple[PagePassages, ...]:
    """The records of an edition with their passages, from its own values alone."""
    return tuple(PagePassages(r.id, r.title, tuple(_passages(r, site.form))) for r in site.records)


def _passages(record: Postmortem, form: Form) -> Iterator[Passage]:
    """The passages search indexes, from what the edition's record holds."""
    for section in record.sections:
        row = form.section(section.key) if section.key else None
        if row is None or row.embedded:
            heading = row.heading if row else section.heading
            for text in cut(plain_text(own_words(section))):
                yield Passage(heading, text)


def _numbered(names: list[str]) -> tuple[list[str], list[int]]:
    """Headings, each once, and which of them each passage has; rare ones too many go unnamed."""
    seen = dict.fromkeys(["", *names])
    kept = list(seen)[:_MOST_HEADINGS]
    places = {name: place for place, name in enumerate(kept)}
    return kept, [places.get(name, 0) for name in names]
