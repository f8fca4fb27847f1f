"""How many actions an old text lists, unknown where its list may be no more than a part of them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from kb.records.document import Document
from kb.records.informal_actions import read_all_actions, read_informal_actions, says_nothing
from kb.records.markdown import Line, SectionText

_ITEM = re.compile(r"(?P<indent>[ \t]*)(?:[-*+]|\d{1,3}[.)])[ \t]+(?P<text>.*)")
_SOME_WORDS = 3
_BOXED = re.compile(r"[ \t]*[-*+][ \t]+\[[ xX✓✔~-]\][ \t]")
#: What a heading names that is of all actions; `Prevention` and its like may be of some.
_OF_ALL = re.compile(
    r"action|follow|next[ ]steps|to[ -]?do|tasks|acciones|tareas|ações|maßnahmen|tâches"
    r"|アクション|対応|行动|措施|待办|액션|조치|действ",
    re.IGNORECASE,
)
#: What a heading names whose boxes and rows are no actions.
_OF_OTHERS = re.compile(
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
    # Items beside a table may be actions, or what its columns mean.
    has_rows = {action.row for action in read_informal_actions(section.lines)}
    is_open = len(has_rows) > 1 or _has_groups(section.lines)
    return None if is_open or _is_a_part(document) else found


def _has_groups(lines: Sequence[Line]) -> bool:
    """Whether an item of some words is told in parts: `- make it better:` may be one action."""
    found = [match for line in lines if line.is_prose and (match := _ITEM.match(line.text))]
    return any(
        head["text"].rstrip(" *_").endswith(":")
        and len(head["text"].split()) >= _SOME_WORDS
        and len(part["indent"]) > len(head["indent"])
        for head, part in pairwise(found)
    )


def _is_a_part(document: Document) -> bool:
    """Whether only some of the headings have boxes or rows, or such stand below others."""
    own = [one for one in document.sections if one.key == "actions" and _has_items(one)]
    formal = [one for one in own if _is_formal(one.lines)]
    if len(formal) not in {0, len(own)}:
        return True
    if any(_OF_ALL.search(one.heading) for one in formal):
        return False
    others = (one for one in document.sections if one.key not in {"actions", "timeline"})
    return any(_is_formal(one.lines) for one in others if not _OF_OTHERS.search(one.heading))


def _has_items(section: SectionText) -> bool:
    return bool(read_all_actions(section.lines, ())) or _is_formal(section.lines)


def _is_formal(lines: Sequence[Line]) -> bool:
    """Whether a box or a row of actions stands in these lines."""
    prose = (line.text for line in lines if line.fence is None and not line.comment)
    return any(_BOXED.match(text) for text in prose) or any(
        action.row for action in read_informal_actions(lines)
    )
