"""Does a text made to choke patterns cost its length, or the square of it?

    python tests/bench/hostile.py

Each text is read at one length and at ten times that, in turn, the best of three each, in seconds
of the processor. Ten is linear and a square is 100; beyond 60 the bench fails.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import date
from functools import partial
from pathlib import Path, PurePath
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from kb.library import open_library  # noqa: E402
from kb.lint.runner import check  # noqa: E402
from kb.records.document import read_document  # noqa: E402
from kb.records.form import build_form  # noqa: E402
from kb.records.postmortem import interpret  # noqa: E402
from kb.sensitive.personal_data import find_personal_data  # noqa: E402
from kb.sensitive.secrets.find_secrets import find_secrets  # noqa: E402
from kb.traces.redaction import Redactor  # noqa: E402

from hostile import (  # noqa: E402
    ENCODED_PIECES,
    RECORD_PIECES,
    SECRET_PIECES,
    checked_body,
    record_body,
    record_line,
    repeated,
)

#: Between linear (10) and a square (100), for other work makes single runs waver.
MOST = 60
TIMES = 10
RUNS = 3
#: Below this a run is start-up and no reading.
LEAST_SECONDS = 0.001

FORM = build_form()
NAME = PurePath("2026-04-12-x.md")
HEAD = "---\ntitle: x\ndate: 2026-04-12\nstatus: published\n---\n# x\n"

#: Reads one text, made beforehand; the text is new each time, for some answers are remembered.
Work = Callable[[str], object]


class Row(NamedTuple):
    """What is read, the piece it is made of, its text of so many characters, and the work."""

    what: str
    piece: str
    shorter: int
    text: Callable[[int], str]
    work: Work


def rows(folder: Path) -> Iterator[Row]:
    for piece in SECRET_PIECES:
        yield Row("secrets", piece, 40_000, partial(repeated, piece), _look_for_secrets)
    for name, piece in RECORD_PIECES.items():
        yield Row("record", piece, 40_000, partial(_record, name), _read_record)
    for piece in ENCODED_PIECES:
        yield Row("redaction", piece, 20_000, partial(repeated, piece), Redactor().look)
    yield Row("kb check", "all pieces", 15_000, checked_body, partial(_check_in, folder))


def _record(name: str, characters: int) -> str:
    return record_body(record_line(name, characters))


def _look_for_secrets(text: str) -> None:
    list(find_secrets(text))
    list(find_personal_data(text))


def _read_record(text: str) -> None:
    interpret(read_document(text.encode(), NAME, FORM))


def _check_in(folder: Path, text: str) -> None:
    (folder / "postmortems").mkdir(exist_ok=True)
    (folder / "kb.toml").write_text("", encoding="utf-8")
    (folder / "postmortems" / NAME).write_text(HEAD + text, encoding="utf-8")
    check(open_library(folder), today=date(2026, 6, 1))


def growth(row: Row) -> tuple[float, float]:
    """Seconds for ten times the length, and how many times those of one length."""
    lengths = (row.shorter, TIMES * row.shorter)
    taken = [[_seconds(row, length, run) for length in lengths] for run in range(RUNS)]
    one, ten = map(min, zip(*taken, strict=True))
    return ten, ten / max(one, LEAST_SECONDS)


def _seconds(row: Row, characters: int, run: int) -> float:
    text = f"{row.text(characters)}\n{run}"
    started = time.process_time()
    row.work(text)
    return time.process_time() - started


def main() -> None:
    """Measure, print, and end with 1 where something is beyond linear."""
    worst = 0.0
    print(f"{'read':<10} {'made of':<22} {'characters':>10} {'seconds':>8} {'10 x the length':>16}")
    with tempfile.TemporaryDirectory(prefix="kb-bench-") as folder:
        for row in rows(Path(folder)):
            seconds, times = growth(row)
            worst = max(worst, times)
            print(f"{row.what:<10} {row.piece[:20]!r:<22} ", end="")
            print(f"{TIMES * row.shorter:>10} {seconds:>8.3f} {times:>14.1f} x")
    print(f"worst {worst:.1f} x; 10 is linear, 100 a square, {MOST} the most allowed")
    sys.exit(worst > MOST)


if __name__ == "__main__":
    main()
