"""Words that a person gives, held against those that are known: the same one, or the nearest."""

from __future__ import annotations

from collections.abc import Iterable

from kb.errors import KbError

_MOST_CHARACTERS = 300


def folded(word: str) -> str:
    """A word or an owner as it is compared: case and the @ of a handle make no difference."""
    return word.strip().lstrip("@").casefold()


def nearest_word(word: str, known: Iterable[str]) -> str:
    """The known word that a slip may have meant, empty for none; case makes no difference."""
    import difflib

    names = {name.casefold(): name for name in known if name}
    found = difflib.get_close_matches(word.casefold(), names, n=1)
    return names[found[0]] if found else ""


def did_you_mean(word: str, known: Iterable[str], otherwise: str) -> str:
    """What to do about a word that is not known: take the nearest, else `otherwise`."""
    near = nearest_word(word, known)
    return f"Did you mean '{near}'?" if near else otherwise


def check_word(what: str, word: str, known: Iterable[str]) -> None:
    """Raises `KbError` for a word that nothing has: an empty list would read as an answer."""
    names = sorted({name for name in known if name})
    if folded(word) not in {folded(name) for name in names}:
        todo = did_you_mean(word, names, f"One of: {', '.join(names)}")
        raise KbError(f"there is no {what} '{word}'", todo=todo[:_MOST_CHARACTERS])
