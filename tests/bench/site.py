"""How long does a site of 3,000 records take, and how large is it, beside the engine alone?

    python tests/bench/site.py [--records N] [--runs N] [--engine mkdocs|zensical] [--json]

The library is the casebook under N names and dates, no text like another, each record beside five
others, as search would put them. Both engines are measured unless one is named. The engine alone
builds the identical folder, and Pagefind indexes the identical pages; parts and whole take turns,
medians are shown.
"whole ÷ (engine + index)" is what everything this project adds costs, in CPU seconds too: those
hardly change with what else the machine does. First results are timed in a real browser from
pressing the key, with an empty cache.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from kb.library import Library, open_library  # noqa: E402
from kb.repo import open_repo  # noqa: E402
from kb.site.build_site import Build, SiteBuild, build_site, engine_settings, work_folder  # noqa: E402
from kb.site.content import Site  # noqa: E402
from kb.site.engines import ENGINES, run_engine  # noqa: E402
from kb.site.gather import SiteRequest, gather  # noqa: E402
from kb.site.live_preview import Preview, ServedSite  # noqa: E402
from kb.site.mkdocs_settings import settings_text  # noqa: E402
from kb.site.related_incidents import Finding, RelatedRecord  # noqa: E402
from kb.site.work_folder import SEARCHED  # noqa: E402
from kb.site.write import write, write_pages, write_theme  # noqa: E402

NOW = datetime(2026, 11, 1, tzinfo=UTC)


def write_library(folder: Path, records: int) -> None:
    """The casebook's records over and over, on days going back from 2026-10-01."""
    (folder / "postmortems").mkdir(parents=True)
    (folder / "kb.toml").write_text("", encoding="utf-8")
    shutil.copy(ROOT / "mkdocs.yml", folder)
    sources = sorted((ROOT / "postmortems").glob("2*.md"))
    days = [date(2026, 10, 1) - timedelta(days=n * 2000 // records) for n in range(records)]
    names = [
        f"{day}-{sources[number % len(sources)].stem[11:]}-{number}"
        for number, day in enumerate(days)
    ]
    known = re.compile("|".join(source.stem for source in sources))
    for number, name in enumerate(names):
        source = sources[number % len(sources)]
        text = source.read_text(encoding="utf-8")
        text = text.replace(f"date: {source.name[:10]}", f"date: {days[number]}", 1)
        # No text is that of another record, and the incidents it names are those of its round.
        text = _SENTENCE_END.sub(rf"\1 in case {number}.", text)
        first = number - number % len(sources)
        text = known.sub(partial(_in_round, sources, names, first), text)
        (folder / "postmortems" / f"{name}.md").write_text(text, encoding="utf-8")


#: The end of a line that is a sentence.
_SENTENCE_END = re.compile(r"([a-z])\.$", re.MULTILINE)


def _in_round(sources: list[Path], names: list[str], first: int, found: re.Match[str]) -> str:
    """The name that a record of the casebook has among the copies from `first` on."""
    place = first + next(n for n, source in enumerate(sources) if source.stem == found[0])
    return names[place] if place < len(names) else found[0]


def neighbours(library: Library) -> Finding:
    """Five other records beside each, as search would give them."""
    chance = random.Random(1)
    ids = [record.id for record in library.published]
    passage = "The agent reported success and nothing compared the report with the world. " * 4
    return {
        record_id: tuple(
            RelatedRecord(other, 0.9, ("same class", "same missing control"), "summary", passage)
            for other in chance.sample(ids, min(5, len(ids)))
        )
        for record_id in ids
    }, ""


def site_of(library: Library) -> Site:
    return gather(library, open_repo(library.root), SiteRequest(NOW, neighbours))


def spent(work: Callable[[], object]) -> tuple[float, float]:
    """Wall and CPU seconds of some work, its processes included."""
    cpu, started = _cpu(), time.perf_counter()
    work()
    return time.perf_counter() - started, _cpu() - cpu


def _cpu() -> float:
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(one.ru_utime + one.ru_stime for one in used)


def measure(folder: Path, runs: int, engine: str) -> dict[str, float]:
    """Medians of the parts and of the whole, taken in turns, and of the ratios of each turn."""
    taken: dict[str, list[tuple[float, float]]] = {}
    made: list[SiteBuild] = []
    for _ in range(runs):
        work = _before(folder)
        turn = {
            "pre-build": lambda: _before(folder),
            "engine alone": lambda: run_engine(engine, work / "mkdocs.yml"),  # noqa: B023
            "search index alone": lambda: _index(work),  # noqa: B023
            "whole kb site": lambda: made.append(_whole(folder, engine)),
        }
        for name, part in turn.items():
            taken.setdefault(name, []).append(spent(part))
        shutil.rmtree(work / "out", ignore_errors=True)
    result: dict[str, float] = {"pages": made[-1].pages}
    for name, pairs in taken.items():
        result[f"{name}, s"] = statistics.median(wall for wall, _ in pairs)
        result[f"{name}, CPU s"] = statistics.median(cpu for _, cpu in pairs)
    result["whole ÷ (engine + index)"] = _ratio(taken, 0)
    result["the same in CPU"] = _ratio(taken, 1)
    result["site, MB"] = made[-1].size_bytes / 1e6
    result["kb, MB"] = _most_memory(resource.RUSAGE_SELF)
    result["largest process, MB"] = _most_memory(resource.RUSAGE_CHILDREN)
    box, alone = first_results(folder / f"site-{engine}")
    result["first results, s"] = box
    result["Pagefind's API alone, s"] = alone
    result["first results ÷ Pagefind alone"] = box / alone
    return result


def _most_memory(who: int) -> float:
    """The most memory that one process held: Pagefind's, at thousands of pages."""
    return resource.getrusage(who).ru_maxrss / 1024


def _ratio(taken: dict[str, list[tuple[float, float]]], unit: int) -> float:
    parts = zip(
        *(taken[name] for name in ("whole kb site", "engine alone", "search index alone")),
        strict=True,
    )
    return statistics.median(
        whole[unit] / (alone[unit] + index[unit]) for whole, alone, index in parts
    )


def _before(folder: Path) -> Path:
    """The pre-built folder and its settings, with no search index: what the engine alone gets."""
    library = open_library(folder)
    site = site_of(library)
    work = work_folder(folder, site)
    write_pages(site, library, work / "pages")
    write_theme(work / "theme", has_index=True)
    write(work, "mkdocs.yml", settings_text(engine_settings(folder, work, site)[0]))
    return work


def _whole(folder: Path, engine: str) -> SiteBuild:
    library = open_library(folder)
    build = Build(folder / f"site-{engine}", engine)
    return build_site(library, site_of(library), build, lambda text: None)


def _index(work: Path) -> None:
    """Pagefind over what it reads in a whole build, too: the pages as they are before a theme."""
    command = [sys.executable, "-m", "pagefind", "--site", str(work / SEARCHED), "--quiet"]
    subprocess.run(command, check=True, capture_output=True)


#: A reader's key and words in one go, until a result is on the screen.
_BOX = """(words) => new Promise((done) => {
  const started = performance.now();
  const dialog = document.querySelector("dialog.kb-search");
  new MutationObserver((_, seeing) => {
    if (dialog.dataset.shown !== words || !dialog.querySelector(".kb-result")) return;
    seeing.disconnect();
    requestAnimationFrame(() => setTimeout(() => done((performance.now() - started) / 1000)));
  }).observe(dialog, { attributes: true, childList: true, subtree: true });
  document.body.dispatchEvent(new KeyboardEvent("keydown", { key: "/", bubbles: true }));
  const box = dialog.querySelector("input");
  box.value = words;
  box.dispatchEvent(new Event("input"));
})"""
#: What the search box asks of Pagefind, from loading it to the words of ten results.
_ALONE = """async (words) => {
  const started = performance.now();
  const pagefind = await import(new URL("pagefind/pagefind.js", location.href).href);
  await pagefind.options({ excerptLength: 22, noWorker: true });
  await pagefind.init();
  const found = await pagefind.search(words);
  await Promise.all(found.results.slice(0, 10).map((one) => one.data()));
  return (performance.now() - started) / 1000;
}"""

#: Words that many records of the casebook have, and that few have.
_ASKED = ("refund", "deleted", "prompt", "terraform", "citations", "private", "email", "token")


def first_results(folder: Path) -> tuple[float, float]:
    """Seconds from pressing the key to results on the screen, and those of Pagefind's API alone.

    Both medians, told by the page itself with an empty cache; NaN without a browser.
    """
    try:
        from playwright.sync_api import sync_playwright

        from test_browser import CHROMIUM_ARGUMENTS, chromium_path, served
    except ImportError:
        return float("nan"), float("nan")
    server = served(folder)
    address = next(server)
    times: list[float] = []
    alone: list[float] = []
    with sync_playwright() as running:
        browser = running.chromium.launch(executable_path=chromium_path(), args=CHROMIUM_ARGUMENTS)
        for words in _ASKED:
            for script, into in ((_BOX, times), (_ALONE, alone)):
                context = browser.new_context()
                page = context.new_page()
                page.goto(address)
                into.append(page.evaluate(script, words))
                context.close()
        browser.close()
    server.close()
    return statistics.median(times), statistics.median(alone)


def edit_seconds(folder: Path, records: int, engine: str) -> float:
    """Seconds from saving a record to its page being shown anew."""
    write_library(folder, records)
    shown = ServedSite(folder / "build" / "serve")
    preview = Preview(open_library(folder), site_of, lambda text: None, shown, engine)
    preview.build()
    stop = threading.Event()
    watcher = threading.Thread(target=preview.watch, args=(stop,), daemon=True)
    watcher.start()
    path = sorted((folder / "postmortems").glob("2*.md"))[records // 2]
    page = shown.folder / "incidents" / path.stem / "index.html"
    time.sleep(1)
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("## Summary\n", "## Summary\n\nEDITED just now.\n"))
    started = time.perf_counter()
    while "EDITED just now" not in page.read_text(encoding="utf-8"):
        time.sleep(0.01)
    took = time.perf_counter() - started
    stop.set()
    watcher.join(30)
    return took


def main() -> None:
    """Build the libraries, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--records", type=int, default=3000)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--engine", choices=ENGINES)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="kb-bench-"))
    engines = (arguments.engine,) if arguments.engine else ENGINES
    try:
        write_library(folder / "a", arguments.records)
        results = {
            engine: measure(folder / "a", arguments.runs, engine)
            | {"edit shown at 300 records, s": edit_seconds(folder / engine, 300, engine)}
            for engine in engines
        }
    finally:
        shutil.rmtree(folder)
    if arguments.json:
        sys.stdout.write(json.dumps({"records": arguments.records, **results}) + "\n")
        return
    for engine, rows in results.items():
        sys.stdout.write(f"{engine}, {arguments.records} records\n")
        sys.stdout.writelines(f"  {name:<30} {value:10.2f}\n" for name, value in rows.items())


if __name__ == "__main__":
    main()
