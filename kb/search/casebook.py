"""The public incidents that ship with kb, searched beside a team's own.

It is a library of its own: own index, own probabilities, and no part of a team's numbers. Its
index lies in the user's cache, so that it is built once for all libraries of a machine.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from importlib.resources import files
from pathlib import Path

from kb.config import Config, LibraryConfig, SearchConfig
from kb.errors import KbError
from kb.library import Library
from kb.records.document import Document
from kb.records.form import build_form
from kb.search.answer import CASEBOOK, Answer, CasebookFacts, Match
from kb.search.encoder.encoder import Progress, cache_folder
from kb.search.encoder.source import NoEncoderError
from kb.search.encoder.store import text_key
from kb.search.index.index import Index, existing_index, open_index
from kb.search.query import EVERYTHING, Filters, Query, embed_query, refuse_unknown
from kb.search.similar import RankedQuery, answer_of, as_query, find, find_question
from kb.version import __version__


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

    The most probable stand first, own ones before public ones that are as probable; `library` of a
    match tells them apart, and a record that the library holds itself is not shown twice.
    Raises `KbError` like `similar`, or where the casebook is missing.
    """
    asked = as_query(query, today or datetime.now(UTC).date())
    limit = limit or library.config.search.limit
    try:
        index, book = open_index(library, progress), open_casebook(library, progress)
    except NoEncoderError as fault:
        return _by_words(library, asked, limit, filters, fault)
    refuse_unknown(filters, library.form, (*index.entries, *book.entries))
    return answer_with_casebook(index, book, library, asked, limit=limit, filters=filters)


def answer_with_casebook(
    index: Index, book: Index, library: Library, asked: Query, *, limit: int, filters: Filters
) -> Answer:
    """The same from two indexes that are open."""
    own = find(index, asked, filters)
    answer = answer_of(own, library, limit)
    return with_public(answer, find_beside(own, filters, book), library, limit)


def with_public(own: Answer, public: RankedQuery, library: Library, limit: int) -> Answer:
    """An answer joined by the public incidents that were ranked for the same query."""
    return _joined(own, answer_of(public, casebook_library(library), limit), limit)


def _by_words(
    library: Library, query: Query, limit: int, filters: Filters, fault: NoEncoderError
) -> Answer:
    """The answer by words of library and casebook, where no encoder is."""
    from kb.search.words_only import answer_by_words, read_words, without_known

    index, book = read_words(library, fault), read_words(casebook_library(library), fault)
    refuse_unknown(filters, library.form, (*index.entries, *book.entries))
    own = answer_by_words(index, query, limit=limit, filters=filters)
    beside = without_known(filters, index)
    public = answer_by_words(book, query, limit=limit, filters=beside)
    return _joined(own, public, limit)


def find_beside(own: RankedQuery, filters: Filters, index: Index) -> RankedQuery:
    """The casebook ranked for a query that was put to a library."""
    known = frozenset(entry.id for entry in own.index.entries)
    filters = replace(filters, without=filters.without | known)
    same_vectors = index.encoder.card.key == own.index.encoder.card.key
    question = own.question if same_vectors else embed_query(index, own.query)
    return find_question(index, own.query, question, filters)


def open_casebook(library: Library, progress: Progress | None = None) -> Index:
    """The index of the casebook, made with the encoder of a library.

    Raises `KbError` where the casebook is missing or the user's cache cannot be written.
    """
    book = casebook_library(library)
    return open_index(book, progress, _home_of(book))


def existing_casebook(library: Library) -> Index | None:
    """The index of the casebook where one was made; nothing is written."""
    book = casebook_library(library)
    found = existing_index(book, _home_of(book))
    return found[0] if found else None


def _home_of(book: Library) -> Path:
    search = book.config.search
    made_of = text_key(repr((__version__, search.model, search.precision))).hex()[:16]
    return _cache() / made_of


def casebook_library(library: Library) -> Library:
    """The casebook as a library, its form the one that ships, its encoder that of `library`."""
    folder = casebook_folder()
    search = library.config.search
    model = library.root / Path(search.model).expanduser()
    config = Config(
        library=LibraryConfig(name=CASEBOOK, path=folder.name),
        search=SearchConfig(
            model=str(model) if model.is_dir() else search.model,
            precision=search.precision,
            vectors=str(_cache()),
        ),
    )
    return Library(folder.parent, config, build_form(config), ())


def casebook_folder() -> Path:
    """Where the records of the casebook lie: in the package, or beside it in a checkout.

    Raises `KbError` where they are in neither.
    """
    packaged = Path(str(files("kb.data"))) / "casebook"
    checkout = packaged.parents[2] / "postmortems"
    for folder in (packaged, checkout):
        if folder.is_dir():
            return folder
    raise KbError(
        "the casebook is not part of this installation",
        where=str(packaged),
        todo="Install kb again, or set search.casebook = false in kb.toml.",
    )


def _cache() -> Path:
    return cache_folder().parent / "casebook"


def _joined(own: Answer, public: Answer, limit: int) -> Answer:
    """Both answers as one list; where there are no probabilities own matches stand first."""
    matches = sorted((*own.matches, *public.matches), key=_order)[:limit]
    misses = own.nearest_misses or (() if matches else public.nearest_misses)
    facts = CasebookFacts(
        str(casebook_folder()), public.index.records, public.index.passages, public.index.eligible
    )
    return replace(
        own,
        matches=tuple(matches),
        nearest_misses=misses,
        proposed_class=own.proposed_class or public.proposed_class,
        casebook=facts,
    )


def _order(match: Match) -> tuple[bool, float]:
    return not match.may_be_same, -(match.probability or 0.0)
