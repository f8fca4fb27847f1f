"""The files that belong to a session of Claude Code: those of its agents, and of large outputs.

They lie in the folder of the session's name (`<session>/subagents/agent-<id>.jsonl` with an
`agent-<id>.meta.json`, `<session>/tool-results/<name>`); earlier versions wrote the files of agents
beside the session. No link is followed: these files were found, nobody named them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kb.safe_files import Root, UnsafePathError
from kb.traces.decoding.lenient_json import NotJsonError, decode
from kb.traces.messages.blocks import a_word, an_object
from kb.traces.messages.dialects import chat_message_of

_AGENT = re.compile(r"agent-(?P<id>[\w.-]{1,80})\.jsonl")
_PERSISTED = re.compile(r"\s*<persisted-output>")
#: The path of the whole output, as the machine that ran the session had it.
_SAVED_TO = re.compile(r"saved to: ?(?:[^\n]*[/\\])?(?P<name>[\w.-]{1,200})\s*$", re.MULTILINE)
_MAX_OUTPUT_BYTES = 20_000_000
_MAX_META_BYTES = 100_000
_MAX_FIRST_ROW_BYTES = 1_000_000
_MOST_AGENTS = 1000
_WHERE_SAID = 2_000


@dataclass(frozen=True)
class AgentFile:
    """The file of one agent: its id, the call its sidecar names, and what it was asked."""

    path: Path
    id: str
    call: str = ""
    prompt: str = ""


@dataclass(frozen=True)
class SessionFiles:
    """The folder that a session lies in, the name of its own folder, the files of its agents."""

    root: Root
    name: str
    agents: tuple[AgentFile, ...] = ()

    def whole_output(self, result: Any) -> str | None:
        """The text of the file that a result names as its whole, None where it is not there."""
        named = _SAVED_TO.search(result[:_WHERE_SAID]) if is_persisted(result) else None
        if named is None:
            return None
        raw = _read(self.root, f"{self.name}/tool-results/{named['name']}", _MAX_OUTPUT_BYTES)
        return None if raw is None else raw.decode("utf-8", errors="replace")


def is_persisted(result: Any) -> bool:
    """Whether a result is the beginning of an output that was saved elsewhere."""
    if not isinstance(result, str) or not (result[:1] == "<" or result[:1].isspace()):
        return False
    return _PERSISTED.match(result) is not None


def session_files(session: Path) -> SessionFiles:
    """The files that belong to a session file; of the file of an agent there are none."""
    root = Root(session.parent.resolve())
    if _AGENT.fullmatch(session.name):
        return SessionFiles(root, session.stem)
    found = [*_agents(root, f"{session.stem}/subagents"), *_earlier(root, session.stem)]
    return SessionFiles(root, session.stem, tuple(found[:_MOST_AGENTS]))


def _agents(root: Root, folder: str) -> Iterator[AgentFile]:
    for name, agent_id in _agent_files(root, folder):
        meta = _value(_read(root, f"{folder}/agent-{agent_id}.meta.json", _MAX_META_BYTES))
        call = a_word(meta.get("toolUseId") or meta.get("toolUseID") or meta.get("tool_use_id"))
        first = _first_row(root, f"{folder}/{name}")
        if first is not None:
            yield AgentFile(root.path / folder / name, agent_id, call, _prompt(first))


def _earlier(root: Root, session: str) -> Iterator[AgentFile]:
    """The agents of a session whose files lie beside it, as earlier versions wrote them."""
    for name, agent_id in _agent_files(root, "."):
        first = _first_row(root, name) or {}
        if first.get("isSidechain") and first.get("sessionId") == session:
            yield AgentFile(root.path / name, agent_id, "", _prompt(first))


def _agent_files(root: Root, folder: str) -> list[tuple[str, str]]:
    """The files of agents in a folder, with the ids in their names."""
    try:
        names = root.names(folder)
    except (OSError, UnsafePathError):
        return []
    return [(name, match["id"]) for name in names if (match := _AGENT.fullmatch(name))]


def _prompt(row: dict[str, Any]) -> str:
    message = chat_message_of(
        {"role": "user", "content": an_object(row.get("message")).get("content")}
    )
    return message.text.strip() if message else ""


def _first_row(root: Root, name: str) -> dict[str, Any] | None:
    """The first row of a file, None where it is a link or cannot be read."""
    try:
        with root.open_regular(name) as stream:
            return _value(stream.readline(_MAX_FIRST_ROW_BYTES))
    except (OSError, UnsafePathError):
        return None


def _read(root: Root, name: str, most_bytes: int) -> bytes | None:
    try:
        return root.read_bytes(name, most_bytes)
    except (OSError, UnsafePathError):
        return None


def _value(raw: bytes | None) -> dict[str, Any]:
    try:
        return an_object(decode(raw)) if raw else {}
    except NotJsonError:
        return {}
