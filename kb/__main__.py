"""`python -m kb` is the command `kb`; the hook of walls is answered before click is imported."""

from __future__ import annotations

import sys

_HOOK = ["wall", "hook"]
_LIBRARY = "--library"


def main() -> None:
    """Run the command and exit with its status, as `kb.cli.main` does."""
    words = sys.argv[1:]
    rest = words[2:]
    if words[:2] == _HOOK and (not rest or (len(rest) == 2 and rest[0] == _LIBRARY)):  # noqa: PLR2004 - a flag and its value
        from kb.walls.agent_hook import run

        sys.exit(run(rest[1] if rest else None))
    from kb.cli import main as command

    command()


if __name__ == "__main__":
    main()
