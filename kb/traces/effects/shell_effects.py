"""What a shell command does: read, write, destructive or unknown, command by command.

    >>> [(e.effect.value, e.name, e.targets) for e in command_effects("cd x && sudo rm -rf build")]
    [('read', 'cd', ('x',)), ('destructive', 'rm', ('build',))]

The text is parsed and held against a table of programs (`kb/data/effects`); nothing is run. What
neither says is unknown and never a read. It is a reading of the words, no proof: a program may be
another than its name says.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from functools import lru_cache
from itertools import dropwhile, islice

import msgspec
from msgspec.structs import replace

from kb.traces.effects.program_table import (
    Arguments,
    ProgramRow,
    SqlInput,
    WrapperRow,
    arguments,
    by_marks,
    program,
    shows,
    verdict,
    wrapper,
)
from kb.traces.effects.shell_parser import (
    MAX_COMMANDS,
    ShellTextError,
    ShellWord,
    SimpleCommand,
    is_installed,
    read_shell_text,
)
from kb.traces.run import Effect

#: The lightest first. Unknown weighs more than a read: it may be anything.
_WEIGHTS = (Effect.READ, Effect.UNKNOWN, Effect.WRITE, Effect.DESTRUCTIVE)
#: Programs that start programs: `sudo env bash -c "timeout 5 xargs rm"` are five.
_MAX_DEPTH = 16
_ASSIGNMENT = re.compile(r"\w+=.*", re.DOTALL)
_DEVICE = re.compile(r"/dev/(?:sd|nvme|hd|vd|xvd|disk|rdisk|mapper/)\S*")
_EMPTIERS = frozenset({":", "true"})
#: Functions of Python, Perl, Ruby, PHP, JavaScript and awk that start a program from a text.
_STARTERS = re.compile(
    r"(?:\bsystem|\bpopen|\bexecSync|(?<!\.)\bexec|\bgetoutput|\bgetstatusoutput|\bshell_exec"
    r"|\bpassthru|\bsubprocess\.\w{1,20}|\bspawnSync|\bspawn)\s{0,9}\(\s{0,9}(?P<quote>['\"]?)"
)
#: awk hands its lines to a program: `print | "sort"`.
_PIPED = re.compile(r"\|&?\s{0,9}(?P<quote>\")")
#: `perl -lane`, `node -pe`.
_CODE_BUNDLE = re.compile(r"-[a-z]{1,6}e")
#: Calls of a standard library that take files away, in programs given on the command line.
_REMOVERS = re.compile(
    r"shutil\.rmtree|os\.(?:remove|unlink|rmdir|removedirs)\b|\.unlink\(|rmSync|rmdirSync"
    r"|\bunlink[ (]{0,2}['\"$@]"
    r"|unlinkSync|fs\.rm\b|FileUtils\.rm|File\.delete|\.truncate\("
)


class CommandEffect(msgspec.Struct, frozen=True):
    """What one command does to the world, by the table of programs.

    `program` is its name without folders, `action` the words that name what it is to do (`push`,
    `volume rm`), `targets` the other words that are no options. `reason` is one sentence without
    its full stop. `is_guess` says that the table itself is not sure. `via` are the programs that
    start it, the outermost first: `("sudo", "ssh deploy@example.com")`. `words` are its own,
    options included; none for what is no command, such as a redirection. `is_unread` says that a
    part stands there, or comes out of another command, which this reading did not come to.
    """

    effect: Effect
    program: str
    reason: str
    action: str = ""
    targets: tuple[str, ...] = ()
    is_guess: bool = False
    via: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    is_unread: bool = False

    @property
    def name(self) -> str:
        """The program with its action: `git push`."""
        return f"{self.program} {self.action}".strip()


def heaviest_effect(effects: Iterable[CommandEffect]) -> CommandEffect | None:
    """The first of those that weigh most: destructive, write, unknown, read; None of none."""
    return max(effects, key=lambda found: _WEIGHTS.index(found.effect), default=None)


class _Place(msgspec.Struct, frozen=True):
    """Where a command stands: the programs that start it, and the team's word on commands."""

    settings: Mapping[str, Effect]
    via: tuple[str, ...] = ()

    def inside(self, name: str) -> _Place:
        return replace(self, via=(*self.via, name))


