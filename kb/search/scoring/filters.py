"""Which records may answer? What the options of a search rule out."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from kb.errors import KbError
from kb.records.form import Form
from kb.search.records.entry import Entry


@dataclass(frozen=True)
class Filters:
    """Which records may answer; empty means any. Ids in `without` never do."""

    classes: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ()
    routes: tuple[str, ...] = ()
    since: date | None = None
    without: frozenset[str] = frozenset()

    def allow(self, entry: Entry) -> bool:
        """Whether a record passes."""
        return (
            (not self.classes or bool(set(self.classes) & set(entry.classes)))
            and (not self.kinds or entry.kind in self.kinds)
            and (not self.routes or entry.route in self.routes)
            and (self.since is None or entry.date >= self.since)
            and entry.id not in self.without
        )


EVERYTHING = Filters()


def refuse_unknown(filters: Filters, form: Form, entries: Iterable[Entry]) -> None:
    """Raise `KbError` for a word that neither the form nor a record knows.

    "Nothing similar" would be taken for an answer. Routes are free words, and a new one has no
    record yet: of them only what looks mistyped is refused.
    """
    entries = tuple(entries)
    classes = form.words("classes") | {name for entry in entries for name in entry.classes}
    kinds = form.words("kind") | {entry.kind for entry in entries}
    routes = {entry.route for entry in entries}
    _refuse("failure class", filters.classes, classes, "kb.toml [taxonomy] adds one")
    _refuse("kind of record", filters.kinds, kinds, "the list is closed")
    known = tuple(word for word in filters.routes if word in routes or _near(word, routes))
    _refuse("route", known, routes, "")


def _refuse(noun: str, wanted: Iterable[str], known: Iterable[str], note: str) -> None:
    names = sorted(name for name in known if name)
    for word in wanted:
        if word not in names:
            near = _near(word, names)
            todo = f"Did you mean {near}?" if near else f"One of: {', '.join(names)}; {note}."
            raise KbError(f"there is no {noun} {word!r}", todo=todo)


def _near(word: str, known: Iterable[str]) -> str:
    """The known word that is meant, empty for none; case makes no difference."""
    names = {name.casefold(): name for name in known if name}
    found = difflib.get_close_matches(word.casefold(), names, n=1)
    return names[found[0]] if found else ""
