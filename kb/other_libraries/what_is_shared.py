"""What a library shares, made from its files: facts, signed external editions, or its records."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path, PurePosixPath

import msgspec

from kb.config import FILE_NAME, Config
from kb.errors import KbError
from kb.library import read_library
from kb.other_libraries.cached_view import SharedView
from kb.records.facts_without_text import FACTS_FILE, LibraryFacts, facts_of, written_facts
from kb.records.record_files import MAX_RECORD_BYTES
from kb.safe_files import Tree
from kb.search.answer import ALL, EXTERNAL, FACTS, NONE
from kb.traces.query_from_run import shapes_of_fixtures
from kb.trusted_settings import open_config


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
    from kb.other_libraries.signed_editions import editions_as_files

    texts = editions_as_files(read_library(root, config), now)
    return {PurePosixPath(FILE_NAME): b"", **texts}


def _records(root: Path, config: Config, now: datetime) -> Mapping[PurePosixPath, bytes]:
    """Published records as they stand, and the settings with which those are read.

    Drafts, other settings and what lies beside the records stay there.
    """
    tree, folder = Tree(root), PurePosixPath(config.library.path)
    records = (r for r in read_library(root, config).records if r.status == "published")
    paths = (PurePosixPath(record.path.as_posix()) for record in records)
    found = {path: tree.read(root / path, MAX_RECORD_BYTES)[0] for path in paths}
    # A folder without a record is one all the same.
    return {PurePosixPath(FILE_NAME): _settings(config), folder / ".gitkeep": b"", **found}


def _settings(config: Config) -> bytes:
    """A `kb.toml` of what says how records are read, and of nothing else."""
    library = {"path": config.library.path, "adopted": config.library.adopted}
    tables = {"library": library, "form": config.form, "taxonomy": config.taxonomy}
    values = msgspec.to_builtins(tables)
    return "".join(f"{name} = {_toml(value)}\n" for name, value in values.items()).encode()


def _toml(value: object) -> str:
    """A text, list or table of such as TOML on one line."""
    if isinstance(value, Mapping):
        rows = (f"{_toml(key)} = {_toml(inner)}" for key, inner in value.items())
        return f"{{{', '.join(rows)}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_toml, value))}]"
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


_FILES = {NONE: _nothing, FACTS: _facts, EXTERNAL: _editions, ALL: _records}


def refuse_to_export(config: Config) -> None:
    """Raise `KbError` where a library does not share facts."""
    if config.library.share not in {FACTS, ALL}:
        raise KbError(
            f"library.share is {config.library.share}: facts are not shared",
            todo='Set share = "facts" under [library] in kb.toml.',
        )
