"""What of a section's Markdown may stand outside: paragraphs, lists, emphasis, code spans.

Decided on the tree that the parser makes, not on how it was typed, and written anew from it: code
blocks, tables, quotations, headings no list allows, and targets of links have no way in. What
opens with a `WORD:` is a field, and is left out: those that may stand are known by name.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache

from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode

from kb.records.form_sections import SECTIONS
from kb.site.external.name_replacement import TextCleaner

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


#: Headings inside a section behind which text may stand; others end what is shown of it.
SUBHEADINGS = frozenset({"code", "model"})
_LEFT_OUT = {
    "fence": "a code block",
    "code_block": "an indented code block",
    "blockquote": "a quotation",
    "table": "a table",
    "html_block": "a block of HTML",
}
_WRAPPERS = frozenset({"strong", "em", "s"})
#: What a parser takes for HTML and a reader for a word between marks: `<project>`.
_IN_ANGLES = re.compile(r"</?([A-Za-z][\w-]*)>")
_ELEMENTS = frozenset(
    {"a", "abbr", "b", "big", "body", "br", "button", "center", "code", "del", "details", "div"}
    | {"em", "font", "form", "head", "hr", "html", "i", "iframe", "img", "input", "ins", "kbd"}
    | {"li", "link", "mark", "math", "meta", "object", "ol", "p", "pre", "q", "s", "samp"}
    | {"script", "section", "small", "span", "strike", "strong", "style", "sub", "summary", "sup"}
    | {"svg", "table", "tbody", "td", "template", "th", "thead", "tr", "tt", "u", "ul", "var"}
    | {"video", "wbr"}
)
_MARKED = re.compile(r"[\\`*_\[\]<&~|]|^[ \t]*(?:[-+>#=]|\d{1,9}[.)])|  $", re.MULTILINE)
_ESCAPED = re.compile(r"([!-/:-@\[-`{-~])")
_RENUMBERED = re.compile(r"^([ \t]*\d{1,9})([.)])", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class ProsePiece:
    """A part of a paragraph: its text, and the marks around it, the outermost first."""

    text: str
    marks: tuple[str, ...] = ()
    address: str = ""
    is_code: bool = False


@dataclass(frozen=True, slots=True)
class OmittedPart:
    """What was left out, and the line it began at."""

    line: int
    what: str


@dataclass(slots=True)
class Prose:
    """Rewrites Markdown; `left_out` grows with what it left out.

    `first_line` is the number of the first line of the Markdown in its file.
    """

    cleaner: TextCleaner
    first_line: int
    left_out: list[OmittedPart] = field(default_factory=list)
    _last_cut: str = ""

    def blocks(self, markdown: str) -> Iterator[tuple[int, list[str]]]:
        """The line each allowed block began at, and its lines."""
        is_open, after = True, ""
        for node in SyntaxTreeNode(_parser().parse(markdown)).children:
            if node.type == "heading":
                title = _plain(_pieces(node.children[0])).strip() if node.children else ""
                is_open = title.lower() in SUBHEADINGS
                lines = [f"{'#' * int(node.tag[1])} {title}"] if is_open else []
                if not is_open:
                    self._note(node, f"what stands behind the heading '{title}'")
            else:
                # What ends in `NOTE:` says what the next block is.
                lines = self._block(node) if is_open and not after.endswith(":") else []
                after = self._last_cut
            if lines:
                yield self._line(node), lines

    def value(self, markdown: str, line: int) -> str:
        """The value of an evidence line; what opens like a field ends it."""
        kept: list[str] = []
        for text in markdown.split("\n"):
            if kept and opens_field(text):
                self.left_out.append(OmittedPart(line, "a line that opens like a field"))
                break
            kept.append(text)
        inline = SyntaxTreeNode(_parser().parseInline("\n".join(kept))).children[0]
        return " ".join(self._rewritten(_pieces(inline), is_inline=True).split("\n"))

    def _before_field(self, node: SyntaxTreeNode) -> tuple[ProsePiece, ...]:
        """The pieces of a paragraph up to a line that opens like a field."""
        pieces = _pieces(node.children[0])
        end = _field_at(pieces)
        if end is None:
            return pieces
        self._last_cut = _plain(pieces)[end:].strip()
        line = self._line(node) + _plain(pieces).count("\n", 0, end)
        self.left_out.append(OmittedPart(line, "what opens like a field"))
        return tuple(_pieces_until(pieces, end))

    def _block(self, node: SyntaxTreeNode) -> list[str]:
        self._last_cut = ""
        if node.type == "paragraph":
            text = self._rewritten(self._before_field(node)).rstrip()
            return text.split("\n") if text.strip() else []
        if node.type in {"bullet_list", "ordered_list"}:
            return list(self._list(node))
        if node.type != "hr":
            self._note(node, _LEFT_OUT.get(node.type, "a block"))
        return []

    def _list(self, node: SyntaxTreeNode) -> Iterator[str]:
        start = int(node.attrs.get("start", 1)) if node.type == "ordered_list" else None
        for number, item in enumerate(node.children):
            marker = "- " if start is None else f"{start + number}. "
            for count, line in enumerate(self._item(item)):
                yield f"{' ' * len(marker) if count else marker}{line}".rstrip()

    def _item(self, item: SyntaxTreeNode) -> list[str]:
        """The lines of an item; none where a heading or a field stands at its head or within it."""
        kinds = [child.type for child in item.children]
        first = item.children[0] if item.children else None
        if "heading" in kinds or (first is not None and first.type != "paragraph"):
            self._note(item, "a list item that is no paragraph")
            return []
        lines: list[str] = []
        for child in item.children:
            found = self._block(child)
            if not found and child is first:
                return []
            if self._last_cut:
                return [*lines, *found]
            gap = [""] if lines and child.type == "paragraph" and found else []
            lines += [*gap, *found]
        return lines

    def _rewritten(self, pieces: Sequence[ProsePiece], *, is_inline: bool = False) -> str:
        """A paragraph in Markdown again, without what must not be told.

        What comes out is read again: it must say what was meant, and nothing else.
        """
        cleaned = tuple(_cut(pieces, self.cleaner))
        wanted = _plain(cleaned)
        if all(piece == ProsePiece(piece.text) for piece in cleaned) and not _MARKED.search(wanted):
            return wanted
        plain = (ProsePiece(wanted),)
        for pieces_now, escapes in ((cleaned, False), (cleaned, True), (plain, True)):
            text = _markdown(pieces_now, escapes=escapes)
            if _reads_as(text, pieces_now, is_inline=is_inline):
                return text
        return ""

    def _line(self, node: SyntaxTreeNode) -> int:
        return self.first_line + (node.map[0] if node.map else 0)

    def _note(self, node: SyntaxTreeNode, what: str) -> None:
        self.left_out.append(OmittedPart(self._line(node), what))


@lru_cache(maxsize=1)
def _parser() -> MarkdownIt:
    """As the pages read Markdown, but HTML is told from text, so that it can be left out."""
    return MarkdownIt("commonmark", {"maxNesting": 20}).enable(["table", "strikethrough"])


def _pieces(inline: SyntaxTreeNode, marks: tuple[str, ...] = ()) -> tuple[ProsePiece, ...]:
    found: list[ProsePiece] = []
    for node in inline.children:
        if node.type in {"text", "text_special"}:
            found.append(ProsePiece(node.content, marks))
        elif node.type in {"softbreak", "hardbreak"}:
            found.append(ProsePiece("\n", marks))
        elif node.type == "code_inline":
            found.append(ProsePiece(node.content, marks, is_code=True))
        elif node.type == "html_inline" and _is_word_in_angles(node.content):
            found.append(ProsePiece(node.content, marks))
        elif node.type in _WRAPPERS:
            found += _pieces(node, (*marks, node.markup))
        elif node.type == "link":
            address = str(node.attrs.get("href", ""))
            inside = _pieces(node, marks)
            found += [ProsePiece(p.text, p.marks, address, p.is_code) for p in inside]
    return tuple(found)


def _plain(pieces: Iterable[ProsePiece]) -> str:
    return "".join(piece.text for piece in pieces)


def _field_at(pieces: Sequence[ProsePiece]) -> int | None:
    """Where the first line of a paragraph that opens like a field begins."""
    text, at = _plain(pieces), 0
    marked = [bool(piece.marks) for piece in pieces for _ in piece.text]
    for line in text.split("\n"):
        if opens_field(line) or opens_in_bold(line, marked[at : at + len(line)]):
            return at
        at += len(line) + 1
    return None


def _pieces_until(pieces: Iterable[ProsePiece], end: int) -> Iterator[ProsePiece]:
    at = 0
    for piece in pieces:
        if text := piece.text[: max(0, end - at)]:
            yield replace(piece, text=text)
        at += len(piece.text)


def _is_word_in_angles(html: str) -> bool:
    match = _IN_ANGLES.fullmatch(html)
    return bool(match and match[1].lower() not in _ELEMENTS)


def _cut(pieces: Iterable[ProsePiece], cleaner: TextCleaner) -> Iterator[ProsePiece]:
    """The pieces without what must not be told; what crosses pieces is looked for, too."""
    pieces = tuple(pieces)
    spans = cleaner.spans(_plain(pieces))
    at = 0
    for piece in pieces:
        end, text, here = at + len(piece.text), "", at
        for span in spans:
            if span.end <= at or span.start >= end:
                continue
            text += piece.text[max(here, at) - at : max(span.start, here) - at]
            text += span.instead if span.start >= at else ""
            here = min(span.end, end)
        text += piece.text[here - at :]
        at = end
        keeps = cleaner.is_public and re.match(r"https?://", piece.address, re.IGNORECASE)
        address = piece.address if keeps and not cleaner.spans(piece.address) else ""
        if text:
            yield ProsePiece(text, piece.marks, address, piece.is_code)


def _markdown(pieces: Sequence[ProsePiece], *, escapes: bool) -> str:
    """Pieces as Markdown."""
    parts: list[str] = []
    open_marks: tuple[str, ...] = ()
    address = ""
    for piece in (*pieces, ProsePiece("")):
        if piece.marks != open_marks or piece.address != address:
            parts += reversed(open_marks)
            parts.append(f"](<{address}>)" if address and piece.address != address else "")
            parts.append("[" if piece.address and piece.address != address else "")
            parts += piece.marks
            open_marks, address = piece.marks, piece.address
        parts.append(_code(piece.text) if piece.is_code else _text(piece.text, escapes=escapes))
    return "".join(parts)


def _text(text: str, *, escapes: bool) -> str:
    if escapes:
        return _ESCAPED.sub(r"\\\1", text)
    return _RENUMBERED.sub(r"\1\\\2", text)


def _code(text: str) -> str:
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if text[:1] in {"`", " "} or text[-1:] in {"`", " "} else ""
    return f"{fence}{pad}{text}{pad}{fence}"


def _reads_as(markdown: str, wanted: Sequence[ProsePiece], *, is_inline: bool) -> bool:
    """Whether Markdown is one paragraph that says this, and links to nothing else."""
    tokens = _parser().parseInline(markdown) if is_inline else _parser().parse(markdown)
    nodes = SyntaxTreeNode(tokens).children
    if not is_inline:
        if [node.type for node in nodes] != ["paragraph"]:
            return False
        nodes = nodes[0].children
    found = _pieces(nodes[0])
    known = {piece.address for piece in wanted}
    return _squeezed(_plain(found)) == _squeezed(_plain(wanted)) and all(
        piece.address in known for piece in found
    )


def _squeezed(text: str) -> str:
    return " ".join(text.split())
