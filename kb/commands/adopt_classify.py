"""`kb adopt --classify`: class, cause and control of adopted records, where a person confirms."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kb.adopt.report import fitted
from kb.errors import KbError
from kb.humanize import plural
from kb.library import Library
from kb.safe_files import read_named, write_output
from kb.streams import echo, is_terminal
from kb.terminal import as_lines, visible, wrapped

if TYPE_CHECKING:
    from kb.adopt.classify import RecordProposals, WordProposal

_MAX_BYTES = 5_000_000
_DEFAULT = Path("classify.md")
_QUIT = "q"
_KEYS = (
    "y takes the word, n (or Enter) leaves it, another word of the form is taken instead, "
    "? lists the words, q ends. Each record is written as soon as it is answered."
)
_WIDTH = 80
_NARROWEST = 20
_MOST_LINES = 40


def classify_adopted(library: Library, checklist: Path | None, *, dry_run: bool) -> None:
    """Proposes on a terminal, or in a checklist; a checklist that is there is read instead.

    Raises `KbError` where search is not installed, or the checklist holds what no record has.
    """
    if checklist and checklist.exists():
        _take(library, checklist, dry_run=dry_run)
        return
    from kb.search.is_installed import prepare_search

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
    from kb.adopt.checklist import ConfirmedWords, excerpt, write_confirmed

    echo(as_lines(fitted([_KEYS], _width())), end="")
    done = 0
    for number, record in enumerate(found, 1):
        document = record.document
        echo(f"\n{number} of {len(found)}: {visible(document.id)}")
        title = " ".join(document.title.split())
        _tell((title, *filter(None, [excerpt(document)])), indent=2)
        words, goes_on = _answers(library, record.words)
        if not dry_run:
            done += write_confirmed(library, [ConfirmedWords(document, words)])
        if not goes_on:
            break
    if dry_run:
        echo("\nNothing is written.")
    else:
        echo(f"\n{plural(done, 'record')} classified. Next: kb check, one commit.")


def _width() -> int:
    return shutil.get_terminal_size((_WIDTH, 24)).columns


def _tell(texts: Iterable[str], indent: int) -> None:
    """Prints each text, broken at spaces and indented by so many blanks."""
    for text in texts:
        lines = wrapped(visible(text), max(_NARROWEST, _width() - indent), _MOST_LINES)
        echo(as_lines(" " * indent + line for line in lines), end="")


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

    name = NAMES[proposal.key]
    asked = f"  {name}? [word/n/?/q]"
    if proposal.word:
        asked = f"  {name} {proposal.word}? [y/n/word/?/q]"
        meaning = library.form.definition(proposal.key, proposal.word)
        echo(f"\n  {name}: {proposal.word} ({proposal.probability:.0%})")
        _tell([meaning] if meaning else [], indent=4)
    else:
        echo(f"\n  {name}: none is likely enough to propose")
    while True:
        answer = str(click.prompt(asked, default="n", show_default=False)).strip()
        if answer in {"n", _QUIT} or (answer == "y" and proposal.word):
            return {"y": proposal.word, "n": ""}.get(answer, answer)
        if answer == "?":
            _tell([", ".join(sorted(library.form.words(proposal.key)))], indent=4)
            continue
        try:
            return known_word(library, proposal.key, answer)
        except KbError as fault:
            near = fault.todo if fault.todo.startswith("Did") else "? lists those there are."
            _tell([f"{fault.what}. {near}"], indent=4)
