"""The contract of a regression: the run fails on the code of the incident and passes on the fix.

Both revisions are laid out from Git's objects as they are, so that no filter, hook or attribute of
the repository runs, and the same entry point is called in each. A fixture that never failed proves
nothing: the code of the incident would have passed as well. What was shown is one line of the
record, `PROVED: fails at …, passes at …`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from kb.errors import KbError
from kb.records.document import Document, read_document
from kb.records.markdown import FieldLine
from kb.repo import Commit, Repo
from kb.safe_files import Root, private_folder
from kb.traces.replay.agent_process import EntryPoint
from kb.traces.replay.trials import Replay, Settings, TrialVerdict, replay
from kb.traces.run import Run

#: Files that are read from Git at a time.
_BATCH = 500
_SHA = 12
PROVED_KEY = "PROVED"
_SECTION = "replay"
_STYLES = frozenset({"fenced", "bare", "item", "quote"})


@dataclass(frozen=True, slots=True)
class RevisionOutcome:
    """One revision and what its code did on the run."""

    commit: Commit
    replay: Replay

    @property
    def sha(self) -> str:
        """The beginning of the commit's name, as it is written into a record."""
        return self.commit.sha[:_SHA]

    @property
    def share(self) -> str:
        """How many trials passed: `0/10`."""
        return f"{self.replay.count(TrialVerdict.PASS)}/{len(self.replay.trials)}"


@dataclass(frozen=True, slots=True)
class RegressionProof:
    """What both sides did, and what that shows."""

    old: RevisionOutcome
    new: RevisionOutcome

    @property
    def is_proved(self) -> bool:
        """Whether it fails on the old code and passes on the new."""
        verdicts = (self.old.replay.verdict, self.new.replay.verdict)
        return verdicts == (TrialVerdict.FAIL, TrialVerdict.PASS)

    @property
    def line(self) -> str:
        """The value of PROVED in a record."""
        return f"fails at {self.old.sha}, passes at {self.new.sha}"

    @property
    def reason(self) -> str:
        """What is shown, or why nothing is, in one sentence."""
        if self.is_proved:
            return self.line
        if self.old.replay.verdict is TrialVerdict.PASS:
            return (
                f"it never failed: the code of {self.old.sha} passes as well, so the fixture "
                "proves nothing"
            )
        if self.old.replay.verdict is TrialVerdict.INCONCLUSIVE:
            return f"at {self.old.sha} it neither failed nor passed, so nothing is proved"
        done = "fails" if self.new.replay.verdict is TrialVerdict.FAIL else "proves nothing"
        return f"it fails at {self.old.sha}, and still {done} at {self.new.sha}"


def prove(
    run: Run, repo: Repo, root: Path, commits: Sequence[Commit], settings: Sequence[Settings]
) -> RegressionProof:
    """The run replayed at the old and at the new commit, each with settings of its own.

    `root` is the folder inside the repository from which the entry point is called.
    Raises `KbError` where it is outside, or a revision does not have it.
    """
    old, new = (
        _side(run, repo, root, commit, each) for commit, each in zip(commits, settings, strict=True)
    )
    return RegressionProof(old, new)


def _side(run: Run, repo: Repo, root: Path, commit: Commit, settings: Settings) -> RevisionOutcome:
    with laid_out(repo, commit) as top:
        inside = repo.relative(root)
        folder = top.path / inside if inside is not None else None
        if folder is None or not folder.is_dir():
            raise KbError(
                f"{commit.sha[:_SHA]} has no folder {inside or root}",
                where=str(root),
                todo="Name a revision that has the agent's code, or its repository.",
            )
        entry = settings.entry
        at = EntryPoint(entry.text, folder, entry.environment, entry.python)
        return RevisionOutcome(commit, replay(run, replace(settings, entry=at)))


@contextmanager
def laid_out(repo: Repo, commit: Commit) -> Iterator[Root]:
    """The files of a commit in a folder of this run alone, byte for byte; links are left out."""
    with private_folder() as root:
        paths = _paths(repo, commit)
        for start in range(0, len(paths), _BATCH):
            for path, raw in repo.read_all(paths[start : start + _BATCH], commit).items():
                # Whether a file may be run is not asked of Git: all may, in a folder of our own.
                root.write_bytes(path, raw, 0o777)
        yield root


def _paths(repo: Repo, commit: Commit) -> list[PurePosixPath]:
    found = repo.files("", commit) or ()
    return [file.path for file in found if not file.is_symlink]


def with_proved(document: Document, value: str) -> str:
    """The text of a record with the line in place of an earlier one, or below its neighbours.

    Raises `KbError` where the section has no evidence line of a form that can be continued.
    """
    section = document.section(_SECTION)
    known = [f for f in (section.fields if section else ()) if f.known and f.style in _STYLES]
    earlier = next((field for field in known if field.key == PROVED_KEY), None)
    beside = earlier or (known[-1] if known else None)
    if beside is None:
        raise _refused(document, value)
    lines = document.text.splitlines(keepends=True)
    before, end = _around(lines[beside.line - 1], beside)
    line = f"{before}{PROVED_KEY}: {value}{end or chr(10)}"
    if earlier:
        lines[earlier.line - 1 : earlier.end_line] = [line]
    else:
        lines.insert(beside.end_line, line)
    text = "".join(lines)
    _check(document, text, value)
    return text


def _around(line: str, field: FieldLine) -> tuple[str, str]:
    """What stands before the key of a line, and the line's end."""
    body = line.rstrip("\r\n")
    place = body.find(field.written)
    return (body[:place] if place > 0 else ""), line[len(body) :]


def _check(document: Document, text: str, value: str) -> None:
    """Nothing where reading it again shows the line and nothing else; else `KbError`."""
    raw = text.encode("utf-8", "surrogateescape")
    again = read_document(raw, document.path, document.form)
    others = [(f.key, f.value) for s in document.sections for f in s.fields if f.key != PROVED_KEY]
    kept = [(f.key, f.value) for s in again.sections for f in s.fields if f.key != PROVED_KEY]
    if kept != others or again.field(_SECTION, PROVED_KEY) != value:
        raise _refused(document, value)


def _refused(document: Document, value: str) -> KbError:
    return KbError(
        "its replay section cannot be added to; nothing was written",
        where=str(document.path),
        todo=f"Write this line below FIXTURE yourself: {PROVED_KEY}: {value}",
    )
