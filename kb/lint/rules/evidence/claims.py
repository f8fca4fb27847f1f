"""Rules on asserts, calls and policy paths: each claim checked, each failed check answered."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kb.humanize import listed
from kb.lazy_regex import regex
from kb.lint.readings.document_facts import (
    at_heading,
    at_key,
    at_value,
    field_of,
    is_answered,
    is_public,
    is_submitted,
    lever,
    live_actions,
    quoted,
)
from kb.lint.rule import Finding, LintContext, rule
from kb.records.action_and_prior_items import ActionItem
from kb.records.document import Document
from kb.records.markdown import FieldLine

#: Levers that change what people know or agree on, not what the system does.
_PEOPLE_LEVERS = frozenset({"communication", "ownership", "review-process", "runbook"})
_MAKES_REPEATS_SAFE = regex(
    r"idempot|dedup|duplicat|unique|\bonce\b|retry|retries|upsert|double|twice|repeat|transaction"
    r"|\block",
    re.IGNORECASE,
)
#: Characters of the actions that are searched for the name of each tool: more than any list has.
_MAX_SEARCHED = 50_000
#: The asserts of a claim, and the lines that say whether they held.
_ASSERTS = (
    ("OUTCOME_ASSERT", "HELD"),
    ("LATENCY_ASSERT", "LATENCY_HELD"),
    ("INTEGRITY_ASSERT", "INTEGRITY_HELD"),
)
_MAX_ASSERT = 500
_DURATION = (
    r"(\d{1,9}(?:\.\d{1,9})?)[ \t]?"
    r"(ms|s(?:ec(?:ond)?s?)?|m(?:in(?:ute)?s?)?|h(?:ours?)?|d(?:ays?)?)\b"
)
_LIMIT = regex(rf"(?:<=?|≤|\b(?:with)?in|\bunder|\bbelow)[ \t]?{_DURATION}", re.IGNORECASE)
_ACTUAL = regex(rf"\bactual(?:ly)?\b[ \t:=]{{0,3}}{_DURATION}", re.IGNORECASE)
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
#: What a reader can look up: a number, an address, a name in code.
_POINTER = regex(r"\d|://|`|\w[_/.]\w|\btrace\b|\blog\b|\bspan\b", re.IGNORECASE)


def _changes_the_system(document: Document) -> tuple[ActionItem, ...]:
    return tuple(a for a in live_actions(document) if lever(a) not in _PEOPLE_LEVERS)


def _groups(document: Document, section_key: str) -> Iterator[tuple[FieldLine, ...]]:
    section = document.section(section_key)
    group_key = document.form.section(section_key).group_key
    if section and group_key:
        yield from section.groups(group_key)


@rule(
    "KB401",
    "claim-without-assert",
    reason="What a model says it did is no evidence that it happened. Without a named check of "
    "the world's state the same false success passes again.",
    bad='LLM_SAYS_IT_DID: "Refunded order 7781."\nHELD: yes',
    good='LLM_SAYS_IT_DID: "Refunded order 7781."\n'
    "OUTCOME_ASSERT: the ledger holds exactly one refund for order 7781\nHELD: yes",
)
def _claim_without_assert(document: Document, context: LintContext) -> Iterator[Finding]:
    if not is_submitted(document):
        return
    for group in _groups(document, "outcome_asserts"):
        claim, check = field_of(group, "LLM_SAYS_IT_DID"), field_of(group, "OUTCOME_ASSERT")
        named = check and (is_answered(check.value) or is_public(document))
        if claim and is_answered(claim.value) and not named:
            message = (
                f"{quoted(claim.value)} is claimed and nothing checks it: add OUTCOME_ASSERT with "
                "the state of the world that would tell, for example the row, balance or message"
            )
            yield at_value(document, claim, message)


@rule(
    "KB402",
    "failed-assert-without-action",
    reason="An assert that did not hold is a fault that is known. A record that leaves it there "
    "documents the next incident.",
    bad="HELD: no\n\n## Action items\n\n- [ ] A1: tell the customer — lever: communication",
    good="HELD: no\n\n## Action items\n\n"
    "- [ ] A1: compare the ledger with the reply before it is sent — owner: payments, "
    "due: 2026-05-12, lever: verifier",
)
def _failed_assert_without_action(document: Document, context: LintContext) -> Iterator[Finding]:
    if not is_submitted(document) or is_public(document) or _changes_the_system(document):
        return
    for group in _groups(document, "outcome_asserts"):
        answers = [field_of(group, held) for _, held in _ASSERTS]
        failed = [answer for answer in answers if answer and answer.word == "no"]
        late = field_of(group, "LATENCY_ASSERT")
        if late and not field_of(group, "LATENCY_HELD") and _is_too_late(late.value):
            failed.append(late)
        if failed:
            message = (
                "the assert did not hold and no action changes the system: add an action that "
                "makes it hold, or one that stops the run when it does not"
            )
            yield at_value(document, failed[0], message)


@rule(
    "KB412",
    "assert-not-answered",
    reason="An assert that nobody looked at proves nothing, and one that says itself that it was "
    "missed did not hold: on time and unchanged are asked as true is.",
    bad="LATENCY_ASSERT: the refund is settled < 2s (actual: 14s)\nLATENCY_HELD: yes",
    good="LATENCY_ASSERT: the refund is settled < 2s (actual: 14s)\nLATENCY_HELD: no",
)
def _assert_not_answered(document: Document, context: LintContext) -> Iterator[Finding]:
    for group in _groups(document, "outcome_asserts") if is_submitted(document) else ():
        open_asserts = [check for name, held in _ASSERTS if (check := _open(group, name, held))]
        if open_asserts and not is_public(document):
            missing = listed([dict(_ASSERTS)[check.key] for check in open_asserts])
            message = f"nobody says whether this held; add {missing}: yes, no or not-checked"
            yield at_key(document, open_asserts[0], message)
        check, answer = field_of(group, "LATENCY_ASSERT"), field_of(group, "LATENCY_HELD")
        if check and answer and answer.word == "yes" and _is_too_late(check.value):
            message = f"line {check.line} says that it was later than allowed; write no"
            yield at_value(document, answer, message)


def _open(group: tuple[FieldLine, ...], name: str, held: str) -> FieldLine | None:
    """An assert of a group that neither its own line of answers nor itself decides."""
    check = field_of(group, name)
    if check is None or not is_answered(check.value) or field_of(group, held):
        return None
    is_told = name == "LATENCY_ASSERT" and _ACTUAL.search(check.value[:_MAX_ASSERT])
    return None if is_told else check


def _is_too_late(value: str) -> bool:
    """Whether a latency assert names a limit, and behind it an actual time above it."""
    limit, actual = _LIMIT.search(value[:_MAX_ASSERT]), _ACTUAL.search(value[:_MAX_ASSERT])
    return bool(limit and actual) and _seconds(actual) > _seconds(limit)


def _seconds(match: re.Match[str] | None) -> float:
    unit = match[2].lower() if match else "s"
    return float(match[1]) * _SECONDS["ms" if unit == "ms" else unit[0]] if match else 0.0


@rule(
    "KB403",
    "unsafe-call-without-action",
    reason="Agents retry. A call that should be safe to repeat and is not will run twice on the "
    "next timeout.",
    bad="TOOL: refund\nWAS_THIS_CALL_IDEMPOTENT: no\nSHOULD_IT_HAVE_BEEN: yes",
    good="TOOL: refund\nWAS_THIS_CALL_IDEMPOTENT: no\nSHOULD_IT_HAVE_BEEN: yes\n\n"
    "## Action items\n\n- [ ] A1: require an idempotency key in the schema of refund — "
    "owner: payments, due: 2026-05-12, lever: code",
)
def _unsafe_call_without_action(document: Document, context: LintContext) -> Iterator[Finding]:
    if not is_submitted(document) or is_public(document):
        return
    # To ask the model not to call twice leaves the call as unsafe as it was.
    texts = [a.text for a in _changes_the_system(document) if lever(a) != "prompt"]
    makes_safe = any(_MAKES_REPEATS_SAFE.search(text) for text in texts)
    lower = "\n".join(texts)[:_MAX_SEARCHED].lower()
    for group in _groups(document, "idempotency"):
        was, should = (
            field_of(group, "WAS_THIS_CALL_IDEMPOTENT"),
            field_of(group, "SHOULD_IT_HAVE_BEEN"),
        )
        if not (was and should and was.word == "no" and should.word == "yes"):
            continue
        tool = field_of(group, "TOOL")
        name = re.split(r"[\s(,;]", tool.value, maxsplit=1)[0].strip("`") if tool else ""
        if makes_safe or _names(name, lower):
            continue
        message = (
            f"{quoted(name or 'this call')} was not safe to repeat, should have been, and no "
            "action makes it so: require an idempotency key, or make the effect unique"
        )
        yield at_value(document, was, message)


def _names(tool: str, lower: str) -> bool:
    """Whether a text in lower case names a tool, as one word or with its parts written apart."""
    spoken = tool.replace("_", " ").replace("-", " ").lower()
    return bool(tool) and (tool.lower() in lower or spoken in lower)


@rule(
    "KB404",
    "policy-path-without-evidence",
    reason="A path without a trace event behind it is somebody's memory of the run. The next "
    "reader cannot tell what was seen from what was assumed.",
    bad="ALLOWED_POLICY: lookup -> approve -> refund\nACTUAL_PATH: lookup -> refund",
    good="ALLOWED_POLICY: lookup -> approve -> refund\nACTUAL_PATH: lookup -> refund\n"
    "EVIDENCE: trace 4bf92f35, 14:02:10Z, refund: called with no approval id",
)
def _policy_path_without_evidence(document: Document, context: LintContext) -> Iterator[Finding]:
    section = document.section("policy_path")
    if not section or not is_submitted(document):
        return
    paths = [*section.values("ALLOWED_POLICY"), *section.values("ACTUAL_PATH")]
    shown = section.values("EVIDENCE")
    if not any(is_answered(path) for path in paths):
        return
    if not shown or not (is_public(document) or any(is_answered(value) for value in shown)):
        message = (
            "a policy path without evidence: add EVIDENCE lines with trace event, time and tool, "
            "one for each step that left the policy"
        )
        yield at_heading(section, message)
    elif not is_public(document) and not any(_POINTER.search(value) for value in shown):
        field = next(f for f in section.fields if f.key == "EVIDENCE" and f.value)
        message = (
            f"{quoted(field.value)} cannot be looked up: name the trace event, its time and the "
            'tool, for example "trace 4bf92f35, 14:02:10Z, refund"'
        )
        yield at_value(document, field, message)


@rule(
    "KB411",
    "stray-evidence-line",
    reason="In an evidence block every line is KEY: value. Anything else is shown nowhere and "
    "found by nobody.",
    bad="HARM: money, 120 USD for\nthree days",
    good="HARM: money, 120 USD for\n  three days",
)
def _stray_evidence_line(document: Document, context: LintContext) -> Iterator[Finding]:
    for section in document.sections:
        taken = {n for field in section.fields for n in range(field.line, field.end_line + 1)}
        for line in section.lines:
            is_stray = line.is_evidence and not line.is_mark and line.number not in taken
            if not is_stray or not line.text.strip():
                continue
            start = len(line.text) - len(line.text.lstrip()) + 1
            message = (
                f"{quoted(line.text)} is no KEY: value line: indent it when it goes on with the "
                "line above, write the key as one word of capitals, or move it out of the fence"
            )
            yield Finding(line.number, message, start, len(line.text.strip()))
