"""How are lengths of time, money and counts said? In words, for people."""

from __future__ import annotations

#: From so many days on, hours say nothing; from so many dollars on, cents.
_DAYS_ALONE, _CENTS_BELOW = 100, 10


def duration(minutes: float) -> str:
    """A length of time in words with at most two units: `41 min`, `3 h 20 min`, `5 days 4 h`."""
    total = round(abs(minutes))
    days, rest = divmod(total, 24 * 60)
    hours, mins = divmod(rest, 60)
    sign = "−" if minutes < 0 and total else ""
    if days >= _DAYS_ALONE:
        return f"{sign}{days:,} days"
    if days:
        tail = f" {hours} h" if hours else ""
        return f"{sign}{days} day{'s' if days > 1 else ''}{tail}"
    if hours:
        return f"{sign}{hours} h" + (f" {mins} min" if mins else "")
    return f"{sign}{mins} min"


def money(amount: float) -> str:
    """US dollars: `$4,200`."""
    return (
        f"${amount:,.0f}" if amount >= _CENTS_BELOW or amount == int(amount) else f"${amount:,.2f}"
    )


def in_words(word: str) -> str:
    """A vocabulary word as prose: `duplicate-side-effect` → `Duplicate side effect`."""
    return word.replace("-", " ").replace("_", " ").capitalize()
