"""The trace formats that are read, one row each."""

from __future__ import annotations

from kb.traces.importers import (
    claude_code,
    codex,
    langfuse,
    langsmith,
    messages,
    openai_agents,
    otlp,
)
from kb.traces.importers.importer import Importer


def importers() -> tuple[Importer, ...]:
    """All formats, in the order they are listed to people and asked whether a file is theirs."""
    return (
        otlp.IMPORTER,
        messages.IMPORTER,
        openai_agents.IMPORTER,
        claude_code.IMPORTER,
        codex.IMPORTER,
        langfuse.IMPORTER,
        langsmith.IMPORTER,
    )
