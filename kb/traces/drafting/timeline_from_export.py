"""Dated lines of a chat export, of an incident tool's export, or of a text with times.

Read are Slack exports, JSON or JSON lines with a time and a text, incidents of PagerDuty,
incident.io and FireHydrant, and texts whose lines begin with a time or stand below a name and a
time, as chats are pasted. Who said it is left out; secrets and personal data are replaced before
anything is kept. A clock time is nobody's until its zone is known: it is never taken as UTC.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from pathlib import Path
from typing import Any

from kb.errors import KbError
from kb.safe_files import read_named
from kb.traces.decoding.lenient_json import NotJsonError, decode, text_of
from kb.traces.decoding.timestamps import has_zone, time_of
from kb.traces.drafting.timeline_from_incident_tool import incident_export
from kb.traces.drafting.timeline_from_pasted_text import PastedLine, spoken_lines
from kb.traces.redaction import Redactor, safe_text


@dataclass(frozen=True)
class TimelineCandidate:
    """One dated line: when, what, and where it comes from (`the channel`, `Git, 4f2a91c`)."""

    at: datetime
    text: str
    source: str


@dataclass(frozen=True)
class ChannelReading:
    """What an export tells: dated lines, oldest first, and clocks that an incident tool set.

    `left_out` counts messages that are no lines by why they are none.
    """

    candidates: tuple[TimelineCandidate, ...] = ()
    clocks: Mapping[str, datetime] = field(default_factory=dict)
    left_out: Mapping[str, int] = field(default_factory=dict)


_SOURCE = "the channel"
_MAX_BYTES = 20_000_000
_TIME_KEYS = ("ts", "timestamp", "time", "created_at", "createdAt", "date", "createdDateTime")
_TEXT_KEYS = ("text", "content", "message", "body")
_LISTS = ("messages", "value", "items")
_PERSON = re.compile(r"<@[A-Z0-9|\w.-]+>|(?<![\w.])@[\w.-]+")
#: Slack's messages about the channel itself.
_ABOUT_CHANNEL = re.compile(
    r"(?:channel|group)_(?:join|leave|archive|unarchive|name|posting_permissions|convert\w*)"
    r"|bot_(?:add|remove)|tombstone|reminder_add|huddle_thread"
)
_OFFSET = re.compile(r"(?P<sign>[+-])(?P<hours>\d{2}):?(?P<minutes>\d{2})")


def read_channel(
    path: Path, day: date | None, allow: tuple[str, ...] = (), zone: str = ""
) -> ChannelReading:
    """The dated lines of an export, oldest first.

    `day` is the day of lines that give only a time, `zone` the one of times that name none: UTC,
    an offset, or a name such as Europe/Berlin. Raises `KbError` when the file cannot be read,
    holds no dated line, or gives times without a zone and none is named.
    """
    try:
        text = text_of(read_named(path, _MAX_BYTES))
    except OSError as error:
        raise KbError(f"cannot be read: {error.strerror}", where=str(path)) from error
    clock = _Zone(path, zone_of(zone))
    values = _values(text)
    export = incident_export(values)
    left_out: Counter[str] = Counter()
    parts = list(export.lines) or [
        (clock.utc(one.at, one.is_utc, one.where, one.shown), one.text)
        for one in (_dated_messages(values, left_out) if values else spoken_lines(text, day))
    ]
    if not parts:
        raise _no_line(path, text, day)
    told = tuple(_candidates(sorted(parts), allow, export.tool or _SOURCE))
    return ChannelReading(told, dict(export.clocks), dict(left_out))


def _no_line(path: Path, text: str, day: date | None) -> KbError:
    if day is None and any(True for _ in spoken_lines(text, date(2000, 1, 1))):
        todo = "Name the day of its times: --date YYYY-MM-DD."
        return KbError("gives times and no day", where=str(path), todo=todo)
    return KbError(
        "holds no dated line",
        where=str(path),
        todo="Export it as JSON, or write lines such as '2026-04-15 08:20 UTC — text'.",
    )


def zone_of(name: str) -> tzinfo | None:
    """The zone of a name or an offset, None for no name. Raises `KbError` for what is none."""
    if not name:
        return None
    if name.upper() in {"UTC", "GMT", "Z"}:
        return UTC
    match = _OFFSET.fullmatch(name)
    try:
        if match is not None:
            ahead = timedelta(hours=int(match["hours"]), minutes=int(match["minutes"]))
            return timezone(ahead if match["sign"] == "+" else -ahead)
        from zoneinfo import ZoneInfo

        return ZoneInfo(name)
    except (ValueError, OSError, LookupError) as error:
        todo = "Name it as UTC, as an offset (+02:00), or as a place (Europe/Berlin)."
        raise KbError(f"'{name}' is no time zone", todo=todo) from error


@dataclass(frozen=True)
class _Zone:
    """The zone of times that name none, where somebody named it."""

    path: Path
    zone: tzinfo | None

    def utc(self, at: datetime, is_utc: bool, where: str, shown: str) -> datetime:
        """The time in UTC. Raises `KbError` where nobody knows its zone."""
        if is_utc:
            return at.astimezone(UTC)
        if self.zone is None:
            what = f"gives clock times without a zone ({safe_text(shown)[:40]!r}, {where})"
            todo = "Say whose clock it is: --zone UTC, --zone +02:00 or --zone Europe/Berlin."
            raise KbError(what, where=str(self.path), todo=todo)
        return at.replace(tzinfo=self.zone).astimezone(UTC)


def _candidates(
    parts: list[tuple[datetime, str]], allow: tuple[str, ...], source: str
) -> Iterator[TimelineCandidate]:
    """The lines redacted: all are looked at before the first is rewritten."""
    redactor = Redactor(None, allow)
    texts = [_PERSON.sub("@someone", text) for _, text in parts]
    for text in texts:
        redactor.look(text)
    for (at, _), text in zip(parts, texts, strict=True):
        yield TimelineCandidate(at, redactor.rewrite(text), source)


def _values(text: str) -> list[Any]:
    """The values of a JSON export, or of JSON lines; none where the text is neither."""
    if text.lstrip()[:1] not in {"{", "["}:
        return []
    try:
        return [decode(text)]
    except NotJsonError:
        return [value for line in text.splitlines() for value in _of_json_line(line)]


def _of_json_line(line: str) -> Iterator[Any]:
    try:
        yield decode(line)
    except NotJsonError:
        return


def _dated_messages(value: Any, left_out: Counter[str]) -> Iterator[PastedLine]:
    """The messages in an export, with the times they were said at."""
    if isinstance(value, list):
        for part in value:
            yield from _dated_messages(part, left_out)
        return
    if not isinstance(value, dict):
        return
    written = next((value[key] for key in _TIME_KEYS if _time(value.get(key))), None)
    at = _time(written)
    if at is not None:
        words = _words(value)
        subtype = value.get("subtype")
        if isinstance(subtype, str) and _ABOUT_CHANNEL.fullmatch(subtype):
            left_out["about the channel itself (joins, leaves)"] += 1
        elif words:
            yield PastedLine(at, words, has_zone(written), "a message", str(written))
        else:
            left_out["without words"] += 1
    for key in _LISTS:
        yield from (
            _dated_messages(value.get(key), left_out) if isinstance(value.get(key), list) else ()
        )


def _time(value: Any) -> datetime | None:
    """The time of a message; Slack writes seconds as text, `1776241200.000200`."""
    if isinstance(value, str) and re.fullmatch(r"\d{9,11}\.\d+", value):
        return time_of(float(value))
    return time_of(value)


def _words(message: dict[str, Any]) -> str:
    """What a message says: its text, else the words of its blocks, then of its attachments.

    Bots say nothing in the text, and everything in what is attached to it.
    """
    own = next((text for key in _TEXT_KEYS if (text := _message_text(message.get(key)))), "")
    parts = [own or _of_block(message.get("blocks"))]
    for attached in _objects(message.get("attachments")):
        parts.append(_of_attachment(attached))
    return " · ".join(dict.fromkeys(part for part in parts if part))


def _of_attachment(attached: dict[str, Any]) -> str:
    keys = ("pretext", "title", "text")
    parts = [_message_text(attached.get(key)) for key in keys] + [_of_block(attached.get("blocks"))]
    for row in _objects(attached.get("fields")):
        named = [_message_text(row.get(key)) for key in ("title", "value")]
        parts.append(": ".join(part for part in named if part))
    words = [part for part in parts if part]
    return " · ".join(words) or _message_text(attached.get("fallback"))


def _of_block(block: Any) -> str:
    """The words of Slack's blocks, in their order: headers, sections, fields, rich text."""
    if isinstance(block, list):
        return " · ".join(text for part in block if (text := _of_block(part)))
    if not isinstance(block, dict):
        return ""
    if isinstance(block.get("text"), str):
        return str(block["text"]).strip()
    if str(block.get("type", "")).startswith("rich_text_"):
        elements = block.get("elements")
        return "".join(_of_element(one) for one in elements) if isinstance(elements, list) else ""
    inner = (block.get(key) for key in ("text", "fields", "elements"))
    return " · ".join(text for part in inner if (text := _of_block(part)))


def _of_element(element: Any) -> str:
    if not isinstance(element, dict):
        return ""
    if element.get("type") in {"user", "usergroup", "broadcast"}:
        return "@someone"
    return str(element.get("text") or element.get("url") or _of_block(element))


def _objects(value: Any) -> list[dict[str, Any]]:
    return [part for part in value if isinstance(part, dict)] if isinstance(value, list) else []


def _message_text(value: Any) -> str:
    if isinstance(value, dict):
        value = value.get("content") or value.get("text")
    return value.strip() if isinstance(value, str) else ""
