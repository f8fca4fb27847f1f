"""Patterns of judgements about people, by the subject of the sentence.

Texts are given in lower case. A word is looked for first, then what follows it, then its subject:
each step is rarer than the one before, and looking for a word is what costs least. Where the words
of the text are known (`Document.words`), they tell at once which are not worth looking for.
Every repetition is bounded or cannot overlap with what follows, so the time is linear.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

from kb.lazy_regex import regex

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
_BETWEEN = r"\s+(?:(?:\w+ly|also|just|then|again|even|all|both|had|has|have)\s+){0,2}$"
#: `@alice`, but not `@acme/router`, nor what is called a bot or an agent.
HANDLE = r"@(?!\w*(?:bot|agent|claude|codex|copilot|cursor|gemini))\w[\w-]{0,38}"
#: A subject: a role with up to two words before it, a handle, or a pronoun that means people.
_SUBJECT_BEFORE = regex(
    rf"(?<![\w'’/@.-])(?:(?:{LEAD}\s+(?:[\w-]+\s+){{0,2}})?{ROLE}(?:\s+on\s+(?:call|duty|shift))?"
    rf"|{HANDLE}|we|he|she|i){_BETWEEN}"
)
#: A subject that says that there was nobody of whom the verdict is true.
_NOBODY = regex(r"(?:nobody|no)\b")
#: `a Kubernetes operator`, `the reviewer agent's lead`: programs have these names, too.
PROGRAM = regex(
    r"\b(?:kubernetes|k8s|helm|prometheus|postgres\w{0,4}|crd|cert-manager|strimzi|agent|llm|bot"
    r"|automated|virtual|ai)\s{1,6}(?:operators?|managers?|reviewers?|engineers?|team|staff)\b"
)
#: Roles that programs have, too, and what only programs fail to do.
_ALSO_SOFTWARE = regex(
    r"(?:engineer|operator|manager|lead|maintainer|approver|reviewer|team)s?\s+$"
)
_SOFTWARE_FAILS_TO = regex(
    r"failed\s+to\s+(?:schedule|reconcile|start|load|boot|compile|parse|install|mount|initiali[sz]e"
    r"|connect|bind|sync|render|deserialize|terminate|converge|spawn|allocate|(?:successfully\s+)?(?:generate|emit))\b"
)
_PARTICIPLE = (
    r"(?:\w{2,20}ed|been|known|seen|done|caught|read|set|kept|made|taken|thought|run|gone|told"
    r"|written|built|sent|found|given|put|left|understood|held|shut|met|paid|spent|drawn|chosen)"
)
#: What somebody should have been is a judgement in "been more careful" and "been watching"; in
#: "been paged", "been able to" and "received a page" it is what others, or tools, owed to them.
_OUGHT = (
    r"(?:\s+not|\s+never|n['’]t)?\s+(?:\w+ly\s+)?have\s+(?:\w+ly\s+)?(?!received\b"
    r"|been\s+(?!(?:more|less|careful|aware|alert|quicker|faster)\b|(?:\w+ly\s+)?\w{2,20}ing\b))"
    rf"{_PARTICIPLE}\b"
)
#: What is missed is no judgement where it is a target.
_MISSABLE = (
    r"(?:alerts?|alarms?|warnings?|pages?|notifications?|e-?mails?|messages?|signs?|signals?|clues?"
    r"|bugs?|errors?|mistakes?|problems?|issues?|steps?|changes?|cases?|details?|lines?|flags?|typos?|it|this|that|facts?)"
)
_UNDONE = (
    r"(?:bother|care|think\s+to|read|pay\s+attention|know\s+better|notice|reali[sz]e|check|double-check"
    r"|verify|look|follow|spot|remember|take\s+the\s+time|listen)"
)
#: What somebody says of themselves and means; "I forgot what the quota was" is an aside.
_OF_MYSELF = regex(r"made\s|carelessly|stupidly|blindly|messed|screwed|was\s")
#: What is skipped or cut short is no judgement where it is software that does so.
_SKIPPABLE = (
    r"(?:reviews?|checks?|checklists?|steps?|tests?|testing|approvals?|procedures?|runbooks?"
    r"|confirmations?|validations?|verifications?)"
)
#: What is said of somebody who did wrong: the word it begins with, and the whole of it.
_VERDICTS = {
    word: regex(pattern)
    for word, pattern in {
        "failed": r"failed\s+to\b",
        "forgot": r"forgot\b(?!\s+(?:(?:the|their|your|my|his|her|our)\s+)?"
        r"(?:password|passphrase|pin|login)\b)",
        "forgotten": r"forgotten\b",
        "neglected": r"neglected\b",
        "overlooked": r"overlooked\b",
        "ignored": r"ignored\b",
        "disregarded": r"disregarded\b",
        "made": r"made\s+(?:an?|the|several|many)\s+(?:\w+\s+)?(?:mistakes?|errors?|blunders?)\b"
        r"(?!\s+(?:messages?|codes?|pages?|handling|texts?|reports?|paths?|budgets?))",
        "did": rf"did(?:\s+not|n['’]t)\s+(?:even\s+|really\s+|actually\s+)?{_UNDONE}\b",
        "missed": rf"missed\s+(?!(?:the\s+)?(?:bulk|rest|most|part|start|end)\s+of\b)"
        rf"(?:{LEAD}\s+)?(?:[\w-]+\s+){{0,2}}{_MISSABLE}(?![\w-])",
        "mistakenly": r"mistakenly\s+\w+",
        "wrongly": r"wrongly\s+\w+",
        "blindly": r"blindly\s+\w+",
        "naively": r"naively\s+\w+",
        "was": r"was\s+(?:\w+\s+)?(?:lazy|at\s+fault|slow\s+to|too\s+(?:hasty|quick|eager|confident"
        r"|slow|late))\b|(?:was\s+not|wasn['’]t)\s+paying\s+attention\b",
        "wasn": r"wasn['’]t\s+paying\s+attention\b",
        "were": r"were\s+(?:\w+\s+)?(?:lazy|at\s+fault|slow\s+to|too\s+(?:hasty|quick|eager"
        r"|confident|slow|late))\b",
        "skipped": rf"skipped\s+(?:{LEAD}\s+)?(?:[\w-]+\s+){{0,2}}{_SKIPPABLE}\b",
        "never": r"never\s+(?:checked|read|looked|tested|verified|noticed|bothered)\b",
        "took": r"took\s+(?:far\s+|much\s+|way\s+)?too\s+long\b",
        "slept": r"slept\s+through\b",
        "misjudged": r"misjudged\b",
        "insisted": r"insisted\s+on\s+\w+ing\b",
        "carelessly": r"carelessly\s+\w+",
        "stupidly": r"stupidly\s+\w+",
        "dropped": r"dropped\s+the\s+ball\b",
        "messed": r"messed\s+up\b",
        "screwed": r"screwed\s+up\b",
        "slipped": r"slipped\s+up\b",
        "should": rf"should{_OUGHT}",
        "ought": rf"ought\s+to{_OUGHT}",
        "could": rf"could\s+(?:(?:easily|simply|just)\s+have\s+{_PARTICIPLE}\b|have\s+(?:noticed"
        r"|prevented|asked|escalated|caught|checked|avoided|known|spotted|stopped)\b)",
    }.items()
}
_HYPOTHETICAL = frozenset({"should", "ought", "could"})
#: The same as a noun: "the operator's mistake", "an oversight by the reviewer", "our own fault".
_FAULTS = (
    *("mistake", "error", "fault", "negligence", "carelessness", "oversight", "failure"),
    *("inattention", "incompetence", "typo", "slip", "misclick"),
)
#: "Operator's failure", without an article, is one of a program of that name.
_OWNER_BEFORE = regex(
    rf"(?<!\w)(?:{LEAD}\s+(?:[\w-]+\s+){{0,2}}{ROLE}['’]s?|{ROLE}(?<=s)['’])\s+(?:own\s+)?$"
)
_PRONOUN_BEFORE = regex(r"(?<!\w)(?:my|our|his|her)\s+(?:own\s+)?$")
_OWNER_AFTER = regex(rf"\s+(?:made\s+)?(?:by|of)\s+{LEAD}\s+(?:[\w-]+\s+){{0,2}}{ROLE}(?![\w'’])")
#: Words that judge whoever they are said of. Most are as often said of a thing, of a rule or of
#: what might be done; what stands around them tells: see `_is_of_a_deed`.
_BLAME_WORD = regex(
    r"(?:careless(?:ly|ness)?|slopp(?:y|ily|iness)|incompeten(?:t|ce|tly)|stupid(?:ly|ity)?"
    r"|idiot(?:ic|s)?|foolish(?:ly|ness)?|reckless(?:ly|ness)?|clueless|irresponsibl[ey]"
    r"|unprofessional(?:ly)?|inexcusabl[ey]|inattenti(?:ve|on|veness)|laziness|idiotically"
    r"|lazy(?![\s-]*(?:load|init|eval|import|compil|fetch|comput|connect|creat|instanti|render|resol))"
    r"|negligent(?:ly)?(?!\s+misrepresentation)|negligence|botched|amateurish"
    r"|silly (?:mistake|oversight|error)|dumb (?:default|mistake|change|idea|move|error)"
    r"|lack of (?:care|diligence|attention|discipline|common sense|professionalism)"
    r"|known better|rookie mistake|(?:is|are|was|were) to blame|whose fault)(?!\w)"
)
#: Words of which no more needs to be known.
_ALWAYS = regex(r"silly|dumb|lack|known|rookie|(?:is|are|was|were) to")
_ADVERB = regex(r"(?:\w+ly)$")
_NOUN = regex(r"(?:\w+(?:ness|ence|ity)|inattention)$")
#: What somebody did or made.
_DEED = (
    r"(?:changes?|edits?|commits?|deploy(?:s|ment|ments)?|roll-?outs?|releases?|migrations?|merges?"
    r"|mistakes?|errors?|oversights?|decisions?|choices?|shortcuts?|workarounds?|defaults?"
    r"|handling|handovers?|hand-?offs?|approach|tests?|testing|reviews?|work|commands?|assumptions?"
    r"|configurations?|configs?|settings?|engineering|operators?|engineers?|developers?|admins?"
    r"|contractors?|teams?|process|practices?|hygiene|discipline|act|behaviou?r|habits?|use|reply|response"
    r"|fix(?:es)?|patch(?:es)?|clean-?ups?|upgrades?|attempts?|restarts?|deletions?|copy|paste)"
)
_ATTRIBUTE_OF_DEED = regex(rf"\s+(?:[\w-]+\s+){{0,2}}?{_DEED}(?![\w-])")
_THE = regex(
    r"(?:\b(?:an?|the|this|that|our|their|his|her|my|your|one|another|some|such|its|same|more|by"
    r"|represents|indicates|due\s+to|from|of|with)\s+(?:\w+\s+)?|^\W*|[.:;!?]\s+)$"
)
_WAS = regex(r"\b(?:was|were|been|being)\s+(?:\w+\s+)?$")
_DEEMED = regex(r"\b(?:deemed|considered|called|seem\w*|appear\w*|look\w*)\s+(?:\w+\s+)?$")
#: A verb in the past beside an adverb.
_PAST_AFTER = regex(rf"\s+(?:{_PARTICIPLE}|ran|did|chose|wrote|took|gave|began|went)\b")
_PAST_BEFORE = regex(rf"\b{_PARTICIPLE}\s+(?:\w+\s+)?$")
_CAUSED_BEFORE = regex(
    r"\b(?:due\s+to|because\s+of|caused\s+by|cause\s+was|result\s+of|through|out\s+of|by|sheer|pure"
    r"|gross|plain|utter|our|their|his|her|was|were|['’]s?)\s+(?:\w+\s+)?$"
)
_OF_SOMEBODY = regex(
    r"\s+(?:in\s+(?:the|our|this)|by|of\s+(?:the|our|an?)|on\s+the\s+part|led|caused)\b"
)
#: What is supposed, not told.
_CONDITION = regex(
    r"\b(?:if|unless|whether|would|could|might|may|can|avoid|never|don['’]t"
    r"|when\s+(?:they|you|people|someone|somebody|anyone))\b[^.;:]{0,60}$"
)
#: Said of what nobody has done: "would be reckless", "a careless user can".
_SUPPOSED_BEFORE = regex(r"\b(?:would|could|might|may)\s+(?:be|have\s+been)\s+(?:\w+\s+)?$")
_SUPPOSED_AFTER = regex(r"\s+[\w-]+\s+(?:can|could|may|might|would)\b")
_NOUN_BEFORE = regex(r"\b(?:negligence|incompetence|carelessness)\b[^.]{0,40}\s$")
#: One of these stands in every match of the pattern above; looking for them is cheaper.
_BLAME_STEMS = (
    *(
        "careless",
        "slopp",
        "incompet",
        "stupid",
        "idiot",
        "foolish",
        "reckless",
        "clueless",
        "lazy",
    ),
    *("irresponsib", "unprofession", "inexcus", "inattent", "laziness", "neglig", "lack of"),
    *("known better", "rookie", "to blame", "whose fault", "botched", "amateurish"),
    *("silly", "dumb"),
)
#: And one of these, whole, in the words of every text that has a match.
_BLAME_OPENERS = frozenset(
    {"careless", "carelessly", "carelessness", "sloppy", "sloppily", "sloppiness", "incompetent"}
    | {"incompetence", "incompetently", "stupid", "stupidly", "stupidity", "idiot", "idiotic"}
    | {"idiots", "foolish", "foolishly", "foolishness", "reckless", "recklessly", "recklessness"}
    | {"clueless", "irresponsible", "irresponsibly", "unprofessional", "unprofessionally"}
    | {"inexcusable", "inexcusably", "inattentive", "inattention", "inattentiveness", "laziness"}
    | {"negligent", "negligently", "negligence", "lack", "known", "rookie", "blame", "whose"}
    | {"botched", "amateurish", "silly", "dumb", "lazy", "idiotically"}
)
#: Of oneself that is what was known at the time, and no judgement.
#: A denial further off: "is not due to", "do not feel like that is the".
_NOT_THE = regex(
    r"(?:(?:\bnot|n['’]t)\b[^.;:]{0,40}|\bwould\s+(?:that|this|it)\s+be\s+(?:the|an?)\s+)$"
)
#: `a column somebody forgot`: a thing is told apart, and nobody is judged.
_SOME_THING_BEFORE = regex(r"\b(?:an?|the|any|every|which)\s+\w+\s+(?:some|any)(?:one|body)\s+$")
_HYPOTHESIS = regex(r"(?:should|ought|could)\b")
#: The sentence goes on to a question mark.
_ASKED = regex(r"[^.!?\n]{0,120}\?")
_UNSEEN = regex(
    r"(?:ignored|did(?:\s+not|n['’]t)\s+(?:\w+ly\s+)?(?:notice|reali[sz]e|check|verify|look|spot|follow)"
    r"|never\s+\w+|took\s+|skipped\s+|could\s+have|were\s+slow)"
)
#: What stands before a judgement and takes it back; "not only" does not.
NEGATED = regex(
    r"(?:\b(?:no|not|nor|never|without|rather\s+than|instead\s+of)|\w{2,6}n['’]t)"
    r"\s+(?!only\b|just\b)(?:[\w'’-]+\s+){0,2}$"
)
#: The same before a whole sentence; "it did not fire and the engineer …" takes nothing back.
_NOT_SO = regex(r"\b(?:not|never)\s+(?:that|because|since|as\s+if)\s+(?:[\w'’-]+\s+){0,2}$")
#: A condition ("if we missed a page"), a contrast ("rather than 'the engineer forgot'") or
#: somebody's opinion; "to see if" and "believe that" make it one, too.
_SUPPOSED_CLAUSE = regex(
    r"(?:\b(?:if|whether|unless|in\s{1,6}case|should)\s{1,6}(?:[\w'’-]{1,30}\s{1,6}){0,3}"
    r"|\byour\s{1,6}"
    r"|\bif\b[^.;:]{0,60}\bor\s{1,6}|\b(?:told|tells)\s{1,6}(?:\w{1,30}\s{1,6})?(?:that\s{1,6})?"
    r"|(?:\bnot|n['’]t)\b[^.;:]{0,50}\bthat\s{1,6}"
    r"|\b(?:rather\s{1,6}than|instead\s{1,6}of|such\s{1,6}as|e\.g\.|presumption\s{1,6}that|feel"
    r"|(?:would|might|may)\s{1,6}(?:think|say|feel|believe)|anything|something|whatever)"
    r"[\s,:]{1,6}[\"“'‘*_]{0,4}"
    r"|\b(?:not|cannot|never)\b[^.;:]{0,70}\battributed\s{1,6}to\s{1,6}|\bno\s{1,6}way\s{1,6}of\s{1,6}knowing\s{1,6}that\s{1,6})$"
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
_WINDOW = 80  # characters on either side that can decide


@dataclass(frozen=True, slots=True)
class Judgement:
    """Where a judgement stands in a text; `is_hypothetical` for "should have" and its like."""

    start: int
    end: int
    is_hypothetical: bool = False


def _text_before(text: str, start: int) -> str:
    return text[max(0, start - _WINDOW) : start]


def _opens_word(text: str, start: int) -> bool:
    return start == 0 or not (text[start - 1].isalnum() or text[start - 1] == "_")


def is_whole_word(text: str, start: int, end: int) -> bool:
    """Whether neither a letter, a digit nor `_` stands before or behind."""
    return _opens_word(text, start) and not (
        text[end : end + 1].isalnum() or text[end : end + 1] == "_"
    )


def places(text: str, words: Iterable[str]) -> Iterator[tuple[str, int]]:
    """Where words stand in a text, also within other words, each in turn."""
    for word in words:
        at = text.find(word)
        while at >= 0:
            yield word, at
            at = text.find(word, at + len(word))


def known(words: frozenset[str] | None, asked: tuple[str, ...]) -> Iterable[str]:
    """Those of the words that a text has; all where its words are not known."""
    return asked if words is None else filter(words.__contains__, asked)


def judged_people(
    text: str, words: frozenset[str] | None = None, names: tuple[str, ...] = ()
) -> Iterator[Judgement]:
    """Where a text in lower case says what a person did wrong; `names`, lower too, are people."""
    for word, at in places(text, _VERDICTS if words is None else _known_verdicts(words)):
        match = _VERDICTS[word].match(text, at)
        subject = _subject(text, at, names) if match else None
        if match and subject:
            yield Judgement(at - len(subject), match.end(), word in _HYPOTHETICAL)
    for word, at in places(text, known(words, _FAULTS)):
        yield from _fault_of_person(text, word, at)


@lru_cache(maxsize=1)  # each passage of a text is asked
def _known_verdicts(words: frozenset[str]) -> list[str]:
    """The words of a text that a verdict begins with, `didn't` among them."""
    return [word for word in _VERDICTS if word in words or f"{word}n" in words]


def _subject(text: str, at: int, names: tuple[str, ...]) -> str:
    """The person of whom a verdict at `at` is said, as written; empty where there is none."""
    before = _text_before(text, at)
    found = _SUBJECT_BEFORE.search(before)
    if not found and names:
        found = _any_name(names).search(before)
    if not found or PROGRAM.search(found[0]):
        return ""
    if _NOBODY.match(found[0]) or is_supposed(before, found.start()):
        return ""
    return "" if _is_no_verdict(text, at, before, found[0]) else found[0]


def _is_no_verdict(text: str, at: int, before: str, subject: str) -> bool:
    """Whether what is said of a subject is a question, an aside, or no judgement of a person."""
    return bool(
        before[: len(before) - len(subject)].endswith("why ")  # `why we missed it` asks
        or (_HYPOTHESIS.match(text, at) and _ASKED.match(text, at))
        or (text.startswith("forgot", at) and _SOME_THING_BEFORE.search(before))
        or (subject.startswith("we ") and _UNSEEN.match(text, at))
        or (subject.startswith("i ") and not _OF_MYSELF.match(text, at))
        or (_ALSO_SOFTWARE.search(subject) and _SOFTWARE_FAILS_TO.match(text, at))
    )


def is_supposed(before: str, start: int) -> bool:
    """Whether what stands before a subject makes of the sentence a condition or a contrast."""
    return bool(_NOT_SO.search(before, 0, start) or _SUPPOSED_CLAUSE.search(before, 0, start))


@lru_cache(maxsize=64)
def _any_name(names: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w@-])@?(?:{'|'.join(map(re.escape, names))}){_BETWEEN}")


def _fault_of_person(text: str, word: str, at: int) -> Iterator[Judgement]:
    before, end = _text_before(text, at), at + len(word)
    owner = _OWNER_BEFORE.search(before)
    if not owner and word not in {"mistake", "error", "failure"}:
        owner = _PRONOUN_BEFORE.search(before)
    after = None if owner else _OWNER_AFTER.match(text, end)
    if owner and not _NOT_A_CAUSE.match(text, end) and not _is_denied(before, owner):
        yield Judgement(at - len(owner[0]), end)
    elif after and _opens_word(text, at) and not _is_no_fault(word, before, after[0]):
        yield Judgement(at, after.end())


def _is_no_fault(word: str, before: str, after: str) -> bool:
    """Whether it is denied, or another meaning: `oversight of the vendor` is one."""
    is_duty = word == "oversight" and after.split(maxsplit=1)[0] == "of"
    return is_duty or bool(NEGATED.search(before) or _NOT_THE.search(before))


def _is_denied(before: str, owner: re.Match[str]) -> bool:
    begin = owner.start()
    return bool(NEGATED.search(before, 0, begin)) or is_supposed(before, begin)


def blame_words(text: str, words: frozenset[str] | None = None) -> Iterator[Judgement]:
    """Where a text in lower case uses a word that judges, and does not take it back."""
    if words is not None and words.isdisjoint(_BLAME_OPENERS):
        return
    if not any(stem in text for stem in _BLAME_STEMS):
        return
    for match in _BLAME_WORD.finditer(text):
        if _opens_word(text, match.start()) and _judges(text, match):
            yield Judgement(match.start(), match.end())


def _judges(text: str, match: re.Match[str]) -> bool:
    """Whether a blame word is said of somebody, and of what was done."""
    before = _text_before(text, match.start())
    if match[0].endswith("to blame"):
        # Of a thing that is a cause, of people a verdict.
        return bool(_SUBJECT_BEFORE.search(before) or _NOUN_BEFORE.search(before))
    if match[0] == "whose fault":
        return bool(re.match(r"\s+(?:was|is)\s+(?:it|this|that)\b", text[match.end() :][:20]))
    supposed = _SUPPOSED_BEFORE.search(before) or _SUPPOSED_AFTER.match(text, match.end())
    if supposed or NEGATED.search(before) or _CONDITION.search(before):
        return False
    return bool(_ALWAYS.match(match[0])) or _is_of_a_deed(text, match, before)


def _is_of_a_deed(text: str, match: re.Match[str], before: str) -> bool:
    """Whether an adjective, adverb or noun is said of what somebody did, and in the past."""
    word, end = match[0], match.end()
    if _ADVERB.fullmatch(word):
        hit = _PAST_AFTER.match(text, end) or _PAST_BEFORE.search(before)
        return bool(hit or _SUBJECT_BEFORE.search(before))
    if _NOUN.fullmatch(word):
        is_choice = text[end : end + 4] == " or "
        if is_choice or _NOT_THE.search(before) or _ASKED.match(text, end):
            return False
        if before.endswith("own "):
            return False
        opens = _OPENS.search(before) or before.endswith("the ")
        return bool(_CAUSED_BEFORE.search(before) or (opens and _OF_SOMEBODY.match(text, end)))
    if _WAS.search(before) and not _DEEMED.search(before):
        return True
    return bool(_THE.search(before) and _ATTRIBUTE_OF_DEED.match(text, end))


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
