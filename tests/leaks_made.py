# ruff: noqa: E501 - a name and its forms stand on one line
"""Leaks to be found: names in many scripts and forms, planted at many places of records.

Written from what leaked before, with no look at what searches for names. `cases()` gives each
name in each of its forms, the places taken in turn, and then patterns (addresses, hosts, keys).
A case knows what nobody outside may read: its `needles`.
"""

from __future__ import annotations

import base64
import re
import unicodedata
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from urllib.parse import unquote


@dataclass(frozen=True)
class Name:
    """A name, where it is declared, and how it is written in prose besides."""

    declared: str
    key: str
    script: str
    spoken: tuple[str, ...]
    parts: tuple[str, ...]


@dataclass(frozen=True)
class Case:
    """One record's secret: front matter, the text that holds it, its place, what must not leave."""

    number: int
    script: str
    form: str
    place: str
    declared: str
    key: str
    text: str
    needles: tuple[str, ...]

    @property
    def identity(self) -> str:
        """The record's file name without ending; with the secret where that is the place."""
        slug = "the-run-was-stopped"
        if self.place == "file name":
            slug = re.sub(r"[^a-z0-9]+", "-", skeleton(self.text)).strip("-") or slug
        return f"2026-03-{1 + self.number % 28:02}-{slug}-{self.number}"


PERSON, ACTION, REVIEWER, SIGNER, DESIGN, WRITER = (
    "owners", "action owner", "reviewed", "signoffs", "design", "lessons_by",
)  # fmt: skip
CUSTOMER, SHARED, SYSTEM, TEAM_NAMES = "affected_customers", "shared", "systems", "people"

