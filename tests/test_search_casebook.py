"""The casebook beside a team's own library: own incidents first, told apart, never counted."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import jsonschema
import numpy as np
import pytest
from kb.library import load_document, record_files, unread_library
from kb.records.casebook import casebook_ids, public_page
from kb.records.form import build_form
from kb.records.postmortem import interpret
from kb.search.answer import CASEBOOK, Answer
from kb.search.answer_json import answer_json, answer_schema
from kb.search.casebook import (
    SHIPPED_VECTORS,
    casebook_folder,
    open_casebook,
    similar_with_casebook,
)
from kb.search.casebook_default import YOUNG, is_asked
from kb.search.encoder.vector_store import VectorStore, text_key
from kb.search.index.build_index import library_texts
from kb.search.index.index import open_index, ready_encoder
from kb.search.query import Filters, query_from_document
from kb.search.render import WIDTH, show

from conftest import ROOT
from search_library import own_cache, write_record, write_stories

TODAY = date(2030, 1, 1)
DELETED = "the agent deleted the production database and its backups"
BREAD = "Mix flour, water, salt and yeast, knead for ten minutes and bake at 230 degrees."
REFUND = "a retried refund call paid customers twice"
REPLIT = "2025-07-18-replit-production-database"


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A user's cache of its own, which shares only the compiled encoders."""
    with own_cache(tmp_path_factory.mktemp("cache")) as folder:
        yield folder


@pytest.fixture
def team(library_folder: Path, cache: Path) -> Path:
    write_stories(library_folder)
    return library_folder


def ask(root: Path, text: str, **arguments: object) -> Answer:
    return similar_with_casebook(unread_library(root), text, today=TODAY, **arguments)  # type: ignore[arg-type]


def kb(root: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "kb", *arguments]
    return subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)


def libraries(answer: Answer) -> list[bool]:
    return [match.library == CASEBOOK for match in answer.matches]


@pytest.mark.model
def test_a_team_without_a_record_is_answered_on_day_one(library_folder: Path, cache: Path) -> None:
    found = ask(library_folder, DELETED)
    assert REPLIT in [match.id for match in found.matches[:2]]
    assert all(libraries(found))
    assert found.index.records == 0
    assert found.casebook is not None
    assert found.casebook.records == len(list((ROOT / "postmortems").glob("20*.md")))


@pytest.mark.model
def test_own_and_public_incidents_are_one_list_by_probability_and_told_apart(team: Path) -> None:
    found = ask(team, REFUND)
    chances = [match.probability or 0 for match in found.matches if not match.may_be_same]
    assert chances == sorted(chances, reverse=True)
    assert set(libraries(found)) == {True, False}
    text = show(found, today=TODAY, colour=False)
    assert text.count("public, from the casebook") == libraries(found).count(True)
    assert max(map(len, text.splitlines())) <= WIDTH or str(casebook_folder()) in text


@pytest.mark.model
def test_the_bar_of_who_asks_holds_for_the_casebook_too(team: Path) -> None:
    assert any(libraries(ask(team, REFUND)))
    (team / "kb.toml").write_text("[search]\nbar = 1.0\n")
    assert not ask(team, REFUND).matches


@pytest.mark.model
@pytest.mark.parametrize("limit", [1, 2, 5])
def test_both_together_fill_no_more_than_the_places_asked_for(team: Path, limit: int) -> None:
    found = ask(team, REFUND, limit=limit)
    assert len(found.matches) == limit
    assert found.matches == ask(team, REFUND, limit=5).matches[:limit]


@pytest.mark.model
def test_a_text_about_nothing_known_is_said_to_be_in_neither(team: Path) -> None:
    found = ask(team, BREAD)
    assert found.nothing_similar
    text = show(found, today=TODAY, colour=False)
    assert text.startswith("Nothing similar in 6 published records of your own, nor in ")


@pytest.mark.model
def test_what_only_the_casebook_knows_is_not_called_the_teams_own(team: Path) -> None:
    found = ask(team, DELETED, filters=Filters(classes=("destructive-action",)))
    assert all(libraries(found))
    assert show(found, today=TODAY, colour=False).startswith(
        "0 of 6 published records of your own pass the filters."
    )


