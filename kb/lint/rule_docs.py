"""The documentation of the rules: one page each and an index, from the registry."""

from __future__ import annotations

import re
from itertools import groupby

from kb.lint.registry import all_rules
from kb.lint.rule import ADVICE, Rule
from kb.statistics import share_interval

_FAMILIES = {
    "record": "Can it be read, and does it use known keys, types and words?",
    "sections": "Are the sections there, once, and filled in?",
    "clocks": "Are the times there, in order, and the same everywhere?",
    "evidence": "Does what is claimed stand on something that was checked?",
    "root_cause": "Does it end at a mechanism, and does an action remove it?",
    "actions": "Who does what by when, with which lever?",
    "blameless": "Is it about the system?",
    "counterfactual": "Which earlier incident should have prevented it?",
    "privacy": "Are there secrets or personal data in it?",
    "external": "May it leave the house?",
}

#: Firings of the rules that judge wording, on public postmortems: how many a reader found right,
#: and how many were read. The list is tests/data/judgements.jsonl; a test compares.
READ_BY_HAND = {
    "blame-word": (12, 13),
    "human-error-as-cause": (17, 19),
    "judged-person": (73, 83),
    "vague-action": (301, 327),
}


def rule_pages() -> dict[str, str]:
    """File name to Markdown: `index.md`, and one page a rule named by its code."""
    rules = all_rules()
    return {"index.md": _index(rules)} | {page_name(rule): rule_page(rule) for rule in rules}


def page_name(rule: Rule) -> str:
    """The file name of a rule's page."""
    return f"{rule.code}.md"


def rule_page(rule: Rule) -> str:
    """The page of one rule."""
    return "\n".join(
        [
            f"# {rule.code} {rule.name}",
            "",
            rule.reason,
            "",
            "Instead of",
            "",
            *_block(rule.bad),
            "",
            "write",
            "",
            *_block(rule.good),
            "",
            *_facts(rule),
            "",
        ]
    )


def _block(example: str) -> list[str]:
    """The example in a fence longer than any inside it."""
    longest = max((len(run) for run in re.findall(r"`{3,}", example)), default=2)
    fence = "`" * (longest + 1)
    return [f"{fence}text", example, fence]


def _facts(rule: Rule) -> list[str]:
    facts = [f"Family: {rule.family.replace('_', ' ')}.", f"Severity: {_severity(rule)}."]
    if rule.fixable:
        facts.append("`kb fmt` mends it.")
    if not rule.default:
        facts.append(f'Off unless `kb.toml` has `check.enable = ["{rule.name}"]`.')
    if rule.name in READ_BY_HAND:
        facts.append(_how_often_right(*READ_BY_HAND[rule.name]))
    facts.append(f"To silence it in one record: `# kb: allow {rule.name} — why` in front matter.")
    if rule.default:
        facts.append(f'To switch it off for all: `check.disable = ["{rule.name}"]` in `kb.toml`.')
    return [f"- {fact}" for fact in facts]


def _how_often_right(right: int, read: int) -> str:
    low, high = share_interval(right, read) or (0.0, 1.0)
    return (
        f"Right in {right} of {read} firings on public postmortems, read by hand "
        f"(95 % interval {low:.2f} to {high:.2f})."
    )


def _severity(rule: Rule) -> str:
    if rule.severity == ADVICE:
        return "advice, which fails a check only under `--strict`"
    return "error"


def _index(rules: tuple[Rule, ...]) -> str:
    lines = ["# Rules", ""]
    lines += ["Generated from the code; `kb check --explain CODE` shows the same.", ""]
    for family, members in groupby(rules, key=lambda rule: rule.family):
        lines += [f"## {family.replace('_', ' ').capitalize()}", "", _FAMILIES.get(family, ""), ""]
        lines += ["| rule | severity | why |", "| --- | --- | --- |"]
        lines += [_row(rule) for rule in members]
        lines.append("")
    return "\n".join(lines)


def _row(rule: Rule) -> str:
    notes = rule.severity
    notes += ", fixable" if rule.fixable else ""
    notes += "" if rule.default else ", off by default"
    reason = rule.reason.replace("|", "\\|")
    return f"| [{rule.code} {rule.name}]({page_name(rule)}) | {notes} | {reason} |"
