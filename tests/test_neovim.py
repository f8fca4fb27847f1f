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


@pytest.mark.skipif(NVIM is None, reason="Neovim is not installed: apt install neovim")
def test_the_settings_of_the_documentation_work_from_an_empty_configuration(
    example_library: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    home = tmp_path_factory.mktemp("home")
    guide = (ROOT / "docs/editor.md").read_text(encoding="utf-8")
    block = guide.partition("<!-- neovim 0.7 -->\n```lua\n")[2].partition("```")[0]
    (home / "nvim").mkdir()
    (home / "nvim/init.lua").write_text(block, encoding="utf-8")
    draft = example_library / "postmortems/2026-11-18-draft.md"
    text = (ROOT / "tests/data/draft.md").read_text(encoding="utf-8")
    draft.write_text(text.replace("kind: incident", "kind: incidnt"), encoding="utf-8")
    look = (
        "vim.wait(120000, function() return #vim.diagnostic.get(0) > 0 end, 20) "
        "for _, each in ipairs(vim.diagnostic.get(0)) do "
        "io.stdout:write(each.lnum + 1, ': ', each.message, '\\n') end"
    )
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [str(NVIM), "--headless", "-i", "NONE", "-n", str(draft), f"+lua {look}", "+qall!"],
        env=os.environ | {"XDG_CONFIG_HOME": str(home), "PATH": path},
        cwd=example_library,
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    line = text.splitlines().index("kind: incident") + 1
    assert f"{line}: unknown word" in done.stdout, done.stderr
