"""The timeline of a page: its dated lines with their tags, each day shown once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar

from markupsafe import Markup

from kb.records.markdown import SectionText
from kb.records.postmortem import Postmortem
from kb.site.pages.sections.blocks import Part, parts_beside
from kb.site.safe_html import LinkTarget, to_inline_html


@dataclass(frozen=True, slots=True)
class Moment:
    """One dated line; its day is shown only where it changes, its hour where it has one."""

    at: datetime
    shows_day: bool
    hour: str
    text: Markup
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TimelineList:
    """The dated lines of a timeline."""

    shape: ClassVar[str] = "timeline"
    moments: tuple[Moment, ...]


def timeline_parts(section: SectionText, record: Postmortem, link: LinkTarget) -> Iterator[Part]:
    """The dated lines as one list, and what else the section says."""
    moments, day = [], None
    for entry in record.timeline:
        at = entry.at
        hour = f"{at:%H:%M}" if entry.has_time else ""
        text = to_inline_html(entry.text, link)
        moments.append(Moment(at, at.date() != day, hour, text, tuple(entry.tags)))
        day = at.date()
    if moments:
        yield TimelineList(tuple(moments))
    yield from parts_beside(section, {entry.line for entry in record.timeline}, link)
