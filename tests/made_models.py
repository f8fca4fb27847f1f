"""Makes small BERT models with sentence-transformers, and what it says of them. Run with torch.

    python made_models.py FOLDER

Each model lies in a folder of its name; `expected.json` there holds its vectors of `TEXTS`, and
`typed.json` those of token ids with both types of token, taken from the transformer itself.
"""

from __future__ import annotations

import json
import sys
import warnings
from pathlib import Path
from typing import Any

TEXTS = ["the refund agent paid twice", "a", "", "agent " * 60, "Rückerstattung 退款 refund"]
IDS = [[2, 57, 58, 9, 3, 7, 3, 0], [2, 8, 3, 6, 6, 3, 0, 0]]
TYPES = [[0, 0, 0, 0, 0, 1, 1, 0], [0, 0, 0, 1, 1, 1, 0, 0]]
MASK = [[1, 1, 1, 1, 1, 1, 1, 0], [1, 1, 1, 1, 1, 1, 0, 0]]

#: Name to (settings of the transformer, pooling, whether vectors are normalised, how it is saved).
MODELS: dict[str, tuple[Any, ...]] = {
    "mean": ({}, "mean", True, ""),
    "cls": ({"num_attention_heads": 2, "layer_norm_eps": 1e-3}, "cls", False, ""),
    "tanh": ({"hidden_act": "gelu_new", "num_attention_heads": 8}, "mean", True, "half"),
    "relu": ({"hidden_act": "relu", "num_hidden_layers": 3}, "mean", True, "bfloat16"),
    "sharded": ({}, "cls", True, "sharded"),
    "headed": ({}, "mean", True, "prefixed"),
}


def main(target: Path) -> None:
    import torch

    warnings.simplefilter("ignore")
    torch.manual_seed(0)
    words = _vocabulary(target)
    for name, (settings, pooling, normalized, saved) in MODELS.items():
        folder = target / name
        _save(folder, words, settings, pooling, normalized)
        _save_otherwise(folder, saved)
        _expect(folder)


def _vocabulary(target: Path) -> Path:
    letters = "abcdefghijklmnopqrstuvwxyz"
    pieces = [*letters, *(f"##{letter}" for letter in letters), "refund", "agent"]
    path = target / "vocab.txt"
    path.write_text("\n".join(["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *pieces]))
    return path


def _save(
    folder: Path, words: Path, settings: dict[str, Any], pooling: str, normalized: bool
) -> None:
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Normalize, Pooling, Transformer
    from transformers import BertConfig, BertModel, BertTokenizerFast

    tokenizer = BertTokenizerFast(str(words))
    sizes = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4}
    config = BertConfig(
        **{"vocab_size": len(tokenizer), "intermediate_size": 64, "max_position_embeddings": 48}
        | sizes
        | settings
    )
    config.initializer_range = 0.5  # far apart, so that a wrong operator shows
    part = folder.with_name(f"{folder.name}-part")
    BertModel(config).save_pretrained(part)
    tokenizer.save_pretrained(part)
    modules = [Transformer(str(part), max_seq_length=40), Pooling(32, pooling)]
    modules += [Normalize()] if normalized else []
    SentenceTransformer(modules=modules, device="cpu").save_pretrained(str(folder))


def _save_otherwise(folder: Path, saved: str) -> None:
    """The weights in another form of the same: half as long, in shards, or of a model on top."""
    import torch
    from safetensors.torch import load_file, save_file

    path = folder / "model.safetensors"
    weights = load_file(path)
    if saved in {"half", "bfloat16"}:
        save_file({k: v.to(getattr(torch, saved)) for k, v in weights.items()}, path)
    elif saved == "prefixed":
        named = {f"bert.{name}": rows for name, rows in weights.items()}
        save_file(named | {"cls.predictions.bias": torch.zeros(3)}, path)
    elif saved == "sharded":
        path.unlink()
        halves: dict[str, dict[str, Any]] = {
            "model-00001-of-00002.safetensors": {},
            "model-00002-of-00002.safetensors": {},
        }
        for place, (name, rows) in enumerate(sorted(weights.items())):
            halves[sorted(halves)[place % 2]][name] = rows
        for name, half in halves.items():
            save_file(half, folder / name, metadata={"format": "pt"})
        named = {name: file for file, half in halves.items() for name in half}
        index = {"metadata": {}, "weight_map": named}
        (folder / "model.safetensors.index.json").write_text(json.dumps(index))


def _expect(folder: Path) -> None:
    import torch
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(str(folder), device="cpu", model_kwargs={"dtype": torch.float32})
    vectors = model.encode(TEXTS)
    (folder / "expected.json").write_text(json.dumps(vectors.tolist()))
    features = {"input_ids": IDS, "attention_mask": MASK, "token_type_ids": TYPES}
    with torch.no_grad():
        typed = model({name: torch.tensor(rows) for name, rows in features.items()})
    (folder / "typed.json").write_text(json.dumps(typed["sentence_embedding"].tolist()))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
