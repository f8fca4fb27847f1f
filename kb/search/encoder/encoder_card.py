"""Identifies an encoder by everything about its model that another vector would need."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kb.errors import KbError
from kb.safe_files import file_sha256
from kb.search.encoder.find_model_files import ModelSource

#: Changes when the same files would give other vectors.
COMPILER_VERSION = 1
#: How a ready graph that gives one vector a token can be pooled here.
_POOLINGS = frozenset({"mean", "cls"})
_MODE = "pooling_mode_"
_MOST_TOKENS = 512


@dataclass(frozen=True)
class EncoderCard:
    """What a compiled encoder is; everything that makes its vectors."""

    model: str
    weights_sha256: str
    tokenizer_sha256: str
    pooling: str
    precision: str
    max_tokens: int
    dimension: int
    compiler: int = COMPILER_VERSION

    @property
    def key(self) -> str:
        """The identity of its vectors, 16 hexadecimal digits."""
        parts = (
            self.weights_sha256,
            self.tokenizer_sha256,
            self.pooling,
            self.precision,
            str(self.max_tokens),
            str(self.compiler),
        )
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]


def card_of(source: ModelSource, precision: str) -> EncoderCard:
    """What the encoder of a model would be, from the files of the model as they are.

    Raises `KbError` for a model that says nothing of its vectors, or a graph pooled in an unknown
    way.
    """
    pooling = _pooling(source.folder)
    if source.onnx is not None and pooling not in _POOLINGS:
        raise KbError(
            f"kb does not know how to pool a ready graph by {pooling}",
            where=str(source.folder / "1_Pooling"),
            todo="Use a folder with weights, so that the pooling is compiled in.",
        )
    return EncoderCard(
        model=source.name,
        weights_sha256=source.sha256,
        tokenizer_sha256=file_sha256(source.folder / "tokenizer.json"),
        pooling=pooling,
        precision=precision,
        max_tokens=_max_tokens(source.folder),
        dimension=_dimension(source.folder),
    )


def _pooling(folder: Path) -> str:
    settings = read_json(folder / "1_Pooling" / "config.json")
    modes = sorted(name for name, on in settings.items() if name.startswith(_MODE) and on is True)
    if not modes:
        return str(settings.get("pooling_mode") or "mean")
    names = [
        mode.removeprefix(_MODE).removesuffix("_token").removesuffix("_tokens") for mode in modes
    ]
    return "+".join(names)


def _max_tokens(folder: Path) -> int:
    """The length the model was trained to read, and at most what it has places for.

    sentence-transformers before 6 writes it into a file of its own, later into the tokenizer's.
    """
    places = _size(read_json(folder / "config.json").get("max_position_embeddings"))
    said = _size(read_json(folder / "sentence_bert_config.json").get("max_seq_length")) or _size(
        read_json(folder / "tokenizer_config.json").get("model_max_length")
    )
    return min(said or _MOST_TOKENS, places or _MOST_TOKENS)


def _size(value: Any) -> int:
    """A number of things that a settings file states, 0 for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return 0
    return max(int(value), 0)


def _dimension(folder: Path) -> int:
    """How long its vectors are: what the last dense layer gives, else what is pooled."""
    dense = [
        size
        for path in sorted(folder.glob("[0-9]*_*/config.json"))
        if (size := _size(read_json(path).get("out_features")))
    ]
    pooling = read_json(folder / "1_Pooling" / "config.json")
    sizes = (
        *reversed(dense),
        _size(pooling.get("word_embedding_dimension")),
        _size(pooling.get("embedding_dimension")),
        _size(read_json(folder / "config.json").get("hidden_size")),
    )
    length = next((size for size in sizes if size), 0)
    if not length:
        raise KbError(
            "the model does not say how long its vectors are",
            where=str(folder),
            todo="Use a folder that sentence-transformers saved.",
        )
    return length


def read_json(path: Path) -> dict[str, Any]:
    """The object in a JSON file, empty where there is none to read."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
