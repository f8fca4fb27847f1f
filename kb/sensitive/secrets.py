"""Does a text hold a secret? Shapes of well-known keys, headers, addresses and assignments.

Each row of the table is found by a literal first, then by a pattern that begins with it: a text
without the literal costs one search. Every repetition is bounded, so the time is linear.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Detection:
    """Where a secret, or personal data, stands in a text, and what kind it is."""

    kind: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Shape:
    """A secret with a shape of its own: a literal that every one has, and the whole pattern.

    `head` are the first two characters of a literal that begins a word; empty where it does not.
    """

    kind: str
    literal: str
    pattern: re.Pattern[str]
    head: str = ""


def _shape(kind: str, literal: str, rest: str) -> _Shape:
    """A key that starts with a literal and is no part of a longer word."""
    pattern = re.compile(rf"(?<![A-Za-z0-9_]){re.escape(literal)}{rest}")
    return _Shape(kind, literal, pattern, head=literal[:2])


def _shapes(kind: str, literals: str, rest: str) -> tuple[_Shape, ...]:
    return tuple(_shape(kind, literal, rest) for literal in literals.split())


#: Shapes as the issuers document them, or as their own keys show. Order: the exact before the wide.
_SHAPES: tuple[_Shape, ...] = (
    *_shapes("AWS access key", "AKIA ASIA ABIA ACCA", r"[A-Z0-9]{16}(?![A-Za-z0-9])"),
    *_shapes("GitHub token", "ghp_ gho_ ghu_ ghs_ ghr_", r"[A-Za-z0-9]{36,255}"),
    _shape("GitHub token", "github_pat_", r"[A-Za-z0-9_]{40,255}"),
    *_shapes("GitLab token", "glpat- gldt- glrt- glptt- glcbt- gloas-", r"[\w-]{20,64}"),
    _shape("Anthropic key", "sk-ant-", r"[\w-]{20,200}"),
    *_shapes("OpenAI key", "sk-proj- sk-svcacct- sk-admin- sk-None-", r"[\w-]{20,200}"),
    _shape("OpenRouter key", "sk-or-", r"[\w-]{32,100}"),
    _shape("Langfuse key", "sk-lf-", r"[0-9a-f-]{30,40}"),
    _shape("Stripe key", "sk_live_", r"[A-Za-z0-9]{16,250}"),
    *_shapes("Stripe key", "rk_live_ sk_test_ rk_test_", r"[A-Za-z0-9]{16,250}"),
    _shape("Stripe webhook secret", "whsec_", r"[A-Za-z0-9+/=]{24,100}"),
    _shape("model provider key", "sk-", r"(?=[A-Za-z]{0,60}\d)[A-Za-z0-9]{20,100}(?![A-Za-z0-9-])"),
    *_shapes("Slack token", "xoxb- xoxp- xoxa- xoxr- xoxs- xoxe- xoxo-", r"[A-Za-z0-9-]{10,250}"),
    _shape("Slack token", "xapp-", r"\d-[A-Za-z0-9-]{10,250}"),
    _shape(
        "Slack webhook address", "hooks.slack.com/", r"(?:services|workflows)/[A-Za-z0-9/]{20,120}"
    ),
    _shape("Discord webhook address", "discord.com/api/webhooks/", r"\d{15,22}/[\w-]{40,100}"),
    _shape("Alibaba access key", "LTAI", r"[A-Za-z0-9]{20}(?![A-Za-z0-9])"),
    _Shape(
        "Azure client secret",
        "Q~",
        re.compile(r"(?<![\w~.-])[\w~.]{3}\dQ~[\w~.-]{31,34}(?![\w~.-])"),
    ),
    _shape("Google API key", "AIza", r"[\w-]{35}"),
    _shape("Google OAuth secret", "GOCSPX-", r"[\w-]{20,40}"),
    _shape("Google OAuth token", "ya29.", r"[\w-]{20,400}"),
    _shape("npm token", "npm_", r"[A-Za-z0-9]{36}"),
    _shape("PyPI token", "pypi-AgE", r"[\w-]{20,400}"),
    _shape("RubyGems key", "rubygems_", r"[0-9a-f]{48}"),
    _shape("Docker token", "dckr_pat_", r"[\w-]{20,60}"),
    *_shapes("Hugging Face token", "hf_ api_org_", r"[A-Za-z0-9]{30,60}"),
    _shape("SendGrid key", "SG.", r"[\w-]{16,32}\.[\w-]{32,64}"),
    _shape("Mailgun key", "key-", r"[0-9a-f]{32}(?![0-9A-Za-z])"),
    _shape("Twilio key", "SK", r"[0-9a-f]{32}(?![0-9A-Za-z])"),
    _shape("DigitalOcean token", "dop_v1_", r"[0-9a-f]{64}"),
    *_shapes("Shopify token", "shpat_ shpca_ shppa_ shpss_", r"[0-9a-fA-F]{32}"),
    _shape("Databricks token", "dapi", r"[0-9a-f]{32}"),
    *_shapes("LangSmith key", "lsv2_pt_ lsv2_sk_ ls__", r"[0-9a-f_]{32,60}"),
    _shape("Groq key", "gsk_", r"[A-Za-z0-9]{40,60}"),
    _shape("xAI key", "xai-", r"[A-Za-z0-9]{40,100}"),
    _shape("Perplexity key", "pplx-", r"[A-Za-z0-9]{32,60}"),
    _shape("Replicate token", "r8_", r"[A-Za-z0-9]{30,45}"),
    _shape("Pinecone key", "pcsk_", r"[\w-]{30,100}"),
    _shape("Tavily key", "tvly-", r"[\w-]{20,60}"),
    _shape("Linear key", "lin_api_", r"[A-Za-z0-9]{32,60}"),
    *_shapes("Notion token", "secret_ ntn_", r"(?=[A-Za-z]{0,30}\d)[A-Za-z0-9]{40,60}"),
    _shape("Figma token", "figd_", r"[\w-]{30,60}"),
    _shape("Atlassian token", "ATATT3", r"[\w=-]{50,250}"),
    _shape("Grafana token", "glsa_", r"[A-Za-z0-9]{32}_[0-9a-fA-F]{8}"),
    _shape("Grafana token", "glc_", r"[A-Za-z0-9+/=]{32,400}"),
    _shape("New Relic key", "NRAK-", r"[A-Z0-9]{27}"),
    *_shapes("Sentry token", "sntrys_ sntryu_", r"[\w+/=]{40,300}"),
    _shape("Doppler token", "dp.pt.", r"[A-Za-z0-9]{40,50}"),
    *_shapes("Vault token", "hvs. hvb.", r"[\w-]{24,200}"),
    _shape("Tailscale key", "tskey-", r"[\w-]{20,100}"),
    _shape("Supabase token", "sbp_", r"[0-9a-f]{40}"),
    _shape("Postman key", "PMAK-", r"[0-9a-f]{24}-[0-9a-f]{34}"),
    _shape("age secret key", "AGE-SECRET-KEY-1", r"[A-Z0-9]{58}"),
    _shape("1Password token", "ops_eyJ", r"[\w=+/-]{100,2000}"),
    _Shape(
        "JSON web token",
        "eyJ",
        re.compile(r"(?<![\w-])eyJ[\w-]{8,400}\.eyJ[\w-]{8,4000}\.[\w-]{8,1000}"),
    ),
    _Shape(
        "Azure storage key", "AccountKey=", re.compile(r"AccountKey=[A-Za-z0-9+/]{40,100}={0,2}")
    ),
    _Shape("signed Azure address", "sig=", re.compile(r"[?&]sig=[A-Za-z0-9%+/]{40,100}")),
    _Shape(
        "Telegram bot token", ":AA", re.compile(r"(?<![0-9A-Za-z])\d{8,10}:AA[\w-]{32,34}(?![\w-])")
    ),
    _Shape(
        "private key",
        "PRIVATE KEY",
        re.compile(
            r"-----BEGIN (?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----(?:\s|\\[nr]){0,20}"
            r"(?:[A-Za-z0-9+/=]{10}|Proc-Type|Version|Comment)"
        ),
    ),
)

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
#: The rest of a key that somebody blanked out by hand.
_BLANKED = re.compile(r"[xX0*._-]+")
_WORDS_ONLY = re.compile(r"(?:[A-Za-z]+|\d{1,4})(?:[-_.:/@+](?:[A-Za-z]+|\d{1,4})){0,40}$")


_HEAD = re.compile(r"(?<![A-Za-z0-9_])[A-Za-z]\S")


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


def without_overlaps(text: str, detections: Iterable[Detection]) -> Iterator[Detection]:
    """The detections that share no character with one before them."""
    taken: bytearray | None = None
    for found in detections:
        taken = bytearray(len(text)) if taken is None else taken
        if taken.find(1, found.start, found.end) < 0:
            taken[found.start : found.end] = b"\1" * (found.end - found.start)
            yield found


def shaped_secrets(text: str) -> Iterator[Detection]:
    """The secrets with a shape of their own: they are told without what stands around them."""
    # A key has no spaces and is long, and a text has few such words: literals are looked for there.
    words = "\n".join([word for word in text.split() if len(word) >= _SHORTEST_SHAPE])
    heads = {"", *_HEAD.findall(words)}
    for shape in [shape for shape in _SHAPES if shape.head in heads]:
        if shape.literal in (text if " " in shape.literal else words):
            for match in shape.pattern.finditer(text):
                body = match[0].removeprefix(shape.literal)
                if not _BLANKED.fullmatch(body):
                    yield Detection(shape.kind, match.start(), match.end())


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


_SHORTEST_SHAPE = 16
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
