"""Secrets that have a shape of their own, by the literal every one of them has.

A text without the literal costs next to nothing: its runs of letters and digits are read once, and
a format is looked for only where its literal may stand. Every repetition is bounded, so the time is
linear.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from operator import itemgetter

from kb.lazy_regex import regex
from kb.sensitive.secrets.by_context import named_secrets
from kb.sensitive.secrets.in_code import drawn_secrets, secrets_in_code
from kb.sensitive.secrets.known_formats import Format, formats
from kb.sensitive.secrets.randomness import Detection, is_stand_in, without_overlaps
from kb.sensitive.word_positions import runs_of_long_words

_HEAD = 2  # characters of a run: no literal has fewer
_RUN = regex(r"[A-Za-z0-9]+")


def shaped_secrets(text: str) -> Iterator[Detection]:
    """The secrets with a shape of their own: they are told without what stands around them."""
    # A key has no spaces and is long, and a text has few such words: literals are looked for there.
    for shape in _candidates(text):
        for match in _matches(shape, text):
            # Of a hash of a password the last part tells: salts are written by hand in tests, too.
            body = match[0].removeprefix(shape.literal).rpartition("$")[2]
            is_made_up = is_stand_in(body)
            if not is_made_up and not _is_within_base64(text, match.start()):
                yield Detection(shape.kind, match.start(), match.end())


#: What goes before within one long value in base64, such as a picture in a recording.
_BASE64 = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_LOOKED_BACK = 100


def _is_within_base64(text: str, start: int) -> bool:
    """Whether a stretch begins behind `+` or `/` of base64, in which any letters turn up."""
    if text[start - 1 : start] not in {"+", "/"}:
        return False
    before = text[max(0, start - _LOOKED_BACK) : start]
    run = before[len(before.rstrip(_BASE64)) :]
    return "+" in run[:-1] or len(run) == _LOOKED_BACK or (run[-1] == "+" and run[:-1].isalnum())


def _matches(shape: Format, text: str) -> Iterator[re.Match[str]]:
    """The stretches of a text that have a shape, looked for from its literal on."""
    if not shape.begins_word:
        yield from shape.pattern.finditer(text)
        return
    at = text.find(shape.literal)
    while at >= 0:
        match = shape.pattern.match(text, at)
        if match:
            yield match
        at = text.find(shape.literal, match.end() if match else at + 1)


def _candidates(text: str) -> list[Format]:
    """The formats whose literal stands in a text, in the order of their list."""
    rows = _rows()
    long, runs = runs_of_long_words(text)
    heads = {run[:_HEAD] for run in runs}
    found = [row for run in rows.by_run.keys() & runs for row in rows.by_run[run]]
    found += [row for head in rows.by_head.keys() & heads for row in rows.by_head[head]]
    held = [row for row in found if row[1].literal in long]
    for where, literals in ((long, rows.within_words), (text, rows.with_spaces)):
        for literal in [literal for literal in literals if literal in where]:
            held += literals[literal]
    return [shape for _, shape in sorted(held, key=itemgetter(0))]


@dataclass(frozen=True)
class _Rows:
    """The formats, each with its place in the list, by what rules most of them out.

    By a whole run that their literal has, by the head of a run that may go on, by literals that
    no run begins in, and by those that may stand outside a long word.
    """

    by_run: dict[bytes, list[tuple[int, Format]]] = field(default_factory=dict)
    by_head: dict[bytes, list[tuple[int, Format]]] = field(default_factory=dict)
    within_words: dict[str, list[tuple[int, Format]]] = field(default_factory=dict)
    with_spaces: dict[str, list[tuple[int, Format]]] = field(default_factory=dict)


@lru_cache(maxsize=1)
def _rows() -> _Rows:
    rows = _Rows()
    for row in enumerate(formats()):
        literal = row[1].literal
        run = _first_run(row[1])
        if " " in literal or '"' in literal:
            rows.with_spaces.setdefault(literal, []).append(row)
        elif run is None:
            rows.within_words.setdefault(literal, []).append(row)
        elif run.end() < len(literal):
            rows.by_run.setdefault(run[0].encode(), []).append(row)
        else:
            rows.by_head.setdefault(run[0][:_HEAD].encode(), []).append(row)
    return rows


def _first_run(shape: Format) -> re.Match[str] | None:
    """The first run of a literal that is one in every text, too: nothing goes on before it."""
    runs = _RUN.finditer(shape.literal)
    return next((run for run in runs if run.start() or shape.begins_word), None)


def find_secrets(text: str, lower: str = "") -> Iterator[Detection]:
    """The secrets in a text, each stretch once, the most exact kind first.

    `lower` is the text with its ASCII letters in lower case, where the caller has it already.
    """
    lower = lower or _lower(text)
    found = (
        *shaped_secrets(text),
        *named_secrets(text, lower),
        *secrets_in_code(text, lower),
        *drawn_secrets(text, lower),
    )
    yield from without_overlaps(text, found)


def _lower(text: str) -> str:
    """A text with its ASCII letters in lower case, so that every character stays in its place."""
    return text.encode("utf-8", "surrogatepass").lower().decode("utf-8", "surrogatepass")


def masked(text: str) -> str:
    """The text with each secret blotted out, as long as before: for whoever shows a line."""
    for found in find_secrets(text):
        text = text[: found.start] + "•" * (found.end - found.start) + text[found.end :]
    return text
