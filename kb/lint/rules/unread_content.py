"""Rules on what looks like content and is read by nothing: each names the line to write."""

from __future__ import annotations

from collections.abc import Iterator

from kb.lint.readings.document_facts import is_submitted, quoted
from kb.lint.rule import ADVICE, Finding, LintContext, rule
from kb.records.document import Document
from kb.records.unread_content import (
    UnreadLine,
    unread_actions,
    unread_evidence,
    unread_text,
    unread_times,
)
from kb.sensitive.secrets.find_secrets import masked
from kb.sentences import clipped

_MAX_WRITTEN = 160


def _finding(document: Document, one: UnreadLine, what: str) -> Finding:
    source = document.source_line(one.line)
    text = one.text.partition("\n")[0]
    column = source.find(text) + 1
    written = clipped(masked(one.write.replace("\n", " ")), _MAX_WRITTEN)
    message = f"{quoted(text)} looks like {what} and is not read; write {written}"
    return Finding(one.line, message, max(column, 1), len(text) if column else 0)


@rule(
    "KB216",
    "unread-evidence",
    reason="A key in a section that does not ask for it, or in a form that nothing reads, is on no "
    "page, in no search and in no check, and nobody sees that it is not.",
    bad="## Timeline\n\nCUSTOMER_SAW: two refunds for one return",
    good="## Customer-visible truth\n\nCUSTOMER_SAW: two refunds for one return",
    severity=ADVICE,
)
def evidence_unread(document: Document, _: LintContext) -> Iterator[Finding]:
    """Keys of the form in capitals that no section reads."""
    for one in unread_evidence(document):
        yield _finding(document, one, "a wall" if one.kind == "wall" else "evidence")


@rule(
    "KB217",
    "text-outside-sections",
    reason="What stands between the title and the first section belongs to none: no check asks for "
    "it, and whoever reads the summary does not find it.",
    bad="# Refund agent paid twice\n\nThe refund agent paid 14 customers twice.\n\n## Timeline",
    good="# Refund agent paid twice\n\n## Summary\n\nThe refund agent paid 14 customers twice.\n\n"
    "## Timeline",
    severity=ADVICE,
)
def text_outside_sections(document: Document, _: LintContext) -> Iterator[Finding]:
    """Text below the title, and facts there that the front matter has keys for."""
    for one in unread_text(document):
        if one.kind == "text":
            message = f"this stands under no section; write '{one.write}' above it"
            yield Finding(one.line, message, 1, len(document.source_line(one.line)))
        else:
            what = "a heading" if one.kind == "heading" else "a fact of the front matter"
            yield _finding(document, one, what)


@rule(
    "KB313",
    "unread-time",
    reason="A line that lacks its day or leaves its hour open cannot be placed between a trace "
    "event and the first customer who wrote.",
    bad="- 00:10 — the second refund is posted",
    good="- 2026-04-13 00:10 UTC — the second refund is posted",
    severity=ADVICE,
)
def time_unread(document: Document, _: LintContext) -> Iterator[Finding]:
    """Lines of a timeline whose day or hour is open, and timelines under no heading."""
    for one in unread_times(document):
        if one.kind != "hour" or not is_submitted(document):  # then `timeline-without-zone` tells
            yield _finding(document, one, "a dated line")


@rule(
    "KB619",
    "unread-action",
    reason="What is promised in a table or a plain list is on no list of actions: it is never "
    "overdue, and holds no gate.",
    bad="- cap refunds at the order total — payments, 12 May 2026",
    good="- [ ] A1: cap refunds at the order total — owner: payments, due: 2026-05-12, lever: code",
    severity=ADVICE,
    fixable=True,
)
def action_unread(document: Document, _: LintContext) -> Iterator[Finding]:
    """Items and rows of the action list without a box, and tasks under no heading of ours."""
    for one in unread_actions(document):
        is_remark = one.kind == "remark"
        yield _finding(document, one, "a remark among actions" if is_remark else "an action")
