# ruff: noqa: E501 - a name and its forms stand on one line, in the letters of its script
"""A second list of leaks: other names, scripts, inflections, codes and marks than `leaks_made`.

Written with the first list in view and the matchers not, so that what was mended for the one is
tried on another. `cases()` gives each name in the words of its language, each form on several
names in turn, and patterns. `BEYOND` and `HIDDEN` are what docs/site.md says is not found.
"""

from __future__ import annotations

import base64
import codecs
import quopri
import unicodedata
from collections.abc import Callable, Iterator
from html.entities import name2codepoint
from itertools import cycle, islice
from urllib.parse import quote

import leaks_made as leaks
from leaks_made import (
    ACTION,
    CUSTOMER,
    DESIGN,
    PERSON,
    PLACES,
    REVIEWER,
    SHARED,
    SIGNER,
    SYSTEM,
    TEAM_NAMES,
    WRITER,
    Case,
    Name,
    _between,
)

NAMES = [
    Name("ნინო ბერიძე", REVIEWER, "Georgian",
         ("ბერიძემ შეაჩერა", "ნინო ბერიძის", "ბერიძესთან", "Beridze stopped it", "ᲑᲔᲠᲘᲫᲔ"), ("ბერიძ", "beridze")),
    Name("თბილკომპანია", CUSTOMER, "Georgian", ("თბილკომპანიის ანგარიში", "თბილკომპანიაში", "Tbilkompania"),
         ("თბილკომპანი", "tbilkompani")),
    Name("ดวงทองคำ", CUSTOMER, "Thai", ("บัญชีของดวงทองคำ", "ลูกค้าดวงทองคำแจ้งว่า", "บริษัทดวงทองคำจำกัด"), ("ดวงทองคํา", "ดวงทองคำ")),
    Name("राजलक्ष्मी", CUSTOMER, "Devanagari", ("राजलक्ष्मी ने कहा", "राजलक्ष्मीका खाता", "राजलक्ष्मी-खाता"),
         ("राजलकषम", "राजलक्ष्मी", "rajalakshm")),
    Name("চট্টোপাধ্যায়", PERSON, "Bengali", ("চট্টোপাধ্যায়ের অনুমোদন", "চট্টোপাধ্যায়কে"),
         ("চট্টোপাধ্যায়", "chattopadhy")),
    Name("முருகேசன்", ACTION, "Tamil", ("முருகேசனின் அனுமதி", "முருகேசனுக்கு"), ("முருகேசன", "murugesan")),
    Name("వెంకటేశ్వర", CUSTOMER, "Telugu", ("వెంకటేశ్వరకు", "వెంకటేశ్వరలో"), ("వెంకటేశ్వర",)),
    Name("ಬಸವರಾಜು", PERSON, "Kannada", ("ಬಸವರಾಜುಗೆ", "ಬಸವರಾಜುವಿನ"), ("ಬಸವರಾಜ",)),
    Name("പത്മനാഭ", SIGNER, "Malayalam", ("പത്മനാഭന്റെ", "പത്മനാഭയുടെ"), ("പത്മനാഭ",)),
    Name("ਗੁਰਮੀਤਪਾਲ", PERSON, "Gurmukhi", ("ਗੁਰਮੀਤਪਾਲਨੇ", "ਗੁਰਮੀਤਪਾਲ ਨੂੰ"), ("ਗੁਰਮੀਤਪਾਲ",)),
    Name("විජේසිංහ", WRITER, "Sinhala", ("විජේසිංහගේ", "විජේසිංහට"), ("විජේසිංහ",)),
    Name("אבישג רוזנטל", REVIEWER, "Hebrew",
         ("שרוזנטל עצרה", "לרוזנטל", "מרוזנטל", "ורוזנטל", "כשרוזנטל", "אבישג עצרה", "רוֹזֶנְטָל", "רוזנטל׳"), ("רוזנטל", "אבישג")),
    Name("מעיינות", CUSTOMER, "Hebrew", ("במעיינות", "חשבון מעיינות", "שבמעיינות"), ("מעיינות",)),
    Name("نورالبحر", CUSTOMER, "Arabic", ("ولنورالبحر", "بنورالبحر", "كنورالبحر", "نـورالبـحر", "نُورُالبَحْر"), ("نورالبحر",)),
    Name("ياسمين", PERSON, "Arabic", ("لياسمين", "وياسمين", "فبياسمين", "\ufef3\ufe8e\ufeb3\ufee4\ufef4\ufee6"), ("ياسمين",)),
    Name("شیرازیان", CUSTOMER, "Persian", ("شيرازيان", "شیرازیان‌ها", "برای شیرازیان", "شیرازی\u200cان"), ("شیرازیان", "شيرازيان")),
    Name("کریمی‌نژاد", PERSON, "Persian", ("کریمی نژاد", "كريمي‌نژاد", "کریمینژاد"), ("کریمینژاد", "کریمی نژاد", "كريمينژاد")),
    Name("Ilgın Çırakoğlu", PERSON, "Turkish",
         ("ILGIN ÇIRAKOĞLU", "ılgın çırakoğlu", "Ilgin Cirakoglu", "Çırakoğlu'na", "ÇIRAKOĞLU’nun", "Ilgın durdurdu"),
         ("çırakoğl", "cirakogl", "ılgın", "ilgin ")),
    Name("İnciışık", CUSTOMER, "Turkish", ("INCIISIK", "inciışık'ta", "İNCİIŞIK", "İnciışıkların", "inciisik.example"),
         ("inciisik", "inciışık", "i̇nciışık")),
    Name("Əliyevzadə", SIGNER, "Azerbaijani", ("ƏLİYEVZADƏ", "Əliyevzadənin", "Aliyevzade"), ("liyevzad",)),
    Name("Phượng Hoàng Vàng", CUSTOMER, "Vietnamese",
         ("PHƯỢNG HOÀNG VÀNG", "Phuong Hoang Vang", "phuonghoangvang", "phuong_hoang_vang", unicodedata.normalize("NFD", "Phượng Hoàng Vàng")),
         ("phuong", "phượng")),
    Name("đặng-quỳnhnhư", ACTION, "Vietnamese", ("Đặng Quỳnhnhư", "Dang Quynhnhu", "ĐẶNG QUỲNHNHƯ", "chị Quỳnhnhư"),
         ("quynhnhu", "quỳnhnhư")),
    Name("Szabadfalvi", CUSTOMER, "Hungarian", ("Szabadfalvival", "Szabadfalvihoz", "Szabadfalviék", "Szabadfalvinak", "a szabadfalvis fiók"),
         ("szabadfalvi",)),
    Name("kőszeghy-ödön", ACTION, "Hungarian", ("Kőszeghyvel", "Kőszeghy Ödönnek", "Koszeghy", "KŐSZEGHYÉK", "Kõszeghy"), ("kőszeghy", "koszeghy")),
    Name("Mäkelänniemi", CUSTOMER, "Finnish", ("Mäkelänniemen tili", "Mäkelänniemessä", "Makelanniemi", "MÄKELÄNNIEMI Oy"), ("mäkelännie", "makelannie")),
    Name("Virtakoski", PERSON, "Finnish", ("Virtakosken", "Virtakoskelle", "Virtakoskien", "virtakosken hyväksyntä"), ("virtakosk",)),
    Name("grzegorz-brzęczyk", ACTION, "Polish",
         ("Brzęczyka nie było", "Brzęczykowi", "z Brzęczykiem", "Brzeczyk", "Grzegorza", "Grzegorzowi"), ("brzęczyk", "brzeczyk", "grzegorz")),
    Name("Zielińska-Mróz", REVIEWER, "Polish", ("Zielińskiej", "z Zielińską", "Zielinska", "Zielińskich"), ("zielińsk", "zielinsk")),
    Name("Mokrzycki", PERSON, "Polish", ("Mokrzyckiego", "z Mokrzyckim", "Mokrzyccy"), ("mokrzyc",)),
    Name("Đorđević", PERSON, "Serbian", ("Đorđevića", "Djordjevic", "Dordevic", "Ђорђевић", "Ђорђевићу", "Đorđevićem"),
         ("đorđević", "djordjevic", "dordevic", "ђорђевић")),
    Name("Kazlauskas", CUSTOMER, "Lithuanian", ("Kazlausko sąskaita", "Kazlauskui", "su Kazlausku", "KAZLAUSKAS"), ("kazlausk",)),
    Name("Bērziņš", SIGNER, "Latvian", ("Bērziņa konts", "Bērziņam", "Berzins", "ar Bērziņu"), ("bērziņ", "berzin")),
    Name("Tammsaar", CUSTOMER, "Estonian", ("Tammsaare konto", "Tammsaarele", "Tammsaart"), ("tammsaar",)),
    Name("Guðmundsdóttir", WRITER, "Icelandic", ("Guðmundsdóttur", "Gudmundsdottir", "GUÐMUNDSDÓTTIR"), ("guðmundsdótt", "gudmundsdott")),
    Name("Þórhallsson", PERSON, "Icelandic", ("Þórhallssonar", "Thorhallsson"), ("þórhallss", "thorhallss")),
    Name("Ștefănescu", CUSTOMER, "Romanian", ("Stefanescu", "Ştefănescu", "Ștefăneștilor", "ȘTEFĂNESCU"), ("ștefănesc", "stefanesc", "ştefănesc")),
    Name("Conceição Araújo", DESIGN, "Portuguese", ("Conceicao parou", "Araujo", "os Araújos", "D. Conceição"), ("conceição", "conceicao", "araújo", "araujo")),
    Name("Etxeberria", CUSTOMER, "Basque", ("Etxeberriaren", "Etxeberriari", "etxeberriatarrak"), ("etxeberri",)),
    Name("Gjergjaj", PERSON, "Albanian", ("Gjergjajt", "Gjergjajin", "i Gjergjajve"), ("gjergjaj",)),
    Name("Шестопалова Дарья", SIGNER, "Cyrillic", ("Шестопаловой", "с Шестопаловым", "Дарьей", "Shestopalova", "Shestopalovoy"), ("шестопалов", "дарье", "дарья", "shestopalov")),
    Name("Воробьёв", REVIEWER, "Cyrillic", ("Воробьеву", "ВОРОБЬЁВА", "Воробьевым", "Vorobyov"), ("воробьёв", "воробьев", "vorobyov")),
    Name("Гнатишин", PERSON, "Ukrainian", ("Гнатишиним", "Гнатишина", "Hnatyshyn"), ("гнатишин", "hnatyshyn")),
    Name("Желязкова", CUSTOMER, "Bulgarian", ("Желязкови", "Zhelyazkova", "желязкова-прод"), ("желязков", "zhelyazkov")),
    Name("Бат-Эрдэнэ", PERSON, "Mongolian", ("Бат-Эрдэнийн", "Бат Эрдэнэ", "БАТЭРДЭНЭ"), ("эрдэн",)),
    Name("Καραγιάννης", CUSTOMER, "Greek", ("του Καραγιάννη", "ΚΑΡΑΓΙΑΝΝΗΣ", "Karagiannis", "Καραγιάννηδες"), ("καραγιάνν", "καραγιανν", "karagiann")),
    Name("Θεοφίλου", PERSON, "Greek", ("ΘΕΟΦΙΛΟΥ", "Theofilou", "της Θεοφίλου"), ("θεοφίλου", "θεοφιλου", "theofilou")),
    Name("Պետրոսյան", ACTION, "Armenian", ("Պետրոսյանին", "Petrosyan", "ՊԵՏՐՈՍՅԱՆԸ"), ("պետրոսյան", "petrosyan")),
    Name("한빛물산", CUSTOMER, "Hangul", ("한빛물산의 계정", "한빛 물산", "(주)한빛물산", unicodedata.normalize("NFD", "한빛물산")), ("한빛물산", "한빛 물산")),
    Name("박지훈", PERSON, "Hangul", ("박지훈씨", "지훈이가 멈췄다", "박 지훈", unicodedata.normalize("NFD", "박지훈")), ("박지훈", "지훈")),
    Name("ヤマダタロウ", PERSON, "Kana", ("ヤマダタロウさん", "ﾔﾏﾀﾞﾀﾛｳ", "やまだたろう", "ヤマダ・タロウ"), ("ヤマダタロウ", "やまだたろう", "ヤマダ・タロウ")),
    Name("ひまわり堂", CUSTOMER, "Kana", ("ひまわり堂の口座", "株式会社ひまわり堂", "ヒマワリ堂"), ("ひまわり堂", "ヒマワリ堂")),
    Name("佐々木健一", REVIEWER, "Han", ("佐々木さん", "佐々木健一が承認", "健一"), ("佐々木",)),
    Name("龙腾科技", CUSTOMER, "Han", ("龙腾科技的账户", "客户龙腾科技", "龙腾 科技", "龙·腾·科·技"), ("龙腾科技", "龙腾 科技")),
    Name("欧阳明月", PERSON, "Han", ("欧阳明月批准", "欧阳说", "由欧阳明月"), ("欧阳明月", "欧阳")),
    Name("ធនាគារសុវណ្ណ", CUSTOMER, "Khmer", ("គណនីធនាគារសុវណ្ណនេះ", "ធនាគារសុវណ្ណ"), ("ធនាគារសុវណ្ណ",)),
    Name("ສົມພອນ", PERSON, "Lao", ("ທ່ານສົມພອນຢຸດ", "ສົມພອນ"), ("ສົມພອນ",)),
    Name("အောင်ကျော်မင်း", PERSON, "Burmese", ("ကိုအောင်ကျော်မင်းက", "အောင်ကျော်မင်း"), ("အောင်ကျော်မင်း",)),
    Name("བསོད་ནམས", PERSON, "Tibetan", ("བསོད་ནམས་ཀྱིས", "བསོད་ནམས"), ("བསོད་ནམས",)),
    Name("አበበወርቅ", CUSTOMER, "Ethiopic", ("ለአበበወርቅ", "አበበወርቅን", "የአበበወርቅ"), ("አበበወርቅ",)),
    Name("އިބްރާހީމް", PERSON, "Thaana", ("އިބްރާހީމްގެ", "އިބްރާހީމް"), ("އިބްރާހީމ",)),
    Name("Drayhollow", CUSTOMER, "Latin", ("Drayhollow's", "Drayhollowish", "the Drayhollow-branded copy", "undrayhollowed", "Drayhollows’"), ("drayhollow",)),
    Name("Brindlewick Freight", CUSTOMER, "Latin",
         ("BrindlewickFreight", "brindlewickfreight", "Brindlewick", "brindlewick_freight_eu", "BRINDLEWICK-FREIGHT", "Brindlewick  Freight", "Freight, Brindlewick"),
         ("brindlewick",)),
    Name("oskar.thunvall", PERSON, "Latin", ("Oskar Thunvall", "Thunvalls beslut", "O. Thunvall", "thunvall@", "othunvall", "Thunvall/Oskar"), ("thunvall", "oskar")),
    Name("yarrowgate-settler", SYSTEM, "Latin", ("YarrowgateSettler", "yarrowgateSettlerV2", "yarrowgate settler", "YARROWGATE_SETTLER_URL", "yarrowgate"), ("yarrowgate",)),
    Name("Philippa Ravenscombe", TEAM_NAMES, "Latin", ("Philippa said no", "Ravenscombe’s rule", "p.ravenscombe", "PhilippaRavenscombe", "Ravenscombes"), ("philippa", "ravenscombe")),
    Name("Vandersloot BV", SHARED, "Latin", ("Vandersloot", "Vanderslootse facturen", "vandersloot-bv", "de Vandersloots"), ("vandersloot",)),
]  # fmt: skip

