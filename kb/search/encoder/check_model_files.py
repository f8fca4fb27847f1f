"""Refuses what a model folder may not bring: code, pickles, links out and foreign operators.

A model is data: weights in safetensors or a graph in ONNX, a tokenizer in JSON, and settings. No
other file of its folder is opened or copied, so that whatever lies beside them cannot run.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kb.errors import KbError

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, NodeProto, TensorProto

_SETTINGS = (
    "config.json",
    "modules.json",
    "sentence_bert_config.json",
    "config_sentence_transformers.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "vocab.txt",
    "merges.txt",
)
#: Files of words, not of settings.
_WORDS = frozenset({"tokenizer.json", "vocab.json", "added_tokens.json"})
_WEIGHTS = ("*.safetensors", "model.safetensors.index.json")
#: What is taken from a model's folder, and what is asked of the hub, as patterns of names.
PATTERNS = (
    *_SETTINGS,
    *_WEIGHTS,
    "[0-9]*_*/config.json",
    "[0-9]*_*/*.safetensors",
    "onnx/model.onnx",
    "onnx/model.onnx_data",
    "onnx/model.onnx.data",
    "model.onnx",
    "model.onnx_data",
    "model.onnx.data",
)
#: Modules of sentence-transformers by their whole names: up to 5.x all in one place, later in two.
_MODULES = {
    f"{place}{name}": kind
    for kind in ("Transformer", "Pooling", "Dense", "Normalize")
    for place, name in (
        ("sentence_transformers.models.", kind),
        (f"sentence_transformers.models.{kind}.", kind),
        (f"sentence_transformers.base.modules.{kind.lower()}.", kind),
        (f"sentence_transformers.sentence_transformer.modules.{kind.lower()}.", kind),
    )
}
#: What a dense layer may apply: its configuration names a class, which is imported and called.
_ACTIVATIONS = frozenset(
    f"torch.nn.modules.{name}"
    for name in (
        "linear.Identity",
        "activation.Tanh",
        "activation.ReLU",
        "activation.GELU",
        "activation.SiLU",
        "activation.Sigmoid",
    )
)
#: Settings that make transformers load code or another model: classes of a repository, and
#: attention kernels from the hub (transformers before 5.3).
_LOADING = frozenset(
    {
        "auto_map",
        "trust_remote_code",
        "custom_pipelines",
        "_attn_implementation",
        "_attn_implementation_internal",
        "_experts_implementation_internal",
        "attn_implementation",
        "base_model_name_or_path",
        "tokenizer_name_or_path",
    }
)
_HARMLESS = (None, False, "", "eager", "sdpa")
_PICKLES = ("*.bin", "*.pt", "*.pth", "*.pkl", "*.pickle", "*.ckpt")
#: Operators that ONNX Runtime brings itself; a graph may define functions of its own from them.
_DOMAINS = frozenset({"", "ai.onnx", "com.microsoft"})
_MOST_JSON_BYTES = 64 << 20


def refuse_unsafe(folder: Path, home: Path | None = None) -> None:
    """Raise `KbError` naming the first thing in a model's folder that is not plain data.

    Files may be links that end in `home`, by default the folder itself: the hub's cache keeps them
    in a folder beside.
    """
    inside = (home or folder).resolve()
    for path in _named_files(folder):
        if not path.is_file():
            raise _refused(path, "it is not a plain file")
        if not path.resolve().is_relative_to(inside):
            raise _refused(path, "it is a link that leads out of the model's folder")
        if path.suffix == ".json" and path.name not in _WORDS:
            _refuse_loading(path)
    module_kinds(folder)
    for path in folder.glob("[0-9]*_*/config.json"):
        activation = _read(path).get("activation_function")
        if activation is not None and activation not in _ACTIVATIONS:
            raise _refused(path, f"its activation_function {activation!r} is not one kb knows")


def allowed_files(folder: Path) -> tuple[Path, ...]:
    """The files of a model's folder that may be read, by name."""
    return tuple(path for path in _named_files(folder) if path.is_file())


def _named_files(folder: Path) -> list[Path]:
    """Whatever has the name of a file that is read: a device or a pipe, too."""
    return sorted({path for pattern in PATTERNS for path in folder.glob(pattern)})


def module_kinds(folder: Path) -> tuple[str, ...]:
    """The short names of a model's modules in their order; empty where the folder lists none.

    Raises `KbError` for a module that is not sentence-transformers' own, or that lies elsewhere.
    """
    path = folder / "modules.json"
    if not path.is_file():
        return ()
    listed = _json(path)
    if not isinstance(listed, list) or not all(isinstance(entry, dict) for entry in listed):
        raise _refused(path, "it is not a list of modules")
    return tuple(_kind(path, entry) for entry in listed)


