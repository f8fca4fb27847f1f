"""Who a verb is said of: the subject of a clause, told from the words before the verb.

A clause is read as words, from the verb to the left: what may stand between, then the noun that
heads the subject, and whether that noun is one of people. A subject may be told apart by a phrase
behind it ("the engineer on the night shift"), a clause ("the pilot, who was tired,") or stand
before another verb ("the nurse read the label and failed to"). What is no person judges nobody:
"the monitor did not check" is told of software, "the request of the operator failed" of a request.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from kb.lazy_regex import regex
from kb.lint.wording.given_names import GIVEN_NAMES
from kb.lint.wording.judgement_places import is_supposed


def _words(listed: str) -> frozenset[str]:
    return frozenset(listed.split())


def _both_numbers(listed: str) -> frozenset[str]:
    return frozenset(form for noun in listed.split() for form in (noun, f"{noun}s"))


#: Nouns that are people, and parts of a firm that act as people do. `agent`, `user`, `client` and
#: `customer` are not among them: in these records they are mostly software, or somebody outside
#: whose failed attempt is a symptom.
_PEOPLE = _both_numbers(
    "engineer operator developer dev programmer coder admin administrator sysadmin on-call "
    "oncall responder reviewer approver author maintainer committer employee colleague "
    "co-worker coworker teammate team contractor subcontractor intern technician tech analyst "
    "person human sre dba founder member hire trainee moderator deployer consultant supervisor "
    "officer director architect tester designer specialist clerk representative rep junior "
    "senior newcomer rookie novice beginner freelancer owner boss guy student auditor "
    "department vendor supplier writer requester assignee pm caller manager lead leader captain "
    "pilot co-pilot aviator instructor crewmember crewman nurse doctor physician surgeon "
    "pharmacist anesthetist anaesthetist medic paramedic midwife clinician therapist caregiver "
    "electrician plumber mechanic welder machinist installer foreman inspector chemist "
    "scientist researcher teacher professor cashier teller broker trader accountant lawyer "
    "guard soldier sailor helmsman mate skipper master firefighter policeman conductor motorman "
    "signaller signalman miner laborer labourer apprentice predecessor successor attendant "
    "steward executive vp ceo cto cso ciso coo president chairman partner sponsor stakeholder "
    "coordinator lecturer volunteer practitioner professional amateur idiot fool man "
    "woman boy girl kid individual culprit motorist lifeguard surveyor commander helper "
    "watchkeeper lookout"
) | _words(
    "staff personnel people somebody someone anyone anybody nobody humans crew aircrew "
    "squad folks leadership management help-desk helpdesk shift qa devops ops men women "
    "bosses crewmen workforce workmen humanity secops infosec it-team themselves himself "
    "herself myself"
)
#: Nouns of people that are as often programs: a query planner, a device driver, an operator.
_ALSO_PROGRAMS = _both_numbers(
    "controller dispatcher driver planner worker provider scheduler editor handler "
    "builder host monitor observer runner"
)
_PRONOUNS = frozenset({"he", "she", "we", "i"})
_SEVERAL = frozenset({"both", "they", "two", "all", "neither", "none", "one", "most", "some"})
#: Words before a noun of people that make a program, a thing or a place of it.
_OF_PROGRAMS = _words(
    "kubernetes k8s helm prometheus postgres postgresql crd cert-manager strimzi agent "
    "agents llm bot automated automatic virtual ai gpu nic storage csi jdbc odbc usb "
    "kernel device query web background celery ceph flink spark rook knative tekton "
    "message event package window session build test graphics print printer display "
    "database file code synthetic"
)
_NOT_A_PERSON = regex(r"(?:bot|agent|claude|codex|copilot|cursor|gemini)")
_HANDLE = regex(r"@\w[\w-]{0,38}")
#: `this leads to`, `which leads`, is a verb.
_LEAD_TO = frozenset({"this", "that", "which", "it"})
_OF_BEING = frozenset({"was", "were", "is", "are"})
_ARTICLES = _words(
    "the a an our one another some his her their this that any no two three both many "
    "most my each every several these those its all either neither what which whichever"
)
_PREPOSITIONS = _words(
    "of on in at from for with by to within behind under during about into over near "
    "after before aboard inside between against as than per via without"
)
_BETWEEN = _words(
    "had has have also just then again even still all both once clearly simply too really "
    "who already however therefore thus though meanwhile instead later first soon often "
    "sometimes perhaps maybe somehow always almost"
)
_NO_ADVERBS = frozenset({"family", "anomaly", "assembly", "reply", "supply", "july", "only"})
#: What tells a person apart, of more than one word.
_TOLD_APART = regex(
    r"(?<!\bthe)(?<!\ban)(?<!\bour)\s(?:on[\s-](?:call|duty|shift|site|board)"
    r"|in (?:charge|question|command)|at fault"
    r"|at the (?:time|controls|wheel|helm)|in the (?:loop|cockpit)|on the (?:call|ground)|involved"
    r"|responsible|concerned|themselves|himself|herself|myself|ourselves)\s*$"
)
_JOINED = frozenset({"and", "but", "or", "then", "nor", "yet"})
#: A clause begins behind one of these.
_ENDS = regex(r"[.!?;:(|]|\s[–—-]{1,2}\s|\n\s{0,8}(?:\n|[-*+#>•]|\d+[.)])")
_WORD = regex(r"@?[\w][\w'’/.-]{0,40}|,")
_ASIDE = regex(r",\s{1,4}[^,.;:!?\n]{1,60},\s{0,6}(?:(?:\w+ly|also|then|had|has)\s{1,6}){0,2}$")
_VERB = regex(
    r"(?:\w{3,20}ed|was|were|is|are|had|did|ran|went|saw|took|made|got|left|felt|began|came|knew"
    r"|thought|said|told|wrote|read|set|put|gave|found|chose|sent|built|kept|let|lost|tried|did)"
)
_REACH = 160  # characters before a verb in which its subject begins
_OWNER_REACH = 70
_MODALS = _words(
    "can cannot could may might would will should must able can't couldn't won't wouldn't"
)
_OWNER = regex(
    r"(?:(?<![\w'’@/.-])(?P<program>[\w-]{2,20}\s{1,6})?(?P<noun>[\w-]{2,20}?)(?:['’]s|['’])"
    r"|(?<![\w'’])(?P<pronoun>his|her|my|our|their))\s{1,6}"
    r"(?:(?:own|apparent|continued|repeated|simple|initial|subsequent|complete|total|inadvertent"
    r"|delayed)\s{1,6}){0,2}$"
)
_OF_WHOM = regex(
    r"s?\s{1,6}(?:(?:to\s{1,6}\w{1,16}|of\s{1,6}\w{1,16}(?:\s{1,6}(?:and|or)\s{1,6}\w{1,16})?)\s{1,6})?"
    r"(?:made\s{1,6})?(?:by|from|among|on\s{1,6}the\s{1,6}(?:part|side)\s{1,6}of|of)\s{1,6}"
    r"(?=(?:the|an?|our|one|another|some|his|her|their|this|that|any|no|two|both|many|most)\s)"
)
#: Another noun behind one of people: `the operator tooling`, `the team lead`.
_NOUN_FOLLOWS = regex(r"[-'’]|\s{1,6}(?:\w{2,20}(?:ing|ware|tool)|account|software|interface)\b")


@dataclass(frozen=True, slots=True)
class ClauseSubject:
    """Where a subject begins, its head, and whether that noun names programs as well."""

    start: int
    head: str
    is_also_program: bool = False


@dataclass(frozen=True, slots=True)
class _Word:
    text: str
    start: int


def subject_before(text: str, at: int, names: tuple[str, ...] = ()) -> ClauseSubject | None:
    """The person of whom the verb at `at` is said; None for a program, a thing or nobody."""
    start = _clause_start(text, at)
    clause = _without_asides(text[start:at])
    words = [_Word(w[0].strip(".'’"), start + w.start()) for w in _WORD.finditer(clause)]
    found = _subject_of(words, names)
    if not found or _is_nobody(words, found):
        return None
    floor = max(0, at - _REACH)
    return None if is_supposed(text[floor:at], found.start - floor) else found


def _clause_start(text: str, at: int) -> int:
    floor = max(0, at - _REACH)
    start = floor
    for end in _ENDS.finditer(text, floor, at):
        start = end.end()
    return start


def _without_asides(clause: str) -> str:
    """A clause without an aside directly before its verb, and what tells a person apart."""
    for pattern in (_ASIDE, _TOLD_APART):
        if aside := pattern.search(clause):
            clause = clause[: aside.start()]
    return clause


def _subject_of(words: list[_Word], names: tuple[str, ...]) -> ClauseSubject | None:
    words = _up_to_verb(words)
    if words and (words[-1].text in _JOINED or words[-1].text == ","):
        return _of_an_earlier_verb(words[:-1], names)
    return _headed_by(words, names)


def _up_to_verb(words: list[_Word]) -> list[_Word]:
    """The words without what may stand between a subject and its verb, "however," among it."""
    end = len(words)
    while end and _is_between(words[end - 1].text):
        end -= 1
    is_aside = end > 1 and words[end - 1].text == ","
    if is_aside and _is_between(words[end - 2].text):
        return _up_to_verb(words[: end - 1])
    return words[:end]


def _is_between(word: str) -> bool:
    return word in _BETWEEN or (word.endswith("ly") and word not in _NO_ADVERBS)


def _of_an_earlier_verb(words: list[_Word], names: tuple[str, ...]) -> ClauseSubject | None:
    """The subject of a verb that is joined to one before it: the first one told in the clause."""
    for index, word in enumerate(words):
        is_verb = index and _VERB.fullmatch(word.text)
        if is_verb and (found := _headed_by(_up_to_verb(words[:index]), names)):
            behind = words[index + 1].text if index + 1 < len(words) else ""
            is_passive = word.text in _OF_BEING and behind.endswith("ed")
            return None if is_passive and found.is_also_program else found
    return None


def _headed_by(words: list[_Word], names: tuple[str, ...]) -> ClauseSubject | None:
    """The subject whose noun stands last, or that a phrase behind it tells apart."""
    if not words:
        return None
    start, preposition = _phrase_start(words)
    before = words[: start - (words[start - 1].text == preposition)] if preposition else []
    if not before:
        return _plain(words, names)
    # `the engineer on the night shift`: the noun before the preposition is the subject
    return None if preposition == "by" else _plain(before, names)


def _phrase_start(words: list[_Word]) -> tuple[int, str]:
    """Where the last noun phrase begins, and the preposition before it, if there is one."""
    for index in range(len(words) - 1, max(-1, len(words) - 7), -1):
        word = words[index].text
        if word in _PREPOSITIONS:
            return index + 1, word
        if word in _ARTICLES and index < len(words) - 1:
            before = words[index - 1].text if index else ""
            return index, before if before in _PREPOSITIONS else ""
        if word in _JOINED or word == ",":
            return index + 1, ""
    return 0, ""


def _plain(words: list[_Word], names: tuple[str, ...]) -> ClauseSubject | None:
    """The subject headed by the last of some words."""
    head = words[-1]
    before = words[-2].text if len(words) > 1 else ""
    is_named = head.text in names or head.text in GIVEN_NAMES
    if is_named or head.text in _PRONOUNS or _is_handle(head.text):
        return ClauseSubject(head.start, head.text)
    if f"{before} {head.text}" in names:
        return ClauseSubject(words[-2].start, head.text)
    if head.text in _SEVERAL:
        is_one_of_a_phrase = before in _PREPOSITIONS or before in _ARTICLES
        return None if is_one_of_a_phrase else ClauseSubject(head.start, head.text, True)
    is_also_program = head.text in _ALSO_PROGRAMS
    if head.text == "leads" and before in _LEAD_TO:
        return None
    if before in _OF_PROGRAMS or not (is_also_program or head.text in _PEOPLE):
        return None
    return ClauseSubject(_phrase_word(words).start, head.text, is_also_program)


def _is_handle(word: str) -> bool:
    """Whether a word is `@alice`, not `@acme/router` nor what is called a bot or an agent."""
    return bool(_HANDLE.fullmatch(word)) and not _NOT_A_PERSON.search(word)


def _phrase_word(words: list[_Word]) -> _Word:
    """The article with which the last noun phrase begins, else its noun."""
    for word in reversed(words[-5:]):
        if word.text in _ARTICLES:
            return word
        if word.text in _PREPOSITIONS or word.text in _JOINED or word.text == ",":
            break
    return words[-1]


def _is_nobody(words: list[_Word], found: ClauseSubject) -> bool:
    """Whether of nobody something is said, or it is asked why."""
    if found.head in {"nobody", "none", "neither", "anyone", "anybody"}:
        return True
    place = next((i for i, word in enumerate(words) if word.start == found.start), 0)
    return words[place].text in {"no", "any", "nobody"} or (
        place > 0 and words[place - 1].text in {"why", "if", "whether", "unless"}
    )


def clause_subject(text: str, at: int, names: tuple[str, ...] = ()) -> ClauseSubject | None:
    """The person of whom the clause tells something that goes on to `at`: "merged it without"."""
    start = _clause_start(text, at)
    words = [_Word(w[0].strip(".'’"), start + w.start()) for w in _WORD.finditer(text[start:at])]
    if any(word.text in _MODALS for word in words) or _is_of_a_doing(words):
        return None
    found = _of_an_earlier_verb(words, names)
    if not found or _is_nobody(words, found):
        return None
    floor = max(0, at - _REACH)
    return None if is_supposed(text[floor:at], found.start - floor) else found


def _is_of_a_doing(words: list[_Word]) -> bool:
    """Whether what follows is told of a doing that is a noun: "warned of using it without"."""
    return any(
        first.text == "of" and second.text.endswith("ing") for first, second in pairwise(words)
    )


def owner_before(text: str, at: int) -> ClauseSubject | None:
    """The person whose the noun at `at` is: "the operator's", "the pilots' own", "his"."""
    found = _OWNER.search(text, max(0, at - _OWNER_REACH), at)
    if not found:
        return None
    noun = found["noun"]
    if noun in {"nobody", "none", "anyone", "anybody"}:
        return None
    if noun and not (noun in _PEOPLE and (found["program"] or "").strip() not in _OF_PROGRAMS):
        return None
    return ClauseSubject(found.start(), noun or found["pronoun"])


def person_behind(text: str, end: int) -> int:
    """Where a person ends who is named behind a noun as its owner: "by the two engineers"; or 0."""
    opened = _OF_WHOM.match(text, end)
    if not opened:
        return 0
    before = ""
    for word in _WORD.finditer(text, opened.end(), opened.end() + _OWNER_REACH):
        noun = word[0].strip(".'’")
        if noun in _PREPOSITIONS or noun in _JOINED or noun == "," or word[0].endswith("."):
            return word.end() if noun in _PEOPLE and before not in _OF_PROGRAMS else 0
        is_last = not _NOUN_FOLLOWS.match(text, word.end())
        if noun in _PEOPLE and is_last:
            return 0 if before in _OF_PROGRAMS else word.end()
        if noun.endswith(("'s", "’s")) or _VERB.fullmatch(noun):
            return 0
        before = noun
    return 0
