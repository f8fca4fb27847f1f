"""Access tokens of an OAuth 2.1 issuer, which is here a process of the test on loopback."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from mcp_server import ACCEPT, TOKEN, converse, message, request, serving

for needed in ("mcp", "limits", "prometheus_client"):
    pytest.importorskip(needed, reason="the extra http is not installed")

PUBLIC_URL = "https://kb.example/mcp"
#: Moments that are in the past and in the future for as long as this is run.
IN_2000, IN_2100 = 946_684_800, 4_102_444_800
BILLING = "2026-04-12-billing-agent-charged-twice"


class Issuer:
    """An authorization server's metadata and keys; `asked` are the paths that were fetched."""

    def __init__(self) -> None:
        from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

        self.key = rsa.generate_private_key(public_exponent=65_537, key_size=2048)
        self.other = rsa.generate_private_key(public_exponent=65_537, key_size=2048)
        self.edwards = ed25519.Ed25519PrivateKey.generate()
        self.asked: list[str] = []
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self.server.server_port}/realm"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                issuer.asked.append(self.path)
                page = issuer.pages().get(self.path)
                self.send_response(200 if page else 404)
                self.end_headers()
                self.wfile.write(json.dumps(page or {}).encode())

            def log_message(self, *_: object) -> None:
                """Nothing."""

        return Handler

    def pages(self) -> dict[str, Any]:
        from jwt.algorithms import OKPAlgorithm, RSAAlgorithm

        rsa = RSAAlgorithm.to_jwk(self.key.public_key(), as_dict=True)
        edwards = OKPAlgorithm.to_jwk(self.edwards.public_key(), as_dict=True)
        keys = [rsa | {"kid": "one", "use": "sig"}, edwards | {"kid": "two"}]
        return {
            "/.well-known/oauth-authorization-server/realm": {
                "issuer": self.url,
                "jwks_uri": f"{self.url}/keys",
            },
            "/realm/keys": {"keys": keys},
        }

    def token(self, **changed: Any) -> str:
        """A token that holds but for what is changed: claims, or `key`, `kid`, `alg`, `typ`."""
        import jwt

        head = {"kid": changed.pop("kid", "one"), "typ": changed.pop("typ", "at+jwt")}
        key, algorithm = changed.pop("key", self.key), changed.pop("alg", "RS256")
        claims = {
            "iss": self.url,
            "aud": PUBLIC_URL,
            "exp": IN_2100,
            "sub": "agent-7",
            "client_id": "payments",
            "scope": "kb:read other",
        }
        kept = {name: value for name, value in (claims | changed).items() if value is not None}
        return jwt.encode(kept, key, algorithm=algorithm, headers=head)


@pytest.fixture(scope="module")
def issuer() -> Iterator[Issuer]:
    made = Issuer()
    yield made
    made.server.shutdown()


def options(issuer: Issuer, *more: str) -> tuple[str, ...]:
    given = ("--oauth-issuer", issuer.url, "--public-url", PUBLIC_URL, "--oauth-scope", "kb:read")
    return (*given, *more)


def test_tokens_of_the_issuer_for_this_server_are_taken_and_no_others(
    example_library: Path, issuer: Issuer
) -> None:
    import jwt

    good = {
        "plain": issuer.token(),
        "another key": issuer.token(key=issuer.edwards, kid="two", alg="EdDSA"),
        "several audiences": issuer.token(aud=["x", PUBLIC_URL]),
        "scopes as Entra writes them": issuer.token(scope=None, scp="kb:read"),
        "typ of old issuers": issuer.token(typ="JWT"),
    }
    bad = {
        "over": issuer.token(exp=IN_2000),
        "without end": issuer.token(exp=None),
        "another audience": issuer.token(aud="https://other.example/mcp"),
        "no audience": issuer.token(aud=None),
        "another issuer": issuer.token(iss="https://idp.example"),
        "not yet": issuer.token(nbf=IN_2100 - 1),
        "another's key": issuer.token(key=issuer.other),
        "unknown key": issuer.token(kid="three"),
        "no signature": jwt.encode({"iss": issuer.url, "aud": PUBLIC_URL}, "", algorithm="none"),
        "public key as a secret": issuer.token(key=b"x" * 64, alg="HS256"),
        "something else": issuer.token(typ="logout+jwt"),
        "cut": issuer.token()[:-5],
        "no token": "a.b.c",
        "long": f"{'x' * 20_000}.b.c",
    }
    with serving(example_library, *options(issuer), token="") as served:
        for name, token in (good | bad).items():
            call = message(record_id=BILLING)
            answer = request("POST", served.address, token, headers=ACCEPT, json=call)
            assert answer.status_code == (200 if name in good else 401), name
        lacking = request("POST", served.address, issuer.token(scope="other"), json={})
        asked_before = len(issuer.asked)
        for _ in range(5):
            request("POST", served.address, bad["unknown key"])
    assert lacking.status_code == 403
    assert 'error="insufficient_scope"' in lacking.headers["www-authenticate"]
    assert len(issuer.asked) == asked_before  # a made-up key id makes nobody ask the issuer
    assert {line["client"] for line in served.events("request")} >= {"payments agent-7"}


