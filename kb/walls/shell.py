"""The commands of a shell line, each with its words, what it does, and to what."""

from __future__ import annotations

import shlex
from typing import NamedTuple


class Command(NamedTuple):
    """One simple command. `effect` is empty where nobody asked for it."""

    words: tuple[str, ...]
    effect: str
    targets: tuple[str, ...]


def commands(line: str, with_effect: bool) -> tuple[Command, ...]:
    """The commands of a line."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    lexer.commenters = ""
    found: list[tuple[str, ...]] = []
    words: list[str] = []
    try:
        for word in [*lexer, ";"]:
            if set(word) <= set("();<>|&"):
                found.append(tuple(words))
                words = []
            elif not (not words and word in ("sudo", "env", "xargs")):
                words.append(word)
    except ValueError:
        found.append(tuple(line.split()))
    return tuple(Command(words, "destructive", words[1:]) for words in found if words)
