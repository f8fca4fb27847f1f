"""What went wrong, where, and what to do: the one exception a user ever meets."""

from __future__ import annotations

from kb.terminal import visible, visible_lines


class KbError(Exception):
    """An operational fault: something outside the records stops the work.

    Content faults are never raised; they are `kb.lint` problems with a line.
    `what` is one sentence, `where` a path or object, `todo` the next step in the imperative.
    """

    def __init__(self, what: str, *, where: str = "", todo: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.todo = todo

    def __str__(self) -> str:
        """The fault as a terminal shows it, one line a part; further lines of one are indented."""
        what = _indented(self.what)
        head = f"{visible(self.where)}: {what}" if self.where else what
        return f"{head}\n  → {_indented(self.todo)}" if self.todo else head


def system_fault(error: OSError | MemoryError) -> KbError:
    """What the system refused, of a fault that nobody nearer could explain better."""
    if isinstance(error, MemoryError):
        return KbError("there is not enough memory", todo="End other programs, or ask for less.")
    is_missing = isinstance(error, FileNotFoundError)
    return KbError(
        f"the system refused it: {error.strerror or error}",
        where=str(error.filename or ""),
        todo="Make the folder it lies in first, or name another."
        if is_missing
        else "Free space there, or make it readable and writable, and run it again.",
    )


def _indented(text: str) -> str:
    """The text with no line but its first at the margin, where only kb itself begins one."""
    lines = visible_lines(text).split("\n")
    return "\n".join([lines[0], *(x if x[:1] in {"", " "} else f"    {x}" for x in lines[1:])])
