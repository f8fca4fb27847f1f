"""Values of front matter that have parts: clocks, agent, reviews, copies, sign-offs, and more."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache

CLOCK_NAMES = (
    "route_start",
    "first_warning",
    "first_impact",
    "detected",
    "acknowledged",
    "contained",
    "resolved",
    "restarted",
)
#: Clocks that may run either way: a warning may only show after the first effect, and a person may
#: acknowledge what was contained already.
EITHER_WAY = frozenset({("first_warning", "first_impact"), ("acknowledged", "contained")})


@dataclass(frozen=True, slots=True)
class Clocks:
    """When things happened, aware UTC; None where unknown or not given."""

    route_start: datetime | None = None
    first_warning: datetime | None = None
    first_impact: datetime | None = None
    detected: datetime | None = None
    acknowledged: datetime | None = None
    contained: datetime | None = None
    resolved: datetime | None = None
    restarted: datetime | None = None

    def known(self) -> tuple[tuple[str, datetime], ...]:
        """The clocks that are known, in the order they are expected to run."""
        pairs = ((name, getattr(self, name)) for name in CLOCK_NAMES)
        return tuple((name, at) for name, at in pairs if at is not None)

    @property
    def detection_chain_minutes(self) -> float | None:
        """Minutes from first impact to detection."""
        return minutes_between(self.first_impact, self.detected)

    @property
    def warning_to_detection_minutes(self) -> float | None:
        """Minutes from first warning to detection: the chain of a near miss."""
        return minutes_between(self.first_warning, self.detected)

    @property
    def warning_to_containment_minutes(self) -> float | None:
        """Minutes from first warning to containment."""
        return minutes_between(self.first_warning, self.contained)


@dataclass(frozen=True, slots=True)
class AgentFacts:
    """Which agent it was; empty strings where not given."""

    name: str = ""
    version: str = ""
    framework: str = ""
    autonomy: str = ""


@dataclass(frozen=True, slots=True)
class Review:
    """Who reviewed, and when."""

    by: str
    at: datetime | None


@dataclass(frozen=True, slots=True)
class SharedCopy:
    """A copy given to a customer it affected."""

    customer: str
    at: datetime | None


@dataclass(frozen=True, slots=True)
class SignOff:
    """A restart condition accepted: by whom, when, at which commit, for which actions."""

    owner: str
    at: datetime | None
    commit: str
    actions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Occurrence:
    """Another time the cause of a record did harm; texts are empty where nothing is said.

    `trace` is what the trace is called at its source, `run` the digest of what was said and called
    in it. `customers` is None where nobody counted.
    """

    at: datetime | None
    route: str = ""
    trace: str = ""
    run: str = ""
    customers: int | None = None
    note: str = ""


def minutes_between(start: datetime | None, end: datetime | None) -> float | None:
    """Minutes from one time to the other, None when either is unknown."""
    return None if start is None or end is None else (end - start) / timedelta(minutes=1)


@lru_cache(maxsize=1024)  # a dozen rules ask for the same clocks
def read_time(text: str) -> datetime | None:
    """An ISO 8601 time with offset as aware UTC; None for anything else, `unknown` included."""
    try:
        at = datetime.fromisoformat(text.strip())
        return at.astimezone(UTC) if at.tzinfo else None
    except (ValueError, OverflowError):
        return None
