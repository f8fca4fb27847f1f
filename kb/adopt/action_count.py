"""How many actions an old text lists, unknown where its list may be of others or a part of them.

Boxes and rows of a table are actions under any heading of such. A plain list is one where the
heading is of what the team will do, and the list stands in one piece: under `Recommendations` it
may be for the readers, under `Remediation` it may be what was done in the incident.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from kb.adopt.possible_action_lists import line_of_possible_list
from kb.humanize import plural
from kb.records.action_and_prior_items import ActionItem, read_actions
from kb.records.document import Document
from kb.records.form_sections import plain_label
from kb.records.informal_action_items import (
    read_all_actions,
    read_informal_actions,
    read_remarks,
    says_nothing,
)
from kb.records.markdown import Line, SectionText, bold_heading, read_heading
from kb.records.tables import read_tables

_ITEM = re.compile(r"(?P<indent>[ \t]*)(?:[-*+•]|\d{1,3}[.)])[ \t]+(?P<text>.*)")
_BOXED = re.compile(r"[ \t]*[-*+][ \t]+\[[ xX✓✔~-]\][ \t]")
_ASIDE = re.compile(r"[(（][^()（）]{0,200}[)）]")
_BOLD = re.compile(r"\*\*[^*]{1,80}\*\*[.:]?")
#: What a heading names that is of all actions; `Prevention` and its like may be of some.
_OF_ALL = re.compile(
    r"action|follow|next[ ]steps|to[ -]?do|tasks|acciones|tareas|ações|maßnahmen|tâches"
    r"|アクション|対応|行动|措施|待办|액션|조치|действ",
    re.IGNORECASE,
)
#: What a heading names whose boxes and rows are no actions.
_OF_OTHERS = re.compile(
    r"verif|validat|check|test|sign-?off|approv|review|tried|attempt|timeline|evidence|reference"
    r"|criteri|metric|note|rationale|why|background",
    re.IGNORECASE,
)
#: The heading of all actions of a text.
_NAMED = re.compile(r"action[ ]items?|action[ ]plan|アクションアイテム|行动项", re.IGNORECASE)
_NUMBER = re.compile(r"^(?:\d{1,2}|[ivx]{1,4}) ")
#: Sections of what was thought of and is not done.
_NOT_DONE = re.compile(
    r"\bnon[- ]|\bnot[ ]|rejected|considered|discarded|descartad|call[ ]to[ ]action", re.IGNORECASE
)
#: Under these a list is of what was done in the incident, where there is another.
_DONE = re.compile(
    r"taken|immediate|tomadas|adoptadas|realizadas|inmediat|imediat|prises|ergriffen|sofort|立即",
    re.IGNORECASE,
)
#: A plain list under these is of what the team will do.
_OF_TEAM = re.compile(
    r"action|follow|next[ ]steps|to[ -]?do|tasks|prevent|preven[cç]|corrective|recurrence"
    r"|owners?[ ]and|open[ ](?:points|items)|remaining[ ]work"
    r"|^(?:(?:process|technical|future|documentation|propos(?:al|ed)|planned)[ ])?improvements$"
    r"|maßnahmen|massnahmen|schritte|aufgaben|offene[ ]punkte|acciones|medidas|pasos|pendientes"
    r"|tareas|ações|passos|pendências|tâches|mesures|étapes|ändern|cambiamos|mudamos"
    r"|アクション|対応|対策|改善|防止|行动|措施|改进|待办|预防|整改|액션|조치|방지|개선|действ"
    r"|меры|предотвращ",
    re.IGNORECASE,
)
#: Under these a plain list in one piece is of the team, too, unless it is for the readers.
_ADVICE = re.compile(r"recommend|recomend|empfehl|suggest|建议|harden|lesson|learn", re.IGNORECASE)
_OF_READERS = re.compile(
    r"\b(?:users?|readers?|you|your|customers?|clients?|community|everyone|others|usuarios?)\b",
    re.I,
)
#: Under these a plain list may be advice, what is done, or what was done in the incident.
_DOUBTFUL = re.compile(
    r"remediat|immediate|taken|done|implement|complet"
    r"|chang|fix(?:es)?\b|resolving|mitigat|future[ ]work|hypothe",
    re.IGNORECASE,
)
#: Other lists that are of the team's actions by their heading.
_ALSO_OF_ACTIONS = re.compile(r"action|follow-?[ ]?up|next[ ]steps|to[ -]?dos?\b", re.IGNORECASE)
_OF_THE_RESPONSE = re.compile(r"taken|respon|contain|recover|mitigat|operator|user|agent", re.I)
#: Parts into which a list of actions is told: terms, priorities, states and kinds of work.
_PARTS = re.compile(
    r"\b(?:term|short|medium|mid|long|now|soon|later|immediate(?:ly)?|next|today|week|month"
    r"|quarter|p[0-4]|priority|high|low|critical|must|should|could|done|completed?|open|pending"
    r"|in[ ]progress|planned|prevent\w{0,5}|detect\w{0,4}|mitigat\w{0,5}|respon\w{0,4}|process"
    r"|technical|documentation|docs|tooling|monitoring|alerting|observability|testing"
    r"|investigat\w{0,4}|infrastructure|corto|largo|mediano|curto|longo|kurzfristig|langfristig)\b"
    r"|短期|中期|長期|长期|立即|단기|장기",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class ActionCount:
    """How many actions a text lists, None where that is unknown.

    `why` then says why it is, and `listed` how many items stand there that may be actions.
    """

    number: int | None
    why: str = ""
    listed: int = 0


def count_actions(document: Document) -> ActionCount:
    """The items of the action list: with boxes, plain, or rows of a table.

    None where no list of the text can be of actions. Unknown where only lists under other headings
    can be, where prose stands below a heading of actions, where their list can be read in more than
    one way, and where other parts of the text list actions, too.
    """
    own = _of_the_team(document)
    if not own:
        line = line_of_possible_list(document)
        why = f"no heading of actions, but a list from line {line} on that may be of such"
        return ActionCount(None, why) if line else ActionCount(0)
    lines = [line for section in own for line in section.lines]
    found = _without_comments(document, read_all_actions(lines, read_actions(lines)))
    remarks = read_remarks(lines)
    if not found and remarks:
        why = f"from line {remarks[0].line} on stand facts, questions or links, and no promise"
        return ActionCount(None, why, len(remarks))
    if not found:
        is_none = all(says_nothing(line.text) for line in lines if line.is_prose)
        why = f"below line {own[0].line} stands no list"
        return ActionCount(0) if is_none else ActionCount(None, why)
    why = _doubt(document, own, lines, found) or _elsewhere(document, own)
    if remarks:
        why = f"line {remarks[0].line} states or asks something, and may be one more"
    many = f"{plural(len(found), 'item')} from line {found[0].line} on; {why}"
    return ActionCount(None, many, len(found)) if why else ActionCount(len(found))


def _without_comments(document: Document, found: Sequence[ActionItem]) -> list[ActionItem]:
    """The actions; where some have boxes a line without a mark says something of them all."""
    has_boxes = any(_form(document, action) == "box" for action in found)
    return [one for one in found if not has_boxes or _form(document, one) != "line"]


def _of_the_team(document: Document) -> list[SectionText]:
    """The sections of actions, without those of what was done in the incident where others are.

    Of several the one that is called `Action items` holds them all.
    """
    every = (one for one in document.sections if one.key == "actions")
    own = [one for one in every if not _NOT_DONE.search(one.heading)]
    named = [one for one in own if _NAMED.fullmatch(_without_number(one.heading))]
    if len(named) == 1 and _has_items(named[0]):
        return named
    to_come = [one for one in own if not _DONE.search(one.heading) or _is_below(one, own)]
    return to_come if any(map(_has_items, to_come)) else own


def _without_number(heading: str) -> str:
    """The words of a heading in small letters: no number, aside or emoji."""
    return _NUMBER.sub("", plain_label(_ASIDE.sub("", heading)))


def _doubt(
    document: Document, own: list[SectionText], lines: list[Line], found: Sequence[ActionItem]
) -> str:
    """In what other way the list can be read, empty for none."""
    forms = {_form(document, action) for action in found}
    if len(forms) > 1:
        return "some have boxes, some are plain or rows, and one kind may be no actions"
    if forms == {"line"}:
        return "a line without a mark may promise more than one"
    if forms == {"row"}:
        # Items beside a table may be actions, or what its columns mean; so may another table.
        has_items = any(_ITEM.match(line.text) for line in lines if line.is_prose)
        heads = {table.head for table in read_tables(lines)}
        return "a list stands beside the table" if has_items or len(heads) > 1 else ""
    if forms == {"box"} and _has_others_below(lines):
        return "boxes of something else stand below them"
    if forms == {"box"}:
        return "boxes stand below others" if _has_inner_boxes(lines) else ""
    return _doubt_of_plain(own, lines) if forms == {"item"} else ""


def _form(document: Document, action: ActionItem) -> str:
    text = document.source_line(action.line)
    if _BOXED.match(text):
        return "box"
    if _ITEM.match(text):
        return "item"
    if "|" in text:
        return "row"
    return "heading" if read_heading(text) or bold_heading(text) else "line"


def _doubt_of_plain(own: Sequence[SectionText], lines: Sequence[Line]) -> str:
    above = {heading for heading, _ in _items_by_heading(lines) if heading}
    inner = above - {one.heading for one in own}
    for one in filter(_has_items, own):
        named = _without_number(one.heading)
        if not _is_of_team(named, is_in_one_piece=not inner) and not _is_below(one, own):
            return f"under '{one.heading.strip()}' they may be advice, or what was done"
    if unsure := next((one for one in sorted(inner) if not _PARTS.search(one)), ""):
        return f"those under '{unsure}' may be parts of one"
    if _has_groups(lines):
        return "some may be parts of others"
    return "a paragraph stands between them" if _is_in_pieces(lines) else ""


def _is_of_team(heading: str, *, is_in_one_piece: bool) -> bool:
    """Whether a plain list under a heading is of what the team will do."""
    if _DOUBTFUL.search(heading) or _OF_READERS.search(heading):
        return False
    advice = _ADVICE.search(heading)
    return is_in_one_piece if advice else bool(_OF_TEAM.search(heading))


def _is_below(section: SectionText, others: Iterable[SectionText]) -> bool:
    """Whether a section is a part of another: `Immediate actions` of all `Action items`."""
    return any(one.line < section.line <= one.end_line for one in others)


def _items_by_heading(lines: Sequence[Line]) -> Iterator[tuple[str, str]]:
    """Each item with the last heading above it, empty where there is none."""
    heading = ""
    for line in lines:
        if line.fence is None and not line.comment:
            heading = read_heading(line.text) or bold_heading(line.text) or heading
            if _ITEM.match(line.text):
                yield heading, line.text


def _has_others_below(lines: Sequence[Line]) -> bool:
    """Whether boxes stand below a heading of something else: `### Verification`."""
    return any(
        _OF_OTHERS.search(heading)
        for heading, text in _items_by_heading(lines)
        if _BOXED.match(text)
    )


def _has_inner_boxes(lines: Sequence[Line]) -> bool:
    """Whether boxes stand below another: they may be its steps, or it no more than their name."""
    indents = {
        len(line.text) - len(line.text.lstrip())
        for line in lines
        if line.fence is None and not line.comment and _BOXED.match(line.text)
    }
    return len(indents) > 1


def _has_groups(lines: Sequence[Line]) -> bool:
    """Whether an item is told in parts: `- make it better:` may be one action, or name several."""
    found = [match for line in lines if line.is_prose and (match := _ITEM.match(line.text))]
    return any(
        (head["text"].rstrip(" *_").endswith((":", "：")) or _BOLD.fullmatch(head["text"].strip()))
        and len(part["indent"]) > len(head["indent"])
        for head, part in pairwise(found)
    )


def _is_in_pieces(lines: Sequence[Line]) -> bool:
    """Whether a paragraph stands between the items: what follows may be of something else."""
    is_list = is_paragraph = is_begun = False
    for line in lines:
        text = line.text
        if not line.is_prose or not text.strip():
            is_begun = False
        elif _ITEM.match(text):
            if is_list and is_paragraph:
                return True
            is_list = is_begun = True
        elif not is_begun and not text[0].isspace() and not _names_a_part(text):
            is_paragraph = is_list
    return False


def _names_a_part(text: str) -> bool:
    return bool(read_heading(text) or bold_heading(text))


def _elsewhere(document: Document, own: Sequence[SectionText]) -> str:
    """Where else actions may be listed, empty for nowhere.

    Only some of the headings have boxes or rows, or such stand below others.
    """
    listing = [one for one in own if _has_items(one)]
    formal = [one for one in listing if _is_formal(one.lines)]
    if len(formal) not in {0, len(listing)}:
        return "some of the headings have boxes or a table"
    others = [
        one
        for one in document.sections
        if one.key not in {"actions", "timeline"}
        and not _is_below(one, own)
        and not _NOT_DONE.search(one.heading)
    ]
    more = next((one for one in others if _is_of_actions(one)), None)
    if more is None and not any(_OF_ALL.search(one.heading) for one in formal):
        rest = (one for one in others if not _OF_OTHERS.search(one.heading))
        more = next((one for one in rest if _is_formal(one.lines, is_owned=True)), None)
    return f"below line {more.line} there are some, too" if more else ""


def _is_of_actions(section: SectionText) -> bool:
    """Whether a section of no other kind lists what may be actions, too."""
    named = section.key is None and _ALSO_OF_ACTIONS.search(section.heading)
    return bool(
        named and not _OF_THE_RESPONSE.search(section.heading) and section.level > 1
    ) and _has_items(section)


def _has_items(section: SectionText) -> bool:
    return bool(read_all_actions(section.lines, ())) or _is_formal(section.lines)


def _is_formal(lines: Sequence[Line], *, is_owned: bool = False) -> bool:
    """Whether a box or a row of actions stands in these lines, a row with owner or day."""
    prose = (line.text for line in lines if line.fence is None and not line.comment)
    return any(_BOXED.match(text) for text in prose) or any(
        action.row and (not is_owned or bool(action.owner or action.due))
        for action in read_informal_actions(lines)
    )
