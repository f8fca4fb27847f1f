"""The record family: it can be read, is what its name says, and uses known keys and words."""

from kb.lint.rules.record import (  # noqa: F401 - imported to register
    keys,
    names,
    occurrences,
    unreadable_files,
    walls,
)
