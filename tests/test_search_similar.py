"""What a person gets from `kb similar`: the right record first, reasons, promises, or nothing."""

from __future__ import annotations

import json
import math
import re
import subprocess
import sys
from dataclasses import replace
from datetime import date
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from click.testing import CliRunner
from kb.cli import cli
from kb.library import load_document, unread_library
from kb.search.answer import Answer
from kb.search.answer_json import answer_json, answer_schema
from kb.search.encoder.encoder import Encoder
from kb.search.explain_score import explain
from kb.search.find_similar import find, likely_priors, related, similar
from kb.search.index.index import open_index
from kb.search.query import Filters, embed_query, query_from_document, query_from_text
from kb.search.render import WIDTH, show

from conftest import ROOT, trust_settings
from search_library import write_record, write_stories

pytestmark = pytest.mark.model

TODAY = date(2025, 12, 1)
AIRLINE = "support bot invented a refund policy and the airline had to honour it"
BREAD = "Mix flour, water, salt and yeast, knead for ten minutes and bake at 230 degrees."
REFUND = "a retried refund call paid customers twice"


@pytest.fixture(scope="session")
def vectors(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Vectors shared by the libraries of these tests, as clones may share them."""
    return tmp_path_factory.mktemp("vectors")


@pytest.fixture
def stories(library_folder: Path, vectors: Path) -> Path:
    (library_folder / "kb.toml").write_text(f'[search]\nvectors = "{vectors}"\n')
    trust_settings(library_folder)
    write_stories(library_folder)
    return library_folder


@pytest.fixture
def casebook(library_folder: Path, vectors: Path) -> Path:
    (library_folder / "kb.toml").write_text(f'[search]\nvectors = "{vectors}"\n')
    trust_settings(library_folder)
    for path in (ROOT / "postmortems").glob("20*.md"):
        (library_folder / "postmortems" / path.name).write_bytes(path.read_bytes())
    return library_folder


def ask(root: Path, text: str, **arguments: object) -> Answer:
    return similar(unread_library(root), text, today=TODAY, **arguments)  # type: ignore[arg-type]


def ask_draft(root: Path, path: Path) -> Answer:
    library = unread_library(root)
    document = load_document(path, library.form, root)
    return similar(library, query_from_document(document, TODAY))


def run(root: Path, *arguments: str, text: str | None = None) -> tuple[int, str]:
    import os

    before = Path.cwd()
    os.chdir(root)
    try:
        result = CliRunner().invoke(cli, ["similar", *arguments], input=text)
        return result.exit_code, result.stdout
    finally:
        os.chdir(before)


def test_the_airline_whose_bot_invented_a_policy_is_found_first(casebook: Path) -> None:
    found = similar(unread_library(casebook), AIRLINE, today=date(2030, 1, 1))
    assert found.matches[0].id == "2022-11-11-air-canada-bereavement-refund"
    assert "refund" in found.matches[0].passages[0].text.lower()


def test_a_recipe_for_bread_finds_nothing_similar(casebook: Path) -> None:
    found = ask(casebook, BREAD)
    assert found.nothing_similar
    assert len(found.nearest_misses) == 3
    assert all(miss.probability < found.bar for miss in found.nearest_misses)


def test_what_a_record_says_word_for_word_finds_it_though_it_tells_of_no_incident(
    library_folder: Path, vectors: Path
) -> None:
    said = "At noon the pipeline was updated to the latest release of the modules"
    write_record(library_folder, "2025-02-03-logs", "Logs were not shipped", summary=f"{said}.")
    record = (library_folder / "postmortems/2025-02-03-logs.md").read_text()
    assert said in record
    assert [match.id for match in ask(library_folder, said.upper()).matches][:1] == [
        "2025-02-03-logs"
    ]


def test_drafts_are_no_answers(stories: Path) -> None:
    write_record(stories, "2025-07-01-draft", "Draft", summary=REFUND, status="draft")
    assert "2025-07-01-draft" not in {match.id for match in ask(stories, REFUND).matches}


def test_nothing_later_than_the_draft_answers_it(stories: Path) -> None:
    draft = write_record(stories, "2025-02-01-draft", "Again", summary=REFUND, status="draft")
    found = ask_draft(stories, draft)
    assert {match.id for match in found.matches} == {"2025-01-10-refund-twice"}


def test_a_record_does_not_answer_itself(stories: Path) -> None:
    path = stories / "postmortems/2025-06-15-citations-made-up.md"
    assert path.stem not in {match.id for match in ask_draft(stories, path).matches}


def test_what_was_promised_is_told_with_its_state_then_and_now(stories: Path) -> None:
    actions = (
        "- [ ] A1: add a key — owner: pay, due: 2025-02-01, lever: code\n"
        "- [x] A2: alert — owner: sre, lever: alert, closed: 2025-03-01\n"
        "- [x] A3: refund — owner: sre, lever: code, closed: 2025-01-12\n"
        "- [x] A4: tell — owner: sre, lever: code\n"
        "- [-] A5: drop — owner: sre, lever: code"
    )
    write_record(
        stories, "2025-01-10-refund-twice", "Refund twice", summary=REFUND, actions=actions
    )
    draft = write_record(stories, "2025-02-20-draft", "Again", summary=REFUND, status="draft")
    promised = ask_draft(stories, draft).matches[0].actions
    assert [(a.id[-2:], a.state, a.open_at_query_date) for a in promised] == [
        ("A1", "open", True),
        ("A2", "closed", True),
        ("A3", "closed", False),
        ("A4", "closed", None),
        ("A5", "cancelled", None),
    ]


def test_a_match_says_why(stories: Path) -> None:
    draft = write_record(
        stories,
        "2025-07-20-draft",
        "Again",
        summary=REFUND,
        status="draft",
        counterfactual="Had the tool asked for a key, the second call would have been refused.",
    )
    match = ask_draft(stories, draft).matches[0]
    assert match.id == "2025-01-10-refund-twice"
    assert match.reasons[0] == "same class duplicate-side-effect"
    assert "same tool refund" in match.reasons
    assert {pair.section for pair in match.passages} >= {"Root cause"}
    assert {pair.query_section for pair in match.passages} >= {"Root cause"}


def test_a_record_ruled_out_by_the_author_is_not_shown_again(stories: Path) -> None:
    verdict = "- [different] [2025-01-10-refund-twice](2025-01-10-refund-twice.md) — another cause"
    draft = write_record(
        stories,
        "2025-07-20-draft",
        "Again",
        summary=REFUND,
        status="draft",
        counterfactual=verdict,
    )
    found = ask_draft(stories, draft)
    assert "2025-01-10-refund-twice" not in {match.id for match in found.matches}


def test_a_draft_without_classes_gets_one_proposed(stories: Path) -> None:
    draft = write_record(
        stories, "2025-07-20-draft", "Again", summary=REFUND, status="draft", classes=""
    )
    proposed = ask_draft(stories, draft).proposed_class
    assert proposed is not None
    assert proposed.name == "duplicate-side-effect"
    assert 0 < proposed.probability <= 1


def test_a_draft_that_names_its_class_gets_none(stories: Path) -> None:
    draft = write_record(stories, "2025-07-20-draft", "Again", summary=REFUND, status="draft")
    assert ask_draft(stories, draft).proposed_class is None


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        (Filters(classes=("prompt-injection",)), {"prompt-injection"}),
        (Filters(since=date(2025, 5, 1)), {"fabricated-content"}),
        (Filters(kinds=("near-miss",)), set()),
        (Filters(routes=("elsewhere",)), set()),
    ],
)
def test_filters_leave_only_what_they_allow(
    stories: Path, filters: Filters, expected: set[str]
) -> None:
    found = ask(stories, "a bot invented policies and refunds", filters=filters)
    assert {name for match in found.matches for name in match.classes} <= expected


def test_probabilities_never_rise_along_the_answer(casebook: Path) -> None:
    found = similar(unread_library(casebook), AIRLINE, limit=10, today=date(2030, 1, 1))
    probabilities = [match.probability for match in found.matches]
    assert probabilities == sorted(probabilities, reverse=True)


def test_one_record_is_enough_for_an_answer(library_folder: Path) -> None:
    write_record(library_folder, "2025-01-10-only", "Refund paid twice", summary=REFUND)
    assert [match.id for match in ask(library_folder, REFUND).matches] == ["2025-01-10-only"]
    assert ask(library_folder, BREAD).nothing_similar


def test_records_without_classes_are_found_by_their_text(library_folder: Path) -> None:
    for number, text in enumerate((REFUND, "A page injected instructions.", BREAD), 1):
        name = f"2025-01-0{number}-x"
        write_record(library_folder, name, f"Case {number}", summary=text, classes="")
    found = ask(library_folder, REFUND)
    assert found.matches[0].id == "2025-01-01-x"
    assert ask(library_folder, "the cat sat in the sun by the pond").nothing_similar


def test_the_json_answer_keeps_its_contract(stories: Path) -> None:
    status, output = run(stories, REFUND, "--json")
    answer = json.loads(output)
    jsonschema.validate(answer, answer_schema())
    assert status == 0
    assert answer["schema"] == "kb.similar/1"
    assert set(answer) >= {"query", "nothing_similar", "matches", "index"}
    assert set(answer["index"]) >= {"records", "passages", "encoder", "refreshed"}
    keys = {"id", "library", "title", "date", "probability", "similarity", "classes", "reasons"}
    assert set(answer["matches"][0]) >= keys | {"passages", "actions"}
    assert set(answer["matches"][0]["passages"][0]) >= {"query_section", "section", "text"}
    assert set(answer["matches"][0]["actions"][0]) >= {
        "id",
        "text",
        "state",
        "due",
        "open_at_query_date",
    }
    assert "id" not in answer["query"]


def test_a_draft_has_an_id_in_its_json_answer(stories: Path) -> None:
    draft = write_record(stories, "2025-07-20-draft", "Again", summary=REFUND, status="draft")
    assert json.loads(answer_json(ask_draft(stories, draft)))["query"]["id"] == draft.stem


def test_the_text_answer_fits_eighty_columns_and_has_no_colour_in_a_pipe(casebook: Path) -> None:
    status, output = run(casebook, AIRLINE)
    assert status == 0
    assert max(map(len, output.splitlines())) <= WIDTH
    assert "\x1b" not in output


def test_colour_changes_nothing_but_colour(stories: Path) -> None:
    found = ask(stories, REFUND)
    plain = show(found, today=TODAY, colour=False)
    painted = show(found, today=TODAY, colour=True)
    assert "\x1b[1m" in painted
    import re

    assert re.sub(r"\x1b\[\d+m", "", painted) == plain


def test_a_text_can_come_from_a_pipe_and_need_not_be_utf_8(stories: Path) -> None:
    status, output = run(stories, "-", text=REFUND)
    assert status == 0
    assert "Refund paid twice" in output
    command = [sys.executable, "-m", "kb", "similar", "-"]
    done = subprocess.run(
        command, cwd=stories, input=b"refund \xff twice", capture_output=True, check=False
    )
    assert done.returncode == 0, done.stderr


def test_an_id_is_as_good_as_a_file(stories: Path) -> None:
    open_index(unread_library(stories))
    by_id = run(stories, "2025-02-11-email-sent-again")
    assert by_id == run(stories, "postmortems/2025-02-11-email-sent-again.md")
    assert "2025-01-10-refund-twice" in by_id[1]


@pytest.mark.parametrize("query", ["", "   ", "no-such-draft.md"])
def test_an_empty_question_and_a_missing_file_are_faults_with_a_way_out(
    stories: Path, query: str
) -> None:
    command = [sys.executable, "-m", "kb", "similar", query]
    done = subprocess.run(command, cwd=stories, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "→" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_arithmetic_behind_a_place_can_be_read(stories: Path) -> None:
    index = open_index(unread_library(stories))
    found = find(index, query_from_text(REFUND, TODAY))
    text = explain(found, "2025-01-10-refund-twice")
    assert "place 1 of 6" in text
    assert "class evidence" in text
    status, output = run(stories, REFUND, "--explain", "2025-01-10-refund-twice")
    assert (status, output) == (0, text)


def recomputed(text: str) -> float:
    """The probability that the printed lines of the arithmetic come to."""
    terms = re.findall(r"^  \S.*?([\d.]+) × +([+-][\d.]+) *[+-][\d.]+$", text, re.MULTILINE)
    constant = re.search(r"^  constant +([+-][\d.]+)$", text, re.MULTILINE)
    assert constant
    assert len(terms) == 3
    odds = float(constant[1]) + sum(float(weight) * float(value) for weight, value in terms)
    found = 1 / (1 + math.exp(-odds))
    for share in re.findall(r"^  times ([\d.]+),", text, re.MULTILINE):
        found *= float(share)
    if most := re.search(r"^  at most ([\d.]+),", text, re.MULTILINE):
        found = min(found, float(most[1]))
    single = re.search(r"^  is ([\d.]+)$", text, re.MULTILINE)
    assert single
    assert math.isclose(found, float(single[1]), abs_tol=2e-3)
    pooled = re.search(r"the mean of places (\d+) to (\d+),\n((?:    [\d. ]+\n)+)", text)
    if pooled is None:
        return found
    values = [float(value) for value in pooled[3].split()]
    assert len(values) == int(pooled[2]) - int(pooled[1]) + 1
    assert any(math.isclose(found, value, abs_tol=2e-3) for value in values)
    return sum(values) / len(values)


def test_the_printed_arithmetic_gives_the_printed_probability(casebook: Path) -> None:
    library = unread_library(casebook)
    index = open_index(library)
    draft = casebook / "postmortems/2026-03-07-openclaw-restart-resends-110-messages.md"
    document = load_document(draft, library.form, casebook)
    queries = (query_from_text(AIRLINE, TODAY), query_from_document(document, TODAY))
    seen: set[object] = set()
    for query in queries:
        found = find(index, query)
        for position in found.order[:12]:
            text = explain(found, index.entries[found.ranking.places[position]].id)
            assert math.isclose(recomputed(text), found.probabilities[position], abs_tol=2e-3)
            seen.add("the mean of places" in text)
            seen.add(f"stated {found.ranking.stated_part[position] != 0}")
    assert seen == {True, False, "stated True", "stated False"}


def test_too_few_words_get_matches_without_a_probability(casebook: Path) -> None:
    said = show(ask(casebook, "agents"), today=TODAY, colour=False)
    assert "too short to say how likely" in said
    assert "%" not in said.split("because")[0]
    assert "Proposed class" not in said
    answer = json.loads(answer_json(ask(casebook, "agents")))
    assert answer["query"]["too_short"] is True
    assert answer["matches"]
    assert not ask(casebook, AIRLINE).too_short


def test_no_record_that_may_answer_is_not_called_nothing_similar(stories: Path) -> None:
    library = unread_library(stories)
    oldest = load_document(stories / "postmortems/2025-01-10-refund-twice.md", library.form)
    answer = similar(library, query_from_document(oldest, TODAY))
    said = show(answer, today=TODAY, colour=False)
    assert said.startswith("0 of 6 published records are earlier than 2025-01-10.")
    assert json.loads(answer_json(answer))["index"]["eligible"] == 0
    status, output = run(stories, REFUND, "--since", "2030-01-01")
    assert status == 0
    assert output.startswith("0 of 6 published records of your own pass the filters.")
    assert "Nothing similar in 6 published records of your own, nor" in run(stories, BREAD)[1]


def test_related_records_stand_beside_each_other_whatever_their_dates(stories: Path) -> None:
    found = related(unread_library(stories))
    assert found["2025-01-10-refund-twice"][0].id == "2025-02-11-email-sent-again"
    assert found["2025-02-11-email-sent-again"][0].id == "2025-01-10-refund-twice"


def test_likely_priors_are_those_more_likely_than_not(stories: Path) -> None:
    library = unread_library(stories)
    draft = write_record(stories, "2025-07-20-draft", "Again", summary=REFUND, status="draft")
    found = list(likely_priors(library, load_document(draft, library.form, stories), today=TODAY))
    assert found[0].id == "2025-01-10-refund-twice"
    assert all(prior.probability >= 0.5 and prior.reason for prior in found)


def test_a_record_of_the_index_asks_without_the_encoder(stories: Path) -> None:
    library = unread_library(stories)
    draft = write_record(stories, "2025-07-20-draft", "Again", summary=REFUND, status="draft")
    index = open_index(library)
    document = load_document(draft, library.form, stories)
    query = query_from_document(document, TODAY)
    without = replace(index, encoder=Encoder(stories / "nowhere", index.encoder.card))
    stored, fresh = embed_query(without, query), embed_query(index, replace(query, entry=None))
    assert np.allclose(stored.vectors, fresh.vectors, atol=1e-5)
    assert list(likely_priors(library, document, today=TODAY, index=without))


def test_only_what_changed_in_a_draft_is_encoded(stories: Path) -> None:
    library = unread_library(stories)
    draft = write_record(stories, "2025-07-20-draft", "Again", summary=REFUND, status="draft")
    index = open_index(library)
    write_record(stories, "2025-07-20-draft", "Again", summary=BREAD, status="draft")
    query = query_from_document(load_document(draft, library.form, stories), TODAY)
    mixed = embed_query(index, query)
    fresh = embed_query(index, replace(query, entry=None))
    assert np.allclose(mixed.vectors, fresh.vectors, atol=1e-5)


#: What reads a record: an index that is up to date is asked without it.
READERS = "yaml kb.records.document kb.records.timeline kb.records.evidence kb.records.postmortem"


def test_a_question_imports_nothing_heavy(stories: Path) -> None:
    open_index(unread_library(stories))
    script = (
        "import sys\n"
        f"sys.argv = ['kb', 'similar', {REFUND!r}]\n"
        "from kb.cli import cli\n"
        "cli.main(standalone_mode=False)\n"
        "heavy = 'torch scipy pydantic rich sentence_transformers git sklearn huggingface_hub'\n"
        f"heavy += ' {READERS}'\n"
        "print(sorted(set(heavy.split()) & set(sys.modules)), file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=stories, capture_output=True, text=True, check=True
    )
    assert done.stderr.strip() == "[]"


def test_control_characters_of_a_record_do_not_reach_the_terminal(library_folder: Path) -> None:
    summary = f"{REFUND} \x1b]0;title\x07\x1b[2J"
    write_record(library_folder, "2025-01-10-evil", "Refund \x1b[31mtwice", summary=summary)
    assert "\x1b" not in run(library_folder, REFUND)[1]