def test_a_client_finds_the_issuer_by_what_a_refusal_names(
    example_library: Path, issuer: Issuer
) -> None:
    with serving(example_library, *options(issuer), token="") as served:
        refusal = request("POST", served.address, "")
        assert refusal.status_code == 401
        place = "https://kb.example/.well-known/oauth-protected-resource/mcp"
        assert f'resource_metadata="{place}"' in refusal.headers["www-authenticate"]
        found = request("GET", served.base + place.removeprefix("https://kb.example"), "").json()
    assert found["resource"] == PUBLIC_URL
    assert found["authorization_servers"] == [issuer.url]
    assert found["scopes_supported"] == ["kb:read"]


def test_the_official_client_comes_in_with_an_access_token(
    example_library: Path, issuer: Issuer
) -> None:
    with serving(example_library, *options(issuer), token="") as served:
        served.token = issuer.token()
        tools = converse(served, lambda session: session.list_tools())
    assert len(tools.tools) == 5


def test_a_static_token_beside_an_issuer_is_for_who_has_no_access_token(
    example_library: Path, issuer: Issuer
) -> None:
    with serving(example_library, "--oauth-issuer", issuer.url, "--public-url", PUBLIC_URL) as it:
        assert request("GET", f"{it.base}/metrics").status_code == 200
        assert request("GET", f"{it.base}/metrics", issuer.token()).status_code == 200
        assert request("GET", f"{it.base}/metrics", TOKEN[::-1]).status_code == 401


def test_who_is_named_like_a_static_token_uses_up_no_share_of_it(
    example_library: Path, issuer: Issuer
) -> None:
    given = ("--oauth-issuer", issuer.url, "--public-url", PUBLIC_URL, "--rate", "2/hour")
    with serving(example_library, *given) as served:
        same = issuer.token(client_id="static:token", sub=None)
        codes = [request("GET", f"{served.base}/metrics", same).status_code for _ in range(3)]
        assert codes == [200, 200, 429]
        assert request("GET", f"{served.base}/metrics").status_code == 200


def test_an_issuer_that_cannot_be_asked_lets_nobody_in_and_is_asked_seldom(
    example_library: Path, issuer: Issuer
) -> None:
    gone = ("--oauth-issuer", "http://127.0.0.1:9/realm", "--public-url", PUBLIC_URL)
    with serving(example_library, *gone, token="") as served:
        codes = [request("POST", served.address, issuer.token()).status_code for _ in range(4)]
    assert codes == [401] * 4
    assert len(served.events("tokens")) == 1


@pytest.mark.parametrize(
    ("address", "is_private"),
    [
        ("127.0.0.1", True),
        ("10.1.2.3", True),
        ("192.168.0.9", True),
        ("100.64.0.7", True),  # shared space of carriers and overlay networks
        ("fd00::1", True),
        ("fe80::1%eth0", True),
        ("::ffff:10.0.0.1", True),
        ("::ffff:8.8.8.8", False),
        ("8.8.8.8", False),
        ("2001:4860:4860::8888", False),
        ("", False),
        ("unix:", False),
    ],
)
def test_a_static_token_is_for_private_networks(address: str, is_private: bool) -> None:
    from kb.mcp.http.tokens import may_come_from

    assert may_come_from("static:payments", address) is is_private
    assert may_come_from("payments", address)
