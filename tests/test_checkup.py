"""A checkup reads a mixed archive once, skips what is bad, and shows what speaks for a run."""

from __future__ import annotations

import gc
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import pytest
from kb.errors import KbError
from kb.parallel.workers import LocalWorkers
from kb.traces.checkup.archive_files import archive_of, trace_files
from kb.traces.checkup.auc import Labelled, auc_estimates
from kb.traces.checkup.examine import Progress, examine
from kb.traces.checkup.groups import grouped, known_run
from kb.traces.checkup.progress_file import FileFacts
from kb.traces.checkup.report import checkup_json, checkup_markdown
from kb.traces.checkup.run_facts import RunSummary, facts
from kb.traces.checkup.show_runs import runs_in_words
from kb.traces.checkup.summary import Checkup, check_up
from kb.traces.effects.tool_name_guess import seems_to_write
from kb.traces.normalize.run_builder import RunBuilder
from kb.traces.read_runs import ReadingSettings, open_reading
from kb.traces.run import Run

from conftest import EXAMPLE
from runs_made import agent, failed, made_run, read, unknown, user, write
from test_cli import kb
from traces_made import answered, asked, call, chat, lines, run_of, written

AGENT = EXAMPLE.parent / "agent"


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """A week of traces: two good files in a folder, a broken one, and notes."""
    folder = tmp_path / "week"
    (folder / "monday").mkdir(parents=True)
    shutil.copy(AGENT / "trace.json", folder / "monday" / "a.json")
    shutil.copy(AGENT / "passing.json", folder / "b.json")
    (folder / "broken.json").write_bytes(b'{"resourceSpans": [\xff')
    (folder / "other.json").write_text('{"weather": "fine"}', encoding="utf-8")
    (folder / "notes.md").write_text("# Notes", encoding="utf-8")
    (folder / ".hidden.json").write_text("{}", encoding="utf-8")
    return folder


def of(run: Run) -> RunSummary:
    return facts(run, "a.json", 1)


def kinds(run: Run) -> list[str]:
    return [sign.kind for sign in of(run).signs]


def test_an_archive_of_mixed_files_is_read_and_the_bad_ones_are_listed(archive: Path) -> None:
    done = check_up(examine(trace_files([archive]), ReadingSettings()))
    assert (done.files, done.runs) == (4, 2)
    skipped = {Path(file).name: why for file, why in done.skipped}
    assert skipped.keys() == {"broken.json", "other.json"}
    assert all(skipped.values())


def test_the_double_charge_is_the_first_candidate_with_the_line_that_proves_it(
    archive: Path,
) -> None:
    done = check_up(examine(trace_files([archive]), ReadingSettings()))
    first = done.candidates[0]
    assert first.file.endswith("a.json")
    assert first.signs[0].kind == "repeated-write"
    assert (first.signs[0].step, first.signs[0].span_id) == (7, "0000000000000007")
    text = checkup_markdown(done, 10)
    assert "charge ran, or may have run, twice with equal arguments: 5, 7 (step 7, span" in text


def test_a_second_pass_reads_only_what_changed(archive: Path, tmp_path: Path) -> None:
    state, files = tmp_path / "state.jsonl", trace_files([archive])
    read_now: list[str] = []

    def pass_over() -> list[FileFacts]:
        read_now.clear()
        return list(examine(files, ReadingSettings(), state, lambda at: read_now.append(at.file)))

    first = pass_over()
    assert len(read_now) == 4
    assert sorted(pass_over(), key=lambda f: f.file) == sorted(first, key=lambda f: f.file)
    assert read_now == []
    shutil.copy(AGENT / "trace.json", archive / "b.json")
    pass_over()
    assert read_now == ["b.json"]
    pass_over()
    assert read_now == []


def test_a_pass_that_was_killed_goes_on_where_it_stopped(archive: Path, tmp_path: Path) -> None:
    state, files = tmp_path / "state.jsonl", trace_files([archive])
    steps = examine(files, ReadingSettings(), state)
    next(steps)
    next(steps)
    del steps
    with state.open("ab") as stream:
        stream.write(b'{"file": "half a li')
    read_now: list[str] = []
    found = list(examine(files, ReadingSettings(), state, lambda at: read_now.append(at.file)))
    assert len(read_now) == 2
    assert len(found) == 4
    assert sum(len(file.runs) for file in found) == 2


