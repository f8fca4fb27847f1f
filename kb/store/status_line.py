"""How the store stands, in one line that tells nothing of a team."""

from __future__ import annotations

from kb.humanize import plural
from kb.library import Library
from kb.store.connection import connect
from kb.store.migrations import check_layout, newest


def examine_store(library: Library) -> str:
    """Versions and counts of the store that a library names.

    Raises `KbError` where it cannot be asked, with what mends it.
    """
    store = connect(library, read_only=True)
    try:
        check_layout(store)
        server, extension, libraries, records = store.rows(
            "SELECT current_setting('server_version'), (SELECT extversion FROM pg_extension "
            "WHERE extname = 'vector'), (SELECT count(*)::integer FROM kb.libraries), "
            "(SELECT count(*)::integer FROM kb.records)"
        )[0]
    finally:
        store.close()
    held = f"{plural(libraries, 'library', 'libraries')}, {plural(records, 'record')}"
    return f"PostgreSQL {server.split()[0]}, pgvector {extension}, layout {newest()}, {held}"
