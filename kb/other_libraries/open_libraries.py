"""The libraries beside one's own as far as each shares itself, ready to be asked.

A folder is looked at each time; of a Git address what was fetched last answers, and no network is
asked. Whatever is wrong with one is one line about that one.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from kb.config import FILE_NAME, BesideConfig, Config, SearchConfig
from kb.errors import KbError
from kb.library import Library
from kb.other_libraries.cached_view import (
    BESIDE_RECORDS,
    TEXTS,
    KeptState,
    drop_texts,
    keep_view,
    kept_folder,
    read_state,
)
from kb.records.facts_without_text import FACTS_FILE, MOST_BYTES, LibraryFacts, read_facts
from kb.records.form import build_form
from kb.records.record_files import is_record_name
from kb.safe_files import UnsafePathError, read_named, real_path
from kb.search.answer import ALL, FACTS, NONE
from kb.search.casebook import casebook_beside
from kb.search.several_libraries import OtherLibrary, search_as_in
from kb.trusted_settings import is_trusted, open_config, wishes

if TYPE_CHECKING:
    from kb.traces.run import Run

KEY = "library.beside"


@dataclass(frozen=True)
class Beside:
    """One declared library, and where what is kept of it lies."""

    declared: BesideConfig
    place: str
    home: Path

    @property
    def name(self) -> str:
        """Whose it is, as the asking library says."""
        return self.declared.name

    @property
    def is_fetched(self) -> bool:
        """Whether it lies at a Git address."""
        return bool(self.declared.git)

    @property
    def root(self) -> Path:
        """The folder of one that is no address."""
        return Path(self.place)


def declared(library: Library) -> tuple[Beside, ...]:
    """The libraries that `kb.toml` names, in its order, without the casebook."""
    found = (one for one in library.config.library.beside if not one.casebook)
    return tuple(_declared_library(library, one) for one in found)


def _declared_library(library: Library, one: BesideConfig) -> Beside:
    place = "\n".join((one.git, one.revision, one.folder))
    if not one.git:
        place = str(real_path(library.root / Path(one.path).expanduser()))
    return Beside(one, place, kept_folder(place))


def open_other_libraries(
    library: Library, *, casebook: bool = False, everywhere: bool = True, run: Run | None = None
) -> tuple[OtherLibrary, ...]:
    """The libraries beside one, and the casebook where it is declared or asked for.

    `run` is the run that asks, whose shape is compared with theirs. Raises `KbError` where the
    casebook is asked for and missing.
    """
    named = any(one.casebook for one in library.config.library.beside)
    books = (casebook_beside(library),) if casebook or (everywhere and named) else ()
    others = (open_one(library, one, run) for one in declared(library)) if everywhere else ()
    return (*books, *others)


def open_one(library: Library, beside: Beside, run: Run | None = None) -> OtherLibrary:
    """One library beside another; what is wrong with it is its `note`."""
    silent = OtherLibrary(beside.name, NONE)
    if not is_allowed(library):
        return silent.silent(f"not trusted here; look at it with 'kb trust {KEY}'")
    try:
        found = _fetched(library, beside) if beside.is_fetched else _folder(library, beside)
    except UnsafePathError as error:
        return silent.silent(f"{error.where}: {error.what}")
    except KbError as error:
        return silent.silent(error.what)
    except OSError as error:
        return silent.silent(f"{error.filename}: {error.strerror or error}")
    return _with_run(found, run)


def is_allowed(library: Library) -> bool:
    """Whether the user trusts what `kb.toml` says of libraries beside."""
    asked = (wish for wish in wishes(library.config, library.root) if wish.key == KEY)
    return all(is_trusted(library.root, wish) for wish in asked)


def _with_run(found: OtherLibrary, run: Run | None) -> OtherLibrary:
    if run is None:
        return found
    from kb.traces.query_from_run import alike_fixtures, alike_shapes

    if found.library is not None:
        return replace(found, alike_runs=alike_fixtures(run, found.library.folder))
    shapes = {facts.ref: facts.run for facts in found.facts if facts.run}
    return replace(found, alike_runs=alike_shapes(run, shapes))


def _folder(library: Library, beside: Beside) -> OtherLibrary:
    """A library in a folder, as its files stand now."""
    root, config = beside.root, _config_of(beside)
    if config is None:
        drop_texts(beside.home)
        facts = read_facts(read_named(root / FACTS_FILE, MOST_BYTES), str(root / FACTS_FILE))
        return OtherLibrary(beside.name, FACTS, facts=facts.records)
    if config.library.share == NONE:
        drop_texts(beside.home)
        return OtherLibrary(beside.name, NONE).silent("it shares nothing")
    if config.library.share == ALL:
        found = _texts(library, beside, root, config)
        return replace(found, lenders=(_lender(library, root, config), *found.lenders))
    found = _looked_at(library, beside, config)
    lender = _lender(library, root, config)
    return replace(found, lenders=(lender, *found.lenders))


def _looked_at(library: Library, beside: Beside, config: Config) -> OtherLibrary:
    """What is shared of a folder less than whole: kept until a file of it changes."""
    root, state = beside.root, read_state(beside.home, beside.place)
    stamp = _stamp(root, config)
    if state is None or state.stamp != stamp or state.shares != config.library.share:
        from kb.other_libraries.what_is_shared import view_of

        now = datetime.now(UTC)
        view = view_of(root, now)
        try:
            state = keep_view(beside.home, beside.place, view, stamp=stamp, at=now)
        except KbError:
            if view.shares != FACTS:
                raise
            raw = next(iter(view.files.values()))  # they need no index, so no cache either
            return OtherLibrary(beside.name, FACTS, facts=read_facts(raw, str(root)).records)
    return _of_state(library, beside, state)


def _lender(library: Library, root: Path, config: Config) -> Library:
    """A library in whose own folder vectors may lie that need not be made again."""
    search = library.config.search
    own_store = SearchConfig(model=search.model, precision=search.precision)
    return Library(root, msgspec.structs.replace(config, search=own_store), build_form(config), ())


def _config_of(beside: Beside) -> Config | None:
    """The settings of a library in a folder, None where only its facts lie there."""
    root = beside.root
    if not root.is_dir():
        raise KbError(f"there is no folder {beside.declared.path}")
    if not (root / FILE_NAME).exists():
        if (root / FACTS_FILE).exists():
            return None
        raise KbError(f"{beside.declared.path} has no {FILE_NAME}, which says what is shared")
    return open_config(root)


def _fetched(library: Library, beside: Beside) -> OtherLibrary:
    """What was fetched last of an address."""
    state = read_state(beside.home, beside.place)
    if state is None:
        raise KbError(f"not fetched yet: kb beside refresh '{beside.name}'")
    if state.shares == NONE:
        raise KbError(f"it shared nothing on {state.at:%Y-%m-%d}")
    return _of_state(library, beside, state)


def _of_state(library: Library, beside: Beside, state: KeptState) -> OtherLibrary:
    """A library of which a view is kept."""
    view = beside.home / state.view
    if state.shares in TEXTS:
        found = _texts(library, beside, view, open_config(view))
        is_theirs = state.shares == ALL
        note = _other_encoder(library, *state.encoder) if is_theirs else ""
        return replace(found, shares=state.shares, commit=state.commit, note=note)
    facts = _kept_facts(view / FACTS_FILE)
    return OtherLibrary(beside.name, FACTS, facts=facts.records, commit=state.commit)


def _kept_facts(path: Path) -> LibraryFacts:
    return read_facts(read_named(path, MOST_BYTES), str(path))


def _texts(library: Library, beside: Beside, root: Path, config: Config) -> OtherLibrary:
    """A library whose texts may be read."""
    search = search_as_in(library, beside.home)
    named = msgspec.structs.replace(config.library, name=beside.name)
    form = build_form(config)
    settings = msgspec.structs.replace(config, library=named, search=search)
    theirs = Library(root, settings, form, (), is_anothers=True)
    return OtherLibrary(
        beside.name,
        ALL,
        library=theirs,
        home=beside.home / "index",
        lenders=(library,),
        folder=str(theirs.folder),
        note=_other_encoder(library, config.search.model, config.search.precision),
    )


def _other_encoder(library: Library, model: str, precision: str) -> str:
    search = library.config.search
    if (model, precision) in {(search.model, search.precision), ("", "")}:
        return ""
    return f"it searches with {model} ({precision}), so its texts were embedded here with yours"


def _stamp(root: Path, config: Config) -> str:
    """What changes when a file changes that a view is made of: names, sizes and times."""
    digest = hashlib.sha256()
    folder = root / config.library.path
    beside_record = BESIDE_RECORDS.get(config.library.share, "")
    for path in (root / FILE_NAME, *_view_files(folder, beside_record)):
        try:
            found = path.stat()
        except OSError:
            continue
        digest.update(f"{path}\0{found.st_size}\0{found.st_mtime_ns}\n".encode(errors="replace"))
    return digest.hexdigest()


def _view_files(folder: Path, beside_record: str) -> Iterator[Path]:
    for entry in sorted(os.scandir(folder), key=lambda entry: entry.name):
        if is_record_name(entry.name):
            yield folder / entry.name
            if beside_record:
                yield folder / entry.name.removesuffix(".md") / beside_record
