"""Rules on actions: what is done, by whom, by when, with which lever."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta

from kb.humanize import listed
from kb.lazy_regex import regex
from kb.lint.readings.document_facts import (
    at_heading,
    is_public,
    is_submitted,
    live_actions,
    quoted,
    says_not_applicable,
    what_to_write,
)
from kb.lint.readings.front_matter_types import place
from kb.lint.rule import ADVICE, Finding, LintContext, rule
from kb.lint.wording.vague_actions import vague_wording
from kb.records.action_and_prior_items import ActionItem
from kb.records.blank_record import OPEN_QUESTION_DAYS
from kb.records.document import Document
from kb.records.grow_to_profile import open_questions
from kb.records.written_dates import read_day

NOBODY = {
    *("", "?", "tbd", "todo", "unknown", "n/a", "none", "nobody", "someone", "somebody"),
    *("everyone", "everybody", "all", "us", "we", "anyone"),
}
_SEVERAL = regex(r",|;|&|\+|\s/\s|\band\b")


def at_action(document: Document, action: ActionItem, message: str) -> Finding:
    """A finding that underlines the words of an action on its first line."""
    source = document.source_line(action.line)
    words = action.text if action.text and action.text in source else source.strip()
    return Finding(action.line, message, source.find(words) + 1, len(words))


def at_attribute(document: Document, action: ActionItem, value: str, message: str) -> Finding:
    """A finding that underlines an attribute's value, wherever in the item it stands."""
    for line in range(action.line, action.end_line + 1):
        column = document.source_line(line).rfind(value) + 1 if value else 0
        if column:
            return Finding(line, message, column, len(value))
    return at_action(document, action, message)


def name_of(action: ActionItem) -> str:
    """The action as a message names it: its label, else its words."""
    return action.label or quoted(action.text)


def _lacks(document: Document, action: ActionItem, key: str) -> bool:
    """Whether an attribute has no real value; published facts may leave it `unknown`."""
    value = action.attribute(key).strip().lower()
    if value == "unknown" and is_public(document):
        return False
    return value in NOBODY


#: What an action has to give, in the order it is written: the rule that asks for it, how a message
#: calls it, and what to put there.
_GIVEN = {
    "owner": ("action-without-owner", "owner", "one handle or role"),
    "due": ("action-without-due", "due date", "a day"),
    "lever": ("action-without-lever", "lever", "one of {levers}"),
}


def _lacking(
    document: Document, context: LintContext, first: str
) -> Iterator[tuple[ActionItem, str]]:
    """The actions whose first missing attribute this is, with one message for all they miss.

    The rules on the others keep quiet there; what a team does not ask for is not missed.
    """
    if not is_submitted(document):
        return
    asked = [k for k, row in _GIVEN.items() if k == first or context.asks(document, row[0])]
    for action in live_actions(document):
        missing = [key for key in asked if _lacks(document, action, key)]
        if missing and missing[0] == first:
            names = listed([_GIVEN[key][1] for key in missing], "or")
            yield action, f"{name_of(action)} has no {names}; add {_to_add(missing, context)}"


def _to_add(missing: list[str], context: LintContext) -> str:
    levers = ", ".join(word.name for word in context.form.taxonomies["lever"])
    parts = [f"'{key}: ' and {_GIVEN[key][2].format(levers=levers)}" for key in missing]
    return ", ".join(parts)


@rule(
    "KB601",
    "action-without-owner",
    reason="What everybody owns nobody does; the overdue list is read by owner.",
    bad="- [ ] A1: cap refunds at the order total — due: 2026-05-12, lever: code",
    good="- [ ] A1: cap refunds at the order total — owner: payments, due: 2026-05-12, lever: code",
)
def action_without_owner(document: Document, context: LintContext) -> Iterator[Finding]:
    """Live actions that name no handle or role, and what else they lack."""
    for action, message in _lacking(document, context, "owner"):
        yield at_action(document, action, message)


@rule(
    "KB602",
    "action-without-due",
    reason="Without a day nothing is ever overdue, and the next incident finds the promise open.",
    bad="- [ ] A1: cap refunds at the order total — owner: payments, lever: code",
    good="- [ ] A1: cap refunds at the order total — owner: payments, due: 2026-05-12, lever: code",
)
def action_without_due(document: Document, context: LintContext) -> Iterator[Finding]:
    """Live actions that have an owner and no day."""
    for action, message in _lacking(document, context, "due"):
        yield at_action(document, action, message)


