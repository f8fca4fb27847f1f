"""Words that a sentence may hold without naming anybody."""

from __future__ import annotations

from functools import lru_cache

from kb.data import read_data


@lru_cache(maxsize=1)
def english_words() -> frozenset[str]:
    """Words of English and of this field in small letters, from `kb/data/sensitive/words.txt`."""
    text = read_data("sensitive/words.txt").decode("utf-8")
    return frozenset(line for line in text.splitlines() if not line.startswith("#"))
