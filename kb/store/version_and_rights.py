"""What the store holds for the role that asks: its version, and what that role may read of it.

A push raises the version, but a right is taken without one. So both are asked for every answer, and
what was read under other rights is told no more.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from kb.store.connection import SentStatement, Store, StoreAwayError

# The rows a role may read follow from `kb.readable()`, the columns from its grants; who owns a
# table, or passes over row-level security, is told by neither. A policy that was written anew is
# another row of the catalog. The role of the session is the one that connects: `ALTER ROLE … SET
# role` makes it act as its group, which cannot log in.
_STANDING = """
SELECT s.version, kb.readable(), r.rolcanlogin
        AND has_database_privilege(session_user, current_database(), 'CONNECT'),
    (SELECT md5(string_agg(concat(a.attrelid, '.', a.attnum), ' ' ORDER BY a.attrelid, a.attnum))
        FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
        WHERE c.relnamespace = 'kb'::regnamespace AND c.relkind = 'r' AND a.attnum > 0
            AND has_column_privilege(a.attrelid, a.attnum, 'SELECT')),
    (SELECT md5(string_agg(concat(c.oid, row_security_active(c.oid), p.xmin), ' '
            ORDER BY c.oid, p.oid))
        FROM pg_class c LEFT JOIN pg_policy p ON p.polrelid = c.oid
        WHERE c.relnamespace = 'kb'::regnamespace AND c.relkind = 'r')
FROM kb.statistics s, pg_roles r WHERE r.rolname = session_user
"""


@dataclass(frozen=True)
class StoreStanding:
    """Two that are equal read the same rows: nothing was pushed, granted or taken between them.

    `audiences` are those whose rows the role may read, `columns` and `policies` are hashes.
    """

    version: int
    audiences: frozenset[int]
    columns: str
    policies: str


@dataclass(frozen=True)
class SentStanding:
    """The question how things stand, on its way to the store."""

    sent: SentStatement

    @cached_property
    def standing(self) -> StoreStanding:
        """How they stand. Raises `StoreAwayError` where the role could not connect any more.

        PostgreSQL lets a connection live on that its role could not open again.
        """
        version, audiences, may_connect, columns, policies = self.sent.rows()[0]
        if not may_connect:
            raise StoreAwayError(
                "this role may not connect to the store any more",
                where=self.sent.address,
                todo="Ask the store's owner: GRANT CONNECT ON DATABASE … TO you, and LOGIN.",
            )
        return StoreStanding(version, frozenset(audiences), columns or "", policies or "")


def send_standing(store: Store) -> SentStanding:
    """Ask how things stand now."""
    return SentStanding(store.send(_STANDING))
