"""Killed at any moment, eight at once, on a full disk, where nothing can be written: old or new.

A file of the library is as it was before a verb or as it is after it, and the next command works.
"""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from kb.safe_files import TEMPORARY

from writing_verbs import ID, VERBS, Run, Verb, contents, kb, write_library


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library with commits, something to do for each verb, and everything computed once."""
    folder = tmp_path_factory.mktemp("whole")
    write_library(folder)
    assert kb(folder, VERBS["site"])[0] == 0
    return folder


@pytest.fixture(scope="session")
def done(whole: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, float]]:
    """The library after each verb, made when it is asked for, and the seconds that it took."""
    return Afterwards(whole, tmp_path_factory.mktemp("done"))


class Afterwards(dict[str, tuple[Path, float]]):
    """A library after each verb, made once."""

    def __init__(self, whole: Path, folder: Path) -> None:
        super().__init__()
        self._whole, self._folder = whole, folder

    def __missing__(self, name: str) -> tuple[Path, float]:
        folder = copy_of(self._whole, self._folder / name.replace(" ", "-"))
        begun = time.monotonic()  # noqa: TID251 - tells where to strike, judges nothing
        code, said = kb(folder, VERBS[name])
        assert code in VERBS[name].ends, said
        self[name] = folder, time.monotonic() - begun  # noqa: TID251
        return self[name]


def is_whole(folder: Path, old: dict[str, bytes], new: dict[str, bytes]) -> bool:
    """Whether every file is as before or as after; a temporary one may be left."""
    found = {name: raw for name, raw in contents(folder).items() if TEMPORARY not in name}
    known = {name: {old.get(name), new.get(name)} for name in old.keys() | new.keys()}
    return all(raw in known.get(name, set()) for name, raw in found.items()) and all(
        name in found for name in old.keys() & new.keys()
    )


def site_is_whole(folder: Path, old: Path, new: Path, verb: Verb) -> bool:
    """Whether the site is the one before or the one after, with all its pages.

    One that is being removed may have lost some: what is left lies where the next run looks.
    """
    pages = [
        sorted(p.relative_to(f) for f in [at / "library" / "site"] for p in f.rglob("*.html"))
        for at in (folder, old, new)
    ]
    if verb.removes_the_site:
        return set(pages[0]) <= set(pages[1])
    return pages[0] in pages[1:]


def left_over(folder: Path) -> list[Path]:
    """What a killed run left; `.kb-made` and `.kb-lock` stay for good."""
    return list(folder.rglob(f"{TEMPORARY}*.part"))


def copy_of(folder: Path, target: Path) -> Path:
    shutil.copytree(folder, target, symlinks=True)
    return target


def wait_for_orphans(folder: Path) -> None:
    """Wait until the engine that a killed `kb site` had started is done with its own folder.

    Its parent is dead and it does not know; while it writes there, its folder counts as young.
    """
    while any(str(folder).encode() in line for line in _command_lines()):
        time.sleep(0.05)


def _command_lines() -> Iterator[bytes]:
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            yield path.read_bytes()


def kill_once(
    whole: Path, done: dict[str, tuple[Path, float]], target: Path, name: str, seed: int
) -> None:
    """Kill a verb at a random moment; what is left must be whole, and the next run must do."""
    verb, (after, took) = VERBS[name], done[name]
    folder = copy_of(whole, target)
    run = Run(folder, verb)
    time.sleep(random.Random(seed).uniform(0.2, 1.1) * took)
    run.kill()
    old, new = contents(whole), contents(after)
    assert is_whole(folder, old, new), (name, seed)
    assert site_is_whole(folder, whole, after, verb), (name, seed)
    wait_for_orphans(folder)
    for path in left_over(folder):
        os.utime(path, (0, 0))
    code, said = kb(folder, verb)
    assert code in verb.ends or (verb.done_already and verb.done_already in said), (seed, said)
    assert contents(folder).keys() == new.keys(), (name, seed)
    assert is_whole(folder, old, new)
    assert left_over(folder) == [], (name, seed)
    shutil.rmtree(target)


@pytest.mark.parametrize("name", VERBS)
def test_a_run_that_is_killed_leaves_the_old_or_the_new(
    whole: Path, done: dict[str, tuple[Path, float]], tmp_path: Path, name: str
) -> None:
    kill_once(whole, done, tmp_path / "x", name, seed=1)


def test_what_a_killed_run_left_is_swept_though_nothing_is_to_be_built(
    whole: Path, tmp_path: Path
) -> None:
    folder = copy_of(whole, tmp_path / "x")
    kb(folder, VERBS["build"])
    dead = [folder / "library" / at / f"{TEMPORARY}{'0' * 16}.part" for at in (".kb", ".kb/index")]
    for path in dead:
        path.write_text("half")
        os.utime(path, (0, 0))
    assert kb(folder, VERBS["build"])[0] == 0
    assert left_over(folder) == []


@pytest.mark.parametrize(("name", "place"), [("init", ".github"), ("adopt", "postmortems")])
def test_what_a_killed_run_left_is_swept_though_everything_is_there(
    whole: Path, tmp_path: Path, name: str, place: str
) -> None:
    folder = copy_of(whole, tmp_path / "x")
    kb(folder, VERBS[name])
    dead = folder / "library" / place / f"{TEMPORARY}{'0' * 16}.part"
    dead.write_text("half")
    os.utime(dead, (0, 0))
    assert kb(folder, VERBS[name])[0] == 0
    assert left_over(folder) == []


@pytest.mark.slow
def test_five_hundred_kills_leave_the_old_or_the_new(
    whole: Path, done: dict[str, tuple[Path, float]], tmp_path: Path
) -> None:
    for seed in range(500):
        kill_once(whole, done, tmp_path / str(seed), sorted(VERBS)[seed % len(VERBS)], seed)


@pytest.mark.parametrize("count", [2, pytest.param(8, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", VERBS)
def test_several_of_a_verb_at_once_leave_it_whole(
    whole: Path, done: dict[str, tuple[Path, float]], tmp_path: Path, name: str, count: int
) -> None:
    verb, folder = VERBS[name], copy_of(whole, tmp_path / "at-once")
    runs = [Run(folder, verb) for _ in range(count)]
    said = [run.end() for run in runs]
    assert not [text for _, text in said if "unexpected" in text or "Free space" in text], said
    assert any(code in verb.ends for code, _ in said), said
    if not verb.only_once:  # of these one does it, and the others say so
        assert all(code in verb.ends for code, _ in said), said
    assert is_whole(folder, contents(whole), contents(done[name][0]))
    assert left_over(folder) == []
    if name == "site":
        assert any("another kb builds in build/: waiting for it" in text for _, text in said)


FULL = """
mount -t tmpfs -o size={size} none {disk} && cp -r {whole}/. {disk}/ && cd {disk} || exit 77
head -c 100m /dev/zero > .filler 2>/dev/null
{python} -m kb {verb}; echo code $?
rm .filler; {python} -m kb {verb} > /dev/null; echo next $?
find postmortems fixture.json -size 0; find . -name '{temporary}*.part'
cp -r postmortems fixture.json {out}
"""


#: Those whose few bytes the blocks that they have already take, or whose bytes lie elsewhere.
_ON_A_FULL_DISK = (
    *("new", "new from a run", "fmt", "close", "occur", "import", "checkup", "adopt", "purge"),
    *("init", "review", "sign off", "metrics", "similar"),
)


@pytest.mark.skipif(not hasattr(os, "unshare") and shutil.which("unshare") is None, reason="Linux")
@pytest.mark.parametrize("name", _ON_A_FULL_DISK)
def test_a_full_disk_leaves_the_old_and_says_so(whole: Path, tmp_path: Path, name: str) -> None:
    disk, out = tmp_path / "disk", tmp_path / "out"
    disk.mkdir()
    out.mkdir()
    verb = VERBS[name]
    script = FULL.format(
        size="24m",
        disk=disk,
        whole=whole / "library",
        python=sys.executable,
        verb=" ".join(f"'{word}'" for word in verb.words),
        temporary=TEMPORARY,
        out=out,
    )
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", script], capture_output=True, text=True, check=False
    )
    if done.returncode == 77 or "Operation not permitted" in done.stderr:
        pytest.skip("no private mount here")
    assert "unexpected" not in done.stderr
    # Where a line begins so: metrics speak of what is next, too.
    first, _, last = done.stdout.rpartition("\nnext ")
    rest = last.splitlines()
    assert rest in [[str(end)] for end in verb.ends], done
    wanted = "code 2" if verb.writes_records else "code 0"
    assert wanted in first, done


READ_ONLY = """
mount --bind {whole} {whole} && mount -o remount,ro,bind {whole} && cd {whole} || exit 77
{python} -m kb {verb}
"""


@pytest.mark.parametrize(
    ("verb", "said"),
    [
        (VERBS["similar"].words, ID),
        (("metrics",), "incidents"),
        (("check", "--format", "json"), "problems"),
        (("eval",), "success@1"),
        (("site", "--out", "{out}"), "pages"),
        (VERBS["fmt"].words, "cannot be written"),
        (VERBS["new"].words, "cannot be written"),
        (("build",), "cannot be written"),
        (VERBS["adopt"].words, "cannot be written"),
        (VERBS["purge"].words, "cannot be written"),
        (VERBS["init"].words, "cannot be written"),
        (VERBS["checkup"].words, "cannot be written"),
        (VERBS["review"].words, "cannot be written"),
        (VERBS["sign off"].words, "cannot be written"),
        (("list",), ID),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_read_only_tree_answers_or_says_why_not(
    whole: Path, tmp_path: Path, verb: tuple[str, ...], said: str
) -> None:
    folder = copy_of(whole, tmp_path / "ro")
    with (folder / "library" / "postmortems" / f"{ID}.md").open("a") as record:
        record.write("\nA line that the index does not have yet.\n")
    words = " ".join(f"'{word.format(out=tmp_path / 'out')}'" for word in verb)
    script = READ_ONLY.format(whole=folder / "library", python=sys.executable, verb=words)
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", script], capture_output=True, text=True, check=False
    )
    if done.returncode == 77 or "Operation not permitted" in done.stderr:
        pytest.skip("no private mount here")
    assert "unexpected" not in done.stderr
    assert said in done.stdout + done.stderr, done
    if verb[0] == "similar":
        assert "made for this question alone" in done.stdout
