"""Keeps one client from taking the server for itself: so many requests in a time, by who asks."""

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

        async def limited(scope: Scope, receive: Receive, send: Send) -> None:
            if scope["type"] != "http" or await self._limiter.hit(self._rate, client_of(scope)):
                await app(scope, receive, send)
            else:
                await (await self._refusal(client_of(scope)))(scope, receive, send)

        return limited

    async def _refusal(self, client: str) -> Any:
        from starlette.responses import JSONResponse

        window = await self._limiter.get_window_stats(self._rate, client)
        wait = max(1, math.ceil(window.reset_time - time.time()))
        body = {"error": "rate_limited", "error_description": f"At most {self._rate}."}
        return JSONResponse(body, status_code=429, headers={"retry-after": str(wait)})


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
