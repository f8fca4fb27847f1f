"""Reading records: lossless, lenient, and never stopped by a bad file."""

from __future__ import annotations

import re
import tracemalloc
from datetime import UTC, date, datetime
from pathlib import Path, PurePath

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kb.config import Config, FormConfig, TaxonomyConfig, read_config
from kb.errors import KbError
from kb.library import load_document, open_library
from kb.records.blank_record import blank_record, slug
from kb.records.document import MAX_BOXES, Document, read_document
from kb.records.form import build_form
from kb.records.postmortem import interpret
from kb.records.record_files import MAX_RECORD_BYTES

from conftest import EXAMPLE, ROOT
from hostile import RECORD_PIECES, record_body, record_line

FORM = build_form()


def read(text: str | bytes, name: str = "2026-04-12-x.md") -> Document:
    raw = text if isinstance(text, bytes) else text.encode()
    return read_document(raw, PurePath(name), FORM)


def fault_names(document: Document) -> list[str]:
    return [fault.name for fault in document.faults]


def test_every_record_of_the_casebook_is_written_back_byte_for_byte() -> None:
    for path in sorted((ROOT / "postmortems").glob("*.md")):
        assert read(path.read_bytes(), path.name).encode() == path.read_bytes()


def test_every_postmortem_in_the_wild_is_written_back_byte_for_byte(data: Path) -> None:
    files = [path for path in (data / "wild-markdown").rglob("*") if path.is_file()]
    assert len(files) > 100
    for path in files:
        document = read(path.read_bytes(), path.name)
        assert document.encode() == path.read_bytes()
        interpret(document)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=400))
def test_any_bytes_are_read_without_an_exception_and_written_back(raw: bytes) -> None:
    document = read(raw)
    interpret(document)
    assert document.encode() == raw


_PIECES = st.sampled_from(
    ["---\n", "title: x\n", "date: 2026-01-01\n", "a: {b: [\n", "## Summary\n", "```evidence\n",
     "DAMAGED: x\n", "```\n", "<!--", "-->\n", "- [ ] A1: do — owner: x\n", "\r\n", "\ufeff",
     "  y\n",
     "# T\n", "~~~\n", "- 2026-01-01 — x [impact]\n", "\x00", "\x1b[31m", "\u2028", "&a *a\n"]
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.lists(_PIECES, max_size=40))
def test_any_mixture_of_record_parts_is_read_and_written_back(pieces: list[str]) -> None:
    raw = "".join(pieces).encode()
    document = read(raw)
    interpret(document)
    assert document.encode() == raw
    for section in document.sections:
        assert 1 <= section.line <= section.end_line


def test_scalars_stay_the_strings_that_were_written() -> None:
    document = read("---\nat: 16:51:00\nversion: 1.10\ncountry: no\n---\n")
    texts = [document.front.text(key) for key in ("at", "version", "country")]
    assert texts == ["16:51:00", "1.10", "no"]


def test_a_duplicate_key_is_a_fault_on_its_second_line() -> None:
    document = read("---\ntitle: a\ndate: 2026-04-12\ntitle: b\n---\n")
    fault = document.faults[0]
    assert (fault.name, fault.line) == ("duplicate-key", 4)
    assert document.front.text("title") == "a"


def test_broken_yaml_keeps_what_was_read_before_the_fault() -> None:
    document = read("---\ntitle: kept\ntools: [a, b\nroute: x\n---\n## Summary\nText.\n")
    assert fault_names(document) == ["yaml-syntax"]
    assert document.front.text("title") == "kept"
    assert document.section("summary") is not None


def test_front_matter_that_is_never_closed_is_one_fault() -> None:
    assert fault_names(read("---\ntitle: a\n\n# Body\n")) == ["unclosed-front-matter"]


def test_invalid_utf_8_is_a_fault_with_line_and_column() -> None:
    document = read(b"---\ntitle: a\n---\nok\nca\xff\xfe\n")
    fault = document.faults[0]
    assert (fault.name, fault.line, fault.column) == ("not-utf-8", 5, 3)


def test_utf_16_says_so() -> None:
    assert "UTF-16" in read("---\n".encode("utf-16")).faults[0].message


def test_a_byte_order_mark_and_crlf_change_nothing_but_the_bytes() -> None:
    text = EXAMPLE.read_text(encoding="utf-8")
    plain = interpret(read(text))
    windows = interpret(read(("\ufeff" + text.replace("\n", "\r\n")).encode()))
    assert plain is not None
    assert windows is not None
    assert (windows.title, windows.clocks, windows.actions) == (
        plain.title,
        plain.clocks,
        plain.actions,
    )


