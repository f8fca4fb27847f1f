"""Rules on file names, dates, ids and allowances."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kb.humanize import plural
from kb.lazy_regex import regex
from kb.lint.readings.document_facts import quoted, what_to_write
from kb.lint.readings.front_matter_types import place
from kb.lint.rule import ADVICE, Finding, LintContext, Rule, enabled_rules, registered_rules, rule
from kb.records.action_and_prior_items import read_date
from kb.records.blank_record import slug
from kb.records.document import Document

_NAME = regex(r"\d{4}-\d{2}-\d{2}-[a-z0-9]+(?:-[a-z0-9]+)*\.md")


@rule(
    "KB117",
    "bad-file-name",
    reason="The file name is the record's id, its address on the site and what other records link "
    "to: it must work on every file system and never change.",
    bad="postmortems/Refund Agent.md",
    good="postmortems/2026-04-12-refund-agent-charged-twice.md",
)
def bad_file_name(document: Document, _: LintContext) -> Iterator[Finding]:
    """A name that is not a real day and a plain slug; the message proposes one."""
    name = document.path.name
    if not document.front.present or (_NAME.fullmatch(name) and document.name_date):
        return
    if re.match(r"\d{4}-\d{2}-\d{2}-", name) and not document.name_date:
        yield Finding(1, f"{quoted(name[:10])} in the file name is no day of the calendar")
        return
    day = document.front.text("date")
    prefix = day if read_date(day) else "YYYY-MM-DD"
    words = slug(re.sub(r"^[\d-]{10}-", "", document.path.stem))
    yield Finding(1, f"the file name {quoted(name)} is no record id; rename it {prefix}-{words}.md")


@rule(
    "KB118",
    "date-against-file-name",
    reason="Search leaves out what is later than the query, by the file name; the measures count "
    "by the date. When the two differ, one of them is wrong.",
    bad="# 2026-04-12-refund-agent.md\ndate: 2026-04-13",
    good="# 2026-04-12-refund-agent.md\ndate: 2026-04-12",
)
def date_against_file_name(document: Document, _: LintContext) -> Iterator[Finding]:
    """`date` differs from the day in the file name."""
    node = document.front.get("date")
    written = read_date(node.text or "") if node else None
    named = document.name_date
    if node and written and named and written != named:
        yield place(node, f"the date is {written}, the file name says {named}; make them the same")


@rule(
    "KB119",
    "future-date",
    reason="An incident has happened; a date in the future hides the record from every window "
    "that ends today.",
    bad="date: 2062-04-12",
    good="date: 2026-04-12",
)
def future_date(document: Document, context: LintContext) -> Iterator[Finding]:
    """A date later than today, in front matter or file name."""
    node = document.front.get("date")
    written = read_date(node.text or "") if node else None
    if node and written and context.is_future(written):
        yield place(node, f"{written} is later than today, {context.today}; correct the date")
    elif written is None and document.name_date and context.is_future(document.name_date):
        yield Finding(1, f"the file name's day {document.name_date} is later than today")


@rule(
    "KB120",
    "duplicate-id",
    reason="Links, verdicts and actions are kept by id; where two files claim one, a promise made "
    "in the first is looked up in the second.",
    bad="postmortems/2026-04-12-refund-agent.md\npostmortems/2026-04-12-Refund-Agent.md",
    good="postmortems/2026-04-12-refund-agent.md\npostmortems/2026-04-12-refund-agent-again.md",
)
def duplicate_id(document: Document, context: LintContext) -> Iterator[Finding]:
    """An id, or an alias, that another file claims too. Case does not tell two files apart."""
    if document.front.present and (others := _files_of_same_name(document.id, document, context)):
        yield Finding(1, f"the id {quoted(document.id)} is claimed by {others} too; rename one")
    node = document.front.get("aliases")
    for item in node.items if node else ():
        if item.text and (others := _files_of_same_name(item.text, document, context)):
            yield place(item, f"the name {quoted(item.text)} is claimed by {others} too; keep one")


def _files_of_same_name(name: str, document: Document, context: LintContext) -> str:
    claims = context.paths_of.get(name.casefold(), ())
    return ", ".join(path.name for path in claims if path != document.path)


@rule(
    "KB121",
    "allowance-without-reason",
    reason="A silence without a reason cannot be reviewed, and outlives whatever it was for.",
    bad="# kb: allow missing-section",
    good="# kb: allow missing-section — written before the form had a replay section",
)
def allowance_without_reason(document: Document, _: LintContext) -> Iterator[Finding]:
    """A `# kb: allow` comment that does not say why."""
    for allowance in document.allowances:
        if not allowance.reason:
            names = ", ".join(allowance.rules)
            yield Finding(allowance.line, f"'allow {names}' gives no reason; add ' — why' to it")


@rule(
    "KB122",
    "allowance-of-no-rule",
    reason="An allowance that names no rule silences nothing, though its writer believes it does.",
    bad="# kb: allow mising-section — written before the form had it",
    good="# kb: allow missing-section — written before the form had it",
)
def allowance_of_no_rule(document: Document, _: LintContext) -> Iterator[Finding]:
    """A `# kb:` comment that is no allowance, or names a rule that does not exist."""
    read = {allowance.line for allowance in document.allowances}
    for line, text in document.front.comments:
        if line not in read:
            yield Finding(line, f"{quoted(text)} is not understood; write 'kb: allow <rule> — why'")
    if not read:
        return
    names = {row.name for row in registered_rules()}
    known = names | {row.code for row in registered_rules()}
    for allowance in document.allowances:
        for name in allowance.rules:
            if name not in known:
                advice = what_to_write(name, sorted(names))
                yield Finding(allowance.line, f"there is no rule {quoted(name)}; {advice}")


@rule(
    "KB123",
    "unformatted",
    reason="One way to write a thing keeps changes small, so that a review sees what was decided "
    "and not how it was typed.",
    bad="- [ ] A1: page the on-call - due: 2026-05-12, owner: sre",
    good="- [ ] A1: page the on-call — owner: sre, due: 2026-05-12",
    severity=ADVICE,
    fixable=True,
)
def unformatted(document: Document, context: LintContext) -> Iterator[Finding]:
    """What `kb fmt` would change and no other rule names: one finding for all lines of a kind."""
    from kb.lint.fmt.formatter import edits

    lines: dict[str, list[int]] = {}
    for edit in edits(document, context):
        if edit.rule == "unformatted":
            lines.setdefault(edit.what, []).append(document.text.count("\n", 0, edit.start) + 1)
    for what, numbers in lines.items():
        more = f" (and {plural(len(numbers) - 1, 'more line')})" if len(numbers) > 1 else ""
        yield Finding(numbers[0], f"{what}{more}; kb fmt writes it")


@rule(
    "KB124",
    "unneeded-allowance",
    reason="An allowance that silences nothing today silences the next real fault of its kind, and "
    "nobody will have decided that.",
    bad="# kb: allow missing-section — no replay section yet   (the section was added since)",
    good="(no allowance)",
    severity=ADVICE,
)
def unneeded_allowance(document: Document, context: LintContext) -> Iterator[Finding]:
    """An allowance, in a published record, of a rule that finds nothing in it.

    Earlier stages are not asked: most rules say nothing about a draft.
    """
    if not document.allowances or document.front.text("status") != "published":
        return
    rows = {
        key: row
        for row in enabled_rules(registered_rules(), context.settings)
        for key in (row.code, row.name)
    }
    for allowance in document.allowances:
        for name in allowance.rules:
            row = rows.get(name)
            if row and _can_run(row, context) and not any(row.check(document, context)):
                message = f"{name} finds nothing here; take it out of the allowance"
                yield Finding(allowance.line, message)


def _can_run(row: Rule, context: LintContext) -> bool:
    """Whether a rule's silence means anything: some need search, and this one cannot ask itself."""
    if row.name == "unconsidered-prior":
        return context.likely_priors is not None
    return row.name != "unneeded-allowance"
