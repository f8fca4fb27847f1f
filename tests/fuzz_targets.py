"""What is done with bytes of somebody else, one function a kind, for the fuzzer and for its finds.

A target gives nothing back. It raises for whatever a user must never meet: any exception but
`KbError`, a word that `kb fmt` lost, a canonical form that is none, a message without an answer.
"""

from __future__ import annotations

import atexit
import io
import json
import logging
import re
import shutil
import tempfile
import threading
import tomllib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path, PurePath
from typing import Any

import anyio
from kb.actions.action import actions_of
from kb.actions.dates_from_git import Trail
from kb.actions.gate_decision import decide_gate, open_gates
from kb.actions.gate_inputs import GateContext
from kb.actions.render import gate_text
from kb.as_of import AsOf
from kb.config import Config, parse_config
from kb.errors import KbError
from kb.library import Library, find_root
from kb.lint.runner import build_context, find, with_status
from kb.mcp.read_messages import next_message
from kb.mcp.server import AnswerWriter, MessageLines, server_for
from kb.mcp.tools import TOOLS
from kb.metrics.json_output import encoded, gate_json
from kb.records.blank_record import blank_record
from kb.records.document import Document, read_document
from kb.records.form import Form, build_form
from kb.records.front_matter import read_front_matter
from kb.records.postmortem import interpret
from kb.search.indexed_records.passages import record_passages
from kb.site.mkdocs_settings import packaged_settings, settings_text, settings_wish, used_settings
from kb.site.safe_html import escape, plain, summary_text, to_html, to_inline_html
from kb.streams import ProtocolStreams
from kb.traces.analyses import audit
from kb.traces.analyses.report import audit_text, audits_json
from kb.traces.checkup.run_facts import facts
from kb.traces.drafting.draft_sections import DraftEvidence, draft_day, draft_prefill, draft_title
from kb.traces.fixture import Blobs, fixture_chunks, read_fixture
from kb.traces.query_from_run import question_from_run
from kb.traces.read_runs import ReadingSettings, read_runs, settings_from
from kb.traces.render import View, timeline
from kb.traces.replay.asserts import check_asserts, evaluate_assert, world
from kb.traces.replay.freeze_point import at_step, prepared
from kb.traces.run import OutcomeAssert, Run
from kb.trusted_settings import open_config, wishes
from kb.user_config import Trusted, UserConfig, config_text
from mcp.server.stdio import stdio_server
from mcp_types import JSONRPCRequest, jsonrpc_message_adapter
from msgspec.structs import replace

import traces_made
from conftest import EXAMPLE, ROOT
from rule_cases import base_record, rule_cases
from test_fmt_mutations import COMPACT, FRONTS, assert_nothing_is_lost

FORM = build_form()
NOW = datetime(2026, 6, 1, tzinfo=UTC)
_NAME = PurePath("postmortems/2026-04-12-x.md")


@dataclass(frozen=True)
class Target:
    """A function that takes bytes, the inputs a fuzzer starts from, and how long they may get."""

    run: Callable[[bytes], None]
    seeds: Callable[[], Iterator[bytes]]
    most_bytes: int = 4096


@contextmanager
def refused() -> Iterator[None]:
    """Lets a `KbError` pass that can be shown on a terminal, and nothing else."""
    try:
        yield
    except KbError as error:
        shown = str(error)
        assert all(c.isprintable() or c in "\n\t" for c in shown), shown


@lru_cache(maxsize=1)
def folder() -> Path:
    """A folder for the files of this process, gone when it ends."""
    path = Path(tempfile.mkdtemp(prefix="kb-fuzz-"))
    atexit.register(shutil.rmtree, path, ignore_errors=True)
    (path / "postmortems").mkdir()
    return path


def placed(raw: bytes, name: str) -> Path:
    path = folder() / name
    path.write_bytes(raw)
    return path


# Records


