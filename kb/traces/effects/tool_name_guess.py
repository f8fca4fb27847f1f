"""A guess at the effect of a tool from the words of its name, where nobody says."""

from __future__ import annotations

import re
from functools import lru_cache

from kb.traces.run import Effect, ToolCall

_READS = frozenset(
    word
    for line in (
        "analyze ask browse calc calculate cat check compute count describe diff explore fetch",
        "find get glob grep head info inspect list load lookup ls open outline plan preview query",
        "read recall retrieve scan search select show stat status summarize tail think thought",
        "todo todowrite validate verify view wait",
    )
    for word in line.split()
)
_WRITES = frozenset(
    word
    for line in (
        "add apply approve archive assign book buy cancel change charge close commit copy create",
        "delete deploy destroy disable drop edit email enable erase grant insert install invite",
        "issue kill merge modify move notify order overwrite patch pay place post publish purchase",
        "purge push put refund",
        "register remove rename renew reopen replace reply reschedule reset restart revoke",
        "rollback save schedule send set ship submit terminate transfer update upgrade upload",
        "truncate upsert wipe withdraw write",
    )
    for word in line.split()
)
_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")


def seems_to_write(call: ToolCall) -> bool:
    """Whether a call is known to write, or sounds so where nobody says."""
    if call.effect is not Effect.UNKNOWN:
        return call.effect.is_write
    return sounds_like_a_write(call.tool)


@lru_cache(maxsize=4096)
def sounds_like_a_write(name: str) -> bool:
    """Whether the first word of a name that says what it does says that it changes something."""
    words = [word.lower() for word in _WORDS.findall(name)]
    known = next((word for word in words if word in _READS or word in _WRITES), "")
    return known in _WRITES
