"""The sections of a draft, as far as a run can fill them.

Nothing here is concluded: what a trace cannot prove stays the blank question of the form.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime

from kb.errors import KbError
from kb.records.blank_record import Prefill
from kb.sentences import clipped
from kb.terminal import plain
from kb.traces.analyses import Audit, audit
from kb.traces.analyses.calls_made import (
    arguments_text,
    calls,
    is_destruction,
    may_have_run,
    result_text,
)
from kb.traces.analyses.claims import claims
from kb.traces.analyses.divergence import divergence
from kb.traces.analyses.finding import AnalysisContext, one_line, time_of_step
from kb.traces.analyses.idempotency import KeyAudit, key_audits, repeats
from kb.traces.analyses.outcome_gap import last_write, unverified
from kb.traces.analyses.policy_path import actual_path
from kb.traces.canonical_json import sha256
from kb.traces.drafting.timeline_from_export import TimelineCandidate
from kb.traces.run import Effect, Event, Message, Run, ToolCall

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
    run: Run | None, candidates: Sequence[TimelineCandidate] = (), divergence: int | None = None
) -> str:
    """The entries in order; empty when nothing has a time. `divergence` is a step."""
    of_run = _of_run(run, divergence) if run else ()
    entries = [*of_run, *(_of_candidate(one) for one in candidates)]
    kept = sorted(_weightiest(entries), key=lambda entry: entry.at)
    shown = [_line(entry) for entry in kept]
    if len(entries) > len(kept):
        left_out = len(entries) - len(kept)
        shown.append(f"\n<!-- {left_out} entries left out; kb run show FIXTURE draws all calls -->")
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


def _of_candidate(candidate: TimelineCandidate) -> _Entry:
    text = f"{_code(candidate.text)} (candidate, from {candidate.source})"
    return _Entry(candidate.at, text)


def _line(entry: _Entry) -> str:
    tags = "".join(f" [{tag}]" for tag in entry.tags)
    return f"- {entry.at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC — {entry.text}{tags}"


def _code(text: str) -> str:
    """Words of a trace as a code span: nothing in them is markup, a link or a tag."""
    shown = clipped(one_line(text).replace("`", "ˋ"), _MAX_WORDS)
    return f"`{shown}`" if shown else "nothing"


_MAX_TOOLS = 20
_MAX_LOGGED = 60
_MAX_CLAIMS = 6
_MAX_MISSING = 12
_UNDECIDED = "# not from the trace: decide"


@dataclass(frozen=True)
class DraftEvidence:
    """A run with all that goes into a draft: a passing run, dated candidates, where the fixture is.

    `fixture` is the path as the record names it, empty when none is written.
    """

    run: Run
    passing: Run | None = None
    passing_name: str = ""
    candidates: tuple[TimelineCandidate, ...] = ()
    fixture: str = ""
    clocks: Mapping[str, datetime] = field(default_factory=dict)


def draft_title(run: Run) -> str:
    """A title that says what the trace proves, to be made better by a person."""
    name = run.agent.name or "An agent"
    found = [repeat for repeat in repeats(run) if repeat.ran + repeat.open > 1]
    if found:
        worst = max(found, key=lambda repeat: repeat.effect is not Effect.UNKNOWN)
        return one_line(f"{name} called {worst.tool} {len(worst.calls)} times with equal arguments")
    if destroyed := _destroyed(run):
        return one_line(f"{name} ran {destroyed}")
    gap = unverified(run)
    if gap is not None and gap.claim is not None:
        return one_line(f"{name} claimed the success of {gap.call.tool} and nobody looked")
    return one_line(f"{name}: run {run.id[:16]}")


def _destroyed(run: Run) -> str:
    """The first command that took something away beyond this machine: `terraform destroy`."""
    ran = (call for call in run.calls if is_destruction(call) and may_have_run(call))
    return next((call.effect_reason.partition(":")[0] or call.tool for call in ran), "")


def draft_day(run: Run) -> date:
    """The UTC day the run began. Raises `KbError` where the trace has no times."""
    if run.clocks.started is None:
        raise KbError(
            "the trace has no times, so nobody knows from it on which day this happened",
            where=run.provenance.file,
            todo="Name the UTC day of first impact: --date YYYY-MM-DD.",
        )
    return run.clocks.started.astimezone(UTC).date()


def draft_prefill(evidence: DraftEvidence, *, near_miss: bool = False) -> Prefill:
    """The front matter and the sections that the evidence fills."""
    run = evidence.run
    done = audit(run, AnalysisContext(evidence.passing))
    sections = {
        "timeline": timeline(run, evidence.candidates, _divergence_step(evidence)),
        "agent_path": _fenced(_agent_path(run)),
        "replay": _fenced(_replay(evidence, done)),
        "policy_path": _fenced(_policy_path(run, done)),
        "outcome_asserts": _fenced(_outcome_asserts(run)),
        "idempotency": _fenced(_idempotency(run)),
    }
    return Prefill(_front(evidence, near_miss=near_miss), {k: t for k, t in sections.items() if t})


def _front(evidence: DraftEvidence, *, near_miss: bool) -> dict[str, str]:
    run = evidence.run
    models = dict.fromkeys(m.model for m in run.messages if m.model)
    models = models or dict.fromkeys([run.state.request.model] if run.state.request.model else [])
    tools = list(dict.fromkeys(call.tool for call in run.calls))[:_MAX_TOOLS]
    agent = {
        "name": run.agent.name,
        "version": run.agent.version,
        "framework": run.agent.framework,
        "autonomy": "",
    }
    words = ", ".join(f"{key}: {_yaml(value or 'unknown')}" for key, value in agent.items())
    front = {
        "agent": f"{{{words}}}",
        "models": f"[{', '.join(map(_yaml, models))}]",
        "tools": f"[{', '.join(map(_yaml, tools))}]",
        "clocks": _clocks(run, evidence.clocks, near_miss=near_miss),
        "links": f"{{trace: {_yaml(run.id)}}}",
    }
    return front | _undecided(near_miss=near_miss)


def _undecided(*, near_miss: bool) -> dict[str, str]:
    """The keys that have no `unknown` and that no trace decides: first guesses, and said to be."""
    guesses = {
        "kind": "near-miss" if near_miss else "incident",
        "severity": "SEV3",
        "impact": "near-miss" if near_miss else "internal",
    }
    return {key: f"{word}  {_UNDECIDED}" for key, word in guesses.items()}


def _clocks(run: Run, from_tool: Mapping[str, datetime], *, near_miss: bool) -> str:
    known = {"route_start": run.clocks.started, "first_warning": run.clocks.first_failure}
    lines = [f"\n  {name}: {_time(at)}" for name, at in known.items() if at]
    asked = ["detected"] if near_miss else _ASKED_CLOCKS
    return "".join(lines) + clocks_yaml(from_tool, asked)


_ASKED_CLOCKS = ("first_impact", "detected", "contained")
_TOLD_CLOCK = "# as the incident tool has it: check"


def clocks_yaml(from_tool: Mapping[str, datetime], asked: Sequence[str] = _ASKED_CLOCKS) -> str:
    """The clocks a person is asked for as YAML, with the moments that an incident tool tells."""
    further = [name for name in from_tool if name not in asked]
    values = {name: f"{_time(at)}  {_TOLD_CLOCK}" for name, at in from_tool.items()}
    return "".join(f"\n  {name}: {values.get(name, 'unknown')}" for name in (*asked, *further))


def _agent_path(run: Run) -> list[str]:
    return [
        f"PROMPT_STATE: {_prompt(run)}",
        f"RETRIEVAL: {_events(run, 'retrieval')}",
        f"TOOL_LOG: {_tool_log(run)}",
        "TOOL_FAILURE_HANDLED:",
        "AFTER_TOOL_FAILURE:",
        f"INTERVENTIONS: {_interventions(run)}",
        f"OUTCOME: {_last_words_evidence(run)}",
        "DESIGN_APPROVED_BY:",
        "OPERATOR_SAW:",
    ]


def _prompt(run: Run) -> str:
    prompt = run.state.prompt
    parts = [part for part in (prompt.name, prompt.version) if part]
    digest = prompt.sha256 or (sha256(prompt.text.encode()) if prompt.text else "")
    parts += [f"sha256 {digest[:12]}"] if digest else []
    return ", ".join(parts) + f", see trace {run.id}" if parts else "not in the trace"


def _events(run: Run, kind: str) -> str:
    found = [n for n, s in run.numbered() if isinstance(s, Event) and s.kind == kind]
    return f"{len(found)} in the trace, first at step {found[0]}" if found else "none in the trace"


def _tool_log(run: Run) -> str:
    made = [f"{call.tool} {_ended(call)}" for call in run.calls]
    more = [f"and {len(made) - _MAX_LOGGED} more"] if len(made) > _MAX_LOGGED else []
    return " -> ".join(made[:_MAX_LOGGED] + more) or "no tool calls in the trace"


def _ended(call: ToolCall) -> str:
    if not call.is_answered:
        return "unanswered"
    return one_line(call.failure.type) if call.failure else "ok"


def _interventions(run: Run) -> str:
    people = [n for n, s in run.numbered() if isinstance(s, Message) and s.role == "user"][1:]
    refused = [n for n, s in run.numbered() if isinstance(s, Event) and s.kind == "permission"]
    parts = [f"{len(people)} further messages of the user"] if people else []
    parts += [f"{len(refused)} decisions on permissions"] if refused else []
    steps = ", ".join(map(str, sorted(people + refused)[:_MAX_MISSING]))
    return f"{', '.join(parts)} (steps {steps})" if parts else "none in the trace"


def _last_words_evidence(run: Run) -> str:
    parts = [m.text for m in run.messages if m.role == "assistant" and m.text]
    return f"the agent ended with {_quoted(parts[-1])}; judged by:" if parts else ""


def _replay(evidence: DraftEvidence, done: Audit) -> list[str]:
    run, able = evidence.run, done.replayability
    step = _divergence_step(evidence)
    lines = [f"FIXTURE: {evidence.fixture}", f"REPLAYABLE: {able.word}"]
    lines += [f"MISSING: {need.what}" for need in able.missing[:_MAX_MISSING]]
    lines += [f"SIDE_EFFECTS_ALREADY_RUN: {_already_run(run)}", "REPRODUCED:"]
    lines += [f"PASSING_RUN: {evidence.passing_name}"]
    return [*lines, f"DIVERGENCE_STEP: {'' if step is None else step}"]


def _already_run(run: Run) -> str:
    ran = [(n, c) for n, c in calls(run) if c.effect.is_write and may_have_run(c)]
    words = [f"{c.tool} (step {n}{'' if c.succeeded else ', may have run'})" for n, c in ran]
    more = [f"and {len(words) - _MAX_LOGGED} more"] if len(words) > _MAX_LOGGED else []
    return ", ".join(words[:_MAX_LOGGED] + more) or "none in the trace"


def _divergence_step(evidence: DraftEvidence) -> int | None:
    if evidence.passing is None:
        return None
    found = divergence(evidence.run, evidence.passing)
    first = found.first_tool or found.first
    return first.step if first else None


def _policy_path(run: Run, done: Audit) -> list[str]:
    path = " -> ".join(actual_path(run)[:_MAX_LOGGED]) or "no tool calls in the trace"
    broken = [f for f in done.findings if f.analysis == "policy-path" and f.step is not None]
    lines = [f"ALLOWED_POLICY: {'; '.join(run.policy)}", f"ACTUAL_PATH: {path}"]
    for finding in broken[:_MAX_MISSING]:
        at = f", {_time(finding.time)}" if finding.time else ""
        lines.append(f"EVIDENCE: step {finding.step}{at}: {finding.message}")
    return [*lines, *([] if broken else ["EVIDENCE:"]), "ROOT_CAUSE:", "POLICY_CAUSE:"]


def _outcome_asserts(run: Run) -> list[str]:
    """The claims nobody checked; none where the run read back what it had written."""
    gap, written = unverified(run), last_write(run)
    since = written[0] if gap is not None and written is not None else len(run.steps)
    lines: list[str] = []
    for claim in [claim for claim in claims(run) if claim.step > since][:_MAX_CLAIMS]:
        lines += [f"LLM_SAYS_IT_DID: {_quoted(claim.text)}", "OUTCOME_ASSERT: not checked"]
        lines += ["LATENCY_ASSERT:", "LATENCY_HELD:", "INTEGRITY_ASSERT:", "INTEGRITY_HELD:"]
        lines += ["ASSERTED_IN: nowhere"]
        lines += ["HELD: not-checked", ""]
    return lines[:-1]


def _idempotency(run: Run) -> list[str]:
    lines: list[str] = []
    for found in key_audits(run)[:_MAX_TOOLS]:
        lines += [*_audited(found), ""]
    return lines[:-1]


def _audited(found: KeyAudit) -> list[str]:
    hint = "the tool's schema says so"
    hinted = found.hinted_idempotent
    repeat = found.repeat
    remark = "1 call" if found.times == 1 else f"{found.times} calls"
    if repeat is not None:
        steps = ", ".join(map(str, repeat.steps))
        remark = f"{len(repeat.calls)} calls with equal arguments, steps {steps}"
    return [
        f"TOOL: {one_line(found.tool)}",
        f"WAS_THIS_CALL_IDEMPOTENT: {_answer(hinted)}{'' if hinted is None else f' ({hint})'}",
        "SHOULD_IT_HAVE_BEEN: unknown",
        f"KEY_PRESENT_IN_TOOL_SCHEMA: {_answer(found.in_schema)}",
        f"KEY_PRESENT_IN_AGENT_PROMPT: {_answer(found.in_prompt)}",
        f"KEY_PRESENT_IN_TRACE: {_answer(found.in_trace)} ({remark})",
        "KEY_PRESENT_IN_LIVE_TRACE: unknown",
        "DEDUPE_AT_API_LAYER: unknown",
        "DEDUPE_AT_DB_LAYER: unknown",
        "REAL_HARM_OCCURRED: unknown",
    ]


def _answer(value: bool | None) -> str:
    return "unknown" if value is None else "yes" if value else "no"


def _fenced(lines: Iterable[str]) -> str:
    """Evidence lines in their fence, each on one line; nothing from a trace closes it or adds one.

    Empty without lines.
    """
    text = "\n".join(plain(line).replace("```", "'''") for line in lines)
    return f"```evidence\n{text}\n```" if text else ""


def _quoted(text: str) -> str:
    return f"“{one_line(text)}”"


def _yaml(text: str) -> str:
    return json.dumps(one_line(text), ensure_ascii=False)


def _time(at: datetime) -> str:
    return at.astimezone(UTC).replace(microsecond=0).isoformat().replace("+00:00", "Z")
