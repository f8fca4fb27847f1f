"""Where a site is built: a folder of kb's own below the library, held by one run at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path, PurePath

from kb.errors import KbError
from kb.library import refuse_tracked
from kb.safe_files import Root, private_folder
from kb.site.content import Site

BUILD = "build"
PAGES, THEME, OUT, EDIT, SETTINGS = "pages", "theme", "out", "edit", "mkdocs.yml"
#: Beside the pages: those that are searched, as Pagefind reads them.
SEARCHED = "searched"
#: What an engine is given in the place of the pages (`page_shells`).
SHELLS = "shells"
INDEX = "pagefind"
#: What `--preview` writes: internal and external text side by side.
PREVIEWS = "side-by-side"
#: What kb makes there and may remove: nothing else in the folder is touched.
_OURS = (PAGES, f"{PAGES}.new", THEME, SEARCHED, SHELLS, EDIT, SETTINGS)
_MARK, _LOCK = ".kb-made", ".kb-lock"
_MARKED = "kb made these and removes them: " + ", ".join(_OURS) + "\n"
_LOOKS_OURS = PurePath(PAGES, "assets", "kb")


def work_folder(root: Path, site: Site) -> Path:
    """Where an edition's pages are written; each edition has a folder of its own."""
    if site.edition.is_internal:
        return root / BUILD
    return root / BUILD / f"{site.edition.name}-edition"


@contextmanager
def held_work(
    root: Path, site: Site, say: Callable[[str], None], *, may_be_elsewhere: bool = False
) -> Iterator[Path]:
    """The work folder of an edition, for this run alone; another run is waited for, and said.

    With `may_be_elsewhere` it lies among the system's temporary files where the library cannot be
    written. Raises `UnsafePathError` where a link stands in its place, `KbError` where it holds
    something of that name which kb did not make, or a mark that is committed, and `OSError`.
    """
    with ExitStack() as held:
        try:
            work = _take(held, Root(root), site, say)
        except OSError as error:
            if not may_be_elsewhere:
                raise
            work = held.enter_context(private_folder())
            say(f"{BUILD}/ cannot be written ({error.strerror}): built in {work.path}\n")
        yield work.path


def _take(held: ExitStack, library: Root, site: Site, say: Callable[[str], None]) -> Root:
    place = library.relative(work_folder(library.path, site))
    library.make_folder(place)
    waiting = f"another kb builds in {place}/: waiting for it\n"
    held.enter_context(library.lock(place / _LOCK, waiting=lambda: say(waiting)))
    work = library.below(place)
    _own(work, library.path)
    work.sweep()
    return work


def made_in_work(root: Path) -> Iterator[PurePath]:
    """What kb made in the work folders of a library, which it may remove."""
    library = Root(root)
    below = (PurePath(BUILD, name) for name in library.names(BUILD))
    for folder in (PurePath(BUILD), *filter(library.is_folder, below)):
        if library.exists(folder / _MARK):
            yield from (folder / name for name in _OURS if library.exists(folder / name))
    if library.is_folder(PurePath(BUILD, PREVIEWS)):
        yield PurePath(BUILD, PREVIEWS)


def _own(work: Root, library: Path) -> None:
    """Mark the folder as kb's, once nothing of a stranger would be removed from it."""
    place = work.path.relative_to(library)
    if work.exists(_MARK):
        refuse_tracked(library, (place / _MARK).as_posix())
        return
    if work.is_folder(_LOOKS_OURS):  # an earlier version left no mark
        refuse_tracked(library, (place / _LOOKS_OURS).as_posix())
    else:
        _refuse_foreign(work)
    work.write_text(_MARK, _MARKED)


def _refuse_foreign(work: Root) -> None:
    for name in _OURS:
        if work.exists(name):
            raise KbError(
                "was not made by kb, and would be replaced by a build",
                where=str(work.path_of(name)),
                todo="Move it to another place, or remove it.",
            )
