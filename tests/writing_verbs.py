"""Every verb that writes, as a row, and a library in which each of them has something to do.

A library lies in `library` of a folder, and the home of whoever runs the verbs in `home` beside it.
"""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from kb.config import read_config
from kb.user_folders import cache_folder
from kb.walls.compile_table import wishes_of_walls

from conftest import git_in
from search_library import DEFAULTS, write_record, write_stories
from traces_made import claude_row, lines

ID = "2025-01-10-refund-twice"
DRAFT = "2025-09-01-a-draft"
PURGED = "Tollgren"
WALL = f"{ID}#W1"
TRACE = {
    "messages": [
        {"role": "user", "content": "Refund the order, please."},
        {"role": "assistant", "content": "It is done."},
    ]
}
_WALLS = """walls:
  - id: W1
    tool: shell
    command: terraform destroy
    verdict: deny
    reason: it took production down; a person runs it
    stops: terraform destroy -auto-approve
    passes: terraform plan
"""
_ADOPTED = """---
title: {title}
date: {day}
status: published
form: adopted
---
# {title}

The refund tool timed out and the agent called it again without an idempotency key.
"""
_EXPORT = (
    "title,date,severity,text\n"
    "Search was down,2024-05-01,P1,The index was empty and nobody saw it.\n"
    "Mail was late,2024-06-02,P2,The queue was full for an hour.\n"
)
_CHECKLIST = "classify.md"
_CONDITION = "- [ ] A2: say so — owner: team, due: 2030-01-01, lever: code, gate: restart"
#: Day and time, which no two runs share.
_TIMES = re.compile(rb"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:\+00:00|Z)?")
#: What a name of the user's own files has of the path of a library.
_HASH = re.compile(r"-[0-9a-f]{8}(?=\.)")
COMPUTED = {".kb", "build", "site", ".git", "__pycache__"}


@dataclass(frozen=True)
class Verb:
    """A call of `kb`: its words, what it may answer, and what a second one may say instead."""

    words: tuple[str, ...]
    ends: frozenset[int] = frozenset({0})
    #: What is said where it is done already, with another exit status.
    done_already: str = ""
    #: Of several at once one does it; the others may say that it is done, or was changed.
    only_once: bool = False
    #: Typed at a terminal.
    typed: str = ""
    removes_the_site: bool = False
    #: Whether a full disk leaves it nothing to do but say so.
    writes_records: bool = True


def _verb(words: str, **more: object) -> Verb:
    return Verb(tuple(words.split()), **more)  # type: ignore[arg-type]


# `push` writes to a server alone; tests/test_store.py kills it. `beside refresh` writes to a cache.
VERBS = {
    "similar": Verb(("similar", "the refund was paid twice"), writes_records=False),
    "build": _verb("build", writes_records=False),
    "site": _verb("site", writes_records=False),
    "metrics": _verb("metrics", writes_records=False),
    "fmt": _verb("fmt postmortems", only_once=True),
    "new": Verb(
        ("new", "A title", "--date", "2026-01-02", "--no-edit"),
        done_already="already exists",
        only_once=True,
    ),
    "new from a run": Verb(
        ("new", "Of a run", "--date", "2026-01-03", "--no-edit", "--from-run", "trace.json"),
        done_already="already exists",
        only_once=True,
    ),
    "close": _verb(f"actions close {ID}#A1 --on 2026-01-02", only_once=True),
    "occur": _verb(
        f"occur {ID} --at 2026-06-20T09:12Z", done_already="stands there already", only_once=True
    ),
    "import": _verb("run import trace.json --out fixture.json --force"),
    "capture": _verb(
        f"run capture s1 --beside postmortems/{DRAFT}.md", done_already="already", only_once=True
    ),
    "checkup": _verb("run checkup traces --out checkup.md", ends=frozenset({0, 1})),
    "adopt": _verb("adopt export.csv", only_once=True),
    "classify": _verb(f"adopt --classify --checklist {_CHECKLIST}", only_once=True),
    "purge": _verb(
        f"purge {PURGED} --write", ends=frozenset({0, 1}), only_once=True, removes_the_site=True
    ),
    "wall pass": Verb(("wall", "pass", WALL, "--reason", "a drill"), typed="y\n"),
    "init": _verb("init --agents --host github"),
    "review": _verb("review --base HEAD --output comment.md", ends=frozenset({0, 1})),
    "sign off": _verb("gate refunds --sign-off payments-lead", ends=frozenset({1}), only_once=True),
    "trust": _verb("trust --yes", ends=frozenset({0, 1}), writes_records=False),
}


