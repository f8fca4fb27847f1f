"""Three trackers on one local HTTP server: the documented requests and answers, and their faults.

A fault is used up by the next request that creates a ticket. `before` means that the ticket was not
made, `after` that it was and the answer went wrong.
"""

from __future__ import annotations

import json
import random
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

TOKEN = "lin_api_s3cr3t-t0ken"
PAGE_SIZE = 3


@dataclass
class State:
    """What a tracker holds. `shown_after` is how long its search lags behind, in seconds."""

    tickets: list[dict[str, Any]] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    labels: set[str] = field(default_factory=set)
    requests: list[tuple[str, str]] = field(default_factory=list)
    versions: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    answers: dict[int, int] = field(default_factory=dict)  # a GitHub issue that is gone or moved
    creations: int = 0
    hang_seconds: float = 0.6
    jitter_seconds: float = 0.0
    slow_seconds: float = 0.0  # how long one creation in five takes to be carried out
    shown_after: float = 0.0
    retry_after: str = "0"

    def visible(self) -> list[dict[str, Any]]:
        return [t for t in self.tickets if time.monotonic() - t["made"] >= self.shown_after]


@contextmanager
def serve(state: State) -> Iterator[str]:
    """A server on a free port, by its address, until the block ends."""
    handler = type("Handler", (_Handler,), {"state": state})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # type: ignore[method-assign] # clients are killed
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    state: State
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # an answer in one piece: two small ones wait for each other, 40 ms a request

    def log_message(self, *_: object) -> None:
        """Nothing: tests read their own output."""

    def do_GET(self) -> None:
        self._handle()

    def do_POST(self) -> None:
        self._handle()

    def _handle(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        content = json.loads(body) if body else None
        path = urlsplit(self.path)
        self.state.requests.append((self.command, self.path))
        if TOKEN not in self.headers.get("Authorization", "") and "Basic " not in (
            self.headers.get("Authorization", "")
        ):
            self._answer(401, {"message": "Bad credentials"})
            return
        self.state.versions.append(self.headers.get("X-GitHub-Api-Version", ""))
        if path.path.startswith(("/rest/api/3", "/rest/api/2")):
            _Jira(self).handle(path.path, content)
        elif path.path.startswith("/repos/"):
            _GitHub(self).handle(path.path, parse_qs(path.query), content)
        elif path.path not in ("/", "/graphql"):
            self._answer(404, {"message": "Linear's address has no slash at its end"})
        else:
            _Linear(self).handle(content)

    def _answer(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        try:
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(raw)))
            for name, value in (headers or {}).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(raw)
        except OSError:
            pass  # the client was killed or gave up

    def create(self, make: Any, answer: Any) -> None:
        """Make a ticket, with the fault that is due, and answer."""
        state = self.state
        state.creations += 1
        fault = state.faults.pop(0) if state.faults else ""
        time.sleep(random.random() * state.jitter_seconds)
        time.sleep(state.slow_seconds if random.random() < 0.2 else 0)
        if fault == "429":
            self._answer(429, {"message": "slow down"}, {"Retry-After": state.retry_after})
        elif fault == "403-haste":
            self._answer(403, {"message": "secondary rate limit"}, {"Retry-After": "0"})
        elif fault == "ratelimited":
            errors = [{"message": "slow", "extensions": {"code": "RATELIMITED"}}]
            self._answer(400, {"errors": errors}, {"X-RateLimit-Requests-Reset": "1000000000000"})
        elif fault == "expired":
            self._answer(401, {"message": f"token {TOKEN} has expired \x1b[31m"})
        elif fault == "refused":
            self._answer(422, {"message": "Validation Failed"})
        elif fault == "500 before":
            self._answer(500, {"message": "oops"})
        elif fault == "hang before":
            time.sleep(state.hang_seconds)
            self.close_connection = True
        else:
            with state.lock:
                ticket = make()
            time.sleep(random.random() * state.jitter_seconds)
            self._answer_after(fault, answer, ticket)

    def _answer_after(self, fault: str, answer: Any, ticket: dict[str, Any] | None) -> None:
        if fault == "500 after":
            self._answer(500, {"message": "oops"})
        elif fault == "malformed after":
            self._answer(201, b'{"id": 12, "tru')
        elif fault == "empty after":
            self._answer(201, {})
        elif fault == "hang after":
            time.sleep(self.state.hang_seconds)
            self.close_connection = True
        elif fault == "drop after":
            self.close_connection = True
            self.connection.close()
        else:
            answer(ticket)