@pytest.mark.model
def test_a_copy_of_a_public_record_is_shown_once_as_the_teams_own(team: Path) -> None:
    shutil.copy(casebook_folder() / f"{REPLIT}.md", team / "postmortems")
    found = ask(team, DELETED)
    assert [match.library == CASEBOOK for match in found.matches if match.id == REPLIT] == [False]


@pytest.mark.model
def test_nothing_later_than_a_draft_answers_it_from_the_casebook_either(team: Path) -> None:
    path = write_record(team, "2025-06-20-draft", "Database gone", summary=DELETED, status="draft")
    library = unread_library(team)
    query = query_from_document(load_document(path, library.form, team), TODAY)
    found = similar_with_casebook(library, query, limit=20)
    assert {True} <= set(libraries(found))
    assert all(match.date <= date(2025, 6, 20) for match in found.matches)


@pytest.mark.model
def test_its_index_is_built_once_for_all_libraries(team: Path, cache: Path) -> None:
    first = open_casebook(unread_library(team))
    again = open_casebook(unread_library(team))
    assert again.generation.folder == first.generation.folder
    assert again.generation.folder.is_relative_to(cache / "casebook")
    assert again.refreshed == 0
    assert not (team / ".kb/casebook").exists()


@pytest.mark.model
def test_the_json_answer_names_library_and_folder(team: Path) -> None:
    answer = json.loads(answer_json(ask(team, REFUND)))
    jsonschema.validate(answer, answer_schema())
    assert {match["library"] for match in answer["matches"]} == {"Postmortems", CASEBOOK}
    public = [match for match in answer["matches"] if match["library"] == CASEBOOK]
    assert (Path(answer["casebook"]["folder"]) / f"{public[0]['id']}.md").is_file()


@pytest.mark.model
def test_settings_and_options_decide_whether_it_is_searched(team: Path) -> None:
    def names(*options: str) -> set[str]:
        answer = json.loads(kb(team, "similar", REFUND, "--json", *options).stdout)
        return {match["library"] for match in answer["matches"]}

    assert names() == {"Postmortems", CASEBOOK}
    assert names("--no-casebook") == {"Postmortems"}
    (team / "kb.toml").write_text("[search]\ncasebook = false\n")
    assert names() == {"Postmortems"}
    assert names("--casebook") == {"Postmortems", CASEBOOK}


@pytest.mark.model
def test_it_is_asked_until_twenty_own_records_are_published(team: Path) -> None:
    for number in range(13):
        write_record(team, f"2025-08-{number + 1:02d}-other", "Export failed", summary="It failed.")
    write_record(team, "2025-09-01-draft", "Export", summary="It failed.", status="draft")
    write_record(team, "2025-09-02-draft", "Export", summary="It failed.", status="draft")
    library = unread_library(team)
    assert len(record_files(library.folder)) == YOUNG + 1
    assert not is_asked(library)  # as far as anybody knows without an index
    assert open_index(library).generation.manifest.n_published == YOUNG - 1
    assert is_asked(library)
    assert not is_asked(library, said=False)
    write_record(team, "2025-08-20-other", "Export failed", summary="It failed.")
    open_index(library)
    assert not is_asked(library)
    assert is_asked(library, said=True)