NAMES = [
    Name("maren-holtkamp", ACTION, "Latin",
         ("Maren Holtkamp stopped the run", "Holtkamps Freigabe fehlte", "Holtkamp's run", "Holtkampʼs run",
          "M. Holtkamp stopped it", "the holtkamp run", "MAREN HOLTKAMP", "MarenHoltkamp", "Holtkampsche Regel",
          "Holtkamp, Maren", "das Holtkamp-Team", "maren.holtkamp", "Maren’s approval", "mholtkamp did it"),
         ("holtkamp", "maren")),
    Name("Nordwerk", CUSTOMER, "Latin",
         ("Nordwerks Buchhaltung", "die Nordwerke", "bei den Nordwerkern", "Nordwerkbuchhaltung", "nordwerk's refunds",
          "NORDWERK", "the nordwerk account", "nordwerk-prod-7", "prodNordwerkDb", "xnordwerkx"), ("nordwerk",)),
    Name("Quornwind Labs", CUSTOMER, "Latin",
         ("the quornwind account", "Quornwind’s", "quornwind_labs", "QuornwindLabs", "quornwindlabs.example",
          "Quornwind", "quornwindgate", "the Quornwinds"), ("quornwind",)),
    Name("mueller-gmbh", CUSTOMER, "Latin",
         ("Müller GmbH", "Müllers Konto", "MÜLLER", "Muller GmbH", "der müllerschen Rechnung", "Mu\u0308ller", "Mueller"),
         ("mueller", "muller")),
    Name("Groß & Weißenborn", CUSTOMER, "Latin",
         ("Gross & Weissenborn", "WEISSENBORN", "Weissenborns Konto", "WEIẞENBORN", "Weißenborn"),
         ("weissenborn", "weißenborn")),
    Name("Ødegård", CUSTOMER, "Latin", ("Odegard", "Ødegaard", "Oedegaard", "ØDEGÅRDs konto"),
         ("ødegård", "odegard", "odegaard", "oedegaard")),
    Name("ewa-wróblewska", REVIEWER, "Latin",
         ("Ewa Wróblewska", "Wróblewskiej nie było", "z Wróblewską", "Wroblewska"), ("wróblewsk", "wroblewsk")),
    Name("Novák", PERSON, "Latin", ("Nováka", "Novákem", "Novákova smlouva", "Novak", "NOVÁK"), ("novak", "novák")),
    Name("Lindroos", CUSTOMER, "Latin", ("Lindroosin tili", "Lindroosille", "lindroos"), ("lindroos",)),
    Name("Kocsisné", CUSTOMER, "Latin", ("Kocsisnénak", "Kocsisnéval", "Kocsisne"), ("kocsisn",)),
    Name("Işıkdağ", CUSTOMER, "Latin", ("Işıkdağ'ın hesabı", "IŞIKDAĞ", "ışıkdağ", "Isikdag"),
         ("işıkdağ", "ışıkdağ", "isikdag")),
    Name("O'Brannigan", SIGNER, "Latin",
         ("OʼBrannigan", "O’Brannigan", "O`Brannigan", "OBrannigan", "O Brannigan's", "Brannigan"), ("brannigan",)),
    Name("jean-luc-tréhorel", WRITER, "Latin",
         ("Jean-Luc Tréhorel", "Tréhorel", "d'Tréhorel", "J.-L. Tréhorel", "TREHOREL"), ("tréhorel", "trehorel")),
    Name("Qi Xu", DESIGN, "Latin two letters", ("Qi Xu stopped the run", "Xu stopped the run", "xu stopped it"),
         (" xu ",)),
    Name("Bo", PERSON, "Latin two letters", ("Bo stopped the run", "then Bo's approval", "asked BO about it"),
         (" bo ",)),
    Name("Nguyễn Thị Hạnh", SHARED, "Latin", ("Nguyễn Thị Hạnh", "Nguyen Thi Hanh", "NGUYỄN", "nguyen"),
         ("nguyen",)),
    Name("Кузнецова", REVIEWER, "Cyrillic",
         ("Кузнецовой не было", "с Кузнецовым", "КУЗНЕЦОВА", "Kuznetsova", "Кузнецову"),
         ("кузнецов", "kuznetsov")),
    Name("olga-petrenko", ACTION, "Cyrillic", ("Ольга Петренко", "Петренко зупинила", "О. Петренко"),
         ("петренко", "petrenko")),
    Name("Северсталькон", CUSTOMER, "Cyrillic", ("Северсталькона", "в северсталькон-прод", "Severstalkon"),
         ("северсталькон", "severstalkon")),
    Name("Παπαδόπουλος", PERSON, "Greek",
         ("Παπαδόπουλου", "ΠΑΠΑΔΟΠΟΥΛΟΣ", "Papadopoulos", "του παπαδοπουλου"), ("παπαδοπουλο", "papadopoul")),
    Name("田中花子", PERSON, "Han", ("田中花子が停止した", "田中さん", "担当は田中花子です"), ("田中",)),
    Name("华铁数据", CUSTOMER, "Han", ("华铁数据公司的账户", "客户华铁数据报告", "华 铁 数 据"), ("华铁数据",)),
    Name("サクラ商事", CUSTOMER, "Kana", ("サクラ商事様", "ｻｸﾗ商事", "株式会社サクラ商事の注文"), ("サクラ商事",)),
    Name("김서연", PERSON, "Hangul", ("김서연이 멈췄다", "김서연님", "승인은 김서연"), ("김서연",)),
    Name("الحدادي", CUSTOMER, "Arabic", ("للحدادي", "والحدادي", "الحـــدادي", "حساب الحَدّادِي"), ("حدادي",)),
    Name("כרמיאלי", CUSTOMER, "Hebrew", ("לכרמיאלי", "של כרמיאלי", "וכרמיאלי"), ("כרמיאלי",)),
    Name("สมชายศรี", PERSON, "Thai", ("คุณสมชายศรีหยุดการทำงาน", "สมชายศรี"), ("สมชายศรี",)),
    Name("शर्माकर", PERSON, "Devanagari", ("शर्माकरजी ने रोका", "शर्माकर का"), ("शर्माकर",)),
    Name("Հակոբյան", PERSON, "Armenian", ("Հակոբյանի", "ՀԱԿՈԲՅԱՆ"), ("հակոբյան",)),
    Name("ქავთარაძე", CUSTOMER, "Georgian", ("ქავთარაძის", "ქავთარაძემ"), ("ქავთარაძ",)),
    Name("vexholm-ledger", SYSTEM, "Latin",
         ("vexholm-ledger", "Vexholm Ledger", "the vexholmLedger", "vexholm_ledger_2", "VEXHOLM"), ("vexholm",)),
    Name("Tamsin Okonjo-Reyes", TEAM_NAMES, "Latin",
         ("Tamsin stopped it", "Okonjo-Reyes", "Okonjo Reyes’s", "OkonjoReyes", "tamsin.okonjo", "Tamsins Regel"),
         ("tamsin", "okonjo")),
]  # fmt: skip

