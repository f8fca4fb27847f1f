"""`kb actions sync` against a real local server: one ticket an action, whatever goes wrong."""

from __future__ import annotations

import json
import multiprocessing
import random
import shutil
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from kb.actions.action import actions
from kb.actions.trackers.registry import TrackerChoice, find_service
from kb.actions.trackers.sync import SyncEvent
from kb.actions.trackers.ticket import utc_day
from kb.actions.trackers.ticket_journal import Journal, JournalEntry
from kb.errors import KbError
from kb.library import open_library

from conftest import git_in
from known_library import Promise, Story
from patience import wait_until
from test_metrics_command import run  # noqa: F401 - a fixture
from tracker_runs import PROJECTS, SETTLE, sync_once
from tracker_servers import TOKEN, State, serve

TRACKERS = tuple(PROJECTS)
RECORD = "2026-05-01-incident"


@dataclass
class World:
    """A library with its tracker."""

    folder: Path
    name: str
    address: str
    state: State

    def sync(self, **options: Any) -> list[SyncEvent]:
        """One run."""
        return sync_once(self.folder, self.name, self.address, **options)

    def per_action(self) -> Counter[str]:
        """How many tickets each action has, by the mark in their texts."""
        marks = (ticket["body"].rpartition("kb-action: ")[2] for ticket in self.state.tickets)
        return Counter(mark.split('"')[0].strip() for mark in marks)

    def keys(self) -> dict[str, str]:
        """The keys in the record's lines."""
        found = actions(open_library(self.folder), None, date(2026, 6, 30))
        return {action.label: action.tracker for action in found}


