"""Which measures are there? One row each: what it means, how it is computed, and from what.

Adding a row to `rows_incidents` or `rows_promises` is all it takes for a measure to appear in text,
JSON, CSV, Markdown and the site.
"""

from __future__ import annotations

from kb.metrics import rows_incidents, rows_promises
from kb.metrics.inputs import Facts
from kb.metrics.row import Row
from kb.metrics.values import Measure

#: Family key to what it is called, in the order a page shows them.
FAMILIES: dict[str, str] = {
    "repetition": "Repetition",
    "detection": "Detection",
    "promises": "Promises",
    "evidence": "Evidence in the records",
    "early": "Early signs and reading",
}

MEASURES: tuple[Row, ...] = (*rows_incidents.ROWS, *rows_promises.ROWS)


def measure_all(facts: Facts) -> tuple[Measure, ...]:
    """Every measure of these facts, in the order of the registry."""
    return tuple(row.measure(facts) for row in MEASURES)
