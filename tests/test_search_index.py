"""The index on good and bad days: built, refreshed, damaged, shared, interrupted."""

from __future__ import annotations

import json
import multiprocessing
import os
import shutil
from pathlib import Path
from types import ModuleType

import faiss
import numpy as np
import pytest
from kb.errors import KbError
from kb.library import Library, unread_library
from kb.safe_files import Root
from kb.search.encoder.vector_store import text_key, vector_store
from kb.search.find_similar import similar
from kb.search.index import faiss_index
from kb.search.index import index as index_module
from kb.search.index.build_index import embed
from kb.search.index.index import (
    Index,
    build_index,
    index_home,
    open_index,
    ready_encoder,
)
from kb.search.ranking import class_posterior, joint_ridge, probability_calibration, rank
from kb.search.ranking.learn import learning_key

from search_library import STORIES, write_record, write_stories

pytestmark = pytest.mark.model

QUERY = "a retried refund call paid customers twice"


@pytest.fixture
def stories(library_folder: Path) -> Path:
    write_stories(library_folder)
    return library_folder


def library(root: Path) -> Library:
    return unread_library(root)


def answers(root: Path) -> list[tuple[str, float]]:
    found = similar(library(root), QUERY, limit=10)
    return [(match.id, round(match.probability, 5)) for match in found.matches]


def encoded_texts(store: Path) -> int:
    return store.stat().st_size


def the_store(root: Path) -> Path:
    return next(path for path in (root / ".kb").glob("vectors-*") if path.suffix != ".lock")


def test_a_second_build_reads_nothing(stories: Path) -> None:
    assert build_index(library(stories)).refreshed == 6
    assert build_index(library(stories)).refreshed == 0


def test_a_changed_record_is_read_before_a_question_is_answered(stories: Path) -> None:
    build_index(library(stories))
    write_record(stories, "2025-07-01-new", "Refund paid twice again", summary=f"{QUERY}.")
    found = similar(library(stories), QUERY)
    assert found.index.refreshed == 1
    assert found.matches[0].id == "2025-07-01-new"


def test_a_removed_record_is_no_answer_any_more(stories: Path) -> None:
    build_index(library(stories))
    (stories / "postmortems/2025-01-10-refund-twice.md").unlink()
    assert "2025-01-10-refund-twice" not in dict(answers(stories))


def test_a_change_of_wording_costs_the_changed_passages_only(stories: Path) -> None:
    build_index(library(stories))
    before = encoded_texts(the_store(stories))
    path = stories / "postmortems/2025-01-10-refund-twice.md"
    path.write_text(path.read_text().replace("Nothing stopped it.", "A timeout was an error."))
    open_index(library(stories))
    row = index_row_bytes(stories)
    assert encoded_texts(the_store(stories)) - before == row


def index_row_bytes(root: Path) -> int:
    return 20 + 4 + 4 * ready_encoder(library(root)).card.dimension


def test_a_refresh_equals_a_rebuild(stories: Path) -> None:
    build_index(library(stories))
    write_record(stories, "2025-07-01-new", "Refund paid twice again", summary=f"{QUERY}.")
    (stories / "postmortems/2025-04-13-web-page-injection.md").unlink()
    refreshed = open_index(library(stories))
    shutil.rmtree(index_home(stories))
    rebuilt = build_index(library(stories))
    one, other = refreshed.generation, rebuilt.generation
    assert one.entries == other.entries
    assert one.manifest.calibration == other.manifest.calibration
    for name, array in other.arrays.items():
        assert np.array_equal(one.arrays[name], array), name


def test_touching_a_file_is_no_change(stories: Path) -> None:
    build_index(library(stories))
    os.utime(stories / "postmortems/2025-01-10-refund-twice.md", (1, 1))
    assert open_index(library(stories)).refreshed == 0


