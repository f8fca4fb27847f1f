"""What one can ask about a repository: each question a method, each answer a value."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable
from datetime import datetime
from functools import cached_property
from pathlib import Path, PurePosixPath

from kb.errors import KbError
from kb.repo import commits, files, git_log, revisions, safe_git_settings, web_links
from kb.repo.commits import CommitChanges
from kb.repo.git_command import Git, GitOutput, first_line
from kb.repo.git_objects import ObjectStore
from kb.repo.git_types import Commit, File, instant
from kb.repo.line_history import History, LineTest

RepoPath = PurePosixPath | str
Revision = Commit | str


class Repo:
    """A Git work tree.

    Paths are relative to `root`. Answers are how things stand now: only `web_url` remembers.
    Questions raise KbError where Git itself fails or a named revision does not exist.
    In a `NoRepo` every answer is None (an empty `History`, no contents), and `why_unknown` says
    in words what is the matter.
    """

    root: Path | None
    why_unknown: str = ""

    def __init__(self, git: Git) -> None:
        self.root = git.folder
        self._git = git

    @property
    def head(self) -> Commit | None:
        """The commit checked out; None before the first one."""
        return revisions.find(self._git, "HEAD")

    @property
    def branch(self) -> str | None:
        """The branch checked out; None when a commit was checked out directly."""
        name = self._git.ask("symbolic-ref", "--quiet", "--short", "HEAD")
        return name.text if name.status == 0 else None

    @property
    def is_shallow(self) -> bool | None:
        """Whether older commits were left out when the repository was cloned."""
        return revisions.is_shallow(self._git)

    def relative(self, path: Path) -> PurePosixPath | None:
        """A path of the file system as this repository names it; None when it lies outside."""
        # A link to a file is a file of its own: only the folders it lies in are resolved.
        if path.is_symlink() and not path.is_dir():
            real = Path(os.path.realpath(path.parent), path.name)
        else:
            real = Path(os.path.realpath(path))
        if self.root is None or not real.is_relative_to(self.root):
            return None
        return PurePosixPath(real.relative_to(self.root).as_posix())

    def files(
        self, folder: RepoPath = "", revision: Revision | None = None
    ) -> tuple[File, ...] | None:
        """The files below a folder, sorted: of a revision, or as they lie in the working tree.

        The working tree's are tracked or not ignored; deleted ones and submodules are left out.
        """
        below = str(_inside(folder))
        if revision is None:
            return files.in_working_tree(self._git, below)
        return files.in_revision(self._git, self._commit(revision), below)

    def read(self, path: RepoPath, revision: Revision) -> bytes | None:
        """A file's bytes in a revision; None when it is no file there."""
        return self.read_all([path], revision).get(_inside(path))

    def read_all(self, paths: Iterable[RepoPath], revision: Revision) -> dict[PurePosixPath, bytes]:
        """The bytes of those paths that are files of the revision, all at once."""
        wanted = [_inside(path) for path in paths]
        return files.contents(self._git, self._commit(revision), wanted)

    def dirty_paths(self, folder: RepoPath = "") -> tuple[PurePosixPath, ...] | None:
        """Paths that differ from the last commit: changed, staged, deleted or untracked."""
        return files.changed(self._git, str(_inside(folder)))

    def changed_since(
        self, revision: Revision, folder: RepoPath = ""
    ) -> tuple[PurePosixPath, ...] | None:
        """Paths that differ in the working tree from where it branched off `revision`.

        Deleted and untracked ones are among them, and both names of a renamed one.
        KbError when the two have no common ancestor that is known.
        """
        base = self.merge_base(revision, "HEAD")
        if base is None:
            raise KbError(
                f"HEAD and {_name(revision)} have no common commit",
                where=str(self.root),
                todo=revisions.missing_history_hint(self._git) or "name another revision",
            )
        return files.changed_since(self._git, base, str(_inside(folder)))

    def resolve(self, text: str) -> Commit:
        """The commit a revision's name stands for, or the last one of a UTC day (`2026-05-01`).

        Days are looked up on the first-parent history of HEAD. KbError when there is none.
        """
        return revisions.resolve(self._git, text)

    def merge_base(self, one: Revision, other: Revision) -> Commit | None:
        """The best common ancestor of two revisions; None when none is known."""
        return revisions.merge_base(self._git, self._commit(one), self._commit(other))

    def history(
        self,
        folder: RepoPath = "",
        revision: Revision = "HEAD",
        *,
        keep: LineTest | None = None,
    ) -> History:
        """The changes of the folder's Markdown files on the first-parent history, oldest first.

        Only lines that `keep` accepts are held; without it every line that ever was.
        """
        if revision == "HEAD" and self.head is None:
            return History()
        until = self._commit(revision)
        boundary = revisions.boundary(self._git, until)
        span = git_log.LogSpan(_inside(folder), until, boundary)
        return git_log.read_history(self._git, span, keep)

    def commits_in(self, span: str) -> tuple[CommitChanges, ...]:
        """The commits of a range (`v1.2..HEAD`) on its first parents, newest first.

        KbError where Git knows no such range.
        """
        return tuple(commits.in_range(self._git, span))

    @property
    def object_store(self) -> ObjectStore | None:
        """All that Git keeps here, reached by a branch or by nothing."""
        return ObjectStore(self._git)

    def default_branch(self) -> tuple[str, Commit] | None:
        """The branch that everybody's work lands on, and its last commit; None where none is known.

        That of the remote, where Git has noted it, else a local `main` or `master`. While it is
        checked out, its last commit is HEAD.
        """
        remote, head, current = self._main_branch(), self.head, self.branch
        for name in (remote,) if remote else ("main", "master"):
            if name == current and head:
                return name, head
            place = f"refs/remotes/origin/{name}" if remote else f"refs/heads/{name}"
            if found := revisions.find(self._git, place):
                return name, found
        return None

    def contains(self, later: Revision, earlier: Revision) -> bool:
        """Whether `earlier` is part of the history of `later`."""
        one, other = self._commit(earlier), self._commit(later)
        return self._git.ask("merge-base", "--is-ancestor", one.sha, other.sha).status == 0

    def newest_tag(
        self, prefix: str, until: Revision, made_by: datetime
    ) -> tuple[str, datetime] | None:
        """The newest tag whose name begins so in the history of `until`, and when it was made.

        Tags made after `made_by` do not count. A lightweight tag has no time of its own: that of
        its commit is given.
        """
        order = ("--sort=-version:refname", "--sort=-creatordate")
        merged = f"--merged={self._commit(until).sha}"
        found = self._git.ask(
            "for-each-ref",
            *order,
            merged,
            "--format=%(creatordate:unix) %(refname)",
            f"refs/tags/{prefix}",
        )
        rows = (line.partition(" ") for line in found.text.splitlines())
        tags = ((name, instant(seconds.encode())) for seconds, _, name in rows)
        return next(
            ((name.removeprefix("refs/tags/"), made) for name, made in tags if made <= made_by),
            None,
        )

    def commits_since(self, earlier: Revision, until: Revision) -> frozenset[str]:
        """The commits of the first-parent history of `until` that `earlier` does not have."""
        span = (self._commit(until).sha, f"^{self._commit(earlier).sha}")
        return frozenset(self._git.demand("rev-list", "--first-parent", *span, "--").text.split())

    def remote_url(self) -> str | None:
        """Where `origin`, or else the first remote, lives; passwords and tokens left out."""
        names = self._git.demand("remote").text.splitlines()
        if not names:
            return None
        name = "origin" if "origin" in names else names[0]
        url = self._git.ask("remote", "get-url", "--", name)
        return web_links.without_credentials(url.text) if url.status == 0 else None

    def web_url(self, path: RepoPath, view: web_links.View = "source") -> str | None:
        """The page that shows a file on GitHub, GitLab or Bitbucket; None for other remotes.

        It shows the remote's main branch where that is known, else the branch or commit checked
        out. Only a branch can be edited.
        """
        return self._pages.url(_inside(path), view) if self._pages else None

    @cached_property
    def _pages(self) -> web_links.Pages | None:
        # Remembered, unlike anything else: a site asks for thousands of links.
        url, head = self.remote_url(), self.head
        if url is None or head is None:
            return None
        return web_links.pages(url, branch=self._main_branch() or self.branch, commit=head.sha)

    def _main_branch(self) -> str | None:
        found = self._git.ask("symbolic-ref", "--quiet", "refs/remotes/origin/HEAD")
        return found.text.removeprefix("refs/remotes/origin/") if found.status == 0 else None

    def _commit(self, revision: Revision) -> Commit:
        return revision if isinstance(revision, Commit) else self.resolve(revision)


