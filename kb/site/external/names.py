"""The names that must not be told, and where they stand in a text, however written.

A text is folded before it is looked into: accents, zero-width characters and backslashes are taken
out, and between the words of a name may stand whatever is no letter. Marks of Markdown and HTML
are taken out by whoever asks.
"""

from __future__ import annotations

import re
import string
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from kb.records.model import Postmortem
from kb.records.taxonomy import TIMELINE_TAGS

_DESKS = """
a access accounts admin agent agents ai alerts analytics api app apps architecture assistant
audit automation backend billing bot build call casebook chat checkout ci cloud commerce
compliance content core customer customers cx data database dba delivery design desk dev
developer developers devex devops docs duty edge eng engineer engineering evals evaluation
experience finance fraud frontend governance group growth hr identity incident incidents infra
infrastructure integration integrations internal it knowledge lead leads legal logistics mail
maintainer maintainers management manager marketing messaging ml mobile model models
monitoring n network nobody none observability on oncall operations operator operators ops
orders owner owners payments payouts people platform policy pricing privacy product production
prompt prompts qa quality refunds release releases reliability reporting research responder
returns reviewer reviewers risk runtime safety sales search security service services
settlement shipping shop site software squad sre sres staff storage store success support
system systems tbd team teams test testing tooling tools trust unit unknown user users voice
web website
"""
_PARTS = """
bank best blue central city club co coast company corp corporation east eastern europe
european express first foods general global gmbh grace grand great green group health home
hope hotel hotels house inc industries insurance international limited llc local ltd major
mark market markets media miles national new north northern open partner partners red rose
royal shops smart south southern stores target the travel union united west western will world
"""

#: What an owner may be called that is no person: desks, teams, what they build, and no answer.
DESKS = frozenset(_DESKS.split())
#: Parts of names that are ordinary words when they stand alone.
ORDINARY = DESKS | frozenset(_PARTS.split())

_WORD = re.compile(r"[^\W_]+")
_SHORT = 3  # letters of a name that is looked for as it was written: `IT` is no `it`
_PART = 4  # letters of a part of a name that is looked for by itself
_BETWEEN = r"[\W_]{0,3}"
_LONGEST = 80  # characters of an identifier before a name
_IN_IDENTIFIERS = f"{string.ascii_letters}{string.digits}_"
_WORD_AFTER = re.compile(r"\d*(?:_\w{0,80})?")
_UNSEEN = frozenset({"Mn", "Me", "Cf"})


@dataclass(frozen=True, slots=True)
class NameSpan:
    """A stretch of a text, and what may stand in its place."""

    start: int
    end: int
    instead: str


@dataclass(frozen=True)
class PrivateName:
    """A name with what stands in its place.

    Systems are told in records of what is public, which speak of those that everybody knows. A
    part of a name counts only where it is written with a capital.
    """

    words: tuple[str, ...]
    instead: str
    is_system: bool = False
    is_part: bool = False

    @property
    def told(self) -> str:
        """The name as an error shows it."""
        return " ".join(self.words)

    @cached_property
    def stem(self) -> str:
        """What stands in every text that holds the name, in lower case."""
        return max(self.words, key=len).lower()

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        # A literal at its head makes it fast; what stands around it is looked at afterwards.
        return re.compile(_BETWEEN.join(re.escape(word.lower()) for word in self.words))

    def places(self, text: str, lower: str) -> Iterator[tuple[int, int]]:
        """Where it stands between what is no letter, with the identifier that it is part of."""
        for match in self._pattern.finditer(lower):
            start, end = match.span()
            if self._is_so_written(text[start:end]) and _is_apart(text, start, end):
                yield _identifier(text, start, end)

    def _is_so_written(self, text: str) -> bool:
        if self.is_part:
            return text[0].isupper()
        return len(text) >= _SHORT or text in self.words


def _is_apart(text: str, start: int, end: int) -> bool:
    """Whether no word goes on at either end; `prodAcme` is two."""
    before, after = text[start - 1 : start], text[end : end + 1]
    opens = not before.isalpha() or (before.islower() and text[start].isupper())
    return opens and (not after.isalpha() or (text[end - 1].islower() and after.isupper()))


