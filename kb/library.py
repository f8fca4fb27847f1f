"""All records of a tree, read once, never stopped by a bad file."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePath, PurePosixPath
from typing import TYPE_CHECKING

from kb.config import FILE_NAME, Config, parse_config
from kb.errors import KbError
from kb.records.form import Form, build_form
from kb.records.record_files import MAX_RECORD_BYTES, is_record_name, is_unicode_name
from kb.records.route_run_counts import FILE_NAME as RUNS_SEEN
from kb.records.route_run_counts import RunsSeen, read_runs_seen
from kb.safe_files import LinkOutError, Root, Tree, UnsafePathError
from kb.trusted_settings import open_config

if TYPE_CHECKING:  # whoever asks an index reads no record, and a working tree no Git
    from kb.records.document import Document
    from kb.records.postmortem import Postmortem
    from kb.repo import Commit, File, Repo

#: What kb computes or remembers on this machine lies here, below a library's root.
LOCAL_FOLDER = ".kb"


@dataclass(frozen=True)
class Library:
    """A folder of records with the settings that hold for it.

    `root` is the folder of `kb.toml`; `documents` are the record files, sorted by id, broken ones
    included. Paths of documents are relative to `root`. `runs_seen` says when routes ran.
    `is_anothers`: it is another team's, whose drafts are not searched.
    """

    root: Path
    config: Config
    form: Form
    documents: tuple[Document, ...]
    runs_seen: RunsSeen = field(default_factory=RunsSeen)
    is_anothers: bool = False

    @property
    def folder(self) -> Path:
        """The folder that holds the records."""
        return self.root / self.config.library.path

    @cached_property
    def records(self) -> tuple[Postmortem, ...]:
        """What the documents mean, oldest id first; drafts included."""
        from kb.records.merged_records import merged
        from kb.records.postmortem import interpret

        with no_collection():
            meanings = [interpret(document) for document in self.documents]
        return merged(tuple(record for record in meanings if record is not None))

    @cached_property
    def published(self) -> tuple[Postmortem, ...]:
        """The records that count."""
        return tuple(record for record in self.records if record.is_published)

    @cached_property
    def _by_id(self) -> dict[str, Postmortem]:
        return {record.id: record for record in self.records}

    def record(self, record_id: str) -> Postmortem | None:
        """The record with that id, None where there is none."""
        return self._by_id.get(record_id)


#: Linux opens paths of 4,096 bytes, Windows of 32,767 characters; the folders above a path of
#: 200,000 take gigabytes.
_LONGEST_PATH = 33_000


def find_root(start: Path) -> Path:
    """The folder of the library that `start` lies in.

    The nearest folder upwards with a `kb.toml`, else with a `postmortems` folder.
    Raises `KbError` when there is neither.
    """
    start = start.absolute()
    if len(str(start)) > _LONGEST_PATH:
        raise KbError("a path that is too long for any system", where=f"{str(start)[:80]}…")
    folders = (start, *start.parents) if os.path.isdir(start) else tuple(start.parents)  # noqa: PTH112 - as below
    for marker in (FILE_NAME, Config().library.path):
        for folder in folders:
            if os.path.exists(folder / marker):  # noqa: PTH110 - too long a name is none
                return folder
    raise KbError(
        "no knowledge base here",
        where=str(start),
        todo="Run 'kb init' in the root of a repository, or 'cd' into one that has postmortems/.",
    )


def open_library(path: Path | str = ".") -> Library:
    """The library a path lies in, read from the working tree.

    Raises `KbError` when there is none, or its settings or folder cannot be read.
    """
    root = find_root(Path(path))
    return read_library(root, open_config(root))


def unread_library(start: Path) -> Library:
    """The library a path lies in with its settings and no documents: read when they are needed.

    Raises `KbError` when there is none, or its settings cannot be read.
    """
    root = find_root(start)
    config = open_config(root)
    return Library(root, config, build_form(config), ())


def read_library(root: Path, config: Config) -> Library:
    """The library at a root whose settings are read. Raises `KbError` like `open_library`."""
    folder = root / config.library.path
    form = build_form(config)
    with no_collection():
        documents = tuple(load_documents(record_files(folder), form, root))
    return Library(root, config, form, documents, runs_seen_in(root, folder))


def runs_seen_in(root: Path, folder: Path) -> RunsSeen:
    """What the file beside the records says of runs; what cannot be read is among its faults."""
    try:
        raw, size = Tree(root).read(folder / RUNS_SEEN, MAX_RECORD_BYTES)
    except FileNotFoundError:
        return RunsSeen()
    except (OSError, UnsafePathError) as error:
        return RunsSeen(faults=((1, f"cannot be read: {error}"),))
    if size > MAX_RECORD_BYTES:
        return RunsSeen(faults=((1, "is too large to be read"),))
    return read_runs_seen(raw.decode("utf-8", "replace"))


@contextmanager
def no_collection() -> Iterator[None]:
    """Put off garbage collection.

    Records hold no cycles, and to look for some in 3,000 of them takes 40 % of the time of reading.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