def test_a_path_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(KbError, match="is not there"):
        trace_files([tmp_path / "gone"])


def test_links_out_of_the_folder_are_not_followed(archive: Path) -> None:
    (archive / "link.json").symlink_to("/etc/passwd")
    (archive / "loop").symlink_to(archive)
    assert len(trace_files([archive])) == 4


def test_a_name_that_is_no_text_is_read_all_the_same(archive: Path, tmp_path: Path) -> None:
    odd = os.fsencode(archive) + b"/odd-\xff.json"
    shutil.copy(os.fsencode(AGENT / "trace.json"), odd)
    for _ in range(2):
        found = list(examine(trace_files([archive]), ReadingSettings(), tmp_path / "state.jsonl"))
        assert sum(len(file.runs) for file in found) == 3


def summary_of(*runs: RunSummary) -> Checkup:
    files = [FileFacts(file=run.file, size=1, modified=1, runs=(run,)) for run in runs]
    return check_up(files)


def test_what_a_trace_proves_stands_before_every_score() -> None:
    pay = write("pay", {"id": 1})
    long = of(made_run(*[failed(write("pay", {"id": n}, str(n))) for n in range(60)], id="long"))
    bad = of(made_run(pay, pay, read("get"), id="twice"))
    assert long.score > bad.score
    assert next(facts.run for facts in summary_of(long, bad).candidates) == "twice"


def test_a_longer_run_with_more_failures_has_a_higher_score() -> None:
    short = of(made_run(user("go"), read("get"), agent("Done.")))
    long = of(made_run(user("go"), *[failed(read("get"))] * 9, agent("I am not sure. " * 90)))
    assert long.score > short.score


def test_a_person_who_took_over_is_said() -> None:
    helped = of(made_run(failed(write("pay")), unknown("transfer_to_human")))
    assert "handover" in [sign.kind for sign in helped.signs]


def test_a_coding_agent_that_destroyed_something_is_found_and_reading_twice_is_not() -> None:
    session = [
        {"role": "user", "content": "Clean up the old environment."},
        asked(call(1, "Bash", {"command": "terraform destroy -auto-approve"})),
        answered(1, "Destroy complete! Resources: 12 destroyed."),
        {"role": "assistant", "content": "The old environment is gone."},
    ]
    looks = [
        asked(call(1, "mcp__kb__similar_incidents", {"query": "x"})),
        answered(1, "{}"),
        asked(call(2, "mcp__kb__similar_incidents", {"query": "x"})),
        answered(2, "{}"),
    ]
    destroyed, looked = of(run_from(session)), of(run_from(looks))
    assert [(sign.kind, sign.step) for sign in destroyed.signs if sign.proves] == [("destroyed", 2)]
    assert destroyed.is_proven
    assert not looked.is_proven
    assert looked.signs == ()


def run_from(messages: list[dict[str, object]]) -> Run:
    with TemporaryDirectory() as folder:
        return run_of(Path(folder), {"id": "r", "messages": messages})


def test_runs_of_one_failure_are_counted_together_with_their_first_time() -> None:
    pay = write("pay", {"id": 1})
    week = [of(made_run(pay, pay, user(str(n)), read("get"), id=f"run-{n}")) for n in range(7)]
    other = of(made_run(write("send"), write("send"), id="other"))
    groups = grouped(summary_of(*week, other).candidates, {})
    assert sorted(len(group.runs) for group in groups) == [1, 7]
    text = checkup_markdown(summary_of(*week, other), 10)
    assert "7 runs, first Sunday 2026-04-12 03:14 of one kind" in text


def test_a_run_that_went_the_way_of_a_stored_one_leads_the_list() -> None:
    pay = write("pay", {"id": 1})
    known = made_run(write("send"), write("send"), read("look"))
    worse = of(made_run(pay, pay, pay, pay, id="worse"))
    again = of(made_run(write("send"), write("send"), read("look"), user("again"), id="again"))
    text = checkup_markdown(
        summary_of(worse, again), 10, {"2026-03-04-sent-twice": known_run(known)}
    )
    first = next(line for line in text.splitlines() if line.startswith("1. "))
    assert first.startswith("1. went the way of `2026-03-04-sent-twice` (its run is stored, 100%)")
    assert "`again`" in text


