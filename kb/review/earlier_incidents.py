"""The earlier incidents a review asks about, or in words why there are none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import PurePath
from typing import TYPE_CHECKING

from kb.errors import KbError
from kb.library import Library
from kb.records.document import Document

if TYPE_CHECKING:
    from kb.search.answer import Match
    from kb.search.encoder.encoder import Progress

#: Matches a reviewer is shown, and of which the likely ones need a verdict: as many as the rule
#: unconsidered-prior asks about.
_SHOWN = 3


@dataclass(frozen=True)
class PriorSearch:
    """What finds the matches of a document, best first; None where `why_not` says why not.

    `words_only` says in one line that they are found by words alone, empty where an encoder is.
    """

    find: Callable[[Document], tuple[Match, ...]] | None
    why_not: str = ""
    words_only: str = ""


def prior_search(library: Library, today: date, progress: Progress | None = None) -> PriorSearch:
    """A search in an index that is brought up to date now, built where there is none."""
    try:
        from kb.search.encoder.find_model_files import NoEncoderError
        from kb.search.find_similar import answer
        from kb.search.index.index import open_index
        from kb.search.query import Filters, query_from_document
        from kb.search.words_only import answer_by_words, read_words
    except ImportError:
        return PriorSearch(None, "the extra 'search' is not installed")
    words_only = ""
    try:
        index = open_index(library, progress)
        ask = partial(answer, index, library, limit=_SHOWN, filters=Filters())
    except NoEncoderError as fault:
        words = read_words(library, fault)
        words_only = words.why
        ask = partial(answer_by_words, words, limit=_SHOWN)
    except KbError as fault:
        return PriorSearch(None, fault.what)
    found: dict[PurePath, tuple[Match, ...]] = {}

    def find(document: Document) -> tuple[Match, ...]:
        if document.path not in found:
            found[document.path] = ask(query_from_document(document, today)).matches
        return found[document.path]

    return PriorSearch(find, words_only=words_only)


def needs_verdict(match: Match) -> bool:
    """Whether a match is so likely that its author has to say what it is; by words none is."""
    from kb.search.find_similar import LIKELY

    return match.probability is not None and match.probability >= LIKELY
