"""`kb gate`: it blocks, it releases, and what it cannot read blocks it too."""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from kb.actions.close_and_sign_lines import add_sign_off
from kb.actions.gate_decision import decide_gate, open_gates
from kb.as_of import AsOf
from kb.errors import KbError
from kb.library import open_library
from kb.records.postmortem import SignOff

from conftest import EXAMPLE, ROOT, Git
from known_library import Promise, Story
from test_metrics_command import run  # noqa: F401 - a fixture

IMPACT = datetime(2026, 5, 1, 8, tzinfo=UTC)
AT = AsOf(datetime(2026, 6, 30, 12, tzinfo=UTC))
PATH = "postmortems/2026-05-01-incident.md"


def story(gate: str = "restart", **fields: object) -> Story:
    one = Story("2026-05-01-incident", IMPACT, promises=[Promise("A1", "do it", gate=gate)])
    for name, value in fields.items():
        setattr(one, name, value)
    return one


#: What makes the route known where the record under test does not count.
KNOWN = Story("2026-04-01-known", datetime(2026, 4, 1, tzinfo=UTC))


def put(folder: Path, one: Story, text: str | None = None) -> None:
    (folder / one.path).write_text(one.markdown() if text is None else text, encoding="utf-8")


def passes(folder: Path, gate: str = "restart", route: str = "refunds-agent") -> bool:
    return decide_gate(open_library(folder), route, gate, AT).passes


def test_the_gate_blocks_and_then_releases_over_two_commits(
    run: Any,  # noqa: F811
    git: Git,
    library_folder: Path,
) -> None:
    one = story()
    put(library_folder, one)
    git("add", "--all")
    git("commit", "--quiet", "-m", "published")
    status, out, _ = run(library_folder, "gate", "refunds-agent")
    assert status == 1
    assert out.startswith("BLOCKED  refunds-agent: 1 restart condition is open\n")
    assert "2026-05-01-incident#A1" in out
    run(library_folder, "actions", "close", "2026-05-01-incident#A1", "--on", "2026-05-20")
    git("add", "--all")
    git("commit", "--quiet", "-m", "kept")
    status, out, _ = run(library_folder, "gate", "refunds-agent")
    assert (status, out.split()[0]) == (0, "CLEAR")
    assert run(library_folder, "gate", "refunds-agent", "--as-of", "HEAD~1")[0] == 1
    assert run(library_folder, "gate", "refunds-agent", "--as-of", "HEAD")[0] == 0


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (story(), False),
        (story(status="in-review"), False),
        (story(status="Published"), False),
        (story(status="draft"), True),
        (story(route="other-agent"), True),
        (story(route="Refunds-Agent"), False),
        (story(origin="public"), False),
        (story(origin="example"), True),
        (story(gate="rollout"), True),
        (story(route="refunds_agent"), False),
        (story(route="Refunds  agent"), False),
        (story(route="mail-agent, refunds-agent"), False),
        (story(route="mail-agent and refunds_agent"), False),
        (story(gate="Restart"), False),
        (story(gate="relaunch"), False),
        (story(promises=[Promise("A1", "do it", gate="restart", state="cancelled")]), False),
        (story(promises=[Promise("A1", "do it", gate="restart", state="closed")]), True),
        (story(promises=[]), True),
    ],
)
def test_which_conditions_hold_a_restart(library_folder: Path, one: Story, expected: bool) -> None:
    put(library_folder, KNOWN)
    put(library_folder, one)
    assert passes(library_folder) is expected


def test_a_rollout_has_conditions_of_its_own(library_folder: Path) -> None:
    put(library_folder, story(gate="rollout"))
    assert passes(library_folder, "restart")
    assert not passes(library_folder, "rollout")
    decision = decide_gate(open_library(library_folder), "refunds-agent", "restart", AT)
    assert [action.id for action in decision.elsewhere] == ["2026-05-01-incident#A1"]


ONE = story().markdown()
FRONT = "status: published\norigin: own"


