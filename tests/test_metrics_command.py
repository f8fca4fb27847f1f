"""`kb metrics` as people and pipelines meet it."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from kb.cli import main
from kb.metrics.headline_answers import ANSWERED_BY
from kb.metrics.inputs import MetricsInput
from kb.metrics.registry import MEASURES, MeasureRow
from kb.metrics.render import WIDTH
from kb.metrics.result_types import MetricValue

from conftest import ROOT, Git
from known_library import Story, noon, tell, write_history


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Any:
    """A function that runs kb in a folder; exit status, output and complaints."""

    def kb(folder: Path, *arguments: str) -> tuple[int, str, str]:
        monkeypatch.chdir(folder)
        with pytest.raises(SystemExit) as stopped:
            main(list(arguments))
        captured = capsys.readouterr()
        return int(stopped.value.code or 0), captured.out, captured.err

    return kb


@pytest.fixture(scope="module")
def team(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A team's library of 60 records with its history."""
    folder = tmp_path_factory.mktemp("team")
    (folder / "kb.toml").write_text('[library]\nname = "Acme incidents"\n', encoding="utf-8")
    write_history(folder, tell(7).steps)
    return folder


def test_the_three_questions_are_answered_first_and_with_their_n(run: Any, team: Path) -> None:
    status, out, _ = run(team, "metrics")
    lines = out.splitlines()
    asked = [line for line in lines if "?" in line][1:4]
    assert status == 0
    assert lines[0] == "Acme incidents: are we learning?"
    assert [line.split("?")[0] for line in asked] == [
        "Are incidents repeating",
        "Are we detecting faster",
        "Did we do what we promised",
    ]
    assert lines.index(asked[2]) < 24
    assert "(n " in out


def test_no_line_is_wider_than_a_terminal(run: Any, team: Path) -> None:
    for arguments in ((), ("--compare", "2025-12-31"), ("--history", "month"), ("repeat_rate",)):
        _, out, _ = run(team, "metrics", *arguments)
        assert max(len(line) for line in out.splitlines()) <= WIDTH


def test_json_holds_the_machine_contract(run: Any, team: Path) -> None:
    status, out, _ = run(team, "metrics", "--json")
    answer = json.loads(out)
    assert status == 0
    assert answer["schema"] == "kb.metrics/1"
    assert set(answer["as_of"]) >= {"date", "commit"}
    assert list(answer["metrics"]) == [row.name for row in MEASURES]
    for found in answer["metrics"].values():
        assert {"value", "unit", "n", "low", "high", "records", "definition"} <= set(found)
        if found["unit"] == "share" and found["value"] is not None:
            assert 0 <= found["low"] <= found["value"] <= found["high"] <= 1


