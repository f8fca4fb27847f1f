"""Where an item of a digest leads: the page of its record on the library's site."""

from __future__ import annotations

from urllib.parse import quote

from kb.digest.contents import Digest, DigestItem
from kb.site.links import incident

_SAFE = "/:?#@!$&'*+,;=%~-._"


def page_address(digest: Digest, item: DigestItem) -> str:
    """The web address of the record's page; empty where the library names no site."""
    if not digest.site or not item.record:
        return ""
    address = quote(f"{digest.site.rstrip('/')}/{incident(item.record)}/", safe=_SAFE)
    return address if address.startswith(("https://", "http://")) else ""
