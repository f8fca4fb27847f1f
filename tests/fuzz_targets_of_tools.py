"""More targets of the fuzzer: messages of an editor, postmortems of other tools, command lines."""

from __future__ import annotations

import io
import json
import logging
import re
import shutil
import threading
import traceback
from collections.abc import Iterator
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from kb.adopt.adoption import plan
from kb.adopt.input_files import find_files
from kb.library import Library, open_library
from kb.lsp.feature_dispatch import make_server
from kb.lsp.frames import FrameReader
from kb.records.document import read_document
from kb.repo import open_repo
from kb.traces.effects.shell_effects import command_effects
from kb.traces.effects.sql_effects import sql_effects
from kb.walls.wall_conditions import matching_walls
from kb.walls.wildcards import UnjudgeableError

from conftest import EXAMPLE
from fuzz_targets import FORM, NOW, Target, folder, placed, refused

if TYPE_CHECKING:
    from kb.walls.stored_table import Row

# Postmortems of other tools: the first byte says of what kind.

_KINDS = (".md", ".html", ".csv", ".json", ".docx", ".zip")


def adopt(raw: bytes) -> None:
    """A file that is taken over: what would be written is a record without a fault, or nothing."""
    library = _empty_library()
    path = placed(raw[1:], f"export{_KINDS[raw[:1][0] % len(_KINDS)] if raw else '.md'}")
    with refused():
        found = find_files((path,), library.root, {})
        for file in plan(library, open_repo(library.root), found.files, {"p1": "SEV1"}):
            if file.refusal:
                continue
            document = read_document(file.content, file.target, FORM)
            assert not document.faults, document.faults
            assert document.is_adopted
            assert ".." not in file.target.parts


@lru_cache(maxsize=1)
def _empty_library() -> Library:
    root = folder() / "adopting"
    (root / "postmortems").mkdir(parents=True)
    (root / "kb.toml").write_text("", encoding="utf-8")
    return open_library(root)


def _adopt_seeds() -> Iterator[bytes]:
    issue = {"number": 7, "title": "Paid twice", "body": "## Impact\n\nx", "created_at": _TIME}
    pagerduty = {"incidents": [{"id": "P1", "title": "x", "created_at": _TIME, "urgency": "high"}]}
    rootly = {"data": [{"id": "1", "type": "incidents", "attributes": {"title": "x"}}]}
    jira = {"issues": [{"key": "A-1", "fields": {"summary": "x", "created": _TIME}}]}
    firehydrant = {"data": [{"id": "1", "name": "x", "severity": "SEV1", "milestones": []}]}
    for value in ([issue], pagerduty, rootly, jira, firehydrant):
        yield b"\x03" + json.dumps(value).encode()
    yield b'\x02title,date,severity,text\nx,2024-05-01,P1,"a\nb"\ny,1.2.2024,,\n'
    yield b"\x01<html><head><title>Postmortem: x</title></head><body><h1>x</h1><h2>Impact</h2>"
    yield b"\x01<table><tr><th>Date<td>2024-05-01</table><ul><li>[ ] a<li>b</ul><pre>c</pre>"
    yield b"\x00# Postmortem: paid twice\n\nDate: 2024-05-01\nSeverity: P1\n\n## Impact\n\nx\n"
    yield b"\x00---\ntitle: x\ndate: 2024-05-01\n---\n\n## Action items\n\n- [ ] do it (a)\n"


_TIME = "2026-04-12T03:14:00Z"

# Command lines of agents


def command_line(raw: bytes) -> None:
    """A command of an agent: its effects are read and walls decide, or say that they cannot."""
    text = raw.decode("utf-8", "surrogateescape")
    command_effects(text, {})
    sql_effects(text)
    with suppress(UnjudgeableError):
        matching_walls(_ROWS, "Bash", {"command": text})


_ROWS: tuple[Row, ...] = tuple(
    {
        "id": f"2026-04-12-x#W{number}",
        "tool": "shell",
        "tools": ["bash", "shell"],
        "command": words.split(),
        "effect": effect,
        "target": "",
        "needs": [],
        "arguments": [],
        "verdict": "deny",
        "reason": "x",
    }
    for number, (words, effect) in enumerate(
        [("terraform destroy", ""), ("rm -rf", ""), ("", "destructive"), ("git push --force", "")]
    )
)


def _command_seeds() -> Iterator[bytes]:
    yield b"cd /srv && sudo -u app env A=1 terraform -chdir=x destroy -auto-approve"
    yield b"bash -c 'rm -rf \"$HOME/x\"' | xargs -I{} sh -c 'echo {}'"
    yield b"psql -c 'DELETE FROM a; DROP TABLE b' <<'EOF'\nTRUNCATE c;\nEOF\n"
    yield b"for f in *.txt; do [ -e $f ] && git rm -r --cached ${f%.*}; done >> log 2>&1"
    yield b"SELECT * FROM a WHERE x = 'y'; UPDATE b SET c = 1; -- d"
    yield b"find . -name '*.py' -exec sed -i s/a/b/ {} + ; $(curl -X DELETE https://x.example)"
    yield b'cat <(echo a) > >(tee b); eval "kubectl delete ns $NS"; a=(1 2); ((a++))'


# The language server


