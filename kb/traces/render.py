"""A run as a timeline: turns, words, calls, effects, what already ran.

Pure: a run in, lines of styled pieces out. The command puts colours on them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import msgspec

from kb.humanize import plural, seconds_in_words
from kb.terminal import cells, cut, plain, wrapped
from kb.traces.normalize.chat_message import PartKey, call_key
from kb.traces.run import Effect, Event, Message, Ran, Run, Step, ToolCall


class TimelinePiece(NamedTuple):
    """A piece of a line, with the name of its style; empty for plain text."""

    text: str
    style: str = ""


Line = tuple[TimelinePiece, ...]

#: Effect to the mark before its call, and the style of both.
MARKS = {
    Effect.READ: ("○", "read"),
    Effect.WRITE: ("▲", "write"),
    Effect.DESTRUCTIVE: ("✖", "destructive"),
    Effect.UNKNOWN: ("?", "unknown"),
}


def head(run: Run, width: int) -> Iterator[Line]:
    """Which run it is, when it ran, what is in it, and where it was read."""
    agent = " ".join(part for part in (run.agent.name, run.agent.version) if part)
    models = dict.fromkeys(m.model for m in run.messages if m.model)
    model = run.state.request.model or next(iter(models), "")
    title = " · ".join(part for part in (f"run {cut(run.id, 25)}", agent, model) if part)
    yield (TimelinePiece(cut(plain(title), width), "title"),)
    times = _span(run.clocks.started, run.clocks.ended)
    for line in _packed([times, *_counts(run)], width):
        yield (TimelinePiece(line),)
    origin = run.provenance
    place = f", {origin.place}" if origin.place else ""
    yield (TimelinePiece(cut(plain(f"from {origin.file} ({origin.format}{place})"), width), "dim"),)


def _counts(run: Run) -> list[str]:
    by_effect = [
        f"{count} {effect}"
        for effect in Effect
        if (count := sum(call.effect is effect for call in run.calls))
    ]
    failed = sum(call.failure is not None for call in run.calls)
    unanswered = sum(not call.is_answered for call in run.calls)
    turns = max((step.turn for step in run.steps), default=0)
    total, cost = _spent(run)
    parts = [
        plural(turns, "turn"),
        plural(len(run.calls), "call") + (f" ({', '.join(by_effect)})" if by_effect else ""),
        f"{failed} failed" if failed else "",
        f"{unanswered} unanswered" if unanswered else "",
        f"{total:,} tokens" if total else "",
        f"{cost:.4f} USD" if cost else "",
    ]
    return [part for part in parts if part]


def _packed(facts: list[str], width: int) -> list[str]:
    """The facts on as few lines as hold them, none of them broken."""
    lines = [facts[0]]
    for fact in facts[1:]:
        longer = f"{lines[-1]} · {fact}"
        if cells(longer) <= width:
            lines[-1] = longer
        else:
            lines.append(fact)
    return [cut(line, width) for line in lines]


def _spent(run: Run) -> tuple[int, float]:
    messages = run.messages
    tokens = sum((m.input_tokens or 0) + (m.output_tokens or 0) for m in messages)
    return tokens, sum(m.cost_usd or 0.0 for m in messages)


def footer(run: Run, width: int, *, full: bool) -> Iterator[Line]:
    """What the marks mean, what the trace lacks, what the import changed and took out."""
    used = [effect for effect in Effect if any(call.effect is effect for call in run.calls)]
    words = {
        Effect.READ: "reads",
        Effect.WRITE: "writes",
        Effect.DESTRUCTIVE: "destroys",
        Effect.UNKNOWN: "unknown, treated as a write",
    }
    yield (TimelinePiece("─" * width, "dim"),)
    if used:
        legend = "   ".join(f"{MARKS[effect][0]} {words[effect]}" for effect in used)
        yield (TimelinePiece(cut(legend, width), "dim"),)
    for title, rows in (("missing", run.missing), ("import", run.provenance.lossy)):
        for line in _listed(title, rows, width, full=full):
            yield (TimelinePiece(line, "dim"),)
    if not run.redaction.applied:
        yield (TimelinePiece("NOT REDACTED: keep this out of the repository", "fail"),)
    elif run.redaction.placeholders:
        names = ", ".join(p.name for p in run.redaction.placeholders)
        for line in _listed("redacted", (names,), width, full=full):
            yield (TimelinePiece(line, "dim"),)


def _listed(title: str, rows: tuple[str, ...], width: int, *, full: bool) -> list[str]:
    if not rows:
        return []
    indent = " " * 10
    lines = wrapped("; ".join(rows), width - len(indent), 400 if full else 4)
    return [f"{title + ':':<10}{lines[0]}", *(indent + line for line in lines[1:])]


def _span(start: datetime | None, end: datetime | None) -> str:
    if start is None or end is None:
        return "no times"
    seconds = (end - start).total_seconds()
    same_day = start.date() == end.date()
    until = f"{end:%H:%M:%S}" if same_day else f"{end:%Y-%m-%d %H:%M:%S}"
    return f"{start:%Y-%m-%d %H:%M:%S} to {until} UTC ({seconds_in_words(seconds)})"


_ROLES = {"assistant": "agent", "developer": "system"}
_RAN = {Ran.YES: "ran", Ran.NO: "not run", Ran.UNKNOWN: "ran?"}
_EFFECTS = {Effect.DESTRUCTIVE: "destroys"}
_LABEL_WIDTH = 10
_INDENT = 2
_MAX_DEPTH = 4
_LINES = {"user": 3, "agent": 3, "system": 2}
_SECONDS_SHOWN = 0.05
_WHOLE = 10_000
_NARROWEST_RESULT = 20


@dataclass(frozen=True)
class View:
    """How much is shown: the columns, whether texts are whole, and where the run diverged."""

    width: int = 80
    full: bool = False
    divergence: int | None = None


def timeline(run: Run, view: View) -> Iterator[Line]:
    """The run as lines of at most `view.width` cells."""
    yield from head(run, view.width)
    drawing = _Drawing(run, view)
    for number, step in run.numbered():
        yield from drawing.step(number, step)
    if run.state.freeze_step >= len(run.steps) and run.steps:
        yield rule("frozen here: a replay begins", view.width, "freeze")
    yield from footer(run, view.width, full=view.full)


class _Drawing:
    """The steps, one after the other; what was shown need not be shown again."""

    def __init__(self, run: Run, view: View) -> None:
        self._run = run
        self._view = view
        self._has_times = run.clocks.started is not None
        self._number_width = len(str(max(0, len(run.steps) - 1)))
        self._turn = -1
        self._day = ""
        self._agent = run.agent.name
        self._calls: dict[PartKey, int] = {}
        calls = run.calls
        self._depths = {call.id: call.parent for call in calls}
        self._asked = Counter(call.asked_in for call in calls)

    def step(self, number: int, step: Step) -> Iterator[Line]:
        """One step, with the rules that stand before it."""
        yield from self._rules(number, step)
        if isinstance(step, ToolCall):
            yield from self._call(number, step)
        elif isinstance(step, Message):
            yield from self._message(number, step)
        else:
            yield from self._event(number, step)

    def _rules(self, number: int, step: Step) -> Iterator[Line]:
        width = self._view.width
        if step.turn != self._turn:
            self._turn = step.turn
            yield rule(f"turn {step.turn}" if step.turn else "before the first turn", width, "turn")
        if number == self._run.state.freeze_step and number:
            reason = self._run.state.freeze_reason
            yield rule(f"frozen here: a replay begins ({reason})", width, "freeze")
        if number == self._view.divergence:
            yield rule("from here on the run differs from the passing one", width, "diverged")
        agent = plain(step.agent)
        if agent and agent != self._agent:
            self._agent = agent
            yield (
                TimelinePiece(" " * self._margin(step)),
                TimelinePiece(cut(f"▸ {agent}", width - 30), "agent"),
            )

    def _message(self, number: int, message: Message) -> Iterator[Line]:
        label = _ROLES.get(message.role, plain(message.role))
        style = {"user": "user", "agent": ""}.get(label, "dim")
        parts = plural(len(message.parts), "part") if message.parts else ""
        facts = _facts([f"+ {parts}" if parts else "", _tokens(message)])
        if self._view.full and message.reasoning:
            thoughts = TimelinePiece("thinks", "dim")
            yield from self._block(number, message, thoughts, message.reasoning, 1, "dim", "")
        text = message.text or _asks(self._asked[number])
        if message.text or facts or not text.startswith("(calls"):
            named = TimelinePiece(label, style or "label")
            yield from self._block(number, message, named, text, _LINES.get(label, 2), style, facts)

    def _call(self, number: int, call: ToolCall) -> Iterator[Line]:
        mark, style = MARKS[call.effect]
        label = TimelinePiece(f"{mark} {_EFFECTS.get(call.effect, call.effect)}", style)
        text = f"{plain(call.tool)}({_arguments(call.arguments)})"
        yield from self._block(number, call, label, text, 2, "call", "")
        key = call_key(call.tool, call.arguments)
        first = self._calls.setdefault(key, number)
        facts = _call_facts(call, f"same call as step {first}" if first != number else "")
        repeated = first != number and call.effect.is_write
        yield from self._answer(call, facts, "repeat" if repeated else "dim")

    def _answer(self, call: ToolCall, facts: str, style: str) -> Iterator[Line]:
        """What came back, and at the right edge how long it took and whether it ran."""
        margin = self._margin(call)
        room = self._view.width - margin
        sign, text, own = _outcome(call)
        beside = room - cells(facts) - 2 >= _NARROWEST_RESULT
        words = room - (cells(facts) + 4 if facts and beside else 2)
        lines = wrapped(text, words, _WHOLE if self._view.full else 1)
        for at, line in enumerate(lines):
            piece = TimelinePiece((sign if at == 0 else "  ") + line, own)
            shown = beside and at == len(lines) - 1
            yield (
                TimelinePiece(" " * margin),
                piece,
                *_at_right(facts, style, cells(piece.text), room, shown),
            )
        if not beside:
            yield (
                TimelinePiece(" " * margin),
                *_at_right(cut(facts, room - 2), style, 0, room, True),
            )

    def _event(self, number: int, event: Event) -> Iterator[Line]:
        failed = event.failure is not None
        text = event.text or (event.failure.message if event.failure else "")
        named = f"{plain(event.name)}: {text}" if event.name and text else event.name or text
        style = "fail" if failed else "dim"
        yield from self._block(
            number, event, TimelinePiece(f"· {event.kind}", style), named, 2, style, ""
        )

    def _block(
        self,
        number: int,
        step: Step,
        label: TimelinePiece,
        text: str,
        limit: int,
        style: str,
        facts: str,
    ) -> Iterator[Line]:
        """A step's number, time and label, and its words beside them."""
        margin = self._margin(step)
        room = self._view.width - margin
        lines = wrapped(text, room, _WHOLE if self._view.full else limit)
        head = (
            TimelinePiece(f"{number:>{self._number_width}}", "dim"),
            TimelinePiece(self._time(step), "dim"),
        )
        shown = TimelinePiece(cut(label.text, _LABEL_WIDTH), label.style)
        gap = margin - self._number_width - cells(head[1].text) - cells(shown.text)
        fits = facts and cells(lines[-1]) + cells(facts) + 2 <= room
        for at, line in enumerate(lines):
            start = (
                (*head, shown, TimelinePiece(" " * gap))
                if at == 0
                else (TimelinePiece(" " * margin),)
            )
            is_last = bool(fits) and at == len(lines) - 1
            yield (
                *start,
                TimelinePiece(line, style),
                *_at_right(facts, "dim", cells(line), room, is_last),
            )
        if facts and not fits:
            yield (TimelinePiece(" " * margin), *_at_right(cut(facts, room), "dim", 0, room, True))

    def _margin(self, step: Step) -> int:
        """The column where words begin: deeper for what a sub-agent does."""
        depth, parent = 0, step.parent
        while parent and depth < _MAX_DEPTH:
            depth, parent = depth + 1, self._depths.get(parent, "")
        time = 10 if self._has_times else 2
        return self._number_width + time + _LABEL_WIDTH + 2 + depth * _INDENT

    def _time(self, step: Step) -> str:
        if not self._has_times:
            return "  "
        time = step.started or step.ended
        return f" {time:%H:%M:%S} " if time else " " * 10


