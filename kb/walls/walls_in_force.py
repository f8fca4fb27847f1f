"""The walls that hold: the table as it was stored, compiled anew where a record changed."""

from __future__ import annotations

from kb.walls.stored_table import WallTable, read_stored, stamp


def open_table(root: str) -> WallTable:
    """The walls of a repository that its user trusts. Raises what reading and compiling raise."""
    stored = read_stored(root)
    if stored is None or stored["stamp"] != stamp(root, stored["files"]):
        from kb.walls.compile_table import bring_up_to_date

        return bring_up_to_date(root, stored)
    return WallTable(stored["rows"])
