"""Judgements of people's conduct: a class of verdict, said of somebody who is a person.

A verdict is looked for at the word it begins with, then the subject of its clause before it
(`subjects`): each step is rarer than the one before, and where the words of the text are known most
texts cost a look into their set. Duties of attention stand behind each way not to do them, traits
behind each form of "was". Texts are given in lower case; every repetition is bounded.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from kb.lazy_regex import regex
from kb.lint.wording.judgement_places import Judgement, known, opens_word, places, spaced
from kb.lint.wording.subjects import ClauseSubject, clause_subject, subject_before

#: Words of a text in which an operator is a program.
_OF_CONTROLLERS = frozenset({"crd", "crds", "reconcile", "reconciles", "reconciler", "reconciled"})

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
    r"(?:bother|care(?!\s+(?:which|whether|if)\b)|think\s+to|read|pay\s+attention|know\s+better|notice|reali[sz]e|check|double-check"
    r"|verify|look|follow|spot|remember|take\s+the\s+time|listen)"
)
_SKIPPABLE = (
    r"(?:reviews?|checks?|checklists?|steps?|tests?|testing|approvals?|procedures?|runbooks?"
    r"|confirmations?|validations?|verifications?)"
)
LEAD = r"(?:the|an?|our|one|another|some|his|her|their|this|that|any|no|two|both|many|most)"
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
    r"|(?:use|run|perform|complete|conduct) (?:[\w-]{1,20} ){0,4}"
    r"(?:reviews?|checks?|checklists?|tests?|testing|approvals?|validations?|verifications?|runbooks?)"
    r"|(?:ensure|secure|document|train|apply|wear|label|calibrate"
    r"|clean|maintain|acknowledge|intervene|react|respond|cross-check|account for|allow for|lock"
    r"|disclose|challenge|report|announce|rehearse|back (?:it |them )?up|make sure"
    r"|wait (?:for|until)"
    r"|stop to|hand over|sign off|log out|switch|rotate|evaluate|assess|detect|identify|keep"
    r"|exercise|observe|adhere|abide|know (?:how|better))"
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
_BREAKABLE = (
    r"(?:the |our |everyone['’]s )(?:[\w-]{1,20} )?(?:build|pipeline|site|website|deploy(?:ment)?"
    r"|release|production|tests|main branch|master)"
)
_FAULTY = r"(?:faulty|bad|broken|buggy|untested|unreviewed|half-finished|wrong|incorrect|dodgy)"
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
_VERDICTS: dict[str, tuple[re.Pattern[str], ...]] = {}


def _predicate(words: str | tuple[str, ...], pattern: str = r"\w{1,30}\b") -> None:
    compiled = spaced(pattern)
    for word in words.split() if isinstance(words, str) else words:
        _VERDICTS[word] = (*_VERDICTS.get(word, ()), compiled)


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
_predicate(_FAULT_ADVERBS, r"\w{4,30}ly (?!because\b|and\b|by\b|would\b|could\b|may\b)\w{2,30}\b")
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
    rf"\w{{5,9}} {_GROUNDS}{_RULES}\b|broke {_BREAKABLE}\b",
)
_predicate(
    "rushed",
    r"rushed (?:the|through|into|out|it|this|ahead|his|her|their|a|an|and)\b"
    r"|rushed(?=\s{0,3}[.,;])",
)
_predicate(
    "deployed pushed merged shipped committed released",
    rf"\w{{6,9}} (?:an? |the |some |our )?{_FAULTY} (?:[\w-]{{1,20}} )?(?:code|config\w{{0,10}}"
    r"|change|commit|build|version|release|migration|patch|fix|script|prompt)\b",
)
_predicate("fat", r"fat-?\s{0,1}finger(?:s|ed)\b")
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
_predicate(
    "hid concealed",
    r"\w{3,9} (?:that|what|his|her|their|it"
    r"|the (?:\w{1,16} )?(?:truth|facts?|mistakes?|errors?|problems?|damage|failures?|evidence))\b",
)
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
#: Told of somebody who did wrong: the word it begins with, and the whole of it.
for _word, _pattern in {
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
    "dropped": r"dropped\s+the\s+ball\b",
    "messed": r"messed\s+up\b",
    "screwed": r"screwed\s+up\b",
    "slipped": r"slipped\s+up\b",
    "should": rf"should{_OUGHT}",
    "ought": rf"ought\s+to{_OUGHT}",
    "could": rf"could\s+(?:(?:easily|simply|just)\s+have\s+{_PARTICIPLE}\b|have\s+(?:noticed"
    r"|prevented|asked|escalated|caught|checked|avoided|known|spotted|stopped)\b)",
}.items():
    _predicate(_word, _pattern)
_predicate("fell", r"fell asleep\b")
_predicate(
    "lost",
    r"lost (?:track of|sight of|situational awareness|control|their way|his way|her way)\b",
)
_predicate("was were is are am", r"(?:was|were|is|are|am) (?:an? )?(?:\w{2,14} )?idiots?\b")
_predicate(
    "committed repeated",
    r"(?:committed|repeated) (?:an?|the|several|many) (?:\w{1,16} ){0,2}"
    r"(?:mistakes?|errors?|blunders?)\b",
)
_predicate("got", r"got (?:it|this|that|things) (?:\w{1,16}ly |all )?wrong\b")
_predicate(
    "left",
    r"left (?:[\w'’-]{1,20} ){1,6}(?:unlocked|unattended|unprotected|unsecured|exposed|unmonitored"
    r"|unpatched|unchecked|(?:wide )?open|logged in|running|enabled|behind)\b",
)
_predicate(
    "violated disobeyed contravened",
    r"\w{8,12} (?:[\w'’-]{1,20} ){0,4}(?:polic(?:y|ies)|procedures?|rules?|regulations?|protocols?"
    r"|orders?|instructions?)\b",
)
_predicate("indulged", r"indulged in\b")
_predicate("confused mixed", r"(?:confused|mixed up) (?:the|two|both|his|her|their|which)\b")
_predicate("had", r"had (?:absolutely |clearly )?no (?:business|excuse|clue)\b")
_predicate("knew", r"knew (?:nothing|little) (?:about|of)\b")

#: Of oneself, in the plural, these are told without blame: they say what was known at the time.
_OF_US = spaced(
    r"(?:did(?!(?: not|n['’]t) (?:even )?(?:bother|care|listen|read|take the time|pay|think to))"
    r"|had|could(?! (?:easily|simply|just) )|never|decided|chose|opted|under|over(?!looked)"
    r"|broke|deployed|pushed|merged|shipped|committed|released"
    r"|misunder|misinter|misdiag|went|pushed|carried|guess|ignored|took|skipped|bypassed|was|caused"
    r"|were(?! (?:\w{1,14} )?(?:lazy|at fault|too ))|are|wasted|created|lacked|declined"
    r"|prematurely|erroneously|assumed|omitted|failed to (?:reproduce|find|get|load|start))"
)
#: And of oneself these are asides, or no verdict.
_OF_ME = spaced(
    r"(?:forgot (?:to mention|to say"
    r"|what|how|which|where|when|about|that|the name)|could|is|are|trusted|assumed"
    r"|guessed|took|ran|copied|thought|(?:was|am) (?!careless|stupid|sloppy|too |in a |not paying"
    r"|distracted|lazy|hasty|so sure|an? ))"
)

#: A word that opens a clause and may be a name; `they` and whoever did it are asked as names are.
_NAME_BEFORE = spaced(
    r"(?:^|[.;:!?(\n][\s*_-]{0,4}|\b(?:and|but|because|when|that|since|after|while) )"
    r"(?P<name>whoever (?:[\w-]{1,20} ){1,4}?|(?!(?:and|or|but|it|its|this|that|these|those|there"
    r"|which"
    r"|what"
    r"|who|you|i|one|both|all|others|anyone|everyone|nobody|nothing|something|everything|thread"
    r"|process|kernel|the|an|a|if|as|in|on|at|to|we|he|she|not|then|so|also|never"
    r"|agents?|models?|bots?|llms?|ai|claude|gpt|codex|cursor|copilot|gemini|devin|terraform"
    r"|kubernetes|grafana"
    r"|prometheus|jenkins|script|job|service|system|tool|users?|customers?|code|tests?|node"
    r"|server|client|cron)\b)"
    r"(?!\w{2,14}ly\b)[a-z]{3,14} )(?:(?:\w{2,14}ly|just|then|also|again|had|has) ){0,2}$"
)
#: What is said of people alone, so that a name before it is one.
_OF_PEOPLE_ALONE = spaced(
    r"(?:did|didn|never|forgot|was|were|had|could)\b[\w\s'’]{0,24}?\b(?:bother|bothered|care"
    r"|think|thought|read|careless|sloppy|lazy"
    r"|negligent|reckless|incompetent|hurry|rush|attention|listen|tired|naive|stupid|foolish"
    r"|clueless|homework|asking|ask|impatient"
    r"|to (?:check|tell|turn|switch|set|run|update|renew|close|add|remove|look|test|ask|lock"
    r"|revert|send))\b"
    r"|(?:did not|didn['’]t|never|failed to)(?: \w{2,14}ly)? "
    r"(?:communicat|inform|notif|follow(?! redirects)"
    r"|listen|reali|understood|understand|escalat|consult|adher|obey|pay|heed|remember)"
    r"|(?:fell asleep|forgot)\b"
    r"|(?:carelessly|recklessly|foolishly|stupidly|hastily|rashly|naively|lazily|sloppily"
    r"|thoughtlessly|negligently|blindly)\s"
    r"|messed|screwed|panicked|slept|dozed|waved|brushed|shrugged|glossed|winged|dragged"
    r"|took (?:his|her|their)|cut\s"
    r"|misread|misjudged|misunderstood|bungled|botched|goofed|let\s|gambled|guessed|lied|knew\s"
    r"|ignored|dismissed|rushed"
)

#: Roles that programs have, too, and what only programs fail to do.
_ALSO_SOFTWARE = frozenset(
    role + end
    for role in (
        "engineer",
        "operator",
        "manager",
        "lead",
        "maintainer",
        "approver",
        "reviewer",
        "team",
    )
    for end in ("", "s")
)
_SOFTWARE_FAILS_TO = regex(
    r"failed\s+to\s+(?:schedule|reconcile|start|load|boot|compile|parse|install|mount|initiali[sz]e"
    r"|connect|bind|sync|render|deserialize|terminate|converge|spawn|allocate|(?:successfully\s+)?(?:generate|emit))\b"
)
_HYPOTHETICAL = frozenset({"should", "ought", "could"})
_HYPOTHESIS = regex(r"(?:should|ought|could)\b")
#: The sentence goes on to a question mark.
_ASKED = regex(r"[^.!?\n]{0,120}\?")
#: `a column somebody forgot`: a thing is told apart, and nobody is judged.
_SOME_THING_BEFORE = regex(r"\b(?:an?|the|any|every|which)\s+\w+\s+(?:some|any)(?:one|body)\s+$")
_NAME_WINDOW = 60  # characters before a verdict in which a name stands

#: What is said behind a verb of the clause: how it was done. Its subject stands further off.
_CHECKING = (
    r"(?:reading|checking|looking|thinking|verifying|asking|understanding|testing|reviewing"
    r"|questioning|noticing|confirming|consulting|following|validating|double-checking"
    r"|inspecting|considering|waiting|telling|informing|notifying|coordinating|running (?:the |a )?"
    r"(?:tests?|plan|dry)|paying (?:\w{1,12} )?attention|reali[sz]ing"
    r"|using (?:the |a )?(?:checklist|runbook|staging|manual)"
    r"|(?:an? |any |proper |prior |adequate |sufficient )?"
    r"(?:second (?:look|thought)|authori[sz]ation|permission|reviews?|approval))"
)
_MANNERS: dict[str, re.Pattern[str]] = {
    "without": spaced(rf"without (?:even |really |first |ever |properly )?{_CHECKING}\b"),
    "instead": spaced(rf"(?:instead of|rather than) (?:\w{{2,12}}ly |first )?{_CHECKING}\b"),
    "violation": spaced(r"violation of (?:[\w'’-]{1,20} ){0,3}(?:polic|procedure|rule|protocol)"),
    "despite": spaced(r"despite (?:[\w'’-]{1,20} ){0,4}(?:warnings?|alerts?|alarms?|advice)\b"),
    "failing": spaced(r"failing to \w{2,20}\b"),
    "neglecting": spaced(r"neglecting to \w{2,20}\b"),
    "forgetting": spaced(r"forgetting to \w{2,20}\b"),
}
_FELL = spaced(
    r"(?:falling asleep|(?:failing|neglecting|forgetting|refusing|omitting) to|not"
    rf" (?:properly |even )?{_CHECKING}|skipping|ignoring|disregarding|overlooking|misreading"
    r"|misunderstanding|being (?:careless|distracted|inattentive|sloppy|lazy|negligent))\b"
)
#: The same as what somebody was doing: "caused by the engineer skipping the review".
_DOINGS = (
    *("failing", "neglecting", "forgetting", "refusing", "omitting", "falling", "not", "skipping"),
    *("ignoring", "disregarding", "overlooking", "misreading", "misunderstanding", "being"),
)
#: Rules that nobody followed: said in the passive, it is said of whoever should have.
_UNFOLLOWED = spaced(
    r"\b(?:procedures?|process(?:es)?|polic(?:y|ies)|checklists?|runbooks?|guidelines?|protocols?"
    r"|instructions|best practices?|sops?)\b(?: \w{2,20}){0,4} "
    r"(?:(?:was|were|had|has|have|is|are)(?:n['’]t| not| never)(?: been)?(?: \w{2,14}ly)?"
    r" (?:followed|adhered|respected|observed|obeyed)"
    r"|(?:was|were|had been|has been) (?:\w{2,14}ly )?(?:violated|disregarded|flouted|breached))\b"
)


def judged_people(
    text: str, words: frozenset[str] | None = None, names: tuple[str, ...] = ()
) -> Iterator[Judgement]:
    """Where a text in lower case says what a person did wrong; `names`, lower too, are people."""
    for word, at in places(text, _VERDICTS if words is None else _known_verdicts(words)):
        if found := _judged_at(text, at, word, words, names):
            yield found
    for word, at in places(text, known(words, tuple(_MANNERS))):
        match = _MANNERS[word].match(text, at)
        subject = clause_subject(text, at, names) if match else None
        if match and subject and not subject.is_also_program and subject.head != "we":
            yield Judgement(subject.start, match.end())
    yield from _judged_doings(text, words, names)
    if words is None or "followed" in words or "violated" in words:
        for match in _UNFOLLOWED.finditer(text):
            yield Judgement(match.start(), match.end())


def _judged_doings(
    text: str, words: frozenset[str] | None, names: tuple[str, ...]
) -> Iterator[Judgement]:
    """Where what somebody was doing, or failing to do, is told as one judges it."""
    for _, at in places(text, known(words, _DOINGS)):
        match = _FELL.match(text, at)
        subject = subject_before(text, at, names) if match else None
        if match and subject and not subject.is_also_program and subject.head not in _OURSELVES:
            yield Judgement(subject.start, match.end())


_OURSELVES = frozenset({"we", "i"})


@lru_cache(maxsize=4)
def _known_verdicts(words: frozenset[str]) -> frozenset[str]:
    """The words of a text that can begin a verdict; kept, for each passage of it is asked."""
    contracted = {word[:-1] for word in words if word.endswith("n")}  # `didn't`
    known = _VERDICTS.keys() & (words | contracted)
    return frozenset(known - _BEING if words.isdisjoint(_BEING_NEEDS) else known)


def _judged_at(
    text: str, at: int, word: str, words: frozenset[str] | None, names: tuple[str, ...]
) -> Judgement | None:
    if not opens_word(text, at):
        return None
    match = next(filter(None, (pattern.match(text, at) for pattern in _VERDICTS[word])), None)
    if not match:
        return None
    subject = subject_before(text, at, names)
    if subject and not _is_told(text, at, subject, words):
        return Judgement(subject.start, match.end(), word in _HYPOTHETICAL)
    if not subject and _OF_PEOPLE_ALONE.match(text, at):
        name = _NAME_BEFORE.search(text, max(0, at - _NAME_WINDOW), at)
        return Judgement(name.start(), match.end()) if name else None
    return None


def _is_told(text: str, at: int, subject: ClauseSubject, words: frozenset[str] | None) -> bool:
    """Whether it is told without blame: of ourselves, of a program or thing, or as a question."""
    if subject.head == "we":
        return bool(_OF_US.match(text, at))
    if subject.head == "i":
        return bool(_OF_ME.match(text, at))
    if _HYPOTHESIS.match(text, at) and _ASKED.match(text, at):
        return True
    if text.startswith("forgot", at) and _SOME_THING_BEFORE.search(text, max(0, at - 80), at):
        return True
    if subject.is_also_program:
        return not _OF_PEOPLE_ALONE.match(text, at)
    is_controller = subject.head in {"operator", "operators"} and bool(
        words and not words.isdisjoint(_OF_CONTROLLERS)
    )
    return is_controller or (
        subject.head in _ALSO_SOFTWARE and bool(_SOFTWARE_FAILS_TO.match(text, at))
    )
