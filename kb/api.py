"""Everything the command does, as Python calls that return frozen values.

import kb

base = kb.open("postmortems/")
for match in base.similar("the agent paid twice").matches:
    print(match.probability, match.id)
"""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from kb.library import Library, load_document, open_library, unread_library

if TYPE_CHECKING:
    from kb.actions.action import Action
    from kb.actions.gate_decision import GateDecision
    from kb.lint.runner import Report
    from kb.metrics.result_types import MetricsPage
    from kb.repo import Repo
    from kb.search.answer import Answer
    from kb.search.query import Query
    from kb.search.several_libraries import OtherLibrary


class KnowledgeBase:
    """One library, read once when it is first needed.

    Every method raises `kb.errors.KbError` when it cannot be carried out; what is wrong with a
    record is never an exception but a problem of `check`.
    """

    def __init__(self, path: Path | str = ".") -> None:
        self.path = Path(path)

    @cached_property
    def library(self) -> Library:
        """The records of the working tree, with their settings."""
        return open_library(self.path)

    @cached_property
    def settings(self) -> Library:
        """The library without its records: where they lie, and under which settings."""
        return unread_library(self.path)

    @cached_property
    def repo(self) -> Repo:
        """What Git knows of it; a `NoRepo` where there is no Git."""
        from kb.repo import open_repo

        return open_repo(self.library.root)

    def similar(
        self,
        query: str | Path,
        *,
        limit: int = 5,
        casebook: bool | None = None,
        everywhere: bool | None = None,
        store: bool | None = None,
    ) -> Answer:
        """The earlier incidents like a text, a record's id, or the draft in a file (a `Path`).

        `casebook` adds the public incidents that ship with kb, `everywhere` the libraries beside
        this one, `store` the organisation's, by default where `kb.toml` says so; the casebook also
        while fewer than 20 own records are published.
        Needs the extra `search`; the index is brought up to date first.
        """
        search = self.library.config.search
        from kb.search.casebook_default import is_asked

        others = self._libraries_asked(
            casebook=is_asked(self.library, casebook),
            everywhere=search.everywhere if everywhere is None else everywhere,
        )
        asked = self._query(query)
        if bool(self.library.config.store.url) if store is None else store:
            from kb.store.merge_answers import similar_with_store

            return similar_with_store(self.library, asked, limit=limit, others=others)
        from kb.search.several_libraries import similar_beside

        return similar_beside(self.library, others, asked, limit=limit)

    def _libraries_asked(self, *, casebook: bool, everywhere: bool) -> tuple[OtherLibrary, ...]:
        if everywhere:
            from kb.other_libraries.open_libraries import open_other_libraries

            return open_other_libraries(self.library, casebook=casebook)
        from kb.search.casebook import casebook_beside

        return (casebook_beside(self.library),) if casebook else ()

    def _query(self, query: str | Path) -> Query:
        from kb.search.query import query_from_document, query_from_text

        today = datetime.now(UTC).date()
        named = self.library.folder / f"{query}.md"
        if isinstance(query, Path) or (len(str(query)) < 200 and named.is_file()):  # noqa: PLR2004 - a path
            file = query if isinstance(query, Path) else named
            return query_from_document(load_document(file, self.library.form), today)
        return query_from_text(query, today)

    def check(self, *paths: Path) -> Report:
        """What the rules find in the library, or only in these files and folders."""
        from kb.lint.runner import check

        return check(self.library, paths=paths, today=datetime.now(UTC).date())

    def metrics(self, *, as_of: str | None = None, origin: str | None = None) -> MetricsPage:
        """The measures, now or as of a day or revision; `origin` is own, public or example.

        Without `origin`, a team's own records are measured, and public ones where there are no own.
        """
        from kb.metrics.compute_page import page_of, read_all, read_as_of

        moment = read_as_of(self.repo, as_of, datetime.now(UTC))
        return page_of(read_all(self.library, self.repo, moment), origin)

    def actions(self) -> tuple[Action, ...]:
        """Every action of every record, overdue first."""
        from kb.actions.action import actions, listed
        from kb.metrics.compute_page import read_all, read_as_of

        now = read_as_of(self.repo, None, datetime.now(UTC))
        reading = read_all(self.library, self.repo, now)
        return listed(actions(self.library, reading.trails, now.day))

    def gate(self, route: str, gate: str = "restart") -> GateDecision:
        """Whether a route may run again, or (`gate="rollout"`) be expanded."""
        from kb.actions.gate_decision import decide_gate
        from kb.actions.gate_inputs import read_gate_context
        from kb.metrics.compute_page import read_as_of

        now = read_as_of(self.repo, None, datetime.now(UTC))
        context = read_gate_context(self.library, self.repo, route, now)
        return decide_gate(self.library, route, gate, now, context)
