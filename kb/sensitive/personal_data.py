"""Personal data: mail addresses, phone, card, account and identity numbers, IP addresses.

What is reserved for documentation is allowed: RFC 2606 names, RFC 5737 and RFC 3849 addresses;
so are addresses of roles, and placeholders. Every repetition is bounded: the time is linear.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Iterator

from kb.lazy_regex import regex
from kb.sensitive.identity_numbers import REST_OF_CODICE, national_numbers, tax_codes
from kb.sensitive.secrets.randomness import Detection, without_overlaps

_LOCAL_BEFORE = regex(r"(?<![\w.%+*-])[\w.%+'-]{1,64}$")
_HOST_AFTER = regex(r"(?:[\w-]{1,63}\.){1,6}(?P<top>[^\W\d_]{2,24})(?![\w@-])")
_LONGEST_LOCAL = 64  # RFC 5321, section 4.5.3.1.1
_AT_SPELLED = regex(r"[\[({<] ?(?:at|AT) ?[\])}>] ?")
#: All brackets become square ones, and the letters small: one look is enough for each spelling.
_TO_BRACKETS = bytes.maketrans(b"({<)}>AT", b"[[[]]]at")
_DOT_SPELLED = regex(r" ?[\[({<] ?(?:dot|DOT) ?[\])}>] ?| (?:dot|DOT) ")
_HOST_SPELLED = regex(
    r"[\w-]{1,63}(?:(?:\.| ?[\[({<] ?(?:dot|DOT) ?[\])}>] ?| (?:dot|DOT) )[\w-]{1,63}){1,5}"
)
_USER_OF_ADDRESS = regex(r"://(?:[^\s/]{0,80}|[^\s?#&=]{0,80}/)$")
#: RFC 2606 and RFC 6761, and names that leave no private network.
_RESERVED_TOPS = frozenset({"test", "example", "invalid", "localhost", "local", "internal", "lan"})
_RESERVED_HOSTS = regex(r"(?:^|\.)(?:example\.(?:com|org|net|edu)|users\.noreply\.github\.com)$")
#: `icon@2x.png` is no address: these are no domains.
_FILE_ENDINGS = frozenset(
    {"png", "jpg", "jpeg", "gif", "svg", "webp", "ico", "js", "ts", "jsx", "tsx", "go"}
    | {"json", "yml", "yaml", "toml", "lock", "css", "html", "txt", "log", "gz", "tgz"}
    | {"whl", "service", "socket", "timer"}
)
#: Endings that are domains, too: a file where a version or a branch stands before them.
_FILES_OR_DOMAINS = frozenset({"md", "py", "rs", "sh", "zip", "pl", "cc", "ps"})
_VERSION_OR_BRANCH = regex(r"v?\d|(?:main|master|head|latest|next|stable|develop)\.")
#: RFC 2142 mailboxes and their like: they reach a desk, not a person.
_ROLES = frozenset(
    {"accounts", "careers", "conduct", "community", "customerservice", "donotreply", "do-not-reply"}
    | {"enquiries", "events", "hr", "inquiries", "jobs", "maintainers", "office", "partners", "pr"}
    | {"psirt", "cert", "report", "reports", "secure", "vulnerabilities", "vuln", "status", "tech"}
    | {"opensource", "oss", "organizers", "feedback", "developer", "developers", "hi", "trust"}
    | {"abuse", "admin", "alerts", "announce", "billing", "bot", "bugs", "ci", "compliance"}
    | {"contact", "dev", "devops", "feedback", "git", "hello", "help", "helpdesk", "hostmaster"}
    | {"info", "legal", "list", "mail", "mailer-daemon", "marketing", "media", "news", "noc"}
    | {"newsletter", "noreply", "no-reply", "notifications", "on-call", "oncall", "ops", "orders"}
    | {"postmaster", "press", "privacy", "refunds", "reply", "root", "sales", "security", "sre"}
    | {"service", "support", "sysadmin", "system", "team", "user", "username", "webmaster"}
)

#: What a desk is called by: `binder-team`, `it-support`.
_DESKS = frozenset(
    {"alerts", "bot", "bugs", "ci", "devops", "help", "helpdesk", "list", "news"}
    | {"newsletter", "noreply", "notifications", "oncall", "ops", "sales", "security", "sre"}
    | {"support", "team", "announce", "dev", "discuss", "maintainers", "organizers", "users"}
)
#: Whoever has a mailbox there is a person, whatever comes before the last part of its name.
_FREE_MAIL = regex(
    r"(?:gmail|googlemail|outlook|hotmail|live|yahoo|icloud|aol|gmx|web|proton|protonmail|qq|163)"
    r"\.[a-z.]{2,6}"
)

_PHONE = regex(
    r"(?<![\w.+/=#&-])(?:"
    r"\+\d{1,3}[ .-]?(?:\(\d{1,4}\)[ .-]?)?\d{1,5}(?:[ .-]\d{2,8}){1,5}"  # +49 30 901820
    r"|\+[1-9]\d{9,14}"  # +14155550132
    r"|(?:1[ .-])?\([2-9]\d\d\) ?[2-9]\d\d[ .-]\d{4}"  # (415) 555-0132
    r"|(?:1[.-])?[2-9]\d\d(?P<mark>[.-])[2-9]\d\d(?P=mark)\d{4}"  # 415-555-0132
    r")(?![\w%-]|[.,:]\d)"
)
_PHONE_NAME_BEFORE = regex(
    r"(?<![a-z])(?:phone|telephone|tel|mobile|cell|fax|whatsapp)(?:[ _-]?(?:number|no))?"
    r"[\"'*]{0,3}(?:\s{0,2}[.:=|]{1,2}\s{0,2}|\s(?:is|was)\s)[\"'(+]{0,2}$"
)
#: Before a number as one dials it within a country, with a zero in front, a word is enough.
_DIALLED_BEFORE = regex(
    r"(?<![a-z])(?:phone|phoned|telephone|tel|mobile|cell|fax|whatsapp|call|called|calling|dial|ring"
    r"|rang|text|texted|sms|handy|mobil|telefon)(?: (?:me|us|him|her|them|back))?(?: (?:at|on))?\s$"
)
_DIALLED = regex(r"0[1-9]\d{1,4}[ /-]?\d[\d -]{4,10}\d")
_CARD = regex(
    r"(?:(?<![\w.,+-])|(?<=pan_|ard_|_cc_))\d(?:[ .\u00a0\u202f-]?\d){12,18}(?![\w-]|[.,]\d)"
)
#: Issuer prefixes with their lengths: American Express, Diners, Visa, Mastercard, Maestro-like
#: Discover and JCB. Thirteen-digit numbers are times in milliseconds more often than cards.
_ISSUER = regex(
    r"3[47]\d{13}|3(?:0[0-5]|[68]\d)\d{11}|4\d{15}|4\d{18}|5[1-5]\d{14}"
    r"|2(?:2[2-9]|[3-6]\d|7[01])\d{13}|2720\d{12}|6(?:011|5\d\d|4[4-9]\d)\d{12}|35(?:2[89]|[3-8]\d)\d{12}"
)
_MARK = r"[ .\u00a0\u202f-]"
_GROUPED = regex(
    rf"\d{{4}}({_MARK})\d{{4}}\1\d{{4}}\1\d{{4}}(?:\1\d{{3}})?|\d{{4}}({_MARK})\d{{6}}\2\d{{4,5}}|\d+"
)
_IBAN = regex(r"[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?![A-Za-z0-9])")
#: In lower case a hash may look like one: countries with the length of their numbers.
_IBAN_COUNTRIES = {
    **{"at": 20, "be": 16, "ch": 21, "cz": 24, "de": 22, "dk": 18, "es": 24, "fi": 18, "fr": 27},
    **{"gb": 22, "ie": 22, "it": 27, "nl": 18, "no": 15, "pl": 28, "pt": 25, "se": 24},
}
_SMALL_IBAN = regex(r"(?<![\w-])[a-z]{2}\d{2}(?: ?[a-z0-9]{4}){2,7}(?: ?[a-z0-9]{1,3})?(?![\w-])")
_ACCOUNT_BEGINS = regex(r"[A-Za-z]{2}\d\d ?[A-Za-z0-9]{4}")
_GIVES = r"[\"'*]{0,3}\s{0,2}(?:[.:=|#]{1,2}|is)\s{0,2}[\"']{0,2}"
#: Names before digits that say whose they are.
_NAMED_NUMBER = regex(
    r"(?<![a-z])(?:(?P<social>ssn|social[ _-]security(?:[ _-](?:number|no))?)"
    rf"|(?:bank[ _-]?)?account[ _-]?(?:number|no)|iban){_GIVES}$"
)
_SOCIAL_SECURITY = regex(r"(?<![\w.-])(?!000|666|9)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\w-]|\.\d)")
_IP4 = regex(r"(?<![\w.\-+])(?:\d{1,3}\.){3}\d{1,3}(?![\w-]|\.\d)")
#: A colon after the first four digits, and the one that follows: rarer than four digits.
_IN_IP6 = regex(r":(?<=[23][0-9a-fA-F]{3}:)[0-9a-fA-F]{0,4}:")
_IP6 = regex(r"[23][0-9a-fA-F]{3}(?::[0-9a-fA-F]{0,4}){2,7}(?![\w:])")
#: Where digits stand closely enough to be a number of seven or more; dates are told at once.
#: Or digits of an Italian tax code: one reading of the text finds both.
_DIGITS = regex(rf"[0-9](?:[0-9 .()\u00a0\u202f-]{{5,}}[0-9]|(?P<code>{REST_OF_CODICE}))")
_DATE = regex(r"(?:19|20)\d\d-\d\d-\d\d(?: \d\d?)?")
_BEFORE = 40  # characters before digits in which a name is looked for
_LONGEST_PHONE_NAME = 30
#: Signs that give digits to a name, with the end of `is` and `was`, and how far before them.
_GIVING = frozenset(".:=|#s")
_LONGEST_GIVING = 5
_SHORTEST_CARD = 13  # digits
_CARD_BEFORE, _CARD_BEHIND = 200, 100  # characters around a security code in which its card stands
_NAME_BEFORE = 20  # characters before a number in which a name of cards stands
_CARD_NAME = regex(
    r"(?<![a-z])(?:card|cc|pan|visa|mastercard|amex)(?![a-z])|card[ _-]?(?:no|number)"
)
_SHORTEST_LOCAL = 12  # 415-555-0132
_MARGIN = 4  # characters around digits that decide what they are
_VERSION_BEFORE = regex(r"(?:version|release|build|v|==|@|~|\^)[\s:=\"']{0,3}$", re.IGNORECASE)
#: Headers and fields that hold an address and no version.
_ADDRESS_BEFORE = regex(
    r"(?<![a-z])(?:x-forwarded-for|(?:x-)?real[_-]ip|ip(?:[ _-]?addr(?:ess)?)?"
    rf"|(?:remote|client|source|src|peer|user|host)[ _-]?(?:ip|addr(?:ess)?)){_GIVES}$"
)
#: Of random addresses 99 in 100 have two numbers from here on; of versions with four parts, none
#: in nine million characters of traces and postmortems.
_HIGH = 32
#: Resolvers and broadcast: everybody's addresses.
_COMMON_IPS = frozenset(
    {"8.8.8.8", "8.8.4.4", "1.1.1.1", "1.0.0.1", "9.9.9.9", "2.2.2.2", "1.2.3.4", "4.3.2.1"}
)
#: Networks that deliver everybody's pages: Cloudflare, Fastly and GitHub Pages publish them.
_CDNS = tuple(
    map(
        ipaddress.ip_network,
        ("104.16.0.0/13", "104.24.0.0/14", "172.64.0.0/13", "162.158.0.0/15", "141.101.64.0/18",
         "108.162.192.0/18", "190.93.240.0/20", "188.114.96.0/20", "198.41.128.0/17",
         "173.245.48.0/20", "151.101.0.0/16", "199.232.0.0/16", "146.75.0.0/17", "140.82.112.0/20",
         "185.199.108.0/22", "192.30.252.0/22", "2606:4700::/32", "2a04:4e42::/32"),
    )
)  # fmt: skip
#: Numbers that payment services print in their documentation, and 555-01xx of North America.
_EXAMPLE_CARDS = regex(
    r"4242(?:4242){3}|4000(?:0{4}|05665566)\d+|4111(?:1{12})|5555(?:5{8})4444|37828224631\d{4}"
)
#: E.164 allows 15 digits; fewer than 7 reach nobody from outside their town.
_PHONE_DIGITS = range(7, 16)
_INTERNATIONAL_DIGITS = range(9, 16)
#: ISO 13616: the shortest and the longest account number.
_IBAN_LENGTH = range(15, 35)


def find_personal_data(text: str) -> Iterator[Detection]:
    """The personal data in a text, each stretch once."""
    found = (*_mails(text), *_spelled_mails(text), *_numbers(text), *_six(text))
    yield from without_overlaps(text, found)


def find_numbers(text: str) -> Iterator[Detection]:
    """Cards and phone numbers only: what a line break can cut in two."""
    kinds = {"card number", "phone number"}
    yield from (d for d in without_overlaps(text, _numbers(text)) if d.kind in kinds)


def _numbers(text: str) -> Iterator[Detection]:
    """What is made of digits, looked for only where digits stand together."""
    for digits in _DIGITS.finditer(text):
        if digits["code"]:
            yield from tax_codes(text, digits.start())
        elif not _DATE.fullmatch(digits[0]):
            yield from _of_digits(text, digits)


def _of_digits(text: str, digits: re.Match[str]) -> Iterator[Detection]:
    """The numbers in digits that stand together and in what goes before and behind them."""
    start, end = digits.span()
    before = text[max(0, start - _BEFORE) : start].lower()
    yield from national_numbers(text, start, end, before)
    yield from _accounts(text, max(0, start - 10), end + 20)
    for find in _finders(digits[0], before[-1:]):
        yield from find(text, max(0, start - _MARGIN), end + _MARGIN)
    if digits[0][0] == "0" or not _GIVING.isdisjoint(before[-_LONGEST_GIVING:]):
        yield from _named_phone(digits, before)
        yield from _named_number(digits, before)


_Find = Callable[[str, int, int], Iterator[Detection]]


def _finders(digits: str, before: str) -> Iterator[_Find]:
    """What digits may be, by their length and the marks between and before them."""
    if len(digits) >= _SHORTEST_CARD:
        yield _cards
    if digits.count("-") > 1:
        yield _social_security
    if before in {"+", "("} or "(" in digits or len(digits) >= _SHORTEST_LOCAL:
        yield _phones
    if digits.count(".") > 2:  # noqa: PLR2004 - four numbers
        yield _four


def _mails(text: str) -> Iterator[Detection]:
    at = text.find("@")
    while at >= 0:
        host = _HOST_AFTER.match(text, at + 1)
        local = _LOCAL_BEFORE.search(text, max(0, at - _LONGEST_LOCAL), at) if host else None
        if local and host and not _is_nobodys(text, local, host):
            yield Detection("e-mail address", local.start(), host.end())
        at = text.find("@", at + 1)


def _spelled_mails(text: str) -> Iterator[Detection]:
    """Mail addresses with the sign spelled out: `jane [at] firm (dot) de`."""
    plain = text.encode("utf-8", "surrogatepass").translate(_TO_BRACKETS, delete=b" ")
    for at in _AT_SPELLED.finditer(text) if b"[at]" in plain else ():
        end = at.start() - text.startswith(" ", at.start() - 1)
        local = _LOCAL_BEFORE.search(text, max(0, end - _LONGEST_LOCAL), end)
        host = _HOST_SPELLED.match(text, at.end()) if local else None
        if local and host:
            read = _HOST_AFTER.match(_DOT_SPELLED.sub(".", host[0]))
            if read and not _is_nobodys(text, local, read):
                yield Detection("e-mail address", local.start(), host.end())


def _is_nobodys(text: str, local: re.Match[str], host: re.Match[str]) -> bool:
    """Whether a mail address is reserved, a role's, a file name, or a log-in before a host."""
    name, top = local[0].lower(), host["top"].lower()
    return bool(
        top in _RESERVED_TOPS
        or top in _FILE_ENDINGS
        or (top in _FILES_OR_DOMAINS and _VERSION_OR_BRANCH.match(host[0].lower()))
        or _RESERVED_HOSTS.search(host[0].lower())
        or _names_a_role(name.partition("+")[0], host[0].lower())
        or "redacted" in name
        or _USER_OF_ADDRESS.search(text[max(0, local.start() - 90) : local.start()])
    )


