"""What is a line of a timeline made of? Pieces of text with the name of a style."""

from __future__ import annotations

from typing import NamedTuple

from kb.traces.run import Effect


class Piece(NamedTuple):
    """A piece of a line, with the name of its style; empty for plain text."""

    text: str
    style: str = ""


Line = tuple[Piece, ...]

#: Effect to the mark before its call, and the style of both.
MARKS = {
    Effect.READ: ("○", "read"),
    Effect.WRITE: ("▲", "write"),
    Effect.DESTRUCTIVE: ("✖", "destructive"),
    Effect.UNKNOWN: ("?", "unknown"),
}
