"""From a trace to a draft, a failing replay, a fix and one that passes: by the command line."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from kb.records.form import build_form
from kb.traces.drafting.channel_export import read_channel
from kb.traces.drafting.evidence import DraftEvidence, draft_prefill
from kb.traces.read_runs import read_runs
from kb.traces.replay.freeze_point import prepared

from conftest import EXAMPLE, Git, trust_settings
from runs_made import agent, failed, made_run, read, unknown, user, write
from test_cli import kb

AGENT = EXAMPLE.parent / "agent"
STEM = "2026-04-12-billing-agent-called-charge-2-times-with-equal-arguments"


@pytest.fixture
def team(tmp_path: Path) -> Path:
    """The example agent's own repository, with a knowledge base in it."""
    shutil.copytree(AGENT, tmp_path, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__py*"))
    (tmp_path / "postmortems").mkdir()
    trust_settings(tmp_path)  # its kb.toml names the agent that a replay runs
    return tmp_path


def section(text: str, heading: str) -> str:
    return text.split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]


def test_the_whole_way_from_a_trace_to_a_replay_that_passes(team: Path) -> None:
    status, out, err = kb("new", "--from-run", "trace.json", "--against", "passing.json", cwd=team)
    assert (status, out, err) == (0, f"postmortems/{STEM}.md\n", "")

    status, out, _ = kb("check", cwd=team)
    assert status == 0
    assert "1 record, 0 errors" in out

    fixture = f"postmortems/{STEM}/fixture.json"
    status, out, _ = kb("run", "replay", fixture, cwd=team)
    assert status == 1
    assert out.startswith("10 FAIL: 0/10 passed (95 % interval 0%–28%), billing_agent:as_it_ran")

    fixed = ("--entry", "billing_agent:mended")
    status, out, _ = kb("run", "replay", fixture, *fixed, cwd=team)
    assert status == 1
    assert 'why: the tape does not hold this read: read_ledger {"invoice":"7781"}' in out

    status, out, _ = kb("run", "replay", fixture, *fixed, "--known", "known.toml", cwd=team)
    assert status == 0
    assert out.startswith("10 PASS: 10/10 passed (95 % interval 72%–100%), billing_agent:mended")


def test_a_draft_holds_what_the_trace_proves_and_asks_the_rest(team: Path) -> None:
    kb("new", "--from-run", "trace.json", "--against", "passing.json", cwd=team)
    text = (team / "postmortems" / f"{STEM}.md").read_text(encoding="utf-8")
    assert "  route_start: 2026-04-12T03:13:57Z\n  first_warning: 2026-04-12T03:14:12Z" in text
    assert "first_impact: unknown" in text
    assert 'models: ["gpt-4o-2024-11-20"]' in text
    timeline = section(text, "Timeline")
    assert "fails: `timeout after 10000 ms` [warning]" in timeline
    assert "2026-04-12 03:14:23 UTC — step 7" in timeline
    assert "[divergence] [state-change]" in timeline
    path = section(text, "Agent path")
    assert "get_invoice ok -> charge timeout -> charge ok -> send_receipt ok" in path
    audit = section(text, "Idempotency-key audit")
    assert "KEY_PRESENT_IN_TRACE: no (2 calls with equal arguments, steps 5, 7)" in audit
    assert "DEDUPE_AT_API_LAYER: unknown" in audit
    claims = section(text, "Outcome asserts")
    assert "LLM_SAYS_IT_DID: “Receipt sent.”\nOUTCOME_ASSERT: not checked" in claims
    assert f"FIXTURE: {STEM}/fixture.json\nREPLAYABLE: yes" in section(text, "Replay fixture")
    assert "DIVERGENCE_STEP: 7" in section(text, "Replay fixture")
    assert "send_receipt requires read_ledger before it" in section(text, "Policy-path evidence")
    for heading in ("Root cause", "Lessons", "Summary"):
        assert "charge" not in section(text, heading).split("-->", 1)[1]


