"""The open files, the libraries they lie in, and what is known of each version of a file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from kb.errors import KbError
from kb.library import find_root
from kb.lsp.library_view import LibraryView, open_view, refreshed_view
from kb.lsp.open_record import OpenRecord
from kb.lsp.text_positions import Places
from kb.records.document import Document, read_document
from kb.records.record_files import is_record_name


@dataclass(frozen=True)
class OpenFile:
    """What a client has open, as of one version."""

    uri: str
    path: Path
    version: int
    places: Places


class OpenRecords:
    """Reads open files as records of their libraries; each library is read once, then looked at.

    All methods are for one thread alone.
    """

    def __init__(self, today: Callable[[], date]) -> None:
        self._today = today
        self._views: dict[Path, LibraryView] = {}
        self._documents: dict[str, tuple[int, Document]] = {}

    def record(self, file: OpenFile, others: tuple[OpenFile, ...] = ()) -> OpenRecord | None:
        """The open file as a record of its library, with the `others` that are open beside it.

        None for a file that is no record of a library. Raises `KbError` where the library's
        settings cannot be read, or name what is not trusted.
        """
        root = root_of(file.path)
        if root is None:
            return None
        view = self._view(root)
        if file.path.parent != view.library.folder:
            return None
        opened = [other for other in others if other.path.parent == file.path.parent]
        documents = {other.uri: self._document(other, view) for other in (*opened, file)}
        return OpenRecord(
            uri=file.uri,
            path=file.path,
            version=file.version,
            document=documents[file.uri],
            places=file.places,
            view=view.with_open(documents.values()),
            today=self._today(),
        )

    def look_again(self) -> None:
        """Forget what is known of libraries whose files changed, when it is next asked for."""
        for root, view in list(self._views.items()):
            try:
                self._views[root] = refreshed_view(view)
            except KbError:
                del self._views[root]

    def close(self, uri: str) -> None:
        """Forget a file."""
        self._documents.pop(uri, None)

    def views(self) -> tuple[LibraryView, ...]:
        """The libraries that are known."""
        return tuple(self._views.values())

    def _view(self, root: Path) -> LibraryView:
        if root not in self._views:
            self._views[root] = open_view(root)
        return self._views[root]

    def _document(self, file: OpenFile, view: LibraryView) -> Document:
        known = self._documents.get(file.uri)
        if known and known[0] == file.version and known[1].form is view.library.form:
            return known[1]
        raw = file.places.text.encode("utf-8", "replace")
        path = file.path.relative_to(view.library.root)
        document = read_document(raw, path, view.library.form)
        self._documents[file.uri] = (file.version, document)
        return document


def root_of(path: Path) -> Path | None:
    """The root of the library around a file that is named as a record; None for any other."""
    if not is_record_name(path.name):
        return None
    try:
        return find_root(path)
    except KbError:
        return None
