"""What leaves the house is what a person signed: a pull request's history, and every refusal."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from kb.cli import cli

from external_texts import SIGNED, approve_all, propose, sign
from external_texts import signed_site as site_of
from test_publish_outside import summary_of, written

NAMED = "affected_customers: [Nordwerk]\nowners: [maren-holtkamp]\n"
SUMMARY = "Nordwerks Buchhaltung was paid twice; Maren Holtkamp stopped the run."
ID = "2026-04-12-a"


def git(folder: Path, *words: str) -> str:
    command = ["git", "-c", "user.name=Jo", "-c", "user.email=jo@example.com", *words]
    done = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout


def kb(folder: Path, monkeypatch: pytest.MonkeyPatch, *words: str) -> Result:
    monkeypatch.chdir(folder)
    return CliRunner().invoke(cli, ["site", "--edition", "external", *words])


def external_text(folder: Path) -> Path:
    return folder / "postmortems" / ID / "external.md"


@pytest.mark.site
def test_a_pull_request_from_the_proposal_to_the_next_one(  # noqa: PLR0915 - one history
    library_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("material")
    git(library_folder, "init", "-q", "-b", "main")
    record = written(library_folder, SUMMARY, front=NAMED)
    git(library_folder, "add", "postmortems")
    git(library_folder, "commit", "-qm", "the record")

    git(library_folder, "checkout", "-qb", "publish")
    proposed = kb(library_folder, monkeypatch, "--propose")
    assert proposed.exit_code == 0, proposed.output
    assert f"{ID}/external.md: proposed: 2 replaced, 0 left out" in proposed.output
    git(library_folder, "add", "postmortems")
    git(library_folder, "commit", "-qm", "proposed")
    diff = git(library_folder, "diff", "main", "--", "postmortems")
    assert (
        "+\u27e6Customer A\u27e7 Buchhaltung was paid twice; \u27e6Person A\u27e7 stopped" in diff
    )
    assert "`Maren Holtkamp` \u2192 Person A" in diff

    unsigned = kb(library_folder, monkeypatch)
    assert unsigned.exit_code == 1
    assert f"left out: postmortems/{ID}/external.md:8: not signed" in unsigned.output

    sign(library_folder)
    git(library_folder, "commit", "-qam", "approved")
    git(library_folder, "checkout", "-q", "main")
    git(library_folder, "merge", "-q", "publish")
    built = kb(library_folder, monkeypatch)
    assert built.exit_code == 0, built.output
    (page,) = (library_folder / "site-external/incidents").glob("2026-04-12-refund-loop-*")
    html = (page / "index.html").read_text("utf-8")
    assert "Customer A Buchhaltung was paid twice; Person A stopped the run." in html

    record.write_text(record.read_text("utf-8").replace("paid twice", "paid three times"), "utf-8")
    stale = kb(library_folder, monkeypatch)
    assert stale.exit_code == 1
    assert "what may leave of the record has changed since jo-doe signed it" in stale.output
    assert not list((library_folder / "site-external/incidents").glob("2026-04-12-*"))

    again = kb(library_folder, monkeypatch, "--propose")
    assert "proposed anew, for the record changed since jo-doe signed it" in again.output
    diff = git(library_folder, "diff", "-U0", "--", "postmortems/*/external.md")
    changed = [line for line in diff.splitlines() if re.match(r"[-+][^-+]", line)]
    assert "-\u27e6Customer A\u27e7 Buchhaltung was paid twice;" in diff
    assert "+\u27e6Customer A\u27e7 Buchhaltung was paid three times;" in diff
    assert f"-{SIGNED}" in changed
    assert len(changed) == 8  # two digests, the signature, the sentence; each out and in

    sign(library_folder)
    assert kb(library_folder, monkeypatch).exit_code == 0
    (page,) = (library_folder / "site-external/incidents").glob("2026-04-12-refund-loop-*")
    assert "paid three times" in (page / "index.html").read_text("utf-8")


def test_a_ticked_action_changes_nothing(library_folder: Path) -> None:
    action = "\n## Action items\n\n- [ ] A1: send a key — owner: payments, due: 2026-05-12"
    record = written(library_folder, SUMMARY, front=NAMED, rest=action)
    approve_all(library_folder)
    record.write_text(record.read_text("utf-8").replace("- [ ]", "- [x]"), "utf-8")
    assert len(site_of(library_folder).records) == 1


def test_what_was_ruled_out_is_not_proposed_to_outsiders(library_folder: Path) -> None:
    ruled = "```evidence\nRULED_OUT: a stale price — SECRETLOG\nCONFIDENCE: high\n```"
    causes = f"\n## Root cause\n\n{ruled}\n\n### Code\n\nThe client sent it again."
    written(library_folder, SUMMARY, front=NAMED, rest=causes)
    propose(library_folder)
    text = external_text(library_folder).read_text("utf-8")
    assert "The client sent it again." in text
    assert "stale price" not in text
    assert "SECRETLOG" not in text
    assert "CONFIDENCE" not in text


def test_what_is_built_is_the_text_as_the_person_wrote_it(library_folder: Path) -> None:
    written(library_folder, SUMMARY, front=NAMED)
    propose(library_folder)
    path = external_text(library_folder)
    text = path.read_text("utf-8").replace("\u27e6Customer A\u27e7 Buchhaltung", "A customer")
    path.write_text(text, "utf-8")
    (edited,) = propose(library_folder)
    assert edited.state == "edited"
    sign(library_folder)
    summary = "A customer was paid twice; Person A stopped the run."
    assert summary_of(site_of(library_folder)) == summary
    assert propose(library_folder)[0].state == "unchanged"


def refused(folder: Path) -> str:
    site = site_of(folder)
    assert not site.records
    (why,) = site.refused
    return why


def test_words_that_are_changed_after_they_were_signed_do_not_leave(library_folder: Path) -> None:
    written(library_folder, SUMMARY, front=NAMED)
    approve_all(library_folder)
    path = external_text(library_folder)
    path.write_text(path.read_text("utf-8").replace("paid twice", "paid nothing"), "utf-8")
    assert "its words were changed after they were proposed" in refused(library_folder)


@pytest.mark.parametrize("by", ["ops", "unknown", "payments team"])
def test_a_desk_cannot_sign(by: str, library_folder: Path) -> None:
    written(library_folder, SUMMARY, front=NAMED)
    approve_all(library_folder)
    path = external_text(library_folder)
    path.write_text(path.read_text("utf-8").replace("jo-doe", by), "utf-8")
    path.write_text(path.read_text("utf-8").replace(f"e.g. {by}", ""), "utf-8")
    assert f"signed by '{by}', which is no person" in refused(library_folder)


OVERLOOKED = {
    "a name": ("Ask Holtkamp about it.", "'Holtkamp' must not be told"),
    "a customer in another form": ("die Nordwerke", "'Nordwerke' must not be told"),
    "an address": ("Write to a@quux.example.com.", "must not be told"),
    "a host": ("See wiki.quux.io/x.", "'wiki.quux.io/x' must not be told"),
    "a table": ("\n| a | b |\n| - | - |\n| c | d |\n", "has no place in the edition: a table"),
    "a field": ("\nNOTE: only for us\n", "has no place in the edition"),
    "a comment": ("<!-- Ask somebody -->", "holds more than the edition may carry"),
    "a secret": ("It was AKIAQ3EGRIPHOD5WXJ7T.", "holds a AWS access key"),
}


@pytest.mark.parametrize("what", OVERLOOKED)
def test_the_second_wall_finds_what_a_person_overlooked(what: str, library_folder: Path) -> None:
    written(library_folder, SUMMARY, front=NAMED)
    propose(library_folder)
    added, why = OVERLOOKED[what]
    path = external_text(library_folder)
    path.write_text(
        path.read_text("utf-8").replace("## Customer-visible", f"{added}\n\n## Customer-visible"),
        "utf-8",
    )
    propose(library_folder)
    sign(library_folder)
    line = next(
        n for n, text in enumerate(path.read_text("utf-8").split("\n"), 1)
        if added.strip().split("\n")[0] in text
    )  # fmt: skip
    found = refused(library_folder)
    assert why in found
    if what not in ("a comment", "a secret"):
        assert f"external.md:{line}:" in found


def test_one_that_is_refused_keeps_no_other_back(library_folder: Path) -> None:
    written(library_folder, "It paid twice.", front=NAMED)
    approve_all(library_folder)
    written(library_folder, "It paid again.", name="2026-04-13-b")
    site = site_of(library_folder)
    assert [record.date.day for record in site.records] == [12]
    assert len(site.refused) == 1
    assert "2026-04-13-b/external.md:1: nobody has read what would leave" in site.refused[0]


# Words that are names, too


def test_a_word_that_is_a_name_is_asked_about_once_and_answered(library_folder: Path) -> None:
    text = "Will it pay? The target was missed, and Target called. It will pay."
    written(library_folder, text, front="affected_customers: [Target]\nowners: [will]\n")
    (proposal,) = approve_all(library_folder)
    assert "'Will' (line 22)" in proposal.question
    assert "one question is open" in refused(library_folder)
    path = external_text(library_folder)
    assert "The target was missed, and \u27e6Customer A\u27e7 called." in path.read_text("utf-8")
    sign(library_folder, answer="yes")
    path.write_text(path.read_text("utf-8").replace('answer: ""', 'answer: "yes"'), "utf-8")
    said = "Will it pay? The target was missed, and Customer A called. It will pay."
    assert summary_of(site_of(library_folder)) == said


@pytest.mark.parametrize(
    ("front", "text"),
    [
        ("systems: [mail]\n", "The mail went out twice, and a mail came back."),
        ("systems: [billing, orders]\n", "The billing run paid two orders."),
        ("owners: [payments, on-call]\n", "The payments agent paid the on-call twice."),
        ("systems: [order service]\n", "The order service answered late."),
    ],
)
def test_ordinary_words_stay_words(front: str, text: str, library_folder: Path) -> None:
    written(library_folder, text, front=front)
    (proposal,) = approve_all(library_folder)
    assert not proposal.question
    assert summary_of(site_of(library_folder)) == text


def test_another_record_with_such_a_name_asks_nothing_of_this_one(library_folder: Path) -> None:
    written(library_folder, "It will pay, and the target moved.")
    written(library_folder, name="2026-04-13-b", visibility="internal",
            front="affected_customers: [Target]\nowners: [will]\n")  # fmt: skip
    (proposal,) = approve_all(library_folder)
    assert not proposal.question
    assert summary_of(site_of(library_folder)) == "It will pay, and the target moved."


# Copies


def test_a_copy_is_of_one_customer_and_nothing_of_another(
    library_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("material")
    written(library_folder, "Nordwerk was paid twice.", front="affected_customers: [Nordwerk]\n")
    written(library_folder, "Quornwind lost an order.", name="2026-04-13-b", title="Lost order",
            front="affected_customers: [Quornwind]\n")  # fmt: skip
    approve_all(library_folder)
    result = kb(library_folder, monkeypatch, "--customer", "nordwerk")
    assert result.exit_code == 0, result.output
    copy = library_folder / "site-external-nordwerk"
    everything = b"".join(p.read_bytes() for p in copy.rglob("*") if p.is_file()).lower()
    names = " ".join(path.name for path in copy.rglob("*"))
    assert b"was paid twice" in everything
    for other in (b"quornwind", b"lost an order", b"lost order", b"nordwerk"):
        assert other not in everything
        assert other.decode() not in names
    assert not (library_folder / "site-external").exists()


def test_the_preview_shows_both_sides(
    library_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(library_folder, SUMMARY, front=NAMED)
    propose(library_folder)
    result = kb(library_folder, monkeypatch, "--preview")
    assert result.exit_code == 0
    page = (library_folder / f"build/side-by-side/{ID}.html").read_text("utf-8")
    assert "Nordwerks Buchhaltung" in page
    assert "<mark>Customer A</mark> Buchhaltung" in page
    assert "not signed" in page
