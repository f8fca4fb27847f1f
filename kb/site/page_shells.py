"""Gives an engine each page without its text, and puts the text where the engine left its place.

All of a page but its headings is HTML already, which both engines read twice and hand on as it was:
most of the time they take (`scripts/bench site`). So an engine is given the settings of a page, its
headings, and a mark for each stretch of text between them; of these it makes head, menu and table
of contents. A plugin or an extension of a team's own would miss the text: with one, pages are whole
(`mkdocs_settings.only_frames`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path, PurePath

from kb.errors import KbError
from kb.safe_files import Root, walk
from kb.site.links import HOME, MARK

_PAGE = ".md"
#: In the place of a stretch of text. No record can write it: shells hold headings alone, escaped.
_PLACE = "<!--kb-text-->"
#: A heading stands alone between blank lines, and no other line of a page is blank (`templates`).
_HEADING = re.compile(r"(?:\A|\n\n)(## [^\n]*)(?=\n|\Z)")
_END_OF_SETTINGS = "\n---\n\n"
#: As Python-Markdown writes tabs, so that a page is the same as one that an engine was given whole.
_TAB_CHARACTERS = 4


def write_shells(pages: Path, shells: Path) -> None:
    """Write the shell of each page into a folder of its own, with nothing else in it."""
    with Root(shells).filler() as fill:
        for name in _files(pages):
            if name.suffix == _PAGE:
                fill(name, shell_of((pages / name).read_text(encoding="utf-8")).encode())


def take_over_files(pages: Path, built: Path) -> None:
    """Copy what lies among the pages and is none to where an engine would have copied it."""
    source = Root(pages)
    with Root(built).filler() as fill:
        for name in _files(pages):
            if name.suffix != _PAGE:
                with source.open_regular(name) as stream:
                    fill(name, stream.read())


def completed(pages: Path) -> Callable[[PurePath, str], str]:
    """What gives a built file, by its name on the site, the text of its page."""

    def whole(name: PurePath, built: str) -> str:
        if name.name != "index.html":
            return built
        page = pages / page_of(name)
        return with_text(built, page.read_text(encoding="utf-8"), name)

    return whole


def page_of(built: PurePath) -> PurePath:
    """The page of which an engine built a file: `a/b/index.html` is that of `a/b.md`."""
    folder = built.parent
    return folder.with_name(f"{folder.name}{_PAGE}") if folder.name else PurePath(f"{HOME}{_PAGE}")


def shell_of(page: str) -> str:
    """A page with a mark in the place of each stretch of text."""
    settings, parts = _divided(page)
    lines = (part if is_heading else _PLACE for is_heading, part in parts)
    return f"{settings}{_END_OF_SETTINGS}" + "\n\n".join(lines) + "\n"


def with_text(built: str, page: str, name: PurePath) -> str:
    """What an engine built of a shell, with the text of the page.

    Raises `KbError` where it did not keep each mark once.
    """
    texts = [part for is_heading, part in _divided(page)[1] if not is_heading]
    frame = built.split(_PLACE)
    if len(frame) != len(texts) + 1:
        raise KbError(
            "the engine did not keep the places of a page's text",
            where=str(name),
            todo="Build with the other engine: kb site --engine mkdocs or zensical.",
        )
    whole = [frame[0]]
    for text, after in zip(texts, frame[1:], strict=True):
        whole += (text.expandtabs(_TAB_CHARACTERS).replace(f'="{MARK}', '="'), after)
    return "".join(whole)


def _divided(page: str) -> tuple[str, list[tuple[bool, str]]]:
    """A page's settings, and its stretches in order: whether each is a heading, and its text."""
    settings, _, body = page.partition(_END_OF_SETTINGS)
    # Between the stretches stand the headings, which the pattern's group gives.
    found = _HEADING.split(body.strip("\n"))
    return settings, [
        (number % 2 == 1, part.strip("\n")) for number, part in enumerate(found) if part.strip("\n")
    ]


def _files(folder: Path) -> Iterator[PurePath]:
    for place, _, names in walk(folder):
        inside = PurePath(place).relative_to(folder)
        yield from (inside / name for name in names)
