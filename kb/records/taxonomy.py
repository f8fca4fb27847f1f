"""The closed vocabularies, each word with a definition and a source.

Teams add words in `kb.toml`; code never branches on a word that is not listed here.
Reading is lenient (an unknown word survives), lint is strict (an unknown word is a fault).
"""

from __future__ import annotations

from dataclasses import dataclass

# Sources cited more than once.
_OWASP_LLM = "OWASP Top 10 for LLM Applications 2025"
_OWASP_ASI = "OWASP Top 10 for Agentic Applications 2026"
_ATLAS = "MITRE ATLAS"
_NIST = "NIST AI 600-1 (2024)"
_MAST = "Cemri et al. 2025, MAST, arXiv:2503.13657"
_SRE = "Google, Site Reliability Engineering (2016)"
_SRE_BOOK = "Google, The Site Reliability Workbook (2018)"
_IDEMPOTENCY = "IETF draft-ietf-httpapi-idempotency-key-header"
_HERE = "postmortem-kb"


@dataclass(frozen=True, slots=True)
class Word:
    """One allowed value: its spelling, what it means, and where the meaning comes from."""

    name: str
    definition: str
    source: str = _HERE


def _words(*rows: tuple[str, str, str] | tuple[str, str]) -> tuple[Word, ...]:
    return tuple(Word(*row) for row in rows)


FAILURE_CLASSES = _words(
    (
        "outcome-assert-gap",
        "The agent reported success and nothing compared the report with the state of the world.",
        f"{_MAST}, no or incomplete verification",
    ),
    (
        "duplicate-side-effect",
        "A call with an outside effect ran more than once for one intention.",
        _IDEMPOTENCY,
    ),
    (
        "policy-bypass",
        "A written rule applied and the run went past it, because nothing but the prompt held it.",
        f"{_OWASP_ASI}, ASI01",
    ),
    (
        "prompt-injection",
        "Text that arrived as data was followed as instruction.",
        f"{_OWASP_LLM}, LLM01; {_ATLAS} AML.T0051",
    ),
    (
        "unauthorised-action",
        "The agent did something nobody with the authority had asked for or approved.",
        f"{_OWASP_LLM}, LLM06 (excessive autonomy)",
    ),
    (
        "excess-authority",
        "The credentials or tools at hand reached further than the task needed.",
        f"{_OWASP_LLM}, LLM06 (excessive permissions); {_OWASP_ASI}, ASI03",
    ),
    (
        "wrong-objective",
        "The agent pursued something other than what its owner wanted, and did it well.",
        "Krakovna et al. 2020, specification gaming",
    ),
    (
        "context-gap",
        "Something the decision needed was not, or no longer, in the context.",
        f"{_MAST}, loss of conversation history",
    ),
    (
        "context-leak",
        "The context held, or the answer showed, something that party must not see.",
        f"{_OWASP_LLM}, LLM02",
    ),
    (
        "stale-evidence",
        "The run relied on retrieved or cached facts that were no longer true.",
        f"{_OWASP_LLM}, LLM08",
    ),
    (
        "runaway-loop",
        "The run repeated itself, or spawned work, with no stop that fired in time.",
        f"{_OWASP_LLM}, LLM10; {_MAST}, step repetition",
    ),
    (
        "destructive-action",
        "Data or systems were deleted or overwritten with no cheap way back.",
        f"{_ATLAS} AML.T0101",
    ),
    (
        "fabricated-content",
        "The system stated as fact something with no basis, and somebody relied on it.",
        f"{_NIST}, confabulation; {_OWASP_LLM}, LLM09",
    ),
    (
        "tool-misuse",
        "A permitted tool was called with wrong arguments, in a wrong order, or for another end.",
        f"{_OWASP_ASI}, ASI02",
    ),
    (
        "prompt-regression",
        "A change to prompt, instructions or configuration made a working behaviour worse.",
        f"{_SRE_BOOK}, canarying releases",
    ),
    (
        "model-change",
        "A new, retired or silently updated model behaved differently.",
        "Chen, Zaharia and Zou 2023, arXiv:2307.09009",
    ),
    (
        "dependency-failure",
        "A service or tool the run depends on failed, and the agent handled it badly.",
        f"{_SRE}, chapter 22",
    ),
    (
        "state-corruption",
        "Memory, session or shared state was wrong, and the run built on it.",
        f"{_OWASP_ASI}, ASI06",
    ),
    (
        "edge-case-input",
        "A legitimate but unforeseen input led to a wrong action.",
        "Amodei et al. 2016, arXiv:1606.06565, distributional shift",
    ),
    (
        "verifier-gap",
        "A check existed and passed what it should have stopped.",
        f"{_MAST}, incorrect verification",
    ),
    (
        "approval-gap",
        "An irreversible or costly step needed no approval, or the approval could be skipped.",
        f"{_OWASP_LLM}, LLM06; {_OWASP_ASI}, ASI09",
    ),
    (
        "supply-chain",
        "A package, extension, skill, model or tool server the agent trusts was compromised.",
        f"{_OWASP_LLM}, LLM03; {_OWASP_ASI}, ASI04",
    ),
    (
        "data-exfiltration",
        "Data left through a channel the agent could write to.",
        f"{_ATLAS} AML.T0086",
    ),
    (
        "rescue-dependence",
        "The route works only because people keep repairing its output.",
        "Woods and Hollnagel 2006, Joint Cognitive Systems",
    ),
)

