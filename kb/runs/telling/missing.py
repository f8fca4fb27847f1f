"""What does a trace not hold that a replay would need? Said, never invented."""

from __future__ import annotations

from collections.abc import Iterator

from kb.traces.run import Message, Run

_NAMED = 4


def missing(run: Run) -> tuple[str, ...]:
    """One line for each thing the trace lacks, the most needed first."""
    return tuple(_missing(run))


def _missing(run: Run) -> Iterator[str]:
    if not run.trigger.text:
        yield "the request that set the run going"
    if not run.state.prompt.text:
        yield "the instructions of the model (system prompt)"
    yield from _of_tools(run)
    yield from _of_model(run)
    if not any(isinstance(step, Message) and step.role == "assistant" for step in run.steps):
        yield "the answers of the model"
    if run.clocks.started is None:
        yield "times"


def _of_tools(run: Run) -> Iterator[str]:
    used = dict.fromkeys(call.tool for call in run.calls)
    known = {tool.name for tool in run.state.tools if tool.parameters is not None}
    without = [tool for tool in used if tool not in known]
    if without:
        yield f"the schemas of tools: {_list(without)}"
    unanswered = [f"{call.tool} ({call.id})" for call in run.calls if not call.is_answered]
    if unanswered:
        yield f"results of calls: {_list(unanswered)}"


def _of_model(run: Run) -> Iterator[str]:
    request = run.state.request
    if not (request.model or any(message.model for message in run.messages)):
        yield "the model"
    if request.temperature is None and request.top_p is None:
        yield "the sampling (temperature, top_p)"
    if request.seed is None:
        yield "the seed"
    if not (run.state.prompt.name or run.state.prompt.version):
        yield "the name and version of the prompt"


def _list(names: list[str]) -> str:
    more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