def rule(text: str, width: int, style: str) -> Line:
    """A line across, with a title in it."""
    edge = "┄" if style == "freeze" else "─"
    text = cut(plain(text), width - 6)
    return (TimelinePiece(f"{edge * 2} {text} " + edge * max(0, width - cells(text) - 4), style),)


def _at_right(
    facts: str, style: str, used: int, room: int, shown: bool
) -> tuple[TimelinePiece, ...]:
    """Facts at the right edge of a line of which some cells are used."""
    if not (facts and shown):
        return ()
    return (TimelinePiece(" " * max(2, room - used - cells(facts))), TimelinePiece(facts, style))


def _asks(count: int) -> str:
    """What stands for the words of an answer that only calls tools."""
    return f"(calls {plural(count, 'tool')})" if count else "(no words)"


def _arguments(arguments: Any) -> str:
    if isinstance(arguments, dict):
        return ", ".join(f"{plain(str(key))}: {_value(part)}" for key, part in arguments.items())
    return "" if arguments is None else _value(arguments)


def _value(value: Any) -> str:
    if isinstance(value, str):
        return plain(value)
    return plain(msgspec.json.encode(value).decode()) if value is not None else ""


def _outcome(call: ToolCall) -> tuple[str, str, str]:
    """The sign, the words and the style of what came back."""
    if call.failure is not None:
        told = call.failure.message or _value(call.result)
        return "✗ ", _without_repeat(call.failure.type, plain(told)), "fail"
    if call.is_answered:
        return "→ ", _value(call.result) or "(nothing)", "dim"
    return "… ", "no answer in the trace", "fail"


def _call_facts(call: ToolCall, repeat: str) -> str:
    seconds = call.duration_seconds
    parts = [
        seconds_in_words(seconds) if seconds is not None and seconds >= _SECONDS_SHOWN else "",
        _RAN[call.ran] if call.effect.is_write else "",
        repeat,
    ]
    return _facts(parts)


def _facts(parts: list[str]) -> str:
    return " · ".join(part for part in parts if part)


def _tokens(message: Message) -> str:
    if message.input_tokens is None and message.output_tokens is None:
        return ""
    return f"{message.input_tokens or 0:,} → {message.output_tokens or 0:,} tokens"


def _without_repeat(kind: str, text: str) -> str:
    """The type of an error before its message, when the message does not say it."""
    known = kind in {"error", "tool_error", "rejected"} or kind.lower() in text.lower()
    return text if known and text else f"{kind}: {text}" if text else kind
