"""Makes a `Run` of what a `RunBuilder` holds: turns, effects, and what is missing.

The same for every format: nothing here knows where a builder came from.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from operator import le

from msgspec.structs import replace

from kb.traces.decoding.trace_source import Source
from kb.traces.effects.call_effect import Effects, ran, replay_policy
from kb.traces.effects.call_failures import failure_of, is_refused
from kb.traces.normalize.run_builder import RunBuilder
from kb.traces.run import (
    CONVENTIONS,
    SCHEMA,
    Failure,
    Message,
    Provenance,
    Redaction,
    Run,
    RunClocks,
    State,
    Step,
    ToolCall,
    ToolDefinition,
    Trigger,
)

_NAMED = 4


def missing(run: Run) -> tuple[str, ...]:
    """One line for each thing the trace lacks, the most needed first."""
    return tuple(_missing(run))


def _missing(run: Run) -> Iterator[str]:
    if not run.trigger.text:
        yield "the request that set the run going"
    if not run.state.prompt.text:
        yield "the instructions of the model (system prompt)"
    yield from _of_tools(run)
    yield from _of_model(run)
    if not any(isinstance(step, Message) and step.role == "assistant" for step in run.steps):
        yield "the answers of the model"
    if run.clocks.started is None:
        yield "times"


def _of_tools(run: Run) -> Iterator[str]:
    used = dict.fromkeys(call.tool for call in run.calls)
    known = {tool.name for tool in run.state.tools if tool.parameters is not None}
    without = [tool for tool in used if tool not in known]
    if without:
        yield f"the schemas of tools: {_list(without)}"
    unanswered = [f"{call.tool} ({call.id})" for call in run.calls if not call.is_answered]
    if unanswered:
        yield f"results of calls: {_list(unanswered)}"


def _of_model(run: Run) -> Iterator[str]:
    request = run.state.request
    if not (request.model or any(message.model for message in run.messages)):
        yield "the model"
    if request.temperature is None and request.top_p is None:
        yield "the sampling (temperature, top_p)"
    if request.seed is None:
        yield "the seed"
    if not (run.state.prompt.name or run.state.prompt.version):
        yield "the name and version of the prompt"


def _list(names: list[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more


_INSTRUCTIONS = {"system", "developer"}
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Assembly:
    """What all runs of a file share: where they come from, and what the team says of its tools."""

    source: Source
    format: str
    effects: Effects
    policy: tuple[str, ...] = ()
    freeze_at: int | None = None


def assemble(builder: RunBuilder, number: int, assembly: Assembly) -> Run:
    """The run of a builder, as the source has it: nothing is redacted yet."""
    definitions = {name: _judged(tool, assembly.effects) for name, tool in builder.tools.items()}
    steps = tuple(
        _finished(step, turn, assembly.effects, definitions, builder)
        for step, turn in _in_turns(_in_order(builder))
    )
    state = _state(builder, steps, tuple(definitions.values()), assembly.freeze_at)
    run = Run(
        schema=SCHEMA,
        conventions=CONVENTIONS,
        id=builder.id or f"{assembly.source.sha256[:12]}-{number + 1}",
        conversation=builder.conversation,
        task=builder.task,
        agent=builder.agent,
        trigger=_trigger(steps),
        state=state,
        steps=steps,
        policy=assembly.policy,
        clocks=_clocks(steps, state.freeze_step),
        redaction=Redaction(applied=False),
        provenance=_provenance(builder, assembly),
        source=builder.source,
    )
    return replace(run, missing=missing(run))


def _provenance(builder: RunBuilder, assembly: Assembly) -> Provenance:
    source = assembly.source
    return Provenance(
        format=assembly.format,
        file=source.name,
        sha256=source.hashed,
        size_bytes=source.size_bytes,
        place=builder.place,
        lossy=(*source.notes.lines(), *builder.notes.lines()),
    )


def _in_order(builder: RunBuilder) -> list[Step]:
    """The steps in the order of their times; a step without one stays behind its neighbour."""
    steps = builder.all_steps()
    keys = _sort_keys(steps)
    if all(map(le, keys, islice(keys, 1, None))):
        return steps
    order = sorted(range(len(keys)), key=keys.__getitem__)
    builder.notes.add("steps were put in the order of their times")
    new_place = {old: new for new, old in enumerate(order)}
    return [_asked_at(steps[old], new_place) for old in order]


def _sort_keys(steps: list[Step]) -> list[datetime]:
    keys: list[datetime] = []
    last = _LONG_AGO
    for step in steps:
        last = step.started or step.ended or last
        # A call never comes before the message that asked for it, whatever two clocks say.
        asked_in = step.asked_in if isinstance(step, ToolCall) else None
        is_told = asked_in is not None and asked_in < len(keys)
        keys.append(max(last, keys[asked_in]) if asked_in is not None and is_told else last)
    return keys


def _asked_at(step: Step, new_place: dict[int, int]) -> Step:
    if isinstance(step, ToolCall) and step.asked_in is not None:
        return replace(step, asked_in=new_place[step.asked_in])
    return step


def _in_turns(steps: list[Step]) -> Iterator[tuple[Step, int]]:
    """The steps, each with its turn: a message of the user begins one, a sub-agent's does not."""
    turn = 0
    for step in steps:
        if isinstance(step, Message) and step.role == "user" and not step.parent:
            turn += 1
        yield step, turn


