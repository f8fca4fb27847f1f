"""Rules on what an action says of its effect: its watch, that its route ran, who verified it."""

from __future__ import annotations

from collections.abc import Iterator

from kb.lint.readings.document_facts import quoted
from kb.lint.rule import Finding, LintContext, rule
from kb.lint.rules.actions import at_attribute, is_day, name_of
from kb.records.action_and_prior_items import ActionItem
from kb.records.document import Document
from kb.records.effectiveness_attributes import WATCH, verification, watch_days


@rule(
    "KB621",
    "unusable-watch",
    reason="A watch without a number of days never ends, and one without a day of closing never "
    "begins: the action stays done, and nobody learns whether it worked.",
    bad="- [x] A1: cap refunds — owner: payments, lever: code, closed: 2026-05-02, watch: a month",
    good="- [x] A1: cap refunds — owner: payments, lever: code, closed: 2026-05-02, watch: 30d",
)
def unusable_watch(document: Document, _: LintContext) -> Iterator[Finding]:
    """A `watch` that is no number of days, and one of a done action without its day."""
    for action in document.actions:
        written = action.attribute("watch")
        if not written:
            continue
        days = watch_days(action)
        if not WATCH.fullmatch(written.strip()):
            write = f"{days}d" if days else "a number of days, such as 30d"
            message = f"watch {quoted(written)} is not in the form of a watch; write {write}"
            yield at_attribute(document, action, written, message)
        elif action.state == "closed" and not action.attribute("closed"):
            message = f"{name_of(action)} is watched from no day on; write when it was closed"
            yield at_attribute(document, action, written, message)


@rule(
    "KB622",
    "unfounded-effect",
    reason="That a fix worked can be seen after it was made, by somebody, on a day. Without these "
    "the word stands for a hope, and the measure of what works counts it.",
    bad="- [ ] A1: cap refunds — owner: payments, lever: code, verified: looks good",
    good="- [x] A1: cap refunds — owner: payments, lever: code, closed: 2026-05-02, "
    "verified: 2026-06-01 by @payments-lead",
)
def unfounded_effect(document: Document, context: LintContext) -> Iterator[Finding]:
    """`verified` and `ran` without a day, in the future, before the closing, or of no closing."""
    for action in document.actions:
        for key in ("verified", "ran"):
            written = action.attribute(key)
            why = _why_unfounded(action, key, context) if written else ""
            if why:
                yield at_attribute(document, action, written, f"{name_of(action)}: {why}")


def _why_unfounded(action: ActionItem, key: str, context: LintContext) -> str:
    """Why what an action says of its effect says nothing, empty where it is sound."""
    written = action.attribute(key).strip()
    seen = verification(action)
    said = written if key == "ran" else written.split()[0]
    day = action.date("ran") if key == "ran" else seen.day if seen else None
    if day is None or not is_day(said):
        form = "2026-06-01 by @handle" if key == "verified" else "2026-06-01"
        return f"{key} {quoted(written)} is read as nothing; write {key}: {form}"
    if context.is_future(day):
        return f"{key} on {day}, which has not come yet"
    closed = action.date("closed")
    if action.state != "closed":
        return f"{key} on {day}, and not done; close it first"
    if closed and day < closed:
        return f"{key} on {day}, before it was closed on {closed}"
    return ""