def command_effects(
    command: str, settings: Mapping[str, Effect] | None = None
) -> tuple[CommandEffect, ...]:
    """What each command of a shell text does, in the order of the text; empty for an empty text.

    `settings` is the team's word, by the first words of a command or a pattern of them
    (`make deploy*`); it beats the table. Without the parser, and for a text beyond its bounds, the
    one answer is unknown.
    """
    if not command.strip():
        return ()
    if not settings and len(command) <= _SHORT:
        return _cached_effects(command, is_installed())
    return _effects(command, settings or {})


#: Commands that agents give again and again; longer ones are programs written once.
_SHORT = 300


@lru_cache(maxsize=4096)
def _cached_effects(command: str, _is_installed: bool) -> tuple[CommandEffect, ...]:
    return _effects(command, {})


def _effects(command: str, settings: Mapping[str, Effect]) -> tuple[CommandEffect, ...]:
    found = tuple(islice(_of_text(command, _Place(settings)), MAX_COMMANDS + 1))
    if len(found) <= MAX_COMMANDS:
        return found
    return (*found[:MAX_COMMANDS], _unread("it runs more commands than are read", _Place({})))


def _unread(
    why: str, place: _Place, name: str = "", targets: tuple[str, ...] = ()
) -> CommandEffect:
    return CommandEffect(Effect.UNKNOWN, name, why, targets=targets, via=place.via, is_unread=True)


def _of_text(text: str, place: _Place) -> Iterator[CommandEffect]:
    if len(place.via) >= _MAX_DEPTH:
        yield _unread("commands within commands too deep", place)
        return
    if not is_installed():
        from kb.installation import install_line

        yield _unread(f"the shell parser is not installed: {install_line('shell')}", place)
        return
    try:
        found = read_shell_text(text)
    except ShellTextError as error:
        yield _unread(str(error), place)
        return
    for command in found.commands:
        if command.words:
            yield from _of_words(command.words, command.stdin, place)
        yield from _of_outputs(command, place)
    if not found.is_whole:
        yield _unread("a part of it is not understood as shell", place)


def _of_outputs(command: SimpleCommand, place: _Place) -> Iterator[CommandEffect]:
    name = command.words[0].text if command.words else ""
    for path in command.writes_to:
        if _DEVICE.fullmatch(path):
            effect, why = Effect.DESTRUCTIVE, "overwrites a device"
        elif (not name and not command.is_group) or name in _EMPTIERS or _is_empty_input(command):
            effect, why = Effect.DESTRUCTIVE, "empties a file"
        else:
            effect, why = Effect.WRITE, "sends its output to a file"
        yield CommandEffect(effect, ">", why, targets=(path,), via=place.via)


def _is_empty_input(command: SimpleCommand) -> bool:
    return [word.text for word in command.words] == ["cat", "/dev/null"]


def _of_words(
    words: Sequence[ShellWord], stdin: str | None, place: _Place
) -> Iterator[CommandEffect]:
    """The effects of a command with its words; those that it starts bring their own."""
    texts = tuple(word.text for word in words)
    for found in _of_command(words, stdin, place):
        yield found if found.words else replace(found, words=texts)


def _of_command(
    words: Sequence[ShellWord], stdin: str | None, place: _Place
) -> Iterator[CommandEffect]:
    first = words[0]
    texts = [word.text for word in words]
    if told := _team_effect(texts, place):
        yield told
        return
    if not first.is_literal:
        why = "what it runs stands in a variable or comes from another command"
        yield _unread(why, place, first.text)
        return
    name = _name(first.text)
    if name == "trap" and any(c.isspace() for c in "".join(texts[1:2])):
        yield from _of_text(texts[1], place.inside(name))
        return
    if name in ("source", ".") and "".join(texts[1:2]).startswith("<("):
        yield _unread("runs what another command prints", place, name)
        return
    found = wrapper([name, *texts[1:4]]) if name else None
    if found is not None:
        yield from _wrapped(*found, [ShellWord(name), *words[1:]], stdin, place)
        return
    row = program(name)
    if row is None:
        yield _of_stranger(name, texts[1:], place)
        return
    yield from _of_program(name, row, texts[1:], stdin, place)


