"""Rules on two places of a record that disagree, and sections that answer another question."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kb.lazy_regex import regex
from kb.lint.readings.document_facts import (
    at_heading,
    at_node,
    at_value,
    field_of,
    is_answered,
    is_public,
    is_submitted,
    minutes,
    says_not_applicable,
    words_of,
)
from kb.lint.rule import Finding, LintContext, rule
from kb.records.document import Document
from kb.records.markdown import FieldLine, SectionText

#: POLICY_CAUSE and the word of `causes` that says the same.
_POLICY_CAUSES = {
    "injection": "prompt-injection",
    "hallucination": "hallucination",
    "prompt-defect": "prompt-defect",
}
#: AUTHORITY, the cause it rules out, and the cause it is itself.
_AUTHORITY = {
    "authorised": ("access-control", "governance-design"),
    "unauthorised": ("governance-design", "access-control"),
}
_METRIC = regex(
    r"\bMTT[A-Z]\b|\bmean time to\b|\btime to (?:detect|recover|resolve|restore|contain|mitigate)"
    r"|\b(?:down|up)time\b|\bSL[AOI]s?\b|\blatency\b|\berror rate\b|\bp\d\d\b|\bavailability\b"
    r"|\b(?:incident|outage|disruption|impact|it)\s+(?:lasted|took)\b|\bduration\s*(?:was|is|:|of\s+\d)"
    r"|\b(?:resolved|restored|recovered|mitigated|contained|fixed|back)\s+(?:with)?in\b",
    re.IGNORECASE,
)
#: What a sentence about a duration consists of besides its metric. Words outside this list tell
#: something; of a sentence in another language all are outside.
_OF_DURATIONS = frozenset(
    re.findall(
        r"\S+",
        "a about above after all an and any approximately around at average back be been before "
        "below between by contain contained detect detected dropped during each end ended fell "
        "fix fixed for from full fully had has hour hours in incident it its lasted less mean "
        "minute minutes mitigate mitigated more of on only or our outage over overall p95 p99 "
        "percent recover recovered recovery reached resolve resolved restore restored rose second "
        "seconds service since slo sla stayed than that the this time to took total two three "
        "four five six seven eight nine ten twelve under until up was we went were with within "
        "whole day days week weeks impact disruption ms utc mttr mttd mtta availability uptime "
        "downtime latency duration error rate rates ",
    )
)
#: A sentence with this many words beside them says what happened to somebody.
_TELLS = 3
_CONTAINMENT_CONTROL = regex(
    r"monitor|alert|alarm|\bpag(?:e|es|er|ed|ing)\b|escalat|kill.?switch|stop.?(?:button|switch)"
    r"|circuit.?breaker|watchdog|on.?call|dashboard|detect|budget",
    re.IGNORECASE,
)


def _field(document: Document, section_key: str, key: str) -> FieldLine | None:
    section = document.section(section_key)
    return field_of(section.fields, key) if section else None


@rule(
    "KB407",
    "contradicted-cause",
    reason="The front matter is what search, measures and gates read. When it names another cause "
    "than the section that argues it, one of the two misleads.",
    bad="causes: [access-control]\n…\nAUTHORITY: authorised (refunds under 500 USD)",
    good="causes: [governance-design]\n…\nAUTHORITY: authorised (refunds under 500 USD)",
)
def _contradicted_cause(document: Document, context: LintContext) -> Iterator[Finding]:
    if words_of(document, "causes"):
        yield from _against_policy_cause(document)
        yield from _against_authority(document)
        yield from _against_context(document)


def _against_policy_cause(document: Document) -> Iterator[Finding]:
    causes = {node.text: node for node in words_of(document, "causes")}
    field = _field(document, "policy_path", "POLICY_CAUSE")
    if not field:
        return
    meant = _POLICY_CAUSES.get(field.word)
    if meant and meant not in causes:
        message = (
            f"POLICY_CAUSE says {field.word} and causes does not list {meant}: add it to the front "
            "matter, or correct the line"
        )
        yield at_value(document, field, message)
    elif field.word == "none" and "prompt-injection" in causes:
        message = (
            f'"prompt-injection" is a cause, and POLICY_CAUSE on line {field.line} is none: '
            "write injection there, or take the cause out"
        )
        yield at_node(causes["prompt-injection"], message)


def _against_authority(document: Document) -> Iterator[Finding]:
    causes = {node.text: node for node in words_of(document, "causes")}
    field = _field(document, "decision", "AUTHORITY")
    against, fitting = _AUTHORITY.get(field.word if field else "", ("", ""))
    if field and against in causes and fitting not in causes:
        message = (
            f'"{against}" contradicts AUTHORITY: {field.word} on line {field.line}: an action that '
            f"was {field.word} is a case of {fitting}"
        )
        yield at_node(causes[against], message)


def _against_context(document: Document) -> Iterator[Finding]:
    causes = {node.text: node for node in words_of(document, "causes")}
    field = _field(document, "decision", "CONTEXT_FINDING")
    if field and field.word == "complete" and "stale-evidence" in causes:
        message = (
            f'"stale-evidence" is a cause, and CONTEXT_FINDING on line {field.line} says that the '
            "context was complete: write bad-data there, or take the cause out"
        )
        yield at_node(causes["stale-evidence"], message)


@rule(
    "KB408",
    "truth-is-a-duration",
    reason="A time to recovery says how the team fared. What customers saw, lost and had to do is "
    "the truth they remember.",
    bad="## Customer-visible truth\n\nMTTR was 42 minutes, availability 99.2 %.",
    good="## Customer-visible truth\n\nFourteen customers saw two refunds for one return, and one "
    "of them taken back three days later.",
)
def _truth_is_a_duration(document: Document, context: LintContext) -> Iterator[Finding]:
    section = document.section("customer_truth")
    if not section or says_not_applicable(section):
        return
    statements = _statements(section)
    told = any(_tells(text) or not _METRIC.search(text) for text in statements)
    counted = any(is_answered(value) for value in section.values("CUSTOMERS_AFFECTED"))
    only_window = not statements and bool(section.values("WINDOW")) and not counted
    if (statements and not told) or (only_window and is_submitted(document)):
        message = (
            "this speaks of durations only: write what customers saw, lost or had to do, how many "
            "they were, and when they told us"
        )
        yield at_heading(section, message)


def _tells(statement: str) -> bool:
    """Whether a sentence says more than how long something took, or how often it was up."""
    words = re.findall(r"[^\W\d_]+", statement.lower())
    return sum(word not in _OF_DURATIONS for word in words if len(word) > 1) >= _TELLS


def _statements(section: SectionText) -> list[str]:
    """The sentences that could tell what customers experienced."""
    prose = " ".join(line.text.strip() for line in section.prose_lines)
    fields = [*section.values("CUSTOMER_SAW"), *section.values("HARM")]
    return [text for text in (*re.split(r"(?<=[.!?])\s+", prose), *fields) if is_answered(text)]


@rule(
    "KB409",
    "slow-containment-without-control",
    reason="When more than the limit passes between the first warning and containment, something "
    "that should have watched, called or stopped did not. That control has to be named.",
    bad="clocks: {first_warning: 2026-04-12T14:00:00Z, contained: 2026-04-12T19:00:00Z}\n…\n"
    "## Failed controls\n\n- code review — expected to find it — did not",
    good="## Failed controls\n\n- spend alert — expected a page at 500 USD — did not fire, its "
    "threshold was monthly",
)
def _slow_containment_without_control(
    document: Document, context: LintContext
) -> Iterator[Finding]:
    waited = minutes(document, "first_warning", "contained")
    limit = context.settings.containment_limit_minutes
    if waited is None or waited <= limit or not is_submitted(document) or is_public(document):
        return
    section = document.section("failed_controls")
    text = section.text if section else ""
    node = document.front.get("clocks.contained")
    if node and not _CONTAINMENT_CONTROL.search(text):
        message = (
            f"{waited:.0f} minutes from first_warning to contained, more than {limit}: name under "
            "Failed controls the monitoring, escalation or kill switch that should have been faster"
        )
        yield at_node(node, message)
