"""Whose word counts for the effect of a call: the team, the command, the hints, the tables."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from kb.mcp.tools import TOOLS
from kb.traces.analyses.idempotency import repeats
from kb.traces.effects.call_effect import Effects, replay_policy
from kb.traces.run import Effect, EffectSource, ToolDefinition, Treatment

from traces_made import answered, asked, call, run_of


def of(tool: str, arguments: Any = None, format_name: str = "", **settings: Effect) -> Any:
    found = Effects(settings, format_name).of_call(tool, arguments)
    return found.effect, found.source


def test_a_shell_tool_does_what_its_command_does() -> None:
    assert of("Bash", {"command": "ls -la"}) == (Effect.READ, EffectSource.COMMAND)
    assert of("shell", {"command": ["bash", "-lc", "rm -rf x"]}) == (
        Effect.DESTRUCTIVE,
        EffectSource.COMMAND,
    )
    assert of("run_shell_command", {"command": "make x"}) == (Effect.UNKNOWN, EffectSource.NOBODY)
    assert of("Bash", {"command": "git checkout a.ts"}) == (Effect.DESTRUCTIVE, EffectSource.GUESS)


@pytest.mark.parametrize(
    ("script", "effect"),
    [
        ('const r = await tools.exec_command({"cmd":"ls -la","workdir":"/x"});\ntext(r);', "read"),
        ('await tools.exec_command({"workdir":"/x","cmd":"terraform destroy -f"})', "destructive"),
        ("await tools.exec_command({workdir: '/x', cmd: 'rm -rf \\'a b\\''})", "destructive"),
        ("tools.exec_command({cmd: `git push --force`})", "destructive"),
        ('tools.exec_command({"cmd":"ls"}); tools.apply_patch("*** Begin Patch")', "unknown"),
        ("Promise.all(all.map((cmd) => tools.exec_command({cmd})))", "unknown"),
        ('tools.exec_command({"cmd":"ls"}); tools.exec_command({"cmd":"rm x"})', "destructive"),
        ('tools.web__run({"open":[]})', "unknown"),
        ("tools.exec_command({cmd: 'ls' + ' && rm -rf /'})", "unknown"),
        ('tools.exec_command({cmd: "ls" + more})', "unknown"),
        ("tools.exec_command({cmd: `ls ${more}`})", "unknown"),
        ("tools.exec_command({cmd: `ls tools/`, workdir: '/x'})", "read"),
        ("tools.exec_command({cmd: 'ls'}); tools['exec_command']({cmd: all})", "unknown"),
        ("const run = tools; tools.exec_command({cmd: 'ls'}); run.exec_command(o)", "unknown"),
        ("tools.exec_command(given); log({cmd: 'ls'})", "unknown"),
        ("tools.exec_command({cmd: 'ls \\\\'}); tools.exec_command({cmd: 'rm x'})", "destructive"),
        ("""tools.exec_command({cmd: "ls '"}); tools.exec_command({cmd: "rm 'x"})""", "unknown"),
        ("tools.exec_command({justification: 'a cmd: \"ls\"', cmd: 'rm x'})", "destructive"),
    ],
)
def test_a_script_of_codex_does_what_the_commands_in_it_do(script: str, effect: str) -> None:
    assert of("exec", script, "codex")[0] == effect


def test_the_reason_of_a_command_is_kept() -> None:
    found = Effects().of_call("Bash", {"command": "cd x && git push -f"})
    assert found.reason == "git push: overwrites what the remote has"


def test_the_word_of_the_team_goes_before_the_command_and_names_commands_too() -> None:
    assert of("Bash", {"command": "rm x"}, Bash=Effect.WRITE) == (
        Effect.WRITE,
        EffectSource.SETTINGS,
    )
    settings = {"$ make deploy*": Effect.DESTRUCTIVE}
    found = Effects(settings).of_call("Bash", {"command": "make deploy-prod"})
    assert found.effect is Effect.DESTRUCTIVE
    assert "the team says so" in found.reason


@pytest.mark.parametrize(
    ("tool", "format_name", "effect"),
    [
        ("Read", "claude-code", Effect.READ),
        ("Edit", "claude-code", Effect.WRITE),
        ("update_plan", "codex", Effect.READ),
        ("apply_patch", "codex", Effect.WRITE),
        ("mcp__github__delete_file", "claude-code", Effect.DESTRUCTIVE),
        ("mcp__plugin_playwright__browser_snapshot", "claude-code", Effect.READ),
        ("filesystem__write_file", "codex", Effect.DESTRUCTIVE),
        ("github-mcp-server-get_me", "otlp", Effect.READ),
    ],
)
def test_tools_of_known_agents_and_servers_are_known(
    tool: str, format_name: str, effect: Effect
) -> None:
    assert of(tool, {}, format_name) == (effect, EffectSource.TABLE)


def test_our_own_look_ups_are_reads_whatever_the_server_is_called() -> None:
    for tool in (tool.name for tool in TOOLS):
        assert of(f"mcp__incidents__{tool}") == (Effect.READ, EffectSource.TABLE)


def test_a_name_alone_is_a_guess_and_no_replay_answers_it_from_the_tape() -> None:
    assert of("read_file", {"path": "a"}, "otlp") == (Effect.READ, EffectSource.GUESS)
    assert replay_policy(Effect.READ, EffectSource.GUESS) is Treatment.FORBID
    assert replay_policy(Effect.READ, EffectSource.COMMAND) is Treatment.MOCK


def test_a_name_that_agents_use_for_different_things_says_nothing() -> None:
    assert of("edit_file", {}, "otlp")[0] is Effect.WRITE
    assert of("task", {}, "otlp") == (Effect.UNKNOWN, EffectSource.NOBODY)
    assert of("refund", {}, "otlp") == (Effect.UNKNOWN, EffectSource.NOBODY)


def test_a_patch_that_removes_a_file_is_destructive() -> None:
    patch = "*** Begin Patch\n*** Delete File: a.py\n*** End Patch"
    assert of("apply_patch", {"input": patch}, "codex")[0] is Effect.DESTRUCTIVE


def test_hints_in_a_trace_go_before_the_tables() -> None:
    definition = ToolDefinition(name="read_file", annotations={"readOnlyHint": False})
    found = Effects({}, "otlp").of_call("read_file", {}, definition)
    assert (found.effect, found.source) == (Effect.DESTRUCTIVE, EffectSource.HINT_DEFAULTS)


def test_a_run_carries_the_effect_of_each_command_with_its_reason(tmp_path: Path) -> None:
    messages = [
        {"role": "user", "content": "Tidy up."},
        asked(call(1, "bash", {"command": "terraform destroy -auto-approve"})),
        answered(1, "Destroy complete! Resources: 12 destroyed."),
    ]
    (made,) = run_of(tmp_path, {"id": "r", "messages": messages}).calls
    assert (made.effect, made.effect_source) == (Effect.DESTRUCTIVE, EffectSource.COMMAND)
    assert made.effect_reason == "terraform destroy: destroys the resources of the configuration"


def test_a_process_that_is_ended_again_harms_nothing_more(tmp_path: Path) -> None:
    ends = {"command": "pkill -f app.py"}
    turns = [turn for n in (1, 2) for turn in (asked(call(n, "Bash", ends)), answered(n, ""))]
    (repeat,) = repeats(run_of(tmp_path, {"messages": [{"role": "user", "content": "x"}, *turns]}))
    assert repeat.is_harmless


@pytest.mark.parametrize(
    ("tool", "arguments", "effect"),
    [
        ("python_interpreter", {"code": "import shutil\nshutil.rmtree('/srv')"}, "destructive"),
        ("execute_ipython_cell", {"code": "import os; os.system('rm -rf /srv')"}, "destructive"),
        ("run_ipython", {"code": "x = 1\n!rm -rf /srv"}, "destructive"),
        ("run_ipython", {"code": "%%bash\nls\ngit push --force"}, "destructive"),
        ("run_ipython", {"code": "!ls"}, "read"),
        ("code_interpreter", "print(1)", "unknown"),
        ("js_repl", "require('fs').rmSync('/srv', {recursive: true})", "destructive"),
        ("run_ipython", {"code": "print(1)\nEND_OF_CELL\nrm x"}, "unknown"),
        ("a_tool", {"code": "import shutil\nshutil.rmtree('/srv')"}, "unknown"),
    ],
)
def test_the_code_of_a_cell_is_read_as_the_program_it_is(
    tool: str, arguments: Any, effect: str
) -> None:
    assert Effects().of_call(tool, arguments).effect.value == effect
