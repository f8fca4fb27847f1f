"""`kb actions`: the list, and the one line that closing changes."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from pathlib import Path, PurePath
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kb.actions.action import actions, actions_of, listed, with_uniform_owners
from kb.actions.close_and_sign_lines import close_action, set_tracker, write_change
from kb.actions.dates_from_git import Trail
from kb.errors import KbError
from kb.library import open_library
from kb.records.document import Document, read_document
from kb.records.form import build_form
from kb.records.postmortem import interpret

from known_library import Promise, Story
from test_metrics_command import run  # noqa: F401 - a fixture

FORM = build_form()
IMPACT = datetime(2026, 5, 1, 8, tzinfo=UTC)
TODAY = date(2026, 6, 30)
KEYS = {
    "id",
    "record",
    "text",
    "owner",
    "due",
    "lever",
    "cause",
    "gate",
    "state",
    "opened",
    "closed",
    "tracker",
    "days_overdue",
}


def story(**fields: object) -> Story:
    one = Story(
        "2026-05-01-incident",
        IMPACT,
        promises=[
            Promise("A1", "one", due=date(2026, 6, 20)),
            Promise("A2", "two", due=date(2026, 6, 1), owner="@support", lever="alert"),
            Promise("A3", "three", state="closed", written_closed=date(2026, 5, 20)),
            Promise("A4", "four", due=date(2099, 1, 1), gate="restart"),
        ],
    )
    for name, value in fields.items():
        setattr(one, name, value)
    return one


@pytest.fixture
def folder(library_folder: Path) -> Path:
    """A library with one record."""
    one = story()
    (library_folder / one.path).write_text(one.markdown(), encoding="utf-8")
    return library_folder


def document(text: str) -> Document:
    return read_document(text.encode(), PurePath("2026-05-01-incident.md"), FORM)


def with_list(*lines: str, newline: str = "\n") -> Document:
    text = "\n".join(
        ["---", "status: published", "---", "## Action items", "", *lines, "", "End.", ""]
    )
    return document(text.replace("\n", newline))


def test_overdue_actions_stand_first_the_longest_on_top(folder: Path) -> None:
    found = listed(actions(open_library(folder), None, TODAY))
    assert [(action.label, action.days_overdue) for action in found] == [
        ("A2", 29),
        ("A1", 10),
        ("A4", 0),
        ("A3", 0),
    ]


def test_json_holds_the_machine_contract_with_every_state(run: Any, folder: Path) -> None:  # noqa: F811
    status, out, _ = run(folder, "actions", "--json")
    answer = json.loads(out)
    assert (status, answer["schema"]) == (0, "kb.actions/1")
    assert {action["state"] for action in answer["actions"]} == {"open", "closed"}
    for action in answer["actions"]:
        assert set(action) >= KEYS
    closed = next(action for action in answer["actions"] if action["state"] == "closed")
    assert (closed["id"], closed["closed"]) == ("2026-05-01-incident#A3", "2026-05-20")


@pytest.mark.parametrize(
    ("arguments", "labels"),
    [
        ((), {"A1", "A2", "A4"}),
        (("--owner", "support"), {"A2"}),
        (("--lever", "alert"), {"A2"}),
        (("--class", "duplicate-side-effect"), {"A1", "A2", "A4"}),
        (("--class", "runaway-loop"), set()),
        (("--record", "postmortems/2026-05-01-incident.md"), {"A1", "A2", "A4"}),
        (("--gate", "restart"), {"A4"}),
        (("--state", "closed"), {"A3"}),
        (("--due", "2026-06-10"), {"A2"}),
    ],
)
def test_filters_narrow_the_list(
    run: Any,  # noqa: F811
    folder: Path,
    arguments: tuple[str, ...],
    labels: set[str],
) -> None:
    _, out, _ = run(folder, "actions", *arguments)
    assert {word.rpartition("#")[2] for word in out.split() if "#" in word} == labels


@pytest.mark.parametrize(
    ("option", "word", "said"),
    [
        ("--lever", "alerts", "Did you mean 'alert'?"),
        ("--class", "runaway-lop", "Did you mean 'runaway-loop'?"),
        ("--record", "2026-05-01-incidents", "Did you mean '2026-05-01-incident'?"),
        ("--gate", "restrat", "Did you mean 'restart'?"),
        ("--lever", "zzz", "One of: alert, "),
    ],
)
def test_a_word_nobody_uses_is_not_answered_with_an_empty_list(
    run: Any,  # noqa: F811
    folder: Path,
    option: str,
    word: str,
    said: str,
) -> None:
    status, out, err = run(folder, "actions", option, word)
    assert (status, out) == (2, "")
    assert said in err


def test_a_day_before_the_promise_is_refused_and_nothing_is_written(folder: Path, run: Any) -> None:  # noqa: F811
    path = folder / "postmortems/2026-05-01-incident.md"
    before = path.read_bytes()
    status, _, err = run(folder, "actions", "close", f"{path.stem}#A1", "--on", "2026-04-30")
    assert (status, path.read_bytes()) == (2, before)
    assert "before 2026-05-01, when A1 was promised" in err
    assert run(folder, "actions", "close", f"{path.stem}#A1", "--on", "2026-05-01")[0] == 0


def test_the_day_an_action_was_opened_is_the_first_it_can_be_closed() -> None:
    line = with_list("- [ ] A1: do it — owner: x, opened: 2026-05-20")
    with pytest.raises(KbError, match="before 2026-05-20"):
        close_action(line, "A1", date(2026, 5, 19))
    assert close_action(line, "A1", date(2026, 5, 20)).is_needed


def test_what_was_done_cannot_be_cancelled(folder: Path, run: Any) -> None:  # noqa: F811
    path = folder / "postmortems/2026-05-01-incident.md"
    before = path.read_bytes()
    status, _, err = run(folder, "actions", "close", f"{path.stem}#A3", "--cancel")
    assert (status, path.read_bytes()) == (2, before)
    assert "A3 is closed" in err


def test_no_line_of_the_list_is_wider_than_a_terminal(run: Any, folder: Path) -> None:  # noqa: F811
    long = story(promises=[Promise("A1", "make sure of it " * 20)])
    (folder / long.path).write_text(long.markdown(), encoding="utf-8")
    _, out, _ = run(folder, "actions")
    assert max(len(line) for line in out.splitlines()) <= 80


def test_closing_changes_one_line_and_writes_the_day(run: Any, folder: Path) -> None:  # noqa: F811
    path = folder / "postmortems/2026-05-01-incident.md"
    before = path.read_text(encoding="utf-8").splitlines()
    status, _, _ = run(folder, "actions", "close", "2026-05-01-incident#A1", "--on", "2026-06-02")
    after = path.read_text(encoding="utf-8").splitlines()
    changed = [(old, new) for old, new in zip(before, after, strict=True) if old != new]
    assert status == 0
    assert changed == [
        (
            "- [ ] A1: one — owner: payments, due: 2026-06-20, lever: code",
            "- [x] A1: one — owner: payments, due: 2026-06-20, lever: code, closed: 2026-06-02",
        )
    ]


def test_closing_twice_changes_nothing_the_second_time(run: Any, folder: Path) -> None:  # noqa: F811
    path = folder / "postmortems/2026-05-01-incident.md"
    run(folder, "actions", "close", "2026-05-01-incident#A1", "--on", "2026-06-02")
    once = path.read_bytes()
    status, out, _ = run(folder, "actions", "close", "2026-05-01-incident#A1")
    assert (status, path.read_bytes()) == (0, once)
    assert "already" in out


@pytest.mark.parametrize(
    ("identity", "said"),
    [
        ("2026-05-01-incident#A9", "Its labels: A1, A2, A3, A4"),
        ("2026-05-01-nowhere#A1", "there is no record"),
        ("2026-05-01-incident", "no action has the label ''"),
    ],
)
def test_an_action_that_is_not_there_is_said_and_nothing_is_written(
    run: Any,  # noqa: F811
    folder: Path,
    identity: str,
    said: str,
) -> None:
    status, _, err = run(folder, "actions", "close", identity)
    assert status == 2
    assert said in err


def test_an_action_cannot_be_closed_on_a_day_to_come(run: Any, folder: Path) -> None:  # noqa: F811
    status, _, err = run(folder, "actions", "close", "2026-05-01-incident#A1", "--on", "2999-01-01")
    assert (status, "has not come yet" in err) == (2, True)


def test_an_action_is_named_by_a_part_of_its_record_too(run: Any, folder: Path) -> None:  # noqa: F811
    _, out, _ = run(folder, "actions", "--json", "--state", "open")
    name, _, label = json.loads(out)["actions"][0]["id"].partition("#")
    status, out, _ = run(folder, "actions", "close", f"{name[11:]}#{label}")
    assert (status, f"{name}.md: {label} closed" in out) == (0, True)


def test_owners_that_differ_in_case_or_an_at_sign_are_one() -> None:
    owners = ("@ops", "Ops", "Ops", "")
    text = "".join(
        f"- [ ] A{n}: x{f' — owner: {owner}' if owner else ''}\n"
        for n, owner in enumerate(owners, 1)
    )
    record = interpret(with_list(*text.splitlines()))
    assert record is not None
    found = with_uniform_owners(actions_of(record, Trail(), TODAY))
    assert [one.owner for one in found] == ["Ops", "Ops", "Ops", ""]


def test_a_duplicate_label_is_refused_rather_than_guessed() -> None:
    with pytest.raises(KbError, match="2 actions have the label 'A1'"):
        close_action(with_list("- [ ] A1: one", "- [ ] A1: two"), "A1", TODAY)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("- [ ] A1: do it", "- [x] A1: do it — closed: 2026-06-30"),
        ("* [ ] **A1**: do it — owner: x", "* [x] **A1**: do it — owner: x, closed: 2026-06-30"),
        (
            "- [ ] A1: do it — closed: 2026-01-01, owner: x",
            "- [x] A1: do it — closed: 2026-06-30, owner: x",
        ),
        ("- [x] A1: do it — owner: x", "- [x] A1: do it — owner: x, closed: 2026-06-30"),
        ("- [-] A1: do it — owner: x", "- [x] A1: do it — owner: x, closed: 2026-06-30"),
        (
            "- [ ] A1: do it\n  and more — owner: x,\n  due: 2026-07-01",
            "- [x] A1: do it\n  and more — owner: x,\n  due: 2026-07-01, closed: 2026-06-30",
        ),
    ],
)
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_every_way_of_writing_an_action_can_be_closed(
    before: str, after: str, newline: str
) -> None:
    found = close_action(with_list(*before.split("\n"), newline=newline), "A1", TODAY)
    assert found.text == with_list(*after.split("\n"), newline=newline).text


def test_a_trackers_key_is_written_into_the_line() -> None:
    line = "- [ ] A1: do it — owner: x, gate: restart"
    assert f"{line}, tracker: ENG-12\n" in set_tracker(with_list(line), "A1", "ENG-12").text


@settings(max_examples=200, deadline=None)
@given(
    texts=st.lists(
        st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=60), max_size=4
    ),
    place=st.integers(0, 3),
)
def test_closing_touches_no_other_action_or_is_refused(texts: list[str], place: int) -> None:
    lines = [f"- [ ] A{n}: {text}" for n, text in enumerate(texts, 1)]
    before = with_list(*lines)
    label = f"A{place + 1}"
    try:
        change = close_action(before, label, TODAY)
    except KbError:
        return
    after = document(change.text)
    others = [
        (a, b) for a, b in zip(before.actions, after.actions, strict=True) if a.label != label
    ]
    assert all((a.text, a.state) == (b.text, b.state) for a, b in others)
    assert [action.state for action in after.actions if action.label == label] == ["closed"]


def test_a_file_that_changed_meanwhile_is_not_overwritten(folder: Path) -> None:
    library = open_library(folder)
    change = close_action(library.documents[0], "A1", TODAY)
    path = folder / "postmortems/2026-05-01-incident.md"
    path.write_text("somebody else was here", encoding="utf-8")
    with pytest.raises(KbError, match="changed while it was being edited"):
        write_change(library, change)
    assert path.read_text(encoding="utf-8") == "somebody else was here"


def test_an_action_without_a_label_is_listed_by_its_place(library_folder: Path) -> None:
    text = with_list("- [ ] do it — owner: x").text
    (library_folder / "postmortems/2026-05-01-incident.md").write_text(text, encoding="utf-8")
    found = actions(open_library(library_folder), None, TODAY)
    assert [action.id for action in found] == ["2026-05-01-incident#item1"]
