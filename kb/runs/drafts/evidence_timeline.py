"""What happened when? The timed steps of a run as timeline entries, candidates among them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from kb.runs.drafts.candidates import Candidate
from kb.traces.analyses.calls_made import arguments_text, result_text
from kb.traces.analyses.finding import one_line, time_of_step
from kb.traces.run import Effect, Message, Run, ToolCall

#: More calls than this are told by their writes and failures alone.
_MAX_CALLS = 30
_MAX_ENTRIES = 40
_MAX_WORDS = 120


@dataclass(frozen=True)
class _Entry:
    """One line; of too many those of a low rank stay."""

    at: datetime
    text: str
    tags: tuple[str, ...] = ()
    rank: int = 0


def timeline(
    run: Run | None, candidates: Sequence[Candidate] = (), divergence: int | None = None
) -> str:
    """The entries in order; empty when nothing has a time. `divergence` is a step."""
    of_run = _of_run(run, divergence) if run else ()
    entries = [*of_run, *(_of_candidate(one) for one in candidates)]
    kept = sorted(_weightiest(entries), key=lambda entry: entry.at)
    shown = [_line(entry) for entry in kept]
    if len(entries) > len(kept):
        left_out = len(entries) - len(kept)
        shown.append(f"\n<!-- {left_out} calls left out; kb run show FIXTURE draws them all -->")
    return "\n".join(shown)


def _weightiest(entries: list[_Entry]) -> list[_Entry]:
    """As many entries as a page takes: those that say more than that a call went well first."""
    return sorted(entries, key=lambda entry: entry.rank)[:_MAX_ENTRIES]


def _of_run(run: Run, divergence: int | None) -> Iterator[_Entry]:
    if run.clocks.started is None:
        return
    asked = f"the run begins: {_code(run.trigger.text)}" if run.trigger.text else "the run begins"
    yield _Entry(run.clocks.started, asked, ("trigger",))
    failed = next((n for n, s in run.numbered() if isinstance(s, ToolCall) and s.failure), None)
    for number, call in _told_calls(run):
        at = time_of_step(call)
        if at is not None:
            tags = _tags(call, is_first_failure=number == failed, diverges=number == divergence)
            yield _Entry(at, _words(number, call), tags, _rank(call, tags))
    yield from _last_words(run)


def _told_calls(run: Run) -> Iterable[tuple[int, ToolCall]]:
    made = [(number, step) for number, step in run.numbered() if isinstance(step, ToolCall)]
    if len(made) <= _MAX_CALLS:
        return made
    return [(n, call) for n, call in made if call.effect.is_write or call.failure]


def _tags(call: ToolCall, *, is_first_failure: bool, diverges: bool) -> tuple[str, ...]:
    tags = ["warning"] if is_first_failure else []
    tags += ["divergence"] if diverges else []
    changes = call.succeeded and call.effect in {Effect.WRITE, Effect.DESTRUCTIVE}
    return tuple(tags + (["state-change"] if changes else []))


def _rank(call: ToolCall, tags: tuple[str, ...]) -> int:
    """Where a call stands when there is no room for all: failures, then changes, then the rest."""
    if call.failure or "divergence" in tags:
        return 0
    return 1 if tags else 2


def _words(number: int, call: ToolCall) -> str:
    made = _code(f"{call.tool} {arguments_text(call.arguments)}")
    if call.failure is not None:
        return f"step {number}: {made} fails: {_code(result_text(call))}"
    return f"step {number}: {made} {'succeeds' if call.is_answered else 'is not answered'}"


def _last_words(run: Run) -> Iterator[_Entry]:
    for number, step in reversed(tuple(run.numbered())):
        if isinstance(step, Message) and step.role == "assistant" and step.text:
            at = time_of_step(step)
            if at is not None:
                text = f"step {number}: the agent says {_code(step.text)}"
                yield _Entry(at, text)
            return


def _of_candidate(candidate: Candidate) -> _Entry:
    text = f"{_code(candidate.text)} (candidate, from {candidate.source})"
    return _Entry(candidate.at, text)


def _line(entry: _Entry) -> str:
    tags = "".join(f" [{tag}]" for tag in entry.tags)
    return f"- {entry.at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC — {entry.text}{tags}"


def _code(text: str) -> str:
    """Words of a trace as a code span: nothing in them is markup, a link or a tag."""
    plain = one_line(text).replace("`", "ˋ")
    plain = plain if len(plain) <= _MAX_WORDS else plain[: _MAX_WORDS - 1] + "…"
    return f"`{plain}`" if plain else "nothing"
