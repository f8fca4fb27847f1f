#!/usr/bin/env python3
"""A library of twelve incidents of which every number can be counted by hand.

`python tests/twelve_records.py FOLDER` writes it with its history, as it stood on 30 June 2026; the
last all-hands was on 29 May. Each record was merged into `main` on its day of publication.
"""

from __future__ import annotations

import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from conftest import git_in
from known_library import Promise, Step, Story, iso, noon, write_history

TODAY = date(2026, 6, 30)
NOW = datetime(2026, 6, 30, 18, tzinfo=UTC)
LAST_ALL_HANDS = date(2026, 5, 29)


def action(label: str, text: str, owner: str, *days: str, lever: str = "code") -> Promise:
    """An action opened and due on these days of 2026, and closed on the third; month-day."""
    opened, due, *closed = (date.fromisoformat(d if len(d) > 5 else f"2026-{d}") for d in days)
    promise = Promise(label, text, owner, due, lever, written_opened=opened)
    if closed:
        promise.state, promise.written_closed = "closed", closed[0]
    return promise


def incident(
    name: str,
    title: str,
    published: str,
    *promises: Promise,
    chain: int,
    found_by: str,
    lesson: str = "",
    **fields: object,
) -> Story:
    """A record that began at noon of the day its name begins with."""
    began = noon(date.fromisoformat(name[:10]))
    story = Story(name, began, title=title, lesson=lesson, found_by=found_by, chain_minutes=chain)
    story.clocks = {"contained": began + timedelta(days=1)}
    story.published, story.promises = date.fromisoformat(published), list(promises)
    story.extra = review(began, 24)
    for key, value in fields.items():
        setattr(story, key, value)
    return story


def review(began: datetime, hours: int) -> tuple[str, ...]:
    opened = began + timedelta(days=3)
    done = opened + timedelta(hours=hours)
    return (f"opened: {iso(opened)}", f"reviewed: {{by: sre, at: {iso(done)}}}")


FIRST = "2025-11-04-refund-paid-twice"
CITED = "2025-12-02-support-agent-invented-a-rule"


