"""Faults as nouns: whose they are said to be, and somebody's error given as the cause.

"The operator's mistake" and "an oversight by the reviewer" judge a person; "due to human error",
"a simple slip led to" and "deleted by accident" give what somebody did not mean as the reason.
Texts are given in lower case; a noun is looked for first, then what stands on either side.
"""

from __future__ import annotations

from collections.abc import Iterator

from kb.lazy_regex import regex
from kb.lint.wording.judgement_places import (
    NEGATED,
    Judgement,
    is_supposed,
    known,
    opens_word,
    places,
    spaced,
)
from kb.lint.wording.subjects import clause_subject, owner_before, person_behind

#: Names of faults, which are somebody's by what stands before them or behind.
_FAULTS = (
    *("mistake", "error", "fault", "negligence", "carelessness", "oversight", "failure"),
    *("inattention", "incompetence", "inability", "unfamiliarity", "recklessness", "bad"),
    *("haste", "impatience", "ignorance", "laziness", "sloppiness", "complacency", "arrogance"),
    *("overconfidence", "blunder", "lapse", "misjudgment", "misjudgement"),
    *("misunderstanding", "misreading", "forgetfulness", "clumsiness", "indecision", "refusal"),
    *("stubbornness", "inexperience", "disregard", "neglect", "inaction", "hesitation"),
    *("unwillingness", "misuse", "poor", "inadequate", "improper", "insufficient"),
    *("reluctance", "lack", "indifference", "ineptitude", "naivety", "hubris", "thoughtlessness"),
    *("misclick", "typo", "slip", "slipup", "oversight", "misconfiguration"),
    *("eagerness", "absentmindedness", "mishandling", "mismanagement"),
)
#: `oversight of the vendor` is a duty, `misuse of the staff` is done to them.
_DUTY_TOO = frozenset({"oversight", "misuse"})
#: A word beside which the name of a fault is something else: a message, a rate, a duty.
_OTHER_THING = spaced(
    r"s?(?:[\w-]| (?:messages?|codes?|pages?|rates?|budgets?|handling|reports?|logs?|modes?"
    r"|domains?|analysis|states?"
    r"|paths?|toasts?|rings?|boundar|in (?:it|them)\b))"
)


#: A denial further off: "is not due to", "do not feel like that is the".
_NOT_THE = regex(
    r"(?:(?:\bnot|n['’]t)\b[^.;:]{0,40}|\bwould\s+(?:that|this|it)\s+be\s+(?:the|an?)\s+)$"
)
#: Of ourselves these are told of a message or a budget, too, unless a sentence ends with them.
_OF_THINGS_TOO = frozenset(
    {
        "mistake",
        "error",
        "failure",
        "bad",
        "poor",
        "inadequate",
        "improper",
        "insufficient",
        "inability",
        "lack",
    }
)
_SAID_OF_OURSELVES = spaced(r"s?(?:\s{0,3}(?:[.!;,)]|$|\n)| (?:was|that|and|in|for|by)\b)")
#: A fault that an adjective makes of what somebody did.
_ADJECTIVES = frozenset({"poor", "inadequate", "improper", "insufficient"})
_WINDOW = 120  # characters before a fault in which what decides begins


