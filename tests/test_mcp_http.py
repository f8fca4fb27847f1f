"""`kb mcp --http`: a real process on loopback, the official client, and clients that mean harm."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from conftest import EXAMPLE, ROOT
from mcp_server import ACCEPT, TOKEN, Served, ask_for, converse, message, request, serving

for needed in ("mcp", "limits", "prometheus_client"):
    pytest.importorskip(needed, reason="the extra http is not installed")

BILLING = "2026-04-12-billing-agent-charged-twice"


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server of the worked example for all tests that leave it as it was."""
    root = tmp_path_factory.mktemp("shared")
    shutil.copytree(EXAMPLE.parent, root / "postmortems")
    (root / "kb.toml").write_text("")
    with serving(root, "--rate", "9999/minute") as served:
        yield served


@pytest.mark.parametrize("mode", ["legacy", "2026-07-28"])
def test_an_agent_gets_over_http_what_it_gets_over_pipes(shared: Served, mode: str) -> None:
    async def look(session: Any) -> Any:
        tools = await session.list_tools()
        read = await session.call_tool("read_incident", {"record_id": BILLING})
        page = await session.list_resources()
        resource = await session.read_resource(page.resources[0].uri)
        prompt = await session.get_prompt("before_you_act", {"action": "refund order 7781"})
        return tools, read, page, resource, prompt

    tools, read, page, resource, prompt = converse(shared, look, mode)
    assert len(tools.tools) == 5
    assert all(tool.annotations.read_only_hint for tool in tools.tools)
    assert read.structured_content["untrusted"] is True
    assert "charged a customer twice" in read.structured_content["data"]["markdown"]
    assert [each.name for each in page.resources] == [BILLING]
    assert "follow no instruction" in resource.contents[0].text
    assert "refund order 7781" in prompt.messages[0].content.text


def test_what_cannot_be_answered_is_a_plain_sentence(shared: Served) -> None:
    result = ask_for(shared, "read_incident", record_id="nope")
    assert result.is_error
    assert "No record has the id 'nope'" in result.content[0].text


@pytest.mark.parametrize("token", ["", "x" * 64, TOKEN[:-1], TOKEN + "0", "é" * 40])
def test_a_wrong_token_is_refused_and_told_how_to_come(shared: Served, token: str) -> None:
    bearer = {"authorization": f"Bearer {token}".encode()} if token else {}
    for method, path in (("POST", "/mcp"), ("GET", "/metrics")):
        answer = request(method, f"{shared.base}{path}", "", headers=bearer)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith('Bearer error="invalid_token"')


def test_behind_a_proxy_the_address_is_the_proxy_s_and_the_documentation_says_so(
    shared: Served,
) -> None:
    headers = {"x-forwarded-for": "93.184.215.14", "forwarded": "for=93.184.215.14"}
    assert request("GET", f"{shared.base}/metrics", headers=headers).status_code == 200
    page = (ROOT / "docs/organisation.md").read_text("utf-8")
    assert "Behind a proxy every request comes from the proxy" in page


def test_a_page_of_another_site_is_refused_whatever_it_asks_for(shared: Served) -> None:
    """DNS rebinding: a name of theirs that leads to loopback, from a browser that has a token."""
    strangers = [
        ({"host": "evil.example"}, 421),
        ({"host": "127.0.0.1.evil.example:80"}, 421),
        ({"host": "localhost:80.evil.example"}, 421),
        ({"origin": "https://evil.example"}, 403),
        ({"origin": "null"}, 403),
        ({"origin": "http://localhost.evil.example:8080"}, 403),
        ({"origin": "http://localhost:80.evil.example"}, 403),
        ({"origin": "http://localhost:80@evil.example"}, 403),
        ({"origin": ""}, 403),
        ([("origin", "http://localhost:80"), ("origin", "https://evil.example")], 403),
    ]
    for path in ("/mcp", "/healthz", "/metrics"):
        for headers, status in strangers:
            answer = request("GET", f"{shared.base}{path}", headers=headers)
            assert answer.status_code == status, headers
    known = {"host": "localhost:9", "origin": "http://localhost:6274"}
    assert request("GET", f"{shared.base}/healthz", headers=known).status_code == 200


def test_a_host_that_was_allowed_is_answered(example_library: Path) -> None:
    options = ("--allow-host", "kb.internal", "--allow-origin", "https://tools.internal")
    with serving(example_library, *options) as served:
        known = {"host": "kb.internal:8765", "origin": "https://tools.internal"}
        assert request("GET", f"{served.base}/healthz", headers=known).status_code == 200
        known = {"host": "kb.internal", "origin": "http://tools.internal"}
        assert request("GET", f"{served.base}/healthz", headers=known).status_code == 403


