"""Phrases that judge a person or an agent, or give somebody's slip as the cause.

They stand beside `judged_people`, which is looked for by its subject: here the phrase
itself says it ("should have known better"), or its subject stands further off. Texts are given in
lower case; a phrase is searched for only where one of its words is in the text, and every
repetition is bounded, so the time is linear.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from kb.lazy_regex import regex
from kb.lint.wording.judgement_places import NEGATED, Judgement, is_whole_word, places

#: Roles that are always people. `agent`, `user` and `client` are not among them: in these records
#: they are mostly software, or somebody outside whose failed attempt is a symptom.
ROLE = (
    r"(?:engineers?|developers?|devs?|programmers?|coders?|operators?|admins?|administrators?"
    r"|sysadmins?|on-?calls?|responders?|reviewers?|approvers?|authors?|maintainers?|committers?"
    r"|employees?|staff|colleagues?|co-?workers?|teams?|managers?|leads?|contractors?|interns?"
    r"|technicians?|analysts?|person|people|somebody|someone|anyone|nobody|humans?|sres?|dbas?"
    r"|cto|ceo|founder|members?|hires?|trainees?|editors?|moderators?|deployers?"
    r"|consultants?|(?:support|release|duty)[ -](?:engineers?|leads?|managers?|person)"
    r"|(?:product|business)[ -]owners?)"
)
LEAD = r"(?:the|an?|our|one|another|some|his|her|their|this|that|any|no|two|both|many|most)"
#: `@alice`, but not `@acme/router`, nor what is called a bot or an agent.
HANDLE = r"@(?!\w*(?:bot|agent|claude|codex|copilot|cursor|gemini))\w[\w-]{0,38}"
_WHO = (
    rf"(?:(?:{LEAD}\s{{1,6}}(?:[\w'’-]+\s{{1,6}}){{0,2}})?{ROLE}(?:\s{{1,6}}(?:on\s{{1,6}}(?:the\s{{1,6}})?[\w-]+(?:\s{{1,6}}team)?"
    rf"|in\s{{1,6}}charge"
    rf"|responsible))?(?![\w'’])|{HANDLE}|we|he|she)"
)
#: Where a clause begins, so that what follows is its subject.
_CLAUSE = (
    r"(?:^|(?<=[.;:!?,(|—–\n])|(?<=[-*+]\s)|\b(?:and|but|because|when|that|as|since|after|while"
    r"|where|if"
    r"|then|so|who)\s)\s{0,3}"
)
_SUBJECT = rf"{_CLAUSE}{_WHO}\s{{1,6}}(?:(?:\w+ly|also|just|then|again|even|had|has|have|simply)\s{{1,6}}){{0,2}}"  # noqa: E501
_MACHINES = (
    r"(?:agents?|models?|bots?|llms?|ais?|assistants?|copilot|claude\w*|chatgpt|gpt[\w.-]*"
    r"|cursor|gemini"
    r"|codex|devin)"
)
_SOFTWARE = (
    rf"(?:{_MACHINES}|it|they|this|that|which|what|there|script|job|service|system|tool"
    rf"|pipeline|process"
    r"|server|client|parser|code|api|deploy\w*|cron\w*|kubernetes|terraform|worker|scheduler"
    r"|database|daemon|probe|lib\w*|app|frontend|backend|controller|plugin|module|compiler|handler"
    r"|config\w*|schema|migration|release|build|test|rule|change|commit|don['’]t|please|never)"
)
#: A word that may be a name: it begins the clause and is no software.
_NAME = (
    rf"{_CLAUSE}(?!{_SOFTWARE}\b|(?:you|others|anyone|everyone)\b)[a-z][a-z'’-]{{1,20}}\s{{1,6}}"
)
_CARELESS = (
    r"(?:careless|sloppy|lazy|negligent|reckless|incompetent|inattentive|clueless|naive"
    r"|stupid|hasty"
    r"|inexperienced|distracted|complacent|overconfident|unprofessional|tired|in\s{1,6}a\s{1,6}hurry"
    r"|not\s{1,6}paying\s{1,6}attention|out\s{1,6}of\s{1,6}(?:his|her|their)\s{1,6}depth)"
)
_UNREAD = (
    r"(?:reading|checking|looking|thinking|verifying|asking|understanding|testing|reviewing"
    r"|questioning"
    r"|noticing|paying\s{1,6}attention|a\s{1,6}second\s{1,6}(?:look|thought))"
)
#: What somebody may do, or does as a rule, is not what was done.
_MAY = r"(?:can|cannot|could|may|might|would|will|should|must|able|opens?|needs?|asks?)"
_APPROVES = (
    r"(?:approved|merged|deployed|accepted|signed|clicked|confirmed|shipped|pushed|pasted"
    r"|copied|released"
    r"|pressed|allowed)"
)
_PICKED = (
    r"(?:picked|chose|selected|entered|typed|pasted|clicked|pressed|hit|uploaded|opened|ran"
    r"|edited|copied)"
)


#: What somebody does by mistake; much else that comes about by accident is nobody's slip.
_DEED = (
    r"(?:changed|deleted|removed|pushed|deployed|set|sent|pasted|committed|merged|left|enabled"
    r"|disabled|exposed|published|ran|run|dropped|overwr(?:ote|itten)|wiped|reset|restarted|shut"
    r"|turned|unplugged|rebooted|applied|uploaded|cleared|revoked|terminated|stopped|killed"
    r"|released|granted|shared|leaked|checked|copied|moved|renamed|edited|swapped|used|chose|chosen"
    r"|selected|clicked|pressed|typed|entered|closed|switched|included|added|put|made|configured"
    r"|picked|opened|hit|rolled|triggered|started|executed|revert(?:ed)?|cut|unmounted|purged)"
)


@dataclass(frozen=True, slots=True)
class _Phrase:
    """A pattern, and the words one of which every match has."""

    words: frozenset[str]
    pattern: re.Pattern[str]


_Phrases = dict[str, list[re.Pattern[str]]]


def _phrase(words: str, pattern: str) -> _Phrase:
    return _Phrase(frozenset(words.split()), regex(pattern))


def _by_word(*phrases: _Phrase) -> _Phrases:
    """The patterns of phrases by each of their words."""
    patterns: dict[str, list[re.Pattern[str]]] = {}
    for phrase in phrases:
        for word in phrase.words:
            patterns.setdefault(word, []).append(phrase.pattern)
    return patterns


_PEOPLE = _by_word(
    _phrase(
        "without",
        rf"(?!\s{{0,3}}we\s{{1,6}}(?!\w{{2,20}}ed\b|ran\b|did\b|took\b|sent\b|put\b|wrote\b))"
        rf"{_SUBJECT}(?!(?:{_MAY}|who)\b)(?:(?!{_MAY}\b)[\w'’-]+\s{{1,6}}){{1,9}}without\s{{1,6}}(?:even\s{{1,6}}|really\s{{1,6}}|first\s{{1,6}})?{_UNREAD}\b",
    ),
    _phrase(
        "without",
        rf"{_NAME}(?:just\s{{1,6}})?{_APPROVES}\s{{1,6}}(?:[\w'’-]+\s{{1,6}}){{0,8}}without\s{{1,6}}(?:even\s{{1,6}}"
        rf"|really\s{{1,6}}|first\s{{1,6}})?{_UNREAD}\b",
    ),
    _phrase(
        "better",
        r"(?<!\w)(?:should|ought\s{1,6}to|could|must)\s{1,6}(?:really\s{1,6})?have\s{1,6}known\s{1,6}better\b",
    ),
    _phrase(
        "ought should",
        rf"{_NAME}(?:really\s{{1,6}})?(?:should|ought\s{{1,6}}to)\s{{1,6}}(?:really\s{{1,6}})?have\s{{1,6}}(?:checked|read\s"
        rf"|noticed"
        r"|paid|been\s{1,6}(?:more\s{1,6})?(?:careful|attentive)|looked\s|double-checked|reviewed)",
    ),
    _phrase(
        "careless sloppy lazy negligent reckless incompetent inattentive clueless naive stupid "
        "hasty inexperienced distracted complacent overconfident unprofessional tired hurry paying "
        "depth",
        r"(?!\s{0,3}we\s{1,6}are\s)"
        rf"(?:{_SUBJECT}|\bthey\s{{1,6}})(?:was|were|is|are|been|being)\s{{1,6}}(?:too\s{{1,6}}|so\s{{1,6}}|simply\s{{1,6}}"
        rf"|just\s{{1,6}}|very\s{{1,6}}"
        rf"|rather\s{{1,6}}|quite\s{{1,6}}|clearly\s{{1,6}})?{_CARELESS}\b",
    ),
    _phrase(
        "negligently carelessly recklessly sloppily foolishly stupidly thoughtlessly",
        rf"(?:{_SUBJECT}|{_NAME})(?:negligently|carelessly|recklessly|sloppily|foolishly|stupidly"
        r"|thoughtlessly)\s{1,6}\w{1,30}",
    ),
    _phrase(
        "misread misunderstood misinterpreted mistyped mistook misconfigured mishandled mixed "
        "stamped rubberstamped cut "
        "took refused confused panicked",
        rf"(?:{_SUBJECT})(?:misread|misunderstood|misinterpreted|mistyped|mistook|misconfigured|mishandled|mixed\s{{1,6}}up\s{{1,6}}(?:two|both|staging|production|which|his|her|their)\b"
        r"|rubber-?stamped|cut\s{1,6}corners|took\s{1,6}(?:an?\s{1,6})?short-?cuts?"
        r"|refused\s{1,6}to\s{1,6}(?:listen|read|follow"
        r"|escalate|help|look|act)|panicked|confused\s{1,6}(?:the|two|both)\b)",
    ),
    _phrase(
        "wrong",
        rf"{_SUBJECT}(?:then\s{{1,6}})?{_PICKED}\s{{1,6}}(?:in\s{{1,6}}|on\s{{1,6}})?(?:the|an?)\s{{1,6}}wrong\b"
        rf"|\bwrong\s{{1,6}}\w+\s{{1,6}}(?:was\s{{1,6}}|were\s{{1,6}})?(?:{_PICKED}|deleted|used"
        rf"|executed|run|issued|sent|applied|chosen)\s{{1,6}}by\s{{1,6}}(?:{LEAD}\s{{1,6}})?(?:[\w-]+\s{{1,6}})?{ROLE}\b",
    ),
    _phrase(
        "early soon",
        rf"{_SUBJECT}(?:hit|pressed|clicked)\s{{1,6}}\w+\s{{1,6}}too\s{{1,6}}(?:early|soon)\b",
    ),
    _phrase(
        "bothered",
        r"(?:\bnot|n['’]t)\s{1,6}be\s{1,6}bothered\b|(?<!not )(?<!n['’]t )\bbothered\s{1,6}to\s{1,6}\w+",  # noqa: E501
    ),
    _phrase("wheel", r"\basleep\s{1,6}at\s{1,6}the\s{1,6}wheel\b"),
    _phrase(
        "pebkac pebcak layer keyboard",
        r"\bpeb[kc][ac][ck]\b|\bid-?10-?t\b|\blayer\s{1,6}(?:8|eight)\s{1,6}(?:problem|error|issue)\b"
        r"|\bbetween\s{1,6}(?:the\s{1,6})?keyboard\s{1,6}and\s{1,6}(?:the\s{1,6})?chair\b",
    ),
    _phrase(
        "nobody",
        r"\bnobody\s{1,6}(?:(?:ever|even|really|on\s{1,6}\w+(?:\s{1,6}team)?)\s{1,6}){0,2}(?:cared|thought|remembered|took\s{1,6}the\s{1,6}time)\s{1,6}to\b",
    ),
    _phrase(
        "excuse",
        rf"{_SUBJECT}(?:had|has|have)\s{{1,6}}no\s{{1,6}}excuse\b|\bthere\s{{1,6}}(?:is|was)\s{{1,6}}no\s{{1,6}}excuse\b",
    ),
    _phrase(
        "idea",
        r"\bhad\s{1,6}(?:clearly\s{1,6})?no\s{1,6}idea\s{1,6}(?:what|how)\s{1,6}(?:he|she|they)\b",
    ),
    _phrase("ball", r"\bdropped\s{1,6}the\s{1,6}ball\b"),
    _phrase(
        "job",
        r"(?:\b(?:not|never|had)|n['’]t|\bshould\s{1,6}have|\bought\s{1,6}to\s{1,6}have)\s{1,6}(?:\w+\s{1,6})?"
        r"(?:done|did|do|doing)\s{1,6}(?:his|her|their)\s{1,6}jobs?\b(?!\s{1,6}(?:well|right|correctly))",
    ),
    _phrase(
        "whoever",
        r"(?:^|[.!?:\n][ ]{0,3}|\b(?:faults?|mistakes?|errors?|oversights?|fail(?:ed|ure))[ ]{1,3}"
        r"(?:(?:of|by|on)[ ]{1,3})?(?:the[ ]{1,3}part[ ]{1,3}of[ ]{1,3})?)whoever\s{1,6}(?:wrote"
        r"|approved|configured|merged|deployed|built|changed|reviewed|set)\b",
    ),
    _phrase(
        "experienced competent careful good sensible decent attentive senior reasonable",
        rf"\b(?:experienced|competent|careful|good|sensible|decent|attentive|senior"
        rf"|reasonable)\s{{1,6}}{ROLE}\s{{1,6}}"
        r"would\s{1,6}(?:(?:never|not)\s{1,6})?have\b",
    ),
    _phrase(
        "attention", r"\b(?:if|had)\s{1,6}(?:[\w-]+\s{1,6}){1,3}been\s{1,6}paying\s{1,6}attention\b"
    ),
    _phrase("blame", rf"{_SUBJECT}(?:is|are|was|were)\s{{1,6}}(?:\w+\s{{1,6}})?to\s{{1,6}}blame\b"),
    _phrase(
        "forgot", rf"{_NAME}(?:simply\s{{1,6}}|just\s{{1,6}}|also\s{{1,6}})?forgot\s{{1,6}}to\b"
    ),
    _phrase(
        "sloppy lazy careless",
        r"\bbecause\s{1,6}(?:of\s{1,6})?(?:they\s{1,6}were\s{1,6}|the\s{1,6}\w+\s{1,6}was\s{1,6})?(?:too\s{1,6})?(?:sloppy|lazy"
        r"|careless)\b",
    ),
    _phrase(
        "sloppy careless negligent reckless lazy foolish stupid unprofessional irresponsible",
        r"\bit\s{1,6}(?:was|is)\s{1,6}(?:\w+\s{1,6})?(?:sloppy|careless|negligent|reckless|lazy|foolish|stupid"
        rf"|unprofessional|irresponsible)\s{{1,6}}of\s{{1,6}}(?:{LEAD}\s{{1,6}})?(?:[\w'’-]+\s{{1,6}}){{0,2}}"
        rf"(?:{ROLE}|him|her|them)\b",
    ),
    _phrase(
        "ignored",
        rf"{_NAME}ignored\s{{1,6}}(?:the\s{{1,6}}|all\s{{1,6}}|our\s{{1,6}})?(?:\w+\s{{1,6}})?(?:warnings?|alarms?|alerts?)"
        r"\s{1,6}and\s{1,6}(?:pushed|deployed|merged|went|carried|continued|approved)\b",
    ),
    _phrase(
        "told warned reminded",
        # What an agent had been told is a fact of the record, and so is what customers had.
        rf"(?:{_SUBJECT}|{_NAME}(?<!s\s)(?<!support\s))(?:had|has)\s{{1,6}}(?:already\s{{1,6}})?been\s{{1,6}}(?:told|warned|reminded)"
        r"\s{1,6}(?:twice|repeatedly|(?:several|many|three|two)\s{1,6}times|not\s{1,6}to|before)\b",
    ),
    _phrase(
        "entirely squarely solely completely",
        r"\b(?:this|that|it)\s{1,6}(?:is|was)\s{1,6}(?:entirely|squarely|solely|completely)\s{1,6}(?:on|the\s{1,6}fault"
        rf"\s{{1,6}}of)\s{{1,6}}{LEAD}\s{{1,6}}(?:[\w'’-]+\s{{1,6}}){{0,2}}{ROLE}\b(?!\s{{1,6}}{_MACHINES}\b)",
    ),
    _phrase(
        "fault blame",
        r"\b(?:fault|blame)\s{1,6}(?:lies|lay|rests|rested|falls|fell)\s{1,6}(?:\w{2,20}ly\s{1,6})?(?:with|on)"
        rf"\s{{1,6}}(?:{LEAD}\s{{1,6}})?(?:[\w'’-]+\s{{1,6}}){{0,2}}{ROLE}(?![\w'’-])"
        r"(?!\s{1,6}(?!who\b|that\b|and\b|on\b|in\b|at\b|for\b|of\b|alone\b)\w)",
    ),
    _phrase(
        "warned told",
        rf"(?:{_SUBJECT}|{_NAME})(?:was|were)\s{{1,6}}(?:warned|told)\b[^.;:\n]{{0,50}}"
        r"\s(?:anyway|regardless)\b",
    ),
    _phrase(
        "inexcusable unforgivable irresponsible reckless negligent careless sloppy",
        r"\bit\s{1,6}(?:is|was)\s{1,6}(?:inexcusable|unforgivable|irresponsible|reckless|negligent|careless|sloppy)"
        rf"\s{{1,6}}(?:that|of|for)\s{{1,6}}(?:{LEAD}\s{{1,6}})?(?:[\w'’-]+\s{{1,6}}){{0,2}}{ROLE}\b",
    ),
    _phrase(
        "broke nuked wrecked ruined destroyed",
        rf"{_SUBJECT}(?:broke|nuked|wrecked|ruined|destroyed)\s{{1,6}}(?:production|prod|everything"
        r"|the\s{1,6}(?:build|site|database|system|cluster|app))\b",
    ),
    _phrase(
        "judgement judgment",
        r"\b(?:poor|bad|questionable)\s{1,6}judge?ment\b(?!\s{1,6}calls?)",
    ),
    _phrase(
        "care",
        rf"(?:{_SUBJECT}|\bthey\s{{1,6}})(?:simply\s{{1,6}}|just\s{{1,6}}|clearly\s{{1,6}})?(?:did\s{{1,6}}not|didn['’]t)"
        r"\s{1,6}care\b(?!\s{1,6}(?:which|whether)\b)",
    ),
    _phrase(
        "mistake error blunder",
        r"\b(?:careless|sloppy|rookie|foolish|stupid|silly|dumb|unforgivable|inexcusable)\s{1,6}"
        r"(?:mistake|error|blunder)\b(?!\s{1,6}(?:messages?|codes?|handling))",
    ),
    _phrase(
        "tried attempted",
        rf"(?:{_SUBJECT}|\b(?:the|our)\s{{1,6}}(?:vendor|supplier|provider|contractor)\s{{1,6}})(?:tried|attempted)\s{{1,6}}to"
        r"\s{1,6}(?:hide|conceal|cover\s{1,6}up|downplay)\b",
    ),
    _phrase("listen", r"\b(?:refused|unwilling)\s{1,6}to\s{1,6}listen\b"),
    _phrase("half", r"\bshipped\s{1,6}(?:it\s{1,6})?half[- ](?:finished|baked|done)\b"),
    _phrase("rookie", r"\brookie\s{1,6}(?:mistake|error)\b"),
)
_SOMEBODY = (
    r"(?:engineer|developer|admin|administrator|colleague|employee|intern|contractor|technician"
    r"|analyst|supervisor|someone|somebody)"
)
#: What people do with their hands and eyes; an operator that is a program does none of it.
_BY_HAND = (
    r"(?:pasting|clicking|typing|entering|selecting|choosing|picking|pressing|misreading|mistyping"
    r"|misunderstanding|overlooking|forgetting|uploading|skipping|confusing|mixing|approving"
    r"|copying|not\s{1,6}(?:reading|checking|following|noticing))"
)
_SLIPS = _by_word(
    _phrase(
        "mistake accident",
        rf"(?:{_SUBJECT}{_DEED}\s{{1,6}}(?:[\w'’-]+\s{{1,6}}){{0,11}}"
        rf"|\b(?:was|were|got)\s{{1,6}}(?:\w+ly\s{{1,6}})?{_DEED}\s{{1,6}}(?:[\w-]+\s{{1,6}}){{0,5}})"
        r"by\s{1,6}(?:mistake|accident)\b",
    ),
    _phrase(
        "accidentally inadvertently unintentionally unwittingly",
        rf"{_SUBJECT}(?:accidentally|inadvertently|unintentionally|unwittingly)\s{{1,6}}\w{{1,30}}",
    ),
    _phrase(
        "fat",
        rf"\bfat[- ]fingered\b(?!\s{{1,6}}(?:orders?|trades?|prints?))"
        rf"|\b(?:by|due\s{{1,6}}to|because\s{{1,6}}of|was|from|with|{_WHO})\s{{1,6}}(?:an?\s{{1,6}}|my\s{{1,6}}"
        r"|our\s{1,6}|the\s{1,6}|simple\s{1,6}){0,2}fat[- ]finger(?:ing)?\b"
        r"(?!\s{0,6}[/-]|\s{1,6}(?:fills?|orders?|trades?|prints?|checks?|protection|guards?))",
    ),
    _phrase("paste", r"\bcopy[- ]?(?:and[- ])?paste[- ](?:error|mistake)s?\b"),
    _phrase(
        "lapse lapses",
        r"\b(?:an?|the|his|her|our|their)\s{1,6}(?:\w+\s{1,6})?lapses?\s{1,6}(?:in|of)\s{1,6}(?:attention|judge?ment"
        r"|concentration|focus|diligence)\b",
    ),
    _phrase(
        "attention",
        r"\b(?:did\s{1,6}not|didn['’]t|was\s{1,6}not|wasn['’]t|were\s{1,6}not)\s{1,6}pay(?:ing)?\s{1,6}(?:\w+\s{1,6})?attention\b",
    ),
    _phrase("honest", r"\bhonest\s{1,6}mistake\b"),
    _phrase(
        "slip",
        r"\b(?:an?|the|one)\s{1,6}slip\s{1,6}(?:of|by)\s{1,6}(?!paper)"
        r"|\b(?:down|due)\s{1,6}to\s{1,6}(?:an?|one)\s{1,6}(?:\w+\s{1,6})?slip\b",
    ),
    _phrase(
        "click keystroke keypress paste",
        r"\b(?:an?|one)\s{1,6}(?:wrong|accidental|careless|stray|mistaken|errant)\s{1,6}"
        r"(?:click|keystroke|keypress|paste)\s{1,6}(?!(?:handler|event|listener)s?\b)"
        r"(?:[\w-]{1,20}\s{1,6}){0,5}(?:started|caused|led|triggered|deleted|sent|dropped|wiped|took)\b",
    ),
    _phrase(
        "tired exhausted sleepy distracted stressed overworked hurried inexperienced careless",
        r"\bby\s{1,6}an?\s{1,6}(?:tired|exhausted|sleepy|distracted|stressed|overworked|hurried"
        rf"|inexperienced|careless)\s{{1,6}}(?:[\w-]+\s{{1,6}})?{ROLE}\b",
    ),
    _phrase(
        "carelessness negligence inattention oversight misjudgement misjudgment fatigue "
        "distraction complacency",
        r"\b(?:was|is|by|to|of|:)\s{0,6}(?:the\s{1,6}|an?\s{1,6})?(?:operator|engineer|human|staff|user|reviewer|approver"
        r"|developer)\s{1,6}(?:carelessness|negligence|inattention|oversight|misjudge?ment|fatigue"
        r"|distraction|complacency)\b",
    ),
    _phrase(
        "wrong",
        rf"{_SUBJECT}(?:ran|executed|applied|deployed|sent|pushed|connected|pointed|restored)\s{{1,6}}"
        r"(?:[\w'’-]+\s{1,6}){0,6}(?:against|on|to|in|into|at)\s{1,6}the\s{1,6}wrong\b",
    ),
    _phrase(
        "mistake accident",
        rf"\b(?:user|customer|client)s?\s{{1,6}}(?:had\s{{1,6}})?{_DEED}\s{{1,6}}(?:[\w'’-]+\s{{1,6}}){{0,5}}by\s{{1,6}}(?:mistake"
        r"|accident)\b",
    ),
    _phrase("typo", rf"{_SUBJECT}made\s{{1,6}}an?\s{{1,6}}typo\b"),
    _phrase(
        "attention diligence care vigilance discipline carefulness",
        r"\b(?:lack\s{1,6}of|insufficient|inadequate|poor|too\s{1,6}little|not\s{1,6}enough)\s{1,6}(?:attention"
        r"|diligence"
        rf"|care|vigilance|discipline|carefulness)\s{{1,6}}(?:by|of|from"
        rf"|on\s{{1,6}}the\s{{1,6}}part\s{{1,6}}of)\s{{1,6}}(?:{LEAD}\s{{1,6}})?(?:[\w-]+\s{{1,6}})?{ROLE}\b",
    ),
    _phrase(
        "oversight",
        rf"\b(?:due\s{{1,6}}to|because\s{{1,6}}of|caused\s{{1,6}}by|was|simply)\s{{1,6}}(?:an?\s{{1,6}})?(?:simple\s{{1,6}}"
        rf"|plain\s{{1,6}}|human\s{{1,6}}|{ROLE}['’]s\s{{1,6}}"
        r"|individual['’]s\s{1,6})?oversight\b|\bindividual['’]s\s{1,6}oversight\b",
    ),
    _phrase(
        "human",
        r"(?:^|[.:;]\s{0,6}|\n)(?:[-*+]\s{0,6})?(?:an?\s{1,6})?human\s{1,6}(?:failure|slip|lapse)\b",
    ),
    _phrase(
        "operator manual user human engineer",
        r"(?:^|[.:;]\s{1,6}|\n)(?:[-*+]\s{0,6})?an?\s{1,6}(?:operator|manual|user|human"
        r"|engineer)\s{1,6}(?:mistake|error)"
        r"\s{1,6}(?:by|during|while|when|in|on)\b",
    ),
    _phrase("pilot operator", r"\b(?:pilot|operator)\s{1,6}error\s{0,6}:"),
    _phrase(
        "carelessness negligence inattention laziness incompetence inattentiveness",
        r"\b(?:cause|reason|trigger|due\s{1,6}to|because\s{1,6}of|caused\s{1,6}by|result\s{1,6}of"
        r"|down\s{1,6}to)\b\s{0,6}(?:was|is|:)?\s{0,6}(?:the\s{1,6}|plain\s{1,6}|simple\s{1,6}"
        r"|pure\s{1,6}|sheer\s{1,6}){0,2}(?:carelessness|negligence|inattention|laziness"
        r"|incompetence|inattentiveness)\b",
    ),
    _phrase(
        "result due",
        rf"\b(?:result\s{{1,6}}of|due\s{{1,6}}to)\s{{1,6}}(?:{LEAD}\s{{1,6}})?(?:[\w-]+\s{{1,6}}){{0,2}}"
        rf"(?:(?:{_SOMEBODY}|operator)\s{{1,6}}{_BY_HAND}"
        rf"|(?:{_SOMEBODY}|on-?call|reviewer|approver|person|staff|responder|deployer)\s{{1,6}}not"
        r"\s{1,6}\w{2,20}ing)\b",
    ),
    _phrase(
        "caused triggered wrong incorrect faulty",
        rf"\b(?:caused|triggered)\s{{1,6}}by\s{{1,6}}(?:{LEAD}\s{{1,6}})?(?:[\w-]+\s{{1,6}}){{0,2}}"
        rf"(?:{ROLE}\s{{1,6}}who|{_SOMEBODY}\s{{1,6}}\w{{2,20}}ing|operator\s{{1,6}}{_BY_HAND})\b"
        r"|\b(?:wrong|incorrect|faulty)\s{1,6}(?:[\w-]+\s{1,6}){0,2}(?:command|input|entry|click|key"
        r"|value|intervention|change|edit|deletion|configuration|setting)\s{1,6}"
        rf"by\s{{1,6}}(?:{LEAD}\s{{1,6}})?"
        rf"(?:[\w-]+\s{{1,6}})?{ROLE}\b",
    ),
)
#: What a condition puts directly before its subject did not happen. (Of what somebody could or
#: might have done no phrase is found: the modal stands between its subject and its verb.)
_SUPPOSED = regex(r"\b(?:if|whether|unless|in\s{1,6}case)\s[^,.;:\n]{0,15}$")
#: And what nearly happened did not: `nearly deleted it`, not `deleted the nearly full volume`.
_NEARLY = regex(
    r"(?<!\bthe\s)(?<!\ba\s)(?<!\bour\s)(?<!\bits\s)\b(?:nearly|almost)\s{1,6}"
    rf"(?:{_DEED}|(?:accidental|inadvertent|unintentional|unwitting)ly|by\s{{1,6}}(?:mistake|accident))\b"
)
_AGENTS = _by_word(
    _phrase(
        "rails rogue confused lazy panicked lied crazy wild mind better sense misbehaved freaked "
        "cheated drunk",
        rf"\b{_MACHINES}\s{{1,6}}(?:(?:\w+ly|also|just|then|had|has"
        rf"|apparently)\s{{1,6}}){{0,2}}(?:went\s{{1,6}}(?:off\s{{1,6}}the\s{{1,6}}rails|rogue"
        r"|crazy|wild|nuts|berserk|mad)|gone\s{1,6}(?:off\s{1,6}the\s{1,6}rails|rogue)|(?:got|was|became"
        r"|gets|is)\s{1,6}(?:\w+\s{1,6})?"
        r"(?:confused|lazy|drunk|crazy|insane)|panicked|lied|freaked\s{1,6}out|lost\s{1,6}its\s{1,6}mind"
        r"|misbehaved|cheated"
        r"|(?:has|had)\s{1,6}a\s{1,6}mind\s{1,6}of\s{1,6}its\s{1,6}own|(?:thought"
        r"|decided)\s{1,6}(?:that\s{1,6})?it\s{1,6}knew\s{1,6}better"
        r"|has\s{1,6}no\s{1,6}common\s{1,6}sense)\b",
    ),
    _phrase("rails", r"\b(?:went|gone|goes|going)\s{1,6}off\s{1,6}the\s{1,6}rails\b"),
    _phrase(
        "dumb stupid careless reckless sloppy evil idiotic trusted",
        rf"\b{_MACHINES}\s{{1,6}}(?:is|was|are|were)\s{{1,6}}(?:\w+\s{{1,6}})?(?:dumb|stupid|careless|reckless"
        rf"|sloppy|evil|idiotic|not\s{{1,6}}to\s{{1,6}}be"
        rf"\s{{1,6}}trusted)\b|\b(?:dumb|stupid|idiotic|lazy|crazy)\s{{1,6}}{_MACHINES}\b",
    ),
    _phrase("rogue", rf"\brogue\s{{1,6}}{_MACHINES}\b"),
    _phrase(
        "recklessly maliciously stubbornly secretly carelessly lazily stupidly sneakily stubborn "
        "disobeyed deceived pretended hid overconfident overeager eager spite please cover hide "
        "forgot irrationally care listen",
        rf"\b{_MACHINES}\s{{1,6}}(?:(?:simply|just|then|also|even)\s{{1,6}})?(?:(?:recklessly|maliciously"
        r"|stubbornly|secretly|carelessly|lazily|stupidly|sneakily)\s{1,6}\w{2,30}"
        r"|(?:got|was|became|is)\s{1,6}(?:too\s{1,6}|so\s{1,6})?(?:stubborn|overconfident|overeager"
        r"|eager)|(?:acted|behaved)\s{1,6}(?:recklessly|irrationally|maliciously|stupidly)"
        r"|disobeyed|deceived|pretended|hid\s{1,6}(?:the|its|his|her|that|what)"
        r"|tried\s{1,6}to\s{1,6}(?:hide|cover\s{1,6}up|please)|wanted\s{1,6}to\s{1,6}please"
        r"|forgot\s{1,6}(?:its|what|that|about|to)|refused\s{1,6}to\s{1,6}listen"
        r"|(?:did|does)\s{1,6}not\s{1,6}care|(?:\w{1,30}\s{1,6}){1,6}out\s{1,6}of\s{1,6}spite)\b",
    ),
)
#: What stands at a common word in every phrase that has it: looked at first, for a whole phrase
#: costs twenty times as much, and a record has a dozen of these words.
_AT_WORD = {
    "without": regex(
        rf"without\s{{1,6}}(?:even\s{{1,6}}|really\s{{1,6}}|first\s{{1,6}})?{_UNREAD}\b"
    ),
    "took": regex(r"took\s{1,6}(?:an?\s{1,6})?short"),
    "cut": regex(r"cut\s{1,6}corners"),
    "refused": regex(r"refused\s{1,6}to\b"),
    "nobody": regex(r"nobody\s{1,6}(?:\w+\s{1,6}){0,4}(?:cared|thought|remembered|took)\b"),
}
#: And what stands near one, on either side.
_NEAR_WORD = {
    "wrong": regex(rf"\b(?:{_PICKED}|by|deleted|used|chosen|against|on|to|in|into|at)\b"),
    "care": regex(r"\bnot\b|n['’]t\b"),
    "mistake": regex(r"\bby\b|\b(?:careless|slopp|rookie|foolish|stupid|silly|dumb|un|inex)"),
    "error": regex(r"\b(?:careless|slopp|rookie|foolish|stupid|silly|dumb|un|inex)"),
    "tried": regex(r"\b(?:hide|conceal|cover|downplay)\b"),
    "told": regex(r"\b(?:anyway|regardless|twice|repeatedly|times|not|before)\b"),
    "result": regex(r"ing\b"),
    "due": regex(r"ing\b"),
}
_NEAR = 60  # characters on either side
_BEFORE = 140  # characters before a word in which its phrase begins
_AFTER = 100  # and those from its beginning in which the phrase ends
_WINDOW = 60  # characters before a phrase that can take it back, or name a machine as its subject
#: What is done about slips, rather than that one happened.
_AGAINST = regex(r"\b(?:avoid|prevent|reduc|minimi[sz]|against|tolerat|protect|catch|likel)\w*\b")
#: What a customer wrote of an agent is a fact of the record.
_REPORTED = regex(
    r"\b(?:wrote|writes|said|says|complained|reported|felt|thought)\s{1,6}(?:that\s{1,6})?(?:the\s{1,6})?$"
)
_OF_A_MACHINE = regex(rf"\b{_MACHINES}\b(?![^.;]*\b(?:operator|engineer|person|human|someone)\b)")


def blamed_people(text: str, words: frozenset[str] | None = None) -> Iterator[Judgement]:
    """Where a phrase in a text in lower case judges a person, and no model that judges others."""
    for found in _phrase_matches(text, words, _PEOPLE):
        clause = re.split(r"[.;\n]", text[max(0, found.start - _WINDOW) : found.start])[-1]
        is_of_a_model = "judg" in text[found.start : found.end] and _OF_A_MACHINE.search(clause)
        if not is_of_a_model:
            yield found


def slip_phrases(text: str, words: frozenset[str] | None = None) -> Iterator[Judgement]:
    """Where a phrase in a text in lower case gives somebody's slip as what happened."""
    for found in _phrase_matches(text, words, _SLIPS):
        before = re.split(r"[.;\n]", text[max(0, found.start - _WINDOW) : found.start])[-1]
        is_supposed = _SUPPOSED.search(before) or _NEARLY.search(text, found.start, found.end)
        if not (is_supposed or _OF_A_MACHINE.search(before) or _AGAINST.search(before)):
            yield found


