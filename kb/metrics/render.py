"""The metrics page in a terminal: the three answers first, then every number with its n.

Lines fit 80 columns.
"""

from __future__ import annotations

import csv
import io
import textwrap
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from kb.humanize import WHOSE, bar, format_alike, format_value, plural, said_interval
from kb.metrics.all_hands_sentences import (
    news_sentences,
    promise_sentences,
    repeat_sentences,
    window_note,
    window_title,
)
from kb.metrics.registry import FAMILIES
from kb.metrics.result_types import (
    AllHands,
    Deadline,
    Measure,
    MetricPart,
    MetricsPage,
    Pair,
    QuestionAnswer,
)
from kb.metrics.review_measures import REVIEW_HOURS
from kb.metrics.sharing_deadlines import SHARING_HOURS
from kb.terminal import as_lines

WIDTH = 80
_TITLE, _BAR = 40, 10
_TIE = "\N{NO-BREAK SPACE}"
_SHOWN = 6  # rows of a list before it says how many more there are
_PROMISES = {
    "review": f"review within {REVIEW_HOURS} h",
    "external": f"published outside within {SHARING_HOURS} h",
    "copy": f"copy to a customer within {SHARING_HOURS} h",
}


def page_text(
    page: MetricsPage, compared: MetricsPage | None = None, names: Sequence[str] = ()
) -> str:
    """The whole page, or the numbers named; with `compared` each beside what it was then."""
    if names:
        lines = [*_numbers(page, names, compared), "", *_foot(page, compared)]
        return as_lines(lines)
    blocks = (
        _head(page),
        *(_answer(answer) for answer in page.answers),
        _since_last(page.all_hands),
        *(_family(page, family, compared) for family in FAMILIES),
        _quarters(page.measure("detection_chain")),
        _reading(page.all_hands),
        _pairs(page.pairs),
        _by_owner(page.measure("actions_overdue")),
        _deadlines(page.deadlines),
        _foot(page, compared),
    )
    texts = (as_lines(lines) for block in blocks if (lines := list(block)))
    return "\n".join(texts)


def measure_text(measure: Measure) -> str:
    """One measure explained: its definition, its slices and the records behind it."""
    goal = (
        f"{measure.goal.sign} {format_value(measure.goal.bound, measure.unit)}"
        if measure.goal
        else ""
    )
    head = [f"{measure.title} ({measure.name})", *_wrapped(measure.definition)]
    facts = [
        ("value", format_value(measure.value, measure.unit)),
        ("95 %", said_interval(measure.low, measure.high, measure.unit)),
        ("quartiles", said_interval(measure.lower_quartile, measure.upper_quartile, measure.unit)),
        ("n", str(measure.n)),
        ("unknown", _unknown(measure)),
        ("goal", goal),
        ("formula", measure.formula),
        ("from", measure.source),
        *(("note", note) for note in measure.notes),
    ]
    lines = [*head, *_facts(facts), *_slices(measure)]
    for name, items in _what_counts(measure):
        lines += [f"  {name:<10} {item}" for item in items]
    return as_lines(lines)


def months_text(pages: Sequence[MetricsPage], names: Sequence[str]) -> str:
    """The series of some measures, one line a month."""
    lines = []
    for name in names:
        found = [(page.as_of.day.isoformat(), page.measure(name)) for page in pages]
        lines += ["", f"{found[0][1].title}"]
        lines += _bars([(day, m.value, m.unit, m.n) for day, m in found])
    return as_lines(lines[1:])


def _head(page: MetricsPage) -> Iterator[str]:
    commit = f", commit {page.as_of.commit[:9]}" if page.as_of.commit else ""
    counts = page.counts
    yield f"{page.library}: are we learning?"
    published = plural(counts.published, "published record")
    yield f"{page.as_of.day}{commit} · {published} of {WHOSE[page.origin]}"
    window = f"only what began on or after {page.since}" if page.since else ""
    apart = f"{counts.in_review} in review and {plural(counts.drafts, 'draft')} not counted"
    yield "; ".join(part for part in (apart, window) if part)


def _answer(answer: QuestionAnswer) -> Iterator[str]:
    verdict = answer.verdict.upper()
    yield f"{answer.question:<{WIDTH - len(verdict)}}{verdict}"
    for line in answer.lines:
        yield from _wrapped(line)


