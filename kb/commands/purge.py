"""`kb purge`: a name or value taken out of the library, and what Git keeps of it."""

from __future__ import annotations

import difflib
from pathlib import Path

import click

from kb.commands.build import progress_bar
from kb.erasure.forms_of_a_name import PurgeTarget, names_of_others
from kb.erasure.plan import FileCut, Plan, plan_purge
from kb.erasure.remains_in_git import GitRemains, find_remains
from kb.erasure.render import plan_lines, remains_lines
from kb.erasure.rewritten_file import ERASED
from kb.erasure.write_plan import carry_out
from kb.errors import KbError
from kb.library import Library, open_library
from kb.lint.findings_cache import CacheOfFindings
from kb.repo import open_repo
from kb.sensitive.names.find_names import CUSTOMER, PERSON
from kb.streams import echo, echo_data, read_stdin
from kb.terminal import as_lines

_MOST_BYTES = 1_000
_SHORTEST = 2


@click.command("purge")
@click.argument("value")
@click.option("--write", is_flag=True, help="Do it. Without it, it is shown and nothing changes.")
@click.option(
    "--as",
    "word",
    default=ERASED,
    show_default=True,
    metavar="WORD",
    help="What stands there then.",
)
@click.pass_context
def command(context: click.Context, value: str, *, write: bool, word: str) -> None:
    """Take the name or value VALUE out of all that this library holds: '-' reads it from stdin.

    Records, external texts, files beside them, runs and their blobs are changed, file names too;
    index, vectors, pages and sites are removed, for kb makes them anew. A name is found in every
    form that the external edition knows. What may be another word is listed and left to you.
    Nothing is committed: 'git diff' shows it. Then comes what Git keeps in its history, and how
    to rewrite it.

    Exit status 0: nothing of it was found, or is left; 1: some is, and is listed; 2: could not
    run.
    """
    text = read_stdin(_MOST_BYTES).decode("utf-8", "replace") if value == "-" else value
    library = open_library(Path.cwd())
    sought = purge_target(library, " ".join(text.split()))
    _refuse_word(word, sought)
    plan = plan_purge(library, sought, word)
    if write:
        carry_out(library.root, plan)
        CacheOfFindings(library.root, library.config).forget()  # messages quote records
    else:
        _show_diffs(plan)
    echo(as_lines(plan_lines(plan, is_done=write)), end="")
    remains = _remains(library, sought, word)
    is_left = plan.doubts or not remains.is_empty or (plan.changes and not write)
    context.exit(1 if is_left else 0)


def purge_target(library: Library, written: str) -> PurgeTarget:
    """What is to be purged: a customer's name where the library knows one, else a person's."""
    from kb.site.gather import names_of

    if len(written) < _SHORTEST or not any(char.isalnum() for char in written):
        raise click.UsageError("VALUE has to be a name or value of two characters or more")
    names = names_of(library).names
    words = PurgeTarget(written).name
    known = [name for name in names if words and name.words == words.words]
    kind = known[0].kind if known else PERSON
    return PurgeTarget(
        written, CUSTOMER if kind == CUSTOMER else PERSON, names_of_others(written, names)
    )


def _refuse_word(word: str, sought: PurgeTarget) -> None:
    if not (word.isascii() and word.isalnum()):
        raise click.UsageError("--as takes one word of ASCII letters and digits: it must fit paths")
    if sought.find(word):
        raise click.UsageError("--as must not be the value itself")


def _show_diffs(plan: Plan) -> None:
    for change in plan.changes:
        if change.before != change.after:
            echo_data("".join(_diff(change)).encode("utf-8", "surrogateescape"))


def _diff(change: FileCut) -> list[str]:
    before, after = (
        [f"{line}\n" for line in raw.decode("utf-8", "surrogateescape").split("\n")]
        for raw in (change.before, change.after)
    )
    names = change.path.as_posix(), change.new_path.as_posix()
    return list(difflib.unified_diff(before, after, *names, n=1))


def _remains(library: Library, sought: PurgeTarget, word: str) -> GitRemains:
    repo = open_repo(library.root)
    with progress_bar() as progress:
        try:
            remains = find_remains(repo, sought, progress or (lambda *_: None))
        except KbError as error:
            remains = GitRemains(why_unknown=str(error.what))
    url = repo.remote_url() or ""
    echo(as_lines(remains_lines(remains, url, word)), end="")
    return remains
