"""How do pages become a site? The two engines, each a command that reads the same settings."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from kb.errors import KbError
from kb.processes import python_command, run

ENGINES = ("mkdocs", "zensical")
SETTINGS = "mkdocs.yml"


def read_settings(root: Path) -> dict[str, Any]:
    """The team's `mkdocs.yml`, or the packaged one where it has none for this site.

    A `mkdocs.yml` that builds other documentation is left alone: with it the pages would lose
    their style, and ask other hosts for fonts and scripts. Raises `KbError` when it cannot be read.
    """
    path = root / SETTINGS
    packaged = files("kb.data").joinpath("init", SETTINGS)
    try:
        settings = _load(path.read_bytes()) if path.is_file() else None
        if settings is None or (isinstance(settings, dict) and not _is_ours(settings)):
            settings = _load(packaged.read_bytes())
    except (OSError, yaml.YAMLError) as error:
        first = str(error).splitlines()[0]
        raise KbError(f"cannot be read: {first}", where=str(path)) from error
    if not isinstance(settings, dict):
        raise KbError("holds no settings", where=str(path), todo="Remove it, then run 'kb init'.")
    return settings


def packaged_settings() -> dict[str, Any]:
    """The settings that ship, whatever a team has set."""
    settings = _load(files("kb.data").joinpath("init", SETTINGS).read_bytes())
    return settings if isinstance(settings, dict) else {}


def _load(raw: bytes) -> Any:
    return yaml.load(raw, Loader=_Lenient)  # noqa: S506 - a safe loader, see below


def _is_ours(settings: dict[str, Any]) -> bool:
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


def settings_text(settings: dict[str, Any]) -> str:
    """Settings as the text of a file."""
    return yaml.safe_dump(settings, sort_keys=False, allow_unicode=True)


def run_engine(engine: str, settings: Path) -> None:
    """Build what the settings name. Raises `KbError` with the engine's own words when it fails."""
    options = {
        "mkdocs": ["build", "--quiet", "--config-file", str(settings)],
        "zensical": ["build", "--clean", "--config-file", str(settings)],
    }
    done = run(python_command(engine, *options[engine]))
    if done.status and "No module named" in done.complaint:
        package = "postmortem-kb[site]" if engine == "mkdocs" else "zensical"
        raise KbError(f"{engine} is not installed", todo=f"Run: pip install '{package}'")
    if done.status:
        lines = (done.complaint or done.output).strip().splitlines()[-8:]
        raise KbError("\n".join((f"{engine} failed:", *lines)), where=str(settings))
