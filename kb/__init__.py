"""postmortem-kb: a Git-native knowledge base of postmortems for incidents caused by AI agents.

Data flows one way; a package imports only from those to its left (`lint-imports` checks it):

    ground floor ─► records · repo · sensitive ─► library ─► lint · search · traces ─► adopt · walls
    ─► actions ─► metrics ─► site · review ─► other_libraries ─► store ─► digest · erasure ─► api
    ─► lsp · mcp ─► commands ─► cli

- `kb.records`    what a postmortem is: the form, `Document` (as written), `Postmortem` (meant)
- `kb.repo`       what Git knows; nothing else talks to Git
- `kb.sensitive`  secrets, personal data and names in a text
- `kb.library`    all records of a tree
- `kb.lint`       faults of records, and `kb fmt`
- `kb.search`     earlier incidents of the same class, how sure, and why
- `kb.traces`     runs from any recording, and what they prove
- `kb.adopt`      existing postmortems as records
- `kb.walls`      calls of coding agents that are stopped
- `kb.actions`    promises, gates, sign-offs, trackers
- `kb.metrics`    numbers from records and commits
- `kb.site`, `kb.review`  pages, editions, the comment of a pull request
- `kb.other_libraries`, `kb.store`  what other teams share, as libraries and in PostgreSQL
- `kb.digest`     what was learnt, as Markdown, a page or a message
- `kb.erasure`    a name taken out of a library
- `kb.api`        the same for programs: `kb.open(path)`
- `kb.commands`, `kb.cli`, `kb.installation_report`  the command line
- `kb.lsp`, `kb.mcp`  editors and coding agents

The ground floor is what everything uses, once: `safe_files` (the one way to read, write and
delete), `processes` (the one way to start a program), `parallel` (work on several of them),
`streams` (the one way to print), `trusted_settings` and `user_config`, `config`, `errors`,
`terminal`, `humanize` (numbers and durations in words), `statistics`, `sentences`.
"""

from __future__ import annotations

from kb.version import __version__

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

    from kb.api import KnowledgeBase

__all__ = ["__version__", "open"]


def open(path: Path | str = ".") -> KnowledgeBase:
    """The knowledge base that `path` lies in. Raises `kb.errors.KbError` when there is none."""
    from kb.api import KnowledgeBase

    return KnowledgeBase(path)
