"""Writes a small BERT encoder of random weights, with a real tokenizer of any script. No torch."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save_file
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

WIDTH, LAYERS, WIDE, PLACES = 32, 2, 64, 128
_SPECIAL = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")


def write_small_bert(folder: Path, texts: Iterable[str], seed: int = 0) -> Path:
    """A folder as sentence-transformers saves one; each letter of `texts` is a word it knows."""
    letters = sorted({letter for text in texts for letter in text.lower() if letter.strip()})
    words = [*_SPECIAL, *letters, *(f"##{letter}" for letter in letters)]
    (folder / "1_Pooling").mkdir(parents=True)
    _tokenizer(words).save(str(folder / "tokenizer.json"))
    save_file(dict(_weights(len(words), seed)), folder / "model.safetensors")
    config = {
        "model_type": "bert",
        "hidden_size": WIDTH,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": 4,
        "intermediate_size": WIDE,
        "max_position_embeddings": PLACES,
        "vocab_size": len(words),
    }
    pooling = {"word_embedding_dimension": WIDTH, "pooling_mode_mean_tokens": True}
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "1_Pooling/config.json").write_text(json.dumps(pooling))
    return folder


def _tokenizer(words: list[str]) -> Tokenizer:
    places = {word: place for place, word in enumerate(words)}
    made = Tokenizer(models.WordPiece(places, unk_token="[UNK]"))
    made.normalizer = normalizers.BertNormalizer(strip_accents=False)
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    made.post_processor = processors.BertProcessing(
        ("[SEP]", places["[SEP]"]), ("[CLS]", places["[CLS]"])
    )
    return made


def _weights(words: int, seed: int) -> Iterator[tuple[str, NDArray[np.float32]]]:
    """Embeddings count most, so that texts of the same letters lie near each other."""
    chance = np.random.default_rng(seed)

    def drawn(*shape: int, spread: float = 0.1) -> NDArray[np.float32]:
        return (chance.standard_normal(shape) * spread).astype(np.float32)

    def normed(name: str) -> Iterator[tuple[str, NDArray[np.float32]]]:
        yield f"{name}.weight", np.ones(WIDTH, np.float32)
        yield f"{name}.bias", np.zeros(WIDTH, np.float32)

    def dense(name: str, out: int, into: int) -> Iterator[tuple[str, NDArray[np.float32]]]:
        yield f"{name}.weight", drawn(out, into)
        yield f"{name}.bias", np.zeros(out, np.float32)

    yield "embeddings.word_embeddings.weight", drawn(words, WIDTH, spread=1.0)
    yield "embeddings.position_embeddings.weight", drawn(PLACES, WIDTH)
    yield "embeddings.token_type_embeddings.weight", drawn(2, WIDTH)
    yield from normed("embeddings.LayerNorm")
    for layer in (f"encoder.layer.{number}" for number in range(LAYERS)):
        for name in ("self.query", "self.key", "self.value", "output.dense"):
            yield from dense(f"{layer}.attention.{name}", WIDTH, WIDTH)
        yield from normed(f"{layer}.attention.output.LayerNorm")
        yield from dense(f"{layer}.intermediate.dense", WIDE, WIDTH)
        yield from dense(f"{layer}.output.dense", WIDTH, WIDE)
        yield from normed(f"{layer}.output.LayerNorm")
