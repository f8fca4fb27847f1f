"""Front matter as written, with lines: YAML that is never guessed at.

Scalars stay the strings that were typed (`16:51:00` is not 60660), comments are kept,
duplicate keys are seen, and a fault is a value with a line: reading never raises.
The tree is built from parser events, without recursion, so nesting and aliases cannot hurt.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import yaml
from frontmatter.default_handlers import YAMLHandler
from msgspec import Struct

from kb.lazy_regex import regex

# The C loader is about ten times faster; it is missing only where PyYAML was built without libyaml.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_MAX_DEPTH = 20  # the form needs 3
#: Characters of a block, and its keys and values. The worked example has 2,000 and 120; four bytes
#: more of a list are a page of the site, a row of each measure, and a line of many answers.
MAX_FRONT_CHARACTERS, MAX_FRONT_VALUES = 100_000, 4_000
_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_COMMENT = regex(r"(?:^|\s)#\s*(kb:.*)$")


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong with how a file is written. `line` and `column` count from 1."""

    line: int
    column: int
    name: str
    message: str


# Nodes and entries are structs: a file has a hundred, and a frozen dataclass takes ten times as
# long to make.
class Node(Struct, frozen=True, gc=False):
    """One YAML value with its place. `line` and `column` count from 1.

    Exactly one of the three holds the value: `text` for scalars (None for a null),
    `items` for sequences, `entries` for mappings.
    """

    kind: str  # "scalar", "sequence" or "mapping"
    line: int
    column: int
    start: int
    end: int
    text: str | None = None
    quoted: bool = False
    items: tuple[Node, ...] = ()
    entries: tuple[MappingEntry, ...] = ()

    def get(self, key: str) -> Node | None:
        """The value under a key of a mapping, None where there is none."""
        for entry in self.entries:
            if entry.key == key:
                return entry.value
        return None

    def plain(self) -> object:
        """The value as strings, lists and dicts of strings."""
        if self.kind == "sequence":
            return [item.plain() for item in self.items]
        if self.kind == "mapping":
            return {entry.key: entry.value.plain() for entry in self.entries}
        return self.text


class MappingEntry(Struct, frozen=True, gc=False):
    """One `key: value` of a mapping, with the place of its key."""

    key: str
    line: int
    column: int
    value: Node


@dataclass(frozen=True)
class FrontMatter:
    """The block between the two `---` lines.

    `first_line` is the line after the opening mark, `end_line` the closing mark; both 0 when the
    file has no front matter. `start` and `end` are character offsets of the YAML text.
    """

    root: Node | None = None
    faults: tuple[Fault, ...] = ()
    comments: tuple[tuple[int, str], ...] = ()
    first_line: int = 0
    end_line: int = 0
    start: int = 0
    end: int = 0

    @property
    def present(self) -> bool:
        """Whether the file has a front-matter block at all."""
        return self.end_line > 0

    @property
    def entries(self) -> tuple[MappingEntry, ...]:
        """The top-level entries, in the order they were written, duplicates included."""
        return self.root.entries if self.root else ()

    @cached_property
    def _by_key(self) -> dict[str, Node]:
        """The top-level values; of a key that repeats the first."""
        return {entry.key: entry.value for entry in reversed(self.entries)}

    def get(self, dotted: str) -> Node | None:
        """The value under a dotted key such as `clocks.detected`, None where there is none."""
        key, _, rest = dotted.partition(".")
        node = self._by_key.get(key)
        while rest and node:
            key, _, rest = rest.partition(".")
            node = node.get(key)
        return node

    def text(self, dotted: str) -> str:
        """The scalar under a dotted key as it was typed, empty where there is none."""
        node = self.get(dotted)
        return (node.text or "").strip() if node else ""

    def texts(self, dotted: str) -> tuple[str, ...]:
        """The scalars of a list under a dotted key; a single scalar counts as a list of one."""
        node = self.get(dotted)
        if node is None:
            return ()
        nodes = node.items if node.kind == "sequence" else (node,)
        return tuple(item.text.strip() for item in nodes if item.text)


def read_front_matter(text: str) -> FrontMatter:
    """The front matter of a file's text; an absent block is an empty `FrontMatter`."""
    marks = list(_marks(text))
    if not marks:
        return FrontMatter()
    first_line = text.count("\n", 0, marks[0][1]) + 1
    if len(marks) < 2:  # noqa: PLR2004 - an opening and a closing mark
        fault = Fault(1, 1, "unclosed-front-matter", "the front matter has no closing '---' line")
        return FrontMatter(faults=(fault,))
    start, end = marks[0][1], marks[1][0]
    root, faults = _build(text[start:end], first_line, start)
    return FrontMatter(
        root=root,
        faults=faults,
        comments=_comments(text[start:end], first_line),
        first_line=first_line,
        end_line=text.count("\n", 0, end) + 1,
        start=start,
        end=end,
    )


def _marks(text: str) -> Iterator[tuple[int, int]]:
    """The spans of the first two `---` lines, when the first stands at the start of the file."""
    lead = 1 if text.startswith("\ufeff") else 0
    newline = text.find("\n", lead)
    line_end = len(text) if newline < 0 else newline + 1
    if not YAMLHandler.FM_BOUNDARY.fullmatch(text[lead:line_end]):
        return
    yield lead, line_end
    closing = YAMLHandler.FM_BOUNDARY.search(text, line_end)
    if closing:
        yield closing.span()


