"""The routes of `kb mcp --http`, and what a request passes before it is answered.

From outside in: log, Host and Origin, token, rate, the need of a token, size, the protocol.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kb.mcp.http.counters import Counters
from kb.mcp.http.event_log import CallLog, EventLog, RequestLogging
from kb.mcp.http.limits import RateLimit, peer_of
from kb.mcp.http.settings import HOST_FORM, PATH, HttpSettings, is_origin
from kb.mcp.http.tokens import AllTokens, JwtTokens, StaticTokens, may_come_from
from kb.mcp.read_messages import MOST_BYTES
from kb.mcp.server import server_for

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

HEALTH, METRICS = "/healthz", "/metrics"


def http_app(folder: Path, settings: HttpSettings, events: EventLog) -> ASGIApp:
    """The ASGI application that serves a folder's library."""
    from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
    from mcp.server.transport_security import TransportSecuritySettings
    from starlette.applications import Starlette
    from starlette.routing import Route

    counters = Counters()
    security = TransportSecuritySettings(
        allowed_hosts=settings.allowed_hosts(), allowed_origins=settings.allowed_origins()
    )
    # No sessions: each request stands by itself, so servers can stand side by side, and a client
    # that is gone leaves nothing behind.
    manager = StreamableHTTPSessionManager(
        server_for(folder, CallLog(events, counters)),
        json_response=True,
        stateless=True,
        security_settings=security,
        max_request_body_size=MOST_BYTES,
    )
    guard = _guard(settings, events)
    routes = [
        Route(HEALTH, _Health(folder), methods=["GET"]),
        Route(METRICS, guard(_Metrics(counters)), methods=["GET"]),
        Route(PATH, guard(_Protocol(manager.handle_request)), methods=["POST"]),
        *_metadata(settings),
    ]
    app = Starlette(routes=routes, lifespan=lambda _: manager.run())
    # What asks every few seconds all day long is counted, and logged when it went wrong.
    paths = {route.path: route.path not in {HEALTH, METRICS} for route in routes}
    return RequestLogging(_KnownHosts(app, security), events, counters, paths)


def _guard(settings: HttpSettings, events: EventLog) -> Callable[[ASGIApp], ASGIApp]:
    """What stands before a route that not everybody may ask."""
    from mcp.server.auth.middleware.bearer_auth import RequireAuthMiddleware
    from starlette.middleware.authentication import AuthenticationMiddleware

    rate = RateLimit(settings.rate)
    if not settings.asks_for_token:
        return rate.before
    oauth = settings.oauth
    issued = JwtTokens(oauth, lambda message: events.log("tokens", said=message)) if oauth else None
    backend = _backend(AllTokens(StaticTokens(settings.tokens), issued))
    scopes = list(oauth.scopes) if oauth else []
    metadata = _metadata_address(settings) if oauth else None

    def guarded(app: ASGIApp) -> ASGIApp:
        needs = RequireAuthMiddleware(app, scopes, metadata)
        return AuthenticationMiddleware(rate.before(needs), backend)

    return guarded


def _backend(tokens: AllTokens) -> Any:
    from mcp.server.auth.middleware.bearer_auth import BearerAuthBackend

    class NearBackend(BearerAuthBackend):
        """Takes a static token only from where it may be used."""

        async def authenticate(self, conn: Any) -> Any:
            found = await super().authenticate(conn)
            if found and not may_come_from(found[1].access_token.client_id, peer_of(conn.scope)):
                return None
            return found

    return NearBackend(tokens)


def _metadata_address(settings: HttpSettings) -> Any:
    from mcp.server.auth.routes import build_resource_metadata_url
    from pydantic import AnyHttpUrl

    return build_resource_metadata_url(AnyHttpUrl(settings.public_url))


def _metadata(settings: HttpSettings) -> list[Any]:
    """The metadata of RFC 9728, by which a client finds the issuer."""
    from mcp.server.auth.routes import create_protected_resource_routes
    from pydantic import AnyHttpUrl

    if settings.oauth is None:
        return []
    issuer = AnyHttpUrl(settings.oauth.issuer)
    scopes = list(settings.oauth.scopes) or None
    address = AnyHttpUrl(settings.public_url)
    return list(create_protected_resource_routes(address, [issuer], scopes, "postmortem-kb"))


class _KnownHosts:
    """Refuses a request whose `Host` or `Origin` is none of ours, on every path: DNS rebinding."""

    def __init__(self, app: ASGIApp, security: Any) -> None:
        from mcp.server.transport_security import TransportSecurityMiddleware

        self._app, self._check = app, TransportSecurityMiddleware(security)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        from starlette.requests import Request

        if scope["type"] == "http":
            request = Request(scope, receive)
            refusal = await self._check.validate_request(request)
            # The library takes whatever begins like `localhost:`, also what is no port behind it,
            # and looks at the first of several.
            if refusal is None and not HOST_FORM.fullmatch(request.headers.get("host", "")):
                refusal = _answer(b"Invalid Host header", "text/plain", 421)
            origins = [is_origin(one) for one in request.headers.getlist("origin")]
            if refusal is None and origins not in ([], [True]):
                refusal = _answer(b"Invalid Origin header", "text/plain", 403)
            if refusal is not None:
                await refusal(scope, receive, send)
                return
        await self._app(scope, receive, send)


class _Protocol:
    """The protocol itself, as a route takes it: an application, not a function of a request."""

    def __init__(self, handle: ASGIApp) -> None:
        self._handle = handle

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._handle(scope, receive, send)


class _Health:
    """Whether the library is there: 200 or 503. Anybody may ask; it tells nothing else."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        import anyio

        is_there = await anyio.to_thread.run_sync(_has_library, self._folder)
        status, word = (200, "ok") if is_there else (503, "no library")
        await _answer(json.dumps({"status": word}).encode(), "application/json", status)(
            scope, receive, send
        )


def _has_library(folder: Path) -> bool:
    import kb
    from kb.errors import KbError

    try:
        return kb.open(folder).settings is not None
    except (KbError, OSError):
        return False


class _Metrics:
    """What was counted so far."""

    def __init__(self, counters: Counters) -> None:
        self._counters = counters

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await _answer(*self._counters.page())(scope, receive, send)


def _answer(body: bytes, media_type: str, status: int = 200) -> Any:
    from starlette.responses import Response

    return Response(body, status_code=status, media_type=media_type)
