"""What stands beside an incident: earlier ones like it, and later ones that repeat it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, replace
from datetime import date
from itertools import groupby

from markupsafe import Markup

from kb.records.postmortem import Postmortem
from kb.site.content import Site
from kb.site.pages.record_links import Link, record_link
from kb.site.related_incidents import OtherTeamIncident, Related
from kb.site.safe_html import LinkTarget, cut_at_words, summary_text, telling_words, to_inline_html

_VERDICTS = {
    "repeat": "Repeat",
    "related": "Related",
    "different": "Looks alike, is different",
}
_FIX_EXISTED = {"yes": "The fix existed by then.", "no": "No fix existed by then."}
_PASSAGE_CHARACTERS, _SUMMARY_CHARACTERS = 160, 1500
#: Words for a probability from so many per cent on: those of the IPCC's reports.
_LIKELIHOODS = (
    (90, "Very likely of the same class"),
    (66, "Likely of the same class"),
    (50, "More likely than not of the same class"),
    (0, "Less likely than not of the same class"),
)
_BY_AUTHOR = "Named by its author"


@dataclass(frozen=True, slots=True)
class RelatedCard:
    """One earlier incident beside another, as a page shows it.

    `share` is the probability of the same class in per cent, None where only the author names it.
    `section` and `passage` are the text of it that matches, from the sentence on that has most
    words of this one, empty where the author says why.
    """

    link: Link
    date: date
    severity: str
    share: int | None
    verdict: str
    verdict_said: str
    reasons: tuple[str, ...]
    why: Markup
    fix_existed: str
    section: str
    passage: str
    open_then: tuple[str, ...]
    open_now: tuple[str, ...]

    @property
    def likelihood(self) -> str:
        """The probability of the same class in words; who named it, where none is known."""
        share = self.share
        if share is None:
            return _BY_AUTHOR
        return next(said for least, said in _LIKELIHOODS if share >= least)


@dataclass(frozen=True, slots=True)
class RelatedGroup:
    """Incidents of which one thing is said: how likely they are of the same class, in words.

    `percent` is their probabilities, as "94–99 %", empty where their author named them.
    """

    said: str
    percent: str
    cards: tuple[RelatedCard, ...]


def related_values(
    site: Site, record: Postmortem, source: str, target: LinkTarget
) -> Mapping[str, object]:
    """The earlier incidents, why there are no more, the later ones, and those of other teams."""
    found = tuple(_counted(site, site.related.get(record.id, ())))
    different = tuple(one for one in found if one.verdict == "different")
    alike = tuple(one for one in found if one.verdict != "different")
    later = site.came_again.get(record.id, ())
    elsewhere = site.elsewhere.get(record.id, ())
    # What a passage has in common with this record is what a reader looks for in it.
    words = telling_words(f"{record.title} {summary_text(record, _SUMMARY_CHARACTERS)}")
    is_empty = not (found or later or elsewhere)

    def groups(some: Iterable[Related]) -> tuple[RelatedGroup, ...]:
        return tuple(_groups(_card(site, one, source, words, target) for one in some))

    return {
        "related": groups(alike),
        "different": groups(different),
        "different_count": len(different),
        "why_none": _why_none(site, record) if is_empty or site.why_not_related else "",
        "later": tuple((one.date, record_link(site, source, one.id)) for one in later),
        "elsewhere": tuple(map(_other_team, elsewhere)),
    }


def _groups(cards: Iterable[RelatedCard]) -> Iterator[RelatedGroup]:
    """The cards in their order, each word for a probability once."""
    for said, some in groupby(cards, lambda card: card.likelihood):
        group = tuple(some)
        shares = [card.share for card in group if card.share is not None]
        ends = dict.fromkeys((min(shares), max(shares))) if shares else {}
        yield RelatedGroup(said, f"{'–'.join(map(str, ends))} %" if ends else "", group)


def _counted(site: Site, found: Iterable[Related]) -> Iterator[Related]:
    """Those that have a page, a merged one as the record that counts in its place."""
    seen: set[str] = set()
    for one in found:
        name = site.counted(one.id)
        if name in site.by_id and (one.verdict or one.why or name not in seen):
            yield replace(one, id=name)
        seen.add(name)


@dataclass(frozen=True, slots=True)
class OtherTeamCard:
    """An incident of another team beside one, as a page shows it; `share` is in per cent."""

    team: str
    said: str
    id: str
    date: date
    share: int
    reasons: tuple[str, ...]
    has_text: bool


def _other_team(one: OtherTeamIncident) -> OtherTeamCard:
    reasons = tuple(map(_of_this, one.reasons))
    share = round(one.probability * 100)
    return OtherTeamCard(one.team, one.title, one.id, one.date, share, reasons, one.has_text)


def _why_none(site: Site, record: Postmortem) -> str:
    """Why nothing more stands here, in one sentence; an edition for others does not say."""
    if not site.edition.is_internal:
        return ""
    if not record.is_published:
        return "A draft is compared with nothing yet: kb similar does that."
    if site.why_not_related:
        return site.why_not_related
    # What its author named and this site has no page of stands among the sections.
    return "Nothing else like it is known here." if record.priors else "Nothing similar is known."


def _card(
    site: Site, one: Related, source: str, words: Set[str], target: LinkTarget
) -> RelatedCard:
    earlier = site.by_id[one.id]
    passage = "" if one.why else " ".join(one.passage.split())
    headings = (section.heading for section in site.form.sections if section.key == one.section)
    return RelatedCard(
        link=record_link(site, source, one.id),
        date=earlier.date,
        severity=earlier.severity,
        share=None if one.probability is None else round(one.probability * 100),
        verdict=one.verdict,
        verdict_said=_VERDICTS.get(one.verdict, ""),
        reasons=tuple(_of_this(reason) for reason in one.reasons),
        why=_sentence(to_inline_html(one.why, target)),
        fix_existed=_FIX_EXISTED.get(one.fix_existed, ""),
        section=next(headings, one.section),
        passage=cut_at_words(passage, words, _PASSAGE_CHARACTERS),
        open_then=one.open_then,
        open_now=one.open_now,
    )


def _of_this(reason: str) -> str:
    """A reason that was said to an author, as it is said on a page."""
    return reason.replace("like yours", "like this one")


def _sentence(text: Markup) -> Markup:
    """The text with a full stop at its end; nothing for no text."""
    return text if not text or text.endswith(".") else text + "."
