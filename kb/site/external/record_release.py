"""The release of one record: what is proposed of it, what was signed, whether it may leave.

The signed text has to be of today's record, and every filter that made the proposal runs over it
once more, as a second wall: a person overlooks what a machine finds, and writes what it never saw.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate

from kb.errors import KbError
from kb.library import Library
from kb.lint.rule import LintContext
from kb.records.document import Document
from kb.records.form import Form
from kb.records.postmortem import Postmortem
from kb.records.record_files import MAX_RECORD_BYTES
from kb.safe_files import Root
from kb.sensitive.names.find_names import NameIndex
from kb.site.external.allowed_parts import RecordRedaction
from kb.site.external.approved_text import (
    Approval,
    ApprovedText,
    body,
    body_of,
    facts,
    place_of,
    read_text,
    text_of,
)
from kb.site.external.name_replacement import TextCleaner
from kb.site.external.prose import OmittedPart
from kb.site.external.refusal import faults_of_record, faults_of_text

PROPOSE = "kb site --edition external --propose"
_MOST_LINES = 8


@dataclass(frozen=True, slots=True)
class Refusal:
    """A record that does not leave: the file and line to look at, why, and what to do."""

    path: str
    line: int
    why: str

    def __str__(self) -> str:
        """As an editor jumps to it."""
        return f"{self.path}:{self.line}: {self.why}"


@dataclass(frozen=True)
class RecordRelease:
    """What is proposed of a record today, and what was signed of it.

    `faults` keep it from being proposed at all; `taken` are the texts replaced, each with what
    stands in its place.
    """

    source: Postmortem
    marked: Postmortem
    proposed: ApprovedText
    left_out: tuple[OmittedPart, ...]
    taken: tuple[tuple[str, str], ...]
    faults: tuple[Refusal, ...]
    signed: ApprovedText | None
    is_there: bool
    cleaner: TextCleaner
    form: Form

    @property
    def path(self) -> str:
        """The file that is signed, relative to the library."""
        return place_of(self.source).as_posix()

    @property
    def digest(self) -> str:
        """The digest of what is proposed today."""
        return self.proposed.digest

    @property
    def is_current(self) -> bool:
        """Whether what lies there was made from today's record."""
        return self.signed is not None and self.signed.approval.made_from == self.digest

    @cached_property
    def question(self) -> str:
        """The one question that a person has to answer, empty for none."""
        return question_of(self.proposed, self.cleaner)


def release_of(
    library: Library, record: Postmortem, names: NameIndex, context: LintContext
) -> RecordRelease:
    """A record's way out, with what lies in its folder."""
    cleaner = TextCleaner(names, record.id, record.origin == "public")
    redaction = RecordRedaction(record, cleaner, library.form)
    marked = redaction.made()
    document = next(d for d in library.documents if d.path == record.path)
    faults = (
        Refusal(str(p.path), p.line, f"{p.rule} {p.name}: {p.message}")
        for p in faults_of_record(document, context)
    )
    raw = _read(library, record)
    return RecordRelease(
        record,
        marked,
        _parsed(marked, record, library.form),
        tuple(redaction.left_out),
        tuple(dict.fromkeys(cleaner.taken)),
        tuple(faults),
        read_text(raw, record, library.form) if raw is not None else None,
        raw is not None,
        cleaner,
        library.form,
    )


def _read(library: Library, record: Postmortem) -> bytes | None:
    with suppress(FileNotFoundError, NotADirectoryError):
        return Root(library.root).read_bytes(place_of(record), MAX_RECORD_BYTES)
    return None


def _parsed(marked: Postmortem, record: Postmortem, form: Form) -> ApprovedText:
    """The proposal as it is read back: its digest is that of the file it becomes."""
    text = text_of(marked, Approval("", ""))
    parsed = read_text(text.encode(errors="replace"), record, form)
    if parsed is None:  # nothing that is written here is unreadable
        raise KbError("its proposal cannot be read back", where=str(record.path))
    return parsed


def question_of(text: ApprovedText, cleaner: TextCleaner) -> str:
    """What a person has to say of words that are also names, with their lines; or nothing."""
    lines: dict[str, list[int]] = {}
    for line, word in _doubts(text, cleaner):
        lines.setdefault(word, []).append(line)
    if not lines:
        return ""
    places = (
        f"'{word}' (line {', '.join(map(str, n[:_MOST_LINES]))})" for word, n in lines.items()
    )
    return (
        f"{'; '.join(places)}: also the name of a person or customer. Is it a plain word here? "
        "Answer yes, or write the sentence otherwise."
    )


def _doubts(text: ApprovedText, cleaner: TextCleaner) -> Iterator[tuple[int, str]]:
    title_and_text = _title_and_text(text)
    for hit in cleaner.doubts(title_and_text):
        yield (
            _line_at(title_and_text, hit.start) + _offset(text),
            title_and_text[hit.start : hit.end],
        )


