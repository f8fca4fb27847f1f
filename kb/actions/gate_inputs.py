"""Reads what a gate needs beside the records: misplaced files, and records as they were signed.

A condition in a file that is read as no record would be seen by nobody. A sign-off speaks of the
record as it stood at its commit.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePath, PurePosixPath

from kb.actions.route_names import is_of_route
from kb.as_of import AsOf
from kb.errors import KbError
from kb.library import Library, load_document
from kb.records.document import Document, read_document
from kb.records.front_matter import Fault, FrontMatter
from kb.records.misplaced_records import is_markdown
from kb.repo import Repo
from kb.safe_files import real_path, walk

#: What a sign-off may name as its commit.
_COMMIT = re.compile(r"[0-9a-f]{7,64}")


@dataclass(frozen=True)
class GateContext:
    """`misplaced` are the Markdown files below the records' folder that are read as no record.

    `signed` has a record as it stood at the commit of a sign-off, by its id and that commit, where
    Git still knows it.
    """

    misplaced: tuple[Document, ...] = ()
    signed: Mapping[tuple[str, str], Document] = field(default_factory=dict)


def read_gate_context(library: Library, repo: Repo, route: str, as_of: AsOf) -> GateContext:
    """The context in the working tree, or at the commit that the library was read from."""
    is_past, commit = as_of.is_past, as_of.commit
    misplaced = _misplaced_at(library, repo, commit) if is_past else misplaced_files(library)
    return GateContext(misplaced, dict(_signed(library, repo, route)))


def misplaced_files(library: Library) -> tuple[Document, ...]:
    """The Markdown files of the working tree that no record is read from."""
    records = {real_path(library.root / document.path) for document in library.documents}
    return tuple(
        file if isinstance(file, Document) else load_document(file, library.form, library.root)
        for file in _markdown_files(library)
        if isinstance(file, Document) or real_path(file) not in records
    )


def _markdown_files(library: Library) -> Iterator[Path | Document]:
    """The files, and a faulty document for each folder that cannot be looked into."""
    closed: list[Document] = []

    def note(error: OSError) -> None:
        path = PurePath(os.path.relpath(error.filename, library.root))
        closed.append(_unread(path, library, f"cannot be opened: {error.strerror}"))

    for folder, folders, files in walk(library.folder, onerror=note):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        yield from (Path(folder, name) for name in sorted(files) if is_markdown(name))
    yield from closed


def _misplaced_at(library: Library, repo: Repo, commit: str) -> tuple[Document, ...]:
    base = repo.relative(library.root) or PurePosixPath()
    records = {base / document.path.as_posix() for document in library.documents}
    files = repo.files(base / library.config.library.path, commit) or ()
    paths = [f.path for f in files if is_markdown(f.path.name) and f.path not in records]
    contents = repo.read_all(paths, commit)
    return tuple(
        _document_at(library, path.relative_to(base), contents.get(path)) for path in paths
    )


def _document_at(library: Library, path: PurePosixPath, raw: bytes | None) -> Document:
    if raw is None:
        return _unread(path, library, "a link; not followed in a revision")
    return read_document(raw, path, library.form)


def _signed(library: Library, repo: Repo, route: str) -> Iterator[tuple[tuple[str, str], Document]]:
    base = repo.relative(library.root)
    for record in library.records:
        if base is None or not is_of_route(record.route, route):
            continue
        for commit in {signed.commit for signed in record.signoffs}:
            raw = _file_at_commit(repo, base / record.path.as_posix(), commit)
            if raw is not None:
                yield (record.id, commit), read_document(raw, record.path, library.form)


def _file_at_commit(repo: Repo, path: PurePosixPath, commit: str) -> bytes | None:
    """A file at a commit that a record names; None where that commit is not known here."""
    try:
        return repo.read(path, commit) if _COMMIT.fullmatch(commit) else None
    except KbError:
        return None


def _unread(path: PurePath, library: Library, message: str) -> Document:
    fault = Fault(1, 1, "unreadable", message)
    return Document(path, "", FrontMatter(), (), (), library.form, (fault,))
