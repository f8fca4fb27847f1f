"""docs/architecture.md names files that exist, and walks that commands really take."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import ROOT, Git
from traces_made import otlp, written

NAMED = re.compile(r"`(kb/[\w/]+\.py)`")


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", ["docs/architecture.md", "CONTRIBUTING.md", "DECISIONS.md"])
def test_every_file_and_folder_of_kb_that_is_named_exists(name: str) -> None:
    paths = set(re.findall(r"(?<![\w./-])(?:kb|tests)/[\w/]+(?:\.py|/)(?![\w-])", text_of(name)))
    modules = set(re.findall(r"`kb((?:\.[a-z_]+)+)`", text_of(name))) - {".toml"}
    assert [path for path in sorted(paths) if not (ROOT / path).exists()] == []
    assert [module for module in sorted(modules) if not is_module(module)] == []


def test_every_package_of_kb_has_its_row_among_the_rooms() -> None:
    rooms = text_of("docs/architecture.md").partition("## The rooms\n")[2].partition("\n## ")[0]
    packages = {path.parent.name for path in (ROOT / "kb").glob("*/__init__.py")}
    named = {name for row in rooms.splitlines() for name in re.findall(r"`kb/(\w+)/`", row)}
    assert packages - named == set()


def is_module(dotted: str) -> bool:
    """Whether `.records.front_matter` is a file or a folder of kb."""
    path = ROOT / "kb" / Path(*dotted.strip(".").split("."))
    return path.is_dir() or path.with_suffix(".py").is_file()


def told(walk: str) -> list[str]:
    """The files in the first column of a walk's table, in order."""
    table = text_of("docs/architecture.md").partition(f"<!-- walk: {walk} -->\n")[2]
    rows = table.partition("\n\n")[0].splitlines()
    return [name for row in rows for name in NAMED.findall(row.split("|")[1])]


def taken(folder: Path, *arguments: str) -> list[str]:
    """The files that a command enters in a folder, in a process that has loaded nothing yet."""
    command = (sys.executable, str(ROOT / "tests" / "walk.py"), *arguments)
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    return [line for line in done.stderr.splitlines() if line.startswith("kb/")]


def first_untrue(walk: str, files: list[str]) -> str:
    """The first file of a walk that a command did not enter after the one above; empty for none."""
    rest = iter(files)
    return next((name for name in told(walk) if name not in rest), "")


def test_a_draft_takes_the_way_that_is_told_through_similar(example_library: Path) -> None:
    draft = (ROOT / "tests/data/draft.md").read_text(encoding="utf-8")
    (example_library / "draft.md").write_text(draft, encoding="utf-8")
    asked = ("similar", "draft.md", "--no-casebook")
    taken(example_library, *asked)  # brings the index up to date
    assert first_untrue("similar", taken(example_library, *asked)) == ""


def test_a_trace_takes_the_way_that_is_told_through_import(library_folder: Path) -> None:
    written(library_folder / "trace.json", otlp("hello"))
    assert first_untrue("import", taken(library_folder, "run", "import", "trace.json")) == ""


def test_a_record_takes_the_way_that_is_told_through_the_site(
    example_library: Path, git: Git
) -> None:
    git("add", ".")
    git("commit", "--quiet", "--message=A record")
    assert first_untrue("site", taken(example_library, "site", "--pages-only")) == ""


def test_a_measure_takes_the_way_that_is_told(example_library: Path, git: Git) -> None:
    git("add", ".")
    git("commit", "--quiet", "--message=A record")
    assert first_untrue("metrics", taken(example_library, "metrics", "repeat_rate")) == ""
