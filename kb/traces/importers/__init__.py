"""Which trace formats are read? One row an importer; a row is all that another one takes.

An importer says whether it recognises the first values of a file, and reads the file into tapes:
one `RunBuilder` a run, as the source has it. `kb.traces.reading` makes runs of them: it redacts, judges
effects, numbers steps and says what is missing, the same for every format.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kb.traces.decoding.source import Source
    from kb.traces.normalize.run_builder import RunBuilder


@dataclass(frozen=True)
class Importer:
    """One format: its name, what it is in words, how it is told and how it is read.

    `recognise` gives what it saw that only this format has ("rows with uuid and parentUuid"),
    empty when it is another format. `read` yields a tape a run, in the order of the file.
    """

    name: str
    title: str
    recognise: Callable[[Source], str]
    read: Callable[[Source], Iterator[RunBuilder]]


def importers() -> tuple[Importer, ...]:
    """All formats, in the order they are listed to people."""
    from kb.traces.importers import (
        claude_code,
        codex,
        langfuse,
        langsmith,
        messages,
        openai_agents,
        otlp,
    )

    return (
        otlp.IMPORTER,
        messages.IMPORTER,
        openai_agents.IMPORTER,
        claude_code.IMPORTER,
        codex.IMPORTER,
        langfuse.IMPORTER,
        langsmith.IMPORTER,
    )