def record(raw: bytes) -> None:
    """Everything that happens to a record: read, checked, formatted, searched, shown, gated."""
    document = read_document(raw, _NAME, FORM)
    assert document.encode() == raw
    _reads(document)
    assert_nothing_is_lost(document.text)
    record_passages(document)
    for section in document.sections:
        _shown("\n".join(line.text for line in section.lines))
        _shown_in_line(section.heading)
    _gates(document)


def front_matter(raw: bytes) -> None:
    """The same for what stands between the two marks of a record."""
    text = f"---\n{raw.decode('utf-8', 'surrogateescape')}\n---\n\n# x\n"
    read_front_matter(text)
    document = read_document(text.encode("utf-8", "surrogateescape"), _NAME, FORM)
    _reads(document)
    assert_nothing_is_lost(text)
    _gates(document)


def _reads(document: Document) -> None:
    library = _library(document)
    for each in (document, with_status(document, "published")):
        problems, lines = find((each,), build_context(library, (each,), today=NOW.date()))
        for problem in problems:
            assert problem.line >= 1, problem
            assert problem.column >= 1, problem
            assert (each.path, problem.line) in lines, problem
    meant = interpret(document)
    if meant is not None:
        actions_of(meant, Trail(), NOW.date())
        plain(summary_text(meant, 1500))


def _library(*documents: Document, form: Form = FORM, config: Config | None = None) -> Library:
    return Library(folder(), config or Config(), form, documents)


def _shown(markdown: str) -> None:
    html = to_html(markdown)
    assert "\n\n" not in html
    for forbidden in ("<script", "<style", "<iframe", "<!--"):
        assert forbidden not in html.lower(), html


def _shown_in_line(markdown: str) -> None:
    assert "\n\n" not in to_inline_html(markdown)
    escape(markdown).encode()


def _gates(document: Document) -> None:
    library = _library(document)
    routes = {record.route for record in library.records} | {"billing-agent"}
    for context in (GateContext(), GateContext((document,))):
        for route in routes:
            decision = decide_gate(library, route, "restart", AsOf(NOW), context)
            json.loads(encoded(gate_json(decision)))
            gate_text(decision)
    open_gates(library, NOW.date())


def _record_seeds() -> Iterator[bytes]:
    """What breaks a rule, part by part, and parts of records that break none."""
    yield COMPACT.encode()
    base = _parts(base_record().encode())
    for case in rule_cases():
        parts = _parts(case.content)
        changed = [part for part in parts[1:] if part not in base]
        yield from (parts[0] + part for part in changed or [b""])
    brief = f"---\n{FRONTS[2]}---\n# x\n".encode()
    sections = [part for path in _records() for part in _parts(path.read_bytes())[1:]]
    yield from (brief + part for part in sections[::8])


def _parts(raw: bytes) -> list[bytes]:
    """What stands before the first section, and each section."""
    return re.split(rb"(?m)^(?=## )", raw)


def _records() -> tuple[Path, ...]:
    return (EXAMPLE, *sorted((ROOT / "postmortems").glob("20*.md")))


def _front_seeds() -> Iterator[bytes]:
    yield from (front.encode() for front in FRONTS)
    yield from (path.read_bytes().split(b"---\n")[1] for path in _records())


# Settings


def kb_toml(raw: bytes) -> None:
    """Settings: read, and used for what each of them is for."""
    with refused():
        config = parse_config(raw, "kb.toml")
        form = build_form(config)
        wanted = wishes(config, folder())
        _stored(wanted)
        settings = settings_from(config.runs)
        document = read_document(COMPACT.encode(), _NAME, form)
        library = _library(document, form=form, config=config)
        find((document,), build_context(library, (document,), today=NOW.date()))
        for profile in form.profiles:
            blank_record("x", NOW.date(), profile=profile, form=form)
        for run in read_runs(placed(_TRACE, "trace.json"), settings):
            audit(run)


