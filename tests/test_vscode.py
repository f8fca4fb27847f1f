"""The VS Code extension: its own tests under Node, and what it says it does."""

from __future__ import annotations

import json
import subprocess

import pytest
from kb.lint.report import text
from kb.lint.rule import Problem
from kb.lint.runner import Report

from conftest import ROOT
from node_tools import NODE

EXTENSION = ROOT / "editors/vscode"


def test_its_own_tests_pass_under_node() -> None:
    done = subprocess.run(
        [NODE, "--test", "test/settings.test.js"],
        cwd=EXTENSION,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize("severity", ["error", "advice"])
def test_the_matcher_of_its_tasks_reads_what_kb_check_prints(severity: str) -> None:
    import re

    manifest = json.loads((EXTENSION / "package.json").read_text(encoding="utf-8"))
    matcher = manifest["contributes"]["problemMatchers"][0]["pattern"]
    problem = Problem(
        ROOT / "postmortems/2026-04-12-x.md", 6, 7, "KB113", "unknown-word", severity, "what: it is"
    )
    printed = str(text(Report((problem,), 1, 1, 0, root=ROOT), base=ROOT)).splitlines()[0]
    found = re.match(matcher["regexp"], printed)
    assert found
    assert found[matcher["file"]] == "postmortems/2026-04-12-x.md"
    assert [found[matcher["line"]], found[matcher["column"]]] == ["6", "7"]
    assert found[matcher["message"]] == "what: it is"
