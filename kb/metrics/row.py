"""What is said of a measure? A row of the registry: its words, and what computes it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from kb.metrics.inputs import Facts
from kb.metrics.values import Goal, Measure, Value


@dataclass(frozen=True, slots=True)
class Row:
    """One measure. `source` says where in records and commits its data stand."""

    name: str
    family: str
    title: str
    unit: str
    definition: str
    formula: str
    source: str
    compute: Callable[[Facts], Value]
    goal: Goal | None = None

    def measure(self, facts: Facts) -> Measure:
        """The measure of these facts."""
        value = self.compute(facts)
        fields = {key: getattr(value, key) for key in Value.__slots__}
        return Measure(
            **fields,
            name=self.name,
            family=self.family,
            title=self.title,
            unit=self.unit,
            definition=self.definition,
            formula=self.formula,
            source=self.source,
            goal=self.goal,
        )
