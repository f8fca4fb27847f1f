"""Do the pages print what their commands print?"""

from __future__ import annotations

import subprocess
import sys

import pytest

from conftest import ROOT


@pytest.mark.parametrize("name", ["first-postmortem.md", "never-twice.md", "destroyed.md"])
def test_a_walk_shows_what_its_commands_print(name: str) -> None:
    script, page = ROOT / "scripts/transcripts", ROOT / "docs" / name
    done = subprocess.run(
        [sys.executable, str(script), "--check", "--page", str(page)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.returncode) == ("", 0), done.stderr


def test_readme_leads_to_the_tutorial() -> None:
    assert "(docs/first-postmortem.md)" in (ROOT / "README.md").read_text("utf-8")
