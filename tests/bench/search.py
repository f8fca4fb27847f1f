"""How fast is search, beside its peers, in one run?

    python tests/bench/search.py [cold] [build] [refresh] [scale] [quality]

cold     `kb similar` in a new process at 500 records, beside `llm similar` with the same model and
         documents (packages llm and llm-sentence-transformers, where `python -m llm` works)
build    passages embedded a second, beside the graph that torch exports and beside
         SentenceTransformer.encode, on the same passages in turn
refresh  `kb similar` after one of 3,000 records changed
scale    search among 10⁴, 10⁵ and 10⁶ passages, recall against the exact scan
quality  `kb eval` on the corpora in KB_DATA and on the casebook, with foreign texts

Libraries are the casebook under many names; in refresh with words exchanged and random vectors, in
cold as it is, with real ones and true matches. Vectors of scale are real passages with noise; the
whole of `find` is timed there too, with synthetic words and classes.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import random
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
from kb.library import Library, load_document, unread_library
from kb.search.bm25 import Bag, build_postings
from kb.search.encoder.compile_graph import compile_weights
from kb.search.encoder.encoder import Encoder, Vectors, install_encoder
from kb.search.encoder.encoder_card import card_of
from kb.search.encoder.source import DEFAULT_MODEL, ModelSource, find_source
from kb.search.encoder.store import text_key, vector_store
from kb.search.encoder.torch_export import compile_model
from kb.search.evaluation.run import EvaluationRequest, run_evaluation
from kb.search.index.approximate import APPROXIMATE, write_approximate
from kb.search.index.index import Index, build_index, ready_encoder
from kb.search.query import EVERYTHING, query_from_text
from kb.search.ranking.calibration import Calibration
from kb.search.ranking.classes import fit_posterior
from kb.search.ranking.learn import Learned
from kb.search.ranking.likeness import Question
from kb.search.records.collection import Collection, record_means, starts_of
from kb.search.records.entry import blank_entry, read_entry
from kb.search.records.passages import embedded_text
from kb.search.similar import find_question

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("KB_DATA", ROOT.parent / "shared" / "data"))
QUERY = "support bot invented a refund policy and the airline had to honour it"
RUNS = 5
WITHOUT_PEERS = "--without-peers" in sys.argv
#: Rows that could not be measured.
FAILED: list[str] = []


def main() -> None:
    """Run the parts that were named, or all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], default=[])
    parser.add_argument("--without-peers", action="store_true", help="no llm: compare with nothing")
    for name in parser.parse_args().parts or PARTS:
        PARTS[name]()
    if FAILED:
        raise SystemExit("\n".join(FAILED))


def row(name: str, value: str) -> None:
    """Print one result."""
    print(f"{name:<58}{value:>30}", flush=True)


def cold() -> None:
    """A question in a new process at 500 records."""
    with tempfile.TemporaryDirectory() as name:
        library = made_library(Path(name), 500, real=True)
        build_index(library)
        command = [sys.executable, "-m", "kb", "similar", QUERY]
        here = median(command, library.root)
        row("kb similar, cold, 500 records", str(here))
        peer = _llm(library, Path(name) / "llm")
        if peer is None:
            row("llm similar", "not installed")
            if not WITHOUT_PEERS:
                FAILED.append("cold: no peer to compare with; install llm or say --without-peers")
            return
        there = median(*peer)
        row("llm similar, same model and documents", str(there))
        row("kb ÷ llm", f"{here.seconds / there.seconds:.3f}")


