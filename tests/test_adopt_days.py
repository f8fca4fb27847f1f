"""Which day, severity, clocks and actions an old text is taken to tell, and which it is not."""

from __future__ import annotations

from pathlib import PurePath

import pytest
from kb.adopt.derived_fact import DerivedFact
from kb.adopt.stated_facts import derive
from kb.config import Config
from kb.records.compound_values import CLOCK_NAMES
from kb.records.document import Document, read_document
from kb.records.form import build_form
from kb.records.informal_action_items import read_all_actions


def read(text: str, name: str = "pump.md") -> Document:
    return read_document(text.encode(), PurePath(name), build_form(Config()))


def facts(text: str, name: str = "pump.md") -> dict[str, DerivedFact]:
    return {fact.key: fact for fact in derive(read(text, name))}


def actions(text: str) -> list[str]:
    document = read(f"# A pump stood still\n\n{text}")
    section = document.section("actions")
    return (
        [one.text for one in read_all_actions(section.lines, document.actions)] if section else []
    )


@pytest.mark.parametrize(
    ("name", "text", "day"),
    [
        (
            "2021-04-21-key.md",
            "# A key leaked\n\nIt leaked on 2021-04-21, and was found in 2020-01-02.\n",
            "2021-04-21",
        ),
        (
            "a.md",
            "# Down\n\n| Occurred | 2026-03-02 |\n|---|---|\n| Detected | 2026-03-23 |\n",
            "2026-03-02",
        ),
        ("a.md", "# 停止\n\n> **首次发生时间（UTC）**：2026-07-21 07:42\n", "2026-07-21"),
        # A date and a heading may be of the writing: the lead names a day before it alone.
        ("a.md", "# Down\n\nDate: 2026-07-20\n\n## Summary\n\nOn 2026-07-11 it fell.\n", ""),
        ("a.md", "# Down, 2026-07-20\n\n## Summary\n\nOn July 11 it fell.\n", ""),
        (
            "a.md",
            "# Down\n\nDate: 2026-07-20\n\n## Summary\n\nOn 2026-07-11, then 2026-07-20.\n",
            "2026-07-20",
        ),
        # The name of a file and the first day of the text differ.
        ("2026-08-03-x.md", "# Down\n\nSince 2026-07-28. Seen on 2026-08-03.\n", ""),
        ("2026-08-03-x.md", "# Down\n\nOn 2026-08-03. Made on 2026-07-28.\n", "2026-08-03"),
        ("2026-08-03-x.md", "# Down\n\n" + "It.\n\n" * 20 + "## Why\n\nOn 2026-07-28.\n", ""),
        ("a.md", "# Down\n\nOn March 28th at 20:49 it fell.\n", ""),
        # The only day is that of the writing, the end, or of something else.
        ("a.md", "# Runbook\n\n**Owner:** ops\n**Last reviewed:** 2026-05-07\n", ""),
        ("a.md", "# Down\n\n**Fixed**: 2026-04-20\n**Impact**: high\n", ""),
        ("a.md", "# Down\n\nSprint: 2026-04-20\n\nIt fell.\n", ""),
        # A date that says it is of something else, one at the foot, one of a repair.
        ("a.md", "# Down\n\n**Date:** 2026-05-23 (the incident predates the rewrite)\n", ""),
        (
            "a.md",
            "# Down\n\n## Summary\n\nIt fell.\n\n## Cause\n\nA rule.\n\n## Author\n\nAda\n\n"
            "Date: 2025-09-02\n",
            "",
        ),
        ("a.md", "# Incidents\n\n- **Scroll**: Fixed in the last session (2026-06-30).\n", ""),
        # The timeline has the year of it.
        (
            "a.md",
            "# Down\n\nOn January 21st it fell.\n\n## Timeline\n\n- 2020-01-21 15:36: down\n",
            "2020-01-21",
        ),
        ("a.md", "# Down\n\n## Date of incident\n\n`03-MAR-2026`\n", "2026-03-03"),
        # A log of several incidents.
        (
            "incidents.md",
            "# Down on 2026-01-21\n\nOn 2026-01-21.\n\n# Out on 2026-01-24\n\nOn 2026-01-24.\n",
            "",
        ),
        (
            "incidents.md",
            "# Incidents\n\n## Incident 1 - down\n\n**Date**: 2026-04-13 **Severity**: S2\n\n"
            "## Incident 2 - down again\n\n**Date**: 2026-04-13\n",
            "",
        ),
        (
            "incidents.md",
            "# Incidents\n\n## Down\n\n- Date: 2026-04-13\n\n## Out\n\n- Date: 2026-04-15\n",
            "",
        ),
        (
            "a.md",
            "# Faults\n\nIncident date: 2026-04-13\n\n## Incident 1\n\nDown.\n\n## Incident 2\n",
            "2026-04-13",
        ),
        (
            "a.md",
            "# Down\n\n**Incident window:** through 2026-05; guard shipped 2026-06-04\n",
            "",
        ),
        # A timeline may have its days in headings alone.
        (
            "a.md",
            "# Down\n\nDate: 2026-07-28\n\n## Timeline\n\n#### [2026-06-29]\nThe bug is merged.\n\n"
            "#### [2026-07-22]\nIt is found.\n",
            "",
        ),
        # Two lines call two days that of the incident.
        ("a.md", "# Down\n\nOccurred: 2026-03-02\nIncident date: 2026-03-05\n", ""),
        # Of two days neither is taken.
        ("a.md", "# Down\n\nIt began on 2026-06-13 and was seen on 2026-06-14.\n", ""),
        ("a.md", "---\ndate: 2026-07-11\n---\n# Down\n\n## Summary\n\nDown on 2026-04-07.\n", ""),
        ("a.md", "# Down\n\nDate: 2026-07-11\n\n## Timeline\n\n- 2026-07-01 10:00 UTC: down\n", ""),
        (
            "a.md",
            "# Malware\n\n## Summary\n\nOn August 16 it came.\n\n## Later\n\n2023-08-18: known.\n",
            "",
        ),
        (
            "a.md",
            "# Down\n\nDate: 2025-02-12\n\n## Timeline\n\n- 2025-02-10 00:21 UTC: down\n"
            "- 2025-02-12 10:00 UTC: up\n",
            "",
        ),
        ("2021-06-01-leak.md", "# Leak\n\n## Timeline\n\n- 2021-03-04: leaked\n", ""),
        ("a.md", "# January 2020 – a server was down\n\nIt was down.\n", ""),
        # Far below, a day is that of the repair.
        ("a.md", "# Down\n\n" + "It was.\n\n" * 20 + "## Repair\n\nOn 2025-12-26.\n", ""),
        # A file may be named for the last day of a timeline.
        (
            "2026-08-03-x.md",
            "# Down\n\n## Timeline\n\n- 2026-05-28: began\n- 2026-08-02: mended\n",
            "",
        ),
        # A span is of the day it begins on.
        ("2026-07-16-x.md", "# Down\n\n- **Date range**: 2026-07-15 -> 2026-07-16\n", ""),
        # A heading of one day, and a timeline and a file name of another.
        (
            "20210607-auth.md",
            "# 2021-06-03 - no login\n\n## Timeline\n\n- 2021-06-07 12:37 UTC: none\n",
            "",
        ),
        # The page of a site says when it was published, that of a status page when it began.
        ("2026-04-02-x.md", "---\nauthors: [ada]\ndate: 2026-04-02\n---\n# Down\n\nIt was.\n", ""),
        # A file is named for the day after that on which its timeline begins.
        (
            "2019-12-23-leak.md",
            "# Leak\n\nOn Sunday 22nd December it was told.\n\n## Timeline\n\n"
            "- **2019-12-22 17:24**\n  A report comes.\n- **2019-12-23 09:30**\n  A fix.\n",
            "2019-12-22",
        ),
        (
            "a.md",
            "# Down\n\nDate: 2020-05-10\n\n## Timeline\n\n- 22:30 UTC: reboot\n- 22:46 UTC: down\n",
            "2020-05-10",
        ),
    ],
)
def test_a_day_is_known_where_two_places_agree_and_none_contradicts(
    name: str, text: str, day: str
) -> None:
    assert facts(text, name)["date"].value == day


