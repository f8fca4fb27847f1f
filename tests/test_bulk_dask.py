"""Real worker processes of Dask: the same results as here, whatever becomes of a worker."""

from __future__ import annotations

import json
import pickle
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from kb.errors import KbError
from kb.parallel.dask_workers import dask_workers
from kb.parallel.run_tasks import BatchSize, run_tasks
from kb.traces.checkup.archive_files import trace_files
from kb.traces.checkup.examine import examine, examine_file
from kb.traces.read_runs import ReadingSettings

from bulk_work import end_at, end_once, time_out
from dask_cluster import cluster, kill_one
from test_checkup import double_refund
from traces_made import written

pytest.importorskip("distributed", reason="the extra scale is not installed")


@pytest.fixture(scope="module")
def scheduler() -> Iterator[str]:
    with cluster() as made:
        yield made.scheduler_address


def test_a_lost_worker_costs_its_tasks_only(scheduler: str, tmp_path: Path) -> None:
    work = partial(end_once, bad=37, mark=str(tmp_path / "mark"))
    with dask_workers(scheduler) as workers:
        found = list(run_tasks(work, range(100), workers, size=BatchSize(most_tasks=5)))
    assert found == [(n, 2 * n) for n in range(100)]


def test_a_task_that_ends_its_worker_is_given_up_and_named_once(scheduler: str) -> None:
    work = partial(end_at, bad=frozenset({11}))
    with dask_workers(scheduler) as workers:
        found = list(run_tasks(work, range(30), workers, size=BatchSize(most_tasks=5)))
    assert [task for task, result in found if result is None] == [11]
    assert [task for task, _ in found] == list(range(30))


def test_those_beside_tasks_that_end_their_workers_are_not_given_up() -> None:
    """A scheduler blames whatever was on a lost worker, and several workers are lost here."""
    bad = frozenset({3, 4, 7})
    with cluster(allowed_failures=0) as made, dask_workers(made.scheduler_address) as workers:
        work = partial(end_at, bad=bad)
        found = list(run_tasks(work, range(12), workers, size=BatchSize(most_tasks=2)))
    assert found == [(n, None if n in bad else 2 * n) for n in range(12)]


def test_a_task_s_own_error_of_time_is_no_wait_that_ended(scheduler: str) -> None:
    with dask_workers(scheduler) as workers, pytest.raises(TimeoutError, match="its own"):
        list(run_tasks(time_out, range(3), workers))


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    folder = tmp_path / "week"
    folder.mkdir()
    for number in range(120):
        written(folder / f"{number:03}.json", double_refund(number, f"n{number}"))
    (folder / "broken.json").write_bytes(b'{"resourceSpans": [\xff')
    return folder


def test_a_worker_killed_in_the_middle_changes_no_result(scheduler: str, archive: Path) -> None:
    files = trace_files([archive])
    expected = list(examine(files, ReadingSettings()))
    found = []
    with dask_workers(scheduler) as workers:
        for one in examine(files, ReadingSettings(), workers=workers):
            found.append(one)
            if len(found) == 3:
                kill_one(scheduler)
    assert found == expected


def test_the_command_finds_with_a_scheduler_what_it_finds_without(
    scheduler: str, archive: Path
) -> None:
    def reported(*options: str) -> Any:
        done = subprocess.run(
            [sys.executable, "-m", "kb", "run", "checkup", "week", "--json", *options],
            cwd=archive.parent,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    assert reported("--scheduler", scheduler) == reported()


def test_files_that_a_worker_does_not_see_are_said_before_anything_is_read(scheduler: str) -> None:
    missing = dask_workers(scheduler, must_see=["/no/such/file"])
    with pytest.raises(KbError, match="does not see the files"), missing:
        pass


@pytest.mark.parametrize("address", ["127.0.0.1:8786", "http://127.0.0.1:1", "tcp://", "x", ""])
def test_what_is_no_address_of_a_scheduler_is_refused(address: str) -> None:
    with pytest.raises(KbError, match="is no address of a scheduler"), dask_workers(address):
        pass


def test_no_secret_leaves_a_worker(tmp_path: Path) -> None:
    """What a task gives back, as the bytes that go over the wire, words looked at or not."""
    secret, person = "sk-ant-api03-" + "Ab3dE5gH" * 11 + "AA", "ottilie.brandt@acme-pay.de"
    text = json.dumps(double_refund(1, "n1")).replace("refund", f"refund {secret} {person}", 40)
    file = written(tmp_path / f"{person}.json", json.loads(text))
    bad = tmp_path / "bad.json"
    bad.write_text(f'[{{"{secret}": "{person}", ')
    for settings in (ReadingSettings(), ReadingSettings(look_only=True)):
        for path in (file, bad):
            wire = pickle.dumps(examine_file(path, settings))
            assert secret.encode() not in wire
            assert person.encode() not in wire


@pytest.mark.model
def test_a_build_on_workers_makes_the_index_of_a_build_here(
    scheduler: str, example_library: Path, tmp_path: Path
) -> None:
    def built(folder: Path, *options: str) -> list[str]:
        shutil.rmtree(folder / ".kb", ignore_errors=True)
        for arguments in (["build", *options], ["similar", "paid twice", "--json"]):
            done = subprocess.run(
                [sys.executable, "-m", "kb", *arguments],
                cwd=folder,
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, done.stderr
        return [done.stdout, *(vectors.read_bytes().hex() for vectors in folder.glob(".kb/vec*"))]

    assert built(example_library, "--scheduler", scheduler) == built(example_library)
