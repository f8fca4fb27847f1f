"""What did a build leave behind? In words and as JSON."""

from __future__ import annotations

from dataclasses import dataclass

import msgspec

from kb.search.indexing.index import Index

#: Measured by tests/bench/search.py; .005 is what may be lost without a word.
_INT8 = (
    "Warning: search.precision is int8. On six public corpora it lost up to .033 of nDCG@10 (.004 "
    "on average), and it cannot tell incidents from other texts in the same words, as fp32 does."
)


@dataclass(frozen=True)
class BuiltFacts:
    """What a build left behind."""

    records: int
    passages: int
    refreshed: int
    encoder: str
    calibration: str
    seconds: float
    mended: str = ""
    precision: str = "fp32"

    def words(self) -> str:
        """One line for a terminal."""
        done = f"{self.refreshed} files read" if self.refreshed else "nothing had changed"
        if self.mended:
            done = f"{self.mended}, it was made again; {self.refreshed} files read"
        size = f"{self.records} records, {self.passages} passages"
        warning = f"\n{_INT8}" if self.precision == "int8" else ""
        return f"{size}; {done}; {self.seconds:.1f} s. Probabilities: {self.calibration}.{warning}"

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
        mended=index.mended,
        precision=manifest.precision,
    )
