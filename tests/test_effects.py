"""Done is not effective: what a watch, a verification and a recurrence make of a done action."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from kb.actions.action import Action, actions
from kb.actions.close_and_sign_lines import reopen_action
from kb.actions.effectiveness import EffectEvidence
from kb.actions.gate_decision import decide_gate, open_gates
from kb.as_of import AsOf
from kb.cli import cli
from kb.errors import KbError
from kb.library import open_library
from kb.lint.runner import check
from kb.records.document import read_document
from kb.records.form import build_form
from kb.records.postmortem import Clocks
from kb.records.route_run_counts import read_runs_seen, with_runs

from conftest import git_in
from test_mcp import ask

FIRST = "2026-04-12-refund-agent-paid-twice"
DONE = "closed: 2026-05-01, watch: 30d"
LATER = date(2026, 8, 1)


def written(
    folder: Path,
    name: str = FIRST,
    action: str = f"- [x] A1: add a key — owner: payments, lever: code, gate: restart, {DONE}",
    body: str = "",
    **keys: str,
) -> Path:
    """A record of the refund route; `keys` are added to, or stand for, its front matter."""
    front = {
        "title": name,
        "date": name[:10],
        "status": "published",
        "kind": "incident",
        "classes": "[duplicate-side-effect]",
        "route": "refunds",
        **keys,
    }
    head = "".join(f"{key}: {value}\n" for key, value in front.items())
    path = folder / "postmortems" / f"{name}.md"
    path.write_text(f"---\n{head}---\n# x\n\n{body}\n## Action items\n\n{action}\n", "utf-8")
    return path


@pytest.fixture
def folder(library_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(library_folder)
    return library_folder


def effect(folder: Path, today: date = LATER) -> Action:
    """The first action of the first record, as of a day."""
    every = actions(open_library(folder), None, today)
    return next(action for action in every if action.record == FIRST)


def seen(folder: Path, text: str) -> None:
    (folder / "postmortems/runs-seen.csv").write_text(f"route,day,runs\n{text}\n", "utf-8")


def test_a_done_action_is_watched_and_not_yet_effective(folder: Path) -> None:
    written(folder)
    found = effect(folder, date(2026, 5, 31))
    assert (found.state, found.effect) == ("closed", "unknown")
    assert found.effect_why == "watched until 2026-05-31"


def test_a_watch_that_ended_proves_nothing_where_nobody_says_that_the_route_ran(
    folder: Path,
) -> None:
    written(folder)
    found = effect(folder)
    assert found.effect == "unknown"
    assert "nobody says that the route ran meanwhile" in found.effect_why


@pytest.mark.parametrize(
    ("days", "word"),
    [
        ("refunds,2026-05-02,40", "effective"),
        ("Refunds,2026-05-31,1", "effective"),
        ("refunds,2026-05-01,40", "unknown"),  # the day of the fix: before it or after it
        ("refunds,2026-06-01,40", "unknown"),  # after the watch
        ("refunds,2026-05-20,0", "unknown"),
        ("payouts,2026-05-20,40", "unknown"),
    ],
)
def test_runs_of_the_route_within_the_watch_make_it_effective(
    folder: Path, days: str, word: str
) -> None:
    written(folder)
    seen(folder, days)
    assert effect(folder).effect == word


def test_what_was_seen_is_said_and_dated_by_the_end_of_the_watch(folder: Path) -> None:
    written(folder)
    seen(folder, "refunds,2026-05-10,40\nrefunds,2026-05-11,2")
    found = effect(folder)
    assert found.effect_since == date(2026, 5, 31)
    assert found.effect_why == "not again until 2026-05-31; 42 runs of the route seen on 2 days"


@pytest.mark.parametrize("at", ["2026-05-01T10:00:00Z", "2026-05-31T23:00:00Z"])
def test_a_restart_within_the_watch_says_that_the_route_ran(folder: Path, at: str) -> None:
    written(folder, clocks=f"{{restarted: {at}}}")
    assert effect(folder).effect == "effective"


def test_a_restart_before_the_fix_says_nothing_of_it(folder: Path) -> None:
    written(folder, clocks="{restarted: 2026-04-20T10:00:00Z}")
    assert effect(folder).effect == "unknown"


def test_a_person_may_say_that_the_route_ran(folder: Path) -> None:
    written(folder, action=f"- [x] A1: add a key — {DONE}, ran: 2026-05-03")
    assert effect(folder).effect == "effective"


def test_who_verified_it_makes_it_effective_from_that_day(folder: Path) -> None:
    action = "- [x] A1: add a key — closed: 2026-05-01, verified: 2026-06-01 by @payments-lead"
    written(folder, action=action)
    assert effect(folder, date(2026, 5, 31)).effect == "unknown"
    found = effect(folder, date(2026, 6, 1))
    assert (found.effect, found.verified_by) == ("effective", "@payments-lead")
    assert found.effect_since == date(2026, 6, 1)


def test_an_action_that_nobody_watches_or_verified_is_only_done(folder: Path) -> None:
    written(folder, action="- [x] A1: add a key — closed: 2026-05-01")
    written(folder, "2026-07-02-refund-again")
    found = effect(folder)
    assert (found.effect, found.effect_why) == ("unknown", "")


@pytest.mark.parametrize(
    "keys",
    [
        {},
        {"status": "in-review"},
        {"kind": "rescue"},
        {"classes": "[duplicate-side-effect, outcome-assert-gap]"},
        {"route": "payouts, Refunds"},
    ],
)
def test_a_record_of_the_class_on_the_route_makes_it_failed(
    folder: Path, keys: dict[str, str]
) -> None:
    written(folder, action=f"- [x] A1: add a key — {DONE}, verified: 2026-06-05 by @lead")
    written(folder, "2026-07-02-refund-again", action="", **keys)
    before, after = effect(folder, date(2026, 7, 1)), effect(folder, date(2026, 7, 2))
    assert (before.effect, after.effect) == ("effective", "failed")
    assert after.effect_by == "2026-07-02-refund-again"
    assert after.effect_why == "came again on 2026-07-02: 2026-07-02-refund-again"
    assert after.state == "closed"


@pytest.mark.parametrize(
    "keys",
    [
        {"status": "draft"},
        {"classes": "[context-leak]"},
        {"classes": "[]"},
        {"route": "payouts"},
        {"route": "unknown"},
        {"origin": "public"},
        {"date": "2026-03-02"},
    ],
)
def test_another_class_route_or_origin_an_earlier_record_and_a_draft_are_no_recurrence(
    folder: Path, keys: dict[str, str]
) -> None:
    written(folder, action=f"- [x] A1: add a key — {DONE}, ran: 2026-05-03")
    written(folder, f"{keys.pop('date', '2026-07-02')}-refund-other", action="", **keys)
    assert effect(folder).effect == "effective"


def test_a_repeat_by_its_author_s_word_is_one_whatever_its_route(folder: Path) -> None:
    written(folder, action=f"- [x] A1: add a key — {DONE}, ran: 2026-05-03")
    verdict = (
        f"## Counterfactual\n\n- [repeat] [{FIRST}]({FIRST}.md) — same key, fix existed: yes\n"
    )
    written(folder, "2026-07-02-elsewhere", action="", body=verdict, route="payouts")
    assert effect(folder).effect == "failed"


DIFFERENT = f"## Counterfactual\n\n- [different] [{FIRST}]({FIRST}.md) — a typing error\n"


@pytest.mark.parametrize(
    ("keys", "why"),
    [
        ({"kind": "near-miss", "impact": "near-miss"}, "it was a near miss"),
        ({"classes": "[context-leak, duplicate-side-effect]"}, "the class is not its first"),
        ({"body": DIFFERENT}, "its author calls it different"),
    ],
)
def test_what_may_be_a_recurrence_leaves_the_effect_to_a_person(
    folder: Path, keys: dict[str, str], why: str
) -> None:
    done = f"- [x] A1: add a key — {DONE}, ran: 2026-05-03"
    written(folder, action=done)
    written(folder, "2026-07-02-refund-again", **{"action": "", **keys})
    found = effect(folder)
    assert found.effect == "unknown"
    assert why in found.effect_why
    written(folder, action=f"{done}, verified: 2026-07-05 by @lead")
    assert effect(folder).effect == "effective"


SECOND = "2026-04-20-refund-too"
AGAIN = "[{at: 2026-05-15T09:12:00Z}]"
WATCHED = f"- [x] A1: add a key — {DONE}, ran: 2026-05-03"


@pytest.mark.parametrize(
    "keys",
    [
        {"occurrences": AGAIN},
        {"occurrences": "[{at: 2026-05-15T09:12:00Z, route: Refunds}]", "route": "payouts"},
        {"occurrences": AGAIN, "route": "payouts", "merged_into": FIRST, "classes": "[]"},
    ],
)
def test_an_occurrence_in_another_record_of_the_failure_makes_it_failed(
    folder: Path, keys: dict[str, str]
) -> None:
    written(folder, action=WATCHED)
    written(folder, SECOND, action="", **keys)
    assert effect(folder, date(2026, 5, 14)).effect == "unknown"
    found = effect(folder)
    assert (found.effect, found.effect_by) == ("failed", SECOND)
    assert found.effect_why == f"came again on 2026-05-15: {SECOND}"


@pytest.mark.parametrize(
    "keys",
    [
        {"occurrences": AGAIN, "route": "payouts"},
        {"occurrences": "[{at: 2026-05-15T09:12:00Z, route: payouts}]"},
        {"occurrences": AGAIN, "classes": "[context-leak]"},
        {"occurrences": AGAIN, "status": "draft"},
        {"occurrences": AGAIN, "origin": "public"},
    ],
)
def test_an_occurrence_in_a_record_of_another_failure_is_no_recurrence(
    folder: Path, keys: dict[str, str]
) -> None:
    written(folder, action=WATCHED)
    written(folder, SECOND, action="", **keys)
    assert effect(folder).effect == "effective"


def test_a_doubtful_occurrence_in_another_record_is_named_with_it(folder: Path) -> None:
    written(folder, action=WATCHED)
    two = "[context-leak, duplicate-side-effect]"
    written(folder, SECOND, action="", occurrences=AGAIN, classes=two)
    found = effect(folder)
    assert found.effect == "unknown"
    assert f"an occurrence in {SECOND} of 2026-05-15 may be a recurrence" in found.effect_why


def test_a_merged_record_that_tells_another_day_is_a_recurrence_and_one_of_the_day_is_none(
    folder: Path,
) -> None:
    action = "- [x] A1: add a key — closed: 2026-04-12, watch: 30d, ran: 2026-04-13"
    written(folder, action=action)
    twin = {"action": "", "route": "payouts", "classes": "[]", "merged_into": FIRST}
    written(folder, f"{FIRST[:10]}-twin", **twin)
    assert effect(folder).effect == "effective"
    written(folder, SECOND, **twin)
    assert effect(folder).effect_why == f"came again on 2026-04-20: {SECOND}"


def test_the_day_of_the_closing_is_before_it_or_after_it(folder: Path) -> None:
    written(folder, occurrences="[{at: 2026-05-01T03:00:00Z}]")
    found = effect(folder)
    assert found.effect == "unknown"
    assert "the day on which the action was closed" in found.effect_why


def test_a_verification_that_is_still_to_come_silences_no_doubt(folder: Path) -> None:
    action = f"- [x] A1: add a key — {DONE}, verified: 2026-07-20 by @lead"
    written(folder, action=action, clocks="{restarted: 2026-05-02T00:00:00Z}")
    written(folder, "2026-05-15-refund-again", action="", kind="near-miss", impact="near-miss")
    before = effect(folder, date(2026, 7, 19))
    assert before.effect == "unknown"
    assert "it was a near miss" in before.effect_why
    assert effect(folder, date(2026, 7, 20)).effect == "effective"


def test_an_occurrence_after_the_closing_makes_it_failed_for_good(folder: Path) -> None:
    again = "[{at: 2026-06-20T09:12:00Z}, {at: 2026-03-01T00:00:00Z}]"
    written(folder, occurrences=again, clocks="{restarted: 2026-05-02T00:00:00Z}")
    assert effect(folder, date(2026, 6, 19)).effect == "effective"
    found = effect(folder, date(2026, 6, 20))
    assert (found.effect, found.effect_why) == ("failed", "came again on 2026-06-20")


def test_closed_again_it_is_watched_from_that_day_on(folder: Path) -> None:
    path = written(folder, occurrences="[{at: 2026-06-20T09:12:00Z}]")
    document = next(d for d in open_library(folder).documents if d.id == FIRST)
    path.write_text(reopen_action(document, "A1").text, "utf-8")
    assert effect(folder).state == "open"
    assert effect(folder).effect == "unknown"
    again = CliRunner().invoke(cli, ["actions", "close", f"{FIRST}#A1", "--on", "2026-06-22"])
    assert again.exit_code == 0, again.output
    found = effect(folder, date(2026, 7, 1))
    assert (found.effect, found.effect_why) == ("unknown", "watched until 2026-07-22")


@pytest.mark.parametrize(
    ("line", "after"),
    [
        (
            "- [x] A1: a key — owner: o, closed: 2026-05-01, watch: 30d, ran: 2026-05-02",
            "- [ ] A1: a key — owner: o, watch: 30d",
        ),
        ("- [x] A1: a key — closed: 2026-05-01, owner: o", "- [ ] A1: a key — owner: o"),
        ("- [x] A1: a key — closed: 2026-05-01", "- [ ] A1: a key"),
        ("- [x] A1: a key\n  — closed: 2026-05-01, ran: 2026-05-02", "- [ ] A1: a key"),
        ("- [-] A1: a key -- owner: o,\n  closed: 2026-05-01\r", "- [ ] A1: a key -- owner: o\r"),
    ],
)
def test_reopening_takes_the_closing_and_leaves_the_rest(line: str, after: str) -> None:
    text = f"---\nstatus: draft\n---\n## Action items\n\n{line}\n\nEnd.\n"
    document = read_document(text.encode(), Path(f"{FIRST}.md"), build_form())
    if line.endswith("\r"):
        with pytest.raises(KbError, match="cannot be edited"):
            reopen_action(document, "A1")
        return
    assert reopen_action(document, "A1").text == text.replace(line, after)


def test_the_gate_shuts_when_a_condition_that_was_done_has_failed(folder: Path) -> None:
    written(folder, clocks="{restarted: 2026-05-02T00:00:00Z}")
    now = AsOf(datetime(2026, 8, 1, tzinfo=UTC))
    assert decide_gate(open_library(folder), "refunds", "restart", now).passes
    written(folder, occurrences="[{at: 2026-06-20T09:12:00Z}]")
    shut = decide_gate(open_library(folder), "refunds", "restart", now)
    assert (shut.verdict, [a.label for a in shut.blocking], shut.met) == ("blocked", ["A1"], ())
    assert [a.label for a in open_gates(open_library(folder), LATER)] == ["A1"]
    before = AsOf(datetime(2026, 6, 19, tzinfo=UTC))
    assert decide_gate(open_library(folder), "refunds", "restart", before).passes


def test_the_gate_says_that_it_did_not_hold_and_the_way_out(folder: Path) -> None:
    written(folder, occurrences="[{at: 2026-06-20T09:12:00Z}]")
    git_in(folder)("init", "--quiet", "--initial-branch=main")
    shut = CliRunner().invoke(cli, ["gate", "refunds"], standalone_mode=False)
    assert shut.return_value == 1
    assert "BLOCKED  refunds: 1 restart condition did not hold" in shut.output
    assert f"Did not hold: kb actions reopen {FIRST}#A1, mend it, close it again." in shut.output


def test_kb_actions_shows_failed_ones_first_without_being_asked(folder: Path) -> None:
    written(folder, occurrences="[{at: 2026-06-20T09:12:00Z}]")
    git_in(folder)("init", "--quiet", "--initial-branch=main")
    shown = CliRunner().invoke(cli, ["actions"]).output
    assert "Done, and it came again" in shown
    assert "failed: came again on 2026-06-20" in shown
    answer = json.loads(CliRunner().invoke(cli, ["actions", "--effect", "failed", "--json"]).output)
    assert [(a["effect"], a["state"]) for a in answer["actions"]] == [("failed", "closed")]
    none = CliRunner().invoke(cli, ["actions", "--effect", "effective", "--json"]).output
    assert json.loads(none)["actions"] == []


def test_an_agent_that_asks_for_open_promises_is_told_those_that_failed(folder: Path) -> None:
    written(folder, occurrences="[{at: 2026-06-20T09:12:00Z}]")
    git_in(folder)("init", "--quiet", "--initial-branch=main")
    told = ask(folder, "open_promises")["actions"]
    assert [(a["state"], a["effect"]) for a in told] == [("closed", "failed")]


def test_a_line_of_runs_seen_that_is_none_is_named_and_the_others_count(folder: Path) -> None:
    written(folder)
    seen(folder, "refunds,in May,many\nrefunds,2026-05-02,40")
    assert effect(folder).effect == "effective"
    problems = check(open_library(folder), today=LATER).problems
    found = [(p.path.name, p.line) for p in problems if p.name == "unread-runs-seen"]
    assert found == [("runs-seen.csv", 2)]


routes = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Zl", "Zp")), min_size=1)


@given(
    st.dictionaries(
        st.tuples(routes.filter(lambda t: t == t.strip() and t != "route"), st.dates()),
        st.integers(0, 10**8),
    )
)
def test_runs_seen_are_read_as_they_were_written(days: dict[tuple[str, date], int]) -> None:
    text = ""
    for (route, day), runs in days.items():
        text = with_runs(read_runs_seen(text), route, [(day, runs)])
    assert dict(read_runs_seen(text).days) == days
    assert read_runs_seen(text).faults == ()


def test_the_larger_of_two_looks_at_a_day_stands() -> None:
    text = with_runs(read_runs_seen("refunds,2026-05-02,40"), "refunds", [(date(2026, 5, 2), 12)])
    assert text == "route,day,runs\nrefunds,2026-05-02,40\n"


def test_the_last_day_there_is_ends_a_watch_that_would_end_beyond_it(folder: Path) -> None:
    written(folder, action="- [x] A1: add a key — closed: 9999-12-30, watch: 9999d")
    assert effect(folder).effect_why == "watched until 9999-12-31"


def test_of_thousands_of_records_on_a_route_only_the_first_is_looked_at(folder: Path) -> None:
    written(folder)
    record = open_library(folder).record(FIRST)
    assert record
    later = [
        replace(record, id=f"later-{n}", clocks=Clocks(first_impact=day(n)))
        for n in range(3000, 0, -1)
    ]
    evidence = EffectEvidence((record, *later))
    found = evidence.recurrences(record, date(2026, 5, 1))
    assert next(found).record == "later-1"
    assert sum(1 for _ in found) == 2999
    last = evidence.recurrences(record, day(3000).date())
    assert [one.record for one in last] == ["later-3000"]


def day(number: int) -> datetime:
    return datetime(2026, 5, 2, tzinfo=UTC) + timedelta(days=number)
