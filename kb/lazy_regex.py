"""Regular expressions that are compiled when they are first used.

The modules behind `kb check` hold some 450 of them, and a record needs a third: to compile them all
was a third of a second at every start, more than the record itself takes.
"""

from __future__ import annotations

import re


def regex(source: str, flags: int = 0) -> re.Pattern[str]:
    """What `re.compile` gives, without its work until a match is asked for."""
    return LatePattern(source, flags)  # type: ignore[return-value]


class LatePattern:
    """A pattern whose methods are those of the compiled one, each looked up once and kept."""

    def __init__(self, source: str, flags: int) -> None:
        self._source = source
        self._flags = flags

    def compiled(self) -> re.Pattern[str]:
        """The compiled pattern."""
        return re.compile(self._source, self._flags)

    def __getattr__(self, name: str) -> object:
        """A method or attribute of the compiled pattern."""
        if name.startswith("_"):  # what copies and pickles ask for, before there is a source
            raise AttributeError(name)
        found: object = getattr(self.compiled(), name)
        setattr(self, name, found)
        return found
