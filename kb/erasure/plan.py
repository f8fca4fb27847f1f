"""What a purge would do: files to change and to name otherwise, what kb made, what is in doubt.

A plan is a value; `write_plan.py` writes it. Nothing is read that lies outside the library.
"""

from __future__ import annotations

import gzip
import os
import zlib
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import PurePath

from kb.config import FILE_NAME
from kb.erasure.forms_of_a_name import PurgeTarget
from kb.erasure.rewritten_file import (
    CutText,
    Doubt,
    cut_file,
    cut_fixture,
    cut_path,
    cut_record,
    fixture_value,
)
from kb.library import LOCAL_FOLDER, Library
from kb.records.postmortem import Postmortem
from kb.records.record_files import is_record_name
from kb.safe_files import Tree, UnsafePathError, walk
from kb.search.encoder.vector_store import vectors_place
from kb.sensitive.names.find_names import PrivateName
from kb.site.build_site import made_sites
from kb.site.external.declared_names import declared_names
from kb.site.work_folder import made_in_work
from kb.traces.canonical_json import sha256
from kb.traces.fixture import BLOBS

#: A larger file is not looked into, and said not to be.
_MAX_BYTES = 100_000_000
_GZIP = b"\x1f\x8b"
#: What kb computes anew; anything else in `.kb` is looked into like a file of the library.
_COMPUTED = ("index", "trails", "checkup")
_KEPT = frozenset({"redaction.key", ".gitignore"})


@dataclass(frozen=True)
class FileCut:
    """A file with its bytes before and after; another path where its name changes, too."""

    path: PurePath
    new_path: PurePath
    before: bytes
    after: bytes
    count: int

    @property
    def is_renamed(self) -> bool:
        """Whether it gets another name."""
        return self.path != self.new_path


@dataclass(frozen=True)
class Plan:
    """What is to be changed, what is removed because kb makes it anew, and what is in doubt.

    `removed` are below the library's root; `vectors` are a folder elsewhere, or None.
    """

    changes: tuple[FileCut, ...] = ()
    removed: tuple[PurePath, ...] = ()
    doubts: tuple[Doubt, ...] = ()


@dataclass
class _Search:
    library: Library
    sought: PurgeTarget
    word: str
    changes: list[FileCut] = field(default_factory=list)
    doubts: list[Doubt] = field(default_factory=list)
    moved: dict[str, tuple[str, int]] = field(default_factory=dict)


def plan_purge(library: Library, sought: PurgeTarget, word: str) -> Plan:
    """What taking it out of the library comes to. Raises `KbError` where a folder is unreadable."""
    search = _Search(library, sought, word)
    tree = Tree(library.root)
    # Blobs first: a fixture names them by what they hold.
    for path in sorted(_files(library), key=lambda path: (path.parent.name != BLOBS, path)):
        _look_into(search, tree, path)
    made = tuple(_derived_paths(library))
    removed = made if search.changes or any(_is_below(search, path) for path in made) else ()
    return Plan(tuple(_without_collisions(search)), removed, tuple(search.doubts))


def _files(library: Library) -> Iterator[PurePath]:
    """Files that people and kb keep: those of the records, `kb.toml`, and journals in `.kb`."""
    if (library.root / FILE_NAME).is_file():
        yield PurePath(FILE_NAME)
    for folder in (library.folder, library.root / LOCAL_FOLDER):
        for place, _, names in walk(folder):
            for name in names:
                path = PurePath(os.path.relpath(os.path.join(place, name), library.root))  # noqa: PTH118
                if not _is_computed(path):
                    yield path


def _is_computed(path: PurePath) -> bool:
    if path.parts[0] != LOCAL_FOLDER:
        return False
    first = path.parts[1]
    return first in _KEPT or first in _COMPUTED or first.startswith("vectors-")


def _look_into(search: _Search, tree: Tree, path: PurePath) -> None:
    try:
        raw, size = tree.read(search.library.root / path, _MAX_BYTES)
    except (OSError, UnsafePathError) as error:
        search.doubts.append(Doubt(path, 1, f"not looked into: {error}"))
        return
    if size > _MAX_BYTES:
        search.doubts.append(Doubt(path, 1, f"not looked into: {size / 1e6:.0f} MB"))
        return
    text = _text_of(raw)
    if text is None:
        _doubt_binary(search, path, raw)
        text = ""
        made = CutText(text)
    else:
        made = _cut(search, path, text)
    search.doubts += [Doubt(path, line, why) for line, why in made.doubts]
    _note(search, path, raw, made if made.text != text else None)


