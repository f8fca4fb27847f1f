"""Pipe tables of a Markdown text: their heads and rows as cells, each with its line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from kb.lazy_regex import regex
from kb.records.markdown import Line

_RULE = regex(r"[ \t>]*+\|?[ \t]*+:?-++:?[ \t]*+(?:\|[ \t]*+:?-++:?[ \t]*+)*+\|?[ \t]*+$")
_CELL = regex(r"(?:[^|\\`]|\\.?|`[^`]*`|`)*+")
_REMARK = regex(r"(?<!\s)\s*+[(（][^()（）]*[)）]$")
_MAX_CELLS = 30
_MAX_LINE = 20_000


@dataclass(frozen=True, slots=True)
class TableRow:
    """One row: its line in the file and the text of its cells, without the blanks around them."""

    line: int
    cells: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Table:
    """One table. `line` is its head; `rows` are those below the rule, `end_line` the last."""

    line: int
    end_line: int
    head: tuple[str, ...]
    rows: tuple[TableRow, ...]

    def column(self, *names: str) -> int | None:
        """The number of the first column whose head is one of these, in lower case.

        What stands in brackets behind it counts for nothing: `Time (UTC)` is `time`.
        """
        return next(iter(self.columns(*names)), None)

    def columns(self, *names: str) -> list[int]:
        """The numbers of all such columns."""
        heads = [cell.strip("*_` ").lower() for cell in self.head]
        return [
            n for n, head in enumerate(heads) if head in names or _REMARK.sub("", head) in names
        ]


def read_tables(lines: Sequence[Line]) -> Iterator[Table]:
    """The tables outside fences and comments: a head, a rule below it, and their rows."""
    index = 0
    while index + 1 < len(lines):
        if not _is_head(lines[index], lines[index + 1]):
            index += 1
            continue
        end = index + 2
        while end < len(lines) and _is_row(lines[end]):
            end += 1
        rows = (TableRow(line.number, cells(line.text)) for line in lines[index + 2 : end])
        head = cells(lines[index].text)
        yield Table(lines[index].number, lines[end - 1].number, head, tuple(rows))
        index = end


def _is_head(line: Line, below: Line) -> bool:
    return (
        "|" in line.text
        and "-" in below.text
        and "|" in below.text
        and _is_row(line)
        and _is_row(below)
        and bool(_RULE.match(below.text))
    )


def _is_row(line: Line) -> bool:
    return "|" in line.text and line.is_prose and len(line.text) <= _MAX_LINE


def cells(text: str) -> tuple[str, ...]:
    """The cells of one row; an escaped pipe and one in a code span part none."""
    inner = text.strip().lstrip(">").strip().removeprefix("|")
    if inner.endswith("|") and not inner.endswith("\\|"):
        inner = inner[:-1]
    found: list[str] = []
    at = 0
    while len(found) < _MAX_CELLS:
        match = _CELL.match(inner, at)
        end = match.end() if match else at
        found.append(inner[at:end].strip().replace("\\|", "|"))
        if end >= len(inner):
            break
        at = end + 1
    return tuple(found)
