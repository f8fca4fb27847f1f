"""Wording of actions that cannot fail, each kind with the question that sharpens it.

What a list of tasks puts before an action (tickets, links, labels, "we should") is left out first.
Most patterns look at how the rest begins: what is promised is the verb. Where a promise may still
be exact, one of the marks of the concrete takes it back: a number, code, a path, a condition.
Every repetition is bounded or cannot overlap with what follows, so the time is linear.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from kb.lazy_regex import regex

_LINK = r"\[[^\[\]\n]{0,200}\]\([^()\s]{0,500}\)"
_TICKET = r"#\d{1,7}|[A-Z][A-Z0-9]{1,9}-\d{1,6}|[\w.-]{1,40}/[\w.-]{1,60}#\d{1,7}"
#: What may stand before an action and says nothing of it, one piece at a time.
_LEADS = regex(
    rf"\s*(?:{_LINK}|https?://\S{{1,300}}|\[(?!\w+\]\s*\w+\()[^\[\]\n]{{0,60}}\]"
    rf"|\((?:{_TICKET}|[^()\n]{{0,12}})\)|(?:{_TICKET})(?![\w-])"
    r"|\*\*(?:[\w/-]+\s?){1,2}:?\*\*(?=\s*[:—–\w-])|[*_~]{1,3}(?=\S)|[:—–|>]|-(?=\s)"
    r"|follow[- ]?up\s*(?=[—–:])"
    r"|(?:P[0-4]|todo|tbd|action|task|ticket|fix|short[- ]term|long[- ]term|medium[- ]term)\s*:"
    r"|(?:we|i|they|the team|team|someone|somebody)\s+(?:also\s+)?(?:should|will|must|can|could"
    r"|might|may"
    r"|need(?:s)?\s+to|have\s+to|ought\s+to|plan\s+to|want\s+to|would\s+like\s+to|intend\s+to"
    r"|are\s+going\s+to|are|’ll|'ll)(?=\s)"
    r"|(?:we|they)(?:'|’)(?:ll|re)(?=\s)|(?:should|need\s+to|plan\s+to|let(?:'|’)?s|please|also"
    r"|then"
    r"|additionally,?|and|leads?\s+to|continue\s+to|start\s+to|begin\s+to|to|some\w+\s+to)(?=\s))",
    re.IGNORECASE,
)
#: `Key Management Processes: strengthen …`: a heading of its own before the promise.
_TITLE = regex(r"(?:[A-Z][\w&/-]*+(?: (?:and|of|for|&))? ?){1,4}:\s+(?=\w)")
_MOST_LEADS = 8
#: An action is vague by how it begins; what stands behind that many characters changes nothing.
_MOST_CHARACTERS = 600
#: What makes a promise exact.
_CONCRETE = regex(
    r"`|(?-i:\b[A-Z][a-z]+[A-Z]\w*)|\benhanc\w{1,4}\b.{3,60}\bwith\s|\d\s*%|\bto\s+\d|\bto\s+every\s+(?:minute|hour|day|week)\b|\d\s*(?:→|->)\s*\d|\b\d+(?:\.\d+)?\s*(?:s|ms|min|minutes?|hours?|h|days?|times|calls?|requests?|gb|mb"
    r"|eur|usd|\$)\b|[<>]=?\s*\d|\b\w+_\w+\b|\w\.(?:py|ya?ml|toml|json|md|sh|ts|js|go)\b|[\"“]"
    r"|\bso that\b|\bsuch that\b|\bby (?:add|remov|sett|requir|us|refus|pinn|return|replac"
    r"|split|mov"
    r"|limit|block|mak|chang|switch|writ|send|enabl|disabl)\w*ing\b|\bwhen(?:ever)?\b|\bunless\b"
    r"|\binto (?:the |our )?(?:\w+ )?(?:pipelines?|ci\b|releases?|builds?)"
    r"|\bfails? (?:when|if)\b|\bwith an? (?:test|eval|alert|alarm|page|limit|threshold|key)\b"
    r"|\balert(?:s)? (?:at|above|below|on|for|if)\b|\bpages?\b|\bto (?:include|show|return|refuse"
    r"|reject|require|log|contain|use|support|accept|handle|match|send|store|exclude"
    r"|scan|validate|detect|block|fail|verify)\b",
    re.IGNORECASE,
)
#: What is to be known, or was decided, is told: where it will be written, or how it came out.
_TOLD = regex(
    r"\bcompletion evidence\b|\bADR\b|\b(?:document|record|write down)\w*\s+(?:the\s+|our\s+)?"
    r"(?:decision|result|outcome|finding|conclusion)|:\s*(?:rejected|decided|resolved)\b"
    r"(?!\s+(?:by|until|before|next)\b)|\bconcluded\b",
    re.IGNORECASE,
)
_PEOPLE = (
    r"(?:the\s+|our\s+|all\s+|new\s+|more\s+|other\s+|on-?call\s+|support\s+|engineering\s+)*"
    r"(?:teams?|people|staff|users?|customers?|engineers?|operators?|developers?|devs|reviewers?"
    r"|approvers?|agents?\s+team|support|on-?calls?|colleagues?|every(?:one|body)|employees|members"
    r"|maintainers|contributors|responders|sres?|admins?|managers?|each other|them|us)\b"
)
#: Kinds of means without any one of them.
_GENERIC = (
    r"(?:(?:unit|integration|regression|end-to-end|input|output|data|error|security|performance"
    r"|health|sanity|safety|prompt|model|agent|system|incident|code|user|team|quality|load|test)\s+)?"
    r"(?:tests?|testing|monitoring|alerts?|alerting|logging|logs|documentation|docs|validations?"
    r"|guardrails?|checks?|handling|safeguards?|observability|coverage|training|redundancy"
    r"|automation|security|metrics|tracing|telemetry|evals?|evaluations?|safety|resilience"
    r"|reliability|protections?|measures|mechanisms?|controls?|reviews?|response|procedures"
    r"|processes|practices|failsafes?|fail-safes?|fallbacks?|backups?|communication|governance)"
)
_MAX_SHORT = 9  # words of a promise that says nothing but what is to become better


@dataclass(frozen=True, slots=True)
class VagueWording:
    """What is vague in an action: its start and end in the text, and what to write in its place."""

    start: int
    end: int
    stronger: str


@dataclass(frozen=True, slots=True)
class _Kind:
    """One kind of wording.

    `yields` lets a mark of the concrete take it back; `short` that, too, where many words follow;
    `anywhere` are words one of which it has, and looks for it behind the beginning as well.
    """

    pattern: re.Pattern[str]
    stronger: str
    yields: bool = False
    short: bool = False
    anywhere: tuple[str, ...] = ()


def _kind(
    pattern: str,
    stronger: str,
    *,
    yields: bool = False,
    short: bool = False,
    anywhere: str = "",
) -> _Kind:
    words = tuple(anywhere.split())
    return _Kind(regex(pattern, re.IGNORECASE), stronger, yields, short, words)


_KNOWN_AT_THE_END = "what will be known at the end, and where it will be written"
_DECIDED = "what was decided, or who decides it by which day"
_HARMLESS = "which check, permission or alert makes the slip harmless"
_BEHAVIOUR = "which behaviour, and which test or eval fails without it"
_SIGNAL = "which signal pages whom, above which limit"
_AGREED = "what they are to change or answer, and what is done if they do not"

_KINDS: tuple[_Kind, ...] = (
    _kind(
        r"(?:can|could|should|shall|do|does|did|is|are|would|will|may"
        r"|must|why|what|how|which|who|where|when)\b[^?\n]{0,200}\?\s*(?:\)|$)",
        _DECIDED,
    ),
    _kind(r"[^?\n\"“`]{2,300}\?[\s*_]*$", _DECIDED, yields=True),
    _kind(
        r"(?:maybe|perhaps|possibly|probably|ideally)\b|decid(?:e|ing)\s+(?:on|what|whether|how|if"
        r"|who|which)\b|(?:try|attempt)(?:ing)?\s+to\b|prioriti[sz](?:e|ing)\b",
        _DECIDED,
    ),
    _kind(
        r"\bwhen(?:ever)?\s+(?:someone|somebody|we)\s+ha(?:s|ve)\s+(?:the\s+)?time\b"
        r"|\b(?:as|when|if)\s+time\s+(?:allows|permits)\b|\bat\s+some\s+point\b|\bsome\s?day\b",
        _DECIDED,
        anywhere="time point some",
    ),
    _kind(
        r"get(?:ting)?\s+(?:the\s+)?(?:team|everyone|everybody|people)\s+together\b"
        r"|(?:follow|adopt|apply)(?:ing)?\s+(?:\w+\s+){0,2}best\s+practices\b",
        _KNOWN_AT_THE_END,
        yields=True,
    ),
    _kind(
        r"\b(?:should|could|might)\s+(?:probably|maybe|perhaps|possibly)\b",
        _DECIDED,
        anywhere="probably maybe perhaps possibly",
    ),
    _kind(
        r"(?:have|take|having|taking)\s+(?:an?|another|a\s+second|one\s+more)\s+(?:\w+\s+)?(?:think"
        r"|look)\b|(?:do|perform|conduct)(?:ing)?\s+an?\s+(?:\w+\s+)?(?:deep[- ]dive|analysis"
        r"|investigation|assessment)\b"
        r"|clarify(?:ing)?\s+(?:who|what|how|when|whether|ownership|roles|responsibilit\w+)\b"
        r"|document(?:ing)?\s+(?:the\s+|our\s+|these\s+)?(?:lessons|learnings|findings)\b",
        _KNOWN_AT_THE_END,
    ),
    _kind(
        r"keep(?:ing)?\s+(?:[\w-]+\s+){1,3}(?:informed|in\s+the\s+loop|posted|in\s+mind)\b"
        r"|rais(?:e|ing)\s+(?:this|it|the|an?)\s*(?:\w+\s+)?(?:with|to|at)\b"
        r"|get(?:ting)?\s+better\s+(?:at|in|with)\b|double-?\s?check(?:ing)?\b",
        _AGREED,
        yields=True,
    ),
    _kind(
        r"(?:to\s+)?(?:investigat(?:e|ing|ion)|look(?:ing)?\s+(?:into|at|for|deeper|closer|further)"
        r"|dig(?:ging)?\s+(?:into|deeper)|research(?:ing)?"
        r"(?!\s+(?:complete|done|experiment|data|group|team|paper)s?\b)"
        r"|explor(?:e|ing)(?!\s+(?:\[|the\s+\[|your\b|agents?\b))|figur(?:e|ing)\s+out"
        r"|find(?:ing)?\s+out|analy[sz](?:e|ing)|study(?:ing)?|understand(?:ing)?|diagnos(?:e|ing)"
        r"|(?:check|verify)(?:ing)?\s+(?:that\s+)?(?:this|it)\s+(?:can|does|will|is)\b"
        r"|(?:check|see|determin|identify|verify|confirm|learn|assess|find)(?:e|ing)?\s+(?:if"
        r"|whether"
        r"|why|how|what)|identify(?:ing)?\s+(?:ways|opportunities|areas|gaps|other|any|additional"
        r"|potential|the\s+root\s+cause|options))\b",
        _KNOWN_AT_THE_END,
    ),
    _kind(
        r"(?:re-?)?(?:evaluat|assess|consider|think|examin)(?:e|ing)?\b"
        r"|think(?:ing)?\s+about\b"
        r"|revisit(?:ing)?\b(?!.{0,80}\bonly\b)|review(?:ing)?(?:,)?\s+(?:and(?!\s+(?:merge|apply|approve|accept|sign|publish|close)\b|.{0,80}\bto\s+include\b)|or|the|our|all|how|whether|with|if"
        r"|existing|"
        r"current|any|these|this|other|what|your|their|each|every|of|internal|process\w*|polic\w+"
        r"|alert\w*|monitoring|documentation|configuration|settings|usage|options|update)\b"
        r"|brainstorm(?:ing)?\b|discuss(?:ing|ion)?\b|debat(?:e|ing)\b|propos(?:e|ing)\b"
        r"|com(?:e|ing)\s+up\s+with\b|suggest(?:ing)?\b|weigh(?:ing)?\s+up\b"
        r"|(?:hav(?:e|ing)|hold(?:ing)?|schedul(?:e|ing)|organi[sz](?:e|ing)|start(?:ing)?"
        r"|plan(?:ning)?|arrang(?:e|ing)|book(?:ing)?|set(?:ting)?\s+up)\s+an?\s+"
        r"(?:\w+\s+)?(?:meeting|discussion|call|chat|session|conversation|retro\w*|brainstorm\w*"
        r"|working\s+group|task\s+force|workshop)\b",
        _DECIDED,
    ),
    _kind(
        r"\b(?:should|could|might)\s+(?:also\s+)?(?:consider|think\s+about|look\s+(?:at|into)"
        r"|explore|investigate|review|discuss)\b|\blook(?:ing)?\s+into\b",
        _DECIDED,
        anywhere="consider think look explore investigate review discuss",
    ),
    _kind(
        r"(?:talk|speak|chat(?=\s+(?:with|to|about))|sync(?=\s+(?:up|with))|meet|liaise|engage|consult(?!\s+[`\[])|align(?=\s+(?:with|on))"
        r"|coordinate(?!-)|communicate"
        r"|check\s+in"
        r"|follow(?:ing)?[- ]?up|reach(?:ing)?\s+out|touch\s+base"
        r"|work(?=\s+(?:with|on|together)\b))(?:ing)?\s*(?:with|to|on"
        r"|about)?\b"
        r"(?!\s+(?:around|item|to\s+(?:add|remov|make|creat|fix|allow|enabl|expos|rais|set)\w*))",
        _AGREED,
    ),
    _kind(
        r"(?:get(?:ting)?|seek(?:ing)?|reach(?:ing)?)\s+(?:alignment|agreement|buy-?in"
        r"|consensus|clarity"
        r"|feedback|a\s+better\s+understanding)\b",
        _AGREED,
    ),
    _kind(
        r"tweak(?:ing)?\b|(?:re-?)?word(?:ing)?\s+(?:the\s+)?(?:system\s+)?prompts?\b"
        r"|prompt\s+(?:tweak"
        r"|tuning|improvement|engineering)\w*|(?:better|clearer|stronger|improved)\s+prompts?\b"
        r"|(?:improv|refin|adjust|polish|tun|optimi[sz]|enhanc|clarify|strengthen"
        r"|clean\s+up)(?:e|ing)?"
        r"\s+(?:the\s+|our\s+|its\s+)?(?:\w+\s+){0,2}(?:prompts?|instructions|wording)\b",
        _BEHAVIOUR,
        yields=True,
    ),
    _kind(
        r"(?:prais|thank|congratulat|celebrat|commend|recogni[sz]|reward|credit)(?:e"
        r"|ing)?\s+(?:\w+\s+)?"
        rf"{_PEOPLE}|(?:kudos|thanks|hats\s+off|shout-?out|well\s+done)\b",
        "what that person did by hand this time, and which control does it the next time",
    ),
    _kind(
        rf"(?:warn|remind|train|educat|teach|coach|tell|encourag|urg|ask|instruct|brief|inform"
        rf"|advis)"
        rf"(?:e|ing)?\s+{_PEOPLE}|(?:re-?)?training\s+(?:for|on|sessions?|about)\b"
        r"|(?:re-?)?train\s+(?:on|about)\s+"
        r"(?:how|the\s+use|using|our|these|this|new\s+(?:process|tool)\w*)\b"
        r"|(?:more|better|further|additional|extra)\s+training\b"
        r"|(?:user|staff|team|operator|engineer|developer)\s+(?:training|education|awareness)\b",
        _HARMLESS,
        yields=True,
    ),
    _kind(
        r"(?<!not just )(?<!not just [\"“'])(?<!ai must )"
        r"(?<!agent must )(?<!model must )(?<!system must )(?<!service must )"
        r"\b(?:be|being|stay|staying|become)\s+(?:more\s+|extra\s+|very\s+)?(?:careful|mindful"
        r"|vigilant|"
        r"cautious|proactive|aware|attentive|diligent|thorough)\b(?!\s+to\s+(?:page|slack))"
        r"|\b(?:be|stay)\s+(?:more\s+|extra\s+)alert\b"
        r"|\bpay(?:ing)?\s+(?:more\s+|closer\s+|better\s+)?attention\b|\bremember\s+to\b"
        r"|\b(?:rais|increas|spread)(?:e|ing)?\s+(?:the\s+)?awareness\b|\bremind\s+(?:the\s+"
        r"|our\s+)?\w+\s+to\b"
        r"|\bcommunicate\s+(?:better|more|earlier)\b|\b(?:take|more|greater|extra)\s+care\b"
        r"|\bdouble-?check\s+(?:everything|manually|before)\b"
        r"|\b(?:make\s+sure|ensure)\s+(?:that\s+)?(?:every(?:one|body)|people|the\s+team"
        r"|all\s+\w+|engineers"
        r"|operators|users)\s+(?:\w+\s+)?(?:knows?|understands?|is\s+aware|are\s+aware|reads?"
        r"|follows?)\b",
        _HARMLESS,
        anywhere="careful mindful vigilant cautious proactive aware attentive diligent thorough "
        "alert attention remember remind communicate care check know understand read follow",
    ),
    _kind(
        r"\b(?:ensure|make\s+sure|prevent|verify)\s+(?:that\s+)?(?:this|it|such\s+\w+|these\s+\w+)\s+"
        r"(?:(?:do(?:es)?|can|will)(?:\s+not|n['’]t)|never|cannot|from\s+happening|happening)\b",
        "what makes it impossible, or which test fails when it comes back",
    ),
    _kind(
        r"(?:keep(?:ing)?\s+(?:an\s+eye|a\s+close\s+eye|watch|monitoring|track)|monitor(?:ing)?"
        r"|watch(?:ing)?"
        r"|observ(?:e|ing)|wait(?:ing)?\s+(?:and|to)\s+see)\b(?!\s+(?:dashboard|stack|system|procedures?|plan|guide|docs?\b|documentation|runbooks?"
        r"|agent|script|job|tool|probe|service|alert|exporter|hook|confirms?|show(?:s|ed)|reveal(?:s|ed)|added|enabled|deployed|configured|in\s+place|(?:the\s+)?(?:next|first)\b))",
        _SIGNAL,
        yields=True,
    ),
    _kind(
        r"(?:conduct|perform|schedul|carry\s+out|implement|hold|run|do|institut|introduc)(?:e"
        r"|ing)?\s+"
        r"(?:more\s+|additional\s+)?(?:regular|periodic|frequent|routine|thorough|better)"
        r"\s+(?!clean|backup|restart|rotation|restore)\w+"
        r"|(?:regularly|periodically|routinely|proactively|continuously)\s+(?:review|update"
        r"|check|test"
        r"|monitor|audit|assess|evaluat)\w*",
        "what exactly is looked at, by whom, how often, and what happens when it fails",
        yields=True,
    ),
    _kind(
        r"(?:provid|conduct|offer|organi[sz]|arrang|hold|giv)(?:e"
        r"|ing)?\s+(?:\w+\s+){0,2}(?:training|"
        r"education|workshops?|awareness|sessions)\b",
        _HARMLESS,
        yields=True,
    ),
    _kind(
        r"(?:implement|add|introduc|build|develop|set(?:ting)?\s+up|creat|adopt"
        r"|put\s+in\s+place)(?:e|ing)?"
        r"\s+(?:an?\s+|some\s+)?(?:better|robust|comprehensive"
        r"|(?<!an )additional(?=\s+[\w-]+[.\s]*$)|proper|enhanced"
        r"|improved|more"
        r"|stronger|stricter|adequate|appropriate|effective)\s+\w+",
        "which one exactly, and what it would have shown or stopped this time",
        yields=True,
    ),
    _kind(
        r"\bdashboard\s+(?:widget|panel)s?\b|\badd\s+(?:a\s+|another\s+)?(?:widget|panel)\b",
        _SIGNAL,
        anywhere="widget panel",
    ),
    _kind(
        r"\b(?:better|more|improved|enhanced|additional|proper|stronger)\s+(?:monitoring"
        r"|alerting|alerts|testing"
        r"|tests|logging|documentation|communication|observability|visibility|guardrails|validation"
        r"|controls|tooling|reviews?)\b",
        "which signal, test or line exactly, and what it would have shown this time",
        yields=True,
        short=True,
        anywhere="better more improved enhanced additional proper stronger",
    ),
    _kind(
        r"(?:better|more|fewer|less|improved(?!\s+(?:with|by)\b))\s+\w+",
        _BEHAVIOUR,
        yields=True,
        short=True,
    ),
    _kind(
        r"(?:establish|defin|develop|creat|introduc|formali[sz]|agree\s+on|set\s+up|work\s+out"
        r"|draft|build"
        r"|implement)(?:e|ing)?\s+(?:an?\s+|some\s+|our\s+|better\s+|clear(?:er)?\s+|proper\s+"
        r"|more\s+|new\s+"
        r"|formal\s+|internal\s+|the\s+)*(?:process(?:es)?|procedures?|best\s+practices?"
        r"|guidelines?"
        r"|strateg(?:y|ies)|culture|plans?|frameworks?|policies|policy|standards?|roadmap)\b"
        r"(?=\s*(?:$|[.,;:()*—–-])|\s+(?:for|of|to|on|around|about|that|which|and|or|in|with|so|by|when|if)\b)",
        "its first step: who does what differently from which day, and what refuses the old way",
        yields=True,
    ),
    _kind(
        r"(?:improv|harden|strengthen|tighten|enhanc|optimi[sz]|refin|streamlin|bolster|beef"
        r"|increas(?!\w{1,3}\s+(?:the\s+|our\s+)?(?:[\w-]+\s+){0,2}(?:memory|timeouts?|limits?|capacity|size|replicas"
        r"|cpu|disk|storage|retention|quotas?|connections?|pool)\b)|polish"
        r"|simplify|moderni[sz]|fine-tun|tun)(?:e|ing)?(?:\s+up)?\s+\w",
        _BEHAVIOUR,
        yields=True,
        short=True,
    ),
    _kind(
        r"\bmak(?:e|ing)\s+(?:the\s+|our\s+|it\s+|them\s+|this\s+)?(?:[\w-]+\s+){0,3}(?:more\s+"
        r"|less\s+)"
        r"(?:robust|reliable|resilient|stable|secure|accurate|careful|consistent|efficient"
        r"|visible|clear"
        r"|predictable|fragile|brittle|error-prone)\b",
        _BEHAVIOUR,
        anywhere="mak",
    ),
    _kind(
        r"(?:add|writ|creat|updat|implement|hav|introduc|extend|expand|build|provid|put|set|ensur"
        r"|fix|do|mak|us|get|appl|deploy|enforc|need|requir)(?:e|y|t)?(?:ing)?\s+"
        r"(?:(?:in|up|some|the|our|a|an|any|all|new|basic|general|further|extra|missing|necessary"
        r"|needed|required|sure|place|automated|regular|clear|good|strong|necessary)\s+){0,3}"
        rf"{_GENERIC}(?:\s*(?:,|and|or|&|/)\s*(?:\w+\s+)?{_GENERIC}){{0,3}}"
        r"(?:\s+(?:for|to|of|on|in|around|across|over)\s+(?:the\s+|our\s+|all\s+|this\s+|these\s+)?"
        r"(?:agents?|models?|systems?|code|services?|apps?|applications?|platform|tools?|prompts?"
        r"|infrastructure|servers?|pipelines?|future|everything|incidents?|issues?|place))?\s*[.!]?$",
        "which signal, test or line exactly, and what it would have shown this time",
        yields=True,
    ),
    _kind(
        r"try(?:ing)?\s+(?:out|an?|another|different|the|other|some)\b"
        r"|experiment(?:ing)?\s+with\b",
        "what counts as success, and what happens if it fails",
    ),
)


_MONTH = r"(?:jan|feb|mar|apr|may|june?|july?|aug|sept?|oct|nov|dec)[a-z]{0,6}\.?"
_DAY = rf"(?:\d{{4}}-\d{{2}}|\d{{1,2}}[./]\d{{1,2}}[./]|\d{{1,2}}\.?[ ]{_MONTH}[ ]\d|{_MONTH}[ ]\d)"
#: What was done is judged by its record; to sharpen its words would change what was promised.
#: The word stands alone: "deployed version was wrong" and "done by Friday" do not say so.
_SAID_DONE = regex(
    r"[✅✔☑]|(?:[*(\[:—–]|(?<!\w)_)[ \t]?(?:completed|done|implemented|deployed|shipped)"
    rf"(?=[ \t]*$|[.)\]*_]|[ \t]+(?:on[ \t]+)?{_DAY}|[ \t]+in[ \t]+#)",
    re.IGNORECASE,
)
#: One of these stands in every match.
_DONE_MARKS = ("✅", "✔", "☑", "completed", "done", "implemented", "deployed", "shipped")


#: A rule, or one way of a decision: `If yes: consider …`, `Never: try to …`.
_NO_PROMISE = regex(
    r"[*_\s]*(?:if\s+(?:yes|no|not|so)|never|always|do|don['’]t)\s*[:,—–]", re.IGNORECASE
)


def vague_wording(text: str) -> VagueWording | None:
    """What is vague in the text of an action, None where it says what will be different.

    None also for what says of itself that it was done, names the actions below it, or is a rule.
    """
    text = text[:_MOST_CHARACTERS]
    folded = text.casefold()
    if _NO_PROMISE.match(text) or text.rstrip(" *_").endswith(":"):
        return None
    if any(mark in folded for mark in _DONE_MARKS) and _SAID_DONE.search(text):
        return None
    start = _beginning(text)
    for kind in _KINDS:
        match = _match(kind, text, folded, start)
        if match and not _is_taken_back(kind, text[start:]):
            return VagueWording(match.start(), _word_end(text, match.end()), kind.stronger)
    return None


def _word_end(text: str, end: int) -> int:
    """Where the word ends in which a match does: `Improve monitoring`, not `Improve m`."""
    if end and text[end - 1].isalnum():
        while end < len(text) and text[end].isalnum():
            end += 1
    return end


def _match(kind: _Kind, text: str, folded: str, start: int) -> re.Match[str] | None:
    """Where a text has a kind of wording; `folded` is the text without capitals."""
    if not kind.anywhere:
        match = kind.pattern.match(text, start)
    elif any(word in folded for word in kind.anywhere):
        match = kind.pattern.search(text)
    else:
        match = None
    return match if match and not _is_part_of_a_word(text, match.end()) else None


def _is_taken_back(kind: _Kind, rest: str) -> bool:
    """Whether what else an action says makes it exact; asked last, for it costs the most."""
    if kind.short and len(rest.split()) > _MAX_SHORT:
        return True
    if kind.yields and _CONCRETE.search(rest):
        return True
    return kind.stronger in {_KNOWN_AT_THE_END, _DECIDED} and bool(_TOLD.search(rest))


def _is_part_of_a_word(text: str, end: int) -> bool:
    """Whether a word goes on behind a hyphen: `Explore-agent maps what is there`."""
    return text[end : end + 1] == "-" and text[end + 1 : end + 2].isalpha()


def _beginning(text: str) -> int:
    """Where an action begins behind tickets, links, labels and "we should"."""
    at = 0
    for _ in range(_MOST_LEADS):
        match = _LEADS.match(text, at) or _TITLE.match(text, at)
        if not match or match.end() == at:
            break
        at = match.end()
    while at < len(text) and text[at].isspace():
        at += 1
    return at