def _title_and_text(text: ApprovedText) -> str:
    """Title, then the text: what is looked through, line for line."""
    return f"{text.record.title}\n{_below_front(text.document)}"


def _below_front(document: Document) -> str:
    return "\n".join(document.text.split("\n")[document.front.end_line :])


def _offset(text: ApprovedText) -> int:
    return text.document.front.end_line - 1


def _line_at(text: str, position: int) -> int:
    starts = list(accumulate((len(line) + 1 for line in text.split("\n")), initial=0))
    return bisect_right(starts, position)


def refusals(out: RecordRelease, context: LintContext) -> Iterator[Refusal]:
    """Why a record may not leave, the first reason first; nothing where it may."""
    yield from out.faults
    if not out.is_there:
        yield Refusal(out.path, 1, f"nobody has read what would leave. Run: {PROPOSE}")
    elif out.signed is None:
        yield Refusal(out.path, 1, f"its front matter cannot be read. Mend it, or run: {PROPOSE}")
    else:
        yield from _not_approved(out, out.signed)
        yield from _second_wall(out, out.signed, context)


def _not_approved(out: RecordRelease, signed: ApprovedText) -> Iterator[Refusal]:
    head, node = signed.approval, signed.document.front.get("approved")
    line = node.line if node else 1
    if not out.is_current:
        by = f"{head.by} signed it" if head.is_signed else "it was proposed"
        why = f"what may leave of the record has changed since {by}."
        yield Refusal(out.path, line, f"{why} Run: {PROPOSE}, and read what differs")
    elif not head.is_signed:
        yield Refusal(out.path, line, "not signed: read it, and fill in 'approved: {by: , at: }'")
    elif head.is_of_nobody:
        yield Refusal(out.path, line, f"signed by '{head.by}', which is no person. Put your name")
    elif head.text != signed.digest:
        yield Refusal(
            out.path, line, f"its words were changed after they were proposed. Run: {PROPOSE}"
        )


def _second_wall(
    out: RecordRelease, signed: ApprovedText, context: LintContext
) -> Iterator[Refusal]:
    cleaner = replace(out.cleaner, labels={}, taken=[])
    text = _title_and_text(signed)
    for span in cleaner.spans(text):
        word = " ".join(text[span.start : span.end].split())
        line = _line_at(text, span.start) + _offset(signed)
        yield Refusal(out.path, max(line, 1), f"'{word}' must not be told. Write it otherwise")
    redaction = RecordRedaction(_of_source(signed, out.source), cleaner, out.form)
    again = redaction.made()
    for lost in redaction.left_out:
        yield Refusal(out.path, lost.line, f"has no place in the edition: {lost.what}")
    if not redaction.left_out and not _says_the_same(again, signed):
        yield Refusal(
            out.path, 1, "holds more than the edition may carry: see what --propose writes"
        )
    if (asked := question_of(signed, cleaner)) and not signed.approval.is_answered:
        answer = signed.document.front.get("answer")
        yield Refusal(out.path, answer.line if answer else 1, f"one question is open: {asked}")
    yield from _faults_of(signed, out.path, context)


def _of_source(signed: ApprovedText, source: Postmortem) -> Postmortem:
    return replace(signed.record, origin=source.origin, path=source.path)


def _says_the_same(again: Postmortem, signed: ApprovedText) -> bool:
    wanted = "\n".join((*facts(again), body(again)))
    return wanted.split() == "\n".join((*facts(signed.record), body_of(signed.document))).split()


def _faults_of(signed: ApprovedText, path: str, context: LintContext) -> Iterator[Refusal]:
    lines = signed.document.text.split("\n")
    end = signed.document.front.end_line
    head = ["---", "visibility: external", *("" for _ in range(end - 3)), "---"]
    text = "\n".join((*head, *lines[end:]))
    for problem in faults_of_text(text, signed.document.path, context):
        yield Refusal(path, problem.line, f"{problem.rule} {problem.name}: {problem.message}")


def released_record(out: RecordRelease) -> Postmortem:
    """The record that is published: made anew of what was signed, and of nothing else."""
    if out.signed is None:
        raise KbError("nothing was signed", where=out.path)
    cleaner = replace(out.cleaner, labels={}, taken=[])
    return RecordRedaction(_of_source(out.signed, out.source), cleaner, out.form).made()


def may_leave(record: Postmortem) -> bool:
    """Whether a record is meant for outsiders at all."""
    is_fiction = record.origin == "example"
    return record.visibility == "external" and record.is_published and not is_fiction


def candidates(records: Iterable[Postmortem]) -> tuple[Postmortem, ...]:
    """The records that are meant for outsiders."""
    return tuple(filter(may_leave, records))
