"""The values that many pages share: links, the words of a record, and the way through the site."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from kb.records.postmortem import Postmortem
from kb.site import links
from kb.site.content import Site
from kb.site.safe_html import LinkTarget, web_only

_RECORD_TARGET = re.compile(r"(?:\./)?([^/#?]+)\.md(?:#.*)?$")


@dataclass(frozen=True, slots=True)
class Link:
    """Text and the address it leads to; without an address it is text alone."""

    text: str
    address: str = ""


def record_link(site: Site, source: str, record_id: str) -> Link:
    """A link to an incident, or its id where it has no page."""
    record = site.by_id.get(site.counted(record_id))
    if record is None:
        return Link(record_id)
    return Link(record.title, links.relative(source, links.incident(record.id)))


def word_link(site: Site, source: str, folder: str, word: str) -> Link:
    """A word of a record with the address of its page, where the edition has one."""
    path = site.names.path(folder, word)
    if not path or folder not in site.kinds:
        return Link(word)
    return Link(word, links.relative(source, path))


def word_links(site: Site, source: str, folder: str, words: Iterable[str]) -> tuple[Link, ...]:
    """The same for each of these words."""
    return tuple(word_link(site, source, folder, word) for word in words)


def link_target(site: Site, record: Postmortem, source: str) -> LinkTarget:
    """Where links of a record's text lead from a page: the web, other incidents, its own files."""
    files = set(site.files.get(record.id, ()))

    def target(address: str) -> str | None:
        if web_only(address) or address.startswith("mailto:"):
            return address
        match = _RECORD_TARGET.match(address)
        if match and (record_id := site.counted(match[1])) in site.by_id:
            return links.relative(source, links.incident(record_id))
        name = address.removeprefix("./").removeprefix(f"{record.id}/")
        if name in files:
            return links.relative_file(source, file_path(record.id, name))
        return None

    return target


def file_path(record_id: str, name: str) -> str:
    """Where a file that lies beside a record stands on the site."""
    return f"files/{record_id}/{name}"
