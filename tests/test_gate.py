"""`kb gate`: it blocks, it releases, and what it cannot read blocks it too."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from conftest import Git
from known_library import Promise, Story
from test_metrics_command import run  # noqa: F401 - a fixture

from kb.errors import KbError
from kb.library import open_library
from kb.metrics.edit import add_sign_off
from kb.metrics.gate import decide, open_gates
from kb.metrics.values import AsOf
from kb.records.model import SignOff

IMPACT = datetime(2026, 5, 1, 8, tzinfo=UTC)
AT = AsOf(datetime(2026, 6, 30, 12, tzinfo=UTC))
PATH = "postmortems/2026-05-01-incident.md"


def story(gate: str = "restart", **fields: object) -> Story:
    one = Story("2026-05-01-incident", IMPACT, promises=[Promise("A1", "do it", gate=gate)])
    for name, value in fields.items():
        setattr(one, name, value)
    return one


def put(folder: Path, one: Story, text: str | None = None) -> None:
    (folder / one.path).write_text(one.markdown() if text is None else text, encoding="utf-8")


def passes(folder: Path, gate: str = "restart", route: str = "refunds-agent") -> bool:
    return decide(open_library(folder), route, gate, AT).passes


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
        (story(gate="rollout"), True),
        (story(gate="Restart"), False),
        (story(gate="relaunch"), False),
        (story(promises=[Promise("A1", "do it", gate="restart", state="cancelled")]), True),
        (story(promises=[Promise("A1", "do it", gate="restart", state="closed")]), True),
        (story(promises=[]), True),
    ],
)
def test_which_conditions_hold_a_restart(library_folder: Path, one: Story, expected: bool) -> None:
    put(library_folder, one)
    assert passes(library_folder) is expected


def test_a_rollout_has_conditions_of_its_own(library_folder: Path) -> None:
    put(library_folder, story(gate="rollout"))
    assert passes(library_folder, "restart")
    assert not passes(library_folder, "rollout")
    decision = decide(open_library(library_folder), "refunds-agent", "restart", AT)
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
        ONE.replace("## Summary", "```text\n## Summary"),
        ONE.replace("- [ ] A1", "- [?] A1"),
        ONE.replace("- [ ] A1", "- [] A1"),
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
        "a fence left open",
        "a box of its own kind",
        "a box without a space",
        "a gate inside another value",
        "a section of another name",
        "a second action list",
        "a line before the front matter",
        "an empty file",
    ],
)
def test_the_gate_fails_closed(library_folder: Path, text: str) -> None:
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


def test_a_route_no_record_names_is_clear_and_the_nearest_is_said(
    run: Any,  # noqa: F811
    library_folder: Path,
) -> None:
    put(library_folder, story())
    status, out, _ = run(library_folder, "gate", "refund-agent")
    assert status == 0
    assert "Did you mean 'refunds-agent'?" in out


def test_json_says_all_of_it(run: Any, library_folder: Path) -> None:  # noqa: F811
    put(library_folder, story())
    status, out, _ = run(library_folder, "gate", "refunds-agent", "--json")
    answer = json.loads(out)
    assert (status, answer["schema"], answer["passes"]) == (1, "kb.gate/1", False)
    assert [action["id"] for action in answer["blocking"]] == ["2026-05-01-incident#A1"]


def test_open_gates_are_listed_for_every_route_restart_first(library_folder: Path) -> None:
    put(library_folder, story(gate="rollout"))
    put(library_folder, story(id="2026-05-02-other", route="other-agent"))
    found = open_gates(open_library(library_folder), date(2026, 6, 30))
    assert [(action.route, action.gate) for action in found] == [
        ("other-agent", "restart"),
        ("refunds-agent", "rollout"),
    ]


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


def test_signing_twice_writes_once(run: Any, library_folder: Path) -> None:  # noqa: F811
    put(library_folder, story())
    run(library_folder, "gate", "refunds-agent", "--sign-off", "payments-lead")
    once = (library_folder / PATH).read_bytes()
    _, _, err = run(library_folder, "gate", "refunds-agent", "--sign-off", "payments-lead")
    assert (library_folder / PATH).read_bytes() == once
    assert "nothing to sign off" in err


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