def _comments(block: str, first_line: int) -> tuple[tuple[int, str], ...]:
    """The `# kb: …` comments, with their lines."""
    if "kb:" not in block:
        return ()
    found = ((number, _COMMENT.search(line)) for number, line in enumerate(block.split("\n")))
    return tuple((first_line + number, match[1].strip()) for number, match in found if match)


@dataclass(slots=True)
class _Frame:
    """A collection that is still open while events arrive."""

    kind: str
    event: yaml.CollectionStartEvent
    children: list[Node] = field(default_factory=list)


class _Builder:
    """Turns parser events into nodes, collecting faults on the way."""

    def __init__(self, first_line: int, offset: int) -> None:
        self.first_line = first_line
        self.offset = offset
        self.stack: list[_Frame] = []
        self.faults: list[Fault] = []
        self.root: Node | None = None

    def take(self, event: yaml.Event) -> bool:
        """Add one event; False when reading has to stop."""
        if isinstance(event, yaml.ScalarEvent):  # nine in ten are scalars
            self._add(self._scalar(event))
        elif isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
            kind = "mapping" if isinstance(event, yaml.MappingStartEvent) else "sequence"
            self.stack.append(_Frame(kind, event))
            if len(self.stack) > _MAX_DEPTH:
                self.fault(event.start_mark, "yaml-syntax", "nested too deeply to be a record")
                return False
        elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            self.close(event.end_mark)
        elif isinstance(event, yaml.AliasEvent):
            message = "YAML aliases are not read; write the value out"
            self.fault(event.start_mark, "yaml-syntax", message)
            self._add(Node("scalar", *self._place(event.start_mark), 0, 0, None))
        return True

    def fault(self, mark: Any, name: str, message: str) -> None:
        line, column = self._place(mark)
        self.faults.append(Fault(line, column, name, message))

    def close(self, mark: Any) -> None:
        frame = self.stack.pop()
        start: Any = frame.event.start_mark  # the stubs allow None; parser events always have one
        line, column = self._place(start)
        span = (self.offset + start.index, self.offset + mark.index)
        if frame.kind == "sequence":
            self._add(Node("sequence", line, column, *span, items=tuple(frame.children)))
            return
        pairs = zip(frame.children[::2], frame.children[1::2], strict=False)
        entries = tuple(
            MappingEntry(key.text or "", key.line, key.column, value) for key, value in pairs
        )
        self._duplicates(entries)
        self._add(Node("mapping", line, column, *span, entries=entries))

    def _duplicates(self, entries: tuple[MappingEntry, ...]) -> None:
        seen: dict[str, int] = {}
        for entry in entries:
            if entry.key in seen:
                message = f"'{entry.key}' stands here and on line {seen[entry.key]}"
                self.faults.append(Fault(entry.line, entry.column, "duplicate-key", message))
            seen.setdefault(entry.key, entry.line)

    def _scalar(self, event: yaml.ScalarEvent) -> Node:
        start: Any = event.start_mark
        end: Any = event.end_mark
        plain = not event.style
        null = plain and event.value in _NULLS
        return Node(
            "scalar",
            self.first_line + start.line,
            start.column + 1,
            self.offset + start.index,
            self.offset + end.index,
            None if null else event.value,
            not plain,
        )

    def _place(self, mark: Any) -> tuple[int, int]:
        return self.first_line + mark.line, mark.column + 1

    def _add(self, node: Node) -> None:
        if self.stack:
            self.stack[-1].children.append(node)
        elif self.root is None:
            self.root = node


def _build(block: str, first_line: int, offset: int) -> tuple[Node | None, tuple[Fault, ...]]:
    """The tree of a YAML block, as far as it can be read, and what is wrong with it."""
    if len(block) > MAX_FRONT_CHARACTERS:
        return None, (_too_large(first_line, f"{len(block):,} characters"),)
    builder = _Builder(first_line, offset)
    try:
        for number, event in enumerate(yaml.parse(block, Loader=_LOADER)):
            if number > MAX_FRONT_VALUES:
                return None, (_too_large(first_line, f"more than {MAX_FRONT_VALUES:,} values"),)
            if not builder.take(event):
                break
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark or yaml.Mark("", 0, 0, 0, None, 0)
        builder.fault(mark, "yaml-syntax", _in_words(error))
        while builder.stack:  # keep what was read before the fault
            builder.close(mark)
    except (yaml.YAMLError, ValueError) as error:
        # Characters YAML forbids (control characters, lone surrogates) carry no usable mark.
        builder.faults.append(Fault(first_line, 1, "yaml-syntax", _one_line(str(error))))
    root = builder.root
    if root is not None and root.kind != "mapping":
        builder.faults.append(
            Fault(root.line, root.column, "yaml-syntax", "the front matter is not a mapping")
        )
        root = None
    return root, tuple(builder.faults)


def _too_large(line: int, size: str) -> Fault:
    message = f"{size} in the front matter is more than a record may have; it was not read"
    return Fault(line, 1, "too-large", message)


def _in_words(error: yaml.MarkedYAMLError) -> str:
    hint = ""
    if error.problem and "mapping values are not allowed" in error.problem:
        hint = " (a value that contains ': ' must be quoted)"
    return f"not valid YAML: {error.problem or error.context}{hint}"


def _one_line(text: str) -> str:
    return "not valid YAML: " + " ".join(text.split())[:160]
