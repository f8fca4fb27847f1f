"""Each kind of file that postmortems are taken from, in the shape its documentation gives."""

from __future__ import annotations

import importlib
import io
import json
import pkgutil
import re
import zipfile
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import kb.adopt.sources
import markdownify
import pytest
from kb.adopt.adoption import AdoptedFile, plan, write
from kb.adopt.input_files import Found, find_files
from kb.adopt.sources.html_text import MOST_TAGS, markdown_of, parse
from kb.adopt.sources.registry import sources
from kb.adopt.sources.word import MOST_TAGS as MOST_XML_TAGS
from kb.library import open_library
from kb.records.postmortem import Postmortem
from kb.repo import open_repo

from backtracking import Matcher

GOOGLE_DOCS = """<html><head><meta content="text/html; charset=UTF-8" http-equiv="content-type">
<style type="text/css">.c1{font-weight:700}</style></head><body class="c5 doc-content">
<p class="c3 title" id="h.1"><span>Mails went out twice</span></p>
<p class="c0"><span>Incident date: March 4, 2021</span></p>
<p class="c0"><span>Severity: SEV2</span></p>
<h1 class="c4" id="h.2"><span>Summary</span></h1>
<p class="c0"><span>The job ran twice. See </span><span><a
href="https://www.google.com/url?q=https://example.org/run&amp;sa=D&amp;ust=1">the run</a></span>
<img alt="a graph" src="images/image1.png"></p>
<h1 class="c4"><span>Action items</span></h1>
<table><tr><td><p>Action</p></td><td><p>Owner</p></td></tr>
<tr><td><p>lock the job</p></td><td><p>mail team</p></td></tr></table></body></html>"""

CONFLUENCE = """<!DOCTYPE html><html><head><title>OPS : Disk was full</title>
<link rel="stylesheet" href="styles/site.css"></head><body class="theme-default aui-theme-default">
<div id="page"><div id="main"><div id="main-header">
<div id="breadcrumb-section"><ol id="breadcrumbs"><li><a href="index.html">OPS</a></li></ol></div>
<h1 id="title-heading" class="pagetitle"><span id="title-text"> OPS : Disk was full </span></h1>
</div><div id="content" class="view"><div class="page-metadata">Created by
<span class="author">Alma Grün</span>, last modified on Mar 05, 2021</div>
<div id="main-content" class="wiki-content group"><table class="confluenceTable"><tbody>
<tr><th class="confluenceTh"><p>Incident date</p></th><td class="confluenceTd">4 March 2021</td>
</tr><tr><th class="confluenceTh">Severity</th><td class="confluenceTd">SEV-3</td></tr>
</tbody></table><h2>Summary</h2><p>Logs filled the disk.</p><h2>Action items</h2>
<ul class="inline-task-list"><li data-inline-task-id="1">rotate the logs</li>
<li class="checked" data-inline-task-id="2">free the disk</li></ul></div></div></div>
<div id="footer" role="contentinfo">Atlassian</div></div></body></html>"""

NOTION = """# Cache was stale

Incident date: March 4, 2021 10:15 AM (UTC)
Severity: SEV1
Created by: somebody

## Summary

An old price was shown.

## Action items

- [ ] shorten the time to live
"""
NOTION_ID = "0a1b2c3d4e5f60718293a4b5c6d7e8f9"

PAGERDUTY = {
    "incidents": [
        {
            "id": "PT4KHLK",
            "type": "incident",
            "incident_number": 1234,
            "title": "The server is on fire.",
            "created_at": "2021-03-04T10:15:00Z",
            "resolved_at": "2021-03-04T11:00:00Z",
            "status": "resolved",
            "priority": {"type": "priority_reference", "summary": "P2"},
            "body": {"type": "incident_body", "details": "Flames in rack four."},
            "assignments": [{"assignee": {"type": "user_reference", "summary": "Alma Grün"}}],
        },
        {
            "id": "PT4KHLX",
            "type": "incident",
            "incident_number": 1235,
            "title": "The pump stood still.",
            "created_at": "2021-03-06T10:15:00Z",
            "status": "triggered",
        },
    ],
    "log_entries": [
        {
            "type": "acknowledge_log_entry",
            "summary": "Acknowledged by Alma Grün",
            "created_at": "2021-03-04T10:20:00Z",
            "agent": {"type": "user_reference", "summary": "Alma Grün"},
            "incident": {"id": "PT4KHLK"},
        }
    ],
}

