"""`kb fmt`: one right answer each, nothing lost, and a second run that changes nothing."""

from __future__ import annotations

import re
import resource
import stat
from datetime import date
from pathlib import Path, PurePath

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from kb.commands.fmt import command
from kb.config import Config
from kb.errors import KbError
from kb.library import load_document
from kb.lint.fmt.formatter import apply, edits, formatted, write
from kb.lint.fmt.text_edit import Edit
from kb.lint.rule import LintContext
from kb.records.document import Document, read_document
from kb.records.form import build_form
from kb.records.postmortem import read_time

from conftest import EXAMPLE, ROOT
from permissions import CAN_BE_BOUND, bound_by_permissions

FORM = build_form()
CONTEXT = LintContext(FORM, Config().check, date(2026, 6, 1), PurePath())


def read(text: str) -> Document:
    raw = text.encode("utf-8", errors="surrogateescape")
    return read_document(raw, PurePath("2026-04-12-x.md"), FORM)


def fmt(text: str) -> str:
    return formatted(read(text), CONTEXT)


def record(body: str, front: str = "title: x\ndate: 2026-04-12\nstatus: draft\n") -> str:
    return f"---\n{front}---\n# x\n\n{body}"


def test_the_worked_example_and_every_record_of_the_casebook_are_formatted_already() -> None:
    for path in [EXAMPLE, *sorted((ROOT / "postmortems").glob("20*.md"))]:
        text = path.read_bytes().decode()
        assert fmt(text) == text, path.name


CLOCKS = """title: x
date: 2026-04-12
status: draft
clocks:
  first_impact: 2026-04-12T14:02:00Z
  detected: 2026-04-12T16:51:00Z
"""


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("DETECTION_CHAIN_MINUTES:", "DETECTION_CHAIN_MINUTES: 169"),
        ("DETECTION_CHAIN_MINUTES:  ", "DETECTION_CHAIN_MINUTES: 169"),
        ("DETECTION_CHAIN_MINUTES: 12", "DETECTION_CHAIN_MINUTES: 169"),
        ("DETECTION_CHAIN_MINUTES: unknown", "DETECTION_CHAIN_MINUTES: 169"),
        (
            "DETECTION_CHAIN_MINUTES: 12 (by the pager)",
            "DETECTION_CHAIN_MINUTES: 169 (by the pager)",
        ),
        ("DETECTION_CHAIN_MINUTES: 12 min", "DETECTION_CHAIN_MINUTES: 169 min"),
        ("DETECTION_CHAIN_MINUTES: 1,200 minutes (x)", "DETECTION_CHAIN_MINUTES: 169 minutes (x)"),
        ("DETECTION_CHAIN_MINUTES: 169.4", "DETECTION_CHAIN_MINUTES: 169.4"),
        *[
            (f"DETECTION_CHAIN_MINUTES: {said}", f"DETECTION_CHAIN_MINUTES: {said}")
            for said in (
                "3 hours",
                "1.5 hours",
                "12-15",
                "12 000",
                "1,5",
                "12\n  hours",
                "2h",
                "-4",
                "12/15",
                "169 hours",
                "169 minutes",
                "12 minutes or so",
                "unknown yet",
            )
        ],
        ("DETECTION_CHAIN_MINUTES: three hours", "DETECTION_CHAIN_MINUTES: three hours"),
        ("WOULD_HAVE_DETECTED: x", "DETECTION_CHAIN_MINUTES: 169\nWOULD_HAVE_DETECTED: x"),
    ],
)
def test_the_detection_chain_is_computed_from_the_clocks(before: str, after: str) -> None:
    text = record(f"## Detection chain\n\n```evidence\n{before}\n```\n", CLOCKS)
    assert fmt(text) == text.replace(before, after)


def test_a_detection_section_without_evidence_gets_a_fence_with_the_minutes() -> None:
    text = record("## Detection chain\n\nA customer wrote.\n\n## Lessons\n\nNone.\n", CLOCKS)
    fence = "A customer wrote.\n\n```evidence\nDETECTION_CHAIN_MINUTES: 169\n```\n"
    assert fmt(text) == text.replace("A customer wrote.\n", fence)