def _family(page: MetricsPage, family: str, compared: MetricsPage | None) -> Iterator[str]:
    measures = [measure for measure in page.measures if measure.family == family]
    columns = f"{'then':>23}" if compared else f"{'':{_BAR}} {'95 %':>12}"
    yield f"{FAMILIES[family]:<{_TITLE}}{'value':>9} {columns} {'n':>4}"
    for measure in measures:
        then = compared.measure(measure.name) if compared else None
        if measure.n or measure.unknown or (then and then.n):
            yield _row(measure, then)
        if measure.name == "section_coverage" and measure.n and not compared:
            yield from (_part_row(part) for part in measure.parts_by("section"))
    empty = ", ".join(m.name for m in measures if not (m.n or m.unknown))
    if empty:
        yield from _wrapped(f"no record carries what this needs: {empty}")


def _numbers(
    page: MetricsPage, names: Sequence[str], compared: MetricsPage | None
) -> Iterator[str]:
    yield f"{'':<{_TITLE}}{'value':>9} {'then':>23} {'n':>4}"
    for name in names:
        yield _row(page.measure(name), compared.measure(name) if compared else None)


def _row(measure: Measure, then: Measure | None) -> str:
    """One number; `*` says that there is a note, the mark behind it whether its goal is met."""
    mark = {True: "✓", False: "✗", None: ""}[measure.meets_goal]
    value = format_value(measure.value, measure.unit)
    if then:
        columns = f"{format_value(then.value, then.unit)} (n {then.n})".rjust(23)
    else:
        drawn = bar(measure.value or 0, _BAR) if measure.unit == "share" else ""
        interval = said_interval(measure.low, measure.high, measure.unit)
        columns = f"{drawn:<{_BAR}} {interval:>12}"
    note = "*" if measure.notes else " "
    return (
        f"  {measure.title:<{_TITLE - 2}}{value:>9} {columns} {measure.n:>4}{note}{mark}".rstrip()
    )


def _part_row(part: MetricPart) -> str:
    drawn, interval = bar(part.value or 0, _BAR), said_interval(part.low, part.high, "share")
    value = format_value(part.value, "share")
    return f"    {part.label:<{_TITLE - 4}}{value:>9} {drawn:<{_BAR}} {interval:>12} {part.n:>4}"


def _quarters(measure: Measure) -> Iterator[str]:
    quarters = measure.parts_by("quarter")[-_SHOWN:]
    if len(quarters) > 1:
        yield f"{measure.title} by quarter, median"
        yield from _bars([(part.label, part.value, measure.unit, part.n) for part in quarters])


def _bars(rows: Sequence[tuple[str, float | None, str, int]]) -> Iterator[str]:
    top = max((value for _, value, _, _ in rows if value is not None), default=0)
    width = min(24, max((len(label) for label, *_ in rows), default=0))
    room = WIDTH - width - 24
    parts = format_alike((value for _, value, _, _ in rows), rows[0][2]) if rows else ()
    for (label, value, unit, n), number in zip(rows, parts, strict=True):
        scale = 1 if unit == "share" else top
        drawn = bar(value / scale, room) if value and scale else ""
        yield f"  {label[:width]:<{width}} {drawn:<{room}} {number:>9}  n {n}"


def _pairs(pairs: Sequence[Pair]) -> Iterator[str]:
    """The named repeats, the latest first: what the next meeting is about."""
    repeats = list(dict.fromkeys((pair.record, pair.earlier) for pair in reversed(pairs)))
    if repeats:
        yield "Repeats that a kept promise might have prevented"
    for record, earlier in repeats[:_SHOWN]:
        yield from (f"  {record}", f"  repeats {earlier}")
        for pair in pairs:
            if (pair.record, pair.earlier) == (record, earlier):
                yield from _wrapped(_promise(pair), indent=4)
    yield from _more_elsewhere(len(repeats), "kb metrics preventable_repeats, or --json")


def _promise(pair: Pair) -> str:
    state = f"closed on {pair.closed}" if pair.closed else "not closed to this day"
    label, owner = pair.action.rpartition("#")[2], pair.owner or "nobody"
    return f"{label}, {owner}: open for {plural(pair.days_open, 'day')}, {state}: {pair.text}"


def _by_owner(measure: Measure) -> Iterator[str]:
    owners = sorted(measure.parts_by("owner"), key=lambda part: (-(part.value or 0), part.label))
    if owners:
        yield "Overdue actions by owner"
        yield from _bars([(part.label, part.value, "count", part.n) for part in owners[:_SHOWN]])
    yield from _more_elsewhere(len(owners), "kb actions --overdue")


def _deadlines(deadlines: Sequence[Deadline]) -> Iterator[str]:
    if deadlines:
        yield "Promises with a clock, not kept yet"
    for deadline in deadlines[:_SHOWN]:
        hours = abs(deadline.hours_left)
        when = f"{format_value(hours, 'hours')} {'late' if deadline.is_missed else 'left'}"
        yield f"  {when:>14}  {_PROMISES[deadline.promise]}: {deadline.record}"
    yield from _more_elsewhere(len(deadlines), "kb metrics --json")


