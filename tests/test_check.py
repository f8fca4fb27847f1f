"""`kb check`: what it reads, what it says in each format, and how it ends."""

from __future__ import annotations

import json
import multiprocessing
import os
import threading
from collections.abc import Callable
from datetime import date
from pathlib import Path

import jsonschema
import pytest
from click.testing import CliRunner, Result
from kb.commands.check import command
from kb.errors import KbError
from kb.library import open_library
from kb.lint.parallel_check import check_library
from kb.lint.registry import all_rules
from kb.lint.report import render, text
from kb.lint.rule_docs import rule_page, rule_pages
from kb.lint.runner import Report, check
from kb.records.blank_record import blank_record
from kb.records.form import build_form
from kb.records.front_matter_schema import front_matter_schema
from kb.terminal import caret_lines, visible

from conftest import EXAMPLE, Git
from hostile import checked_body
from patience import wait_until

TODAY = date(2026, 6, 1)
GOOD = "---\ntitle: x\ndate: 2026-04-12\nstatus: draft\n---\n# x\n"
BAD = GOOD.replace("status: draft", "status: drafted")

Add = Callable[..., Path]


@pytest.fixture
def add(library_folder: Path) -> Add:
    """Put a record into the library."""

    def write(content: str | bytes, name: str = "2026-04-12-x.md") -> Path:
        path = library_folder / "postmortems" / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


def report_of(root: Path, *paths: Path) -> Report:
    return check(open_library(root), paths=paths, today=TODAY)


def codes(report: Report) -> list[str]:
    return [problem.rule for problem in report.problems]


def kb(root: Path, *arguments: str) -> Result:
    before = Path.cwd()
    os.chdir(root)
    try:
        return CliRunner().invoke(command, list(arguments))
    finally:
        os.chdir(before)


# What is read.


def test_a_new_draft_of_every_profile_has_no_error(add: Add, library_folder: Path) -> None:
    form = build_form()
    for profile in form.profiles:
        record = blank_record("The agent paid twice", date(2026, 4, 12), profile=profile, form=form)
        add(record, f"2026-04-12-{profile}.md")
    report = report_of(library_folder)
    assert (report.records, report.errors) == (4, 0)
    assert [problem.name for problem in report.problems] == ["open-question"]  # of the one page


def test_a_file_with_nothing_in_it_gets_one_fault(add: Add, library_folder: Path) -> None:
    for content in (
        b"",
        b"\n",
        b"# Notes\n",
        b"\xef\xbb\xbf# Notes\n",
        b"\xff\xfe#\x00",
        b"+++\n+++",
    ):
        add(content)
        assert len(report_of(library_folder).problems) == 1


def test_a_file_that_is_too_large_is_named_and_not_read(add: Add, library_folder: Path) -> None:
    path = add(GOOD)
    with path.open("r+b") as stream:
        stream.truncate(50_000_000)
    report = report_of(library_folder)
    assert codes(report) == ["KB103"]
    assert "50 MB" in report.problems[0].message


