"""Is the encoder of an index still that of its model, and whole? If not, it is made anew."""

from __future__ import annotations

from pathlib import Path

from kb.library import Library, local_place
from kb.search.encoder.card import card_of
from kb.search.encoder.model import open_encoder, remove_encoder
from kb.search.encoder.source import local_source
from kb.search.encoding.whole import is_whole
from kb.search.index.storage import MANIFEST, read_manifest
from kb.search.indexing.settings import fits


def look_after_encoder(library: Library, home: Path) -> str:
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
    if encoder is None or is_whole(encoder):
        return "" if encoder else "the compiled encoder was not whole"
    remove_encoder(manifest.encoder_key)
    return "the compiled encoder was not whole"
