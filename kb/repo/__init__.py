"""What Git knows about a folder; the only package that talks to Git, through GitPython.

Begin with `repository`: every question is a method of `Repo`. `line_history` holds what happened to
each line, `git_log` reads that from Git, and `git_command` runs Git so that nobody's settings
change an answer. Nothing here knows what a postmortem is. The first question loads GitPython.
"""

from kb.repo.git_types import Commit, File
from kb.repo.line_history import FileChange, History
from kb.repo.repository import NoRepo, Repo, open_repo

__all__ = ["Commit", "File", "FileChange", "History", "NoRepo", "Repo", "open_repo"]
