"""A client of `kb lsp`: pygls' own, talking to a real server process over its standard streams."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from lsprotocol import types
from pygls.lsp.client import LanguageClient

#: What a full editor can do; tests of lesser ones take parts away.
CAPABILITIES = types.ClientCapabilities(
    workspace=types.WorkspaceClientCapabilities(
        apply_edit=True,
        workspace_edit=types.WorkspaceEditClientCapabilities(document_changes=True),
        code_lens=types.CodeLensWorkspaceClientCapabilities(refresh_support=True),
        inlay_hint=types.InlayHintWorkspaceClientCapabilities(refresh_support=True),
    ),
    text_document=types.TextDocumentClientCapabilities(
        code_lens=types.CodeLensClientCapabilities(dynamic_registration=False)
    ),
)
#: A server that says nothing for so long is stuck; nothing is measured by it.
PATIENCE_SECONDS = 120


class Editor(LanguageClient):
    """An editor without a screen: what the server sent, and the texts as its edits leave them."""

    def __init__(self) -> None:
        super().__init__("test", "1")
        self.diagnostics: dict[str, types.PublishDiagnosticsParams] = {}
        self.news = asyncio.Event()
        self.messages: list[str] = []
        self.questions: list[str] = []
        self.choices: list[str] = []
        self.edits: list[types.WorkspaceEdit] = []
        self.refreshed = 0
        self.versions: dict[str, int] = {}
        _listen(self)

    def open(self, path: Path, text: str | None = None) -> str:
        """Open a file, perhaps with a text that is not saved; its address."""
        uri = path.as_uri()
        self.versions[uri] = 1
        self.text_document_did_open(
            types.DidOpenTextDocumentParams(
                types.TextDocumentItem(
                    uri, "markdown", 1, path.read_text("utf-8") if text is None else text
                )
            )
        )
        return uri

    def change(self, uri: str, text: str, span: types.Range | None = None) -> int:
        """Replace a range, or everything, without saving; the new version."""
        self.versions[uri] += 1
        change: Any = (
            types.TextDocumentContentChangePartial(span, text)
            if span
            else types.TextDocumentContentChangeWholeDocument(text)
        )
        self.text_document_did_change(
            types.DidChangeTextDocumentParams(
                types.VersionedTextDocumentIdentifier(self.versions[uri], uri), [change]
            )
        )
        return self.versions[uri]

    async def checked(self, uri: str, version: int = 1) -> list[types.Diagnostic]:
        """The diagnostics of exactly this version, or a later one."""
        found = await self.until(lambda: self.diagnostics.get(uri) or None)
        while (found.version or 0) < version:
            await self.wait()
            found = self.diagnostics[uri]
        return list(found.diagnostics)

    async def until(self, look: Any) -> Any:
        """What `look` gives once it gives something, looked for whenever the server says a word."""
        while not (found := look()):
            await self.wait()
        return found

    async def wait(self) -> None:
        """Until the server says a word."""
        self.news.clear()
        await asyncio.wait_for(self.news.wait(), PATIENCE_SECONDS)

    async def lenses(self, uri: str) -> list[types.CodeLens]:
        """The code lenses, once search has answered."""
        await self.until(lambda: self.refreshed)
        document = types.TextDocumentIdentifier(uri)
        return list(await self.text_document_code_lens_async(types.CodeLensParams(document)) or [])


def _listen(editor: Editor) -> None:

    def published(params: types.PublishDiagnosticsParams) -> None:
        editor.diagnostics[params.uri] = params
        editor.news.set()

    def shown(params: types.ShowMessageParams) -> None:
        editor.messages.append(params.message)
        editor.news.set()

    def asked(params: types.ShowMessageRequestParams) -> types.MessageActionItem | None:
        editor.questions.append(params.message)
        wanted = editor.choices.pop(0) if editor.choices else ""
        return next((each for each in params.actions or [] if each.title == wanted), None)

    def edited(params: types.ApplyWorkspaceEditParams) -> types.ApplyWorkspaceEditResult:
        editor.edits.append(params.edit)
        editor.news.set()
        return types.ApplyWorkspaceEditResult(applied=True)

    def refresh(_: Any) -> None:
        editor.refreshed += 1
        editor.news.set()

    def refresh_hints(_: Any) -> None:
        editor.news.set()

    for name, heard in (
        (types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS, published),
        (types.WINDOW_SHOW_MESSAGE, shown),
        (types.WINDOW_SHOW_MESSAGE_REQUEST, asked),
        (types.WORKSPACE_APPLY_EDIT, edited),
        (types.WORKSPACE_CODE_LENS_REFRESH, refresh),
        (types.WORKSPACE_INLAY_HINT_REFRESH, refresh_hints),
    ):
        editor.feature(name)(heard)


@asynccontextmanager
async def editing(
    folder: Path,
    capabilities: types.ClientCapabilities = CAPABILITIES,
    environment: dict[str, str] | None = None,
) -> AsyncIterator[Editor]:
    """An editor with a server of its own, ended as an editor ends one."""
    editor = Editor()
    variables = os.environ | (environment or {})
    await editor.start_io(sys.executable, "-m", "kb", "lsp", cwd=str(folder), env=variables)
    await editor.initialize_async(
        types.InitializeParams(capabilities, process_id=os.getpid(), root_uri=folder.as_uri())
    )
    editor.initialized(types.InitializedParams())
    try:
        yield editor
    finally:
        await editor.shutdown_async(None)
        editor.exit(None)
        ended: Any = editor
        await ended.stop()


def position(text: str, words: str, behind: int = 0) -> types.Position:
    """Where words stand in a text whose characters are all of one unit."""
    before = text[: text.index(words) + behind]
    return types.Position(before.count("\n"), len(before) - (before.rfind("\n") + 1))


def applied(text: str, edits: list[types.TextEdit]) -> str:
    """A text with the edits made, as an editor makes them."""
    lines = [0]
    for line in text.splitlines(keepends=True):
        lines.append(lines[-1] + len(line))

    def offset(place: types.Position) -> int:
        return lines[place.line] + place.character

    for edit in sorted(edits, key=lambda each: -offset(each.range.start)):
        text = text[: offset(edit.range.start)] + edit.new_text + text[offset(edit.range.end) :]
    return text
