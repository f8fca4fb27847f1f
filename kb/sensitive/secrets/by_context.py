"""Values that are secret because of what stands before them: headers, addresses, assignments.

Command lines and cookies, too. A word is looked for first, then the pattern around it. Every
repetition is bounded, so the time is linear. `lower` is the text in lower case, of equal length.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache

from kb.lazy_regex import regex
from kb.sensitive.personal_data import is_of_made_up_card
from kb.sensitive.secrets.in_code import joined_or_compared
from kb.sensitive.secrets.known_formats import vendors
from kb.sensitive.secrets.randomness import (
    Detection,
    is_base64_key,
    is_drawn,
    is_key_like,
    is_mixed,
    is_named,
    is_placeholder,
    is_product_key,
    is_random,
    is_short_token,
    is_stand_in,
    is_symbols,
    is_told_password,
    is_uuid,
)
from kb.sensitive.word_positions import long_words, matches_at, places

_HEADER = regex(
    r"\b(?:bearer\s{1,4}(?P<bearer>[\w.~+/=-]{16,4000})"
    r"|authorization[\"']?\s{0,4}[:=]\s{0,4}[\"']?(?:basic|token|bearer)\s{1,4}(?P<other>[\w.~+/=-]{8,4000}))",
    re.IGNORECASE,
)
_HEADER_NAMES = ("bearer", "authorization")
_LOGIN = regex(r"://(?P<user>[^\s/:\"'<>`\\]{0,64}):(?P<value>[^\s/\"'<>`\\]{3,128})@(?=[\w\[])")
#: Names whose value is a secret, by the stem they are found by. `key` needs a word before it: an
#: idempotency key is none.
_STEMS = ("pass", "pwd", "kennwort", "secret", "token", "cred", "auth", "key")
_PASSWORD_STEMS = frozenset({"pass", "pwd", "kennwort"})
#: `auth` is a service and a way, too: what a sentence says behind it is no value.
_UNTOLD = frozenset({"auth"})
_KEY_BEFORE = (
    *("api", "access", "private", "signing", "encryption", "account", "session", "auth", "master"),
    *("webhook", "license", "secret", "subscription", "consumer", "service", "deploy", "admin"),
    *("functions", "shared", "storage", "role", "authentication", "activation"),
)
#: `bypass` and other words that end in `pass`, and tokens that are no secret: for pages of a list,
#: for forms, for the public.
_OPEN_BEFORE = (
    *("by", "com", "tres", "sur", "public", "csrf", "xsrf", "page", "next", "continuation"),
    *("cancellation", "stop"),
)
_CAPITALS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_"
#: The rest of a name, unless it says that the value is something about the secret.
_REST_OF_NAME = regex(
    r"(?![\w-]{0,30}(?:name|id|ids|length|size|count|url|uri|type|hash|file|path|vault|store|expir\w*"
    r"|limit|usage|used|budget|per|version|ref|arn|scope|scopes|source|origin|provider|method|mode"
    # a token that is traded
    r"|address|balance|program|symbol|supply|decimals|mint)\b)"
    # A name goes on behind a capital in camel case only: `passWord`, and no PASSING_RUN.
    r"(?:words?|wd|wort|phrase|code|key|entials?|s|e)?"
    r"(?:[_-][\w-]{0,30}|(?-i:(?<=[a-z])[A-Z]\w{0,20})|\d{1,4})?(?!\w)",
    re.IGNORECASE,
)
_ASSIGNED = regex(
    # the end of the name, `["NAME"] =` and many spaces among them, and the end of its line, as in
    # a list of definitions; the sign, or a type and the sign (`var token string = "x"`); spaces
    r"(?:\\{0,3}[\"'`*]{0,3}\]?[^\S\n]{0,16}(?:\n[^\S\n]{0,3})?(?::{1,3}=|[.?+]=|=>|!==?|={1,3}"
    r"|:\s?[A-Za-z][\w.]{1,20}\s?=(?!=)|(?<!\s)\s{1,3}string\s{1,3}=|:|>|\|"
    r"|-(?=\s[\"'`]))\s{0,20}\\{0,3}"
    # `<Pass encoding="base64">x`, `key="Password" value="x"`
    r"|(?:\s[\w:.-]{1,20}=\"[^\"<>\n]{0,40}\"){1,3}\s?>\s{0,20}"
    r"|[\"']\s{1,4}value\s?=\s?(?=[\"'])"
    # `get("PASSWORD", "x")`, `get("PASSWORD") or "x"`, `CURLOPT_PASSWORD, "x"`, `variable "x" {`
    r"|(?:[\"'`]\s?|(?<=[A-Z])),\s?(?=[\"'`])"
    r"|[\"'`]\)?\s?(?:or|\|\||\?\?)\s(?=[\"'`])"
    r"|\"\s?\{\s{1,12}default\s{0,8}=\s?"
    r"|\s{1,3}(?:is|was)\s{1,3})"
    # a scheme before the value, in quotes or in the braces that Jenkins puts around a secret;
    # `@"x"`, `b'x'`
    r"(?:[\"'`]{1,3}[A-Za-z-]{3,20}\s|\{(?:[\w.-]{1,20}\s){0,3}"
    r"|(?:[@$bruL]{1,2}(?=[\"']))?[\"'`]{0,3}(?:(?<=[\"'`]) )?(?:base64:)?)"
    r"(?P<value>(?<=[\"'`])[^\s\"'`\\]{8,256}(?=[\"'`])|[^\s\"'`,;&<>{}()\[\]|\\]{8,256})"
)
#: A value that a sentence tells: `the password is now "x"`, `credentials admin / x`.
_TOLD = regex(
    r"(?:\s{1,3}(?:is|was|of|to|as|being|set|reset|changed|reads?|became|now|still|simply|just|be|will"
    r"|remains|remained|called|for|this|and|user|admin|root)(?=\s)){0,4}\s?[:=]?\s{1,3}"
    r"(?:[\"'`\u2018\u201c(]{0,2}[\w.@+-]{1,40}[\"'`]?\s{0,2}[/|:]\s{0,2})?"
    r"[\"'`\u2018\u201c(]{0,2}(?P<value>[^\s\"'`<>{}()\[\]|\\\u2019\u201d]{6,64})"
)
#: `log in with x`, `signed in as admin / x`.
_LOG_IN = regex(
    r"(?:log|logged|logging|sign|signed|signing)[ -]?(?:in|on)(?= (?:with|using|as|via|to)\b)"
)
_LOGS_IN = ("log", "sign")
_WITH = regex(
    r"(?: (?:to|with|using|as|via|the|user(?:name)?|account|password|credentials?)\b){1,4}"
)
_ABBREVIATED = regex(
    r"(?<![a-z0-9./-])(?:p/?w|ps{1,2}wo?r?d|pa(?:ss?)wo?r?d)(?![a-z0-9])",
)
_ABBREVIATIONS = ("pw", "p/w", "psw", "pssw", "pasw")
#: `PW:x`, without a space.
_ABBREVIATION_GIVEN = regex(_ABBREVIATED.pattern.replace("./-", "."))
_GIVEN_AT_ONCE = regex(r"\s?(?::=|[:=])\s?[\"'`]{0,2}(?P<value>[^\s\"'`<>{}()\[\]|\\,;]{6,64})")
#: A key by itself, where nothing says of what: `Key=…`, `using key …`.
#: A key of these is the name of a row, a file or an entry.
_OPEN_KEY_BEFORE = regex(
    r"(?:idempotency|cache|primary|foreign|partition|sort|pub|public|object|s3|dedupe|dedup|index|host|lookup"
    r"|composite|natural|unique|message|routing|group|range|hash|row|record|map|item|react|data|entity"
    r"|field|column|storage|snapshot|layer|chunk|translation|i18n|join|pgp|gpg)s?[ _-]?$"
)
_USING = regex(r"\busing (?:[\w.-]{1,30} ){0,3}$")
#: A value with a mark before it that gives it to a name; vendors' names are looked for before it.
_GIVEN = regex(r"[\n=:\"'`(](?P<value>[A-Za-z0-9+/_-]{20,128}+={0,2}+)(?=[\n\"'`),;])")
_SHORTEST_GIVEN = 20
_HAS_DIGITS = regex(r"\d\D{0,40}\d")
#: The name that a value is given to and what stands between, read from the value backwards.
_NAME_BACKWARDS = regex(
    r"[\"'`]{0,2}[^\S\n]{0,3}(?:>=|[:=]{1,2}|(?<=[\"'`])[( ]|\bsi\b|\bsaw\b)"
    r"[^\S\n]{0,3}[\"'`]{0,2}[\w. -]{3,}"
    r"|[^\S\n]{1,3}(?:yek|nekot|terces|ssecca|etavirp)[\w. -]{3,}"
)
#: What stands between the name of a vendor and the value.
_BETWEEN = regex(
    r"(?![^=:]{0,40}(?:\bids?\b|_id|name|sha|hash|commit|digest|integrity|checksum|version|\brev|ref\b"
    r"|etag|uuid|ur[il]|path|image|file|page|docs?\b|model|trace|span))"
    r"[\w. -]{0,40}[\"'`]{0,2}\s{0,3}"
    r"(?:=>|[:=]{1,2}|[( ](?=[\"'`])|\bis\b|\bwas\b|(?:key|token|secret|access|private)\s)"
    r"\s{0,3}[\"'`]{0,2}$"
)
#: What makes a UUID that is given to a vendor's name a key, and no name of a session.
_SAYS_SECRET = regex(r"key|token|secret|access|private")
_SHORTEST_TOLD_TOKEN = 16
_WORD_START = regex(r"(?<![a-z])[a-z0-9]")
_HEAD = 3  # letters of a name by which it is looked for; none has fewer
_LONGEST_NAME = 80  # characters before a value in which the name of a vendor is looked for
#: `--password x`, `curl -u user:x`: on a command line a space is enough.
_ON_COMMAND_LINE = regex(
    r"(?:(?<!\S)--?(?:[\w-]{1,20}[-_])?(?:password|passwd|pass|token|secret|api-key|bearer)[ =]"
    r"|(?<!\S)(?:-u|--user)[ =][\"']?[\w.@%+-]{0,64}:(?!//)|sshpass -p ?"
    r"|(?:docker|podman|helm registry) login [^\n]{0,200}?-p ?"
    r"|psexec(?:\.exe)? [^\n]{0,200}?-p "
    r"|convertto-securestring(?:\s-\w{1,12}){0,3}\s)"
    r"\\?[\"']?(?P<value>[^\s\"'`<>{}()|\\]{6,256})",
    re.IGNORECASE,
)
_FLAGS = ("--user", "pass", "token", "secret", "api-key", "bearer")
_COMMANDS = ("sshpass ", "psexec", "convertto-securestring")
#: What a flag begins with: two dashes, `-u`, or a name behind one dash, as programs in Go and
#: PowerShell have them. One look for all of them.
_FLAG = regex(r"-(?:-|u[ =]|(?:password|passwd|pass|token|secret|api-key|bearer) )")
_LOGINS = ("docker login", "podman login", "helm registry login")
#: Parameters of an address that let somebody in, and names of sessions as web servers have them.
#: After a semicolon it is the session of a page that anybody opened: search engines keep those.
_PARAMETER = regex(
    r"(?:[?&](?:key|code|auth|signature)"
    r"|(?<![A-Za-z0-9;])(?:session_?id|(?:php|j)sess(?:ion)?id|connect\.sid|asp\.net_sessionid))"
    r"=(?P<value>[^\s\"'`,;<>&|\\()\[\]{}]{20,500})",
    re.IGNORECASE,
)
#: Codes of a few digits, told by their names alone.
_CODE = regex(
    r"(?<![a-z])(?:(?P<card>cv[vc]2?)|otp|one[ _-]time[ _-](?:code|passcode|password))"
    r"[\"'`*]{0,3}\s{0,3}(?:[:=|]|is|was)\s{0,3}[\"'`]{0,3}(?P<value>\d{3,8})(?![\w.-])"
)
#: Codes that documentation and tests of payment write.
_EXAMPLE_CODES = frozenset(
    {"000", "100", "111", "123", "314", "321", "737", "999", "1234", "123456"}
)
_CODE_NAMES = ("cv", "otp", "one-time", "one time", "one_time")
#: Ends of their names, and how many characters may go before each.
_IN_ADDRESS: dict[str, tuple[int, ...]] = {
    "key=": (1,),
    "code=": (1,),
    "auth=": (1,),
    "signature=": (1,),
}
_SESSIONS: dict[str, tuple[int, ...]] = {
    "session_id=": (0,),
    "sessionid=": (0, len("j"), len("php"), len("asp.net_")),
    "sid=": (len("jses"), len("phpses"), len("connect.")),
}
_COOKIE = regex(r"cookie[\"']?\s{0,3}[:=]\s{0,3}[\"']?(?P<value>[^\n\"']{16,2000})", re.IGNORECASE)
_COOKIE_PAIR = regex(r"(?:^|;\s?)[\w.-]{1,60}=(?P<value>[^;\s]{16,1500})")


def named_secrets(text: str, lower: str) -> Iterator[Detection]:
    """The secrets told by what stands before them, the most exact kind first."""
    yield from _headers(text, lower)
    yield from _addresses(text)
    yield from _assignments(text, lower)
    yield from _parameters(text, lower)
    yield from _codes(lower)
    yield from _told_in_sentences(text, lower)
    yield from _vendors(text, lower)
    yield from _on_command_lines(text, lower)
    yield from _cookies(text, lower)


def _headers(text: str, lower: str) -> Iterator[Detection]:
    for match in matches_at(_HEADER, text, places(lower, _HEADER_NAMES)):
        name = "bearer" if match["bearer"] else "other"
        value = match[name]
        random = any(c.isdigit() for c in value) or name == "other"
        is_made_up = is_placeholder(value) or is_stand_in(value)
        if random and not is_made_up and not is_named(value):
            yield Detection("authorization header", match.start(name), match.end(name))


def _addresses(text: str) -> Iterator[Detection]:
    for match in _LOGIN.finditer(text):
        if not is_placeholder(match["value"]) and match["value"] != match["user"]:
            yield Detection("address with a password", match.start("value"), match.end("value"))


def _assignments(text: str, lower: str) -> Iterator[Detection]:
    for stem in _STEMS:
        at = lower.find(stem)
        while at >= 0:
            if _is_secret(lower, stem, at):
                end = at + len(stem)
                if stem != "auth" or not _NO_AUTH.match(text, end):
                    yield from _assignment(text, end, stem)
                yield from joined_or_compared(text, lower, at, end)
            elif stem == "key":
                yield from _bare_key(text, lower, at)
            at = lower.find(stem, at + len(stem))


#: What goes on behind `auth` where it is a service, a step or an image, and is given nothing: a row
#: `| auth | x |`, an arrow, a build `auth:0a1b…`.
_NO_AUTH = regex(
    r"[\w-]{0,40}[\"'`*]{0,3}\s{0,16}(?:[|>]"
    r"|:(?:[\w.]{1,30}-)?(?:[0-9a-f]{64}|[0-9a-f]{40})(?![\w-]))"
)


#: A header that Amazon's clients sign: the name of a key, which is a format of its own, and a
#: signature of this one call.
_KEY_OF_GPG = regex(r"[0-9A-F]{8,40}")
_SIGNED = "AWS4-HMAC-SHA256 Cred"


def _assignment(text: str, at: int, stem: str) -> Iterator[Detection]:
    """The value given to a name whose stem ends at `at`, or told after it."""
    is_password = stem in _PASSWORD_STEMS
    name = _REST_OF_NAME.match(text, at)
    match = _ASSIGNED.match(text, name.end()) if name else None
    if (match and _is_code(text, match.end())) or text.endswith(_SIGNED, 0, at):
        return
    if match and text.endswith("signingkey", 0, at) and _KEY_OF_GPG.fullmatch(match["value"]):
        return
    kind = "password" if is_password else "secret value"
    if match and _is_value(match["value"], is_password):
        yield Detection(kind, match.start("value"), match.end("value"))
    elif name and stem not in _UNTOLD and (hit := _TOLD.match(text, name.end())):
        yield from _if_password(hit, kind, shortest=0 if is_password else _SHORTEST_TOLD_TOKEN)


#: What stands before the first sign of a value that code has, too, and whether that is a call.
_HEAD_OF_VALUE = regex(
    r"(?P<head>[^(){}<>\[\];,&|]*)(?=[(){}<>\[\];,&|])(?P<call>\((?:$|[^)]*\)))?"
)


def _is_value(value: str, is_password: bool) -> bool:
    """Whether a value that is given to the name of a secret is one, or begins like one."""
    begun = _HEAD_OF_VALUE.match(value)
    if begun is None:
        return is_random(value, is_password) or is_short_token(value) or is_product_key(value)
    if is_told_password(value) or is_symbols(value):
        return True
    head = begun["head"]
    is_begun = is_random(head, is_password) or is_short_token(head)
    return is_begun and not begun["call"] and not is_placeholder(value)


def _is_code(text: str, end: int) -> bool:
    """Whether what ends there is called, or is a name that is given a value itself."""
    if text[end - 1] == "=":
        before = text[max(0, end - 40) : end - 1]
        return "_" in before[len(before.rstrip(_CAPITALS)) :]
    return text[end : end + 1] in {"(", "="}


def _if_password(match: re.Match[str], kind: str, shortest: int = 0) -> Iterator[Detection]:
    """The value of a sentence, where it looks like no word, number or name."""
    value = match["value"].rstrip(".,;:!?*_")
    if shortest and is_stand_in(value):
        return
    if len(value) >= shortest and is_told_password(value):
        start = match.start("value")
        yield Detection(kind, start, start + len(value))


def _bare_key(text: str, lower: str, at: int) -> Iterator[Detection]:
    """The value of a key that nothing known stands before, where it is long and of all characters.

    Where a log says that it is `using` the key, a value that looks drawn is enough.
    """
    end = at + len("key")
    match = _ASSIGNED.match(text, end + text[end : end + 1].isdigit())
    if not match or _OPEN_KEY_BEFORE.search(lower, max(0, at - 16), at):
        return
    value = match["value"]
    if _is_code(text, match.end()):
        return
    using = is_random(value, is_password=False) and _USING.search(lower, max(0, at - 80), at)
    joined = _is_joined(text, at) and (
        is_drawn(value) or is_short_token(value) or is_base64_key(value)
    )
    if using or joined or is_key_like(value):
        yield Detection("secret value", match.start("value"), match.end("value"))


def _is_joined(text: str, at: int) -> bool:
    """Whether `key` is the last part of a longer name: `acme_key`, `acmeKey`, `ACMEKEY`."""
    before, here = text[at - 1 : at], text[at : at + 1]
    return before in {"_", "-"} or (before.isalpha() and here.isupper())


def _told_in_sentences(text: str, lower: str) -> Iterator[Detection]:
    """Passwords told by a sentence without the word: `log in with x`, `pw x`."""
    for match in matches_at(_LOG_IN, lower, places(lower, _LOGS_IN)):
        words = _WITH.match(lower, match.end())
        if words and (hit := _TOLD.match(text, words.end())):
            yield from _if_password(hit, "password")
    abbreviated = places(lower, _ABBREVIATIONS)
    for match in matches_at(_ABBREVIATED, lower, abbreviated):
        if hit := _TOLD.match(text, match.end()):
            yield from _if_password(hit, "password")
    for match in matches_at(_ABBREVIATION_GIVEN, lower, abbreviated):
        given = _GIVEN_AT_ONCE.match(text, match.end())
        if given and is_mixed(given["value"]):
            yield Detection("password", given.start("value"), given.end("value"))
        elif given:
            yield from _if_password(given, "password")


def _vendors(text: str, lower: str) -> Iterator[Detection]:
    """Random values given to a name with that of a vendor whose keys have no shape."""
    at = 0
    words = [word for word in long_words(text) if len(word) >= _SHORTEST_GIVEN]
    for match in _GIVEN.finditer("\n".join(["", *words, ""])):
        value = match["value"]
        if not _HAS_DIGITS.search(value):
            continue
        at = text.find(value, at)
        name = _NAME_BACKWARDS.match(lower[max(0, at - _LONGEST_NAME) : at][::-1])
        if (
            name
            and (before := _vendor_before(lower[at - name.end() : at]))
            and is_random(value, is_password=False)
            and (not is_uuid(value) or _SAYS_SECRET.search(before) or _is_name_alone(before))
            and not is_stand_in(value)
        ):
            yield Detection("secret value", at, at + len(value))


def _is_name_alone(before: str) -> bool:
    """Whether only a sign and marks stand between the name of a vendor and what it is given."""
    return before.rstrip(" :=>\"'`") in _all_vendors()


@lru_cache(maxsize=1)
def _all_vendors() -> frozenset[str]:
    return frozenset(vendors())


def _vendor_before(before: str) -> str:
    """From the name of a vendor on what stands before a value that is given to it; or nothing."""
    names = _vendors_by_head()
    for word in _WORD_START.finditer(before):
        at = word.start()
        for name in names.get(before[at : at + _HEAD], ()):
            if before.startswith(name, at) and _BETWEEN.match(before, at + len(name)):
                return before[at:]
    return ""


@lru_cache(maxsize=1)
def _vendors_by_head() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name in vendors():
        found.setdefault(name[:_HEAD], []).append(name)
    return found


def _is_secret(lower: str, stem: str, at: int) -> bool:
    """Whether what stands before a stem makes it the name of a secret."""
    end = at - 1 if lower[at - 1 : at] in {"_", " ", "-"} else at
    if stem == "key":
        return lower.endswith(_KEY_BEFORE, 0, end)
    return not lower.endswith(_OPEN_BEFORE, 0, end)


def _parameters(text: str, lower: str) -> Iterator[Detection]:
    # Most records have no such sign at all: one look, in place of one for each name.
    if "=" not in lower:
        return
    names = _IN_ADDRESS if "?" in lower or "&" in lower else {}
    names = {**names, **_SESSIONS} if "id=" in lower else names
    found = ((at, before) for end, before in names.items() for at in places(lower, (end,)))
    starts = sorted(at - n for at, before in found for n in before if at >= n)
    for match in matches_at(_PARAMETER, text, starts):
        if is_random(match["value"], is_password=False) and not is_uuid(match["value"]):
            yield Detection("secret value", match.start("value"), match.end("value"))


def _codes(lower: str) -> Iterator[Detection]:
    for match in matches_at(_CODE, lower, places(lower, _CODE_NAMES)):
        is_made_up = match["card"] and is_of_made_up_card(lower, match.start())
        if is_made_up or match["value"] in _EXAMPLE_CODES:
            continue
        kind = "card security code" if match["card"] else "one-time code"
        yield Detection(kind, match.start("value"), match.end("value"))


def _on_command_lines(text: str, lower: str) -> Iterator[Detection]:
    starts = places(lower, _COMMANDS)
    if " login " in lower:
        starts += places(lower, _LOGINS)
    starts += _flags(lower)
    for match in matches_at(_ON_COMMAND_LINE, text, sorted(starts)):
        if is_random(match["value"], is_password=True):
            yield Detection("password", match.start("value"), match.end("value"))


def _flags(lower: str) -> Iterator[int]:
    """Where flags begin that may stand before a secret; `-u` alone says little."""
    found = [m for m in _FLAG.finditer(lower) if not lower[m.start() - 1 : m.start()].strip()]
    if not found:
        return
    has_flags = "--" in lower and any(flag in lower for flag in _FLAGS)
    has_user = has_flags or "curl" in lower
    for match in found:
        if {"-": has_flags, "u": has_user}.get(match[0][1], True):
            yield match.start()


def _cookies(text: str, lower: str) -> Iterator[Detection]:
    at = lower.find("cookie")
    while at >= 0:
        match = _COOKIE.match(text, at)
        for pair in _COOKIE_PAIR.finditer(match["value"]) if match else ():
            if match and is_random(pair["value"], is_password=False):
                start = match.start("value")
                yield Detection("cookie", start + pair.start("value"), start + pair.end("value"))
        at = lower.find("cookie", match.end() if match else at + len("cookie"))