def _stored(wanted: tuple[Any, ...]) -> None:
    rows = tuple(Trusted(library="/x", key=wish.key, value=wish.value) for wish in wanted)
    read = tomllib.loads(config_text(UserConfig(trust=rows)))
    assert [row["value"] for row in read.get("trust", [])] == [wish.value for wish in wanted]
    assert all(wish.sha256 for wish in wanted)


_TRACE = json.dumps(traces_made.chat("to a@b.example")).encode()


def _toml_seeds() -> Iterator[bytes]:
    yield (ROOT / "kb.toml").read_bytes() if (ROOT / "kb.toml").is_file() else b""
    yield (
        b'[library]\nname = "x"\npath = "postmortems"\n[form.headings]\nactions = "To do"\n'
        b'[form.aliases]\nactions = ["Next"]\n[form.prompts]\nactions = "What?"\n'
        b'[form.profiles]\nfull = ["actions"]\n[taxonomy.classes]\nnew-word = "x"\n'
    )
    yield (
        b'[check]\ndisable = ["KB704"]\nenable = ["KB706"]\nword_budget = 10\n'
        b'containment_limit_minutes = 5\npeople = ["A B"]\n[search]\nmodel = "a/b"\n'
        b'precision = "int8"\nlimit = 3\nvectors = "../x"\ncasebook = true\n'
    )
    yield (
        b'[runs]\npolicy = ["refund requires approve before it"]\nallow = ["*@acme.example"]\n'
        b'replay = "a.b:c"\n[runs.effects]\n"get_*" = "read"\n[site]\nurl = "https://x.example"\n'
        b'repository = "https://y.example"\nkey = "k"\nsemantic_search = true\n'
    )


def site_settings(raw: bytes) -> None:
    """The settings of a site without Git: `mkdocs.yml`, and behind \\x1e `kb.toml`."""
    mkdocs, _, toml = raw.partition(b"\x1e")
    placed(mkdocs, "mkdocs.yml")
    root = find_root(placed(toml, "kb.toml").parent)
    with refused():
        open_config(root)
    with refused():
        allowed, unused = used_settings(root)
        wish = settings_wish(root)
        assert bool(wish) == bool(unused)
        assert wish is None or wish.sha256
        settings_text(allowed)
        for key in ("hooks", "plugins", "markdown_extensions", "extra_javascript", "INHERIT"):
            assert allowed.get(key) == _shipped().get(key)
        settings_text(used_settings(root, trusted=True)[0])


@lru_cache(maxsize=1)
def _shipped() -> dict[str, Any]:
    return packaged_settings()


def _site_seeds() -> Iterator[bytes]:
    ours = settings_text(packaged_settings()).encode()
    yield ours
    yield (ROOT / "mkdocs.yml").read_bytes()
    yield (
        b"docs_dir: build/pages\nsite_name: a <b>\nsite_url: https://x.example/\nrepo_name: y\n"
        b"nav:\n  - Home: index.md\n  - More:\n      - a.md\n      - B: https://x.example\n"
        b"theme:\n  palette: {scheme: slate, primary: teal}\n  logo: a/b.png\n  language: de\n"
        b"  features: [navigation.top]\nhooks: [x.py]\nplugins: [search]\n"
        b"x: !!python/name:os.system {a: 2026-01-01, b: !env [A, 1]}\n\x1e[site]\nkey = 'x'\n"
    )


# Runs


def trace(raw: bytes) -> None:
    """A trace: read, examined, drafted from, redacted, and stored so that it comes back equal."""
    path = placed(raw, "trace.json")
    for settings in (ReadingSettings(), ReadingSettings(key=b"k" * 32, freeze_at=1)):
        with refused():
            for run in read_runs(path, settings):
                _examined(run)
                with refused():
                    _drafted(run)
                _comes_back(run)


def fixture(raw: bytes) -> None:
    """A fixture that came with a record: read, judged, and used like any other run."""
    with refused():
        run = read_fixture(placed(raw, "fixture.json"))
        _examined(run)
        _comes_back(run)
        with refused():
            check_asserts(run.asserts)
            at_the_end = at_step(run, len(run.steps), "the end")
            seen = world(at_the_end, (), ("Renewed.",), "Renewed.")
            assert all(evaluate_assert(each, seen).claim == each.claim for each in run.asserts)
        with refused():
            _drafted(run)