@pytest.mark.parametrize(
    "text",
    [
        ONE.replace(FRONT, "status: [published\norigin: own"),
        ONE.replace("---\n# ", "# ", 1).replace("---", "", 1),
        ONE.replace("route: refunds-agent", "route: other-agent\nroute: refunds-agent"),
        ONE.replace("route: refunds-agent\n", ""),
        ONE.replace("route: refunds-agent", "route: [refunds-agent, other]"),
        ONE.replace("route: refunds-agent", "route: unknown"),
        ONE.replace("## Summary", "```text\n## Summary"),
        ONE.replace("- [ ] A1", "- [?] A1"),
        ONE.replace("- [ ] A1", "- [] A1"),
        ONE.replace("- [ ] A1", "- A1").replace(", gate: restart", ""),
        ONE.replace("- [ ] A1", "1. [ ] A1").replace(", gate: restart", ""),
        ONE.replace("- [ ] A1", "-[ ] A1").replace(", gate: restart", ""),
        ONE.replace("- [ ] A1", "- [] A1").replace(", gate: restart", ""),
        ONE.replace("- [ ] A1: ", "- ").replace(", gate: restart", ""),
        ONE.replace(", gate: restart", "; gate: restart"),
        ONE.replace("## Action items", "## Things we shall do"),
        ONE + "\n## Action items\n\n- [ ] A2: again — gate: restart\n",
        "\n" + ONE,
        "",
    ],
    ids=[
        "broken YAML",
        "no front matter",
        "two routes",
        "no route",
        "a list of routes",
        "an unknown route",
        "a fence left open",
        "a box of its own kind",
        "a box without a space",
        "a label without a box",
        "a number in place of a bullet",
        "a bullet without a space",
        "an empty box, and no gate",
        "an owner without a box",
        "a gate inside another value",
        "a section of another name",
        "a second action list",
        "a line before the front matter",
        "an empty file",
    ],
)
def test_the_gate_fails_closed(library_folder: Path, text: str) -> None:
    put(library_folder, KNOWN)
    put(library_folder, story(), text)
    assert not passes(library_folder)


def test_a_record_that_cannot_be_opened_shuts_the_gate_with_status_2(
    run: Any,  # noqa: F811
    library_folder: Path,
) -> None:
    (library_folder / "postmortems/2026-05-02-gone.md").symlink_to("/nowhere/at-all")
    status, out, _ = run(library_folder, "gate", "refunds-agent")
    assert status == 2
    assert "2026-05-02-gone.md:1" in out


def test_a_broken_draft_of_another_route_stops_nobody(library_folder: Path) -> None:
    other = story(id="2026-05-02-other", route="other-agent", status="draft")
    put(library_folder, KNOWN)
    put(library_folder, other, other.markdown().replace("## Summary", "```\n## Summary"))
    assert passes(library_folder)


def test_prose_about_gates_is_no_condition(library_folder: Path) -> None:
    one = story(promises=[Promise("A1", "add an approval gate: two people must say yes")])
    put(
        library_folder,
        one,
        one.markdown().replace("## Summary\n", "## Summary\n\nWe set gate: restart.\n"),
    )
    assert passes(library_folder)


def test_no_folder_of_records_is_no_clearance(run: Any, tmp_path: Path) -> None:  # noqa: F811
    assert run(tmp_path, "gate", "refunds-agent")[0] == 2
    (tmp_path / "kb.toml").write_text("", encoding="utf-8")
    assert run(tmp_path, "gate", "refunds-agent")[0] == 2


def test_a_slip_in_the_routes_name_is_no_clearance_and_the_nearest_is_said(
    run: Any,  # noqa: F811
    library_folder: Path,
) -> None:
    put(library_folder, story())
    status, out, _ = run(library_folder, "gate", "refund-agent")
    assert status == 2
    assert out.startswith("UNKNOWN ROUTE  refund-agent: no record names this route\n")
    assert "Did you mean 'refunds-agent'?" in out


def test_a_new_route_passes_only_where_that_was_asked_for(run: Any, library_folder: Path) -> None:  # noqa: F811
    assert run(library_folder, "gate", "new-agent")[0] == 2
    status, out, _ = run(library_folder, "gate", "new-agent", "--unknown-route", "pass", "--json")
    answer = json.loads(out)
    assert (status, answer["verdict"], answer["passes"]) == (0, "unknown-route", True)
    put(library_folder, story())
    assert run(library_folder, "gate", "refunds-agent", "--unknown-route", "pass")[0] == 1


def test_an_empty_route_is_a_slip_of_the_pipeline(run: Any, library_folder: Path) -> None:  # noqa: F811
    put(library_folder, KNOWN)
    status, _, err = run(library_folder, "gate", " ", "--unknown-route", "pass")
    assert (status, "ROUTE is empty" in err) == (2, True)


