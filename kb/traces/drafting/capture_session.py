"""A session of a coding agent as one run: its agents, and the commits made meanwhile; with custody.

Agents delete their transcripts after some days. What is captured is redacted, and a note beside it
says which program took it from which bytes, and when.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from kb.errors import KbError
from kb.repo import open_repo
from kb.repo.commits import CommitChanges
from kb.safe_files import Root, file_sha256
from kb.traces.drafting.agent_sessions import AgentSession
from kb.traces.fixture import FIXTURE, Blobs, fixture_chunks, write_fixture
from kb.traces.read_runs import ReadingSettings, fit_to_be_written, one_run
from kb.traces.redaction import safe_path
from kb.traces.run import Event, Message, Run, Step, ToolCall
from kb.version import __version__

CUSTODY = "custody.json"
_SPANS = ("HEAD~200..HEAD", "HEAD~20..HEAD", "HEAD")
_MOST_CHILDREN = 200


@dataclass(frozen=True)
class CaptureResult:
    """What was captured: the folder, the run, and the line that says where it came from."""

    folder: Path
    run: Run
    custody: dict[str, Any]


def capture(
    session: AgentSession,
    others: Sequence[AgentSession],
    settings: ReadingSettings,
    work: Path,
    now: datetime,
    folder: Path,
    make: Callable[[Path], None] = lambda _: None,
) -> CaptureResult:
    """A session written to `folder` as a fixture and its custody; nothing there is replaced.

    `others` are the sessions that may be those of its agents, `work` is the folder whose commits
    count; `make` makes the folder, once the session is read. Raises `KbError` where it cannot be
    read or something is there already.
    """
    looked = ReadingSettings(**{**_plain(settings), "look_only": True})
    parts = [(session, one_run(session.path, looked)), *_agents(session, others, looked)]
    parent = parts[0][1]
    origin = replace(parent.provenance, sha256=file_sha256(session.path))
    parent = replace(parent, provenance=origin)
    commits = tuple(_commits(work, parent))
    joined = _joined(parent, [run for _, run in parts[1:]], commits)
    run = fit_to_be_written(joined, settings)
    make(folder)
    if not _was_begun(run, folder):
        write_fixture(run, folder / FIXTURE, within=folder)
    custody = _custody(session, [one for one, _ in parts], commits, now, folder / FIXTURE)
    Root(folder).write_text(CUSTODY, json.dumps(custody, ensure_ascii=False, indent=2) + "\n")
    return CaptureResult(folder, run, custody)


def _was_begun(run: Run, folder: Path) -> bool:
    """Whether this very run lies there without its custody: a capture was killed in between."""
    root = Root(folder)
    try:
        if root.exists(CUSTODY):
            return False
        whole = b"".join(fixture_chunks(run, Blobs()))
        return root.read_bytes(FIXTURE, len(whole)) == whole
    except (OSError, KbError):
        return False


def _plain(settings: ReadingSettings) -> dict[str, Any]:
    return {name: getattr(settings, name) for name in settings.__dataclass_fields__}


def _agents(
    session: AgentSession, others: Sequence[AgentSession], settings: ReadingSettings
) -> Iterator[tuple[AgentSession, Run]]:
    """The sessions that this one started, and those that they started.

    Claude Code keeps them in files of the session, which are read with it; Codex names the thread
    that started one in its first row.
    """
    if session.agent != "codex":
        return
    known = {session.name[-_ID:]}
    left = [one for one in others if one.agent == "codex" and one.path != session.path]
    above = {one.path: _parent_of(one.path) for one in left[:_MOST_CHILDREN]}
    while found := [one for one in left if above.get(one.path) in known]:
        left = [one for one in left if one not in found]
        known |= {one.name[-_ID:] for one in found}
        for one in reversed(found):
            yield one, one_run(one.path, settings)


#: Characters of the id at the end of a rollout's name.
_ID = 36


def _parent_of(rollout: Path) -> str:
    """The thread that started this one, empty for none."""
    with rollout.open("rb") as file:
        first = file.readline(4_000_000)
    try:
        payload = json.loads(first)["payload"]
        spawn = payload.get("source", {}).get("subagent", {}).get("thread_spawn", {})
        return str(spawn.get("parent_thread_id") or payload.get("parent_thread_id") or "")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return ""


def _commits(work: Path, run: Run) -> Iterator[CommitChanges]:
    """The commits that were made while the run went on, oldest first."""
    began, ended = run.clocks.started, run.clocks.ended
    repo = open_repo(work)
    if repo.head is None or began is None or ended is None:
        return
    for span in _SPANS:
        try:
            found = repo.commits_in(span)
        except KbError:  # the history is shorter
            continue
        yield from (one for one in reversed(found) if began <= one.commit.at <= ended)
        return


def _joined(parent: Run, agents: Sequence[Run], commits: Sequence[CommitChanges]) -> Run:
    """One run of all, in the order of their times."""
    steps: list[Step] = list(parent.steps)
    for agent in agents:
        offset = len(steps)
        steps += [_of_agent(step, agent, offset) for step in agent.steps]
    steps += [_commit(one) for one in commits]
    keys, last = [], 0.0
    for step in steps:
        at = step.started or step.ended
        last = at.timestamp() if at else last
        keys.append(last)
    order = sorted(range(len(steps)), key=keys.__getitem__)
    place = {old: new for new, old in enumerate(order)}
    frozen = parent.state.freeze_step
    frozen = place[frozen] if frozen < len(parent.steps) else len(steps)
    return replace(
        parent,
        steps=tuple(_moved(steps[old], place) for old in order),
        state=replace(parent.state, freeze_step=frozen),
    )


def _of_agent(step: Step, agent: Run, offset: int) -> Step:
    """A step of an agent in the run that started it."""
    within = step.parent or f"session {agent.id}"
    fields: dict[str, Any] = {"parent": within, "agent": step.agent or agent.agent.name or "agent"}
    if isinstance(step, ToolCall) and step.asked_in is not None:
        fields["asked_in"] = step.asked_in + offset
    if isinstance(step, Message):
        fields["turn"] = 0
    return replace(step, **fields)


def _commit(touched: CommitChanges) -> Event:
    paths = ", ".join(map(str, touched.paths[:10]))
    text = f"{touched.subject} ({paths})" if paths else touched.subject
    return Event(kind="commit", name=touched.commit.sha[:12], text=text, started=touched.commit.at)


def _moved(step: Step, place: dict[int, int]) -> Step:
    if isinstance(step, ToolCall) and step.asked_in is not None:
        return replace(step, asked_in=place[step.asked_in])
    return step


def _custody(
    session: AgentSession,
    taken: Sequence[AgentSession],
    commits: Sequence[CommitChanges],
    now: datetime,
    fixture: Path,
) -> dict[str, Any]:
    """Which program took the run from which bytes, and when."""
    return {
        "schema": "kb.custody/1",
        "tool": f"kb {__version__}",
        "captured_at": now.isoformat(timespec="seconds"),
        "agent": session.agent,
        "session": safe_path(session.name),
        "sources": [
            {
                "file": safe_path(one.path.name),
                "sha256": file_sha256(one.path),
                "size_bytes": one.path.stat().st_size,
            }
            for one in taken
        ],
        "commits": [one.commit.sha for one in commits],
        "fixture_sha256": file_sha256(fixture),
    }
