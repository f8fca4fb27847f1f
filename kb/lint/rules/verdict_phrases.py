"""Phrases that judge a person or an agent, or give somebody's slip as the cause.

They stand beside the verbs of `judgements`, which are looked for by their subject: here the phrase
itself says it ("should have known better"), or its subject stands further off. Texts are given in
lower case; a phrase is searched for only where one of its words is in the text, and every
repetition is bounded, so the time is linear.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from kb.lint.rules.judgements import HANDLE, LEAD, NEGATED, ROLE, Judgement, is_whole_word, places

_WHO = (
    rf"(?:(?:{LEAD}\s+(?:[\w-]+\s+){{0,2}})?{ROLE}(?:\s+(?:on\s+(?:the\s+)?[\w-]+(?:\s+team)?"
    rf"|in\s+charge"
    rf"|responsible))?(?![\w'’])|{HANDLE}|we|he|she)"
)
#: Where a clause begins, so that what follows is its subject.
_CLAUSE = (
    r"(?:^|(?<=[.;:!?,(|—–\n])|(?<=[-*+]\s)|\b(?:and|but|because|when|that|as|since|after|while"
    r"|where|if"
    r"|then|so|who)\s)\s*"
)
_SUBJECT = (
    rf"{_CLAUSE}{_WHO}\s+(?:(?:\w+ly|also|just|then|again|even|had|has|have|simply)\s+){{0,2}}"
)
_MACHINES = (
    r"(?:agents?|models?|bots?|llms?|ais?|assistants?|copilot|claude\w*|chatgpt|gpt[\w.-]*"
    r"|cursor|gemini"
    r"|codex|devin)"
)
_SOFTWARE = (
    rf"(?:{_MACHINES}|it|they|this|that|which|what|there|script|job|service|system|tool"
    rf"|pipeline|process"
    r"|server|client|parser|code|api|deploy\w*|cron\w*|kubernetes|terraform|worker|scheduler"
    r"|database)"
)
#: A word that may be a name: it begins the clause and is no software.
_NAME = rf"{_CLAUSE}(?!{_SOFTWARE}\b)[a-z][a-z'’-]{{1,20}}\s+"
_CARELESS = (
    r"(?:careless|sloppy|lazy|negligent|reckless|incompetent|inattentive|clueless|naive"
    r"|stupid|hasty"
    r"|inexperienced|distracted|complacent|overconfident|unprofessional|tired|in\s+a\s+hurry|asleep"
    r"|not\s+paying\s+attention|out\s+of\s+(?:his|her|their)\s+depth)"
)
_UNREAD = (
    r"(?:reading|checking|looking|thinking|verifying|asking|understanding|testing|reviewing"
    r"|questioning"
    r"|noticing|paying\s+attention|a\s+second\s+(?:look|thought))"
)
_APPROVES = (
    r"(?:approved|merged|deployed|accepted|signed|clicked|confirmed|shipped|pushed|pasted"
    r"|copied|released"
    r"|pressed|allowed)"
)
_PICKED = (
    r"(?:picked|chose|selected|entered|typed|pasted|clicked|pressed|hit|uploaded|opened|ran"
    r"|edited|copied)"
)


@dataclass(frozen=True, slots=True)
class _Phrase:
    """A pattern, and the words one of which every match has."""

    words: frozenset[str]
    pattern: re.Pattern[str]


def _phrase(words: str, pattern: str) -> _Phrase:
    return _Phrase(frozenset(words.split()), re.compile(pattern))


_PEOPLE = (
    _phrase(
        "without",
        rf"{_SUBJECT}(?:[\w'’-]+\s+){{1,9}}without\s+(?:even\s+|really\s+|first\s+)?{_UNREAD}\b",
    ),
    _phrase(
        "without",
        rf"{_NAME}(?:just\s+)?{_APPROVES}\s+(?:[\w'’-]+\s+){{0,8}}without\s+(?:even\s+"
        rf"|really\s+|first\s+)?{_UNREAD}\b",
    ),
    _phrase(
        "better", r"(?<!\w)(?:should|ought\s+to|could|must)\s+(?:really\s+)?have\s+known\s+better\b"
    ),
    _phrase(
        "ought should",
        rf"{_NAME}(?:really\s+)?(?:should|ought\s+to)\s+(?:really\s+)?have\s+(?:checked|read\s"
        rf"|noticed"
        r"|paid|been\s+(?:more\s+)?(?:careful|attentive)|looked\s|double-checked|reviewed)",
    ),
    _phrase(
        "careless sloppy lazy negligent reckless incompetent inattentive clueless naive stupid "
        "hasty inexperienced distracted complacent overconfident unprofessional tired hurry asleep "
        "paying depth",
        rf"(?:{_SUBJECT}|\bthey\s+)(?:was|were|is|are|been|being)\s+(?:too\s+|so\s+|simply\s+"
        rf"|just\s+|very\s+"
        rf"|rather\s+|quite\s+|clearly\s+)?{_CARELESS}\b",
    ),
    _phrase(
        "negligently carelessly recklessly sloppily foolishly stupidly thoughtlessly",
        rf"(?:{_SUBJECT}|{_NAME})(?:negligently|carelessly|recklessly|sloppily|foolishly|stupidly"
        r"|thoughtlessly)\s+\w+",
    ),
    _phrase(
        "misread misunderstood misinterpreted mistyped mistook mixed stamped rubberstamped cut "
        "took refused confused panicked",
        rf"(?:{_SUBJECT})(?:misread|misunderstood|misinterpreted|mistyped|mistook|mixed\s+up"
        r"|rubber-?stamped|cut\s+corners|took\s+(?:an?\s+)?short-?cuts?"
        r"|refused\s+to\s+(?:listen|read|follow"
        r"|escalate|help|look|act)|panicked|confused\s+(?:the|two|both)\b)",
    ),
    _phrase(
        "wrong",
        rf"{_SUBJECT}(?:then\s+)?{_PICKED}\s+(?:in\s+|on\s+)?(?:the|an?)\s+wrong\b"
        rf"|\bwrong\s+\w+\s+(?:was\s+|were\s+)?(?:{_PICKED}|deleted|used"
        rf"|chosen)\s+by\s+(?:{LEAD}\s+)?(?:[\w-]+\s+)?{ROLE}\b",
    ),
    _phrase("early soon", rf"{_SUBJECT}(?:hit|pressed|clicked)\s+\w+\s+too\s+(?:early|soon)\b"),
    _phrase(
        "bothered", r"\b(?:not|n['’]t)\s+be\s+bothered\b|(?<!not )(?<!n['’]t )\bbothered\s+to\s+\w+"
    ),
    _phrase("wheel", r"\basleep\s+at\s+the\s+wheel\b"),
    _phrase("pebkac layer", r"\bpebkac\b|\bid-?10-?t\b|\blayer\s+8\s+(?:problem|error|issue)\b"),
    _phrase("excuse", r"\b(?:had|has|have|is|was)\s+no\s+excuse\b"),
    _phrase("idea", r"\bhad\s+(?:clearly\s+)?no\s+idea\s+(?:what|how)\s+(?:he|she|they)\b"),
    _phrase("ball", r"\bdropped\s+the\s+ball\b"),
    _phrase(
        "job", r"\b(?:done|did|doing)\s+(?:his|her|their)\s+jobs?\b(?!\s+(?:well|right|correctly))"
    ),
    _phrase(
        "whoever",
        r"\bwhoever\s+(?:wrote|approved|configured|merged|deployed|built|changed"
        r"|reviewed|set)\b",
    ),
    _phrase(
        "experienced competent careful good sensible decent attentive senior reasonable",
        rf"\b(?:experienced|competent|careful|good|sensible|decent|attentive|senior"
        rf"|reasonable)\s+{ROLE}\s+"
        r"would\s+(?:never|not|have)\b",
    ),
    _phrase("attention", r"\b(?:if|had)\s+(?:[\w-]+\s+){1,3}been\s+paying\s+attention\b"),
    _phrase("blame", rf"{_SUBJECT}(?:is|are|was|were)\s+(?:\w+\s+)?to\s+blame\b"),
    _phrase("forgot", rf"{_NAME}(?:simply\s+|just\s+|also\s+)?forgot\s+to\b"),
    _phrase(
        "sloppy lazy careless",
        r"\bbecause\s+(?:of\s+)?(?:they\s+were\s+|the\s+\w+\s+was\s+)?(?:too\s+)?(?:sloppy|lazy"
        r"|careless)\b",
    ),
    _phrase("listen", r"\b(?:refused|unwilling)\s+to\s+listen\b"),
    _phrase("half", r"\bshipped\s+(?:it\s+)?half[- ](?:finished|baked|done)\b"),
    _phrase("rookie", r"\brookie\s+(?:mistake|error)\b"),
)
_SLIPS = (
    _phrase(
        "mistake accident",
        rf"(?:{_SUBJECT}(?:[\w'’-]+\s+){{1,12}}|\b(?:was|were|got)\s+(?:[\w-]+\s+){{1,6}})"
        r"by\s+(?:mistake|accident)\b",
    ),
    _phrase(
        "accidentally inadvertently unintentionally unwittingly",
        rf"{_SUBJECT}(?:accidentally|inadvertently|unintentionally|unwittingly)\s+\w+",
    ),
    _phrase("fat", r"\bfat[- ]finger(?:ed|ing)?\b"),
    _phrase("paste", r"\bcopy[- ]?(?:and[- ])?paste[- ](?:error|mistake)s?\b"),
    _phrase("honest", r"\bhonest\s+mistake\b"),
    _phrase("slip", r"\b(?:an?|the|one)\s+slip\s+(?:of|by)\s+(?!paper)"),
    _phrase("typo", rf"{_SUBJECT}made\s+an?\s+typo\b"),
    _phrase(
        "attention diligence care vigilance discipline carefulness",
        r"\b(?:lack\s+of|insufficient|inadequate|poor|too\s+little|not\s+enough)\s+(?:attention"
        r"|diligence"
        rf"|care|vigilance|discipline|carefulness)\s+(?:by|of|from"
        rf"|on\s+the\s+part\s+of)\s+(?:{LEAD}\s+)?(?:[\w-]+\s+)?{ROLE}\b",
    ),
    _phrase(
        "oversight",
        rf"\b(?:due\s+to|because\s+of|caused\s+by|was|simply)\s+(?:an?\s+)?(?:simple\s+"
        rf"|plain\s+|human\s+|{ROLE}['’]s\s+"
        r"|individual['’]s\s+)?oversight\b|\bindividual['’]s\s+oversight\b",
    ),
    _phrase("human", r"(?:^|[.:;]\s*|\n)(?:[-*+]\s*)?(?:an?\s+)?human\s+(?:failure|slip|lapse)\b"),
    _phrase(
        "operator manual user human engineer",
        r"(?:^|[.:;]\s+|\n)(?:[-*+]\s*)?an?\s+(?:operator|manual|user|human"
        r"|engineer)\s+(?:mistake|error)"
        r"\s+(?:by|during|while|when|in|on)\b",
    ),
    _phrase("pilot operator", r"\b(?:pilot|operator)\s+error\s*:"),
)
_AGENTS = (
    _phrase(
        "rails rogue confused lazy panicked lied crazy wild mind better sense misbehaved freaked "
        "cheated drunk",
        rf"\b{_MACHINES}\s+(?:(?:\w+ly|also|just|then|had|has"
        rf"|apparently)\s+){{0,2}}(?:went\s+(?:off\s+the\s+rails|rogue"
        r"|crazy|wild|nuts|berserk|mad)|gone\s+(?:off\s+the\s+rails|rogue)|(?:got|was|became"
        r"|gets|is)\s+(?:\w+\s+)?"
        r"(?:confused|lazy|drunk|crazy|insane)|panicked|lied|freaked\s+out|lost\s+its\s+mind"
        r"|misbehaved|cheated"
        r"|(?:has|had)\s+a\s+mind\s+of\s+its\s+own|(?:thought"
        r"|decided)\s+(?:that\s+)?it\s+knew\s+better"
        r"|has\s+no\s+common\s+sense)\b",
    ),
    _phrase("rails", r"\b(?:went|gone|goes|going)\s+off\s+the\s+rails\b"),
    _phrase(
        "dumb stupid careless reckless sloppy evil idiotic trusted",
        rf"\b{_MACHINES}\s+(?:is|was|are|were)\s+(?:\w+\s+)?(?:dumb|stupid|careless|reckless"
        rf"|sloppy|evil|idiotic|not\s+to\s+be"
        rf"\s+trusted)\b|\b(?:dumb|stupid|idiotic|lazy|crazy)\s+{_MACHINES}\b",
    ),
    _phrase("rogue", rf"\brogue\s+{_MACHINES}\b"),
)
_BEFORE = 140  # characters before a word in which its phrase begins
_AFTER = 100  # and those from its beginning in which the phrase ends
_WINDOW = 60  # characters before a phrase that can take it back, or name a machine as its subject
#: What is done about slips, rather than that one happened.
_AGAINST = re.compile(
    r"\b(?:avoid|prevent|reduc|minimi[sz]|against|tolerat|protect|catch|likel)\w*\b"
)
_OF_A_MACHINE = re.compile(
    rf"\b{_MACHINES}\b(?![^.;]*\b(?:operator|engineer|person|human|someone)\b)"
)


def blamed_people(text: str, words: frozenset[str] | None = None) -> Iterator[Judgement]:
    """Where a phrase in a text in lower case judges a person."""
    yield from _found(text, words, _PEOPLE)


def slips(text: str, words: frozenset[str] | None = None) -> Iterator[Judgement]:
    """Where a phrase in a text in lower case gives somebody's slip as what happened."""
    for found in _found(text, words, _SLIPS):
        before = re.split(r"[.;\n]", text[max(0, found.start - _WINDOW) : found.start])[-1]
        if not (_OF_A_MACHINE.search(before) or _AGAINST.search(before)):
            yield found


