"""Are the attributes of the actions readable? Do they agree with the rest of the record? Rules."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from kb.lint.rule import Context, Finding, rule
from kb.lint.rules.actions import NOBODY, at_attribute, is_day, name_of
from kb.lint.rules.key_types import place
from kb.lint.rules.reading import quoted
from kb.lint.rules.words import what_to_write
from kb.records.document import Document

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
def action_without_box(document: Document, _: Context) -> Iterator[Finding]:
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
def unknown_action_word(document: Document, context: Context) -> Iterator[Finding]:
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
def cause_not_in_record(document: Document, context: Context) -> Iterator[Finding]:
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
)
def bad_action_date(document: Document, context: Context) -> Iterator[Finding]:
    """`due` or `closed` that is no ISO day, or closed in the future."""
    for action in document.actions:
        for key in ("due", "closed"):
            value = action.attribute(key).strip()
            day = action.date(key)
            if value.lower() in NOBODY:
                continue
            if not is_day(value):
                message = f"{key} {quoted(value)} is no day; write it as 2026-05-31"
                yield at_attribute(document, action, value, message)
            elif key == "closed" and day and day > context.today:
                message = f"{name_of(action)} is closed on {day}, which has not come yet"
                yield at_attribute(document, action, value, message)


@rule(
    "KB612",
    "closed-but-open",
    reason="The gate reads the box and the measures read the date; when they differ, one of them "
    "lets a restart through.",
    bad="- [ ] A1: cap refunds — owner: payments, lever: code, closed: 2026-05-02",
    good="- [x] A1: cap refunds — owner: payments, lever: code, closed: 2026-05-02",
)
def closed_but_open(document: Document, _: Context) -> Iterator[Finding]:
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
def unread_attributes(document: Document, _: Context) -> Iterator[Finding]:
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
def signoff_of_no_action(document: Document, _: Context) -> Iterator[Finding]:
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
