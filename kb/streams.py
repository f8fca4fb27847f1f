"""Writes to and reads from the standard streams; no other module may (`ruff` bans it, TID251).

Text is escaped here whatever was done to it before, so that no place can forget to. Output that
cannot be written is an error, never silence: `OutputLostError`, which ends the command with 2.
"""

from __future__ import annotations

import errno
import io
import os
import re
import sys
from contextlib import contextmanager, suppress

from kb.errors import KbError
from kb.terminal import (
    Text,
    json_escape,
    rendered,
    visible,
    visible_json,
    visible_lines,
    visible_markdown,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, BinaryIO, Literal, TextIO

    _Name = Literal["stdout", "stderr"]

_WORDS = {"stdin": "standard input", "stdout": "standard output", "stderr": "standard error"}
#: Our own signs, for encodings without them; other characters are spelled out there.
_PLAIN_SIGNS = str.maketrans({"→": "->", "…": "...", "·": "-", "—": "-", "–": "-", "•": "*"})

#: `::add-mask::x` at the start of a line, blanks before it or not; `##[error]x` and
#: `##vso[task.setvariable]x` anywhere (actions/runner, ActionCommand; Azure's logging commands).
_COMMAND = r"(?:^|(?<=\n))([^\S\n]*)::|##(?=\[|vso\[)"


class OutputLostError(Exception):
    """What was to be printed could not be."""

    def __init__(self, stream: _Name, why: str, *, is_reader_gone: bool = False) -> None:
        super().__init__(f"{_WORDS[stream]} could not be written: {why}")
        self.stream = stream
        self.is_reader_gone = is_reader_gone


def echo(text: Text | str = "", end: str = "\n") -> None:
    """Print text for people: escaped, and coloured where the terminal wants it."""
    _write("stdout", _without_commands(rendered(text, colour=wants_colour())) + end)


def echo_commands(text: str, end: str = "\n") -> None:
    """Print workflow commands of GitHub, whose parts are escaped for it already."""
    _write("stdout", visible_lines(text) + end)


def echo_json(text: str, end: str = "\n") -> None:
    """Print JSON: the same values, with escapes where a terminal would act on a character."""
    shown = visible_json(text) + end
    if _obeys_commands():
        shown = shown.replace("##", "#\\u0023")  # only in strings
    if not _takes(_unguarded("stdout"), shown):
        shown = "".join(c if c.isascii() else json_escape(c) for c in shown)
    _write("stdout", shown)


def echo_markdown(text: str, end: str = "") -> None:
    """Print a comment in Markdown, in which quoted text is kept from having an effect already."""
    _write("stdout", _without_commands(visible_markdown(text)) + end)


def echo_data(raw: bytes) -> None:
    """Print a patch or a fixture: exact for the program that reads it, escaped at a terminal."""
    if is_terminal("stdout"):
        _write("stdout", visible_lines(raw.decode("utf-8", errors="surrogateescape")))
    elif _obeys_commands():
        text = raw.decode("utf-8", errors="surrogateescape")
        _write("stdout", _without_commands(text).encode("utf-8", errors="surrogateescape"))
    else:
        _write("stdout", raw)


def warn(text: Text | str, end: str = "\n") -> None:
    """Print a remark for people to standard error, escaped."""
    _write("stderr", _without_commands(rendered(text, colour=False)) + end)


def progress(text: str) -> None:
    """Show what is being done in one line that the next call replaces; nothing in a pipe."""
    if is_terminal("stderr"):
        with suppress(OutputLostError):
            _write("stderr", f"\r\x1b[K{visible(text)}")


def is_terminal(name: Literal["stdin", "stdout", "stderr"]) -> bool:
    """Whether a person is at this stream."""
    stream = _unguarded(name)
    try:
        return stream is not None and bool(stream.isatty())
    except ValueError:  # it was closed
        return False


def wants_colour() -> bool:
    """Colour on a terminal that shows it, unless NO_COLOR asks for none (no-color.org)."""
    refused = os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb"
    return is_terminal("stdout") and not refused


def read_stdin(most_bytes: int) -> bytes:
    """What comes by standard input. Raises `KbError` where it is closed, broken or too long."""
    where = "standard input"
    if sys.stdin is None:
        raise KbError("is closed", where=where, todo="Give the text as an argument or a file.")
    try:
        raw = sys.stdin.buffer.read(most_bytes + 1)
    except OSError as error:
        what = f"cannot be read: {error.strerror or error}"
        raise KbError(what, where=where, todo="Give the text as an argument or a file.") from error
    if len(raw) > most_bytes:
        raise too_long(most_bytes, where)
    return raw


def too_long(most_bytes: int, where: str) -> KbError:
    """The error for a question of more bytes than are worth asking with."""
    return KbError(
        f"more than {most_bytes >> 10} KiB is too long for a question",
        where=where,
        todo="Give the part that tells what happened, or a trace as a file.",
    )


@contextmanager
def guarded() -> Iterator[None]:
    """Put a guard before standard output and error: what libraries print is escaped as well.

    Also puts the null device where a standard descriptor is closed: the next file that is opened
    would get its number, and be written into by whatever prints.
    """
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            with suppress(OSError):
                os.open(os.devnull, os.O_RDONLY if number == 0 else os.O_WRONLY)
    before = sys.stdout, sys.stderr
    sys.stdout, sys.stderr = _Guard("stdout", before[0]), _Guard("stderr", before[1])
    try:
        yield
    finally:
        sys.stdout, sys.stderr = before


class _Guard(io.TextIOBase):
    """A standard stream for everybody else: text goes through `_write`, bytes have no way."""

    def __init__(self, name: _Name, stream: TextIO | None) -> None:
        self._name: _Name = name
        self.stream = stream

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """UTF-8, whatever the terminal has: `_write` sees to that."""
        return "utf-8"

    @property
    def errors(self) -> str:  # type: ignore[override]
        """As in a stream that Python opens."""
        return "strict"

    def write(self, text: str | bytes) -> int:
        """The number of characters of the text, which is printed escaped.

        Click writes what it completes in bytes.
        """
        if isinstance(text, bytes):
            text = text.decode("utf-8", "replace")
        _write(self._name, _without_commands(visible_lines(text)))
        return len(text)

    def writable(self) -> bool:
        """That it can be printed to."""
        return True

    def isatty(self) -> bool:
        """Whether a person is at the stream behind."""
        return self.stream is not None and self.stream.isatty()

    def fileno(self) -> int:
        """The descriptor of the stream behind."""
        if self.stream is None:
            raise OSError(errno.EBADF, "it is closed")
        return self.stream.fileno()


def _unguarded(name: str) -> Any:
    """The stream itself, None where it was closed when the program began."""
    stream = getattr(sys, name)
    return stream.stream if isinstance(stream, _Guard) else stream


def give_up(name: _Name) -> None:
    """Let the interpreter end without a complaint about a stream that takes nothing."""
    with suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), _unguarded(name).fileno())


