"""CONTRIBUTING's recipes work: each adds one row to a copy of the package and sees it used."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from conftest import EXAMPLE, ROOT
from rule_cases import base_record, patched


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A copy of the package, to add to; the library `library` beside it has one record."""
    folder = tmp_path / "copy"
    shutil.copytree(ROOT / "kb", folder / "kb", ignore=shutil.ignore_patterns("__pycache__"))
    library = folder / "library"
    (library / "postmortems").mkdir(parents=True)
    (library / "kb.toml").write_text("", encoding="utf-8")
    shutil.copytree(EXAMPLE.parent, library / "postmortems", dirs_exist_ok=True)
    return folder


def insert(package: Path, name: str, before: str, text: str) -> None:
    """Put a text in front of the one place of a file of the package where `before` stands."""
    path = package / name
    written = path.read_text("utf-8")
    assert written.count(before) == 1, f"{name} has {before!r} {written.count(before)} times"
    path.write_text(written.replace(before, text + before), encoding="utf-8")


def append(package: Path, name: str, text: str) -> None:
    with (package / name).open("a", encoding="utf-8") as file:
        file.write(text)


def edit_record(package: Path, *changes: tuple[str, str]) -> None:
    path = package / "library/postmortems" / EXAMPLE.name
    text = path.read_text("utf-8")
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new, 1)
    path.write_text(text, encoding="utf-8")


