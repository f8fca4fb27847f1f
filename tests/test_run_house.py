"""Does the room of runs keep the rules of the house? Its map names every file; files are short."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import kb.traces

ROOM = Path(kb.runs.__file__).parent
#: The rooms whose files are not of one kind each, as importers and analyses are.
ASIDE = ("traces", "telling", "privacy", "showing", "drafts")


def test_the_map_of_the_room_names_every_file_and_nothing_else() -> None:
    named = {name.rstrip("/") for name in re.findall(r"`([a-z_]+/?)`", kb.runs.__doc__ or "")}
    there = {path.stem for path in ROOM.iterdir() if path.suffix == ".py" or path.is_dir()}
    assert named == there - {"__init__", "__pycache__"}


def test_no_file_is_longer_than_300_lines_and_no_function_longer_than_40() -> None:
    for file in ROOM.rglob("*.py"):
        text = file.read_text("utf-8")
        assert len(text.splitlines()) <= 300, file.name
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef):
                assert (node.end_lineno or 0) - node.lineno < 40, f"{file.name}: {node.name}"


def test_every_file_says_which_question_it_answers() -> None:
    for file in (*ROOM.glob("*.py"), *(f for room in ASIDE for f in (ROOM / room).glob("*.py"))):
        first = (ast.get_docstring(ast.parse(file.read_text("utf-8"))) or "").split("\n")[0]
        assert "?" in first, file.name
