"""The dated lines of a timeline, in the forms people give them.

    - 2026-04-12 14:02 UTC — first duplicate refund posted [impact]
    | 14:02 UTC | first duplicate refund posted |
    First impact: 12 April 2026, 2:02 pm UTC
    ### 12 April

Lists, tables, headings, plain lines and lines `Label: time` are read. A day may stand in a heading
above, a zone in the section's heading. What leaves the day or the hour open is kept as text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta, timezone

from msgspec import Struct
from msgspec.structs import replace

from kb.lazy_regex import regex
from kb.records.action_and_prior_items import ANY_ITEM, Item, read_date, read_items
from kb.records.markdown import (
    Line,
    bold_heading,
    is_plain_fence,
    read_heading,
    without_tags,
)
from kb.records.tables import Table, TableRow, read_tables
from kb.records.written_dates import LEAD_WORDS, WrittenTime, read_day, read_written_time, zone_in

#: Offsets that are in use west of Greenwich; what else follows a dash is the end of a span, and so
#: is a time that has a zone of its own.
_WEST = r"-(?:0\d|1[0-2]):?(?:00|30)(?![ \t]*(?:UTC|GMT|Z|[+-]\d))"
#: `5:00 UTC pm`; in capitals it is somebody's title there.
_HALF_BEHIND = regex(r"[ \t]*([ap]\.?m\b)")
_OFFSET = regex(r"([+−-])(\d{1,2}):?(\d\d)?$")
#: `UTC+2`, `GMT-7`; not `UTC-07:00`, which may as well be the end of a span.
_NAMED_OFFSET = (
    r"(?:UTC|GMT)(?:[+−](?:0?\d|1[0-4])(?::?[0-5]\d)?|-(?:0?\d|1[0-2])(?:[0-5]\d)?)(?![\w:])"
)
#: What makes a time unclear: half a day, a zone by another name, digits behind `UTC` and a sign.
_UNCLEAR = regex(
    r"[ \t]*(?P<half>[AaPp]\.?[Mm]\b\.?)|[ \t]*\(?(?P<zone>(?:UTC|GMT|Z)"
    r"[ \t]*(?:[+−]\d|-(?!(?:1[3-9]|2\d):|\d{1,2}:\d\d[ \t]*(?:UTC|GMT|Z))\d)[\d:]*"
    r"|(?:[AECMPB]S|[ECMP]D|CES|EES|WES|AES|AED|HS|NZS|NZD|IS|JS|KS|SG|HK)T\b|(?:CET|EET|WET|MSK|ET|PT)\b)"
)
_DATED = regex(
    r"(?P<date>\d{4}-\d{2}-\d{2})"
    r"(?:[T \t]+(?P<time>\d{1,2}:\d{2}(?::\d{2})?)"
    rf"(?:(?![ \t]*{_WEST})[ \t]*"
    r"(?P<until>[-–][ \t]*(?:\d{4}-\d{2}-\d{2}[T \t]+)?\d{1,2}:\d{2}(?::\d{2})?)(?![\d:]))?"
    rf"[ \t]*(?P<zone>{_NAMED_OFFSET}|UTC|GMT|Z|\+\d{{2}}:?\d{{2}}|{_WEST})?)?"
    r"[ \t]*(?:—|–|--|-|:)?[ \t]*(?P<text>.*)$",
    re.DOTALL,
)
#: What may stand before the moment that ends an item, and what behind it.
_AT = regex(r"[ \t](?:at|on)[ \t]|[ \t]\(")
_END = regex(r"[ \t+]{0,3}(?:UTC|GMT)?[ \t)\].]{0,3}")
_TAG = regex(r"[a-z]+(?:-[a-z]+)*")
_MAX_TAGS = 8
_MAX_LINE = 20_000
_LONGEST_NOTE = 80
#: `First warning: 2026-06-02 08:00 UTC`, in bold or behind a bullet, too.
_LABELLED = regex(
    r"[*_`]{0,3}(?P<label>[A-Za-z][A-Za-z ()/-]{1,40}?)[*_`]{0,3}[ \t]*[:：][*_`]{0,3}[ \t]*"
)
#: The tag that the clock of a label speaks of.
_TAG_OF_LABEL = {
    "trigger": "trigger",
    "first warning": "warning",
    "first impact": "impact",
    "first customer impact": "impact",
    "first customer or operator impact": "impact",
    "detected": "detected",
    "detection": "detected",
    "containment": "contained",
    "contained": "contained",
    "restart": "restart",
    "restarted": "restart",
}
#: A time of day that is this much earlier than that of the entry before it may be of the next day.
_NEXT_DAY = timedelta(hours=1)
_TIME_HEADS = frozenset(
    {"time", "when", "date", "timestamp", "date/time", "datetime", "date & time", "date and time"}
    | {"hora", "horário", "horario", "fecha", "fecha/hora", "data", "data/hora", "heure", "moment"}
    | {"uhrzeit", "zeit", "zeitpunkt", "datum", "ora", "orario", "tijd", "tijdstip", "tid", "time"}
    | {"время", "дата", "час", "godzina", "czas", "saat", "zaman", "waktu", "thời gian", "momento"}
    | {"時刻", "時間", "日時", "时间", "时刻", "时间点", "시간", "시각", "일시", "time utc"}
)
#: `13.41 AC restarted it`; a version or a share is followed by no blank and word.
_DOTTED = regex(
    r"^([*_`~]{0,3}(?:c\.|ca\.|~)?[ \t]?)([01]?\d|2[0-3])\.([0-5]\d)"
    r"(?=[ \t]+[^\W\d_]|[*_`:]|[ \t]*[-–—])"
)
_BARE = regex(r"[*_`~]{0,3}(?:c\.|ca\.)?(?:[01]?\d|2[0-3]):[0-5]\d(?::[0-5]\d)?[ \t]+[^\W\d_]")
#: The head of a column that counts from the begin of an incident: `T+`.
_ELAPSED = regex(
    r"[*_`]*(?:T ?[+±]|elapsed|offset|relative|minutes?\b|Δ|delta|経過|经过时间|경과)", re.I
)
#: Lends its year to a day that names none; the year has a 29 February.
_ANY_DAY = date(2000, 1, 1)
#: A sentence that begins with its time: `At 14:05 we rolled back`.
_AT_TIME = regex(r"(?:at|by|um|gegen|às|a las|à|vers|alle|om|kl|в)\.?[ \t]", re.IGNORECASE)
#: How a line ends that does not go on in the next one.
_ENDS = (":", "：", "|", ">", "\\", ".", "!", "?", "。", "！", "？")
#: A line that begins with a word before its time, as the rest of a sentence does.
_LED = regex(r"[*_`~≈\[(< \t]*+(?!around|about|approx)" + LEAD_WORDS + r"\.?[ \t]", re.I)
_ALL_TIMES = regex(r"\b(?:times?|timestamps?)\b", re.IGNORECASE)


class TimelineEntry(Struct, frozen=True, gc=False):
    """One dated line. `at` is aware UTC, midnight where only the day was given (`has_time`).

    Of a span of time `at` is the start; its end is the beginning of `text`.
    `unclear` is what could make it another hour or day, such as `pm`; the time is then part of
    `text`. `has_day` says whether the day stands in the timeline; without it, it is the record's.
    """

    at: datetime
    has_time: bool
    has_zone: bool
    text: str
    tags: tuple[str, ...]
    line: int
    unclear: str = ""
    has_day: bool = True
    end_line: int = 0


@dataclass
class _Reading:
    """What was read so far: the day that a time without one is of, and the zone of all times."""

    day: date | None
    zone: str
    has_day: bool = False
    last_zone: str = ""  # of the entry before: that of the next one, where it names none
    last_time: datetime | None = None  # of the entries before: the last that has an hour
    has_dots: bool = False  # its times are written `13.41`
    has_bare_lines: bool = (
        False  # its lines begin with their time, and nothing parts that from them
    )
    entries: list[TimelineEntry] = field(default_factory=list)

    def note_zone(self, text: str) -> None:
        """Takes the zone of a line such as `All times in EDT`."""
        if not self.zone and len(text) <= _LONGEST_NOTE and _ALL_TIMES.search(text):
            self.zone = zone_in(text)

    def add(self, text: str, line: int, end_line: int, *, strict: bool = False) -> bool:
        """Whether the text begins with a moment; then it is an entry. Of an item it may be the end.

        `Attacker deployed the contract at 2021-02-13 5:37 AM UTC` is one.
        """
        text = without_tags(text)
        if self.has_dots:
            text = _DOTTED.sub(r"\1\2:\3", text, count=1)
        entry = self._entry(text, strict=strict)
        if entry is None and not strict:
            entry = self._at_end(text)
        if entry is None:
            return False
        self.entries.append(replace(entry, line=line, end_line=max(end_line, line)))
        self.last_time = entry.at if entry.has_time else self.last_time
        return True

    def _entry(self, text: str, *, strict: bool) -> TimelineEntry | None:
        plain = text.lstrip("*`_")
        zone = self.zone if self.last_zone in {"", "UTC", "GMT", "Z"} else self.last_zone
        if plain[:4].isdecimal() and (entry := _iso_entry(plain, zone)):
            other = self._free(text, "", strict=strict) if entry.unclear else None
            self.day, self.has_day = read_date(plain), True
            return other if other and not other.unclear else entry
        label = _LABELLED.match(text) if not strict or ":" in text else None
        if label and not text[label.end() :].lstrip("*_` ")[:1].isdigit():
            label = None
        if label and (entry := self._free(text[label.end() :], label["label"], strict=False)):
            return entry
        return self._free(text, "", strict=strict)

    def _free(self, text: str, label: str, *, strict: bool) -> TimelineEntry | None:
        moment = read_written_time(text, self.day)
        if moment is None or (strict and not self._is_dated(moment, text)):
            return None
        at = moment.at(self.day, self.zone or self.last_zone)
        on = moment.day or self.day
        if on is None:
            return None
        unclear = moment.unclear or ("" if at else moment.zone or self.zone)
        unclear = unclear or ("day" if at and not moment.day and self._may_be_next_day(at) else "")
        rest, tags = _tags(_text_behind(moment, text, label) if not unclear else text.strip())
        tags = tags or ((tag,) if (tag := _TAG_OF_LABEL.get(label.lower(), "")) else ())
        self.last_zone = moment.zone or self.last_zone
        if moment.day:
            self.day, self.has_day = moment.day, True
        if unclear or at is None:
            midnight = datetime.combine(on, datetime.min.time(), UTC)
            return TimelineEntry(midnight, False, False, rest, tags, 0, unclear, bool(moment.day))
        has_time, has_zone = moment.clock is not None, bool(moment.zone or self.zone)
        has_day = bool(moment.day) or self.has_day
        return TimelineEntry(at, has_time, has_time and has_zone, rest, tags, 0, "", has_day)

    def _is_dated(self, moment: WrittenTime, text: str) -> bool:
        if _is_dated_line(moment, text) or (moment.clock and _AT_TIME.match(text)):
            return True
        return self.has_bare_lines and bool(_BARE.match(text)) and not moment.unclear

    def is_marked(self, text: str) -> bool:
        """Whether a line outside a list is dated by itself, whatever sentence stands above it."""
        text = without_tags(text)
        label = _LABELLED.match(text)
        if _DATED.match(text.lstrip("*`_")):
            return True
        if label and text[label.end() :].lstrip("*_` ")[:1].isdigit():
            return True
        moment = read_written_time(text, self.day)
        return moment is not None and not _LED.match(text) and _is_dated_line(moment, text)

    def _at_end(self, text: str) -> TimelineEntry | None:
        """The entry of an item that ends with its day and time; the rest of it is the text."""
        begin = max(len(text) - _LONGEST_NOTE, 0)
        for found in _AT.finditer(text, begin):
            moment = read_written_time(text[found.end() :], self.day)
            is_whole = moment is not None and moment.day is not None and moment.clock is not None
            if moment and is_whole and _END.fullmatch(text[found.end() + moment.end :]):
                entry = self._free(text[found.end() :], "", strict=False)
                return replace(entry, text=text[: found.start()].strip()) if entry else None
        return None

    def _may_be_next_day(self, at: datetime) -> bool:
        return self.last_time is not None and self.last_time - at > _NEXT_DAY


def line_label(source: str) -> tuple[str, str]:
    """A line cut before its moment: bullet and label, and the text from the moment on."""
    item = ANY_ITEM.match(source)
    text = item[2] if item else source.strip()
    label = _LABELLED.match(text)
    if label and text[label.end() :].lstrip("*_` ")[:1].isdigit():
        text = text[label.end() :]
    at = source.rindex(text) if text else len(source)
    return source[:at], text


def _text_behind(moment: WrittenTime, text: str, label: str) -> str:
    rest = text[moment.end :].strip()
    if moment.until:
        rest = f"– {moment.until} {f'{moment.zone} ' if moment.zone else ''}— {rest}".rstrip(" —")
    return f"{label} — {rest}".rstrip(" —") if label else rest


def _is_dated_line(moment: WrittenTime, text: str) -> bool:
    """Whether a line outside a list is meant as dated: a time in it, and a mark behind that."""
    before = text[: moment.end].rstrip(" \t*_`")
    is_column = text[: moment.end].endswith(("\t", "  "))
    bold = text[:2] if text[:2] in {"**", "__"} else ""
    is_bold = bool(bold) and bold in text[2 : moment.end]
    is_marked = (
        is_column or is_bold or before.endswith(("—", "–", "-", ":", "：", "|", "]", ")", ">", ","))
    )
    if moment.clock is None:
        return is_marked or moment.end == len(text)
    return is_marked or bool(moment.zone) or bool(moment.day) or moment.end == len(text)


def read_timeline(
    lines: Sequence[Line], heading: str = "", day: date | None = None
) -> tuple[TimelineEntry, ...]:
    """The dated lines in the order they stand.

    `heading` is that of the section, for a zone that holds for all times; `day` the record's, for
    times below no day.
    """
    reading = _Reading(read_day_in(heading) or day, zone_in(heading))
    begins = list(_beginnings(lines))
    dotted, bare = (sum(map(bool, map(one.match, begins))) for one in (_DOTTED, _BARE))
    reading.has_bare_lines = dotted + bare > 1
    reading.has_dots = dotted > 0 and reading.has_bare_lines
    items = {item.line: item for item in read_items(lines, ANY_ITEM)}
    tables = {table.line: table for table in read_tables(lines)} if _has_table(lines) else {}
    skip_to = 0
    for index, line in enumerate(lines):
        if line.number < skip_to or line.comment or len(line.text) > _MAX_LINE:
            continue
        if line.number in tables:
            skip_to = _read_table(reading, tables[line.number])
        elif line.number in items:
            item = items[line.number]
            skip_to = item.end_line + 1
            _read_item(reading, item, items)
        elif line.text.strip() and not line.is_mark:
            above = lines[index - 1] if index else None
            _read_line(reading, line, above, lines[index + 1 : index + 4])
    return tuple(reading.entries)


def _beginnings(lines: Sequence[Line]) -> Iterator[str]:
    """The lines and items without their marks."""
    for line in lines:
        if line.is_prose and len(line.text) <= _MAX_LINE:
            item = ANY_ITEM.match(line.text)
            yield item[2] if item else line.text.strip()


def _has_table(lines: Sequence[Line]) -> bool:
    return any("|" in line.text for line in lines)


def read_day_in(heading: str) -> date | None:
    """The day a heading ends with or consists of: `Timeline 2026-04-12`, `Day 2 (12 May 2026)`."""
    for part in re.split(r"[()—–:]|[ \t]-[ \t]", heading)[::-1]:
        words = part.split()
        for first in range(max(len(words) - 4, 0), len(words)):
            if any(c.isdigit() for c in words[first]) or words[first][:3].isalpha():
                found = read_day(" ".join(words[first:]))
                if found:
                    return found
    return None


def _read_item(reading: _Reading, item: Item, items: dict[int, Item]) -> None:
    if not reading.add(item.text, item.line, item.end_line):
        return
    below = items.get(item.end_line + 1)
    last = reading.entries[-1]
    if not last.text and below and below.indent > item.indent:
        reading.entries[-1] = replace(last, text=below.text)


def _read_line(reading: _Reading, line: Line, above: Line | None, below: Sequence[Line]) -> None:
    if line.fence is not None:
        if is_plain_fence(line.fence):
            reading.add(line.text.strip(), line.number, line.number, strict=True)
        return
    heading = read_heading(line.text) or bold_heading(line.text)
    if heading is None:
        reading.note_zone(line.text)
        text = line.text.strip(" \t|")
        if _goes_on(reading, text, above):
            return
        if (on := read_day(text.rstrip(":："), reading.day)) and _begins_with_time(below):
            reading.day, reading.has_day = on, True
            return
        if reading.add(text, line.number, line.number, strict=True):
            _take_text(reading, below)
        return
    moment = read_written_time(heading, reading.day)
    if moment is None or (moment.clock is None and not moment.unclear):
        on = moment.day if moment else read_day_in(heading)
        if on:
            reading.day, reading.has_day = on, True
        return
    if reading.add(heading, line.number, line.number):
        _take_text(reading, below)


def _goes_on(reading: _Reading, text: str, above: Line | None) -> bool:
    """Whether a line is the rest of the sentence above it, though it begins with a time.

    A line that its marks make a dated one is not, nor one below the end of a sentence.
    """
    if above is None or not above.is_prose or _is_bare(reading, text):
        return False
    if above.text.rstrip(" \t*_`)\"'").endswith(_ENDS) or above.text.endswith("  "):
        return False
    if reading.is_marked(text):
        return False
    is_entry = bool(reading.entries) and reading.entries[-1].end_line == above.number
    is_heading = read_heading(above.text) or bold_heading(above.text)
    return not (is_entry or is_heading or ANY_ITEM.match(above.text))


def _is_bare(reading: _Reading, text: str) -> bool:
    return reading.has_bare_lines and bool(_BARE.match(text) or _DOTTED.match(text))


def _begins_with_time(below: Sequence[Line]) -> bool:
    """Whether the next line is an entry of its own, so that the day above it is a heading."""
    text = next((line.text.strip() for line in below if line.is_prose), "")
    item = ANY_ITEM.match(text)
    moment = read_written_time(_DOTTED.sub(r"\1\2:\3", item[2] if item else text, count=1))
    return moment is not None and moment.clock is not None


def _take_text(reading: _Reading, below: Sequence[Line]) -> None:
    """Gives an entry that is nothing but a time the text that stands below it."""
    last = reading.entries[-1]
    if not last.text:
        text = next((other.text.strip() for other in below if other.is_prose), "")
        reading.entries[-1] = replace(last, text=text)


def _read_table(reading: _Reading, table: Table) -> int:
    if is_relative(table):
        return table.end_line + 1
    zone, own = reading.zone, " ".join(cell for cell in table.head if _ALL_TIMES.search(cell))
    reading.zone = zone_in(own) or zone
    for row in table.rows:
        reading.add(row_text(table, row), row.line, row.line)
    reading.zone = zone
    return table.end_line + 1


def is_relative(table: Table) -> bool:
    """Whether the times of a table count from the begin of the incident, and it has no others."""
    if not _is_counted(table) or table.columns(*_TIME_HEADS):
        return False
    return not any(_has_moment(row) for row in table.rows)


def has_times(table: Table) -> bool:
    """Whether the head of a table says of a column that it gives the time."""
    return bool(table.columns(*_TIME_HEADS))


def _is_counted(table: Table) -> bool:
    return bool(table.head and _ELAPSED.match(table.head[0]))


def _has_moment(row: TableRow) -> bool:
    """Whether a row has a moment beside the time that it counts."""
    first = read_written_time(row.cells[0])
    is_moment = first is not None and bool(first.day or first.zone)
    return is_moment or any(read_written_time(cell) for cell in row.cells[1:])


def row_text(table: Table, row: TableRow) -> str:
    """A row as the text of an item: its day and time first, the other cells behind them."""
    heads = table.columns(*_TIME_HEADS)
    first = heads[0] if heads else _column_of_moment(table, row)
    if first >= len(row.cells):
        return ""
    clock = _clock_of_day(row, first, heads)
    others = [n for n, cell in enumerate(row.cells) if cell and n not in {first, clock}]
    if others[:1] == [0] and _is_counted(table) and _is_clock(row.cells[0]):
        others.append(others.pop(0))  # beside the time it would be the end of a span
    when = row.cells[first] if clock is None else f"{row.cells[first]} {row.cells[clock]}"
    is_span = not heads and not read_written_time(when) and read_written_time(f"{when} —")
    # `2h30` in a column of spans is no time of day.
    return f"{when}{',' if is_span else ' —'} {' — '.join(row.cells[n] for n in others)}"


def _column_of_moment(table: Table, row: TableRow) -> int:
    """The first of the columns that begins with a moment, where no head names one."""
    begins = [n for n, cell in enumerate(row.cells[:3]) if read_written_time(cell)]
    counted = [n for n in begins if n or not _is_counted(table)]
    return next(iter(counted or begins), 0)


def _clock_of_day(row: TableRow, first: int, heads: Sequence[int]) -> int | None:
    """The column of the time, where another has the day: the next one, or one with such a head."""
    moment = read_written_time(row.cells[first], _ANY_DAY)
    if moment is None or moment.day is None or moment.clock is not None:
        return None
    others = [n for n, cell in enumerate(row.cells) if cell and n != first]
    for number in others:
        cell = row.cells[number]
        is_headed = number in heads
        if (is_headed or number == others[0]) and _is_clock(cell):
            return number
        if is_headed and _is_clock(f"{cell} |"):
            return number
    return None


def _is_clock(text: str) -> bool:
    moment = read_written_time(text)
    return moment is not None and moment.day is None and moment.end == len(text)


def _iso_entry(text: str, default_zone: str) -> TimelineEntry | None:
    match = _DATED.match(text)
    if not match:
        return None
    unclear = _unclear(match) if match["time"] else ""
    clock, zone = ("", None) if unclear else (match["time"], match["zone"])
    if clock and not zone and default_zone not in {"", "UTC", "GMT"}:
        return None
    try:
        at = datetime.fromisoformat(f"{match['date']} {(clock or '00:00').zfill(5)}")
        at = at.replace(tzinfo=_zone(zone)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    rest = "time" if unclear else "until" if match["until"] else "text"
    found, tags = _tags(match.string[match.start(rest) :].strip())
    has_zone = bool(zone or (clock and default_zone))
    return TimelineEntry(at, bool(clock), has_zone, found, tags, 0, unclear)


def _unclear(match: re.Match[str]) -> str:
    """What stands behind a time and could make it another hour, empty where it is clear."""
    if match["zone"]:
        late = _HALF_BEHIND.match(match.string, match.end("zone"))
        if late or match["zone"][-1] in "0123456789":
            return late[1] if late else ""
    found = _UNCLEAR.match(match.string, match.end("until" if match["until"] else "time"))
    return found["half"] or found["zone"] if found else ""


def _zone(text: str | None) -> timezone:
    """The zone of `UTC`, `Z`, `+02:00`, `-0700` or `UTC+2`; UTC where nothing is said."""
    match = _OFFSET.search(text or "")
    if not match:
        return UTC
    offset = timedelta(hours=int(match[2]), minutes=int(match[3] or 0))
    return timezone(offset if match[1] == "+" else -offset)


def _tags(text: str) -> tuple[str, tuple[str, ...]]:
    """The text without the `[tag]`s at its end, and the tags."""
    tags: list[str] = []
    while text.endswith("]") and len(tags) < _MAX_TAGS:
        before, opening, tag = text[:-1].rpartition("[")
        if not opening or not _TAG.fullmatch(tag):
            break
        tags.insert(0, tag)
        text = before.rstrip()
    return text, tuple(tags)
