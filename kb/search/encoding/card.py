"""What makes the vectors of an encoder? Everything about a model that another vector needs."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kb.errors import KbError
from kb.search.encoding.source import ModelSource, file_sha256

#: Changes when the same files would give other vectors.
COMPILER_VERSION = 1
#: How a ready graph that gives one vector a token can be pooled here.
_POOLINGS = frozenset({"mean", "cls"})
_MODE = "pooling_mode_"


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
    """The length the model was trained to read; 512 where it does not say."""
    return int(read_json(folder / "sentence_bert_config.json").get("max_seq_length") or 512)


def _dimension(folder: Path) -> int:
    pooling = read_json(folder / "1_Pooling" / "config.json")
    size = pooling.get("word_embedding_dimension") or read_json(folder / "config.json").get(
        "hidden_size"
    )
    if not size:
        raise KbError(
            "the model does not say how long its vectors are",
            where=str(folder),
            todo="Use a folder that sentence-transformers saved.",
        )
    return int(size)


def read_json(path: Path) -> dict[str, Any]:
    """The object in a JSON file, empty where there is none to read."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
