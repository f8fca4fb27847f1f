"""A day or a clock that cannot be is unknown, and the report says what stands there."""

from __future__ import annotations

from pathlib import Path

import pytest

from test_adopt import adopt, team  # noqa: F401 - a fixture


def said_of(team: Path, text: str) -> str:  # noqa: F811
    """What is reported of a postmortem with such a head."""
    (team / "old" / "odd.md").write_text(f"# A pump stood still\n\n{text}\n")
    return adopt("old/odd.md")


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("Incident date: 2999-01-01", "line 3 says 2999-01-01, which is still to come"),
        ("Incident date: 2022-02-30", "line 3 says 2022-02-30, which is no day of the calendar"),
        ("Date: 31 April 2022", "line 3 says 31 April 2022, which is no day of the calendar"),
        ("Incident date: 31/02/2022", "line 3 says 31/02/2022, which is no day of the calendar"),
        ("Date: 9/2/2021", "line 3 says 9/2/2021, which can be read in more than one way"),
        ("Date: December 2025", "line 3 says December 2025, which names no day"),
    ],
)
def test_a_day_that_cannot_be_is_refused_with_what_stands_there(
    team: Path,  # noqa: F811
    line: str,
    why: str,
) -> None:
    assert f"no date: {why}; add 'Incident date: YYYY-MM-DD'" in said_of(team, line)


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        (
            "Detected: 2999-01-01 10:00 UTC",
            "detected: unknown (line 4 says 2999-01-01T10:00:00Z, which is still to come)",
        ),
        (
            "Detected: 2022-02-30 10:00 UTC",
            "detected: unknown (line 4 says 2022-02-30, which is no day of the calendar)",
        ),
        (
            "Started: 2022-09-06 23:50 UTC\nResolved: 2022-09-06 22:00 UTC",
            "resolved: unknown (line 5 says 2022-09-06T22:00:00Z, "
            "before first_impact, 2022-09-06T23:50:00Z (line 4))",
        ),
        # The day that is written over midnight is that day.
        (
            "Started: 2022-09-06 23:50 UTC\nResolved: 2022-09-07 02:00 UTC",
            "resolved: 2022-09-07T02:00:00Z (line 5)",
        ),
        # A warning may show after the effect.
        (
            "First impact: 2022-09-06 20:50 UTC\nFirst warning: 2022-09-06 21:00 UTC",
            "first_impact: 2022-09-06T20:50:00Z (line 4)",
        ),
    ],
)
def test_a_clock_that_cannot_be_is_unknown_and_the_others_stand(
    team: Path,  # noqa: F811
    lines: str,
    told: str,
) -> None:
    assert told in said_of(team, f"Incident date: 2022-09-06\n{lines}")
