"""The box for somebody to whom this is happening now: what contained it, what shows it."""

from __future__ import annotations

from collections.abc import Iterator

from kb.format import duration, in_words
from kb.records.model import Postmortem
from kb.site.html import LinkTarget, escape, to_inline_html


def happening_now(record: Postmortem, link: LinkTarget) -> str:
    """The box for the on-call; empty where the record says nothing that helps."""
    points = list(_points(record, link))
    if not points:
        return ""
    body = "".join(f"<div><dt>{name}</dt><dd>{text}</dd></div>\n" for name, text in points)
    return (
        '<aside class="kb-now" aria-labelledby="kb-now"><h2 id="kb-now" class="kb-plain">'
        f"If this is happening now</h2>\n<dl>\n{body}</dl></aside>"
    )


def _points(record: Postmortem, link: LinkTarget) -> Iterator[tuple[str, str]]:
    for entry in record.timeline:
        if "contained" in entry.tags:
            yield "What contained it then", to_inline_html(entry.text, link) + _after(record)
            break
    detection = record.section("detection")
    signals = detection.values("WOULD_HAVE_DETECTED") if detection else ()
    if signals:
        yield "Look at", _listed(signals[:3], link)
    effects = record.value("replay", "SIDE_EFFECTS_ALREADY_RUN")
    if effects:
        yield "Do not run again", to_inline_html(effects, link)
    control = record.value("counterfactual", "CONTROL_THAT_WOULD_HAVE_CAUGHT_IT")
    if control:
        yield "What would have stopped it", to_inline_html(control, link)
    elif record.missing_control:
        yield "What would have stopped it", escape(in_words(record.missing_control))


def _after(record: Postmortem) -> str:
    clocks = record.clocks
    if clocks.detected is None or clocks.contained is None or clocks.contained < clocks.detected:
        return ""
    minutes = (clocks.contained - clocks.detected).total_seconds() / 60
    return f" <small>{duration(minutes)} after detection</small>"


def _listed(texts: tuple[str, ...], link: LinkTarget) -> str:
    if len(texts) == 1:
        return to_inline_html(texts[0], link)
    return "<ul>" + "".join(f"<li>{to_inline_html(text, link)}</li>" for text in texts) + "</ul>"
