"""Where does each page live, and how does one page point at another?

Pages are named by path without ending (`incidents/2026-04-12-x`), served as folders
(`incidents/2026-04-12-x/`), and point at each other with relative addresses, so that the site works
below any prefix, in both engines, and from a plain file server.
"""

from __future__ import annotations

import posixpath
from dataclasses import dataclass

from kb.records.draft import slug

HOME = "index"
INCIDENTS = "incidents"
METRICS = "metrics"
ACTIONS = "actions"


@dataclass(frozen=True, slots=True)
class Page:
    """One page before the engine: its path, its title and its Markdown body.

    `searchable` False keeps lists out of the search index; `description` is for link previews.
    """

    path: str
    title: str
    body: str
    description: str = ""
    searchable: bool = True


def incident(record_id: str) -> str:
    """The page of one incident."""
    return f"{INCIDENTS}/{record_id}"


def facet(kind: str, word: str) -> str:
    """The page of one class, cause, control, tool, route or owner, such as `classes/runaway-loop`."""
    return f"{kind}/{slug(word)}"


def relative(source: str, target: str) -> str:
    """The address of page `target` as written on page `source`, with its closing slash."""
    base = "." if source == HOME else source
    goal = "." if target == HOME else target
    path = posixpath.relpath(goal, base)
    return "./" if path == "." else f"{path}/"


def relative_file(source: str, target: str) -> str:
    """The address of a file of the site, such as `assets/kb.css`, as written on page `source`."""
    return posixpath.relpath(target, "." if source == HOME else source)
