"""Shell texts as simple commands, parsed with tree-sitter-bash; nothing is run or expanded.

Every command that stands in a text is found, also in pipes, loops, functions, substitutions and
behind `&&`: each may run. Work is bounded: a text that is too long, or nested too often for a
parser that tries every reading, is not parsed.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from tree_sitter import Node, Parser

#: Characters of a text that are parsed, long heredocs put aside: of 10,701 commands of coding
#: agents the longest had fewer.
MAX_CHARACTERS = 20_000
#: Pipes and brackets. The parser's time grows with their square: 300 take 20 ms, 8,000 take 4 s.
_MAX_BRANCHES = 300
_BRANCHES = re.compile(r"[|(]")
MAX_COMMANDS = 500
#: Heredocs from this length on are cut out before a text is parsed: most are whole programs.
_LONG_HEREDOC = 500
_HEREDOC = re.compile(r"<<(?P<dash>-?)\s*(?P<quote>['\"]?)\\?(?P<word>\w{1,60})(?P=quote)")
_PATTERN = re.compile(r"[*?\[{]")
_PLACE = "⟨heredoc {}⟩"
_ESCAPED = re.compile(r"\\(\n|.)", re.DOTALL)
_ESCAPED_IN_QUOTES = re.compile(r"\\([\"\\$`\n])")
#: The escapes of `$'…'`, bash's manual §3.1.2.4.
_ANSI_C = re.compile(
    r"\\(?:x([0-9A-Fa-f]{1,2})|u([0-9A-Fa-f]{1,4})|U([0-9A-Fa-f]{1,8})|([0-7]{1,3})|(.))"
)
_ANSI_LETTERS = dict(zip("ntrabfve", "\n\t\r\a\b\f\v\x1b", strict=True))
_VARIABLE = re.compile(r"\$(?:\{(\w{1,60})\}|(\w{1,60}))")
_MAX_VALUE = 1_000
_NOWHERE = ("/dev/null", "/dev/stdout", "/dev/stderr", "/dev/tty", "/dev/fd/")
_EXPANSIONS = frozenset(
    {"simple_expansion", "expansion", "command_substitution", "process_substitution"}
)
_PRINTERS = frozenset({"echo", "printf"})


class ShellWord(NamedTuple):
    """A word as the command is given it; expansions stand in it as written.

    `is_literal` says that nothing in it is expanded, `is_quoted` that it is never split.
    """

    text: str
    is_literal: bool = True
    is_quoted: bool = False


class SimpleCommand(NamedTuple):
    """A command with its words; none for the output of a group, a loop or nothing at all.

    `is_group` says that something prints into that output. `writes_to` are the files its output
    goes to; `stdin` is the literal text it is fed, None where that is not known.
    """

    words: tuple[ShellWord, ...]
    writes_to: tuple[str, ...] = ()
    stdin: str | None = None
    is_group: bool = False


class ShellText(NamedTuple):
    """The commands of a text in its order; `is_whole` says that all of it was understood."""

    commands: tuple[SimpleCommand, ...]
    is_whole: bool


class ShellTextError(ValueError):
    """A text that is not parsed; the message says why."""


@cache
def is_installed() -> bool:
    """Whether the parser is installed."""
    from importlib.util import find_spec

    return find_spec("tree_sitter") is not None and find_spec("tree_sitter_bash") is not None


def read_shell_text(text: str) -> ShellText:
    """The commands of a shell text.

    Raises `ShellTextError` for a text beyond the bounds, `ImportError` without the parser.
    """
    if plain := _plain_commands(text):
        return ShellText(plain, is_whole=True)
    return parse_shell_text(text)


def parse_shell_text(text: str) -> ShellText:
    """The same by the parser, also where plain words need none."""
    bodies: list[str] = []
    short = _without_long_heredocs(text, bodies)
    if len(short) > MAX_CHARACTERS:
        raise ShellTextError(f"the command is longer than {MAX_CHARACTERS:,} characters")
    if len(_BRANCHES.findall(short)) > _MAX_BRANCHES:
        raise ShellTextError(f"the command has more than {_MAX_BRANCHES} pipes and brackets")
    raw = short.encode("utf-8", "replace")
    root = _parser().parse(raw).root_node
    return ShellText(tuple(_Reading(raw, bodies).commands(root)), not root.has_error)


#: Words in which nothing is quoted, expanded or a sign of the shell, with `&&` between commands.
_PLAIN = re.compile(r"(?:[A-Za-z_./][\w./-]*(?: [\w./:@%+,-]+)*(?: && |$)){1,20}", re.ASCII)
#: Words with which something else than a plain command begins.
_BEGIN_OTHERS = frozenset(
    {"case", "coproc", "declare", "do", "done", "elif", "else", "esac", "export", "fi", "for"}
    | {"function", "if", "in", "local", "readonly", "select", "then", "time", "typeset", "unset"}
    | {"unsetenv", "until", "while"}
)
_LONGEST_PLAIN = 500


def _plain_commands(text: str) -> tuple[SimpleCommand, ...]:
    """The commands of a text that is plain words, which need no parser; none of any other."""
    if len(text) > _LONGEST_PLAIN or not _PLAIN.fullmatch(text):
        return ()
    made = [part.split(" ") for part in text.split(" && ")]
    if any(words[0] in _BEGIN_OTHERS for words in made):
        return ()
    return tuple(SimpleCommand(tuple(map(ShellWord, words))) for words in made)


@cache
def _parser() -> Parser:
    import tree_sitter_bash
    from tree_sitter import Language, Parser

    return Parser(Language(tree_sitter_bash.language()))


def _without_long_heredocs(text: str, bodies: list[str]) -> str:
    """The text with long heredocs replaced by their numbers; `bodies` takes them in."""
    if "<<" not in text or len(text) < _LONG_HEREDOC:
        return text
    lines = text.split("\n")
    last = {line.strip(): number for number, line in enumerate(lines)}
    kept: list[str] = []
    place = 0
    while place < len(lines):
        kept.append(lines[place])
        found = _HEREDOC.search(lines[place])
        place += 1
        # A word that closes nothing further down opens no heredoc: `1 << n` in a text.
        if found is None or last.get(found["word"], -1) < place:
            continue
        end = next(n for n in range(place, len(lines)) if lines[n].strip() == found["word"])
        body = "\n".join(lines[place:end])
        if len(body) >= _LONG_HEREDOC:
            kept.append(_PLACE.format(len(bodies)))
            bodies.append(body)
            place = end
    return "\n".join(kept)


class _Reading:
    """One pass over a tree, without recursion: its depth is the writer's choice."""

    def __init__(self, raw: bytes, bodies: list[str]) -> None:
        self._raw = raw
        self._bodies = bodies
        self._variables: dict[str, str] = {}
        self._stdin: dict[int, str] = {}
        self._outputs: dict[int, list[str]] = {}

    def commands(self, root: Node) -> Iterator[SimpleCommand]:
        """The commands below a node, in the order of the text."""
        found = 0
        stack = [root]
        while stack:
            node = stack.pop()
            command = self._seen(node)
            if command is not None:
                found += 1
                if found > MAX_COMMANDS:
                    raise ShellTextError(f"the text has more than {MAX_COMMANDS} commands")
                yield command
            stack.extend(reversed(node.children))

    def _seen(self, node: Node) -> SimpleCommand | None:
        if node.type == "variable_assignment":
            self._remember(node)
        elif node.type == "pipeline":
            self._feed_pipeline(node)
        elif node.type == "redirected_statement":
            return self._redirected(node)
        elif node.type in ("command", "declaration_command", "unset_command", "test_command"):
            return self._command(node)
        return None

    def _command(self, node: Node) -> SimpleCommand:
        words = list(self._words(node))
        stdin = self._stdin.get(node.id, self._herestring(node))
        outputs = (*self._outputs.get(node.id, ()), *self._written(node.children))
        return SimpleCommand(tuple(words), outputs, stdin)

    def _words(self, node: Node) -> Iterator[ShellWord]:
        if node.type in ("declaration_command", "unset_command", "test_command"):
            yield ShellWord({"d": "declare", "u": "unset", "t": "test"}[node.type[0]])
            return
        for child in node.children:
            if child.type == "command_name":
                yield from self._named(child)
            elif child.is_named and not child.type.endswith(("_redirect", "_assignment")):
                yield self._word(child)

    def _named(self, node: Node) -> Iterator[ShellWord]:
        """The name of a command; a variable that holds several words is several words."""
        word = self._word(node.children[0]) if node.children else ShellWord(self._text(node))
        if not word.is_quoted and _PATTERN.search(word.text):
            word = ShellWord(word.text, is_literal=False)  # a brace or a glob names the program
        if word.is_quoted or not word.is_literal or " " not in word.text:
            yield word
        else:
            yield from (ShellWord(part) for part in word.text.split())

    def _word(self, node: Node) -> ShellWord:
        text = self._text(node)
        if node.type == "word":
            return ShellWord(_ESCAPED.sub(r"\1", text))
        if node.type == "raw_string":
            return ShellWord(text[1:-1], is_quoted=True)
        if node.type == "ansi_c_string":
            return ShellWord(_ANSI_C.sub(_ansi_character, text[2:-1]), is_quoted=True)
        if node.type == "string":
            return self._string(node, text)
        if node.type == "concatenation":
            return _joined([self._word(child) for child in node.children])
        return self._resolved(text) if node.type in _EXPANSIONS else ShellWord(text)

    def _string(self, node: Node, text: str) -> ShellWord:
        inner = text[1:-1] if text.endswith('"') and len(text) > 1 else text[1:]
        if any(child.type in _EXPANSIONS for child in node.children):
            found = self._resolved(inner)
            return ShellWord(found.text, found.is_literal, is_quoted=True)
        return ShellWord(_ESCAPED_IN_QUOTES.sub(r"\1", inner), is_quoted=True)

    def _resolved(self, text: str) -> ShellWord:
        """A text with the variables in place whose values the same text gives."""
        known = _VARIABLE.sub(lambda m: self._variables.get(m[1] or m[2], m[0]), text)
        known = known if len(known) <= _MAX_VALUE else text
        return ShellWord(known, is_literal="$" not in known and "`" not in known)

    def _remember(self, node: Node) -> None:
        name, value = node.child_by_field_name("name"), node.child_by_field_name("value")
        if name is None or value is None or value.end_byte - value.start_byte > _MAX_VALUE:
            return
        word = self._word(value)
        if word.is_literal:
            self._variables[self._text(name)] = word.text
        else:
            self._variables.pop(self._text(name), None)

    def _redirected(self, node: Node) -> SimpleCommand | None:
        """Hands files and heredocs on to the command they belong to; alone, they are one."""
        body = node.child_by_field_name("body")
        outputs = list(self._written(node.children))
        owner = _last_command(body) if body is not None else None
        for child in node.children:
            if child.type == "heredoc_redirect":
                outputs += self._heredoc(child, owner)
        if owner is not None and body is not None and body.type == "command":
            self._outputs.setdefault(owner.id, []).extend(outputs)
            return None
        return SimpleCommand((), tuple(outputs), is_group=body is not None) if outputs else None

    def _heredoc(self, node: Node, owner: Node | None) -> Iterator[str]:
        """Feeds a heredoc to its command, and through `cat` to the pipe behind it."""
        body = next((child for child in node.children if child.type == "heredoc_body"), None)
        text = self._text(body).strip("\n") if body is not None else ""
        for number, whole in enumerate(self._bodies):
            if text.strip() == _PLACE.format(number):
                text = whole
        if owner is not None:
            self._stdin[owner.id] = text
        is_passed_on = owner is not None and self._text(owner).split(None, 1)[0] == "cat"
        for child in node.children:
            if is_passed_on and child.type in ("pipeline", "command"):
                self._stdin[_first_command(child).id] = text
        yield from self._written(node.children)

    def _herestring(self, node: Node) -> str | None:
        for child in node.children:
            if child.type == "herestring_redirect" and child.children:
                return self._word(child.children[-1]).text
        return None

    def _feed_pipeline(self, node: Node) -> None:
        """What `echo` and `printf` print is the input of what stands behind the pipe."""
        parts = [child for child in node.children if child.is_named]
        for before, after in pairwise(parts):
            if before.type != "command":
                continue
            words = list(self._words(before))
            if words and words[0].text in _PRINTERS:
                printed = " ".join(w.text for w in words[1:] if w.text not in ("-e", "-n", "-ne"))
                self._stdin[_first_command(after).id] = printed

    def _written(self, children: Iterable[Node]) -> Iterator[str]:
        for child in children:
            if child.type != "file_redirect":
                continue
            operator = next((c.type for c in child.children if ">" in c.type), "")
            target = child.child_by_field_name("destination")
            if not operator or target is None or operator.endswith("&"):
                continue
            path = self._word(target).text
            if not path.startswith(_NOWHERE) and not (operator == ">&" and path.isdigit()):
                yield path

    def _text(self, node: Node) -> str:
        return self._raw[node.start_byte : node.end_byte].decode("utf-8", "replace")


def _ansi_character(found: re.Match[str]) -> str:
    if found[5]:
        return _ANSI_LETTERS.get(found[5], found[5])
    code = int(found[4], 8) if found[4] else int(found[1] or found[2] or found[3], 16)
    return chr(code) if code <= sys.maxunicode else "\ufffd"


def _joined(words: list[ShellWord]) -> ShellWord:
    text = "".join(word.text for word in words)
    quoted = all(word.is_quoted for word in words)
    return ShellWord(text, all(word.is_literal for word in words), quoted)


def _last_command(node: Node) -> Node:
    while node.type != "command":
        inner = [child for child in node.children if child.is_named]
        if not inner:
            return node
        node = inner[-1]
    return node


def _first_command(node: Node) -> Node:
    while node.type != "command":
        inner = [child for child in node.children if child.is_named]
        if not inner:
            return node
        node = inner[0]
    return node
