"""`kb fmt` gives timelines, actions and evidence of other forms the one of the form."""

from __future__ import annotations

import pytest

from test_fmt import fmt, record


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("- May 1, 2026, 2:02 pm UTC: paid twice", "- 2026-05-01 14:02 UTC — paid twice"),
        ("2026-05-01 14:02 UTC paid twice", "- 2026-05-01 14:02 UTC — paid twice"),
        ("1. 1 May 2026 16:02 CEST - paid twice", "- 2026-05-01 14:02 UTC — paid twice"),
        (
            "First warning: 2026-05-01 14:02 UTC",
            "- 2026-05-01 14:02 UTC — First warning [warning]",
        ),
        (
            "| Time (UTC) | Event |\n|---|---|\n| 2026-05-01 14:02 | a |\n| 2026-05-01 14:09 | b |",
            "- 2026-05-01 14:02 UTC — a\n- 2026-05-01 14:09 UTC — b",
        ),
        ("- 14:02 UTC — no day",) * 2,
        ("- 1 May 2026 14:02 — no zone",) * 2,
        ("- 1 May 2026 14:02 CET — of another season",) * 2,
        ("- 9/2/2026 14:02 UTC — two days",) * 2,
        ("| Time | Event |\n|---|---|\n| 14:02 | a |",) * 2,
    ],
)
def test_a_timeline_becomes_dated_items(before: str, after: str) -> None:
    text = record(f"## Timeline\n\n{before}\n")
    once = fmt(text)
    assert once == text.replace(before, after)
    assert fmt(once) == once


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (
            "- cap refunds — payments, 12 May 2026, code",
            "- [ ] A1: cap refunds — owner: payments, due: 2026-05-12, lever: code",
        ),
        (
            "1. cap refunds (owner: payments, due: May 12th, 2026)",
            "- [ ] A1: cap refunds — owner: payments, due: 2026-05-12",
        ),
        (
            "- cap refunds - @ann - 2026-05-12",
            "- [ ] A1: cap refunds — owner: @ann, due: 2026-05-12",
        ),
        (
            "| Action | Owner | Due | Status | Priority |\n|---|---|---|---|---|\n"
            "| cap refunds | payments | 12 May 2026 | Done | P1 |\n| tell | support | TBD | | |",
            "- [x] A1: cap refunds (Priority: P1) — owner: payments, due: 2026-05-12\n"
            "- [ ] A2: tell — owner: support, due: TBD",
        ),
        ("- cap refunds",) * 2,
        ("- cap refunds — which nobody did, and so on",) * 2,
        ("| Tool | Calls |\n|---|---|\n| refund | 3 |",) * 2,
    ],
)
def test_actions_become_tasks_where_each_part_is_told_apart(before: str, after: str) -> None:
    text = record(f"## Action items\n\n{before}\n")
    once = fmt(text)
    assert once == text.replace(before, after)
    assert fmt(once) == once