class _GitHub:
    def __init__(self, handler: _Handler) -> None:
        self.handler, self.state = handler, handler.state

    def handle(self, path: str, query: dict[str, list[str]], content: Any) -> None:
        if "/labels" in path:
            self._labels(path, content)
        elif self.handler.command == "POST":
            self.handler.create(
                lambda: self._make(content), lambda made: self.handler._answer(201, _public(made))
            )
        elif match := re.search(r"/issues/(\d+)$", path):
            found = [t for t in self.state.tickets if t["number"] == int(match[1])]
            status = (200, _public(found[0])) if found else (404, {"message": "Not Found"})
            if int(match[1]) in self.state.answers:
                status = (self.state.answers[int(match[1])], {"message": "This issue was deleted"})
            self.handler._answer(*status)
        else:
            self._list(query)

    def _make(self, content: Any) -> dict[str, Any]:
        number = len(self.state.tickets) + 1
        ticket = {
            "number": number,
            "html_url": f"https://github.example/acme/agents/issues/{number}",
            "state": "open",
            "body": content["body"],
            "title": content["title"],
            "labels": [label for label in content["labels"] if label in self.state.labels],
            "made": time.monotonic(),
        }
        self.state.tickets.append(ticket)
        return ticket

    def _list(self, query: dict[str, list[str]]) -> None:
        label, page = query["labels"][0], int(query["page"][0])
        found = [t for t in self.state.visible() if label in t["labels"]]
        shown = found[(page - 1) * PAGE_SIZE : page * PAGE_SIZE]
        more = page * PAGE_SIZE < len(found)
        link = f'<https://x/issues?page={page + 1}&per_page=100>; rel="next"' if more else ""
        self.handler._answer(200, [_public(t) for t in shown], {"Link": link} if link else {})

    def _labels(self, path: str, content: Any) -> None:
        if self.handler.command == "POST":
            self.state.labels.add(content["name"])
            self.handler._answer(201, {"name": content["name"]})
        elif path.rsplit("/", 1)[1] in self.state.labels:
            self.handler._answer(200, {"name": "x"})
        else:
            self.handler._answer(404, {"message": "Not Found"})


class _Linear:
    def __init__(self, handler: _Handler) -> None:
        self.handler, self.state = handler, handler.state

    def handle(self, content: Any) -> None:
        query, variables = content["query"], content["variables"]
        if "teams(" in query:
            self.handler._answer(200, {"data": {"teams": {"nodes": [{"id": "team-1"}]}}})
        elif "issueCreate" in query:
            self.handler.create(lambda: self._make(variables["input"]), self._made)
        else:
            wanted = variables["id"]
            found = [t for t in self.state.tickets if wanted in (t["id"], t["identifier"])]
            missing = {"data": None, "errors": [{"message": "Entity not found: Issue"}]}
            self.handler._answer(200, {"data": {"issue": _public(found[0])}} if found else missing)

    def _make(self, given: Any) -> dict[str, Any] | None:
        if any(ticket["id"] == given["id"] for ticket in self.state.tickets):
            return None
        ticket = {
            "id": given["id"],
            "identifier": f"ENG-{len(self.state.tickets) + 1}",
            "url": "https://linear.example/ENG",
            "state": {"type": "unstarted"},
            "title": given["title"],
            "body": given["description"],
            "dueDate": given.get("dueDate"),
            "made": time.monotonic(),
        }
        self.state.tickets.append(ticket)
        return ticket

    def _made(self, ticket: dict[str, Any] | None) -> None:
        if ticket is None:
            self.handler._answer(400, {"errors": [{"message": "Entity with id already exists"}]})
        else:
            made = {"success": True, "issue": _public(ticket)}
            self.handler._answer(200, {"data": {"issueCreate": made}})


class _Jira:
    def __init__(self, handler: _Handler) -> None:
        self.handler, self.state = handler, handler.state

    def handle(self, path: str, content: Any) -> None:
        is_cloud = path.startswith("/rest/api/3")
        if path.endswith("/search/jql" if is_cloud else "/search"):
            match = re.search(r'labels = "([^"]+)"', content["jql"])
            assert match
            found = [t for t in self.state.visible() if match[1] in t["labels"]]
            self.handler._answer(200, {"issues": [_public(t) for t in found], "isLast": True})
        elif path.endswith("/issue"):
            # Each of the two takes a description in its own form alone.
            assert isinstance(content["fields"]["description"], dict if is_cloud else str)
            self.handler.create(
                lambda: self._make(content["fields"]),
                lambda made: self.handler._answer(201, {"id": "1", "key": made["key"]}),
            )
        else:
            found = [t for t in self.state.tickets if t["key"] == path.rsplit("/", 1)[1]]
            status = (200, _public(found[0])) if found else (404, {"errorMessages": ["none"]})
            self.handler._answer(*status)

    def _make(self, fields: Any) -> dict[str, Any]:
        ticket = {
            "key": f"OPS-{len(self.state.tickets) + 1}",
            "labels": fields["labels"],
            "type": fields["issuetype"]["name"],
            "title": fields["summary"],
            "body": json.dumps(fields["description"]),
            "duedate": fields.get("duedate"),
            "fields": {"status": {"statusCategory": {"key": "new"}}},
            "made": time.monotonic(),
        }
        self.state.tickets.append(ticket)
        return ticket


def _public(ticket: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in ticket.items() if key != "made"}
