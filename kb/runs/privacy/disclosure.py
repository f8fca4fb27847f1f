"""What of a trace, or of its name, may be told to a person? Messages and paths without secrets."""

from __future__ import annotations

from kb.errors import KbError
from kb.terminal import plain
from kb.traces.redaction.redact import Redactor


def safely(text: str) -> str:
    """A text fit for a message to a person: on one line, secrets and people replaced."""
    redactor = Redactor()
    redactor.look(text)
    return plain(redactor.rewrite(text))


def safe_path(path: str) -> str:
    """A path with secrets and people in the names of its folders and of its file replaced.

    The folder of an account stays: whoever reads the message is that person.
    """
    redactor = Redactor()
    return "/".join(safe_name(name, redactor) for name in path.split("/"))


def safe_name(name: str, redactor: Redactor) -> str:
    """The name of a file with the placeholders of a redactor, also where an ending hides a mail."""
    redactor.look(name)
    stem, dot, ending = redactor.rewrite(name).rpartition(".")
    redactor.look(stem)
    return redactor.rewrite(stem) + dot + ending


def safe_error(error: KbError) -> KbError:
    """The same fault, its place fit to be shown."""
    return KbError(error.what, where=safe_path(error.where), todo=error.todo)
