"""Whom is a site for? The editions by name, and what the reader is told about it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Edition:
    """One edition; `customer` narrows the external one to the records that affect one customer.

    None is no customer in particular; an empty name is that of nobody.
    """

    name: str
    customer: str | None = None

    @property
    def is_internal(self) -> bool:
        """Whether everything may be shown."""
        return self.name == "internal"

    @property
    def banner(self) -> str:
        """What stands on top of every page; empty for the internal edition."""
        if self.is_internal:
            return ""
        return "Redacted edition: internal details have been left out."


INTERNAL = Edition("internal")
EXTERNAL = Edition("external")
