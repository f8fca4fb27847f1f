"""Where `kb mcp --http` listens, whom it answers, and the settings it refuses to start with."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from urllib.parse import urlsplit

from kb.errors import KbError
from kb.safe_files import read_named

#: Environment variables; a token never stands on a command line, which every process can read.
TOKEN_VARIABLE = "KB_MCP_TOKEN"  # noqa: S105 - the name of a variable
TOKEN_FILE_VARIABLE = "KB_MCP_TOKEN_FILE"  # noqa: S105 - the name of a variable
DEFAULT_ADDRESS = "127.0.0.1:8765"
PATH = "/mcp"
#: Of 32 random bytes as hex there are 64; a word that can be guessed has fewer than this.
_FEWEST_CHARACTERS = 32
_MOST_TOKEN_FILE = 1 << 20
_TOKEN = re.compile(r"[A-Za-z0-9._~+/=-]{1,4096}")  # RFC 6750, section 2.1
_NAME = re.compile(r"[A-Za-z0-9._-]{1,64}")
_RATE = re.compile(r"[1-9][0-9]{0,6}/(second|minute|hour|day)")
#: A value of `Host`, or of what may be allowed as one.
HOST_FORM = re.compile(
    r"[A-Za-z0-9.-]{1,253}(:[0-9]{1,5}|:\*)?|\[[0-9A-Fa-f:.]{2,45}\](:[0-9]{1,5}|:\*)?"
)
_ORIGIN = re.compile(rf"https?://(?:{HOST_FORM.pattern})")
_PORT = re.compile(r"[0-9]{1,5}")  # longer ones `int` may refuse
_MOST_PORT = 65_535
_LOOPBACK_HOSTS = ("127.0.0.1", "localhost", "[::1]")
_MAKE_ONE = 'python -c "import secrets; print(secrets.token_hex(32))"'


@dataclass(frozen=True)
class OAuthSettings:
    """Whose access tokens are taken: RFC 9068 tokens of one issuer, for one audience.

    `jwks` is the address of the issuer's keys; empty where its metadata names it.
    """

    issuer: str
    audience: str
    jwks: str = ""
    scopes: tuple[str, ...] = ()


@dataclass(frozen=True)
class HttpSettings:
    """All that the server is told. `tokens` has the SHA-256 of each static token, and its name."""

    host: str
    port: int
    tokens: Mapping[str, str] = field(default_factory=dict)
    oauth: OAuthSettings | None = None
    public_url: str = ""
    hosts: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    rate: str = "120/minute"

    @property
    def asks_for_token(self) -> bool:
        """Whether a request needs a bearer token."""
        return bool(self.tokens) or self.oauth is not None

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can reach it."""
        return ip_address(self.host).is_loopback

    def allowed_hosts(self) -> list[str]:
        """The values of `Host` that are answered: `name`, `name:port` or `name:*`."""
        own = f"[{self.host}]" if ":" in self.host else self.host
        named = [urlsplit(self.public_url).netloc] if self.public_url else []
        plain = dict.fromkeys((*_LOOPBACK_HOSTS, own, *named, *self.hosts))
        return [form for name in plain for form in _with_any_port(name)]

    def allowed_origins(self) -> list[str]:
        """The values of `Origin` that are answered: pages of this machine only on loopback."""
        local = [f"http://{name}:*" for name in _LOOPBACK_HOSTS] if self.is_loopback else []
        parts = urlsplit(self.public_url)
        own = [f"{parts.scheme}://{parts.netloc}"] if self.public_url else []
        return [*local, *own, *self.origins]


def _with_any_port(name: str) -> list[str]:
    has_port = re.search(r":(\d+|\*)\Z", name)
    return [name] if has_port else [name, f"{name}:*"]


def parse_address(text: str) -> tuple[str, int]:
    """Host and port of `127.0.0.1:8765` or `[::1]:8765`; port 0 is any that is free.

    Raises `KbError` for anything else: names are not resolved, for they may come to mean another
    network.
    """
    host, _, port = text.rpartition(":")
    host = {"localhost": "127.0.0.1"}.get(host, host.removeprefix("[").removesuffix("]"))
    try:
        address = ip_address(host)
    except ValueError:
        address = None
    if address is None or not (_PORT.fullmatch(port) and int(port) <= _MOST_PORT):
        raise KbError(
            f"'{text[:100]}' is no HOST:PORT",
            where="--http",
            todo=f"Give an IP address and a port, such as {DEFAULT_ADDRESS}; "
            "the folder stands before it: kb mcp FOLDER --http.",
        )
    return str(address), int(port)