def _note(search: _Search, path: PurePath, raw: bytes, made: CutText | None) -> None:
    after = made.text.encode("utf-8", "surrogateescape") if made else raw
    new_path = cut_path(path, search.sought, search.word)
    if path.parent.name == BLOBS and made:
        new_path = new_path.with_name(sha256(after))
        search.moved[path.name] = new_path.name, len(after)
    if made or new_path != path:
        change = FileCut(path, new_path, raw, after, made.count if made else 0)
        search.changes.append(change)


def _cut(search: _Search, path: PurePath, text: str) -> CutText:
    library, sought, word = search.library, search.sought, search.word
    if path.suffix == ".json" and (value := fixture_value(text)) is not None:
        raw, count = cut_fixture(value, sought, word, search.moved)
        before, _ = cut_fixture(value, sought, word, {}) if not count else (raw, 0)
        is_changed = count or raw != before
        return CutText(raw.decode() if is_changed else text, count)
    if path.parent == PurePath(library.config.library.path) and is_record_name(path.name):
        document = next((d for d in library.documents if d.path == path), None)
        if document is not None:
            named = _declares(library.record(document.id), sought)
            return cut_record(document, sought, word, is_declared=named)
    return cut_file(path, text, sought, word, library.form)


def _declares(record: Postmortem | None, sought: PurgeTarget) -> bool:
    names = declared_names(record) if record and sought.name else ()
    words = sought.name.words if sought.name else ()
    return any(PrivateName(written, kind).words == words for written, kind in names)


def _text_of(raw: bytes) -> str | None:
    """The text of a file, None for what is none."""
    if b"\0" in raw[:8000]:
        return None
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return None


def _doubt_binary(search: _Search, path: PurePath, raw: bytes) -> None:
    """Say what an archive, a picture or any other bytes seem to hold; they are left as they are."""
    unpacked = raw
    if raw[:2] == _GZIP:
        with suppress(OSError, EOFError, zlib.error):
            unpacked = gzip.decompress(raw)
    if holds_bytes(search.sought, unpacked):
        search.doubts.append(Doubt(path, 1, "in bytes that are no text: remove or redo the file"))


def holds_bytes(sought: PurgeTarget, raw: bytes) -> bool:
    """Whether bytes that are no text hold the value or a telling word of it, as written."""
    words = sought.name.telling if sought.name else ()
    seen = raw.lower()
    plain = (sought.written.lower(), *(word for word in words if len(word) > 3))  # noqa: PLR2004
    return any(
        word.encode(code) in seen for word in plain for code in ("utf-8", "utf-16-le", "utf-16-be")
    )


def _derived_paths(library: Library) -> Iterator[PurePath]:
    """What kb makes anew: index, vectors and trails, pages and sites."""
    for name in sorted(os.listdir(library.root / LOCAL_FOLDER)) if _has_local(library) else ():  # noqa: PTH208
        path = PurePath(LOCAL_FOLDER, name)
        if _is_computed(path) and name not in _KEPT and not name.endswith(".lock"):
            yield path
    root, folder = vectors_place(library)
    if root.path == library.root and folder.parts[:1] != (LOCAL_FOLDER,):
        yield from (folder / n for n in root.names(folder) if n.startswith("vectors-"))
    yield from made_in_work(library.root)
    yield from made_sites(library.root)


def _has_local(library: Library) -> bool:
    return (library.root / LOCAL_FOLDER).is_dir()


def _is_below(search: _Search, path: PurePath) -> bool:
    """Whether what was made before holds it, while no record does any more."""
    whole = search.library.root / path
    if not whole.is_dir():
        return _is_in_file(search, str(whole))
    return any(
        _is_in_file(search, f"{place}{os.sep}{name}")
        for place, _, names in walk(whole)
        for name in names
    )


def _is_in_file(search: _Search, path: str) -> bool:
    with suppress(OSError, UnsafePathError):
        raw, _ = Tree(search.library.root).read(path, _MAX_BYTES)
        if raw[:2] == _GZIP:
            with suppress(OSError, EOFError, zlib.error):
                raw = gzip.decompress(raw)
        return holds_bytes(search.sought, raw)
    return False


def _without_collisions(search: _Search) -> Iterator[FileCut]:
    """The changes, without those whose new name another file has; these are in doubt."""
    taken: dict[PurePath, bytes] = {}
    for change in search.changes:
        there = search.library.root / change.new_path
        other = taken.get(change.new_path)
        if change.is_renamed and (
            (other is not None and other != change.after)
            or (there.exists() and there.read_bytes() != change.after)
        ):
            why = f"would be called like another file, {change.new_path.name}: rename it"
            search.doubts.append(Doubt(change.path, 1, why))
            continue
        taken[change.new_path] = change.after
        yield change
