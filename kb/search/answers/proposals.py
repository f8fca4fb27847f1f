"""How do matches get into a draft? Between two markers, each asking for a verdict.

    <!-- kb:similar start -->
    - [ ] [2026-01-09-double-email](2026-01-09-double-email.md) — likely (62%): same tool send_email
    <!-- kb:similar end -->

Only what stands between the markers is ever rewritten, and there a line with a verdict never is.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from kb.errors import KbError
from kb.records.body import SectionText
from kb.records.document import Document, read_document
from kb.records.form import Form
from kb.search.answers.answer import Answer, Match
from kb.search.indexing.passages import PROPOSALS_END, PROPOSALS_START

_OPEN_ITEM = re.compile(r"[ \t]*[-*+][ \t]+\[[ \t]*\][ \t]+\[")
_CLASS_NOTE = "<!-- kb:similar proposes the class "


def write_proposals(path: Path, answer: Answer, form: Form) -> str:
    """Put the matches into the draft and say in one line what was done.

    Raises `KbError` when the draft cannot be read or written; it is then as it was.
    """
    document = _read(path, form)
    changed = with_proposals(document, answer)
    if changed == document.text:
        return f"{path}: nothing to propose" if answer.nothing_similar else f"{path}: up to date"
    _replace(path, changed)
    count = sum(_is_open(line) for line in changed.splitlines())
    return f"{path}: {count} proposed, each waiting for repeat, related or different"


def with_proposals(document: Document, answer: Answer) -> str:
    """The text of a draft with the proposals of an answer between its markers."""
    newline = "\r\n" if "\r\n" in document.text else "\n"
    lines = document.text.split(newline)
    span = _marked(lines)
    kept = [] if span is None else [line for line in lines[span[0] + 1 : span[1]] if _is_kept(line)]
    judged = {prior.id for prior in document.priors if prior.verdict}
    outside = {
        prior.id for prior in document.priors if span is None or not _within(prior.line, span)
    }
    fresh = [m for m in answer.matches if m.id not in judged | outside]
    block = [*_class_note(answer), *kept, *(_item(match) for match in fresh)]
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
    """The positions of the two markers, None unless both stand in order."""
    bare = [line.strip() for line in lines]
    if PROPOSALS_START not in bare:
        return None
    start = bare.index(PROPOSALS_START)
    if PROPOSALS_END not in bare[start:]:
        return None
    return start, bare.index(PROPOSALS_END, start)


def _within(line_number: int, span: tuple[int, int]) -> bool:
    return span[0] < line_number - 1 < span[1]


def _is_open(line: str) -> bool:
    return bool(_OPEN_ITEM.match(line))


def _is_kept(line: str) -> bool:
    """Everything a person can have written: all but open proposals and the class note."""
    return not _is_open(line) and not line.startswith(_CLASS_NOTE)


def _class_note(answer: Answer) -> Iterator[str]:
    if (proposed := answer.proposed_class) is not None:
        yield f"{_CLASS_NOTE}{proposed.name} ({proposed.probability:.0%}) -->"


def _item(match: Match) -> str:
    why = "; ".join(match.reasons) or match.title
    return f"- [ ] [{match.id}]({match.id}.md) — {match.probability:.0%}: {_one_line(why)}"


def _one_line(text: str) -> str:
    """Text that cannot end its item, open a comment or add a field of its own."""
    return " ".join(text.split()).replace("<!--", "").replace("-->", "")


def _read(path: Path, form: Form) -> Document:
    try:
        return read_document(path.read_bytes(), path, form)
    except OSError as error:
        raise _fault(path, error) from error


def _replace(path: Path, text: str) -> None:
    """Write beside the file and rename, so that a full disk leaves the draft whole."""
    target = path.resolve()
    try:
        with tempfile.NamedTemporaryFile(dir=target.parent, delete=False) as stream:
            stream.write(text.encode("utf-8", "surrogateescape"))
        Path(stream.name).chmod(target.stat().st_mode)
        Path(stream.name).replace(target)
    except OSError as error:
        Path(stream.name).unlink(missing_ok=True)
        raise _fault(path, error) from error


def _fault(path: Path, error: OSError) -> KbError:
    what = f"the draft cannot be written: {error.strerror or error}"
    return KbError(what, where=str(path), todo="Check the folder; the draft is as it was.")
