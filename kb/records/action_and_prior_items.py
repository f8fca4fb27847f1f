"""List items, and the two small grammars of them: actions and prior incidents.

    - [ ] A1: do this — owner: team, due: 2026-05-12, lever: test, gate: restart
    - [repeat] [2026-01-09-double-email](2026-01-09-double-email.md) — same retry, fix existed: yes

An item may go on in indented lines. What cannot be read is kept as text, never dropped.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import date

from msgspec import Struct

from kb.lazy_regex import regex
from kb.records.markdown import Line
from kb.records.record_files import is_record_name
from kb.records.written_dates import read_day

_BULLET = regex(r"([ \t]*)[-*+][ \t]+(.*)$")
_TASK = regex(r"\[([ xX-])\][ \t]+(?:(?:\*\*)?(A\d{1,4})(?:\*\*)?[ \t]*:[ \t]*)?(.*)$", re.DOTALL)
#: What else may be meant as a list item: a number, a bullet of a word processor, one that lacks the
#: space behind it, or one of HTML.
ANY_ITEM = regex(
    r"([ \t]*)(?:[-*+](?:[ \t\u00a0]+|(?=\[))|[•‣◦▪·●○–—][ \t\u00a0]*|\d{1,4}[.)][ \t\u00a0]+"
    r"|<li>[ \t]*)(.*)$"
)
#: A label, a box of some kind, or an attribute where a list of them goes on: this is an action.
_MEANT_AS_ACTION = regex(
    r"\A[*_~]*(?:A\d{1,4}[*_~]*[ \t]*:|\[[^\]\w\n]{0,2}\](?![(\[:])|\[[A-Za-z]\](?![(\[:]))"
    r"|(?:^|[—–,;(]|[ \t]--?)[ \t]*[*_]*(?:owner|due|lever|gate|tracker)[*_]*[ \t]*:",
    re.IGNORECASE | re.MULTILINE,
)
_CODE_SPAN = regex(r"`[^`\n]*`")
_ATTRIBUTE_KEYS = (
    "owner",
    "due",
    "lever",
    "cause",
    "gate",
    "tracker",
    "closed",
    "opened",
    "replay",
    "watch",
    "ran",
    "verified",
)
# Blanks are taken whole, from the first of them: to try each in turn would be quadratic.
_ATTRIBUTE_START = regex(
    rf"(?<![ \t])[ \t]++(?:—|–|--)[ \t]++(?=(?:{'|'.join(_ATTRIBUTE_KEYS)})[ \t]*:)"
)
_ATTRIBUTE = regex(rf"(?:^|,)[ \t]*({'|'.join(_ATTRIBUTE_KEYS)})[ \t]*:[ \t]*")
_PRIOR = regex(
    r"\[(?P<verdict>[^\]\n]{0,20})\][ \t]+\[(?P<text>[^\]\n]+)\]\((?P<target>[^)\s]+)\)"
    r"[ \t]*(?:(?:—|–|--|:)[ \t]*)?(?P<why>.*)$",
    re.DOTALL,
)
#: What stands behind the link of a prior incident until a person has written it.
PRIOR_TO_FILL = "<what is the same or different>, fix existed: yes|no|unknown"
_FIX_EXISTED = regex(
    r"(?:,[ \t]*+|(?<![ \t])[ \t]*+)fix existed:[ \t]*(\w+)(?![\w|])", re.IGNORECASE
)


class Item(Struct, frozen=True, gc=False):
    """One list item: its text with the lines that continue it joined by a line feed."""

    text: str
    line: int
    end_line: int
    indent: int


class ActionItem(Struct, frozen=True, gc=False):
    """One task of the action list. `state` is open, closed or cancelled; `label` may be empty.

    `attributes` are the `key: value` pairs after the dash, in the order they were written;
    `unread` is what stands among them and is none.
    """

    label: str
    state: str
    text: str
    attributes: tuple[tuple[str, str], ...]
    line: int
    end_line: int
    unread: str = ""

    def attribute(self, key: str) -> str:
        """The value of an attribute, empty where it is not given."""
        for name, value in self.attributes:
            if name == key:
                return value
        return ""

    def date(self, key: str) -> date | None:
        """An attribute as a day, None where it is absent or names none: `1 May 2026` is one."""
        written = self.attribute(key)
        return read_date(written) or (read_day(written) if written else None)


class PriorIncident(Struct, frozen=True, gc=False):
    """One earlier incident and the author's verdict: a word of the verdict list, or empty."""

    verdict: str
    id: str
    target: str
    why: str
    fix_existed: str
    line: int


