"""What one command of a shell text does, and which of several weighs most."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from kb.traces.run import Effect

#: The lightest first. Unknown weighs more than a read: it may be anything.
_WEIGHTS = (Effect.READ, Effect.UNKNOWN, Effect.WRITE, Effect.DESTRUCTIVE)


@dataclass(frozen=True)
class CommandEffect:
    """What one command does to the world, by the table of programs.

    `program` is its name without folders, `action` the words that name what it is to do (`push`,
    `volume rm`), `targets` the other words that are no options. `reason` is one sentence without
    its full stop. `is_guess` says that the table itself is not sure. `via` are the programs that
    start it, the outermost first: `("sudo", "ssh deploy@example.com")`. `words` are its own,
    options included; none for what is no command, such as a redirection. `is_unread` says that a
    part stands there, or comes out of another command, which this reading did not come to.
    """

    effect: Effect
    program: str
    reason: str
    action: str = ""
    targets: tuple[str, ...] = ()
    is_guess: bool = False
    via: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    is_unread: bool = False

    @property
    def name(self) -> str:
        """The program with its action: `git push`."""
        return f"{self.program} {self.action}".strip()


def worst(effects: Iterable[CommandEffect]) -> CommandEffect | None:
    """The first of those that weigh most: destructive, write, unknown, read; None of none."""
    return max(effects, key=lambda found: _WEIGHTS.index(found.effect), default=None)
