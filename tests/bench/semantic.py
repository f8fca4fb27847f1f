"""Is search by meaning in the browser right, quick, and better than search by words alone?

    python tests/bench/semantic.py [--json]

A site of the casebook is built and opened in a real browser. The browser's vectors are compared
with the library's own encoder; loading and asking are timed; and four lists of questions are put to

    words      Pagefind as it comes, which wants nearly every word on a page
    loosely    Pagefind asked word by word
    bm25       the word search of `kb similar`
    meaning    the best passage of each record by cosine
    both       words, loosely and meaning as the search box fuses them

with 95 % bootstrap intervals, differences paired by question. The value of words in the fusion was
chosen on `site-prompts` and `names`; `prompts` was written by somebody else. The form of the fusion
was chosen with all four lists in view, so `both` is somewhat flattered everywhere. Prompts were
written by readers of the casebook to be found by sense, which favours meaning; `names` are words of
a single record, which favours words. Leave-one-out asks each record's title of the others; a shared
class is relevant.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import statistics
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))

from kb.library import Library, open_library  # noqa: E402
from kb.repo import open_repo  # noqa: E402
from kb.search.bm25 import bag_of  # noqa: E402
from kb.search.index.index import Index, open_index, ready_encoder  # noqa: E402
from kb.search.indexed_records.passages import plain_text  # noqa: E402
from kb.site.build_site import Build, build_site  # noqa: E402
from kb.site.gather import SiteRequest, gather  # noqa: E402
from kb.site.related_incidents import no_search  # noqa: E402
from playwright.sync_api import sync_playwright  # noqa: E402

from test_browser import CHROMIUM_ARGUMENTS, chromium_path, copied_casebook, served  # noqa: E402

NOW = datetime(2026, 11, 1, tzinfo=UTC)
MEASURES = ("success@1", "success@5", "nDCG@10")
LOAD = """async () => {
  const { load } = await import(new URL("semantic/encoder.js", location.href));
  const started = performance.now();
  window.ask = await load(new URL("semantic/", location.href), () => {});
  return performance.now() - started;
}"""
VECTOR = """async (text) => {
  const started = performance.now();
  const vector = await ask("vector", { text });
  return [Array.from(vector), performance.now() - started];
}"""
#: The search box's own steps, with one incident taken out of all of them.
RANK = """async ([text, without]) => {
  const here = (path) => new URL(path, location.href).href;
  const pagefind = await import(here("pagefind/pagefind.js"));
  const { fused } = await import(here("semantic/fusion.js"));
  const { loosely } = await import(here("assets/kb/words.js"));
  const id = (url) => (/incidents\\/([^/]+)\\//.exec(url) || [""])[1];
  const read = async (results) =>
    (await Promise.all(results.map((one) => one.data()))).map(({ url }) => id(url));
  const kept = (ids) => ids.filter((one) => one && one !== without);
  const words = kept(await read((await pagefind.search(text)).results.slice(0, 11))).slice(0, 10);
  const near = (await ask("search", { text })).filter((one) => one.id !== without);
  const loose = await loosely(pagefind, text, {}, near.length);
  const ids = await read(loose.map(({ result }) => result));
  const shares = new Map(ids.map((one, place) => [one, loose[place].share]));
  return {
    words, loosely: kept(ids),
    meaning: fused([], new Map(), near), both: fused(words, shares, near),
  };
}"""


class Question(NamedTuple):
    text: str
    expected: frozenset[str]
    asker: str = ""


def listed(name: str) -> list[Question]:
    lines = (ROOT / "tests/data" / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()
    rows = map(json.loads, filter(str.strip, lines))
    return [Question(row["text"], frozenset(row["expected"])) for row in rows]


def left_out(library: Library) -> list[Question]:
    """Each record's title, asked of all the others."""
    rows = library.published
    found = (
        Question(
            one.title,
            frozenset(r.id for r in rows if r.id != one.id and set(r.classes) & set(one.classes)),
            one.id,
        )
        for one in rows
    )
    return [question for question in found if question.expected]


def names(library: Library) -> list[Question]:
    """One word of each record that no other has: a proper name of title or summary if any."""
    texts = {
        record.id: " ".join((record.title, *(plain_text(s.text) for s in record.sections)))
        for record in library.published
    }
    seen = Counter(
        w for text in texts.values() for w in set(re.findall(r"[a-z]{5,}", text.lower()))
    )
    found = []
    for record in library.published:
        first = plain_text(next(s.text for s in record.sections if s.key == "summary"))
        told = f"{record.title} . {first}"
        words = re.findall(r"(?<=[a-z,] )[A-Z][A-Za-z]{4,}", told) + re.findall(r"[a-z]{6,}", first)
        rare = [word for word in words if seen[word.lower()] == 1]
        if rare:
            found.append(Question(rare[0], frozenset({record.id})))
    return found


def measures(ranked: Sequence[str], expected: frozenset[str]) -> tuple[float, float, float]:
    gains = [1 / np.log2(place + 2) for place in range(10)]
    gained = sum(g for g, one in zip(gains, ranked, strict=False) if one in expected)
    best = sum(gains[: len(expected)])
    first = bool(ranked) and ranked[0] in expected
    return float(first), float(bool(expected & set(ranked[:5]))), gained / best


def intervals(values: NDArray[np.float64]) -> list[tuple[float, float, float]]:
    """Mean, and where 95 % of the means of resampled questions lie."""
    drawn = np.random.default_rng(1).integers(0, len(values), (5000, len(values)))
    means = values[drawn].mean(axis=1)
    low, high = np.percentile(means, [2.5, 97.5], axis=0)
    return [
        (float(m), float(a), float(b)) for m, a, b in zip(values.mean(0), low, high, strict=True)
    ]


def by_bm25(index: Index, question: Question) -> list[str]:
    """What `kb similar` would find by words alone."""
    scores = index.generation.collection.postings.scores(bag_of([question.text]))
    ids = [index.entries[place].id for place in np.argsort(-scores, kind="stable")]
    return [one for one in ids if one != question.asker]


def quality(
    page: Any, index: Index, questions: list[Question]
) -> dict[str, list[tuple[float, float, float]]]:
    answers = [page.evaluate(RANK, [q.text, q.asker]) for q in questions]
    for answer, question in zip(answers, questions, strict=True):
        answer["bm25"] = by_bm25(index, question)
    systems = ("words", "loosely", "bm25", "meaning", "both")
    found = {
        system: np.array(
            [measures(a[system], q.expected) for a, q in zip(answers, questions, strict=True)]
        )
        for system in systems
    }
    for other in ("words", "bm25"):
        found[f"both − {other}"] = found["both"] - found[other]
    return {name: intervals(rows) for name, rows in found.items()}


def fidelity(page: Any, library: Library, texts: list[str]) -> dict[str, float]:
    """Cosine of the browser's vector with the library's, and milliseconds a text."""
    found = [page.evaluate(VECTOR, text) for text in texts]
    own = ready_encoder(library).encode(texts)
    cosines = (np.array([vector for vector, _ in found]) * own).sum(axis=1)
    return {
        "texts": len(texts),
        "cosine, least": float(cosines.min()),
        "cosine, median": float(np.median(cosines)),
        "query, median ms": statistics.median(took for _, took in found),
        "query, slowest ms": max(took for _, took in found),
    }


def measured(folder: Path) -> dict[str, Any]:
    copied_casebook(folder)
    # Passages embedded once on this machine need not be embedded again.
    (folder / "kb.toml").write_text(f"[search]\nvectors = '{ROOT / '.kb'}'\n", encoding="utf-8")
    library = open_library(folder)
    site = gather(library, open_repo(folder), SiteRequest(NOW, no_search))
    build_site(library, site, Build(folder / "site", with_meaning=True), lambda text: None)
    sizes = [path.stat().st_size for path in (folder / "site/semantic").iterdir()]
    lists = {
        "prompts": listed("prompts"),
        "site-prompts": listed("site-prompts"),
        "names": names(library),
        "leave-one-out": left_out(library),
    }
    texts = [q.text for q in lists["prompts"]] + [record.title for record in library.published]
    index = open_index(library)
    server = served(folder / "site")
    with sync_playwright() as running:
        browser = running.chromium.launch(executable_path=chromium_path(), args=CHROMIUM_ARGUMENTS)
        page = browser.new_page()
        page.goto(next(server))
        first, kept = page.evaluate(LOAD), page.evaluate(LOAD)
        result = {
            "semantic folder, MB": sum(sizes) / 1e6,
            "loading from this machine, ms": first,
            "loading what the browser kept, ms": kept,
            **fidelity(page, library, texts),
            "quality": {f"{n} ({len(q)})": quality(page, index, q) for n, q in lists.items()},
        }
        browser.close()
    server.close()
    return result


def show(result: dict[str, Any]) -> None:
    for name, value in result.items():
        if name != "quality":
            print(f"{name:<36} {value:10.4g}")
    for name, systems in result["quality"].items():
        print(f"\n{name:<24}" + "".join(f"{measure:<22}" for measure in MEASURES))
        for system, rows in systems.items():
            cells = (f"{mean:.3f} [{low:.3f}, {high:.3f}]" for mean, low, high in rows)
            print(f"  {system:<22}" + "".join(f"{cell:<22}" for cell in cells))


def main() -> None:
    """Build, open, ask, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="kb-bench-"))
    try:
        result = measured(folder)
    finally:
        shutil.rmtree(folder)
    if arguments.json:
        sys.stdout.write(json.dumps(result) + "\n")
    else:
        show(result)


if __name__ == "__main__":
    main()
