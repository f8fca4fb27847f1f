"""Signs what is proposed, as a person does who overlooks everything."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from kb.library import open_library
from kb.repo import open_repo
from kb.safe_files import Root
from kb.site.content import EXTERNAL, Edition, Site
from kb.site.external.proposal import Proposal, proposals
from kb.site.gather import SiteRequest, gather, names_of
from kb.site.related_incidents import no_search

NOW = datetime(2026, 11, 1, tzinfo=UTC)
SIGNED = "approved: {by: jo-doe, at: 2026-10-30}"


def propose(folder: Path) -> list[Proposal]:
    """Write the proposals of a library; what they were."""
    library = open_library(folder)
    made = list(proposals(library, names_of(library), NOW.date()))
    for place, text in (file for one in made for file in one.files):
        Root(library.root).make_folder(place.parent)
        Root(library.root).write_text(place, text, errors="replace")
    return made


def sign(folder: Path, *, answer: str = "") -> None:
    """Sign every text, without reading it."""
    for path in (folder / "postmortems").glob("*/external.md"):
        text = path.read_text("utf-8").replace("approved: {by: , at: }", SIGNED)
        path.write_text(text.replace('answer: ""', f'answer: "{answer}"'), "utf-8")


def approve_all(folder: Path) -> list[Proposal]:
    """Propose and sign everything, questions unanswered; what was proposed."""
    made = propose(folder)
    sign(folder)
    return made


def signed_site(folder: Path, edition: Edition = EXTERNAL) -> Site:
    """The external edition of a library as it lies there."""
    return gather(open_library(folder), open_repo(folder), SiteRequest(NOW, no_search, edition))


def approved_site(folder: Path, edition: Edition = EXTERNAL) -> Site:
    """The edition after everything was proposed and signed."""
    if not edition.is_internal:
        approve_all(folder)
    return signed_site(folder, edition)


def removed(folder: Path, name: str) -> str:
    """The list of what was taken out of a record."""
    return (folder / "postmortems" / name / "external-removed.md").read_text("utf-8")
