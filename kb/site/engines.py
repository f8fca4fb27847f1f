"""Runs the two engines that make a site of pages, each a command that reads the same settings."""

from __future__ import annotations

from pathlib import Path

from kb.errors import KbError
from kb.installation import install_line
from kb.processes import python_command, run

ENGINES = ("mkdocs", "zensical")


def run_engine(engine: str, settings: Path) -> None:
    """Build what the settings name. Raises `KbError` with the engine's own words when it fails."""
    options = {
        "mkdocs": ["build", "--quiet", "--config-file", str(settings)],
        "zensical": ["build", "--clean", "--config-file", str(settings)],
    }
    done = run(python_command(engine, *options[engine]))
    if done.status and "No module named" in done.complaint:
        line = install_line("site") if engine == "mkdocs" else "pip install zensical"
        raise KbError(f"{engine} is not installed", todo=f"Run: {line}")
    if done.status:
        lines = (done.complaint or done.output).strip().splitlines()[-8:]
        raise KbError("\n".join((f"{engine} failed:", *lines)), where=str(settings))
