"""The record that a person means by an id, or by a part of one."""

from __future__ import annotations

from pathlib import Path

from kb.did_you_mean import did_you_mean
from kb.errors import KbError
from kb.library import Library, load_document, record_files
from kb.streams import warn
from kb.terminal import visible

_MOST_SHOWN = 8


def record_file(library: Library, record_id: str) -> Path:
    """The file of the record. Raises `KbError` where none, or several, have such an id."""
    wanted = Path(record_id).name.removesuffix(".md").partition("#")[0].casefold()
    files = {file.stem: file for file in record_files(library.folder)}
    exact = next((file for stem, file in files.items() if stem.casefold() == wanted), None)
    if exact is not None:
        return exact
    found = [stem for stem in files if wanted and wanted in stem.casefold()]
    if len(found) == 1:
        return files[found[0]]
    if found:
        more = ", …" if len(found) > _MOST_SHOWN else ""
        todo = f"One of: {', '.join(found[:_MOST_SHOWN])}{more}"
        raise KbError(f"{len(found)} records have '{record_id}' in their id", todo=todo)
    todo = did_you_mean(wanted, files, "'kb list' lists the ids.")
    raise KbError(f"there is no record '{record_id}'", todo=todo)


def record_that_counts(library: Library, record_id: str) -> Path:
    """The same, and of a merged record the file of the one that counts, which is said.

    Where the merge leads nowhere, or round in a ring, it is the record itself.
    """
    named = path = record_file(library, record_id)
    seen = {path}
    while target := _merged_into(library, path):
        following = library.folder / f"{target}.md"
        if following in seen or not following.is_file():
            warn(visible(f"{named.stem} is merged into {target}, which leads to no record"))
            return named
        seen.add(following)
        path = following
    if path != named:
        warn(visible(f"{named.stem} is merged into {path.stem}"))
    return path


def _merged_into(library: Library, path: Path) -> str:
    front = load_document(path, library.form, library.root).front
    target = front.text("merged_into").strip()
    return "" if Path(target).name != target else target
