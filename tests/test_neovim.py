"""A headless Neovim, as Debian has it, works on a draft through `kb lsp`."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("pygls", reason="the extra editor is not installed")

from conftest import ROOT
from search_library import write_record, write_stories

NVIM = shutil.which("nvim")
SESSION = ROOT / "tests/neovim/session.lua"


@pytest.mark.model
@pytest.mark.skipif(NVIM is None, reason="Neovim is not installed: apt install neovim")
def test_a_draft_is_checked_completed_mended_and_gets_its_verdict(library_folder: Path) -> None:
    write_stories(library_folder)
    subprocess.run([sys.executable, "-m", "kb", "build"], cwd=library_folder, check=True)
    draft = write_record(
        library_folder,
        "2025-07-20-draft",
        "Again",
        status="draft",
        classes="",
        summary="a retried refund call paid customers twice",
    )
    draft.write_text(draft.read_text().replace("kind: incident", "kind: incidnt"))
    before = draft.read_text()

    seen = session(library_folder, draft)

    assert seen.get("fault") is None
    (problem,) = [each for each in seen["diagnostics"] if "incidnt" in each["message"]]
    line = before.splitlines()[problem["lnum"]]
    assert line[problem["col"] : problem["end_col"]] == "incidnt"
    assert seen["completed"] == "classes: [duplicate-side-effect]"
    assert "kind: incident\n" in seen["text"]
    assert "2025-01-10-refund-twice · insert with verdict" in seen["lens"]
    assert "the same gap again?" in seen["question"]
    counterfactual = seen["text"].partition("## Counterfactual")[2].partition("## Action")[0]
    assert "- [repeat] [2025-01-10-refund-twice](2025-01-10-refund-twice.md)" in counterfactual
    assert draft.read_text() == before


def session(root: Path, draft: Path) -> Any:
    """What Neovim saw; it has no configuration but the session's."""
    out = root / "seen.json"
    given = {"PYTHON": sys.executable, "DRAFT": str(draft), "ROOT": str(root), "OUT": str(out)}
    environment = os.environ | {f"KB_{name}": value for name, value in given.items()}
    done = subprocess.run(
        [str(NVIM), "--headless", "-u", "NONE", "-i", "NONE", "-n", "-c", f"luafile {SESSION}"],
        cwd=root,
        env=environment,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert out.is_file(), done.stderr
    return json.loads(out.read_text(encoding="utf-8"))