@pytest.mark.model
def test_its_passages_come_with_their_vectors_for_the_encoder_that_ships(
    library_folder: Path,
) -> None:
    library = unread_library(ROOT)
    texts = library_texts(library, sorted(file.name for file in library.folder.glob("20*.md")))
    encoder = ready_encoder(unread_library(library_folder))
    store = VectorStore(
        SHIPPED_VECTORS / f"vectors-{encoder.card.key}", encoder.card.dimension
    ).read_only()
    found = store.find([text_key(text) for text in texts])
    # What was written since is embedded like any text; `scripts/embed-casebook` adds it.
    assert len(found) >= 0.9 * len(set(texts))
    sample = texts[:: len(texts) // 5]
    made = encoder.encode(sample)
    for text, vector in zip(sample, made, strict=True):
        assert np.allclose(found[text_key(text)], vector, atol=1e-4)


@pytest.mark.model
def test_a_place_in_the_casebook_can_be_explained(team: Path) -> None:
    done = kb(team, "similar", DELETED, "--casebook", "--explain", REPLIT)
    assert done.returncode == 0, done.stderr
    assert "class evidence" in done.stdout


@pytest.mark.model
def test_nothing_of_the_casebook_is_written_into_a_draft_unasked_or_counted(team: Path) -> None:
    before = json.loads(kb(team, "metrics", "--json").stdout)["metrics"]
    (team / "kb.toml").write_text("[search]\ncasebook = true\n")
    draft = write_record(team, "2026-11-01-draft", "Again", summary=REFUND, status="draft")
    assert kb(team, "similar", str(draft), "--write").returncode == 0
    proposed = [line for line in draft.read_text().splitlines() if line.startswith("- [ ] [")]
    own = {path.stem for path in (team / "postmortems").glob("20*.md")}
    assert proposed
    assert all(any(f"[{name}]" in line for name in own) for line in proposed)
    draft.unlink()
    assert json.loads(kb(team, "metrics", "--json").stdout)["metrics"] == before


@pytest.mark.model
def test_a_verdict_on_a_public_incident_is_proposed_accepted_and_no_repeat_of_the_team(
    team: Path,
) -> None:
    draft = write_record(team, "2026-11-01-gone", "Gone", summary=DELETED, status="draft")
    item = f"- [ ] [{REPLIT}]({public_page(REPLIT)})"
    assert f"{item} — why" in kb(team, "similar", str(draft)).stdout
    for _ in range(2):
        assert kb(team, "similar", str(draft), "--write", "--casebook").returncode == 0
        proposed = [line for line in draft.read_text().splitlines() if line.startswith(item)]
        assert len(proposed) == 1
    verdict = f"{item.replace('[ ]', '[repeat]')} — the same freeze, fix existed: yes"
    text = draft.read_text().replace(proposed[0], verdict)
    draft.write_text(text.replace("status: draft", "status: published"))
    assert kb(team, "similar", str(draft), "--write", "--casebook").returncode == 0
    assert draft.read_text().count(REPLIT) == 1
    assert "you called it repeat" in kb(team, "similar", str(draft)).stdout
    found = json.loads(kb(team, "check", str(draft), "--format", "json").stdout)["problems"]
    assert {"KB802", "KB803"}.isdisjoint({problem["rule"] for problem in found})
    counted = kb(team, "metrics", "--json").stdout
    assert "1 incident repeats a record of another origin; not counted" in counted
    draft.write_text(draft.read_text().replace(public_page(REPLIT), f"{REPLIT}.md"))
    assert f"link to where it was told: {public_page(REPLIT)}" in kb(team, "check").stdout


def test_every_record_of_the_casebook_has_a_public_page() -> None:
    assert len(casebook_ids()) > 50
    form, folder = build_form(), casebook_folder()
    for name in casebook_ids():
        record = interpret(load_document(folder / f"{name}.md", form, folder))
        assert record
        assert public_page(name) == next(s for s in record.sources if s.startswith("http"))
    assert public_page("2026-01-01-nobody-knows") == ""


def test_the_wheel_carries_the_casebook(tmp_path: Path) -> None:
    pytest.importorskip("setuptools", minversion="77")
    source, out = tmp_path / "source", tmp_path / "out"
    skipped = shutil.ignore_patterns("__pycache__")
    for name in ("kb", "postmortems"):
        shutil.copytree(ROOT / name, source / name, ignore=skipped)
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation"]
    subprocess.run([*command, "-q", "-w", str(out), str(source)], check=True, env=os.environ)
    with zipfile.ZipFile(next(out.glob("*.whl"))) as wheel:
        names = set(wheel.namelist())
    records = {path.name for path in (ROOT / "postmortems").glob("20*.md")}
    shipped = {name.rpartition("/")[2] for name in names if name.startswith("kb/data/casebook/")}
    assert shipped == records
    assert {"kb/data/init/kb.toml", "kb/search/casebook.py", "kb/py.typed"} <= names
