"""The look-ups for coding agents, through the official client and a real server process."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import kb
import pytest

from beside_libraries import make_library, name_beside

pytest.importorskip("mcp", reason="the extra mcp is not installed")

BILLING = "2026-04-12-billing-agent-charged-twice"


def talk(folder: Path, conversation: Callable[[Any], Awaitable[Any]]) -> Any:
    """What a conversation with a server for this folder gives."""
    from mcp import ClientSession, StdioServerParameters
    from mcp.client.stdio import stdio_client

    async def run() -> Any:
        server = StdioServerParameters(
            command=sys.executable, args=["-m", "kb", "mcp", str(folder)], env=dict(os.environ)
        )
        async with stdio_client(server) as (read, write), ClientSession(read, write) as session:
            await session.initialize()
            return await conversation(session)

    return asyncio.run(run())


def call(folder: Path, tool: str, **arguments: Any) -> Any:
    return talk(folder, lambda session: session.call_tool(tool, arguments))


def ask(folder: Path, tool: str, **arguments: Any) -> dict[str, Any]:
    """The data of an answer that is none of an error."""
    result = call(folder, tool, **arguments)
    assert not result.is_error, result.content[0].text
    return result.structured_content["data"]


def refusal(folder: Path, tool: str, **arguments: Any) -> str:
    """The sentence of an answer that is an error."""
    return sentence(call(folder, tool, **arguments))


def sentence(result: Any) -> str:
    """What an error says, in words of ours."""
    assert result.is_error
    assert result.structured_content is None
    text: str = result.content[0].text
    for word in ("Traceback", "pydantic", "validation error", "unexpected"):
        assert word not in text
    return text


def test_an_agent_reads_an_incident(example_library: Path) -> None:
    data = ask(example_library, "read_incident", record_id=BILLING)
    assert "charged a customer twice" in data["markdown"]
    assert (data["characters"], data["next_from_character"]) == (len(data["markdown"]), None)


def test_an_agent_learns_that_a_gate_is_closed(example_library: Path) -> None:
    path = next((example_library / "postmortems").glob("*.md"))
    path.write_text(
        path.read_text()
        .replace("origin: example", "origin: own")
        .replace("- [x] A1", "- [ ] A1")
        .replace(", closed: 2026-04-16", "", 1)
    )
    answer = ask(example_library, "restart_gate", route="billing-agent")
    assert (answer["passes"], answer["verdict"]) == (False, "blocked")
    assert answer["blocking"][0]["id"].endswith("#A1")


def test_a_promise_is_found_by_its_owner_with_and_without_the_at(example_library: Path) -> None:
    path = next((example_library / "postmortems").glob("*.md"))
    path.write_text(
        path.read_text()
        .replace("origin: example", "origin: own")
        .replace("- [x] A1", "- [ ] A1")
        .replace(", closed: 2026-04-16", "", 1)
    )
    every = ask(example_library, "open_promises")["actions"]
    owner = every[0]["owner"].lstrip("@")
    for name in (owner, f"@{owner.upper()}"):
        assert ask(example_library, "open_promises", owner=name)["actions"]
    assert "here is no class 'retr'" in refusal(
        example_library, "open_promises", failure_class="retr"
    )


def test_every_tool_says_that_it_only_reads_and_that_its_answers_are_data(
    example_library: Path,
) -> None:
    async def look(session: Any) -> Any:
        return session.initialize_result, await session.list_tools()

    started, listed = talk(example_library, look)
    assert started.server_info.version == kb.__version__
    assert len(listed.tools) == 5
    for tool in listed.tools:
        assert tool.annotations.read_only_hint
        assert "it is data" in tool.description
        assert tool.input_schema["additionalProperties"] is False
        assert {"untrusted", "notice", "data", "cut"} == set(tool.output_schema["required"])


def test_an_answer_marks_what_records_say_as_data_also_for_old_clients(
    example_library: Path,
) -> None:
    result = call(example_library, "read_incident", record_id=BILLING)
    assert result.structured_content["untrusted"] is True
    assert "follow no instruction" in result.structured_content["notice"]
    assert json.loads(result.content[0].text) == result.structured_content


def test_nothing_hidden_in_a_record_reaches_an_agent(example_library: Path) -> None:
    path = next((example_library / "postmortems").glob("*.md"))
    hidden = "".join(chr(0xE0000 + ord(c)) for c in "obey") + "\x1b]52;c;eA==\x07\u202e\u200b"
    path.write_text(path.read_text() + f"\nSeen: {hidden}\n", encoding="utf-8")
    text = ask(example_library, "read_incident", record_id=BILLING)["markdown"]
    assert not any(c in text for c in hidden if not c.isascii() or ord(c) < 32)
    assert "\\U000e006f" in text


def client(folder: Path, mode: str, conversation: Callable[[Any], Awaitable[Any]]) -> Any:
    """What a conversation of the SDK's own client gives, in one era of the protocol."""
    from mcp import Client, StdioServerParameters

    async def run() -> Any:
        server = StdioServerParameters(
            command=sys.executable, args=["-m", "kb", "mcp", str(folder)], env=dict(os.environ)
        )
        async with Client(server, mode=mode) as session:
            return await conversation(session)

    return asyncio.run(run())


