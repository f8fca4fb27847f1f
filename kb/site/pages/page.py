"""One page before its template, one kind of page, and the step from values to the engine's page."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial

from kb.records.postmortem import Postmortem
from kb.site import links
from kb.site.content import Site
from kb.site.links import SitePage
from kb.site.templates import render


@dataclass(frozen=True, slots=True)
class PageValues:
    """What one page says: the values of its template, and what a `SitePage` has beside its body."""

    path: str
    title: str
    values: Mapping[str, object]
    description: str = ""
    searchable: bool = False
    contents: bool = False
    found_by: tuple[str, ...] = ()
    leads_to: str = ""


@dataclass(frozen=True, slots=True)
class PageTemplate:
    """One kind of page: its template, and the function that gives the values of its pages.

    A kind that is `internal` has no page in an edition for outsiders. One that has a page for each
    record gives that by `of_record` too.
    """

    template: str
    pages: Callable[[Site], Iterable[PageValues]]
    internal: bool = False
    of_record: Callable[[Site, Postmortem], PageValues] | None = None


def rendered_page(template: str, page: PageValues) -> SitePage:
    """The page as an engine reads it.

    Beside its values the template gets `title`, and `address_of` and `file_address_of`, which give
    the address of another page or of a file as written on this one.
    """
    body = render(
        template,
        title=page.title,
        address_of=partial(links.relative, page.path),
        file_address_of=partial(links.relative_file, page.path),
        **page.values,
    )
    return SitePage(
        page.path,
        page.title,
        str(body),
        page.description,
        page.searchable,
        page.contents,
        page.found_by,
        page.leads_to,
    )
