"""What are the analyses and the checkup worth on real runs? Tables beside constant baselines.

    python tests/bench/runs.py [DATA]

DATA is the folder of measuring data, by default that of `KB_DATA` or `../shared/data`.
"""

from __future__ import annotations

import json
import os
import random
import re
import resource
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import count
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

from kb.traces.analyses import ANALYSES, AnalysisContext  # noqa: E402
from kb.traces.analyses.divergence import divergence  # noqa: E402
from kb.traces.analyses.idempotency import repeats  # noqa: E402
from kb.traces.analyses.outcome_gap import unverified  # noqa: E402
from kb.traces.checkup.archive_files import trace_files  # noqa: E402
from kb.traces.checkup.examine import examine  # noqa: E402
from kb.traces.checkup.summary import check_up  # noqa: E402
from kb.traces.effects.call_failures import failure_of  # noqa: E402
from kb.traces.read_runs import ReadingSettings, read_runs  # noqa: E402
from kb.traces.run import (  # noqa: E402
    CONVENTIONS,
    SCHEMA,
    Effect,
    Message,
    Redaction,
    Run,
    RunClocks,
    Step,
    ToolCall,
)

from test_run_canaries import recall, replaced  # noqa: E402
from test_runs_analyses_measured import EFFECTS  # noqa: E402
from traces_made import (  # noqa: E402
    answered,
    asked,
    call,
    claude_row,
    codex_row,
    otlp_spans,
)

AIRLINE = "runs/tau-airline-gpt-4o-even-tasks.json"
WHO_WHEN = "runs/whowhen-algorithm-generated.jsonl"
LARGE_BYTES = 200_000_000
_CODE = re.compile(r"```(?:python|sh|bash)?\n(.*?)```", re.DOTALL)
_EXIT = re.compile(r"exitcode:\s*(\d+)")


def pass_over_everything(data: Path) -> None:
    """The checkup over all runs: time, memory, and what the ranking is worth."""
    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        files = trace_files([data / "runs"])
        done = check_up(examine(files, ReadingSettings(), Path(folder) / "state.jsonl"))
    seconds = time.perf_counter() - started
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"checkup, all of runs/: {done.runs} runs in {done.files} files, ", end="")
    print(f"{len(done.skipped)} skipped, {seconds:.1f} s, {megabytes:.0f} MB\n")


def throughput(data: Path) -> None:
    """Reading for a checkup beside msgspec alone decoding the same rows, on the same core."""
    print("reading JSONL for a checkup: MB/s of CPU time, and as a share of what msgspec")
    print("alone takes to decode the same rows; read, and looked at for signs")
    print(f"  {'recording':30} {'read':>6} {'share':>6} {'signs':>6} {'share':>6} {'peak MB':>8}")
    for name, rows in {
        "sessions of Claude Code": _claude_rows(),
        "rollouts of Codex": _codex_rows(),
        "chats, one a line": _chats(),
        "OTLP, one trace a line": _spans_of(_text(1)),
    }.items():
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "rows.jsonl"
            _fill(file, rows, "\n", "", THROUGHPUT_BYTES)
            print(_speed(name, file))
    print("  as others wrote them:")
    for file in sorted((data / "runs").rglob("*.jsonl"), key=lambda f: f.stat().st_size)[-3:]:
        print(_speed(file.stem[-30:], file))
    print()


def _speed(name: str, file: Path) -> str:
    """A row of the table: a file of 40 MB, or one that others wrote."""
    decoded, read, looked, megabytes = _measured(file)
    size = file.stat().st_size / 1e6
    speeds = (
        f"{size / read:6.1f} {decoded / read:6.3f} {size / looked:6.1f} {decoded / looked:6.3f}"
    )
    return f"  {name:30} {speeds} {megabytes:8.0f}"


_MEASURE = """
import sys, time, msgspec
from pathlib import Path
from kb.traces.checkup.run_facts import facts
from kb.traces.read_runs import ReadingSettings, read_runs
file = Path(sys.argv[1])
look = ReadingSettings(look_only=True)
def cpu(work):
    began = time.process_time(); work(); return time.process_time() - began
def decode():
    with file.open("rb") as rows:
        for row in rows: msgspec.json.decode(row)
def read():
    for run in read_runs(file, look): pass
def signs():
    for number, run in enumerate(read_runs(file, look), 1): facts(run, "f", number)
print(min(cpu(decode) for _ in "12"), min(cpu(read) for _ in "12"), cpu(signs))
print([line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM")][0])
"""


