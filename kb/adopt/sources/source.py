"""A source: a kind of file that postmortems are kept in, and how its text is read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from pathlib import PurePosixPath
from typing import Any

from kb.adopt.derived_fact import DerivedFact


class UnreadableError(Exception):
    """A file that is no postmortem of the kind it seemed to be; the text says why."""


@dataclass(frozen=True)
class SourceFile:
    """One file, as it is: `name` is its path in the report, through archives too.

    `columns` says which column of a table is which key; `is_named` that a person named this very
    file, and not only a folder or an archive that holds it.
    """

    name: str
    raw: bytes
    columns: Mapping[str, str] = field(default_factory=dict)
    is_named: bool = True

    @property
    def path(self) -> PurePosixPath:
        """The name as a path."""
        return PurePosixPath(self.name)

    @property
    def suffix(self) -> str:
        """The end of the name, in small letters: `.md`."""
        return self.path.suffix.lower()

    @cached_property
    def json(self) -> Any:
        """What the file holds where it is JSON, None where it is not, and for `null`."""
        import json

        try:
            return json.loads(self.raw) if self.suffix == ".json" else None
        except (ValueError, RecursionError):
            return None


@dataclass(frozen=True)
class ForeignText:
    """One postmortem of a file, as Markdown.

    `part` tells those of one file apart, empty where the file is one. `facts` are told outside the
    text and hold before it; `entered` is the day it was entered somewhere, for a text that names
    none, and `entered_by` says where that stands. `left` are things that were not carried over.
    """

    text: bytes
    part: str = ""
    stem: str = ""
    facts: tuple[DerivedFact, ...] = ()
    entered: date | None = None
    entered_by: str = ""
    left: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PostmortemSource:
    """One row of the registry.

    `name` is what people call it, `shape` what of it is read. `is_theirs` looks at no more than it
    must; `read` raises `UnreadableError` for what does not fit.
    """

    name: str
    shape: str
    is_theirs: Callable[[SourceFile], bool]
    read: Callable[[SourceFile], tuple[ForeignText, ...]]