def test_the_chain_of_a_near_miss_begins_with_its_first_warning() -> None:
    front = CLOCKS.replace("status: draft\n", "status: draft\nkind: near-miss\n")
    front = front.replace("first_impact", "first_warning")
    text = record("## Detection chain\n\n```evidence\nDETECTION_CHAIN_MINUTES:\n```\n", front)
    assert "DETECTION_CHAIN_MINUTES: 169\n" in fmt(text)


def test_no_minutes_are_written_where_a_clock_is_unknown_or_the_order_is_wrong() -> None:
    body = "## Detection chain\n\n```evidence\nDETECTION_CHAIN_MINUTES: 12\n```\n"
    for wrong in ("unknown", "2026-04-12T09:00:00Z", "2026-04-12T16:51:00"):
        text = record(body, CLOCKS.replace("2026-04-12T16:51:00Z", wrong))
        assert fmt(text) == text


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("2026-04-12T16:51:00+00:00", "2026-04-12T16:51:00Z"),
        ("2026-04-12 18:51+02:00", "2026-04-12T16:51:00Z"),
        ("'2026-04-12T16:51Z'", "'2026-04-12T16:51:00Z'"),
        ("2026-04-12T16:51:00.5Z", "2026-04-12T16:51:00.500000Z"),
        ("2026-04-12T16:51:00.123456789Z", "2026-04-12T16:51:00.123456789Z"),
        ("2026-04-12 16:51", "2026-04-12 16:51"),
        ("16:51", "16:51"),
        ("unknown", "unknown"),
    ],
)
def test_times_with_an_offset_get_one_form_and_no_zone_is_invented(before: str, after: str) -> None:
    text = record("", f"title: x\ndate: 2026-04-12\nclocks:\n  detected: {before}  # by hand\n")
    assert fmt(text) == text.replace(before, after)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("- 2026-04-12T14:02Z — x", "- 2026-04-12 14:02 UTC — x"),
        ("- 2026-04-12 9:05 GMT — x", "- 2026-04-12 09:05 UTC — x"),
        ("- 2026-04-12 16:02 +02:00 — x", "- 2026-04-12 14:02 UTC — x"),
        ("- 2026-04-12 14:02:09 UTC — x", "- 2026-04-12 14:02:09 UTC — x"),
        ("- 2026-04-12 14:02 — x", "- 2026-04-12 14:02 — x"),
        ("- 2026-04-12 08:00-09:30 — a span", "- 2026-04-12 08:00-09:30 — a span"),
        ("- 2026-04-12 — x", "- 2026-04-12 — x"),
        *[
            (f"- 2026-04-12 {said} — x", f"- 2026-04-12 {said} — x")
            for said in (
                "05:00 GMT+2",
                "5:00 GMT-07:00",
                "5:00 UTC+02:00",
                "5:00Z–9:00Z",
                "08:00 +01:00–09:00 +01:00",
                "08:00 +01:00 - 09:00 +01:00",
                "5:00pm UTC",
                "5:00Z pm",
            )
        ],
    ],
)
def test_timeline_entries_with_a_zone_are_written_in_utc(before: str, after: str) -> None:
    text = record(f"## Timeline\n\n{before}\n")
    assert fmt(text) == text.replace(before, after)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("- [ ] do x", "- [ ] A1: do x"),
        ("- [ ] A7: a\n- [x] b", "- [ ] A7: a\n- [x] A8: b"),
        ("- [ ] A7 do x", "- [ ] A7 do x"),
        ("- [ ] ", "- [ ] "),
        ("- [ ] A1: x — due: 2026-05-01, owner: a", "- [ ] A1: x — owner: a, due: 2026-05-01"),
        ("- [ ] A1: x -- owner: a,  due: 2026-05-01", "- [ ] A1: x — owner: a, due: 2026-05-01"),
        ("- [ ] A1: x - due: 2026-05-01, owner: a", "- [ ] A1: x — owner: a, due: 2026-05-01"),
        ("- [ ] A1: x\n  — lever: test, owner: a", "- [ ] A1: x\n  — owner: a, lever: test"),
        (
            "- [ ] A1: x — closed: 2026-05-01, gate: restart, tracker: T-1",
            "- [ ] A1: x — gate: restart, tracker: T-1, closed: 2026-05-01",
        ),
        ("- [ ] A1: x — due: , owner: ", "- [ ] A1: x — due: , owner: "),
        ("- [ ] A1: x — due: a, owner: b, due: c", "- [ ] A1: x — due: a, owner: b, due: c"),
        ("- [ ] A1: x — see this, owner: b", "- [ ] A1: x — see this, owner: b"),
        ("- plain item", "- plain item"),
        ("- A5: do x", "- [ ] A5: do x"),
        ("- [] A5: do x", "- [ ] A5: do x"),
        ("- [] do x", "- [ ] A1: do x"),
        ("- do x — owner: a", "- [ ] A1: do x — owner: a"),
        ("* **A5**: do x - owner: a", "* [ ] **A5**: do x — owner: a"),
        ("- [ ] A1: x\n  - A2: y", "- [ ] A1: x\n  - [ ] A2: y"),
        ("- [ ] A1: x\n  - y — owner: a", "- [ ] A1: x\n  - y — owner: a"),
        ("- A5: do x — closed: 2026-05-01", "- A5: do x — closed: 2026-05-01"),
        ("- ~~A5: do x~~", "- ~~A5: do x~~"),
        ("- owner: a, due: 2026-05-01", "- owner: a, due: 2026-05-01"),
        ("- [y] A5: do x", "- [y] A5: do x"),
        ("1. A5: do x — owner: a", "- [ ] A5: do x — owner: a"),
        ("- A5:", "- A5:"),
        ("- [see](x.md) for `— owner: a`", "- [see](x.md) for `— owner: a`"),
    ],
)
def test_actions_get_a_label_and_one_order_of_attributes(before: str, after: str) -> None:
    text = record(f"## Action items\n\n{before}\n")
    assert fmt(text) == text.replace(before, after)


