"""File names are bytes: one that is no UTF-8 is a fault of `kb check` and stops nothing else."""

from __future__ import annotations

import json
import os
import shutil
import sys
from pathlib import Path

import pytest
from kb.site import links

from conftest import EXAMPLE, Git
from test_cli import kb

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="file systems here take only names that are UTF-8"
)

ODD = os.fsdecode(b"2026-04-13-caf\xe9.md")


@pytest.fixture
def library(library_folder: Path, git: Git) -> Path:
    """A committed library whose one record has a name in Latin-1."""
    shutil.copy(EXAMPLE, library_folder / "postmortems" / ODD)
    git("add", "-A")
    git("commit", "-qm", "a record")
    return library_folder


def test_a_page_has_an_address_that_engines_take() -> None:
    page = links.incident(ODD.removesuffix(".md"))
    assert page == "incidents/2026-04-13-caf-xe9"
    assert links.incident_data("x\udcff").encode() == b"data/incidents/x-xff.json"


@pytest.mark.parametrize(
    "verb", [["metrics"], ["metrics", "--json"], ["actions", "--json"], ["build", "--json"]]
)
def test_every_page_counts_the_record_twice_alike(library: Path, verb: list[str]) -> None:
    for _ in range(2):  # the second time from what was kept
        status, out, err = kb(*verb, cwd=library)
        assert (status, err) == (0, "")
        assert verb[-1] != "--json" or "\\ud" not in json.dumps(json.loads(out))


def test_a_trace_with_an_odd_name_becomes_a_fixture(library: Path) -> None:
    name = os.fsdecode(b"tr\xff.json")
    shutil.copy(EXAMPLE.parent / "agent/trace.json", library / name)
    status, out, err = kb("run", "import", name, "-o", "-", cwd=library)
    assert (status, err) == (0, "")
    assert "tr\ufffd.json" in out
