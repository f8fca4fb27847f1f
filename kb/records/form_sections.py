"""The sections, their fields, and the profiles, as data.

A row is a section. Adding one here (or changing one in `kb.toml`) is all it takes:
the template, the parser, the checks, the index and the site read this table.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache

from kb.lazy_regex import regex

YES_NO = ("yes", "no")
ASSERT_ANSWERS = ("yes", "no", "not-checked")
CONFIDENCES = ("high", "medium", "low")
AUDIT_ANSWERS = ("yes", "no", "unknown", "n/a")


#: Stems in American spelling, and as the form spells them.
_SPELLINGS = regex(r"(authori|optimi|prioriti|organi)z(?=e|i)")


def normal_spelling(text: str) -> str:
    """Lower-case words in the spelling of the form: `unauthorized` is `unauthorised`."""
    return _SPELLINGS.sub(r"\1s", text) if "z" in text else text


@lru_cache(maxsize=2048)  # a library has the same labels in each record
def plain_label(text: str) -> str:
    """A label reduced to its words: lower case, British spelling, no marks or punctuation."""
    return normal_spelling(" ".join(re.findall(r"[^\W_]+", text.lower().replace("’", "'"))))


@dataclass(frozen=True, slots=True)
class Field:
    """One `KEY: value` line of a section.

    `words` lists the allowed first words of the value, empty when any text may stand.
    `many` allows the key to repeat; `starts_group` makes it open a new group of lines.
    `external` lets the external edition carry it, in a section that may be there.
    `aliases` are labels that are read as the key; one that is a question, or in `headings`, is also
    read as a heading whose text is the value. `answers` are words that mean one of `words`.
    """

    key: str
    prompt: str
    words: tuple[str, ...] = ()
    many: bool = False
    starts_group: bool = False
    external: bool = False
    aliases: tuple[str, ...] = ()
    headings: tuple[str, ...] = ()
    answers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class Section:
    """One section of the form.

    `aliases` are headings that are read as this section; `embedded` says whether search indexes it,
    `external` whether the external edition may carry it. `question` is what the one page asks, to
    be answered in one sentence; empty where it is the prompt. `vocabularies` are the lists that its
    items take words from. `asked_by_classes` are failure classes that ask for it in every profile.
    """

    key: str
    heading: str
    prompt: str
    example: str
    fields: tuple[Field, ...] = ()
    aliases: tuple[str, ...] = ()
    embedded: bool = True
    external: bool = False
    question: str = ""
    vocabularies: tuple[str, ...] = ()
    asked_by_classes: tuple[str, ...] = ()

    @cached_property
    def group_key(self) -> str | None:
        """The field that opens a group, None for sections without groups."""
        return next((field.key for field in self.fields if field.starts_group), None)

    @cached_property
    def template_lines(self) -> frozenset[str]:
        """What a blank record says here: the question, and the example below it."""
        example = [f"e.g. {self.example_line}"] if self.example else []
        return frozenset([self.prompt, self.question or self.prompt, *example])

    @property
    def example_line(self) -> str:
        """The line of the example that a blank record shows: the first that is no heading."""
        lines = [line for line in self.example.splitlines() if line.strip()]
        return next((line for line in lines if not line.startswith("#")), "")

    @cached_property
    def _by_key(self) -> Mapping[str, Field]:
        return {field.key: field for field in self.fields}

    def field(self, key: str) -> Field | None:
        """The field with that key, upper case, or None."""
        return self._by_key.get(key)

    @cached_property
    def _by_label(self) -> Mapping[str, Field]:
        labels: dict[str, Field] = {}
        for row in self.fields:
            for name in (row.key, *row.aliases, *row.headings):
                labels.setdefault(plain_label(name), row)
        return labels

    def labelled(self, label: str) -> Field | None:
        """The field that a label means: its key in any case and spelling, or an alias of it."""
        return self._by_label.get(plain_label(label))


SECTIONS: tuple[Section, ...] = (
    Section(
        key="summary",
        heading="Summary",
        prompt="What happened, who was affected, what did it cost: one paragraph for a stranger?",
        example="Between 14:02 and 16:51 UTC the refund agent paid 14 customers twice, "
        "4,200 USD in all, because a timed-out call was retried without an idempotency key.",
        fields=(
            Field("DAMAGED", "What was harmed for certain", external=True),
            Field("THREATENED", "What could have been harmed and was not"),
        ),
        question="What happened, to whom, when; how was it stopped?",
        aliases=(
            *(
                "in one sentence",
                "what is it about",
                "was ist passiert",
                "was geschah",
                "o que aconteceu",
            ),
            *(
                "qué pasó",
                "ce qui s'est passé",
                "que s'est-il passé",
                "何が起きたか",
                "一句话结论",
                "事故概述",
            ),
            *("overview", "tl;dr", "tldr", "executive summary", "what happened", "abstract"),
            *("incident summary", "issue summary", "summary and impact", "incident overview"),
            *("problem", "problem summary", "problem description", "problem statement", "issue"),
            *("description", "incident description", "synopsis", "in brief", "at a glance"),
            *("narrative", "blameless narrative", "write the blameless narrative"),
            *("incident", "incident details", "what went down", "issue overview"),
            *("what actually happened", "what happened exactly"),
            *("outage summary", "サマリー", "概要", "要約", "摘要", "概述", "resumen", "resumo"),
            *("résumé", "zusammenfassung"),
        ),
        external=True,
    ),
    Section(
        key="customer_truth",
        heading="Customer-visible truth",
        prompt="What did customers experience, in their terms, when, how many, and when did they "
        "tell us? A duration is no substitute.",
        example="CUSTOMER_SAW: two refunds for one return, then one of them taken back",
        fields=(
            Field("WINDOW", "From when to when customers could notice", external=True),
            Field(
                "CUSTOMERS_AFFECTED",
                "How many, and how that was counted",
                external=True,
                aliases=("affected customers", "users affected", "affected users"),
            ),
            Field("CUSTOMER_SAW", "What was on their screen, statement or phone", external=True),
            Field("HARM", "Money, time, privacy, safety, trust", many=True, external=True),
            Field("DASHBOARD_SAID", "What our own instruments showed meanwhile"),
            Field("ONCALL_PAGED", "Whether and when anybody was paged"),
            Field("TOLD_US_BY", "The channel in which the first customer told us"),
            Field("TOLD_US_AT", "When, UTC", external=True),
        ),
        question="What did customers see; when did they tell us?",
        aliases=(
            *(
                "sintoma",
                "sintomas",
                "síntomas",
                "symptome",
                "symptômes",
                "影响与范围",
                "影响和范围",
            ),
            *("why it matters", "business impact estimate", "영향", "영향 범위", "症状"),
            *("customer impact", "impact", "user impact", "customer visible truth"),
            *("customer visible truth statement", "business impact", "impact on users"),
            *("impact on customers", "impact analysis", "impact assessment", "impact summary"),
            *("scope of impact", "scope and impact", "impact and scope", "service impact"),
            *("symptoms", "symptom", "what users saw", "what customers saw", "blast radius"),
            *("影響", "影響範囲", "ユーザー影響", "影响", "影响范围", "impacto", "auswirkungen"),
        ),
        external=True,
    ),
    Section(
        key="timeline",
        heading="Timeline",
        prompt="What happened when, UTC, from the first detectable warning to the restart?",
        example="- 2026-04-12 14:02 UTC — first duplicate refund posted [impact]",
        vocabularies=("timeline_tag",),
        aliases=(
            *("timeline (utc)", "timeline (all times utc)", "chronology", "incident timeline"),
            *("timeline of events", "event timeline", "issue timeline", "timeline summary"),
            *("detailed timeline", "timeline of the incident", "sequence of events", "key events"),
            *("chronology of events", "follow up timeline", "decision tree", "divergence point"),
            *("cascading effects", "external state changes", "find the divergence point"),
            *("outage timeline", "response timeline", "events", "incident log"),
            *(
                "タイムライン",
                "時系列",
                "経緯",
                "时间线",
                "时间轴",
                "cronología",
                "línea de tiempo",
            ),
            *("linha do tempo", "cronologia", "chronologie", "zeitleiste", "zeitlicher ablauf"),
        ),
        external=True,
    ),
    Section(
        key="detection",
        heading="Detection chain",
        prompt="How did we find out, hop by hop, and what would have found it in 30 minutes?",
        example="WOULD_HAVE_DETECTED: count of refunds per order id > 1, alert at the first one",
        fields=(
            Field("DETECTION_CHAIN_MINUTES", "Computed: detected − first_impact", external=True),
            Field(
                "WOULD_HAVE_DETECTED",
                "A signal that finds this in 30 minutes",
                many=True,
                external=True,
                headings=(
                    "what would have detected this",
                    "what would have detected this in <30 minutes?",
                    "what would have detected this in 30 minutes",
                    "what would have detected this in under 30 minutes",
                    "what would have detected this within 30 minutes",
                    "what would have detected it",
                ),
            ),
        ),
        aliases=(
            *("detection", "discovery", "observed signals", "how we found out", "detection time"),
            *("how it was detected", "how was it detected", "how did we find out", "diagnosis"),
            *(
                "how was the incident detected",
                "detection and alerting",
                "first warning",
                "signals",
            ),
            *("how it was discovered", "how we detected it", "monitoring and detection"),
            *("detection and diagnosis", "why it wasn't caught", "why it was not caught"),
            *("検知", "発見", "检测", "detección", "detecção", "détection", "erkennung"),
        ),
        external=True,
    ),
    Section(
        key="decision",
        heading="Decision record",
        prompt="What was decided and why, with which context and authority?",
        example="AUTHORITY: authorised (refunds under 500 USD need no approval)",
        fields=(
            Field(
                "DECISION",
                "What the agent decided, in one sentence",
                headings=(
                    "what decision did the agent make",
                    "what decision did the agent make, and what was it trying to optimise for?",
                ),
            ),
            Field(
                "OPTIMISING_FOR",
                "What it was trying to make better",
                headings=("what was it trying to optimise for",),
            ),
            Field("ALTERNATIVES", "What else it could have done"),
            Field(
                "CONTEXT_PRESENT",
                "What it had seen",
                many=True,
                headings=(
                    "what context was in its window",
                    "what context was in its window at that moment?",
                ),
            ),
            Field("CONTEXT_MISSING", "What it had not seen and needed", many=True),
            Field("CONTEXT_EXCESS", "What it had seen and should not have", many=True),
            Field("CONTEXT_SOURCE", "How we know", words=("logged", "inferred")),
            Field(
                "CONTEXT_FINDING",
                "What was wrong with the context",
                words=("bad-data", "ignored-data", "complete"),
            ),
            Field(
                "AUTHORITY",
                "Authorised: a governance design problem; unauthorised: an access control problem",
                words=("authorised", "unauthorised"),
                answers=(("yes", "authorised"), ("no", "unauthorised")),
                headings=(
                    "was it authorised to take that action?",
                    "was the agent authorised to take that action",
                    "was it authorised",
                ),
            ),
            Field(
                "WALL",
                "What would stop this whole class before live work",
                headings=(
                    "could the operation have caught this class of error before it landed on "
                    "live work?",
                    "could the operation have caught this class of error",
                ),
            ),
        ),
        asked_by_classes=("unauthorised-action", "excess-authority", "wrong-objective"),
        aliases=("decision",),
    ),
    Section(
        key="agent_path",
        heading="Agent path",
        prompt="Where is the evidence: prompt state, retrieval, tool log, interventions, outcome?",
        example="PROMPT_STATE: refunds-system@2026.04.1, sha256 9f2c…, see trace 4bf9",
        fields=(
            Field(
                "PROMPT_STATE",
                "Prompt and instructions in force, by version or hash",
                aliases=("prompt and instruction state", "prompt and instructions"),
            ),
            Field(
                "RETRIEVAL",
                "What was retrieved, from where, how old",
                aliases=("retrieval evidence",),
            ),
            Field("TOOL_LOG", "Calls in order, or a link to them", aliases=("tool logs",)),
            Field(
                "TOOL_FAILURE_HANDLED",
                "How the agent took a tool's failure",
                words=("well", "poorly", "none"),
            ),
            Field("AFTER_TOOL_FAILURE", "What the agent did next"),
            Field(
                "INTERVENTIONS",
                "What people did, when",
                aliases=("human interventions",),
                headings=(
                    *("resolution", "mitigation", "resolution and recovery", "response"),
                    *("mitigation and resolution", "recovery", "how it was fixed", "fix", "fixes"),
                    *("how it was stopped", "how was it stopped", "containment", "the fix"),
                    *(
                        "solution",
                        "solutions",
                        "solution implemented",
                        "solutions implemented",
                        "fix applied",
                        "fix implemented",
                        "fixes applied",
                    ),
                    *("incident response", "resolution steps", "response and resolution"),
                    *("resolution summary", "immediate response", "summary of resolution"),
                    *("containment and recovery", "remediation steps taken", "solution applied"),
                    *("final resolution", "fixes implemented", "how we fixed it", "what we did"),
                    *("workaround", "mitigação", "mitigação imediata", "fix-forward applied"),
                    *("处置与永久修复", "临时止血", "조치 내용"),
                    *("mitigation and recovery", "immediate actions taken", "actions taken"),
                    *("mitigations", "immediate actions completed", "recovery actions"),
                    *("details of fix", "details of the fix", "details of recovery", "復旧"),
                    *("復旧対応", "恢复", "resolución", "resolução", "résolution", "behebung"),
                ),
            ),
            Field(
                "OUTCOME",
                "How it ended, and who judged that",
                aliases=("outcome assessment",),
            ),
            Field("DESIGN_APPROVED_BY", "The role that accepted this design"),
            Field("OPERATOR_SAW", "What the operator's screen showed at the time"),
        ),
        aliases=("agent trajectory", "evidence pack", "evidence", "investigation"),
    ),
    Section(
        key="replay",
        heading="Replay fixture",
        prompt="Can this be re-run, and what is missing?",
        example="FIXTURE: 2026-04-12-refund-agent-charged-twice/fixture.json",
        fields=(
            Field("FIXTURE", "Path of the fixture, beside this file"),
            Field(
                "REPLAYABLE",
                "Whether it can be run",
                words=("yes", "partly", "no"),
                answers=(("partially", "partly"),),
            ),
            Field("MISSING", "What a replay lacks", many=True),
            Field(
                "SIDE_EFFECTS_ALREADY_RUN",
                "Effects a replay must not repeat",
                aliases=("side effects that already ran", "which side effects already ran"),
            ),
            Field("REPRODUCED", "k/N runs that failed the same way"),
            Field("PROVED", "Where the replay fails and where it passes, by kb run replay --prove"),
            Field("PASSING_RUN", "A run of the same task that went well"),
            Field("DIVERGENCE_STEP", "The first step at which the two differ"),
        ),
        question="Can you re-run this? If no, what is missing?",
        aliases=(
            *("replay", "reproduction", "steps to reproduce", "how to reproduce"),
            *("pull the failing run", "failing run", "reproducing"),
        ),
    ),
    Section(
        key="policy_path",
        heading="Policy-path evidence",
        prompt="Which policy should have held, and what was done instead?",
        example="ALLOWED_POLICY: lookup -> approve -> refund",
        fields=(
            Field("ALLOWED_POLICY", "The path the policy allows", external=True),
            Field("ACTUAL_PATH", "The path that was taken", external=True),
            Field("EVIDENCE", "Trace event, time, tool", many=True),
            Field("ROOT_CAUSE", "Why the policy did not hold, in words", external=True),
            Field(
                "POLICY_CAUSE",
                "The kind of cause",
                words=("injection", "hallucination", "prompt-defect", "not-enforced", "none"),
                external=True,
            ),
        ),
        question="Which path was allowed, which was taken?",
        aliases=(
            "policy path",
            "policy path evidence",
            "policy path evidence lattice",
            "policy evidence",
        ),
        external=True,
    ),
    Section(
        key="outcome_asserts",
        heading="Outcome asserts",
        prompt="What did the agent say it did, and what was the state of the world?",
        example="LLM_SAYS_IT_DID: refunded order 7781 once",
        fields=(
            Field(
                "LLM_SAYS_IT_DID",
                "The claim, quoted or paraphrased",
                starts_group=True,
                external=True,
            ),
            Field(
                "OUTCOME_ASSERT", "The check of the world's state that would tell", external=True
            ),
            Field("LATENCY_ASSERT", "By when it must be true, and when it was (actual: 14s)"),
            Field("LATENCY_HELD", "Whether it was in time", words=ASSERT_ANSWERS),
            Field("INTEGRITY_ASSERT", "What must not have changed"),
            Field("INTEGRITY_HELD", "Whether it had not", words=ASSERT_ANSWERS),
            Field("ASSERTED_IN", "Where it was checked", words=("trace", "afterwards", "nowhere")),
            Field("HELD", "Whether it was true", words=ASSERT_ANSWERS, external=True),
        ),
        question="What did the agent claim; which check would have told?",
        aliases=("outcome assert", "outcome assert line", "outcome assertions"),
        external=True,
    ),
    Section(
        key="idempotency",
        heading="Idempotency-key audit",
        prompt="For each tool with a side effect: was the call safe to repeat?",
        example="TOOL: refund",
        fields=(
            Field("TOOL", "The side-effecting tool", starts_group=True),
            Field("WAS_THIS_CALL_IDEMPOTENT", "Harmless when repeated?", words=AUDIT_ANSWERS),
            Field("SHOULD_IT_HAVE_BEEN", "Ought it to be?", words=AUDIT_ANSWERS),
            Field("KEY_PRESENT_IN_TOOL_SCHEMA", "Does the schema take a key?", words=AUDIT_ANSWERS),
            Field("KEY_PRESENT_IN_AGENT_PROMPT", "Was it asked for a key?", words=AUDIT_ANSWERS),
            Field("KEY_PRESENT_IN_TRACE", "Does the trace show a key?", words=AUDIT_ANSWERS),
            Field("KEY_PRESENT_IN_LIVE_TRACE", "In production, too?", words=AUDIT_ANSWERS),
            Field("DEDUPE_AT_API_LAYER", "Would the API refuse it?", words=AUDIT_ANSWERS),
            Field("DEDUPE_AT_DB_LAYER", "Would the database refuse it?", words=AUDIT_ANSWERS),
            Field("REAL_HARM_OCCURRED", "Did it do harm?", words=AUDIT_ANSWERS),
        ),
        question="Which calls had side effects; was each safe to repeat?",
        aliases=("idempotency key audit", "idempotency audit", "idempotency"),
    ),
    Section(
        key="failed_controls",
        heading="Failed controls",
        prompt="Which guardrail should have prevented or contained this, and what did each do?",
        example="- spend alert — expected a page at 500 USD — did not fire, threshold was monthly",
        aliases=(
            *("controls that failed", "failed control", "failed safeguards", "failed guardrails"),
            *("safeguards that failed", "missing controls", "control failures"),
        ),
    ),
    Section(
        key="root_cause",
        heading="Root cause",
        prompt="Why was it possible, in the code and in the model? Either may say why it does not "
        "apply.",
        example="### Code\n\nThe client retries after 10 s; the API commits after 12 s.",
        fields=(
            Field(
                "RULED_OUT",
                "What it was not — by which evidence",
                many=True,
                aliases=("ruled out hypothesis", "rejected hypothesis", "excluded cause"),
            ),
            Field("CONFIDENCE", "How sure are you of the cause?", words=CONFIDENCES),
        ),
        aliases=(
            *(
                "leadup",
                "lead-up",
                "fault",
                "technical cause",
                "blameless root cause",
                "five why's",
            ),
            *(
                "the five why's",
                "root cause identification",
                "why it went undetected",
                "warum ist es passiert",
            ),
            *("causa provável", "origem", "origem provável", "causa probable", "根因", "根因分析"),
            *("根因与放大因素", "근본 원인", "원인", "원인 분석"),
            *("root causes", "root cause(s)", "contributing factors", "contributing factor"),
            *("root cause analysis", "root causes analysis", "rca", "cause", "causes", "cause(s)"),
            *("root causes identified", "root cause identified", "contributing causes"),
            *("root cause and contributing factors", "root causes and contributing factors"),
            *("root cause and trigger", "trigger and root cause", "trigger", "triggers"),
            *("trigger(s)", "underlying cause", "underlying causes", "technical root cause"),
            *("five whys", "5 whys", "the five whys", "why it happened", "why did it happen"),
            *("what caused the incident", "what caused it", "why did this happen", "why it failed"),
            *(
                "why this happened",
                "cause analysis",
                "root cause hypothesis",
                "proximate cause",
                "identified cause",
                "what allowed this to happen",
                "what allowed it to happen",
            ),
            *("根本原因", "根本原因分析", "原因", "原因分析", "直接原因", "寄与要因", "causa raíz"),
            *("causa raiz", "cause racine", "causes racines", "ursache", "ursachen"),
        ),
        external=True,
    ),
    Section(
        key="counterfactual",
        heading="Counterfactual",
        prompt="Had X existed N days ago, this would have been caught at …; we did not have it "
        "because …; which earlier incident had shown it?",
        example="- [repeat] [2026-01-09-double-email](2026-01-09-double-email.md) — the same retry "
        "without a key, fix existed: yes",
        fields=(
            Field("CONTROL_THAT_WOULD_HAVE_CAUGHT_IT", "The one control"),
            Field("WOULD_HAVE_BEEN_CAUGHT_AT", "When, or at which step"),
            Field("MISSING_SINCE", "Since when it could have existed"),
            Field("WHY_WE_DID_NOT_HAVE_IT", "What was chosen instead, and why"),
            Field("FIRST_OF_CLASS", "Is this the first of its class?", words=YES_NO),
        ),
        question="Which control would have caught this; which earlier incident showed it?",
        vocabularies=("verdict",),
        aliases=(
            *("counterfactuals", "cross-cutting counterfactual", "related incidents"),
            *("prior incidents", "previous incidents", "earlier incidents", "similar incidents"),
            *("past incidents", "recurrence"),
        ),
    ),
    Section(
        key="went_well",
        heading="What went well",
        prompt="What helped, and must not be lost?",
        example="The on-call stopped the route within 29 minutes of the alert.",
        aliases=(
            *("what went right", "went well", "what worked", "what worked well", "positives"),
            *("things that went well", "things that worked", "where we got lucky"),
            *("where did we get lucky", "what helped", "how we got lucky", "got lucky", "luck"),
            *("what we did well", "where we were lucky", "うまくいったこと", "良かったこと"),
            *("運が良かったこと", "做得好的", "qué salió bien", "o que deu certo"),
            *("o que correu bem", "ce qui a bien fonctionné", "was gut lief"),
        ),
    ),
    Section(
        key="went_wrong",
        heading="What went wrong",
        prompt="What made it worse or longer?",
        example="The refund dashboard counts calls, not customers.",
        aliases=(
            *("what failed", "what did not help", "what i was wrong about", "was lief schlecht"),
            *("what went badly", "what went poorly", "went wrong", "things that went wrong"),
            *("what didn't go well", "what did not go well", "what didn't go so well"),
            *("what did not go so well", "what didn't work", "what did not work"),
            *("what could be improved", "what could be better", "what could have been better"),
            *("what could have gone better", "what could have been improved", "went poorly"),
            *("what we could improve", "what we can improve", "what can be improved"),
            *("areas for improvement", "area for improvement", "things that went poorly"),
            *("what went wrong and contributing factors", "where we got unlucky", "challenges"),
            *("what we could have done better", "opportunities for improvement", "gaps"),
            *(
                "what could improve",
                "what to improve",
                "うまくいかなかったこと",
                "改善が必要なこと",
            ),
            *("改善点", "qué salió mal", "o que deu errado", "o que correu mal"),
            *("ce qui a mal fonctionné", "was schlecht lief"),
        ),
    ),
    Section(
        key="actions",
        heading="Action items",
        prompt="What will be done, by whom, by when, with which lever?",
        example="- [ ] A1: require an idempotency key in the refund tool schema — "
        "owner: payments, due: 2026-05-12, lever: code, gate: restart, watch: 30d",
        vocabularies=("lever", "gate"),
        aliases=(
            *("actions", "follow-up actions", "follow-ups", "follow up", "remediation"),
            *("action item", "action items and owners", "action plan", "corrective actions"),
            *("corrective action", "corrective measures", "corrective and preventive actions"),
            *("corrective and preventative actions", "corrective and preventative measures"),
            *("corrective and preventative measure", "corrective and preventive measures"),
            *("preventive actions", "preventative actions", "preventive measures"),
            *(
                "preventative measures",
                "prevention",
                "prevention measures",
                "prevention strategies",
            ),
            *("prevention measures implemented", "how to prevent recurrence", "prevent recurrence"),
            *("next steps", "follow-up items", "follow-up tasks", "follow-up work", "followups"),
            *("follow-up improvements", "permanent changes", "permanent fixes", "permanent fix"),
            *("owner and deadline", "owners and deadlines", "recommendations", "tasks", "to do"),
            *("recommended actions", "remediation items", "remediation actions", "todo", "todos"),
            *("remediation plan", "improvements", "process improvements", "technical improvements"),
            *("open items", "define actionable items", "actionable items", "future work"),
            *("long term actions", "short term actions", "immediate actions", "action points"),
            *("future improvements", "documentation improvements", "preventing recurrence"),
            *("remediation and prevention", "remediation and follow-up", "what we changed"),
            *("recurrence prevention", "how would you prevent recurrence", "future actions"),
            *("resolving actions", "proactive measures", "how we will prevent this"),
            *("open follow-ups", "preventive enhancements", "prevention plan", "hardening"),
            *("アクションアイテム", "再発防止策", "再発防止", "今後の対応", "行动项", "改进措施"),
            *("対策", "恒久対策", "改善策", "再発防止対策", "后续行动", "后续措施", "改进计划"),
            *("行动计划", "待办事项", "预防措施", "防范措施", "整改措施", "액션 아이템"),
            *("재발 방지", "재발 방지 대책", "후속 조치", "개선 사항", "план действий"),
            *("acciones", "acciones correctivas", "ações", "ações corretivas", "plan d'action"),
            *("acciones preventivas", "acciones de seguimiento", "plan de acción", "tareas"),
            *("medidas correctivas", "medidas preventivas", "próximos pasos", "pendientes"),
            *("recomendaciones", "ações preventivas", "ações de acompanhamento", "pendências"),
            *("plano de ação", "medidas corretivas", "próximos passos", "itens de ação"),
            *("recomendações", "actions préventives", "prochaines étapes", "plan d'actions"),
            *("recommandations", "mesures correctives", "mesures préventives"),
            *("actions correctives", "maßnahmen", "massnahmen", "nächste schritte"),
            *("was ändern wir", "was wir ändern", "qué cambiamos", "o que mudamos"),
            *("folgemaßnahmen", "empfehlungen", "offene punkte", "aufgaben"),
        ),
        embedded=False,
    ),
    Section(
        key="lessons",
        heading="Lessons",
        prompt="What did a person learn about the system, without blame?",
        example="A timeout is not a failure: it is an answer we did not wait for.",
        aliases=(
            *("lesson captured", "lessons captured", "what i learned", "was haben wir gelernt"),
            *("was wir gelernt haben", "qué aprendimos", "o que aprendemos", "배운 점", "교훈"),
            *("lessons learned", "lessons learnt", "lesson", "lesson learned", "lesson learnt"),
            *("blameless lessons", "learnings", "key learnings", "what we learned", "takeaways"),
            *("what we learnt", "what did we learn", "key takeaways", "key lessons", "insights"),
            *("conclusion", "conclusions", "retrospective", "lessons and follow-ups"),
            *("教訓", "学び", "经验教训", "教训", "lecciones aprendidas", "lições aprendidas"),
            *("leçons apprises", "erkenntnisse", "gelernte lektionen"),
        ),
    ),
)

#: The profile a draft starts from, and what `published` needs. Order is advice.
PROFILES: dict[str, tuple[str, ...]] = {
    "one-page": (
        "summary",
        "replay",
        "policy_path",
        "outcome_asserts",
        "idempotency",
        "customer_truth",
        "counterfactual",
    ),
    "short": (
        "summary",
        "customer_truth",
        "timeline",
        "detection",
        "replay",
        "policy_path",
        "outcome_asserts",
        "idempotency",
        "failed_controls",
        "root_cause",
        "counterfactual",
        "actions",
    ),
    "full": tuple(section.key for section in SECTIONS),
    "public": (
        "summary",
        "customer_truth",
        "timeline",
        "detection",
        "policy_path",
        "outcome_asserts",
        "root_cause",
        "counterfactual",
    ),
}