def _llm(library: Library, home: Path) -> tuple[list[str], Path, dict[str, str]] | None:
    """The peer's command, folder and variables once it has embedded the same records."""
    home.mkdir()
    variables = {"LLM_USER_PATH": str(home), "HF_HUB_OFFLINE": "1"}
    llm = [sys.executable, "-m", "llm"]
    model = str(find_source(DEFAULT_MODEL, ROOT).folder)
    records = str(library.folder)
    steps = (
        [*llm, "sentence-transformers", "register", model, "--alias", "mini"],
        [*llm, "embed-multi", "records", "--files", records, "*.md", "-m", "mini", "--store"],
    )
    for step in steps:
        done = subprocess.run(step, env=os.environ | variables, capture_output=True, check=False)
        if done.returncode != 0:
            return None
    return [*llm, "similar", "records", "-c", QUERY, "-n", "5"], library.root, variables


def build() -> None:
    """Passages embedded a second by three encoders in turn, and whether the answers are the same.

    The graph that kb builds of the weights, the one that torch exports of the same model, and
    sentence-transformers; ratios are the medians of pairs that ran one after the other.
    """
    from sentence_transformers import SentenceTransformer

    source = find_source(DEFAULT_MODEL, ROOT)
    texts = casebook_texts()[:240]
    original = SentenceTransformer(str(source.folder), device="cpu")
    with tempfile.TemporaryDirectory() as name:
        here, exported = _compiled(Path(name), source)
        works: dict[str, Callable[[], Vectors]] = {
            "here": lambda: here.encode(texts),
            "exported": lambda: exported.encode(texts),
            "original": lambda: original.encode(texts, show_progress_bar=False),
        }
        times = _in_turn(works, texts, here, exported, original)
        for name_of, label in _ENCODERS.items():
            row(label, f"{len(texts) / statistics.median(times[name_of]):.1f} passages/s")
        for other in ("exported", "original"):
            pairs = zip(times[other], times["here"], strict=True)
            ratio = statistics.median(there / mine for there, mine in pairs)
            row(f"kb ÷ {_ENCODERS[other]}", f"{ratio:.2f}")
        vectors = works["original"]()
        row("largest difference of a component", f"{abs(here.encode(texts) - vectors).max():.1e}")
        same = same_top(here.encode(texts), vectors)
        row("passages with the identical top 10", f"{same:.1%}")
        _int8(texts, here, len(texts) / statistics.median(times["original"]))


_ENCODERS = {
    "here": "kb build, fp32",
    "exported": "the graph that torch exports",
    "original": "SentenceTransformer.encode",
}


def _compiled(folder: Path, source: ModelSource) -> tuple[Encoder, Encoder]:
    """The same model as kb builds it and as torch exports it."""
    card = card_of(source, "fp32")
    found = []
    ways: tuple[tuple[str, Callable[[Path], object]], ...] = (
        ("here", lambda target: compile_weights(source, card, target)),
        ("exported", lambda target: compile_model(source.folder, target)),
    )
    for name, make in ways:
        target = folder / name
        target.mkdir()
        make(target)
        shutil.copyfile(source.folder / "tokenizer.json", target / "tokenizer.json")
        found.append(Encoder(target, card))
    return found[0], found[1]


def _in_turn(
    works: dict[str, Callable[[], Vectors]], texts: Sequence[str], *encoders: Any
) -> dict[str, list[float]]:
    """Seconds of each, one after the other, so that a busy machine is busy for all of them."""
    for encoder in encoders:
        encoder.encode(texts[:16])
    times: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(RUNS):
        for name, work in works.items():
            times[name].append(seconds(work))
    return times


def _int8(texts: Sequence[str], fp32: Encoder, there: float) -> None:
    small = install_encoder(find_source(DEFAULT_MODEL, ROOT), precision="int8")
    small.encode(texts[:16])
    speed = len(texts) / seconds(lambda: small.encode(texts))
    row("the same in int8 (an option)", f"{speed:.1f} passages/s")
    row("int8 ÷ sentence-transformers", f"{speed / there:.2f}")
    cosines = (small.encode(texts) * fp32.encode(texts)).sum(axis=1)
    row("least cosine of int8 with fp32", f"{cosines.min():.3f}")
    for file in sorted((DATA / "corpora").glob("*.jsonl")):
        row(f"nDCG@10 lost by int8, same queries, {file.stem}", f"{_int8_loss(file):+.4f}")


