"""`kb review`: a pull request's whole comment."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from kb.commands.build import progress_bar
from kb.errors import KbError
from kb.library import open_library
from kb.review.advice import review
from kb.review.comment import review_comment
from kb.safe_files import write_output
from kb.streams import echo_markdown


@click.command("review")
@click.option(
    "--base", metavar="REV", help="What the branch is compared with; default the main line."
)
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the comment here instead of printing it.",
)
@click.option(
    "--link",
    default="",
    metavar="URL",
    help="Web address of the repository's files at this commit, such as "
    "https://HOST/OWNER/REPOSITORY/blob/COMMIT; lines become links.",
)
@click.pass_context
def command(context: click.Context, base: str | None, output: Path | None, link: str) -> None:
    """Write the review of a branch: faults, prior incidents without a verdict, open promises.

    Exit status 1 when a record that asks for review has a fault or leaves a likely prior incident
    without a verdict; the comment is written all the same.
    """
    library = open_library(Path.cwd())
    with progress_bar() as progress:
        found = review(library, base, datetime.now(UTC), progress)
    comment = review_comment(found, link)
    if output is None:
        echo_markdown(comment)
    else:
        _write(output, comment)
    context.exit(1 if found.errors else 0)


def _write(path: Path, text: str) -> None:
    try:
        write_output(path, text)
    except OSError as error:
        raise KbError(
            f"cannot be written: {error.strerror or error}",
            where=str(path),
            todo="Name another file with --output.",
        ) from error
