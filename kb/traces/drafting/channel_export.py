"""Dated lines of a chat export or of a text with times.

Read are Slack exports, JSON or JSON lines with a time and a text, and texts whose lines begin with
a time. Who said it is left out; secrets and personal data are replaced before anything is kept.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from kb.errors import KbError
from kb.safe_files import read_named
from kb.traces.decoding.lenient import NotJsonError, decode
from kb.traces.decoding.times import time_of
from kb.traces.redaction.redact import Redactor


@dataclass(frozen=True)
class Candidate:
    """One dated line: when, what, and where it comes from (`the channel`, `Git, 4f2a91c`)."""

    at: datetime
    text: str
    source: str


_SOURCE = "the channel"
_MAX_BYTES = 20_000_000
_TIME_KEYS = ("ts", "timestamp", "time", "created_at", "createdAt", "date", "createdDateTime")
_TEXT_KEYS = ("text", "content", "message", "body")
_LISTS = ("messages", "value", "items")
_PERSON = re.compile(r"<@[A-Z0-9|\w.-]+>|(?<![\w.])@[\w.-]+")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
#: `2026-04-15 08:20 UTC — text`, `[08:20] name: text`, `[2026-04-15T08:20:11Z] text`.
_LINE = re.compile(
    r"\s*+[-*]?+\s*+\[?(?P<day>\d{4}-\d{2}-\d{2})?[T ]?(?P<time>\d{1,2}:\d{2}(?::\d{2})?(?:\.\d+)?)"
    r"\s*(?P<zone>UTC|GMT|Z|[+-]\d{2}:?\d{2})?\]?[\s,—–:-]*(?P<text>.*)$"
)
_SPEAKER = re.compile(r"^[\w .'’()-]{1,40}:\s+")


def read_channel(
    path: Path, day: date | None, allow: tuple[str, ...] = ()
) -> tuple[Candidate, ...]:
    """The dated lines of an export, oldest first.

    `day` is the UTC day of lines that give only a time. Times without a zone are taken as UTC.
    Raises `KbError` when the file cannot be read or holds no dated line.
    """
    try:
        text = read_named(path, _MAX_BYTES).decode("utf-8-sig", errors="replace")
    except OSError as error:
        raise KbError(f"cannot be read: {error.strerror}", where=str(path)) from error
    said = sorted(_messages(text) or _lines(text, day))
    if not said:
        raise KbError(
            "holds no dated line",
            where=str(path),
            todo="Export it as JSON, or write lines such as '2026-04-15 08:20 UTC — text'.",
        )
    return tuple(_candidates(said, allow))


def _candidates(said: list[tuple[datetime, str]], allow: tuple[str, ...]) -> Iterator[Candidate]:
    """The lines redacted: all are looked at before the first is rewritten."""
    redactor = Redactor(None, allow)
    texts = [_PERSON.sub("@someone", text) for _, text in said]
    for text in texts:
        redactor.look(text)
    for (at, _), text in zip(said, texts, strict=True):
        yield Candidate(at, redactor.rewrite(text), _SOURCE)


def _messages(text: str) -> list[tuple[datetime, str]]:
    """The messages of a JSON export; none where the text is no JSON."""
    if text.lstrip()[:1] not in {"{", "["}:
        return []
    try:
        return list(_found(decode(text)))
    except NotJsonError:
        return [pair for line in text.splitlines() for pair in _of_json_line(line)]


def _of_json_line(line: str) -> Iterator[tuple[datetime, str]]:
    try:
        yield from _found(decode(line))
    except NotJsonError:
        return


def _found(value: Any) -> Iterator[tuple[datetime, str]]:
    if isinstance(value, list):
        for part in value:
            yield from _found(part)
    elif isinstance(value, dict):
        at = next((t for key in _TIME_KEYS if (t := _time(value.get(key)))), None)
        said = next((s for key in _TEXT_KEYS if (s := _said(value.get(key)))), "")
        if at and said:
            yield at, said
        for key in _LISTS:
            yield from _found(value.get(key)) if isinstance(value.get(key), list) else ()


def _time(value: Any) -> datetime | None:
    """The time of a message; Slack writes seconds as text, `1776241200.000200`."""
    if isinstance(value, str) and re.fullmatch(r"\d{9,11}\.\d+", value):
        return time_of(float(value))
    return time_of(value)


def _said(value: Any) -> str:
    if isinstance(value, dict):
        value = value.get("content") or value.get("text")
    return value.strip() if isinstance(value, str) else ""


def _lines(text: str, day: date | None) -> list[tuple[datetime, str]]:
    """The dated lines of a text; a line that is a day alone dates those that follow."""
    found = []
    for line in text.splitlines():
        match = _LINE.match(line)
        if match is None:
            named = _DAY.search(line)
            day = _day(named[0]) or day if named else day
            continue
        at = _at(match, day)
        said = _SPEAKER.sub("", match["text"]).strip()
        if at is not None and said:
            found.append((at, said))
    return found


def _at(match: re.Match[str], day: date | None) -> datetime | None:
    on = _day(match["day"]) if match["day"] else day
    if on is None:
        return None
    zone = (match["zone"] or "UTC").replace("UTC", "+00:00").replace("GMT", "+00:00")
    time = match["time"].zfill(len("00:00") if match["time"].count(":") == 1 else 8)
    try:
        return datetime.fromisoformat(f"{on}T{time}{zone}").astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
