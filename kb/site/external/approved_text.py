"""`external.md`: what of one record leaves the house, in words, and who has signed it.

The file lies in the record's folder, is proposed by `kb site --edition external --propose`, read
in a pull request and signed there. Nothing else of the record is published.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import PurePath
from typing import Any

from kb.records.document import Document, read_document
from kb.records.form import Form
from kb.records.front_matter import MappingEntry
from kb.records.misplaced_records import EXTERNAL_TEXT
from kb.records.postmortem import Clocks, Postmortem, interpret
from kb.sensitive.names.find_names import PERSON, PrivateName
from kb.site.external.allowed_parts import KEYS_SHOWN
from kb.site.external.name_replacement import without_marks

REMOVED = "external-removed.md"
#: Words by which a person says that a doubtful word is a word and nobody's name.
YES = frozenset({"yes", "y", "true", "words", "a word"})
_HEAD_KEYS = frozenset({"made_from", "text", "question", "answer", "approved"})
_DIGITS = 16  # hexadecimal; nobody forges it here, somebody forgets to read again
_HEAD = """\
# What leaves the house of this record: the facts below and the text, once a person has signed.
# Words in \u27e6 \u27e7 stand for what was taken out (see {removed}); the marks stay here.
# Sign with your name and the day: approved: {{by: jo-doe, at: 2026-04-20}}
# Changed a word? Run 'kb site --edition external --propose' once more before you sign.
"""


@dataclass(frozen=True)
class Approval:
    """The head of an `external.md`: digests of what it was made from and of what it says.

    `question` and `answer` stand there where a word may be a name.
    """

    made_from: str
    text: str
    by: str = ""
    at: str = ""
    question: str = ""
    answer: str = ""

    @property
    def is_signed(self) -> bool:
        """Whether a person and a day are named."""
        return bool(self.by and self.at)

    @property
    def is_of_nobody(self) -> bool:
        """Whether a desk has signed, or `unknown`: a person answers for the text."""
        return PrivateName(self.by, PERSON).is_of_desk

    @property
    def is_answered(self) -> bool:
        """Whether the words in question are said to be words."""
        return self.answer.strip().lower().rstrip(".") in YES


@dataclass(frozen=True)
class ApprovedText:
    """An `external.md` as it lies there: its head, and the record that it tells.

    `written` is its text with the marks around replacements, which `document` has not.
    """

    approval: Approval
    document: Document
    record: Postmortem
    written: str

    @property
    def digest(self) -> str:
        """The digest of what it says today."""
        return digest(self.record, body_of(self.document))


def place_of(record: Postmortem, name: str = EXTERNAL_TEXT) -> PurePath:
    """Where a file of the record's external edition lies, relative to the library."""
    return record.path.parent / record.id / name


def digest(record: Postmortem, body: str) -> str:
    """What facts and text come to: equal where they say the same."""
    text = "\n".join((*facts(record), body.strip()))
    return f"sha256:{hashlib.sha256(text.encode(errors='replace')).hexdigest()[:_DIGITS]}"


def body_of(document: Document) -> str:
    """The text below the front matter."""
    return "\n".join(document.text.split("\n")[document.front.end_line :]).strip()


def read_text(raw: bytes, source: Postmortem, form: Form) -> ApprovedText | None:
    """An `external.md`, None where it has no front matter that can be read.

    The marks around replacements are taken out; lines keep their numbers.
    """
    written = raw.decode("utf-8", errors="replace").replace("\r\n", "\n")
    text = without_marks(written)
    document = read_document(text.encode(errors="replace"), PurePath(f"{source.id}.md"), form)
    record = interpret(document)
    if record is None or not document.front.present or document.front.faults:
        return None
    get = document.front.text
    approval = Approval(
        get("made_from"), get("text"), get("approved.by"), get("approved.at"),
        get("question"), get("answer"),
    )  # fmt: skip
    return ApprovedText(approval, document, record, written)


def text_of(record: Postmortem, approval: Approval) -> str:
    """The file's text for a redacted record, with marks around what was replaced."""
    return "\n".join(("---", *_head(approval), *facts(record), "---", "", body(record), ""))


def with_head(text: ApprovedText, approval: Approval) -> str:
    """The file's text as a person changed it, with another head."""
    lines = text.written.split("\n")
    gone: set[int] = set()
    for entry, following in _with_next(text.document):
        if entry.key in _HEAD_KEYS:
            gone |= set(range(entry.line, following))
    end = text.document.front.end_line
    kept = [
        line
        for number, line in enumerate(lines[1 : end - 1], 2)
        if number not in gone and not line.startswith("#")
    ]
    return "\n".join(("---", *_head(approval), *kept, *lines[end - 1 :]))


def _with_next(document: Document) -> Iterator[tuple[MappingEntry, int]]:
    """Each entry of the front matter with the line at which the next one begins."""
    entries = document.front.entries
    ends = [*(entry.line for entry in entries[1:]), document.front.end_line]
    yield from zip(entries, ends, strict=True)


def _head(approval: Approval) -> Iterator[str]:
    yield _HEAD.format(removed=REMOVED).rstrip()
    yield from (f"made_from: {approval.made_from}", f"text: {approval.text}")
    if approval.question:
        yield f"question: {_scalar(approval.question)}"
        yield f"answer: {_scalar(approval.answer)}"
    yield f"approved: {{by: {approval.by}, at: {approval.at}}}"


def facts(record: Postmortem) -> Iterator[str]:
    """The allow-listed facts as lines of YAML."""
    others = dict(record.others)
    for row in KEYS_SHOWN:
        value = getattr(record, row.name, None) or others.get(row.name)
        if row.name == "customers_affected" and record.customers_affected is not None:
            value = record.customers_affected
        if isinstance(value, Clocks):
            yield from _clocks(value)
        elif value not in (None, "", ()):
            yield f"{row.name}: {_scalar(value)}"
    if record.sources:
        yield f"sources: {_scalar(record.sources)}"


def _clocks(clocks: Clocks) -> Iterator[str]:
    known = clocks.known()
    if known:
        yield "clocks:"
    yield from (f"  {name}: {at.isoformat()}" for name, at in known)


def _scalar(value: Any) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(map(_scalar, value))}]"
    if isinstance(value, datetime | date):
        return value.isoformat()
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else str(value)


def body(record: Postmortem) -> str:
    """The sections of a redacted record as Markdown, evidence lines in their fences."""
    return "\n\n".join(
        "\n".join((f"## {section.heading}", "", *_lines(section.lines))).rstrip()
        for section in record.sections
    )


def _lines(lines: Iterable[Any]) -> Iterator[str]:
    is_open = False
    for line in lines:
        is_evidence = line.fence == "evidence"
        if is_evidence != is_open:
            yield "```evidence" if is_evidence else "```\n"
            is_open = is_evidence
        yield line.text
    if is_open:
        yield "```"