def _of_stranger(name: str, texts: Sequence[str], place: _Place) -> CommandEffect:
    """A program the table does not have: unknown, unless it is only asked for its help."""
    others = [text for text in texts if text[:1] != "-"]
    if shows(set(texts), others):
        why = "is asked for its help or version"
        return CommandEffect(Effect.READ, name, why, is_guess=True, via=place.via)
    why = "nobody says what this program does"
    return CommandEffect(Effect.UNKNOWN, name, why, targets=tuple(others), via=place.via)


def _team_effect(texts: Sequence[str], place: _Place) -> CommandEffect | None:
    """What the team says of a command, by its first words or a pattern."""
    if not place.settings:
        return None
    line = " ".join([_name(texts[0]) or texts[0], *texts[1:]])
    for pattern, effect in place.settings.items():
        if line == pattern or line.startswith(f"{pattern} ") or fnmatchcase(line, pattern):
            action, targets = pattern.partition(" ")[2].rstrip("*"), tuple(texts[1:])
            why = f"the team says so of {pattern!r}"
            return CommandEffect(effect, _name(texts[0]), why, action, targets, via=place.via)
    return None


def _name(word: str) -> str:
    """The name of a program without its folders; `./gradlew` keeps none either."""
    name = word.replace("\\", "/").rstrip("/").rpartition("/")[2]
    return name.removesuffix(".exe").lower() if name.isascii() else name


def _wrapped(
    length: int, found: WrapperRow, words: Sequence[ShellWord], stdin: str | None, place: _Place
) -> Iterator[CommandEffect]:
    name = " ".join(word.text for word in words[:length])
    rest = list(words[length:])
    texts = [word.text for word in rest]
    if found.looks and set(found.looks) & set(texts[:1]):
        yield CommandEffect(Effect.READ, name, "looks up a command", via=place.via)
        return
    script = _script(found, texts)
    if script is not None:
        yield from _of_text(script, place.inside(name))
        return
    inner, skipped = _inner(found, rest)
    inside = place.inside(" ".join([name, *skipped]))
    if not inner or (found.shell and stdin is not None and "-s" in texts):
        yield from _without_inner(name, found, stdin, texts, place)
    elif found.shell:
        yield _script_file(name, inner, place)
    elif found.text:
        yield from _of_text(" ".join(word.text for word in inner), inside)
    elif len(inside.via) >= _MAX_DEPTH:
        yield _unread("commands within commands too deep", place)
    else:
        yield from _of_words(inner, stdin, inside)


def _script_file(name: str, inner: Sequence[ShellWord], place: _Place) -> CommandEffect:
    """A script whose text does not stand here; one that another command prints is not read."""
    targets = tuple(word.text for word in inner)
    why = "runs a script whose text does not stand here"
    if targets[0].startswith(("<(", "$(", "`")):
        return _unread(why, place, name, targets)
    return CommandEffect(Effect.UNKNOWN, name, why, targets=targets, via=place.via)


#: Flags of shells that take the next word.
_SHELL_VALUES = frozenset({"-o", "+o", "-O", "+O", "--rcfile", "--init-file"})
_BUNDLE = re.compile(r"-[A-Za-z]{2,8}")


def _script(found: WrapperRow, texts: Sequence[str]) -> str | None:
    """The shell text an option holds: that of `-c`, of `-xec`, of `--command=…`."""
    value_comes = False
    for number, text in enumerate(texts):
        if value_comes:
            value_comes = False
            continue
        value_comes = found.shell and (text in _SHELL_VALUES or _is_bundle_with(text, "o"))
        name, _, value = text.partition("=")
        if name in found.script or _bundles_script(found, text):
            return value or _script_behind(found, texts[number + 1 + value_comes :])
        if attached := _attached(found, text):
            return attached
        if found.shell and text[:1] not in ("-", "+"):
            return None  # a script file; what follows are its own arguments
    return None


def _script_behind(found: WrapperRow, texts: Sequence[str]) -> str:
    """The script behind its option: the next word, of a shell the next that is no option."""
    if found.shell:
        texts = list(dropwhile(lambda text: text[:1] in ("-", "+"), texts))
    if found.rest:
        return " ".join((*texts[:1], *map(shlex.quote, texts[1:])))
    return " ".join(texts[:1])