def test_a_condition_in_a_draft_is_said_and_makes_no_route_known(
    run: Any,  # noqa: F811
    library_folder: Path,
) -> None:
    put(library_folder, story(status="draft"))
    assert run(library_folder, "gate", "refunds-agent")[0] == 2
    put(library_folder, KNOWN)
    status, out, _ = run(library_folder, "gate", "refunds-agent")
    assert status == 0
    assert "Open in drafts, not counted before review: 2026-05-01-incident#A1" in out


@pytest.mark.parametrize(
    "name",
    [
        "billing.md",
        "2026-4-12-billing.md",
        "2026-05-01-x.markdown",
        "2026-05-01-x.MD",
        "sub/2026-05-01-x.md",
    ],
)
@pytest.mark.parametrize("is_past", [False, True])
def test_a_record_that_nobody_reads_for_its_name_shuts_the_gate(
    run: Any,  # noqa: F811
    git: Git,
    library_folder: Path,
    name: str,
    is_past: bool,
) -> None:
    put(library_folder, KNOWN)
    path = library_folder / "postmortems" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(story().markdown(), encoding="utf-8")
    git("add", "--all")
    git("commit", "--quiet", "-m", "published")
    asked = ("--as-of", "HEAD") if is_past else ()
    if is_past:
        path.unlink()
    status, out, _ = run(library_folder, "gate", "refunds-agent", *asked)
    assert status == 2
    assert f"postmortems/{name}:1" in out


PLAIN = (
    "# Notes\n\nA restart condition reads:\n\n```markdown\n- [ ] A1: do it — gate: restart\n```\n"
)


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("README.md", PLAIN, True),
        ("index.md", "---\nstatus: new\n---\n# All of them\n", True),
        ("template.md", story(status="draft", route="unknown").markdown(), True),
        ("billing.md", story(status="draft").markdown(), True),
        ("billing.md", story(route="other-agent").markdown(), True),
        ("notes.md", "- [x] A1: do it — gate: restart\n", True),
        ("notes.md", "- [ ] A1: do it — gate: restart\n", False),
        ("notes.md", PLAIN.removesuffix("```\n"), False),
        ("notes.md", "---\nstatus: In-Review\n---\n", False),
        ("notes.md", "---\nroute: [refunds-agent\n---\n", False),
        ("notes.txt", "- [ ] A1: do it — gate: restart\n", True),
    ],
)
def test_which_other_files_stand_in_the_way(
    library_folder: Path, name: str, text: str, expected: bool
) -> None:
    put(library_folder, KNOWN)
    (library_folder / "postmortems" / name).write_text(text, encoding="utf-8")
    assert passes(library_folder) is expected


@pytest.mark.parametrize(
    ("closed", "expected"),
    [
        (date(2026, 4, 30), False),  # before the record's day
        (date(2026, 5, 1), True),
        (date(2026, 7, 1), True),  # today, somewhere on Earth
        (date(2026, 7, 2), False),
    ],
)
def test_a_tick_on_an_impossible_day_opens_no_gate(
    library_folder: Path, closed: date, expected: bool
) -> None:
    done = Promise("A1", "do it", gate="restart", state="closed", written_closed=closed)
    put(library_folder, story(promises=[done]))
    assert passes(library_folder) is expected


def test_json_says_all_of_it(run: Any, library_folder: Path) -> None:  # noqa: F811
    put(library_folder, story())
    status, out, _ = run(library_folder, "gate", "refunds-agent", "--json")
    answer = json.loads(out)
    assert (status, answer["schema"], answer["passes"]) == (1, "kb.gate/1", False)
    assert (answer["verdict"], answer["near"], answer["elsewhere"]) == ("blocked", None, [])
    assert [action["id"] for action in answer["blocking"]] == ["2026-05-01-incident#A1"]


def test_open_gates_are_listed_for_every_route_restart_first(library_folder: Path) -> None:
    put(library_folder, story(gate="rollout"))
    put(library_folder, story(id="2026-05-02-other", route="other-agent"))
    found = open_gates(open_library(library_folder), date(2026, 6, 30))
    assert [(action.route, action.gate) for action in found] == [
        ("other-agent", "restart"),
        ("refunds-agent", "rollout"),
    ]


def test_a_dropped_condition_is_listed_until_it_is_signed_for(library_folder: Path) -> None:
    dropped = Promise("A1", "do it", gate="restart", state="cancelled")
    dropped.written_closed = date(2026, 5, 20)
    put(library_folder, story(promises=[dropped]))
    today = date(2026, 6, 30)
    assert len(open_gates(open_library(library_folder), today)) == 1
    for day, left in (("2026-05-19", 1), ("2026-05-20", 0)):
        signed = f"signoffs: [{{owner: lead, at: {day}T12:00:00Z, commit: abc, actions: [A1]}}]"
        put(library_folder, story(promises=[dropped], extra=(signed,)))
        assert len(open_gates(open_library(library_folder), today)) == left