def _finished(
    step: Step,
    turn: int,
    effects: Effects,
    definitions: dict[str, ToolDefinition],
    builder: RunBuilder,
) -> Step:
    """A step in its turn; a call with its failure, effect and treatment."""
    if not isinstance(step, ToolCall):
        return step if step.turn == turn else replace(step, turn=turn)
    judged = effects.of_call(step.tool, step.arguments, definitions.get(step.tool))
    is_told_fine = builder.tells_errors or step.source.get("is_error") is False
    failure = _failure(step, is_read=not judged.effect.is_write, is_told_fine=is_told_fine)
    return replace(
        step,
        turn=turn,
        failure=failure,
        effect=judged.effect,
        effect_source=judged.source,
        effect_reason=judged.reason,
        # A span that ended has run, also where the tool's answer was not recorded.
        ran=ran(has_ended=step.is_answered or bool(step.span_id and step.ended), failure=failure),
        replay=replay_policy(judged.effect, judged.source),
    )


def _failure(call: ToolCall, *, is_read: bool, is_told_fine: bool) -> Failure | None:
    """What the source says of a call; a refusal shows in its words where the source says error."""
    told = None
    if call.is_answered:
        told = failure_of(call.result, is_read=is_read, is_told_fine=is_told_fine)
    if is_refused(told):
        return told
    # A command that printed "error" and ended with 0 did not fail.
    return call.failure or (None if _ended_with_0(call) else told)


def _ended_with_0(call: ToolCall) -> bool:
    return type(call.source.get("exit")) is int and call.source["exit"] == 0


def _judged(tool: ToolDefinition, effects: Effects) -> ToolDefinition:
    judged = effects.of(tool.name, tool)
    return replace(tool, effect=judged.effect, effect_source=judged.source)


def _state(
    builder: RunBuilder,
    steps: tuple[Step, ...],
    tools: tuple[ToolDefinition, ...],
    asked: int | None,
) -> State:
    step, reason = _freeze(steps, asked)
    prompt = (
        builder.prompt
        if builder.prompt.text
        else replace(builder.prompt, text=_instructions(steps))
    )
    return State(
        freeze_step=step, freeze_reason=reason, prompt=prompt, request=builder.request, tools=tools
    )


def _instructions(steps: tuple[Step, ...]) -> str:
    parts = (
        step.text
        for step in steps
        if isinstance(step, Message) and step.role in _INSTRUCTIONS and not step.parent
    )
    return next(parts, "")


def _freeze(steps: tuple[Step, ...], asked: int | None) -> tuple[int, str]:
    """Where a replay begins: where it was asked to, else at the turn of the first failure.

    A turn begins after the message of the user that it answers.
    """
    if asked is not None:
        return min(asked, len(steps)), "asked for"
    calls = [(number, step) for number, step in enumerate(steps) if isinstance(step, ToolCall)]
    failed = next((number for number, call in calls if call.failure), None)
    if failed is not None:
        return _turn_start(steps, failed), "turn of the first failed call"
    if calls:
        return _turn_start(steps, calls[-1][0]), "turn of the last call"
    return _turn_start(steps, len(steps) - 1), "last turn"


def _turn_start(steps: tuple[Step, ...], within: int) -> int:
    for number in range(within, -1, -1):
        step = steps[number]
        if isinstance(step, Message) and step.role == "user" and not step.parent:
            return number + 1
    return 0


def _trigger(steps: tuple[Step, ...]) -> Trigger:
    for step in steps:
        if isinstance(step, Message) and step.role == "user" and step.text:
            return Trigger(text=step.text, at=step.started)
    return Trigger()


def _clocks(steps: tuple[Step, ...], freeze_step: int) -> RunClocks:
    times = [time for step in steps for time in (step.started, step.ended) if time]
    calls = [step for step in steps if isinstance(step, ToolCall)]
    failed = (call.ended or call.started for call in calls if call.failure)
    wrote = (c.started or c.ended for c in calls if c.is_answered and c.effect.is_write)
    before = [t for step in steps[:freeze_step] for t in (step.ended, step.started) if t]
    return RunClocks(
        started=min(times, default=None),
        ended=max(times, default=None),
        first_failure=_first(failed),
        first_write=_first(wrote),
        frozen=max(before, default=min(times, default=None)),
    )


def _first(times: object) -> datetime | None:
    known = [time for time in times if time] if hasattr(times, "__iter__") else []
    return min(known, default=None)
