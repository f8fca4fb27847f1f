"""Calls against the tools' schemas: names and arguments."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from kb.traces.analyses.calls_made import arguments_text, call_text, calls
from kb.traces.analyses.finding import (
    Analysis,
    AnalysisContext,
    FindingBuilder,
    Severity,
    TraceFinding,
)
from kb.traces.run import Run, ToolCall

_NAME = "call-schema"
_MAX_ARGUMENT_CHARACTERS = 200_000
#: Keywords that may cost any time: patterns of a stranger on texts of a stranger.
_COSTLY = ("pattern", "patternProperties", "$ref", "$dynamicRef", "format")


def _examine(run: Run, _: AnalysisContext) -> Iterable[TraceFinding]:
    at, checks = (
        FindingBuilder(_NAME, run),
        {tool.name: _check_of(tool.parameters) for tool in run.state.tools},
    )
    if run.calls and not checks:
        yield at.whole(Severity.NOTE, "the trace holds no tool schemas: no call could be checked")
        return
    for number, call in calls(run):
        # Calls of sub-agents have tools of their own, which the schemas here need not name.
        if call.parent:
            continue
        if call.tool not in checks:
            message = f"{call.tool} is not among the tools that were offered"
            yield at.step(number, Severity.WARNING, message, evidence=call_text(call))
            continue
        for fault in _faults(call, checks[call.tool]):
            severity = Severity.WARNING if call.succeeded else Severity.FAULT
            yield at.step(number, severity, f"{call.tool}: {fault}", evidence=call_text(call))


Check = Callable[[Any], Iterable[str]]


def _check_of(schema: dict[str, Any] | None) -> Check | None:
    """What says what is wrong with arguments, in words; None without a schema that can be used."""
    if not schema:
        return None
    from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
    from jsonschema.exceptions import SchemaError  # type: ignore[import-untyped]

    plain = _without_costly(schema)
    try:
        Draft202012Validator.check_schema(plain)
    except (SchemaError, RecursionError):
        return None
    validator = Draft202012Validator(plain)
    # A property that is missing is one error each, and all of them are told in one.
    return lambda arguments: dict.fromkeys(map(_worded, validator.iter_errors(arguments)))


def _worded(error: Any) -> str:
    place = ".".join(str(part) for part in error.absolute_path)
    text = _in_words(error)
    return f"{place}: {text}" if place else text


def _in_words(error: Any) -> str:
    """The common faults in our words; the library's own for the rest."""
    seen, wanted = error.instance, error.validator_value
    if error.validator == "type":
        kinds = [wanted] if isinstance(wanted, str) else wanted
        return f"{seen!r} is not of type {' or '.join(map(str, kinds))}"
    if error.validator == "required":
        return f"lacks {', '.join(str(name) for name in wanted if name not in seen)}"
    return str(error.message)


def _faults(call: ToolCall, check: Check | None) -> Iterable[str]:
    """What is wrong with the arguments of a call; nothing where that cannot be told."""
    if check is None or len(arguments_text(call.arguments)) > _MAX_ARGUMENT_CHARACTERS:
        return ()
    try:
        return tuple(check({} if call.arguments is None else call.arguments))
    except (RecursionError, TypeError, ValueError):
        return ()


def _without_costly(schema: Any) -> Any:
    if isinstance(schema, dict):
        return {k: _without_costly(v) for k, v in schema.items() if k not in _COSTLY}
    return [_without_costly(part) for part in schema] if isinstance(schema, list) else schema


ANALYSIS = Analysis(_NAME, "Did every call fit the schema of its tool?", _examine)
