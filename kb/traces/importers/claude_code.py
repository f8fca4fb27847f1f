"""Runs from session files of Claude Code: one row a line, one answer of the model in several rows.

Sub-agents are rows of a side chain, lie in rows of progress, or have files of their own beside the
session; all are put under the call that started them. The second copy of a result
(`toolUseResult`) is left out, its short facts are kept.
"""

from __future__ import annotations

from collections.abc import Iterator
from operator import attrgetter
from typing import Any

from msgspec.structs import replace

from kb.errors import KbError
from kb.traces.decoding.timestamps import time_of
from kb.traces.decoding.trace_source import Source, SourceRow
from kb.traces.importers.claude_files import (
    AgentFile,
    SessionFiles,
    is_persisted,
    session_files,
)
from kb.traces.importers.claude_rows import PlainRow, plain_row
from kb.traces.importers.claude_stream import as_session_row, error_text, is_streamed
from kb.traces.importers.importer import Importer
from kb.traces.messages.blocks import a_list, a_word, an_object
from kb.traces.messages.dialects import chat_message_of
from kb.traces.messages.model_requests import usage_of
from kb.traces.normalize.chat_message import ChatMessage, ToolResult
from kb.traces.normalize.run_builder import RunBuilder
from kb.traces.run import Agent, Event, Failure, Message

_ABOUT = ("cwd", "gitBranch", "version", "entrypoint", "userType")
_TYPES = {"user", "assistant", "system", "attachment", "progress"}
_ERRORS = {"api_error", "model_refusal_fallback"}
_SUMMARIES = {"compact_boundary", "microcompact_boundary"}
_OF_SESSION = ("sessionId", *_ABOUT)
#: The same of a plain row.
_about_session = attrgetter(*("session", "cwd", "git_branch", "version", "entrypoint", "user_type"))
_LONGEST_FACT = 200
_OTHER = "rows of other types"
#: Rows that may stand before the first turn, any number of them, and that no other tool writes.
_PREAMBLE = {"file-history-snapshot", "queue-operation", "permission-mode", "custom-title"}
_PREAMBLE |= {"ai-title", "last-prompt", "agent-name", "agent-color", "worktree-state"}
#: Under which the web gives the rows of a session.
_LOG = "loglines"
#: Where the call that started a sub-agent is not told.
_SIDE_CHAIN = "side-chain"


def _recognise(source: Source) -> str:
    rows = [value for value in source.head if isinstance(value, dict)]
    # Qwen Code writes the same ids, and messages of Gemini's shape, whose parts are no content.
    if any("parts" in an_object(row.get("message")) for row in rows):
        return ""
    if any(_is_turn(row) for row in rows):
        return "rows of user and assistant with a uuid and a sessionId"
    if any(map(is_streamed, rows)):
        return "rows with a session_id and a parent_tool_use_id"
    if len(rows) == 1 and any(map(_is_logline, a_list(rows[0].get(_LOG)))):
        return "rows of user and assistant under 'loglines'"
    before = rows and all(a_word(row.get("type")) in _PREAMBLE for row in rows)
    return "rows that a session begins with" if before else ""


def _is_turn(row: dict[str, Any]) -> bool:
    # Cleaned copies lack the id of the row before; the folder is Claude Code's own, too.
    has_session = "sessionId" in row and ("parentUuid" in row or "cwd" in row)
    # Those who publish a session take out what names it.
    is_cleaned = "parentUuid" in row and "role" in an_object(row.get("message"))
    has_ids = "uuid" in row and (has_session or is_cleaned)
    return has_ids and a_word(row.get("type")) in _TYPES


def _is_logline(row: Any) -> bool:
    """Whether a row is one of a session on the web: it has no ids of its own."""
    row = an_object(row)
    return a_word(row.get("type")) in {"user", "assistant"} and "role" in an_object(
        row.get("message")
    )


def _read(source: Source) -> Iterator[RunBuilder]:
    files = session_files(source.path)
    session = _Session(source, files)
    for where, value in source.plain_rows(plain_row):
        if isinstance(value, PlainRow):
            session.take_plain(value, where)
            continue
        for row in _rows_in(SourceRow(where, value), source):
            if session.is_over_before(row.value):
                yield session.builder
                session = _Session(source, files)
            session.take(row)
    waiting = list(files.agents)
    while waiting:
        # The file of an agent that a known call started; failing that, any: it is said so.
        one = next((one for one in waiting if session.starter(one)), waiting[0])
        waiting.remove(one)
        _take_agent(session, one, source)
    yield session.builder