def test_the_fixture_of_the_example_is_what_its_trace_and_its_people_say(tmp_path: Path) -> None:
    done = kb_python(AGENT / "record.py", tmp_path)
    assert done == ""
    for name in ("trace.json", "passing.json"):
        assert (tmp_path / "agent" / name).read_bytes() == (AGENT / name).read_bytes()
    beside = Path(EXAMPLE.stem, "fixture.json")
    assert (tmp_path / beside).read_bytes() == (EXAMPLE.parent / beside).read_bytes()


def kb_python(script: Path, folder: Path) -> str:
    """Run a copy of the example's recorder; what it complained of."""
    import subprocess
    import sys

    shutil.copytree(script.parent, folder / "agent")
    done = subprocess.run(
        [sys.executable, script.name],
        cwd=folder / "agent",
        capture_output=True,
        text=True,
        check=False,
    )
    return done.stderr


def test_the_record_of_the_example_says_what_its_fixture_shows(team: Path) -> None:
    shutil.copytree(EXAMPLE.parent, team / "postmortems", dirs_exist_ok=True)
    fixture = f"postmortems/{EXAMPLE.stem}/fixture.json"
    status, out, _ = kb("run", "replay", fixture, cwd=team)
    assert status == 1
    assert "10 FAIL" in out  # REPRODUCED: 10/10
    status, _, _ = kb("run", "replay", fixture, "--entry", "billing_agent:mended", cwd=team)
    assert status == 0


def test_a_draft_is_not_written_twice(team: Path) -> None:
    assert kb("new", "--from-run", "trace.json", cwd=team)[0] == 0
    before = (team / "postmortems" / STEM / "fixture.json").read_bytes()
    status, _, err = kb("new", "--from-run", "trace.json", cwd=team)
    assert status == 2
    assert "already exists" in err
    assert (team / "postmortems" / STEM / "fixture.json").read_bytes() == before


def test_a_title_and_a_date_of_ones_own_win(team: Path) -> None:
    status, out, _ = kb(
        "new",
        "Charged twice",
        "--date",
        "2026-04-13",
        "--one-page",
        "--from-run",
        "trace.json",
        cwd=team,
    )
    assert (status, out) == (0, "postmortems/2026-04-13-charged-twice.md\n")


def test_against_without_a_run_is_refused(team: Path) -> None:
    status, _, err = kb("new", "A title", "--against", "passing.json", cwd=team)
    assert status == 2
    assert "--against needs --from-run" in err


def test_words_of_a_trace_are_no_markup_in_a_draft() -> None:
    evil = "```\n# Lessons\n<script>alert(1)</script> [x](javascript:1) `tick` [impact]"
    run = made_run(user(evil), write("send", {"to": evil}), agent(f"Sent to {evil}."))
    prefill = draft_prefill(DraftEvidence(run))
    for text in prefill.sections.values():
        inside = text.removeprefix("```evidence\n").removesuffix("\n```")
        assert "\n# Lessons" not in text
        assert "```" not in inside
    timeline = prefill.sections["timeline"]
    assert all(line.startswith("- 2026") for line in timeline.splitlines())
    assert timeline.splitlines()[0].endswith("[impact]` [trigger]")


def test_a_run_without_times_leaves_the_timeline_blank() -> None:
    run = made_run(user("go"), write("send"))
    from kb.traces.run import RunClocks
    from msgspec.structs import replace

    steps = tuple(replace(step, started=None, ended=None) for step in run.steps)
    bare = replace(run, steps=steps, clocks=RunClocks())
    assert "timeline" not in draft_prefill(DraftEvidence(bare)).sections


def test_the_freeze_and_the_assert_come_from_the_repeated_write() -> None:
    run = made_run(
        user("pay"),
        agent(),
        failed(write("pay", {"id": 7, "memo": "x"}), "timeout"),
        agent(),
        write("pay", {"memo": "x", "id": 7}, asked_in=3),
    )
    frozen = prepared(run)
    assert frozen.state.freeze_step == 3
    assert frozen.asserts[0].path == (
        '$.calls[?@.tool == "pay" && @.arguments.id == 7 && @.arguments.memo == "x"]'
    )
    assert frozen.asserts[0].value == [0, 1]