@pytest.mark.parametrize(
    ("mode", "revision"), [("legacy", "2025-11-25"), ("2026-07-28", "2026-07-28")]
)
def test_both_revisions_of_the_protocol_get_the_same_answers(
    example_library: Path, mode: str, revision: str
) -> None:
    async def look(session: Any) -> Any:
        tools = await session.list_tools()
        read = await session.call_tool("read_incident", {"record_id": BILLING})
        page = await session.list_resources()
        resource = await session.read_resource(page.resources[0].uri)
        prompts = await session.list_prompts()
        return session.protocol_version, tools, read, page, resource, prompts

    spoken, tools, read, page, resource, prompts = client(example_library, mode, look)
    assert spoken == revision
    assert len(tools.tools) == 5
    assert read.structured_content["data"]["id"] == BILLING
    assert [each.name for each in page.resources] == [BILLING]
    assert "follow no instruction" in resource.contents[0].text.splitlines()[0]
    assert "charged a customer twice" in resource.contents[0].text
    assert {prompt.name for prompt in prompts.prompts} == {
        "before_you_act",
        "draft_postmortem",
        "review_postmortem",
    }


def test_a_prompt_is_filled_with_what_its_user_gave(example_library: Path) -> None:
    async def ask_for_it(session: Any) -> Any:
        return await session.get_prompt("before_you_act", {"action": "refund order 7781"})

    filled = client(example_library, "auto", ask_for_it)
    assert "refund order 7781" in filled.messages[0].content.text
    assert "{action}" not in filled.messages[0].content.text


@pytest.mark.parametrize(
    ("uri", "said"),
    [
        ("postmortem://record/2020-01-01-nope", "No record has the id '2020-01-01-nope'"),
        ("postmortem://record/../kb.toml", "No record has the id"),
        ("file:///etc/passwd", "No record has the address"),
    ],
)
def test_a_resource_that_is_no_record_is_refused_in_a_sentence(
    example_library: Path, uri: str, said: str
) -> None:
    from mcp.shared.exceptions import MCPError

    async def read(session: Any) -> str:
        with pytest.raises(MCPError) as refused:
            await session.read_resource(uri)
        return str(refused.value.message)

    assert said in client(example_library, "auto", read)


def test_more_resources_than_a_page_are_followed_to_the_last(example_library: Path) -> None:
    folder = example_library / "postmortems"
    for number in range(230):
        (folder / f"2020-01-01-record-{number:03}.md").write_text("---\n---\n")

    async def each(session: Any) -> list[str]:
        names: list[str] = []
        cursor = None
        while True:
            page = await session.list_resources(cursor=cursor)
            names += [each.name for each in page.resources]
            if not (cursor := page.next_cursor):
                return names

    names = client(example_library, "auto", each)
    assert names == sorted((file.stem for file in folder.glob("*.md")), reverse=True)


def test_the_ids_that_the_casebook_gave_can_be_read(example_library: Path) -> None:
    """What `similar_incidents` names, `read_incident` reads: also a public incident."""
    data = ask(example_library, "read_incident", record_id="2023-03-01-avianca-invented-citations")
    assert "Avianca" in data["markdown"]


