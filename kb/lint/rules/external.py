"""Rules on external records: what they still lack, and what they would leak."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from functools import lru_cache
from typing import TYPE_CHECKING

from kb.lazy_regex import regex
from kb.lint.readings.document_facts import is_answered, is_public, is_submitted, quoted
from kb.lint.readings.front_matter_types import place
from kb.lint.rule import ADVICE, Finding, LintContext, rule
from kb.records.document import Document
from kb.records.postmortem import read_time

if TYPE_CHECKING:
    from kb.sensitive.names.find_names import NameIndex

_LINK_HOST = regex(r"\b(?:https?|ssh|ftp)://(?:[^\s/@]{1,100}@)?([^\s/:?#)>\]\"'`]{1,253})")
#: Endings that no public resolver answers: RFC 6762, RFC 8375, and the names ICANN reserved or
#: refuses to delegate.
_PRIVATE_ENDINGS = (
    *(".internal", ".local", ".localhost", ".lan", ".corp", ".home", ".intranet", ".private"),
    *(".home.arpa", ".mail"),
)
#: Work spaces that ask for a login: a link there shows a customer a closed door and a project name.
_WORK_SPACES = (
    *("slack.com", "atlassian.net", "linear.app", "notion.so", "docs.google.com"),
    *("drive.google.com", "sharepoint.com", "datadoghq.com", "datadoghq.eu", "pagerduty.com"),
    *("grafana.net", "sentry.io", "smith.langchain.com", "cloud.langfuse.com", "honeycomb.io"),
    *("console.aws.amazon.com", "console.cloud.google.com", "portal.azure.com", "app.asana.com"),
)


def _is_external(document: Document) -> bool:
    return document.front.text("visibility") == "external"


def _shown_lines(document: Document, context: LintContext) -> Iterator[tuple[int, str]]:
    """The lines the external edition would carry: the title, and the sections it may show."""
    title = document.front.get("title")
    if title:
        yield title.line, document.source_line(title.line)
    for section in document.sections:
        if section.key and context.form.section(section.key).external:
            yield section.line, document.source_line(section.line)
            yield from ((line.number, line.text) for line in section.lines if not line.comment)


@rule(
    "KB1001",
    "external-not-contained",
    reason="A description of a hole that is still open is an instruction.",
    bad="visibility: external\nclocks:\n  contained: unknown",
    good="visibility: external\nclocks:\n  contained: 2026-04-12T17:20:00Z",
)
def external_not_contained(document: Document, _: LintContext) -> Iterator[Finding]:
    """A record for outside without a time of containment; what is public may lack it."""
    node = document.front.get("visibility")
    if node is None or not _is_external(document) or is_public(document):
        return
    if is_submitted(document) and read_time(document.front.text("clocks.contained")) is None:
        message = "external, and not contained yet; keep it internal until 'contained' has its time"
        yield place(node, message)


@rule(
    "KB1002",
    "external-without-customer-truth",
    reason="The one thing customers look for is what it meant for them; without it the page is "
    "about us.",
    bad="visibility: external\n\n## Customer-visible truth\n\nn/a: internal only",
    good="visibility: external\n\n## Customer-visible truth\n\n"
    "CUSTOMER_SAW: two refunds for one return",
)
def external_without_customer_truth(document: Document, _: LintContext) -> Iterator[Finding]:
    """A record for outside whose CUSTOMER_SAW says nothing."""
    node = document.front.get("visibility")
    if node is None or not _is_external(document) or not is_submitted(document):
        return
    text = document.field("customer_truth", "CUSTOMER_SAW")
    unknown = is_public(document) and text.lower().startswith("unknown")
    if not is_answered(text) and not unknown:
        message = "external, and CUSTOMER_SAW is not answered; say what customers experienced"
        yield place(node, message)


@rule(
    "KB1003",
    "external-not-published",
    reason="The external edition carries published records only; whoever waits for this one should "
    "know that it is not there yet.",
    bad="status: in-review\nvisibility: external",
    good="status: published\nvisibility: external",
    severity=ADVICE,
)
def external_not_published(document: Document, _: LintContext) -> Iterator[Finding]:
    """Marked for outside, and still under review."""
    node = document.front.get("visibility")
    if node and _is_external(document) and document.front.text("status") == "in-review":
        yield place(node, "external, and not published yet; customers see published records only")


@rule(
    "KB1004",
    "customer-named",
    reason="Whom it affected is confidential between us and them; other customers read this page.",
    bad="affected_customers: [acme]\nvisibility: external\n\nAcme was refunded twice.",
    good="affected_customers: [acme]\nvisibility: external\n\nOne customer was refunded twice.",
)
def customer_named(document: Document, context: LintContext) -> Iterator[Finding]:
    """An affected customer's name in what the external edition shows, in any form it knows."""
    names = document.front.texts("affected_customers")
    if names and _is_external(document):
        what = "is an affected customer; write 'one customer'"
        yield from _replaced_names(document, context, names, "customer", what)


