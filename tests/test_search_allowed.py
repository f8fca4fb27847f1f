"""What a model's folder may not bring: each is refused by name, and none of it runs."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Any

import onnx
import pytest
from kb.errors import KbError
from kb.safe_files import Root
from kb.search.encoder import compile_graph as making
from kb.search.encoder.check_model_files import graph_data
from kb.search.encoder.encoder import cache_folder, install_encoder
from kb.search.encoder.encoder_card import card_of
from kb.search.encoder.find_model_files import (
    DEFAULT_MODEL,
    PACKAGE,
    find_source,
    model_kind,
    read_folder,
)
from onnx import TensorProto, helper

pytestmark = pytest.mark.model


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the default model's folder, and an empty cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    try:
        files = metadata.files(PACKAGE) or []
    except metadata.PackageNotFoundError:
        pytest.skip(f"{PACKAGE} is not installed")
    weights = next(f for f in files if f.name == "model.safetensors")
    shutil.copytree(Path(str(weights.locate())).parent, tmp_path / "model")
    return tmp_path / "model"


def set_json(path: Path, **changes: Any) -> None:
    path.parent.mkdir(exist_ok=True)
    before = json.loads(path.read_text()) if path.is_file() else {}
    path.write_text(json.dumps(before | changes))


def plant_module(model: Path, name: str) -> None:
    """A module of the folder's own behind the others."""
    listed = json.loads((model / "modules.json").read_text())
    listed.append({"idx": 3, "name": "3", "path": "3_Own", "type": name})
    (model / "modules.json").write_text(json.dumps(listed))
    (model / "3_Own").mkdir()
    (model / "3_Own/config.json").write_text("{}")
    code = f"from pathlib import Path\nPath({str(model / 'ran')!r}).touch()\nclass Own: pass\n"
    (model / "own.py").write_text(code)


@pytest.mark.parametrize(
    "name",
    [
        "own.Own",
        "sentence_transformers.models.Own",
        "sentence_transformers.models.Pooling.own.Own",
        "sentence_transformers_evil.models.Pooling",
        "os.system",
        "",
    ],
)
def test_a_module_of_the_folders_own_is_refused_and_does_not_run(model: Path, name: str) -> None:
    plant_module(model, name)
    with pytest.raises(KbError, match="is not one kb knows"):
        install_encoder(read_folder("x", model))
    assert not (model / "ran").exists()
    assert not cache_folder().exists()


def test_code_beside_the_weights_is_not_copied_to_where_torch_reads(model: Path) -> None:
    (model / "own.py").write_text("raise SystemExit")
    (model / "pytorch_model.bin").write_bytes(b"a pickle")
    target = model.parent / "copy"
    making.copy_allowed(model, Root(target))
    copied = {str(path.relative_to(target)) for path in target.rglob("*") if path.is_file()}
    assert {"model.safetensors", "tokenizer.json", "1_Pooling/config.json"} <= copied
    assert not [name for name in copied if name.endswith((".py", ".bin"))]


@pytest.mark.parametrize("place", ["../x", "/etc", "a/b", "..", "a\\b"])
def test_a_module_that_lies_elsewhere_is_refused(model: Path, place: str) -> None:
    listed = json.loads((model / "modules.json").read_text())
    listed[1]["path"] = place
    (model / "modules.json").write_text(json.dumps(listed))
    with pytest.raises(KbError, match="leads elsewhere"):
        read_folder("x", model)


@pytest.mark.parametrize(
    ("file", "changes"),
    [
        ("config.json", {"auto_map": {"AutoModel": "own.Model"}}),
        ("tokenizer_config.json", {"auto_map": {"AutoTokenizer": ["own.Tokenizer", None]}}),
        ("sentence_bert_config.json", {"model_kwargs": {"trust_remote_code": True}}),
        ("config.json", {"_attn_implementation_internal": "somebody/kernels"}),
        ("config.json", {"text_config": {"_attn_implementation": "somebody/kernels"}}),
    ],
)
def test_a_setting_that_loads_code_is_refused(
    model: Path, file: str, changes: dict[str, Any]
) -> None:
    set_json(model / file, **changes)
    with pytest.raises(KbError, match="loads code or another model"):
        read_folder("x", model)


def test_a_harmless_kind_of_attention_may_be_named(model: Path) -> None:
    set_json(model / "config.json", _attn_implementation="sdpa")
    assert read_folder("x", model).folder == model


def test_an_activation_of_a_dense_layer_is_one_of_a_list(model: Path) -> None:
    set_json(model / "2_Dense/config.json", activation_function="os.abort")
    with pytest.raises(KbError, match=r"activation_function 'os\.abort'"):
        read_folder("x", model)


@pytest.mark.parametrize("name", ["model.safetensors", "config.json", "1_Pooling"])
def test_a_link_out_of_the_folder_is_refused(model: Path, name: str) -> None:
    (model / name).rename(model.parent / "outside")
    (model / name).symlink_to(model.parent / "outside")
    with pytest.raises(KbError, match="a link that leads out"):
        read_folder("x", model)


def test_a_device_in_place_of_a_file_is_refused(model: Path) -> None:
    (model / "config.json").unlink()
    (model / "config.json").symlink_to("/dev/zero")
    with pytest.raises(KbError, match="not a plain file"):
        read_folder("x", model)