def _measured(file: Path) -> tuple[float, float, float, float]:
    """CPU seconds of decoding, of reading, of reading with signs, and peak megabytes."""
    command = [sys.executable, "-c", _MEASURE, str(file)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    decoded, read, looked, kilobytes = map(float, done.stdout.split())
    return decoded, read, looked, kilobytes / 1024


THROUGHPUT_BYTES = 40_000_000
_WORDS = ("refund", "order", "found", "paid", "checked", "with", "no", "tool", "left", "open")


def _text(number: int) -> str:
    """Words of a trace: most are short, some long, as outputs of tools are."""
    chance = random.Random(number)
    return " ".join(chance.choices(_WORDS, k=min(4_000, int(chance.lognormvariate(4.5, 1.2)))))


def _claude_rows() -> Iterator[str]:
    for number in count():
        tool = {"type": "tool_use", "id": f"t{number}", "name": "Bash"}
        asks = [{**tool, "input": {"command": f"run {number}"}}]
        answer = {"id": f"m{number}", "model": "m", "usage": {"input_tokens": 5}}
        result = {"type": "tool_result", "tool_use_id": f"t{number}", "content": _text(number)}
        more = {"cwd": "/srv", "timestamp": "2026-04-12T03:14:01Z"}
        yield json.dumps(claude_row("assistant", number, asks, message=answer) | more)
        yield json.dumps(claude_row("user", number, [result], toolUseResult="x") | more)


def _codex_rows() -> Iterator[str]:
    yield json.dumps(codex_row("session_meta", 0, id="s"))
    for number in count():
        asks = {"type": "function_call", "call_id": f"c{number}", "name": "exec"}
        yield json.dumps(codex_row("response_item", 1, **asks, arguments=f'{{"n": {number}}}'))
        ends = {"type": "function_call_output", "call_id": f"c{number}"}
        yield json.dumps(codex_row("response_item", 2, **ends, output=_text(number)))


def _chats() -> Iterator[str]:
    for number in count():
        system = {"role": "system", "content": _text(0) * 4}
        turns = [{"role": "user", "content": _text(number)}]
        for turn in range(number % 8):
            turns += [asked(call(turn, "look", {"n": turn})), answered(turn, _text(number + turn))]
        yield json.dumps({"id": f"r{number}", "messages": [system, *turns]})


def large_files() -> None:
    """Files of 200 MB and more: CPU seconds and peak memory, each in a process of its own.

    Of one value in one line, and of one run, the memory is given beside the size of the file; of
    many runs, line by line, it does not grow with the file.
    """
    note = "all is well " * 400
    files = {
        "OTLP, one trace a line": (_spans_of(note), "\n", "", LARGE_BYTES),
        "a list of runs, in one line": (_runs_of(note), ",", "[]", LARGE_BYTES),
        "one run, its messages in one line": (_messages_of(note), ",", "[]", LARGE_BYTES),
        "one run, an object in one line": (_object_of(note), ",", "", LARGE_BYTES),
        "one rollout of Codex": (_codex_rows(), "\n", "", ROLLOUT_BYTES),
        "chats, one a line": (_chats(), "\n", "", GIGABYTE),
    }
    print("large files: kb run COMMAND (CPU seconds, peak memory, times the file)")
    for name, (parts, between, brackets, most) in files.items():
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "large.jsonl"
            _fill(file, parts, between, brackets, most)
            size = file.stat().st_size / 1_048_576
            print(f"  {name}, {size:.0f} MB", flush=True)
            for command in _COMMANDS if most < GIGABYTE else _COMMANDS[1:]:
                seconds, megabytes = _used(file, command)
                times = megabytes / size
                print(f"    {command[0]:10} {seconds:6.1f} s {megabytes:5.0f} MB, {times:.1f} x")
    print()


ROLLOUT_BYTES = 225_000_000
GIGABYTE = 1_000_000_000
#: Each with what is written aside: an import writes the runs, a checkup of all is without a base.
_COMMANDS = (("import", "--json", "-o", "out"), ("checkup", "--quick", "--json"))


def _object_of(note: str) -> Iterator[str]:
    """One object whose list of messages is long: the parts are joined by commas."""
    yield '{"id": "r1", "messages": [' + next(parts := _messages_of(note))
    size = len(note)
    for part in parts:
        size += len(part)
        if size > LARGE_BYTES - 1_000_000:
            break
        yield part
    yield json.dumps({"role": "user", "content": "Thanks."}) + "]}"


def _fill(
    file: Path, parts: Iterator[str], between: str, brackets: str, most: int = LARGE_BYTES
) -> None:
    size = 0
    with file.open("w", encoding="utf-8") as stream:
        stream.write(brackets[:1])
        for number, part in enumerate(parts):
            size += stream.write((between if number else "") + part)
            if size > most:
                break
        stream.write(brackets[1:])


def _spans_of(note: str) -> Iterator[str]:
    for number in count():
        spans = [span | {"traceId": f"{number:032x}"} for span in otlp_spans(note)]
        yield json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]})


