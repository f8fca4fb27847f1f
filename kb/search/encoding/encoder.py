"""What is the vector of a text? The compiled encoder, opened from the user's cache without torch.

The cache folder of an encoder is named by everything that makes its vectors: weights, tokenizer,
pooling, precision and length. Another folder, another vector; the same folder, the same vector.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict
from functools import cached_property
from pathlib import Path, PurePath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from kb.errors import KbError
from kb.safe_files import Root, open_named
from kb.search.encoding.card import EncoderCard, card_of
from kb.search.encoding.source import ModelSource, external_data
from kb.search.encoding.whole import has_its_size, write_sums

Vectors = NDArray[np.float32]
#: Called with what is being done, how much of it is done, and how much there is.
Progress = Callable[[str, int, int], None]

#: Tokens of one batch, padding included. Small batches stay in the cache of two cores: measured
#: 55 passages/s with 8 long passages at a time, 48 with 16, 38 with 32 and 28 with 64.
_BATCH_TOKENS = 2048
_THREADS = min(2, os.cpu_count() or 1)
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
        tokens = self._tokenizer.encode_batch([text or " " for text in texts])
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
    except (OSError, ValueError, TypeError):
        return None
    present = (folder / "model.onnx").is_file() and (folder / "tokenizer.json").is_file()
    return Encoder(folder, card) if present and has_its_size(folder) else None


def install_encoder(source: ModelSource, precision: str = "fp32") -> Encoder:
    """The encoder of a model, compiled into the cache if it is not there.

    Raises `KbError` when the model cannot be compiled on this machine.
    """
    card = card_of(source, precision)
    if (found := open_encoder(card.key)) is not None:
        return found
    home = cache_folder()
    try:
        root = Root(home)
        root.make_folder(PurePath())
        with root.temporary_folder() as name:  # those of killed runs are swept
            _fill(home / name, source, card)
            _put_in_place(root, name, card.key)
    except OSError as error:
        raise KbError(
            f"the encoder cannot be written: {error.strerror or error}",
            where=str(home),
            todo="Free space there, or set XDG_CACHE_HOME to a folder you may write to.",
        ) from error
    return Encoder(home / card.key, card)


def _put_in_place(root: Root, made: PurePath, key: str) -> None:
    """Rename the finished folder; another process that was faster has made the same one."""
    try:
        root.rename(made, key)
    except OSError:
        if open_encoder(key) is None:
            root.remove_tree(key)
            root.rename(made, key)


def _fill(folder: Path, source: ModelSource, card: EncoderCard) -> None:
    if source.onnx is not None:
        _copy(source.onnx, folder, "model.onnx")
        for data in external_data(source.onnx):
            _copy(data, folder, data.name)
    else:
        _run_compiler(source, [str(source.folder), str(folder)])
    if card.precision == "int8":
        _run_compiler(source, ["--int8", str(folder)])
    _copy(source.folder / "tokenizer.json", folder, "tokenizer.json")
    if source.onnx is not None:
        _prove(Encoder(folder, card), source.onnx)
    write_sums(folder)
    Root(folder).write_text("encoder.json", json.dumps(asdict(card), indent=1))


def _copy(file: Path, folder: Path, name: str) -> None:
    with open_named(file) as stream:
        Root(folder).copy_in(stream, name)


def _prove(encoder: Encoder, graph: Path) -> None:
    """Refuse a ready graph that gives no vectors as long as the model says, or all the same."""
    try:
        vectors = encoder.encode(["The refund was paid twice.", "Knead the dough."])
        sound = bool(np.isfinite(vectors).all()) and float(vectors[0] @ vectors[1]) < _SAME
    except KbError:
        raise
    except Exception:  # noqa: BLE001 - the runtime has errors of many kinds for a wrong graph
        sound = False
    if not sound:
        raise KbError(
            "this graph does not give the vectors that the model's settings name",
            where=str(graph),
            todo="Export it again, or use a folder with weights.",
        )


def remove_encoder(key: str) -> None:
    """Forget a compiled encoder, so that it is compiled again."""
    with suppress(OSError):
        Root(cache_folder()).remove_tree(key)


def _run_compiler(source: ModelSource, arguments: list[str]) -> None:
    command = [sys.executable, "-m", "kb.search.encoding.compile", *arguments]
    environment = {**os.environ, "OMP_NUM_THREADS": str(_THREADS), "HF_HUB_OFFLINE": "1"}
    answer = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if answer.returncode == 0:
        return
    reason = (answer.stderr.strip().splitlines() or ["it gave no reason"])[-1]
    raise KbError(
        f"the encoder could not be compiled ({reason[:200]})",
        where=str(source.folder),
        todo="Install what compiles it: pip install 'postmortem-kb[models]'.",
    )


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