def test_a_link_out_of_the_repository_is_not_followed(
    library_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    secret = tmp_path_factory.mktemp("elsewhere") / "secret.md"
    secret.write_text("password: hunter2", encoding="utf-8")
    link = library_folder / "postmortems" / "2026-04-12-link.md"
    link.symlink_to(secret)
    for report in (report_of(library_folder), report_of(library_folder, link)):
        assert codes(report) == ["KB102"]
        assert "hunter2" not in str(text(report, base=library_folder))


def test_a_folder_with_the_name_of_a_record_is_unreadable(library_folder: Path) -> None:
    (library_folder / "postmortems" / "2026-04-12-x.md").mkdir()
    assert codes(report_of(library_folder)) == ["KB101"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="needs named pipes")
def test_a_named_pipe_is_unreadable_and_does_not_hang(library_folder: Path) -> None:
    os.mkfifo(library_folder / "postmortems" / "2026-04-12-x.md")
    assert codes(report_of(library_folder)) == ["KB101"]


def test_two_files_that_differ_in_case_claim_one_id(add: Add, library_folder: Path) -> None:
    add(GOOD, "2026-04-12-x.md")
    add(GOOD, "2026-04-12-X.md")
    assert codes(report_of(library_folder)).count("KB120") == 2


def test_a_file_given_from_elsewhere_claims_its_id_too(
    add: Add, library_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    add(GOOD)
    copy = tmp_path_factory.mktemp("draft") / "2026-04-12-x.md"
    copy.write_text(GOOD, encoding="utf-8")
    assert codes(report_of(library_folder, copy)) == ["KB120"]


def test_an_alias_that_is_another_records_id_is_a_duplicate(add: Add, library_folder: Path) -> None:
    add(GOOD)
    add(GOOD.replace("status:", "aliases: [2026-04-12-X]\nstatus:"), "2026-04-12-y.md")
    problems = [p for p in report_of(library_folder).problems if p.rule == "KB120"]
    assert {(problem.path.name, problem.line) for problem in problems} == {
        ("2026-04-12-x.md", 1),
        ("2026-04-12-y.md", 4),
    }


def test_broken_yaml_is_one_fault_and_not_one_for_each_key_behind_it(
    add: Add, library_folder: Path
) -> None:
    add(GOOD.replace("title: x", "status: published\ntitle: x: y"))
    assert codes(report_of(library_folder)) == ["KB107"]


def test_a_bad_file_does_not_hide_another(add: Add, library_folder: Path) -> None:
    add(b"\x00\xff\xfe---", "2026-04-12-a.md")
    add(BAD, "2026-04-12-b.md")
    assert "KB113" in codes(report_of(library_folder))


def test_only_the_given_files_are_checked_and_the_others_are_known(
    add: Add, library_folder: Path
) -> None:
    add(BAD, "2026-01-09-earlier.md")
    link = "\n## Counterfactual\n\n- [repeat] [e](2026-01-09-earlier.md) — the same retry\n"
    report = report_of(library_folder, add(GOOD + link))
    assert (report.records, report.problems) == (1, ())


def test_a_folder_stands_for_the_records_in_it(add: Add, library_folder: Path) -> None:
    add(GOOD)
    add("# no record", "template.md")
    report = report_of(library_folder, library_folder / "postmortems")
    assert (report.records, report.problems) == (1, ())


MEANT = GOOD.replace("status: draft", "status: draft\nroute: refunds\nclasses: [tool-misuse]")


@pytest.mark.parametrize(
    "name", ["refund agent.md", "2026-04-12-refunds.markdown", "old/2026-04-12-refunds.md"]
)
def test_a_record_that_nothing_reads_is_told_at_its_file(
    name: str, add: Add, library_folder: Path
) -> None:
    (library_folder / "postmortems/old").mkdir()
    add(MEANT, name)
    report = check_library(library_folder, today=TODAY)
    assert [(p.path.as_posix(), p.rule) for p in report.problems] == [
        (f"postmortems/{name}", "KB117")
    ]


@pytest.mark.parametrize(
    "text", ["# How we write them\n", "---\ntitle: How\nstatus: published\n---\n# How\n"]
)
def test_other_markdown_beside_the_records_is_left_alone(
    text: str, add: Add, library_folder: Path
) -> None:
    add(text, "README.md")
    add(blank_record("x", TODAY, profile="full", form=build_form()), "template.md")
    assert codes(check_library(library_folder, today=TODAY)) == []


def test_several_processes_tell_of_such_files_as_well(library_folder: Path) -> None:
    (library_folder / "postmortems/refunds.md").write_text(MEANT)
    reports = [check_library(library_folder, today=TODAY, cores=n) for n in (1, 2)]
    assert reports[0] == reports[1]
    assert "KB117" in codes(reports[0])


def test_a_path_that_does_not_exist_is_an_operational_fault(library_folder: Path) -> None:
    with pytest.raises(KbError, match="no such file"):
        report_of(library_folder, library_folder / "nowhere.md")


def test_a_rule_is_silenced_in_one_file_with_a_reason(add: Add, library_folder: Path) -> None:
    add(BAD.replace("title:", "# kb: allow unknown-word — a trial of our own stages\ntitle:"))
    assert report_of(library_folder).problems == ()


def test_a_rule_is_switched_off_for_all_in_kb_toml(add: Add, library_folder: Path) -> None:
    (library_folder / "kb.toml").write_text('[check]\ndisable = ["KB113"]\n', encoding="utf-8")
    add(BAD)
    assert report_of(library_folder).problems == ()


def test_a_team_may_change_headings_and_words(add: Add, library_folder: Path) -> None:
    settings = '[form.headings]\nsummary = "In short"\n[taxonomy.classes]\nslow = "Too slow."\n'
    (library_folder / "kb.toml").write_text(settings, encoding="utf-8")
    add(GOOD.replace("draft\n", "draft\nclasses: [slow]\n") + "\n## In short\n\nIt was slow.\n")
    assert report_of(library_folder).problems == ()


def test_hostile_text_is_checked_to_its_end(add: Add, library_folder: Path) -> None:
    """A square of this length would take hours; `scripts/bench hostile` measures the growth."""
    path = add(GOOD.replace("status: draft", "status: published") + checked_body(150_000))
    assert path.stat().st_size > 1_500_000
    assert report_of(library_folder).problems


def test_every_postmortem_in_the_wild_is_checked_and_told_in_every_format(
    data: Path, library_folder: Path
) -> None:
    files = [path for path in (data / "wild-markdown").rglob("*") if path.is_file()]
    report = report_of(library_folder, *files)
    assert report.records == len(files) > 100
    for style in ("text", "json", "sarif", "github", "gitlab"):
        render(report, style, base=library_folder)


# On several cores.


def many(add: Add) -> None:
    for number in range(40):
        add(GOOD, f"2026-04-12-good-{number}.md")
        add(BAD + f"\n## Side notes {number}\n", f"2026-04-12-bad-{number}.md")
    repeat = (
        "\n## Counterfactual\n\n- [repeat] [g](2026-04-12-good-1.md) — the same, fix existed: no\n"
    )
    add(GOOD + repeat, "2026-04-12-linked.md")
    add(GOOD, "2026-04-12-GOOD-1.md")


@pytest.mark.skipif(not hasattr(os, "fork"), reason="one process does it here")
def test_several_processes_find_what_one_finds(add: Add, library_folder: Path) -> None:
    many(add)
    alone = report_of(library_folder)
    assert check_library(library_folder, today=TODAY, cores=3) == alone
    assert alone.errors == 43


@pytest.mark.skipif(not hasattr(os, "fork"), reason="one process does it here")
@pytest.mark.parametrize("status", ["", "published"])
@pytest.mark.parametrize("named", ["postmortems", "postmortems/2026-04-12-bad-*.md"])
def test_several_processes_find_in_named_records_what_one_finds(
    named: str, status: str, add: Add, library_folder: Path
) -> None:
    many(add)
    paths = tuple(sorted(library_folder.glob(named), reverse=True))
    alone = check(open_library(library_folder), paths=paths, today=TODAY, status=status)
    shared = check_library(library_folder, today=TODAY, cores=3, paths=paths, status=status)
    assert shared == alone
    assert alone.records == (40 if "*" in named else 82)
    assert alone.errors >= 40


@pytest.mark.skipif(not hasattr(os, "fork"), reason="one process does it here")
def test_a_named_file_that_is_no_record_is_checked_with_the_others(
    add: Add, library_folder: Path
) -> None:
    many(add)
    (library_folder / "draft.md").write_text(BAD, encoding="utf-8")
    paths = (library_folder / "postmortems", library_folder / "draft.md")
    shared = check_library(library_folder, today=TODAY, cores=3, paths=paths)
    assert shared == check(open_library(library_folder), paths=paths, today=TODAY)
    assert shared.records == 83


@pytest.mark.skipif(not hasattr(os, "fork"), reason="one process does it here")
@pytest.mark.parametrize("arguments", [("postmortems",), ("--as", "published")])
def test_many_records_are_shared_however_they_are_asked_for(
    arguments: tuple[str, ...], add: Add, library_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[int] = []
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1}, raising=False)
    fork = os.fork
    monkeypatch.setattr(os, "fork", lambda: started.append(1) or fork())
    for number in range(300):
        add(GOOD, f"2026-04-12-good-{number}.md")
    assert "300 records" in kb(library_folder, *arguments).output
    assert started


@pytest.mark.skipif(not hasattr(os, "fork"), reason="one process does it here")
def test_a_process_that_is_killed_costs_time_and_nothing_else(
    add: Add, library_folder: Path
) -> None:
    many(add)
    alone = report_of(library_folder)

    def kill_the_first() -> None:
        wait_until(lambda: bool(multiprocessing.active_children()), "no process", every=0)
        for child in multiprocessing.active_children():
            child.kill()

    killer = threading.Thread(target=kill_the_first)
    killer.start()
    assert check_library(library_folder, today=TODAY, cores=2) == alone
    killer.join()


# What it says.


def test_text_shows_place_rule_message_source_and_caret(add: Add, library_folder: Path) -> None:
    add(BAD)
    assert kb(library_folder).output == (
        "postmortems/2026-04-12-x.md:4:9: KB113 unknown-word: "
        "unknown word \"drafted\" in 'status'; did you mean 'draft'?\n"
        "    status: drafted\n"
        "            ^^^^^^^\n"
        "1 record, 1 error, 0 advice\n"
    )


def test_paths_are_shown_from_where_one_stands(add: Add, library_folder: Path) -> None:
    add(BAD)
    assert kb(library_folder / "postmortems").output.startswith("2026-04-12-x.md:4:9: ")


def test_terminal_escapes_in_records_are_shown_and_not_obeyed(
    add: Add, library_folder: Path
) -> None:
    add(BAD.replace("drafted", '"dr\\e]0;x\\a\u202eafted\x1b[2J"'), "2026-04-12-x\x1b[31m.md")
    output = kb(library_folder).output
    assert "\x1b" not in output
    assert "\u202e" not in output
    assert "\\x1b" in output


def test_bytes_that_are_no_utf_8_do_not_stop_any_format(add: Add, library_folder: Path) -> None:
    add(BAD.encode().replace(b"drafted", b"dr\xe9fted"))
    for style in ("text", "json", "sarif", "github", "gitlab"):
        result = kb(library_folder, "--format", style)
        assert result.exit_code == 1
        result.output.encode("ascii" if style in {"json", "sarif", "gitlab"} else "utf-8")


def test_colour_appears_only_when_it_is_asked_for(add: Add, library_folder: Path) -> None:
    add(BAD)
    report = report_of(library_folder)
    assert "\x1b[31m" in render(report, "text", base=library_folder, colour=True)
    assert "\x1b" not in str(text(report, base=library_folder))


def test_a_caret_stands_below_what_it_means() -> None:
    assert caret_lines("status: x", 9, 1) == ("status: x", "        ^")
    assert caret_lines("漢字: x", 5, 1) == ("漢字: x", "      ^")
    assert caret_lines("\x1b[1m: x", 7, 1) == ("\\x1b[1m: x", "         ^")
    assert caret_lines("short", 40, 3) == ("short", "     ^")
    line, caret = caret_lines("a" * 5_000 + "HERE" + "b" * 5_000, 5_001, 4)
    assert line[caret.index("^") : caret.index("^") + 4] == "HERE"
    assert len(line) < 110


def test_invisible_characters_are_spelled_out() -> None:
    assert visible("a\tb\x07\x9b\u200b\ufeff\udcff\n") == "a b\\x07\\x9b\\u200b\\ufeff\\xff\\x0a"


def test_json_keeps_its_contract(add: Add, library_folder: Path) -> None:
    add(BAD)
    answer = json.loads(kb(library_folder, "--format", "json").output)
    assert answer["schema"] == "kb.check/1"
    assert (answer["records"], answer["errors"], answer["advice"]) == (1, 1, 0)
    assert answer["not_run"] == []
    (problem,) = answer["problems"]
    assert problem.pop("message").startswith("unknown word")
    assert problem == {
        "path": "postmortems/2026-04-12-x.md",
        "line": 4,
        "column": 9,
        "rule": "KB113",
        "name": "unknown-word",
        "severity": "error",
        "fixable": False,
    }


def test_github_annotations_escape_what_would_end_them(add: Add, library_folder: Path) -> None:
    add(BAD.replace("drafted", "50%::error"), "2026-04-12-a,b.md")
    lines = kb(library_folder, "--format", "github").output.splitlines()
    word = next(line for line in lines if "KB113" in line)
    assert word.startswith(
        "::error file=postmortems/2026-04-12-a%2Cb.md,line=4,col=9,title=KB113 unknown-word::"
    )
    assert "50%25::error" in word
    assert kb(library_folder, "--format", "github").exit_code == 1


def test_github_says_nothing_where_nothing_is_wrong(add: Add, library_folder: Path) -> None:
    add(GOOD)
    assert kb(library_folder, "--format", "github").output == ""


def test_gitlab_fingerprints_differ_and_survive_lines_added_above(
    add: Add, library_folder: Path
) -> None:
    bad = BAD.replace("title: x", "title: x\nfoo: 1\nfoo_: 1")
    add(bad)
    before = json.loads(kb(library_folder, "--format", "gitlab").output)
    add(bad.replace("---\ntitle", "---\n# one line more\ntitle"))
    after = json.loads(kb(library_folder, "--format", "gitlab").output)
    prints = [issue["fingerprint"] for issue in before]
    assert len(set(prints)) == len(prints) == 3
    assert [issue["fingerprint"] for issue in after] == prints
    assert before[0]["location"] == {
        "path": "postmortems/2026-04-12-x.md",
        "lines": {"begin": 3},
    }


#: The parts of the SARIF 2.1.0 schema that GitHub's upload asks for.
SARIF_ESSENTIALS = {
    "type": "object",
    "required": ["version", "runs"],
    "properties": {
        "version": {"const": "2.1.0"},
        "runs": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["tool", "results"],
                "properties": {
                    "tool": {
                        "type": "object",
                        "required": ["driver"],
                        "properties": {
                            "driver": {
                                "type": "object",
                                "required": ["name", "rules"],
                                "properties": {
                                    "rules": {
                                        "type": "array",
                                        "uniqueItems": True,
                                        "items": {
                                            "type": "object",
                                            "required": [
                                                "id",
                                                "shortDescription",
                                                "fullDescription",
                                                "help",
                                                "defaultConfiguration",
                                            ],
                                        },
                                    }
                                },
                            }
                        },
                    },
                    "columnKind": {"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
                    "invocations": {
                        "items": {"required": ["executionSuccessful"]},
                    },
                    "results": {
                        "type": "array",
                        "items": {
                            "type": "object",
                            "required": ["ruleId", "message", "locations"],
                            "properties": {
                                "level": {"enum": ["none", "note", "warning", "error"]},
                                "message": {"required": ["text"]},
                                "ruleIndex": {"type": "integer", "minimum": 0},
                                "locations": {
                                    "minItems": 1,
                                    "items": {
                                        "required": ["physicalLocation"],
                                        "properties": {
                                            "physicalLocation": {
                                                "required": ["artifactLocation", "region"],
                                                "properties": {
                                                    "artifactLocation": {
                                                        "properties": {
                                                            "uri": {
                                                                "type": "string",
                                                                "pattern": "^[!-~]+$",
                                                            }
                                                        }
                                                    },
                                                    "region": {
                                                        "required": ["startLine"],
                                                        "additionalProperties": {
                                                            "type": "integer",
                                                            "minimum": 1,
                                                        },
                                                    },
                                                },
                                            }
                                        },
                                    },
                                },
                            },
                        },
                    },
                },
            },
        },
    },
}