@pytest.fixture(params=TRACKERS)
def world(
    request: pytest.FixtureRequest, library_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[World]:
    """A library with three open actions and one closed, and an empty tracker."""
    monkeypatch.setenv("GITHUB_TOKEN", TOKEN)
    monkeypatch.setenv("LINEAR_API_KEY", TOKEN)
    monkeypatch.setenv("JIRA_API_TOKEN", TOKEN)
    monkeypatch.setenv("JIRA_EMAIL", "bot@example.org")
    monkeypatch.delenv("GH_TOKEN", raising=False)
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    write(library_folder, 3)
    state = State()
    with serve(state) as address:
        yield World(library_folder, request.param, address, state)


def write(folder: Path, count: int) -> None:
    promises = [
        Promise(f"A{n}", f"do thing {n}", due=date(2026, 7, 1 + (n - 1) % 28), gate="restart")
        for n in range(1, count + 1)
    ]
    done = Promise(f"A{count + 1}", "done", state="closed", written_closed=date(2026, 5, 9))
    one = Story(RECORD, datetime(2026, 5, 1, 8, tzinfo=UTC), promises=[*promises, done])
    (folder / one.path).write_text(one.markdown(), encoding="utf-8")


def test_every_open_action_gets_one_ticket_that_says_what_was_promised(world: World) -> None:
    events = world.sync()
    assert [event.what for event in events] == ["created"] * 3
    assert world.per_action() == {f"{RECORD}#A{n}": 1 for n in (1, 2, 3)}
    first = world.state.tickets[0]
    assert first["title"] == "do thing 1"
    for said in (f"https://host.example/{RECORD}.md", "payments", "2026-07-01", "code", "restart"):
        assert said in first["body"]
    assert all(world.keys()[f"A{n}"] for n in (1, 2, 3))
    assert world.keys()["A4"] == ""


@pytest.mark.parametrize("world", ["jira"], indirect=True)
def test_jira_data_center_is_spoken_to_with_a_personal_token(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("JIRA_EMAIL")
    monkeypatch.setenv("JIRA_ISSUE_TYPE", "Bug")
    assert [event.what for event in world.sync()] == ["created"] * 3
    assert [event.what for event in world.sync()] == ["unchanged"] * 3
    assert {
        path.partition("/issue")[0].partition("/search")[0] for _, path in world.state.requests
    } == {"/rest/api/2"}
    assert {ticket["type"] for ticket in world.state.tickets} == {"Bug"}


@pytest.mark.parametrize("world", ["jira"], indirect=True)
def test_the_address_of_the_record_is_a_link_in_jira(world: World) -> None:
    world.sync()
    link = {"type": "link", "attrs": {"href": f"https://host.example/{RECORD}.md"}}
    assert json.dumps([link]) in world.state.tickets[0]["body"]
    assert {ticket["type"] for ticket in world.state.tickets} == {"Task"}


@pytest.mark.parametrize("world", ["linear"], indirect=True)
def test_linear_is_asked_at_its_address_without_a_slash_at_the_end(world: World) -> None:
    world.address += "/graphql"
    world.sync()
    assert {path for _, path in world.state.requests} == {"/graphql"}


@pytest.mark.parametrize("world", ["github"], indirect=True)
def test_a_github_server_is_spoken_to_in_the_version_it_knows(world: World) -> None:
    world.sync()
    assert set(world.state.versions) == {"2022-11-28"}
    environment = {"GITHUB_TOKEN": TOKEN}
    headers = find_service(TrackerChoice("github", "acme/agents"), environment).headers
    assert headers["X-GitHub-Api-Version"] == "2026-03-10"


def test_a_second_run_changes_nothing(world: World) -> None:
    world.sync()
    before = (world.folder / f"postmortems/{RECORD}.md").read_bytes()
    assert [event.what for event in world.sync()] == ["unchanged"] * 3
    assert len(world.state.tickets) == 3
    assert (world.folder / f"postmortems/{RECORD}.md").read_bytes() == before


def test_a_lost_key_and_a_lost_journal_lead_back_to_the_same_ticket(world: World) -> None:
    world.sync()
    write(world.folder, 3)
    (world.folder / ".kb/sync/journal.jsonl").unlink()
    assert [event.what for event in world.sync()] == ["found"] * 3
    assert len(world.state.tickets) == 3


def test_a_listing_of_several_pages_is_read_to_its_end(world: World) -> None:
    write(world.folder, 8)
    world.sync()
    write(world.folder, 8)
    (world.folder / ".kb/sync/journal.jsonl").unlink()
    assert [event.what for event in world.sync()] == ["found"] * 8
    assert len(world.state.tickets) == 8


AFTER = ("500 after", "malformed after", "empty after", "hang after", "drop after")
BEFORE = ("500 before", "hang before")


@pytest.mark.parametrize("fault", AFTER)
def test_an_answer_that_went_wrong_after_the_write_makes_no_twin(world: World, fault: str) -> None:
    world.state.faults = [fault]
    assert [event.what for event in world.sync()] == ["created"] * 3
    assert [event.what for event in world.sync()] == ["unchanged"] * 3
    assert set(world.per_action().values()) == {1}


@pytest.mark.parametrize("fault", BEFORE)
def test_a_write_that_may_still_be_under_way_is_not_repeated_at_once(
    world: World, fault: str
) -> None:
    world.state.faults = [fault]
    first = world.sync(settle_seconds=60)
    again = world.sync(settle_seconds=60)
    if world.name == "linear":
        # Its tickets have our identity: repeating cannot make two, so nothing has to wait.
        assert again[0].what == "created"
    else:
        assert first[0].what == again[0].what == "waiting"
        time.sleep(SETTLE)
        assert world.sync()[0].what == "created"
    assert world.per_action() == {f"{RECORD}#A{n}": 1 for n in (1, 2, 3)}


def test_a_search_that_lags_behind_makes_no_twin(world: World) -> None:
    world.state.shown_after, world.state.faults = 0.4, ["hang after"]
    world.sync(settle_seconds=5)
    world.sync(settle_seconds=5)
    time.sleep(0.4)
    world.sync(settle_seconds=5)
    assert world.per_action() == {f"{RECORD}#A{n}": 1 for n in (1, 2, 3)}
    assert all(world.keys()[f"A{n}"] for n in (1, 2, 3))


@pytest.mark.parametrize("fault", ["429", "403-haste", "ratelimited"])
def test_haste_is_answered_by_waiting(world: World, fault: str) -> None:
    world.state.faults = [fault, fault]
    assert [event.what for event in world.sync()] == ["created"] * 3
    assert len(world.state.tickets) == 3


def test_a_pause_that_is_too_long_ends_the_run_and_the_next_one_goes_on(world: World) -> None:
    world.state.faults, world.state.retry_after = ["", "429"], "3600"
    with pytest.raises(KbError, match="asks for a pause") as fault:
        world.sync()
    assert "goes on where it stopped" in fault.value.todo
    time.sleep(SETTLE)
    world.sync()
    assert world.per_action() == {f"{RECORD}#A{n}": 1 for n in (1, 2, 3)}


def test_an_expired_token_is_said_and_never_shown(world: World) -> None:
    world.state.faults = ["expired"]
    with pytest.raises(KbError, match="refused the token") as fault:
        world.sync()
    said = str(fault.value)
    assert TOKEN not in said
    assert "\x1b" not in said
    assert any(name in said for name in ("GITHUB_TOKEN", "LINEAR_API_KEY", "JIRA_API_TOKEN"))


def test_a_ticket_that_is_refused_does_not_stop_the_others(world: World) -> None:
    world.state.faults = ["refused"]
    assert [event.what for event in world.sync()] == ["failed", "created", "created"]
    assert world.sync()[0].what == "created"


def test_a_dry_run_writes_nothing_anywhere(world: World) -> None:
    before = (world.folder / f"postmortems/{RECORD}.md").read_bytes()
    assert [event.what for event in world.sync(is_dry=True)] == ["would-create"] * 3
    assert world.state.tickets == []
    assert (world.folder / f"postmortems/{RECORD}.md").read_bytes() == before
    assert not (world.folder / ".kb").exists()


def finish(world: World, place: int, *, is_dropped: bool = False) -> None:
    """Close a ticket on 20 May 2026, as the tracker's own people would."""
    ticket = world.state.tickets[place]
    if world.name == "github":
        ticket |= {
            "state": "closed",
            "state_reason": "not_planned" if is_dropped else "completed",
            "closed_at": "2026-05-20T09:00:00Z",
        }
    elif world.name == "linear":
        ticket["state"] = {"type": "canceled" if is_dropped else "completed"}
        ticket["canceledAt" if is_dropped else "completedAt"] = "2026-05-20T09:00:00.000Z"
    else:
        ticket["fields"] = {
            "status": {"statusCategory": {"key": "done"}},
            "resolution": {"name": "Won't Do" if is_dropped else "Done"},
            "resolutiondate": "2026-05-20T09:00:00.000+0200",
        }


def test_a_ticket_that_is_done_ticks_the_box_and_one_that_was_dropped_cancels_it(
    world: World,
) -> None:
    world.sync()
    finish(world, 0)
    finish(world, 1, is_dropped=True)
    assert [event.what for event in world.sync()] == ["closed", "cancelled", "unchanged"]
    found = {a.label: a for a in actions(open_library(world.folder), None, date(2026, 6, 30))}
    assert (found["A1"].state, found["A1"].closed) == ("closed", date(2026, 5, 20))
    assert (found["A2"].state, found["A2"].closed) == ("cancelled", date(2026, 5, 20))


def test_a_ticket_that_was_deleted_is_said(world: World) -> None:
    world.sync()
    world.state.tickets.pop()
    assert [event.what for event in world.sync()] == ["unchanged", "unchanged", "failed"]


def test_drafts_and_keys_of_other_trackers_are_left_alone(world: World) -> None:
    path = world.folder / f"postmortems/{RECORD}.md"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("A1: do thing 1 — ", "A1: do thing 1 — tracker: OTHER-7, "))
    draft = Story("2026-05-02-draft", datetime(2026, 5, 2, tzinfo=UTC), status="draft")
    draft.promises = [Promise("A1", "later")]
    (world.folder / draft.path).write_text(draft.markdown(), encoding="utf-8")
    events = world.sync()
    assert [event.what for event in events] == ["created", "created", "ignored"]
    assert all(event.is_settled for event in events)


def test_a_key_of_nobody_knows_where_is_said_and_not_taken_for_ours(world: World) -> None:
    path = world.folder / f"postmortems/{RECORD}.md"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("A1: do thing 1 — ", "A1: do thing 1 — tracker: #4421, "))
    found = [event for event in world.sync() if event.what == "ignored"]
    assert [(event.key, event.detail) for event in found] == [
        ("#4421", f"is no ticket of {PROJECTS[world.name]}")
    ]


