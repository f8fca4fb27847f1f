"""Rules on sections: those the profile asks for, once and filled in."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import takewhile

from kb.humanize import plural
from kb.lazy_regex import regex
from kb.lint.readings.document_facts import (
    at_heading,
    at_key,
    at_value,
    is_public,
    is_submitted,
    quoted,
    what_to_write,
)
from kb.lint.rule import ADVICE, Finding, LintContext, rule
from kb.records.action_and_prior_items import PRIOR_TO_FILL
from kb.records.document import Document
from kb.records.form import Form
from kb.records.form_sections import Section
from kb.records.markdown import FieldLine, SectionText
from kb.sentences import word_count

_BARE_NOT_APPLICABLE = regex(r"[\s>*_-]*(?:n/?a|not applicable)[\s.*_]*", re.IGNORECASE)
#: Its first line; few sections begin like that, and of the others the whole text is not needed.
_OPENS_NOT_APPLICABLE = regex(r"[\s>*_-]*(?:n/?a|not applicable|$)", re.IGNORECASE)
_PLACEHOLDER = regex(r"[\s>*_+-]*(?:\[[ xX-]\]\s*)?(?:TODO|TBD|TBC|FIXME|XXX|\?{3,})(?!\w)")
#: One of these stands in every match, where it is no question mark.
_PLACEHOLDER_WORDS = ("todo", "tbd", "tbc", "fixme", "xxx")
_MARKS = " \t>*_"
_BLANK_VALUES = {"…", "...", "?", "??", "???", "<>", "tbd", "todo", "tbc", "fixme", "xxx"}


@rule(
    "KB201",
    "missing-section",
    reason="The sections an agent incident needs are the ones an ordinary template never asks for; "
    "a record without them repeats what the dashboards already said.",
    bad="status: published\n\n## Summary\n\n## Timeline",
    good="status: published\n\n## Summary\n\n## Customer-visible truth\n\n## Timeline",
)
def missing_section(document: Document, context: LintContext) -> Iterator[Finding]:
    """One finding that names them all; `kb new --full` inserts them."""
    if not is_submitted(document):
        return
    present = {section.key for section in document.sections}
    missing = [
        f"'{context.form.section(key).heading}'"
        for key in _asked_for(document, context.form)
        if key not in present
    ]
    if missing:
        listed = ", ".join(missing)
        yield Finding(1, f"the {document.profile} profile also needs the sections: {listed}")


def _asked_for(document: Document, form: Form) -> tuple[str, ...]:
    """The sections of its profile, and of its classes; facts made public need not answer those."""
    classes = () if is_public(document) else document.front.texts("classes")
    return form.sections_for(document.profile, classes)


#: So many empty sections are a draft that nobody has written yet, and one thing to do.
_SEVERAL_EMPTY = 3


@rule(
    "KB202",
    "empty-section",
    reason="An empty heading looks answered in every list of sections; if the question does not "
    "apply, saying so and why is an answer.",
    bad="## Replay fixture\n\n## Policy-path evidence",
    good="## Replay fixture\n\nn/a: the run kept no trace; logging it is A3.\n\n"
    "## Policy-path evidence",
)
def empty_section(document: Document, _: LintContext) -> Iterator[Finding]:
    """A section of the form with nothing in it, once review was asked for; many are one finding."""
    if not is_submitted(document):
        return
    empty = [one for one in document.sections if one.key and _says_nothing(one)]
    if len(empty) > _SEVERAL_EMPTY:
        names = ", ".join(quoted(section.heading) for section in empty)
        message = f"{len(empty)} sections are empty: {names}; answer them, or write n/a and why"
        yield at_heading(empty[0], message)
        return
    for section in empty:
        message = f"{quoted(section.heading)} is empty; answer it, or write n/a and why"
        yield at_heading(section, message)


def _says_nothing(section: SectionText) -> bool:
    if not section.is_empty:
        return False
    return not any(
        line.text.strip() and not line.is_mark and not line.is_evidence
        for line in section.lines
        if line.fence is not None
    )


@rule(
    "KB203",
    "not-applicable-without-reason",
    reason="A bare n/a is how a question gets skipped; the reason is what the next reader needs.",
    bad="## Idempotency-key audit\n\nn/a",
    good="## Idempotency-key audit\n\nn/a: the agent has no tool with a side effect.",
)
def not_applicable_without_reason(document: Document, _: LintContext) -> Iterator[Finding]:
    """A section that is nothing but `n/a`."""
    for section in document.sections:
        first = next(iter(section.prose_lines), None)
        if not section.key or not first or not _OPENS_NOT_APPLICABLE.match(first.text):
            continue
        if _BARE_NOT_APPLICABLE.fullmatch(section.text):
            yield Finding(first.number, "n/a needs its reason; write 'n/a: …' and why", 1, 3)


@rule(
    "KB204",
    "prompt-left",
    reason="A question of the template left in place reads like an answer to everything that "
    "counts filled sections.",
    bad="## What went well\n\nWhat helped, and must not be lost?",
    good="## What went well\n\nThe kill switch stopped the route 34 minutes after the call.",
)
def prompt_left(document: Document, context: LintContext) -> Iterator[Finding]:
    """A line or value that is the template's own prompt or example."""
    if not is_submitted(document):
        return
    for section in document.sections:
        if section.key is None:
            continue
        row = context.form.section(section.key)
        for line in section.prose_lines:
            if line.text.strip(_MARKS) in row.template_lines:
                message = "this is the template's own text; write your answer in its place"
                yield Finding(line.number, message, 1, len(line.text))
        for field in section.fields:
            known = row.field(field.key)
            if known and field.value == known.prompt:
                message = f"'{field.key}' still holds the template's question; answer it"
                yield at_value(document, field, message)


