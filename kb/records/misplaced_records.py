"""Recognises a Markdown file meant to be a record, though its name or place differs.

Nothing reads such a file: it is in no search and holds no gate. Whoever walks the folder asks
here, so that all of them tell of the same files.
"""

from __future__ import annotations

from pathlib import PurePath

from kb.records.front_matter import FrontMatter
from kb.records.front_matter_keys import KEYS

_ENDINGS = frozenset({".md", ".markdown", ".mdown", ".mkd", ".mdx"})
#: Keys of a record that pages of other programs have too: site generators, notes, catalogues.
_OF_OTHERS = frozenset(
    {"agent", "aliases", "date", "detected_by", "form", "impact", "kind", "links", "models"}
    | {"occurrences", "opened", "origin", "owners", "reviewed", "severity", "shared", "sources"}
    | {"status", "systems", "title", "tools", "vendors", "visibility"}
)
_OURS = frozenset(key.name for key in KEYS) - _OF_OTHERS
_ENOUGH = 2  # one of them alone may be a coincidence
_TEMPLATE = "template.md"
#: What of a record leaves the house lies beside it under this name, with its facts (docs/site.md).
EXTERNAL_TEXT = "external.md"
_OF_EXTERNAL_TEXT = frozenset({"made_from", "approved"})


def is_markdown(name: str) -> bool:
    """Whether a file name is that of a Markdown file."""
    return PurePath(name).suffix.lower() in _ENDINGS


def is_meant_as_record(name: str, front: FrontMatter) -> bool:
    """Whether a file has the front matter of a record.

    So has the template that ships, and the text of a record for outsiders.
    """
    keys = {entry.key for entry in front.entries}
    if name == _TEMPLATE or (name == EXTERNAL_TEXT and keys >= _OF_EXTERNAL_TEXT):
        return False
    return sum(entry.key in _OURS for entry in front.entries) >= _ENOUGH