def test_nothing_is_computed_from_front_matter_that_was_not_read_whole() -> None:
    front = CLOCKS.replace("2026-04-12T14:02:00Z", "2026-04-12T05:14+02:")
    text = record("## Detection chain\n\n```evidence\nDETECTION_CHAIN_MINUTES: 7\n```\n", front)
    assert fmt(text) == text


def test_a_label_that_stands_amiss_is_never_given_again() -> None:
    for amiss in ("- [y] A4: no", "1. A4: no", "- [ ] `] A4: no", "- [ ] **A4:** no"):
        assert fmt(record(f"## Action items\n\n{amiss}\n- [ ] do x\n")).count("A4:") == 1, amiss


def test_a_label_that_a_sign_off_names_is_never_given_again() -> None:
    front = "title: x\ndate: 2026-04-12\nsignoffs: [{owner: lead, actions: [A4]}]\n"
    assert "- [ ] A5: do x" in fmt(record("## Action items\n\n- [ ] do x\n", front))


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("HARM: a -> b\nHARM: c", "```evidence\nHARM: a -> b\nHARM: c\n```"),
        ("Harm: a\n  and more\nwindow: b", "```evidence\nHARM: a\n  and more\nWINDOW: b\n```"),
        ("- HARM: a\n- Customer saw: b", "```evidence\nHARM: a\nCUSTOMER_SAW: b\n```"),
        ("Some prose.\nHARM: a", "Some prose.\nHARM: a"),
        ("HARM: a\nand prose goes on", "```evidence\nHARM: a\n  and prose goes on\n```"),
        ("HARM: a\nNote: b", "HARM: a\nNote: b"),
        ("- HARM: a\n- another item", "- HARM: a\n- another item"),
        ("  HARM: indented", "  HARM: indented"),
        ("> HARM: quoted", "```evidence\nHARM: quoted\n```"),
        ("NOT_A_KEY: a", "NOT_A_KEY: a"),
        ("```text\nHARM: a\n```", "```evidence\nHARM: a\n```"),
        ("```\nHARM: a\ngoes on\n```", "```evidence\nHARM: a\n  goes on\n```"),
        ("```sh\nHARM: a\n```", "```sh\nHARM: a\n```"),
        ("| Key | Value |\n|---|---|\n| Harm | a |", "```evidence\nHARM: a\n```"),
        ("| Key | Value |\n|---|---|\n| Harm | a |\n| x | y |",) * 2,
        ("| Of whom | What |\n|---|---|\n| Harm | a |",) * 2,
        ("```evidence\n**Customer saw:** b\n```", "```evidence\nCUSTOMER_SAW: b\n```"),
        ("HARM:\u00a0a\u00a0b", "```evidence\nHARM: a b\n```"),
        ("• Affected users： 14", "```evidence\nCUSTOMERS_AFFECTED: 14\n```"),
    ],
)
def test_bare_evidence_that_stands_by_itself_is_fenced(before: str, after: str) -> None:
    text = record(f"## Customer-visible truth\n\n{before}\n\nMore prose.\n")
    assert fmt(text) == text.replace(before, after)


