"""Sentences that give a label as a cause and say nothing else.

"Hallucination" and "human error" are labels wherever an explanation ends at them. "Race condition",
"typo" or "bug" are labels only where the whole sentence is no more than that: with a place, a value
or a mechanism beside them they are explanations. Every repetition is bounded: the time is linear.
"""

from __future__ import annotations

import re

from kb.lazy_regex import regex

_PERSON_OR_ROGUE = (
    r"(?:human|operator|user|engineer|pilot|manual)(?:'s|’s)? (?:error|mistake|failure)"
    r"|(?:went|gone|going|goes) rogue|rogue (?:agent|ai|model)|misbehaved|went off the rails"
)
_MACHINE = r"(?:model|llm|ai|agent|bot|assistant)"
#: Labels of a person or of a will: an explanation of any length must not end at them.
PERSON_LABEL = regex(rf"\b(?:{_PERSON_OR_ROGUE})\b", re.IGNORECASE)
#: Labels of what a model did.
LABEL = regex(
    rf"\b(?:hallucinat\w*|confabulat\w*|made (?:it|that|this|something)? ?up|{_PERSON_OR_ROGUE}"
    r"|(?:is|are|was|were) (?:just |simply )?(?:unreliable|non-?deterministic|stupid)"
    rf"|{_MACHINE} (?:error|mistake|failure|unpredictability|nondeterminism|non-determinism)"
    rf"|{_MACHINE} (?:simply |just )?(?:made an? (?:mistake|error)|got confused|was confused"
    r"|did something (?:unexpected|wrong|strange|odd)|behaved (?:unexpectedly|strangely|badly)"
    r"|misunderstood(?: the \w+)?|messed up|failed))\b",
    re.IGNORECASE,
)
_OF_CODE = (
    r"(?:software |code |coding |logic |programming |implementation |off-by-one )?(?:bug|defect)"
    r"|(?:configuration|config|software|programming|coding|deployment|network|connection|database"
    r"|system|tool|api|server|hardware|vendor|third[- ]party|provider|upstream|dependency|internal"
    r"|integration) (?:error|issue|problem|failure|outage|bug|fault|glitch|mistake)s?"
    r"|mis-?configuration|race condition|time-?outs?|rate limit(?:s|ing)?|memory leak|glitch"
    r"|(?:bad|wrong|stale|missing|corrupt(?:ed)?|invalid|incorrect|dirty) (?:data|input|state"
    r"|context"
    r"|configuration|config|deploy(?:ment)?|code)|edge[- ]case(?: input)?|legacy code"
    r"|tech(?:nical)? debt|dns|networking|caching|concurrency|(?:high|peak) (?:load|traffic)"
)
_OF_MODEL = (
    r"(?:prompt|sql|indirect|instruction) ?injection(?: attack)?|injected (?:instruction|prompt)s?"
    r"|jailbreak(?:ing)?"
    r"|(?:prompt|model|data|concept|behaviou?r|config(?:uration)?|schema) drift"
    r"|(?:state|data|memory|cache|file|database) corruption|model (?:regression|change"
    r"|update|upgrade)"
    r"|(?:bad|wrong|poor|weak|vague|faulty|unclear|incomplete) (?:prompts?(?: engineering"
    r"| design)?|prompting|instructions?)|typo"
    r"|prompt (?:defect|error|typo|issue|problem|bug)|context(?:[- ]window)? (?:overflow|limit"
    r"|loss|rot)"
    r"|(?:lost|missing) context|(?:llm |model |ai )?(?:non-?determinism|stochasticity"
    r"|randomness|unpredictability)"
    rf"|(?:stochastic|non-?deterministic|random|unexpected|erratic) (?:{_MACHINE} )?behaviou?r"
    rf"|{_MACHINE} behaviou?r"
    r"|misalignment|alignment (?:issue|failure|problem)|overconfidence|sycophancy|scope creep"
)
_OF_WORK = (
    r"(?:lack of|insufficient|missing|poor|inadequate|no|not enough|too little|bad"
    r"|limited) (?:\w+ )?(?:testing"
    r"|tests|test coverage|monitoring|alerting|observability|communication|training|documentation"
    r"|guardrails|validation|oversight|review|process|governance|attention|diligence|awareness"
    r"|experience|coordination|planning|care|safeguards|controls|qa)"
    r"|(?:communication|process|review|planning) (?:breakdown|failure|gap|error|issue)"
    r"|miscommunication|misunderstanding|bad luck|unforeseen circumstances|complexity"
)
_OPENING = (
    r"(?:(?:it|the|a|our|this|it|main|primary|underlying|root|ultimate|likely|real|cause|reason|issue"
    r"|problem|incident|outage|failure|of|for|whole|thing|that|ultimately|finally|in|end)"
    r"[ :,]+){0,7}"
    r"(?:(?:was|is|were|came|down|due|to|caused|by|because|of|boils|a|an|some|the|simply|just"
    r"|turned|out|be|identified|as"
    r"|probably"
    r"|plain|another|classic|mostly|from|in|:|-|–|—)[ :]+){0,7}"
)
_PLACE = (
    r"(?: (?:in|of|by|with|from|on|inside|at|for)(?: (?:the|our|a|an|its|some))?(?: (?:system"
    r"|refund|"
    r"support|main|back-?end|payment|payments))? (?:prompts?|code|model|agent|ai|llm|tools?"
    r"|config\w*|system|context|software"
    r"|application|app|service|api|database|team|network|vendor|provider|pipeline|gateway"
    r"|instructions?))?"
)
_ALONE = regex(
    rf"(?:[-*+>#]|\d+[.)])*[ *_]*{_OPENING}(?:{_OF_CODE}|{_OF_MODEL}|{_OF_WORK}){_PLACE}"
    r"(?: (?:was|is) (?:the|a|our|one) (?:root |main |real )*(?:cause|reason|problem|issue)"
    r"(?: (?:of|for|behind) (?:this|the) (?:incident|outage|failure|problem))?)?[ *_]*[.!]?[ *_]*",
    re.IGNORECASE,
)
_VERDICT = regex(
    r"(?:[-*+>#]|\d+[.)])*[ *_]*(?:root cause:? *)?(?:the|our|a) (?:system )?(?:prompt"
    r"|instruction|code|data|tool|config\w*|model|test"
    r"|context)s? (?:was|were|is|are) (?:just |simply |too )?(?:bad|wrong|poor|not good enough"
    r"|insufficient"
    r"|vague|faulty|unclear|broken|buggy|incorrect|weak|inadequate|incomplete)[.!]?",
    re.IGNORECASE,
)
#: `The vendor had an outage`, `The system was overloaded`, `It was an edge case`.
_STATE = regex(
    r"(?:[-*+>#]|\d+[.)])*[ *_]*(?:root cause:? *)?(?:the|our|an?) (?:\w+ )?(?:vendor|provider"
    r"|upstream|supplier|api|server|system|service|database|network|cluster|gateway|platform)s?"
    r" (?:had|has|was having|was|were|is|went) (?:an? |some |simply |just |temporarily )?"
    r"(?:outage|issues?|problems?|downtime|incident|down|unavailable|overloaded|slow|offline|unstable"
    r"|broken|flaky)[.!]?",
    re.IGNORECASE,
)


