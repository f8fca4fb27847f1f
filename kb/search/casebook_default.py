"""Whether the casebook is asked where nobody says so; little is imported, for most need no more."""

from __future__ import annotations

from kb.library import Library, record_files
from kb.records.casebook import casebook_place
from kb.search.index.index import index_home
from kb.search.index.storage import read_manifest

#: Published records below which a library has little to answer with, and the casebook is asked too.
YOUNG = 20


def is_asked(library: Library, said: bool | None = None) -> bool:
    """Whether the casebook is asked beside a library: as `said`, else as its settings say.

    Where neither does, it is asked as long as the library has little of its own to answer with.
    """
    wanted = library.config.search.casebook if said is None else said
    return _is_young(library) if wanted is None else wanted


def _is_young(library: Library) -> bool:
    """Whether fewer than `YOUNG` records are published, as far as the index knows them.

    One that names a store or other libraries has them to ask.
    """
    config = library.config
    if casebook_place() is None or config.store.url or config.library.beside:
        return False
    if len(record_files(library.folder)) < YOUNG:
        return True
    manifest = read_manifest(index_home(library.root))
    return manifest is not None and manifest.n_published < YOUNG
