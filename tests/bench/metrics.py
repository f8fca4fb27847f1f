"""How long does the page take at 3,000 records and 10,000 commits? Cold, then remembered.

    python tests/bench/metrics.py [--records N] [--json]

The library is generated, with records as long as real ones, and measured by the real command in
its own process. "Git alone" is the same log read to the end, which no reader can undercut.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from conftest import GIT_ENVIRONMENT  # noqa: E402
from known_library import tell, write_history  # noqa: E402

#: About as many bytes as a record of the casebook.
_PROSE = "\n## Lessons\n\n" + "".join(
    f"Line {n}: what the agent was asked, what it did instead, and what would have told us.\n"
    for n in range(110)
)
_LOG = ("log", "--first-parent", "--diff-merges=first-parent", "--raw", "-p", "-U0", "-M", "main")


def main() -> None:
    """Build the library, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=3000)
    parser.add_argument("--commits", type=int, default=10_000)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="kb-bench-"))
    try:
        results = measure(folder, arguments.records, arguments.commits)
    finally:
        shutil.rmtree(folder)
    if arguments.json:
        sys.stdout.write(json.dumps(results) + "\n")
    else:
        sys.stdout.writelines(f"{name:<34} {value}\n" for name, value in results.items())


def measure(folder: Path, records: int, commits: int) -> dict[str, float]:
    """The times in seconds, and how large the library was."""
    truth = tell(1, records, days_between=0.5)
    # Steps that only touch a record once more are left out beyond the number wanted.
    spare = max(0, len(truth.steps) - commits)
    dropped = set(random.Random(1).sample(range(len(truth.steps)), spare))
    steps = [
        replace(step, files={path: text and text + _PROSE for path, text in step.files.items()})
        for number, step in enumerate(truth.steps)
        if number not in dropped or None in step.files.values()
    ]
    (folder / "kb.toml").write_text("", encoding="utf-8")
    write_history(folder, steps)
    _git(folder, "gc", "--quiet")
    landed = int(_git(folder, "rev-list", "--first-parent", "--count", "main"))
    return {
        "records": len(list((folder / "postmortems").glob("*.md"))),
        "commits": landed,
        "git alone": _timed(lambda: _git(folder, *_LOG)),
        "kb metrics, cold": _timed(lambda: _kb(folder, "metrics", "--json")),
        "kb metrics, remembered": _timed(lambda: _kb(folder, "metrics", "--json")),
        "kb metrics --as-of": _timed(lambda: _kb(folder, "metrics", "--as-of", "2026-01-01")),
        "kb actions": _timed(lambda: _kb(folder, "actions", "--json")),
        "kb gate": _timed(lambda: _kb(folder, "gate", "refunds-agent")),
    }


def _timed(work: object) -> float:
    assert callable(work)
    start = time.perf_counter()
    work()
    return round(time.perf_counter() - start, 2)


def _kb(folder: Path, *arguments: str) -> None:
    environment = os.environ | GIT_ENVIRONMENT | {"PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "kb", *arguments]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, check=False)
    if done.returncode not in (0, 1):
        raise SystemExit(done.stderr.decode())


def _git(folder: Path, *arguments: str) -> str:
    command = ["git", *arguments]
    environment = os.environ | GIT_ENVIRONMENT
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, check=True)
    return done.stdout.decode("utf-8", "replace")


if __name__ == "__main__":
    main()
