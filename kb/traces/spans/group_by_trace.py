"""The spans of a file grouped by trace, undecoded, in the order of their starts.

For every format that writes one record a span, in any order, of any number of traces: memory is
that of the file's bytes, and of one decoded record.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from kb.traces.decoding.lenient_json import NotJsonError, decode
from kb.traces.decoding.timestamps import time_of
from kb.traces.decoding.trace_source import UNREADABLE, Source
from kb.traces.decoding.undecoded_json import decode_lenient, elements, first_byte, members


class Record(NamedTuple):
    """One record, decoded, with its place and what is said of the group it lies in."""

    value: dict[str, Any]
    where: str
    group: dict[str, Any]
    scope: dict[str, Any]


class _Raw(NamedTuple):
    start: float
    end: float
    raw: Any
    where: str
    group: dict[str, Any]
    scope: dict[str, Any]


#: Keys under which records, or groups of them, lie; the outer ones first.
_GROUPS = (
    "resourceSpans",
    "batches",
    "scopeSpans",
    "instrumentationLibrarySpans",
    "data",
    "traces",
    "observations",
    "spans",
    "post",
    "patch",
    "runs",
    "items",
    "resourceLogs",
    "scopeLogs",
    "logRecords",
)
_TRACE_IDS = ("traceId", "trace_id", "traceID", "context.trace_id")
_STARTS = (
    *("startTimeUnixNano", "start_time", "startTime", "start_time_unix_nano", "started_at"),
    "start_time_ms",
)
_ENDS = (
    *("endTimeUnixNano", "end_time", "endTime", "end_time_unix_nano", "ended_at"),
    "end_time_ms",
)
#: Records that lie in a record: LangSmith's runs, where a client loaded those below.
_CHILDREN = "child_runs"
_ORDER = re.compile(r"[^.Z]{0,40}Z([0-9a-fA-F-]{36})")
#: What is kept of the object that observations lie in.
_OF_GROUP = (
    *("id", "name", "sessionId", "group_id", "workflow_name", "release", "version", "tags"),
    *("userId", "metadata", "input", "output", "timestamp"),
)


def group_by_trace(source: Source) -> Iterator[tuple[str, Iterator[Record]]]:
    """The traces of a file, in the order they first appear, each with its records by start."""
    traces: dict[str, list[_Raw]] = {}
    for where, row in source.raw_rows():
        source.account.turn_to(where)
        for trace_id, raw in _gathered(row, where, source):
            traces.setdefault(trace_id, []).append(raw)
    source.account.turn_away()
    while traces:
        trace_id = next(iter(traces))
        # Of records that start together the one that ends last is the parent.
        in_order = sorted(traces.pop(trace_id), key=lambda raw: (raw.start, -raw.end))
        yield trace_id, _decoded(in_order, source)


def _gathered(row: Any, where: str, source: Source) -> list[tuple[str, _Raw]]:
    """The records of a row of the file, each of them accounted for in its place."""
    found = list(_gather(row, where, {}, {}))
    if not found:
        is_json = decode_lenient(row) is not None
        source.leave_out("rows that hold no records" if is_json else UNREADABLE, where)
    elif [raw.where for _, raw in found] != [where]:
        source.account.divide(*(raw.where for _, raw in found))
    return found


def _gather(
    raw: Any, where: str, group: dict[str, Any], scope: dict[str, Any]
) -> Iterator[tuple[str, _Raw]]:
    parts = members(raw)
    if parts is None:
        for number, element in enumerate(elements(raw)):
            yield from _gather(element, f"{where}[{number}]", group, scope)
        return
    scope = _object(parts, "scope", "instrumentationLibrary") or scope
    keys = [key for key in _GROUPS if _is_list(parts.get(key))]
    if keys:
        group = _object(parts, "resource", "trace") or _said_of(parts) or group
        for key in keys:
            for number, element in enumerate(elements(parts[key])):
                place = f"{key}[{number}]"
                inner = f"{where}, {place}" if where else place
                yield from _gather(element, inner, group, scope)
    elif _is_list(_members_of(parts.get("trace")).get("observations")):
        yield from _gather(parts["trace"], where, group, scope)
    else:
        yield _record(parts, raw, where, group, scope)
        for number, element in enumerate(elements(parts.get(_CHILDREN, b""))):
            inner = f"{where}, {_CHILDREN}[{number}]" if where else f"{_CHILDREN}[{number}]"
            yield from _gather(element, inner, group, scope)


def _record(
    parts: dict[str, Any], raw: Any, where: str, group: dict[str, Any], scope: dict[str, Any]
) -> tuple[str, _Raw]:
    trace_id = _first(parts, *_TRACE_IDS) or _object(parts, "context").get("trace_id")
    if not trace_id and _first(parts, "object") == "trace":
        trace_id = _first(parts, "id")
    if not trace_id and "dotted_order" in parts:
        # LangSmith: the times and ids of all ancestors, the first of which is the trace.
        match = _ORDER.match(str(decode(parts["dotted_order"])))
        trace_id = match[1] if match else None
    start, end = time_of(_first(parts, *_STARTS)), time_of(_first(parts, *_ENDS))
    at = start.timestamp() if start else 0.0
    name = str(trace_id or group.get("id") or "").removeprefix("0x")
    return name, _Raw(at, end.timestamp() if end else at, raw, where, group, scope)


def _is_list(raw: Any) -> bool:
    return raw is not None and first_byte(raw) == b"["


def _object(parts: dict[str, Any], *keys: str) -> dict[str, Any]:
    """A small object that stands beside the records, without the records it may hold itself."""
    inner = next((inner for key in keys if (inner := _members_of(parts.get(key)))), {})
    large = _GROUPS
    return {key: decode(part) for key, part in inner.items() if key not in large}


def _members_of(raw: Any) -> dict[str, Any]:
    return {} if raw is None else members(raw) or {}


def _said_of(parts: dict[str, Any]) -> dict[str, Any]:
    return {key: decode(parts[key]) for key in _OF_GROUP if key in parts}


def _first(parts: dict[str, Any], *keys: str) -> Any:
    return next((decode(parts[key]) for key in keys if key in parts), None)


def _decoded(raws: list[_Raw], source: Source) -> Iterator[Record]:
    for raw in raws:
        source.account.turn_to(raw.where)
        try:
            value = source.decoded(raw.raw, raw.where)
        except NotJsonError:
            source.leave_out("records that cannot be read", raw.where)
            continue
        if isinstance(value, dict):
            yield Record(value, raw.where, raw.group, raw.scope)
    source.account.turn_away()


def start_of(value: dict[str, Any]) -> Any:
    """When a record begins, as it is written."""
    return next((value[key] for key in _STARTS if value.get(key) is not None), None)


def end_of(value: dict[str, Any]) -> Any:
    """When a record ends, as it is written."""
    return next((value[key] for key in _ENDS if value.get(key) is not None), None)