def _rows_in(row: SourceRow, source: Source) -> Iterator[SourceRow]:
    """The rows of a session in a line: it, or the list in the one object that the web gives."""
    if isinstance(row.value, dict) and is_streamed(row.value):
        yield SourceRow(row.where, as_session_row(row.value))
        return
    log = row.value.get(_LOG) if isinstance(row.value, dict) else None
    if not isinstance(log, list):
        yield row
        return
    source.account.divide()
    for number, value in enumerate(log):
        where = f"{_LOG}[{number}]"
        source.account.turn_to(where)
        yield SourceRow(where, value)
    source.account.turn_away()


def _take_agent(session: _Session, agent: AgentFile, source: Source) -> None:
    try:
        rows = source.beside(agent.path)
    except KbError:  # empty, or cut off in its first row: the rest of the session is whole
        source.notes.add("files of agents that cannot be read were left out", agent.path.name)
        return
    session.enter(agent)
    for where, value in rows.plain_rows(plain_row):
        if isinstance(value, PlainRow):
            session.take_plain(value, where)
        else:
            session.take(SourceRow(where, value))


class _Session:
    """A session that is fed with its rows."""

    def __init__(self, source: Source, files: SessionFiles) -> None:
        self.builder = RunBuilder(source.account)
        self.builder.tells_errors = True
        self._files = files
        self._answers: dict[str, int] = {}
        self._chains: dict[str, str] = {}
        #: What an agent was asked to the calls that asked it and that no agent was found for.
        self._started: dict[str, list[str]] = {}
        self._agents: dict[str, str] = {}
        self._of_progress: set[str] = set()
        self._within = ""
        #: What of `_ABOUT` no row has told yet.
        self._unknown = list(_ABOUT)
        #: What the last plain row said of the session.
        self._noted: tuple[Any, ...] = ()

    def starter(self, agent: AgentFile) -> str:
        """The call that started the agent of a file, empty where that is not known yet."""
        by_id = self._agents.get(agent.id) or (agent.call if self.builder.call(agent.call) else "")
        return by_id or next(iter(self._started.get(agent.prompt, ())), "")

    def enter(self, agent: AgentFile) -> None:
        """The rows that follow are those of an agent's own file."""
        self._within = self.starter(agent) or _SIDE_CHAIN
        self._claim(agent.prompt, self._within)
        if self._within == _SIDE_CHAIN:
            self.builder.notes.add("agents whose call the session does not hold", agent.path.name)

    def is_over_before(self, value: Any) -> bool:
        """Whether a row is the first of another session: streams may stand behind each other."""
        if not isinstance(value, dict) or value.get("subtype") != "init" or not self.builder.id:
            return False
        session = a_word(value.get("session_id"))
        return value.get("type") == "system" and session not in {"", self.builder.id}

    def take_plain(self, row: PlainRow, where: str) -> None:
        """Add what a row tells that was decoded into its fields; `take` does the same for any."""
        about = _about_session(row)
        if about != self._noted:  # most rows of a session say the same of it
            self._note_session(dict(zip(_OF_SESSION, about, strict=True)))
            self._noted = about
        if row.uuid in self._of_progress:
            self.builder.rows.repeated()
            return
        message = row.message
        said = message.said()
        base = Message(
            role=said.role,
            agent=row.agent or "",
            parent=self._parent_of_plain(row, said),
            started=time_of(row.timestamp),
            where=where,
        )
        if said.role == "assistant":
            self._take_answer(said, message.id or "", message.model or "", message.usage, base)
            return
        self._take_user(said, base, by_harness=bool(row.is_meta or row.is_summary))
        if said.answers and (second := row.second_result()) is not None:
            self._take_second(said.answers[0].call_id, second)

    def take(self, row: SourceRow) -> None:
        """Add what one row tells."""
        if not isinstance(row.value, dict):
            self.builder.leave_out("rows that are no objects")
            return
        value, kind = row.value, a_word(row.value.get("type"))
        self._note_session(value)
        message = value.get("message")
        if value.get("uuid") in self._of_progress:
            self.builder.rows.repeated()
            return
        if kind == "tool_result":
            self._take_result(value, row.where)
        elif kind in {"assistant", "user"} and isinstance(message, dict):
            self._take_message(value, message, row.where, self._parent(value, message))
        elif kind == "progress":
            self._take_progress(value, row.where)
        elif kind == "system":
            self._take_system(value, row.where)
        elif kind == "attachment":
            self._take_attachment(value, row.where)
        elif kind == "summary":
            self.builder.rows.used()
            self.builder.source.setdefault("summary", value.get("summary"))
        else:
            self.builder.leave_out(_OTHER, str(kind))

    def _take_result(self, value: dict[str, Any], where: str) -> None:
        """A result that stands as a row of its own, as other programs write these sessions."""
        fields = value.get("message") if isinstance(value.get("message"), dict) else value
        call_id = value.get("tool_use_id") or an_object(fields).get("tool_call_id")
        message = {"content": an_object(fields).get("content"), "tool_call_id": call_id}
        self._take_message(value, {"role": "tool", **message}, where, self._parent(value, message))

    def _note_session(self, value: dict[str, Any]) -> None:
        builder = self.builder
        if not builder.id:
            builder.id = str(value.get("sessionId") or "")
        if not builder.agent.framework and value.get("version"):
            version = str(value["version"])
            builder.agent = Agent(name="claude-code", version=version, framework="claude-code")
        if self._unknown:
            known = {key: value[key] for key in self._unknown if value.get(key)}
            builder.source |= known
            self._unknown = [key for key in self._unknown if key not in known]

    def _parent(self, value: dict[str, Any], message: dict[str, Any]) -> str:
        """The call that a row of a side chain belongs to, empty for the main chain."""
        if self._within:
            return self._within
        if value.get("parent_tool_use_id"):
            return str(value["parent_tool_use_id"])
        if not value.get("isSidechain"):
            return ""
        above, named = str(value.get("parentUuid") or ""), str(value.get("sourceToolUseID") or "")
        chain = self._chains.get(above) or named or self._chain_begun(_prompt_of(message))
        self._chains[str(value.get("uuid") or "")] = chain
        return chain

    def _parent_of_plain(self, row: PlainRow, said: ChatMessage) -> str:
        """The same as `_parent`, of a row that was decoded into its fields."""
        if self._within or not row.is_side_chain:
            return self._within
        chain = self._chains.get(row.parent or "") or row.tool_use
        chain = self._chains[row.uuid or ""] = chain or self._chain_begun(said.text.strip())
        return chain

    def _chain_begun(self, prompt: str) -> str:
        """The call that a side chain belongs to, by what its agent was asked."""
        chain = next(iter(self._started.get(prompt, ())), _SIDE_CHAIN)
        self._claim(prompt, chain)
        return chain

    def _claim(self, prompt: str, call: str) -> None:
        """One agent is found for a call: another one that was asked the same is of another call."""
        if call in self._started.get(prompt, ()):
            self._started[prompt].remove(call)

    def _take_message(
        self, value: dict[str, Any], message: dict[str, Any], where: str, parent: str
    ) -> None:
        has_role = "role" in message
        chat_message = chat_message_of(
            message if has_role else {**message, "role": a_word(value.get("type"))}
        )
        if chat_message is None:
            self.builder.leave_out("messages that cannot be read", where)
            return
        base = Message(
            role=chat_message.role,
            agent=str(value.get("agentId") or ""),
            parent=parent,
            started=time_of(value.get("timestamp")),
            where=where,
        )
        if chat_message.role == "assistant":
            key, model = str(message.get("id") or ""), str(message.get("model") or "")
            self._take_answer(chat_message, key, model, message.get("usage"), base)
            return
        by_harness = bool(value.get("isMeta") or value.get("isCompactSummary"))
        self._take_user(chat_message, base, by_harness=by_harness)
        second = value.get("toolUseResult")
        if second is not None and chat_message.answers:
            self._take_second(chat_message.answers[0].call_id, second)

    def _take_answer(
        self, chat_message: ChatMessage, key: str, model: str, usage: Any, base: Message
    ) -> None:
        """A row of an answer; all rows with the id of one message, its key, are that message."""
        for call in chat_message.calls:
            prompt = call.arguments.get("prompt") if isinstance(call.arguments, dict) else None
            if isinstance(prompt, str):
                asked = self._started.setdefault(prompt.strip(), [])
                asked += [call.id] if call.id not in asked else []
        step = self._answers.get(key) if key else None
        counts = usage_of(usage)
        if step is None:
            full = replace(base, model=model, response_id=key, **counts)
            step = self.builder.add_message(chat_message, full)
            if key and step is not None:
                self._answers[key] = step
            return
        known = self.builder.steps[step]
        if isinstance(known, Message):
            self.builder.rows.used()  # a further part of the answer, or its usage
            self.builder.steps[step] = _longer(known, chat_message, counts)
        for call in chat_message.calls:
            self.builder.ask(call, base, step)

    def _take_user(self, message: ChatMessage, base: Message, *, by_harness: bool) -> None:
        role = "developer" if by_harness and message.role == "user" else message.role
        if (
            role != message.role
            or message.reasoning
            or message.calls
            or message.agent
            or message.source
        ):
            message = ChatMessage(role, message.text, "", message.parts, (), message.answers)
        self.builder.add_message(message, base)
        for answer in message.answers:
            self._keep_whole(answer)

    def _take_second(self, call_id: str, second: Any) -> None:
        """The second copy of a result, of which the short facts are kept."""
        self.builder.notes.add("second copies of results (toolUseResult) were left out")
        agent = an_object(second).get("agentId")
        if isinstance(agent, str):
            self._agents[agent] = call_id
        self._amend(call_id, "toolUseResult", _facts(second))

    def _keep_whole(self, answer: ToolResult) -> None:
        """Put beside a result of which the agent saw the beginning the file that holds it all."""
        if not is_persisted(answer.result):
            return
        whole = self._files.whole_output(answer.result)
        if whole is not None:
            self._amend(answer.call_id, "persistedOutput", whole)
        else:
            self.builder.notes.add("results of which the session holds the beginning only")

    def _amend(self, call_id: str, key: str, part: Any) -> None:
        call = self.builder.call(call_id)
        if call is not None and part:
            self.builder.amend(call_id, source={**call.source, key: part})

    def _take_progress(self, value: dict[str, Any], where: str) -> None:
        """Rows of a sub-agent that lie in a row of progress; other progress is left out."""
        data = an_object(value.get("data"))
        inner = an_object(data.get("message"))
        message = inner.get("message")
        if not isinstance(message, dict):
            self.builder.leave_out(_OTHER, "progress")
            return
        parent = str(value.get("parentToolUseID") or value.get("toolUseID") or _SIDE_CHAIN)
        if isinstance(data.get("agentId"), str):
            self._agents[data["agentId"]] = parent
        if isinstance(inner.get("uuid"), str):
            self._of_progress.add(inner["uuid"])
        row = {"timestamp": value.get("timestamp"), **inner, "agentId": data.get("agentId")}
        self._take_message(row, message, where, parent)

    def _take_system(self, value: dict[str, Any], where: str) -> None:
        name = str(value.get("subtype") or "")
        if name == "init":
            self.builder.rows.used()
            model = a_word(value.get("model"))
            self.builder.request = replace(self.builder.request, model=model)
            return
        if name not in _ERRORS | _SUMMARIES:
            self.builder.leave_out(_OTHER, f"system {name}")
            return
        error = value.get("error")
        text = str(value.get("content") or error_text(error))
        self.builder.add_event(
            Event(
                kind="error" if name in _ERRORS else "summary",
                name=name,
                text=text,
                failure=Failure(type=name, message=text) if name in _ERRORS else None,
                started=time_of(value.get("timestamp")),
                where=where,
                source={"error": error} if isinstance(error, dict) else {},
            )
        )

    def _take_attachment(self, value: dict[str, Any], where: str) -> None:
        """What a person typed while the agent worked, and what a hook refused."""
        inner = an_object(value.get("attachment"))
        kind, at = inner.get("type"), time_of(value.get("timestamp"))
        message = chat_message_of({"role": "user", "content": inner.get("prompt")})
        if kind == "queued_command" and message and message.has_words:
            self.builder.add_message(message, Message(role="user", where=where, started=at))
        elif kind == "hook_blocking_error":
            text, name = error_text(inner.get("blockingError")), str(inner.get("hookName") or "")
            event = Event(kind="guardrail", name=name, text=text, started=at, where=where)
            self.builder.add_event(replace(event, failure=Failure(type="rejected", message=text)))
        else:
            self.builder.leave_out(_OTHER, f"attachment {kind}")


