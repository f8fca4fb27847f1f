"""From records to the table the hook reads: gathered, hashed, trusted by the user, stored.

Only published records count. The value that a user trusts holds the hash of the walls themselves,
so that a changed, new or removed wall is another value; until that is trusted too, the walls that
were trusted before stay in force.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from kb.config import Config
from kb.errors import KbError
from kb.humanize import plural
from kb.library import record_files
from kb.records.front_matter import FrontMatter, read_front_matter
from kb.records.record_files import MAX_RECORD_BYTES
from kb.records.wall_definitions import Wall, comparison, tool_patterns, walls_of
from kb.safe_files import Root, Tree
from kb.trusted_settings import Wish, is_trusted, open_config
from kb.user_config import read_user_config
from kb.walls.local_paths import table_path
from kb.walls.stored_table import (
    VERSION,
    WallTable,
    is_in_the_tree,
    read_stored,
    records_stamp,
    settings_stamp,
)
from kb.walls.wildcards import longest_part, program_name, without_quotes

if TYPE_CHECKING:
    from kb.walls.stored_table import Condition, Row, Steps, StoredTable

#: The name under which `kb trust` knows them.
KEY = "walls"
#: Nobody writes that key without its letters, but for an escape such as `"w\x61lls"`.
_MARK, _ESCAPE = b"walls", b"\\"
#: What a row holds for speed: trust does not hang on which shells this version knows.
_OF_THE_FORM = {"tools", "needs"}
_EFFECT = "these walls deny, ask about or note calls of your coding agents (kb wall hook)"


def address(record_id: str, wall: Wall) -> str:
    """The name of a wall in a library: `2026-02-26-x#W1`."""
    return f"{record_id}#{wall.label}"


def row_of(record_id: str, wall: Wall) -> Row:
    """A wall as the table holds it, see `kb.walls.wall_conditions`."""
    words = wall.command.split()
    return {
        "id": address(record_id, wall),
        "tool": wall.tool,
        "tools": list(tool_patterns(wall.tool)),
        "command": words,
        "effect": wall.effect,
        "target": wall.target,
        "needs": _needs(words, wall.target),
        "arguments": [_condition(path, pattern) for path, pattern in wall.arguments],
        "verdict": wall.verdict,
        "reason": wall.reason,
    }


def _needs(words: list[str], target: str) -> list[str]:
    """The texts without which no line meets a wall: less than the matcher asks, never more.

    A program may be called by another path and `.exe`, `-rf` be written `-r -f`, a long flag with
    one dash or two, and blanks stand around the points of `public.users`.
    """
    named = [word.lstrip("-") for word in words[1:] if word[:1] != "-" or word[:2] == "--"]
    # Of alternatives each may be the one.
    named += [program_name(word) for word in words[:1] if "|" not in word]
    named += target.split(".") if "|" not in target else []
    return sorted({longest_part(without_quotes(word)) for word in named} - {""})


def _condition(path: str, pattern: str) -> Condition:
    is_negated = pattern.startswith("not ")
    pattern = pattern.removeprefix("not ").strip() if is_negated else pattern
    sign, wanted = comparison(pattern) or ("", pattern)
    return _steps(path), is_negated, sign, wanted


def _steps(path: str) -> Steps:
    """The steps of a path that names one value; the path itself where it looks for several."""
    from jsonpath_rfc9535 import JSONPathEnvironment
    from jsonpath_rfc9535.selectors import IndexSelector, NameSelector

    query = JSONPathEnvironment().compile(path)
    if not query.singular_query():
        return path
    steps: list[str | int] = []
    for segment in query.segments:
        (selector,) = segment.selectors
        if isinstance(selector, NameSelector):
            steps.append(selector.name)
        elif isinstance(selector, IndexSelector):
            steps.append(selector.index)
    return steps


@dataclass(frozen=True, slots=True)
class GatheredWalls:
    """The walls of a library's published records."""

    rows: tuple[Row, ...]

    @property
    def wish(self) -> Wish:
        """What the user is asked to trust: so many walls, of this hash."""
        walls = [
            {key: value for key, value in row.items() if key not in _OF_THE_FORM}
            for row in self.rows
        ]
        text = json.dumps(walls, sort_keys=True, ensure_ascii=False)
        digest = hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()
        return Wish(KEY, f"{plural(len(self.rows), 'wall')}, sha256 {digest}", _EFFECT)


