"""The graph that is built from the weights of a BERT encoder, beside sentence-transformers."""

from __future__ import annotations

import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from kb.errors import KbError
from kb.installation import install_line
from kb.search.encoder import compile_graph as making
from kb.search.encoder.bert_graph import NotPlainBertError, bert_shape
from kb.search.encoder.encoder import Encoder, install_encoder
from kb.search.encoder.encoder_card import card_of
from kb.search.encoder.find_model_files import read_folder

from made_models import IDS, MASK, MODELS, TEXTS, TYPES

pytestmark = pytest.mark.model

#: fp32 rounding of another order of sums; 2e-7 for the default model.
TOLERANCE = 2e-6
PLAIN = {
    "model_type": "bert",
    "hidden_size": 32,
    "num_attention_heads": 4,
    "num_hidden_layers": 2,
    "max_position_embeddings": 48,
}
MODULES = ("Transformer", "Pooling", "Normalize")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with every small model, made where torch is installed."""
    if importlib.util.find_spec("sentence_transformers") is None:
        pytest.skip("sentence-transformers is not installed: nothing to compare with")
    folder = tmp_path_factory.mktemp("models")
    script = Path(__file__).with_name("made_models.py")
    done = subprocess.run(
        [sys.executable, str(script), str(folder)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return folder


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache of encoders."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


def refuse_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let every way to a process with torch fail, so that only the built graph is left."""
    monkeypatch.setattr(making, "_NEEDED", ("a_module_that_is_not_there",))


def unit(rows: Any) -> np.ndarray:
    array = np.asarray(rows, np.float32)
    return array / np.linalg.norm(array, axis=1, keepdims=True)


@pytest.mark.parametrize("name", MODELS)
def test_a_built_graph_gives_the_vectors_of_sentence_transformers(
    name: str, made: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse_torch(monkeypatch)
    encoder = install_encoder(read_folder("x", made / name))
    expected = json.loads((made / name / "expected.json").read_text())
    texts = [text or " " for text in TEXTS]
    assert np.abs(encoder.encode(texts) - unit(expected)).max() < TOLERANCE


def run_graph(encoder: Encoder, **inputs: list[list[int]]) -> np.ndarray:
    import onnxruntime

    session = onnxruntime.InferenceSession(str(encoder.folder / "model.onnx"))
    feeds = {name: np.array(rows, np.int64) for name, rows in inputs.items()}
    return np.asarray(session.run(None, feeds)[0])


def test_the_weights_may_be_read_by_whoever_may_read_the_graph(made: Path, cache: Path) -> None:
    folder = install_encoder(read_folder("x", made / "mean")).folder
    modes = {path.stat().st_mode for path in folder.glob("model.onnx*")}
    assert len(modes) == 1


@pytest.mark.parametrize("name", ["mean", "cls"])
def test_both_types_of_token_count(
    name: str, made: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse_torch(monkeypatch)
    encoder = install_encoder(read_folder("x", made / name))
    found = run_graph(encoder, input_ids=IDS, attention_mask=MASK, token_type_ids=TYPES)
    expected = np.array(json.loads((made / name / "typed.json").read_text()), np.float32)
    # Where the model does not normalise, the graph does not either: lengths are compared too.
    assert np.abs(found - expected).max() < TOLERANCE * max(1.0, float(np.abs(expected).max()))


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"model_type": "roberta"}, "model_type is roberta"),
        ({"hidden_act": "quick_gelu"}, "hidden_act is quick_gelu"),
        ({"hidden_act": ["gelu"]}, "hidden_act is"),
        ({"position_embedding_type": "relative_key"}, "position_embedding_type is relative_key"),
        ({"is_decoder": True}, "is_decoder is set"),
        ({"num_attention_heads": 5}, "do not divide by 5 heads"),
        ({"num_attention_heads": 0}, "do not divide by 0 heads"),
        ({"num_hidden_layers": "many"}, "config.json does not say"),
    ],
)
def test_what_would_compute_something_else_is_named(changed: dict[str, Any], named: str) -> None:
    with pytest.raises(NotPlainBertError, match=named):
        bert_shape(PLAIN | changed, MODULES, "mean", 40)


