"""Which work tree a path lies in, or in words why none can be asked."""

from __future__ import annotations

import os
import re
from pathlib import Path

from kb.errors import KbError
from kb.repo import guards
from kb.repo.process import Answer, Git, first_line
from kb.repo.repository import NoRepo, Repo


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
    git_dir = guards.git_dir_of(root)
    if git_dir is None:
        return NoRepo(
            f"{root} has no .git of its own: what Git found there is a repository among its "
            "files, or one whose core.worktree points there, and kb reads neither"
        )
    git = Git(root, git_dir=git_dir)
    if guards.names_programs(git_dir):
        git.silence()
    return Repo(git)


def _bare(folder: Path) -> NoRepo:
    return NoRepo(f"{folder} is a bare repository: ask in a clone that has its files")


def _in_git_dir(folder: Path) -> NoRepo:
    return NoRepo(f"{folder} is inside a Git directory: ask in the folder beside it")


def _refusal(folder: Path, answer: Answer) -> str:
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