INCIDENT_IO = {
    "incident": {
        "id": "01FDAG4SAP5TYPT98WGR2N7W91",
        "reference": "INC-123",
        "name": "Our database is sad",
        "summary": "It wept and answered nothing.",
        "created_at": "2021-03-05T08:00:00Z",
        "severity": {"name": "Major", "rank": 2},
        "incident_status": {"category": "closed", "name": "Closed"},
        "incident_timestamp_values": [
            {
                "incident_timestamp": {"name": "Impact started"},
                "value": {"value": "2021-03-04T10:15:00Z"},
            },
            {
                "incident_timestamp": {"name": "Resolved at"},
                "value": {"value": "2021-03-04T12:15:00Z"},
            },
        ],
        "custom_field_entries": [
            {
                "custom_field": {"name": "Root cause"},
                "values": [{"value_text": "No index on orders."}],
            }
        ],
    },
    "follow_ups": [
        {
            "incident_id": "01FDAG4SAP5TYPT98WGR2N7W91",
            "title": "add an index",
            "status": "completed",
        }
    ],
}

FIREHYDRANT = {
    "data": [
        {
            "id": "a1",
            "number": 7,
            "name": "Search gave nothing",
            "created_at": "2021-03-04T10:20:00Z",
            "started_at": "2021-03-04T10:15:00Z",
            "severity": "SEV2",
            "summary": "The index was empty.",
            "customer_impact_summary": "Nobody found anything.",
            "milestones": [
                {"type": "started", "occurred_at": "2021-03-04T10:15:00Z"},
                {"type": "mitigated", "occurred_at": "2021-03-04T10:45:00Z"},
                {"type": "resolved", "occurred_at": "2021-03-04T11:45:00Z"},
            ],
        }
    ]
}

ROOTLY = {
    "data": [
        {
            "id": "8f7b3a52",
            "type": "incidents",
            "attributes": {
                "sequential_id": 42,
                "title": "Payments were refused",
                "summary": "A key had run out.",
                "severity": {"data": {"attributes": {"name": "SEV1", "severity": "critical"}}},
                "started_at": "2021-03-04T02:15:00.000-08:00",
                "detected_at": "2021-03-04T10:20:00.000Z",
                "acknowledged_at": None,
                "mitigated_at": "2021-03-04T10:50:00.000Z",
                "resolved_at": "2021-03-04T11:00:00.000Z",
                "resolution_message": "The key was renewed.",
                "created_at": "2021-03-04T10:21:00.000Z",
                "user": {"data": {"attributes": {"name": "Alma Grün"}}},
            },
        }
    ],
    "included": [
        {
            "id": "1",
            "type": "incident_action_items",
            "attributes": {
                "incident_id": "8f7b3a52",
                "summary": "warn of keys that run out",
                "status": "open",
            },
        }
    ],
}

OPSGENIE = {
    "data": {
        "id": "70413a06-38d6-4c85-92b8-5ebc900d42e2",
        "tinyId": "1791",
        "message": "Login failed for all",
        "description": "A certificate had run out.",
        "status": "closed",
        "priority": "P1",
        "createdAt": "2021-03-04T10:20:00Z",
        "impactStartDate": "2021-03-04T10:15:00Z",
        "impactEndDate": "2021-03-04T11:15:00Z",
        "responders": [{"type": "user", "id": "u1"}],
    }
}

