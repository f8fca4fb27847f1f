"""From a trace to a draft, a failing replay, a fix and one that passes: by the command line."""

from __future__ import annotations

import json
import shutil
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from kb.errors import KbError
from kb.records.form import build_form
from kb.traces.drafting.draft_sections import DraftEvidence, draft_prefill
from kb.traces.drafting.timeline_from_export import read_channel
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


def lines_of(tmp_path: Path, text: str, **more: Any) -> list[tuple[str, str]]:
    """The lines of a text on the 15th: their times in UTC, and what they say."""
    file = tmp_path / "inc.txt"
    file.write_text(text, encoding="utf-8")
    found = read_channel(file, date(2026, 4, 15), **more)
    return [(f"{c.at:%d %H:%M}", c.text) for c in found.candidates]


def test_a_text_with_times_is_read_as_a_channel(tmp_path: Path) -> None:
    text = (
        "2026-04-15\n08:20 support: a customer was charged twice\n[08:31] I see both\n"
        "no time here\n2026-04-15T09:05:00Z stopped the route\n"
    )
    assert lines_of(tmp_path, text, zone="UTC") == [
        ("15 08:20", "a customer was charged twice"),
        ("15 08:31", "I see both"),
        ("15 09:05", "stopped the route"),
    ]


PASTED = """Tuesday, April 14th
Jane Doe  11:59 PM
double charges
again
Wednesday, April 15th
Jane Doe  1:00 AM
still there
1:02
I stop the route
PagerDuty APP  [12:05 PM]
resolved
"""


def test_a_pasted_chat_has_names_and_bare_minutes_above_its_words(tmp_path: Path) -> None:
    assert lines_of(tmp_path, PASTED, zone="Europe/Berlin") == [
        ("14 21:59", "double charges again"),
        ("14 23:00", "still there"),
        ("14 23:02", "I stop the route"),
        ("15 10:05", "resolved"),
    ]


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        (PASTED, "('11:59 PM', line 2)"),
        ("08:20 UTC one\n08:31 two\n", "('08:31', line 2)"),
        ("2026-04-15 08:20 one\n", "('08:20', line 1)"),
        ('[{"timestamp": "2026-04-15T08:20:00", "text": "one"}]', "('2026-04-15T08:20:00'"),
    ],
)
def test_a_clock_time_asks_for_its_zone(text: str, seen: str, tmp_path: Path) -> None:
    with pytest.raises(KbError) as caught:
        lines_of(tmp_path, text)
    assert f"gives clock times without a zone {seen}" in caught.value.what
    assert "--zone UTC, --zone +02:00 or --zone Europe/Berlin" in caught.value.todo
    assert lines_of(tmp_path, text, zone="+02:00") != lines_of(tmp_path, text, zone="UTC")


def test_a_zone_that_a_text_names_is_not_asked_for(tmp_path: Path) -> None:
    text = "All times are UTC\n08:20 one\n2026-04-15 08:21 PDT two\n2026-04-15 11:22+02:00 three\n"
    assert lines_of(tmp_path, text) == [
        ("15 08:20", "one"),
        ("15 09:22", "three"),
        ("15 15:21", "two"),
    ]
    with pytest.raises(KbError, match="'Mars' is no time zone"):
        lines_of(tmp_path, text, zone="Mars")


def test_alerts_of_bots_are_lines_and_joins_are_none(team: Path) -> None:
    fields = [{"title": "service", "value": "pay"}]
    rich = [{"type": "text", "text": "ask "}, {"type": "user", "user_id": "U1"}]
    blocks = [
        {"type": "header", "text": {"type": "plain_text", "text": "Incident declared"}},
        {"type": "section", "text": {"type": "mrkdwn", "text": "SEV1"}},
        {"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": rich}]},
    ]
    rows = [
        {"ts": "1776241200.1", "subtype": "channel_join", "text": "<@U1> has joined"},
        {"ts": "1776241260.2", "subtype": "bot_message", "text": "", "attachments": [
            {"title": "HighErrorRate", "text": "5xx above 5 %", "fields": fields}]},
        {"ts": "1776241320.3", "text": "", "blocks": blocks},
    ]  # fmt: skip
    (team / "inc.json").write_text(json.dumps(rows), encoding="utf-8")
    asked = ("new", "Charged twice", "--one-page", "--from-channel", "inc.json")
    status, out, err = kb(*asked, "--date", "2026-04-15", cwd=team)
    assert (status, err) == (
        0,
        "the channel: 1 message left out: about the channel itself (joins, leaves)\n",
    )
    timeline = section((team / out.strip()).read_text("utf-8"), "Timeline")
    assert [line for line in timeline.splitlines() if line.startswith("- ")] == [
        "- 2026-04-15 08:21:00 UTC — `HighErrorRate · 5xx above 5 % · service: pay`"
        " (candidate, from the channel)",
        "- 2026-04-15 08:22:00 UTC — `Incident declared · SEV1 · ask @someone`"
        " (candidate, from the channel)",
    ]


