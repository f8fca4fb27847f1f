"""The words and names of a site: search tells a name, a misspelling and nonsense apart by them.

The index answers a word that no page has with pages that have its beginning: `postgres` finds
`post`. So the search box looks a word up here first.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import lru_cache
from html import unescape
from typing import NamedTuple

from kb.records.postmortem import Postmortem
from kb.site import links
from kb.site.content import Site

PATH = "data/lexicon.json"
_TAG = re.compile(r"<[^<>]*>")
#: What is not a letter or digit of ASCII becomes a space: a table of C for what is nearly all text.
_ASCII_LETTERS = {code: chr(code).lower() if chr(code).isalnum() else " " for code in range(128)}
#: ASCII has no accents, and is nearly all of a page: only the rest is looked at letter by letter.
_BEYOND_ASCII = re.compile(r"[^\x00-\x7f]+")
#: Longer ones are hashes and encoded bytes: nobody types them, and they are near to nothing.
_MOST_CHARACTERS = 30


class NamedPage(NamedTuple):
    """A name that has a page of its own: a route, a class, a tool; an incident's id or alias.

    An incident has neither `kind` nor a number of `incidents`. `path` is empty where it follows
    from an incident's id, and `title` where it is the name or, of an alias, that of the incident.
    """

    name: str
    path: str = ""
    title: str = ""
    kind: str = ""
    incidents: str = ""

    @property
    def line(self) -> str:
        """All but the name, with tabs between."""
        return "\t".join(map(_on_one_line, self[1:])).rstrip("\t")


def page_words(html: str) -> set[str]:
    """The words of a page's body, in lower case and without accents, as a query is folded."""
    text = _TAG.sub(" ", html)
    if "&" in text:
        text = unescape(text)
    if not text.isascii():
        text = _BEYOND_ASCII.sub(lambda run: _plainest(run[0]), text)
    words = set(text.translate(_ASCII_LETTERS).split())
    return {word for word in words if 1 < len(word) <= _MOST_CHARACTERS}


@lru_cache(maxsize=4096)
def _plainest(run: str) -> str:
    """Letters in small and without accents; what is no letter or digit is a space.

    The same dashes and quotes stand on every page.
    """
    parts = unicodedata.normalize("NFKD", run)
    plain = (letter for letter in parts if not unicodedata.combining(letter))
    return "".join(letter if letter.isalnum() else " " for letter in plain).lower()


def lexicon_json(site: Site, words: Counter[str]) -> str:
    """The lexicon as the search box reads it; `words` counts the pages that have each word.

    The words of the most pages come first: of two that are equally near, that is the likelier.
    Names and what is known of each are lines: a browser reads two long strings in a tenth of the
    time that it takes for thousands of objects.
    """
    ranked = sorted(words, key=lambda word: (-words[word], word))
    named = [*_facet_pages(site), *_incident_names(site.by_id.values())]
    data = {
        "words": " ".join(ranked),
        "names": "\n".join(_on_one_line(one.name) for one in named),
        "pages": "\n".join(one.line for one in named),
    }
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")) + "\n"


def _on_one_line(text: str) -> str:
    return " ".join(text.split())


def _facet_pages(site: Site) -> Iterator[NamedPage]:
    for kind in site.kinds.values():
        counts = Counter(word for record in site.records for word in set(kind.words(record)))
        for word, count in sorted(counts.items()):
            path = site.names.path(kind.folder, word)
            if path:
                yield NamedPage(word, path, kind=kind.noun, incidents=str(count))


def _incident_names(records: Iterable[Postmortem]) -> Iterator[NamedPage]:
    for record in records:
        path = links.incident(record.id)
        is_plain = path == f"{links.INCIDENTS}/{record.id}"
        yield NamedPage(record.id, "" if is_plain else path, record.title)
        for name in record.aliases:
            yield NamedPage(name, path, "" if is_plain else record.title)