def test_what_was_proved_unchanged_is_not_read_again(stories: Path) -> None:
    path = stories / "postmortems/2025-01-10-refund-twice.md"
    build_index(library(stories))
    os.utime(path, (1, 1))
    open_index(library(stories))
    seen = {state.name: state for state in open_index(library(stories)).generation.manifest.files}
    assert seen[path.name].modified_ns == 1_000_000_000


def test_an_edit_of_the_same_size_in_the_same_second_is_seen(stories: Path) -> None:
    path = stories / "postmortems/2025-01-10-refund-twice.md"
    build_index(library(stories))
    stamp = path.stat().st_mtime_ns
    path.write_text(path.read_text().replace("fourteen", "nineteen"))
    os.utime(path, ns=(stamp, stamp))
    assert open_index(library(stories)).refreshed == 1


@pytest.mark.parametrize("name", ["vectors.npy", "entries.msgpack", "texts.npy", "probe.npy"])
@pytest.mark.parametrize("harm", ["truncated", "flipped", "removed"])
def test_a_damaged_index_is_noticed_and_repaired(stories: Path, name: str, harm: str) -> None:
    expected = answers(stories)
    folder = open_index(library(stories)).generation.folder
    damage(folder / name, harm)
    assert answers(stories) == expected
    assert open_index(library(stories)).generation.folder != folder


def damage(path: Path, harm: str) -> None:
    raw = bytearray(path.read_bytes())
    if harm == "removed":
        path.unlink()
    elif harm == "truncated":
        path.write_bytes(raw[: len(raw) // 2])
    else:
        raw[-1] ^= 1
        path.write_bytes(raw)


@pytest.mark.parametrize("manifest", [b"", b"{", b"[]", b'{"format": 99}', b"\xff\xfe"])
def test_a_foreign_manifest_is_not_trusted(stories: Path, manifest: bytes) -> None:
    expected = answers(stories)
    (index_home(stories) / "manifest.json").write_bytes(manifest)
    assert answers(stories) == expected


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *(("checks", []), ("files", []), ("sections", []), ("n_records", 10**6), ("dimension", 0)),
        ("checks", [["../vectors.npy", 1, 1]]),
    ],
)
def test_a_manifest_that_does_not_fit_its_files_is_not_trusted(
    stories: Path, key: str, value: object
) -> None:
    expected = answers(stories)
    path = index_home(stories) / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_bytes()) | {key: value}))
    assert answers(stories) == expected


@pytest.mark.parametrize("name", ["entries.msgpack", "passages.faiss"])
def test_a_file_that_no_manifest_names_is_not_opened(stories: Path, name: str) -> None:
    expected = answers(stories)
    index = open_index(library(stories))
    path = index_home(stories) / "manifest.json"
    manifest = json.loads(path.read_bytes())
    manifest["checks"] = [check for check in manifest["checks"] if check[0] != name]
    path.write_text(json.dumps(manifest))
    (index.generation.folder / name).unlink(missing_ok=True)
    os.mkfifo(index.generation.folder / name)
    assert answers(stories) == expected
    assert len(open_index(library(stories)).nearest(index.generation.collection.vectors[:1], 1))


