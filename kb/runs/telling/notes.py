"""What did reading a trace change or leave out? Notes with their places, said once each."""

from __future__ import annotations

_PLACES_NAMED = 3


class Notes:
    """A list that grows while a file is read; equal notes become one with its places."""

    def __init__(self) -> None:
        self._places: dict[str, list[str]] = {}
        self._counts: dict[str, int] = {}

    def add(self, what: str, place: str = "") -> None:
        """Note something; `place` is where, such as `line 7`."""
        self._counts[what] = self._counts.get(what, 0) + 1
        places = self._places.setdefault(what, [])
        if place and place not in places and len(places) < _PLACES_NAMED:
            places.append(place)

    def lines(self) -> tuple[str, ...]:
        """One line a note, in the order they were first made."""
        return tuple(self._line(what) for what in self._places)

    def _line(self, what: str) -> str:
        places, count = self._places[what], self._counts[what]
        if not places:
            return what if count == 1 else f"{what} ({count} times)"
        more = f" and {count - len(places)} more" if count > len(places) else ""
        return f"{what}: {', '.join(places)}{more}"
