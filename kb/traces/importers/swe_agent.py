"""Runs from trajectories of SWE-agent (`.traj`): what was thought, done and seen, step by step.

The steps are those of `trajectory`; what the agent was told before the first stands in `history`,
as do the calls of models that call functions. Read after `sweagent/types.py` (1.1, read
2026-11-30): https://github.com/SWE-agent/SWE-agent
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from msgspec.structs import replace

from kb.traces.decoding.lenient_json import embedded
from kb.traces.decoding.row_account import RowAccount
from kb.traces.decoding.trace_source import Source
from kb.traces.importers.importer import Importer
from kb.traces.messages.blocks import a_list, a_word, an_object, content_of
from kb.traces.messages.dialects import chat_message_of
from kb.traces.normalize.chat_message import ChatMessage, ToolCallRequest, ToolResult
from kb.traces.normalize.run_builder import RunBuilder
from kb.traces.run import Agent, Event, Failure, Message, Request

_NAME = "swe-agent"
_STEP = frozenset({"action", "observation", "response"})
#: Commands of the agent's own tools that are no program of the shell.
#: https://github.com/SWE-agent/SWE-agent/tree/main/tools
_TOOLS = frozenset(
    {"create", "edit", "find_file", "goto", "insert", "open", "scroll_down", "scroll_up"}
    | {"search_dir", "search_file", "str_replace_editor", "submit", "filemap", "view_image"}
)
#: Written in the place of an action where the agent was stopped.
_STOPPED = "exit_"
_SUBMITTED = "submitted"


def _recognise(source: Source) -> str:
    found = any(map(_is_trajectory, source.head))
    return "a trajectory of actions and observations" if found else ""


def _is_trajectory(value: Any) -> bool:
    steps = a_list(value.get("trajectory")) if isinstance(value, dict) else []
    return an_object(next(iter(steps), None)).keys() >= _STEP


def _read(source: Source) -> Iterator[RunBuilder]:
    for where, value in source.rows():
        if _is_trajectory(value):
            yield _Run(source.account, where).of(value)
        else:
            source.leave_out("rows without a trajectory", where)


class _Run:
    """A run that is fed with the parts of its file."""

    def __init__(self, rows: RowAccount, place: str) -> None:
        self.builder = RunBuilder(rows, place)
        self.builder.agent = Agent(name=_NAME, framework=_NAME)
        self._place = place

    def of(self, value: dict[str, Any]) -> RunBuilder:
        """The run of a whole file."""
        builder, info = self.builder, an_object(value.get("info"))
        builder.task = a_word(value.get("environment"))
        builder.source = {key: part for key, part in info.items() if part}
        model = an_object(an_object(_config(value).get("agent")).get("model"))
        builder.request = Request(model=a_word(model.get("name")))
        version = a_word(info.get("swe_agent_version"))
        builder.agent = Agent(name=_NAME, version=version, framework=_NAME)
        steps = a_list(value["trajectory"])
        history = [an_object(one) for one in a_list(value.get("history"))]
        places_before = [
            self._at(f"history[{number}]") for number in _before_the_first_step(history)
        ]
        places = [self._at(f"trajectory[{number}]") for number in range(len(steps))]
        builder.rows.divide(*places_before, *places)
        for number, place in zip(_before_the_first_step(history), places_before, strict=True):
            self._take_early_message(history[number], place)
        asked = _asked_in(history)
        for step, place in zip(steps, places, strict=True):
            builder.rows.turn_to(place)
            self._take_step(an_object(step), asked, place)
        builder.rows.turn_away()
        self._end(a_word(info.get("exit_status")))
        return builder

    def _at(self, part: str) -> str:
        return f"{self._place}.{part}".lstrip(".")

    def _take_early_message(self, message: dict[str, Any], place: str) -> None:
        """What the agent was told before it began; a demonstration is the program's word."""
        self.builder.rows.turn_to(place)
        role = "developer" if message.get("is_demo") else a_word(message.get("role")) or "user"
        text = content_of(message.get("content")).text
        self.builder.add_message(ChatMessage(role, text), Message(role=role, where=place))

    def _take_step(
        self, step: dict[str, Any], asked: dict[str, list[ToolCallRequest]], place: str
    ) -> None:
        thought, action = a_word(step.get("thought")), a_word(step.get("action")).strip()
        base = Message(role="assistant", where=place)
        words = (thought or a_word(step.get("response"))).strip()
        if not action or action.startswith(_STOPPED):
            self.builder.add_message(ChatMessage("assistant", words, finish=action), base)
            return
        known = asked.get(action)
        call = known.pop(0) if known else _call_of(action)
        self.builder.add_message(ChatMessage("assistant", words, calls=(call,)), base)
        made = self.builder.steps[-1]
        call_id = getattr(made, "id", call.id)
        seconds = step.get("execution_time")
        source = {"execution_time": seconds} if isinstance(seconds, int | float) else {}
        result = ToolResult(call_id, a_word(step.get("observation")), source=source)
        self.builder.answer(result, replace(base, role="tool"))

    def _end(self, status: str) -> None:
        """Why a run ended that did not submit; what was handed in is kept beside it."""
        if status and status != _SUBMITTED:
            event = Event("exit", name=status, failure=Failure(type=status))
            self.builder.add_event(replace(event, where=self._at("info")))


def _config(value: dict[str, Any]) -> dict[str, Any]:
    return an_object(embedded(value.get("replay_config")))


def _before_the_first_step(history: list[dict[str, Any]]) -> list[int]:
    """The places in a history of what stands before the first answer."""
    numbers = (n for n, one in enumerate(history) if _is_answer(one))
    return list(range(next(numbers, len(history))))


def _is_answer(message: dict[str, Any]) -> bool:
    return a_word(message.get("role")) == "assistant" and not message.get("is_demo")


def _asked_in(history: list[dict[str, Any]]) -> dict[str, list[ToolCallRequest]]:
    """The calls of functions by the action that each was made, in their order."""
    asked: dict[str, list[ToolCallRequest]] = {}
    for message in filter(_is_answer, history):
        chat_message, action = chat_message_of(message), a_word(message.get("action")).strip()
        if chat_message is not None and len(chat_message.calls) == 1:
            # One model numbers its calls by what they are: an id may stand for many.
            asked.setdefault(action, []).append(replace(chat_message.calls[0], id=""))
    return asked


def _call_of(action: str) -> ToolCallRequest:
    """An action as a call: of a tool of the agent's own, or of the shell."""
    word = action.split(None, 1)[0]
    tool = word if word in _TOOLS else "bash"
    return ToolCallRequest(tool, {"command": action})


IMPORTER = Importer(
    _NAME,
    "trajectories of SWE-agent",
    _recognise,
    _read,
)