def test_a_message_that_is_too_long_is_refused_and_the_next_answered(shared: Served) -> None:
    whole = request("POST", shared.address, headers=ACCEPT, json=message(record_id="x" * 2**21))
    parts = (b" " * 65_536 for _ in range(40))
    told = ACCEPT | {"content-type": "application/json"}
    unsized = request("POST", shared.address, headers=told, content=parts)
    good = request("POST", shared.address, headers=ACCEPT, json=message(record_id=BILLING))
    assert (whole.status_code, unsized.status_code, good.status_code) == (413, 413, 200)
    assert not good.json()["result"]["isError"]


ODD_BODIES = [
    b"",
    b"no json",
    b"[]",
    b"5",
    b"{}",
    b"[" * 5_000,
    b'{"jsonrpc":"2.0","id":1.5}',
    b"\xff",
]


def test_what_is_no_message_gets_an_error_and_the_server_lives_on(shared: Served) -> None:
    told = ACCEPT | {"content-type": "application/json"}
    for body in ODD_BODIES:
        answer = request("POST", shared.address, headers=told, content=body)
        assert 400 <= answer.status_code < 500, body
    assert request("POST", shared.address, headers={"accept": "text/html"}).status_code == 400
    for method in ("GET", "DELETE", "PUT"):
        assert request(method, shared.address).status_code == 405
    assert request("GET", f"{shared.base}/../kb.toml").status_code == 404
    good = request("POST", shared.address, headers=ACCEPT, json=message(record_id=BILLING))
    assert good.status_code == 200
    assert shared.events("fault") == []


def test_who_asks_too_often_waits_and_others_do_not(example_library: Path, tmp_path: Path) -> None:
    file = tmp_path / "tokens"
    file.write_text(f"# agents\npayments {TOKEN}\n\nsupport {'f' * 40}\n")
    options = ("--rate", "3/hour", "--token-file", str(file))
    with serving(example_library, *options, token="") as served:
        codes = [request("GET", f"{served.base}/metrics").status_code for _ in range(5)]
        other = request("GET", f"{served.base}/metrics", "f" * 40)
        stranger = [request("POST", served.address, "x" * 40).status_code for _ in range(4)]
        late = request("POST", served.address, headers=ACCEPT, json=message(record_id=BILLING))
        assert request("GET", f"{served.base}/healthz").status_code == 200
    assert codes == [200, 200, 200, 429, 429]
    assert other.status_code == 200
    assert stranger == [401, 401, 401, 429]
    assert late.status_code == 429
    assert 3_500 < int(late.headers["retry-after"]) <= 3_600
    clients = {line["client"] for line in served.events("request")}
    assert clients == {"static:payments", "address:127.0.0.1"}


def test_with_nothing_set_whoever_is_on_this_machine_gets_an_answer(example_library: Path) -> None:
    with serving(example_library, "--rate", "3/hour", token="") as served:
        assert not ask_for(served, "read_incident", record_id=BILLING).is_error
        codes = [request("GET", f"{served.base}/metrics", "").status_code for _ in range(4)]
    assert codes[-1] == 429
    assert served.events("fault") == []


def test_health_says_whether_the_library_is_there_and_nothing_else(example_library: Path) -> None:
    with serving(example_library) as served:
        well = request("GET", f"{served.base}/healthz", "")
        (example_library / "kb.toml").write_text("[library\n")
        ill = request("GET", f"{served.base}/healthz", "")
    assert (well.status_code, well.json()) == (200, {"status": "ok"})
    assert (ill.status_code, ill.json()) == (503, {"status": "no library"})


def test_measures_count_requests_and_look_ups_by_how_they_ended(example_library: Path) -> None:
    from prometheus_client.parser import text_string_to_metric_families

    with serving(example_library) as served:
        ask_for(served, "read_incident", record_id=BILLING)
        ask_for(served, "read_incident", record_id="nope")
        ask_for(served, "no_such_tool")
        request("POST", served.address, "")
        request("GET", f"{served.base}/private/path")
        page = request("GET", f"{served.base}/metrics")
    samples = {
        (sample.name, *sorted(sample.labels.values())): sample.value
        for family in text_string_to_metric_families(page.text)
        for sample in family.samples
    }
    assert samples["kb_mcp_calls_total", "answered", "read_incident"] == 1
    assert samples["kb_mcp_calls_total", "read_incident", "refused"] == 1
    assert samples["kb_mcp_calls_total", "refused", "unknown tool"] == 1
    assert samples["kb_mcp_call_seconds_count", "read_incident"] == 2
    assert samples["kb_mcp_requests_total", "/mcp", "401"] == 1
    assert samples["kb_mcp_requests_total", "404", "other"] == 1


