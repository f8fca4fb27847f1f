"""The messages a model's span carries: what it was given, and what it answered.

Requests repeat all that was said before; `Tape.add_history` keeps what is new.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

from kb.traces.decoding.lenient_json import NotJsonError, arguments_of, decode, embedded
from kb.traces.messages.api_reply import all_of, reply_of
from kb.traces.messages.blocks import an_object
from kb.traces.messages.dialects import chat_message_of, chat_messages_of
from kb.traces.messages.model_requests import is_number, request_of, tools_of
from kb.traces.normalize.chat_message import ChatMessage, ToolCallRequest, joined
from kb.traces.run import Request, ToolDefinition
from kb.traces.spans.span import Span

_USAGE = {
    "input_tokens": (
        "gen_ai.usage.input_tokens",
        "gen_ai.usage.prompt_tokens",
        "llm.token_count.prompt",
        "llm.usage.prompt_tokens",
        "ai.usage.promptTokens",
        "ai.usage.inputTokens",
    ),
    "output_tokens": (
        "gen_ai.usage.output_tokens",
        "gen_ai.usage.completion_tokens",
        "llm.token_count.completion",
        "llm.usage.completion_tokens",
        "ai.usage.completionTokens",
        "ai.usage.outputTokens",
    ),
    "cached_tokens": (
        "gen_ai.usage.cache_read.input_tokens",
        "gen_ai.usage.cache_read_input_tokens",
        "llm.token_count.prompt_details.cache_read",
        "ai.usage.cachedInputTokens",
    ),
}
_COSTS = ("operation.cost", "llm.cost.total", "gen_ai.usage.cost", "gen_ai.usage.total_cost")
_MODELS = ("gen_ai.response.model", "ai.response.model", "llm.response.model", "llm.model_name")
#: Where the model stands that was asked, if the parameters of the request do not name it.
_ASKED_MODELS = ("llm.model_name", "ai.model.id", "llm.request.model", "model_name")
_PROVIDERS = ("gen_ai.provider.name", "gen_ai.system", "llm.provider", "llm.system")
_INPUTS = ("gen_ai.input.messages", "ai.prompt.messages", "gen_ai.prompt", "llm.prompts")
_OUTPUTS = (
    *("gen_ai.output.messages", "gen_ai.completion", "llm.completions"),
    "gen_ai.response.content",
)
_TOOLS = ("gen_ai.tool.definitions", "ai.prompt.tools", "gen_ai.request.tools")
_EVENT_ROLES = {
    "gen_ai.system.message": "system",
    "gen_ai.user.message": "user",
    "gen_ai.assistant.message": "assistant",
    "gen_ai.tool.message": "tool",
}


def inputs_of(span: Span) -> list[ChatMessage]:
    """The messages a model was given, in order; empty where they were not recorded."""
    attributes = span.attributes
    system = _system(attributes)
    for name in _INPUTS:
        if attributes.get(name):
            return system + _listed(attributes[name])
    for prefix in ("llm.input_messages", "gen_ai.prompt"):
        found = [message for m in _indexed(attributes, prefix) if (message := _flat_message(m))]
        if found:
            return system + joined(found)
    request = _gemini_request(attributes)
    if request:
        told = an_object(request.get("config")).get("system_instruction")
        return ([ChatMessage("system", str(told))] if told else []) + chat_messages_of(
            request.get("contents")
        )
    return system + (_of_events(span, inputs=True) or _of_value(attributes.get("input.value")))


def _gemini_request(attributes: dict[str, Any]) -> dict[str, Any]:
    """A request of Gemini's shape with its settings, {} for none: contents beside a config."""
    request = embedded(attributes.get("gcp.vertex.agent.llm_request"))
    if not (isinstance(request, dict) and request):
        request = an_object(embedded(attributes.get("input.value")))
        request = request if isinstance(request.get("config"), dict) else {}
    return request if "contents" in request else {}


