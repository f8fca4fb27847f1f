"""From a file of somebody's postmortems to adopted records: planned as values, then written.

The text stays whole below the new front matter. A file that is named like a record and lies among
them gets its front matter where it is; of any other a record is made, and the file is left alone.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from pathlib import Path, PurePath, PurePosixPath

from kb.adopt.action_count import ActionCount, count_actions
from kb.adopt.day_witnesses import ENTERED, DayWitness
from kb.adopt.derived_fact import DerivedFact
from kb.adopt.impossible_times import without_impossible_times
from kb.adopt.incident_day import NO_DAY
from kb.adopt.input_files import FoundFile
from kb.adopt.moved_links import with_moved_links
from kb.adopt.several_incidents import SEVERAL
from kb.adopt.sources.registry import sources
from kb.adopt.sources.source import ForeignText, UnreadableError
from kb.adopt.stated_facts import derive
from kb.errors import KbError
from kb.library import Library, records_folder
from kb.records.blank_record import slug
from kb.records.document import Document, read_document
from kb.records.front_matter import FrontMatter
from kb.records.misplaced_records import is_meant_as_record
from kb.records.record_files import is_record_name
from kb.repo import NoRepo, Repo
from kb.safe_files import Root, replace_known
from kb.terminal import plain

_BOM = b"\xef\xbb\xbf"
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
#: Blank lines before front matter, which would hide it.
_LEADING = re.compile(rb"\A(?:[ \t]*\r?\n)+(?=---[ \t]*\r?\n[\w-]+:)")
_NO_POSTMORTEM = re.compile(r"(?:readme|index|contributing|changelog|license|.*template.*)", re.I)
#: Reasons that are no fault of a file.
ADOPTED_BEFORE = "adopted before"
NO_POSTMORTEM = "a template or an index, by its name"
UNFILLED = "a template: its title is one that nobody has filled in"
_AS_PROPOSED = "taken as proposed"
_NOT_READ = ActionCount(None, "not read")
_TOML_FRONT = re.compile(r"\+\+\+\n.*?\n\+\+\+\n", re.DOTALL)


@dataclass(frozen=True)
class AdoptedFile:
    """One postmortem and what becomes of it.

    `refusal` says why nothing does. `before` are the bytes that are replaced, None where a record
    is made. `actions` says how many of them the text lists, `left` what was not carried over;
    `same_text_as` is the source before it that has the same text, empty for none.
    """

    source: str
    target: PurePath = field(default_factory=PurePath)
    facts: tuple[DerivedFact, ...] = ()
    content: bytes = b""
    before: bytes | None = None
    actions: ActionCount = _NOT_READ
    left: tuple[str, ...] = ()
    refusal: str = ""
    same_text_as: str = ""

    @property
    def proposed_day(self) -> str:
        """The likeliest day of a file that is refused for want of a certain one, else empty."""
        days = (fact for fact in self.facts if fact.key == "date" and not fact.value)
        return next((fact.proposal for fact in days), "") if self.refusal else ""


@dataclass(frozen=True)
class _Planning:
    """What the plan for one file has to know of the others.

    `taken` are the paths that records have, `known` the sources that were adopted before;
    `severities` are words of the team's own scale with what they are in that of the form; what lies
    after `now` is still to come. `texts` are the sources of this run by the digest of their text;
    `takes_proposals` has the likeliest day stand in where none is certain.
    """

    library: Library
    folder: Path
    days: _FirstCommits
    taken: set[Path]
    known: frozenset[str]
    severities: Mapping[str, str]
    now: datetime
    takes_proposals: bool = False
    texts: dict[bytes, str] = field(default_factory=dict)
    numbers: dict[str, int] = field(default_factory=dict)


def plan(
    library: Library,
    repo: Repo,
    files: Iterable[FoundFile],
    severities: Mapping[str, str] | None = None,
    now: datetime | None = None,
    *,
    takes_proposals: bool = False,
) -> tuple[AdoptedFile, ...]:
    """What becomes of each postmortem, in the order of the files; nothing is written.

    With `takes_proposals` the likeliest day stands in where none is certain.
    """
    planning = _Planning(
        library=library,
        folder=records_folder(library.root, library.config),
        days=_FirstCommits(repo),
        taken={library.root / document.path for document in library.documents},
        known=frozenset(
            alias
            for document in library.documents
            if document.is_adopted
            for alias in document.front.texts("aliases")
        ),
        severities=severities or {},
        now=now or datetime.now(UTC),
        takes_proposals=takes_proposals,
    )
    return tuple(one for file in files for one in _plan_file(planning, file))


def _plan_file(planning: _Planning, found: FoundFile) -> Iterator[AdoptedFile]:
    """What becomes of each postmortem of a file."""
    file = found.file
    if found.fault:
        yield AdoptedFile(file.name, refusal=found.fault)
        return
    source = next((row for row in sources() if row.is_theirs(file)), None)
    if source is None:
        yield AdoptedFile(file.name, refusal=_unknown_kind(file.suffix))
        return
    try:
        texts = source.read(file)
    except UnreadableError as error:
        yield AdoptedFile(file.name, refusal=f"{source.name}: {error}")
        return
    for text in texts:
        one = _with_twin(planning, _plan_one(planning, found, text), text)
        planning.taken.add(planning.library.root / one.target)
        yield one


def _with_twin(planning: _Planning, one: AdoptedFile, text: ForeignText) -> AdoptedFile:
    """The file with the source before it that has the same text; what is refused is no such."""
    if one.refusal not in {"", ADOPTED_BEFORE}:
        return one
    digest = hashlib.sha256(text.text.strip()).digest()
    twin = planning.texts.get(digest, "")
    planning.texts.setdefault(digest, one.source)
    return replace(one, same_text_as=twin)


def _unknown_kind(suffix: str) -> str:
    if suffix == ".json":
        names = ", ".join(row.name for row in sources() if "JSON" in row.shape)
        return f"JSON of none of these: {names}"
    return f"no kind of file that is read ({', '.join(row.name for row in sources())})"


def write(library: Library, files: Iterable[AdoptedFile]) -> None:
    """Write the records, each whole or not at all. Raises `KbError` where one cannot be written.

    What a killed run left among the records is swept.
    """
    root = Root(library.root)
    root.sweep(root.relative(library.folder))
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


def _plan_one(planning: _Planning, found: FoundFile, text: ForeignText) -> AdoptedFile:
    library = planning.library
    name = found.file.name
    source = f"{name}#{_line(text.part).removeprefix('#')}" if text.part else name
    document = read_document(
        _LEADING.sub(b"", text.text.removeprefix(_BOM)),
        PurePath(_file_name(text.stem)),
        library.form,
    )
    # What a file with ten postmortems is called says nothing of one of them.
    by_name = PurePosixPath(name).name if not text.part else ""
    refusal = _refusal(document, text.text, by_name, is_known=source in planning.known)
    if refusal:
        return AdoptedFile(source, refusal=refusal)
    facts = _facts(planning, document, found, text)
    if refusal := _no_record(facts):
        return AdoptedFile(source, facts=facts, refusal=refusal)
    path = found.path
    in_place = bool(path and path.parent == planning.folder and is_record_name(path.name))
    day = _value(facts, "date")
    if path and in_place and not path.name.startswith(day):
        return AdoptedFile(source, facts=facts, refusal=f"it is of {day}: rename it first")
    target = path if path and in_place else _free(planning, facts)
    text_there = _moved_text(document, path, target.parent, library.root)
    content = _front(facts, source) + _body(document.front, text_there)
    return AdoptedFile(
        source=source,
        target=target.relative_to(library.root),
        facts=facts,
        content=content.encode("utf-8", "surrogateescape"),
        before=found.file.raw if in_place else None,
        actions=count_actions(document),
        left=text.left,
    )


def _moved_text(document: Document, path: Path | None, folder: Path, root: Path) -> str:
    """The text of a document, its relative links as they are from another folder."""
    text = document.text.removeprefix("\ufeff")
    if path is None or not path.is_relative_to(root):
        return text
    code = {line.number for line in document.lines if line.fence is not None}
    return with_moved_links(text, path, folder, root, code)


def _file_name(stem: str) -> str:
    """What a file with this text would be called: a fact may stand in a name."""
    return f"{stem.replace('/', '-').strip() or 'unnamed'}.md"


def _no_record(facts: Iterable[DerivedFact]) -> str:
    """Why no record can be made of what is known, empty where one can."""
    by_key = {fact.key: fact for fact in facts}
    title, day = by_key["title"], by_key["date"]
    if not title.value:
        return f"no title: {title.source} is empty"
    if title.source.endswith("a form's") and not (day.value or day.proposal):
        return UNFILLED
    if not day.value:
        return f"no date: {day.source}{_date_to_add(day)}"
    return ""


def _date_to_add(day: DerivedFact) -> str:
    if day.proposal:
        return ""
    is_log = day.source.startswith(SEVERAL)
    line = "'Incident date: YYYY-MM-DD'"
    return f"; give each a file, or put {line} at the top" if is_log else f"; add {line}"


def _facts(
    planning: _Planning, document: Document, found: FoundFile, text: ForeignText
) -> tuple[DerivedFact, ...]:
    """What stands outside the text, then by it, then by when it was entered or committed."""
    outside = {
        fact.key: replace(fact, value=_line(fact.value), source=_line(fact.source))
        for fact in text.facts
    }
    entered = DayWitness(ENTERED, text.entered, text.entered_by) if text.entered else None
    facts = [outside.get(fact.key, fact) for fact in derive(document, entered)]
    completed = (_completed(planning, fact, found, text) for fact in facts)
    return without_impossible_times(completed, planning.now)


def _line(text: str) -> str:
    """A text of a file as one line of UTF-8: it ends up in front matter, where a line is a key."""
    return " ".join(text.encode("utf-8", "replace").decode().split())


def _completed(
    planning: _Planning, fact: DerivedFact, found: FoundFile, text: ForeignText
) -> DerivedFact:
    if fact.key == "date" and fact.proposal and planning.takes_proposals:
        return replace(
            fact, value=fact.proposal, source=f"{fact.source}; {_AS_PROPOSED}", stands_in=True
        )
    if fact.key == "date" and fact.source == NO_DAY:
        if text.entered:
            day, source = text.entered, text.entered_by
            return DerivedFact("date", day.isoformat(), source, stands_in=True)
        first = planning.days.of(found.path) if found.path else None
        source = "the file's first commit, no other"
        return DerivedFact("date", first.isoformat(), source, stands_in=True) if first else fact
    if fact.key == "severity" and not fact.value and fact.word in planning.severities:
        source = f"{fact.source}, as --severity has it"
        return replace(fact, value=planning.severities[fact.word], source=source)
    return fact


def _refusal(document: Document, raw: bytes, name: str, *, is_known: bool) -> str:
    if document.is_adopted or is_known:
        return ADOPTED_BEFORE
    if _NO_POSTMORTEM.fullmatch(PurePosixPath(name).stem):
        return NO_POSTMORTEM
    if is_meant_as_record(document.path.name, document.front):
        return "a record of the form already"
    if not raw.strip():
        return "empty"
    fault = next((fault for fault in document.read_faults if fault.name != "unclosed-fence"), None)
    if b"\0" in raw:
        return "UTF-16: save it as UTF-8" if raw.startswith(_UTF_16) else "no text"
    return fault.message if fault else ""


def _value(facts: Iterable[DerivedFact], key: str) -> str:
    return next(fact.value for fact in facts if fact.key == key)


def _free(planning: _Planning, facts: Iterable[DerivedFact]) -> Path:
    """A name for the record that nothing has."""
    facts, folder = tuple(facts), planning.folder
    day = _value(facts, "date")
    # A title may end in its day: `Queue stood still (2021-03-03)`.
    title = _value(facts, "title").removesuffix(")").removesuffix(day).rstrip(" (,-–—")
    stem = f"{day}-{slug(title or _value(facts, 'title'))}"
    # Of thousands with one title each begins where the one before it ended.
    number = planning.numbers.get(stem, 1)
    while True:
        path = folder / (f"{stem}.md" if number == 1 else f"{stem}-{number}.md")
        number += 1
        if path not in planning.taken and not path.exists():
            planning.numbers[stem] = number
            return path


def _front(facts: Iterable[DerivedFact], source: str) -> str:
    """The front matter, each value with a comment that says where it came from."""
    lines, clocks = ["---"], []
    for fact in facts:
        told_by = plain(fact.source)
        if fact.key.startswith("clocks."):
            value = fact.value or "unknown"
            clocks.append(f"  {fact.key.removeprefix('clocks.')}: {value}  # {told_by}")
        elif fact.value:
            value = _quoted(fact.value) if fact.key == "title" else fact.value
            lines.append(f"{fact.key}: {value}  # {told_by}")
        elif fact.key != "owners":
            lines.append(f"# {fact.key} is unknown: {told_by}")
    lines += ["origin: own", "form: adopted", "clocks:", *clocks]
    return "\n".join([*lines, f"aliases: [{_quoted(source)}]", "---", "", ""])


#: What YAML takes for no character, or for the end of a line.
_NOT_OF_YAML = re.compile(r"[\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")


def _quoted(text: str) -> str:
    """A text as YAML and JSON both read it, what they do not take spelled out."""
    written = json.dumps(text, ensure_ascii=False)
    return _NOT_OF_YAML.sub(lambda found: f"\\u{ord(found[0]):04x}", written)


def _body(front: FrontMatter, text: str) -> str:
    """The original text; its own front matter in a fence, for two would not be read."""
    end = _end_of_front(front, text)
    if not end:
        return text
    return f"```text\n{text[:end].rstrip()}\n```\n\n{text[end:]}"


def _end_of_front(front: FrontMatter, text: str) -> int:
    if front.present:
        return sum(len(line) for line in text.splitlines(keepends=True)[: front.end_line])
    found = _TOML_FRONT.match(text)
    return found.end() if found else 0
