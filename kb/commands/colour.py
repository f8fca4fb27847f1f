"""Does this terminal want colour? As no-color.org has it."""

from __future__ import annotations

import os
import sys


def wants_colour() -> bool:
    """Colour on a terminal that shows it, unless NO_COLOR asks for none (no-color.org)."""
    refused = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return sys.stdout.isatty() and not refused
