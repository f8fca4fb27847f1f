"""Brings a library to the store: one transaction a revision, and only what changed.

Two pushes at once wait for each other. What a killed push had begun is not there.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from pathlib import PurePath
from typing import Any

import msgspec

from kb.config import FILE_NAME, Config, LibraryConfig, parse_config
from kb.errors import KbError
from kb.humanize import plural
from kb.library import Library
from kb.repo import Repo, open_repo
from kb.repo.git_types import Commit
from kb.search.encoder.encoder import Progress
from kb.search.encoder.vector_store import vector_store
from kb.search.index.build_index import embed_rows
from kb.search.index.index import Index, open_index
from kb.search.ranking.learn import class_text
from kb.store.connection import Store
from kb.store.corpus_statistics import changed
from kb.store.corpus_statistics_rows import (
    contributions,
    read_statistics,
    with_meanings,
    write_statistics,
)
from kb.store.fit_curves import calibrated, is_due
from kb.store.migrations import LOCK, check_layout
from kb.store.shared_records import PushCandidate, SharedLibrary
from kb.store.write_rows import contribution, put, remove
from kb.version import __version__

#: Records written by one round of statements: what is held in memory at once.
_ROUND = 200


@dataclass(frozen=True)
class PushReport:
    """What a push did. `is_older`: the store holds a later revision, and nothing was pushed."""

    library: str
    address: str
    share: str
    revision: str
    written: int = 0
    removed: int = 0
    unchanged: int = 0
    passages: int = 0
    statements: int = 0
    is_older: bool = False
    stored_revision: str = ""


def push(
    library: Library, store: Store, *, progress: Progress | None = None, force: bool = False
) -> PushReport:
    """Make the store hold what a library shares as it stands in its last commit.

    Raises `KbError` where something is not committed, the library has no name of its own, or the
    store is of another layout or encoder.
    """
    _refuse_unnamed(library)
    repo = open_repo(library.root)
    head = _committed(library, repo)
    check_layout(store)
    index = open_index(library, progress)
    store.understand_vectors()
    before = store.statements
    with store.transaction():
        store.rows("SELECT pg_advisory_xact_lock(%s)", (LOCK,))
        work = _Push(library, store, index, repo, head, _claim(store, library, repo), progress)
        report = work.run(force=force)
    return replace(report, statements=store.statements - before)


def _refuse_unnamed(library: Library) -> None:
    """Raises `KbError` for the name of every library that was given none: it tells none apart."""
    name = library.config.library.name
    if name.strip() in {"", LibraryConfig().name}:
        raise KbError(
            f"a library of the store needs a name of its own, and this one is called {name!r}",
            where=str(library.root / "kb.toml"),
            todo='Set name in [library], such as "Payments": other teams read whose a record is.',
        )


def _committed(library: Library, repo: Repo) -> Commit:
    """The commit that is pushed: records and what is shared of them are as they are there."""
    head = repo.head
    if head is None:
        raise KbError(
            f"a push needs a commit: {repo.why_unknown or 'there is none yet'}",
            where=str(library.root),
            todo="Commit the records, then push.",
        )
    _refuse_other_settings(library, repo, head)
    dirty = repo.dirty_paths(repo.relative(library.folder) or "") or ()
    if dirty and (changed := _read_by_a_push(dirty)):
        raise KbError(
            f"{plural(len(changed), 'file')} differ from the last commit, {changed[0]} first",
            where=str(library.root),
            todo="Commit or stash them: what is pushed is what everybody can read in Git.",
        )
    return head


def _refuse_other_settings(library: Library, repo: Repo, head: Commit) -> None:
    """Raises `KbError` where the commit would share something else, or under another name.

    What says where the store is, and how this machine searches, is no part of what is shared.
    """
    path = library.root / FILE_NAME
    raw = repo.read(repo.relative(path) or "", head)
    committed = parse_config(raw, f"{FILE_NAME} of {head.sha[:12]}") if raw else Config()
    used, there = _sharing(library.config), _sharing(committed)
    if changed := [key for key, value in used.items() if value != there[key]]:
        raise KbError(
            f"{', '.join(changed)} differ from the last commit"
            if len(changed) > 1
            else f"{changed[0]} differs from the last commit",
            where=str(path),
            todo=f"Commit {FILE_NAME}, or take the change back: it says what is shared.",
        )


def _sharing(config: Config) -> dict[str, object]:
    """The settings by which is decided what of a library is shared, by their names."""
    library = {
        f"library.{key}": value for key, value in msgspec.structs.asdict(config.library).items()
    }
    del library["library.beside"]
    rest = {"form": config.form, "taxonomy": config.taxonomy, "store.private": config.store.private}
    return library | rest


def _read_by_a_push(paths: Iterable[PurePath]) -> list[PurePath]:
    """Those of records and of runs beside them."""
    from kb.traces.fixture import FIXTURE

    return [path for path in paths if path.suffix == ".md" or path.name == FIXTURE]


def _claim(store: Store, library: Library, repo: Repo) -> _Library:
    """The row of a library, made by its first push.

    Raises `KbError` where it is another team's, or another repository's of the same name.
    """
    name, origin = library.config.library.name, _origin(repo)
    store.rows(
        "INSERT INTO kb.libraries (name, origin, share) SELECT %s, %s, %s "
        "WHERE NOT EXISTS (SELECT FROM kb.libraries WHERE name = %s)",
        (name, origin, library.config.library.share, name),
    )
    number, team, is_mine, known, revision, committed_at = store.rows(
        "SELECT number, team::text, kb.is_of_team(team), origin, revision, committed_at "
        "FROM kb.libraries WHERE name = %s",
        (name,),
    )[0]
    if not is_mine or (known and origin and known != origin):
        whose = f"the team {team}" if not is_mine else f"the repository {known}"
        raise KbError(
            f"the library {name!r} of the store belongs to {whose}",
            where=store.address,
            todo="Set another [library] name in kb.toml"
            + ("." if is_mine else f", or push as a member of the role {team}."),
        )
    store.rows(
        "WITH s AS (INSERT INTO kb.salts (library) VALUES (%s) ON CONFLICT DO NOTHING) "
        "INSERT INTO kb.audiences (number, library, is_open) SELECT a.place + "
        "coalesce((SELECT max(number) FROM kb.audiences), 0), %s, a.is_open "
        "FROM (VALUES (1, true), (2, false)) AS a (place, is_open) "
        "WHERE NOT EXISTS (SELECT FROM kb.audiences WHERE library = %s)",
        (number, number, number),
    )
    rows = store.rows(
        "SELECT is_open, a.number, salt FROM kb.audiences a JOIN kb.salts s USING (library) "
        "WHERE library = %s",
        (number,),
    )
    audiences = {is_open: audience for is_open, audience, _ in rows}
    is_same = bool(known) and known == origin
    return _Library(number, audiences, rows[0][2].bytes, revision, committed_at, is_same)


def _origin(repo: Repo) -> str:
    """Where a repository lives, whatever the protocol: host and path; empty without a remote."""
    url = repo.remote_url() or ""
    without_scheme = url.rpartition("://")[2].rpartition("@")[2]
    return without_scheme.replace(":", "/", 1).removesuffix(".git").strip("/").lower()


@dataclass(frozen=True)
class _Library:
    """The row of a library, and what it holds since the last push.

    `audiences` are numbers by whether all may read. `is_same_origin`: it was pushed from where this
    repository lives, and both are known.
    """

    number: int
    audiences: dict[bool, int]
    salt: bytes
    revision: str
    committed_at: datetime | None
    is_same_origin: bool


@dataclass(frozen=True)
class _Push:
    """One push at work."""

    library: Library
    store: Store
    index: Index
    repo: Repo
    head: Commit
    row: _Library
    progress: Progress | None

    @cached_property
    def shared(self) -> SharedLibrary:
        """What of the library goes there."""
        return SharedLibrary(self.library, self.index, self.row.salt)

    def run(self, *, force: bool) -> PushReport:
        """Write what differs, all in the transaction that is open."""
        if not force and self._is_older(self.row.revision):
            return self._report(is_older=True, stored_revision=self.row.revision)
        known = self.store.rows(
            "SELECT key, content FROM kb.records WHERE library = %s", (self.row.number,)
        )
        stored = {bytes(key): bytes(content) for key, content in known}
        wanted = {candidate.key: candidate for candidate in self.shared.candidates()}
        new = [one for key, one in wanted.items() if stored.get(key) != one.content]
        gone = [key for key in stored if key not in wanted]
        passages = self._write(new, gone) if new or gone else 0
        self._note(len(new), len(gone))
        counts = {"written": len(new), "removed": len(gone), "unchanged": len(wanted) - len(new)}
        return self._report(**counts, passages=passages, stored_revision=self.head.sha)

    def _write(self, new: Sequence[PushCandidate], gone: Sequence[bytes]) -> int:
        """Write what is new and take away what is gone; how many passages were written."""
        known = read_statistics(self.store, self.index.encoder.card)
        left = contributions(self.store, self.row.number, [*(one.key for one in new), *gone])
        come, passages = [], 0
        for start in range(0, len(new), _ROUND):
            records = [(self.shared.read(one), one.content) for one in new[start : start + _ROUND]]
            put(self.store, self.row.number, self.row.audiences, records)
            texts = [(one.text, one.is_text_open) for one, _ in records if one.text]
            come += [contribution(text) for text, is_open in texts if is_open]
            passages += sum(len(text.passages) for text, _ in texts)
            if self.progress:
                self.progress("Pushing records", start + len(records), len(new))
        if gone:
            remove(self.store, self.row.number, gone)
        names = sorted({name for text in come for name in text.classes})
        after, anew = changed(known, left, come, self._described(names))
        after = with_meanings(self.store, after) if anew else after
        if is_due(after):
            after = calibrated(self.store, after, self.index.encoder.card)
        write_statistics(self.store, after)
        return passages

    def _described(self, names: Sequence[str]) -> dict[str, Any]:
        texts = [class_text(name, self.library.form) for name in names]
        encoder = self.index.encoder
        vectors = embed_rows(texts, encoder, vector_store(self.library, encoder))
        return dict(zip(names, zip(texts, vectors, strict=True), strict=True))

    def _note(self, written: int, removed: int) -> None:
        self.store.rows(
            "WITH now_there AS (UPDATE kb.libraries SET share = %s, revision = %s, "
            "committed_at = %s, origin = coalesce(nullif(origin, ''), %s) "
            "WHERE number = %s RETURNING number) "
            "INSERT INTO kb.revisions (library, revision, committed_at, client, written, removed) "
            "SELECT number, %s, %s, %s, %s, %s FROM now_there",
            (
                *(self.shared.share, self.head.sha, self.head.at),
                *(_origin(self.repo), self.row.number),
                *(self.head.sha, self.head.at, __version__, written, removed),
            ),
        )

    def _is_older(self, revision: str) -> bool:
        """Whether what the store holds is a later commit than this one.

        Raises `KbError` where this clone does not have that commit, unless this one was made later
        in the same repository: a shallow clone of a CI job knows no other.
        """
        if not revision or revision == self.head.sha:
            return False
        try:
            return self.repo.contains(revision, self.head)
        except KbError as fault:
            made = self.row.committed_at
            if self.row.is_same_origin and made and made < self.head.at:
                return False
            raise self._unknown(revision) from fault

    def _unknown(self, revision: str) -> KbError:
        name = self.library.config.library.name
        return KbError(
            f"of {name!r} the store holds the commit {revision[:12]}, which this clone does not "
            f"have, and which may be later than {self.head.sha[:12]}",
            where=self.store.address,
            todo="Fetch it and push again, or set another [library] name if it is another "
            "repository's; where you rewrote the history: kb push --force.",
        )

    def _report(self, **facts: Any) -> PushReport:
        return PushReport(
            library=self.library.config.library.name,
            address=self.store.address,
            share=self.shared.share,
            revision=self.head.sha,
            **facts,
        )
