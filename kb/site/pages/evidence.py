"""Evidence sections as HTML, one function for each section that has a shape.

The idempotency audit is a matrix, the policy path two lanes, an outcome assert a claim against the
world, the timeline a line with tags, actions are chips. Every other section is a definition list.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from kb.records.list_items import ActionItem
from kb.records.markdown import FieldLine, SectionText
from kb.records.model import Postmortem
from kb.site.html import LinkTarget, escape, to_inline_html
from kb.site.pages.blocks import definitions, label, render, render_beside
from kb.site.pages.pieces import state_badge

Fields = tuple[FieldLine, ...]
Renderer = Callable[[SectionText, Postmortem, LinkTarget], str]

#: Questions of the audit whose answer is good when it is yes; the others are facts without colour.
_GOOD_WHEN_YES = {
    "WAS_THIS_CALL_IDEMPOTENT",
    "KEY_PRESENT_IN_TOOL_SCHEMA",
    "KEY_PRESENT_IN_AGENT_PROMPT",
    "KEY_PRESENT_IN_TRACE",
    "KEY_PRESENT_IN_LIVE_TRACE",
    "DEDUPE_AT_API_LAYER",
    "DEDUPE_AT_DB_LAYER",
}


def section_html(section: SectionText, record: Postmortem, link: LinkTarget) -> str:
    """One section of a record as HTML."""
    draw = _RENDERERS.get(section.key or "")
    return draw(section, record, link) if draw else render(section, link)


def _grouped(fields: Fields, opener: str) -> list[Fields]:
    groups: list[list[FieldLine]] = []
    for field in fields:
        if field.key == opener or not groups:
            groups.append([])
        groups[-1].append(field)
    return [tuple(group) for group in groups]


def _idempotency(section: SectionText, record: Postmortem, link: LinkTarget) -> str:
    return render(section, link, _audit_matrix)


def _audit_matrix(fields: Fields, link: LinkTarget) -> str:
    """Tools as columns, questions as rows; a gap is a cell that says no where yes was needed."""
    groups = [g for g in _grouped(fields, "TOOL") if g[0].key == "TOOL"]
    if not groups:
        return definitions(fields, link)
    by_tool = [{field.key: field for field in group} for group in groups]
    keys = dict.fromkeys(field.key for group in groups for field in group if field.key != "TOOL")
    head = "".join(f'<th scope="col"><code>{escape(g[0].value)}</code></th>' for g in groups)
    rows = "".join(
        f'<tr><th scope="row">{escape(label(key))}</th>'
        + "".join(_audit_cell(answers, key, link) for answers in by_tool)
        + "</tr>\n"
        for key in keys
    )
    return (
        '<div class="kb-scroll" tabindex="0" role="region" aria-label="Idempotency-key audit">'
        f'<table class="kb-audit"><thead><tr><td></td>{head}</tr></thead>\n<tbody>{rows}</tbody>'
        "</table></div>"
    )


def _audit_cell(answers: dict[str, FieldLine], key: str, link: LinkTarget) -> str:
    field = answers.get(key)
    if field is None or not field.value.strip():
        return '<td class="kb-none">not said</td>'
    needed = answers.get("SHOULD_IT_HAVE_BEEN")
    gap = key in _GOOD_WHEN_YES and field.word == "no" and bool(needed and needed.word == "yes")
    harm = key == "REAL_HARM_OCCURRED" and field.word == "yes"
    is_good = key in _GOOD_WHEN_YES and field.word == "yes"
    state = "gap" if gap or harm else "yes" if is_good else "fact"
    word, _, remark = field.value.partition("(")
    note = f"<small>{to_inline_html(remark.rstrip(') '), link)}</small>" if remark else ""
    return f'<td class="kb-{escape(state)}"><b>{escape(word.strip())}</b>{note}</td>'


def _policy_path(section: SectionText, record: Postmortem, link: LinkTarget) -> str:
    return render(section, link, _lanes)


def _lanes(fields: Fields, link: LinkTarget) -> str:
    """The allowed path over the actual one, step by step; the first step that differs is marked."""
    lanes = {f.key: _steps(f.value) for f in fields if f.key in {"ALLOWED_POLICY", "ACTUAL_PATH"}}
    if not any(len(steps) > 1 for steps in lanes.values()):
        return definitions(fields, link)
    allowed = lanes.get("ALLOWED_POLICY", ())
    html = "".join(
        f'<div class="kb-lane kb-{key.split("_")[0].lower()}"><span>{escape(label(key))}</span>'
        f"<ol>{_lane_steps(steps, () if key == 'ALLOWED_POLICY' else allowed, link)}</ol></div>\n"
        for key, steps in lanes.items()
    )
    rest = definitions([f for f in fields if f.key not in lanes], link)
    return f'<div class="kb-lanes">\n{html}</div>\n{rest}'


def _steps(text: str) -> tuple[str, ...]:
    return tuple(step.strip() for step in re.split(r"\s*(?:->|→)\s*", text) if step.strip())


def _lane_steps(steps: tuple[str, ...], allowed: tuple[str, ...], link: LinkTarget) -> str:
    same = [a == b for a, b in zip(steps, allowed, strict=False)]
    first = same.index(False) if False in same else min(len(steps), len(allowed))
    marked = first if allowed and steps != allowed else -1
    return "".join(
        f"<li{_DIVERGES if n == marked else ''}>{to_inline_html(step, link)}"
        f"{_LEFT if n == marked else ''}</li>"
        for n, step in enumerate(steps)
    )


def _outcome_asserts(section: SectionText, record: Postmortem, link: LinkTarget) -> str:
    return render(section, link, _claims)


def _claims(fields: Fields, link: LinkTarget) -> str:
    """Each claim beside the check that would have told, and whether it held."""
    cards = []
    for group in _grouped(fields, "LLM_SAYS_IT_DID"):
        claim = next((field for field in group if field.key == "LLM_SAYS_IT_DID"), None)
        held = next((field.word for field in group if field.key == "HELD"), "not-checked")
        rest = [field for field in group if field.key not in {"LLM_SAYS_IT_DID", "HELD"}]
        said = to_inline_html(claim.value, link) if claim else "no claim"
        state = {"yes": "It was so", "no": "It was not so"}.get(held, "Nobody checked")
        cards.append(
            f'<div class="kb-claim kb-held-{escape(held)}"><p class="kb-said">'
            f"<span>The agent said</span>{said}</p>\n{definitions(rest, link)}\n"
            f'<p class="kb-verdict">{state}</p></div>'
        )
    return "\n".join(cards)


def _timeline(section: SectionText, record: Postmortem, link: LinkTarget) -> str:
    """The dated lines as a list with their tags; the day stands only where it changes."""
    items, day = [], None
    for entry in record.timeline:
        at = entry.at
        shown_day = f'<span class="kb-day">{at:%-d %b %Y}</span>' if at.date() != day else ""
        day = at.date()
        clock = f"{at:%H:%M}" if entry.has_time else ""
        tags = "".join(
            f'<span class="kb-tag kb-t-{escape(t)}">{escape(t)}</span>' for t in entry.tags
        )
        marked = " ".join(f"kb-t-{escape(tag)}" for tag in entry.tags)
        items.append(
            f'<li class="{marked}"><time datetime="{at:%Y-%m-%dT%H:%MZ}">{shown_day}'
            f"<span>{clock}</span></time><div>{to_inline_html(entry.text, link)} {tags}</div></li>"
        )
    drawn = f'<ol class="kb-timeline">\n{"".join(items)}</ol>' if items else ""
    beside = render_beside(section, {entry.line for entry in record.timeline}, link)
    return "\n".join(part for part in (drawn, beside) if part)


def _actions(section: SectionText, record: Postmortem, link: LinkTarget) -> str:
    is_public = record.origin == "public"
    drawn = "".join(
        f"<li>{action_html(action, link, is_public=is_public)}</li>\n" for action in record.actions
    )
    listed = f'<ul class="kb-actions">\n{drawn}</ul>' if drawn else ""
    beside = render_beside(section, {action.line for action in record.actions}, link)
    return "\n".join(part for part in (listed, beside) if part)


def action_html(action: ActionItem, link: LinkTarget, *, is_public: bool = False) -> str:
    """One action with its state and attributes as chips."""
    names = ("owner", "due", "lever", "gate", "tracker", "closed")
    chips = "".join(
        f'<span class="kb-chip"><i>{name}</i> {escape(action.attribute(name))}</span>'
        for name in names
        if action.attribute(name)
    )
    name = f"<b>{escape(action.label)}</b> " if action.label else ""
    return (
        f"{state_badge(action.state, is_untold=is_public and action.state == 'open')}"
        f'<div>{name}{to_inline_html(action.text, link)}<div class="kb-chips">{chips}</div></div>'
    )


_DIVERGES = ' class="kb-diverges"'
_LEFT = "<small>left the path here</small>"

_RENDERERS: dict[str, Renderer] = {
    "timeline": _timeline,
    "policy_path": _policy_path,
    "outcome_asserts": _outcome_asserts,
    "idempotency": _idempotency,
    "actions": _actions,
}
