"""Four pages before the engine, of two fixed records, are as somebody read and approved them.

Blocks, elements, attributes and texts are compared; how a template breaks its lines is not.
`KB_APPROVE=1 pytest tests/test_site_golden.py` writes them anew: read the difference before it is
committed.
"""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from kb.library import Library, open_library
from kb.repo import open_repo
from kb.site.gather import SiteRequest, gather
from kb.site.related_incidents import Finding, RelatedRecord
from kb.site.write import all_pages, page_text

from conftest import EXAMPLE, ROOT
from page_dom import blocks

GOLDEN = ROOT / "tests" / "data" / "site"
NOW = datetime(2026, 6, 1, tzinfo=UTC)
EARLIER_ID = "2025-11-02-refund-agent-paid-twice"
EARLIER = """\
---
title: Refund agent paid one refund twice
date: 2025-11-02
status: published
origin: own
kind: incident
severity: SEV3
impact: internal
classes: [duplicate-side-effect]
causes: [code-defect]
missing_control: idempotency-key
route: refunds-agent
tools: [refund]
clocks:
  first_impact: 2025-11-02T10:00:00Z
  detected: 2025-11-02T10:20:00Z
  contained: 2025-11-02T11:00:00Z
detected_by: alert
owners: [payments]
---

## Summary

A retry ran a refund of 40 USD twice, and an alert on the daily sum said so.

## Action items

- [x] A1: use the order as a key — owner: payments, due: 2025-12-01, lever: code, closed: 2025-11-20
- [ ] A2: replay the night twice — owner: payments, due: 2026-02-01, lever: test
"""
PAGES = {
    "home": "index",
    "incident": f"incidents/{EXAMPLE.stem}",
    "class": "classes/duplicate-side-effect",
    "metrics": "metrics",
}


@pytest.fixture
def pages(library_folder: Path) -> dict[str, str]:
    """Path to text of each page of the two records, outside any Git repository."""
    records = library_folder / "postmortems"
    (records / f"{EARLIER_ID}.md").write_text(EARLIER, encoding="utf-8")
    example = EXAMPLE.read_text(encoding="utf-8").replace("origin: example", "origin: own")
    (records / EXAMPLE.name).write_text(example, encoding="utf-8")
    library = open_library(library_folder)
    site = gather(library, open_repo(library_folder), SiteRequest(NOW, _neighbours))
    return {page.path: page_text(page, site) for page in all_pages(site)}


def _neighbours(library: Library) -> Finding:
    reasons = ("same class", "same missing control")
    passage = "A retry ran a refund of 40 USD twice."
    return {EXAMPLE.stem: (RelatedRecord(EARLIER_ID, 0.93, reasons, "summary", passage),)}, ""


@pytest.mark.parametrize("name", PAGES)
def test_a_page_before_the_engine_is_as_it_was_read(pages: dict[str, str], name: str) -> None:
    text = pages[PAGES[name]]
    path = GOLDEN / f"{name}.md"
    if os.environ.get("KB_APPROVE"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
    assert blocks(text) == blocks(path.read_text(encoding="utf-8"))
