"""What people write is read: headings, evidence and timelines, in the forms they are common in."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import PurePath

import pytest
from kb.config import Config, FormConfig
from kb.errors import KbError
from kb.records.document import Document, read_document
from kb.records.form import build_form
from kb.records.informal_action_items import read_all_actions
from kb.records.unread_content import unread_actions, unread_evidence, unread_text, unread_times
from kb.records.written_dates import read_day, read_written_time
from kb.sentences import word_count

FORM = build_form()


def read(text: str, name: str = "2026-04-12-x.md") -> Document:
    return read_document(text.encode(), PurePath(name), FORM)


def keys(text: str) -> list[str | None]:
    return [section.key for section in read(text).sections if section.level > 1 or section.key]


def values(document: Document, section: str) -> dict[str, str]:
    found = document.section(section)
    return {field.key: field.value for field in found.fields} if found else {}


ONE_PAGE = """# The refund agent paid twice

## 1. Replay Fixture (not just a log)

- the customer asked for one refund of order 7781
- before the failing turn the agent had two messages and prompt version 12
- seed 7
- lookup returned the order, refund timed out, refund returned 200
- the first refund had already run

## 2. The Policy-Path Evidence Lattice

ALLOWED_POLICY: lookup -> approve -> refund
ACTUAL_PATH: lookup -> refund [no approval call] -> refund
EVIDENCE: trace event ts=03:14:11.4, prompt=refunds-12,
tool=refund
ROOT_CAUSE: the approval was asked for in the prompt and enforced nowhere

## 3. The Outcome-Assert Line

LLM_SAYS_IT_DID: refunded the order once
OUTCOME_ASSERT: GET /v1/refunds/7781 -> 200, amount=$120, status=settled
LATENCY_ASSERT: settled in < 2s (actual: 14s)
INTEGRITY_ASSERT: one refund an order

## 4. The Idempotency-Key Audit

WAS_THIS_CALL_IDEMPOTENT: no
SHOULD_IT_HAVE_BEEN: yes
KEY_PRESENT_IN_TRACE: no
KEY_PRESENT_IN_TOOL_SCHEMA: no (the schema has no such field)
KEY_PRESENT_IN_AGENT_PROMPT: no
KEY_PRESENT_IN_LIVE_TRACE: no
DEDUPE_AT_DB_LAYER: no
DEDUPE_AT_API_LAYER: no
REAL_HARM_OCCURRED: yes

## 5. The Customer-Visible Truth Statement

Two refunds stood on the statement for three days.

## 6. The Cross-Cutting Counterfactual

With a key in the schema the second call would have been refused; this is the third incident in 2026
where the missing line was the key.
"""


def test_the_one_page_shape_is_read_whole_as_it_is_printed() -> None:
    document = read(ONE_PAGE)
    assert keys(ONE_PAGE) == [
        *("replay", "policy_path", "outcome_asserts"),
        *("idempotency", "customer_truth", "counterfactual"),
    ]
    assert values(document, "policy_path")["EVIDENCE"].endswith("prompt=refunds-12,\ntool=refund")
    assert list(values(document, "policy_path")) == [
        *("ALLOWED_POLICY", "ACTUAL_PATH", "EVIDENCE", "ROOT_CAUSE"),
    ]
    assert len(values(document, "outcome_asserts")) == 4
    assert len(values(document, "idempotency")) == 9


def test_the_short_forms_of_the_one_page_are_sections() -> None:
    text = (
        "# A title\n\n"
        "1. Replay fixture — yes, from fixture.json.\n"
        "2. Policy-path evidence — the approval was skipped.\n"
        "3. Outcome-assert — nothing read the ledger.\n"
        "4. Idempotency-key audit — the call could not be repeated.\n"
        "5. Customer-visible truth — two refunds for one return.\n"
        "6. Cross-cutting counterfactual — a key would have refused it.\n"
    )
    assert keys(text) == [
        *("replay", "policy_path", "outcome_asserts"),
        *("idempotency", "customer_truth", "counterfactual"),
    ]
    found = read(text).section("counterfactual")
    assert found is not None
    assert found.text == "a key would have refused it."


FIVE_STEPS = """# The agent deleted a mailbox

## Pull the failing run

Run 4bf9, agreed on by two people.

## Timeline

### The trigger

- 2026-04-12 14:02 UTC — a user asks for a clean inbox

### The decision tree

It could archive, or delete.

### The divergence point

- 2026-04-12 14:03 UTC — it chooses to delete

### The cascading effects

Rules that watched the folder fired.

### External state changes

- 2026-04-12 14:04 UTC — 212 letters are gone

## Write the blameless narrative

The tool offers one verb for two intentions.

## Define actionable items

- [ ] A1: split the verb — owner: mail, due: 2026-05-12, lever: code
"""


def test_the_five_steps_are_read_and_their_timeline_stays_one() -> None:
    document = read(FIVE_STEPS)
    assert keys(FIVE_STEPS) == ["replay", "timeline", "summary", "actions"]
    assert len(document.timeline) == 3
    assert [action.label for action in document.actions] == ["A1"]


EIGHT_SECTIONS = """# Duplicate refunds

## Summary & impact

Fourteen customers were paid twice.

## Timeline

| Time (UTC) | What |
| --- | --- |
| 2026-04-12 14:02 | first duplicate refund |
| 2026-04-12 16:51 | alert |

## Detection chain

- 2026-04-12 14:02 UTC — first impacted call
- 2026-04-12 16:51 UTC — automated alert fires (refunds per order)
- detection_chain_minutes: 169

### What would have detected this in <30 minutes?

- a count of refunds for each order
- a canary order

## Root cause

**Code**

The client retries.

**Model**

The prompt asks for persistence.

## What went well

The route was paused.

## What went wrong

Nobody counted customers.

