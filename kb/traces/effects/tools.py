"""What a tool does to the world, and who says so: the team, then the tool's hints, then nobody.

Nothing is guessed from names. The hints are those of the Model Context Protocol, their documented
defaults included: a tool is taken to write unless it says that it only reads.
https://modelcontextprotocol.io/specification/2025-06-18/schema#toolannotations
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from kb.traces.run import Effect, EffectSource, Failure, Ran, ToldBy, ToolDefinition, Treatment

#: Tools of MCP servers, as coding agents name them.
_MCP_PREFIXES = ("mcp__", "mcp_")

#: Errors that are raised before a tool does anything.
_BEFORE_RUNNING = (
    "validation",
    "invalidargument",
    "invalid_argument",
    "inputerror",
    "permission",
    "denied",
    "rejected",
    "declined",
    "refused",
    "unauthorized",
    "forbidden",
    "notfound",
    "not_found",
    "unknown_tool",
    "tripwire",
)


#: The server refused the request as it was (RFC 9110 §15.5); 408 and 499 speak of time instead.
_REFUSING_STATUS = re.compile(r"http4(?!08|99)\d\d")


@dataclass(frozen=True)
class ToolEffect:
    """An effect, and who says so."""

    effect: Effect = Effect.UNKNOWN
    source: EffectSource = EffectSource.NOBODY


@dataclass(frozen=True)
class Effects:
    """The team's word on its tools, by name or by pattern; exact names come first."""

    settings: Mapping[str, Effect] = field(default_factory=dict)

    def of(self, tool: str, definition: ToolDefinition | None) -> ToolEffect:
        """What a tool does; `definition` is its schema where the trace holds it."""
        named = self._named(tool)
        if named is not None:
            return ToolEffect(named, EffectSource.SETTINGS)
        if definition is not None and definition.annotations:
            return _hinted(definition.annotations)
        if tool.startswith(_MCP_PREFIXES):
            return ToolEffect(Effect.WRITE, EffectSource.HINT_DEFAULTS)
        return ToolEffect()

    def _named(self, tool: str) -> Effect | None:
        if tool in self.settings:
            return self.settings[tool]
        patterns = (effect for name, effect in self.settings.items() if fnmatchcase(tool, name))
        return next(patterns, None)


def _hinted(annotations: Mapping[str, object]) -> ToolEffect:
    reads, destroys = annotations.get("readOnlyHint"), annotations.get("destructiveHint")
    if reads is True:
        return ToolEffect(Effect.READ, EffectSource.HINTS)
    if destroys is True:
        return ToolEffect(Effect.DESTRUCTIVE, EffectSource.HINTS)
    if destroys is False:
        return ToolEffect(Effect.WRITE, EffectSource.HINTS)
    # `destructiveHint` is true by default, and means something only beside `readOnlyHint: false`.
    effect = Effect.DESTRUCTIVE if reads is False else Effect.WRITE
    return ToolEffect(effect, EffectSource.HINT_DEFAULTS)


def ran(*, has_ended: bool, failure: Failure | None) -> Ran:
    """Whether the effect of a call has happened, as far as the trace proves it."""
    if not has_ended:
        return Ran.UNKNOWN
    if failure is None:
        return Ran.YES
    kind = failure.type.lower().replace(" ", "")
    refused = any(word in kind for word in _BEFORE_RUNNING) or bool(_REFUSING_STATUS.match(kind))
    return Ran.NO if refused and failure.told_by is not ToldBy.EXIT_CODE else Ran.UNKNOWN


def replay_policy(effect: Effect) -> Treatment:
    """What a replay does with a call: only what is known to read is answered from the tape."""
    return Treatment.FORBID if effect.is_write else Treatment.MOCK
