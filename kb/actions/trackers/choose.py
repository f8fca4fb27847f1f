"""Which tracker was asked for, and with which address, project and token: from the environment."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass

from kb.actions.trackers import github, jira, linear
from kb.actions.trackers.client import Client, Service
from kb.actions.trackers.values import Tracker
from kb.errors import KbError

NAMES = ("github", "linear", "jira")
_REMOTE = re.compile(r"github\.com[/:]([\w.-]+/[\w.-]+?)(?:\.git)?/?$")


@dataclass(frozen=True, slots=True)
class Choice:
    """What was asked for. `remote` is the repository's address, for GitHub without a project."""

    name: str
    project: str
    address: str = ""
    remote: str = ""


def find_service(choice: Choice, environment: Mapping[str, str] = os.environ) -> Service:
    """Where the service is, with its token. Raises `KbError` naming a variable that is missing."""
    address = choice.address
    if choice.name == "github":
        token = environment.get("GH_TOKEN") or _needed(environment, github.TOKEN)
        default = environment.get("GITHUB_API_URL") or github.ADDRESS
        return github.service(address or default, token)
    if choice.name == "linear":
        return linear.service(address or linear.ADDRESS, _needed(environment, linear.TOKEN))
    address = address or _needed(environment, "JIRA_URL")
    email, token = _needed(environment, "JIRA_EMAIL"), _needed(environment, jira.TOKEN)
    return jira.service(address, email, token)


def make_tracker(choice: Choice, client: Client) -> Tracker:
    """The tracker of that name. Raises `KbError` where its project is not named."""
    if choice.name == "github":
        return github.GitHub(client, choice.project or _repository(choice.remote))
    if not choice.project:
        raise KbError("which project?", todo="Name it: --project KEY.")
    if choice.name == "linear":
        return linear.Linear(client, choice.project)
    return jira.Jira(client, choice.project)


def _repository(remote: str) -> str:
    match = _REMOTE.search(remote)
    if not match:
        raise KbError("which repository?", todo="Name it: --project owner/name.")
    return match[1]


def _needed(environment: Mapping[str, str], name: str) -> str:
    value = environment.get(name, "").strip()
    if not value:
        raise KbError(f"{name} is not set", todo="Put it into the environment, never into a file.")
    return value
