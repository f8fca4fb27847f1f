"""The one way to the store: connects, runs statements, and words what a server may refuse."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from kb.errors import KbError
from kb.installation import install_line
from kb.library import Library
from kb.trusted_settings import require

if TYPE_CHECKING:
    import psycopg
    from numpy.typing import NDArray
    from pgvector import HalfVector

Told = TypeVar("Told")
_NEEDED = ("psycopg", "pgvector")
#: A question must not wait for a server that is away; libpq would wait for two minutes.
_CONNECT_SECONDS = 5
_SETTING = "store.url"
#: What a server says before it lets a connection go.
_FATAL = "FATAL:"
#: What it says of a moment that passes.
_BUSY = ("starting up", "terminating", "shutting down", "too many", "connection slots")
_TOO_LONG = "Ask for less, or have statement_timeout of this role raised, then run it again."
_FREE = "Free disk or memory on the server, then run it again."
#: What is said of faults by the beginning of their SQLSTATE, and what to do. The connection is gone
#: with these,
_GONE = {
    "08": "the store does not answer",
    "25P03": "the store ended the connection",
    "25P04": "the store ended the connection",
    "28": "the store refuses the connection",
    "3D000": "the store refuses the connection",
    "53300": "the store refuses the connection",
    "57P01": "the store ended the connection",
    "57P02": "the store ended the connection",
    "57P03": "the store refuses the connection",
    "57P04": "the store ended the connection",
    "57P05": "the store ended the connection",
}
#: and there with these.
_REFUSED = {
    "40": ("two changes stood in each other's way in the store", "Run it again."),
    "53": ("the store has no room", _FREE),
    "55P03": ("two changes stood in each other's way in the store", "Run it again."),
    "57014": ("the store gave up", _TOO_LONG),
}


class StoreAwayError(KbError):
    """The server of the store cannot be reached, or went away."""


class Store:
    """A connection to the store. `statements` counts what was sent, COMMIT and BEGIN included."""

    def __init__(self, connection: psycopg.Connection[tuple[Any, ...]], address: str) -> None:
        self._connection = connection
        self.address = address
        self.statements = 0
        self._is_one_version = False

    def rows(
        self, statement: str, values: Sequence[Any] | Mapping[str, Any] = ()
    ) -> list[tuple[Any, ...]]:
        """The rows of a statement, numbers and bytes in the binary format.

        Raises `KbError` where the server refuses it, `StoreAwayError` where it is gone.
        """
        return self.send(statement, values).rows()

    def send(self, statement: str, values: Sequence[Any] | Mapping[str, Any] = ()) -> SentStatement:
        """A statement on its way; in `one_version` the server works on it while others are sent.

        Raises like `rows`.
        """
        self.statements += 1
        with _worded(self.address):
            cursor = self._connection.execute(statement, values, binary=True)
        return SentStatement(cursor, self.address)

    def run(self, script: str) -> None:
        """Run a script of statements without values. Raises like `rows`."""
        self.statements += 1
        with _worded(self.address):
            self._connection.execute(script)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """All of it or nothing; a nested one is part of the outer one."""
        self.statements += 2
        with _worded(self.address), self._connection.transaction():
            yield

    @contextmanager
    def one_version(self) -> Iterator[None]:
        """A transaction whose statements, all with rows, are sent without waiting for those before.

        A nested one is part of the outer one. Raises like `rows`.
        """
        if self._is_one_version:
            yield
            return
        self._is_one_version = True
        try:
            with _worded(self.address), self._connection.pipeline(), self.transaction():
                yield
        finally:
            self._is_one_version = False

    def understand_vectors(self) -> None:
        """Make ready to send and get vectors.

        Raises `KbError` without the extension, and like `rows`.
        """
        import psycopg
        from pgvector.psycopg import register_vector

        with _worded(self.address):
            try:
                register_vector(self._connection)
            except psycopg.ProgrammingError as error:
                if error.sqlstate:  # the server said so, not the driver that found no type
                    raise
                raise no_tables(self.address) from error

    def close(self) -> None:
        """Let go of the connection."""
        self._connection.close()


@dataclass(frozen=True)
class SentStatement:
    """A statement that was sent, and the address it went to."""

    cursor: psycopg.Cursor[tuple[Any, ...]]
    address: str

    def rows(self) -> list[tuple[Any, ...]]:
        """Its rows, as soon as they are there. Raises like `Store.rows`."""
        with _worded(self.address):
            is_command = self.cursor.pgresult is not None and self.cursor.description is None
            return [] if is_command else self.cursor.fetchall()


def is_set(library: Library) -> bool:
    """Whether the settings name a store."""
    return bool(library.config.store.url)


def prepare_store() -> None:
    """Raise `KbError` where the extra `store` is not installed."""
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        raise KbError(
            f"the store needs a driver that is not installed ({', '.join(missing)} missing)",
            todo=install_line("store"),
        )


def connect(library: Library, *, read_only: bool = False) -> Store:
    """A connection to the store that a library names.

    The password comes from PGPASSWORD, a password file or a service file, as libpq takes them.
    Raises `KbError` where no store is named or trusted, `StoreAwayError` where none answers.
    """
    refuse_address(library)
    return connect_to(library.config.store.url, read_only=read_only)


def refuse_address(library: Library) -> None:
    """Raises `KbError` where a library names no store, the user does not trust it, or no driver is.

    Nothing is asked of the server.
    """
    if not is_set(library):
        raise KbError(
            "no store is named",
            where=str(library.root / "kb.toml"),
            todo='Set [store] url = "postgresql://host/database", without a password.',
        )
    prepare_store()
    require(library.root, library.config, _SETTING)


def connect_to(url: str, *, read_only: bool = False) -> Store:
    """A connection to the server at an address. Raises like `connect`."""
    import psycopg

    with _worded(shown(url)):
        connection = psycopg.connect(
            url, connect_timeout=_CONNECT_SECONDS, autocommit=True, application_name="kb"
        )
    # A prepared plan does not know the limits that choose the graph of vectors.
    connection.prepare_threshold = None
    store = Store(connection, shown(url))
    if read_only:
        with closed_on_failure(store):
            store.run("SET default_transaction_read_only = on")
    return store


@contextmanager
def closed_on_failure(store: Store) -> Iterator[None]:
    """Lets go of a connection whose first use fails."""
    try:
        yield
    except BaseException:
        store.close()
        raise


def shown(url: str) -> str:
    """An address as it is told to people: host and database, no user and no options."""
    parts = urlsplit(url)
    where = parts.netloc.rpartition("@")[2]
    return f"{parts.scheme}://{where}{parts.path}"


def no_tables(address: str) -> KbError:
    """What is said of a database in which no store was set up."""
    return KbError(
        "there is no store in this database yet",
        where=address,
        todo="Run 'kb push --set-up' once, as the role that is to own it (docs/organisation.md).",
    )


@contextmanager
def _worded(address: str) -> Iterator[None]:
    """Raises `KbError` for what the server or the driver refuses."""
    import psycopg

    try:
        yield
    except psycopg.Error as error:
        raise _fault(error, address) from error


def _fault(error: psycopg.Error, address: str) -> KbError:
    import psycopg
    from psycopg import errors

    message = _first_line(error)
    if isinstance(error, errors.UndefinedTable | errors.InvalidSchemaName):
        return no_tables(address)
    if isinstance(error, errors.InsufficientPrivilege):
        todo = "Ask the store's owner: GRANT kb_writer TO you, or kb_reader to search only."
        return KbError(f"this role may not do that: {message}", where=address, todo=todo)
    code = error.sqlstate or ""
    if gone := _by_code(_GONE, code):
        return StoreAwayError(f"{gone}: {message}", where=address, todo=_what_to_do(message))
    if refused := _by_code(_REFUSED, code):
        return KbError(f"{refused[0]}: {message}", where=address, todo=refused[1])
    if not code and isinstance(error, psycopg.OperationalError):
        has_answered = _FATAL in str(error)
        what = "the store refuses the connection" if has_answered else "the store does not answer"
        return StoreAwayError(f"{what}: {message}", where=address, todo=_what_to_do(message))
    return KbError(f"the store refused it: {message}", where=address)


def _by_code(told: Mapping[str, Told], code: str) -> Told | None:
    """What is told of a code: of itself, else of its class, which is its first two characters."""
    return told.get(code) or told.get(code[:2])


def _what_to_do(message: str) -> str:
    """What to do about a connection that was refused, by what the server said."""
    if "password" in message or "authentication" in message:
        return "Set PGUSER and PGPASSWORD, or write ~/.pgpass; the password stands in no kb.toml."
    if "does not exist" in message:
        return "Check the database and the role, or create them (docs/organisation.md)."
    if any(word in message for word in _BUSY):
        return "Wait a moment, then run it again."
    return "Check that the server runs and the address in [store] url, then run it again."


def half_vector(vector: NDArray[Any]) -> HalfVector:
    """A vector in 16 bits, as the store holds it."""
    from pgvector import HalfVector

    return HalfVector(vector)


def _first_line(error: psycopg.Error) -> str:
    """What the server said, without the address that stands in front of it."""
    message = error.diag.message_primary or str(error)
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    last = (lines[0] if lines else type(error).__name__).rpartition(" failed: ")[2]
    return last.removeprefix(_FATAL).strip()
