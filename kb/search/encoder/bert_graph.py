"""Builds the ONNX graph of a BERT encoder from its weights, without torch.

Plain operators only: ONNX Runtime fuses them itself when it opens the file, which measured faster
than the exported graph and than fused operators written out. Pooling and normalisation are part of
the graph, as in sentence-transformers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from kb.safe_files import Root, open_named, private_folder
from kb.search.encoder.weights import Weights, read_weights

if TYPE_CHECKING:
    from onnx import ModelProto, NodeProto

#: The first opset with Gelu, and the file format that came with it: ONNX Runtime reads it from
#: 1.17 on.
_OPSET, _IR_VERSION = 20, 9
#: What `hidden_act` of a configuration computes: the operator and its attributes.
_ACTIVATIONS: dict[str, tuple[str, dict[str, str]]] = {
    "gelu": ("Gelu", {}),
    "gelu_new": ("Gelu", {"approximate": "tanh"}),
    "gelu_pytorch_tanh": ("Gelu", {"approximate": "tanh"}),
    "relu": ("Relu", {}),
}
POOLINGS = frozenset({"mean", "cls"})
#: Added to the score of a padded position: the least float32, as transformers does.
_HIDDEN = float(np.finfo(np.float32).min)
#: Parts of a checkpoint that no sentence vector goes through.
_UNUSED = ("pooler.", "cls.", "embeddings.position_ids")
INPUTS = ("input_ids", "attention_mask", "token_type_ids")
OUTPUT = "sentence_embedding"


@dataclass(frozen=True)
class BertShape:
    """The numbers of a BERT encoder that its weights do not tell, and how its tokens are pooled."""

    width: int
    layers: int
    heads: int
    epsilon: float
    activation: str
    pooling: str
    normalized: bool


class NotPlainBertError(ValueError):
    """Says in words what of a model this module does not build."""


def bert_shape(
    config: Mapping[str, Any], modules: Sequence[str], pooling: str, max_tokens: int
) -> BertShape:
    """The shape of an encoder from its `config.json`, the names of its modules and its pooling.

    Raises `NotPlainBertError` naming the first thing that would compute something else.
    """
    _demand_family(config, modules, pooling)
    try:
        shape = BertShape(
            width=int(config["hidden_size"]),
            layers=int(config["num_hidden_layers"]),
            heads=int(config["num_attention_heads"]),
            epsilon=float(config.get("layer_norm_eps", 1e-12)),
            activation=str(config.get("hidden_act", "gelu")),
            pooling=pooling,
            normalized="Normalize" in modules,
        )
        places = int(config.get("max_position_embeddings", 512))
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        raise NotPlainBertError(f"config.json does not say {error}") from error
    fits = shape.heads > 0 and shape.width % shape.heads == 0
    _demand(fits, f"{shape.width} components do not divide by {shape.heads} heads")
    _demand(max_tokens <= places, f"it reads {max_tokens} tokens and knows {places} places")
    return shape


def _demand_family(config: Mapping[str, Any], modules: Sequence[str], pooling: str) -> None:
    _demand(config.get("model_type") == "bert", f"model_type is {config.get('model_type')}")
    activation = str(config.get("hidden_act", "gelu"))
    _demand(activation in _ACTIVATIONS, f"hidden_act is {activation}")
    position = config.get("position_embedding_type") or "absolute"
    _demand(position == "absolute", f"position_embedding_type is {position}")
    for name in ("is_decoder", "add_cross_attention"):
        _demand(not config.get(name), f"{name} is set")
    plain = tuple(modules[:2]) in {(), ("Transformer", "Pooling")}
    plain = plain and tuple(modules[2:]) in {(), ("Normalize",)}
    _demand(plain, f"its modules are {', '.join(modules)}")
    _demand(pooling in POOLINGS, f"pooling is {pooling}")


def _demand(holds: bool, otherwise: str) -> None:
    if not holds:
        raise NotPlainBertError(otherwise)


def write_bert(source: Path, shape: BertShape, target: Path) -> None:
    """Write the graph of a model folder as `target`, its weights beside it as `TARGET.data`.

    Raises `KbError` for weights that cannot be read, `NotPlainBertError` for such of another model.
    """
    import onnx

    model = bert_graph(read_weights(source), shape)
    beside = f"{target.name}.data"
    folder = Root(target.parent)
    # onnx writes by itself, for its owner's eyes alone; an image that root builds runs as another.
    with private_folder() as private:
        graph = private.path / target.name
        onnx.save_model(model, graph, save_as_external_data=True, location=beside)
        for name in (beside, target.name):
            with open_named(private.path / name) as stream:
                folder.copy_in(stream, name)


def bert_graph(weights: Weights, shape: BertShape) -> ModelProto:
    """The graph from token ids, mask and types, each (n, length), to rows (n, width)."""
    from onnx import TensorProto, helper

    graph = _Graph(_plain_names(weights))
    vectors = _pooled(graph, shape, _encoded(graph, shape))
    graph.node("Identity", [vectors], output=OUTPUT)
    unread = sorted(set(graph.weights) - graph.read)
    _demand(not unread, f"it has weights of another model, such as {', '.join(unread[:2])}")
    made = helper.make_graph(
        graph.nodes,
        "bert",
        [helper.make_tensor_value_info(n, TensorProto.INT64, ["n", "length"]) for n in INPUTS],
        [helper.make_tensor_value_info(OUTPUT, TensorProto.FLOAT, ["n", shape.width])],
        graph.tensors,
    )
    opset = helper.make_opsetid("", _OPSET)
    return helper.make_model(made, opset_imports=[opset], ir_version=_IR_VERSION)


def _plain_names(weights: Weights) -> Weights:
    """The weights that a vector goes through, without the prefix of a model with a head."""
    named = {name.removeprefix("bert."): rows for name, rows in weights.items()}
    return {name: rows for name, rows in named.items() if not name.startswith(_UNUSED)}


@dataclass
class _Graph:
    """A graph as it grows. Names of values are given out here; each weight is stored once."""

    weights: Weights
    nodes: list[NodeProto] = field(default_factory=list)
    tensors: list[Any] = field(default_factory=list)
    read: set[str] = field(default_factory=set)

    def node(self, kind: str, inputs: Sequence[str], output: str = "", **settings: Any) -> str:
        """Add an operator; the name of its output."""
        from onnx import helper

        output = output or f"{kind}_{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [output], **settings))
        return output

    def constant(self, values: Any, kind: Any = np.float32, name: str = "") -> str:
        """Add an array; its name."""
        from onnx import numpy_helper

        name = name or f"constant_{len(self.tensors)}"
        array = np.array(values, kind, order="C")
        self.tensors.append(numpy_helper.from_array(array, name))
        return name

    def weight(self, name: str, *, turned: bool = False) -> str:
        """Add a weight of the model, transposed if asked for; its name."""
        _demand(name in self.weights, f"it has no weight {name}")
        self.read.add(name)
        rows: NDArray[Any] = self.weights[name]
        return self.constant(rows.T if turned else rows, name=name)

    def linear(self, value: str, name: str) -> str:
        """A dense layer: value · Wᵀ + b."""
        product = self.node("MatMul", [value, self.weight(f"{name}.weight", turned=True)])
        return self.node("Add", [product, self.weight(f"{name}.bias")])

    def normed(self, value: str, name: str, epsilon: float) -> str:
        """Layer normalisation over the components."""
        parts = [value, self.weight(f"{name}.weight"), self.weight(f"{name}.bias")]
        return self.node("LayerNormalization", parts, axis=-1, epsilon=epsilon)


def _encoded(graph: _Graph, shape: BertShape) -> str:
    """The vector of every token, (n, length, width)."""
    value = _embedded(graph, shape)
    mask = graph.node("Cast", ["attention_mask"], to=1)
    places = graph.constant([1, 2], np.int64)
    padded = graph.node("Sub", [graph.constant(1.0), graph.node("Unsqueeze", [mask, places])])
    hidden = graph.node("Mul", [padded, graph.constant(_HIDDEN)])
    for layer in range(shape.layers):
        path = f"encoder.layer.{layer}"
        attended = graph.linear(
            _attended(graph, shape, value, hidden, f"{path}.attention.self"),
            f"{path}.attention.output.dense",
        )
        value = graph.node("Add", [attended, value])
        value = graph.normed(value, f"{path}.attention.output.LayerNorm", shape.epsilon)
        kind, settings = _ACTIVATIONS[shape.activation]
        wide = graph.node(kind, [graph.linear(value, f"{path}.intermediate.dense")], **settings)
        value = graph.node("Add", [graph.linear(wide, f"{path}.output.dense"), value])
        value = graph.normed(value, f"{path}.output.LayerNorm", shape.epsilon)
    return value


def _embedded(graph: _Graph, shape: BertShape) -> str:
    """Word, place and type of every token, added; places are a slice of their table."""
    tables = {name: f"embeddings.{name}_embeddings.weight" for name in _TABLES}
    words = graph.node("Gather", [graph.weight(tables["word"]), "input_ids"])
    types = graph.node("Gather", [graph.weight(tables["token_type"]), "token_type_ids"])
    length = graph.node("Shape", ["input_ids"], start=1, end=2)
    first = graph.constant([0], np.int64)
    places = graph.node("Slice", [graph.weight(tables["position"]), first, length, first])
    added = graph.node("Add", [graph.node("Add", [words, types]), places])
    return graph.normed(added, "embeddings.LayerNorm", shape.epsilon)


_TABLES = ("word", "position", "token_type")


def _attended(graph: _Graph, shape: BertShape, value: str, hidden: str, path: str) -> str:
    """Self-attention of one layer before its output is mixed, (n, length, width)."""
    part = shape.width // shape.heads
    split = graph.constant([0, 0, shape.heads, part], np.int64)

    def heads(name: str, order: list[int]) -> str:
        rows = graph.node("Reshape", [graph.linear(value, f"{path}.{name}"), split])
        return graph.node("Transpose", [rows], perm=order)

    queries, keys = heads("query", [0, 2, 1, 3]), heads("key", [0, 2, 3, 1])
    scale = graph.constant(part**0.5)
    scores = graph.node("Div", [graph.node("MatMul", [queries, keys]), scale])
    shares = graph.node("Softmax", [graph.node("Add", [scores, hidden])], axis=-1)
    mixed = graph.node("MatMul", [shares, heads("value", [0, 2, 1, 3])])
    joined = graph.node("Transpose", [mixed], perm=[0, 2, 1, 3])
    return graph.node("Reshape", [joined, graph.constant([0, 0, shape.width], np.int64)])


def _pooled(graph: _Graph, shape: BertShape, value: str) -> str:
    """One vector a text, of length 1 where the model normalises, (n, width)."""
    if shape.pooling == "cls":
        pooled = graph.node("Gather", [value, graph.constant(0, np.int64)], axis=1)
    else:
        mask = graph.node("Cast", ["attention_mask"], to=1)
        weights = graph.node("Unsqueeze", [mask, graph.constant([2], np.int64)])
        tokens = graph.constant([1], np.int64)
        total = graph.node("ReduceSum", [graph.node("Mul", [value, weights]), tokens], keepdims=0)
        count = graph.node("ReduceSum", [weights, tokens], keepdims=0)
        pooled = graph.node("Div", [total, graph.node("Max", [count, graph.constant(1e-9)])])
    if not shape.normalized:
        return pooled
    axis = graph.constant([1], np.int64)
    length = graph.node("ReduceL2", [pooled, axis], keepdims=1)
    return graph.node("Div", [pooled, graph.node("Max", [length, graph.constant(1e-12)])])