def test_csv_has_one_row_a_measure_and_one_a_slice(run: Any, team: Path) -> None:
    _, out, _ = run(team, "metrics", "--csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    measures = [row for row in rows if not row["by"]]
    assert [row["name"] for row in measures] == [row.name for row in MEASURES]
    assert any(row["by"] == "quarter" for row in rows)


def test_no_cell_is_taken_for_a_formula(run: Any, library_folder: Path) -> None:
    story = Story(
        "2026-04-12-x", noon(date(2026, 4, 12)), owners=('"=1+1"', '"@payments"'), is_first=True
    )
    (library_folder / story.path).write_text(story.markdown(), encoding="utf-8")
    _, out, _ = run(library_folder, "metrics", "--csv")
    cells = [cell for row in csv.reader(io.StringIO(out)) for cell in row]
    assert {"'=1+1", "'@payments"} <= set(cells)
    assert not [cell for cell in cells if cell[:1] in {"=", "@"}]


def test_markdown_has_the_answers_and_a_table_a_family(run: Any, team: Path) -> None:
    _, out, _ = run(team, "metrics", "--markdown")
    assert out.startswith("# Acme incidents: are we learning?\n")
    assert "| Actions closed within 30 days |" in out


def test_a_named_measure_explains_itself_and_lists_its_records(run: Any, team: Path) -> None:
    _, out, _ = run(team, "metrics", "detection_chain")
    _, answer, _ = run(team, "metrics", "detection_chain", "--json")
    metrics = json.loads(answer)["metrics"]
    assert "formula    median of detected − first_impact" in out
    assert list(metrics) == ["detection_chain"]
    assert all(record in out for record in metrics["detection_chain"]["records"])


def counted_rows(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often the function of each measure has been called, by its name, from now on."""
    calls: Counter[str] = Counter()

    def counted(row: MeasureRow) -> MeasureRow:
        def compute(facts: MetricsInput) -> MetricValue:
            calls[row.name] += 1
            return row.compute(facts)

        return replace(row, compute=compute)

    monkeypatch.setattr("kb.metrics.registry.MEASURES", tuple(map(counted, MEASURES)))
    return calls


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (("rescue_load",), {"rescue_load": 1}),
        (("rescue_load", "--csv"), {"rescue_load": 1}),
        (("rescue_load", "--compare", "2025-08-31"), {"rescue_load": 2}),
        (
            ("rescue_load", "--history", "month", "--as-of", "2025-03-15", "--csv"),
            {"rescue_load": 3},
        ),
        (
            ("rescue_load", "--fail-under", "actions_open=0"),
            {"rescue_load": 1, "actions_open": 1},
        ),
        # The contract of the JSON answer holds the three answers too.
        (("rescue_load", "--json"), {"rescue_load": 1, **dict.fromkeys(ANSWERED_BY, 1)}),
        ((), dict.fromkeys((row.name for row in MEASURES), 1)),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_what_is_asked_for_is_computed_and_nothing_else(
    run: Any,
    team: Path,
    monkeypatch: pytest.MonkeyPatch,
    arguments: tuple[str, ...],
    expected: dict[str, int],
) -> None:
    calls = counted_rows(monkeypatch)
    status, _, _ = run(team, "metrics", *arguments)
    assert status == 0
    assert calls == expected


def test_a_named_measure_is_what_it_is_on_the_whole_page(run: Any, team: Path) -> None:
    _, whole, _ = run(team, "metrics", "--json")
    _, named, _ = run(team, "metrics", "rescue_load", "--json")
    page, answer = json.loads(whole), json.loads(named)
    assert answer["metrics"] == {"rescue_load": page["metrics"]["rescue_load"]}
    # Hours left are counted from the moment of asking.
    for name in ("library", "origin", "counts", "answers", "preventable_pairs", "notes"):
        assert answer[name] == page[name]
    assert len(answer["deadlines"]) == len(page["deadlines"])


def test_a_slip_in_a_name_is_answered_with_the_nearest(run: Any, team: Path) -> None:
    status, _, err = run(team, "metrics", "repeat_rat")
    assert status == 2
    assert "Did you mean 'repeat_rate'?" in err


def test_as_of_gives_the_page_of_that_day(run: Any, team: Path) -> None:
    _, then, _ = run(team, "metrics", "--as-of", "2025-08-31", "--json")
    _, now, _ = run(team, "metrics", "--json")
    assert json.loads(then)["as_of"]["date"] == "2025-08-31"
    assert json.loads(then)["counts"]["published"] < json.loads(now)["counts"]["published"]


def test_compare_sets_each_number_beside_what_it_was(run: Any, team: Path) -> None:
    _, out, _ = run(team, "metrics", "--compare", "2025-08-31")
    _, answer, _ = run(team, "metrics", "--compare", "2025-08-31", "--json")
    _, then, _ = run(team, "metrics", "--as-of", "2025-08-31", "--json")
    assert "'then' is 2025-08-31" in out
    assert json.loads(answer)["compare"]["metrics"] == json.loads(then)["metrics"]


def test_the_history_has_a_point_a_month_and_ends_with_today(run: Any, team: Path) -> None:
    _, answer, _ = run(team, "metrics", "--history", "month", "--as-of", "2025-06-15", "--json")
    points = json.loads(answer)["history"]
    assert [point["as_of"]["date"] for point in points] == [
        "2025-01-31",
        "2025-02-28",
        "2025-03-31",
        "2025-04-30",
        "2025-05-31",
        "2025-06-15",
    ]
    _, alone, _ = run(team, "metrics", "--as-of", "2025-03-31", "--json")
    march, page = points[2]["metrics"], json.loads(alone)["metrics"]
    assert {name: found["value"] for name, found in march.items()} == {
        name: found["value"] for name, found in page.items()
    }


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_the_history_is_there_for_spreadsheets_and_documents_too(run: Any, team: Path) -> None:
    asked = ("metrics", "--history", "month", "--as-of", "2025-03-15")
    _, every, _ = run(team, *asked, "--csv")
    _, one, _ = run(team, *asked, "--csv", "repeat_rate")
    _, table, _ = run(team, *asked, "--markdown")
    assert len(rows(every)) == 3 * len(MEASURES)
    assert [(row["date"], row["name"]) for row in rows(one)] == [
        ("2025-01-31", "repeat_rate"),
        ("2025-02-28", "repeat_rate"),
        ("2025-03-15", "repeat_rate"),
    ]
    assert table.startswith("| month | Incidents that repeat an earlier one |")
    assert len(table.splitlines()) == 5


def test_a_window_holds_for_every_month(run: Any, team: Path) -> None:
    asked = ("metrics", "--history", "month", "--as-of", "2025-03-15", "--csv", "repeat_rate")
    counts = [int(row["n"]) for row in rows(run(team, *asked, "--since", "2025-03-01")[1])]
    assert counts[:2] == [0, 0]
    assert [int(row["n"]) for row in rows(run(team, *asked)[1])] > counts


def test_a_comparison_reaches_every_form(run: Any, team: Path) -> None:
    asked = ("metrics", "repeat_rate", "--compare", "2025-08-31")
    _, then, _ = run(team, "metrics", "--as-of", "2025-08-31", "--json")
    expected = json.loads(then)["metrics"]["repeat_rate"]
    first = rows(run(team, *asked, "--csv")[1])[0]
    assert float(first["then_value"]) == expected["value"]
    assert int(first["then_n"]) == expected["n"]
    assert list(json.loads(run(team, *asked, "--json")[1])["compare"]["metrics"]) == ["repeat_rate"]
    assert f"(n {expected['n']})" in run(team, *asked)[1]
    assert "then |" in run(team, *asked, "--markdown")[1]


def test_a_history_of_comparisons_is_refused(run: Any, team: Path) -> None:
    status, _, err = run(team, "metrics", "--history", "month", "--compare", "HEAD")
    assert (status, "leave out --compare" in err) == (2, True)


def test_a_window_of_news_is_refused_where_each_month_has_its_own(run: Any, team: Path) -> None:
    asked = ("metrics", "--history", "month", "--published-since", "2026-01-01")
    assert run(team, *asked)[0] == 2


def test_named_measures_stand_alone_in_every_form(run: Any, team: Path) -> None:
    names = ("action_completion", "repeat_rate")
    found = rows(run(team, "metrics", *names, "--csv")[1])
    assert list(dict.fromkeys(row["name"] for row in found)) == list(names)
    _, text, _ = run(team, "metrics", *names, "--markdown")
    assert text.count("\n| Actions closed within 30 days |") == 1
    assert "First impact to detection" not in text


def test_csv_says_what_is_unknown_what_counts_and_what_was_left_out(
    run: Any, library_folder: Path
) -> None:
    slow = Story("2026-04-12-slow", noon(date(2026, 4, 12)), chain_minutes=300)
    quick = Story("2026-04-13-quick", noon(date(2026, 4, 13)), chain_minutes=3)
    blind = Story("2026-04-14-blind", noon(date(2026, 4, 14)), chain_minutes=None)
    for story in (slow, quick, blind):
        (library_folder / story.path).write_text(story.markdown(), encoding="utf-8")
    _, out, _ = run(library_folder, "metrics", "--csv", "detected_within_30_minutes")
    first = rows(out)[0]
    assert (first["unknown"], first["hits"]) == ("1", quick.id)
    assert first["notes"] == "1 record left out: first_impact or detected is unknown."


def test_what_kb_remembers_ignores_itself(run: Any, library_folder: Path, git: Git) -> None:
    story = Story("2026-04-12-own", noon(date(2026, 4, 12)))
    (library_folder / story.path).write_text(story.markdown(), encoding="utf-8")
    git("add", "--all")
    git("commit", "--quiet", "-m", "x")
    run(library_folder, "metrics")
    assert (library_folder / ".kb/trails").is_dir()
    assert git("status", "--porcelain") == ""


def test_a_missed_goal_is_an_exit_status(run: Any, team: Path) -> None:
    missed = run(team, "metrics", "--fail-under", "action_completion=0.99", "--json")
    kept = run(team, "metrics", "--fail-under", "action_completion=0.01")
    above = run(team, "metrics", "--fail-over", "detection_chain=1")
    assert (missed[0], kept[0], above[0]) == (1, 0, 1)
    assert "action_completion is 0." in missed[2]
    json.loads(missed[1])


def test_a_goal_that_cannot_be_judged_is_not_met(run: Any, library_folder: Path) -> None:
    status, _, err = run(library_folder, "metrics", "--fail-under", "action_completion=0.9")
    assert status == 1
    assert "no value (n 0)" in err


@pytest.mark.parametrize(
    "limit",
    [
        "action_completion",
        "nonsense=1",
        "action_completion=much",
        "repeat_rate=20",
        "repeat_rate=1.01",
        "repeat_rate=nan",
        "detection_chain=-1",
    ],
)
def test_a_goal_that_is_none_is_refused(run: Any, library_folder: Path, limit: str) -> None:
    for option in ("--fail-under", "--fail-over"):
        assert run(library_folder, "metrics", option, limit)[0] == 2


def test_a_limit_in_per_cent_is_answered_with_the_share(run: Any, library_folder: Path) -> None:
    _, _, err = run(library_folder, "metrics", "--fail-over", "repeat_rate=20")
    assert "Write repeat_rate=0.2 for 20 %." in err


def test_public_records_are_never_mixed_with_a_teams_own(run: Any, library_folder: Path) -> None:
    own = Story("2026-04-12-own", noon(date(2026, 4, 12)), chain_minutes=30)
    public = Story(
        "2026-03-12-public", noon(date(2026, 3, 12)), origin="public", chain_minutes=9000
    )
    for story in (own, public):
        (library_folder / story.path).write_text(story.markdown(), encoding="utf-8")
    _, out, _ = run(library_folder, "metrics", "--json")
    _, theirs, _ = run(library_folder, "metrics", "--origin", "public", "--json")
    assert json.loads(out)["metrics"]["detection_chain"]["value"] == 30
    assert json.loads(theirs)["metrics"]["detection_chain"]["value"] == 9000
    assert json.loads(out)["counts"]["other_origin"] == 1


def test_the_worked_example_is_counted_only_while_it_stands_alone(
    run: Any, library_folder: Path
) -> None:
    fiction = Story("2026-04-12-fiction", noon(date(2026, 4, 12)), origin="example")
    (library_folder / fiction.path).write_text(fiction.markdown(), encoding="utf-8")
    alone = json.loads(run(library_folder, "metrics", "--json")[1])
    assert (alone["origin"], alone["counts"]["published"]) == ("example", 1)
    assert "fiction" in alone["notes"][0]
    own = Story("2026-05-12-own", noon(date(2026, 5, 12)))
    (library_folder / own.path).write_text(own.markdown(), encoding="utf-8")
    answer = json.loads(run(library_folder, "metrics", "--json")[1])
    assert (answer["origin"], answer["counts"]["published"]) == ("own", 1)


@pytest.mark.parametrize(
    ("schema", "arguments"),
    [
        ("metrics", ("metrics",)),
        ("metrics", ("metrics", "repeat_rate", "--compare", "HEAD")),
        ("metrics", ("metrics", "--history", "month")),
        ("actions", ("actions",)),
        ("gate", ("gate", "support-bot")),
        ("gate", ("gate", "no-such-route", "--gate", "rollout")),
    ],
)
def test_every_answer_is_what_its_schema_promises(
    run: Any, schema: str, arguments: tuple[str, ...]
) -> None:
    shipped = json.loads((ROOT / f"kb/data/schemas/{schema}.schema.json").read_text("utf-8"))
    answer = json.loads(run(ROOT, *arguments, "--json")[1])
    assert answer["schema"] == f"kb.{schema}/1"
    jsonschema.validate(answer, shipped, cls=jsonschema.Draft202012Validator)


def test_a_library_of_public_records_alone_is_measured_and_says_so(run: Any) -> None:
    _, out, _ = run(ROOT, "metrics", "--json")
    answer = json.loads(out)
    assert answer["origin"] == "public"
    assert "All records are of public incidents" in answer["notes"][0]


def test_a_broken_record_stops_no_measure_and_is_said(run: Any, library_folder: Path) -> None:
    broken = library_folder / "postmortems/2026-04-13-broken.md"
    broken.write_text("---\nstatus: [published\n", encoding="utf-8")
    status, out, _ = run(library_folder, "metrics")
    assert status == 0
    assert "1 files could not be read completely" in out or "1 file could not be read" in out
