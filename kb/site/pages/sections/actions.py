"""The actions of a page: each with its state and its attributes as chips."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar

from markupsafe import Markup

from kb.records.action_and_prior_items import ActionItem
from kb.records.markdown import SectionText
from kb.records.postmortem import Postmortem
from kb.site.pages.sections.blocks import Part, parts_beside, with_said_day
from kb.site.safe_html import LinkTarget, to_inline_html

_ATTRIBUTES = ("owner", "due", "lever", "gate", "tracker", "closed", "watch", "verified")


@dataclass(frozen=True, slots=True)
class ActionEntry:
    """One action with its state, its attributes by name, and what became of it."""

    label: str
    text: Markup
    state: str
    is_untold: bool
    attributes: tuple[tuple[str, str], ...]
    days_overdue: int = 0
    effect: str = ""
    effect_why: str = ""


@dataclass(frozen=True, slots=True)
class ActionList:
    """The actions of a record."""

    shape: ClassVar[str] = "actions"
    entries: tuple[ActionEntry, ...]


def action_parts(section: SectionText, record: Postmortem, link: LinkTarget) -> Iterator[Part]:
    """The actions as one list, and what else the section says."""
    is_public = record.origin == "public"
    entries = tuple(_action(action, link, is_public) for action in record.actions)
    if entries:
        yield ActionList(entries)
    yield from parts_beside(section, {action.line for action in record.actions}, link)


def _action(action: ActionItem, link: LinkTarget, is_public: bool) -> ActionEntry:
    attributes = ((name, action.attribute(name)) for name in _ATTRIBUTES)
    return ActionEntry(
        action.label,
        to_inline_html(action.text, link),
        action.state,
        is_public and action.state == "open",
        tuple((name, with_said_day(value)) for name, value in attributes if value),
    )
