"""What may belong into a timeline? Dated lines from elsewhere, marked as candidates.

`kb.traces.drafting.channel` reads them from a chat, `kb.traces.drafting.git_changes` from Git.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True)
class Candidate:
    """One dated line: when, what, and where it comes from (`the channel`, `Git, 4f2a91c`)."""

    at: datetime
    text: str
    source: str