#: What only a person has, given as a cause; and what is a person's beside a word of people.
_SLIPS = (
    *("slip", "lapse", "misclick", "blunder", "misstep", "carelessness", "negligence", "haste"),
    *("inattention", "inexperience", "incompetence", "misjudgement", "misjudgment"),
    *("forgetfulness", "complacency", "laziness", "sloppiness", "mishap"),
    *("recklessness", "inattentiveness", "misreading", "fumble", "stupidity", "impatience"),
)
_SHARED_SLIPS = ("error", "mistake", "typo", "oversight", "mix", "mistyping", "mis", "failure")
_OF_A_PERSON = (
    r"(?:human|operator|pilot|user|manual|admin\w{0,10}|engineers?|developers?|staff|employee"
    r"|personnel|people|individual"
    r"|personal|clerical|typing|typographical|keyboard|data[-\s]entry"
    r"|copy[-\s]?(?:and[-\s])?paste|honest|innocent|careless|silly|stupid|dumb|foolish"
    r"|simple|basic|rookie|amateur|plain|sheer|pure|mere|momentary|avoidable|unforced"
    r"|unforgivable|embarrassing"
    r"|someone['’]s|somebody['’]s|one person['’]s|classic|elementary|junior|late-night)"
)
_BECAUSE = (
    r"(?:due to|owing to|thanks to|because of|caused by|triggered by|down to"
    r"|results? (?:of|from)|resulted from|(?:came|comes|stemmed|stems|arose|originated|derived"
    r"|followed) (?:from|in|out of)"
    r"|attribut(?:able|ed) to|(?:traced|chalked|put) (?:back |up |down )?to|through|blamed on"
    r"|(?:cause|reason|trigger|culprit|problem|issue|explanation)\b[^.;\n]{0,40}?(?:was|is|were"
    r"|:)|\b(?:it|this|that) (?:was|is))"
)
_SLIP_BEFORE = spaced(
    rf"(?:{_BECAUSE}[\s*_]{{0,6}}(?:(?:simply|just|purely|entirely|plainly|probably|likely|again"
    rf"|ultimately) ){{0,2}}"
    rf"|(?:^|[.:;|]\s{{0,6}}|\n)(?:[-*+]\s{{0,6}})?)(?:(?:an?|the|another|one|some|our|this) )?"
    rf"(?P<kind>(?:(?!(?:the|this|our|not|no|of|is|was|to)\b)[\w'’-]{{1,20}} ){{0,3}})$"
)
_HUMAN_KIND = spaced(rf"(?<!common)(?:^|\s){_OF_A_PERSON} (?:[\w-]{{1,20}} )?$")
#: Behind a slip that opens a sentence: that something came of it.
_SLIP_LED = spaced(
    r"(?:s|-?ups?)? (?:(?:in|of|by|on|with|during|while|when) (?:[\w'’-]{1,24} ){1,8}?)?"
    r"(?:led to|caused|resulted in|triggered|took down|brought down|wiped|deleted|dropped|sent|cost"
    r"|allowed|was (?:the (?:root )?cause|behind|to blame|made)|is (?:what|the (?:root )?cause)"
    r"|meant|let)\b"
)
#: Behind a word that is not of people alone: that somebody made it.
_SLIP_MADE = spaced(r"s? (?:made |while\s|when\s|during\s)")
_SLIP_ENDS = spaced(r"s?\s{0,4}(?:[.!;,)]|$|\n|\s(?:and|on|by|while|when|during)\b)")
_NOT_THE_CAUSE = spaced(
    r"(?:\b(?:no|not|nor|never|without|rather than|versus|if|whether)|n['’]t)\b[^.;:\n]{0,30}$"
)
_MIXED_UP = spaced(r"mix-?\s?ups?\b")
#: What a deed is called that nobody meant, and the deed beside it.
_UNMEANT = (
    "accidentally",
    "inadvertently",
    "unintentionally",
    "unwittingly",
    "mistakenly",
    "erroneously",
)
_DEED_WORD = (
    r"(?:changed|deleted|removed|pushed|deployed|set|sent|pasted|committed|merged|left|enabled"
    r"|disabled|exposed|published|ran|run|dropped|overwr(?:ote|itten)|wiped|reset|restarted|shut"
    r"|turned|unplugged|rebooted|applied|uploaded|cleared|revoked|terminated|stopped|killed"
    r"|released|granted|shared|leaked|checked in|copied|moved|renamed|edited|swapped|chosen?"
    r"|selected|clicked|pressed|typed|entered|closed|switched|included|added|put|configured"
    r"|picked|reverted|cut|unmounted|purged|destroyed|erased|forwarded|mailed|posted|formatted"
    r"|powered)"
)
_WAS_BEFORE = spaced(r"\b(?:was|were|got|been|being|be) (?:\w{2,14}ly )?$")
_UNMEANT_DEED = spaced(
    rf"\w{{8,16}} {_DEED_WORD}\b(?! by (?:the|a) (?:script|job|agent|bot|model|deploy))"
)
#: Human error: not its rate, its budget or its handling.
_ERROR_ROLES = (
    *("human", "operator", "pilot", "engineer", "administrator", "admin", "user", "manual"),
    *("employee", "staff", "developer"),
)
_ERROR_OF_ROLE = regex(rf"(?<!\w)(?:{'|'.join(_ERROR_ROLES)})\s+$")
_NOT_A_CAUSE = regex(
    r"s?(?:[\w-]|['’]?s?\s+(?:profiles?|margins?|records?|logs?|queues?|pages?|states?|lists?|codes?|types?|paths?|reports?|messages?|rates?|budgets?|handling|probabilit|analysis|models?|prevention|messages?"
    r"|reports?|about|reduction|tolerance|domains?|modes?))"
)
#: `the platform caused it versus user error` tells two cases apart.
_HELD_AGAINST = regex(r"\b(?:versus|vs\.?|than|or)\s+(?:an?\s+)?$")
#: What makes it the cause, before it and, where it opens a sentence or an item, after it.
_CAUSE_BEFORE = regex(
    r"(?:due\s+to|caused\s+by|because\s+of|cause[ds]?\b[^.]{0,40}|result\s+of|attributed\s+to"
    r"|down\s+to|blamed?\s+on|(?:was|were|is)(?:\s+(?:simply|just|pure|plain|mere|a|an))?)"
    r"\s*(?:a\s+|an\s+)?(?:\w+\s+)?$"
)
_CAUSE_AFTER = regex(
    r"\s*(?:[.!;,)]|$|(?:was|were)\s+(?:made|the\s+(?:root\s+)?cause)|led\s+to|caused|wiped"
    r"|(?:in|when|while|during)\s+(?:not\s+)?(?:\w+ing|the|an?)\b)"
)
#: `if it was user error`, `are not the result of a developer error`.
_SUPPOSED_CAUSE = regex(
    r"\b(?:if|whether|unless)\s+(?:it|this|that)\s+(?:was|is|were)\s+(?:an?\s+)?$"
    r"|(?:\bnot|n['’]t)\s+(?:due\s+to|caused\s+by|the\s+result\s+of)\s+(?:an?\s+)?$"
)
_OPENS = regex(r"(?:^|[.:|]|\n[ \t]*[-*+])[\s\-*+_|>#]*$")
#: The wrong thing, and who reached for it.
_WRONG_REACHED = spaced(
    r"wrong (?:[\w-]{1,20} ){1,3}(?:was|were|got|had been) (?:accidentally )?"
    r"(?:selected|picked|typed|pasted|clicked|pressed|chosen|entered|copied|ticked|opened|edited"
    r"|unplugged)\b"
    r"(?! by (?:the|a) (?!operator|engineer|person|on-?call|user|admin|develop))"
)
_REACHED_BEFORE = spaced(
    r"\b(?!(?:notic|found|receiv|report|detect|observ|discover|identif|reali[sz]|fix|correct|saw"
    r"|got|are|is|was|were|can|could|will|would|may|caus|return|show|produc|investigat|assum"
    r"|should|do|did|had|have|see|might|must|remov|replac|revert|know|knew|suspect|need|asked"
    r"|said|shown)\w{0,6}\s)"
    r"(?:\w{2,16}ed|ran|chose|hit|sent|wrote|set|took|left|gave|cut|built|shut|read|typed|picked"
    r"|put|used) (?:[\w'’-]{1,20} ){0,7}(?:the|an?|his|her|their|my) $"
)


