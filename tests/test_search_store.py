"""The vector store on bad days: torn rows, flipped bits, two writers."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from kb.search.encoder.vector_store import VectorStore, text_key

KEYS = [text_key(text) for text in ("one", "two", "three")]
VECTORS = np.arange(12, dtype=np.float32).reshape(3, 4)


def test_what_was_appended_is_found(tmp_path: Path) -> None:
    store = VectorStore(tmp_path / "vectors", 4)
    store.append(KEYS, VECTORS)
    found = store.find([KEYS[2], text_key("absent")])
    assert list(found) == [KEYS[2]]
    assert np.array_equal(found[KEYS[2]], VECTORS[2])


def test_a_store_that_is_not_there_holds_nothing(tmp_path: Path) -> None:
    assert VectorStore(tmp_path / "vectors", 4).find(KEYS) == {}


def test_a_killed_build_leaves_at_most_one_row_to_do_again(tmp_path: Path) -> None:
    store = VectorStore(tmp_path / "vectors", 4)
    store.append(KEYS, VECTORS)
    with store.path.open("r+b") as stream:
        stream.truncate(store.path.stat().st_size - 7)
    assert set(store.find(KEYS)) == set(KEYS[:2])
    store.append(KEYS[2:], VECTORS[2:])
    assert set(store.find(KEYS)) == set(KEYS)


def test_a_flipped_bit_is_not_used_and_is_mended_by_the_next_build(tmp_path: Path) -> None:
    store = VectorStore(tmp_path / "vectors", 4)
    store.append(KEYS, VECTORS)
    raw = bytearray(store.path.read_bytes())
    raw[30] ^= 1
    store.path.write_bytes(raw)
    assert set(store.find(KEYS)) == set(KEYS[1:])
    store.append(KEYS[:1], VECTORS[:1])
    assert set(store.find(KEYS)) == set(KEYS)


def test_writers_at_the_same_time_lose_nothing(tmp_path: Path) -> None:
    store = VectorStore(tmp_path / "vectors", 4)
    keys = [text_key(str(number)) for number in range(200)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda key: store.append([key], VECTORS[:1]), keys))
    assert set(store.find(keys)) == set(keys)


def test_old_rows_that_nothing_uses_are_dropped_and_the_newest_of_them_kept(tmp_path: Path) -> None:
    store = VectorStore(tmp_path / "vectors", 4)
    keys = [text_key(str(number)) for number in range(10)]
    store.append(keys, np.arange(40, dtype=np.float32).reshape(10, 4))
    assert store.shed({keys[0], keys[5]}, spare=3) == 5
    assert len(store) == 5
    found = store.find(keys)
    assert set(found) == {keys[0], keys[5], *keys[7:]}
    assert found[keys[5]].tolist() == [20, 21, 22, 23]
    assert store.shed({keys[0], keys[5]}, spare=3) == 0


def test_a_reader_keeps_what_it_has_mapped_while_rows_are_dropped(tmp_path: Path) -> None:
    store = VectorStore(tmp_path / "vectors", 4)
    store.append(KEYS, VECTORS)
    mapped = store._rows()
    store.shed((), spare=0)
    assert mapped is not None
    assert mapped["vector"][2].tolist() == [8, 9, 10, 11]
    assert len(store) == 0


def test_vectors_in_the_local_folder_stay_out_of_git(tmp_path: Path) -> None:
    VectorStore(tmp_path / ".kb" / "vectors", 4).append(KEYS, VECTORS)
    assert (tmp_path / ".kb/.gitignore").read_text() == "*\n"