def lsp(raw: bytes) -> None:
    """A message of an editor: the session lives on, and what is asked next is answered."""
    logging.getLogger("pygls").setLevel(logging.CRITICAL + 1)
    uri = _opened().as_uri()
    text = _opened().read_text("utf-8")
    said = (
        _frame({"id": "hello", "method": "initialize", "params": {"capabilities": {}}})
        + _frame({"method": "initialized", "params": {}})
        + _frame({"method": "textDocument/didOpen", "params": {"textDocument": {
            "uri": uri, "languageId": "markdown", "version": 1, "text": text}}})
        + _framed(raw.replace(b"URI", uri.encode()))
        + _frame({"id": "bye", "method": "workspace/symbol", "params": {"query": "charged"}})
    )  # fmt: skip
    talk = _Talk(said)
    server = make_server(NOW.date)
    faults: list[Exception] = []
    server.report_server_error = lambda error, source: faults.append(error)  # type: ignore[method-assign]
    reader = cast("BinaryIO", FrameReader(cast("BinaryIO", talk), lambda _: None))
    try:
        server.start_io(reader, cast("BinaryIO", talk))
    except SystemExit:
        pass
    finally:
        server.shutdown()
    assert talk.is_done(), talk.written.getvalue()[-2000:]
    for fault in faults:
        assert _is_of_the_library(fault), repr(fault)


def _is_of_the_library(fault: BaseException) -> bool:
    """Whether the protocol's library raised it, of a message that is none."""
    last = traceback.extract_tb(fault.__traceback__)[-1:]
    is_theirs = type(fault).__module__.split(".")[0] in {"pygls", "cattrs", "json"}
    return is_theirs or any("pygls" in Path(frame.filename).parts for frame in last)


class _Talk:
    """Both ends: it hangs up when the last question is answered, or the client said so."""

    def __init__(self, said: bytes) -> None:
        self.said = io.BytesIO(said)
        self.written = io.BytesIO()
        self._answered = threading.Event()

    def readline(self, most: int = -1) -> bytes:
        line = self.said.readline(most)
        if not line:
            self._answered.wait(30)
        return line

    def read(self, size: int = -1) -> bytes:
        return self.said.read(size)

    def write(self, raw: bytes) -> int:
        self.written.write(raw)
        if b'"bye"' in raw or b'"id": "bye"' in raw:
            self._answered.set()
        return len(raw)

    def flush(self) -> None:
        """Nothing is kept back."""

    def close(self) -> None:
        """The stream stays with whoever looks at it afterwards."""

    def is_done(self) -> bool:
        """Whether the question behind the message was answered, or the message ended the talk."""
        told = self.said.getvalue()
        return self._answered.is_set() or b'"exit"' in told or b'"shutdown"' in told


@lru_cache(maxsize=1)
def _opened() -> Path:
    root = folder() / "edited"
    shutil.copytree(EXAMPLE.parent, root / "postmortems")
    (root / "kb.toml").write_text("", encoding="utf-8")
    return root / "postmortems" / EXAMPLE.name


def _frame(message: dict[str, Any]) -> bytes:
    return _framed(json.dumps({"jsonrpc": "2.0", **message}).encode())


def _framed(body: bytes) -> bytes:
    return b"Content-Length: %d\r\n\r\n%s" % (len(body), body)


def _lsp_seeds() -> Iterator[bytes]:
    at = {"textDocument": {"uri": "URI"}, "position": {"line": 4, "character": 8}}
    whole = {"start": {"line": 0, "character": 0}, "end": {"line": 9, "character": 3}}
    change = {"textDocument": {"uri": "URI", "version": 2}}
    change["contentChanges"] = [{"range": whole, "text": "x"}]  # type: ignore[assignment]
    asked: dict[str, dict[str, Any]] = {
        "textDocument/completion": at,
        "textDocument/hover": at,
        "textDocument/definition": at,
        "textDocument/references": {**at, "context": {"includeDeclaration": True}},
        "textDocument/prepareRename": at,
        "textDocument/rename": {**at, "newName": "y-z"},
        "textDocument/documentSymbol": {"textDocument": {"uri": "URI"}},
        "textDocument/codeLens": {"textDocument": {"uri": "URI"}},
        "textDocument/formatting": {"textDocument": {"uri": "URI"}, "options": {"tabSize": 2}},
        "textDocument/semanticTokens/full": {"textDocument": {"uri": "URI"}},
        "textDocument/codeAction": {
            "textDocument": {"uri": "URI"},
            "range": whole,
            "context": {"diagnostics": []},
        },
        "textDocument/didChange": change,
        "textDocument/didClose": {"textDocument": {"uri": "URI"}},
        "workspace/executeCommand": {"command": "kb.insertEarlier", "arguments": ["URI", 1, {}]},
        "workspace/didChangeWatchedFiles": {"changes": [{"uri": "URI", "type": 2}]},
    }
    for method, params in asked.items():
        is_told = re.search("did[A-Z]", method)
        message = {"jsonrpc": "2.0", "method": method, "params": params}
        yield json.dumps(message if is_told else message | {"id": 7}).encode()


TARGETS = {
    "adopt": Target(adopt, _adopt_seeds, 4096),
    "command-line": Target(command_line, _command_seeds, 1024),
    "lsp": Target(lsp, _lsp_seeds, 2048),
}
