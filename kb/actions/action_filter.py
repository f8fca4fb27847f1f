"""Which actions are asked for: one filter for the command line, MCP and editors."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from kb.actions.action import Action
from kb.did_you_mean import check_word, folded
from kb.library import Library


@dataclass(frozen=True)
class ActionFilter:
    """What is asked for; empty and None mean any, and the state `owed` open ones and failed ones.

    Words match whatever their case, and owners with or without their `@`.
    """

    owner: str = ""
    lever: str = ""
    failure_class: str = ""
    record: str = ""
    gate: str = ""
    state: str = "open"
    due: date | None = None
    overdue: bool = False
    origin: str = ""
    effect: str = ""

    def check_words(self, library: Library) -> None:
        """Raise `KbError` for a word nobody uses: an empty list would read as nothing to do."""
        records, form = library.records, library.form
        items = [item for record in records for item in record.actions]
        levers = form.words("lever") | {item.attribute("lever") for item in items}
        gates = form.words("gate") | {item.attribute("gate") for item in items}
        classes = form.words("classes") | {word for record in records for word in record.classes}
        for what, word, known in (
            ("lever", self.lever, levers),
            ("gate", self.gate, gates),
            ("class", self.failure_class, classes),
            ("record", record_id_in(self.record), {d.id for d in library.documents}),
        ):
            if word:
                check_word(what, word, known)

    def chosen(self, every: Iterable[Action]) -> list[Action]:
        """Those of some actions that are asked for, in their order."""
        return [action for action in every if self._allows(action)]

    def _allows(self, action: Action) -> bool:
        return all(
            (
                not self.origin or action.origin == self.origin,
                self.state in ("all", action.state) or (self.state == "owed" and _is_owed(action)),
                not self.effect or self.effect == action.effect,
                _is_asked(self.owner, action.owner),
                _is_asked(self.lever, action.lever),
                _is_asked(self.gate, action.gate),
                not self.record or record_id_in(self.record) == action.record,
                not self.failure_class
                or any(_is_asked(self.failure_class, word) for word in action.classes),
                self.due is None or (action.due is not None and action.due <= self.due),
                not self.overdue or action.days_overdue > 0,
            )
        )


def _is_owed(action: Action) -> bool:
    """Whether something is to be done: it is open, or was done and did not hold."""
    return action.is_open or action.has_failed


def record_id_in(name: str) -> str:
    """The id in a path or an id."""
    return Path(name).name.removesuffix(".md")


def _is_asked(wanted: str, given: str) -> bool:
    """Whether two words are one; an empty wish is any."""
    return not wanted or folded(wanted) == folded(given)
