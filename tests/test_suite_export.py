"""The suite is handed to Inspect AI and promptfoo as cases that call `kb run replay`."""

from __future__ import annotations

import ast
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from kb.cli import cli

import suite_runners
from conftest import ROOT, trust_settings

AGENT = ROOT / "kb/data/example/agent"
RAN, MENDED = "billing_agent:as_it_ran", "billing_agent:mended"
HOSTILE = 'Ended """ %s {{ env.HOME }} \\\\ \\" + evil() + " C:\\'
Kb = Callable[..., Result]


@pytest.fixture
def kb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Kb:
    """`kb` in the worked example's folder, its record published."""
    shutil.copytree(AGENT, tmp_path / "agent")
    monkeypatch.chdir(tmp_path / "agent")
    Path("postmortems").mkdir()

    def run(*words: str) -> Result:
        return CliRunner().invoke(cli, words, standalone_mode=False)

    run("new", "--from-run", "trace.json", "--against", "passing.json", "--no-edit")
    record = next(Path("postmortems").glob("*.md"))
    fixture = str(record.with_suffix("") / "fixture.json")
    run("run", "replay", fixture, "--entry", MENDED, "--known", "known.toml", "--save", "-n", "1")
    text = record.read_text("utf-8").replace("status: draft", "status: published")
    record.write_text(text, encoding="utf-8")
    return run


def cases_in(task: str) -> list[dict[str, object]]:
    """The rows of an Inspect file, read without running it."""
    (found,) = (
        node.value.args[0]
        for node in ast.parse(task).body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Call)
    )
    assert isinstance(found, ast.Constant)
    assert isinstance(found.value, str)
    rows: list[dict[str, object]] = json.loads(found.value)
    return rows


def test_a_title_is_data_in_both(kb: Kb) -> None:
    record = next(Path("postmortems").glob("*.md"))
    title = json.dumps(HOSTILE)
    lines = record.read_text("utf-8").splitlines()
    lines = [f"title: {title}" if line.startswith("title:") else line for line in lines]
    record.write_text("\n".join(lines) + "\n", encoding="utf-8")
    (row,) = cases_in(kb("run", "export", "inspect").output)
    assert row["title"] == HOSTILE
    assert row["fixture"] == f"postmortems/{record.stem}/fixture.json"
    config = json.loads(kb("run", "export", "promptfoo").output)
    assert config["tests"][0]["vars"] == {"fixture": row["fixture"]}
    assert "{{ env" not in json.dumps(config)


def test_a_library_without_a_fixture_has_nothing_to_export(kb: Kb) -> None:
    done = kb("run", "export", "inspect", "--route", "nobody")
    assert "no published record of these has a fixture" in str(done.exception)


@pytest.mark.slow
@pytest.mark.parametrize(("entry", "accuracy"), [(RAN, "0.000"), (MENDED, "1.000")])
def test_inspect_runs_the_task(kb: Kb, entry: str, accuracy: str) -> None:
    Path("pm.py").write_text(kb("run", "export", "inspect").output, encoding="utf-8")
    words = ["--model", "mockllm/model", "--display", "plain", "-T", f"entry={entry}"]
    done = subprocess.run(
        [sys.executable, "-m", "inspect_ai", "eval", "pm.py", *words, "-T", "trials=1"],
        env=os.environ | {"PYTHONPATH": f"{ROOT}{os.pathsep}{suite_runners.inspect_ai()}"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert re.findall(r"^accuracy +(\S+)", done.stdout, re.MULTILINE) == [accuracy]


@pytest.mark.slow
@pytest.mark.parametrize(("entry", "said"), [(RAN, "1 failed"), (MENDED, "1 passed")])
def test_promptfoo_runs_the_config(kb: Kb, entry: str, said: str) -> None:
    config = Path("promptfooconfig.json")
    config.write_text(kb("run", "export", "promptfoo").output, encoding="utf-8")
    Path("kb.toml").write_text(f'[runs]\nreplay = "{entry}"\n', encoding="utf-8")
    trust_settings(Path.cwd())
    off = {"PROMPTFOO_DISABLE_TELEMETRY": "1", "PROMPTFOO_DISABLE_UPDATE": "1"}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [
            *suite_runners.promptfoo(),
            "eval",
            "-c",
            str(config),
            "--no-cache",
            "--no-write",
            "--no-table",
        ],
        env=os.environ | off | {"PATH": path, "PROMPTFOO_CONFIG_DIR": str(Path.cwd() / "pf")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert said in done.stdout
