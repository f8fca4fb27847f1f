"""Is a compiled encoder as it was made? Sizes when it is opened, every byte in `kb build`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from kb.safe_files import Root
from kb.search.encoder.card import read_json
from kb.search.encoder.source import file_sha256

if TYPE_CHECKING:
    from kb.search.encoder.model import Encoder

_SUMS = "files.json"


def write_sums(folder: Path) -> None:
    """Write down what the files of a compiled encoder are, so that a torn one is noticed."""
    sums = {path.name: [path.stat().st_size, file_sha256(path)] for path in _large(folder)}
    Root(folder).write_text(_SUMS, json.dumps(sums, indent=1))


def _large(folder: Path) -> list[Path]:
    return sorted([*folder.glob("model.onnx*"), *folder.glob("tokenizer.json")])


def has_its_size(folder: Path) -> bool:
    """Whether every file is as long as it was made; an older cache wrote down nothing."""
    sums = read_json(folder / _SUMS)
    try:
        return all((folder / name).stat().st_size == size for name, (size, _) in sums.items())
    except (OSError, ValueError, TypeError):
        return False


def is_whole(encoder: Encoder) -> bool:
    """Whether every byte is what was compiled.

    A cache that an older version made has no sums: it is used if it can encode, and gets them.
    """
    sums = read_json(encoder.folder / _SUMS)
    if sums:
        try:
            return all(file_sha256(encoder.folder / n) == one for n, (_, one) in sums.items())
        except (OSError, ValueError, TypeError):
            return False
    try:
        encoder.encode(["one text"])
        write_sums(encoder.folder)
    except Exception:  # noqa: BLE001 - whatever a damaged graph raises
        return False
    return True
