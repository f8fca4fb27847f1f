"""Which lines open like a field, though no evidence line stands there? `NOTE:`, `**Internal:**`.

Fields that may stand outside are known by name; what only looks like one was meant for the house.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from kb.records.sections import SECTIONS

#: `NOTE:`, `INTERNAL NOTE:`
_CAPITALS = re.compile(
    r"[ \t]*+(?=[^a-z:：]*[A-Z][^a-z:：]*[A-Z])[A-Z][A-Z0-9 _/-]{1,60}[:：](?!//)"
)
#: `INTERNAL_NOTE:` wherever it stands, and `14:02 — NOTE:`.
_WITHIN = re.compile(
    r"(?<![^\W_])[A-Z][A-Z0-9]{0,60}(?:_[A-Z0-9]{1,60}){1,12}[ \t]*[:：]"
    r"|[—–][ \t]*[A-Z][A-Z0-9]+[:：]"
)
#: `Tool:`, and every other field of the form; `Told us by:` is one, too.
_WRITTEN_KEY = re.compile(r"[ \t]*([A-Za-z][A-Za-z0-9 _-]{0,60}?)[ \t]*[:：](?=\s|$)")
_KEYS = frozenset(field.key for section in SECTIONS for field in section.fields)
#: `Note:`, `Internal remark:`
_ASIDE = re.compile(
    r"[ \t]*(?:(?:internal|private|confidential|restricted|secret|classified)(?:[ \t]+\w+){0,2}"
    r"|(?:internally|notes?|nb|n\.b\.|todo|fixme|owners?|redact(?:ed)?|off the record))"
    r"[ \t]*[:：](?=\s|$)",
    re.IGNORECASE,
)
_BOLD = re.compile(r"[^:：\n]{1,60}[:：]")


def opens_field(line: str) -> bool:
    """Whether a line of plain text opens like a field, or holds one."""
    if ":" not in line and "：" not in line:
        return False
    key = _WRITTEN_KEY.match(line)
    if key and re.sub(r"[ \t-]+", "_", key[1]).upper() in _KEYS:
        return True
    return bool(_CAPITALS.match(line) or _WITHIN.search(line) or _ASIDE.match(line))


def opens_in_bold(line: str, marked: Sequence[bool]) -> bool:
    """Whether a line opens with emphasised words and a colon; `marked` is so for each character."""
    start = len(line) - len(line.lstrip())
    bold = _BOLD.match(line, start)
    return bool(bold and all(marked[start : bold.end() - 1]))
