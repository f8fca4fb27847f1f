"""The trace formats that are read, one row each."""

from __future__ import annotations

from kb.traces.importers import (
    atif,
    claude_code,
    cline,
    codex,
    copilot_cli,
    crewai,
    cursor,
    gemini_cli,
    gemini_stream,
    goose,
    inspect_eval,
    langfuse,
    langsmith,
    message_list,
    mini_swe_agent,
    mlflow,
    model_stream,
    openai_agents,
    opencode,
    openhands,
    otlp,
    pi,
    pydantic_ai,
    smolagents,
    swe_agent,
    tau2_bench,
    vscode_chat,
    whowhen,
)
from kb.traces.importers.importer import Importer


def importers() -> tuple[Importer, ...]:
    """All formats, in the order they are listed to people and asked whether a file is theirs."""
    return (
        otlp.IMPORTER,
        message_list.IMPORTER,
        openai_agents.IMPORTER,
        claude_code.IMPORTER,
        codex.IMPORTER,
        copilot_cli.IMPORTER,
        vscode_chat.IMPORTER,
        cursor.IMPORTER,
        gemini_cli.IMPORTER,
        gemini_stream.IMPORTER,
        cline.IMPORTER,
        opencode.IMPORTER,
        openhands.IMPORTER,
        goose.IMPORTER,
        pi.IMPORTER,
        inspect_eval.IMPORTER,
        atif.IMPORTER,
        crewai.IMPORTER,
        smolagents.IMPORTER,
        swe_agent.IMPORTER,
        mini_swe_agent.IMPORTER,
        tau2_bench.IMPORTER,
        pydantic_ai.IMPORTER,
        model_stream.IMPORTER,
        whowhen.IMPORTER,
        mlflow.IMPORTER,
        langfuse.IMPORTER,
        langsmith.IMPORTER,
    )