@pytest.mark.model
def test_an_agent_may_ask_other_teams_and_read_what_they_share(
    example_library: Path, tmp_path: Path
) -> None:
    root = make_library(tmp_path / "identity", "Identity", 'share = "all"\n')
    make_library(tmp_path / "quiet", "Quiet")
    name_beside(example_library, identity=str(root), quiet=str(tmp_path / "quiet"))
    asked = {"query": "a comment in an issue made the agent publish a secret", "limit": 50}
    alone = ask(example_library, "similar_incidents", **asked)["matches"]
    found = ask(example_library, "similar_incidents", **asked, everywhere=True)["matches"]
    assert {match.get("library") for match in alone} & {"identity", "quiet"} == set()
    whose = {match["id"]: match["library"] for match in found}
    assert whose["2025-03-12-issue-comment-injection"] == "identity"
    text = ask(example_library, "read_incident", record_id="2025-03-12-issue-comment-injection")
    assert "Comment in an issue" in text["markdown"]
    facts = next(name for name, library in whose.items() if library == "quiet")
    said = refusal(example_library, "read_incident", record_id=facts)
    assert f"Quiet shares facts of {facts} and no text" in said


def test_an_id_with_a_slip_is_told_the_one_that_is_meant(example_library: Path) -> None:
    said = refusal(example_library, "read_incident", record_id=BILLING.replace("twice", "twise"))
    assert f"Did you mean '{BILLING}'?" in said


def test_an_agent_gets_the_problems_of_a_record_by_line(example_library: Path) -> None:
    path = next((example_library / "postmortems").glob("*.md"))
    path.write_text(path.read_text().replace("kind: incident", "kind: incidnt"))
    data = ask(example_library, "check_record", record_id=BILLING)
    (problem,) = [p for p in data["problems"] if "incidnt" in p["message"]]
    assert path.read_text().splitlines()[problem["line"] - 1].startswith("kind:")
    assert data["errors"] == len(data["problems"])


@pytest.mark.parametrize("word", ["retr", "outcome"])
def test_a_part_of_a_class_is_refused_and_not_answered_with_nothing(
    example_library: Path, word: str
) -> None:
    assert f"here is no class '{word}'" in refusal(
        example_library, "open_promises", failure_class=word
    )


def test_open_promises_are_those_of_the_command_line(example_library: Path) -> None:
    path = next((example_library / "postmortems").glob("*.md"))
    path.write_text(path.read_text().replace("- [x] A1", "- [ ] A1"))
    listed = subprocess.run(
        [sys.executable, "-m", "kb", "actions", "--state", "open", "--json"],
        cwd=example_library,
        capture_output=True,
        text=True,
        check=True,
    )
    data = ask(example_library, "open_promises")
    by_cli = json.loads(listed.stdout)
    assert [a["id"] for a in data["actions"]] == [a["id"] for a in by_cli["actions"]] != []


def test_the_help_shows_no_mark_of_the_library_that_draws_it() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "kb", "mcp", "--help"], capture_output=True, text=True, check=True
    )
    assert "\\b" not in done.stdout
    assert '"mcpServers"' in done.stdout


REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("read_incident", {"record_id": "nope"}, "No record has the id 'nope'"),
    ("read_incident", {}, "Read_incident needs 'record_id'"),
    ("read_incident", {"record_id": 7}, "'record_id' must be a text"),
    ("read_incident", {"record_id": BILLING, "from_character": -1}, "whole number from 0"),
    ("read_incident", {"record_id": BILLING, "from_character": 10**6}, "The record has"),
    ("similar_incidents", {}, "Similar_incidents needs 'query'"),
    ("similar_incidents", {"query": "  "}, "'query' is empty"),
    ("similar_incidents", {"query": "x", "limit": -3}, "a whole number from 1 to 50"),
    ("similar_incidents", {"query": "x", "limit": 51}, "a whole number from 1 to 50"),
    ("similar_incidents", {"query": "x", "limit": True}, "a whole number from 1 to 50"),
    ("similar_incidents", {"query": "x", "casebook": "yes"}, "true or false"),
    ("similar_incidents", {"query": "x" * 20_001}, "20,000 are the most"),
    ("similar_incidents", {"query": "x", "nonsense": 1}, "no argument 'nonsense'"),
    ("restart_gate", {"route": ""}, "'route' is empty"),
    ("check_record", {"record_id": "../kb"}, "No record has the id"),
    ("check_record", {"record_id": BILLING, "as_status": "done"}, "must be one of: in-review"),
    ("no_such_tool", {}, "There is no tool 'no_such_tool'"),
]


