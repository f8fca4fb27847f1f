"""The spans of a trace put into a `RunBuilder`, in the order of their starts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from msgspec.structs import replace

from kb.traces.decoding.lenient_json import embedded
from kb.traces.decoding.row_account import RowAccount
from kb.traces.messages.model_requests import merged
from kb.traces.normalize.chat_message import ChatMessage
from kb.traces.normalize.run_builder import RunBuilder
from kb.traces.run import Agent, Event, Failure, Message, ToolCall, ToolDefinition
from kb.traces.spans.span import Span
from kb.traces.spans.span_kinds import (
    SpanKind,
    agent_name,
    call_arguments,
    call_id,
    call_result,
    first,
    is_told_error,
    kind_of,
    other_tool_attributes,
    tool_name,
)
from kb.traces.spans.span_messages import (
    inputs_of,
    output_of,
    read_names,
    request_in,
    request_messages,
    tools_offered,
    usage_in,
    words_in,
)

#: Kinds of spans that are told as events.
_EVENTS = frozenset(
    {SpanKind.RETRIEVAL, SpanKind.GUARDRAIL, SpanKind.HANDOFF, SpanKind.PLAN, SpanKind.MEMORY}
)
_MAX_ANCESTORS = 1000
_NEVER = datetime(1, 1, 1, tzinfo=UTC)
_PROMPT_NAMES = ("gen_ai.prompt.name", "langfuse.observation.prompt.name", "llm.prompt.name")
_PROMPT_VERSIONS = ("gen_ai.prompt.version", "langfuse.observation.prompt.version")
_QUERIES = ("input.value", "gen_ai.retrieval.query.text", "gen_ai.memory.query.text")
_CONVERSATIONS = ("gen_ai.conversation.id", "session.id", "gcp.vertex.agent.session_id")


class RunOfSpans:
    """A builder that is fed with spans, parents before their children."""

    def __init__(self, rows: RowAccount, trace_id: str) -> None:
        self._builder = RunBuilder(rows, f"trace {trace_id}" if trace_id else "", trace_id)
        self._parents: dict[str, str] = {}
        self._kinds: dict[str, SpanKind] = {}
        self._agents: dict[str, str] = {}
        self._call_ids: dict[str, str] = {}
        self._answered: set[str] = set()
        self._within_calls: dict[str, str] = {}
        self._open_calls: list[tuple[Span, str]] = []
        self._agent_ends: list[tuple[Span, ChatMessage, str]] = []
        self._agent_starts: list[tuple[Span, list[ChatMessage], str]] = []
        self._wordless: dict[str, tuple[Span, Message, str]] = {}
        self._heard: set[str] = set()
        #: An answer whose request could not be read: a span within it may tell it.
        self._unasked: tuple[Span, ChatMessage, Message, str] | None = None
        self._has_request = False
        self._is_named = False
        self._roots: list[Span] = []
        self._places: list[str] = []
        self._first: Span | None = None
        self._told: tuple[Any, Any] = (None, None)

    def take(self, span: Span) -> None:
        """Add what one span tells."""
        kind = kind_of(span)
        self._settle(span, kind)
        self._first = self._first or span
        self._places.append(span.where)
        self._parents[span.id] = span.parent
        self._kinds[span.id] = kind
        self._note_trace(span)
        if kind is SpanKind.MODEL:
            self._take_model(span)
        elif kind is SpanKind.TOOL:
            self._take_tool(span)
        elif kind is SpanKind.AGENT:
            self._take_agent(span)
        elif kind in _EVENTS:
            self._take_event(span, kind)
        elif span.error:
            self._builder.add_event(_event(span, "error", span.message, self._base(span)))
        else:
            self._builder.leave_out("spans of other kinds (HTTP, chains, tasks)")
        if kind is SpanKind.OTHER and not span.parent:
            self._roots.append(span)

    def drop(self, why: str) -> None:
        """Note that no run is made of these spans: nothing that they told is in one."""
        for where in self._places:
            self._builder.rows.turn_to(where)
            self._builder.rows.withdraw(why)
        self._builder.rows.turn_away()

    def leave_out(self, what: str) -> None:
        """Note that the record at hand is passed over; `what` are such records in words."""
        self._builder.leave_out(what)

    def tell(self, request: Any, answer: Any) -> None:
        """What a trace says of itself beside its spans: what was asked for, and what came of it."""
        self._told = (request, answer)

    def finished(self) -> RunBuilder:
        """The run of all spans that were taken; what was told late is put in its place by time."""
        self._settle()
        self._finish_agents()
        self._finish_roots()
        return self._builder

    def _finish_agents(self) -> None:
        for span, base, context in self._wordless.values():
            self._builder.notes.add(
                "answers of a model were recorded without their words", base.where
            )
            self._add(span, None, base, context)
        for span, history, context in self._agent_starts:
            if not self._has_request:
                base = replace(self._base(span), ended=None)
                self._builder.add_history(
                    ((message, _as(base, message)) for message in history), context
                )
        asked = [message for _, history, _ in self._agent_starts for message in history]
        self._has_request = self._has_request or any(message.role == "user" for message in asked)
        for span, message, context in self._agent_ends:
            if context not in self._heard or (not span.parent and self._is_unsaid(message)):
                base = replace(self._base(span), started=span.end, ended=span.end)
                self._builder.add_completion(message, base, context)

    def _finish_roots(self) -> None:
        """Words that stand in the outermost span, or beside all spans, and in no other."""
        request, answer = self._told
        if not self._has_request:
            self._ask(request_messages(request), self._first)
        for span in self._roots:
            self._builder.rows.turn_to(span.where)
            if not self._has_request:
                self._ask(request_messages(span.attributes.get("input.value")), span)
            answer_of_span = output_of(span)
            if not self._has_words() or self._is_unsaid(answer_of_span):
                self._close(answer_of_span, span)
        self._builder.rows.turn_away()
        if not self._has_words() and self._first is not None:
            self._close(words_in(answer), self._first)

    def _has_words(self) -> bool:
        steps = self._builder.steps
        return any(isinstance(step, Message) and step.role == "assistant" for step in steps)

    def _is_unsaid(self, message: ChatMessage | None) -> bool:
        """Whether a run that ends with a call was closed in words that stand nowhere else in it."""
        steps = self._builder.steps
        if message is None or not message.text.strip() or not isinstance(steps[-1], ToolCall):
            return False
        parts = [step.text for step in steps if isinstance(step, Message)]
        parts += [step.result for step in steps if isinstance(step, ToolCall)]
        return message.text.strip() not in {text.strip() for text in parts if isinstance(text, str)}

    def _ask(self, saids: list[ChatMessage], span: Span | None) -> None:
        if saids and span is not None:
            self._has_request = True
            base = replace(self._base(span), ended=None)
            self._builder.add_history((message, _as(base, message)) for message in saids)

    def _close(self, message: ChatMessage | None, span: Span) -> None:
        if message is not None and message.has_words:
            base = replace(self._base(span), started=span.end, ended=span.end)
            self._builder.add_completion(message, base)

    def _take_model(self, span: Span) -> None:
        outer = [a for a in self._ancestors(span) if self._kinds.get(a) is SpanKind.MODEL]
        if any(ancestor in self._answered for ancestor in outer):
            if self._unasked and self._ask_for_outer(inputs_of(span)):
                return
            self._builder.notes.add("calls of a model that two libraries recorded were kept once")
            self._builder.rows.repeated()
            return
        self._builder.rows.used()
        base, context, inputs = self._base(span), self._context(span), inputs_of(span)
        self._builder.offer(tools_offered(span))
        self._builder.request = merged(self._builder.request, request_in(span))
        self._has_request = self._has_request or any(message.role == "user" for message in inputs)
        plain = replace(base, ended=None)
        self._builder.add_history(((message, _as(plain, message)) for message in inputs), context)
        message, full = output_of(span), replace(base, **usage_in(span))
        if message is None:
            self._wordless[span.id] = (span, full, context)
            return
        for ancestor in outer:
            self._wordless.pop(ancestor, None)
        self._answered.add(span.id)
        self._heard.add(context)
        if not inputs and span.attributes.get("input.value"):
            self._unasked = (span, message, full, context)
        else:
            self._add(span, message, full, context)

    def _ask_for_outer(self, inputs: list[ChatMessage]) -> bool:
        """Tell the request of the answer that is held, where a span within it has that request."""
        if self._unasked is None or not inputs:
            return False
        _, _, base, context = self._unasked
        self._has_request = self._has_request or any(message.role == "user" for message in inputs)
        plain = replace(base, ended=None)
        self._builder.add_history(((message, _as(plain, message)) for message in inputs), context)
        self._settle()
        return True

    def _settle(self, span: Span | None = None, kind: SpanKind = SpanKind.OTHER) -> None:
        """Add the answer that is held, unless a span follows that may ask for it."""
        held, self._unasked = self._unasked, None
        if held is None:
            return
        outer, said, base, context = held
        if span is not None and kind is SpanKind.MODEL and span.parent == outer.id:
            self._unasked = held
            return
        self._builder.rows.turn_to(outer.where)
        self._add(outer, said, base, context)
        self._builder.rows.turn_away()
        if span is not None:
            self._builder.rows.turn_to(span.where)

    def _add(self, span: Span, message: ChatMessage | None, base: Message, context: str) -> None:
        attributes = span.attributes
        read = set(read_names(attributes))
        rest = {key: value for key, value in attributes.items() if key not in read}
        finish = attributes.get("gen_ai.response.finish_reasons")
        full = replace(
            base,
            response_id=str(attributes.get("gen_ai.response.id") or ""),
            finish_reasons=tuple(str(f) for f in finish) if isinstance(finish, list) else (),
            source=rest,
        )
        self._builder.add_completion(message or ChatMessage("assistant"), full, context)
        if span.error:
            self._builder.add_event(_event(span, "error", span.message, base))

    def _take_tool(self, span: Span) -> None:
        base, name = self._base(span), tool_name(span)
        is_answered, result = call_result(span)
        description = span.attributes.get("gen_ai.tool.description")
        description = description or span.attributes.get("tool.description")
        if description:
            self._builder.offer([ToolDefinition(name=name, description=str(description))])
        call = ToolCall(
            tool=name,
            id=call_id(span),
            arguments=call_arguments(span),
            result=result,
            is_answered=is_answered,
            failure=_failure_of_tool(span, result),
            parent=base.parent,
            agent=base.agent,
            started=span.start,
            ended=span.end,
            span_id=span.id,
            where=base.where,
            source=other_tool_attributes(span),
        )
        step = self._builder.execute(call)
        placed = self._builder.steps[step]
        self._call_ids[span.id] = placed.id if isinstance(placed, ToolCall) else ""
        self._open_calls.append((span, self._call_ids[span.id]))

    def _take_agent(self, span: Span) -> None:
        name = agent_name(span)
        self._builder.rows.used()
        self._agents[span.id] = name
        self._within_calls[span.id] = self._call_around(span)
        attributes = span.attributes
        base, context = self._base(span), self._context(span)
        if (
            not context
            and (not self._builder.agent.name or _names_its_agent(span))
            and not self._is_named
        ):
            self._is_named = _names_its_agent(span)
            self._builder.agent = Agent(
                name=name,
                id=str(attributes.get("gen_ai.agent.id") or ""),
                version=str(attributes.get("gen_ai.agent.version") or ""),
                framework=_framework(span.scope),
            )
        self._builder.offer(tools_offered(span))
        self._builder.request = merged(self._builder.request, request_in(span))
        history = [message for message in inputs_of(span) if message.role in {"user", "system"}]
        if history:
            self._agent_starts.append((span, history, context))
        message = output_of(span)
        if message is not None:
            self._agent_ends.append((span, message, context))
        if span.error:
            self._builder.add_event(_event(span, "error", span.message, base))

    def _take_event(self, span: Span, kind: SpanKind) -> None:
        query = embedded(first(span, _QUERIES))
        bundle = query.get("query_bundle", query) if isinstance(query, dict) else query
        text = (
            bundle.get("query_str") or bundle.get("query") if isinstance(bundle, dict) else bundle
        )
        self._builder.add_event(
            _event(span, kind, str(text or ""), self._base(span), span.attributes)
        )

    def _note_trace(self, span: Span) -> None:
        builder = self._builder
        found = (str(span.attributes[key]) for key in _CONVERSATIONS if span.attributes.get(key))
        builder.conversation = builder.conversation or next(found, "")
        if span.resource and "resource" not in builder.source:
            builder.source["resource"] = span.resource
        if not builder.prompt.name:
            name, version = (first(span, names) for names in (_PROMPT_NAMES, _PROMPT_VERSIONS))
            fields = {"name": str(name or ""), "version": str(version or "")}
            builder.prompt = replace(builder.prompt, **fields)

    def _base(self, span: Span) -> Message:
        named = agent_name(span) or next(
            (self._agents[a] for a in self._ancestors(span) if self._agents.get(a)), ""
        )
        return Message(
            role="assistant",
            agent=named,
            parent=self._context(span),
            started=span.start,
            ended=span.end,
            where=f"span {span.id}" if span.id else span.where,
        )

    def _context(self, span: Span) -> str:
        """The call that a span happens within: what a sub-agent says is apart. Empty at the top."""
        for ancestor in (span.id, *self._ancestors(span)):
            if ancestor != span.id and ancestor in self._call_ids:
                return self._call_ids[ancestor]
            if self._within_calls.get(ancestor):
                return self._within_calls[ancestor]
        return ""

    def _call_around(self, span: Span) -> str:
        """The call an agent runs within, told by time where the spans are not nested."""
        at = span.start or _NEVER
        self._open_calls = [one for one in self._open_calls if (one[0].end or _NEVER) >= at]
        for call_span, name in reversed(self._open_calls):
            if call_span.end and span.end and span.end <= call_span.end:
                return name
        return ""

    def _ancestors(self, span: Span) -> Iterator[str]:
        seen, parent = 0, span.parent
        while parent and seen < _MAX_ANCESTORS:
            yield parent
            parent, seen = self._parents.get(parent, ""), seen + 1


def _names_its_agent(span: Span) -> bool:
    """Whether a span names its agent, so that its own name need not stand in."""
    return agent_name(span) != span.name


def _failure_of_tool(span: Span, result: Any) -> Failure | None:
    if span.error:
        return Failure(type=span.error, message=span.message)
    text = result if isinstance(result, str) else ""
    return Failure.named("tool_error", text) if is_told_error(span) else None


def _as(base: Message, message: ChatMessage) -> Message:
    return replace(base, role=message.role)


def _event(
    span: Span, kind: str, text: str, base: Message, source: dict[str, Any] | None = None
) -> Event:
    return Event(
        kind=str(kind),
        name=span.name,
        text=text,
        failure=Failure(type=span.error, message=span.message) if span.error else None,
        parent=base.parent,
        agent=base.agent,
        started=span.start,
        ended=span.end,
        span_id=span.id,
        where=base.where,
        source=source or {},
    )


def _framework(scope: str) -> str:
    for prefix in (
        "opentelemetry.instrumentation.",
        "openinference.instrumentation.",
        "@opentelemetry/",
    ):
        scope = scope.removeprefix(prefix)
    return scope
