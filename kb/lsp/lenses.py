"""Code lenses, inlay hints and actions that show earlier incidents, and put one into the record."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from lsprotocol import types

from kb.humanize import duration, plural
from kb.lint.fmt.detection_minutes import KEY as MINUTES_KEY
from kb.lint.fmt.detection_minutes import chain_minutes
from kb.lint.fmt.text_edit import newline_of
from kb.lsp.open_record import OpenRecord
from kb.records.action_and_prior_items import PRIOR_TO_FILL
from kb.terminal import cut, visible

if TYPE_CHECKING:
    from kb.lsp.earlier_incidents import EarlierIncidents
    from kb.search.answer import Match

INSERT = "kb.insertPrior"
CHOOSE = "kb.choosePrior"
BUILD = "kb.buildIndex"
VERDICTS = ("repeat", "related", "different")
_MOST_LENSES = 3
_SECTION = "counterfactual"


def lenses(record: OpenRecord, earlier: EarlierIncidents | None) -> list[types.CodeLens]:
    """One lens at the title, and one for each incident without a verdict at the Counterfactual."""
    if earlier is None or record.document.front.text("status") == "published":
        return []
    places = [record.range_of(line) for line in _lines(record)]
    if earlier.answer is None:
        build = _command("Earlier incidents: no index yet · build it", BUILD, record.uri)
        return [types.CodeLens(places[0], build)]
    open_ones = unjudged_matches(record, earlier)
    summary = summary_words(record, earlier)
    choose = _command(f"{summary} · insert with verdict", CHOOSE, record.uri)
    nothing = _command(summary, "")
    found = [types.CodeLens(places[0], choose if open_ones else nothing)]
    for match in open_ones[:_MOST_LENSES] if len(places) > 1 else ():
        title = f"{_chance(match)} {visible(match.id)} · insert with verdict"
        insert = _command(title, INSERT, record.uri, match.id)
        found.append(types.CodeLens(places[1], insert))
    if earlier.behind:
        behind = f"{plural(earlier.behind, 'record')} newer than the index · bring it up to date"
        found.append(types.CodeLens(places[0], _command(behind, BUILD, record.uri)))
    return found


def _command(title: str, name: str, *arguments: str) -> types.Command:
    return types.Command(title=title, command=name, arguments=list(arguments))


def summary_words(record: OpenRecord, earlier: EarlierIncidents) -> str:
    """How many earlier incidents there are, and how likely the first is: `3 … , 91 % …`."""
    found = earlier.matches
    public = f" · {len(earlier.public)} public" if earlier.public else ""
    if not found:
        return f"No earlier incident like this{public}"
    text = plural(len(found), "earlier incident")
    title = visible(cut(found[0].title, 60))
    judged = "" if unjudged_matches(record, earlier) else " · all have a verdict"
    return f"{text}, {_chance(found[0])} {title}{public}{judged}"


def unjudged_matches(record: OpenRecord, earlier: EarlierIncidents) -> tuple[Match, ...]:
    """The matches that have no verdict in the record as it stands."""
    judged = {prior.id for prior in record.document.priors if prior.verdict}
    return tuple(match for match in earlier.matches if match.id not in judged)


def _chance(match: Match) -> str:
    return f"{match.probability:.0%}".replace("%", " %")


def _lines(record: OpenRecord) -> list[int]:
    """The line of the title, and that of the Counterfactual where there is one."""
    front = (entry.line for entry in record.document.front.entries if entry.key == "title")
    heading = (section.line for section in record.document.sections if section.level == 1)
    title = next(front, None) or next(heading, 1)
    section = record.document.section(_SECTION)
    return [title, section.line] if section else [title]


def inlay_hints(
    record: OpenRecord,
    earlier: EarlierIncidents | None,
    span: types.Range,
    *,
    without_lenses: bool,
) -> list[types.InlayHint]:
    """Hints at ends of lines: the title and chance of a named incident, the computed minutes.

    For clients `without_lenses` what those would say, too.
    """
    parts = list(_hints(record, earlier))
    if without_lenses and earlier is not None and earlier.answer is not None:
        parts += [(line, summary_words(record, earlier)) for line in _lines(record)]
    found = [_hint(record, line, text) for line, text in parts]
    return [h for h in found if span.start.line <= h.position.line <= span.end.line]


def _hints(record: OpenRecord, earlier: EarlierIncidents | None) -> Iterator[tuple[int, str]]:
    chances = {match.id: _chance(match) for match in (earlier.matches if earlier else ())}
    for prior in record.document.priors:
        card = record.view.by_id.get(prior.id)
        if card is not None:
            yield prior.line, " · ".join(filter(None, (chances.get(prior.id), card.title)))
    section = record.document.section("detection")
    minutes = chain_minutes(record.document)
    for field in section.fields if section and minutes is not None else ():
        if field.key == MINUTES_KEY and minutes is not None:
            yield field.line, f"{minutes:g} by the clocks, {duration(minutes)}"


def _hint(record: OpenRecord, line: int, text: str) -> types.InlayHint:
    end = record.offset(line) + len(record.document.source_line(line))
    position = record.places.position(end)
    return types.InlayHint(position, visible(cut(text, 80)), padding_left=True)


def insertions(
    record: OpenRecord, earlier: EarlierIncidents | None, span: types.Range
) -> Iterator[types.CodeAction]:
    """Actions that insert an incident with each verdict, on the title and in the Counterfactual."""
    section = record.document.section(_SECTION)
    first, last = span.start.line + 1, span.end.line + 1
    lines = _lines(record)
    inside = section is not None and first <= section.end_line and section.line <= last
    if earlier is None or not (inside or first <= lines[0] <= last):
        return
    for match in unjudged_matches(record, earlier)[:_MOST_LENSES]:
        for verdict in VERDICTS:
            yield types.CodeAction(
                title=f"{verdict}: {_chance(match)} {visible(match.id)}",
                kind=types.CodeActionKind.Refactor,
                edit=insertion(record, match.id, verdict),
            )


def insertion(record: OpenRecord, prior_id: str, verdict: str) -> types.WorkspaceEdit:
    """The edit that gives an incident its verdict: in its item, else as a new one at the end."""
    known = next((prior for prior in record.document.priors if prior.id == prior_id), None)
    edit = (
        _judged(record, known.line, verdict)
        if known is not None
        else _added(record, prior_id, verdict)
    )
    return types.WorkspaceEdit(changes={record.uri: [edit]})


def _judged(record: OpenRecord, line: int, verdict: str) -> types.TextEdit:
    """The verdict in the box of an item, and a question in place of what search had said."""
    source = record.document.source_line(line)
    match = re.match(r"([ \t]*[-*+][ \t]+)\[[^\]\n]*\]([ \t]+\[[^\]\n]+\]\([^)\s]+\))(.*)$", source)
    start = record.offset(line)
    if match is None:
        return types.TextEdit(record.places.span(start, start), "")
    is_proposed = re.match(r"[ \t]*—[ \t]*(?:\d{1,3}%|by words):", match[3]) or not match[3].strip()
    behind = f" — {PRIOR_TO_FILL}" if is_proposed else match[3]
    span = record.places.span(start, start + len(source))
    return types.TextEdit(span, f"{match[1]}[{verdict}]{match[2]}{behind}")


def _added(record: OpenRecord, prior_id: str, verdict: str) -> types.TextEdit:
    newline = newline_of(record.document.text)
    item = f"- [{verdict}] [{prior_id}]({prior_id}.md) — {PRIOR_TO_FILL}"
    section = record.document.section(_SECTION)
    line = section.end_line if section else record.document.text.count("\n") + 1
    while line > 1 and not record.document.source_line(line).strip():
        line -= 1
    last = record.document.source_line(line)
    at = record.offset(line) + len(last)
    blank = newline if re.match(r"[ \t]*[-*+][ \t]", last) else newline * 2
    heading = "" if section else f"{newline}{newline}## {_heading(record)}"
    return types.TextEdit(record.places.span(at, at), f"{heading}{blank}{item}")


def _heading(record: OpenRecord) -> str:
    return record.view.library.form.section(_SECTION).heading
