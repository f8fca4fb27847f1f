"""What stands above and below a timeline? Which run it is, its counts, what is missing of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from kb.runs.showing.timeline_pieces import MARKS, Line, Piece
from kb.runs.showing.wording import duration, plural
from kb.terminal import cells, cut, plain, wrapped
from kb.traces.run import Effect, Run


def head(run: Run, width: int) -> Iterator[Line]:
    """Which run it is, when it ran, what is in it, and where it was read."""
    agent = " ".join(part for part in (run.agent.name, run.agent.version) if part)
    models = dict.fromkeys(m.model for m in run.messages if m.model)
    model = run.state.request.model or next(iter(models), "")
    title = " · ".join(part for part in (f"run {cut(run.id, 25)}", agent, model) if part)
    yield (Piece(cut(plain(title), width), "title"),)
    times = _span(run.clocks.started, run.clocks.ended)
    for line in _packed([times, *_counts(run)], width):
        yield (Piece(line),)
    origin = run.provenance
    place = f", {origin.place}" if origin.place else ""
    yield (Piece(cut(plain(f"from {origin.file} ({origin.format}{place})"), width), "dim"),)


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


def foot(run: Run, width: int, *, full: bool) -> Iterator[Line]:
    """What the marks mean, what the trace lacks, what the import changed and took out."""
    used = [effect for effect in Effect if any(call.effect is effect for call in run.calls)]
    words = {
        Effect.READ: "reads",
        Effect.WRITE: "writes",
        Effect.DESTRUCTIVE: "destroys",
        Effect.UNKNOWN: "unknown, treated as a write",
    }
    yield (Piece("─" * width, "dim"),)
    if used:
        legend = "   ".join(f"{MARKS[effect][0]} {words[effect]}" for effect in used)
        yield (Piece(cut(legend, width), "dim"),)
    for title, rows in (("missing", run.missing), ("import", run.provenance.lossy)):
        for line in _listed(title, rows, width, full=full):
            yield (Piece(line, "dim"),)
    if not run.redaction.applied:
        yield (Piece("NOT REDACTED: keep this out of the repository", "fail"),)
    elif run.redaction.placeholders:
        names = ", ".join(p.name for p in run.redaction.placeholders)
        for line in _listed("redacted", (names,), width, full=full):
            yield (Piece(line, "dim"),)


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
    return f"{start:%Y-%m-%d %H:%M:%S} to {until} UTC ({duration(seconds)})"
