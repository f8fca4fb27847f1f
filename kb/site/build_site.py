"""Makes a site: pages are written, an engine builds them, what it built is finished.

The only file of this room that runs anything. Everything is built beside the old site and put in
its place at the end, so that a build that fails leaves the old one standing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

from kb.errors import KbError
from kb.library import Library
from kb.processes import end
from kb.safe_files import Root, output_of
from kb.site import search_index
from kb.site.content import Site
from kb.site.engines import run_engine
from kb.site.external.leak_scan import refuse_names
from kb.site.gather import names_of
from kb.site.mkdocs_settings import (
    Settings,
    only_frames,
    packaged_settings,
    settings_text,
    used_settings,
)
from kb.site.page_shells import completed, take_over_files, write_shells
from kb.site.post_process import finish
from kb.site.work_folder import (
    BUILD,
    INDEX,
    OUT,
    PAGES,
    SEARCHED,
    SETTINGS,
    SHELLS,
    THEME,
    held_work,
    work_folder,
)
from kb.site.write import write_pages, write_theme

Say = Callable[[str], None]
SITE = "site"
__all__ = ["BUILD", "SITE", "Build", "SiteBuild", "build_site", "engine_settings", "work_folder"]


@dataclass(frozen=True, slots=True)
class SiteBuild:
    """What a build made, and what it could not make, one sentence each."""

    folder: Path
    pages: int
    size_bytes: int
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Build:
    """How a site is built: the folder it comes to lie in, the engine, and what it offers.

    `trusted`: all of the library's `mkdocs.yml` is used, its hooks and plugins too.
    `is_named`: a person typed the folder, whose links are therefore followed.
    """

    out: Path
    engine: str = "mkdocs"
    pages_only: bool = False
    with_meaning: bool = False
    trusted: bool = False
    is_named: bool = False


def build_site(library: Library, site: Site, build: Build, say: Say) -> SiteBuild:
    """Make the site. Raises `KbError` when a folder cannot be written or the engine fails."""
    try:
        outside = build.is_named and not build.pages_only
        with (
            held_work(library.root, site, say, may_be_elsewhere=outside) as work,
            # Of this run alone: an engine whose kb was killed may still be writing into its own.
            Root(work).temporary_folder() as own,
        ):
            return _build(library, site, build, say, work, own)
    except OSError as error:
        raise KbError(
            f"the site cannot be written: {error.strerror or error}",
            where=str(error.filename or build.out),
            todo="Free space there, or make the folder writable. The old site is as it was.",
        ) from error


def _build(
    library: Library,
    site: Site,
    build: Build,
    say: Say,
    work: Path,
    own: PurePath,
) -> SiteBuild:
    root, target = _target(library, build)
    if not build.pages_only:
        root.restore(target)
        _refuse_foreign(root.path_of(target))
    say("writing pages")
    pages = write_pages(site, library, work / PAGES)
    has_index = search_index.can_be_made(work / SEARCHED)
    megabytes, why = _add_meaning(library, site, work / PAGES) if build.with_meaning else (0, "")
    write_theme(work / THEME, has_index=has_index, meaning_megabytes=megabytes)
    settings, unused = engine_settings(library.root, work, site, trusted=build.trusted)
    _look_at((work / PAGES, work / SEARCHED), library, site, work)
    if not build.pages_only:
        say(f"building {pages} pages with {build.engine}")
    note = _run(work, own, build, settings)
    Root(work).write_text(SETTINGS, settings_text(settings), errors="replace")
    if not build.pages_only:
        _look_at((work / own / OUT,), library, site, work)
    folder = work / PAGES
    if not build.pages_only:
        folder = build.out
        root.take_tree(Root(work), own / OUT, target)
    notes = (*site.notes, *site.names.left_out(site.kinds.values()))
    return SiteBuild(folder, pages, _size(folder), (*notes, *filter(None, (unused, note, why))))


def _add_meaning(library: Library, site: Site, pages: Path) -> tuple[int, str]:
    """What search by meaning loads, in megabytes; it alone needs the search extra."""
    from kb.site.semantic.browser_files import write_semantic_files

    return write_semantic_files(library, site, pages)


def _target(library: Library, build: Build) -> tuple[Root, PurePath]:
    """The site's folder as a root and a name: in the library no link on the way is followed."""
    if build.is_named or not build.out.is_relative_to(library.root):
        return output_of(build.out)
    root = Root(library.root)
    return root, root.relative(build.out)


