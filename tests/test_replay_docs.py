"""The walk-through in docs/replay.md is run, and what it shows is what came out.

`KB_APPROVE=1 pytest tests/test_replay_docs.py` writes the page anew.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
from pathlib import Path

from conftest import EXAMPLE, ROOT
from test_cli import kb

PAGE = ROOT / "docs" / "replay.md"
FIXTURE = (
    "postmortems/2026-04-12-billing-agent-called-charge-2-times-with-equal-arguments/fixture.json"
)
_BLOCK = re.compile(r"```console\n(.*?)```", re.DOTALL)


def test_the_walk_through_is_what_really_happens(tmp_path: Path) -> None:
    shutil.copytree(
        EXAMPLE.parent / "agent", tmp_path, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__*")
    )
    (tmp_path / "postmortems").mkdir()
    page = PAGE.read_text(encoding="utf-8")
    shown = _BLOCK.sub(lambda block: f"```console\n{_ran(block[1], tmp_path)}```", page)
    if os.environ.get("KB_APPROVE"):
        PAGE.write_text(shown, encoding="utf-8", newline="\n")
    assert shown == page


def _ran(block: str, folder: Path) -> str:
    """The commands of a block with what they print."""
    commands = [line for line in block.splitlines() if line.startswith("$ ")]
    return "".join(f"{line}\n{_output(line[2:], folder)}" for line in commands)


def _output(command: str, folder: Path) -> str:
    command, _, most = command.partition(" | head -")
    words = shlex.split(command.replace("FIXTURE", FIXTURE))
    if words[0] == "cat":
        return (folder / words[1]).read_text(encoding="utf-8")
    if words[0] == "cp":
        shutil.copy(folder / words[1], folder / words[2])
        return ""
    _, out, _ = kb(*words[1:], cwd=folder)
    return "".join(out.splitlines(keepends=True)[: int(most)]) if most else out
