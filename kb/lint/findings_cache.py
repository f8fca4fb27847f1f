"""Findings that are kept in the user's cache until what they were made of changes.

What a rule asked of its context is written down while it runs: a record, who claims an id, the
records of a class, whether a day has come. A finding holds again where the text of the file, the
settings, the program and each of these answers are the same; what reads other files is never kept.
Nothing is believed that lies in the repository, and a file that is not whole counts as none.
"""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import date
from pathlib import Path, PurePath
from typing import TypeVar

import msgspec
from msgspec import Struct

from kb.config import Config
from kb.lint.rule import LintContext, Problem
from kb.records.casebook import casebook_place
from kb.records.document import Document
from kb.records.postmortem import Outline
from kb.safe_files import Root, UnsafePathError, real_path
from kb.user_folders import cache_folder
from kb.version import __version__

_FORMAT = 1
_FOLDER = "check"
#: 3,000 records take 4 MB.
_MAX_BYTES = 200_000_000
_MOST_LIBRARIES = 50
_DIGEST_BYTES = 32
#: What a rule looks into beyond the text and what can be stamped.
_UNSTABLE = "files"
_ALL = "*"
#: Folders of kb that findings depend on, and what of them is code or data.
_OF_RULES = ("lint", "parallel", "records", "repo", "sensitive", "data/sensitive")
_CODE = (".py", ".json", ".txt", ".tsv", ".md")

_Key = TypeVar("_Key", bound=Hashable)
_Value = TypeVar("_Value")


class KeptProblem(Struct, frozen=True, array_like=True, gc=False):
    """A problem without its file."""

    line: int
    column: int
    rule: str
    name: str
    severity: str
    message: str
    fixable: bool
    length: int


class Need(Struct, frozen=True, array_like=True, gc=False):
    """Something a rule asked of its context, and a stamp of the answer."""

    kind: str
    key: str
    stamp: str = ""


class Asked(Struct, frozen=True, array_like=True, gc=False):
    """A rule that asked for more than the text, and what it found."""

    rule: str
    needs: tuple[Need, ...]
    problems: tuple[KeptProblem, ...]


class KeptFile(Struct, frozen=True, gc=False):
    """What is kept of a file: of which bytes, what others ask of it, and what rules found in it.

    `of_text` is None where it was not checked yet; `asked` are the rules that asked for more.
    """

    digest: str
    outline: Outline | None
    names: tuple[str, ...]
    of_text: tuple[KeptProblem, ...] | None = None
    asked: tuple[Asked, ...] = ()


class _Kept(Struct, frozen=True):
    made_by: str
    files: dict[str, KeptFile]


class _Watched(Mapping[_Key, _Value]):
    """A mapping that notes which of its keys are asked for."""

    def __init__(self, inner: Mapping[_Key, _Value], kind: str, needs: set[tuple[str, str]]):
        self._inner, self._kind, self._needs = inner, kind, needs

    def __getitem__(self, key: _Key) -> _Value:
        self._needs.add((self._kind, "\n".join(key) if isinstance(key, tuple) else str(key)))
        return self._inner[key]

    def __iter__(self) -> Iterator[_Key]:
        self._needs.add((self._kind, _ALL))
        return iter(self._inner)

    def __len__(self) -> int:
        self._needs.add((self._kind, _ALL))
        return len(self._inner)


