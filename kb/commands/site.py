"""`kb site`: the static site."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kb.errors import KbError
from kb.installation import install_line
from kb.library import Library, open_library
from kb.streams import echo, is_terminal, progress, warn
from kb.terminal import visible

if TYPE_CHECKING:
    from kb.site.build_site import Build
    from kb.site.content import Edition

SITE = "site"


@click.command("site")
@click.option(
    "--edition",
    type=click.Choice(["internal", "external"]),
    default="internal",
    show_default=True,
    help="external: only what may leave the house.",
)
@click.option("--customer", metavar="NAME", help="The external copy owed to one customer.")
@click.option(
    "--propose",
    "read_first",
    flag_value="propose",
    help="Write what may leave of each record, for a person to sign.",
)
@click.option(
    "--preview",
    "read_first",
    flag_value="preview",
    help="Write a page for each record, with what leaves beside it.",
)
@click.option("--pages-only", is_flag=True, help="Write build/ and stop: for 'mkdocs build'.")
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), help="Where it comes to lie."
)
@click.option(
    "--engine",
    type=click.Choice(["mkdocs", "zensical"]),
    default="mkdocs",
    show_default=True,
    help="What builds it.",
)
@click.option("--trust", is_flag=True, help="Use all of mkdocs.yml, hooks and plugins too.")
@click.pass_context
def command(
    context: click.Context,
    edition: str,
    customer: str | None,
    read_first: str | None,
    pages_only: bool,
    out: Path | None,
    engine: str,
    trust: bool,
) -> None:
    """Build the static site: by default into site/ at the root of the library.

    Where site/ is the folder of other pages it goes into site-postmortems/.

    What --edition external shows of a record is its external.md, once a person has signed it.
    --propose writes these files from the records; where a record changed since, its text is
    written anew, and has to be signed anew. --preview shows both side by side.

    Exit status 0: all is there; 1: some records are left out of the external edition, each named
    with the reason, or cannot be proposed; 2: could not run.
    """
    started = time.monotonic()
    require_site_extra()
    from kb.site.content import Edition

    _refuse_misuse(edition, customer, read_first)
    library = open_library(Path.cwd())
    if read_first:
        from kb.commands.site_external import propose_all, write_previews

        context.exit(propose_all(library) if read_first == "propose" else write_previews(library))
    from kb.site.build_site import Build

    wanted = Edition(edition, customer)
    default = "-".join((SITE, *(_kind_of(wanted) or folder_suffix(library.root))))
    target = (out or library.root / default).absolute()
    build = Build(target, engine, pages_only, trusted=trust, is_named=out is not None)
    context.exit(_build(library, wanted, build, started))


def folder_suffix(root: Path) -> tuple[str, ...]:
    """What the folder's name has behind `site` where that is the folder of other pages."""
    from kb.site.mkdocs_settings import builds_other_pages

    folder = root / SITE
    is_foreign = folder.is_dir() and not (folder / "assets/kb").is_dir() and any(folder.iterdir())
    return ("postmortems",) if is_foreign or builds_other_pages(root) else ()


def _refuse_misuse(edition: str, customer: str | None, read_first: str | None) -> None:
    if customer is not None and edition != "external":
        raise click.UsageError("--customer needs --edition external")
    if read_first and edition != "external":
        raise click.UsageError(f"--{read_first} needs --edition external")
    if customer is not None and not customer.strip():
        raise click.UsageError("--customer needs a name: an empty one is that of nobody")


def _build(library: Library, edition: Edition, build: Build, started: float) -> int:
    """Build the site and say what it is, and how long all took; 1 where records are left out."""
    from kb.other_libraries.incidents_for_site import ask_others
    from kb.repo import open_repo
    from kb.site.build_site import build_site
    from kb.site.gather import SiteRequest, gather
    from kb.site.related_incidents import find_related

    say = _progress()
    say("reading")
    wanted = SiteRequest(datetime.now(UTC), find_related, edition, ask_others=ask_others)
    site = gather(library, open_repo(library.root), wanted)
    with_meaning = library.config.site.semantic_search
    made = build_site(library, site, replace(build, with_meaning=with_meaning), say)
    took = time.monotonic() - started
    say("")
    for note in (*made.notes, *site.refused):
        warn(visible(note))
    size = f"{made.size_bytes / 1e6:.1f} MB"
    echo(visible(f"{made.pages} pages, {size}, {took:.1f} s: {_shown_path(made.folder)}"))
    if site.refused:
        warn(f"{len(site.refused)} of {len(site.refused) + len(site.records)} records left out")
    return 1 if site.refused else 0


def _kind_of(edition: Edition) -> tuple[str, ...]:
    """What follows `site` in the name of an edition's folder; a copy has one of its own."""
    from kb.records.blank_record import slug

    if edition.is_internal:
        return ()
    return (
        (edition.name, slug(edition.customer, "customer")) if edition.customer else (edition.name,)
    )


def require_site_extra() -> None:
    """Raise `KbError` where what renders the pages is not installed."""
    missing = [name for name in ("markdown_it", "nh3", "yaml") if find_spec(name) is None]
    if missing:
        raise KbError(
            f"the site cannot be made without {', '.join(missing)}",
            todo=f"Run: {install_line('site')}",
        )


def _shown_path(path: Path) -> str:
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


def _progress() -> Callable[[str], None]:
    """Say what is being done on a terminal, in one line; in a pipe only whole lines."""
    if not is_terminal("stderr"):
        return lambda text: warn(text, end="") if text.endswith("\n") else None
    return lambda text: progress(f"{text}{'…' if text else ''}")