_HOMOGLYPHS = str.maketrans("aceopxyiAEOPTHKMC", "асеорхуіАЕОРТНКМС")
_GREEK = str.maketrans("oviAEOKT", "ονιΑΕΟΚΤ")
_LETTERS = re.compile(r"[^\W\d_]", re.UNICODE)


def _between(joint: str) -> Callable[[str], str]:
    def form(word: str) -> str:
        clusters: list[str] = []
        for char in word:
            if clusters and unicodedata.category(char).startswith("M"):
                clusters[-1] += char
            else:
                clusters.append(char)
        return joint.join(clusters)

    return form


def _in_middle(joint: str) -> Callable[[str], str]:
    return lambda word: f"{word[: (len(word) + 1) // 2]}{joint}{word[(len(word) + 1) // 2 :]}"


def _shifted(start: int, first: str = "a") -> Callable[[str], str]:
    """Letters of another alphabet block, such as the mathematical ones."""
    return lambda word: "".join(
        chr(start + ord(c) - ord(first)) if "a" <= c <= "z" else c for c in word.lower()
    )


FORMS: dict[str, Callable[[str], str]] = {
    "plain": str,
    "upper": str.upper,
    "lower": str.lower,
    "possessive U+02BC": lambda w: f"{w}\u02bcs",
    "possessive U+2019": lambda w: f"{w}\u2019s",
    "plural": lambda w: f"{w}s",
    "in a word": lambda w: f"pre{w}post",
    "compound": lambda w: f"{w}-Konto",
    "camel": lambda w: f"get{w.title()}Rows",
    "identifier": lambda w: f"svc_{w.lower()}_eu1",
    "zero width space": _in_middle("\u200b"),
    "soft hyphen": _in_middle("\u00ad"),
    "word joiner": _in_middle("\u2060"),
    "byte order mark": _in_middle("\ufeff"),
    "joiner": _in_middle("\u200d"),
    "hangul filler": _in_middle("\u3164"),
    "variation selector": _in_middle("\ufe0f"),
    "tag character": _in_middle("\U000e0061"),
    "bidi mark": _in_middle("\u202e"),
    "stacked marks": _in_middle("\u0336\u0301"),
    "emoji inside": _in_middle("🔥"),
    "line break": _in_middle("\n"),
    "entity": lambda w: "".join(f"&#{ord(c)};" for c in w),
    "named entity inside": _in_middle("&zwnj;"),
    "emphasis inside": _in_middle("**"),
    "comment inside": _in_middle("<!-- -->"),
    "tag inside": _in_middle("<b></b>"),
    "backslash": lambda w: f"\\{w}",
    "full width": lambda w: "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in w),
    "mathematical": _shifted(0x1D41A),
    "circled": _shifted(0x24D0),
    "regional": lambda w: "".join(
        chr(0x1F1E6 + ord(c) - 97) if "a" <= c <= "z" else c for c in w.lower()
    ),
    "cyrillic look-alikes": lambda w: w.translate(_HOMOGLYPHS),
    "greek look-alikes": lambda w: w.translate(_GREEK),
    "spaced": _between(" "),
    "dotted": _between("."),
    "hyphened": _between("-"),
    "no-break spaced": _between("\u00a0"),
    "underscored": _between("_"),
    "base64": lambda w: base64.b64encode(f"owner {w} ok".encode()).decode(),
    "base64url": lambda w: base64.urlsafe_b64encode(f"{w}: approved".encode()).decode().rstrip("="),
    "base64 of the name": lambda w: base64.b64encode(w.encode()).decode(),
    "hex": lambda w: w.encode().hex(),
    "percent": lambda w: "".join(f"%{byte:02X}" for byte in w.encode()),
    "unicode escapes": lambda w: "".join(f"\\u{ord(c):04x}" for c in w if ord(c) < 0x10000),
    "in an address": lambda w: f"{w.lower()}@mail.example.org",
    "in a host": lambda w: f"{w.lower()}.internal.example.com",
    "in a URL": lambda w: f"https://status.example.com/{w}?c={w}",
    "in a link": lambda w: f"[here](https://example.org/{w})",
    "in an image": lambda w: f"![{w}](x.png)",
    "in code": lambda w: f"`{w}`",
    "bracketed": lambda w: f"({w})",
    "handle": lambda w: f"@{w}",
    "channel": lambda w: f"#inc-{w.lower()}",
}

