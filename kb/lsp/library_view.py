"""A library as far as an editor has to know it: a card a record, kept while its file is unchanged.

3,000 records are read once; afterwards a look costs one `stat` a file.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property
from pathlib import Path, PurePath

from kb.config import FILE_NAME
from kb.library import Library, load_documents, no_collection, record_files, unread_library
from kb.lint.rule import LintContext
from kb.lint.runner import claims
from kb.records.action_and_prior_items import ActionItem
from kb.records.document import Document
from kb.records.front_matter import Node
from kb.records.postmortem import Outline, outline

#: Size and time of a file: as long as they stay, it is not read again.
Stamp = tuple[int, int]


@dataclass(frozen=True, slots=True)
class WordPlace:
    """A word of a record's front matter with its place, counted from 1."""

    word: str
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class RecordCard:
    """What others show, complete or count of one record."""

    path: PurePath
    id: str
    title: str
    severity: str
    outline: Outline | None
    claims: tuple[str, ...]
    classes: tuple[WordPlace, ...]
    used: tuple[tuple[str, str], ...]
    actions: tuple[ActionItem, ...]
    priors: tuple[tuple[str, int], ...]


#: Front-matter keys whose values are offered again: free words, which a team keeps alike.
REUSED = ("owners", "route", "tools", "models", "systems", "vendors", "agent.name")


def card_of(document: Document) -> RecordCard:
    """The card of a record."""
    front = document.front
    used = [(key, text) for key in REUSED for text in front.texts(key) if text != "unknown"]
    used += [
        ("owners", owner) for action in document.actions if (owner := action.attribute("owner"))
    ]
    return RecordCard(
        path=document.path,
        id=document.id,
        title=document.title,
        severity=front.text("severity"),
        outline=outline(document),
        claims=tuple(claims((document,))),
        classes=tuple(_word_places(front.get("classes"))),
        used=tuple(dict.fromkeys(used)),
        actions=document.actions,
        priors=tuple((prior.id, prior.line) for prior in document.priors),
    )


def _word_places(node: Node | None) -> Iterable[WordPlace]:
    if node is None:
        return
    for item in node.items if node.kind == "sequence" else (node,):
        if item.text:
            yield WordPlace(item.text.strip(), item.line, item.column)


@dataclass(frozen=True)
class LibraryView:
    """A library at one moment. `cards` are its records by file name, open ones as they stand."""

    library: Library
    cards: Mapping[str, RecordCard]
    stamps: Mapping[str, Stamp]
    settings: Stamp

    @cached_property
    def by_id(self) -> Mapping[str, RecordCard]:
        """The cards by record id, in the order of their names."""
        return {card.id: self.cards[name] for name, card in sorted(self.cards.items())}

    @cached_property
    def _outlines(self) -> dict[str, Outline]:
        return {card.outline.id: card.outline for card in self.cards.values() if card.outline}

    @cached_property
    def _claims(self) -> dict[str, tuple[PurePath, ...]]:
        found: dict[str, tuple[PurePath, ...]] = {}
        for card in self.cards.values():
            for name in card.claims:
                found[name] = (*found.get(name, ()), card.path)
        return found

    @cached_property
    def used(self) -> Mapping[str, tuple[str, ...]]:
        """The values used before of each key of `REUSED`, the most frequent first."""
        counts: dict[str, Counter[str]] = {key: Counter() for key in REUSED}
        for card in self.cards.values():
            for key, text in card.used:
                counts[key][text] += 1
        return {
            key: tuple(text for text, _ in count.most_common()) for key, count in counts.items()
        }

    def context(self, today: date) -> LintContext:
        """What rules may know of this library."""
        return LintContext(
            form=self.library.form,
            settings=self.library.config.check,
            today=today,
            root=self.library.root,
            records=self._outlines,
            paths_of=self._claims,
        )

    def with_open(self, documents: Iterable[Document]) -> LibraryView:
        """The same with records as they stand in the editor; the view itself where none is open."""
        cards = dict(self.cards)
        opened = {document.path.name: card_of(document) for document in documents}
        return replace(self, cards=cards | opened) if opened else self


def open_view(root: Path) -> LibraryView:
    """The library at a root, every record read.

    Raises `KbError` where its settings cannot be read or are not trusted, or its folder is gone.
    """
    library = unread_library(root)
    return _read_files(LibraryView(library, {}, {}, _stamp(root / FILE_NAME)))


def refreshed_view(view: LibraryView) -> LibraryView:
    """The same now: only what changed is read, and the same value where nothing did.

    Raises `KbError` like `look`.
    """
    if _stamp(view.library.root / FILE_NAME) != view.settings:
        return open_view(view.library.root)
    return _read_files(view)


def _read_files(view: LibraryView) -> LibraryView:
    library = view.library
    files = {file.name: file for file in record_files(library.folder)}
    stamps = {name: _stamp(file) for name, file in files.items()}
    if stamps == view.stamps:
        return view
    changed = [name for name, stamp in stamps.items() if view.stamps.get(name) != stamp]
    cards = {name: card for name, card in view.cards.items() if name in stamps}
    with no_collection():
        read = load_documents([files[name] for name in changed], library.form, library.root)
        cards |= {name: card_of(document) for name, document in zip(changed, read, strict=True)}
    return replace(view, cards=dict(sorted(cards.items())), stamps=stamps)


def _stamp(file: Path) -> Stamp:
    try:
        found = file.stat()
    except OSError:
        return (-1, 0)
    return found.st_size, found.st_mtime_ns
