"""A page for the author: each section of a record, and beside it what would leave of it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import PurePath

from markupsafe import Markup

from kb.library import Library
from kb.records.document import Document, read_document
from kb.sensitive.names.find_names import NameIndex
from kb.site.external.approved_text import facts
from kb.site.external.name_replacement import CLOSE, OPEN
from kb.site.external.record_release import RecordRelease, candidates, refusals, release_of
from kb.site.external.refusal import context_for_outsiders
from kb.site.safe_html import to_html
from kb.site.templates import environment

_TEMPLATE = "side_by_side.html"


@dataclass(frozen=True, slots=True)
class SectionComparison:
    """A section inside and outside; `outside` is empty where nothing of it leaves."""

    heading: str
    inside: Markup
    outside: Markup


def previews(library: Library, names: NameIndex, today: date) -> Iterator[tuple[str, str]]:
    """File name and page for each record that is meant for outsiders."""
    context = context_for_outsiders(library, today)
    for record in candidates(library.published):
        out = release_of(library, record, names, context)
        why = [str(refusal) for refusal in refusals(out, context)]
        yield f"{record.id}.html", _page(out, why)


def _page(out: RecordRelease, why: list[str]) -> str:
    shown = out.signed if out.signed and out.is_current else out.proposed
    document = read_document(
        shown.written.encode(errors="replace"), PurePath(f"{out.source.id}.md"), out.form
    )
    return (
        environment()
        .get_template(_TEMPLATE)
        .render(
            title=out.source.title,
            outside_title=_marked(document.title),
            facts=[_marked(line) for line in facts(shown.record)],
            pairs=list(_pairs(out, document)),
            refusals=why,
            question=out.question,
        )
    )


def _pairs(out: RecordRelease, outside: Document) -> Iterator[SectionComparison]:
    texts = {section.key: section.text for section in outside.sections}
    for section in out.source.sections:
        text = texts.get(section.key, "")
        yield SectionComparison(section.heading, to_html(section.text), _marked_html(text))


def _marked_html(markdown: str) -> Markup:
    return _with_marks(str(to_html(markdown)))


def _marked(text: str) -> Markup:
    return _with_marks(str(Markup.escape(text)))


def _with_marks(html: str) -> Markup:
    """Replacements as marked text: the signs become tags, everything else is HTML already."""
    return Markup(html.replace(OPEN, "<mark>").replace(CLOSE, "</mark>"))  # noqa: S704
