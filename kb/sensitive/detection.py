"""What is a detection? Where something that must not leave stands in a text, and what it is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Detection:
    """Where a secret, or personal data, stands in a text, and what kind it is."""

    kind: str
    start: int
    end: int


def without_overlaps(text: str, detections: Iterable[Detection]) -> Iterator[Detection]:
    """The detections that share no character with one before them."""
    taken: bytearray | None = None
    for found in detections:
        taken = bytearray(len(text)) if taken is None else taken
        if taken.find(1, found.start, found.end) < 0:
            taken[found.start : found.end] = b"\1" * (found.end - found.start)
            yield found
