"""Commits before the incident that touched what an agent is made of.

Prompts, tool schemas, models and permissions are told by the names of files and by the lines that
changed. A commit is a candidate, not a cause.
"""

from __future__ import annotations

import re
from datetime import datetime
from typing import NamedTuple

from kb.humanize import plural
from kb.repo.commits import CommitChanges
from kb.traces.drafting.timeline_from_export import TimelineCandidate

_BY_PATH = {
    "prompt": r"prompt|instruction|system[_-]?message|AGENTS\.md|CLAUDE\.md|\.cursorrules|persona",
    "tool schema": r"tools?(?:[_-]|/|\.|$)|schema|openapi|function[_-]?call|mcp",
    "model": r"model[_-]?(?:config|settings|name)|(?:^|/)models?\.(?:ya?ml|toml|json)$|llm",
    "permission": r"permission|polic(?:y|ies)|rbac|iam|allow[_-]?list|guardrail|scopes?\b|approval",
}
_BY_LINE = {
    "prompt": r"(?:system|developer)[_ -]?(?:prompt|message|instruction)|you are an? ",
    "tool schema": r"(?:read_only|destructive|idempotent)_?hint|input_?schema|tool_?choice"
    r"|[\"']?parameters[\"']?\s*:|@tool\b|function_tool",
    "model": r"\b(?:gpt-[45o]|o[134]-|claude-|gemini-|llama-?\d|mistral-|sonnet|opus|haiku)"
    r"|temperature\s*[=:]|max_tokens\s*[=:]|top_p\s*[=:]",
    "permission": r"permission|allowed_tools|require[sd]?_approval|scopes?\s*[=:]|auto_?approve",
}
_PATHS = {kind: re.compile(pattern, re.IGNORECASE) for kind, pattern in _BY_PATH.items()}
_LINES = {kind: re.compile(pattern, re.IGNORECASE) for kind, pattern in _BY_LINE.items()}
_LONGEST_LINE = 500
_SHORT_SHA = 8


class Changes(NamedTuple):
    """Commits that touched what an agent is made of, of how many, and how many came too late."""

    candidates: tuple[TimelineCandidate, ...]
    looked_at: int
    later: int

    def notes(self) -> list[str]:
        """What to say of commits that give no line; nothing where some do and none is late."""
        of = f"of {plural(self.looked_at, 'commit')}"
        touching = len(self.candidates) + self.later
        lines = [f"Git: {touching} {of} touch {_WHAT}"] if not touching else []
        late = f"Git: {self.later} {of} touch {_WHAT}, and came after the run began to write"
        return lines + ([late] if self.later else [])


_WHAT = "a prompt, a tool schema, a model or a permission"


def changes(commits: tuple[CommitChanges, ...], before: datetime | None) -> Changes:
    """The commits that touched what an agent is made of, up to a time, oldest first."""
    found: list[TimelineCandidate] = []
    later = 0
    for touched in reversed(commits):
        kinds = changed_agent_parts(touched)
        if kinds and before is not None and touched.commit.at > before:
            later += 1
        elif kinds:
            what = "merged" if touched.is_merge else "committed"
            text = f"{what}: {touched.subject} ({', '.join(kinds)})"
            source = f"Git, {touched.commit.sha[:_SHORT_SHA]}"
            found.append(TimelineCandidate(touched.commit.at, text, source))
    return Changes(tuple(found), len(commits), later)


def changed_agent_parts(touched: CommitChanges) -> tuple[str, ...]:
    """What of an agent a commit touched: prompt, tool schema, model, permission."""
    return tuple(
        kind
        for kind in _PATHS
        if any(_PATHS[kind].search(str(path)) for path in touched.paths)
        or any(_LINES[kind].search(line[:_LONGEST_LINE]) for line in touched.lines)
    )
