"""Does this site offer search by meaning? Its files among the pages, or why there are none."""

from __future__ import annotations

from pathlib import Path

from kb.distribution import install_line
from kb.errors import KbError
from kb.library import Library
from kb.site.content import Site


def add_meaning(library: Library, site: Site, pages: Path) -> tuple[int, str]:
    """Write what search by meaning needs among a site's pages.

    The megabytes a reader loads and an empty text; or 0, and in a sentence why there is none.
    """
    try:
        from kb.site.semantic.files import prepare

        semantic = prepare(library, site)
    except ImportError as error:
        return 0, f"No search by meaning: {error.name} is missing. {install_line('all')}"
    except KbError as error:
        return 0, " ".join(filter(None, (f"No search by meaning: {error.what}.", error.todo)))
    semantic.write(pages)
    return semantic.megabytes, ""