def _examined(run: Run) -> None:
    done = audit(run)
    audit_text(done)
    json.dumps(audits_json([done]), ensure_ascii=False).encode()
    assert done.replayability
    list(timeline(run, View(divergence=0)))
    list(timeline(run, View(width=60, full=True)))
    question_from_run(run)
    facts(run, "trace.json", 1)


def _drafted(run: Run) -> None:
    run = prepared(run, run)
    check_asserts(run.asserts)
    title = " ".join(draft_title(run).split())
    prefill = draft_prefill(DraftEvidence(run, run, "trace.json, run 1"))
    for profile in ("one-page", "full"):
        text = blank_record(title, NOW.date(), profile=profile, form=FORM, prefill=prefill)
        document = read_document(text.encode(), _NAME, FORM)
        assert not document.faults, document.faults
        assert document.title == title
    draft_day(run)


def _comes_back(run: Run) -> None:
    once = b"".join(fixture_chunks(run, Blobs(most_inline_bytes=1 << 62)))
    try:
        again = read_fixture(placed(once, "again.json"))
    except KbError as error:
        raise AssertionError(f"what was written is refused: {error}") from error
    assert b"".join(fixture_chunks(again, Blobs(most_inline_bytes=1 << 62))) == once


def _trace_seeds() -> Iterator[bytes]:
    chat = traces_made.chat("x") | {"seed": 7, "temperature": 0.5, "top_p": 1, "max_tokens": 9}
    asked = json.dumps({"uri": "https://a.example/v1/chat/completions", "body": json.dumps(chat)})
    yield b"interactions:\n- request: " + asked.encode() + b"\n  x: !!int 7\n"
    yield json.dumps(chat).encode()
    for made in traces_made.FORMATS.values():
        value = made("mail a@b.example")
        yield value.encode() if isinstance(value, str) else json.dumps(value).encode()


def _fixture_seeds() -> Iterator[bytes]:
    for raw in _trace_seeds():
        for run in read_runs(placed(raw, "trace.json")):
            done = prepared(run, run)
            yield b"".join(fixture_chunks(done, Blobs(most_inline_bytes=1 << 62)))
            asserts = tuple(OutcomeAssert("x", *each) for each in _ASSERTS)
            judged = replace(done, asserts=asserts)
            yield b"".join(fixture_chunks(judged, Blobs(most_inline_bytes=1 << 62)))
    yield (EXAMPLE.with_suffix("") / "fixture.json").read_bytes()


_ASSERTS = (
    ('$.calls[?@.tool == "charge" && @.arguments.invoice == "7781"]', "count", [0, 1]),
    ("$.calls[0].arguments..note", "contains", "mail"),
    ("$.text", "matches", "^R.*d"),
    ("$.said[-1:]", "!=", None),
    ("$.calls[?length(@.tool) > 2, 0].when", "==", "before"),
    ("$.writes", "exists", False),
    ("$.calls[?count(@.arguments.*) >= 1].outcome", "<", 1),
)


# The server for agents

_HELLO = {
    "jsonrpc": "2.0",
    "id": "hello",
    "method": "initialize",
    "params": {
        "protocolVersion": "2025-06-18",
        "capabilities": {},
        "clientInfo": {"name": "fuzz", "version": "1"},
    },
}
_READY = {"jsonrpc": "2.0", "method": "notifications/initialized"}
_BYE = {"jsonrpc": "2.0", "id": "bye", "method": "ping"}


