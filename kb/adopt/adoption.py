"""From a file of somebody's postmortems to an adopted record: planned as values, then written.

The text stays whole below the new front matter. A file that is named like a record and lies among
them gets its front matter where it is; of any other a record is made, and the file is left alone.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path, PurePath, PurePosixPath

from kb.adopt.facts import DerivedFact, derive
from kb.errors import KbError
from kb.library import Library, records_folder
from kb.records.document import MAX_RECORD_BYTES, Document, is_record_name, read_document
from kb.records.front_matter import FrontMatter
from kb.records.misplaced import is_markdown, is_meant_as_record
from kb.records.template import slug
from kb.repo import NoRepo, Repo
from kb.safe_files import Root, read_named, replace_known, walk

_NO_POSTMORTEM = re.compile(r"(?:readme|index|contributing|changelog|license|.*template.*)", re.I)
#: Reasons that are no fault of a file.
ADOPTED_BEFORE = "adopted before"
NO_POSTMORTEM = "a template or an index, by its name"
_TOML_FRONT = re.compile(r"\+\+\+\n.*?\n\+\+\+\n", re.DOTALL)


@dataclass(frozen=True)
class AdoptedFile:
    """One file and what becomes of it.

    `refusal` says why nothing does. `before` are the bytes that are replaced, None where a record
    is made. `actions` are those that are read, `unboxed` the items meant as such that lack a box.
    """

    source: str
    target: PurePath = field(default_factory=PurePath)
    facts: tuple[DerivedFact, ...] = ()
    content: bytes = b""
    before: bytes | None = None
    actions: int = 0
    unboxed: int = 0
    refusal: str = ""


def sources(paths: Iterable[Path]) -> Iterator[Path]:
    """The files to adopt: those named, and of a folder its Markdown.

    Raises `KbError` for a path that does not exist.
    """
    for path in paths:
        if not path.exists():
            raise KbError("no such file or folder", where=str(path), todo="Nothing was written.")
        if not path.is_dir():
            yield path.absolute()
            continue
        for place, folders, names in walk(path.absolute()):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            yield from (Path(place, name) for name in sorted(names) if is_markdown(name))


def plan(library: Library, repo: Repo, files: Iterable[Path]) -> tuple[AdoptedFile, ...]:
    """What becomes of each file, in their order; nothing is written."""
    folder = records_folder(library.root, library.config)
    taken = {library.root / document.path for document in library.documents}
    known = {
        alias
        for document in library.documents
        if document.is_adopted
        for alias in document.front.texts("aliases")
    }
    days = _FirstCommits(repo)
    found: list[AdoptedFile] = []
    for file in dict.fromkeys(files):
        one = _plan_one(library, folder, file, days, taken, known)
        taken.add(library.root / one.target)
        found.append(one)
    return tuple(found)


def write(library: Library, files: Iterable[AdoptedFile]) -> None:
    """Write the records, each whole or not at all. Raises `KbError` where one cannot be written."""
    root = Root(library.root)
    for file in files:
        path = library.root / file.target
        try:
            if file.before is None:
                root.create(file.target, file.content)
            elif not replace_known(path, file.before, file.content):
                raise KbError("changed meanwhile", where=str(path), todo="Run kb adopt again.")
        except OSError as error:
            todo = "Mend that and run kb adopt again: what was adopted is left alone."
            raise KbError(
                f"cannot be written: {error.strerror}", where=str(path), todo=todo
            ) from error


class _FirstCommits:
    """The day of each file's first commit; the history of a folder is read once, when asked for."""

    def __init__(self, repo: Repo) -> None:
        self._repo = repo
        self._days: dict[PurePosixPath, date | None] | None = None

    def of(self, file: Path) -> date | None:
        """None where Git does not know the file, or a shallow clone begins after it."""
        place = None if isinstance(self._repo, NoRepo) else self._repo.relative(file)
        if place is None:
            return None
        if self._days is None:
            self._days = {}
            for change in self._repo.history(keep=lambda _: False).changes:
                at = change.at
                self._days.setdefault(change.path, at.date() if at else None)
        return self._days.get(place)


