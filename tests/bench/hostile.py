"""Does a text made to choke patterns cost its length, or the square of it?

    python tests/bench/hostile.py

Each text is read at one length and at ten times that, in turn, the best of three each. Ten is
linear and a square is 100; beyond 60 the bench fails.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import timeit
from collections.abc import Callable, Iterator
from datetime import date
from functools import partial
from pathlib import Path, PurePath

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from hostile import (  # noqa: E402
    ENCODED_PIECES,
    RECORD_PIECES,
    SECRET_PIECES,
    checked_body,
    record_body,
    record_line,
    repeated,
)

from kb.library import open_library  # noqa: E402
from kb.lint.check import check  # noqa: E402
from kb.records.document import read_document  # noqa: E402
from kb.records.form import build_form  # noqa: E402
from kb.records.model import interpret  # noqa: E402
from kb.runs.privacy.redact import Redactor  # noqa: E402
from kb.sensitive.personal import find_personal_data  # noqa: E402
from kb.sensitive.secrets import find_secrets  # noqa: E402

#: Between linear (10) and a square (100), for other work makes single runs waver.
MOST = 60
TIMES = 10
RUNS = 3
#: Below this a run is start-up and no reading.
LEAST_SECONDS = 0.001

FORM = build_form()
NAME = PurePath("2026-04-12-x.md")
HEAD = "---\ntitle: x\ndate: 2026-04-12\nstatus: published\n---\n# x\n"

#: Given a number of characters, the work on a text of that length.
Work = Callable[[int], Callable[[], object]]


def works() -> Iterator[tuple[str, str, int, Work]]:
    """What is read, the piece it is made of, the shorter length in characters, and the work."""
    for piece in SECRET_PIECES:
        yield "secrets", piece, 40_000, partial(_look_for_secrets, piece)
    for name, piece in RECORD_PIECES.items():
        yield "record", piece, 40_000, partial(_read_record, name)
    for piece in ENCODED_PIECES:
        yield "redaction", piece, 20_000, partial(_redact, piece)


def _look_for_secrets(piece: str, characters: int) -> Callable[[], object]:
    text = repeated(piece, characters)
    return lambda: (list(find_secrets(text)), list(find_personal_data(text)))


def _read_record(name: str, characters: int) -> Callable[[], object]:
    raw = record_body(record_line(name, characters)).encode()
    return lambda: interpret(read_document(raw, NAME, FORM))


def _redact(piece: str, characters: int) -> Callable[[], object]:
    text = repeated(piece, characters)
    return lambda: Redactor().look(text)


def _check_in(folder: Path, characters: int) -> Callable[[], object]:
    root = folder / str(characters)
    (root / "postmortems").mkdir(parents=True)
    (root / "kb.toml").write_text("", encoding="utf-8")
    (root / "postmortems" / NAME).write_text(HEAD + checked_body(characters), encoding="utf-8")
    return lambda: check(open_library(root), today=date(2026, 6, 1))


def growth(work: Work, characters: int) -> tuple[float, float]:
    """Seconds for ten times the length, and how many times those of one length."""
    shorter, longer = work(characters), work(TIMES * characters)
    taken = [
        (timeit.timeit(shorter, number=1), timeit.timeit(longer, number=1)) for _ in range(RUNS)
    ]
    one, ten = (min(column) for column in zip(*taken, strict=True))
    return ten, ten / max(one, LEAST_SECONDS)


def main() -> None:
    """Measure, print, and end with 1 where something is beyond linear."""
    folder = Path(tempfile.mkdtemp(prefix="kb-bench-"))
    rows = [*works(), ("kb check", "all pieces", 15_000, partial(_check_in, folder))]
    worst = 0.0
    print(f"{'read':<10} {'made of':<22} {'characters':>10} {'seconds':>8} {'10 x the length':>16}")
    for what, piece, characters, work in rows:
        seconds, times = growth(work, characters)
        worst = max(worst, times)
        length = TIMES * characters
        print(f"{what:<10} {piece[:20]!r:<22} {length:>10} {seconds:>8.3f} {times:>14.1f} x")
    shutil.rmtree(folder)
    print(f"worst {worst:.1f} x; 10 is linear, 100 a square, {MOST} the most allowed")
    sys.exit(worst > MOST)


if __name__ == "__main__":
    main()
