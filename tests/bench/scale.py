"""Does a scheduler cost more than it brings? Dask's two workers beside two processes, in one run.

    python tests/bench/scale.py [DATA]

The archive are the runs of one public benchmark, five to a file, 24 times over. Both read it in
turn, warm, and must find the same. Then a worker is killed in the middle of a pass.
"""

from __future__ import annotations

import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from kb.parallel.dask_workers import dask_workers  # noqa: E402
from kb.parallel.workers import LocalWorkers, Workers  # noqa: E402
from kb.traces.checkup.archive_files import TraceFile, trace_files  # noqa: E402
from kb.traces.checkup.examine import examine  # noqa: E402
from kb.traces.checkup.progress_file import FileFacts  # noqa: E402
from kb.traces.read_runs import ReadingSettings  # noqa: E402

from dask_cluster import cluster, kill_one  # noqa: E402

AIRLINE = "runs/tau-airline-gpt-4o-even-tasks.json"
RUNS_A_FILE, COPIES, ROUNDS = 5, 24, 3
LEAST = 0.9
LOOK = ReadingSettings(look_only=True)


def main() -> None:
    """Print a row for each; exit 1 where Dask is slower than promised, or finds something else."""
    data = Path(sys.argv[1] if len(sys.argv) > 1 else os.environ.get("KB_DATA", "../shared/data"))
    with tempfile.TemporaryDirectory() as folder, cluster() as made:
        files = archive(data / AIRLINE, Path(folder))
        size = sum(file.stat().st_size for file in Path(folder).iterdir()) / 1e6
        row("archive", f"{len(files)} files, {size:.0f} MB")
        with LocalWorkers(2) as local, dask_workers(made.scheduler_address) as dask:
            found = [passed(files, local)[1], passed(files, dask)[1]]  # warm
            times = [(passed(files, local)[0], passed(files, dask)[0]) for _ in range(ROUNDS)]
            killed = passed(files, dask, lambda: kill_one(made.scheduler_address))[1]
        pool, workers = (statistics.median(each) for each in zip(*times, strict=True))
        ratio = pool / workers
        row("two processes", f"{pool:.2f} s")
        row("Dask, two workers", f"{workers:.2f} s")
        row(f"Dask's speed beside processes (from {LEAST})", f"{ratio:.2f} x")
        is_same = found[0] == found[1]
        row("the same is found", "yes" if is_same else "NO")
        row("also with a worker killed in the middle", "yes" if killed == found[0] else "NO")
        sys.exit(not (ratio >= LEAST and is_same and killed == found[0]))


def row(name: str, value: str) -> None:
    """Print one result."""
    print(f"{name:<58}{value:>30}", flush=True)


def archive(source: Path, folder: Path) -> tuple[TraceFile, ...]:
    """The runs of a file, some to a file, several times over."""
    runs = json.loads(source.read_text("utf-8"))
    for copy in range(COPIES):
        for start in range(0, len(runs), RUNS_A_FILE):
            text = json.dumps(runs[start : start + RUNS_A_FILE])
            (folder / f"{copy}-{start:04}.json").write_text(text, encoding="utf-8")
    return trace_files([folder])


def passed(
    files: tuple[TraceFile, ...], workers: Workers, after_one: Callable[[], None] | None = None
) -> tuple[float, list[FileFacts]]:
    """Seconds of a pass, and what it found; something is done after the first file."""
    start, found = time.perf_counter(), []
    for one in examine(files, LOOK, workers=workers):
        found.append(one)
        if after_one is not None and len(found) == 1:
            after_one()
    return time.perf_counter() - start, found


if __name__ == "__main__":
    main()
