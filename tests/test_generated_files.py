"""Generated files are written by us: no release of a dependency changes a byte of them."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Literal

import click
import msgspec
import pytest
from kb.commands.command_reference import section_text
from kb.json_schemas import description, formatted, schema_of
from kb.records.front_matter import read_front_matter
from msgspec import Meta, Struct

from conftest import ROOT

WRITTEN = "One promise, kept\n    or not.\n\n    `closed` is a day,\n    or None.\n    "
DEDENTED = "One promise, kept\nor not.\n\n`closed` is a day,\nor None."


@pytest.mark.parametrize("docstring", [WRITTEN, DEDENTED, f"\n    {WRITTEN}"])
def test_a_description_is_the_same_with_and_without_the_indentation(docstring: str) -> None:
    assert description(docstring) == "One promise, kept or not.\n\n`closed` is a day, or None."


def test_two_orders_of_one_schema_are_written_alike() -> None:
    inner = {"type": "object", "title": "Leaf", "description": WRITTEN, "properties": {}}
    old: dict[str, Any] = {
        "$ref": "#/$defs/Root",
        "$defs": {
            "Leaf": inner,
            "Twig": {"$ref": "#/$defs/Leaf"},
            "Root": {
                "required": ["b", "a"],
                "properties": {"b": {"$ref": "#/$defs/Twig"}, "a": {"const": {"z": 1, "a": 2}}},
                "anyOf": [{"type": "null"}, {"type": "string"}],
            },
        },
    }
    new = json.loads(json.dumps(old))
    new["$defs"] = dict(reversed(new["$defs"].items()))
    new["$defs"]["Root"] = dict(reversed(new["$defs"]["Root"].items()))
    new["$defs"]["Root"]["anyOf"] = [{"type": "string"}, {"type": "null"}]
    new["$defs"]["Leaf"] = dict(reversed(inner.items())) | {"description": DEDENTED}
    assert json.dumps(formatted(old)) == json.dumps(formatted(new))
    assert list(formatted(old)["$defs"]) == ["Root", "Twig", "Leaf"]
    assert list(formatted(old)["$defs"]["Root"]["properties"]) == ["b", "a"]


def test_a_property_called_description_is_a_property() -> None:
    schema = {"properties": {"description": {"type": "string"}}, "default": {"title": 1, "a": 2}}
    assert formatted(schema) == schema
    assert list(formatted(schema)["default"]) == ["title", "a"]


@dataclass(frozen=True)
class Leaf:
    """A leaf,
    over two lines."""

    day: date | None


class Tree(Struct, kw_only=True, forbid_unknown_fields=True):
    """A tree.

    With a second paragraph.
    """

    name: Annotated[str, Meta(description="What it is called", min_length=1)]
    kind: Literal["oak", "ash"] = "oak"
    leaves: tuple[Leaf, ...] = ()
    height_metres: float | None = None


def test_what_the_library_says_of_a_type_is_what_our_schemas_assume() -> None:
    assert json.loads(json.dumps(schema_of(Tree))) == {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$ref": "#/$defs/Tree",
        "$defs": {
            "Tree": {
                "title": "Tree",
                "description": "A tree.\n\nWith a second paragraph.",
                "type": "object",
                "properties": {
                    "name": {"description": "What it is called", "type": "string", "minLength": 1},
                    "kind": {"enum": ["ash", "oak"], "default": "oak"},
                    "leaves": {
                        "type": "array",
                        "items": {"$ref": "#/$defs/Leaf"},
                        "default": [],
                    },
                    "height_metres": {
                        "anyOf": [{"type": "number"}, {"type": "null"}],
                        "default": None,
                    },
                },
                "additionalProperties": False,
                "required": ["name"],
            },
            "Leaf": {
                "title": "Leaf",
                "description": "A leaf, over two lines.",
                "type": "object",
                "properties": {
                    "day": {"anyOf": [{"type": "string", "format": "date"}, {"type": "null"}]}
                },
                "required": ["day"],
            },
        },
    }, f"msgspec {msgspec.__version__} describes types in another way: see kb/json_schemas.py"


@click.command()
@click.argument("paths", nargs=-1, required=True)
@click.argument("route", required=False)
@click.option("-k", "count", type=click.IntRange(1, 100), help="How many.")
@click.option(
    "--share", type=click.FloatRange(min=0), default=0.5, show_default=True, help="Of it."
)
@click.option("--as", "status", type=click.Choice(["draft", "published"]), required=True)
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]), help="A day.")
@click.option("--casebook/--no-casebook", default=None, help="Those,\n  too.")
@click.option("--a-name-that-needs-a-line-of-its-own", metavar="WORD", help="Long.")
@click.option("--secret", hidden=True)
def example() -> None:
    """Do a thing,
    well.

    \b
    kept   as
    it is
    """


def test_the_reference_lays_a_command_out_by_itself() -> None:
    assert section_text(example, "kb do").splitlines() == [
        "kb do [OPTIONS] PATHS... [ROUTE]",
        "",
        "  Do a thing, well.",
        "",
        "  kept   as",
        "  it is",
        "",
        "  -k N                          How many. From 1 to 100.",
        "  --share NUMBER                Of it. At least 0. Default: 0.5.",
        "  --as [draft|published]        Required.",
        "  --since YYYY-MM-DD            A day.",
        "  --casebook / --no-casebook    Those, too.",
        "  --a-name-that-needs-a-line-of-its-own WORD",
        "                                Long.",
    ]


def test_every_generated_file_is_as_the_code_says() -> None:
    done = subprocess.run(
        [sys.executable, "scripts/generate", "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.stdout, done.returncode) == ("", 0)


def test_a_value_with_a_colon_is_told_to_be_quoted() -> None:
    faults = read_front_matter("---\ntitle: a: b\n---\n").faults
    assert "must be quoted" in faults[0].message, "PyYAML says it in other words: see _in_words"
