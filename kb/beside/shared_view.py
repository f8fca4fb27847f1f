"""What a library shares, made from its files: facts, signed external editions, or its records."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from pathlib import Path, PurePosixPath

from kb.beside.kept_view import SharedView
from kb.config import FILE_NAME, Config
from kb.errors import KbError
from kb.library import read_library, record_files
from kb.records.document import MAX_RECORD_BYTES
from kb.records.shared_facts import FACTS_FILE, LibraryFacts, facts_of, written_facts
from kb.safe_files import Tree
from kb.search.answer import ALL, EXTERNAL, FACTS, NONE
from kb.traces.similarity import shapes_of_fixtures
from kb.trust import open_config


def view_of(root: Path, now: datetime) -> SharedView:
    """What the library at a root shares, by its own settings.

    Raises `KbError` where they cannot be read, or an external edition cannot be made.
    """
    config = open_config(root)
    encoder = (config.search.model, config.search.precision)
    return SharedView(
        config.library.share, _FILES[config.library.share](root, config, now), encoder
    )


def shared_facts(root: Path, config: Config) -> LibraryFacts:
    """The facts of a library's published records."""
    library = read_library(root, config)
    runs = shapes_of_fixtures(library.folder)
    return facts_of(library.published, config.site.key, runs)


def _nothing(root: Path, config: Config, now: datetime) -> Mapping[PurePosixPath, bytes]:
    return {}


def _facts(root: Path, config: Config, now: datetime) -> Mapping[PurePosixPath, bytes]:
    return {PurePosixPath(FACTS_FILE): written_facts(shared_facts(root, config))}


def _editions(root: Path, config: Config, now: datetime) -> Mapping[PurePosixPath, bytes]:
    from kb.beside.editions import signed_editions

    texts = signed_editions(read_library(root, config), now)
    return {PurePosixPath(FILE_NAME): b"", **texts}


def _records(root: Path, config: Config, now: datetime) -> Mapping[PurePosixPath, bytes]:
    """Settings and record files as they stand; what lies beside the records stays there."""
    tree = Tree(root)
    paths = [root / FILE_NAME, *record_files(root / config.library.path)]
    found = ((path, tree.read(path, MAX_RECORD_BYTES)) for path in paths if path.is_file())
    return {
        PurePosixPath(path.relative_to(root).as_posix()): raw
        for path, (raw, size) in found
        if size <= MAX_RECORD_BYTES
    }


_FILES = {NONE: _nothing, FACTS: _facts, EXTERNAL: _editions, ALL: _records}


def refuse_to_export(config: Config) -> None:
    """Raise `KbError` where a library does not share facts."""
    if config.library.share not in {FACTS, ALL}:
        raise KbError(
            f"library.share is {config.library.share}: facts are not shared",
            todo='Set share = "facts" under [library] in kb.toml.',
        )