JIRA = {
    "issues": [
        {
            "id": "10002",
            "key": "PM-7",
            "fields": {
                "summary": "Orders were lost",
                "created": "2021-03-09T10:15:00.000+0000",
                "priority": {"name": "Highest"},
                "reporter": {"displayName": "Alma Grün"},
                "description": {
                    "type": "doc",
                    "version": 1,
                    "content": [
                        {
                            "type": "paragraph",
                            "content": [{"type": "text", "text": "A queue ran over."}],
                        },
                        {
                            "type": "heading",
                            "attrs": {"level": 1},
                            "content": [{"type": "text", "text": "Action items"}],
                        },
                        {
                            "type": "bulletList",
                            "content": [
                                {
                                    "type": "listItem",
                                    "content": [
                                        {
                                            "type": "paragraph",
                                            "content": [
                                                {"type": "text", "text": "bound the queue, "},
                                                {"type": "mention", "attrs": {"text": "@Alma"}},
                                            ],
                                        }
                                    ],
                                }
                            ],
                        },
                    ],
                },
            },
        },
        {
            "id": "10003",
            "key": "PM-8",
            "fields": {
                "summary": "Orders came twice",
                "created": None,
                "description": "h2. Why\nA retry.",
            },
        },
    ]
}

GITHUB = [
    {
        "number": 12,
        "title": "Site was down",
        "body": "Incident date: 2021-03-04\r\n\r\n## Action items\r\n\r\n- [x] restart it\r\n",
        "createdAt": "2021-03-09T08:00:00Z",
        "labels": [{"name": "incident"}, {"name": "SEV-2"}],
        "author": {"login": "alma"},
    },
    {"number": 13, "title": "Site was slow", "body": "Slow.", "createdAt": "2021-03-10T08:00:00Z"},
]

CSV = (
    "Key,Name,Started at,Sev,Root cause\n"
    "INC-1,Feed stood still,2021-03-04 10:15 UTC,SEV3,A lock was held.\n"
    'INC-2,Feed ran twice,9/2/2021,high,"Two lines\nof text"\n'
)
CSV_COLUMNS = {"title": "Name", "date": "Started at", "severity": "Sev", "id": "Key"}


@pytest.fixture
def library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "postmortems").mkdir()
    (tmp_path / "kb.toml").write_text("")
    (tmp_path / "old").mkdir()
    monkeypatch.chdir(tmp_path)
    return tmp_path


def planned(library: Path, columns: Mapping[str, str] | None = None) -> tuple[AdoptedFile, ...]:
    return plan(open_library(library), open_repo(library), found(library, columns).files)


def found(library: Path, columns: Mapping[str, str] | None = None) -> Found:
    return find_files(sorted((library / "old").iterdir()), library, columns)


def adopted(library: Path, name: str, content: Any) -> list[Postmortem]:
    """The records that a file in `old` becomes."""
    raw = content if isinstance(content, str | bytes) else json.dumps(content)
    (library / "old" / name).write_bytes(raw if isinstance(raw, bytes) else raw.encode())
    files = planned(library)
    assert [file.refusal for file in files if file.refusal] == []
    write(open_library(library), files)
    return list(open_library(library).records)


def at(hour: int, minute: int) -> datetime:
    return datetime(2021, 3, 4, hour, minute, tzinfo=UTC)


def text_of(library: Path, record: Postmortem) -> str:
    return (library / record.path).read_text()


def docx(*paragraphs: tuple[str, str]) -> bytes:
    """A Word file of paragraphs with the names of their styles, by ECMA-376."""
    space = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
    package = "http://schemas.openxmlformats.org/package/2006"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    word = "application/vnd.openxmlformats-officedocument.wordprocessingml"
    styles = {style: f"S{number}" for number, (style, _) in enumerate(paragraphs)}
    body = "".join(
        f'<w:p><w:pPr><w:pStyle w:val="{styles[style]}"/></w:pPr><w:r><w:t>{text}</w:t></w:r></w:p>'
        for style, text in paragraphs
    )
    named = "".join(
        f'<w:style w:type="paragraph" w:styleId="{key}"><w:name w:val="{style}"/></w:style>'
        for style, key in styles.items()
    )
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w") as parts:
        parts.writestr(
            "[Content_Types].xml",
            f'<Types xmlns="{package}/content-types"><Default Extension="rels" '
            'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            f'<Override PartName="/word/document.xml" ContentType="{word}.document.main+xml"/>'
            f'<Override PartName="/word/styles.xml" ContentType="{word}.styles+xml"/></Types>',
        )
        parts.writestr(
            "_rels/.rels",
            f'<Relationships xmlns="{package}/relationships"><Relationship Id="r1" '
            f'Type="{office}/officeDocument" Target="word/document.xml"/></Relationships>',
        )
        parts.writestr(
            "word/_rels/document.xml.rels",
            f'<Relationships xmlns="{package}/relationships"><Relationship Id="r1" '
            f'Type="{office}/styles" Target="styles.xml"/></Relationships>',
        )
        parts.writestr("word/styles.xml", f"<w:styles {space}>{named}</w:styles>")
        parts.writestr(
            "word/document.xml", f"<w:document {space}><w:body>{body}</w:body></w:document>"
        )
    return raw.getvalue()