@pytest.mark.parametrize(
    ("modules", "pooling", "named"),
    [
        (("Transformer", "Pooling", "Dense", "Normalize"), "mean", "its modules are .*Dense"),
        (MODULES, "max", "pooling is max"),
        (MODULES, "cls+mean", "pooling is cls.mean"),
    ],
)
def test_other_modules_and_poolings_are_named(
    modules: tuple[str, ...], pooling: str, named: str
) -> None:
    with pytest.raises(NotPlainBertError, match=named):
        bert_shape(PLAIN, modules, pooling, 40)


def test_more_tokens_than_places_are_refused() -> None:
    with pytest.raises(NotPlainBertError, match="knows 48 places"):
        bert_shape(PLAIN, MODULES, "mean", 49)


def changed_model(source: Path, target: Path, **changes: Any) -> Path:
    """A copy of a model with other settings."""
    shutil.copytree(source, target)
    path = target / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    return target


def test_another_architecture_without_the_extra_names_the_command_that_installs_it(
    made: Path, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse_torch(monkeypatch)
    model = changed_model(made / "mean", tmp_path / "model", hidden_act="quick_gelu")
    with pytest.raises(KbError, match="hidden_act is quick_gelu") as caught:
        install_encoder(read_folder("x", model))
    assert install_line("models") in caught.value.todo


@pytest.mark.parametrize(
    ("file", "changes", "named"),
    [
        ("config_sentence_transformers.json", {"default_prompt_name": "query"}, "default_prompt"),
        ("sentence_bert_config.json", {"do_lower_case": True}, "do_lower_case"),
    ],
)
def test_a_model_that_reads_another_text_than_it_is_given_is_refused(
    made: Path, cache: Path, tmp_path: Path, file: str, changes: dict[str, Any], named: str
) -> None:
    model = changed_model(made / "mean", tmp_path / "model")
    path = model / file
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    tokenizer = json.loads((model / "tokenizer.json").read_text())
    tokenizer["normalizer"]["lowercase"] = False
    (model / "tokenizer.json").write_text(json.dumps(tokenizer))
    with pytest.raises(KbError, match=named):
        install_encoder(read_folder("x", model))


def test_weights_that_no_vector_goes_through_are_another_model(
    made: Path, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse_torch(monkeypatch)
    model = changed_model(made / "mean", tmp_path / "model", num_hidden_layers=1)
    with pytest.raises(KbError, match=r"weights of another model, such as encoder\.layer\.1"):
        install_encoder(read_folder("x", model))


def test_a_weight_that_is_missing_is_named(
    made: Path, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse_torch(monkeypatch)
    model = changed_model(made / "mean", tmp_path / "model", num_hidden_layers=3)
    with pytest.raises(KbError, match=r"no weight encoder\.layer\.2"):
        install_encoder(read_folder("x", model))


def test_another_architecture_is_compiled_by_the_extra(
    made: Path, cache: Path, tmp_path: Path
) -> None:
    model = changed_model(made / "mean", tmp_path / "model", hidden_act="quick_gelu")
    encoder = install_encoder(read_folder("x", model))
    assert encoder.encode(TEXTS).shape == (len(TEXTS), 32)


def test_a_shard_outside_the_folder_is_refused(made: Path, tmp_path: Path) -> None:
    model = tmp_path / "model"
    shutil.copytree(made / "sharded", model)
    index = model / "model.safetensors.index.json"
    index.write_text(json.dumps({"weight_map": {"x": "../mean/model.safetensors"}}))
    with pytest.raises(KbError, match="no shard"):
        read_folder("x", model)


def test_every_shard_is_part_of_a_models_identity(made: Path, tmp_path: Path) -> None:
    model = tmp_path / "model"
    shutil.copytree(made / "sharded", model)
    before = card_of(read_folder("x", model), "fp32").key
    shard = model / "model-00002-of-00002.safetensors"
    shard.write_bytes(shard.read_bytes()[:-1] + b"\x01")
    assert card_of(read_folder("x", model), "fp32").key != before


def test_eight_bits_need_no_torch(made: Path, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    refuse_torch(monkeypatch)
    small = install_encoder(read_folder("x", made / "mean"), "int8")
    exact = install_encoder(read_folder("x", made / "mean"))
    assert small.card.key != exact.card.key
    cosines = (small.encode(TEXTS) * exact.encode(TEXTS)).sum(axis=1)
    assert cosines.min() > 0.8
    assert not np.array_equal(small.encode(TEXTS), exact.encode(TEXTS))
