"""Proposals in a draft: only between the markers, verdicts for ever, nothing else touched."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest
from kb.errors import KbError
from kb.records.action_and_prior_items import read_priors
from kb.records.document import read_document
from kb.records.form import build_form
from kb.search.answer import Answer, IndexFacts, Match, ProposedClass
from kb.search.indexed_records.entry import read_entry
from kb.search.indexed_records.passages import PROPOSALS_END, PROPOSALS_START
from kb.search.write_proposals import with_proposals, write_proposals

FORM = build_form()
FACTS = IndexFacts(3, 9, "model", 0, False, "shipped")
DRAFT = """\
---
title: Draft
date: 2026-01-01
---
# Draft

## Counterfactual

Had there been a key, the second call would have been refused.

- [repeat] [2025-01-01-own](2025-01-01-own.md) — my own words

## Action items

- [ ] A1: do — owner: a
"""


def match(record_id: str) -> Match:
    day = date(2025, 1, 1)
    why = ("same tool refund", "both speak of key")
    return Match(record_id, "L", "Title", day, "SEV3", 0.62, 0.5, ("c",), why, (), "", (), "")


def answer(*ids: str, proposed: ProposedClass | None = None) -> Answer:
    matches = tuple(match(record_id) for record_id in ids)
    return Answer("t", "2026-01-01-d", date(2026, 1, 1), 0.1, matches, (), proposed, FACTS)


def proposed(text: str, *ids: str, name: str = "") -> str:
    document = read_document(text.encode(), Path("2026-01-01-d.md"), FORM)
    wanted = ProposedClass(name, 0.8) if name else None
    return with_proposals(document, answer(*ids, proposed=wanted))


def without_block(text: str) -> str:
    before, _, rest = text.partition(PROPOSALS_START)
    return before + rest.partition(PROPOSALS_END)[2]


def test_proposals_stand_between_markers_at_the_end_of_the_section() -> None:
    text = proposed(DRAFT, "2025-02-02-new")
    assert (
        "my own words\n\n<!-- kb:similar start -->\n"
        "- [ ] [2025-02-02-new](2025-02-02-new.md) — 62%: same tool refund; both speak of key\n"
        "<!-- kb:similar end -->\n\n## Action items" in text
    )


def test_nothing_else_of_the_draft_changes() -> None:
    text = proposed(DRAFT, "2025-02-02-new")
    assert without_block(text).split() == DRAFT.split()
    for line in DRAFT.splitlines():
        assert line in text.splitlines()


def test_a_second_run_changes_nothing() -> None:
    once = proposed(DRAFT, "2025-02-02-new", "2025-03-03-other")
    assert proposed(once, "2025-02-02-new", "2025-03-03-other") == once


def test_a_later_run_replaces_what_has_no_verdict_and_keeps_what_has() -> None:
    once = proposed(DRAFT, "2025-02-02-new", "2025-03-03-other")
    judged = once.replace("- [ ] [2025-02-02-new]", "- [related] [2025-02-02-new]")
    again = proposed(judged, "2025-04-04-third")
    document = read_document(again.encode(), Path("2026-01-01-d.md"), FORM)
    assert [(prior.id, prior.verdict) for prior in document.priors] == [
        ("2025-01-01-own", "repeat"),
        ("2025-02-02-new", "related"),
        ("2025-04-04-third", ""),
    ]


def test_a_verdict_survives_an_answer_of_nothing_similar() -> None:
    once = proposed(DRAFT, "2025-02-02-new")
    judged = once.replace("- [ ] [2025-02-02-new]", "- [different] [2025-02-02-new]")
    assert proposed(judged) == judged


def test_words_a_person_wrote_between_the_markers_are_kept() -> None:
    once = proposed(DRAFT, "2025-02-02-new")
    noted = once.replace(PROPOSALS_END, f"A note of my own.\n{PROPOSALS_END}")
    assert "A note of my own." in proposed(noted)


def test_open_proposals_go_when_nothing_is_similar_any_more() -> None:
    text = proposed(proposed(DRAFT, "2025-02-02-new"))
    assert PROPOSALS_START not in text
    assert text.split() == DRAFT.split()


def test_what_the_author_has_judged_is_not_proposed() -> None:
    assert proposed(DRAFT, "2025-01-01-own") == DRAFT


def test_a_draft_without_the_section_gets_it_at_the_end() -> None:
    text = proposed("---\ntitle: T\n---\n# T\n\nText.\n", "2025-02-02-new")
    assert text.startswith("---\ntitle: T\n---\n# T\n\nText.\n\n## Counterfactual\n\n")
    assert text.endswith(f"{PROPOSALS_END}\n")


def test_line_ends_stay_what_they_are() -> None:
    text = proposed(DRAFT.replace("\n", "\r\n"), "2025-02-02-new")
    assert "\n" not in text.replace("\r\n", "")


def test_a_class_is_proposed_in_a_comment_and_goes_with_it() -> None:
    text = proposed(DRAFT, "2025-02-02-new", name="tool-misuse")
    assert "<!-- kb:similar proposes the class tool-misuse (80%) -->" in text
    assert "proposes" not in proposed(text, "2025-02-02-new")


def test_proposals_wait_for_a_verdict_when_they_are_read() -> None:
    text = proposed(DRAFT, "2025-02-02-new")
    document = read_document(text.encode(), Path("2026-01-01-d.md"), FORM)
    section = document.section("counterfactual")
    assert section is not None
    assert [prior.verdict for prior in read_priors(section.lines)] == ["repeat", ""]


def test_text_of_other_records_cannot_break_out_of_its_line() -> None:
    document = read_document(DRAFT.encode(), Path("2026-01-01-d.md"), FORM)
    hostile = replace(match("2025-02-02-new"), reasons=("x\n## Action items\n--> <!-- y",))
    text = with_proposals(document, replace(answer(), matches=(hostile,)))
    lines = [line for line in text.splitlines() if "2025-02-02-new" in line]
    assert len(lines) == 1
    assert text.count("\n## Action items") == 1
    assert text.count("<!--") == text.count("-->") == 2


def test_a_note_appended_to_an_open_proposal_is_kept() -> None:
    once = proposed(DRAFT, "2025-02-02-new", "2025-03-03-other")
    line = next(ln for ln in once.splitlines() if "[2025-02-02-new]" in ln)
    noted = once.replace(line, f"{line} — ask Jo about the key")
    again = proposed(noted, "2025-03-03-other")
    assert "ask Jo about the key" in again
    assert proposed(again, "2025-02-02-new").count("[2025-02-02-new]") == 1


def test_a_line_written_below_an_open_proposal_keeps_both() -> None:
    once = proposed(DRAFT, "2025-02-02-new")
    line = next(ln for ln in once.splitlines() if "[2025-02-02-new]" in ln)
    noted = once.replace(line, f"{line}\n  I doubt it, the key was there.")
    assert f"{line}\n  I doubt it, the key was there." in proposed(noted)


@pytest.mark.parametrize("word", ["x", "diferent"])
def test_a_word_that_is_no_verdict_is_kept_said_and_not_believed(tmp_path: Path, word: str) -> None:
    once = proposed(DRAFT, "2025-02-02-new")
    path = tmp_path / "2026-01-01-d.md"
    path.write_text(once.replace("- [ ] [2025-02-02-new]", f"- [{word}] [2025-02-02-new]"))
    said = write_proposals(path, answer("2025-02-02-new"), FORM)
    assert f"{word!r} is no verdict" in said
    assert path.read_text().count("[2025-02-02-new]") == 1
    entry = read_entry(read_document(path.read_bytes(), path, FORM))
    assert entry is not None
    assert [verdict.word for verdict in entry[0].verdicts] == ["repeat"]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (f"{PROPOSALS_START}\n- mine\n", 1),
        (f"a\n{PROPOSALS_END}\n", 2),
        (f"{PROPOSALS_END}\n{PROPOSALS_START}\n", 1),
        (f"{PROPOSALS_START}\n{PROPOSALS_END}\n{PROPOSALS_START}\n", 3),
    ],
)
def test_a_marker_without_its_other_half_is_refused_with_its_line(text: str, line: int) -> None:
    with pytest.raises(KbError) as raised:
        proposed(text, "2025-02-02-new")
    assert raised.value.where == f"line {line}"


def test_a_draft_is_written_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "2026-01-01-d.md"
    path.write_text(DRAFT)
    path.chmod(0o640)
    assert "1 proposed" in write_proposals(path, answer("2025-02-02-new"), FORM)
    assert path.stat().st_mode & 0o777 == 0o640
    assert [item.name for item in tmp_path.iterdir()] == [path.name]
    assert "up to date" in write_proposals(path, answer("2025-02-02-new"), FORM)


def test_a_draft_that_cannot_be_read_is_a_fault_with_a_way_out(tmp_path: Path) -> None:
    with pytest.raises(KbError, match="cannot be"):
        write_proposals(tmp_path / "absent.md", answer("2025-02-02-new"), FORM)