def seen(package: Path, code: str) -> Any:
    """The JSON that a program prints in the library, with the copy for its `kb`."""
    program = f"""
import json
from datetime import date
from pathlib import Path
from click.testing import CliRunner
from kb.cli import cli

def run(*arguments):
    done = CliRunner().invoke(cli, arguments, standalone_mode=False)
    if done.exception:
        raise done.exception
    return done.output

{code}
"""
    done = subprocess.run(
        [sys.executable, "-P", "-c", program],
        cwd=package / "library",
        env=os.environ | {"PYTHONPATH": str(package), "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


_SEE_A_KEY = """
import kb.records.front_matter_keys
assert Path(kb.records.front_matter_keys.__file__).is_relative_to(Path("..").resolve())
from dataclasses import replace
from kb.library import open_library
from kb.records.form import build_form
from kb.records.front_matter_schema import front_matter_schema
from kb.records.blank_record import blank_record
from kb.site.content import Site
from kb.sensitive.names.find_names import NameIndex
from kb.site.external.name_replacement import TextCleaner
from kb.site.external.allowed_parts import RecordRedaction
from kb.site.pages.page_kinds import incident_page
from kb.as_of import AsOf
from datetime import datetime, UTC

library = open_library(Path("."))
(record,) = library.records
record = replace(record, origin="own", status="published", visibility="external")
site = Site("x", "", build_form(), AsOf(datetime.now(UTC)), (record,))
outside = RecordRedaction(record, TextCleaner(NameIndex(())), site.form).made()
print(json.dumps({
    "read": dict(record.others),
    "outside": dict(outside.others),
    "blank": blank_record("x", date(2026, 4, 12), profile="full", form=build_form()),
    "schema": front_matter_schema()["properties"].get("spare_parts"),
    "page": incident_page(site, record).body,
    "check": run("check", "--format", "json", "--as", "published"),
}))
"""


@pytest.mark.parametrize("is_external", [False, True])
def test_a_key_is_one_row(package: Path, is_external: bool) -> None:
    row = f"""
    Key(
        "spare_parts",
        KeyType.COUNT,
        "How many were used",
        required_from="published",
        blank="0",
        external={is_external},
    ),
"""
    insert(package, "kb/records/front_matter_keys.py", '    _word("severity"', row.lstrip("\n"))
    edit_record(package, ("severity:", "spare_parts: 7\nseverity:"))
    found = seen(package, _SEE_A_KEY)
    assert found["read"] == {"spare_parts": 7}
    assert found["outside"] == ({"spare_parts": 7} if is_external else {})
    keys = [line for line in found["blank"].splitlines() if not line.startswith("#")]
    assert keys[keys.index("spare_parts: 0") + 1] == "severity: SEV3"
    assert found["schema"]["description"] == "How many were used"
    assert "<dt>Spare parts</dt><dd>7</dd>" in found["page"]
    assert "spare_parts" not in found["check"]


def test_a_key_is_checked_by_its_row(package: Path) -> None:
    row = '    Key("spare_parts", KeyType.COUNT, "How many", required_from="draft"),\n'
    insert(package, "kb/records/front_matter_keys.py", '    _word("severity"', row)
    code = 'print(json.dumps(run("check", "--format", "json")))'
    assert "spare_parts" in seen(package, code)
    edit_record(package, ("severity:", "spare_parts: a few\nseverity:"))
    assert "whole number" in seen(package, code)


def test_a_section_is_one_row(package: Path) -> None:
    row = """    Section(
        key="spare_parts",
        heading="Spare parts",
        prompt="Which parts were used?",
        example="PART: a valve",
        fields=(Field("PART", "Its name", many=True),),
    ),
"""
    insert(package, "kb/records/form_sections.py", '    Section(\n        key="lessons"', row)
    code = """
from kb.library import open_library
from kb.records.form import build_form
from kb.records.blank_record import blank_record
(record,) = open_library(Path(".")).records
print(json.dumps({
    "check": json.loads(run("check", "--format", "json", "--as", "published"))["problems"],
    "part": record.value("spare_parts", "PART"),
    "new": blank_record("x", date(2026, 4, 12), profile="full", form=build_form()),
}))
"""
    found = seen(package, code)
    assert ["Spare parts" in problem["message"] for problem in found["check"]] == [True]
    assert "## Spare parts\n\n<!-- Which parts were used?" in found["new"]
    edit_record(
        package, ("## Lessons", "## Spare parts\n\n```evidence\nPART: a pump\n```\n\n## Lessons")
    )
    found = seen(package, code)
    assert (found["check"], found["part"]) == ([], "a pump")


def test_a_word_is_one_row(package: Path) -> None:
    edit_record(package, ("outcome-assert-gap]", "worn-valve]"))
    code = 'print(run("check", "--format", "json"))'
    assert ["worn-valve" in problem["message"] for problem in seen(package, code)["problems"]]
    row = '    ("worn-valve", "A valve was worn.", _HERE),\n'
    insert(package, "kb/records/taxonomy.py", '    (\n        "policy-bypass",', row)
    assert seen(package, code)["problems"] == []


def test_a_rule_is_one_function_and_one_small_case(package: Path) -> None:
    function = """

@rule(
    "KB599",
    "worn-valve",
    reason="A valve wears.",
    bad="The valve was worn.",
    good="The valve was changed.",
)
def _worn_valve(document: Document, _: LintContext) -> Iterator[Finding]:
    section = document.section("root_cause")
    for line in section.lines if section else ():
        if "valve" in line.text:
            yield Finding(line.number, "a valve")
"""
    append(package, "kb/lint/rules/root_cause.py", function)
    record = package / "library/postmortems" / EXAMPLE.name
    hunk = " ### Model\n \n+The valve was worn.\n"
    record.write_text(patched(base_record(), [hunk]), encoding="utf-8")
    code = """
from kb.lint.rule_docs import rule_pages
pages = rule_pages()
print(json.dumps({
    "problems": json.loads(run("check", "--format", "json"))["problems"],
    "page": pages["KB599.md"],
    "is_listed": "KB599" in pages["index.md"],
    "explained": run("check", "--explain", "KB599"),
}))
"""
    found = seen(package, code)
    line = record.read_text("utf-8").splitlines().index("The valve was worn.") + 1
    assert [(one["rule"], one["line"]) for one in found["problems"]] == [("KB599", line)]
    assert found["page"].startswith("# KB599 worn-valve\n\nA valve wears.\n")
    assert found["is_listed"]
    assert "A valve wears." in found["explained"]


def test_a_measure_is_one_function_and_one_row(package: Path) -> None:
    function = """

def valve_count(facts: MetricsInput) -> MetricValue:
    return MetricValue(value=float(len(facts.records)), n=len(facts.records))
"""
    row = """    MeasureRow(
        name="valve_count",
        family="early",
        title="Valves",
        unit="count",
        definition="How many valves.",
        formula="number of valves",
        source="records",
        compute=coverage.valve_count,
    ),
"""
    append(package, "kb/metrics/coverage.py", function)
    place = '    MeasureRow(\n        name="reading_list"'
    insert(package, "kb/metrics/registry.py", place, row)
    code = """
print(json.dumps({
    "json": json.loads(run("metrics", "--json"))["metrics"]["valve_count"]["value"],
    "page": run("metrics"),
    "alone": run("metrics", "valve_count"),
    "csv": run("metrics", "--csv"),
    "names": run("metrics", "--names"),
}))
"""
    found = seen(package, code)
    assert found["json"] == 1
    assert "Valves  " in found["page"]
    assert found["alone"].startswith("Valves (valve_count)\n")
    assert "\nvalve_count," in found["csv"]
    assert "\nvalve_count " in found["names"]


def test_a_trace_format_is_one_module_and_one_row(package: Path) -> None:
    module = '''"""Runs from the recorder of a pump."""

from __future__ import annotations

from collections.abc import Iterator

from kb.traces.decoding.trace_source import Source
from kb.traces.importers.importer import Importer
from kb.traces.normalize.run_builder import RunBuilder
from kb.traces.run import ToolCall


def _recognise(source: Source) -> str:
    head = source.head
    return "strokes" if head and isinstance(head[0], dict) and "strokes" in head[0] else ""


def _read(source: Source) -> Iterator[RunBuilder]:
    for row in source.rows():
        tape = RunBuilder(source.account, row.where, "pump")
        for stroke in row.value["strokes"]:
            tape.execute(ToolCall(id="", tool=stroke))
        yield tape


IMPORTER = Importer("pump", "the recorder of a pump", _recognise, _read)
'''
    (package / "kb/traces/importers/pump.py").write_text(module, encoding="utf-8")
    insert(package, "kb/traces/importers/registry.py", ")\nfrom kb", "    pump,\n")
    insert(package, "kb/traces/importers/registry.py", "    )\n", "        pump.IMPORTER,\n")
    said = {"messages": [{"role": "user", "content": "Pump!"}], "strokes": ["up", "down"]}
    (package / "library/trace.json").write_text(json.dumps(said), encoding="utf-8")
    code = """
from kb.errors import KbError
from kb.traces.read_runs import ReadingSettings, read_runs
(run,) = read_runs(Path("trace.json"))
(named,) = read_runs(Path("trace.json"), ReadingSettings(format="pump"))
try:
    list(read_runs(Path("trace.json"), ReadingSettings(format="nothing")))
except KbError as error:
    listed = error.todo
print(json.dumps({
    "format": run.provenance.format,
    "calls": [call.tool for call in run.calls],
    "is_same": run == named,
    "listed": listed,
}))
"""
    found = seen(package, code)
    assert (found["format"], found["calls"]) == ("pump", ["up", "down"])
    assert found["is_same"]
    assert "the recorder of a pump" in found["listed"]
