"""`kb completion`: the script by which a shell completes verbs, options, ids and words.

A shell asks at every Tab: whatever goes wrong, nothing is offered and nothing is said.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click
from click.shell_completion import (
    BashComplete,
    CompletionItem,
    FishComplete,
    ShellComplete,
    ZshComplete,
)

from kb.streams import echo_data

Offer = Callable[[click.Context, click.Parameter, str], list[CompletionItem]]
_MOST = 200
_MOST_HELP = 60
_CLASSES: dict[str, type[ShellComplete]] = {
    "bash": BashComplete,
    "zsh": ZshComplete,
    "fish": FishComplete,
}


@click.command("completion")
@click.argument("shell", type=click.Choice(list(_CLASSES)))
@click.pass_context
def command(context: click.Context, shell: str) -> None:
    """Print the completion script of SHELL.

    \b
    bash:  kb completion bash >> ~/.bashrc
    zsh:   kb completion zsh >> ~/.zshrc
    fish:  kb completion fish > ~/.config/fish/completions/kb.fish
    """  # noqa: D301 - click's mark for lines that are not wrapped
    made = _CLASSES[shell](context.find_root().command, {}, "kb", "_KB_COMPLETE")
    # Bash's own `source` starts a bash to see its version; the script says that itself.
    echo_data(ShellComplete.source(made).encode())


def words(taxonomy: str) -> Offer:
    """A completion of the words of one list, with what each means."""

    def offer(_: click.Context, __: click.Parameter, typed: str) -> list[CompletionItem]:
        from kb.library import unread_library

        def found() -> list[tuple[str, str]]:
            form = unread_library(Path.cwd()).form
            return [(word.name, word.definition) for word in form.taxonomies[taxonomy]]

        return _starting(typed, found)

    return offer


def record_ids(_: click.Context, __: click.Parameter, typed: str) -> list[CompletionItem]:
    """The ids of the records here that begin with what was typed, or have it in them."""

    def found() -> list[tuple[str, str]]:
        from kb.library import record_files, unread_library

        return [(file.stem, "") for file in record_files(unread_library(Path.cwd()).folder)]

    return _starting(typed, found) or _having(typed, found)


def routes(_: click.Context, __: click.Parameter, typed: str) -> list[CompletionItem]:
    """The routes of the records here."""
    return _starting(typed, lambda: _used("route"))


def owners(_: click.Context, __: click.Parameter, typed: str) -> list[CompletionItem]:
    """The owners of the records here and of their actions."""
    return _starting(typed, lambda: _used("owners"))


def _used(key: str) -> list[tuple[str, str]]:
    from kb.library import open_library

    documents = open_library(Path.cwd()).documents
    found = {text for document in documents for text in document.front.texts(key)}
    if key == "owners":
        found |= {a.attribute("owner") for document in documents for a in document.actions}
    return [(name, "") for name in sorted(found) if name and name != "unknown"]


def _starting(typed: str, found: Callable[[], list[tuple[str, str]]]) -> list[CompletionItem]:
    return _items(found, lambda name: name.casefold().startswith(typed.casefold()))


def _having(typed: str, found: Callable[[], list[tuple[str, str]]]) -> list[CompletionItem]:
    return _items(found, lambda name: typed.casefold() in name.casefold())


def _items(
    found: Callable[[], list[tuple[str, str]]], is_wanted: Callable[[str], bool]
) -> list[CompletionItem]:
    try:
        names = [(name, what) for name, what in found() if is_wanted(name) and name.isprintable()]
    except Exception:  # noqa: BLE001 - a Tab in a folder without a library offers nothing
        return []
    return [CompletionItem(name, help=what[:_MOST_HELP] or None) for name, what in names[:_MOST]]
