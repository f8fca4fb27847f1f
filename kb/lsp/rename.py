"""Renames a failure class in every record, and in kb.toml where the team defined it."""

from __future__ import annotations

import re
from collections import defaultdict

from lsprotocol import types

from kb.config import FILE_NAME
from kb.errors import KbError
from kb.lsp.navigation import class_at, settings_text, uri_of, uses_of
from kb.lsp.open_record import OpenRecord
from kb.records.taxonomy import TAXONOMIES

_WORD = re.compile(r"[a-z][a-z0-9]*(?:-[a-z0-9]+)*")


def renamable(record: OpenRecord, position: types.Position) -> types.Range | None:
    """The range of the class at a position, None where no class is."""
    found = record.scalar_at(record.places.offset(position))
    if not found or not class_at(record, position):
        return None
    return record.range_of(found[1].line, found[1].column, len(found[1].text or ""))


def rename_class(record: OpenRecord, position: types.Position, new: str) -> types.WorkspaceEdit:
    """The edits that give a class its new name; the client makes them, and can take them back.

    Raises `KbError` where no class stands there, or the new name would be a word of no list.
    """
    old = class_at(record, position)
    if not old:
        raise KbError("no failure class stands here", todo="Rename one of front matter's classes.")
    _refuse(record, old, new)
    changes: defaultdict[str, list[types.TextEdit]] = defaultdict(list)
    for card, line, column, length in uses_of(record.view, old):
        uri = uri_of(record.view.library.root / card.path)
        start, end = (types.Position(line - 1, at) for at in (column - 1, column - 1 + length))
        changes[uri].append(types.TextEdit(types.Range(start, end), new))
    if _is_own(record, old) and not _is_known(record, new):
        changes[uri_of(record.view.library.root / FILE_NAME)] += _in_settings(record, old, new)
    return types.WorkspaceEdit(changes=dict(changes))


def _refuse(record: OpenRecord, old: str, new: str) -> None:
    if not _WORD.fullmatch(new):
        what = f"'{new[:60]}' is no word for a class"
        raise KbError(what, todo="Use small letters, digits and single dashes.")
    if _is_known(record, new) or _is_own(record, old):
        return
    built_in = any(word.name == old for word in TAXONOMIES["classes"])
    whose = "ships with kb and keeps its name" if built_in else "is defined nowhere"
    raise KbError(
        f"'{old}' {whose}, and '{new}' is no known class",
        todo=f"Add {new} to [taxonomy.classes] of kb.toml first, or choose a known class.",
    )


def _is_known(record: OpenRecord, word: str) -> bool:
    return word in record.view.library.form.words("classes")


def _is_own(record: OpenRecord, word: str) -> bool:
    return word in record.view.library.config.taxonomy.classes


def _in_settings(record: OpenRecord, old: str, new: str) -> list[types.TextEdit]:
    """The edit of the key in `[taxonomy.classes]`; other tables may have a key of that name."""
    lines = settings_text(record.view).splitlines()
    table = ""
    for number, line in enumerate(lines):
        if head := re.match(r"\s*\[([^\[\]]+)\]", line):
            table = head[1].strip()
        match = re.match(rf'\s*"?({re.escape(old)})"?\s*=', line)
        if match and table == "taxonomy.classes":
            start, end = (types.Position(number, at) for at in match.span(1))
            return [types.TextEdit(types.Range(start, end), new)]
    raise KbError(
        f"the line of '{old}' in kb.toml is not found", todo="Rename it there by hand first."
    )
