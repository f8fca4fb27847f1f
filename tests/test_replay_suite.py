"""Every published fixture is replayed in one go, by `kb run replay --all` and by pytest."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest
from click.testing import CliRunner, Result
from kb.cli import cli

from conftest import ROOT

AGENT = ROOT / "kb/data/example/agent"
RAN, MENDED = "billing_agent:as_it_ran", "billing_agent:mended"
Kb = Callable[..., Result]


@pytest.fixture
def kb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Kb:
    """`kb` in the worked example's folder, with its record published and what was known saved."""
    shutil.copytree(AGENT, tmp_path / "agent")
    monkeypatch.chdir(tmp_path / "agent")
    Path("postmortems").mkdir()

    def run(*words: str) -> Result:
        return CliRunner().invoke(cli, words, standalone_mode=False)

    run("new", "--from-run", "trace.json", "--against", "passing.json", "--no-edit")
    record = next(Path("postmortems").glob("*.md"))
    fixture = record.with_suffix("") / "fixture.json"
    run("run", "replay", str(fixture), "--entry", MENDED, "--known", "known.toml", "--save")
    record.write_text(record.read_text().replace("status: draft", "status: published"))
    return run


def second(status: str = "published", asserts: bool = False) -> str:
    """A further record with a fixture, of another route and class; its id."""
    first = next(Path("postmortems").glob("*.md"))
    path = Path("postmortems/2026-05-01-other.md")
    path.write_text(
        f"---\ntitle: Other <b>\ndate: 2026-05-01\nstatus: {status}\nroute: others\n"
        "classes: [tool-misuse]\n---\n\n## Summary\n\nIt paid.\n"
    )
    path.with_suffix("").mkdir()
    fixture = json.loads((first.with_suffix("") / "fixture.json").read_text())
    if not asserts:
        fixture.pop("kb.asserts")
    (path.with_suffix("") / "fixture.json").write_text(json.dumps(fixture))
    return path.stem


def test_the_suite_fails_on_the_agent_of_the_incident_and_passes_on_the_fix(kb: Kb) -> None:
    failed = kb("run", "replay", "--all", "--entry", RAN, "-n", "2")
    assert failed.return_value == 1
    assert "FAIL           0/2" in failed.output
    assert "charge is called at most once" in failed.output
    passed = kb("run", "replay", "--all", "--entry", MENDED, "-n", "2")
    assert passed.return_value == 0
    assert "all trials were alike, and prove what one does" in passed.output
    assert passed.output.endswith("1 replayed: 1 PASS\n")


def test_a_fixture_that_proves_nothing_does_not_pass_and_a_draft_is_not_replayed(kb: Kb) -> None:
    second("draft")
    assert kb("run", "replay", "--all", "--entry", MENDED, "-n", "1").return_value == 0
    Path("postmortems/2026-05-01-other.md").unlink()
    shutil.rmtree("postmortems/2026-05-01-other")
    second()
    done = kb("run", "replay", "--all", "--entry", MENDED, "-n", "1")
    assert done.return_value == 1
    assert "the fixture has no outcome asserts" in done.output
    assert "2 replayed: 1 PASS, 1 INCONCLUSIVE" in done.output


def test_the_suite_is_narrowed_by_route_and_class(kb: Kb) -> None:
    name = second(asserts=True)
    for narrowed in (("--route", "others"), ("--class", "tool-misuse")):
        done = kb("run", "replay", "--all", *narrowed, "--entry", MENDED, "-n", "1", "--json")
        answer = json.loads(done.output)
        assert [case["record"] for case in answer["cases"]] == [name]
        assert answer["schema"] == "kb.run-replay-suite/1"
        assert answer["cases"][0]["replay"]["passed"] == 1
    nothing = kb("run", "replay", "--all", "--route", "nobody", "--entry", MENDED)
    assert "no published record of these has a fixture" in str(nothing.exception)


