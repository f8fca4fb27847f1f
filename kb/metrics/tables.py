"""The metrics page for spreadsheets and documents: CSV rows, Markdown tables."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from kb.format import plural, said, said_interval
from kb.metrics.registry import FAMILIES
from kb.metrics.values import Measure, Page, Part
from kb.terminal import as_lines

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


def only(page: Page, names: Sequence[str]) -> Page:
    """The page with these measures alone, in this order; the whole page for no names."""
    if not names:
        return page
    measures = tuple(page.measure(name) for name in names)
    return replace(page, measures=measures, answers=(), pairs=(), deadlines=())


def page_csv(page: Page, compared: Page | None = None) -> str:
    """One line a measure and one a slice, with a header; with `compared`, what each was then."""
    rows: list[Sequence[object]] = []
    for measure in page.measures:
        then = compared.measure(measure.name) if compared else None
        rows.append((*_measure_cells(measure), *_then_cells(then)))
        rows += [(*_part_cells(measure, part), *_then_part(then, part)) for part in measure.parts]
    return _csv((*_COLUMNS, *(("then_value", "then_n") if compared else ())), rows)


def series_csv(pages: Sequence[Page]) -> str:
    """One line a measure and month, with a header."""
    columns = ("date", "commit", "name", "value", "unit", "n", "low", "high", "unknown")
    rows = (
        (page.as_of.day, page.as_of.commit, m.name, m.value, m.unit, m.n, m.low, m.high, m.unknown)
        for page in pages
        for m in page.measures
    )
    return _csv(columns, rows)


def series_markdown(pages: Sequence[Page]) -> str:
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


def _then_part(then: Measure | None, part: Part) -> tuple[object, ...]:
    if then is None:
        return ()
    same = (other for other in then.parts if (other.by, other.label) == (part.by, part.label))
    return next(((other.value, other.n) for other in same), ("", ""))


def page_markdown(page: Page, compared: Page | None = None) -> str:
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


def _table(page: Page, family: str, compared: Page | None) -> Iterator[str]:
    then_head = " then |" if compared else ""
    yield f"| measure | value |{then_head} 95 % | n | goal |"
    yield f"|---|---:|{'---:|' if compared else ''}---:|---:|---|"
    for measure in page.measures:
        if measure.family == family:
            then = f" {_then(compared.measure(measure.name))} |" if compared else ""
            interval = said_interval(measure.low, measure.high, measure.unit)
            yield (
                f"| {measure.title} | {said(measure.value, measure.unit)} |{then} {interval} "
                f"| {measure.n} | {_goal(measure)} |"
            )


def _then(measure: Measure) -> str:
    return f"{said(measure.value, measure.unit)} (n {measure.n})"


def _pair_lines(page: Page) -> Iterator[str]:
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
    return f"{measure.goal.sign} {said(measure.goal.bound, measure.unit)}: {reached}"


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


def _part_cells(measure: Measure, part: Part) -> Sequence[object]:
    records = " ".join(part.records)
    value = (part.value, measure.unit, part.n, part.low, part.high)
    return (measure.name, part.by, _harmless(part.label), *value, "", "", "", records, "", "", "")


def _harmless(label: str) -> str:
    """A label that no spreadsheet takes for a formula: handles begin with `@`."""
    return f"'{label}" if label[:1] in {"=", "+", "-", "@", "\t", "\r"} else label