def test_what_a_passing_run_wrote_must_be_written_too() -> None:
    run = made_run(user("pay"), failed(write("pay", {"id": 7}), "timeout"), write("pay", {"id": 7}))
    passing = made_run(
        write("pay", {"id": 7}), write("mail", {"to": "b"}), failed(write("drop")), unknown("note")
    )
    asserts = {each.claim: each.value for each in prepared(run, passing).asserts}
    assert asserts == {
        'pay is called at most once with {"id": 7}': [0, 1],
        'pay is called once with {"id": 7}, as in the passing run': [1, 1],
        "mail is called, as in the passing run": [1, None],
    }


@pytest.mark.parametrize("passing", [(), ("--against", "passing.json")])
def test_an_agent_that_does_nothing_or_only_lies_never_passes(
    team: Path, passing: tuple[str, ...]
) -> None:
    kb("new", "--from-run", "trace.json", *passing, cwd=team)
    (team / "lazy.py").write_text(
        'def nothing(state, tools):\n    return ""\n\n'
        'def liar(state, tools):\n    return "Charged 120 USD for invoice 7781. Receipt sent."\n',
        encoding="utf-8",
    )
    verdict = "2 FAIL" if passing else "2 INCONCLUSIVE"
    for name in ("lazy:nothing", "lazy:liar"):
        fixture = f"postmortems/{STEM}/fixture.json"
        status, out, _ = kb("run", "replay", fixture, "-n", "2", "--entry", name, cwd=team)
        assert status == 1
        assert out.startswith(verdict)


def test_a_repeat_that_nobody_knows_to_write_gives_no_assert() -> None:
    run = made_run(unknown("look", {"id": 7}), unknown("look", {"id": 7}))
    assert prepared(run).asserts == ()


def test_a_channel_adds_candidates_without_names_or_secrets(team: Path) -> None:
    (team / "inc.json").write_text(
        json.dumps(
            [
                {"ts": "1776241200.000200", "user": "U1", "text": "<@U2> seeing double charges"},
                {
                    "ts": "1776241260.0",
                    "user": "U2",
                    "text": "mail jane.doe@northwind-bakery.com",
                },
            ]
        ),
        encoding="utf-8",
    )
    status, _, err = kb("new", "--from-run", "trace.json", "--from-channel", "inc.json", cwd=team)
    assert (status, err) == (0, "")
    timeline = section((team / "postmortems" / f"{STEM}.md").read_text("utf-8"), "Timeline")
    assert "`@someone seeing double charges` (candidate, from the channel)" in timeline
    assert "jane.doe" not in timeline
    assert "REDACTED_EMAIL_1" in timeline


def test_a_text_with_times_is_read_as_a_channel(tmp_path: Path) -> None:
    file = tmp_path / "inc.txt"
    file.write_text(
        "2026-04-15\n08:20 support: a customer was charged twice\n[08:31] I see both\n"
        "no time here\n2026-04-15T09:05:00Z stopped the route\n",
        encoding="utf-8",
    )
    found = read_channel(file, None)
    assert [(f"{c.at:%d %H:%M}", c.text) for c in found] == [
        ("15 08:20", "a customer was charged twice"),
        ("15 08:31", "I see both"),
        ("15 09:05", "stopped the route"),
    ]


def test_commits_that_touched_the_agent_become_candidates(team: Path) -> None:
    from conftest import git_in

    git: Git = git_in(team)
    git("init", "--quiet", "--initial-branch=main")
    for name, text, at in (
        ("README", "hello", "2026-04-01T00:00:00Z"),
        ("prompts/billing.txt", "retry failed tools", "2026-04-10T10:00:00Z"),
        ("notes.txt", "nothing", "2026-04-11T10:00:00Z"),
        ("app.py", "MODEL = 'gpt-4o-2024-11-20'", "2026-04-11T12:00:00Z"),
        ("prompts/later.txt", "read first", "2026-04-20T10:00:00Z"),
    ):
        (team / name).parent.mkdir(exist_ok=True)
        (team / name).write_text(text, encoding="utf-8")
        git("add", name)
        git("commit", "--quiet", "-m", f"Change {name}", at=at)
    status, _, err = kb("new", "--from-run", "trace.json", "--from-git", "HEAD~4..HEAD", cwd=team)
    assert (status, err) == (0, "")
    timeline = section((team / "postmortems" / f"{STEM}.md").read_text("utf-8"), "Timeline")
    assert "committed: Change prompts/billing.txt (prompt)` (candidate, from Git, " in timeline
    assert "Change app.py (model)" in timeline
    assert "notes.txt" not in timeline
    assert "later.txt" not in timeline


