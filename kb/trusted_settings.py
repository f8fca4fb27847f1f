"""Which settings of a repository work only after its user has allowed them, and whether they did.

Whoever sends a pull request can write `kb.toml`. What it may not say unasked is: read or write
outside the library, take weights from elsewhere, switch redaction off, run something. Such a value
works where the user has stored exactly this value for exactly this folder (`kb trust`), or where
the environment variable `KB_TRUST` holds its hash. Which library is meant is told by its absolute
path, as Git's `safe.directory` does: a remote's address is a line in `.git/config`, which anybody
can write.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import msgspec

from kb.config import FILE_NAME, Config, SearchConfig, read_config
from kb.errors import KbError
from kb.user_config import (
    Trusted,
    read_user_config,
    user_config_path,
    write_user_config,
)

#: Hashes as `kb trust --hash` prints them, separated by commas or spaces.
VARIABLE = "KB_TRUST"


@dataclass(frozen=True, slots=True)
class Wish:
    """A value that needs trust: its key, the value as it is stored, and what it would do."""

    key: str
    value: str
    effect: str

    @property
    def sha256(self) -> str:
        """The hash that `KB_TRUST` takes: of `key=value` in UTF-8, whatever the repository."""
        text = f"{self.key}={self.value}"
        return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


@dataclass(frozen=True, slots=True)
class Guarded:
    """A setting that may need trust; `value` is empty where what is set needs none."""

    key: str
    effect: str
    value: Callable[[Config, Path], str]


def _outside_folder(root: Path, named: str) -> str:
    """A folder that lies outside the library, links resolved; empty for one inside.

    Where a link leads there its target is part of the value: another target is another value.
    """
    home = os.path.realpath(root)
    try:
        place = str(Path(home) / Path(named).expanduser())
        real = os.path.realpath(place)
    except (RuntimeError, ValueError):  # no such user's home; a NUL
        return named
    if real == home or real.startswith(home.rstrip(os.sep) + os.sep):
        return ""
    is_link = os.path.normpath(place) != real
    return f"{named} -> {os.path.relpath(real, home)}" if is_link else named


def _other_model(config: Config, root: Path) -> str:
    return "" if config.search.model == SearchConfig().model else config.search.model


#: Fewer letters and digits than these, and a pattern keeps what nobody can have had in mind:
#: `*@acme.example`, `192.168.*` and `test-*` have more, `*`, `*@*`, `sk-*` and `*.com` have not.
_FEWEST_FIXED = 4
_READ = 500
_WILD = re.compile(r"\[[^\]]*\]|\W|_")


def _is_open(pattern: str) -> bool:
    """Whether a pattern of values says so little that it lets nearly anything through."""
    is_pattern = any(sign in pattern for sign in "*?[")
    return is_pattern and len(_WILD.sub("", pattern[:_READ])) < _FEWEST_FIXED


def _places_beside(config: Config, root: Path) -> str:
    """The libraries beside that lie outside this one or on a network, each with its name."""
    found = (
        (beside, beside.git or _outside_folder(root, beside.path))
        for beside in config.library.beside
        if not beside.casebook
    )
    return ", ".join(
        f"{beside.name} = {json.dumps([place, *filter(None, (beside.revision, beside.folder))])}"
        for beside, place in found
        if place
    )


#: Every setting of `kb.toml` that may need trust. Whoever adds one that leads out of the library,
#: on a network or to a program adds a row.
TABLE: tuple[Guarded, ...] = (
    Guarded(
        "runs.allow",
        "values that look like secrets or people stay in what is made of a trace",
        lambda config, _: ", ".join(filter(_is_open, config.runs.allow)),
    ),
    Guarded(
        "search.vectors",
        "vectors are read from and written to a folder outside the library",
        lambda config, root: _outside_folder(root, config.search.vectors),
    ),
    Guarded(
        "search.model",
        "an encoder is loaded, or fetched from the model hub, that does not ship with kb",
        _other_model,
    ),
    Guarded(
        "store.url",
        "questions and what you push go to this server, with your password for it",
        lambda config, _: config.store.url,
    ),
    Guarded(
        "library.beside",
        "records are read in these folders, and fetched from these addresses with your credentials",
        _places_beside,
    ),
    Guarded(
        "runs.replay",
        "`kb run replay` runs this, with your rights",
        lambda config, root: config.runs.replay,
    ),
)


def wishes(config: Config, root: Path) -> tuple[Wish, ...]:
    """What the settings of a library ask for that needs trust, trusted or not."""
    values = ((row, row.value(config, root)) for row in TABLE)
    return tuple(Wish(row.key, value, row.effect) for row, value in values if value)


def require(root: Path, config: Config, *keys: str) -> None:
    """Nothing where these settings need no trust or have it; else `KbError` with what to type."""
    rows = (row for row in TABLE if row.key in keys)
    values = ((row, row.value(config, root)) for row in rows)
    for row, value in values:
        if value:
            require_wish(root, Wish(row.key, value, row.effect))


def open_config(root: Path) -> Config:
    """The settings of a library whose records' folder is its own.

    Raises `KbError` like `read_config`, and where `library.path` leads out: no trust changes that,
    as history, links and searches are those of one tree.
    """
    config = read_config(root)
    if outside := _outside_folder(root, config.library.path):
        raise KbError(
            f"library.path names {outside}, which lies outside the library",
            where=str(root / FILE_NAME),
            todo=f"Move the records below it, or {FILE_NAME} into a folder above both.",
        )
    return config


def allowed_values(root: Path, config: Config) -> tuple[str, ...]:
    """What redaction keeps in this library, `[runs] allow`.

    Raises `KbError` where it would keep nearly anything and is not trusted.
    """
    require(root, config, "runs.allow")
    return config.runs.allow


def require_wish(root: Path, wish: Wish) -> None:
    """Nothing where a value is trusted; else `KbError` with what to type."""
    if is_trusted(root, wish):
        return
    place = FILE_NAME if "." in wish.key else wish.key
    raise KbError(
        f"{wish.key} names {wish.value}: {wish.effect}; that is not trusted here",
        where=str(root / FILE_NAME) if place == FILE_NAME else str(root),
        todo=f"If this is yours: kb trust {wish.key}   (in CI: {VARIABLE}, see docs/trust.md)",
    )


def is_trusted(root: Path, wish: Wish) -> bool:
    """Whether the user has stored this value for this library, or the environment its hash."""
    if wish.sha256 in re.split(r"[\s,]+", os.environ.get(VARIABLE, "").lower()):
        return True
    return _row(root, wish) in read_user_config().trust and not _is_in_the_tree(root)


def _is_in_the_tree(root: Path) -> bool:
    """Whether the user's configuration lies among the files of the library's repository.

    So it does where a pipeline sets HOME to its checkout: then a commit could bring it along.
    """
    home = Path(os.path.realpath(root))
    tree = next((p for p in (home, *home.parents) if os.path.lexists(p / ".git")), home)
    return Path(os.path.realpath(user_config_path())).is_relative_to(tree)


def store(root: Path, wanted: Iterable[Wish]) -> None:
    """Trust these values of a library from now on, each in place of an earlier one of its key.

    Raises `KbError` where the configuration cannot be written, or lies in the repository itself.
    """
    if _is_in_the_tree(root):
        raise KbError(
            "your configuration lies in the repository, where a commit could change it",
            where=str(user_config_path()),
            todo=f"Set XDG_CONFIG_HOME to a folder outside; in CI set {VARIABLE} (docs/trust.md).",
        )
    rows = [_row(root, wish) for wish in wanted]
    replaced = {(row.library, row.key) for row in rows}
    config = read_user_config()
    kept = (t for t in config.trust if (t.library, t.key) not in replaced)
    write_user_config(msgspec.structs.replace(config, trust=(*kept, *rows)))


def revoke(root: Path, keys: Iterable[str]) -> tuple[Trusted, ...]:
    """Trust these keys of a library no more, or without keys none of it; what was trusted."""
    home, named = os.path.realpath(root), set(keys)
    config = read_user_config()
    gone = tuple(t for t in config.trust if t.library == home and (not named or t.key in named))
    if gone:
        kept = tuple(t for t in config.trust if t not in gone)
        write_user_config(msgspec.structs.replace(config, trust=kept))
    return gone


def _row(root: Path, wish: Wish) -> Trusted:
    return Trusted(library=os.path.realpath(root), key=wish.key, value=wish.value)