class _Client:
    """Both ends of a conversation: it hangs up when all that has to be answered is answered."""

    def __init__(self, line: bytes) -> None:
        messages = [_HELLO, _READY]
        self.said = [*(json.dumps(each).encode() for each in messages), line]
        self.said.append(json.dumps(_BYE).encode())
        self.awaited = {"hello", "bye", *_ids(line)}
        self.answers: list[dict[str, Any]] = []
        self._is_answered = threading.Event()

    def readline(self, most: int) -> bytes:
        if self.said:
            return (self.said.pop(0) + b"\n")[:most]
        assert self._is_answered.wait(60), f"never answered: {self.awaited}"
        return b""

    def write(self, raw: bytes) -> int:
        answer = json.loads(raw)
        self.answers.append(answer)
        self.awaited.discard(answer.get("id"))
        if not self.awaited:
            self._is_answered.set()
        return len(raw)

    def flush(self) -> None:
        """Nothing is kept back."""


def _ids(line: bytes) -> Iterator[Any]:
    """The id of a message that is a request."""
    try:
        text = next_message(io.BytesIO(line + b"\n"), lambda _: None) or ""
        message = jsonrpc_message_adapter.validate_json(text, by_name=False)
    except ValueError:
        return
    if isinstance(message, JSONRPCRequest):
        yield message.id


def mcp(raw: bytes) -> None:
    """A line of an MCP client: each request is answered, and the server lives on."""
    client = _Client(raw.replace(b"\n", b" "))
    anyio.run(_served, client)
    for answer in client.answers:
        assert "result" in answer or "error" in answer, answer
        told = json.dumps(answer)
        for word in ("Traceback", "fault in kb", "Internal server error", "pydantic"):
            assert word not in told, told


async def _served(client: Any) -> None:
    logging.getLogger("mcp").setLevel(logging.CRITICAL)
    server = server_for(_example())
    ends: Any = (
        MessageLines(ProtocolStreams(client, client)),
        AnswerWriter(ProtocolStreams(client, client)),
    )
    async with stdio_server(*ends) as (messages, answers):
        await server.run(messages, answers, server.create_initialization_options())


@lru_cache(maxsize=1)
def _example() -> Path:
    """A library with one record, whose route may not run."""
    root = folder() / "library"
    shutil.copytree(EXAMPLE.parent, root / "postmortems")
    (root / "kb.toml").write_text("", encoding="utf-8")
    path = root / "postmortems" / EXAMPLE.name
    text = path.read_text("utf-8").replace("origin: example", "origin: own")
    path.write_text(text.replace("- [x] A1", "- [ ] A1"), encoding="utf-8")
    return root


def _mcp_seeds() -> Iterator[bytes]:
    given: dict[str, dict[str, Any]] = {
        "similar_incidents": {"query": "charged twice", "limit": 2, "casebook": False},
        "read_incident": {"record_id": EXAMPLE.stem, "from_character": 9},
        "open_promises": {"owner": "@billing", "failure_class": "retry-storm"},
        "restart_gate": {"route": "billing-agent"},
        "check_record": {"record_id": EXAMPLE.stem, "as_status": "published"},
    }
    assert given.keys() == {tool.name for tool in TOOLS}
    for name, arguments in given.items():
        params = {"name": name, "arguments": arguments}
        yield _request("tools/call", params)
    for method in ("tools/list", "ping", "resources/list", "prompts/list", "logging/setLevel"):
        yield _request(method, {"_meta": {"progressToken": 1}})
    yield _request("notifications/cancelled", {"requestId": 7})
    yield json.dumps(_HELLO).encode()


def _request(method: str, params: dict[str, Any]) -> bytes:
    return json.dumps({"jsonrpc": "2.0", "id": 7, "method": method, "params": params}).encode()


TARGETS = {
    "record": Target(record, _record_seeds, 8192),
    "front-matter": Target(front_matter, _front_seeds),
    "kb-toml": Target(kb_toml, _toml_seeds),
    "site-settings": Target(site_settings, _site_seeds),
    "trace": Target(trace, _trace_seeds, 8192),
    "fixture": Target(fixture, _fixture_seeds, 16384),
    "mcp": Target(mcp, _mcp_seeds, 2048),
}
