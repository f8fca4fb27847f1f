"""The pages of the rules of `kb check`, and of the form with its questions and words."""

from __future__ import annotations

from collections.abc import Iterator

from kb.humanize import in_words
from kb.lint.registry import all_rules
from kb.lint.rule import Rule
from kb.sentences import sentences
from kb.site import links
from kb.site.content import Site
from kb.site.pages.page import PageValues

_WORD_LISTS = (
    *("classes", "missing_control", "causes", "lever", "impact", "kind", "detected_by"),
    *("warned_by", "contained_by"),
)


def rules(site: Site) -> Iterator[PageValues]:
    """Every rule with its reason and examples, by family."""
    found = sorted(all_rules(), key=lambda rule: (len(rule.code), rule.code))
    text = f"{len(found)} rules that kb check applies, each with a reason and an example."
    families: dict[str, list[tuple[Rule, str, str, str]]] = {}
    for rule in found:
        families.setdefault(in_words(rule.family), []).append(_rule_row(rule))
    values = {"said": text, "families": families.items()}
    yield PageValues(links.RULES, "Rules", values, text, contents=True)


def _rule_row(rule: Rule) -> tuple[Rule, str, str, str]:
    """A rule, its remarks, the first sentence of its reason, and what follows that."""
    first, *rest = sentences(rule.reason)
    return rule, _remarks(rule), first, " ".join(rest)


def _remarks(rule: Rule) -> str:
    parts = (rule.severity, rule.fixable and "kb fmt mends it", not rule.default and _DISABLED)
    return ", ".join(one for one in parts if one)


_DISABLED = "off unless enabled"


def form(site: Site) -> Iterator[PageValues]:
    """The form: each section with its question, its evidence lines, and an example."""
    text = "Every section of a postmortem, the question it answers, and the words it may use."
    profiles = site.form.profiles.items()
    values = {
        "said": text,
        "sections": [
            (section, ", ".join(name for name, keys in profiles if section.key in keys))
            for section in site.form.sections
        ],
        "word_lists": [
            (in_words(name).lower(), site.form.taxonomies[name]) for name in _WORD_LISTS
        ],
    }
    yield PageValues(links.TEMPLATE, "The form", values, text, contents=True)
