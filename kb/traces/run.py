"""`Run`: the canonical form every trace is read into, and the schema of `fixture.json`.

A `Run` is one trip of an agent: an ordered tape of steps (what was said, which tools were called,
what else happened), the state a replay starts from, and where all of it came from.
In Python the names are plain words; in JSON they are those of the OpenTelemetry GenAI conventions
where these have one (`gen_ai.*`, `error.type`), and `kb.*` elsewhere.

Values in `Any` are what JSON has: None, bool, int, float, str, list, dict. They are not changed.
Large values lie in blobs by hash only on disk: a `Run` in memory is always whole.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from typing import Annotated, Any, Final, Literal

import msgspec
from msgspec import Meta, field

from kb.json_schemas import schema_of
from kb.traces.canonical_json import digest

_PLACES_NAMED = 3


class ImportWarnings:
    """A list that grows while a file is read; equal notes become one with its places."""

    def __init__(self) -> None:
        self._places: dict[str, list[str]] = {}
        self._counts: dict[str, int] = {}

    def add(self, what: str, place: str = "") -> None:
        """Note something; `place` is where, such as `line 7`."""
        self._counts[what] = self._counts.get(what, 0) + 1
        places = self._places.setdefault(what, [])
        if place and place not in places and len(places) < _PLACES_NAMED:
            places.append(place)

    def lines(self) -> tuple[str, ...]:
        """One line a note, in the order they were first made."""
        return tuple(self._line(what) for what in self._places)

    def _line(self, what: str) -> str:
        places, count = self._places[what], self._counts[what]
        if not places:
            return what if count == 1 else f"{what} ({count} times)"
        more = f" and {count - len(places)} more" if count > len(places) else ""
        return f"{what}: {', '.join(places)}{more}"


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
    COMMAND = "command"
    """The words of the shell command it was given."""
    TABLE = "tool-table"
    """The table of known agents' and servers' tools."""
    GUESS = "guess"
    """Likely by its name or words, and not sure."""
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


#: What a report shows of the words of a failure, and more.
_FAILURE_CHARACTERS = 500


class ToldBy(StrEnum):
    """How the failure of a call shows."""

    STATUS = "status"
    EXIT_CODE = "exit-code"
    TEXT = "text"
    """Only the words of the result say so; the trace calls it a success."""


class JsonValue(
    msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True, forbid_unknown_fields=True
):
    """A frozen value: defaults are left out of its JSON, unknown keys are refused."""


class Failure(JsonValue, frozen=True):
    """Why a call did not do what it was asked for."""

    type: Annotated[str, Meta(description="Class of the error, `error` when none is named")] = (
        field(default="error", name="error.type")
    )
    message: str = field(default="", name="error.message")
    told_by: ToldBy = field(default=ToldBy.STATUS, name="kb.told_by")

    @classmethod
    def named(cls, kind: str, words: str, told_by: ToldBy = ToldBy.STATUS) -> Failure:
        """A failure of a class with the beginning of its words; a result has all of them."""
        return cls(type=kind or "error", message=words[:_FAILURE_CHARACTERS], told_by=told_by)

    @classmethod
    def exit(cls, code: int, words: str) -> Failure:
        """The failure of a program that ended with this code."""
        return cls.named(f"exit {code}", words, ToldBy.EXIT_CODE)


class Message(JsonValue, frozen=True, tag_field="kb.step", tag="message"):
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


class ToolCall(JsonValue, frozen=True, tag_field="kb.step", tag="tool_call"):
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
    effect_reason: Annotated[
        str, Meta(description="Of a command: its part that weighs most, and why it does")
    ] = field(default="", name="kb.effect.reason")
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
    def key(self) -> str:
        """What equal calls share: the tool and its arguments, the order of keys aside."""
        return digest([self.tool, self.arguments])

    @property
    def succeeded(self) -> bool:
        """Whether it was answered, and neither status nor words say that it failed."""
        return self.is_answered and self.failure is None

    @property
    def duration_seconds(self) -> float | None:
        """From call to answer, None where the trace has no two times."""
        return _seconds(self.started, self.ended)


class Event(JsonValue, frozen=True, tag_field="kb.step", tag="event"):
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


__all__ = [
    "CONVENTIONS",
    "SCHEMA",
    "Agent",
    "Effect",
    "EffectSource",
    "Event",
    "Failure",
    "Message",
    "OutcomeAssert",
    "Placeholder",
    "Prompt",
    "Provenance",
    "Ran",
    "Redaction",
    "Request",
    "Run",
    "RunClocks",
    "State",
    "Step",
    "ToldBy",
    "ToolCall",
    "ToolDefinition",
    "Treatment",
    "Trigger",
    "run_schema",
]

#: The conventions whose names are used: the last release of the core repository that has them.
#: https://github.com/open-telemetry/semantic-conventions/tree/v1.41.0/docs/gen-ai
CONVENTIONS = "1.41.0"
SCHEMA: Final = "kb.run/1"


class ToolDefinition(JsonValue, frozen=True):
    """A tool as it was offered to the model."""

    name: str
    description: str = ""
    parameters: Annotated[
        dict[str, Any] | None, Meta(description="JSON Schema of the arguments, None if unknown")
    ] = None
    annotations: Annotated[
        dict[str, Any] | None,
        Meta(description="MCP hints: readOnlyHint, destructiveHint, idempotentHint, …"),
    ] = None
    effect: Effect = field(default=Effect.UNKNOWN, name="kb.effect")
    effect_source: EffectSource = field(default=EffectSource.NOBODY, name="kb.effect.source")
    source: dict[str, Any] = field(default_factory=dict, name="kb.source")


class Prompt(JsonValue, frozen=True):
    """The instructions the model was given."""

    text: str = field(default="", name="gen_ai.system_instructions")
    name: str = field(default="", name="gen_ai.prompt.name")
    version: str = field(default="", name="kb.prompt.version")
    sha256: Annotated[str, Meta(description="Of the text as stored, UTF-8; empty without text")] = (
        field(default="", name="kb.prompt.sha256")
    )


class Request(JsonValue, frozen=True):
    """The model asked, and how it was to choose its words."""

    provider: str = field(default="", name="gen_ai.provider.name")
    model: str = field(default="", name="gen_ai.request.model")
    temperature: float | None = field(default=None, name="gen_ai.request.temperature")
    top_p: float | None = field(default=None, name="gen_ai.request.top_p")
    top_k: float | None = field(default=None, name="gen_ai.request.top_k")
    max_tokens: int | None = field(default=None, name="gen_ai.request.max_tokens")
    seed: int | None = field(default=None, name="gen_ai.request.seed")
    stop_sequences: tuple[str, ...] = field(default=(), name="gen_ai.request.stop_sequences")
    source: dict[str, Any] = field(default_factory=dict, name="kb.source")


class State(JsonValue, frozen=True):
    """What a replay starts from: all steps before `freeze_step`, and what the model was given."""

    freeze_step: Annotated[int, Meta(ge=0, description="First step a replay makes anew")] = field(
        default=0, name="kb.freeze_step"
    )
    freeze_reason: Annotated[str, Meta(description="Why there: asked for, first failure, …")] = (
        field(default="", name="kb.freeze_reason")
    )
    prompt: Prompt = field(default=Prompt(), name="kb.prompt")
    request: Request = field(default=Request(), name="kb.request")
    tools: Annotated[
        tuple[ToolDefinition, ...], Meta(description="Empty where the trace has no schemas")
    ] = field(default=(), name="gen_ai.tool.definitions")


class Agent(JsonValue, frozen=True):
    """Which agent ran."""

    name: str = field(default="", name="gen_ai.agent.name")
    id: str = field(default="", name="gen_ai.agent.id")
    version: str = field(default="", name="gen_ai.agent.version")
    framework: str = field(default="", name="kb.agent.framework")


class Trigger(JsonValue, frozen=True):
    """What set the run going: the first message of a user, or what the trace names instead."""

    text: str = field(default="", name="kb.text")
    at: datetime | None = field(default=None, name="kb.at")


class RunClocks(JsonValue, frozen=True):
    """The times the tape proves. Detection and harm are known to people only."""

    started: datetime | None = field(default=None, name="kb.started")
    ended: datetime | None = field(default=None, name="kb.ended")
    first_failure: datetime | None = field(default=None, name="kb.first_failure")
    first_write: Annotated[
        datetime | None, Meta(description="First answered call that is not known to read only")
    ] = field(default=None, name="kb.first_write")
    frozen: Annotated[datetime | None, Meta(description="What a replay is told the time is")] = (
        field(default=None, name="kb.frozen")
    )


class OutcomeAssert(JsonValue, frozen=True):
    """What must hold after a replay, over the calls the agent attempted."""

    claim: Annotated[str, Meta(description="In words: at most one charge for invoice 7781")] = (
        field(name="kb.claim")
    )
    path: Annotated[str, Meta(description="JSONPath into the attempt")] = field(name="kb.path")
    operator: Literal[
        "==", "!=", "<", "<=", ">", ">=", "contains", "matches", "exists", "count"
    ] = field(default="==", name="kb.operator")
    value: Any = field(default=None, name="kb.value")


class Placeholder(JsonValue, frozen=True):
    """One value that was taken out, and the word that stands in its place."""

    name: str = field(name="kb.placeholder")
    kind: str = field(name="kb.kind")
    count: Annotated[int, Meta(description="How often it was replaced")] = field(
        default=0, name="kb.count"
    )
    fingerprint: Annotated[
        str,
        Meta(
            description="HMAC-SHA-256 of the value with the local key, 16 hex digits; aligns runs"
        ),
    ] = field(default="", name="kb.fingerprint")


class Redaction(JsonValue, frozen=True):
    """What was taken out before anything was written."""

    applied: Annotated[bool, Meta(description="False only after --no-redact; checks refuse it")] = (
        field(name="kb.applied")
    )
    placeholders: tuple[Placeholder, ...] = field(default=(), name="kb.placeholders")


class Provenance(JsonValue, frozen=True):
    """Where the run came from, and what the reading of it lost."""

    format: str = field(default="", name="kb.format")
    file: Annotated[str, Meta(description="Name without folders")] = field(
        default="", name="kb.file"
    )
    sha256: Annotated[str, Meta(description="Of the bytes of the whole source file")] = field(
        default="", name="kb.sha256"
    )
    size_bytes: int = field(default=0, name="kb.size_bytes")
    place: Annotated[str, Meta(description="Which run of the file: trace 4bf9…, [3], line 7")] = (
        field(default="", name="kb.place")
    )
    lossy: Annotated[tuple[str, ...], Meta(description="What was changed, joined or dropped")] = (
        field(default=(), name="kb.lossy")
    )


class Run(JsonValue, frozen=True, kw_only=True, dict=True):
    """One run of an agent, whole. `fixture.json` is this value as canonical JSON."""

    schema: Literal["kb.run/1"] = field(name="schema")
    id: Annotated[str, Meta(description="As the source names it, else made from its hash")] = field(
        name="kb.run.id"
    )
    conversation: str = field(default="", name="gen_ai.conversation.id")
    task: Annotated[str, Meta(description="What runs of the same task share; empty if unknown")] = (
        field(default="", name="kb.task")
    )
    agent: Agent = field(default=Agent(), name="kb.agent")
    trigger: Trigger = field(default=Trigger(), name="kb.trigger")
    state: State = field(default=State(), name="kb.state")
    steps: tuple[Step, ...] = field(default=(), name="kb.steps")
    policy: Annotated[
        tuple[str, ...], Meta(description="Rules of order: `refund requires approve before it`")
    ] = field(default=(), name="kb.policy")
    asserts: tuple[OutcomeAssert, ...] = field(default=(), name="kb.asserts")
    lookups: Annotated[
        tuple[ToolCall, ...],
        Meta(description="Reads that a person answered afterwards: a replay serves them too"),
    ] = field(default=(), name="kb.lookups")
    clocks: RunClocks = field(default=RunClocks(), name="kb.clocks")
    missing: Annotated[tuple[str, ...], Meta(description="What the trace does not hold")] = field(
        default=(), name="kb.missing"
    )
    redaction: Redaction = field(name="kb.redaction")
    provenance: Provenance = field(default=Provenance(), name="kb.provenance")
    conventions: str = field(name="kb.conventions")
    source: dict[str, Any] = field(default_factory=dict, name="kb.source")

    @cached_property
    def messages(self) -> tuple[Message, ...]:
        """What was said, in order."""
        return tuple(step for step in self.steps if isinstance(step, Message))

    @cached_property
    def calls(self) -> tuple[ToolCall, ...]:
        """The tool calls, in order."""
        return tuple(call for _, call in self.numbered_calls)

    @cached_property
    def numbered_calls(self) -> tuple[tuple[int, ToolCall], ...]:
        """The tool calls with the numbers of their steps."""
        return tuple((n, step) for n, step in enumerate(self.steps) if isinstance(step, ToolCall))

    @cached_property
    def call_keys(self) -> tuple[str, ...]:
        """The key of each call, made once."""
        return tuple(call.key for call in self.calls)

    def numbered(self) -> Iterator[tuple[int, Step]]:
        """The steps with their numbers, from 0: the number findings and `asked_in` speak of."""
        return enumerate(self.steps)

    def tool(self, name: str) -> ToolDefinition | None:
        """The schema of a tool, None where the trace does not hold it."""
        return next((tool for tool in self.state.tools if tool.name == name), None)


def run_schema() -> dict[str, Any]:
    """The JSON Schema of a run, generated from the types above."""
    return schema_of(Run)