def test_a_sign_off_is_a_commit_ready_change_and_opens_no_gate(
    run: Any,  # noqa: F811
    git: Git,
    library_folder: Path,
) -> None:
    put(library_folder, story())
    git("add", "--all")
    git("commit", "--quiet", "-m", "published")
    head = git("rev-parse", "HEAD")
    status, _, err = run(library_folder, "gate", "refunds-agent", "--sign-off", "payments-lead")
    record = open_library(library_folder).record("2026-05-01-incident")
    assert record
    [signed] = record.signoffs
    assert status == 1
    assert (signed.owner, signed.commit, signed.actions) == ("payments-lead", head[:12], ("A1",))
    assert signed.at
    assert "sign-off of payments-lead written" in err
    diff = git("diff", "--numstat")
    assert diff.split()[:2] == ["1", "0"]
    git("diff", "--check")


def commit(git: Git, message: str = "change") -> None:
    git("add", "--all")
    git("commit", "--quiet", "-m", message)


def test_signing_twice_writes_once_and_a_second_owner_signs_too(
    run: Any,  # noqa: F811
    git: Git,
    library_folder: Path,
) -> None:
    put(library_folder, story())
    commit(git)
    run(library_folder, "gate", "refunds-agent", "--sign-off", "payments-lead")
    commit(git)
    once = (library_folder / PATH).read_bytes()
    _, _, err = run(library_folder, "gate", "refunds-agent", "--sign-off", "@Payments-Lead")
    assert (library_folder / PATH).read_bytes() == once
    assert "nothing to sign off" in err
    run(library_folder, "gate", "refunds-agent", "--sign-off", "platform-sre")
    record = open_library(library_folder).record("2026-05-01-incident")
    assert record
    assert [signed.owner for signed in record.signoffs] == ["payments-lead", "platform-sre"]


@pytest.mark.parametrize(
    ("route", "owner", "said"),
    [
        ("refund-agent", "lead", "Did you mean 'refunds-agent'?"),
        ("refunds-agent", "  ", "needs an owner"),
    ],
)
def test_a_sign_off_of_nobody_or_for_no_route_is_refused(
    run: Any,  # noqa: F811
    git: Git,
    library_folder: Path,
    route: str,
    owner: str,
    said: str,
) -> None:
    put(library_folder, story())
    commit(git)
    status, _, err = run(library_folder, "gate", route, "--sign-off", owner)
    assert (status, said in err) == (2, True)
    assert git("status", "--porcelain") == ""


@pytest.mark.parametrize("is_committed", [False, True])
def test_only_what_is_committed_can_be_signed(
    run: Any,  # noqa: F811
    git: Git,
    library_folder: Path,
    is_committed: bool,
) -> None:
    put(library_folder, story())
    if is_committed:
        commit(git)
        put(library_folder, story(promises=[Promise("A1", "do less", gate="restart")]))
    before = (library_folder / PATH).read_bytes()
    status, _, err = run(library_folder, "gate", "refunds-agent", "--sign-off", "lead")
    assert (status, "Commit it first" in err) == (2, True)
    assert (library_folder / PATH).read_bytes() == before


def test_a_condition_reworded_after_the_sign_off_is_said(
    run: Any,  # noqa: F811
    git: Git,
    library_folder: Path,
) -> None:
    put(library_folder, story())
    commit(git)
    run(library_folder, "gate", "refunds-agent", "--sign-off", "lead")
    commit(git)
    assert "Reworded" not in run(library_folder, "gate", "refunds-agent")[1]
    path = library_folder / PATH
    path.write_text(path.read_text(encoding="utf-8").replace("A1: do it", "A1: do less"))
    commit(git)
    _, out, _ = run(library_folder, "gate", "refunds-agent")
    assert "Reworded since it was signed: 2026-05-01-incident#A1" in out
    run(library_folder, "gate", "refunds-agent", "--sign-off", "lead")
    assert len(open_library(library_folder).records[0].signoffs) == 2


