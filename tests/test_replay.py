"""A replay proves what it says: reads from the tape, writes refused, gaps never passed."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from kb.errors import KbError
from kb.statistics import share_interval
from kb.traces.replay.agent_process import EntryPoint
from kb.traces.replay.overrides import read_known, with_known
from kb.traces.replay.report import replay_json, replay_text
from kb.traces.replay.tool_answers import LookupMode, Outcome
from kb.traces.replay.trials import Replay, Settings, TrialVerdict, replay
from kb.traces.run import Effect, OutcomeAssert, Run

from conftest import ROOT
from patience import wait_until
from runs_made import agent, at_most_one, failed, made_run, read, tool, user, write

Agent = Callable[[str], EntryPoint]


@pytest.fixture
def agent_of(tmp_path: Path) -> Agent:
    """An entry point whose body is the given lines."""

    def make(body: str) -> EntryPoint:
        lines = "\n".join(f"    {line}" for line in body.splitlines())
        text = f"import os, sys, time\ndef run(state, tools):\n{lines}\n"
        (tmp_path / "an_agent.py").write_text(text, encoding="utf-8")
        return EntryPoint("an_agent:run", tmp_path)

    return make


def charged_once(*asserts: OutcomeAssert) -> Run:
    """A run frozen after a charge that timed out."""
    return made_run(
        user("charge order 1"),
        agent(),
        failed(write("charge", {"order": 1}, "timeout"), "timeout"),
        agent(),
        read("ledger", {"order": 1}, "[1 charge]"),
        agent(),
        write("receipt", {"order": 1}),
        freeze_step=3,
        asserts=asserts or (at_most_one("charge"),),
        tools=(tool("search", Effect.READ),),
    )


def once(run: Run, entry: EntryPoint, **more: Any) -> Replay:
    return replay(run, Settings(entry, trials=1, seconds=more.pop("seconds", 20), **more))


def test_an_agent_that_repeats_the_write_fails_and_nothing_is_executed(agent_of: Agent) -> None:
    done = once(charged_once(), agent_of('return tools.call("charge", {"order": 1})'))
    trial = done.trials[0]
    assert trial.verdict is TrialVerdict.FAIL
    assert trial.attempts[0].outcome is Outcome.REFUSED
    assert trial.text.startswith("refused: this is a replay")


def test_an_agent_that_reads_first_passes_on_the_answer_of_the_tape(agent_of: Agent) -> None:
    done = once(charged_once(), agent_of('return tools.call("ledger", {"order": 1})'))
    assert done.trials[0].verdict is TrialVerdict.PASS
    assert done.trials[0].text == "[1 charge]"


def test_a_read_that_the_tape_does_not_hold_is_inconclusive_and_ends_the_trial(
    agent_of: Agent,
) -> None:
    body = 'try:\n    tools.call("search", {"q": 1})\nexcept Exception:\n    pass\nreturn "went on"'
    trial = once(charged_once(), agent_of(body)).trials[0]
    assert trial.verdict is TrialVerdict.INCONCLUSIVE
    assert trial.why == 'the tape does not hold this read: search {"q":1}'
    assert trial.text == ""


def test_a_write_that_the_tape_does_not_hold_is_never_passed(agent_of: Agent) -> None:
    trial = once(charged_once(), agent_of('return tools.call("refund", {"order": 1})')).trials[0]
    assert trial.verdict is TrialVerdict.INCONCLUSIVE
    assert "this write: refund" in trial.why


def test_a_tool_that_nobody_knows_is_refused(agent_of: Agent) -> None:
    trial = once(charged_once(), agent_of('return tools.call("mystery", {})')).trials[0]
    assert trial.attempts[0].outcome is Outcome.REFUSED


def test_what_is_broken_for_good_fails_even_if_a_gap_follows(agent_of: Agent) -> None:
    body = 'tools.call("charge", {"order": 1})\ntools.call("search", {"q": 1})'
    assert once(charged_once(), agent_of(body)).trials[0].verdict is TrialVerdict.FAIL


def test_an_answer_that_a_person_looked_up_is_served(agent_of: Agent, tmp_path: Path) -> None:
    known = tmp_path / "known.toml"
    known.write_text(
        '[[answers]]\ntool = "search"\narguments = { q = 1 }\nresult = "found"\n', encoding="utf-8"
    )
    run = with_known(charged_once(), read_known(known))
    trial = once(run, agent_of('return tools.call("search", {"q": 1})')).trials[0]
    assert (trial.verdict, trial.text) == (TrialVerdict.PASS, "found")


def test_a_read_from_before_a_write_is_not_served_after_it(agent_of: Agent) -> None:
    run = made_run(
        read("balance", {}, "100"),
        write("pay", {}),
        freeze_step=2,
        asserts=(at_most_one("pay"),),
    )
    trial = once(run, agent_of('return tools.call("balance", {})')).trials[0]
    assert trial.verdict is TrialVerdict.INCONCLUSIVE


def test_sequence_mode_serves_the_next_answer_and_says_that_it_drifted(agent_of: Agent) -> None:
    entry = agent_of('return tools.call("ledger", {"order": "one"})')
    assert once(charged_once(), entry).trials[0].verdict is TrialVerdict.INCONCLUSIVE
    done = once(charged_once(), entry, mode=LookupMode.SEQUENCE)
    assert done.trials[0].attempts[0].has_drift
    assert "1 of 1 trials got answers to other arguments" in replay_text(done)


def test_the_clock_is_the_one_of_the_tape(agent_of: Agent) -> None:
    body = (
        "began = time.time()\ntime.sleep(3600)\nslept = time.time() - began\n"
        'return f"{tools.now():%Y-%m-%d} {slept:.0f}"'
    )
    assert once(charged_once(), agent_of(body)).trials[0].text == "2026-04-12 3600"


def test_an_agent_that_hangs_is_ended_in_time(agent_of: Agent) -> None:
    trial = once(charged_once(), agent_of("while True: pass"), seconds=1).trials[0]
    assert trial.verdict is TrialVerdict.INCONCLUSIVE
    assert trial.why == "it did not end within 1 s"


@pytest.mark.skipif(sys.platform != "linux", reason="processes that leave their group: Linux")
def test_processes_an_agent_starts_do_not_outlive_the_trial(
    agent_of: Agent, tmp_path: Path
) -> None:
    body = (
        "for _ in range(5):\n"
        "    pid = os.fork()\n"
        "    if pid == 0:\n"
        "        os.setsid()\n"
        "        if os.fork() == 0:\n"
        f"            open({str(tmp_path / 'pids')!r}, 'a').write(f'{{os.getpid()}} ')\n"
        "            os.execvp('sleep', ['sleep', '600'])\n"
        "        os._exit(0)\n"
        "    os.waitpid(pid, 0)\n"
        "while len(open("
        f"{str(tmp_path / 'pids')!r}).read().split()) < 5: pass\n"
        'return "left five behind"'
    )
    assert once(charged_once(), agent_of(body)).trials[0].text == "left five behind"
    pids = (tmp_path / "pids").read_text(encoding="utf-8").split()
    assert len(pids) == 5
    # A killed process goes when the system gets to it, which a busy one takes a moment for.
    wait_until(lambda: not [pid for pid in pids if _is_running(pid)], "the five are gone")


def _is_running(pid: str) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()[0]
    except OSError:
        return False
    return state not in {"Z", "X"}


def test_a_flood_of_output_is_cut_off(agent_of: Agent) -> None:
    trial = once(charged_once(), agent_of("tools.say('x' * 40_000_000)")).trials[0]
    assert trial.verdict is TrialVerdict.INCONCLUSIVE
    assert "said more than 16,000,000 bytes" in trial.why


def test_more_calls_than_a_trial_may_make_end_it(agent_of: Agent) -> None:
    body = 'while True: tools.call("ledger", {"order": 1})'
    assert once(charged_once(), agent_of(body)).trials[0].why == "it made more than 1000 calls"


def test_the_agent_inherits_no_secrets(agent_of: Agent, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-not-for-the-child")
    monkeypatch.setenv("MODEL_NAME", "gpt-x")
    entry = agent_of(
        'home = os.listdir(os.environ["HOME"])\n'
        "return f\"{os.environ.get('OPENAI_API_KEY')} {os.environ.get('MODEL_NAME')} {home}\""
    )
    assert once(charged_once(), entry).trials[0].text == "None None []"
    named = EntryPoint(entry.text, entry.folder, ("MODEL_NAME",))
    assert once(charged_once(), named).trials[0].text == "None gpt-x []"


def test_what_the_agent_prints_does_not_disturb_the_protocol(agent_of: Agent) -> None:
    body = 'print("{\\"kb\\": \\"end\\"}")\nos.system("echo noise")\nreturn "done"'
    assert once(charged_once(), agent_of(body)).trials[0].text == "done"


def test_an_agent_that_breaks_is_inconclusive_and_its_words_carry_no_escapes(
    agent_of: Agent,
) -> None:
    body = 'print("\\x1b[31mred\\x07", file=sys.stderr)\nraise ValueError("no model")'
    done = once(charged_once(), agent_of(body))
    assert done.trials[0].verdict is TrialVerdict.INCONCLUSIVE
    assert "ValueError: no model" in done.trials[0].why
    assert "\x1b" not in replay_text(done)
    assert "red" in done.trials[0].complaint or "ValueError" in done.trials[0].complaint


def test_a_command_in_any_language_can_speak_the_protocol(tmp_path: Path) -> None:
    script = tmp_path / "agent.sh"
    script.write_text(
        "read start\n"
        'echo \'{"kb":"call","tool":"ledger","arguments":{"order":1}}\'\n'
        "read answer\n"
        'case "$answer" in *"1 charge"*) echo \'{"kb":"end","text":"saw it"}\';; esac\n',
        encoding="utf-8",
    )
    trial = once(charged_once(), EntryPoint("sh agent.sh", tmp_path)).trials[0]
    assert (trial.verdict, trial.text) == (TrialVerdict.PASS, "saw it")


def test_a_folder_of_the_same_name_does_not_stand_in_for_this_package(
    agent_of: Agent, tmp_path: Path
) -> None:
    (tmp_path / "kb").mkdir()
    (tmp_path / "kb" / "__init__.py").write_text("raise SystemExit('hijacked')", encoding="utf-8")
    trial = once(charged_once(), agent_of('return "fine"')).trials[0]
    assert trial.text == "fine"


def test_a_file_that_would_fill_the_disk_is_cut(agent_of: Agent, tmp_path: Path) -> None:
    body = "import resource\nreturn str(resource.getrlimit(resource.RLIMIT_FSIZE)[0])"
    assert once(charged_once(), agent_of(body)).trials[0].text == str(1 << 30)


def test_a_command_that_speaks_something_else_is_inconclusive(tmp_path: Path) -> None:
    trial = once(charged_once(), EntryPoint("echo hello", tmp_path)).trials[0]
    assert trial.verdict is TrialVerdict.INCONCLUSIVE
    assert "broke the protocol" in trial.why


def test_a_command_that_is_not_there_is_an_error_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(KbError, match="did not start") as caught:
        once(charged_once(), EntryPoint("no-such-program-here", tmp_path))
    assert "kb.toml" in caught.value.todo


def test_the_openai_loop_shows_frozen_state_and_answers(agent_of: Agent) -> None:
    entry = agent_of(
        "from kb.traces.replay import openai_loop\n"
        "def complete(messages):\n"
        "    if messages[-1]['content'] == '[1 charge]':\n"
        "        return {'role': 'assistant', 'content': ' '.join(m['role'] for m in messages)}\n"
        "    call = {'name': 'ledger', 'arguments': '{\"order\": 1}'}\n"
        "    return {'role': 'assistant', 'tool_calls': [{'id': 'a', 'function': call}]}\n"
        "return openai_loop(state, tools, complete, instructions='be careful')"
    )
    trial = once(charged_once(), entry).trials[0]
    assert trial.text == "system user assistant tool assistant tool"
    assert trial.verdict is TrialVerdict.PASS


def test_the_anthropic_loop_shows_frozen_state_and_answers(agent_of: Agent) -> None:
    entry = agent_of(
        "from kb.traces.replay import anthropic_loop\n"
        "def create(system, messages):\n"
        "    last = messages[-1]['content'][0]\n"
        "    if last.get('content') == '[1 charge]':\n"
        "        said = ' '.join(m['role'] for m in messages)\n"
        "        return {'content': [{'type': 'text', 'text': said}]}\n"
        "    use = {'type': 'tool_use', 'id': 'a', 'name': 'ledger', 'input': {'order': 1}}\n"
        "    return {'content': [{'type': 'text', 'text': 'looking'}, use]}\n"
        "return anthropic_loop(state, tools, create)"
    )
    trial = once(charged_once(), entry).trials[0]
    assert trial.text == "user assistant user assistant user"
    assert trial.verdict is TrialVerdict.PASS


@pytest.mark.parametrize(
    ("path", "operator", "value", "holds"),
    [
        ("$.text", "contains", "charge", True),
        ("$.text", "matches", r"\d charge", True),
        ("$.text", "==", "[1 charge]", True),
        ("$.text", "!=", "[1 charge]", False),
        ("$.attempted[*].tool", "==", "ledger", True),
        ("$.writes", "count", 1, True),
        ("$.writes[*]", "count", 0, True),
        ("$.writes[*]", "count", [1, None], False),
        ("$.writes[*]", "exists", False, True),
        ("$.calls[0].arguments.order", "<=", 1, True),
        ("$.calls[0].arguments.order", ">", "one", False),
    ],
)
def test_asserts_compare_what_stands_at_their_path(
    agent_of: Agent, path: str, operator: Any, value: Any, holds: bool
) -> None:
    each = OutcomeAssert(claim="a claim", path=path, operator=operator, value=value)
    trial = once(charged_once(each), agent_of('return tools.call("ledger", {"order": 1})')).trials[
        0
    ]
    assert trial.held[0].holds is holds


@pytest.mark.parametrize(
    ("path", "operator", "value"),
    [
        ("calls[", "==", 1),
        ('$[?match(@.a, "(a+)+b")]', "exists", True),
        ("$.text", "matches", "("),
        ("$.text", "count", "many"),
        ("$" + "[?@" * 600, "exists", True),
        ("$..*..*..*", "exists", True),
        ("$." + "a" * 3_000, "exists", True),
    ],
)
def test_an_assert_that_cannot_be_judged_is_named_before_anything_runs(
    agent_of: Agent, path: str, operator: Any, value: Any
) -> None:
    each = OutcomeAssert(claim="a claim", path=path, operator=operator, value=value)
    with pytest.raises(KbError, match="a claim"):
        once(charged_once(each), agent_of("raise SystemExit"))


def test_a_pattern_that_never_ends_is_stopped(agent_of: Agent) -> None:
    each = OutcomeAssert(
        claim="c", path="$.text", operator="matches", value=r"(.*)(.*)(.*)(.*)(.*)\1b$"
    )
    with pytest.raises(KbError, match="took longer"):
        once(charged_once(each), agent_of('return "b" + "a" * 300'))


def test_a_fixture_without_asserts_proves_nothing_and_is_refused(agent_of: Agent) -> None:
    run = made_run(user("hello"), freeze_step=1)
    with pytest.raises(KbError, match="no outcome asserts"):
        once(run, agent_of("return 1"))


def test_the_report_gives_k_of_n_with_an_interval(agent_of: Agent) -> None:
    entry = agent_of('return tools.call("charge" if state.trial == 2 else "ledger", {"order": 1})')
    done = replay(charged_once(), Settings(entry, trials=4))
    text = replay_text(done)
    assert text.startswith("3 PASS, 1 FAIL: 3/4 passed (95 % interval 30%–95%)")
    assert "trial 2: FAIL" in text
    assert "BROKEN: at most one charge (2 found)" in text
    answer = replay_json(done)
    assert (answer["passed"], answer["failed"], answer["n"]) == (3, 1, 4)


def test_equal_trials_are_said_to_prove_no_more_than_one(agent_of: Agent) -> None:
    entry = agent_of('return tools.call("ledger", {"order": 1})')
    assert "proves by N trials what it proves by one" in replay_text(
        replay(charged_once(), Settings(entry, trials=3))
    )


def test_the_interval_is_wilsons() -> None:
    assert share_interval(0, 10) == pytest.approx((0.0, 0.2775), abs=1e-4)
    assert share_interval(10, 10) == pytest.approx((0.7225, 1.0), abs=1e-4)
    assert share_interval(0, 0) is None


@pytest.mark.parametrize("text", ["[[asserts]]\nclaim = 1", "not toml", "surprise = 1"])
def test_a_file_of_known_facts_that_is_none_is_an_error(tmp_path: Path, text: str) -> None:
    file = tmp_path / "known.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(KbError, match="cannot be read"):
        read_known(file)


def test_a_read_from_after_a_write_that_the_trial_never_made_is_not_served(
    agent_of: Agent,
) -> None:
    run = made_run(
        read("invoice", {"id": 1}),
        failed(write("charge", {"id": 1}), "timeout"),
        write("charge", {"id": 1}),
        read("ledger", {"id": 1}, "committed"),
        freeze_step=2,
        asserts=(at_most_one("charge"),),
    )
    entry = agent_of('return tools.call("ledger", {"id": 1})')
    for mode in LookupMode:
        trial = once(run, entry, mode=mode).trials[0]
        assert trial.verdict is TrialVerdict.INCONCLUSIVE
        assert "has a write between the freeze and this read: ledger" in trial.why
        assert trial.text == ""


@pytest.mark.parametrize("words", ["", "Renewal complete: charged 120 USD. Receipt sent."])
def test_an_agent_that_attempts_nothing_passes_no_upper_bound(agent_of: Agent, words: str) -> None:
    trial = once(charged_once(), agent_of(f"return {words!r}")).trials[0]
    assert trial.verdict is TrialVerdict.INCONCLUSIVE
    assert trial.why == (
        "it attempted nothing, and no assert asks for anything: add one with --known"
    )


def test_doing_nothing_passes_where_an_assert_asks_for_words_and_gets_them(
    agent_of: Agent,
) -> None:
    refuses = OutcomeAssert(claim="it says no", path="$.text", operator="contains", value="cannot")
    run = charged_once(at_most_one("charge"), refuses)
    assert once(run, agent_of('return "I cannot"')).trials[0].verdict is TrialVerdict.PASS
    assert once(run, agent_of('return "Done"')).trials[0].verdict is TrialVerdict.FAIL


def test_doing_nothing_fails_where_an_assert_asks_for_a_call(agent_of: Agent) -> None:
    receipt = OutcomeAssert(
        claim="a receipt is sent",
        path='$.calls[?@.tool == "receipt"]',
        operator="count",
        value=[1, None],
    )
    assert once(charged_once(receipt), agent_of("return ''")).trials[0].verdict is TrialVerdict.FAIL


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ('$.callz[?@.tool == "charge"]', "did you mean 'calls'"),
        ('$.calls[?@.tools == "charge"]', "did you mean 'tool'"),
        ("$.calls[*].argument.order", "did you mean 'arguments'"),
        ("$['writes','txt']", "did you mean 'text'"),
        ("$.calls[?@.tool == $.txt]", "did you mean 'text'"),
        ("$.calls[?!(@.outcom)]", "did you mean 'outcome'"),
        ("$..tool", "a path begins with"),
        ("$", "a path begins with"),
    ],
)
def test_a_path_with_a_key_that_nothing_has_is_refused_and_not_held(
    agent_of: Agent, path: str, said: str
) -> None:
    each = OutcomeAssert(claim="a claim", path=path, operator="count", value=[0, 1])
    with pytest.raises(KbError, match="a claim") as caught:
        once(charged_once(each), agent_of('return ""'))
    assert said in caught.value.what


#: Made up, and put together here: no file holds them whole.
CANARIES = {
    "key": "sk-ant-api03-" + "A1b2C3d4E5" * 9 + "AA",
    "other_key": "sk_live_" + "51H8kQzVtR2mXwYcL9pNbGdE",
    "mail": "jane.doe@" + "acme-corp.com",
    "password": "hunter2" + "Hunter9",
}


@pytest.mark.parametrize(
    "body",
    [
        'return f"{key} and {mail}, password: {password} {other_key}"',
        'print(key, mail, file=sys.stderr)\nraise RuntimeError(f"{other_key} {mail}")',
        'print("." * 70_000 + key, file=sys.stderr)\nprint(mail, file=sys.stderr)\nos._exit(1)',
        'tools.call("charge", {"order": 1, "to": mail, "password": password})\nreturn password',
        'tools.call("search", {mail: [key, {"inner": other_key}]})',
        "tools.call(mail, {})",
        'tools.say(key)\nreturn "x " * 75 + key',
    ],
)
def test_what_an_agent_lets_slip_is_replaced_in_every_report(agent_of: Agent, body: str) -> None:
    said = OutcomeAssert(claim="says no", path="$.text", operator="==", value="no")
    tried = OutcomeAssert(claim="c", path="$.attempted[*].arguments", operator="==", value=1)
    values = "\n".join(f"{name} = {value!r}" for name, value in CANARIES.items())
    done = once(charged_once(said, tried), agent_of(f"{values}\n{body}"))
    for told in (replay_text(done), str(replay_json(done))):
        for value in CANARIES.values():
            assert value not in told
            assert value[:24] not in told
    assert "REDACTED_" in replay_text(done)


def test_one_value_has_one_placeholder_in_all_trials_and_what_is_allowed_stays(
    agent_of: Agent,
) -> None:
    mail = CANARIES["mail"]
    entry = agent_of(f'return f"trial {{state.trial}}: {{{mail!r}}} a@other-corp.com"')
    done = replay(charged_once(), Settings(entry, trials=2))
    texts = [trial["text"] for trial in replay_json(done)["trials"]]
    assert texts == [f"trial {n}: REDACTED_EMAIL_1 REDACTED_EMAIL_2" for n in (1, 2)]
    assert mail in replay_text(done, allow=("*@acme-corp.com",))


@pytest.mark.skipif(sys.platform != "linux", reason="environments under /proc: Linux")
def test_the_environment_of_the_parent_shows_nothing(agent_of: Agent, tmp_path: Path) -> None:
    agent_of(
        'parent = open(f"/proc/{os.getppid()}/environ", "rb").read()\n'
        'return f"{parent.strip(bytes(1))}"'
    )
    script = (
        "import os, subprocess, sys\n"
        "from pathlib import Path\n"
        "from test_replay import charged_once, once\n"
        "from kb.traces.replay.agent_process import EntryPoint\n"
        "entry = EntryPoint('an_agent:run', Path(sys.argv[1]))\n"
        "print(once(charged_once(), entry).trials[0].text)\n"
        "print(os.environ['OPENAI_API_KEY'])\n"
        "subprocess.run(['sh', '-c', 'echo $OPENAI_API_KEY'])\n"
    )
    done = subprocess.run(
        [sys.executable, "-u", "-c", script, str(tmp_path)],
        env=os.environ
        | {"OPENAI_API_KEY": "sk-not-for-the-child", "PYTHONPATH": f"{ROOT}:{ROOT / 'tests'}"},
        capture_output=True,
        text=True,
        check=False,
    )
    # Nothing to read, or nobody who may: but the process itself has what it had.
    said, own, inherited = done.stdout.splitlines() or [done.stderr, "", ""]
    assert said in {"b''", ""}
    assert (own, inherited) == ("sk-not-for-the-child", "sk-not-for-the-child")


def test_an_agent_that_takes_all_memory_is_stopped(agent_of: Agent) -> None:
    trial = once(
        charged_once(), agent_of("held = []\nwhile True: held.append(bytes(500_000_000))")
    ).trials[0]
    assert trial.verdict is TrialVerdict.INCONCLUSIVE
    assert "MemoryError" in trial.why


@pytest.mark.skipif(sys.platform != "linux", reason="not all limits are kept elsewhere")
def test_memory_processor_time_and_processes_of_an_agent_have_limits(agent_of: Agent) -> None:
    body = (
        "import resource\n"
        'kinds = ("DATA", "AS", "CPU", "NPROC")\n'
        'return " ".join(str(resource.getrlimit(getattr(resource, f"RLIMIT_{k}"))) for k in kinds)'
    )
    said = once(charged_once(), agent_of(body)).trials[0].text
    numbers = [int(word.strip("(),")) for word in said.split()]
    data, addresses, seconds, tasks = numbers[::2]
    assert numbers[::2] == numbers[1::2]
    assert (data, addresses) == (4 << 30, 64 << 30)
    assert 20 <= seconds <= 20 * (os.cpu_count() or 1) + 1
    assert 512 < tasks < 200_000
