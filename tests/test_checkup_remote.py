"""Archives in an object store: a server on loopback that speaks S3, read as a folder is read."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kb.errors import KbError
from kb.traces.checkup.archive_files import archive_of
from kb.traces.checkup.remote_files import RemoteFile, on_this_machine

from dask_cluster import cluster
from test_checkup import double_refund
from traces_made import written

for needed in ("moto", "s3fs", "distributed"):
    pytest.importorskip(needed, reason="the extra scale, or moto, is not installed")

SESSION = "3f2504e0-4f89-41d3-9a0c-0305e82c3301"


@pytest.fixture(scope="module")
def store() -> Iterator[str]:
    """The address of an S3 server; it is in the environment, as a person's would be."""
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    address = f"http://{host}:{port}"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", address)
        patch.setenv("AWS_ACCESS_KEY_ID", "testing")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        yield address
    server.stop()


@pytest.fixture
def week(tmp_path: Path) -> Path:
    """Traces of a week, among them a session with an agent, what is broken and what is none."""
    folder = tmp_path / "week"
    for number in range(30):
        written(folder / f"{number % 3}/{number:02}.json", double_refund(number, f"n{number}"))
    (folder / "broken.json").write_bytes(b'{"resourceSpans": [\xff')
    (folder / "notes.md").write_text("# Notes")
    (folder / ".hidden").mkdir()
    (folder / ".hidden" / "a.json").write_text("{}")
    user = {"type": "user", "sessionId": SESSION, "uuid": "u1", "cwd": "/w"}
    said = user | {"message": {"role": "user", "content": "Clean up."}}
    agents = folder / "s" / SESSION / "subagents"
    agents.mkdir(parents=True)
    (folder / "s" / f"{SESSION}.jsonl").write_text(json.dumps(said) + "\n")
    (agents / "agent-a1.jsonl").write_text(json.dumps(said | {"isSidechain": True}) + "\n")
    return folder


def put(folder: Path, store: str, bucket: str) -> str:
    """The folder as objects below a prefix; its address."""
    import boto3

    client = boto3.client("s3", endpoint_url=store)
    client.create_bucket(Bucket=bucket)
    for file in folder.rglob("*"):
        if file.is_file():
            client.upload_file(str(file), bucket, f"runs/{file.relative_to(folder).as_posix()}")
    return f"s3://{bucket}/runs/"


def checkup(path: str, *options: str, cwd: Path) -> tuple[int, str, str]:
    done = subprocess.run(
        [sys.executable, "-m", "kb", "run", "checkup", path, "--json", *options],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def report(path: str, *options: str, cwd: Path) -> Any:
    """What a checkup says, with no word of where the files lie."""
    status, out, told = checkup(path, *options, cwd=cwd)
    assert status == 0, told
    return json.loads(out.replace(path.rstrip("/"), "ARCHIVE"))


def test_a_bucket_is_read_as_its_folder_is(store: str, week: Path) -> None:
    address = put(week, store, "one")
    there = report(address, cwd=week.parent)
    here = report("week", cwd=week.parent)
    folders = [p for p in here.pop("passed_over") if not p["file"].endswith(".hidden")]
    files = [p for p in there.pop("passed_over") if "/.hidden/" not in p["file"]]
    assert files == folders
    assert there == here
    assert there["runs"] == 31


def test_workers_of_dask_fetch_by_themselves(store: str, week: Path) -> None:
    address = put(week, store, "two")
    with cluster() as made:
        there = report(address, "--scheduler", made.scheduler_address, cwd=week.parent)
    assert there == report(address, cwd=week.parent)


def test_what_did_not_change_is_not_fetched_again(store: str, week: Path) -> None:
    written(week.parent / "kb.toml", "")
    (week.parent / "postmortems").mkdir()
    address = put(week, store, "three")
    first = report(address, cwd=week.parent)
    kept = next((week.parent / ".kb" / "checkup").glob("*.jsonl"))
    size = kept.stat().st_size
    assert report(address, cwd=week.parent) == first
    assert kept.stat().st_size == size
    written(week / "0" / "00.json", double_refund(99, "other"))
    import boto3

    boto3.client("s3", endpoint_url=store).upload_file(
        str(week / "0" / "00.json"), "three", "runs/0/00.json"
    )
    report(address, cwd=week.parent)
    assert kept.stat().st_size > size


def test_the_copy_of_a_file_is_gone_once_it_was_read(store: str, week: Path) -> None:
    (session,) = [
        file
        for file in archive_of([put(week, store, "four")]).files
        if isinstance(file, RemoteFile) and file.name.startswith(SESSION)
    ]
    with on_this_machine(session) as here:
        assert here.read_text() == (week / "s" / here.name).read_text()
        assert (here.parent / SESSION / "subagents" / "agent-a1.jsonl").is_file()
    assert not here.parent.exists()


def test_a_bucket_that_cannot_be_listed_is_an_error_in_a_sentence(store: str, week: Path) -> None:
    assert store
    status, out, told = checkup("s3://nobodys-bucket/x/", cwd=week.parent)
    assert (status, out) == (2, "")
    assert "s3://nobodys-bucket/x/" in told
    assert "Traceback" not in told


@pytest.mark.parametrize(
    "address",
    [
        "s3://key:secret@bucket/x",
        "file:///etc/passwd",
        "https://example.com/x",
        "zip://a::s3://b/c",
        "s3://",
        "nosuch://bucket/x",
    ],
)
def test_what_is_no_address_of_a_bucket_is_refused(address: str) -> None:
    with pytest.raises(KbError):
        archive_of([address])


@pytest.mark.parametrize(
    ("module", "options"),
    [("fsspec", ("s3://bucket/x",)), ("distributed", ("--scheduler", "tcp://127.0.0.1:1", "week"))],
)
def test_without_the_extra_it_is_named(module: str, options: tuple[str, ...], week: Path) -> None:
    code = f"import sys; sys.modules['{module}'] = None; from kb.__main__ import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", code, "run", "checkup", *options],
        cwd=week.parent,
        env=os.environ | {"COLUMNS": "200"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "[scale]" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("line", ['scheduler = "tcp://evil:1"', 'archive = "s3://evil/"'])
def test_a_repository_names_neither_scheduler_nor_bucket(line: str, week: Path) -> None:
    (week.parent / "postmortems").mkdir()
    written(week.parent / "kb.toml", f"[runs]\n{line}\n")
    status, _, told = checkup("week", cwd=week.parent)
    assert status == 2
    assert "kb.toml" in told
