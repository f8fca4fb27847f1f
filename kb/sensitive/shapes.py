"""Which secrets have a shape of their own? Well-known keys, by the literal every one of them has.

A text without the literal costs next to nothing: its runs of letters and digits are read once, and
a format is looked for only where its literal may stand. Every repetition is bounded, so the time is
linear.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from operator import itemgetter

from kb.sensitive.detection import Detection
from kb.sensitive.formats import Format, formats
from kb.sensitive.values import is_stand_in
from kb.sensitive.words import long_words

_HEAD = 3  # characters of a run that rule out most formats
_RUN = re.compile(r"[A-Za-z0-9]+")
#: Letters and digits as they are, all else spaces: what is left are the runs of a text.
_TO_RUNS = bytes(at if _RUN.fullmatch(chr(at)) and at < 128 else 32 for at in range(256))  # noqa: PLR2004 - ASCII


def shaped_secrets(text: str) -> Iterator[Detection]:
    """The secrets with a shape of their own: they are told without what stands around them."""
    # A key has no spaces and is long, and a text has few such words: literals are looked for there.
    long = "\n".join(set(long_words(text)))
    for shape in _candidates(text, long):
        for match in _matches(shape, text):
            if not is_stand_in(match[0].removeprefix(shape.literal)):
                yield Detection(shape.kind, match.start(), match.end())


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


def _candidates(text: str, long: str) -> list[Format]:
    """The formats whose literal stands in a text, in the order of their list."""
    by_run, by_head, others = _rows()
    runs = set(long.encode("utf-8", "surrogatepass").translate(_TO_RUNS).split())
    heads = {run[:_HEAD] for run in runs}
    heads |= {head[:2] for head in heads}
    found = [row for run in by_run.keys() & runs for row in by_run[run]]
    found += [row for head in by_head.keys() & heads for row in by_head[head]]
    held = [row for row in (*found, *others) if row[1].literal in (text if row[2] else long)]
    return [shape for _, shape, _ in sorted(held, key=itemgetter(0))]


#: A format with its place in the list, and whether its literal has a space.
_Row = tuple[int, Format, bool]


@lru_cache(maxsize=1)
def _rows() -> tuple[dict[bytes, list[_Row]], dict[bytes, list[_Row]], list[_Row]]:
    """The formats by a whole run that their literal has, by the head of one, and all others."""
    by_run: dict[bytes, list[_Row]] = {}
    by_head: dict[bytes, list[_Row]] = {}
    others: list[_Row] = []
    for at, shape in enumerate(formats()):
        row = (at, shape, " " in shape.literal)
        run = None if row[2] else _first_run(shape)
        if run is None:
            others.append(row)
        elif run.end() < len(shape.literal):
            by_run.setdefault(run[0].encode(), []).append(row)
        else:
            by_head.setdefault(run[0][:_HEAD].encode(), []).append(row)
    return by_run, by_head, others


def _first_run(shape: Format) -> re.Match[str] | None:
    """The first run of a literal that is one in every text, too: nothing goes on before it."""
    runs = _RUN.finditer(shape.literal)
    return next((run for run in runs if run.start() or shape.begins_word), None)
