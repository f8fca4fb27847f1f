"""What does a coding agent wait for before each tool? `kb wall hook` beside `python -c pass`.

    python tests/bench/walls.py

Each is a fresh interpreter without the finder of an editable installation and without the `.pth`
files of this machine (`-S`), all in turn, with the walls of the casebook; the ratio is that of the
medians. What the hook adds to Python's own start is what it is answerable for, so that is shown as
well. `KB_DATA` adds how often those walls speak in the sessions of coding agents there.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RUNS = 25
#: The hook as an installed `kb` runs it.
HOOK = f"""import sys
sys.path[:0] = {[str(ROOT), *(path for path in sys.path if "site-packages" in path)]!r}
sys.argv[1:] = ["wall", "hook"]
from kb.__main__ import main
main()"""
AIM_MS = 60
CALLS = {
    "no wall is about it": "git status && npm test",
    "all words of a wall, in a pipe": "git log --grep 'terraform destroy' | head",
    "all words of a wall, no such command": "grep -rn 'terraform destroy' docs",
    "denied and logged": "cd infra && terraform destroy -auto-approve",
}


def event(command: str) -> bytes:
    """What Claude Code sends before it uses Bash."""
    call = {"hook_event_name": "PreToolUse", "cwd": str(ROOT), "tool_name": "Bash"}
    return json.dumps(call | {"tool_input": {"command": command}}).encode()


def seconds(words: list[str], said: bytes) -> float:
    """Wall time of a Python process."""
    started = time.perf_counter()
    python = getattr(sys, "_base_executable", sys.executable)
    words = [python, "-I", "-S", *words]
    done = subprocess.run(words, input=said, capture_output=True, cwd=ROOT, check=False)
    taken = time.perf_counter() - started
    if done.returncode or b"could not be asked" in done.stdout:
        raise SystemExit(f"the hook failed: {(done.stdout + done.stderr).decode()}")
    return taken


def own_folders(home: str) -> None:
    """Use nothing of the user's own, and trust the walls of the casebook there."""
    for name in ("CONFIG", "CACHE", "STATE"):
        os.environ[f"XDG_{name}_HOME"] = f"{home}/{name.lower()}"
    trust = [sys.executable, "-m", "kb", "trust", "walls", "--yes"]
    subprocess.run(trust, check=True, capture_output=True, cwd=ROOT)


def times() -> dict[str, list[float]]:
    """The times of each kind of process, in milliseconds."""
    kinds: dict[str, tuple[list[str], bytes]] = {"python -c pass": (["-c", "pass"], b"")}
    for name, command in CALLS.items():
        kinds[name] = (["-c", HOOK], event(command))
    found: dict[str, list[float]] = {name: [] for name in kinds}
    for words, said in kinds.values():
        seconds(words, said)
    for _ in range(RUNS):
        for name, (words, said) in kinds.items():
            found[name].append(seconds(words, said) * 1000)
    return found


def alarms(data: Path) -> None:
    """How often the walls of the casebook speak in the sessions of coding agents."""
    from kb.library import open_library
    from kb.walls.proof import prove, runs_of

    sessions = (data / "runs/traces").glob("c*/*.jsonl")  # of Claude Code and Codex
    runs = tuple(runs_of(sorted(sessions)))
    proofs = list(prove(open_library(ROOT), runs))
    spoken = sum(count for proof in proofs for _, count in proof.alarms)
    print(
        f"{len(proofs)} walls speak {spoken} times in {proofs[0].calls} calls of {len(runs)} runs"
    )


def main() -> int:
    """Measure and print; 1 where an answer takes longer than it may."""
    with tempfile.TemporaryDirectory() as home:
        own_folders(home)
        found = times()
    base = statistics.median(found["python -c pass"])
    print(f"{'':<40} {'median':>8} {'fastest':>8} {'÷ pass':>7} {'- pass':>9}")
    for name, values in found.items():
        middle = statistics.median(values)
        added = min(values) - min(found["python -c pass"])
        ratio = middle / base
        print(f"{name:<40} {middle:5.0f} ms {min(values):5.0f} ms {ratio:7.2f} {added:6.0f} ms")
    # Where Python itself takes long to start, the machine is busy: four times that is 60 of 15 ms.
    most = max(AIM_MS, 4 * min(found["python -c pass"]))
    slowest = max(min(values) for values in found.values())
    print(f"the fastest answer of the slowest kind: {slowest:.0f} ms, at most {most:.0f}")
    data = Path(os.environ.get("KB_DATA", ROOT.parent / "shared/data"))
    if (data / "runs/traces").is_dir():
        alarms(data)
    return int(slowest > most)


if __name__ == "__main__":
    sys.exit(main())
