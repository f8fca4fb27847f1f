"""What gets through to outsiders? Names in disguise, fields in prose, faults, settings."""

from __future__ import annotations

import gzip
import json
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from kb.cli import cli
from kb.errors import KbError
from kb.library import Library, open_library
from kb.repo import open_repo
from kb.site.build_site import Build, build_site, engine_settings, work_folder
from kb.site.content import INTERNAL, Edition, Site
from kb.site.external.allowed_parts import SECTIONS
from kb.site.external.leak_scan import refuse_names
from kb.site.gather import SiteRequest, gather, names_of
from kb.site.live_preview import Preview, ServedSite
from kb.site.machine.atom_json_csv import data_files
from kb.site.related_incidents import no_search
from kb.site.write import all_pages

from conftest import ROOT
from external_texts import approved_site, propose, removed, sign, signed_site

NOW = datetime(2026, 11, 1, tzinfo=UTC)
FRONT = """title: {title}
date: 2026-04-12
status: published
origin: own
kind: incident
severity: SEV2
impact: customer-visible
classes: [duplicate-side-effect]
causes: [code-defect]
clocks: {{first_impact: 2026-04-12T03:14:00Z, contained: 2026-04-15T09:05:00Z}}
visibility: {visibility}
"""
BODY = """

## Summary

{summary}

## Customer-visible truth

CUSTOMER_SAW: two charges
{rest}
"""


def written(
    folder: Path,
    summary: str = "It paid twice.",
    *,
    name: str = "2026-04-12-a",
    title: str = "Refund loop",
    front: str = "",
    visibility: str = "external",
    rest: str = "",
) -> Path:
    head = FRONT.format(title=title, visibility=visibility) + front
    path = folder / "postmortems" / f"{name}.md"
    path.write_text(f"---\n{head}---\n{BODY.format(summary=summary, rest=rest)}", "utf-8")
    return path


site_of = approved_site


def told(site: Site) -> str:
    """Everything the pages and the copies for machines say."""
    return "\n".join(
        (*(page.body for page in all_pages(site)), *(text for _, text in data_files(site)))
    )


def summary_of(site: Site) -> str:
    section = site.records[0].section("summary")
    return section.text if section else ""


NAMED = "affected_customers: [northwind-bakery, Globex]\nowners: [jane-doe]\nsystems: [ledger7]\n"
DISGUISES = {
    "broken over lines": ("The shop Northwind\nBakery was hit.", "northwind"),
    "in bold by half": ("**Northwind** Bakery was hit.", "northwind"),
    "as an entity": ("North&#119;ind Bakery was hit.", "north"),
    "with a space that does not break": ("Northwind&nbsp;Bakery was hit.", "northwind"),
    "as an identifier": ("The table northwind_bakery was hit.", "northwind"),
    "by its first word": ("Northwind's shop was hit.", "northwind"),
    "as part of an identifier": ("Globex_prod_db was hit.", "globex"),
    "written as one word": ("NorthwindBakery and prodGlobex were hit.", "globex"),
    "with an accent": ("Glob\u00e9x was hit.", "glob"),
    "with an unseen character": ("Glo\u200bbex was hit.", "bex"),
    "struck through": ("~~Glo~~bex was hit.", "bex"),
    "in a code span": ("The key `globex` was hit.", "globex"),
    "in HTML": ("<b>Glo</b>bex was hit.", "bex"),
    "a mail address as an entity": ("Mail bob&#64;corp.example was sent.", "bob"),
    "a person of the record": ("Jane Doe restarted it.", "doe restarted"),
    "a person by one name": ("Then Jane restarted it.", "jane"),
    "a system": ("It wrote to ledger7 twice.", "ledger7"),
    "a channel": ("We spoke in #incchannel.", "incchannel"),
    "a host": ("It ran on canaryhost.corp.internal.", "canaryhost"),
    "an address without a scheme": ("See www.wiki.internal/page for it.", "wiki"),
    "a path": ("It wrote to /srv/canarypath/file twice.", "canarypath"),
    "a label of no link": ("See [this][canaryref] first.", "canaryref"),
    "a link over two lines": ("See [two\nlines](http://wiki.house.internal/page).", "wiki"),
    "a definition over two lines": ("It paid.\n\n[ref2]:\n   canarydest", "canarydest"),
    "a picture over two lines": ("It paid ![pic\nture](canarypic.png).", "canarypic"),
}