def _bundles_script(found: WrapperRow, text: str) -> bool:
    """Whether a word such as `-xec` holds the option for a script, of a shell at any place."""
    letters = [option[1] for option in found.script if len(option) == len("-c")]
    if found.shell:
        return any(_is_bundle_with(text, letter) for letter in letters)
    return any(_is_bundle_with(text, letter) and text[-1] == letter for letter in letters)


def _is_bundle_with(text: str, letter: str) -> bool:
    return letter in text[1:] and bool(_BUNDLE.fullmatch(text)) and not text[1:2].isupper()


def _attached(found: WrapperRow, text: str) -> str:
    """The script written onto its option: `env -S'rm x'`."""
    is_script = not found.shell and text[:2] in found.script and text[:1] == "-"
    return text[2:] if is_script and any(c.isspace() for c in text) else ""


def _inner(found: WrapperRow, rest: Sequence[ShellWord]) -> tuple[list[ShellWord], tuple[str, ...]]:
    """The words of the inner command, and those that were passed over to reach it."""
    if found.dashes and any(word.text == "--" for word in rest):
        place = next(n for n, word in enumerate(rest) if word.text == "--")
        return list(rest[place + 1 :]), tuple(w.text for w in rest[:place] if w.text[:1] != "-")[:1]
    skipped: list[str] = []
    place = 0
    while place < len(rest):
        text = rest[place].text
        if text == "--":
            place += 1
            continue
        if text.startswith("-") and len(text) > 1:
            place += 2 if text in found.values else 1
            continue
        if found.assignments and _ASSIGNMENT.fullmatch(text):
            place += 1
            continue
        if len(skipped) < found.skip:
            skipped.append(text)
            place += 1
            continue
        break
    return list(rest[place:]), tuple(skipped)


def _without_inner(
    name: str, found: WrapperRow, stdin: str | None, texts: Sequence[str], place: _Place
) -> Iterator[CommandEffect]:
    if found.stdin and stdin is not None:
        yield from _of_text(stdin, place.inside(name))
        return
    row = program(name.partition(" ")[0])
    if found.optional and row is not None:
        action = name.partition(" ")[2].split()
        yield from _of_program(name.partition(" ")[0], row, [*action, *texts], None, place)
        return
    if name in ("env", "sudo", "time", "command", "exec", "nice", "su"):
        effect, why = Effect.READ, "starts nothing that stands here"
    else:
        yield _unread("what it runs does not stand here", place, name)
        return
    yield CommandEffect(effect, name, why, via=place.via)


def _of_program(
    name: str, row: ProgramRow, texts: Sequence[str], stdin: str | None, place: _Place
) -> Iterator[CommandEffect]:
    if name == "find":
        yield from _executed_by_find(texts, place)
    given = arguments(texts, row.values)
    script_row = _known_script(given) if row.code else None
    if script_row is not None and not _program_text(row, texts, given, None):
        script = given.words[0]
        rest = texts[texts.index(script) + 1 :]
        yield from _of_program(_name(script), script_row, rest, stdin, place.inside(name))
        return
    if row.sql is not None and (found := tuple(_of_sql(name, row.sql, texts, given, stdin, place))):
        yield from found
        return
    if script := _program_text(row, texts, given, stdin):
        yield from _started_by(name, row, script, place)
        if row.code and _REMOVERS.search(script):
            why = "runs a program that calls a function for removing files"
            yield CommandEffect(Effect.DESTRUCTIVE, name, why, is_guess=True, via=place.via)
            return
        if told := by_marks(row, script):
            yield CommandEffect(told.effect, name, told.why, is_guess=True, via=place.via)
            return
    told = verdict(row, given)
    if told is None:
        why = "the table does not say what it does with these words"
        yield CommandEffect(Effect.UNKNOWN, name, why, targets=_targets(given, ""), via=place.via)
        return
    action = told.action or _first_action(row, given)
    targets = _targets(given, told.action)
    yield CommandEffect(told.effect, name, told.why, action, targets, told.is_guess, place.via)


#: Scripts of frameworks that an interpreter is given by name: `python manage.py flush`.
_SCRIPTS = frozenset({"manage.py", "artisan", "rails", "rake"})


