"""`kb rules`: the rules of `kb check`, found by any part of what they say."""

from __future__ import annotations

import click

from kb.errors import KbError
from kb.lint.registry import all_rules
from kb.lint.rule import ADVICE, Rule
from kb.streams import echo


@click.command("rules")
@click.argument("text", required=False)
def command(text: str | None) -> None:
    """List the rules whose code, name or reason holds TEXT; without TEXT all of them.

    kb check --explain RULE shows one with its examples.
    """
    found = find_rules(text or "")
    if not found:
        raise KbError(f"no rule speaks of '{text}'", todo="'kb rules' lists them all.")
    for rule in found:
        echo(row(rule))


def find_rules(text: str) -> tuple[Rule, ...]:
    """The rules with that code or name, else those that hold every word of the text."""
    wanted = text.strip().lower()
    exact = tuple(rule for rule in all_rules() if wanted in {rule.code.lower(), rule.name})
    return exact or tuple(rule for rule in all_rules() if _holds(rule, wanted))


def row(rule: Rule) -> str:
    """A rule in one line."""
    notes = ["advice"] if rule.severity == ADVICE else []
    notes += [] if rule.default else ["off by default"]
    remark = f" ({', '.join(notes)})" if notes else ""
    return f"{rule.code} {rule.name}{remark}: {rule.reason.partition('. ')[0].rstrip('.')}."


def _holds(rule: Rule, wanted: str) -> bool:
    named = f"{rule.code} {rule.name} {rule.name.replace('-', ' ')} {rule.family} {rule.reason}"
    return all(word in named.lower() for word in wanted.replace("-", " ").split())