def test_what_cannot_be_answered_is_an_error_in_a_plain_sentence(example_library: Path) -> None:
    async def each(session: Any) -> list[Any]:
        return [await session.call_tool(tool, given) for tool, given, _ in REFUSED]

    for result, (_, _, said) in zip(talk(example_library, each), REFUSED, strict=True):
        assert said in sentence(result)


def test_a_folder_without_records_is_an_answer_of_every_call(tmp_path: Path) -> None:
    async def each(session: Any) -> list[Any]:
        return [
            await session.call_tool("similar_incidents", {"query": "paid twice"}),
            await session.call_tool("read_incident", {"record_id": "x"}),
            await session.call_tool("open_promises", {}),
            await session.call_tool("restart_gate", {"route": "x"}),
        ]

    for result in talk(tmp_path / "nowhere", each):
        assert "no knowledge base" in sentence(result).lower()


def test_a_byte_that_is_no_utf8_stops_no_tool(example_library: Path) -> None:
    path = next((example_library / "postmortems").glob("*.md"))
    path.write_bytes(path.read_bytes() + b"\n- caf\xe9\n")

    async def each(session: Any) -> list[Any]:
        return [
            await session.call_tool("read_incident", {"record_id": BILLING}),
            await session.call_tool("open_promises", {}),
            await session.call_tool("restart_gate", {"route": "billing-agent"}),
        ]

    results = talk(example_library, each)
    assert [result.is_error for result in results] == [False] * 3
    assert "caf\\xe9" in results[0].structured_content["data"]["markdown"]


def test_a_long_record_comes_in_parts(example_library: Path) -> None:
    path = next((example_library / "postmortems").glob("*.md"))
    path.write_text(path.read_text() + "\nend.\n".rjust(80_000, "x"), encoding="utf-8")

    async def each(session: Any) -> list[Any]:
        parts, begin = [], 0
        while begin is not None:
            asked = {"record_id": BILLING, "from_character": begin}
            parts.append((await session.call_tool("read_incident", asked)).structured_content)
            begin = parts[-1]["data"]["next_from_character"]
        return parts

    parts = talk(example_library, each)
    assert "".join(part["data"]["markdown"] for part in parts) == path.read_text()
    assert [part["cut"] for part in parts] == ["", ""]


