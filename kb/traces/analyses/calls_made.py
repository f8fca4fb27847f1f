"""Questions that several analyses ask of the calls of a run."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from kb.traces.run import Effect, EffectSource, Failure, Ran, Run, ToolCall

#: Errors that leave open whether the effect happened: the caller stopped waiting, the connection
#: was lost, the server failed (any 5xx) on its way.
_OPEN_ENDING = re.compile(
    r"time-?d?[ -]?out|deadline|aborted|hang up|broken ?pipe|disconnect"
    r"|unexpected end of file|fetch failed"
    r"|connection ?(?:was |has been |unexpectedly )*(?:reset|closed|lost|error|dropped)"
    r"|\b(?:econnreset|econnaborted|etimedout|epipe|eof|eoferror)\b|closed connection"
    r"|internal ?server ?error|bad ?gateway|service ?unavailable|server ?error"
    r"|^(?:http[ _])?5\d\d\b|\b(?:http(?:/[\d.]{1,3})?|status(?: code)?|code|error)\W{1,3}5\d\d\b",
    re.IGNORECASE,
)


def calls(run: Run) -> Iterator[tuple[int, ToolCall]]:
    """The calls with their step numbers."""
    return iter(run.numbered_calls)


def same_calls(run: Run) -> dict[str, list[tuple[int, ToolCall]]]:
    """The calls by tool and canonical arguments, in the order of first appearance."""
    groups: dict[str, list[tuple[int, ToolCall]]] = {}
    for key, made in zip(run.call_keys, run.numbered_calls, strict=True):
        groups.setdefault(key, []).append(made)
    return groups


def is_open_ended(failure: Failure | None) -> bool:
    """Whether an error says nothing about the effect: a timeout, a lost connection, a 5xx."""
    return failure is not None and bool(_OPEN_ENDING.search(f"{failure.type} {failure.message}"))


def has_unknown_end(call: ToolCall) -> bool:
    """Whether a call ended without saying whether it had run, or did not end."""
    return not call.is_answered or (call.ran is not Ran.NO and is_open_ended(call.failure))


def may_have_run(call: ToolCall) -> bool:
    """Whether the effect of a call happened, or may have: the trace does not prove that it did not.

    An error in plain words is no proof; a refusal before the tool did anything is.
    """
    return call.succeeded or not call.is_answered or call.ran is not Ran.NO


@lru_cache(maxsize=4096)
def is_handover(tool: str) -> bool:
    """Whether a tool, by its name, hands the case to a person. A guess, said to be one."""
    name = tool.lower()
    return any(word in name for word in ("human", "escalat", "handoff", "hand_off", "handover"))


def arguments_text(arguments: Any) -> str:
    """Arguments as compact JSON, or as the text they are."""
    if isinstance(arguments, str):
        return arguments
    return _JSON.encode(arguments)


_JSON = json.JSONEncoder(ensure_ascii=False, default=str)


def call_text(call: ToolCall) -> str:
    """A call as a reader writes it: tool, arguments, what came back."""
    return f"{call.tool}({arguments_text(call.arguments)}) → {result_text(call)}"


def result_text(call: ToolCall) -> str:
    """What came back, as text."""
    if not call.is_answered:
        return "no answer"
    if call.failure is not None and call.failure.message:
        return call.failure.message
    return call.result if isinstance(call.result, str) else arguments_text(call.result)


def effect_words(call: ToolCall) -> str:
    """The effect of a call with who says so: `write (kb.toml)`, `write (a guess: git checkout)`."""
    if call.effect is Effect.UNKNOWN:
        return "effect unknown, so taken as write"
    text = "a guess" if call.effect_source is EffectSource.GUESS else call.effect_source.value
    reason = f": {call.effect_reason}" if call.effect_reason else ""
    return f"{call.effect.value} ({text}{reason})"


_KNOWN = frozenset({EffectSource.COMMAND, EffectSource.SETTINGS, EffectSource.HINTS})
#: Programs that take away files or what is not committed on this machine: agents do it all day.
_LOCAL = frozenset({"rm", "unlink", "find", "truncate", "shred", ">", "python", "python3", "node"})


#: Programs that change files, packages or processes on this machine: the same again changes
#: nothing more.
_FILE_PROGRAMS = _LOCAL | frozenset(
    word
    for line in (
        "apk apt apt-get awk black brew bundle cargo chmod chown conda cp dnf ed gawk gem git go",
        "gunzip gzip install isort kill killall ln make mkdir mktemp mv npm patch perl pip pip3",
        "pkill pnpm poetry prettier rmdir rsync ruff sed split tar tee touch unzip uv yarn yq yum",
        "zip",
    )
    for word in line.split()
)
#: Of those, what reaches further.
_REACHES_OUT = frozenset(
    {"git push", "npm publish", "cargo publish", "uv publish", "poetry publish"}
)
_OWN_TOOL = "a tool of "


def stays_on_this_machine(call: ToolCall) -> bool:
    """Whether a call is known to change files where the agent works, and nothing beyond.

    The built-in tools of coding agents edit files; those of MCP servers reach anywhere.
    """
    name, _, _ = call.effect_reason.partition(":")
    if call.effect_source in {EffectSource.COMMAND, EffectSource.GUESS} and name:
        words = name.split()
        if words[0] in _FILE_PROGRAMS:
            return " ".join(words[:2]) not in _REACHES_OUT
    owner = call.effect_reason.removeprefix(_OWN_TOOL)
    return owner != call.effect_reason and not owner.startswith("MCP server")


def is_destruction(call: ToolCall) -> bool:
    """Whether a call is known to take something away that is not only on this machine."""
    return _is_known_to_destroy(call) and not _is_local(call)


def is_local_removal(call: ToolCall) -> bool:
    """Whether a call is known to remove files, or work that is not committed, on this machine."""
    return _is_known_to_destroy(call) and _is_local(call)


def _is_known_to_destroy(call: ToolCall) -> bool:
    return call.effect is Effect.DESTRUCTIVE and call.effect_source in _KNOWN


def _is_local(call: ToolCall) -> bool:
    name, _, _ = call.effect_reason.partition(":")
    program, _, action = name.partition(" ")
    return program in _LOCAL or (program == "git" and not action.startswith("push"))