def test_front_matter_keys_move_with_their_comments_and_values() -> None:
    front = (
        "# kb: allow over-word-budget — a long night\n"
        "status: draft\n"
        "# Whoever is paged.\n"
        "owners:\n"
        "- sre   # the rota\n"
        "\n"
        "date: 2026-04-12\n"
        "title: >\n"
        "  two\n"
        "  lines\n"
    )
    assert fmt(record("", front)) == record(
        "",
        "# kb: allow over-word-budget — a long night\n"
        "title: >\n"
        "  two\n"
        "  lines\n"
        "date: 2026-04-12\n"
        "status: draft\n"
        "# Whoever is paged.\n"
        "owners:\n"
        "- sre   # the rota\n"
        "\n",
    )


@pytest.mark.parametrize(
    "front",
    [
        "status: draft\ntitle: x\ntitle: y\n",  # a key twice
        "status: draft\ntitle: x: y\n",  # no YAML
        "status: draft\ntitle: x\nfoo: 1\n",  # a key whose place nobody knows
        "{status: draft, title: x}\n",  # one line
        "status: draft\ntitle: &a x\nroute: *a\n",  # an alias
        'status: "a\n# no comment\n  b"\ntitle: x\nowners: [a]\n',  # a # inside a text
        "status: draft\u2028title: x\n",  # a line break to YAML only
    ],
)
def test_front_matter_that_cannot_be_moved_safely_stays_as_it_is(front: str) -> None:
    text = record("", front)
    assert fmt(text) == text or sorted(fmt(text)) == sorted(text)
    if "# no comment" not in front:
        assert fmt(text) == text


def test_a_file_without_front_matter_is_not_touched() -> None:
    text = "# Notes\n\n## Action items\n\n- [ ] do x - due: 2026-05-01, owner: a\n"
    assert fmt(text) == text


def test_line_ends_and_byte_order_mark_are_kept() -> None:
    text = record("## Customer-visible truth\n\nHARM: a\nHARM: b\n\n## Action items\n\n- [ ] x\n")
    marked = "\ufeff" + text.replace("\n", "\r\n")
    assert fmt(marked) == "\ufeff" + fmt(text).replace("\n", "\r\n")


def test_overlapping_edits_are_refused() -> None:
    with pytest.raises(ValueError, match="overlap"):
        apply("abcdef", [Edit(0, 3, "x", ""), Edit(2, 4, "y", "")])


# What may vary, for generated and mutated records.
_KEYS = ["title: x", "date: 2026-04-12", "status: draft", "kind: near-miss", "owners: [a, b]",
         "clocks:\n  first_impact: 2026-04-12 14:02+02:00\n  detected: 2026-04-12T16:51Z",
         "# a remark", "tools:\n- a\n- b", "links: {trace: \"a # b\"}", "route: >\n  a\n  b", "",
         "signoffs: [{owner: a, actions: [A3]}]", "opened: '2026-04-12T09:00+00:00'"]  # fmt: skip
_LINES = ["## Timeline", "## Action items", "## Detection chain", "## Customer-visible truth", "",
          "## Idempotency-key audit", "```evidence", "```", "~~~", "HARM: a", "- HARM: b", "  more",
          "TOOL: x", "DETECTION_CHAIN_MINUTES: 7", "WOULD_HAVE_DETECTED: y", "- [ ] do", "prose",
          "- [x] A2: do — due: 2026-05-01, owner: a", "- [ ] x - lever: test, owner: b", "<!--",
          "- 2026-04-12 9:02Z — x [impact]", "  — owner: c, cause: d", "-->", "---", "\u2028",
          "- [-] A2: y -- gate: restart, owner: z", "> HARM: q", "window: é𝄞", "\udcff",
          "\x00"]  # fmt: skip
