"""Words that judge whoever they are said of: careless, sloppy, reckless.

Texts are given in lower case. Most of these words are as often said of a thing, of a rule or of
what might be done, so what stands around each tells; every repetition is bounded.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from kb.lazy_regex import regex
from kb.lint.wording.judgement_places import NEGATED, Judgement, opens_word
from kb.lint.wording.subjects import subject_before

_PARTICIPLE = (
    r"(?:\w{2,20}ed|been|known|seen|done|caught|read|set|kept|made|taken|thought|run|gone|told"
    r"|written|built|sent|found|given|put|left|understood|held|shut|met|paid|spent|drawn|chosen)"
)
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
#: A denial further off: "is not due to", "do not feel like that is the".
_NOT_THE = regex(
    r"(?:(?:\bnot|n['’]t)\b[^.;:]{0,40}|\bwould\s+(?:that|this|it)\s+be\s+(?:the|an?)\s+)$"
)
#: The sentence goes on to a question mark.
_ASKED = regex(r"[^.!?\n]{0,120}\?")
_OPENS = regex(r"(?:^|[.:|]|\n[ \t]*[-*+])[\s\-*+_|>#]*$")
_WINDOW = 80  # characters on either side that can decide


def blame_words(text: str, words: frozenset[str] | None = None) -> Iterator[Judgement]:
    """Where a text in lower case uses a word that judges, and does not take it back."""
    if words is not None and words.isdisjoint(_BLAME_OPENERS):
        return
    if not any(stem in text for stem in _BLAME_STEMS):
        return
    for match in _BLAME_WORD.finditer(text):
        if opens_word(text, match.start()) and _judges(text, match):
            yield Judgement(match.start(), match.end())


def _judges(text: str, match: re.Match[str]) -> bool:
    """Whether a blame word is said of somebody, and of what was done."""
    before = _text_before(text, match.start())
    if match[0].endswith("to blame"):
        # Of a thing that is a cause, of people a verdict.
        return bool(subject_before(text, match.start()) or _NOUN_BEFORE.search(before))
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
        return bool(hit or subject_before(text, match.start()))
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


def _text_before(text: str, start: int) -> str:
    return text[max(0, start - _WINDOW) : start]
