"""The server with all it answers: each question of the protocol by the module named for it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date
from typing import Any

from lsprotocol import types
from pygls.exceptions import JsonRpcInvalidParams

from kb.errors import KbError
from kb.lsp.code_actions import FIX_ALL, code_actions, format_edits
from kb.lsp.completion_items import TRIGGERS, completions
from kb.lsp.hover import hover
from kb.lsp.lenses import (
    BUILD,
    CHOOSE,
    INSERT,
    VERDICTS,
    inlay_hints,
    insertion,
    insertions,
    lenses,
    unjudged_matches,
)
from kb.lsp.navigation import definition, references, workspace_symbols
from kb.lsp.open_record import OpenRecord
from kb.lsp.outline import folds, symbols
from kb.lsp.rename import renamable, rename_class
from kb.lsp.semantic_tokens import LEGEND, semantic_tokens
from kb.lsp.server import RecordServer
from kb.lsp.text_positions import RecordWorkspace
from kb.terminal import visible_lines


def make_server(today: Callable[[], date]) -> RecordServer:
    """The server with every feature of `kb.lsp`."""
    server = RecordServer(today)

    @server.feature(types.INITIALIZE)
    def initialize(ls: RecordServer, params: types.InitializeParams) -> None:
        made = ls.workspace
        # The library offers no way to say which class a document has.
        ls.protocol._workspace = RecordWorkspace(
            made.root_uri,
            types.TextDocumentSyncKind.Incremental,
            list(made.folders.values()),
            made.position_encoding,
        )

    _documents(server)
    _questions(server)
    _places(server)
    _changes(server)
    _commands(server)
    return server


def _documents(server: RecordServer) -> None:
    @server.feature(types.TEXT_DOCUMENT_DID_OPEN)
    async def opened(ls: RecordServer, params: types.DidOpenTextDocumentParams) -> None:
        ls.changed(params.text_document.uri)

    @server.feature(types.TEXT_DOCUMENT_DID_CHANGE)
    async def changed(ls: RecordServer, params: types.DidChangeTextDocumentParams) -> None:
        ls.changed(params.text_document.uri)

    @server.feature(types.TEXT_DOCUMENT_DID_SAVE)
    async def saved(ls: RecordServer, params: types.DidSaveTextDocumentParams) -> None:
        await ls.files_changed()

    @server.feature(types.TEXT_DOCUMENT_DID_CLOSE)
    async def closed(ls: RecordServer, params: types.DidCloseTextDocumentParams) -> None:
        ls.closed(params.text_document.uri)

    @server.feature(types.WORKSPACE_DID_CHANGE_WATCHED_FILES)
    async def watched(ls: RecordServer, params: types.DidChangeWatchedFilesParams) -> None:
        await ls.files_changed()


async def _of(ls: RecordServer, params: Any, answer: Callable[[OpenRecord], Any]) -> Any:
    """The answer for the file that was asked about; None for what is no record.

    A `KbError` becomes the protocol's error with our sentence.
    """
    record = await ls.record(params.text_document.uri)
    if record is None:
        return None
    try:
        return answer(record)
    except KbError as error:
        raise JsonRpcInvalidParams(visible_lines(str(error))) from error


def _questions(server: RecordServer) -> None:
    options = types.CompletionOptions(trigger_characters=list(TRIGGERS))

    @server.feature(types.TEXT_DOCUMENT_COMPLETION, options)
    async def complete(ls: RecordServer, params: types.CompletionParams) -> Any:
        return await _of(ls, params, lambda record: completions(record, params.position))

    @server.feature(types.TEXT_DOCUMENT_HOVER)
    async def told(ls: RecordServer, params: types.HoverParams) -> Any:
        problems = ls.problems(params.text_document.uri)
        return await _of(ls, params, lambda record: hover(record, problems, params.position))

    @server.feature(types.TEXT_DOCUMENT_CODE_LENS)
    async def lens(ls: RecordServer, params: types.CodeLensParams) -> Any:
        earlier = ls.earlier(params.text_document.uri)
        return await _of(ls, params, lambda record: lenses(record, earlier))

    @server.feature(types.TEXT_DOCUMENT_INLAY_HINT)
    async def hint(ls: RecordServer, params: types.InlayHintParams) -> Any:
        earlier = ls.earlier(params.text_document.uri)
        known = ls.client_capabilities.text_document
        bare = not (known and known.code_lens)
        return await _of(
            ls,
            params,
            lambda record: inlay_hints(record, earlier, params.range, without_lenses=bare),
        )

    @server.feature(types.TEXT_DOCUMENT_SEMANTIC_TOKENS_FULL, LEGEND)
    async def tokens(ls: RecordServer, params: types.SemanticTokensParams) -> Any:
        return await _of(ls, params, semantic_tokens)


def _places(server: RecordServer) -> None:
    @server.feature(types.TEXT_DOCUMENT_DEFINITION)
    async def defined(ls: RecordServer, params: types.DefinitionParams) -> Any:
        return await _of(ls, params, lambda record: definition(record, params.position))

    @server.feature(types.TEXT_DOCUMENT_REFERENCES)
    async def named(ls: RecordServer, params: types.ReferenceParams) -> Any:
        whole = params.context.include_declaration
        return await _of(
            ls, params, lambda record: references(record, params.position, with_declaration=whole)
        )

    @server.feature(types.TEXT_DOCUMENT_DOCUMENT_SYMBOL)
    async def outlined(ls: RecordServer, params: types.DocumentSymbolParams) -> Any:
        return await _of(ls, params, symbols)

    @server.feature(types.TEXT_DOCUMENT_FOLDING_RANGE)
    async def folded(ls: RecordServer, params: types.FoldingRangeParams) -> Any:
        return await _of(ls, params, folds)

    @server.feature(types.WORKSPACE_SYMBOL)
    async def found(ls: RecordServer, params: types.WorkspaceSymbolParams) -> Any:
        return [s for view in await ls.views() for s in workspace_symbols(view, params.query)]


def _changes(server: RecordServer) -> None:
    kinds: list[types.CodeActionKind | str] = [
        types.CodeActionKind.QuickFix,
        types.CodeActionKind.Refactor,
        FIX_ALL,
    ]

    @server.feature(
        types.TEXT_DOCUMENT_CODE_ACTION,
        types.CodeActionOptions(code_action_kinds=kinds),
    )
    async def actions(ls: RecordServer, params: types.CodeActionParams) -> Any:
        uri = params.text_document.uri
        problems, earlier, span = ls.problems(uri), ls.earlier(uri), params.range
        return await _of(
            ls,
            params,
            lambda record: _wanted(
                [*code_actions(record, problems, span), *insertions(record, earlier, span)],
                params.context.only,
            ),
        )

    @server.feature(types.TEXT_DOCUMENT_FORMATTING)
    async def formats(ls: RecordServer, params: types.DocumentFormattingParams) -> Any:
        return await _of(ls, params, format_edits)

    @server.feature(types.TEXT_DOCUMENT_PREPARE_RENAME)
    async def prepare(ls: RecordServer, params: types.PrepareRenameParams) -> Any:
        return await _of(ls, params, lambda record: renamable(record, params.position))

    @server.feature(types.TEXT_DOCUMENT_RENAME, types.RenameOptions(prepare_provider=True))
    async def renamed(ls: RecordServer, params: types.RenameParams) -> Any:
        return await _of(
            ls, params, lambda record: rename_class(record, params.position, params.new_name)
        )


def _wanted(found: list[types.CodeAction], only: Any) -> list[types.CodeAction]:
    """The actions of the kinds a client asked for; all where it named none."""
    if not only:
        return found
    kinds = tuple(str(kind.value if hasattr(kind, "value") else kind) for kind in only)
    return [action for action in found if _kind(action).startswith(kinds)]


def _kind(action: types.CodeAction) -> str:
    kind: Any = action.kind
    return str(getattr(kind, "value", kind))


def _commands(server: RecordServer) -> None:
    @server.command(BUILD)
    async def build(ls: RecordServer, *given: Any) -> None:
        await ls.build_index(_text(given, 0))

    @server.command(INSERT)
    async def insert(ls: RecordServer, *given: Any) -> None:
        await _insert(ls, _text(given, 0), _text(given, 1), _text(given, 2))

    @server.command(CHOOSE)
    async def choose(ls: RecordServer, *given: Any) -> None:
        uri = _text(given, 0)
        record, earlier = await ls.record(uri), ls.earlier(uri)
        if record is None or earlier is None:
            return
        ids = [match.id for match in unjudged_matches(record, earlier)]
        chosen = ids[0] if len(ids) == 1 else await _choice(ls, "Which earlier incident?", ids[:8])
        if chosen:
            await _insert(ls, uri, chosen, "")


def _text(given: tuple[Any, ...], place: int) -> str:
    return str(given[place]) if len(given) > place and given[place] is not None else ""


async def _insert(ls: RecordServer, uri: str, prior_id: str, verdict: str) -> None:
    """Ask for the verdict unless one was given, and let the client make the edit."""
    record = await ls.record(uri)
    card = record.view.by_id.get(prior_id) if record else None
    if record is None or card is None:
        return
    if verdict not in VERDICTS:
        question = f"{card.id} — {card.title}: the same gap again?"
        verdict = await _choice(ls, question, list(VERDICTS))
    record = await ls.record(uri)  # the text may have changed meanwhile
    if verdict and record is not None:
        edit = _of_version(ls, record, insertion(record, prior_id, verdict))
        await ls.workspace_apply_edit_async(
            types.ApplyWorkspaceEditParams(edit, "insert a verdict")
        )


async def _choice(ls: RecordServer, question: str, words: list[str]) -> str:
    """What the user chose; empty where they chose nothing."""
    asked: Callable[..., Awaitable[Any]] = ls.window_show_message_request_async
    answer = await asked(
        types.ShowMessageRequestParams(
            type=types.MessageType.Info,
            message=visible_lines(question),
            actions=[types.MessageActionItem(word) for word in words],
        )
    )
    return answer.title if answer and answer.title in words else ""


def _of_version(
    ls: RecordServer, record: OpenRecord, edit: types.WorkspaceEdit
) -> types.WorkspaceEdit:
    """The edit as one of exactly this version, which a client refuses to make in another."""
    workspace = ls.client_capabilities.workspace
    can = workspace and workspace.workspace_edit and workspace.workspace_edit.document_changes
    if not can or not edit.changes:
        return edit
    of = types.OptionalVersionedTextDocumentIdentifier(uri=record.uri, version=record.version)
    edits = list(edit.changes[record.uri])
    return types.WorkspaceEdit(document_changes=[types.TextDocumentEdit(of, edits)])
