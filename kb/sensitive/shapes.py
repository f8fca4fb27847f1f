"""Secrets that have a shape of their own, by the literal every one of them has.

A text without the literal costs next to nothing: it is looked for in long words only, and the
whole pattern after it. Every repetition is bounded, so the time is linear.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from kb.sensitive.named import long_words, named_secrets
from kb.sensitive.values import Detection, without_overlaps


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
    """A key that starts with a literal, at the start of a word or after `_`: `charge_ghp_…`."""
    pattern = re.compile(rf"(?<![A-Za-z0-9]){re.escape(literal)}{rest}")
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
    # Its first part is the number of an account, in base64.
    *_shapes(
        "Discord token", "MT Mj Mz ND NT Nj Nz OD OT", r"[\w-]{20,26}\.[\w-]{6}\.[\w-]{27,40}"
    ),
    *_shapes("Square token", "sq0atp- sq0csp- sq0idp-", r"[\w-]{20,60}"),
    _shape("Square token", "EAAA", r"[\w-]{56,70}(?![\w-])"),
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
            r"-----BEGIN (?:[A-Z0-9]{1,12} ){0,3}PRIVATE KEY(?: BLOCK)?-----(?:[\s>|]|\\[nr]){0,20}"
            r"(?:[A-Za-z0-9+/=]{10}|Proc-Type|Version|Comment)"
        ),
    ),
)

#: The rest of a key that somebody blanked out by hand.
_BLANKED = re.compile(r"[xX0*._-]+")
#: The first two characters of each word: most literals are ruled out by them.
_HEAD = re.compile(r"(?<![A-Za-z0-9])[A-Za-z]\S")


def shaped_secrets(text: str) -> Iterator[Detection]:
    """The secrets with a shape of their own: they are told without what stands around them."""
    # A key has no spaces and is long, and a text has few such words: literals are looked for there.
    long = "\n".join(long_words(text))
    heads = {"", *_HEAD.findall(long)}
    for shape in [shape for shape in _SHAPES if shape.head in heads]:
        if shape.literal in (text if " " in shape.literal else long):
            for match in shape.pattern.finditer(text):
                body = match[0].removeprefix(shape.literal)
                if not _BLANKED.fullmatch(body):
                    yield Detection(shape.kind, match.start(), match.end())


def find_secrets(text: str, lower: str = "") -> Iterator[Detection]:
    """The secrets in a text, each stretch once, the most exact kind first.

    `lower` is the text with its ASCII letters in lower case, where the caller has it already.
    """
    lower = lower or _lower(text)
    found = (*shaped_secrets(text), *named_secrets(text, lower))
    yield from without_overlaps(text, found)


def _lower(text: str) -> str:
    """A text with its ASCII letters in lower case, so that every character stays in its place."""
    return text.encode("utf-8", "surrogatepass").lower().decode("utf-8", "surrogatepass")


def masked(text: str) -> str:
    """The text with each secret blotted out, as long as before: for whoever shows a line."""
    for found in find_secrets(text):
        text = text[: found.start] + "•" * (found.end - found.start) + text[found.end :]
    return text