def test_a_word_file_gives_its_title_its_headings_and_its_values(library: Path) -> None:
    raw = docx(
        ("Title", "Pump stood still"),
        ("Normal", "Incident date: 4 March 2021"),
        ("heading 1", "Summary"),
        ("Normal", "A valve was shut."),
    )
    (record,) = adopted(library, "pump.docx", raw)
    assert (record.id, record.title) == ("2021-03-04-pump-stood-still", "Pump stood still")
    assert "\n## Summary\n\nA valve was shut.\n" in text_of(library, record)


def test_google_docs_html_gives_title_table_and_plain_links(library: Path) -> None:
    (record,) = adopted(library, "doc.html", GOOGLE_DOCS)
    assert (record.title, record.severity) == ("Mails went out twice", "SEV2")
    assert str(record.date) == "2021-03-04"
    text = text_of(library, record)
    assert "[the run](https://example.org/run)" in text
    assert "(image: a graph)" in text
    assert "font-weight" not in text
    assert "| lock the job | mail team |" in text
    assert record.actions == ()  # nobody says whether it was done


def test_confluence_html_gives_what_was_written_and_not_who_wrote_it(library: Path) -> None:
    (record,) = adopted(library, "Disk-was-full_123.html", CONFLUENCE)
    assert (record.title, record.severity, str(record.date)) == (
        "Disk was full",
        "SEV3",
        "2021-03-04",
    )
    assert "Alma" not in text_of(library, record)
    assert [action.state for action in record.actions] == ["open", "closed"]


def test_an_empty_task_of_confluence_is_no_action(library: Path) -> None:
    """As the editor leaves one at the end of a list, beside a task that is given to somebody."""
    page = CONFLUENCE.replace(
        '<ul class="inline-task-list">',
        '<ul class="inline-task-list"><li data-inline-task-id="3"><span>watch the disk with '
        '<a class="confluence-userlink user-mention" href="#">disk team</a></span></li>'
        '<li data-inline-task-id="4"><span>&nbsp;</span></li>',
    ).replace("<h2>Summary</h2>", "<h2>Date: 4 Mar&nbsp; 2021</h2><h2>Summary</h2>")
    (record,) = adopted(library, "Disk-was-full_123.html", page)
    assert str(record.date) == "2021-03-04"
    assert [action.state for action in record.actions] == ["open", "open", "closed"]
    assert "- [ ] watch the disk with disk team\n" in text_of(library, record)


def test_a_notion_export_is_read_out_of_its_zip_and_its_table_is_said(library: Path) -> None:
    inside, outside = io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(inside, "w") as parts:
        parts.writestr(f"Postmortems {NOTION_ID}.csv", "Name,Date\n")
        parts.writestr(f"Postmortems/Cache was stale {NOTION_ID}.md", NOTION)
        parts.writestr("Postmortems/image.png", b"\x89PNG")
    with zipfile.ZipFile(outside, "w") as parts:
        parts.writestr("ExportBlock-1-Part-1.zip", inside.getvalue())
    (record,) = adopted(library, "export.zip", outside.getvalue())
    assert (record.title, record.severity, str(record.date)) == (
        "Cache was stale",
        "SEV1",
        "2021-03-04",
    )
    assert record.aliases == (
        f"old/export.zip/ExportBlock-1-Part-1.zip/Postmortems/Cache was stale {NOTION_ID}.md",
    )
    assert dict(found(library).left_alone) == {
        ".csv, which is read where it is named": 1,
        ".png": 1,
    }


