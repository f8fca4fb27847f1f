"""The trace formats that are read, one row each."""

from __future__ import annotations

from kb.traces.importers import (
    claude_code,
    codex,
    copilot_cli,
    gemini_cli,
    langfuse,
    langsmith,
    messages,
    openai_agents,
    otlp,
    vscode_chat,
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
        copilot_cli.IMPORTER,
        vscode_chat.IMPORTER,
        gemini_cli.IMPORTER,
        langfuse.IMPORTER,
        langsmith.IMPORTER,
    )
