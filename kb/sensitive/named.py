"""Values that are secret because of what stands before them: headers, addresses, assignments.

Command lines and cookies, too. A word is looked for first, then the pattern around it. Every
repetition is bounded, so the time is linear. `lower` is the text in lower case, of equal length.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from kb.sensitive.values import Detection, is_placeholder, is_random, is_uuid

_HEADER = re.compile(
    r"\b(?:bearer\s{1,4}(?P<bearer>[\w.~+/=-]{16,4000})"
    r"|authorization[\"']?\s{0,4}[:=]\s{0,4}[\"']?(?:basic|token|bearer)\s{1,4}(?P<other>[\w.~+/=-]{8,4000}))",
    re.IGNORECASE,
)
_LOGIN = re.compile(r"://[^\s/:@\"'<>`\\]{0,64}:(?P<value>[^\s/\"'<>`\\]{3,128})@(?=[\w\[])")
#: Names whose value is a secret, by the stem they are found by. `key` needs a word before it: an
#: idempotency key is none.
_STEMS = ("pass", "pwd", "secret", "token", "credential", "creds", "key")
_PASSWORD_STEMS = frozenset({"pass", "pwd"})
_KEY_BEFORE = (
    *("api", "access", "private", "signing", "encryption", "account", "session", "auth", "master"),
    *("webhook", "license", "secret", "subscription", "consumer", "service", "deploy", "admin"),
    *("functions", "shared", "storage", "role"),
)
#: Tokens that are no secret: for pages of a list, for forms, for the public.
_OPEN_BEFORE = ("public", "csrf", "xsrf", "page", "next", "continuation", "cancellation", "stop")
#: The rest of a name, unless it says that the value is something about the secret.
_REST_OF_NAME = re.compile(
    r"(?![\w-]{0,30}(?:name|id|ids|length|size|count|url|uri|type|hash|file|path|vault|store|expir\w*"
    r"|limit|usage|used|budget|per|version|ref|arn|scope|scopes|source)\b)"
    r"(?:words?|wd|phrase|code|s)?(?:[_-][\w-]{0,30}|[A-Z]\w{0,20}|\d{1,4})?(?!\w)",
    re.IGNORECASE,
)
_ASSIGNED = re.compile(
    r"(?:[\"'`*]{0,3}\s{0,3}(?::=|=>|\.=|==?|:|>|\|)\s{0,3}|[\"'`],\s?(?=[\"'`])|\s{1,3}(?:is|was)\s{1,3})"
    r"[\"'`]{0,3}(?P<value>[^\s\"'`,;&<>{}()\[\]|\\]{8,256})"
)
#: `--password x`, `curl -u user:x`: on a command line a space is enough.
_ON_COMMAND_LINE = re.compile(
    r"\s(?:--?(?:password|passwd|pass|token|secret|api-key)[ =]"
    r"|(?:-u|--user)[ =][\"']?[\w.@%+-]{1,64}:)"
    r"[\"']?(?P<value>[^\s\"'`<>{}()|\\]{6,256})"
)
#: Parameters of an address that let somebody in, and names of sessions as web servers have them.
#: After a semicolon it is the session of a page that anybody opened: search engines keep those.
_PARAMETER = re.compile(
    r"(?:[?&](?:key|code|auth|signature)"
    r"|(?<![A-Za-z0-9;])(?:session_?id|(?:php|j)sess(?:ion)?id|connect\.sid|asp\.net_sessionid))"
    r"=(?P<value>[^\s\"'`,;<>&|\\()\[\]{}]{20,500})",
    re.IGNORECASE,
)
#: Codes of a few digits, told by their names alone.
_CODE = re.compile(
    r"(?<![a-z])(?:(?P<card>cv[vc]2?)|otp|one[ _-]time[ _-](?:code|passcode|password))"
    r"[\"'`*]{0,3}\s{0,3}(?:[:=|]|is|was)\s{0,3}[\"'`]{0,3}(?P<value>\d{3,8})(?![\w.-])"
)
_CODE_NAMES = ("cvv", "cvc", "otp", "one-time", "one time", "one_time")
_PARAMETER_NAMES = ("key=", "code=", "auth=", "signature=", "sid=", "sessionid=", "session_id=")
_COOKIE = re.compile(
    r"cookie[\"']?\s{0,3}[:=]\s{0,3}[\"']?(?P<value>[^\n\"']{16,2000})", re.IGNORECASE
)
_COOKIE_PAIR = re.compile(r"(?:^|;\s?)[\w.-]{1,60}=(?P<value>[^;\s]{16,1500})")


def named_secrets(text: str, lower: str) -> Iterator[Detection]:
    """The secrets told by what stands before them, the most exact kind first."""
    yield from _headers(text, lower)
    yield from _addresses(text)
    yield from _assignments(text, lower)
    yield from _parameters(text, lower)
    yield from _codes(lower)
    yield from _on_command_lines(text)
    yield from _cookies(text, lower)


def _headers(text: str, lower: str) -> Iterator[Detection]:
    if "bearer" not in lower and "authorization" not in lower:
        return
    for match in _HEADER.finditer(text):
        name = "bearer" if match["bearer"] else "other"
        value = match[name]
        random = any(c.isdigit() for c in value) or name == "other"
        if random and not is_placeholder(value):
            yield Detection("authorization header", match.start(name), match.end(name))


def _addresses(text: str) -> Iterator[Detection]:
    for match in _LOGIN.finditer(text):
        if not is_placeholder(match["value"]):
            yield Detection("address with a password", match.start("value"), match.end("value"))


def _assignments(text: str, lower: str) -> Iterator[Detection]:
    for stem in _STEMS:
        at = lower.find(stem)
        while at >= 0:
            if _is_secret(lower, stem, at):
                yield from _assignment(text, at + len(stem), is_password=stem in _PASSWORD_STEMS)
            at = lower.find(stem, at + len(stem))


def _assignment(text: str, at: int, *, is_password: bool) -> Iterator[Detection]:
    """The value given to a name whose stem ends at `at`."""
    name = _REST_OF_NAME.match(text, at)
    match = _ASSIGNED.match(text, name.end()) if name else None
    if match and is_random(match["value"], is_password):
        kind = "password" if is_password else "secret value"
        yield Detection(kind, match.start("value"), match.end("value"))


def _is_secret(lower: str, stem: str, at: int) -> bool:
    """Whether what stands before a stem makes it the name of a secret."""
    end = at - 1 if lower[at - 1 : at] in {"_", " ", "-"} else at
    if stem == "key":
        return lower.endswith(_KEY_BEFORE, 0, end)
    return not lower.endswith(_OPEN_BEFORE, 0, end)


def _parameters(text: str, lower: str) -> Iterator[Detection]:
    # Most records have no such sign at all: one look, in place of one for each name.
    if "=" not in lower or not any(name in lower for name in _PARAMETER_NAMES):
        return
    for match in _PARAMETER.finditer(text):
        if is_random(match["value"], is_password=False) and not is_uuid(match["value"]):
            yield Detection("secret value", match.start("value"), match.end("value"))


def _codes(lower: str) -> Iterator[Detection]:
    for match in _CODE.finditer(lower) if any(name in lower for name in _CODE_NAMES) else ():
        kind = "card security code" if match["card"] else "one-time code"
        yield Detection(kind, match.start("value"), match.end("value"))


def _on_command_lines(text: str) -> Iterator[Detection]:
    flags = "--" in text and any(flag in text for flag in ("--pass", "--token", "--sec", "--api"))
    for match in _ON_COMMAND_LINE.finditer(text) if flags or "curl" in text else ():
        if is_random(match["value"], is_password=True):
            yield Detection("password", match.start("value"), match.end("value"))


def _cookies(text: str, lower: str) -> Iterator[Detection]:
    at = lower.find("cookie")
    while at >= 0:
        match = _COOKIE.match(text, at)
        for pair in _COOKIE_PAIR.finditer(match["value"]) if match else ():
            if match and is_random(pair["value"], is_password=False):
                start = match.start("value")
                yield Detection("cookie", start + pair.start("value"), start + pair.end("value"))
        at = lower.find("cookie", match.end() if match else at + len("cookie"))


#: Fewer characters hold neither a key nor, encoded, ten digits.
SHORTEST = 15


@lru_cache(maxsize=1)  # one text is looked through for several things in turn
def long_words(text: str) -> tuple[str, ...]:
    """The words between white space that may hold a secret, in their order."""
    return tuple([word for word in text.split() if len(word) >= SHORTEST])
