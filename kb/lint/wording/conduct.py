"""Judgements of people's conduct, as a grammar: somebody who is a person, and a class of verdict.

`judgement_verbs` and `judgement_phrases` hold wordings; here stand classes of words that combine:
each duty of attention behind each way not to do it, each trait behind each form of "was", each
name of a fault beside each way to say whose it is. Texts are given in lower case. A verdict is
looked for at the word it begins with, then its subject before it, so most texts cost a look into
the set of their words. Every repetition is bounded: the time is linear.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from kb.lazy_regex import regex
from kb.lint.wording.judgement_verbs import (
    HANDLE,
    LEAD,
    NEGATED,
    PROGRAM,
    ROLE,
    Judgement,
    is_supposed,
    is_whole_word,
    known,
    places,
)


def _spaced(source: str) -> re.Pattern[str]:
    """A pattern in which a blank stands for up to six of any kind, so that it can be read."""
    return regex(source.replace(" ", r"\s{1,6}"))


#: Further people, and parts of a firm that act as people do.
_SOMEBODY = (
    rf"(?:{ROLE}|supervisors?|officers?|directors?|architects?|testers?|designers?|specialists?"
    r"|clerks?|representatives?|dispatchers?|planners?|juniors?|seniors?|newcomers?|rookies?"
    r"|novices?|beginners?|freelancers?|owners?|boss(?:es)?|bosses|leadership|management|crew"
    r"|squad|guys?|folks|students?|auditors?|personnel|help-?desk|department|shift|qa|devops"
    r"|ops|vendors?|suppliers?|providers?|departments?|writers?|requesters?|assignees?|pm|cso|ciso"
    r"|caller|account\s{1,4}manager)"
)
#: What stands between a subject and its verb.
_BETWEEN = (
    r" (?:(?:on (?:call|duty|shift|site)|in (?:charge|question)|at fault"
    r"|involved|responsible|concerned"
    r"|(?:on|in|of|from|at) (?:the |our )?[\w-]{1,20}(?: (?:team|shift|side|desk))?"
    r"|who|then|also|just|simply|again|even|all|both|had|has|have|once|still|clearly|\w{2,16}ly)"
    r" ){0,4}$"
)
_PERSON_BEFORE = _spaced(
    rf"(?<![\w'’/@.-])(?:(?:{LEAD} (?:[\w'’-]{{1,24}} ){{0,3}})?{_SOMEBODY}"
    rf"|{HANDLE}|(?P<we>we)|he|she){_BETWEEN}"
)
_OPERATOR = _spaced(r"operators?\b")
#: Words of a text in which an operator is a program.
_OF_CONTROLLERS = frozenset({"crd", "crds", "reconcile", "reconciles", "reconciler", "reconciled"})

_GROUNDS = (
    r"(?:the |this |an? |our |any |all |every )?"
    r"(?:[\w-]{1,20} ){0,2}"
)
#: Care, in all its verbs: what somebody who did not do it is scolded for.
_DUTIES = (
    r"(?:(?:re|cross-|double-?\s?)?(?:check|read|test|review|verify|verified|validat)(?:e|ed)?"
    r"|bother(?:ed)?|car(?:e|ed)(?! (?:which|whether|if)\b)"
    r"|look(?:ed)?|think|thought|consult(?:ed)?|consider(?:ed)?"
    r"|question(?:ed)?|inspect(?:ed)?|examin(?:e|ed)|studi?e?d?y?|follow(?:ed)?|heed(?:ed)?"
    r"|obey(?:ed)?|compl(?:y|ied)|adhered?|respect(?:ed)?|listen(?:ed)?|confirm(?:ed)?"
    r"|reali[sz](?:e|ed)|notice[d]?|recogni[sz](?:e|ed)|appreciated?|understand|understood"
    r"|grasp(?:ed)?|anticipated?|foresee|foresaw|spot(?:ted)?|remember(?:ed)?|communicated?"
    r"|inform(?:ed)?|notif(?:y|ied)|tell|told|warn(?:ed)?|escalated?|coordinated?|prepared?"
    r"|plan(?:ned)?|supervised?|monitor(?:ed)?|watch(?:ed)?|pay (?:\w{1,12} )?attention"
    r"|paid (?:\w{1,12} )?attention|take (?:it|this|the time|the trouble|"
    r"ownership|responsibility|care|[\w\s]{1,30}seriously)|took (?:the time|the trouble|"
    r"ownership|responsibility|care)|do (?:his|her|their|the) (?:homework|job|duty|due"
    r"|research|diligence)|did (?:his|her|their) (?:homework|job)|own up"
    r"|use (?:\w{1,12} )?common sense|stop to think|speak up"
    r"|spoke up|ask(?:ed)? (?:any(?:one|body)|some(?:one|body)|first|whether|before|for help|a\s"
    r"|the \w{1,16} (?:first|before))|give (?:it|this) (?:a|any) thought)"
)
_EVEN = (
    r"(?: (?:even|really|actually|properly|carefully|once|ever|simply|bother to|think to"
    r"|stop to|care to|manage to|want to|seem to|have the \w{1,16} to)){0,2}"
)
#: Traits that are told of a person only to scold.
_TRAITS = (
    r"(?:careless|sloppy|lazy|negligent|reckless|incompetent|inept|inattentive|clueless|naive"
    r"|naïve|stupid|dumb|foolish|hasty|rash|impatient|impulsive|clumsy|forgetful|absent-minded"
    r"|oblivious|lax|slack|arrogant|overconfident|over-confident|complacent|cavalier"
    r"|asleep at the wheel"
    r"|drunk"
    r"|distracted|daydreaming|irresponsible|unprofessional|ignorant|disorgani[sz]ed|unreliable"
    r"|useless|hopeless|thoughtless|stubborn|trigger-happy|gullible|indifferent|unqualified"
    r"|unfit|unprepared|out of (?:his|her|their|its) depth|in over (?:his|her|their) heads?"
    r"|in (?:a|too much of a|such a) (?:hurry|rush)|half[-\s]asleep"
    r"|at fault|to blame|guilty|culpable|not up to (?:the|it|this)"
    r"|(?:not|never|barely|hardly) (?:\w{1,16} )?(?:paying|concentrating|thinking|focused"
    r"|focussed|listening"
    r"|careful|attentive|diligent|thorough|vigilant|cautious|doing (?:his|her|their) job)"
    r"|too (?:lazy|hasty|quick|eager|proud|stubborn|confident|trusting|tired|junior|busy"
    r"|inexperienced|slow|late|careless|impatient|focused|sure|timid|cautious to|relaxed))"
)
_TRUTHS = (
    r"(?: (?:simply|just|clearly|obviously|too|so|very|rather|quite|plainly|again|being"
    r"|been|a bit|\w{2,14}ly)){0,2}"
)
_RULES = (
    r"(?:polic(?:y|ies)|procedures?|process(?:es)?|rules?|protocols?|guidelines?|instructions?"
    r"|checklists?|runbooks?|freeze|playbooks?|orders?|standards?)"
)
_CHECKS = (
    r"(?:reviews?|checks?|checklists?|steps?|tests?|testing|approvals?|procedures?|process"
    r"|runbooks?|confirmations?|validations?|verifications?|safeguards?|controls?|staging|qa"
    r"|dry[-\s]run|peer|warnings?|dialogs?|prompts?|rehearsal|documentation|docs|manual)"
)
_WARNINGS = (
    r"(?:warnings?|alerts?|alarms?|concerns?|signs?|advice|objections?|pages?|messages?|feedback"
    r"|instructions?|banner|prompt|it|them|this|that|everything)"
)
_EVENTS = (
    r"(?:outage|incident|deletion|loss|leak|downtime|mess|failure|damage|crash|breach|disruption"
    r"|disaster|error|bug|problem|issue|data loss|chaos|havoc)"
)
_FAULT_ADVERBS = (
    *("carelessly", "negligently", "recklessly", "sloppily", "foolishly", "stupidly", "lazily"),
    *("thoughtlessly", "hastily", "rashly", "blindly", "naively", "clumsily", "impulsively"),
    *("needlessly", "mistakenly", "erroneously", "improperly", "irresponsibly", "unthinkingly"),
    *("arrogantly", "stubbornly", "incompetently", "unprofessionally", "wrongly", "wrongfully"),
    *("knowingly", "wilfully", "willfully", "prematurely", "ignorantly", "haphazardly"),
    *("complacently", "cavalierly", "obliviously", "negligently", "unwisely", "mindlessly"),
)
_ERRED = (
    *("misread", "misjudged", "misunderstood", "misinterpreted", "misheard", "mistook"),
    *("misapplied", "mishandled", "mistyped", "misconfigured", "misclicked", "mismanaged"),
    *("misdiagnosed", "misspelled", "misspelt", "mislabelled", "mislabeled", "misremembered"),
    *("overlooked", "disregarded", "neglected", "botched", "bungled", "fumbled", "blundered"),
    *("flubbed", "goofed", "erred", "muddled", "panicked", "procrastinated", "dawdled"),
    *("slacked", "dithered", "shirked", "fudged", "faltered", "overreacted", "misused"),
)
#: The word a verdict begins with, and the whole of each; its subject stands before.
_PREDICATES: dict[str, tuple[re.Pattern[str], ...]] = {}


def _predicate(words: str | tuple[str, ...], pattern: str = r"\w{1,30}\b") -> None:
    spaced = _spaced(pattern)
    for word in words.split() if isinstance(words, str) else words:
        _PREDICATES[word] = (*_PREDICATES.get(word, ()), spaced)


_NOT_TO = (
    r"(?:did(?: not|n['’]t)|never|failed to|neglected to|omitted to"
    r"|declined to|refused to|forgot to|had(?: not|n['’]t)(?! (?:\w{2,14}ly )?(?:anticipat"
    r"|foreseen|notic|reali|recogni|understood|appreciat|considered|spotted|planned))"
    r"|could(?: not|n['’]t)"
    r"|(?:chose|decided|opted|elected|preferred) not to)"
)
_predicate(
    "did didn never failed neglected omitted declined refused forgot had hadn chose decided opted "
    "elected preferred",
    rf"{_NOT_TO}{_EVEN} {_DUTIES}\b(?! (?:any )?(?:anomal|problem))",
)
_predicate(
    "could couldn cannot",
    r"(?:could(?: not|n['’]t)|cannot|can['’]t) be (?:bothered|trusted)\b",
)
_predicate(
    "was were is are wasn weren got became grew looked seemed sounded",
    rf"(?:was|were|is|are|got|became|grew|looked|seemed|sounded){_TRUTHS} {_TRAITS}\b"
    r"(?! (?:of|by|waiting)\b)"
    rf"|(?:wasn|weren)['’]t (?:\w{{1,16}} )?(?:careful|attentive|diligent|thorough|vigilant"
    r"|cautious|concentrating|thinking|focused|listening|paying|up to|competent|qualified"
    r"|doing (?:his|her|their) job)\b",
)
_predicate(
    "was were",
    r"(?:was|were) (?:supposed|meant|obliged) to (?:have )?"
    rf"{_DUTIES}\b|(?:was|were) (?:\w{{1,16}}ly )?(?:responsible|accountable) for "
    rf"(?:the|this|that|all) (?:[\w-]{{1,20}} ){{0,2}}{_EVENTS}\b"
    r"|(?:was|were) caught (?:napping|off guard|sleeping)\b",
)
_BEING = frozenset(
    {"was", "were", "is", "are", "wasn", "weren", "got", "became", "grew", "looked", "seemed"}
    | {"sounded"}
)
#: One of these stands in every text in which a form of being begins a verdict.
_BEING_NEEDS = frozenset(
    {"careless", "sloppy", "lazy", "negligent", "reckless", "incompetent", "inept"}
    | {"inattentive", "clueless", "naive", "na", "stupid", "dumb", "foolish", "hasty"}
    | {"rash", "impatient", "impulsive", "clumsy", "forgetful", "absent", "oblivious", "lax"}
    | {"slack", "arrogant", "overconfident", "confident", "complacent", "cavalier", "asleep"}
    | {"drunk", "distracted", "daydreaming", "irresponsible", "unprofessional", "ignorant"}
    | {"disorganised", "disorganized", "unreliable", "useless", "hopeless", "thoughtless"}
    | {"stubborn", "trigger", "gullible", "indifferent", "unqualified", "unfit"}
    | {"unprepared", "depth", "heads", "head", "hurry", "rush", "fault", "blame", "guilty"}
    | {"culpable", "up", "paying", "concentrating", "thinking", "focused", "focussed"}
    | {"listening", "careful", "attentive", "diligent", "thorough", "vigilant", "cautious"}
    | {"doing", "competent", "qualified", "too", "supposed", "meant", "obliged"}
    | {"responsible", "accountable", "caught"}
)
_predicate(_ERRED, r"\w{3,30}\b(?! (?:by|for)\b)")
_predicate(_FAULT_ADVERBS, r"\w{4,30}ly (?!because\b|and\b|by\b)\w{2,30}\b")
_predicate(
    "ignored dismissed disregarded discounted silenced downplayed",
    rf"\w{{7,12}} {_GROUNDS}{_WARNINGS}\b",
)
_predicate(
    "skipped bypassed circumvented sidestepped evaded dodged omitted skimmed ditched",
    rf"\w{{6,12}} (?:over |past )?{_GROUNDS}{_CHECKS}\b",
)
_predicate(
    "violated breached broke flouted defied disobeyed",
    rf"\w{{5,9}} {_GROUNDS}{_RULES}\b",
)
_predicate("rushed", r"rushed (?:the|through|into|out|it|this|ahead|his|her|their|a|an|and)\b")
_predicate("underestimated overestimated misgauged", r"\w{8,16} (?:how|the|what|our|its)\b")
_predicate(
    "waved nodded rubber rubberstamped",
    r"(?:(?:waved|nodded) (?:[\w-]{1,20} ){0,4}through|rubber-?\s?stamped)\b",
)
_predicate("brushed shrugged", r"(?:brushed|shrugged) (?:[\w-]{1,20} ){0,4}(?:off|aside)\b")
_predicate(
    "glossed jumped turned dragged winged played looked sat took cut gave",
    r"(?:glossed over|jumped (?:the gun|to conclusions?)|turned a blind eye"
    r"|dragged (?:his|her|their) (?:feet|heels)|winged it|played (?:down|fast)"
    r"|looked the other way|sat on (?:the|it|this|his|her|their)"
    r"|took (?:his|her|their) eyes? off|took (?:[\w-]{1,20} ){1,4}for granted"
    r"|took (?:[\w-]{1,20} ){1,3}(?:too )?lightly"
    r"|took an? (?:\w{1,16} )?(?:gamble|shortcut|short-cut|liberty|chance|(?:needless|unnecessary"
    r"|stupid) risk)"
    r"|cut (?:a |some )?corners?|gave (?:it )?no thought)\b",
)
_predicate(
    "went pushed carried pressed ploughed barged charged proceeded forged",
    r"\w{4,9} (?:ahead|on|through|forward|in) (?:[\w-]{1,20} ){0,6}(?:anyway|regardless"
    r"|despite|without (?:think|check|read|ask|look|test|wait|verif)\w{0,6})\b",
)
_predicate(
    "knew",
    r"knew (?:full well|perfectly well|very well|better|(?:that )?(?:this|it) was "
    r"(?:wrong|risky|forbidden|not allowed))\b",
)
_predicate(
    "acted behaved reacted responded worked",
    r"\w{5,9} (?:carelessly|recklessly|rashly|hastily|irresponsibly|foolishly|unprofessionally"
    r"|negligently|on autopilot|in haste|stupidly|impulsively|too (?:slowly|late|hastily|quickly)"
    r"|without thinking)\b",
)
_predicate(
    "showed displayed demonstrated exhibited",
    r"\w{6,12} (?:an? )?(?:complete |utter |total |clear )?(?:poor|bad|no|little|lack"
    r"|disregard|carelessness|negligence|inexperience|questionable|terrible|contempt|indifference"
    r"|sloppy)\b",
)
_predicate(
    "lacked",
    r"lacked (?:the |any |basic )?(?:[\w-]{1,16} )?(?:care|attention|diligence|discipline|skills?"
    r"|competence|judge?ment|sense|professionalism|focus|courage|commitment|motivation|initiative"
    r"|awareness|understanding"
    r"|rigou?r|maturity|foresight)\b",
)
_predicate(
    "caused created provoked inflicted wreaked",
    rf"\w{{6,9}} (?:the|this|an?|yesterday['’]s|today['’]s"
    rf"|all)?\s{{0,6}}(?:[\w-]{{1,20}} ){{0,2}}{_EVENTS}\b",
)
_predicate(
    "let",
    r"let (?:us|everyone|everybody|the (?:team|customers?|company|side)|our \w{1,16}|it|this"
    r"|things) "
    r"(?:down|slip|slide)\b",
)
_predicate("gambled guessed bluffed lied cheated", r"\w{4,8}\b(?! (?:right|correctly))")
_predicate("hid concealed", r"\w{3,9} (?:the|that|what|his|her|their|it)\b")
_predicate(
    "assumed trusted copied pasted approved merged deployed clicked ran accepted signed",
    r"\w{3,9} (?:[\w-]{1,20} ){0,6}(?:blindly|carelessly|mindlessly|without (?:a second )?thought"
    r"|without (?:even )?(?:read|check|look|think|verify|test|ask|understand|question|bother"
    r"|consult"
    r"|consider|confirm|validat|wait)\w{0,6}|in (?:haste|a hurry)|on autopilot|hastily"
    r"|half[-\s]asleep"
    r"|like an? (?:idiot|amateur|fool|beginner))\b",
)
_predicate(
    "lost",
    r"lost (?:focus|concentration|(?:his|her|their) (?:head|nerve|temper|focus)|interest)\b",
)
_predicate(
    "slipped messed screwed fouled goofed slept nodded zoned tuned caved dozed",
    r"(?:slipped|messed|screwed|fouled|goofed) up\b|slept (?:through|on)\b|(?:nodded|zoned"
    r"|dozed) (?:off|out)\b"
    r"|tuned out\b|caved in\b",
)
_predicate(
    "wasted",
    r"wasted (?:far |much )?(?:too much |an? |\w{1,12} )?(?:time|hours?|minutes)\b",
)
_predicate("thought", r"thought (?:he|she|they) knew better\b")
#: Of oneself, in the plural, these are told without blame.
_OF_US = _spaced(
    r"(?:did|had|could|never|failed|decided|chose|opted|under|over|misunder|misinter|misdiag|went"
    r"|pushed|carried|guess"
    r"|skipped|bypassed|was|were|are|caused|wasted|created|lacked|declined|prematurely"
    r"|erroneously|assumed|took|omitted)"
)
_HELPFUL = _spaced(r"could(?: not|n['’]t) (?!be )")

#: A word that opens a clause and may be a name; `they` and whoever did it are asked as names are.
_NAME_BEFORE = _spaced(
    r"(?:^|[.;:!?(\n][\s*_-]{0,4}|\b(?:and|but|because|when|that|since|after|while) )"
    r"(?P<name>they|whoever (?:[\w-]{1,20} ){1,4}?|(?!(?:it|its|this|that|these|those|there|which"
    r"|what"
    r"|who|you|i|one|both|all|others|anyone|everyone|nobody|nothing|something|everything|thread"
    r"|process|kernel|the|an|a|if|as|in|on|at|to|we|he|she|not|then|so|also|never"
    r"|agents?|models?|bots?|llms?|ai|claude|gpt|codex|cursor|copilot|gemini|devin|terraform"
    r"|kubernetes|grafana"
    r"|prometheus|jenkins|script|job|service|system|tool|users?|customers?|code|tests?|node"
    r"|server|client|cron)\b)"
    r"[a-z]{3,14} )(?:(?:\w{2,14}ly|just|then|also|again|had|has) ){0,2}$"
)
#: What is said of people alone, so that a name before it is one.
_OF_PEOPLE_ALONE = _spaced(
    r"(?:did|didn|never|forgot|was|were|had|could)\b[\w\s'’]{0,24}?\b(?:bother|bothered|care"
    r"|think|thought|read|careless|sloppy|lazy"
    r"|negligent|reckless|incompetent|hurry|rush|attention|listen|tired|naive|stupid|foolish"
    r"|clueless|homework|asking|ask|impatient"
    r"|to (?:check|tell|turn|switch|set|run|update|renew|close|add|remove|look|test|ask|lock"
    r"|revert|send))\b"
    r"|(?:carelessly|recklessly|foolishly|stupidly|hastily|rashly|naively|lazily|sloppily"
    r"|thoughtlessly|negligently|blindly)\s"
    r"|messed|screwed|panicked|slept|dozed|waved|brushed|shrugged|glossed|winged|dragged"
    r"|took (?:his|her|their)|cut\s"
    r"|misread|misjudged|misunderstood|bungled|botched|goofed|let\s|gambled|guessed|lied|knew\s"
    r"|ignored|dismissed|rushed"
)

#: Names of faults, which are somebody's by what stands before them or behind.
_FAULTS = (
    *("haste", "impatience", "ignorance", "laziness", "sloppiness", "complacency", "arrogance"),
    *("overconfidence", "recklessness", "blunder", "lapse", "misjudgment", "misjudgement"),
    *("misunderstanding", "misreading", "forgetfulness", "clumsiness", "indecision", "refusal"),
    *("stubbornness", "inexperience", "disregard", "neglect", "inaction", "hesitation"),
    *("incompetence", "carelessness", "negligence", "inattention", "unwillingness", "misuse"),
    *("reluctance", "lack", "indifference", "ineptitude", "naivety", "hubris", "thoughtlessness"),
    *("misclick", "typo", "slip", "slipup", "oversight", "misconfiguration"),
    *("eagerness", "absentmindedness", "mishandling", "mismanagement"),
)
_OWNER_BEFORE = _spaced(
    rf"(?<![\w'’])(?:(?:{LEAD} (?:[\w-]{{1,20}} ){{0,3}})?{_SOMEBODY}['’]s?|(?:his|her)) "
    r"(?:[\w-]{1,20} ){0,2}$"
)
_OWNER_BEHIND = _spaced(
    r"s? (?:(?:to \w{1,16}|of \w{1,16}(?: (?:and|or) \w{1,16})?) )?"
    rf"(?:made )?(?:by|from|among|on the (?:part|side) of|of) {LEAD} "
    rf"(?:[\w-]{{1,20}} ){{0,3}}{_SOMEBODY}(?![\w'’-])(?! \w{{2,20}}(?:ing|ware|tool)\b)"
)
#: `oversight of the vendor` is a duty, `misuse of the staff` is done to them.
_DUTY_TOO = frozenset({"oversight", "misuse"})
#: A word beside which the name of a fault is something else: a message, a rate, a duty.
_OTHER_THING = _spaced(
    r"s?(?:[\w-]| (?:messages?|codes?|pages?|rates?|budgets?|handling|reports?|logs?|modes?"
    r"|domains?|analysis|states?"
    r"|paths?|toasts?|rings?|boundar|in (?:it|them)\b))"
)


_WINDOW = 120  # characters before a verdict in which its subject begins
_NAME_WINDOW = 60  # and in which a name stands


def judged_conduct(text: str, words: frozenset[str] | None = None) -> Iterator[Judgement]:
    """Where a text in lower case says of a person what is said to blame them."""
    for word, at in places(text, _PREDICATES if words is None else _known_predicates(words)):
        if at and text[at - 1].isalpha():  # the `is` of `this`
            continue
        for pattern in _PREDICATES[word]:
            if match := pattern.match(text, at):
                is_here = is_whole_word(text, at, at + len(word))
                if is_here and (subject := _subject_before(text, at, words)):
                    yield Judgement(subject.start(), match.end())
                break
    for word, at in places(text, known(words, _FAULTS)):
        yield from _fault(text, at, word)


@lru_cache(maxsize=4)
def _known_predicates(words: frozenset[str]) -> frozenset[str]:
    """The words of a text that can begin a verdict; kept, for each passage of it is asked."""
    known = _PREDICATES.keys() & words
    return frozenset(known - _BEING if words.isdisjoint(_BEING_NEEDS) else known)


def _subject_before(text: str, at: int, words: frozenset[str] | None) -> re.Match[str] | None:
    """Who is judged by what begins at `at`: a person, or a name before what only people do."""
    if subject := _person_before(text, at, words):
        return None if _is_told(text, at, subject) else subject
    if not _OF_PEOPLE_ALONE.match(text, at):
        return None
    return _NAME_BEFORE.search(text, max(0, at - _NAME_WINDOW), at)


def _person_before(text: str, at: int, words: frozenset[str] | None) -> re.Match[str] | None:
    """The person who is the subject of what begins at `at`, None where it is a program."""
    start = max(0, at - _WINDOW)
    found = _PERSON_BEFORE.search(text, start, at)
    if not found or PROGRAM.search(found[0]):
        return None
    if words and not words.isdisjoint(_OF_CONTROLLERS) and _OPERATOR.search(found[0]):
        return None
    return None if is_supposed(text[start:at], found.start() - start) else found


def _is_told(text: str, at: int, subject: re.Match[str]) -> bool:
    """Whether it is told without blame: of ourselves, of nobody, or as a question."""
    if subject["we"]:
        return bool(_OF_US.match(text, at))
    start = subject.start()
    before = text[max(0, start - 20) : start]
    return text.startswith(("nobody", "no ", "any"), start) or before.endswith(("why ", "if "))


def _fault(text: str, at: int, word: str) -> Iterator[Judgement]:
    end = at + len(word)
    start = max(0, at - _WINDOW)
    if not is_whole_word(text, at, end) or _OTHER_THING.match(text, end):
        return
    owner = _OWNER_BEFORE.search(text, start, at)
    behind = None if owner else _OWNER_BEHIND.match(text, end)
    whose = owner or behind
    if not whose or PROGRAM.search(whose[0]):
        return
    first = owner.start() if owner else at
    if NEGATED.search(text, start, first) or is_supposed(text[start:first], first - start):
        return
    is_duty = word in _DUTY_TOO and behind and behind[0].split()[0] == "of"
    if not is_duty:
        yield Judgement(first, max(end, whose.end()))


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
_SLIP_BEFORE = _spaced(
    rf"(?:{_BECAUSE}[\s*_]{{0,6}}(?:(?:simply|just|purely|entirely|plainly|probably|likely|again"
    rf"|ultimately) ){{0,2}}"
    rf"|(?:^|[.:;|]\s{{0,6}}|\n)(?:[-*+]\s{{0,6}})?)(?:(?:an?|the|another|one|some|our|this) )?"
    rf"(?P<kind>(?:(?!(?:the|this|our|not|no|of|is|was|to)\b)[\w'’-]{{1,20}} ){{0,3}})$"
)
_HUMAN_KIND = _spaced(rf"(?<!common)(?:^|\s){_OF_A_PERSON} (?:[\w-]{{1,20}} )?$")
#: Behind a slip that opens a sentence: that something came of it.
_SLIP_LED = _spaced(
    r"(?:s|-?ups?)? (?:(?:in|of|by|on|with|during|while|when) (?:[\w'’-]{1,24} ){1,8}?)?"
    r"(?:led to|caused|resulted in|triggered|took down|brought down|wiped|deleted|dropped|sent|cost"
    r"|allowed|was (?:the (?:root )?cause|behind|to blame|made)|is (?:what|the (?:root )?cause)"
    r"|meant|let)\b"
)
#: Behind a word that is not of people alone: that somebody made it.
_SLIP_MADE = _spaced(r"s? (?:made |while\s|when\s|during\s)")
_SLIP_ENDS = _spaced(r"s?\s{0,4}(?:[.!;,)]|$|\n|\s(?:and|on|by|while|when|during)\b)")
_NOT_THE_CAUSE = _spaced(
    r"(?:\b(?:no|not|nor|never|without|rather than|versus|if|whether)|n['’]t)\b[^.;:\n]{0,30}$"
)
_MIXED_UP = _spaced(r"mix-?\s?ups?\b")
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
_WAS_BEFORE = _spaced(r"\b(?:was|were|got|been|being|be) (?:\w{2,14}ly )?$")
_UNMEANT_DEED = _spaced(
    rf"\w{{8,16}} {_DEED_WORD}\b(?! by (?:the|a) (?:script|job|agent|bot|model|deploy))"
)
#: The wrong thing, and who reached for it.
_WRONG_REACHED = _spaced(
    r"wrong (?:[\w-]{1,20} ){1,3}(?:was|were|got|had been) (?:accidentally )?"
    r"(?:selected|picked|typed|pasted|clicked|pressed|chosen|entered|copied|ticked|opened|edited"
    r"|unplugged)\b"
    r"(?! by (?:the|a) (?!operator|engineer|person|on-?call|user|admin|develop))"
)
_REACHED_BEFORE = _spaced(
    rf"(?<![\w'’-])(?:{LEAD} (?:[\w-]{{1,20}} ){{0,2}}{_SOMEBODY}|{_SOMEBODY}|we|he|she)"
    rf" (?:(?:had|then|who|\w{{2,14}}ly) ){{0,2}}"
    r"(?!(?:notic|found|receiv|report|detect|observ|discover|identif|reali[sz]|fix|correct|saw"
    r"|got|are|is|was|were|can|could|will|would|may"
    r"|should|do|did|had|have|see|might|must|remov|replac|revert|know|knew|suspect|need|asked"
    r"|said|shown)\w{0,6}\s)"
    r"(?:\w{2,16}ed|ran|chose|hit|sent|wrote|set|took|left|gave|cut|built|shut|read|typed|picked) "
    r"(?:[\w'’-]{1,20} ){0,7}(?:the|an?) $"
)


def unmeant_slips(text: str, words: frozenset[str] | None = None) -> Iterator[Judgement]:
    """Where a text in lower case gives somebody's slip as what happened, or why."""
    for word, at in places(text, known(words, (*_SLIPS, *_SHARED_SLIPS))):
        if found := _slip_as_cause(text, at, word):
            yield found
    for _, at in places(text, known(words, _UNMEANT)):
        match = _UNMEANT_DEED.match(text, at)
        if match and _WAS_BEFORE.search(text, max(0, at - _NAME_WINDOW), at):
            yield Judgement(at, match.end())
    for word, at in places(text, known(words, ("wrong",))):
        if match := _WRONG_REACHED.match(text, at):
            yield Judgement(at, match.end())
            continue
        before = _REACHED_BEFORE.search(text, max(0, at - _WINDOW), at)
        if before and not is_supposed(text[: before.start()], before.start()):
            yield Judgement(before.start(), at + len(word))


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