def _kind(path: Path, entry: dict[str, Any]) -> str:
    kind = _MODULES.get(str(entry.get("type")))
    if kind is None:
        raise _refused(path, f"the module {entry.get('type')!r} is not one kb knows")
    place = str(entry.get("path", ""))
    if "/" in place or "\\" in place or place in {".", ".."}:
        raise _refused(path, f"the module's path {place!r} leads elsewhere")
    return kind


def has_pickles(folder: Path) -> bool:
    """Whether weights lie there in a format that runs code when it is read."""
    return any(True for pattern in _PICKLES for _ in folder.glob(pattern))


def graph_data(onnx: Path, home: Path | None = None) -> tuple[Path, ...]:
    """The files beside a graph that hold its weights, as the graph names them.

    Raises `KbError` for a name that leads elsewhere, for operators that are not ONNX Runtime's own
    and for a file that is no graph.
    """
    model = _graph(onnx)
    functions = {function.domain for function in model.functions}
    nodes = [*_nodes(model.graph), *(n for f in model.functions for n in _with_inner(f.node))]
    foreign = sorted({node.domain for node in nodes} - _DOMAINS - functions)
    if foreign:
        raise _refused(onnx, f"its operators are of {', '.join(foreign)}")
    inside = (home or onnx.parent).resolve()
    names = sorted({name for tensor in _tensors(model, nodes) for name in _locations(tensor)})
    return tuple(_file_beside(onnx, name, inside) for name in names)


def _graph(onnx: Path) -> ModelProto:
    from google.protobuf.message import DecodeError
    from onnx import load_model

    try:
        return load_model(onnx, load_external_data=False)
    except (DecodeError, ValueError, OSError) as error:
        raise _refused(onnx, "it is no ONNX graph") from error


def _nodes(graph: GraphProto) -> Iterator[NodeProto]:
    yield from _with_inner(graph.node)


def _with_inner(nodes: Iterable[NodeProto]) -> Iterator[NodeProto]:
    """Operators together with those of the graphs that they hold, as branches and loops do."""
    for node in nodes:
        yield node
        for attribute in node.attribute:
            for graph in (attribute.g, *attribute.graphs):
                yield from _nodes(graph)


def _tensors(model: ModelProto, nodes: Iterable[NodeProto]) -> Iterator[TensorProto]:
    """Every array of a graph: weights, and constants among the operators."""
    yield from _weights(model.graph)
    for node in nodes:
        for attribute in node.attribute:
            yield from (attribute.t, *attribute.tensors)
            for sparse in (attribute.sparse_tensor, *attribute.sparse_tensors):
                yield from (sparse.values, sparse.indices)
            for graph in (attribute.g, *attribute.graphs):
                yield from _weights(graph)


def _weights(graph: GraphProto) -> Iterator[TensorProto]:
    yield from graph.initializer
    for sparse in graph.sparse_initializer:
        yield from (sparse.values, sparse.indices)


def _locations(tensor: TensorProto) -> Iterator[str]:
    return (entry.value for entry in tensor.external_data if entry.key == "location")


def _file_beside(onnx: Path, name: str, inside: Path) -> Path:
    path = onnx.parent / name
    known = {f"{onnx.name}_data", f"{onnx.name}.data"}
    if name not in known or not path.is_file() or not path.resolve().is_relative_to(inside):
        raise _refused(
            onnx, f"its weights are said to lie in {name!r}, not in {onnx.name}.data beside it"
        )
    return path


def _refuse_loading(path: Path) -> None:
    for name in sorted(_keys(_json(path)) & _LOADING):
        raise _refused(path, f"its setting {name!r} loads code or another model")


def _keys(value: Any) -> set[str]:
    """The names of all settings, however deep, that are set to something."""
    found: set[str] = set()
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            found |= {name for name, inner in one.items() if inner not in _HARMLESS}
            waiting += one.values()
        elif isinstance(one, list):
            waiting += one
    return found


def _read(path: Path) -> dict[str, Any]:
    found = _json(path)
    return found if isinstance(found, dict) else {}


def _json(path: Path) -> Any:
    try:
        if path.stat().st_size > _MOST_JSON_BYTES:
            raise _refused(path, "it is too long for a file of settings")
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise _refused(path, "it is no JSON") from error


def _refused(path: Path, why: str) -> KbError:
    return KbError(
        f"this model is not used: {why}",
        where=str(path),
        todo="Use a model that is plain data: safetensors or ONNX, a tokenizer.json, and modules "
        "of sentence-transformers.",
    )
