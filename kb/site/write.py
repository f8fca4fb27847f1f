"""Writes a build folder: pages as plain Markdown, machine copies, styles and scripts."""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path, PurePath

from kb.library import Library
from kb.parallel.forks import run_in_forks, usable_cores
from kb.records.postmortem import Postmortem
from kb.safe_files import Root, Tree, UnsafePathError
from kb.site import lexicon, links, post_process
from kb.site.content import Site
from kb.site.links import SitePage
from kb.site.machine.atom_json_csv import data_files
from kb.site.machine.link_previews import Card, cards_of, write_cards
from kb.site.pages.page import PageTemplate, rendered_page
from kb.site.pages.page_kinds import PAGE_KINDS
from kb.site.pages.record_links import file_path
from kb.site.post_process import HEADERS, headers_text
from kb.site.safe_html import escape
from kb.site.search_index import searched_file, searched_html, without_search
from kb.site.work_folder import SEARCHED

#: What a double-quoted scalar of YAML 1.2 may not hold, or would read as a line's end.
_NOT_IN_YAML = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")

#: Fewer are drawn sooner than a process is ready that would draw some of them.
_WORTHWHILE = 200
_RECORDS_A_SHARE = 25


def all_pages(site: Site, kinds: Sequence[PageTemplate] = PAGE_KINDS) -> Iterator[SitePage]:
    """Every page of a site: of each kind, the pages that its edition has."""
    for kind in kinds:
        if site.edition.is_internal or not kind.internal:
            yield from (rendered_page(kind.template, page) for page in kind.pages(site))


def page_text(page: SitePage, site: Site, card: str = "") -> str:
    """A page as the engine reads it: its settings, then its body.

    The title is escaped: engines put it into their templates as it is. `card` is the picture of
    link previews, by its path on the site.
    """
    hidden = ["navigation"] if page.contents else ["navigation", "toc"]
    settings = {
        "title": escape(page.title),
        "description": escape(" ".join(page.description.split())),
        "hide": hidden,
        "edition": escape(site.edition.banner),
        "path": page.path,
        "section": page.path.partition("/")[0],
        "contents": page.contents,
        "root": links.relative(page.path, links.HOME).removeprefix(links.MARK),
        **_preview(page, site, card),
        **({"leads_to": escape(page.leads_to)} if page.leads_to else {}),
    }
    lines = "".join(f"{name}: {_yaml_value(value)}\n" for name, value in settings.items())
    searched = "" if page.searchable else "search:\n  exclude: true\n"
    return f"---\n{lines}{searched}---\n\n{without_search(page.body)}\n"


def _yaml_value(value: object) -> str:
    """A value on one line of YAML: JSON with every character as it is, but those YAML forbids."""
    text = json.dumps(value, ensure_ascii=False)
    return _NOT_IN_YAML.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _preview(page: SitePage, site: Site, card: str) -> dict[str, str]:
    """Absolute addresses for link previews; none where the site does not know its own."""
    if not site.url:
        return {}
    base = site.url.rstrip("/")
    place = "" if page.path == links.HOME else f"{page.path}/"
    found = {"address": escape(f"{base}/{place}")}
    return found | ({"card": escape(f"{base}/{card}")} if card else {})


def write_pages(site: Site, library: Library, folder: Path) -> int:
    """Write a site's pages into a folder that then holds nothing else; how many pages there are.

    What search reads comes to lie beside it, in `SEARCHED`.
    """
    work = Root(folder.parent)
    fresh, searched = work.path / f"{folder.name}.new", work.path / SEARCHED
    for old in (fresh, searched):
        work.remove_tree(old.name)
    cards = cards_of(site)
    write_cards(cards.values(), fresh, folder)
    cores = usable_cores() if len(site.by_id) >= _WORTHWHILE else 1
    count = _write_texts(site, cards, fresh, searched, cores)
    for record_id, names in site.files.items():
        if record_id in site.by_id:
            _copy_files(library.folder / record_id, names, fresh, record_id)
    _copy_tree(files("kb.data").joinpath("site", "assets"), fresh / "assets" / "kb")
    work.remove_tree(folder.name)
    work.rename(fresh.name, folder.name)
    return count