def _system(attributes: dict[str, Any]) -> list[ChatMessage]:
    told = embedded(attributes.get("gen_ai.system_instructions"))
    if isinstance(told, list):
        told = "\n".join(
            message.text
            for part in told
            if (message := chat_message_of({"role": "system", "parts": [part]}))
        )
    return [ChatMessage("system", told)] if isinstance(told, str) and told else []


def _listed(value: Any) -> list[ChatMessage]:
    """Messages in an attribute: JSON of a list, or a list of JSON texts."""
    value = embedded(value)
    return chat_messages_of(
        [embedded(part) for part in value] if isinstance(value, list) else value
    )


def output_of(span: Span) -> ChatMessage | None:
    """What the model answered, None where it was not recorded."""
    attributes = span.attributes
    for name in _OUTPUTS:
        if attributes.get(name):
            return _last(_listed(attributes[name]))
    for prefix in ("llm.output_messages", "gen_ai.completion"):
        found = [message for m in _indexed(attributes, prefix) if (message := _flat_message(m))]
        if found:
            return _last(joined(found))
    if "ai.response.text" in attributes or "ai.response.toolCalls" in attributes:
        return _vercel(attributes)
    for name in ("gcp.vertex.agent.llm_response", "output.value"):
        reply = words_in(attributes.get(name))
        if reply is not None:
            return reply
    return _last(_of_events(span, inputs=False))


def _last(saids: list[ChatMessage]) -> ChatMessage | None:
    """The answer in a list of messages: the last, with the calls that stand in those before it."""
    asking = [one for one in saids if one.role == "assistant" and one.calls and not one.answers]
    if len(asking) > 1 and asking[-1] is saids[-1]:
        said: ChatMessage | None = all_of(asking)
    else:
        said = saids[-1] if saids else None
    if said is not None and said.role in {"user", "tool"} and not said.answers:
        return ChatMessage(
            "assistant", said.text, said.reasoning, said.parts, said.calls, said.answers
        )
    return said


def words_in(value: Any) -> ChatMessage | None:
    """The answer in an output of any API, None where there are no words in it."""
    reply = reply_of(value)
    if reply is not None:
        return reply.said
    inner = embedded(value)
    if isinstance(inner, dict):  # LlamaIndex: {"text": …}; others: {"message": {…}}
        words = next((inner[key] for key in _ANSWERS if isinstance(inner.get(key), str)), None)
        nested = chat_message_of(inner.get("message"))
        return ChatMessage("assistant", words) if isinstance(words, str) and words else nested
    if isinstance(inner, list):
        return _last(chat_messages_of(inner))
    return ChatMessage("assistant", inner) if isinstance(inner, str) and inner else None


#: Under which an answer stands as one text.
_ANSWERS = ("text", "generated_text", "output", "answer", "response", "result", "final_output")


def _vercel(attributes: dict[str, Any]) -> ChatMessage:
    calls = embedded(attributes.get("ai.response.toolCalls"))
    asked = (
        ToolCallRequest(
            str(c.get("toolName")),
            arguments_of(c.get("args", c.get("input"))),
            str(c.get("toolCallId") or ""),
        )
        for c in (calls if isinstance(calls, list) else ())
        if isinstance(c, dict)
    )
    return ChatMessage(
        "assistant", str(attributes.get("ai.response.text") or ""), calls=tuple(asked)
    )


def _of_value(value: Any) -> list[ChatMessage]:
    """Messages in OpenInference's `input.value`: JSON with messages, a prompt, or plain text."""
    inner = _bare(value)
    if isinstance(inner, dict):
        if isinstance(inner.get("messages"), list) and all(
            isinstance(m, str) for m in inner["messages"]
        ):
            return []  # smolagents: Python reprs of what the flat attributes hold
        if isinstance(inner.get("args"), list):  # Langfuse: what a decorated function was given
            return _of_arguments(inner)
        prompt = next((inner[k] for k in _REQUESTS if isinstance(inner.get(k), str)), "")
        return chat_messages_of(inner) or ([ChatMessage("user", prompt)] if prompt else [])
    return chat_messages_of(inner)


