"""The first walk of docs/organisation.md is done as it stands there, and prints what is shown."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from conftest import ROOT
from search_library import own_cache

pytestmark = pytest.mark.model
PAGE = ROOT / "docs/organisation.md"
_FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Path]:
    """The folders of a user who has set nothing up."""
    (tmp_path / "home").mkdir()
    with own_cache(tmp_path / "home"), pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CONFIG_HOME", str(tmp_path / "home/config"))
        patch.delenv("KB_TRUST", raising=False)
        yield tmp_path


def blocks() -> Iterator[tuple[str, str]]:
    """The language and text of each fence of the walk."""
    page = PAGE.read_text("utf-8")
    walk = page[page.index("### Two teams, from nothing") : page.index("### What a library tells")]
    return ((kind, text) for kind, text in _FENCE.findall(walk))


def test_two_teams_answer_each_other_from_nothing(home: Path) -> None:
    found = list(blocks())
    commands = "\n".join(text for kind, text in found if kind == "sh")
    commands = commands.replace("kb trust library.beside\n", "kb trust library.beside --yes\n")
    [shown] = [text for kind, text in found if kind == "console"]
    script = (
        f'kb() {{ "{sys.executable}" -m kb "$@"; }}\n'
        "git config user.name >/dev/null || export GIT_AUTHOR_NAME=A GIT_COMMITTER_NAME=A\n"
        "export EMAIL=a@example.org\n" + commands
    )
    done = subprocess.run(
        ["bash", "-e"], input=script, cwd=home, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert shown.strip() in done.stdout
    readme = (ROOT / "README.md").read_text("utf-8")
    block = readme[readme.index("$ kb similar --everywhere") :].split("```")[0].splitlines()[1:]
    assert block == [line for line in shown.splitlines() if line in block]
