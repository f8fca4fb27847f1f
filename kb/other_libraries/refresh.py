"""Fetches a library that lies at a Git address, keeps what it shares, and removes the rest."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import PurePosixPath

from kb.config import FILE_NAME, Config, parse_config
from kb.errors import KbError
from kb.other_libraries.cached_view import BESIDE_RECORDS, KeptState, SharedView, keep_view
from kb.other_libraries.open_libraries import Beside
from kb.other_libraries.what_is_shared import view_of
from kb.records.facts_without_text import FACTS_FILE, MOST_BYTES, read_facts, written_facts
from kb.records.record_files import MAX_RECORD_BYTES, is_record_name
from kb.repo.fetch_commit import FetchedCommit, StoredFile, fetch
from kb.safe_files import Root
from kb.search.answer import ALL, FACTS, NONE

#: What is read of one repository: 20,000 records of 10 kB.
_MOST_FILES, _MOST_READ_BYTES = 40_000, 200_000_000
_MAX_SETTINGS_BYTES = 5_000_000


def refresh(beside: Beside, now: datetime) -> KeptState:
    """Fetch an address and keep what its library shares now, in place of what was kept.

    The repository is fetched bare, is nowhere checked out, and is gone when this returns.
    Raises `KbError` where it cannot be fetched or read; what was kept before then stays.
    """
    root = Root(beside.home)
    try:
        root.make_folder(".")
        with root.temporary_folder() as place:
            root.make_folder(place / "repository.git")
            root.make_folder(place / "tree")
            address = beside.declared
            fetched = fetch(address.git, address.revision, root.path / place / "repository.git")
            view = _view(fetched, address.folder, root.below(place / "tree"), now)
            commit = fetched.commit.sha
            return keep_view(beside.home, beside.place, view, commit=commit, at=now)
    except OSError as error:
        what = f"cannot be kept: {error.strerror or error}"
        raise KbError(what, where=str(beside.home), todo="Free space there.") from error


def _view(fetched: FetchedCommit, folder: str, tree: Root, now: datetime) -> SharedView:
    """What the library in a folder of a commit shares; its files are written to `tree` for that."""
    base = _inside(folder)
    files = {file.path.relative_to(base): file for file in fetched.files(base.as_posix())}
    settings = files.get(PurePosixPath(FILE_NAME))
    if settings is None:
        return _published_facts(fetched, files)
    [(_, raw)] = fetched.read([_within(settings, _MAX_SETTINGS_BYTES)])
    config = parse_config(raw, f"{fetched.commit.sha[:9]}:{settings.path}")
    if config.library.share == NONE:
        return SharedView(NONE)
    wanted = tuple(_wanted(files, config))
    _refuse_too_much(wanted)
    for path, content in fetched.read((settings, *wanted)):
        relative = path.relative_to(base)
        tree.make_folder(relative.parent)
        tree.fill(relative, content)
    return view_of(tree.path, now)


def _published_facts(fetched: FetchedCommit, files: dict[PurePosixPath, StoredFile]) -> SharedView:
    """The facts that a library has published, where they lie without its records."""
    found = files.get(PurePosixPath(FACTS_FILE))
    if found is None:
        raise KbError(f"has no {FILE_NAME}, which says what is shared, and no {FACTS_FILE}")
    [(path, raw)] = fetched.read([_within(found, MOST_BYTES)])
    facts = read_facts(raw, f"{fetched.commit.sha[:9]}:{path}")
    return SharedView(FACTS, {PurePosixPath(FACTS_FILE): written_facts(facts)})


def _inside(folder: str) -> PurePosixPath:
    path = PurePosixPath(folder or ".")
    if path.is_absolute() or ".." in path.parts:
        raise KbError(f"the folder {folder} does not lie in a repository")
    return path


def _within(file: StoredFile, most: int) -> StoredFile:
    if file.size > most:
        raise KbError(f"{file.path} has {file.size / 1e6:.0f} MB, more than such a file may have")
    return file


def _wanted(files: dict[PurePosixPath, StoredFile], config: Config) -> Iterator[StoredFile]:
    """The records, and the file beside each that a view is made of; too large ones are left out."""
    folder = _inside(config.library.path)
    extra = "" if config.library.share == ALL else BESIDE_RECORDS[config.library.share]
    for path, file in files.items():
        is_record = path.parent == folder and is_record_name(path.name)
        is_beside = extra and path.name == extra and path.parent.parent == folder
        if (is_record or is_beside) and file.size <= MAX_RECORD_BYTES:
            yield file


def _refuse_too_much(files: tuple[StoredFile, ...]) -> None:
    size = sum(file.size for file in files)
    if len(files) > _MOST_FILES or size > _MOST_READ_BYTES:
        raise KbError(
            f"its {len(files)} records have {size / 1e6:.0f} MB, more than is read",
            todo="Ask its team to publish facts: kb beside export.",
        )
