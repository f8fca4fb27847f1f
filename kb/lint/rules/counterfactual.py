"""Rules on earlier incidents: verdicts, and whether they were given."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator

from kb.lazy_regex import regex
from kb.lint.readings.document_facts import (
    at_heading,
    at_value,
    closest_word,
    is_submitted,
    quoted,
    what_to_write,
)
from kb.lint.rule import ADVICE, Finding, LintContext, rule
from kb.records.action_and_prior_items import PriorIncident, is_web_address
from kb.records.casebook import casebook_ids, public_page
from kb.records.document import Document
from kb.records.markdown import FieldLine
from kb.records.postmortem import Outline, outline

_MAX_LINE = 2_000
#: A record that counts itself behind others: `this is the third incident in 2026 where …`.
_COUNTED = regex(
    r"\b(?:(?:this|it) (?:is|was|makes)|we (?:have|had)|for|already) "
    r"(?:now )?(?:already )?(?:had )?(?:the|our) "
    r"(?:second|third|fourth|fifth|sixth|seventh|eighth|ninth|tenth|\d{1,3}(?:nd|rd|th|st)) "
    r"(?:\w+ )?(?:incident|time|case|occurrence|outage|repeat|failure|postmortem|one)\b",
    re.IGNORECASE,
)
#: What `kb similar --write` proposes: `62%: same tool refund`.
_PROPOSED = regex(r"\d{1,3}%:")


def _first_of_class(document: Document) -> FieldLine | None:
    section = document.section("counterfactual")
    fields = section.fields if section else ()
    return next((f for f in fields if f.key == "FIRST_OF_CLASS" and f.value), None)


def _at_prior(document: Document, prior: PriorIncident, text: str, message: str) -> Finding:
    column = document.source_line(prior.line).find(text) + 1 if text else 0
    return Finding(prior.line, message, max(column, 1), len(text) if column else 0)


@rule(
    "KB801",
    "no-prior-incident",
    reason="The one question every reviewer asks is whether this has happened before; a record "
    "that answers neither way has not been compared with anything.",
    bad="## Counterfactual\n\n```evidence\nMISSING_SINCE: 2025-11-15\n```",
    good="## Counterfactual\n\n```evidence\nMISSING_SINCE: 2025-11-15\nFIRST_OF_CLASS: no\n```\n\n"
    "- [repeat] [2026-01-09-double-email](2026-01-09-double-email.md) — the same retry, "
    "fix existed: yes",
)
def no_prior_incident(document: Document, _: LintContext) -> Iterator[Finding]:
    """Neither an earlier incident with a link nor FIRST_OF_CLASS: yes."""
    section = document.section("counterfactual")
    if section is None or section.is_empty or document.priors or not is_submitted(document):
        return
    field = _first_of_class(document)
    if field is None:
        message = "name an earlier incident (kb similar finds them), or write FIRST_OF_CLASS: yes"
        yield at_heading(section, message)
    elif field.word == "no":
        message = "not the first of its class, and no earlier incident is named; link it below"
        yield at_value(document, field, message)


@rule(
    "KB802",
    "first-of-class-not-first",
    reason="A repeat that calls itself the first hides that an earlier promise was not kept.",
    bad="classes: [duplicate-side-effect]   # as 2026-01-09-double-email\n\nFIRST_OF_CLASS: yes",
    good="FIRST_OF_CLASS: no\n\n- [repeat] [2026-01-09-double-email](2026-01-09-double-email.md) — "
    "the same retry, fix existed: yes",
)
def first_of_class_not_first(document: Document, context: LintContext) -> Iterator[Finding]:
    """FIRST_OF_CLASS: yes beside an earlier record of that class, a `repeat` or a count below."""
    field = _first_of_class(document)
    if field is None or field.word != "yes":
        return
    repeat = next((p.id for p in document.priors if _is_own_repeat(p, context)), "")
    earlier = _earlier_of_class(document, context)
    counted = _counted_repeat(document)
    if repeat:
        message = f"this is called a repeat of {repeat} below, so it is not the first; write no"
        yield at_value(document, field, message)
    elif counted:
        line, words = counted
        message = f"line {line} says {quoted(words)}; write no, and link the earlier ones"
        yield at_value(document, field, message)
    elif earlier:
        also = f" and {len(earlier) - 1} more" if len(earlier) > 1 else ""
        primary = quoted(earlier[-1].primary_class)
        message = f"{earlier[-1].id}{also} came before with class {primary}; write no, and link it"
        yield at_value(document, field, message)


def _is_own_repeat(prior: PriorIncident, context: LintContext) -> bool:
    """Whether it repeats an incident of this team: one of the casebook happened to others."""
    is_public = prior.id in casebook_ids() and prior.id not in context.records
    return prior.verdict == "repeat" and not is_public


def _counted_repeat(document: Document) -> tuple[int, str] | None:
    """Where the section counts itself behind others, as in `the third incident of 2026`."""
    section = document.section("counterfactual")
    for line in section.lines if section else ():
        found = _COUNTED.search(line.text[:_MAX_LINE]) if not line.comment else None
        if found:
            return line.number, found[0]
    return None


def _earlier_of_class(document: Document, context: LintContext) -> tuple[Outline, ...]:
    """Earlier records with the same primary class, oldest first; own and public are never mixed."""
    record = context.records.get(document.id) or outline(document)
    if record is None or not record.primary_class:
        return ()
    alike = context.records_of_class.get((record.primary_class, record.origin), ())
    return alike[: bisect_left(alike, record.happened_at, key=lambda other: other.happened_at)]


@rule(
    "KB803",
    "prior-not-found",
    reason="A link that leads nowhere takes its verdict with it: the pair is in no measure.",
    bad="- [repeat] [2026-01-09-double-mail](2026-01-09-double-mail.md) — the same retry",
    good="- [repeat] [2026-01-09-double-email](2026-01-09-double-email.md) — the same retry",
)
def prior_not_found(document: Document, context: LintContext) -> Iterator[Finding]:
    """A prior incident that no record of the library has as its id."""
    for prior in document.priors:
        is_here = prior.id in context.records or prior.id == document.id
        if not is_here and not is_web_address(prior.target):
            message = f"no record {quoted(prior.id)}; {_advice(prior.id, context)}"
            yield _at_prior(document, prior, prior.target, message)


def _advice(wrong: str, context: LintContext) -> str:
    if page := public_page(wrong):
        return f"it is in the casebook of kb and no file here; link to where it was told: {page}"
    near = closest_word(wrong, _candidates(wrong, context))
    return f"did you mean '{near}'?" if near else "correct the link, or drop the item"


def _candidates(wrong: str, context: LintContext) -> list[str]:
    """Ids of the same month, or with the same words: to compare with all would take too long."""
    month, words = wrong[: len("2026-04")], wrong[len("2026-04-12") :]
    return [name for name in context.records if name.startswith(month) or name.endswith(words)][:50]


@rule(
    "KB804",
    "prior-not-earlier",
    reason="Only what was known before can have prevented this; a link forwards counts a repeat "
    "the wrong way round.",
    bad="# 2026-04-12-refund-agent.md\n- [repeat] [2026-05-02-x](2026-05-02-x.md) — the same retry",
    good="# 2026-05-02-x.md\n- [repeat] [2026-04-12-refund-agent](2026-04-12-refund-agent.md) — "
    "the same retry",
)
def prior_not_earlier(document: Document, context: LintContext) -> Iterator[Finding]:
    """A prior incident that is the record itself, or later than it."""
    if not document.priors:
        return
    record = context.records.get(document.id) or outline(document)
    for prior in document.priors:
        other = context.records.get(prior.id)
        if prior.id == document.id:
            message = "a record is no prior incident of itself"
            yield _at_prior(document, prior, prior.target, message)
        elif record and other and other.happened_at > record.happened_at:
            day = other.happened_at.date()
            message = f"{prior.id} is later ({day}); let that record name this one instead"
            yield _at_prior(document, prior, prior.target, message)


@rule(
    "KB805",
    "missing-verdict",
    reason="Verdicts are what the repeat rate counts and what search learns from; an empty one is "
    "a proposal nobody looked at.",
    bad="- [ ] [2026-01-09-double-email](2026-01-09-double-email.md) — the same retry",
    good="- [repeat] [2026-01-09-double-email](2026-01-09-double-email.md) — the same retry",
)
def missing_verdict(document: Document, context: LintContext) -> Iterator[Finding]:
    """No verdict once review was asked for, or a word that is none."""
    known = [word.name for word in context.form.taxonomies["verdict"]]
    for prior in document.priors:
        if not prior.verdict and is_submitted(document):
            message = f"{prior.id} has no verdict; write one of: {', '.join(known)}"
            yield Finding(prior.line, message)
        elif prior.verdict and prior.verdict not in known:
            advice = what_to_write(prior.verdict, known)
            message = f"unknown verdict {quoted(prior.verdict)}; {advice}"
            yield _at_prior(document, prior, prior.verdict, message)


@rule(
    "KB806",
    "unconsidered-prior",
    reason="The earlier incident that should have prevented this one is rarely remembered by its "
    "author; search remembers, and a person says what it means.",
    bad="## Counterfactual\n\nFIRST_OF_CLASS: yes",
    good="- [different] [2026-01-09-double-email](2026-01-09-double-email.md) — the mail was sent "
    "twice on purpose",
)
def unconsidered_prior(document: Document, context: LintContext) -> Iterator[Finding]:
    """Likely earlier incidents, by search, that the record does not mention."""
    if context.likely_priors is None or not is_submitted(document):
        return
    named = {prior.id for prior in document.priors} | {document.id}
    section = document.section("counterfactual")
    line = section.line if section else 1
    for likely in context.likely_priors(document):
        if likely.id not in named:
            chance = f"{likely.probability:.0%} likely the same class"
            message = f"{likely.id} ({chance}: {likely.reason}) has no verdict; add it as an item"
            yield Finding(line, message)


@rule(
    "KB807",
    "repeated-prior",
    reason="Two verdicts on one incident cannot both count.",
    bad="- [repeat] [2026-01-09-double-email](2026-01-09-double-email.md) — the same retry\n"
    "- [different] [2026-01-09-double-email](2026-01-09-double-email.md) — another tool",
    good="- [repeat] [2026-01-09-double-email](2026-01-09-double-email.md) — the same retry",
)
def repeated_prior(document: Document, _: LintContext) -> Iterator[Finding]:
    """The same prior incident in two items."""
    seen: dict[str, int] = {}
    for prior in document.priors:
        if prior.id in seen:
            message = f"{prior.id} already has a verdict on line {seen[prior.id]}; keep one"
            yield _at_prior(document, prior, prior.target, message)
        seen.setdefault(prior.id, prior.line)


@rule(
    "KB808",
    "verdict-without-reason",
    reason="A verdict is an argument: without its why the next author cannot tell a repeat from a "
    "resemblance.",
    bad="- [repeat] [2026-01-09-double-email](2026-01-09-double-email.md)",
    good="- [repeat] [2026-01-09-double-email](2026-01-09-double-email.md) — a timed-out call was "
    "retried without a key, fix existed: yes",
    severity=ADVICE,
)
def verdict_without_reason(document: Document, _: LintContext) -> Iterator[Finding]:
    """A verdict that does not say why, or says what search had said when it proposed it."""
    for prior in document.priors if is_submitted(document) else ():
        says_nothing = prior.why.strip(" .,;:?<>…—-").lower() in {"", "why"}
        if prior.verdict and (says_nothing or _PROPOSED.match(prior.why)):
            message = f"why is {prior.id} {quoted(prior.verdict)}? Write it behind the link"
            yield Finding(prior.line, message)
