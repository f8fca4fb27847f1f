"""What happens in a run? Its steps: what was said, which tools were called, what else happened."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any

import msgspec
from msgspec import Meta, field


class Effect(StrEnum):
    """What a tool does to the world outside the run."""

    READ = "read"
    WRITE = "write"
    DESTRUCTIVE = "destructive"
    UNKNOWN = "unknown"

    @property
    def is_write(self) -> bool:
        """Whether a replay must refuse it: everything that is not known to read only."""
        return self is not Effect.READ


class EffectSource(StrEnum):
    """Who says what the effect of a tool is."""

    SETTINGS = "kb.toml"
    HINTS = "tool-annotations"
    """MCP hints in the tool's schema."""
    HINT_DEFAULTS = "tool-annotations-default"
    """The tool has MCP hints, and what they leave out counts by its documented default."""
    NOBODY = "nobody"


class Ran(StrEnum):
    """Whether the effect of a call has already happened."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"
    """Called, and no answer proves either: a timeout says nothing about the effect."""


class Treatment(StrEnum):
    """What a replay does when the agent makes this call again."""

    MOCK = "mock"
    """Answer from the tape."""
    FORBID = "forbid"
    """Refuse, and record that it was tried."""


class ToldBy(StrEnum):
    """How the failure of a call shows."""

    STATUS = "status"
    EXIT_CODE = "exit-code"
    TEXT = "text"
    """Only the words of the result say so; the trace calls it a success."""


class Value(
    msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, forbid_unknown_fields=True
):
    """A frozen value: defaults are left out of its JSON, unknown keys are refused."""


class Failure(Value, frozen=True):
    """Why a call did not do what it was asked for."""

    type: Annotated[str, Meta(description="Class of the error, `error` when none is named")] = (
        field(default="error", name="error.type")
    )
    message: str = field(default="", name="error.message")
    told_by: ToldBy = field(default=ToldBy.STATUS, name="kb.told_by")


class Message(Value, frozen=True, tag_field="kb.step", tag="message"):
    """Something said: by a person, by the instructions, or by a model.

    An answer of the model that only calls tools is a message with an empty text: it holds the
    usage, and its calls follow it and name it in `asked_in`.
    """

    role: Annotated[str, Meta(description="system, developer, user, assistant, or as written")] = (
        field(name="kb.role")
    )
    text: str = field(default="", name="kb.text")
    reasoning: str = field(default="", name="kb.reasoning")
    parts: Annotated[tuple[Any, ...], Meta(description="What is no text, as the source has it")] = (
        field(default=(), name="kb.parts")
    )
    turn: Annotated[int, Meta(description="0 before the first user message, then 1, 2, …")] = field(
        default=0, name="kb.turn"
    )
    parent: Annotated[str, Meta(description="Id of the call that started this sub-agent")] = field(
        default="", name="kb.parent_call"
    )
    agent: str = field(default="", name="gen_ai.agent.name")
    model: str = field(default="", name="gen_ai.response.model")
    response_id: str = field(default="", name="gen_ai.response.id")
    finish_reasons: tuple[str, ...] = field(default=(), name="gen_ai.response.finish_reasons")
    input_tokens: int | None = field(default=None, name="gen_ai.usage.input_tokens")
    output_tokens: int | None = field(default=None, name="gen_ai.usage.output_tokens")
    cached_tokens: int | None = field(default=None, name="gen_ai.usage.cache_read.input_tokens")
    cost_usd: float | None = field(default=None, name="kb.cost_usd")
    started: datetime | None = field(default=None, name="kb.started")
    ended: datetime | None = field(default=None, name="kb.ended")
    where: Annotated[str, Meta(description="Its place in the source: line 12, span 4bf9…")] = field(
        default="", name="kb.where"
    )
    source: Annotated[
        dict[str, Any], Meta(description="Fields the canonical run has no name for")
    ] = field(default_factory=dict, name="kb.source")


class ToolCall(Value, frozen=True, tag_field="kb.step", tag="tool_call"):
    """One call of a tool, with what came back."""

    tool: str = field(name="gen_ai.tool.name")
    id: Annotated[str, Meta(description="Unique in the run; call-N where the source has none")] = (
        field(name="gen_ai.tool.call.id")
    )
    arguments: Annotated[Any, Meta(description="Decoded; a text where it is no JSON")] = field(
        default=None, name="gen_ai.tool.call.arguments"
    )
    result: Annotated[Any, Meta(description="As the agent was given it: mostly a text")] = field(
        default=None, name="gen_ai.tool.call.result"
    )
    is_answered: Annotated[bool, Meta(description="Whether the trace holds an answer")] = field(
        default=True, name="kb.answered"
    )
    failure: Failure | None = field(default=None, name="kb.failure")
    effect: Effect = field(default=Effect.UNKNOWN, name="kb.effect")
    effect_source: EffectSource = field(default=EffectSource.NOBODY, name="kb.effect.source")
    ran: Ran = field(default=Ran.UNKNOWN, name="kb.ran")
    replay: Treatment = field(default=Treatment.FORBID, name="kb.replay")
    turn: int = field(default=0, name="kb.turn")
    asked_in: Annotated[int | None, Meta(description="Step of the message that asked for it")] = (
        field(default=None, name="kb.asked_in")
    )
    parent: Annotated[str, Meta(description="Id of the call that started this sub-agent")] = field(
        default="", name="kb.parent_call"
    )
    agent: str = field(default="", name="gen_ai.agent.name")
    started: datetime | None = field(default=None, name="kb.started")
    ended: datetime | None = field(default=None, name="kb.ended")
    span_id: str = field(default="", name="kb.span_id")
    where: str = field(default="", name="kb.where")
    source: dict[str, Any] = field(default_factory=dict, name="kb.source")

    @property
    def succeeded(self) -> bool:
        """Whether it was answered, and neither status nor words say that it failed."""
        return self.is_answered and self.failure is None

    @property
    def duration_seconds(self) -> float | None:
        """From call to answer, None where the trace has no two times."""
        return _seconds(self.started, self.ended)


class Event(Value, frozen=True, tag_field="kb.step", tag="event"):
    """Something else that happened: a retrieval, a hand-over, a refusal by a person, an error."""

    kind: Annotated[
        str,
        Meta(description="retrieval, handoff, agent, guardrail, permission, error, summary, …"),
    ] = field(name="kb.kind")
    name: str = field(default="", name="kb.name")
    text: str = field(default="", name="kb.text")
    failure: Failure | None = field(default=None, name="kb.failure")
    turn: int = field(default=0, name="kb.turn")
    parent: str = field(default="", name="kb.parent_call")
    agent: str = field(default="", name="gen_ai.agent.name")
    started: datetime | None = field(default=None, name="kb.started")
    ended: datetime | None = field(default=None, name="kb.ended")
    span_id: str = field(default="", name="kb.span_id")
    where: str = field(default="", name="kb.where")
    source: dict[str, Any] = field(default_factory=dict, name="kb.source")


Step = Message | ToolCall | Event


def _seconds(start: datetime | None, end: datetime | None) -> float | None:
    return (end - start).total_seconds() if start and end else None
