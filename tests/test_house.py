"""The code keeps the style that CONTRIBUTING states: plain statements, one name a thing."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from conftest import ROOT

MODULES = sorted(
    path for path in (ROOT / "kb").rglob("*.py") if "data" not in path.relative_to(ROOT).parts
)
TREES = {path: ast.parse(path.read_text("utf-8")) for path in MODULES}


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def public_classes() -> Iterator[tuple[str, str]]:
    for path, tree in TREES.items():
        for node in tree.body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                yield node.name, name_of(path)


def test_every_module_states_what_it_holds() -> None:
    first_lines = {
        name_of(path): (ast.get_docstring(tree) or "").split("\n")[0]
        for path, tree in TREES.items()
    }
    assert [name for name, line in first_lines.items() if not line or "?" in line] == []


def test_no_two_public_classes_share_a_name() -> None:
    places = defaultdict(list)
    for name, where in public_classes():
        places[name].append(where)
    assert {name: found for name, found in places.items() if len(found) > 1} == {}


def test_no_function_is_longer_than_forty_lines() -> None:
    long = [
        f"{name_of(path)}: {node.name}"
        for path, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef) and (node.end_lineno or 0) - node.lineno >= 40
    ]
    assert long == []


#: The names that a package's docstring explains: `- `a`, `b/`: what they hold; `c`: …`.
EXPLAINED = re.compile(r"(?:^- |; |\n  )((?:`[a-z_0-9]+/?`(?:,\s+)?)+)(?=:)", re.MULTILINE)


def test_what_a_package_explains_of_its_files_exists() -> None:
    missing = [
        f"{name_of(path)}: {name}"
        for path, tree in TREES.items()
        if path.name == "__init__.py"
        for names in EXPLAINED.findall(ast.get_docstring(tree) or "")
        for name in re.findall(r"`([a-z_0-9]+)/?`", names)
        if not (path.with_name(f"{name}.py").exists() or path.with_name(name).is_dir())
    ]
    assert missing == []


def test_every_package_has_a_docstring_of_its_own() -> None:
    folders = {path.parent for path in MODULES}
    assert [name_of(folder) for folder in folders if not (folder / "__init__.py").exists()] == []