def _since_last(seen: AllHands | None) -> Iterator[str]:
    if seen is None:
        return
    yield window_title(seen)
    for sentences in (news_sentences(seen), repeat_sentences(seen), promise_sentences(seen)):
        yield from _wrapped(" ".join(sentences))
    if note := window_note(seen):
        yield from _wrapped(note)


def _reading(seen: AllHands | None) -> Iterator[str]:
    """The records to be read at the next all-hands, each with its lesson."""
    if seen is None or not seen.new:
        return
    yield "To be read at the next all-hands, with one lesson each"
    for new in seen.new[:_SHOWN]:
        day = str(new.published or "unknown")
        yield f"  {day} {new.severity or '':<4} {new.record}"
        yield from _wrapped(new.lesson or "no lesson is written", indent=4)
    yield from _more_elsewhere(len(seen.new), "kb metrics reading_list")


def _foot(page: MetricsPage, compared: MetricsPage | None) -> Iterator[str]:
    if compared:
        commit = compared.as_of.commit[:9]
        yield f"'then' is {compared.as_of.day}, commit {commit}."
    for note in page.notes:
        yield from _wrapped(note, indent=0)
    yield "✓ meets its goal, ✗ misses it, * something is left out or stands in."
    yield "'kb metrics NAME' explains a number and lists its records; --names names them."


def _slices(measure: Measure) -> Iterator[str]:
    for part in measure.parts:
        interval = said_interval(part.low, part.high, measure.unit)
        tail = f"({interval})" if interval else ""
        value = format_value(part.value, measure.unit)
        yield f"  {part.by:<10} {part.label:<30} {value:>9}  n {part.n:<5} {tail}".rstrip()


def _unknown(measure: Measure) -> str:
    """How many cases nobody knows, and what the number could be."""
    if not measure.unknown:
        return ""
    between = said_interval(*measure.bounds, measure.unit)
    return f"{measure.unknown}: were they known, {between}" if between else str(measure.unknown)


def _what_counts(measure: Measure) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """What stands behind a number: what counts and what does not, or else its records."""
    if measure.hits or measure.misses:
        return (("counts", measure.hits), ("does not", measure.misses))
    return (("records", measure.records),)


def _facts(facts: Iterable[tuple[str, str]]) -> Iterator[str]:
    for name, text in facts:
        if text:
            lines = textwrap.wrap(text, WIDTH - 13)
            yield f"  {name:<10} {lines[0]}"
            yield from (f"  {'':<10} {line}" for line in lines[1:])


def _wrapped(text: str, indent: int = 2) -> list[str]:
    """The lines of a text; a number stays with its `n` and its `%`."""
    lead = " " * indent
    tied = text.replace("(n ", f"(n{_TIE}").replace(" %", f"{_TIE}%")
    lines = textwrap.wrap(tied, WIDTH, initial_indent=lead, subsequent_indent=lead)
    return [line.replace(_TIE, " ") for line in lines]


def _more_elsewhere(n: int, where: str) -> Iterator[str]:
    if n > _SHOWN:
        yield f"  … and {n - _SHOWN} more: {where}"


_COLUMNS = (
    "name",
    "by",
    "label",
    "value",
    "unit",
    "n",
    "low",
    "high",
    "lower_quartile",
    "upper_quartile",
    "goal",
    "records",
    "unknown",
    "hits",
    "notes",
)


def only(page: MetricsPage, names: Sequence[str]) -> MetricsPage:
    """The page with these measures alone, in this order; the whole page for no names."""
    if not names:
        return page
    measures = tuple(page.measure(name) for name in names)
    return replace(page, measures=measures, answers=(), pairs=(), deadlines=(), all_hands=None)


def page_csv(page: MetricsPage, compared: MetricsPage | None = None) -> str:
    """One line a measure and one a slice, with a header; with `compared`, what each was then."""
    rows: list[Sequence[object]] = []
    for measure in page.measures:
        then = compared.measure(measure.name) if compared else None
        rows.append((*_measure_cells(measure), *_then_cells(then)))
        rows += [(*_part_cells(measure, part), *_then_part(then, part)) for part in measure.parts]
    return _csv((*_COLUMNS, *(("then_value", "then_n") if compared else ())), rows)