#: Told in words of its language in which the stem itself changes: docs/site.md says so.
BEYOND = {
    "stem that changes": [("Rintamäki", "Rintamäen"), ("Marek", "Marka"), ("Þórhallsson", "Þórhallssyni"), ("Dvořáček", "Dvořáčkem"), ("Ó Súilleabháin", "Uí Shúilleabháin")],
    "in Latin letters, out of a script of India": [("राजलक्ष्मी", "Rajalakshmi"), ("முருகேசன்", "Murugesan")],
    "other characters of China": [("龙腾科技", "龍騰科技")],
}  # fmt: skip


def _each(write: Callable[[str], str]) -> Callable[[str], str]:
    return lambda word: "".join(map(write, word))


def _in_middle(joint: str) -> Callable[[str], str]:
    return lambda word: f"{word[: len(word) // 2]}{joint}{word[len(word) // 2 :]}"


def _mapped(start: int, first: str = "a", *, upper: bool = False) -> Callable[[str], str]:
    last = chr(ord(first) + 25)

    def form(word: str) -> str:
        cased = word.upper() if upper else word.lower()
        return "".join(chr(start + ord(c) - ord(first)) if first <= c <= last else c for c in cased)

    return form


def _table(letters: str, others: str) -> Callable[[str], str]:
    return lambda word: word.lower().translate(str.maketrans(letters, others))


