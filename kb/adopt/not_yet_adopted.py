"""Postmortems that lie in a repository and are no records yet, as far as names tell."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from kb.config import Config
from kb.errors import KbError
from kb.library import load_documents, record_files
from kb.records.form import build_form
from kb.records.misplaced_records import is_markdown
from kb.records.record_files import is_record_name
from kb.safe_files import read_named, walk

#: What folders of postmortems are called: by that alone they are counted, and nothing is read.
_FOLDER = re.compile(
    r"post-?_?mortems?|incident-?_?(?:reports?|reviews?|postmortems?)|incidents?|outages?|rcas?",
    re.IGNORECASE,
)
_NOT_ONE = frozenset({"readme", "index", "contributing", "changelog"})
_SKIPPED = frozenset({"node_modules", "vendor", "build", "site", "dist", "target", "venv"})
_MOST_LEVELS = 5
_MOST_FOLDERS = 20_000
_FRONT_BYTES = 2_000_000


@dataclass(frozen=True, slots=True)
class ExistingPostmortems:
    """A folder, relative to the library's root, and how many postmortems its files look like."""

    folder: PurePosixPath
    count: int


def find_existing(root: Path, config: Config) -> tuple[ExistingPostmortems, ...]:
    """The folders with files that look like postmortems and are no records, by path.

    Among the records these are what has no front matter, or no record's name. What records were
    made of before is left out.
    """
    records = config.library.path.strip("/") or "."
    known = _adopted(root / records, config)
    found: Counter[PurePosixPath] = Counter()
    for number, (place, folders, names) in enumerate(walk(root)):
        here = PurePosixPath(Path(place).relative_to(root).as_posix())
        folders[:] = sorted(name for name in folders if _is_looked_into(here, name))
        if number > _MOST_FOLDERS:
            break
        home = here if here == PurePosixPath(records) else _home(here)
        if home is not None:
            theirs = _postmortems(Path(place), names)
            found[home] += sum((here / name).as_posix() not in known for name in theirs)
    return tuple(ExistingPostmortems(home, n) for home, n in sorted(found.items()) if n)


def _home(here: PurePosixPath) -> PurePosixPath | None:
    """The outermost folder on the way that is called like one of postmortems, None for none."""
    parts = here.parts
    named = (n for n, part in enumerate(parts, 1) if _FOLDER.fullmatch(part))
    return next((PurePosixPath(*parts[:n]) for n in named), None)


def _adopted(folder: Path, config: Config) -> frozenset[str]:
    """The files that records were made of, as these tell it."""
    files = record_files(folder) if folder.is_dir() else []
    documents = load_documents(files, build_form(config), folder.parent)
    return frozenset(
        alias for one in documents if one.is_adopted for alias in one.front.texts("aliases")
    )


def _is_looked_into(here: PurePosixPath, name: str) -> bool:
    """A folder that is named like a record holds its evidence."""
    is_evidence = is_record_name(f"{name}.md")
    is_skipped = name[:1] == "." or name in _SKIPPED or is_evidence
    return not is_skipped and len(here.parts) < _MOST_LEVELS


def _postmortems(folder: Path, names: list[str]) -> Iterator[str]:
    for name in names:
        stem = Path(name).stem.lower()
        if not is_markdown(name) or stem in _NOT_ONE or "template" in stem:
            continue
        if not is_record_name(name) or not _has_front_matter(folder / name):
            yield name


def _has_front_matter(path: Path) -> bool:
    try:
        return read_named(path, _FRONT_BYTES).startswith((b"---\n", b"---\r\n"))
    except (OSError, KbError):
        return True
