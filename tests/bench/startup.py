"""What does the command line cost before it does anything? `import kb.cli` beside `import click`.

    python tests/bench/startup.py

Each is a fresh interpreter, the two in turn; the ratio is that of the medians.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

RUNS = 15


def seconds(code: str) -> float:
    """Wall time of a Python process that runs the code."""
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True)
    return time.perf_counter() - started


def main() -> None:
    """Measure and print."""
    codes = {
        "python alone": "pass",
        "import click": "import click",
        "import kb.cli": "import kb.cli",
    }
    times: dict[str, list[float]] = {name: [] for name in codes}
    for _ in range(RUNS):
        for name, code in codes.items():
            times[name].append(seconds(code))
    medians = {name: statistics.median(values) for name, values in times.items()}
    for name, value in medians.items():
        print(f"{name:<20} {value * 1000:6.0f} ms")
    print(f"kb.cli ÷ click       {medians['import kb.cli'] / medians['import click']:6.2f}")


if __name__ == "__main__":
    main()
