"""The HTTP client of the trackers: answers that settle a write, and those that leave it open.

Reads are asked again. A write is sent once: only a refusal for haste (429) proves that it was not
carried out and may be sent again. A time-out, a broken connection, a 5xx or an answer that is no
JSON leaves it open, and whoever asked has to look.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import TYPE_CHECKING, Any

from kb.errors import KbError
from kb.installation import install_line

if TYPE_CHECKING:
    import httpx

_READ_ATTEMPTS = 4
_HASTE_ATTEMPTS = 5
#: A longer wait is not sat out: the run can be taken up again at any time.
_LONGEST_WAIT_SECONDS = 120
_TIMEOUT_SECONDS = 20
_HTTP_REFUSED = (401, 403)
_HTTP_HASTE = 429
_HTTP_SERVER_FAULT = 500


class Refused(KbError):  # noqa: N818 - what happened, not that something broke
    """A service understood a request and said no to it: nothing was done."""


class Unclear(Exception):  # noqa: N818 - no error yet, but a question
    """A write whose outcome is not known; `sync` looks it up, and no caller of it sees this."""


@dataclass(frozen=True, slots=True)
class TrackerReply:
    """An answer: its status, headers (names in lower case) and decoded JSON, or None for none."""

    status: int
    headers: Mapping[str, str]
    body: Any

    @property
    def is_ok(self) -> bool:
        """Whether it is a 2xx."""
        return 200 <= self.status < 300  # noqa: PLR2004


@dataclass(frozen=True)
class Service:
    """Where a service is and how it is spoken to. `token_name` is the variable of the token."""

    name: str
    address: str
    headers: Mapping[str, str]
    secret: str
    token_name: str
    timeout_seconds: float = _TIMEOUT_SECONDS
    sleep: Callable[[float], None] = time.sleep
    now: Callable[[], float] = time.time


def variable(environment: Mapping[str, str], name: str) -> str:
    """The value of a variable. Raises `KbError` where it is not set."""
    value = environment.get(name, "").strip()
    if not value:
        raise KbError(f"{name} is not set", todo="Put it into the environment, never into a file.")
    return value


def named_project(project: str) -> str:
    """The project as it was named. Raises `KbError` where it was not."""
    if not project:
        raise KbError("which project?", todo="Name it: --project KEY.")
    return project


class Client:
    """A connection to a service. Raises `KbError` for what no repetition can mend."""

    def __init__(self, service: Service) -> None:
        try:
            import httpx
        except ImportError as error:
            raise KbError(
                "speaking to a tracker needs httpx",
                todo=install_line("trackers"),
            ) from error
        self.service = service
        self._connection = httpx.Client(
            headers=dict(service.headers),
            timeout=service.timeout_seconds,
        )

    def __enter__(self) -> Client:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._connection.close()

    def read(self, method: str, path: str, **content: Any) -> TrackerReply:
        """The answer to a question that changes nothing; 4xx other than refusals are answers."""
        for attempt in range(_READ_ATTEMPTS):
            if attempt:
                self.service.sleep(2.0 ** (attempt - 1))
            try:
                reply = self._patiently(method, path, content)
            except Unclear:
                continue
            return reply
        raise KbError(
            f"{self.service.name} does not answer",
            where=self.service.address,
            todo="Run the same command again later: it goes on where it stopped.",
        )

    def write(self, method: str, path: str, **content: Any) -> TrackerReply:
        """The answer to a request that changes something; `Unclear` where nobody knows."""
        return self._patiently(method, path, content)

    def refusal(self, reply: TrackerReply) -> Refused:
        """The fault to raise for an answer that says no, in the service's own words."""
        return Refused(
            f"{self.service.name} answered {reply.status}: {self._words(reply.body)}",
            where=self.service.address,
            todo="Check the project's name and what the token may do.",
        )

    def _patiently(self, method: str, path: str, content: Mapping[str, Any]) -> TrackerReply:
        """One request, sent again only after a refusal for haste."""
        for _ in range(_HASTE_ATTEMPTS):
            reply = self._once(method, path, content)
            wait = _haste_seconds(reply, self.service.now())
            if wait is None:
                return self._judged(reply)
            if wait > _LONGEST_WAIT_SECONDS:
                break
            self.service.sleep(wait)
        raise KbError(
            f"{self.service.name} asks for a pause",
            where=self.service.address,
            todo="Run the same command again later: it goes on where it stopped.",
        )

    def _once(self, method: str, path: str, content: Mapping[str, Any]) -> TrackerReply:
        import httpx

        try:
            # A base address would end in a slash, and Linear has no path below its own.
            address = self.service.address.rstrip("/") + path
            answer = self._connection.request(method, address, **content)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.UnsupportedProtocol) as error:
            raise KbError(
                f"{self.service.name} cannot be reached: {self._words(str(error))}",
                where=self.service.address,
                todo="Check the address and the network, then run the same command again.",
            ) from error
        except httpx.HTTPError as error:
            raise Unclear(str(error)) from error
        headers = {name.lower(): value for name, value in answer.headers.items()}
        return TrackerReply(answer.status_code, headers, _json(answer))

    def _judged(self, reply: TrackerReply) -> TrackerReply:
        if reply.status >= _HTTP_SERVER_FAULT or (reply.is_ok and reply.body is None):
            raise Unclear(f"status {reply.status}")
        if reply.status in _HTTP_REFUSED:
            raise KbError(
                f"{self.service.name} refused the token: {self._words(reply.body)}",
                where=self.service.address,
                todo=f"Renew {self.service.token_name}, or give the token the rights it lacks.",
            )
        return reply

    def _words(self, body: object) -> str:
        """What a service said, for a terminal: one short line, and never the token."""
        said = body if isinstance(body, str) else _message(body)
        hidden = said.replace(self.service.secret, "***") if self.service.secret else said
        return re.sub(r"[^\x20-\x7e\xa0-\U0010ffff]+", " ", hidden)[:200] or "no reason given"


