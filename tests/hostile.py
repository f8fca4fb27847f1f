"""Texts made to choke patterns: tests read them to the end, `scripts/bench hostile` times them."""

from __future__ import annotations

import io
import zipfile

#: Repeated, they look like the start of a secret or of personal data, over and over.
SECRET_PIECES = (
    *("a", "1 ", "1-", "@", "a@", "a.", "://", "a://b:", "key=", "pass" + "word:", "sk-", "eyJ"),
    *("-eyJ", "eyJaaaaaaaa.", "-----BEGIN ", "Bearer ", "cookie: ", "cookie=a; ", "2001:", "1."),
    *("AA00", "+1 ", "(415) ", "\n", " \n", "a\n", "1\n", "x-api-key ", "token is ", "curl -u a:"),
    *("log in with ", "password ", "password 1a ", "using key=", "pw ", "AC", "datadog=", "x[at]"),
    *("nhs 1", "\u200b", "a1_", "aB1-", "eyJa.", "RSSMRA", "key: {a ", "https://a/"),
    *("identified by ", "login(a, ", "connect('a','", "== password ", "'a' == token", "a-secret-"),
    *("aB1aB1aB1aB1aB1aB1_", "key_aB1aB1aB1aB1aB1aB1 ", "--a-token ", '<pass a="a"', "key = a.aB1"),
    *("-token ", "password\n : ", "auth:0a", "grant a to identified by aB1", 'password="a1b2c3d4('),
    *("://a:${", "://a:{{", "://a:$("),
)
#: Name to a piece; repeated, it looks like the start of what a record holds.
RECORD_PIECES = {
    "letters": "a",
    "attributes": "— owner: ",
    "brackets": "[",
    "hashes": "#",
    "tags": "[a] ",
    "keys": "A: ",
    "comments": "<!--",
    "ticks": "`",
}
#: What stands before the repeated piece.
RECORD_OPENINGS = {"attributes": "- [ ] ", "hashes": "# ", "tags": "- 2026-01-01 "}
#: Repeated in one record, they look like the start of what rules look for.
CHECKED_PIECES = ("a: ", "-", "[", "`", "*", "A1", " — ", "<!--", "(http://", "we ", "_", "- [ ] ")
#: Repeated, they are encodings within encodings, and almost values to redact.
ENCODED_PIECES = (
    *("A" * 76 + "\n", "%41", "%25", "&lt;", "ab/", "aaaaaaaaaaaaaaa-", "\\x41", "deadbeef"),
    "ab@ 12-34 pass: x ",
)


def repeated(piece: str, characters: int) -> str:
    """The piece over and over, at most that many characters of it."""
    return piece * (characters // len(piece))


def record_line(name: str, characters: int) -> str:
    """A line of a record made of one of `RECORD_PIECES`."""
    return RECORD_OPENINGS.get(name, "") + repeated(RECORD_PIECES[name], characters)


def record_body(line: str) -> str:
    """That line in the sections that are read most closely."""
    return "\n".join(f"## {name}\n{line}" for name in ("Summary", "Timeline", "Action items"))


def checked_body(characters: int) -> str:
    """A section for each of `CHECKED_PIECES`, of that many characters."""
    return "".join(f"\n## Summary\n\n{repeated(piece, characters)}\n" for piece in CHECKED_PIECES)


def damaged_zips(name: str, content: bytes) -> dict[str, bytes]:
    """A zip of one file, its name not all ASCII, damaged in each way that has its own error."""
    deflated, packed = (_zip(name, content, method) for method in (8, zipfile.ZIP_LZMA))
    body = 30 + len(name.encode())
    table = deflated.index(b"PK\x01\x02")
    end = deflated.index(b"PK\x05\x06")
    return {
        "name-no-utf-8": _with(deflated, table + 46, b"\xff" * 3),
        "newer-version": _with(deflated, table + 6, b"\xff"),
        "unknown-method": _with(deflated, table + 10, b"\x63"),
        "needs-password": _with(deflated, table + 8, bytes([deflated[table + 8] | 1])),
        "torn-table": _with(deflated, end + 16, b"\xff\xff\xff\x7f"),
        "torn-deflate": _with(deflated, body, b"\xff" * 4),
        "torn-lzma": _with(packed, body + 4, b"\xff" * 8),
    }


def _zip(name: str, content: bytes, method: int) -> bytes:
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w", method) as archive:
        archive.writestr(name, content)
    return raw.getvalue()


def _with(raw: bytes, place: int, written: bytes) -> bytes:
    return raw[:place] + written + raw[place + len(written) :]