@pytest.mark.parametrize(
    ("name", "text", "day"),
    [
        # A blog is named for the day it was written on.
        (
            "2021-04-21-key.md",
            "# A key leaked\n\nOn 18th April 2021 somebody found a key.\n",
            "2021-04-18",
        ),
        ("2015-08-13-x.md", "# The outage of August 10th\n\nIt was down.\n", "2015-08-10"),
        ("2015-08-13-x.md", "# The outage\n\nOn August 10th it was down.\n", "2015-08-10"),
        ("2021-04-21-key.md", "# A key leaked\n\nIt leaked.\n", "2021-04-21"),
        # A day far below, in a link or in code is no day of the incident.
        (
            "2021-04-21-key.md",
            "# A key leaked\n\n## Summary\n\nIt leaked.\n\n## Lessons\n\nAs on 2020-02-02.\n",
            "2021-04-21",
        ),
        (
            "a.md",
            "# It was down\n\nOn 14 de julho de 2026, see [a](https://x.org/2020/01/02).\n",
            "2026-07-14",
        ),
        # The lead names the day; what led to it stands in the timeline, too.
        (
            "a.md",
            "# Down\n\n## Summary\n\nOn 2023-07-20 it was."
            "\n\n## Timeline\n\n- 2023-07-19: merged\n- 2023-07-20: down\n",
            "2023-07-20",
        ),
        ("a.md", '+++\ntitle = "Down on 2023-01-25"\n+++\n\nIt was down.\n', "2023-01-25"),
        (
            "a.md",
            "# Down\n\nOn 2026-05-24 and 2026-05-25.\n\n## Timeline\n\n- 2026-05-11: shipped\n"
            "- 2026-05-24: failed\n- 2026-05-25: failed\n",
            "2026-05-24",
        ),
        ("a.md", "# Down\n\nDate: 2026-07-20\n\nMade in 2024-02-03, it fell.\n", "2026-07-20"),
        (
            "2026-08-03-x.md",
            "# Down\n\n" + "It.\n\n" * 20 + "## Next\n\nBy 2026-09-01.\n",
            "2026-08-03",
        ),
        ("2026-07-16-x.md", "# Down\n\nIt fell. Mended on 2026-07-18.\n", "2026-07-16"),
        ("a.md", "# Down\n\nDuration: November 10, 2023, 8:00 PM - 2:00 AM\n", "2023-11-10"),
        ("a.md", "# Down\n\nAt 01:52 UTC, 2022-10-28, it fell.\n", "2022-10-28"),
        (
            "a.md",
            "# Down\n\nPosted On: August 11th, 2023\n\nOn June 28, 2023 it fell.\n",
            "2023-06-28",
        ),
        # A span of days is written with a wave, too.
        ("2026-03-10-x.md", "# Down\n\n**发现时间**: 2026-03-04 ~ 2026-03-06\n", "2026-03-04"),
        # Where a timeline begins with times alone a later day is not its begin.
        (
            "a.md",
            "# Down (Apr 4, 2026)\n\n## Timeline\n\n- 11:30 UTC: down\n- 2026-04-20: written\n",
            "2026-04-04",
        ),
        ("a.md", "# Down\n\n**Date:** 2026-05-23 (discovered)\n", "2026-05-23"),
        # Headings with the number of one incident are no log of several.
        (
            "a.md",
            "# Down\n\nDate: 2026-04-13\n\n## Incident 4711: cause\n\nA rule.\n\n"
            "## Incident 4711: repair\n\nIt was taken out.\n",
            "2026-04-13",
        ),
        (
            "a.md",
            "# Two faults of 2026-04-13\n\n## Incident 1\n\nDown.\n\n## Incident 2\n\nOut.\n",
            "2026-04-13",
        ),
        ("a.md", "# Down\n\n- **Date range**: 2026-07-15 -> 2026-07-16\n", "2026-07-15"),
        ("a.md", "# Silence from April 6 to April 11, 2023\n\nIt was still.\n", "2023-04-06"),
        ("a.md", "# Silence from 6 to 11 April 2023\n\nIt was still.\n", "2023-04-06"),
        # A number before a day is no day.
        ("a.md", "# SEV 2 - 14 March 2026\n", "2026-03-14"),
        ("a.md", "# SEV 2-14 March 2026\n", "2026-03-14"),
        ("a.md", "# Incident #3 - 14 March 2026\n", "2026-03-14"),
        ("a.md", "# Incident #3–14 March 2026\n", "2026-03-14"),
        ("a.md", "# Postmortem 7 – 14 March 2026\n", "2026-03-14"),
        ("a.md", "# Outage of region 1 / 4 May 2026\n", "2026-05-04"),
        ("a.md", "# Outage of region 1 to 4 May 2026\n", "2026-05-04"),
        ("a.md", "# Ticket 42 - 5 March 2026\n", "2026-03-05"),
        ("a.md", "# Incident 12 - 5 March 2026, DB down\n", "2026-03-05"),
        (
            "a.md",
            "---\ndescription: x\nseverity: down\ndate: 2026-04-02\n---\n# Down\n\nIt was.\n",
            "2026-04-02",
        ),
        # Times without a day are of the one that the head names, and of a lead's perhaps not.
        (
            "a.md",
            "# Down\n\nThe reboot was set for May 10, 2020.\n\n## Timeline\n\n"
            "- 22:30 UTC: reboot\n- 00:26 UTC: down\n",
            "2020-05-10",
        ),
    ],
)
def test_a_day_that_one_place_alone_tells_is_proposed(name: str, text: str, day: str) -> None:
    fact = facts(text, name)["date"]
    assert (fact.value, fact.proposal) == ("", day)


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("Date: 2026-07-20\n\n## Summary\n\nOn 2026-07-11 it fell.\n", "2026-07-11"),
        (
            "Date: 2025-02-12\n\n## Timeline\n\n- 2025-02-10 00:21 UTC: down\n"
            "- 2025-02-12 10:00 UTC: up\n",
            "2025-02-10",
        ),
        ("It began in March 2026.\n", ""),
    ],
)
def test_of_days_that_disagree_the_likeliest_is_proposed(text: str, day: str) -> None:
    fact = facts(f"# Down\n\n{text}")["date"]
    assert (fact.value, fact.proposal) == ("", day)


