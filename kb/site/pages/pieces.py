"""Links, chips, badges and dates as small HTML texts, shared by many pages."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date

from kb.records.model import Postmortem
from kb.site import links
from kb.site.content import Site
from kb.site.html import LinkTarget, escape, web_only

_RECORD_TARGET = re.compile(r"(?:\./)?([^/#?]+)\.md(?:#.*)?$")


def anchor(address: str, html: str, css: str = "") -> str:
    """A link; `html` is its content and already safe."""
    named = f' class="{css}"' if css else ""
    return f'<a href="{escape(address)}"{named}>{html}</a>'


def record_link(site: Site, source: str, record_id: str, html: str = "", css: str = "") -> str:
    """A link to an incident, or its plain text where it has no page."""
    record = site.by_id.get(record_id)
    shown = html or escape(record.title if record else record_id)
    if record is None:
        return shown
    return anchor(links.relative(source, links.incident(record_id)), shown, css)


def word_chip(site: Site, source: str, folder: str, word: str) -> str:
    """A word of a record as a chip that leads to its page."""
    path = site.names.path(folder, word)
    text = escape(word)
    if not path or (
        not site.edition.is_internal and folder not in {"classes", "causes", "controls"}
    ):
        return f'<span class="kb-chip">{text}</span>'
    return anchor(links.relative(source, path), text, "kb-chip kb-link")


def severity(record: Postmortem) -> str:
    """The severity as a badge, empty where none is given."""
    word = escape(record.severity)
    return f'<span class="kb-sev kb-{word.lower()}">{word}</span>' if word else ""


def state_badge(state: str, *, is_untold: bool = False) -> str:
    """The state of a promise; `completion_unknown` where nobody outside can know it."""
    word, css = ("not public", "untold") if is_untold else (state, state)
    return f'<span class="kb-state kb-{escape(css)}">{escape(word)}</span>'


def day(at: date) -> str:
    """A day as people read it, for machines too: `12 Apr 2026`."""
    return f'<time datetime="{at:%Y-%m-%d}">{at.day} {at:%b %Y}</time>'


def heading(text: str) -> str:
    """A Markdown heading of level 2 whose text is only text, whatever it holds."""
    plain = "".join(c if c.isalnum() or c in " ,." else f"&#{ord(c)};" for c in text.strip())
    return f"## {' '.join(plain.split()) or 'Untitled'}"


def block(html: str) -> str:
    """HTML as one block of a Markdown page: no line of it is blank."""
    return "\n".join(line for line in html.splitlines() if line.strip())


def link_target(site: Site, record: Postmortem, source: str) -> LinkTarget:
    """Where links of a record's text lead from a page: the web, other incidents, its own files."""
    files = set(site.files.get(record.id, ()))

    def target(address: str) -> str | None:
        if web_only(address) or address.startswith("mailto:"):
            return address
        match = _RECORD_TARGET.match(address)
        if match and match[1] in site.by_id:
            return links.relative(source, links.incident(match[1]))
        name = address.removeprefix("./").removeprefix(f"{record.id}/")
        if name in files:
            return links.relative_file(source, file_path(record.id, name))
        return None

    return target


def file_path(record_id: str, name: str) -> str:
    """Where a file that lies beside a record stands on the site."""
    return f"files/{record_id}/{name}"


def rows(items: Iterable[str], css: str, tag: str = "ul") -> str:
    """A list of items that are HTML already; empty for no items."""
    body = "".join(f"<li>{item}</li>\n" for item in items)
    return f'<{tag} class="{css}">\n{body}</{tag}>' if body else ""
