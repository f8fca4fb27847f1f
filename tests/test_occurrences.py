"""One incident that came again is one record with several occurrences; two records may be one."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from hypothesis import given
from hypothesis import strategies as st
from kb.actions.add_occurrence import shared_sources
from kb.actions.close_and_sign_lines import add_occurrence
from kb.cli import cli
from kb.library import open_library
from kb.records.document import read_document
from kb.records.form import build_form
from kb.records.merged_records import end_of, occurrences_of
from kb.records.postmortem import Occurrence, interpret, read_time
from kb.search.indexed_records.entry import read_entry

from conftest import EXAMPLE, ROOT

TRACE = ROOT / "kb/data/example/agent/trace.json"
PASSING = TRACE.with_name("passing.json")
ID = EXAMPLE.stem
FIRST, SECOND = "2026-05-01-refund-twice", "2026-05-09-refund-again"


@pytest.fixture
def example(example_library: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(example_library)
    return example_library / "postmortems" / EXAMPLE.name


def kb(*words: str) -> Result:
    return CliRunner().invoke(cli, list(words), standalone_mode=False)


def fails(*words: str) -> str:
    """What `kb` says of its own error."""
    done = CliRunner().invoke(cli, list(words))
    assert done.exit_code
    return str(done.exception) if done.exception else done.output


def test_an_occurrence_is_one_line_and_every_other_byte_stays(example: Path) -> None:
    before = example.read_bytes()
    done = kb("occur", "billing", "--at", "2026-06-20T11:12+02:00", "--customers", "2")
    assert "occurrence of 2026-06-20 09:12 UTC written, 2 occurrences now" in done.output
    line = b"occurrences: [{at: 2026-06-20T09:12:00Z, customers: 2}]\n"
    assert example.read_bytes().replace(line, b"") == before


def test_the_same_time_is_refused_and_another_stands_beside_it(example: Path) -> None:
    kb("occur", ID, "--at", "2026-06-20T09:12Z")
    once = example.read_bytes()
    assert "stands there already, as the one of 2026-06-20 09:12 UTC" in fails(
        "occur", ID, "--at", "2026-06-20T09:12Z"
    )
    assert example.read_bytes() == once
    kb("occur", ID, "--at", "2026-06-21T09:12Z", "--note", "by hand: 'x' # {y}")
    found = open_library(example.parent).record(ID)
    assert found
    assert [one.note for one in found.occurrences] == ["", "by hand: 'x' # {y}"]


def again(folder: Path, name: str = "again.json", day: str = "2026-06-20") -> Path:
    """The trace of the example as if it had run once more, under another name."""
    value = json.loads(TRACE.read_text("utf-8"))
    began = read_time(f"{day}T03:13:00Z")
    assert began
    shift = int(began.timestamp() * 1e9) - min(_starts(value))
    path = folder / name
    path.write_text(json.dumps(_moved(value, shift, day)), "utf-8")
    return path


def _starts(value: object) -> Iterator[int]:
    """The times at which the spans of a trace begin."""
    if isinstance(value, dict):
        if "startTimeUnixNano" in value:
            yield int(value["startTimeUnixNano"])
        value = list(value.values())
    for part in value if isinstance(value, list) else ():
        yield from _starts(part)


def _moved(value: object, shift: int, day: str) -> object:
    if isinstance(value, dict):
        return {
            key: str(int(part) + shift)
            if key.endswith("TimeUnixNano")
            else f"{int(day.replace('-', '')):032x}"
            if key == "traceId"
            else _moved(part, shift, day)
            for key, part in value.items()
        }
    return [_moved(part, shift, day) for part in value] if isinstance(value, list) else value


def test_a_run_gives_time_name_and_digest_and_is_never_written_twice(
    example: Path, tmp_path: Path
) -> None:
    trace = again(tmp_path)
    done = kb("occur", ID, "--from-run", str(trace))
    assert "occurrence of 2026-06-20 03:13 UTC written" in done.output
    record = open_library(example.parent).record(ID)
    assert record
    (one,) = record.occurrences
    assert (len(one.run), one.trace) == (24, f"{20260620:032x}")
    copy = shutil.copy(trace, tmp_path / "copy.json")
    assert "stands there already" in fails("occur", ID, "--from-run", str(copy))
    later = again(tmp_path, "later.json", "2026-06-21")
    assert "3 occurrences now" in kb("occur", ID, "--from-run", str(later)).output


def test_the_run_of_the_incident_itself_is_no_occurrence(example: Path) -> None:
    assert "is the run of the incident itself" in fails("occur", ID, "--from-run", str(TRACE))


def test_a_run_that_went_another_way_is_no_recurrence_unless_one_says_so(example: Path) -> None:
    before = example.read_bytes()
    for other in (PASSING, TRACE.with_name("session.jsonl")):
        told = fails("occur", ID, "--from-run", str(other), "--at", "2026-06-20T09:12Z")
        assert "went another way than the run stored beside the record" in told
        assert "--anyway" in told
        assert example.read_bytes() == before
    at = ("--at", "2026-06-20T09:12Z")
    done = kb("occur", ID, "--from-run", str(PASSING), *at, "--anyway")
    assert "2 occurrences now" in done.output


def test_a_run_is_said_not_to_be_compared_where_none_is_stored(
    example: Path, tmp_path: Path
) -> None:
    shutil.rmtree(example.with_suffix(""))
    done = kb("occur", ID, "--from-run", str(again(tmp_path)))
    assert "not compared: no run is stored beside the record" in done.stderr
    assert "2 occurrences now" in done.output


def test_a_slip_in_a_route_is_answered_with_the_route_meant(example: Path) -> None:
    at = ("--at", "2026-06-20T09:12Z")
    told = fails("occur", ID, *at, "--route", "billing-agnt")
    assert "no record names the route 'billing-agnt'" in told
    assert "Did you mean 'billing-agent'?" in told
    assert "2 occurrences now" in kb("occur", ID, *at, "--route", "Billing agent").output


def test_an_occurrence_by_hand_before_the_incident_is_found(example: Path) -> None:
    text = example.read_text("utf-8")
    key = "occurrences: [{at: 2026-04-11T09:12:00Z}, {at: 2026-04-12T09:12:00Z}]\n"
    example.write_text(text.replace("\nstatus:", f"\n{key}status:", 1), "utf-8")
    found = json.loads(kb("check", "--format", "json").output)["problems"]
    told = [one["message"] for one in found if one["name"] == "unusable-occurrence"]
    assert told == ["the occurrence is before 2026-04-12, when the incident itself was"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ((ID,), "when was it?"),
        ((ID, "--at", "2026-06-20"), "is no time with an offset"),
        ((ID, "--at", "2096-06-20T00:00Z"), "has not come yet"),
        ((ID, "--at", "2026-04-12T03:14Z"), "is when the incident itself began"),
        ((ID, "--at", "2026-04-11T23:59Z"), "is before 2026-04-12, when the incident itself was"),
        ((ID, "--at", "2026-06-20T09:12Z", "--route", "billing-agnt"), "names the route"),
        (("nobody", "--at", "2026-06-20T00:00Z"), "there is no record 'nobody'"),
    ],
)
def test_what_cannot_be_written_is_said_and_nothing_is(
    example: Path, words: tuple[str, ...], said: str
) -> None:
    before = example.read_bytes()
    assert said in fails("occur", *words)
    assert example.read_bytes() == before


def test_a_part_of_an_id_that_two_records_have_is_refused(example: Path) -> None:
    shutil.copy(example, example.with_name("2026-04-13-billing-agent-charged-thrice.md"))
    assert "2 records have 'billing'" in fails("occur", "billing", "--at", "2026-06-20T00:00Z")


def test_one_run_may_stand_behind_several_records_and_that_is_said(
    example: Path, tmp_path: Path
) -> None:
    other = example.with_name("2026-04-13-other.md")
    shutil.copy(example, other)
    trace = str(again(tmp_path))
    kb("occur", ID, "--from-run", trace)
    assert (
        f"The same run stands behind {ID}, too."
        in kb("occur", other.stem, "--from-run", trace).output
    )
    shared = shared_sources(open_library(example.parent).records)
    assert shared == {ID: (other.stem,), other.stem: (ID,)}


texts = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zl", "Zp")))


@given(texts, texts, st.one_of(st.none(), st.integers(0, 10**9)), st.booleans())
def test_whatever_is_noted_is_read_back_as_it_was(
    note: str, route: str, customers: int | None, is_block: bool
) -> None:
    there = "occurrences:\n  - {at: 2026-05-01T00:00:00Z}\n" if is_block else "occurrences:\n"
    text = f"---\ntitle: x\ndate: 2026-04-12\n{there}aliases: [y]\n---\n# x\n"
    document = read_document(text.encode(), Path(f"{ID}.md"), build_form())
    at = read_time("2026-06-20T09:12:00Z")
    one = Occurrence(at, " ".join(route.split()), "4bf9", "", customers, " ".join(note.split()))
    changed = add_occurrence(document, one).text
    again = interpret(read_document(changed.encode(), Path(f"{ID}.md"), build_form()))
    assert again
    assert again.occurrences[-1] == one
    assert again.aliases == ("y",)


def merged_pair(folder: Path, into: str = FIRST) -> None:
    for name, keys in ((FIRST, ""), (SECOND, f"merged_into: {into}\n")):
        head = f"title: {name}\ndate: {name[:10]}\nstatus: published\nkind: incident\n{keys}"
        text = f"---\n{head}classes: [tool-misuse]\n---\n# {name}\n\n## Summary\n\n{name} again.\n"
        (folder / "postmortems" / f"{name}.md").write_text(text, "utf-8")


@pytest.fixture
def pair(library_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(library_folder)
    merged_pair(library_folder)
    return library_folder


def test_two_records_that_are_one_count_once_and_tell_two_days(pair: Path) -> None:
    library = open_library(pair)
    assert [record.id for record in library.published] == [FIRST]
    first, second = library.records
    assert second.merged_into == FIRST
    (told,) = occurrences_of(first, [second])
    assert (told.note, told.at) == (f"told in {SECOND}", read_time("2026-05-09T00:00:00Z"))


def test_kb_open_follows_to_the_record_that_counts(pair: Path) -> None:
    done = kb("open", "refund-again")
    assert done.stdout.strip().endswith(f"{FIRST}.md")
    assert f"{SECOND} is merged into {FIRST}" in done.stderr
    assert "[merged into 2026-05-01-refund-twice]" in kb("list").output


def test_an_occurrence_of_a_merged_record_is_written_where_it_counts(pair: Path) -> None:
    kb("occur", "refund-again", "--at", "2026-06-20T09:12Z")
    assert "occurrences" in (pair / "postmortems" / f"{FIRST}.md").read_text("utf-8")
    assert "occurrences" not in (pair / "postmortems" / f"{SECOND}.md").read_text("utf-8")


def test_an_occurrence_where_it_counts_fails_what_the_merged_record_promised(pair: Path) -> None:
    path = pair / "postmortems" / f"{SECOND}.md"
    promise = "- [x] A1: add a key — owner: o, closed: 2026-05-10, watch: 30d"
    path.write_text(f"{path.read_text('utf-8')}\n## Action items\n\n{promise}\n", "utf-8")
    done = kb("occur", FIRST, "--at", "2026-05-20T09:12Z")
    assert f"{SECOND}#A1 failed: came again on 2026-05-20: {FIRST}" in done.output
    (action,) = json.loads(kb("actions", "--effect", "failed", "--json").output)["actions"]
    assert (action["id"], action["effect"]) == (f"{SECOND}#A1", "failed")


@pytest.mark.parametrize("into", ["2026-01-01-nobody", SECOND, "../../secret"])
def test_a_merge_that_leads_nowhere_merges_nothing(pair: Path, into: str) -> None:
    merged_pair(pair, into)
    assert [record.id for record in open_library(pair).published] == [FIRST, SECOND]
    assert kb("open", "refund-again").stdout.strip().endswith(f"{SECOND}.md")
    found = kb("check", "--format", "json").output
    assert [p["name"] for p in json.loads(found)["problems"]].count("merged-nowhere") == 1


def test_a_merge_into_a_draft_would_lose_the_incident(pair: Path) -> None:
    path = pair / "postmortems" / f"{FIRST}.md"
    path.write_text(path.read_text("utf-8").replace("status: published", "status: draft"), "utf-8")
    assert [record.id for record in open_library(pair).published] == [SECOND]
    assert "is not published, and this record would count no more" in kb("check").output


@given(st.dictionaries(st.sampled_from("abcdefg"), st.sampled_from("abcdefgh")))
def test_a_chain_ends_at_its_last_record_or_is_a_ring(into: dict[str, str]) -> None:
    for start in into:
        end, seen = start, []
        while end in into and end not in seen:
            seen.append(end)
            end = into[end]
        assert end_of(start, into) == ("" if end in seen else end)


def test_the_measures_count_one_incident_and_how_often_it_came_again(pair: Path) -> None:
    kb("occur", FIRST, "--at", "2026-06-20T09:12Z")
    answer = json.loads(kb("metrics", "--json").output)
    assert answer["counts"]["published"] == 1
    again = answer["metrics"]["occurrences"]
    assert (again["value"], again["n"], again["records"]) == (2.0, 1, [FIRST])
    assert any("1 record is merged into another" in note for note in answer["notes"])


def test_the_gap_of_a_class_goes_back_to_the_last_occurrence(pair: Path) -> None:
    text = (pair / "postmortems" / f"{FIRST}.md").read_text("utf-8")
    later = pair / "postmortems" / "2026-07-01-refund-later.md"
    later.write_text(text.replace(FIRST, later.stem).replace("2026-05-01", "2026-07-01"), "utf-8")
    gap = json.loads(kb("metrics", "class_gap", "--json").output)["metrics"]["class_gap"]
    assert gap["value"] == (date(2026, 7, 1) - date(2026, 5, 9)).days
    kb("occur", FIRST, "--at", "2026-06-20T09:12Z")
    gap = json.loads(kb("metrics", "class_gap", "--json").output)["metrics"]["class_gap"]
    assert gap["value"] == (date(2026, 7, 1) - date(2026, 6, 20)).days


def test_what_an_occurrence_says_of_a_person_is_purged(example: Path) -> None:
    kb("occur", ID, "--at", "2026-06-20T09:12Z", "--note", "seen by Zebulon Quist")
    done = kb("purge", "Zebulon Quist", "--write")
    assert done.exception is None, done.output
    assert "Zebulon" not in example.read_text("utf-8")
    record = open_library(example.parent).record(ID)
    assert record
    assert [one.note for one in record.occurrences] == ["seen by Erased"]


def test_a_checkup_keeps_on_which_days_a_route_ran(example: Path, tmp_path: Path) -> None:
    week = tmp_path / "week"
    week.mkdir()
    for day in ("2026-04-20", "2026-04-21"):
        again(week, f"{day}.json", day)
    (week / "timeless.json").write_text(
        json.dumps({"messages": [{"role": "user", "content": "pay"}]}), "utf-8"
    )
    done = kb("run", "checkup", str(week), "--record-runs", "Billing agent", "--json")
    assert "2 runs of Billing agent on 2 days kept in runs-seen.csv" in done.stderr
    assert "1 without a time left out" in done.stderr
    text = example.with_name("runs-seen.csv").read_text("utf-8")
    assert text == "route,day,runs\nBilling agent,2026-04-20,1\nBilling agent,2026-04-21,1\n"
    kb("run", "checkup", str(week), "--record-runs", "Billing agent", "--json")
    assert example.with_name("runs-seen.csv").read_text("utf-8") == text


def test_runs_of_a_route_that_no_record_names_are_not_kept(example: Path) -> None:
    told = fails("run", "checkup", str(TRACE), "--record-runs", "biling-agent", "--json")
    assert "no record names the route 'biling-agent'" in told
    assert not example.with_name("runs-seen.csv").exists()


def test_a_checkup_writes_a_known_failure_into_its_record_once(
    example: Path, tmp_path: Path
) -> None:
    trace = again(tmp_path)
    done = kb("run", "checkup", str(trace), str(TRACE), "--occur", "--json")
    assert "occurrence of 2026-06-20 03:13 UTC written" in done.stderr
    assert "is the run of the incident itself" in done.stderr
    again_done = kb("run", "checkup", str(trace), "--occur", "--json")
    assert "stands there already" in again_done.stderr
    record = open_library(example.parent).record(ID)
    assert record
    assert [one.note for one in record.occurrences] == ["seen by a checkup"]


def test_search_shows_the_record_that_counts_once(pair: Path) -> None:
    entries = [read_entry(document) for document in open_library(pair).documents]
    shown = [found[0].id for found in entries if found and found[0].is_candidate]
    assert shown == [FIRST]
