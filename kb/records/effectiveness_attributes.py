"""What an action says of its effect: how long it is watched, that its route ran, who verified it.

- [x] A1: … — closed: 2026-04-16, watch: 30d, ran: 2026-04-17, verified: 2026-06-01 by @lead
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

from kb.lazy_regex import regex
from kb.records.action_and_prior_items import ActionItem, read_date

#: How a watch is written; other spellings of the same are read.
WATCH = regex(r"[1-9]\d{0,3}d")
_WATCH = regex(r"(\d{1,4})[ \t]?(d|w)(?:ays?|eeks?)?", re.IGNORECASE)
_VERIFIED = regex(r"(\S{1,40})[ \t]{1,8}by[ \t]{1,8}(\S.{0,200})")
_DAYS_A_WEEK = 7


@dataclass(frozen=True, slots=True)
class Verification:
    """Somebody looked, and saw that an action did what it was made for."""

    day: date
    by: str


def watch_days(item: ActionItem) -> int | None:
    """For how many days after it was closed an action is watched; None where nobody does."""
    found = _WATCH.fullmatch(item.attribute("watch").strip())
    if not found or not int(found[1]):
        return None
    return int(found[1]) * (_DAYS_A_WEEK if found[2].lower() == "w" else 1)


def verification(item: ActionItem) -> Verification | None:
    """Who verified an action, and when; None where that is not said whole."""
    found = _VERIFIED.fullmatch(item.attribute("verified").strip())
    day = read_date(found[1]) if found else None
    return Verification(day, found[2].strip()) if found and day else None