@rule(
    "KB1005",
    "internal-link",
    reason="A link into our own network tells outsiders our host names and leads them nowhere.",
    bad="visibility: external\n\nSee https://grafana.corp/d/refunds.",
    good="visibility: external\n\nThe refund dashboard counted calls, not customers.",
)
def internal_link(document: Document, context: LintContext) -> Iterator[Finding]:
    """Links to private hosts and closed work spaces in what the external edition shows."""
    if not _is_external(document) or "://" not in document.text:
        return
    for number, text in _shown_lines(document, context):
        for match in _LINK_HOST.finditer(text) if "://" in text else ():
            if _is_internal(match[1]):
                message = f"{quoted(match[1])} cannot be opened outside; say what it shows instead"
                yield Finding(number, message, match.start() + 1, len(match[0]))


def _is_internal(host: str) -> bool:
    name = host.lower().rstrip(".,;")
    try:
        return not ipaddress.ip_address(name).is_global
    except ValueError:
        pass
    if "." not in name or name.endswith(_PRIVATE_ENDINGS):
        return True
    return any(name == place or name.endswith("." + place) for place in _WORK_SPACES)


@rule(
    "KB1006",
    "person-named-outside",
    reason="Names of colleagues in a public text turn a lesson about a system into one about a "
    "person.",
    bad="visibility: external\n\nJo Doe rolled it back.",
    good="visibility: external\n\nThe on-call rolled it back.",
)
def person_named_outside(document: Document, context: LintContext) -> Iterator[Finding]:
    """A name of `kb.toml` in what the external edition shows, in any form it knows."""
    people = context.settings.people
    if people and _is_external(document):
        yield from _replaced_names(
            document, context, people, "person", "is a person; write the role"
        )


def _replaced_names(
    document: Document, context: LintContext, names: tuple[str, ...], kind: str, what: str
) -> Iterator[Finding]:
    """What the edition would replace for certain; of words that may be words it asks itself."""
    shown = tuple(_shown_lines(document, context))
    shown_text = "\n".join(text for _, text in shown)
    index = _index(names, kind)
    for hit in index.find(shown_text) if index.may_stand_in(shown_text) else ():
        if not hit.is_certain:
            continue
        before = shown_text[: hit.start]
        number, _ = shown[before.count("\n")]
        written = " ".join(shown_text[hit.start : hit.end].split())
        column = hit.start - (before.rfind("\n") + 1) + 1
        yield Finding(number, f"{quoted(written)} {what}", column, len(written))


@lru_cache(maxsize=64)  # the people of `kb.toml` are those of every record
def _index(names: tuple[str, ...], kind: str) -> NameIndex:
    from kb.sensitive.names.find_names import (  # most libraries have none for outside
        NameIndex,
        PrivateName,
    )

    return NameIndex(name for name in (PrivateName(n, kind) for n in names) if name.tells)


@rule(
    "KB1007",
    "severe-and-internal",
    reason="Customers who were hit by a SEV1 learn about it from us or from somebody else.",
    bad="severity: SEV1\nimpact: customer-visible\nvisibility: internal",
    good="severity: SEV1\nimpact: customer-visible\nvisibility: external",
    severity=ADVICE,
)
def severe_and_internal(document: Document, _: LintContext) -> Iterator[Finding]:
    """SEV1, seen by customers, and not marked for the external edition."""
    front = document.front
    if front.text("severity") != "SEV1" or front.text("impact") != "customer-visible":
        return
    node = front.get("severity")
    if node and is_submitted(document) and not _is_external(document):
        yield place(node, "SEV1 and visible to customers; should it not be visibility: external?")
