"""The public incidents that ship with kb: where their records lie, and where each can be read."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import kb.data
from kb.records.record_files import is_record_name

#: Where the records of the casebook lie in the package.
PACKAGED = Path(kb.data.__file__).parent / "casebook"


def casebook_place() -> Path | None:
    """The records of the casebook: in the package, or beside it in a checkout; None in neither."""
    checkout = PACKAGED.parents[2] / "postmortems"
    return next((folder for folder in (PACKAGED, checkout) if folder.is_dir()), None)


@cache
def casebook_ids() -> frozenset[str]:
    """The ids of its records, by the names of their files."""
    place = casebook_place()
    files = place.iterdir() if place else ()
    return frozenset(file.stem for file in files if is_record_name(file.name))


def public_page(record_id: str) -> str:
    """The web address where a record of the casebook was told first, empty for any other id."""
    place = casebook_place()
    if place is None or record_id not in casebook_ids():
        return ""
    # These files are kb's own, and an answer must not wait for the reader of records.
    lines = (place / f"{record_id}.md").read_text("utf-8").splitlines()
    below = lines[lines.index("sources:") + 1 :] if "sources:" in lines else []
    items = (line.strip().removeprefix("- ") for line in below)
    return next((item for item in items if item.startswith(("https://", "http://"))), "")
