"""The box for somebody to whom this is happening now: what contained it, what shows it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from markupsafe import Markup

from kb.humanize import duration, in_words
from kb.records.postmortem import Postmortem
from kb.records.ruled_out import ruled_out
from kb.site.safe_html import LinkTarget, to_inline_html

_SIGNALS = 3


@dataclass(frozen=True, slots=True)
class Advice:
    """What to do or to look at now: one text or several, and a remark behind them."""

    name: str
    texts: tuple[Markup | str, ...]
    remark: str = ""


def happening_now(record: Postmortem, link: LinkTarget) -> tuple[Advice, ...]:
    """What helps the on-call; empty where the record says nothing that does."""
    return tuple(_advice(record, link))


def _advice(record: Postmortem, link: LinkTarget) -> Iterator[Advice]:
    contained = next((entry for entry in record.timeline if "contained" in entry.tags), None)
    if contained:
        texts = (to_inline_html(contained.text, link),)
        yield Advice("What contained it then", texts, _after_detection(record))
    detection = record.section("detection")
    signals = detection.values("WOULD_HAVE_DETECTED") if detection else ()
    if signals:
        yield Advice("Look at", tuple(to_inline_html(text, link) for text in signals[:_SIGNALS]))
    effects = record.value("replay", "SIDE_EFFECTS_ALREADY_RUN")
    if effects:
        yield Advice("Do not run again", (to_inline_html(effects, link),))
    causes = record.section("root_cause")
    excluded = ruled_out(causes.values("RULED_OUT"))[:_SIGNALS] if causes else ()
    if excluded:
        parts = (to_inline_html(" — ".join(filter(None, one)), link) for one in excluded)
        yield Advice("Ruled out then", tuple(parts))
    control = record.value("counterfactual", "CONTROL_THAT_WOULD_HAVE_CAUGHT_IT")
    if control:
        yield Advice("What would have stopped it", (to_inline_html(control, link),))
    elif record.missing_control:
        yield Advice("What would have stopped it", (in_words(record.missing_control),))


def _after_detection(record: Postmortem) -> str:
    clocks = record.clocks
    if clocks.detected is None or clocks.contained is None or clocks.contained < clocks.detected:
        return ""
    minutes = (clocks.contained - clocks.detected).total_seconds() / 60
    return f"{duration(minutes)} after detection"
