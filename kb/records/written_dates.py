"""Days and times as people write them: `1 May 2026`, `May 1st`, `2:02 pm CET`, `14:02–14:30 UTC`.

A day or an hour that could be read two ways (`9/2/2021`, `PST` in June) is not read: its reason is
in `WrittenTime.unclear`. Every pattern is linear in the length of a line.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from functools import lru_cache

from msgspec import Struct

from kb.lazy_regex import regex

_MONTHS = (
    *("january", "february", "march", "april", "may", "june", "july"),
    *("august", "september", "october", "november", "december"),
)
_MONTH_NUMBERS = {
    name[:length]: number
    for number, name in enumerate(_MONTHS, 1)
    for length in range(3, len(name) + 1)
}
#: Whole names in other languages, read behind the number of a day: `14 de julho de 2026`.
_FOREIGN_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "enero janeiro janvier januar januari gennaio января январь stycznia січня",
            "febrero fevereiro février février februar "
            "februari febbraio февраля февраль lutego лютого",
            "marzo março mars märz maart марта март marca березня",
            "abril avril aprile апреля апрель kwietnia квітня",
            "mayo maio mai mei maggio maj мая май maja травня",
            "junio junho juin juni giugno июня июнь czerwca червня",
            "julio julho juillet juli luglio июля июль lipca липня",
            "agosto août augustus augusti августа август sierpnia серпня",
            "septiembre setembro septembre settembre сентября сентябрь września вересня",
            "octubre outubro octobre oktober ottobre октября октябрь października жовтня",
            "noviembre novembro novembre ноября ноябрь listopada листопада",
            "diciembre dezembro décembre dezember dicembre декабря декабрь grudnia грудня",
        ),
        1,
    )
    for name in names.split()
}
#: Their short forms, as in `13-jul`, `3 févr.`; none of them is a word of English.
_SHORT_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            *(
                "ene janv янв",
                "fev fév févr febr фев",
                "mrz mrt мар",
                "abr avr апр",
                "mayo maj",
                "июн giu",
            ),
            *("juil lug июл", "août авг", "sett сен сент", "okt ott окт", "ноя", "dez dic déc дек"),
        ),
        1,
    )
    for name in names.split()
}
_MONTH_NUMBERS |= _FOREIGN_MONTHS | _SHORT_MONTHS
_FOREIGN = "|".join(sorted(_FOREIGN_MONTHS | _SHORT_MONTHS, key=len, reverse=True))
#: Every name of a month that is read, as alternatives of a pattern.
MONTH_NAMES = "|".join(sorted({*_MONTHS, *_FOREIGN_MONTHS}, key=len, reverse=True))
_MONTH = (
    r"(?P<month{0}>jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|"
    r"sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)\b\.?"
)
_WEEKDAY = (
    r"(?:(?:mon|tues?|wed(?:nes)?|thu(?:rs)?|fri|sat(?:ur)?|sun)(?:day)?\b[.,]?[ \t]+"
    r"(?:the[ \t]+)?"
    r"|(?:montag|dienstag|mittwoch|donnerstag|freitag|samstag|sonntag|lundi|mardi|mercredi|jeudi"
    r"|vendredi|samedi|dimanche|lunes|martes|mi[ée]rcoles|jueves|viernes|s[áa]bado|domingo"
    r"|(?:segunda|ter[çc]a|quarta|quinta|sexta)(?:-feira)?|luned[ìi]|marted[ìi]|mercoled[ìi]|gioved[ìi]"
    r"|venerd[ìi]|sabato|domenica|maandag|dinsdag|woensdag|donderdag|vrijdag|zaterdag|zondag"
    r"|понедельник|вторник|среда|четверг|пятница|суббота|воскресенье)\b[.,]?[ \t]+"
    r"(?:(?:den|le|el|dia|em)[ \t]+)?)?"
)
_DAY = regex(
    _WEEKDAY + r"(?:(?P<y0>\d{4})(?P<sep>[-/.])(?P<m0>\d{1,2})(?P=sep)(?P<d0>\d{1,2})(?!\d)"
    r"|(?P<y1>\d{4})[ \t]*+[年년][ \t]*+(?P<m1>\d{1,2})[ \t]*+[月월]"
    r"[ \t]*+(?P<d1>\d{1,2})[ \t]*+[日일]"
    r"|(?P<d2>\d{1,2})\.[ \t]?(?P<m2>\d{1,2})\.[ \t]?(?P<y2>\d{4})(?!\d)"
    r"|(?P<d3>\d{1,2})(?:st|nd|rd|th|er|º|\.)?[ \t]*+-?(?:(?:of|de|di)[ \t]++)?[ \t]*+"
    + _MONTH.format(3).replace("(?P<month3>", rf"(?P<month3>(?:{_FOREIGN})(?!\w)|", 1)
    + r"(?:,?[ \t]*+-?(?:(?:de|del)[ \t]++)?(?P<y3>\d{4})(?![\d:]))?"
    r"|" + _MONTH.format(4) + r"[ \t]+(?P<d4>\d{1,2})(?!\d|:\d)(?:st|nd|rd|th)?\b"
    r"(?:,?[ \t]+(?P<y4>\d{4})(?![\d:]))?"
    r"|(?P<a5>\d{1,2})(?P<s5>[/-])(?P<b5>\d{1,2})(?P=s5)(?P<y5>\d{4}|(?<=/)\d{2}(?!:\d))(?!\d))",
    re.IGNORECASE,
)
#: Behind hours that are a span of time and no time of day: `2h30 later`, `24h window`.
_NO_SPAN = (
    r"(?![ \t]*(?:later|after|ago|earlier|before|of|total|window|long|downtime|intervals?"
    r"|depois|antes|mais|de|más"
    r"|después|plus|après|avant|später|nach|danach|lang|sla|retention|average|max|min)\b)"
)
_TIME = regex(
    r"(?:(?P<hours>[01]\d|2[0-3])(?P<minutes>[0-5]\d)[ \t]?(?:hrs?|hours)\b"
    r"|(?P<hours_h>[01]?\d|2[0-3])h(?P<minutes_h>[0-5]\d)(?:[ \t]?(?:min|m))?\b"
    + _NO_SPAN
    + r"|(?P<hours_b>[01]\d|2[0-3])[ \t]?h(?:rs?|s)?\b"
    + _NO_SPAN
    + r"|(?P<hours_u>[01]?\d|2[0-3])(?:\.(?P<minutes_u>[0-5]\d))?[ \t]?Uhr\b"
    r"|(?P<east>上午|下午|午前|午後|晚上|凌晨|早上|中午|오전|오후)?[ \t]?"
    r"(?P<hours_e>[01]?\d|2[0-3])[ \t]?[時时點点시](?:[ \t]?(?P<minutes_e>[0-5]?\d)[ \t]?[分분])?"
    r"(?:[ \t]?\d{1,2}[ \t]?[秒초])?(?![間间간])"
    r"|(?P<half_e>上午|下午|午前|午後|晚上|凌晨|早上|오전|오후)[ \t]?(?P<hours_f>[01]?\d|2[0-3])"
    r":(?P<minutes_f>[0-5]\d)(?::[0-5]\d)?(?!\d)"
    r"|(?P<hour>[01]?\d|2[0-4])(?::(?P<minute>[0-5]\d)(?::(?P<second>[0-5]\d)(?:[.,]\d{1,9})?)?"
    r"(?:[ \t]?(?:h(?:rs?|s)?|Uhr)\b)?"
    r"(?:[ \t]?(?P<half>[ap]\.?m\b\.?))?|[ \t]?(?P<bare>[ap]\.?m\b\.?))(?!\d|:\d))",
    re.IGNORECASE,
)
#: What says no more than that a time follows, in the languages of the months.
LEAD_WORDS = (
    r"(?:at|on|by|around|approximately|about|circa|ca|em|às|as|a las|el|le|à|vers|um|gegen"
    r"|am|alle|il|op|om|kl|den|в|около|примерно|por volta das|約|约|大约|약)"
)
_LEAD = regex(
    r"[ \t*_`~≈±?\\\[(<【「]*(?:(?:ca|approx|c|kl)\.[ \t]+|"
    + LEAD_WORDS
    + r"[ \t]+(?:"
    + LEAD_WORDS
    + r"[ \t]+)?|[約约약])?[~≈]?",
    re.IGNORECASE,
)
#: What makes hours such as `14h` a time of day: the word before them, or what parts them from the
#: text behind.
_LED = regex(
    r"(?:^|[ \t*_`(\[])(?:at|às|las|à|vers|um|gegen|alle|om|kl\.?|в|das)[ \t]+[~≈]?$", re.IGNORECASE
)
_PARTED = regex(
    r"[*_`\])>]*(?:[ \t]*[—–:：|]|[ \t]++--?[ \t])(?![ \t]*\d{1,2}[ \t]?h)", re.IGNORECASE
)
_BETWEEN = regex(
    r"[ \t*_`\])]*+(?:[（(](?:[月火水木金土日월화수목금토일]|周.|星期.|[月火水木金土日]曜日?|.요일"
    r"|(?:mon|tue|wed|thu|fri|sat|sun)[a-z]{0,6})[）)][ \t]*)?"
    r"(?:[T|@][ \t]*|[,，]?[ \t]*" + LEAD_WORDS + r"\.?[ \t]+|[,，][ \t]*)?[ \t*_`\[(~≈約约약]*",
    re.IGNORECASE,
)
_RANGE = regex(
    r"[ \t]*(?:-|–|—|~|〜|～|to|until|till|→|->|⇒|bis|até|hasta|à|tot|до|から|부터|至|到)[ \t~≈]*"
)
_ZONE = regex(
    r"[ \t]*\(?(?P<zone>(?:UTC|GMT)(?:[+−](?:0?\d|1[0-4])(?::?[0-5]\d)?"
    r"|-(?:0?\d|1[0-2])(?:[0-5]\d)?)"
    r"(?![\w:])|UTC|GMT|Z|(?<=\d)z|[A-Z]{2,4}|[+−]\d{2}:?\d{2})\)?(?!\w)"
)
_AFTER = regex(r"[ \t*_`\])>]*(?:—|–|--|-|:|：|\||,|=>|->|→)?[ \t*_`]*")
_BEHIND = regex(r"[ \t]*,?[ \t]*(?:on[ \t]+)?\(?")
_OFFSET = regex(r"([+−-])(\d{1,2}):?(\d\d)?$")
#: Behind a zone: half a day as in `5:00 UTC pm` (in capitals it is somebody's title), and after UTC
#: a sign and digits, which may be an offset or the end of a span.
_HALF_BEHIND = regex(r"[ \t]*([ap]\.?m\b)")
_SIGN_BEHIND = regex(
    r"[ \t]*(?:[+−]\d|-(?!(?:1[3-9]|2\d):|\d{1,2}:\d\d[ \t]*(?:UTC|GMT|Z))\d)[\d:]*"
)

#: Abbreviations that name one offset all the year.
_FIXED = {"UTC": 0, "GMT": 0, "Z": 0, "JST": 540, "KST": 540, "SGT": 480, "HKT": 480, "MSK": 180}
_FIXED |= {"WAT": 60, "CAT": 120, "SAST": 120, "EAT": 180, "PKT": 300, "WIB": 420}
#: Abbreviations that hold for a part of the year, and a place where they do. Written in the other
#: part they leave an hour open, and are not read.
_SEASONAL = {
    "CET": "Europe/Berlin",
    "CEST": "Europe/Berlin",
    "EET": "Europe/Helsinki",
    "EEST": "Europe/Helsinki",
    "WET": "Europe/Lisbon",
    "WEST": "Europe/Lisbon",
    "BST": "Europe/London",
    "EST": "America/New_York",
    "EDT": "America/New_York",
    "CDT": "America/Chicago",
    "MDT": "America/Denver",
    "PST": "America/Los_Angeles",
    "PDT": "America/Los_Angeles",
    "AEST": "Australia/Sydney",
    "AEDT": "Australia/Sydney",
    "NZST": "Pacific/Auckland",
    "NZDT": "Pacific/Auckland",
}
#: Words for the time of a place, whatever the season.
_PLACES = {"ET": "America/New_York", "PT": "America/Los_Angeles"}
#: Zones that are two: of India, Israel and Ireland; of Chicago, China and Cuba; of Denver.
_TWOFOLD = frozenset({"IST", "CST", "MST", "CT", "MT", "AST", "HST"})
ZONE_NAMES = frozenset({*_FIXED, *_SEASONAL, *_PLACES, *_TWOFOLD})


class WrittenTime(Struct, frozen=True, gc=False):
    """A day, a time, or both, found at the begin of a text that goes on at `end`.

    `day` is None where the text names none, `clock` None where it gives no time; `zone` is as
    written, empty for none. `unclear` is what could be read two ways; then `at` gives None.
    """

    day: date | None
    clock: time | None
    zone: str
    end: int
    unclear: str = ""
    until: str = ""

    def at(self, day: date | None = None, zone: str = "") -> datetime | None:
        """The moment in UTC, with the day and zone of what stands around it where it lacks one.

        Midnight where there is no time; None where the day is not known or something is unclear.
        """
        on = self.day or day
        if on is None or self.unclear:
            return None
        moment = datetime.combine(on, self.clock or time())
        if self.clock is None:
            return moment.replace(tzinfo=UTC)
        offset = zone_of(self.zone or zone or "UTC", moment)
        try:
            return moment.replace(tzinfo=offset).astimezone(UTC) if offset else None
        except OverflowError:
            return None


def read_day(text: str, near: date | None = None) -> date | None:
    """The day that a whole text names, None where it says anything else or leaves it open."""
    found = _DAY.match(text.strip())
    return _day(found, near)[0] if found and found.end() == len(text.strip()) else None


def no_such_day(text: str) -> str:
    """The day with its year that a text begins with and no calendar has: `2022-02-30`, else ""."""
    lead = _LEAD.match(text)
    found = _DAY.match(text, lead.end() if lead else 0)
    if found is None or not any(found[f"y{number}"] for number in range(6)):
        return ""
    return found[0] if _day(found, None) == (None, "") else ""


def read_written_time(text: str, near: date | None = None) -> WrittenTime | None:
    """The moment a text begins with, None where it begins with none.

    `near` lends its year to a day without one.
    """
    lead = _LEAD.match(text)
    start = lead.end() if lead else 0
    if not text[start : start + 1].isalnum():
        return None
    found = _DAY.match(text, start)
    day, unclear = _day(found, near) if found else (None, "")
    if found and day is None and not unclear:
        found = None
    end = found.end() if found else start
    clock = _TIME.match(text, _skip(_BETWEEN, text, end) if found else end)
    if clock and not found and _is_span(text, lead[0] if lead else "", clock):
        clock = None
    if found is None and clock is None:
        return None
    return _moment(text, day, unclear, clock, end, near)


def _moment(
    text: str,
    day: date | None,
    unclear: str,
    clock: re.Match[str] | None,
    end: int,
    near: date | None,
) -> WrittenTime | None:
    if clock is None:
        return WrittenTime(day, None, "", _skip(_AFTER, text, end), unclear)
    hour, fault = _hour(clock)
    if hour is None:
        return None
    end, until, half = _end_of_span(text, clock, near)
    named, end = _zone_at(text, end)
    if named:
        fault = fault or _behind_zone(text, end, named)
    if half and not (clock["half"] or clock["bare"]):
        fault = half
    if day is None:
        behind = _DAY.match(text, _skip(_BEHIND, text, end))
        day, unclear = _day(behind, near) if behind else (None, unclear)
        end = behind.end() if behind and day else end
    unclear = unclear or fault
    return WrittenTime(day, hour, named, _skip(_AFTER, text, end), unclear, until)


def _is_span(text: str, lead: str, clock: re.Match[str]) -> bool:
    """Whether hours such as `12h` and `2h30` last, as nothing beside them makes them a time."""
    return (
        _is_in_hours(clock)
        and not _LED.search(lead)
        and not _is_parted(text, _end_of_span(text, clock, None)[0])
    )


def _is_in_hours(clock: re.Match[str]) -> bool:
    return bool(clock["hours_h"] or clock["hours_b"])


def _is_parted(text: str, end: int) -> bool:
    """Whether a zone, a day or a sign that parts it from the text stands behind a time."""
    named, _ = _zone_at(text, end)
    day = _DAY.match(text, _skip(_BEHIND, text, end))
    return bool(named or day or _PARTED.match(text, end))


def _zone_at(text: str, start: int) -> tuple[str, int]:
    """The zone that stands in a text, and where it ends; empty where none does."""
    zone = _ZONE.match(text, start)
    name = zone["zone"].upper() if zone else ""
    if zone and (name[-1].isdigit() or name in ZONE_NAMES):
        return name, zone.end()
    return "", start


def _behind_zone(text: str, end: int, zone: str) -> str:
    """What stands behind a zone and leaves the hour open, empty where nothing does."""
    if half := _HALF_BEHIND.match(text, end):
        return half[1]
    sign = _SIGN_BEHIND.match(text, end) if zone in {"UTC", "GMT", "Z"} else None
    return f"{zone}{sign[0]}" if sign else ""


def _skip(pattern: re.Pattern[str], text: str, start: int) -> int:
    match = pattern.match(text, start)
    return match.end() if match else start


def _end_of_span(text: str, begin: re.Match[str], near: date | None) -> tuple[int, str, str]:
    """Where a span of time ends in the text, its end as written, and the half of its day."""
    start = begin.end()
    dash = _RANGE.match(text, start)
    if not dash:
        return start, "", ""
    day = _DAY.match(text, dash.end())
    at = _skip(_BETWEEN, text, day.end()) if day and _day(day, near)[0] else dash.end()
    clock = _TIME.match(text, at)
    if not clock:
        return start, "", ""
    if _is_in_hours(clock) and not (_is_in_hours(begin) or _is_parted(text, clock.end())):
        return start, "", ""  # `10:00 - 12h freeze`
    return clock.end(), text[dash.end() : clock.end()], clock["half"] or clock["bare"] or ""


def _day(match: re.Match[str], near: date | None) -> tuple[date | None, str]:
    """The day of a match and, where it can be read two ways, its text."""
    if match["y5"]:
        return _slashed(match)
    for number in "0123":
        if match[f"d{number}"]:
            month = match[f"month{number}"] if number == "3" else match[f"m{number}"]
            return _valid(match[f"y{number}"], month, match[f"d{number}"], near), ""
    return _valid(match["y4"], match["month4"], match["d4"], near), ""


def _slashed(match: re.Match[str]) -> tuple[date | None, str]:
    """`25/12/2026` and `12-25-2026` are one day each; `9/2/2021` is two."""
    first, second = int(match["a5"]), int(match["b5"])
    year = match["y5"] if len(match["y5"]) == 4 else f"20{match['y5']}"  # noqa: PLR2004
    if first == second or first > 12:  # noqa: PLR2004
        return _valid(year, match["b5"], match["a5"], None), ""
    if second > 12:  # noqa: PLR2004
        return _valid(year, match["a5"], match["b5"], None), ""
    return None, match[0]


def _valid(year: str | None, month: str, day: str, near: date | None) -> date | None:
    if year is None and near is None:
        return None
    number = int(month) if month.isdecimal() else _MONTH_NUMBERS.get(month.lower(), 0)
    try:
        return date(int(year) if year else near.year if near else 0, number, int(day))
    except ValueError:
        return None


#: The groups of `_TIME` that hold an hour, and those of their minutes.
_HOURS = {
    **{"hours": "minutes", "hours_h": "minutes_h", "hours_u": "minutes_u", "hours_e": "minutes_e"},
    **{"hours_b": "minutes"},
    **{"hours_f": "minutes_f", "hour": "minute"},
}
_BEFORE_NOON = frozenset({"上午", "午前", "凌晨", "早上", "오전"})


def _half(match: re.Match[str]) -> str:
    """The half of the day that a time names, as `am` or `pm`; empty for none."""
    east = match["east"] or match["half_e"]
    if east:
        return "am" if east in _BEFORE_NOON else "pm"
    return (match["half"] or match["bare"] or "").lower()


def _hour(match: re.Match[str]) -> tuple[time | None, str]:
    """The time of a match and, where it can be read two ways, its half of the day."""
    written = next((m for m in _HOURS if match[m]), "hour")
    hour, half = int(match[written]), _half(match)
    if half and (hour < 1 or (hour > 12 and half[0] == "a")):  # noqa: PLR2004
        return time(0), half
    if half and hour <= 12:  # noqa: PLR2004 - `13:06 PM` says twice that it is after noon
        hour = hour % 12 + (12 if half[0] == "p" else 0)
    if hour > 23:  # noqa: PLR2004
        return None, ""
    minute = match[_HOURS.get(written, "minute")] or 0
    return time(hour, int(minute), int(match["second"] or 0)), ""


def zone_of(name: str, moment: datetime) -> tzinfo | None:
    """The offset a zone's name gives at a local time, None where it leaves that open."""
    offset = _OFFSET.search(name)
    if offset:
        gap = timedelta(hours=int(offset[2]), minutes=int(offset[3] or 0))
        return timezone(-gap if offset[1] in "-" else gap) if gap < timedelta(days=1) else None
    if name in _FIXED:
        return timezone(timedelta(minutes=_FIXED[name]))
    place = _PLACES.get(name) or _SEASONAL.get(name)
    local = _place(place) if place else None
    if local is None:
        return None
    there = moment.replace(tzinfo=local)
    if name in _SEASONAL and there.tzname() != name:
        return None
    offset_there = there.utcoffset()
    return timezone(offset_there) if offset_there is not None else None


@lru_cache(maxsize=32)
def _place(name: str) -> tzinfo | None:
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, OSError):
        return None


_HEADING_ZONE = regex(r"(?<![A-Za-z])([A-Z]{1,4}(?:[+−-]\d{1,2})?)(?![A-Za-z])")


def zone_in(text: str) -> str:
    """The zone that a heading or a column's head names, empty where it names none or several."""
    found = {match[1] for match in _HEADING_ZONE.finditer(text)}
    named = {name for name in found if name in ZONE_NAMES or name[:3] in {"UTC", "GMT"}}
    return named.pop() if len(named) == 1 else ""
