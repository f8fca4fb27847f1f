"""Runs from results of tau2-bench: one simulation a run, of a file of results or saved alone.

Agent and simulated user talk in turns, and in some domains both call tools; a result names its
call by its own id, and says in `error` whether the tool raised.
https://github.com/sierra-research/tau2-bench, `data_model/simulation.py` and `message.py`
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kb.traces.decoding.row_account import RowAccount
from kb.traces.decoding.timestamps import time_of
from kb.traces.decoding.trace_source import Source
from kb.traces.importers.importer import Importer
from kb.traces.messages.blocks import a_list, a_word, an_object
from kb.traces.messages.dialects import chat_message_of
from kb.traces.messages.model_requests import request_of, usage_of
from kb.traces.normalize.run_builder import RunBuilder
from kb.traces.run import Agent, Failure, Message

_RESULTS = frozenset({"info", "simulations"})
_SIMULATION = frozenset({"messages", "task_id", "termination_reason"})
_ABOUT = ("reward_info", "termination_reason", "trial", "agent_cost", "duration")


def _recognise(source: Source) -> str:
    rows = [value for value in source.head if isinstance(value, dict)]
    if any(row.keys() >= _RESULTS and isinstance(row["simulations"], list) for row in rows):
        return "a list of simulations beside what they ran with"
    return "simulations with the reason they ended for" if any(map(_is_simulation, rows)) else ""


def _is_simulation(value: Any) -> bool:
    return isinstance(value, dict) and value.keys() >= _SIMULATION


def _read(source: Source) -> Iterator[RunBuilder]:
    for where, value in source.rows():
        if _is_simulation(value):
            yield _run(value, {}, where, source.account)
        elif isinstance(value, dict) and isinstance(value.get("simulations"), list):
            about, simulations = an_object(value.get("info")), value["simulations"]
            source.account.divide()
            for number, simulation in enumerate(simulations):
                place = f"{where}.simulations[{number}]".lstrip(".")
                if _is_simulation(simulation):
                    yield _run(simulation, about, place, source.account)
                else:
                    source.account.turn_to(place)
                    source.leave_out("simulations without messages", place)
                simulations[number] = None  # a file of results may hold a thousand
        else:
            source.leave_out("rows that are no simulations", where)


def _run(
    simulation: dict[str, Any], about: dict[str, Any], where: str, rows: RowAccount
) -> RunBuilder:
    """The run of one simulation; `about` is what the results say of all."""
    task, trial = str(simulation["task_id"]), simulation.get("trial") or 0
    builder = RunBuilder(rows, where, a_word(simulation.get("id")) or f"{task}-{trial}")
    builder.tells_errors = True
    agent = an_object(about.get("agent_info"))
    domain = a_word(an_object(about.get("environment_info")).get("domain_name"))
    builder.task = f"{domain}/{task}".lstrip("/")
    builder.agent = Agent(name=a_word(agent.get("implementation")), framework="tau2-bench")
    options = {"seed": simulation.get("seed"), **an_object(agent.get("llm_args"))}
    options["model"] = a_word(agent.get("llm"))
    builder.request = request_of(options)
    builder.source = {key: simulation[key] for key in _ABOUT if simulation.get(key) is not None}
    reward = an_object(simulation.get("reward_info")).get("reward")
    builder.source |= {"reward": reward} if reward is not None else {}
    _tell_messages(builder, a_list(simulation["messages"]), where)
    return builder


def _tell_messages(builder: RunBuilder, messages: list[Any], where: str) -> None:
    places = [f"{where}.messages[{number}]".lstrip(".") for number in range(len(messages))]
    builder.rows.turn_to(where)
    builder.rows.divide(*places)
    for place, value in zip(places, messages, strict=True):
        builder.rows.turn_to(place)
        message, fields = chat_message_of(value), an_object(value)
        if message is None:
            builder.leave_out("messages that cannot be read")
            continue
        at = time_of(fields.get("timestamp"))
        base = Message(message.role, where=place, started=at, **usage_of(fields.get("usage")))
        builder.add_message(message, base)
        for answer in message.answers if fields.get("error") is True else ():
            builder.fail(answer.call_id, Failure.named("error", str(answer.result)))
    builder.rows.turn_away()


IMPORTER = Importer(
    "tau2-bench",
    "results of tau2-bench: a file of simulations, or one alone",
    _recognise,
    _read,
)
