"""The actions family: what every promise must say, and whether its attributes can be read."""

from kb.lint.rules import actions  # noqa: F401 - imported to register
from kb.lint.rules.actions import attributes  # noqa: F401 - imported to register
