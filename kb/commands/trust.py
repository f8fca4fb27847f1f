"""`kb trust`: what a repository may do beyond its own folder, said by the person who uses it."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import click

from kb.config import read_config
from kb.errors import KbError
from kb.library import find_root
from kb.safe_files import real_path
from kb.streams import echo, is_terminal, warn
from kb.terminal import visible
from kb.trusted_settings import VARIABLE, Wish, is_trusted, revoke, store, wishes
from kb.user_config import read_user_config
from kb.walls.compile_table import KEY as WALLS
from kb.walls.compile_table import bring_up_to_date, gather, names_in_force, wishes_of_walls


@click.command("trust")
@click.argument("keys", nargs=-1, metavar="[KEY]...")
@click.option("--yes", is_flag=True, help="Do not ask: for scripts.")
@click.option("--list", "as_list", is_flag=True, help="What is trusted, in all libraries.")
@click.option("--revoke", "takes_back", is_flag=True, help="Trust these keys no more, or none.")
@click.option("--hash", "as_hashes", is_flag=True, help=f"What {VARIABLE} takes in CI.")
def command(
    keys: tuple[str, ...], yes: bool, as_list: bool, takes_back: bool, as_hashes: bool
) -> int:
    """Allow what this library's settings name outside it, or want to run.

    Without KEY all that the settings ask for: a folder outside (search.vectors), another encoder
    (search.model), other teams' libraries (library.beside), values that redaction keeps
    (runs.allow), a server (store.url), your agent (runs.replay), hooks and plugins (mkdocs.yml),
    the walls of the records (walls).
    Each is shown before you are asked. The value as it stands now is trusted, in this folder, for
    you; a changed value is not. Exit status 1 when nothing was allowed.
    """
    if as_list + takes_back + as_hashes > 1:
        raise click.UsageError("--list, --revoke and --hash are three questions: ask one.")
    if as_list:
        return _show_list()
    root = find_root(Path.cwd())
    if takes_back:
        return _take_back(root, keys)
    if not keys or WALLS in keys:
        _say_unusable_walls(root)
    asked = _chosen(root, keys)
    if as_hashes:
        for wish in asked:
            echo(f"{wish.sha256}  # {wish.key}={visible(wish.value)}")
        return 0
    return _allow(root, asked, yes=yes)


def _chosen(root: Path, keys: tuple[str, ...]) -> tuple[Wish, ...]:
    """What the settings ask for, or what of it was named. Raises `KbError` for another key."""
    config = read_config(root)
    asked = (*wishes(config, root), *_of_the_site(root), *wishes_of_walls(root, config))
    found = {wish.key: wish for wish in asked}
    for key in keys:
        if key not in found:
            there = ", ".join(found)
            raise KbError(
                f"'{key}' asks for nothing that needs trust here",
                where=str(root),
                todo=f"Name one that does: {there}." if there else "Leave it out.",
            )
    return tuple(found[key] for key in keys) if keys else tuple(found.values())


def _of_the_site(root: Path) -> tuple[Wish, ...]:
    if find_spec("yaml") is None:
        return ()
    from kb.site.mkdocs_settings import settings_wish

    wish = settings_wish(root)
    return (wish,) if wish else ()


def _allow(root: Path, asked: tuple[Wish, ...], *, yes: bool) -> int:
    new = tuple(wish for wish in asked if not is_trusted(root, wish))
    if not new:
        echo("nothing here needs trust that it does not have")
        return 0
    echo("the settings here ask for:")
    for wish in new:
        echo(f"  {wish.key} = {visible(wish.value)}\n    {wish.effect}")
        if wish.key == WALLS:
            _say_walls_that_go(root)
    if not yes and not _agreed():
        warn("nothing was allowed")
        return 1
    store(root, new)
    if any(wish.key == WALLS for wish in new):
        bring_up_to_date(str(real_path(root)))
    echo(f"trusted: {', '.join(wish.key for wish in new)}")
    return 0


def _say_unusable_walls(root: Path) -> None:
    from kb.walls.unusable_walls import unusable_walls

    for one in unusable_walls(root, read_config(root)):
        if one.is_published:
            warn(visible(str(one)))


def _say_walls_that_go(root: Path) -> None:
    """Name the walls in force that are not among those the records have now."""
    there = {row["id"] for row in gather(root, read_config(root)).rows}
    for name in names_in_force(str(real_path(root))):
        if name not in there:
            echo(visible(f"    no longer in force then: {name}"))


def _agreed() -> bool:
    """What the person at the terminal answers. Raises `KbError` where there is none."""
    if not is_terminal("stdin"):
        raise KbError(
            "there is nobody to ask",
            todo=f"Run it at a terminal, or with --yes; in CI set {VARIABLE} (docs/trust.md).",
        )
    return click.confirm("Allow this?", default=False)


def _take_back(root: Path, keys: tuple[str, ...]) -> int:
    gone = revoke(root, keys)
    for row in gone:
        echo(f"no longer trusted: {row.key} = {visible(row.value)}")
    if not gone:
        warn("none of that was trusted here")
    return 0 if gone else 1


def _show_list() -> int:
    for row in read_user_config().trust:
        echo(f"{visible(row.library)}  {row.key} = {visible(row.value)}")
    return 0