PLACES = (
    "summary", "timeline", "title", "lesson", "action", "evidence", "truth", "root cause",
    "list", "went well", "tool", "route", "agent", "file name", "heading", "table", "quotation",
    "code block", "comment", "footnote", "alias", "source", "link text", "attachment",
    "counterfactual", "model", "class note", "customer saw", "signed text",
)  # fmt: skip

PATTERNS = {
    "e-mail": ("maren@quux.example.com", "maren@quux"),
    "full-width e-mail": ("maren＠quux．example．com", "maren@quux"),
    "zero width in e-mail": ("mar\u200ben@qu\u200bux.exam\u2060ple.com", "maren@quux"),
    "spelt e-mail": ("maren at quuxmail dot com", "quuxmail"),
    "bracketed e-mail": ("maren [at] quuxmail [dot] com", "quuxmail"),
    "public host": ("pay.quuxcorp.com", "quuxcorp"),
    "schemeless URL": ("quuxcorp.io/runbooks/7", "quuxcorp"),
    "URL": ("https://wiki.quuxcorp.com/x", "quuxcorp"),
    "defanged URL": ("hxxps://wiki[.]quuxcorp[.]com/x", "quuxcorp"),
    "ideographic stop": ("wiki。quuxcorp。com", "quuxcorp"),
    "punycode": ("xn--quuxkonto-q9a.de", "quuxkonto"),
    "single-label host": ("http://quuxdb:5432/", "quuxdb"),
    "internal host": ("quuxdb-01.prod.svc.cluster.local", "quuxdb"),
    "IPv4": ("10.11.12.13", "10.11.12.13"),
    "full-width IPv4": ("１０．１１．１２．１３", "10.11.12.13"),
    "IPv4 with port": ("192.168.77.5:8443", "192.168.77.5"),
    "IPv6": ("2001:db8:85a3::8a2e:370:7334", "8a2e:370"),
    "IPv6 zone": ("fe80::1ff:fe23:4567:890a%eth2", "fe23:4567"),
    "bracketed IPv6": ("[2001:db8::77:1]:443", "db8::77"),
    "ip host": ("ip-10-11-12-13.eu-west-1.compute.internal", "10-11-12-13"),
    "ip host short": ("ip-10-11-12-13", "10-11-12-13"),
    "MAC": ("00:1B:44:11:3A:B7", "1b:44:11"),
    "ARN": ("arn:aws:s3:::quux-refunds", "quux"),
    "ARN role": ("arn:aws:iam::123456789012:role/quuxAgent", "quuxagent"),
    "bucket": ("s3://quux-refunds/2026", "quux"),
    "gs bucket": ("gs://quux-refunds/2026", "quux"),
    "ticket": ("QUUX-4412", "quux-4412"),
    "ticket lower": ("quux-4412", "quux-4412"),
    "SHA": ("9fceb02d0ae598e95dc970b74767f19372d61af8", "9fceb02d"),
    "short SHA": ("commit 9fceb02", "9fceb02"),
    "trace id": ("4bf92f3577b34da6a3ce929d0e0e4736", "4bf92f35"),
    "span id": ("span 00f067aa0ba902b7", "00f067aa"),
    "repo issue": ("quuxorg/payments#44", "quuxorg"),
    "repo": ("github.com/quuxorg/payments", "quuxorg"),
    "git remote": ("git@github.com:quuxorg/payments.git", "quuxorg"),
    "UUID": ("3f2504e0-4f89-11d3-9a0c-0305e82c3301", "3f2504e0"),
    "handle": ("@quuxperson", "quuxperson"),
    "channel": ("#inc-quux-refunds", "inc-quux"),
    "full-width channel": ("＃inc-quux-refunds", "inc-quux"),
    "path": ("/srv/quux/agents/run.py", "quux"),
    "home path": ("/home/quuxperson/agent", "quuxperson"),
    "Windows path": (r"C:\Users\quuxperson\run", "quuxperson"),
    "UNC path": (r"\\quuxfiles\share", "quuxfiles"),
    "phone": ("+49 151 29384756", "29384756"),
    "phone spaced": ("(212) 555-0187", "555-0187"),
    "IBAN": ("DE89 3704 0044 0532 0130 00", "0532"),
    "card": ("4111 1111 1111 1111", "4111 1111"),
    "account id": ("acct_1Nv0FGQ9RKHgCVdK", "1nv0fgq9"),
    "customer id": ("cus_9s6XKzkNRiz8i3", "9s6xkzk"),
    "pod": ("quuxagent-7d9f8b6c5-x2x4z", "7d9f8b6c5"),
    "connection string": ("postgres://quux:pw@quuxdb/refunds", "quuxdb"),
    "JWT": ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJxdXV4In0.c2lnbmF0dXJlc2lnbmF0dXJl", "eyjhbgcioi"),
    "key": ("sk-proj-Ab12Cd34Ef56Gh78Ij90Kl12Mn34", "ab12cd34"),
    "AWS key": ("AKIAIOSFODNN7QUUXPLE", "akiaiosfodnn"),
    "onion": ("quuxquuxquuxquuxquuxquuxquuxquuxquuxquuxquuxquuxquuxqu2d.onion", "quuxquux"),
    "data URL": ("data:text/plain;base64,cXV1eHBlcnNvbg==", "cxv1ehb"),
    "base64 e-mail": (base64.b64encode(b"maren@quux.example.com").decode(), "bwfyzw5a"),
    "entity e-mail": ("maren&#64;quux.example.com", "maren@quux"),
    "percent e-mail": ("maren%40quux.example.com", "quux.example"),
    "markup in e-mail": ("maren@**quux**.example.com", "maren@quux"),
}