def _plain(text: str) -> str:
    return " ".join(text.strip(_MARKS).lower().split())


@rule(
    "KB205",
    "placeholder-left",
    reason="A placeholder in a record under review is an open question that no list of actions "
    "shows.",
    bad="CUSTOMERS_AFFECTED: TBD",
    good="CUSTOMERS_AFFECTED: 14, counted by grouping refunds by order",
)
def placeholder_left(document: Document, _: LintContext) -> Iterator[Finding]:
    """TODO, TBD and their like at the start of a line or as a value."""
    if not is_submitted(document):
        return
    has_word = not document.words.isdisjoint(_PLACEHOLDER_WORDS) or "???" in document.text
    for section in document.sections:
        for field in section.fields:
            value = field.value.strip()
            if value.lower() in _BLANK_VALUES or (has_word and _PLACEHOLDER.match(value)):
                message = f"'{field.key}' is still {quoted(value)}; answer it, or write unknown"
                yield Finding(field.line, message)
        for line in section.prose_lines if has_word else ():
            if match := _PLACEHOLDER.match(line.text):
                message = "still a placeholder; answer it, or make it an action with an owner"
                yield Finding(line.number, message, 1, match.end())
    yield from _prior_to_fill(document)


def _prior_to_fill(document: Document) -> Iterator[Finding]:
    for prior in document.priors:
        for part in PRIOR_TO_FILL.split(", fix existed: ") if prior.verdict else ():
            if part in prior.why:
                message = f"{quoted(part)} is still the placeholder; say it of {prior.id}"
                yield Finding(prior.line, message)
                break


@rule(
    "KB206",
    "section-out-of-order",
    reason="Readers find a section where it stands in every other record.",
    bad="## Timeline\n\n## Summary",
    good="## Summary\n\n## Timeline",
    severity=ADVICE,
)
def section_out_of_order(document: Document, context: LintContext) -> Iterator[Finding]:
    """Sections that stand before one they should follow."""
    found = [section for section in document.sections if section.key]
    order = _order([section.key or "" for section in found], context.form)
    highest: SectionText | None = None
    for section in found:
        if highest and order.index(section.key or "") < order.index(highest.key or ""):
            message = f"{quoted(section.heading)} belongs before {quoted(highest.heading)}"
            yield at_heading(section, message)
        else:
            highest = section


