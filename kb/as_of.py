"""The moment an answer speaks of: now, a day, or a commit."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime


@dataclass(frozen=True, slots=True)
class AsOf:
    """The moment a page speaks of: `at` is its "now", `commit` the one it belongs to, or empty.

    `is_past` says that the records were read from the commit instead of the working tree.
    """

    at: datetime
    commit: str = ""
    is_past: bool = False

    @property
    def day(self) -> date:
        """The UTC day."""
        return self.at.astimezone(UTC).date()
