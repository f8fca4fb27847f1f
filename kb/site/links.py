"""The paths of pages, and the addresses by which one page points at another.

Pages are named by path without ending (`incidents/2026-04-12-x`), served as folders
(`incidents/2026-04-12-x/`), and point at each other with relative addresses, so that the site works
below any prefix, in both engines, and from a plain file server.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from kb.records.blank_record import ascii_words
from kb.records.postmortem import Postmortem

#: Begins every address within the site; the templates take it away again. Zensical rewrites
#: relative addresses it finds in HTML and MkDocs does not, but both leave a scheme alone.
MARK = "kb:"
HOME = "index"
INCIDENTS = "incidents"
METRICS = "metrics"
ALL_HANDS = "all-hands"
ACTIONS = "actions"
RULES = "rules"
TEMPLATE = "template"
ABOUT = "about"
#: Pages that one kind has at most: a list of a record costs its writer four bytes a word, and
#: whoever builds the site a page. Libraries of 3,000 records have about 300 words of a kind.
MOST_WORDS = 1_000
#: A byte of a file name that is no UTF-8, as Python spells it.
_ODD_BYTE = re.compile("[\udc80-\udcff]")


@dataclass(frozen=True, slots=True)
class SitePage:
    """One page before the engine: its path, its title and its Markdown body.

    `searchable` False keeps lists out of the search index; `description` is for link previews.
    `contents` says whether it has a table of contents. `found_by` are words that lead the search
    to the page before its prose does. `leads_to` is the address a browser goes on to.
    """

    path: str
    title: str
    body: str
    description: str = ""
    searchable: bool = True
    contents: bool = False
    found_by: tuple[str, ...] = ()
    leads_to: str = ""


@dataclass(frozen=True, slots=True)
class PageKind:
    """One way to gather incidents: by class, by tool. `words` are a record's words of that kind.

    Only those `for_outsiders` have pages in an edition for them.
    """

    folder: str
    title: str
    noun: str
    taxonomy: str
    words: Callable[[Postmortem], Iterable[str]]
    for_outsiders: bool = False


def _without_unknown(*words: str) -> tuple[str, ...]:
    return tuple(word for word in words if word and word != "unknown")


KINDS: tuple[PageKind, ...] = (
    PageKind("classes", "Failure classes", "failure class", "classes", lambda r: r.classes, True),
    PageKind("causes", "Causes", "cause", "causes", lambda r: r.causes, True),
    PageKind(
        "controls",
        "Missing controls",
        "missing control",
        "missing_control",
        lambda r: _without_unknown(r.missing_control),
        True,
    ),
    PageKind("tools", "Tools", "tool", "", lambda r: _without_unknown(*r.tools)),
    PageKind("routes", "Routes", "route", "", lambda r: _without_unknown(r.route)),
    PageKind("owners", "Owners", "owner", "", lambda r: _without_unknown(*r.owners)),
)


@dataclass(frozen=True, slots=True)
class PageNames:
    """The page of each word of each kind; words whose addresses would collide get a tail.

    `without` counts the words of a kind, by its folder, that have no page: there are too many.
    """

    paths: Mapping[tuple[str, str], str]
    without: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, records: Iterable[Postmortem]) -> PageNames:
        """The names of the words that most of the records use, of those alike the first seen."""
        paths: dict[tuple[str, str], str] = {}
        without: dict[str, int] = {}
        known = tuple(records)
        for kind in KINDS:
            counts = Counter(word for r in known for word in dict.fromkeys(kind.words(r)))
            for word, _ in counts.most_common(MOST_WORDS):
                paths[kind.folder, word] = f"{kind.folder}/{_segment(word)}"
            if len(counts) > MOST_WORDS:
                without[kind.folder] = len(counts) - MOST_WORDS
        return cls(paths, without)

    def path(self, folder: str, word: str) -> str:
        """The page of a word, empty where it has none."""
        return self.paths.get((folder, word), "")

    def left_out(self, kinds: Iterable[PageKind]) -> Iterator[str]:
        """A sentence for each of these kinds that has more words than pages."""
        for kind in kinds:
            if count := self.without.get(kind.folder):
                yield (
                    f"{kind.title}: the {MOST_WORDS:,} words of the most records have a page, "
                    f"{count:,} others have none"
                )


def _segment(word: str) -> str:
    short = ascii_words(word)
    return (
        short
        if short == word and short != HOME
        else f"{short or 'untitled'}-{hashlib.sha256(word.encode()).hexdigest()[:6]}"
    )


def incident(record_id: str) -> str:
    """The page of one incident."""
    return f"{INCIDENTS}/{address_of(record_id)}"


def incident_data(record_id: str) -> str:
    """The file of one incident for machines."""
    return f"data/{INCIDENTS}/{address_of(record_id)}.json"


def address_of(record_id: str) -> str:
    """A record's id as addresses hold it: bytes that are no UTF-8 are spelled, as engines need."""
    return _ODD_BYTE.sub(lambda found: f"-x{ord(found[0]) & 0xFF:02x}", record_id)


def relative(source: str, target: str) -> str:
    """The address of page `target` as written on page `source`, with its closing slash."""
    base = "." if source == HOME else source
    goal = "." if target == HOME else target
    path = _relpath(goal, base)
    return f"{MARK}./" if path == "." else f"{MARK}{path}/"


def relative_file(source: str, target: str) -> str:
    """The address of a file of the site, such as `assets/kb.css`, as written on page `source`."""
    return MARK + _relpath(target, "." if source == HOME else source)


@lru_cache(maxsize=4096)
def _up(base: str) -> str:
    return "../" * (base.count("/") + 1)


def _relpath(goal: str, base: str) -> str:
    """`posixpath.relpath` for clean paths below one root: that one asks for the working folder."""
    if base == ".":
        return goal
    if goal == ".":
        return _up(base)[:-1]
    folder = base.rpartition("/")[0]
    if folder and goal.startswith(f"{folder}/"):
        return f"../{goal[len(folder) + 1 :]}"
    return _up(base) + goal
