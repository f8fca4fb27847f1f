"""GitHub issues: what `gh issue list --json` prints, and the REST API.

`gh issue list --json number,title,body,createdAt,labels --limit 200 > issues.json`; an issue is
told by `title` and `body` beside `createdAt` (`gh`) or `created_at` with `html_url` (REST); beside
such a one every entry is an issue, also where it lacks a title. When it was created says when it
was entered; who wrote it, and comments, are left out:
https://cli.github.com/manual/gh_issue_list and
https://docs.github.com/en/rest/issues/issues (read 2026-11-30).
"""

from __future__ import annotations

from typing import Any

from kb.adopt.derived_fact import DerivedFact
from kb.adopt.sources.source import ForeignText, PostmortemSource, SourceFile, UnreadableError
from kb.adopt.stated_facts import severity_of
from kb.traces.decoding.json_objects import rows, word
from kb.traces.decoding.timestamps import time_of


def _is_theirs(file: SourceFile) -> bool:
    return any("title" in one and _is_issue(one) for one in _entries(file.json))


def _entries(value: Any) -> list[dict[str, Any]]:
    found = value if isinstance(value, list) else [value]
    return [one for one in found if isinstance(one, dict)]


def _is_issue(one: dict[str, Any]) -> bool:
    is_dated = "createdAt" in one or ("created_at" in one and "html_url" in one)
    return "body" in one and is_dated


def _read(file: SourceFile) -> tuple[ForeignText, ...]:
    entries = enumerate(_entries(file.json), 1)
    found = [(n, one) for n, one in entries if "pull_request" not in one]
    if not found:
        raise UnreadableError("pull requests and no issue")
    numbers = [one.get("number") for _, one in found if word(one, "title")]
    if len(found) > 1 and None in numbers:
        raise UnreadableError("issues without a number: add number to --json")
    return tuple(_as_text(one, "" if len(found) == 1 else f"entry {n}") for n, one in found)


def _as_text(one: dict[str, Any], place: str) -> ForeignText:
    """An issue; `place` is its name where it has no number."""
    key = "createdAt" if "createdAt" in one else "created_at"
    title = word(one, "title")
    at = time_of(one[key]) if one.get(key) else None
    text = f"# {title}\n\n{word(one, 'body')}\n"
    number = one.get("number")
    return ForeignText(
        text=text.replace("\r\n", "\n").encode("utf-8", "replace"),
        part=f"#{number}" if number else place,
        stem=title,
        facts=(DerivedFact("title", title, "its title"), *_severity(one)),
        entered=at.date() if at else None,
        entered_by=f"'{key}', when it was entered, and no other",
    )


def _severity(one: dict[str, Any]) -> tuple[DerivedFact, ...]:
    """The severity that exactly one label names."""
    found = {severity_of(word(label, "name")) for label in rows(one, "labels")} - {""}
    return (DerivedFact("severity", found.pop(), "a label"),) if len(found) == 1 else ()


SOURCE = PostmortemSource(
    "GitHub issues", "JSON of gh issue list, or of the REST API", _is_theirs, _read
)
