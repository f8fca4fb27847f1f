"""Reads the weights of a model folder: safetensors in one file or in shards, as float32."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kb.errors import KbError

SINGLE = "model.safetensors"
SHARDED = "model.safetensors.index.json"
_FLOATS = frozenset({"float16", "bfloat16", "float32", "float64"})

Weights = dict[str, NDArray[Any]]


def weight_files(folder: Path) -> tuple[Path, ...]:
    """The files that hold a model's weights, an index of shards first; empty where there are none.

    Raises `KbError` where the index names a shard that is missing, or one outside the folder.
    """
    if (folder / SINGLE).is_file():
        return (folder / SINGLE,)
    index = folder / SHARDED
    if not index.is_file():
        return ()
    return (index, *(_shard(folder, name) for name in sorted(set(_weight_map(index).values()))))


def read_weights(folder: Path) -> Weights:
    """Every tensor by its name in the file; 16-bit floats become float32, integers stay.

    Raises `KbError` where a file cannot be read as safetensors.
    """
    from safetensors import SafetensorError
    from safetensors.numpy import load_file

    found: Weights = {}
    for path in weight_files(folder):
        if path.suffix != ".safetensors":
            continue
        try:
            found |= {name: _as_float32(rows) for name, rows in load_file(path).items()}
        except (OSError, ValueError, SafetensorError) as error:
            raise _unreadable(path, str(error)) from error
    return found


def _as_float32(rows: NDArray[Any]) -> NDArray[Any]:
    return rows.astype(np.float32) if rows.dtype.name in _FLOATS else rows


def _weight_map(index: Path) -> dict[str, str]:
    try:
        found = json.loads(index.read_text(encoding="utf-8"))["weight_map"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as error:
        raise _unreadable(index, "it names no shards") from error
    if not isinstance(found, dict) or not all(isinstance(name, str) for name in found.values()):
        raise _unreadable(index, "it names no shards")
    return found


def _shard(folder: Path, name: str) -> Path:
    """The file of a shard: a plain name beside the index, so that no path leads elsewhere."""
    path = folder / name
    if Path(name).name != name or path.suffix != ".safetensors" or not path.is_file():
        raise _unreadable(folder / SHARDED, f"there is no shard {name!r} beside it")
    return path


def _unreadable(path: Path, why: str) -> KbError:
    return KbError(
        f"the weights cannot be read ({why[:200]})",
        where=str(path),
        todo="Fetch the file again, or point search.model at another folder.",
    )