def test_of_many_days_that_disagree_some_are_listed() -> None:
    days = "".join(f"Date: 2026-04-0{n}\n\n" for n in range(1, 7))
    source = facts(f"# Audit\n\n{days}")["date"].source
    assert source == (
        "line 3 says 2026-04-01, line 5 says 2026-04-02, line 7 says 2026-04-03 and 3 more"
    )


def test_a_text_that_names_days_is_not_dated_by_its_first_commit() -> None:
    fact = facts("# Down\n\nIt began on 2026-06-13 and was seen on 2026-06-14.\n")["date"]
    assert fact.source == "line 3 says 2026-06-13, line 3 says 2026-06-14"


@pytest.mark.parametrize(
    ("line", "key", "value"),
    [
        (
            "| Detected | 2026-04-19T14:30Z (during a rollout) |",
            "clocks.detected",
            "2026-04-19T14:30:00Z",
        ),
        ("- **Detected (UTC):** 2026-04-19 14:30", "clocks.detected", "2026-04-19T14:30:00Z"),
        (
            "> **首次发现时间（UTC）**：2026-07-21 07:42:40",
            "clocks.detected",
            "2026-07-21T07:42:40Z",
        ),
        ("Detected: 2026-04-19 14:30", "clocks.detected", ""),
        ("Detected: 2026-04-19 14:30 UTC, or at 15:30", "clocks.detected", ""),
        (
            "Detected: 2026-04-19 14:30 UTC\nDetected at: 2026-04-19 14:40 UTC",
            "clocks.detected",
            "",
        ),
        (
            "- Start (UTC): 2026-01-08T06:31:43Z (first seen as Errno 107)\n- End (UTC): ongoing",
            "clocks.first_impact",
            "2026-01-08T06:31:43Z",
        ),
        ("Start: 2026-01-08T06:31:43Z", "clocks.first_impact", ""),
        ("Detected: 2026-04-19 14:30 UTC (or 20 min later)", "clocks.detected", ""),
        ("- Severity (see `severity.md`): sev1", "severity", "SEV1"),
        ("- **Severity**: SEV-1 – Critical user-facing outage.", "severity", "SEV1"),
        ("**Severity:** SEV3. A single job, SEV1 for some.", "severity", "SEV3"),
        ("Severity: SEV1\n\nSeverity: SEV2", "severity", ""),
        ("- Severity: Low (SEV-3)", "severity", "SEV3"),
        ("- Severity: Low (was SEV-3)", "severity", ""),
        ("Authors: SRE on-call, Ada Lovelace", "owners", '["SRE on-call"]'),
        ("**Owner:** payments team / @bob", "owners", '["payments team"]'),
        ("Author: Ada Lovelace", "owners", ""),
    ],
)
def test_a_line_of_the_head_gives_a_value_or_leaves_it_unknown(
    line: str, key: str, value: str
) -> None:
    assert facts(f"# Down\n\n{line}\n")[key].value == value