@pytest.mark.parametrize("disguise", DISGUISES)
def test_a_name_does_not_get_through(disguise: str, library_folder: Path) -> None:
    text, never = DISGUISES[disguise]
    written(library_folder, text, front=NAMED)
    site = site_of(library_folder)
    assert never not in told(site).lower()
    assert summary_of(site)


def test_people_and_customers_of_other_records_are_named_nowhere(library_folder: Path) -> None:
    written(library_folder, "Acme called, and Rita Roe answered.")
    other = "affected_customers: [acme]\nlessons_by: Rita Roe\n"
    written(library_folder, name="2026-04-13-b", front=other, visibility="internal")
    said = summary_of(site_of(library_folder))
    assert said == "Customer A called, and Person A answered."


SENTENCES = {
    "The agent paid the Northwind Bakery.": "The agent paid Customer A.",
    "The agent paid the Northwind Bakery twice.": "The agent paid the Customer A twice.",
    "It read the `northwind.image` key.": "It read the `Customer A.image` key.",
    "An Northwind account was hit.": "A Customer A account was hit.",
    "It is a target, and Log4Shell was not it.": "It is a target, and Log4Shell was not it.",
    "She used read/write/delete and/or both/none.": "She used read/write/delete and/or both/none.",
    "It was done.Then it paid, at 404954 rows.": "It was done.Then it paid, at 404954 rows.",
}


@pytest.mark.parametrize("sentence", SENTENCES)
def test_a_sentence_stays_one(sentence: str, library_folder: Path) -> None:
    front = "affected_customers: [northwind-bakery, shell, target]\n"
    written(library_folder, sentence, front=front)
    propose(library_folder)
    sign(library_folder, answer="yes")
    assert summary_of(signed_site(library_folder)) == SENTENCES[sentence]


def test_the_name_of_a_desk_is_an_ordinary_word(library_folder: Path) -> None:
    written(library_folder, "The payments agent paid twice.", front="owners: [payments, on-call]\n")
    assert summary_of(site_of(library_folder)) == "The payments agent paid twice."


LEFT_OUT = {
    "a word in capitals": "NOTE: canary",
    "an item in capitals": "- INTERNAL: canary",
    "a word in bold": "**Internal:** canary",
    "a word in bold before its colon": "**Root owner**: canary",
    "a field of another section": "EVIDENCE: canary\nTOOL: canary",
    "a field as prose": "Told us by: canary",
    "an aside": "Internal remark: canary",
    "a field in the second line": "It paid.\nINTERNAL_NOTE: canary",
    "a heading in a quotation": "> ### Internal\n> canary",
    "a heading in an item": "- # Internal\n\n  canary",
    "an indented code block": "    canary password=hunter2",
    "a code block": "```\ncanary\n```",
    "a table": "| Internal owner |\n| --- |\n| canary |",
    "a block of HTML": "<div>\ncanary\n</div>",
    "what a field announces": "INTERNAL:\n\n- canary",
    "what an item announces": "- It paid.\n  NOTE: x\n  - canary",
    "a nested item": "- It paid.\n  - nested INTERNAL_NOTE: canary",
    "an item in an item": "- - canary",
    "a section called internal": "## Internal impact assessment\n\ncanary",
    "a section called confidential": "## Confidential root cause\n\ncanary",
}


@pytest.mark.parametrize("heading", ["## Internal notes", "Internal notes\n--------------"])
def test_a_section_that_no_list_has_stays_in_the_house(heading: str, library_folder: Path) -> None:
    written(library_folder, f"It paid twice.\n\n{heading}\n\ncanary")
    site = site_of(library_folder)
    assert "canary" not in told(site)
    assert summary_of(site).startswith("It paid")
    assert "sections and keys" in removed(library_folder, "2026-04-12-a")


@pytest.mark.parametrize("what", LEFT_OUT)
def test_what_no_list_allows_is_left_out_and_said_to_be(what: str, library_folder: Path) -> None:
    written(library_folder, f"It paid twice.\n\n{LEFT_OUT[what]}")
    site = site_of(library_folder)
    assert "canary" not in told(site)
    assert summary_of(site).startswith("It paid")
    assert re.search(r"line \d+: left out: ", removed(library_folder, "2026-04-12-a"))