def _identifier(text: str, start: int, end: int) -> tuple[int, int]:
    """The stretch with `prod_` before it and `2_db` behind it."""
    if text[start - 1 : start] == "_":
        before = text[max(0, start - _LONGEST) : start]
        start -= len(before) - len(before.rstrip(_IN_IDENTIFIERS))
    after = _WORD_AFTER.match(text, end)
    return start, after.end() if after else end


@dataclass(frozen=True)
class PrivateNames:
    """All that must not be told, the longest names first."""

    names: tuple[PrivateName, ...]

    @classmethod
    def of(cls, records: Iterable[Postmortem], people: Iterable[str]) -> PrivateNames:
        """Customers and people of all records, systems of a team's own, and people of `kb.toml`."""
        found: dict[tuple[str, ...], PrivateName] = {}
        for name in (n for every in _all_names(records, people) for n in every):
            found.setdefault(tuple(word.lower() for word in name.words), name)
        ordered = sorted(found.values(), key=lambda name: len(name.told), reverse=True)
        return cls(tuple(ordered))

    def spans(self, text: str, *, is_public: bool = False) -> Iterator[NameSpan]:
        """Where names stand in a text."""
        plain, places = folded(text)
        for name in self._maybe_in(lower := plain.lower()):
            if not (is_public and name.is_system):
                for start, end in name.places(plain, lower):
                    yield NameSpan(places[start], places[end - 1] + 1, name.instead)

    def to_look_for(self, ordinary: str) -> PrivateNames:
        """Those to look for in whole pages: of systems only such as are no words of a language.

        Names that the pages use as words themselves (`ordinary`) cannot be told from them.
        """
        words = frozenset(_WORD.findall(folded(ordinary)[0].lower()))
        return PrivateNames(
            tuple(
                name
                for name in self.names
                if not name.is_part
                and len("".join(name.words)) > _SHORT
                and not (name.is_system and len(name.words) == 1 and name.words[0].isalpha())
                and not all(word.lower() in words for word in name.words)
            )
        )

    def first_in(self, text: str) -> str:
        """The first of the names that stands in a text, empty for none."""
        plain = folded_text(text)
        lower = plain.lower()
        found = (n for n in self._maybe_in(lower) if next(n.places(plain, lower), None))
        return next((name.told for name in found), "")

    @cached_property
    def _stems(self) -> tuple[tuple[str, PrivateName], ...]:
        return tuple((name.stem, name) for name in self.names)

    def _maybe_in(self, lower: str) -> list[PrivateName]:
        """The names whose longest word stands in a text: cheap, and most often none."""
        return [name for stem, name in self._stems if stem in lower]


def _all_names(
    records: Iterable[Postmortem], people: Iterable[str]
) -> Iterator[Iterable[PrivateName]]:
    for person in people:
        yield _person(person)
    for record in records:
        reviewer = (record.reviewed.by,) if record.reviewed else ()
        agreed = (record.facts_agreed.by,) if record.facts_agreed else ()
        signers = (signoff.owner for signoff in record.signoffs)
        for person in (*record.owners, *reviewer, *agreed, record.lessons_by, *signers):
            yield _person(person)
        copies = (copy.customer for copy in record.shared)
        for customer in (*record.affected_customers, *copies):
            yield _customer(customer)
        if record.origin != "public":
            yield (name for system in record.systems for name in _system(system))


def _person(written: str) -> Iterator[PrivateName]:
    words = _words(written)
    if all(word.lower() in DESKS for word in words):
        return
    yield PrivateName(words, "[name]")
    yield from _parts(words, "[name]", shortest=_SHORT)


def _customer(written: str) -> Iterator[PrivateName]:
    words = _words(written)
    if words:
        yield PrivateName(words, "a customer")
        yield from _parts(words, "a customer", shortest=_PART)


def _system(written: str) -> Iterator[PrivateName]:
    words = _words(written)
    if len("".join(words)) >= _SHORT and words != ("unknown",):
        yield PrivateName(words, "a system", is_system=True)


def _parts(words: tuple[str, ...], instead: str, shortest: int) -> Iterator[PrivateName]:
    for word in words if len(words) > 1 else ():
        is_ordinary = not {word.lower(), f"{word.lower()}s"}.isdisjoint(ORDINARY)
        if len(word) >= shortest and word.isalpha() and not is_ordinary:
            yield PrivateName((word,), instead, is_part=True)