def _order(keys: list[str], form: Form) -> tuple[str, ...]:
    """That of a record which began as one page where it keeps to it, else that of the form."""
    grown = form.grown_order
    is_grown = keys == sorted(keys, key=grown.index)
    return grown if is_grown else tuple(section.key for section in form.sections)


@rule(
    "KB207",
    "unknown-heading",
    reason="What stands under a heading the form does not know is in no search, no table and no "
    "external edition.",
    bad="## Customer-visble truth",
    good="## Customer-visible truth",
    severity=ADVICE,
)
def unknown_heading(document: Document, context: LintContext) -> Iterator[Finding]:
    """Headings that open a section of no row, the title apart."""
    headings = [section.heading for section in context.form.sections]
    for section in document.sections:
        if section.key is None and section.level > 1:
            advice = what_to_write(section.heading, headings)
            yield at_heading(section, f"no section is called {quoted(section.heading)}; {advice}")


@rule(
    "KB208",
    "duplicate-section",
    reason="Two sections with one heading split one answer: a reader finds the first, and misses "
    "what stands in the second.",
    bad="## Root cause\n\nThe retry.\n\n## Root cause\n\nThe ledger.",
    good="## Root cause\n\nThe retry, and the ledger that took it.",
)
def duplicate_section(document: Document, _: LintContext) -> Iterator[Finding]:
    """A section that was there before under the same heading, or with evidence in both."""
    seen: dict[str, SectionText] = {}
    for section in document.sections:
        first = seen.setdefault(section.key, section) if section.key else section
        if first is not section and _is_same(first, section):
            message = f"{quoted(section.heading)} is already on line {first.line}; join the two"
            yield at_heading(section, message)


def _is_same(first: SectionText, second: SectionText) -> bool:
    """Whether two sections of one key are one; `Trigger` beside `Root cause` is read with it."""
    return _plain(first.heading) == _plain(second.heading) or bool(first.fields and second.fields)


@rule(
    "KB209",
    "over-word-budget",
    reason="A record that takes a quarter of an hour is read by its reviewer and nobody else; a "
    "trace is better linked than pasted.",
    bad="(2,900 words of prose)",
    good="(1,400 words of prose, and a link to the trace)",
    severity=ADVICE,
)
def over_word_budget(document: Document, context: LintContext) -> Iterator[Finding]:
    """More words of prose than the budget; evidence blocks are not counted."""
    words = sum(
        word_count(line.text) for section in document.sections for line in section.prose_lines
    )
    budget = context.settings.word_budget
    if words > budget:
        yield Finding(1, f"{words:,} words of prose, and {budget:,} is the aim; link, or cut")


@rule(
    "KB210",
    "heading-against-title",
    reason="Lists show the title of the front matter, the page shows the heading; when they differ "
    "a reader does not know that it is the same record.",
    bad="title: Refund agent paid 14 customers twice\n---\n# Refund incident",
    good="title: Refund agent paid 14 customers twice\n---\n# Refund agent paid 14 customers twice",
    severity=ADVICE,
)
def heading_against_title(document: Document, _: LintContext) -> Iterator[Finding]:
    """A level-1 heading that is not the title."""
    title = document.front.text("title")
    heading = next((section for section in document.sections if section.level == 1), None)
    if title and heading and not heading.key and _plain(heading.heading) != _plain(title):
        yield at_heading(heading, f"the title is {quoted(title)}; make the heading the same")


def _sections(document: Document, form: Form) -> Iterator[tuple[SectionText, Section]]:
    for section in document.sections:
        if section.key and section.fields:
            yield section, form.section(section.key)


