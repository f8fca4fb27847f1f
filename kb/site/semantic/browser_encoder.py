"""What a browser needs to encode a query: a BERT encoder's weights in 8 bits, and its words."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kb.errors import KbError
from kb.search.encoder.encoder_card import EncoderCard
from kb.search.encoder.find_model_files import INSTALL_WEIGHTS, ModelSource
from kb.site.semantic.array_file import packed, quantized_rows

Weights = Mapping[str, NDArray[np.float32]]
#: What `semantic/bert.js` computes; other values of these settings are other models.
_FAMILY = {"model_type": "bert", "hidden_act": "gelu", "position_embedding_type": "absolute"}
_LAYER_PARTS = {
    "query": "attention.self.query",
    "key": "attention.self.key",
    "value": "attention.self.value",
    "attended": "attention.output.dense",
    "attended_norm": "attention.output.LayerNorm",
    "wide": "intermediate.dense",
    "narrow": "output.dense",
    "narrow_norm": "output.LayerNorm",
}


@dataclass(frozen=True, slots=True)
class BrowserModel:
    """An encoder as files for a browser: weights, and one word piece a line in the order of ids."""

    weights: bytes
    vocabulary: bytes


def browser_model(source: ModelSource, card: EncoderCard) -> BrowserModel:
    """The encoder as a browser runs it. Raises `KbError` for models of another family."""
    settings = _json(source.folder / "config.json")
    tokenizer = _json(source.folder / "tokenizer.json")
    _demand_family(source, card, settings, tokenizer)
    arrays = dict(_arrays(_weights_by_name(source), int(settings["num_hidden_layers"])))
    facts = {
        "width": settings["hidden_size"],
        "heads": settings["num_attention_heads"],
        "layers": settings["num_hidden_layers"],
        "inner": settings["intermediate_size"],
        "epsilon": settings["layer_norm_eps"],
        "max_tokens": card.max_tokens,
    }
    return BrowserModel(packed(facts, arrays), _vocabulary(tokenizer))


def _demand_family(
    source: ModelSource, card: EncoderCard, settings: dict[str, Any], tokenizer: dict[str, Any]
) -> None:
    """Refuse what the browser would compute wrongly."""
    differing = [
        f"{name} is {settings.get(name)}"
        for name, wanted in _FAMILY.items()
        if settings.get(name, wanted) != wanted or (name == "model_type" and name not in settings)
    ]
    if card.pooling != "mean":
        differing.append(f"pooling is {card.pooling}")
    normalizer, model = tokenizer.get("normalizer") or {}, tokenizer.get("model") or {}
    if model.get("type") != "WordPiece" or not normalizer.get("lowercase"):
        differing.append("its tokenizer is not lower-case WordPiece")
    if differing:
        raise KbError(
            f"a browser can run only BERT encoders with mean pooling ({', '.join(differing)})",
            where=source.name,
            todo="Leave semantic_search out of kb.toml, or use the default search.model.",
        )


def _arrays(weights: Weights, layers: int) -> Iterator[tuple[str, NDArray[Any]]]:
    tables = {name: weights[f"embeddings.{name}_embeddings.weight"] for name in _TABLES}
    yield from _matrix("word", tables["word"])
    yield "position", tables["position"]
    yield "type", tables["token_type"][0]
    yield from _norm("norm", weights, "embeddings.LayerNorm")
    for layer in range(layers):
        for name, place in _LAYER_PARTS.items():
            path = f"encoder.layer.{layer}.{place}"
            if name.endswith("norm"):
                yield from _norm(f"{layer}.{name}", weights, path)
            else:
                yield from _matrix(f"{layer}.{name}", weights[f"{path}.weight"])
                yield f"{layer}.{name}.bias", weights[f"{path}.bias"]


_TABLES = ("word", "position", "token_type")


def _matrix(name: str, rows: NDArray[np.float32]) -> Iterator[tuple[str, NDArray[Any]]]:
    small, factors = quantized_rows(rows)
    yield name, small
    yield f"{name}.factors", factors


def _norm(name: str, weights: Weights, path: str) -> Iterator[tuple[str, NDArray[Any]]]:
    yield f"{name}.weight", weights[f"{path}.weight"]
    yield f"{name}.bias", weights[f"{path}.bias"]


def _weights_by_name(source: ModelSource) -> Weights:
    """The weights by their names in the file, without a leading `bert.`, as float32."""
    from kb.search.encoder.weights import read_weights

    read = read_weights(source.folder)
    if not read:
        raise KbError(
            "the encoder's weights cannot be read (its folder has no model.safetensors)",
            where=str(source.folder),
            todo=f"Run: {INSTALL_WEIGHTS}",
        )
    return {name.removeprefix("bert."): rows for name, rows in read.items()}


def _vocabulary(tokenizer: dict[str, Any]) -> bytes:
    words: dict[str, int] = tokenizer["model"]["vocab"]
    return "\n".join(sorted(words, key=words.__getitem__)).encode()


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise KbError(f"cannot be read: {error}", where=str(path)) from error
    return found if isinstance(found, dict) else {}
