"""The command `kb`: loads one verb's file, and is the one error boundary."""

from __future__ import annotations

import io
import sys
from typing import Any

import click

from kb import __version__, streams
from kb.commands.verb_group import VerbGroup
from kb.errors import KbError, system_fault

#: Heading to verbs, as `kb --help` shows them, each with what it does. The code of a verb is
#: `kb.commands.<verb>`.
SECTIONS: dict[str, dict[str, str]] = {
    "Write a postmortem": {
        "new": "Start a record, from nothing or from a run.",
        "check": "Say what is wrong with records, by line.",
        "fmt": "Mend what has one right answer.",
        "words": "Print the words a key may take, and what each means.",
        "rules": "List the rules of kb check, by any word of theirs.",
        "review": "Write the comment of a pull request.",
    },
    "Find earlier incidents": {
        "similar": "Find the earlier incidents of the same class.",
        "list": "List the records, by what they are.",
        "open": "Open a record in the editor, by its id.",
        "build": "Bring the search index up to date.",
        "eval": "Measure search on your own library.",
        "beside": "Ask other teams' libraries too, as far as they share.",
        "push": "Bring what is shared to the organisation's store.",
    },
    "See that it does not happen again": {
        "actions": "List and close what was promised.",
        "gate": "Fail while a restart condition of a route is open.",
        "wall": "Stop what a postmortem names before it runs again.",
        "occur": "Note that the cause of a record did harm again.",
        "metrics": "Measure whether the organisation is learning.",
        "digest": "Tell what was learnt: new, repeated, promised, due.",
    },
    "Work with agents": {
        "run": "Import, show and audit a run of an agent.",
        "mcp": "Answer coding agents, over MCP.",
        "lsp": "Serve an editor: checks, words, earlier incidents.",
    },
    "Publish": {
        "site": "Build the static site.",
        "serve": "Show the site here and follow edits.",
        "purge": "Take a name or value out of all of it.",
    },
    "Set up": {
        "init": "Start a knowledge base in a repository.",
        "adopt": "Take over existing postmortems as they stand.",
        "trust": "Allow what settings name outside the library, or run.",
        "completion": "Print the completion script of a shell.",
        "doctor": "Say what is installed, what is missing, and what mends it.",
    },
}


class Verbs(VerbGroup):
    """The verbs of `kb`."""

    SECTIONS = SECTIONS


@click.group(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
@click.version_option(__version__, prog_name="kb")
@click.pass_context
def cli(context: click.Context, debug: bool) -> None:
    """Postmortems of AI-agent incidents: draft, check, find, measure, publish."""
    context.obj = {"debug": debug}


def main(arguments: list[str] | None = None) -> None:
    """Run the command and exit: 0 done, 1 faults found, 2 could not run, 130 interrupted.

    Also 2, and not a word where its reader is gone (`kb … | head`), when output could not be
    written: whoever reads an exit status of 0 has got everything.
    """
    debug = "--debug" in (sys.argv[1:] if arguments is None else arguments)
    with streams.guarded():
        try:
            status = _run(arguments, debug=debug)
        except streams.OutputLostError as error:
            status = _lost(error)
    sys.exit(status if isinstance(status, int) else 0)


def _run(arguments: list[str] | None, *, debug: bool) -> Any:
    """The exit status of the command. Raises `OutputLostError`."""
    try:
        return cli.main(arguments, prog_name="kb", standalone_mode=False)
    except streams.OutputLostError:
        raise
    except KbError as error:
        return _fail(f"kb: {error}", debug=debug)
    except click.ClickException as error:
        said = io.StringIO()
        error.show(said)
        streams.warn(said.getvalue(), end="")
        return 2
    except (click.Abort, KeyboardInterrupt):
        streams.warn("kb: interrupted")
        return 130
    except (OSError, MemoryError) as error:
        return _fail(f"kb: {system_fault(error)}", debug=debug)
    except Exception as error:  # noqa: BLE001 - the one boundary: no traceback reaches a user
        what = f"kb: unexpected {type(error).__name__}: {error}"
        return _fail(f"{what}\n  → Run again with --debug, and report what it shows.", debug=debug)


def _fail(message: str, *, debug: bool) -> int:
    if debug:
        import traceback

        streams.warn(traceback.format_exc(), end="")
    streams.warn(message)
    return 2


def _lost(error: streams.OutputLostError) -> int:
    """Say what was lost where somebody can still read it."""
    streams.give_up(error.stream)
    if error.stream == "stdout" and not error.is_reader_gone:
        try:
            streams.warn(f"kb: {error}")
        except streams.OutputLostError:
            streams.give_up("stderr")
    return 2


if __name__ == "__main__":
    main()
