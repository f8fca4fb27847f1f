"""Does a text hold a secret? Well-known keys, and values that are told by what stands before them.

That is headers, addresses, assignments, command lines and cookies. A word is looked for first,
then the pattern around it. Every repetition is bounded, so the time is linear.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator

from kb.sensitive.detection import Detection, without_overlaps
from kb.sensitive.shapes import shaped_secrets

_HEADER = re.compile(
    r"\b(?:bearer\s{1,4}(?P<bearer>[\w.~+/=-]{16,4000})"
    r"|authorization[\"']?\s{0,4}[:=]\s{0,4}[\"']?(?:basic|token|bearer)\s{1,4}(?P<other>[\w.~+/=-]{8,4000}))",
    re.IGNORECASE,
)
_LOGIN = re.compile(r"://[^\s/:@\"'<>`\\]{0,64}:(?P<value>[^\s/@\"'<>`\\]{3,128})@(?=[\w\[])")
#: Names whose value is a secret, by the stem they are found by. `key` needs a word before it: an
#: idempotency key is none.
_STEMS = ("pass", "pwd", "secret", "token", "credential", "creds", "key")
_PASSWORD_STEMS = frozenset({"pass", "pwd"})
_KEY_BEFORE = re.compile(
    r"(?:api|access|private|signing|encryption|account|session|auth|master|webhook|license|secret"
    r"|subscription|consumer|service|deploy|admin|functions|shared|storage|role)[_ -]?$"
)
#: Tokens that are no secret: for pages of a list, for forms, for the public.
_OPEN_BEFORE = re.compile(r"(?:public|csrf|xsrf|page|next|continuation|cancellation|stop)[_ -]?$")
#: The rest of a name, unless it says that the value is something about the secret.
_REST_OF_NAME = re.compile(
    r"(?![\w-]{0,30}(?:name|id|ids|length|size|count|url|uri|type|hash|file|path|vault|store|expir\w*"
    r"|limit|usage|used|budget|per|version|ref|arn|scope|scopes|source)\b)"
    r"(?:words?|wd|phrase|code|s)?(?:[_-][\w-]{0,30}|[A-Z]\w{0,20}|\d{1,4})?(?!\w)",
    re.IGNORECASE,
)
_ASSIGNED = re.compile(
    r"(?:[\"'`*]{0,3}\s{0,3}(?::=|=>|\.=|==?|:|>)\s{0,3}|[\"'`],\s?(?=[\"'`])|\s{1,3}(?:is|was)\s{1,3})"
    r"[\"'`]{0,3}(?P<value>[^\s\"'`,;&<>{}()\[\]|\\]{8,256})"
)
#: `--password x`, `curl -u user:x`: on a command line a space is enough.
_ON_COMMAND_LINE = re.compile(
    r"\s(?:--?(?:password|passwd|pass|token|secret|api-key)[ =]"
    r"|(?:-u|--user)[ =][\"']?[\w.@%+-]{1,64}:)"
    r"[\"']?(?P<value>[^\s\"'`<>{}()|\\]{6,256})"
)
_COOKIE = re.compile(
    r"cookie[\"']?\s{0,3}[:=]\s{0,3}[\"']?(?P<value>[^\n\"']{16,2000})", re.IGNORECASE
)
_COOKIE_PAIR = re.compile(r"(?:^|;\s?)[\w.-]{1,60}=(?P<value>[^;\s]{16,1500})")

_PLACEHOLDER = re.compile(
    r"[xX*•.#_0-]+$|(?:[\$%@&{<\[(]|\.\.\.|…)|(?:your|my|some|the|a|an|new|old)[-_]"
    r"|(?:\w*_)?redacted|(?:none|null|nil|true|false|todo|tbd|unknown|example|placeholder|changeme"
    r"|change[-_]me|dummy|fake|sample|masked|hidden|removed|secret|token|password|passwd|pass|pwd"
    r"|undefined|string|required|optional)(?:$|[^A-Za-z0-9])|(?:https?://|/|\./|~/)"
    r"|(?:os|process|env|config|settings|self|secrets|vault|kms|ssm|arn)[.:]",
    re.IGNORECASE,
)
_WORDS_ONLY = re.compile(r"(?:[A-Za-z]+|\d{1,4})(?:[-_.:/@+](?:[A-Za-z]+|\d{1,4})){0,40}$")


def find_secrets(text: str, lower: str = "") -> Iterator[Detection]:
    """The secrets in a text, each stretch once, the most exact kind first.

    `lower` is the text in lower case, of the same length, where the caller has it already.
    """
    lower = lower or _lower(text)
    yield from without_overlaps(
        text,
        (
            *(*shaped_secrets(text), *_headers(text, lower), *_addresses(text)),
            *(*_assignments(text, lower), *_on_command_lines(text), *_cookies(text, lower)),
        ),
    )


def _lower(text: str) -> str:
    """A text in lower case of the same length: a capital I with a dot would become two letters."""
    return text.replace("İ", "I").lower()


def _headers(text: str, lower: str) -> Iterator[Detection]:
    if "bearer" not in lower and "authorization" not in lower:
        return
    for match in _HEADER.finditer(text):
        name = "bearer" if match["bearer"] else "other"
        value = match[name]
        random = any(c.isdigit() for c in value) or name == "other"
        if random and not _PLACEHOLDER.match(value):
            yield Detection("authorization header", match.start(name), match.end(name))


def _addresses(text: str) -> Iterator[Detection]:
    for match in _LOGIN.finditer(text):
        if not _PLACEHOLDER.match(match["value"]):
            yield Detection("address with a password", match.start("value"), match.end("value"))


def _assignments(text: str, lower: str) -> Iterator[Detection]:
    for stem in _STEMS:
        is_password = stem in _PASSWORD_STEMS
        at = lower.find(stem)
        while at >= 0:
            name = _REST_OF_NAME.match(text, at + len(stem))
            match = _ASSIGNED.match(text, name.end()) if name else None
            if match and _is_random(match["value"], is_password) and _is_secret(lower, stem, at):
                kind = "password" if is_password else "secret value"
                yield Detection(kind, match.start("value"), match.end("value"))
            at = lower.find(stem, at + len(stem))


def _is_secret(lower: str, stem: str, at: int) -> bool:
    """Whether what stands before a stem makes it the name of a secret."""
    before = lower[max(0, at - 14) : at]
    return bool(_KEY_BEFORE.search(before)) if stem == "key" else not _OPEN_BEFORE.search(before)


def _on_command_lines(text: str) -> Iterator[Detection]:
    flags = "--" in text and any(flag in text for flag in ("--pass", "--token", "--sec", "--api"))
    for match in _ON_COMMAND_LINE.finditer(text) if flags or "curl" in text else ():
        if _is_random(match["value"], is_password=True):
            yield Detection("password", match.start("value"), match.end("value"))


def _cookies(text: str, lower: str) -> Iterator[Detection]:
    at = lower.find("cookie")
    while at >= 0:
        match = _COOKIE.match(text, at)
        for pair in _COOKIE_PAIR.finditer(match["value"]) if match else ():
            if match and _is_random(pair["value"], is_password=False):
                start = match.start("value")
                yield Detection("cookie", start + pair.start("value"), start + pair.end("value"))
        at = lower.find("cookie", match.end() if match else at + len("cookie"))


def _is_random(value: str, is_password: bool) -> bool:
    """Whether a value looks drawn rather than named: digits among letters, and high entropy."""
    value = value.rstrip(".:!?")
    if _PLACEHOLDER.match(value) or _WORDS_ONLY.match(value):
        return False
    has_digit, has_letter = any(c.isdigit() for c in value), any(c.isalpha() for c in value)
    if is_password:
        return len(value) >= _SHORTEST_PASSWORD and has_digit and has_letter
    return len(value) >= _SHORTEST_TOKEN and has_letter and has_digit and _entropy(value) > _ENTROPY


_SHORTEST_PASSWORD = 8
_SHORTEST_TOKEN = 16
#: Bits per character. Random hex of 32 characters has 3.4 to 3.9, English words in snake case
#: below 3.3 at that length; measured on the keys and the benign text of the tests.
_ENTROPY = 3.0


def _entropy(value: str) -> float:
    """Shannon entropy of the characters of a value, in bits per character."""
    counts = Counter(value).values()
    return -sum(n / len(value) * math.log2(n / len(value)) for n in counts)


def masked(text: str) -> str:
    """The text with each secret blotted out, as long as before: for whoever shows a line."""
    for found in find_secrets(text):
        text = text[: found.start] + "•" * (found.end - found.start) + text[found.end :]
    return text
