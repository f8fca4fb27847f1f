"""The clocks of an incident as a text's head gives them: with day, time and zone, or not at all."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from kb.adopt.derived_fact import DerivedFact
from kb.adopt.labelled_lines import EDGES, LabelledLine
from kb.records.compound_values import CLOCK_NAMES
from kb.records.written_dates import no_such_day, read_written_time, zone_in

#: What a clock is called besides its own name in the form.
_OTHER_NAMES: Mapping[str, frozenset[str]] = {
    "first_impact": frozenset(
        {"impact start", "start of impact", "impact started", "incident start time", "start time"}
        | {"incident start", "incident started", "started", "started at", "impact began", "began"}
        | {"発生日時", "发生时间", "首次发生时间", "inicio", "início", "début", "beginn"}
    ),
    "detected": frozenset(
        {"detected", "detected at", "time detected", "detection time", "time of detection"}
        | {"検知日時", "检测时间", "发现时间", "首次发现时间", "detectado", "détecté", "erkannt"}
    ),
    "acknowledged": frozenset({"acknowledged", "acknowledged at", "time acknowledged"}),
    "contained": frozenset({"mitigated", "mitigated at", "contained", "contained at"}),
    "resolved": frozenset(
        {"resolved", "resolved at", "time resolved", "resolution time", "end time", "ended at"}
        | {"incident end", "incident end time", "復旧日時", "恢复时间", "resuelto", "resolvido"}
        | {"résolu", "behoben"}
    ),
    "restarted": frozenset({"restarted at", "time restarted"}),
}
_CLOCKS = {
    name: _OTHER_NAMES.get(name, frozenset()) | {name.replace("_", " ")} for name in CLOCK_NAMES
}
#: The two lines that tell of an incident where both are there: alone, they are of anything.
_PAIR = {"first_impact": "start", "resolved": "end"}
#: A remark behind a time, without digits that could make it another: `(at +20 min)`, `(or 15:30)`.
_REMARK = re.compile(
    r"[ \t]*[(（](?:[^()（）\d]|(?<![\d:./+~-])\d{1,3}(?![\d:./-]|[ ]?(?:[hms]|[ap]\.?m|utc)))"
    r"{0,200}[)）]?[ \t.]*|[ \t.;,—–-]*",
    re.IGNORECASE,
)


def derive_clock(name: str, labels: Iterable[LabelledLine]) -> DerivedFact:
    """A clock, where the lines that name it agree on one moment in a zone."""
    key = f"clocks.{name}"
    rows = _rows(name, tuple(labels))
    if not rows:
        return DerivedFact(key, "", "nothing names it")
    moments = {_moment(row) for row in rows}
    if len(moments) > 1:
        lines = " and ".join(f"line {row.line}" for row in rows[:2])
        return DerivedFact(key, "", f"{lines} do not say the same")
    at = moments.pop()
    if at is None:
        odd = no_such_day(rows[0].value.strip(EDGES).lstrip("@"))
        why = f"says {odd}, which is no day of the calendar" if odd else "has no day, time and zone"
        return DerivedFact(key, "", f"line {rows[0].line} {why}")
    return DerivedFact(key, at.isoformat().replace("+00:00", "Z"), f"line {rows[0].line}")


def _rows(name: str, labels: Sequence[LabelledLine]) -> list[LabelledLine]:
    rows = [row for row in labels if row.label in _CLOCKS[name]]
    if rows or name not in _PAIR:
        return rows
    pair = [row for row in labels if row.label in _PAIR.values()]
    is_pair = {row.label for row in pair} == {*_PAIR.values()} and len(pair) == len(_PAIR)
    return [row for row in pair if row.label == _PAIR[name]] if is_pair else []


def _moment(row: LabelledLine) -> datetime | None:
    """The moment that a line names whole, in UTC; the zone may stand in its label."""
    text = row.value.strip(EDGES).lstrip("@")
    found = read_written_time(text)
    if found is None or found.until or not found.day or not found.clock:
        return None
    if not _REMARK.fullmatch(text[found.end :]):
        return None
    zone = found.zone or zone_in(row.note)
    return found.at(zone=zone) if zone else None