def owned_faults(text: str, words: frozenset[str] | None = None) -> Iterator[Judgement]:
    """Where a text in lower case says whose a fault is: a person's, before it or behind."""
    for word, at in places(text, known(words, _FAULTS)):
        yield from _fault(text, at, word)


def _fault(text: str, at: int, word: str) -> Iterator[Judgement]:
    end = at + len(word)
    if not opens_word(text, at) or (word not in _ADJECTIVES and _OTHER_THING.match(text, end)):
        return
    owner = owner_before(text, at)
    behind = 0 if owner or word in _ADJECTIVES else person_behind(text, end)
    if owner and owner.head in _OURS and word in _OF_THINGS_TOO:
        owner = owner if word in _SAID_OF_ME and _SAID_OF_OURSELVES.match(text, end) else None
    if owner and word == "failure" and text.startswith("operator", owner.start):
        owner = owner if _LED.search(text, max(0, owner.start - 12), owner.start) else None
    if not (owner or behind) or _is_denied(text, owner.start if owner else at):
        return
    is_duty = word in _DUTY_TOO and behind and text[end:behind].split(maxsplit=1)[0] == "of"
    if not is_duty:
        yield Judgement(owner.start if owner else at, max(end, behind))


#: Without one of these "operator's failure" is a title, or a program's.
_LED = regex(r"\b(?:the|an?|our|one|another|this|that)\s+$")
_OURS = frozenset({"my", "our", "his", "her", "their"})
_SAID_OF_ME = frozenset({"mistake", "error"})


