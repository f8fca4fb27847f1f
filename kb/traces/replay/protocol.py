"""The lines a replay and an agent exchange: one JSON object a line, both ways.

To the agent: `start` (with the frozen run), then an `answer` to each call, or `stop`.
From the agent: `call`, `say`, and in the end `end`; `fault` when it broke.
A command written in any language can speak it; `docs/replay.md` shows a whole exchange.
"""

from __future__ import annotations

from typing import Any

import msgspec

from kb.traces.run import Run


class _Line(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="kb"):
    """One line; `kb` says which."""


class Start(_Line, frozen=True, tag="start"):
    """Go: the frozen run, the number of the trial and the time on the tape."""

    run: Run
    trial: int = 1
    now: str = ""


class ToolReply(_Line, frozen=True, tag="answer"):
    """What a tool said."""

    text: str
    refused: bool = False
    now: str = ""


class Stop(_Line, frozen=True, tag="stop"):
    """The trial is over: the tape does not hold the call."""

    reason: str = ""


class Call(_Line, frozen=True, tag="call"):
    """The agent calls a tool."""

    tool: str
    arguments: Any = None


class Say(_Line, frozen=True, tag="say"):
    """The agent says something on its way."""

    text: str


class End(_Line, frozen=True, tag="end"):
    """The agent has finished, with these words."""

    text: str = ""


class AgentFault(_Line, frozen=True, tag="fault"):
    """The entry point could not be called, or broke."""

    what: str


FromAgent = Call | Say | End | AgentFault
ToAgent = Start | ToolReply | Stop

_from_agent: msgspec.json.Decoder[FromAgent] = msgspec.json.Decoder(FromAgent)
_to_agent: msgspec.json.Decoder[ToAgent] = msgspec.json.Decoder(ToAgent)


def encode(line: FromAgent | ToAgent) -> bytes:
    """The bytes of a line, its end included."""
    return msgspec.json.encode(line) + b"\n"


def from_agent(raw: bytes) -> FromAgent:
    """What the agent said. Raises `msgspec.MsgspecError` for what is no such line."""
    return _from_agent.decode(raw)


def to_agent(raw: bytes) -> ToAgent:
    """What the replay said. Raises `msgspec.MsgspecError` for what is no such line."""
    return _to_agent.decode(raw)
