"""Does hostile text of a record stay text? In the function that renders it, and on whole pages."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kb.library import open_library
from kb.repo import open_repo
from kb.site.gather import SiteRequest, gather
from kb.site.related_incidents import no_search
from kb.site.safe_html import rendered_html, to_html, to_inline_html
from kb.site.write import all_pages

ATTACKS = (
    "<script>window.hit=1</script>",
    "<img src=x onerror=window.hit=1>",
    "<svg/onload=window.hit=1>",
    "[click](javascript:window.hit=1)",
    "[click](JaVaScRiPt:window.hit=1)",
    "[click](data:text/html,<script>window.hit=1</script>)",
    "![x](https://tracker.example/pixel.png)",
    "[x](kb:../../../etc/passwd)",
    "`</code><script>window.hit=1</script>`",
    "<iframe srcdoc='<script>parent.hit=1</script>'></iframe>",
    "</div></article><style>*{display:none}</style>",
    '"><b onmouseover=window.hit=1>x</b>',
    "{{ config }} {% include 'x' %} {: onclick=alert(1) }",
    "[x]: javascript:window.hit=1\n\n[x]",
    "<!-- --><script>window.hit=1</script>",
    "\x02wzxhzdk:0\x03 \x1b]0;title\x07",
    "&lt;script&gt;window.hit=1&lt;/script&gt;",
)
HARMLESS = ("a -> b", "x<y and y>x", "snake_case_name", "2 * 3 * 4", "a & b")


@pytest.mark.parametrize("text", ATTACKS)
def test_nothing_of_an_attack_becomes_an_element_that_acts(text: str) -> None:
    html = to_html(text).lower()
    for word in ("<script", "<img", "<svg", "<iframe", "<style", "<b ", 'href="javascript', "\x1b"):
        assert word not in html
    assert 'href="data:' not in html
    assert 'href="kb:' not in html


@pytest.mark.parametrize("text", HARMLESS)
def test_ordinary_signs_survive(text: str) -> None:
    import html

    assert html.unescape(to_inline_html(text)) == text


def record_with(text: str) -> str:
    quoted = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", " ")
    clean = "".join(c if c >= " " else "?" for c in quoted)
    return f"""---
title: "Attack {clean}"
date: 2026-01-01
status: published
severity: "{clean}"
classes: ["{clean}"]
causes: ["{clean}"]
missing_control: "{clean}"
route: "{clean}"
tools: ["{clean}"]
owners: ["{clean}"]
agent: {{name: "{clean}"}}
sources: ["{clean}", "https://example.org/\\"onclick=x"]
---
# Attack

{text}

## Summary

{text}

## {text.splitlines()[0]}

{text}

## Policy-path evidence

```evidence
ALLOWED_POLICY: {clean} -> b
ACTUAL_PATH: {clean} -> c
```

## Idempotency-key audit

```evidence
TOOL: {clean}
WAS_THIS_CALL_IDEMPOTENT: no ({clean})
```

## Timeline

- 2026-01-01 10:00 UTC — {clean} [impact]

## Action items

- [ ] A1: {clean} — owner: {clean}, due: 2026-02-02, lever: {clean}, gate: restart
"""


def hostile_library(folder: Path) -> Path:
    for number, text in enumerate(ATTACKS):
        path = folder / "postmortems" / f"2026-01-01-attack-{number}.md"
        path.write_text(record_with(text), encoding="utf-8")
    return folder


def test_a_section_of_data_is_shown_as_it_was_written() -> None:
    html = to_html("<b> *x*\n\n" * 10_000)
    assert html.startswith("<p><em>More than 50,000 characters in one section")
    assert "&lt;b&gt; *x*&#10;&#10;" in html
    assert html.count("\n") == 1


def test_no_page_of_a_hostile_library_holds_an_element_from_a_record(library_folder: Path) -> None:
    hostile_library(library_folder)
    library = open_library(library_folder)
    wanted = SiteRequest(datetime(2026, 6, 1, tzinfo=UTC), no_search)
    site = gather(library, open_repo(library_folder), wanted)
    assert len(site.records) == len(ATTACKS)
    for page in all_pages(site):
        body = page.body.lower()
        assert "<script" not in body, page.path
        assert "<iframe" not in body, page.path
        assert "<style" not in body, page.path
        assert "javascript:" not in body.replace("(javascript:", "").replace(
            "]: javascript:", ""
        ) or ('href="javascript' not in body)
        for line in page.body.splitlines():
            if line.startswith("## "):
                assert "<" not in line, line


@given(st.text(alphabet="ab1 .,:;-+>#=()'\"!/%@→\t\n{}$^?", max_size=20))
def test_the_short_way_for_plain_lines_gives_what_the_long_one_gives(text: str) -> None:
    line = " ".join(text.split())
    rendered = rendered_html(line)
    long_way = rendered.removeprefix("<p>").removesuffix("</p>")
    assert to_inline_html(text) == long_way
    assert to_html(text) == rendered_html(text)


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("a <!-- b --> c", "<p>a  c</p>"),
        ("<!-- x\n\ny -->\n\nafter", "<p>after</p>"),
        ("before\n<!-- c -->\nafter", "<p>before</p>\n<p>after</p>"),
        (
            "`<!--` stays\n\nand so does this",
            "<p><code>&lt;!--</code> stays</p>\n<p>and so does this</p>",
        ),
        ("```\n<!-- a payload -->\n```", "<pre><code>&lt;!-- a payload --&gt;&#10;</code></pre>"),
        ("<!-- never closed\nand on", "<p>&lt;!-- never closed\nand on</p>"),
    ],
)
def test_comments_are_left_out_and_nothing_else_is(text: str, html: str) -> None:
    assert to_html(text) == html


def test_a_link_that_leads_nowhere_is_text() -> None:
    assert to_html("see [the *file*](missing.md)") == "<p>see the <em>file</em></p>"
