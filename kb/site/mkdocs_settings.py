"""The settings an engine is given: those that ship, with what a team's `mkdocs.yml` may add.

A `mkdocs.yml` can run code (`hooks`, `plugins`, extensions and themes by name), read files
(`INHERIT`, `docs_dir`, snippets) and load scripts. What is on the list below can do none of it;
everything else is used only where the user trusts it, and is named where it is not used.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from kb.errors import KbError
from kb.trusted_settings import Wish, is_trusted
from kb.yaml_values import NotYamlError, load_yaml

SETTINGS = "mkdocs.yml"
Settings = dict[str, Any]
#: The settings that ship have 67 values.
_MOST_NODES = 20_000
#: Set by every build, whatever a file says.
_OURS = frozenset({"docs_dir", "site_dir", "use_directory_urls", "validation"})
_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._/:#()-]*")
_LANGUAGE = re.compile(r"[a-z]{2,3}(-[A-Za-z]{2,8})?")
_PATH = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_./-]*")
_WEB = re.compile(r"https?://[^\s\"'<>]+")
#: Themes write these texts into HTML as they are.
_NO_TAGS = str.maketrans({"<": "‹", ">": "›", '"': "”"})


class _Unused(Exception):  # noqa: N818 - no fault: the value is left out, and named
    """A value that only a trusted file may set."""


def read_settings(root: Path) -> Settings:
    """The team's `mkdocs.yml`, or the packaged one where it has none for this site.

    A `mkdocs.yml` that builds other documentation is left alone: with it the pages would lose
    their style, and ask other hosts for fonts and scripts. Raises `KbError` when it cannot be read.
    """
    path = root / SETTINGS
    settings = _read_settings(path)
    if settings is None or (isinstance(settings, dict) and not _is_ours(settings)):
        return packaged_settings()
    if not isinstance(settings, dict):
        raise KbError("holds no settings", where=str(path), todo="Remove it, then run 'kb init'.")
    return {str(key): value for key, value in settings.items()}


def builds_other_pages(root: Path) -> bool:
    """Whether a library's folder has a `mkdocs.yml` that builds other pages into `site/`.

    Raises `KbError` when it cannot be read.
    """
    settings = _read_settings(root / SETTINGS)
    if not isinstance(settings, dict) or _is_ours(settings):
        return False
    return str(settings.get("site_dir", "site")).rstrip("/") == "site"


def _read_settings(path: Path) -> object:
    """What a settings file says, None where there is none."""
    try:
        return _load(path.read_bytes()) if path.is_file() else None
    except (OSError, NotYamlError) as error:
        raise KbError(f"cannot be read: {error}", where=str(path)) from error


def packaged_settings() -> Settings:
    """The settings that ship, whatever a team has set."""
    settings = _load(files("kb.data").joinpath("init", SETTINGS).read_bytes())
    return settings if isinstance(settings, dict) else {}


def used_settings(root: Path, *, trusted: bool = False) -> tuple[Settings, tuple[str, ...]]:
    """The settings to build with, and the keys of `mkdocs.yml` that are left out of them.

    All of the file is used where `trusted`, or where the user has stored that it is.
    """
    team = read_settings(root)
    allowed, unused = _divided(team)
    if unused and (trusted or is_trusted(root, _wish(team, unused))):
        return _with_hooks(root, team), ()
    return allowed, unused


def settings_wish(root: Path) -> Wish | None:
    """What of a `mkdocs.yml` needs trust; None where nothing does."""
    team = read_settings(root)
    unused = _divided(team)[1]
    return _wish(team, unused) if unused else None


def only_frames(settings: Settings) -> bool:
    """Whether an engine with these settings puts a frame around HTML, and reads nothing of it.

    A team's own plugins, hooks and extensions may; they need trust.
    """
    asked = ("plugins", "hooks", "markdown_extensions")
    shipped = packaged_settings()
    return all(settings.get(key) == shipped.get(key) for key in asked)


def settings_text(settings: Settings) -> str:
    """Settings as the text of a file."""
    return yaml.safe_dump(settings, sort_keys=False, allow_unicode=True)


def _divided(team: Settings) -> tuple[Settings, tuple[str, ...]]:
    """The settings that ship with what a team may set, and the keys that it may not."""
    shipped = packaged_settings()
    allowed, unused = dict(shipped), []
    for key, value in team.items():
        if key in _OURS or value == shipped.get(key):
            continue
        try:
            allowed[key] = _ALLOWED[key](value)
        except (KeyError, _Unused):
            unused.append(key)
    return allowed, tuple(sorted(unused))


def _wish(team: Settings, unused: tuple[str, ...]) -> Wish:
    asked = {key: team[key] for key in unused}
    value = yaml.safe_dump(asked, default_flow_style=True, width=10**9, allow_unicode=True)
    return Wish(SETTINGS, value.strip(), "the site's engine runs or reads what these name")


def _with_hooks(root: Path, settings: Settings) -> Settings:
    """Trusted settings; hooks are named from the library, and the engine runs elsewhere."""
    hooks = settings.get("hooks")
    if not isinstance(hooks, list):
        return settings
    return settings | {"hooks": [str(root / str(hook)) for hook in hooks]}


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise _Unused
    return value.translate(_NO_TAGS)


def _matching(pattern: re.Pattern[str]) -> Callable[[object], str]:
    def checked(value: object) -> str:
        if not isinstance(value, str) or not pattern.fullmatch(value):
            raise _Unused
        return value

    return checked


def _page_path(value: object) -> str:
    path = _matching(_PATH)(value)
    if ".." in PurePosixPath(path).parts:
        raise _Unused
    return path


def _palette(value: object) -> Any:
    if isinstance(value, bool):
        return value
    if isinstance(value, list):
        return [_palette(part) for part in value]
    if isinstance(value, dict):
        return {_matching(_WORD)(key): _palette(part) for key, part in value.items()}
    return _matching(_WORD)(value)


def _words(value: object) -> list[str]:
    if not isinstance(value, list):
        raise _Unused
    return [_matching(_WORD)(part) for part in value]


def _theme(value: object) -> Settings:
    shipped: Settings = packaged_settings()["theme"]
    if not isinstance(value, dict):
        raise _Unused
    # The folder of templates is ours in any case.
    more = {key: part for key, part in value.items() if key != "custom_dir"}
    changed = {key: part for key, part in more.items() if part != shipped.get(key)}
    if not changed.keys() <= _THEME.keys():
        raise _Unused
    return shipped | {key: _THEME[key](part) for key, part in changed.items()}


def _nav(value: object) -> list[Any]:
    """Titles and pages of this site; nothing is nested, as `kb site` writes few pages there."""
    if not isinstance(value, list):
        raise _Unused
    return [_nav_entry(entry) for entry in value]


def _nav_entry(entry: object) -> Any:
    if not isinstance(entry, dict):
        return _page_path(entry)
    return {
        _text(title): _nav(target) if isinstance(target, list) else _target(target)
        for title, target in entry.items()
    }


def _target(value: object) -> str:
    is_address = isinstance(value, str) and _WEB.fullmatch(value)
    return str(value) if is_address else _page_path(value)


_THEME: dict[str, Callable[[object], Any]] = {
    "palette": _palette,
    "logo": _page_path,
    "favicon": _page_path,
    "language": _matching(_LANGUAGE),
    "features": _words,
}
#: What a `mkdocs.yml` may set without trust: text, addresses, names of colours, pages of the site.
_ALLOWED: dict[str, Callable[[object], Any]] = {
    "site_name": _text,
    "site_description": _text,
    "site_author": _text,
    "copyright": _text,
    "site_url": _matching(_WEB),
    "repo_url": _matching(_WEB),
    "repo_name": _text,
    "theme": _theme,
    "nav": _nav,
}


def _load(raw: bytes) -> Any:
    return load_yaml(raw, _Lenient, _MOST_NODES)


def _is_ours(settings: Settings) -> bool:
    """Whether settings build this site: they name the folder of its pages."""
    return str(settings.get("docs_dir", "")).rstrip("/") == "build/pages"


class _Lenient(yaml.SafeLoader):
    """A safe loader that keeps tags it does not know as what stands behind them."""


def _plain(loader: yaml.SafeLoader, suffix: str, node: yaml.Node) -> object:
    if isinstance(node, yaml.MappingNode):
        return loader.construct_mapping(node)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node)
    return node.value or suffix


_Lenient.add_multi_constructor("", _plain)
