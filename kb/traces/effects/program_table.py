"""The table of programs in `kb/data/effects/programs.json`, and what it says of one command.

A row holds rules in order; the first that fits decides. A rule may ask for an action (`on`), for
options (`with`, `without`), for words (`words`, `begins`, `least`), or for a word that looks like
a file (`pathlike`, always a guess). `wrappers` are programs that start another; `verbs` are the
words by which the command lines of clouds name what they do.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence, Set
from functools import cache

import msgspec

from kb.data import read_data
from kb.traces.run import Effect

#: `report.md`, `src/app.ts`: what a branch is seldom called.
_PATHLIKE = re.compile(r"(?:[^\s/]*/)*[^\s/]*\.[A-Za-z]\w{0,9}|(?:[^\s/]+/)*\.\w[\w.]*|.*\*.*")
#: Options of nearly every program that change nothing.
_HELP = frozenset({"--help", "-help"})
#: Values with which an option is not in force: `--dry-run=none`.
_OFF = frozenset({"none", "false"})
_VERB_WORDS = 5


class ProgramRule(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"with_": "with"}
):
    """One rule of a program: what must hold, and the effect with its reason."""

    effect: Effect
    why: str
    on: tuple[str, ...] = ()
    with_: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    begins: tuple[str, ...] = ()
    least: int = 0
    pathlike: bool = False
    guess: bool = False


class SqlInput(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a client of a data base takes its SQL from."""

    dialect: str = ""
    options: tuple[str, ...] = ()
    files: tuple[str, ...] = ()
    words_after: int | None = None
    on: tuple[str, ...] = ()
    bare: str = ""
    words: bool = False


class ScriptMark(msgspec.Struct, frozen=True, forbid_unknown_fields=True, array_like=True):
    """Words in a script that tell its effect."""

    effect: Effect
    why: str
    words: tuple[str, ...]


class ProgramRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One row: the names it is for, options that take a value, rules, and special inputs.

    The text of a program stands behind an option (`words_in`, of `code` those of interpreters), or
    is the first word that is no option (`first_word`).
    """

    names: str
    values: tuple[str, ...] = ()
    rules: tuple[ProgramRule, ...] = ()
    verbs: str = ""
    sql: SqlInput | None = None
    code: bool = False
    words_in: tuple[str, ...] = ()
    first_word: bool = False
    marks: tuple[ScriptMark, ...] = ()


class WrapperRow(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A program that starts another: how to find the inner command.

    `skip` words stand before it; `text` says that it is one shell text, `script` names the option
    that holds one, `dashes` that it stands behind `--`. `optional` says that there may be none,
    `rest` that the words behind the script belong to it, `shell` that its flags are a shell's.
    """

    values: tuple[str, ...] = ()
    skip: int = 0
    script: tuple[str, ...] = ()
    looks: tuple[str, ...] = ()
    text: bool = False
    stdin: bool = False
    dashes: bool = False
    optional: bool = False
    assignments: bool = False
    rest: bool = False
    shell: bool = False
    why: str = ""


