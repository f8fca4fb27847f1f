"""The search index that Pagefind makes of the pages, before any engine.

Only the body of a page is searched, and that is known before the engine puts a theme around it: so
the index is made while the engine builds, and lies among the pages for one that is run by hand.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from importlib.util import find_spec
from itertools import count
from pathlib import Path

from kb.processes import MEMORY_BYTES, SECONDS, Process, TimeoutExpired, end, python_command, start
from kb.safe_files import Root
from kb.site.links import MARK, SitePage
from kb.site.safe_html import escape

FOLDER = "pagefind"
#: The part of a page in the index that holds its facts; `kb.js` knows it by this.
FACTS = "kb-facts"
NOT_INSTALLED = "No full-text search, titles and summaries only: pip install 'pagefind[bin]'."
_NOT_MADE = "No full-text search, titles and summaries only: Pagefind failed."
_LOW_PRIORITY = 10
#: By which a person names a binary of their own.
_PROGRAM = ("PAGEFIND_BINARY_PATH",)
_UNUSED = ("ui", "modular-ui", "highlight", "component-ui")
#: The only Markdown of a page: everything else in it is HTML already (see `sections.html`). In the
#: index each heading begins a part of its page, which a result can name.
_HEADING = re.compile(r"^## (.*)$", re.MULTILINE)
#: Elements whose end may touch the next: on a page they stand apart, in an excerpt they would be
#: one word.
_APART = ("a", "dd", "dt", "i", "li", "small", "span", "td", "th", "time")
#: How much more a page's facts and its title count than its prose (Pagefind: 0 to 10, prose 1).
_FACTS_WEIGHT = 9

#: What only search reads of a body, elements and attributes. No record can write an element: its
#: text is escaped.
_FOR_SEARCH = re.compile(r"<div hidden>(?:<span data-pagefind-[^>]*></span>)+</div>")
#: The last attributes of elements: a `>` of text is escaped.
_FOR_SEARCH_AT_END = tuple(
    f" data-pagefind-{name}>" for name in ("ignore", 'weight="3"', 'weight="0.2"')
)

Indexing = Process


def is_installed() -> bool:
    """Whether Pagefind is there, program and binary."""
    if find_spec("pagefind") is None:
        return False
    from pagefind.service import get_executable

    # What is named by the environment, packaged, or else on PATH.
    path = get_executable()
    return path is not None and path.is_absolute() and path.is_file()


def can_be_made(searched: Path) -> bool:
    """Whether there will be an index of a folder."""
    return searched.is_dir() and is_installed()


def searched_file(page: SitePage) -> str:
    """The file in which Pagefind reads a page; `kb.js` makes the page's address of its name.

    Each in a folder of its own would be three thousand folders to make and to remove.
    """
    return f"{page.path}.html"


def searched_html(page: SitePage) -> str:
    """A page as Pagefind reads it: its title, body and facts, without a theme.

    The facts stand in a part of their own, so that no result quotes them.
    """
    numbers = count(1)
    body = _HEADING.sub(lambda line: f'<h2 id="s{next(numbers)}">{line[1]}</h2>', page.body)
    body = body.replace(f'="{MARK}', '="').replace("<small>", " <small>")
    for name in _APART:
        body = body.replace(f"</{name}><", f"</{name}> <")
    facts = escape(" ".join(dict.fromkeys(filter(None, page.found_by))))
    found_by = f'<h2 id="{FACTS}">—</h2><p data-pagefind-weight="{_FACTS_WEIGHT}">{facts}</p>'
    lead = f'<p hidden data-pagefind-meta="lead">{escape(page.description)}</p>'
    return (
        f'<!doctype html><html lang="en"><head><title>{escape(page.title)}</title></head>'
        f"<body>{lead}<div data-pagefind-body>{body}"
        f"{found_by if facts else ''}</div></body></html>\n"
    )


def without_search(body: str) -> str:
    """A body without what is written for search alone."""
    shown = _FOR_SEARCH.sub("", body)
    for attribute in _FOR_SEARCH_AT_END:
        shown = shown.replace(attribute, ">")
    return shown


def start_index(searched: Path, target: Path) -> Indexing | None:
    """The process that makes the index of a folder; None where there is nothing to be made."""
    Root(target.parent).remove_tree(target.name)
    if not can_be_made(searched):
        return None
    options = ["--site", str(searched), "--output-path", str(target), "--quiet"]
    try:
        started = start(
            python_command("pagefind", *options),
            environment={name: os.environ[name] for name in _PROGRAM if name in os.environ},
            memory_bytes=MEMORY_BYTES,
        )
    except OSError:
        return None
    if hasattr(os, "setpriority"):
        # The engine has one thread and takes longest: the threads of this one make way for it.
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, started.pid, _LOW_PRIORITY)
    return started


def end_index(indexing: Indexing | None, target: Path) -> str:
    """Wait for the index; why there is none in one sentence, empty when there is."""
    if indexing is None:
        return "" if is_installed() else NOT_INSTALLED
    try:
        failed = indexing.wait(SECONDS) != 0
    except TimeoutExpired:
        failed = True
    if failed:
        end(indexing)
        Root(target.parent).remove_tree(target.name)
        return _NOT_MADE
    for name in (f"pagefind-{part}.{ending}" for part in _UNUSED for ending in ("js", "css")):
        Root(target).remove_file(name)
    return ""