## Action items

- [ ] A1: ask for a key — owner: payments, due: 2026-05-12, lever: code

## Blameless lessons

A timeout is no failure.
"""


def test_the_eight_sections_are_read() -> None:
    document = read(EIGHT_SECTIONS)
    assert keys(EIGHT_SECTIONS) == [
        *("summary", "timeline", "detection", "root_cause"),
        *("went_well", "went_wrong", "actions", "lessons"),
    ]
    detection = document.section("detection")
    assert detection is not None
    assert detection.value("DETECTION_CHAIN_MINUTES") == "169"
    assert detection.values("WOULD_HAVE_DETECTED") == (
        "a count of refunds for each order",
        "a canary order",
    )
    assert [(entry.at, entry.text) for entry in document.timeline] == [
        (datetime(2026, 4, 12, 14, 2, tzinfo=UTC), "first duplicate refund"),
        (datetime(2026, 4, 12, 16, 51, tzinfo=UTC), "alert"),
    ]


LIGHTWEIGHT = """# Wrong invoices

## Incident summary

Six invoices had the wrong tax.

## Timeline

Route start: 2026-06-02 08:00 UTC
First warning: 2026-06-02 08:20 UTC
First impact: 2026-06-02 08:30 UTC
Containment: 2026-06-02 09:10 UTC
Restart: 2026-06-03 10:00 UTC

## Agent path

1. Prompt and instruction state: invoices-7
2. Retrieval evidence: a tax table of 2024
3. Tool log: trace 77
4. Human interventions: the clerk stopped the route
5. Outcome assessment: six wrong, found by the clerk

## Failed controls

- the table's age was checked by nobody

## Permanent changes

- [ ] A1: refuse tables older than a year — owner: tax, due: 2026-07-01, lever: retrieval
"""


def test_the_lightweight_template_is_read() -> None:
    document = read(LIGHTWEIGHT)
    assert keys(LIGHTWEIGHT) == [
        *("summary", "timeline", "agent_path", "failed_controls", "actions"),
    ]
    assert [(entry.at.hour, entry.tags) for entry in document.timeline] == [
        (8, ()),
        (8, ("warning",)),
        (8, ("impact",)),
        (9, ("contained",)),
        (10, ("restart",)),
    ]
    assert list(values(document, "agent_path")) == [
        *("PROMPT_STATE", "RETRIEVAL", "TOOL_LOG", "INTERVENTIONS", "OUTCOME"),
    ]


LIGHTWEIGHT_FACTS = """# Wrong invoices

## Severity

customer-visible defect

## Business impact

Six invoices had the wrong tax.

## Permanent fixes

| Action | Owner | Deadline |
| --- | --- | --- |
| refuse tables older than a year | tax | 1 July 2026 |

## Owner and deadline

- test the age of each table — tax, 8 July 2026

## Classify the failure type

