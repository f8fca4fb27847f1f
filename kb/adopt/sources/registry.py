"""The kinds of files that postmortems are taken from, one row each."""

from __future__ import annotations

from kb.adopt.sources import (
    confluence_and_google_html,
    csv_table,
    firehydrant,
    github_issues,
    incident_io,
    jira,
    markdown,
    notion,
    opsgenie,
    pagerduty,
    rootly,
    word,
)
from kb.adopt.sources.source import PostmortemSource, SourceFile

#: Files of these kinds are looked at where a folder or an archive is named.
KINDS = frozenset({".md", ".markdown", ".docx", ".html", ".htm", ".json", ".csv", ".txt"})


def sources() -> tuple[PostmortemSource, ...]:
    """All kinds, in the order they are asked whether a file is theirs."""
    return (
        notion.SOURCE,
        markdown.SOURCE,
        word.SOURCE,
        confluence_and_google_html.SOURCE,
        csv_table.SOURCE,
        pagerduty.SOURCE,
        incident_io.SOURCE,
        firehydrant.SOURCE,
        rootly.SOURCE,
        opsgenie.SOURCE,
        jira.SOURCE,
        github_issues.SOURCE,
    )


def source_of(file: SourceFile) -> PostmortemSource | None:
    """The kind a file is of, None where it is of none."""
    return next((source for source in sources() if source.is_theirs(file)), None)