def cases() -> Iterator[Case]:
    """Each spoken form, each transformed form of each name, each pattern; places in turn."""
    place = cycle(PLACES)
    number = 0
    for name in NAMES:
        for text in name.spoken:
            for _ in range(2):
                yield _case(number, name, "spoken", next(place), text)
                number += 1
        word = _main_word(name)
        for form, write in FORMS.items():
            text = write(word)
            if text == word and form != "plain":
                continue
            yield _case(number, name, form, next(place), text)
            number += 1
    for form, (text, needle) in PATTERNS.items():
        for where in ("summary", "timeline", "action", "signed text"):
            yield Case(number, "pattern", form, where, "payments", PERSON, text, (needle,))
            number += 1


def _main_word(name: Name) -> str:
    words = re.split(r"[\s&-]+", name.declared)
    return max(words, key=len) if "'" not in name.declared else name.declared


def _case(number: int, name: Name, form: str, place: str, text: str) -> Case:
    whole = (text,) if len(text) > 3 else ()
    every = dict.fromkeys([*name.parts, *whole, *_encoded(form, text)])
    needles = tuple(needle for needle in every if not _is_chance(skeleton(needle)))
    return Case(number, name.script, form, place, name.declared, name.key, text, needles)


def _encoded(form: str, text: str) -> tuple[str, ...]:
    """What stands in the bytes where the text is in a code; it is found without being read."""
    return (text.lower(),) if form in ("base64", "base64url", "base64 of the name", "hex") else ()


def _is_chance(skeleton_of_needle: str) -> bool:
    """Whether every text holds it: two letters. A part of such a name has spaces around it."""
    return len(skeleton_of_needle) < 3 and skeleton_of_needle.isascii()