class WatchedContext(LintContext):
    """A context that notes what a rule asks of it beyond the text and the settings.

    `beside` are the names in the folder of records, in lower case; `asked` is what was asked since
    the needs were taken last.
    """

    asked: set[tuple[str, str]]

    def __init__(self, context: LintContext, beside: frozenset[str]) -> None:
        asked: set[tuple[str, str]] = set()
        self.__dict__.update(
            form=context.form,
            settings=context.settings,
            records=_Watched(context.records, "record", asked),
            paths_of=_Watched(context.paths_of, "claim", asked),
            records_of_class=_Watched(context.records_of_class, "class", asked),
            likely_priors=None,
            asked=asked,
            _context=context,
            _beside=beside,
            _stamps={},
        )

    @property
    def today(self) -> date:
        """The day, which is another tomorrow."""
        self._note("day", "")
        return self._inner.today

    @property
    def root(self) -> PurePath:
        """The library's root, by way of which any file can be read."""
        self._note(_UNSTABLE, "")
        return self._inner.root

    def is_future(self, day: date) -> bool:
        """Whether a day has not come yet: once it has, that stays so."""
        self._note("future", day.isoformat())
        return self._inner.is_future(day)

    def folder_beside(self, document: Document) -> Path | None:
        """Where the files of a record lie; what is in them is not kept."""
        self._note("beside", document.id.casefold())
        return self._inner.folder_beside(document)

    def taken_needs(self) -> tuple[Need, ...]:
        """What was asked since the last time, with the answers of now."""
        asked = self.asked
        whole = {kind for kind, key in asked if key == _ALL}
        needs = sorted(one for one in asked if one[1] == _ALL or one[0] not in whole)
        asked.clear()
        return tuple(Need(kind, key, self.stamp(kind, key)) for kind, key in needs)

    def holds(self, needs: Iterable[Need]) -> bool:
        """Whether what was asked would be answered as it was then."""
        return all(need.stamp and need.stamp == self.stamp(need.kind, need.key) for need in needs)

    def stamp(self, kind: str, key: str) -> str:
        """What tells one answer from another; empty where it may change unseen."""
        if kind == "beside":
            return "" if key in self.__dict__["_beside"] else "nothing"
        stamps: dict[tuple[str, str], str] = self.__dict__["_stamps"]
        found = stamps.get((kind, key))
        if found is None:
            found = stamps[kind, key] = self._stamp(kind, key)
        return found

    def _stamp(self, kind: str, key: str) -> str:
        answer = _ANSWERS.get((kind, key == _ALL))
        try:
            return answer(self._inner, key) if answer else ""
        except UnicodeEncodeError:  # a path that is no UTF-8
            return ""

    @property
    def _inner(self) -> LintContext:
        context: LintContext = self.__dict__["_context"]
        return context

    def _note(self, kind: str, key: str) -> None:
        self.asked.add((kind, key))


def _stamp_of_class(context: LintContext, key: str) -> str:
    primary, _, origin = key.partition("\n")
    return _stamp_of(context.records_of_class.get((primary, origin), ()))


#: How a question is answered again, by its kind and whether it asked for everything.
_ANSWERS: dict[tuple[str, bool], Callable[[LintContext, str], str]] = {
    ("record", True): lambda context, _: _stamp_of(tuple(context.records.values())),
    ("record", False): lambda context, key: _stamp_of(context.records.get(key)),
    ("claim", False): lambda context, key: _stamp_of(
        [str(path) for path in context.paths_of.get(key, ())]
    ),
    ("class", False): _stamp_of_class,
    ("future", False): lambda context, key: str(context.is_future(date.fromisoformat(key))),
    ("day", False): lambda context, _: context.today.isoformat(),
}


def _stamp_of(answer: object) -> str:
    return hashlib.blake2b(msgspec.json.encode(answer), digest_size=16).hexdigest()


def digest_of(raw: bytes) -> str:
    """What a file is known by."""
    return hashlib.blake2b(raw, digest_size=_DIGEST_BYTES).hexdigest()


def kept_problem(problem: Problem) -> KeptProblem:
    """A problem as it is kept."""
    return KeptProblem(
        problem.line,
        problem.column,
        problem.rule,
        problem.name,
        problem.severity,
        problem.message,
        problem.fixable,
        problem.length,
    )


def problem_in(path: PurePath, kept: KeptProblem) -> Problem:
    """A kept problem, in its file."""
    return Problem(
        path,
        kept.line,
        kept.column,
        kept.rule,
        kept.name,
        kept.severity,
        kept.message,
        kept.fixable,
        kept.length,
    )