@pytest.mark.parametrize("world", ["github"], indirect=True)  # GitHub alone answers so
def test_a_ticket_that_was_moved_or_removed_does_not_stop_the_others(world: World) -> None:
    world.sync()
    finish(world, 1)
    world.state.answers = {1: 301}
    assert [event.what for event in world.sync()] == ["failed", "closed", "unchanged"]
    world.state.answers = {1: 410}
    events = world.sync()
    assert [event.what for event in events] == ["failed", "unchanged"]
    assert events[0].detail == "the tracker has no such ticket"


def test_a_day_before_the_promise_fails_alone(world: World) -> None:
    world.sync()
    finish(world, 0)
    for ticket in world.state.tickets[:1]:
        for key in ("closed_at", "completedAt"):
            ticket[key] = "2020-01-01T00:00:00Z"
        if "fields" in ticket:
            ticket["fields"]["resolutiondate"] = "2020-01-01T00:00:00.000+0000"
    events = world.sync()
    assert [event.what for event in events] == ["failed", "unchanged", "unchanged"]
    assert "before 2026-05-01" in events[0].detail


def test_a_record_with_a_space_in_its_name_is_found_again(world: World) -> None:
    (world.folder / f"postmortems/{RECORD}.md").unlink()
    one = Story("2026-05-01-two words", datetime(2026, 5, 1, 8, tzinfo=UTC))
    one.promises = [Promise("A1", "do it")]
    (world.folder / one.path).write_text(one.markdown(), encoding="utf-8")
    world.state.faults = ["500 after"]
    world.sync()
    (world.folder / one.path).write_text(one.markdown(), encoding="utf-8")
    (world.folder / ".kb/sync/journal.jsonl").unlink()
    assert [event.what for event in world.sync()] == ["found"]
    assert len(world.state.tickets) == 1