@pytest.mark.parametrize("form", ["{}: {}", "| {} | {} |", "- **{}:** {}", "> {}: {}"])
@pytest.mark.parametrize("name", CLOCK_NAMES)
def test_each_clock_is_read_under_its_own_name(name: str, form: str) -> None:
    label = name.replace("_", " ").capitalize()
    line = form.format(label, "2022-09-06 20:50 UTC")
    assert facts(f"# Down\n\n{line}\n")[f"clocks.{name}"].value == "2022-09-06T20:50:00Z"


def test_below_the_name_of_a_kind_the_next_heading_is_the_title() -> None:
    text = "# Acme. Technical Incident Report\n## The pump stood still\n\nIt did.\n"
    assert facts(text)["title"].value == "The pump stood still"


def test_of_two_names_of_a_kind_the_one_that_says_more_is_the_title() -> None:
    text = "# Incident overview\n\n## Summary\n\nThe pump stood still.\n"
    assert facts(text, "overview.md")["title"].value == "Incident overview"


def test_a_title_in_front_matter_does_not_end_at_its_colon() -> None:
    text = "---\ntitle: Pump failure: 47 days of silence\ndate: 2026-05-04\n---\n\nIt stood.\n"
    assert facts(text)["title"].value == "Pump failure: 47 days of silence"