def _bare(value: Any) -> Any:
    """The value with its layers of JSON text taken off: some exporters encode it twice."""
    if isinstance(value, str) and value[:2] in {'"{', '"['}:
        with suppress(NotJsonError):
            value = decode(value)
    return embedded(value)


#: Under which a request stands as one text.
_REQUESTS = (
    *("prompt", "question", "query", "task", "user_input", "user_message", "contents"),
    *("input", "request"),
)


def _of_arguments(fields: dict[str, Any]) -> list[ChatMessage]:
    """The first argument that is words or messages, of those by place and those by name."""
    by_name = fields.get("kwargs")
    values = [*fields["args"], *(by_name.values() if isinstance(by_name, dict) else ())]
    return next((saids for value in values if (saids := request_messages(value))), [])


def request_messages(value: Any) -> list[ChatMessage]:
    """What was asked for, as an input that is no list of a model's messages tells it."""
    return [message for message in _of_value(value) if message.has_words]


def _of_events(span: Span, *, inputs: bool) -> list[ChatMessage]:
    """Messages in the events of a span: the way of the conventions before 1.37, and of details."""
    found: list[ChatMessage] = []
    for event in span.events:
        name, attributes = event["name"], event["attributes"]
        if name == "gen_ai.client.inference.operation.details":
            found += _listed(attributes.get(_INPUTS[0] if inputs else _OUTPUTS[0]) or [])
        elif (name in _EVENT_ROLES) is inputs and (inputs or name == "gen_ai.choice"):
            message = _event_message(attributes, _EVENT_ROLES.get(name, "assistant"))
            found += [message] if message else []
    return found


def _event_message(attributes: dict[str, Any], role: str) -> ChatMessage | None:
    message = embedded(attributes.get("message"))
    value = {**attributes, **message} if isinstance(message, dict) else attributes
    content = embedded(value.get("content", message if isinstance(message, str | list) else None))
    tools = embedded(value.get("tool_calls"))
    answered = {"tool_call_id": value.get("id")} if role == "tool" else {}
    return chat_message_of(
        {**value, "role": role, "content": content, "tool_calls": tools, **answered}
    )


def _indexed(attributes: dict[str, Any], prefix: str) -> list[dict[str, Any]]:
    """The flattened list under a prefix, as a list again: 10 comes after 2."""
    rows: dict[int, dict[str, Any]] = {}
    beginning = prefix + "."
    for key, value in attributes.items():
        if key.startswith(beginning):
            number, _, rest = key[len(beginning) :].partition(".")
            if number.isdigit() and rest:
                rows.setdefault(int(number), {})[rest] = value
    return [rows[number] for number in sorted(rows)]


def _flat_message(flat: dict[str, Any]) -> ChatMessage | None:
    """A message whose fields are flattened: OpenInference's, or the early conventions'."""
    flat = {key.removeprefix("message."): value for key, value in flat.items()}
    message = {key: value for key, value in flat.items() if "." not in key}
    contents = [
        {key.removeprefix("message_content."): value for key, value in row.items()}
        for row in _indexed(flat, "contents")
    ]
    calls = [
        {key.removeprefix("tool_call."): value for key, value in row.items()}
        for row in _indexed(flat, "tool_calls")
    ]
    message["tool_calls"] = [_flat_call(call) for call in calls]
    contents = contents or _flat_contents(flat)
    if contents:
        message["content"] = contents
    elif isinstance(message.get("content"), str):
        message["content"] = _blocks(message["content"])
    return chat_message_of({"role": "assistant", "content": "", **message})


def _flat_contents(flat: dict[str, Any]) -> list[Any]:
    """The pieces of a content that was flattened like any list: `content.0`, `content.1.text`."""
    pieces = {
        int(number): value
        for key, value in flat.items()
        if (number := key.removeprefix("content.")) != key and number.isdigit()
    }
    rows = _indexed(flat, "content")
    return [pieces[number] for number in sorted(pieces)] or rows


