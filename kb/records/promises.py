"""Whether the words of a line promise that something will be done: `Patch the server`."""

from __future__ import annotations

import re

from kb.lazy_regex import regex

#: What begins a promise that stands in a line of its own, without a mark.
_VERBS = (
    r"(?:add|adjust|adopt|agree|alert|allow|analy[sz]e|apply|archive|assess|assign|audit|automate"
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


def promises(text: str) -> bool:
    """Whether a text promises something by how it begins, and is not the head of others."""
    is_head = text.endswith((":", "："))
    return not is_head and bool(_PROMISING.match(text)) and not _TOLD_AS_DONE.match(text)