def _names_a_role(name: str, host: str) -> bool:
    """Whether a mailbox belongs to a desk: `support`, `binder-team`, `no-reply`."""
    if name in _ROLES or all(part in _ROLES for part in re.split(r"[._-]", name)):
        return True
    return name.rpartition("-")[2] in _DESKS and not _FREE_MAIL.fullmatch(host)


def _phones(text: str, start: int, end: int) -> Iterator[Detection]:
    for match in _PHONE.finditer(text, start, end):
        lengths = _INTERNATIONAL_DIGITS if match[0].startswith("+") else _PHONE_DIGITS
        if _is_phone(match[0], lengths):
            yield Detection("phone number", match.start(), match.end())


def _named_phone(digits: re.Match[str], before: str) -> Iterator[Detection]:
    before = before[-_LONGEST_PHONE_NAME:]
    named = _PHONE_NAME_BEFORE.search(before)
    dialled = _DIALLED.fullmatch(digits[0]) and _DIALLED_BEFORE.search(before)
    if (named or dialled) and _is_phone(digits[0], _PHONE_DIGITS):
        yield Detection("phone number", digits.start(), digits.end())


def _named_number(digits: re.Match[str], before: str) -> Iterator[Detection]:
    """The number of a person or an account, told by what stands before it."""
    name = _NAMED_NUMBER.search(before)
    plain = re.sub(r"[ -]", "", digits[0])
    if not name or not plain.isdigit() or len(set(plain)) < 3:  # noqa: PLR2004 - a stand-in
        return
    if name["social"]:
        if len(plain) == 9:  # noqa: PLR2004 - a social security number
            yield Detection("social security number", digits.start(), digits.end())
    else:
        yield Detection("bank account number", digits.start(), digits.end())


