"""The metrics page: three answers, charts with their tables, and the method."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kb.format import WHOSE, format_value, plural, said_interval
from kb.metrics.registry import FAMILIES
from kb.metrics.values import Measure, MetricPart, MetricsPage
from kb.site import links
from kb.site.content import Site
from kb.site.html import escape
from kb.site.links import SitePage
from kb.site.pages import charts
from kb.site.pages.home import answer_card
from kb.site.pages.pieces import anchor, block, day, heading, record_link, rows

_LISTED = 12


def metrics_page(site: Site) -> SitePage:
    """The page, or why there is none."""
    path = links.METRICS
    measured = site.measured
    if measured is None:
        why = escape(site.why_not_measured or "Nothing has been measured.")
        body = f'<header class="kb-head"><h1>Metrics</h1><p class="kb-quiet">{why}</p></header>'
        return SitePage(path, "Metrics", body, searchable=False)
    parts = [
        block(_head(measured, path)),
        heading("In pictures"),
        block(f'<div class="kb-charts">{"".join(_charts(site, measured))}</div>'),
        *_preventable(site, measured),
    ]
    for family, title in FAMILIES.items():
        rows_ = [m for m in measured.measures if m.family == family and (m.n or m.value)]
        if rows_:
            parts += [heading(title), block(_family(site, rows_))]
    parts += [heading("Method"), block(_method(measured))]
    said_ = " ".join(answer.lines[0] for answer in measured.answers if answer.lines)
    return SitePage(path, "Metrics", "\n\n".join(parts), said_, searchable=False, contents=True)


def _head(page: MetricsPage, path: str) -> str:
    commit = f", commit <code>{escape(page.as_of.commit[:9])}</code>" if page.as_of.commit else ""
    whose = WHOSE[page.origin]
    csv = anchor(links.relative_file(path, "data/metrics.csv"), "CSV", "kb-button")
    data = anchor(links.relative_file(path, "data/metrics.json"), "JSON", "kb-button")
    cards = "".join(answer_card(answer) for answer in page.answers)
    return (
        '<header class="kb-head"><h1>Are we learning?</h1>'
        f'<p class="kb-quiet">{plural(page.counts.published, "published record")} of {whose}, '
        "as of "
        f"{day(page.as_of.day)}{commit}</p>"
        f'<p class="kb-tools">{csv} {data}</p></header>\n<div class="kb-cards">{cards}</div>'
    )


def _charts(site: Site, page: MetricsPage) -> Iterator[str]:
    yield from _detection(site, page)
    for name in ("repeat_rate", "class_recurrence", "action_completion"):
        measure = page.measure(name)
        parts = measure.parts_by("year") or measure.parts_by("quarter")
        if parts:
            goal = charts.goal_of(measure)
            yield _figure(measure, charts.columns(parts, measure.unit, goal), parts)
    coverage = page.measure("section_coverage")
    if sections := coverage.parts_by("section"):
        yield _figure(coverage, charts.intervals(sections, coverage.unit), sections)
    yield from _by_class(site)


def _detection(site: Site, page: MetricsPage) -> Iterator[str]:
    measure = page.measure("detection_chain")
    points = []
    for record_id in measure.records:
        record = site.by_id.get(record_id)
        minutes = record.clocks.detection_chain_minutes if record else None
        if record is not None and minutes is not None:
            address = links.relative(links.METRICS, links.incident(record_id))
            title = f"{record.title}: {_undetected(minutes)}"
            points.append(charts.Dot(record.date, minutes, title, address))
    if points:
        chart = charts.dots(points, 30)
        yield _figure(measure, chart, measure.series, _dot_table(site, points))


def _undetected(minutes: float) -> str:
    """How long nobody knew; less than nothing is said in words."""
    return format_value(minutes, "minutes") if minutes >= 0 else "seen before it had an effect"


def _dot_table(site: Site, points: Sequence[charts.Dot]) -> str:
    body = "".join(
        f'<tr><th scope="row">{anchor(p.address, escape(p.title.rsplit(": ", 1)[0]))}</th>'
        f"<td>{day(p.at)}</td><td>{_undetected(p.value)}</td></tr>\n"
        for p in sorted(points, key=lambda p: -p.value)
    )
    return (
        '<div class="kb-scroll" tabindex="0" role="region" aria-label="Incidents"><table '
        'class="kb-data"><thead><tr><th scope="col">Incident</th><th scope="col">Date</th>'
        f'<th scope="col">Undetected</th></tr></thead>\n<tbody>{body}</tbody></table></div>'
    )


def _figure(measure: Measure, chart: str, parts: Sequence[MetricPart], more: str = "") -> str:
    big = format_value(measure.value, measure.unit)
    by = parts[0].by.capitalize() if parts else ""
    data = charts.table(parts, measure.unit, by) if parts else ""
    return (
        f'<figure class="kb-figure-card"><figcaption><b>{escape(measure.title)}</b>'
        f"<span>{big}<small> n {measure.n}</small></span></figcaption>\n{chart}\n"
        f"<details><summary>The numbers</summary>{more}{data}</details></figure>\n"
    )


def _by_class(site: Site) -> Iterator[str]:
    counts = sorted(((len(m), word) for word, m in site.by_class.items()), reverse=True)[:8]
    if counts:
        chart = charts.bars([(word, float(count)) for count, word in counts], "count")
        yield (
            '<figure class="kb-figure-card"><figcaption><b>Records by failure class</b>'
            f"<span>{plural(len(site.by_class), 'class', 'classes')}</span></figcaption>\n{chart}\n"
            "<p>A record may name several classes.</p></figure>\n"
        )


def _preventable(site: Site, page: MetricsPage) -> list[str]:
    if not page.pairs:
        return []
    items = rows(
        (
            f"{record_link(site, links.METRICS, pair.record)} repeats "
            f"{record_link(site, links.METRICS, pair.earlier)}: "
            f"<q>{escape(pair.text)}</q> had been open for {plural(pair.days_open, 'day')}"
            for pair in page.pairs
        ),
        "kb-pairs",
    )
    return [heading("Repeats a kept promise might have prevented"), block(items)]


def _family(site: Site, measures: Sequence[Measure]) -> str:
    return "\n".join(_measure(site, measure) for measure in measures)


def _measure(site: Site, measure: Measure) -> str:
    met = {
        True: ' <span class="kb-met">goal met</span>',
        False: ' <span class="kb-missed">goal missed</span>',
    }
    goal = met.get(measure.meets_goal, "") if measure.meets_goal is not None else ""
    interval = said_interval(measure.low, measure.high, measure.unit)
    small = f"95 % interval {interval}, n {measure.n}" if interval else f"n {measure.n}"
    return (
        f'<details class="kb-measure"><summary><span class="kb-name">{escape(measure.title)}{goal}'
        f'</span><span class="kb-number">{format_value(measure.value, measure.unit)}</span>'
        f"<small>{small}</small></summary>\n<div>{_explained(site, measure)}</div></details>"
    )


def _explained(site: Site, measure: Measure) -> str:
    facts = [("What", measure.definition), ("How", measure.formula), ("From", measure.source)]
    if measure.goal:
        bound = format_value(measure.goal.bound, measure.unit)
        facts.append(("Goal", f"{measure.goal.sign} {bound}"))
    facts += [("Note", note) for note in measure.notes]
    body = "".join(f"<div><dt>{name}</dt><dd>{escape(text)}</dd></div>" for name, text in facts)
    return f'<dl class="kb-evidence">{body}</dl>{_behind(site, measure)}'


def _behind(site: Site, measure: Measure) -> str:
    """The records behind the number; of a share, those that make it."""
    counted = tuple(dict.fromkeys(_record_of(item) for item in measure.hits)) or measure.records
    known = [record_id for record_id in counted if record_id in site.by_id]
    if not known:
        return ""
    links_ = [record_link(site, links.METRICS, record_id) for record_id in known[:_LISTED]]
    more = (
        f"<li>and {len(known) - _LISTED} more: the JSON has all</li>"
        if len(known) > _LISTED
        else ""
    )
    name = "Counted" if measure.hits else "Records"
    listed = "".join(f"<li>{link}</li>" for link in links_)
    return f"<p><b>{name}</b></p><ul>{listed}{more}</ul>"


def _record_of(item: str) -> str:
    return item.split("#", 1)[0].split("@", 1)[0]


def _method(page: MetricsPage) -> str:
    notes = "".join(f"<li>{escape(note)}</li>" for note in page.notes)
    return (
        "<p>Every number carries n and its records. Durations are medians with quartiles, never "
        "means; intervals are 95 %. No trend is claimed where a half has fewer than five "
        "incidents, and none where the halves do not clearly differ.</p>\n"
        f"<ul>{notes}</ul>"
    )
