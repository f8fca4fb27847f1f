"""Whether a line of a shell holds a command that a wall is about.

A line of plain words is split here. Any other is parsed for the words of its commands; what each
command does, and what stands inside `sudo` and `bash -c`, is asked of `kb.traces.effects` only for
a line in which that decides: its table takes twice as long to import as the parser.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from kb.walls.decide import UnjudgeableError, has_words
from kb.walls.patterns import matches

if TYPE_CHECKING:
    from kb.traces.effects.command_effect import CommandEffect
    from kb.traces.effects.shell_text import ShellText, SimpleCommand
    from kb.walls.decide import Row

#: Letters of words that no shell changes, and the signs between commands of such words.
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 _./:@,+-=")
_BETWEEN = "&|;\n"
_AT_LEAST = {"write": ("write", "destructive"), "destructive": ("destructive",)}


def meets(row: Row, line: str) -> bool:
    """Whether one command of a line is what a wall is about.

    Raises `UnjudgeableError` where the line cannot be read whole and nothing that was read is.
    """
    asks_words_alone = not row["effect"] and not row["target"]
    if asks_words_alone and any(has_words(row["command"], words) for words in _plain(line)):
        return True
    text = _read(line)
    if asks_words_alone:
        if any(has_words(row["command"], _words(each)) for each in text.commands):
            return True
        if text.is_whole and not any(_may_start(row["command"], each) for each in text.commands):
            return False
    from kb.traces.effects.shell_effects import command_effects

    if any(_is_meant(row, effect) for effect in command_effects(line)):
        return True
    if not text.is_whole:
        raise UnjudgeableError("a command that is not understood as shell")
    return False


def _plain(line: str) -> list[tuple[str, ...]]:
    """The commands of a line of plain words, nothing for any other line."""
    for sign in _BETWEEN:
        line = line.replace(sign, "\n")
    parts = line.split("\n")
    return [tuple(part.split()) for part in parts] if _PLAIN.issuperset("".join(parts)) else []


def _read(line: str) -> ShellText:
    from kb.traces.effects.shell_text import ShellTextError, is_installed, read_shell_text

    if not is_installed():
        from kb.installation import install_line

        raise UnjudgeableError(f"the shell parser is not installed: {install_line('shell')}")
    try:
        return read_shell_text(line)
    except ShellTextError as error:
        raise UnjudgeableError(str(error)) from error


def _words(command: SimpleCommand) -> tuple[str, ...]:
    return tuple(word.text for word in command.words)


def _may_start(wanted: list[str], command: SimpleCommand) -> bool:
    """Whether a command may start the wanted one: by its last words, or a text that it is given."""
    words = _words(command)
    if any(has_words(wanted, words[number:]) for number in range(1, len(words))):
        return True
    first = wanted[0] if wanted else "*"
    return any(_holds_text(first, text) for text in (*words[1:], command.stdin or ""))


def _holds_text(program: str, word: str) -> bool:
    """Whether a word is a text of several in which the program may stand."""
    return any(c.isspace() for c in word) and matches(f"*{program}*", word)


def _is_meant(row: Row, effect: CommandEffect) -> bool:
    return (
        (not row["command"] or has_words(row["command"], effect.words))
        and (not row["effect"] or effect.effect.value in _AT_LEAST[row["effect"]])
        and (not row["target"] or any(matches(row["target"], each) for each in _targets(effect)))
    )


def _targets(effect: CommandEffect) -> Iterator[str]:
    yield from effect.targets
    yield from effect.via[-1:]  # `ssh prod-1 rm -rf data`: the machine is a target, too