def test_sarif_holds_what_its_readers_ask_for(add: Add, library_folder: Path) -> None:
    add(BAD, "2026-04-12-a b é.md")
    add("# no record")
    answer = json.loads(kb(library_folder, "--format", "sarif").output)
    jsonschema.validate(answer, SARIF_ESSENTIALS)
    (run,) = answer["runs"]
    rules = run["tool"]["driver"]["rules"]
    for result in run["results"]:
        assert rules[result["ruleIndex"]]["id"] == result["ruleId"]
    uris = [
        r["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for r in run["results"]
    ]
    assert "postmortems/2026-04-12-a%20b%20%C3%A9.md" in uris


def test_an_unknown_format_is_an_operational_fault(library_folder: Path) -> None:
    with pytest.raises(KbError, match="no format"):
        render(report_of(library_folder), "xml", base=library_folder)


# How it ends.


def test_exit_status_is_0_without_faults_and_1_with_them(add: Add, library_folder: Path) -> None:
    add(GOOD)
    assert kb(library_folder).exit_code == 0
    add(BAD)
    assert kb(library_folder).exit_code == 1


def test_advice_fails_the_check_only_when_strict(add: Add, library_folder: Path) -> None:
    add(GOOD + "\n## Side notes\n\nx\n")
    assert kb(library_folder).exit_code == 0
    assert kb(library_folder, "--strict").exit_code == 1


def test_an_empty_library_has_no_fault(library_folder: Path) -> None:
    result = kb(library_folder)
    assert result.exit_code == 0
    assert result.output.endswith("0 records, 0 errors, 0 advice\n")


def test_a_draft_elsewhere_is_held_against_the_library_one_stands_in(
    library_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    draft = tmp_path_factory.mktemp("notes") / "2026-04-12-x.md"
    draft.write_text(BAD, encoding="utf-8")
    result = kb(library_folder, str(draft))
    assert result.exit_code == 1
    assert result.output.startswith(f"{draft}:4:9: KB113")


def test_explain_shows_the_page_of_a_rule_by_code_or_name(library_folder: Path) -> None:
    by_code = kb(library_folder, "--explain", "kb301").output
    assert by_code == kb(library_folder, "--explain", "missing-clock").output
    assert by_code.startswith("# KB301 missing-clock\n")


def test_explain_suggests_the_rule_that_was_meant(library_folder: Path) -> None:
    error = kb(library_folder, "--explain", "mising-clock").exception
    assert isinstance(error, KbError)
    assert error.todo == "Did you mean 'missing-clock'?"


def test_only_what_changed_since_a_revision_is_checked(
    add: Add, library_folder: Path, git: Git
) -> None:
    add(BAD, "2026-04-12-old.md")
    git("add", "-A")
    git("commit", "--quiet", "-m", "one record")
    assert kb(library_folder, "--changed-since", "HEAD").output == "0 records, 0 errors, 0 advice\n"
    add(BAD, "2026-04-12-new.md")
    output = kb(library_folder, "--changed-since", "HEAD").output
    assert "2026-04-12-new.md" in output
    assert output.endswith("1 record, 1 error, 0 advice\n")


def test_what_was_deleted_or_is_no_record_is_not_checked(
    add: Add, library_folder: Path, git: Git
) -> None:
    gone = add(BAD, "2026-04-12-gone.md")
    git("add", "-A")
    git("commit", "--quiet", "-m", "one record")
    gone.unlink()
    add("# notes", "notes.md")
    assert kb(library_folder, "--changed-since", "HEAD").output == "0 records, 0 errors, 0 advice\n"


def test_without_git_what_changed_is_an_operational_fault(add: Add, library_folder: Path) -> None:
    add(GOOD)
    error = kb(library_folder, "--changed-since", "HEAD").exception
    assert isinstance(error, KbError)
    assert error.what == "what changed is not known"


# What is generated.


def test_every_rule_has_a_page_and_a_row_in_the_index() -> None:
    pages = rule_pages()
    assert set(pages) == {"index.md", *(f"{rule.code}.md" for rule in all_rules())}
    for rule in all_rules():
        assert f"[{rule.code} {rule.name}]({rule.code}.md)" in pages["index.md"]
        assert rule.bad in rule_page(rule)
        assert rule.good in rule_page(rule)


def test_the_schema_accepts_the_worked_example_and_refuses_a_wrong_word() -> None:
    import yaml

    # Dates stay strings, as editors with a YAML schema read them.
    block = EXAMPLE.read_text("utf-8").split("---\n")[1]
    front = yaml.load(block, Loader=_Strings)
    schema = front_matter_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.validate(front, schema)
    for wrong in ({"severity": "SEV9"}, {"sevrity": "SEV2"}, {"classes": "one"}, {"cost_usd": "x"}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({**front, **wrong}, schema)
    without = {key: value for key, value in front.items() if key != "classes"}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(without, schema)


def _strings() -> type:
    import yaml

    class Strings(yaml.SafeLoader):
        """A loader that leaves days and times as they are written."""

    resolvers = {
        first: [(tag, pattern) for tag, pattern in pairs if not tag.endswith("timestamp")]
        for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }
    Strings.yaml_implicit_resolvers = resolvers
    return Strings


_Strings = _strings()


def test_a_draft_is_not_told_of_a_rule_that_asks_nothing_of_it(example_library: Path) -> None:
    """Search is asked for what review was asked of; of a draft the note would be untrue."""
    from datetime import date

    from kb.library import open_library
    from kb.lint.runner import check

    library = open_library(example_library)
    source = next((example_library / "postmortems").glob("*.md"))
    draft = source.with_name("2026-05-01-a-draft.md")
    text = source.read_text(encoding="utf-8").replace("status: published", "status: draft")
    draft.write_text(text, encoding="utf-8")
    day = date(2026, 11, 30)
    assert check(library, paths=[draft], today=day).not_run == ()
    assert [r.rule for r in check(library, paths=[source], today=day).not_run] == ["KB806"]