_RECORDS = st.builds(
    lambda front, body, end: "---" + end + end.join([*front, "---", *body]),
    st.lists(st.sampled_from(_KEYS), max_size=10).map(lambda keys: "\n".join(keys).split("\n")),
    st.lists(st.sampled_from(_LINES), max_size=30),
    st.sampled_from(["\n", "\r\n"]),
)
#: What an edit may add or take away; everything else of a text has to be there afterwards.
_OURS = re.compile(
    r"[\s,—–:'()\[\]-]|`{3}evidence|`{3}|\d|T|Z|UTC|GMT|A\d+|DETECTION_CHAIN_MINUTES|\+"
)


def facts(text: str) -> list[object]:
    """What a text says, apart from what `kb fmt` computes, names or spells."""
    document = read(text)
    return [
        {entry.key: _moments(entry.value.plain()) for entry in document.front.entries},
        [
            (action.state, letters(f"{action.text} {sorted(action.attributes)}"))
            for action in document.actions
        ],
        [
            (section.key, field.key, field.value)
            for section in document.sections
            for field in section.fields
            if field.key != "DETECTION_CHAIN_MINUTES"
        ],
        [(entry.at, entry.text, entry.tags) for entry in document.timeline],
        [section.heading for section in document.sections],
        sorted(text for _, text in document.front.comments),
    ]


def _moments(value: object) -> object:
    """A value with its times read, so that two spellings of one moment are equal."""
    if isinstance(value, dict):
        return {key: _moments(inner) for key, inner in value.items()}
    return (read_time(value) or value) if isinstance(value, str) else value


def letters(text: str) -> list[str]:
    """The characters of a text without those an edit may add, order apart."""
    return sorted(_OURS.sub("", text).upper().replace("_", " "))


def assert_safe(text: str) -> None:
    once = fmt(text)
    assert fmt(once) == once
    assert read(once).encode().decode("utf-8", "surrogateescape") == once
    if not read(text).faults:
        assert read(once).faults == ()
        assert facts(once) == facts(text)


@settings(max_examples=150, deadline=None)
@given(_RECORDS)
def test_formatting_generated_records_twice_changes_nothing_more(text: str) -> None:
    assert_safe(text)


@settings(max_examples=150, deadline=None)
@given(_RECORDS)
def test_formatting_generated_records_loses_nothing(text: str) -> None:
    document = read(text)
    changes = edits(document, CONTEXT)
    rest = [text[a:b] for a, b in _between(changes, len(text))]
    after = apply(text, changes)
    position = 0
    for part in rest:  # bytes outside the edits stay equal, and in their order
        assert after.startswith(part, position) or part in after[position:]
        position = after.index(part, position) + len(part)


def _between(changes: tuple[Edit, ...], end: int) -> list[tuple[int, int]]:
    starts = [0, *(edit.end for edit in changes)]
    return list(zip(starts, [*(edit.start for edit in changes), end], strict=True))


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_formatting_mutated_copies_of_the_example_is_safe(data: st.DataObject) -> None:
    lines = EXAMPLE.read_text("utf-8").split("\n")
    for _ in range(data.draw(st.integers(1, 6))):
        place = data.draw(st.integers(0, len(lines) - 1))
        kind = data.draw(st.sampled_from(["drop", "double", "swap", "cut", "insert"]))
        _mutate(lines, place, kind, data.draw(st.sampled_from(_LINES)))
    assert_safe("\n".join(lines))


