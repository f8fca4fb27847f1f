"""postmortem-kb: a Git-native knowledge base of postmortems for incidents caused by AI agents.

The way through the house, data flowing one way; a room imports only from the rooms to its left:

    repo · records ─► library ─► lint · search · metrics · runs ─► publish · trackers ─► api ─►
    commands ─► cli

- `kb.errors`   what went wrong, where, and what to do
- `kb.config`   what the team set in kb.toml
- `kb.records`  what a postmortem is: the form, `Document` (as written), `Postmortem` (meant)
- `kb.repo`     what Git knows; nothing else talks to Git
- `kb.sensitive`  what must not leave: secrets and personal data in a text
- `kb.library`  all records of a tree
- `kb.lint`     what is wrong with a record
- `kb.search`   which earlier incidents are like this one, how sure, and why
- `kb.metrics`  whether the organisation is learning
- `kb.traces`     what a trace can prove
- `kb.site`  how it is shown
- `kb.actions.trackers` where promised actions live outside: GitHub, Linear, Jira
- `kb.api`      the same for programs: `kb.open(path)`
- `kb.commands`, `kb.cli`  words in, words out
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from kb.version import __version__

if TYPE_CHECKING:
    from pathlib import Path

    from kb.api import KnowledgeBase

__all__ = ["__version__", "open"]


def open(path: Path | str = ".") -> KnowledgeBase:
    """The knowledge base that `path` lies in. Raises `kb.errors.KbError` when there is none."""
    from kb.api import KnowledgeBase

    return KnowledgeBase(path)
