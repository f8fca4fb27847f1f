"""How do two tellings of one thing become one step? Pure: values in, a step out."""

from __future__ import annotations

from dataclasses import dataclass

from msgspec.structs import replace

from kb.traces.normalize.chat_message import Answer, Asked, Said
from kb.traces.run import Event, Message, ToolCall


@dataclass
class Ends:
    """From which ends a call has been told: the message that asked, the span that ran it."""

    asked: bool = False
    executed: bool = False


def asked_call(asked: Asked, base: Message, asked_in: int | None) -> ToolCall:
    """A call that is known from the message that asks for it."""
    return ToolCall(
        tool=asked.tool,
        id=asked.id,
        arguments=asked.arguments,
        is_answered=False,
        asked_in=asked_in,
        parent=base.parent,
        agent=base.agent,
        started=base.ended or base.started,
        where=base.where,
        source=asked.source,
    )


def joined_call(asked: ToolCall, ran: ToolCall) -> ToolCall:
    """One call of its two tellings: times and result of the span, id and place of the message."""
    return replace(
        ran,
        id=asked.id if not asked.id.startswith("call-") or not ran.id else ran.id,
        arguments=asked.arguments if ran.arguments in ({}, None, "") else ran.arguments,
        result=ran.result if ran.is_answered else asked.result,
        is_answered=ran.is_answered or asked.is_answered,
        failure=ran.failure or asked.failure,
        asked_in=asked.asked_in,
        parent=ran.parent or asked.parent,
        agent=ran.agent or asked.agent,
        source={**asked.source, **ran.source},
    )


def was_over(known: ToolCall, again: ToolCall) -> bool:
    """Whether a call was answered before the same was asked for; a copied row has its time."""
    is_copy = known.started is not None and known.started == again.started
    return known.is_answered and not is_copy


def is_one_run(known: ToolCall, call: ToolCall) -> bool:
    """Whether two spans tell one execution: one runs within the time of the other."""
    if not (known.started and known.ended and call.started):
        return call.started == known.started
    return known.started <= call.started <= known.ended


def result_alone(answer: Answer, base: Message) -> Event:
    """A result whose call the trace does not hold."""
    text = answer.result if isinstance(answer.result, str) else ""
    source = {} if text else {"result": answer.result}
    return Event(
        kind="result",
        name=answer.tool or answer.call_id,
        text=text,
        failure=answer.failure,
        parent=base.parent,
        agent=base.agent,
        started=base.started,
        where=base.where,
        source={**source, **answer.source},
    )


def message_of(said: Said, base: Message) -> Message:
    """A message of any dialect; `base` holds its times, usage and place."""
    return replace(
        base,
        role=said.role,
        text=said.text,
        reasoning=said.reasoning,
        parts=said.parts,
        agent=said.agent or base.agent,
        finish_reasons=base.finish_reasons or ((said.finish,) if said.finish else ()),
        source={**base.source, **said.source},
    )
