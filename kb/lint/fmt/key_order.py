"""Orders front-matter keys as the key table does, with their comments."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from kb.lazy_regex import regex
from kb.lint.fmt.text_edit import Edit
from kb.records.document import Document
from kb.records.front_matter import FrontMatter, MappingEntry, read_front_matter
from kb.records.front_matter_keys import KEYS, position

#: Line breaks to YAML or Unicode that are none to Git: lines cannot be moved safely then.
_ODD_BREAK = regex("[\\x0b\\x0c\\x1c-\\x1e\\x85\\u2028\\u2029]|\\r(?!\\n)")
#: Comments about the whole file: they stay where they are, above the first key.
_ABOUT_THE_FILE = regex(r"#\s*(?:kb:|yaml-language-server:|vim?:|-\*-)")


def order_edits(document: Document) -> Iterator[Edit]:
    """One edit of the whole block, none where a fault makes moving unsafe or nothing would move."""
    front = document.front
    places = [position(entry.key) for entry in front.entries]
    if document.faults or places == sorted(places) or not _is_plain(front):
        return
    block = document.text[front.start : front.end]
    if _ODD_BREAK.search(block):
        return
    text = _sorted_block(block, front)
    if _is_same(document, text):
        what = "front-matter keys have one order"
        yield Edit(front.start, front.end, text, what)


def _is_plain(front: FrontMatter) -> bool:
    """Whether the form has every key, and each begins its own line, so that lines can be moved."""
    lines = [entry.line for entry in front.entries]
    known = all(position(entry.key) < len(KEYS) for entry in front.entries)
    return known and len(set(lines)) == len(lines) and all(e.column == 1 for e in front.entries)


def _sorted_block(block: str, front: FrontMatter) -> str:
    lines = block.splitlines(keepends=True)
    starts = _starts(lines, front.entries, front.first_line)
    head = "".join(lines[: starts[0]])
    ends = [*starts[1:], len(lines)]
    chunks = ["".join(lines[start:end]) for start, end in zip(starts, ends, strict=True)]
    pairs = zip(front.entries, chunks, strict=True)
    return head + "".join(chunk for _, chunk in sorted(pairs, key=_place))


def _place(pair: tuple[MappingEntry, str]) -> int:
    return position(pair[0].key)


def _starts(lines: list[str], entries: tuple[MappingEntry, ...], first_line: int) -> list[int]:
    """The index of the first line of each entry, the comments directly above it included."""
    keys = [entry.line - first_line for entry in entries]
    starts = []
    for before, key in pairwise([-1, *keys]):
        start = key
        while start - 1 > before and _moves_along(lines[start - 1]):
            start -= 1
        starts.append(start)
    return starts


def _moves_along(line: str) -> bool:
    """Whether a line is a comment on what follows; an indented one may belong to a text above."""
    return line.startswith("#") and not _ABOUT_THE_FILE.match(line)


def _is_same(document: Document, block: str) -> bool:
    """Whether the reordered block reads the same: every key, value and comment, and no fault."""
    front = document.front
    after = read_front_matter(document.text[: front.start] + block + document.text[front.end :])
    old = document.text[front.start : front.end]
    return (
        not after.faults
        and _facts(after) == _facts(front)
        and sorted(block.splitlines()) == sorted(old.splitlines())
        and sorted(text for _, text in after.comments) == sorted(text for _, text in front.comments)
    )


def _facts(front: FrontMatter) -> dict[str, object]:
    return {entry.key: entry.value.plain() for entry in front.entries}
