"""Whether some list of a text may be one of actions, under whatever heading it stands."""

from __future__ import annotations

import re

from kb.records.document import Document
from kb.records.markdown import Line, bold_heading, read_heading

_BOX = re.compile(r"[ \t]*[-*+][ \t]+\[[ xX✓✔~-]\][ \t]")
_ITEM = re.compile(r"[ \t]*(?:[-*+•]|\d{1,3}[.)])[ \t]+\S")
#: An item that is a heading of those below it, as converters of Word write them.
_BOLD_ITEM = re.compile(r"[ \t]*(?:[-*+]|\d{1,3}[.)])[ \t]+\*\*[^*]{2,60}\*\*:?[ \t]*$")
#: What stands above a list of actions, or in the head of their table: much besides it, too.
_OF_ACTIONS = re.compile(
    r"action|follow[ -]?up|next|to[ -]?do\b|task|recommend|suggest|improv|remed|lesson|learn"
    r"|takeaway|\bplan(?:s|ned)?\b|future|forward|measure|chang|should|\bwill\b|going[ ]to"
    r"|correct(?:ive|ion)|guardrail|harden|safeguard|prevent|recur|happen\w{0,9}[ ]again|protect"
    r"|\bsteps?\b|pending|outstanding|remaining|backlog|propos|roadmap|enhanc|commitment"
    r"|countermeasure|(?:long|short)[ -]term|owner|due\b|deadline|priorit|assignee|responsib"
    r"|acci[oó]n|medida|mejora|recomend|preven|\bpr[oó]xim|pendient|tarea|\blecci|aprend|pasos|cambio"
    r"|futur|plazo|\bações|\bação|melhori|liç|passos|pendênc|mudan|prazo"
    r"|ma(?:ß|ss)nahm|schritt|aufgab|empfehl|lehren|verbesser|offene|zukunft|änder|zuständig"
    r"|mesure|étape|amélior|leçon|recommand|tâche|prévent|correctif|échéance"
    r"|мер[ыа]|действ|улучш|вывод|урок|предотвр|рекоменд|задач|план|дальн|срок"
    r"|对策|対策|対応|措施|行动|アクション|改善|改进|防止|预防|待办|建议|教训|教訓|後续|后续|整改|今後"
    r"|再発|下一步|原则|负责人|担当|期限|액션|조치|방지|개선|교훈|대응|후속|재발|대책|담당|기한",
    re.IGNORECASE,
)
#: Of the ways there these are no promises.
_OF_OTHERS = re.compile(
    r"investigat|reprodu|diagnos|what[ ]went[ ]well|got[ ]lucky|étapes[ ]de[ ]repro", re.IGNORECASE
)


def line_of_possible_list(document: Document) -> int:
    """The line of the first box, item or row that may be an action; 0 where there is none.

    It may be one below a heading, a paragraph or the head of a table that names what comes.
    """
    heading = paragraph = above = ""
    timeline = document.section("timeline")
    skipped = {line.number for line in timeline.lines} if timeline else set()
    for line in document.lines:
        is_text = line.fence is None and not line.comment and line.number not in skipped
        head, above = ("" if "|" in above else line.text), line.text
        if not is_text or not line.text.strip():
            continue
        if title := _heading(line):
            heading, paragraph = ("" if line.number == _title_line(document) else title), ""
        elif _BOX.match(line.text):
            return line.number
        elif "|" in line.text or _ITEM.match(line.text):
            row = head if "|" in head else ""
            if any(map(_may_be_of_actions, (heading, paragraph, row))):
                return line.number
        elif not line.text[0].isspace():
            paragraph = line.text
    return 0


def _heading(line: Line) -> str:
    own = read_heading(line.text) or bold_heading(line.text)
    return own or (line.text if _BOLD_ITEM.match(line.text) else "")


def _title_line(document: Document) -> int:
    first = document.sections[0] if document.sections else None
    return first.line if first and first.level == 1 else 0


def _may_be_of_actions(text: str) -> bool:
    return bool(_OF_ACTIONS.search(text)) and not _OF_OTHERS.search(text)
