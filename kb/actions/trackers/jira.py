"""Jira: Cloud by REST API 3, Data Center by REST API 2.

Cloud knows a person by mail address and token, Data Center by a personal access token alone: which
of the two is meant shows in whether `JIRA_EMAIL` is set.

The mark is a label of its own for each action, found by JQL. Jira's search lags behind by seconds:
what was begun and is not found waits for a later run.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
from collections.abc import Mapping
from typing import Any

from kb.actions.trackers.http_client import Client, Service, Unclear, named_project, variable
from kb.actions.trackers.ticket import Ticket, WantedIssue, utc_day
from kb.errors import KbError

TOKEN = "JIRA_API_TOKEN"  # noqa: S105 - the name of a variable
LABEL = "postmortem-action"
ISSUE_TYPE = "JIRA_ISSUE_TYPE"
_CLOUD = "Basic"
_ADDRESS = re.compile(r"(https?://[^\s<>()]+[^\s<>().,;:!?])")
_CREATED, _MISSING = 201, {404, 410}
_KEY = re.compile(r"([A-Z][A-Z0-9_]+)-\d+")
_FIELDS = ["status", "resolution", "resolutiondate"]
#: Resolutions, by the names Jira ships, that mean it will not be done.
_DROPPED = {"won't do", "won't fix", "declined", "duplicate", "cannot reproduce", "cancelled"}


def service(address: str, environment: Mapping[str, str]) -> Service:
    """How Jira is spoken to: every site has an address of its own, by default `JIRA_URL`."""
    address = address or variable(environment, "JIRA_URL")
    email, token = environment.get("JIRA_EMAIL", "").strip(), variable(environment, TOKEN)
    basic = base64.b64encode(f"{email}:{token}".encode()).decode("ascii")
    authorization = f"{_CLOUD} {basic}" if email else f"Bearer {token}"
    headers = {"Authorization": authorization, "Accept": "application/json"}
    return Service("Jira", address, headers, token, TOKEN)


def tracker(client: Client, project: str, _remote: str) -> Jira:
    """The issues of a project, of the type that `JIRA_ISSUE_TYPE` names, by default tasks."""
    issue_type = os.environ.get(ISSUE_TYPE, "").strip() or "Task"
    return Jira(client, named_project(project), issue_type)


class Jira:
    """The issues of one project, named by its key such as `OPS`."""

    name = "jira"
    refuses_twins = False

    def __init__(self, client: Client, project: str, issue_type: str = "Task") -> None:
        if not re.fullmatch(r"[A-Z][A-Z0-9_]+", project):
            raise KbError(f"'{project}' is no project's key", todo="Name it: --project OPS.")
        self.project = project
        self._issue_type = issue_type
        self._client = client
        self._is_cloud = client.service.headers["Authorization"].startswith(_CLOUD)
        self._api = "/rest/api/3" if self._is_cloud else "/rest/api/2"

    def owns(self, key: str) -> bool:
        """Whether a key is an issue of this project."""
        match = _KEY.fullmatch(key)
        return bool(match and match[1] == self.project)

    def find(self, action: str, *, fresh: bool = False) -> Ticket | None:
        """The issue with the action's own label; the oldest where there are several."""
        content = {
            "jql": f'project = "{self.project}" AND labels = "{_mark(action)}" ORDER BY key ASC',
            "fields": _FIELDS,
            "maxResults": 1,
        }
        search = f"{self._api}/search/jql" if self._is_cloud else f"{self._api}/search"
        reply = self._client.read("POST", search, json=content)
        issues = reply.body.get("issues") if isinstance(reply.body, dict) else None
        if not reply.is_ok or not isinstance(issues, list):
            raise self._client.refusal(reply)
        return self._ticket(issues[0]) if issues else None

    def create(self, wanted: WantedIssue) -> Ticket:
        """A new issue with the label of its action."""
        fields: dict[str, Any] = {
            "project": {"key": self.project},
            "issuetype": {"name": self._issue_type},
            "summary": wanted.title[:255],
            "description": _document(wanted.body) if self._is_cloud else wanted.body,
            "labels": [LABEL, _mark(wanted.action)],
        }
        if wanted.due:
            fields["duedate"] = wanted.due.isoformat()
        reply = self._client.write("POST", f"{self._api}/issue", json={"fields": fields})
        if reply.status != _CREATED:
            raise self._client.refusal(reply)
        if ticket := self._ticket(reply.body):
            return ticket
        raise Unclear("the answer holds no issue")

    def get(self, key: str) -> Ticket | None:
        """The issue as it stands."""
        content = {"fields": ",".join(_FIELDS)}
        reply = self._client.read("GET", f"{self._api}/issue/{key}", params=content)
        if reply.status in _MISSING:
            return None
        ticket = self._ticket(reply.body) if reply.is_ok else None
        if ticket is None:
            raise self._client.refusal(reply)
        return ticket

    def _ticket(self, issue: Any) -> Ticket | None:
        key = _value_at(issue, "key")
        if not isinstance(key, str):
            return None
        url = f"{self._client.service.address.rstrip('/')}/browse/{key}"
        if _value_at(issue, "fields", "status", "statusCategory", "key") != "done":
            return Ticket(key, url)
        resolution = str(_value_at(issue, "fields", "resolution", "name")).lower()
        state = "cancelled" if resolution in _DROPPED else "closed"
        return Ticket(key, url, state, utc_day(_value_at(issue, "fields", "resolutiondate")))


def _value_at(value: Any, *keys: str) -> Any:
    """What lies at a path of nested objects, None where the path ends early."""
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _mark(action: str) -> str:
    """The label of an action: labels may hold no `#` in every search, so it is hashed."""
    return f"kb-action-{hashlib.sha256(action.encode()).hexdigest()[:16]}"


def _document(text: str) -> dict[str, Any]:
    """A text as an Atlassian Document, a paragraph a block."""
    paragraphs = [block for block in text.split("\n\n") if block.strip()]
    return {"type": "doc", "version": 1, "content": [_paragraph(block) for block in paragraphs]}


def _paragraph(block: str) -> dict[str, Any]:
    content: list[dict[str, Any]] = []
    for line in block.split("\n"):
        content += [{"type": "hardBreak"}] if content else []
        content += [_text(part) for part in _ADDRESS.split(line) if part]
    return {"type": "paragraph", "content": content}


def _text(part: str) -> dict[str, Any]:
    """Plain text; an address is a link, which Atlassian's documents do not make by themselves."""
    link = {"marks": [{"type": "link", "attrs": {"href": part}}]}
    return {"type": "text", "text": part} | (link if _ADDRESS.fullmatch(part) else {})