@rule(
    "KB211",
    "field-before-group",
    reason="Lines before the first claim or tool belong to no group, so nobody can tell which "
    "claim the assert was about.",
    bad="OUTCOME_ASSERT: the ledger holds one charge\nLLM_SAYS_IT_DID: charged once",
    good="LLM_SAYS_IT_DID: charged once\nOUTCOME_ASSERT: the ledger holds one charge",
)
def field_before_group(document: Document, context: LintContext) -> Iterator[Finding]:
    """Evidence lines that stand before the line which opens their group, as one finding."""
    for section, row in _sections(document, context.form):
        if known := _before_groups(section, row.group_key):
            others = f" and {plural(len(known) - 1, 'line')} more" if known[1:] else ""
            verb = "stand" if known[1:] else "stands"
            first = f"'{known[0].key}'{others} {verb} before any '{row.group_key}'"
            yield at_key(document, known[0], f"{first}; begin with that line")


def _before_groups(section: SectionText, group_key: str | None) -> list[FieldLine]:
    """The lines of the form's that stand before the first one with the key of the groups."""
    lines = takewhile(lambda field: field.key != group_key, section.fields)
    return [field for field in lines if field.known] if group_key else []


@rule(
    "KB212",
    "unknown-field",
    reason="An evidence line under a name nobody reads is not evidence: no check, no search and no "
    "table sees it.",
    bad="CUSTOMER_SEEN: two refunds for one return",
    good="CUSTOMER_SAW: two refunds for one return",
)
def unknown_field(document: Document, context: LintContext) -> Iterator[Finding]:
    """Keys in an evidence fence that the section's table does not have."""
    for section, row in _sections(document, context.form):
        for field in section.fields:
            if not field.known:
                advice = _where_it_belongs(field.key, row, context.form)
                message = f"{quoted(field.written)} is no line of this section; {advice}"
                yield at_key(document, field, message)


def _where_it_belongs(key: str, row: Section, form: Form) -> str:
    home = next((section for section in form.sections if section.field(key)), None)
    if home:
        return f"it belongs under '{home.heading}'"
    if row.fields:
        return what_to_write(key, [field.key for field in row.fields])
    return f"'{row.heading}' has none; write it as text outside the fence"


@rule(
    "KB213",
    "unknown-answer",
    reason="An answer outside the list cannot be counted: whether an assert held is yes, no or "
    "not-checked, and 'mostly' is none of them.",
    bad="HELD: mostly",
    good="HELD: no (13 of 14 refunds were right)",
)
def unknown_answer(document: Document, context: LintContext) -> Iterator[Finding]:
    """A first word outside the field's list; a remark may follow it."""
    for section, row in _sections(document, context.form):
        for field in section.fields:
            known = row.field(field.key)
            words = known.words if known else ()
            if words and field.value and not _is_answer(field, words, document):
                message = f"{quoted(field.value)} is no answer to {field.key}; "
                advice = what_to_write(_as_word(field.value), words)
                yield at_value(document, field, message + advice)


def _is_answer(field: FieldLine, words: tuple[str, ...], document: Document) -> bool:
    word = field.word
    if word == "unknown" and (is_public(document) or not is_submitted(document)):
        return True
    return word in words


def _as_word(value: str) -> str:
    """The start of a value as the lists spell words: `Not checked.` is `not-checked`."""
    return "-".join(value.partition("\n")[0].lower().strip("*`_. ").split()[:2])


@rule(
    "KB214",
    "repeated-field",
    reason="Where one answer is asked for, only the first is read; the second is lost without a "
    "word.",
    bad="REPLAYABLE: partly\nREPLAYABLE: no",
    good="REPLAYABLE: no",
)
def repeated_field(document: Document, context: LintContext) -> Iterator[Finding]:
    """A key twice in one section, or in one group of it, where the table does not say many."""
    for section, row in _sections(document, context.form):
        groups = section.groups(row.group_key) if row.group_key else (section.fields,)
        for group in groups:
            yield from _repeats(document, group, row)


def _repeats(document: Document, group: tuple[FieldLine, ...], row: Section) -> Iterator[Finding]:
    seen: dict[str, int] = {}
    for field in group:
        known = row.field(field.key)
        if known and not known.many and field.key in seen:
            another = f", or begin another {row.group_key}" if row.group_key else ""
            message = f"{field.key} already stands on line {seen[field.key]}; join the two{another}"
            yield at_key(document, field, message)
        seen.setdefault(field.key, field.line)
