"""What `kb check` keeps in the user's cache: it never changes what is found."""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from kb.commands.check import command
from kb.commands.purge import command as purge
from kb.lint.findings_cache import digest_of, folders_of_rules
from kb.lint.parallel_check import check_library
from kb.lint.runner import Report

from conftest import EXAMPLE, ROOT

TODAY = date(2026, 6, 1)
GOOD = "---\ntitle: x\ndate: 2026-04-12\nstatus: draft\n---\n# x\n"
BAD = GOOD.replace("status: draft", "status: drafted")


@pytest.fixture(autouse=True)
def cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where findings are kept in this test."""
    folder = tmp_path_factory.mktemp("cache")
    monkeypatch.setenv("XDG_CACHE_HOME", str(folder))
    return folder / "postmortem-kb" / "check"


@pytest.fixture
def records(library_folder: Path) -> Path:
    """Nine copies of the example, of nine days, and what lies beside them."""
    text = EXAMPLE.read_text(encoding="utf-8")
    folder = library_folder / "postmortems"
    for day in range(1, 10):
        name = f"2026-04-{day:02}-copy-{day}"
        shutil.copytree(EXAMPLE.with_suffix(""), folder / name)
        named = text.replace("2026-04-12-billing-agent-charged-twice/", f"{name}/")
        (folder / f"{name}.md").write_text(named, encoding="utf-8")
    return folder


def kept(root: Path, today: date = TODAY, cores: int = 1) -> Report:
    return check_library(root, today=today, cores=cores, keep=True)


def reads(work: Callable[[], object]) -> int:
    """How many records are read while `work` is done."""
    count = 0

    def count_reading(frame: object, event: str, _: object) -> None:
        nonlocal count
        code = getattr(frame, "f_code")  # noqa: B009 - the type of a frame is no concern here
        count += event == "call" and code.co_name == "read_document"

    sys.setprofile(count_reading)
    try:
        work()
    finally:
        sys.setprofile(None)
    return count


def test_a_second_check_reads_nothing_and_says_the_same(library_folder: Path) -> None:
    for day in range(1, 10):
        text = GOOD if day % 2 else BAD
        (library_folder / f"postmortems/2026-04-12-x{day}.md").write_text(text)
    first = kept(library_folder)
    assert first.errors == 4
    found: list[Report] = []
    assert reads(lambda: found.append(kept(library_folder))) == 0
    assert found == [first]
    (library_folder / "postmortems/2026-04-12-x1.md").write_text(BAD)
    assert reads(lambda: found.append(kept(library_folder))) == 1
    assert found[-1].errors == 5


EDITS: tuple[Callable[[random.Random, Path], object], ...] = (
    lambda r, file: file.unlink(),
    lambda r, file: file.write_text(GOOD),
    lambda r, file: file.write_bytes(file.read_bytes()[: r.randrange(4000)]),
    lambda r, file: file.write_bytes(file.read_bytes() + b"\n2031-01-01T10:00Z \xff a@corp.io\n"),
    lambda r, file: file.write_text(
        file.read_text(errors="replace").replace("first_of_class", f"aliases: [x{r.randrange(3)}]")
    ),
    lambda r, file: file.write_text(
        file.read_text(errors="replace").replace(
            "FIRST_OF_CLASS: yes\n```\n",
            "FIRST_OF_CLASS: no\n```\n\n"
            f"- [repeat] [a](2026-04-0{r.randrange(1, 9)}-copy-{r.randrange(1, 9)}.md) — the "
            "same, fix existed: no\n",
        )
    ),
    lambda r, file: file.write_text(
        file.read_text(errors="replace").replace("status: published", "status: draft")
    ),
    lambda r, file: file.write_text(
        file.read_text(errors="replace").replace("title:", "merged_into: 2026-04-03-copy-3\ntitle:")
    ),
    lambda r, file: file.with_name(f"2026-04-1{r.randrange(9)}-new.md").write_bytes(
        file.read_bytes()
    ),
    lambda r, file: (file.with_suffix("") / "log.txt").write_text("password: hunter2hunter2X9"),
    lambda r, file: shutil.rmtree(file.with_suffix(""), ignore_errors=True),
    lambda r, file: (file.parents[1] / "kb.toml").write_text(
        f"[check]\nword_budget = {r.choice([50, 1500])}\npeople = ['Ada']\n"
    ),
)


@pytest.mark.parametrize("seed", range(4))
def test_whatever_changes_the_findings_are_those_of_a_check_that_keeps_nothing(
    seed: int, records: Path
) -> None:
    chance = random.Random(seed)
    today = TODAY
    for step in range(10):
        files = sorted(records.glob("2026*.md"))
        if files:
            file = chance.choice(files)
            file.with_suffix("").mkdir(exist_ok=True)
            chance.choice(EDITS)(chance, file)
        today += timedelta(days=chance.randrange(2))
        plain = check_library(records.parent, today=today)
        assert kept(records.parent, today, cores=1 + step % 2) == plain
        assert kept(records.parent, today) == plain


def test_a_day_that_has_come_is_looked_at_again(library_folder: Path) -> None:
    file = library_folder / "postmortems/2026-06-02-x.md"
    file.write_text(GOOD.replace("2026-04-12", "2026-06-02"))
    assert [problem.rule for problem in kept(library_folder).problems] == ["KB119"]
    assert not kept(library_folder, date(2026, 6, 2)).problems


@pytest.mark.parametrize("broken", ["cut", "changed", "empty", "json", "link", "folder"])
def test_what_is_kept_and_not_whole_is_not_believed(
    broken: str, library_folder: Path, cache: Path, tmp_path: Path
) -> None:
    (library_folder / "postmortems/2026-04-12-x.md").write_text(BAD)
    first = kept(library_folder)
    (file,) = cache.iterdir()
    raw = file.read_bytes()
    file.unlink()
    if broken == "link":
        (tmp_path / "elsewhere").write_bytes(raw.replace(b"drafted", b"DRAFTED"))
        file.symlink_to(tmp_path / "elsewhere")
    elif broken == "folder":
        file.mkdir()
    elif broken == "json":
        file.write_bytes(digest_of(b"[{}]").encode() + b"\n[{}]")
    else:
        shown = {"cut": raw[:-9], "changed": raw.replace(b"drafted", b"DRAFTED"), "empty": b""}
        file.write_bytes(shown[broken])
    assert kept(library_folder) == first


def test_a_cache_in_the_repository_is_neither_read_nor_written(
    library_folder: Path, monkeypatch: pytest.MonkeyPatch, cache: Path
) -> None:
    (library_folder / ".git").mkdir()
    (library_folder / "postmortems/2026-04-12-x.md").write_text(BAD)
    assert kept(library_folder).errors == 1
    (file,) = cache.iterdir()
    brought = library_folder / ".cache/postmortem-kb/check"
    brought.mkdir(parents=True)
    made_by, _, rest = file.read_bytes().partition(b"\n")[2].partition(b'"of_text":[[')
    payload = made_by + b'"of_text":[]' + rest[rest.index(b"]]") + 2 :]
    (brought / file.name).write_bytes(digest_of(payload).encode() + b"\n" + payload)
    monkeypatch.setenv("XDG_CACHE_HOME", str(library_folder / ".cache"))
    assert kept(library_folder).errors == 1
    assert [one.name for one in brought.iterdir()] == [file.name]


def test_a_cache_that_cannot_be_written_is_done_without(
    library_folder: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (library_folder / "postmortems/2026-04-12-x.md").write_text(BAD)
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert kept(library_folder).errors == 1
    monkeypatch.setenv("XDG_CACHE_HOME", "")
    monkeypatch.setenv("HOME", "nowhere")
    assert kept(library_folder).errors == 1


def _check_again_and_again(root: Path, seed: int) -> None:
    for number in range(5):
        (root / f"postmortems/2026-04-12-{seed}-{number}.md").write_text(BAD)
        kept(root)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the children are forks")
def test_eight_at_once_leave_a_whole_file(library_folder: Path, cache: Path) -> None:
    fork = multiprocessing.get_context("fork")
    children = [
        fork.Process(target=_check_again_and_again, args=(library_folder, seed))
        for seed in range(8)
    ]
    for child in children:
        child.start()
    for child in children:
        child.join()
    assert [child.exitcode for child in children] == [0] * 8
    assert kept(library_folder).errors == 40
    assert len(list(cache.iterdir())) == 1


def test_no_cache_leaves_nothing_behind(library_folder: Path, cache: Path) -> None:
    (library_folder / "postmortems/2026-04-12-x.md").write_text(BAD)
    command_line = [sys.executable, "-P", "-m", "kb", "check"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    for options, left in (("--no-cache",), 0), ((), 1):
        run = subprocess.run(
            [*command_line, *options], cwd=library_folder, env=environment, check=False
        )
        assert run.returncode == 1
        assert len(list(cache.iterdir()) if cache.exists() else []) == left


def test_a_name_that_is_purged_is_kept_no_longer(
    library_folder: Path, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(library_folder)
    text = BAD.replace("drafted", "Zebulon Quarterstaff")
    (library_folder / "postmortems/2026-04-12-x.md").write_text(text)
    CliRunner().invoke(command, [])
    assert b"Quarterstaff" in b"".join(file.read_bytes() for file in cache.iterdir())
    CliRunner().invoke(purge, ["Zebulon Quarterstaff", "--write"])
    assert b"Quarterstaff" not in b"".join(file.read_bytes() for file in cache.iterdir())


_WATCHED_CHECK = """
import json, os, sys
from datetime import date
from pathlib import Path
opened = set()
sys.addaudithook(lambda event, given: event == "open" and opened.add(str(given[0])))
import kb
from kb.lint.parallel_check import check_library
check_library(Path(sys.argv[1]), today=date(2026, 6, 1), cores=1)
modules = [m.__file__ for n, m in sys.modules.items() if n.split(".")[0] == "kb"]
home = str(Path(kb.__file__).parent)
of_kb = {os.path.abspath(p) for p in [*modules, *opened] if p and p.startswith(home)}
print(json.dumps(sorted(p for p in of_kb if "__pycache__" not in p)))
"""


def test_all_code_and_data_that_a_check_reads_makes_what_is_kept(records: Path) -> None:
    told = "It called `rm -rf /srv/x` and wrote to a.person@northwind.com with token=q9.\n"
    hostile = GOOD + "\n## What happened\n\nThe engineer should have known.\n" + told
    (records / "2026-04-20-x.md").write_text(hostile, encoding="utf-8")
    run = subprocess.run(
        [sys.executable, "-c", _WATCHED_CHECK, str(records.parent)],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    used = [Path(path) for path in json.loads(run.stdout)]
    assert any(path.parent.name == "rules" for path in used)
    assert any(path.suffix == ".json" for path in used)
    assert not [path for path in used if path.parent not in folders_of_rules()]
