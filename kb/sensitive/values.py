"""Whether a value looks drawn at random: no word, no name, no placeholder."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

#: Words that stand where a value belongs, alone or put together: `my-secret-password`.
_STAND_INS = (
    r"redacted|none|null|nil|true|false|todo|tbd|unknown|examples?|placeholder|change|me|dummy|fake"
    r"|sample|masked|hidden|removed|secrets?|tokens?|passwords?|passwd|passphrase|pass|pwd"
    r"|undefined|string|required|optional|your|my|some|the|super|top|new|old|here|value|test|key"
    r"|api|access|auth|db|database|root|admin|user|service|insert|replace|with|this|goes|not|real"
)
#: Whole values that are no secret: a password may well begin like one of them.
_PLACEHOLDER = re.compile(
    r"[xX*•.#_0-]+"
    r"|\$\{[^{}]*\}?|\$\([^()]*\)?|(?-i:\$(?:env:)?(?:[A-Z_][A-Z0-9_]*|[a-z_]+(?:[A-Z][a-z]+)*))"
    r"|%(?:\w{1,40}%|\(\w{1,40}\)?s?|[sdv])|[{<\[(].*|@[\w./-]*|.{0,8}(?:\.\.\.|…).{0,8}"
    rf"|(?:(?:{_STAND_INS})[-_. ]{{0,2}}){{1,12}}\d{{0,3}}"
    r"|(?:your|my|some|the|a|an|new|old)(?:[-_][A-Za-z]+){1,12}(?:[-_]\d{1,3})?"
    r"|\W?(?:\w{0,30}[_-])?redacted(?:[_-][\w-]{0,30})?\W?"
    r"|https?://.*|(?:os|process|env|config|settings|self|secrets|vault|kms|ssm|arn)[.:].*",
    re.IGNORECASE,
)
#: A path: of lower-case names, or of words; base64 may begin with a slash, too.
_PATH = re.compile(
    r"(?:~|\.{1,2})?(?:/(?:[a-z0-9_.@+-]*|[A-Za-z]{1,30}(?:[-_.][A-Za-z]{1,30}){0,8})){1,40}"
)
_WORDS_ONLY = re.compile(r"(?:[A-Za-z]+|\d{1,4})(?:[-_.:/@+](?:[A-Za-z]+|\d{1,4})){0,40}$")

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
#: The words in a name in camel case.
_CAMEL = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_LETTERS = re.compile(r"[A-Za-z]+")
#: Few English words have more letters, and none of them is an answer to "password".
_LONGEST_WORD = 16
#: Words in camel case have more letters each on average; of letters drawn at random, 2 or 3.
_LETTERS_PER_WORD = 3.5
#: Marks that stand in a password, and seldom within a word or a piece of code.
_MARKS = frozenset("$!#^~")
_SHORTEST_PASSWORD = 8
_SHORTEST_TOKEN = 16
#: Bits per character. Random hex of 32 characters has 3.4 to 3.9, English words in snake case
#: below 3.3 at that length; measured on the keys and the benign text of the tests.
_ENTROPY = 3.0


def is_placeholder(value: str) -> bool:
    """Whether all of a value stands for another one: `${TOKEN}`, `<your token>`, `changeme`."""
    return bool(_PLACEHOLDER.fullmatch(value) or _PATH.fullmatch(value))


def is_uuid(value: str) -> bool:
    """Whether a value is a UUID: names of sessions and requests, which open nothing."""
    return bool(_UUID.fullmatch(value))


def is_random(value: str, is_password: bool) -> bool:
    """Whether a value looks drawn rather than named: digits among letters, and high entropy."""
    value = value.rstrip(".:!?")
    shortest = _SHORTEST_PASSWORD if is_password else _SHORTEST_TOKEN
    if len(value) < shortest or is_placeholder(value) or _is_named(value):
        return False
    has_digit, has_letter = any(c.isdigit() for c in value), any(c.isalpha() for c in value)
    if is_password:
        return has_letter and (has_digit or value.isalpha() or not _MARKS.isdisjoint(value))
    return has_letter and (has_digit or value.isalpha()) and _entropy(value) > _ENTROPY


def _is_named(value: str) -> bool:
    """Whether it is made of words and short numbers, none of them too long to be one."""
    return bool(_WORDS_ONLY.match(value)) and all(map(_is_word, _LETTERS.findall(value)))


def _is_word(letters: str) -> bool:
    """Whether letters are a word, or words in camel case."""
    parts = _CAMEL.findall(letters)
    long_enough = len(letters) < _SHORTEST_TOKEN or len(letters) >= _LETTERS_PER_WORD * len(parts)
    return long_enough and max(map(len, parts)) <= _LONGEST_WORD


def _entropy(value: str) -> float:
    """Shannon entropy of the characters of a value, in bits per character."""
    counts = Counter(value).values()
    return -sum(n / len(value) * math.log2(n / len(value)) for n in counts)


@dataclass(frozen=True, slots=True)
class Detection:
    """Where a secret, or personal data, stands in a text, and what kind it is."""

    kind: str
    start: int
    end: int


def without_overlaps(text: str, detections: Iterable[Detection]) -> Iterator[Detection]:
    """The detections that share no character with one before them."""
    taken: bytearray | None = None
    for found in detections:
        taken = bytearray(len(text)) if taken is None else taken
        if taken.find(1, found.start, found.end) < 0:
            taken[found.start : found.end] = b"\1" * (found.end - found.start)
            yield found