def _json(answer: httpx.Response) -> Any:
    try:
        return answer.json()
    except ValueError:
        return None


def _message(body: object) -> str:
    """The message in the bodies services send with a refusal."""
    if not isinstance(body, dict):
        return ""
    for key in ("message", "errorMessages", "errors"):
        found = body.get(key)
        if found:
            return found if isinstance(found, str) else str(found)
    return ""


def _haste_seconds(reply: TrackerReply, now: float) -> float | None:
    """How long a service asks to wait; None where it does not."""
    is_spent = reply.headers.get("x-ratelimit-remaining") == "0"
    is_forbidden = reply.status == 403 and ("retry-after" in reply.headers or is_spent)  # noqa: PLR2004
    if not (reply.status == _HTTP_HASTE or is_forbidden or _is_graphql_haste(reply.body)):
        return None
    if after := reply.headers.get("retry-after"):
        return _after_seconds(after, now)
    reset = reply.headers.get("x-ratelimit-reset") or reply.headers.get(
        "x-ratelimit-requests-reset"
    )
    if reset and reset.isdigit():
        # GitHub counts in seconds, Linear in milliseconds.
        at = int(reset) / (1000 if len(reset) > 11 else 1)  # noqa: PLR2004
        return max(1.0, at - now)
    return 5.0


def _after_seconds(text: str, now: float) -> float:
    """Seconds out of `Retry-After`: a number or a date (RFC 9110, 10.2.3)."""
    if text.strip().isdigit():
        return float(text)
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return 5.0
    aware = at if at.tzinfo else at.replace(tzinfo=UTC)
    return max(0.0, (aware - datetime.fromtimestamp(now, UTC)).total_seconds())


def _is_graphql_haste(body: object) -> bool:
    """Linear answers 400 with this code where others answer 429."""
    errors = body.get("errors") if isinstance(body, dict) else None
    found = errors if isinstance(errors, list) else []
    return any(
        isinstance(error, dict)
        and isinstance(error.get("extensions"), dict)
        and error["extensions"].get("code") == "RATELIMITED"
        for error in found
    )
