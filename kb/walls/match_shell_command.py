"""Whether a line of a shell holds a command that a wall is about.

A line of plain words is split here. Any other is parsed for the words of its commands; what each
command does, and what stands inside `sudo` and `bash -c`, is asked of `kb.traces.effects` only for
a line in which that decides: its table takes twice as long to import as the parser.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import TYPE_CHECKING

from kb.walls.wildcards import (
    UnjudgeableError,
    has_words,
    matches,
    program_name,
    without_quotes,
)

if TYPE_CHECKING:
    from kb.traces.effects.shell_effects import CommandEffect
    from kb.traces.effects.shell_parser import ShellText, SimpleCommand
    from kb.walls.stored_table import Row

#: Letters of words that no shell changes, and the signs between commands of such words.
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789 _./:@,+-=")
_BETWEEN = "&|;\n"
#: Shells, which run what another command prints into them.
_FED = frozenset({"bash", "sh", "zsh", "dash", "ksh", "ash", "fish", "eval", "source", "."})
#: Options that are given a command to start, by their programs. Such a value may be `NAME=COMMAND`,
#: and the name of a long option may be cut short.
_STARTING = {
    "ag": "--pager",
    "git": "-c -x -O --exec --open-files-in-pager --receive-pack --upload-pack",
    "man": "-P --pager",
    "rg": "--pre --hostname-bin",
    "rsync": "-e --rsh --rsync-path",
    "sort": "--compress-program",
    "split": "--filter",
    "ssh": "-o",
    "tar": "-I -F --checkpoint-action --info-script --to-command --use-compress-program",
}
#: Programs that start no other but by those options, with the actions of which that holds; an empty
#: one is for all.
#: Agents search for, print and commit the words of a wall every day, and the table of effects takes
#: longer to import than all else.
_HARMLESS = {
    "git": "add branch checkout commit diff grep log push show stash status tag",
    "gh": "pr issue release run",
    **dict.fromkeys(("grep", "egrep", "fgrep", "rg", "ag", "cat", "head", "tail", "wc"), ""),
    **dict.fromkeys(("ls", "cd", "echo", "printf", "jq", "cut", "tr"), ""),
}
#: A long option cut as short as can be.
_SHORTEST_CUT = 3
_AT_LEAST = {"write": ("write", "destructive"), "destructive": ("destructive",)}


def meets(row: Row, line: str) -> bool:
    """Whether one command of a line is what a wall is about.

    Raises `UnjudgeableError` where a part of it cannot be read in which the wall's command may
    stand, and nothing that was read is.
    """
    asks_words_alone = not row["effect"] and not row["target"]
    if asks_words_alone and any(has_words(row["command"], words) for words in _plain(line)):
        return True
    text = _parsed(line)
    if asks_words_alone:
        if any(has_words(row["command"], _words(each)) for each in text.commands):
            return True
        if text.is_whole and not any(_may_start(row["command"], each) for each in text.commands):
            return False
    from kb.traces.effects.shell_effects import command_effects

    effects = command_effects(line)
    if any(_is_meant(row, effect) for effect in effects):
        return True
    if any(meets(row, started) for effect in effects for started in _started(effect.words)):
        return True
    holds = all(word in without_quotes(line).casefold() for word in row["needs"])
    for effect in effects:
        if why := _hides(row, effect, holds=holds):
            raise UnjudgeableError(why)
    return False


def _hides(row: Row, effect: CommandEffect, *, holds: bool) -> str:
    """Why the wall's command may stand in what was not read of another one; empty where not.

    Where the line does not hold the wall's words in clear, only a shell that is fed by another
    command may come to them.
    """
    is_fed = effect.program in _FED or not _FED.isdisjoint(effect.via[-1:])
    if effect.is_unread and (is_fed or (holds and (row["needs"] or not effect.program))):
        named = f"{effect.program}: " if effect.program else ""
        return f"{named}{effect.reason}"
    is_strange = holds and effect.effect.value == "unknown" and bool(row["command"])
    if is_strange and _names_to_start(row["command"], effect.words):
        return f"{effect.program}: nobody says whether it starts the command that it is given"
    return ""


def _names_to_start(wanted: list[str], words: tuple[str, ...]) -> bool:
    """Whether a command names the wanted one as words of its own, or as the text of an option."""
    if any(has_words(wanted, words[number:]) for number in range(1, len(words))):
        return True
    return any(
        before.startswith("-") and matches(f"*{'*'.join(wanted)}*", word)
        for before, word in pairwise(words)
    )


def _plain(line: str) -> list[tuple[str, ...]]:
    """The commands of a line of plain words, nothing for any other line."""
    for sign in _BETWEEN:
        line = line.replace(sign, "\n")
    parts = line.split("\n")
    return [tuple(part.split()) for part in parts] if _PLAIN.issuperset("".join(parts)) else []


def _parsed(line: str) -> ShellText:
    from kb.traces.effects.shell_parser import ShellTextError, read_shell_text

    try:
        return read_shell_text(line)
    except ShellTextError as error:
        raise UnjudgeableError(str(error)) from error
    except ImportError as error:
        from kb.installation import install_line

        why = f"the shell parser is not installed: {install_line('shell')}"
        raise UnjudgeableError(why) from error


def _words(command: SimpleCommand) -> tuple[str, ...]:
    return tuple(word.text for word in command.words)


def _may_start(wanted: list[str], command: SimpleCommand) -> bool:
    """Whether a command may start the wanted one: by its last words, or a text that it is given."""
    if command.words and not command.words[0].is_literal:
        return True
    words = _words(command)
    if words and _starts_nothing(words):
        return False
    if not _FED.isdisjoint(words):
        return True
    if any(has_words(wanted, words[number:]) for number in range(1, len(words))):
        return True
    first = wanted[0] if wanted else "*"
    return any(matches(f"*{first}*", text) for text in (*words[1:], command.stdin or ""))


def _starts_nothing(words: tuple[str, ...]) -> bool:
    """Whether a program is known to start no other with the words it is given."""
    actions = _HARMLESS.get(words[0])
    is_harmless = actions is not None and (not actions or "".join(words[1:2]) in actions.split())
    return is_harmless and not any(_started(words))


def _started(words: tuple[str, ...]) -> Iterator[str]:
    """The command lines that a command is given to start, as values of its options."""
    options = _STARTING.get(program_name(words[0]).casefold(), "").split() if words else []
    for word, behind in pairwise((*words, "")) if options else ():
        name, _, value = word.partition("=")
        for option in options:
            if option[:2] != "--" and word.startswith(option):
                started = word[len(option) :] or behind
            elif len(name) >= _SHORTEST_CUT and option.startswith(name):
                started = value or behind
            else:
                continue
            yield from filter(None, (started, started.partition("=")[2].lstrip("!")))


def _is_meant(row: Row, effect: CommandEffect) -> bool:
    return (
        (not row["command"] or has_words(row["command"], effect.words))
        and (not row["effect"] or effect.effect.value in _AT_LEAST[row["effect"]])
        and (not row["target"] or any(matches(row["target"], each) for each in _targets(effect)))
    )


def _targets(effect: CommandEffect) -> Iterator[str]:
    """What a command works on: its operands, the values of its options, and its machine."""
    yield from effect.targets
    yield from effect.via[-1:]  # `ssh prod-1 rm -rf data`: the machine is a target, too
    if effect.action == "sql":
        yield from (name.rpartition(".")[2] for name in effect.targets)
    # `kubectl --context prod`, `psql postgres://prod/app`; never the SQL itself.
    for before, word in pairwise(effect.words):
        option, _, value = word.partition("=")
        if option[:1] == "-" and value:
            yield value
        elif (before[:1] == "-" or effect.action == "sql") and not any(c.isspace() for c in word):
            yield word