def test_what_stands_before_a_field_in_its_paragraph_is_kept(library_folder: Path) -> None:
    written(library_folder, "It paid twice,\nand again.\nINTERNAL: canary\nmore canary")
    site = site_of(library_folder)
    assert summary_of(site) == "It paid twice,\nand again."
    assert "line 20: left out" in removed(library_folder, "2026-04-12-a")


def test_a_field_below_a_value_is_no_part_of_it(library_folder: Path) -> None:
    fenced = "\n```evidence\nHARM: money\n  INTERNAL: canary\n```"
    written(library_folder, rest=fenced)
    site = site_of(library_folder)
    assert site.records[0].value("customer_truth", "HARM") == "money"
    assert "canary" not in told(site)


def test_a_nested_item_of_the_timeline_is_left_out_when_it_is_a_field(library_folder: Path) -> None:
    items = "- 2026-04-12 03:14 UTC — it paid [impact]\n  - NOTE: canary\n"
    written(library_folder, rest=f"\n## Timeline\n\n{items}")
    site = site_of(library_folder)
    assert [(e.text, e.tags) for e in site.records[0].timeline] == [("it paid", ("impact",))]
    assert "canary" not in told(site)


PROSE = {
    "wrapped lines": "It paid\ntwice.",
    "emphasis": "It paid **twice**, *and* `again`.",
    "a list": "- It paid.\n- It paid again:\n  1. once\n  2. twice",
    "marks that are none": "x<y and 2 * 3 * 4 and a_b and 1. and # and <project>/<cache>",
    "a lead": "Sources differ on the time: some say two.",
    "an opening word": "Motive: nobody knows.",
    "an arrow": "lookup -> approve -> refund & done",
    "a number with a dot": "2024\\. A year.",
}


@pytest.mark.parametrize("what", PROSE)
def test_ordinary_prose_reads_as_it_was_written(what: str, library_folder: Path) -> None:
    from kb.site.safe_html import to_html

    written(library_folder, PROSE[what])
    site = site_of(library_folder)
    assert to_html(summary_of(site)) == to_html(PROSE[what])
    assert "left out" not in removed(library_folder, "2026-04-12-a")


def test_a_public_record_keeps_its_links_to_the_web_and_the_systems_it_names(
    library_folder: Path,
) -> None:
    link = "[the report](<https://example.org/a_b>)"
    path = written(library_folder, f"See {link} on ledger7.", front="systems: [ledger7]\n")
    path.write_text(path.read_text().replace("origin: own", "origin: public"))
    assert summary_of(site_of(library_folder)) == f"See {link} on ledger7."
    path.write_text(path.read_text().replace("origin: public", "origin: own"))
    assert summary_of(site_of(library_folder)) == "See the report on System A."


def test_every_allowed_text_of_the_casebook_comes_through_whole(library_folder: Path) -> None:
    for path in sorted((ROOT / "postmortems").glob("2*.md")):
        text = path.read_text(encoding="utf-8").replace(
            "visibility: internal", "visibility: external"
        )
        (library_folder / "postmortems" / path.name).write_text(text, encoding="utf-8")
    site = site_of(library_folder)
    by_title = {record.title: record for record in open_library(library_folder).records}
    assert len(site.records) == len(by_title)
    assert site.refused == ()
    for record in site.records:
        for section in record.sections:
            source = by_title[record.title].section(section.key or "")
            assert source is not None
            allowed = SECTIONS[section.key or ""]
            wanted = [f.value.split() for f in source.fields if f.key in allowed]
            assert [field.value.split() for field in section.fields] == wanted
            prose = [word for line in source.prose_lines for word in line.text.split()]
            assert [w for line in section.prose_lines for w in line.text.split()] == prose


# Refusals


FAULTS = {
    "KB901": "The key AKIAQ3EGRIPHOD5WXJ7T stood in it.",
    "KB901 ": "It read postgres://u:s3cretPassw0rd@db.corp:5432/x then.",
    "KB904": "The number +1 415 555 2671 was called.",
}


@pytest.mark.parametrize("code", FAULTS)
def test_a_record_with_a_secret_or_a_person_in_it_is_not_published(
    code: str, library_folder: Path
) -> None:
    written(library_folder, FAULTS[code])
    site = site_of(library_folder)
    assert not site.records
    assert re.search(rf"2026-04-12-a\.md:\d+: {code.strip()}", site.refused[0])