@rule(
    "KB603",
    "action-without-lever",
    reason="The lever tells a prompt tweak from a permission: without it nobody can see that three "
    "records in a row were answered with the same weak fix.",
    bad="- [ ] A1: cap refunds at the order total — owner: payments, due: 2026-05-12",
    good="- [ ] A1: cap refunds at the order total — owner: payments, due: 2026-05-12, lever: code",
)
def action_without_lever(document: Document, context: LintContext) -> Iterator[Finding]:
    """Live actions with owner and day that do not say how they work."""
    for action, message in _lacking(document, context, "lever"):
        yield at_action(document, action, message)


@rule(
    "KB607",
    "action-before-incident",
    reason="A day before the incident is a slip of the keyboard, and makes the action overdue "
    "before it was promised.",
    bad="- [ ] A1: cap refunds — owner: payments, due: 2025-05-12, lever: code",
    good="- [ ] A1: cap refunds — owner: payments, due: 2026-05-12, lever: code",
)
def action_before_incident(document: Document, _: LintContext) -> Iterator[Finding]:
    """Due or closed before the day of the record."""
    for action in document.actions:
        for key in ("due", "closed"):
            day, first = action.date(key), document.name_date
            if day and first and day < first:
                message = f"{name_of(action)} is {key} {day}, before the incident of {first}"
                yield at_attribute(document, action, action.attribute(key), message)


@rule(
    "KB608",
    "action-without-label",
    reason="Trackers, gates and sign-offs name an action by its label; words change, it does not.",
    bad="- [ ] cap refunds at the order total — owner: payments",
    good="- [ ] A1: cap refunds at the order total — owner: payments",
    fixable=True,
)
def action_without_label(document: Document, _: LintContext) -> Iterator[Finding]:
    """Actions that `kb fmt` has not labelled yet."""
    for action in document.actions if is_submitted(document) else ():
        if not action.label:
            message = "the action has no label; run kb fmt, which gives it the next free one"
            yield at_action(document, action, message)


@rule(
    "KB609",
    "duplicate-action-label",
    reason="Two branches can choose the same number; the ticket and the sign-off of one would then "
    "count for the other. The base branch keeps it.",
    bad="- [ ] A1: cap refunds\n- [ ] A1: page the on-call",
    good="- [ ] A1: cap refunds\n- [ ] A2: page the on-call",
)
def duplicate_action_label(document: Document, _: LintContext) -> Iterator[Finding]:
    """A label that an earlier action has; the message says the next free one."""
    seen: dict[str, int] = {}
    free = max((int(action.label[1:]) for action in document.actions if action.label), default=0)
    for action in document.actions:
        if action.label in seen:
            where = f"{action.label} is on line {seen[action.label]} already"
            message = f"{where}; the newer one becomes A{free + 1}"
            yield at_attribute(document, action, action.label, message)
        elif action.label:
            seen[action.label] = action.line


@rule(
    "KB610",
    "vague-action",
    reason="An action that cannot fail cannot be finished: it is closed when nobody looks, and the "
    "gap stays.",
    bad="- [ ] A1: look into the retry behaviour",
    good="- [ ] A1: refuse a second charge for one invoice in the wrapper; test charge-twice",
    severity=ADVICE,
)
def vague_action(document: Document, _: LintContext) -> Iterator[Finding]:
    """Wording that leaves open what will be different, with the question that sharpens it."""
    if is_public(document):
        return  # what others promised is told as they said it
    for action in live_actions(document):
        if found := vague_wording(action.text):
            words = action.text[found.start : found.end]
            message = f"{quoted(words)}: what will be different? Write {found.stronger}"
            yield at_attribute(document, action, words, message)


@rule(
    "KB611",
    "published-without-actions",
    reason="A record that promises nothing leaves the next incident as likely as this one was.",
    bad="## Action items\n\nWe talked about it.",
    good="## Action items\n\n- [ ] A1: cap refunds at the order total — owner: payments, "
    "due: 2026-05-12, lever: code",
)
def published_without_actions(document: Document, _: LintContext) -> Iterator[Finding]:
    """A filled action section without one task, in a published record of the team's own."""
    section = document.section("actions")
    if section is None or is_public(document) or document.front.text("status") != "published":
        return
    if not document.actions and not section.is_empty and not says_not_applicable(section):
        message = "no task is listed; write '- [ ] A1: …', or n/a and why nothing will change"
        yield at_heading(section, message)


