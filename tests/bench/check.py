"""How long do 3,000 records take to check, beside markdownlint-cli2 on the same files?

    python tests/bench/check.py [--records N]

The library is the worked example under N names and dates. markdownlint-cli2 looks at Markdown
style only; it is named because teams know how long it takes. It is run where `npx` can find it.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import date, timedelta
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "kb/data/example/2026-04-12-billing-agent-charged-twice.md"


def main() -> None:
    """Build the library, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=3000)
    folder = Path(tempfile.mkdtemp(prefix="kb-bench-"))
    try:
        _measure(folder, parser.parse_args().records)
    finally:
        shutil.rmtree(folder)


def _measure(folder: Path, records: int) -> None:
    _write_library(folder, records)
    here = _seconds([sys.executable, "-m", "kb", "check"], folder)
    print(f"kb check, {records} records       {here:6.2f} s")
    npx = shutil.which("npx")
    if npx is None:
        print("markdownlint-cli2            not run: npx is not installed")
        return
    peer = [npx, "--yes", "markdownlint-cli2", "postmortems/*.md"]
    _seconds(peer, folder)  # the first run installs it
    there = _seconds(peer, folder)
    print(
        f"markdownlint-cli2            {there:6.2f} s\n"
        f"kb ÷ markdownlint-cli2       {here / there:6.2f}"
    )


def _write_library(folder: Path, records: int) -> None:
    (folder / "kb.toml").write_text("", encoding="utf-8")
    (folder / "postmortems").mkdir()
    text = EXAMPLE.read_text(encoding="utf-8")
    for number in range(records):
        day = date(2026, 4, 12) - timedelta(days=number % 400)
        copy = text.replace("date: 2026-04-12", f"date: {day}")
        path = folder / f"postmortems/{day}-billing-agent-{number}.md"
        path.write_text(copy, encoding="utf-8")


def _seconds(command: list[str], folder: Path) -> float:
    started = time.perf_counter()
    subprocess.run(command, cwd=folder, check=False, capture_output=True)
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