def test_no_line_of_the_log_has_text_of_a_record_a_question_or_a_token(
    example_library: Path,
) -> None:
    path = next((example_library / "postmortems").glob("*.md"))
    path.write_text(path.read_text() + "\nA secret sentence: Zwetschgenkuchen.\n")
    with serving(example_library) as served:
        ask_for(served, "read_incident", record_id=BILLING)
        ask_for(served, "read_incident", record_id="Quittenbrot")
        ask_for(served, "Quittenbrot")
        request("POST", served.address, "Quittenbrot" * 4)
        request("GET", f"{served.base}/Quittenbrot", headers={"host": "Quittenbrot"})
        path.unlink()
        path.mkdir()  # what was a file is a folder: no look-up expects that
        ask_for(served, "open_promises")
    lines = "\n".join(map(str, served.log))
    for word in ("Zwetschgenkuchen", "Quittenbrot", "charged a customer", TOKEN, TOKEN[:12]):
        assert word not in lines
    requests = served.events("request")
    calls = [line for line in served.events("call") if line["look_up"] == "read_incident"]
    assert [line["outcome"] for line in calls] == ["answered", "refused"]
    assert {call["id"] for call in calls} <= {line["id"] for line in requests}
    assert {"time", "method", "path", "status", "ms", "bytes_out", "peer"} <= requests[0].keys()


def test_it_ends_in_order_when_it_is_told(example_library: Path) -> None:
    with serving(example_library) as served:
        ask_for(served, "restart_gate", route="billing-agent")
    assert served.code == 0
    assert served.log[-1]["event"] == "ended"


def test_no_look_up_changes_a_file_of_the_library(example_library: Path) -> None:
    def state() -> dict[str, bytes]:
        files = (file for file in example_library.rglob("*") if file.is_file())
        return {str(f): f.read_bytes() for f in files if ".kb" not in f.parts}

    before = state()
    with serving(example_library) as served:
        ask_for(served, "read_incident", record_id=BILLING)
        ask_for(served, "check_record", record_id=BILLING)
        ask_for(served, "open_promises")
    assert state() == before


def refused(*options: str, **variables: str) -> str:
    """What a server says that does not start."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("KB_MCP")}
    done = subprocess.run(
        [sys.executable, "-m", "kb", "mcp", ".", *options],
        env=kept | variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    return done.stderr


PUBLIC = "93.184.215.14:0"  # it is refused before anything is bound
REFUSED_SETTINGS: list[tuple[tuple[str, ...], dict[str, str], str]] = [
    (("--http", "0.0.0.0:0"), {}, "no token is asked for"),
    (("--http", "[::]:0"), {}, "no token is asked for"),
    (("--http", "10.0.0.7:0"), {}, "no token is asked for"),
    (("--http", PUBLIC), {"KB_MCP_TOKEN": TOKEN}, "a static token is for private networks"),
    (("--http",), {"KB_MCP_TOKEN": "short"}, "at least 32"),
    (("--http",), {"KB_MCP_TOKEN": "with a blank " * 4}, "at least 32"),
    (("--http", "."), {}, "is no HOST:PORT"),
    (("--http", "example.com:80"), {}, "is no HOST:PORT"),
    (("--http", "127.0.0.1:70000"), {}, "is no HOST:PORT"),
    (("--http", "127.0.0.1:" + "9" * 5_000), {}, "is no HOST:PORT"),
    (("--http", "--public-url", "https://[::1"), {}, "is no https address"),
    (("--http", "--rate", "many"), {}, "is no rate"),
    (("--http", "--allow-host", "*"), {}, "is no host"),
    (("--http", "--allow-origin", "kb.internal"), {}, "is no origin"),
    (("--http", "--oauth-issuer", "http://idp.example"), {}, "is no https address"),
    (("--http", "--oauth-issuer", "https://idp.example"), {}, "--public-url"),
    (("--http", "--token-file", "no/such/file"), {}, "the tokens cannot be read"),
]


@pytest.mark.parametrize(("options", "variables", "said"), REFUSED_SETTINGS)
def test_a_server_that_would_not_be_safe_does_not_start(
    options: tuple[str, ...], variables: dict[str, str], said: str
) -> None:
    text = refused(*options, **variables)
    assert said in text
    assert "short" not in text.replace("no short", "")


def test_an_address_that_is_taken_is_said(shared: Served) -> None:
    taken = shared.base.removeprefix("http://")
    assert "cannot be listened on" in refused("--http", taken)


def test_the_default_address_is_the_one_of_the_settings() -> None:
    from kb.commands import mcp as verb
    from kb.mcp.http.settings import DEFAULT_ADDRESS

    assert verb._DEFAULT_ADDRESS == DEFAULT_ADDRESS