def test_a_run_of_other_tools_goes_nobodys_way() -> None:
    known = {"2026-03-04-sent-twice": known_run(made_run(write("send"), write("send")))}
    other = of(made_run(write("pay"), write("pay")))
    assert [group.record for group in grouped([other], known)] == [""]


def test_the_same_way_without_the_same_fault_is_not_a_known_failure() -> None:
    stored = made_run(write("send"), write("send"), read("look"))
    known = {"2026-03-04-sent-twice": known_run(stored)}
    fine = of(made_run(write("send", {"n": 1}), write("send", {"n": 2}), read("look")))
    assert [group.record for group in grouped([fine], known)] == [""]


def test_the_library_around_is_asked_for_its_stored_runs(archive: Path, tmp_path: Path) -> None:
    (tmp_path / "kb.toml").write_text("", encoding="utf-8")
    records = tmp_path / "postmortems"
    shutil.copytree(EXAMPLE.parent / EXAMPLE.stem, records / EXAMPLE.stem)
    shutil.copy(EXAMPLE, records)
    status, out, _ = kb("run", "checkup", "week", cwd=tmp_path)
    assert status == 0
    assert f"went the way of `{EXAMPLE.stem}` (its run is stored, 100%): 1 run, first Sunday" in out
    answer = json.loads(kb("run", "checkup", "week", "--json", cwd=tmp_path)[1])
    assert answer["groups"][0]["record"] == EXAMPLE.stem


def test_names_of_tools_count_only_where_nobody_says_what_they_do() -> None:
    assert seems_to_write(unknown("update_order"))
    assert seems_to_write(unknown("mcp__shop__cancelOrder"))
    assert not seems_to_write(unknown("get_updates"))
    assert not seems_to_write(unknown("frobnicate"))
    assert not seems_to_write(read("update_order"))
    assert seems_to_write(write("get_order"))


def test_a_guess_is_said_to_be_one() -> None:
    found = of(made_run(unknown("update_order")))
    assert found.is_guessed
    assert "by its name, a guess" in found.signs[0].message


def test_coverage_counts_what_a_run_could_show() -> None:
    summary = Checkup()
    runs = (
        made_run(user("go"), write("pay"), read("get")),
        made_run(user("go"), write("pay", {"idempotency_key": "k"})),
        made_run(user("go"), read("get"), policy=("get requires login before it",)),
    )
    for number, run in enumerate(runs):
        summary.add(FileFacts(file=str(number), size=1, modified=1, runs=(of(run),)))
    shares = {name: (share.k, share.n) for name, share in summary.coverage()}
    assert shares["read back what they wrote"] == (1, 2)
    assert shares["gave every writing tool an idempotency key"] == (1, 2)
    assert shares["named a policy"] == (1, 3)


def test_what_the_source_says_of_the_outcome_moves_no_rank() -> None:
    from msgspec.structs import replace

    run = made_run(user("go"), write("pay"))
    scores = {of(replace(run, source={"reward": r})).score for r in (0, 1, 0.5)}
    assert len(scores) == 1
    assert of(replace(run, source={"reward": 0})).failed is True
    assert of(replace(run, source={"reward": 1.0})).failed is False
    assert of(run).failed is None


def test_the_worth_of_an_order_is_the_share_of_pairs_it_gets_right() -> None:
    runs = [Labelled(str(n), n >= 10, (float(n), 0.0, float(-n))) for n in range(20)]
    perfect, constant, reverse = auc_estimates(("a", "b", "c"), runs)
    assert (perfect.auc, constant.auc, reverse.auc) == (1.0, 0.5, 0.0)
    assert (constant.low, constant.high) == (0.5, 0.5)
    assert auc_estimates(("a",), runs[:5]) == ()


def test_words_of_a_trace_are_no_markup_in_the_report() -> None:
    evil = "`|<script>x</script>\n# heading\x1b[31m"
    run = made_run(user(evil), failed(write(evil, {"a": evil}), evil, evil), id=evil)
    done = check_up([FileFacts(file=evil, size=1, modified=1, runs=(of(run),), error=evil)])
    for line in checkup_markdown(done, 5).splitlines():
        assert not line.startswith("# heading")
        assert "\x1b" not in line
        outside = "".join(line.split("`")[::2])
        assert "<script>" not in outside


