"""The page of a class, cause, control, tool, route or owner: what its incidents have in common.

The class page turns records into prevention: what the word means, its incidents in time, what was
promised across them and is still owed, and the control that would have caught most of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from statistics import median

from markupsafe import Markup

from kb.actions.action import Action, listed
from kb.humanize import duration, in_words
from kb.records.postmortem import Postmortem
from kb.site import links
from kb.site.content import Site
from kb.site.links import PageKind
from kb.site.pages import charts
from kb.site.pages.actions_page import action_rows
from kb.site.pages.incident_lists import brief_rows, incident_rows
from kb.site.pages.page import PageValues
from kb.site.pages.record_links import Link, word_link

Members = tuple[Postmortem, ...]
Values = Mapping[str, object]
#: Rows on the first page of a word, and on each that follows.
_NEWEST, _PER_PAGE = 10, 150
#: Controls shown where several were missing equally often, and promises before they are folded.
_MOST_TIES, _FIRST, _MOST_FOLDED = 3, 5, 15
_MOST_CONTROLS, _MOST_LEVERS, _MOST_SIGNALS = 6, 5, 8


@dataclass(frozen=True, slots=True)
class _Word:
    """One word of a kind with its page and its records, oldest first."""

    kind: PageKind
    name: str
    path: str
    records: Members
    definition: str

    @property
    def shown(self) -> str:
        return in_words(self.name) if self.kind.taxonomy else self.name

    @property
    def newest(self) -> list[Postmortem]:
        return sorted(self.records, key=lambda record: (record.date, record.id), reverse=True)

    @property
    def page_count(self) -> int:
        return 1 + max(0, -(-(len(self.records) - _NEWEST) // _PER_PAGE))


def _words(site: Site, kind: PageKind) -> tuple[_Word, ...]:
    """The words of a kind that have a page, in the order in which records first used them."""
    found: dict[str, list[Postmortem]] = {}
    for record in site.records:
        for word in dict.fromkeys(kind.words(record)):
            if site.names.path(kind.folder, word):
                found.setdefault(word, []).append(record)
    return tuple(
        _Word(
            kind,
            name,
            site.names.path(kind.folder, name),
            tuple(records),
            site.form.definition(kind.taxonomy, name) if kind.taxonomy else "",
        )
        for name, records in found.items()
    )


def word_indexes(site: Site) -> Iterator[PageValues]:
    """The words of each kind, those of the most records first."""
    kinds = tuple(site.kinds.values())
    for kind in kinds:
        words = _words(site, kind)
        known = {word.name for word in words}
        taxonomy = site.form.taxonomies[kind.taxonomy] if kind.taxonomy else ()
        values = {
            "others": [
                Link(other.title, links.relative(kind.folder, other.folder))
                for other in kinds
                if other is not kind
            ],
            "words": [
                {
                    "name": word.shown,
                    "address": links.relative(kind.folder, word.path),
                    "count": len(word.records),
                    "latest": max(record.date for record in word.records),
                    "definition": word.definition,
                }
                for word in sorted(words, key=lambda word: (-len(word.records), word.name))
            ],
            "unseen": ", ".join(word.name for word in taxonomy if word.name not in known),
            "without_page": site.names.without.get(kind.folder, 0),
        }
        yield PageValues(kind.folder, kind.title, values, f"Incidents by {kind.noun}.")


def words(site: Site) -> Iterator[PageValues]:
    """The first page of each word of each kind."""
    for kind in site.kinds.values():
        for word in _words(site, kind):
            values = {
                **_head(word),
                **_figures(word.records),
                "prevention": _prevention(site, word),
                "owed": _owed(site, word),
                "time_line": _time_line(word),
                "rows": incident_rows(site, word.newest[:_NEWEST], word.path),
                "pages": _pages(word, 1),
                "signals": _signals(word.records),
            }
            text = word.definition or f"Incidents of {word.name}."
            yield PageValues(word.path, word.shown, values, text, contents=True)


def older_incident_pages(site: Site) -> Iterator[PageValues]:
    """What does not stand on the first page of a word, shorter, page by page."""
    for kind in site.kinds.values():
        for word in _words(site, kind):
            rest = word.newest[_NEWEST:]
            for number in range(2, word.page_count + 1):
                path = f"{word.path}/{number}"
                chunk = rest[(number - 2) * _PER_PAGE : (number - 1) * _PER_PAGE]
                values = {
                    "word": Link(word.shown, links.relative(path, word.path)),
                    "count": len(word.records),
                    "rows": brief_rows(site, chunk, path, {"severity"}),
                    "pages": _pages(word, number),
                }
                yield PageValues(path, f"{word.shown}, page {number}", values)


def _pages(word: _Word, here: int) -> list[Link]:
    """Links to the pages of a word, the page itself without one; none where one page holds all."""
    if word.page_count == 1:
        return []

    def path(number: int) -> str:
        return word.path if number == 1 else f"{word.path}/{number}"

    return [
        Link(str(number), "" if number == here else links.relative(path(here), path(number)))
        for number in range(1, word.page_count + 1)
    ]


def _head(word: _Word) -> Values:
    return {
        "kind": Link(word.kind.title, links.relative(word.path, word.kind.folder)),
        "definition": word.definition,
        "count": len(word.records),
        "latest": max(record.date for record in word.records),
    }


def _figures(records: Members) -> Values:
    """How long nobody knew, and how many customers felt it, each with the records that say so."""
    chains = [m for r in records if (m := r.clocks.detection_chain_minutes) is not None and m >= 0]
    counted = [n for r in records if (n := r.customers_affected) is not None]
    return {
        "undetected": duration(median(chains)) if chains else "",
        "undetected_n": len(chains),
        "customers": sum(counted),
        "customers_n": len(counted),
    }


def _prevention(site: Site, word: _Word) -> Values | None:
    """The control that was missing most often, and what the records say would have caught them."""
    records = word.records
    counts = Counter(record.missing_control for record in records if record.missing_control)
    if word.kind.folder == "controls" or not counts:
        return None
    most = max(counts.values())
    first = sorted(name for name, n in counts.items() if n == most)
    return {
        "would_have_caught_most": 2 * most > len(records) and len(records) > 1,
        "controls": [
            (
                word_link(site, word.path, "controls", name),
                site.form.definition("missing_control", name),
            )
            for name in first[:_MOST_TIES]
        ],
        "most": most,
        "each": len(first) > 1,
        "others": [
            (word_link(site, word.path, "controls", name), n)
            for name, n in counts.most_common(_MOST_CONTROLS)
            if n < most
        ],
    }


def _owed(site: Site, word: _Word) -> Values | None:
    """What was promised across the records, and what of it is still open."""
    if not site.edition.is_internal:
        return None
    promised = [a for record in word.records for a in site.actions_by_record.get(record.id, ())]
    if not promised:
        return None
    owed: list[Action] = list(listed(action for action in promised if action.is_open))
    untold = sum(1 for action in owed if action.completion_unknown)
    levers = Counter(action.lever for action in promised if action.lever)
    rest = owed[_FIRST:]
    return {
        "promised": len(promised),
        "closed": sum(1 for action in promised if action.state == "closed"),
        "still_open": len(owed) - untold,
        "untold": untold,
        "levers": ", ".join(f"{name} {n}" for name, n in levers.most_common(_MOST_LEVERS)),
        "first": action_rows(site, owed[:_FIRST], word.path),
        "folded": action_rows(site, rest[:_MOST_FOLDED], word.path),
        "more": len(rest),
        "left": max(0, len(rest) - _MOST_FOLDED),
    }


def _time_line(word: _Word) -> Markup:
    """The incidents in time; nothing where there is only one."""
    ordered = sorted(word.records, key=lambda record: record.date)
    if len(ordered) == 1:
        return Markup()
    return charts.moments(
        [
            charts.Dot(r.date, 0, r.title, links.relative(word.path, links.incident(r.id)))
            for r in ordered
        ]
    )


def _signals(records: Members) -> list[str]:
    """What the records say would have detected them, the latest first: the alerts to build."""
    return [
        text
        for record in reversed(records)
        if (section := record.section("detection"))
        for text in section.values("WOULD_HAVE_DETECTED")
    ][:_MOST_SIGNALS]
