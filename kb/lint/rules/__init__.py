"""The families of rules, one file each. Importing this package registers every rule."""

from kb.lint.rules import (  # noqa: F401 - imported to register
    actions,
    blameless,
    clocks,
    counterfactual,
    effects,
    evidence,
    external,
    privacy,
    record,
    root_cause,
    sections,
    unread_content,
    unredacted,
)
