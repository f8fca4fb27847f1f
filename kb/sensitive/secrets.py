"""Does a text hold a secret? Well-known keys, and values told by what stands before them."""

from __future__ import annotations

from collections.abc import Iterator

from kb.sensitive.detection import Detection, without_overlaps
from kb.sensitive.named import named_secrets
from kb.sensitive.shapes import shaped_secrets


def find_secrets(text: str, lower: str = "") -> Iterator[Detection]:
    """The secrets in a text, each stretch once, the most exact kind first.

    `lower` is the text with its ASCII letters in lower case, where the caller has it already.
    """
    lower = lower or _lower(text)
    found = (*shaped_secrets(text), *named_secrets(text, lower))
    yield from without_overlaps(text, found)


def _lower(text: str) -> str:
    """A text with its ASCII letters in lower case, so that every character stays in its place."""
    return text.encode("utf-8", "surrogatepass").lower().decode("utf-8", "surrogatepass")


def masked(text: str) -> str:
    """The text with each secret blotted out, as long as before: for whoever shows a line."""
    for found in find_secrets(text):
        text = text[: found.start] + "•" * (found.end - found.start) + text[found.end :]
    return text
