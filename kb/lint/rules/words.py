"""Which known word was meant? The end of every message about a word that no list has."""

from __future__ import annotations

from collections.abc import Iterable

from kb.lint.rules.reading import nearest

_LISTED_IN_FULL = 8  # a longer list hides the message it should help
_MAX_WORD = 60  # what is longer is a sentence, and comparing it costs more than it tells


def meant(word: str, known: Iterable[str]) -> str:
    """The known word closest to this one, empty where none is close. Case does not count."""
    names = {name.lower(): name for name in known}
    close = nearest(word.lower()[:_MAX_WORD], names)
    return names[close] if close else ""


def what_to_write(word: str, known: Iterable[str]) -> str:
    """What to write in place of an unknown word: the nearest one, else what may be chosen."""
    names = tuple(known)
    if found := meant(word, names):
        return f"did you mean '{found}'?"
    if len(names) <= _LISTED_IN_FULL:
        return f"write one of: {', '.join(names)}"
    return f"write a known one, such as: {', '.join(names[:_LISTED_IN_FULL])} …"