def test_json_and_drafts_by_the_command_line(archive: Path, tmp_path: Path) -> None:
    (tmp_path / "kb.toml").write_text("", encoding="utf-8")
    (tmp_path / "postmortems").mkdir()
    status, out, err = kb("run", "checkup", "week", "--json", "--draft", "1", cwd=tmp_path)
    assert status == 0
    answer = json.loads(out)
    assert answer["schema"] == "kb.run-checkup/1"
    assert answer["runs"] == 2
    assert answer["candidates"][0]["signs"][0]["kind"] == "repeated-write"
    (draft,) = (tmp_path / "postmortems").glob("*.md")
    assert str(draft) in err
    assert "kind: near-miss" in draft.read_text(encoding="utf-8")
    assert kb("check", cwd=tmp_path)[0] == 0


def test_a_checkup_needs_no_knowledge_base(archive: Path) -> None:
    status, out, _ = kb("run", "checkup", ".", "--top", "1", cwd=archive)
    assert status == 0
    assert out.startswith("# Checkup: 2 runs in 4 files (otlp (2))")
    assert not (archive / ".kb").exists()


def test_signs_found_are_stable_under_their_json(archive: Path) -> None:
    done = check_up(examine(trace_files([archive]), ReadingSettings()))
    assert json.loads(json.dumps(checkup_json(done, 5)))["files"] == 4


