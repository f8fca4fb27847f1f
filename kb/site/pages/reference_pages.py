"""The pages of the rules of `kb check`, and of the form with its questions and words."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby

from kb.format import in_words
from kb.lint.registry import all_rules
from kb.lint.rule import Rule
from kb.records.sections import Field, Section
from kb.site import links
from kb.site.content import Site
from kb.site.html import escape
from kb.site.links import SitePage
from kb.site.pages.pieces import block, heading

_WORD_LISTS = ("classes", "missing_control", "causes", "lever", "impact", "kind", "detected_by")


def rules_page() -> SitePage:
    """Every rule with its reason and examples, by family."""
    rules = sorted(all_rules(), key=lambda rule: (len(rule.code), rule.code))
    said = f"{len(rules)} rules that kb check applies, each with a reason and an example."
    parts = [
        block(f'<header class="kb-head"><h1>Rules</h1><p class="kb-quiet">{said}</p></header>')
    ]
    for family, members in groupby(rules, key=lambda rule: rule.family):
        parts += [heading(in_words(family)), block("\n".join(_rule(rule) for rule in members))]
    body = "\n\n".join(parts)
    return SitePage(links.RULES, "Rules", body, said, searchable=False, contents=True)


def _rule(rule: Rule) -> str:
    tail = [rule.severity, *(["kb fmt mends it"] if rule.fixable else [])]
    tail += [] if rule.default else ["off unless enabled"]
    return (
        f'<details class="kb-rule" id="{escape(rule.code.lower())}"><summary><code>'
        f"{escape(rule.code)}</code> {escape(rule.name)} "
        f"<small>{', '.join(tail)}</small></summary>\n"
        f"<div><p>{escape(rule.reason)}</p>{_example('Instead of', rule.bad)}"
        f"{_example('write', rule.good)}</div></details>"
    )


def _example(name: str, text: str) -> str:
    shown = escape(text.strip()).replace("\n", "&#10;")
    return (
        f'<p class="kb-quiet">{name}</p><pre tabindex="0"><code>{shown}</code></pre>'
        if text
        else ""
    )


def template_page(site: Site) -> SitePage:
    """The form: each section with its question, its evidence lines, and an example."""
    said = "Every section of a postmortem, the question it answers, and the words it may use."
    parts = [
        block(
            f'<header class="kb-head"><h1>The form</h1><p class="kb-quiet">{said}</p>'
            "<p><code>kb new &quot;What the agent did&quot;</code> begins one; "
            "<code>--one-page</code> asks only what can be answered in half an hour.</p></header>"
        )
    ]
    for section in site.form.sections:
        parts += [heading(section.heading), block(_section(site, section))]
    for name in _WORD_LISTS:
        parts += [heading(f"Words: {in_words(name).lower()}"), block(_words(site, name))]
    body = "\n\n".join(parts)
    return SitePage(links.TEMPLATE, "The form", body, said, searchable=False, contents=True)


def _section(site: Site, section: Section) -> str:
    needed = ", ".join(name for name, keys in site.form.profiles.items() if section.key in keys)
    fields = "".join(_field(field) for field in section.fields)
    listed = f'<dl class="kb-evidence">{fields}</dl>' if fields else ""
    return (
        f"<p><b>{escape(section.prompt)}</b></p>\n{listed}"
        f'<p class="kb-quiet">Asked for in: {escape(needed)}</p>'
        f"{_example('For example', section.example)}"
    )


def _field(field: Field) -> str:
    words = f" <small>{escape(', '.join(field.words))}</small>" if field.words else ""
    many = " <small>may repeat</small>" if field.many else ""
    return (
        f"<div><dt><code>{escape(field.key)}</code></dt>"
        f"<dd>{escape(field.prompt)}{words}{many}</dd></div>\n"
    )


def _words(site: Site, name: str) -> str:
    body = "".join(
        f"<div><dt><code>{escape(word.name)}</code></dt><dd>{escape(word.definition)}"
        f" <small>{escape(word.source)}</small></dd></div>\n"
        for word in site.form.taxonomies[name]
    )
    return f'<dl class="kb-evidence">{body}</dl>'


def reference_pages(site: Site) -> Iterator[SitePage]:
    """The pages for writers; an edition for others has none."""
    if site.edition.is_internal:
        yield rules_page()
        yield template_page(site)
