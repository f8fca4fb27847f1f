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
cold as it is, with real ones and true matches. Records of scale lie between two real ones, with
noise; the whole of `find` is timed there on an opened index, beside ranking all of them.
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
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import numpy as np
from kb.library import Library, load_document, unread_library
from kb.search import find_similar as similar_module
from kb.search.bm25 import Bag, build_postings
from kb.search.encoder.compile_graph import compile_weights
from kb.search.encoder.encoder import Encoder, Vectors, install_encoder
from kb.search.encoder.encoder_card import card_of
from kb.search.encoder.find_model_files import DEFAULT_MODEL, ModelSource, find_source
from kb.search.encoder.torch_export import compile_model
from kb.search.encoder.vector_store import text_key, vector_store
from kb.search.evaluation.evaluate import EvaluationRequest, run_evaluation
from kb.search.find_similar import find_question
from kb.search.index.faiss_index import APPROXIMATE, RANK_ALL, nearest, write_approximate
from kb.search.index.index import Index, build_index, ready_encoder
from kb.search.index.storage import Generation
from kb.search.indexed_records.collection import Collection, record_means, starts_of
from kb.search.indexed_records.entry import read_entry
from kb.search.indexed_records.passages import Passage, embedded_text
from kb.search.query import EVERYTHING, query_from_text
from kb.search.ranking.class_posterior import fit_posterior
from kb.search.ranking.cosine_likeness import Question
from kb.search.ranking.learn import FittedModel
from kb.search.ranking.probability_calibration import Calibration

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("KB_DATA", ROOT.parent / "shared" / "data"))
QUERY = "support bot invented a refund policy and the airline had to honour it"
RUNS = 5
WITHOUT_PEERS = "--without-peers" in sys.argv
#: Without compiled modules every command compiles its own again: 0.2 s that no user waits for.
_NOT_COMPILED = "PYTHONDONTWRITEBYTECODE"
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
    """Search among many passages: by cells beside the exact scan, and all of `find`."""
    import faiss

    faiss.omp_set_num_threads(2)
    real = build_index(unread_library(ROOT)).generation
    for size in (10_000, 100_000, 1_000_000):
        with tempfile.TemporaryDirectory() as name:
            _scale_of(mixed(real, size), Path(name))


def _scale_of(made: Mixed, folder: Path) -> None:
    collection = made.index.generation.collection
    size = f"{len(collection.vectors):,} passages"
    queries = np.concatenate([question.vectors for question in made.questions])
    exact = _nearest_ten(collection.vectors, queries, None, f"exact, {size}")
    spent = seconds(lambda: write_approximate(folder, collection.vectors, collection.means))
    made.index.generation.folder = folder
    found = _find_all(made, f"find, {size}")
    if (folder / APPROXIMATE).exists():
        row(f"by cells, {size}, built in", f"{spent:.0f} s")
        near = _nearest_ten(collection.vectors, queries, folder / APPROXIMATE, f"by cells, {size}")
        row(f"by cells, {size}, recall@10", f"{_shared(near, exact):.4f}")
        similar_module.RANK_ALL = len(collection)
        everything = _find_all(made, f"find that ranks all, {size}")
        similar_module.RANK_ALL = RANK_ALL
        row(f"find, {size}, recall@10 of ranking all", f"{_shared(found, everything):.4f}")


def _nearest_ten(
    vectors: Vectors, queries: Vectors, cells: Path | None, name: str
) -> list[set[int]]:
    times, found = [], []
    for query in queries:
        start = time.perf_counter()
        found.append(set(nearest(vectors, query[None], 10, cells).tolist()))
        times.append(time.perf_counter() - start)
    row(f"{name}, p50", f"{statistics.median(times[1:]) * 1000:.1f} ms")
    return found


def _find_all(made: Mixed, name: str) -> list[set[int]]:
    """The first ten answers of every question, and how long it took; the first opens the cells."""
    query = query_from_text("a text that stands in none of these records", date(2026, 1, 1))
    times, best = [], []
    for question in made.questions:
        start = time.perf_counter()
        found = find_question(made.index, query, question, EVERYTHING)
        times.append(time.perf_counter() - start)
        best.append(set(found.ranking.places[found.order[:10]].tolist()))
    row(f"{name}, p50", f"{statistics.median(times[1:]) * 1000:.1f} ms")
    return best


def _shared(found: Sequence[set[int]], right: Sequence[set[int]]) -> float:
    """The share of the right ones that were found."""
    return float(np.mean([len(a & b) / len(b) for a, b in zip(found, right, strict=True)]))


@dataclass(frozen=True)
class Mixed:
    """A large index, and questions to it that are like its records."""

    index: Any
    questions: tuple[Question, ...]


