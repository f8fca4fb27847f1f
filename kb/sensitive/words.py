"""Which words of a text are long? Keys and encodings are, and a text has few of them."""

from __future__ import annotations

from functools import lru_cache

#: Fewer characters hold neither a key nor, encoded, ten digits.
SHORTEST = 15


@lru_cache(maxsize=1)  # one text is looked through for several things in turn
def long_words(text: str) -> tuple[str, ...]:
    """The words between white space that may hold a secret, in their order."""
    return tuple([word for word in text.split() if len(word) >= SHORTEST])
