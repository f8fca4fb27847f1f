"""A library with known truth: records, their commits, and the numbers that must come out.

Everything follows from one seed. The truth is kept while the story is told, not read back.
"""

from __future__ import annotations

import os
import random
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

from conftest import GIT_ENVIRONMENT

START = date(2025, 1, 6)
CLASSES = ("duplicate-side-effect", "prompt-injection", "context-gap", "runaway-loop")
CONTROLS = ("idempotency-key", "input-isolation", "alert", "budget-limit")
OWNERS = ("payments", "support", "platform")
LEVERS = ("code", "test", "alert", "permission")
FOUND_BY = ("alert", "operator", "customer", "billing", "public")


def noon(day: date) -> datetime:
    return datetime.combine(day, time(12), UTC)


def iso(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


@dataclass
class Promise:
    """One action: how it is written, and when what happened to it."""

    label: str
    text: str
    owner: str = "payments"
    due: date | None = None
    lever: str = "code"
    gate: str = ""
    state: str = "open"
    written_opened: date | None = None
    written_closed: date | None = None
    opened: date | None = None
    closed: date | None = None
    pauses: list[tuple[date, date]] = field(default_factory=list)  # closed, and opened again

    def line(self) -> str:
        mark = {"open": " ", "closed": "x", "cancelled": "-"}[self.state]
        pairs = {
            "owner": self.owner,
            "due": str(self.due) if self.due else "",
            "lever": self.lever,
            "gate": self.gate,
            "opened": str(self.written_opened) if self.written_opened else "",
            "closed": str(self.written_closed) if self.written_closed else "",
        }
        tail = ", ".join(f"{key}: {value}" for key, value in pairs.items() if value)
        return f"- [{mark}] {self.label}: {self.text} — {tail}"


@dataclass
class Story:
    """One record as it stands at a moment of the story."""

    id: str
    first_impact: datetime
    kind: str = "incident"
    status: str = "published"
    origin: str = "own"
    severity: str = "SEV3"
    impact: str = "internal"
    failure_class: str = CLASSES[0]
    control: str = CONTROLS[0]
    route: str = "refunds-agent"
    chain_minutes: float | None = 60
    found_by: str = "alert"
    owners: tuple[str, ...] = ("payments",)
    rescues: int | None = None
    extra: tuple[str, ...] = ()
    clocks: dict[str, datetime] = field(default_factory=dict)
    promises: list[Promise] = field(default_factory=list)
    verdicts: list[tuple[str, str]] = field(default_factory=list)
    is_first: bool = False
    title: str = ""
    lesson: str = ""
    published: date | None = None

    @property
    def path(self) -> str:
        return f"postmortems/{self.id}.md"

    def markdown(self) -> str:
        clocks = {"first_impact": self.first_impact} | self.clocks
        if self.chain_minutes is not None:
            clocks.setdefault("detected", self.first_impact + timedelta(minutes=self.chain_minutes))
        lines = [
            "---",
            f"title: {self.title or self.id}",
            f"date: {self.id[:10]}",
            f"status: {self.status}",
            f"origin: {self.origin}",
            f"kind: {self.kind}",
            f"severity: {self.severity}",
            f"impact: {self.impact}",
            f"classes: [{self.failure_class}]",
            f"missing_control: {self.control}",
            f"route: {self.route}",
            "clocks:",
            *(f"  {name}: {iso(at)}" for name, at in clocks.items()),
            f"detected_by: {self.found_by}",
            f"owners: [{', '.join(self.owners)}]",
            *([f"rescues: {self.rescues}"] if self.rescues is not None else []),
            *self.extra,
            "---",
            f"# {self.title or self.id}",
            "",
            "## Summary",
            "",
            # Enough text for Git to see a rename as one.
            *(f"At {iso(self.first_impact)} the agent did step {n}." for n in range(12)),
            "",
            "## Counterfactual",
            "",
            *(["```evidence", "FIRST_OF_CLASS: yes", "```", ""] if self.is_first else []),
            *(f"- [{verdict}] [{prior}]({prior}.md) — why" for verdict, prior in self.verdicts),
            "",
            "## Action items",
            "",
            *(promise.line() for promise in self.promises),
            "",
            *(["## Lessons", "", self.lesson, ""] if self.lesson else []),
        ]
        return "\n".join(lines)


@dataclass(frozen=True)
class Step:
    """One commit: when, and which files it writes (None deletes). `branch` commits are merged."""

    at: datetime
    files: Mapping[str, str | None]
    branch: bool = False


def write_history(folder: Path, steps: Sequence[Step]) -> None:
    """A repository with these commits on `main`, checked out; far faster than one git a commit."""
    stream = bytearray()
    for number, step in enumerate(sorted(steps, key=lambda step: step.at), 1):
        files = b"".join(_file(path, text) for path, text in step.files.items())
        if step.branch:
            # The branch carries the change; the merge takes it over a day later on the main line.
            stream += _commit("refs/heads/topic", step.at - timedelta(days=1), files, [])
            stream += _commit("refs/heads/main", step.at, files, ["refs/heads/topic"])
        else:
            stream += _commit("refs/heads/main", step.at, files, [])
        if number < len(steps):
            stream += b"reset refs/heads/topic\nfrom refs/heads/main\n\n"
    environment = os.environ | GIT_ENVIRONMENT
    for command in (
        ("init", "--quiet", "--initial-branch=main"),
        ("fast-import", "--quiet"),
        ("reset", "--quiet", "--hard", "main"),
    ):
        stdin = bytes(stream) if command[0] == "fast-import" else None
        subprocess.run(["git", *command], cwd=folder, env=environment, input=stdin, check=True)


def _commit(ref: str, at: datetime, files: bytes, merged: Sequence[str]) -> bytes:
    who = f"committer A Tester <tester@example.org> {int(at.timestamp())} +0000"
    head = f"commit {ref}\n{who}\ndata 4\nstep\n"
    merges = "".join(f"merge {other}\n" for other in merged)
    return (head + merges).encode() + files + b"\n"


def _file(path: str, text: str | None) -> bytes:
    if text is None:
        return f"D {path}\n".encode()
    raw = text.encode()
    return f"M 100644 inline {path}\ndata {len(raw)}\n".encode() + raw + b"\n"


@dataclass
class Truth:
    """A told story: the steps of its history, and its records as they stand at the end."""

    today: date
    steps: list[Step]
    stories: list[Story]


def tell(seed: int, records: int = 60, days_between: float = 7) -> Truth:
    """A library of that many records with repeats, gaps, closings, reopenings, renames, merges."""
    chance = random.Random(seed)
    today = START + timedelta(days=days_between * records + 20)
    stories: list[Story] = []
    steps: list[Step] = []
    for number in range(records):
        day = START + timedelta(days=int(days_between * number) + chance.randrange(3))
        story = _invent(chance, number, day, stories)
        stories.append(story)
        steps += _tell_one(chance, story, today)
    return Truth(today, steps, stories)


def _invent(chance: random.Random, number: int, day: date, earlier: Sequence[Story]) -> Story:
    at = datetime.combine(day, time(chance.randrange(24), chance.randrange(60)), UTC)
    kind = chance.choices(["incident", "near-miss", "rescue"], [8, 2, 1])[0]
    choice = chance.randrange(len(CLASSES))
    priors = [story.id for story in earlier]
    verdict = chance.choices(["repeat", "related", ""], [4, 2, 4])[0] if priors else ""
    return Story(
        id=f"{day}-story-{number:03}",
        first_impact=at,
        kind=kind,
        impact="near-miss" if kind == "near-miss" else "internal",
        failure_class=CLASSES[choice],
        control=CONTROLS[chance.randrange(len(CONTROLS))],
        chain_minutes=chance.choice(
            [None, *(round(chance.lognormvariate(4, 1.5)) for _ in range(6))]
        ),
        found_by=chance.choice(FOUND_BY),
        owners=(chance.choice(OWNERS),),
        rescues=chance.choice([None, None, 0, 3]),
        verdicts=[(verdict, chance.choice(priors))] if verdict else [],
        promises=[
            Promise(
                label=f"A{place}",
                text=f"do thing {place} of story {number}",
                owner=chance.choice(OWNERS),
                due=day + timedelta(days=chance.randrange(10, 60)),
                lever=chance.choice(LEVERS),
            )
            for place in range(1, chance.randrange(2, 6))
        ],
    )


def _tell_one(chance: random.Random, story: Story, today: date) -> list[Step]:
    """The commits of one record: draft, review, publication, then what became of its promises."""
    opened = story.first_impact.date() + timedelta(days=chance.randrange(1, 5))
    story.published = opened + timedelta(days=chance.randrange(1, 6))
    for promise in story.promises:
        promise.opened = opened
    story.status = "in-review"
    steps = [_step(opened, story)]
    story.status = "published"
    steps.append(_step(story.published, story, branch=chance.random() < 0.5))
    for promise in story.promises:
        steps += _keep(chance, story, promise, today)
    # A later commit that only reorders the lines moves no date.
    story.promises.reverse()
    last = max(step.at.date() for step in steps)
    steps.append(_step(last + timedelta(days=1), story))
    if chance.random() < 0.2 and last + timedelta(days=3) < today:
        steps.append(_rename(story, last + timedelta(days=3)))
    return [step for step in steps if step.at.date() <= today]


def _keep(chance: random.Random, story: Story, promise: Promise, today: date) -> list[Step]:
    """What became of a promise: kept in the open, kept with a written day, reopened, or not."""
    assert story.published
    fate = chance.choices(["kept", "written", "reopened", "cancelled", "open"], [5, 2, 2, 1, 4])[0]
    # Fates of one record follow each other: `_keep` starts where the record stands now.
    start = max(story.published, *(p.closed or story.published for p in story.promises))
    day = start + timedelta(days=chance.randrange(1, 25))
    later = day + timedelta(days=chance.randrange(2, 40))
    if fate == "open" or later + timedelta(days=8) > today:
        return []
    promise.state = "cancelled" if fate == "cancelled" else "closed"
    steps = []
    if fate == "written":
        promise.written_closed = day - timedelta(days=1)
    steps.append(_step(day, story, branch=chance.random() < 0.3))
    if fate == "reopened":
        again = day + timedelta(days=chance.randrange(1, (later - day).days))
        promise.state = "open"
        promise.pauses.append((day, again))
        steps.append(_step(again, story))
        promise.state, day = "closed", later
        steps.append(_step(later, story))
    promise.closed = promise.written_closed or day
    return steps


def _rename(story: Story, day: date) -> Step:
    old = story.path
    story.id += "-renamed"
    return Step(noon(day), {old: None, story.path: story.markdown()})


def _step(day: date, story: Story, *, branch: bool = False) -> Step:
    return Step(noon(day), {story.path: story.markdown()}, branch)
