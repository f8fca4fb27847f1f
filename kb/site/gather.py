"""Collects what a site shows from library, Git, search and measures, each read once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path, PurePosixPath

from kb.actions.action import actions
from kb.actions.gate_decision import open_gates
from kb.config import LibraryConfig
from kb.errors import KbError
from kb.library import Library
from kb.metrics.compute_page import Reading, page_of, read_all, read_as_of
from kb.metrics.publication import publications
from kb.metrics.result_types import MetricsPage
from kb.records.postmortem import Postmortem
from kb.repo import Repo
from kb.safe_files import real_path, walk
from kb.sensitive.names.find_names import NameIndex
from kb.site.content import INTERNAL, Edition, Place, Site, actions_by_record
from kb.site.external.declared_names import private_names
from kb.site.external.edition import affects, external_edition
from kb.site.external.refusal import left_out, refuse_unread
from kb.site.mkdocs_settings import read_settings
from kb.site.related_incidents import Finding, Others, related_of
from kb.walls.proof import proofs_by_record

#: What may stand beside a record and be shown. SVG is left out: opened by itself it runs scripts.
SHOWN_FILES = frozenset(
    {".png", ".jpg", ".jpeg", ".gif", ".webp", ".avif", ".json", ".csv", ".txt"}
)
_MAX_FILE_BYTES = 10_000_000

Finder = Callable[[Library], Finding]


@dataclass(frozen=True)
class SiteRequest:
    """What a site is made for. `find` gives the incidents like each, and why there are none.

    `ask_others` gives what other teams know, for the internal edition alone; None asks nobody.
    """

    now: datetime
    find: Finder
    edition: Edition = INTERNAL
    with_drafts: bool = False
    ask_others: Callable[[Library], Others] | None = None


def gather(library: Library, repo: Repo, wanted: SiteRequest) -> Site:
    """Everything the pages of an edition may show.

    Raises `KbError` for a customer no external record names, and where an edition for outsiders
    would hold what must not leave, or nobody can know whether it does.
    """
    found, why_not_related = wanted.find(library)
    reading = read_all(library, repo, read_as_of(repo, None, wanted.now))
    promises = actions(library, reading.trails, reading.as_of.day)
    by_record = actions_by_record(promises)
    site = Site(
        name=_name(library),
        url=library.config.site.url,
        form=library.form,
        as_of=reading.as_of,
        records=library.published,
        drafts=_drafts(library) if wanted.with_drafts else (),
        related={
            record.id: related_of(record, found.get(record.id, ()), by_record)
            for record in library.records
        },
        why_not_related=why_not_related,
        measured=_without_place(page_of(reading), library.root),
        actions=tuple(action for action in promises if action.record_status == "published"),
        gates=open_gates(library, reading.as_of.day),
        places=_places(library, repo),
        published=_published(library, reading),
        subtitle=library.config.site.subtitle.strip(),
        files={record.id: files_beside(library, record) for record in library.records},
        merged=tuple(record for record in library.records if record.merged_into),
        runs_seen=library.runs_seen,
    )
    today = wanted.now.date()
    if wanted.edition.is_internal:
        return _internal(library, wanted, site)
    refuse_unread(library, today)
    _check_customer(library, wanted.edition)
    return external_edition(library, site, wanted.edition, names_of(library), today)


def _internal(library: Library, wanted: SiteRequest, site: Site) -> Site:
    """The site with what the team alone may see."""
    notes = (f"left out of the site: {unread}" for unread in left_out(library, wanted.now.date()))
    elsewhere, silent = wanted.ask_others(library) if wanted.ask_others else ({}, ())
    return replace(
        site,
        notes=(*notes, *silent),
        elsewhere=elsewhere,
        wall_proofs=proofs_by_record(library),
    )


def names_of(library: Library) -> NameIndex:
    """The names of a library that no outsider is told."""
    return private_names(library.records, library.config.check.people)


def _without_place(page: MetricsPage, root: Path) -> MetricsPage:
    """The measures with notes that do not name where the library lies on this machine."""
    here = (str(real_path(root)), str(root))
    return replace(page, notes=tuple(_replaced(note, here, "this library") for note in page.notes))


def _replaced(text: str, words: Iterable[str], by: str) -> str:
    for word in words:
        text = text.replace(word, by)
    return text


def _published(library: Library, reading: Reading) -> dict[str, datetime]:
    found = publications(reading.trails)
    known = (
        (record.id, found.get(PurePosixPath(record.path.as_posix())))
        for record in library.published
    )
    return {name: published.at for name, published in known if published and published.at}


def _name(library: Library) -> str:
    """What the library is called: in `kb.toml`, else in the settings of the site."""
    name = library.config.library.name
    if name != LibraryConfig().name:
        return name
    return str(read_settings(library.root).get("site_name") or name)


def _drafts(library: Library) -> tuple[Postmortem, ...]:
    return tuple(r for r in library.records if r.status != "published" and not r.merged_into)


def _check_customer(library: Library, edition: Edition) -> None:
    if edition.customer is None:
        return
    named = [r for r in library.published if affects(r, edition.customer)]
    if any(record.visibility == "external" for record in named):
        return
    what = f"no published record marked external affects '{edition.customer}'"
    hint = f"{len(named)} internal ones do. " if named else ""
    raise KbError(what, todo=f"{hint}Set 'visibility: external' in those that customer may read.")


def _places(library: Library, repo: Repo) -> dict[str, Place]:
    base = repo.relative(library.root)
    if base is None:
        return {}
    return {
        record.id: _place(repo, base / PurePosixPath(record.path.as_posix()))
        for record in library.records
        if not record.path.is_absolute()
    }


def _place(repo: Repo, path: PurePosixPath) -> Place:
    return Place(
        repo.web_url(path, "source") or "",
        repo.web_url(path, "history") or "",
        repo.web_url(path, "edit") or "",
    )


def files_beside(library: Library, record: Postmortem) -> tuple[str, ...]:
    """The files in a record's own folder that its text names, as they are named there."""
    folder = library.folder / record.id
    if not folder.is_dir() or folder.is_symlink():
        return ()
    text = "\n".join(section.text for section in record.sections)
    paths = sorted(Path(place, name) for place, _, names in walk(folder) for name in names)
    names = (path.relative_to(folder).as_posix() for path in paths)
    return tuple(name for name in names if name in text and _may_be_shown(folder, folder / name))


def _may_be_shown(folder: Path, path: Path) -> bool:
    return (
        path.suffix.lower() in SHOWN_FILES
        and path.is_file()
        and real_path(path).is_relative_to(real_path(folder))
        and path.stat().st_size <= _MAX_FILE_BYTES
    )