QUESTIONS = 50
OWN_WORDS, RARE_WORDS = 60, 60_000


def mixed(real: Generation, passages: int) -> Mixed:
    """Records between two real ones: the passages of one with some of another and noise, the words
    of both with rare ones of their own, the classes of the first. The last ones ask, with a passage
    and 20 words.
    """
    known, chance = real.collection, np.random.default_rng(0)
    sizes = np.diff(known.starts)
    records = int(passages / sizes.mean()) + QUESTIONS
    one, other = (chance.integers(0, len(known), records) for _ in range(2))
    starts = starts_of(sizes[one])
    vectors = _mixed_vectors(known, one, other, chance)
    bags = _mixed_bags(real, one, other, chance)
    entries = tuple(
        msgspec.structs.replace(known.entries[place], id=f"r{number}", verdicts=())
        for number, place in enumerate(one.tolist())
    )
    kept = records - QUESTIONS
    means = record_means(vectors[: starts[kept]], starts[: kept + 1])
    collection = Collection(
        entries[:kept],
        vectors[: starts[kept]],
        starts[: kept + 1],
        means,
        build_postings(bags[:kept]),
    )
    posterior = fit_posterior(means, collection.labels, real.arrays["meanings"])
    made = SimpleNamespace(
        collection=collection,
        learned=FittedModel(posterior, Calibration()),
        folder=Path(),
        entries=entries[:kept],
        rows=lambda record: slice(int(starts[record]), int(starts[record + 1])),
        passage=lambda row_number: Passage("", f"passage {row_number}"),
    )
    made.has_file = lambda name: (made.folder / name).is_file()
    index = Index(made, None)  # type: ignore[arg-type]
    asked = range(kept, records)
    questions = (
        Question(vectors[starts[i] : starts[i] + 1], _some(bags[i], chance)) for i in asked
    )
    return Mixed(index, tuple(questions))


def _mixed_vectors(
    known: Collection, one: np.ndarray, other: np.ndarray, chance: np.random.Generator
) -> Vectors:
    sizes = np.diff(known.starts)
    rows = np.concatenate([np.arange(known.starts[i], known.starts[i + 1]) for i in one])
    beside = np.repeat(other, sizes[one])
    beside = known.starts[beside] + chance.integers(0, 1 << 30, len(rows)) % sizes[beside]
    width = known.vectors.shape[1]
    made = np.empty((len(rows), width), np.float32)
    for start in range(0, len(rows), 50_000):
        some = slice(start, start + 50_000)
        noise = chance.standard_normal((len(rows[some]), width)) * (0.6 / width**0.5)
        both = known.vectors[rows[some]] + 0.35 * known.vectors[beside[some]] + noise
        made[some] = both / np.linalg.norm(both, axis=1, keepdims=True)
    return made


def _mixed_bags(
    real: Generation, one: np.ndarray, other: np.ndarray, chance: np.random.Generator
) -> list[Bag]:
    bags = [real.bag(place) for place in range(len(real.entries))]
    rare = chance.integers(0, 2**63, RARE_WORDS).astype(np.uint64)
    likely = np.cumsum(1 / np.arange(1, RARE_WORDS + 1))
    made = []
    for first, second in zip(one.tolist(), other.tolist(), strict=True):
        own = rare[np.searchsorted(likely, chance.random(OWN_WORDS) * likely[-1])]
        parts = [_thinned(bags[first], 0.7, chance), _thinned(bags[second], 0.3, chance)]
        parts.append(Bag(own, np.ones(OWN_WORDS, np.uint16)))
        words, places = np.unique(np.concatenate([p.words for p in parts]), return_inverse=True)
        counts = np.bincount(places, np.concatenate([p.counts for p in parts]))
        made.append(Bag(words, counts.astype(np.uint16)))
    return made


def _thinned(bag: Bag, share: float, chance: np.random.Generator) -> Bag:
    kept = chance.random(len(bag.words)) < share
    return Bag(bag.words[kept], bag.counts[kept])


def _some(bag: Bag, chance: np.random.Generator) -> Bag:
    picked = np.sort(chance.choice(len(bag.words), min(20, len(bag.words)), replace=False))
    return Bag(bag.words[picked], bag.counts[picked])


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
        env=_as_installed() | (variables or {}),
        capture_output=True,
        text=True,
        check=True,
    )
    spent, busy, peak = done.stdout.split()
    return Took(float(spent), float(busy), int(peak))


def _as_installed() -> dict[str, str]:
    """The variables of this process with compiled modules kept, as those of an installed kb are."""
    kept = {name: value for name, value in os.environ.items() if name != _NOT_COMPILED}
    return kept | {"PYTHONPYCACHEPREFIX": str(Path(tempfile.gettempdir()) / "kb-bench-compiled")}


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