def test_an_index_of_another_library_is_not_used(
    stories: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    other = tmp_path_factory.mktemp("other")
    (other / "postmortems").mkdir()
    write_record(other, "2025-09-01-else", "Something else entirely")
    build_index(library(stories))
    shutil.copytree(stories / ".kb", other / ".kb")
    assert [entry.id for entry in open_index(library(other)).entries] == ["2025-09-01-else"]


def test_a_clone_with_the_same_vectors_embeds_nothing(
    stories: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    build_index(library(stories))
    clone = tmp_path_factory.mktemp("clones") / "clone"
    shutil.copytree(stories, clone)
    shutil.rmtree(clone / ".kb/index")
    size = encoded_texts(the_store(clone))
    build_index(library(clone))
    assert encoded_texts(the_store(clone)) == size


def test_an_interrupted_build_goes_on_where_it_stopped(stories: Path) -> None:
    def interrupt(label: str, done: int, total: int) -> None:
        if label.startswith("Embedding"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build_index(library(stories), interrupt)
    size = encoded_texts(the_store(stories))
    assert size > 0
    reports: list[str] = []
    build_index(library(stories), lambda label, done, total: reports.append(label))
    assert "Embedding passages" not in reports


def test_a_failed_write_leaves_the_old_index_as_it_was(
    stories: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = open_index(library(stories)).generation.folder

    def full(folder: Path, passages: object, means: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(index_module, "write_approximate", full)
    write_record(stories, "2025-07-01-new", "New")
    with pytest.raises(KbError, match="No space left on device"):
        open_index(library(stories))
    assert [path for path in index_home(stories).iterdir() if path.is_dir()] == [expected]


def _ask(root: str, times: int, results: multiprocessing.Queue[object]) -> None:
    try:
        for _ in range(times):
            found = similar(unread_library(Path(root)), QUERY)
            results.put((found.nothing_similar, found.matches[0].id))
    except BaseException as error:  # noqa: BLE001 - reported to the test
        results.put(error)


def _rebuild(root: str, times: int, results: multiprocessing.Queue[object]) -> None:
    try:
        for number in range(times):
            write_record(Path(root), "2025-08-01-moving", "Moving", summary=f"Text {number}.")
            results.put(build_index(unread_library(Path(root))).refreshed >= 0)
    except BaseException as error:  # noqa: BLE001 - reported to the test
        results.put(error)


def test_two_processes_read_while_two_others_build(stories: Path) -> None:
    build_index(library(stories))
    spawn = multiprocessing.get_context("spawn")
    results = spawn.Queue()
    workers = [
        *(spawn.Process(target=_ask, args=(str(stories), 5, results)) for _ in range(2)),
        *(spawn.Process(target=_rebuild, args=(str(stories), 4, results)) for _ in range(2)),
    ]
    for worker in workers:
        worker.start()
    found = [results.get(timeout=120) for _ in range(18)]
    for worker in workers:
        worker.join(timeout=60)
    assert (False, "2025-01-10-refund-twice") in found
    assert not [result for result in found if isinstance(result, BaseException)]


def test_a_question_is_answered_from_the_older_index_while_a_long_build_runs(
    stories: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    build_index(library(stories))
    write_record(stories, "2025-07-01-new", "New", summary=QUERY)
    monkeypatch.setattr(index_module, "_PATIENCE_SECONDS", 0.1)
    with Root(index_home(stories)).lock("lock"):
        found = similar(library(stories), QUERY)
    assert found.index.stale
    assert found.matches[0].id == "2025-01-10-refund-twice"


def test_an_empty_library_has_an_index_and_nothing_similar(library_folder: Path) -> None:
    found = similar(library(library_folder), QUERY)
    assert found.nothing_similar
    assert found.index.records == 0


def test_records_that_cannot_be_read_are_left_out(stories: Path) -> None:
    folder = stories / "postmortems"
    (folder / "2025-13-77-no-day.md").write_text("# x")
    (folder / "2025-07-02-bytes.md").write_bytes(b"\xff\xfe\x00\x01" * 50)
    (folder / "2025-07-03-empty.md").write_bytes(b"")
    (folder / "2025-07-04-folder.md").mkdir()
    (folder / "2025-07-05-nowhere.md").symlink_to("/nowhere")
    assert dict(answers(stories))["2025-01-10-refund-twice"] > 0.5


def test_the_same_text_is_encoded_once(stories: Path) -> None:
    opened = build_index(library(stories))
    store = vector_store(library(stories), opened.encoder)
    size = encoded_texts(store.path)
    embed(["a text", "a text", "a text"], opened.encoder, store, None)
    assert encoded_texts(store.path) - size == index_row_bytes(stories)


def test_a_vector_does_not_depend_on_its_company(stories: Path) -> None:
    encoder = open_index(library(stories)).encoder
    texts = ["short", "a somewhat longer text about refunds", "word " * 400, ""]
    together = encoder.encode(texts)
    alone = np.concatenate([encoder.encode([text]) for text in texts])
    assert np.abs(together - alone).max() < 2e-6
    assert np.allclose(np.linalg.norm(together, axis=1), 1, atol=1e-5)


def test_the_approximate_index_finds_what_the_exact_one_finds(
    stories: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(0)
    centres = rng.standard_normal((50, 64))
    points = np.repeat(centres, 100, axis=0) + rng.standard_normal((5000, 64)) * 0.5
    vectors = (points / np.linalg.norm(points, axis=1, keepdims=True)).astype(np.float32)
    monkeypatch.setattr(faiss_index, "RANK_ALL", 10)
    faiss_index.write_approximate(tmp_path, vectors, vectors[::50])
    made = faiss.read_index(str(tmp_path / faiss_index.APPROXIMATE), faiss.IO_FLAG_MMAP)
    made.nprobe = 32  # type: ignore[attr-defined]
    queries = vectors[::100]
    found, exact = made.search(queries, 10)[1], faiss.knn(queries, vectors, 10, metric=0)[1]
    shared = [len(set(a) & set(b)) for a, b in zip(found, exact, strict=True)]
    assert np.mean(shared) >= 9.8


def test_a_large_library_ranks_near_records_as_a_small_one_does(
    stories: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from kb.search import find_similar as similar_module

    everything = answers(stories)
    monkeypatch.setattr(similar_module, "RANK_ALL", 0)
    assert answers(stories) == everything


def test_cells_are_opened_once_for_many_questions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    vectors = np.eye(64, dtype=np.float32).repeat(2, axis=0)
    monkeypatch.setattr(faiss_index, "RANK_ALL", 10)
    faiss_index.write_approximate(tmp_path, vectors, vectors)
    opened: list[str] = []
    read = faiss.read_index
    monkeypatch.setattr(
        faiss, "read_index", lambda path, *flags: opened.append(path) or read(path, *flags)
    )
    cells = tmp_path / faiss_index.APPROXIMATE
    found = [faiss_index.nearest(vectors, vectors[:1], 2, cells).tolist() for _ in range(3)]
    assert found == [[0, 1]] * 3
    assert opened == [str(cells)]


def test_a_refresh_reads_the_store_of_vectors_in_pieces(
    stories: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = build_index(library(stories))
    store = vector_store(library(stories), opened.encoder)
    keys = [text_key(text) for text in ("a", "b", "c")]
    store.append(keys, np.eye(3, opened.encoder.card.dimension, dtype=np.float32))
    monkeypatch.setattr("kb.search.encoder.vector_store._LOOKED_AT_TOGETHER", 2)
    assert store.find(keys).keys() == set(keys)


def test_a_refreshed_index_is_the_one_that_a_build_from_nothing_makes(stories: Path) -> None:
    build_index(library(stories))
    write_record(stories, "2025-07-01-new", "New", summary="The agent paid a refund twice.")
    refreshed = open_index(library(stories)).generation
    shutil.rmtree(index_home(stories))
    made = open_index(library(stories)).generation
    assert refreshed.manifest.checks[0].name == "vectors.npy"
    assert {c.name: c for c in refreshed.manifest.checks} == {
        c.name: c for c in made.manifest.checks
    }
    assert refreshed.manifest.calibration == made.manifest.calibration


def many_stories(root: Path) -> Path:
    """A library of as many records as keep their curves while one changes."""
    for number in range(114):
        name, title, classes, summary = STORIES[number % len(STORIES)]
        told = f"{summary} It was the {number}th time."
        write_record(root, f"{name}-{number:03d}", title, classes=classes, summary=told)
    return root


def test_a_question_keeps_the_curves_while_few_records_change_and_a_build_fits_them(
    stories: Path,
) -> None:
    before = build_index(library(many_stories(stories))).generation.manifest
    assert before.calibration.queries > 0
    changed = stories / "postmortems/2025-01-10-refund-twice.md"
    changed.write_text(changed.read_text().replace("fourteen", "nineteen"))
    kept = open_index(library(stories)).generation
    assert (kept.manifest.behind, kept.manifest.calibration) == (1, before.calibration)
    built = build_index(library(stories)).generation
    shutil.rmtree(index_home(stories))
    made = build_index(library(stories)).generation
    assert (built.manifest.behind, built.manifest.calibration) == (0, made.manifest.calibration)
    assert {c.name: c for c in kept.manifest.checks} == {c.name: c for c in made.manifest.checks}


def test_kept_curves_say_nearly_what_new_ones_would_until_too_many_records_change(
    stories: Path,
) -> None:
    build_index(library(many_stories(stories)))
    changed = stories / "postmortems/2025-01-10-refund-twice.md"
    changed.write_text(changed.read_text().replace("fourteen", "nineteen"))
    kept = dict(answers(stories))
    build_index(library(stories))
    fitted = dict(answers(stories))
    assert kept.keys() == fitted.keys()
    assert max(abs(kept[name] - fitted[name]) for name in kept) < 0.05
    for path in sorted((stories / "postmortems").glob("*.md"))[:2]:
        path.write_text(path.read_text().replace("Nothing stopped it.", "A timeout was an error."))
    assert open_index(library(stories)).generation.manifest.behind == 0


def test_the_ridge_is_solved_again_only_where_another_record_teaches(
    stories: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    draft = write_record(stories, "2025-06-30-draft", "Draft", summary="Paid.", status="draft")
    build_index(library(stories))
    solved: list[int] = []
    word_rows = joint_ridge.word_rows
    monkeypatch.setattr(
        joint_ridge, "word_rows", lambda bags: solved.append(len(bags)) or word_rows(bags)
    )
    draft.write_text(draft.read_text("utf-8") + "\nPaid twice.\n", "utf-8")
    refreshed = open_index(library(stories)).generation
    assert solved == []
    shutil.rmtree(index_home(stories))
    assert open_index(library(stories)).generation.manifest.checks == refreshed.manifest.checks
    draft.write_text(draft.read_text("utf-8").replace("status: draft", "status: published"))
    open_index(library(stories))
    assert len(solved) == 2
    assert solved[1] == solved[0] + 1


def test_what_was_learnt_by_other_constants_is_learnt_again_and_nothing_is_read(
    stories: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = open_index(library(stories)).generation.manifest
    with monkeypatch.context() as patch:
        patch.setattr(probability_calibration, "SHIPPED", (0.1, 0.2, 0.3))
        other = open_index(library(stories)).generation.manifest
    assert other.learning != expected.learning
    again = open_index(library(stories))
    assert again.generation.manifest.learning == expected.learning
    assert (again.refreshed, again.generation.manifest.checks) == (0, expected.checks)


@pytest.mark.parametrize(
    ("module", "name"),
    [
        *(
            (probability_calibration, "_PRIOR"),
            (probability_calibration, "_PRIOR_FIRST"),
            (probability_calibration, "ENOUGH"),
        ),
        *((rank, "_LEAD"), (class_posterior, "_NOBODY_VOTES"), (joint_ridge, "_RIDGE")),
    ],
)
def test_every_constant_that_a_curve_depends_on_names_what_was_learnt(
    module: ModuleType, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = learning_key()
    monkeypatch.setattr(module, name, 7)
    assert learning_key() != before


def test_an_index_survives_a_wiped_cache(
    stories: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected: Index = open_index(library(stories))
    copy = tmp_path / "cache"
    shutil.copytree(expected.encoder.folder.parent.parent, copy / "postmortem-kb")
    monkeypatch.setenv("XDG_CACHE_HOME", str(copy))
    (copy / "postmortem-kb/encoders" / expected.encoder.card.key / "encoder.json").unlink()
    assert open_index(library(stories)).encoder.card == expected.encoder.card
