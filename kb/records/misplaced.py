"""Recognises a Markdown file meant to be a record, though its name or place differs.

Nothing reads such a file: it is in no search and holds no gate. Whoever walks the folder asks
here, so that all of them tell of the same files.
"""

from __future__ import annotations

from pathlib import PurePath

from kb.records.front_matter import FrontMatter

_ENDINGS = frozenset({".md", ".markdown", ".mdown", ".mkd", ".mdx"})
#: Keys of a record that no site generator has.
_OURS = frozenset(
    {"affected_customers", "causes", "classes", "clocks", "cost_usd", "customers_affected"}
    | {"detected_by", "impact", "lessons_by", "missing_control", "rescues", "route", "severity"}
    | {"signoffs"}
)
_ENOUGH = 2  # one of them alone may be a coincidence
_TEMPLATE = "template.md"


def is_markdown(name: str) -> bool:
    """Whether a file name is that of a Markdown file."""
    return PurePath(name).suffix.lower() in _ENDINGS


def is_meant_as_record(name: str, front: FrontMatter) -> bool:
    """Whether a file has the front matter of a record; the template that ships has it, too."""
    return name != _TEMPLATE and sum(entry.key in _OURS for entry in front.entries) >= _ENOUGH