def _words(written: str) -> tuple[str, ...]:
    """The words of a name; of a mail address those before the sign."""
    return tuple(_WORD.findall(folded_text(written.partition("@")[0] or written)))


def folded_text(text: str) -> str:
    """A text without accents, unseen characters and backslashes."""
    if text.isascii():
        return text.replace("\\", "")
    decomposed = unicodedata.normalize("NFKD", text).replace("\\", "")
    return "".join(c for c in decomposed if c.isascii() or unicodedata.category(c) not in _UNSEEN)


def folded(text: str) -> tuple[str, list[int] | range]:
    """The same, and where in the text each of its characters stood."""
    if text.isascii() and "\\" not in text:
        return text, range(len(text))
    found = [(part, at) for at, c in enumerate(text) for part in folded_text(c)]
    return "".join(part for part, _ in found), [at for _, at in found]


#: What is left of a link that is none, for there is no such label or the target is written wrong.
_TARGET = r"\((?:[^()\n]|\([^()\n]*\))*\)"
_LABEL = rf"\[(?!(?:{'|'.join(word.name for word in TIMELINE_TAGS)})\])[^\]\n]*\]"
#: What names a person or a record, whatever the record is about.
_ALWAYS = (
    (re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+"), "[address]"),
    (re.compile(r"(?<![\w/])@[A-Za-z][\w/-]*"), "[name]"),
    (re.compile(r"(?<!\d)\d{4}-\d{2}-\d{2}-[A-Za-z][\w-]*(?:\.md)?"), "another record"),
    (re.compile(rf"(?<=\])(?!\(https?://){_TARGET}"), ""),
)
#: What names a place of the house. A record of what is public speaks of places of others.
_OF_THE_HOUSE = (
    (re.compile(r"<?\b[a-z][a-z0-9+.-]{1,20}://[^\s<>)\]]+>?", re.IGNORECASE), "[link]"),
    (re.compile(rf"(?<=\])(?:{_TARGET}|{_LABEL})"), ""),
    (re.compile(r"(?<![\w/#&])#[A-Za-z][\w-]+"), "[channel]"),
    (
        re.compile(
            r"(?<![\w.@-])(?:[\w-]{1,63}\.){1,8}(?:internal|local|localhost|localdomain|lan|corp"
            r"|home|intranet|private|arpa)(?::\d{1,5})?(?:/[^\s<>)\]]*)?(?![\w-])",
            re.IGNORECASE,
        ),
        "[host]",
    ),
    (re.compile(r"(?<![\w.:/])(?:~|\.{1,2})?/(?:[\w.@-]+/)+[\w.@-]*"), "[path]"),
    (re.compile(r"(?<!\w)(?:[A-Za-z]:\\|\\\\)[\w.$ -]+(?:\\[\w.$-]+)+"), "[path]"),
    (re.compile(r"(?<![\d.])\d{1,3}(?:\.\d{1,3}){3}(?:/\d{1,2}|:\d{1,5})?(?![\d.])"), "[address]"),
)


@dataclass(frozen=True, slots=True)
class NameRemover:
    """Takes out of text what must not be told; `is_public` for records of what is public."""

    names: PrivateNames
    is_public: bool = False

    def spans(self, text: str) -> list[NameSpan]:
        """The stretches that must not be told, in order and apart from each other."""
        patterns = _ALWAYS if self.is_public else (*_ALWAYS, *_OF_THE_HOUSE)
        found = [
            NameSpan(match.start(), match.end(), instead)
            for pattern, instead in patterns
            for match in pattern.finditer(text)
        ]
        return _joined((*found, *self.names.spans(text, is_public=self.is_public)))

    def text(self, text: str) -> str:
        """A text without them."""
        parts, at = [], 0
        for span in self.spans(text):
            parts += [text[at : span.start], span.instead]
            at = span.end
        return "".join((*parts, text[at:]))


def _joined(spans: Iterable[NameSpan]) -> list[NameSpan]:
    """Spans that overlap as one, named by the longest of them."""
    joined: list[NameSpan] = []
    for span in sorted(spans, key=lambda span: (span.start, -span.end)):
        if joined and span.start < joined[-1].end:
            before = joined[-1]
            joined[-1] = NameSpan(before.start, max(before.end, span.end), before.instead)
        else:
            joined.append(span)
    return joined