def _plan_one(
    library: Library,
    folder: Path,
    file: Path,
    days: _FirstCommits,
    taken: set[Path],
    known: set[str],
) -> AdoptedFile:
    source = _name_of(file, library.root)
    try:
        raw = read_named(file, MAX_RECORD_BYTES)
    except (OSError, KbError) as error:
        return AdoptedFile(source, refusal=f"cannot be read: {error}")
    document = read_document(raw, PurePath(file.name), library.form)
    refusal = _refusal(document, raw, source in known)
    if refusal:
        return AdoptedFile(source, refusal=refusal)
    facts = derive(document, None)
    if not _value(facts, "date"):
        facts = derive(document, days.of(file))
    if not _value(facts, "date"):
        why = next(fact.source for fact in facts if fact.key == "date")
        return AdoptedFile(source, facts=facts, refusal=f"no date: {why}; add 'Date: YYYY-MM-DD'")
    in_place = file.parent == folder and is_record_name(file.name)
    target = file if in_place else _free(folder, facts, taken)
    text = _front(facts, source) + _body(document)
    return AdoptedFile(
        source=source,
        target=target.relative_to(library.root),
        facts=facts,
        content=text.encode("utf-8", "surrogateescape"),
        before=raw if in_place else None,
        actions=len(document.actions),
        unboxed=len(document.unboxed),
    )


def _name_of(file: Path, root: Path) -> str:
    return file.relative_to(root).as_posix() if file.is_relative_to(root) else file.name


def _refusal(document: Document, raw: bytes, is_known: bool) -> str:
    if document.is_adopted or is_known:
        return ADOPTED_BEFORE
    if _NO_POSTMORTEM.fullmatch(document.path.stem):
        return NO_POSTMORTEM
    if is_meant_as_record(document.path.name, document.front):
        return "a record of the form already"
    if not raw.strip():
        return "empty"
    fault = next((fault for fault in document.read_faults if fault.name != "unclosed-fence"), None)
    if b"\0" in raw:
        return "no text"
    return fault.message if fault else ""


def _value(facts: Iterable[DerivedFact], key: str) -> str:
    return next(fact.value for fact in facts if fact.key == key)


def _free(folder: Path, facts: Iterable[DerivedFact], taken: set[Path]) -> Path:
    """A name for the record that nothing has."""
    facts = tuple(facts)
    stem = f"{_value(facts, 'date')}-{slug(_value(facts, 'title'))}"
    for number in range(1, len(taken) + 2):
        path = folder / (f"{stem}.md" if number == 1 else f"{stem}-{number}.md")
        if path not in taken and not path.exists():
            return path
    raise KbError("no name is free", where=str(folder / stem))


def _front(facts: Iterable[DerivedFact], source: str) -> str:
    """The front matter, each value with a comment that says where it came from."""
    lines, clocks = ["---"], []
    for fact in facts:
        if fact.key.startswith("clocks."):
            value = fact.value or "unknown"
            clocks.append(f"  {fact.key.removeprefix('clocks.')}: {value}  # {fact.source}")
        elif fact.value:
            value = (
                json.dumps(fact.value, ensure_ascii=False) if fact.key == "title" else fact.value
            )
            lines.append(f"{fact.key}: {value}  # {fact.source}")
        else:
            lines.append(f"# {fact.key} is unknown: {fact.source}")
    lines += ["origin: own", "form: adopted", "clocks:", *clocks]
    return "\n".join(
        [*lines, f"aliases: [{json.dumps(source, ensure_ascii=False)}]", "---", "", ""]
    )


def _body(document: Document) -> str:
    """The original text; its own front matter in a fence, for two would not be read."""
    text = document.text.removeprefix("\ufeff")
    end = _end_of_front(document.front, text)
    if not end:
        return text
    return f"```text\n{text[:end].rstrip()}\n```\n\n{text[end:]}"


def _end_of_front(front: FrontMatter, text: str) -> int:
    if front.present:
        return sum(len(line) for line in text.splitlines(keepends=True)[: front.end_line])
    found = _TOML_FRONT.match(text)
    return found.end() if found else 0