Reader = Callable[[bytes, PurePath, Form], "Document"]


def open_library_at(
    repo: Repo, revision: Commit | str, root: Path, read: Reader | None = None
) -> Library:
    """The library of a folder as it stood at a revision, settings included.

    `read` may remember documents between revisions; without it each is read anew. Raises `KbError`
    where `root` is no part of the repository, Git knows no such revision, or the settings of that
    time cannot be read.
    """
    from kb.repo import Commit

    base = repo.relative(root)
    if base is None:
        reason = repo.why_unknown or "the library is not inside this repository"
        raise KbError(f"no earlier state is known: {reason}", where=str(root))
    commit = revision if isinstance(revision, Commit) else repo.resolve(revision)
    where = f"{commit.sha[:12]}:{base / FILE_NAME}"
    settings = repo.read_all([base / FILE_NAME], commit).get(base / FILE_NAME)
    config = parse_config(settings, where) if settings is not None else Config()
    form = build_form(config)
    files = _record_files_at(repo, commit, base / config.library.path)
    seen = base / config.library.path / RUNS_SEEN
    contents = repo.read_all([*(file.path for file in files), seen], commit)
    reader = read or _read_document
    documents = tuple(
        _document_at(contents.get(file.path), file.path.relative_to(base), form, reader)
        for file in files
    )
    runs = read_runs_seen(contents.get(seen, b"").decode("utf-8", "replace"))
    return Library(root, config, form, documents, runs)


def _record_files_at(repo: Repo, commit: Commit, folder: PurePosixPath) -> list[File]:
    files = repo.files(folder, commit) or ()
    records = (f for f in files if f.path.parent == folder and is_record_name(f.path.name))
    return sorted(records, key=lambda file: file.path.name)


def _document_at(raw: bytes | None, path: PurePosixPath, form: Form, read: Reader) -> Document:
    if raw is None:
        return _unread(path, form, "unreadable", "a link; not followed in a revision")
    return read(raw, path, form)


def records_folder(root: Path, config: Config) -> Path:
    """Where new records are written, links followed: inside the library.

    Raises `UnsafePathError` where `library.path` leads out of it.
    """
    whole = Path(os.path.realpath(root))
    folder = Path(os.path.realpath(root / config.library.path))
    if not folder.is_relative_to(whole):
        raise UnsafePathError(
            f"library.path is {config.library.path!r}, which leads out of the repository",
            where=str(root / FILE_NAME),
            todo="Name a folder below it; nothing was written.",
        )
    return root / folder.relative_to(whole)


def record_files(folder: Path) -> list[Path]:
    """The record files of a folder, by name. Raises `KbError` when it cannot be read."""
    try:
        names = sorted(entry.name for entry in os.scandir(folder) if is_record_name(entry.name))
        return [folder / name for name in names]
    except OSError as error:
        raise KbError(
            f"the records' folder cannot be read: {error.strerror or error}",
            where=str(folder),
            todo="Create it with 'kb init', or set library.path in kb.toml.",
        ) from error