def skeleton(text: str) -> str:
    """Text as this file compares it: folded by its own few rules, none of them the product's."""
    text = re.sub(r"&#(\d+);", lambda m: chr(int(m[1])), text)
    text = "".join(c for c in text if not _is_unseen(c))
    text = unicodedata.normalize("NFKD", text).casefold()
    text = "".join(c for c in text if not unicodedata.combining(c))
    return unicodedata.normalize("NFKC", text)


def _is_unseen(char: str) -> bool:
    return unicodedata.category(char) == "Cf" or char in "\u3164\ufe0f"


_BACK = str.maketrans("асеорхуітнкм", "aceopxyithkm")
_BACK_GREEK = str.maketrans("ονιτεακ", "oviteak")


def views(content: bytes) -> list[str]:
    """What a reader could see in a file, whatever code it is written in."""
    return [text for layer in _layers(content) for text in _views(layer)]


def found_in(seen: list[str], needles: tuple[str, ...]) -> list[str]:
    """The needles among what can be seen."""
    return [needle for needle in needles if any(skeleton(needle) in text for text in seen)]


def _layers(content: bytes) -> Iterator[bytes]:
    """The bytes, unpacked where they are packed: in packed ones letters stand by chance."""
    unpacked = [layer for wbits in (31, 15) if (layer := _unpacked(content, wbits)) is not None]
    yield from unpacked or [content]
    if content.startswith(b"\x89PNG"):
        yield from _png_texts(content)


def _unpacked(content: bytes, wbits: int) -> bytes | None:
    try:
        return zlib.decompress(content, wbits)
    except zlib.error:
        return None


def _png_texts(content: bytes) -> Iterator[bytes]:
    at = 8
    while at + 8 <= len(content):
        size, kind = int.from_bytes(content[at : at + 4]), content[at + 4 : at + 8]
        if kind in (b"tEXt", b"zTXt", b"iTXt", b"eXIf"):
            yield content[at + 8 : at + 8 + size]
        at += 12 + size


def _views(layer: bytes) -> Iterator[str]:
    text = layer.decode("utf-8", "ignore")
    plain = skeleton(text)
    words = " ".join(re.findall(r"\w+", plain))
    yield plain
    yield f" {words} "
    yield skeleton(re.sub(r"<[^>]*>|\*\*|&zwnj;|\n|🔥", "", text))
    yield skeleton(unquote(text))
    yield skeleton(re.sub(r"\\u([0-9a-f]{4})", lambda m: chr(int(m[1], 16)), text))
    yield re.sub("[🇦-🇿]", lambda m: chr(ord(m[0]) - 0x1F1E6 + 97), text)
    for table in (_BACK, _BACK_GREEK):
        yield plain.translate(table)
    yield re.sub(r"(?<=[^\W_])[\W_](?=[^\W_](?:[\W_]|$))", "", plain)


def front_matter(case: Case) -> str:
    """The record's front matter, with the name where it is declared."""
    lines = [
        f"title: {_quoted(_at(case, 'title', 'The run was stopped'))}",
        f"date: {case.identity[:10]}",
        "status: published\norigin: own\nkind: incident\nseverity: SEV3\nimpact: customer-visible",
        "classes: [duplicate-side-effect]\ncauses: [prompt-defect]\nmissing_control: outcome-assert",
        f"route: {_quoted(_word_at(case, 'route', 'refunds-agent'))}",
        f"agent: {{name: {_quoted(_at(case, 'agent', 'supervisor'))}, version: '1', framework: none, "
        "autonomy: acts-with-approval}",
        f"tools: [{_quoted(_word_at(case, 'tool', 'refund'))}]",
        f"models: [{_quoted(_at(case, 'model', 'small-model'))}]",
        f"clocks:\n  first_impact: {case.identity[:10]}T14:02:00Z\n  detected: {case.identity[:10]}T15:02:00Z\n"
        f"  contained: {case.identity[:10]}T16:02:00Z\n  resolved: {case.identity[:10]}T17:02:00Z",
        "detected_by: alert\ncustomers_affected: 2\ncost_usd: 10\nvisibility: external",
        *_declared(case),
    ]
    if case.place == "alias":
        lines.append(f"aliases: [{_quoted(case.text)}]")
    if case.place == "source":
        lines.append(f"sources: [{_quoted('https://example.org/' + case.text)}]")
    return "\n".join(lines)


