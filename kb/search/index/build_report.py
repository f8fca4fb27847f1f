"""What `kb build` says of the index it leaves behind, as one line and as JSON."""

from __future__ import annotations

import time
from dataclasses import dataclass

import msgspec

from kb.library import Library
from kb.search.encoder.find_model_files import NoEncoderError
from kb.search.index.index import Index
from kb.search.index.storage import scan

#: Measured by tests/bench/search.py; .005 is what may be lost without a word.
_INT8 = (
    "Warning: search.precision is int8. On six public corpora it lost up to .033 of nDCG@10 (.004 "
    "on average), and it cannot tell incidents from other texts in the same words, as fp32 does."
)


@dataclass(frozen=True)
class BuiltFacts:
    """What a build left behind, named as in its JSON."""

    records: int
    passages: int
    refreshed: int
    encoder: str | None
    calibration: str
    seconds: float
    mended: str = ""
    precision: str = "fp32"
    words_only: str = ""

    def words(self) -> str:
        """One line for a terminal."""
        if self.words_only:
            return f"{self.records} records; no index was built. {self.words_only}"
        done = f"{self.refreshed} files read" if self.refreshed else "nothing had changed"
        if self.mended:
            done = f"{self.mended}, it was made again; {self.refreshed} files read"
        size = f"{self.records} records, {self.passages} passages"
        warning = f"\n{_INT8}" if self.precision == "int8" else ""
        return f"{size}; {done}; {self.seconds:.1f} s. Probabilities: {self.calibration}.{warning}"

    def json(self) -> str:
        """The facts as one JSON object (`kb.build/1`)."""
        mode = "words" if self.words_only else "vectors"
        facts = {"schema": "kb.build/1", "mode": mode} | msgspec.to_builtins(self)
        return msgspec.json.encode(facts).decode()


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


def without_encoder(library: Library, fault: NoEncoderError) -> BuiltFacts:
    """What to say where no encoder is here: there is nothing to build, and words are searched."""
    return BuiltFacts(
        records=len(scan(library, {}, time.time_ns())),
        passages=0,
        refreshed=0,
        encoder=None,
        calibration="",
        seconds=0.0,
        words_only=f"Until there is one, search goes by words: no encoder is here "
        f"({fault.reason}). {fault.way}",
    )
