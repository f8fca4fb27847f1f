"""A library in which every text that somebody else may write tries to steer a terminal."""

from __future__ import annotations

import json
import os
import pty
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from conftest import EXAMPLE, git_in

#: Colour, the clipboard (OSC 52), a link (OSC 8), the same as C1, bell, backspace, return,
#: overrides of direction, line ends of Unicode, and characters without width.
ATTACK = (
    "\x1b[31mRED\x1b]52;c;eA==\x07\x1b]8;;http://x.example\x1b\\\x9b2J\x08\x7f\u202eRLO\u2066LRI"
    "\u2028\u200bZW\u200d\U000e0041\ufeff\xad"
)
#: A line of its own that looks like output of kb.
FORGED = "\nFORGED: CLEAR\n"

#: What may stand in output: everything printable, layout, and colours of ours.
_OURS = re.compile(r"\x1b\[(?:[0-2]|3[1-6])?m")
_RAW = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ud800-\udfff"
    "\U000e0000-\U000e0fff]"
)


def escaped(text: str) -> str:
    """A text between double quotes, as YAML, JSON and TOML have it."""
    return "".join(
        c if " " <= c <= "~" and c not in '"\\' else _unit(c) for c in text.replace("\x00", "")
    )


def _unit(character: str) -> str:
    number = ord(character)
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"


def make_library(root: Path) -> Path:
    """A repository whose record, settings, names, commits and traces are hostile."""
    git = git_in(root)
    git("init", "-q", "-b", "main")
    shutil.copytree(EXAMPLE.parent, root / "postmortems", dirs_exist_ok=True)
    shutil.rmtree(root / "postmortems/agent")
    record = root / "postmortems" / EXAMPLE.name
    text = record.read_text(encoding="utf-8")
    record.write_bytes(_hostile_record(text).encode("utf-8") + b"\nLatin-1: caf\xe9\n")
    for number in range(2):
        other = root / f"postmortems/2026-05-0{number + 1}-sibling-{number}.md"
        other.write_text(_hostile_record(text), encoding="utf-8")
    # A file name may hold anything but a slash and NUL.
    name = "postmortems/2026-05-03-bad\x1b[31m\x9b\u202e\nFORGED: CLEAR\n.md"
    (root / name).write_text(text.replace("customer", f"cust{ATTACK}"), encoding="utf-8")
    (root / "kb.toml").write_text(
        f'[library]\nname = "Ours {escaped(ATTACK + FORGED)}"\n'
        f'[taxonomy.classes]\n"bad{escaped(ATTACK)}" = "{escaped(ATTACK)}"\n'
        f'[form.headings]\nsummary = "Summary"\n',
        encoding="utf-8",
    )
    (root / "trace.json").write_text(json.dumps(_trace()), encoding="utf-8")
    git("add", "-A")
    git("commit", "-q", "--cleanup=verbatim", "-m", f"Subject {ATTACK}{FORGED}")
    git("remote", "add", "origin", "https://example.com/o/r\x1b[31m.git")
    git("checkout", "-q", "-b", "feature\u202e\x9b\u200b")
    record.write_bytes(record.read_bytes() + b"\nMore.\n")
    git("commit", "-q", "-am", f"Another {ATTACK}")
    return root


def _hostile_record(text: str) -> str:
    for key in ("title", "route", "missing_control", "detected_by"):
        text = re.sub(rf"^{key}: (.*)$", rf'{key}: "\1 {_y(ATTACK + FORGED)}"', text, flags=re.M)
    text = text.replace("origin: example", "origin: own").replace("[x] A", "[ ] A")
    text = re.sub(r", closed: [\d-]+", "", text)
    for word in ("duplicate-side-effect", "northwind-bakery", "gpt-4o-2024-11-20", "send_receipt"):
        text = text.replace(word, f'"{word}{_y(ATTACK)}"', 1)
    for word in ("customer", "billing-agents", "renewal", "lever: code", "gate: restart"):
        text = text.replace(word, word + ATTACK)
    return text.replace("owner: ledger", f"owner: led{ATTACK}ger, tracker: T{ATTACK}-1")


def _y(text: str) -> str:
    return escaped(text).replace("\\", "\\\\")


def _trace() -> list[dict[str, Any]]:
    bad = f"{ATTACK}{FORGED}\ud800\x00"
    calls = [
        {"id": f"c{bad}", "type": "function", "function": {"name": f"pay{bad}", "arguments": "{}"}}
    ]
    return [
        {"role": "system", "content": f"Rules {bad}"},
        {"role": "user", "content": f"Pay the invoice {bad}"},
        {"role": "assistant", "content": f"I do {bad}", "tool_calls": calls},
        {"role": "tool", "tool_call_id": f"c{bad}", "content": f"Error: timeout {bad}"},
        {"role": "assistant", "content": f"Paid {bad}"},
    ]


def in_pipe(root: Path, *arguments: str, **environment: str) -> tuple[int, bytes]:
    """The exit status, and output and errors of a `kb` process, in a pipe."""
    done = subprocess.run(
        [sys.executable, "-m", "kb", *arguments],
        cwd=root,
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    return done.returncode, done.stdout


def at_terminal(root: Path, *arguments: str, **environment: str) -> tuple[int, bytes]:
    """The same at a terminal."""
    leader, follower = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "kb", *arguments],
        cwd=root,
        env=os.environ | {"TERM": "xterm"} | environment,
        stdin=follower,
        stdout=follower,
        stderr=follower,
    )
    os.close(follower)
    output = b""
    while True:
        try:
            chunk = os.read(leader, 65536)
        except OSError:  # Linux: the last end was closed
            break
        if not chunk:
            break
        output += chunk
    os.close(leader)
    return process.wait(), output.replace(b"\r\n", b"\n")


def raw_characters(output: bytes, *, with_progress: bool = False, marks: str = "") -> list[str]:
    """Characters of an output that steer a terminal and are not our own colours.

    `with_progress`: nor what redraws a line. `marks`: characters that are meant.
    """
    text = output.decode("utf-8")  # raises for bytes that are none
    text = _OURS.sub("", text)
    if with_progress:
        text = re.sub(r"\r|\x1b\[[?0-9]*[KlhJ]", "", text)
    return [c for c in _RAW.findall(text) if c not in marks]


def forged_lines(output: bytes) -> list[str]:
    """Lines that begin as the forged one does."""
    return [
        line
        for line in _OURS.sub("", output.decode("utf-8")).split("\n")
        if line.startswith("FORGED")
    ]
