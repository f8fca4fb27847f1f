"""How do two tellings of one thing become one step? Pure: values in, a step out."""

from __future__ import annotations

from msgspec.structs import replace

from kb.runs.run import Event, Message, ToolCall
from kb.runs.telling.said import Answer, Asked, Said


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