def test_a_renamed_record_finds_the_tickets_of_its_earlier_name(
    run: Any,  # noqa: F811
    world: World,
) -> None:
    git = git_in(world.folder)
    git("init", "--quiet", "--initial-branch=main")
    git("add", "--all")
    git("commit", "--quiet", "-m", "published")
    arguments = ("--to", world.name, "--project", PROJECTS[world.name], "--api", world.address)
    run(world.folder, "actions", "sync", *arguments)
    git("checkout", "--quiet", ".")  # the keys are lost, and so is the journal
    shutil.rmtree(world.folder / ".kb")
    git("mv", f"postmortems/{RECORD}.md", "postmortems/2026-05-01-renamed.md")
    git("commit", "--quiet", "-m", "renamed")
    status, out, _ = run(world.folder, "actions", "sync", *arguments)
    assert (status, out.count("found ")) == (0, 3)
    assert len(world.state.tickets) == 3


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2026-05-20T00:30:00.000+0200", date(2026, 5, 19)),
        ("2026-05-19T23:30:00-08:00", date(2026, 5, 20)),
        ("2026-05-20T09:00:00Z", date(2026, 5, 20)),
        (None, None),
    ],
)
def test_days_are_those_of_utc(text: str | None, day: date | None) -> None:
    assert utc_day(text) == day


def test_a_line_that_cannot_take_a_key_gets_no_ticket(world: World) -> None:
    path = world.folder / f"postmortems/{RECORD}.md"
    path.write_text(path.read_text(encoding="utf-8").replace("A2:", "A1:"), encoding="utf-8")
    events = world.sync()
    assert [event.what for event in events] == ["failed", "failed", "created"]
    assert len(world.state.tickets) == 1


def test_an_unreachable_tracker_is_one_clear_sentence(world: World) -> None:
    world.address = "http://127.0.0.1:9"
    with pytest.raises(KbError, match="cannot be reached"):
        world.sync()


