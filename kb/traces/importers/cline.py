"""Runs from tasks of Cline and Roo Code: what was shown (`ui_messages.json`), or what was sent.

What was shown has times, tokens and the output of commands, and of most other tools no result.
What was sent (`api_conversation_history.json`) has results and no times; calls stand in it as
blocks, or in words as XML, and their results then in the words of the user. Read after
`ExtensionMessage.ts` of Cline (November 2026):
https://github.com/cline/cline/blob/main/apps/vscode/src/shared/ExtensionMessage.ts
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from msgspec.structs import replace

from kb.traces.decoding.lenient_json import arguments_of, embedded
from kb.traces.decoding.row_account import RowAccount
from kb.traces.decoding.timestamps import time_of
from kb.traces.decoding.trace_source import Source
from kb.traces.importers.importer import Importer
from kb.traces.messages.blocks import a_list, a_word, an_object
from kb.traces.messages.dialects import chat_message_of
from kb.traces.messages.model_requests import is_number
from kb.traces.normalize.chat_message import ChatMessage, ToolCallRequest, ToolResult
from kb.traces.normalize.run_builder import RunBuilder
from kb.traces.run import Agent, Event, Failure, Message, ToolCall

_ENVIRONMENT, _TASK = "<environment_details>", "<task>"
_RESULT = "] Result:"
#: Tools whose `content` is what came back; that of the others is what was written.
_LOOKING = {"listFilesTopLevel", "listFilesRecursive", "searchFiles", "listCodeDefinitionNames"}
_USER = {"task", "user_feedback", "user_feedback_diff"}
_QUESTIONS = {"followup", "plan_mode_respond", "act_mode_respond", "condense", "new_task"}
_ERRORS = {"error", "api_req_failed", "diff_error", "clineignore_error", "mistake_limit_reached"}
_ERRORS |= {"command_permission_denied", "error_retry", "rooignore_error"}
_ANSWERS = {"mcp_server_response", "browser_action_result", "command_output"}
_CALLS = {"tool", "command", "use_mcp_server", "browser_action", "browser_action_launch"}
_COUNTS = {"input_tokens": "tokensIn", "output_tokens": "tokensOut", "cached_tokens": "cacheReads"}
#: Marks that Cline puts behind a command that needs a person's word.
_ASKS = "REQ_APP"
#: Names under which tools stand in the words of a model, as XML.
_XML_TOOLS = (
    *("execute_command", "read_file", "write_to_file", "replace_in_file", "search_files"),
    *("list_files", "list_code_definition_names", "browser_action", "use_mcp_tool", "apply_diff"),
    *("access_mcp_resource", "ask_followup_question", "attempt_completion", "new_task"),
    *("plan_mode_respond", "load_mcp_documentation", "insert_content", "search_and_replace"),
    *("switch_mode", "fetch_instructions", "update_todo_list", "web_fetch", "codebase_search"),
)


def _recognise(source: Source) -> str:
    rows = [value for value in source.head if isinstance(value, dict)]
    if any(_is_shown(row) for row in rows):
        return "messages with a ts that say or ask"
    sent = any(_mark_of(row) for row in rows)
    return "messages with a task and the details of its environment" if sent else ""


def _is_shown(row: dict[str, Any]) -> bool:
    kind = a_word(row.get("type"))
    return kind in {"say", "ask"} and isinstance(row.get(kind), str) and "ts" in row


def _mark_of(row: dict[str, Any]) -> bool:
    if row.get("role") != "user":
        return False
    content = row.get("content")
    blocks = [content] if isinstance(content, str) else [
        an_object(block).get("text") for block in a_list(content)
    ]  # fmt: skip
    texts = [text.lstrip() for text in blocks if isinstance(text, str)]
    return any(text.startswith(_TASK) for text in texts) and any(
        _ENVIRONMENT in text for text in texts
    )


def _read(source: Source) -> Iterator[RunBuilder]:
    shown: _Shown | None = None
    sent: _Sent | None = None
    for where, value in source.rows():
        if isinstance(value, dict) and _is_shown(value):
            shown = shown or _Shown(source.account)
            shown.take(value, where)
        elif isinstance(value, dict) and isinstance(value.get("role"), str):
            sent = sent or _Sent(source.account)
            sent.take(value, where)
        else:
            source.leave_out("rows that are no messages", where)
    if shown is not None:
        yield shown.finished()
    if sent is not None:
        yield sent.builder


def _opened(rows: RowAccount) -> RunBuilder:
    builder = RunBuilder(rows)
    builder.agent = Agent(name="cline", framework="cline")
    return builder


class _Shown:
    """A task that is fed with the messages that were shown."""

    def __init__(self, rows: RowAccount) -> None:
        self.builder = _opened(rows)
        self._usage: dict[str, Any] = {}
        self._answering: int | None = None
        self._open = ""
        self._output: list[str] = []
        self._heard_at = Message(role="assistant")
        self._last = ""

    def take(self, value: dict[str, Any], where: str) -> None:
        """Add what one message tells."""
        kind, text = a_word(value.get(a_word(value.get("type")))), a_word(value.get("text"))
        model = an_object(value.get("modelInfo"))
        base = Message(role="assistant", started=time_of(value.get("ts")), where=where,
                       model=a_word(model.get("modelId")))  # fmt: skip
        self._note_model(model)
        is_answer = kind in _ANSWERS
        if not is_answer:
            self._close()
            self.builder.rows.turn_to(where)
        if value.get("partial") is True and not (is_answer or kind in _CALLS):
            self.builder.leave_out("messages that were cut off while they were written")
        elif kind in _USER or (kind == "text" and not self.builder.steps):
            self._take_user(value, text, base)
        elif kind == "api_req_started":
            self._begin(text)
        elif is_answer:
            self._add(kind, text, base)
        elif kind in _CALLS:
            self._call(kind, text, base)
        else:
            self._take_other(kind, value, text, base)

    def _note_model(self, fields: dict[str, Any]) -> None:
        request = self.builder.request
        if fields.get("modelId") and not request.model:
            model, provider = a_word(fields["modelId"]), a_word(fields.get("providerId"))
            self.builder.request = replace(request, model=model, provider=provider)

    def _take_user(self, value: dict[str, Any], text: str, base: Message) -> None:
        self._answering = None
        parts = tuple(a_list(value.get("images")))
        message = ChatMessage("user", text, parts=parts)
        self.builder.add_message(message, replace(base, role="user", model=""))

    def _begin(self, text: str) -> None:
        """A request to the model: what it cost is that of the answer that follows."""
        fields = an_object(embedded(text))
        counts = {ours: fields.get(theirs) for ours, theirs in _COUNTS.items()}
        self._usage = {key: int(count or 0) for key, count in counts.items() if is_number(count)}
        if "input_tokens" in self._usage:
            more = fields.get("cacheWrites")
            self._usage["input_tokens"] += self._usage.get("cached_tokens", 0)
            self._usage["input_tokens"] += int(more or 0) if is_number(more) else 0
        if is_number(fields.get("cost")):
            self._usage["cost_usd"] = float(fields["cost"])
        self._answering = None
        self.builder.rows.used()

    def _say(self, message: ChatMessage, base: Message) -> None:
        """Words of the model: those of one answer are one message."""
        step = self._answering
        known = self.builder.steps[step] if step is not None else None
        if step is not None and isinstance(known, Message):
            text = "\n".join(one for one in (known.text, message.text) if one)
            thought = "\n".join(one for one in (known.reasoning, message.reasoning) if one)
            self.builder.steps[step] = replace(known, text=text, reasoning=thought)
            self.builder.rows.used()
            return
        self._answering = self.builder.add_message(message, replace(base, **self._usage))
        self._usage = {}

    def _call(self, kind: str, text: str, base: Message) -> None:
        if text == self._last and text:
            self.builder.rows.repeated()
            return
        self._last = text
        asked = _call_of(kind, text)
        if self._answering is None:
            self._say(ChatMessage("assistant"), base)
        step = self.builder.ask(asked, base, self._answering)
        placed = self.builder.steps[step]
        self._open = placed.id if isinstance(placed, ToolCall) else ""
        fields = an_object(embedded(text))
        if a_word(fields.get("tool")) in _LOOKING and fields.get("content"):
            self.builder.answer(ToolResult(self._open, fields["content"]), base)

    def _add(self, kind: str, text: str, base: Message) -> None:
        """What came back: commands tell their output in pieces."""
        if kind == "command_output":
            self._output.append(text)
            self.builder.rows.used()
            self._heard_at = base
        elif self._open:
            self.builder.answer(ToolResult(self._open, text), base)

    def _close(self) -> None:
        if self._output and self._open:
            text = "\n".join(piece for piece in self._output if piece)
            self.builder.rows.turn_to(self._heard_at.where)
            self.builder.answer(ToolResult(self._open, text), self._heard_at)
            self._output = []

    def _take_other(self, kind: str, value: dict[str, Any], text: str, base: Message) -> None:
        fields = an_object(embedded(text))
        if kind in _ERRORS:
            words = text or a_word(fields.get("errorMessage"))
            failure = Failure.named(kind, words)
            event = Event("error", name=kind, text=words, failure=failure)
            self.builder.add_event(event, base)
        elif kind == "reasoning" or (kind == "text" and text):
            thought = text if kind == "reasoning" else a_word(value.get("reasoning"))
            message = ChatMessage("assistant", "" if kind == "reasoning" else text, thought)
            self._say(message, base)
        elif kind in {"completion_result", "plan_completion_result"} and text:
            self._say(ChatMessage("assistant", text, finish=kind), base)
        elif kind in _QUESTIONS and text:
            words = a_word(fields.get("question")) or a_word(fields.get("response")) or text
            self._say(ChatMessage("assistant", words), base)
        else:
            self.builder.leave_out("messages of other kinds", kind)

    def finished(self) -> RunBuilder:
        """The builder, when all messages were taken."""
        self._close()
        self.builder.rows.turn_away()
        return self.builder


def _call_of(kind: str, text: str) -> ToolCallRequest:
    fields = an_object(embedded(text))
    if kind == "command":
        return ToolCallRequest("execute_command", {"command": text.removesuffix(_ASKS)})
    if kind == "use_mcp_server":
        name = a_word(fields.get("toolName")) or a_word(fields.get("uri")) or kind
        source = {"mcpServerName": fields["serverName"]} if fields.get("serverName") else {}
        return ToolCallRequest(name, arguments_of(fields.get("arguments")), source=source)
    if kind == "tool":
        name = a_word(fields.get("tool")) or "unknown"
        hidden = {"tool", "content"} if name in _LOOKING else {"tool"}
        return ToolCallRequest(name, {key: v for key, v in fields.items() if key not in hidden})
    return ToolCallRequest("browser_action", fields or {"url": text})


class _Sent:
    """A task that is fed with the messages that were sent to the model."""

    def __init__(self, rows: RowAccount) -> None:
        self.builder = _opened(rows)
        self._open: list[tuple[str, str]] = []

    def take(self, value: dict[str, Any], where: str) -> None:
        """Add what one message tells."""
        message = chat_message_of(value)
        if message is None:
            self.builder.leave_out("messages that cannot be read")
            return
        model = a_word(an_object(value.get("modelInfo")).get("modelId"))
        at = time_of(value.get("ts"))
        base = Message(role=message.role, where=where, model=model, started=at)
        if message.role == "assistant":
            tokens = an_object(an_object(value.get("metrics")).get("tokens"))
            self._take_answer(message, replace(base, **_usage(tokens)))
        else:
            self._take_user(value, message, base)

    def _take_answer(self, message: ChatMessage, base: Message) -> None:
        calls = message.calls or tuple(_xml_calls(message.text))
        words = message.text if message.calls or not calls else _before_xml(message.text)
        before = len(self.builder.steps)
        full = ChatMessage("assistant", words, message.reasoning, message.parts, calls)
        self.builder.add_message(full, base)
        placed = (step for step in self.builder.steps[before:] if isinstance(step, ToolCall))
        self._open = [(call.tool, call.id) for call in placed]

    def _take_user(self, value: dict[str, Any], message: ChatMessage, base: Message) -> None:
        for answer in message.answers:
            self.builder.answer(answer, base)
        content = value.get("content")
        blocks = [content] if isinstance(content, str) else a_list(content)
        words, around, results = _sorted_words(blocks)
        for tool, text in results:
            # A tool is not always named as the model called it.
            one = next((one for one in self._open if one[0] == tool), next(iter(self._open), None))
            if one is not None:
                self._open.remove(one)
            self.builder.answer(ToolResult(one[1] if one else "", text, tool=tool), base)
        if around:
            self.builder.add_message(
                ChatMessage("developer", around), replace(base, role="developer")
            )
        if words or message.parts:
            self.builder.add_message(ChatMessage("user", words, parts=message.parts), base)


def _sorted_words(blocks: list[Any]) -> tuple[str, str, list[tuple[str, str]]]:
    """What a person said, what the program adds, and results by their tools."""
    words: list[str] = []
    around: list[str] = []
    results: list[tuple[str, str]] = []
    loose: list[str] = []
    for block in blocks:
        text = block if isinstance(block, str) else a_word(an_object(block).get("text"))
        start = text.lstrip()
        end = start.find(_RESULT, 0, _LONGEST_NAME)
        if start.startswith("[") and end > 0:
            tool = start[1:end].split(" for ", 1)[0].strip()
            results.append((tool, start[end + len(_RESULT) :].strip()))
        elif start.startswith(_ENVIRONMENT):
            around.append(start)
        elif start.startswith(_SAID):
            words.append(_inside(start))
        elif results and not results[-1][1]:
            results[-1] = (results[-1][0], text.strip())
        elif start:
            loose.append(start)
    # Beside what a person is marked to have said, all else is the program's.
    (around if words or results else words).extend(loose)
    return "\n".join(words), "\n".join(around), results


_LONGEST_NAME = 2_000
_SAID = ("<task>", "<feedback>", "<user_message>")


def _usage(tokens: dict[str, Any]) -> dict[str, Any]:
    names = {"input_tokens": "prompt", "output_tokens": "completion", "cached_tokens": "cached"}
    return {ours: int(tokens[k]) for ours, k in names.items() if is_number(tokens.get(k))}


def _inside(text: str) -> str:
    """The words in the mark of a task or of feedback, without it."""
    for name in ("task", "feedback", "user_message"):
        if text.startswith(f"<{name}>"):
            return text.removeprefix(f"<{name}>").partition(f"</{name}>")[0].strip()
    return text


def _xml_calls(text: str) -> list[ToolCallRequest]:
    """The calls that stand in words as XML, in their order."""
    found: list[tuple[int, ToolCallRequest]] = []
    for tool in _XML_TOOLS:
        at = text.find(f"<{tool}>")
        end = text.find(f"</{tool}>", at + 1) if at >= 0 else -1
        if end > at >= 0:
            inner = text[at + len(tool) + 2 : end]
            found.append((at, ToolCallRequest(tool, _parameters(inner))))
    return [call for _, call in sorted(found, key=lambda one: one[0])]


def _before_xml(text: str) -> str:
    places = (text.find(f"<{tool}>") for tool in _XML_TOOLS)
    return text[: min(place for place in places if place >= 0)].strip()


def _parameters(inner: str) -> dict[str, Any]:
    """The parameters of a call in XML: `<path>a.py</path>`, each a text."""
    found: dict[str, Any] = {}
    at = 0
    while (start := inner.find("<", at)) >= 0:
        close = inner.find(">", start)
        name = inner[start + 1 : close]
        end = inner.find(f"</{name}>", close) if close > 0 and name.isidentifier() else -1
        if end < 0:
            at = start + 1
            if len(found) > _MOST_PARAMETERS or not name.isidentifier():
                break
            continue
        found[name] = arguments_of(inner[close + 1 : end].strip("\n"))
        at = end + len(name) + 3
    return found or {"text": inner.strip()}


_MOST_PARAMETERS = 64

IMPORTER = Importer(
    "cline",
    "tasks of Cline and Roo Code: what was shown, what was sent",
    _recognise,
    _read,
)
