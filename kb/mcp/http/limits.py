"""Rate limits of `kb mcp --http`: so many requests in a time, counted for each client."""

from __future__ import annotations

import math
import time
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send


class RateLimit:
    """How often each client may ask: told apart by token where there is one, else by address.

    It stands behind the reading of the token, so nobody uses up the share of another.
    """

    def __init__(self, rate: str) -> None:
        from limits import parse
        from limits.aio.storage import MemoryStorage
        from limits.aio.strategies import MovingWindowRateLimiter

        self._rate = parse(rate)
        self._limiter = MovingWindowRateLimiter(MemoryStorage())

    def before(self, app: ASGIApp) -> ASGIApp:
        """The application, with 429 for who asks too often; all of them count together."""
        return _Limited(self, app)

    async def lets_in(self, client: str) -> bool:
        """Whether a client may ask once more; it is counted."""
        return bool(await self._limiter.hit(self._rate, client))

    async def refusal(self, client: str) -> Any:
        """The answer to a client that may not."""
        from starlette.responses import JSONResponse

        window = await self._limiter.get_window_stats(self._rate, client)
        wait = max(1, math.ceil(window.reset_time - time.time()))
        body = {"error": "rate_limited", "error_description": f"At most {self._rate}."}
        return JSONResponse(body, status_code=429, headers={"retry-after": str(wait)})


class _Limited:
    """An application that lets clients in as often as they may: a route takes no function."""

    def __init__(self, rate: RateLimit, app: ASGIApp) -> None:
        self._rate, self._app = rate, app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        client = client_of(scope)
        if scope["type"] != "http" or await self._rate.lets_in(client):
            await self._app(scope, receive, send)
        else:
            await (await self._rate.refusal(client))(scope, receive, send)


def client_of(scope: Scope) -> str:
    """Who asks: the name of the token, else the address that the request comes from."""
    user: Any = scope.get("user")
    token = getattr(user, "access_token", None)
    if token is not None:
        return f"{token.client_id} {token.subject}" if token.subject else str(token.client_id)
    return f"address:{peer_of(scope)}"


def peer_of(scope: Scope) -> str:
    """The address that the request comes from; empty where there is none."""
    client = scope.get("client")
    return str(client[0]) if client else ""