def test_pagerduty_gives_an_incident_each_with_its_own_log_and_nobodys_name(library: Path) -> None:
    first, second = adopted(library, "pd.json", PAGERDUTY)
    assert (first.title, first.severity) == ("The server is on fire.", "")
    clocks = first.clocks
    assert (clocks.detected, clocks.acknowledged) == (at(10, 15), at(10, 20))
    assert (clocks.resolved, clocks.contained) == (at(11, 0), None)
    assert "Flames in rack four." in text_of(library, first)
    assert "Alma" not in text_of(library, first)
    assert (second.title, second.clocks.acknowledged) == ("The pump stood still.", None)
    assert first.aliases == ("old/pd.json#1234",)


def test_incident_io_gives_timestamps_fields_and_follow_ups(library: Path) -> None:
    (record,) = adopted(library, "io.json", INCIDENT_IO)
    assert (record.title, record.severity) == ("Our database is sad", "")
    assert str(record.date) == "2021-03-04"
    assert (record.clocks.first_impact, record.clocks.resolved) == (at(10, 15), at(12, 15))
    assert "## Root cause\n\nNo index on orders." in text_of(library, record)
    assert [(action.state, action.text) for action in record.actions] == [
        ("closed", "add an index")
    ]


def test_firehydrant_gives_milestones_and_severity(library: Path) -> None:
    (record,) = adopted(library, "fh.json", FIREHYDRANT)
    assert (record.title, record.severity) == ("Search gave nothing", "SEV2")
    clocks = record.clocks
    assert (clocks.first_impact, clocks.contained) == (at(10, 15), at(10, 45))
    assert clocks.resolved == at(11, 45)
    assert "## Customer impact\n\nNobody found anything." in text_of(library, record)


def test_rootly_may_give_its_severity_as_a_word_alone(library: Path) -> None:
    attributes = {"title": "Pool ran dry", "severity": "SEV-2", "started_at": "2026-04-10T15:00Z"}
    answer = {"data": {"id": "inc-123", "type": "incidents", "attributes": attributes}}
    (library / "old" / "one.json").write_text(json.dumps(answer), encoding="utf-8")
    (one,) = (file for file in planned(library) if file.content)
    assert b"severity: SEV2  # 'severity'" in one.content


def test_rootly_gives_its_five_times_in_utc_and_its_actions(library: Path) -> None:
    (record,) = adopted(library, "rootly.json", ROOTLY)
    assert (record.title, record.severity) == ("Payments were refused", "SEV1")
    clocks = record.clocks
    assert (clocks.first_impact, clocks.detected) == (at(10, 15), at(10, 20))
    assert (clocks.acknowledged, clocks.resolved) == (None, at(11, 0))
    assert [action.text for action in record.actions] == ["warn of keys that run out"]
    assert "Alma" not in text_of(library, record)


def test_opsgenie_gives_when_impact_began_and_leaves_open_when_it_was_resolved(
    library: Path,
) -> None:
    (record,) = adopted(library, "og.json", OPSGENIE)
    assert (record.title, record.severity) == ("Login failed for all", "")
    assert (record.clocks.first_impact, record.clocks.resolved) == (at(10, 15), None)
    assert "2021-03-04 11:15 UTC — impact ended" in text_of(library, record)


def test_jira_gives_the_day_of_entry_as_such_and_what_has_none_is_refused(library: Path) -> None:
    (library / "old" / "jira.json").write_text(json.dumps(JIRA))
    first, second = planned(library)
    date = next(fact for fact in first.facts if fact.key == "date")
    assert (date.value, date.source) == (
        "2021-03-09",
        "'created', when it was entered, and no other",
    )
    text = first.content.decode()
    assert "A queue ran over." in text
    assert "## Action items\n\n- bound the queue, someone" in text
    assert first.actions.number == 1
    assert second.source == "old/jira.json#PM-8"
    assert second.refusal.startswith("no date: nothing names a day")


