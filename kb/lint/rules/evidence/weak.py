"""Rules on actions that do not answer what the evidence shows, each with a better answer."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from kb.lazy_regex import regex
from kb.lint.readings.document_facts import (
    at_node,
    is_public,
    is_submitted,
    lever,
    live_actions,
    minutes,
    words_of,
)
from kb.lint.rule import ADVICE, Finding, LintContext, rule
from kb.lint.wording.fixes_by_cause import promises
from kb.records.document import Document
from kb.records.front_matter import Node

#: SPEC of the form, Detection chain: "what would have found it in under 30 minutes".
DETECTION_GOAL_MINUTES = 30
#: From the second rescue on it is a pattern and no accident.
_REPEATED_RESCUES = 2


@dataclass(frozen=True, slots=True)
class _Answer:
    """What counts as an answer: a lever, a gate, or words in the text of what is no prompt."""

    levers: frozenset[str]
    words: re.Pattern[str]
    gate: str = ""

    def is_in(self, document: Document) -> bool:
        return any(
            lever(action) in self.levers
            or (self.gate and action.attribute("gate") == self.gate)
            or promises(action, self.words)
            for action in live_actions(document)
        )


def _answer(levers: str, words: str, gate: str = "") -> _Answer:
    return _Answer(frozenset(levers.split()), regex(words, re.IGNORECASE), gate)


_FRESH_EVIDENCE = _answer(
    "retrieval verifier ownership",
    r"fresh|stale|expir|\bttl\b|as.of|out.?dated|re-?index|retriev|verif|source owner",
)
_NARROW_AUTHORITY = _answer(
    "permission approval-gate scope",
    r"permission|least privilege|approv|\bden(?:y|ies)\b|read.?only|separate|allow.?list|credential"
    r"|revoke|narrow",
)
_LESS_AUTONOMY = _answer(
    "scope approval-gate", r"autonomy|rescue|hand.?over|hand.?off|rollout|roll.?out", gate="rollout"
)
_FAST_DETECTION = _answer(
    "alert monitoring kill-switch",
    r"alert|alarm|\bpag(?:ed|er|ing)\b|(?:^|\b(?:to|and|that|which) )pages?\b"
    r"|(?<!the )\bpages? (?:the|an?|some\w+|us)\b|escalat|monitor|watch|on.?call"
    r"|owner of containment",
)


def _is_weak(document: Document, answer: _Answer) -> bool:
    """Whether there are actions, none of them that answer, and it is the team's own to say."""
    asked = is_submitted(document) and not is_public(document)
    return asked and bool(live_actions(document)) and not answer.is_in(document)


def _one_of(document: Document, key: str, words: set[str]) -> Node | None:
    return next((node for node in words_of(document, key) if node.text in words), None)


@rule(
    "KB421",
    "stale-evidence-unanswered",
    severity=ADVICE,
    reason="Telling a model to prefer recent facts does not make the facts recent. What was stale "
    "stays stale until something filters, dates or owns it.",
    bad="causes: [stale-evidence]\n…\n"
    "- [ ] A1: tell the model to use current prices — lever: prompt",
    good="- [ ] A1: refuse price documents older than a day at retrieval — owner: search, "
    "due: 2026-05-12, lever: retrieval, cause: stale-evidence",
)
def _stale_evidence_unanswered(document: Document, context: LintContext) -> Iterator[Finding]:
    words = {"stale-evidence"}
    node = _one_of(document, "causes", words) or _one_of(document, "classes", words)
    if node and _is_weak(document, _FRESH_EVIDENCE):
        message = (
            '"stale-evidence" and no action makes evidence fresh: propose a retrieval filter, a '
            "freshness limit, an owner of the source, or a verifier that checks the date"
        )
        yield at_node(node, message)


@rule(
    "KB422",
    "excess-authority-unanswered",
    severity=ADVICE,
    reason="An agent that went beyond its authority could do so because the credentials let it. "
    "Words in a prompt do not take them away.",
    bad="classes: [excess-authority]\n…\n- [ ] A1: ask the model not to delete — lever: prompt",
    good="- [ ] A1: give the cleanup agent a read-only role, deletion through a tool that needs "
    "approval — owner: platform, due: 2026-05-12, lever: permission",
)
def _excess_authority_unanswered(document: Document, context: LintContext) -> Iterator[Finding]:
    node = _one_of(document, "causes", {"access-control", "excess-scope"}) or _one_of(
        document, "classes", {"unauthorised-action", "excess-authority"}
    )
    if not node and document.field("decision", "AUTHORITY").lower().startswith("unauthorised"):
        node = document.front.get("classes")
    if node and _is_weak(document, _NARROW_AUTHORITY):
        message = (
            "it acted beyond its authority and no action narrows it: propose narrower permissions, "
            "an approval gate, or write tools apart from read tools"
        )
        yield at_node(node, message)


@rule(
    "KB423",
    "rescues-unanswered",
    severity=ADVICE,
    reason="People who keep repairing the output hide how often the route fails, and each "
    "extension of the route adds to their load.",
    bad="kind: rescue\nrescues: 6\n…\n- [ ] A1: improve the prompt — lever: prompt",
    good="- [ ] A1: count hand repairs per day, no new market while above 1 % — owner: support, "
    "due: 2026-05-12, lever: monitoring, gate: rollout",
)
def _rescues_unanswered(document: Document, context: LintContext) -> Iterator[Finding]:
    count = document.front.text("rescues")
    node = document.front.get("rescues")
    if not (count.isdecimal() and int(count[:9]) >= _REPEATED_RESCUES):
        node = _one_of(document, "classes", {"rescue-dependence"})
        if document.front.text("kind") == "rescue":
            node = document.front.get("kind")
    if node and _is_weak(document, _LESS_AUTONOMY):
        message = (
            "people rescued this route repeatedly and no action answers that: propose lower "
            "autonomy, a measure of the rescue load, or a block with gate: rollout"
        )
        yield at_node(node, message)


@rule(
    "KB424",
    "late-detection-unanswered",
    severity=ADVICE,
    reason="Each hour undetected multiplies the harm of a route that runs by itself. A fix of the "
    "cause does not shorten the next detection.",
    bad="first_impact: 2026-04-12T03:14:00Z\ndetected: 2026-04-15T08:20:00Z\n…\n"
    "- [ ] A1: add a retry test — lever: test",
    good="- [ ] A2: page the on-call when the ledger holds two charges for one invoice — "
    "owner: platform-sre, due: 2026-04-17, lever: alert",
)
def _late_detection_unanswered(document: Document, context: LintContext) -> Iterator[Finding]:
    near_miss = document.front.text("kind") == "near-miss"
    took = minutes(document, "first_warning" if near_miss else "first_impact", "detected")
    node = document.front.get("clocks.detected")
    if node is None or took is None or took <= DETECTION_GOAL_MINUTES:
        return
    if _is_weak(document, _FAST_DETECTION):
        message = (
            f"detected after {took:.0f} minutes (goal: {DETECTION_GOAL_MINUTES}) and no action "
            "makes that faster: propose an alert, an escalation trigger, or a named owner of "
            "containment, as `- [ ] page … when … — owner: …, due: …, lever: alert`"
        )
        yield at_node(node, message)
