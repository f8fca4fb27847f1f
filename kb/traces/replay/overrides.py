"""Asserts and answers that people add to a fixture because the trace does not hold them.

A file beside the fixture, TOML or JSON:

    [[asserts]]
    claim = "invoice 7781 is charged at most once"
    path = '$.calls[?@.tool == "charge" && @.arguments.invoice == "7781"]'
    operator = "count"
    value = [0, 1]

    [[answers]]
    tool = "read_ledger"
    arguments = { invoice = "7781" }
    result = '[{"amount_usd": 120, "state": "committed"}]'
"""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any, Literal

import msgspec
from msgspec.structs import replace

from kb.errors import KbError
from kb.safe_files import read_named
from kb.traces.run import Effect, EffectSource, OutcomeAssert, Ran, Run, ToolCall, Treatment

_MAX_BYTES = 10_000_000


class _Assert(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    claim: str
    path: str
    operator: Literal[
        "==", "!=", "<", "<=", ">", ">=", "contains", "matches", "exists", "count"
    ] = "=="
    value: Any = None


class _Answer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    tool: str
    arguments: Any = None
    result: Any = None


class ReplayOverrides(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a file of that kind holds."""

    asserts: tuple[_Assert, ...] = ()
    answers: tuple[_Answer, ...] = ()


def read_known(path: Path) -> ReplayOverrides:
    """The asserts and answers of a file. Raises `KbError` when it is no such file."""
    try:
        raw = read_named(path, _MAX_BYTES)
        text = raw.decode("utf-8-sig")
        value = json.loads(text) if path.suffix == ".json" else tomllib.loads(text)
        return msgspec.convert(value, ReplayOverrides)
    except OSError as error:
        raise KbError(f"cannot be read: {error.strerror}", where=str(path)) from error
    except (ValueError, RecursionError) as error:  # JSON, TOML, UTF-8 and msgspec errors are these
        raise KbError(
            f"cannot be read: {error}",
            where=str(path),
            todo="Write [[asserts]] and [[answers]] into it; see docs/replay.md.",
        ) from error


def with_known(run: Run, known: ReplayOverrides) -> Run:
    """The run with what people know: asserts of the same claim and answers of a call replaced."""
    asserts = {each.claim: each for each in run.asserts}
    for new in known.asserts:
        asserts[new.claim] = OutcomeAssert(
            claim=new.claim, path=new.path, operator=new.operator, value=new.value
        )
    lookups = tuple(_lookup(answer, number) for number, answer in enumerate(known.answers, 1))
    kept = tuple(c for c in run.lookups if not any(_same(c, new) for new in lookups))
    return replace(run, asserts=tuple(asserts.values()), lookups=(*kept, *lookups))


def _lookup(answer: _Answer, number: int) -> ToolCall:
    return ToolCall(
        tool=answer.tool,
        id=f"lookup-{number}",
        arguments={} if answer.arguments is None else answer.arguments,
        result=answer.result,
        effect=Effect.READ,
        effect_source=EffectSource.NOBODY,
        ran=Ran.NO,
        replay=Treatment.MOCK,
    )


def _same(one: ToolCall, other: ToolCall) -> bool:
    return (one.tool, one.arguments) == (other.tool, other.arguments)