class NoRepo(Repo):
    """What is known of a folder without Git: nothing but the reason."""

    def __init__(self, why_unknown: str) -> None:
        self.root = None
        self.why_unknown = why_unknown

    @property
    def head(self) -> None:
        """Unknown."""

    @property
    def branch(self) -> None:
        """Unknown."""

    @property
    def is_shallow(self) -> None:
        """Unknown."""

    def files(self, folder: RepoPath = "", revision: Revision | None = None) -> None:
        """Unknown."""

    def read_all(self, paths: Iterable[RepoPath], revision: Revision) -> dict[PurePosixPath, bytes]:
        """Nothing."""
        return {}

    def dirty_paths(self, folder: RepoPath = "") -> None:
        """Unknown."""

    def changed_since(self, revision: Revision, folder: RepoPath = "") -> None:
        """Unknown."""

    def resolve(self, text: str) -> Commit:
        """KbError: whoever names a revision cannot go on without it."""
        raise KbError(f"no commit {text!r}: {self.why_unknown}")

    def merge_base(self, one: Revision, other: Revision) -> None:
        """Unknown."""

    def history(
        self,
        folder: RepoPath = "",
        revision: Revision = "HEAD",
        *,
        keep: LineTest | None = None,
    ) -> History:
        """A history without changes that says why."""
        return History(why_unknown=self.why_unknown)

    def commits_in(self, span: str) -> tuple[CommitChanges, ...]:
        """KbError: a range was named, and there is nothing to look it up in."""
        raise KbError(f"no range {span!r}: {self.why_unknown}")

    @property
    def object_store(self) -> None:
        """Unknown."""

    def default_branch(self) -> None:
        """Unknown."""

    def newest_tag(self, prefix: str, until: Revision, made_by: datetime) -> None:
        """Unknown."""

    def remote_url(self) -> None:
        """Unknown."""

    def web_url(self, path: RepoPath, view: web_links.View = "source") -> None:
        """Unknown."""