def series_csv(pages: Sequence[MetricsPage]) -> str:
    """One line a measure and month, with a header."""
    columns = ("date", "commit", "name", "value", "unit", "n", "low", "high", "unknown")
    rows = (
        (page.as_of.day, page.as_of.commit, m.name, m.value, m.unit, m.n, m.low, m.high, m.unknown)
        for page in pages
        for m in page.measures
    )
    return _csv(columns, rows)


def series_markdown(pages: Sequence[MetricsPage]) -> str:
    """A table: one line a month, one column a measure."""
    titles = [measure.title for measure in pages[-1].measures]
    lines = ["| month | " + " | ".join(titles) + " |", "|---|" + "---:|" * len(titles)]
    lines += [
        f"| {page.as_of.day} | " + " | ".join(_then(m) for m in page.measures) + " |"
        for page in pages
    ]
    return as_lines(lines)


def _csv(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return stream.getvalue()


def _then_cells(then: Measure | None) -> tuple[object, ...]:
    return (then.value, then.n) if then else ()


def _then_part(then: Measure | None, part: MetricPart) -> tuple[object, ...]:
    if then is None:
        return ()
    same = (other for other in then.parts if (other.by, other.label) == (part.by, part.label))
    return next(((other.value, other.n) for other in same), ("", ""))


def page_markdown(page: MetricsPage, compared: MetricsPage | None = None) -> str:
    """The page for a wiki, a comment or a slide: answers, then a table a family."""
    commit = f", commit `{page.as_of.commit[:9]}`" if page.as_of.commit else ""
    lines = [f"# {page.library}: are we learning?", "", f"As of {page.as_of.day}{commit}.", ""]
    for answer in page.answers:
        lines += [f"## {answer.question} {answer.verdict.capitalize()}", ""]
        lines += [*(f"- {line}" for line in answer.lines), ""]
    families = {measure.family for measure in page.measures}
    for family, title in ((key, title) for key, title in FAMILIES.items() if key in families):
        lines += [f"### {title}", "", *_table(page, family, compared), ""]
    if page.pairs:
        lines += ["### Repeats that a kept promise might have prevented", ""]
        lines += [*_pair_lines(page), ""]
    return as_lines([*lines, *(f"> {note}" for note in page.notes)]).rstrip() + "\n"


def _table(page: MetricsPage, family: str, compared: MetricsPage | None) -> Iterator[str]:
    then_head = " then |" if compared else ""
    yield f"| measure | value |{then_head} 95 % | n | goal |"
    yield f"|---|---:|{'---:|' if compared else ''}---:|---:|---|"
    for measure in page.measures:
        if measure.family == family:
            then = f" {_then(compared.measure(measure.name))} |" if compared else ""
            interval = said_interval(measure.low, measure.high, measure.unit)
            value = format_value(measure.value, measure.unit)
            yield (
                f"| {measure.title} | {value} |{then} {interval} | {measure.n} | {_goal(measure)} |"
            )


def _then(measure: Measure) -> str:
    return f"{format_value(measure.value, measure.unit)} (n {measure.n})"


def _pair_lines(page: MetricsPage) -> Iterator[str]:
    for pair in page.pairs:
        owner = pair.owner or "nobody"
        yield (
            f"- [{pair.record}]({pair.record}.md) repeats [{pair.earlier}]({pair.earlier}.md): "
            f"{_one_line(pair.text)} ({owner}) had been open for {plural(pair.days_open, 'day')}"
        )


def _one_line(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _goal(measure: Measure) -> str:
    if measure.goal is None:
        return ""
    undecided = "cannot be decided" if measure.unknown else "no value"
    reached = {True: "met", False: "missed", None: undecided}[measure.meets_goal]
    return f"{measure.goal.sign} {format_value(measure.goal.bound, measure.unit)}: {reached}"


def _measure_cells(measure: Measure) -> Sequence[object]:
    goal = f"{measure.goal.sign} {measure.goal.bound:g}" if measure.goal else ""
    return (
        measure.name,
        "",
        "",
        measure.value,
        measure.unit,
        measure.n,
        measure.low,
        measure.high,
        measure.lower_quartile,
        measure.upper_quartile,
        goal,
        " ".join(measure.records),
        measure.unknown,
        _harmless(" ".join(measure.hits)),
        _harmless(" ".join(measure.notes)),
    )


def _part_cells(measure: Measure, part: MetricPart) -> Sequence[object]:
    records = " ".join(part.records)
    value = (part.value, measure.unit, part.n, part.low, part.high)
    return (measure.name, part.by, _harmless(part.label), *value, "", "", "", records, "", "", "")


def _harmless(label: str) -> str:
    """A label that no spreadsheet takes for a formula: handles begin with `@`."""
    return f"'{label}" if label[:1] in {"=", "+", "-", "@", "\t", "\r"} else label
