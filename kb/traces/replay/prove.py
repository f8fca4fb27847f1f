"""The contract of a regression: the run fails on the code of the incident and passes on the fix.

Both revisions are laid out from Git's objects as they are, so that no filter, hook or attribute of
the repository runs, and the same entry point is called in each. A fixture that never failed proves
nothing: the code of the incident would have passed as well.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from kb.errors import KbError
from kb.repo import Commit, Repo
from kb.safe_files import Root, private_folder
from kb.traces.replay.agent_process import EntryPoint
from kb.traces.replay.trials import Replay, Settings, TrialVerdict, replay
from kb.traces.run import Run

#: Files that are read from Git at a time.
_BATCH = 500
_SHA = 12


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
