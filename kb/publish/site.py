"""How is a site made? Pages are written, an engine builds them, and what it built is finished.

The only file of this room that runs anything. Everything is built beside the old site and put in
its place at the end, so that a build that fails leaves the old one standing.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kb.errors import KbError
from kb.library import Library
from kb.publish import csp
from kb.publish.content import Site
from kb.publish.engines import read_settings, run_engine, settings_text
from kb.publish.write import write, write_pages, write_theme

Say = Callable[[str], None]
BUILD, SITE = "build", "site"
_SEARCH_FOLDER = "pagefind"


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
    """How a site is built: the folder it comes to lie in, and the engine."""

    out: Path
    engine: str = "mkdocs"
    pages_only: bool = False


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
    write_theme(work / "theme")
    # Zensical builds only into a folder below its settings.
    fresh, settings = work / "out", work / "mkdocs.yml"
    write(settings, settings_text(engine_settings(library.root, work, site)))
    if build.pages_only:
        return Made(work / "pages", pages, _size(work / "pages"), time.monotonic() - started)
    say(f"building {pages} pages with {build.engine}")
    _refuse_foreign(build.out)
    shutil.rmtree(fresh, ignore_errors=True)
    run_engine(build.engine, settings)
    say("indexing for search")
    notes = finish(fresh)
    shutil.rmtree(build.out, ignore_errors=True)
    shutil.move(fresh, build.out)
    took = time.monotonic() - started
    return Made(build.out, pages, _size(build.out), took, notes)


def work_folder(root: Path, site: Site) -> Path:
    """Where an edition's pages are written; each edition has a folder of its own."""
    if site.edition.is_internal:
        return root / BUILD
    return root / BUILD / f"{site.edition.name}-edition"


def engine_settings(root: Path, work: Path, site: Site) -> dict[str, Any]:
    """The team's settings with the folders and the navigation of this build."""
    settings = read_settings(root)
    pages = work / "pages"
    changes: dict[str, Any] = {"docs_dir": "pages", "site_dir": "out", "site_name": site.name}
    theme = settings.get("theme")
    if isinstance(theme, dict):
        changes["theme"] = theme | {"custom_dir": "theme"}
    if site.url:
        changes["site_url"] = site.url
    if isinstance(settings.get("nav"), list):
        changes["nav"] = [entry for entry in settings["nav"] if _has_page(entry, pages)]
    if not site.edition.is_internal:
        changes |= {"repo_url": None, "edit_uri": None}
    return {key: value for key, value in (settings | changes).items() if value is not None}


def _has_page(entry: object, pages: Path) -> bool:
    target = next(iter(entry.values())) if isinstance(entry, dict) else entry
    return not isinstance(target, str) or (pages / target).is_file()


def finish(folder: Path) -> tuple[str, ...]:
    """Give a built folder its search index and its policy; what could not be done, in words.

    Works on what any engine built, so a plain `mkdocs build` is finished by the same call.
    """
    pages = list(folder.rglob("*.html"))
    # The index is made meanwhile: pages are replaced whole, so it reads an old or a new one.
    indexing = _start_index(folder)
    hashes: set[str] = set()
    for path in pages:
        html = path.read_text(encoding="utf-8")
        own = csp.inline_hashes([html])
        hashes.update(own)
        fresh = path.with_suffix(".new")
        fresh.write_text(_compact(csp.with_policy(html, csp.policy(own))), encoding="utf-8")
        fresh.replace(path)
    headers = csp.policy(sorted(hashes))
    text = f"/*\n  Content-Security-Policy: {headers}\n  X-Content-Type-Options: nosniff\n"
    write(folder / "_headers", text)
    _drop_unused(folder)
    return _end_index(folder, indexing)


def _drop_unused(folder: Path) -> None:
    """Remove what the engines bring for search in the browser and for debugging."""
    scripts = folder / "assets" / "javascripts"
    shutil.rmtree(scripts / "lunr", ignore_errors=True)
    shutil.rmtree(scripts / "workers", ignore_errors=True)
    for path in (*folder.glob("assets/**/*.map"), folder / "sitemap.xml.gz"):
        path.unlink(missing_ok=True)


def _compact(html: str) -> str:
    """A page without the indentation of its templates: a tenth of its size.

    Lines inside `<pre>` are written as `&#10;`, so none is lost; scripts that are hashed are one
    line each.
    """
    return "\n".join(stripped for line in html.split("\n") if (stripped := line.strip())) + "\n"


def _start_index(folder: Path) -> subprocess.Popen[bytes] | None:
    """The process that makes the search index; None where it cannot be started."""
    command = [sys.executable, "-m", "pagefind", "--site", str(folder), "--quiet"]
    try:
        return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    except OSError:
        return None


def _end_index(folder: Path, indexing: subprocess.Popen[bytes] | None) -> tuple[str, ...]:
    """Wait for the index; without it the search box reads the list of incidents."""
    if indexing is None or indexing.wait():
        return ("No full-text search, titles and summaries only: pip install 'pagefind[bin]'.",)
    unused = ("ui", "modular-ui", "highlight", "component-ui")
    for name in (f"pagefind-{part}.{end}" for part in unused for end in ("js", "css")):
        (folder / _SEARCH_FOLDER / name).unlink(missing_ok=True)
    return ()


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