def test_a_value_of_the_head_is_no_title() -> None:
    text = "# Incident Report & Postmortem\n\n## Project: Pumps\n## Date: May 2026\n\nIt did.\n"
    title = facts(text)["title"]
    assert (title.value, title.source, title.stands_in) == ("pump", "the file name", True)


@pytest.mark.parametrize(
    ("text", "title"),
    [
        (
            "### Summary\n\nThe pump stood still after a reboot\n",
            "The pump stood still after a reboot",
        ),
        ("### Summary\n\nThe pump stood still.\n\nIt did\n", "Incident report ?"),
        # The name of the file, which an export puts before the text.
        (
            "# 2026-05-29_pump-stood-still\n\n# Incident: the pump stood still\n",
            "the pump stood still",
        ),
        # What is left without the kind of document is a title where it says something.
        ("# Incident retro - merging\n", "Incident retro - merging"),
        ("# Incident retro - search not available\n", "search not available"),
        ("# pump-stood-still\n\nIt did.\n", "pump-stood-still"),
        ("# 2025-07-30/31 Outage of the pump\n", "Outage of the pump"),
        # Where every heading is of the first level the next may be a section.
        (
            "# payment-api-outage\n\nDate: 14 March 2026\n\n# Root cause\n\nA rule.\n",
            "payment-api-outage",
        ),
        ("# payment-api-outage\n\n# Root cause\n\nA rule.\n", "payment-api-outage"),
        ("# payment-api-outage\n\n# What happened\n\nIt did.\n", "payment-api-outage"),
        ("# payment-api-outage\n\nIt did.\n\n# The pump stood\n", "payment-api-outage"),
        ("# payment-api-outage\n\n## Notes\n\nIt.\n\n# The pump stood\n", "payment-api-outage"),
        # A day within a title stays as it was written.
        ("# SEV 2 - 14 March 2026\n", "SEV 2 - 14 March 2026"),
        ("# Incident 12 - 5 March 2026: DB down\n", "Incident 12 - 5 March 2026: DB down"),
        ("# Silence from 6 to 11 April 2023\n", "Silence from 6 to 11 April 2023"),
        ("# 1 May 2026 – silence of 6–11 April 2026\n", "silence of 6–11 April 2026"),
        ("# March 2–5, 2026 – silence, March 3-4, 2026\n", "silence, March 3-4, 2026"),
        # Without a heading: the first line, where it is no sentence.
        ("**Incident report** – the pump stood still\n\nIt did.\n", "the pump stood still"),
        # A kind with a name before it is a title, where what stands below is a part.
        ("#  CVE-2021-41773 Post mortem\n\n## Raw data\n\nIt.\n", "CVE-2021-41773 Post mortem"),
        ("# Postmortem · The pump stood still\n", "The pump stood still"),
        ("# Incidente — A bomba ficou parada\n", "A bomba ficou parada"),
        # Of several parts the first is no title.
        (
            "# Análisis postmortem\n\n## Little experience\n\nIt.\n\n## Tests\n",
            "Análisis postmortem ?",
        ),
        ("# 0x19. Postmortem\n\n## Issue summary\n\nIt.\n", "0x19. Postmortem ?"),
        ("**Postmortem: the pump stood still**\n\nIt did.\n", "the pump stood still"),
        # What a generator of pages and a converter add.
        ('# \\_pump stood still[¶](#pump "Permanent link")\n', "_pump stood still"),
    ],
)
def test_a_title_is_what_happened(text: str, title: str) -> None:
    fact = facts(text, "Incident report.md")["title"]
    assert f"{fact.value}{' ?' * fact.stands_in}" == title


