"""Runs from Who&When: one failed task of a team of agents, and who went wrong when.

Roles are names of agents; only `human` is a person. What people labelled is kept as it is.
https://github.com/ag2ai/Agents_Failure_Attribution (read 2026-11-30)
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kb.traces.decoding.row_account import RowAccount
from kb.traces.decoding.trace_source import Source
from kb.traces.importers.importer import Importer
from kb.traces.messages.blocks import a_list, a_word, an_object
from kb.traces.normalize.chat_message import ChatMessage
from kb.traces.normalize.run_builder import RunBuilder
from kb.traces.run import Agent, Message, Prompt

_PLAIN = {"user", "assistant", "system"}
_LABELS = frozenset({"mistake_agent", "mistake_step", "mistake_reason", "question", "ground_truth"})


def _recognise(source: Source) -> str:
    return "a history beside a question or a mistake" if any(map(_is_log, source.head)) else ""


def _is_log(value: Any) -> bool:
    if not isinstance(value, dict) or not isinstance(value.get("history"), list):
        return False
    first = an_object(next(iter(value["history"]), None))
    return "role" in first and "content" in first and bool(value.keys() & _LABELS)


def _read(source: Source) -> Iterator[RunBuilder]:
    for where, value in source.rows():
        if _is_log(value):
            yield _run(value, where, source.account)
        else:
            source.leave_out("rows without a history", where)


def _run(value: dict[str, Any], where: str, rows: RowAccount) -> RunBuilder:
    task = str(value.get("question_ID") or "")
    builder = RunBuilder(rows, where, task)
    builder.task = task
    builder.agent = Agent(framework="who-and-when")
    builder.source = {k: v for k, v in value.items() if k not in {"history", "system_prompt"} and v}
    prompts = an_object(value.get("system_prompt"))
    builder.prompt = Prompt(text="\n\n".join(f"{k}: {v}" for k, v in prompts.items()))
    rows.used()
    history = a_list(value["history"])
    places = [f"{where}.history[{number}]".lstrip(".") for number in range(len(history))]
    rows.divide(*places)
    question = a_word(value.get("question"))
    asked = any(a_word(an_object(one).get("role")) == "human" for one in history)
    if question and not asked:
        builder.say(Message(role="user", text=question, where=where))
    for one, place in zip(history, places, strict=True):
        rows.turn_to(place)
        _take(builder, an_object(one), place)
    rows.turn_away()
    return builder


def _take(builder: RunBuilder, message: dict[str, Any], place: str) -> None:
    written, name = a_word(message.get("role")), a_word(message.get("name"))
    is_agent = bool(name) or written.lower() not in {"human", "system"}
    role = "assistant" if is_agent else "user" if written.lower() == "human" else "system"
    agent = name or (written if written.lower() not in {*_PLAIN, "human"} else "")
    content = message.get("content")
    text = content if isinstance(content, str) else str(content or "")
    base = Message(role=role, where=place, agent=agent)
    builder.add_message(ChatMessage(role, text, agent=agent), base)


IMPORTER = Importer(
    "whowhen",
    "failed tasks of Who&When",
    _recognise,
    _read,
)
