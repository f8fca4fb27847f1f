"""The format of a file, told from its first values, never from its name."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from kb.errors import KbError
from kb.traces.decoding.trace_source import Source
from kb.traces.importers.importer import Importer
from kb.traces.importers.registry import importers
from kb.traces.importers.unknown_logs import tool_event
from kb.traces.messages.blocks import a_word
from kb.traces.messages.dialects import is_message
from kb.traces.redaction import safe_text

#: Formats that are known and not read: what a value of theirs always has, and their name.
_STRANGERS: tuple[tuple[frozenset[str], str], ...] = (
    (frozenset({"eval", "plan", "version"}), "what an Inspect log says of itself"),
    (frozenset({"epoch", "target", "scores"}), "what an Inspect log says of its samples"),
    (frozenset({"scorer", "samples"}), "scores of an Inspect log"),
    (frozenset({"event_kind", "part"}), "a pydantic-ai event stream"),
    (frozenset({"session_start", "platform", "message_count"}), "a session of Hermes"),
    (frozenset({"protocol_version", "created_at", "type"}), "a session of Kimi"),
    (frozenset({"synthetic_reason", "content"}), "a chat of Grok"),
    (frozenset({"step_index", "source", "status", "created_at"}), "steps of Antigravity"),
    (
        frozenset({"spanContext", "attributes"}),
        "spans of the OpenTelemetry SDK for JavaScript",
    ),
    (frozenset({"resourceMetrics"}), "OTLP metrics, not traces"),
    (frozenset({"resourceLogs"}), "OTLP logs, not traces"),
    (frozenset({"scopeMetrics"}), "OTLP metrics, not traces"),
)
_KEYS_SHOWN = 8


def detect(source: Source, wanted: str = "") -> Importer:
    """The importer of a file; `wanted` names one and is taken at its word.

    Formats are asked one after the other, the most specific first, and the first that is sure is
    taken. Raises `KbError` when there is none: it shows what was seen and lists them.
    """
    rows = importers()
    if wanted:
        return _importer_named(wanted, rows)
    specific = [row for row in rows if not row.occurs_in_others]
    found = _first(specific, source.brief)
    if found is None and len(source.head) > len(source.brief.head):
        found = _first(specific, source)
    if found is None and not _guess(source.head):
        found = _first([row for row in rows if row.occurs_in_others], source)
    if found is None:
        what = f"is in no format that is read: {describe_file(source)}"
        raise KbError(what, where=source.shown, todo=_choices(rows))
    return found


def _first(rows: Iterable[Importer], source: Source) -> Importer | None:
    return next((row for row in rows if row.recognise(source)), None)


def _importer_named(wanted: str, rows: tuple[Importer, ...]) -> Importer:
    row = next((row for row in rows if row.name == wanted.replace("_", "-")), None)
    if row is None:
        raise KbError(f"'{wanted}' is no format", todo=_choices(rows))
    return row


def _choices(rows: tuple[Importer, ...]) -> str:
    lines = "".join(f"\n      {row.name:<14} {row.title}" for row in rows)
    return f"Formats that are read (--format NAME takes one at its word):{lines}"


def describe_file(source: Source) -> str:
    """What a file looks like, in one line: its layout, the keys of its values, and a guess."""
    head = source.head
    keys: dict[str, None] = {}
    for value in head:
        keys |= dict.fromkeys(value if isinstance(value, dict) else ())
    shown = ", ".join(safe_text(key)[:40] for key in list(keys)[:_KEYS_SHOWN])
    more = ", …" if len(keys) > _KEYS_SHOWN else ""
    of = f" with the keys {shown}{more}" if keys else f" of {_kind(head)}"
    guess = _guess(head)
    return f"{source.layout}{of}" + (f"; it looks like {guess}" if guess else "")


def _kind(head: tuple[Any, ...]) -> str:
    kinds = {"list": "lists", "str": "texts", "int": "numbers", "float": "numbers"}
    return kinds.get(type(head[0]).__name__, "other values") if head else "nothing that can be read"


def _format_of_value(value: Any) -> str:
    """A format that shows in a value and not in the keys alone."""
    if not isinstance(value, dict):
        return ""
    kind, message = a_word(value.get("type")), value.get("message")
    if isinstance(message, dict) and "parts" in message and "parentUuid" in value:
        return "a session of Qwen Code"
    is_row = kind in {"user", "assistant"} and isinstance(message, dict) and "sessionId" in value
    return "rows of Claude Code without their ids" if is_row and "uuid" not in value else ""


def _guess(head: tuple[Any, ...]) -> str:
    for value in head:
        keys = value.keys() if isinstance(value, dict) else set()
        for always, name in _STRANGERS:
            if always <= keys:
                return name
    format_name = next((name for value in head if (name := _format_of_value(value))), "")
    if format_name:
        return format_name
    event = next(
        (event for value in head if not is_message(value) and (event := tool_event(value))), ""
    )
    return f"a log of events ({event})" if event else ""