@pytest.mark.parametrize(
    ("text", "read"),
    [
        # Where the actions have boxes a list that explains is none.
        (
            "## Action items\n\n- [x] move it\n\n### Why\n\nIt can fail so:\n\n1. burn\n2. leak\n",
            ["move it"],
        ),
        ("## Action items\n\n- [x] move it\n\n### Later\n\n- paint it\n", ["move it", "paint it"]),
        # Bullets between numbers are details of these.
        (
            "## Action items\n\n1. **Move it**\n\n- to the left\n- by May\n\n2. Paint it\n",
            ["**Move it**", "Paint it"],
        ),
        ("## Action items\n\n- move it\n- Owner: ops\n- paint it\n", ["move it", "paint it"]),
        (
            "## Action items\n\n### Move it\n\n- **Owner:** ops\n- Due: 2026-05-01\n- left\n",
            ["Move it"],
        ),
        ("## Action items\n\n- None\n", []),
        ("## Action items\n\n- [ ] move it\n- [x]\n- [ ] \n", ["move it"]),
        ("## Próximos passos\n\n- [ ] mover\n- pintar\n", ["mover", "pintar"]),
        (
            "## 11. 剩余行动项\n\n| ID | 行动项 | 状态 |\n|---|---|---|\n| A1 | 修复 | 未开始 |\n",
            ["修复 (未开始)"],
        ),
        (
            "## Preventive enhancements\n\n- watch it\n\n## Open follow-ups\n\n- paint it\n",
            ["watch it", "paint it"],
        ),
    ],
)
def test_actions_are_counted_without_their_details(text: str, read: list[str]) -> None:
    assert actions(text) == read
