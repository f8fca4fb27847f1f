"""Sends a digest to a webhook: the only place of a digest that speaks to a network."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import SplitResult, urlsplit

from kb.errors import KbError
from kb.installation import install_line

#: Where the address stands. Whoever has it can write into the channel: it is a secret.
VARIABLE = "KB_DIGEST_WEBHOOK"
_TIMEOUT_SECONDS = 20.0
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
#: Codes such as Slack's `invalid_payload`. Any other body may echo a piece of the address.
_CODE = re.compile(r"[a-z_]{1,60}")


def webhook(environment: Mapping[str, str]) -> str:
    """The address to post to. Raises `KbError` where none is set, or one that is no `https:`.

    `http:` is taken for this machine alone.
    """
    address = environment.get(VARIABLE, "").strip()
    if not address:
        raise KbError(
            f"{VARIABLE} is not set",
            todo="Put the webhook's address into the environment, never into a file.",
        )
    parts = _parts(address)
    is_local = parts.scheme == "http" and parts.hostname in _LOOPBACK
    if not parts.hostname or not (parts.scheme == "https" or is_local):
        raise KbError(f"{VARIABLE} holds no https address", todo="Copy it from the service anew.")
    return address


def post(message: Mapping[str, Any], address: str) -> str:
    """Send a message once; the host that took it.

    No redirect is followed, and the address is in no error. Raises `KbError`; where it says that
    nobody knows, the message may have arrived.
    """
    try:
        import httpx
    except ImportError as error:
        raise KbError("posting needs httpx", todo=install_line("trackers")) from error
    host = _parts(address).hostname or ""
    body = json.dumps(message, ensure_ascii=False).encode()
    head = {"Content-Type": "application/json; charset=utf-8"}
    try:
        answer = httpx.post(address, content=body, headers=head, timeout=_TIMEOUT_SECONDS)
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.InvalidURL) as error:
        raise KbError(
            "the webhook cannot be reached", where=host, todo="Check its address and the network."
        ) from error
    except httpx.HTTPError as error:
        raise KbError(
            "the webhook did not answer: nobody knows whether the digest arrived",
            where=host,
            todo="Look into the channel before you post it again.",
        ) from error
    if not answer.is_success:
        raise KbError(
            f"the webhook answered {answer.status_code}{_reason(answer.content, address)}",
            where=host,
            todo="Renew the webhook where the service lists it.",
        )
    return host


def _reason(body: bytes, address: str) -> str:
    """The code of a refusal behind a colon; empty for a body that is none, or of the address."""
    text = body[:100].decode("ascii", "replace").strip()
    return f": {text}" if _CODE.fullmatch(text) and text not in address else ""


def _parts(address: str) -> SplitResult:
    try:
        parts = urlsplit(address)
        _ = parts.port
    except ValueError as error:
        what = f"{VARIABLE} holds no address"
        raise KbError(what, todo="Copy it from the service anew.") from error
    return parts