def _is_phone(text: str, lengths: range) -> bool:
    """Whether the number of digits fits, and they are not one or two digits repeated."""
    digits = [c for c in text if c.isdigit()]
    return len(digits) in lengths and len(set(digits)) > 2  # noqa: PLR2004 - see the docstring


def _cards(text: str, start: int, end: int) -> Iterator[Detection]:
    for match in _CARD.finditer(text, start, end):
        if _GROUPED.fullmatch(match[0]) and _is_card(re.sub(_MARK, "", match[0])):
            yield Detection("card number", match.start(), match.end())


def _is_card(digits: str) -> bool:
    """Whether digits are those of a card, and none that everybody writes in tests."""
    is_made_up = _EXAMPLE_CARDS.fullmatch(digits) or not passes_luhn(digits)
    return bool(_ISSUER.fullmatch(digits)) and not is_made_up


def is_of_made_up_card(text: str, at: int) -> bool:
    """Whether numbers like a card's stand near a place, and none of them is one: tests have those.

    What is written beside such a number opens nothing. Sixteen digits in one piece that nothing
    calls a card may be those of an order.
    """
    near = _CARD.finditer(text, max(0, at - _CARD_BEFORE), at + _CARD_BEHIND)
    numbers = [number for number in near if _ISSUER.fullmatch(re.sub(_MARK, "", number[0]))]
    is_called = any(_is_like_a_card(text, number) for number in numbers)
    return is_called and not any(_is_card(re.sub(_MARK, "", number[0])) for number in numbers)


