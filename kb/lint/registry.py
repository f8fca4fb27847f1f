"""All rules: importing the families registers them."""

from __future__ import annotations

import msgspec

from kb.config import CheckConfig, ScopeConfig
from kb.lint import rules as _rules  # noqa: F401 - imported to register
from kb.lint.rule import Rule, enabled_rules, refuse_unknown_rules, registered_rules


def all_rules() -> tuple[Rule, ...]:
    """Every rule, by code."""
    return registered_rules()


def active_rules(settings: CheckConfig) -> tuple[Rule, ...]:
    """The rules that run under these settings: disabled wins over enabled.

    Raises `KbError` for a name that no rule has.
    """
    refuse_unknown_rules((*settings.disable, *settings.enable), "kb.toml [check]")
    return enabled_rules(all_rules(), settings)


def rules_of_scope(settings: CheckConfig, scope: ScopeConfig) -> tuple[Rule, ...]:
    """The rules that run for the files of a scope, whose own list wins over that for all.

    Raises `KbError` for a name that no rule has.
    """
    refuse_unknown_rules((*scope.disable, *scope.enable), "kb.toml [[form.scope]]")
    others = [name for name in settings.disable if name not in scope.enable]
    merged = msgspec.structs.replace(
        settings,
        disable=(*others, *scope.disable),
        enable=(*settings.enable, *scope.enable),
    )
    return active_rules(merged)
