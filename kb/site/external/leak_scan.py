"""Searches every built file for names that must not be told.

What the pages say themselves is left out of the question: a customer who is called Home cannot be
told from a link to the home page.
"""

from __future__ import annotations

import gzip
import html
import re
import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from kb.errors import KbError
from kb.records.form import build_form
from kb.records.form_sections import SECTIONS
from kb.records.taxonomy import TAXONOMIES
from kb.sensitive.names.find_names import NameIndex
from kb.sensitive.names.folding import fold
from kb.site.content import Site
from kb.site.machine.atom_json_csv import data_files

#: Pictures and programs: those that ship, and cards, which show the titles of records.
_NOT_TEXT = frozenset(
    {".png", ".ico", ".svg", ".woff2", ".css", ".js", ".wasm", ".map", ".pagefind", ".bin"}
)
#: The words an encoder knows; no record has a part in them.
_VOCABULARY = "semantic/vocabulary-"
_TAG = re.compile(r"</?(?:strong|em|del|code|a|b|i|small|span|mark)\b[^>]*>")
_OTHER_TAG = re.compile(r"<[^<>]*>")
#: Search indexes: words with numbers between them, in which two letters stand by chance.
_PACKED = frozenset({".pf_index", ".pf_meta", ".pf_filter"})
_LONG_WORD = re.compile(r"[^\W\d_]{4,}")
_WORD = re.compile(r"[^\W_]+")
_GZIP = b"\x1f\x8b"
_NOT_FOUND = "404.html"


def refuse_names(folder: Path, site: Site, names: NameIndex) -> None:
    """Raise `KbError` when a file of a folder holds one of the names, or is called by it."""
    for hit in names.find("\n".join((site.name, site.url))):
        _refuse(hit.name.written, "the name or address of the site")
    look = _Look(names, _own_words(folder, site))
    for path in sorted(folder.rglob("*")) if look.names.names else ():
        place = path.relative_to(folder).as_posix()
        is_text = path.is_file() and path.suffix.lower() not in _NOT_TEXT
        is_text = is_text and not place.startswith(_VOCABULARY)
        text = _text(path.read_bytes()) if is_text else ""
        if path.suffix.lower() in _PACKED:
            text = " ".join(_LONG_WORD.findall(text))
        if name := look.first_in(place.replace("/", " ")) or look.first_in(text):
            _refuse(name, place)


class _Look:
    """Looks for names word by word: each word that any file has is looked into once."""

    def __init__(self, names: NameIndex, own_words: str) -> None:
        own = NameIndex(names.names)
        said = {hit.name for word in set(own_words.split()) for hit in own.find(word)}
        said |= {name for name in own.names if set(name.telling) <= set(_words(own_words))}
        self.names = NameIndex(name for name in names.names if name not in said)
        self._phrases = [name for name in self.names.names if len(name.words) > 1]
        self._known: dict[str, str] = {}

    def first_in(self, text: str) -> str:
        """The first of the names that stands in a text, empty for none."""
        for word in dict.fromkeys(text.split()):
            if word not in self._known:
                hits = self.names.find(word)
                self._known[word] = next((h.name.written for h in hits if h.is_certain), "")
            if self._known[word]:
                return self._known[word]
        return self._first_phrase(text)

    def _first_phrase(self, text: str) -> str:
        words = set(_words(text)) if self._phrases else set()
        for name in self._phrases:
            if words.issuperset(name.words):
                hits = NameIndex((name,)).find(text)
                if any(hit.is_certain for hit in hits):
                    return name.written
        return ""


def _words(text: str) -> list[str]:
    return _WORD.findall(fold(text))


def _own_words(folder: Path, site: Site) -> str:
    """What the pages of any site say, and the engine's own."""
    empty = folder / _NOT_FOUND
    chrome = _text(empty.read_bytes()) if empty.is_file() else ""
    return f"{_said_by_pages(site)}\n{chrome}"


def _refuse(name: str, where: str) -> None:
    raise KbError(
        f"no external edition: '{name}' must not be told, and stands in {where}",
        todo="Take it out of the records, of kb.toml or of mkdocs.yml; the old site is as it was.",
    )


def _said_by_pages(site: Site) -> str:
    """What every site says, whatever its records."""
    from kb.site.write import all_pages  # pages are written by whoever asks for this look

    empty = replace(site, form=build_form(), records=(), related={}, notes=())
    pages = (page.body for page in all_pages(empty))
    fields = (f"{field.key} {field.prompt}" for row in SECTIONS for field in row.fields)
    words = (f"{word.name} {word.definition}" for row in TAXONOMIES.values() for word in row)
    form = (f"{row.heading} {row.key}" for row in SECTIONS)
    return "\n".join((*pages, *(t for _, t in data_files(empty)), *fields, *words, *form))


def _text(raw: bytes) -> str:
    """What a file says: unpacked, decoded, with the tags in it and without."""
    if raw[:2] == _GZIP:
        try:
            raw = gzip.decompress(raw)
        except (OSError, EOFError, zlib.error):
            return ""
    text = raw.decode("utf-8", errors="replace").replace("\\n", "\n")
    if "<" not in text and "&" not in text:
        return text
    joined = _OTHER_TAG.sub("\n\n\n\n", _TAG.sub("", text))
    attributes = "\n".join(_values(text))
    return html.unescape(f"{joined}\n\n\n\n{attributes}")


def _values(text: str) -> Iterator[str]:
    """What stands inside the tags."""
    yield from _OTHER_TAG.findall(text)
