"""What is a run? The canonical form every trace is read into: frozen values, and `fixture.json`.

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
from typing import Annotated, Any, Final, Literal

from msgspec import Meta, field

from kb.json_schemas import schema_of
from kb.runs.steps import (
    Effect,
    EffectSource,
    Event,
    Failure,
    Message,
    Ran,
    Step,
    ToldBy,
    ToolCall,
    Treatment,
    Value,
)

__all__ = [
    "CONVENTIONS",
    "SCHEMA",
    "Agent",
    "Clocks",
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


class ToolDefinition(Value, frozen=True):
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


class Prompt(Value, frozen=True):
    """The instructions the model was given."""

    text: str = field(default="", name="gen_ai.system_instructions")
    name: str = field(default="", name="gen_ai.prompt.name")
    version: str = field(default="", name="kb.prompt.version")
    sha256: Annotated[str, Meta(description="Of the text as stored, UTF-8; empty without text")] = (
        field(default="", name="kb.prompt.sha256")
    )


class Request(Value, frozen=True):
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


class State(Value, frozen=True):
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


class Agent(Value, frozen=True):
    """Which agent ran."""

    name: str = field(default="", name="gen_ai.agent.name")
    id: str = field(default="", name="gen_ai.agent.id")
    version: str = field(default="", name="gen_ai.agent.version")
    framework: str = field(default="", name="kb.agent.framework")


class Trigger(Value, frozen=True):
    """What set the run going: the first message of a user, or what the trace names instead."""

    text: str = field(default="", name="kb.text")
    at: datetime | None = field(default=None, name="kb.at")


class Clocks(Value, frozen=True):
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


class OutcomeAssert(Value, frozen=True):
    """What must hold after a replay, over the calls the agent attempted."""

    claim: Annotated[str, Meta(description="In words: at most one charge for invoice 7781")] = (
        field(name="kb.claim")
    )
    path: Annotated[str, Meta(description="JSONPath into the attempt")] = field(name="kb.path")
    operator: Literal[
        "==", "!=", "<", "<=", ">", ">=", "contains", "matches", "exists", "count"
    ] = field(default="==", name="kb.operator")
    value: Any = field(default=None, name="kb.value")


class Placeholder(Value, frozen=True):
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


class Redaction(Value, frozen=True):
    """What was taken out before anything was written."""

    applied: Annotated[bool, Meta(description="False only after --no-redact; checks refuse it")] = (
        field(name="kb.applied")
    )
    placeholders: tuple[Placeholder, ...] = field(default=(), name="kb.placeholders")


class Provenance(Value, frozen=True):
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


class Run(Value, frozen=True, kw_only=True):
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
    clocks: Clocks = field(default=Clocks(), name="kb.clocks")
    missing: Annotated[tuple[str, ...], Meta(description="What the trace does not hold")] = field(
        default=(), name="kb.missing"
    )
    redaction: Redaction = field(name="kb.redaction")
    provenance: Provenance = field(default=Provenance(), name="kb.provenance")
    conventions: str = field(name="kb.conventions")
    source: dict[str, Any] = field(default_factory=dict, name="kb.source")

    @property
    def messages(self) -> tuple[Message, ...]:
        """What was said, in order."""
        return tuple(step for step in self.steps if isinstance(step, Message))

    @property
    def calls(self) -> tuple[ToolCall, ...]:
        """The tool calls, in order."""
        return tuple(step for step in self.steps if isinstance(step, ToolCall))

    def numbered(self) -> Iterator[tuple[int, Step]]:
        """The steps with their numbers, from 0: the number findings and `asked_in` speak of."""
        return enumerate(self.steps)

    def tool(self, name: str) -> ToolDefinition | None:
        """The schema of a tool, None where the trace does not hold it."""
        return next((tool for tool in self.state.tools if tool.name == name), None)


def run_schema() -> dict[str, Any]:
    """The JSON Schema of a run, generated from the types above."""
    return schema_of(Run)
