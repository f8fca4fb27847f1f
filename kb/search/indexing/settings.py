"""Was an index made with these settings? Model, precision, sections and classes decide."""

from __future__ import annotations

from kb.library import Library
from kb.search.encoder.store import text_key
from kb.search.index.storage import Manifest


def fits(manifest: Manifest, library: Library) -> bool:
    """Whether an index was made with the settings that hold now."""
    return (*model_of(manifest), manifest.form) == (*wanted_model(library), form_key(library))


def model_of(manifest: Manifest) -> tuple[str, str]:
    """The model and precision an index was made with."""
    return manifest.model, manifest.precision


def wanted_model(library: Library) -> tuple[str, str]:
    """The model and precision a library asks for."""
    return library.config.search.model, library.config.search.precision


def form_key(library: Library) -> str:
    """Which sections are read and what the classes mean: a changed form is a changed index."""
    sections = [(s.key, s.heading, s.aliases, s.embedded) for s in library.form.sections]
    words = [(word.name, word.definition) for word in library.form.taxonomies["classes"]]
    return text_key(repr((sections, words))).hex()
