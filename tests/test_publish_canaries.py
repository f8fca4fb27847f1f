"""Two thousand leaks, planted in many forms and places: no byte of an edition holds one.

A sample of them is built each time, all of them with --slow, with either engine.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from kb.library import open_library
from kb.sensitive.names.find_names import CUSTOMER, PERSON, SYSTEM, NameIndex, PrivateName
from kb.site.build_site import Build, build_site
from kb.site.external.name_replacement import TextCleaner, without_marks

import leaks_made as leaks
import leaks_of_another_hand as others
from external_texts import propose, sign, signed_site

_NAMES = (*leaks.NAMES, *others.NAMES)
_KINDS = {leaks.CUSTOMER: CUSTOMER, leaks.SHARED: CUSTOMER, leaks.SYSTEM: SYSTEM}
_SAMPLE = 29  # every 29th case: prime, so that forms and places are met evenly
_TWO_LETTERS_IN_A_WORD = {"in a word"}  # no filter can: docs/site.md says so


def _chosen(step: int) -> list[leaks.Case]:
    every = [
        case
        for case in leaks.cases()
        if not (case.script == "Latin two letters" and case.form in _TWO_LETTERS_IN_A_WORD)
    ]
    return every[::step]


def _of_another_hand(step: int) -> list[leaks.Case]:
    return list(others.cases())[::step]


def _written(folder: Path, cases: list[leaks.Case]) -> None:
    people = [name.declared for name in _NAMES if name.key == leaks.TEAM_NAMES]
    (folder / "kb.toml").write_text(f"[check]\npeople = {people!r}\n", "utf-8")
    for case in cases:
        leaks.write(folder / "postmortems", case)
    propose(folder)
    for case in (case for case in cases if case.place == "signed text"):
        path = folder / "postmortems" / case.identity / "external.md"
        if path.exists():
            planted = f"It says {case.text} there. Two people saw"
            path.write_text(path.read_text("utf-8").replace("Two people saw", planted), "utf-8")
    propose(folder)
    sign(folder)


def _leaks_in(built: Path, cases: list[leaks.Case]) -> list[str]:
    paths = [path for path in sorted(built.rglob("*")) if path.is_file()]
    chrome = (".js", ".css", ".woff2", ".wasm", ".ico", ".map")
    told = [path.read_bytes() for path in paths if not path.name.endswith(chrome)]
    texts = {".html", ".json", ".xml", ".csv", ".pf_fragment"}  # elsewhere two letters are chance
    read = [path.read_bytes() for path in paths if path.suffix in texts]
    short = {text for content in read for text in leaks.views(content)}
    names = "\n".join(path.relative_to(built).as_posix() for path in paths).encode()
    seen = {text for content in (*told, names) for text in leaks.views(content)}
    needles = {case.needles: case for case in cases}
    everything, texts_alone = "\n".join(seen), "\n".join(short)
    return [
        f"{found} of case {case.number}: {case.form}, {case.place}"
        for key, case in needles.items()
        if (found := _found(key, everything, texts_alone))
    ]


def _found(needles: tuple[str, ...], everything: str, texts: str) -> list[str]:
    """The needles in any byte; those of two letters in what is text alone."""
    short = tuple(needle for needle in needles if len(needle.strip()) < 3)
    long = tuple(needle for needle in needles if needle not in short)
    return [*leaks.found_in([everything], long), *leaks.found_in([texts], short)]


def _is_missed_in_signed_text(why: str) -> bool:
    said = ("must not be told", "KB9", "holds more", "has no place", "'Freight'")  # a question
    return any(words in why for words in said)


@pytest.mark.site
@pytest.mark.parametrize("engine", ["mkdocs", "zensical"])
@pytest.mark.parametrize("step", [_SAMPLE, pytest.param(1, marks=pytest.mark.slow)])
@pytest.mark.parametrize("made", [_chosen, _of_another_hand])
def test_no_byte_of_an_edition_holds_a_canary(
    made: Callable[[int], list[leaks.Case]], engine: str, step: int, library_folder: Path
) -> None:
    pytest.importorskip("material" if engine == "mkdocs" else "zensical")
    cases = made(step)
    _written(library_folder, cases)
    site = signed_site(library_folder)
    assert all(map(_is_missed_in_signed_text, site.refused))
    planted = sum(case.place == "signed text" for case in cases)  # each of these is to be refused
    assert len(site.records) >= (len(cases) - planted) * 0.95
    out = library_folder / "outside"
    build_site(open_library(library_folder), site, Build(out, engine), lambda text: None)
    assert _leaks_in(out, cases) == []


@pytest.mark.parametrize("made", [_chosen, _of_another_hand])
def test_no_cleaned_text_holds_a_canary(made: Callable[[int], list[leaks.Case]]) -> None:
    """The same without a page around it, for all of them."""
    names = [PrivateName(n.declared, _KINDS.get(n.key, PERSON)) for n in _NAMES]
    index = NameIndex(name for name in names if name.tells)
    left = []
    for case in made(1):
        said = TextCleaner(index, case.identity).text(f"It says {case.text} there.")
        seen = leaks.views(without_marks(said).encode("utf-8", "replace"))
        if leaks.found_in(seen, case.needles) or _has_tags(said):
            left.append((case.number, case.form, case.text, said))
    assert left == []


def _has_tags(text: str) -> bool:
    return any("\U000e0000" <= char <= "\U000e007f" for char in text)


@pytest.mark.parametrize("declared", [pair for row in others.BEYOND.values() for pair in row])
def test_what_the_documentation_says_is_beyond_the_filters_is(declared: tuple[str, str]) -> None:
    name, written = declared
    assert NameIndex([PrivateName(name, CUSTOMER)]).find(f"It says {written} there.") == []


def test_the_canaries_are_enough_and_can_be_seen() -> None:
    cases = _chosen(1)
    assert len(cases) >= 2000
    assert len({case.script for case in cases}) >= 12
    plain = [case for case in cases if case.form == "plain"]
    for case in plain:
        seen = leaks.views(f"It says {case.text} there.".encode())
        assert leaks.found_in(seen, case.needles) or len(case.text) < 3
