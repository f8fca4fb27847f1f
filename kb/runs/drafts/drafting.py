"""How does a run become a draft? The record, and the fixture beside it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from kb.errors import KbError
from kb.records.draft import blank_record, slug
from kb.records.form import Form
from kb.runs.drafts.candidates import Candidate
from kb.runs.drafts.evidence import Evidence, draft_day, draft_prefill, draft_title
from kb.runs.fixture import write_fixture
from kb.runs.freezing import prepared
from kb.runs.run import Run
from kb.safe_files import Root

FIXTURE = "fixture.json"


@dataclass(frozen=True)
class Draft:
    """What goes into a draft. Empty `title` and None `day` are taken from the run."""

    run: Run
    title: str = ""
    day: date | None = None
    profile: str = "full"
    passing: Run | None = None
    passing_name: str = ""
    candidates: tuple[Candidate, ...] = ()
    is_near_miss: bool = False


def write_draft(draft: Draft, folder: Path, form: Form) -> Path:
    """The path of a new record in `folder`, with `fixture.json` in the folder of its name.

    Below `folder` no link is followed. Raises `KbError` when there is a record or a fixture of
    that name, or no day is known.
    """
    run = prepared(draft.run, draft.passing)
    title = " ".join((draft.title or draft_title(run)).split())
    day = draft.day or draft_day(run)
    stem = f"{day.isoformat()}-{slug(title)}"
    path, fixture = folder / f"{stem}.md", folder / stem / FIXTURE
    if Root(folder).exists(path.name):
        raise _already_there(path)
    evidence = Evidence(
        run, draft.passing, draft.passing_name, draft.candidates, f"{stem}/{FIXTURE}"
    )
    prefill = draft_prefill(evidence, near_miss=draft.is_near_miss)
    text = blank_record(title, day, profile=draft.profile, form=form, prefill=prefill)
    write_fixture(run, fixture, within=folder)
    write_record(path, text)
    return path


def write_record(path: Path, text: str) -> None:
    """Write a new record. Raises `KbError` when there is one of that name, or a link."""
    try:
        root = Root(path.parent)
        root.sweep()
        root.create(path.name, text.encode("utf-8", "replace"))
    except FileExistsError as error:
        raise _already_there(path) from error
    except OSError as error:
        raise KbError(f"cannot be written: {error.strerror}", where=str(path)) from error


def _already_there(path: Path) -> KbError:
    todo = "Open it, or choose another title or --date."
    return KbError("already exists; nothing was written", where=str(path), todo=todo)
