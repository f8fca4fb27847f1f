"""What one trace format is: a name, how it is told from others, how it is read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from kb.traces.decoding.trace_source import Source
from kb.traces.normalize.run_builder import RunBuilder


@dataclass(frozen=True)
class Importer:
    """One format: its name, what it is in words, how it is told and how it is read.

    `recognise` gives what it saw that only this format has ("rows with uuid and parentUuid"),
    empty when it is another format. `read` yields a builder a run, in the order of the file.
    `occurs_in_others` tells a shape that other formats hold too: it is asked for after theirs.
    """

    name: str
    title: str
    recognise: Callable[[Source], str]
    read: Callable[[Source], Iterator[RunBuilder]]
    occurs_in_others: bool = False
