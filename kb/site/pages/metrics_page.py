"""The metrics page: three answers, charts with their tables, and the method."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from markupsafe import Markup

from kb.humanize import WHOSE, format_value, in_words, plural, said_interval
from kb.metrics.registry import FAMILIES
from kb.metrics.result_types import Measure, MetricPart, MetricsPage
from kb.site import links
from kb.site.content import Site
from kb.site.pages import charts
from kb.site.pages.duration_chart import DurationFacts, duration_chart, how_durations_are_read
from kb.site.pages.home import answer_cards, headline
from kb.site.pages.page import PageValues
from kb.site.pages.record_links import Link, record_link

_LISTED = 12
#: Repeats named before the numbers: more would push those off the second sheet of paper.
_PAIRS = 6
_CLASSES = 8
#: The aim of the detection section, drawn as a line.
_GOAL_MINUTES = 30
_BAR = "its bar the 95 % interval"


@dataclass(frozen=True, slots=True)
class IncidentTime:
    """One incident of a chart in its table."""

    link: Link
    date: date
    undetected: str


@dataclass(frozen=True, slots=True)
class PartRow:
    """One part of a measure in the table under its chart."""

    label: str
    value: str
    interval: str
    n: int


@dataclass(frozen=True, slots=True)
class ChartCard:
    """A chart under its number, how it is read, and what it was drawn from."""

    title: str
    number: str
    chart: Markup
    n: int | None = None
    head: str = ""
    rows: tuple[PartRow, ...] = ()
    incidents: tuple[IncidentTime, ...] = ()
    reading: str = ""


@dataclass(frozen=True, slots=True)
class MeasureLine:
    """One measure in its family: its number, how it is made, and the records behind it."""

    title: str
    number: str
    small: str
    meets_goal: bool | None
    facts: tuple[tuple[str, str], ...]
    counted: str
    records: tuple[Link, ...]
    unlisted: int


def metrics(site: Site) -> Iterator[PageValues]:
    """The page, or why there is none."""
    path = links.METRICS
    page = site.measured
    if page is None:
        why = site.why_not_measured or "Nothing has been measured."
        yield PageValues(path, "Metrics", {"why_none": why})
        return
    values = {
        "why_none": "",
        "answers": answer_cards(page.answers),
        "headline": headline(page.answers),
        "published": plural(page.counts.published, "published record"),
        "whose": WHOSE[page.origin],
        "as_of": page.as_of.day,
        "commit": page.as_of.commit[:9],
        "charts": tuple(_charts(site, page)),
        "pairs": _preventable(site, page)[:_PAIRS],
        "more_pairs": max(0, len(page.pairs) - _PAIRS),
        "families": tuple(_families(site, page)),
        "notes": page.notes,
    }
    text = " ".join(answer.lines[0] for answer in page.answers if answer.lines)
    yield PageValues(path, "Metrics", values, text, contents=True)


def _charts(site: Site, page: MetricsPage) -> Iterator[ChartCard]:
    yield from _detection(site, page)
    for name in ("repeat_rate", "class_recurrence", "action_completion"):
        measure = page.measure(name)
        parts = measure.parts_by("year") or measure.parts_by("quarter")
        if parts:
            chart = charts.shares(parts, charts.goal_of(measure))
            yield _card(measure, chart, parts, reading=_reading_of_shares(measure, parts))
    coverage = page.measure("section_coverage")
    if coverage.n and (sections := coverage.parts_by("section")):
        chart = charts.intervals(sections, coverage.unit)
        yield _card(coverage, chart, sections, reading=f"A dot is a share of records, {_BAR}.")
    yield from _by_class(site)


def _detection(site: Site, page: MetricsPage) -> Iterator[ChartCard]:
    measure = page.measure("detection_chain")
    points, times = [], []
    for record_id in measure.records:
        record = site.by_id.get(record_id)
        minutes = record.clocks.detection_chain_minutes if record else None
        if record is not None and minutes is not None:
            link, said = record_link(site, links.METRICS, record_id), _undetected(minutes)
            title = f"{record.title}: {said}"
            points.append(charts.Dot(record.date, minutes, title, link.address))
            times.append((minutes, IncidentTime(link, record.date, said)))
    if points:
        longest_first = sorted(times, key=lambda pair: -pair[0])
        facts = DurationFacts(
            median=measure.value,
            low=measure.low,
            high=measure.high,
            is_changing=measure.change in {"rise", "fall"},
            goal_minutes=_GOAL_MINUTES,
        )
        chart = duration_chart(points, facts)
        told = tuple(one for _, one in longest_first)
        reading = f"{how_durations_are_read(points, facts)}{_left_out(measure)}"
        yield _card(measure, chart, measure.series, told, reading)


def _undetected(minutes: float) -> str:
    """How long nobody knew; less than nothing is said in words."""
    return format_value(minutes, "minutes") if minutes >= 0 else "seen before it had an effect"


def _card(
    measure: Measure,
    chart: Markup,
    parts: Sequence[MetricPart],
    incidents: tuple[IncidentTime, ...] = (),
    reading: str = "",
) -> ChartCard:
    return ChartCard(
        title=measure.title,
        number=format_value(measure.value, measure.unit),
        chart=chart,
        n=measure.n,
        head=parts[0].by.capitalize() if parts else "",
        rows=tuple(_part(part, measure.unit) for part in parts),
        incidents=incidents,
        reading=reading,
    )


def _reading_of_shares(measure: Measure, parts: Sequence[MetricPart]) -> str:
    """What the marks of a chart of shares are, and what is on none of them."""
    by, earlier = parts[0].by, len(parts) - charts.MOST_COLUMNS
    unshown = f" {plural(earlier, f'earlier {by}')}: see the numbers." if earlier > 0 else ""
    return f"A dot is the share of a {by}, {_BAR}.{unshown}{_left_out(measure)}"


def _left_out(measure: Measure) -> str:
    """How many cases the number could not count, as a sentence after others."""
    return f" {measure.unknown:,} more not counted: unknown." if measure.unknown else ""


def _part(part: MetricPart, unit: str) -> PartRow:
    interval = said_interval(part.low, part.high, unit) or "–"
    return PartRow(part.label, format_value(part.value, unit), interval, part.n)


def _by_class(site: Site) -> Iterator[ChartCard]:
    counts = sorted(((len(m), word) for word, m in site.by_class.items()), reverse=True)[:_CLASSES]
    if counts:
        most = f" The {len(counts)} most frequent." if len(site.by_class) > len(counts) else ""
        yield ChartCard(
            title="Records by failure class",
            number=plural(len(site.by_class), "class", "classes"),
            chart=charts.bars([(word, float(count)) for count, word in counts], "count"),
            reading=f"A record may name several classes.{most}",
        )


def _preventable(site: Site, page: MetricsPage) -> list[Mapping[str, object]]:
    return [
        {
            "record": record_link(site, links.METRICS, pair.record),
            "earlier": record_link(site, links.METRICS, pair.earlier),
            "text": pair.text,
            "days_open": pair.days_open,
        }
        for pair in reversed(page.pairs)
    ]


def _families(site: Site, page: MetricsPage) -> Iterator[tuple[str, list[MeasureLine]]]:
    for family, title in FAMILIES.items():
        known = [m for m in page.measures if m.family == family and (m.n or m.value)]
        if known:
            yield title, [_measure(site, measure) for measure in known]


def _measure(site: Site, measure: Measure) -> MeasureLine:
    interval = said_interval(measure.low, measure.high, measure.unit)
    records = _records_behind(site, measure)
    return MeasureLine(
        title=measure.title,
        number=format_value(measure.value, measure.unit),
        small=f"95 % interval {interval}, n {measure.n}" if interval else f"n {measure.n}",
        meets_goal=measure.meets_goal,
        facts=tuple(explained(measure)),
        counted="Counted" if measure.hits else "Records",
        records=tuple(record_link(site, links.METRICS, one) for one in records[:_LISTED]),
        unlisted=max(0, len(records) - _LISTED),
    )


def explained(measure: Measure) -> Iterator[tuple[str, str]]:
    """What a reader of a measure is told of it: label and text, in order."""
    yield "What", measure.definition
    yield "How", measure.formula
    yield "From", measure.source
    if measure.goal:
        yield "Goal", f"{measure.goal.sign} {format_value(measure.goal.bound, measure.unit)}"
    if kinds := measure.parts_by("kind"):
        parts = (f"{in_words(k.label)} {format_value(k.value, measure.unit)}" for k in kinds)
        yield "By kind", ", ".join(parts)
    for note in measure.notes:
        yield "Note", note


def _records_behind(site: Site, measure: Measure) -> list[str]:
    """The records behind the number; of a share, those that make it."""
    counted = tuple(dict.fromkeys(_record_of(item) for item in measure.hits)) or measure.records
    return [record_id for record_id in counted if record_id in site.by_id]


def _record_of(item: str) -> str:
    return item.split("#", 1)[0].split("@", 1)[0]