def _mutate(lines: list[str], place: int, kind: str, line: str) -> None:
    other = (place * 7 + 3) % len(lines)
    if kind == "drop" and len(lines) > 1:
        del lines[place]
    elif kind == "double":
        lines.insert(place, lines[place])
    elif kind == "swap":
        lines[place], lines[other] = lines[other], lines[place]
    elif kind == "cut":
        lines[place] = lines[place][: len(lines[place]) // 2]
    else:
        lines.insert(place, line)


def test_every_postmortem_in_the_wild_is_formatted_without_loss(data: Path) -> None:
    files = [path for path in (data / "wild-markdown").rglob("*") if path.is_file()]
    assert len(files) > 100
    for path in files:
        text = path.read_bytes().decode("utf-8", "surrogateescape")
        assert_safe(text)
        assert letters(fmt(text)) == letters(text)


# The command.


def run(folder: Path, *arguments: str, monkeypatch: pytest.MonkeyPatch) -> tuple[int, str, str]:
    monkeypatch.chdir(folder)
    result = CliRunner().invoke(command, list(arguments))
    return result.exit_code, result.stdout, result.stderr


UNFORMATTED = record("## Action items\n\n- [ ] do x\n")


@pytest.fixture
def unformatted(library_folder: Path) -> Path:
    path = library_folder / "postmortems" / "2026-04-12-x.md"
    path.write_text(UNFORMATTED, encoding="utf-8", newline="")
    return path


def test_fmt_writes_the_file_and_keeps_its_mode(
    unformatted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    unformatted.chmod(0o640)
    assert run(unformatted.parent, monkeypatch=monkeypatch)[0] == 0
    assert "- [ ] A1: do x" in unformatted.read_text("utf-8")
    assert stat.S_IMODE(unformatted.stat().st_mode) == 0o640
    assert [path.name for path in unformatted.parent.iterdir()] == [unformatted.name]


def test_check_writes_nothing_and_exits_1(
    unformatted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, out, err = run(unformatted.parent, "--check", monkeypatch=monkeypatch)
    assert (code, out) == (1, "")
    assert "would format: 2026-04-12-x.md\n1 record, 1 to format" in err
    assert unformatted.read_text("utf-8") == UNFORMATTED


def test_diff_writes_nothing_and_shows_what_would_change(
    unformatted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, out, _ = run(unformatted.parent, "--diff", monkeypatch=monkeypatch)
    assert code == 1
    assert "-- [ ] do x\n+- [ ] A1: do x\n" in out
    assert unformatted.read_text("utf-8") == UNFORMATTED


def test_the_diff_can_be_applied_with_git(
    unformatted: Path, git: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = UNFORMATTED.encode().rstrip(b"\n") + b" \xff"
    unformatted.write_bytes(raw.replace(b"\xff", "é".encode()))
    root = unformatted.parent.parent
    _, out, _ = run(root, "--diff", monkeypatch=monkeypatch)
    (root / "change.patch").write_bytes(out.encode())
    import subprocess

    subprocess.run(["git", "apply", "-p0", "change.patch"], cwd=root, check=True)
    assert run(root, "--check", monkeypatch=monkeypatch)[0] == 0


def test_a_formatted_library_exits_0_under_check(
    unformatted: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run(unformatted.parent, monkeypatch=monkeypatch)
    assert run(unformatted.parent, "--check", monkeypatch=monkeypatch)[0] == 0


def test_a_file_that_changed_meanwhile_is_not_overwritten(unformatted: Path) -> None:
    document = load_document(unformatted, FORM)
    unformatted.write_text("somebody else's", encoding="utf-8")
    with pytest.raises(KbError, match="changed while"):
        write(unformatted, document, "ours")
    assert unformatted.read_text("utf-8") == "somebody else's"


@pytest.mark.skipif(not CAN_BE_BOUND, reason="permissions of folders bind nobody here")
def test_a_folder_that_cannot_be_written_is_named_and_the_file_stays(unformatted: Path) -> None:
    document = load_document(unformatted, FORM)
    unformatted.parent.chmod(0o500)
    try:
        with bound_by_permissions(), pytest.raises(KbError, match="cannot be written"):
            write(unformatted, document, "ours")
    finally:
        unformatted.parent.chmod(0o700)
    assert unformatted.read_text("utf-8") == UNFORMATTED


def test_a_full_disk_leaves_the_file_as_it_was(unformatted: Path) -> None:
    """The limit on the size of a file stands for the disk: a write fails in the middle."""
    document, before = load_document(unformatted, FORM), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, before[1]))
    try:
        with pytest.raises(KbError, match="File too large"):
            write(unformatted, document, "ours" * 100)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert unformatted.read_text("utf-8") == UNFORMATTED
    assert [path.name for path in unformatted.parent.iterdir()] == [unformatted.name]