@rule(
    "KB614",
    "several-owners",
    reason="Two owners each wait for the other; the overdue list can ask only one.",
    bad="- [ ] A1: cap refunds — owner: payments and sre, due: 2026-05-12, lever: code",
    good="- [ ] A1: cap refunds — owner: payments, due: 2026-05-12, lever: code",
)
def several_owners(document: Document, _: LintContext) -> Iterator[Finding]:
    """An owner that is a list; split the action, or name who answers for it."""
    for action in live_actions(document):
        owner = action.attribute("owner")
        if _SEVERAL.search(owner):
            message = f"{quoted(owner)} is more than one owner; name one, or split the action"
            yield at_attribute(document, action, owner, message)


@rule(
    "KB617",
    "open-question",
    reason="A page written in the night may leave questions open, and each is a promise to answer "
    "it: without an owner and a day it stays a blank that looks like a decision.",
    bad="## Replay fixture\n\n## Policy-path evidence",
    good="## Replay fixture\n\n- the fixture cannot be run: the tool results were not logged\n\n"
    "## Action items\n\n- [ ] A1: answer “Policy-path evidence” — owner: payments, "
    "due: 2026-07-11, lever: review-process",
    severity=ADVICE,
)
def open_question(document: Document, _: LintContext) -> Iterator[Finding]:
    """One finding that names the questions of a one page which nobody has answered or promised."""
    found = open_questions(document)
    if not found or not document.front.present or is_submitted(document):
        return
    names = ", ".join(quoted(section.heading) for section in found)
    day = document.name_date
    due = f", due {day + timedelta(days=OPEN_QUESTION_DAYS)}" if day else ""
    message = (
        f"still open: {names}; answer each in a sentence, or let kb new --full make each an "
        f"action{due}"
    )
    yield at_heading(found[0], message)


def is_day(text: str) -> bool:
    """Whether a text is one ISO day and nothing else."""
    try:
        return len(text) == len("2026-04-12") and bool(date.fromisoformat(text))
    except ValueError:
        return False


_MOST_COMPARED = 50  # labels that a mistyped one is held against
_TAXONOMY_OF = {"lever": "lever", "gate": "gate", "cause": "causes"}


@rule(
    "KB616",
    "action-without-box",
    reason="An action is read by its box. Without one it is on no list, is never overdue, and "
    "holds no gate.",
    bad="- A1: cap refunds — owner: payments, due: 2026-05-12, lever: code",
    good="- [ ] A1: cap refunds — owner: payments, due: 2026-05-12, lever: code",
    fixable=True,
)
def action_without_box(document: Document, _: LintContext) -> Iterator[Finding]:
    """Items with a label, an attribute or a box of some other kind, which nothing reads."""
    for item in document.unboxed:
        text = item.text.partition("\n")[0]
        column = document.source_line(item.line).find(text) + 1
        message = f"{quoted(text)} is read as no action; begin it '- [ ] ', or '- [x] ' when done"
        yield Finding(item.line, message, max(column, 1), len(text))


@rule(
    "KB604",
    "unknown-action-word",
    reason="Levers are counted and gates stop a deployment; a word outside the list does neither.",
    bad="- [ ] A1: cap refunds — owner: payments, due: 2026-05-12, lever: coding, gate: restrat",
    good="- [ ] A1: cap refunds — owner: payments, due: 2026-05-12, lever: code, gate: restart",
)
def unknown_action_word(document: Document, context: LintContext) -> Iterator[Finding]:
    """A lever, gate or cause that its list does not have."""
    for action in document.actions:
        for key, taxonomy in _TAXONOMY_OF.items():
            value = action.attribute(key)
            known = [word.name for word in context.form.taxonomies[taxonomy]]
            if value.lower() not in NOBODY and value not in known:
                message = f"unknown {key} {quoted(value)}; {what_to_write(value, known)}"
                yield at_attribute(document, action, value, message)


@rule(
    "KB605",
    "cause-not-in-record",
    reason="An action that removes a cause the record does not name leaves the named one standing.",
    bad="causes: [prompt-defect]\n\n- [ ] A1: cap refunds — lever: code, cause: code-defect",
    good="causes: [prompt-defect, code-defect]\n\n- [ ] A1: cap refunds — lever: code, "
    "cause: code-defect",
)
def cause_not_in_record(document: Document, context: LintContext) -> Iterator[Finding]:
    """A known cause word that the front matter's `causes` does not hold."""
    causes = document.front.texts("causes")
    missing = set(context.form.words("causes")) - set(causes)
    for action in document.actions:
        cause = action.attribute("cause")
        if cause in missing:
            message = f"{quoted(cause)} is no cause of this record; add it there, or correct it"
            yield at_attribute(document, action, cause, message)


