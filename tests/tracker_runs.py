"""One run of a sync in a process of its own: light enough to be started 200 times."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

from kb.actions.action import actions
from kb.actions.trackers.http_client import Client
from kb.actions.trackers.registry import TrackerChoice, find_service, make_tracker
from kb.actions.trackers.sync import Sync, SyncEvent
from kb.actions.trackers.ticket_journal import Journal
from kb.library import open_library

PROJECTS = {"github": "acme/agents", "linear": "ENG", "jira": "OPS"}
SETTLE = 0.6
TODAY = date(2026, 6, 30)


def sync_once(folder: Path, name: str, address: str, **options: Any) -> list[SyncEvent]:
    """What one run does; a new connection and journal each time, as a new process has them."""
    choice = TrackerChoice(name, PROJECTS[name], address)
    service = replace(find_service(choice), timeout_seconds=0.3, sleep=_nap)
    library = open_library(folder)
    options = {"settle_seconds": SETTLE, "look_again_seconds": (0.0,), "sleep": _nap, **options}
    place, is_dry = folder / ".kb/sync/journal.jsonl", bool(options.get("is_dry"))
    with Client(service) as client, Journal(place, is_dry=is_dry) as journal:
        sync = Sync(library, make_tracker(choice, client), journal, _link, **options)
        return list(sync.run(actions(library, None, TODAY)))


def _link(action: object) -> str:
    return f"https://host.example/{getattr(action, 'record', '')}.md"


def _nap(seconds: float) -> None:
    time.sleep(min(seconds, 0.02))
