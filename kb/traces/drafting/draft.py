"""Drafts from a run: the record, and the fixture beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import NamedTuple

from kb.errors import KbError
from kb.humanize import plural
from kb.library import records_folder
from kb.records.blank_record import Prefill, blank_record, slug
from kb.records.form import Form, build_form
from kb.repo import open_repo
from kb.safe_files import Root
from kb.traces.drafting.draft_sections import (
    DraftEvidence,
    clocks_yaml,
    draft_day,
    draft_prefill,
    draft_title,
    timeline,
)
from kb.traces.drafting.git_changes import changes
from kb.traces.drafting.timeline_from_export import ChannelReading, TimelineCandidate, read_channel
from kb.traces.fixture import FIXTURE, write_fixture
from kb.traces.read_runs import one_run, team_settings
from kb.traces.replay.freeze_point import prepared
from kb.traces.run import Run
from kb.trusted_settings import allowed_values, open_config


@dataclass(frozen=True)
class Draft:
    """What goes into a draft. Empty `title` and None `day` are taken from the run."""

    run: Run
    title: str = ""
    day: date | None = None
    profile: str = "full"
    passing: Run | None = None
    passing_name: str = ""
    candidates: tuple[TimelineCandidate, ...] = ()
    clocks: Mapping[str, datetime] = field(default_factory=dict)
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
    evidence = DraftEvidence(
        run,
        draft.passing,
        draft.passing_name,
        draft.candidates,
        f"{stem}/{FIXTURE}",
        draft.clocks,
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


@dataclass(frozen=True)
class Sources:
    """Where the evidence lies: files, which run of the first, and a range of commits."""

    run: Path | None = None
    wanted: str = ""
    passing: Path | None = None
    passing_wanted: str = ""
    channel: Path | None = None
    zone: str = ""
    commits: str | None = None


@dataclass(frozen=True)
class _Dated:
    """Dated lines and clocks of what lies beside a run, and what to say of how they were read."""

    candidates: tuple[TimelineCandidate, ...] = ()
    clocks: Mapping[str, datetime] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


class StartedDraft(NamedTuple):
    """The record that was written, and in words what its sources did not give."""

    path: Path
    notes: tuple[str, ...]


def start(root: Path, sources: Sources, title: str, day: date | None, profile: str) -> StartedDraft:
    """A new record below `root` with what the sources prove.

    Raises `KbError` where a source cannot be read, or a title or a day is needed and not given.
    """
    config = open_config(root)
    settings = team_settings(root)
    run = one_run(sources.run, settings, sources.wanted) if sources.run else None
    named = {"wanted": sources.passing_wanted, "option": "--passing-run"}
    passing = one_run(sources.passing, settings, **named) if sources.passing else None
    day = day or (draft_day(run) if run else datetime.now(UTC).date())
    found = _dated(root, sources, run, day)
    folder, form = records_folder(root, config), build_form(config)
    if run is not None:
        name = f"{sources.passing.name}, run {passing.id}" if sources.passing and passing else ""
        draft = Draft(run, title, day, profile, passing, name, found.candidates, found.clocks)
        return StartedDraft(write_draft(draft, folder, form), found.notes)
    if passing is not None:
        raise KbError("--against needs --from-run: there is nothing to compare")
    title = _title(title)
    text = blank_record(title, day, profile=profile, form=form, prefill=_prefill(found))
    path = folder / f"{day.isoformat()}-{slug(title)}.md"
    write_record(path, text)
    return StartedDraft(path, found.notes)


def _title(text: str) -> str:
    if not text.strip():
        raise KbError("a record needs a title", todo='Say what happened: kb new "Agent did …".')
    return " ".join(text.split())


def _prefill(found: _Dated) -> Prefill:
    told = found.candidates
    sections = {"timeline": timeline(None, told)} if told else {}
    return Prefill({"clocks": clocks_yaml(found.clocks)} if found.clocks else {}, sections)


def _dated(root: Path, sources: Sources, run: Run | None, day: date) -> _Dated:
    """Dated lines of the channel and of Git; commits only from before the run wrote anything."""
    allow = allowed_values(root, open_config(root))
    said = ChannelReading()
    if sources.channel:
        said = read_channel(sources.channel, day, allow, sources.zone)
    out = said.left_out.items()
    notes = [f"the channel: {plural(number, 'message')} left out: {why}" for why, number in out]
    if sources.commits is None:
        return _Dated(said.candidates, said.clocks, tuple(notes))
    until = (run.clocks.first_write or run.clocks.ended) if run else None
    until = until or datetime.combine(day, time.max, UTC)
    found = changes(open_repo(root).commits_in(sources.commits), until)
    notes += found.notes()
    return _Dated((*said.candidates, *found.candidates), said.clocks, tuple(notes))
