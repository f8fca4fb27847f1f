"""The rule on fixtures that say of themselves that nothing was taken out of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from kb.lint.readings.attachments import named_files
from kb.lint.rule import Finding, LintContext, rule
from kb.records.document import Document

_MAX_BYTES = 100_000_000


class _Redaction(msgspec.Struct):
    applied: bool = msgspec.field(default=True, name="kb.applied")


class _Mark(msgspec.Struct):
    """What a fixture says of its redaction; everything else in it is skipped over."""

    redaction: _Redaction | None = msgspec.field(default=None, name="kb.redaction")


@rule(
    "KB905",
    "unredacted-fixture",
    reason="A fixture that was imported without redaction holds whatever the trace held, also what "
    "no pattern finds: names, addresses, the text of a customer's mail.",
    bad='{"kb.redaction": {"kb.applied": false}}',
    good='{"kb.redaction": {"kb.applied": true}}',
)
def _unredacted_fixture(document: Document, context: LintContext) -> Iterator[Finding]:
    for name, file in named_files(context.folder_beside(document)):
        if file.suffix == ".json" and _is_marked(file):
            at = document.text.find(name)
            line = document.text.count("\n", 0, at) + 1 if at >= 0 else 1
            message = f"{name} was imported with --no-redact: import the trace again without it"
            yield Finding(line, message)


def _is_marked(file: Path) -> bool:
    try:
        if file.stat().st_size > _MAX_BYTES:
            return False
        mark = msgspec.json.decode(file.read_bytes(), type=_Mark)
    except (OSError, msgspec.MsgspecError, UnicodeError, RecursionError):
        return False  # another rule names what cannot be read
    return mark.redaction is not None and not mark.redaction.applied