def _runs_of(note: str) -> Iterator[str]:
    for number in count():
        messages = [asked(call(1, "charge", {"n": number})), answered(1, note)]
        yield json.dumps({"id": f"r{number}", "messages": messages})


def _messages_of(note: str) -> Iterator[str]:
    for number in count():
        yield json.dumps(asked(call(number, "charge", {"n": number})))
        yield json.dumps(answered(number, note))


def _used(file: Path, command: tuple[str, ...]) -> tuple[float, float]:
    """CPU seconds and peak megabytes of a command on a file, those of its workers with them."""
    words = [sys.executable, "-m", "kb", "run", command[0], str(file), *command[1:]]
    with Path(os.devnull).open("wb") as nowhere:
        child = subprocess.Popen(words, stdout=nowhere, cwd=file.parent, env=_environment())
        _, status, used = os.wait4(child.pid, 0)
    assert status == 0
    return used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT)}


def canaries(data: Path) -> None:
    """How many planted secrets and people are found in each disguise, and what real runs lose."""
    print("redaction: canaries found, by disguise")
    for name, (found, planted) in recall().items():
        print(f"  {name:30} {found}/{planted}")
    for name in (AIRLINE, WHO_WHEN):
        runs = list(read_runs(data / name))
        lost = ", ".join(f"{kind} {number}" for kind, number in replaced(runs).most_common())
        told = f"replaced in {len(runs)} runs of {Path(name).stem}: {lost}"
        print(textwrap.fill(told, 80, initial_indent="  ", subsequent_indent="    "))
    print()


def ranking(data: Path) -> None:
    """The order of failing above passing runs, with and without the team's word on effects."""
    for name, effects in (("effects guessed by name", {}), ("effects named", EFFECTS)):
        settings = ReadingSettings(effects=effects)
        done = check_up(examine([data / AIRLINE], settings))
        base, hits = done.base_rate(), done.hit_rate()
        assert base is not None
        print(f"airline (the weights were set with these in view), {name}:")
        print(f"  base rate of failure {base.k}/{base.n}, ", end="")
        print(f"among the suspicious {hits.k}/{hits.n}")
        for worth in done.auc_estimates():
            print(f"  {worth.name:15} AUC {worth.auc:.3f} [{worth.low:.2f}–{worth.high:.2f}]")
    print()


def findings_beside_the_base_rate(data: Path) -> None:
    """How often runs with a finding failed, beside how often runs fail."""
    runs = list(read_runs(data / AIRLINE, ReadingSettings(effects=EFFECTS)))
    failed = sum(run.source["reward"] == 0 for run in runs)
    print(f"airline: failed {failed}/{len(runs)} (base rate)")
    tests: dict[str, Callable[[Run], bool]] = {
        "outcome gap with a claim": lambda run: bool((gap := unverified(run)) and gap.claim),
        "last write not read back": lambda run: unverified(run) is not None,
        "a write repeated": lambda run: bool(repeats(run)),
        "a write run twice": lambda run: any(r.ran > 1 for r in repeats(run)),
        "a call failed": lambda run: any(call.failure for call in run.calls),
        "any call that writes": lambda run: any(call.effect.is_write for call in run.calls),
    }
    for name, test in tests.items():
        with_it = [run for run in runs if test(run)]
        bad = sum(run.source["reward"] == 0 for run in with_it)
        share = f"{bad / len(with_it):.0%}" if with_it else "–"
        print(f"  {name:25} {len(with_it):3} runs, of these failed {bad:3} ({share})")
    print()


def partings(data: Path) -> None:
    """How often a failing run parts from a passing one of its task, beside two passing ones."""
    runs = list(read_runs(data / AIRLINE, ReadingSettings(effects=EFFECTS)))
    by_task: dict[str, list[Run]] = {}
    for run in runs:
        by_task.setdefault(run.task, []).append(run)
    for name, reward in (("failing against passing", 0.0), ("passing against passing", 1.0)):
        pairs = [
            divergence(run, other)
            for group in by_task.values()
            for run in group
            for other in group
            if run is not other
            and run.source["reward"] == reward
            and other.source["reward"] == 1
            and run.calls
            and other.calls
        ]
        parts = [
            sum(getattr(p, what) is not None for p in pairs) / len(pairs)
            for what in ("first", "first_tool", "first_write")
        ]
        print(f"airline, {name}: {len(pairs)} pairs")
        print(f"  part in any call {parts[0]:.0%}, in a tool {parts[1]:.0%}, ", end="")
        print(f"in a write {parts[2]:.0%}")
    print()


