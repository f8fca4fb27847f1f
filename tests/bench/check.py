"""How long do 3,000 records take to check, beside markdownlint-cli2 on the same files?

    python tests/bench/check.py [--records N] [--fixtures] [--keep FOLDER]

The library is the worked example, moved in time: each copy has its own dates and class, and names
the record of its class before it, so that all of them are clean and nothing but checking is
measured. With `--fixtures` each has its replay fixture beside it, as the example has.
markdownlint-cli2 looks at Markdown style only; it is named because teams know how long it takes.
It is run where `npx` can find it. The postmortems in the wild of KB_DATA are checked too, if there.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path
from typing import NamedTuple

from kb.records.taxonomy import FAILURE_CLASSES

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "kb/data/example/2026-04-12-billing-agent-charged-twice.md"
FIXTURE = EXAMPLE.with_suffix("") / "fixture.json"
DATA = Path(os.environ.get("KB_DATA", ROOT.parent / "shared" / "data"))
DAYS = 400
RUNS = 3
_DATE = re.compile(r"(?<!\d)20\d\d-\d\d-\d\d(?!\d)")
#: Classes that ask for other fixes than the example has.
_OTHERS = {"stale-evidence", "excess-authority", "unauthorised-action"}
_NO_FIXTURE = "FIXTURE:\nREPLAYABLE: no\nMISSING: the state of the ledger at the first call\n"


class Cost(NamedTuple):
    """Seconds by the clock, and seconds of processors."""

    wall: float
    cpu: float

    def __str__(self) -> str:
        return f"{self.wall:6.2f} s wall {self.cpu:6.2f} s CPU"


def main() -> None:
    """Build the library, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=3000)
    parser.add_argument("--fixtures", action="store_true")
    parser.add_argument("--keep", type=Path, help="build the library here and stop")
    options = parser.parse_args()
    folder = options.keep or Path(tempfile.mkdtemp(prefix="kb-bench-"))
    write_library(folder, options.records, fixtures=options.fixtures)
    if options.keep:
        return
    try:
        _measure(folder, options.records)
        _measure_wild(folder)
    finally:
        shutil.rmtree(folder)


def _measure(folder: Path, records: int) -> None:
    here = [sys.executable, "-m", "kb", "check"]
    _require_clean([*here, "--format", "json"], folder)
    npx = shutil.which("npx")
    peer = [npx, "--yes", "markdownlint-cli2", "postmortems/*.md"] if npx else None
    if peer:
        _cost(peer, folder)  # the first run installs it
    ours: list[Cost] = []
    theirs: list[Cost] = []
    for _ in range(RUNS):  # in turn: a busy machine is busy for both
        ours.append(_cost(here, folder))
        theirs += [_cost(peer, folder)] if peer else []
    print(f"kb check, {records} records   {min(ours)}")
    if not theirs:
        print("markdownlint-cli2          not run: npx is not installed")
        return
    ratio = _ratio(ours, theirs, lambda cost: cost.wall), _ratio(ours, theirs, lambda c: c.cpu)
    print(f"markdownlint-cli2          {min(theirs)}")
    print(f"kb ÷ markdownlint-cli2     {ratio[0]:6.2f}        {ratio[1]:6.2f}")


def _measure_wild(folder: Path) -> None:
    files = [str(path) for path in (DATA / "wild-markdown").rglob("*") if path.is_file()]
    if files:
        command = [sys.executable, "-m", "kb", "check", *files]
        best = min(_cost(command, folder) for _ in range(RUNS))
        print(f"kb check, {len(files)} files in the wild   {best}")


def _ratio(ours: list[Cost], theirs: list[Cost], value: Callable[[Cost], float]) -> float:
    return min(map(value, ours)) / min(map(value, theirs))


def _require_clean(command: list[str], folder: Path) -> None:
    """Stop where the library has faults: printing them would be measured as well."""
    run = subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True)
    problems = json.loads(run.stdout)["problems"]
    if problems:
        sys.exit(f"{len(problems)} problems in a library meant to be clean, first: {problems[0]}")


def write_library(folder: Path, records: int, *, fixtures: bool) -> None:
    """Write the copies of the example, oldest first."""
    (folder / "postmortems").mkdir(parents=True)
    (folder / "kb.toml").write_text("", encoding="utf-8")
    text = EXAMPLE.read_text(encoding="utf-8")
    classes = [word.name for word in FAILURE_CLASSES if word.name not in _OTHERS]
    newest: dict[str, str] = {}
    for number in range(records):
        days = DAYS - number * DAYS // records
        primary = classes[number % len(classes)]
        record = f"{date(2026, 4, 12) - timedelta(days=days)}-billing-agent-{number}"
        copy = _copy(text, days, primary, newest.get(primary, ""))
        newest[primary] = record
        if fixtures:
            _write_fixture(folder / "postmortems" / record, days)
        named = f"FIXTURE: {record}/fixture.json\nREPLAYABLE: yes\n" if fixtures else _NO_FIXTURE
        copy = re.sub(r"FIXTURE: .*\nREPLAYABLE: yes\n", named, copy)
        (folder / f"postmortems/{record}.md").write_text(copy, encoding="utf-8")


def _copy(text: str, days: int, primary: str, earlier: str) -> str:
    """The example, `days` earlier, with a class; the record before it in that class is named."""
    text = _moved(text, days)
    others = "" if primary == "outcome-assert-gap" else ", outcome-assert-gap"
    text = re.sub(r"\nclasses: .*", f"\nclasses: [{primary}{others}]", text)
    if earlier:
        verdict = f"- [related] [{earlier}]({earlier}.md) — the same wrapper, fix existed: no\n"
        text = text.replace("FIRST_OF_CLASS: yes\n```\n", f"FIRST_OF_CLASS: no\n```\n\n{verdict}")
    return text


def _moved(text: str, days: int) -> str:
    move = timedelta(days=days)
    return _DATE.sub(lambda match: str(date.fromisoformat(match[0]) - move), text)


def _write_fixture(folder: Path, days: int) -> None:
    folder.mkdir()
    fixture = _moved(FIXTURE.read_text(encoding="utf-8"), days)
    (folder / "fixture.json").write_text(fixture, encoding="utf-8")


def _cost(command: list[str], folder: Path) -> Cost:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    started = time.perf_counter()
    subprocess.run(command, cwd=folder, check=False, capture_output=True)
    wall = time.perf_counter() - started
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    user, system = after.ru_utime - before.ru_utime, after.ru_stime - before.ru_stime
    return Cost(wall, user + system)


if __name__ == "__main__":
    main()