def judged_agents(text: str, words: frozenset[str] | None = None) -> Iterator[Judgement]:
    """Where a text in lower case judges an agent as one judges a person."""
    for found in _phrase_matches(text, words, _AGENTS):
        if not _REPORTED.search(text, max(0, found.start - _WINDOW), found.start):
            yield found


def _phrase_matches(
    text: str, words: frozenset[str] | None, phrases: _Phrases
) -> Iterator[Judgement]:
    """The matches that nothing takes back; of two that overlap the first alone."""
    end = -1
    for match in sorted(
        _matches(text, words, phrases), key=lambda match: (match.start(), -match.end())
    ):
        start = match.start() + len(match[0]) - len(match[0].lstrip(" \t\n,;:.-"))
        is_taken_back = NEGATED.search(text, max(0, start - _WINDOW), start)
        if match.start() >= end and not is_taken_back and not text.startswith("if ", start):
            yield Judgement(start, match.end())
            end = match.end()


def _matches(text: str, words: frozenset[str] | None, phrases: _Phrases) -> Iterator[re.Match[str]]:
    """The matches of phrases, looked for around their words: to search all text takes longer."""
    for word, at in places(text, phrases if words is None else phrases.keys() & words):
        if not is_whole_word(text, at, at + len(word)) or not _may_be(text, word, at):
            continue
        for pattern in phrases[word]:
            around = pattern.finditer(text, max(0, at - _BEFORE), at + _AFTER)
            match = next((m for m in around if m.end() > at), None)
            if match and match.start() <= at:
                yield match


def _may_be(text: str, word: str, at: int) -> bool:
    """Whether what stands at a common word, or near it, leaves room for a phrase with it."""
    if behind := _AT_WORD.get(word):
        return bool(behind.match(text, at))
    near = _NEAR_WORD.get(word)
    return not near or bool(near.search(text, max(0, at - _NEAR), at + _NEAR))
