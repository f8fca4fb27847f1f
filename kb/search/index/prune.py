"""Drops vectors that nothing uses any more, and an encoder that is damaged or has changed."""

from __future__ import annotations

from pathlib import Path

from kb.library import Library, local_place
from kb.records.form import Form
from kb.safe_files import real_path
from kb.search.encoder.encoder import open_encoder, remove_encoder, verify_checksums
from kb.search.encoder.encoder_card import card_of
from kb.search.encoder.find_model_files import local_source
from kb.search.encoder.vector_store import VectorStore, text_key
from kb.search.index.storage import MANIFEST, Generation, fits, read_manifest
from kb.search.indexed_records.passages import embedded_text
from kb.search.ranking.learn import class_text

#: Unused vectors that stay beside as many as are in use, newest first: the passages of other
#: branches are wanted again at the next checkout, and 5,000 of them take 8 MB.
SPARE = 5_000


def prune_vectors(generation: Generation, store: VectorStore, library: Library) -> int:
    """Drop vectors that no record of the index uses, oldest first; how many went.

    By number and not by day, so that a library at rest loses nothing. A store outside the library
    is shared with clones whose records are not known here, and is left alone. So is one that
    cannot be rewritten: it is only large.
    """
    spare = generation.manifest.n_passages + SPARE
    inside = real_path(store.path).is_relative_to(real_path(library.root))
    if not inside or len(store) <= generation.manifest.n_passages + spare:
        return 0
    try:
        return store.shed(_used(generation, library.form), spare)
    except OSError:
        return 0


def _used(generation: Generation, form: Form) -> frozenset[bytes]:
    """The keys of every passage of an index, and of what its classes mean."""
    passages = (
        embedded_text(entry.title, generation.passage(row))
        for place, entry in enumerate(generation.entries)
        for row in range(generation.rows(place).start, generation.rows(place).stop)
    )
    classes = (class_text(name, form) for name in generation.collection.classes)
    return frozenset(text_key(text) for text in (*passages, *classes))


def repair_encoder(library: Library, home: Path) -> str:
    """What was wrong with the encoder of an index, which is then made anew; empty if nothing was.

    The model may have changed under its name, and a compiled file may be damaged.
    """
    manifest = read_manifest(home)
    if manifest is None or not fits(manifest, library):
        return ""
    source = local_source(library.config.search.model, library.root)
    if source and card_of(source, manifest.precision).key != manifest.encoder_key:
        root, place = local_place(home)
        root.remove_file(place / MANIFEST)
        return "the model had changed"
    encoder = open_encoder(manifest.encoder_key)
    if encoder is None or verify_checksums(encoder):
        return "" if encoder else "the compiled encoder was not whole"
    remove_encoder(manifest.encoder_key)
    return "the compiled encoder was not whole"
