"""Writes matches into a draft, between two markers, each asking for a verdict.

    <!-- kb:similar start -->
    - [ ] [2026-01-09-double-email](2026-01-09-double-email.md) — likely (62%): same tool send_email
    <!-- kb:similar end -->

Only what stands between the markers is ever rewritten, and there a proposal that a person touched
never is: one with a verdict, or one whose text is not as it was written.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from kb.errors import KbError
from kb.records.document import Document, read_document
from kb.records.form import Form
from kb.records.markdown import SectionText
from kb.records.record_files import MAX_RECORD_BYTES
from kb.safe_files import read_named, replace_known
from kb.search.answer import Answer, Match, open_item
from kb.search.indexed_records.entry import VERDICT_WORDS
from kb.search.indexed_records.passages import PROPOSALS_END, PROPOSALS_START
from kb.search.match_reasons import are_reasons
from kb.terminal import as_lines

_OPEN_ITEM = re.compile(r"[ \t]*[-*+][ \t]+\[[ \t]*\][ \t]+\[")
_CLASS_NOTE = "<!-- kb:similar proposes the class "
_ITEM = re.compile(r"[ \t]*[-*+][ \t]+\[")
_BEFORE_REASONS = re.compile(r"^.*?\)[ \t]+—[ \t]+(?:\d+%|by words):[ \t]+")
_ITEM_ID = re.compile(r"\]\((?:[^()\s]*/)?([^()/\s]+?)\.md\)")
_LINK_TEXT = re.compile(r"[ \t]*[-*+][ \t]+\[[^\]\n]{0,20}\][ \t]+\[([^\]\n]+)\]\(")


def write_proposals(path: Path, answer: Answer, form: Form) -> str:
    """Put the matches into the draft and say in one line what was done.

    Raises `KbError` when the draft cannot be read or written; it is then as it was.
    """
    document = _read(path, form)
    changed = with_proposals(document, answer)
    if changed == document.text:
        text = "nothing to propose" if answer.nothing_similar else "up to date"
        return as_lines([f"{path}: {text}", *_no_verdicts(document)]).rstrip()
    _replace(path, document, changed)
    count = sum(_is_open(line) for line in changed.splitlines())
    text = f"{path}: {count} proposed, each waiting for repeat, related or different"
    return as_lines([text, *_no_verdicts(document)]).rstrip()


def _no_verdicts(document: Document) -> Iterator[str]:
    """What stands in a box and is no verdict, so that it is not taken for one in silence."""
    for prior in document.priors:
        if prior.verdict and prior.verdict not in VERDICT_WORDS:
            words = ", ".join(sorted(VERDICT_WORDS))
            yield f"{document.path}:{prior.line}: {prior.verdict!r} is no verdict; one of: {words}"


def with_proposals(document: Document, answer: Answer) -> str:
    """The text of a draft with the proposals of an answer between its markers."""
    newline = "\r\n" if "\r\n" in document.text else "\n"
    lines = document.text.split(newline)
    span = _marked(lines)
    kept = [] if span is None else _written_by_people(lines[span[0] + 1 : span[1]])
    told = {prior.id for prior in document.priors if span is None or not _within(prior.line, span)}
    for line in kept:
        if _ITEM.match(line):
            told |= {found[1] for found in (_ITEM_ID.search(line), _LINK_TEXT.match(line)) if found}
    fresh = [_item(match) for match in answer.matches if match.id not in told]
    block = [*_class_note(answer), *kept, *fresh]
    if span is not None:
        whole = [PROPOSALS_START, *block, PROPOSALS_END] if block else []
        return newline.join([*lines[: span[0]], *whole, *lines[span[1] + 1 :]])
    if not fresh:
        return document.text
    section = document.section("counterfactual")
    marked = [PROPOSALS_START, *block, PROPOSALS_END]
    return newline.join(_inserted(lines, marked, section, document.form))


def _inserted(
    lines: list[str], marked: list[str], section: SectionText | None, form: Form
) -> Iterator[str]:
    """The lines with the block at the end of the section, which is added where there is none."""
    place = section.end_line if section else len(lines)
    while place and not lines[place - 1].strip():
        place -= 1
    heading = [] if section else ["", f"## {form.section('counterfactual').heading}"]
    yield from lines[:place]
    yield from (*heading, "", *marked)
    rest = lines[place:]
    yield from rest if rest else [""]


def _marked(lines: Sequence[str]) -> tuple[int, int] | None:
    """The positions of the two markers, None where neither stands.

    Raises `KbError` naming the line of a marker without its other half.
    """
    places = [
        (place, line.strip())
        for place, line in enumerate(lines)
        if line.strip() in {PROPOSALS_START, PROPOSALS_END}
    ]
    if not places:
        return None
    (start, first), *rest = places
    if len(rest) == 1 and (first, rest[0][1]) == (PROPOSALS_START, PROPOSALS_END):
        return start, rest[0][0]
    stray = places[2] if len(places) > 2 and first == PROPOSALS_START else places[0]  # noqa: PLR2004
    raise KbError(
        f"the marker {stray[1]} has no other half",
        where=f"line {stray[0] + 1}",
        todo="Let one start marker and one end marker stand, or neither.",
    )


def _within(line_number: int, span: tuple[int, int]) -> bool:
    return span[0] < line_number - 1 < span[1]


def _is_open(line: str) -> bool:
    return bool(_OPEN_ITEM.match(line))


def _written_by_people(lines: Sequence[str]) -> list[str]:
    """Everything a person can have written: all but untouched proposals and our comment."""
    kept: list[str] = []
    for group in _groups([line for line in lines if not line.startswith(_CLASS_NOTE)]):
        if len(group) > 1 or not _is_untouched(group[0]):
            kept += group
    return kept


def _is_untouched(line: str) -> bool:
    """Whether an open proposal ends as it was written, with reasons and nothing behind them."""
    return _is_open(line) and are_reasons(_BEFORE_REASONS.sub("", line))


def _groups(lines: Sequence[str]) -> list[list[str]]:
    """Each line with the indented ones that belong to it."""
    groups: list[list[str]] = []
    for line in lines:
        if groups and line[:1] in {" ", "\t"} and line.strip() and not _ITEM.match(line):
            groups[-1].append(line)
        else:
            groups.append([line])
    return groups


def _class_note(answer: Answer) -> Iterator[str]:
    if (proposed := answer.proposed_class) is not None:
        yield f"{_CLASS_NOTE}{proposed.name} ({proposed.probability:.0%}) -->"


def _item(match: Match) -> str:
    why = "; ".join(match.reasons) or match.title
    chance = "by words" if match.probability is None else f"{match.probability:.0%}"
    return f"{open_item(match)} — {chance}: {_one_line(why)}"


def _one_line(text: str) -> str:
    """Text that cannot end its item, open a comment or add a field of its own."""
    return " ".join(text.split()).replace("<!--", "").replace("-->", "")


def _read(path: Path, form: Form) -> Document:
    try:
        raw = read_named(path, MAX_RECORD_BYTES)
        return read_document(raw, path, form)
    except OSError as error:
        raise _fault(path, error) from error


def _replace(path: Path, document: Document, text: str) -> None:
    """Put the text in the file's place, so that a full disk leaves the draft whole."""
    try:
        is_done = replace_known(path, document.encode(), text.encode("utf-8", "surrogateescape"))
    except OSError as error:
        raise _fault(path, error) from error
    if not is_done:
        todo = "Save it and run the command again."
        raise KbError(
            "the draft changed meanwhile; nothing was written", where=str(path), todo=todo
        )


def _fault(path: Path, error: OSError) -> KbError:
    what = f"the draft cannot be written: {error.strerror or error}"
    return KbError(what, where=str(path), todo="Check the folder; the draft is as it was.")
