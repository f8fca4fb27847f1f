"""What fuzzing has found, made small; and each harness, run for a bounded number of inputs.

A find is a case of `FINDS`: the target of `fuzz_targets` and the bytes. Those that look like a
secret are put together here.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import ROOT

pytest.importorskip("mcp", reason="the extra mcp is not installed")
pytest.importorskip("markdown_it", reason="the extra site is not installed")

from fuzz_targets import TARGETS

FINDS: list[tuple[str, bytes]] = []
EXECUTIONS = os.environ.get("KB_FUZZ_RUNS", "1500")


@pytest.mark.parametrize(("target", "raw"), FINDS)
def test_what_was_found_is_found_no_more(target: str, raw: bytes) -> None:
    TARGETS[target].run(raw)


@pytest.mark.parametrize("target", TARGETS)
def test_a_target_takes_what_a_fuzzer_starts_from(target: str) -> None:
    seeds = [*TARGETS[target].seeds()]
    assert len(seeds) > 2
    for raw in seeds:
        TARGETS[target].run(raw)


@pytest.mark.slow
@pytest.mark.parametrize("target", TARGETS)
def test_nothing_unexpected_leaves_a_target(target: str, tmp_path: Path) -> None:
    pytest.importorskip("atheris", reason="atheris has no wheel for this platform")
    limits = ("-seed=1", f"-runs={EXECUTIONS}", "-rss_limit_mb=1024")
    done = subprocess.run(
        [sys.executable, str(ROOT / "tests/fuzz.py"), target, *limits],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    reached = re.findall(r"DONE +cov: (\d+) ft: (\d+)", done.stderr)
    assert reached
    print(f"{target}: edges, features {reached[-1]}")
