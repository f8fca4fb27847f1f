"""`kb adopt --classify`: class, cause and control of adopted records, where a person confirms."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kb.errors import KbError
from kb.library import Library
from kb.numbers_in_words import plural
from kb.safe_files import read_named, write_output
from kb.streams import echo, is_terminal
from kb.terminal import as_lines, visible

if TYPE_CHECKING:
    from kb.adopt.classify import RecordProposals, WordProposal
    from kb.records.document import Document

_MAX_BYTES = 5_000_000
_DEFAULT = Path("classify.md")
_LONGEST_EXCERPT = 300
_QUIT = "q"


def classify_adopted(library: Library, checklist: Path | None, *, dry_run: bool) -> None:
    """Proposes on a terminal, or in a checklist; a checklist that is there is read instead.

    Raises `KbError` where search is not installed, or the checklist holds what no record has.
    """
    if checklist and checklist.exists():
        _take(library, checklist, dry_run=dry_run)
        return
    from kb.search.installed import prepare_search

    prepare_search()
    from kb.adopt.checklist import surest_first
    from kb.adopt.classify import propose

    found = surest_first(propose(library))
    if not found:
        echo("Nothing to classify: every adopted record has class, cause and control.")
    elif checklist or not (is_terminal("stdin") and is_terminal("stdout")):
        _hand_out(found, checklist or _DEFAULT, dry_run=dry_run)
    else:
        _ask_all(library, found, dry_run=dry_run)


def _hand_out(found: list[RecordProposals], path: Path, *, dry_run: bool) -> None:
    from kb.adopt.checklist import checklist

    text = checklist(found)
    if dry_run:
        echo(as_lines(text.splitlines()), end="")
        return
    if path.exists():
        todo = f"Read it with --checklist {path}, or remove it."
        raise KbError("there is a checklist already", where=str(path), todo=todo)
    write_output(path, text)
    echo(f"{plural(len(found), 'record')} to classify: {visible(str(path))}")
    echo(f"Tick what is right, then: kb adopt --classify --checklist {visible(str(path))}")


def _take(library: Library, path: Path, *, dry_run: bool) -> None:
    from kb.adopt.checklist import read_checklist, write_confirmed

    text = read_named(path, _MAX_BYTES).decode("utf-8", "replace")
    confirmed = read_checklist(text, library, str(path))
    if dry_run:
        echo(f"{plural(len(confirmed), 'record')} would be classified as ticked.")
        return
    changed = write_confirmed(library, confirmed)
    echo(f"{plural(changed, 'record')} classified as ticked. Next: kb check, one commit.")


def _ask_all(library: Library, found: list[RecordProposals], *, dry_run: bool) -> None:
    """Asks record by record, and writes each as soon as it is answered."""
    from kb.adopt.checklist import Confirmed, write_confirmed

    echo("y takes a word, n leaves it, another word of the form is taken instead, q ends.")
    done = 0
    for number, record in enumerate(found, 1):
        document = record.document
        lines = ["", f"{number} of {len(found)}: {document.id}", *_excerpt(document)]
        echo(as_lines(lines), end="")
        words, goes_on = _answers(library, record.words)
        if not dry_run:
            done += write_confirmed(library, [Confirmed(document, words)])
        if not goes_on:
            break
    echo(f"\n{plural(done, 'record')} classified. Next: kb check, one commit.")


def _excerpt(document: Document) -> Iterator[str]:
    """The title, and how the text begins."""
    yield f"  {visible(' '.join(document.title.split()))}"
    prose = (line.text for line in document.lines if line.is_prose and line.text[:1].isalnum())
    yield f"  {visible(next(prose, '')[:_LONGEST_EXCERPT])}"


def _answers(library: Library, proposals: Iterable[WordProposal]) -> tuple[dict[str, str], bool]:
    """The words that are taken, by key, and whether there is to be a next record."""
    taken: dict[str, str] = {}
    for proposal in proposals:
        answer = _answer(library, proposal)
        if answer == _QUIT:
            return taken, False
        if answer:
            taken[proposal.key] = answer
    return taken, True


def _answer(library: Library, proposal: WordProposal) -> str:
    """The word that is taken, empty for none; asked again for what is no word."""
    from kb.adopt.checklist import NAMES, known_word

    asked = f"  {NAMES[proposal.key]}: {proposal.word} ({proposal.probability:.0%})  [y/n/word/q]"
    if not proposal.word:
        asked = f"  {NAMES[proposal.key]}: none is likely enough to propose  [n/word/q]"
    while True:
        said = str(click.prompt(asked, default="n", show_default=False)).strip()
        if said in {"n", _QUIT} or (said == "y" and proposal.word):
            return {"y": proposal.word, "n": ""}.get(said, said)
        try:
            return known_word(library, proposal.key, said)
        except KbError as fault:
            echo(as_lines([f"  {fault.what}: {fault.todo}"]), end="")
