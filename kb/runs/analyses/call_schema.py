"""Did the calls fit the tools? Names and arguments against the schemas the trace holds."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from kb.runs.analyses.calls_made import call_text, calls
from kb.runs.analyses.finding import Analysis, At, Context, Finding, Severity
from kb.runs.run import Run, ToolCall

_NAME = "call-schema"
_MAX_ARGUMENT_BYTES = 200_000
#: Keywords that may cost any time: patterns of a stranger on texts of a stranger.
_COSTLY = ("pattern", "patternProperties", "$ref", "$dynamicRef", "format")


def _examine(run: Run, _: Context) -> Iterable[Finding]:
    at, schemas = At(_NAME, run), {tool.name: tool.parameters for tool in run.state.tools}
    if run.calls and not schemas:
        yield at.whole(Severity.NOTE, "the trace holds no tool schemas: no call could be checked")
        return
    for number, call in calls(run):
        # Calls of sub-agents have tools of their own, which the schemas here need not name.
        if call.parent:
            continue
        if call.tool not in schemas:
            message = f"{call.tool} is not among the tools that were offered"
            yield at.step(number, Severity.WARNING, message, evidence=call_text(call))
            continue
        for fault in faults(call, schemas[call.tool]):
            severity = Severity.WARNING if call.succeeded else Severity.FAULT
            yield at.step(number, severity, f"{call.tool}: {fault}", evidence=call_text(call))


def faults(call: ToolCall, schema: dict[str, Any] | None) -> Iterable[str]:
    """What is wrong with the arguments of a call, in words; nothing without a schema."""
    if not schema or len(json.dumps(call.arguments, default=str)) > _MAX_ARGUMENT_BYTES:
        return
    from jsonschema import Draft202012Validator  # type: ignore[import-untyped]
    from jsonschema.exceptions import SchemaError  # type: ignore[import-untyped]

    plain = _without_costly(schema)
    arguments = {} if call.arguments is None else call.arguments
    try:
        Draft202012Validator.check_schema(plain)
        for error in Draft202012Validator(plain).iter_errors(arguments):
            place = ".".join(str(part) for part in error.absolute_path)
            yield f"{place}: {error.message}" if place else error.message
    except (SchemaError, RecursionError, TypeError, ValueError) as error:
        yield f"its schema cannot be used: {str(error).splitlines()[0]}"


def _without_costly(schema: Any) -> Any:
    if isinstance(schema, dict):
        return {k: _without_costly(v) for k, v in schema.items() if k not in _COSTLY}
    return [_without_costly(part) for part in schema] if isinstance(schema, list) else schema


ANALYSIS = Analysis(_NAME, "Did every call fit the schema of its tool?", _examine)
