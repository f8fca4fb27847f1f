"""Whether the words of a line promise that something will be done, or tell something else.

Patch the server              promises
Test coverage is low          states a fact, though it begins with a word of doing
Why was nobody paged?         asks
#2127                         is a link alone
"""

from __future__ import annotations

import re

from kb.lazy_regex import regex

#: What begins a promise that stands in a line of its own, without a mark.
_VERBS = (
    r"(?:add|adjust|adopt|agree|alert|allow|analy[sz]e|apply|archive|ask|assess|assign|audit|automate"
    r"|avoid|confirm|decrease|discuss|figure[ ]out|gather|identify|look[ ]into|minimi[sz]e"
    r"|back[ ]up|block|build|cap|change|check|clean|communicate|conduct|configure|consider|create"
    r"|define|delete|deploy|design|detect|develop|disable|disallow|document|drop|educate|enable"
    r"|encrypt|enforce|enhance|ensure|establish|evaluate|expand|explore|extend|fix|forbid|gate"
    r"|implement|improve|include|increase|install|instrument|integrate|introduce|invest"
    r"|investigate|isolate|keep|limit|lock|log|lower|maintain|make|migrate|mirror|monitor|move"
    r"|notify|optimi[sz]e|page|patch|perform|pin|plan|prevent|prioriti[sz]e|protect|provide"
    r"|publish|put|raise|rebuild|record|redact|reduce|refactor|refuse|remind|remove|rename|replace"
    r"|require|restrict|revert|review|revoke|rewrite|rotate|run|scale|schedule|scrutini[sz]e|send"
    r"|separate|set[ ]?up|set|simplify|split|standardi[sz]e|stop|store|strengthen|switch|test"
    r"|tighten|track|train|tune|turn|update|upgrade|use|validate|verify|warn|write)"
)
#: `Load balancing: Implement …`, which names the change before its verb.
_NAMED = r"(?:(?:[\w/&'’-]{1,30}[ ]){0,5}[\w/&'’-]{1,30}:[ ]{1,4})?"
_PROMISING = regex(
    r"\[[^\W\d_]{2,12}[ ]\d{1,3}\][ \t]*[:.)–—-]"
    rf"|{_NAMED}(?:[a-z]{{3,20}}ly[ ])?{_VERBS}\b(?!:)"
    r"|(?!(?:this|these|that|those|it|there|what|which|if|when)\b)(?:[\w'’/&-]{1,30}[ ]){1,8}"
    r"(?:should|must|needs?[ ]to|ought[ ]to)[ ]\w{2,20}"
    r"|(?:we|i)(?:['’]ll|[ ]will)[ ]\w",
    re.IGNORECASE,
)
_TOLD_AS_DONE = regex(r"[^.;]{0,80}\b(?:was|were|has[ ]been|have[ ]been|had)\b")

#: Words of doing that are names of things as well: `Test coverage is low`.
_NAMES = (
    r"(?:alert|archive|audit|backup|block|build|change|deploy|design|document|drop|fix|gate|limit"
    r"|lock|log|page|patch|plan|record|release|report|review|run|schedule|set|store|switch|test"
    r"|track|train|update|upgrade|use|monitor)"
)
#: Words of doing behind which a clause may stand without its `that`: `Confirm backups are on`.
_OF_CLAUSES = (
    r"(?:assert|assume|check|confirm|ensure|find|guarantee|know|make|note|prove|remember|see|show"
    r"|teach|tell|validate|verify|help|let)"
)
#: What opens a clause: what is behind it is no statement of the line.
_CLAUSE = (
    r"(?:after|because|before|how|if|once|so|that|to|until|what|when|where|whether|which|who|why)"
)
#: A state, and no doing that is under way, done or asked for: `is low`, not `is added`.
_STATE = (
    r"(?:(?:is|are|was|were|remains?|stays?)(?:n['’]t|[ ]not)?"
    r"(?![ ](?:\w+ly[ ])?(?:to|now|being|\w+(?:ed|ing|en|done))\b)"
    r"|(?:has|have|had)[ ](?:few|little|never|no|only)|lacks?|lacked"
    r"|(?:do|does|did)(?:n['’]t|[ ]not)[ ]\w+|cannot|can['’]t|could(?:n['’]t|[ ]not))\b"
)
_STATING = regex(
    rf"(?:there|nobody|no[ ]one)[ ](?:['’]s|is|are|was|were|knows|knew)\b"
    rf"|(?:lack[ ]of|insufficient)[ ]\w"
    rf"|(?!{_OF_CLAUSES}\b)(?:(?={_NAMES}\b)|(?!{_VERBS}\b))"
    rf"(?:(?!{_CLAUSE}\b)[\w'’/&`-]{{1,30}}[ ]){{1,6}}{_STATE}",
    re.IGNORECASE,
)
#: Anywhere in a text these say that something is to be done, or where it is.
_TO_DO = regex(
    r"\b(?:should|must|will|shall|needs?|needed|ought|to[ ]?do|going[ ]to|let['’]s|wants?[ ]to"
    r"|plan(?:s|ned)?[ ]to|requires?|required|recommend(?:ed)?|proposed?|would|might|could[ ]be"
    r"|consider|instead|please)\b|#\d|://",
    re.IGNORECASE,
)
_SENTENCE = regex(r"(?<=[.;!?])[ ]+|[ ][—–-][ ]|,?[ ](?:so|thus|therefore)[ ]")
#: A question of what was, which asks nobody to do anything.
_ASKING = regex(
    r"(?:why|who|what|when|where|how[ ](?:did|was|were|is|are|long|many|much)"
    r"|is|are|was|were|did|does|had|has)\b[^?]*[?]$",
    re.IGNORECASE,
)
_TITLED_LINK = regex(r"\[([^\]]{0,80})\]\([^)]{1,400}\)")
_LINK = regex(r"<?https?://[^ >]+>?|[\w./-]{0,80}#\d+")
_REFERENCES = regex(
    r"(?:and|see|also|issues?|tickets?|prs?|pull|requests?|bugs?|links?)\b", re.IGNORECASE
)


def promises(text: str) -> bool:
    """Whether a text promises something by how it begins, and is not the head of others."""
    is_head = text.endswith((":", "："))
    is_promising = bool(_PROMISING.match(text)) and not _TOLD_AS_DONE.match(text)
    return not is_head and is_promising and not _states(text)


def tells_no_action(text: str) -> bool:
    """Whether a text of a list of actions is surely none: a fact, a question, a link alone.

    What says anywhere that something is to be done, or has a ticket, is an action.
    """
    plain = text.strip(" *_")
    return is_link_alone(plain) or bool(_ASKING.match(plain)) or _states(plain)


def is_link_alone(text: str) -> bool:
    """Whether a text is nothing but links without a title and numbers of tickets."""
    rest = _REFERENCES.sub("", _LINK.sub("", _TITLED_LINK.sub(r"\1", text)))
    return rest != text and not any(map(str.isalnum, rest))


def _states(text: str) -> bool:
    """Whether a text states a fact, and no part of it promises something."""
    if not _STATING.match(text) or _TO_DO.search(text):
        return False
    return not any(_PROMISING.match(part) for part in _SENTENCE.split(text)[1:] if part)
