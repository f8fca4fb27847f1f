"""Whether a value looks drawn at random: no word, no name, no placeholder."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from kb.lazy_regex import regex

#: Words that stand where a value belongs, alone or put together: `my-secret-password`.
_STAND_INS = (
    r"redacted|none|null|nil|true|false|todo|tbd|unknown|examples?|placeholder|change|me|dummy|fake"
    r"|sample|masked|hidden|removed|secrets?|tokens?|passwords?|passwd|passphrase|pass|pwd"
    r"|undefined|string|required|optional|your|my|some|the|super|top|new|old|here|value|test|key"
    r"|api|access|auth|db|database|root|admin|user|service|insert|replace|with|this|goes|not|real"
)
#: Whole values that are no secret: a password may well begin like one of them.
_PLACEHOLDER = regex(
    # a stretch of a template is closed: a password may well hold `#{` alone
    r"[xX*•.#_0-]+|.{0,40}(?:[$#%]\{[^{}]*\}|\{\{.*\}\}|\$\([^()]*\)).*"
    r"|\$\{[^{}]*\}?|\$\([^()]*\)?|(?-i:\$(?:env:)?(?:[A-Z_][A-Z0-9_]*|[a-z_]+(?:[A-Z][a-z]+)*))(?:/.*)?"
    r"|%(?:\w{1,40}%|\(\w{1,40}\)?s?|[sdv])|[{<\[(].*|@[\w./-]*|.{0,8}(?:\.\.\.|…).{0,8}"
    rf"|(?:(?:{_STAND_INS})[-_. ]{{0,2}}){{1,12}}\d{{0,3}}"
    r"|(?:your|my|some|the|a|an|new|old)(?:[-_][A-Za-z]+){1,12}(?:[-_]\d{1,3})?"
    r"|\W?(?:\w{0,30}[_-])?redacted(?:[_-][\w-]{0,30})?\W?"
    r"|https?://.*|(?:os|process|env|config|settings|self|secrets|vault|kms|ssm|arn)[.:].*"
    # a file, and what names an algorithm or a checksum
    r"|[\w./-]{1,80}\.(?:json|ya?ml|toml|md|txt|py|js|ts|tsx|go|rs|java|rb|sh|env|pem|key|crt|conf|cfg"
    r"|ini|html?|csv|log|lock|sql|xml|png|svg|gz|zip)"
    r"|(?:sha(?:1|256|384|512)|md5|blake2b)[-:=~].*"
    # how a field of a message is put on the wire
    r"|(?:bytes|varint|fixed(?:32|64)|zigzag(?:32|64)|group),\d{1,6},(?:opt|rep|req)\b.*",
    re.IGNORECASE,
)
#: What documentation writes within a key: `AKIAIOSFODNN7EXAMPLE`, `sk-your-key`, `…xxxx`.
_STAND_IN = regex(
    r"[xX0*._-]+|.*(?:example|x{6}|\*{3}|\.{3}|…|placeholder|redacted|your[-_]|dummy|changeme"
    r"|12345678|23456789|abcdefg|fakekey|0{12}|1{12}|testtest).*",
    re.IGNORECASE | re.DOTALL,
)
#: Twenty and more letters and digits, four of each and more.
_DRAWN = regex(r"(?=(?:[A-Za-z]*+[0-9]){4})(?=(?:[0-9]*+[A-Za-z]){4})[A-Za-z0-9]{20,128}={0,2}")
_FEWEST_CHARACTERS = 4  # different ones, in a key that was drawn
#: A path: of lower-case names, or of words; base64 may begin with a slash, too.
_PATH = regex(
    r"(?:~|\.{1,2})?(?:/(?:[a-z0-9_.@+-]*|[A-Za-z]{1,30}(?:[-_.][A-Za-z]{1,30}){0,8})){1,40}"
)
_WORDS_ONLY = regex(r"(?:[A-Za-z]+|\d{1,4})(?:[-_.:/@+](?:[A-Za-z]+|\d{1,4})){0,40}$")

_UUID = regex(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
#: The words in a name in camel case.
_CAMEL = regex(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_LETTERS = regex(r"[A-Za-z]+")
#: A number between the words of a name in code: `GetOauth2AccessToken`, `pkg.KeyV1_Other`.
_NUMBER_IN_NAME = regex(r"(?<=[A-Za-z])\d{1,2}(?=[A-Z][a-z]|[_.])")
#: A name in code: words, of which some have a number in them: `x509_auth`, `AsyncHttpx2Client`.
_IDENTIFIER = regex(
    r"_{0,2}(?:[A-Za-z]{0,16}(?:\d{1,4}[a-z]{0,12})?[_./:-]){1,12}"
    r"[A-Za-z]{0,20}(?:\d{1,4}[a-z]{0,12})?\(?"
    r"|(?:[A-Z][a-z]{2,14}(?:\d{1,3})?){2,8}"
)
#: Few English words have more letters, and none of them is an answer to "password".
_LONGEST_WORD = 16
#: Words in camel case have more letters each on average; of letters drawn at random, 2 or 3.
_LETTERS_PER_WORD = 3.5
#: Marks that stand in a password, and seldom within a word or a piece of code.
_MARKS = frozenset("$!#^~")
_SHORTEST_PASSWORD = 8
_SHORTEST_TOKEN = 16
_SHORTEST_TOLD = 6
_FEW_DIGITS = 2
_KEY_LIKE = regex(r"(?=[^a-z]{0,40}[a-z])(?=[^A-Z]{0,40}[A-Z])(?=\D{0,40}\d)[A-Za-z0-9_-]{24,128}")
#: Small and capital letters with two digits; or letters with digits in three places.
_SHORT_TOKEN = regex(
    r"(?=[^a-z]{0,22}[a-z])(?=[^A-Z]{0,22}[A-Z])(?=(?:\D{0,22}\d){2})[A-Za-z0-9+/_-]{12,23}={0,2}"
    r"|(?=(?:[^0-9]{0,14}[0-9]{1,6}[a-z]){2})(?=[a-z0-9]{0,14}[a-z]{2})[a-z0-9]{12,15}"
)
#: Small and capital letters and digits of base64, as keys of storage and queues are written.
_BASE64_KEY = regex(
    r"(?=[^a-z]{0,40}[a-z])(?=[^A-Z]{0,40}[A-Z])(?=\D{0,40}\d)[A-Za-z0-9+/]{40,128}={0,2}"
)
#: A short password: small and capital letters and a digit.
_MIXED = regex(
    r"(?=[^a-z]{0,30}[a-z])(?=[^A-Z]{0,30}[A-Z])(?=[^0-9]{0,30}[0-9])[A-Za-z0-9!@#$%^&*?~+_.-]{8,32}"
)
#: Bits per character: 24 characters drawn from 62 have 4.1 to 4.5.
_BARE_KEY_ENTROPY = 3.9
_PASSWORD_MARKS = frozenset("!@#$%^&*?~+=")
#: Words with digits that stand behind "password" in a sentence: algorithms, versions, dates, hosts.
_TECHNICAL = regex(
    r"^(?:sha|md[45]|pbkdf|bcrypt|argon|scrypt|hmac|aes|rsa|ed25519|ecdsa|base|utf|oauth|http|ldap"
    r"|tls|ssl|ipv|x509|pkcs|win|python|py|php|java|node|go|ruby|ntlm|krb|saml|cve-|ghsa|rfc|iso|gpt"
    r"|[-+#*/.@]|&\w{1,40}\.|.*pass(?:word)?\d|v?\d+[.:x])"
    r"|^\w+=|^[a-z]+,\d+$|://|\w/\w|\w\.\w{2,4}$|\w\(|^\d{1,4}[-/.]\d|=\w+\(|::|->|==",
    re.IGNORECASE,
)
#: Bits per character. Random hex of 32 characters has 3.4 to 3.9, English words in snake case
#: below 3.3 at that length; measured on the keys and the benign text of the tests.
_ENTROPY = 3.0


_MANY_SIGNS = 5  # different ones
_SOME_SIGNS = 3
_CODE = regex(r"\w\([\w\s.,]{0,40}\)|[$#%]\{|\{\{|://|</|->|=>|&&|\|\|")


def is_placeholder(value: str) -> bool:
    """Whether all of a value stands for another one: `${TOKEN}`, `<your token>`, `changeme`."""
    return bool(_PLACEHOLDER.fullmatch(value) or _PATH.fullmatch(value))


def is_stand_in(body: str) -> bool:
    """Whether what follows the prefix of a key was written by hand in place of a key."""
    return bool(_STAND_IN.fullmatch(body)) or (
        len(body) >= _SHORTEST_TOKEN and len(set(body)) < _FEWEST_CHARACTERS
    )


#: `K7QD2-XW9RZ-4LM8T-N5VB1-HC6Y3`, with letters and digits or with letters alone.
_PRODUCT_KEY = regex(r"(?=.*[A-Z])[A-Z0-9]{4,6}(?:-[A-Z0-9]{4,6}){3,6}")


def is_product_key(value: str) -> bool:
    """Whether a value is groups of capital letters and digits, as keys of products are."""
    return bool(_PRODUCT_KEY.fullmatch(value)) and not is_stand_in(value)


def is_uuid(value: str) -> bool:
    """Whether a value is a UUID: names of sessions and requests, which open nothing."""
    return bool(_UUID.fullmatch(value))


def is_random(value: str, is_password: bool) -> bool:
    """Whether a value looks drawn rather than named: digits among letters, and high entropy."""
    value = value.rstrip(".:" if is_password else ".:!?")
    shortest = _SHORTEST_PASSWORD if is_password else _SHORTEST_TOKEN
    if len(value) < shortest or "EXAMPLE" in value or is_placeholder(value) or _is_named(value):
        return False
    has_digit, has_letter = any(c.isdigit() for c in value), any(c.isalpha() for c in value)
    if is_password:
        return has_letter and (has_digit or value.isalpha() or not _MARKS.isdisjoint(value))
    if is_stand_in(value) or _is_named(_NUMBER_IN_NAME.sub("", value.lstrip("&*"))):
        return False
    drawn = has_letter and (has_digit or value.isalpha()) and not _IDENTIFIER.fullmatch(value)
    return drawn and _entropy(value) > _ENTROPY


def is_short_token(value: str) -> bool:
    """Whether a value too short for `is_random` has small and capital letters, and digits."""
    return (
        bool(_SHORT_TOKEN.fullmatch(value))
        and not _IDENTIFIER.fullmatch(value)
        and not is_placeholder(value)
        and not is_stand_in(value)
    )


def is_mixed(value: str) -> bool:
    """Whether a value of eight characters and more has small and capital letters and a digit."""
    return bool(_MIXED.fullmatch(value)) and not (
        _is_named(value)
        or _IDENTIFIER.fullmatch(value)
        or is_placeholder(value)
        or _TECHNICAL.search(value)
    )


def is_symbols(value: str) -> bool:
    """Whether a value mixes letters with many signs, as keys that are drawn do, and is no code."""
    signs = len({c for c in value if not c.isalnum()})
    if _CODE.search(value):
        return False
    if len(value) >= _SHORTEST_TOKEN:
        return signs >= _MANY_SIGNS and _entropy(value) > _BARE_KEY_ENTROPY
    kinds = (str.isdigit, str.islower, str.isupper)
    return signs >= _SOME_SIGNS and all(any(map(kind, value)) for kind in kinds)


def is_named(value: str) -> bool:
    """Whether a token is a name that somebody wrote: words between dashes, a name in code."""
    separated = "-" in value or "_" in value
    return separated and (_is_named(value) or bool(_IDENTIFIER.fullmatch(value)))


def is_told_password(value: str) -> bool:
    """Whether a word of a sentence is no word, name, number, address or file, but a password."""
    digits = sum(c.isdigit() for c in value)
    marks = sum(c in _PASSWORD_MARKS for c in value)
    if len(value) < (_SHORTEST_TOLD if marks and digits else _SHORTEST_PASSWORD):
        return False
    if not any(c.isalpha() for c in value) or not (digits >= _FEW_DIGITS or (digits and marks)):
        return False
    return not (
        is_placeholder(value) or is_uuid(value) or _is_named(value) or _TECHNICAL.search(value)
    )


def is_key_like(value: str) -> bool:
    """Whether a value has small and capital letters and digits, as drawn keys have."""
    return (
        bool(_KEY_LIKE.fullmatch(value))
        and is_random(value, is_password=False)
        and _entropy(value) > _BARE_KEY_ENTROPY
        and not is_stand_in(value)
    )


def is_base64_key(value: str) -> bool:
    """Whether a value is 30 bytes and more in base64, with a sign that letters and digits lack."""
    return (
        bool(_BASE64_KEY.fullmatch(value))
        and not value.isalnum()
        and is_random(value, is_password=False)
        and _entropy(value) > _BARE_KEY_ENTROPY
        and not is_stand_in(value)
    )


def is_drawn(value: str) -> bool:
    """Whether a value is letters and digits in no order, too long to be a name."""
    return (
        bool(_DRAWN.fullmatch(value))
        and is_random(value, is_password=False)
        and not is_stand_in(value)
    )


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