def test_links_and_cards_of_jira_keep_where_they_lead(library: Path) -> None:
    def text(value: str, href: str = "") -> dict[str, Any]:
        marks = [{"type": "link", "attrs": {"href": href}}] if href else []
        return {"type": "text", "text": value, "marks": marks}

    card = {"type": "inlineCard", "attrs": {"url": "https://x.example/wiki/1"}}
    content = [
        {
            "type": "paragraph",
            "content": [
                text("See "),
                text("the log", "https://x.example/log"),
                text(" and "),
                card,
            ],
        },
        {"type": "blockCard", "attrs": {"url": "https://x.example/pr/2"}},
        {"type": "paragraph", "content": [text("odd", "java script:(x)"), text(" end")]},
    ]
    fields: dict[str, Any] = {"summary": "A queue ran over", "created": "2021-03-09T08:00:00Z"}
    fields["description"] = {"type": "doc", "content": content}
    issue = {"key": "PM-9", "fields": fields}
    (library / "old" / "jira.json").write_text(json.dumps({"issues": [issue]}))
    (first,) = planned(library)
    said = first.content.decode()
    assert "See [the log](https://x.example/log) and https://x.example/wiki/1\n" in said
    assert "\nhttps://x.example/pr/2\n" in said
    assert "odd end" in said


def test_github_issues_give_the_day_the_text_names_before_that_of_entry(library: Path) -> None:
    first, second = adopted(library, "issues.json", GITHUB)
    assert (str(first.date), first.severity) == ("2021-03-04", "SEV2")
    assert [action.state for action in first.actions] == ["closed"]
    assert str(second.date) == "2021-03-10"
    assert first.aliases == ("old/issues.json#12",)


def test_a_github_issue_without_a_title_is_refused_by_name(library: Path) -> None:
    untitled = {"number": 14, "title": " ", "body": "Down.", "createdAt": "2021-03-11T08:00:00Z"}
    nameless = {"body": "Down.", "createdAt": "2021-03-11T08:00:00Z"}
    (library / "old" / "issues.json").write_text(json.dumps([*GITHUB, untitled, nameless]))
    files = planned(library)
    refused = [(file.source, file.refusal) for file in files if file.refusal]
    assert len(files) == len(GITHUB) + 2
    assert refused == [
        ("old/issues.json#14", "no title: its title is empty"),
        ("old/issues.json#entry 4", "no title: its title is empty"),
    ]


def test_a_row_of_csv_is_a_record_with_its_other_columns_as_text(library: Path) -> None:
    (library / "old" / "all.csv").write_text(CSV)
    first, second = planned(library, CSV_COLUMNS)
    assert first.source == "old/all.csv#INC-1"
    facts = {fact.key: fact.value for fact in first.facts}
    assert (facts["date"], facts["severity"]) == ("2021-03-04", "SEV3")
    assert "Root cause" in first.content.decode()
    assert (
        second.refusal
        == "no date: column 'Started at' is '9/2/2021'; add 'Incident date: YYYY-MM-DD'"
    )


def test_what_a_file_says_stays_in_the_line_it_is_put_in(library: Path) -> None:
    head = '"Name\nroute: refunds\nx",When,Id\n'
    (library / "old" / "all.csv").write_text(f'{head}"Pump\nroute: a",2021-03-04,"1\nroute: b"\n')
    (file,) = planned(library, {"title": "Name\nroute: refunds\nx", "date": "When", "id": "Id"})
    write(open_library(library), [file])
    (record,) = open_library(library).records
    assert (record.title, record.route) == ("Pump route: a", "")
    assert record.aliases == ("old/all.csv#1 route: b",)


def test_a_page_of_too_many_tags_is_refused_before_it_is_read(library: Path) -> None:
    (library / "old" / "page.html").write_bytes(b"<p>" * (MOST_TAGS + 1))
    (file,) = planned(library)
    assert file.refusal == "HTML: HTML of 100,001 tags; at most 100,000 are read"


