"""Gives the vector of a text by a compiled encoder, opened from the user's cache without torch.

The cache folder of an encoder is named by everything that makes its vectors: weights, tokenizer,
pooling, precision and length. Another folder, another vector; the same folder, the same vector.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict
from functools import cached_property
from pathlib import Path, PurePath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kb.errors import KbError
from kb.safe_files import Root, file_sha256, open_named
from kb.search.encoder.compile_graph import compile_weights, quantize_graph
from kb.search.encoder.encoder_card import EncoderCard, card_of, read_json
from kb.search.encoder.find_model_files import ModelSource

_SUMS = "files.json"


def write_sums(folder: Path) -> None:
    """Write down what the files of a compiled encoder are, so that a torn one is noticed."""
    sums = {path.name: [path.stat().st_size, file_sha256(path)] for path in _large(folder)}
    Root(folder).write_text(_SUMS, json.dumps(sums, indent=1))


def _large(folder: Path) -> list[Path]:
    return sorted([*folder.glob("model.onnx*"), *folder.glob("tokenizer.json")])


def has_recorded_size(folder: Path) -> bool:
    """Whether every file is as long as it was made; an older cache wrote down nothing."""
    sums = read_json(folder / _SUMS)
    try:
        return all((folder / name).stat().st_size == size for name, (size, _) in sums.items())
    except (OSError, ValueError, TypeError, RecursionError):
        return False


def verify_checksums(encoder: Encoder) -> bool:
    """Whether every byte is what was compiled.

    A cache that an older version made has no sums: it is used if it can encode, and gets them.
    """
    sums = read_json(encoder.folder / _SUMS)
    if sums:
        try:
            return all(file_sha256(encoder.folder / n) == one for n, (_, one) in sums.items())
        except (OSError, ValueError, TypeError, RecursionError):
            return False
    try:
        encoder.encode(["one text"])
        write_sums(encoder.folder)
    except Exception:  # noqa: BLE001 - whatever a damaged graph raises
        return False
    return True


Vectors = NDArray[np.float32]
#: Called with what is being done, how much of it is done, and how much there is.
Progress = Callable[[str, int, int], None]

#: Tokens of one batch, padding included. Small ones stay in the cache of two cores: 120 passages
#: took 5.3 s of processor with 1,024, 5.8 with 2,048, 6.4 with 4,096 (sentence-transformers 9.1).
_BATCH_TOKENS = 1024
#: Characters of a text that are looked at. The tokenizer makes the tokens of a whole text before it
#: keeps the first few hundred: 10 MB took 2.7 GB. Passages are far shorter.
_MOST_CHARACTERS = 100_000
_THREADS = min(2, os.cpu_count() or 1)
#: How the name of an unfinished encoder's folder begins.
_MAKING = ".making-"
#: Cosine from which on two texts about other things count as one.
_SAME = 0.9999


def cache_folder() -> Path:
    """Where compiled encoders live: `$XDG_CACHE_HOME/postmortem-kb`, by default under ~/.cache."""
    home = os.environ.get("XDG_CACHE_HOME", "")
    base = Path(home) if Path(home).is_absolute() else Path.home() / ".cache"
    return base / "postmortem-kb" / "encoders"


class Encoder:
    """A compiled encoder. Opening reads the card; graph and tokenizer load with the first text."""

    def __init__(self, folder: Path, card: EncoderCard) -> None:
        self.folder = folder
        self.card = card

    def encode(self, texts: Sequence[str]) -> Vectors:
        """Unit rows, (n, dimension) float32, in the order of the texts."""
        vectors = np.empty((len(texts), self.card.dimension), np.float32)
        tokens = self._tokenizer.encode_batch([text[:_MOST_CHARACTERS] or " " for text in texts])
        for batch in _batches([len(item.ids) for item in tokens]):
            vectors[batch] = self._run([tokens[i] for i in batch])
        return vectors

    def _run(self, items: list[Any]) -> Vectors:
        length = max(len(item.ids) for item in items)
        ids = np.zeros((len(items), length), np.int64)
        mask = np.zeros((len(items), length), np.int64)
        for row, item in enumerate(items):
            ids[row, : len(item.ids)] = item.ids
            mask[row, : len(item.ids)] = 1
        feeds = {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids)}
        names = {entry.name for entry in self._session.get_inputs()}
        output = self._session.run(None, {k: v for k, v in feeds.items() if k in names})[0]
        if output.ndim == 3:  # noqa: PLR2004 - one vector a token: this graph leaves pooling to us
            output = _pooled(output, mask, self.card.pooling)
        norms = np.linalg.norm(output, axis=1, keepdims=True)
        return np.asarray(output / np.maximum(norms, 1e-12), np.float32)

    @cached_property
    def _tokenizer(self) -> Any:
        from tokenizers import Tokenizer

        tokenizer = Tokenizer.from_file(str(self.folder / "tokenizer.json"))
        tokenizer.enable_truncation(self.card.max_tokens)
        tokenizer.no_padding()
        return tokenizer

    @cached_property
    def _session(self) -> Any:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = _THREADS
        options.inter_op_num_threads = 1
        options.log_severity_level = 3  # the graph was checked when it was compiled
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        path = str(self.folder / "model.onnx")
        try:
            return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        except Exception as error:
            raise KbError(
                "the compiled encoder cannot be opened",
                where=path,
                todo="Delete that folder; 'kb build' compiles it again.",
            ) from error


def open_encoder(key: str) -> Encoder | None:
    """The encoder with that key, None where the cache does not hold it."""
    folder = cache_folder() / key
    try:
        card = EncoderCard(**json.loads((folder / "encoder.json").read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError, RecursionError):
        return None
    present = (folder / "model.onnx").is_file() and (folder / "tokenizer.json").is_file()
    return Encoder(folder, card) if present and has_recorded_size(folder) else None


def install_encoder(source: ModelSource, precision: str = "fp32") -> Encoder:
    """The encoder of a model, compiled into the cache if it is not there.

    Raises `KbError` when the model cannot be compiled on this machine.
    """
    card = card_of(source, precision)
    if (found := open_encoder(card.key)) is not None:
        return found
    home = cache_folder()
    root = Root(home)
    try:
        root.make_folder(PurePath())
        with Root(home.parent).lock("encoders.lock"):
            # Whoever held the lock before may have made the same one.
            return open_encoder(card.key) or _compiled(root, source, card)
    except OSError as error:
        raise KbError(
            f"the encoder cannot be written: {error.strerror or error}",
            where=str(home),
            todo="Free space there, or set XDG_CACHE_HOME to a folder you may write to.",
        ) from error


def _compiled(root: Root, source: ModelSource, card: EncoderCard) -> Encoder:
    """The encoder, made in a folder beside and renamed; those of killed makers are swept."""
    with root.temporary_folder() as made:
        _fill(root.path_of(made), source, card)
        root.remove_tree(card.key)
        root.rename(made, card.key)
    return Encoder(root.path / card.key, card)


def _fill(folder: Path, source: ModelSource, card: EncoderCard) -> None:
    if source.onnx is not None:
        _copy(source.onnx, folder, "model.onnx")
        for data in source.data:
            _copy(data, folder, data.name)
    else:
        compile_weights(source, card, folder)
    if card.precision == "int8":
        quantize_graph(folder)
    _copy(source.folder / "tokenizer.json", folder, "tokenizer.json")
    _prove(Encoder(folder, card), source.onnx or source.folder)
    write_sums(folder)
    Root(folder).write_text("encoder.json", json.dumps(asdict(card), indent=1))


def _copy(file: Path, folder: Path, name: str) -> None:
    with open_named(file) as stream:
        Root(folder).copy_in(stream, name)


def _prove(encoder: Encoder, model: Path) -> None:
    """Refuse a graph that gives no vectors as long as the model says, or all the same."""
    try:
        vectors = encoder.encode(["The refund was paid twice.", "Knead the dough."])
        sound = bool(np.isfinite(vectors).all()) and float(vectors[0] @ vectors[1]) < _SAME
    except Exception:  # noqa: BLE001 - the runtime has errors of many kinds for a wrong graph
        sound = False
    if not sound:
        raise KbError(
            "this model does not give the vectors that the model's settings name",
            where=str(model),
            todo="Export or save it again with sentence-transformers.",
        )


def remove_encoder(key: str) -> None:
    """Forget a compiled encoder, so that it is compiled again."""
    with suppress(OSError):
        Root(cache_folder()).remove_tree(key)


def _pooled(tokens: Vectors, mask: NDArray[np.int64], pooling: str) -> Vectors:
    """One vector a text from one a token, (n, length, d) -> (n, d)."""
    if pooling == "cls":
        return tokens[:, 0]
    weights = mask[:, :, None].astype(np.float32)
    return np.asarray((tokens * weights).sum(1) / weights.sum(1), np.float32)


def _batches(lengths: list[int]) -> list[list[int]]:
    """Positions in batches of similar length, shortest first, each within the token budget."""
    batches: list[list[int]] = []
    for position in sorted(range(len(lengths)), key=lambda i: (lengths[i], i)):
        fits = batches and (len(batches[-1]) + 1) * lengths[position] <= _BATCH_TOKENS
        if fits:
            batches[-1].append(position)
        else:
            batches.append([position])
    return batches
