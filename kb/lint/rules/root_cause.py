"""Rules on root causes: prongs, causes and fixes that end where something can be changed."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kb.lazy_regex import regex
from kb.lint.readings.document_facts import (
    at_heading,
    at_node,
    at_value,
    field_of,
    is_public,
    is_submitted,
    lever,
    live_actions,
    quoted,
    says_not_applicable,
    words_of,
)
from kb.lint.readings.prose import ProsePassage, passages, sentences
from kb.lint.rule import ADVICE, Finding, LintContext, rule
from kb.lint.wording.bare_labels import LABEL, MAX_ALONE, PERSON_LABEL, is_only_a_label
from kb.lint.wording.fixes_by_cause import PERMANENT_LEVERS, RIGHT_FIXES, removes
from kb.records.document import Document
from kb.records.ruled_out import ruled_out

_PRONGS = ("Code", "Model")
_EXPLAINS = regex(
    r"\b(?:because|since|as (?:the|no|it|there)|when|whenever|given|after|so that|whose|without"
    r"|until|although|while|where|if|had|lacks?|lacked|missing|never)\b",
    re.IGNORECASE,
)
_PARAGRAPH_END = regex(r"\n\s*\n|\n#+ .*\n|\n```")
_MAX_LABEL_WORDS = 15  # a longer sentence says more than the label
_MAX_BARE_WORDS = 8


@rule(
    "KB501",
    "missing-prong",
    reason="An agent fails in code and in the model's choice at once. A record with one prong "
    "fixes half of it.",
    bad="## Root cause\n\nThe client retries after 10 s.",
    good="## Root cause\n\n### Code\n\nThe client retries after 10 s; the API commits after 12 s."
    "\n\n### Model\n\nThe tool result said only timeout, and the prompt said to retry.",
)
def _missing_prong(document: Document, context: LintContext) -> Iterator[Finding]:
    section = document.section("root_cause")
    if not section or section.is_empty or not is_submitted(document):
        return
    if says_not_applicable(section):
        return
    texts = {name.lower(): text for name, _, text in section.subsections()}
    lacking = []
    for prong in _PRONGS:
        found = [text for name, text in texts.items() if re.search(rf"\b{prong.lower()}\b", name)]
        if not any(text.strip() for text in found):
            lacking.append((prong, "empty" if found else "missing"))
    if lacking:
        what = " and ".join(f'the prong "### {prong}" is {how}' for prong, how in lacking)
        where = " and ".join(f"the {prong.lower()}" for prong, _ in lacking)
        message = f"{what}: write what in {where} made this possible, or why it does not apply"
        yield at_heading(section, message)


def _open_causes(document: Document) -> Iterator[Finding]:
    actions = live_actions(document)
    if not actions or not is_submitted(document) or is_public(document):
        return
    for node in words_of(document, "causes"):
        cause = (node.text or "").strip()
        if not any(removes(action, cause) for action in actions):
            message = (
                f'no action removes the cause "{cause}": add one and end it with '
                f"cause: {cause}, or say which cause is the real one"
            )
            yield at_node(node, message)


@rule(
    "KB502",
    "cause-without-action",
    reason="A cause nobody removes is a forecast. A record of this weight has to answer each "
    "cause it names.",
    bad="causes: [code-defect, stale-evidence]\n…\n- [ ] A1: fix the retry — lever: code, "
    "cause: code-defect",
    good="- [ ] A2: refuse documents older than a day — owner: search, due: 2026-05-12, "
    "lever: retrieval, cause: stale-evidence",
)
def _cause_without_action(document: Document, context: LintContext) -> Iterator[Finding]:
    if document.profile == "full":
        yield from _open_causes(document)


@rule(
    "KB503",
    "cause-left-open",
    severity=ADVICE,
    reason="Also a small incident comes back by the cause that was left. Where leaving it is the "
    "decision, a sentence that says so helps the next reader.",
    bad="severity: SEV4\ncauses: [weak-verifier]\n…\n- [ ] A1: reword the prompt — lever: prompt",
    good="- [ ] A2: check totals against the ledger — owner: payments, due: 2026-05-12, "
    "lever: verifier, cause: weak-verifier",
)
def _cause_left_open(document: Document, context: LintContext) -> Iterator[Finding]:
    if document.profile != "full":
        yield from _open_causes(document)


@rule(
    "KB504",
    "wrong-kind-of-fix",
    reason="Injection is not cured by asking the model to be careful, nor a wrong prompt by a "
    "dashboard. Each policy cause has the kinds of fix that hold against it.",
    bad="POLICY_CAUSE: injection\n…\n- [ ] A1: tell the model to ignore instructions in mails — "
    "lever: prompt",
    good="POLICY_CAUSE: injection\n…\n- [ ] A1: no tool that sends mail while untrusted mail is in "
    "context — owner: platform, due: 2026-05-12, lever: permission",
)
def _wrong_kind_of_fix(document: Document, context: LintContext) -> Iterator[Finding]:
    section = document.section("policy_path")
    field = field_of(section.fields, "POLICY_CAUSE") if section else None
    right = RIGHT_FIXES.get(field.word) if field else None
    actions = live_actions(document)
    if not field or not right or not actions or not is_submitted(document) or is_public(document):
        return
    if not right.is_in(actions):
        used = ", ".join(sorted({lever(action) for action in actions} - {""})) or "no lever"
        message = f"{field.word} is answered by {used} only: it needs {right.wording}"
        yield at_value(document, field, message)


@rule(
    "KB505",
    "root-cause-is-a-label",
    reason="A label such as hallucination, human error or a rogue agent names what was seen. "
    "Nothing can be changed about a label; what made it possible can be.",
    bad="### Model\n\nThe model hallucinated.",
    good="### Model\n\nThe question named an order the context did not hold, and no instruction "
    "allowed the answer that it is not known.",
)
def _root_cause_is_a_label(document: Document, context: LintContext) -> Iterator[Finding]:
    root_cause, path = document.section("root_cause"), document.field("policy_path", "ROOT_CAUSE")
    argued = f"{path}\n{root_cause.text if root_cause else ''}"
    if not is_submitted(document) or not (LABEL.search(argued) or _may_be_bare(argued)):
        return
    units: dict[tuple[str, int], list[ProsePassage]] = {}
    for passage in passages(document):
        if _is_explanation(passage):
            units.setdefault((passage.field, passage.subsection), []).append(passage)
    for unit in units.values():
        if found := _label_it_ends_at(unit):
            yield found


def _may_be_bare(argued: str) -> bool:
    """Whether a short paragraph is no more than a label: to look at all text takes longer."""
    short = [part for part in _PARAGRAPH_END.split(argued) if len(part) <= MAX_ALONE]
    return any(is_only_a_label(text) for part in short for text in sentences(part))


def _is_explanation(passage: ProsePassage) -> bool:
    prose = passage.section == "root_cause" and not passage.field
    return passage.field == "ROOT_CAUSE" or (prose and not passage.text.lstrip().startswith("#"))


def _label_it_ends_at(unit: list[ProsePassage]) -> Finding | None:
    """Where the explanation stops at a label, None where it goes further."""
    parts = [(passage, text) for passage in unit for text in sentences(passage.text)]
    if not parts:
        return None
    all_labels = all(
        is_only_a_label(text) or _is_bare(text, LABEL, _MAX_LABEL_WORDS) for _, text in parts
    )
    if not all_labels and not _is_bare(parts[-1][1], PERSON_LABEL, _MAX_BARE_WORDS):
        return None
    passage, text = parts[-1]
    match = LABEL.search(text)
    label = " ".join((match[0] if match else text).split()).strip(" .!*_")
    line, column = passage.place(max(passage.text.find(label), 0))
    message = (
        f"{quoted(label)} is where this explanation ends: go on to what made it possible and can "
        "be changed: the context, the tool, the permission or the check that was not there"
    )
    return Finding(line, message, column, len(label))


def _is_bare(sentence: str, label: re.Pattern[str], most_words: int) -> bool:
    match = label.search(sentence)
    if not match or len(sentence.split()) > most_words or _EXPLAINS.search(sentence):
        return False
    goes_on = re.search(r"[:;—–]|\bruled out\b", sentence[match.end() :])
    denied = re.search(r"\b(?:no|not)\b", sentence[: match.start()], re.IGNORECASE)
    return not goes_on and not denied


@rule(
    "KB506",
    "prompt-tweak-only",
    reason="A changed prompt lowers the odds and holds nothing: the next model, context or wording "
    "brings the fault back, and no test tells.",
    bad="- [ ] A1: tell the agent to check for earlier refunds — owner: payments, "
    "due: 2026-05-12, lever: prompt",
    good="- [ ] A1: tell the agent to check for earlier refunds — owner: payments, "
    "due: 2026-05-12, lever: prompt\n"
    "- [ ] A2: refuse a second refund for one order in the API — owner: payments, "
    "due: 2026-05-12, lever: code",
)
def _prompt_tweak_only(document: Document, context: LintContext) -> Iterator[Finding]:
    if not is_submitted(document) or is_public(document):
        return
    lasting = [a for a in live_actions(document) if lever(a) in PERMANENT_LEVERS or not lever(a)]
    if lasting and all(lever(action) == "prompt" for action in lasting):
        message = (
            "a changed prompt is the only lasting fix: add one that does not depend on the "
            "model's reading, such as code, permission, verifier, or an eval that keeps it"
        )
        yield Finding(lasting[0].line, message, 1, len(document.source_line(lasting[0].line)))


@rule(
    "KB507",
    "ruled-out-without-evidence",
    reason="The next on-call skips a hypothesis that a record rules out. Without the evidence they "
    "cannot know whether it is ruled out for their incident as well, and test it again.",
    bad="## Root cause\n\nRULED_OUT: the payments API answered twice",
    good="## Root cause\n\nRULED_OUT: the payments API answered twice — its log has one answer",
)
def _ruled_out_without_evidence(document: Document, context: LintContext) -> Iterator[Finding]:
    section = document.section("root_cause")
    if not section or not is_submitted(document):
        return
    for field in section.fields:
        if field.key != "RULED_OUT" or not field.value.strip():
            continue
        (found,) = ruled_out([field.value])
        if not found.evidence:
            what = f"{quoted(found.hypothesis)} is ruled out by nothing"
            yield at_value(document, field, f"{what}: add an em dash and the evidence")
