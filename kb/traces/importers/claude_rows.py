"""Rows of a session of Claude Code as nearly all are written, decoded straight into their fields.

A row with a key or a value that these do not have is none of them, and is read the long way
(`kb.traces.messages`), which knows more. Both give the same; a row of these takes less time, for
what nobody reads of it is passed over undecoded.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from kb.traces.decoding.lenient_json import arguments_of
from kb.traces.messages.blocks import answer_of
from kb.traces.normalize.chat_message import ChatMessage, ToolCallRequest, ToolResult

_NOTHING = msgspec.Raw()


#: A call without its id, or a tool without its name, is read the long way.
_Word = Annotated[str, Meta(min_length=1)]
#: Text that may hold calls, as some exporters write them, is read the long way.
_Words = Annotated[str, Meta(pattern=r"^(?!\[\{)")]


class _Text(msgspec.Struct, tag="text", gc=False):
    text: str

    def alone(self, role: str, finish: str) -> ChatMessage:
        """The message that holds nothing else; the same for each kind of block."""
        return ChatMessage(role, self.text, finish=finish)


class _Thinking(msgspec.Struct, tag="thinking", forbid_unknown_fields=True, gc=False):
    thinking: str
    signature: msgspec.Raw = _NOTHING

    def alone(self, role: str, finish: str) -> ChatMessage:
        return ChatMessage(role, reasoning=self.thinking, finish=finish)


class _ToolUse(msgspec.Struct, tag="tool_use", forbid_unknown_fields=True):
    id: _Word
    name: _Word
    input: Any = None
    caller: msgspec.Raw = _NOTHING

    def request(self) -> ToolCallRequest:
        arguments = self.input if type(self.input) is dict else arguments_of(self.input)
        return ToolCallRequest(self.name, arguments, self.id)

    def alone(self, role: str, finish: str) -> ChatMessage:
        return ChatMessage(role, calls=(self.request(),), finish=finish)


class _ToolResult(msgspec.Struct, tag="tool_result", forbid_unknown_fields=True):
    tool_use_id: str = ""
    content: str | list[Any] | None = ""
    is_error: bool | None = None

    def result(self) -> ToolResult:
        return answer_of(self.tool_use_id, self.content, self.is_error)

    def alone(self, role: str, finish: str) -> ChatMessage:
        return ChatMessage(role, answers=(self.result(),), finish=finish)


_Block = _Text | _Thinking | _ToolUse | _ToolResult


class PlainMessage(msgspec.Struct, forbid_unknown_fields=True):
    """A message of Anthropic's API. Keys that a message keeps for itself are null in these."""

    role: Literal["user", "assistant"]
    content: _Words | list[_Block]
    id: str | None = None
    type: Literal["message"] | None = None
    model: str | None = None
    stop_reason: str | None = None
    stop_sequence: msgspec.Raw = _NOTHING
    usage: Any = None
    container: None = None
    context_management: None = None
    stop_details: None = None
    diagnostics: None = None

    def said(self) -> ChatMessage:
        """The message as it is told to a builder."""
        content = self.content
        if isinstance(content, str):
            return ChatMessage(self.role, content, finish=self.finish)
        if len(content) == 1:  # as most are
            return content[0].alone(self.role, self.finish)
        return ChatMessage(
            self.role,
            _lines([block.text for block in content if isinstance(block, _Text)]),
            _lines([block.thinking for block in content if isinstance(block, _Thinking)]),
            (),
            tuple(block.request() for block in content if isinstance(block, _ToolUse)),
            tuple(block.result() for block in content if isinstance(block, _ToolResult)),
            self.finish,
        )

    @property
    def finish(self) -> str:
        """Why the model ended, empty where it is not said."""
        return self.stop_reason or ""


class PlainRow(
    msgspec.Struct,
    rename={
        "session": "sessionId",
        "git_branch": "gitBranch",
        "user_type": "userType",
        "agent": "agentId",
        "is_side_chain": "isSidechain",
        "parent": "parentUuid",
        "tool_use": "sourceToolUseID",
        "is_meta": "isMeta",
        "is_summary": "isCompactSummary",
        "second": "toolUseResult",
        "session_of_stream": "session_id",
    },
):
    """A row of a user or of the model. Keys of streams and exports on the web are null in these."""

    type: Literal["user", "assistant"]
    message: PlainMessage
    uuid: str | None = None
    session: str | None = None
    timestamp: Any = None
    version: str | None = None
    cwd: str | None = None
    git_branch: str | None = None
    entrypoint: str | None = None
    user_type: str | None = None
    agent: str | None = None
    is_side_chain: bool = False
    parent: str | None = None
    tool_use: str | None = None
    is_meta: bool | None = None
    is_summary: bool | None = None
    second: msgspec.Raw = _NOTHING
    parent_tool_use_id: None = None
    session_of_stream: Any = None
    loglines: None = None

    def second_result(self) -> dict[str, Any] | None:
        """The short parts of the second copy of a result; the long ones stay undecoded.

        None where there is no second copy, empty where it is a text or a list.
        """
        first = bytes(memoryview(self.second)[:1])
        if first != b"{":
            return None if first in _NO_VALUE else {}
        members = _MEMBERS.decode(self.second)
        return {
            key: _VALUE.decode(part) for key, part in members.items() if len(part) <= _LONG_BYTES
        }


#: How a row has no value: by not having the key, or by null.
_NO_VALUE = (b"", b"n")
#: The longest fact that is kept takes no more: 200 letters, each escaped in twelve bytes.
_LONG_BYTES = 2_402
_MEMBERS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_VALUE = msgspec.json.Decoder()
_ROW = msgspec.json.Decoder(PlainRow)


def plain_row(raw: bytes | memoryview) -> PlainRow | None:
    """The row, None for one that is read the long way."""
    try:
        row = _ROW.decode(raw)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None
    is_of_stream = row.session is None and row.session_of_stream is not None
    return None if is_of_stream else row


def _lines(texts: list[str]) -> str:
    return "\n".join(text for text in texts if text)