def _is_denied(text: str, start: int) -> bool:
    floor = max(0, start - _WINDOW)
    before = text[floor:start]
    return bool(
        NEGATED.search(before) or _NOT_THE.search(before[-80:]) or is_supposed(before, len(before))
    )


def human_errors(text: str, words: frozenset[str] | None = None) -> Iterator[Judgement]:
    """Where a text in lower case gives human error as the cause."""
    if words is not None and words.isdisjoint(_ERROR_ROLES):
        return
    for word, at in places(text, ("error", "mistake", "failure")):
        role = _ERROR_OF_ROLE.search(_text_before(text, at))
        end = at + len(word)
        if role and not _NOT_A_CAUSE.match(text, end):
            start = at - len(role[0])
            end += text[end : end + 1] == "s"
            if _is_given_as_cause(text, start, end):
                yield Judgement(start, end)


def _is_given_as_cause(text: str, start: int, end: int) -> bool:
    before = _text_before(text, start)
    if NEGATED.search(before) or _SUPPOSED_CAUSE.search(before) or _HELD_AGAINST.search(before):
        return False
    opens = _OPENS.search(before) and _CAUSE_AFTER.match(text, end)
    return bool(_CAUSE_BEFORE.search(before) or opens)


def _text_before(text: str, start: int) -> str:
    return text[max(0, start - _SIDE) : start]


_SIDE = 80  # characters on either side that can decide whether an error is given as the cause


def unmeant_slips(text: str, words: frozenset[str] | None = None) -> Iterator[Judgement]:
    """Where a text in lower case gives somebody's slip as what happened, or why."""
    for word, at in places(text, known(words, (*_SLIPS, *_SHARED_SLIPS))):
        if found := _slip_as_cause(text, at, word):
            yield found
    for _, at in places(text, known(words, _UNMEANT)):
        match = _UNMEANT_DEED.match(text, at)
        if match and _WAS_BEFORE.search(text, max(0, at - _SIDE), at):
            yield Judgement(at, match.end())
    for _, at in places(text, known(words, ("wrong",))):
        if found := _wrong_thing(text, at):
            yield found


def _wrong_thing(text: str, at: int) -> Judgement | None:
    """The wrong tab that somebody ran it in."""
    if match := _WRONG_REACHED.match(text, at):
        return Judgement(at, match.end())
    if not _REACHED_BEFORE.search(text, max(0, at - _WINDOW), at):
        return None
    subject = clause_subject(text, at)
    if not subject or subject.is_also_program:
        return None
    return Judgement(subject.start, at + len("wrong"))


def _slip_as_cause(text: str, at: int, word: str) -> Judgement | None:
    end = at + len(word)
    if (at and (text[at - 1].isalnum() or text[at - 1] in "_-")) or (
        _OTHER_THING.match(text, end) and not _MIXED_UP.match(text, at)
    ):
        return None
    before = _SLIP_BEFORE.search(text, max(0, at - _WINDOW), at)
    start = max(0, at - _WINDOW)
    if not before or _NOT_THE_CAUSE.search(text, start, before.start("kind")):
        return None
    is_human = bool(_HUMAN_KIND.search(f" {before['kind']}"))
    is_given = bool(text[before.start() : before.start("kind")].strip(" -*+.:;|\n_"))
    is_led_to = is_given or bool(_SLIP_LED.match(text, end))
    if word in _SLIPS or _MIXED_UP.match(text, at):
        is_a_cause = is_led_to or bool(_SLIP_ENDS.match(text, end))
    elif is_human:
        is_a_cause = is_led_to or bool(_SLIP_MADE.match(text, end))
    else:
        is_bare = word in {"mistake", "oversight"} and bool(_SLIP_ENDS.match(text, end))
        is_a_cause = is_given and is_bare
    return Judgement(at - len(before["kind"]), end) if is_a_cause else None
