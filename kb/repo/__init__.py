"""What Git knows about a folder; the only package that talks to Git, through GitPython.

Begin with `repository.py`: every question is a method of `Repo`. `opening.py` finds the work
tree, `line_history.py` holds what happened to each line, `log.py` reads that from Git, and
`process.py` runs Git so that nobody's settings change an answer. Nothing here knows what a
postmortem is. GitPython is loaded by the first question.
"""

from kb.repo.git_values import Commit, File
from kb.repo.line_history import FileChange, History
from kb.repo.repository import NoRepo, Repo, open_repo

__all__ = ["Commit", "File", "FileChange", "History", "NoRepo", "Repo", "open_repo"]