def _declared(case: Case) -> Iterator[str]:
    value, day = _quoted(case.declared), case.identity[:10]
    yield f"owners: [{value if case.key == PERSON else 'payments-desk'}]"
    if case.key == CUSTOMER:
        yield f"affected_customers: [{value}]"
    if case.key == SYSTEM:
        yield f"systems: [{value}]"
    if case.key == REVIEWER:
        yield f"reviewed: {{by: {value}, at: {day}T18:00:00Z}}"
    if case.key == WRITER:
        yield f"lessons_by: {value}"
    if case.key == SHARED:
        yield f"shared: [{{with: {value}, at: {day}T18:00:00Z}}]"
    if case.key == SIGNER:
        yield f"signoffs: [{{owner: {value}, at: {day}T18:00:00Z, commit: abc1234, actions: [A1]}}]"


def record(case: Case) -> str:
    """The whole record, the secret in its place."""
    day, owner = case.identity[:10], case.declared if case.key == ACTION else "payments-desk"
    design = f"DESIGN_APPROVED_BY: {case.declared}\n" if case.key == DESIGN else ""
    return f"""---
{front_matter(case)}
---
# {_at(case, "title", "The run was stopped")}

## Summary

A refund was sent twice, and two people were paid too much.
{_in(case, "summary")}
{_block(case)}

## Customer-visible truth

Two people saw a second refund. {_in(case, "truth")}

```evidence
CUSTOMER_SAW: two refunds {_one_line(case, "customer saw")}
```

## Timeline

- {day} 14:02 UTC — the second refund is sent [impact]
- {day} 15:02 UTC — an alert fires {_in(case, "timeline")} [detected]
- {day} 16:02 UTC — the run is stopped [contained]

## Agent path

```evidence
TOOL_LOG: the refund was called twice
{design}OUTCOME: paid twice {_one_line(case, "evidence")}
```

## Root cause

### Code

The call had no key. {_in(case, "root cause")}

### Model

It read the timeout as a failure.

## Counterfactual

A key would have caught it. {_in(case, "counterfactual")}

- a list item {_in(case, "list")}

## What went well

The alert came soon. {_in(case, "went well")}

## Action items

- [ ] A1: send a key {_one_line(case, "action")} — owner: {owner}, due: 2026-05-12, lever: code

## Lessons

A timeout says nothing about the effect. {_in(case, "lesson")}
"""


def _block(case: Case) -> str:
    blocks = {
        "heading": f"### {case.text}",
        "table": f"| a | b |\n| - | - |\n| {case.text} | 2 |",
        "quotation": f"> {case.text}",
        "code block": f"```\n{case.text}\n```",
        "comment": f"<!-- {case.text} -->",
        "footnote": f"See there.[^1]\n\n[^1]: {case.text}",
        "link text": f"[{case.text}](https://example.org/)",
        "class note": f"NOTE: {case.text}",
    }
    return f"\n{blocks[case.place]}\n" if case.place in blocks else ""


def _in(case: Case, place: str) -> str:
    return f"It says {case.text} there." if case.place == place else ""


def _one_line(case: Case, place: str) -> str:
    return " ".join(_in(case, place).split())


def _at(case: Case, place: str, otherwise: str) -> str:
    return " ".join(f"{otherwise} {case.text}".split()) if case.place == place else otherwise


def _word_at(case: Case, place: str, otherwise: str) -> str:
    return "-".join(case.text.split()) if case.place == place else otherwise


def _quoted(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"


def write(folder: Path, case: Case) -> Path:
    """The record of a case, and the file beside it, in `folder`; its path."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{case.identity}.md"
    path.write_text(record(case), "utf-8")
    if case.place == "attachment":
        beside = folder / case.identity
        beside.mkdir()
        (beside / "notes.txt").write_text(case.text, "utf-8")
    return path