def test_a_fifty_megabyte_file_is_named_and_not_read(tmp_path: Path) -> None:
    path = tmp_path / "2026-04-12-big.md"
    path.write_bytes(b"---\n" + b"x" * 50_000_000)
    tracemalloc.start()
    document = load_document(path, FORM)
    _, most_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert fault_names(document) == ["too-large"]
    assert "50 MB" in document.faults[0].message
    assert most_bytes < 5_000_000


def test_a_record_of_too_many_boxes_is_named_and_not_read() -> None:
    document = read(b"---\ntitle: x\n---\n" + b"- [ ] A1: x\n" * (MAX_BOXES + 1))
    assert [(each.name, each.line) for each in document.faults] == [("too-large", MAX_BOXES + 4)]
    assert not fault_names(read(b"- [ ] A1: x\n" * MAX_BOXES))


def test_the_size_limit_holds_for_bytes_at_hand_too() -> None:
    assert fault_names(read(b"x" * (MAX_RECORD_BYTES + 1))) == ["too-large"]


def test_a_symlink_out_of_the_tree_is_named_and_not_followed(
    library_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    outside = tmp_path_factory.mktemp("outside") / "secret.md"
    outside.write_text("---\ntitle: secret\n---\n")
    (library_folder / "postmortems/2026-04-12-link.md").symlink_to(outside)
    document = open_library(library_folder).documents[0]
    assert fault_names(document) == ["outside-tree"]
    assert "secret" not in document.text


def test_a_folder_with_the_name_of_a_record_is_a_fault(library_folder: Path) -> None:
    (library_folder / "postmortems/2026-04-12-folder.md").mkdir()
    assert fault_names(open_library(library_folder).documents[0]) == ["unreadable"]


@pytest.mark.parametrize(
    "hostile",
    [
        "a: &x [1]\nb: *x",
        "a: !!python/object/apply:os.system ['echo owned']",
        "a: " + "[" * 5000,
        "- " * 5000 + "x",
        "a: \x00\x07",
        "? " * 3000,
        "a: " + "{x: " * 3000,
    ],
    ids=["alias", "python-tag", "deep-flow", "deep-block", "control", "complex-key", "deep-map"],
)
def test_hostile_yaml_is_read_as_data_and_never_executed(hostile: str) -> None:
    document = read(f"---\n{hostile}\n---\n# Title\n")
    assert document.faults or document.front.text("a") in {"", "echo owned"}
    assert document.sections[0].heading == "Title"


def test_a_billion_laughs_is_not_expanded() -> None:
    levels = "\n".join(f"l{n}: &l{n} [{', '.join([f'*l{n - 1}'] * 10)}]" for n in range(1, 30))
    document = read(f"---\nl0: &l0 lol\n{levels}\n---\n")
    assert "yaml-syntax" in fault_names(document)


@pytest.mark.parametrize("name", RECORD_PIECES)
def test_text_made_to_choke_patterns_is_read_to_its_end(name: str) -> None:
    """A square of this length would take hours; `scripts/bench hostile` measures the growth."""
    body = record_body(record_line(name, 500_000))
    document = read(body)
    interpret(document)
    assert document.encode() == body.encode()


def test_evidence_is_read_in_a_fence_bare_and_as_list_items() -> None:
    document = read(
        "## Detection chain\n```evidence\nWOULD_HAVE_DETECTED: one\n  and more\n```\n"
        "Would_have_detected: two\n- would have detected: three\n- unrelated: four\n"
    )
    section = document.section("detection")
    assert section is not None
    assert section.values("WOULD_HAVE_DETECTED") == ("one\nand more", "two", "three")


def test_groups_open_at_their_first_field_and_blank_lines_mean_nothing() -> None:
    document = read(
        "## Idempotency-key audit\n```evidence\nTOOL: a\nDEDUPE_AT_DB_LAYER: no\n\n"
        "REAL_HARM_OCCURRED: yes\nTOOL: b\n```\n"
    )
    section = document.section("idempotency")
    assert section is not None
    assert [len(group) for group in section.groups("TOOL")] == [3, 1]


def test_fenced_text_is_neither_heading_nor_action() -> None:
    document = read(
        "## Action items\n```\n# not a heading\n- [ ] A1: not a task\n```\n- [ ] A2: x\n"
    )
    assert [action.label for action in document.actions] == ["A2"]
    assert len(document.sections) == 1


def test_an_action_is_read_with_its_attributes() -> None:
    document = read(
        "## Action items\n- [-] A3: stop — for good — owner: a team, due: 2026-05-12,\n"
        "  lever: code, gate: restart, tracker: LIN-412\n"
    )
    action = document.actions[0]
    assert (action.label, action.state, action.text) == ("A3", "cancelled", "stop — for good")
    assert dict(action.attributes) == {
        "owner": "a team",
        "due": "2026-05-12",
        "lever": "code",
        "gate": "restart",
        "tracker": "LIN-412",
    }


def test_timeline_entries_are_utc_whatever_zone_they_were_written_in() -> None:
    document = read("## Timeline\n- 2026-04-12 16:02 +02:00 — first [warning] [impact]\n")
    entry = document.timeline[0]
    assert entry.at == datetime(2026, 4, 12, 14, 2, tzinfo=UTC)
    assert (entry.text, entry.tags) == ("first", ("warning", "impact"))


@pytest.mark.parametrize(
    ("written", "at", "text"),
    [
        ("14:02-15:30 UTC — two refunds", (14, 2), "-15:30 UTC — two refunds"),
        ("14:02–15:30 UTC — two refunds", (14, 2), "–15:30 UTC — two refunds"),
        ("14:02 – 15:30 UTC — two refunds", (14, 2), "– 15:30 UTC — two refunds"),
        ("14:02 - 15:30 +02:00 — two refunds", (12, 2), "- 15:30 +02:00 — two refunds"),
        ("14:02-15:30 — two refunds", (14, 2), "-15:30 — two refunds"),
        ("14:02-09:30 UTC — two refunds", (14, 2), "-09:30 UTC — two refunds"),
        ("14:02 – 2026-04-13 09:00 UTC — out", (14, 2), "– 2026-04-13 09:00 UTC — out"),
        ("14:02 UTC – 15:30 UTC — two refunds", (14, 2), "15:30 UTC — two refunds"),
        ("14:02-05:00 — two refunds", (19, 2), "two refunds"),
        ("08:02:30-0330 — two refunds", (11, 32), "two refunds"),
        ("14:02 UTC - two refunds", (14, 2), "two refunds"),
    ],
)
def test_a_span_of_time_is_read_from_its_start_and_its_end_is_kept_as_text(
    written: str, at: tuple[int, int], text: str
) -> None:
    document = read(f"## Timeline\n- 2026-04-12 {written} [impact]\n")
    entry = document.timeline[0]
    assert (entry.at.hour, entry.at.minute) == at
    assert entry.at.date() == date(2026, 4, 12)
    assert (entry.text, entry.tags) == (text, ("impact",))


@pytest.mark.parametrize(
    ("written", "hour"),
    [
        ("UTC+2", 12),
        ("UTC+02:00", 12),
        ("GMT+2", 12),
        ("UTC+0530", 8),
        ("UTC-7", 21),
        ("GMT-11", 1),
        ("(UTC+2)", 12),
        ("CEST", 12),
        ("PT", 21),
        ("JST", 5),
    ],
)
def test_an_offset_behind_utc_counts(written: str, hour: int) -> None:
    entry = read(f"## Timeline\n- 2026-04-12 14:02 {written} — first [impact]\n").timeline[0]
    assert (entry.at.hour, entry.has_zone, entry.text) == (hour, True, "first")


@pytest.mark.parametrize(
    "written",
    [
        "05:01 UTC-07:00",  # the end of a span, or an offset
        "05:01 UTC +2",
        "05:01 UTC+25",
        "05:01 CET",  # in summer CEST is the time there
        "05:01 (PST)",
        "05:01–06:00 EST",
        "05:01 IST",  # of India, Israel or Ireland
        "15:01 am",
        "5:01 UTC pm",
        "5:01–6:00 PM UTC",
    ],
)
def test_a_time_of_unclear_zone_or_half_of_the_day_is_kept_as_text(written: str) -> None:
    entry = read(f"## Timeline\n- 2026-04-12 {written} — first [impact]\n").timeline[0]
    assert (entry.at.hour, entry.has_time, entry.tags) == (0, False, ("impact",))
    assert entry.text == f"{written} — first"


def test_what_follows_a_clear_time_does_not_make_it_unclear() -> None:
    for text in (
        "UTC – 15 people wrote",
        "UTC-15:30 two refunds",
        "UTC — PST office",
        "UTC PM wrote",
    ):
        entry = read(f"## Timeline\n- 2026-04-12 14:02 {text}\n").timeline[0]
        assert (entry.at.hour, entry.has_time, entry.has_zone) == (14, True, True), text


def test_a_span_without_a_zone_has_none() -> None:
    document = read("## Timeline\n- 2026-04-12 14:02-15:30 — x\n- 2026-04-12 14:02–15:30 UTC — y\n")
    assert [entry.has_zone for entry in document.timeline] == [False, True]


@pytest.mark.parametrize(
    "line",
    [
        "**CUSTOMER_SAW**: two refunds",
        "**CUSTOMER_SAW:** two refunds",
        "- **Customer saw:** two refunds",
        "`CUSTOMER_SAW`: two refunds",
        "_CUSTOMER_SAW:_ two refunds",
        "__CUSTOMER_SAW__ : two refunds",
    ],
)
def test_a_key_in_bold_is_a_key_wherever_its_colon_stands(line: str) -> None:
    document = read(f"## Customer-visible truth\n\n{line}\n")
    assert document.field("customer_truth", "CUSTOMER_SAW") == "two refunds"


def test_a_prior_incident_carries_its_verdict_and_whether_a_fix_existed() -> None:
    document = read(
        "## Counterfactual\n- [repeat] [2026-01-09-x](2026-01-09-x.md) — same, fix existed: yes\n"
        "- [ ] [2026-01-08-y](2026-01-08-y.md) — proposed\n- [text](http://example.org)\n"
    )
    found = [(prior.verdict, prior.id, prior.fix_existed) for prior in document.priors]
    assert found == [("repeat", "2026-01-09-x", "yes"), ("", "2026-01-08-y", "")]


def test_the_worked_example_means_what_it_says() -> None:
    record = interpret(read(EXAMPLE.read_bytes(), EXAMPLE.name))
    assert record is not None
    assert record.date == date(2026, 4, 12)
    assert record.clocks.detection_chain_minutes == 4626
    assert record.primary_class == "duplicate-side-effect"
    assert [action.state for action in record.actions] == ["closed"] * 4 + ["open"]
    assert record.profile == "full"
    assert {section.key for section in record.sections} >= set(FORM.profiles["full"])


def test_a_blank_record_is_read_back_with_every_section_of_its_profile() -> None:
    for profile, keys in FORM.profiles.items():
        document = read(blank_record("A: b", date(2026, 4, 12), profile=profile, form=FORM))
        assert not document.faults
        assert document.front.text("title") == "A: b"
        assert {section.key for section in document.sections} >= set(keys)
        blank = [s for s in document.sections if s.key in set(keys) - _SEEDED]
        assert all(section.is_empty for section in blank)


_SEEDED = {"timeline", "actions"}


def test_a_slug_is_ascii_and_short() -> None:
    assert slug("Ünïcode & a very long title " * 9).startswith("unicode-a-very-long-title")
    assert len(slug("word " * 100)) <= 60
    assert slug("a" * 100) == "a" * 60


def test_letters_of_their_own_keep_their_place_in_a_slug() -> None:
    assert slug("Größe Łódź") == "grosse-lodz"
    assert slug("STRAẞE Ærø Đà Nẵng œuvre Þór") == "strasse-aero-da-nang-oeuvre-thor"


@given(st.text(max_size=200))
def test_a_slug_is_the_end_of_a_file_name_whatever_the_title(title: str) -> None:
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", slug(title))
    assert len(slug(title)) <= 60


def test_titles_without_latin_letters_differ_and_stay_what_they_are() -> None:
    titles = ("日本語だけ", "日本語", "返金が二重 42", "返金 42", "Возврат дважды", "!!!")
    slugs = [slug(title) for title in titles]
    assert len(set(slugs)) == len(titles)
    assert all(re.fullmatch("incident-[0-9a-f]{6}", one) for one in slugs)
    assert slug("日本語") == "incident-77710a"
    assert re.fullmatch("ai-[0-9a-f]{6}", slug("AI が二重に返金した"))
    assert slug("404") == "404"


def test_a_team_may_rename_a_heading_and_old_records_are_still_read() -> None:
    form = build_form(Config(form=FormConfig(headings={"summary": "In short"})))
    for heading in ("In short", "Summary"):
        document = read_document(f"## {heading}\nText\n".encode(), PurePath("x.md"), form)
        assert document.section("summary") is not None


def test_a_team_may_add_a_failure_class() -> None:
    form = build_form(Config(taxonomy=TaxonomyConfig(classes={"voice-misheard": "Misheard."})))
    assert "voice-misheard" in form.words("classes")


def test_kb_toml_with_an_unknown_key_says_which(tmp_path: Path) -> None:
    (tmp_path / "kb.toml").write_text("[check]\nword_bugdet = 3\n")
    with pytest.raises(KbError, match="word_bugdet"):
        read_config(tmp_path)


def test_kb_toml_that_is_no_toml_says_where(tmp_path: Path) -> None:
    (tmp_path / "kb.toml").write_text("[check\n")
    with pytest.raises(KbError, match="line 1"):
        read_config(tmp_path)


def test_one_bad_file_never_hides_the_others(example_library: Path) -> None:
    folder = example_library / "postmortems"
    (folder / "2026-01-01-broken.md").write_bytes(b"---\n\xff: [\n")
    library = open_library(example_library)
    assert [document.id for document in library.documents] == [
        "2026-01-01-broken",
        "2026-04-12-billing-agent-charged-twice",
    ]
    assert len(library.published) == 1


def test_a_folder_without_records_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(KbError, match="kb init"):
        open_library(tmp_path)
