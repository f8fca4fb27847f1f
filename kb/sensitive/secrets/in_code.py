"""Values that a line of code or a command makes secret: the call, the statement, the comparison.

A word is looked for first, then the pattern around it; every repetition is bounded, so the time is
linear. `lower` is the text with its ASCII letters in lower case, of equal length.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from kb.lazy_regex import regex
from kb.sensitive.secrets.randomness import (
    Detection,
    is_drawn,
    is_key_like,
    is_mixed,
    is_told_password,
    is_uuid,
)
from kb.sensitive.word_positions import drawn_runs, matches_at, places

#: One argument of a call that is no call itself.
_ARGUMENT = r"(?:\"[^\"\n]{0,120}\"|'[^'\n]{0,120}'|[^,()\"'\n]{1,80})"
#: Calls whose last word is a password: `connect(host, user, "x")`, `new NetworkCredential(u, "x")`.
_CALL = regex(
    r"(?:connect|login|auth=|credentials?)\("
    rf"(?:\s{{0,8}}{_ARGUMENT},){{1,4}}\s{{0,8}}"
    r"(?P<quote>[\"'])(?P<value>[^\"'\s]{6,64})(?P=quote)\s?[,)]"
)
_CALLS = ("connect(", "login(", "auth=(", "credential")
#: `CREATE USER x IDENTIFIED BY 'y'`; prose says "identified by", too, and quotes nothing behind it.
_STATEMENT = regex(
    r"identified\s{1,4}(?:with\s{1,4}[\"'`]?\w{1,40}[\"'`]?\s{1,4})?(?:by|as)\s{1,4}(?:password\s{1,4})?"
    r"\\?(?P<quote>[\"'])?`?(?P<value>[^\s\"'`;\\]{6,128})"
)
#: What begins such a statement, within its last characters.
_OF_USERS = regex(
    r"\b(?:create|alter)\s{1,4}(?:or\s{1,4}replace\s{1,4})?(?:user|role|login)\b"
    r"|\bgrant\s[^;]{0,200}\sto\s|\bset\s{1,4}password\b"
)
_LONGEST_STATEMENT = 200
#: What a comparison with the name that follows begins with: `"x" == password`, `"x".equals(token)`.
_COMPARED = regex(
    r"(?P<quote>[\"'])(?P<value>[^\"'\s]{8,128})(?P=quote)"
    r"(?:\)?\s{0,4}[!=]={1,2}\s{0,4}|\.equals\()\$?[\w.>_-]{0,40}$"
)
_LOOKED_BACK = 190  # characters before a name in which such a comparison begins
#: `acme-secret-0a1b…`, `ACMETOKEN.0a1b…`: a name and its value that one sign joins.
_JOINED = regex(
    r"(?:[-_ ]?(?:key|token|code))?[-_.]"
    r"(?P<value>[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[a-z0-9]{24,64})(?![\w-])"
)
#: What stands before the drawn part of `acme_sk_0a1B…` or `acme-0a1B…`, read backwards: vendors we
#: do not know name their keys like those we do.
_PREFIX_BACKWARDS = regex(
    r"[_-](?P<words>(?:[A-Za-z0-9]{1,12}[_-]){0,2}\d{0,2}[A-Za-z]{2,12})(?![A-Za-z0-9/+.=&?%@_-])"
)
_LONGEST_PREFIX = 45
_SAYS_KEY = regex(
    r"(?:^|[_-])(?P<word>sk|pk|pat|api|live|test|prod|key|tok|token|secret)$", re.IGNORECASE
)
#: What stands before a commit or a checksum, too: `prod-0a1b…` is the tag of an image.
_SAYS_BUILD = frozenset({"prod", "test", "live", "api", "key"})
_CHECKSUM = regex(r"[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64}")
#: Characters of a drawn part where nothing says that it is a key; names of events have fewer.
_SHORTEST_UNSAID = 32
_RUN = regex(r"[A-Za-z0-9]{16,}")
_FEW_RUNS = 16
_BODY = regex(r"[A-Za-z0-9_-]{24,128}+(?![\w/+=.%@-])")
#: The rest of a value before its drawn run, read backwards, and what may stand before a value.
_REST_BACKWARDS = regex(r"[A-Za-z0-9_.=-]{0,400}")
_VALUE = regex(r"[A-Za-z0-9_.=-]{24,400}(?![\w/+-])")
_NAMED_BEFORE = regex(
    r"(?P<open>(?:page|next|continuation|csrf|xsrf|pub|public|idempotency|cache|primary|foreign"
    r"|partition|snapshot|layer|chunk|sort|object|s3|index|lookup|row|map|item|entity|storage|pgp|gpg"
    r"|by|com)[ _-]?)?"
    r"(?:pass|pwd|secret|token|cred|auth|key)(?P<between>[ \w.'\"`:=(-]{1,40})$"
)
_NAMES = ("token", "key", "secret", "pass", "auth", "cred", "pwd")
_LOOKED_AT = 60  # characters before a value
#: What says that a value is none, and what names of calls, messages and runs begin with.
_NO_SECRET_BETWEEN = regex(
    r"id\b|_id|sha|hash|digest|fingerprint|commit|version|\bcount|_count|usage|name|path|url"
    r"|address|balance|program"
)
_NAMES_OF_EVENTS = regex(
    r"(?:msg|toolu|call|chatcmpl|req|run|thread|asst|file|resp|fc|rs|gen|trace|span|sess|evt|step"
    r"|srvtoolu|batch|vs|item|session|cmpl|ses|prt|conv|event|node|doc|chunk|task|job)[_-]"
)

_JOINS = frozenset("-_. ktc")  # what it begins with
_SERVICE = "auth"  # and a dash before the name of its machine or build


def secrets_in_code(text: str, lower: str) -> Iterator[Detection]:
    """The secrets told by a call or a statement of SQL."""
    for match in matches_at(_CALL, lower, places(lower, _CALLS) if "(" in lower else []):
        yield from _password(text, match)
    for match in matches_at(_STATEMENT, lower, places(lower, ("identified ",))):
        before = lower[max(0, match.start() - _LONGEST_STATEMENT) : match.start()]
        if match["quote"] or _OF_USERS.search(before.rpartition(";")[2]):
            yield from _password(text, match)


def drawn_secrets(text: str, lower: str) -> Iterator[Detection]:
    """Drawn values whose own beginning says that they are keys, or a word shortly before them."""
    for at, run in _places_of_runs(text, drawn_runs(text)):
        yield from _prefixed(text, at, run)
        yield from _nearby(text, lower, at)


def _places_of_runs(text: str, runs: frozenset[str]) -> Iterator[tuple[int, str]]:
    """Where the runs stand: a few are looked for one by one, many in one pass."""
    if len(runs) > _FEW_RUNS:
        found = ((match.start(), match[0]) for match in _RUN.finditer(text))
        yield from (pair for pair in found if pair[1] in runs)
        return
    for run in runs:
        yield from ((at, run) for at in places(text, (run,)))


def _prefixed(text: str, at: int, run: str) -> Iterator[Detection]:
    before = _PREFIX_BACKWARDS.match(text[max(0, at - _LONGEST_PREFIX) : at][::-1])
    body = _BODY.match(text, at)
    if before and body and _is_key(before["words"][::-1], run, body[0]):
        yield Detection("secret value", at - before.end(), body.end())


def _is_key(prefix: str, run: str, body: str) -> bool:
    """Whether a prefix says that what follows is a key, or at least is none of an event's name.

    `run` is the first letters and digits of `body`.
    """
    if says := _SAYS_KEY.search(prefix):
        is_build = says["word"].lower() in _SAYS_BUILD and _CHECKSUM.fullmatch(run)
        return is_key_like(body) or (is_drawn(run) and not is_build)
    is_event = _NAMES_OF_EVENTS.match(prefix.lower() + "_")
    return len(run) >= _SHORTEST_UNSAID and not is_event and is_key_like(run)


def _nearby(text: str, lower: str, at: int) -> Iterator[Detection]:
    """The value around a drawn run, where the name of a secret stands some words before it."""
    before = lower[max(0, at - _LOOKED_AT) : at]
    if not any(name in before for name in _NAMES):
        return
    rest = _REST_BACKWARDS.match(text[max(0, at - 400) : at][::-1])
    start = at - (rest.end() if rest else 0)
    named = _NAMED_BEFORE.search(lower, max(0, start - _LOOKED_AT), start)
    if not named or named["open"] or _NO_SECRET_BETWEEN.search(named["between"]):
        return
    value = _VALUE.match(text, start)
    if not value or _NAMES_OF_EVENTS.match(lower, start):
        return
    if is_key_like(value[0].replace(".", "").replace("=", "")[:128]):
        yield Detection("secret value", start, value.end())


def joined_or_compared(text: str, lower: str, start: int, end: int) -> Iterator[Detection]:
    """The secret that is joined to the name between two places, or compared with it."""
    is_name = not lower.endswith(_SERVICE, start, end)
    if is_name and lower[end : end + 1] in _JOINS and (match := _JOINED.match(lower, end)):
        value = text[match.start("value") : match.end("value")]
        if is_uuid(value) or is_drawn(value):
            yield Detection("secret value", match.start("value"), match.end("value"))
    before = max(0, start - _LOOKED_BACK)
    near = lower[max(0, start - 60) : start]
    if ("==" in near or "!=" in near or ".equals(" in near) and (
        match := _COMPARED.search(lower[before:start].rpartition("\n")[2])
    ):
        yield from _password(text, match, start - len(match.string))


def _password(text: str, match: re.Match[str], offset: int = 0) -> Iterator[Detection]:
    """The value of a match in the small letters of a text, where it is no word or name."""
    start, end = match.start("value") + offset, match.end("value") + offset
    if is_told_password(text[start:end]) or is_mixed(text[start:end]):
        yield Detection("password", start, end)