def test_all_the_measuring_data_takes_less_than_500_megabytes(data: Path, tmp_path: Path) -> None:
    code = (
        "import re, sys\n"
        "from pathlib import Path\n"
        "from kb.cli import main\n"
        "try: main(['run', 'checkup', sys.argv[1], '--json', '--out', 'out.json'])\n"
        # Not ru_maxrss: a child process begins with its parent's.
        "finally: print(re.search(r'VmHWM:\\s*(\\d+)', Path('/proc/self/status').read_text())[1])\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(data / "runs")],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert int(done.stdout) * 1024 < 500_000_000
    answer = json.loads((tmp_path / "out.json").read_text(encoding="utf-8"))
    assert answer["runs"] > 200


def test_equal_runs_of_two_files_count_once_and_are_said(data: Path) -> None:
    folder = data / "runs"
    airline = folder / "tau-airline-gpt-4o-even-tasks.json"
    first16 = next(folder.rglob("*airline.first16.json"))
    alone = check_up(examine([airline], ReadingSettings()))
    both = check_up(examine([airline, first16], ReadingSettings()))
    assert (alone.runs, alone.equal) == (100, 0)
    assert (both.runs, both.equal) == (108, 8)
    text = checkup_markdown(both, 1)
    assert "Left out: 8 runs that equal an earlier one" in text
    assert checkup_json(both, 1)["equal_runs_left_out"] == 8


def test_a_copy_of_a_file_changes_no_figure(archive: Path) -> None:
    before = check_up(examine(trace_files([archive]), ReadingSettings()))
    shutil.copy(AGENT / "trace.json", archive / "copy.json")
    after = check_up(examine(trace_files([archive]), ReadingSettings()))
    assert (after.runs, after.equal) == (before.runs, 1)
    assert dict(after.coverage()) == dict(before.coverage())
    assert len(after.candidates) == len(before.candidates)


def test_runs_that_differ_in_one_result_are_two_runs() -> None:
    one, other = of(made_run(read("get", {}, "1"))), of(made_run(read("get", {}, "2")))
    assert one.content != other.content
    empty = FileFacts(file="a", size=1, modified=1, runs=(of(made_run()), of(made_run())))
    assert (check_up([empty]).runs, check_up([empty]).equal) == (2, 0)


def test_the_report_says_on_what_its_score_was_fitted(archive: Path) -> None:
    text = checkup_markdown(check_up(examine(trace_files([archive]), ReadingSettings())), 1)
    assert "fitted on 1040 runs of 6 sources: " in text
    assert "airline (200)" in text


def test_the_report_says_how_it_ranks_beside_each_trivial_order(data: Path) -> None:
    """In sample: these runs are among those the score was fitted on."""
    file = data / "runs" / "tau-airline-gpt-4o-even-tasks.json"
    done = check_up(examine([file], ReadingSettings()))
    auc = {worth.name: round(worth.auc, 2) for worth in done.auc_estimates()}
    assert list(auc) == [
        *("this ranking", "constant", "length", "tool calls", "distinct tools", "errors")
    ]
    assert auc["constant"] == 0.5
    assert auc["this ranking"] > auc["length"]
    assert "Here this ranking orders the runs better than each of them." in (
        checkup_markdown(done, 1)
    )


# A pass looks at runs as they are; what is shown of them, and what is kept, is redacted

LOOK = ReadingSettings(look_only=True)
SECRET = "wJalrXUtnFEMIq9"


def double_refund(number: int, note: str) -> dict[str, object]:
    """A run that refunds twice; the note is a password where the first message says so."""
    pay = [asked(call(n, "refund", {"note": note})) for n in (1, 2)]
    told = {"role": "user", "content": f"password: {note}. Refund it."}
    done = {"role": "assistant", "content": f"Refunded {number}."}
    return {"messages": [told, pay[0], answered(1, "ok"), pay[1], answered(2, "ok"), done]}


def test_what_is_shown_of_a_run_is_redacted_by_all_that_the_run_says(tmp_path: Path) -> None:
    written(tmp_path / "kb.toml", '[runs.effects]\nrefund = "write"\n')
    written(tmp_path / "week" / "a.json", double_refund(1, SECRET))
    for more in ((), ("--quick",), ("--quick", "--json")):
        status, out, _ = kb("run", "checkup", "week", *more, cwd=tmp_path)
        assert status == 0
        assert SECRET not in out
        assert "refund" in out
        assert '"note":"REDACTED_SECRET_1"' in out.replace("\\", "").replace(": ", ":")
    kept = b"".join(file.read_bytes() for file in (tmp_path / ".kb" / "checkup").iterdir())
    assert b"repeated-write" in kept
    assert SECRET.encode() not in kept


def test_a_pass_keeps_no_words_of_a_run(tmp_path: Path) -> None:
    file = written(tmp_path / "a.json", double_refund(1, SECRET))
    (found,) = examine([file], LOOK, tmp_path / "state.jsonl")
    assert found.runs[0].signs
    assert {sign.message + sign.evidence for sign in found.runs[0].signs} == {""}
    ((bare, whole),) = runs_in_words(found.runs, [file], ReadingSettings())
    assert [sign.kind for sign in bare.signs] == [s.kind for s in whole.signs if s.kind != "secret"]
    assert any("REDACTED_SECRET_1" in sign.evidence for sign in whole.signs)
    written(file, double_refund(1, "another"))
    assert list(runs_in_words(found.runs, [file], ReadingSettings())) == []


def test_secrets_are_looked_for_where_words_are_shown_and_it_is_said(tmp_path: Path) -> None:
    written(tmp_path / "kb.toml", '[runs.effects]\nrefund = "write"\n')
    for number in (1, 2):
        written(tmp_path / f"{number}.json", double_refund(number, SECRET))
    written(tmp_path / "3.json", {"messages": [{"role": "user", "content": "password: hunter22x"}]})
    _, out, _ = kb("run", "checkup", ".", "--quick", cwd=tmp_path)
    assert "whoever reads the trace has the key | 2 of 3 (67%) |" in out
    assert "A quick pass: secrets were looked for in 2 candidates alone." in out
    _, out, _ = kb("run", "checkup", ".", cwd=tmp_path)
    assert "the key | 3 of 3 (100%) |" in out
    assert "A quick pass" not in out


def test_a_pass_that_nobody_asks_for_its_rows_keeps_none(tmp_path: Path) -> None:
    file = written(tmp_path / "a.jsonl", lines(*[double_refund(n, "x") for n in range(50)]))
    reading = open_reading(file, LOOK)
    assert len(list(reading.runs())) == 50
    assert list(reading.rows.verdicts()) == []


# Large archives: interrupted within a file, read by several, and nothing passed over in silence


def test_a_pass_that_ended_within_a_file_goes_on_in_it(tmp_path: Path) -> None:
    rows = [double_refund(number, f"n{number}") for number in range(1_200)]
    file, state = written(tmp_path / "a.jsonl", lines(*rows)), tmp_path / "state.jsonl"
    whole = list(examine([file], LOOK))

    def interrupt(at: Progress) -> None:
        if at.runs == 1_000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(examine([file], LOOK, state, interrupt))
    (part,) = tmp_path.glob("*.part")
    told: list[int] = []
    assert list(examine([file], LOOK, state, lambda at: told.append(at.runs))) == whole
    assert told == [0]  # the thousand that were known, and fewer than five hundred more
    assert not part.exists()
    assert list(examine([file], LOOK, state)) == whole


def test_a_part_of_a_file_that_changed_is_not_taken_up(tmp_path: Path) -> None:
    rows = [double_refund(number, f"n{number}") for number in range(600)]
    file, state = written(tmp_path / "a.jsonl", lines(*rows)), tmp_path / "state.jsonl"

    def interrupt(at: Progress) -> None:
        if at.runs:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        list(examine([file], LOOK, state, interrupt))
    written(file, lines(*rows[300:]))
    (found,) = examine([file], LOOK, state)
    assert len(found.runs) == 300


@pytest.mark.parametrize("start", ["fork", "spawn"])
def test_several_readers_find_what_one_finds_in_its_order(
    start: Literal["fork", "spawn"], tmp_path: Path
) -> None:
    files = [written(tmp_path / f"{n}.json", double_refund(n, f"n{n}")) for n in range(140)]
    with LocalWorkers(2, start) as workers:
        found = list(examine(files, LOOK, workers=workers))
    assert found == list(examine(files, LOOK))


def test_what_is_passed_over_is_named_with_its_reason(archive: Path) -> None:
    (archive / "link.json").symlink_to("/etc/passwd")
    (archive / ".git").mkdir()
    over = {Path(file).name: why for file, why in archive_of([archive]).passed_over}
    assert over.keys() == {"notes.md", ".hidden.json", "link.json", ".git"}
    assert over["notes.md"] == ".md holds no trace"
    _, out, _ = kb("run", "checkup", ".", cwd=archive)
    assert "## Passed over by their names, 4 files" in out
    assert "link.json`: a link: none is followed" in out


def scored(*scores: float) -> Checkup:
    return check_up(
        [
            FileFacts(
                file="f",
                path_digest="",
                size=0,
                modified=0,
                runs=tuple(
                    RunSummary(file="f", number=number, run=f"r{number}", score=score)
                    for number, score in enumerate(scores, 1)
                ),
            )
        ]
    )


def test_of_an_archive_in_which_all_scores_are_high_one_in_five_is_shown_for_its_score() -> None:
    done = scored(*(70 + number / 10 for number in range(100)))
    assert done.suspicious == len(done.candidates) == 20
    assert done.from_score == pytest.approx(78)
    assert scored(*[99.0] * 100).suspicious == 0  # none stands out


def test_few_runs_are_held_against_the_line_of_the_fit() -> None:
    assert scored(99, 98, 1).suspicious == 2


def test_the_report_says_what_the_score_is_worth_where_it_was_not_fitted() -> None:
    told = checkup_markdown(scored(1.0), 5)
    assert "On 7 sources kept apart its AUC was 0.35 to 0.67, in the mean 0.54" in told
    assert "length 0.56: the score is the order of a list, and no more." in told


def test_a_run_that_was_looked_at_is_freed_at_once(tmp_path: Path) -> None:
    """What holds itself would wait for the collector, with all its texts."""
    rows = [chat("x") | {"id": f"r{number}"} for number in range(3)]
    path = written(tmp_path / "runs.jsonl", lines(*rows))
    gc.collect()
    gc.disable()
    others = {id(one) for one in gc.get_objects() if isinstance(one, Run | RunBuilder)}
    try:
        for number, run in enumerate(open_reading(path, ReadingSettings(look_only=True)).runs(), 1):
            facts(run, "runs.jsonl", number)
        del run
        kept = [one for one in gc.get_objects() if isinstance(one, Run | RunBuilder)]
    finally:
        gc.enable()
    assert {id(one) for one in kept} == others


def test_runs_that_went_one_way_share_it(tmp_path: Path) -> None:
    rows = [chat("x") | {"id": f"r{number}"} for number in range(3)]
    path = written(tmp_path / "runs.jsonl", lines(*rows))
    (found,) = examine([path], ReadingSettings(look_only=True))
    assert len({id(run.signature) for run in found.runs}) == 1


def test_signs_that_no_run_shows_are_named_in_one_line(tmp_path: Path) -> None:
    path = written(tmp_path / "run.json", chat("x"))
    report = checkup_markdown(check_up(examine([path], ReadingSettings())), 5)
    assert "| destroyed |" not in report
    line = next(one for one in report.splitlines() if one.startswith("Looked for, and in no run:"))
    assert "destroyed" in line
