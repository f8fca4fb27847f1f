"""`kb fmt`: mend what has one right answer."""

from __future__ import annotations

import difflib
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import click

from kb.commands.check import library_of
from kb.library import Library
from kb.lint.fmt.formatter import formatted, unreadable, write
from kb.lint.runner import build_context, select
from kb.records.document import Document
from kb.streams import echo_data, warn
from kb.terminal import visible


@click.command("fmt")
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option("--check", "only_check", is_flag=True, help="Write nothing; exit 1 if it would.")
@click.option("--diff", "show_diff", is_flag=True, help="Write nothing; show what would change.")
@click.pass_context
def command(
    context: click.Context, paths: tuple[Path, ...], only_check: bool, show_diff: bool
) -> None:
    """Write the computed minutes, key order, action boxes and labels, fences and times of records.

    A closed list of edits with one right answer each; every other byte stays as it is.

    Exit status 0: all is as it should be, or was brought there; 1: it would change something
    (--check, --diff), or a file cannot be read; 2: could not run.
    """
    library = library_of(paths)
    documents = select(library, paths) if paths else library.documents
    today = datetime.now(UTC).date()
    rules_context = build_context(library, documents, today=today)
    changed = [
        (document, text)
        for document in documents
        if (text := formatted(document, rules_context)) != document.text
    ]
    wrote = not (only_check or show_diff)
    for document, text in changed:
        if show_diff:
            _show_diff(library, document, text)
        if wrote:
            write(library.root / document.path, document, text)
    _tell(library, [document for document, _ in changed], len(documents), wrote=wrote)
    unread = _tell_unread(library, documents)
    context.exit(1 if unread or (changed and not wrote) else 0)


def _tell(library: Library, changed: list[Document], count: int, *, wrote: bool) -> None:
    """Say what was done on stderr: stdout is for the diff."""
    for document in changed:
        path = visible(os.path.relpath(library.root / document.path))
        warn(f"{'formatted' if wrote else 'would format'}: {path}")
    word = "record" if count == 1 else "records"
    warn(f"{count} {word}, {len(changed)} {'formatted' if wrote else 'to format'}")


def _tell_unread(library: Library, documents: Sequence[Document]) -> bool:
    """Say which files were left as they are because they cannot be read; whether there are any."""
    unread = [(document, fault) for document in documents if (fault := unreadable(document))]
    for document, fault in unread:
        path = visible(os.path.relpath(library.root / document.path))
        warn(f"not formatted: {path}:{fault.line}: {visible(fault.message)}")
    return bool(unread)


def _show_diff(library: Library, document: Document, text: str) -> None:
    name = os.path.relpath(library.root / document.path)
    lines = "".join(difflib.unified_diff(_lines(document.text), _lines(text), name, name))
    echo_data(lines.encode("utf-8", errors="surrogateescape"))


def _lines(text: str) -> list[str]:
    """The lines with their ends, as Git counts them: only a line feed ends one."""
    lines = [f"{line}\n" for line in text.split("\n")]
    lines[-1] = lines[-1].removesuffix("\n")
    if not lines[-1]:
        return lines[:-1]
    lines[-1] += "\n\\ No newline at end of file\n"
    return lines
