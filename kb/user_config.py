"""What a person set for all their libraries on this machine; no repository can change it.

`$XDG_CONFIG_HOME/postmortem-kb/config.toml`, by default under `~/.config`; on Windows under
`%APPDATA%`. Read strictly: an unknown key is an error, for trust that is misspelt is none.
"""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from kb.errors import KbError
from kb.safe_files import Root
from kb.user_folders import config_folder

_HEAD = "# Written by `kb trust`. What stands here holds for this person on this machine.\n"


class Trusted(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """One setting of one library that a person has looked at and allowed."""

    library: Annotated[str, Meta(description="Root of the library, absolute, links resolved")]
    key: Annotated[str, Meta(description="Setting, such as runs.replay")]
    value: Annotated[str, Meta(description="The value that is trusted, and no other")]


class WallSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What `kb wall hook` does where it cannot judge a call; no repository has a say in it."""

    on_failure: Annotated[
        Literal["open", "closed"], Meta(description="Let such a call pass, or deny it")
    ] = "open"


class UserConfig(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """All of the user's configuration; a missing file is this value with its defaults."""

    trust: tuple[Trusted, ...] = ()
    walls: WallSettings = WallSettings()


def user_config_path() -> Path:
    """Where the user's configuration lies. Raises `KbError` where there is no home folder."""
    try:
        return Path(config_folder()) / "config.toml"
    except OSError as error:
        raise KbError(str(error), todo="Set HOME or XDG_CONFIG_HOME.") from error


def read_user_config() -> UserConfig:
    """The user's configuration. Raises `KbError` where it cannot be read as such."""
    path = user_config_path()
    try:
        return msgspec.convert(tomllib.loads(path.read_bytes().decode("utf-8-sig")), UserConfig)
    except (FileNotFoundError, NotADirectoryError):
        return UserConfig()
    except OSError as error:
        raise KbError(f"cannot be read: {error.strerror or error}", where=str(path)) from error
    except (ValueError, RecursionError, msgspec.ValidationError) as error:
        todo = "Correct the file, or remove it and run 'kb trust' again."
        raise KbError(f"cannot be read: {error}", where=str(path), todo=todo) from error


def write_user_config(config: UserConfig) -> None:
    """Put the configuration in place of the old one, whole or not at all. Raises `KbError`."""
    path = user_config_path()
    try:
        root = Root(path.parent)
        root.make_folder(".")
        root.sweep()  # what a killed run left
        root.write_text(path.name, config_text(config))
    except UnicodeEncodeError as error:
        raise KbError("a name that is no UTF-8 cannot be stored", where=str(path)) from error
    except OSError as error:
        raise KbError(
            f"cannot be written: {error.strerror or error}",
            where=str(path),
            todo="Make that folder writable, or set XDG_CONFIG_HOME to one that is.",
        ) from error


def config_text(config: UserConfig) -> str:
    """The configuration as the text of its file."""
    rows = (
        "[[trust]]\n" + "".join(f"{name} = {_quoted(value)}\n" for name, value in row.items())
        for row in map(msgspec.structs.asdict, config.trust)
    )
    is_set = config.walls != WallSettings()
    walls = f"[walls]\non_failure = {_quoted(config.walls.on_failure)}\n" if is_set else ""
    return "\n".join((_HEAD, *filter(None, (walls, *rows))))


def _quoted(text: str) -> str:
    # A JSON string is a basic string of TOML, but for DEL, which TOML wants escaped. File names
    # that are no UTF-8 cannot stand in TOML at all.
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
