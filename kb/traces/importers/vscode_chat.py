"""Runs from chats of VS Code (GitHub Copilot): an exported chat, a session file, or its journal.

A chat is a list of requests. What the model did for one stands in rounds of calls, with what came
back beside them; where these were not kept, in the parts of the answer as they were shown. The
journal tells how the chat grew (whole, set, push, delete), and is played first. Read after the
sources of VS Code (November 2026), `chatModel.ts` and `objectMutationLog.ts`:
https://github.com/microsoft/vscode/tree/main/src/vs/workbench/contrib/chat/common/model
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from msgspec.structs import replace

from kb.traces.decoding.lenient_json import arguments_of
from kb.traces.decoding.row_account import RowAccount
from kb.traces.decoding.timestamps import time_of
from kb.traces.decoding.trace_source import Source
from kb.traces.importers.importer import Importer
from kb.traces.messages.blocks import a_list, a_word, an_object
from kb.traces.messages.model_requests import is_number
from kb.traces.normalize.chat_message import ChatMessage, ToolCallRequest, ToolResult
from kb.traces.normalize.run_builder import RunBuilder
from kb.traces.run import Agent, Event, Failure, Message

_INITIAL, _SET, _PUSH, _DELETE = range(4)
#: What of a request is told of its run; the other keys are how the editor shows it.
_ABOUT = ("sessionId", "customTitle", "initialLocation", "responderUsername")
_DENIED = 0
"""`ToolConfirmKind.Denied`; the other kinds let the tool run."""
_SKIPPED = 5


def _recognise(source: Source) -> str:
    rows = [value for value in source.head if isinstance(value, dict)]
    if any(_is_chat(row) for row in rows):
        return "a chat with requests and a responder"
    is_journal = any(row.get("kind") == _INITIAL and _is_session(row.get("v")) for row in rows)
    return "the journal of a chat with requests" if is_journal else ""


def _is_chat(value: Any) -> bool:
    has_requests = isinstance(value, dict) and isinstance(value.get("requests"), list)
    return has_requests and ("responderUsername" in value or "requesterUsername" in value)


def _is_session(value: Any) -> bool:
    has_requests = isinstance(value, dict) and isinstance(value.get("requests"), list)
    return has_requests and "sessionId" in value and "version" in value


def _read(source: Source) -> Iterator[RunBuilder]:
    journal = _Journal(source.account)
    for row in source.rows():
        if _is_chat(row.value) or _is_session(row.value):
            requests = row.value["requests"]
            places = [f"{row.where}.requests[{n}]".lstrip(".") for n in range(len(requests))]
            source.account.divide(*places)
            yield _run_of(row.value, places, source.account)
        elif isinstance(row.value, dict) and row.value.get("kind") in range(4):
            journal.play(row.value)
        else:
            source.leave_out("rows that are no chat and no change of one", row.where)
    if journal.chat:
        source.account.turn_away()
        count = len(a_list(journal.chat.get("requests")))
        yield _run_of(journal.chat, [""] * count, source.account)


class _Journal:
    """A chat as its journal grows it."""

    def __init__(self, rows: RowAccount) -> None:
        self.chat: dict[str, Any] = {}
        self._rows = rows

    def play(self, entry: dict[str, Any]) -> None:
        """Make one change; one of what the chat does not hold is left out."""
        if entry["kind"] == _INITIAL:
            self.chat = an_object(entry.get("v"))
            self._rows.used()
            return
        path = entry.get("k")
        if not isinstance(path, list) or not path or not self._change(path, entry):
            self._rows.left_out("changes of what the chat does not hold")
        elif path[0] == "requests" or path[0] in _ABOUT:
            self._rows.used()
        else:
            self._rows.left_out("changes of what is no part of the talk")

    def _change(self, path: list[Any], entry: dict[str, Any]) -> bool:
        at: Any = self.chat
        try:
            for key in path[:-1]:
                at = at[key]
            last, value = path[-1], entry.get("v")
            if entry["kind"] == _SET:
                at[last] = value
            elif entry["kind"] == _DELETE:
                del at[last]
            else:
                _push(at, last, entry.get("i"), value)
        except (LookupError, TypeError):
            return False
        return True


def _push(at: Any, key: Any, start: Any, values: Any) -> None:
    """Put values behind those of a list, which is cut to `start` first."""
    if isinstance(at, dict) and at.get(key) is None:
        at[key] = []
    if isinstance(start, int):
        del at[key][start:]
    at[key].extend(a_list(values))


def _run_of(chat: dict[str, Any], places: list[str], rows: RowAccount) -> RunBuilder:
    builder = RunBuilder(rows, run_id=a_word(chat.get("sessionId")))
    builder.agent = Agent(name=a_word(chat.get("responderUsername")), framework="vscode-chat")
    builder.source = {key: chat[key] for key in _ABOUT if chat.get(key)}
    for request, place in zip(a_list(chat.get("requests")), places, strict=True):
        if place:
            rows.turn_to(place)
        _Request(builder, an_object(request), place).tell()
        if isinstance(request, dict) and place:
            request.clear()  # what is in the run now need not lie in memory twice
    rows.turn_away()
    return builder


class _Request:
    """One request of a chat while it is added to a run."""

    def __init__(self, builder: RunBuilder, value: dict[str, Any], where: str) -> None:
        self._builder = builder
        self._value = value
        result = an_object(value.get("result"))
        self._error = an_object(result.get("errorDetails"))
        self._metadata = an_object(result.get("metadata"))
        model = a_word(self._metadata.get("resolvedModel")) or a_word(value.get("modelId"))
        started = time_of(value.get("timestamp"))
        self._base = Message(role="assistant", started=started, where=where, model=model)
        self._parts = [an_object(part) for part in a_list(value.get("response"))]

    def tell(self) -> None:
        """What was asked, what was done for it, and how it ended."""
        builder, base = self._builder, self._base
        if base.model and not builder.request.model:
            builder.request = replace(builder.request, model=base.model)
        message = self._value.get("message")
        text = message if isinstance(message, str) else a_word(an_object(message).get("text"))
        asked = replace(base, role="user", model="")
        builder.add_message(ChatMessage("user", text), asked)
        rounds = [an_object(one) for one in a_list(self._metadata.get("toolCallRounds"))]
        if rounds:
            self._tell_rounds(rounds)
        else:
            self._tell_parts(self._parts)
        self._tell_end()

    def _tell_rounds(self, rounds: list[dict[str, Any]]) -> None:
        results = an_object(self._metadata.get("toolCallResults"))
        for one in rounds:
            thought = an_object(one.get("thinking")).get("text")
            calls = [an_object(call) for call in a_list(one.get("toolCalls"))]
            message = ChatMessage(
                "assistant",
                a_word(one.get("response")),
                "\n".join(thought) if isinstance(thought, list) else a_word(thought),
                calls=tuple(_call_of(call) for call in calls),
            )
            at = time_of(one.get("timestamp")) or self._base.started
            model = a_word(one.get("modelId")) or self._base.model
            base = replace(self._base, started=at, model=model)
            self._builder.add_message(message, base)
            for call in message.calls:
                if call.id in results:
                    self._builder.answer(
                        _result(call.id, results[call.id]), replace(base, started=None)
                    )
        self._tell_refusals()
        self._tell_last(" ".join(a_word(one.get("response")) for one in rounds))

    def _tell_refusals(self) -> None:
        for part in self._parts:
            if _is_refused(part):
                self._refuse(a_word(part.get("toolCallId")))

    def _refuse(self, call_id: str) -> None:
        failure = Failure(type="rejected", message="a person refused it")
        if self._builder.call(call_id) is not None:
            self._builder.fail(call_id, failure)
            self._builder.amend(call_id, is_answered=True)

    def _tell_last(self, shown: str) -> None:
        """The words after the last call, where no round has them."""
        last = max((n for n, part in enumerate(self._parts) if _is_tool(part)), default=-1)
        text = "".join(_words(part) for part in self._parts[last + 1 :]).strip()
        if text and _squeezed(text) not in _squeezed(shown) and not _is_shown(text, shown):
            self._builder.add_message(ChatMessage("assistant", text), self._base)

    def _tell_parts(self, parts: list[dict[str, Any]]) -> None:
        """The answer as it was shown: words and thoughts between the calls."""
        text, thought = "", ""
        for part in [*parts, {"kind": "toolInvocationSerialized"}]:
            if not _is_tool(part):
                text += _words(part)
                thought += a_word(part.get("value")) if part.get("kind") == "thinking" else ""
                continue
            is_last = "toolCallId" not in part
            calls = () if is_last else (_shown_call(part),)
            if text.strip() or thought or calls:
                message = ChatMessage("assistant", text.strip(), thought, calls=calls)
                self._builder.add_message(message, self._base)
            if calls:
                self._answer_shown(part)
            text, thought = "", ""

    def _answer_shown(self, part: dict[str, Any]) -> None:
        details = an_object(part.get("resultDetails"))
        call_id = a_word(part.get("toolCallId"))
        if _is_refused(part):
            self._refuse(call_id)
        elif part.get("isComplete") and details:
            output = [an_object(one).get("value") for one in a_list(details.get("output"))]
            text = "\n".join(one for one in output if isinstance(one, str))
            failed = details.get("isError") is True
            failure = Failure.named("tool_error", text) if failed else None
            self._builder.answer(
                ToolResult(call_id, text, failure), replace(self._base, started=None)
            )

    def _tell_end(self) -> None:
        text = a_word(self._error.get("message"))
        if text or self._value.get("isCanceled") is True:
            name = "error" if text else "canceled"
            failure = Failure.named(name, text)
            where = self._base.where
            self._builder.add_event(
                Event("error", name=name, text=text, failure=failure, where=where)
            )
        self._note_usage()

    def _note_usage(self) -> None:
        """Tokens are told of a request as a whole: they stand at its last answer."""
        fields = {
            "input_tokens": self._metadata.get("promptTokens", self._value.get("promptTokens")),
            "output_tokens": self._value.get(
                "completionTokens", self._metadata.get("outputTokens")
            ),
        }
        found = {key: int(count or 0) for key, count in fields.items() if is_number(count)}
        steps = self._builder.steps
        answers = [n for n, step in enumerate(steps) if _is_answer(step)]
        if found and answers:
            steps[answers[-1]] = replace(steps[answers[-1]], **found)


def _is_answer(step: Any) -> bool:
    return isinstance(step, Message) and step.role == "assistant"


def _is_tool(part: dict[str, Any]) -> bool:
    return a_word(part.get("kind")) in {"toolInvocationSerialized", "toolInvocation"}


def _is_refused(part: dict[str, Any]) -> bool:
    confirmed = part.get("isConfirmed")
    kind = confirmed.get("type") if isinstance(confirmed, dict) else confirmed
    return _is_tool(part) and (kind is False or (kind in {_DENIED, _SKIPPED} and kind is not None))


def _words(part: dict[str, Any]) -> str:
    """The words of a part as a reader saw them: Markdown, and names of what it refers to."""
    kind = a_word(part.get("kind"))
    if kind in {"", "markdownContent", "warning"}:
        value = part.get("value", part.get("content"))
        return value if isinstance(value, str) else a_word(an_object(value).get("value"))
    if kind == "inlineReference":
        fields = an_object(part.get("inlineReference"))
        path = an_object(fields.get("location")).get("uri") or fields.get("uri") or fields
        name = a_word(part.get("name")) or a_word(fields.get("name"))
        return name or a_word(an_object(path).get("path")).rpartition("/")[2]
    return ""


def _squeezed(text: str) -> str:
    return "".join(text.split())


def _is_shown(text: str, shown: str) -> bool:
    """Whether the end of some words stands in others: references are written in two ways."""
    return _squeezed(text)[-_ENOUGH:] in _squeezed(shown)


_ENOUGH = 40


def _call_of(call: dict[str, Any]) -> ToolCallRequest:
    name, call_id = a_word(call.get("name")) or "unknown", a_word(call.get("id"))
    return ToolCallRequest(name, arguments_of(call.get("arguments")), call_id)


def _shown_call(part: dict[str, Any]) -> ToolCallRequest:
    """A call of which the chat keeps what was shown: the tool, and a line about what it did."""
    details = an_object(part.get("resultDetails"))
    data = an_object(part.get("toolSpecificData"))
    line = part.get("pastTenseMessage") or part.get("invocationMessage")
    shown = line if isinstance(line, str) else a_word(an_object(line).get("value"))
    commands = an_object(data.get("commandLine"))
    command = commands.get("original") or data.get("command")
    given = details.get("input") or data.get("rawInput") or command
    arguments = arguments_of(given) if given else {"shown": shown}
    name = a_word(part.get("toolId")) or "unknown"
    return ToolCallRequest(name, arguments, a_word(part.get("toolCallId")))


def _result(call_id: str, value: Any) -> ToolResult:
    fields = an_object(value)
    parts = [an_object(part).get("value") for part in a_list(fields.get("content"))]
    text = "\n".join(part for part in parts if isinstance(part, str))
    result: Any = text if all(isinstance(part, str) for part in parts) else fields.get("content")
    failed = fields.get("isError") is True or fields.get("hasError") is True
    return ToolResult(call_id, result, Failure.named("tool_error", text) if failed else None)


IMPORTER = Importer(
    "vscode-chat",
    "chats of VS Code with GitHub Copilot: exported, session files, journals",
    _recognise,
    _read,
)