def read_tokens(token: str, file: Path | None) -> dict[str, str]:
    """The static tokens, by SHA-256, each with its name: one of the environment, those of a file.

    A line of the file is `TOKEN` or `NAME TOKEN`. Raises `KbError`, which never quotes a token.
    """
    found: dict[str, str] = {}
    if token.strip():
        found |= _token(token.strip(), TOKEN_VARIABLE, "token")
    if file is not None:
        try:
            text = read_named(file, _MOST_TOKEN_FILE).decode("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise KbError("the tokens cannot be read", where=str(file)) from error
        lines = [line.split() for line in text.splitlines()]
        for number, words in enumerate(lines, start=1):
            if words and not words[0].startswith("#"):
                found |= _line(words, f"{file}:{number}", f"token-{number}")
        if not found:
            raise KbError("holds no token", where=str(file), todo=f"Make one: {_MAKE_ONE}")
    return found


def _line(words: list[str], where: str, name: str) -> dict[str, str]:
    if len(words) > 2:  # noqa: PLR2004 - a name and a token
        raise KbError("is no line of 'NAME TOKEN'", where=where)
    named, token = (name, *words) if len(words) == 1 else words
    if not _NAME.fullmatch(named):
        raise KbError("a name has letters, digits, '.', '_' and '-'", where=where)
    return _token(token, where, named)


def _token(token: str, where: str, name: str) -> dict[str, str]:
    if len(token) < _FEWEST_CHARACTERS or not _TOKEN.fullmatch(token):
        raise KbError(
            f"a token has at least {_FEWEST_CHARACTERS} letters, digits and '._~+/=-'",
            where=where,
            todo=f"Make one: {_MAKE_ONE}",
        )
    return {token_hash(token): name}


def token_hash(token: str) -> str:
    """What a token is known by here."""
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


def refuse_unsafe(settings: HttpSettings) -> None:
    """Nothing for settings that may be served. Raises `KbError` with the way out for others."""
    address = ip_address(settings.host)
    if not address.is_loopback and not settings.asks_for_token:
        raise KbError(
            f"{address} can be reached from other machines, and no token is asked for",
            where="--http",
            todo=f"Set {TOKEN_VARIABLE} or --token-file, or --oauth-issuer; or listen on loopback.",
        )
    if address.is_global and settings.oauth is None:
        raise KbError(
            f"{address} is a public address; a static token is for private networks",
            where="--http",
            todo="Give --oauth-issuer and --public-url, or listen behind a proxy.",
        )
    if not _RATE.fullmatch(settings.rate):
        raise KbError(f"'{settings.rate[:40]}' is no rate", where="--rate", todo="Say 120/minute.")
    host = "is no host, with or without a port"
    _refuse(settings.hosts, HOST_FORM, host, "--allow-host", "Say kb.internal or kb.internal:8765.")
    _refuse(
        settings.origins, _ORIGIN, "is no origin", "--allow-origin", "Say https://tools.internal."
    )
    _refuse_addresses(settings.oauth, settings.public_url)


def is_origin(text: str) -> bool:
    """Whether a value of `Origin` is a scheme, a host and perhaps a port."""
    return bool(_ORIGIN.fullmatch(text))


def _refuse(values: Iterable[str], form: re.Pattern[str], what: str, where: str, todo: str) -> None:
    for value in values:
        if not form.fullmatch(value):
            raise KbError(f"'{value[:100]}' {what}", where=where, todo=todo)


def _refuse_addresses(oauth: OAuthSettings | None, public_url: str) -> None:
    for name, value in (
        ("--oauth-issuer", oauth.issuer if oauth else ""),
        ("--oauth-jwks", oauth.jwks if oauth else ""),
        ("--public-url", public_url),
    ):
        if value and not is_safe_address(value):
            raise KbError(
                f"'{value[:200]}' is no https address",
                where=name,
                todo="Give it as https://host/path, without user, query or fragment; "
                "http is allowed on loopback alone.",
            )
    if oauth and not public_url:
        raise KbError("is missing", where="--public-url", todo="Clients look for metadata there.")


def is_safe_address(text: str) -> bool:
    """Whether an address is https, or http on this machine, with nothing hidden in it."""
    try:
        parts = urlsplit(text)
        host = parts.hostname or ""
        parts.port  # noqa: B018 - read for what it raises
    except ValueError:
        return False
    if parts.username is not None or parts.query or parts.fragment or not host:
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and _is_local(host))


def _is_local(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def is_private_peer(address: str) -> bool:
    """Whether a request comes from this machine or a private network, and not from the world."""
    try:
        peer: IPv4Address | IPv6Address = ip_address(address.partition("%")[0])
    except ValueError:
        return False
    mapped = peer.ipv4_mapped if isinstance(peer, IPv6Address) else None
    return not (mapped or peer).is_global
