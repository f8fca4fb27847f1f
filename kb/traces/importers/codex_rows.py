"""Items of a Codex rollout as nearly all are written, decoded straight into their fields.

As in `claude_rows`: what has another key or value is read the long way, and both give the same.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from kb.traces.decoding.lenient_json import arguments_of
from kb.traces.normalize.chat_message import ChatMessage, ToolCallRequest, ToolResult

#: An item without its id, or a tool without its name, is read the long way.
_Word = Annotated[str, Meta(min_length=1)]


class _Input(msgspec.Struct, tag="input_text", gc=False):
    text: str


class _Output(msgspec.Struct, tag="output_text", gc=False):
    text: str


class _Summary(msgspec.Struct, tag="summary_text", gc=False):
    text: str


class PlainWords(msgspec.Struct, tag="message", forbid_unknown_fields=True):
    """Words, and whose they are."""

    role: Literal["system", "developer", "user", "assistant"]
    content: list[_Input | _Output]
    id: Any = None
    status: Any = None
    phase: Any = None

    def said(self) -> ChatMessage:
        """It as a message of any dialect."""
        return ChatMessage(self.role, _lines(self.content))


class PlainReasoning(msgspec.Struct, tag="reasoning"):
    """What the model thought; what is encrypted of it is passed over undecoded."""

    summary: list[_Summary]

    def said(self) -> ChatMessage:
        """It as a message of any dialect."""
        return ChatMessage("assistant", reasoning=_lines(self.summary))


class PlainCall(msgspec.Struct, tag="function_call", forbid_unknown_fields=True):
    """A call with its arguments as JSON."""

    name: _Word
    call_id: _Word
    arguments: str
    id: Any = None
    status: Any = None

    def request(self) -> ToolCallRequest:
        """The call as a builder takes it."""
        return ToolCallRequest(self.name, arguments_of(self.arguments), self.call_id)

    def said(self) -> ChatMessage:
        """It as a message of any dialect."""
        return ChatMessage("assistant", calls=(self.request(),))


class PlainCustomCall(PlainCall, tag="custom_tool_call", forbid_unknown_fields=True):
    """The same of a tool that is given a text."""

    arguments: str = msgspec.field(name="input")


class PlainAnswer(msgspec.Struct, tag="function_call_output", forbid_unknown_fields=True):
    """What came back for a call."""

    call_id: _Word
    output: str
    id: Any = None
    status: Any = None

    def result(self) -> ToolResult:
        """The answer as a builder takes it."""
        return ToolResult(self.call_id, self.output)

    def said(self) -> ChatMessage:
        """It as a message of any dialect."""
        return ChatMessage("tool", answers=(self.result(),))


class PlainCustomAnswer(PlainAnswer, tag="custom_tool_call_output", forbid_unknown_fields=True):
    """The same of a tool that is given a text."""


_Item = PlainWords | PlainReasoning | PlainCall | PlainCustomCall | PlainAnswer | PlainCustomAnswer


class PlainItem(msgspec.Struct):
    """An item, and when it was written."""

    type: Literal["response_item"]
    payload: _Item
    timestamp: Any = None


_ROW = msgspec.json.Decoder(PlainItem)


def plain_item(raw: bytes | memoryview) -> PlainItem | None:
    """The item of a row, None for one that is read the long way."""
    try:
        return _ROW.decode(raw)
    except (msgspec.MsgspecError, UnicodeError, RecursionError):
        return None


def _lines(blocks: list[_Input | _Output] | list[_Summary]) -> str:
    return "\n".join(block.text for block in blocks if block.text)
