"""The trackers by name, one row each, and the one that was asked for."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from kb.actions.trackers import github, jira, linear
from kb.actions.trackers.http_client import Client, Service
from kb.actions.trackers.ticket import Tracker


@dataclass(frozen=True, slots=True)
class _Row:
    """How one tracker is reached, and what it does.

    `service` is made of an address, empty for the usual one, and the environment; `tracker` of a
    client, a project, empty where none was named, and the repository's remote.
    """

    service: Callable[[str, Mapping[str, str]], Service]
    tracker: Callable[[Client, str, str], Tracker]


_TRACKERS = {
    "github": _Row(github.service, github.tracker),
    "linear": _Row(linear.service, linear.tracker),
    "jira": _Row(jira.service, jira.tracker),
}
NAMES = tuple(_TRACKERS)


@dataclass(frozen=True, slots=True)
class TrackerChoice:
    """What was asked for. `remote` is the repository's address, for GitHub without a project."""

    name: str
    project: str
    address: str = ""
    remote: str = ""


def find_service(choice: TrackerChoice, environment: Mapping[str, str] = os.environ) -> Service:
    """Where the service is, with its token. Raises `KbError` naming a variable that is missing."""
    return _TRACKERS[choice.name].service(choice.address, environment)


def make_tracker(choice: TrackerChoice, client: Client) -> Tracker:
    """The tracker of that name. Raises `KbError` where its project is not named."""
    return _TRACKERS[choice.name].tracker(client, choice.project, choice.remote)