environmental change
"""


def test_facts_under_headings_are_named_and_actions_under_both_names_are_read() -> None:
    document = read(LIGHTWEIGHT_FACTS)
    assert [k for k in keys(LIGHTWEIGHT_FACTS) if k] == ["customer_truth", "actions", "actions"]
    assert [one.write for one in unread_actions(document)] == [
        "- [ ] refuse tables older than a year — owner: tax, due: 2026-07-01",
        "- [ ] test the age of each table — owner: tax, due: 2026-07-08",
    ]
    assert [one.write for one in unread_text(document)][:2] == [
        "impact: customer-visible",
        "causes: environmental change",
    ]


@pytest.mark.parametrize("text", [ONE_PAGE, FIVE_STEPS, EIGHT_SECTIONS, LIGHTWEIGHT])
def test_nothing_of_the_printed_templates_is_left_unread(text: str) -> None:
    document = read(text)
    assert all(section.key or section.level == 1 for section in document.sections)
    assert list(unread_evidence(document)) == []
    assert list(unread_times(document)) == []
    assert list(unread_actions(document)) == []


QUESTIONS = (
    "What decision did the agent make, and what was it trying to optimize for?",
    "What context was in its window at that moment?",
    "Was it authorized to take that action?",
    "Could the operation have caught this class of error before it landed on live work?",
)


@pytest.mark.parametrize("mark", ["## {}", "**{}**"])
def test_the_four_questions_are_the_decision_record(mark: str) -> None:
    answers = ("It paid, to close the case.", "The order.", "Yes, below 500 USD.", "By a limit.")
    pairs = zip(QUESTIONS, answers, strict=True)
    document = read("# T\n\n" + "\n\n".join(f"{mark.format(q)}\n\n{a}" for q, a in pairs))
    decision = document.section("decision")
    assert decision is not None
    assert [section.key for section in document.sections if section.key] == ["decision"]
    assert [(f.key, f.value) for f in decision.fields] == list(
        zip(("DECISION", "CONTEXT_PRESENT", "AUTHORITY", "WALL"), answers, strict=True)
    )
    assert decision.fields[2].word == "authorised"


@pytest.mark.parametrize(
    ("heading", "key"),
    [
        ("Root Cause Analysis", "root_cause"),
        ("Root Cause(s)", "root_cause"),
        ("Contributing factors", "root_cause"),
        ("Resolution", "agent_path"),
        ("Incident Timeline", "timeline"),
        ("Timeline (all times PST) 01/16/2024 - 02/28/2024", "timeline"),
        ("Corrective actions", "actions"),
        ("Next steps", "actions"),
        ("Follow-up items", "actions"),
        ("Permanent changes", "actions"),
        ("Where we got lucky", "went_well"),
        ("What didn’t go so well?", "went_wrong"),
        ("Blameless lessons", "lessons"),
        ("Business impact", "customer_truth"),
        ("IV. Summary", "summary"),
        ("Step 2 — Timeline", "timeline"),
        ("Attendees", None),
        ("The impact of retries on ledgers", None),
    ],
)
def test_a_heading_is_known_by_the_names_people_give_it(heading: str, key: str | None) -> None:
    assert keys(f"## {heading}\n\nText.\n") == [key]


@pytest.mark.parametrize(
    "text",
    ["Root cause\n----------\n\nA retry.", "**Root cause**\n\nA retry.", "Root cause:\nA retry."],
)
def test_a_heading_may_be_underlined_bold_or_end_in_a_colon(text: str) -> None:
    document = read(f"# T\n\n{text}\n")
    section = document.section("root_cause")
    assert section is not None
    assert section.text == "A retry."


@pytest.mark.parametrize(
    "text",
    [
        "Some prose.\n---\n\nMore.",
        "See **Root cause** below.",
        "- **Root cause**",
        "| Root cause |",
    ],
)
def test_a_rule_below_a_sentence_and_bold_within_one_are_no_headings(text: str) -> None:
    assert keys(f"## Summary\n\n{text}\n") == ["summary"]


def test_what_stands_under_two_names_of_a_section_is_read_as_one() -> None:
    document = read("## Root cause\n\nA retry.\n\n## Trigger\n\nA timeout.\n")
    section = document.section("root_cause")
    assert section is not None
    assert "A retry." in section.text
    assert "A timeout." in section.text


def test_a_group_of_actions_named_like_a_section_stays_among_the_actions() -> None:
    document = read(
        "## Action items\n\n### Detection\n\n- [ ] A1: x\n\n### Prevention\n\n- [ ] A2: y\n"
    )
    assert [action.label for action in document.actions] == ["A1", "A2"]


def test_other_languages_are_read_through_aliases() -> None:
    form = build_form(
        Config(form=FormConfig(aliases={"summary": ("サマリー",), "lessons": ("教訓",)}))
    )
    document = read_document("## サマリー\n\n文\n".encode(), PurePath("x.md"), form)
    assert document.section("summary") is not None


def test_a_heading_that_two_sections_would_answer_to_is_refused() -> None:
    doubles: list[dict[str, tuple[str, ...]]] = [
        {"summary": ("Timeline",)},
        {"summary": ("Vorfall",), "lessons": ("vorfall",)},
    ]
    for aliases in doubles:
        with pytest.raises(KbError, match="is a heading of"):
            build_form(Config(form=FormConfig(aliases=aliases)))


def test_a_name_of_ours_yields_to_one_the_team_gives() -> None:
    form = build_form(Config(form=FormConfig(aliases={"timeline": ("Trigger",)})))
    section = form.section_for_heading("Trigger")
    assert section is not None
    assert section.key == "timeline"


@pytest.mark.parametrize(
    "text",
    [
        "```text\nCUSTOMER_SAW: two refunds\n```",
        "```yaml\nCUSTOMER_SAW: two refunds\n```",
        "```\nCUSTOMER_SAW: two refunds\n```",
        "> CUSTOMER_SAW: two refunds",
        "| Key | Value |\n| --- | --- |\n| CUSTOMER_SAW | two refunds |",
        "| Customer saw | two refunds |\n| --- | --- |\n| Window | three days |",
        "Customer saw: two refunds",
        "**Customer Saw:** two refunds",
        "• CUSTOMER_SAW: two refunds",
        "3. Customer saw: two refunds",
        "CUSTOMER_SAW： two refunds",
        "CUSTOMER_SAW：two refunds",
        "CUSTOMER_SAW:\u00a0two refunds",
        "CUSTOMER_SAW = two refunds",
        "CUSTOMER_SAW:two refunds",
        "```evidence\nCustomer saw: two refunds\n```",
    ],
)
def test_evidence_is_read_in_each_form(text: str) -> None:
    document = read(f"## Customer-visible truth\n\n{text}\n")
    assert document.field("customer_truth", "CUSTOMER_SAW") == "two refunds"


@pytest.mark.parametrize(
    "text",
    [
        "```yaml\nretrieval:\n  top_k: 5\nmodel: x\n```",
        "```python\nTOOL_LOG = 3\n```",
        "| Tool | Calls | Failed |\n| --- | --- | --- |\n| outcome | 3 | 1 |",
        "The outcome: nobody saw it.",
    ],
)
def test_code_and_prose_are_no_evidence(text: str) -> None:
    assert values(read(f"## Agent path\n\n{text}\n"), "agent_path") == {}


def test_a_value_goes_on_in_the_line_below_and_ends_at_what_begins_anew() -> None:
    document = read("## Agent path\n\nTOOL_LOG: lookup,\nrefund\nNote: a remark\n\nProse.\n")
    assert values(document, "agent_path") == {"TOOL_LOG": "lookup,\nrefund"}


@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("1 May 2026", (2026, 5, 1)),
        ("May 1st, 2026", (2026, 5, 1)),
        ("May 1st", (2025, 5, 1)),
        ("2026/05/01", (2026, 5, 1)),
        ("1.5.2026", (2026, 5, 1)),
        ("25/12/2026", (2026, 12, 25)),
        ("2026年5月1日", (2026, 5, 1)),
        ("9/2/2021", None),
        ("24-10-2024", (2024, 10, 24)),
        ("12-25-2026", (2026, 12, 25)),
        ("04-03-2026", None),
        ("4-3-26", None),
        ("31 February 2026", None),
        ("May be later", None),
    ],
)
def test_a_day_is_read_as_people_write_it(written: str, day: tuple[int, int, int] | None) -> None:
    assert read_day(written, date(2025, 4, 12)) == (date(*day) if day else None)


@pytest.mark.parametrize(
    ("written", "hour"),
    [
        ("14:02 UTC — x", 14),
        ("2:02 pm UTC: x", 14),
        ("[14:02 UTC] x", 14),
        ("**14:02** - x", 14),
        ("~14:02–14:30 UTC x", 14),
        ("14:02 CEST x", 12),
        ("14:02 PT x", 21),
        ("14:02 CET x", None),  # in April it is CEST there
        ("14:02 IST x", None),
        ("14:02 UTC-07:00 x", None),
    ],
)
def test_a_time_is_read_where_it_is_one_hour_and_only_there(written: str, hour: int | None) -> None:
    found = read_written_time(written)
    assert found is not None
    at = found.at(date(2026, 4, 12))
    assert (at.hour if at else None) == hour


@pytest.mark.parametrize(
    "lines",
    [
        "- 14:02 UTC — paid twice",
        "1. 14:02 UTC — paid twice",
        "• 14:02 UTC — paid twice",
        "14:02 UTC - paid twice",
        "**14:02 UTC**: paid twice",
        "| Time | Event |\n|---|---|\n| 14:02 UTC | paid twice |",
        "| Time (UTC) | Event |\n|---|---|\n| 14:02 | paid twice |",
        "### 14:02 UTC\n\npaid twice",
        "### 12 April\n\n- 2:02 pm UTC paid twice",
        "- April 12, 2026, 14:02 UTC: paid twice",
        "```\n14:02 UTC  paid twice\n```",
    ],
)
def test_a_timeline_is_read_in_each_form(lines: str) -> None:
    document = read(f"## Timeline\n\n{lines}\n")
    entry = document.timeline[-1]
    assert (entry.at, entry.text) == (datetime(2026, 4, 12, 14, 2, tzinfo=UTC), "paid twice")


def test_a_time_after_midnight_below_no_day_of_its_own_is_left_open() -> None:
    document = read("## Timeline\n\n- 2026-04-12 23:50 UTC — a\n- 00:10 UTC — b\n")
    assert [(entry.has_time, entry.unclear) for entry in document.timeline] == [
        (True, ""),
        (False, "day"),
    ]


def test_prose_with_a_time_in_it_is_no_entry() -> None:
    document = read("## Timeline\n\n14:02 was when we knew.\n15 minutes later it stopped.\n")
    assert document.timeline == ()


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ("## Timeline\n\nCUSTOMER_SAW: two refunds\n", "CUSTOMER_SAW: two refunds"),
        ("## Attendees\n\n| HELD | no |\n", ""),
        ("## Action items\n\n- cap refunds — payments, 12 May 2026\n", "due: 2026-05-12"),
        ("## Notes\n\n- [ ] cap refunds\n", "- [ ] cap refunds"),
        ("## Notes\n\n- 14:02 UTC a\n- 14:03 UTC b\n", "## Timeline"),
        ("## Timeline\n\n- 14:02 UTC — a\n", "- 2026-04-12 14:02 UTC — a"),
        ("## Timeline\n\n- 9/2/2026 14:02 UTC — a\n", "HH:MM UTC"),
        ("# T\n\nIt paid twice.\n\n## Timeline\n", "## Summary"),
        ("# T\n\n**Severity:** SEV2\n", "severity: SEV2"),
        ("## Severity\n\nCustomer-visible defect\n", "impact: customer-visible"),
        ("## Summary\n\nIt paid twice.\n", ""),
    ],
)
def test_what_looks_like_content_and_is_not_read_is_named_with_the_line_to_write(
    body: str, found: str
) -> None:
    document = read(body)
    ways = (unread_evidence, unread_times, unread_actions, unread_text)
    written = [one.write for way in ways for one in way(document)]
    assert (found in written[0]) if found else not written


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("Two refunds, one return.", 4),
        ("Zwei Rückzahlungen — eine Rückgabe.", 4),
        ("二件返金した", 6),
        ("返金エージェントが二回", 6),
        ("환불이 두 번 되었다", 4),
        ("", 0),
    ],
)
def test_words_are_counted_in_scripts_that_do_not_part_them(text: str, count: int) -> None:
    assert word_count(text) == count


def test_a_time_without_a_zone_below_one_with_a_zone_is_of_that_zone() -> None:
    document = read("## Timeline\n\n- 2026-04-12 17:04 PDT a\n- 17:07 b\n- 1:20 pm: c\n")
    assert [(entry.at.day, entry.at.hour) for entry in document.timeline[:2]] == [(13, 0), (13, 0)]
    assert [entry.has_zone for entry in document.timeline[:2]] == [True, False]
    assert read("## Timeline\n\n1:20 pm: c\n").timeline[0].at.hour == 13


def test_days_and_times_as_headings_stay_in_the_timeline() -> None:
    document = read(
        "## Timeline\n\n_All times in EDT_\n\n## July 22\n\n1:03\nFirst alert\n\n"
        "5:10 AM\nChecked\n",
        "2025-07-22-x.md",
    )
    assert [(f"{e.at:%d %H:%M}", e.text) for e in document.timeline] == [
        ("22 05:03", "First alert"),
        ("22 09:10", "Checked"),
    ]


def test_times_that_all_lack_their_day_are_one_finding() -> None:
    document = read("## Timeline\n\n- 14:02 UTC a\n- 14:03 UTC b\n- 14:04 UTC c\n")
    (one,) = unread_times(document)
    assert (one.line, one.write) == (3, "- 2026-04-12 14:02 UTC — a (as in 2 further lines)")


# --- kinds that public postmortems showed ---


def test_lines_between_blank_lines_are_headings_where_a_file_has_no_others() -> None:
    text = (
        "REPORT OF AN OUTAGE\n\nISSUE OVERVIEW\n\nAll clients saw errors.\n\n"
        "Timeline (all times in EAT)\n\n11:30 AM\t\tupgrade starts\n11:45 AM\t\trolled back\n\n"
        "ROOT CAUSE\n\nThe upgrade was not tested.\n\nPREVENTIVE ACTIONS\n\n- test upgrades\n"
    )
    assert keys(text) == ["summary", "timeline", "root_cause", "actions"]
    assert [f"{e.at:%H:%M}" for e in read(text).timeline] == ["08:30", "08:45"]


def test_a_plain_line_is_no_heading_beside_headings_nor_within_a_paragraph() -> None:
    assert keys("# T\n\n## Summary\n\nTimeline\n\nIt broke.\n") == ["summary"]
    assert keys("It broke.\nTimeline\nIt was fixed.\n") == []
    assert keys("It broke.\n\nOur timeline\nIt was fixed.\n") == []
    assert keys("It broke.\n\nTimeline\n14:02 UTC: it broke\n") == ["timeline"]


def test_a_name_and_a_colon_are_a_heading_below_text_too() -> None:
    text = "Issue summary:\nIt broke.\nTimeline:\n14:02 UTC: it broke\nRoot cause:\nThe retry.\n"
    assert keys(text) == ["summary", "timeline", "root_cause"]


def test_bold_headings_follow_a_bold_timeline() -> None:
    text = "**Timeline:**\n\n- 14:02 UTC: it broke\n\n**Root cause:**\n\nThe retry.\n"
    assert keys(text) == ["timeline", "root_cause"]


@pytest.mark.parametrize(
    ("heading", "key"),
    [
        ("Root cause and resolution", "root_cause"),
        ("Remediation and architectural lessons", "actions"),
        ("Background and impact", "customer_truth"),
        ("Consolidated root causes", "root_cause"),
        ("What could improve", "went_wrong"),
        ("タイムライン", "timeline"),
        ("根本原因分析", "root_cause"),
        ("Lecciones aprendidas", "lessons"),
        ("Our response timeline", "timeline"),
        ("Potential impact", "customer_truth"),
        ("Improvements/Fixes", "actions"),
        ("Tasks to address the issue", "actions"),
        ("緩和策・復旧", "agent_path"),
        ("Technical description", None),
        ("Terms and conditions", None),
    ],
)
def test_a_heading_is_read_for_the_part_that_names_a_section(heading: str, key: str | None) -> None:
    assert keys(f"# T\n\n## {heading}\n\nText.\n") == [key]


def test_a_title_that_begins_with_incident_is_a_title() -> None:
    text = "# Incident: the cache was poisoned\n\n## Summary\n\nIt was.\n"
    assert [section.key for section in read(text).sections] == [None, "summary"]
    assert keys("# Summary\n\nIt was.\n\n# Timeline\n") == ["summary", "timeline"]


def test_parts_of_a_section_stay_in_it() -> None:
    text = "## Root causes\n\n### Primary cause: a\n\nText.\n\n### Compounding cause: b\n\nMore.\n"
    found = read(text).section("root_cause")
    assert found is not None
    assert "More." in found.text


def test_a_heading_that_lacks_its_blank_is_read_where_it_names_a_section() -> None:
    assert keys("###Timeline\n\n- 2026-04-12 14:02 UTC — it broke\n\n##2230 stays text\n") == [
        "timeline"
    ]


@pytest.mark.parametrize(
    ("line", "clock", "text"),
    [
        (
            "Attacker deployed the contract at 2021-02-13 5:37 AM +UTC",
            "2021-02-13 05:37",
            "Attacker deployed the contract",
        ),
        (
            "Fixed on 13 February 2021 at 08:44:30 UTC.",
            "2021-02-13 08:44",
            "Fixed",
        ),
        (
            "Fix deployed to production (24 August ~18:30 UTC)",
            "2026-08-24 18:30",
            "Fix deployed to production",
        ),
        ("2105hrs UTC: the header is gone", "2026-04-12 21:05", "the header is gone"),
        (
            '**<span style="color: red">08:05 AM UTC:</span>** the team looks',
            "2026-04-12 08:05",
            "the team looks",
        ),
    ],
)
def test_a_moment_is_read_at_the_end_of_an_item_and_within_tags(
    line: str, clock: str, text: str
) -> None:
    (entry,) = read(f"## Timeline\n\n- {line}\n").timeline
    assert f"{entry.at:%Y-%m-%d %H:%M}" == clock
    assert entry.text.strip("* ") == text


def test_an_item_of_a_timeline_with_a_time_that_is_not_read_is_named() -> None:
    document = read("## Timeline\n\n- Attack started at eb-04-2021 09:12:40 PM, in two parts\n")
    assert document.timeline == ()
    assert [one.line for one in unread_times(document)] == [3]


def test_an_item_that_names_a_group_is_no_action_and_those_below_are() -> None:
    document = read(
        "## Corrective measures\n\n- **Improvements**:\n  - check queries in review\n"
        "  - watch for deadlocks\n\n- **Tasks:**\n  1. **Load test**: run one\n"
        "- alert on errors\n  - at five a minute\n"
    )
    assert [one.line for one in unread_actions(document)] == [4, 5, 8, 9]


def test_an_action_list_of_prose_is_named() -> None:
    document = read("## To do\n\nMake the settings read-only for the team.\n")
    (one,) = unread_actions(document)
    assert one.write == "- [ ] Make the settings read-only for the team."
    assert list(unread_actions(read("## To do\n\nNone: the route was closed.\n"))) == []


def test_headings_and_items_of_html_are_read() -> None:
    document = read(
        "<h3>Timeline</h3>\n<hr>\n14:02 UTC: it broke\n\n<h3>Corrective measures</h3><hr>\n<ul>\n"
        "<li>check the status</li>\n<li>read the <b>log</b></li>\n</ul>\n"
    )
    assert [section.key for section in document.sections] == ["timeline", "actions"]
    assert len(document.timeline) == 1
    assert [one.write for one in unread_actions(document)] == [
        "- [ ] check the status",
        "- [ ] read the log",
    ]


def test_a_bold_day_opens_a_line_of_a_timeline() -> None:
    assert len(read("## Timeline\n\n**April 5th, 2023** the team looks\n").timeline) == 1


def test_a_timeline_under_another_name_is_named() -> None:
    lines = "".join(f"14:0{minute} UTC: step {minute}\n" for minute in range(4))
    document = read(f"## Summary\n\nIt broke.\n\n## Root cause\n\nWhat came first\n{lines}")
    assert [one.line for one in unread_times(document)] == [8]


@pytest.mark.parametrize(
    ("heading", "key"),
    [
        ("Phase 1: Facts (timeline)", "timeline"),
        ("3. タイムライン（すべて JST、復旧まで）", "timeline"),
        ("Chronologie des événements", "timeline"),
        ("Хронология событий", "timeline"),
        ("Detection gap", "detection"),
        ("Por que não foi detectado", "detection"),
        ("Why detection took as long as it did", "detection"),
        ("As 4 causas raiz", "root_cause"),
        ("Root cause + remediation", "root_cause"),
        ("Analysis of causes", "root_cause"),
        ("5 pourquoi", "root_cause"),
        ("Improvement plan", "actions"),
        ("Siguiente paso autorizado", "actions"),
        ("Was wir zur Vermeidung tun: Maßnahmen", "actions"),
        ("再発防止の取り組み", "actions"),
        ("Onde tivemos sorte", "went_well"),
        ("O que falhou", "went_wrong"),
        ("Enseignements", "lessons"),
        ("Resumo executivo", "summary"),
        ("1. 한 줄 요약", "summary"),
        ("Что произошло", "summary"),
        ("Incident response templates", None),
        ("How the detector compares model and odds", None),
        ("Preventive controls of the vendor", None),
        ("Timeline service: the deploy that raced its own migration", None),
    ],
)
def test_a_heading_that_is_no_name_is_known_by_its_words(heading: str, key: str | None) -> None:
    assert keys(f"# A title\n\n## {heading}\n\nText.\n") == [key]


def test_words_of_another_section_divide_none_that_is_open() -> None:
    text = "# T\n\n## Root cause\n\nA.\n\n### How detection of the lock failed\n\nB.\n"
    assert keys(text) == ["root_cause"]


def test_bold_words_that_come_again_are_labels_and_no_headings() -> None:
    text = "# T\n\n## Root cause\n\n### One\n\n**Fix:**\n- a\n\n### Two\n\n**Fix:**\n- b\n"
    assert keys(text) == ["root_cause"]


@pytest.mark.parametrize(
    ("text", "day", "clock"),
    [
        ("10h32 — x", "", "10:32"),
        ("às 14h o agente parou", "", "14:00"),
        ("14.05 Uhr: x", "", "14:05"),
        ("~16:00z x", "", "16:00"),
        ("16:27→16:30z x", "", "16:27"),
        ("下午 2:05 x", "", "14:05"),
        ("오후 2시 5분 x", "", "14:05"),
        ("2026年3月4日（水）14時05分 x", "2026-03-04", "14:05"),
        ("On March 3, at 14:05 UTC, we stopped it", "2026-03-03", "14:05"),
        ("3 de março de 2026, às 14h05 — x", "2026-03-03", "14:05"),
        ("Montag, 3. März 2026, 14:05 Uhr: x", "2026-03-03", "14:05"),
        ("12 марта 2026, в 14:05 — x", "2026-03-12", "14:05"),
        ("13-jul 09:10 x", "2026-07-13", "09:10"),
        ("à 14h05 x", "", "14:05"),
        ("at 16h30 x", "", "16:30"),
        ("15h UTC x", "", "15:00"),
        ("17h - x", "", "17:00"),
        ("**18h:** x", "", "18:00"),
        ("18h | x", "", "18:00"),
        ("12 mars 19h05 x", "2026-03-12", "19:05"),
        ("10h32–10h45 — x", "", "10:32"),
    ],
)
def test_a_time_is_read_as_people_of_other_languages_write_it(
    text: str, day: str, clock: str
) -> None:
    found = read_written_time(text, date(2026, 4, 12))
    assert found is not None
    assert found.clock is not None
    assert not found.unclear
    assert (f"{found.day or ''}", f"{found.clock:%H:%M}") == (day, clock)


@pytest.mark.parametrize(
    "text",
    [
        *("2h30 later", "1h after", "24h window", "5 hours later", "14時間後", "at 3 nodes"),
        *("12h freeze", "2h30 outage followed", "3h45 passed", "18h min", "18h min — x"),
        *("about 12h passed", "at 12h intervals", "12h–14h of downtime", "13h - 14h freeze"),
    ],
)
def test_a_span_of_hours_is_no_time_of_day(text: str) -> None:
    found = read_written_time(text, date(2026, 4, 12))
    assert found is None or found.clock is None


def test_clocks_with_dots_and_bare_lines_are_a_timeline_where_several_stand() -> None:
    text = "# T\n\n## Timeline\n\n28 June 2021\n\n13.41 AC restarted it\n\n13:58 We waited\n"
    assert [f"{e.at:%m-%d %H:%M} {e.text}" for e in read(text).timeline] == [
        "06-28 13:41 AC restarted it",
        "06-28 13:58 We waited",
    ]
    lone = read("# T\n\n## Timeline\n\n1.10 was the release that broke it.\n")
    assert lone.timeline == ()


def test_a_line_that_names_the_list_below_it_is_its_heading() -> None:
    text = (
        "# T\n\n## Tokens\n\nText.\n\nTimeline:\n\n```\n10:00 UTC - open\n10:40 UTC - closed\n```\n"
        "\n## Root cause\n\nText.\n\nOperational follow-ups:\n\n- [~] a\n- [x] b\n"
    )
    document = read(text)
    assert [f"{e.at:%H:%M}" for e in document.timeline] == ["10:00", "10:40"]
    section = document.section("actions")
    assert section is not None
    found = read_all_actions(section.lines, document.actions)
    assert [(action.text, action.state) for action in found] == [("a", "open"), ("b", "closed")]


def test_what_cannot_be_placed_in_a_timeline_is_named_once() -> None:
    rows = "".join(f"| T+{n}m | step {n} |\n" for n in range(0, 30, 5))
    document = read(f"# T\n\n## Timeline\n\n| Time | Event |\n|---|---|\n{rows}| ~16:0xz | x |\n")
    (found,) = unread_times(document)
    assert document.timeline == ()
    assert "as in 6 further lines" in found.write


def test_times_below_a_head_that_counts_from_the_begin_are_no_clocks() -> None:
    text = "# T\n\n## Timeline\n\n| T+ | Event |\n|---|---|\n| 00:30 | first |\n| 02:00 | page |\n"
    assert read(text).timeline == ()
    assert [one.line for one in unread_times(read(text))] == [7, 8]


@pytest.mark.parametrize(
    ("lines", "clocks"),
    [
        (
            "All times are UTC.\n2026-04-12 10:00 UTC deploy\n2026-04-12 10:05 UTC errors",
            ["10:00", "10:05"],
        ),
        ("All times are UTC\n10:00 — a\n10:05 — b", ["10:00", "10:05"]),
        ("This is what we saw\n10:00 UTC — a", ["10:00"]),
        ("This is what we saw\n**10:00** a\n**10:05** b", ["10:00", "10:05"]),
        ("This is what we saw\nApril 12, 10:00 UTC: a", ["10:00"]),
        ("This is what we saw\nFirst impact: 10:00 UTC\nDetected: 10:05 UTC", ["10:00", "10:05"]),
        ("This is what we saw\n13.41 AC restarted it\n13.58 We waited", ["13:41", "13:58"]),
        (
            "2026-04-12 10:00 UTC: deploy and\nwent on for long\n2026-04-12 10:05 UTC: errors\n"
            "and more\n10:09 UTC: rolled back",
            ["10:00", "10:05", "10:09"],
        ),
        ("We waited for a while.\nAt 14:05 we rolled back", ["14:05"]),
        ("We waited for a while and\nat 14:05 we rolled back", []),
        ("We waited for a while and\nat 14:05, we rolled back", []),
    ],
)
def test_a_dated_line_below_a_sentence_is_an_entry_and_the_rest_of_one_is_none(
    lines: str, clocks: list[str]
) -> None:
    document = read(f"# T\n\n## Timeline\n\n{lines}\n")
    assert [f"{entry.at:%H:%M}" for entry in document.timeline] == clocks


@pytest.mark.parametrize(
    ("head", "row", "entry"),
    [
        ("| Minute | Time (UTC) | Event |", "| 0 | 10:00 | a |", "04-12 10:00 0 — a"),
        ("| Relative to deploy | Time | Event |", "| +0 | 10:00 UTC | a |", "04-12 10:00 +0 — a"),
        ("| Elapsed | UTC | What |", "| 00:05 | 10:00 | a |", "04-12 10:00 a — 00:05"),
        ("| Offset | Event |", "| 2026-04-13 10:00 UTC | a |", "04-13 10:00 a"),
        (
            "| Day | Date | Time (UTC) | Event |",
            "| Mon | Apr 13 | 10:00 | a |",
            "04-13 10:00 Mon — a",
        ),
        ("| Hora | Evento |", "| 14h05 | a |", "04-12 14:05 a"),
        ("| Duration | Event |", "| 2h30 | a |", ""),
    ],
)
def test_the_times_of_a_table_are_read_from_the_column_that_has_clocks(
    head: str, row: str, entry: str
) -> None:
    rule = "|---" * (head.count("|") - 1) + "|"
    document = read(f"# T\n\n## Timeline\n\n{head}\n{rule}\n{row}\n")
    assert [f"{e.at:%m-%d %H:%M} {e.text}" for e in document.timeline] == [entry] * bool(entry)


@pytest.mark.parametrize(
    ("table", "texts"),
    [
        ("| ID | Cause |\n|---|---|\n| 1 | disk full |\n| 2 | no alert |", []),
        ("| # | Ticket | Cause |\n|---|---|---|\n| 1 | X-1 | disk full |", []),
        ("| Minutes lost | Team |\n|---|---|\n| 5 | core |", []),
        (
            "| Minutes | Idea | Team |\n|---|---|---|\n| 5 minutes | cap | core |",
            ["cap (Minutes: 5 minutes)"],
        ),
        ("| Idea | Due |\n|---|---|\n| cap refunds | 2026-05-12 |", ["cap refunds"]),
    ],
)
def test_a_table_that_names_no_owner_day_lever_or_state_is_none_of_actions(
    table: str, texts: list[str]
) -> None:
    section = read(f"# T\n\n## Action items\n\n{table}\n").section("actions")
    assert section is not None
    assert [action.text for action in read_all_actions(section.lines, ())] == texts


def test_a_table_of_actions_is_read_whatever_its_heads_are_called() -> None:
    text = (
        "# T\n\n## Action items\n\n| # | Piste | Pilote | Type |\n|---|---|---|---|\n"
        "| 1 | cap refunds at the order total | payments | code |\n| … | … | … | … |\n"
    )
    section = read(text).section("actions")
    assert section is not None
    (action,) = read_all_actions(section.lines, ())
    assert action.text.startswith("cap refunds at the order total")
    assert action.attribute("owner") == "payments"


def test_boxes_under_another_heading_are_named_where_no_list_of_actions_is() -> None:
    text = "# T\n\n## Root cause\n\nText.\n\n- [ ] audit the log rotation\n"
    (found,) = unread_actions(read(text))
    assert "under '## Action items'" in found.write


def test_a_wall_in_a_fence_is_named() -> None:
    found = list(unread_evidence(read("# T\n\n## Decision record\n\n```wall\ntool: x\n```\n")))
    assert [(one.kind, one.line) for one in found] == [("wall", 5)]


def test_headings_that_an_editor_escaped_are_named() -> None:
    found = list(unread_text(read("\\## Summary\n\nText.\n\n\\## Timeline\n")))
    assert [(one.kind, one.write) for one in found if one.kind == "heading"] == [
        ("heading", "## Summary (as in 1 further lines)")
    ]


# --- kinds of a draw of 30 public files by 29 authors, none of them seen before ---


def keys_of(document: Document) -> list[str | None]:
    return [section.key for section in document.sections]


def actions_of(text: str) -> list[str]:
    section = read(f"# T\n\n## Action items\n\n{text}\n").section("actions")
    assert section is not None
    return [action.text for action in read_all_actions(section.lines, ())]


def test_lines_that_are_names_of_sections_are_headings_directly_above_their_text() -> None:
    document = read(
        "ISSUE SYNOPSIS\nIt broke.\nTHE IMPACT\nNobody could log in.\nTIMELINE\n"
        "08:19: the page is down\n08:27: the page is back\nPREVENTIVE ACTIONS\nAdd a check.\n"
    )
    assert keys_of(document) == ["summary", "customer_truth", "timeline", "actions"]
    assert len(document.timeline) == 2


def test_one_or_two_such_lines_are_text() -> None:
    assert keys_of(read("The page was slow.\nTimeline\nis what we asked for.\n")) == []


def test_a_heading_of_one_sign_may_lack_its_blank() -> None:
    document = read("#Timeline:\n10:15: reports come in\n\n#Root Cause and Resolution:\nA leak.\n")
    assert keys_of(document) == ["timeline", "root_cause"]


def test_the_name_of_the_action_list_opens_it_below_other_headings_too() -> None:
    document = read("## Root cause\n\nA leak.\nCorrective and Preventative Measures:\nAdd a cap.\n")
    assert keys_of(document) == ["root_cause", "actions"]


@pytest.mark.parametrize(
    ("text", "actions"),
    [
        ("Patch the server.\nAdd an alert on its memory.", ["Patch the server.", "Add an alert"]),
        ("Load balancing: Implement a second node.", ["Load balancing: Implement"]),
        ("All servers should have logging turned on.", ["All servers should"]),
        ("[Task 1]: a second node for the queue", ["[Task 1]: a second node"]),
        ("Add an alert that pages\nthe on-call.", ["Add an alert that pages the on-call."]),
        ("To prevent this, the following is done:\n\nWe were lucky.", []),
        ("This should not happen again.", []),
        ("Update: the fix was deployed on Monday.", []),
        ("1. Reviews:\n— Enforce two approvals.\n— Add owners.", ["Enforce two", "Add owners."]),
        ("- Improvements:\n- Add a cap.\n- Tasks:\n- Test it.", ["Add a cap.", "Test it."]),
        ("### P1: Cap the set\n\nText.\n\n- a detail\n\n**More:**\n- another", ["P1: Cap the set"]),
        ("### Split the job\n\n**Status:** Planned\n\n- a detail", ["Split the job"]),
    ],
)
def test_actions_without_marks_are_read(text: str, actions: list[str]) -> None:
    found = actions_of(text)
    assert len(found) == len(actions)
    assert all(one.startswith(begin) for one, begin in zip(found, actions, strict=True))


def test_what_was_done_at_once_is_no_promise_below_the_resolution() -> None:
    text = "## Resolution\n\n### Immediate Actions\n\n1. Checked the log.\n\n## Action items\n"
    assert keys_of(read(text)) == ["agent_path", "actions"]


@pytest.mark.parametrize(
    ("heading", "key"),
    [
        ("Proposed Fixes", "actions"),
        ("Non-action items (considered, not done)", None),
        ("Descrição do Problema", "summary"),
    ],
)
def test_headings_of_the_draw_are_read_by_their_words(heading: str, key: str | None) -> None:
    assert keys_of(read(f"# T\n\n## {heading}\n\nText.\n"))[1:] == [key]


def test_a_title_that_begins_with_rca_is_a_title() -> None:
    assert keys_of(read("# RCA — run 15 timed out\n\n## Root cause\n\nText.\n"))[0] is None


def test_a_row_below_a_column_of_times_is_named_where_its_time_is_not_read() -> None:
    rows = "| 2026-06-09 04:02 | a video |\n| same day | a test |\n"
    document = read(f"# T\n\n## Timeline\n\n| Time | Event |\n|---|---|\n{rows}")
    assert [one.line for one in unread_times(document)] == [8]


def test_names_alone_leave_those_in_small_letters_headings_too() -> None:
    names = ("Summary", "Detection chain", "Timeline", "Outcome asserts", "Lessons", "Root cause")
    body = "\n".join(f"{name}\n\nText.\n" for name in names)
    found = [section.heading for section in read(f"# It fell\n\n{body}").sections]
    assert found == ["It fell", *names]


def test_an_empty_row_below_a_column_of_times_is_no_time() -> None:
    text = "# T\n\n## Timeline\n\n| Time | Event |\n|---|---|\n| | |\n|  |  |\n"
    assert not list(unread_times(read(text)))


def test_a_list_of_promises_below_another_heading_is_named_once() -> None:
    text = "# T\n\n## Order from here\n\n1. **Apply the cap**\n2. Log the size\n3. Test it again\n"
    (found,) = unread_actions(read(text))
    assert found.line == 5
    assert "(as in 2 further lines)" in found.write
