"""The whole answer of an API call: words, model, id and usage."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from kb.traces.decoding.lenient_json import embedded
from kb.traces.messages.dialects import chat_message_of, chat_messages_of, is_message
from kb.traces.messages.model_requests import usage_of
from kb.traces.messages.server_sent_events import answer_of_stream, is_stream
from kb.traces.normalize.chat_message import ChatMessage
from kb.traces.run import Message


@dataclass(frozen=True)
class ModelReply:
    """One answer of a model. `request` is what it repeats of the request: tools, sampling."""

    said: ChatMessage
    model: str = ""
    id: str = ""
    usage: dict[str, Any] = field(default_factory=dict)
    request: dict[str, Any] = field(default_factory=dict)

    def onto(self, base: Message) -> dict[str, Any]:
        """What the answer adds to a message that has none of it yet."""
        fields = {"model": self.model, "response_id": self.id, **self.usage}
        return {key: part for key, part in fields.items() if part and not getattr(base, key)}


_USAGES = ("usage", "usage_metadata", "usageMetadata")


def reply_of(value: Any) -> ModelReply | None:
    """The answer in a value of any API: chat completion, Anthropic message, Responses, stream."""
    if isinstance(value, str) and is_stream(value):
        value = answer_of_stream(value)
    value = embedded(value)
    if not isinstance(value, dict):
        return None
    message = _choice_message(value)
    if message is None:
        return None
    model = value.get("model") or value.get("modelVersion") or value.get("model_version")
    reply_id = value.get("id") or value.get("responseId")
    return ModelReply(
        message,
        model if isinstance(model, str) else "",
        reply_id if isinstance(reply_id, str) else "",
        usage_of(next((value[key] for key in _USAGES if value.get(key)), None)),
        value if value.get("object") == "response" else {},
    )


def _choice_message(value: dict[str, Any]) -> ChatMessage | None:
    choices = value.get("choices")
    if isinstance(choices, list) and choices and isinstance(choices[0], dict):
        message = choices[0].get("message")
        finish = choices[0].get("finish_reason")
        return (
            chat_message_of({**message, "finish_reason": finish})
            if isinstance(message, dict)
            else None
        )
    if isinstance(value.get("output"), list):
        saids = chat_messages_of(value["output"])
        return saids[-1] if len(saids) == 1 else all_of(saids)
    generations = value.get("generations")
    while isinstance(generations, list) and generations:  # LangChain: a list for each prompt
        generations = generations[0]
    if isinstance(generations, dict):
        words = generations.get("text")
        chat_message = chat_message_of(generations.get("message"))
        return chat_message or (ChatMessage("assistant", words) if isinstance(words, str) else None)
    if isinstance(value.get("candidates"), list) and value["candidates"]:
        return chat_message_of(value["candidates"][0].get("content"))
    if isinstance(value.get("content"), dict):
        return chat_message_of(value["content"])
    return chat_message_of({"role": "assistant", **value}) if _is_answer(value) else None


def _is_answer(value: dict[str, Any]) -> bool:
    return is_message({"role": "assistant", **value}) and "messages" not in value


def all_of(saids: list[ChatMessage]) -> ChatMessage | None:
    """Several items of one answer as one message."""
    if not saids:
        return None
    return ChatMessage(
        "assistant",
        "\n".join(message.text for message in saids if message.text),
        "\n".join(message.reasoning for message in saids if message.reasoning),
        tuple(part for message in saids for part in message.parts),
        tuple(call for message in saids for call in message.calls),
        tuple(answer for message in saids for answer in message.answers),
    )
