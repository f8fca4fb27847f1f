"""`kb completion`: the script by which a shell completes verbs, options, ids and words."""

from __future__ import annotations

import click
from click.shell_completion import BashComplete, FishComplete, ShellComplete, ZshComplete

from kb.streams import echo_data

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
