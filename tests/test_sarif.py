"""The SARIF of `kb check`, against the schema that is published for it.

The schema is not in this repository: it comes in a package of its publisher, see `node_tools`.
"""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import jsonschema
import pytest
from kb.library import open_library
from kb.lint.report import render
from kb.lint.runner import check

from node_tools import installed
from rule_cases import rule_cases


@pytest.fixture(scope="module")
def validator() -> jsonschema.Draft202012Validator:
    (path,) = (installed("@microsoft/jest-sarif") / "lib/schemas").glob("sarif-2.1.0*.json")
    schema = json.loads(path.read_text("utf-8-sig"))
    assert "2.1.0" in schema["title"]
    kind = jsonschema.validators.validator_for(schema)
    kind.check_schema(schema)
    validator: jsonschema.Draft202012Validator = kind(schema)
    return validator


def sarif(root: Path) -> dict[str, object]:
    report = check(open_library(root), today=date(2026, 6, 1))
    answer: dict[str, object] = json.loads(render(report, "sarif", base=root))
    return answer


def test_the_published_schema_accepts_a_report_with_a_fault_of_every_rule(
    validator: jsonschema.Draft202012Validator, library_folder: Path
) -> None:
    for number, case in enumerate(rule_cases()):
        copy = library_folder / f"postmortems/2026-04-12-a b {number} é.md"
        copy.write_bytes(case.content)
    answer = sarif(library_folder)
    results = answer["runs"][0]["results"]  # type: ignore[index]
    assert len({result["ruleId"] for result in results}) > 30
    assert [error.message for error in validator.iter_errors(answer)] == []


def test_the_published_schema_accepts_a_report_without_any(
    validator: jsonschema.Draft202012Validator, example_library: Path
) -> None:
    answer = sarif(example_library)
    assert [error.message for error in validator.iter_errors(answer)] == []


def test_the_published_schema_would_refuse_a_wrong_one(
    validator: jsonschema.Draft202012Validator, example_library: Path
) -> None:
    assert not validator.is_valid(sarif(example_library) | {"version": "2.0.0"})