def _words(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


#: Names of what was seen; nothing can be changed about them.
_LABELS = _words(
    "accident ambiguity anomaly behavior behaviour breakdown broke bug bugs carelessness "
    "coincidence complexity confabulated confabulation conflict conflicts confusion "
    "congestion contention corruption crash crashed crashes deadlock debt defect defects "
    "degradation disruption downtime drift edge-case error errors exception exceptions "
    "exhaustion failed failure failures fault faults flaked gap gaps glitch glitched glitches "
    "hallucinated hallucination hallucinations hiccup immaturity incident incompatibility "
    "inconsistencies inconsistency injection instability interruption issue issues jailbreak "
    "lapse latency laziness leak legacy limitation limitations luck malfunction malfunctioned "
    "misalignment misbehaved miscommunication misconfiguration misconfigurations "
    "misinterpretation mismatch mistake mistakes misunderstanding negligence non-determinism "
    "nondeterminism outage outages overconfidence overeagerness overflow overload overreach "
    "oversight problem problems quirk quirks race randomness regression rogue shortcoming "
    "shortcomings slip spike struggled stupidity surge sycophancy timeout timeouts typo "
    "unavailability unpredictability unreliability vulnerability weakness"
)
#: What such names are usually said of, and how: they add nothing that can be changed.
_UNSAID = _words(
    "a absence again agent agents ai ambiguous an and another answer answers any api apis app "
    "apparently appeared appears application applications apps architectural architecture are "
    "as assistant at backend bad basically be because been behavior behaviour being boiled "
    "boils bot bots broken buggy by cache caching came capacity case cause caused causes "
    "classic clearly cloud cluster code coding common communication complex component "
    "components concurrency condition config configs configuration configurations context "
    "coordination correctly data database databases db dependencies dependency deploy "
    "deployment deployments design did do documentation does down downstream due edge "
    "engineer environment environments excessive expected experience external faulty finally "
    "flaky for from frontend general generic gets gone got governance had hardware has have "
    "heavy here high human identified implementation improper in inadequate incident "
    "incomplete inconsistent incorrect infra infrastructure inherent input inputs instruction "
    "instructions insufficient integration intermittent internal is issue it its just kind "
    "known lack lacking legacy library likely limited llm llms load logic low made main major "
    "make makes manual memory minor missing model models monitoring mostly nature network "
    "networking non-deterministic nondeterministic not of old on one only operational "
    "operator or organisational organizational our out outage outdated output outputs overall "
    "oversight party peak people performance permissions pipeline pipelines platform poor "
    "primary probabilistic probably problem procedure process processes programming prompt "
    "prompting prompts properly provider providers purely quality random real reason "
    "reasoning reasons release releases resource resources response responses review reviews "
    "root scaling security seemed seems serious server servers service services setup "
    "shortage simple simply software some somehow something sort staff stale state stochastic "
    "strange system systems team technical temporary test testing tests that the there third "
    "third-party this to tool tooling tools traffic training transient trigger turned type "
    "typical ultimate ultimately unclear underlying unexpected unforeseen unpredictable "
    "unreliable unstable unusual up upstream usage user usual vague validation vendor vendors "
    "volume was weak weird went were window with work worked working wrong"
)
_MAX_UNSAID = 14  # words; a longer sentence of such words alone was not seen
_WORD = regex(r"[a-z][a-z'’-]*|\S")


def _is_all_unsaid(text: str) -> bool:
    """Whether a sentence names what was seen, in words that hold for any incident, and no more."""
    if text.rstrip(" *_").endswith((":", "?")):
        return False
    words = [word for word in _WORD.findall(text.lower()) if word not in _MARKS]
    if not 0 < len(words) <= _MAX_UNSAID or not any(word in _LABELS for word in words):
        return False
    return all(word in _LABELS or word in _UNSAID for word in words)


_MARKS = frozenset("-*+>#_.:!,;()–—\"'“”")
MAX_ALONE = 140  # characters; a longer sentence says more


def is_only_a_label(sentence: str) -> bool:
    """Whether a sentence is a label of what was seen, and no word more."""
    text = " ".join(sentence.split())
    if len(text) > MAX_ALONE:
        return False
    if any(pattern.fullmatch(text) for pattern in (_ALONE, _VERDICT, _STATE)):
        return True
    return _is_all_unsaid(text)
