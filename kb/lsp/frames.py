"""Reads the frames of a language client: bounded in memory, whatever their headers say."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import BinaryIO

#: A record of 2 MB, each byte of which JSON spells in six, and as much again around it.
MOST_BYTES = 24 << 20
#: A header has twenty digits at most; Python turns fewer than 4,300 into a number.
_MOST_HEADER = 4096
_CHUNK = 1 << 20
_LENGTH = re.compile(rb"Content-Length: (\d+)\r\n")


class FrameReader:
    """What the protocol's library reads of a stream; a body above `MOST_BYTES` is skipped.

    `refuse` is told of each that was: the library would hold all of it, or fail at its length.
    """

    def __init__(self, stream: BinaryIO, refuse: Callable[[str], None]) -> None:
        self._stream, self._refuse = stream, refuse

    def readline(self) -> bytes:
        """The next line of a header, or as much of it as a header may have; b"" at the end."""
        line = self._stream.readline(_MOST_HEADER)
        found = _LENGTH.fullmatch(line)
        if found is None or (length := int(found[1])) <= MOST_BYTES:
            return line
        self._refuse(f"a message of more than {MOST_BYTES >> 20} MiB was skipped")
        self._skip(length)
        return b"\r\n"

    def read(self, size: int) -> bytes:
        """The body of a message, of at most `MOST_BYTES`; bytes that are no UTF-8 as U+FFFD."""
        body = self._stream.read(min(size, MOST_BYTES))
        return body.decode("utf-8", "replace").encode("utf-8")

    def _skip(self, length: int) -> None:
        """Read past the other headers and `length` bytes behind them, holding few."""
        while self._stream.readline(_MOST_HEADER).strip():
            pass
        while length and (chunk := self._stream.read(min(length, _CHUNK))):
            length -= len(chunk)
