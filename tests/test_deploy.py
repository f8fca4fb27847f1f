"""What deploy/ says, as far as no engine is needed: its schema, its files, its commands."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from conftest import EXAMPLE, ROOT
from mcp_server import TOKEN, serving

DEPLOY = ROOT / "deploy"


def steps() -> list[tuple[str, str]]:
    """The instructions of the Containerfile: each its word and the rest of its line."""
    lines = (DEPLOY / "Containerfile").read_text().splitlines()
    told = [line for line in lines if line and not line.startswith("#")]
    return [(word, rest) for word, _, rest in (line.partition(" ") for line in told)]


def of(word: str) -> list[str]:
    return [rest for name, rest in steps() if name == word]


def compose() -> Any:
    return yaml.safe_load((DEPLOY / "compose.yaml").read_text())


def test_the_compose_file_is_one() -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]
    subprocess.run([*command, str(DEPLOY / "compose.yaml")], check=True, capture_output=True)


def test_each_instruction_is_one_and_each_file_that_is_copied_is_there_and_sent() -> None:
    known = "FROM WORKDIR COPY RUN ENV USER VOLUME EXPOSE HEALTHCHECK STOPSIGNAL ENTRYPOINT"
    assert {word for word, _ in steps()} <= set(known.split())
    sent = (DEPLOY / "Containerfile.dockerignore").read_text().split()
    for line in of("COPY"):
        *files, _ = line.split()
        if files[0].startswith("--from"):
            continue
        for file in files:
            assert (ROOT / file).exists()
            assert f"!{file}" in sent


def test_no_secret_is_in_it_and_none_on_a_command_line() -> None:
    told = compose()
    assert all("file" in secret for secret in told["secrets"].values())
    assert "secrets/" in (DEPLOY / ".gitignore").read_text()
    text = (DEPLOY / "compose.yaml").read_text()
    assert not re.search(r"PASSWORD:|TOKEN:", text)
    for service in told["services"].values():
        assert all(port.startswith("127.0.0.1:") for port in service["ports"])


def test_the_extras_that_are_installed_are_those_of_the_project() -> None:
    import tomllib

    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    (wanted,) = [re.search(r"'\.\[(.*)\]'", line) for line in of("RUN") if "'.[" in line]
    assert wanted
    assert set(wanted[1].split(",")) <= extras["optional-dependencies"].keys()
    pinned = extras["optional-dependencies"]["offline"][-1]
    assert any(line.endswith(f"--no-deps {pinned}") for line in of("RUN"))


def test_the_server_starts_as_the_entry_point_says_and_its_health_is_asked(tmp_path: Path) -> None:
    """The very words of ENTRYPOINT, `command`, environment and HEALTHCHECK, on another port."""
    shutil.copytree(EXAMPLE.parent, tmp_path / "postmortems")
    (tmp_path / "kb.toml").write_text("")
    (tmp_path / "tokens").write_text(f"agents {TOKEN}\n")
    server = compose()["services"]["server"]
    assert server["environment"]["KB_MCP_TOKEN_FILE"] == "/run/secrets/tokens"
    (entry,) = map(json.loads, of("ENTRYPOINT"))
    command = [word.replace("${KB_HOST:-localhost}", "localhost") for word in server["command"]]
    assert entry[:3] == ["kb", "mcp", "/library"]
    options = [*entry[5:], *command, "--token-file", str(tmp_path / "tokens")]
    host = entry[4].partition(":")[0]
    with serving(tmp_path, *options, token="", host=host) as served:
        port = served.base.rpartition(":")[2]
        (check,) = of("HEALTHCHECK")
        words = json.loads(check.partition("CMD ")[2])
        words[-1] = words[-1].replace(":8765/", f":{port}/")
        subprocess.run([sys.executable, *words[1:]], check=True)
    assert served.code == 0


@pytest.mark.slow
@pytest.mark.wheel
def test_what_the_container_runs_can_be_run(tmp_path: Path) -> None:
    """The build's RUN lines as plain commands in a copy of the files that are copied."""
    source, home = tmp_path / "src", tmp_path / "opt"
    source.mkdir()
    for line in of("COPY"):
        *files, _ = line.split()
        for file in () if files[0].startswith("--from") else files:
            place = ROOT / file
            if place.is_dir():
                shutil.copytree(place, source / file)
            else:
                shutil.copy(place, source)
    for line in of("RUN"):
        if "/opt/kb" in line:
            words = shlex.split(line.replace("/opt/kb", str(home)))
            words[0] = sys.executable if words[0] == "python" else words[0]
            subprocess.run(words, cwd=source, check=True)
    kb = [str(home / "bin/kb"), "mcp", "--help"]
    said = subprocess.run(kb, cwd=tmp_path, capture_output=True, text=True, check=True).stdout
    assert "--http" in said
    asked = [
        str(home / "bin/python"),
        "-c",
        "import prometheus_client, psycopg, faiss, mcp, limits",
    ]
    subprocess.run(asked, cwd=tmp_path, check=True, env=os.environ)