def read_date(text: str) -> date | None:
    """The day an ISO date names, None for anything else."""
    try:
        return date.fromisoformat(text.strip()[:10])
    except ValueError:
        return None


def read_items(lines: Sequence[Line], bullet: re.Pattern[str] = _BULLET) -> Iterator[Item]:
    """The list items outside fences and comments, nested ones included."""
    current: tuple[int, int, int, list[str]] | None = None  # line, end, indent, parts
    for line in lines:
        usable = line.fence is None and not line.comment
        match = bullet.match(line.text) if usable else None
        continues = usable and line.text[:1] in {" ", "\t"} and bool(line.text.strip())
        if match or not continues:
            if current:
                yield Item("\n".join(current[3]), current[0], current[1], current[2])
            current = None
        if match:
            current = (line.number, line.number, len(match[1].expandtabs(4)), [match[2]])
        elif current and continues:
            current[3].append(line.text.strip())
            current = (current[0], line.number, current[2], current[3])
    if current:
        yield Item("\n".join(current[3]), current[0], current[1], current[2])


def read_actions(lines: Sequence[Line]) -> tuple[ActionItem, ...]:
    """The task-list items among the lines."""
    return tuple(action for item in read_items(lines) if (action := _action(item)))


def read_unboxed(lines: Sequence[Line], actions: Sequence[ActionItem]) -> tuple[Item, ...]:
    """The list items that are meant as actions and are none of those that were read."""
    boxed = {action.line for action in actions}
    return tuple(
        item
        for item in read_items(lines, ANY_ITEM)
        if item.line not in boxed and _MEANT_AS_ACTION.search(_CODE_SPAN.sub("", item.text))
    )


def _action(item: Item) -> ActionItem | None:
    match = _TASK.match(item.text)
    if not match:
        return None
    mark, label, rest = match[1], match[2] or "", match[3]
    state = {" ": "open", "-": "cancelled"}.get(mark, "closed")
    pieces = _ATTRIBUTE_START.split(rest.replace("\n", " "), maxsplit=1)
    attributes, unread = _attributes(pieces[1]) if len(pieces) > 1 else ((), "")
    return ActionItem(label, state, pieces[0].strip(), attributes, item.line, item.end_line, unread)


def _attributes(text: str) -> tuple[tuple[tuple[str, str], ...], str]:
    """The pairs of an attribute list. A comma inside a value belongs to the value."""
    found = list(_ATTRIBUTE.finditer(text))
    ends = [match.start() for match in found[1:]] + [len(text)]
    pairs = tuple(
        (match[1], text[match.end() : end].strip()) for match, end in zip(found, ends, strict=True)
    )
    return pairs, text[: found[0].start()].strip() if found else text.strip()


def is_web_address(target: str) -> bool:
    """Whether a link leads out of the repository."""
    return "://" in target


def _prior_id(text: str, target: str) -> str:
    """The id that a link names: by its text where it leads to a page that has another name."""
    if is_web_address(target) and is_record_name(f"{text}.md"):
        return text
    return re.sub(r"(?:/index)?\.(?:md|html)(?:#.*)?$", "", target).rsplit("/", 1)[-1]


def read_priors(lines: Sequence[Line]) -> tuple[PriorIncident, ...]:
    """The list items that give, or ask for, a verdict on an earlier incident."""
    return tuple(prior for item in read_items(lines) if (prior := _prior(item)))


def _prior(item: Item) -> PriorIncident | None:
    match = _PRIOR.match(item.text)
    if not match:
        return None
    why = match["why"].replace("\n", " ")
    existed = _FIX_EXISTED.search(why)
    return PriorIncident(
        verdict=match["verdict"].strip().lower(),
        id=_prior_id(match["text"].strip(), match["target"]),
        target=match["target"],
        why=_FIX_EXISTED.sub("", why).strip(),
        fix_existed=existed[1].lower() if existed else "",
        line=item.line,
    )
