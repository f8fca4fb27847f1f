"""Proposes what may leave of each record, for a person to read, change and sign.

A proposal is a value; whoever asks for it writes it. What a person wrote stays while the record
says what it said, and is replaced where it says something else: the old text is in Git.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from pathlib import PurePath

from kb.library import Library
from kb.records.postmortem import Postmortem
from kb.sensitive.names.find_names import NameIndex
from kb.sentences import clipped
from kb.site.external.approved_text import (
    REMOVED,
    Approval,
    ApprovedText,
    place_of,
    read_text,
    text_of,
    with_head,
)
from kb.site.external.record_release import (
    RecordRelease,
    Refusal,
    candidates,
    question_of,
    release_of,
)
from kb.site.external.refusal import context_for_outsiders

NEW, CHANGED, EDITED, UNCHANGED = "new", "changed", "edited", "unchanged"
#: What may be a secret or somebody's address is not written down a second time.
_NOT_SHOWN = frozenset({"Code", "Number", "Mailbox", "Link", "Address"})
_MOST_LINES = 6
_LONGEST_SHOWN = 80


@dataclass(frozen=True)
class Proposal:
    """What would be written for one record. `files` is empty where nothing has to be.

    `state` is new, changed (the record says something else), edited (a person changed words, and
    nobody signed them yet) or unchanged. `faults` are set where nothing can be proposed.
    """

    path: str
    state: str
    files: tuple[tuple[PurePath, str], ...] = ()
    replaced: int = 0
    left_out: int = 0
    question: str = ""
    signed_by: str = ""
    faults: tuple[Refusal, ...] = ()


def proposals(
    library: Library, names: NameIndex, today: date, records: Iterable[Postmortem] | None = None
) -> Iterator[Proposal]:
    """The proposal of each record that is meant for outsiders, oldest first."""
    context = context_for_outsiders(library, today)
    chosen = library.published if records is None else records
    for record in candidates(chosen):
        yield _proposal(library, release_of(library, record, names, context))


def _proposal(library: Library, out: RecordRelease) -> Proposal:
    signed_by = out.signed.approval.by if out.signed else ""
    if out.faults:
        return Proposal(out.path, UNCHANGED, faults=out.faults)
    made = Proposal(
        out.path,
        NEW,
        replaced=len(out.taken),
        left_out=len(out.left_out),
        signed_by=signed_by,
        question=out.question,
    )
    if out.signed and out.is_current:
        return _of_text_that_stands(out, out.signed, made)
    files = _files(library, out)
    return replace(made, state=CHANGED if out.is_there else NEW, files=files)


def _of_text_that_stands(out: RecordRelease, signed: ApprovedText, made: Proposal) -> Proposal:
    """The text was made of today's record: a person's words stay, and are to be signed anew."""
    if signed.digest == signed.approval.text:
        return replace(made, state=UNCHANGED, question=question_of(signed, out.cleaner))
    head = Approval(out.digest, signed.digest)
    text, question = _text_with_question(out, lambda approval: with_head(signed, approval), head)
    files = ((place_of(out.source), text),)
    return replace(made, state=EDITED, question=question, files=files, signed_by="")


def _files(library: Library, out: RecordRelease) -> tuple[tuple[PurePath, str], ...]:
    head = Approval(out.digest, out.digest)
    text, _ = _text_with_question(out, lambda approval: text_of(out.marked, approval), head)
    removed = "\n".join(_removed(library, out))
    return (place_of(out.source), text), (place_of(out.source, REMOVED), f"{removed}\n")


def _text_with_question(
    out: RecordRelease, write: Callable[[Approval], str], head: Approval
) -> tuple[str, str]:
    """The text with its question, where it has one, and the question: its lines are the file's."""
    text = write(replace(head, question="?"))
    parsed = read_text(text.encode(errors="replace"), out.source, out.form)
    question = question_of(parsed, out.cleaner) if parsed else ""
    return write(replace(head, question=question)), question


def _removed(library: Library, out: RecordRelease) -> Iterator[str]:
    yield f"# What was taken out of {out.source.id}"
    yield "\nFor whoever reads external.md before it leaves. This file stays in the house.\n"
    document = next(d for d in library.documents if d.path == out.source.path)
    lines = document.text.split("\n")
    for text, label in out.taken:
        sentence = "" if label.split()[0] in _NOT_SHOWN else f"`{_short(text)}` "
        yield f"- {_where(text, lines)}{sentence}\u2192 {label}"
    for lost in out.left_out:
        yield f"- line {lost.line}: left out: {lost.what}"
    if not out.taken and not out.left_out:
        yield "- nothing but the sections and keys that the edition never carries"


def _where(text: str, lines: list[str]) -> str:
    first = text.split("\n", maxsplit=1)[0]
    numbers = [number for number, line in enumerate(lines, 1) if first in line]
    if not numbers:
        return ""
    shown = ", ".join(map(str, numbers[:_MOST_LINES]))
    return f"line {shown}{' …' if len(numbers) > _MOST_LINES else ''}: "


def _short(text: str) -> str:
    return clipped(" ".join(text.replace("`", "'").split()), _LONGEST_SHOWN)