def write_library(at: Path) -> Path:
    """Records in every state that a verb of `VERBS` asks for, committed; the library's folder."""
    folder = at / "library"
    (folder / "postmortems").mkdir(parents=True)
    _write_session(at / "home")
    (folder / "kb.toml").write_text("")
    write_stories(folder)
    told = folder / "postmortems" / f"{ID}.md"
    told.write_text(told.read_text().replace("\nclocks:", f"\n{_WALLS}clocks:", 1))
    loose = write_record(folder, "2025-07-01-loose", "Loose")
    loose.write_text(loose.read_text().replace("- [ ] A1: add", "* [X] add"))
    write_record(folder, "2025-08-01-named", f"{PURGED} was charged", summary=f"{PURGED} paid.")
    write_record(folder, DRAFT, "A draft", status="draft")
    held = f"{DEFAULTS['actions']}\n{_CONDITION}"
    write_record(folder, "2025-08-02-held", "Held until it is said", actions=held)
    (folder / "postmortems" / "2024-03-01-old.md").write_text(
        _ADOPTED.format(title="Refunds were paid twice", day="2024-03-01")
    )
    (folder / "trace.json").write_text(json.dumps(TRACE))
    (folder / "traces").mkdir()
    for number in range(3):
        (folder / "traces" / f"{number}.json").write_text(json.dumps(TRACE))
    (folder / "fixture.json").write_text("{}")
    (folder / "export.csv").write_text(_EXPORT)
    (folder / ".gitignore").write_text(".kb/\nbuild/\nsite/\n")
    git = git_in(folder)
    git("init", "-q")
    git("add", ".")
    git("commit", "-qm", "x")
    list_what_to_classify(at)
    return folder


def list_what_to_classify(at: Path) -> None:
    """Let `kb` propose words for what was adopted, and tick them all."""
    code, said = kb(at, VERBS["classify"])
    assert code == 0, said
    checklist = at / "library" / _CHECKLIST
    checklist.write_text(checklist.read_text().replace("- [ ]", "- [x]"))


def _write_session(home: Path) -> None:
    """A session of a coding agent."""
    rows = [
        claude_row("user", 0, "Tidy up", cwd="/srv"),
        claude_row("assistant", 1, [{"type": "text", "text": "Done."}]),
    ]
    place = home / ".claude" / "projects" / "-srv"
    place.mkdir(parents=True)
    (place / "s1.jsonl").write_text(lines(*rows))


class Run:
    """`kb` at work in the library of a folder; what is typed waits at its terminal."""

    def __init__(self, at: Path, verb: Verb) -> None:
        leader, follower = pty.openpty()
        os.write(leader, verb.typed.encode())
        self._leader = leader
        self.process = subprocess.Popen(
            [sys.executable, "-m", "kb", *verb.words],
            cwd=at / "library",
            env=_environment(at, trusts_walls=bool(verb.typed)),
            stdin=follower if verb.typed else subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=follower if verb.typed else subprocess.PIPE,
            text=True,
        )
        os.close(follower)

    def kill(self) -> None:
        self.process.kill()
        self.end()

    def end(self) -> tuple[int, str]:
        """The exit status, and what was said on both streams, once it is done."""
        out, err = self.process.communicate(timeout=600)
        said = out + (err or "")
        with suppress(OSError):  # what was said at the terminal; Linux: nobody is left there
            said += os.read(self._leader, 65536).decode() if err is None else ""
        os.close(self._leader)
        return self.process.returncode, said


def kb(at: Path, verb: Verb) -> tuple[int, str]:
    """The exit status of a verb, and what it said."""
    code, said = Run(at, verb).end()
    assert "unexpected" not in said, said
    return code, said


def _environment(at: Path, *, trusts_walls: bool) -> dict[str, str]:
    """The variables of a person whose home is there; encoders stay compiled where they are."""
    home = {"HOME": str(at / "home"), "XDG_CACHE_HOME": str(Path(cache_folder()).parent)}
    home |= {"XDG_CONFIG_HOME": str(at / "home" / "config"), "XDG_STATE_HOME": ""}
    if trusts_walls:
        wishes = wishes_of_walls(at / "library", read_config(at / "library"))
        home["KB_TRUST"] = ",".join(wish.sha256 for wish in wishes)
    return os.environ | home


def contents(at: Path) -> dict[str, bytes]:
    """What lies in a library and its user's home, without what is computed.

    Times are left out, and so is what tells one folder from another; a line of a log counts once.
    """
    return {
        _HASH.sub("", path.relative_to(at).as_posix()): _content(path, at)
        for path in at.rglob("*")
        if path.is_file() and not (COMPUTED & set(path.relative_to(at).parts))
    }


def _content(path: Path, at: Path) -> bytes:
    raw = _TIMES.sub(b"T", path.read_bytes()).replace(str(at).encode(), b"HERE")
    is_log = path.suffix == ".jsonl" and ".local" in path.parts
    return b"".join(sorted(set(raw.splitlines(keepends=True)))) if is_log else raw
