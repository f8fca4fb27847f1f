"""SECURITY.md names tests, modules and verbs that exist, and leaves none of the verbs out."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import click
import pytest
from kb.cli import cli

ROOT = Path(__file__).parents[1]
TEXT = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
NOT_COVERED = "not covered"


def rows(heading: str) -> list[list[str]]:
    """The cells of the table below a heading, without its head."""
    part = TEXT.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    lines = [line for line in part.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines[1:]]


def named(cell: str) -> list[str]:
    """What stands in a cell as code."""
    return re.findall(r"`([^`]+)`", cell)


def verbs(group: click.Command, context: click.Context, name: str) -> Iterator[str]:
    """A command with all below it; a group that does nothing by itself is none."""
    if not isinstance(group, click.Group):
        yield name
        return
    if group.invoke_without_command:
        yield name
    for word in group.list_commands(context):
        command = group.get_command(context, word)
        assert command is not None
        yield from verbs(command, context, f"{name} {word}")


@cache
def names_in(file: str) -> frozenset[str]:
    """The names of the tests of a file, which is not imported."""
    tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
    return frozenset(node.name for node in tree.body if isinstance(node, ast.FunctionDef))


def is_there(test: str) -> bool:
    file, _, name = test.partition("::")
    return (ROOT / file).is_file() and name.startswith("test_") and name in names_in(file)


def test_every_verb_has_one_row_and_no_row_is_of_another() -> None:
    told = [named(verb)[0] for verb, *_ in rows("What each verb may touch")]
    assert sorted(told) == sorted(verbs(cli, click.Context(cli), "kb"))


def test_every_test_that_is_named_is_there() -> None:
    found = [test for test in named(TEXT) if "::" in test]
    assert len(found) > 100
    assert [test for test in found if not is_there(test)] == []


@pytest.mark.parametrize(
    "test",
    [
        "tests/test_gone.py::test_x",
        "tests/test_security_md.py::test_gone",
        "tests/test_security_md.py::rows",
    ],
)
def test_a_test_that_is_gone_is_noticed(test: str) -> None:
    assert not is_there(test)


def test_every_threat_has_its_tests_or_says_that_it_is_not_covered() -> None:
    threats = rows("Threats")
    assert [row for row in threats if len(row) != 4] == []
    for threat, _, stop, tests in threats:
        assert all("::" in test for test in named(tests)), threat
        assert named(tests) or (tests == NOT_COVERED and NOT_COVERED in stop), threat


def test_every_module_that_is_named_is_there() -> None:
    modules = {name for name in named(TEXT) if re.fullmatch(r"kb(\.[a-z_]+)+", name)}
    places = {name: ROOT / name.replace(".", "/") for name in modules - {"kb.toml"}}
    assert len(places) > 20
    gone = [n for n, p in places.items() if not (p.is_dir() or p.with_suffix(".py").is_file())]
    assert gone == []