def log_entry(kind: str, time: str, text: str, person: str = "") -> dict[str, Any]:
    agent = {"type": "user_reference", "summary": person}
    at = f"2026-04-15T{time}:00Z"
    return {"type": f"{kind}_log_entry", "created_at": at, "summary": text, "agent": agent}


def moment(name: str, time: str) -> dict[str, Any]:
    return {
        "incident_timestamp": {"name": name},
        "value": {"value": f"2026-04-15T{time}:00Z"},
    }


INCIDENTS: dict[str, tuple[Any, list[str], dict[str, str]]] = {
    "PagerDuty": (
        {"log_entries": [
            log_entry("resolve", "09:22", "Resolved by Laura Haley", "Laura Haley"),
            log_entry("acknowledge", "08:22", "Acknowledged by Laura Haley", "Laura Haley"),
            log_entry("trigger", "08:20", "Triggered through the API"),
        ]},
        ["Triggered through the API", "Acknowledged by someone", "Resolved by someone"],
        {"detected": "08:20", "acknowledged": "08:22", "resolved": "09:22"},
    ),
    "incident.io": (
        {"incidents": [{"reference": "INC-1", "incident_status": {"name": "Closed"},
                        "name": "Charged twice", "created_at": "2026-04-15T08:21:00Z",
                        "incident_timestamp_values": [
                            moment("Impact started", "08:00"), moment("Reported at", "08:20"),
                            moment("Fixed at", "08:50")]}],
         "incident_updates": [{"incident_id": "1", "created_at": "2026-04-15T08:40:00Z",
                               "message": "rolled back",
                               "new_incident_status": {"name": "Monitoring"}}]},
        ["Impact started", "Reported at", "declared: Charged twice", "Monitoring: rolled back",
         "Fixed at"],
        {"first_impact": "08:00", "detected": "08:20", "contained": "08:50"},
    ),
    "FireHydrant": (
        {"id": "x", "milestones": [
            {"type": "started", "occurred_at": "2026-04-15T08:00:00Z"},
            {"type": "detected", "occurred_at": "2026-04-15T08:10:00Z"},
            {"type": "mitigated", "occurred_at": "2026-04-15T08:30:00Z"}],
         "events": [{"type": "chat_message", "occurred_at": "2026-04-15T08:15:00Z",
                     "data": {"body": "seeing it"}}]},
        ["started", "detected", "chat message: seeing it", "mitigated"],
        {"first_impact": "08:00", "detected": "08:10", "contained": "08:30"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("tool", INCIDENTS)
def test_incidents_of_tools_give_dated_lines_and_clocks(tool: str, team: Path) -> None:
    value, texts, clocks = INCIDENTS[tool]
    (team / "inc.json").write_text(json.dumps(value), encoding="utf-8")
    found = read_channel(team / "inc.json", None)
    assert [(one.text, one.source) for one in found.candidates] == [(t, tool) for t in texts]
    assert {name: f"{at:%H:%M}" for name, at in found.clocks.items()} == clocks
    asked = ("new", "Charged twice", "--from-channel", "inc.json", "--date", "2026-04-15")
    status, out, _ = kb(*asked, cwd=team)
    assert status == 0
    text = (team / out.strip()).read_text("utf-8")
    for name, time in clocks.items():
        assert f"  {name}: 2026-04-15T{time}:00Z  # as the incident tool has it: check\n" in text
    assert "1 record, 0 errors" in kb("check", cwd=team)[1]


def test_commits_that_touch_nothing_of_the_agent_are_counted(team: Path) -> None:
    from conftest import git_in

    git: Git = git_in(team)
    git("init", "--quiet", "--initial-branch=main")
    for number in range(5):
        (team / "notes.txt").write_text(str(number), encoding="utf-8")
        git("add", "notes.txt")
        git("commit", "--quiet", "-m", f"Note {number}", at=f"2026-04-0{number + 1}T10:00:00Z")
    asked = ("new", "Charged twice", "--one-page", "--from-git", "HEAD~4..HEAD")
    status, out, err = kb(*asked, "--date", "2026-04-15", cwd=team)
    assert (status, err) == (
        0,
        "Git: 0 of 4 commits touch a prompt, a tool schema, a model or a permission\n",
    )
    assert (team / out.strip()).is_file()


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
    late = "Git: 1 of 4 commits touch a prompt, a tool schema, a model or a permission"
    assert (status, err) == (0, f"{late}, and came after the run began to write\n")
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
    assert "entries left out; kb run show FIXTURE draws all calls" in text
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