MISSING_CONTROLS = _words(
    ("outcome-assert", "A check of the world's state after the action, not of the agent's words."),
    ("idempotency-key", "A key that makes a repeated call harmless.", _IDEMPOTENCY),
    ("approval-gate", "A named person or rule must say yes before the step.", "NIST AI RMF 1.0"),
    ("policy-enforcement", "The rule is held by code outside the model.", "OWASP ASVS 5.0, V8"),
    (
        "permission-scope",
        "Credentials reach only what this task needs.",
        "Saltzer and Schroeder 1975, least privilege",
    ),
    (
        "input-isolation",
        "Untrusted text cannot reach the place where instructions are read.",
        "Beurer-Kellner et al. 2025, arXiv:2506.08837",
    ),
    ("output-verifier", "An independent check of the answer against its sources or a schema."),
    ("eval-coverage", "A test set that contains this case runs before every change.", _SRE_BOOK),
    ("alert", "A signal that pages somebody when this happens.", f"{_SRE}, chapter 6"),
    ("budget-limit", "A ceiling on calls, money or time that stops the run.", _OWASP_LLM),
    ("kill-switch", "One action that stops the route at once, known to the on-call."),
    ("retrieval-freshness", "Evidence carries a date and an owner; stale evidence is refused."),
    ("context-filter", "What a party may not see is removed before the context is built."),
    ("confirmation", "The person affected confirms what is about to be done, in plain words."),
    ("rollback", "A tested way back to the state before the action.", f"{_SRE}, chapter 8"),
    ("supply-chain-check", "Pinned, reviewed and provenance-checked dependencies.", "SLSA 1.0"),
    ("replay", "The run can be re-run from a fixture, so that a fix can be shown to work."),
)

CAUSES = _words(
    ("tool-failure", "A tool returned an error, a wrong result or nothing."),
    (
        "prompt-drift",
        "The model's answer to the same prompt changed, often because the model was updated.",
        "Chen, Zaharia and Zou 2023, arXiv:2307.09009",
    ),
    ("state-corruption", "Session, memory or shared state was wrong.", f"{_OWASP_ASI}, ASI06"),
    ("environmental-change", "Something outside changed: an API, a model, a schema, a load."),
    ("edge-case-input", "A legitimate input nobody had planned for."),
    ("prompt-injection", "Data was followed as instruction.", f"{_OWASP_LLM}, LLM01"),
    ("hallucination", "The model asserted what nothing in its context supported.", _NIST),
    ("prompt-defect", "The instructions were wrong, contradictory or silent on this case."),
    ("governance-design", "The action was authorised and should not have been authorisable."),
    ("access-control", "The action was not authorised and was possible all the same."),
    ("stale-evidence", "Retrieved facts were out of date."),
    ("weak-verifier", "A check passed what it should have stopped.", _MAST),
    ("excess-scope", "The agent had more tools, data or autonomy than the task.", _OWASP_LLM),
    ("code-defect", "An ordinary bug in the software around the model."),
)

LEVERS = _words(
    ("test", "An automated test that fails when this happens again."),
    ("runbook", "Written steps for the person on call."),
    ("alert", "A signal that pages somebody."),
    ("code", "A change to the software around the model."),
    ("prompt", "A change to instructions or tool descriptions."),
    ("eval", "A case added to the evaluation set."),
    ("permission", "Narrower credentials or tools."),
    ("approval-gate", "A person or rule must say yes first."),
    ("scope", "The agent is asked to do less."),
    ("verifier", "An independent check of output or outcome."),
    ("kill-switch", "A way to stop the route at once."),
    ("retrieval", "Changes to what evidence is fetched, how fresh, and who owns it."),
    ("monitoring", "A measurement that somebody looks at."),
    ("ownership", "A named owner for a route, tool or data set."),
    ("logging", "A log line or span that was missing."),
    ("communication", "What customers or partners are told, and when."),
    ("review-process", "A change to how changes are reviewed."),
)

