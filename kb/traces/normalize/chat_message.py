"""One message in any dialect: words, calls asked for, results brought."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import msgspec
from msgspec import field
from msgspec.structs import replace

from kb.traces.canonical_json import digest, value_key
from kb.traces.run import Failure


class ToolCallRequest(msgspec.Struct, frozen=True):
    """A call as the model wrote it, its arguments decoded.

    `nth` says which asking of that id it is in its list of messages, from 1; 0 where the messages
    were not told as a list that may come again.
    """

    tool: str
    arguments: Any = None
    id: str = ""
    source: dict[str, Any] = field(default_factory=dict)
    nth: int = 0


class ToolResult(msgspec.Struct, frozen=True):
    """What came back for a call, as it stands in a message."""

    call_id: str
    result: Any
    failure: Failure | None = None
    tool: str = ""
    source: dict[str, Any] = field(default_factory=dict)


class ChatMessage(msgspec.Struct, frozen=True, dict=True):
    """One message. `role` is system, developer, user, assistant, tool, or as it was written."""

    role: str
    text: str = ""
    reasoning: str = ""
    parts: tuple[Any, ...] = ()
    calls: tuple[ToolCallRequest, ...] = ()
    answers: tuple[ToolResult, ...] = ()
    finish: str = ""
    agent: str = ""
    source: dict[str, Any] = field(default_factory=dict)

    @property
    def has_words(self) -> bool:
        """Whether it says anything itself."""
        return bool(self.text or self.reasoning or self.parts)

    @property
    def is_empty(self) -> bool:
        """Whether nothing at all is in it."""
        return not (self.has_words or self.calls or self.answers)

    @property
    def has_pieces(self) -> bool:
        """Whether it has a piece by which it is known when it comes again: thoughts are none."""
        return bool(self.answers or self.calls or self.parts or self.text.strip())

    @cached_property
    def keyed_parts(self) -> list[tuple[PartKey, MessagePart]]:
        """See `message_parts`; made once, for a log of requests asks for them twice."""
        found: list[tuple[PartKey, MessagePart]] = [
            (("result", value_key(answer.result)), answer) for answer in self.answers
        ]
        words = self.text.strip()
        if words or self.parts:
            parts = digest(self.parts) if self.parts else ""
            found.append((("words", self.role, words, parts), None))
        return found + [(call_key(asked.tool, asked.arguments), asked) for asked in self.calls]


MessagePart = ToolResult | ToolCallRequest | None
#: The key of a part. Texts are their own: they lie in memory already, and are compared once.
PartKey = tuple[str, ...]


def message_parts(message: ChatMessage) -> list[tuple[PartKey, MessagePart]]:
    """The pieces by which a message is known when it is repeated, with a key for each.

    Ids take no part: some tools number a call anew in every request. None stands for the words.
    """
    return message.keyed_parts


def only(message: ChatMessage, kept: list[MessagePart]) -> ChatMessage:
    """The message with those of its pieces alone."""
    if len(kept) == len(message.keyed_parts):
        return message
    calls = tuple(piece for piece in kept if isinstance(piece, ToolCallRequest))
    answers = tuple(piece for piece in kept if isinstance(piece, ToolResult))
    if None in kept or not (message.text.strip() or message.parts):
        return replace(message, calls=calls, answers=answers)
    return replace(message, text="", reasoning="", parts=(), calls=calls, answers=answers)


def joined(saids: list[ChatMessage]) -> list[ChatMessage]:
    """The messages, neighbours of the same model made one: it answers in several items."""
    result: list[ChatMessage] = []
    for said in saids:
        last = result[-1] if result else None
        same = last is not None and last.role == said.role == "assistant"
        if last and same and not (said.text and (last.text or last.calls)):
            result[-1] = _merged(last, said)
        else:
            result.append(said)
    return result


def _merged(first: ChatMessage, second: ChatMessage) -> ChatMessage:
    return ChatMessage(
        first.role,
        "\n".join(text for text in (first.text, second.text) if text),
        "\n".join(text for text in (first.reasoning, second.reasoning) if text),
        first.parts + second.parts,
        first.calls + second.calls,
        first.answers + second.answers,
        second.finish or first.finish,
        first.agent or second.agent,
        {**first.source, **second.source},
    )


def call_key(tool: str, arguments: Any) -> PartKey:
    """The key under which the same call is found again; no arguments are the same as empty ones."""
    return "call", tool, value_key({} if arguments in (None, "") else arguments)