@pytest.mark.parametrize("value", ["many", -1, 1e400, None, [], True])
def test_a_length_that_is_none_is_passed_over(model: Path, value: Any) -> None:
    set_json(model / "sentence_bert_config.json", max_seq_length=value)
    assert card_of(read_folder("x", model), "fp32").max_tokens == 512


def test_the_hubs_cache_links_into_the_folder_beside(model: Path) -> None:
    repository = model.parent / "models--a--b"
    (repository / "blobs").mkdir(parents=True)
    (repository / "snapshots").mkdir()
    shutil.copytree(model, snapshot := repository / "snapshots" / "abc")
    (snapshot / "model.safetensors").rename(repository / "blobs" / "weights")
    (snapshot / "model.safetensors").symlink_to("../../blobs/weights")
    assert read_folder("a/b", snapshot, repository).sha256


def test_weights_that_are_pickles_are_refused(model: Path) -> None:
    (model / "model.safetensors").rename(model / "pytorch_model.bin")
    with pytest.raises(KbError, match="pickles, which run code"):
        read_folder("x", model)


def write_graph(path: Path, *, domain: str = "", location: str = "") -> Path:
    """A graph of one operator and one weight."""
    weight = helper.make_tensor("w", TensorProto.FLOAT, [1], [1.0])
    if location:
        weight.data_location = TensorProto.EXTERNAL
        weight.external_data.add(key="location", value=location)
        weight.ClearField("float_data")
    node = helper.make_node("Neg", ["w"], ["y"], domain=domain)
    output = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1])
    graph = helper.make_graph([node], "g", [], [output], [weight])
    path.write_bytes(helper.make_model(graph).SerializeToString())
    return path


@pytest.mark.parametrize(
    "location", ["../model.onnx.data", "/etc/passwd", "secret", "model.onnx_data/../x", "~/x"]
)
def test_weights_of_a_graph_lie_in_a_file_beside_it(tmp_path: Path, location: str) -> None:
    (tmp_path / "secret").write_bytes(b"0123")
    graph = write_graph(tmp_path / "model.onnx", location=location)
    with pytest.raises(KbError, match="its weights are said to lie in"):
        graph_data(graph)


def test_weights_of_a_graph_that_are_a_link_out_are_refused(tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(b"0123")
    (tmp_path / "model").mkdir()
    graph = write_graph(tmp_path / "model/model.onnx", location="model.onnx.data")
    (tmp_path / "model/model.onnx.data").symlink_to(tmp_path / "secret")
    with pytest.raises(KbError, match="its weights are said to lie in"):
        graph_data(graph)


def test_weights_in_a_branch_of_a_graph_are_seen_too(tmp_path: Path) -> None:
    inner = onnx.load_model(
        write_graph(tmp_path / "inner.onnx", location="../x"), load_external_data=False
    ).graph
    branch = helper.make_node("If", ["c"], ["y"], then_branch=inner, else_branch=inner)
    condition = helper.make_tensor_value_info("c", TensorProto.BOOL, [])
    output = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1])
    graph = helper.make_graph([branch], "g", [condition], [output])
    (tmp_path / "model.onnx").write_bytes(helper.make_model(graph).SerializeToString())
    with pytest.raises(KbError, match=r"\.\./x"):
        graph_data(tmp_path / "model.onnx")


def test_operators_of_another_library_are_refused(tmp_path: Path) -> None:
    graph = write_graph(tmp_path / "model.onnx", domain="somebody.ops")
    with pytest.raises(KbError, match=r"somebody\.ops"):
        graph_data(graph)


def test_a_file_that_is_no_graph_is_refused(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").write_bytes(b"\xff\xff not a graph")
    with pytest.raises(KbError, match="no ONNX graph"):
        graph_data(tmp_path / "model.onnx")


def test_a_folder_with_the_default_models_name_is_not_taken_for_it(
    model: Path, tmp_path: Path
) -> None:
    planted = tmp_path / DEFAULT_MODEL
    planted.parent.mkdir()
    shutil.copytree(model, planted)
    (planted / "tokenizer.json").write_text("{}")
    assert find_source(DEFAULT_MODEL, tmp_path).folder != planted
    assert model_kind(DEFAULT_MODEL, tmp_path) == "default"
    assert model_kind("model", tmp_path) == "folder"
    assert model_kind("somebody/model", tmp_path) == "hub"


MAKE = """
import sys, time
from pathlib import Path
from kb.search.encoder import encoder
from kb.search.encoder.find_model_files import read_folder
def stay(folder, *_):
    print("making", flush=True)
    time.sleep(600)
encoder._fill = stay
encoder.install_encoder(read_folder("x", Path(sys.argv[1])))
"""


def test_what_a_killed_maker_left_is_swept_by_the_next(model: Path) -> None:
    killed = subprocess.Popen(
        [sys.executable, "-c", MAKE, str(model)], stdout=subprocess.PIPE, text=True
    )
    assert killed.stdout is not None
    assert killed.stdout.readline() == "making\n"
    killed.kill()
    killed.wait()
    (left,) = (path.name for path in cache_folder().iterdir() if path.name != "lock")
    assert left.startswith(".kb-")
    os.utime(cache_folder() / left, (0, 0))  # a young one may be of a run that lives
    source = read_folder("x", model)
    install_encoder(source)
    kept = {path.name for path in cache_folder().iterdir()} - {"lock"}
    assert kept == {card_of(source, "fp32").key}