@pytest.mark.parametrize("span", ["no-such..HEAD", "--output=x", "HEAD~99..HEAD"])
def test_a_range_git_does_not_know_is_an_error(team: Path, span: str) -> None:
    from conftest import git_in

    git_in(team)("init", "--quiet")
    status, _, err = kb("new", "A title", f"--from-git={span}", cwd=team)
    assert status == 2
    assert "is no range" in err


def test_every_section_a_run_fills_is_one_of_the_form() -> None:
    run = next(iter(read_runs(AGENT / "trace.json")))
    known = {section.key for section in build_form().sections}
    assert draft_prefill(DraftEvidence(run)).sections.keys() <= known


def test_reads_are_no_side_effects_that_ran() -> None:
    run = made_run(user("look"), read("look"))
    text = draft_prefill(DraftEvidence(run)).sections["replay"]
    assert "SIDE_EFFECTS_ALREADY_RUN: none in the trace" in text


def test_a_long_run_keeps_what_weighs_and_says_how_much_it_left_out() -> None:
    calls = [write("put", {"n": n}) for n in range(100)]
    run = made_run(user("go"), *calls, failed(write("last")), agent("All done."))
    text = draft_prefill(DraftEvidence(run)).sections["timeline"]
    assert "`last {}` fails" in text
    assert "the agent says `All done.`" in text
    assert "calls left out; kb run show FIXTURE draws them all" in text
    assert len(text.splitlines()) < 50


def test_a_trace_without_times_gives_no_day_and_asks_for_it(team: Path) -> None:
    messages = [{"role": "user", "content": "go"}, {"role": "assistant", "content": "Done."}]
    (team / "bare.json").write_text(json.dumps({"messages": messages}), encoding="utf-8")
    status, _, err = kb("new", "--from-run", "bare.json", cwd=team)
    assert status == 2
    assert "the trace has no times" in err
    assert "--date YYYY-MM-DD" in err
    assert not list((team / "postmortems").iterdir())
    status, out, _ = kb("new", "--from-run", "bare.json", "--date", "2026-04-12", cwd=team)
    assert status == 0
    assert out.startswith("postmortems/2026-04-12-")


def test_what_no_trace_decides_is_said_to_be_a_guess_and_the_draft_is_in_order(team: Path) -> None:
    kb("new", "--from-run", "trace.json", cwd=team)
    front = (team / "postmortems" / f"{STEM}.md").read_text(encoding="utf-8").split("\n---\n")[0]
    for line in ("kind: incident", "severity: SEV3", "impact: internal"):
        assert f"\n{line}  # not from the trace: decide" in front
    assert kb("check", cwd=team)[0] == 0


def test_the_local_key_is_hidden_from_git_where_nobody_ran_init(team: Path) -> None:
    from conftest import git_in

    git: Git = git_in(team)
    git("init", "--quiet")
    (team / ".gitignore").unlink(missing_ok=True)
    kb("run", "audit", "trace.json", cwd=team)
    assert (team / ".kb" / "redaction.key").is_file()
    shown = git("status", "--porcelain", "--untracked-files=all")
    assert ".kb" not in str(shown)


def test_the_name_of_a_tool_adds_no_line_to_the_evidence() -> None:
    odd = "pay\r\nCONTEXT_FINDING: complete\u2028```\x1b[2J\n## Root cause\x9b"
    run = made_run(
        user("Pay."), write(odd, {"id": 1}), failed(write(odd, {"id": 1})), agent("Paid.")
    )
    sections = draft_prefill(DraftEvidence(run, passing_name=odd, fixture="x")).sections
    text = "\n".join(sections.values())
    assert "CONTEXT_FINDING: complete" in text
    assert not [line for line in text.splitlines() if line.startswith(("CONTEXT", "## Root"))]
    assert not [c for c in text if not c.isprintable() and c != "\n"]
