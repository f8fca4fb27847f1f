"""Nothing in kb opens a file for writing, renames or removes but `kb/safe_files.py`.

Ruff bans the functions of `os`, `shutil` and `tempfile` by name (pyproject.toml); what it cannot
see are the methods of paths, which are looked for here.
"""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from conftest import ROOT

#: Where a file may be opened for writing: the one way, and the worked example, which is no program
#: of kb's but a record of how its fixture was made.
_ALLOWED = ("kb/safe_files.py", "kb/data/")
_METHODS = frozenset(
    {
        *("write_text", "write_bytes", "unlink", "rename", "mkdir", "rmdir", "touch"),
        *("symlink_to", "hardlink_to", "chmod"),
    }
)
#: Methods of these names that belong to `Root`, or to a text, and those that only look so.
_OF_OTHERS = frozenset({"write_text", "write_bytes", "rename", "replace"})
_WRITING = frozenset("wax+")


def sources() -> list[Path]:
    files = (path for path in (ROOT / "kb").rglob("*.py"))
    return [f for f in files if not f.relative_to(ROOT).as_posix().startswith(_ALLOWED)]


def writes(text: str) -> list[str]:
    """The calls in a program that write, by line."""
    tree = ast.parse(text)
    return [f"{node.lineno}: {ast.unparse(node)}" for node in _calls(tree) if _is_write(node)]


def _calls(tree: ast.AST) -> Iterator[ast.Call]:
    return (node for node in ast.walk(tree) if isinstance(node, ast.Call))


def _is_write(call: ast.Call) -> bool:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    if name in _METHODS:
        return not (name in _OF_OTHERS and _is_root(call.func))
    if name == "replace":
        return len(call.args) == 1 and not call.keywords  # of a text it takes two, of a value none
    return name == "open" and any(_is_mode(part) for part in _arguments(call))


def _is_root(function: ast.expr) -> bool:
    """Whether a method is one of `Root`: of `Root(...)` or a variable that is called one."""
    if not isinstance(function, ast.Attribute):
        return False
    owner = function.value
    if isinstance(owner, ast.Call):
        return isinstance(owner.func, ast.Name) and owner.func.id == "Root"
    name = owner.attr if isinstance(owner, ast.Attribute) else getattr(owner, "id", "")
    return name.lstrip("_") in {"root", "folder", "library", "work", "place"}


def _arguments(call: ast.Call) -> Iterator[ast.expr]:
    yield from call.args
    yield from (keyword.value for keyword in call.keywords if keyword.arg == "mode")


def _is_mode(part: ast.expr) -> bool:
    if not (isinstance(part, ast.Constant) and isinstance(part.value, str)):
        return False
    return 0 < len(part.value) < 4 and bool(_WRITING & set(part.value))


def test_no_other_file_writes() -> None:
    found = {str(path): writes(path.read_text(encoding="utf-8")) for path in sources()}
    assert {path: calls for path, calls in found.items() if calls} == {}


@pytest.mark.parametrize(
    "line",
    [
        'Path("x").write_text("y")',
        'path.open("w")',
        'path.open(mode="r+b")',
        'open(path, "ab")',
        "path.unlink(missing_ok=True)",
        "path.mkdir()",
        "made.rename(target)",
        "path.replace(target)",
    ],
)
def test_a_write_in_another_file_is_found(line: str) -> None:
    assert writes(line)


@pytest.mark.parametrize(
    "line",
    ["import shutil\nshutil.rmtree('x')", "import os\nos.open('x', 1)", "import tempfile"],
)
def test_ruff_bans_what_writes_by_name(line: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--stdin-filename", "kb/x.py", "-"],
        input=line,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "TID251" in done.stdout