def test_a_dropped_condition_blocks_until_somebody_signs_for_its_dropping(
    run: Any,  # noqa: F811
    git: Git,
    library_folder: Path,
) -> None:
    put(library_folder, story())
    commit(git)
    run(library_folder, "gate", "refunds-agent", "--sign-off", "lead")  # while it was open
    commit(git)
    run(library_folder, "actions", "close", "2026-05-01-incident#A1", "--cancel")
    commit(git)
    status, out, _ = run(library_folder, "gate", "refunds-agent")
    assert status == 1
    assert out.startswith("BLOCKED  refunds-agent: 1 restart condition is cancelled and not signed")
    status, _, _ = run(library_folder, "gate", "refunds-agent", "--sign-off", "lead")
    commit(git)
    status, out, _ = run(library_folder, "gate", "refunds-agent")
    assert status == 0
    assert "Cancelled, and signed for: 2026-05-01-incident#A1" in out
    assert "1 record, 0 restart conditions met, none open." in out


EARLIER = "{owner: one, at: 2026-05-02T00:00:00Z, commit: abc, actions: [A1]}"


@pytest.mark.parametrize(
    "given",
    [
        "",
        "signoffs:",
        "signoffs: []",
        f"signoffs: [{EARLIER}]",
        f"signoffs: [\n  {EARLIER},\n]",
        f"signoffs:\n  - {EARLIER}\nrescues: 1",
        f"signoffs:\n- {EARLIER}  # accepted on the bridge\n",
        "signoffs:\n  - owner: one\n    at: 2026-05-02T00:00:00Z\n    commit: abc\n"
        "    actions:\n      - A1\n\n# end",
        "signoffs: # none yet",
    ],
)
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_a_sign_off_is_added_to_any_list_there_is(
    library_folder: Path, given: str, newline: str
) -> None:
    text = ONE.replace(FRONT, f"{FRONT}\n{given}" if given else FRONT).replace("\n", newline)
    (library_folder / PATH).write_bytes(text.encode())
    library = open_library(library_folder)
    before = library.records[0].signoffs
    signed = SignOff("@lead: one", datetime(2026, 6, 1, tzinfo=UTC), "12e4567", ("A1",))
    change = add_sign_off(library.documents[0], signed)
    (library_folder / PATH).write_bytes(change.text.encode())
    again = open_library(library_folder)
    assert again.records[0].signoffs == (*before, signed)
    assert not again.documents[0].faults
    removed = [line for line in text.split("\n") if line not in change.text.split("\n")]
    assert len(removed) <= 1


def test_front_matter_that_cannot_take_a_sign_off_is_left_alone(library_folder: Path) -> None:
    put(library_folder, story(), ONE.replace(FRONT, f"{FRONT}\nsignoffs: none"))
    document = open_library(library_folder).documents[0]
    signed = SignOff("lead", datetime(2026, 6, 1, tzinfo=UTC), "abc", ("A1",))
    with pytest.raises(KbError, match="nothing was written"):
        add_sign_off(document, signed)


def _as_documented(library_folder: Path, git: Git) -> None:
    """The worked example as a team's own, its first condition open again, nobody's sign-off."""
    text = EXAMPLE.read_text(encoding="utf-8").replace("origin: example", "origin: own")
    text = re.sub(r"(?m)^signoffs:.*\n", "", text)
    text = re.sub(r"(?m)^- \[x\] (A1: .*), closed: \S+$", r"- [ ] \1", text)
    (library_folder / "postmortems" / EXAMPLE.name).write_text(text, encoding="utf-8")
    commit(git)


def _timeless(text: str) -> str:
    """A text without what changes from day to day; the days in ids stay."""
    days = re.sub(r"(?<=[\s(])\d{4}-\d{2}-\d{2}(?=[.\s])", "DAY", text)
    return re.sub(r" *\d+ d late", "N d late", days)


def test_what_the_documentation_shows_is_what_the_gate_prints(
    run: Any,  # noqa: F811
    git: Git,
    library_folder: Path,
) -> None:
    _as_documented(library_folder, git)
    text = (ROOT / "docs/gate.md").read_text(encoding="utf-8")
    shown = "".join(re.findall(r"(?s)```console\n(.*?)```", text))
    steps = re.findall(r"(?ms)^\$ kb ([^\n]*)\n(.*?)(?=^\$ |\Z)", shown)
    assert len(steps) == 7
    for line, expected in steps:
        command, with_status, _ = line.partition("; echo")
        status, out, err = run(library_folder, *command.split())
        printed = err + out + (f"exit {status}\n" if with_status else "")
        assert _timeless(printed) == _timeless(expected)
        if git("status", "--porcelain"):
            commit(git)
