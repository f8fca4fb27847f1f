"""What does a draft start from? A run, a passing run, a channel and commits, put together."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from pathlib import Path

from kb.errors import KbError
from kb.library import records_folder
from kb.records.form import build_form
from kb.records.template import Prefill, blank_record, slug
from kb.repo import open_repo
from kb.runs.choosing import one_run
from kb.runs.drafts.candidates import Candidate
from kb.runs.drafts.evidence_timeline import timeline
from kb.runs.team import team_settings
from kb.traces.drafting.channel import read_channel
from kb.traces.drafting.draft import Draft, write_draft, write_record
from kb.traces.drafting.evidence import draft_day
from kb.traces.drafting.git_changes import changes
from kb.traces.run import Run
from kb.trust import open_config


@dataclass(frozen=True)
class Sources:
    """Where the evidence lies: files, which run of the first, and a range of commits."""

    run: Path | None = None
    wanted: str = ""
    passing: Path | None = None
    channel: Path | None = None
    commits: str | None = None


def start(root: Path, sources: Sources, title: str, day: date | None, profile: str) -> Path:
    """The path of a new record below `root` with what the sources prove.

    Raises `KbError` where a source cannot be read, or a title or a day is needed and not given.
    """
    config = open_config(root)
    settings = team_settings(root)
    run = one_run(sources.run, settings, sources.wanted) if sources.run else None
    passing = one_run(sources.passing, settings) if sources.passing else None
    day = day or (draft_day(run) if run else datetime.now(UTC).date())
    found = _candidates(root, sources, run, day)
    folder, form = records_folder(root, config), build_form(config)
    if run is not None:
        name = f"{sources.passing.name}, run {passing.id}" if sources.passing and passing else ""
        return write_draft(Draft(run, title, day, profile, passing, name, found), folder, form)
    if passing is not None:
        raise KbError("--against needs --from-run: there is nothing to compare")
    title = _title(title)
    text = blank_record(title, day, profile=profile, form=form, prefill=_dated(found))
    path = folder / f"{day.isoformat()}-{slug(title)}.md"
    write_record(path, text)
    return path


def _title(text: str) -> str:
    if not text.strip():
        raise KbError("a record needs a title", todo='Say what happened: kb new "Agent did …".')
    return " ".join(text.split())


def _dated(found: tuple[Candidate, ...]) -> Prefill:
    return Prefill(sections={"timeline": timeline(None, found)} if found else {})


def _candidates(root: Path, sources: Sources, run: Run | None, day: date) -> tuple[Candidate, ...]:
    """Dated lines of the channel and of Git; commits only from before the run wrote anything."""
    allow = open_config(root).runs.allow
    said = read_channel(sources.channel, day, allow) if sources.channel else ()
    if sources.commits is None:
        return said
    until = (run.clocks.first_write or run.clocks.ended) if run else None
    until = until or datetime.combine(day, time.max, UTC)
    return (*said, *changes(open_repo(root).commits_in(sources.commits), until))