def test_a_word_file_of_too_much_xml_is_refused_before_it_is_read(library: Path) -> None:
    with zipfile.ZipFile(library / "old" / "x.docx", "w", zipfile.ZIP_DEFLATED) as parts:
        parts.writestr("word/document.xml", b"<a/>" * 3_000_000)
    (file,) = planned(library)
    assert file.refusal == "Word: 12 MB of XML; at most 10 MB are read"


def test_a_word_file_of_too_many_tags_is_refused_before_it_is_read(library: Path) -> None:
    with zipfile.ZipFile(library / "old" / "x.docx", "w", zipfile.ZIP_DEFLATED) as parts:
        parts.writestr("word/document.xml", b"<a/>" * (MOST_XML_TAGS + 1))
    (file,) = planned(library)
    assert file.refusal == "Word: XML of 200,001 tags; at most 200,000 are read"


class CountedPattern:
    """A pattern of the converter that refuses a text which it would read more than linearly."""

    def __init__(self, pattern: re.Pattern[str]) -> None:
        self.pattern = pattern

    def _counted(self, text: str, *, anchored: bool) -> None:
        Matcher(self.pattern.pattern, self.pattern.flags).work(text, anchored=anchored)

    def match(self, text: str) -> re.Match[str] | None:
        self._counted(text, anchored=True)
        return self.pattern.match(text)

    def sub(self, by: Any, text: str) -> str:
        self._counted(text, anchored=False)
        return self.pattern.sub(by, text)


