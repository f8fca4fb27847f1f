"""Typing in an editor: keystroke to diagnostics, completion, and the refresh of earlier incidents.

A real server process is asked by pygls' client, over libraries of 57 records (the casebook) and of
3,000 copies of them under other names. Each number is the median, and the worst, of 30 keystrokes.
"""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

sys.path.insert(0, str(Path(__file__).parents[1]))

from lsprotocol import types

from lsp_client import Editor, editing

ROOT = Path(__file__).parents[2]
SIZES = (57, 3_000)
KEYSTROKES = 30
#: What issue and documentation promise, in milliseconds.
LIMITS = {"diagnostics": 100.0, "earlier incidents": 60.0}
NAME = "2026-11-18-support-assistant-promised.md"


def main() -> None:
    """Print a row a size and kind; exit 1 where a median is above what is promised."""
    failed = False
    for size in SIZES:
        with TemporaryDirectory() as folder:
            root = Path(folder)
            _library(root, size)
            rows = asyncio.run(_typed(root)) | _searched(root)
            for name, seconds in rows.items():
                median, worst = statistics.median(seconds) * 1000, max(seconds) * 1000
                over = median > LIMITS.get(name, float("inf"))
                failed |= over
                mark = f"  more than {LIMITS[name]:g} ms" if over else ""
                print(f"{size:>5} records  {name:<20} {median:7.1f} ms  worst {worst:7.1f}{mark}")
    sys.exit(failed)


def _library(root: Path, size: int) -> None:
    records = root / "postmortems"
    records.mkdir()
    (root / "kb.toml").write_text("", encoding="utf-8")
    originals = sorted((ROOT / "postmortems").glob("20*.md"))
    for number in range(size):
        file = originals[number % len(originals)]
        again = number // len(originals)
        name = f"{file.stem}-{again}" if again else file.stem
        (records / f"{name}.md").write_bytes(file.read_bytes())
    (records / NAME).write_bytes((ROOT / "tests/data/draft.md").read_bytes())
    command = [sys.executable, "-m", "kb", "build"]
    subprocess.run(command, cwd=root, check=True, capture_output=True)


async def _typed(root: Path) -> dict[str, list[float]]:
    """Seconds from a keystroke to its diagnostics, the 20 ms of waiting included."""
    path = root / "postmortems" / NAME
    text = path.read_text(encoding="utf-8")
    found: dict[str, list[float]] = {"diagnostics": [], "completion": []}
    async with editing(root) as editor:
        uri = editor.open(path)
        await editor.checked(uri)
        await editor.lenses(uri)
        line = text[: text.index("classes: [")].count("\n")
        for number in range(KEYSTROKES):
            await asyncio.sleep(0.5)  # as long as a person thinks, so that search runs between
            start = time.perf_counter()
            version = editor.change(uri, f"{text}\nword {number}\n")
            await editor.checked(uri, version)
            found["diagnostics"].append(time.perf_counter() - start)
            found["completion"].append(await _completed(editor, uri, line))
    return found


async def _completed(editor: Editor, uri: str, line: int) -> float:
    start = time.perf_counter()
    await editor.text_document_completion_async(
        types.CompletionParams(
            types.TextDocumentIdentifier(uri), types.Position(line, len("classes: ["))
        )
    )
    return time.perf_counter() - start


def _searched(root: Path) -> dict[str, list[float]]:
    """Seconds of one refresh of the earlier incidents, after one sentence of the draft changed."""
    from datetime import date

    from kb.lsp.earlier_incidents import WarmIndex
    from kb.lsp.text_positions import Places
    from kb.lsp.workspace import OpenFile, OpenRecords

    path = root / "postmortems" / NAME
    text = path.read_text(encoding="utf-8")
    desk = OpenRecords(lambda: date(2026, 11, 30))
    warm = None
    seconds = []
    for number in range(KEYSTROKES + 3):
        changed = text.replace("refused the refund", f"refused the refund {number} times")
        record = desk.record(OpenFile("x", path, number, Places(changed)))
        assert record is not None
        warm = warm or WarmIndex(record.view.library)
        start = time.perf_counter()
        warm.ask(record)
        seconds.append(time.perf_counter() - start)
    return {"earlier incidents": seconds[3:]}


if __name__ == "__main__":
    main()