def _look_at(folders: Iterable[Path], library: Library, site: Site, work: Path) -> None:
    """Refuse an edition for outsiders that names somebody; nothing of it is left lying about."""
    if site.edition.is_internal:
        return
    names = names_of(library)
    try:
        for folder in folders:
            refuse_names(folder, site, names)
    except KbError:
        for name in (PAGES, SEARCHED, SHELLS, THEME, SETTINGS):
            Root(work).remove_tree(name)
        raise


def _run(work: Path, own: PurePath, build: Build, settings: Settings) -> str:
    """Run the engine into `own`, with the search index made meanwhile; what is missing, in words.

    The index comes to lie among the pages too, for an engine that is run by hand.
    """
    index, root = work / own / INDEX, Root(work)
    indexing = search_index.start_index(work / SEARCHED, index)
    try:
        if not build.pages_only:
            _run_engine(work, own / OUT, build.engine, settings)
    except BaseException:
        if indexing is not None:
            end(indexing)
        raise
    finally:
        note = search_index.end_index(indexing, index)
    root.remove_tree(SEARCHED)
    if root.is_folder(own / INDEX):
        if not build.pages_only:
            root.copy_tree(root, own / INDEX, own / OUT / INDEX)
        root.rename(own / INDEX, PurePath(PAGES, INDEX))
    return note


def _run_engine(work: Path, out: PurePath, engine: str, settings: Settings) -> None:
    """Build the pages into a folder below `work`, and finish it."""
    pages, shells = work / PAGES, work / SHELLS
    root = Root(work)
    # Zensical builds only into a folder below its settings.
    changes = {"site_dir": out.as_posix()}
    are_shells = only_frames(settings)
    root.remove_tree(SHELLS)
    if are_shells:
        changes["docs_dir"] = SHELLS
        write_shells(pages, shells)
    root.write_text(SETTINGS, settings_text(settings | changes), errors="replace")
    run_engine(engine, work / SETTINGS)
    if are_shells:
        take_over_files(pages, work / out)
        finish(work / out, completed(pages))
        root.remove_tree(SHELLS)
    else:
        finish(work / out)


def engine_settings(
    root: Path, work: Path, site: Site, *, trusted: bool = False
) -> tuple[dict[str, Any], str]:
    """The settings of this build with its folders and navigation; what is left out, in a sentence.

    An edition for outsiders has the settings that ship: those of a team may name anybody.
    """
    if site.edition.is_internal:
        settings, unused = used_settings(root, trusted=trusted)
    else:
        settings, unused = packaged_settings(), ()
    pages = work / PAGES
    changes: dict[str, Any] = {"docs_dir": "pages", "site_dir": "out", "site_name": site.name}
    theme = settings.get("theme")
    if isinstance(theme, dict):
        changes["theme"] = theme | {"custom_dir": "theme"}
    if site.url:
        changes["site_url"] = site.url
    if isinstance(settings.get("nav"), list):
        changes["nav"] = [entry for entry in settings["nav"] if _has_page(entry, pages)]
    return settings | changes, _unused_note(unused)


def _unused_note(unused: tuple[str, ...]) -> str:
    if not unused:
        return ""
    return (
        f"{SETTINGS}: not used: {', '.join(unused)}. They may run or read anything; "
        f"if they are yours: kb trust {SETTINGS}, or once: kb site --trust"
    )


def _has_page(entry: object, pages: Path) -> bool:
    target = next(iter(entry.values())) if isinstance(entry, dict) else entry
    return not isinstance(target, str) or (pages / target).is_file()


def made_sites(root: Path) -> Iterator[PurePath]:
    """The sites that lie where kb builds them by default."""
    library = Root(root)
    for name in library.names():
        if (name == "site" or name.startswith("site-")) and library.is_folder(f"{name}/assets/kb"):
            yield PurePath(name)


def _refuse_foreign(out: Path) -> None:
    """Refuse to replace a folder that holds something which is no site of ours."""
    if out.is_dir() and any(out.iterdir()) and not (out / "assets/kb").is_dir():
        raise KbError(
            "this folder holds something that is not a site, and would be replaced",
            where=str(out),
            todo="Name another folder with --out, or empty this one.",
        )


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
