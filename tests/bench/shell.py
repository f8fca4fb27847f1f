"""What are the effects of shell commands worth, against labels of people? Precision and recall.

    python tests/bench/shell.py LABELS.jsonl [--errors]

A line of LABELS is `{"command", "first", "second", "half"}`: two labels (read, write, destructive,
unknown; `second` may be null) and `dev` or `held`. The commands are others' text and are not in
this repository; docs/analyses/effects.md says where they come from and how they were labelled.
"""

from __future__ import annotations

import json
import random
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT)]

from kb.statistics import share_interval  # noqa: E402
from kb.traces.effects.shell_effects import command_effects, heaviest_effect  # noqa: E402

KEYWORDS = ("rm ", "delete", "drop", "destroy", "--hard", "--force", "prune", "truncate")


def judged(command: str) -> str:
    """The effect of a whole command: that of its heaviest part."""
    found = heaviest_effect(command_effects(command))
    return found.effect.value if found else "read"


def figures(name: str, rows: Sequence[dict[str, str]], said: Sequence[bool]) -> None:
    """One line: recall and precision of `destructive`, with intervals."""
    is_so = [row["first"] == "destructive" for row in rows]
    both = sum(a and b for a, b in zip(is_so, said, strict=True))
    shares = []
    for total in (sum(is_so), sum(said)):
        low, high = share_interval(both, total) or (0.0, 1.0)
        shares.append(f"{both}/{total} {both / max(total, 1):.3f} [{low:.2f}–{high:.2f}]")
    print(f"  {name:28} recall {shares[0]}   precision {shares[1]}")


def main(path: Path, *, shows_errors: bool) -> None:
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    twice = [row for row in rows if row["second"]]
    same = sum(row["first"] == row["second"] for row in twice)
    print(f"{len(rows)} commands; labelled twice {len(twice)}, alike {same / len(twice):.1%}")
    for half in ("dev", "held"):
        part = [row for row in rows if row["half"] == half]
        said = [judged(row["command"]) for row in part]
        print(f"{half}: {len(part)}, {dict(Counter(row['first'] for row in part))}")
        figures("table of programs", part, [s == "destructive" for s in said])
        figures("a keyword in it", part, [any(k in r["command"] for k in KEYWORDS) for r in part])
        shuffled = [s == "destructive" for s in said]
        random.Random(0).shuffle(shuffled)
        figures("the same, shuffled", part, shuffled)
        pairs = Counter((r["first"], s) for r, s in zip(part, said, strict=True))
        alike = sum(n for (a, b), n in pairs.items() if a == b)
        harm = sum(
            n for (a, b), n in pairs.items() if b == "read" and a in ("write", "destructive")
        )
        print(f"  all four alike {alike / len(part):.2f}; called a read, and writes: {harm}")
        if shows_errors:
            for row, s in zip(part, said, strict=True):
                if row["first"] != s:
                    print(f"    {row['first']} → {s}: {row['command'][:150]!r}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), shows_errors="--errors" in sys.argv)
