"""Hover: what a problem is about, what a key or word means, which record an id names."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from lsprotocol import types

from kb.humanize import duration
from kb.lint.fmt.detection_minutes import KEY as MINUTES_KEY
from kb.lint.fmt.detection_minutes import chain_minutes
from kb.lint.registry import all_rules
from kb.lint.rule import Problem
from kb.lint.rule_docs import rule_page
from kb.lsp.library_view import RecordCard
from kb.lsp.open_record import OpenRecord, quoted_markdown
from kb.records.front_matter_keys import Key, rows
from kb.records.postmortem import minutes_between, read_time
from kb.records.taxonomy import Word

_KEYS = dict(rows())
_MOST_PROMISES = 5


def hover(
    record: OpenRecord, problems: Sequence[Problem], position: types.Position
) -> types.Hover | None:
    """What is known of what stands at a position: problems first, then its meaning."""
    parts = [*_problems(record, problems, position), *_meanings(record, position)]
    if not parts:
        return None
    return types.Hover(types.MarkupContent(types.MarkupKind.Markdown, "\n\n---\n\n".join(parts)))


def _problems(
    record: OpenRecord, problems: Sequence[Problem], position: types.Position
) -> Iterator[str]:
    pages = {rule.code: rule for rule in all_rules()}
    for problem in problems:
        where = record.range_of(problem.line, problem.column, problem.length)
        if where.start <= position <= where.end and problem.rule in pages:
            yield rule_page(pages[problem.rule]).strip()


def _meanings(record: OpenRecord, position: types.Position) -> Iterator[str]:
    line = record.line_at(position)
    if named := record.id_at(position):
        yield from _record(record, named)
    elif record.is_in_front_matter(line):
        yield from _in_front_matter(record, position, line)
    else:
        yield from _in_body(record, position, line)


def _record(record: OpenRecord, named: str) -> Iterator[str]:
    card = record.view.by_id.get(named.partition("#")[0])
    if card is not None:
        yield card_words(card)


def card_words(card: RecordCard) -> str:
    """A record in some lines: what happened, and what was promised then."""
    facts = [card.severity, ", ".join(place.word for place in card.classes)]
    shown_facts = " · ".join(quoted_markdown(fact) for fact in facts if fact)
    lines = [f"**{quoted_markdown(card.title)}**", f"{quoted_markdown(card.id)} · {shown_facts}"]
    for action in card.actions[:_MOST_PROMISES]:
        text = quoted_markdown(action.text[:300])
        lines.append(f"- {action.state}: {quoted_markdown(action.label)} {text}")
    if len(card.actions) > _MOST_PROMISES:
        lines.append(f"- and {len(card.actions) - _MOST_PROMISES} more promises")
    return "\n".join([lines[0], "", lines[1], "", *lines[2:]]).rstrip()


def _in_front_matter(record: OpenRecord, position: types.Position, line: int) -> Iterator[str]:
    found = record.scalar_at(record.places.offset(position))
    if found is None:
        yield from (key_words(_KEYS[key]) for key in _keys_on(record, line) if key in _KEYS)
        return
    key, node = found
    row = _KEYS.get(key)
    if row is None:
        return
    words = record.view.library.form.taxonomies.get(row.taxonomy, ())
    word = next((w for w in words if w.name == (node.text or "").strip()), None)
    yield word_words(word) if word else key_words(row)
    yield from _since_impact(record, key, node.text or "")


def _keys_on(record: OpenRecord, line: int) -> Iterator[str]:
    for entry in record.document.front.entries:
        if entry.line == line:
            yield entry.key
        yield from (f"{entry.key}.{e.key}" for e in entry.value.entries if e.line == line)


def _since_impact(record: OpenRecord, key: str, text: str) -> Iterator[str]:
    """How long after the first impact a clock stands."""
    impact = read_time(record.document.front.text("clocks.first_impact"))
    minutes = minutes_between(impact, read_time(text)) if key.startswith("clocks.") else None
    if minutes:
        when = "after" if minutes > 0 else "before"
        yield f"{duration(abs(minutes))} {when} first impact"


def _in_body(record: OpenRecord, position: types.Position, line: int) -> Iterator[str]:
    section = record.section_at(line)
    row = record.view.library.form.section(section.key) if section and section.key else None
    if section is None or row is None:
        return
    if section.line == line:
        yield f"**{row.heading}**\n\n{row.prompt}\n\nFor example: {quoted_markdown(row.example)}"
        return
    field = next((f for f in section.fields if f.line <= line <= f.end_line), None)
    known = row.field(field.key) if field else None
    if known is not None:
        answers = f"\n\nOne of: {', '.join(known.words)}" if known.words else ""
        yield f"**{known.key}**\n\n{known.prompt}{answers}{_minutes(record, known.key)}"
        return
    yield from _word_at(record, position)


def _minutes(record: OpenRecord, key: str) -> str:
    minutes = chain_minutes(record.document) if key == MINUTES_KEY else None
    return "" if minutes is None else f"\n\nThe clocks give {duration(minutes)}."


def _word_at(record: OpenRecord, position: types.Position) -> Iterator[str]:
    """A verdict, tag, lever, gate or cause in the text of its section."""
    column = record.column_at(position)
    source = record.document.source_line(record.line_at(position))
    form = record.view.library.form
    for name in ("verdict", "timeline_tag", "lever", "gate", "causes"):
        for word in form.taxonomies[name]:
            at = source.find(word.name, max(column - len(word.name), 0), column + len(word.name))
            marks = (
                source[max(at - 2, 0) : at],
                source[at + len(word.name) : at + len(word.name) + 1],
            )
            if at >= 0 and marks[0][-1:] in {"[", " "} and marks[1] in {"]", ",", ""}:
                yield word_words(word)
                return


def key_words(row: Key) -> str:
    """A key of the front matter in words."""
    required = f"\n\nRequired from {row.required_from}." if row.required_from else ""
    return f"**{row.name}**: {row.description}\n\n{row.type.value}.{required}"


def word_words(word: Word) -> str:
    """A word with its definition and where that comes from."""
    return f"**{word.name}**: {quoted_markdown(word.definition)}\n\n{quoted_markdown(word.source)}"
