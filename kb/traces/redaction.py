"""Replaces secrets and people in a run by stable placeholders before anything is written.

The whole run is looked through first, decoded: JSON within JSON, keys, numbers, and pieces of a
text that stand in a list one after the other. Only then is it rewritten, so that a password that
was told by its name in one place is also taken out where it stands without one.
A value has one placeholder in a run, `REDACTED_EMAIL_1`: calls that were equal stay equal.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import lru_cache

from kb.errors import KbError
from kb.sensitive.decoded_layers import decoded_layers
from kb.sensitive.personal_data import find_personal_data
from kb.sensitive.secrets.find_secrets import find_secrets
from kb.terminal import plain
from kb.traces.run import Placeholder

#: Kind of a detection to the word in its placeholder; everything else is a SECRET.
_WORDS = {
    "e-mail address": "EMAIL",
    "phone number": "PHONE",
    "card number": "CARD",
    "bank account number": "ACCOUNT",
    "social security number": "ID",
    "national identity number": "ID",
    "IP address": "IP",
    "account of a person": "USER",
}
_MADE_OF_DIGITS = frozenset({"phone number", "IP address"})
#: Kinds that are told by what stands before them: their values are looked for everywhere else.
_TOLD_BY_CONTEXT = frozenset(
    {"password", "secret value", "authorization header", "address with a password", "named secret"}
)
#: Keys whose value is a secret whatever it looks like; of dotted and dashed names the last part.
_SECRET_KEY = re.compile(
    r"(?:^|[._\s-])(?:authorization|x[_-]?api[_-]?key|api[_-]?key|apikey|passw(?:or)?d|passphrase"
    r"|(?:client|app|consumer|shared|signing)[_-]?secret|secret(?:[_-]?(?:key|access[_-]?key))?"
    r"|(?:access|refresh|auth|bearer|id|session|bot|private|personal[_-]access)[_-]?token"
    r"|private[_-]?key|pwd|otp|cv[vc]2?|(?:set-)?cookie|credentials?|x-amz-security-token|x-goog-api-key)$",
    re.IGNORECASE,
)
#: Keys that make a random value a secret, as the assignment `token: …` does in a text.
_HINT = re.compile(
    r"pass|pwd|secret|token|credential|key"
    # and those that make digits the number of a person
    r"|phone|tel|mobile|fax|ssn|social|account|iban|forwarded|ip\b|addr",
    re.IGNORECASE,
)
#: A working folder, which `pwd` names, too.
_FOLDER = re.compile(r"(?:~|[A-Za-z]:)?[/\\].*")
_LONGEST_ASSIGNED = 4096
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_IS_PLACEHOLDER = re.compile(
    r"\s*(?:Bearer |Basic )?(?:REDACTED_[A-Z]+_\d+|\[?redacted\]?|[*x•.]+)\s*$", re.IGNORECASE
)
_SCHEME = re.compile(r"\s*(?:Bearer|Basic|Token|Bot)\s+(?=\S)", re.IGNORECASE)
#: The folder of a person's account. Accounts of machines and containers are nobody's.
_HOME = re.compile(
    r"(?<![\w.-])(?:(?:/mnt)?(?:/[a-z])?/Users/|/home/|[A-Za-z]:\\{1,4}Users\\{1,4})"
    r"([A-Za-z0-9][\w.-]{1,40})"
)
_NOBODY = frozenset(
    {"shared", "public", "default", "user", "users", "runner", "root", "ubuntu", "node", "app"}
    | {
        "vscode",
        "codespace",
        "admin",
        "agent",
        "build",
        "ci",
        "docker",
        "ec2-user",
        "git",
        "gitpod",
    }
    | {
        "jenkins",
        "jovyan",
        "sandbox",
        "test",
        "vagrant",
        "worker",
        "www-data",
        "work",
        "oai",
        "dev",
    }
)
_SHORTEST = 6
_ENDS_SENTENCE = ".,;:!?"
_SHORTEST_NAMED_SECRET = 4
_CARD_CODE = re.compile(r"\d{3}")
#: Texts this short are often repeated, and what was found in them is remembered.
_REMEMBERED_LENGTH = 200


@dataclass(frozen=True)
class DetectedSpan:
    """A value that must go: where it stands in its text, its kind, and the value, decoded."""

    start: int
    end: int
    kind: str
    value: str


class Redactor:
    """The placeholders of one run: `look` at every text first, then `rewrite` each.

    `key` makes fingerprints, so that two runs can be laid side by side without the values.
    `allow` are values, or patterns of values, that stay.
    """

    def __init__(self, key: bytes | None = None, allow: Iterable[str] = ()) -> None:
        self._key = key
        self._allow = tuple(word.casefold() for word in allow)
        self._kept: set[str] = set()
        self._names: dict[tuple[str, str], str] = {}
        self._counts: dict[str, int] = {}
        self._found: dict[str, tuple[DetectedSpan, ...]] = {}
        self._clean: set[str] = set()
        self._told: dict[str, str] = {}
        self._anywhere: re.Pattern[str] | None = None

    @property
    def kept(self) -> int:
        """How many different values stay because they are allowed."""
        return len(self._kept)

    def look(self, text: str) -> bool:
        """Find what must go from a text, and remember it. Whether there is anything."""
        if len(text) < _SHORTEST or text in self._clean:
            return False
        if text not in self._found:
            is_short = len(text) <= _REMEMBERED_LENGTH
            spans = _found_in_short(text) if is_short else _find(text)
            found = tuple(f for f in spans if not self._is_allowed(f.value))
            if not found:
                if is_short:
                    self._clean.add(text)
                return False
            self._found[text] = found
            for one in found:
                self._name(one.kind, one.value)
        return True

    def look_named(self, key: str, text: str) -> bool:
        """Find what must go from a value because of the key it stands under."""
        is_short = len(text) < _SHORTEST_NAMED_SECRET and not _CARD_CODE.fullmatch(text)
        if is_short or _IS_PLACEHOLDER.match(text):
            return False
        found = _secret_under_key(key, text)
        if found is None or self._is_allowed(found.value):
            return False
        self._name(found.kind, found.value)
        self._found[text] = (found,)
        self._clean.discard(text)
        return True

    def rewrite(self, text: str) -> str:
        """The text with placeholders; only texts that were looked at are rewritten."""
        found = self._found.get(text)
        if found:
            text = self._with_placeholders(text, found)
        if self._told and len(text) >= _SHORTEST_NAMED_SECRET:
            text = self._pattern().sub(self._placeholder_of_match, text)
        return text

    def redacted(self, text: str) -> str:
        """A text that stands alone, with placeholders."""
        self.look(text)
        return self.rewrite(text)

    def placeholders(self) -> tuple[Placeholder, ...]:
        """What was replaced, in the order it was found; never the values."""
        return tuple(
            Placeholder(
                name=name,
                kind=kind,
                count=self._counts.get(name, 0),
                fingerprint=self._hmac(kind, value),
            )
            for (kind, value), name in self._names.items()
            if self._counts.get(name)
        )

    def _with_placeholders(self, text: str, found: tuple[DetectedSpan, ...]) -> str:
        pieces, at = [], 0
        for one in sorted(found, key=lambda one: one.start):
            name = self._name(one.kind, one.value)
            self._counts[name] = self._counts.get(name, 0) + 1
            pieces += [text[at : one.start], name]
            at = one.end
        return "".join([*pieces, text[at:]])

    def _placeholder_of_match(self, match: re.Match[str]) -> str:
        name = self._told[match[0]]
        self._counts[name] = self._counts.get(name, 0) + 1
        return name

    def _pattern(self) -> re.Pattern[str]:
        if self._anywhere is None:
            words = sorted(self._told, key=len, reverse=True)
            self._anywhere = re.compile("|".join(map(re.escape, words)))
        return self._anywhere

    def _name(self, kind: str, value: str) -> str:
        """The placeholder of a value; a new one is numbered within its word."""
        word = _WORDS.get(kind, "SECRET")
        plain = value.casefold() if word == "EMAIL" else value
        # One value may be told in two ways; a secret is the same secret however it was found.
        key = (kind if word != "SECRET" else "secret", plain)
        if key not in self._names:
            number = 1 + sum(name.startswith(f"REDACTED_{word}_") for name in self._names.values())
            self._names[key] = f"REDACTED_{word}_{number}"
        if kind in _TOLD_BY_CONTEXT:
            for told in (value, value.rstrip(_ENDS_SENTENCE)):  # "The password is hunter22."
                if len(told) >= _SHORTEST and told not in self._told:
                    self._told[told] = self._names[key]
                    self._anywhere = None
        return self._names[key]

    def _is_allowed(self, value: str) -> bool:
        folded = value.casefold()
        if any(folded == word or fnmatchcase(folded, word) for word in self._allow):
            self._kept.add(folded)
            return True
        return False

    def _hmac(self, kind: str, value: str) -> str:
        if self._key is None:
            return ""
        told = f"{kind}\0{value}".encode("utf-8", errors="replace")
        return hmac.new(self._key, told, hashlib.sha256).hexdigest()[:16]


def is_secret_key(key: str) -> bool:
    """Whether a value under this key is a secret by its name."""
    return len(key) < 100 and bool(_SECRET_KEY.search(_CAMEL.sub("_", key)))  # noqa: PLR2004 - a name


def _secret_under_key(key: str, text: str) -> DetectedSpan | None:
    """What of a value is a secret under that key: all of it, or what an assignment would show."""
    if is_secret_key(key) and not (key.lower().endswith("pwd") and _FOLDER.fullmatch(text)):
        scheme = _SCHEME.match(text)
        start = scheme.end() if scheme else 0
        whole = DetectedSpan(start, len(text), "named secret", text[start:])
        return whole if whole.value else None
    if len(text) > _LONGEST_ASSIGNED or not _HINT.search(key):
        return None
    before = f"{key}: "
    for found in (*find_secrets(before + text), *find_personal_data(before + text)):
        start, end = found.start - len(before), found.end - len(before)
        if start >= 0:
            return DetectedSpan(start, end, found.kind, text[start:end])
    return None


@lru_cache(maxsize=16_384)
def _found_in_short(text: str) -> tuple[DetectedSpan, ...]:
    """The same for a short text, which other runs hold as well: the name of a tool, a role."""
    return tuple(_find(text))


def _find(text: str) -> Iterator[DetectedSpan]:
    """Everything in a text that must go, no stretch twice."""
    taken: list[tuple[int, int]] = []
    for found in _candidates(text):
        start, end = found.start, found.end
        if start < end and not any(start < t_end and t_start < end for t_start, t_end in taken):
            taken.append((start, end))
            yield found


def _candidates(text: str) -> Iterator[DetectedSpan]:
    for start, end, kind in _open(text):
        yield DetectedSpan(start, end, kind, text[start:end])
    for reading in decoded_layers(text):
        # A number after `=` is the number of something; one that was encoded there may be a phone.
        values = reading.text.replace("=", " ").replace("&", " ")
        for start, end, kind in (*_open(reading.text), *_people(values)):
            here, there = reading.stretch(start, end)
            # A word with more in it than the value is another value: unequal calls stay unequal.
            only = reading.says_only(start, end)
            yield DetectedSpan(
                here, there, kind, reading.text[start:end] if only else text[here:there]
            )


def _open(text: str) -> Iterator[tuple[int, int, str]]:
    """What stands in a text as itself."""
    for found in find_secrets(text):
        end = _end_of_key(text, found.start) if found.kind == "private key" else found.end
        yield found.start, end, found.kind
    yield from _people(text)
    yield from _homes(text)


def _people(text: str) -> Iterator[tuple[int, int, str]]:
    for found in find_personal_data(text):
        # `%209.1.0.70` is a space and a version: the number is looked at where it is decoded.
        before = text[max(0, found.start - 2) : found.start]
        if found.kind not in _MADE_OF_DIGITS or "%" not in before:
            yield found.start, found.end, found.kind


def _homes(text: str) -> Iterator[tuple[int, int, str]]:
    if "/Users/" in text or "/home/" in text or "Users\\" in text:
        for match in _HOME.finditer(text):
            if match[1].lower() not in _NOBODY and "REDACTED" not in match[1]:
                yield match.start(1), match.end(1), "account of a person"


def _end_of_key(text: str, start: int) -> int:
    """The end of a private key's block: what is between the lines is the secret."""
    end = text.find("-----END", start)
    close = text.find("-----", end + len("-----END")) if end >= 0 else -1
    return close + len("-----") if close >= 0 else len(text)


def safe_text(text: str) -> str:
    """A text fit for a message to a person: on one line, secrets and people replaced."""
    redactor = Redactor()
    redactor.look(text)
    return plain(redactor.rewrite(text))


def safe_path(path: str) -> str:
    """A path with secrets and people in the names of its folders and of its file replaced.

    The folder of an account stays: whoever reads the message is that person.
    """
    redactor = Redactor()
    return "/".join(safe_name(name, redactor) for name in path.split("/"))


def safe_name(name: str, redactor: Redactor) -> str:
    """The name of a file with the placeholders of a redactor, also where an ending hides a mail."""
    redactor.look(name)
    stem, dot, ending = redactor.rewrite(name).rpartition(".")
    redactor.look(stem)
    return redactor.rewrite(stem) + dot + ending


def safe_error(error: KbError) -> KbError:
    """The same fault, its place fit to be shown."""
    return KbError(error.what, where=safe_path(error.where), todo=error.todo)
