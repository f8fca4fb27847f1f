"""Forty postmortems of a team are taken over as they stand, and one revert undoes it."""

from __future__ import annotations

import json
import re
import subprocess
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner
from kb.actions.gate_decision import decide_gate
from kb.adopt.days_in_text import read_written_day
from kb.as_of import AsOf
from kb.commands.adopt import command
from kb.errors import KbError
from kb.library import open_library
from kb.lint.parallel_check import check_library
from kb.search.indexed_records.passages import record_passages

TODAY = date(2026, 11, 30)
OLD = """# Queue {number} stood still

**Date**: {number} March 2021
Severity: {severity}
Detected: 2021-03-{number:02} 10:15 UTC
Date of review: 2022-01-01

The queue filled up, number {number}.

## Action items

- [ ] watch the queue
"""


def git(root: Path, *arguments: str) -> str:
    who = ("-c", "user.name=A", "-c", "user.email=a@example.org")
    done = subprocess.run(
        ["git", *who, *arguments], cwd=root, check=True, capture_output=True, text=True
    )
    return done.stdout


@pytest.fixture
def team(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with forty postmortems in a folder of their own, and a commit."""
    git(tmp_path, "init", "-q", "-b", "main")
    (tmp_path / "kb.toml").write_text("")
    (tmp_path / "postmortems").mkdir()
    (tmp_path / "postmortems" / "2021-04-01-named-like-a-record.md").write_text(
        "# It fell over\n\nOn 2021-04-01 it did.\n"
    )
    (tmp_path / "old").mkdir()
    for number in range(1, 40):
        severity = "SEV-2" if number % 2 else "P1"
        text = OLD.format(number=min(number, 31), severity=severity)
        (tmp_path / "old" / f"PM {number}.md").write_text(text)
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-qm", "forty")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def adopt(*arguments: str) -> str:
    return CliRunner().invoke(command, [*arguments, "--verbose"], catch_exceptions=False).output


def test_forty_are_adopted_checked_without_an_error_and_undone_by_one_revert(team: Path) -> None:
    before = git(team, "ls-tree", "-r", "HEAD")
    said = adopt("old", "postmortems")
    assert "40 files: 40 adopted, 0 kept, 0 refused" in said
    library = open_library(team)
    assert len(library.published) == 40
    assert all(record.is_adopted for record in library.records)
    assert check_library(team, today=TODAY).errors == 0
    asked = decide_gate(library, "any", "restart", AsOf(datetime(2026, 11, 30, tzinfo=UTC)))
    assert asked.verdict == "unknown-route"
    assert git(team, "log", "--oneline").count("\n") == 1
    git(team, "add", "-A")
    git(team, "commit", "-qm", "adopt")
    git(team, "revert", "--no-edit", "HEAD")
    assert git(team, "ls-tree", "-r", "HEAD") == before


def test_values_are_those_the_text_says_and_the_text_stays_whole(team: Path) -> None:
    adopt("old/PM 3.md")
    record = open_library(team).record("2021-03-03-queue-3-stood-still")
    assert record is not None
    assert (record.title, record.severity) == ("Queue 3 stood still", "SEV2")
    assert record.clocks.detected == datetime(2021, 3, 3, 10, 15, tzinfo=UTC)
    assert record.clocks.resolved is None
    assert record.aliases == ("old/PM 3.md",)
    text = (team / record.path).read_text()
    assert text.endswith((team / "old" / "PM 3.md").read_text())
    assert "severity: SEV2  # line 4" in text


def test_a_severity_of_another_scale_is_unknown(team: Path) -> None:
    said = adopt("old/PM 2.md")
    assert "severity: unknown (line 4 has a word of its own, P1)" in said
    assert "severity is a word of your own in 1: p1 (1)" in said
    record = open_library(team).record("2021-03-02-queue-2-stood-still")
    assert record is not None
    assert record.severity == ""


def test_a_scale_of_the_team_is_taken_as_it_says(team: Path) -> None:
    said = adopt("old/PM 2.md", "--severity", "P1=SEV1")
    assert "severity: SEV1 (line 4 has a word of its own, P1, as --severity has it)" in said
    outcome = CliRunner().invoke(command, ["old", "--severity", "P1=high"])
    assert isinstance(outcome.exception, KbError)
    assert outcome.exception.what == "no severity is called high"


@pytest.mark.parametrize("title", ["ISSUE NAME", "[Incident title]", "<name of the incident>"])
def test_a_form_that_nobody_filled_in_is_left_alone(team: Path, title: str) -> None:
    (team / "old" / "form.md").write_text(f"# {title}\n\nDate: YYYY-MM-DD\n")
    assert "1 file: 0 adopted, 1 kept, 0 refused" in adopt("old/form.md")


def test_adopting_again_changes_nothing_and_a_dry_run_writes_nothing(team: Path) -> None:
    assert "40 adopted" in adopt("--dry-run", "old", "postmortems")
    assert git(team, "status", "--porcelain") == ""
    adopt("old", "postmortems")
    written = git(team, "status", "--porcelain", "-uall")
    assert "0 adopted, 79 kept, 0 refused" in adopt("old", "postmortems")
    assert git(team, "status", "--porcelain", "-uall") == written


def test_without_a_day_the_first_commit_stands_in_and_without_one_it_is_refused(team: Path) -> None:
    (team / "old" / "new.md").write_text("# Nobody knows when\n")
    outcome = CliRunner().invoke(command, ["old/new.md"], standalone_mode=False)
    assert outcome.return_value == 1
    assert "refused  old/new.md: no date" in outcome.output
    git(team, "add", "-A")
    git(team, "commit", "-qm", "one more")
    day = datetime.fromtimestamp(int(git(team, "log", "-1", "--format=%ct")), UTC).date()
    assert f"date: {day} (the file's first commit, no other)" in adopt("old/new.md")


def test_a_dry_run_has_a_row_for_each_file_and_the_run_that_writes_those_to_look_at(
    team: Path,
) -> None:
    (team / "old" / "2021-03-05-pump.md").write_text("# A pump stood still\n")
    tell = CliRunner(env={"COLUMNS": "200"})
    dry = tell.invoke(command, ["--dry-run", "old"], catch_exceptions=False).output.splitlines()
    assert dry[0].startswith("file")
    assert dry[0].endswith("severity  clocks  actions")
    assert len(dry) < 50
    row = next(line for line in dry if line.startswith("PM 3.md"))
    assert "2021-03-03-queue-3-stood-still.md" in row
    assert row.split()[-5:] == ["line", "3", "SEV2", "1", "1"]
    assert "p1?" in next(line for line in dry if line.startswith("PM 2.md"))
    narrow = tell.invoke(command, ["--dry-run", "old"], env={"COLUMNS": "80"}).output.splitlines()
    assert narrow[0].split() == ["file", "day", "from", "severity", "clocks", "actions"]
    assert max(len(line) for line in narrow if line.startswith("PM ")) <= 80
    row = next(line for line in narrow if line.startswith("PM 3 "))
    assert row.split()[-6:] == ["2021-03-03", "line", "3", "SEV2", "1", "1"]
    done = tell.invoke(command, ["old"], catch_exceptions=False).output
    assert "2021-03-05-pump.md  2021-03-05  only the file name says 2021-03-05" in done
    assert "PM 3.md" not in done
    assert "1 refused, for no two places agree on the day" in done


def test_a_day_that_is_proposed_is_taken_where_that_is_asked_for_and_the_record_says_so(
    team: Path,
) -> None:
    for number in range(1, 13):
        (team / "old" / f"2022-05-{number:02}-pipe-{number}.md").write_text(
            f"# Pipe {number} burst\n"
        )
    (team / "old" / "valve.md").write_text("# A valve stuck\n\nOn 2022-06-07 it stuck.\n")
    tell = CliRunner(env={"COLUMNS": "80"})
    dry = tell.invoke(command, ["--dry-run", "old"]).output
    assert re.search(r"^2022-05-03-pipe-3.md +2022-05-03  only the file name says 2022", dry, re.M)
    assert re.search(r"^valve.md +2022-06-07  only line 3 says 2022-06-07$", dry, re.M)
    assert not list((team / "postmortems").glob("2022-*"))
    narrow = tell.invoke(command, ["old", "--proposed-days"]).output
    assert re.search(r"^pipe-3 +2022-05-03  only the fi…  unknown +none +none$", narrow, re.M)
    assert "the date of 13 only stands in, marked ?: look at each" in " ".join(narrow.split())
    (record,) = (team / "postmortems").glob("2022-06-07-*.md")
    told = "date: 2022-06-07  # only line 3 says 2022-06-07; taken as proposed\n"
    assert told in record.read_text()


def test_a_title_that_ends_in_its_day_has_it_once_in_the_name_of_its_record(team: Path) -> None:
    (team / "old" / "valve.md").write_text(
        "# A valve stuck (2022-06-07)\n\nIncident date: 2022-06-07\n"
    )
    assert "adopted  postmortems/2022-06-07-a-valve-stuck.md" in adopt("old/valve.md")


def test_a_heading_and_a_file_name_of_two_days_are_refused(team: Path) -> None:
    (team / "old" / "2022-06-02-limit.md").write_text("# 2022-01-27, pod limit reached\n")
    said = adopt("old/2022-06-02-limit.md")
    assert "no date: line 1 says 2022-01-27, the file name says 2022-06-02" in said
    assert "look at what is proposed, and run again with --proposed-days" in said
    assert not list((team / "postmortems").glob("*limit*"))


@pytest.mark.parametrize(
    ("name", "text", "title", "date"),
    [
        (
            "form.md",
            "# ISSUE NAME\n\n## Timeline\n\n2021-03-04 10:15 UTC: down\n",
            "form (the file name; line 1 is a form's)",
            "2021-03-04 (only line 5 says 2021-03-04; taken as proposed)",
        ),
        (
            "2021-03-04-pump.md",
            "# Postmortem\n\nIt stood still.\n",
            "pump (the file name)",
            "2021-03-04 (only the file name says 2021-03-04; taken as proposed)",
        ),
        (
            "002.md",
            "# Title:\n\n### Pump\n\nIncident date: 2021-03-04\nSeverity: SEV2 (one service)\n",
            "002 (the file name; line 1 is a form's)",
            "2021-03-04 (line 5)",
        ),
        (
            "pump.md",
            "# Post Incident Review: 24-10-2024 - Pump stood still\n\n## Timeline\n\n"
            "- 16-10-2024 11:58 UTC - a valve was changed\n- 24-10-2024 02:00 UTC - it shut\n",
            "Pump stood still (line 1)",
            "2024-10-24 (line 1)",
        ),
        (
            "2021-03-05.md",
            "# Post-mortem: attack on March 4th, 2021\n\n## Timeline\n\n"
            "2021-03-04 10:15 UTC: down\n",
            "attack on March 4th, 2021 (line 1)",
            "2021-03-04 (line 1, line 5)",
        ),
        (
            "2026-05-18-firma.md",
            "# La firma se perdió\n\n**Fecha del incidente:** 2026-05-02 a 2026-05-16\n",
            "La firma se perdió (line 1)",
            "2026-05-02 (line 3)",
        ),
        (
            "2021-03-05.md",
            "# Attack on March 4th, 2021\n\nDate: 2021-03-06\nIncident date: 2021-03-03\n",
            "Attack on March 4th, 2021 (line 1)",
            "2021-03-03 (line 4)",
        ),
        (
            "stall.md",
            "\ufeff## Fees rose\n### Date: February 06, 2023\n\nThey rose.\n",
            "Fees rose (line 1)",
            "2023-02-06 (only line 2 says 2023-02-06; taken as proposed)",
        ),
        (
            "cluster.md",
            "# A node went\n\n## Timeline\n\nAll times CET.\n\n- 2019-12-04 00:30 CET: gone\n",
            "A node went (line 1)",
            "2019-12-04 (only line 7 says 2019-12-04; taken as proposed)",
        ),
    ],
)
def test_two_places_that_agree_make_a_day_known_and_of_one_it_is_proposed(
    team: Path, name: str, text: str, title: str, date: str
) -> None:
    (team / "old" / name).write_text(text)
    said = adopt(f"old/{name}", "--proposed-days")
    assert f"title: {title}" in said
    assert f"date: {date}" in said


def test_a_heading_with_a_day_that_can_be_two_is_refused(team: Path) -> None:
    (team / "old" / "script.md").write_text("# 04-03-2026 - Script injection\n")
    git(team, "add", "-A")
    git(team, "commit", "-qm", "one more")
    told = "no date: line 1 says 04-03-2026, which can be read in more than one way"
    assert told in adopt("old/script.md")


def test_a_title_and_front_matter_of_two_days_or_a_section_and_a_name_are_refused(
    team: Path,
) -> None:
    (team / "old" / "hugo.md").write_text("---\ntitle: Leak of 3 May 2021\ndate: 2021-07-01\n---\n")
    (team / "old" / "2020-02-07-app.md").write_text("# App\n\n## Date\n\n2020-01-07\n")
    said = adopt("old/hugo.md", "old/2020-02-07-app.md")
    assert "line 2 says 2021-05-03, line 3 says 2021-07-01" in said
    assert "line 5 says 2020-01-07, the file name says 2020-02-07" in said


def test_a_severity_is_read_from_a_cell_of_a_wide_row(team: Path) -> None:
    (team / "old" / "2021-03-04-pi.md").write_text("# Pi\n\n| **Severity:** SEV2 | Owner: a |\n")
    assert "severity: SEV2 (line 3)" in adopt("old/2021-03-04-pi.md", "--proposed-days")


def test_the_same_text_twice_is_adopted_twice_and_said(team: Path) -> None:
    for name in ("pump.md", "copy.md"):
        (team / "old" / name).write_text(
            "# A pump stood still\n\nIncident date: 2021-03-04\n\nIt did.\n"
        )
    said = adopt("old/pump.md", "old/copy.md")
    assert "2 files: 2 adopted" in said
    assert "the same text twice, each a record of its own: old/copy.md and old/pump.md" in said


def test_a_foreign_draft_is_searched_and_said_to_call_itself_one(team: Path) -> None:
    (team / "old" / "hugo.md").write_text(
        "---\ntitle: A pump stood still\ndate: 2020-02-03\nstatus: draft\n---\n\nIt did.\n"
    )
    said = adopt("old/hugo.md", "--proposed-days")
    assert "published, though the file calls itself unfinished: old/hugo.md" in said
    assert "status: published (adopted, so that search finds it; line 4 says draft)" in said
    assert [one.id for one in open_library(team).published if "pump" in one.id]


@pytest.mark.parametrize("mark", ["---", "+++"])
def test_passages_of_an_adopted_record_do_not_begin_with_its_old_front_matter(
    team: Path, mark: str
) -> None:
    own = f"{mark}\ntitle: Pump\ndate: 2020-02-03\nweight: 7\n{mark}\n\nA valve had shut.\n"
    (team / "old" / "2020-02-03-pump.md").write_text(
        own.replace(": ", " = ") if mark == "+++" else own
    )
    adopt("old/2020-02-03-pump.md", "--proposed-days")
    library = open_library(team)
    (document,) = (one for one in library.documents if "pump" in one.path.name)
    assert [one.text for one in record_passages(document)] == ["A valve had shut."]
    assert "weight" in document.text


def test_front_matter_of_its_own_is_kept_in_a_fence_and_read(team: Path) -> None:
    own = "---\ntitle: 'A: b'\ndate: 2020-02-03\nseverity: SEV1\n"
    own += "sources:\n  - date: 2020-09-09\n---\n# Another\n\nText.\n"
    (team / "old" / "hugo.md").write_text(own)
    adopt("old/hugo.md", "--proposed-days")
    record = open_library(team).record("2020-02-03-a-b")
    assert record is not None
    assert (record.title, record.severity) == ("A: b", "SEV1")
    assert json.dumps("A: b") in (team / record.path).read_text()


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("2021-03-04 10:00", date(2021, 3, 4)),
        ("4th March 2021", date(2021, 3, 4)),
        ("Mar 4, 2021", date(2021, 3, 4)),
        ("Thursday, 4 March 2021 10:15 UTC", date(2021, 3, 4)),
        ("@March 4, 2021 10:15 AM (UTC)", date(2021, 3, 4)),
        ("4.3.2021", date(2021, 3, 4)),
        ("25/12/2021", date(2021, 12, 25)),
        ("9/2/2021", None),
        ("March 2–5, 2026", date(2026, 3, 2)),
        ("March 30 to April 2, 2026", date(2026, 3, 30)),
        ("2-5 March 2026", date(2026, 3, 2)),
        ("2 to 5 March 2026", date(2026, 3, 2)),
        ("5-2 March 2026", None),
        ("2 - 5 March 2026", None),
        ("2026-03-02/05", date(2026, 3, 2)),
        ("Mid-2025", None),
        # A day and a month, then an hour.
        ("15/09/20:00 the pod restarts", None),
        ("15/09/20, 14:00", date(2020, 9, 15)),
        ("2021-02-30", None),
    ],
)
def test_a_day_is_read_where_it_can_be_only_one(text: str, day: date | None) -> None:
    assert read_written_day(text) == day


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("## Action items\n\n- move it\n- paint it\n", "2 items"),
        ("## Action items\n\n- None\n", "empty"),
        ("## Action items\n\nWe should move it, and paint it.\n", "unknown"),
        ("## What we think\n\n- it moved\n", "empty"),
        ("## What we will do\n\n- move it\n", "unknown"),
        ("## Lessons\n\n- Valves shut.\n", "unknown"),
        ("## Result\n\n- [ ] move it\n", "unknown"),
        ("It shut. To prevent that we:\n\n- move it\n", "unknown"),
        ("## Result\n\n| What | Owner |\n|---|---|\n| move it | ops |\n", "unknown"),
        ("## What was tested\n\nAs above.\n", "empty"),
        # What a row of a table or of a timeline says is no name of what stands below.
        ("## Runs\n\n| Run | Result |\n|---|---|\n| 1 | next to none |\n", "empty"),
        ("## Timeline (approximate)\n\n- 10:00 It should have been moved.\n", "empty"),
        # What stands under the heading may be no more than a part of them.
        (
            "## Prevention\n\n| Item | Owner |\n|---|---|\n| move it | ops |\n\n"
            "## Better alerts\n\n| Item | Owner |\n|---|---|\n| paint it | ops |\n",
            "unknown",
        ),
        (
            "## Action items\n\n- Kind: what it is\n- Owner: who\n\n"
            "| Item | Owner |\n|---|---|\n| move it | ops |\n",
            "unknown",
        ),
        ("## Action items\n\n- Make it better:\n  - move it\n  - paint it\n", "unknown"),
        ("## Remediation\n\n- moved it\n\n## Follow-ups\n\n- [ ] paint it\n", "unknown"),
        # Advice to the readers, what was done in the incident, what may be either.
        ("## Recommendations for users\n\n- move it\n- paint it\n", "unknown"),
        ("## Recommendations\n\n- move it\n- paint it\n", "2 items"),
        ("## Recommendations\n\n### Pumps\n\n- move it\n\n### Us\n\n- paint it\n", "unknown"),
        ("## Call to action\n\n- move your account\n", "unknown"),
        ("## Recommendations\n\n- [ ] move it\n- [ ] paint it\n", "2 items"),
        ("## Remediation\n\n- moved it\n- painted it\n", "unknown"),
        ("## Immediate actions\n\n- moved it\n", "unknown"),
        ("## Action items\n\n### Immediate\n\n- move it\n\n### Later\n\n- paint it\n", "2 items"),
        # Of several headings the one of all actions holds them, and what was done is none.
        (
            "## Immediate actions\n\n- moved it\n\n## 8. Action items\n\n| Action | Owner |\n"
            "|---|---|\n| paint it | ops |\n",
            "1 item",
        ),
        (
            "## Acciones tomadas\n\n- mover\n\n## Acciones preventivas\n\n- [x] pintar\n",
            "1 item",
        ),
        (
            "## ✅ Action Items\n\n**Soon**\n\n- [ ] move it\n\n## Preventive measures\n\n- one\n",
            "1 item",
        ),
        (
            "## Action items\n\n1. move it\n\n## Non-action items (considered)\n\n- paint it\n",
            "1 item",
        ),
        ("## Action items\n\nActions should be small.\n\n- [ ] move it\n", "1 item"),
        ("## Pump Improvement\n\n- move it\n", "unknown"),
        # A table of files is none of actions.
        ("## Files\n\n|文件|内容|\n|---|---|\n|a|b|\n\n## 预防\n\n- 移动它\n", "1 item"),
        # Below headings of their own the items may be parts of an action that the heading is.
        ("## Action items\n\n### Move it\n\n- to the left\n- by May\n", "unknown"),
        ("## Action items\n\n- **Alerts**\n  - move it\n  - paint it\n", "unknown"),
        ("## Action items\n\n- [ ] move it\n  - [ ] to the left\n", "unknown"),
        ("## Action items\n\n- [ ] move it\n- paint it\n", "unknown"),
        ("## Action items\n\n- move it\n\nOthers have:\n\n- painted it\n", "unknown"),
        ("## Action items\n\nWe will:\n\n- move it\n- paint\n  it\n\nSoon.\n", "2 items"),
        ("## Action items\n\n- [ ] move it\n\n### Checks\n\n- [ ] it moves\n", "unknown"),
        ("## Action items\n\n- move it\n\n## Second action list\n\n- paint it\n", "unknown"),
        ("## Action items\n\n- [ ] move it\n\n## Verification\n\n- [x] it moves\n", "1 item"),
    ],
)
def test_the_number_of_actions_is_that_of_one_list_none_or_unknown(
    team: Path, text: str, told: str
) -> None:
    (team / "old" / "pump.md").write_text(
        f"# The pump stood still\n\nIncident date: 2021-03-04\n\n{text}"
    )
    assert f"its action list: {told}" in adopt("old/pump.md", "--dry-run", "--verbose")


@pytest.mark.parametrize(
    "front",
    [
        "\n\n---\ntitle: The pump stood still\ndate: 2021-03-04\n---\n",
        "---\ntitle: The pump stood still\ndate: 2021-03-04\n"
        "severity: high\ndetected_by: bob\n---\n",
    ],
    ids=["after blank lines", "with keys that records have too"],
)
def test_foreign_front_matter_is_read(team: Path, front: str) -> None:
    (team / "old" / "pump.md").write_text(f"{front}\n# comment\n\nIt did.\n")
    report = adopt("old/pump.md", "--dry-run", "--verbose", "--proposed-days")
    assert "title: The pump stood still (line" in report
    assert "date: 2021-03-04 (only line" in report


def test_relative_links_of_a_text_lead_where_they_led(team: Path) -> None:
    (team / "old" / "plan v2.md").write_text("# A plan\n")
    text = (
        "# The pump stood still\n\nIncident date: 2021-03-04\n\n"
        "[plan](plan%20v2.md#a), [none](none.md), [far](https://example.org/a), [here](#b)\n\n"
        "```\n[plan](plan%20v2.md)\n```\n\n[p]: ./plan%20v2.md\n"
    )
    (team / "old" / "pump.md").write_text(text)
    adopt("old/pump.md")
    record = (team / "postmortems" / "2021-03-04-the-pump-stood-still.md").read_text()
    moved = text.replace("(plan%20v2.md#a)", "(../old/plan%20v2.md#a)")
    assert record.endswith(moved.replace("./plan%20v2.md", "../old/plan%20v2.md"))
