"""This project as somebody else's tool gets it: the files that belong to it, in one commit."""

from __future__ import annotations

import shutil
from pathlib import Path

from conftest import ROOT, git_in


def copy_project(folder: Path, *parts: str) -> str:
    """Commit these top-level files and folders of the project in a new repository.

    Work that is not committed yet is included. The commit it makes.
    """
    names = git_in(ROOT)("ls-files", "-z", "--cached", "--others", "--exclude-standard")
    for name in filter(None, names.split("\0")):
        if Path(name).parts[0] in parts and (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, folder / name)
    git = git_in(folder)
    git("init", "--quiet", "--initial-branch=main")
    git("add", "--all", "--force")
    git("commit", "--quiet", "--message", "The project")
    return git("rev-parse", "HEAD")
