"""What the analyses find in a hundred real runs, against what a reader finds by hand."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from kb.traces.analyses.idempotency import repeats
from kb.traces.analyses.outcome_gap import unverified
from kb.traces.read_runs import ReadingSettings, read_runs
from kb.traces.run import Effect, Run

READS = ("get_*", "search_*", "list_*", "calculate", "think")
WRITES = ("book_*", "cancel_*", "update_*", "send_*", "transfer_*")
EFFECTS = dict.fromkeys(READS, Effect.READ) | dict.fromkeys(WRITES, Effect.WRITE)

#: Read off the messages by hand: every write made more than once with equal arguments in a run,
#: as task-trial, tool, how often it was made, and how often it succeeded.
BY_HAND = [
    ("8-1", "book_reservation", 3, 0),  # two refusals of the price; the third is not answered
    ("0-3", "book_reservation", 2, 0),  # a certificate that does not exist, twice
    ("0-3", "book_reservation", 2, 2),  # booked twice: HATHAU and HATHAV
    ("46-3", "book_reservation", 2, 0),  # two refusals of the price
]


@cache
def airline(file: Path) -> tuple[Run, ...]:
    return tuple(read_runs(file, ReadingSettings(effects=EFFECTS)))


def test_the_audit_finds_exactly_the_repeated_writes_a_reader_finds(data: Path) -> None:
    runs = airline(data / "runs" / "tau-airline-gpt-4o-even-tasks.json")
    found = [(run.id, r.tool, len(r.calls), r.ran) for run in runs for r in repeats(run)]
    assert found == BY_HAND


def test_one_booking_was_really_made_twice(data: Path) -> None:
    runs = airline(data / "runs" / "tau-airline-gpt-4o-even-tasks.json")
    twice = [(run.id, r.tool) for run in runs for r in repeats(run) if r.ran > 1]
    assert twice == [("0-3", "book_reservation")]


def test_unverified_claims_are_told_beside_the_base_rate_of_failure(data: Path) -> None:
    runs = airline(data / "runs" / "tau-airline-gpt-4o-even-tasks.json")
    gaps = [run for run in runs if (gap := unverified(run)) and gap.claim]
    failed = [run for run in gaps if run.source["reward"] == 0]
    base = [run for run in runs if run.source["reward"] == 0]
    assert (len(gaps), len(failed), len(base)) == (43, 31, 51)
