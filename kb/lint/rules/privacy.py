"""Rules on secrets and personal data, in records and files beside them, on decoded values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from kb.lint.readings.attachments import Decoded, named_files, read_decoded, why_unread
from kb.lint.rule import ADVICE, Finding, LintContext, rule
from kb.lint.rules.evidence.fixture import fixture_path
from kb.records.document import Document
from kb.safe_files import real_path
from kb.sensitive.decoded_layers import encoded
from kb.sensitive.line_breaks import keys_across_lines, numbers_across_lines
from kb.sensitive.personal_data import find_numbers, find_personal_data
from kb.sensitive.secrets.find_secrets import find_secrets, shaped_secrets
from kb.sensitive.secrets.randomness import Detection, without_overlaps

_MOST_FINDINGS_PER_FILE = 20
_SHOWN = 4  # characters of a secret that a message may show, and never more than a quarter of it
#: Kinds whose first characters are a public prefix; of all others nothing is shown.
_UNSHOWN = frozenset({"password", "address with a password", "authorization header"})


def _start_of(kind: str, text: str) -> str:
    shown = "" if kind in _UNSHOWN else text[: min(_SHOWN, len(text) // 4)]
    return f" ({shown}…)" if shown else ""


def _at(document: Document, found: Detection, message: str) -> Finding:
    line, column = document.place(found.start)
    shown = document.text[found.start : found.end].partition("\n")[0]
    return Finding(line, message, column, len(shown))


def all_secrets(text: str, lower: str = "") -> Iterator[Detection]:
    """Secrets of a text, those across lines and in encoded parts too, without overlaps."""
    hidden = (*keys_across_lines(text, shaped_secrets), *encoded(text, find_secrets))
    return without_overlaps(text, (*find_secrets(text, lower), *hidden))


@rule(
    "KB901",
    "secret",
    reason="A repository is copied to every laptop and kept for ever. A key in it is a key given "
    "away, also after the next commit took it out.",
    bad="TOOL_LOG: curl -H 'Authorization: Bearer <the token itself>' api.example.com",
    good="TOOL_LOG: curl -H 'Authorization: Bearer REDACTED_SECRET_1' api.example.com",
)
def _secret(document: Document, context: LintContext) -> Iterator[Finding]:
    text = document.text
    for found in all_secrets(text, document.lower):
        start = _start_of(found.kind, text[found.start : found.end])
        message = (
            f"{found.kind}{start}: write REDACTED_SECRET_1 in its place and revoke it; the history "
            "keeps what was committed"
        )
        yield _at(document, found, message)


@rule(
    "KB902",
    "secret-beside",
    reason="Fixtures are cut out of live traffic, headers and tool arguments included. They are "
    "committed with the record and read by fewer people.",
    bad='{"headers": {"authorization": "Bearer <the token itself>"}}',
    good='{"headers": {"authorization": "Bearer REDACTED_SECRET_1"}}',
)
def _secret_beside(document: Document, context: LintContext) -> Iterator[Finding]:
    for file, content in _decoded_files(document, context):
        found = tuple(secrets_of(content))
        for kind, start, place in found[:_MOST_FINDINGS_PER_FILE]:
            message = (
                f"{file} holds a {kind}{start} at {place}: write REDACTED_SECRET_1 in its place "
                "and revoke it; the history keeps what was committed"
            )
            yield Finding(_mention(document, file), message)
        if len(found) > _MOST_FINDINGS_PER_FILE:
            message = f"{file} holds {len(found) - _MOST_FINDINGS_PER_FILE} secrets more"
            yield Finding(_mention(document, file), message)


def secrets_of(content: Decoded) -> Iterator[tuple[str, str, str]]:
    """Kind, first characters and place of each secret of a file, equal ones once."""
    seen: set[str] = set()
    text = content.text
    for found in all_secrets(text):
        value = text[found.start : found.end]
        if value not in seen:
            seen.add(value)
            yield found.kind, _start_of(found.kind, value), content.place(found.start)
    for place, joined in content.joined:
        for found in shaped_secrets(joined):
            value = joined[found.start : found.end]
            if not any(value in other for other in seen):
                seen.add(value)
                yield found.kind, _start_of(found.kind, value), f"{place}, joined"


@rule(
    "KB903",
    "personal-data",
    severity=ADVICE,
    reason="A record needs what happened to whom, not their address. What was never written down "
    "cannot be forwarded.",
    bad="TOLD_US_BY: mail from the customer's private address",
    good="TOLD_US_BY: mail from REDACTED_EMAIL_1",
)
def _personal_data(document: Document, context: LintContext) -> Iterator[Finding]:
    if document.front.text("visibility") != "external":
        yield from _personal_data_anywhere(document, context)


@rule(
    "KB904",
    "personal-data-for-outsiders",
    reason="This record is marked external: what stands in it may be sent to other customers and "
    "published.",
    bad="visibility: external\n…\nTOLD_US_BY: mail from the customer's private address",
    good="visibility: external\n…\nTOLD_US_BY: mail from REDACTED_EMAIL_1",
)
def _personal_data_for_outsiders(document: Document, context: LintContext) -> Iterator[Finding]:
    if document.front.text("visibility") == "external":
        yield from _personal_data_anywhere(document, context)


def _all_personal_data(text: str) -> Iterator[Detection]:
    hidden = (*numbers_across_lines(text, find_numbers), *encoded(text, find_personal_data))
    return without_overlaps(text, (*find_personal_data(text), *hidden))


def _personal_data_anywhere(document: Document, context: LintContext) -> Iterator[Finding]:
    text = document.text
    for found in _all_personal_data(text):
        placeholder = f"REDACTED_{_PLACEHOLDERS[found.kind]}_1"
        message = f"{found.kind}: write {placeholder}, or say in words who it was"
        yield _at(document, found, message)
    for file, content in _decoded_files(document, context):
        for kind, count, place in personal_kinds_of(content):
            message = (
                f"{file} holds personal data, {kind}: {count}, the first at {place}: "
                f"write REDACTED_{_PLACEHOLDERS[kind]}_1 in its place"
            )
            yield Finding(_mention(document, file), message)


def personal_kinds_of(content: Decoded) -> Iterator[tuple[str, int, str]]:
    """Each kind of personal data in a file, how often, and the place of the first."""
    found = tuple(_all_personal_data(content.text))
    for kind, count in Counter(one.kind for one in found).items():
        first = next(one for one in found if one.kind == kind)
        yield kind, count, content.place(first.start)


@rule(
    "KB906",
    "unread-beside",
    severity=ADVICE,
    reason="A file that was not read was not found clean. Whoever reviews the record has to open "
    "it, or it stays out of the repository.",
    bad="<record>/trace.log.gz",
    good="<record>/trace.log",
)
def _unread_beside(document: Document, context: LintContext) -> Iterator[Finding]:
    for name, file in named_files(context.folder_beside(document)):
        unread = why_unread(file)
        if unread:
            yield Finding(_mention(document, name), f"{name}: {unread}")


_PLACEHOLDERS = {
    "e-mail address": "EMAIL",
    "phone number": "PHONE",
    "card number": "CARD",
    "bank account number": "ACCOUNT",
    "social security number": "ID",
    "national identity number": "ID",
    "IP address": "IP",
}


def _decoded_files(document: Document, context: LintContext) -> Iterator[tuple[str, Decoded]]:
    """The readable files beside a record, by their path from it."""
    files = dict(named_files(context.folder_beside(document)))
    named = fixture_path(document.field("replay", "FIXTURE"))
    if named and named not in files:
        root = Path(context.root)
        folder = root / document.path.parent
        for file in _inside(folder / named, root):
            if file not in files.values():
                inside = file.is_relative_to(folder)
                files[file.relative_to(folder).as_posix() if inside else named] = file
    for name, file in files.items():
        content = read_decoded(file)
        if content is not None:
            yield name, content


def _inside(file: Path, root: Path) -> list[Path]:
    """The file when it is a regular one within the repository, else nothing."""
    try:
        real = real_path(file)
        return [file] if real.is_relative_to(real_path(root)) and real.is_file() else []
    except (OSError, ValueError, RuntimeError):  # names no file system can hold, circular links
        return []


def _mention(document: Document, file: str) -> int:
    """The line that names a file, the first line when none does."""
    at = document.text.find(file)
    return document.text.count("\n", 0, at) + 1 if at >= 0 else 1