def local_place(path: Path) -> tuple[Root, PurePath]:
    """A path in `.kb/` as its library's root and the rest; of any other its folder and name.

    Raises `UnsafePathError` where the repository brings files of `.kb/` along.
    """
    home = next((part for part in path.parents if part.name == LOCAL_FOLDER), None)
    root = Root((home or path).parent)
    if home is not None:
        refuse_tracked(root.path, LOCAL_FOLDER)
    return root, path.relative_to(root.path)


def refuse_tracked(folder: Path, name: str) -> None:
    """Raise `UnsafePathError` where what kb believes because it made it comes from a repository.

    Such a file is whatever somebody committed: a forged index, key or journal.
    """
    from kb.repo.tracked_files import tracked_below

    try:
        path = tracked_below(folder, name)
    except KbError as error:
        raise UnsafePathError(
            f"may come from the repository, and Git does not say: {error.what}",
            where=str(folder / name),
            todo=error.todo,
        ) from error
    if path:
        raise UnsafePathError(
            f"comes from the repository ({path} is committed), so it is not believed",
            where=str(folder / name),
            todo=f"If nobody needs it: git rm -r --cached {name}, then remove it.",
        )


def make_local_folder(folder: Path) -> None:
    """Make a folder in `.kb/`, which keeps itself out of Git wherever it is made.

    What killed runs left in either is swept.

    Raises `OSError` where it cannot be made, `UnsafePathError` where a link stands in its place or
    the repository brings files of it along.
    """
    root, place = local_place(folder / "x")
    root.make_folder(place.parent)
    for swept in {place.parent, PurePath(place.parts[0])} if len(place.parts) > 1 else ():
        root.sweep(swept)
    ignore = PurePath(LOCAL_FOLDER, ".gitignore")
    if place.parts[0] == LOCAL_FOLDER and not root.path_of(ignore).exists():
        with suppress(FileExistsError):  # another run was faster
            root.create(ignore, b"*\n")


def load_document(file: Path, form: Form, root: Path | None = None) -> Document:
    """One file as a document; what cannot be opened is a document with a fault."""
    return _read_from(Tree(root or Path(file.absolute().anchor)), file, form, root)


def load_documents(files: Iterable[Path], form: Form, root: Path) -> Iterator[Document]:
    """Files of a library as documents; what their folders are is looked up once."""
    tree = Tree(root)
    return (_read_from(tree, file, form, root) for file in files)


def raw_files(files: Iterable[Path], root: Path) -> Iterator[bytes | None]:
    """The bytes of files of a library; None for one that `load_document` finds a fault in."""
    tree = Tree(root)
    for file in files:
        raw, size = None, 0
        with suppress(OSError, UnsafePathError):
            raw, size = tree.read(file, MAX_RECORD_BYTES)
        yield raw if size <= MAX_RECORD_BYTES and is_unicode_name(file.name) else None


def _read_from(tree: Tree, file: Path, form: Form, root: Path | None) -> Document:
    path = _relative(file, root)
    if not is_unicode_name(file.name):
        return _unread(path, form, "unreadable", "its name is no UTF-8: rename it")
    try:
        raw, size = tree.read(file, MAX_RECORD_BYTES)
    except LinkOutError as error:
        return _unread(path, form, "outside-tree", error.what)
    except UnsafePathError as error:
        return _unread(path, form, "unreadable", error.what)
    except OSError as error:
        return _unread(path, form, "unreadable", f"cannot be opened: {error.strerror or error}")
    if size > MAX_RECORD_BYTES:
        message = f"{size / 1e6:.0f} MB is more than a record may have; it was not read"
        return _unread(path, form, "too-large", message)
    return _read_document(raw, path, form)


def _read_document(raw: bytes, path: PurePath, form: Form) -> Document:
    from kb.records.document import read_document

    return read_document(raw, path, form)


def _relative(file: Path, root: Path | None) -> PurePath:
    absolute = file.absolute()
    return absolute.relative_to(root) if root and absolute.is_relative_to(root) else file


def _unread(path: PurePath, form: Form, name: str, message: str) -> Document:
    from kb.records.document import Document
    from kb.records.front_matter import Fault, FrontMatter

    return Document(path, "", FrontMatter(), (), (), form, (Fault(1, 1, name, message),))