def bar_stream() -> Any:
    """Standard error for a progress bar, whose words are our own."""
    return _unguarded("stderr")


class ProtocolStreams:
    """The two ends of a protocol that runs over the standard streams."""

    def __init__(self, reader: BinaryIO, writer: BinaryIO) -> None:
        self.reader, self.writer = reader, writer

    def write(self, text: str) -> None:
        """Send a message. Raises `OutputLostError`."""
        with _losses("stdout"):
            self.writer.write(text.encode("utf-8", "replace"))
            self.writer.flush()


@contextmanager
def open_protocol_streams() -> Iterator[ProtocolStreams]:
    """The standard streams for a protocol alone; raises `KbError` where one is closed.

    Meanwhile whatever else reads gets nothing, and whatever else prints goes to standard error.
    """
    for name in ("stdin", "stdout"):
        if _unguarded(name) is None:
            raise KbError("is closed", where=_WORDS[name], todo="Leave it to the client.")
    reader, writer = os.dup(0), os.dup(1)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    try:
        # Not closed at the end: a thread may still wait for a line.
        yield ProtocolStreams(
            os.fdopen(reader, "rb", closefd=False), os.fdopen(writer, "wb", closefd=False)
        )
    finally:
        os.dup2(writer, 1)


def _write(name: _Name, output: str | bytes) -> None:
    stream = _unguarded(name)
    if stream is None:
        raise OutputLostError(name, "it is closed")
    with _losses(name):
        if isinstance(output, bytes):
            stream.flush()
            stream.buffer.write(output)
        else:
            stream.write(_encodable(output, stream))
        stream.flush()


@contextmanager
def _losses(name: _Name) -> Iterator[None]:
    """Raise `OutputLostError` for output that cannot be written."""
    try:
        yield
    except BrokenPipeError as error:
        raise OutputLostError(name, "its reader is gone", is_reader_gone=True) from error
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise OutputLostError(name, why) from error


def _obeys_commands() -> bool:
    """Whether the output is read by GitHub Actions or Azure Pipelines, which act on some lines."""
    return bool(os.environ.get("GITHUB_ACTIONS") or os.environ.get("TF_BUILD"))


def _without_commands(text: str) -> str:
    """The text with nothing that a CI would take for a command to itself."""
    return re.sub(_COMMAND, _defused, text) if _obeys_commands() else text


def _defused(found: re.Match[str]) -> str:
    return f"{found[1]}\\x3a:" if found[1] is not None else "#\\x23"


def _encodable(text: str, stream: TextIO) -> str:
    """The text in characters the stream's encoding has."""
    if _takes(stream, text):
        return text
    plainer = text.translate(_PLAIN_SIGNS)
    return plainer.encode(stream.encoding, "backslashreplace").decode(stream.encoding)


def _takes(stream: TextIO | None, text: str) -> bool:
    encoding = getattr(stream, "encoding", None) or "utf-8"
    if text.isascii() or encoding.lower() == "utf-8":
        return True
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True
