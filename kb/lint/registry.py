"""All rules: importing the families registers them."""

from __future__ import annotations

from kb.config import CheckConfig
from kb.lint import rules as _rules  # noqa: F401 - imported to register
from kb.lint.rule import Rule, registered_rules, switched_on


def all_rules() -> tuple[Rule, ...]:
    """Every rule, by code."""
    return registered_rules()


def active_rules(settings: CheckConfig) -> tuple[Rule, ...]:
    """The rules that run under these settings: disabled wins over enabled."""
    return switched_on(all_rules(), settings)