@rule(
    "KB606",
    "bad-action-date",
    reason="A due date that is no day is never overdue.",
    bad="- [ ] A1: cap refunds — owner: payments, due: end of May, lever: code",
    good="- [ ] A1: cap refunds — owner: payments, due: 2026-05-31, lever: code",
    fixable=True,
)
def bad_action_date(document: Document, context: LintContext) -> Iterator[Finding]:
    """`due` or `closed` that is no ISO day, or closed in the future; `1 May 2026` is read."""
    for action in document.actions:
        for key in ("due", "closed"):
            value = action.attribute(key).strip()
            day = action.date(key)
            if value.lower() in NOBODY:
                continue
            if not is_day(value):
                message = _as_iso(key, value, day or read_day(value, document.name_date))
                yield at_attribute(document, action, value, message)
            elif key == "closed" and day and context.is_future(day):
                message = f"{name_of(action)} is closed on {day}, which has not come yet"
                yield at_attribute(document, action, value, message)


def _as_iso(key: str, value: str, day: date | None) -> str:
    """What to write for a date: its own day, and never another one."""
    if day is None:
        return f"{key} {quoted(value)} is no day; write a day as YYYY-MM-DD"
    return f"{key} {quoted(value)} is not in the form of a day; write it as {day}"


@rule(
    "KB612",
    "closed-but-open",
    reason="The gate reads the box and the measures read the date; when they differ, one of them "
    "lets a restart through.",
    bad="- [ ] A1: cap refunds — owner: payments, lever: code, closed: 2026-05-02",
    good="- [x] A1: cap refunds — owner: payments, lever: code, closed: 2026-05-02",
)
def closed_but_open(document: Document, _: LintContext) -> Iterator[Finding]:
    """A closing date behind a box that is not ticked."""
    for action in document.actions:
        closed = action.attribute("closed")
        if action.state == "open" and closed:
            message = f"{name_of(action)} has a closing date and an open box; make the two agree"
            yield at_attribute(document, action, closed, message)


@rule(
    "KB613",
    "unread-attributes",
    reason="What stands among the attributes and is none of them is read by nobody.",
    bad="- [ ] A1: cap refunds — owner: payments, due: 2026-05-12, due: 2026-06-12, lever: code",
    good="- [ ] A1: cap refunds — owner: payments, due: 2026-06-12, lever: code",
)
def unread_attributes(document: Document, _: LintContext) -> Iterator[Finding]:
    """Text before the first attribute, and attributes given twice."""
    for action in document.actions:
        if action.unread:
            message = f"{quoted(action.unread)} is no attribute; move it before the dash"
            yield at_attribute(document, action, action.unread, message)
        for key, count in Counter(key for key, _value in action.attributes).items():
            if count > 1:
                message = f"{name_of(action)} gives '{key}' {count} times; keep one"
                yield at_attribute(document, action, f"{key}:", message)


@rule(
    "KB615",
    "signoff-of-no-action",
    reason="A sign-off accepts restart conditions by label; a label that no action has accepted "
    "nothing.",
    bad="signoffs: [{owner: billing-lead, actions: [A7]}]",
    good="signoffs: [{owner: billing-lead, actions: [A1]}]",
)
def signoff_of_no_action(document: Document, _: LintContext) -> Iterator[Finding]:
    """Labels in `signoffs` that the action list does not have."""
    labels = dict.fromkeys(action.label for action in document.actions if action.label)
    near = list(labels)[:_MOST_COMPARED]
    signoffs = document.front.get("signoffs")
    for signoff in signoffs.items if signoffs else ():
        actions = signoff.get("actions")
        for item in actions.items if actions else ():
            if item.text and item.text not in labels:
                advice = what_to_write(item.text, near) if labels else "the record has none"
                yield place(item, f"no action is labelled {quoted(item.text)}; {advice}")


@rule(
    "KB620",
    "replay-of-nothing",
    reason="A condition that asks for the replay of a record which is not there holds its gate for "
    "ever, and is noticed on the day of the restart.",
    bad="- [x] A1: cap refunds — owner: payments, gate: restart, replay: 2026-13-01-refunds",
    good="- [x] A1: cap refunds — owner: payments, gate: restart, replay: 2026-04-12-refunds",
)
def replay_of_nothing(document: Document, context: LintContext) -> Iterator[Finding]:
    """Actions whose `replay` names no record, or stands beside no gate."""
    for action in document.actions:
        named = action.attribute("replay")
        if not named:
            continue
        if named != document.id and named not in context.records:
            message = f"{name_of(action)}: no record is named {quoted(named)}; write its id"
            yield at_attribute(document, action, named, message)
        elif not action.attribute("gate"):
            message = f"{name_of(action)}: only a gate asks for a replay; add 'gate: restart'"
            yield at_attribute(document, action, named, message)
