"""The list of related incidents: probability, reason, verdict, open promises."""

from __future__ import annotations

from kb.format import plural
from kb.records.model import Postmortem
from kb.site.content import Site
from kb.site.html import cut, escape, to_inline_html
from kb.site.pages.pieces import day, link_target, record_link, rows, severity
from kb.site.related import Related

_VERDICTS = {
    "repeat": "Repeat",
    "related": "Related",
    "different": "Looks alike, is different",
}
_PASSAGE_CHARACTERS = 160


def related_html(site: Site, record: Postmortem, source: str) -> str:
    """The list of earlier incidents, and those that came after and repeat this one."""
    found = [one for one in site.related.get(record.id, ()) if one.id in site.by_id]
    parts = [
        rows((_card(site, record, one, source) for one in found), "kb-related"),
        "" if found and not site.why_not_related else _none(site, record),
        _later(site, record, source),
    ]
    return "\n".join(part for part in parts if part)


def _none(site: Site, record: Postmortem) -> str:
    """Why nothing more stands here, in one sentence; an edition for others does not say."""
    if not site.edition.is_internal:
        return ""
    said = site.why_not_related or "Nothing similar is known."
    if not record.is_published:
        said = "A draft is compared with nothing yet: kb similar does that."
    return f'<p class="kb-quiet">{escape(said)}</p>'


def _card(site: Site, record: Postmortem, one: Related, source: str) -> str:
    earlier = site.by_id[one.id]
    verdict = _VERDICTS.get(one.verdict, "")
    chip = f'<span class="kb-verdict-chip kb-v-{one.verdict}">{verdict}</span>' if verdict else ""
    return (
        f'<div class="kb-prob">{_probability(one)}</div><div><p class="kb-related-title">'
        f"{record_link(site, source, one.id)}</p>"
        f'<p class="kb-meta">{day(earlier.date)} {severity(earlier)} {chip}{_reasons(one)}</p>'
        f"{_why(site, record, one, source)}{_passage(site, one)}{_promises(one)}</div>"
    )


def _probability(one: Related) -> str:
    if one.probability is None:
        return '<span class="kb-quiet">by hand</span>'
    share = round(one.probability * 100)
    return (
        f"<b>{share} %</b><small>same class</small>"
        '<svg class="kb-meter" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">'
        f'<path d="M0 3H{share}"/></svg>'
    )


def _reasons(one: Related) -> str:
    return "".join(
        f' <span class="kb-chip">{escape(_of_this(reason))}</span>' for reason in one.reasons
    )


def _of_this(reason: str) -> str:
    """A reason that was said to an author, as it is said on a page."""
    return reason.replace("like yours", "like this one")


def _why(site: Site, record: Postmortem, one: Related, source: str) -> str:
    if not one.why:
        return ""
    existed = {"yes": " The fix existed by then.", "no": " No fix existed by then."}
    text = to_inline_html(one.why, link_target(site, record, source))
    return f'<p class="kb-why">{text}.{existed.get(one.fix_existed, "")}</p>'.replace("..", ".")


def _passage(site: Site, one: Related) -> str:
    text = " ".join(one.passage.split())
    if not text or one.why:
        return ""
    shown = cut(text, _PASSAGE_CHARACTERS)
    rows_ = (section.heading for section in site.form.sections if section.key == one.section)
    name = next(rows_, one.section)
    return f"<blockquote><small>{escape(name)}</small> {escape(shown)}</blockquote>"


def _promises(one: Related) -> str:
    parts = []
    if one.open_then:
        listed = "".join(f"<li>{to_inline_html(text)}</li>" for text in one.open_then)
        said = plural(len(one.open_then), "promise of it was", "promises of it were")
        parts.append(
            f'<p class="kb-broken">{said} still open when this happened</p><ul>{listed}</ul>'
        )
    elif one.open_now:
        said = plural(len(one.open_now), "promise of it is", "promises of it are")
        parts.append(f'<p class="kb-open-now">{said} open today</p>')
    return f'<div class="kb-promises">{"".join(parts)}</div>' if parts else ""


def _later(site: Site, record: Postmortem, source: str) -> str:
    later = site.came_again.get(record.id, ())
    if not later:
        return ""
    items = rows(
        (f"{day(one.date)} {record_link(site, source, one.id)}" for one in later), "kb-again"
    )
    return f'<div class="kb-later"><h3>It came again</h3>\n{items}</div>'
