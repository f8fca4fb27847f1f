"""Searches of stores that stay open between the questions of one process, such as a server.

A command asks once and closes what it opened.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar

from kb.store.connection import StoreAwayError, closed_on_failure, connect, refuse_address

if TYPE_CHECKING:
    from kb.library import Library
    from kb.search.encoder.encoder import Encoder
    from kb.store.search import StoreSearch

Result = TypeVar("Result")


class KeptSearches:
    """Open searches by address and encoder; one is asked by whoever has taken it out."""

    def __init__(self) -> None:
        self.is_open = False
        self._searches: dict[tuple[str, str], StoreSearch] = {}

    @contextmanager
    def open(self) -> Iterator[None]:
        """Keep what is asked until the end of the context."""
        self.is_open = True
        try:
            yield
        finally:
            self.is_open = False
            while self._searches:
                self._searches.popitem()[1].close()

    def ask(
        self, library: Library, encoder: Encoder, question: Callable[[StoreSearch], Result]
    ) -> Result:
        """What a question to the store of a library gives.

        A connection that ended since the question before is made anew, once. Raises `KbError`.
        """
        refuse_address(library)
        key = (library.config.store.url, encoder.card.key)
        kept = self._searches.pop(key, None)
        if kept is not None:
            try:
                return self._asked(key, kept, question)
            except StoreAwayError:
                pass
        from kb.store.search import StoreSearch

        store = connect(library, read_only=True)
        with closed_on_failure(store):
            search = StoreSearch(store, encoder)
        return self._asked(key, search, question)

    def _asked(
        self,
        key: tuple[str, str],
        search: StoreSearch,
        question: Callable[[StoreSearch], Result],
    ) -> Result:
        """The same of one that is open; it is closed unless it answered and is to be kept."""
        is_kept = False
        try:
            result = question(search)
            is_kept = self.is_open and self._searches.setdefault(key, search) is search
        finally:
            if not is_kept:
                search.close()
        return result


#: Those of this process.
KEPT = KeptSearches()
