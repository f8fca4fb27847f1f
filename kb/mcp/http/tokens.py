"""Who a bearer token stands for: a static one by hash, an access token by its signature.

The rules for access tokens are those of RFC 9068 and RFC 8725: asymmetric algorithms alone, one
issuer, one audience, an end; which key signed is asked of the issuer, never of the token.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from kb.mcp.http.settings import OAuthSettings, is_private_peer, is_safe_address, token_hash

if TYPE_CHECKING:
    from jwt import PyJWKClient
    from mcp.server.auth.provider import AccessToken

#: RFC 8725, section 3.1: what may sign is our choice. No `none`, and no shared secret.
_ALGORITHMS = [
    *("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    *("ES256", "ES384", "ES512", "EdDSA"),
]
#: RFC 9068 names `at+jwt`; many issuers still write `JWT`, or nothing.
_TYPES = frozenset({"", "at+jwt", "application/at+jwt", "jwt"})
_LEEWAY_SECONDS = 30
_TIMEOUT_SECONDS = 5
#: After the issuer could not be asked, every token is refused for so long without asking again.
_PAUSE_SECONDS = 10
_MOST_METADATA = 1 << 20
_MOST_TOKEN = 16_384

#: Told what went wrong, in words that quote neither token nor answer.
Report = Callable[[str], None]


class StaticTokens:
    """Tokens that were handed out by hand: one a client, each with a name."""

    def __init__(self, names: Mapping[str, str]) -> None:
        self._names = names

    async def verify_token(self, token: str) -> AccessToken | None:
        """Who it is; None for a token that is none of ours. Compared by hash: no timing tells."""
        from mcp.server.auth.provider import AccessToken

        name = self._names.get(token_hash(token))
        if name is None:
            return None
        return AccessToken(token="", client_id=f"{STATIC}{name}", scopes=[])


#: Before the name of a static token, where clients are told apart.
STATIC = "static:"


class JwtTokens:
    """Access tokens of an OAuth 2.1 issuer, checked here with its public keys."""

    def __init__(
        self, oauth: OAuthSettings, report: Report, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        import anyio

        self._oauth, self._report, self._monotonic = oauth, report, monotonic
        self._keys: PyJWKClient | None = None
        self._paused_until = float("-inf")
        self._few = anyio.CapacityLimiter(2)

    async def verify_token(self, token: str) -> AccessToken | None:
        """Who it is; None for a token that does not hold."""
        import anyio

        if len(token) > _MOST_TOKEN or token.count(".") != 2:  # noqa: PLR2004 - head, claims, proof
            return None
        return await anyio.to_thread.run_sync(self._checked, token, limiter=self._few)

    def _checked(self, token: str) -> AccessToken | None:
        import jwt
        from jwt.exceptions import PyJWKClientConnectionError, PyJWTError

        try:
            head = jwt.get_unverified_header(token)
            if str(head.get("typ") or "").lower() not in _TYPES:
                return None
            if head.get("alg") not in _ALGORITHMS or self._monotonic() < self._paused_until:
                return None
            key = self._issuers_keys().get_signing_key(str(head.get("kid")))
            claims = jwt.decode(
                token,
                key,
                algorithms=_ALGORITHMS,
                audience=self._oauth.audience,
                issuer=self._oauth.issuer,
                leeway=_LEEWAY_SECONDS,
                options={"require": ["exp", "iss", "aud"]},
            )
        except (PyJWKClientConnectionError, OSError) as error:
            self._paused_until = self._monotonic() + _PAUSE_SECONDS
            self._report(f"the issuer's keys cannot be read: {type(error).__name__}")
            return None
        except (PyJWTError, ValueError):
            return None
        return _access(claims)

    def _issuers_keys(self) -> PyJWKClient:
        from jwt import PyJWKClient

        if self._keys is None:
            address = self._oauth.jwks or _keys_address(self._oauth.issuer)
            self._keys = PyJWKClient(address, timeout=_TIMEOUT_SECONDS)
        return self._keys


def _access(claims: Mapping[str, Any]) -> AccessToken:
    from mcp.server.auth.provider import AccessToken

    subject = str(claims.get("sub") or "")
    client = str(claims.get("client_id") or claims.get("azp") or subject or "unnamed")
    return AccessToken(
        token="",
        client_id=client,
        scopes=_scopes(claims),
        expires_at=int(claims["exp"]) + _LEEWAY_SECONDS,
        # RFC 9068 has it always; where it is missing a client named like a static token is not it.
        subject=subject or client,
        claims={"iss": claims["iss"]},
    )


def _scopes(claims: Mapping[str, Any]) -> list[str]:
    """`scope` of RFC 8693, or `scp`, a text or a list, as Entra and Okta write it."""
    scopes = claims.get("scope", claims.get("scp", ""))
    return [str(each) for each in scopes] if isinstance(scopes, list) else str(scopes).split()


def _keys_address(issuer: str) -> str:
    """`jwks_uri` of the issuer's metadata: OpenID Connect Discovery, else RFC 8414.

    Raises `OSError` where neither is there, or says another issuer.
    """
    from urllib.parse import urlsplit

    parts = urlsplit(issuer)
    places = (
        f"{issuer.rstrip('/')}/.well-known/openid-configuration",
        f"{parts.scheme}://{parts.netloc}/.well-known/oauth-authorization-server"
        f"{parts.path.rstrip('/')}",
    )
    for place in places:
        metadata = _fetched(place)
        address = str(metadata.get("jwks_uri", ""))
        if metadata.get("issuer") == issuer and is_safe_address(address):
            return address
    raise OSError("no metadata of this issuer names its keys")


def _fetched(address: str) -> Mapping[str, Any]:
    """A JSON object from the network, without following a redirect; empty where there is none."""
    import httpx2

    try:
        answer = httpx2.get(address, timeout=_TIMEOUT_SECONDS, follow_redirects=False)
        found = json.loads(answer.content[:_MOST_METADATA]) if answer.is_success else {}
    except (httpx2.HTTPError, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


class AllTokens:
    """Static tokens first, then those of the issuer."""

    def __init__(self, static: StaticTokens, issued: JwtTokens | None) -> None:
        self._static, self._issued = static, issued

    async def verify_token(self, token: str) -> AccessToken | None:
        """Who it is; None for nobody."""
        found = await self._static.verify_token(token)
        if found is None and self._issued is not None:
            return await self._issued.verify_token(token)
        return found


def may_come_from(client: str, peer: str) -> bool:
    """Whether a client may ask from this address: with a static token from private networks."""
    return not client.startswith(STATIC) or is_private_peer(peer)
