"""`kb serve`: the site on this machine, following edits."""

from __future__ import annotations

import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from kb.commands.site import require_site_extra
from kb.library import Library, open_library
from kb.streams import echo
from kb.terminal import visible

if TYPE_CHECKING:
    from kb.repo import Repo
    from kb.site.content import Site


@click.command("serve")
@click.option("--port", default=8000, show_default=True, help="The first port to try.")
@click.option(
    "--engine",
    type=click.Choice(["mkdocs", "zensical"]),
    default="mkdocs",
    show_default=True,
    help="What builds it.",
)
def command(port: int, engine: str) -> None:
    """Show the site on 127.0.0.1, drafts included, and follow edits until Ctrl-C."""
    require_site_extra()
    from kb.repo import open_repo
    from kb.site.build_site import BUILD
    from kb.site.live_preview import HOST, Preview, ServedSite, open_server

    library = open_library(Path.cwd())
    repo = open_repo(library.root)
    shown = ServedSite(library.root / BUILD / "serve")
    preview = Preview(library, lambda found: _gather(found, repo), _say, shown, engine)
    preview.build()
    server = open_server(shown, port)
    stop = threading.Event()
    watcher = threading.Thread(target=preview.watch, args=(stop,), daemon=True)
    watcher.start()
    echo(f"http://{HOST}:{server.server_port}/  (Ctrl-C ends)")
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        echo("")
    finally:
        stop.set()
        server.server_close()


def _gather(library: Library, repo: Repo) -> Site:
    from kb.other_libraries.incidents_for_site import ask_others
    from kb.site.gather import SiteRequest, gather
    from kb.site.related_incidents import find_related

    wanted = SiteRequest(datetime.now(UTC), find_related, with_drafts=True, ask_others=ask_others)
    return gather(library, repo, wanted)


def _say(text: str) -> None:
    """Edits are said; what a whole build does is not."""
    if text.endswith("\n"):
        echo(visible(text.removesuffix("\n")))
