"""Killed at any moment, eight at once, on a full disk, where nothing can be written: old or new.

A file of the library is as it was before a verb or as it is after it, and the next command works.
"""

from __future__ import annotations

import json
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

from conftest import git_in
from search_library import write_record, write_stories

ID = "2025-01-10-refund-twice"
TRACE = {
    "messages": [
        {"role": "user", "content": "Refund the order, please."},
        {"role": "assistant", "content": "It is done."},
    ]
}
VERBS = {
    "similar": ("similar", "the refund was paid twice"),
    "build": ("build",),
    "site": ("site",),
    "fmt": ("fmt", "postmortems"),
    "new": ("new", "A title", "--date", "2026-01-02", "--no-edit"),
    "close": ("actions", "close", f"{ID}#A1", "--on", "2026-01-02"),
    "import": ("run", "import", "trace.json", "--out", "fixture.json", "--force"),
    "metrics": ("metrics",),
}
#: Of the verbs above, those that may be refused a second time because it is done.
_ONCE = {"new"}
_COMPUTED = {".kb", "build", "site", ".git"}


def start(folder: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "kb", *arguments],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def kb(folder: Path, *arguments: str) -> tuple[int, str]:
    with start(folder, *arguments) as run:
        out, err = run.communicate(timeout=300)
    assert "unexpected" not in err
    return run.returncode, out + err


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library with commits, records to be formatted, a trace, and everything computed once."""
    folder = tmp_path_factory.mktemp("whole")
    (folder / "postmortems").mkdir()
    (folder / "kb.toml").write_text("")
    write_stories(folder)
    path = write_record(folder, "2025-07-01-loose", "Loose")
    path.write_text(path.read_text().replace("- [ ] A1: add", "* [X] add"))
    (folder / "trace.json").write_text(json.dumps(TRACE))
    (folder / "fixture.json").write_text("{}")
    (folder / ".gitignore").write_text(".kb/\nbuild/\nsite/\n")
    git = git_in(folder)
    git("init", "-q")
    git("add", ".")
    git("commit", "-qm", "x")
    assert kb(folder, "site")[0] == 0
    return folder


def contents(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and not (_COMPUTED & set(path.relative_to(folder).parts))
    }


def is_whole(folder: Path, old: dict[str, bytes], new: dict[str, bytes]) -> bool:
    """Whether every file is as before or as after; a temporary one may be left."""
    found = {name: raw for name, raw in contents(folder).items() if TEMPORARY not in name}
    known = {name: {old.get(name), new.get(name)} for name in old.keys() | new.keys()}
    return all(raw in known.get(name, set()) for name, raw in found.items()) and all(
        name in found for name in old.keys() & new.keys()
    )


def site_is_whole(folder: Path, old: Path, new: Path) -> bool:
    """Whether the site is the one before or the one after, with all its pages."""
    pages = [
        sorted(p.relative_to(f) for f in [at / "site"] for p in f.rglob("*.html"))
        for at in (folder, old, new)
    ]
    return bool(pages[0]) and pages[0] in pages[1:]


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


def kill_once(whole: Path, target: Path, verb: str, seed: int) -> None:
    """Kill a verb at a random moment; what is left must be whole, and the next run must do."""
    chance = random.Random(seed)
    done = copy_of(whole, target / "done")
    begun = time.monotonic()  # noqa: TID251 - tells where to strike, judges nothing
    kb(done, *VERBS[verb])
    took = time.monotonic() - begun  # noqa: TID251
    folder = copy_of(whole, target / "killed")
    with start(folder, *VERBS[verb]) as run:
        time.sleep(chance.uniform(0.2, 1.1) * took)
        run.kill()
        run.communicate()
    old, new = contents(whole), contents(done)
    assert is_whole(folder, old, new), (verb, seed)
    assert site_is_whole(folder, whole, done), (verb, seed)
    wait_for_orphans(folder)
    for path in left_over(folder):
        os.utime(path, (0, 0))
    code, said = kb(folder, *VERBS[verb])
    assert code == 0 or (verb in _ONCE and "already exists" in said), (verb, seed, said)
    assert contents(folder).keys() == new.keys(), (verb, seed)
    assert is_whole(folder, old, new)
    assert left_over(folder) == [], (verb, seed)
    shutil.rmtree(target)


@pytest.mark.parametrize("verb", VERBS)
def test_a_run_that_is_killed_leaves_the_old_or_the_new(
    whole: Path, tmp_path: Path, verb: str
) -> None:
    kill_once(whole, tmp_path / "x", verb, seed=1)


def test_what_a_killed_run_left_is_swept_though_nothing_is_to_be_built(
    whole: Path, tmp_path: Path
) -> None:
    folder = copy_of(whole, tmp_path / "x")
    kb(folder, "build")
    dead = [folder / at / f"{TEMPORARY}{'0' * 16}.part" for at in (".kb", ".kb/index")]
    for path in dead:
        path.write_text("half")
        os.utime(path, (0, 0))
    assert kb(folder, "build")[0] == 0
    assert left_over(folder) == []


@pytest.mark.slow
def test_five_hundred_kills_leave_the_old_or_the_new(whole: Path, tmp_path: Path) -> None:
    for seed in range(500):
        verb = sorted(VERBS)[seed % len(VERBS)]
        kill_once(whole, tmp_path / str(seed), verb, seed)


@pytest.mark.parametrize("verb", VERBS)
def test_eight_of_a_verb_at_once_leave_it_whole(whole: Path, tmp_path: Path, verb: str) -> None:
    done, folder = copy_of(whole, tmp_path / "done"), copy_of(whole, tmp_path / "at-once")
    kb(done, *VERBS[verb])
    runs = [start(folder, *VERBS[verb]) for _ in range(8)]
    said = [(*run.communicate(timeout=600), run.returncode) for run in runs]
    codes = sorted(code for *_, code in said)
    assert not [err for _, err, _ in said if "unexpected" in err or "Free space" in err], said
    assert codes[0] == 0, said
    if verb not in {"new", "close", "fmt"}:  # of these one does it, and the others say so
        assert codes == [0] * 8, said
    assert is_whole(folder, contents(whole), contents(done))
    assert left_over(folder) == []
    if verb == "site":
        assert any("another kb builds in build/: waiting for it" in err for _, err, _ in said)


FULL = """
mount -t tmpfs -o size={size} none {disk} && cp -r {whole}/. {disk}/ && cd {disk} || exit 77
head -c 100m /dev/zero > .filler 2>/dev/null
{python} -m kb {verb}; echo code $?
rm .filler; {python} -m kb {verb} > /dev/null; echo next $?
find postmortems fixture.json -size 0; find . -name '{temporary}*.part'
cp -r postmortems fixture.json {out}
"""


@pytest.mark.skipif(not hasattr(os, "unshare") and shutil.which("unshare") is None, reason="Linux")
@pytest.mark.parametrize("verb", ["new", "fmt", "close", "import", "metrics", "similar"])
def test_a_full_disk_leaves_the_old_and_says_so(whole: Path, tmp_path: Path, verb: str) -> None:
    disk, out = tmp_path / "disk", tmp_path / "out"
    disk.mkdir()
    out.mkdir()
    script = FULL.format(
        size="24m",
        disk=disk,
        whole=whole,
        python=sys.executable,
        verb=" ".join(f"'{word}'" for word in VERBS[verb]),
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
    assert rest == ["0"], done
    wanted = "code 0" if verb in {"metrics", "similar"} else "code 2"
    assert wanted in first, done


READ_ONLY = """
mount --bind {whole} {whole} && mount -o remount,ro,bind {whole} && cd {whole} || exit 77
{python} -m kb {verb}
"""


@pytest.mark.parametrize(
    ("verb", "said"),
    [
        (VERBS["similar"], ID),
        (("metrics",), "incidents"),
        (("check", "--format", "json"), "problems"),
        (("eval",), "success@1"),
        (("site", "--out", "{out}"), "pages"),
        (VERBS["fmt"], "cannot be written"),
        (VERBS["new"], "cannot be written"),
        (("build",), "cannot be written"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_a_read_only_tree_answers_or_says_why_not(
    whole: Path, tmp_path: Path, verb: tuple[str, ...], said: str
) -> None:
    folder = copy_of(whole, tmp_path / "ro")
    with (folder / "postmortems" / f"{ID}.md").open("a") as record:
        record.write("\nA line that the index does not have yet.\n")
    words = " ".join(f"'{word.format(out=tmp_path / 'out')}'" for word in verb)
    script = READ_ONLY.format(whole=folder, python=sys.executable, verb=words)
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", script], capture_output=True, text=True, check=False
    )
    if done.returncode == 77 or "Operation not permitted" in done.stderr:
        pytest.skip("no private mount here")
    assert "unexpected" not in done.stderr
    assert said in done.stdout + done.stderr, done
    if verb[0] == "similar":
        assert "made for this question alone" in done.stdout