def _host(word: str) -> str:
    try:
        return word.lower().encode("idna").decode()
    except UnicodeError:
        return word.lower()


def _b64(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def _named_entities(word: str) -> str:
    names = {chr(code): name for name, code in name2codepoint.items()}
    return "".join(f"&{names[c]};" if ord(c) > 127 and c in names else c for c in word)


#: How an honest text comes to hold a name: exports, logs, identifiers, copied pages, other keyboards.
FORMS: dict[str, Callable[[str], str]] = {
    "hexadecimal entity": _each(lambda c: f"&#x{ord(c):x};"),
    "hexadecimal entity in capitals": _each(lambda c: f"&#X{ord(c):04X};"),
    "entity of an entity": _each(lambda c: f"&amp;#{ord(c)};"),
    "entity without its end": _each(lambda c: f"&#{ord(c)}"),
    "one letter an entity": lambda w: f"{w[:2]}&#{ord(w[2])};{w[3:]}",
    "named entities": _named_entities,
    "soft hyphen entity": _in_middle("&shy;"),
    "soft hyphens everywhere": _between("\u00ad"),
    "word break": _in_middle("<wbr>"),
    "joiner of graphemes": _in_middle("\u034f"),
    "Mongolian separator": _in_middle("\u180e"),
    "invisible separator": _in_middle("\u2063"),
    "left to right mark": _in_middle("\u200e"),
    "isolates": lambda w: f"\u2068{w[:3]}\u2069{w[3:]}",
    "Braille blank": _in_middle("\u2800"),
    "object character": _in_middle("\ufffc"),
    "private use": _in_middle("\ue000"),
    "tag characters between": _between("\U000e0020"),
    "all tag characters": lambda w: "".join(chr(0xE0000 + ord(c)) for c in w) if w.isascii() else w,
    "variation selectors": _between("\U000e0101"),
    "combining dots": _between("\u0323"),
    "enclosing circles": _between("\u20dd"),
    "thin spaces": _between("\u2009"),
    "two spaces": _between("  "),
    "slashes": _between("/"),
    "middle dots": _between("·"),
    "bars": _between("|"),
    "commas": _between(", "),
    "hyphen and break": _in_middle("-\n"),
    "backslash and break": _in_middle("\\\n"),
    "break of a list": _in_middle("\n  "),
    "one space within": _in_middle(" "),
    "hyphen within": _in_middle("-"),
    "non-breaking hyphen within": _in_middle("\u2011"),
    "en dash within": _in_middle("–"),
    "quoted half": lambda w: f"\"{w[: len(w) // 2]}\"{w[len(w) // 2 :]}",
    "bracketed letter": lambda w: f"{w[0]}({w[1]}){w[2:]}",
    "square bracket": lambda w: f"[{w[0]}]{w[1:]}",
    "emphasised first letter": lambda w: f"**{w[0]}**{w[1:]}",
    "underscore emphasis": lambda w: f"_{w}_",
    "struck through": lambda w: f"~~{w}~~",
    "code inside": lambda w: f"`{w[:3]}`{w[3:]}",
    "link inside": lambda w: f"[{w[:3]}](https://example.org){w[3:]}",
    "link title": lambda w: f'[here](https://example.org "{w}")',
    "autolink": lambda w: f"<https://{_host(w)}.example/x>",
    "reference label": lambda w: f"[here][{w}]",
    "image title": lambda w: f'![plot](a.png "{w}")',
    "HTML attribute": lambda w: f'<abbr title="{w}">a customer</abbr>',
    "sup": lambda w: f"{w[:3]}<sup>{w[3:]}</sup>",
    "anchor": lambda w: f"see {{#{w.lower()}}}",
    "guillemets": lambda w: f"«{w}»",
    "low quotes": lambda w: f"„{w}“",
    "plural possessive": lambda w: f"{w}s’",
    "prime possessive": lambda w: f"{w}′s",
    "full-width apostrophe": lambda w: f"{w}\uff07s",
    "capitals in snake": lambda w: f"SVC_{w.upper()}_EU1",
    "Java package": lambda w: f"com.{w.lower()}.refunds.Agent",
    "camel with acronym": lambda w: f"HTTP{w.capitalize()}APIClient",
    "camel in small": lambda w: f"is{w.capitalize()}Active",
    "digits around": lambda w: f"v2{w.lower()}2prod",
    "environment variable": lambda w: f"${w.upper()}_URL",
    "file": lambda w: f"{w.lower()}.csv",
    "pod": lambda w: f"{w.lower()}-7d9f8b6c5-x2x4z",
    "image tag": lambda w: f"registry.example/{w.lower()}:v3",
    "query": lambda w: f"tenant={quote(w)}&page=2",
    "JSON key": lambda w: f'{{"tenant_{w.lower()}": 1}}',
    "SQL": lambda w: f"SELECT * FROM {w.lower()}_orders",
    "hashtag": lambda w: f"#{w}",
    "percent twice": lambda w: quote(quote(w.lower(), safe=""), safe="") if not w.isascii() else "".join(f"%25{ord(c):02x}" for c in w),
    "percent in small": lambda w: "".join(f"%{byte:02x}" for byte in w.encode()),
    "percent u": _each(lambda c: f"%u{ord(c):04x}"),
    "hexadecimal escapes": lambda w: "".join(f"\\x{byte:02x}" for byte in w.encode()),
    "octal escapes": lambda w: "".join(f"\\{byte:03o}" for byte in w.encode()),
    "braced escapes": _each(lambda c: f"\\u{{{ord(c):x}}}"),
    "escapes of eight": _each(lambda c: f"\\U{ord(c):08x}"),
    "escapes escaped": _each(lambda c: f"\\\\u{ord(c):04x}"),
    "quoted printable": lambda w: quopri.encodestring(w.encode(), quotetabs=True).decode() if not w.isascii() else "".join(f"={ord(c):02X}" for c in w),
    "encoded word": lambda w: f"=?UTF-8?B?{_b64(w.encode())}?=",
    "encoded word Q": lambda w: "=?utf-8?Q?" + "".join(f"={byte:02X}" for byte in w.encode()) + "?=",
    "punycode host": lambda w: f"{_host(w)}.example",
    "punycode label": lambda w: f"the label {_host(w)} resolved",
    "base64 in a JSON": lambda w: _b64(f'{{"tenant": "{w}"}}'.encode()),
    "base64 of UTF-16": lambda w: _b64(f"tenant {w} ok".encode("utf-16-le")),
    "base64 twice": lambda w: _b64(_b64(f"tenant {w} ok".encode()).encode()),
    "base64url in a token": lambda w: f"tok.{base64.urlsafe_b64encode(f'tenant:{w}:ok'.encode()).decode().rstrip('=')}.x",
    "base64 over lines": lambda w: base64.encodebytes(f"the tenant is {w}, and it was told so on the same day".encode()).decode().strip(),
    "base32": lambda w: base64.b32encode(f"tenant {w} ok".encode()).decode(),
    "hex in capitals": lambda w: w.encode().hex().upper(),
    "hex with prefix": lambda w: f"0x{w.encode().hex()}",
    "hex with spaces": lambda w: w.encode().hex(" "),
    "hex with colons": lambda w: w.encode().hex(":"),
    "hex of a sentence": lambda w: f"tenant {w} ok".encode().hex(),
    "bold Fraktur": _mapped(0x1D586),
    "double struck": _mapped(0x1D552),
    "monospace": _mapped(0x1D68A),
    "sans italic": _mapped(0x1D622),
    "squared": _mapped(0x1F130, "A", upper=True),
    "negative circled": _mapped(0x1F150, "A", upper=True),
    "negative squared": _mapped(0x1F170, "A", upper=True),
    "parenthesised": _mapped(0x249C),
    "small capitals": _table("abcdefghijklmnoprtuvwyz", "ᴀʙᴄᴅᴇꜰɢʜɪᴊᴋʟᴍɴᴏᴘʀᴛᴜᴠᴡʏᴢ"),
    "superscript": _table("abcdefghijklmnoprstuvwxyz", "ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻ"),
    "Armenian look-alikes": _table("ohugnlq", "օհսցոլզ"),
    "Cherokee look-alikes": lambda w: w.upper().translate(str.maketrans("AWSDBEKPRTVZHMGLC", "ᎪᎳᏚᎠᏴᎬᏦᏢᎡᎢᏙᏃᎻᎷᏀᏞᏟ")),
    "dotless letters": _table("ij", "ıȷ"),
    "long s": _table("s", "ſ"),
    "ligatures": lambda w: w.replace("fi", "ﬁ").replace("fl", "ﬂ").replace("ff", "ﬀ").replace("st", "ﬆ"),
    "accents": _table("aeioun", "àéîõüñ"),
    "strokes": _table("dlotbhi", "đłøŧƀħɨ"),
    "Latin letters of Vietnam": _table("aeou", "ạẹọụ"),
    "mailto": lambda w: f"mailto:{_host(w)}@quuxmail.example",
    "mention in angles": lambda w: f"<@{w}>",
    "ROT13": lambda w: codecs.encode(w, "rot13"),
    "ROT13 in an identifier": lambda w: f"svc_{codecs.encode(w.lower(), 'rot13')}",
    "upper first of each": lambda w: "".join(c.upper() if n % 2 else c.lower() for n, c in enumerate(w)),
}  # fmt: skip

#: Hidden by intention: nobody's export writes so. Counted by themselves.
HIDDEN: dict[str, Callable[[str], str]] = {
    "UTF-7": lambda w: w.encode("utf-7").decode(),
    "reversed": lambda w: w[::-1],
    "reversed by an override": lambda w: f"\u202e{w[::-1]}\u202c",
    "digits for letters": _table("aeiost", "431057"),
    "base85": lambda w: base64.b85encode(f"tenant {w} ok".encode()).decode().replace("`", "'"),
}
PATTERNS = {
    "mail of an alphabet": ("приём@квуксмир.рф", "квуксмир"),
    "mail with a quoted part": ('"jo doe"@quuxfirma.example.net', "quuxfirma"),
    "mail with tag": ("jo+refunds@quuxfirma.co.uk", "quuxfirma"),
    "mail in angles": ("Jo <jo@quuxfirma.de>", "quuxfirma"),
    "mail in German words": ("jo (at) quuxfirma (punkt) de", "quuxfirma"),
    "host of an alphabet": ("wiki.квуксмир.рф", "квуксмир"),
    "host with a dot at the end": ("wiki.quuxfirma.com.", "quuxfirma"),
    "host with a port": ("quuxfirma.com:8443", "quuxfirma"),
    "host in capitals": ("WIKI.QUUXFIRMA.COM", "quuxfirma"),
    "host with underscore": ("db_1.quuxfirma.net", "quuxfirma"),
    "host below a new ending": ("quuxfirma.app", "quuxfirma"),
    "host below another new ending": ("refunds.quuxfirma.ai/login", "quuxfirma"),
    "percent host": ("https://%77iki.quuxfirma.com", "quuxfirma"),
    "user in a URL": ("https://quuxuser:pw@quuxfirma.com/x", "quuxuser"),
    "URL without slashes": ("https:quuxfirma.com/x", "quuxfirma"),
    "URL in a query": ("https://example.org/go?to=https%3A%2F%2Fquuxfirma.com%2Fx", "quuxfirma"),
    "websocket": ("wss://stream.quuxfirma.com/v1", "quuxfirma"),
    "chat archive": ("https://quuxfirma.slack.com/archives/C02ABCDEF/p1712930", "quuxfirma"),
    "Jira": ("https://quuxfirma.atlassian.net/browse/PAY-17", "quuxfirma"),
    "IPv4 in decimal": ("http://3232235777/", "3232235777"),
    "IPv4 in hexadecimal": ("http://0xC0A80101/", "0xc0a80101"),
    "IPv4 range": ("10.11.12.0/24", "10.11.12.0"),
    "IPv4 in brackets": ("10[.]11[.]12[.]13", "11[.]12"),
    "IPv4 with a circled dot": ("10․11․12․13", "10.11.12.13"),
    "Arabic digits": ("١٠.١١.١٢.١٣", "١٠.١١"),
    "IPv6 short": ("fe80::77", "fe80::77"),
    "IPv6 mapped": ("::ffff:10.11.12.13", "10.11.12.13"),
    "IPv6 network": ("2001:db8:77::/48", "db8:77"),
    "ARN of China": ("arn:aws-cn:sqs:cn-north-1:123456789012:quuxqueue", "quuxqueue"),
    "GCP name": ("projects/quuxproj/secrets/quuxkey/versions/3", "quuxproj"),
    "Azure name": ("/subscriptions/0b1f6471-1bf0-4dda-aec3-cb9272f09590/resourceGroups/quuxgroup", "quuxgroup"),
    "Azure storage": ("quuxstore.blob.core.windows.net", "quuxstore"),
    "S3 host": ("quuxbucket.s3.eu-west-1.amazonaws.com", "quuxbucket"),
    "instance": ("i-0abcd1234ef567890", "0abcd1234ef567890"),
    "security group": ("sg-0a1b2c3d4e5f6a7b8", "0a1b2c3d4e5f"),
    "account": ("account 123456789012", "123456789012"),
    "ticket with words": ("INC0012345", "inc0012345"),
    "ticket in brackets": ("[QUUXOPS-881]", "quuxops-881"),
    "pull request": ("quuxorg/ledger!318", "quuxorg"),
    "commit in a link": ("https://github.com/quuxorg/ledger/commit/1f2e3d4c5b6a79880123456789abcdef01234567", "quuxorg"),
    "commit with at": ("quuxorg/ledger@1f2e3d4", "quuxorg"),
    "git over ssh": ("ssh://git@quuxhub.example.net:2222/team/ledger.git", "quuxhub"),
    "package": ("@quuxscope/refund-client", "quuxscope"),
    "image digest": ("registry.quuxfirma.io/agent@sha256:9f2c41d07781aa0b9f2c41d07781aa0b9f2c41d07781aa0b9f2c41d07781aa0b", "quuxfirma"),
    "trace parent": ("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01", "4bf92f3577b3"),
    "ULID": ("01ARZ3NDEKTSV4RRFFQ69G5FAV", "01arz3ndek"),
    "KSUID": ("1srOrx2ZWZBpBUvZwXKQmoEYga2", "1srorx2zwz"),
    "request": ("req_011CSHoEeqs5C35K2UUqR7Fy", "011cshoee"),
    "thread": ("thread_Ab12Cd34Ef56Gh78Ij90Kl12", "ab12cd34"),
    "Slack member": ("<@U02QUUXAB3>", "u02quuxab3"),
    "Slack channel": ("<#C02QUUXAB3|inc-quuxwar>", "inc-quuxwar"),
    "channel after words": ("in the channel #quux-war-room", "quux-war"),
    "home of a Mac": ("/Users/quuxperson/Library/Logs", "quuxperson"),
    "home by tilde": ("~quuxperson/agent", "quuxperson"),
    "file URL": ("file:///opt/quuxroot/agent.py", "quuxroot"),
    "Windows share": (r"\\QUUXFILES01\refunds$", "quuxfiles01"),
    "relative path": ("src/quuxpay/refunds.py:88", "quuxpay"),
    "phone of Germany": ("0171/2984756", "2984756"),
    "phone of India": ("+91 98765 43210", "98765"),
    "full-width phone": ("＋４９ １５１ ２９３８４７５６", "29384756"),
    "DSN": ("https://abc123def456@o77.ingest.quuxfirma.io/42", "quuxfirma"),
    "JDBC": ("jdbc:postgresql://quuxdb:5432/refunds", "quuxdb"),
    "cluster": ("gke_quuxproj_europe-west1_refunds", "quuxproj"),
    "IMEI": ("490154203237518", "490154203237518"),
    "coordinates": ("52.520008, 13.404954", "52.520008"),
    "plate": ("VIN WVWZZZ1JZXW000001", "wvwzzz1jzxw"),
    "key ID": ("projects/-/serviceAccounts/quuxagent@quuxproj.iam.gserviceaccount.com", "quuxagent"),
}  # fmt: skip

_NAMES_PER_FORM = 4
_FIRST_NUMBER = 10_000


def cases() -> Iterator[Case]:
    """Each name as it is spoken, each form on four names, each pattern; places in turn."""
    place = cycle(PLACES)
    number = _FIRST_NUMBER
    for name in NAMES:
        for text in name.spoken:
            yield _case(number, name, "spoken", next(place), text)
            number += 1
    chosen = cycle(NAMES)
    for form, write in FORMS.items():
        for name in islice(_changed(chosen, write), _NAMES_PER_FORM):
            yield _case(number, name, form, next(place), write(_word(name)))
            number += 1
    for form, (text, needle) in PATTERNS.items():
        for where in ("summary", "action", "signed text"):
            yield Case(number, "pattern", form, where, "payments", PERSON, text, (needle,))
            number += 1


def _changed(names: Iterator[Name], write: Callable[[str], str]) -> Iterator[Name]:
    """The names that a form writes otherwise; a form of Latin letters leaves others as they are."""
    for name in islice(names, 2 * len(NAMES)):
        if write(_word(name)) != _word(name):
            yield name


def _word(name: Name) -> str:
    return max(leaks.re.split(r"[\s&.-]+", name.declared), key=len)


def _case(number: int, name: Name, form: str, place: str, text: str) -> Case:
    is_seen = len(text) > 3 and form != "all tag characters"  # those are looked for by themselves
    told = (text.lower(),) if is_seen else ()
    needles = tuple(dict.fromkeys([*name.parts, *told, *_hidden(form, name)]))
    return Case(number, name.script, form, place, name.declared, name.key, text, needles)


def _hidden(form: str, name: Name) -> tuple[str, ...]:
    """What stands in the bytes where a part of the text is the name in ROT13."""
    return tuple(codecs.encode(part, "rot13") for part in name.parts if form.startswith("ROT13"))
