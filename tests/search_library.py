"""What the tests of search arrange: small libraries of records with known classes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from kb.search.encoder.encoder import cache_folder

RECORD = """\
---
title: {title}
date: {day}
status: {status}
kind: incident
severity: SEV3
impact: internal
classes: [{classes}]
causes: [code-defect]
missing_control: {control}
route: {route}
tools: [{tools}]
clocks:
  first_impact: {day}T10:00:00Z
---
# {title}

## Summary

{summary}

## Root cause

{cause}

## Counterfactual

{counterfactual}

## Action items

{actions}
"""

DEFAULTS = {
    "status": "published",
    "classes": "duplicate-side-effect",
    "control": "idempotency-key",
    "route": "refunds",
    "tools": "refund",
    "summary": "The agent did something nobody wanted.",
    "cause": "Nothing stopped it.",
    "counterfactual": "A check would have caught it.",
    "actions": "- [ ] A1: add a check — owner: team, due: 2030-01-01, lever: code",
}

#: Three kinds of incident, two of each, told in different words.
STORIES = (
    (
        "2025-01-10-refund-twice",
        "Refund paid twice after a timeout",
        "duplicate-side-effect",
        "The refund tool timed out, the agent called it again, and fourteen customers got "
        "their money back twice because the payment service had no idempotency key.",
    ),
    (
        "2025-02-11-email-sent-again",
        "Newsletter mailed three times by a retry",
        "duplicate-side-effect",
        "A retry of the send_email tool ran although the first call had succeeded, so each "
        "subscriber received the same message three times.",
    ),
    (
        "2025-03-12-issue-comment-injection",
        "Comment in an issue made the agent publish a secret",
        "prompt-injection",
        "Hidden instructions in a public issue comment were followed by the coding agent, "
        "which copied an access token into a pull request.",
    ),
    (
        "2025-04-13-web-page-injection",
        "Web page told the browser agent to forward mail",
        "prompt-injection",
        "White text on a visited page asked the assistant to forward the inbox to a stranger, "
        "and the assistant obeyed the injected instructions.",
    ),
    (
        "2025-05-14-policy-made-up",
        "Support bot invented a cancellation policy",
        "fabricated-content",
        "The chatbot answered a customer with a cancellation rule that stands in no policy, "
        "and the company had to honour what its bot had made up.",
    ),
    (
        "2025-06-15-citations-made-up",
        "Report cited court decisions that do not exist",
        "fabricated-content",
        "The research agent supported its report with invented court decisions; nobody opened "
        "the references before the report was filed.",
    ),
)


def write_record(root: Path, record_id: str, title: str, **fields: str) -> Path:
    """A record in a library; `fields` replace the defaults."""
    path = root / "postmortems" / f"{record_id}.md"
    values = DEFAULTS | fields
    path.write_text(RECORD.format(title=title, day=record_id[:10], **values), encoding="utf-8")
    return path


def write_stories(root: Path) -> None:
    """The six stories as published records."""
    for record_id, title, name, summary in STORIES:
        write_record(root, record_id, title, classes=name, summary=summary)


@contextmanager
def own_cache(home: Path) -> Iterator[Path]:
    """A user's cache of its own below a folder, which shares only the compiled encoders."""
    encoders = cache_folder()
    encoders.mkdir(parents=True, exist_ok=True)
    (home / "postmortem-kb").mkdir()
    (home / "postmortem-kb/encoders").symlink_to(encoders)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_CACHE_HOME", str(home))
        yield home / "postmortem-kb"
