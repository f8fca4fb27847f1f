"""Words that actions are asked for by: the same at the command line and over MCP."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from kb.errors import KbError


def check_word(what: str, word: str | None, known: Iterable[str]) -> None:
    """Raise `KbError` for a word that nothing has: its list would be empty for a slip."""
    names = {name.casefold(): name for name in known if name}
    if word is None or word.casefold() in names:
        return
    near = difflib.get_close_matches(word.casefold(), names, n=1)
    todo = f"Did you mean '{names[near[0]]}'?" if near else f"Known: {', '.join(sorted(names))}"
    raise KbError(f"there is no {what} '{word}'", todo=todo[:300])


def is_same_word(wanted: str, given: str) -> bool:
    """Whether two words are one but for case and the @ of a handle."""
    return wanted.lstrip("@").casefold() == given.lstrip("@").casefold()