def test_two_runs_at_once_are_refused(world: World) -> None:
    with (
        Journal(world.folder / ".kb/sync/journal.jsonl"),
        pytest.raises(KbError, match="another sync"),
    ):
        world.sync()


def test_a_torn_last_line_of_the_journal_spoils_nothing(tmp_path: Path) -> None:
    path = tmp_path / "journal.jsonl"
    with Journal(path) as journal:
        journal.note(JournalEntry("a", "made", 1.0, "X-1"))
    path.write_bytes(path.read_bytes() + b'{"action": "b", "sta')
    with Journal(path) as journal:
        journal.note(JournalEntry("c", "begun", 2.0))
    with Journal(path) as journal:
        assert (journal.last("a"), journal.last("b")) == (
            JournalEntry("a", "made", 1.0, "X-1"),
            None,
        )
        assert journal.last("c") == JournalEntry("c", "begun", 2.0)


def _settled(world: World) -> list[SyncEvent]:
    """The events of the first run in which nothing is left open: a busy machine needs more."""
    for _ in range(5):
        time.sleep(SETTLE)
        events = list(world.sync())
        if all(event.is_settled for event in events):
            break
    return events


#: How many of the kills have to fall between a ticket's creation and its note.
@pytest.mark.parametrize("strikes", [2, pytest.param(20, marks=pytest.mark.slow)])
def test_killed_runs_leave_exactly_one_ticket_an_action(world: World, strikes: int) -> None:
    write(world.folder, 90)
    multiprocessing.get_context("forkserver").set_forkserver_preload(["httpx", "tracker_runs"])
    world.state.jitter_seconds, world.state.slow_seconds = 0.04, 0.25
    chance = random.Random(4)
    # The others go through the same code; GitHub is the one that never refuses a twin at once.
    least = strikes if world.name == "github" else min(strikes, 4)
    torn = kills = 0
    while torn < least:
        torn, kills = torn + _is_killed_within_a_creation(world, chance), kills + 1
        assert kills <= 10 * least + 30, "the kills do not strike where it hurts"
    events = _settled(world)
    assert all(event.is_settled for event in events)
    assert world.per_action() == {f"{RECORD}#A{n}": 1 for n in range(1, 91)}
    keys = [key for label, key in world.keys().items() if label != "A91"]
    assert all(keys)
    assert len(set(keys)) == 90


def _is_killed_within_a_creation(world: World, chance: random.Random) -> bool:
    """Start a run, kill it soon after it asked for a ticket, and say whether none was noted."""
    # Forked from a process without threads: this one has those of the server.
    context = multiprocessing.get_context("forkserver")
    begun, wanted = world.state.creations, chance.randrange(0, 3)
    child = context.Process(target=sync_once, args=(world.folder, world.name, world.address))
    child.start()
    wait_until(
        lambda: world.state.creations - begun >= wanted or not child.is_alive(),
        "the run asked for no ticket",
        every=0.001,
    )
    time.sleep(chance.uniform(0, 0.06))
    child.kill()
    child.join()
    journal = world.folder / ".kb/sync/journal.jsonl"
    lines = journal.read_text(encoding="utf-8").splitlines() if journal.exists() else []
    return bool(lines) and '"begun"' in lines[-1]


def test_the_command_says_what_it_did(
    run: Any,  # noqa: F811
    world: World,
) -> None:
    arguments = ("--to", world.name, "--project", PROJECTS[world.name], "--api", world.address)
    status, out, err = run(world.folder, "actions", "sync", *arguments)
    assert status == 0
    assert out.count("created") == 3
    assert TOKEN not in out + err


def test_a_missing_token_is_named(
    run: Any,  # noqa: F811
    world: World,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("GITHUB_TOKEN", "LINEAR_API_KEY", "JIRA_API_TOKEN"):
        monkeypatch.delenv(name)
    arguments = ("--to", world.name, "--project", PROJECTS[world.name], "--api", world.address)
    status, _, err = run(world.folder, "actions", "sync", *arguments)
    assert status == 2
    assert "is not set" in err
