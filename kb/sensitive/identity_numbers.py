"""Numbers that a state gives a person, told by their check digits.

A number that many others look like needs its name within 40 characters before it. A name alone, or
digits alone, are none. Sources are named beside each check.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from kb.lazy_regex import regex
from kb.sensitive.secrets.randomness import Detection

KIND = "national identity number"
_SHORTEST_FORMED = 9  # characters of one up to a slash or a letter
_REST = 13  # characters behind digits that may belong to the number, and the one after it
_SEPARATORS = regex(r"[ .\u00a0/-]")
_VERHOEFF_D = (
    *("0123456789", "1234067895", "2340178956", "3401289567", "4012395678"),
    *("5987604321", "6598710432", "7659821043", "8765932104", "9876543210"),
)
_VERHOEFF_P = (
    *("0123456789", "1576283094", "5803796142", "8916043527"),
    *("9453126870", "4286573901", "2793806415", "7046913258"),
)


def _weighted(digits: str, weights: tuple[int, ...]) -> int:
    return sum(int(digit) * weight for digit, weight in zip(digits, weights, strict=False))


def _luhn(digits: str) -> bool:
    doubled = (int(digit) * (1 + at % 2) for at, digit in enumerate(reversed(digits)))
    return sum(n - 9 if n > 9 else n for n in doubled) % 10 == 0  # noqa: PLR2004 - ISO 7812


def _nhs(n: str) -> bool:
    """United Kingdom, NHS number: modulus 11 (NHS data dictionary)."""
    return 11 - _weighted(n, tuple(range(10, 1, -1))) % 11 == (int(n[9]) or 11)


def _aadhaar(n: str) -> bool:
    """India, Aadhaar: Verhoeff (UIDAI); the first digit is 2 or more."""
    check = 0
    for at, digit in enumerate(reversed(n)):
        check = int(_VERHOEFF_D[check][int(_VERHOEFF_P[at % 8][int(digit)])])
    return check == 0 and n[0] not in "01"


def _dni(n: str) -> bool:
    """Spain, DNI and NIE: the letter of the remainder by 23 (Ministerio del Interior)."""
    digits = n[:-1].translate(str.maketrans("XYZ", "012"))
    return "TRWAGMYFPDXBNJZSQVHLCKE"[int(digits) % 23] == n[-1]


def _codice_fiscale(n: str) -> bool:
    """Italy, codice fiscale: the letter of the sum by 26 (decree of 23 December 1976)."""
    odd = "BAKPLCQDREVOSFTGUHMINJWZYX"
    odds = {c: odd.index(c) for c in odd}
    values = [int(c) if c.isdigit() else ord(c) - 65 for c in n]
    total = sum(values[at] for at in range(1, 15, 2))
    total += sum(odds[chr(65 + values[at])] for at in range(0, 15, 2))
    return chr(65 + total % 26) == n[15]


def _insee(n: str) -> bool:
    """France, INSEE number: 97 less the remainder by 97; Corsica has a letter."""
    body = n[:13].replace("2A", "19").replace("2B", "18")
    return body.isdigit() and 97 - int(body) % 97 == int(n[13:])


def _steuer_id(n: str) -> bool:
    """Germany, Steuer-ID: ISO 7064 modulus 11, 10; one digit of ten occurs twice or thrice."""
    product = 10
    for digit in n[:10]:
        product = (((int(digit) + product) % 10 or 10) * 2) % 11
    counts = sorted(n[:10].count(d) for d in set(n[:10]))
    return n[0] != "0" and counts[-1] in {2, 3} and (11 - product) % 10 == int(n[10])


def _cpf(n: str) -> bool:
    """Brazil, CPF: two digits of modulus 11 (Receita Federal)."""
    return len(set(n)) > 1 and all(
        _weighted(n, tuple(range(size + 1, 1, -1))) * 10 % 11 % 10 == int(n[size])
        for size in (9, 10)
    )


def _cnpj(n: str) -> bool:
    """Brazil, CNPJ: two digits of modulus 11 (Receita Federal)."""
    weights = (6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2)
    return len(set(n)) > 1 and all(
        11 - (_weighted(n, weights[13 - size :]) % 11 or 11) in {int(n[size]), int(n[size]) + 10}
        or (_weighted(n, weights[13 - size :]) % 11 < 2 and n[size] == "0")  # noqa: PLR2004
        for size in (12, 13)
    )


def _bsn(n: str) -> bool:
    """Netherlands, BSN: the sum with the last digit subtracted, by 11 (RvIG)."""
    return len(set(n)) > 1 and _weighted(n, (9, 8, 7, 6, 5, 4, 3, 2, -1)) % 11 == 0


def _pesel(n: str) -> bool:
    """Poland, PESEL: weights 1, 3, 7, 9 by 10 (gov.pl)."""
    return _weighted(n, (1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1)) % 10 == 0 and len(set(n)) > 1


def _personnummer(n: str) -> bool:
    """Sweden, personnummer: Luhn on the last ten digits (Skatteverket)."""
    short = n[-10:]
    return _luhn(short) and 1 <= int(short[2:4]) <= 12 and 1 <= int(short[4:6]) % 60 <= 31  # noqa: PLR2004


def _resident_id(n: str) -> bool:
    """China, resident identity number: ISO 7064 modulus 11, 2 (GB 11643)."""
    weights = tuple(2 ** (17 - at) % 11 for at in range(17))
    return "10X98765432"[_weighted(n[:17], weights) % 11] == n[17]


@dataclass(frozen=True)
class _Number:
    """How a number is written, its check, and the names one of which it needs before it."""

    pattern: re.Pattern[str]
    check: Callable[[str], bool]
    names: tuple[str, ...] = ()


def _number(pattern: str, check: Callable[[str], bool], *names: str) -> _Number:
    return _Number(regex(rf"(?<![\w-])(?:{pattern})(?![\w-])"), check, names)


_NAMED = (
    _number(r"\d{3}[ -]?\d{3}[ -]?\d{4}", _nhs, "nhs"),
    _number(r"\d{4}[ -]?\d{4}[ -]?\d{4}", _aadhaar, "aadhaar", "aadhar", "uidai"),
    _number(r"\d{8}-?[A-Z]|[XYZ]-?\d{7}-?[A-Z]", _dni, "dni", "nie", "nif"),
    _number(r"\d{2}[ ]?\d{3}[ ]?\d{3}[ ]?\d{3}", _steuer_id, "steuer-id", "steuerid", "idnr",
            "steueridentifikationsnummer", "steuer-identifikationsnummer", "german tax id"),
    _number(r"[12]\d{2}(?:0[1-9]|1[0-2])(?:\d{2}|2[AB])\d{6}(?:\d{2})", _insee, "insee",
            "sécurité sociale", "securite sociale", "nir"),
    _number(r"\d{11}", _cpf, "cpf"),
    _number(r"\d{14}", _cnpj, "cnpj"),
    _number(r"\d{9}", _bsn, "bsn", "burgerservicenummer", "sofinummer"),
    _number(r"\d{11}", _pesel, "pesel"),
    _number(r"(?:19|20)?\d{6}[-+]?\d{4}", _personnummer, "personnummer"),
    _number(r"\d{3}[ -]?\d{3}[ -]?\d{3}", _luhn, "social insurance number"),
)  # fmt: skip
#: Their form and their check digits are enough.
_FORMED = (
    _number(r"\d{2}\.\d{3}\.\d{3}/\d{4}-\d{2}", _cnpj),
    _number(r"[1-9]\d{5}(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:[0-2]\d|3[01])\d{3}[\dX]", _resident_id),
    _number(r"\d{3}\.\d{3}\.\d{3}-\d{2}", _cpf),
    _number(r"[12] \d{2} (?:0[1-9]|1[0-2]) (?:\d{2}|2[AB]) \d{3} \d{3} \d{2}", _insee),
)
_CODICE = _number(r"[A-Z]{6}\d{2}[A-EHLMPRST]\d{2}[A-Z]\d{3}[A-Z]", _codice_fiscale)
_LETTERS_OF_CODICE = 6
#: What follows the first digit of it, by which it is told from other digits.
REST_OF_CODICE = "[0-9][A-EHLMPRST][0-9]{2}[A-Z][0-9]{3}[A-Z]"
_NAMES = {name: number for number in _NAMED for name in number.names}
_NAME = regex(rf"(?<![a-z])(?:{'|'.join(sorted(map(re.escape, _NAMES), reverse=True))})(?![a-z])")
#: The longest word of each name: a text without one has no name.
_WORD = regex(r"[a-z]+")
_NAME_WORDS = frozenset(max(_WORD.findall(name), key=len) for name in _NAMES)


def tax_codes(text: str, start: int) -> Iterator[Detection]:
    """The Italian tax code whose first digit stands at `start`."""
    yield from _numbers_in(_CODICE, text, max(0, start - _LETTERS_OF_CODICE), start + 11)


def national_numbers(text: str, start: int, end: int, before: str) -> Iterator[Detection]:
    """The numbers around digits that stand from `start` to `end`: told by a name, or their form.

    `before` are the 40 characters before them in lower case.
    """
    if not _NAME_WORDS.isdisjoint(_WORD.findall(before)):
        for name in _NAME.finditer(before):
            yield from _numbers_in(_NAMES[name[0]], text, max(0, start - 2), end + 3)
    if end - start >= _SHORTEST_FORMED:
        for number in _FORMED:
            yield from _numbers_in(number, text, start, end + _REST)


def _numbers_in(number: _Number, text: str, start: int, end: int) -> Iterator[Detection]:
    for match in number.pattern.finditer(text, start, min(end, len(text))):
        if number.check(_SEPARATORS.sub("", match[0])):
            yield Detection(KIND, match.start(), match.end())