def test_reports_are_written_for_whoever_reads_them_and_hold_no_markup(kb: Kb) -> None:
    second()
    Path("summary.md").write_text("before\n")
    words = ("--junit", "junit.xml", "--summary", "summary.md")
    kb("run", "replay", "--all", "--entry", RAN, "-n", "1", *words)
    suite = ElementTree.parse("junit.xml").getroot()
    assert (suite.get("tests"), suite.get("failures"), suite.get("errors")) == ("2", "1", "1")
    assert suite.find("testcase/failure") is not None
    assert suite.find("testcase[@classname='others']/error") is not None
    summary = Path("summary.md").read_text()
    assert summary.startswith("before\n**2 replayed: 1 FAIL, 1 INCONCLUSIVE**")
    assert r"Other \<b\>" in summary


def test_a_link_out_of_the_library_is_no_fixture(kb: Kb, tmp_path: Path) -> None:
    name = second(asserts=True)
    fixture = Path("postmortems") / name / "fixture.json"
    fixture.rename(tmp_path / "outside.json")
    fixture.symlink_to(tmp_path / "outside.json")
    done = kb("run", "replay", "--all", "--entry", MENDED, "-n", "1")
    assert done.output.endswith("1 replayed: 1 PASS\n")


def test_the_agent_of_kb_toml_is_called_only_where_it_is_trusted(kb: Kb) -> None:
    assert "not trusted here" in str(kb("run", "replay", "--all").exception)
    assert pytest_run("--postmortems").returncode == 4


def pytest_run(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *words]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_each_record_is_a_test_named_by_it(kb: Kb) -> None:
    name = second(asserts=True)
    Path("test_own.py").write_text("def test_own():\n    pass\n")
    options = ("--postmortems", "--postmortems-trials=1", "--postmortems-entry")
    done = pytest_run("test_own.py", *options, MENDED, "-q")
    assert "3 passed" in done.stdout
    alone = pytest_run(*options, RAN, "-k", name)
    assert "1 failed" in alone.stdout
    assert "2 deselected" in alone.stdout  # the other record, and the test of one's own
    for said in (
        "Other <b>",
        "record: postmortems/2026-05-01-other.md",
        "BROKEN: charge is called",
    ):
        assert said in alone.stdout


def test_records_are_shared_out_by_xdist(kb: Kb) -> None:
    second(asserts=True)
    options = ("--postmortems", "--postmortems-trials=1", "--postmortems-entry", MENDED)
    assert "2 passed" in pytest_run(*options, "-n", "2").stdout


def test_a_suite_that_does_not_ask_for_it_imports_nothing_of_it(kb: Kb) -> None:
    Path("test_own.py").write_text(
        "import sys\ndef test_own():\n"
        "    assert not [n for n in sys.modules if n.startswith('kb.') and n not in "
        "('kb.version', 'kb.pytest_plugin')]\n"
    )
    assert "1 passed" in pytest_run("test_own.py").stdout
    without = pytest_run("-p", "no:postmortems", "--postmortems", "test_own.py")
    assert without.returncode == 4


def test_nothing_beside_a_fixture_is_run_and_no_name_steers_the_terminal(
    kb: Kb, tmp_path: Path
) -> None:
    """The library of others is only read: pytest runs its own folder, and that alone."""
    odd = "2026-05-01-\x1b[31mred"
    record = next(Path("postmortems").glob("*.md"))
    fixture = record.with_suffix("") / "fixture.json"
    record.rename(f"postmortems/{odd}.md")
    fixture.parent.rename(f"postmortems/{odd}")
    for place in ("postmortems", f"postmortems/{odd}"):
        Path(place, "conftest.py").write_text("open('ran', 'w')\nprint('RAN')\n")
    mine = tmp_path / "mine"
    mine.mkdir()
    agent = shutil.copy("billing_agent.py", mine)
    (mine / "test_own.py").write_text("def test_own():\n    pass\n")
    command = [sys.executable, "-m", "pytest", "-v", "-p", "no:cacheprovider", "test_own.py"]
    options = [f"--postmortems={Path.cwd()}", "--postmortems-trials=1"]
    done = subprocess.run(
        [*command, *options, "--postmortems-entry", f"{Path(agent).stem}:mended"],
        cwd=mine,
        capture_output=True,
        text=True,
        check=False,
    )
    said = done.stdout + done.stderr
    assert "2 passed" in said
    assert "RAN" not in said
    assert "\x1b[31mred" not in said
    assert not [*tmp_path.rglob("ran")]