def _known_script(given: Arguments) -> ProgramRow | None:
    """The row of the script that an interpreter runs, None for one that is not known."""
    name = _name(given.words[0]) if given.words else ""
    return program(name) if name in _SCRIPTS else None


def _first_action(row: ProgramRow, given: Arguments) -> str:
    """The first word of a program whose rules speak of actions."""
    return given.words[0] if given.words and any(rule.on for rule in row.rules) else ""


def _targets(given: Arguments, action: str) -> tuple[str, ...]:
    named = [part for part in action.split() if not part.startswith("-")]
    return given.words[len(named) :]


def _executed_by_find(texts: Sequence[str], place: _Place) -> Iterator[CommandEffect]:
    """The commands behind `-exec`, `-execdir` and the like."""
    for number, text in enumerate(texts):
        if text in ("-exec", "-execdir", "-ok", "-okdir"):
            rest = texts[number + 1 :]
            end = next((n for n, word in enumerate(rest) if word in (";", "\\;", "+")), len(rest))
            words = [ShellWord(word) for word in rest[:end]]
            if words and len(place.via) < _MAX_DEPTH:
                yield from _of_words(words, None, place.inside("find"))


def _program_text(
    row: ProgramRow, texts: Sequence[str], given: Arguments, stdin: str | None
) -> str:
    """The program that stands on the command line or is fed to an interpreter."""
    options = ("-c", "-e", "-E", "--eval", "-r", "-p") if row.code else row.words_in
    for number, text in enumerate(texts):
        if text in options or (row.code and _CODE_BUNDLE.fullmatch(text)):
            return " ".join(texts[number + 1 : number + 2])
    if row.first_word:
        return " ".join(given.words[:1])
    return stdin or ""


def _started_by(name: str, row: ProgramRow, script: str, place: _Place) -> Iterator[CommandEffect]:
    """The commands that a program's text starts, as far as they stand in it as plain text."""
    if not (row.code or row.first_word):
        return
    piped = _PIPED.finditer(script) if row.first_word else ()
    for found in (*_STARTERS.finditer(script), *piped):
        quote, begin = found["quote"], found.end()
        end = script.find(quote, begin) if quote else -1
        if end > begin and len(place.via) < _MAX_DEPTH:
            yield from _of_text(script[begin:end], place.inside(name))
        else:
            yield _unread("starts a program that does not stand here as text", place, name)


def _of_sql(
    name: str,
    takes: SqlInput,
    texts: Sequence[str],
    given: Arguments,
    stdin: str | None,
    place: _Place,
) -> Iterator[CommandEffect]:
    from kb.traces.effects.sql_effects import sql_effects

    scripts = list(_sql_scripts(takes, texts, given, stdin))
    for script in scripts:
        for found in sql_effects(script, takes.dialect):
            yield CommandEffect(
                found.effect, name, found.reason, "sql", found.targets, found.is_guess, place.via
            )
    if scripts or takes.on:
        return
    if not given.options.isdisjoint(("-l", "--list", "--version", "-V", "--help")):
        yield CommandEffect(Effect.READ, name, "looks at the server", via=place.via)
    else:
        why = "the SQL it runs does not stand here"
        yield CommandEffect(Effect.UNKNOWN, name, why, targets=given.words, via=place.via)


def _sql_scripts(
    takes: SqlInput, texts: Sequence[str], given: Arguments, stdin: str | None
) -> Iterator[str]:
    found = False
    for number, text in enumerate(texts):
        option, _, value = text.partition("=")
        if text in takes.options:
            found = True
            yield " ".join(texts[number + 1 : number + 2])
        elif option in takes.options and option.startswith("--"):
            found = True
            yield value
        elif text[:2] in takes.options and text[2:] and not text.startswith("--"):
            found = True
            yield text[2:]
    if takes.words_after is not None and len(given.words) > takes.words_after:
        found = True
        yield " ".join(given.words[takes.words_after :])
    if takes.on and given.words[: len(takes.on)] == takes.on and len(given.words) > len(takes.on):
        found = True
        yield " ".join(given.words[len(takes.on) :])
    if not found and stdin is not None:
        yield stdin