def gather(root: Path, config: Config) -> GatheredWalls:
    """The walls of the published records; the others are looked at and not parsed.

    Raises `KbError` where the records' folder cannot be read.
    """
    return GatheredWalls(
        tuple(
            row_of(record_id, wall)
            for record_id, front in walled_records(root, config)
            if front.text("status") == "published"
            for wall in walls_of(front)
        )
    )


def walled_records(root: Path, config: Config) -> Iterator[tuple[str, FrontMatter]]:
    """The records that may have walls: id and front matter.

    Raises `KbError` where the records' folder cannot be read.
    """
    tree = Tree(root)
    for file in record_files(root / config.library.path):
        raw = _with_walls(tree, file)
        if raw is not None:
            front = read_front_matter(raw.decode("utf-8", "replace"))
            yield file.name.removesuffix(".md"), front


def names_in_force(root: str) -> tuple[str, ...]:
    """The addresses of the walls that hold since they were trusted last."""
    return tuple(row["id"] for row in _held(root, read_stored(root)) or ())


def _held(root: str, stored: StoredTable | None) -> list[Row] | None:
    """The rows that were trusted before and are trusted still, None where none were."""
    if not stored or not stored["value"]:
        return None
    is_held = is_trusted(Path(root), Wish(KEY, stored["value"], _EFFECT))
    return stored["rows"] if is_held else None


def _with_walls(tree: Tree, file: Path) -> bytes | None:
    """The bytes of a record that may have walls. A file that cannot be read is none."""
    try:
        raw, _ = tree.read(file, MAX_RECORD_BYTES)
    except (OSError, KbError):
        return None
    return raw if _MARK in raw or _ESCAPE in raw else None


def bring_up_to_date(root: str, stored: StoredTable | None = None) -> WallTable:
    """The walls that hold now, stored for the calls to come.

    Where the records have other walls than those that are trusted, the ones trusted before stay,
    and a notice says so once. Raises `KbError` where those are nowhere any more, and `OSError`.
    """
    place = Path(root)
    # Taken before what they are about is read: a change between is then seen at the next call.
    state = settings_stamp(root)
    config = open_config(place)
    state += records_stamp(root, config.library.path)
    gathered = gather(place, config)
    rows, value, notice = list(gathered.rows), gathered.wish.value, ""
    if not is_trusted(place, gathered.wish):
        held = _held(root, stored)
        if held is None:
            _refuse_lost(root)
        # Without trust no value is stored: it may be trusted later, and has no rows here.
        rows, value = (held, stored["value"]) if held is not None and stored else ([], "")
        is_changed = held is not None
        notice = _notice(gathered, is_changed=is_changed) if gathered.rows or is_changed else ""
    _write(
        {
            "version": VERSION,
            "root": root,
            "rows": rows,
            "folder": config.library.path,
            "stamp": state,
            "value": value,
        }
    )
    return WallTable(rows, notice)


def _refuse_lost(root: str) -> None:
    """Raises `KbError` where the user trusts walls of this library that cannot be found."""
    if any(row.library == root and row.key == KEY for row in read_user_config().trust):
        raise KbError(
            "the walls that you trust are neither in the records nor in your cache",
            where=root,
            todo=f"Look at those that are there: kb wall check, then kb trust {KEY}.",
        )


def _notice(gathered: GatheredWalls, *, is_changed: bool) -> str:
    if not gathered.rows:
        return (
            "The postmortems here have no walls any more, or none to be used (kb wall check); "
            f"to end yours: kb trust --revoke {KEY}"
        )
    count = plural(len(gathered.rows), "wall")
    what = "other walls than those you trust" if is_changed else "walls that nobody here trusts yet"
    return f"The postmortems here have {what} ({count}): kb wall check, then kb trust {KEY}."


def _write(table: StoredTable) -> None:
    """Store the table, but where a commit could have brought another one."""
    path = Path(table_path(table["root"]))
    if is_in_the_tree(table["root"], str(path)):
        return
    folder = Root(path.parent)
    folder.make_folder(".")
    folder.write_text(path.name, json.dumps(table), "surrogateescape")


def wishes_of_walls(root: Path, config: Config) -> Iterator[Wish]:
    """What has to be trusted for the walls of a library to hold; nothing where it has none."""
    gathered = gather(root, config)
    if gathered.rows:
        yield gathered.wish
