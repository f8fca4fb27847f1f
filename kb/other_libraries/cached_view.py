"""What is kept of a library beside, in the user's cache: its view, and an index of shared texts.

beside/<key>/state.json     which view counts, of which commit, and how much is shared
beside/<key>/view-…/        the facts, or the records, that are shared: nothing else
beside/<key>/index, vectors-…   of shared texts alone, and gone when they are no longer shared
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path, PurePath, PurePosixPath

import msgspec
from msgspec import Struct

from kb.errors import KbError
from kb.safe_files import Root, UnsafePathError
from kb.search.answer import ALL, EXTERNAL, FACTS
from kb.search.encoder.vector_store import text_key
from kb.user_folders import cache_folder

_STATE, _LOCK = "state.json", "lock"
_FORMAT = 1
_MAX_STATE_BYTES = 100_000
#: The shares of which texts are kept.
TEXTS = frozenset({ALL, EXTERNAL})
#: The file in a record's folder that a view is made of as well.
BESIDE_RECORDS = {FACTS: "fixture.json", EXTERNAL: "external.md"}


@dataclass(frozen=True)
class SharedView:
    """What a library shares: `files` by path, which are all that may be stored of it.

    `encoder` is the model and precision that the library itself searches with.
    """

    shares: str
    files: Mapping[PurePosixPath, bytes] = field(default_factory=dict)
    encoder: tuple[str, str] = ("", "")


class KeptState(Struct, frozen=True, kw_only=True):
    """What is kept of one place: `stamp` tells whether a folder's files have changed since."""

    format: int
    place: str
    shares: str
    view: str
    encoder: tuple[str, str]
    stamp: str = ""
    commit: str = ""
    at: datetime | None = None


def kept_folder(place: str) -> Path:
    """Where what is kept of a place lies. Raises `KbError` where there is no home folder."""
    try:
        return Path(cache_folder()) / "beside" / text_key(place).hex()[:16]
    except OSError as error:
        raise KbError(str(error), todo="Set HOME or XDG_CACHE_HOME.") from error


def read_state(home: Path, place: str) -> KeptState | None:
    """What is kept of a place, None where nothing is, or it is of another format."""
    try:
        raw = Root(home).read_bytes(_STATE, _MAX_STATE_BYTES)
        state = msgspec.json.decode(raw, type=KeptState)
    except (OSError, UnsafePathError, msgspec.DecodeError, RecursionError):
        return None
    is_ours = state.format == _FORMAT and state.place == place
    return state if is_ours and PurePath(state.view).name == state.view else None


def keep_view(
    home: Path, place: str, view: SharedView, *, stamp: str = "", commit: str = "", at: datetime
) -> KeptState:
    """Put a view in place of the one before; what was kept of texts that are not shared goes.

    Raises `KbError` where the cache cannot be written.
    """
    name = f"view-{uuid.uuid4().hex[:16]}"
    state = KeptState(
        format=_FORMAT,
        place=place,
        shares=view.shares,
        view=name,
        encoder=view.encoder,
        stamp=stamp,
        commit=commit,
        at=at,
    )
    try:
        root = Root(home)
        root.make_folder(".")
        with root.lock(_LOCK):
            root.make_folder(name)
            for path, raw in view.files.items():
                root.make_folder(PurePath(name, path).parent)
                root.fill(PurePath(name, path), raw)
            root.write_bytes(_STATE, msgspec.json.encode(state))
            _remove_others(root, {name, _STATE, _LOCK}, keep_texts=view.shares in TEXTS)
    except OSError as error:
        raise _unwritable(home, error) from error
    return state


def drop_texts(home: Path) -> None:
    """Remove what is kept of a place's texts, and every view of it."""
    if home.exists():
        _remove_others(Root(home), {_LOCK}, keep_texts=False)


def forget(home: Path) -> bool:
    """Remove all that is kept of a place; whether anything was. Raises `KbError`."""
    if not home.exists():
        return False
    try:
        Root(home.parent).remove_tree(home.name)
    except OSError as error:
        raise _unwritable(home, error) from error
    return True


def _remove_others(root: Root, kept: set[str], *, keep_texts: bool) -> None:
    root.sweep()
    for name in root.names():
        is_of_texts = name == "index" or name.startswith("vectors-")
        if name in kept or (is_of_texts and keep_texts):
            continue
        with suppress(OSError):
            if root.is_folder(name):
                root.remove_tree(name)
            else:
                root.remove_file(name)


def _unwritable(home: Path, error: OSError) -> KbError:
    return KbError(
        f"the cache cannot be written: {error.strerror or error}",
        where=str(home),
        todo="Free space there, make it writable, or set XDG_CACHE_HOME.",
    )