@pytest.mark.parametrize("tag", ["p", "pre", "li", "td", "code", "h2", "blockquote"])
def test_a_row_of_spaces_in_a_page_is_no_puzzle_for_the_converter(
    tag: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("newline_whitespace", "whitespace", "pre_lstrip", "pre_rstrip"):
        pattern = getattr(markdownify, f"re_{name}")
        monkeypatch.setattr(markdownify, f"re_{name}", CountedPattern(pattern))
    for space in (" ", "\n", "\t", " \n"):
        row = space * 2000
        text, _ = markdown_of(parse(f"<{tag}>a{row}b{row}</{tag}>".encode()))
        assert re.sub(r"[^ab]", "", text) == "ab"


def test_spaces_of_a_page_are_kept_in_a_block_alone() -> None:
    page = parse(b"<p>a \t b \n c</p><pre>\n \n  x   y\n\n    <b>z   </b>\n \n</pre><p>d  e</p>")
    assert markdown_of(page)[0] == "a b\nc\n\n```\n  x   y\n\n    z\n```\n\nd e\n"


def test_half_a_character_in_json_is_no_fault(library: Path) -> None:
    raw = json.dumps(GITHUB[:1]).replace("Site was down", "Site \\ud800 was down")
    (record,) = adopted(library, "issues.json", raw)
    assert record.title == "Site ? was down"


REFUSED = {
    "empty.docx": (b"", "Word: no Word file inside"),
    "broken.docx": (docx(("Normal", "&nope;")), "Word: a Word file that mammoth cannot read"),
    "blank.html": (b"<html><body> </body></html>", "HTML: a page without text"),
    "broken.zip": (b"PK\x03\x04", "a zip that cannot be unpacked"),
    "run.json": (b'{"spans": []}', "JSON of none of these: PagerDuty, incident.io"),
    "no.json": (b"{", "JSON of none of these"),
    "pulls.json": (
        b'[{"title": "a", "body": "", "created_at": "2021-03-04T10:00:00Z", "html_url": "u",'
        b' "pull_request": {}}]',
        "GitHub issues: pull requests and no issue",
    ),
    "unnamed.csv": (b"Name,When\na,2021-03-04\n", "CSV: say which column is which"),
    "latin.csv": (b"title,date\n\xe9,2021-03-04\n", "CSV: no CSV in UTF-8"),
    "odd.csv": (b"title,date\na,2021-03-04,more\n", "CSV: row 1 has more cells than the head"),
    "notes.pages": (b"x", "no kind of file that is read"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_does_not_fit_is_refused_with_its_reason(library: Path, name: str) -> None:
    raw, why = REFUSED[name]
    (library / "old" / name).write_bytes(raw)
    (file,) = planned(library)
    assert file.refusal.startswith(why)


def test_a_folder_is_searched_for_what_is_known_and_the_rest_is_counted(library: Path) -> None:
    old = library / "old" / "mixed"
    old.mkdir()
    (old / "a.md").write_text("# A\n\nIncident date: 2021-03-04\n")
    (old / "fh.json").write_text(json.dumps(FIREHYDRANT))
    (old / "package.json").write_text("{}")
    (old / "graph.png").write_bytes(b"\x89PNG")
    evidence = old / "2026-01-02-a-record"
    evidence.mkdir()
    (evidence / "notes.md").write_text("# Notes\n\nIncident date: 2021-03-04\n")
    assert [file.source for file in planned(library)] == ["old/mixed/a.md", "old/mixed/fh.json#7"]
    left = dict(found(library).left_alone)
    assert left == {".png": 1, ".json of no incident tool": 1}


def test_every_source_says_where_its_shape_is_documented() -> None:
    found = [name for _, name, _ in pkgutil.iter_modules(kb.adopt.sources.__path__)]
    modules = [importlib.import_module(f"kb.adopt.sources.{name}") for name in found]
    rows = {module.SOURCE.name: module for module in modules if hasattr(module, "SOURCE")}
    assert rows.keys() == {source.name for source in sources()}
    for name in rows.keys() - {"Markdown", "CSV"}:
        assert "https://" in (rows[name].__doc__ or "")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (
            "incidents.json",
            {
                "incidents": [
                    {
                        "name": "A",
                        "reference": "INC-1",
                        "incident_status": {},
                        "custom_field_entries": 7,
                    },
                    {"id": "2", "name": "B", "reference": "INC-2", "incident_status": {}},
                ],
                "follow_ups": [{"incident_id": "2", "title": "t", "status": "completed"}],
            },
        ),
        ("jira.json", {"issues": 5, "key": "A-1", "fields": {}}),
    ],
)
def test_an_odd_file_of_a_tool_ends_no_run(library: Path, name: str, value: object) -> None:
    (library / "old" / name).write_text(json.dumps(value), encoding="utf-8")
    (library / "old" / "pump.md").write_text(
        "# Pump\n\nIncident date: 2021-03-04\n", encoding="utf-8"
    )
    assert "2021-03-04-pump.md" in [file.target.name for file in planned(library)]


def test_an_action_that_was_dropped_is_not_done(library: Path) -> None:
    value = {
        "incidents": [
            {
                "id": "1",
                "name": "Pump",
                "reference": "INC-1",
                "incident_status": {},
                "created_at": "2021-03-04T10:15:00Z",
            }
        ],
        "follow_ups": [
            {"incident_id": "1", "title": "watch it", "status": "completed"},
            {"incident_id": "1", "title": "replace it", "status": "not_doing"},
        ],
    }
    (library / "old" / "incidents.json").write_text(json.dumps(value), encoding="utf-8")
    (one,) = (file for file in planned(library) if file.content)
    assert b"- [x] watch it" in one.content
    assert b"- [-] replace it" in one.content


def test_columns_of_one_name_keep_their_cells(library: Path) -> None:
    table = "Title,Date,Notes,Notes\nPump,2021-03-04,first,second\n"
    (library / "old" / "list.csv").write_text(table, encoding="utf-8")
    files = plan(
        open_library(library),
        open_repo(library),
        find_files([library / "old" / "list.csv"], library, None).files,
    )
    (one,) = (file for file in files if file.content)
    assert b"first" in one.content
    assert b"second" in one.content


def test_a_page_that_lies_in_a_form_is_read(library: Path) -> None:
    text = "<h1>Pump</h1><p>Incident date: 2021-03-04</p><p>It stood.</p>"
    page = f"<html><body><form>{text}</form></body>"
    (library / "old" / "page.html").write_text(page, encoding="utf-8")
    (one,) = (file for file in planned(library) if file.content)
    assert b"It stood." in one.content