def _write_texts(
    site: Site, cards: Mapping[str, Card], fresh: Path, searched: Path, cores: int
) -> int:
    """Write every page, for the engine and for search, and the machine copies; how many pages."""
    writer = _Writer(site, cards, fresh, searched)
    done = run_in_forks(writer.write, tuple(_shares(site)), cores)
    words: Counter[str] = sum((words for _, words in done), Counter())
    with Root(fresh).filler() as fill:
        fill(HEADERS, _raw(headers_text([])))
        for name, text in (*data_files(site), (lexicon.PATH, lexicon.lexicon_json(site, words))):
            fill(name, _raw(text))
    return sum(count for count, _ in done)


@dataclass(frozen=True)
class _Share:
    """Pages that one process draws in one go: all of a kind, or those of some records."""

    kind: PageTemplate
    records: tuple[Postmortem, ...] = ()

    def pages(self, site: Site) -> Iterable[SitePage]:
        if self.kind.of_record is None:
            return all_pages(site, (self.kind,))
        values = (self.kind.of_record(site, record) for record in self.records)
        return (rendered_page(self.kind.template, page) for page in values)


def _shares(site: Site) -> Iterator[_Share]:
    """All pages of a site, the largest shares first."""
    yield from (_Share(kind) for kind in PAGE_KINDS if kind.of_record is None)
    records = tuple(site.by_id.values())
    for kind in PAGE_KINDS:
        if kind.of_record is not None:
            for at in range(0, len(records), _RECORDS_A_SHARE):
                yield _Share(kind, records[at : at + _RECORDS_A_SHARE])


@dataclass(frozen=True)
class _Writer:
    """Where the pages of a site are written: for the engine, and for search."""

    site: Site
    cards: Mapping[str, Card]
    fresh: Path
    searched: Path

    def write(self, shares: Iterable[_Share]) -> tuple[int, Counter[str]]:
        """Write pages; how many there are, and in how many of those searched each word is."""
        count, words = 0, Counter[str]()
        with Root(self.fresh).filler() as fill, Root(self.searched).filler() as fill_searched:
            for share in shares:
                for page in share.pages(self.site):
                    card = self.cards.get(page.path) or self.cards.get(links.HOME)
                    text = page_text(page, self.site, card.path if card else "")
                    fill(f"{page.path}.md", _raw(text))
                    if page.searchable:
                        fill_searched(searched_file(page), _raw(searched_html(page)))
                        words.update(lexicon.page_words(page.body))
                    count += 1
        return count, words


def _raw(text: str) -> bytes:
    return text.encode("utf-8", "replace")


def write(folder: Path, place: str, text: str) -> None:
    """Write a text into a folder that is being made, with the folders it needs."""
    Root(folder).fill(place, _raw(text))


def write_theme(folder: Path, *, has_index: bool, meaning_megabytes: int = 0) -> None:
    """Write the templates that the engine's theme is changed by, and what this build tells them.

    Without an index the search box must not ask for one. `meaning_megabytes` is what search by
    meaning loads, 0 where the site has none.
    """
    Root(folder.parent).remove_tree(folder.name)
    _copy_tree(files("kb.data").joinpath("site", "theme"), folder)
    write(folder, "partials/kb-policy.html", post_process.csp_meta_tag(post_process.policy(())))
    facts = " data-kb-index" if has_index else ""
    facts += f' data-kb-meaning="{meaning_megabytes}"' if meaning_megabytes else ""
    write(folder, "partials/kb-index.html", facts)


def _copy_files(source: Path, names: tuple[str, ...], folder: Path, record_id: str) -> None:
    root, tree = Root(folder), Tree(source)
    for name in names:
        try:
            with os.fdopen(tree.open(source / name), "rb") as stream:
                root.copy_in(stream, file_path(record_id, name))
        except UnsafePathError:  # it was a file of this folder when the record was gathered
            continue


def _copy_tree(source: Traversable, target: Path) -> None:
    root = Root(target)
    root.make_folder(PurePath())
    for entry in source.iterdir():
        if entry.is_dir():
            _copy_tree(entry, target / entry.name)
        else:
            root.fill(entry.name, entry.read_bytes())