def _is_like_a_card(text: str, number: re.Match[str]) -> bool:
    """Whether a number is in groups, behind a name of cards, or one that documentation has."""
    before = text[max(0, number.start() - _NAME_BEFORE) : number.start()].lower()
    is_example = _EXAMPLE_CARDS.fullmatch(re.sub(_MARK, "", number[0]))
    return not number[0].isdigit() or bool(is_example or _CARD_NAME.search(before))


def passes_luhn(digits: str) -> bool:
    """Whether the check digit fits: ISO/IEC 7812-1, annex B."""
    doubled = (int(digit) * (1 + at % 2) for at, digit in enumerate(reversed(digits)))
    return len(set(digits)) > 1 and sum(n - 9 if n > 9 else n for n in doubled) % 10 == 0  # noqa: PLR2004


def _social_security(text: str, start: int, end: int) -> Iterator[Detection]:
    for match in _SOCIAL_SECURITY.finditer(text, start, end):
        yield Detection("social security number", match.start(), match.end())


def _accounts(text: str, start: int, end: int) -> Iterator[Detection]:
    if not _ACCOUNT_BEGINS.search(text, start, end):
        return
    for match in _IBAN.finditer(text, start, end):
        plain = match[0].replace(" ", "")
        fits = len(plain) in _IBAN_LENGTH and _has_check_digits(plain)
        if fits and not text[match.start() - 1 : match.start()].isalnum():
            yield Detection("bank account number", match.start(), match.end())
    for match in _SMALL_IBAN.finditer(text, start, end):
        plain = match[0].replace(" ", "")
        if len(plain) == _IBAN_COUNTRIES.get(plain[:2]) and _has_check_digits(plain):
            yield Detection("bank account number", match.start(), match.end())