def _prompt_of(message: dict[str, Any]) -> str:
    chat_message = chat_message_of({"role": "user", "content": message.get("content")})
    return chat_message.text.strip() if chat_message else ""


def _longer(known: Message, message: ChatMessage, usage: dict[str, Any]) -> Message:
    """A message with one row more; the usage of the last row is that of the whole answer."""
    return replace(
        known,
        text="\n".join(text for text in (known.text, message.text) if text),
        reasoning="\n".join(text for text in (known.reasoning, message.reasoning) if text),
        parts=known.parts + message.parts,
        finish_reasons=(message.finish,) if message.finish else known.finish_reasons,
        **{name: max(count, getattr(known, name) or 0) for name, count in usage.items()},
    )


def _facts(second: Any) -> dict[str, Any]:
    """What is short in the second copy of a result: durations, counts, whether it was cut off."""
    if not isinstance(second, dict):
        return {}
    return {key: part for key, part in second.items() if _is_short(part)}


def _is_short(part: Any) -> bool:
    is_text = isinstance(part, str) and 0 < len(part) <= _LONGEST_FACT
    return is_text or isinstance(part, bool | int | float)


IMPORTER = Importer(
    "claude-code",
    "session files of Claude Code, and what it prints with --output-format stream-json",
    _recognise,
    _read,
)