def _flat_call(call: dict[str, Any]) -> dict[str, Any]:
    name = call.get("function.name", call.get("name"))
    arguments = call.get("function.arguments", call.get("arguments"))
    return {"id": call.get("id"), "name": name, "arguments": arguments}


def _blocks(content: str) -> Any:
    """Content that is a JSON list of typed blocks, decoded; any other text as it is."""
    if not content.startswith("["):
        return content
    try:
        blocks = decode(content)
    except NotJsonError:
        return content
    typed = all(isinstance(block, dict) and "type" in block for block in blocks)
    return blocks if blocks and typed else content


def tools_offered(span: Span) -> list[ToolDefinition]:
    """The tools a model was offered."""
    attributes = span.attributes
    for name in _TOOLS:
        if attributes.get(name):
            value = embedded(attributes[name])
            return tools_of(
                [embedded(part) for part in value] if isinstance(value, list) else value
            )
    schemas = [row.get("tool.json_schema") for row in _indexed(attributes, "llm.tools")]
    flat: list[Any] = schemas or list(_indexed(attributes, "llm.request.functions"))
    parameters = embedded(attributes.get("model_request_parameters"))
    if not flat and isinstance(parameters, dict):
        flat = parameters.get("function_tools") or []
    config = an_object(_gemini_request(attributes).get("config"))
    flat = flat or config.get("tools") or []
    return tools_of(flat)


def request_in(span: Span) -> Request:
    """The model asked and its sampling."""
    attributes = span.attributes
    parameters = embedded(attributes.get("llm.invocation_parameters"))
    values = dict(parameters) if isinstance(parameters, dict) else {}
    for key, value in attributes.items():
        if key.startswith("gen_ai.request."):
            values[key.removeprefix("gen_ai.request.")] = value
    values["model"] = values.get("model") or next(
        (attributes[name] for name in _ASKED_MODELS if attributes.get(name)), None
    )
    provider = next((str(attributes[name]) for name in _PROVIDERS if attributes.get(name)), "")
    return request_of(values, provider)


def usage_in(span: Span) -> dict[str, Any]:
    """Model, tokens and cost of one answer, by the names `Message` has for them."""
    attributes = span.attributes
    found: dict[str, Any] = {
        field: int(attributes[name])
        for field, names in _USAGE.items()
        for name in reversed(names)
        if is_number(attributes.get(name))
    }
    cost = next((attributes[name] for name in _COSTS if is_number(attributes.get(name))), None)
    if cost is not None:
        found["cost_usd"] = float(cost)
    model = next((attributes[name] for name in _MODELS if attributes.get(name)), "")
    return found | {"model": str(model)}


_READ_NAMES = frozenset({
    *_INPUTS, *_OUTPUTS, *_TOOLS, *_MODELS, *_COSTS, "input.value", "output.value",
    "gen_ai.system_instructions", "gcp.vertex.agent.llm_request", "input.mime_type",
    "gcp.vertex.agent.llm_response", "model_request_parameters", "output.mime_type",
    "llm.invocation_parameters", "ai.response.text", "ai.response.toolCalls",
    "gen_ai.system", "gen_ai.provider.name", "gen_ai.operation.name", "gen_ai.agent.name",
    "gen_ai.conversation.id", "gen_ai.response.finish_reasons", "gen_ai.response.id",
    "llm.system", "llm.provider", "openinference.span.kind", "traceloop.span.kind",
    "pydantic_ai.all_messages", "all_messages_events", "logfire.json_schema", "ai.prompt",
})  # fmt: skip
_READ_PREFIXES = (
    "llm.input_messages.", "llm.output_messages.", "gen_ai.prompt.", "gen_ai.completion.",
    "llm.tools.", "llm.request.functions.", "gen_ai.request.", "gen_ai.usage.",
    "llm.token_count.",
)  # fmt: skip


def read_names(attributes: dict[str, Any]) -> Iterator[str]:
    """The attributes that were read above; all others are kept as they are."""
    for name in attributes:
        if name in _READ_NAMES or name.startswith(_READ_PREFIXES):
            yield name
