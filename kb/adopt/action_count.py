"""How many actions an old text lists, unknown where its list may be no more than a part of them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from kb.records.document import Document
from kb.records.informal_actions import read_all_actions, read_informal_actions, says_nothing
from kb.records.markdown import Line, SectionText

_BOXED = re.compile(r"[ \t]*[-*+][ \t]+\[[ xX✓✔~-]\][ \t]")
#: What a heading names whose boxes and rows are no actions.
_OTHER_LIST = re.compile(
    r"verif|validat|check|test|sign-?off|approv|review|tried|attempt|timeline|evidence|reference",
    re.IGNORECASE,
)


def count_actions(document: Document) -> int | None:
    """The items of the action list: with boxes, plain, or rows of a table.

    None where no heading is of actions, where prose stands below it, and where other parts of the
    text list actions, too.
    """
    section = document.section("actions")
    if section is None:
        return None
    found = len(read_all_actions(section.lines, document.actions))
    if not found:
        prose = [line.text for line in section.lines if line.is_prose]
        return 0 if all(map(says_nothing, prose)) else None
    return None if _is_a_part(document) else found


def _is_a_part(document: Document) -> bool:
    """Whether boxes or rows of actions stand elsewhere, or only some of the headings have them."""
    own = [one for one in document.sections if one.key == "actions"]
    if len({_is_formal(one.lines) for one in own if _has_items(one)}) > 1:
        return True
    others = (one for one in document.sections if one not in own)
    skipped = [*own, *(one for one in others if _OTHER_LIST.search(one.heading))]
    skipped += [one for one in document.sections if one.key == "timeline"]
    taken = {line.number for one in skipped for line in one.lines}
    return _is_formal([line for line in document.lines if line.number not in taken])


def _has_items(section: SectionText) -> bool:
    return bool(read_all_actions(section.lines, ())) or _is_formal(section.lines)


def _is_formal(lines: Sequence[Line]) -> bool:
    """Whether a box or a row of actions stands in these lines."""
    prose = (line.text for line in lines if line.fence is None and not line.comment)
    return any(map(_BOXED.match, prose)) or any(
        action.row for action in read_informal_actions(lines)
    )
