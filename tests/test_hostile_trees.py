"""A clone of somebody else: whatever links and devices it holds, nothing outside changes or hangs.

Each case is a tree as Git can bring it, and one verb run in it.
"""

from __future__ import annotations

import ast
import os
import re
import resource
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from kb.safe_files import TEMPORARY

from conftest import ROOT
from search_library import STORIES, write_record

_LIMIT_BYTES = 6_000_000_000  # so that a fault does not take the machine down
_MOST_MEMORY_KB = 1_000_000
_SECONDS = 120


@dataclass(frozen=True)
class Ran:
    """What a run of kb left behind."""

    code: int
    out: str
    err: str
    peak_kb: int

    def is_clean(self) -> bool:
        said = self.out + self.err
        return "unexpected" not in said and "Traceback" not in said


def kb(folder: Path, *arguments: str) -> Ran:
    """Run kb in a folder; a run that takes longer than a minute or more than 1 GB fails."""
    with subprocess.Popen(
        [sys.executable, "-m", "kb", *arguments],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as run:
        resource.prlimit(run.pid, resource.RLIMIT_AS, (_LIMIT_BYTES, _LIMIT_BYTES))
        try:
            out, err = run.communicate(timeout=_SECONDS)
        except subprocess.TimeoutExpired:
            run.kill()
            pytest.fail(f"kb {' '.join(arguments)} did not end")
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return Ran(run.returncode, out, err, peak)


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A clone with records and a commit; beside it what its owner would miss."""
    folder, beside = tmp_path / "clone", tmp_path / "outside"
    (folder / "postmortems").mkdir(parents=True)
    (folder / "kb.toml").write_text("")
    for number, (name, title, kind, summary) in enumerate(STORIES):
        write_record(folder, name, title, classes=kind, summary=summary, route=f"r{number}")
    for path in ("precious", ".ssh/id", "deep/er/file", "assets/kb/kb.css", "pages/assets/kb/x"):
        (beside / path).parent.mkdir(parents=True, exist_ok=True)
        (beside / path).write_text("precious")
    for number in range(12):
        (beside / f"{number:024x}.json").write_text("{}")
    git = ["git", "-c", "init.defaultBranch=main"]
    subprocess.run([*git, "init", "-q"], cwd=folder, check=True)
    subprocess.run([*git, "add", "."], cwd=folder, check=True)
    subprocess.run([*git, "commit", "-qm", "x"], cwd=folder, check=True)
    return folder


def state(folder: Path) -> dict[str, str]:
    """Every file and folder beside the clone, with its content."""
    return {
        str(path.relative_to(folder)): path.read_text() if path.is_file() else ""
        for path in sorted(folder.rglob("*"))
        if path.relative_to(folder).parts[0] != "clone"
    }


def link(clone: Path, place: str, target: str) -> None:
    (clone / place).parent.mkdir(parents=True, exist_ok=True)
    if (clone / place).is_dir():
        shutil.rmtree(clone / place)
    (clone / place).symlink_to(target)


TRACE = '{"id": "r1", "messages": [{"role": "user", "content": "hello a@b.example"}]}\n'
TWO_TRACES = TRACE + TRACE.replace("r1", "r2")
DRAFT = "2026-05-05-a-title"
NEW = ("new", "A title", "--no-edit", "--date", "2026-05-05")
SEARCHES = ("similar", "the refund was paid twice")
LOSSES = [
    (".kb/index", "../..", SEARCHES),
    (".kb/index", "../../outside", SEARCHES),
    (".kb/index", "../../outside", ("build",)),
    (".kb", "../outside", SEARCHES),
    (".kb", "../outside", ("build",)),
    (".kb", "../outside", ("metrics",)),
    (".kb/index/lock", "../../../outside/new", SEARCHES),
    (".kb/.gitignore", "../../outside/new", SEARCHES),
    (".kb/trails", "../../outside", ("metrics",)),
    (".kb/checkup", "../../outside", ("run", "checkup", "trace.jsonl")),
    (".kb/redaction.key", "../../outside/new", ("run", "import", "trace.jsonl", "--out", "f.json")),
    ("comment.md", "../outside/new", ("review", "--base", "HEAD", "--output", "comment.md")),
    ("comment.md", "../outside/precious", ("review", "--base", "HEAD", "--output", "comment.md")),
    ("reports", "../outside", ("run", "checkup", "trace.jsonl", "--out", "reports/new")),
    ("f.json", "../outside/new", ("run", "import", "trace.jsonl", "-o", "f.json")),
    ("f.json", "../outside/precious", ("run", "import", "trace.jsonl", "-o", "f.json", "--force")),
    ("runs", "../outside", ("run", "import", "trace.jsonl", "-o", "runs")),
    ("runs", "../outside", ("run", "import", "two.jsonl", "-o", "runs")),
    ("fixture.json", "../outside/new", ("run", "import", "trace.jsonl")),
    ("fixture.json", "../outside/precious", ("run", "import", "trace.jsonl", "--force")),
    ("runs/fixture.json", "../../outside/new", ("run", "import", "trace.jsonl", "-o", "runs")),
    ("two-runs", "../outside", ("run", "import", "two.jsonl")),
    ("runs/0001-r1", "../../outside", ("run", "import", "two.jsonl", "-o", "runs")),
    pytest.param("build/out", "../../outside", ("site",), marks=pytest.mark.site),
    pytest.param("public", "../outside", ("site", "--out", "public"), marks=pytest.mark.site),
    pytest.param("public", "../outside", ("site", "--out", "public/new"), marks=pytest.mark.site),
    ("postmortems", "../outside", ("new", "A title", "--no-edit")),
    ("postmortems/2026-01-03-x.md", "../../outside/precious", ("fmt", "postmortems")),
    (f"postmortems/{DRAFT}.md", "../../outside/new", (*NEW, "--from-git", "HEAD")),
    (f"postmortems/{DRAFT}.md", "../../outside/new", (*NEW, "--from-run", "trace.jsonl")),
    (f"postmortems/{DRAFT}", "../../outside", (*NEW, "--from-run", "trace.jsonl")),
    (
        f"postmortems/{DRAFT}/fixture.json",
        "../../../outside/new",
        (*NEW, "--from-run", "trace.jsonl"),
    ),
]
SITES = [
    ("build", "../outside", ("site",)),
    ("build/mkdocs.yml", "../../outside/precious", ("site", "--pages-only")),
    ("build/pages", "../../outside", ("site", "--pages-only")),
    ("build/pages.new", "../../outside", ("site", "--pages-only")),
    ("build/theme", "../../outside", ("site", "--pages-only")),
    ("build/searched", "../../outside", ("site", "--pages-only")),
    ("site", "../outside", ("site",)),
]


@pytest.mark.parametrize(("place", "target", "verb"), LOSSES)
def test_a_committed_link_loses_nobody_a_file(
    clone: Path, place: str, target: str, verb: tuple[str, ...]
) -> None:
    (clone / "trace.jsonl").write_text(TRACE)
    (clone / "two.jsonl").write_text(TWO_TRACES)
    link(clone, place, target)
    before = state(clone.parent)
    ran = kb(clone, *verb)
    assert state(clone.parent) == before
    assert (clone / place).is_symlink()
    assert ran.is_clean(), ran


@pytest.mark.site
@pytest.mark.parametrize(("place", "target", "verb"), SITES)
def test_a_link_where_a_site_is_built_is_refused_by_name(
    clone: Path, place: str, target: str, verb: tuple[str, ...]
) -> None:
    link(clone, place, target)
    before = state(clone.parent)
    ran = kb(clone, *verb)
    assert state(clone.parent) == before
    assert ran.code == 2, ran
    assert re.search(rf"/{re.escape(place)}: is a link.*\n.*rm .*/{re.escape(place)}", ran.err), ran


def test_a_link_at_the_well_known_name_of_the_vectors_is_not_written_through(clone: Path) -> None:
    kb(clone, *SEARCHES)
    name = next(path.name for path in (clone / ".kb").glob("vectors-*") if "lock" not in path.name)
    shutil.rmtree(clone / ".kb")
    link(clone, f".kb/{name}", "../../outside/precious")
    before = state(clone.parent)
    ran = kb(clone, *SEARCHES)
    assert state(clone.parent) == before
    assert "2025-01-10-refund-twice" in ran.out
    assert "made for this question alone" in ran.out


@pytest.mark.parametrize(
    ("setting", "verb"),
    [
        ('[search]\nvectors = "../outside/.ssh"\n', SEARCHES),
        ('[library]\npath = "../outside"\n', ("new", "A title", "--no-edit")),
        (
            '[library]\npath = "../outside"\n',
            ("new", "A title", "--no-edit", "--from-run", "t.jsonl"),
        ),
    ],
)
def test_a_setting_that_climbs_out_writes_nothing_there(
    clone: Path, setting: str, verb: tuple[str, ...]
) -> None:
    (clone / "t.jsonl").write_text(TRACE)
    (clone / "kb.toml").write_text(setting)
    before = state(clone.parent)
    ran = kb(clone, *verb)
    assert state(clone.parent) == before
    assert (ran.code, ran.is_clean()) == (2, True), ran


@pytest.mark.site
def test_a_folder_that_kb_did_not_make_is_not_replaced_by_a_build(clone: Path) -> None:
    (clone / "build/pages").mkdir(parents=True)
    (clone / "build/pages/mine").write_text("mine")
    (clone / "build/lib").mkdir()
    ran = kb(clone, "site", "--pages-only")
    assert ran.code == 2
    assert "was not made by kb" in ran.err
    shutil.rmtree(clone / "build/pages")
    assert kb(clone, "site", "--pages-only").code == 0
    assert (clone / "build/lib").is_dir()


def _devices(clone: Path) -> None:
    folder = clone / "postmortems"
    (folder / "2026-01-03-zero.md").symlink_to("/dev/zero")
    (folder / "2026-01-04-loop.md").symlink_to("2026-01-04-loop.md")
    (folder / "2026-01-05-out.md").symlink_to("../../outside/precious")
    (folder / "2026-01-07-fifo-link.md").symlink_to("../fifo")
    os.mkfifo(folder / "2026-01-06-fifo.md")
    os.mkfifo(clone / "fifo")
    (folder / "2025-01-10-refund-twice").symlink_to("2025-01-10-refund-twice")


READERS = [
    ("check",),
    ("fmt", "--check"),
    SEARCHES,
    ("build",),
    ("metrics",),
    ("actions",),
    ("gate", "r0"),
    ("review", "--base", "HEAD"),
    ("eval", "--queries", "q.jsonl"),
    ("new", "A title", "--no-edit"),
    ("similar", "2025-01-10-refund-twice"),
]


@pytest.mark.parametrize("verb", READERS, ids=" ".join)
def test_devices_fifos_and_loops_stop_no_verb(clone: Path, verb: tuple[str, ...]) -> None:
    _devices(clone)
    (clone / "q.jsonl").write_text('{"query": "refund", "relevant": ["2025-01-10-refund-twice"]}\n')
    ran = kb(clone, *verb)
    assert ran.is_clean(), ran
    assert ran.peak_kb < _MOST_MEMORY_KB
    if verb == ("check",):
        for name in ("03-zero", "04-loop", "05-out", "06-fifo", "07-fifo-link"):
            assert re.search(rf"2026-01-{name}\.md:1", ran.out), ran.out


@pytest.mark.site
def test_devices_fifos_and_loops_stop_no_site(clone: Path) -> None:
    _devices(clone)
    ran = kb(clone, "site")
    assert (ran.code, ran.is_clean()) == (0, True), ran
    assert ran.peak_kb < _MOST_MEMORY_KB


ALL_READERS = [*READERS, pytest.param(("site", "--pages-only"), marks=pytest.mark.site)]


@pytest.mark.parametrize("verb", ALL_READERS, ids=" ".join)
def test_a_name_that_is_no_text_stops_no_verb(clone: Path, verb: tuple[str, ...]) -> None:
    name = os.fsdecode(b"2026-01-03-\xff.md")
    shutil.copy(clone / "postmortems/2025-01-10-refund-twice.md", clone / "postmortems" / name)
    for words in (["add", "."], ["commit", "-qm", "x"]):
        subprocess.run(["git", *words], cwd=clone, check=True)
    (clone / "q.jsonl").write_text('{"query": "refund", "relevant": ["2025-01-10-refund-twice"]}\n')
    ran = kb(clone, *verb)
    assert ran.is_clean(), ran
    if verb == ("check",):
        assert "its name is no UTF-8" in ran.out


def deep(folder: Path, levels: int = 1_200) -> None:
    """Folders in folders: as many as Git brings, more than Python has calls or descriptors."""
    folder.mkdir(parents=True, exist_ok=True)
    place = os.open(folder, os.O_RDONLY)
    for _ in range(levels):
        os.mkdir("a", dir_fd=place)
        below = os.open("a", os.O_RDONLY, dir_fd=place)
        os.close(place)
        place = below
    os.close(place)


DEEP = [
    ("postmortems/2025-01-10-refund-twice", ("check",)),
    ("postmortems/2025-01-10-refund-twice", ("check", "postmortems")),
    ("postmortems", ("gate", "r0")),
    ("traces", ("run", "checkup", "traces")),
    (".kb/checkup", ("run", "checkup", "trace.jsonl")),
    (".kb/index/0123456789abcdef", ("build",)),
    pytest.param("build/pages", ("site", "--pages-only"), marks=pytest.mark.site),
    pytest.param(
        "postmortems/2025-01-10-refund-twice", ("site", "--pages-only"), marks=pytest.mark.site
    ),
]


@pytest.mark.parametrize(("place", "verb"), DEEP)
def test_folders_in_folders_stop_no_verb(clone: Path, place: str, verb: tuple[str, ...]) -> None:
    (clone / "trace.jsonl").write_text(TRACE)
    deep(clone / place)
    try:
        ran = kb(clone, *verb)
    finally:
        subprocess.run(["rm", "-rf", clone], check=True)  # pytest's own way is the recursive one
    assert ran.is_clean(), ran


def test_a_link_into_the_settings_of_git_shows_nobody_a_token(clone: Path) -> None:
    with (clone / ".git/config").open("a") as config:
        config.write('[http "x"]\n\textraheader = AUTHORIZATION: basic zebrafish\n')
    (clone / "postmortems/2026-01-03-x.md").symlink_to("../.git/config")
    (clone / "postmortems/2026-01-04-x.md").symlink_to("../elsewhere/config")
    (clone / "elsewhere").symlink_to(".git")
    ran = kb(clone, "check")
    assert len(re.findall(r"2026-01-0[34]-x\.md:1\S* .*a link out of the repository", ran.out)) == 2
    assert "zebrafish" not in kb(clone, "similar", "authorization basic", "--json").out
    assert not [p for p in (clone / ".kb").rglob("*") if p.is_file() and b"zebra" in p.read_bytes()]


@pytest.mark.parametrize("name", ["kb.toml", "mkdocs.yml"])
def test_a_setting_file_that_is_a_device_is_refused(clone: Path, name: str) -> None:
    (clone / name).unlink(missing_ok=True)
    (clone / name).symlink_to("/dev/zero")
    ran = kb(clone, *(("check",) if name == "kb.toml" else ("site", "--pages-only")))
    assert ran.is_clean(), ran
    assert ran.peak_kb < _MOST_MEMORY_KB


def test_a_place_that_cannot_be_written_is_answered_from_memory(clone: Path) -> None:
    """As root, permissions hold nothing back: a file in the place of `.kb` does."""
    (clone / ".kb").write_text("")
    ran = kb(clone, *SEARCHES)
    assert "2025-01-10-refund-twice" in ran.out
    assert "made for this question alone" in ran.out
    for verb in (("metrics",), ("gate", "r0"), ("check",)):
        assert kb(clone, *verb).is_clean()


def leftovers(clone: Path) -> list[str]:
    return [str(path) for path in clone.rglob("*") if path.name.startswith(TEMPORARY)]


_DECODING = re.compile(r"\bjson\.loads?\(|msgspec\.(?:json|msgpack)\.decode\(|\bdecoder\.decode\(")
#: What these read is what pip wrote, and the site's own model.
_NOT_OF_STRANGERS = ("kb/installation.py", "kb/site/semantic/browser_encoder.py")


def test_whoever_bears_json_that_is_none_bears_json_without_a_bottom() -> None:
    """Both decoders raise `RecursionError` for it, which is no `ValueError`."""
    found = []
    for file in sorted((ROOT / "kb").rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text("utf-8"))):
            if not isinstance(node, ast.Try) or not _DECODING.search(_body_of(node)):
                continue
            caught = " ".join(ast.unparse(one.type) for one in node.handlers if one.type)
            where = file.relative_to(ROOT).as_posix()
            if where not in _NOT_OF_STRANGERS and not re.search(
                "RecursionError|Exception|_U", caught
            ):
                found.append(f"{where}:{node.lineno}")
    assert found == []


def _body_of(node: ast.Try) -> str:
    """The statements that are tried, without those tried within."""
    return "\n".join(ast.unparse(one) for one in node.body if not isinstance(one, ast.Try))


def test_an_index_whose_manifest_has_no_bottom_is_built_anew(clone: Path) -> None:
    (clone / ".kb" / "index").mkdir(parents=True)
    (clone / ".kb" / "index" / "manifest.json").write_text('{"y": ' + "[" * 100_000, "utf-8")
    ran = kb(clone, "similar", "refund")
    assert ran.is_clean(), ran.err
    assert ran.code == 0, ran.err
