"""Which runs `kb similar RUN` looks up, beside those in which a call failed.

    python tests/bench/run_questions.py FOLDER

FOLDER holds one trace file a source, whose runs say how they ended (`reward`).
"""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT)]

from kb.traces.query_from_run import question_from_run  # noqa: E402
from kb.traces.read_runs import ReadingSettings, read_runs  # noqa: E402


def told(path: Path) -> Counter[tuple[bool, str]]:
    """How many runs of a source, by whether they failed, are looked up for each reason."""
    found: Counter[tuple[bool, str]] = Counter()
    for run in read_runs(path, ReadingSettings(look_only=True)):
        failed, asked = float(run.source["reward"]) < 1, question_from_run(run)
        found[failed, "all"] += 1
        found[failed, "shows a fault"] += asked.shows_fault
        found[failed, "a call failed"] += any(call.failure for call in run.calls)
        found.update((failed, name) for name in asked.classes)
    return found


def shown(name: str, found: Counter[tuple[bool, str]]) -> str:
    """One source in two lines: runs that went well, runs that failed."""
    lines = [name]
    for failed, word in ((False, "went well"), (True, "failed")):
        runs = found[failed, "all"]
        classes = sorted(key for own, key in found if own is failed and "-" in key)
        parts = [f"{key} {found[failed, key]}" for key in ("shows a fault", "a call failed")]
        parts += [f"{key} {found[failed, key]}" for key in classes]
        lines.append(f"  {word:9} {runs:5} runs: {', '.join(parts)}")
    return "\n".join(lines)


if __name__ == "__main__":
    total: Counter[tuple[bool, str]] = Counter()
    for file in sorted(Path(sys.argv[1]).glob("*.json")):
        if file.name != "origins.json":
            source = told(file)
            total += source
            print(shown(file.stem, source), flush=True)
    print(shown("all sources", total))