STATUSES = _words(
    ("draft", "Being written; not a candidate in search, not counted."),
    ("in-review", "Review was asked for."),
    ("published", "Merged and counted."),
)
ORIGINS = _words(
    ("own", "The team's own incident."),
    ("public", "Written from published facts; what is not public is `unknown`."),
    ("example", "Made up to show the form; shown as fiction, and counted nowhere."),
)
FORMS = _words(
    ("adopted", "Taken over as it stood: searched, listed, and not held to the form."),
    ("short", "Held to the short profile, whatever its severity."),
    ("full", "Held to the full profile, whatever its severity."),
)
#: The forms that are profiles.
PROFILE_FORMS = frozenset({"short", "full"})
#: What is said of an adopted record wherever it is shown.
ADOPTED = "adopted, not held to the form"
KINDS = _words(
    ("incident", "Something outside the route was harmed or changed."),
    ("near-miss", "It was stopped, or found, before it did harm."),
    ("rescue", "People repeatedly repaired the agent's output."),
    ("budget-alert", "An error, spend or time budget burnt too fast."),
)
SEVERITIES = _words(
    ("SEV1", "Wide or irreversible harm to customers, money, safety or law."),
    ("SEV2", "Serious harm to some customers, or to many internally."),
    ("SEV3", "Limited harm, repaired within the day."),
    ("SEV4", "Little harm; recorded for what it teaches."),
)
IMPACTS = _words(
    ("near-miss", "No effect outside the route."),
    ("internal", "Only the organisation itself was affected."),
    ("customer-visible", "Customers could see or feel it."),
    ("control-breach", "A security, privacy or legal control was broken."),
)
DETECTED_BY = _words(
    ("alert", "An automatic signal."),
    ("eval", "An evaluation run."),
    ("operator", "A person of the team."),
    ("customer", "Somebody who uses the service."),
    ("billing", "An invoice or a spend report."),
    ("audit", "A later review or reconciliation."),
    ("partner", "A vendor or partner."),
    ("public", "The press, social media or an outside researcher."),
)
WARNED_BY = _words(
    ("failed-verification", "A check of the output or of the outcome failed."),
    ("weak-evidence", "The agent went on with few, old or contradicting facts."),
    ("manual-corrections", "People had to correct its output more and more often."),
    ("policy-mismatch", "What it did was not what the policy allows."),
    ("none", "Nothing showed before the first effect."),
)
CONTAINED_BY = _words(
    ("slowed", "It ran on at a lower rate, or with a pause before each step."),
    ("narrowed", "It ran on with fewer tools, permissions, customers or kinds of request."),
    ("paused", "The route was stopped."),
    ("manual-control", "People took over each step or each decision."),
    ("ended-by-itself", "It ran out of work, money or time before anybody acted."),
)
VISIBILITIES = _words(
    ("internal", "Never leaves the internal edition."),
    ("external", "The redacted edition may carry it."),
)
TIMELINE_TAGS = _words(
    ("trigger", "What set the run off."),
    ("decision", "The agent chose this step."),
    ("divergence", "The first step that a passing run would not have taken."),
    ("cascade", "A consequence that caused further consequences."),
    ("state-change", "What the agent changed in another system."),
    ("warning", "A signal that something was wrong."),
    ("impact", "The first effect outside the route."),
    ("detected", "We knew."),
    ("contained", "It could do no further harm."),
    ("restart", "The route ran again."),
)
VERDICTS = _words(
    ("repeat", "The same gap, again: a fix for the earlier one would have prevented this one."),
    ("related", "The same class, another gap."),
    ("different", "Looks alike and is not."),
)
GATES = _words(
    ("restart", "Must be done before the route runs again."),
    ("rollout", "Must be done before the route is expanded."),
)

WALL_VERDICTS = _words(
    ("deny", "The call does not run; the agent is told why."),
    ("ask", "A person is asked before the call runs."),
    ("note", "The call runs, and the agent is told what happened last time."),
)
WALL_EFFECTS = _words(
    ("write", "The command changes something, or destroys it."),
    ("destructive", "The command destroys something that it does not bring back."),
)

#: Every vocabulary by the front-matter key, or attribute, whose values it lists.
TAXONOMIES: dict[str, tuple[Word, ...]] = {
    "classes": FAILURE_CLASSES,
    "missing_control": MISSING_CONTROLS,
    "causes": CAUSES,
    "lever": LEVERS,
    "status": STATUSES,
    "origin": ORIGINS,
    "form": FORMS,
    "kind": KINDS,
    "severity": SEVERITIES,
    "impact": IMPACTS,
    "detected_by": DETECTED_BY,
    "warned_by": WARNED_BY,
    "contained_by": CONTAINED_BY,
    "visibility": VISIBILITIES,
    "timeline_tag": TIMELINE_TAGS,
    "verdict": VERDICTS,
    "gate": GATES,
    "wall_verdict": WALL_VERDICTS,
    "wall_effect": WALL_EFFECTS,
}

#: What people write, and the word of the lists that means it.
SYNONYMS: dict[str, str] = {
    "typo": "prompt-defect",
    "injection": "prompt-injection",
    "prompt-typo": "prompt-defect",
    "confabulation": "hallucination",
    "bug": "code-defect",
    "stopped": "paused",
    "kill-switch": "paused",
    "manual": "manual-control",
    "verification": "failed-verification",
    "corrections": "manual-corrections",
    "rising-manual-corrections": "manual-corrections",
}

#: The vocabularies a team may extend in `kb.toml`; code depends on the meaning of the others.
EXTENSIBLE = ("classes", "missing_control", "causes", "lever")
