"""Which day did somebody type? An ISO date, or a clear error."""

from __future__ import annotations

from datetime import date

from kb.errors import KbError


def read_day(text: str | None) -> date | None:
    """The day a person names, None for none. Raises `KbError` for what is no date."""
    try:
        return date.fromisoformat(text) if text else None
    except ValueError as error:
        raise KbError(f"'{text}' is no date", todo="Write it as YYYY-MM-DD.") from error
