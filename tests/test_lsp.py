"""The language server as editors meet it: a real process, asked by pygls' own client."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("pygls", reason="the extra editor is not installed")

from lsprotocol import types

from conftest import ROOT
from lsp_client import Editor, applied, editing, position
from search_library import write_record, write_stories

DRAFT = (ROOT / "tests/data/draft.md").read_text(encoding="utf-8")
NAME = "2026-11-18-support-assistant-promised-a-refund.md"
WHOLE = types.Range(types.Position(0, 0), types.Position(9_999, 0))


def talk(folder: Path, conversation: Callable[[Editor], Awaitable[Any]], **given: Any) -> Any:
    """What a conversation with a server for this folder gives."""

    async def run() -> Any:
        async with editing(folder, **given) as editor:
            return await conversation(editor)

    return asyncio.run(run())


@pytest.fixture
def draft(example_library: Path) -> Path:
    path = example_library / "postmortems" / NAME
    path.write_text(DRAFT, encoding="utf-8")
    return path


def by_rule(found: list[types.Diagnostic]) -> dict[str, types.Diagnostic]:
    return {str(each.code).partition(" ")[2]: each for each in found}


def document(uri: str) -> types.TextDocumentIdentifier:
    return types.TextDocumentIdentifier(uri)


def shown(found: types.Hover | None) -> str:
    assert found
    assert isinstance(found.contents, types.MarkupContent)
    return found.contents.value


def labels(found: Any) -> list[str]:
    items = found.items if isinstance(found, types.CompletionList) else found or []
    return [each.label for each in items]


def test_what_is_typed_is_checked_before_it_is_saved(draft: Path) -> None:
    async def type_it(editor: Editor) -> tuple[list[Any], list[Any]]:
        uri = editor.open(draft)
        before = await editor.checked(uri)
        at = position(DRAFT, "kind: incident", len("kind: "))
        end = types.Position(at.line, at.character + len("incident"))
        version = editor.change(uri, "incidnt", types.Range(at, end))
        return before, await editor.checked(uri, version)

    before, after = talk(draft.parent, type_it)
    assert "unknown-word" not in by_rule(before)
    found = by_rule(after)["unknown-word"]
    start = position(DRAFT, "kind: incident", len("kind: "))
    assert (found.range.start, found.range.end.character) == (start, start.character + 7)
    assert found.severity == types.DiagnosticSeverity.Error
    assert draft.read_text() == DRAFT


def test_places_are_counted_in_the_units_of_the_client(draft: Path) -> None:
    """U+1F600 is two units of UTF-16 and one character; a form feed ends no line."""
    text = DRAFT.replace("kind: incident", "kind: \U0001f600\x0c")

    async def look(editor: Editor) -> Any:
        uri = editor.open(draft, text.replace("\x0c", "x"))
        await editor.checked(uri)
        line = position(DRAFT, "kind: ").line
        at = types.Position(line, len("kind: ") + 2)
        span = types.Range(at, types.Position(line, at.character + 1))
        return await editor.checked(uri, editor.change(uri, "yz", span))

    found = by_rule(talk(draft.parent, look))["unknown-word"]
    assert found.range.end.character - found.range.start.character == 4
    assert "\U0001f600yz" in found.message


def test_a_change_behind_a_strange_line_break_lands_where_the_editor_made_it(draft: Path) -> None:
    text = DRAFT.replace("A customer cancelled", "A\u2028customer\x0c cancelled")

    async def look(editor: Editor) -> Any:
        uri = editor.open(draft, text)
        await editor.checked(uri)
        place = text.index("## Counterfactual")
        line = text.count("\n", 0, place)
        at = types.Position(line, len("## Counterfactual"))
        editor.change(uri, "x", types.Range(at, at))
        found = await editor.text_document_document_symbol_async(
            types.DocumentSymbolParams(document(uri))
        )
        return [each.name for each in found or []]

    assert "Counterfactualx" in talk(draft.parent, look)


COMPLETED: list[tuple[str, str, str, str]] = [
    ("a key of the front matter", "origin: own\n", "cau", "causes"),
    ("a closed word", "kind: ", "near", "near-miss"),
    ("a class", "classes: [", "dup", "duplicate-side-effect"),
    ("a clock of the group", "clocks:\n  ", "con", "contained"),
    ("an owner used before", "owners: [", "", "billing-agents"),
    ("an evidence key of the section", "ACTUAL_PATH: answer\n", "EVID", "EVIDENCE"),
    ("an answer of the field", "HELD: ", "n", "not-checked"),
    ("a section that is not there", "HELD: no\n```\n\n", "## Le", "Lessons"),
]


@pytest.mark.parametrize(("what", "behind", "typed", "wanted"), COMPLETED)
def test_words_of_the_form_are_completed(
    draft: Path, what: str, behind: str, typed: str, wanted: str
) -> None:
    lines = DRAFT.replace("causes: []\n", "").replace("kind: incident\n", "kind: \n")
    text = lines.replace(behind, behind + typed + "\n" * behind.endswith("\n"), 1)

    async def complete(editor: Editor) -> Any:
        uri = editor.open(draft, text)
        at = position(text, behind + typed, len(behind + typed))
        return at, await editor.text_document_completion_async(
            types.CompletionParams(document(uri), at)
        )

    at, found = talk(draft.parent, complete)
    (item,) = [each for each in found.items if each.label == wanted]
    start = types.Position(at.line, at.character - len(typed.removeprefix("## ")))
    assert item.text_edit.range == types.Range(start, at)


def test_a_class_is_completed_with_its_definition(draft: Path) -> None:
    async def complete(editor: Editor) -> Any:
        uri = editor.open(draft)
        at = position(DRAFT, "classes: [", len("classes: ["))
        return await editor.text_document_completion_async(
            types.CompletionParams(document(uri), at)
        )

    found = {each.label: each for each in talk(draft.parent, complete).items}
    assert "ran more than once for one intention" in found["duplicate-side-effect"].detail


def test_an_earlier_record_is_completed_by_a_word_of_its_title(draft: Path) -> None:
    text = DRAFT + "\n- [repeat] [twice\n"

    async def complete(editor: Editor) -> Any:
        uri = editor.open(draft, text)
        at = position(text, "[twice", len("[twice"))
        return await editor.text_document_completion_async(
            types.CompletionParams(document(uri), at)
        )

    (item,) = talk(draft.parent, complete).items
    assert item.label == "2026-04-12-billing-agent-charged-twice"
    written = applied(text, [item.text_edit])
    assert f"- [repeat] [{item.label}]({item.label}.md) — " in written


def test_a_class_is_renamed_in_every_record_and_in_the_settings(example_library: Path) -> None:
    (example_library / "kb.toml").write_text(
        '[taxonomy.classes]\nour-class = "What we call it."\n', encoding="utf-8"
    )
    draft = example_library / "postmortems" / NAME
    text = DRAFT.replace("classes: []", "classes: [our-class]")
    draft.write_text(text, encoding="utf-8")
    other = draft.with_name("2026-11-17-another.md")
    other.write_text(text, encoding="utf-8")

    async def ask(editor: Editor) -> Any:
        uri = editor.open(draft)
        at = position(text, "[our-class]", 2)
        found = await editor.text_document_references_async(
            types.ReferenceParams(types.ReferenceContext(False), document(uri), at)
        )
        place = await editor.text_document_definition_async(
            types.DefinitionParams(document(uri), at)
        )
        renamed = await editor.text_document_rename_async(
            types.RenameParams(document(uri), at, "their-class")
        )
        return found, place, renamed

    found, place, renamed = talk(example_library, ask)
    assert {Path(each.uri).name for each in found} == {draft.name, other.name}
    assert (Path(place[0].uri).name, place[0].range.start.line) == ("kb.toml", 1)
    changed = {Path(uri).name: edits for uri, edits in renamed.changes.items()}
    assert set(changed) == {draft.name, other.name, "kb.toml"}
    assert "classes: [their-class]" in applied(text, list(changed[draft.name]))
    assert other.read_text() == text


def test_a_class_that_ships_with_kb_keeps_its_name(draft: Path) -> None:
    text = DRAFT.replace("classes: []", "classes: [policy-bypass]")

    async def ask(editor: Editor) -> str:
        uri = editor.open(draft, text)
        with pytest.raises(Exception, match="ships with kb") as refused:
            await editor.text_document_rename_async(
                types.RenameParams(document(uri), position(text, "policy-bypass", 2), "mine")
            )
        return str(refused.value)

    assert "Traceback" not in talk(draft.parent, ask)


def test_hover_tells_the_rule_the_word_the_record_and_the_minutes(draft: Path) -> None:
    billing = "2026-04-12-billing-agent-charged-twice"
    text = (
        DRAFT.replace("kind: incident", "kind: incidnt")
        .replace("detected: unknown", "detected: 2026-11-18T11:12:00Z")
        .replace(
            "\n## Counterfactual",
            "\n## Detection chain\n\n```evidence\nDETECTION_CHAIN_MINUTES: \n```\n\n"
            f"## Counterfactual\n\n- [ ] [{billing}]({billing}.md)",
        )
    )

    async def ask(editor: Editor) -> list[str]:
        uri = editor.open(draft, text)
        await editor.checked(uri)
        told = []
        for words in ("incidnt", "customer-visible", f"[{billing}", "DETECTION_CHAIN"):
            found = await editor.text_document_hover_async(
                types.HoverParams(document(uri), position(text, words, 2))
            )
            told.append(shown(found))
        return told

    rule, word, record, minutes = talk(draft.parent, ask)
    assert "KB113 unknown-word" in rule
    assert "Customers could see or feel it" in word
    assert "charged a customer twice" in record
    assert "closed: A1" in record
    assert "2.0 h" in minutes or "2 h" in minutes or "120" in minutes


def test_nothing_in_a_record_becomes_an_image_or_a_link_of_a_hover(draft: Path) -> None:
    other = draft.with_name("2026-11-17-hostile.md")
    evil = "x ![seen](https://example.org/pixel) <img src=y> [go](command:evil)"
    other.write_text(DRAFT.replace(DRAFT.splitlines()[1], f"title: '{evil}'"), encoding="utf-8")
    text = f"{DRAFT}\n- [ ] [2026-11-17-hostile](2026-11-17-hostile.md)\n"

    async def ask(editor: Editor) -> str:
        uri = editor.open(draft, text)
        at = position(text, "[2026-11-17-hostile", 3)
        found = await editor.text_document_hover_async(types.HoverParams(document(uri), at))
        return shown(found)

    told = talk(draft.parent, ask)
    assert "\\!\\[seen\\]" in told
    assert "\\<img" in told
    assert "\\[go\\]" in told


def test_a_code_action_writes_the_word_that_the_message_means(draft: Path) -> None:
    text = DRAFT.replace("kind: incident", "kind: incidnt")

    async def ask(editor: Editor) -> Any:
        uri = editor.open(draft, text)
        (problem,) = [e for e in await editor.checked(uri) if "unknown-word" in str(e.code)]
        found = await editor.text_document_code_action_async(
            types.CodeActionParams(document(uri), problem.range, types.CodeActionContext([problem]))
        )
        return uri, found

    uri, found = talk(draft.parent, ask)
    first = found[0]
    assert (first.title, first.is_preferred) == ("Write 'incident'", True)
    assert applied(text, list(first.edit.changes[uri])) == DRAFT


def test_formatting_is_what_fmt_writes(draft: Path) -> None:
    text = DRAFT.replace("2026-11-18T09:12:00Z", "2026-11-18T10:12:00+01:00")
    draft.write_text(text, encoding="utf-8")

    async def ask(editor: Editor) -> Any:
        uri = editor.open(draft)
        return await editor.text_document_formatting_async(
            types.DocumentFormattingParams(document(uri), types.FormattingOptions(4, True))
        )

    edits = talk(draft.parent, ask)
    subprocess.run([sys.executable, "-m", "kb", "fmt", str(draft)], check=True, cwd=draft.parent)
    assert applied(text, list(edits)) == draft.read_text() != text


def test_sections_are_outlined_folded_and_coloured(draft: Path) -> None:
    async def ask(editor: Editor) -> Any:
        uri = editor.open(draft)
        where = document(uri)
        return (
            await editor.text_document_document_symbol_async(types.DocumentSymbolParams(where)),
            await editor.text_document_folding_range_async(types.FoldingRangeParams(where)),
            await editor.text_document_semantic_tokens_full_async(
                types.SemanticTokensParams(where)
            ),
        )

    symbols, folds, tokens = talk(draft.parent, ask)
    assert [each.name for each in symbols][-2:] == ["Customer-visible truth", "Counterfactual"]
    assert "ROOT_CAUSE" in [child.name for each in symbols for child in each.children or []]
    assert (folds[0].start_line, folds[0].end_line) == (
        0,
        DRAFT[4:].count("\n", 0, DRAFT[4:].index("---")) + 1,
    )
    words = decoded(DRAFT, list(tokens.data))
    assert {"SEV3", "customer-visible", "ALLOWED_POLICY", "no"} <= words


def decoded(text: str, data: list[int]) -> set[str]:
    """The words that semantic tokens colour."""
    lines, line, character, found = text.split("\n"), 0, 0, set()
    for ahead, behind, length, _, _ in zip(*[iter(data)] * 5, strict=True):
        line, character = line + ahead, behind if ahead else character + behind
        found.add(lines[line][character : character + length])
    return found


def test_a_file_that_is_no_record_is_left_alone(example_library: Path) -> None:
    readme = example_library / "README.md"
    readme.write_text("# Read me\n\nkind: incidnt\n", encoding="utf-8")

    async def ask(editor: Editor) -> Any:
        uri = editor.open(readme)
        return await editor.text_document_completion_async(
            types.CompletionParams(document(uri), types.Position(2, 6))
        ), dict(editor.diagnostics)

    assert talk(example_library, ask) == (None, {})


def test_settings_that_lead_out_are_not_followed(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / NAME).write_text(DRAFT, encoding="utf-8")
    clone = tmp_path / "clone"
    (clone / "postmortems").mkdir(parents=True)
    (clone / "kb.toml").write_text('[library]\npath = "../outside"\n', encoding="utf-8")
    draft = clone / "postmortems" / NAME
    draft.write_text(DRAFT, encoding="utf-8")

    async def ask(editor: Editor) -> Any:
        uri = editor.open(draft)
        await editor.until(lambda: editor.messages)
        return uri in editor.diagnostics, editor.messages

    checked, messages = talk(clone, ask)
    assert not checked
    assert "outside the library" in messages[0]


@pytest.mark.model
def test_another_model_is_not_loaded_until_its_user_trusts_it(draft: Path) -> None:
    settings = draft.parents[1] / "kb.toml"
    settings.write_text('[search]\nmodel = "somebody/elses-model"\n', encoding="utf-8")

    async def ask(editor: Editor) -> Any:
        uri = editor.open(draft, DRAFT.replace("kind: incident", "kind: incidnt"))
        found = await editor.checked(uri)
        await editor.until(lambda: editor.messages)
        lenses = await editor.text_document_code_lens_async(types.CodeLensParams(document(uri)))
        return by_rule(found), editor.messages, lenses

    found, messages, lenses = talk(draft.parent, ask)
    assert "unknown-word" in found
    assert "kb trust search.model" in messages[0]
    assert not lenses


def test_an_editing_session_writes_nothing_into_the_clone(draft: Path) -> None:
    def files() -> dict[str, bytes]:
        root = draft.parents[1]
        return {str(p): p.read_bytes() for p in root.rglob("*") if p.is_file()}

    before = files()

    async def work(editor: Editor) -> None:
        uri = editor.open(draft)
        await editor.checked(uri, editor.change(uri, DRAFT + "\nmore\n"))
        await asyncio.sleep(0)
        await editor.text_document_code_lens_async(types.CodeLensParams(document(uri)))

    talk(draft.parent, work)
    assert files() == before


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("five megabytes of lines", DRAFT + "x: y\n" * 1_000_000),
        ("one line of five megabytes", DRAFT + "a" * 5_000_000),
        ("deep lists", DRAFT.replace("classes: []", "classes: " + "[" * 5_000)),
        ("open marks", DRAFT + "[" * 200_000 + "`" * 50_000),
        ("no text at all", ""),
        ("halves of surrogates", DRAFT + "\ud800"),
    ],
    ids=lambda value: value if len(str(value)) < 40 else "",
)
def test_hostile_and_huge_records_are_answered_and_so_is_the_next(
    draft: Path, name: str, text: str
) -> None:
    async def work(editor: Editor) -> Any:
        uri = editor.open(draft, text)
        await editor.text_document_document_symbol_async(types.DocumentSymbolParams(document(uri)))
        at = types.Position(0, 0)
        version = editor.change(uri, "-", types.Range(at, at))
        await editor.checked(uri, version)
        version = editor.change(uri, DRAFT.replace("kind: incident", "kind: incidnt"))
        return by_rule(await editor.checked(uri, version))

    assert "unknown-word" in talk(draft.parent, work)


def frame(message: dict[str, object]) -> bytes:
    body = json.dumps({"jsonrpc": "2.0", **message}).encode()
    return b"Content-Length: %d\r\n\r\n" % len(body) + body


@pytest.mark.parametrize(
    "header",
    [
        b"Content-Length: " + b"9" * 5000 + b"\r\n\r\n",
        b"x" * 100_000 + b"\r\n\r\n",
        b"Content-Length: 30000000\r\nOther: x\r\n\r\n" + b"[" * 30_000_000,
        frame({"id": 7, "method": "textDocument/hover", "params": []}),
        frame({"id": 7, "method": "textDocument/completion", "params": {"position": -1}}),
    ],
    ids=["5,000 digits", "a long header", "30 MB", "odd params", "odd position"],
)
def test_a_message_that_is_none_ends_no_session_and_shows_no_traceback(
    tmp_path: Path, header: bytes
) -> None:
    sent = header + frame({"id": 1, "method": "shutdown"}) + frame({"method": "exit"})
    done = subprocess.run(
        [sys.executable, "-m", "kb", "lsp"],
        cwd=tmp_path,
        input=sent,
        capture_output=True,
        check=False,
    )
    assert b'"id": 1' in done.stdout
    said = done.stderr.decode()
    assert not re.search("unexpected|Traceback|memory", said), said


def test_a_length_that_no_memory_holds_is_skipped_and_said(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "kb", "lsp"],
        cwd=tmp_path,
        input=b"Content-Length: 99999999999\r\n\r\n{}",
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0
    assert b"a message of more than 24 MiB was skipped" in done.stderr


@pytest.fixture
def stories(library_folder: Path) -> Path:
    write_stories(library_folder)
    return library_folder


AGAIN = {"status": "draft", "summary": "a retried refund call paid customers twice"}


def insert(editor: Editor, lens: types.CodeLens) -> Awaitable[Any]:
    assert lens.command
    return editor.workspace_execute_command_async(
        types.ExecuteCommandParams(lens.command.command, arguments=lens.command.arguments)
    )


@pytest.mark.model
def test_an_earlier_incident_is_shown_and_inserted_with_the_verdict_of_a_person(
    stories: Path,
) -> None:
    subprocess.run([sys.executable, "-m", "kb", "build"], cwd=stories, check=True)
    draft = write_record(stories, "2025-07-20-draft", "Again", **AGAIN)
    text = draft.read_text()

    async def work(editor: Editor) -> Any:
        uri = editor.open(draft)
        title, first, *_ = await editor.lenses(uri)
        editor.choices.append("repeat")
        await insert(editor, first)
        return uri, title, first, editor.questions, editor.edits

    uri, title, first, questions, edits = talk(stories, work)
    assert title.command.title.split(",")[0].endswith("earlier incidents")
    assert first.range.start.line == position(text, "## Counterfactual").line
    assert list(first.command.arguments) == [uri, "2025-01-10-refund-twice"]
    assert "the same gap again?" in questions[0]
    (change,) = edits[0].document_changes
    assert change.text_document.version == 1
    written = applied(text, list(change.edits))
    counterfactual = written.partition("## Counterfactual")[2].partition("## Action")[0]
    assert "- [repeat] [2025-01-10-refund-twice](2025-01-10-refund-twice.md) — <" in counterfactual


@pytest.mark.model
def test_words_that_are_not_saved_change_which_incidents_are_shown(stories: Path) -> None:
    subprocess.run([sys.executable, "-m", "kb", "build"], cwd=stories, check=True)
    draft = write_record(stories, "2025-07-20-draft", "Nothing yet", **AGAIN | {"summary": "?"})
    new = draft.read_text().replace("Nothing yet", "The refund call was retried and paid twice")
    new = new.replace("\n?\n", "\nThe refund tool timed out and the agent called it again.\n")

    async def work(editor: Editor) -> Any:
        uri = editor.open(draft)
        before = await editor.lenses(uri)
        seen = editor.refreshed
        editor.change(uri, new)
        await editor.until(lambda: editor.refreshed > seen)
        return before, await editor.lenses(uri)

    before, after = talk(stories, work)
    assert before[0].command.title != after[0].command.title
    assert any("2025-01-10-refund-twice" in each.command.title for each in after)


@pytest.mark.model
def test_without_an_index_a_lens_offers_one_and_none_is_made_unasked(stories: Path) -> None:
    draft = write_record(stories, "2025-07-20-draft", "Again", **AGAIN)

    async def work(editor: Editor) -> Any:
        uri = editor.open(draft)
        (lens,) = await editor.lenses(uri)
        unasked = (stories / ".kb/index").exists()
        seen = editor.refreshed
        await insert(editor, lens)
        await editor.until(lambda: editor.refreshed > seen)
        return lens.command.title, unasked, await editor.lenses(uri)

    title, unasked, after = talk(stories, work)
    assert "build it" in title
    assert not unasked
    assert len(after) > 1


def test_without_search_there_are_checks_and_no_lens(draft: Path, tmp_path: Path) -> None:
    """As on a machine that has the extra `editor` alone: nothing of search can be imported."""
    block = tmp_path / "block"
    block.mkdir()
    (block / "sitecustomize.py").write_text(
        "import sys\n"
        "for name in ('numpy', 'faiss', 'onnx', 'onnxruntime', 'tokenizers'):\n"
        "    sys.modules[name] = None\n"
    )

    async def work(editor: Editor) -> Any:
        uri = editor.open(draft, DRAFT.replace("kind: incident", "kind: incidnt"))
        found = await editor.checked(uri)
        lenses = await editor.text_document_code_lens_async(types.CodeLensParams(document(uri)))
        return by_rule(found), lenses

    found, lenses = talk(draft.parent, work, environment={"PYTHONPATH": str(block)})
    assert "unknown-word" in found
    assert not lenses
