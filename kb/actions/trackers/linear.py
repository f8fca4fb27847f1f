"""Linear: its GraphQL API.

Linear takes the identity of an issue from whoever creates it. Ours is derived from the action, so a
second creation of the same issue is refused by Linear itself.
"""

from __future__ import annotations

import hashlib
import re
import uuid
from collections.abc import Mapping
from typing import Any

from kb.actions.trackers.http_client import Client, Service, TrackerReply, named_project, variable
from kb.actions.trackers.ticket import Ticket, WantedIssue, utc_day
from kb.errors import KbError

ADDRESS = "https://api.linear.app/graphql"
TOKEN = "LINEAR_API_KEY"  # noqa: S105 - the name of a variable
_KEY = re.compile(r"([A-Z][A-Z0-9_]*)-\d+")
_ISSUE = "id identifier url completedAt canceledAt state { type }"
_TEAM = "query Team($key: String!) { teams(filter: {key: {eq: $key}}) { nodes { id } } }"
_GET = f"query Issue($id: String!) {{ issue(id: $id) {{ {_ISSUE} }} }}"
_CREATE = (
    "mutation Create($input: IssueCreateInput!) "
    f"{{ issueCreate(input: $input) {{ success issue {{ {_ISSUE} }} }} }}"
)


def service(address: str, environment: Mapping[str, str]) -> Service:
    """How Linear is spoken to: a personal key stands alone, an OAuth token behind `Bearer`."""
    token = variable(environment, TOKEN)
    value = token if token.startswith("lin_api_") else f"Bearer {token}"
    return Service("Linear", address or ADDRESS, {"Authorization": value}, token, TOKEN)


def tracker(client: Client, project: str, _remote: str) -> Linear:
    """The issues of a team."""
    return Linear(client, named_project(project))


class Linear:
    """The issues of one team, named by its key such as `ENG`."""

    name = "linear"
    refuses_twins = True

    def __init__(self, client: Client, project: str) -> None:
        if not re.fullmatch(r"[A-Z][A-Z0-9_]*", project):
            raise KbError(f"'{project}' is no team's key", todo="Name the team: --project ENG.")
        self.project = project
        self._client = client
        self._team = ""

    def owns(self, key: str) -> bool:
        """Whether a key is an issue of this team."""
        match = _KEY.fullmatch(key)
        return bool(match and match[1] == self.project)

    def find(self, action: str, *, fresh: bool = False) -> Ticket | None:
        """The issue with the identity that belongs to the action; every look is fresh."""
        return self.get(self._identity(action))

    def create(self, wanted: WantedIssue) -> Ticket:
        """A new issue of the team with the action's identity."""
        content = {
            "id": self._identity(wanted.action),
            "teamId": self._team_id(),
            "title": wanted.title,
            "description": wanted.body,
        }
        if wanted.due:
            content["dueDate"] = wanted.due.isoformat()
        body = {"query": _CREATE, "variables": {"input": content}}
        reply = self._client.write("POST", "", json=body)
        made = _data(reply).get("issueCreate")
        if reply.is_ok and isinstance(made, dict) and (ticket := _ticket(made.get("issue"))):
            return ticket
        # A refusal may mean that it exists already: whoever asked looks before judging.
        if twin := self.find(wanted.action):
            return twin
        raise self._client.refusal(reply)

    def get(self, key: str) -> Ticket | None:
        """The issue with that key or identity."""
        body = {"query": _GET, "variables": {"id": key}}
        reply = self._client.read("POST", "", json=body)
        if ticket := _ticket(_data(reply).get("issue")):
            return ticket
        if _is_missing(reply):
            return None
        raise self._client.refusal(reply)

    def _team_id(self) -> str:
        if not self._team:
            body = {"query": _TEAM, "variables": {"key": self.project}}
            reply = self._client.read("POST", "", json=body)
            teams = _data(reply).get("teams")
            nodes = teams.get("nodes") if isinstance(teams, dict) else None
            if not isinstance(nodes, list) or not nodes or not isinstance(nodes[0], dict):
                raise KbError(
                    f"Linear shows no team with the key {self.project}",
                    where=self._client.service.address,
                    todo="Name a team that the token may see: --project ENG.",
                )
            self._team = str(nodes[0].get("id", ""))
        return self._team

    def _identity(self, action: str) -> str:
        """A UUID of version 4's form, the same for an action for ever."""
        digest = hashlib.sha256(f"kb-action\0{self.project}\0{action}".encode()).digest()
        return str(uuid.UUID(bytes=digest[:16], version=4))


def _data(reply: TrackerReply) -> dict[str, Any]:
    data = reply.body.get("data") if isinstance(reply.body, dict) else None
    return data if isinstance(data, dict) else {}


def _is_missing(reply: TrackerReply) -> bool:
    """Whether Linear says that it has no such issue; any other complaint is no proof of that."""
    errors = reply.body.get("errors") if isinstance(reply.body, dict) else None
    messages = [str(error.get("message", "")) for error in errors or [] if isinstance(error, dict)]
    return any("entity not found" in message.lower() for message in messages)


def _ticket(issue: Any) -> Ticket | None:
    key = issue.get("identifier") if isinstance(issue, dict) else None
    if not isinstance(key, str):
        return None
    url, state = str(issue.get("url", "")), issue.get("state")
    kind = state.get("type") if isinstance(state, dict) else None
    if kind == "completed":
        return Ticket(key, url, "closed", utc_day(issue.get("completedAt")))
    if kind in {"canceled", "duplicate"}:
        return Ticket(key, url, "cancelled", utc_day(issue.get("canceledAt")))
    return Ticket(key, url)
