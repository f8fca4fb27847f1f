"""Does a value look drawn at random? It does where it is no word, no name and no placeholder."""

from __future__ import annotations

import math
import re
from collections import Counter

PLACEHOLDER = re.compile(
    r"[xX*•.#_0-]+$|(?:[\$%@&{<\[(]|\.\.\.|…)|(?:your|my|some|the|a|an|new|old)[-_]"
    r"|(?:\w*_)?redacted|(?:none|null|nil|true|false|todo|tbd|unknown|example|placeholder|changeme"
    r"|change[-_]me|dummy|fake|sample|masked|hidden|removed|secret|token|password|passwd|pass|pwd"
    r"|undefined|string|required|optional)(?:$|[^A-Za-z0-9])|(?:https?://|/|\./|~/)"
    r"|(?:os|process|env|config|settings|self|secrets|vault|kms|ssm|arn)[.:]",
    re.IGNORECASE,
)
_WORDS_ONLY = re.compile(r"(?:[A-Za-z]+|\d{1,4})(?:[-_.:/@+](?:[A-Za-z]+|\d{1,4})){0,40}$")

_SHORTEST_PASSWORD = 8
_SHORTEST_TOKEN = 16
#: Bits per character. Random hex of 32 characters has 3.4 to 3.9, English words in snake case
#: below 3.3 at that length; measured on the keys and the benign text of the tests.
_ENTROPY = 3.0


def is_random(value: str, is_password: bool) -> bool:
    """Whether a value looks drawn rather than named: digits among letters, and high entropy."""
    value = value.rstrip(".:!?")
    if PLACEHOLDER.match(value) or _WORDS_ONLY.match(value):
        return False
    has_digit, has_letter = any(c.isdigit() for c in value), any(c.isalpha() for c in value)
    if is_password:
        return len(value) >= _SHORTEST_PASSWORD and has_digit and has_letter
    return len(value) >= _SHORTEST_TOKEN and has_letter and has_digit and _entropy(value) > _ENTROPY


def _entropy(value: str) -> float:
    """Shannon entropy of the characters of a value, in bits per character."""
    counts = Counter(value).values()
    return -sum(n / len(value) * math.log2(n / len(value)) for n in counts)
