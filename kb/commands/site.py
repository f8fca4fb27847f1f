"""`kb site`: the static site."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path

import click

from kb.errors import KbError
from kb.installation import install_line
from kb.library import open_library
from kb.streams import echo, is_terminal, progress, warn
from kb.terminal import visible


@click.command("site")
@click.option(
    "--edition",
    type=click.Choice(["internal", "external"]),
    default="internal",
    show_default=True,
    help="external: only what may leave the house.",
)
@click.option("--customer", metavar="NAME", help="The external copy owed to one customer.")
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
def command(
    edition: str,
    customer: str | None,
    pages_only: bool,
    out: Path | None,
    engine: str,
    trust: bool,
) -> None:
    """Build the static site: by default into site/ at the root of the library."""
    require_site_extra()
    from kb.repo import open_repo
    from kb.site.content import Edition
    from kb.site.gather import SiteRequest, gather
    from kb.site.related_search import find_related
    from kb.site.site import SITE, Build, build_site

    if customer is not None and edition != "external":
        raise click.UsageError("--customer needs --edition external")
    if customer is not None and not customer.strip():
        raise click.UsageError("--customer needs a name: an empty one is that of nobody")
    library = open_library(Path.cwd())
    wanted = SiteRequest(datetime.now(UTC), find_related, Edition(edition, customer))
    say = _progress()
    say("reading")
    site = gather(library, open_repo(library.root), wanted)
    default = SITE if edition == "internal" else f"{SITE}-{edition}"
    target = (out or library.root / default).absolute()
    with_meaning = library.config.site.semantic_search
    build = Build(target, engine, pages_only, with_meaning, trust, is_named=out is not None)
    made = build_site(library, site, build, say)
    say("")
    for note in made.notes:
        warn(visible(note))
    shown = _shown(made.folder)
    size = f"{made.size_bytes / 1e6:.1f} MB"
    echo(visible(f"{made.pages} pages, {size}, {made.seconds:.1f} s: {shown}"))


def require_site_extra() -> None:
    """Raise `KbError` where what renders the pages is not installed."""
    missing = [name for name in ("markdown_it", "nh3", "yaml") if find_spec(name) is None]
    if missing:
        raise KbError(
            f"the site cannot be made without {', '.join(missing)}",
            todo=f"Run: {install_line('site')}",
        )


def _shown(path: Path) -> str:
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


def _progress() -> Callable[[str], None]:
    """Say what is being done on a terminal, in one line; in a pipe only whole lines."""
    if not is_terminal("stderr"):
        return lambda text: warn(text, end="") if text.endswith("\n") else None
    return lambda text: progress(f"{text}{'…' if text else ''}")