def _has_check_digits(iban: str) -> bool:
    """Whether the remainder by 97 is 1, letters read as 10 to 35: ISO 13616."""
    return int("".join(str(int(c, 36)) for c in iban[4:] + iban[:4])) % 97 == 1


def _four(text: str, start: int, end: int) -> Iterator[Detection]:
    for match in _IP4.finditer(text, start, end):
        before = text[max(0, match.start() - 30) : match.start()].lower()
        named = bool(_ADDRESS_BEFORE.search(before))
        if not _VERSION_BEFORE.search(before) and _is_somebodys(match[0], named=named):
            yield Detection("IP address", match.start(), match.end())


def _six(text: str) -> Iterator[Detection]:
    for inner in _IN_IP6.finditer(text):
        start = inner.start() - 4
        match = _IP6.match(text, start)
        before = text[max(0, start - 1) : start]
        inside = before.isalnum() or before in {":", ".", "_"}
        if match and not inside and _is_somebodys(match[0]):
            yield Detection("IP address", start, match.end())


def _is_somebodys(text: str, *, named: bool = False) -> bool:
    """Whether it is a public IP address: not private, reserved, for documentation, or a version.

    `named`: what stands before it says that it is an address.
    """
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    version_like = "." in text and sum(int(part) >= _HIGH for part in text.split(".")) < 2  # noqa: PLR2004
    common = address.is_multicast or text in _COMMON_IPS or any(address in net for net in _CDNS)
    return address.is_global and not common and (named or not version_like)
