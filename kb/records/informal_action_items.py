"""Actions as people list them without the form's grammar: bullets, numbers, and tables.

    - require an idempotency key — payments, 12 May 2026, code
    | Action | Owner | Due | Status |

What is told apart is the text, owner, day, lever, state and ticket; what cannot be, stays text.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import date

from msgspec import Struct

from kb.lazy_regex import regex
from kb.records.action_and_prior_items import ANY_ITEM, ActionItem, Item, read_items
from kb.records.heading_topics import section_by_stem
from kb.records.markdown import Line, bold_heading, even_spaces, read_heading, without_tags
from kb.records.promises import promises, tells_no_action
from kb.records.tables import Table, TableRow, read_tables
from kb.records.written_dates import read_day

_BOX = regex(r"(?:\[(?P<mark>[ xX✓✔~/>-]?)\]|(?P<sign>[☐☑☒✅⬜🔲])\ufe0f?)[ \t]*")
_TAIL = regex(r"(?<![ \t])[ \t]++(?:—|–|--?)[ \t]++")
_IN_BRACKETS = regex(r"(?<![ \t])[ \t]*+[(\[]([^()\[\]\n]{2,120})[)\]][.]?$")
_SEPARATOR = regex(r"(?<![ \t])[ \t]*+(?:[,;|]|(?<=[ \t])/(?=[ \t]))[ \t]*+")
_LABELLED = regex(
    r"[*_]*(?P<label>[A-Za-z][A-Za-z -]{1,24}?)[*_]*[ \t]*[:=][*_]*[ \t]*(?P<value>.*)$"
)
_HANDLE = regex(r"@[\w./-]+|[A-Za-z][\w.’'-]*(?:[ /&+-]+[A-Za-z][\w.’'-]*){0,2}")
_NO_OWNER = regex(r"(?:see|cf|ref|via|in|for|to|by|after|from|on|and|or|as)\b", re.IGNORECASE)
#: An item that only names those below it.
_GROUP_HEAD = regex(r"[*_]{0,3}[^*_:：\n\[\]]{2,60}(?:[:：][*_]{0,3}|[*_]{2,3}[:：]?)[ \t]*")
_YEAR = regex(r"\d{4}")
_SIGNS = regex(r"[^\w' ]+")
_STRUCK = regex(r"~~(.*)~~$")
#: Labels and column heads by what they give.
_MEANINGS = {
    **dict.fromkeys(
        ("owner", "owners", "assignee", "assigned to", "assigned", "responsible"), "owner"
    ),
    **dict.fromkeys(("who", "dri", "lead", "owned by", "team", "owner(s)", "owner role"), "owner"),
    **dict.fromkeys(
        ("due", "due date", "deadline", "by", "eta", "when", "target", "by when"), "due"
    ),
    **dict.fromkeys(("target date", "due by", "date", "target completion"), "due"),
    **dict.fromkeys(("lever", "blast-radius lever", "blast radius lever"), "lever"),
    **dict.fromkeys(("status", "state", "done", "done?", "progress"), "state"),
    **dict.fromkeys(("tracker", "ticket", "issue", "jira", "tracking", "bug", "link"), "tracker"),
    **dict.fromkeys(("action", "action item", "action items", "task", "item", "what"), "text"),
    **dict.fromkeys(("description", "follow-up", "follow up", "todo", "to do", "change"), "text"),
    **dict.fromkeys(("improvement", "recommendation", "measure", "corrective action"), "text"),
    **dict.fromkeys(("permanent change", "fix", "title", "preventive action", "actions"), "text"),
    **dict.fromkeys(("アクション", "アクションアイテム", "対応", "内容", "対策"), "text"),
    **dict.fromkeys(("行动", "行动项", "改进项", "改进措施", "措施", "事项", "任务"), "text"),
    **dict.fromkeys(("액션", "액션 아이템", "조치", "조치 사항", "할 일", "мера"), "text"),
    **dict.fromkeys(("maßnahme", "aufgabe", "acción", "ação", "tarea", "tarefa"), "text"),
    **dict.fromkeys(("담당", "담당자", "ответственный", "dono", "encargado"), "owner"),
    **dict.fromkeys(
        ("担当", "担当者", "负责人", "verantwortlich", "responsable", "responsável"), "owner"
    ),
    **dict.fromkeys(("期限", "截止", "截止日期", "frist", "échéance", "plazo", "prazo"), "due"),
    **dict.fromkeys(("fecha", "data", "datum", "완료 예정일", "기한", "срок"), "due"),
    **dict.fromkeys(("状態", "ステータス", "状态", "statut", "estado", "상태", "статус"), "state"),
    **dict.fromkeys(
        ("mesure", "actie", "maatregel", "azione", "działanie", "åtgärd", "tiltak"), "text"
    ),
    **dict.fromkeys(
        ("действие", "задача", "что сделать", "tindakan", "aksiyon", "할일", "改善项"), "text"
    ),
    **dict.fromkeys(
        ("対応内容", "再発防止策", "改善内容", "改善措施", "改进事项", "行動項目", "行动项目"),
        "text",
    ),
    **dict.fromkeys(("action required", "next step", "preventive measure", "action/item"), "text"),
    **dict.fromkeys(
        ("mejora", "melhoria", "amélioration", "medida", "misura", "correctif"), "text"
    ),
    **dict.fromkeys(
        ("assignee(s)", "owner/team", "owner repo", "verantwortliche", "pilote"), "owner"
    ),
    **dict.fromkeys(
        ("zuständig", "porteur", "responsabile", "eigenaar", "ansvarig", "исполнитель"), "owner"
    ),
    **dict.fromkeys(
        ("責任者", "オーナー", "责任人", "負責人", "所有者", "책임자", "소유자"), "owner"
    ),
    **dict.fromkeys(
        ("fällig", "termin", "date limite", "scadenza", "fecha límite", "deadline/eta"), "due"
    ),
    **dict.fromkeys(
        ("délai", "dead line", "完成时间", "计划完成时间", "期日", "締切", "마감", "дата"), "due"
    ),
    **dict.fromkeys(
        ("état", "stato", "situação", "进度", "进展", "狀態", "진행 상태", "стан"), "state"
    ),
    **dict.fromkeys(
        ("jira ticket", "issue/pr", "reference", "pr", "issues", "github issue", "チケット"),
        "tracker",
    ),
    **dict.fromkeys(
        ("항목", "내용", "작업", "과제", "内容", "项目", "建议", "項目", "施策", "タスク"), "text"
    ),
    **dict.fromkeys(("id", "#", "no", "no.", "nr", "number", "ref"), "label"),
}
_DONE = frozenset({"done", "closed", "complete", "completed", "fixed", "resolved", "shipped", "✅"})
_DONE_MARKS = frozenset(
    {"✅", "✔", "✔️", "x", "[x]", "☑", "yes", "merged", "implemented", "deployed"}
)
_OPEN = frozenset(
    {"", "open", "todo", "to do", "pending", "in progress", "not started", "planned", "new", "no"}
    | {"wip", "ongoing", "[ ]", "⏳", "🔄", "❌", "-", "backlog", "proposed"}
)
#: States that a box tells as well; every other one is kept in the text.
_PLAIN_STATES = frozenset({*_DONE, *_DONE_MARKS, "open", "todo", "to do", "new", "[ ]", "-"})
_DROPPED = frozenset({"cancelled", "canceled", "won't do", "wont do", "won't fix", "wontfix"})
_LABEL = regex(r"A\d{1,4}")
_BOXED = regex(r"[ \t]*[-*+][ \t]+\[[ xX-]\][ \t]+")
_MAX_TEXT = 2_000
#: `P1: cap the set`, `Fix 2 — log the size`: a heading that is one of several actions.
_NUMBERED_ACTION = regex(
    r"(?:P|AI[- ]?|(?:fix|action(?: item)?|change|item|task)[ -]?)\d{1,2}[ \t]*[:.)—–-]",
    re.IGNORECASE,
)
#: What a line below an action, or below its heading, may tell of it.
_ATTRIBUTES = frozenset({"owner", "due", "state", "tracker", "lever"})
#: The columns that a table of actions has and one of causes has not.
_OF_ACTIONS = frozenset({"owner", "due", "state", "lever"})
_LONGEST_UNIT = 7
_NUMBERED = regex(r"[ \t]*\d")
#: Items that say there is nothing to do.
_NOTHING = regex(
    r"[*_(]*(?:none|n/?a|nothing|tbd|todo|[-–—]|no (?:further |open )?actions?(?: items?)?"
    r"(?: (?:required|needed|planned))?|ninguna?|nenhuma?|aucune?|keine|なし|无|없음)[*_).]*",
    re.IGNORECASE,
)
#: The box of an item that nobody wrote.
_EMPTY_BOX = regex(r"[ \t]*\[[ xX]?\][ \t]*")


class InformalAction(Struct, frozen=True, gc=False):
    """One action that lacks the form's grammar. `state` is open, closed or cancelled.

    `owner`, `due` (a day where one could be read), `lever` and `tracker` are empty where not told;
    `is_whole` says that nothing was told which they do not hold. `row` is a row of a table.
    """

    text: str
    owner: str
    due: str
    lever: str
    tracker: str
    state: str
    line: int
    end_line: int
    is_whole: bool
    row: bool = False

    @property
    def attributes(self) -> tuple[tuple[str, str], ...]:
        """What is told of owner, day, lever and ticket, as the attributes of an action."""
        pairs = (("owner", self.owner), ("due", self.due), ("lever", self.lever))
        return tuple((k, v) for k, v in (*pairs, ("tracker", self.tracker)) if v)

    def task(self, label: str = "") -> str:
        """The list item to write for it."""
        box = {"closed": "x", "cancelled": "-"}.get(self.state, " ")
        text = ", ".join(f"{key}: {value}" for key, value in self.attributes)
        head = f"- [{box}] {f'{label}: ' if label else ''}{self.text}"
        return f"{head} — {text}" if text else head


def says_nothing(text: str) -> bool:
    """Whether a text or an item says that there is nothing to do: `- None`."""
    return bool(_NOTHING.fullmatch(text.strip().lstrip("-*+").strip()))


def read_informal_actions(
    lines: Sequence[Line], levers: Collection[str] = (), near: date | None = None
) -> tuple[InformalAction, ...]:
    """The items, rows and lines of an action list that are no task of the form, in order.

    Details below a task or an item (deeper items) belong to it and are none of their own. Items
    that tell no action are left out, see `read_remarks`.
    """
    items = (one for one in _from_items(lines, levers, near) if not _is_remark(one))
    found = [*items, *_from_lines(lines, levers, near)]
    if any("|" in line.text for line in lines):
        found += [
            action for table in read_tables(lines) for action in _from_table(table, levers, near)
        ]
    return tuple(sorted(found, key=lambda action: action.line))


def read_remarks(lines: Sequence[Line]) -> tuple[InformalAction, ...]:
    """The items of an action list that tell no action: facts, questions, links alone."""
    return tuple(filter(_is_remark, _from_items(lines, (), None)))


def _is_remark(action: InformalAction) -> bool:
    is_bare = not action.attributes and action.state == "open"
    return is_bare and tells_no_action(action.text)


def read_all_actions(
    lines: Sequence[Line], tasks: Sequence[ActionItem], levers: Collection[str] = ()
) -> tuple[ActionItem, ...]:
    """Every action of a list, in the form's grammar or in none, as the form would have it.

    A task without a word is none.
    """
    untasked = read_untasked(lines, levers)
    below = {n for action in untasked for n in range(action.line + 1, action.end_line + 1)}
    informal = (
        ActionItem("", action.state, action.text, action.attributes, action.line, action.end_line)
        for action in untasked
    )
    apart = (task for task in tasks if task.line not in below and task.text)
    return tuple(sorted((*apart, *informal), key=lambda action: action.line))


def read_untasked(
    lines: Sequence[Line], levers: Collection[str] = (), near: date | None = None
) -> tuple[InformalAction, ...]:
    """The actions of a list that are no tasks, those that are headings as well, in order.

    A heading with `Owner:`, `Due:` or `Status:` below it, or with a label as `P1:` or `Fix 2 —`,
    is an action, and what else stands there its details.
    """
    headed = tuple(_from_headings(lines, levers))
    below = {number for action in headed for number in range(action.line, action.end_line + 1)}
    apart = (a for a in read_informal_actions(lines, levers, near) if a.line not in below)
    return tuple(sorted((*headed, *apart), key=lambda action: action.line))


def _from_headings(lines: Sequence[Line], levers: Collection[str]) -> Iterator[InformalAction]:
    block: list[Line] = []
    for line in lines:
        heading = None if line.fence is not None or line.comment else _heading_of(line.text)
        is_within = block and _is_numbered(block[0].text) and not read_heading(line.text)
        if heading and not is_within:
            yield from _headed(block, levers)
            block = [line]
        elif block:
            block.append(line)
    yield from _headed(block, levers)


def _heading_of(text: str) -> str:
    return read_heading(text) or bold_heading(text) or ""


def _headed(block: Sequence[Line], levers: Collection[str]) -> Iterator[InformalAction]:
    """The action that a heading is, where attributes of it stand below."""
    fields = dict(
        filter(None, (_attribute(line.text, levers) for line in block[1:] if line.is_prose))
    )
    heading = _heading_of(block[0].text).strip(" *_:") if block else ""
    if section_by_stem(heading) == "actions":
        return  # the head of a further part of the list
    if fields.keys() & {"owner", "due", "state"} or (block and _is_numbered(block[0].text)):
        end = block[-1].number
        yield _action_of(heading, fields, "open", block[0].number, end, row=False)


def _is_numbered(text: str) -> bool:
    """Whether a heading with number signs is one of several actions."""
    return bool(_NUMBERED_ACTION.match((read_heading(text) or "").strip(" *_:")))


def _attribute(text: str, levers: Collection[str]) -> tuple[str, str] | None:
    """The attribute that a line or an item is, None where it is none."""
    item = ANY_ITEM.match(text)
    label = _LABELLED.match((item[2] if item else text).strip())
    key = _MEANINGS.get(label["label"].strip().lower(), "") if label else ""
    if not label or key not in _ATTRIBUTES or not label["value"].strip(" *_`"):
        return None
    return _meaning(f"{label['label']}: {label['value']}", levers, None)


def _from_items(
    lines: Sequence[Line], levers: Collection[str], near: date | None
) -> Iterator[InformalAction]:
    source = {line.number: line.text for line in lines}
    items = _without_heads(list(read_items(lines, ANY_ITEM)))
    details = _details(items, source)
    above: list[int] = []  # the indents of the items that an item may be a detail of
    below = [*(item.indent for item in items[1:]), 0][: len(items)]
    for item, indent in zip(items, below, strict=True):
        while above and above[-1] >= item.indent:
            above.pop()
        if indent > item.indent and _GROUP_HEAD.fullmatch(item.text):
            continue  # `Tasks:`, and the tasks below it
        is_own = not above and item.line not in details
        if is_own and not _BOXED.match(source[item.line]) and item.text.strip():
            yield _from_item(item, levers, near)
        above.append(item.indent)


def _without_heads(items: Sequence[Item]) -> list[Item]:
    """The items without those that name the next ones at their own depth: `- Tasks:`."""
    below = [*items[1:], None][: len(items)]
    return [
        item
        for item, other in zip(items, below, strict=True)
        if not (other and other.indent == item.indent and _is_head(item.text))
    ]


def _is_head(text: str) -> bool:
    return text.rstrip(" *_").endswith(":") and bool(_GROUP_HEAD.fullmatch(text))


def _from_lines(
    lines: Sequence[Line], levers: Collection[str], near: date | None
) -> Iterator[InformalAction]:
    """The lines without a mark that promise something, as `Patch the server` does.

    What goes on below in small letters belongs to them.
    """
    current: list[Line] = []
    has_items = any(ANY_ITEM.match(line.text) for line in lines)
    for line in lines:
        text = line.text.strip()
        is_detail = has_items and line.text[:1] in {" ", "\t"}
        is_bare = line.is_prose and not is_detail and not _is_marked(text)
        if is_bare and current and text[:1].islower():
            current.append(line)
            continue
        yield from _from_block(current, levers, near)
        current = [line] if is_bare and promises(text) else []
    yield from _from_block(current, levers, near)


def _is_marked(text: str) -> bool:
    """Whether a line is none of a paragraph: an item, a row, a heading, a quotation."""
    return bool(ANY_ITEM.match(text) or text[:1] in {"|", ">", "#", "<"} or _heading_of(text))


def _from_block(
    block: Sequence[Line], levers: Collection[str], near: date | None
) -> Iterator[InformalAction]:
    if block:
        text = "\n".join(line.text.strip() for line in block)
        item = Item(text, block[0].number, block[-1].number, 0)
        yield _from_item(item, levers, near)


def _details(items: Sequence[Item], source: Mapping[int, str]) -> frozenset[int]:
    """The lines of items that are none of their own, though no deeper than the others.

    An `Owner:` of the action before; bullets between the numbers of a numbered list; a list that
    explains something, below a paragraph, where the actions have boxes; `None`; an empty box.
    """
    found = {item.line for item in items if _NOTHING.fullmatch(item.text.strip())}
    found |= {item.line for item in items if _EMPTY_BOX.fullmatch(item.text)}
    found |= {item.line for item in items[1:] if _attribute(item.text, ())}
    has_boxes = any(_BOXED.match(source[item.line]) for item in items)
    for run, is_explained in _runs(items, source):
        numbered = [item for item in run if _NUMBERED.match(source[item.line])]
        if numbered and all(item.text.rstrip(" *_").endswith(":") for item in numbered):
            found |= {item.line for item in numbered if len(numbered) < len(run)}
        elif len(numbered) > 1 and run[0] is numbered[0]:
            found |= {item.line for item in run if item.indent <= run[0].indent} - {
                item.line for item in numbered
            }
        if has_boxes and is_explained and not any(_BOXED.match(source[i.line]) for i in run):
            found |= {item.line for item in run}
    return frozenset(found)


def _runs(items: Sequence[Item], source: Mapping[int, str]) -> Iterator[tuple[list[Item], bool]]:
    """The items that follow each other, and whether a paragraph stands before them."""
    run: list[Item] = []
    last, is_explained = min(source, default=1) - 1, False
    for item in items:
        between = [source[n].strip() for n in range(last + 1, item.line) if n in source]
        texts = [text for text in between if text]
        if texts or not run:
            if run:
                yield run, is_explained
            run, is_explained = [], bool(texts) and not _heading_of(texts[-1])
        run.append(item)
        last = item.end_line
    if run:
        yield run, is_explained


def _from_item(item: Item, levers: Collection[str], near: date | None) -> InformalAction:
    text = without_tags(even_spaces(item.text.replace("\n", " "))[:_MAX_TEXT]).strip()
    box = _BOX.match(text)
    mark = (box["mark"] or box["sign"] or " ") if box else " "
    state = "closed" if mark in "xX✓✔☑✅" else "open"
    text = text[box.end() :] if box else text
    struck = _STRUCK.match(text)
    if struck:
        text, state = struck[1], "closed"
    told, tail = _split(text, levers, near)
    return _action_of(told, tail, state, item.line, item.end_line, row=False)


def _split(
    text: str, levers: Collection[str], near: date | None
) -> tuple[str, dict[str, str] | None]:
    """The text and what its tail tells, None where the tail is text."""
    dashes = list(_TAIL.finditer(text))
    for dash in dashes[-3:]:
        if tail := _attributes_of_tail(_parts(_TAIL.sub(", ", text[dash.end() :])), levers, near):
            return text[: dash.start()].strip(), tail
    bracket = _IN_BRACKETS.search(text[-124:])
    if bracket and (tail := _attributes_of_tail(_parts(bracket[1]), levers, near)):
        return text[: len(text) - len(bracket[0])].strip(), tail
    return text, None


def _parts(tail: str) -> list[str]:
    """The parts of a tail; a year behind a comma belongs to its day."""
    parts: list[str] = []
    for part in filter(None, _SEPARATOR.split(tail)):
        if parts and _YEAR.fullmatch(part):
            parts[-1] = f"{parts[-1]}, {part}"
        else:
            parts.append(part)
    return parts


def _attributes_of_tail(
    parts: Sequence[str], levers: Collection[str], near: date | None
) -> dict[str, str] | None:
    """Owner, day, lever, state and ticket of a tail; None unless each part is surely one.

    One part that says of itself what it is, or is a day, a handle or a lever, makes a tail; a
    part that is nothing of that may then be the owner.
    """
    fields: dict[str, str] = {}
    free: list[str] = []
    for part in parts:
        key, value = _meaning(part.strip(" *_`.[]()"), levers, near)
        if not key:
            free.append(value)
        elif key in fields:
            return None
        else:
            fields[key] = value
    if not fields or len(free) > 1:
        return None
    if free:
        if "owner" in fields or not _HANDLE.fullmatch(free[0]) or _NO_OWNER.match(free[0]):
            return None
        fields["owner"] = free[0]
    return fields


def _meaning(part: str, levers: Collection[str], near: date | None) -> tuple[str, str]:
    label = _LABELLED.match(part)
    key = _MEANINGS.get(label["label"].lower(), "") if label else ""
    if label and key and key not in {"text", "label"}:
        value = label["value"].strip(" *_`")
        return key, _as_day(value, near) if key == "due" else value
    day = read_day(re.sub(r"^(?:by|due|until)[ \t]+", "", part, flags=re.I), near)
    if day:
        return "due", day.isoformat()
    if part.lower() in levers:
        return "lever", part.lower()
    if part.startswith("@") and _HANDLE.fullmatch(part):
        return "owner", part
    if part.lower() in _DONE:
        return "state", part
    return "", part


def _as_day(value: str, near: date | None) -> str:
    day = read_day(value, near)
    return day.isoformat() if day else value


def _state(written: str) -> str | None:
    """What a state says by itself or by its first word; None where it says something else."""
    plain = written.lower().strip(" .*_`")
    plain = _SIGNS.sub("", plain).strip() or plain
    first = plain.split(" ", 1)[0]
    plain = first if first in _DONE else plain
    if plain in _DONE or plain in _DONE_MARKS:
        return "closed"
    if plain in _DROPPED:
        return "cancelled"
    return "open" if plain in _OPEN else None


def _action_of(
    text: str, tail: dict[str, str] | None, state: str, line: int, end_line: int, *, row: bool
) -> InformalAction:
    values = tail or {}
    said = _state(values["state"]) if "state" in values else None
    if values.get("state") and (said is None or values["state"].lower() not in _PLAIN_STATES):
        text, values = f"{text} ({values['state']})", {**values, "state": ""}
    fields = (values.get(key, "") for key in ("owner", "due", "lever", "tracker"))
    owner, due, lever, tracker = (value.strip() for value in fields)
    final = said if said and said != "open" else state
    is_whole = bool(text) and bool(tail)
    return InformalAction(text, owner, due, lever, tracker, final, line, end_line, is_whole, row)


def _from_table(
    table: Table, levers: Collection[str], near: date | None
) -> Iterator[InformalAction]:
    columns = _columns(table)
    if "text" not in columns or len(columns) < 2:  # noqa: PLR2004
        return
    for row in table.rows:
        if not any(map(str.isalnum, "".join(row.cells))):
            continue  # `| … | … |`
        action = _from_row(row, table.head, columns, levers, near)
        if action is not None:
            yield action


def _columns(table: Table) -> list[str]:
    """What each column gives. Where none is known for the text, the widest unknown one is it.

    Beside it stands an owner, a day, a lever or a state: a number or a ticket has a cause as well.
    """
    columns = [_column(cell) for cell in table.head]
    if "text" in columns or not _OF_ACTIONS.intersection(columns):
        return columns
    widths = {}
    for number, key in enumerate(columns):
        cells = [row.cells[number] for row in table.rows if number < len(row.cells)]
        if not key and not all(map(_is_figure, filter(None, cells))):
            widths[number] = sum(map(len, cells))
    if widths:
        columns[max(widths, key=widths.__getitem__)] = "text"
    return columns


def _is_figure(cell: str) -> bool:
    """Whether a cell is a number with its unit: `5`, `~40 minutes`, `2026-05-12`."""
    plain = cell.strip("*_`~≈<>≤≥±+-$€£¥ ")
    few_letters = sum(map(str.isalpha, plain)) <= _LONGEST_UNIT
    return plain[:1].isdigit() and few_letters and len(plain.split()) <= 2  # noqa: PLR2004


def _column(head: str) -> str:
    """What a column gives: its whole head or, without brackets, the first word of it."""
    name = re.sub(r"[(（].*", "", head).strip("*_`# ").lower()
    return _MEANINGS.get(head.strip("*_` ").lower(), "") or _MEANINGS.get(name, "")


def _from_row(
    row: TableRow,
    head: Sequence[str],
    columns: Sequence[str],
    levers: Collection[str],
    near: date | None,
) -> InformalAction | None:
    fields: dict[str, str] = {}
    further: list[str] = []
    for number, cell in enumerate(row.cells):
        key = columns[number] if number < len(columns) else ""
        if not cell or cell in {"-", "—", "–"}:
            continue
        if key == "label":
            if not cell.isdecimal() and not _LABEL.fullmatch(cell.strip("*`")):
                further.append(cell)
        elif key and key not in fields:
            fields[key] = _as_day(cell, near) if key == "due" else cell
        else:
            name = head[number] if number < len(head) else ""
            further.append(f"{name}: {cell}" if name else cell)
    text = fields.pop("text", "")
    fields.pop("label", "")
    if fields.get("lever", "").lower() in levers:
        fields["lever"] = fields["lever"].lower()
    if not text:
        return None
    text = f"{text} ({'; '.join(further)})" if further else text
    return _action_of(text, fields, "open", row.line, row.line, row=True)