class CloudVerbs(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The verbs of a cloud's command line."""

    destructive: frozenset[str]
    read: frozenset[str]
    write: frozenset[str]


class _Table(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    rows: tuple[ProgramRow, ...]
    wrappers: dict[str, WrapperRow]
    verbs: dict[str, CloudVerbs]


class Arguments(msgspec.Struct, frozen=True):
    """The words behind a program: options by name, and those that are none, in order."""

    options: frozenset[str]
    words: tuple[str, ...]


class ProgramEffect(msgspec.Struct, frozen=True):
    """What the table says: the effect, why, and how many words name the action."""

    effect: Effect
    why: str
    action: str = ""
    is_guess: bool = False


def program(name: str) -> ProgramRow | None:
    """The row of a program, None where the table has none."""
    return _programs().get(name)


def wrapper(names: Sequence[str]) -> tuple[int, WrapperRow] | None:
    """The wrapper a command begins with, and how many words name it."""
    if names[0] not in _wrappers_begin():
        return None
    for length in (3, 2, 1):
        if len(names) >= length and (found := _table().wrappers.get(" ".join(names[:length]))):
            return length, found
    return None


@cache
def _wrappers_begin() -> frozenset[str]:
    """The first words of the wrappers."""
    return frozenset(name.partition(" ")[0] for name in _table().wrappers)


def arguments(words: Sequence[str], takes_value: Sequence[str]) -> Arguments:
    """Words told apart into options and others; a bundle such as `-rf` counts as each of them."""
    options: set[str] = set()
    others: list[str] = []
    left = iter(words)
    for word in left:
        if word == "--":
            options.add(word)
            others.extend(left)
        elif word.startswith("-") and len(word) > 1:
            name, _, value = word.partition("=")
            options.update((word, *(() if value in _OFF else (name, *_bundled(name)))))
            if name in takes_value and not value:
                next(left, None)
        else:
            others.append(word)
    return Arguments(frozenset(options), tuple(others))


def shows(options: Set[str], words: Collection[str]) -> bool:
    """Whether a program is only asked for its help or version.

    Beside other words `--version` may be an option with a value: `helm upgrade app --version 2`.
    """
    return not _HELP.isdisjoint(options) or ("--version" in options and not words)


def verdict(row: ProgramRow, given: Arguments) -> ProgramEffect | None:
    """What the rules of a row say of these arguments, None where none fits."""
    if shows(given.options, given.words):
        return ProgramEffect(Effect.READ, "shows its help or version")
    if row.verbs:
        return _by_verb(_table().verbs[row.verbs], given)
    for rule in row.rules:
        action = _action(rule, given)
        if action is not None and _fits(rule, given, len(action.split())):
            return ProgramEffect(rule.effect, rule.why, action, rule.guess)
    return None


def by_marks(row: ProgramRow, script: str) -> ProgramEffect | None:
    """What the words of a script tell, a guess: it is not parsed."""
    for mark in row.marks:
        if any(word in script for word in mark.words):
            return ProgramEffect(mark.effect, mark.why, is_guess=True)
    return None


def _bundled(name: str) -> Iterator[str]:
    if not name.startswith("--"):
        yield from (f"-{letter}" for letter in name[1:8])


def _action(rule: ProgramRule, given: Arguments) -> str | None:
    """The words that name what a rule is for, empty for a rule without; None where they differ."""
    if not rule.on:
        return ""
    for action in rule.on:
        parts = action.split()
        plain = [part for part in parts if not part.startswith("-")]
        flags = [part for part in parts if part.startswith("-")]
        if tuple(plain) == given.words[: len(plain)] and given.options.issuperset(flags):
            return action
    return None


def _fits(rule: ProgramRule, given: Arguments, action: int) -> bool:
    rest = given.words[action:]
    if rule.with_ and given.options.isdisjoint(rule.with_):
        return False
    if rule.without and not given.options.isdisjoint(rule.without):
        return False
    if rule.words and not set(rest) & set(rule.words):
        return False
    if rule.begins and not any(word.startswith(rule.begins) for word in rest):
        return False
    if rule.pathlike and not any(_PATHLIKE.fullmatch(word) for word in rest):
        return False
    return len(rest) >= rule.least


def _by_verb(verbs: CloudVerbs, given: Arguments) -> ProgramEffect | None:
    """By the verb that weighs most among the first words: `s3 rm`, `ec2 terminate-instances`."""
    if not given.options.isdisjoint(("--dryrun", "--dry-run")):
        return ProgramEffect(Effect.READ, "only shows what it would do")
    heads = [(word, re.split(r"[-:]", word)) for word in given.words[:_VERB_WORDS]]
    for effect, known, why in (
        (Effect.DESTRUCTIVE, verbs.destructive, "the cloud's own verb for taking away"),
        (Effect.WRITE, verbs.write, "the cloud's own verb for changing"),
        (Effect.READ, verbs.read, "the cloud's own verb for looking"),
    ):
        for number, (word, parts) in enumerate(heads):
            # The tool's own groups are told by a colon: `firestore:delete`.
            is_of_group = number == 0 and ":" in word and parts[-1] in known
            if word in known or parts[0] in known or is_of_group:
                return ProgramEffect(effect, why, " ".join(given.words[: number + 1]))
    return None


@cache
def _table() -> _Table:
    return msgspec.json.decode(read_data("effects/programs.json"), type=_Table)


@cache
def _programs() -> dict[str, ProgramRow]:
    return {name: row for row in _table().rows for name in row.names.split()}