class CacheOfFindings:
    """The findings that are kept of one library, in a file of the user's cache."""

    def __init__(self, root: Path, config: Config) -> None:
        self._name = hashlib.blake2b(os.fsencode(real_path(root)), digest_size=16).hexdigest()
        self._made_by = _made_by(config)
        self._folder = _folder_for(root)

    def read(self) -> dict[str, KeptFile]:
        """What is kept, by path from the root; nothing where it is not whole or of other settings.

        A version, a setting or a package that is another makes it all worthless.
        """
        if self._folder is None:
            return {}
        try:
            raw = Root(self._folder).read_bytes(self._name, _MAX_BYTES)
            digest, _, payload = raw.partition(b"\n")
            if digest.decode() != digest_of(payload):
                return {}
            kept = msgspec.json.decode(payload, type=_Kept)
        except (OSError, UnsafePathError, msgspec.DecodeError, ValueError, RecursionError):
            return {}
        return kept.files if kept.made_by == self._made_by else {}

    def write(self, files: Mapping[str, KeptFile]) -> None:
        """Put these in place of what is kept; where that cannot be written nothing is kept."""
        if self._folder is None:
            return
        # What no UTF-8 can say is found anew each time.
        rows = {path: row for path, row in files.items() if _is_text(path, row)}
        payload = msgspec.json.encode(_Kept(self._made_by, rows))
        with suppress(OSError, UnsafePathError):
            root = Root(self._folder)
            root.make_folder(".")
            root.sweep()
            root.write_bytes(self._name, digest_of(payload).encode() + b"\n" + payload, 0o600)
            _remove_oldest(root)

    def forget(self) -> None:
        """Remove what is kept."""
        if self._folder is not None:
            with suppress(OSError, UnsafePathError):
                Root(self._folder).remove_file(self._name)


def _is_text(path: str, row: KeptFile) -> bool:
    try:
        msgspec.json.encode((path, row))
    except UnicodeEncodeError:
        return False
    return True


def _remove_oldest(root: Root) -> None:
    names = root.names()
    if len(names) > _MOST_LIBRARIES:
        by_age = sorted(names, key=lambda name: root.path_of(name).lstat().st_mtime_ns)
        for name in by_age[: len(names) - _MOST_LIBRARIES]:
            root.remove_file(name)


def _folder_for(root: Path) -> Path | None:
    """The folder of the cache; None where there is no home, or it lies in the repository.

    What lies there comes with a branch, and would say of its records whatever it likes.
    """
    try:
        folder = real_path(Path(cache_folder(), _FOLDER))
        whole = real_path(root)
    except (OSError, RuntimeError):
        return None
    homes = [whole, *(parent for parent in whole.parents if (parent / ".git").exists())]
    return None if any(folder.is_relative_to(home) for home in homes) else folder


def _made_by(config: Config) -> str:
    """What makes findings besides text: settings, program, interpreter, packages, casebook."""
    folders = folders_of_rules()
    if casebook := casebook_place():
        folders.append(casebook)
    packages = Path(msgspec.__file__).parents[1].stat().st_mtime_ns
    times = [_times_of(folder) for folder in folders]
    return _stamp_of([_FORMAT, __version__, sys.version, packages, config, times])


def folders_of_rules() -> list[Path]:
    """The folders of kb that hold code or data that a finding depends on."""
    code = Path(__file__).parents[1]
    return [
        code,
        code / "data",
        *(Path(folder) for of in _OF_RULES for folder, _, _ in os.walk(code / of)),
    ]


def _times_of(folder: Path) -> list[tuple[str, int, int]]:
    """The code and data in a folder: when each file was changed, and how large it is."""
    with os.scandir(folder) as entries:
        files = [(entry.name, entry.stat()) for entry in entries if entry.name.endswith(_CODE)]
    return sorted((name, found.st_mtime_ns, found.st_size) for name, found in files)
