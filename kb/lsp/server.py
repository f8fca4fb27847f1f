"""The language server: which questions a client may ask, and when diagnostics are sent.

The loop never computes: files are read in one thread, rules run in a second, search in a third.
What is asked about a version that is no longer open is dropped.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from lsprotocol import types
from pygls.lsp.server import LanguageServer
from pygls.uris import to_fs_path

from kb.errors import KbError
from kb.lint.rule import Problem
from kb.lsp.diagnostics import diagnostics, problems_of
from kb.lsp.open_record import OpenRecord
from kb.lsp.text_positions import RecordText
from kb.lsp.workspace import OpenFile, OpenRecords
from kb.streams import warn
from kb.terminal import visible_lines
from kb.version import __version__

if TYPE_CHECKING:
    from kb.lsp.earlier_incidents import EarlierIncidents, WarmIndex

_Answer = TypeVar("_Answer")

#: Seconds without a keystroke before the rules run, and then before search is asked.
CHECK_AFTER = 0.02
SEARCH_AFTER = 0.25
#: Diagnostics sent for one file: nobody reads more, and a client draws each.
_MOST_DIAGNOSTICS = 500


class RecordServer(LanguageServer):
    """What is open, and what is known of it. `today` gives the day rules compare with."""

    def __init__(self, today: Callable[[], date]) -> None:
        super().__init__("postmortem-kb", __version__)
        self._open_records = OpenRecords(today)
        self._reader = ThreadPoolExecutor(1, "kb-read")
        self._checker = ThreadPoolExecutor(1, "kb-check")
        self._searcher = ThreadPoolExecutor(1, "kb-search")
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._problems: dict[str, tuple[Problem, ...]] = {}
        self._earlier: dict[str, EarlierIncidents] = {}
        self._warm: dict[Path, WarmIndex | None] = {}
        self._said: set[str] = set()

    def report_server_error(self, error: Exception, source: Any) -> None:
        """Log a fault of the protocol or of ours, escaped; the client is not asked to show it."""
        warn(f"kb lsp: {type(error).__name__}: {str(error)[:500]}")

    def shutdown(self) -> None:
        """Stop the threads, without waiting for what nobody wants any more."""
        for pool in (self._reader, self._checker, self._searcher):
            pool.shutdown(wait=False, cancel_futures=True)
        super().shutdown()  # type: ignore[no-untyped-call]

    async def record(self, uri: str) -> OpenRecord | None:
        """The open file as a record as it stands; None for what is none, and after an error."""
        files = self._files()
        file = files.pop(uri, None)
        if file is None:
            return None
        try:
            return await self._in(
                self._reader, self._open_records.record, file, tuple(files.values())
            )
        except KbError as error:
            self.say_once(error)
            return None

    def problems(self, uri: str) -> tuple[Problem, ...]:
        """What the rules found last in a file."""
        return self._problems.get(uri, ())

    def earlier(self, uri: str) -> EarlierIncidents | None:
        """What search found last for a file; None where it has not answered."""
        return self._earlier.get(uri)

    def changed(self, uri: str) -> None:
        """Check a file once no further change has come for a moment; earlier checks are dropped."""
        if (task := self._tasks.pop(uri, None)) is not None:
            task.cancel()
        self._tasks[uri] = asyncio.ensure_future(self._refresh(uri))

    def closed(self, uri: str) -> None:
        """Forget a file, and take its diagnostics back."""
        if (task := self._tasks.pop(uri, None)) is not None:
            task.cancel()
        self._problems.pop(uri, None)
        self._earlier.pop(uri, None)
        self._reader.submit(self._open_records.close, uri)
        self._publish(uri, None, [])

    async def files_changed(self) -> None:
        """Look at the libraries again, and check what is open against them."""
        await self._in(self._reader, self._open_records.look_again)
        for uri in self._files():
            self.changed(uri)

    async def build_index(self, uri: str) -> None:
        """Make the search index of a file's library, because its user asked for it."""
        record = await self.record(uri)
        warm = self._warm_index(record) if record else None
        if record is None or warm is None:
            return
        try:
            count = await self._in(self._searcher, warm.build)
        except KbError as error:
            self._show(error, types.MessageType.Error)
            return
        self._show(f"{count} records can be searched", types.MessageType.Info)
        await self._search(record)

    async def views(self) -> Sequence[Any]:
        """The libraries that are known."""
        return await self._in(self._reader, self._open_records.views)

    def say_once(self, error: KbError) -> None:
        """Show an error the first time it comes."""
        if str(error) not in self._said:
            self._said.add(str(error))
            self._show(error, types.MessageType.Warning)

    def _show(self, message: object, kind: types.MessageType) -> None:
        self.window_show_message(
            types.ShowMessageParams(kind, f"kb: {visible_lines(str(message))}")
        )

    def _files(self) -> dict[str, OpenFile]:
        """The open files that lie on this disk, by address."""
        found = {}
        for document in self.workspace.text_documents.values():
            path = to_fs_path(document.uri)
            if path is not None and isinstance(document, RecordText):
                version = document.version or 0
                found[document.uri] = OpenFile(document.uri, Path(path), version, document.places)
        return found

    async def _in(
        self, pool: ThreadPoolExecutor, work: Callable[..., _Answer], *arguments: Any
    ) -> _Answer:
        return await asyncio.get_running_loop().run_in_executor(pool, work, *arguments)

    async def _refresh(self, uri: str) -> None:
        """Diagnostics of a file as it stands, then its earlier incidents."""
        try:
            await asyncio.sleep(CHECK_AFTER)
            record = await self.record(uri)
            if record is None:
                return
            await self._check(record)
            await asyncio.sleep(SEARCH_AFTER)
            await self._search(record)
        except asyncio.CancelledError:
            raise
        except Exception as error:  # noqa: BLE001 - a fault of one check ends no session
            self.report_server_error(error, type(error))

    async def _check(self, record: OpenRecord) -> None:
        earlier = self._earlier.get(record.uri)
        likely = earlier.likely if earlier and earlier.answer else None

        def work() -> tuple[tuple[Problem, ...], list[types.Diagnostic]]:
            found = problems_of(record, likely)
            return found, diagnostics(record, found[:_MOST_DIAGNOSTICS])

        problems, shown = await self._in(self._checker, work)
        if self._is_current(record):
            self._problems[record.uri] = problems
            self._publish(record.uri, record.version, shown)

    async def _search(self, record: OpenRecord) -> None:
        warm = self._warm_index(record)
        if warm is None:
            return
        before = self._earlier.get(record.uri)
        try:
            found = await self._in(self._searcher, warm.ask, record)
        except KbError as error:
            self._warm[record.view.library.root] = None
            self.say_once(error)
            return
        if record.uri not in self._files():
            return
        self._earlier[record.uri] = found
        if found.likely != (before.likely if before else ()) and self._is_current(record):
            await self._check(record)
        self._refresh_shown()

    def _warm_index(self, record: OpenRecord) -> WarmIndex | None:
        """The index of a record's library; None where search is not installed."""
        library = record.view.library
        if library.root not in self._warm:
            try:
                from kb.search.is_installed import prepare_search

                prepare_search()
                from kb.lsp.earlier_incidents import WarmIndex

                self._warm[library.root] = WarmIndex(library)
            except (KbError, ImportError) as error:
                warn(f"kb lsp: checks only: {error}")
                self._warm[library.root] = None
        return self._warm[library.root]

    def _is_current(self, record: OpenRecord) -> bool:
        file = self._files().get(record.uri)
        return file is not None and file.version == record.version

    def _publish(self, uri: str, version: int | None, found: list[types.Diagnostic]) -> None:
        self.text_document_publish_diagnostics(
            types.PublishDiagnosticsParams(uri=uri, version=version, diagnostics=found)
        )

    def _refresh_shown(self) -> None:
        """Ask the client to ask again for lenses and hints, where it can be asked."""
        wanted = self.client_capabilities.workspace
        if wanted and wanted.code_lens and wanted.code_lens.refresh_support:
            self.workspace_code_lens_refresh(None)
        if wanted and wanted.inlay_hint and wanted.inlay_hint.refresh_support:
            self.workspace_inlay_hint_refresh(None)