def who_and_when(data: Path) -> None:
    """The first finding of each analysis as a guess of the decisive step, beside constants."""
    rows = [json.loads(line) for line in (data / WHO_WHEN).read_text("utf-8").splitlines()]
    logs = [(_run(row), int(row["gold"]["step"])) for row in rows]
    print(f"who & when: the decisive step of {len(logs)} logs")
    print(f"  {'guess':30} {'made':>5} {'exact':>6} {'±1':>6}  {'exact, of those made':>20}")
    for name, guess in _guesses().items():
        made = [(guess(run), gold) for run, gold in logs]
        given = [(step, gold) for step, gold in made if step is not None]
        exact = sum(step == gold for step, gold in given) / len(logs)
        near = sum(abs(step - gold) <= 1 for step, gold in given) / len(logs)
        right = f"{exact * len(logs) / len(given):.2f}" if given else "–"
        print(f"  {name:30} {len(given):5} {exact:6.2f} {near:6.2f}  {right:>20}")
    chance = sum(1 / len(run.steps) for run, _ in logs) / len(logs)
    print(f"  {'any step, by chance':30} {len(logs):5} {chance:6.2f}\n")


def _guesses() -> dict[str, Callable[[Run], int | None]]:
    constants: dict[str, Callable[[Run], int | None]] = {
        "always step 0": lambda run: 0,
        "always step 1": lambda run: min(1, len(run.steps) - 1),
        "always the middle": lambda run: len(run.steps) // 2,
        "always the last": lambda run: len(run.steps) - 1,
    }
    predicted = {
        f"first finding: {row.name}": (lambda run, row=row: _first(run, [row])) for row in ANALYSES
    }
    return constants | predicted | {"first finding of any": lambda run: _first(run, ANALYSES)}


def _first(run: Run, rows: Sequence[object]) -> int | None:
    found = [f.step for row in rows for f in row.examine(run, AnalysisContext())]  # type: ignore[attr-defined]
    return min((step for step in found if step is not None), default=None)


def _run(row: dict[str, object]) -> Run:
    """A log as a run: what the terminal printed is the result of a call, the code its arguments."""
    steps: list[Step] = []
    code = ""
    for step in row["steps"]:  # type: ignore[attr-defined]
        text = str(step["content"])
        if step["agent"] == "Computer_terminal":
            steps.append(_executed(len(steps), code, text))
        else:
            code = "\n".join(_CODE.findall(text)) or code
            steps.append(Message(role="assistant", text=text, agent=str(step["agent"])))
    return Run(
        schema=SCHEMA,
        id=str(row["id"]),
        steps=tuple(steps),
        clocks=RunClocks(),
        redaction=Redaction(applied=True),
        conventions=CONVENTIONS,
    )


def _executed(number: int, code: str, text: str) -> ToolCall:
    code_of_exit = _EXIT.search(text)
    ended_badly = bool(code_of_exit and code_of_exit[1] != "0")
    failure = failure_of(f"Exit code: {code_of_exit[1]}\n{text}") if ended_badly else None
    return ToolCall(
        tool="execute",
        id=f"call-{number}",
        arguments=code,
        result=text,
        failure=failure,
        effect=Effect.READ,
    )


def labelled(data: Path) -> None:
    """What needs labels of people or sources: effects of commands, and the fitted score."""
    given_to = {
        "shell": "shell-labels.jsonl",
        "fit_checkup": "labelled-runs",
        "run_questions": "labelled-runs",
    }
    for bench, given in given_to.items():
        if not (data / given).exists():
            print(f"{bench}: not run, {given} is not in the measuring data\n")
            continue
        bench_file = ROOT / "tests" / "bench" / f"{bench}.py"
        subprocess.run([sys.executable, str(bench_file), str(data / given)], check=True)
        print()


if __name__ == "__main__":
    folder = Path(
        sys.argv[1] if len(sys.argv) > 1 else os.environ.get("KB_DATA", ROOT.parent / "shared/data")
    )
    pass_over_everything(folder)
    throughput(folder)
    canaries(folder)
    large_files()
    ranking(folder)
    findings_beside_the_base_rate(folder)
    partings(folder)
    who_and_when(folder)
    labelled(folder)
