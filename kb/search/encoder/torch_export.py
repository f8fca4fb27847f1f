"""Exports a model of any architecture to a file that runs without torch, and compares it.

Run as `python -m kb.search.encoder.torch_export SOURCE TARGET`, or with `--int8 TARGET`, in a
process of its own, so that torch's memory, threads and messages end with it. The graph is fp32 and
takes the whole model in: transformer, pooling, further layers and normalisation. It is compared
with the original before it is accepted.
"""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from typing import Any

from kb.safe_files import Root

#: Largest difference of a component that counts as the same vector: fp32 rounding of another
#: order of sums. Measured 2e-7 for the default model.
TOLERANCE = 2e-6

#: Short, long beyond truncation, mixed lengths in one batch, non-ASCII, empty.
PROBE_TEXTS = (
    "The refund agent paid fourteen customers twice.",
    "a",
    "Die Rückerstattung lief zweimal — naïve Wiederholung, 退款两次, Ωμέγα.",
    "The retry ran again because the answer was late and nobody had asked for a key. " * 40,
    "",
    "TOOL: refund\nWAS_THIS_CALL_IDEMPOTENT: no",
)


def compile_model(source: Path, target: Path) -> None:
    """Write `model.onnx` with its weights beside it into `target`.

    Raises `RuntimeError` when the graph does not give the original's vectors.
    """
    import torch
    from sentence_transformers import SentenceTransformer

    model = SentenceTransformer(
        str(source), device="cpu", local_files_only=True, trust_remote_code=False
    )
    model.eval()
    features = _features(model, ["one text", "another and longer text"])
    axes = {0: torch.export.Dim("batch", min=1, max=4096), 1: torch.export.Dim("length", min=2)}
    torch.onnx.export(
        _with_pooling(model, tuple(features)),
        tuple(features.values()),
        str(target / "model.onnx"),
        input_names=list(features),
        output_names=["sentence_embedding"],
        dynamic_shapes=((axes,) * len(features),),
        dynamo=True,
        external_data=True,
        opset_version=18,
        verbose=False,
    )
    _compare(model, target / "model.onnx")


def _features(model: Any, texts: list[str]) -> dict[str, Any]:
    tokenize = getattr(model, "preprocess", None) or model.tokenize
    features = tokenize(texts)
    names = ("input_ids", "attention_mask", "token_type_ids")
    return {name: features[name] for name in names if name in features}


def _with_pooling(model: Any, names: tuple[str, ...]) -> Any:
    import torch

    class Whole(torch.nn.Module):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.model = model

        def forward(self, *tensors: Any) -> Any:
            features = dict(zip(names, tensors, strict=True))
            return self.model(features)["sentence_embedding"]

    return Whole().eval()


def _compare(model: Any, graph: Path) -> None:
    import numpy
    import onnxruntime

    expected = model.encode(list(PROBE_TEXTS), convert_to_numpy=True)
    session = onnxruntime.InferenceSession(str(graph), providers=["CPUExecutionProvider"])
    features = _features(model, list(PROBE_TEXTS))
    inputs = {name: tensor.numpy() for name, tensor in features.items()}
    found = session.run(None, inputs)[0]
    difference = float(numpy.abs(found - expected).max())
    if not difference <= TOLERANCE:
        raise RuntimeError(f"the compiled encoder differs from the original by {difference:.1e}")


def quantize(folder: Path) -> None:
    """Replace a compiled graph by one with weights of 8 bits.

    Activations are scaled batch by batch, so a vector depends a little on its company.
    """
    from onnxruntime.quantization import QuantType, quantize_dynamic

    whole, small = folder / "model.onnx", folder / "small.onnx"
    quantize_dynamic(whole, small, weight_type=QuantType.QInt8)
    root = Root(folder)
    for path in folder.glob("model.onnx*"):
        root.remove_file(path.name)
    root.rename(small.name, whole.name)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    if sys.argv[1] == "--int8":
        quantize(Path(sys.argv[2]))
    else:
        compile_model(Path(sys.argv[1]), Path(sys.argv[2]))
