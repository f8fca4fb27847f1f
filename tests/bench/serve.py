"""`kb mcp --http`: how long from its start, and from its first question, to an answer.

A library of the 57 records of the casebook with its index; a new process each time, asked by a
plain HTTP client that was there before. Beside it: `kb similar` in a new process, and what the
import of the protocol's own package takes.
"""

from __future__ import annotations

import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

import httpx2  # noqa: E402

from mcp_server import ACCEPT, TOKEN, Served, message, serving  # noqa: E402

ROUNDS, WARM = 5, 30
MOST_SECONDS = 1.0
QUERY = "a retried refund call paid customers twice"


def main() -> None:
    """Print a row for each; exit 1 where the first answer takes longer than promised."""
    with tempfile.TemporaryDirectory() as name, httpx2.Client(timeout=60) as client:
        root = Path(name)
        shutil.copytree(ROOT / "postmortems", root / "postmortems")
        (root / "kb.toml").write_text("", encoding="utf-8")
        kb = [sys.executable, "-m", "kb"]
        subprocess.run([*kb, "build"], cwd=root, check=True, capture_output=True)
        imports, similar, listening, first, warm = [], [], [], [], []
        for _ in range(ROUNDS):
            imports.append(timed([sys.executable, "-c", "import mcp.server"], root))
            similar.append(timed([*kb, "similar", QUERY], root))
            start = time.perf_counter()
            with serving(root, "--rate", "9999/minute") as served:
                listening.append(time.perf_counter() - start)
                first.append(answered(client, served))
                warm += [answered(client, served) for _ in range(WARM // ROUNDS)]
    row("import of the protocol's package", imports)
    row("kb similar in a new process", similar)
    row("from the start until it listens", listening)
    row(f"its first answer, cold (up to {MOST_SECONDS} s)", first)
    row(
        "from the start to the first answer", [a + b for a, b in zip(listening, first, strict=True)]
    )
    row("a further answer", warm)
    sys.exit(statistics.median(first) > MOST_SECONDS)


def row(name: str, seconds: list[float]) -> None:
    """Print the median and the worst of one kind."""
    value = f"{statistics.median(seconds):.3f} s, worst {max(seconds):.3f}"
    print(f"{name:<58}{value:>30}", flush=True)


def timed(command: list[str], folder: Path) -> float:
    """Seconds of a program."""
    start = time.perf_counter()
    subprocess.run(command, cwd=folder, check=True, capture_output=True)
    return time.perf_counter() - start


def answered(client: httpx2.Client, served: Served) -> float:
    """Seconds of one question."""
    start = time.perf_counter()
    headers = ACCEPT | {"authorization": f"Bearer {TOKEN}"}
    asked = message("similar_incidents", query=QUERY)
    answer = client.post(served.address, json=asked, headers=headers).json()
    assert not answer["result"]["isError"], answer
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
