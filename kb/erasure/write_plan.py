"""Writes a plan: every file whole or as it was, and in an order that a later run can take up.

New names first, then changed files, then old names, then what kb makes anew. A run that is killed
in between leaves old files in place; they still hold what is sought, and the next run goes on.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path, PurePath

from kb.erasure.plan import FileCut, Plan
from kb.errors import KbError
from kb.safe_files import Root, replace_known

#: More than any file that is looked into.
_MOST_BYTES = 1 << 32


def carry_out(root: Path, plan: Plan) -> None:
    """Change, rename and remove what the plan says below a library's root.

    Raises `KbError` where a file changed meanwhile or cannot be written; what was done until then
    stays done.
    """
    try:
        _carry_out(Root(root), plan)
    except OSError as error:
        raise KbError(
            f"cannot be written: {error.strerror or error}",
            where=str(error.filename or root),
            todo="Mend that and run it again: what is done stays done.",
        ) from error


def _carry_out(place: Root, plan: Plan) -> None:
    for folder in sorted({change.new_path.parent for change in plan.changes}):
        place.sweep(folder)
    renamed = [change for change in plan.changes if change.is_renamed]
    for change in renamed:
        _create(place, change)
    for change in plan.changes:
        if not change.is_renamed:
            _replace(place, change)
    for change in renamed:
        if place.read_bytes(change.path, _MOST_BYTES) != change.before:
            raise _changed(change.path)
        place.remove_file(change.path)
        _remove_empty(place, change.path.parent)
    for path in plan.removed:
        if place.is_folder(path):
            place.remove_tree(path)
        else:
            place.remove_file(path)


def _create(root: Root, change: FileCut) -> None:
    try:
        root.create(change.new_path, change.after)
    except FileExistsError:
        if root.read_bytes(change.new_path, len(change.after)) != change.after:
            raise _changed(change.new_path) from None


def _replace(root: Root, change: FileCut) -> None:
    if not replace_known(root.path_of(change.path), change.before, change.after):
        raise _changed(change.path)


def _changed(path: PurePath) -> KbError:
    return KbError(
        "changed while kb looked at it; it is as it was",
        where=str(path),
        todo="Run it again: what is done stays done.",
    )


def _remove_empty(root: Root, folder: PurePath) -> None:
    """Remove the folders that renaming has emptied."""
    with suppress(FileNotFoundError):
        while folder.parts and root.is_folder(folder) and not root.names(folder):
            root.remove_tree(folder)
            folder = folder.parent
