"""Addresses, hosts, paths, tickets and codes: what leads into a house or names a thing of it.

Looked for in every reading of a text, so that full-width signs, unseen characters and encodings
change nothing. What is reserved for documentation counts as well: nobody outside can tell it.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

from kb.lazy_regex import regex
from kb.sensitive.names.english_words import english_words
from kb.sensitive.names.folding import TextReading, fold, readings
from kb.sensitive.personal_data import find_personal_data

Accept = Callable[[TextReading, "re.Match[str]"], bool]


@dataclass(frozen=True, slots=True)
class PlaceHit:
    """A stretch of a text, and what kind of thing it names: `Host`, `Link` or `Ticket`."""

    start: int
    end: int
    kind: str


@dataclass(frozen=True)
class _Shape:
    kind: str
    pattern: re.Pattern[str]
    accepts: Accept = lambda *_: True
    always: bool = False


#: Endings of public host names: every two letters that a country or region has, and the generic
#: ones that firms use, as the root zone lists them; then those that no public resolver answers.
_COUNTRIES = """
ac ad ae af ag ai al am ao ar as at au aw ax az ba bb bd be bf bg bh bi bj bm bn bo br bs bt bw by
bz ca cc cd cf cg ch ci ck cl cm cn co cr cu cv cw cx cy cz de dj dk dm do dz ec ee eg er es et eu
fi fj fk fm fo fr ga gd ge gf gg gh gi gl gm gn gp gq gr gt gu gw gy hk hm hn hr ht hu id ie il im
in io iq ir is it je jm jo jp ke kg kh ki km kn kp kr kw ky kz la lb lc li lk lr ls lt lu lv ly ma
mc md me mg mh mk ml mm mn mo mp mq mr ms mt mu mv mw mx my mz na nc ne nf ng ni nl no np nr nu nz
om pa pe pf pg ph pk pl pm pn pr ps pt pw py qa re ro rs ru rw sa sb sc sd se sg sh si sk sl sm sn
so sr ss st su sv sx sy sz tc td tf tg th tj tk tl tm tn to tr tt tv tw tz ua ug uk us uy uz va vc
ve vg vi vn vu wf ws ye yt za zm zw
"""
_GENERIC = """
academy agency app art arpa asia bank bar best bid biz blog build business cafe cam care cash cat
center chat city click cloud club codes coffee com community company consulting cool corp date
delivery dev digital directory education email energy engineering enterprises example events
exchange expert express fans farm finance financial fit foundation fun fund fyi gallery games gmbh
gov group guide guru health help home host hosting house inc info insurance int international
internal intranet invalid invest jobs kitchen lan land law legal life limited link live llc loan
local localdomain localhost ltd management market marketing media mil mobi money monster museum name
net network news ninja nyc observer onion one online org page partners pay photo photos pink
pizza plus post press private pro productions properties pub rent repair report rest reviews rocks
run sale school science security services shop shopping site social software solutions space store
stream studio style support systems tax team tech technology test tips today tools top tours town
trade training travel university ventures vet video vip vision watch website wiki wine work works
world wtf xyz yoga zone
"""
_OTHER_ALPHABETS = """
рф рус москва сайт онлайн укр бел срб мон қаз бг мкд ею ευ ελ გე հայ
中国 中國 台湾 台灣 香港 公司 网络 新加坡 みんな
コム 한국 닷컴 भारत ভারত भारतम தமிழ் இந்தியா
இலங்கை భారత్ ਭਾਰਤ ભારત ලංකා ไทย ລາວ
ישראל مصر السعودية امارات ایران الجزائر المغرب تونس سورية العراق
الاردن فلسطين قطر عمان پاکستان شبكة
"""
#: Endings that are words of programs, too: `uint64.stream`, `self.run`, `asyncio.events`.
_GENERIC_WORDS_OF = """
app cash date events name network news now place properties run space store stream style test tips
tools top trade zone
"""
_GENERIC_WORDS = frozenset(_GENERIC_WORDS_OF.split())
#: What begins a name in code and is the name of no firm: types of numbers, the object itself,
#: streams and modules of languages.
_CODE = frozenset(
    {*(f"{kind}{bits}" for kind in ("int", "uint", "float") for bits in (8, 16, 32, 64, 128))}
    | {
        "self",
        "this",
        "cls",
        "stdin",
        "stdout",
        "stderr",
        "asyncio",
        "subprocess",
        "numpy",
        "kwargs",
    }
)
_ENDINGS = frozenset((*_COUNTRIES.split(), *_GENERIC.split(), *map(fold, _OTHER_ALPHABETS.split())))
#: Endings of files that are those of countries, too.
_FILES = frozenset(
    {"md", "py", "rs", "sh", "pl", "cc", "ps", "so", "zip", "mo", "la", "ml", "name"}
)
_NO_TICKETS_OF = """
utf iso sha md rfc cve cwe gpt sev http https tls ssl ipv utc gmt aes rsa hs ecdsa covid soc wcag
pci fy kb mb gb tb ms hz claude llama gemini mistral qwen deepseek phi grok fp int uint float bit
bf base cp win mac top error status port step turn run day week phase tier level version part item
line page rule note case test p q
"""
#: What stands before a hyphen and a number, and is no project: standards, units, models.
_NO_TICKETS = frozenset(_NO_TICKETS_OF.split())
_FEWEST_CODED = 10  # characters of base64 or hex with an address in them
_FEWEST_DIGITS = 3  # of a ticket in small letters: `gpt-4` is none
_ID_LETTERS = 8
_ID_CHANGES = 3  # between digits and letters: names with a year have one
_URL = r"[a-z][a-z0-9+.-]{1,20}://[^\s<>)\]\"'`|]+"


def _is_host(reading: TextReading, match: re.Match[str]) -> bool:
    labels = match["host"].rstrip(".").split(".")
    if labels[-1] not in _ENDINGS and not labels[-1].startswith("xn--"):
        return False
    if all(len(label) == 1 for label in labels):
        return False
    if labels[0] in _CODE and labels[-1] in _GENERIC_WORDS and not match["path"]:
        return False
    if labels[-1] in _FILES and not match["path"]:
        return False
    last = match.start("host") + match["host"].rindex(".") + 1
    # "done.In the end": a space is missing.
    return not (reading.written(last, last + 1).isupper() and labels[-1] in english_words())


def _is_path(_: TextReading, match: re.Match[str]) -> bool:
    """Whether a part between slashes is no word: `read/write/delete` is no path."""
    parts = re.split(r"[/._@:-]", match[0])
    return any(not part.isdigit() and part not in english_words() for part in parts if part)


def _is_ticket(reading: TextReading, match: re.Match[str]) -> bool:
    if match["project"] in _NO_TICKETS:
        return False
    if reading.written(*match.span("project")).isupper():
        return True
    is_word = match["project"] in english_words()
    return len(match["number"]) >= _FEWEST_DIGITS and not is_word


def _is_hex(_: TextReading, match: re.Match[str]) -> bool:
    text = match[0]
    return any(c.isdigit() for c in text) and any(c.isalpha() for c in text)


def _is_hex_part(part: str) -> bool:
    is_hex = re.fullmatch("[0-9a-f]{7,128}", part) is not None
    return is_hex and any(c.isdigit() for c in part) and any(c.isalpha() for c in part)


def _is_random(reading: TextReading, match: re.Match[str]) -> bool:
    """Whether a part between hyphens mixes digits and letters as no name does."""
    return any(_looks_drawn(part) for part in re.split(r"[-_.]", match[0]))


def _looks_drawn(part: str) -> bool:
    changes = sum(a.isdigit() != b.isdigit() for a, b in pairwise(part))
    return len(part) >= _ID_LETTERS and changes >= _ID_CHANGES


def _is_ip6(_: TextReading, match: re.Match[str]) -> bool:
    try:
        ipaddress.IPv6Address(match["ip"])
    except ValueError:
        return False
    return True


def _shape(
    kind: str, pattern: str, accepts: Accept | None = None, *, always: bool = False
) -> _Shape:
    return _Shape(kind, regex(pattern), accepts or (lambda *_: True), always)


_SHAPES = (
    _shape("Repository", r"[\w.-]{1,64}@[\w.-]{1,120}:[\w~-][\w./~-]{2,200}"),
    _shape("Mailbox", r"[\w.+'-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+", always=True),
    _shape(
        "Mailbox",
        r"[\w.+-]{1,64} ?(?:[\[({<]at[\])}>]| at ) ?[\w-]{1,63}"
        r"(?: ?(?:[\[({<](?:dot|punkt|point|punto)[\])}>]| dot | punkt ) ?[\w-]{1,63}){1,5}",
        always=True,
    ),
    _shape("Person", r"(?<![\w/.@])@[^\W\d_][\w/.-]*(?<![.-])", always=True),
    _shape("another record", r"(?<!\d)\d{4}-\d{2}-\d{2}-[^\W\d_][\w-]*(?:\.md)?", always=True),
    _shape("Link", rf"<?{_URL}>?"),
    _shape("Link", r"data:[\w/+.-]{0,60}[;,][^\s<>)\"'`]{4,}"),
    _shape(
        "Host",
        r"(?<![\w@.-])(?P<host>(?:[\w-]{1,63}(?:\.|\[\.\]|\(\.\))){1,8}(?:xn--[\w-]{2,59}|[^\W\d_]{2,24}))"
        r"(?::\d{1,5})?(?P<path>/[^\s<>)\]\"'`]*)?(?![\w-])",
        lambda r, m: "[" in m["host"] or "(" in m["host"] or _is_host(r, m),
    ),
    _shape("Channel", r"<[#!][a-z][\w^-]{2,40}(?:\|[^<>|\n]{0,100})?>", always=True),
    _shape("Person", r"<@[a-z]\w{2,40}(?:\|[^<>|\n]{0,100})?>", always=True),
    _shape("Host", r"(?<![\w-])xn--[\w-]{2,59}"),
    _shape("Host", r"(?<![\w-])ip-\d{1,3}(?:-\d{1,3}){3}[\w.-]*"),
    _shape("Channel", r"(?<![\w/#&])#[^\W\d_][\w-]+"),
    _shape("Ticket", r"(?<![\w./-])[\w.-]{1,60}/[\w.-]{1,100}[#!]\d+"),
    _shape("Ticket", r"(?<![\w/#&])[#!]\d{2,}(?![\w.])"),
    _shape(
        "Ticket",
        r"(?<![\w-])(?P<project>[a-z][a-z0-9]{1,9})-(?P<number>\d{1,6})(?![\w-])",
        _is_ticket,
    ),
    _shape("Repository", r"(?<![\w./-])[\w.-]{1,60}/[\w.-]{1,100}@[0-9a-f]{7,40}(?!\w)"),
    _shape("Ticket", r"(?<![\w-])(?:inc|chg|req|ritm|prb|sctask)\d{5,10}(?![\w-])"),
    _shape("Path", r"(?<![\w./~-])~[\w.-]{1,60}(?:/[\w.@-]{1,100}){1,20}"),
    _shape("Path", r"(?<![\w./@-])(?:[\w.-]{1,60}/){2,12}[\w.@-]{1,100}(?::\d{1,6})?", _is_path),
    _shape("Path", r"(?<![\w.:/<])(?:~|\.{1,2})?/(?:[\w.@-]+/)+[\w.@-]*"),
    _shape("Path", r"(?<!\w)(?:[a-z]:\\{1,2}|\\{1,2})[\w.$-][\w.$ -]*(?:\\{1,2}[\w.$-]+)+"),
    _shape("Address", r"(?<![\d.])-?\d{1,3}\.\d{4,12}, ?-?\d{1,3}\.\d{4,12}(?![\d.])"),
    _shape(
        "Address",
        r"(?<![\d.])\d{1,3}(?:[\[(]?\.[\])]?\d{1,3}){3}(?:/\d{1,2}|:\d{1,5})?(?![\d.])",
    ),
    _shape(
        "Address",
        r"(?<![\w:.])\[?(?P<ip>(?=[0-9a-f:]*:[0-9a-f:]*:)[0-9a-f:]{2,39}(?:\d{1,3}(?:\.\d{1,3}){3})?)"
        r"(?:%[\w.-]+)?(?:/\d{1,3})?(?:\]:\d{1,5}|\])?(?![\w:])",
        _is_ip6,
    ),
    _shape("Address", r"(?<![\w:-])[0-9a-f]{2}(?:[:-][0-9a-f]{2}){5}(?![\w:-])"),
    _shape("Code", r"(?<!\w)gke_[\w-]{3,200}"),
    _shape("Code", r"(?<!\w)arn:[\w-]*:[^\s<>)\]\"'`]+"),
    _shape("Code", r"(?<![\w-])[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}(?![\w-])"),
    _shape("Code", r"(?<![\w-])[\w-]*(?<![^\W_])[0-9a-f]{7,128}(?![^\W_])[\w-]*", lambda r, m: any(
        _is_hex_part(part) for part in re.split("[-_]", m[0])
    )),
    _shape("Code", r"(?<![\w+/=.-])[\w+/=.-]{10,4000}", _is_random),
    _shape("Code", r"(?<![\w-])[a-z0-9]{16,400}(?![\w-])", _is_hex),
    _shape("Number", r"(?<![\w+-])\+\d[\d ().-]{6,18}\d(?![\w-])"),
    _shape("Number", r"(?<![\w/.-])0\d{2,5}[/-]\d{4,9}(?![\w/-])"),
    _shape("Number", r"(?<![\w+-])\(\d{3}\) ?\d{3}[ .-]\d{4}(?![\w-])"),
    _shape("Number", r"(?<![\w.-])\d{3}([ .-])\d{3}\1\d{4}(?![\w-])"),
    _shape("Number", r"(?<![\w.-])\d{4}([ .-])\d{4}\1\d{4}\1\d{1,7}(?![\w-])"),
    _shape("Number", r"(?<![\w.,-])\d{11,19}(?![\w.,-]\d|\w)"),
)  # fmt: skip


def find_places(text: str, *, is_public: bool = False) -> list[PlaceHit]:
    """The stretches that lead into a house; in public facts mailboxes, handles and records only."""
    found: dict[tuple[int, int], str] = {}
    for reading in readings(text):
        if reading.across_lines or reading.is_rotated or _is_chance(reading):
            continue
        for shape in _SHAPES:
            if is_public and not shape.always:
                continue
            for match in shape.pattern.finditer(reading.text):
                if match[0].strip() and shape.accepts(reading, match):
                    found.setdefault(_stretch(reading, text, match), shape.kind)
    if not is_public:
        for hit in find_personal_data(text):
            found.setdefault((hit.start, hit.end), "Number")
    return [PlaceHit(start, end, kind) for (start, end), kind in found.items()]


def _is_chance(reading: TextReading) -> bool:
    """Whether so few letters of base64 or hex were read that an address in them is chance."""
    return reading.token is not None and reading.token[1] - reading.token[0] < _FEWEST_CODED


def _stretch(reading: TextReading, text: str, match: re.Match[str]) -> tuple[int, int]:
    start, end = match.span()
    kept = match[0].rstrip(".,;:!?'")
    return reading.stretch(start, start + len(kept) if kept else end)