def _inside(path: RepoPath) -> PurePosixPath:
    inside = PurePosixPath(path)
    if inside.is_absolute() or ".." in inside.parts:
        raise KbError(
            "this path does not lead into the repository",
            where=str(path),
            todo="give it relative to the repository root",
        )
    return inside


def _name(revision: Revision) -> str:
    return revision.sha if isinstance(revision, Commit) else revision


def open_repo(path: Path | str) -> Repo:
    """The repository whose work tree holds `path`, which need not exist yet.

    Never fails: without Git the answer is a `NoRepo`, and its `why_unknown` says why.
    The folder decides; `GIT_DIR` and `GIT_WORK_TREE` together count where it lies in none.
    """
    try:
        folder = _existing_folder(Path(path))
        by_folder = _open(Git(folder))
        # `GIT_DIR` alone, as every hook exports it, would make any folder a work tree.
        if by_folder.root is None and {"GIT_DIR", "GIT_WORK_TREE"} <= os.environ.keys():
            by_environment = _open(Git(folder, inherits=True))
            return by_folder if by_environment.root is None else by_environment
    except KbError as fault:
        return NoRepo(f"{fault.what}: {fault.todo}")
    except OSError as fault:
        return NoRepo(f"the folder of {path} cannot be found: {fault.strerror}")
    return by_folder


def _open(git: Git) -> Repo:
    answer = git.ask(
        "rev-parse", "--is-inside-work-tree", "--is-bare-repository", "--show-toplevel"
    )
    is_inside, _, rest = answer.text.partition("\n")
    is_bare, _, root = rest.partition("\n")
    if answer.status == 0 and is_inside == "true":
        return _guarded(Path(root), inherits=git.inherits)
    if "safe.bareRepository" in answer.complaint:
        # Git names the repository in quotes, and for this setting each `.git` is a bare one.
        return _in_git_dir(git.folder) if "/.git'" in answer.complaint else _bare(git.folder)
    if is_bare == "true":
        return _bare(git.folder)
    if is_inside == "false":
        return _in_git_dir(git.folder)
    return NoRepo(_refusal(git.folder, answer))


def _guarded(root: Path, *, inherits: bool) -> Repo:
    """The repository of a work tree, from now on without the programs that its settings name."""
    if inherits:
        git = Git(root, inherits=True)
        git.silence()
        return Repo(git)
    git_dir = safe_git_settings.git_dir_of(root)
    if git_dir is None:
        return NoRepo(
            f"{root} has no .git of its own: what Git found there is a repository among its "
            "files, or one whose core.worktree points there, and kb reads neither"
        )
    git = Git(root, git_dir=git_dir)
    if safe_git_settings.names_programs(git_dir):
        git.silence()
    return Repo(git)


def _bare(folder: Path) -> NoRepo:
    return NoRepo(f"{folder} is a bare repository: ask in a clone that has its files")


def _in_git_dir(folder: Path) -> NoRepo:
    return NoRepo(f"{folder} is inside a Git directory: ask in the folder beside it")


def _refusal(folder: Path, answer: GitOutput) -> str:
    if "not a git repository (or any" in answer.complaint:
        return f"{folder} is in no Git repository: run `git init`, or ask inside a clone"
    if "dubious ownership" in answer.complaint:
        # Git names the root, which may be far above the folder.
        advice = re.search(r"git config --global --add safe\.directory .*", answer.complaint)
        return (
            f"Git does not read the repository of {folder} because it belongs to somebody else: "
            f"if you trust it, run `{advice[0] if advice else 'git status'}`"
        )
    return f"Git cannot read the repository of {folder}: {first_line(answer.complaint)}"


def _existing_folder(path: Path) -> Path:
    absolute = path.absolute()
    places = (absolute, *absolute.parents)
    # `Path.is_dir` raises where a parent may not be read.
    return next((place for place in places if os.path.isdir(place)), absolute)  # noqa: PTH112
