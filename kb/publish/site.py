"""How is a site made? Pages are written, an engine builds them, and what it built is finished.

The only file of this room that runs anything. Everything is built beside the old site and put in
its place at the end, so that a build that fails leaves the old one standing.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kb.errors import KbError
from kb.library import Library
from kb.processes import end
from kb.publish import search_index
from kb.publish.content import Site
from kb.publish.engines import run_engine
from kb.publish.finish import finish
from kb.publish.gather import names_of
from kb.publish.outside.last_look import refuse_names
from kb.publish.semantic.offer import add_meaning
from kb.publish.site_settings import SETTINGS, packaged_settings, settings_text, used_settings
from kb.publish.write import SEARCHED, write, write_pages, write_theme

Say = Callable[[str], None]
BUILD, SITE = "build", "site"


@dataclass(frozen=True, slots=True)
class Made:
    """What a build made, and what it could not make, one sentence each."""

    folder: Path
    pages: int
    size_bytes: int
    seconds: float
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Build:
    """How a site is built: the folder it comes to lie in, the engine, and what it offers.

    `trusted`: all of the library's `mkdocs.yml` is used, its hooks and plugins too.
    """

    out: Path
    engine: str = "mkdocs"
    pages_only: bool = False
    with_meaning: bool = False
    trusted: bool = False


def build_site(library: Library, site: Site, build: Build, say: Say) -> Made:
    """Make the site. Raises `KbError` when a folder cannot be written or the engine fails."""
    started = time.monotonic()
    try:
        return _build(library, site, build, say, started)
    except OSError as error:
        raise KbError(
            f"the site cannot be written: {error.strerror or error}",
            where=str(error.filename or build.out),
            todo="Free space there, or make the folder writable. The old site is as it was.",
        ) from error


def _build(library: Library, site: Site, build: Build, say: Say, started: float) -> Made:
    work = work_folder(library.root, site)
    say("writing pages")
    pages = write_pages(site, library, work / "pages")
    has_index = search_index.can_be_made(work / SEARCHED)
    megabytes, why = add_meaning(library, site, work / "pages") if build.with_meaning else (0, "")
    write_theme(work / "theme", has_index=has_index, meaning_megabytes=megabytes)
    settings, unused = engine_settings(library.root, work, site, trusted=build.trusted)
    write(work / "mkdocs.yml", settings_text(settings))
    if not build.pages_only:
        _refuse_foreign(build.out)
        say(f"building {pages} pages with {build.engine}")
    _look_at((work / "pages", work / SEARCHED), library, site, work)
    note = _run(work, build)
    if not build.pages_only:
        _look_at((work / "out",), library, site, work)
    folder = work / "pages"
    if not build.pages_only:
        folder = build.out
        shutil.rmtree(folder, ignore_errors=True)
        shutil.move(work / "out", folder)
    took = time.monotonic() - started
    return Made(
        folder, pages, _size(folder), took, (*site.notes, *filter(None, (unused, note, why)))
    )


def _look_at(folders: Iterable[Path], library: Library, site: Site, work: Path) -> None:
    """Refuse an edition for outsiders that names somebody; nothing of it is left lying about."""
    if site.edition.is_internal:
        return
    names = names_of(library)
    try:
        for folder in folders:
            refuse_names(folder, site, names)
    except KbError:
        shutil.rmtree(work, ignore_errors=True)
        raise


def _run(work: Path, build: Build) -> str:
    """Run the engine into `out`, with the search index made meanwhile; what is missing, in words.

    The index comes to lie among the pages too, for an engine that is run by hand.
    """
    # Zensical builds only into a folder below its settings.
    fresh, index = work / "out", work / search_index.FOLDER
    indexing = search_index.start_index(work / SEARCHED, index)
    try:
        if not build.pages_only:
            shutil.rmtree(fresh, ignore_errors=True)
            run_engine(build.engine, work / "mkdocs.yml")
            finish(fresh)
    except BaseException:
        if indexing is not None:
            end(indexing)
        raise
    finally:
        note = search_index.end_index(indexing, index)
    shutil.rmtree(work / SEARCHED, ignore_errors=True)
    if index.is_dir():
        if not build.pages_only:
            shutil.copytree(index, fresh / search_index.FOLDER, copy_function=shutil.copyfile)
        index.rename(work / "pages" / search_index.FOLDER)
    return note


def work_folder(root: Path, site: Site) -> Path:
    """Where an edition's pages are written; each edition has a folder of its own."""
    if site.edition.is_internal:
        return root / BUILD
    return root / BUILD / f"{site.edition.name}-edition"


def engine_settings(
    root: Path, work: Path, site: Site, *, trusted: bool = False
) -> tuple[dict[str, Any], str]:
    """The settings of this build with its folders and navigation; what is left out, in a sentence.

    An edition for outsiders has the settings that ship: those of a team may name anybody.
    """
    settings, unused = packaged_settings(), tuple[str, ...]()
    if site.edition.is_internal:
        settings, unused = used_settings(root, trusted=trusted)
    pages = work / "pages"
    changes: dict[str, Any] = {"docs_dir": "pages", "site_dir": "out", "site_name": site.name}
    theme = settings.get("theme")
    if isinstance(theme, dict):
        changes["theme"] = theme | {"custom_dir": "theme"}
    if site.url:
        changes["site_url"] = site.url
    if isinstance(settings.get("nav"), list):
        changes["nav"] = [entry for entry in settings["nav"] if _has_page(entry, pages)]
    return settings | changes, _said(unused)


def _said(unused: tuple[str, ...]) -> str:
    if not unused:
        return ""
    return (
        f"{SETTINGS}: not used: {', '.join(unused)}. They may run or read anything; "
        f"if they are yours: kb trust {SETTINGS}, or once: kb site --trust"
    )


def _has_page(entry: object, pages: Path) -> bool:
    target = next(iter(entry.values())) if isinstance(entry, dict) else entry
    return not isinstance(target, str) or (pages / target).is_file()


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
