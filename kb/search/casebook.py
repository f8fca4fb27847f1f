"""The public incidents that ship with kb, searched beside a team's own.

It is a library of its own: own index, own probabilities, and no part of a team's numbers. Its
index lies in the user's cache, so that it is built once for all libraries of a machine.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from kb.config import Config, LibraryConfig
from kb.errors import KbError
from kb.library import Library
from kb.records.casebook import PACKAGED, casebook_place
from kb.records.form import build_form
from kb.search.answer import CASEBOOK, PUBLIC, Answer
from kb.search.encoder.encoder import Progress, cache_folder
from kb.search.encoder.vector_store import text_key
from kb.search.index.index import Index, existing_index, open_index
from kb.search.query import EVERYTHING, Filters, Query
from kb.search.several_libraries import OpenOtherLibrary, OtherLibrary, search_as_in, similar_beside
from kb.version import __version__

if TYPE_CHECKING:
    from kb.records.document import Document

#: Where the vectors of its passages lie in the package: a first question need not wait for 700 of
#: them to be made. `scripts/embed-casebook` writes them.
SHIPPED_VECTORS = PACKAGED.with_name("search")


def similar_with_casebook(
    library: Library,
    query: Query | Document | str,
    *,
    limit: int | None = None,
    filters: Filters = EVERYTHING,
    today: date | None = None,
    progress: Progress | None = None,
) -> Answer:
    """The answer of `similar` and the public incidents that are like the query, as one list.

    Raises `KbError` like `similar`, or where the casebook is missing.
    """
    return similar_beside(
        library,
        (casebook_beside(library),),
        query,
        limit=limit,
        filters=filters,
        today=today,
        progress=progress,
    )


def casebook_beside(library: Library) -> OtherLibrary:
    """The casebook as a library beside another. Raises `KbError` where it is missing."""
    book = casebook_library(library)
    lenders, folder = (_with_shipped_vectors(book),), str(casebook_folder())
    return OtherLibrary(CASEBOOK, PUBLIC, book, _home_of(book), lenders, folder=folder)


def opened_casebook(library: Library, index: Index) -> OpenOtherLibrary:
    """The same where its index is open."""
    return OpenOtherLibrary(casebook_beside(library), index)


def open_casebook(library: Library, progress: Progress | None = None) -> Index:
    """The index of the casebook, made with the encoder of a library.

    Raises `KbError` where the casebook is missing or the user's cache cannot be written.
    """
    book = casebook_library(library)
    return open_index(book, progress, _home_of(book), (_with_shipped_vectors(book),))


def existing_casebook(library: Library) -> Index | None:
    """The index of the casebook where one was made; nothing is written."""
    book = casebook_library(library)
    found = existing_index(book, _home_of(book))
    return found[0] if found else None


def _home_of(book: Library) -> Path:
    search = book.config.search
    made_of = text_key(repr((__version__, search.model, search.precision))).hex()[:16]
    return _cache() / made_of


def _with_shipped_vectors(book: Library) -> Library:
    """The casebook as it lends the vectors that ship with kb: those of the default encoder.

    A text that has changed since is embedded like any other.
    """
    search = msgspec.structs.replace(book.config.search, vectors=str(SHIPPED_VECTORS))
    return replace(book, config=msgspec.structs.replace(book.config, search=search))


def casebook_library(library: Library) -> Library:
    """The casebook as a library, its form the one that ships, its encoder that of `library`."""
    folder = casebook_folder()
    config = Config(
        library=LibraryConfig(name=CASEBOOK, path=folder.name),
        search=search_as_in(library, _cache()),
    )
    return Library(folder.parent, config, build_form(config), ())


def casebook_folder() -> Path:
    """Where the records of the casebook lie: in the package, or beside it in a checkout.

    Raises `KbError` where they are in neither.
    """
    found = casebook_place()
    if found is None:
        raise KbError(
            "the casebook is not part of this installation",
            where=str(PACKAGED),
            todo="Install kb again, or set search.casebook = false in kb.toml.",
        )
    return found


def _cache() -> Path:
    return cache_folder().parent / "casebook"