def judged_agents(text: str, words: frozenset[str] | None = None) -> Iterator[Judgement]:
    """Where a text in lower case judges an agent as one judges a person."""
    yield from _found(text, words, _AGENTS)


def _found(
    text: str, words: frozenset[str] | None, phrases: tuple[_Phrase, ...]
) -> Iterator[Judgement]:
    """The matches that nothing takes back; of two that overlap the first alone."""
    end = -1
    matches = (match for phrase in phrases for match in _matches(text, words, phrase))
    for match in sorted(matches, key=lambda match: (match.start(), -match.end())):
        start = match.start() + len(match[0]) - len(match[0].lstrip(" \t\n,;:.-"))
        if match.start() >= end and not NEGATED.search(text, max(0, start - _WINDOW), start):
            yield Judgement(start, match.end())
            end = match.end()


def _matches(text: str, words: frozenset[str] | None, phrase: _Phrase) -> Iterator[re.Match[str]]:
    """The matches of a phrase, looked for around its words: to search all text takes longer."""
    for word in phrase.words if words is None else phrase.words & words:
        for at in places(text, word):
            if not is_whole_word(text, at, at + len(word)):
                continue
            around = phrase.pattern.finditer(text, max(0, at - _BEFORE), at + _AFTER)
            match = next((m for m in around if m.end() > at), None)
            if match and match.start() <= at:
                yield match