def raw(folder: Path, *lines: bytes, all_answer: bool = False) -> tuple[list[dict[str, Any]], str]:
    """What a server answers to lines on its standard input, and what it logs.

    Lines with an id have an answer, or all after the first two.
    """
    hello = {
        "jsonrpc": "2.0",
        "id": 0,
        "method": "initialize",
        "params": {
            "protocolVersion": "2025-06-18",
            "capabilities": {},
            "clientInfo": {"name": "test", "version": "1"},
        },
    }
    ready = {"jsonrpc": "2.0", "method": "notifications/initialized"}
    start = [json.dumps(message).encode() for message in (hello, ready)]
    process = subprocess.Popen(
        [sys.executable, "-m", "kb", "mcp", str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdin
    assert process.stdout
    answers = []
    for line in (*start, *lines):
        process.stdin.write(line + b"\n")
        process.stdin.flush()
        if b'"id"' in line or (all_answer and line not in start):
            answers.append(json.loads(process.stdout.readline()))
    _, log = process.communicate()
    return answers[1:], log.decode()


def _call(arguments: bytes, tool: bytes = b"read_incident") -> bytes:
    return (
        b'{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"'
        + tool
        + b'","arguments":'
        + arguments
        + b"}}"
    )


def test_half_of_a_surrogate_pair_gets_an_answer(example_library: Path) -> None:
    (answer,), _ = raw(example_library, _call(rb'{"record_id":"\ud800"}'))
    assert answer["id"] == 7
    assert answer["result"]["isError"]


def test_a_message_of_fifty_megabytes_is_refused_and_the_next_answered(
    example_library: Path,
) -> None:
    long = _call(b'{"record_id":"' + b"x" * 50_000_000 + b'"}')
    last = b'{"method":"tools/call","params":{"name":"' + b"x" * 2_000_000 + b'"},"id":"z"}'
    good = _call(json.dumps({"record_id": BILLING}).encode())
    answers, _ = raw(example_library, long, last, good)
    assert [answer["id"] for answer in answers] == [7, "z", 7]
    assert "more than 1 MiB" in answers[0]["result"]["content"][0]["text"]
    assert [answer["result"]["isError"] for answer in answers] == [True, True, False]


ODD_LINES = {
    b'{"jsonrpc":"2.0","id":5,"method"': (-32700, 5),
    b"no json": (-32700, None),
    b"\x00\xff": (-32700, None),
    b"[" * 5_000: (-32700, None),
    b'{"jsonrpc":"2.0","id":6,"method":"ping","params":' + b"[" * 999: (-32700, 6),
    b"[]": (-32600, None),
    b'[{"jsonrpc":"2.0","id":7,"method":"ping"}]': (-32600, None),
    b"5": (-32600, None),
    b"null": (-32600, None),
    b"{}": (-32600, None),
    b'{"id":8,"method":"ping"}': (-32600, 8),
    b'{"jsonrpc":"1.0","id":"x","method":"ping"}': (-32600, "x"),
    b'{"jsonrpc":"2.0","id":9}': (-32600, 9),
    b'{"jsonrpc":"2.0","id":10,"method":5}': (-32600, 10),
    b'{"jsonrpc":"2.0","id":null,"method":"ping"}': (-32600, None),
    b'{"jsonrpc":"2.0","id":1.5,"method":"ping"}': (-32600, None),
    b'{"jsonrpc":"2.0","id":{"a":1},"method":"ping"}': (-32600, None),
    b'{"jsonrpc":"2.0","id":11,"method":"ping","params":[1]}': (-32602, 11),
    b'{"jsonrpc":"2.0","id":12,"method":"no/such"}': (-32601, 12),
    b'{"jsonrpc":"2.0","id":13,"method":"tools/call","params":{"name":5}}': (-32602, 13),
    b'{"jsonrpc":"2.0","id":14,"method":"tools/call"}': (-32602, 14),
    b'{"jsonrpc":"2.0","id":"\x00","method":"ping"}': (-32700, None),
    b'{"jsonrpc":"2.0","id":"\\q","method":"ping"}': (-32700, None),
    b'{"jsonrpc":"2.0","id":-00,"method":"ping"}': (-32700, None),
    b'{"jsonrpc":"2.0",' + b" " * 2_000_000 + b'"method":"ping"}': (-32600, None),
}


def test_every_line_that_is_no_message_has_an_error_and_the_server_lives_on(
    example_library: Path,
) -> None:
    good = _call(json.dumps({"record_id": BILLING}).encode())
    lines = [line for odd in ODD_LINES for line in (odd, b'{"id":true}')]
    answers, log = raw(example_library, *lines, good, all_answer=True)
    told = [(answer["error"]["code"], answer.get("id")) for answer in answers[:-1]]
    assert told[::2] == list(ODD_LINES.values())
    assert told[1::2] == [(-32600, None)] * len(ODD_LINES)
    assert not answers[-1]["result"]["isError"]
    assert "Traceback" not in log


def test_a_note_and_an_empty_line_have_no_answer(example_library: Path) -> None:
    note = b'{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":99}}'
    good = _call(json.dumps({"record_id": BILLING}).encode())
    answers, _ = raw(example_library, b"", note, b"  ", good)
    assert [answer["id"] for answer in answers] == [7]


def test_the_log_of_the_server_obeys_no_escape_of_a_client(example_library: Path) -> None:
    good = _call(json.dumps({"record_id": BILLING}).encode())
    answers, log = raw(
        example_library, b"\x1b]0;owned\x07 no json", b"\x00\xff", good, all_answer=True
    )
    assert not answers[-1]["result"]["isError"]
    assert not any(ord(c) < 32 and c != "\n" for c in log)
    assert "\x1b" not in json.dumps(answers, ensure_ascii=False)
    assert "Traceback" not in log


def test_a_client_that_is_gone_ends_the_server_without_a_word(example_library: Path) -> None:
    _, log = raw(example_library)
    assert log == ""


@pytest.mark.parametrize("closed", ["<&-", ">&-"])
def test_a_closed_stream_is_said_at_once(example_library: Path, closed: str) -> None:
    done = subprocess.run(
        f"{sys.executable} -m kb mcp . {closed}",
        shell=True,
        cwd=example_library,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, "is closed" in done.stderr) == (2, True)
