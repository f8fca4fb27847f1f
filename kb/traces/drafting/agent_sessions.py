"""The sessions that coding agents keep on this machine, by the places their owners document.

Only these places are looked at, no link in them is followed, and nothing is read but the sessions.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from kb.errors import KbError


@dataclass(frozen=True)
class SessionPlace:
    """Where one agent keeps its sessions: below a folder of the home, or of a variable."""

    agent: str
    folder: str
    pattern: str
    variable: str = ""


#: Claude Code: https://docs.claude.com/en/docs/claude-code/settings (CLAUDE_CONFIG_DIR); it removes
#: sessions after `cleanupPeriodDays`, 30 by default.
#: Codex: https://github.com/openai/codex/blob/main/docs/config.md (CODEX_HOME).
#: Gemini CLI: https://geminicli.com/docs/cli/session-management/ (`~/.gemini/tmp/<project>/chats`).
#: Copilot CLI: https://docs.github.com/en/copilot/reference/copilot-cli-reference (COPILOT_HOME).
PLACES: tuple[SessionPlace, ...] = (
    SessionPlace("claude-code", ".claude", "projects/*/*.jsonl", "CLAUDE_CONFIG_DIR"),
    SessionPlace("codex", ".codex", "sessions/*/*/*/rollout-*.jsonl", "CODEX_HOME"),
    SessionPlace("gemini-cli", ".gemini", "tmp/*/chats/session-*.json*"),
    SessionPlace("copilot-cli", ".copilot", "session-state/*/events.jsonl", "COPILOT_HOME"),
)
#: The rows a session begins with name the folder it works in.
_HEAD_BYTES = 262_144
_SHOWN = 5


@dataclass(frozen=True)
class AgentSession:
    """One session: the agent, the name its file gives it, the file, and when that was written."""

    agent: str
    name: str
    path: Path
    written: float


def sessions(home: Path, variables: Mapping[str, str]) -> tuple[AgentSession, ...]:
    """The sessions of all agents, the newest first."""
    found = []
    for place in PLACES:
        above = variables.get(place.variable, "") if place.variable else ""
        folder = Path(above) if above else home / place.folder
        for path in folder.glob(place.pattern):
            if path.is_file() and not any(
                part.is_symlink() for part in _path_and_folders(path, folder)
            ):
                name = path.parent.name if path.name == "events.jsonl" else path.stem
                found.append(AgentSession(place.agent, name, path, path.stat().st_mtime))
    return tuple(sorted(found, key=lambda one: -one.written))


def _path_and_folders(path: Path, folder: Path) -> Iterable[Path]:
    return (path, *(above for above in path.parents if folder in above.parents))


def chosen(found: tuple[AgentSession, ...], wanted: str, folder: Path) -> AgentSession:
    """The session of that name, or of the end or beginning of it; `latest` is the newest one here.

    Here is the folder, or one above or below it. Raises `KbError` where there is none, or several.
    """
    if wanted == "latest":
        here = next((one for one in found if _works_in(one, folder)), None)
        if here is None:
            raise KbError(
                f"no session of an agent worked in {folder}", todo=_choice_of_names(found)
            )
        return here
    fit = [one for one in found if wanted and wanted == one.name]
    fit = fit or [one for one in found if one.name.startswith(wanted) or one.name.endswith(wanted)]
    if len(fit) != 1:
        what = f"{len(fit)} sessions are called" if fit else "no session is called"
        raise KbError(f"{what} '{wanted}'", todo=_choice_of_names(fit or found))
    return fit[0]


def _choice_of_names(found: Iterable[AgentSession]) -> str:
    """The newest sessions, to choose one of them."""
    names = [f"{one.name} ({one.agent})" for one in found][:_SHOWN]
    return f"Name one: {', '.join(names)}." if names else "No agent keeps a session here."


def _works_in(session: AgentSession, folder: Path) -> bool:
    with session.path.open("rb") as file:
        head = file.read(_HEAD_BYTES)
    here = (folder, *(above for above in folder.parents if (above / ".git").exists()))
    return any(json.dumps(str(one)).encode() in head for one in here)
