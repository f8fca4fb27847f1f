"""GitHub Issues: REST API, version 2026-03-10, on a server of one's own 2022-11-28.

The mark stands in the issue's text, and a label narrows the listing in which it is looked up: the
listing, unlike search, shows an issue as soon as it exists.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

from kb.actions.trackers.http_client import Client, Service, TrackerReply, Unclear, variable
from kb.actions.trackers.ticket import MARK, Ticket, WantedIssue, utc_day
from kb.errors import KbError

ADDRESS = "https://api.github.com"
TOKEN = "GITHUB_TOKEN"  # noqa: S105 - the name of a variable
LABEL = "postmortem-action"
#: Servers know the version of github.com only from release 3.21 on; theirs is kept until 2028.
VERSION, SERVER_VERSION = "2026-03-10", "2022-11-28"
_CREATED, _EXISTS = 201, 422
_MISSING = {404, 410}  # never there, and deleted
_KEY = re.compile(r"([\w.-]+/[\w.-]+)#(\d+)")
_PROJECT = re.compile(r"[\w.-]+/[\w.-]+")
_REMOTE = re.compile(r"github\.com[/:]([\w.-]+/[\w.-]+?)(?:\.git)?/?$")


def service(address: str, environment: Mapping[str, str]) -> Service:
    """How GitHub is spoken to: `GH_TOKEN` before `GITHUB_TOKEN`, `GITHUB_API_URL` by default."""
    token = environment.get("GH_TOKEN") or variable(environment, TOKEN)
    address = address or environment.get("GITHUB_API_URL") or ADDRESS
    headers = {
        "Accept": "application/vnd.github+json",
        "Authorization": f"Bearer {token}",
        "X-GitHub-Api-Version": VERSION if _is_github_com(address) else SERVER_VERSION,
        "User-Agent": "postmortem-kb",
    }
    return Service("GitHub", address, headers, token, TOKEN)


def _is_github_com(address: str) -> bool:
    """Whether it is github.com, or a company's part of it with data residency (`api.x.ghe.com`)."""
    host = urlsplit(address).hostname or ""
    return host == "api.github.com" or host.endswith(".ghe.com")


def tracker(client: Client, project: str, remote: str) -> GitHub:
    """The issues of a repository, by default of the one that `remote` is the address of."""
    return GitHub(client, project or _repository(remote))


def _repository(remote: str) -> str:
    match = _REMOTE.search(remote)
    if not match:
        raise KbError("which repository?", todo="Name it: --project owner/name.")
    return match[1]


class GitHub:
    """The issues of one repository, `owner/name`."""

    name = "github"
    refuses_twins = False

    def __init__(self, client: Client, project: str) -> None:
        if not _PROJECT.fullmatch(project):
            raise KbError(f"'{project}' is no repository", todo="Name it: --project owner/name.")
        self.project = project
        self._client = client
        self._issues = f"/repos/{project}/issues"
        self._found: dict[str, Ticket] | None = None
        self._has_label = False

    def owns(self, key: str) -> bool:
        """Whether a key is an issue of this repository."""
        match = _KEY.fullmatch(key)
        return bool(match and match[1].lower() == self.project.lower())

    def find(self, action: str, *, fresh: bool = False) -> Ticket | None:
        """The issue whose text carries the action's mark; the oldest where there are several."""
        if self._found is None or fresh:
            self._found = self._listing()
        return self._found.get(action)

    def create(self, wanted: WantedIssue) -> Ticket:
        """A new issue with the label."""
        self._ensure_label()
        content = {"title": wanted.title, "body": wanted.body, "labels": [LABEL]}
        reply = self._client.write("POST", self._issues, json=content)
        if reply.status != _CREATED:
            raise self._client.refusal(reply)
        if ticket := self._ticket(reply.body):
            return ticket
        raise Unclear("the answer holds no issue")

    def get(self, key: str) -> Ticket | None:
        """The issue as it stands."""
        number = key.rpartition("#")[2]
        reply = self._client.read("GET", f"{self._issues}/{number}")
        if reply.status in _MISSING:
            return None
        ticket = self._ticket(reply.body) if reply.is_ok else None
        if ticket is None:
            raise self._client.refusal(reply)
        return ticket

    def _ensure_label(self) -> None:
        """Make sure of the label: a token that may not set it would lose the issue's trace."""
        if self._has_label:
            return
        path = f"/repos/{self.project}/labels"
        reply = self._client.read("GET", f"{path}/{LABEL}")
        if reply.status in _MISSING:
            content = {"name": LABEL, "description": "Promised in a postmortem"}
            try:
                reply = self._client.write("POST", path, json=content)
            except Unclear:
                reply = self._client.read("GET", f"{path}/{LABEL}")
        if not (reply.is_ok or reply.status == _EXISTS):
            raise self._client.refusal(reply)
        self._has_label = True

    def _listing(self) -> dict[str, Ticket]:
        found: dict[str, Ticket] = {}
        page: str | None = "1"
        while page:
            content = {"state": "all", "labels": LABEL, "per_page": "100", "page": page}
            reply = self._client.read("GET", self._issues, params=content)
            if not reply.is_ok or not isinstance(reply.body, list):
                raise self._client.refusal(reply)
            tickets = (
                (mark, self._ticket(issue)) for issue in reply.body for mark in _marks(issue)
            )
            for action, ticket in tickets:
                if ticket is not None:
                    found[action] = min(found.get(action, ticket), ticket, key=_number)
            page = _next_page(reply)
        return found

    def _ticket(self, issue: Any) -> Ticket | None:
        number = issue.get("number") if isinstance(issue, dict) else None
        if not isinstance(number, int):
            return None
        key, url = f"{self.project}#{number}", str(issue.get("html_url", ""))
        if issue.get("state") != "closed":
            return Ticket(key, url)
        is_dropped = str(issue.get("state_reason")) in {"not_planned", "duplicate"}
        return Ticket(
            key, url, "cancelled" if is_dropped else "closed", utc_day(issue.get("closed_at"))
        )


def _number(ticket: Ticket) -> int:
    return int(ticket.key.rpartition("#")[2])


def _marks(issue: Any) -> list[str]:
    body = issue.get("body") if isinstance(issue, dict) else None
    return re.findall(rf"(?m)^{MARK} (.+?)\r?$", body) if isinstance(body, str) else []


def _next_page(reply: TrackerReply) -> str | None:
    """The number of the next page out of the `Link` header."""
    for link in reply.headers.get("link", "").split(","):
        match = re.match(r'\s*<([^>]*)>\s*;.*\brel="next"', link)
        if match:
            return next(iter(parse_qs(urlsplit(match[1]).query).get("page", [])), None)
    return None
