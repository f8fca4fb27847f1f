"""Makes a graph of a model's weights: BERT encoders here, others in a process with torch."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

from kb.errors import KbError
from kb.installation import install_line
from kb.processes import python_command, run
from kb.safe_files import Root, open_named, private_folder
from kb.search.encoder.check_model_files import allowed_files, module_kinds
from kb.search.encoder.encoder_card import EncoderCard, read_json
from kb.search.encoder.find_model_files import ModelSource

_NEEDED = ("torch", "sentence_transformers", "onnxscript")
_THREADS = min(2, os.cpu_count() or 1)


def compile_weights(source: ModelSource, card: EncoderCard, folder: Path) -> None:
    """Write `model.onnx` of a model's weights into a folder, with the weights beside it.

    Raises `KbError` for weights that are damaged, and for another architecture than BERT where the
    extra `models` is not installed or cannot compile it.
    """
    from kb.search.encoder.bert_graph import NotPlainBertError, bert_shape, write_bert

    _refuse_changed_texts(source.folder)
    try:
        config = read_json(source.folder / "config.json")
        shape = bert_shape(config, module_kinds(source.folder), card.pooling, card.max_tokens)
        write_bert(source.folder, shape, folder / "model.onnx")
    except NotPlainBertError as difference:
        _export(source, folder, str(difference))


def _refuse_changed_texts(folder: Path) -> None:
    """Refuse a model that reads another text than it is given: here texts go in as they are."""
    settings = read_json(folder / "sentence_bert_config.json")
    normalizer = read_json(folder / "tokenizer.json").get("normalizer") or {}
    prompt = read_json(folder / "config_sentence_transformers.json").get("default_prompt_name")
    changed = ""
    if settings.get("do_lower_case") and normalizer.get("lowercase") is not True:
        changed = "it lowers the case of texts before its tokenizer reads them (do_lower_case)"
    elif prompt is not None:
        changed = f"it puts a prompt before every text (default_prompt_name is {prompt!r})"
    if changed:
        raise KbError(
            f"this model is not used: {changed}, which kb does not",
            where=str(folder),
            todo="Set another search.model in kb.toml.",
        )


def quantize_graph(folder: Path) -> None:
    """Replace `model.onnx` of a folder by one with weights of 8 bits."""
    _run("--int8", str(folder), where=folder)


def _export(source: ModelSource, folder: Path, difference: str) -> None:
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise KbError(
            f"kb itself compiles plain BERT encoders only, and of this model {difference}",
            where=str(source.folder),
            todo=f"Install what compiles others (it brings torch): {install_line('models')}",
        )
    with private_folder() as private:
        copy_allowed(source.folder, private)
        _run(str(private.path), str(folder), where=source.folder)


def copy_allowed(folder: Path, target: Root) -> None:
    """The plain data of a model, apart from whatever else its folder holds."""
    for path in allowed_files(folder):
        with open_named(path) as stream:
            target.copy_in(stream, path.relative_to(folder))


def _run(*arguments: str, where: Path) -> None:
    answer = run(
        python_command("kb.search.encoder.torch_export", *arguments),
        environment={"OMP_NUM_THREADS": str(_THREADS), "HF_HUB_OFFLINE": "1"},
    )
    if answer.status == 0:
        return
    reason = (answer.complaint.strip().splitlines() or ["it gave no reason"])[-1]
    raise KbError(
        f"the encoder could not be compiled ({reason[:200]})",
        where=str(where),
        todo="Check the model with sentence-transformers, or set another search.model in kb.toml.",
    )
