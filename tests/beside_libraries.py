"""Libraries that lie beside each other: each a real repository with records of its own."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

from conftest import git_in, trust_settings
from external_texts import approve_all
from search_library import STORIES, write_record

#: Words that stand in no taxonomy, one for each place in which a record has prose or a name.
CANARIES = {
    "slug": "quokkaslug",
    "title": "Zanzibartitle",
    "summary": "marmaladesummary",
    "cause": "pelicancause",
    "counterfactual": "xylophonecounter",
    "actions": "gingeraction",
    "route": "walrusroute",
    "tool": "a tool that told narwhaltool",
    "fixture": "obsidianfixture",
    "beside": "tamarindbeside",
    "comment": "cobaltcomment",
}
RETRIED = "a retried refund call paid customers twice"


def make_library(root: Path, name: str, settings: str = "", *, stories: bool = True) -> Path:
    """A library with `[library]` settings of its own, with the six stories unless asked without."""
    (root / "postmortems").mkdir(parents=True)
    (root / "kb.toml").write_text(f'[library]\nname = "{name}"\n{settings}', encoding="utf-8")
    for record_id, title, word, summary in STORIES if stories else ():
        write_record(root, record_id, title, classes=word, summary=summary)
    return root


def commit(root: Path, message: str = "records") -> str:
    """The files of a folder as a commit of its repository; its hash."""
    git = git_in(root)
    if not (root / ".git").exists():
        git("init", "--quiet", "--initial-branch=main")
    git("add", "--all")
    git("commit", "--quiet", "--message", message)
    return git("rev-parse", "HEAD")


def write_canaries(root: Path) -> None:
    """A record of a team that shares facts: a canary in each place that is no fact."""
    name = f"2026-02-03-refund-{CANARIES['slug']}"
    path = write_record(
        root,
        name,
        f"Refund paid twice, {CANARIES['title']}",
        summary=f"The refund call was retried and paid twice: {CANARIES['summary']}.",
        cause=CANARIES["cause"],
        counterfactual=CANARIES["counterfactual"],
        actions=f"- [ ] A1: {CANARIES['actions']} — owner: {CANARIES['actions']}, lever: code",
        route=CANARIES["route"],
        tools=f'refund, "{CANARIES["tool"]}"',
    )
    text = path.read_text("utf-8").replace("---\n#", f"# {CANARIES['comment']}\n---\n#", 1)
    clocks = "  detected: 2026-02-03T12:49:00Z\n  contained: 2026-02-03T13:20:00Z\n"
    path.write_text(text.replace("T10:00:00Z\n", f"T10:00:00Z\n{clocks}", 1), encoding="utf-8")
    folder = path.with_suffix("")
    folder.mkdir()
    (folder / "notes.txt").write_text(CANARIES["beside"], encoding="utf-8")
    from kb.traces.fixture import write_fixture

    from runs_made import made_run, write

    call = write("refund", {"order": CANARIES["fixture"]}, CANARIES["fixture"])
    write_fixture(made_run(call, call), folder / "fixture.json")


#: What no external edition of `write_external` may hold.
KEPT_BACK = ("globex", "quokkaslug", "mulberryunsigned", "heliotropeinternal")


def write_external(root: Path) -> None:
    """Records of a team that shares external editions: one signed, one not, one that stays."""
    for name, summary in (("signed", RETRIED), ("unsigned", f"{RETRIED} mulberryunsigned")):
        path = write_record(
            root, f"2026-01-0{len(name) - 5}-{name}-quokkaslug", "Paid twice", summary=summary
        )
        text = path.read_text("utf-8").replace(RETRIED, f"{RETRIED} at Globex")
        marks = "visibility: external\naffected_customers: [Globex]\nclocks:"
        text = text.replace("clocks:", marks, 1)
        text = text.replace("T10:00:00Z\n", "T10:00:00Z\n  contained: 2026-01-05T10:00:00Z\n", 1)
        saw = "## Customer-visible truth\n\n```evidence\nCUSTOMER_SAW: two refunds\n```\n\n"
        path.write_text(text.replace("## Root cause", f"{saw}## Root cause", 1), "utf-8")
    write_record(root, "2026-01-09-kept", "Paid twice", summary=f"{RETRIED} heliotropeinternal")
    approve_all(root)
    [unsigned] = [p for p in (root / "postmortems").glob("*-unsigned-*") if p.is_dir()]
    shutil.rmtree(unsigned)


def name_beside(root: Path, **places: str) -> None:
    """Append libraries to `kb.toml`, by name: a folder, or an address; and trust them."""
    rows = (
        f'[[library.beside]]\nname = "{name}"\n{"git" if "://" in place else "path"} = "{place}"\n'
        for name, place in places.items()
    )
    with (root / "kb.toml").open("a", encoding="utf-8") as stream:
        stream.write("".join(rows))
    trust_settings(root)


def kb(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "kb", *arguments]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)


def similar(root: Path, *arguments: str) -> dict[str, object]:
    """The JSON answer of `kb similar --everywhere`."""
    done = kb(root, "similar", *(arguments or (RETRIED,)), "--everywhere", "--json")
    assert done.returncode == 0, done.stderr
    answer: dict[str, object] = json.loads(done.stdout)
    return answer
