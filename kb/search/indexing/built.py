"""What did a build leave behind? In words and as JSON."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from kb.search.indexing.index import Index


@dataclass(frozen=True)
class BuiltFacts:
    """What a build left behind."""

    records: int
    passages: int
    refreshed: int
    encoder: str
    calibration: str
    seconds: float

    def words(self) -> str:
        """One line for a terminal."""
        done = f"{self.refreshed} files read" if self.refreshed else "nothing had changed"
        size = f"{self.records} records, {self.passages} passages"
        return f"{size}; {done}; {self.seconds:.1f} s. Probabilities: {self.calibration}."

    def json(self) -> str:
        """The same as one JSON object."""
        return msgspec.json.encode({"schema": "kb.build/1"} | msgspec.to_builtins(self)).decode()


def built_facts(index: Index, seconds: float) -> BuiltFacts:
    """What to say about an index after building it."""
    manifest = index.generation.manifest
    return BuiltFacts(
        records=manifest.n_records,
        passages=manifest.n_passages,
        refreshed=index.refreshed,
        encoder=manifest.model,
        calibration=manifest.calibration.source,
        seconds=round(seconds, 3),
    )
