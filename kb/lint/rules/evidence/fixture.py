"""Rules on the replay fixture, its gaps and the evidence pack."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from kb.lazy_regex import regex
from kb.lint.readings.document_facts import (
    at_heading,
    at_value,
    field_of,
    is_answered,
    is_public,
    is_submitted,
    quoted,
    says_not_applicable,
)
from kb.lint.rule import Finding, LintContext, rule
from kb.records.document import Document
from kb.safe_files import real_path

_LINK = regex(r"\[[^\[\]\n]*\]\(<?([^)>\s]{1,500})>?\)")
#: Section 6 of the form: what must be there before anybody is asked to review.
_EVIDENCE_PACK = ("PROMPT_STATE", "RETRIEVAL", "TOOL_LOG", "INTERVENTIONS", "OUTCOME")


def fixture_path(value: str) -> str:
    """The path a FIXTURE value names, without link, code marks or remark; empty for none."""
    if not is_answered(value):
        return ""
    link = _LINK.search(value)
    return link[1] if link else value.split(maxsplit=1)[0].strip("`<>")


@rule(
    "KB405",
    "missing-fixture",
    reason="A fixture that is not in the repository cannot be replayed, and a fix cannot be shown "
    "to work.",
    bad="FIXTURE: 2026-04-12-refund-agent/fixtrue.json",
    good="FIXTURE: 2026-04-12-refund-agent/fixture.json",
)
def _missing_fixture(document: Document, context: LintContext) -> Iterator[Finding]:
    section = document.section("replay")
    if not section:
        return
    named = field_of(section.fields, "FIXTURE")
    path = fixture_path(named.value) if named else ""
    replayable = field_of(section.fields, "REPLAYABLE")
    if named and path and "://" not in path:
        if fault := _fault_of(path, document, context):
            yield at_value(document, named, f"{quoted(path)} {fault}")
    elif not path and replayable and replayable.word == "yes":
        message = (
            "REPLAYABLE is yes and no FIXTURE is named: name the file beside this record, or "
            "answer no with a MISSING line"
        )
        yield at_value(document, replayable, message)


def _fault_of(path: str, document: Document, context: LintContext) -> str:
    """What is wrong with a fixture's path, empty when the file is there."""
    root = Path(context.root)
    try:
        target = real_path((root / document.path).parent.joinpath(path))
        if not target.is_relative_to(real_path(root)):
            return "leads out of the repository: keep the fixture in the folder beside this record"
        if target.is_file():
            return ""
        beside = f"{document.id}/{Path(path).name}"
        if path != beside and (root / document.path).parent.joinpath(beside).is_file():
            return f'is not there: write "{beside}", the path from this file'
    except (OSError, ValueError, RuntimeError):  # names no file system can hold, circular links
        return "is no path of a file: name the fixture beside this record"
    return (
        "is not there: add the file to the folder of this record's name, or leave FIXTURE empty "
        "and say in MISSING what a replay lacks"
    )


@rule(
    "KB406",
    "unexplained-replay-gap",
    reason="What could not be frozen this time cannot be frozen next time either, unless the "
    "record says what was missing and somebody logs it.",
    bad="REPLAYABLE: no",
    good="REPLAYABLE: no\nMISSING: the retrieval results; only document ids were logged",
)
def _unexplained_replay_gap(document: Document, context: LintContext) -> Iterator[Finding]:
    section = document.section("replay")
    if not section or not is_submitted(document) or says_not_applicable(section):
        return
    missing = section.values("MISSING")
    if any(is_answered(value) for value in missing) or (missing and is_public(document)):
        return
    answer = field_of(section.fields, "REPLAYABLE")
    message = "say in a MISSING line what a replay lacks: prompt, tool results, seed, state"
    if answer and answer.word in {"no", "partly"}:
        yield at_value(
            document, answer, f"REPLAYABLE is {answer.word} and the reason is not there: {message}"
        )
    elif not fixture_path(section.value("FIXTURE")) and not answer:
        yield at_heading(section, f"there is neither a FIXTURE nor a reason: {message}")


@rule(
    "KB410",
    "missing-evidence-pack",
    reason="Logs rotate and prompts change: what is not collected before the review can often not "
    "be collected after it. Five lines make an agent's run reviewable.",
    bad="PROMPT_STATE: refunds-system@2026.04.1\nTOOL_LOG: see trace 4bf92f35",
    good="PROMPT_STATE: refunds-system@2026.04.1\nRETRIEVAL: none\nTOOL_LOG: see trace 4bf92f35\n"
    "INTERVENTIONS: on-call stopped the route at 14:20Z\nOUTCOME: 14 double refunds, by ledger",
)
def _missing_evidence_pack(document: Document, context: LintContext) -> Iterator[Finding]:
    section = document.section("agent_path")
    required = "agent_path" in context.form.profiles[document.profile]
    if not section or not required or not is_submitted(document) or says_not_applicable(section):
        return
    missing = [key for key in _EVIDENCE_PACK if not section.values(key)]
    if missing:
        message = (
            f"the evidence pack lacks {', '.join(missing)}: write each line, with a link, a hash, "
            "or n/a and why"
        )
        yield at_heading(section, message)