def test_a_rule_that_is_switched_off_still_keeps_secrets_in(library_folder: Path) -> None:
    (library_folder / "kb.toml").write_text('[check]\ndisable = ["secret"]\n')
    path = written(library_folder, FAULTS["KB901"])
    text = path.read_text().replace("---\n", "---\n# kb: allow secret — revoked\n", 1)
    path.write_text(text)
    site = site_of(library_folder)
    assert "AKIAQ3" not in told(site)
    assert "AKIAQ3" not in removed(library_folder, "2026-04-12-a")


def test_an_incident_that_is_not_contained_is_not_published(library_folder: Path) -> None:
    path = written(library_folder)
    path.write_text(
        path.read_text().replace("contained: 2026-04-15T09:05:00Z", "contained: unknown")
    )
    assert "KB1001" in site_of(library_folder).refused[0]


UNREAD = {
    "broken YAML": ("2026-04-13-b", "title: [broken\n", ""),
    "a misnamed file": ("2026-04-13_b", "title: b\n", ""),
    "an unknown key that names": ("2026-04-13-b", "title: b\n", "affected_custommers: [acme]\n"),
    "customers of another type": ("2026-04-13-b", "title: b\n", "affected_customers: {a: acme}\n"),
}


@pytest.mark.parametrize("fault", UNREAD)
def test_no_edition_is_made_while_the_names_in_a_file_are_not_known(
    fault: str, library_folder: Path
) -> None:
    name, title, front = UNREAD[fault]
    written(library_folder, "Acme called.")
    other = written(library_folder, name=name, front=front, visibility="internal")
    other.write_text(other.read_text().replace("title: Refund loop\n", title))
    with pytest.raises(KbError, match=rf"{name}\.md:\d+"):
        site_of(library_folder)


def test_the_internal_site_names_every_file_it_leaves_out(library_folder: Path) -> None:
    written(library_folder)
    broken = written(library_folder, name="2026-04-13-b")
    broken.write_text(broken.read_text().replace("title: Refund loop", "title: [broken"))
    written(library_folder, name="2026-04-14_misnamed")
    typo = written(library_folder, name="2026-04-15-c")
    typo.write_text(typo.read_text().replace("status: published", "status: publishd"))
    site = site_of(library_folder, INTERNAL)
    assert [record.id for record in site.records] == ["2026-04-12-a"]
    for name in ("2026-04-13-b.md:", "2026-04-14_misnamed.md:", "2026-04-15-c.md:"):
        assert sum(name in note for note in site.notes) == 1


@pytest.mark.site
def test_serving_says_which_files_are_left_out(library_folder: Path) -> None:
    pytest.importorskip("material")
    written(library_folder)
    written(library_folder, name="2026-04-14_misnamed")
    said: list[str] = []
    library = open_library(library_folder)

    def gathered(found: Library) -> Site:
        return gather(
            found, open_repo(library_folder), SiteRequest(NOW, no_search, with_drafts=True)
        )

    Preview(library, gathered, said.append, ServedSite(library_folder / "build/serve")).build()
    assert any("2026-04-14_misnamed.md" in line and line.endswith("\n") for line in said)


# Customers, ids, settings