def _int8_loss(file: Path) -> float:
    """The mean difference over the queries of a corpus, fp32 less int8."""
    jaccard = 0.25 if file.stem == "atlas" else 0.0
    with tempfile.TemporaryDirectory() as name:
        (Path(name) / "kb.toml").write_text('[search]\nprecision = "int8"\n')
        (Path(name) / "postmortems").mkdir()
        found = [
            run_evaluation(EvaluationRequest(file, jaccard=jaccard), root)
            for root in (ROOT, Path(name))
        ]
    exact, small = (one.systems["full"]["ndcg@10"].value or 0.0 for one in found)
    return exact - small


def refresh() -> None:
    """A question after one record of 3,000 changed."""
    with tempfile.TemporaryDirectory() as name:
        library = made_library(Path(name), 3000)
        built = seconds(lambda: build_index(library))
        row("kb build, 3,000 records whose vectors are known", f"{built:.2f} s")
        command = [sys.executable, "-m", "kb", "similar", QUERY]
        row("kb similar, 3,000 records, nothing changed", str(median(command, library.root)))
        record = next(library.folder.glob("*.md"))
        times = []
        for number in range(RUNS):
            record.write_text(f"{record.read_text()}\nRemark {number} on refunds.\n")
            times.append(timed(command, library.root))
        row("kb similar after one record changed", str(sorted(times, key=str)[RUNS // 2]))


def scale() -> None:
    """Search among many passages."""
    import faiss

    real = casebook_vectors()
    faiss.omp_set_num_threads(2)
    for size in (10_000, 100_000, 1_000_000):
        vectors, queries = noisy(real, size, 0), noisy(real, 100, 1)
        exact = faiss.knn(queries, vectors, 10, metric=faiss.METRIC_INNER_PRODUCT)[1]
        one_by_one = [
            seconds(partial(faiss.knn, query[None], vectors, 10, metric=0))
            for query in queries[:20]
        ]
        row(f"exact, {size:,} passages, p50", f"{statistics.median(one_by_one) * 1000:.1f} ms")
        with tempfile.TemporaryDirectory() as name:
            _approximate(Path(name), vectors, queries, exact)
            _whole_find(Path(name), vectors, queries)


def _approximate(folder: Path, vectors: Vectors, queries: Vectors, exact: np.ndarray) -> None:
    import faiss

    made = seconds(lambda: write_approximate(folder, vectors))
    if not (folder / APPROXIMATE).exists():
        return
    index = faiss.read_index(str(folder / APPROXIMATE), faiss.IO_FLAG_MMAP)
    faiss.extract_index_ivf(index).nprobe = 32
    times, hits = [], 0
    for query, right in zip(queries, exact, strict=True):
        start = time.perf_counter()
        found = index.search(query[None], 10)[1][0]
        times.append(time.perf_counter() - start)
        hits += len(set(found) & set(right))
    name = f"by cells, {len(vectors):,} passages"
    row(f"{name}, built in", f"{made:.0f} s")
    row(f"{name}, p50", f"{statistics.median(times) * 1000:.1f} ms")
    row(f"{name}, recall@10", f"{hits / exact.size:.4f}")


def _whole_find(folder: Path, vectors: Vectors, queries: Vectors) -> None:
    """The whole search on an opened index: cells, words, classes, ranking and probabilities."""
    chance = np.random.default_rng(2)
    records = len(vectors) // 12
    starts = starts_of([12] * records)
    likely = 1 / np.arange(1, 30_001)
    words = np.sort(chance.integers(0, 2**63, 30_000).astype(np.uint64))
    drawn = chance.choice(30_000, (records, 300), p=likely / likely.sum())
    bags = [_bag(words, row) for row in drawn]
    names = [f"class-{number}" for number in range(24)]
    entries = tuple(
        blank_entry(f"r{n}", "t", date(2024, 1, 1), classes=(names[n % 24],))
        for n in range(records)
    )
    rows = vectors[: starts[-1]]
    means = record_means(rows, starts)
    collection = Collection(entries, rows, starts, means, build_postings(bags))
    posterior = fit_posterior(means, collection.labels, queries[:24])
    made = SimpleNamespace(
        collection=collection,
        learned=Learned(posterior, Calibration()),
        folder=folder,
        entries=entries,
    )
    index = Index(made, None)  # type: ignore[arg-type]
    query = query_from_text("x", date(2026, 1, 1))
    asked = [
        Question(one[None], Bag(bag.words[:20], bag.counts[:20]))
        for one, bag in zip(queries[:21], bags, strict=False)
    ]
    times = [
        seconds(partial(find_question, index, query, question, EVERYTHING)) for question in asked
    ]
    row(f"find, {len(vectors):,} passages, p50", f"{statistics.median(times[1:]) * 1000:.1f} ms")


def _bag(words: np.ndarray, drawn: np.ndarray) -> Bag:
    places, counts = np.unique(drawn, return_counts=True)
    return Bag(words[places], counts.astype(np.uint16))


def quality() -> None:
    """The measures of `kb eval`, full ranking over the best peer."""
    foreign = (ROOT / "tests/data/foreign.jsonl", ROOT / "tests/data/near.jsonl")
    files = sorted((DATA / "corpora").glob("*.jsonl")) if DATA.is_dir() else []
    for file in [*files, None]:
        jaccard = 0.25 if file and file.stem == "atlas" else 0.0
        found = run_evaluation(EvaluationRequest(file, foreign, jaccard=jaccard), ROOT)
        name = f"{found.name} ({found.queries} queries)"
        ratios = (found.ratios[measure] for measure in ("success@1", "success@5", "ndcg@10"))
        told = " ".join(f"{ratio.value:.3f}" if ratio else "—" for ratio in ratios)
        row(f"{name}, s@1 s@5 nDCG ÷ best peer", told)
        if found.shuffled_ratio is not None:
            row(f"{name}, nDCG ÷ best peer, labels at random", f"{found.shuffled_ratio:.3f}")
        if found.first_calibration_error is not None:
            row(
                f"{name}, calibration error of first answers",
                f"{found.first_calibration_error:.3f}",
            )
        row(f"{name}, calibration error", f"{found.calibration_error:.3f}")
        for stratum, (share, total) in found.foreign.items():
            row(f"{name}, {stratum} texts rejected", f"{share:.1%} of {total}")
        row(f"{name}, true rejected", f"{found.true_rejected or 0:.1%}")


def made_library(root: Path, count: int, *, real: bool = False) -> Library:
    """A library of `count` full-size records with random vectors in its store.

    `real`: records of the casebook under other ids and dates, whose vectors are those of their
    texts, so that a question has true matches to work out and to show.
    """
    (root / "kb.toml").write_text("")
    (root / "postmortems").mkdir()
    chance = random.Random(1)
    sources = [path.read_text() for path in sorted((ROOT / "postmortems").glob("20*.md"))]
    words = [word for text in sources for word in re.findall(r"[a-z]{4,}", text)]
    for number, text in zip(range(count), itertools.cycle(sources), strict=False):
        day = f"{2016 + number % 9}-{1 + number // 9 % 12:02d}-{1 + number // 108 % 28:02d}"
        head, body = text.split("\n---\n", 1)
        head = re.sub(r"(?m)^date: .*$", f"date: {day}", head)
        body = re.sub(
            r"\b[a-z]{4,}\b",
            lambda m: chance.choice(words) if not real and chance.random() < 0.15 else m[0],
            body,
        )
        path = root / "postmortems" / f"{day}-record-{number:05d}.md"
        path.write_text(f"{head}\n---\n{body}")
    library = unread_library(root)
    if not real:
        _fill_store(library, ready_encoder(library))
    return library


def _fill_store(library: Library, encoder: Encoder) -> None:
    texts = sorted(set(all_texts(library)))
    numbers = np.random.default_rng(0).standard_normal((len(texts), encoder.card.dimension))
    vectors = (numbers / np.linalg.norm(numbers, axis=1, keepdims=True)).astype(np.float32)
    vector_store(library, encoder).append([text_key(text) for text in texts], vectors)


def all_texts(library: Library) -> list[str]:
    """What the encoder would read of every record."""
    files = sorted(library.folder.glob("20*.md"))
    found = (read_entry(load_document(file, library.form, library.root)) for file in files)
    return [
        embedded_text(entry.title, passage)
        for pair in found
        if pair is not None
        for entry, passages in [pair]
        for passage in passages
    ]


def casebook_texts() -> list[str]:
    """Passages of this repository's own records."""
    return all_texts(unread_library(ROOT))


def casebook_vectors() -> Vectors:
    """Their vectors."""
    return build_index(unread_library(ROOT)).generation.collection.vectors


def noisy(real: Vectors, count: int, seed: int) -> Vectors:
    """Vectors between two real ones, with noise; unit rows."""
    chance = np.random.default_rng(seed)
    made = np.empty((count, real.shape[1]), np.float32)
    for start in range(0, count, 50_000):
        size = min(50_000, count - start)
        one, other = (real[chance.integers(0, len(real), size)] for _ in range(2))
        noise = chance.standard_normal(one.shape).astype(np.float32) * (0.6 / real.shape[1] ** 0.5)
        mixed = one + 0.35 * other + noise
        made[start : start + size] = mixed / np.linalg.norm(mixed, axis=1, keepdims=True)
    return made


def same_top(one: Vectors, other: Vectors) -> float:
    """The share of rows whose ten nearest rows are the same set in both."""
    tops = (np.argsort(-(rows @ rows.T), axis=1)[:, :10] for rows in (one, other))
    return float(np.mean([set(a) == set(b) for a, b in zip(*tops, strict=True)]))


def seconds(work: Callable[[], object]) -> float:
    """Wall time of a call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


@dataclass(frozen=True)
class Took:
    """What a process took: wall and processor seconds, peak memory in MB."""

    seconds: float
    busy_seconds: float
    memory_mb: int

    def __str__(self) -> str:
        """All three, as a row shows them."""
        return f"{self.seconds:.2f} s ({self.busy_seconds:.2f} busy), {self.memory_mb} MB"


def timed(command: list[str], folder: Path, variables: dict[str, str] | None = None) -> Took:
    """What a process took."""
    script = (
        "import resource, subprocess, sys, time, json\n"
        "start = time.perf_counter()\n"
        "subprocess.run(json.loads(sys.argv[1]), check=True, stdout=subprocess.DEVNULL)\n"
        "spent = time.perf_counter() - start\n"
        "peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss\n"
        "used = resource.getrusage(resource.RUSAGE_CHILDREN)\n"
        "print(spent, used.ru_utime + used.ru_stime, peak // 1024)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, json.dumps(command)],
        cwd=folder,
        env=os.environ | (variables or {}),
        capture_output=True,
        text=True,
        check=True,
    )
    spent, busy, peak = done.stdout.split()
    return Took(float(spent), float(busy), int(peak))


def median(command: list[str], folder: Path, variables: dict[str, str] | None = None) -> Took:
    """The medians of some runs after a warm one, and the largest peak memory."""
    timed(command, folder, variables)
    found = [timed(command, folder, variables) for _ in range(RUNS)]
    return Took(
        statistics.median(took.seconds for took in found),
        statistics.median(took.busy_seconds for took in found),
        max(took.memory_mb for took in found),
    )


PARTS: dict[str, Callable[[], None]] = {
    "cold": cold,
    "build": build,
    "refresh": refresh,
    "scale": scale,
    "quality": quality,
}

if __name__ == "__main__":
    main()
