"""The lines of a text that somebody wrote with times, or pasted from a chat."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from typing import NamedTuple


class PastedLine(NamedTuple):
    """A line, its time as it was written, and whether that says where it was."""

    at: datetime
    text: str
    is_utc: bool
    where: str
    shown: str


#: Abbreviations that stand for one offset only, in hours.
_ABBREVIATED = {"UTC": 0, "GMT": 0, "Z": 0, "EST": -5, "EDT": -4, "CDT": -5, "MST": -7, "MDT": -6}
_ABBREVIATED |= {"PST": -8, "PDT": -7, "CET": 1, "CEST": 2, "EET": 2, "EEST": 3}
_ZONE = rf"(?P<zone>(?:{'|'.join(sorted(_ABBREVIATED, reverse=True))})\b|[+-]\d{{2}}:?\d{{2}})?"
_TIME = r"(?P<time>\d{1,2}:\d{2}(?::\d{2})?(?:\.\d+)?)[ \u202f]?(?P<half>[AaPp]\.?[Mm]\.?)?"
#: `2026-04-15 08:20 UTC — text`, `[08:20] name: text`, `[2026-04-15T08:20:11Z] text`.
_LINE = re.compile(
    rf"\s*+[-*]?+\s*+\[?(?P<day>\d{{4}}-\d{{2}}-\d{{2}})?[T ]?{_TIME}\s*{_ZONE}\]?"
    r"[\s,—–:-]*(?P<text>.*)$"
)
#: `Jane Doe  1:00 AM`, `PagerDuty APP  [13:05]`: what was said follows on lines of its own.
_HEAD = re.compile(
    rf"\s*+\S.{{0,60}}?(?:\s{{2,}}|\t|\s(?=\[)|(?<=APP)\s)\[?{_TIME}\s*{_ZONE}\]?\s*$"
)
_NAME_AND_HALF = re.compile(rf"\s*+[^\d\s].{{0,60}}?\s{_TIME}\s*{_ZONE}\s*$")
_SPEAKER = re.compile(r"^[\w .'’()-]{1,40}:\s+")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
#: `Wednesday, April 15th`, `April 15, 2026`, `15 April 2026`: a day alone on a line.
_DAY_IN_WORDS = re.compile(
    r"\W*(?:\w{3,9}day,?\s+)?(?:(?P<month>[A-Za-z]{3,9})\.?\s+(?P<number>\d{1,2})(?:st|nd|rd|th)?"
    r"|(?P<number_first>\d{1,2})\.?\s+(?P<month_last>[A-Za-z]{3,9}))(?:,?\s+(?P<year>\d{4}))?\W*"
)
_ALL_UTC = re.compile(r"\b(?:all )?times?\b.{0,20}\b(?:UTC|GMT)\b", re.IGNORECASE)
_NOON = 12


def spoken_lines(text: str, day: date | None) -> Iterator[PastedLine]:
    """The dated lines of a text; a line that is a day alone dates those that follow.

    Where a line has a name and a time only, what was said are the lines up to the next time.
    `day` dates the times before any day; without one they are no dated lines.
    """
    reader = _Reader(day)
    for number, line in enumerate(text.splitlines(), 1):
        yield from reader.take(line, number)
    yield from reader.finished()


class _Reader:
    def __init__(self, day: date | None) -> None:
        self._day = day
        self._all_utc = False
        self._half = ""
        self._head: PastedLine | None = None
        self._words: list[str] = []

    def take(self, line: str, number: int) -> Iterator[PastedLine]:
        """What of a line ends a message, or is one by itself."""
        self._all_utc = self._all_utc or _ALL_UTC.search(line) is not None
        head = _head_of(line)
        match = head or _LINE.match(line)
        if match is None:
            if day := _day_of(line, self._day):
                yield from self.finished()
                self._day = day
            elif self._head is not None and line.strip():
                self._words.append(line.strip())
            return
        yield from self.finished()
        said = self._said(match, line, number)
        if said is None:
            return
        if head is None and said.text:
            yield said
        else:
            self._head = said

    def finished(self) -> Iterator[PastedLine]:
        """The message whose words stood on lines of their own."""
        if self._head is not None and self._words:
            yield self._head._replace(text=" ".join(self._words))
        self._head, self._words = None, []

    def _said(self, match: re.Match[str], line: str, number: int) -> PastedLine | None:
        named = match.groupdict()
        day = _iso(named["day"]) if named.get("day") else self._day
        half = (match["half"] or "").replace(".", "").upper()
        if half:
            self._half = half
        at = _moment_at(day, match["time"], half or ("" if named.get("day") else self._half))
        if at is None:
            return None
        zone = match["zone"] or ("UTC" if self._all_utc else "")
        if zone:
            at = at.replace(tzinfo=_zone(zone)).astimezone(UTC)
        text = _SPEAKER.sub("", named.get("text") or "").strip()
        shown = f"{match['time']} {half}".strip()
        return PastedLine(at, text, bool(zone), f"line {number}", shown)


def _head_of(line: str) -> re.Match[str] | None:
    """A line that is a name and a time; one with AM or PM needs no wide space between."""
    found = _HEAD.match(line)
    if found is None:
        found = _NAME_AND_HALF.match(line)
        found = found if found and found["half"] else None
    return None if found is None or _LINE.match(line) else found


def _moment_at(day: date | None, written: str, half: str) -> datetime | None:
    if day is None:
        return None
    time = written.zfill(len("00:00") if written.count(":") == 1 else len("00:00:00"))
    try:
        at = datetime.fromisoformat(f"{day}T{time}").replace(tzinfo=UTC)
        if half and 0 < at.hour <= _NOON:
            return at.replace(hour=at.hour % _NOON + (_NOON if half == "PM" else 0))
    except ValueError:
        return None
    return at


def _zone(written: str) -> timezone:
    if written in _ABBREVIATED:
        return timezone(timedelta(hours=_ABBREVIATED[written]))
    sign, digits = written[0], written[1:].replace(":", "")
    ahead = timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return timezone(ahead if sign == "+" else -ahead)


def _day_of(line: str, before: date | None) -> date | None:
    """The day that a line names: written in digits anywhere, or alone in words."""
    named = _DAY.search(line)
    if named:
        return _iso(named[0])
    match = _DAY_IN_WORDS.fullmatch(line)
    if match is None:
        return None
    month = (match["month"] or match["month_last"]).lower()[:3]
    year = int(match["year"]) if match["year"] else before.year if before else None
    if month not in _MONTHS or year is None:
        return None
    try:
        number = int(match["number"] or match["number_first"])
        return date(year, _MONTHS.index(month) + 1, number)
    except ValueError:
        return None


def _iso(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
