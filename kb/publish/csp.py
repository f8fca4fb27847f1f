"""Which scripts may run on a page? The Content-Security-Policy, computed from what was built."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable

_SCRIPT = re.compile(r"<script\b(?P<attributes>[^>]*)>(?P<body>.*?)</script\s*>", re.DOTALL | re.I)
_HEAD = re.compile(r"<head\b[^>]*>", re.IGNORECASE)
_OURS = re.compile(r'(?<!\s)\s*+<meta http-equiv="Content-Security-Policy"[^<>]*>')


def inline_hashes(pages: Iterable[str]) -> tuple[str, ...]:
    """The hashes of the inline scripts of pages that this project's templates and engine wrote.

    Record text never holds one: it is sanitised before. Sorted, each once.
    """
    found = set()
    for html in pages:
        for match in _SCRIPT.finditer(html):
            if "src=" not in match["attributes"] and "application/json" not in match["attributes"]:
                digest = hashlib.sha256(match["body"].encode()).digest()
                found.add(f"'sha256-{base64.b64encode(digest).decode()}'")
    return tuple(sorted(found))


def policy(hashes: Iterable[str]) -> str:
    """The policy: nothing from elsewhere, no script but ours, no frame, no form sent away."""
    scripts = " ".join(("'self'", "'wasm-unsafe-eval'", *hashes))
    return "; ".join(
        (
            "default-src 'none'",
            f"script-src {scripts}",
            "style-src 'self'",
            "img-src 'self' data:",
            "font-src 'self'",
            "connect-src 'self'",
            "worker-src 'self'",
            "manifest-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
        )
    )


def meta(text: str) -> str:
    """The policy as an element of a page's head."""
    return f'<meta http-equiv="Content-Security-Policy" content="{text}">'


def with_policy(html: str, text: str) -> str:
    """A page with the policy as the first element of its head, in place of an older one."""
    rest = _OURS.sub("", html, count=1)
    return _HEAD.sub(lambda match: f"{match[0]}\n{meta(text)}", rest, count=1)