def test_an_empty_customer_is_an_error_and_not_everybody(
    library_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written(library_folder, front="affected_customers: [acme]\n")
    monkeypatch.chdir(library_folder)
    result = CliRunner().invoke(cli, ["site", "--edition", "external", "--customer", ""])
    assert result.exit_code == 2
    assert not (library_folder / "site-external").exists()
    with pytest.raises(KbError):
        site_of(library_folder, Edition("external", ""))


def test_two_incidents_of_one_day_and_title_have_addresses_of_their_own(
    library_folder: Path,
) -> None:
    written(library_folder, name="2026-04-12-b", title="Refund loop")
    (alone,) = site_of(library_folder).records
    written(library_folder, name="2026-04-12-a", title="Refund loop 2")
    written(library_folder, name="2026-04-12-c", title="Refund loop")
    ids = [record.id for record in site_of(library_folder).records]
    assert len(set(ids)) == 3
    assert alone.id in ids
    assert alone.id.startswith("2026-04-12-refund-loop-")


def test_the_key_of_a_library_keeps_addresses_from_telling_file_names(library_folder: Path) -> None:
    written(library_folder)
    without = site_of(library_folder).records[0].id
    (library_folder / "kb.toml").write_text('[site]\nkey = "long and never told"\n')
    assert site_of(library_folder).records[0].id != without


def test_settings_of_a_team_stay_in_the_house(library_folder: Path) -> None:
    written(library_folder)
    shipped = (ROOT / "kb/data/init/mkdocs.yml").read_text(encoding="utf-8")
    own: dict[str, Any] = {
        "site_author": "canary",
        "site_description": "canary",
        "copyright": "canary",
    }
    own |= {
        "extra": {"homepage": "https://canary.internal/"},
        "repo_url": "https://canary.internal",
    }
    text = shipped.replace(
        "  - Home: index.md", "  - canary: https://canary.internal\n  - Home: index.md"
    )
    (library_folder / "mkdocs.yml").write_text(text + yaml.safe_dump(own), encoding="utf-8")
    site = site_of(library_folder)
    settings, _ = engine_settings(library_folder, work_folder(library_folder, site), site)
    assert "canary" not in json.dumps(settings)


def test_a_word_of_a_team_is_shown_only_where_a_record_uses_it(library_folder: Path) -> None:
    words = 'classes = {unused-canary = "canary", voice-misheard = "What Globex said."}'
    (library_folder / "kb.toml").write_text(f"[taxonomy]\n{words}\n")
    path = written(library_folder, front="affected_customers: [Globex]\n")
    path.write_text(
        path.read_text().replace("[duplicate-side", "[made-up-canary, voice-misheard, x")
    )
    said = told(site_of(library_folder))
    assert "canary" not in said
    assert "What Customer A said." in said


@pytest.mark.site
def test_a_name_that_came_another_way_stops_the_build(library_folder: Path) -> None:
    (library_folder / "kb.toml").write_text('[taxonomy]\nclasses = {globex-outage = "It."}\n')
    path = written(library_folder, front="affected_customers: [Globex]\n")
    path.write_text(path.read_text().replace("duplicate-side-effect", "globex-outage"))
    out = library_folder / "outside"
    with pytest.raises(KbError, match="Globex"):
        build_site(
            open_library(library_folder), site_of(library_folder), Build(out), lambda text: None
        )
    assert not out.exists()
    left = {path.name for path in (library_folder / "build/external-edition").iterdir()}
    assert left == {".kb-made", ".kb-lock"}


LAST = {
    "page/index.html": "<p><em>Glo</em>bex was hit.</p>",
    "feed.xml": "<title>&lt;b&gt;At Globe&#120;&lt;/b&gt;</title>",
    "data/a.json": json.dumps({"text": "at North\nwind, northwind\nbakery"}),
    "data/a.csv": "a,b\n1,prod_globex_db\n",
    "pagefind/fragment/a.pf_fragment": "at globex",
    "incidents/globex-outage/x.txt": "",
}


@pytest.mark.parametrize("place", LAST)
def test_a_file_that_names_somebody_is_refused(place: str, library_folder: Path) -> None:
    written(library_folder, front=NAMED)
    names, site = names_of(open_library(library_folder)), site_of(library_folder)
    file = library_folder / "built" / place
    file.parent.mkdir(parents=True)
    raw = LAST[place].encode()
    file.write_bytes(gzip.compress(raw) if "fragment" in place else raw)
    with pytest.raises(KbError, match="must not be told"):
        refuse_names(library_folder / "built", site, names)


def test_the_words_an_encoder_knows_are_no_names(library_folder: Path) -> None:
    written(library_folder, front=NAMED)
    names, site = names_of(open_library(library_folder)), site_of(library_folder)
    file = library_folder / "built/semantic/vocabulary-05a1.txt"
    file.parent.mkdir(parents=True)
    file.write_text("global\nglobex\n")
    refuse_names(library_folder / "built", site, names)


@pytest.mark.site
def test_a_customer_called_like_a_word_of_the_pages_stops_nothing(library_folder: Path) -> None:
    pytest.importorskip("material")
    written(library_folder, front="affected_customers: [Home, Search, Material, Summary]\n")
    library, out = open_library(library_folder), library_folder / "outside"
    build_site(library, site_of(library_folder), Build(out), lambda text: None)
    assert (out / "index.html").is_file()
