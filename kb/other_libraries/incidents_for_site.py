"""What other teams know, for a site: asked where the settings say so, and never by a draft."""

from __future__ import annotations

from importlib.util import find_spec

from kb.library import Library
from kb.site.related_incidents import Others


def ask_others(library: Library) -> Others:
    """The incidents of other teams like each published one, with `[search] everywhere` alone."""
    if not library.config.search.everywhere or find_spec("numpy") is None:
        return {}, ()
    from kb.other_libraries.open_libraries import open_other_libraries
    from kb.search.answer import PUBLIC
    from kb.site.related_incidents import elsewhere_of

    others = [one for one in open_other_libraries(library) if one.shares != PUBLIC]
    return elsewhere_of(library, others)
