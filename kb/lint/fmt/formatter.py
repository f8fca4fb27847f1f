"""What `kb fmt` changes: a closed list of edits with one right answer each (SPEC 3).

Computed minutes, times with an offset, action boxes, labels and attributes, bare evidence lines,
and the order of front-matter keys. Bytes outside the edits stay equal, and a second run changes
nothing.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from pathlib import Path

from kb.errors import KbError
from kb.lint.fmt.actions import action_edits, task_edits
from kb.lint.fmt.detection_minutes import minutes_edits
from kb.lint.fmt.evidence_fences import fence_edits
from kb.lint.fmt.key_order import order_edits
from kb.lint.fmt.text_edit import Edit, apply
from kb.lint.fmt.timeline_lines import timeline_edits
from kb.lint.fmt.times import time_edits
from kb.lint.rule import LintContext
from kb.records.document import Document, read_document
from kb.records.front_matter import Fault
from kb.safe_files import replace_known

__all__ = ["Edit", "apply", "edits", "formatted", "unreadable", "write"]

#: What was not read whole, or not as text, is not written back; what has no front matter is no
#: record, and not ours to change.
_NOT_READ = {"unreadable", "outside-tree", "too-large", "not-utf-8"}
#: Edits wait for a next pass where they overlap: at most once for each kind of edit.
_MAX_PASSES = 8


def edits(document: Document, context: LintContext) -> tuple[Edit, ...]:
    """The edits of one pass, none overlapping another; what has to wait for them is left out."""
    if not document.front.present or unreadable(document):
        return ()
    chosen: list[Edit] = []  # in the order of their places
    for edit in _all_edits(document):
        at = bisect_left(chosen, _place(edit), key=_place)
        # Two on either side: the nearer one may be an insertion, which two others can touch.
        if not any(_overlap(edit, other) for other in chosen[max(at - 2, 0) : at + 2]):
            chosen.insert(at, edit)
    return tuple(chosen)


def unreadable(document: Document) -> Fault | None:
    """Why a file was not read whole, or not as text; None where it was."""
    return next((fault for fault in document.faults if fault.name in _NOT_READ), None)


def _all_edits(document: Document) -> Iterator[Edit]:
    yield from time_edits(document)
    yield from minutes_edits(document)
    yield from action_edits(document)
    yield from task_edits(document)
    yield from timeline_edits(document)
    yield from fence_edits(document)
    yield from order_edits(document)


def _place(edit: Edit) -> tuple[int, int]:
    return edit.start, edit.end


def _overlap(one: Edit, other: Edit) -> bool:
    if one.start == one.end == other.start == other.end:
        return True
    return one.start < other.end and other.start < one.end


def formatted(document: Document, context: LintContext) -> str:
    """The text `kb fmt` writes: all passes made."""
    for _ in range(_MAX_PASSES):
        changes = edits(document, context)
        if not changes:
            break
        text = apply(document.text, changes)
        document = read_document(
            text.encode("utf-8", errors="surrogateescape"), document.path, document.form
        )
    return document.text


def write(path: Path, document: Document, text: str) -> None:
    """Put `text` in the place of what was read, wholly or not at all; the mode is kept.

    Raises `KbError` when the file has changed since it was read, or cannot be written.
    """
    after = text.encode("utf-8", errors="surrogateescape")
    try:
        if not replace_known(path, document.encode(), after):
            raise KbError("changed while it was formatted; nothing was written", where=str(path))
    except OSError as error:
        raise KbError(
            f"cannot be written: {error.strerror or error}",
            where=str(path),
            todo="The file is as it was; free space or correct its permissions, then run again.",
        ) from error