def twelve() -> list[Story]:
    """The records, oldest first."""
    return [
        incident(
            FIRST,
            "Refund agent paid 14 customers twice after a timeout",
            "2025-11-12",
            action(
                "A1",
                "send the order as idempotency key",
                "payments",
                "2025-11-06",
                "2025-11-28",
                "2025-11-20",
            ),
            action(
                "A2",
                "compare refunds with the ledger every hour and page on a difference",
                "payments",
                "2025-11-06",
                "2025-12-15",
                lever="alert",
            ),
            chain=240,
            found_by="customer",
            lesson="A timeout is not a failure: it is an answer we did not wait for.",
            severity="SEV2",
            is_first=True,
        ),
        incident(
            CITED,
            "Support agent quoted a cancellation rule that stands in no policy",
            "2025-12-10",
            action(
                "A1",
                "answer questions of policy only with a quoted paragraph",
                "support",
                "2025-12-04",
                "2026-01-15",
                "2026-02-04",
            ),
            chain=600,
            found_by="customer",
            failure_class="context-gap",
            is_first=True,
        ),
        incident(
            "2026-01-09-ticket-text-became-an-order",
            "A ticket told the triage agent to mail the customer list, and it did",
            "2026-01-16",
            action(
                "A1",
                "give the triage agent no tool that mails outside",
                "platform",
                "01-10",
                "01-31",
                "01-28",
                lever="permission",
            ),
            chain=90,
            found_by="public",
            failure_class="prompt-injection",
            severity="SEV1",
            is_first=True,
        ),
        incident(
            "2026-01-27-nightly-loop",
            "Nightly summary agent called itself 4,100 times",
            "2026-02-03",
            action(
                "A1", "stop a run at 40 calls of one tool", "platform", "01-28", "02-28", "02-20"
            ),
            chain=480,
            found_by="billing",
            failure_class="runaway-loop",
            verdicts=[("related", FIRST)],
        ),
        incident(
            "2026-02-17-renewal-mail-twice",
            "Renewal agent mailed 2,300 customers twice after a retry",
            "2026-02-25",
            action(
                "A1",
                "send mail through the outbox, keyed by renewal",
                "growth",
                "02-18",
                "03-15",
                "03-10",
            ),
            chain=120,
            found_by="customer",
            verdicts=[("repeat", FIRST)],
        ),
        incident(
            "2026-03-05-deletion-stopped",
            "An engineer stopped the agent before it deleted the staging bucket",
            "2026-03-12",
            action("A1", "ask a person before any deletion", "platform", "03-06", "04-05", "03-30"),
            chain=5,
            found_by="operator",
            kind="near-miss",
            impact="near-miss",
        ),
        incident(
            "2026-03-24-wrong-currency",
            "Quotes agent priced 31 offers in the wrong currency",
            "2026-04-01",
            action(
                "A1",
                "check currency against the account before an offer leaves",
                "sales",
                "03-25",
                "05-30",
            ),
            chain=60,
            found_by="operator",
            severity="SEV2",
        ),
        incident(
            "2026-04-14-stale-stock",
            "Stock agent reordered what was already on its way",
            "2026-04-22",
            action("A1", "read open orders before a new one", "supply", "04-15", "05-15", "05-10"),
            chain=45,
            found_by="alert",
            verdicts=[("different", CITED)],
        ),
        incident(
            "2026-05-06-calendar-flood",
            "Scheduling agent booked the same room 60 times",
            "2026-05-13",
            action(
                "A1", "cap bookings per hour and person", "workplace", "05-07", "06-10", "06-04"
            ),
            chain=30,
            found_by="alert",
            severity="SEV4",
        ),
        incident(
            "2026-05-21-refund-paid-twice-again",
            "Refund agent paid 6 customers twice when the ledger was slow",
            "2026-06-03",
            action(
                "A1",
                "wait for the ledger before a second attempt",
                "payments",
                "05-22",
                "06-10",
                "06-12",
            ),
            action(
                "A2",
                "replay the night of 21 May before each release",
                "payments",
                "05-22",
                "07-10",
                lever="test",
            ),
            chain=20,
            found_by="alert",
            lesson="The fix we promised in November would have paged us in the first minute.",
            severity="SEV1",
            verdicts=[("repeat", FIRST)],
            extra=review(noon(date(2026, 5, 21)), 72),
        ),
        incident(
            "2026-06-02-schema-changed-under-the-agent",
            "A renamed field made the onboarding agent skip identity checks",
            "2026-06-10",
            action(
                "A1",
                "fail a run when a tool answers in an unknown shape",
                "identity",
                "06-03",
                "07-15",
            ),
            chain=15,
            found_by="alert",
            lesson="An agent reads a missing field as permission; only a schema says no.",
            severity="SEV2",
            verdicts=[("related", "2026-04-14-stale-stock")],
        ),
        incident(
            "2026-06-16-summary-named-a-customer",
            "Weekly summary named a customer in a public channel",
            "2026-06-24",
            action("A1", "let no summary leave without the redactor", "support", "06-17", "07-20"),
            chain=10,
            found_by="operator",
            extra=(),
        ),
    ]


def write(folder: Path) -> Path:
    """The library with its history and the tag of the last all-hands."""
    (folder / "kb.toml").write_text('[library]\nname = "Acme agents"\n', encoding="utf-8")
    settings = Step(noon(date(2025, 11, 1)), {"kb.toml": '[library]\nname = "Acme agents"\n'})
    stories = [
        Step(noon(story.published), {story.path: story.markdown()}, branch=True)
        for story in twelve()
        if story.published
    ]
    write_history(folder, [settings, *stories])
    git = git_in(folder)
    held = git("rev-list", "--first-parent", "--max-count=1", f"--before={LAST_ALL_HANDS}", "HEAD")
    at = f"{LAST_ALL_HANDS}T15:00:00Z"
    git("tag", "--annotate", "--message", "held", "all-hands/2026-05", held, at=at)
    return folder


if __name__ == "__main__":
    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    write(target)
