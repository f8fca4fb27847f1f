"""Where a name or value remains in Git: files of any commit, messages, authors, references.

Looked for in the whole object store, so that a deleted or renamed file, another branch, a tag, a
stash, a note and what nothing reaches any more are all seen. Nothing is changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from kb.erasure.forms_of_a_name import PurgeTarget
from kb.repo import Repo
from kb.repo.git_objects import MOST_OBJECT_BYTES, ObjectStore, StoredObject

Report = Callable[[str, int, int], None]
_SPECIAL = {"notes/*": "notes", "tags/*": "a tag alone"}
_MOST_FORMS = 200


@dataclass(frozen=True, slots=True)
class OldFile:
    """A file of history that holds it or is named so: the commits that brought such a content.

    `where` says which references alone reach one of them, and is empty where a branch does.
    """

    path: PurePosixPath
    commits: tuple[str, ...]
    where: str = ""
    is_name: bool = False


@dataclass(frozen=True)
class GitRemains:
    """What Git keeps of it. `forms` are the ways it is written there, as a rewrite needs them.

    `unreached` are contents and commits that no reference and no reflog reaches, `unread` those
    too large to be looked into. `why_unknown` says why nothing is known.
    """

    files: tuple[OldFile, ...] = ()
    messages: tuple[str, ...] = ()
    people: tuple[tuple[str, int], ...] = ()
    references: tuple[str, ...] = ()
    unreached: int = 0
    unread: int = 0
    forms: tuple[str, ...] = ()
    is_shallow: bool = False
    why_unknown: str = ""

    @property
    def is_empty(self) -> bool:
        """Whether nothing of it is left, as far as was seen."""
        found = self.files or self.messages or self.people or self.references
        return not (found or self.unreached or self.why_unknown)


@dataclass
class _Look:
    store: ObjectStore
    sought: PurgeTarget
    holding: set[str] = field(default_factory=set)
    messages: list[str] = field(default_factory=list)
    people: dict[str, int] = field(default_factory=dict)
    forms: dict[str, None] = field(default_factory=dict)
    known: dict[str, bool] = field(default_factory=dict)
    lines: dict[str, bool] = field(default_factory=dict)


def find_remains(repo: Repo, sought: PurgeTarget, report: Report = lambda *_: None) -> GitRemains:
    """What Git keeps of it; `report` is told how far the look has come."""
    store = repo.object_store
    if store is None:
        return GitRemains(why_unknown=repo.why_unknown)
    objects = store.objects()
    look = _Look(store, sought)
    for number, (found, raw) in enumerate(store.contents(objects)):
        report("looking through Git", number, len(objects))
        _look_at(look, found, raw)
    report("looking through Git", len(objects), len(objects))
    files, reached = _files(look)
    reached |= store.reached()
    lost = (look.holding | set(look.messages)) - reached
    return GitRemains(
        files,
        tuple(sha for sha in look.messages if sha in reached),
        tuple(look.people.items()),
        tuple(name for name in store.references() if sought.is_in(_spoken(name))),
        len(lost),
        sum(o.size_bytes > MOST_OBJECT_BYTES for o in objects),
        tuple(sorted(look.forms, key=len, reverse=True)),
        bool(repo.is_shallow),
    )


def _spoken(reference: str) -> str:
    return reference.removeprefix("refs/").partition("/")[2]


def _look_at(look: _Look, found: StoredObject, raw: bytes) -> None:
    text = raw.decode("utf-8", "replace")
    if found.kind == "blob":
        if b"\0" not in raw[:8000] and _holds(look, text):
            look.holding.add(found.sha)
        return
    head, _, message = text.partition("\n\n")
    for line in head.split("\n"):
        key, _, value = line.partition(" ")
        if key in {"author", "committer", "tagger"} and _is_person(look, value):
            person = value.rpartition(">")[0] + ">"
            look.people[person] = look.people.get(person, 0) + (key != "committer")
    if _holds(look, message):
        look.messages.append(found.sha)


def _holds(look: _Look, text: str) -> bool:
    """Whether a text holds it. A line is looked at once, whatever texts it stands in."""
    lines = text.split("\n")
    fresh = {n for n, line in enumerate(lines) if line not in look.lines}
    # With its neighbours, for a name may begin on one line and end on the next.
    near = sorted({m for n in fresh for m in (n - 1, n, n + 1) if 0 <= m < len(lines)})
    passage = "\n".join(lines[n] for n in near)
    look.lines |= dict.fromkeys((lines[n] for n in fresh), False)
    for one in look.sought.find(passage) if fresh else ():
        if one.doubt:
            continue
        first, last = (passage.count("\n", 0, at) for at in (one.start, one.end))
        look.lines |= dict.fromkeys((lines[n] for n in near[first : last + 1]), True)
        if len(look.forms) < _MOST_FORMS:
            look.forms.setdefault(passage[one.start : one.end])
    return any(look.lines[line] for line in lines)


def _is_person(look: _Look, value: str) -> bool:
    person = value.rpartition(">")[0]
    if person not in look.known:
        look.known[person] = look.sought.is_in(person)
    return look.known[person]


def _files(look: _Look) -> tuple[tuple[OldFile, ...], set[str]]:
    """The files, and the contents and commits that any reference or reflog reaches."""
    special = {words: look.store.of_references(kind) for kind, words in _SPECIAL.items()}
    special["a stash"] = look.store.of_stashes()
    commits: dict[tuple[PurePosixPath, bool], dict[str, None]] = {}
    reached: set[str] = set()
    named: dict[PurePosixPath, bool] = {}
    for brought in look.store.brought():
        reached |= {brought.content, brought.commit}
        if brought.path not in named:
            named[brought.path] = look.sought.is_in(str(brought.path))
        if brought.content in look.holding or named[brought.path]:
            key = brought.path, brought.content not in look.holding
            commits.setdefault(key, {}).setdefault(brought.commit)
    files = (
        OldFile(path, tuple(shas), _only_in(shas, special), is_name)
        for (path, is_name), shas in commits.items()
    )
    return tuple(sorted(files, key=lambda f: (f.path, f.is_name))), reached


def _only_in(shas: Iterable[str], special: dict[str, frozenset[str]]) -> str:
    found = (words for words, commits in special.items() if any(sha in commits for sha in shas))
    return ", ".join(found)
