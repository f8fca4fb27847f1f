"""What a call does to the world, and who says so.

The team's word goes first, then the command a shell tool was given, the tool's hints, the table
of known agents and servers. The hints are those of the Model Context Protocol, their documented
defaults included: a tool is taken to write unless it says that it only reads.
https://modelcontextprotocol.io/specification/2025-06-18/schema#toolannotations

What is only likely is marked as a guess, and no replay answers a guessed read from the tape.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

import msgspec

from kb.traces.effects.tool_table import MCP_PREFIXES, shell_text, table_effect
from kb.traces.run import Effect, EffectSource, Failure, Ran, ToldBy, ToolDefinition, Treatment

if TYPE_CHECKING:
    from kb.traces.effects.shell_effects import CommandEffect

#: Before a name in `[runs.effects]` that is the beginning of a command and no tool.
_COMMAND = "$ "
_REASON_CHARACTERS = 200

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


class ToolEffect(msgspec.Struct, frozen=True):
    """An effect, who says so, and of a command which part of it weighs most and why."""

    effect: Effect = Effect.UNKNOWN
    source: EffectSource = EffectSource.NOBODY
    reason: str = ""


@dataclass(frozen=True)
class Effects:
    """The team's word on its tools and commands, by name or pattern; exact names come first.

    A key such as `$ make deploy*` is the beginning, or a pattern, of a command in a shell.
    `format_name` is the format of the recording: it tells whose tools these are.
    """

    settings: Mapping[str, Effect] = field(default_factory=dict)
    format_name: str = ""

    def of(self, tool: str, definition: ToolDefinition | None) -> ToolEffect:
        """What a tool does; `definition` is its schema where the trace holds it."""
        return self.of_call(tool, None, definition)

    def of_call(
        self, tool: str, arguments: Any, definition: ToolDefinition | None = None
    ) -> ToolEffect:
        """What a call does, its arguments known."""
        named = self._named(tool)
        if named is not None:
            return ToolEffect(named, EffectSource.SETTINGS)
        command = shell_text(tool, arguments)
        if command is not None:
            return self._of_command(command)
        if definition is not None and definition.annotations:
            return _hinted(definition.annotations)
        told = table_effect(tool, arguments, self.format_name)
        if told is not None and told.effect is not Effect.UNKNOWN:
            source = EffectSource.GUESS if told.is_guess else EffectSource.TABLE
            return ToolEffect(told.effect, source, f"a tool of {told.owner}")
        if tool.startswith(MCP_PREFIXES):
            return ToolEffect(Effect.WRITE, EffectSource.HINT_DEFAULTS)
        return ToolEffect()

    @cached_property
    def _told(self) -> dict[str, Effect]:
        """What the team says of commands, by their beginnings."""
        return {
            name.removeprefix(_COMMAND): effect
            for name, effect in self.settings.items()
            if name.startswith(_COMMAND)
        }

    def _of_command(self, command: str) -> ToolEffect:
        found = _reader()(command, self._told)
        if found is None:
            return ToolEffect(Effect.READ, EffectSource.COMMAND, "sets variables at most")
        source = EffectSource.GUESS if found.is_guess else EffectSource.COMMAND
        if found.effect is Effect.UNKNOWN:
            source = EffectSource.NOBODY
        reason = f"{found.name}: {found.reason}" if found.name else found.reason
        return ToolEffect(found.effect, source, reason[:_REASON_CHARACTERS])

    def _named(self, tool: str) -> Effect | None:
        if not self.settings:
            return None
        if tool in self.settings:
            return self.settings[tool]
        patterns = (effect for name, effect in self.settings.items() if fnmatchcase(tool, name))
        return next(patterns, None)


@cache
def _reader() -> Callable[[str, Mapping[str, Effect]], CommandEffect | None]:
    """What tells of a command the part that weighs most; looked up once, for most runs ask."""
    from kb.traces.effects.shell_effects import command_effects, heaviest_effect

    return lambda command, told: heaviest_effect(command_effects(command, told))


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


def replay_policy(effect: Effect, source: EffectSource = EffectSource.SETTINGS) -> Treatment:
    """What a replay does with a call: only what is known to read is answered from the tape."""
    is_guess = source is EffectSource.GUESS
    return Treatment.FORBID if effect.is_write or is_guess else Treatment.MOCK
